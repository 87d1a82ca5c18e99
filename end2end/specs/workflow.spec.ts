import { type Page, expect, expectAccessible, expectNoSidewaysScroll, open, picture, test } from "../support/slipway.js";

const ORG = "/orgs/acme";

/** A project of the test's own: what a board is set up to be concerns everybody in the project. */
async function project(page: Page, slug: string, key: string): Promise<string> {
  await page.goto(`${ORG}/projects/new`);
  await page.getByLabel("Name", { exact: true }).fill(`Flow ${slug}`);
  await page.getByLabel("Name in addresses").fill(slug);
  await page.getByLabel("Key").fill(key);
  await page.getByRole("button", { name: "Create project" }).click();
  await expect(page).toHaveURL(new RegExp(`/projects/${slug}$`));
  // Who owns the organization is no member of the project: boards are for its owners, leads and product managers.
  await page.goto(`${ORG}/projects/${slug}/members`);
  await page.getByLabel("Person or group").selectOption({ label: "Ada Okafor (ada)" });
  const form = page.locator("form", { has: page.getByLabel("Person or group") });
  await form.locator("select[name=role]").selectOption("project.owner");
  await page.getByRole("button", { name: "Give", exact: true }).click();
  await expect(page.getByRole("main").locator("li, tr").filter({ hasText: "Ada Okafor" }).filter({ hasText: /project owner/i }).first()).toBeVisible();
  return `${ORG}/projects/${slug}`;
}

const box = (page: Page, title: string) =>
  page.locator("section.box", { has: page.getByRole("heading", { name: title, exact: true }) });
const column = (page: Page, name: string) =>
  page.locator("section.board-column", { has: page.getByRole("heading", { name, exact: true }) });

