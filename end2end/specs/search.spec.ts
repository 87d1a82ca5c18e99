import { type Page, alive, expect, expectAccessible, expectNoSidewaysScroll, open, test } from "../support/slipway.js";

const PROJECT = "/orgs/acme/projects/checkout";

const palette = (page: Page) => page.locator("dialog.palette");
const box = (page: Page) => page.getByRole("combobox");
const chosen = (page: Page) => page.locator("[role=option][aria-selected=true]");

test("somebody looks for a work item by its key and by its words @nojs @phone", async ({ as, javaScriptEnabled, isMobile, viewport }) => {
  const mara = await as("mara", { javaScriptEnabled, isMobile, viewport });
  await mara.goto("/search");
  const field = mara.getByRole("searchbox");
  await field.fill("chk-2");
  await field.press("Enter");
  await expect(mara).toHaveURL(/\/search\?q=chk-2$/);
  const items = mara.locator("section.box", { has: mara.getByRole("heading", { name: "Work items" }) });
  await expect(items.getByRole("link").first()).toContainText("CHK-2");
  await mara.getByRole("searchbox").fill("REFUND");
  await mara.getByRole("button", { name: "Search" }).click();
  // Two titles begin with it; which was changed last depends on who worked meanwhile.
  const refund = items.getByRole("link", { name: "Refund button on the order page" });
  await expect(refund).toBeVisible();
  await expectNoSidewaysScroll(mara);
  if (javaScriptEnabled) await expectAccessible(mara);
  await refund.click();
  await expect(mara.getByRole("heading", { level: 1 })).toContainText("Refund button on the order page");
});

test("nothing that fits is said, with what to do @nojs", async ({ as, javaScriptEnabled }) => {
  const quinn = await as("quinn", { javaScriptEnabled });
  await quinn.goto(`/search?q=${encodeURIComponent("100%_<b>")}`);
  await expect(quinn.getByRole("main")).toContainText("Nothing fits “100%_<b>”");
  await expect(quinn.getByRole("main")).toContainText("Only what you may see is found.");
});

test("without JavaScript the button in the top bar leads to the search page @only-nojs", async ({ as }) => {
  const quinn = await as("quinn", { javaScriptEnabled: false });
  await quinn.goto("/");
  await quinn.getByRole("banner").getByRole("link", { name: "Search" }).click();
  await expect(quinn).toHaveURL(/\/search$/);
  await expect(quinn.getByRole("heading", { level: 1 })).toHaveText("Search");
});

test("Ctrl K jumps to an app, by keys alone, and gives the focus back", async ({ as }) => {
  const mara = await as("mara");
  await open(mara, "/");
  const home = mara.getByRole("navigation", { name: "Main navigation" }).getByRole("link", { name: "Approvals" });
  await home.focus();
  await mara.keyboard.press("Control+k");
  await expect(box(mara)).toBeFocused();
  await expect(chosen(mara)).toHaveText("Go to my work");
  await mara.keyboard.press("ArrowDown");
  await expect(chosen(mara)).toHaveText("Go to approvals");
  await expect(box(mara)).toHaveAttribute("aria-activedescendant", (await chosen(mara).getAttribute("id")) ?? "");
  await mara.keyboard.press("ArrowUp");
  await mara.keyboard.press("ArrowUp");
  await mara.keyboard.press("Home");
  await expect(chosen(mara)).toHaveText("Go to my work");
  await mara.keyboard.press("Escape");
  await expect(palette(mara)).toBeHidden();
  await expect(home).toBeFocused();

  await mara.keyboard.press("Control+k");
  await mara.keyboard.type("order-api");
  await mara.keyboard.press("Enter");
  await expect(mara).toHaveURL(`${PROJECT}/apps/order-api`);
  await expect(mara.getByRole("heading", { level: 1 })).toBeFocused();
});

