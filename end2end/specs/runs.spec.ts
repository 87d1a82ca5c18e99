import { createRepository } from "../support/gitlab.js";
import { type Page, expect, expectAccessible, expectNoSidewaysScroll, open, test } from "../support/slipway.js";

const PROJECT = "/orgs/acme/projects/checkout";

/** A pipeline that asks for inputs, reports tests and a scan, and keeps files. */
const FILE = `spec:
  inputs:
    environment:
      description: Where to
      options: [dev, qa]
      default: dev
    version:
      regex: ^v\\d+$
      default: v1
    replicas: { type: number, default: 2 }
---
unit:
  script:
    - echo "to=$[[ inputs.environment ]] n=$[[ inputs.replicas ]] extra=$EXTRA"
    - printf '<testsuite><testcase name="adds" classname="Cart" time="0.5"/><testcase name="sells" classname="Cart"><failure>expected 1</failure></testcase></testsuite>' > junit.xml
    - printf '{"SchemaVersion":2,"Results":[{"Target":"Cargo.lock","Vulnerabilities":[{"VulnerabilityID":"CVE-2026-2","PkgName":"b","InstalledVersion":"2","FixedVersion":"3","Severity":"CRITICAL","Title":"A large hole"}]}]}' > scan-dependencies.json
    - mkdir -p dist && printf 'hello' > dist/hello.txt
  artifacts: { paths: [scan-dependencies.json, dist/], reports: { junit: junit.xml } }
`;

type As = (name: string, options?: { javaScriptEnabled?: boolean; viewport?: { width: number; height: number } }) => Promise<Page>;

/** An app with a repository of its own that has FILE. */
async function prepare(as: As, slug: string): Promise<string> {
  await createRepository(slug, { ".gitlab-ci.yml": FILE });
  const devon = await as("devon", { javaScriptEnabled: true });
  await open(devon, `${PROJECT}/apps/new`);
  await devon.getByLabel("Name", { exact: true }).fill(`App ${slug}`);
  await devon.getByLabel("Name in addresses").fill(slug);
  await devon.getByRole("button", { name: "Create app" }).click();
  await expect(devon).toHaveURL(new RegExp(`/apps/${slug}$`));
  await devon.getByLabel("Find a repository").fill(slug);
  await devon.getByRole("button", { name: "Find" }).click();
  await devon.getByRole("radio", { name: `acme/${slug}` }).check();
  await devon.getByRole("button", { name: "Connect" }).click();
  await expect(devon.getByRole("link", { name: `acme/${slug}` })).toBeVisible();
  return `${PROJECT}/apps/${slug}`;
}

test("a run is started with a form, and its reports and files are looked at", { tag: "@nojs" }, async ({ as }, info) => {
  const javaScriptEnabled = info.project.name !== "nojs";
  const look = (page: Page, address: string) => (javaScriptEnabled ? open(page, address) : page.goto(address));
  const app = await prepare(as, javaScriptEnabled ? "till" : "till-plain");
  const devon = await as("devon", { javaScriptEnabled });
  await look(devon, `${app}/runs/new`);
  if (javaScriptEnabled) await expectAccessible(devon);
  await devon.getByLabel("environment").selectOption("qa");
  await devon.getByLabel("version").fill("one");
  await devon.getByLabel("replicas").fill("4");
  await devon.getByText("Variables of your own", { exact: true }).click();
  await devon.getByLabel("Name", { exact: true }).first().fill("EXTRA");
  await devon.getByLabel("Value", { exact: true }).first().fill("by hand");
  await devon.getByRole("button", { name: "Run", exact: true }).click();
  await expect(devon.locator(".error-summary")).toContainText("must match");
  await expect(devon.getByLabel("environment")).toHaveValue("qa");
  await expect(devon.getByLabel("replicas")).toHaveValue("4");
  await expect(devon.getByLabel("Value", { exact: true }).first()).toHaveValue("by hand");
  await devon.getByLabel("version").fill("v7");
  await devon.getByRole("button", { name: "Run", exact: true }).click();
  await expect(devon).toHaveURL(/\/runs\/\d+$/);
  const run = devon.url();
  await expect(async () => {
    await look(devon, run);
    await expect(devon.getByText("to=qa n=4 extra=by hand").first()).toBeVisible({ timeout: 2_000 });
    await expect(devon.getByRole("link", { name: "Files", exact: true })).toBeVisible({ timeout: 2_000 });
  }).toPass({ timeout: 45_000 });

  await expect(async () => {
    await look(devon, `${run}/reports`);
    await expect(devon.getByText("A large hole")).toBeVisible({ timeout: 2_000 });
  }).toPass({ timeout: 30_000 });
  await expect(devon.getByRole("rowheader", { name: /sells/ })).toBeVisible();
  if (javaScriptEnabled) await expectAccessible(devon);
  await devon.getByRole("link", { name: /^Passed 1/ }).click();
  await expect(devon.getByRole("rowheader", { name: /adds/ })).toBeVisible();
  await expect(devon.getByRole("rowheader", { name: /sells/ })).toHaveCount(0);

  await look(devon, run);
  await devon.getByRole("link", { name: "Files", exact: true }).click();
  await devon.getByRole("link", { name: "dist/" }).click();
  const file = devon.getByRole("link", { name: "hello.txt" });
  await expect(file).toBeVisible();
  const answer = await devon.request.get((await file.getAttribute("href")) ?? "");
  expect(answer.headers()["content-disposition"]).toContain('attachment; filename="hello.txt"');
  expect(answer.headers()["x-content-type-options"]).toBe("nosniff");
  expect(await answer.text()).toBe("hello");
  const outside = await devon.request.get(`${(await file.getAttribute("href")) ?? ""}/../../secret`);
  expect(outside.status()).toBe(404);
});

