//! Connections of an organization to GitLab.

use super::ask::{Asked, Body, IfMatch, OrRefuse as _, Path};
use super::paging::{Page, Paged};
use super::place::OrgPath;
use super::refusals::{Changes, Reads};
use super::{Answer, etag};
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::Json;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{delete, get, post, put};
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use slipway_domain::connection;
use slipway_domain::id::ConnectionId;
use slipway_domain::text::Text;
use slipway_domain::time::Timestamp;
use slipway_portal::connection::{self as connections, oauth};
use slipway_portal::{Error, version};
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

/// A connection. Its secrets are never shown.
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
    /// How it gets in by OAuth; none: by a token.
    oauth: Option<Oauth>,
    /// For the `If-Match` of an update.
    etag: String,
}

/// How a connection gets in by OAuth.
#[derive(Serialize, ToSchema)]
pub struct Oauth {
    /// The id of the application that is registered in GitLab.
    application_id: String,
    /// Whether GitLab lets it in; if not, a person has to authorize it at `authorize_url`.
    in_force: bool,
    /// Who authorized it last, at GitLab: what it acts as there.
    username: Option<String>,
    /// The name of whoever did it, in Slipway.
    authorized_by: Option<String>,
    /// When.
    #[schema(format = "date-time")]
    authorized_at: Option<String>,
    /// The page on which a person authorizes it, for the first time or again.
    authorize_url: String,
}

impl Oauth {
    fn of(oauth: &connection::Oauth, authorize_url: String) -> Self {
        let authorized = oauth.authorized.as_ref();
        Self {
            application_id: oauth.application_id.clone(),
            in_force: oauth.in_force,
            username: authorized.map(|by| by.username.clone()),
            authorized_by: authorized.map(|by| by.by.clone()),
            authorized_at: authorized.map(|by| by.at.rfc3339()),
            authorize_url,
        }
    }
}

impl Connection {
    fn of(one: &connection::Connection, org: &str, asked: &Asked) -> Self {
        let locale = asked.locale();
        Self {
            id: one.id.to_string(),
            etag: etag(version::connection(one)),
            name: one.name.clone(),
            base_url: one.base_url.clone(),
            operator: one.operator,
            last_ok_at: one.last_ok_at.map(Timestamp::rfc3339),
            trouble: one.trouble.as_ref().map(|text| text.get(locale).to_owned()),
            oauth: one
                .oauth
                .as_ref()
                .map(|by| Oauth::of(by, oauth::authorize_page(asked.ctx(), org, one.id))),
        }
    }
}

/// A connection that was made.
#[derive(Serialize, ToSchema)]
pub struct MadeConnection {
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// Where it is, also in `Location`.
    url: String,
    /// By OAuth: the page that a person has to open, to authorize it at GitLab.
    authorize_url: Option<String>,
}

/// How a test went.
#[derive(Serialize, ToSchema)]
pub struct ConnectionTest {
    /// Whose token it is.
    username: Option<String>,
    /// Scopes that the token lacks.
    missing: Vec<String>,
    /// When the token ends; none by OAuth, whose tokens are renewed.
    #[schema(format = "date")]
    expires_at: Option<String>,
    /// What is wrong, and what to do; none: it works.
    trouble: Option<String>,
}

/// A connection to be made or changed: by a token, or by OAuth with an application that is registered in GitLab with the
/// scope `api` and the redirect URI `/connections/gitlab/callback` of this Slipway.
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
    /// By OAuth, and then without a token: the application's id.
    #[serde(default)]
    application_id: Option<String>,
    /// The application's secret; nothing: the one it has, if address and application stay.
    #[serde(default)]
    application_secret: String,
}

/// One of the two.
enum Given {
    Token(connections::Input),
    Oauth(oauth::Input),
}

impl ConnectionUpdate {
    fn given(self) -> Result<Given, Error> {
        let either = |field: &str| {
            Error::field(
                field,
                Text::new(
                    "send either a token, or the id and secret of an application",
                    "请只提供令牌，或只提供应用的 ID 和密钥",
                ),
            )
        };
        match self.application_id {
            Some(_) if !self.token.is_empty() => Err(either("token")),
            Some(application_id) => Ok(Given::Oauth(oauth::Input {
                name: self.name,
                base_url: self.base_url,
                application_id,
                application_secret: self.application_secret,
            })),
            None if !self.application_secret.is_empty() => Err(either("application_secret")),
            None => Ok(Given::Token(connections::Input {
                name: self.name,
                base_url: self.base_url,
                token: self.token,
            })),
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
    let key = |one: &connection::Connection| format!("{} {}", one.name, one.id);
    Ok(page
        .cut(found.connections, key)
        .map(|one| Connection::of(&one, &at.org, &asked)))
}

/// Makes a connection. One by OAuth works once a person has authorized it in the browser.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/connections",
    tag = "Organizations",
    operation_id = "connections.create",
    params(OrgPath),
    request_body = ConnectionUpdate,
    responses((status = 201, description = "It was made", body = MadeConnection), Changes)
)]
pub async fn create(
    asked: Asked,
    Path(at): Path<OrgPath>,
    Body(new): Body<ConnectionUpdate>,
) -> Result<Response, Refusal> {
    let (id, authorize_url) = match new.given().or_refuse(&asked)? {
        Given::Token(input) => {
            let made = connections::create(asked.ctx(), &at.org, input).await;
            (made.or_refuse(&asked)?, None)
        }
        Given::Oauth(input) => {
            let made = oauth::create(asked.ctx(), &at.org, input).await;
            let id = made.or_refuse(&asked)?;
            (id, Some(oauth::authorize_page(asked.ctx(), &at.org, id)))
        }
    };
    let made = MadeConnection {
        id: id.to_string(),
        url: format!("/api/v1/orgs/{}/connections/{id}", at.org),
        authorize_url,
    };
    let location = [(header::LOCATION, made.url.clone())];
    Ok((StatusCode::CREATED, location, Json(made)).into_response())
}

/// Changes a connection; with `If-Match`, only where that is still its `etag`.
#[utoipa::path(
    put,
    path = "/api/v1/orgs/{org}/connections/{connection}",
    tag = "Organizations",
    operation_id = "connections.update",
    params(ConnectionPath, ("If-Match" = Option<String>, Header, description = "The `etag` it was read with")),
    request_body = ConnectionUpdate,
    responses((status = 204, description = "It is changed"), Changes)
)]
pub async fn update(
    asked: Asked,
    Path(at): Path<ConnectionPath>,
    IfMatch(expected): IfMatch,
    Body(new): Body<ConnectionUpdate>,
) -> Result<StatusCode, Refusal> {
    let (ctx, org, id) = (&asked.ctx().only_on(expected), at.org.as_str(), at.connection);
    let done = match new.given().or_refuse(&asked)? {
        Given::Token(input) => connections::edit(ctx, org, id, input).await,
        Given::Oauth(input) => oauth::edit(ctx, org, id, input).await,
    };
    done.or_refuse(&asked)?;
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
