import { expect, expectAccessible, expectNoSidewaysScroll, open, picture, test } from "../support/slipway.js";

const PROJECT = "/orgs/acme/projects/checkout";

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? "with JavaScript" : "without JavaScript";
  const mark = javaScriptEnabled ? "js" : "plain";

  test(`a file is mapped, previewed and imported once, ${how}`, async ({ as }) => {
    const mara = await as("mara", { javaScriptEnabled });
    const rows = [
      "key,title,type,state",
      `IN-${mark}-1,Imported ${mark},Saga ${mark},To do`,
      `IN-${mark}-2,"=Formula ${mark}, kept",task,Done`,
      `IN-${mark}-3,,task,To do`,
    ];
    const file = { name: `${mark}.csv`, mimeType: "text/csv", buffer: Buffer.from(rows.join("\r\n")) };
    const upload = async () => {
      await mara.goto(`${PROJECT}/items/import`);
      await mara.locator("input[type=file]").setInputFiles(file);
      await mara.getByRole("button", { name: "Upload and preview" }).click();
      await expect(mara).toHaveURL(/items\/import\/[0-9a-f-]{36}$/);
    };
    await upload();
    const main = mara.getByRole("main");
    await expect(main).toContainText("the title is empty");
    await expect(main).toContainText(`nobody knows what “Saga ${mark}” means`);
    if (javaScriptEnabled) {
      await expectAccessible(mara);
      await picture(mara, "intake");
    }
    await mara.getByLabel(`Saga ${mark}`).selectOption({ label: "Epic" });
    await mara.getByRole("button", { name: "Apply and preview" }).click();
    await expect(main).toContainText("2 new, 0 there already, 1 wrong, of 3 rows");
    await mara.getByRole("button", { name: "Import 2 items" }).click();
    await expect
      .poll(async () => {
        await mara.reload();
        return main.innerText();
      })
      .toContain("Done");
    await upload();
    await expect(main).toContainText("0 new, 1 there already");
    await expect(mara.getByRole("button", { name: /Import \d+ items/ })).toHaveCount(0);
  });

  test(`a file is attached to an item and taken away, ${how}`, async ({ as }) => {
    const mara = await as("mara", { javaScriptEnabled });
    await mara.goto(`${PROJECT}/items/new`);
    await mara.getByLabel("Title").fill(`With a file ${mark}`);
    await mara.getByRole("button", { name: "Create item" }).click();
    await expect(mara.getByRole("heading", { level: 1 })).toContainText(`With a file ${mark}`);
    const main = mara.getByRole("main");
    const page = { name: "<b>page.html", mimeType: "text/html", buffer: Buffer.from("<script>alert(1)</script>") };
    await mara.locator("input[type=file]").setInputFiles(page);
    await mara.getByRole("button", { name: "Attach" }).click();
    const link = main.getByRole("link", { name: "bpage.html" }).or(main.getByRole("link", { name: /page/ }));
    await expect(link.first()).toBeVisible();
    const answer = await mara.request.get((await link.first().getAttribute("href")) ?? "");
    expect(answer.headers()["content-type"]).toBe("application/octet-stream");
    expect(answer.headers()["content-disposition"]).toContain("attachment");
    await mara.locator("input[type=file]").setInputFiles({ name: "run.png", mimeType: "image/png", buffer: Buffer.from("\u007fELF\u0002\u0001\u0001") });
    await mara.getByRole("button", { name: "Attach" }).click();
    await expect(main.getByRole("alert")).toContainText("this is a program");
    if (javaScriptEnabled) mara.on("dialog", (dialog) => void dialog.accept());
    await main.locator("li", { hasText: "page" }).getByRole("button", { name: "Remove" }).click();
    await expect(main).toContainText("No files.");
  });
}

test("automation is set by who may, and the value stream is there, on a phone too", { tag: "@phone" }, async ({ as }) => {
  const mara = await as("mara");
  await open(mara, `${PROJECT}/settings/automation`);
  await expectAccessible(mara);
  await expectNoSidewaysScroll(mara);
  await picture(mara, "automation");
  for (const path of ["insights/stream", "items/import"]) {
    await open(mara, `${PROJECT}/${path}`);
    await expectAccessible(mara);
    await expectNoSidewaysScroll(mara);
  }
});
