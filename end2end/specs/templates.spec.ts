import { createRepository } from "../support/gitlab.js";
import { type Page, expect, expectAccessible, expectNoSidewaysScroll, giveRole, open, test } from "../support/slipway.js";

const PROJECT = "/orgs/acme/projects/checkout";

/** A template as a project's lead writes it; `script` is what its second job does. */
const document = (script: string, more = "") => `{
  "names": { "zh": "门店", "en": "Store" },
  "summary": { "zh": "构建门店", "en": "Builds a store" },
  "params": [
    { "id": "goal", "kind": "string", "default": "all", "required": true, "label": { "zh": "目标", "en": "Goal" } }${more}
  ],
  "graph": {
    "stages": [ { "name": "build" }, { "name": "test" } ],
    "jobs": [
      { "id": "build", "stage": "build", "steps": [ { "type": "script@1", "params": { "script": "echo build $[[ inputs.goal ]]" } } ] },
      { "id": "check", "stage": "test", "steps": [ { "type": "script@1", "params": { "script": "${script}" } } ] }
    ]
  },
  "locked_fields": [ { "field": "check.script", "why": { "zh": "审计要求", "en": "the audit asks for it" } } ]
}
`;

type As = (name: string, options?: { javaScriptEnabled?: boolean }) => Promise<Page>;

/** An app with a repository of its own. */
async function prepare(as: As, slug: string): Promise<string> {
  await createRepository(slug, { "README.md": "A store.\n" });
  const devon = await as("devon", { javaScriptEnabled: true });
  await open(devon, `${PROJECT}/apps/new`);
  await devon.getByLabel("Name", { exact: true }).fill(`App ${slug}`);
  await devon.getByLabel("Name in addresses").fill(slug);
  await devon.getByRole("button", { name: "Create app" }).click();
  await expect(devon).toHaveURL(new RegExp(`/apps/${slug}$`));
  await devon.getByLabel("Find a repository").fill(slug);
  await devon.getByRole("button", { name: "Find" }).click();
  await devon.getByRole("radio", { name: new RegExp(`^acme/${slug} `) }).check();
  await devon.getByRole("button", { name: "Connect" }).click();
  await expect(devon.getByRole("link", { name: `acme/${slug}` })).toBeVisible();
  return `${PROJECT}/apps/${slug}`;
}

/** Whether this test's pages have JavaScript. */
let alive = true;

/** Opens a page; where there is JavaScript, it is alive then. */
async function visit(page: Page, address: string): Promise<void> {
  if (alive) await open(page, address);
  else await page.goto(address);
}

/** Writes the document and publishes it with the version that stands in the form. */
async function publish(page: Page, template: string, text: string, changelog: string): Promise<void> {
  await visit(page, template);
  await page.getByLabel("Document").fill(text);
  const saved = page.waitForResponse(/template\/save/);
  await page.getByRole("button", { name: "Save draft" }).click();
  await saved;
  // What is published is what was saved, also for a page that was read before.
  await visit(page, template);
  const form = page.locator("#publish");
  await expect(form.getByLabel("What changed, in English")).toBeVisible();
  await form.getByLabel("What changed, in English").fill(changelog);
  await form.getByRole("button", { name: "Publish" }).click();
  await expect(page.locator("#publish")).toHaveCount(0);
}

/** Merges the merge request on the app's page once GitLab lets it; what the page says is read from a page asked anew. */
async function merge(page: Page, app: string): Promise<void> {
  const button = page.getByRole("button", { name: "Merge" });
  await expect(async () => {
    await visit(page, app);
    await expect(button).toBeVisible({ timeout: 2_000 });
  }).toPass({ timeout: 40_000 });
  // GitLab may still be looking whether it can be merged.
  await expect(async () => {
    const answered = page.waitForResponse(/proposal\/merge/);
    await button.click({ timeout: 2_000 });
    await answered;
    await visit(page, app);
    expect(await button.count()).toBe(0);
  }).toPass({ timeout: 40_000 });
}

