import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { push, readFile } from "../support/gitlab.js";
import { type Page, alive, expect, expectAccessible, expectNoSidewaysScroll, open, picture, test } from "../support/slipway.js";

/** A pipeline runs really, with what the machine has. */
const PIPELINE = { timeout: 120_000 };
/** A rollout takes the time that the sandbox's pods take. */
const ROLLOUT = { timeout: 60_000 };

const PROJECT = "/orgs/acme/projects/checkout";
const APP = `${PROJECT}/apps/storefront`;
const REPOSITORY = "acme/storefront";
const PHONE = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };

/** The first release of the app: the template counts pipelines, and the first one checked the proposed branch. */
const FIRST = "0.1.2";
const SECOND = "0.1.3";

/** The build on main goes on when this file is there, so that the test sees the run while it runs. */
const WORD = join(process.env.SLIPWAY_DATA ?? "", `word-${process.pid}`);
const BUILD = `sh build.sh
[ "$CI_COMMIT_BRANCH" != main ] || echo "the build waits for the word"
[ "$CI_COMMIT_BRANCH" != main ] || until [ -e '${WORD}' ]; do sleep 0.1; done`;

/** From now on the page may not be loaded again: what changes on it comes over its one stream of events. */
async function mark(page: Page): Promise<void> {
  await page.evaluate(() => {
    document.documentElement.dataset.mark = "kept";
  });
}

async function expectNoReload(page: Page): Promise<void> {
  await expect(page.locator("html")).toHaveAttribute("data-mark", "kept");
}

/** The stop of the lane for an environment. */
const stop = (page: Page, name: string) =>
  page.getByRole("list", { name: "Environments in order" }).getByRole("listitem").filter({ hasText: name });

test.describe.configure({ mode: "serial", timeout: 180_000 });

