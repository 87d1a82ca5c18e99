//! Roles: the built-in ones, and those that an organization makes.

use super::ask::{Asked, Body, IfMatch, OrRefuse as _, Path};
use super::created;
use super::paging::{Page, Paged};
use super::place::{Made, OrgPath, one_of};
use super::refusals::{Changes, Reads};
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::Json;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use slipway_domain::access::{Action, ScopeKind};
use slipway_domain::id::RoleId;
use slipway_domain::role::HeldRole;
use slipway_domain::text::Locale;
use slipway_portal::{Error, role};
use utoipa::openapi::schema::Object;
use utoipa::{IntoParams, ToSchema};

const LIST: &str = "/api/v1/orgs/{org}/roles";
const ONE: &str = "/api/v1/orgs/{org}/roles/{role}";

/// The routes.
pub const ROUTES: &[Route] = &[
    route("GET", LIST, Access::SignedIn, || get(list)),
    route("POST", LIST, Access::SignedIn, || post(create)),
    route("GET", ONE, Access::SignedIn, || get(show)),
    route("PUT", ONE, Access::SignedIn, || put(update)),
    route("DELETE", ONE, Access::SignedIn, || delete(remove)),
];

/// `/orgs/{org}/roles/{role}`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct RolePath {
    /// The organization's slug.
    org: String,
    /// The id of a role that the organization made.
    #[param(value_type = String, format = "uuid")]
    role: RoleId,
}

fn scopes() -> Object {
    one_of(ScopeKind::ALL.iter().map(|scope| scope.key()))
}

/// A role.
#[derive(Serialize, ToSchema)]
pub struct Role {
    /// Its id; none: it is built in.
    #[schema(format = "uuid")]
    id: Option<String>,
    /// What members are given it by, as in `project.lead`.
    key: String,
    /// For people.
    name: String,
    /// The kind of place it is held at.
    #[schema(schema_with = scopes)]
    scope: &'static str,
    /// The keys of the actions it allows, as in `pipeline.run`.
    actions: Vec<&'static str>,
}

impl Role {
    fn of(role: &HeldRole, locale: Locale) -> Self {
        let id = match role {
            HeldRole::BuiltIn(_) => None,
            HeldRole::Custom(role) => Some(role.id.to_string()),
        };
        Self {
            id,
            key: role.key(),
            name: role.text().get(locale).to_owned(),
            scope: role.scope().key(),
            actions: role.actions().iter().map(Action::key).collect(),
        }
    }
}

/// A role that the organization made, and how many hold it.
#[derive(Serialize, ToSchema)]
pub struct RoleDetail {
    /// The role.
    #[serde(flatten)]
    role: Role,
    /// How many people, groups, open invitations and requests have it.
    uses: i64,
}

/// A role to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRole {
    /// For people; unique in the organization.
    name: String,
    /// The kind of place it is held at.
    #[schema(schema_with = scopes)]
    scope: ScopeKind,
    /// The keys of the actions it allows; to see is always among them.
    actions: Vec<String>,
}

/// What a role should be. Where it is held stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleUpdate {
    /// For people; unique in the organization.
    name: String,
    /// The keys of the actions it allows; to see is always among them.
    actions: Vec<String>,
}

/// The roles that are held in the organization: the built-in ones and its own, by key.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/roles",
    tag = "Groups and roles",
    operation_id = "roles.list",
    params(OrgPath, Page),
    responses((status = 200, description = "A page of them", body = Vec<Role>), Reads)
)]
pub async fn list(asked: Asked, Path(at): Path<OrgPath>, page: Page) -> Result<Paged<Role>, Refusal> {
    let (_, own, _) = role::list(asked.ctx(), &at.org).await.or_refuse(&asked)?;
    let built_in = slipway_domain::access::Role::ALL.iter().copied();
    let all = built_in
        .map(HeldRole::BuiltIn)
        .chain(own.into_iter().map(HeldRole::Custom));
    let locale = asked.locale();
    Ok(page
        .cut(all.collect(), HeldRole::key)
        .map(|role| Role::of(&role, locale)))
}

/// Makes a role of the organization's own.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/roles",
    tag = "Groups and roles",
    operation_id = "roles.create",
    params(OrgPath),
    request_body = NewRole,
    responses((status = 201, description = "It was made", body = Made), Changes)
)]
pub async fn create(
    asked: Asked,
    Path(at): Path<OrgPath>,
    Body(new): Body<NewRole>,
) -> Result<Response, Refusal> {
    let input = role::Input {
        name: new.name,
        scope: new.scope,
        actions: new.actions,
    };
    let id = role::create(asked.ctx(), &at.org, &input)
        .await
        .or_refuse(&asked)?;
    Ok(created(
        id.to_string(),
        format!("/api/v1/orgs/{}/roles/{id}", at.org),
    ))
}

/// A role of the organization's own. Its `ETag` is for the `If-Match` of an update.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/roles/{role}",
    tag = "Groups and roles",
    operation_id = "roles.show",
    params(RolePath),
    responses(
        (status = 200, description = "The role", body = RoleDetail, headers(("ETag" = String))),
        Reads
    )
)]
pub async fn show(asked: Asked, Path(at): Path<RolePath>) -> Result<Response, Refusal> {
    let (_, found, version, uses) = role::view(asked.ctx(), &at.org, at.role)
        .await
        .or_refuse(&asked)?;
    let detail = RoleDetail {
        role: Role::of(&HeldRole::Custom(found), asked.locale()),
        uses,
    };
    let tag = [(header::ETAG, format!("\"{version}\""))];
    Ok((tag, Json(detail)).into_response())
}

/// Changes a role of the organization's own; with `If-Match`, only where that is still its version.
#[utoipa::path(
    put,
    path = "/api/v1/orgs/{org}/roles/{role}",
    tag = "Groups and roles",
    operation_id = "roles.update",
    params(RolePath, ("If-Match" = Option<String>, Header, description = "The ETag it was read with")),
    request_body = RoleUpdate,
    responses((status = 204, description = "It is changed"), Changes)
)]
pub async fn update(
    asked: Asked,
    Path(at): Path<RolePath>,
    IfMatch(expected): IfMatch,
    Body(new): Body<RoleUpdate>,
) -> Result<StatusCode, Refusal> {
    let (_, before, version, _) = role::view(asked.ctx(), &at.org, at.role)
        .await
        .or_refuse(&asked)?;
    if expected.is_some_and(|expected| expected != version) {
        return Err(asked.refuse(Error::version_mismatch()));
    }
    let input = role::Input {
        name: new.name,
        scope: before.scope,
        actions: new.actions,
    };
    role::update(asked.ctx(), &at.org, at.role, version, &input)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes a role of the organization's own that nobody holds.
#[utoipa::path(
    delete,
    path = "/api/v1/orgs/{org}/roles/{role}",
    tag = "Groups and roles",
    operation_id = "roles.delete",
    params(RolePath),
    responses((status = 204, description = "It is gone"), Changes)
)]
pub async fn remove(asked: Asked, Path(at): Path<RolePath>) -> Result<StatusCode, Refusal> {
    role::delete(asked.ctx(), &at.org, at.role)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}
