import { fault } from "../support/gitlab.js";
import { expect, expectAccessible, expectNoSidewaysScroll, open, test } from "../support/slipway.js";

const ORG = "/orgs/acme";
const PROJECT = `${ORG}/projects/checkout`;
/** An app that these specs leave without a repository. */
const APP = `${PROJECT}/apps/order-api`;

/** Every main page, with its heading in both languages. */
const PAGES: [address: string, en: string, zh: string][] = [
  ["/", "My work", "我的工作"],
  ["/approvals", "Approvals", "审批"],
  [ORG, "Acme", "Acme"],
  [`${ORG}/members`, "Members", "成员"],
  [`${ORG}/members/dora`, "Dora Diaz", "Dora Diaz"],
  [`${ORG}/groups`, "Groups", "用户组"],
  [`${ORG}/roles`, "Roles", "角色"],
  [`${ORG}/audit`, "Audit", "审计"],
  [PROJECT, "Checkout", "Checkout"],
  [`${PROJECT}/environments`, "Environments", "环境"],
  [`${PROJECT}/members`, "Members", "成员"],
  [`${PROJECT}/members/dora`, "Dora Diaz", "Dora Diaz"],
  [`${PROJECT}/audit`, "Audit", "审计"],
  [APP, "Order API", "Order API"],
  [`${APP}/releases`, "Order API", "Order API"],
  [`${APP}/pipelines`, "Order API", "Order API"],
  [`${APP}/pipelines/new`, "New pipeline", "新建流水线"],
  [`${APP}/audit`, "Audit", "审计"],
  ["/search?q=refund", "Search", "搜索"],
  ["/notifications", "Notifications", "通知"],
  ["/notifications/settings", "Notification settings", "通知设置"],
];

for (const [address, heading] of PAGES) {
  test(`${address} is accessible and fits its window`, { tag: "@phone" }, async ({ as }, info) => {
    const ada = await as("ada");
    await open(ada, address);
    await expect(ada.getByRole("heading", { level: 1 })).toContainText(heading);
    await expectNoSidewaysScroll(ada);
    // The colors are those of the wide window.
    await expectAccessible(ada, info.project.name === "phone" ? ["light"] : ["light", "dark"]);
  });
}

test("every page speaks Chinese to who reads it", { tag: "@nojs" }, async ({ as }, info) => {
  const javaScriptEnabled = info.project.name !== "nojs";
  const ada = await as("ada", { locale: "zh-CN", javaScriptEnabled });
  for (const [address, , heading] of PAGES) {
    await ada.goto(address);
    await expect(ada.locator("html")).toHaveAttribute("lang", "zh-CN");
    await expect(ada.getByRole("heading", { level: 1 })).toContainText(heading);
  }
});

// The language is kept with the account: nobody else of these specs is Vic while he changes it.
test("theme and language are switched in the menu, and stay, also without JavaScript", async ({ as }) => {
  for (const javaScriptEnabled of [true, false]) {
    const vic = await as("vic", { javaScriptEnabled });
    const choose = async (name: string, value: string) => {
      await vic.locator("header.top .menu > summary").click();
      await vic.locator(`header.top button[name=${name}][value="${value}"]`).click();
    };
    await vic.goto(PROJECT);
    await choose("theme", "dark");
    await expect(vic.locator("html")).toHaveAttribute("data-theme", "dark");
    await expect(vic).toHaveURL(new RegExp(`${PROJECT}$`));
    await choose("locale", "zh-CN");
    await expect(vic.locator("html")).toHaveAttribute("lang", "zh-CN");
    await vic.goto("/approvals");
    await expect(vic.getByRole("heading", { level: 1 })).toHaveText("审批");
    await expect(vic.locator("html")).toHaveAttribute("data-theme", "dark");
    await choose("locale", "en");
    await expect(vic.getByRole("heading", { level: 1 })).toHaveText("Approvals");
  }
});

test("who only looks sees the board and moves nothing", async ({ as }) => {
  const vic = await as("vic");
  await open(vic, `${PROJECT}/board`);
  await expect(vic.locator("#card-CHK-5")).toBeVisible();
  await expect(vic.getByRole("link", { name: "New item" })).toHaveCount(0);
  await expect(vic.getByText("Move CHK-5")).toHaveCount(0);
  await expect(vic.locator("#card-CHK-5")).not.toHaveAttribute("draggable", "true");
  await open(vic, `${PROJECT}/items/new`);
  await expect(vic.getByRole("main")).toContainText("You may not do this");
});

