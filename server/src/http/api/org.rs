//! Organizations.

use super::Answer;
use crate::http::problem::Refusal;
use crate::http::visit::Visit;
use axum::extract::Path;
use axum::{Extension, Json};
use slipway_domain::org::{OrgOverview, OrgRef};

/// The organizations that the caller is in.
#[utoipa::path(get, path = "/api/v1/orgs", responses((status = 200, description = "By name"), (status = 401)))]
pub async fn list(Extension(visit): Extension<Visit>) -> Answer<Vec<OrgRef>> {
    let orgs = slipway_portal::org::list(&visit.ctx).await;
    orgs.map(Json).map_err(|error| Refusal::of(&visit, error))
}

/// An organization and its projects.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}",
    params(("org" = String, Path, description = "Its slug")),
    responses((status = 200, description = "The organization"), (status = 401), (status = 404))
)]
pub async fn show(Extension(visit): Extension<Visit>, Path(org): Path<String>) -> Answer<OrgOverview> {
    let overview = slipway_portal::org::overview(&visit.ctx, &org).await;
    overview.map(Json).map_err(|error| Refusal::of(&visit, error))
}
