import { type Page, expect, giveRole, open, test } from "../support/slipway.js";

/** How long cards are moved, in seconds; by hand a minute and more. */
const SECONDS = Number(process.env.SLIPWAY_SHUFFLE_SECONDS ?? 6);
const BROWSERS = 8;
const CARDS = 24;
const SLUG = "shuffle";
const BOARD = `/orgs/acme/projects/${SLUG}/board`;

/** The same numbers in every run, other ones for each browser. */
function random(seed: number): (below: number) => number {
  let state = seed * 2_654_435_761 + 1;
  return (below) => {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 0x9e37_79b9) >>> 0;
    return state % below;
  };
}

async function post(page: Page, path: string, form: Record<string, string>): Promise<void> {
  const answer = await page.request.post(`/api/fn/${path}`, { headers: { Origin: process.env.SLIPWAY_URL ?? "" }, form, maxRedirects: 0 });
  expect(answer.status(), `${path}: ${await answer.text()}`).toBeLessThan(400);
}

/** The cards of each column, from the top, as the page shows them. */
const shown = (page: Page) =>
  page.evaluate(() =>
    [...document.querySelectorAll("section.board-column")].map((column) =>
      [...column.querySelectorAll("[id^=card-]")].map((card) => card.id.replace("card-", "")),
    ),
  );

/** The same, as the database has them. */
async function stored(page: Page): Promise<string[][]> {
  const answer = await page.request.get(`/api/fn/item/board?${new URLSearchParams({ org: "acme", project: SLUG })}`);
  const { columns } = (await answer.json()) as { columns: { cards: { key: string }[] }[] };
  return columns.map(({ cards }) => cards.map(({ key }) => key));
}

/** Takes random cards with the keyboard and puts them down elsewhere, until the time is over. How many were let go. */
async function shuffle(page: Page, seed: number, until: number): Promise<number> {
  const next = random(seed);
  let moves = 0;
  while (Date.now() < until) {
    await page.locator(`#card-SHF-${next(CARDS) + 1}`).focus();
    await page.keyboard.press("Space");
    for (let steps = next(3); steps >= 0; steps -= 1) {
      await page.keyboard.press(["ArrowRight", "ArrowRight", "ArrowLeft", "ArrowDown", "ArrowUp"][next(5)] ?? "ArrowDown");
    }
    await page.keyboard.press("Space");
    moves += 1;
  }
  // A key that came while a card was drawn anew may have left one lifted: what is in the hand waits for others' changes.
  await page.locator("#card-SHF-1").focus();
  await page.keyboard.press("Escape");
  return moves;
}

test("eight browsers move cards at once, and all of them end with what the database has", async ({ as }) => {
  test.setTimeout(SECONDS * 1_000 + 120_000);
  const ada = await as("ada");
  await post(ada, "project/create", { org: "acme", slug: SLUG, name: "Shuffle", description: "", key: "SHF" });
  await giveRole(ada, `/orgs/acme/projects/${SLUG}`, "Ada Okafor (ada)", "project.lead");
  const today = new Date();
  const day = (from: number) => new Date(today.getTime() + from * 86_400_000).toISOString().slice(0, 10);
  const place = { org: "acme", project: SLUG };
  await post(ada, "iteration/start", { ...place, name: "One", goal: "", starts_on: day(-1), ends_on: day(12) });
  for (let n = 1; n <= CARDS; n += 1) {
    const kind = n % 3 === 0 ? "bug" : "task";
    const severity: Record<string, string> = kind === "bug" ? { severity: "normal" } : {};
    const item = { kind, title: `Card ${n}`, description: "", priority: "normal", into_iteration: "true" };
    await post(ada, "item/create", { ...place, ...item, ...severity });
  }
  const pages = [ada, ...(await Promise.all(Array.from({ length: BROWSERS - 1 }, () => as("ada"))))];
  for (const page of pages) await open(page, BOARD);

  const until = Date.now() + SECONDS * 1_000;
  const moves = await Promise.all(pages.map((page, seed) => shuffle(page, seed, until)));
  expect(Math.min(...moves), "every browser took part").toBeGreaterThan(0);

  const cards = (await stored(ada)).flat();
  expect([...cards].sort(), "no card is lost or doubled").toEqual(Array.from({ length: CARDS }, (_, n) => `SHF-${n + 1}`).sort());
  for (const page of pages) {
    await expect(async () => expect(await shown(page)).toEqual(await stored(page))).toPass({ timeout: 30_000 });
  }
  expect(await shown(ada)).toEqual(await stored(ada));
});
