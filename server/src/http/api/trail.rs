//! The trail of work items, what releases brought, and what moves items by itself.

use super::Answer;
use super::ask::{Asked, Body, IfMatch, OrRefuse as _, Path};
use super::comparison::Item;
use super::item::ItemPath;
use super::place::{EnvironmentName, ProjectPath};
use super::refusals::{Changes, Reads};
use super::release::ReleasePath;
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::Json;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use slipway_domain::id::EnvironmentId;
use slipway_domain::time::Timestamp;
use slipway_domain::trail::{self, AutomationView, Trigger};
use slipway_portal::trail::automation::{self, Input};
use utoipa::ToSchema;

const TRAIL: &str = "/api/v1/orgs/{org}/projects/{project}/items/{number}/trail";
const BROUGHT: &str = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/releases/{version}/items";
const AUTOMATION: &str = "/api/v1/orgs/{org}/projects/{project}/automation";

/// The routes.
pub const ROUTES: &[Route] = &[
    route("GET", TRAIL, Access::SignedIn, || get(show)),
    route("GET", BROUGHT, Access::SignedIn, || get(brought)),
    route("GET", AUTOMATION, Access::SignedIn, || get(show_automation)),
    route("PUT", AUTOMATION, Access::SignedIn, || put(set_automation)),
];

/// The trail of an item through one app.
#[derive(Serialize, ToSchema)]
pub struct AppTrail {
    /// The app's slug.
    app: String,
    /// What names the item.
    marks: Vec<TrailMark>,
    /// The releases that brought something of it, the oldest first.
    releases: Vec<TrailRelease>,
    /// The chain, and how much of the item is in each environment.
    environments: Vec<TrailStop>,
}

/// Something in a repository that names an item.
#[derive(Serialize, ToSchema)]
pub struct TrailMark {
    /// `merge_request`, `branch` or `commit`.
    kind: &'static str,
    /// A merge request's number, a branch's name or a commit's hash.
    reference: String,
    /// In one line.
    title: String,
    /// `open`, `merged` or `gone`.
    state: &'static str,
    /// Where GitLab shows it.
    url: String,
    /// Who made it, by name.
    author: String,
    /// Its newest commit.
    sha: String,
    /// When it was made.
    #[schema(format = DateTime)]
    at: String,
    /// When it was merged.
    #[schema(format = DateTime)]
    merged_at: Option<String>,
    /// The number of the newest run of its newest commit.
    run: Option<i64>,
}

/// A release that brought something of an item.
#[derive(Serialize, ToSchema)]
pub struct TrailRelease {
    /// Its version.
    version: String,
    /// When it was made.
    #[schema(format = DateTime)]
    at: String,
}

/// An environment, for an item.
#[derive(Serialize, ToSchema)]
pub struct TrailStop {
    /// The environment.
    environment: EnvironmentName,
    /// How much of the item runs there: `whole`, `part` or `absent`.
    presence: &'static str,
    /// The version that runs there.
    running: Option<String>,
    /// Since when.
    #[schema(format = DateTime)]
    since: Option<String>,
}

impl AppTrail {
    fn of(trail: trail::AppTrail) -> Self {
        let mark = |mark: trail::Mark| TrailMark {
            kind: mark.kind.key(),
            reference: mark.reference,
            title: mark.title,
            state: mark.state.key(),
            url: mark.web_url,
            author: mark.author,
            sha: mark.sha,
            at: mark.at.rfc3339(),
            merged_at: mark.merged_at.map(Timestamp::rfc3339),
            run: mark.run.map(|(number, _)| number),
        };
        let stop = |stop: trail::TrailStop| TrailStop {
            environment: EnvironmentName::of(&stop.environment),
            presence: stop.presence.key(),
            running: stop.running,
            since: stop.since.map(Timestamp::rfc3339),
        };
        let brought = |release: trail::Brought| TrailRelease {
            version: release.version,
            at: release.at.rfc3339(),
        };
        Self {
            app: trail.slug,
            marks: trail.marks.into_iter().map(mark).collect(),
            releases: trail.releases.into_iter().map(brought).collect(),
            environments: trail.stops.into_iter().map(stop).collect(),
        }
    }
}

