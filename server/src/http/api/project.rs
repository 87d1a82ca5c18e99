//! Projects.

use super::Answer;
use crate::http::problem::Refusal;
use crate::http::visit::Visit;
use axum::extract::Path;
use axum::{Extension, Json};
use slipway_domain::project::ProjectGrid;

/// A project: its apps in its environments.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}",
    params(("org" = String, Path, description = "Slug"), ("project" = String, Path, description = "Slug")),
    responses((status = 200, description = "The grid"), (status = 401), (status = 404))
)]
pub async fn show(
    Extension(visit): Extension<Visit>,
    Path((org, project)): Path<(String, String)>,
) -> Answer<ProjectGrid> {
    let grid = slipway_portal::project::grid(&visit.ctx, &org, &project).await;
    grid.map(Json).map_err(|error| Refusal::of(&visit, error))
}
