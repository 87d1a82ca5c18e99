//! Delegations: the caller's approvals in a project, given to another for a time.

use super::ask::{Asked, Body, OrRefuse as _, Path};
use super::created;
use super::paging::{Page, Paged};
use super::place::{EnvironmentName, Made, Person, ProjectPath, Slugs};
use super::refusals::{Changes, Reads};
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::response::Response;
use axum::routing::{delete, get, post};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use slipway_domain::delegation::DelegationView;
use slipway_domain::id::DelegationId;
use slipway_domain::text::Text;
use slipway_domain::time::Timestamp;
use slipway_portal::Error;
use slipway_portal::delegation::{self, Input};
use utoipa::{IntoParams, ToSchema};

const MINE: &str = "/api/v1/me/delegations";
const ONE: &str = "/api/v1/me/delegations/{delegation}";
const GIVE: &str = "/api/v1/orgs/{org}/projects/{project}/delegations";

/// The routes.
pub const ROUTES: &[Route] = &[
    route("GET", MINE, Access::SignedIn, || get(list)),
    route("DELETE", ONE, Access::SignedIn, || delete(take_back)),
    route("POST", GIVE, Access::SignedIn, || post(give)),
];

/// `/me/delegations/{delegation}`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct DelegationPath {
    /// The delegation's id.
    #[param(value_type = String, format = "uuid")]
    delegation: DelegationId,
}

/// Approvals that the caller gave or got.
#[derive(Serialize, ToSchema)]
pub struct Delegation {
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// The project.
    place: Slugs,
    /// The one environment; none: all of the project's.
    environment: Option<EnvironmentName>,
    /// In whose place.
    from: Person,
    /// Who acts.
    to: Person,
    /// From then on.
    #[schema(format = DateTime)]
    starts_at: String,
    /// Until then.
    #[schema(format = DateTime)]
    ends_at: String,
    /// Whether it holds now.
    open: bool,
    /// Whether the caller gave it, and so can take it back.
    mine: bool,
    /// Why.
    reason: String,
}

impl Delegation {
    fn of(view: DelegationView) -> Self {
        let given = view.delegation;
        Self {
            id: given.id.to_string(),
            place: Slugs::of(&view.place),
            environment: view.environment.as_ref().map(EnvironmentName::of),
            from: Person::of(&given.from),
            to: Person::of(&given.to),
            starts_at: given.starts_at.rfc3339(),
            ends_at: given.ends_at.rfc3339(),
            open: view.open,
            mine: view.mine,
            reason: given.reason,
        }
    }
}

/// Approvals to be given.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDelegation {
    /// The user name of who is to act: a member of the project.
    to: String,
    /// The key of the one environment; none: all of the project's.
    environment: Option<String>,
    /// From then on; none: from now on.
    #[schema(format = DateTime)]
    starts_at: Option<String>,
    /// Until then, at most 90 days after the start.
    #[schema(format = DateTime)]
    ends_at: String,
    /// Why.
    #[serde(default)]
    reason: String,
}

fn instant(field: &str, text: &str) -> Result<Timestamp, Error> {
    Timestamp::parse_rfc3339(text).ok_or_else(|| {
        Error::field(
            field,
            Text::new(
                "give an instant of RFC 3339, as in 2026-12-24T18:00:00Z",
                "请填写 RFC 3339 时间，例如 2026-12-24T18:00:00Z",
            ),
        )
    })
}

impl TryFrom<NewDelegation> for Input {
    type Error = Error;

    fn try_from(new: NewDelegation) -> Result<Self, Error> {
        let starts_at = new.starts_at.as_deref();
        Ok(Self {
            starts_at: starts_at.map(|text| instant("starts_at", text)).transpose()?,
            ends_at: instant("ends_at", &new.ends_at)?,
            to: new.to,
            environment: new.environment.unwrap_or_default(),
            reason: new.reason,
        })
    }
}

/// What the caller gave and got that is not over.
#[utoipa::path(
    get, path = "/api/v1/me/delegations", tag = "Promotions", operation_id = "delegations.list", params(Page),
    responses((status = 200, description = "A page of them", body = Vec<Delegation>), Reads)
)]
pub async fn list(asked: Asked, page: Page) -> Result<Paged<Delegation>, Refusal> {
    let mine = delegation::mine(asked.ctx()).await.or_refuse(&asked)?;
    let key = |view: &DelegationView| view.delegation.id.to_string();
    Ok(page.cut(mine, key).map(Delegation::of))
}

/// Gives the caller's own approvals in a project to another, who cannot pass them on and who never decides on what they
/// asked for themselves.
#[utoipa::path(
    post, path = "/api/v1/orgs/{org}/projects/{project}/delegations", tag = "Promotions",
    operation_id = "delegations.give", params(ProjectPath), request_body = NewDelegation,
    responses((status = 201, description = "They are given", body = Made), Changes)
)]
pub async fn give(
    asked: Asked,
    Path(at): Path<ProjectPath>,
    Body(new): Body<NewDelegation>,
) -> Result<Response, Refusal> {
    let input = Input::try_from(new).or_refuse(&asked)?;
    let id = delegation::give(asked.ctx(), &at.org, &at.project, input)
        .await
        .or_refuse(&asked)?;
    Ok(created(id.to_string(), format!("{MINE}/{id}")))
}

/// Takes back what the caller gave: approvals by it that have not started anything do not count any more.
#[utoipa::path(
    delete, path = "/api/v1/me/delegations/{delegation}", tag = "Promotions", operation_id = "delegations.take_back",
    params(DelegationPath), responses((status = 204, description = "They are taken back"), Changes)
)]
pub async fn take_back(asked: Asked, Path(at): Path<DelegationPath>) -> Result<StatusCode, Refusal> {
    delegation::take_back(asked.ctx(), at.delegation)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}
