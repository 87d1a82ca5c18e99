//! Freeze windows.

use super::ask::{Asked, Body, IfMatch, OrRefuse as _, Path, Query};
use super::paging::{Page, Paged};
use super::place::{Made, OrgPath, one_of};
use super::refusals::{Changes, Reads};
use super::{created, etag};
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::response::Response;
use axum::routing::{delete, get, post, put};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use slipway_domain::environment::Tier;
use slipway_domain::freeze::{Effect, FreezeView};
use slipway_domain::id::FreezeId;
use slipway_portal::access::At;
use slipway_portal::freeze::{self, Input};
use slipway_portal::version;
use utoipa::openapi::schema::Object;
use utoipa::{IntoParams, ToSchema};

const LIST: &str = "/api/v1/orgs/{org}/freezes";
const ONE: &str = "/api/v1/orgs/{org}/freezes/{freeze}";

/// The routes.
pub const ROUTES: &[Route] = &[
    route("GET", LIST, Access::SignedIn, || get(list)),
    route("POST", LIST, Access::SignedIn, || post(create)),
    route("PUT", ONE, Access::SignedIn, || put(update)),
    route("DELETE", ONE, Access::SignedIn, || delete(remove)),
];

/// `/orgs/{org}/freezes/{freeze}`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct FreezePath {
    /// The organization's slug.
    org: String,
    /// The window's id.
    #[param(value_type = String, format = "uuid")]
    freeze: FreezeId,
}

/// The place that windows are of.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Within {
    /// The project; none: the organization itself.
    project: Option<String>,
    /// The app of the project; none: the project itself.
    app: Option<String>,
}

impl Within {
    fn at<'a>(&'a self, org: &'a str) -> At<'a> {
        At::new(org, self.project.as_deref(), self.app.as_deref())
    }
}

fn effects() -> Object {
    one_of([Effect::Deny, Effect::Allow].iter().map(|effect| effect.key()))
}

/// A freeze window, or a release window.
#[derive(Serialize, ToSchema)]
pub struct Freeze {
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// Where it was made: `org`, `project` or `app`. It holds there and below.
    level: &'static str,
    /// What it is called.
    name: String,
    /// Why, and whom to ask.
    reason: String,
    /// `deny`: nothing is deployed then. `allow`: things are deployed only then. A freeze wins.
    #[schema(schema_with = effects)]
    effect: &'static str,
    /// The IANA zone.
    zone: String,
    /// When it (first) opens, local in the zone.
    start: String,
    /// When it (first) ends, local in the zone.
    end: String,
    /// The rule by which it comes again (RFC 5545); none: once.
    repeats: Option<String>,
    /// The tiers that it holds for; none: all of them.
    tiers: Vec<&'static str>,
    /// When it ends, where it holds now.
    #[schema(format = DateTime)]
    until: Option<String>,
    /// When it opens next.
    #[schema(format = DateTime)]
    next: Option<String>,
    /// For the `If-Match` of an update.
    etag: String,
}

impl Freeze {
    fn of(view: &FreezeView) -> Self {
        let freeze = &view.freeze;
        let window = &freeze.window;
        Self {
            id: freeze.id.to_string(),
            etag: etag(version::freeze(&view.freeze)),
            level: freeze.level.key(),
            name: freeze.name.clone(),
            reason: freeze.reason.clone(),
            effect: freeze.effect.key(),
            zone: window.zone.clone(),
            start: window.start.to_string(),
            end: window.end.to_string(),
            repeats: window.repeats.as_ref().map(|rule| rule.as_str().to_owned()),
            tiers: freeze.tiers.iter().map(|tier| tier.key()).collect(),
            until: view.now.map(|span| span.to.rfc3339()),
            next: view.next.first().map(|span| span.from.rfc3339()),
        }
    }
}

