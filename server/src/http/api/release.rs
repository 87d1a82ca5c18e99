//! Releases.

use super::Answer;
use super::ask::{Asked, Body, OrRefuse as _, Path};
use super::paging::{Page, Paged};
use super::place::{AppPath, EnvironmentName, Person};
use super::refusals::{Changes, Reads};
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::Json;
use axum::routing::{get, post};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use slipway_domain::comparison;
use slipway_domain::release::{ReleaseRow, ReleaseView};
use slipway_domain::time::Timestamp;
use utoipa::{IntoParams, ToSchema};

/// The routes.
pub const ROUTES: &[Route] = &[
    route(
        "GET",
        "/api/v1/orgs/{org}/projects/{project}/apps/{app}/releases",
        Access::SignedIn,
        || get(list),
    ),
    route(
        "GET",
        "/api/v1/orgs/{org}/projects/{project}/apps/{app}/releases/{version}",
        Access::SignedIn,
        || get(show),
    ),
    route(
        "GET",
        "/api/v1/orgs/{org}/projects/{project}/apps/{app}/releases/{version}/notes",
        Access::SignedIn,
        || get(notes),
    ),
    route(
        "GET",
        "/api/v1/orgs/{org}/projects/{project}/apps/{app}/releases/{version}/manifests",
        Access::SignedIn,
        || get(manifests),
    ),
    route(
        "POST",
        "/api/v1/orgs/{org}/projects/{project}/apps/{app}/releases/{version}/defective",
        Access::SignedIn,
        || post(mark_defective),
    ),
];

/// A release's path.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ReleasePath {
    /// The organization's slug.
    pub(super) org: String,
    /// The project's slug.
    pub(super) project: String,
    /// The app's slug.
    pub(super) app: String,
    /// The release's version.
    pub(super) version: String,
}

/// A release.
#[derive(Serialize, ToSchema)]
pub struct Release {
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// Its version, unique in the app.
    version: String,
    /// Its commit.
    sha: String,
    /// The branch or tag it was built from.
    #[serde(rename = "ref")]
    git_ref: String,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was marked defective.
    #[schema(format = DateTime)]
    defective_at: Option<String>,
    /// Where it runs now.
    running_in: Vec<EnvironmentName>,
}

impl Release {
    fn of(row: ReleaseRow) -> Self {
        Self {
            id: row.release.id.to_string(),
            version: row.release.version,
            sha: row.release.sha,
            git_ref: row.git_ref,
            created_at: row.created_at.rfc3339(),
            defective_at: row.defective_at.map(Timestamp::rfc3339),
            running_in: row.running_in.iter().map(EnvironmentName::of).collect(),
        }
    }
}

/// A release with what is in it.
#[derive(Serialize, ToSchema)]
pub struct ReleaseDetail {
    /// The release.
    #[serde(flatten)]
    release: Release,
    /// Who pushed the commit, where known.
    created_by: Option<Person>,
    /// The number of the run that built it.
    run: Option<i64>,
    /// Its images, as `repository@digest`.
    images: Vec<String>,
    /// The version of the release before.
    previous: Option<String>,
    /// The commits since then.
    commits: Vec<Commit>,
    /// Tests of its pipeline that passed.
    tests_passed: i64,
    /// Tests that failed.
    tests_failed: i64,
    /// Tests that were skipped.
    tests_skipped: i64,
    /// Why it is defective.
    defective_reason: Option<String>,
}

/// A commit.
#[derive(Serialize, ToSchema)]
pub struct Commit {
    /// The whole hash.
    sha: String,
    /// Its first line.
    title: String,
    /// Who wrote it.
    author: String,
    /// When.
    #[schema(format = DateTime)]
    at: String,
}

impl Commit {
    /// As the API says it.
    pub fn of(commit: slipway_domain::release::Commit) -> Self {
        Self {
            sha: commit.sha,
            title: commit.title,
            author: commit.author,
            at: commit.at.rfc3339(),
        }
    }
}

impl ReleaseDetail {
    fn of(view: ReleaseView) -> Self {
        let (defective_at, defective_reason) = view
            .defective
            .map_or((None, None), |(at, why)| (Some(at.rfc3339()), Some(why)));
        Self {
            release: Release {
                id: view.release.id.to_string(),
                version: view.release.version,
                sha: view.release.sha,
                git_ref: view.git_ref,
                created_at: view.created_at.rfc3339(),
                defective_at,
                running_in: view.running_in.iter().map(EnvironmentName::of).collect(),
            },
            created_by: view.created_by.as_ref().map(Person::of),
            run: view.run.map(|(_, number)| number),
            images: view
                .images
                .iter()
                .map(slipway_domain::release::Image::reference)
                .collect(),
            previous: view.previous,
            commits: view.commits.into_iter().map(Commit::of).collect(),
            tests_passed: view.evidence.tests_passed,
            tests_failed: view.evidence.tests_failed,
            tests_skipped: view.evidence.tests_skipped,
            defective_reason,
        }
    }
}

