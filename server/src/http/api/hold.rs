//! Holds on what goes to the environments of an app.

use super::ask::{Asked, Body, OrRefuse as _, Path};
use super::created;
use super::paging::{Page, Paged};
use super::place::{AppPath, EnvironmentName, Made, Person, one_of};
use super::refusals::{Changes, Reads};
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::response::Response;
use axum::routing::{delete, get, post};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use slipway_domain::hold::{Held, HoldView};
use slipway_domain::id::HoldId;
use slipway_portal::hold;
use utoipa::openapi::schema::Object;
use utoipa::{IntoParams, ToSchema};

const LIST: &str = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/holds";
const ONE: &str = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/holds/{hold}";

/// The routes.
pub const ROUTES: &[Route] = &[
    route("GET", LIST, Access::SignedIn, || get(list)),
    route("POST", LIST, Access::SignedIn, || post(put)),
    route("DELETE", ONE, Access::SignedIn, || delete(lift)),
];

/// `/orgs/{org}/projects/{project}/apps/{app}/holds/{hold}`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct HoldPath {
    /// The organization's slug.
    org: String,
    /// The project's slug.
    project: String,
    /// The app's slug.
    app: String,
    /// The hold's id.
    #[param(value_type = String, format = "uuid")]
    hold: HoldId,
}

fn held() -> Object {
    one_of(Held::ALL.iter().map(|held| held.key()))
}

/// A hold.
#[derive(Serialize, ToSchema)]
pub struct Hold {
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// Where to.
    environment: EnvironmentName,
    /// What waits: `all`, or what branch rules send, `automatic`.
    #[schema(schema_with = held)]
    held: &'static str,
    /// Whose it is: they, or an owner of the project, lift it.
    owner: Person,
    /// Why.
    reason: String,
    /// Since when.
    #[schema(format = DateTime)]
    at: String,
}

impl Hold {
    fn of(view: &HoldView) -> Self {
        Self {
            id: view.hold.id.to_string(),
            environment: EnvironmentName::of(&view.environment),
            held: view.hold.held.key(),
            owner: Person::of(&view.hold.owner),
            reason: view.hold.reason.clone(),
            at: view.hold.at.rfc3339(),
        }
    }
}

/// A hold to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewHold {
    /// The key of the environment.
    environment: String,
    /// What waits.
    #[schema(schema_with = held)]
    held: Held,
    /// Why.
    reason: String,
}

/// The holds that are on, the oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/holds",
    tag = "Promotions",
    operation_id = "holds.list",
    params(AppPath, Page),
    responses((status = 200, description = "A page of them", body = Vec<Hold>), Reads)
)]
pub async fn list(asked: Asked, Path(at): Path<AppPath>, page: Page) -> Result<Paged<Hold>, Refusal> {
    let (_, holds) = hold::list(asked.ctx(), &at.org, &at.project, &at.app)
        .await
        .or_refuse(&asked)?;
    let key = |view: &HoldView| view.hold.id.to_string();
    Ok(page.cut(holds, key).map(|view| Hold::of(&view)))
}

/// Pauses what goes to an environment. Nobody loses their approvals.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/holds",
    tag = "Promotions",
    operation_id = "holds.create",
    params(AppPath),
    request_body = NewHold,
    responses((status = 201, description = "It is on hold", body = Made), Changes)
)]
pub async fn put(
    asked: Asked,
    Path(at): Path<AppPath>,
    Body(new): Body<NewHold>,
) -> Result<Response, Refusal> {
    let ctx = asked.ctx();
    let id = hold::put(
        ctx,
        &at.org,
        &at.project,
        &at.app,
        &new.environment,
        new.held,
        &new.reason,
    )
    .await
    .or_refuse(&asked)?;
    Ok(created(id.to_string(), format!("{}/holds/{id}", at.url())))
}

/// Lifts a hold: its owner, or an owner of the project.
#[utoipa::path(
    delete,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/holds/{hold}",
    tag = "Promotions",
    operation_id = "holds.lift",
    params(HoldPath),
    responses((status = 204, description = "It is lifted"), Changes)
)]
pub async fn lift(asked: Asked, Path(at): Path<HoldPath>) -> Result<StatusCode, Refusal> {
    hold::lift(asked.ctx(), &at.org, &at.project, &at.app, at.hold)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}
