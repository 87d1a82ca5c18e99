//! REST v1: what the pages read, for programs. A handler is context → one use case → JSON.

pub mod application;
pub mod job;
pub mod me;
pub mod org;
pub mod project;

use super::problem::Refusal;
use axum::Json;
use utoipa::OpenApi;

/// The answer of a handler.
pub type Answer<T> = Result<Json<T>, Refusal>;

/// The description of this API.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Slipway",
        description = "What Slipway's pages read, for programs. Refusals are RFC 9457 problems."
    ),
    paths(me::show, org::list, org::show, project::show, application::show, job::log)
)]
struct Description;

/// `GET /api/v1/openapi.json`
pub async fn openapi() -> Json<utoipa::openapi::OpenApi> {
    Json(Description::openapi())
}
