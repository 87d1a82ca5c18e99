//! Groups of people.

use super::ask::{Asked, Body, IfMatch, OrRefuse as _, Path};
use super::paging::{Page, Paged};
use super::place::{HeldRole, Made, OrgPath, Person};
use super::refusals::{Changes, Reads};
use super::{Answer, created, etag};
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::Json;
use axum::response::Response;
use axum::routing::{delete, get, post, put};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use slipway_domain::group::{GroupRow, GroupView};
use slipway_domain::id::{GroupId, UserId};
use slipway_domain::text::Locale;
use slipway_portal::group;
use slipway_portal::version;
use utoipa::{IntoParams, ToSchema};

const LIST: &str = "/api/v1/orgs/{org}/groups";
const ONE: &str = "/api/v1/orgs/{org}/groups/{group}";
const PERSON: &str = "/api/v1/orgs/{org}/groups/{group}/people/{person}";

/// The routes.
pub const ROUTES: &[Route] = &[
    route("GET", LIST, Access::SignedIn, || get(list)),
    route("POST", LIST, Access::SignedIn, || post(create)),
    route("GET", ONE, Access::SignedIn, || get(show)),
    route("PUT", ONE, Access::SignedIn, || put(update)),
    route("DELETE", ONE, Access::SignedIn, || delete(remove)),
    route("PUT", PERSON, Access::SignedIn, || put(add)),
    route("DELETE", PERSON, Access::SignedIn, || delete(take_out)),
];

/// `/orgs/{org}/groups/{group}`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct GroupPath {
    /// The organization's slug.
    org: String,
    /// The group's id.
    #[param(value_type = String, format = "uuid")]
    group: GroupId,
}

/// `/orgs/{org}/groups/{group}/people/{person}`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct GroupPersonPath {
    /// The organization's slug.
    org: String,
    /// The group's id.
    #[param(value_type = String, format = "uuid")]
    group: GroupId,
    /// The person's id.
    #[param(value_type = String, format = "uuid")]
    person: UserId,
}

/// A group.
#[derive(Serialize, ToSchema)]
pub struct Group {
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// For people.
    name: String,
    /// The group of a sign-in provider whose members are put into it at sign-in.
    claim: Option<String>,
    /// How many people are in it.
    people: i64,
    /// How many roles it holds.
    roles: i64,
    /// For the `If-Match` of an update.
    etag: String,
}

impl Group {
    fn of(row: GroupRow) -> Self {
        Self {
            id: row.group.id.to_string(),
            etag: etag(version::group(&row.group.name, row.claim.as_deref())),
            name: row.group.name,
            claim: row.claim,
            people: row.people,
            roles: row.roles,
        }
    }
}

/// A group with its people and its roles.
#[derive(Serialize, ToSchema)]
pub struct GroupDetail {
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// For people.
    name: String,
    /// The group of a sign-in provider whose members are put into it at sign-in.
    claim: Option<String>,
    /// Who is in it.
    people: Vec<Person>,
    /// The roles it holds in places that the caller sees.
    roles: Vec<GroupRole>,
    /// For the `If-Match` of an update.
    etag: String,
}

/// A role that a group holds.
#[derive(Serialize, ToSchema)]
pub struct GroupRole {
    /// The id of the entry in the members of the place.
    #[schema(format = "uuid")]
    id: String,
    /// Which role.
    role: HeldRole,
    /// The place's name.
    place: String,
    /// The address of the place's page of members.
    path: String,
}

impl GroupDetail {
    fn of(view: GroupView, locale: Locale) -> Self {
        let roles = view.roles.into_iter().map(|held| GroupRole {
            id: held.binding.to_string(),
            role: HeldRole::of(&held.role, locale),
            place: held.place,
            path: held.path,
        });
        Self {
            id: view.group.id.to_string(),
            etag: etag(version::group(&view.group.name, view.claim.as_deref())),
            name: view.group.name,
            claim: view.claim,
            people: view.people.iter().map(Person::of).collect(),
            roles: roles.collect(),
        }
    }
}

/// A group to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewGroup {
    /// For people; unique in the organization.
    name: String,
}