test("1 · a developer signs in with GitLab, by OAuth 2 with PKCE", async ({ page }) => {
  await page.goto("/sign-in");
  const asked = page.waitForRequest(/\/oauth\/authorize\?/);
  await page.getByRole("link", { name: "Sign in with GitLab" }).click();
  const query = new URL((await asked).url()).searchParams;
  expect(query.get("response_type")).toBe("code");
  expect(query.get("code_challenge_method")).toBe("S256");
  expect(query.get("code_challenge")).toMatch(/^[\w-]{43}$/);
  expect(query.get("state")).toMatch(/.{16,}/);
  await page.getByRole("button", { name: "Dora Diaz" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("My work");
});

test("2 · the lead connects a repository, and the developer sees it at once", async ({ as }) => {
  const dora = await as("dora");
  await open(dora, "/");
  const main = dora.getByRole("main");
  await main.getByRole("link", { name: "Acme", exact: true }).click();
  await main.getByRole("link", { name: "Checkout" }).click();
  await main.getByRole("link", { name: "Storefront" }).click();
  await expect(dora).toHaveURL(new RegExp(`${APP}$`));
  await expect(main).toContainText("An owner or lead of the project can connect one.");
  await mark(dora);

  const devon = await as("devon");
  await open(devon, APP);
  await expectAccessible(devon);
  await devon.getByLabel("Find a repository").fill("storefront");
  await alive(devon, () => devon.getByRole("button", { name: "Find" }).click());
  await expect(devon.getByRole("radio")).toHaveCount(1);
  await devon.getByRole("radio", { name: REPOSITORY }).check();
  await devon.getByRole("button", { name: "Connect" }).click();
  await expect(devon.getByRole("link", { name: REPOSITORY })).toBeVisible();
  await expect(devon.getByRole("status")).toContainText("Connected. Next: create a pipeline.");

  await expect(dora.getByRole("link", { name: REPOSITORY })).toBeVisible();
  await expectNoReload(dora);
});

test("3 · the developer fills one form and sees its file at every key, checked by Slipway and by GitLab", async ({ as }) => {
  const dora = await as("dora");
  await open(dora, APP);
  await dora.getByRole("link", { name: "Create a pipeline" }).click();
  const suits = dora.locator("section", { has: dora.getByRole("heading", { name: "Suits this repository" }) });
  await expect(suits.getByRole("listitem").first()).toContainText("The repository has build.sh");
  await expectAccessible(dora);
  await suits.getByRole("link", { name: "Static site" }).click();

  const file = dora.getByRole("group", { name: "The file as it would be" });
  await expect(file).toContainText("build-site:");
  await expect(dora.getByText("GitLab accepts it")).toBeVisible();

  // No answer comes from the server while this is typed: the browser compiles the file itself.
  let release = () => {};
  const held = new Promise<void>((done) => {
    release = done;
  });
  await dora.route("**/api/**", async (route) => {
    await held;
    await route.continue();
  });
  await dora.getByLabel("Output folder").fill("dist");
  await expect(file).toContainText("test -s dist/index.html");
  await dora.getByLabel("Output folder").fill("");
  await dora.getByLabel("Output folder").blur();
  await expect(dora.getByLabel("Output folder")).toHaveAttribute("aria-invalid", "true");
  await expect(dora.getByText("Fields to look at again: 1.")).toBeVisible();
  await dora.getByLabel("Output folder").fill("dist");
  await dora.getByLabel("Scan for leaked secrets").check();
  await expect(file).toContainText("secret-scan:");
  await dora.getByLabel("Scan for leaked secrets").uncheck();
  await expect(file).not.toContainText("secret-scan:");
  release();
  await dora.unroute("**/api/**");
  await expect(dora.getByText("GitLab accepts it")).toBeVisible();
  await expectAccessible(dora);
  await picture(dora, "form");
  await dora.getByLabel("Build commands").fill(BUILD);
  await expect(file).toContainText("waits for the word");
  await expect(dora.getByText("GitLab accepts it")).toBeVisible();

  await dora.getByRole("button", { name: "Propose" }).click();
  await expect(dora).toHaveURL(new RegExp(`${APP}$`));
  await expect(dora.getByText("Pipeline proposed")).toBeVisible();
  await expect(dora.getByRole("main").getByRole("link", { name: /^!\d+$/ })).toHaveAttribute("href", /merge_requests/);
  await expectAccessible(dora);
});

test("4 · she merges it, and watches its run live: jobs, status and log, without a reload", async ({ as }) => {
  const dora = await as("dora");
  await open(dora, APP);
  await expect(dora.getByRole("button", { name: "Merge" })).toBeVisible();
  await mark(dora);
  await dora.getByRole("button", { name: "Merge" }).click();
  await dora.getByRole("link", { name: "#2", exact: true }).click(PIPELINE);
  await expect(dora.getByRole("heading", { level: 1 })).toContainText("Run #2");
  const graph = dora.getByRole("group", { name: "Jobs and what they wait for" });
  await expect(graph.getByRole("link", { name: "build-site" })).toBeVisible();
  await expect(graph.getByRole("link", { name: /Running.*build-site/ })).toBeVisible(PIPELINE);
  await expect(graph.getByRole("link", { name: "build-image" })).toBeVisible();
  const log = dora.getByRole("group", { name: /^Log of/ });
  await expect(log).toContainText("the build waits for the word", PIPELINE);
  await writeFile(WORD, "go");
  await expect(graph.getByRole("link", { name: /Passed.*build-site/ })).toBeVisible(PIPELINE);
  await expect(dora.getByText("This run made the release")).toBeVisible(PIPELINE);
  await expect(graph.getByRole("link", { name: /Passed.*build-image/ })).toBeVisible();
  await graph.getByRole("link", { name: "build-image" }).click();
  await expect(dora.getByRole("group", { name: "Log of build-image" })).toContainText("IMAGE_DIGEST=sha256:");
  const find = dora.getByRole("searchbox", { name: "Find in the whole log" });
  await find.fill("image_digest=SHA256");
  await find.press("Enter");
  await expect(dora.getByText(/^1 of \d+$/)).toBeVisible();
  await expect(dora.locator("#log .found")).toContainText("IMAGE_DIGEST=sha256:");
  await expectNoReload(dora);
  await expectAccessible(dora);
  // What went well is said for a few seconds.
  await expect(dora.locator(".toast")).toHaveCount(0, PIPELINE);
  await picture(dora, "run");
});

test("5 · the image's digest became a release, with its commits", async ({ as }) => {
  const dora = await as("dora");
  await open(dora, `${APP}/releases`);
  await dora.getByRole("link", { name: FIRST }).click();
  const main = dora.getByRole("main");
  await expect(main.getByText(/^sha256:[0-9a-f]{64}$/)).toBeVisible();
  await expect(main).toContainText("Begin Storefront");
  await expect(main).toContainText("first release");
  await expect(main.getByRole("link", { name: "#2", exact: true })).toBeVisible();
  await expectAccessible(dora);
});

test("6 · the branch rule brought it to dev; it is promoted to qa and uat, and the lane tells it live", async ({ as }) => {
  const [dora, oli] = [await as("dora"), await as("ops-oli")];
  await open(dora, APP);
  await expect(stop(dora, "DEV")).toContainText("Healthy", ROLLOUT);
  await expect(stop(dora, "DEV")).toContainText(FIRST);
  await expect(stop(dora, "DEV")).toContainText("2 of 2 ready");
  await expect(stop(dora, "DEV")).toContainText("by branch rule");
  await mark(dora);

  await open(oli, `${APP}/releases/${FIRST}`);
  await oli.getByRole("button", { name: `Promote ${FIRST} to QA` }).click();
  await expect(oli).toHaveURL(/\/promotions\//);
  await expect(oli.getByRole("heading", { level: 1 })).toContainText("Deployed", ROLLOUT);
  await expectAccessible(oli);
  await expect(stop(dora, "QA")).toContainText(FIRST);
  await expect(stop(dora, "QA")).toContainText("2 of 2 ready");
  await expect(stop(dora, "QA")).toContainText("Oli Berg");

  await open(oli, `${APP}/releases/${FIRST}`);
  await oli.getByRole("button", { name: `Promote ${FIRST} to UAT` }).click();
  await expect(oli.getByRole("heading", { level: 1 })).toContainText("Deployed", ROLLOUT);
  await expect(stop(dora, "UAT")).toContainText("Healthy");
  await expect(stop(dora, "UAT")).toContainText(FIRST);
  await expectNoReload(dora);
});

test("7 · live waits for three approvers in order; each finds it in the inbox, and the third approval starts it", async ({
  as,
}) => {
  const oli = await as("ops-oli");
  await open(oli, `${APP}/releases/${FIRST}`);
  await oli.getByRole("button", { name: `Promote ${FIRST} to Live` }).click();
  await expect(oli).toHaveURL(/\/promotions\//);
  const promotion = oli.url().split("/").at(-1);
  await expect(oli.getByRole("heading", { level: 1 })).toContainText("Waiting");
  await mark(oli);

  // The requester may not approve, although operations are among the live approvers.
  const requester = await as("ops-oli", PHONE);
  await requester.goto(`/approvals/${promotion}`);
  await expect(requester.getByRole("button", { name: "Reject" })).toBeVisible();
  await expect(requester.getByRole("button", { name: "Approve" })).toHaveCount(0);
  await expect(requester.getByRole("main")).toContainText("You asked for this promotion, so someone else must approve it.");

  // Not the turn of qa yet.
  const quinn = await as("quinn", { ...PHONE, javaScriptEnabled: false });
  await quinn.goto("/approvals");
  await expect(quinn.getByRole("heading", { level: 1 })).toBeVisible();
  await expect(quinn.getByRole("main")).not.toContainText(`Storefront ${FIRST}`);

  const devon = await as("devon", PHONE);
  await open(devon, "/");
  // Others ask him too: the next one may be theirs.
  await expect(devon.getByRole("link", { name: "Review next approval" })).toBeVisible();
  await open(devon, "/approvals");
  await devon.getByRole("link", { name: `Storefront ${FIRST}` }).click();
  await expect(devon.getByRole("heading", { level: 1 })).toContainText(`Storefront ${FIRST}`);
  await expect(devon.getByRole("main")).toContainText("Waits for your approval");
  await expect(devon.getByRole("button", { name: "Approve" })).toBeInViewport();
  await expectNoSidewaysScroll(devon);
  await expectAccessible(devon);
  await picture(devon, "approval-phone");
  await devon.getByRole("button", { name: "Reject" }).click();
  await expect(devon.getByRole("alert")).toBeVisible();
  await devon.getByLabel(/Comment/).fill("Looked at it in uat.");
  await devon.getByRole("button", { name: "Approve" }).click();
  await expect(devon.getByRole("main")).toContainText("Devon Lee approved");
  await expect(devon.getByRole("button", { name: "Approve" })).toHaveCount(0);
  await expect(oli.getByRole("main")).toContainText("Devon Lee approved");

  await quinn.goto("/approvals");
  await quinn.getByRole("link", { name: `Storefront ${FIRST}` }).click();
  await expect(quinn.getByRole("heading", { level: 1 })).toContainText(`Storefront ${FIRST}`);
  await expectNoSidewaysScroll(quinn);
  await quinn.getByRole("button", { name: "Approve" }).click();
  await expect(quinn.getByRole("main")).toContainText("Quinn Park approved");

  const lin = await as("lin", PHONE);
  await open(lin, "/approvals");
  await lin.getByRole("link", { name: `Storefront ${FIRST}` }).click();
  await lin.getByRole("button", { name: "Approve" }).click();
  await expect(lin.getByRole("main")).toContainText("Lin 林立 approved");

  await expect(oli.getByRole("heading", { level: 1 })).toContainText("Deployed", ROLLOUT);
  await expectNoReload(oli);
  await open(oli, APP);
  await expect(stop(oli, "LIVE")).toContainText(FIRST);
  await expect(stop(oli, "LIVE")).toContainText("Healthy", ROLLOUT);
  await expect(stop(oli, "LIVE")).toContainText("2 of 2 ready");
  await expect(stop(oli, "LIVE")).toContainText("Oli Berg");
});

test("8 · a release that qa's configuration breaks fails there with the pod's reason and log, and is rolled back by one click", async ({
  as,
}) => {
  const dockerfile = await readFile(REPOSITORY, "Dockerfile");
  const broken = `${dockerfile.trimEnd()}\nLABEL sandbox.slipway.dev/behavior="crash-loop@checkout-qa"\n`;
  await push(REPOSITORY, "Dockerfile", broken, "Read the shop's name from the environment");

  const oli = await as("ops-oli");
  await open(oli, APP);
  await expect(stop(oli, "DEV")).toContainText(SECOND, PIPELINE);
  await expect(stop(oli, "DEV")).toContainText("Healthy", ROLLOUT);
  await open(oli, `${APP}/releases/${SECOND}`);
  await expect(oli.getByRole("main")).toContainText("Read the shop's name from the environment");
  await expect(oli.getByRole("main")).toContainText(`since ${FIRST}`);
  await oli.getByRole("button", { name: `Promote ${SECOND} to QA` }).click();
  await mark(oli);
  await expect(oli.getByRole("heading", { level: 1 })).toContainText("Failed", ROLLOUT);
  await expect(oli.getByRole("main")).toContainText("storefront keeps crashing");
  await expect(oli.getByRole("main")).toContainText("exit code 1");
  await expect(oli.getByRole("group", { name: /^Log of storefront-/ })).toContainText("DATABASE_URL is not set");
  await expectNoReload(oli);
  await expectAccessible(oli);

  await oli.getByRole("button", { name: `Roll back to ${FIRST}` }).click();
  await expect(oli.getByRole("heading", { level: 1 })).toContainText(`${FIRST} → qa`);
  await expect(oli.getByRole("heading", { level: 1 })).toContainText("Deployed", ROLLOUT);
  await open(oli, APP);
  await expect(stop(oli, "QA")).toContainText(FIRST);
  await expect(stop(oli, "QA")).toContainText("Healthy", ROLLOUT);
  await expectAccessible(oli);
  await picture(oli, "app");
});

test("where it runs, its pods, their log and what differs are seen, with JavaScript and without", async ({ as }) => {
  const lin = await as("lin");
  await open(lin, `${APP}/environments/dev`);
  await expect(lin.getByRole("heading", { level: 1 })).toContainText("dev");
  const pods = lin.getByRole("table", { name: "Pods" });
  await expect(pods.getByText("Running").first()).toBeVisible();
  await expect(lin.getByLabel("Pods", { exact: true })).toHaveValue(/^\d+$/);
  await expectAccessible(lin);
  await pods.getByRole("link").first().click();
  await expect(lin.getByLabel("Log", { exact: true })).toBeVisible();
  await expectAccessible(lin);
  await lin.getByLabel("Last lines").selectOption("100");
  await lin.getByRole("button", { name: "Show" }).click();
  await expect(lin).toHaveURL(/lines=100/);
  await open(lin, `${APP}/environments/dev/drift`);
  await expect(lin.getByRole("heading", { level: 1 })).toContainText("Drift");
  await expectAccessible(lin);

  const plain = await as("lin", { javaScriptEnabled: false });
  await plain.goto(`${APP}/environments/dev`);
  await plain.getByRole("table", { name: "Pods" }).getByRole("link").first().click();
  await expect(plain.getByRole("button", { name: "Show" })).toBeVisible();
  await plain.goto(`${APP}/environments/dev`);
  await plain.getByLabel("Pods", { exact: true }).fill("-1");
  await plain.getByRole("button", { name: "Scale" }).click();
  await expect(plain.locator(".error-summary")).toContainText("number of pods");
  await expect(plain.getByLabel("Pods", { exact: true })).toHaveValue("-1");
});

test("10 · every step stands in the audit log, with who took it and how it went", async ({ as }) => {
  const ada = await as("ada");
  await open(ada, `${APP}/audit`);
  const steps: [who: string, action: string, target: string, outcome: string][] = [
    ["Devon Lee", "app.connect", "Storefront", "Done"],
    ["Dora Diaz", "pipeline.propose", "Static site", "Done"],
    ["Dora Diaz", "pipeline.merge", "Static site", "Done"],
    ["slipway", "release.create", FIRST, "Done"],
    ["slipway", "promotion.request", `${FIRST} → dev`, "Done"],
    ["slipway", "promotion.succeed", `${FIRST} → dev`, "Done"],
    ["Oli Berg", "promotion.request", `${FIRST} → qa`, "Done"],
    ["Oli Berg", "promotion.request", `${FIRST} → uat`, "Done"],
    ["Oli Berg", "promotion.request", `${FIRST} → live`, "Done"],
    ["Devon Lee", "promotion.approve", `${FIRST} → live`, "Done"],
    ["Quinn Park", "promotion.approve", `${FIRST} → live`, "Done"],
    ["Lin 林立", "promotion.approve", `${FIRST} → live`, "Done"],
    ["slipway", "promotion.succeed", `${FIRST} → live`, "Done"],
    ["slipway", "promotion.fail", `${SECOND} → qa`, "Failed"],
    ["Oli Berg", "promotion.roll_back", `${FIRST} → qa`, "Done"],
    ["slipway", "promotion.succeed", `${FIRST} → qa`, "Done"],
  ];
  const rows = await ada.getByRole("row").allInnerTexts();
  // The log is newest first: each step is looked for above the one before it.
  let below = rows.length;
  for (const step of steps) {
    below = rows.slice(0, below).findLastIndex((row) => step.every((word) => row.includes(word)));
    expect(below, `${step.join(" ")} in\n${rows.join("\n")}`).toBeGreaterThan(0);
  }
  await expectAccessible(ada);
  await ada.getByRole("link", { name: "Releases" }).click();
  await expect(ada.getByRole("row", { name: /release\.create/ })).toHaveCount(2);
  await expect(ada.getByRole("row", { name: /promotion\./ })).toHaveCount(0);
  await open(ada, PROJECT);
  await expectAccessible(ada);
  await picture(ada, "grid");
});
