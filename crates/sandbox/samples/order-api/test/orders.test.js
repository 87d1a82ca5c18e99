import assert from "node:assert/strict";
import { test } from "node:test";
import { Orders } from "../src/orders.js";

test("an order's total is the sum of its items", () => {
  const order = new Orders().add([
    { sku: "tea", quantity: 2, price: 450 },
    { sku: "cup", quantity: 1, price: 1200 },
  ]);
  assert.equal(order.total, 2100);
});

test("orders are found by their id", () => {
  const orders = new Orders();
  const { id } = orders.add([{ sku: "tea", quantity: 1, price: 450 }]);
  assert.equal(orders.find(id).items[0].sku, "tea");
  assert.equal(orders.find(id + 1), undefined);
});

test("a quantity below one is refused by name", () => {
  assert.throws(() => new Orders().add([{ sku: "tea", quantity: 0, price: 450 }]), /tea: quantity/);
});
