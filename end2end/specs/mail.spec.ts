import { MailServer } from "../support/smtp.js";
import { type Page, alive, expect, expectAccessible, expectNoSidewaysScroll, open, test } from "../support/slipway.js";

/** The box with that heading. */
const box = (page: Page, title: string) =>
  page.locator("section.box", { has: page.getByRole("heading", { name: title, exact: true }) });

test("an owner sets a mail server up, tests it, invites by mail and removes it", { tag: "@nojs" }, async ({ as }, info) => {
  const javaScriptEnabled = info.project.name !== "nojs";
  const look = (page: Page, address: string) => (javaScriptEnabled ? open(page, address) : page.goto(address));
  const server = await MailServer.start();
  const ada = await as("ada", { javaScriptEnabled });
  ada.on("dialog", (dialog) => dialog.accept());
  /** Presses a button whose form the browser posts by itself. */
  const post = (name: string) => {
    const press = () => ada.getByRole("button", { name }).click();
    return javaScriptEnabled ? alive(ada, press) : press();
  };
  const slug = `mail-${info.project.name}`;
  const settings = `/orgs/${slug}/settings/mail`;

  // An organization of its own: it has one mail server, and specs run side by side.
  await look(ada, "/orgs/new");
  await ada.getByLabel("Name", { exact: true }).fill(`Mail ${info.project.name}`);
  await ada.getByLabel("Name in addresses").fill(slug);
  await ada.getByRole("button", { name: "Create organization" }).click();
  await expect(ada).toHaveURL(new RegExp(`/orgs/${slug}$`));

  await look(ada, settings);
  await expect(ada.getByRole("main")).toContainText("No mail server yet");
  const own = box(ada, "A mail server of this organization");
  await own.getByLabel("Host").fill("169.254.169.254");
  await own.getByLabel("Sender").fill("Acme <ci@acme.example>");
  await own.getByLabel("Security").selectOption("none");
  await own.getByLabel("Port").fill(String(server.port));
  await own.getByRole("button", { name: "Save" }).click();
  await expect(own.locator(".error-summary")).toContainText("This host leads to 169.254.169.254");
  await expect(own.getByLabel("Sender")).toHaveValue("Acme <ci@acme.example>");
  await own.getByLabel("Host").fill("127.0.0.1");
  await own.getByRole("button", { name: "Save" }).click();

  const inForce = box(ada, "What mail goes through");
  await expect(inForce).toContainText(`127.0.0.1:${server.port}`);
  if (javaScriptEnabled) await expectAccessible(ada);
  await post("Send a test mail to");
  await expect(inForce.getByRole("status")).toContainText("Look into that mailbox.");
  expect(server.taken.at(-1)).toContain("From: Acme <ci@acme.example>");

  await look(ada, `/orgs/${slug}/members`);
  const invite = ada.locator("form", { has: ada.getByLabel("For whom") });
  await invite.locator("select[name=role]").selectOption("org.member");
  await invite.getByLabel("For whom").fill("Ida");
  await invite.getByLabel("Mail the link to").fill("ida");
  await post("Make link");
  await expect(invite.locator(".error-summary")).toContainText("write an address such as dora@example.com");
  await expect(invite.getByLabel("For whom")).toHaveValue("Ida");
  await expect(invite.locator("select[name=role]")).toHaveValue("org.member");
  await invite.getByLabel("Mail the link to").fill("ida@acme.example");
  await post("Make link");
  await expect(ada.getByRole("main")).toContainText("Mailed to ida@acme.example.");
  await expect(ada.locator("li.list-row", { hasText: "Ida" })).toContainText("sent to ida@acme.example");
  expect(server.taken.at(-1)).toContain("To: ida@acme.example");
  if (javaScriptEnabled) await expectAccessible(ada);

  server.recipient = "550 5.1.1 nobody of that name";
  await invite.locator("select[name=role]").selectOption("org.member");
  await invite.getByLabel("Mail the link to").fill("ida@acme.example");
  await post("Make link");
  await expect(ada.getByRole("main")).toContainText("nobody of that name");
  await expect(ada.getByLabel("The link of the invitation: copy it now")).toHaveValue(/\/join\?token=/);

  await look(ada, settings);
  await own.getByRole("button", { name: "Remove" }).click();
  await expect(ada.getByRole("main")).toContainText("No mail server yet");
  await look(ada, `/orgs/${slug}/settings`);
  const end = box(ada, "Delete");
  await end.getByLabel(/to confirm$/).fill(`Mail ${info.project.name}`);
  await end.getByRole("button", { name: "Delete for good" }).click();
  await expect(ada).not.toHaveURL(new RegExp(slug));
  await server.stop();
});

test("the mail settings fit on a phone @phone", async ({ as }) => {
  const ada = await as("ada");
  await open(ada, "/orgs/acme/settings/mail");
  await expect(ada.getByRole("heading", { name: "A mail server of this organization" })).toBeVisible();
  await expectNoSidewaysScroll(ada);
});

test("who does not manage the organization has no mail settings", async ({ as }) => {
  const dora = await as("dora");
  await dora.goto("/orgs/acme/settings/mail");
  await expect(dora.getByRole("main")).toContainText("You may not");
  await expect(dora.getByRole("button", { name: "Save" })).toHaveCount(0);
});
