import { type Page, expect, expectAccessible, expectNoSidewaysScroll, open, test } from "../support/slipway.js";

const ORG = "/orgs/acme";

/** The navigation at the side. */
const side = (page: Page) => page.getByRole("navigation", { name: "Main navigation" });

/** The box with that heading. */
const box = (page: Page, title: string) =>
  page.locator("section.box", { has: page.getByRole("heading", { name: title, exact: true }) });

test("an owner makes a project and an app, renames, archives and deletes them", { tag: "@nojs" }, async ({ as }, info) => {
  const javaScriptEnabled = info.project.name !== "nojs";
  const look = (page: Page, address: string) => (javaScriptEnabled ? open(page, address) : page.goto(address));
  const [slug, renamed, key] = javaScriptEnabled ? ["search", "find", "SEA"] : ["ledger", "books", "LED"];
  const ada = await as("ada", { javaScriptEnabled });

  await look(ada, ORG);
  await ada.getByRole("link", { name: "New project" }).click();
  await ada.getByLabel("Name", { exact: true }).fill(`Place ${slug}`);
  await ada.getByLabel("Name in addresses").fill("checkout");
  await ada.getByLabel("Key").fill(key);
  if (javaScriptEnabled) await expectAccessible(ada);
  await ada.getByRole("button", { name: "Create project" }).click();
  await expect(ada.locator(".error-summary")).toContainText("this name is taken");
  await expect(ada.getByLabel("Name", { exact: true })).toHaveValue(`Place ${slug}`);
  await ada.getByLabel("Name in addresses").fill(slug);
  await ada.getByRole("button", { name: "Create project" }).click();
  await expect(ada).toHaveURL(new RegExp(`/projects/${slug}$`));
  const old = `${ORG}/projects/${slug}`;
  const now = `${ORG}/projects/${renamed}`;

  await look(ada, `${old}/apps/new`);
  await ada.getByLabel("Name", { exact: true }).fill("Index");
  await ada.getByLabel("Name in addresses").fill("index");
  await ada.getByRole("button", { name: "Create app" }).click();
  await expect(ada).toHaveURL(new RegExp(`${old}/apps/index$`));

  await look(ada, `${old}/settings`);
  if (javaScriptEnabled) await expectAccessible(ada);
  const general = box(ada, "General");
  await general.getByLabel("Name in addresses").fill(renamed);
  await general.getByRole("button", { name: "Save", exact: true }).click();
  await expect(ada).toHaveURL(new RegExp(`${now}/settings$`));
  await ada.goto(`${old}/board`);
  await expect(ada).toHaveURL(new RegExp(`${now}/board$`));
  await ada.goto(`${old}/apps/index`);
  await expect(ada).toHaveURL(new RegExp(`${now}/apps/index$`));

  await look(ada, `${now}/settings`);
  await ada.getByLabel("Boards").uncheck();
  await ada.getByRole("button", { name: "Save switches" }).click();
  await expect(side(ada).getByRole("link", { name: "Board" })).toHaveCount(0);
  await ada.goto(`${now}/board`);
  await expect(ada.getByRole("main")).toContainText("Boards are switched off in this project");
  const refused = await ada.request.get(`/api/fn/item/board?org=acme&project=${renamed}`);
  expect(refused.status()).toBe(422);
  expect(await refused.text()).toContain("feature_off");

  await look(ada, `${now}/settings`);
  await ada.getByRole("button", { name: "Archive", exact: true }).click();
  await expect(ada.getByRole("main")).toContainText("This project is archived");
  await ada.goto(`${now}/apps/new`);
  await expect(ada.getByRole("button", { name: "Create app" })).toHaveCount(0);
  await look(ada, `${now}/settings`);
  await ada.getByRole("button", { name: "Restore" }).click();
  await expect(ada.getByRole("main")).not.toContainText("This project is archived");

  const end = box(ada, "Delete");
  await end.getByLabel(`Type “Place ${slug}” to confirm`).fill(renamed);
  await end.getByRole("button", { name: "Delete for good" }).click();
  await expect(end.locator(".error-summary")).toContainText("this is not its name");
  await end.getByLabel(`Type “Place ${slug}” to confirm`).fill(`Place ${slug}`);
  await end.getByRole("button", { name: "Delete for good" }).click();
  await expect(ada).toHaveURL(new RegExp(`${ORG}$`));
  await expect(ada.getByRole("main")).not.toContainText(`Place ${slug}`);
  await ada.goto(`${now}/settings`);
  await expect(ada.getByRole("main")).toContainText("There is nothing here, or you may not see it.");
});

