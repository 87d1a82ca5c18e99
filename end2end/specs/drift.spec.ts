import { expect, expectAccessible, expectNoSidewaysScroll, open, test } from "../support/slipway.js";

const APP = "/orgs/acme/projects/checkout/apps/order-api";

test("what runs in an environment is shown with its pods, their log and what differs", async ({ as }) => {
  const lin = await as("lin");
  await open(lin, `${APP}/environments/dev`);
  await expect(lin.getByRole("heading", { level: 1 })).toContainText("dev");
  await expectAccessible(lin);
  const pods = lin.getByRole("table", { name: "Pods" });
  await expect(pods.getByText("Running").first()).toBeVisible();
  await expect(lin.getByLabel("Pods", { exact: true })).toHaveValue(/^\d+$/);

  await pods.getByRole("link").first().click();
  await expect(lin.getByLabel("Log", { exact: true })).toBeVisible();
  await expectAccessible(lin);
  await lin.getByLabel("Last lines").selectOption("100");
  await lin.getByRole("button", { name: "Show" }).click();
  await expect(lin).toHaveURL(/lines=100/);

  await open(lin, `${APP}/environments/dev/drift`);
  await expect(lin.getByRole("heading", { level: 1 })).toContainText("Drift");
  await expectAccessible(lin);
});

test("the pods, a log and the drift are read without JavaScript", { tag: "@nojs" }, async ({ as }, info) => {
  test.skip(info.project.name !== "nojs", "what the other test does with JavaScript");
  const lin = await as("lin", { javaScriptEnabled: false });
  await lin.goto(`${APP}/environments/dev`);
  await lin.getByRole("table", { name: "Pods" }).getByRole("link").first().click();
  await expect(lin.getByRole("button", { name: "Show" })).toBeVisible();
  await lin.goto(`${APP}/environments/dev`);
  await lin.getByLabel("Pods", { exact: true }).fill("-1");
  await lin.getByRole("button", { name: "Scale" }).click();
  await expect(lin.locator(".error-summary")).toContainText("number of pods");
  await expect(lin.getByLabel("Pods", { exact: true })).toHaveValue("-1");
  await lin.goto(`${APP}/environments/dev/drift`);
  await expect(lin.getByRole("heading", { level: 1 })).toContainText("Drift");
});

test("pods and drift fit a phone", { tag: "@phone" }, async ({ as }) => {
  const lin = await as("lin");
  for (const page of ["environments/dev", "environments/dev/drift"]) {
    await open(lin, `${APP}/${page}`);
    await expect(lin.getByRole("heading", { level: 1 })).toBeVisible();
    await expectNoSidewaysScroll(lin);
  }
});
