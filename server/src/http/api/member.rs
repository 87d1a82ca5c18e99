//! Members and their roles: of an organization, or by `?project=` and `?app=` of a place in it.

use super::ask::{Asked, Body, IfMatch, OrRefuse as _, Path, Query};
use super::paging::{Page, Paged};
use super::place::{At, GroupName, HeldRole, OrgPath, Person};
use super::refusals::{Changes, Reads};
use super::{Answer, etag};
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::Json;
use axum::routing::{delete, get, post, put};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use slipway_domain::id::{BindingId, GroupId, UserId};
use slipway_domain::member::{Ability, GroupHolding, Holder, PersonHere, Reason};
use slipway_domain::text::{Locale, Text};
use slipway_portal::{Error, member, version};
use utoipa::{IntoParams, ToSchema};

const LIST: &str = "/api/v1/orgs/{org}/members";
const ONE: &str = "/api/v1/orgs/{org}/members/{member}";
const PERSON: &str = "/api/v1/orgs/{org}/people/{username}";

/// The routes.
pub const ROUTES: &[Route] = &[
    route("GET", LIST, Access::SignedIn, || get(list)),
    route("POST", LIST, Access::SignedIn, || post(grant)),
    route("PUT", ONE, Access::SignedIn, || put(change)),
    route("DELETE", ONE, Access::SignedIn, || delete(revoke)),
    route("GET", PERSON, Access::SignedIn, || get(person)),
    route("DELETE", PERSON, Access::SignedIn, || delete(remove)),
];

/// `/orgs/{org}/members/{member}`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct MemberPath {
    /// The organization's slug.
    org: String,
    /// The id of the member's entry in the list.
    #[param(value_type = String, format = "uuid")]
    member: BindingId,
}

/// `/orgs/{org}/people/{username}`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct PersonPath {
    /// The organization's slug.
    org: String,
    /// The person's sign-in name.
    username: String,
}

/// A role that somebody holds.
#[derive(Serialize, ToSchema)]
pub struct Member {
    /// The id of this entry, for changing it and taking it away where it is held.
    #[schema(format = "uuid")]
    id: String,
    /// Its version, for the `If-Match` of a change.
    etag: String,
    /// Who; none: everybody in the group.
    person: Option<Person>,
    /// The group that holds it; none: the person does.
    group: Option<GroupName>,
    /// Which role.
    role: HeldRole,
    /// Whether it is held at a place above.
    inherited: bool,
}

impl Member {
    fn of(member: &slipway_domain::member::Member, locale: Locale) -> Self {
        Self {
            id: member.binding.to_string(),
            etag: etag(version::member(member.binding, &member.role)),
            person: Some(Person::of(&member.person)),
            group: member.via.as_ref().map(GroupName::of),
            role: HeldRole::of(&member.role, locale),
            inherited: member.inherited,
        }
    }

    fn of_group(held: &GroupHolding, locale: Locale) -> Self {
        Self {
            id: held.binding.to_string(),
            etag: etag(version::member(held.binding, &held.role)),
            person: None,
            group: Some(GroupName::of(&held.group)),
            role: HeldRole::of(&held.role, locale),
            inherited: held.inherited,
        }
    }

    /// Its place in the list: people by name, then groups.
    fn key(&self) -> String {
        match (&self.person, &self.group) {
            (Some(person), _) => format!("0 {} {}", person.username, self.id),
            (None, Some(group)) => format!("1 {} {}", group.name, self.id),
            (None, None) => format!("2 {}", self.id),
        }
    }
}

/// A role to be given, to either a person or a group.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMember {
    /// The id of a person of the organization.
    #[schema(value_type = Option<String>, format = "uuid")]
    person: Option<UserId>,
    /// The id of a group of the organization.
    #[schema(value_type = Option<String>, format = "uuid")]
    group: Option<GroupId>,
    /// The role's key, as in `project.lead`.
    role: String,
}

impl NewMember {
    fn who(&self) -> Result<String, Error> {
        match (self.person, self.group) {
            (Some(person), None) => Ok(Holder::Person(person).key()),
            (None, Some(group)) => Ok(Holder::Group(group).key()),
            _ => Err(Error::field(
                "person",
                Text::new("send either a person or a group", "请填写人员或用户组之一"),
            )),
        }
    }
}

/// Another role for a member.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OtherRole {
    /// The role's key, as in `project.lead`.
    role: String,
}

/// What a person may do at a place, and why.
#[derive(Serialize, ToSchema)]
pub struct PersonThere {
    /// Who.
    person: Person,
    /// Their roles there and above.
    roles: Vec<Member>,
    /// Every action that means something there.
    actions: Vec<ActionThere>,
}

/// An action, and whether somebody may do it.
#[derive(Serialize, ToSchema)]
pub struct ActionThere {
    /// Its key, as in `pipeline.run`.
    action: &'static str,
    /// Whether they may.
    allowed: bool,
    /// The ids of the entries in `roles` that allow it.
    roles: Vec<String>,
    /// Whether they see the place because its project is open to all members of the organization.
    internal: bool,
    /// Whether they see the project because of a role in one of its apps.
    app_inside: bool,
}

