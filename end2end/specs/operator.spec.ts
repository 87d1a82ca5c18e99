import { Provider } from "../support/oidc.js";
import { type Page, expect, expectAccessible, expectNoSidewaysScroll, open, signIn, test } from "../support/slipway.js";

/** The box with that heading. */
const box = (page: Page, title: string) =>
  page.locator("section.box", { has: page.getByRole("heading", { name: title, exact: true }) });

test("an operator adds a provider, people sign in with it at once, and nobody is locked out by mistake", { tag: "@nojs" }, async ({ browser, page }, info) => {
  const javaScriptEnabled = info.project.name !== "nojs";
  const look = (address: string) => (javaScriptEnabled ? open(page, address) : page.goto(address));
  const provider = await Provider.start();
  // Specs run side by side in one demo.
  const key = `sso-${info.project.name}`;
  const name = `Company ${info.project.name}`;
  provider.username = `pia-${info.project.name}`;
  page.on("dialog", (dialog) => dialog.accept());
  // In a session of its own: what is changed here asks for one that was begun lately.
  await signIn(page, "ops-oli");

  await look("/");
  await page.locator("header.top details.menu > summary").click();
  await page.getByRole("link", { name: "Server", exact: true }).click();
  await expect(page).toHaveURL(/\/operator$/);
  await expect(box(page, "Operators")).toContainText("Oli Berg");
  await look("/operator/sign-in");
  await expect(box(page, "From slipway.toml")).toContainText("GitLab");

  const add = box(page, "Add an OpenID Connect provider");
  await add.getByLabel("Key", { exact: true }).fill("gitlab");
  await add.getByLabel("Name", { exact: true }).fill(name);
  await add.getByLabel("Issuer").fill("http://169.254.169.254");
  await add.getByLabel("Client id").fill("slipway");
  await add.getByLabel("Client secret").fill("open sesame");
  await add.getByRole("button", { name: "Add" }).click();
  await expect(add.locator(".error-summary")).toContainText("an address of Slipway's own");
  await expect(add.locator(".error-summary")).toContainText("169.254.169.254");
  await expect(add.getByLabel("Name", { exact: true })).toHaveValue(name);
  await add.getByLabel("Key", { exact: true }).fill(key);
  await add.getByLabel("Issuer").fill(provider.url);
  await add.getByLabel("Client secret").fill("open sesame");
  await add.getByRole("button", { name: "Add" }).click();
  await expect(page).toHaveURL(new RegExp(`/operator/sign-in/${key}$`));
  await expect(page.getByRole("main")).toContainText(`/sign-in/${key}/callback`);
  await expect(page.locator("html")).not.toContainText("open sesame");

  provider.hasCodeFlow = false;
  await page.getByRole("button", { name: "Test", exact: true }).click();
  await expect(page.getByRole("main")).toContainText("no authorization code flow");
  provider.hasCodeFlow = true;
  await page.getByRole("button", { name: "Test", exact: true }).click();
  await expect(page.getByRole("main")).toContainText("people can sign in with it");
  if (javaScriptEnabled) await expectAccessible(page);

  const pia = await (await browser.newContext({ javaScriptEnabled })).newPage();
  await pia.goto("/sign-in");
  await pia.getByRole("link", { name: `Sign in with ${name}` }).click();
  await expect(pia).not.toHaveURL(/sign-in/);
  await pia.goto("/me");
  await expect(pia.getByRole("main")).toContainText(provider.username);

  await look(`/operator/sign-in/${key}`);
  const end = box(page, "Switch off or delete");
  await expect(end).toContainText("One person has no password and no other way in");
  await end.getByRole("button", { name: "Switch off" }).click();
  await expect(end.locator(".error-summary")).toContainText("One person could not sign in any more");
  await end.locator("form", { has: page.getByRole("button", { name: "Switch off" }) }).getByRole("checkbox").check();
  await end.getByRole("button", { name: "Switch off" }).click();
  await expect(end.getByRole("button", { name: "Switch on" })).toBeVisible();
  const other = await (await browser.newContext({ javaScriptEnabled })).newPage();
  await other.goto("/sign-in");
  await expect(other.getByRole("link", { name: `Sign in with ${name}` })).toHaveCount(0);
  await pia.goto("/me");
  await expect(pia.getByRole("main")).toContainText(provider.username);

  await end.getByRole("button", { name: "Delete" }).click();
  await expect(page).toHaveURL(/\/operator\/sign-in$/);
  await expect(page.getByRole("main")).not.toContainText(name);
  await look("/operator/audit?action=provider.");
  await expect(page.getByRole("main")).toContainText("provider.remove");
  await provider.stop();
});

test("operators make others, and the last one stays", { tag: "@nojs" }, async ({ page }, info) => {
  const javaScriptEnabled = info.project.name !== "nojs";
  const look = (address: string) => (javaScriptEnabled ? open(page, address) : page.goto(address));
  // One of the demo's people each, since specs run side by side.
  const somebody = javaScriptEnabled ? "Mara Stone" : "Vic Novak";
  page.on("dialog", (dialog) => dialog.accept());
  await signIn(page, "ops-oli");
  await look("/operator?q=stone");
  const all = box(page, "All accounts");
  await expect(all.locator(".list-row")).toHaveCount(1);
  await expect(all).toContainText("Mara Stone");
  await look(`/operator?q=${encodeURIComponent(somebody)}`);
  await all.getByRole("button", { name: "Make operator" }).click();
  const operators = box(page, "Operators");
  await expect(operators).toContainText(somebody);
  await operators
    .locator(".list-row", { hasText: somebody })
    .getByRole("button", { name: "Take operator away" })
    .click();
  await expect(operators).not.toContainText(somebody);
});

test("for everybody else the pages of operators are not there", { tag: "@nojs" }, async ({ as }, info) => {
  const ada = await as("ada", { javaScriptEnabled: info.project.name !== "nojs" });
  for (const address of ["/operator", "/operator/sign-in", "/operator/audit"]) {
    const answer = await ada.goto(address);
    expect(answer?.status()).toBe(404);
    await expect(ada.getByRole("main")).toContainText("Not found");
  }
  // The menu does not know of them; the way above a page only says what was typed.
  await ada.goto("/");
  await expect(ada.getByRole("link", { name: "Server", exact: true })).toHaveCount(0);
});

for (const locale of ["en-US", "zh-CN"]) {
  test.describe(`in ${locale}`, () => {
    test.use({ locale });
    test("the pages of operators are accessible and fit a phone", { tag: "@phone" }, async ({ as }, info) => {
      const { viewport, isMobile, hasTouch, deviceScaleFactor } = info.project.use;
      const page = await as("ops-oli", { locale, viewport, isMobile, hasTouch, deviceScaleFactor });
      for (const address of ["/operator", "/operator/sign-in", "/operator/audit"]) {
        await open(page, address);
        await expectAccessible(page);
        await expectNoSidewaysScroll(page);
      }
    });
  });
}
