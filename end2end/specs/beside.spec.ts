import type { TestInfo } from "@playwright/test";
import { createRepository, push, readFile } from "../support/gitlab.js";
import { type Page, expect, expectAccessible, expectNoSidewaysScroll, open, picture, test } from "../support/slipway.js";

const PROJECT = "/orgs/acme/projects/checkout";

const FILE = `stages: [build, check]

.quiet:
  variables: { LOG: quiet }

# slipway: job=unit template=node@1.0.0
unit:
  extends: .quiet
  stage: check
  script:
    - npm test
`;

const OTHER = `stages: [build]

pack:
  stage: build
  script: [make]
`;

type As = (name: string, options?: { javaScriptEnabled?: boolean }) => Promise<Page>;

async function prepare(as: As, slug: string, file: string): Promise<string> {
  await createRepository(slug, { ".gitlab-ci.yml": file });
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

/** Opens a page; where there is JavaScript, it is alive then. */
async function visit(info: TestInfo, page: Page, address: string): Promise<void> {
  if (info.project.name === "nojs") await page.goto(address);
  else await open(page, address);
}

const drawer = (page: Page) => page.getByRole("complementary", { name: "What is chosen" });

test("a job goes to another app with what it takes from its file", { tag: ["@nojs", "@phone"] }, async ({ as }, info) => {
  const name = `pump-${info.project.name}`;
  const to = `${name}-hose`;
  const app = await prepare(as, name, FILE);
  await prepare(as, to, OTHER);
  const dora = await as("dora");
  await visit(info, dora, `${app}/pipelines/edit?job=unit`);
  await drawer(dora).getByRole("link", { name: "Copy to another app" }).click();
  await expect(dora.getByRole("heading", { level: 1, name: "Copy unit to another app" })).toBeVisible();
  if (info.project.name !== "nojs") await expectAccessible(dora);
  await expectNoSidewaysScroll(dora);
  await dora.getByLabel("App", { exact: true }).selectOption({ label: `Checkout / App ${to}` });
  await dora.getByRole("button", { name: "Copy the job" }).click();
  await expect(dora).toHaveURL(new RegExp(`/apps/${to}/pipelines/edit\\?job=unit`));
  const changes = dora.getByRole("group", { name: "Difference" });
  await expect(changes).toContainText("+ .quiet:");
  await expect(changes).toContainText("+   stage: check");
  await expect(drawer(dora).getByRole("heading", { name: "unit" })).toBeVisible();
});

test("the draft is shown as GitLab reads it", { tag: "@nojs" }, async ({ as }, info) => {
  const app = await prepare(as, `lens-${info.project.name}`, FILE);
  const dora = await as("dora");
  await visit(info, dora, `${app}/pipelines/edit`);
  await dora.getByRole("link", { name: "Effective" }).click();
  const whole = dora.getByRole("group", { name: "The file as it would be" });
  await expect(dora.getByText("The saved draft as GitLab reads it")).toBeVisible();
  // The job has what it takes, and no comment of the file.
  await expect(whole).toContainText(/unit:.*LOG: quiet/s);
  await expect(whole).not.toContainText("# slipway");
  if (info.project.name !== "nojs") await expectAccessible(dora);
  await dora.getByRole("link", { name: "YAML", exact: true }).click();
  await expect(whole).toContainText("# slipway: job=unit");
});

test("a job that was changed in git is seen, and put back into the draft", { tag: ["@nojs", "@phone"] }, async ({ as }, info) => {
  const slug = `valve-${info.project.name}`;
  const app = await prepare(as, slug, FILE);
  const devon = await as("devon", { javaScriptEnabled: true });
  await open(devon, `${app}/pipelines/edit?job=unit`);
  await drawer(devon).getByLabel("Image").fill("node:24");
  await expect(devon.getByText("Draft saved")).toBeVisible();
  await devon.getByRole("link", { name: "Review and propose" }).click();
  await devon.getByRole("button", { name: "Propose the changes" }).click();
  await expect(devon).toHaveURL(new RegExp(`${app}$`));
  await devon.getByRole("button", { name: "Merge" }).click();
  await expect(devon.getByRole("button", { name: "Merge" })).toHaveCount(0);

  const dora = await as("dora");
  await dora.goto(`${app}/pipelines/drift`);
  await expect(dora.getByText("Every job is as Slipway wrote it")).toBeVisible();
  const merged = FILE.replace("  script:\n    - npm test", "  image: node:24\n  script:\n    - npm test --silent");
  await push(`acme/${slug}`, ".gitlab-ci.yml", merged, "By hand");
  await visit(info, dora, `${app}/pipelines/edit`);
  await expect(dora.getByText("Jobs that Slipway wrote and that were changed in git since: 1.")).toBeVisible();
  await dora.getByRole("link", { name: "See what" }).click();
  await expect(dora.getByRole("heading", { level: 1, name: "Changed in git" })).toBeVisible();
  await expect(dora.getByRole("group", { name: "Difference" })).toContainText("npm test --silent");
  if (info.project.name !== "nojs") await expectAccessible(dora);
  await expectNoSidewaysScroll(dora);
  await picture(dora, "drift");
  await dora.getByRole("button", { name: "Put it back" }).click();
  await expect(dora.getByText("The draft has it as Slipway wrote it.")).toBeVisible();
});

const ANCHORED = `stages: [compile, ship]

.base: &base
  image: alpine:3
  before_script:
    - apk add make

compile:
  <<: *base
  stage: compile
  script:
    - make
`;

test("where most of a file is kept as it is, Slipway's jobs go into a file of their own", { tag: ["@nojs", "@phone"] }, async ({ as }, info) => {
  const slug = `annex-${info.project.name}`;
  const app = await prepare(as, slug, ANCHORED);
  const dora = await as("dora");
  await visit(info, dora, `${app}/pipelines/edit`);
  await drawer(dora).getByRole("button", { name: "Use a file of its own" }).click();
  await expect(dora.getByRole("main")).toContainText(".gitlab/slipway.yml");
  await drawer(dora).getByRole("link", { name: "Add a job" }).click();
  await drawer(dora).getByLabel("Name", { exact: true }).fill("publish");
  await drawer(dora).getByLabel("Stage").selectOption("ship");
  await drawer(dora).getByLabel("Commands", { exact: true }).fill("make publish");
  await drawer(dora).getByRole("button", { name: "Add a job" }).click();
  await expect(drawer(dora).getByRole("heading", { name: "publish" })).toBeVisible();
  await expectNoSidewaysScroll(dora);
  await expect(dora.getByText("Draft saved")).toBeVisible();
  await picture(dora, "annex");
  await dora.getByRole("link", { name: "Review and propose" }).click();
  await dora.getByRole("button", { name: "Propose the changes" }).click();
  await expect(dora).toHaveURL(new RegExp(`${app}$`));
  const side = await readFile(`acme/${slug}`, ".gitlab/slipway.yml", "slipway/pipeline-1");
  expect(side).toContain("publish:\n  stage: ship\n");
  const root = await readFile(`acme/${slug}`, ".gitlab-ci.yml", "slipway/pipeline-1");
  expect(root.replace("include:\n  - local: .gitlab/slipway.yml\n\n", "")).toBe(ANCHORED);
});
