import AxeBuilder from "@axe-core/playwright";
import { type BrowserContext, type BrowserContextOptions, type Page, expect, test as base } from "@playwright/test";
import { mkdirSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export { expect } from "@playwright/test";
export type { Page } from "@playwright/test";

/** Everyone in the demo has this password; the sign-in page says so. */
export const PASSWORD = "slipway-demo";

const images = resolve(dirname(fileURLToPath(import.meta.url)), "../../docs/images");

/** What the browser says about requests that a test refuses on purpose; tests look at the page instead. */
const REFUSED = /Failed to load resource/;

/** The signed-in state of a browser, by person; one sign-in a worker is enough. */
const signedIn = new Map<string, Awaited<ReturnType<BrowserContext["storageState"]>>>();

interface Fixtures {
  /** Fails the test when a page threw or complained: a page that does not hydrate says so only there. */
  quietConsole: string[];
  /** Opens a browser of its own for somebody of the demo, signed in. */
  as: (username: string, options?: BrowserContextOptions) => Promise<Page>;
}

function listen(page: Page, complaints: string[]): void {
  page.on("pageerror", (error) => complaints.push(`${page.url()}: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error" && !REFUSED.test(message.text())) complaints.push(`${page.url()}: ${message.text()}`);
  });
}

/** Playwright's `test`, on the demo that `demo.ts` started. */
export const test = base.extend<Fixtures>({
  baseURL: async ({}, use) => {
    await use(process.env.SLIPWAY_URL);
  },
  quietConsole: [
    async ({ page }, use) => {
      const complaints: string[] = [];
      listen(page, complaints);
      await use(complaints);
      expect(complaints, "the pages' consoles").toEqual([]);
    },
    { auto: true },
  ],
  as: async ({ browser, quietConsole }, use) => {
    const contexts: BrowserContext[] = [];
    await use(async (username, options = {}) => {
      let storageState = signedIn.get(username);
      if (!storageState) {
        const door = await browser.newContext();
        await signIn(await door.newPage(), username);
        storageState = await door.storageState();
        signedIn.set(username, storageState);
        await door.close();
      }
      const context = await browser.newContext({ ...options, storageState });
      contexts.push(context);
      const page = await context.newPage();
      listen(page, quietConsole);
      return page;
    });
    await Promise.all(contexts.map((context) => context.close()));
  },
});

/** Signs in with the form and waits for the page behind it. */
export async function signIn(page: Page, username: string, next = "/"): Promise<void> {
  await page.goto(`/sign-in?next=${encodeURIComponent(next)}`);
  const form = page.locator("form:has(input[type=password])");
  await form.locator("input[name=username]").fill(username);
  await form.locator("input[name=password]").fill(PASSWORD);
  await form.locator("button[type=submit]").click();
  await expect(page).not.toHaveURL(/\/sign-in/);
}

/** Does what loads a page, and waits until the browser has taken the page over. */
export async function alive(page: Page, act: () => Promise<unknown>): Promise<void> {
  await page.evaluate(() => delete document.documentElement.dataset.alive);
  await act();
  await page.locator("html[data-alive]").waitFor({ state: "attached" });
}

/** Opens a page, and waits until the browser has taken it over. */
export async function open(page: Page, address: string): Promise<void> {
  await alive(page, () => page.goto(address));
}

/** Checks the page against WCAG 2.2 AA, in the light and in the dark theme. Hangs where the page runs no JavaScript. */
export async function expectAccessible(page: Page, themes: ("light" | "dark")[] = ["light", "dark"]): Promise<void> {
  await page.waitForLoadState("load");
  for (const colorScheme of themes) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    const { violations } = await new AxeBuilder({ page })
      .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"])
      .analyze();
    const found = violations.flatMap(({ id, help, nodes }) =>
      nodes.map((node) => `${id}: ${help}: ${node.target.join(" ")}\n  ${node.failureSummary ?? ""}`),
    );
    expect(found, `axe, ${colorScheme}`).toEqual([]);
  }
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
}

/**
 * Checks that nothing sticks out of the window at the side. A page that is still coming is measured without its style:
 * what stands on the page must have been seen before.
 */
export async function expectNoSidewaysScroll(page: Page): Promise<void> {
  await page.waitForLoadState("load");
  const { content, window } = await page.evaluate(() => ({
    content: document.documentElement.scrollWidth,
    window: document.documentElement.clientWidth,
  }));
  expect(content, "width of the page").toBeLessThanOrEqual(window);
}

/** Gives somebody a role in a project, as whoever manages its members; `who` as the page lists people: `Dora Diaz (dora)`. */
export async function giveRole(page: Page, project: string, who: string, role: string): Promise<void> {
  await open(page, `${project}/members`);
  const person = page.getByLabel("Person or group");
  await person.selectOption({ label: who });
  const form = page.locator("form", { has: person });
  await form.locator("select[name=role]").selectOption(role);
  await form.getByRole("button", { name: "Give", exact: true }).click();
  const name = who.replace(/ \(.*/, "");
  const words = new RegExp(role.replace(".", " "), "i");
  await expect(page.getByRole("main").locator("li, tr").filter({ hasText: name }).filter({ hasText: words }).first()).toBeVisible();
}

/** Takes a picture for the documentation, when asked to by `SLIPWAY_PICTURES=1`. */
export async function picture(page: Page, name: string): Promise<void> {
  if (process.env.SLIPWAY_PICTURES !== "1") return;
  mkdirSync(images, { recursive: true });
  await page.screenshot({ path: `${images}/${name}.png`, animations: "disabled", caret: "hide" });
}
