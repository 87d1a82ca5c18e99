import { expect, expectAccessible, test } from "../support/slipway.js";
import { fresh } from "../support/server.js";

const OWNER = { username: "wanda", name: "Wanda Wind", password: "a good long password" };

test("an administrator sets Slipway up in the browser, from nothing to a repository that can be deployed", async ({ browser }) => {
  test.setTimeout(120_000);
  const slipway = await fresh(OWNER);
  try {
    const context = await browser.newContext({ baseURL: slipway.url });
    const page = await context.newPage();
    const main = page.getByRole("main");
    const box = (title: string) => page.locator("section.box", { has: page.getByRole("heading", { name: title, exact: true }) });

    await page.goto("/sign-in");
    await page.getByLabel("Username").fill(OWNER.username);
    await page.getByLabel("Password", { exact: true }).fill(OWNER.password);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await main.getByRole("link", { name: /Nordwind/ }).first().click();

    // The page of the empty organization names the steps.
    await main.getByRole("link", { name: /GitLab/ }).first().click();
    await expect(page).toHaveURL(/\/settings\/gitlab$/);
    await box("Connect by a token").getByLabel("Name").fill("Our GitLab");
    await box("Connect by a token").getByLabel("Address").fill(slipway.gitlab.url);
    await box("Connect by a token").getByLabel("Access token").fill(slipway.gitlab.token);
    await box("Connect by a token").getByRole("button", { name: "Add" }).click();
    await box("Our GitLab").getByRole("button", { name: "Test connection" }).click();
    await expect(box("Our GitLab")).toContainText("The token is of");

    await page.goto("/orgs/nordwind/settings/clusters");
    await page.locator("html[data-alive]").waitFor({ state: "attached" });
    const add = box("Add a cluster");
    await add.getByLabel("Name").fill("Our cluster");
    await add.getByLabel("From a file").setInputFiles({
      name: "config",
      mimeType: "text/yaml",
      buffer: Buffer.from(slipway.kubeconfig),
    });
    await expect(add.getByLabel("kubeconfig", { exact: true })).toHaveValue(/sandbox/);
    await add.getByRole("button", { name: "Add" }).click();
    await box("Our cluster").getByRole("button", { name: "Test connection" }).click();
    await expect(box("Our cluster")).toContainText("Slipway may do all it needs in default.");

    await page.goto("/orgs/nordwind/projects/new");
    await page.getByLabel("Name", { exact: true }).fill("Shop");
    await page.getByLabel("Name in addresses").fill("shop");
    await page.getByLabel("Key").fill("SHOP");
    await page.getByRole("button", { name: "Create project" }).click();
    await expect(page).toHaveURL(/\/projects\/shop$/);

    // What a page can do, a program can: the chain by the REST API, in this very session.
    const bound = await page.evaluate(async () => {
      const clusters = (await (await fetch("/api/v1/orgs/nordwind/clusters")).json()) as { id: string }[];
      const environments = ["dev", "qa", "uat", "live"].map((key) =>
        fetch(`/api/v1/orgs/nordwind/projects/shop/environments/${key}`, {
          method: "PUT",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify({ cluster: clusters[0]?.id, namespace: `shop-${key}`, branches: [] }),
        }),
      );
      return (await Promise.all(environments)).map((answer) => answer.status);
    });
    expect(bound).toEqual([204, 204, 204, 204]);
    await page.goto("/orgs/nordwind/projects/shop/environments");
    for (const [position, key] of ["dev", "qa", "uat", "live"].entries()) {
      await expect(page.locator("li.box").nth(position)).toContainText(`Our cluster / shop-${key}`);
    }
    await expectAccessible(page);

    await page.goto("/orgs/nordwind/projects/shop/import");
    await main.getByRole("link", { name: "Acme", exact: true }).click();
    await page.locator("label.choice").first().getByRole("checkbox").check();
    await page.getByRole("button", { name: "Go on to the names" }).click();
    await page.getByRole("button", { name: /^Import/ }).click();
    await expect(main).toContainText("1 of 1 done");
    await main.getByRole("table").getByRole("link").first().click();
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    await expect(main).toContainText("Nothing yet");
    await context.close();
  } finally {
    await slipway.stop();
  }
});
