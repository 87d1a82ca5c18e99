// The pipeline editor and the log in a browser: `node editor.mjs URL DATA`, with the address and the data folder of a fresh
// `slipway demo`. Prints one line of JSON, in ms:
//
// - compile_200_jobs: a template of 200 jobs is compiled in the browser at a key (the page's own measure "compile"),
//   and key_to_file is from that key to the next frame that was painted with the new file;
// - editor_first_paint, key_to_paint, layout_100_jobs: a file of 100 jobs in the editor: from the address to the first
//   paint of the graph, from a key to the painted frame, and the placing of nodes and edges;
// - log_first_paint, log_scroll, find_in_log: a log of 100,000 lines: from the address to its first paint; how long the
//   frames were while it was scrolled from end to end, and how many of them showed no line; from Enter in its search to
//   the line that was found.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "@playwright/test";

const [url, data] = process.argv.slice(2);
const PLACE = { org: "acme", project: "checkout", app: "order-api" };
const PROJECT = "/orgs/acme/projects/checkout";
const APP = `${PROJECT}/apps/order-api`;
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

const text = (word) => ({ zh: word, en: word });
const TEMPLATE = {
  names: text("Two hundred jobs"),
  summary: text(""),
  params: [{ id: "word", kind: "string", default: "hello", required: true, label: text("Word") }],
  graph: {
    stages: Array.from({ length: STAGES }, (_, stage) => ({ name: `s${stage}` })),
    jobs: Array.from({ length: 200 }, (_, number) => ({
      id: `job-${number}`,
      stage: `s${Math.floor(number / 20)}`,
      needs: number < 20 ? [] : [`job-${number - 20}`],
      steps: [{ type: "script@1", params: { script: `echo $[[ inputs.word ]] ${number}`, image: "node:22" } }],
    })),
  },
  locked_fields: [],
};

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

async function post(page, path, form) {
  const answer = await page.request.post(`/api/fn/${path}`, { headers: { Origin: url }, form });
  if (!answer.ok()) throw new Error(`POST ${path}: ${answer.status()} ${await answer.text()}`);
}

async function connect(page) {
  const query = new URLSearchParams(PLACE);
  const { choices } = await (await page.request.get(`/api/fn/app/page?${query}`)).json();
  const choice = choices.repositories.Ok.find(({ used_by, default_branch }) => !used_by && default_branch);
  await post(page, "app/connect", { ...PLACE, repository: choice.project_id });
  await gitlab(`/projects/${choice.project_id}/repository/commits`, {
    branch: choice.default_branch,
    commit_message: "A pipeline to measure with",
    actions: [{ action: "create", file_path: ".gitlab-ci.yml", content: PIPELINE }],
  });
}

/** Publishes the template of 200 jobs. */
async function publish(page) {
  const place = { org: PLACE.org, project: PLACE.project };
  const template = { ...place, template: "project.two-hundred" };
  await post(page, "template/create", { ...place, slug: "two-hundred", name: "Two hundred", begin: "scratch" });
  await post(page, "template/save", { ...template, version: 1, text: JSON.stringify(TEMPLATE, null, 2) });
  const words = { changelog_en: "the first one", changelog_zh: "首个版本" };
  await post(page, "template/publish", { ...template, draft: 2, version: "1.0.0", ...words });
}

const figures = (times) => {
  if (times.length === 0 || times.some((time) => !Number.isFinite(time))) throw new Error(`no figure in ${times}`);
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] * 10) / 10;
  return { median: at(0.5), p95: at(0.95), worst: at(1), n: sorted.length };
};

/** From each key in the focused field to the end of the frame that shows it, and what the page measured meanwhile. */
async function typing(page, keys, measure) {
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
  const measured = [];
  for (const [index, key] of [...keys].entries()) {
    await page.keyboard.press(key);
    await page.waitForFunction((count) => window.times.length >= count, index + 1);
    measured.push(await page.evaluate((name) => performance.getEntriesByName(name, "measure").at(-1)?.duration, measure));
  }
  return { keys: figures(await page.evaluate(() => window.times)), measured: figures(measured) };
}

