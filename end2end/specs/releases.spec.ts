import { expect, expectAccessible, expectNoSidewaysScroll, open, test, type Page } from "../support/slipway.js";

const PROJECT = "/orgs/acme/projects/checkout";

/** Makes an app of its own, so that nothing here changes what other specs look at. */
async function makeApp(page: Page, slug: string, look: (address: string) => Promise<unknown>): Promise<string> {
  await look(`${PROJECT}/apps/new`);
  await page.getByLabel("Name", { exact: true }).fill(`Shape ${slug}`);
  await page.getByLabel("Name in addresses", { exact: true }).fill(slug);
  await page.getByRole("button", { name: "Create app" }).click();
  await page.waitForURL(new RegExp(`/apps/${slug}$`));
  return `${PROJECT}/apps/${slug}`;
}

test("how an app runs is set, refused with what is wrong, and shown by environment", { tag: "@nojs" }, async ({ as }, info) => {
  const javaScriptEnabled = info.project.name !== "nojs";
  const devon = await as("devon", { javaScriptEnabled });
  const look = (address: string) => (javaScriptEnabled ? open(devon, address) : devon.goto(address));
  const app = await makeApp(devon, javaScriptEnabled ? "shape-a" : "shape-b", look);
  await look(`${app}/settings/workload`);
  if (javaScriptEnabled) await expectAccessible(devon);

  await devon.getByLabel("Secret references").fill("DB_PASSWORD=hunter2");
  await devon.getByLabel("Port", { exact: true }).fill("3000");
  await devon.getByRole("button", { name: "Save" }).click();
  await expect(devon.locator(".error-summary")).toContainText("never the value");
  await expect(devon.locator(".error-summary")).not.toContainText("hunter2");
  await expect(devon.getByLabel("Port", { exact: true })).toHaveValue("3000");

  await devon.getByLabel("Secret references").fill("DB_PASSWORD=orders-db/password");
  const containers = devon.getByRole("group", { name: "Further containers" });
  await containers.getByLabel("Name", { exact: true }).first().fill("migrate");
  const replicas = devon.locator('[name="form[overrides][3][replicas]"]');
  // What came back from a refusal without JavaScript is open already.
  if (!(await replicas.isVisible())) {
    await devon.getByRole("group", { name: "What differs by environment" }).getByText("live", { exact: true }).click();
  }
  await replicas.fill("5");
  await devon.getByRole("button", { name: "Save" }).click();
  await expect(devon.locator(".error-summary")).toHaveCount(0);
  await look(`${app}/settings/workload`);
  await expect(containers.getByLabel("Name", { exact: true })).toHaveCount(2);
  await expect(devon.locator(".diff .add", { hasText: "replicas: 5" })).toHaveCount(1);
  await devon.getByText("Show the manifests").first().click();
  await expect(devon.locator("pre", { hasText: "secretKeyRef" }).first()).toBeVisible();
});

test("what is typed becomes manifests while it is typed, and nothing is saved", async ({ as }) => {
  const devon = await as("devon");
  const app = await makeApp(devon, "shape-live", (address) => open(devon, address));
  await open(devon, `${app}/settings/workload`);
  await devon.getByText("Show the manifests").first().click();
  const first = devon.locator("pre").first();
  await expect(first).toContainText("containerPort: 8080");
  await devon.getByLabel("Port", { exact: true }).fill("3000");
  await expect(first).toContainText("containerPort: 3000");
  await expect(first).toBeVisible();
  await expect(devon.getByText("As typed, not saved yet.")).toBeVisible();
  await devon.getByLabel("Variables").first().fill("LOG_LEVEL=debug");
  await expect(first).toContainText("LOG_LEVEL");
  // What cannot be read is told, and what was shown stays.
  await devon.getByLabel("Port", { exact: true }).fill("70000");
  await expect(devon.getByText("What is typed cannot be shown yet:")).toBeVisible();
  await expect(first).toContainText("containerPort: 3000");
  await expectAccessible(devon);
  await open(devon, `${app}/settings/workload`);
  await expect(devon.getByLabel("Port", { exact: true })).toHaveValue("8080");
});

test("two releases are compared, and a commit is found", { tag: "@nojs" }, async ({ as }, info) => {
  const javaScriptEnabled = info.project.name !== "nojs";
  const dora = await as("dora", { javaScriptEnabled });
  const look = (address: string) => (javaScriptEnabled ? open(dora, address) : dora.goto(address));
  const app = `${PROJECT}/apps/order-api`;
  await look(`${app}/releases/compare?from=none&to=none`);
  await expect(dora.getByRole("main")).toContainText("There is no release none.");
  if (javaScriptEnabled) await expectAccessible(dora);
  await look(`${app}/releases/commit?commit=main`);
  await expect(dora.getByRole("main")).toContainText("give the hash of a commit");
});

test("rules are tried before they are kept, and who may not edit sees no order", { tag: "@nojs" }, async ({ as }, info) => {
  const javaScriptEnabled = info.project.name !== "nojs";
  const devon = await as("devon", { javaScriptEnabled });
  const look = (page: Page, address: string) => (javaScriptEnabled ? open(page, address) : page.goto(address));
  await look(devon, `${PROJECT}/environments/uat/approvers?rules=${encodeURIComponent("ops: 9 of project.ops")}`);
  await expect(devon.getByRole("alert")).toContainText("needs 9 approvals");
  if (javaScriptEnabled) await expectAccessible(devon);
  await devon.getByLabel("Rules, in order").fill("ops: 1 of project.ops");
  await devon.getByRole("button", { name: "Who could approve now" }).click();
  await expect(devon.getByRole("alert")).toHaveCount(0);
  await look(devon, `${PROJECT}/environments`);
  await expect(devon.getByRole("button", { name: /^Move .* down$/ }).first()).toBeVisible();
  const vic = await as("vic", { javaScriptEnabled });
  await look(vic, `${PROJECT}/environments`);
  await expect(vic.getByRole("button", { name: /^Move / })).toHaveCount(0);
  await look(vic, `${PROJECT}/environments/dev`);
  await expect(vic.getByRole("heading", { level: 1 })).toContainText("History");
});

test("the pages of releases fit a phone", { tag: "@phone" }, async ({ as }) => {
  const ada = await as("ada");
  const app = `${PROJECT}/apps/order-api`;
  for (const page of [`${app}/settings/workload`, `${app}/releases/compare`, `${app}/releases/commit?commit=abcdef0`, `${PROJECT}/environments/dev`]) {
    await open(ada, page);
    await expectNoSidewaysScroll(ada);
  }
});
