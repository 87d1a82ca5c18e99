import { type Page, expect, expectAccessible, expectNoSidewaysScroll, open, picture, test } from "../support/slipway.js";

const PROJECT = "/orgs/acme/projects/checkout";

/** Makes an item of that title; its page's address. */
async function made(page: Page, title: string, kind = "Task"): Promise<string> {
  await page.goto(`${PROJECT}/items/new`);
  await page.getByLabel("Title").fill(title);
  await page.getByLabel("Type").selectOption({ label: kind });
  const join = page.getByLabel(/Plan into/);
  if (await join.count()) await join.uncheck();
  await page.getByRole("button", { name: "Create item" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText(title);
  return new URL(page.url()).pathname;
}

async function key(page: Page): Promise<string> {
  return (await page.locator(".page-head code").innerText()).trim();
}

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? "with JavaScript" : "without JavaScript";
  const mark = javaScriptEnabled ? "js" : "plain";

  test(`every field of an item is edited, and its history tells of it, ${how}`, async ({ as }) => {
    const mara = await as("mara", { javaScriptEnabled });
    await made(mara, `Whole of ${mark}`, "Requirement");
    const whole = await key(mara);
    const item = await made(mara, `Edited ${mark}`, "Bug");
    await mara.goto(`${item}/edit`);
    if (javaScriptEnabled) await expectAccessible(mara);
    await mara.getByLabel("Description").fill("# Steps\n\n- [x] pay\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n<script>alert(1)</script>");
    await mara.getByLabel("Labels").fill("payments, ui");
    await mara.getByLabel("Due").fill("2027-01-15");
    await mara.getByLabel("Part of").fill(whole);
    await mara.getByLabel("Severity").selectOption({ label: "Fatal" });
    await mara.getByRole("button", { name: "Save" }).click();
    await expect(mara).toHaveURL(item.replace(/[A-Z]+-/, ""));
    const main = mara.getByRole("main");
    await expect(main.getByRole("heading", { name: "Steps" })).toBeVisible();
    await expect(main).toContainText("☑ pay");
    await expect(main).toContainText("<script>alert(1)</script>");
    await expect(main).toContainText("Severity: Normal → Fatal");
    await expect(main).toContainText("changed the description");
    await expect(main.getByRole("link", { name: whole })).toBeVisible();
    if (javaScriptEnabled) {
      await expectAccessible(mara);
      await picture(mara, "item");
    }
  });

  test(`what two people changed at once is refused with both values, ${how}`, async ({ as }) => {
    const [mara, quinn] = [await as("mara", { javaScriptEnabled }), await as("quinn")];
    const item = await made(mara, `Shared ${mark}`);
    await mara.goto(`${item}/edit`);
    await quinn.goto(`${item}/edit`);
    await quinn.getByLabel("Title").fill(`By Quinn ${mark}`);
    await quinn.getByRole("button", { name: "Save" }).click();
    await expect(quinn.getByRole("heading", { level: 1 })).toContainText(`By Quinn ${mark}`);
    await mara.getByLabel("Title").fill(`By Mara ${mark}`);
    await mara.getByLabel("Labels").fill("kept");
    await mara.getByRole("button", { name: "Save" }).click();
    const told = mara.getByRole("alert");
    await expect(told).toContainText(`By Quinn ${mark}`);
    await expect(told).toContainText(`By Mara ${mark}`);
    await expect(mara.getByLabel("Title")).toHaveValue(`By Mara ${mark}`);
    await expect(mara.getByLabel("Labels")).toHaveValue("kept");
    await mara.getByRole("button", { name: "Save" }).click();
    await expect(mara.getByRole("heading", { level: 1 })).toContainText(`By Mara ${mark}`);
  });

  test(`people comment, link and watch, ${how}`, async ({ as }) => {
    const quinn = await as("quinn", { javaScriptEnabled });
    await made(quinn, `Other end ${mark}`);
    const other = await key(quinn);
    await made(quinn, `Talked about ${mark}`);
    const main = quinn.getByRole("main");
    await quinn.getByLabel("New comment").fill(`See ${other}. <img src=x onerror=alert(1)>`);
    await quinn.getByRole("button", { name: "Comment", exact: true }).click();
    await expect(main.locator(".comment")).toContainText("<img src=x onerror=alert(1)>");
    await expect(main.locator(".comment").getByRole("link", { name: other })).toBeVisible();
    await expect(main.getByRole("button", { name: "Stop watching" })).toBeVisible();
    await quinn.getByLabel("Relation").selectOption({ label: "Blocks" });
    await quinn.getByLabel("Item, as in CHK-12").fill(other);
    await quinn.getByRole("button", { name: "Link", exact: true }).click();
    const remove = main.getByRole("button", { name: `Remove the link to ${other}` });
    await expect(remove).toBeVisible();
    await remove.click();
    await expect(remove).toHaveCount(0);
  });
}

test("an iteration is planned and filled from the backlog", async ({ as }) => {
  const mara = await as("mara");
  await made(mara, "Waits in the backlog");
  const waiting = await key(mara);
  await open(mara, `${PROJECT}/iterations`);
  await mara.getByText("Plan an iteration").click();
  await mara.getByLabel("Name").fill("Iteration of the spec");
  await mara.getByLabel("First day").fill("2027-02-01");
  await mara.getByLabel("Last day").fill("2027-02-14");
  await mara.getByRole("button", { name: "Plan", exact: true }).click();
  await expect(mara.getByRole("link", { name: "Iteration of the spec" })).toBeVisible();
  await expectAccessible(mara);
  await open(mara, `${PROJECT}/backlog?words=${encodeURIComponent("Waits in the backlog")}`);
  await expectAccessible(mara);
  await mara.getByLabel(`Choose ${waiting}`).check();
  await mara.getByLabel("Plan into").selectOption({ label: "Iteration of the spec" });
  await mara.getByRole("button", { name: "Change the chosen items" }).click();
  await expect(mara.getByText("The backlog is empty")).toBeVisible();
  await open(mara, `${PROJECT}/iterations`);
  await mara.getByRole("link", { name: "Iteration of the spec" }).click();
  await expect(mara.getByRole("main")).toContainText("It was not started yet");
});

test("the iteration that runs shows its burndown, and each number opens its items", async ({ as }) => {
  const mara = await as("mara");
  await open(mara, `${PROJECT}/iterations/1`);
  await expectAccessible(mara);
  await picture(mara, "iteration");
  await mara.getByText("As a table").first().click();
  await mara.getByRole("table", { name: "Burndown" }).getByRole("link").last().click();
  await expect(mara.getByRole("heading", { name: /Items at the end of/ })).toBeVisible();
});

test("the insights show flow, bugs and delivery", async ({ as }) => {
  const mara = await as("mara");
  await open(mara, `${PROJECT}/insights`);
  await expect(mara.getByRole("heading", { name: "Cumulative flow" })).toBeVisible();
  await expectAccessible(mara);
  await picture(mara, "insights");
  await mara.getByRole("link", { name: "Delivery" }).click();
  await expect(mara.getByRole("heading", { name: "Deployment frequency" })).toBeVisible();
  await expectAccessible(mara);
});

test("the pages of the work fit a phone", { tag: "@only-phone" }, async ({ as }) => {
  const mara = await as("mara");
  for (const path of ["items/CHK-4/edit", "backlog", "iterations", "iterations/1", "insights", "insights/dora"]) {
    await open(mara, `${PROJECT}/${path}`);
    await expectNoSidewaysScroll(mara);
    await expectAccessible(mara, ["light"]);
  }
});
