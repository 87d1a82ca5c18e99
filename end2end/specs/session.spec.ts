import { PASSWORD, expect, expectAccessible, expectNoSidewaysScroll, picture, test } from "../support/slipway.js";

const WORDS = {
  "en-US": { lang: "en", title: "Sign in", username: "Username", password: "Password" },
  "zh-CN": { lang: "zh-CN", title: "登录", username: "用户名", password: "密码" },
} as const;

for (const [locale, words] of Object.entries(WORDS)) {
  test.describe(`in ${locale}`, () => {
    test.use({ locale });

    test("the sign-in page speaks the browser's language", { tag: ["@nojs", "@phone"] }, async ({ page }) => {
      await page.goto("/sign-in");
      await expect(page.locator("html")).toHaveAttribute("lang", words.lang);
      await expect(page.getByRole("heading", { level: 1 })).toHaveText(words.title);
      await expect(page.getByLabel(words.username)).toBeVisible();
      await expect(page.getByLabel(words.password)).toHaveAttribute("type", "password");
      await expect(page).toHaveTitle(new RegExp(words.title));
    });

    test("the sign-in page is accessible in both themes", { tag: "@phone" }, async ({ page }, info) => {
      await page.goto("/sign-in");
      await expectAccessible(page);
      await expectNoSidewaysScroll(page);
      if (info.project.name === "js") await picture(page, `sign-in-${words.lang}`);
    });
  });
}

test("a wrong password is refused, and what was typed stays", { tag: ["@nojs", "@phone"] }, async ({ page }) => {
  await page.goto("/sign-in");
  await page.getByLabel("Username").fill("nobody-here");
  await page.getByLabel("Password").fill("not the password");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page).toHaveURL(/\/sign-in/);
  await expect(page.getByRole("alert")).toContainText("name or the password is wrong");
  await expect(page.getByLabel("Username")).toHaveValue("nobody-here");
  await expect(page.getByLabel("Password")).toHaveValue("");
});

test("every person that the demo lists can sign in with one click", { tag: "@nojs" }, async ({ page, context }) => {
  await page.goto("/sign-in");
  const people = page.locator("button.person");
  const count = await people.count();
  expect(count).toBeGreaterThanOrEqual(4);
  for (let index = 0; index < count; index += 1) {
    await people.nth(index).click();
    await expect(page).not.toHaveURL(/\/sign-in/);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    await context.clearCookies();
    await page.goto("/sign-in");
  }
});

test("the demo says its password", async ({ page }) => {
  await page.goto("/sign-in");
  await expect(page.getByText(PASSWORD)).toBeVisible();
});

test("a page that needs a person sends others to sign in, and back afterwards", { tag: "@nojs" }, async ({ page }) => {
  await page.goto("/approvals");
  await expect(page).toHaveURL(/\/sign-in\?next=/);
  await page.locator("button.person").first().click();
  await expect(page).toHaveURL(/\/approvals$/);
});

test("the way back never leaves Slipway", { tag: "@nojs" }, async ({ page }) => {
  for (const next of ["https://example.com/", "//example.com/", "/\\example.com/"]) {
    await page.goto(`/sign-in?next=${encodeURIComponent(next)}`);
    await page.locator("button.person").first().click();
    await expect(page).not.toHaveURL(/\/sign-in/);
    expect(new URL(page.url()).host).toBe(new URL(process.env.SLIPWAY_URL ?? "").host);
    await page.context().clearCookies();
  }
});