test("a template goes from its author to an app, and its next version by a merge request @nojs", async ({ as, javaScriptEnabled }) => {
  test.setTimeout(150_000);
  alive = javaScriptEnabled !== false;
  const slug = javaScriptEnabled === false ? "store-plain" : "store";
  const app = await prepare(as, slug);
  const devon = await as("devon");

  // Written, with what is wrong at its line, and published.
  await visit(devon, `${PROJECT}/templates`);
  await devon.getByRole("link", { name: "New template" }).click();
  await devon.getByLabel("Key").fill(slug);
  await devon.getByRole("button", { name: "Create draft" }).click();
  await expect(devon).toHaveURL(new RegExp(`/templates/project\\.${slug}$`));
  const template = `${PROJECT}/templates/project.${slug}`;
  await devon.getByLabel("Document").fill(document("echo check").replace('"stage": "test"', '"stage": "tst"'));
  await devon.getByRole("button", { name: "Save draft" }).click();
  await expect(devon.getByRole("list", { name: "Problems" })).toContainText("11:33");
  await expect(devon.getByRole("list", { name: "Problems" })).toContainText("no stage “tst”");
  await publish(devon, template, document("echo check"), "The first one");
  await expect(devon.getByRole("heading", { level: 1 })).toContainText("Store");
  await expect(devon.getByText(`project.${slug}@1.0.0`)).toBeVisible();
  if (javaScriptEnabled !== false) await expectAccessible(devon);

  // Used by an app.
  const dora = await as("dora");
  await visit(dora, `${app}/pipelines/new`);
  // Not by its name alone: where this runs twice, with and without JavaScript, there are two of that name.
  await dora.locator(`a[href$="/pipelines/new/project.${slug}"]`).first().click();
  await dora.getByLabel("Goal").fill("shop");
  await dora.getByRole("button", { name: "Propose", exact: true }).click();
  await expect(dora).toHaveURL(new RegExp(`${app}$`));
  await merge(dora, app);

  // A newer version: the app is told, and nothing else happens.
  await publish(devon, template, document("echo check twice"), "Checks twice");
  await expect(devon.getByText(`project.${slug}@1.0.1`)).toBeVisible();
  await expect(async () => {
    await visit(dora, app);
    await expect(dora.getByRole("region", { name: "Template of the pipeline" })).toContainText("Store 1.0.1 is there", { timeout: 2_000 });
  }).toPass({ timeout: 40_000 });
  await dora.getByRole("link", { name: "Look at the upgrade" }).click();
  await expect(dora.getByRole("list", { name: "What was filled in" })).toContainText("shop");
  await expect(dora.getByRole("group", { name: "Difference" })).toContainText("echo check twice");
  if (javaScriptEnabled !== false) await expectAccessible(dora);
  await dora.getByRole("button", { name: "Propose upgrade" }).click();
  await expect(dora).toHaveURL(new RegExp(`${app}$`));
  await merge(dora, app);
  await expect(async () => {
    await visit(devon, `${template}/usage`);
    await expect(devon.getByRole("main")).not.toContainText("behind", { timeout: 1_000 });
  }).toPass();
});

test("a template is written on the canvas: jobs, parameters and locks @nojs", async ({ as, javaScriptEnabled }) => {
  test.setTimeout(120_000);
  alive = javaScriptEnabled !== false;
  const slug = alive ? "drawn" : "drawn-plain";
  const devon = await as("devon");
  await visit(devon, `${PROJECT}/templates/new`);
  await devon.getByLabel("Key").fill(slug);
  await devon.getByRole("button", { name: "Create draft" }).click();
  await expect(devon).toHaveURL(new RegExp(`project\\.${slug}$`));
  const template = `${PROJECT}/templates/project.${slug}`;
  await visit(devon, `${template}/edit`);
  const drawer = devon.locator("#drawer");
  await expect(devon.getByRole("heading", { level: 1 })).toBeVisible();

  // A parameter, then a job that uses it, behind the one that is there.
  await drawer.getByRole("link", { name: "Add a parameter" }).click();
  await drawer.getByLabel("Name", { exact: true }).fill("goal");
  await drawer.getByLabel("Label, in English").fill("Goal");
  await drawer.getByLabel("Default").fill("all");
  await drawer.getByRole("button", { name: "Apply" }).first().click();
  await expect(drawer.getByRole("heading", { level: 2 })).toHaveText("goal");
  await visit(devon, `${template}/edit?add=after&job=build`);
  await drawer.getByLabel("Name", { exact: true }).fill("check");
  await drawer.getByLabel(/Commands|Script/).first().fill("echo check");
  await drawer.getByRole("button", { name: "Add a job" }).click();
  await expect(drawer.getByRole("heading", { level: 2 })).toContainText("check");
  const commands = drawer.locator('[name="change[f:steps.0.script]"]');
  await commands.fill("echo check $[[ inputs.goal ]]");
  if (!alive) await drawer.getByRole("button", { name: "Apply" }).first().click();

  // What is locked, and why.
  await drawer.getByText("Locked for those who use it").click();
  await drawer.getByLabel("script", { exact: true }).check();
  await drawer.getByLabel("Why, in English").fill("the audit asks for it");
  const locks = drawer.locator("details", { hasText: "Locked for those who use it" });
  await locks.getByRole("button", { name: "Apply" }).click();
  await expect(devon.locator(".studio-below")).toContainText("check.script");
  if (alive) {
    await expectAccessible(devon);
    // A step back and forward again; the keys work as in a pipeline.
    await devon.getByRole("button", { name: "Undo" }).click();
    await expect(devon.locator(".studio-below")).not.toContainText("check.script");
    await devon.getByRole("button", { name: "Redo" }).click();
    await expect(devon.locator(".studio-below")).toContainText("check.script");
    await expect(devon.getByText("Draft saved")).toBeVisible();
  }

  // The text is the same document, and what was not touched is as it was.
  await visit(devon, template);
  const text = await devon.getByLabel("Document").inputValue();
  expect(text).toContain('"runner_tags", "timeout"');
  expect(JSON.parse(text).graph.jobs[1]).toMatchObject({ id: "check", needs: ["build"] });
  expect(JSON.parse(text).locked_fields).toEqual([{ field: "check.script", why: { en: "the audit asks for it", zh: "" } }]);
});