test("a GitLab connection is made, tested, changed and removed", { tag: "@nojs" }, async ({ as }, info) => {
  const javaScriptEnabled = info.project.name !== "nojs";
  const name = `Second GitLab ${info.project.name}`;
  const ada = await as("ada", { javaScriptEnabled });
  ada.on("dialog", (dialog) => dialog.accept());
  const page = `${ORG}/settings/gitlab`;
  if (javaScriptEnabled) await open(ada, page);
  else await ada.goto(page);
  const known = await ada.locator("dd code").first().innerText();
  const add = box(ada, "Connect by a token");
  await add.getByLabel("Name").fill(name);
  await add.getByLabel("Address").fill("http://169.254.169.254");
  await add.getByLabel("Access token").fill("glpat-wrong");
  await add.getByRole("button", { name: "Add" }).click();
  await expect(add.locator(".error-summary")).toContainText("This address leads to 169.254.169.254");
  await expect(add.getByLabel("Name")).toHaveValue(name);
  await add.getByLabel("Address").fill(known);
  await add.getByLabel("Access token").fill("glpat-wrong");
  await add.getByRole("button", { name: "Add" }).click();

  const card = box(ada, name);
  await card.getByRole("button", { name: "Test connection" }).click();
  await expect(card).toContainText("GitLab refuses the connection's token");
  if (javaScriptEnabled) await expectAccessible(ada);
  expect(await ada.content()).not.toContain("glpat-wrong");
  await card.getByText("Change", { exact: true }).click();
  await card.getByLabel("Address").fill("http://gitlab.example.com");
  await card.getByRole("button", { name: "Save" }).click();
  await expect(card.locator(".error-summary")).toContainText("another address needs its own token");
  await card.getByRole("button", { name: "Remove" }).click();
  await expect(box(ada, name)).toHaveCount(0);
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
  await expectNoSidewaysScroll(ada);
});

test("what somebody may not manage has no settings for them", async ({ as }) => {
  const dora = await as("dora");
  await dora.goto(`${ORG}/projects/checkout/settings`);
  await expect(dora.getByRole("main")).toContainText("project owner, project lead");
  await expect(dora.getByRole("button", { name: "Delete for good" })).toHaveCount(0);
  await expect(side(dora).getByRole("link", { name: "Settings" })).toHaveCount(0);
});

test("what was chosen and typed stays when the page is drawn again", async ({ as }) => {
  const ada = await as("ada");
  await open(ada, "/orgs/acme/projects/checkout/environments");
  const dev = ada.locator("li.box").first();
  await dev.locator("summary").first().click();
  const cluster = dev.getByLabel("Cluster");
  const other = (await cluster.locator("option").evaluateAll((all) => all.map((one) => (one as HTMLOptionElement).value))).at(-1)!;
  await cluster.selectOption(other);
  await dev.getByLabel("Namespace").fill("checkout-elsewhere");
  // Somebody changes something of the project meanwhile.
  const drawn = ada.waitForResponse(/environment\/list/);
  await ada.evaluate(() =>
    fetch("/api/v1/orgs/acme/projects/checkout/environments/uat/quota", {
      method: "PUT",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ pods: String(100 + Math.floor(Math.random() * 900)) }),
    }),
  );
  await (await drawn).finished();
  await ada.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  await expect(cluster).toHaveValue(other);
  await expect(dev.getByLabel("Namespace")).toHaveValue("checkout-elsewhere");
});
