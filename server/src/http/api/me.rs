//! The caller: who they are, their profile, where they are signed in, and their identities elsewhere.
//!
//! Not here, on purpose: making tokens, changing passwords, the second step. What leaks must not be able to stay.

use super::Answer;
use super::ask::{Asked, Body, IfMatch, OrRefuse as _, Path, Query};
use super::paging::{Page, Paged};
use super::place::Person;
use super::refusals::{Changes, Reads};
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::Json;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, put};
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use slipway_domain::identity::IdentityView;
use slipway_domain::session::SessionView;
use slipway_domain::text::{Locale, Text};
use slipway_domain::time::Timestamp;
use slipway_portal::{Error, identity, person, session, version};
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};
use utoipa::{IntoParams, ToSchema};

const PROFILE: &str = "/api/v1/me/profile";
const SESSIONS: &str = "/api/v1/me/sessions";
const IDENTITIES: &str = "/api/v1/me/identities";

/// The routes.
pub const ROUTES: &[Route] = &[
    route("GET", "/api/v1/me", Access::SignedIn, || get(show)),
    route("GET", PROFILE, Access::SignedIn, || get(profile)),
    route("PUT", PROFILE, Access::SignedIn, || put(update)),
    route("GET", SESSIONS, Access::SignedIn, || get(sessions)),
    route("DELETE", SESSIONS, Access::SignedIn, || delete(end_others)),
    route(
        "DELETE",
        "/api/v1/me/sessions/{session}",
        Access::SignedIn,
        || delete(end),
    ),
    route("GET", IDENTITIES, Access::SignedIn, || get(identities)),
    route("DELETE", IDENTITIES, Access::SignedIn, || delete(unlink)),
];

/// Who is asking, and by what.
#[derive(Serialize, ToSchema)]
pub struct Me {
    /// The person.
    #[serde(flatten)]
    person: Person,
    /// The token that was sent; none in a browser's session.
    token: Option<Token>,
}

/// A token by name.
#[derive(Serialize, ToSchema)]
pub struct Token {
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// What its owner calls it.
    name: String,
    /// What it may do.
    scopes: Vec<&'static str>,
}

/// A language, or none.
fn locales() -> Object {
    let tags = [Locale::En, Locale::ZhCn].map(|locale| serde_json::Value::from(locale.tag()));
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .enum_values(Some(tags.into_iter().chain([serde_json::Value::Null])))
        .build()
}

/// What the caller's account says of them.
#[derive(Serialize, ToSchema)]
pub struct Profile {
    /// The sign-in name.
    username: String,
    /// The display name.
    name: String,
    /// Where mail goes, and what commits are recognized by.
    email: Option<String>,
    /// The language; none: the one that the browser or program asks for.
    #[schema(schema_with = locales)]
    locale: Option<&'static str>,
}

impl Profile {
    fn of(person: slipway_domain::person::Person) -> Self {
        Self {
            username: person.username,
            name: person.name,
            email: person.email,
            locale: person.locale.map(Locale::tag),
        }
    }
}

/// What the account should say.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileUpdate {
    /// The display name.
    name: String,
    /// Where mail goes; none: nowhere.
    email: Option<String>,
    /// The language; none: it stays.
    #[schema(schema_with = locales)]
    locale: Option<String>,
}

/// Where the caller is signed in.
#[derive(Serialize, ToSchema)]
pub struct Session {
    /// What it is ended by: a hash, which signs nobody in.
    id: String,
    /// The program and the system, as in `Firefox, Linux`; none: it did not say.
    device: Option<String>,
    /// The address it was begun from.
    address: String,
    /// When it was begun.
    #[schema(format = "date-time")]
    started_at: String,
    /// When it was last used, to about five minutes.
    #[schema(format = "date-time")]
    seen_at: String,
    /// Whether this request is in it.
    current: bool,
}

impl Session {
    fn of(view: SessionView) -> Self {
        Self {
            id: view.key,
            device: view.device,
            address: view.address,
            started_at: view.started_at.rfc3339(),
            seen_at: view.seen_at.rfc3339(),
            current: view.current,
        }
    }
}

/// `/me/sessions/{session}`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct SessionPath {
    /// The session's id.
    session: String,
}

/// Who the caller is to a provider of sign-in.
#[derive(Serialize, ToSchema)]
pub struct Identity {
    /// Who says so: a URL.
    issuer: String,
    /// Who, to them; it never changes.
    subject: String,
    /// The provider's name.
    provider: String,
    /// What the provider called the person last.
    label: String,
    /// When it was linked.
    #[schema(format = "date-time")]
    linked_at: String,
    /// When it was last signed in with.
    #[schema(format = "date-time")]
    used_at: Option<String>,
    /// Whether it is the last way in, and so cannot be unlinked.
    last: bool,
}

impl Identity {
    fn of(view: IdentityView) -> Self {
        Self {
            issuer: view.issuer,
            subject: view.subject,
            provider: view.provider,
            label: view.label,
            linked_at: view.linked_at.rfc3339(),
            used_at: view.used_at.map(Timestamp::rfc3339),
            last: view.last,
        }
    }
}