/// The automation of a project's items.
#[derive(Serialize, ToSchema)]
pub struct ItemAutomation {
    /// Whether a link moves an item to in progress.
    linked: bool,
    /// Whether a merge moves it to in test.
    merged: bool,
    /// The environment whose deployments move it to done.
    deployed_to: Option<EnvironmentName>,
}

/// How the automation is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAutomation {
    /// Whether a link moves an item to in progress.
    linked: bool,
    /// Whether a merge moves it to in test.
    merged: bool,
    /// The id of the environment whose deployments move it to done.
    #[schema(value_type = Option<String>, format = "uuid")]
    deployed_to: Option<EnvironmentId>,
}

impl ItemAutomation {
    fn of(view: AutomationView) -> Self {
        Self {
            linked: view.automation.since(Trigger::Linked).is_some(),
            merged: view.automation.since(Trigger::Merged).is_some(),
            deployed_to: view.automation.deployed.map(|(_, one)| EnvironmentName::of(&one)),
        }
    }
}

/// Where a work item is: what names it in the repositories, the releases that brought it, and where they run.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/items/{number}/trail",
    tag = "Work items",
    operation_id = "items.trail",
    params(ItemPath),
    responses((status = 200, description = "App by app", body = Vec<AppTrail>), Reads)
)]
pub async fn show(asked: Asked, Path(at): Path<ItemPath>) -> Answer<Vec<AppTrail>> {
    let view = slipway_portal::item::view(asked.ctx(), &at.org, &at.project, at.number)
        .await
        .or_refuse(&asked)?;
    Ok(Json(view.trail.into_iter().map(AppTrail::of).collect()))
}

/// What a release brought: the work items that its commits and merge requests name.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/releases/{version}/items",
    tag = "Releases",
    operation_id = "releases.items",
    params(ReleasePath),
    responses((status = 200, description = "They", body = Vec<Item>), Reads)
)]
pub async fn brought(asked: Asked, Path(at): Path<ReleasePath>) -> Answer<Vec<Item>> {
    let view = slipway_portal::release::view(asked.ctx(), &at.org, &at.project, &at.app, &at.version)
        .await
        .or_refuse(&asked)?;
    Ok(Json(view.items.into_iter().map(Item::of).collect()))
}

/// What moves a project's items by itself. Its `ETag` is for the `If-Match` of a change.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/automation",
    tag = "Work items",
    operation_id = "automation.show",
    params(ProjectPath),
    responses(
        (status = 200, description = "The automation", body = ItemAutomation, headers(("ETag" = String))),
        Reads
    )
)]
pub async fn show_automation(asked: Asked, Path(at): Path<ProjectPath>) -> Result<Response, Refusal> {
    let view = automation::view(asked.ctx(), &at.org, &at.project)
        .await
        .or_refuse(&asked)?;
    let tag = HeaderValue::try_from(format!("\"{}\"", view.automation.version));
    let mut response = Json(ItemAutomation::of(view)).into_response();
    if let Ok(tag) = tag {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}

/// Sets what moves a project's items by itself; with `If-Match`, only where that is still its version.
#[utoipa::path(
    put,
    path = "/api/v1/orgs/{org}/projects/{project}/automation",
    tag = "Work items",
    operation_id = "automation.set",
    params(ProjectPath, ("If-Match" = Option<String>, Header, description = "The ETag it was read with")),
    request_body = NewAutomation,
    responses((status = 204, description = "It is set so"), Changes)
)]
pub async fn set_automation(
    asked: Asked,
    Path(at): Path<ProjectPath>,
    IfMatch(expected): IfMatch,
    Body(new): Body<NewAutomation>,
) -> Result<StatusCode, Refusal> {
    let input = Input {
        linked: new.linked,
        merged: new.merged,
        deployed_to: new.deployed_to,
        expected,
    };
    automation::set(asked.ctx(), &at.org, &at.project, input)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}
