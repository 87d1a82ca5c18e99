// How long a webhook takes to change the page of somebody who looks on: `node latency.mjs URL DATA`, with the address
// and the data folder of a fresh `slipway demo`. Prints one line of JSON, in ms: from the moment at which a pipeline is
// asked of GitLab, so that GitLab's own work is in the figure, and from the one at which GitLab has answered, when its
// webhook is on its way.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "@playwright/test";

const [url, data] = process.argv.slice(2);
const TIMES = 30;
const PLACE = { org: "acme", project: "checkout", app: "storefront" };
const APP = "/orgs/acme/projects/checkout/apps/storefront";
const PIPELINE = "hello:\n  script:\n    - echo hello\n";

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
  const page = await browser.newPage({ baseURL: url });
  await page.goto("/sign-in");
  const form = page.locator("form:has(input[type=password])");
  await form.locator("input[name=username]").fill(username);
  await form.locator("input[name=password]").fill("slipway-demo");
  await form.locator("button[type=submit]").click();
  await page.waitForURL((at) => at.pathname !== "/sign-in");
  return page;
}

/** Connects the app to the repository of the static site and gives it a pipeline. Answers GitLab's project id. */
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
  return { project: choice.project_id, ref: choice.default_branch };
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-background-networking", "--disable-gpu", "--disable-dev-shm-usage"],
});
try {
  const { project, ref } = await connect(await signIn(browser, "devon"));
  const page = await signIn(browser, "vic");
  const listening = page.waitForRequest((request) => request.url().includes("/live"));
  await page.goto(`${APP}/pipelines`);
  await listening;
  await page.getByRole("link", { name: "#1", exact: true }).waitFor();
  const times = [];
  const sent = [];
  for (let number = 2; number < TIMES + 2; number += 1) {
    const seen = page.evaluate(
      (href) =>
        new Promise((done) => {
          const look = () => document.querySelector(`a[href="${href}"]`) && done(Date.now());
          new MutationObserver(look).observe(document.body, { childList: true, subtree: true, attributes: true });
          look();
        }),
      `${APP}/runs/${number}`,
    );
    const asked = Date.now();
    await gitlab(`/projects/${project}/pipeline`, { ref });
    const answered = Date.now();
    const at = await seen;
    times.push(at - asked);
    sent.push(at - answered);
    // The next one is measured on a page at rest: this run has ended, and the page has heard of it.
    await page.locator("tr", { has: page.locator(`a[href="${APP}/runs/${number}"]`) }).getByText("Passed").waitFor();
    await new Promise((done) => setTimeout(done, 300));
  }
  const figures = (list) => {
    list.sort((a, b) => a - b);
    return { median: list[list.length >> 1], worst: list.at(-1), n: list.length };
  };
  console.log(JSON.stringify({ from_asking_gitlab: figures(times), from_gitlabs_answer: figures(sent) }));
} finally {
  await browser.close();
}
