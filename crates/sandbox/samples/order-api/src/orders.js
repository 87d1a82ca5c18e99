/** Orders kept in memory; amounts are whole cents. */
export class Orders {
  #orders = new Map();
  #next = 1;

  /** Adds an order and returns it with its id and total; throws a RangeError that says what is wrong. */
  add(items) {
    if (!Array.isArray(items) || items.length === 0) throw new RangeError("items must not be empty");
    for (const { sku, quantity, price } of items) {
      if (typeof sku !== "string" || sku === "") throw new RangeError("sku must not be empty");
      if (!Number.isInteger(quantity) || quantity < 1) throw new RangeError(`${sku}: quantity must be at least 1`);
      if (!Number.isInteger(price) || price < 0) throw new RangeError(`${sku}: price must be whole cents`);
    }
    const total = items.reduce((sum, { quantity, price }) => sum + quantity * price, 0);
    const order = { id: this.#next++, items, total };
    this.#orders.set(order.id, order);
    return order;
  }

  find(id) {
    return this.#orders.get(id);
  }
}