test("places without anything say what would be there", { tag: ["@nojs", "@phone"] }, async ({ as }, info) => {
  const dora = await as("dora", { javaScriptEnabled: info.project.name !== "nojs" });
  const said: [string, string][] = [
    ["/approvals", "Nothing waits for you"],
    [APP, "No repository is connected"],
    [`${APP}/releases`, "No releases yet"],
    [`${APP}/pipelines`, "No repository is connected"],
    [`${APP}/pipelines/new`, "No repository is connected"],
  ];
  for (const [address, words] of said) {
    await dora.goto(address);
    await expect(dora.getByRole("main")).toContainText(words);
  }
});

test("what one may not do is refused with the role that may, and who can grant it", { tag: "@nojs" }, async ({ as }, info) => {
  const dora = await as("dora", { javaScriptEnabled: info.project.name !== "nojs" });
  const answer = await dora.goto(`${PROJECT}/audit`);
  expect(answer?.status()).toBe(403);
  const main = dora.getByRole("main");
  await expect(main.getByRole("heading", { level: 1 })).toHaveText("You may not do this");
  await expect(main).toContainText("project lead");
  await expect(main).toContainText("Ada Okafor");
  await expect(main).toContainText("Request");
  if (info.project.name === "js") await expectAccessible(dora);
});

test("what is not there, and what one may not see, is not found", { tag: "@nojs" }, async ({ as }, info) => {
  const dora = await as("dora", { javaScriptEnabled: info.project.name !== "nojs" });
  const nowhere = "01890000-0000-7000-8000-000000000000";
  for (const address of [
    "/orgs/nope",
    `${ORG}/projects/nope`,
    `${PROJECT}/apps/nope`,
    `${PROJECT}/items/CHK-9999`,
    `${APP}/releases/9.9.9`,
    `${APP}/runs/9999`,
    `${APP}/promotions/${nowhere}`,
    `/approvals/${nowhere}`,
    "/no/such/page",
  ]) {
    const answer = await dora.goto(address);
    expect(answer?.status(), address).toBe(404);
    await expect(dora.getByRole("heading", { level: 1 })).toHaveText("Not found");
  }
  if (info.project.name === "js") await expectAccessible(dora);
});

test("a GitLab that does not answer is said so where its repositories would be", async ({ as }) => {
  const devon = await as("devon");
  const end = await fault("/api/v4/projects\\?.*search=ledger", "status=503");
  try {
    await open(devon, `${PROJECT}/apps/ledger?search=ledger`);
    await expect(devon.getByRole("main").getByRole("alert")).toContainText("GitLab");
    await expect(devon.getByRole("heading", { level: 1 })).toHaveText("Ledger");
    await expectAccessible(devon);
  } finally {
    await end();
  }
  await devon.reload();
  await expect(devon.getByRole("radio", { name: "acme/ledger" })).toBeVisible();
});

test("when the server goes away, a form says so and keeps what was typed", async ({ as }) => {
  const dora = await as("dora");
  await open(dora, `${PROJECT}/items/new`);
  await dora.getByLabel("Title").fill("Typed before the tunnel");
  await dora.route("**/api/fn/item/create", (route) => route.abort());
  await dora.getByRole("button", { name: "Create item" }).click();
  await expect(dora.getByRole("alert")).toContainText("The server does not answer.");
  await expect(dora.getByRole("alert")).toBeFocused();
  await expect(dora.getByLabel("Title")).toHaveValue("Typed before the tunnel");
});

test("a form with a mistake keeps what was typed and names the field", { tag: "@nojs" }, async ({ as }, info) => {
  const dora = await as("dora", { javaScriptEnabled: info.project.name !== "nojs" });
  await dora.goto(`${PROJECT}/items/new`);
  await dora.getByLabel("Title").fill("An estimate that nobody believes");
  await dora.getByLabel("Estimate").fill("1000");
  await dora.getByRole("button", { name: "Create item" }).click();
  await expect(dora.getByRole("alert")).toBeVisible();
  await expect(dora.getByLabel("Estimate")).toHaveAttribute("aria-invalid", "true");
  await expect(dora.getByLabel("Title")).toHaveValue("An estimate that nobody believes");
});

test("the grid shows every app by environment", async ({ as }) => {
  const ada = await as("ada");
  await open(ada, PROJECT);
  for (const app of ["Ledger", "Order API", "Storefront"]) await expect(ada.getByRole("rowheader", { name: app })).toBeVisible();
  for (const environment of ["dev", "qa", "uat", "live"])
    await expect(ada.getByRole("columnheader", { name: environment })).toBeVisible();
});
