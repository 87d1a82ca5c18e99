import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const target = process.env.CARGO_TARGET_DIR ?? join(root, "target");
const binary = process.env.SLIPWAY_BINARY ?? join(target, "debug/slipway");

/** How long a server may take to be ready, in ms. */
const READY_WITHIN = 30_000;

/** A Slipway that nobody has set up, beside a GitLab and a Kubernetes that know nothing of it. */
export interface Fresh {
  url: string;
  gitlab: { url: string; token: string };
  kubeconfig: string;
  stop: () => Promise<void>;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  if (!address || typeof address === "string") throw new Error("no free port");
  return address.port;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((done) => child.once("exit", () => done()));
  child.kill("SIGTERM");
  await ended;
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new Error("nothing to read");
  for await (const line of createInterface({ input: child.stdout })) return line;
  throw new Error("it ended before it was ready");
}

/** Starts one as its operator does: a configuration file, `slipway user create-owner`, `slipway serve`. */
export async function fresh(owner: { username: string; name: string; password: string }): Promise<Fresh> {
  const folder = mkdtempSync(join(tmpdir(), "slipway-fresh-"));
  const sandbox = spawn(binary, ["sandbox", "--data", join(folder, "sandbox")], { stdio: ["ignore", "pipe", "ignore"] });
  const outside = JSON.parse(await firstLine(sandbox)) as { gitlab_url: string; gitlab_token: string; kubeconfig: string };
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const config = join(folder, "slipway.toml");
  writeFileSync(
    config,
    [
      `[server]\nlisten = "127.0.0.1:${port}"\npublic_url = "${url}"`,
      `[database]\nurl = "sqlite://${join(folder, "slipway.db")}"`,
      `[secrets]\nkey = "a key of a test, no secret"`,
      // GitLab and Kubernetes run on this very machine.
      `[outgoing]\nallow = ["127.0.0.0/8"]`,
    ].join("\n\n"),
  );
  const made = spawnSync(
    binary,
    ["user", "create-owner", "--config", config, "--username", owner.username, "--name", owner.name].concat([
      "--org-slug",
      "nordwind",
      "--org-name",
      "Nordwind",
    ]),
    { input: owner.password, encoding: "utf8" },
  );
  if (made.status !== 0) throw new Error(`create-owner: ${made.stdout}${made.stderr}`);
  const serve = spawn(binary, ["serve", "--config", config], {
    cwd: folder,
    env: {
      LEPTOS_OUTPUT_NAME: "slipway",
      LEPTOS_SITE_ROOT: join(target, "site"),
      LEPTOS_SITE_PKG_DIR: "pkg",
      ...process.env,
    },
    stdio: "ignore",
  });
  const deadline = Date.now() + READY_WITHIN;
  while (!(await fetch(`${url}/readyz`).catch(() => undefined))?.ok) {
    if (Date.now() > deadline || serve.exitCode !== null) throw new Error("the server was not ready in time");
    await pause(100);
  }
  return {
    url,
    gitlab: { url: outside.gitlab_url, token: outside.gitlab_token },
    kubeconfig: readFileSync(outside.kubeconfig, "utf8"),
    stop: async () => {
      await Promise.all([end(serve), end(sandbox)]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