/// What a release brings, in words.
#[derive(Serialize, ToSchema)]
pub struct ReleaseNotes {
    /// Markdown, in the language that was asked for.
    markdown: String,
}

/// What was rendered of a release for an environment.
#[derive(Serialize, ToSchema)]
pub struct Manifests {
    /// The environment.
    environment: EnvironmentName,
    /// SHA-256 of `yaml`, in hex.
    hash: String,
    /// The objects in the order they are applied, as YAML documents without a namespace.
    yaml: String,
}

/// Why a release must not go further.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Defect {
    /// In 1 to 500 characters.
    reason: String,
}

/// The releases of an app, the newest first.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/releases",
    tag = "Releases",
    operation_id = "releases.list",
    params(AppPath, Page),
    responses((status = 200, description = "A page of them", body = Vec<Release>), Reads)
)]
pub async fn list(asked: Asked, Path(at): Path<AppPath>, page: Page) -> Result<Paged<Release>, Refusal> {
    let before: Option<String> = page.from().or_refuse(&asked)?;
    let list = slipway_portal::release::list(asked.ctx(), &at.org, &at.project, &at.app, before.as_deref())
        .await
        .or_refuse(&asked)?;
    let more = list.older_than.is_some();
    Ok(page
        .take(list.releases, more, |row| row.release.version.clone())
        .map(Release::of))
}

/// A release: its images, its commits, and what its pipeline proved.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/releases/{version}",
    tag = "Releases",
    operation_id = "releases.show",
    params(ReleasePath),
    responses((status = 200, description = "The release", body = ReleaseDetail), Reads)
)]
pub async fn show(asked: Asked, Path(at): Path<ReleasePath>) -> Answer<ReleaseDetail> {
    let view = slipway_portal::release::view(asked.ctx(), &at.org, &at.project, &at.app, &at.version)
        .await
        .or_refuse(&asked)?;
    Ok(Json(ReleaseDetail::of(view)))
}

/// What a release brings, from its commits and the work items that they name.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/releases/{version}/notes",
    tag = "Releases",
    operation_id = "releases.notes",
    params(ReleasePath),
    responses((status = 200, description = "The notes", body = ReleaseNotes), Reads)
)]
pub async fn notes(asked: Asked, Path(at): Path<ReleasePath>) -> Answer<ReleaseNotes> {
    let view = slipway_portal::release::view(asked.ctx(), &at.org, &at.project, &at.app, &at.version)
        .await
        .or_refuse(&asked)?;
    let previous = view.previous.as_deref();
    let markdown = comparison::notes(
        &view.release,
        previous,
        &view.items,
        &view.commits,
        asked.locale(),
    );
    Ok(Json(ReleaseNotes { markdown }))
}

/// What was rendered of a release for each environment when it was made, in chain order.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/releases/{version}/manifests",
    tag = "Releases",
    operation_id = "releases.manifests",
    params(ReleasePath),
    responses((status = 200, description = "The manifests", body = Vec<Manifests>), Reads)
)]
pub async fn manifests(asked: Asked, Path(at): Path<ReleasePath>) -> Answer<Vec<Manifests>> {
    let view = slipway_portal::release::view(asked.ctx(), &at.org, &at.project, &at.app, &at.version)
        .await
        .or_refuse(&asked)?;
    let one = |one: slipway_domain::release::RenderedManifests| Manifests {
        environment: EnvironmentName::of(&one.environment),
        hash: one.hash,
        yaml: one.yaml,
    };
    Ok(Json(view.manifests.into_iter().map(one).collect()))
}

/// Marks a release defective: it goes nowhere any more, and what waits for it ends.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/releases/{version}/defective",
    tag = "Releases",
    operation_id = "releases.mark_defective",
    params(ReleasePath),
    request_body = Defect,
    responses((status = 204, description = "It is marked"), Changes)
)]
pub async fn mark_defective(
    asked: Asked,
    Path(at): Path<ReleasePath>,
    Body(defect): Body<Defect>,
) -> Result<StatusCode, Refusal> {
    let (org, project, app) = (&at.org, &at.project, &at.app);
    slipway_portal::release::mark_defective(asked.ctx(), org, project, app, &at.version, &defect.reason)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}