/// Which identity.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct WhichIdentity {
    /// Who says so: a URL.
    issuer: String,
    /// Who, to them.
    subject: String,
}

/// Who is asking.
#[utoipa::path(
    get,
    path = "/api/v1/me",
    tag = "People",
    operation_id = "me",
    responses((status = 200, description = "The caller", body = Me), Reads)
)]
pub async fn show(asked: Asked) -> Answer<Me> {
    let person = asked.ctx().user().cloned().or_refuse(&asked)?;
    let token = asked.ctx().token().map(|token| Token {
        id: token.id.to_string(),
        name: token.name.clone(),
        scopes: token
            .scopes
            .iter()
            .map(slipway_domain::token::Scope::key)
            .collect(),
    });
    Ok(Json(Me {
        person: Person::of(&person),
        token,
    }))
}

/// The caller's profile. Its `ETag` is for the `If-Match` of an update.
#[utoipa::path(
    get,
    path = "/api/v1/me/profile",
    tag = "You",
    operation_id = "me.profile",
    responses((status = 200, description = "The profile", body = Profile, headers(("ETag" = String))), Reads)
)]
pub async fn profile(asked: Asked) -> Result<Response, Refusal> {
    let found = person::profile(asked.ctx()).await.or_refuse(&asked)?;
    let tag = [(header::ETAG, super::etag(version::profile(&found)))];
    Ok((tag, Json(Profile::of(found))).into_response())
}

/// Changes the caller's profile; with `If-Match`, only where that is still its version.
#[utoipa::path(
    put,
    path = "/api/v1/me/profile",
    tag = "You",
    operation_id = "me.update_profile",
    params(("If-Match" = Option<String>, Header, description = "The ETag it was read with")),
    request_body = ProfileUpdate,
    responses((status = 204, description = "It is changed"), Changes)
)]
pub async fn update(
    asked: Asked,
    IfMatch(expected): IfMatch,
    Body(new): Body<ProfileUpdate>,
) -> Result<StatusCode, Refusal> {
    let known = [Locale::En, Locale::ZhCn];
    let wanted = new.locale.as_deref();
    let locale = known.into_iter().find(|one| wanted == Some(one.tag()));
    if wanted.is_some() && locale.is_none() {
        let text = Text::new("use en or zh-CN", "请使用 en 或 zh-CN");
        return Err(asked.refuse(Error::field("locale", text)));
    }
    let ctx = asked.ctx().only_on(expected);
    let email = new.email.unwrap_or_default();
    person::update_account(&ctx, &new.name, &email, locale)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Where the caller is signed in.
#[utoipa::path(
    get,
    path = "/api/v1/me/sessions",
    tag = "You",
    operation_id = "me.sessions",
    params(Page),
    responses((status = 200, description = "A page of them", body = Vec<Session>), Reads)
)]
pub async fn sessions(asked: Asked, page: Page) -> Result<Paged<Session>, Refusal> {
    let all = session::list(asked.ctx()).await.or_refuse(&asked)?;
    Ok(page.cut(all, |one| one.key.clone()).map(Session::of))
}

/// Ends every session of the caller but the one that this request is in.
#[utoipa::path(
    delete,
    path = "/api/v1/me/sessions",
    tag = "You",
    operation_id = "me.end_other_sessions",
    responses((status = 204, description = "They are ended"), Changes)
)]
pub async fn end_others(asked: Asked) -> Result<StatusCode, Refusal> {
    session::revoke_others(asked.ctx()).await.or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends a session of the caller. One that has ended stays so.
#[utoipa::path(
    delete,
    path = "/api/v1/me/sessions/{session}",
    tag = "You",
    operation_id = "me.end_session",
    params(SessionPath),
    responses((status = 204, description = "It is ended"), Changes)
)]
pub async fn end(asked: Asked, Path(at): Path<SessionPath>) -> Result<StatusCode, Refusal> {
    session::revoke(asked.ctx(), &at.session)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who the caller is to providers of sign-in.
#[utoipa::path(
    get,
    path = "/api/v1/me/identities",
    tag = "You",
    operation_id = "me.identities",
    params(Page),
    responses((status = 200, description = "A page of them", body = Vec<Identity>), Reads)
)]
pub async fn identities(asked: Asked, page: Page) -> Result<Paged<Identity>, Refusal> {
    let all = identity::list(asked.ctx()).await.or_refuse(&asked)?;
    let key = |one: &IdentityView| format!("{} {}", one.issuer, one.subject);
    Ok(page.cut(all, key).map(Identity::of))
}

/// Unlinks an identity of the caller, but the last way in. Only in a session in which it was confirmed lately who they
/// are: no token may.
#[utoipa::path(
    delete,
    path = "/api/v1/me/identities",
    tag = "You",
    operation_id = "me.unlink_identity",
    params(WhichIdentity),
    responses((status = 204, description = "It is unlinked"), Changes)
)]
pub async fn unlink(asked: Asked, Query(which): Query<WhichIdentity>) -> Result<StatusCode, Refusal> {
    identity::unlink(asked.ctx(), &which.issuer, &which.subject)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}
