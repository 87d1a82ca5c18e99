import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const target = process.env.CARGO_TARGET_DIR ?? join(root, "target");

/** How long the demo may take to make its database, its repositories and its cluster, in ms. */
const READY_WITHIN = 60_000;
/** How long it may take to stop, in ms. */
const STOPPED_WITHIN = 10_000;

/**
 * Starts `slipway demo` on a free port with a folder of its own and returns what stops it. With `SLIPWAY_URL` set,
 * the specs use the server that runs there, whose data folder is `SLIPWAY_DATA`.
 */
export default async function startDemo(): Promise<() => Promise<void>> {
  if (process.env.SLIPWAY_URL) return async () => {};

  const binary = process.env.SLIPWAY_BINARY ?? join(target, "debug/slipway");
  if (!existsSync(binary)) throw new Error(`${binary} is missing: run \`cargo xtask build\` first`);

  const data = mkdtempSync(join(tmpdir(), "slipway-end2end-"));
  const logFile = join(data, "demo.log");
  const log = createWriteStream(logFile);
  const port = await freePort();
  const demo = spawn(binary, ["demo", "--data", join(data, "demo"), "--port", String(port)], {
    cwd: data,
    env: {
      LEPTOS_OUTPUT_NAME: "slipway",
      LEPTOS_SITE_ROOT: join(target, "site"),
      LEPTOS_SITE_PKG_DIR: "pkg",
      ...process.env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  demo.stdout.pipe(log);
  demo.stderr.pipe(log);

  const url = `http://127.0.0.1:${port}`;
  const stop = async () => {
    await end(demo);
    log.end();
    if (process.env.SLIPWAY_KEEP) console.log(`kept ${data}`);
    else rmSync(data, { recursive: true, force: true });
  };
  try {
    await ready(url, demo);
  } catch (error) {
    await end(demo);
    throw new Error(`${(error as Error).message}\n${readFileSync(logFile, "utf8").slice(-4000)}`);
  }
  process.env.SLIPWAY_URL = url;
  process.env.SLIPWAY_DATA = join(data, "demo");
  return stop;
}

async function ready(url: string, demo: ChildProcess): Promise<void> {
  const deadline = Date.now() + READY_WITHIN;
  while (Date.now() < deadline) {
    if (demo.exitCode !== null) throw new Error(`the demo ended with code ${demo.exitCode} before it was ready`);
    const answer = await fetch(`${url}/readyz`).catch(() => undefined);
    if (answer?.ok) return;
    await pause(100);
  }
  throw new Error(`the demo was not ready within ${READY_WITHIN / 1000} s`);
}

async function end(demo: ChildProcess): Promise<void> {
  if (demo.exitCode !== null || demo.signalCode !== null) return;
  const ended = new Promise<void>((done) => demo.once("exit", () => done()));
  demo.kill("SIGTERM");
  const late = setTimeout(() => demo.kill("SIGKILL"), STOPPED_WITHIN);
  await ended;
  clearTimeout(late);
}

function freePort(): Promise<number> {
  return new Promise((done, failed) => {
    const probe = createServer().once("error", failed);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      if (address === null || typeof address === "string") return failed(new Error("no port"));
      probe.close(() => done(address.port));
    });
  });
}
