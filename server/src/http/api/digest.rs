//! The daily digest of the caller.

use super::Answer;
use super::ask::{Asked, Body, OrRefuse as _};
use super::refusals::{Changes, Reads};
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::Json;
use axum::routing::{get, put};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

const DIGEST: &str = "/api/v1/me/digest";

/// The routes.
pub const ROUTES: &[Route] = &[
    route("GET", DIGEST, Access::SignedIn, || get(show)),
    route("PUT", DIGEST, Access::SignedIn, || put(update)),
];

/// Whether a mail comes each morning.
#[derive(Serialize, ToSchema)]
pub struct DailyDigest {
    /// Whether it does.
    on: bool,
    /// The IANA zone whose morning it is.
    zone: String,
    /// Whether mail can be sent to the caller.
    possible: bool,
}

/// Whether a mail is to come each morning.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDigest {
    /// Whether it is.
    on: bool,
    /// The IANA zone whose morning it is, as in `Asia/Shanghai`.
    zone: String,
}

/// Whether a mail comes each morning.
#[utoipa::path(
    get,
    path = "/api/v1/me/digest",
    tag = "You",
    operation_id = "me.digest",
    responses((status = 200, description = "The choice", body = DailyDigest), Reads)
)]
pub async fn show(asked: Asked) -> Answer<DailyDigest> {
    let settings = slipway_portal::digest::settings(asked.ctx())
        .await
        .or_refuse(&asked)?;
    Ok(Json(DailyDigest {
        on: settings.on,
        zone: settings.zone,
        possible: settings.possible,
    }))
}

/// Chooses whether a mail comes each morning.
#[utoipa::path(
    put,
    path = "/api/v1/me/digest",
    tag = "You",
    operation_id = "me.set_digest",
    request_body = NewDigest,
    responses((status = 204, description = "It is chosen"), Changes)
)]
pub async fn update(asked: Asked, Body(new): Body<NewDigest>) -> Result<StatusCode, Refusal> {
    slipway_portal::digest::set(asked.ctx(), new.on, &new.zone)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}