test("two people write one template: each sees the other, and what one saves arrives", async ({ as }) => {
  alive = true;
  const [ada, devon, dora] = [await as("ada"), await as("devon"), await as("dora")];
  // A project of its own: nobody else leads the demo's.
  const project = "/orgs/acme/projects/pair";
  await open(ada, "/orgs/acme/projects/new");
  await ada.getByLabel("Name", { exact: true }).fill("Pair");
  await ada.getByLabel("Name in addresses").fill("pair");
  await ada.getByLabel("Key").fill("PAIR");
  await ada.getByRole("button", { name: "Create project" }).click();
  await expect(ada).toHaveURL(new RegExp(`${project}$`));
  for (const who of ["Devon Lee (devon)", "Dora Diaz (dora)"]) await giveRole(ada, project, who, "project.lead");
  await visit(devon, `${project}/templates/new`);
  await devon.getByLabel("Key").fill("together");
  await devon.getByRole("button", { name: "Create draft" }).click();
  await expect(devon).toHaveURL(/project\.together$/);
  const edit = `${project}/templates/project.together/edit`;
  await open(devon, `${edit}?job=build`);
  await open(dora, edit);
  await expect(devon.getByText("also editing: Dora Diaz")).toBeVisible();
  await expect(dora.getByText("also editing: Devon Lee")).toBeVisible();
  await devon.locator("#drawer").getByLabel(/Commands|Script/).first().fill("make together");
  await expect(devon.getByText("Draft saved")).toBeVisible();
  await expect(dora.locator(".studio-below")).toContainText("make together");
});

test("many apps are upgraded at once, a lock says who locked it, and a withdrawn template takes nothing with it", async ({ as }) => {
  alive = true;
  test.setTimeout(150_000);
  const apps = [await prepare(as, "kiosk-a"), await prepare(as, "kiosk-b")];
  const devon = await as("devon");
  await visit(devon, `${PROJECT}/templates/new`);
  await devon.getByLabel("Key").fill("kiosks");
  await devon.getByRole("button", { name: "Create draft" }).click();
  await expect(devon).toHaveURL(/project\.kiosks$/);
  const template = `${PROJECT}/templates/project.kiosks`;
  await publish(devon, template, document("echo check"), "The first one");
  for (const app of apps) {
    await visit(devon, `${app}/pipelines/new/project.kiosks`);
    await devon.getByRole("button", { name: "Propose", exact: true }).click();
    await expect(devon).toHaveURL(new RegExp(`${app}$`));
    await merge(devon, app);
  }

  // The lock.
  await visit(devon, `${apps[0]}/pipelines/edit?job=check`);
  await expect(devon.getByRole("complementary", { name: "What is chosen" })).toContainText("is locked by Devon");
  await expect(devon.getByRole("complementary", { name: "What is chosen" })).toContainText("the audit asks for it");

  // Many at once.
  await publish(devon, template, document("echo check twice"), "Checks twice");
  await visit(devon, `${template}/usage`);
  await expect(devon.getByRole("main")).toContainText("2 behind");
  await expectAccessible(devon);
  await devon.getByRole("button", { name: "Propose merge requests" }).click();
  await expect(devon).toHaveURL(/\/templates\/upgrades\//);
  await expect(devon.getByRole("link", { name: "Merge request" })).toHaveCount(2, { timeout: 40_000 });
  await expect(devon.getByText("2 of 2")).toBeVisible();
  await expectAccessible(devon);

  // Withdrawn: what is typed is kept.
  const dora = await as("dora");
  await visit(dora, `${apps[1]}/pipelines/new/project.kiosks`);
  await dora.getByLabel("Goal").fill("typed before");
  await visit(devon, template);
  await devon.getByText("Deprecate, withdraw, delete").click();
  await devon.getByLabel("Why").fill("The kiosks are closed.");
  await devon.getByRole("button", { name: "Withdraw" }).click();
  await expect(devon.getByText("Withdrawn", { exact: true })).toBeVisible();
  await dora.getByRole("button", { name: "Propose", exact: true }).click();
  await expect(dora.getByText("The kiosks are closed.").first()).toBeVisible();
  await expect(dora.getByLabel("Goal")).toHaveValue("typed before");
  await visit(dora, `${apps[1]}/pipelines/new/project.kiosks`);
  await expect(dora.getByLabel("Goal")).toHaveValue("typed before");
});

test("templates are read on a phone @only-phone", async ({ as }) => {
  const devon = await as("devon", { viewport: { width: 360, height: 740 } } as never);
  for (const page of [`${PROJECT}/templates`, `${PROJECT}/templates/new`, `${PROJECT}/templates/node`, "/orgs/acme/templates/node/usage"]) {
    await visit(devon, page);
    await expectNoSidewaysScroll(devon);
  }
});