impl ActionThere {
    fn of(ability: &Ability) -> Self {
        let roles = ability.reasons.iter().filter_map(|reason| match reason {
            Reason::Role(member) => Some(member.binding.to_string()),
            Reason::Internal | Reason::AppInside => None,
        });
        Self {
            action: ability.action.key(),
            allowed: !ability.reasons.is_empty(),
            roles: roles.collect(),
            internal: ability.reasons.contains(&Reason::Internal),
            app_inside: ability.reasons.contains(&Reason::AppInside),
        }
    }
}

impl PersonThere {
    fn of(here: &PersonHere, locale: Locale) -> Self {
        Self {
            person: Person::of(&here.person),
            roles: here.roles.iter().map(|role| Member::of(role, locale)).collect(),
            actions: here.abilities.iter().map(ActionThere::of).collect(),
        }
    }
}

/// Who holds which role at the place or above it: an entry a role that a person or a group holds.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/members",
    tag = "People",
    operation_id = "members.list",
    params(OrgPath, At, Page),
    responses((status = 200, description = "A page of them", body = Vec<Member>), Reads)
)]
pub async fn list(
    asked: Asked,
    Path(path): Path<OrgPath>,
    Query(at): Query<At>,
    page: Page,
) -> Result<Paged<Member>, Refusal> {
    let place = at.of(&path.org).or_refuse(&asked)?;
    let shown = member::page(asked.ctx(), place).await.or_refuse(&asked)?;
    let locale = asked.locale();
    let people = shown.members.iter().map(|member| Member::of(member, locale));
    let groups = shown.groups.iter().map(|held| Member::of_group(held, locale));
    Ok(page.cut(people.chain(groups).collect(), Member::key))
}

/// Gives a person or a group of the organization a role at the place.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/members",
    tag = "People",
    operation_id = "members.grant",
    params(OrgPath, At),
    request_body = NewMember,
    responses((status = 204, description = "They hold it"), Changes)
)]
pub async fn grant(
    asked: Asked,
    Path(path): Path<OrgPath>,
    Query(at): Query<At>,
    Body(new): Body<NewMember>,
) -> Result<StatusCode, Refusal> {
    let place = at.of(&path.org).or_refuse(&asked)?;
    let who = new.who().or_refuse(&asked)?;
    member::grant(asked.ctx(), place, &who, &new.role)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Puts another role in the place of one that is held right at the place.
#[utoipa::path(
    put,
    path = "/api/v1/orgs/{org}/members/{member}",
    tag = "People",
    operation_id = "members.change",
    params(MemberPath, At, ("If-Match" = Option<String>, Header, description = "The `etag` it was read with")),
    request_body = OtherRole,
    responses((status = 204, description = "They hold the other role"), Changes)
)]
pub async fn change(
    asked: Asked,
    Path(path): Path<MemberPath>,
    Query(at): Query<At>,
    IfMatch(expected): IfMatch,
    Body(new): Body<OtherRole>,
) -> Result<StatusCode, Refusal> {
    let place = at.of(&path.org).or_refuse(&asked)?;
    member::change_role(&asked.ctx().only_on(expected), place, path.member, &new.role)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a role away that is held right at the place.
#[utoipa::path(
    delete,
    path = "/api/v1/orgs/{org}/members/{member}",
    tag = "People",
    operation_id = "members.revoke",
    params(MemberPath, At),
    responses((status = 204, description = "It is taken away"), Changes)
)]
pub async fn revoke(
    asked: Asked,
    Path(path): Path<MemberPath>,
    Query(at): Query<At>,
) -> Result<StatusCode, Refusal> {
    let place = at.of(&path.org).or_refuse(&asked)?;
    member::revoke(asked.ctx(), place, path.member)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a person of the organization may do at the place, and why.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/people/{username}",
    tag = "People",
    operation_id = "people.show",
    params(PersonPath, At),
    responses((status = 200, description = "What they may do", body = PersonThere), Reads)
)]
pub async fn person(asked: Asked, Path(path): Path<PersonPath>, Query(at): Query<At>) -> Answer<PersonThere> {
    let place = at.of(&path.org).or_refuse(&asked)?;
    let here = member::person(asked.ctx(), place, &path.username)
        .await
        .or_refuse(&asked)?;
    Ok(Json(PersonThere::of(&here, asked.locale())))
}

/// Removes a person from the place: they lose every role there and below. Anybody may leave.
#[utoipa::path(
    delete,
    path = "/api/v1/orgs/{org}/people/{username}",
    tag = "People",
    operation_id = "people.remove",
    params(PersonPath, At),
    responses((status = 204, description = "They are removed"), Changes)
)]
pub async fn remove(
    asked: Asked,
    Path(path): Path<PersonPath>,
    Query(at): Query<At>,
) -> Result<StatusCode, Refusal> {
    let place = at.of(&path.org).or_refuse(&asked)?;
    let here = member::person(asked.ctx(), place, &path.username)
        .await
        .or_refuse(&asked)?;
    member::remove(asked.ctx(), place, here.person.id)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}
