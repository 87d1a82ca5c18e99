import { expect, expectAccessible, expectNoSidewaysScroll, open, test } from "../support/slipway.js";

const ORG = "/orgs/acme";

test.describe.configure({ mode: "serial" });

test("an owner makes a project and an app, renames, archives and deletes them", async ({ as }) => {
  const ada = await as("ada");
  await open(ada, ORG);
  await ada.getByRole("link", { name: "New project" }).click();
  await ada.getByLabel("Name", { exact: true }).fill("Search");
  await ada.getByLabel("Name in addresses").fill("search");
  await ada.getByLabel("Key").fill("SEA");
  await expectAccessible(ada);
  await ada.getByRole("button", { name: "Create project" }).click();
  await expect(ada).toHaveURL(/\/projects\/search$/);
  await ada.getByRole("navigation", { name: "Main navigation" }).getByRole("link", { name: "Settings" }).click();
  await expectAccessible(ada);
  await ada.getByLabel("Name in addresses").fill("find");
  await ada.getByRole("button", { name: "Save", exact: true }).first().click();
  await expect(ada).toHaveURL(/\/projects\/find\/settings$/);
  await ada.goto(`${ORG}/projects/search/board`);
  await expect(ada).toHaveURL(/\/projects\/find\/board$/);
  await open(ada, `${ORG}/projects/find/settings`);
  await ada.getByLabel("Boards").uncheck();
  await ada.getByRole("button", { name: "Save switches" }).click();
  await expect(ada.getByRole("navigation", { name: "Main navigation" }).getByRole("link", { name: "Board" })).toHaveCount(0);
  await ada.getByRole("button", { name: "Archive", exact: true }).click();
  await expect(ada.getByRole("main")).toContainText("This project is archived");
  await ada.getByRole("button", { name: "Restore" }).click();
  await expect(ada.getByRole("main")).not.toContainText("This project is archived");
  await ada.getByLabel("Type “Search” to confirm").fill("Search");
  await ada.getByRole("button", { name: "Delete for good" }).click();
  await expect(ada).toHaveURL(new RegExp(`${ORG}$`));
  await expect(ada.getByRole("main")).not.toContainText("Search");
});

test("a project in which something runs is not deleted, without JavaScript @only-nojs", async ({ as }) => {
  const ada = await as("ada", { javaScriptEnabled: false });
  await ada.goto(`${ORG}/projects/checkout/settings`);
  await ada.getByLabel("Type “Checkout” to confirm").fill("checkout");
  await ada.getByRole("button", { name: "Delete for good" }).click();
  await expect(ada.locator(".error-summary")).toContainText("this is not its name");
});

test("connections are tested, and say what is missing @phone", async ({ as }) => {
  const ada = await as("ada");
  await open(ada, `${ORG}/settings/gitlab`);
  await ada.getByRole("button", { name: "Test connection" }).first().click();
  await expect(ada.getByRole("main")).toContainText("The token is of");
  await expectNoSidewaysScroll(ada);
  await open(ada, `${ORG}/settings/clusters`);
  await ada.getByRole("button", { name: "Test connection" }).first().click();
  await expect(ada.getByRole("main")).toContainText("It answers as v");
});
