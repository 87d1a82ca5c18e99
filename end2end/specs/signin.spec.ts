import type { Browser, Page as Tab, TestInfo } from "@playwright/test";
import { createHmac } from "node:crypto";
import { expect, expectAccessible, expectNoSidewaysScroll, open, picture, test } from "../support/slipway.js";

const FIRST = "a long password of hers";
const SECOND = "another long password";

/** The code of an authenticator (RFC 6238) for a secret in base32. */
function code(secret: string, at = Date.now()): string {
  let bits = "";
  for (const letter of secret.replace(/\s/g, "")) bits += "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0");
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(at / 30_000)));
  const hash = createHmac("sha1", key).update(counter).digest();
  const word = hash.readUInt32BE((hash.at(-1) ?? 0) & 15) & 0x7fffffff;
  return String(word % 1_000_000).padStart(6, "0");
}

/** A code that was not used yet: the one of the step after the one that `used` came from. */
async function nextCode(secret: string, used: string): Promise<string> {
  await expect.poll(() => code(secret, Date.now() + 30_000), { timeout: 40_000 }).not.toBe(used);
  return code(secret, Date.now() + 30_000);
}

interface Ways {
  javaScriptEnabled: boolean;
  look: (page: Tab, address: string) => Promise<unknown>;
}

function ways(info: TestInfo): Ways {
  const javaScriptEnabled = info.project.name !== "nojs";
  return { javaScriptEnabled, look: (page, address) => (javaScriptEnabled ? open(page, address) : page.goto(address)) };
}

/** Somebody new, by an invitation: nobody else's password may change in the demo. */
async function newcomer(as: (username: string, options?: object) => Promise<Tab>, browser: Browser, username: string, { javaScriptEnabled, look }: Ways): Promise<Tab> {
  const ada = await as("ada", { javaScriptEnabled });
  await look(ada, "/orgs/acme/members");
  const invite = ada.locator("form", { has: ada.getByLabel("For whom") });
  await invite.locator("select[name=role]").selectOption("org.member");
  await invite.getByLabel("For whom").fill(username);
  await invite.getByRole("button", { name: "Make link" }).click();
  const link = await ada.getByLabel("The link of the invitation: copy it now").inputValue();
  const page = await (await browser.newContext({ javaScriptEnabled })).newPage();
  page.on("dialog", (dialog) => dialog.accept());
  await look(page, link);
  await page.getByLabel("Your name").fill(username);
  await page.getByLabel("Username").fill(username);
  await page.getByLabel("Password").fill(FIRST);
  await page.getByRole("button", { name: "Make an account and accept" }).click();
  await expect(page).not.toHaveURL(/\/join/);
  return page;
}

/** Signs in with the form, in a browser of its own; the page that follows is not looked at. */
async function comes(browser: Browser, username: string, password: string, { javaScriptEnabled, look }: Ways): Promise<Tab> {
  const page = await (await browser.newContext({ javaScriptEnabled })).newPage();
  page.on("dialog", (dialog) => dialog.accept());
  await look(page, "/sign-in");
  const form = page.locator("form:has(input[type=password])");
  await form.locator("input[name=username]").fill(username);
  await form.locator("input[name=password]").fill(password);
  await form.locator("button[type=submit]").click();
  await expect(page).not.toHaveURL(/\/sign-in$/);
  return page;
}

test("a session is ended from another, and a new password ends the rest", { tag: "@nojs" }, async ({ as, browser }, info) => {
  const way = ways(info);
  const username = `sue-${info.project.name}`;
  const here = await newcomer(as, browser, username, way);
  const there = await comes(browser, username, FIRST, way);

  await way.look(here, "/me/sessions");
  await expect(here.getByText("This session")).toHaveCount(1);
  await expect(here.locator(".list-row")).toHaveCount(2);
  await here.getByRole("button", { name: "End", exact: true }).click();
  await expect(here.locator(".list-row")).toHaveCount(1);
  await there.goto("/me");
  await expect(there).toHaveURL(/\/sign-in/);

  const again = await comes(browser, username, FIRST, way);
  await way.look(here, "/me/security");
  await here.getByLabel("Your password now").fill("not hers");
  await here.getByLabel("New password").fill(SECOND);
  await here.getByRole("button", { name: "Set the password" }).click();
  await expect(here.getByRole("alert")).toContainText("this is not your password");
  await here.getByLabel("Your password now").fill(FIRST);
  await here.getByLabel("New password").fill(SECOND);
  await here.getByRole("button", { name: "Set the password" }).click();
  await expect(here.getByRole("alert")).toHaveCount(0);
  await again.goto("/me");
  await expect(again).toHaveURL(/\/sign-in/);
  await way.look(here, "/me/sessions");
  await expect(here.locator(".list-row")).toHaveCount(1);
  await comes(browser, username, SECOND, way);
});

