import { createRepository, fault, push, readFile } from "../support/gitlab.js";
import { type Page, expect, expectAccessible, expectNoSidewaysScroll, open, picture, test } from "../support/slipway.js";

const PROJECT = "/orgs/acme/projects/checkout";

/** What somebody wrote by hand: comments, odd quotes, an anchor that only they understand. */
const FILE = `# The kiosk's pipeline. Ask the platform team before you change the anchors.
stages: [build, test, deploy]

.retry: &retry
  retry: { max: 2 }

build:   # quick
  stage: build
  image: "node:22"
  script:
    - npm ci   # from the lock file
    - npm run build
  artifacts:
    paths: [dist]

unit:
  stage: test
  needs: [build]
  script:
    - npm test

deploy:
  <<: *retry
  stage: deploy
  needs: [unit]
  script: [./deploy.sh]
`;

/** An app with a repository of its own that has FILE. */
async function prepare(as: (name: string, options?: { javaScriptEnabled?: boolean }) => Promise<Page>, slug: string): Promise<[app: string, repository: number]> {
  const repository = await createRepository(slug, { ".gitlab-ci.yml": FILE, "package.json": "{}\n" });
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
  return [`${PROJECT}/apps/${slug}`, repository];
}

const node = (page: Page, name: string) => page.getByRole("group", { name: /The pipeline as a graph/ }).getByRole("link", { name: new RegExp(`^${name}`) });
const drawer = (page: Page) => page.getByRole("complementary", { name: "What is chosen" });
const yaml = (page: Page) => page.getByRole("group", { name: "The file as it would be" });

test("a file written by hand is edited on the canvas, and only what was changed changes", async ({ as }) => {
  const [app] = await prepare(as, "kiosk");
  const dora = await as("dora");
  await open(dora, `${app}/pipelines/edit`);
  await expect(node(dora, "build")).toBeVisible();
  await expect(node(dora, "deploy")).toBeVisible();
  await expectAccessible(dora);

  // One field.
  await node(dora, "unit").click();
  await drawer(dora).getByLabel("Image").fill("node:24");
  await expect(yaml(dora)).toContainText("image: node:24");
  await expect(dora.getByText("Draft saved")).toBeVisible();
  await expectAccessible(dora);
  await picture(dora, "editor");

  // A job between two others.
  await dora.getByRole("link", { name: "Add a job between build and unit" }).click();
  await drawer(dora).getByLabel("Name", { exact: true }).fill("lint");
  await drawer(dora).getByLabel("Commands", { exact: true }).fill("npm run lint");
  await drawer(dora).getByRole("button", { name: "Add a job" }).click();
  await expect(node(dora, "lint")).toBeVisible();
  await expect(drawer(dora).getByRole("heading", { name: "lint" })).toBeVisible();
  await node(dora, "unit").click();
  await expect(drawer(dora).getByRole("listitem").filter({ hasText: "lint" })).toBeVisible();

  // Undone, done again, and by the keyboard.
  await dora.getByRole("button", { name: "Undo" }).click();
  await expect(node(dora, "lint")).toHaveCount(0);
  await dora.getByRole("button", { name: "Redo" }).click();
  await expect(node(dora, "lint")).toBeVisible();
  await node(dora, "build").focus();
  await dora.keyboard.press("ArrowRight");
  await expect(node(dora, "lint")).toBeFocused();
  await dora.keyboard.press("Delete");
  await expect(node(dora, "lint")).toHaveCount(0);
  await dora.keyboard.press("Control+z");
  await expect(node(dora, "lint")).toBeVisible();

  // What is refused says why, and nothing is lost.
  await node(dora, "build").click();
  await drawer(dora).getByLabel("Name", { exact: true }).fill("unit");
  await drawer(dora).getByRole("button", { name: "Rename" }).click();
  await expect(drawer(dora).getByRole("alert")).toContainText("is there already");
  await expect(drawer(dora).getByLabel("Name", { exact: true })).toHaveValue("unit");

  // Reviewed and proposed: the branch has the file, byte for byte but for the changes.
  await expect(dora.getByText("Draft saved")).toBeVisible();
  await dora.getByRole("link", { name: "Review and propose" }).click();
  await expect(dora.getByRole("group", { name: "Difference" })).toContainText("node:24");
  await expectAccessible(dora);
  await dora.getByRole("button", { name: "Propose the changes" }).click();
  await expect(dora).toHaveURL(new RegExp(`${app}$`));
  const proposed = await readFile("acme/kiosk", ".gitlab-ci.yml", "slipway/pipeline-1");
  expect(proposed).toContain("    - npm ci   # from the lock file\n");
  expect(proposed).toContain("build:   # quick\n");
  expect(proposed).toContain("lint:\n");
  const kept = proposed.split("\n").filter((line) => FILE.split("\n").includes(line));
  expect(FILE.split("\n").filter((line) => !kept.includes(line))).toEqual(["  needs: [build]"]);
});

