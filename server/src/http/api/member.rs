//! Members and their roles.

use super::ask::{Asked, OrRefuse as _, Path};
use super::paging::{Page, Paged};
use super::place::{OrgPath, Person, ProjectPath};
use super::refusals::Reads;
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::routing::get;
use serde::Serialize;
use utoipa::ToSchema;

/// The routes.
pub const ROUTES: &[Route] = &[
    route("GET", "/api/v1/orgs/{org}/members", Access::SignedIn, || {
        get(of_org)
    }),
    route(
        "GET",
        "/api/v1/orgs/{org}/projects/{project}/members",
        Access::SignedIn,
        || get(of_project),
    ),
];

/// A role that somebody holds.
#[derive(Serialize, ToSchema)]
pub struct Member {
    /// The id of the binding.
    #[schema(format = "uuid")]
    id: String,
    /// Who.
    person: Person,
    /// The role, as in `project.lead`.
    role: &'static str,
    /// Whether it is held at a place above.
    inherited: bool,
}

impl Member {
    fn of(member: &slipway_domain::org::Member) -> Self {
        Self {
            id: member.binding.to_string(),
            person: Person::of(&member.person),
            role: member.role.key(),
            inherited: member.inherited,
        }
    }
}

async fn members(
    asked: &Asked,
    page: Page,
    org: &str,
    project: Option<&str>,
) -> Result<Paged<Member>, Refusal> {
    let (_, members) = slipway_portal::org::members(asked.ctx(), org, project)
        .await
        .or_refuse(asked)?;
    let key = |member: &slipway_domain::org::Member| format!("{} {}", member.person.username, member.binding);
    Ok(page.cut(members, key).map(|member| Member::of(&member)))
}

/// Who holds which role in the organization: an entry a role that somebody holds.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/members",
    tag = "People",
    operation_id = "orgs.members",
    params(OrgPath, Page),
    responses((status = 200, description = "A page of them, by name", body = Vec<Member>), Reads)
)]
pub async fn of_org(asked: Asked, Path(at): Path<OrgPath>, page: Page) -> Result<Paged<Member>, Refusal> {
    members(&asked, page, &at.org, None).await
}

/// Who holds which role in the project or above it.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/members",
    tag = "People",
    operation_id = "projects.members",
    params(ProjectPath, Page),
    responses((status = 200, description = "A page of them, by name", body = Vec<Member>), Reads)
)]
pub async fn of_project(
    asked: Asked,
    Path(at): Path<ProjectPath>,
    page: Page,
) -> Result<Paged<Member>, Refusal> {
    members(&asked, page, &at.org, Some(&at.project)).await
}
