//! Approvals: what waits for the caller, and their decisions.

use super::Answer;
use super::ask::{Asked, Body, OrRefuse as _, Path};
use super::place::one_of;
use super::promotion::{Promotion, PromotionPath};
use super::refusals::{Changes, Reads};
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::Json;
use axum::routing::{get, post};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use slipway_domain::approval::Verdict;
use utoipa::ToSchema;
use utoipa::openapi::schema::Object;

/// The routes.
pub const ROUTES: &[Route] = &[
    route("GET", "/api/v1/approvals", Access::SignedIn, || get(inbox)),
    route(
        "POST",
        "/api/v1/promotions/{id}/decisions",
        Access::SignedIn,
        || post(decide),
    ),
];

/// What waits for the caller.
#[derive(Serialize, ToSchema)]
pub struct Inbox {
    /// What waits for their decision, the oldest first.
    waiting: Vec<Promotion>,
    /// The last ten they decided on, the newest first.
    decided: Vec<Promotion>,
}

/// A decision to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDecision {
    /// `approve` or `reject`.
    #[schema(schema_with = verdicts)]
    verdict: Verdict,
    /// What is decided on: the `subject` of the promotion as it was read.
    subject: String,
    /// Why; needed for a rejection.
    #[serde(default)]
    comment: String,
}

fn verdicts() -> Object {
    one_of([Verdict::Approve, Verdict::Reject].into_iter().map(Verdict::key))
}

/// What waits for the caller's decision.
#[utoipa::path(
    get,
    path = "/api/v1/approvals",
    tag = "Promotions",
    operation_id = "approvals.inbox",
    responses((status = 200, description = "The inbox", body = Inbox), Reads)
)]
pub async fn inbox(asked: Asked) -> Answer<Inbox> {
    let inbox = slipway_portal::promotion::inbox(asked.ctx())
        .await
        .or_refuse(&asked)?;
    let locale = asked.locale();
    let shown = |rows: Vec<slipway_domain::promotion::PromotionRow>| {
        rows.into_iter().map(|row| Promotion::of(row, locale)).collect()
    };
    Ok(Json(Inbox {
        waiting: shown(inbox.waiting),
        decided: shown(inbox.decided),
    }))
}

/// Approves or rejects a promotion. Open to those whom the environment's approval rules name.
#[utoipa::path(
    post,
    path = "/api/v1/promotions/{id}/decisions",
    tag = "Promotions",
    operation_id = "approvals.decide",
    params(PromotionPath),
    request_body = NewDecision,
    responses((status = 204, description = "The decision stands"), Changes)
)]
pub async fn decide(
    asked: Asked,
    Path(at): Path<PromotionPath>,
    Body(new): Body<NewDecision>,
) -> Result<StatusCode, Refusal> {
    slipway_portal::promotion::decide(asked.ctx(), at.id, &new.subject, new.verdict, &new.comment)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}