async function item(page: Page, at: string, title: string, kind = "Task"): Promise<void> {
  await page.goto(`${at}/items/new`);
  await page.getByLabel("Title").fill(title);
  await page.getByLabel("Type").selectOption({ label: kind });
  await page.getByRole("button", { name: "Create item" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText(title);
}

test("a workflow gets a state, a transition that asks for a field, and a column with a limit", { tag: "@nojs" }, async ({ as }, info) => {
  const javaScriptEnabled = info.project.name !== "nojs";
  const look = (page: Page, address: string) => (javaScriptEnabled ? open(page, address) : page.goto(address));
  const [slug, key] = javaScriptEnabled ? ["flows", "FLO"] : ["flows-plain", "FLP"];
  const ada = await as("ada", { javaScriptEnabled });
  const at = await project(ada, slug, key);

  await look(ada, `${at}/board/setup/task`);
  if (javaScriptEnabled) {
    await expectAccessible(ada);
    await picture(ada, "workflow");
  }
  const states = box(ada, "States");
  await states.getByText("New state").click();
  const fresh = states.locator(".setup-new");
  await fresh.getByLabel("Name", { exact: true }).fill("n".repeat(80));
  await fresh.getByLabel("Name in Chinese").fill("评审中");
  await fresh.getByRole("button", { name: "Add state" }).click();
  await expect(fresh.getByText("at most 40 characters").first()).toBeVisible();
  await expect(fresh.getByLabel("Name in Chinese")).toHaveValue("评审中");
  await fresh.getByLabel("Name", { exact: true }).fill("In review");
  await fresh.getByLabel("Counts as").selectOption({ label: "In test" });
  await fresh.getByRole("button", { name: "Add state" }).click();
  await expect(states.locator("li", { hasText: "in_review" })).toContainText("no transition leads here");

  const ways = box(ada, "Transitions");
  const way = async (from: string, to: string, field?: string) => {
    await look(ada, `${at}/board/setup/task`);
    await ways.getByText("New transition").click();
    const form = ways.locator(".setup-new");
    await form.getByLabel("From").selectOption({ label: from });
    await form.getByLabel("To", { exact: true }).selectOption({ label: to });
    if (field) await form.getByLabel(field, { exact: true }).check();
    await form.getByRole("button", { name: "Add transition" }).click();
    await expect(ways.locator("li", { hasText: `${from} → ${to}` })).toBeVisible();
  };
  await way("In progress", "In review");
  await way("In review", "Done", "Assignee");

  await item(ada, at, "Reviewed");
  const main = ada.getByRole("main");
  await main.getByRole("button", { name: "In progress", exact: true }).click();
  await main.getByRole("button", { name: "In review" }).click();
  await expect(main).toContainText("needs “Assignee”: fill it on the item, then move it.");

  await look(ada, `${at}/board/setup`);
  const columns = box(ada, "Columns");
  const todo = columns.locator("li", { hasText: "To do" }).first();
  await todo.getByText("Change").click();
  await todo.getByLabel("Limit").fill("1");
  await todo.getByLabel("Beyond it").selectOption({ label: "Refuse another card" });
  await todo.getByRole("button", { name: "Save" }).click();
  await expect(columns.locator("li", { hasText: "To do" }).first()).toContainText("Limit 1");
  await item(ada, at, "Fits");
  await ada.goto(`${at}/items/new`);
  await ada.getByLabel("Title").fill("Too much");
  await ada.getByRole("button", { name: "Create item" }).click();
  await expect(ada.locator(".error-summary")).toContainText("“To do” holds 1 cards, and its limit is 1.");
  await expect(ada.getByLabel("Title")).toHaveValue("Too much");

  await look(ada, `${at}/board/setup/task`);
  const review = states.locator("li", { hasText: "in_review" });
  await review.getByText("Change").click();
  await review.getByLabel(/Its 1 items go to/).selectOption({ label: "Done" });
  await review.getByRole("button", { name: "Remove state" }).click();
  await expect(states.locator("li", { hasText: "in_review" })).toHaveCount(0);
  await look(ada, `${at}/board`);
  await expect(column(ada, "Done")).toContainText("Reviewed");
});

test("a full column refuses a card, which slides back with the reason", async ({ as }) => {
  const ada = await as("ada");
  const at = await project(ada, "limits", "LIM");
  for (const title of ["First", "Second"]) await item(ada, at, title);
  const setup = await ada.request.get(`/api/v1${at}/board-setup`);
  const { columns } = await setup.json();
  columns[1].limit = 1;
  columns[1].blocks = true;
  const put = await ada.request.put(`/api/v1${at}/board-setup`, {
    data: { columns, parent_follows: false },
    headers: { origin: new URL(ada.url()).origin },
  });
  expect(put.status()).toBe(204);
  await open(ada, `${at}/board`);
  for (const [key, stays] of [["LIM-1", "In progress"], ["LIM-2", "To do"]] as const) {
    await ada.locator(`#card-${key}`).focus();
    await ada.keyboard.press("Space");
    await ada.keyboard.press("ArrowRight");
    await ada.keyboard.press("Space");
    await expect(column(ada, stays).locator(`#card-${key}`)).toBeVisible();
    if (key === "LIM-1") await expect(column(ada, "In progress")).toContainText("1 of 1");
  }
  await expect(ada.locator(".toast")).toContainText("its limit is 1");
  await open(ada, `${at}/board?lanes=priority`);
  await expect(ada.getByRole("heading", { name: /Normal/ })).toBeVisible();
  await expectAccessible(ada);
});

test("an item is opened beside the board, and Esc gives the focus back", async ({ as }) => {
  const mara = await as("mara");
  await open(mara, "/orgs/acme/projects/checkout/board");
  const link = mara.locator("[data-opens='CHK-6']");
  await link.click();
  await expect(mara).toHaveURL(/item=CHK-6/);
  const drawer = mara.getByRole("dialog");
  await expect(drawer.getByRole("heading", { level: 2 }).first()).toBeFocused();
  await expectAccessible(mara);
  await mara.keyboard.press("Escape");
  await expect(drawer).toHaveCount(0);
  await expect(link).toBeFocused();
  await expect(mara).not.toHaveURL(/item=/);
});

for (const javaScriptEnabled of [true, false]) {
  test(`the table is sorted, saved as a view, and changed together, ${javaScriptEnabled ? "with" : "without"} JavaScript`, async ({ as }) => {
    const mara = await as("mara", { javaScriptEnabled });
    const mark = javaScriptEnabled ? "tablejs" : "tableplain";
    const at = "/orgs/acme/projects/checkout";
    for (const title of [`B ${mark}`, `A ${mark}`]) {
      await mara.goto(`${at}/items/new`);
      await mara.getByLabel("Title").fill(title);
      const join = mara.getByLabel(/Plan into/);
      if (await join.count()) await join.uncheck();
      await mara.getByRole("button", { name: "Create item" }).click();
      await expect(mara.getByRole("heading", { level: 1 })).toContainText(title);
    }
    await mara.goto(`${at}/table?words=${mark}`);
    await mara.getByRole("link", { name: "Title" }).click();
    await expect(mara).toHaveURL(/sort=title/);
    await expect(mara.getByRole("row").nth(1)).toContainText(`A ${mark}`);
    if (javaScriptEnabled) await expectAccessible(mara);
    for (const box of await mara.getByLabel(/^Choose/).all()) await box.check();
    const change = mara.locator("#change-items");
    await change.getByLabel("Priority").selectOption({ label: "Urgent" });
    await change.getByRole("button", { name: "Change the chosen items" }).click();
    await expect(mara.getByRole("row").nth(2)).toContainText("Urgent");
    await mara.getByText("Save and manage views").click();
    await mara.getByLabel("Name of the view").first().fill(`View ${mark}`);
    await mara.getByRole("button", { name: "Save view" }).click();
    await mara.goto(`${at}/table`);
    await mara.getByRole("link", { name: `View ${mark}` }).click();
    await expect(mara.getByRole("row")).toHaveCount(3);
  });
}

test("the roadmap shows epics, and a template begins a description", async ({ as }) => {
  const ada = await as("ada");
  const at = await project(ada, "roads", "ROA");
  await item(ada, at, "Refunds everywhere", "Epic");
  await ada.getByRole("link", { name: "Edit", exact: true }).click();
  await ada.getByLabel("Due").fill("2027-03-31");
  await ada.getByRole("button", { name: "Save" }).click();
  await open(ada, `${at}/roadmap`);
  await expect(ada.getByRole("main").getByRole("listitem")).toContainText("Refunds everywhere");
  await expectAccessible(ada);
  await open(ada, `${at}/board/setup/bug`);
  const templates = box(ada, "Templates of the description");
  await templates.getByText("New template").click();
  await templates.getByLabel("Name of the template").fill("Steps");
  await templates.getByLabel("Description").fill("## Steps to see it");
  await templates.getByRole("button", { name: "Save" }).click();
  await expect(templates.locator("li")).toContainText("Steps");
  await open(ada, `${at}/items/new?kind=bug`);
  await ada.getByRole("link", { name: "Steps", exact: true }).click();
  await expect(ada.getByLabel("Description")).toHaveValue("## Steps to see it");
});

test("the pages about workflows, tables and roadmaps fit a phone", { tag: "@only-phone" }, async ({ as }) => {
  const mara = await as("mara");
  for (const path of ["board/setup", "board/setup/bug", "table", "roadmap", "board?lanes=assignee", "board?item=CHK-4", "bugs"]) {
    await open(mara, `/orgs/acme/projects/checkout/${path}`);
    await expectNoSidewaysScroll(mara);
    await expectAccessible(mara, ["light"]);
  }
});
