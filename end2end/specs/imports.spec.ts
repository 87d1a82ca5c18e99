import { type Page, expect, expectAccessible, expectNoSidewaysScroll, open, test } from "../support/slipway.js";

const ORG = "/orgs/acme";

test("a GitLab group becomes apps: chosen over filters, named, and followed to the end", { tag: "@nojs" }, async ({ as }, info) => {
  const javaScriptEnabled = info.project.name !== "nojs";
  const look = (page: Page, address: string) => (javaScriptEnabled ? open(page, address) : page.goto(address));
  // Each way takes repositories of its own: one is connected only once.
  const [slug, key, first, second, proposed] = javaScriptEnabled
    ? ["depot", "DEP", "warehouse/stock-service", "warehouse/label-printer", "stock-service"]
    : ["yard", "YRD", "warehouse/Pick_List.API", "warehouse/tools/barcode", "pick-list-api"];
  const ada = await as("ada", { javaScriptEnabled });
  const main = ada.getByRole("main");
  const box = (path: string) => ada.locator("label.choice", { has: ada.getByText(path, { exact: true }) }).getByRole("checkbox");

  await look(ada, `${ORG}/projects/new`);
  await ada.getByLabel("Name", { exact: true }).fill(`Place ${slug}`);
  await ada.getByLabel("Name in addresses").fill(slug);
  await ada.getByLabel("Key").fill(key);
  await ada.getByRole("button", { name: "Create project" }).click();
  await expect(ada).toHaveURL(new RegExp(`/projects/${slug}$`));
  await main.getByRole("link", { name: "Import from GitLab" }).click();

  await ada.getByLabel("Find a group").fill("warehouse");
  await ada.getByRole("button", { name: "Find" }).click();
  await main.getByRole("link", { name: "Warehouse", exact: true }).click();
  await expect(box(first)).toBeVisible();
  const old = ada.locator("label.choice", { hasText: "warehouse/old-scanner" });
  await expect(old).toContainText("archived");
  await expect(old.getByRole("checkbox")).not.toBeChecked();
  if (javaScriptEnabled) await expectAccessible(ada);

  // Nothing ticked is told; what is ticked stays while one looks for more.
  await ada.getByRole("button", { name: "Go on to the names" }).click();
  await expect(ada.locator(".error-summary")).toContainText("No repository is chosen");
  await box(first).check();
  await ada.getByLabel("Find a repository").fill(second.split("/").pop()!);
  await ada.getByRole("button", { name: "Find" }).click();
  await expect(box(first)).toHaveCount(0);
  await expect(main).toContainText("1 chosen so far");
  await box(second).check();
  await ada.getByRole("button", { name: "Go on to the names" }).click();

  await expect(ada.getByRole("heading", { name: "Name the apps" })).toBeVisible();
  const fields = ada.locator("fieldset", { has: ada.getByText(first, { exact: true }) });
  await expect(fields.getByLabel("Name in addresses")).toHaveValue(proposed);
  if (javaScriptEnabled) await expectAccessible(ada);
  await fields.getByLabel("Name in addresses").fill("Not A Slug");
  await ada.getByRole("button", { name: "Import 2 repositories" }).click();
  await expect(main).toContainText("1 of them must be changed before the import can start");
  await expect(fields).toContainText("use only a-z, 0-9 and -");
  await expect(fields.getByLabel("Name in addresses")).toHaveValue("Not A Slug");
  await fields.getByLabel("Name in addresses").fill(`first-of-${slug}`);
  await ada.getByRole("button", { name: "Import 2 repositories" }).click();

  await expect(ada.getByRole("heading", { name: "Import of warehouse" })).toBeVisible();
  await expect(async () => {
    if (!javaScriptEnabled) await ada.reload();
    await expect(main).toContainText("2 of 2 done", { timeout: 1000 });
  }).toPass();
  if (javaScriptEnabled) await expectAccessible(ada);
  await main.getByRole("row", { name: first }).getByRole("link").click();
  await expect(ada).toHaveURL(new RegExp(`/projects/${slug}/apps/first-of-${slug}$`));

  // What has an app cannot be chosen again.
  await look(ada, `${ORG}/projects/${slug}`);
  await main.getByRole("link", { name: "Import from GitLab" }).click();
  await main.getByRole("link", { name: "Warehouse", exact: true }).click();
  await expect(box(first)).toBeDisabled();
  await expect(main).toContainText("used by");
});

test("the chooser fits a phone @phone", async ({ as }) => {
  const ada = await as("ada");
  await open(ada, `${ORG}/projects/checkout/import?search=warehouse`);
  await ada.getByRole("main").getByRole("link", { name: "Warehouse", exact: true }).click();
  await expect(ada.locator("label.choice").first()).toBeVisible();
  await expectNoSidewaysScroll(ada);
});

test("who may not make and connect apps has no import", async ({ as }) => {
  const dora = await as("dora");
  await open(dora, `${ORG}/projects/checkout`);
  await expect(dora.getByRole("link", { name: "Import from GitLab" })).toHaveCount(0);
  await dora.goto(`${ORG}/projects/checkout/import`);
  await expect(dora.getByRole("main")).toContainText("You may not");
});
