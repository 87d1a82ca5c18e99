import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The sandbox's GitLab, as its administrator sees it: what happens outside of Slipway. */
interface Gitlab {
  url: string;
  token: string;
}

function gitlab(): Gitlab {
  const data = process.env.SLIPWAY_DATA;
  if (!data) throw new Error("SLIPWAY_DATA is missing: the folder of the demo that runs at SLIPWAY_URL");
  const { addresses } = JSON.parse(readFileSync(join(data, "demo.json"), "utf8")) as { addresses: string[] };
  const state = JSON.parse(readFileSync(join(data, "sandbox/gitlab/gitlab.json"), "utf8")) as {
    tokens: { user_id: number; name: string; value: string }[];
  };
  const token = state.tokens.find(({ user_id, name }) => user_id === 1 && name === "sandbox");
  if (!addresses[0] || !token) throw new Error(`${data} holds no sandbox`);
  return { url: `http://${addresses[0]}`, token: token.value };
}

async function call(method: string, path: string, body?: unknown): Promise<unknown> {
  const { url, token } = gitlab();
  const answer = await fetch(`${url}${path}`, {
    method,
    headers: { "PRIVATE-TOKEN": token, "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return text === "" ? undefined : JSON.parse(text);
}

/** Makes a repository of the group acme with these files on `main`; its id. */
export async function createRepository(name: string, files: Record<string, string>): Promise<number> {
  const [group] = (await call("GET", "/api/v4/groups?search=acme")) as { id: number }[];
  const made = (await call("POST", "/api/v4/projects", { name, path: name, namespace_id: group?.id })) as { id: number };
  await call("POST", `/api/v4/projects/${made.id}/repository/commits`, {
    branch: "main",
    commit_message: "Begin",
    actions: Object.entries(files).map(([file_path, content]) => ({ action: "create", file_path, content })),
  });
  return made.id;
}

/** Reads a file of a repository. */
export async function readFile(project: string, path: string, ref = "main"): Promise<string> {
  const at = `/api/v4/projects/${encodeURIComponent(project)}/repository/files/${encodeURIComponent(path)}`;
  const file = (await call("GET", `${at}?ref=${encodeURIComponent(ref)}`)) as { content: string };
  return Buffer.from(file.content, "base64").toString("utf8");
}

/** Pushes one commit that rewrites a file, as Dora would from her own machine. */
export async function push(project: string, path: string, content: string, message: string, branch = "main"): Promise<void> {
  await call("POST", `/api/v4/projects/${encodeURIComponent(project)}/repository/commits`, {
    branch,
    start_branch: branch === "main" ? undefined : "main",
    commit_message: message,
    author_name: "Dora Diaz",
    author_email: "dora@acme.example",
    actions: [{ action: "update", file_path: path, content }],
  });
}

/** An issue, as GitLab has it. */
export interface Issue {
  iid: number;
  title: string;
  state: string;
}

/** Makes an issue in a repository. */
export async function createIssue(project: number, body: Record<string, unknown>): Promise<Issue> {
  return (await call("POST", `/api/v4/projects/${project}/issues`, body)) as Issue;
}

/** Changes an issue. */
export async function changeIssue(project: number, iid: number, body: Record<string, unknown>): Promise<Issue> {
  return (await call("PUT", `/api/v4/projects/${project}/issues/${iid}`, body)) as Issue;
}

/** Reads an issue. */
export async function readIssue(project: number, iid: number): Promise<Issue> {
  return (await call("GET", `/api/v4/projects/${project}/issues/${iid}`)) as Issue;
}

/** Registers an application, as an administrator of GitLab does; its id and secret. */
export async function registerApplication(name: string, redirectUri: string, scopes: string): Promise<{ id: string; secret: string }> {
  const made = (await call("POST", "/api/v4/applications", { name, redirect_uri: redirectUri, scopes })) as {
    application_id: string;
    secret: string;
  };
  return { id: made.application_id, secret: made.secret };
}

/** Makes the next requests whose path matches fail, of one method or of all; answers what takes that back. */
export async function fault(pathRegex: string, fault: string, method?: string): Promise<() => Promise<void>> {
  const match = { path_regex: pathRegex, ...(method ? { method } : {}) };
  const rule = (await call("POST", "/-/sandbox/faults", { match, fault })) as { id: number };
  return async () => {
    await call("DELETE", `/-/sandbox/faults/${rule.id}`);
  };
}
