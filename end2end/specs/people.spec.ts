import { type Page, expect, open, test } from "../support/slipway.js";

const ORG = "/orgs/acme";
const PROJECT = `${ORG}/projects/checkout`;

test("an owner invites somebody by a link, who joins with a new account and becomes a lead", { tag: "@nojs" }, async ({
  as,
  browser,
}, info) => {
  const javaScriptEnabled = info.project.name !== "nojs";
  const look = (page: Page, address: string) => (javaScriptEnabled ? open(page, address) : page.goto(address));
  const username = `zoe-${info.project.name}`;
  const ada = await as("ada", { javaScriptEnabled });
  await look(ada, `${ORG}/members`);
  const invite = ada.locator("form", { has: ada.getByLabel("For whom") });
  await expect(invite.locator("select[name=role]")).toHaveValue("");
  await invite.locator("select[name=role]").selectOption("org.member");
  await invite.getByLabel("For whom").fill(username);
  await invite.getByRole("button", { name: "Make link" }).click();
  const link = await ada.getByLabel("The link of the invitation: copy it now").inputValue();

  const door = await browser.newContext({ javaScriptEnabled });
  const zoe = await door.newPage();
  await look(zoe, link);
  await expect(zoe.getByRole("main")).toContainText("Ada Okafor invites you to Acme");
  await zoe.getByLabel("Your name").fill(`Zoe ${info.project.name}`);
  await zoe.getByLabel("Username").fill(username);
  await zoe.getByLabel("Password").fill("a long password of hers");
  await zoe.getByRole("button", { name: "Make an account and accept" }).click();
  await expect(zoe).not.toHaveURL(/\/join/);
  await zoe.goto(PROJECT);
  await expect(zoe.getByRole("main")).toContainText("There is nothing here, or you may not see it.");

  const late = await browser.newContext({ javaScriptEnabled });
  const twice = await late.newPage();
  await twice.goto(link);
  await expect(twice.getByRole("alert")).toBeVisible();
  await expect(twice.getByRole("button", { name: "Make an account and accept" })).toHaveCount(0);
  await late.close();

  await look(ada, `${PROJECT}/members`);
  await ada.getByLabel("Person or group").selectOption({ label: `Zoe ${info.project.name} (${username})` });
  await ada.locator("form", { has: ada.getByLabel("Person or group") }).locator("select[name=role]").selectOption("project.lead");
  await ada.getByRole("button", { name: "Give", exact: true }).click();
  await expect(ada.getByRole("link", { name: `Zoe ${info.project.name}` })).toBeVisible();
  await zoe.goto(PROJECT);
  await expect(zoe.getByRole("heading", { level: 1 })).toHaveText("Checkout");
  await door.close();
});
