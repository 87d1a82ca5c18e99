import { registerApplication } from "../support/gitlab.js";
import { type Page, alive, expect, expectAccessible, expectNoSidewaysScroll, open, picture, test } from "../support/slipway.js";

const PAGE = "/orgs/acme/settings/gitlab";

/** The box with that heading. */
const box = (page: Page, title: string) =>
  page.locator("section.box", { has: page.getByRole("heading", { name: title, exact: true }) });

/** Somebody at the connections of the organization, with what is to be entered at GitLab. */
async function arrive(page: Page, javaScriptEnabled: boolean) {
  await (javaScriptEnabled ? open(page, PAGE) : page.goto(PAGE));
  const redirectUri = await page.locator("#redirect-uri").inputValue();
  expect(redirectUri).toMatch(/^http.*\/connections\/gitlab\/callback$/);
  await expect(page.locator("#oauth-scope")).toHaveValue("api");
  return { address: await page.locator("dd code").first().innerText(), redirectUri };
}

/** Does what leads to a page of Slipway, and waits until it can be used. */
async function back(page: Page, javaScriptEnabled: boolean, act: () => Promise<unknown>): Promise<void> {
  await act();
  await expect(page).toHaveURL(new RegExp(`${PAGE}$`));
  if (javaScriptEnabled) await page.locator("html[data-alive]").waitFor({ state: "attached" });
}

test("a GitLab connection is made by OAuth, authorized at GitLab, tested and authorized again", { tag: "@nojs" }, async ({ as }, info) => {
  const javaScriptEnabled = info.project.name !== "nojs";
  const name = `OAuth ${info.project.name}`;
  const ada = await as("ada", { javaScriptEnabled });
  ada.on("dialog", (dialog) => dialog.accept());
  const { address, redirectUri } = await arrive(ada, javaScriptEnabled);
  const application = await registerApplication(name, redirectUri, "api");
  const add = box(ada, "Connect by OAuth");
  const submit = () => add.getByRole("button", { name: "Connect and authorize" }).click();

  await add.getByLabel("Name").fill(name);
  await add.getByLabel("Address").fill("gitlab");
  await add.getByLabel("Application ID").fill(application.id);
  await add.getByLabel("Application secret").fill(application.secret);
  if (javaScriptEnabled) await alive(ada, submit);
  else await submit();
  await expect(add.locator(".error-summary")).toContainText("start with https:// or http://");
  await expect(add.getByLabel("Name")).toHaveValue(name);
  await expect(add.getByLabel("Application ID")).toHaveValue(application.id);
  await expect(add.getByLabel("Application secret")).toHaveValue("");
  await add.getByLabel("Address").fill(address);
  await add.getByLabel("Application secret").fill(application.secret);
  await submit();

  // The sandbox's GitLab asks. Somebody who does not want to is led back, and told.
  await expect(ada).toHaveURL(/\/oauth\/authorize\?/);
  expect(ada.url()).toContain("code_challenge_method=S256");
  await back(ada, javaScriptEnabled, () => ada.getByRole("button", { name: "Deny" }).click());
  await expect(ada.getByRole("alert")).toContainText("It was denied at GitLab");
  const card = box(ada, name);
  await expect(card).toContainText("not authorized yet");
  if (javaScriptEnabled) await expectAccessible(ada);

  await card.getByRole("button", { name: "Authorize at GitLab" }).click();
  await back(ada, javaScriptEnabled, () => ada.getByRole("button", { name: "@root" }).click());
  await expect(ada.getByRole("main")).toContainText(`“${name}” is authorized. At GitLab it acts as @root.`);
  await expect(card).toContainText("by OAuth, authorized by @root");
  expect(await ada.content()).not.toContain(application.secret);

  await card.getByRole("button", { name: "Test connection" }).click();
  await expect(card).toContainText("The token is of root");
  await card.getByRole("button", { name: "Authorize again" }).click();
  await back(ada, javaScriptEnabled, () => ada.getByRole("button", { name: "@root" }).click());
  await expect(ada.getByRole("main")).toContainText("At GitLab it acts as @root");

  await card.getByText("Change", { exact: true }).click();
  await card.getByRole("button", { name: "Remove" }).click();
  await expect(box(ada, name)).toHaveCount(0);
});

test("a wrong secret is said when the person comes back, and mended", { tag: "@nojs" }, async ({ as }, info) => {
  const javaScriptEnabled = info.project.name !== "nojs";
  const name = `Mended ${info.project.name}`;
  const ada = await as("ada", { javaScriptEnabled });
  ada.on("dialog", (dialog) => dialog.accept());
  const { address, redirectUri } = await arrive(ada, javaScriptEnabled);
  const application = await registerApplication(name, redirectUri, "api");
  const add = box(ada, "Connect by OAuth");
  await add.getByLabel("Name").fill(name);
  await add.getByLabel("Address").fill(address);
  await add.getByLabel("Application ID").fill(application.id);
  await add.getByLabel("Application secret").fill("gloas-wrong");
  await add.getByRole("button", { name: "Connect and authorize" }).click();
  await expect(ada).toHaveURL(/\/oauth\/authorize\?/);
  await back(ada, javaScriptEnabled, () => ada.getByRole("button", { name: "@root" }).click());
  await expect(ada.getByRole("alert")).toContainText("GitLab does not know the application of this connection");

  const card = box(ada, name);
  await card.getByText("Change", { exact: true }).click();
  await card.getByLabel("New application secret").fill(application.secret);
  await card.getByRole("button", { name: "Save" }).click();
  if (javaScriptEnabled) await expect(ada.getByText("Saved.")).toBeVisible();
  await card.getByRole("button", { name: "Authorize at GitLab" }).click();
  await expect(ada).toHaveURL(/\/oauth\/authorize\?/);
  await back(ada, javaScriptEnabled, () => ada.getByRole("button", { name: "@root" }).click());
  await expect(card).toContainText("by OAuth, authorized by @root");
  await card.getByText("Change", { exact: true }).click();
  await card.getByRole("button", { name: "Remove" }).click();
  await expect(box(ada, name)).toHaveCount(0);
});

for (const locale of ["en-US", "zh-CN"]) {
  test.describe(`in ${locale}`, () => {
    test.use({ locale });
    test("what is to be entered at GitLab can be read on a phone", { tag: "@phone" }, async ({ as }, info) => {
      const { viewport, isMobile, hasTouch, deviceScaleFactor } = info.project.use;
      const ada = await as("ada", { locale, viewport, isMobile, hasTouch, deviceScaleFactor });
      await arrive(ada, true);
      await expectAccessible(ada);
      await expectNoSidewaysScroll(ada);
      await picture(ada, `connections-${locale}-${info.project.name}`);
    });
  });
}
