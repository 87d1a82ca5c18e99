import { makeReleased } from "../support/released.js";
import { type Page, expect, expectAccessible, open, test } from "../support/slipway.js";

/** A rollout takes the time that the sandbox's pods take. */
const ROLLOUT = { timeout: 60_000 };

const PROJECT = "/orgs/acme/projects/checkout";
let app = "";

/** Asks for 1.0.0 to be brought there; the page of the promotion. */
async function ask(page: Page, environment: string): Promise<string> {
  await open(page, `${app}/releases/1.0.0`);
  await page.getByRole("button", { name: `Promote 1.0.0 to ${environment}` }).click();
  await expect(page).toHaveURL(/\/promotions\//);
  return page.url().split("/").at(-1) ?? "";
}

test.describe.configure({ mode: "serial", timeout: 300_000 });

test("a release is on its way to live", async ({ as }) => {
  app = await makeReleased(as, "parcels", "Parcels");
  // She may promote this app, and approves nothing: neither lead nor tester nor operations.
  const ada = await as("ada");
  await open(ada, `${app}/members`);
  await ada.getByLabel("Person or group").selectOption({ label: "Dora Diaz (dora)" });
  await ada.locator("form", { has: ada.getByLabel("Person or group") }).locator("select[name=role]").selectOption("app.ops");
  await ada.getByRole("button", { name: "Give", exact: true }).click();
  await expect(ada.getByRole("link", { name: "Dora Diaz" })).toBeVisible();
  const dora = await as("dora");
  await open(dora, app);
  const lane = dora.getByRole("list", { name: "Environments in order" });
  await expect(lane.getByRole("listitem").filter({ hasText: "DEV" })).toContainText("Healthy", ROLLOUT);
  for (const environment of ["QA", "UAT"]) {
    await ask(dora, environment);
    await expect(dora.getByRole("heading", { level: 1 })).toContainText("Deployed", ROLLOUT);
  }
});

test("a rejection and its reason stand on the requester's open page at once", async ({ as }) => {
  const [dora, devon] = [await as("dora"), await as("devon")];
  const promotion = await ask(dora, "Live");
  await expect(dora.getByRole("heading", { level: 1 })).toContainText("Waiting");
  await dora.evaluate(() => {
    document.documentElement.dataset.mark = "kept";
  });

  // The product manager sees at a glance what waits, where, for whom and why.
  const mara = await as("mara");
  await open(mara, PROJECT);
  const waits = mara.locator("section", { has: mara.getByRole("heading", { name: "Waits or failed" }) });
  const row = waits.getByRole("listitem").filter({ hasText: "Parcels 1.0.0" });
  await expect(row).toContainText("live");
  await expect(row).toContainText("for Devon Lee");
  await expect(row).toContainText("dev approver");
  const cell = mara.getByRole("row", { name: /Parcels/ }).getByRole("cell").last();
  await expect(cell).toContainText("for Devon Lee");
  await expect(mara.getByRole("list", { name: "In short" })).toContainText("waiting for approval");
  await expectAccessible(mara);

  await open(devon, `/approvals/${promotion}`);
  await devon.getByLabel(/Comment/).fill("The changelog says nothing of refunds.");
  await devon.getByRole("button", { name: "Reject" }).click();
  await expect(devon.getByRole("main")).toContainText("Devon Lee rejected");

  await expect(dora.getByRole("heading", { level: 1 })).toContainText("Rejected");
  await expect(dora.getByRole("main")).toContainText("Devon Lee rejected");
  await expect(dora.getByRole("main")).toContainText("The changelog says nothing of refunds.");
  await expect(dora.locator("html")).toHaveAttribute("data-mark", "kept");
  await expectAccessible(dora);
});

test("of two approvers at once in two browsers one is the last, the other is told, and it is deployed once", async ({ as }) => {
  const [dora, devon, quinn] = [await as("dora"), await as("devon"), await as("quinn")];
  const promotion = await ask(dora, "Live");
  for (const [page, name] of [
    [devon, "Devon Lee"],
    [quinn, "Quinn Park"],
  ] as const) {
    await open(page, `/approvals/${promotion}`);
    await page.getByRole("button", { name: "Approve" }).click();
    await expect(page.getByRole("main")).toContainText(`${name} approved`);
  }
  // Both of operations have the page open, as it is before either decides.
  const [lin, oli] = [await as("lin"), await as("ops-oli")];
  const both = [lin, oli];
  for (const page of both) {
    await open(page, `/approvals/${promotion}`);
    await expect(page.getByRole("button", { name: "Approve" })).toBeVisible();
  }
  // Neither browser hears of the other before its own click is on its way.
  let held = 0;
  let release = () => {};
  const together = new Promise<void>((done) => {
    release = done;
  });
  for (const page of both) {
    await page.route("**/api/fn/**", async (route) => {
      if (route.request().method() === "POST") {
        held += 1;
        if (held === both.length) release();
        await together;
      }
      await route.continue();
    });
  }
  // Heard of from now on: what is said goes away again, on a slow machine before the rollout is over.
  const told = Promise.any(
    both.map((page) => page.locator(".toast.bad, .error-summary").first().waitFor({ timeout: 60_000 }).then(() => page)),
  );
  await Promise.all(both.map((page) => page.getByRole("button", { name: "Approve" }).click()));
  // Each page says whose approval it was that counted, and that nothing is left to decide.
  for (const page of both) {
    await expect(page.getByRole("main")).toContainText(/(Lin 林立|Oli Berg) approved/);
    await expect(page.getByRole("button", { name: "Approve" })).toHaveCount(0);
  }
  await expect(dora.getByRole("heading", { level: 1 })).toContainText("Deployed", ROLLOUT);
  const decided = await dora.getByRole("main").innerText();
  const last = ["Lin 林立 approved", "Oli Berg approved"].filter((words) => decided.includes(words));
  expect(last, "one approval was the last").toHaveLength(1);
  // Whoever came second was told that it was decided already.
  const second = last[0]?.startsWith("Lin") ? oli : lin;
  expect((await told) === second).toBe(true);
  const answer = await dora.request.get(`/api/v1/promotions/${promotion}`);
  const { attempts } = (await answer.json()) as { attempts: unknown[] };
  expect(attempts, "one deployment").toHaveLength(1);
});
