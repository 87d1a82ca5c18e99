//! Connections of an organization to GitLab.

use super::ask::{Asked, Body, OrRefuse as _, Path};
use super::paging::{Page, Paged};
use super::place::{Made, OrgPath};
use super::refusals::{Changes, Reads};
use super::{Answer, created};
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::Json;
use axum::response::Response;
use axum::routing::{delete, get, post, put};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use slipway_domain::connection;
use slipway_domain::id::ConnectionId;
use slipway_domain::text::Locale;
use slipway_domain::time::Timestamp;
use slipway_portal::connection as connections;
use utoipa::{IntoParams, ToSchema};

const LIST: &str = "/api/v1/orgs/{org}/connections";
const ONE: &str = "/api/v1/orgs/{org}/connections/{connection}";
const TEST: &str = "/api/v1/orgs/{org}/connections/{connection}/test";

/// The routes.
pub const ROUTES: &[Route] = &[
    route("GET", LIST, Access::SignedIn, || get(list)),
    route("POST", LIST, Access::SignedIn, || post(create)),
    route("PUT", ONE, Access::SignedIn, || put(update)),
    route("DELETE", ONE, Access::SignedIn, || delete(remove)),
    route("POST", TEST, Access::SignedIn, || post(test)),
];

/// `/orgs/{org}/connections/{connection}`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ConnectionPath {
    /// The organization's slug.
    org: String,
    /// The connection's id.
    #[param(value_type = String, format = "uuid")]
    connection: ConnectionId,
}

/// A connection. Its token is never shown.
#[derive(Serialize, ToSchema)]
pub struct Connection {
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// For people.
    name: String,
    /// The base URL, without `/api/v4`.
    base_url: String,
    /// Whether the operator's configuration brought it along; then it is changed there.
    operator: bool,
    /// When GitLab last answered.
    #[schema(format = "date-time")]
    last_ok_at: Option<String>,
    /// What went wrong since.
    trouble: Option<String>,
}

impl Connection {
    fn of(one: &connection::Connection, locale: Locale) -> Self {
        Self {
            id: one.id.to_string(),
            name: one.name.clone(),
            base_url: one.base_url.clone(),
            operator: one.operator,
            last_ok_at: one.last_ok_at.map(Timestamp::rfc3339),
            trouble: one.trouble.as_ref().map(|text| text.get(locale).to_owned()),
        }
    }
}

/// How a test went.
#[derive(Serialize, ToSchema)]
pub struct ConnectionTest {
    /// Whose token it is.
    username: Option<String>,
    /// Scopes that the token lacks.
    missing: Vec<String>,
    /// When the token ends.
    #[schema(format = "date")]
    expires_at: Option<String>,
    /// What is wrong, and what to do; none: it works.
    trouble: Option<String>,
}

/// A connection to be made or changed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectionUpdate {
    /// For people; unique in the organization.
    name: String,
    /// The base URL, without `/api/v4`.
    base_url: String,
    /// The access token; nothing: the one it has, if the address stays.
    #[serde(default)]
    token: String,
}

impl From<ConnectionUpdate> for connections::Input {
    fn from(new: ConnectionUpdate) -> Self {
        Self {
            name: new.name,
            base_url: new.base_url,
            token: new.token,
        }
    }
}

/// The connections, by name.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/connections",
    tag = "Organizations",
    operation_id = "connections.list",
    params(OrgPath, Page),
    responses((status = 200, description = "A page of them", body = Vec<Connection>), Reads)
)]
pub async fn list(asked: Asked, Path(at): Path<OrgPath>, page: Page) -> Result<Paged<Connection>, Refusal> {
    let found = connections::list(asked.ctx(), &at.org).await.or_refuse(&asked)?;
    let locale = asked.locale();
    let key = |one: &connection::Connection| format!("{} {}", one.name, one.id);
    Ok(page
        .cut(found.connections, key)
        .map(|one| Connection::of(&one, locale)))
}

/// Makes a connection.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/connections",
    tag = "Organizations",
    operation_id = "connections.create",
    params(OrgPath),
    request_body = ConnectionUpdate,
    responses((status = 201, description = "It was made", body = Made), Changes)
)]
pub async fn create(
    asked: Asked,
    Path(at): Path<OrgPath>,
    Body(new): Body<ConnectionUpdate>,
) -> Result<Response, Refusal> {
    let id = connections::create(asked.ctx(), &at.org, new.into())
        .await
        .or_refuse(&asked)?;
    let url = format!("/api/v1/orgs/{}/connections/{id}", at.org);
    Ok(created(id.to_string(), url))
}

/// Changes a connection.
#[utoipa::path(
    put,
    path = "/api/v1/orgs/{org}/connections/{connection}",
    tag = "Organizations",
    operation_id = "connections.update",
    params(ConnectionPath),
    request_body = ConnectionUpdate,
    responses((status = 204, description = "It is changed"), Changes)
)]
pub async fn update(
    asked: Asked,
    Path(at): Path<ConnectionPath>,
    Body(new): Body<ConnectionUpdate>,
) -> Result<StatusCode, Refusal> {
    connections::edit(asked.ctx(), &at.org, at.connection, new.into())
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes a connection that no app uses.
#[utoipa::path(
    delete,
    path = "/api/v1/orgs/{org}/connections/{connection}",
    tag = "Organizations",
    operation_id = "connections.delete",
    params(ConnectionPath),
    responses((status = 204, description = "It is gone"), Changes)
)]
pub async fn remove(asked: Asked, Path(at): Path<ConnectionPath>) -> Result<StatusCode, Refusal> {
    connections::remove(asked.ctx(), &at.org, at.connection)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Tests a connection: whether GitLab answers, whose token it is, and what the token lacks.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/connections/{connection}/test",
    tag = "Organizations",
    operation_id = "connections.test",
    params(ConnectionPath),
    responses((status = 200, description = "How it went", body = ConnectionTest), Changes)
)]
pub async fn test(asked: Asked, Path(at): Path<ConnectionPath>) -> Answer<ConnectionTest> {
    let report = connections::test(asked.ctx(), &at.org, at.connection)
        .await
        .or_refuse(&asked)?;
    let locale = asked.locale();
    Ok(Json(ConnectionTest {
        username: report.username,
        missing: report.missing,
        expires_at: report.expires_at,
        trouble: report.trouble.map(|text| text.get(locale).to_owned()),
    }))
}