/// What a group should be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupUpdate {
    /// For people; unique in the organization.
    name: String,
    /// The group of a sign-in provider whose members are put into it at sign-in; left out: none.
    #[serde(default)]
    claim: String,
}

/// The groups of the organization, by name.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/groups",
    tag = "Groups and roles",
    operation_id = "groups.list",
    params(OrgPath, Page),
    responses((status = 200, description = "A page of them", body = Vec<Group>), Reads)
)]
pub async fn list(asked: Asked, Path(at): Path<OrgPath>, page: Page) -> Result<Paged<Group>, Refusal> {
    let list = group::list(asked.ctx(), &at.org).await.or_refuse(&asked)?;
    Ok(page.cut(list.groups, |row| row.group.name.clone()).map(Group::of))
}

/// Makes a group.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/groups",
    tag = "Groups and roles",
    operation_id = "groups.create",
    params(OrgPath),
    request_body = NewGroup,
    responses((status = 201, description = "It was made", body = Made), Changes)
)]
pub async fn create(
    asked: Asked,
    Path(at): Path<OrgPath>,
    Body(new): Body<NewGroup>,
) -> Result<Response, Refusal> {
    let id = group::create(asked.ctx(), &at.org, &new.name)
        .await
        .or_refuse(&asked)?;
    Ok(created(
        id.to_string(),
        format!("/api/v1/orgs/{}/groups/{id}", at.org),
    ))
}

/// A group with its people and its roles.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/groups/{group}",
    tag = "Groups and roles",
    operation_id = "groups.show",
    params(GroupPath),
    responses((status = 200, description = "The group", body = GroupDetail), Reads)
)]
pub async fn show(asked: Asked, Path(at): Path<GroupPath>) -> Answer<GroupDetail> {
    let view = group::view(asked.ctx(), &at.org, at.group)
        .await
        .or_refuse(&asked)?;
    Ok(Json(GroupDetail::of(view, asked.locale())))
}

/// Changes a group's name and what fills it; with `If-Match`, only where that is still its `etag`.
#[utoipa::path(
    put,
    path = "/api/v1/orgs/{org}/groups/{group}",
    tag = "Groups and roles",
    operation_id = "groups.update",
    params(GroupPath, ("If-Match" = Option<String>, Header, description = "The `etag` it was read with")),
    request_body = GroupUpdate,
    responses((status = 204, description = "It is changed"), Changes)
)]
pub async fn update(
    asked: Asked,
    Path(at): Path<GroupPath>,
    IfMatch(expected): IfMatch,
    Body(new): Body<GroupUpdate>,
) -> Result<StatusCode, Refusal> {
    let ctx = asked.ctx().only_on(expected);
    group::update(&ctx, &at.org, at.group, &new.name, &new.claim)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes a group and the roles it holds.
#[utoipa::path(
    delete,
    path = "/api/v1/orgs/{org}/groups/{group}",
    tag = "Groups and roles",
    operation_id = "groups.delete",
    params(GroupPath),
    responses((status = 204, description = "It is gone"), Changes)
)]
pub async fn remove(asked: Asked, Path(at): Path<GroupPath>) -> Result<StatusCode, Refusal> {
    group::delete(asked.ctx(), &at.org, at.group)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Puts a person of the organization into a group.
#[utoipa::path(
    put,
    path = "/api/v1/orgs/{org}/groups/{group}/people/{person}",
    tag = "Groups and roles",
    operation_id = "groups.add",
    params(GroupPersonPath),
    responses((status = 204, description = "They are in it"), Changes)
)]
pub async fn add(asked: Asked, Path(at): Path<GroupPersonPath>) -> Result<StatusCode, Refusal> {
    group::add(asked.ctx(), &at.org, at.group, at.person)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a person out of a group.
#[utoipa::path(
    delete,
    path = "/api/v1/orgs/{org}/groups/{group}/people/{person}",
    tag = "Groups and roles",
    operation_id = "groups.take_out",
    params(GroupPersonPath),
    responses((status = 204, description = "They are not in it"), Changes)
)]
pub async fn take_out(asked: Asked, Path(at): Path<GroupPersonPath>) -> Result<StatusCode, Refusal> {
    group::take_out(asked.ctx(), &at.org, at.group, at.person)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}