test("a schedule is made, played and deleted", { tag: "@nojs" }, async ({ as }, info) => {
  const javaScriptEnabled = info.project.name !== "nojs";
  const look = (page: Page, address: string) => (javaScriptEnabled ? open(page, address) : page.goto(address));
  const app = await prepare(as, javaScriptEnabled ? "clock" : "clock-plain");
  const devon = await as("devon", { javaScriptEnabled });
  await look(devon, `${app}/schedules`);
  await devon.getByRole("link", { name: "New schedule" }).click();
  await devon.getByLabel("What for").fill("nightly");
  await devon.getByLabel("When", { exact: true }).fill("61 * * * *");
  await devon.getByLabel("Time zone").fill("Asia/Shanghai");
  await devon.getByRole("button", { name: "Save", exact: true }).click();
  await expect(devon.getByText("is no minute").first()).toBeVisible();
  await expect(devon.getByLabel("What for")).toHaveValue("nightly");
  await devon.getByLabel("When", { exact: true }).fill("30 2 * * *");
  if (javaScriptEnabled) {
    await expect(devon.getByText("02:30 +08:00")).toHaveCount(5);
    await expectAccessible(devon);
  } else {
    await devon.getByRole("button", { name: "Show the next times" }).click();
    await expect(devon.locator(".error-summary")).toContainText("02:30 +08:00");
    await expect(devon.getByLabel("When", { exact: true })).toHaveValue("30 2 * * *");
  }
  await devon.getByRole("button", { name: "Save", exact: true }).click();
  await expect(devon).toHaveURL(/\/schedules$/);
  const row = devon.getByRole("row", { name: /nightly/ });
  await expect(row).toContainText("02:30 +08:00");
  await row.getByRole("button", { name: "Run now" }).click();
  await expect(async () => {
    await look(devon, `${app}/schedules`);
    await expect(row.getByRole("link", { name: /^#\d+$/ })).toBeVisible({ timeout: 2_000 });
  }).toPass({ timeout: 30_000 });
  devon.on("dialog", (dialog) => dialog.accept());
  await row.getByRole("button", { name: "Delete" }).click();
  await expect(devon.getByText("No schedules")).toBeVisible();
});

test("variables go in and their values never come out", { tag: ["@nojs", "@phone"] }, async ({ as }, info) => {
  const javaScriptEnabled = info.project.name !== "nojs";
  const look = (page: Page, address: string) => (javaScriptEnabled ? open(page, address) : page.goto(address));
  const app = await prepare(as, `safe-${info.project.name}`);
  const devon = await as("devon", { javaScriptEnabled, ...(info.project.name === "phone" ? { viewport: { width: 360, height: 740 } } : {}) });
  await look(devon, `${app}/settings/variables`);
  if (javaScriptEnabled) await expectAccessible(devon);
  await devon.getByLabel("Name", { exact: true }).fill("DEPLOY_KEY");
  await devon.getByLabel("Value", { exact: true }).fill("short");
  await devon.getByRole("button", { name: "Add a variable" }).click();
  await expect(devon.locator(".error-summary")).toContainText("8 characters");
  if (!javaScriptEnabled) await expect(devon.getByLabel("Value", { exact: true })).toHaveValue("");
  await expect(devon.getByLabel("Name", { exact: true })).toHaveValue("DEPLOY_KEY");
  await devon.getByLabel("Value", { exact: true }).fill("hush-hush-hush");
  await devon.getByRole("button", { name: "Add a variable" }).click();
  const entry = devon.getByRole("listitem").filter({ hasText: "DEPLOY_KEY" });
  await expect(entry).toContainText("Masked");
  await look(devon, `${app}/settings/variables`);
  expect(await devon.content()).not.toContain("hush-hush");
  await expectNoSidewaysScroll(devon);
  await entry.getByText("Change", { exact: true }).click();
  await entry.getByLabel("Environments").fill("production");
  await entry.getByRole("button", { name: "Save", exact: true }).click();
  await expect(entry).toContainText("production");
  devon.on("dialog", (dialog) => dialog.accept());
  if (!(await entry.getByRole("button", { name: "Remove" }).isVisible())) await entry.getByText("Change", { exact: true }).click();
  await entry.getByRole("button", { name: "Remove" }).click();
  await expect(devon.getByText("No variables")).toBeVisible();
});
