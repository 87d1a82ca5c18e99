//! The caller.

use super::Answer;
use crate::http::problem::Refusal;
use crate::http::visit::Visit;
use axum::{Extension, Json};
use slipway_domain::person::PersonRef;

/// Who is asking.
#[utoipa::path(get, path = "/api/v1/me", responses((status = 200, description = "The caller"), (status = 401)))]
pub async fn show(Extension(visit): Extension<Visit>) -> Answer<PersonRef> {
    let person = visit.ctx.user().cloned();
    person.map(Json).map_err(|error| Refusal::of(&visit, error))
}