test("an answer to an earlier question is dropped, and an input method keeps its Enter", async ({ as }) => {
  const mara = await as("mara");
  await open(mara, "/");
  await mara.keyboard.press("Control+k");
  await expect(box(mara)).toBeFocused();
  let release: () => void = () => {};
  const held = new Promise<void>((done) => (release = done));
  await mara.route("**/api/fn/search/find?q=ledger&**", async (route) => {
    await held;
    await route.continue().catch(() => {});
  });
  const asked = mara.waitForRequest("**/api/fn/search/find?q=ledger&**");
  await box(mara).fill("ledger");
  await asked;
  await box(mara).fill("storefront");
  await expect(mara.getByRole("option", { name: /Storefront/ }).first()).toBeVisible();
  release();
  await expect(mara.getByRole("option", { name: /Ledger/ })).toHaveCount(0);
  await box(mara).dispatchEvent("keydown", { key: "Enter", isComposing: true, bubbles: true });
  await expect(palette(mara)).toBeVisible();
  await mara.unroute("**/api/fn/search/find?q=ledger&**");
});

test("the palette offers what one may do, and only that", async ({ as }) => {
  // Ada owns the organization, and that alone makes nobody a writer of work items.
  const [mara, ada] = [await as("mara"), await as("ada")];
  await open(mara, PROJECT);
  await mara.keyboard.press("Control+k");
  await expect(mara.getByRole("option", { name: "New work item" })).toBeVisible();
  await expectAccessible(mara);
  await open(ada, PROJECT);
  await ada.keyboard.press("Control+k");
  await expect(ada.getByRole("option", { name: "Go to the board" })).toBeVisible();
  await expect(ada.getByRole("option", { name: "New work item" })).toHaveCount(0);
});

test("the theme is switched from the palette, found by its Chinese word", async ({ as }) => {
  const quinn = await as("quinn");
  await open(quinn, PROJECT);
  await quinn.keyboard.press("Control+k");
  await box(quinn).fill("深色");
  await expect(chosen(quinn)).toHaveText("Dark theme");
  await alive(quinn, () => quinn.keyboard.press("Enter"));
  await expect(quinn.locator("html")).toHaveAttribute("data-theme", "dark");
  await expect(quinn).toHaveURL(PROJECT);
});

test("letters go, are listed, and can be switched off", async ({ as }) => {
  const mara = await as("mara");
  await open(mara, PROJECT);
  await mara.keyboard.press("g");
  await mara.keyboard.press("b");
  await expect(mara).toHaveURL(`${PROJECT}/board`);
  await mara.keyboard.press("g");
  await mara.keyboard.press("p");
  await expect(mara).toHaveURL(PROJECT);
  await mara.keyboard.press("?");
  const keys = mara.getByRole("dialog", { name: "Keyboard shortcuts" });
  await expect(keys).toContainText("Go to the board");
  await expectAccessible(mara);
  await keys.getByRole("checkbox", { name: "Use these keys in this browser" }).uncheck();
  await mara.keyboard.press("Escape");
  await expect(keys).toBeHidden();
  await mara.keyboard.press("?");
  await mara.keyboard.press("Control+k");
  await expect(box(mara)).toBeFocused();
  await expect(keys).toBeHidden();
  await box(mara).fill("keyboard");
  await mara.keyboard.press("Enter");
  await keys.getByRole("checkbox", { name: "Use these keys in this browser" }).check();
  await mara.keyboard.press("Escape");
  await mara.keyboard.press("g");
  await mara.keyboard.press("h");
  await expect(mara).toHaveURL("/");
});

test("on a phone the button opens it over the whole screen @only-phone", async ({ as, viewport }) => {
  const lin = await as("lin", { viewport, isMobile: true, hasTouch: true, locale: "zh-CN" });
  await open(lin, PROJECT);
  await lin.getByRole("banner").getByRole("link", { name: "搜索" }).tap();
  await box(lin).fill("order");
  await expect(lin.getByRole("option").first()).toContainText("Order API");
  await expectNoSidewaysScroll(lin);
  await expectAccessible(lin);
  await lin.getByRole("option").first().tap();
  await expect(lin).toHaveURL(`${PROJECT}/apps/order-api`);
});
