import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { build } from "../src/server.js";

let server;
let base;

before(async () => {
  server = build();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${server.address().port}`;
});

after(() => server.close());

test("it says that it is healthy", async () => {
  const response = await fetch(`${base}/healthz`);
  assert.deepEqual(await response.json(), { status: "ok" });
});

test("an order is taken and given back", async () => {
  const body = JSON.stringify({ items: [{ sku: "tea", quantity: 3, price: 450 }] });
  const made = await (await fetch(`${base}/orders`, { method: "POST", body })).json();
  assert.equal(made.total, 1350);
  const found = await (await fetch(`${base}/orders/${made.id}`)).json();
  assert.deepEqual(found, made);
});

test("a broken order is refused", async () => {
  const response = await fetch(`${base}/orders`, { method: "POST", body: '{"items":[]}' });
  assert.equal(response.status, 422);
});
