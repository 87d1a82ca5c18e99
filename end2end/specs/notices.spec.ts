import { type Page, expect, expectAccessible, expectNoSidewaysScroll, open, test } from "../support/slipway.js";

const PROJECT = "/orgs/acme/projects/checkout";

const bell = (page: Page) => page.getByRole("banner").getByRole("link", { name: /^Notifications/ });
const thread = (page: Page, subject: string) => page.locator(".thread", { hasText: subject });

/** Somebody writes a work item for somebody else. */
async function assign(page: Page, title: string, to: string): Promise<void> {
  await page.goto(`${PROJECT}/items/new`);
  await page.getByLabel("Title").fill(title);
  await page.getByLabel("Assignee").selectOption({ label: to });
  // The board is what other specs count.
  await page.getByLabel("Plan into Iteration 1").uncheck();
  await page.getByRole("button", { name: "Create" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText(title);
}

test.describe.configure({ mode: "serial" });

test("whom it concerns hears of it at once, and reads it", async ({ as }) => {
  const [mara, quinn] = [await as("mara"), await as("quinn")];
  await open(quinn, "/notifications");
  await expect(quinn.getByRole("heading", { level: 1 })).toHaveText("Notifications");
  const everything = quinn.getByRole("button", { name: "Mark all as read" });
  if (await everything.isVisible()) await everything.click();
  await expect(bell(quinn)).toHaveAccessibleName("Notifications");
  await assign(mara, "Look at the refunds", "Quinn Park");
  await expect(bell(quinn)).toHaveAccessibleName("Notifications, 1 unread");
  const told = thread(quinn, "Look at the refunds");
  await expect(told).toContainText("Mara Stone assigned it to you");
  await expect(told).toHaveClass(/unread/);
  await expectAccessible(quinn);
  await told.getByRole("link", { name: /Look at the refunds/ }).click();
  await expect(quinn.getByRole("heading", { level: 1 })).toContainText("Look at the refunds");
  await expect(bell(quinn)).toHaveAccessibleName("Notifications");
  await expect(bell(mara)).not.toHaveAccessibleName(/unread.*Look/);
  await mara.goto("/notifications");
  await expect(thread(mara, "Look at the refunds")).toHaveCount(0);
});

test("a mark shows before the server answers, and goes back when it refuses", async ({ as }) => {
  const [mara, quinn] = [await as("mara"), await as("quinn")];
  await assign(mara, "Count the captures", "Quinn Park");
  await open(quinn, "/notifications?unread=1");
  const told = thread(quinn, "Count the captures");
  await expect(told).toHaveClass(/unread/);
  let release: () => void = () => {};
  const held = new Promise<void>((done) => (release = done));
  await quinn.route("**/api/fn/notice/mark", async (route) => {
    await held;
    await route.fulfill({
      status: 503,
      contentType: "application/json",
      body: JSON.stringify({ code: "x", status: 503, message: "Not now.", hint: "", fields: [], request_id: "" }),
    });
  });
  await told.getByRole("button", { name: "Mark as read" }).click();
  await expect(told).not.toHaveClass(/unread/);
  release();
  await expect(quinn.locator(".toast")).toContainText("Not now.");
  await expect(told).toHaveClass(/unread/);
  await quinn.unroute("**/api/fn/notice/mark");
});

test("without JavaScript everything is read by a form @only-nojs", async ({ as }) => {
  const [mara, dora] = [await as("mara", { javaScriptEnabled: false }), await as("dora", { javaScriptEnabled: false })];
  await assign(mara, "Write it down", "Dora Diaz");
  await dora.goto("/notifications");
  await expect(bell(dora)).toHaveAccessibleName(/unread/);
  await thread(dora, "Write it down").getByRole("button", { name: "Mark as read" }).click();
  await expect(dora).toHaveURL(/\/notifications$/);
  await expect(thread(dora, "Write it down")).not.toHaveClass(/unread/);
  const everything = dora.getByRole("button", { name: "Mark all as read" });
  if (await everything.isVisible()) await everything.click();
  await expect(dora.getByRole("main")).toContainText("All caught up");
  await dora.goto("/notifications?unread=1");
  await expect(dora.getByRole("main")).toContainText("All caught up");
});

test("a kind is switched off, and a project muted @nojs", async ({ as, javaScriptEnabled }) => {
  const oli = await as("ops-oli", { javaScriptEnabled });
  await oli.goto("/notifications/settings");
  for (const name of ["A run that I started fails", "Notifications from Checkout"]) {
    const one = oli.getByRole("switch", { name });
    await expect(one).toBeChecked();
    await one.click();
    await expect(one).not.toBeChecked();
    await oli.reload();
    await expect(one).not.toBeChecked();
    await one.click();
    await expect(one).toBeChecked();
  }
  if (javaScriptEnabled) await expectAccessible(oli);
});

test("on a phone, in Chinese @only-phone", async ({ as, viewport }) => {
  const phone = { viewport, isMobile: true, hasTouch: true };
  const [mara, lin] = [await as("mara", phone), await as("lin", { ...phone, locale: "zh-CN" })];
  await assign(mara, "查看退款", "Lin 林立");
  await lin.goto("/notifications");
  await expect(lin.getByRole("heading", { level: 1 })).toHaveText("通知");
  await expect(thread(lin, "查看退款")).toContainText("Mara Stone 将其分配给你");
  await expectNoSidewaysScroll(lin);
  await expectAccessible(lin);
});
