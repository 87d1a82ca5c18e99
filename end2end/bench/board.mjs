// How fast a board is under people's hands: `node board.mjs URL DATA`, with the address of a fresh `slipway demo`. Prints one
// line of JSON, in ms: from the key that drops a card to the frame in which it is there, and from the key in one browser to
// the card in the other column of a second browser.
import { chromium } from "@playwright/test";

const [url] = process.argv.slice(2);
const TIMES = 30;
const BOARD = "/orgs/acme/projects/checkout/board";

async function signIn(browser, username) {
  const context = await browser.newContext({ baseURL: url, viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  await page.goto("/sign-in");
  const form = page.locator("form:has(input[type=password])");
  await form.locator("input[name=username]").fill(username);
  await form.locator("input[name=password]").fill("slipway-demo");
  await form.locator("button[type=submit]").click();
  await page.waitForURL((at) => at.pathname !== "/sign-in");
  await page.goto(BOARD);
  await page.locator("html[data-alive]").waitFor({ state: "attached" });
  return page;
}

/** When a card is in a column by that index, by the clock of the machine. */
const arrives = (page, id, column) =>
  page.evaluate(
    ([id, column]) =>
      new Promise((done) => {
        const look = () => {
          const at = document.querySelectorAll("section.board-column")[column];
          if (at?.querySelector(`#${id}`)) done(Date.now());
        };
        new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
        look();
      }),
    [id, column],
  );

/** The next key's way to the screen: from its event to the frame after the page has changed, twice a frame at the least. */
const painted = (page) =>
  page.evaluate(
    () =>
      new Promise((done) => {
        addEventListener(
          "keydown",
          (event) => {
            const channel = new MessageChannel();
            channel.port1.onmessage = () => done(performance.now() - event.timeStamp);
            // A message that is sent in a frame is heard once that frame is drawn.
            requestAnimationFrame(() => channel.port2.postMessage(0));
          },
          { capture: true, once: true },
        );
      }),
  );

const figures = (list) => {
  list.sort((a, b) => a - b);
  return { median: list[list.length >> 1], p95: list[Math.floor((list.length - 1) * 0.95)], worst: list.at(-1), n: list.length };
};

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-background-networking", "--disable-gpu", "--disable-dev-shm-usage"],
});
try {
  const [mara, quinn] = [await signIn(browser, "mara"), await signIn(browser, "quinn")];
  const id = await mara.locator("section.board-column").first().locator("[id^=card-]").first().getAttribute("id");
  const [keys, others] = [[], []];
  for (let time = 0; time < TIMES; time += 1) {
    const there = time % 2 === 0;
    await mara.locator(`#${id}`).focus();
    await mara.keyboard.press("Space");
    const drawn = painted(mara);
    await mara.keyboard.press(there ? "ArrowRight" : "ArrowLeft");
    keys.push(await drawn);
    const seen = arrives(quinn, id, there ? 1 : 0);
    const begun = Date.now();
    await mara.keyboard.press("Space");
    others.push((await seen) - begun);
    await new Promise((done) => setTimeout(done, 200));
  }
  console.log(JSON.stringify({ key_to_paint: figures(keys), move_to_other_browser: figures(others) }));
} finally {
  await browser.close();
}
