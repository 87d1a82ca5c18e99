import { edit, readDeployment } from "../support/kubernetes.js";
import { makeReleased } from "../support/released.js";
import { expect, expectAccessible, expectNoSidewaysScroll, open, test } from "../support/slipway.js";

const APP = "/orgs/acme/projects/checkout/apps/order-api";
/** A rollout takes the time that the sandbox's pods take. */
const ROLLOUT = { timeout: 60_000 };
/** A cluster is compared about once a minute. */
const COMPARED = { timeout: 150_000 };

test("what somebody changed around Slipway is seen, with who did it, and a revert takes it back", async ({ as }) => {
  test.setTimeout(480_000);
  const app = await makeReleased(as, "drifter", "Drifter");
  const lin = await as("lin");
  await open(lin, app);
  const lane = lin.getByRole("list", { name: "Environments in order" });
  const dev = lane.getByRole("listitem").filter({ hasText: "DEV" });
  await expect(dev).toContainText("Healthy", ROLLOUT);

  await edit("dev-cluster", "checkout-dev", "drifter", {
    spec: {
      replicas: 3,
      template: {
        spec: {
          containers: [
            { name: "drifter", env: [{ name: "DEBUG", value: "yes" }] },
            { name: "shell", image: "registry.example.com/acme/shell:1" },
          ],
        },
      },
    },
  });
  await open(lin, `${app}/environments/dev/drift`);
  const fields = lin.getByRole("table", { name: "Changed fields" });
  await expect(fields.getByRole("row", { name: /\.spec\.replicas/ })).toContainText("kubectl-edit", COMPARED);
  await expect(fields.getByRole("row", { name: /env\[name="DEBUG"\]/ })).toContainText("kubectl-edit");
  await expect(fields.getByRole("row", { name: /containers\[name="shell"\]/ })).toContainText("kubectl-edit");
  await expect(lin.locator(".diff .add", { hasText: "DEBUG" })).toBeVisible();
  await expectAccessible(lin);
  await open(lin, app);
  await expect(dev).toContainText("3 fields drifted");

  await open(lin, `${app}/environments/dev/drift`);
  await lin.getByLabel("Reason").fill("An incident is over.");
  await lin.getByRole("button", { name: "Ask to revert" }).click();
  await expect(lin).toHaveURL(/\/promotions\//);
  await expect(lin.getByRole("heading", { level: 1 })).toContainText("Deployed", ROLLOUT);
  const { spec } = await readDeployment("dev-cluster", "checkout-dev", "drifter");
  expect(spec.replicas).toBe(2);
  expect(spec.template.spec.containers.map(({ name }) => name)).toEqual(["drifter"]);
  expect(spec.template.spec.containers[0]?.env ?? []).not.toContainEqual({ name: "DEBUG", value: "yes" });
  await open(lin, `${app}/environments/dev/drift`);
  await expect(lin.getByText("The cluster has what was deployed")).toBeVisible(COMPARED);
});

test("pods and drift fit a phone", { tag: "@phone" }, async ({ as }) => {
  const lin = await as("lin");
  for (const page of ["environments/dev", "environments/dev/drift"]) {
    await open(lin, `${APP}/${page}`);
    await expect(lin.getByRole("heading", { level: 1 })).toBeVisible();
    await expectNoSidewaysScroll(lin);
  }
});