async function opened(page, address, selector) {
  const times = [];
  for (let count = 0; count < 7; count += 1) {
    await page.goto("about:blank");
    await page.goto(address);
    await page.locator(selector).first().waitFor();
    times.push(await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? Number.NaN));
  }
  await page.waitForLoadState("networkidle");
  return figures(times);
}

/** Scrolls the log from end to end, a good part of what is seen at a time, and looks at every frame. */
async function scrolling(page) {
  const frames = await page.evaluate(
    () =>
      new Promise((done) => {
        const log = document.querySelector("#log");
        const box = log.getBoundingClientRect();
        const seen = [];
        log.scrollTop = 0;
        let before = performance.now();
        const frame = () => {
          const now = performance.now();
          const under = document.elementFromPoint(box.left + box.width / 2, box.top + Math.min(box.height, 300) / 2);
          seen.push({ took: now - before, blank: under?.closest(".l, .log-note") === null });
          before = now;
          if (log.scrollTop + log.clientHeight >= log.scrollHeight - 1) done(seen);
          else {
            log.scrollTop += 180;
            requestAnimationFrame(frame);
          }
        };
        requestAnimationFrame(frame);
      }),
  );
  return { frame: figures(frames.slice(1).map(({ took }) => took)), blank: frames.filter(({ blank }) => blank).length };
}

/** From Enter in the search of the log to the line that was found. */
async function finding(page, lines) {
  const times = [];
  const field = page.getByRole("searchbox", { name: "Find in the whole log" });
  for (const line of lines) {
    const words = `line ${line} of`;
    await field.fill(words);
    const time = await page.evaluate(
      (words) =>
        new Promise((done) => {
          const shown = () => document.querySelector("#log .l.found")?.textContent.includes(words);
          const began = performance.now();
          const look = () => (shown() ? done(performance.now() - began) : requestAnimationFrame(look));
          document.querySelector("input.find").form.requestSubmit();
          look();
        }),
      words,
    );
    times.push(time);
  }
  return figures(times);
}

async function finishedRun(page) {
  for (;;) {
    const all = await (await page.request.get(`/api/v1${APP}/runs`)).json();
    const run = all.find(({ status }) => status === "success");
    if (run) return run;
    await new Promise((done) => setTimeout(done, 500));
  }
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-background-networking", "--disable-gpu", "--disable-dev-shm-usage"],
});
try {
  const lead = await signIn(browser, "devon");
  await connect(lead);
  await publish(lead);
  const page = await signIn(browser, "dora");

  await page.goto(`${APP}/pipelines/new/project.two-hundred`);
  await page.waitForLoadState("networkidle");
  await page.getByLabel("Word").focus();
  await page.keyboard.press("End");
  const compiled = await typing(page, "abcdefghijklmnopqrst", "compile");

  const editor = await opened(page, `${APP}/pipelines/edit?job=job-55`, ".studio-canvas a.node-card");
  await page.locator("#drawer").getByLabel("Image", { exact: true }).focus();
  await page.keyboard.press("End");
  const typed = await typing(page, "abcdefghijklmnopqrstuvwxyz0123456789abcd", "layout");

  const run = await finishedRun(page);
  const log = await opened(page, `${APP}/runs/${run.number}?job=long`, "#log .l");
  const scroll = await scrolling(page);
  const finds = await finding(page, [77, 50_123, 99_998, 12_345, 66_666]);
  const found = {
    compile_200_jobs: compiled.measured,
    key_to_file: compiled.keys,
    editor_first_paint: editor,
    key_to_paint: typed.keys,
    layout_100_jobs: typed.measured,
    log_first_paint: log,
    log_scroll: scroll,
    find_in_log: finds,
  };
  console.log(JSON.stringify(found));
} finally {
  await browser.close();
}
