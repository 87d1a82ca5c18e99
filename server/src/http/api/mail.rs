//! The mail server of an organization. Its password is never shown.

use super::Answer;
use super::ask::{Asked, Body, IfMatch, OrRefuse as _, Path};
use super::place::{OrgPath, one_of};
use super::refusals::{Changes, Reads};
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::Json;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use slipway_domain::mail::{MailSettings, Security};
use slipway_portal::{mail, version};
use utoipa::ToSchema;
use utoipa::openapi::schema::Object;

const MAIL: &str = "/api/v1/orgs/{org}/mail";

/// The routes.
pub const ROUTES: &[Route] = &[
    route("GET", MAIL, Access::SignedIn, || get(show)),
    route("PUT", MAIL, Access::SignedIn, || put(update)),
    route("DELETE", MAIL, Access::SignedIn, || delete(remove)),
    route("POST", "/api/v1/orgs/{org}/mail/test", Access::SignedIn, || {
        post(test)
    }),
];

fn securities() -> Object {
    one_of(Security::ALL.iter().map(|one| one.key()))
}

/// A mail server.
#[derive(Serialize, ToSchema)]
pub struct MailServer {
    /// Its name or address.
    host: String,
    /// Its port.
    port: u16,
    /// How the connection is protected.
    #[schema(schema_with = securities)]
    security: &'static str,
    /// Who Slipway signs in as; empty: it does not.
    username: String,
    /// Who mail comes from, as in `Slipway <slipway@example.com>`.
    sender: String,
}

/// What an organization's mail goes through.
#[derive(Serialize, ToSchema)]
pub struct MailDetail {
    /// The organization's own server, which wins; none: it has none.
    own: Option<MailServer>,
    /// Who mail comes from that goes through the operator's server; none: there is none.
    operators_sender: Option<String>,
    /// Where a test goes: the caller's own address.
    test_goes_to: Option<String>,
}

impl MailDetail {
    fn of(settings: MailSettings) -> Self {
        Self {
            own: settings.own.map(|server| MailServer {
                host: server.host,
                port: server.port,
                security: server.security.key(),
                username: server.username,
                sender: server.sender.shown(),
            }),
            operators_sender: settings.operator.map(|sender| sender.shown()),
            test_goes_to: settings.address,
        }
    }
}

/// What the organization's own mail server should be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MailUpdate {
    /// Its name or address.
    host: String,
    /// Its port; none: the one that the security has.
    port: Option<u16>,
    /// How the connection is protected.
    #[schema(schema_with = securities)]
    security: String,
    /// Who to sign in as; empty: nobody signs in.
    #[serde(default)]
    username: String,
    /// The password; nothing: the one it has, if host, port, security and username stay.
    #[serde(default)]
    password: String,
    /// Who mail comes from: an address, or a name and an address.
    sender: String,
}

/// Where a test went.
#[derive(Serialize, ToSchema)]
pub struct MailTest {
    /// The address.
    to: String,
}

/// What an organization's mail goes through. Its `ETag` is for the `If-Match` of an update.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/mail",
    tag = "Organizations",
    operation_id = "mail.show",
    params(OrgPath),
    responses((status = 200, description = "It", body = MailDetail, headers(("ETag" = String))), Reads)
)]
pub async fn show(asked: Asked, Path(at): Path<OrgPath>) -> Result<Response, Refusal> {
    let found = mail::settings(asked.ctx(), &at.org).await.or_refuse(&asked)?;
    let tag = [(header::ETAG, super::etag(version::mail(found.own.as_ref())))];
    Ok((tag, Json(MailDetail::of(found))).into_response())
}

/// Makes or changes the organization's own mail server; with `If-Match`, only where that is still its version.
#[utoipa::path(
    put,
    path = "/api/v1/orgs/{org}/mail",
    tag = "Organizations",
    operation_id = "mail.update",
    params(OrgPath, ("If-Match" = Option<String>, Header, description = "The ETag it was read with")),
    request_body = MailUpdate,
    responses((status = 204, description = "It is set up"), Changes)
)]
pub async fn update(
    asked: Asked,
    Path(at): Path<OrgPath>,
    IfMatch(expected): IfMatch,
    Body(new): Body<MailUpdate>,
) -> Result<StatusCode, Refusal> {
    let ctx = asked.ctx().only_on(expected);
    let input = mail::Input {
        host: new.host,
        port: new.port.map(|port| port.to_string()).unwrap_or_default(),
        security: new.security,
        username: new.username,
        password: new.password,
        sender: new.sender,
    };
    mail::edit(&ctx, &at.org, input).await.or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Forgets the organization's own mail server: the operator's is in force again, where there is one.
#[utoipa::path(
    delete,
    path = "/api/v1/orgs/{org}/mail",
    tag = "Organizations",
    operation_id = "mail.delete",
    params(OrgPath),
    responses((status = 204, description = "It is gone"), Changes)
)]
pub async fn remove(asked: Asked, Path(at): Path<OrgPath>) -> Result<StatusCode, Refusal> {
    mail::remove(asked.ctx(), &at.org).await.or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sends a test to the caller's own address, through the server that is in force.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/mail/test",
    tag = "Organizations",
    operation_id = "mail.test",
    params(OrgPath),
    responses((status = 200, description = "Where it went", body = MailTest), Changes)
)]
pub async fn test(asked: Asked, Path(at): Path<OrgPath>) -> Answer<MailTest> {
    let to = mail::test(asked.ctx(), &at.org).await.or_refuse(&asked)?;
    Ok(Json(MailTest { to }))
}
