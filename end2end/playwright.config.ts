import { defineConfig } from "@playwright/test";

/** The pages are served from the loopback; nothing else may be fetched, and nothing should start by itself. */
const chromium = {
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-sync",
    "--no-first-run",
    "--font-render-hinting=none",
  ],
};

/**
 * A test runs with JavaScript on a desktop unless its title or tags say otherwise:
 * `@nojs` also without JavaScript, `@phone` also on a phone, and `@only-nojs`, `@only-phone` nowhere else.
 */
export default defineConfig({
  testDir: "specs",
  outputDir: "test-results",
  globalSetup: "./support/demo.ts",
  forbidOnly: true,
  retries: 0,
  workers: Number(process.env.SLIPWAY_WORKERS ?? 2),
  timeout: 60_000,
  expect: { timeout: 10_000 },
  reporter: [["list"], ["./support/failures.ts", { outputFile: "test-results/failures.txt" }]],
  use: {
    browserName: "chromium",
    launchOptions: chromium,
    locale: "en-US",
    timezoneId: "Asia/Shanghai",
    viewport: { width: 1280, height: 800 },
    actionTimeout: 15_000,
    navigationTimeout: 20_000,
    screenshot: "only-on-failure",
    trace: "retain-on-failure",
  },
  projects: [
    { name: "js", grepInvert: /@only-/ },
    { name: "nojs", grep: /@(only-)?nojs/, use: { javaScriptEnabled: false } },
    {
      name: "phone",
      grep: /@(only-)?phone/,
      use: { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 },
    },
  ],
});
