import { changeIssue, createIssue, createRepository, fault, readIssue } from "../support/gitlab.js";
import { type Page, expect, expectAccessible, expectNoSidewaysScroll, open, picture, test } from "../support/slipway.js";

const PROJECT = "/orgs/acme/projects/checkout";

/** Until GitLab was asked again: every minute, where a webhook is lost. */
const SOON = { timeout: 90_000 };

/** An app with a repository of its own. */
async function prepare(devon: Page, slug: string): Promise<number> {
  const repository = await createRepository(slug, { "README.md": "A shop.\n" });
  await devon.goto(`${PROJECT}/apps/new`);
  await devon.getByLabel("Name", { exact: true }).fill(`App ${slug}`);
  await devon.getByLabel("Name in addresses").fill(slug);
  await devon.getByRole("button", { name: "Create app" }).click();
  await expect(devon).toHaveURL(new RegExp(`/apps/${slug}$`));
  await devon.getByLabel("Find a repository").fill(slug);
  await devon.getByRole("button", { name: "Find" }).click();
  await devon.getByRole("radio", { name: `acme/${slug}` }).check();
  await devon.getByRole("button", { name: "Connect" }).click();
  await expect(devon.getByRole("link", { name: `acme/${slug}` })).toBeVisible();
  return repository;
}

/** The page of the item with that title. */
async function itemOf(page: Page, title: string): Promise<string> {
  let address = "";
  await expect
    .poll(async () => {
      await page.goto(`${PROJECT}/table?words=${encodeURIComponent(title)}`);
      const link = page.getByRole("main").getByRole("link", { name: title }).first();
      address = (await link.count()) > 0 ? ((await link.getAttribute("href")) ?? "") : "";
      return address;
    }, SOON)
    .not.toBe("");
  return address.includes("item=") ? `${PROJECT}/items/${new URL(address, "http://x").searchParams.get("item")}` : address;
}

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? "with JavaScript" : "without JavaScript";
  const mark = javaScriptEnabled ? "js" : "plain";

  test(`issues and items follow each other, and a conflict is settled, ${how}`, async ({ as }) => {
    test.setTimeout(300_000);
    const devon = await as("devon", { javaScriptEnabled });
    const slug = `mirror-${mark}`;
    const repository = await prepare(devon, slug);
    const before = `Mirrored before ${mark}`;
    const { iid } = await createIssue(repository, { title: before, labels: "bug", description: "Seen in the shop." });

    const settings = `${PROJECT}/apps/${slug}/settings/mirror`;
    await devon.goto(settings);
    const main = devon.getByRole("main");
    await expect(main).toContainText("Confidential issues and internal notes are not mirrored");
    await devon.getByLabel(/^Mirror issues/).check();
    await devon.getByLabel(/^Take over the open issues/).check();
    await devon.getByLabel("Labels that say more").fill("bug is a bug");
    await devon.getByRole("button", { name: "Save" }).click();
    // What was typed is kept where it is wrong.
    await expect(main).toContainText("“bug is a bug” is no rule");
    await expect(devon.getByLabel(/^Mirror issues/)).toBeChecked();
    await devon.getByLabel("Labels that say more").fill("bug = bug");
    await devon.getByRole("button", { name: "Save" }).click();
    await expect(main.getByRole("heading", { name: "How it goes" })).toBeVisible();
    if (javaScriptEnabled) {
      await expectAccessible(devon);
      await expectNoSidewaysScroll(devon);
      await picture(devon, "mirror");
    }

    // From GitLab to here.
    const item = await itemOf(devon, before);
    await devon.goto(item);
    await expect(main.getByRole("link", { name: `GitLab #${iid}` })).toBeVisible();
    await expect(main).toContainText("Seen in the shop.");
    await expect(main).toContainText("Bug");
    await changeIssue(repository, iid, { title: `Mirrored ${mark}` });
    await expect
      .poll(async () => {
        await devon.goto(item);
        return devon.getByRole("heading", { level: 1 }).innerText();
      }, SOON)
      .toContain(`Mirrored ${mark}`);

    // From here to GitLab.
    await devon.goto(`${item}/edit`);
    await devon.getByLabel("Title").fill(`Ours ${mark}`);
    await devon.getByRole("button", { name: "Save" }).first().click();
    await expect.poll(async () => (await readIssue(repository, iid)).title, SOON).toBe(`Ours ${mark}`);

    // Both sides are changed while Slipway cannot read the issue: when it can again, they differ.
    const restore = await fault(`/api/v4/projects/${repository}/issues`, "status=503", "GET");
    try {
      await changeIssue(repository, iid, { title: `There ${mark}` });
      await devon.goto(`${item}/edit`);
      await devon.getByLabel("Title").fill(`Here ${mark}`);
      await devon.getByRole("button", { name: "Save" }).first().click();
      await expect(devon.getByRole("heading", { level: 1 })).toContainText(`Here ${mark}`);
    } finally {
      await restore();
    }
    await expect
      .poll(async () => {
        await devon.goto(item);
        return main.getByRole("button", { name: "Take theirs" }).count();
      }, SOON)
      .toBeGreaterThan(0);
    await expect(main).toContainText(`Here ${mark}`);
    await expect(main).toContainText(`There ${mark}`);
    if (javaScriptEnabled) {
      await expectAccessible(devon);
      await picture(devon, "mirror-conflict");
    }
    await main.getByRole("button", { name: "Take theirs" }).click();
    await expect(devon.getByRole("heading", { level: 1 })).toContainText(`There ${mark}`);
    await expect(main.getByRole("button", { name: "Take theirs" })).toHaveCount(0);
  });
}

test("who may not change an app's settings sees no mirror of it, and it fits a phone", { tag: "@phone" }, async ({ as }) => {
  const devon = await as("devon");
  await open(devon, `${PROJECT}/apps/order-api/settings/mirror`);
  await expectAccessible(devon);
  await expectNoSidewaysScroll(devon);
  const dora = await as("dora");
  await dora.goto(`${PROJECT}/apps/order-api/settings/mirror`);
  await expect(dora.getByRole("main").getByRole("heading").first()).toBeVisible();
  await expect(dora.getByLabel(/^Mirror issues/)).toHaveCount(0);
});
