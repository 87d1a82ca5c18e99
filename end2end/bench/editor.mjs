// The pipeline editor and the log in a browser: `node editor.mjs URL DATA`, with the address and the data folder of a fresh
// `slipway demo`. Prints one line of JSON, in ms: from a key to the next frame that was painted (a file of 100 jobs), from
// the address to the drawn graph, from the address of a log of 100,000 lines to its first paint, and from Enter in its
// search to the line that was found.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "@playwright/test";

const [url, data] = process.argv.slice(2);
const PLACE = { org: "acme", project: "checkout", app: "order-api" };
const APP = "/orgs/acme/projects/checkout/apps/order-api";
const STAGES = 10;
const EACH = 10;
const LINES = 100_000;

const jobs = Array.from({ length: STAGES * EACH }, (_, number) => {
  const stage = Math.floor(number / EACH);
  const needs = stage === 0 ? "" : `  needs: [job-${number - EACH}, job-${(stage - 1) * EACH + ((number + 3) % EACH)}]\n`;
  return `job-${number}:\n  stage: s${stage}\n${needs}  image: node:22\n  rules: [{ when: never }]\n  script:\n    - npm ci\n    - npm run job-${number}\n`;
});
const PIPELINE =
  `stages: [${Array.from({ length: STAGES }, (_, stage) => `s${stage}`).join(", ")}, log]\n\n` +
  `${jobs.join("\n")}\nlong:\n  stage: log\n  script:\n    - seq -f 'line %.0f of a log that somebody has to read' 1 ${LINES}\n`;

const { addresses } = JSON.parse(readFileSync(join(data, "demo.json"), "utf8"));
const { tokens } = JSON.parse(readFileSync(join(data, "sandbox/gitlab/gitlab.json"), "utf8"));
const token = tokens.find(({ user_id, name }) => user_id === 1 && name === "sandbox").value;

async function gitlab(path, body) {
  const answer = await fetch(`http://${addresses[0]}/api/v4${path}`, {
    method: "POST",
    headers: { "PRIVATE-TOKEN": token, "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`POST ${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

async function signIn(browser, username) {
  const page = await browser.newPage({ baseURL: url, viewport: { width: 1440, height: 900 } });
  await page.goto("/sign-in");
  const form = page.locator("form:has(input[type=password])");
  await form.locator("input[name=username]").fill(username);
  await form.locator("input[name=password]").fill("slipway-demo");
  await form.locator("button[type=submit]").click();
  await page.waitForURL((at) => at.pathname !== "/sign-in");
  return page;
}

async function connect(page) {
  const query = new URLSearchParams(PLACE);
  const { choices } = await (await page.request.get(`/api/fn/app/page?${query}`)).json();
  const choice = choices.repositories.Ok.find(({ used_by, default_branch }) => !used_by && default_branch);
  const connected = await page.request.post("/api/fn/app/connect", {
    headers: { Origin: url },
    form: { ...PLACE, repository: choice.project_id },
  });
  if (!connected.ok()) throw new Error(`could not connect: ${connected.status()} ${await connected.text()}`);
  await gitlab(`/projects/${choice.project_id}/repository/commits`, {
    branch: choice.default_branch,
    commit_message: "A pipeline to measure with",
    actions: [{ action: "create", file_path: ".gitlab-ci.yml", content: PIPELINE }],
  });
}

const figures = (times) => {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] * 10) / 10;
  return { median: at(0.5), p95: at(0.95), worst: at(1), n: sorted.length };
};

/** From each key in the focused field to the end of the frame that shows it. */
async function typing(page, text) {
  await page.evaluate(() => {
    window.times = [];
    document.addEventListener(
      "keydown",
      () => {
        const began = performance.now();
        requestAnimationFrame(() => {
          const channel = new MessageChannel();
          channel.port1.onmessage = () => window.times.push(performance.now() - began);
          channel.port2.postMessage(0);
        });
      },
      true,
    );
  });
  for (const key of text) await page.keyboard.press(key);
  return page.evaluate(() => window.times);
}

async function opened(page, address, selector) {
  const times = [];
  for (let count = 0; count < 7; count += 1) {
    await page.goto("about:blank");
    await page.goto(address);
    await page.locator(selector).first().waitFor();
    times.push(await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? Number.NaN));
  }
  return figures(times);
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-background-networking", "--disable-gpu", "--disable-dev-shm-usage"],
});
try {
  await connect(await signIn(browser, "devon"));
  const page = await signIn(browser, "dora");
  const editor = await opened(page, `${APP}/pipelines/edit?job=job-55`, ".studio-canvas a.node-card");
  await page.waitForFunction(() => document.documentElement.dataset.alive !== undefined || document.readyState === "complete");
  await page.waitForLoadState("networkidle");
  await page.locator("#drawer").getByLabel("Image").focus();
  await page.keyboard.press("End");
  const keys = figures(await typing(page, "abcdefghijklmnopqrstuvwxyz0123456789abcd"));

  let run = null;
  while (run === null) {
    const found = await (await page.request.get(`/api/v1${APP}/runs`)).json();
    run = found.items?.find(({ status }) => status === "success") ?? null;
    if (run === null) await new Promise((done) => setTimeout(done, 500));
  }
  const address = `${APP}/runs/${run.number}?job=long`;
  const log = await opened(page, address, "#log .l");
  await page.waitForLoadState("networkidle");
  const finds = [];
  for (const line of [77, 50_123, 99_998, 12_345, 66_666]) {
    const field = page.getByRole("searchbox", { name: "Find in the whole log" });
    await field.fill(`line ${line} of`);
    const began = await page.evaluate(() => performance.now());
    await field.press("Enter");
    await page.locator(`#log .l.found[id="L${line}"]`).waitFor();
    finds.push((await page.evaluate(() => performance.now())) - began);
  }
  console.log(JSON.stringify({ editor_first_paint: editor, key_to_paint: keys, log_first_paint: log, find_in_log: figures(finds) }));
} finally {
  await browser.close();
}
