import { expect, test } from "../support/slipway.js";

/** A part of the WASM that belongs to some pages only. */
const PART = /\/pkg\/(?!slipway_bg\.).*\.wasm$/;

test("a click before the page's part has come is followed, and the page behind it comes alive", async ({ as }) => {
  const page = await as("dora");
  let asked = 0;
  let bring = () => {};
  const brought = new Promise<void>((resolve) => {
    bring = resolve;
  });
  await page.route(PART, async (route) => {
    asked += 1;
    await brought;
    await route.continue();
  });
  const main = page.waitForResponse(/\/pkg\/slipway_bg\.wasm$/);
  await page.goto("/orgs/acme/projects/checkout", { waitUntil: "domcontentloaded" });
  await (await main).finished();
  await expect.poll(() => asked).toBeGreaterThan(0);
  await page.getByRole("navigation").getByRole("link", { name: "Board" }).first().click();
  bring();
  await expect(page).toHaveURL(/\/board$/);
  await page.locator("html[data-alive]").waitFor({ state: "attached" });
  await page.getByRole("navigation").getByRole("link", { name: "Bugs" }).first().click();
  await expect(page).toHaveURL(/\/bugs$/);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Bugs");
});
