import { type Page, expect, expectAccessible, expectNoSidewaysScroll, open, picture, test } from "../support/slipway.js";

const PROJECT = "/orgs/acme/projects/checkout";
const BOARD = `${PROJECT}/board`;

const column = (page: Page, name: string) =>
  page.locator("section.board-column", { has: page.getByRole("heading", { name, exact: true }) });
const card = (page: Page, key: string) => page.locator(`#card-${key}`);

test.describe.configure({ mode: "serial" });

test("9 · the manager opens the board: the iteration with its items and their states", async ({ as }) => {
  const mara = await as("mara");
  await mara.goto(PROJECT);
  await mara.getByRole("navigation", { name: "Main navigation" }).getByRole("link", { name: "Board" }).click();
  await expect(mara.getByRole("heading", { level: 1 })).toHaveText("Iteration 1");
  await expect(mara.getByRole("main")).toContainText("of 25 points done");
  for (const name of ["To do", "In progress", "In test", "Done", "Won’t do"]) await expect(column(mara, name)).toHaveCount(1);
  await expect(column(mara, "To do")).toContainText("Refund button on the order page");
  await expectAccessible(mara);
  await picture(mara, "board");
});

test("a card is moved by drag, and others see it at once", async ({ as }) => {
  const [mara, quinn] = [await as("mara"), await as("quinn")];
  await open(quinn, BOARD);
  await open(mara, BOARD);
  // Scrolled while the button is down, another card would be under the pointer when the drag begins.
  await column(mara, "In progress").scrollIntoViewIfNeeded();
  await card(mara, "CHK-1").dragTo(column(mara, "In progress"));
  await expect(column(mara, "In progress").locator("#card-CHK-1")).toBeVisible();
  await expect(column(quinn, "In progress").locator("#card-CHK-1")).toBeVisible();
  await mara.reload();
  await expect(column(mara, "In progress").locator("#card-CHK-1")).toBeVisible();
});

test("a card is moved by keyboard, and a screen reader hears where", async ({ as }) => {
  const mara = await as("mara");
  await open(mara, BOARD);
  const said = mara.locator("p[role=status]");
  await card(mara, "CHK-2").focus();
  await mara.keyboard.press("Space");
  await expect(said).toContainText("Lifted: To do");
  await mara.keyboard.press("ArrowRight");
  await expect(said).toContainText("In progress");
  await expect(card(mara, "CHK-2")).toBeFocused();
  await mara.keyboard.press("Escape");
  await expect(said).toHaveText("CHK-2 is back where it was");
  await expect(column(mara, "To do").locator("#card-CHK-2")).toBeFocused();
  await mara.keyboard.press("Space");
  await mara.keyboard.press("ArrowRight");
  await expect(said).toContainText("In progress");
  await mara.keyboard.press("Space");
  await expect(said).toContainText("CHK-2 dropped: In progress");
  await mara.reload();
  await expect(column(mara, "In progress").locator("#card-CHK-2")).toBeVisible();
});

test("a move that the server refuses slides back, with the reason", async ({ as }) => {
  const mara = await as("mara");
  await open(mara, BOARD);
  await card(mara, "CHK-8").focus();
  await mara.route("**/api/fn/item/move", (route) =>
    route.fulfill({
      status: 409,
      contentType: "application/json",
      body: JSON.stringify({ code: "item.moved", status: 409, message: "Somebody moved it.", hint: "", fields: [], request_id: "" }),
    }),
  );
  await mara.keyboard.press("Space");
  await mara.keyboard.press("ArrowRight");
  await expect(column(mara, "In progress").locator("#card-CHK-8")).toBeVisible();
  await mara.keyboard.press("Space");
  await expect(column(mara, "To do").locator("#card-CHK-8")).toBeVisible();
  await expect(mara.locator(".toast")).toContainText("CHK-8: Somebody moved it.");
});

test("without JavaScript a card is moved by its menu", async ({ as }) => {
  const mara = await as("mara", { javaScriptEnabled: false });
  await mara.goto(BOARD);
  await mara.getByLabel("Move CHK-3").click();
  await card(mara, "CHK-3").getByRole("button", { name: "In test" }).click();
  await expect(column(mara, "In test").locator("#card-CHK-3")).toBeVisible();
});

test("an item is added at the foot of a column and by the form", async ({ as }) => {
  const mara = await as("mara");
  await open(mara, BOARD);
  const todo = column(mara, "To do");
  await todo.getByText("Add a card").click();
  await todo.getByLabel("Add an item…").fill("Refunds for gift cards");
  await todo.getByRole("button", { name: "Add", exact: true }).click();
  await expect(todo).toContainText("Refunds for gift cards");
  await mara.getByRole("link", { name: "New item" }).click();
  await expect(mara.getByRole("heading", { level: 1 })).toHaveText("New item");
  await mara.getByLabel("Title").fill("The receipt is sent twice");
  await mara.getByLabel("Type").selectOption({ label: "Bug" });
  await mara.getByLabel("Severity").selectOption({ label: "Serious" });
  await mara.getByLabel("Assignee").selectOption({ label: "Dora Diaz" });
  await expectAccessible(mara);
  await mara.getByRole("button", { name: "Create item" }).click();
  await expect(mara.getByRole("heading", { level: 1 })).toContainText("The receipt is sent twice");
  await expectAccessible(mara);
});

test("9 · the bug list shows them with state and severity, and a tester moves one on", async ({ as }) => {
  const quinn = await as("quinn");
  await open(quinn, `${PROJECT}/bugs`);
  const row = quinn.getByRole("row", { name: /The receipt is sent twice/ });
  await expect(row).toContainText("Serious");
  await expect(row).toContainText("Dora Diaz");
  await expectAccessible(quinn);
  await quinn.getByRole("link", { name: /Capture timeouts are not counted/ }).click();
  await quinn.getByRole("button", { name: "Resolved" }).click();
  await expect(quinn.getByRole("main")).toContainText("In progress → Resolved");
  await open(quinn, `${PROJECT}/bugs`);
  await expect(quinn.getByRole("row", { name: /Capture timeouts/ })).toContainText("Resolved");
});

test("the board fits a phone", { tag: "@only-phone" }, async ({ as }) => {
  const mara = await as("mara");
  for (const address of [BOARD, `${PROJECT}/bugs`, `${PROJECT}/items/CHK-4`, `${PROJECT}/items/new`]) {
    await open(mara, address);
    await expectNoSidewaysScroll(mara);
    await expectAccessible(mara, ["light"]);
  }
});
