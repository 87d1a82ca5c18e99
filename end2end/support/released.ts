import { createRepository, push } from "./gitlab.js";
import { type Page, expect, open } from "./slipway.js";

const PROJECT = "/orgs/acme/projects/checkout";
/** A pipeline runs really, with what the machine has. */
const PIPELINE = { timeout: 120_000 };

type As = (name: string) => Promise<Page>;

/** A pipeline of one job that tells of an image, as an image job does that pushed one. */
const file = (slug: string, version: string, digit: string) => `pack:
  script:
    - echo "IMAGE_NAME=registry.example.com/acme/${slug}" > release.env
    - echo "IMAGE_DIGEST=sha256:${digit.repeat(64)}" >> release.env
    - echo "RELEASE_VERSION=${version}" >> release.env
  artifacts: { paths: [release.env], reports: { dotenv: release.env } }
`;

/** Makes an app with a repository of its own, and its release 1.0.0; its address. */
export async function makeReleased(as: As, slug: string, name: string): Promise<string> {
  const app = `${PROJECT}/apps/${slug}`;
  await createRepository(slug, { ".gitlab-ci.yml": file(slug, "0.9.0", "1") });
  const devon = await as("devon");
  await open(devon, `${PROJECT}/apps/new`);
  await devon.getByLabel("Name", { exact: true }).fill(name);
  await devon.getByLabel("Name in addresses").fill(slug);
  await devon.getByRole("button", { name: "Create app" }).click();
  await expect(devon).toHaveURL(new RegExp(`/apps/${slug}$`));
  await devon.getByLabel("Find a repository").fill(slug);
  await devon.getByRole("button", { name: "Find" }).click();
  await devon.getByRole("radio", { name: `acme/${slug}` }).check();
  await devon.getByRole("button", { name: "Connect" }).click();
  await expect(devon.getByRole("link", { name: `acme/${slug}` })).toBeVisible();
  await push(`acme/${slug}`, ".gitlab-ci.yml", file(slug, "1.0.0", "2"), "Release 1.0.0");
  await open(devon, `${app}/releases`);
  await expect(devon.getByRole("link", { name: "1.0.0", exact: true })).toBeVisible(PIPELINE);
  return app;
}
