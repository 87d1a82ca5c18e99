import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A cluster of the sandbox, as its administrator reaches it: what happens around Slipway. */
interface Cluster {
  url: string;
  token: string;
}

interface Kubeconfig {
  clusters: { name: string; cluster: { server: string } }[];
  users: { name: string; user: { token: string } }[];
}

function cluster(name: string): Cluster {
  const data = process.env.SLIPWAY_DATA;
  if (!data) throw new Error("SLIPWAY_DATA is missing: the folder of the demo that runs at SLIPWAY_URL");
  // The sandbox writes YAML's subset that is JSON.
  const config = JSON.parse(readFileSync(join(data, "kubeconfig"), "utf8")) as Kubeconfig;
  const server = config.clusters.find((one) => one.name === name)?.cluster.server;
  const token = config.users.find((one) => one.name === name)?.user.token;
  if (!server || !token) throw new Error(`${data} holds no cluster ${name}`);
  return { url: server, token };
}

async function call(name: string, method: string, path: string, kind: string, body?: unknown): Promise<unknown> {
  const { url, token } = cluster(name);
  const answer = await fetch(`${url}${path}`, {
    method,
    headers: { Authorization: `Bearer ${token}`, "Content-Type": kind },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return JSON.parse(text);
}

const deployment = (namespace: string, app: string) => `/apis/apps/v1/namespaces/${namespace}/deployments/${app}`;

/** A container of a Deployment, as far as tests look at it. */
export interface Container {
  name: string;
  env?: { name: string; value?: string }[];
}

/** The Deployment of an app. */
export async function readDeployment(
  cluster: string,
  namespace: string,
  app: string,
): Promise<{ spec: { replicas: number; template: { spec: { containers: Container[] } } } }> {
  return (await call(cluster, "GET", deployment(namespace, app), "application/json")) as never;
}

/** Changes the Deployment of an app as `kubectl edit` does. */
export async function edit(cluster: string, namespace: string, app: string, patch: unknown): Promise<void> {
  const path = `${deployment(namespace, app)}?fieldManager=kubectl-edit`;
  await call(cluster, "PATCH", path, "application/strategic-merge-patch+json", patch);
}
