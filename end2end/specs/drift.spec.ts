import { expect, expectAccessible, expectNoSidewaysScroll, open, test } from "../support/slipway.js";

const APP = "/orgs/acme/projects/checkout/apps/order-api";

test("what runs in an environment is shown with its pods, their log and what differs", async ({ as }) => {
  const ada = await as("ada");
  await open(ada, `${APP}/environments/dev`);
  await expect(ada.getByRole("heading", { level: 1 })).toContainText("dev");
  await expectAccessible(ada);
  const pods = ada.getByRole("table", { name: "Pods" });
  await expect(pods.getByText("Running").first()).toBeVisible();
  await expect(ada.getByLabel("Pods", { exact: true })).toHaveValue(/^\d+$/);

  await pods.getByRole("link").first().click();
  await expect(ada.getByLabel("Log", { exact: true })).toBeVisible();
  await expectAccessible(ada);
  await ada.getByLabel("Last lines").selectOption("100");
  await ada.getByRole("button", { name: "Show" }).click();
  await expect(ada).toHaveURL(/lines=100/);

  await open(ada, `${APP}/environments/dev/drift`);
  await expect(ada.getByRole("heading", { level: 1 })).toContainText("Drift");
  await expectAccessible(ada);
});

test("the pods, a log and the drift are read without JavaScript", { tag: "@nojs" }, async ({ as }, info) => {
  test.skip(info.project.name !== "nojs", "what the other test does with JavaScript");
  const ada = await as("ada", { javaScriptEnabled: false });
  await ada.goto(`${APP}/environments/dev`);
  await ada.getByRole("table", { name: "Pods" }).getByRole("link").first().click();
  await expect(ada.getByRole("button", { name: "Show" })).toBeVisible();
  await ada.goto(`${APP}/environments/dev`);
  await ada.getByLabel("Pods", { exact: true }).fill("-1");
  await ada.getByRole("button", { name: "Scale" }).click();
  await expect(ada.locator(".error-summary")).toContainText("number of pods");
  await expect(ada.getByLabel("Pods", { exact: true })).toHaveValue("-1");
  await ada.goto(`${APP}/environments/dev/drift`);
  await expect(ada.getByRole("heading", { level: 1 })).toContainText("Drift");
});

test("pods and drift fit a phone", { tag: "@phone" }, async ({ as }) => {
  const ada = await as("ada");
  for (const page of ["environments/dev", "environments/dev/drift"]) {
    await open(ada, `${APP}/${page}`);
    await expect(ada.getByRole("heading", { level: 1 })).toBeVisible();
    await expectNoSidewaysScroll(ada);
  }
});