test("a second step is switched on, asked for at the door, and switched off", { tag: "@nojs" }, async ({ as, browser }, info) => {
  test.setTimeout(150_000);
  const way = ways(info);
  const username = `tom-${info.project.name}`;
  const here = await newcomer(as, browser, username, way);
  await way.look(here, "/me/security");
  await here.getByRole("button", { name: "Set up" }).click();
  await expect(here.getByRole("img", { name: "QR code of the secret" })).toBeVisible();
  const secret = await here.locator("#totp-secret").innerText();
  if (info.project.name === "js") await expectAccessible(here);
  await here.getByLabel("The code that the app shows").fill("000000");
  await here.getByRole("button", { name: "Switch on" }).click();
  await expect(here.getByRole("alert")).toContainText("this code is wrong");
  await expect(here.locator("#totp-secret")).toHaveText(secret);
  const first = code(secret);
  await here.getByLabel("The code that the app shows").fill(first);
  await here.getByRole("button", { name: "Switch on" }).click();
  const codes = await here.locator(".codes code").allInnerTexts();
  expect(codes).toHaveLength(10);
  await way.look(here, "/me/security");
  await expect(here.locator(".codes code")).toHaveCount(0);

  const door = await comes(browser, username, FIRST, way);
  await expect(door).toHaveURL(/\/sign-in\/code/);
  await door.getByLabel("Code").fill(first);
  await door.getByRole("button", { name: "Sign in" }).click();
  await expect(door.getByRole("alert")).toContainText("this code is wrong");
  await door.getByLabel("Code").fill(await nextCode(secret, first));
  await door.getByRole("button", { name: "Sign in" }).click();
  await expect(door).not.toHaveURL(/\/sign-in/);

  const other = await comes(browser, username, FIRST, way);
  await other.getByLabel("Code").fill(codes[0] ?? "");
  await other.getByRole("button", { name: "Sign in" }).click();
  await expect(other).not.toHaveURL(/\/sign-in/);

  await way.look(here, "/me/security");
  await expect(here.getByText("Recovery codes left: 9")).toBeVisible();
  await here.getByRole("button", { name: "Switch off" }).click();
  await expect(here.getByRole("button", { name: "Set up" })).toBeVisible();
  const alone = await comes(browser, username, FIRST, way);
  await expect(alone).not.toHaveURL(/\/sign-in/);
});

test("the profile's name is shown everywhere at once", { tag: "@nojs" }, async ({ as, browser }, info) => {
  const way = ways(info);
  const here = await newcomer(as, browser, `uma-${info.project.name}`, way);
  await way.look(here, "/me");
  await here.getByLabel("E-mail").fill("nowhere");
  await here.getByLabel("Name", { exact: true }).fill("Uma Ueda");
  await here.getByRole("button", { name: "Save" }).click();
  await expect(here.getByRole("alert")).toContainText("write an address such as");
  await expect(here.getByLabel("Name", { exact: true })).toHaveValue("Uma Ueda");
  await here.getByLabel("E-mail").fill(`uma-${info.project.name}@example.com`);
  await here.getByRole("button", { name: "Save" }).click();
  await expect(here.getByText("Account of Uma Ueda")).toBeAttached();
});

for (const locale of ["en-US", "zh-CN"]) {
  test.describe(`in ${locale}`, () => {
    test.use({ locale });
    test("the pages of one's own account are accessible and fit a phone", { tag: "@phone" }, async ({ as }, info) => {
      const { viewport, isMobile, hasTouch, deviceScaleFactor } = info.project.use;
      const page = await as("ada", { locale, viewport, isMobile, hasTouch, deviceScaleFactor });
      for (const address of ["/me", "/me/security", "/me/sessions", "/me/confirm"]) {
        await open(page, address);
        await expect(page.locator("html")).toHaveAttribute("lang", locale === "zh-CN" ? "zh-CN" : "en");
        await expectAccessible(page);
        await expectNoSidewaysScroll(page);
        await picture(page, `account${address.replaceAll("/", "-")}-${locale}-${info.project.name}`);
      }
    });
  });
}