/// A window to be made, or as it should be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewFreeze {
    /// What it is called: 1 to 80 characters.
    name: String,
    /// Why, and whom to ask.
    #[serde(default)]
    reason: String,
    /// `deny` or `allow`.
    #[schema(schema_with = effects)]
    effect: Effect,
    /// The IANA zone, as in `Asia/Shanghai`.
    zone: String,
    /// When it (first) opens, local in the zone, as in `2026-12-24T18:00`.
    start: String,
    /// When it (first) ends, local in the zone.
    end: String,
    /// The rule by which it comes again (RFC 5545), as in `FREQ=WEEKLY;BYDAY=FR`.
    #[serde(default)]
    repeats: String,
    /// The tiers that it holds for; none: all of them.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    tiers: Vec<Tier>,
}

impl From<NewFreeze> for Input {
    fn from(new: NewFreeze) -> Self {
        Self {
            name: new.name,
            reason: new.reason,
            effect: new.effect,
            zone: new.zone,
            start: new.start,
            end: new.end,
            repeats: new.repeats,
            tiers: new.tiers,
        }
    }
}

/// The windows of a place and of those above it.
#[utoipa::path(
    get, path = "/api/v1/orgs/{org}/freezes", tag = "Projects", operation_id = "freezes.list", params(OrgPath, Within, Page),
    responses((status = 200, description = "A page of them", body = Vec<Freeze>), Reads)
)]
pub async fn list(
    asked: Asked,
    Path(at): Path<OrgPath>,
    Query(within): Query<Within>,
    page: Page,
) -> Result<Paged<Freeze>, Refusal> {
    let calendar = freeze::calendar(asked.ctx(), within.at(&at.org), None, None)
        .await
        .or_refuse(&asked)?;
    let key = |view: &FreezeView| view.freeze.id.to_string();
    Ok(page.cut(calendar.freezes, key).map(|view| Freeze::of(&view)))
}

/// Makes a window at a place. It holds there and below; what waits is looked at again.
#[utoipa::path(
    post, path = "/api/v1/orgs/{org}/freezes", tag = "Projects", operation_id = "freezes.create", params(OrgPath, Within),
    request_body = NewFreeze,
    responses((status = 201, description = "It is made", body = Made), Changes)
)]
pub async fn create(
    asked: Asked,
    Path(at): Path<OrgPath>,
    Query(within): Query<Within>,
    Body(new): Body<NewFreeze>,
) -> Result<Response, Refusal> {
    let id = freeze::create(asked.ctx(), within.at(&at.org), new.into())
        .await
        .or_refuse(&asked)?;
    Ok(created(
        id.to_string(),
        format!("/api/v1/orgs/{}/freezes/{id}", at.org),
    ))
}

/// Changes a window of the place; with `If-Match`, only where that is still its `etag`.
#[utoipa::path(
    put, path = "/api/v1/orgs/{org}/freezes/{freeze}", tag = "Projects", operation_id = "freezes.update",
    params(FreezePath, Within, ("If-Match" = Option<String>, Header, description = "The `etag` it was read with")),
    request_body = NewFreeze,
    responses((status = 204, description = "It is changed"), Changes)
)]
pub async fn update(
    asked: Asked,
    Path(at): Path<FreezePath>,
    Query(within): Query<Within>,
    IfMatch(expected): IfMatch,
    Body(new): Body<NewFreeze>,
) -> Result<StatusCode, Refusal> {
    let ctx = asked.ctx().only_on(expected);
    freeze::edit(&ctx, within.at(&at.org), at.freeze, new.into())
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes a window of the place.
#[utoipa::path(
    delete, path = "/api/v1/orgs/{org}/freezes/{freeze}", tag = "Projects", operation_id = "freezes.remove", params(FreezePath, Within),
    responses((status = 204, description = "It is gone"), Changes)
)]
pub async fn remove(
    asked: Asked,
    Path(at): Path<FreezePath>,
    Query(within): Query<Within>,
) -> Result<StatusCode, Refusal> {
    freeze::remove(asked.ctx(), within.at(&at.org), at.freeze)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}
