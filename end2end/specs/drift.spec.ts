import { expect, expectNoSidewaysScroll, open, test } from "../support/slipway.js";

const APP = "/orgs/acme/projects/checkout/apps/order-api";

test("pods and drift fit a phone", { tag: "@phone" }, async ({ as }) => {
  const lin = await as("lin");
  for (const page of ["environments/dev", "environments/dev/drift"]) {
    await open(lin, `${APP}/${page}`);
    await expect(lin.getByRole("heading", { level: 1 })).toBeVisible();
    await expectNoSidewaysScroll(lin);
  }
});
