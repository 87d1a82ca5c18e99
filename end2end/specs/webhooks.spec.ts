import { createHmac } from "node:crypto";
import { type IncomingHttpHeaders, type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type Page, expect, expectAccessible, expectNoSidewaysScroll, open, test } from "../support/slipway.js";

const PROJECT = "/orgs/acme/projects/checkout";
const SETTINGS = `${PROJECT}/settings/webhooks`;

/** The box with that heading. */
const box = (page: Page, title: string) =>
  page.locator("section.box", { has: page.getByRole("heading", { name: title, exact: true }) });

interface Heard {
  headers: IncomingHttpHeaders;
  body: string;
}

/** A receiver on a free port of this machine, which keeps the tests it hears: other specs make items in the project. */
async function receiver(): Promise<{ server: Server; url: string; heard: Heard[] }> {
  const heard: Heard[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString("utf8");
      if (JSON.parse(body).type === "webhook.test") heard.push({ headers: request.headers, body });
      response.writeHead(200).end("<b>thank you</b>");
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/in`, heard };
}

/** The signature that Standard Webhooks asks for. */
function signature(secret: string, { headers, body }: Heard): string {
  const key = Buffer.from(secret.replace("whsec_", ""), "base64");
  const signed = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`;
  return `v1,${createHmac("sha256", key).update(signed).digest("base64")}`;
}

/** The number of a header that a receiver got. */
const at = (heard: Heard[], index: number): Heard => {
  const found = heard[index];
  if (!found) throw new Error(`only ${heard.length} requests came`);
  return found;
};

test("a lead makes a webhook, tests it, rotates its secret and deletes it", { tag: "@nojs" }, async ({ as }, info) => {
  const javaScriptEnabled = info.project.name !== "nojs";
  const { server, url, heard } = await receiver();
  const ada = await as("ada", { javaScriptEnabled });
  ada.on("dialog", (dialog) => dialog.accept());
  const look = (address: string) => (javaScriptEnabled ? open(ada, address) : ada.goto(address));
  const name = `To the chat ${info.project.name}`;
  const secret = ada.getByRole("textbox", { name: "Signing secret" });

  await look(`${PROJECT}/settings`);
  await ada.getByRole("main").getByRole("link", { name: "Webhooks" }).click();
  await expect(ada).toHaveURL(new RegExp(`${SETTINGS}$`));
  const add = box(ada, "Add a webhook");
  await add.getByLabel("Address").fill("http://169.254.169.254/latest");
  await add.getByLabel("Description").fill(name);
  await add.getByLabel("item.created").check();
  if (javaScriptEnabled) await expectAccessible(ada);
  await add.getByRole("button", { name: "Add webhook" }).click();
  await expect(add.locator(".error-summary")).toContainText("this address leads to 169.254.169.254");
  await expect(add.getByLabel("Description")).toHaveValue(name);
  await expect(add.getByLabel("item.created")).toBeChecked();
  await expect(add.getByLabel("run.finished")).not.toBeChecked();
  await add.getByLabel("Address").fill(url);
  await add.getByRole("button", { name: "Add webhook" }).click();
  await expect(secret).toHaveValue(/^whsec_/);
  const first = await secret.inputValue();
  if (javaScriptEnabled) await expectAccessible(ada);
  await look(SETTINGS);
  await expect(secret).toHaveCount(0);

  await ada.getByRole("row", { name: new RegExp(name) }).getByRole("link").click();
  await expect(ada.getByRole("heading", { level: 1 })).toContainText(name);
  const page = new URL(ada.url()).pathname;
  await look(page);
  await ada.getByRole("button", { name: "Send a test" }).click();
  await expect.poll(() => heard.length).toBe(1);
  expect(at(heard, 0).headers["webhook-signature"]).toBe(signature(first, at(heard, 0)));
  expect(JSON.parse(at(heard, 0).body)).toMatchObject({ type: "webhook.test" });
  await expect(async () => {
    if (!javaScriptEnabled) await ada.goto(page);
    await expect(box(ada, "Deliveries")).toContainText("Delivered", { timeout: 2_000 });
  }).toPass();
  if (javaScriptEnabled) await expectAccessible(ada);

  await box(ada, "Deliveries").getByRole("link", { name: "webhook.test" }).click();
  await expect(box(ada, "What the receiver answered")).toContainText("<b>thank you</b>");
  await expect(box(ada, "Headers of the last try")).toContainText("webhook-signature: v1,");
  const delivery = new URL(ada.url()).pathname;
  await look(delivery);
  if (javaScriptEnabled) await expectAccessible(ada);
  await ada.getByRole("button", { name: "Send again" }).click();
  await expect.poll(() => heard.length).toBe(2);
  expect(at(heard, 1).headers["webhook-id"]).toBe(at(heard, 0).headers["webhook-id"]);

  await look(page);
  await ada.getByRole("button", { name: "New secret" }).click();
  await expect(secret).toHaveValue(/^whsec_/);
  const second = await secret.inputValue();
  expect(second).not.toBe(first);
  await look(page);
  await ada.getByRole("button", { name: "Send a test" }).click();
  await expect.poll(() => heard.length).toBe(3);
  const both = `${signature(second, at(heard, 2))} ${signature(first, at(heard, 2))}`;
  expect(at(heard, 2).headers["webhook-signature"]).toBe(both);

  const change = box(ada, "Change");
  await change.getByLabel("Switched on").uncheck();
  await change.getByRole("button", { name: "Save webhook" }).click();
  await expect(ada.getByRole("button", { name: "Send a test" })).toHaveCount(0);
  await ada.getByRole("button", { name: "Delete webhook" }).click();
  await expect(ada).toHaveURL(new RegExp(`${SETTINGS}$`));
  await expect(ada.getByRole("main")).not.toContainText(name);
  server.close();
});

test("webhooks of an organization fit on a phone @phone", async ({ as }) => {
  const ada = await as("ada");
  await open(ada, "/orgs/acme/settings/webhooks");
  await expect(ada.getByRole("heading", { level: 1 })).toContainText("Webhooks");
  await expectNoSidewaysScroll(ada);
});

test("who may not manage the project sees nothing of its webhooks", async ({ as }) => {
  const dora = await as("dora");
  await dora.goto(SETTINGS);
  await expect(dora.getByRole("main")).toContainText("project owner, project lead");
  await expect(dora.getByRole("button", { name: "Add webhook" })).toHaveCount(0);
});