test("a pipeline is changed by the keyboard alone, and read in Chinese", async ({ as }) => {
  const [app] = await prepare(as, "keys");
  const dora = await as("dora");
  await open(dora, `${app}/pipelines/edit`);
  const keyboard = dora.keyboard;

  // Enter opens the form at its first field; Escape leads back.
  await node(dora, "unit").focus();
  await keyboard.press("Enter");
  await expect(drawer(dora).getByLabel("Stage")).toBeFocused();
  await keyboard.press("Tab");
  await expect(drawer(dora).getByLabel("Image")).toBeFocused();
  await keyboard.type("node:24");
  // In quotation marks, as the file has its others.
  await expect(yaml(dora)).toContainText(/image: ['"]?node:24/);
  await keyboard.press("Escape");
  await expect(node(dora, "unit")).toBeFocused();

  // A job after it, and one beside it.
  await keyboard.press("a");
  await expect(drawer(dora).getByLabel("Name", { exact: true })).toBeFocused();
  await keyboard.press("Control+a");
  await keyboard.type("report");
  await drawer(dora).getByLabel("Commands", { exact: true }).focus();
  await keyboard.type("make report");
  await drawer(dora).getByRole("button", { name: "Add a job" }).focus();
  await keyboard.press("Enter");
  await expect(node(dora, "report")).toBeVisible();
  await node(dora, "unit").focus();
  await keyboard.press("Shift+A");
  await expect(drawer(dora).getByText("Add a job beside unit")).toBeVisible();

  // Linked, switched off and on, saved.
  await node(dora, "deploy").focus();
  await keyboard.press("l");
  await expect(drawer(dora).getByLabel("Wait for", { exact: true })).toBeFocused();
  await node(dora, "report").focus();
  await keyboard.press("x");
  await expect(node(dora, "\\.report")).toBeVisible();
  await node(dora, "\\.report").focus();
  await keyboard.press("x");
  await expect(node(dora, "report")).toBeVisible();
  await keyboard.press("Control+s");
  await expect(dora.getByText("Draft saved")).toBeVisible();

  const lin = await as("dora", { locale: "zh-CN" });
  await open(lin, `${app}/pipelines/edit?job=unit`);
  await expect(lin.locator("html")).toHaveAttribute("lang", "zh-CN");
  await expect(lin.locator("#drawer").getByLabel("镜像")).toHaveValue("node:24");
  await expectAccessible(lin);
});

test("two people edit one draft, and a change in the repository is brought together", async ({ as }) => {
  const [app] = await prepare(as, "counter");
  const [dora, devon] = [await as("dora"), await as("devon")];
  await open(dora, `${app}/pipelines/edit?job=unit`);
  await open(devon, `${app}/pipelines/edit?job=build`);
  await expect(dora.getByText("also editing: Devon Lee")).toBeVisible();

  await drawer(dora).getByLabel("Image").fill("node:24");
  await expect(dora.getByText("Draft saved")).toBeVisible();
  await expect(yaml(devon)).toContainText("image: node:24");
  await drawer(devon).getByText("More", { exact: true }).click();
  await drawer(devon).getByLabel("Ends after").fill("10 minutes");
  await expect(devon.getByText("Draft saved")).toBeVisible();
  await expect(yaml(dora)).toContainText("timeout: 10 minutes");
  await expect(yaml(dora)).toContainText("image: node:24");

  // Somebody pushes a change of another job, and of the same.
  await push("acme/counter", ".gitlab-ci.yml", FILE.replace("npm test", "npm run test:ci").replace("[./deploy.sh]", "[./ship.sh]"), "CI");
  await open(dora, `${app}/pipelines/edit`);
  const moved = dora.getByRole("region", { name: "The pipeline changed in the repository meanwhile" });
  await expect(moved).toContainText("Changed there: deploy.");
  await expect(moved.getByRole("group")).toContainText(["unit"]);
  await moved.getByRole("radio", { name: "In the draft" }).check();
  await moved.getByRole("button", { name: "Bring both together" }).click();
  await expect(moved).toHaveCount(0);
  await expect(yaml(dora)).toContainText("./ship.sh");
  await expect(yaml(dora)).toContainText("image: node:24");
  await expect(yaml(dora)).toContainText("npm test");
});

test("without JavaScript every job is a plain form", { tag: "@only-nojs" }, async ({ as }) => {
  const [app] = await prepare(as, "plain");
  const dora = await as("dora", { javaScriptEnabled: false });
  await dora.goto(`${app}/pipelines/edit`);
  await dora.getByRole("navigation", { name: "Outline" }).getByRole("link", { name: "unit" }).click();
  await drawer(dora).getByLabel("Image").fill("node:24");
  await drawer(dora).getByRole("button", { name: "Apply" }).click();
  await expect(yaml(dora)).toContainText("image: node:24");

  await dora.getByRole("navigation", { name: "Outline" }).getByRole("link", { name: "Add a job to test" }).click();
  await drawer(dora).getByLabel("Name", { exact: true }).fill("unit");
  await drawer(dora).getByLabel("Commands", { exact: true }).fill("npm run lint");
  await drawer(dora).getByRole("button", { name: "Add a job" }).click();
  await expect(drawer(dora).getByRole("alert")).toContainText("is there already");
  await expect(drawer(dora).getByLabel("Commands", { exact: true })).toHaveValue("npm run lint");
  await drawer(dora).getByLabel("Name", { exact: true }).fill("lint");
  await drawer(dora).getByRole("button", { name: "Add a job" }).click();
  await expect(drawer(dora).getByRole("heading", { name: "lint" })).toBeVisible();

  await dora.getByRole("link", { name: "Review and propose" }).click();
  await dora.getByLabel("Title of the merge request").fill("Lint and a newer Node");
  await dora.getByRole("button", { name: "Propose the changes" }).click();
  await expect(dora).toHaveURL(new RegExp(`${app}$`));
  await expect(dora.getByText("Lint and a newer Node", { exact: true })).toBeVisible();
});

test("on a phone the outline leads to the forms, and nothing is lost while GitLab is down", { tag: "@only-phone" }, async ({ as }) => {
  const [app, repository] = await prepare(as, "pocket");
  const dora = await as("dora", { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true });
  await open(dora, `${app}/pipelines/edit`);
  await expect(dora.getByRole("group", { name: /The pipeline as a graph/ })).toBeHidden();
  await expectNoSidewaysScroll(dora);
  await expectAccessible(dora);
  await dora.getByRole("navigation", { name: "Outline" }).getByRole("link", { name: "unit" }).click();
  const restore = await fault(`/api/v4/projects/${repository}(/|$|\\?)`, "status=503");
  try {
    await drawer(dora).getByLabel("Image").fill("node:24");
    await expect(dora.getByText("Draft saved")).toBeVisible();
    await expectNoSidewaysScroll(dora);
    await open(dora, `${app}/pipelines/edit?job=unit`);
    await expect(drawer(dora).getByLabel("Image")).toHaveValue("node:24");
    await expect(dora.getByRole("status").filter({ hasText: "GitLab" })).toBeVisible();
  } finally {
    await restore();
  }
});
