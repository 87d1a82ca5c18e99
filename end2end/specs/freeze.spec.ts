import { type Page, expect, expectAccessible, expectNoSidewaysScroll, open, test } from "../support/slipway.js";

const PROJECT = "/orgs/acme/projects/checkout";

test("a freeze is made, shown in its month, refused with what is wrong, and removed", { tag: "@nojs" }, async ({ as }, info) => {
  const javaScriptEnabled = info.project.name !== "nojs";
  const look = (page: Page, address: string) => (javaScriptEnabled ? open(page, address) : page.goto(address));
  const name = `Stocktaking ${javaScriptEnabled ? "A" : "B"}`;
  const ada = await as("ada", { javaScriptEnabled });
  const at = `${PROJECT}/freezes?month=2031-03&zone=Asia/Shanghai`;
  await look(ada, at);
  if (javaScriptEnabled) await expectAccessible(ada);

  await ada.getByLabel("Name", { exact: true }).fill(name);
  await ada.getByLabel("Why").fill("ask ada");
  await ada.getByLabel("Time zone", { exact: true }).last().fill("Asia/Shanghai");
  await ada.getByLabel("Opens").fill("2031-03-10T18:00");
  await ada.getByLabel("Ends").fill("2031-03-09T18:00");
  await ada.getByLabel("Comes again").fill("FREQ=WEEKLY;BYHOUR=3");
  await ada.getByRole("button", { name: "Keep" }).last().click();
  await expect(ada.locator(".error-summary")).toContainText("it must end after it starts");
  await expect(ada.locator(".error-summary")).toContainText("RFC 5545");
  await expect(ada.getByLabel("Name", { exact: true }).last()).toHaveValue(name);

  await ada.getByLabel("Ends").last().fill("2031-03-12T06:00");
  await ada.getByLabel("Comes again").last().fill("");
  await ada.getByRole("button", { name: "Keep" }).last().click();
  await expect(ada.getByRole("listitem").filter({ hasText: name }).first()).toBeVisible();
  await look(ada, at);
  await expect(ada.locator(".calendar td", { hasText: name })).toHaveCount(3);

  const row = ada.locator("li.list-row", { hasText: name });
  await row.getByText("Change", { exact: true }).click();
  ada.on("dialog", (dialog) => dialog.accept());
  await row.getByRole("button", { name: "Remove" }).click();
  await expect(ada.locator("li.list-row", { hasText: name })).toHaveCount(0);
});

test("freezes and environments fit a phone", { tag: "@phone" }, async ({ as }) => {
  const ada = await as("ada");
  for (const page of ["freezes", "environments?ref=release/1.2"]) {
    await open(ada, `${PROJECT}/${page}`);
    await expectNoSidewaysScroll(ada);
  }
  await expect(ada.getByRole("main")).toContainText("by release/*");
});
