//! Projects.

use super::ask::{Asked, Body, OrRefuse as _, Path};
use super::paging::{Page, Paged};
use super::place::{AppName, EnvironmentName, Made, OrgPath, ProjectPath};
use super::refusals::{Changes, Reads};
use super::{Answer, created};
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::Json;
use axum::response::Response;
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use slipway_domain::org::ProjectCard;
use utoipa::ToSchema;

const LIST: &str = "/api/v1/orgs/{org}/projects";

/// The routes.
pub const ROUTES: &[Route] = &[
    route("GET", LIST, Access::SignedIn, || get(list)),
    route("POST", LIST, Access::SignedIn, || post(create)),
    route(
        "GET",
        "/api/v1/orgs/{org}/projects/{project}",
        Access::SignedIn,
        || get(show),
    ),
];

/// A project.
#[derive(Serialize, ToSchema)]
pub struct Project {
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// In URLs.
    slug: String,
    /// For people.
    name: String,
    /// The letters before the numbers of its work items.
    key: String,
    /// What it is for.
    description: String,
    /// How many apps it has.
    apps: i64,
    /// Whether all members of the organization see it.
    internal: bool,
}

impl Project {
    fn of(card: ProjectCard) -> Self {
        Self {
            id: card.project.id.to_string(),
            slug: card.project.slug,
            name: card.project.name,
            key: card.project.key,
            description: card.description,
            apps: card.apps,
            internal: card.internal,
        }
    }
}

/// A project with its chain and its apps.
#[derive(Serialize, ToSchema)]
pub struct ProjectDetail {
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// In URLs.
    slug: String,
    /// For people.
    name: String,
    /// The letters before the numbers of its work items.
    key: String,
    /// What it is for.
    description: String,
    /// The chain.
    environments: Vec<EnvironmentName>,
    /// The apps that the caller sees.
    apps: Vec<AppName>,
    /// Whether the caller may create apps.
    may_create_app: bool,
    /// Whether the caller may read the project's audit log.
    may_read_audit: bool,
}

/// A project to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewProject {
    /// In URLs: 2 to 40 of `a-z0-9-`.
    slug: String,
    /// For people.
    name: String,
    /// Two to six capital letters before the numbers of its work items.
    #[schema(pattern = "^[A-Z]{2,6}$")]
    key: String,
    /// What it is for.
    #[serde(default)]
    description: String,
    /// Whether all members of the organization see it.
    #[serde(default)]
    internal: bool,
}

/// The projects that the caller sees, by slug.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects",
    tag = "Projects",
    operation_id = "projects.list",
    params(OrgPath, Page),
    responses((status = 200, description = "A page of them", body = Vec<Project>), Reads)
)]
pub async fn list(asked: Asked, Path(at): Path<OrgPath>, page: Page) -> Result<Paged<Project>, Refusal> {
    let overview = slipway_portal::org::overview(asked.ctx(), &at.org)
        .await
        .or_refuse(&asked)?;
    let key = |card: &ProjectCard| card.project.slug.clone();
    Ok(page.cut(overview.projects, key).map(Project::of))
}

/// Makes a project.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/projects",
    tag = "Projects",
    operation_id = "projects.create",
    params(OrgPath),
    request_body = NewProject,
    responses((status = 201, description = "It was made", body = Made), Changes)
)]
pub async fn create(
    asked: Asked,
    Path(at): Path<OrgPath>,
    Body(new): Body<NewProject>,
) -> Result<Response, Refusal> {
    let slug = new.slug.clone();
    let input = slipway_portal::project::Input {
        slug: new.slug,
        name: new.name,
        description: new.description,
        key: new.key,
        internal: new.internal,
    };
    slipway_portal::project::create(asked.ctx(), &at.org, input)
        .await
        .or_refuse(&asked)?;
    let url = format!("/api/v1/orgs/{}/projects/{slug}", at.org);
    Ok(created(slug, url))
}

/// A project: its chain and its apps.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}",
    tag = "Projects",
    operation_id = "projects.show",
    params(ProjectPath),
    responses((status = 200, description = "The project", body = ProjectDetail), Reads)
)]
pub async fn show(asked: Asked, Path(at): Path<ProjectPath>) -> Answer<ProjectDetail> {
    let grid = slipway_portal::project::grid(asked.ctx(), &at.org, &at.project)
        .await
        .or_refuse(&asked)?;
    let Some(project) = grid.place.project else {
        return Err(asked.refuse(slipway_portal::Error::NotFound));
    };
    Ok(Json(ProjectDetail {
        id: project.id.to_string(),
        slug: project.slug,
        name: project.name,
        key: project.key,
        description: grid.description,
        environments: grid.environments.iter().map(EnvironmentName::of).collect(),
        apps: grid.rows.iter().map(|row| AppName::of(&row.app)).collect(),
        may_create_app: grid.may_create_app,
        may_read_audit: grid.may_read_audit,
    }))
}
