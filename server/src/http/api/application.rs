//! Applications.

use super::Answer;
use crate::http::problem::Refusal;
use crate::http::visit::Visit;
use axum::extract::Path;
use axum::{Extension, Json};
use slipway_domain::app::AppOverview;

/// An app: its repository and its lane.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}",
    params(
        ("org" = String, Path, description = "Slug"),
        ("project" = String, Path, description = "Slug"),
        ("app" = String, Path, description = "Slug"),
    ),
    responses((status = 200, description = "The app"), (status = 401), (status = 404))
)]
pub async fn show(
    Extension(visit): Extension<Visit>,
    Path((org, project, app)): Path<(String, String, String)>,
) -> Answer<AppOverview> {
    let overview = slipway_portal::app::overview(&visit.ctx, &org, &project, &app).await;
    overview.map(Json).map_err(|error| Refusal::of(&visit, error))
}
