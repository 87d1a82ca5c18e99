import { expect, expectAccessible, expectNoSidewaysScroll, open, test } from "../support/slipway.js";

const TOKENS = "/orgs/acme/projects/checkout/settings/tokens";

test("a token of one's own is made, used and ended @nojs", async ({ as, javaScriptEnabled, request }) => {
  const dora = await as("dora", { javaScriptEnabled });
  dora.on("dialog", (dialog) => dialog.accept());
  const name = `report ${javaScriptEnabled ? "with" : "without"} script`;
  await dora.goto("/me/tokens");
  await dora.getByLabel("Name", { exact: true }).fill(name);
  await dora.getByRole("button", { name: "Make a token" }).click();
  const secret = dora.getByRole("textbox", { name: "Your new token" });
  await expect(secret).toHaveValue(/^slw_/);
  if (javaScriptEnabled) await expectAccessible(dora);
  const headers = { authorization: `Bearer ${await secret.inputValue()}` };
  const me = await request.get("/api/v1/me", { headers });
  expect(await me.json()).toMatchObject({ username: "dora" });

  const row = dora.getByRole("row", { name: new RegExp(name) });
  await row.getByRole("button", { name: "Revoke" }).click();
  await expect(row).toContainText("Revoked");
  await dora.goto("/me/tokens");
  await expect(row).toContainText("Revoked");
  await expect(secret).toHaveCount(0);
  expect((await request.get("/api/v1/me", { headers })).status()).toBe(401);
});

test("a lead makes a token for the project @nojs @phone", async ({ as, javaScriptEnabled, isMobile, viewport, request }, info) => {
  const ada = await as("ada", { javaScriptEnabled, isMobile, viewport });
  ada.on("dialog", (dialog) => dialog.accept());
  const name = `nightly ${info.project.name}`;
  await ada.goto("/orgs/acme/projects/checkout/settings");
  await ada.getByRole("main").getByRole("link", { name: "API tokens" }).click();
  await expect(ada).toHaveURL(new RegExp(`${TOKENS}$`));
  const form = ada.locator("section.box", { has: ada.getByRole("heading", { name: "New token" }) });
  await form.getByLabel("Name", { exact: true }).fill(" ");
  await form.getByLabel("Role", { exact: true }).selectOption("project.tester");
  await form.getByRole("checkbox", { name: /^items/ }).check();
  await form.getByRole("button", { name: "Make a token" }).click();
  await expect(form.locator(".error-summary")).toContainText("say in 1 to 60 characters what it is for");
  await expect(form.getByLabel("Role", { exact: true })).toHaveValue("project.tester");
  await expect(form.getByRole("checkbox", { name: /^items/ })).toBeChecked();
  await form.getByLabel("Name", { exact: true }).fill(name);
  await form.getByRole("button", { name: "Make a token" }).click();
  const secret = ada.getByRole("textbox", { name: "Your new token" });
  await expect(secret).toHaveValue(/^slw_/);
  await expectNoSidewaysScroll(ada);
  if (javaScriptEnabled) await expectAccessible(ada);
  const headers = { authorization: `Bearer ${await secret.inputValue()}` };
  const made = await request.post("/api/v1/orgs/acme/projects/checkout/items", {
    headers,
    data: { kind: "task", title: `By ${name}` },
  });
  expect(made.status()).toBe(201);
  expect((await request.get("/api/v1/orgs/acme/audit", { headers })).status()).toBe(403);

  await ada.goto("/orgs/acme/projects/checkout/members");
  await expect(ada.getByRole("main")).toContainText(name);
  await ada.goto(TOKENS);
  const row = ada.getByRole("row", { name: new RegExp(name) });
  await expect(row).toContainText("tester");
  await row.getByRole("button", { name: "Revoke" }).click();
  await expect(row).toContainText("Revoked");
  expect((await request.get("/api/v1/me", { headers })).status()).toBe(401);
});

test("the API is tried out on its page, which can be read without a script @nojs", async ({ as, javaScriptEnabled }) => {
  const quinn = await as("quinn", { javaScriptEnabled });
  await quinn.goto("/api/v1/docs");
  await expect(quinn.getByRole("heading", { level: 1 })).toBeVisible();
  await expectNoSidewaysScroll(quinn);
  const show = quinn.locator('[id="projects.show"]');
  await show.locator("summary").click();
  await expect(show).toContainText("It is not there, or you may not see it");
  if (!javaScriptEnabled) return;
  await expectAccessible(quinn, ["light"]);
  await show.getByLabel("org").fill("acme");
  await show.getByLabel("project").fill("checkout");
  await show.getByRole("button", { name: "Send" }).click();
  await expect(show.locator("output")).toContainText('"key": "CHK"');
});

test("a kubeconfig is read from a file", async ({ as }) => {
  const ada = await as("ada");
  await open(ada, "/orgs/acme/settings/clusters");
  const form = ada.locator("section.box", { has: ada.getByRole("heading", { name: "Add a cluster" }) });
  const text = "apiVersion: v1\nkind: Config\n";
  await form.getByLabel("From a file").setInputFiles({
    name: "config",
    mimeType: "text/yaml",
    buffer: Buffer.from(text),
  });
  await expect(form.getByLabel("kubeconfig", { exact: true })).toHaveValue(text);
});
