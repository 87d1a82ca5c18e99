import { type Page, expect, expectAccessible, expectNoSidewaysScroll, open, picture, test } from "../support/slipway.js";

const ORG = "/orgs/acme";

/** A project of the test's own, with an iteration that runs. */
async function project(page: Page, slug: string, key: string): Promise<string> {
  await page.goto(`${ORG}/projects/new`);
  await page.getByLabel("Name", { exact: true }).fill(`Report ${slug}`);
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

async function item(page: Page, at: string, title: string, kind = "Task"): Promise<void> {
  await page.goto(`${at}/items/new`);
  await page.getByLabel("Title").fill(title);
  await page.getByLabel("Type").selectOption({ label: kind });
  await page.getByRole("button", { name: "Create item" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText(title);
}

/** Calls the API as the page's person. */
async function call(page: Page, method: "post" | "patch" | "put", path: string, data: unknown): Promise<void> {
  const answer = await page.request[method](`/api/v1${path}`, { data, headers: { origin: new URL(page.url()).origin } });
  expect(answer.ok(), `${method} ${path}: ${answer.status()} ${await answer.text()}`).toBe(true);
}

const box = (page: Page, title: string) =>
  page.locator("section.box", { has: page.getByRole("heading", { name: title, exact: true }) });

test("an iteration is reported: planned, added, removed, finished, not finished, to be printed", { tag: "@nojs" }, async ({ as }, info) => {
  const javaScriptEnabled = info.project.name !== "nojs";
  const [slug, key] = javaScriptEnabled ? ["reports", "REP"] : ["reports-plain", "REQ"];
  const ada = await as("ada", { javaScriptEnabled });
  const at = await project(ada, slug, key);
  for (const title of ["Planned and done", "Planned <img src=x onerror=alert(1)>"]) await item(ada, at, title);
  await call(ada, "post", `${at}/iterations/planned`, { name: "Ship it", goal: "Refunds", starts_on: "2026-01-05", ends_on: "2026-01-16" });

  // Before the start there is nothing to report, and the page says so.
  await ada.goto(`${at}/iterations/1/report`);
  await expect(ada.getByRole("main")).toContainText("as soon as the iteration has been started");

  await ada.goto(`${at}/backlog`);
  for (const number of [1, 2]) await ada.getByLabel(`Choose ${key}-${number}`).check();
  await ada.getByLabel("Plan into").selectOption({ label: "Ship it" });
  await ada.getByRole("button", { name: "Change the chosen items" }).click();
  await expect(ada.getByText("The backlog is empty")).toBeVisible();
  await call(ada, "post", `${at}/iterations/1/start`, {});
  await item(ada, at, "Came later");
  for (const state of ["in_progress", "in_test", "done"]) {
    await call(ada, "put", `${at}/items/1/state`, { state });
  }

  await (javaScriptEnabled ? open(ada, `${at}/iterations/1`) : ada.goto(`${at}/iterations/1`));
  await ada.getByRole("link", { name: "Report", exact: true }).click();
  await expect(ada.getByRole("heading", { level: 1 })).toContainText("Report: Ship it");
  const sums = box(ada, "In numbers");
  await expect(sums.getByRole("row", { name: /Planned at the start/ })).toContainText("2 items");
  await expect(box(ada, "Finished").getByRole("row").nth(1)).toContainText("Ada Okafor");
  await expect(box(ada, "Not finished")).toContainText("Planned <img src=x onerror=alert(1)>");
  await expect(box(ada, "Added after the start")).toContainText("Came later");
  await expect(box(ada, "Removed")).toContainText("None.");
  await sums.getByRole("row", { name: /^Finished/ }).getByRole("link").click();
  await expect(ada).toHaveURL(/#finished$/);

  const markdown = await ada.request.get(`/api/v1${at}/iterations/1/report-export?format=markdown`);
  expect(await markdown.text()).not.toContain("<img");
  const csv = await ada.request.get(`/api/v1${at}/iterations/1/report-export`);
  expect(await csv.text()).toContain(`finished,${key}-1,Planned and done`);
  const json = await (await ada.request.get(`/api/v1${at}/iterations/1/report`)).json();
  expect(json.items.planned.map((one: { key: string }) => one.key)).toEqual([`${key}-1`, `${key}-2`]);

  if (javaScriptEnabled) {
    await expectAccessible(ada);
    await picture(ada, "iteration-report");
  }
  // On paper: no navigation, nothing to press, black on white in either theme.
  await ada.emulateMedia({ media: "print", colorScheme: "dark" });
  await expect(ada.getByRole("navigation").first()).toBeHidden();
  await expect(ada.getByRole("button", { name: "Print" })).toBeHidden();
  await expect(box(ada, "Finished")).toBeVisible();
  const look = await ada.evaluate(() => {
    const style = getComputedStyle(document.body);
    return [style.color, style.backgroundColor];
  });
  expect(look).toEqual(["rgb(0, 0, 0)", "rgb(255, 255, 255)"]);
  await picture(ada, "iteration-report-print");
  await ada.emulateMedia({ media: null, colorScheme: null });
});

test("a day's number of the flow and of bugs opens its items", async ({ as }) => {
  const ada = await as("ada");
  const at = await project(ada, "counted", "CNT");
  await item(ada, at, "A task that waits");
  await item(ada, at, "A bug that is open", "Bug");
  await open(ada, `${at}/insights?days=7`);
  const flow = box(ada, "Cumulative flow");
  await flow.getByText("As a table").click();
  await flow.getByRole("row").last().getByRole("link", { name: "2", exact: true }).click();
  await expect(ada.getByRole("heading", { level: 1 })).toContainText("Items that were “To do”");
  await expect(ada.getByRole("row")).toHaveCount(3);
  await expectAccessible(ada);
  await open(ada, `${at}/insights?days=7`);
  const bugs = box(ada, "Bug trend");
  await bugs.getByText("As a table").click();
  await bugs.getByRole("row").last().getByRole("link", { name: "1", exact: true }).first().click();
  await expect(ada.getByRole("heading", { level: 1 })).toContainText("Open bugs");
  await expect(ada.getByRole("main")).toContainText("A bug that is open");
});

test("the backlog opens with one's default view, and the filter leads out of it", { tag: "@nojs" }, async ({ as }, info) => {
  const javaScriptEnabled = info.project.name !== "nojs";
  const [slug, key] = javaScriptEnabled ? ["opened", "OPN"] : ["opened-plain", "OPP"];
  const ada = await as("ada", { javaScriptEnabled });
  const at = await project(ada, slug, key);
  await item(ada, at, "A task");
  await item(ada, at, "A bug", "Bug");
  const look = (path: string) => (javaScriptEnabled ? open(ada, `${at}/${path}`) : ada.goto(`${at}/${path}`));
  for (const [path, query, other] of [["backlog", "kind=bug", "A task"], ["bugs", "severity=fatal", "A bug"]] as const) {
    await look(`${path}?${query}`);
    await ada.getByText("Save and manage views").click();
    await ada.getByLabel("Name of the view").first().fill("Mine");
    await ada.getByLabel("The page opens with it").first().check();
    await ada.getByRole("button", { name: "Save view" }).click();
    await expect(ada.getByRole("link", { name: /^Mine/ })).toBeVisible();
    await look(path);
    await expect(ada.getByRole("main").getByText(other, { exact: true })).toHaveCount(0);
    await ada.getByRole("link", { name: "Everything" }).click();
    await expect(ada.getByRole("main").getByText(other, { exact: true })).toBeVisible();
  }
  if (javaScriptEnabled) await expectAccessible(ada);
});

test("an epic has a start, which is not after its due day, and the side says where one is", async ({ as }) => {
  const ada = await as("ada");
  const at = await project(ada, "starts", "STA");
  await item(ada, at, "From February", "Epic");
  await ada.getByRole("link", { name: "Edit", exact: true }).click();
  await ada.getByLabel("Start", { exact: true }).fill("2027-03-31");
  await ada.getByLabel("Due").fill("2027-02-01");
  await ada.getByRole("button", { name: "Save" }).click();
  await expect(ada.locator(".error-summary")).toContainText("it is due on 2027-02-01");
  await expect(ada.getByLabel("Start", { exact: true })).toHaveValue("2027-03-31");
  await ada.getByLabel("Start", { exact: true }).fill("2027-01-15");
  await ada.getByRole("button", { name: "Save" }).click();
  for (const path of ["roadmap", "table", "board"]) {
    await open(ada, `${at}/${path}`);
    await expect(ada.getByRole("navigation").getByRole("link", { name: "Board", exact: true }).first()).toHaveAttribute("aria-current", "page");
  }
  await open(ada, `${at}/roadmap`);
  await expect(ada.getByRole("main").getByRole("listitem")).toContainText(/15 Jan.*1 Feb/);
});

test("the report and the counted items fit a phone", { tag: "@only-phone" }, async ({ as }) => {
  const mara = await as("mara");
  for (const path of ["iterations/1/report", "insights/items?what=todo&day=2026-01-01", "bugs"]) {
    await open(mara, `/orgs/acme/projects/checkout/${path}`);
    await expectNoSidewaysScroll(mara);
    await expectAccessible(mara, ["light"]);
  }
});
