//! Promotions: a release on its way into an environment.

use super::ask::{Asked, Body, OrRefuse as _, Path};
use super::drift::DriftedField;
use super::paging::{Page, Paged};
use super::place::{AppPath, EnvironmentName, Made, Person, Slugs};
use super::refusals::{Changes, Reads};
use super::{Answer, created};
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::Json;
use axum::response::Response;
use axum::routing::{get, post};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use slipway_domain::id::PromotionId;
use slipway_domain::promotion::{PromotionRow, PromotionView};
use slipway_domain::text::Locale;
use slipway_domain::time::Timestamp;
use slipway_portal::promotion::Ask;
use utoipa::{IntoParams, ToSchema};

const LIST: &str = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/promotions";

/// The routes.
pub const ROUTES: &[Route] = &[
    route("GET", LIST, Access::SignedIn, || get(list)),
    route("POST", LIST, Access::SignedIn, || post(request)),
    route(
        "POST",
        "/api/v1/orgs/{org}/projects/{project}/apps/{app}/rollbacks",
        Access::SignedIn,
        || post(roll_back),
    ),
    route("GET", "/api/v1/promotions/{id}", Access::SignedIn, || get(show)),
    route("POST", "/api/v1/promotions/{id}/cancel", Access::SignedIn, || {
        post(cancel)
    }),
    route("POST", "/api/v1/promotions/{id}/retry", Access::SignedIn, || {
        post(retry)
    }),
];

/// A promotion's path.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct PromotionPath {
    /// The promotion's id.
    #[param(value_type = String, format = "uuid")]
    pub id: PromotionId,
}

/// A promotion.
#[derive(Serialize, ToSchema)]
pub struct Promotion {
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// Where.
    place: Slugs,
    /// The release's version.
    version: String,
    /// Where to.
    environment: EnvironmentName,
    /// `promotion`, `automatic` (a branch rule), `rollback`, or what settles a drift: `revert` or `adopt`.
    kind: &'static str,
    /// Where it stands, as in `waiting`.
    state: &'static str,
    /// Why it stands there, in one line.
    reason: Option<String>,
    /// Who asked; none: a branch rule.
    requested_by: Option<Person>,
    /// When.
    #[schema(format = DateTime)]
    requested_at: String,
    /// When it expires if nobody decides.
    #[schema(format = DateTime)]
    expires_at: String,
}

impl Promotion {
    /// As the API says it.
    pub fn of(row: PromotionRow, locale: Locale) -> Self {
        Self {
            id: row.id.to_string(),
            place: Slugs::of(&row.place),
            version: row.release.version,
            environment: EnvironmentName::of(&row.environment),
            kind: row.kind.key(),
            state: row.state.key(),
            reason: row.reason.map(|reason| reason.get(locale).to_owned()),
            requested_by: row.requested_by.as_ref().map(Person::of),
            requested_at: row.requested_at.rfc3339(),
            expires_at: row.expires_at.rfc3339(),
        }
    }
}

/// A promotion with what stands in its way.
#[derive(Serialize, ToSchema)]
pub struct PromotionDetail {
    /// The promotion.
    #[serde(flatten)]
    promotion: Promotion,
    /// What approvals are given to: send it with a decision.
    subject: String,
    /// What runs there now.
    current: Option<String>,
    /// Every gate.
    gates: Vec<Gate>,
    /// The approval rules, and where each stands.
    rules: Vec<Rule>,
    /// The decisions, the oldest first.
    decisions: Vec<Decision>,
    /// The attempts, the newest first.
    attempts: Vec<Attempt>,
    /// The drift that it settles, field by field; none where it brings a release.
    drift: Vec<DriftedField>,
    /// What the cluster remarked on while it took the newest attempt.
    warnings: Vec<String>,
}

/// A gate before the deployment.
#[derive(Serialize, ToSchema)]
pub struct Gate {
    /// Which, as in `approvals`.
    kind: String,
    /// Whether it is open.
    open: bool,
    /// Why, in one line.
    reason: String,
    /// When it opens by itself, where that is known.
    #[schema(format = DateTime)]
    opens_at: Option<String>,
}

/// An approval rule.
#[derive(Serialize, ToSchema)]
pub struct Rule {
    /// Its key in the environment.
    id: String,
    /// For people.
    name: String,
    /// How many it needs.
    required: u32,
    /// Whose approval counts.
    approved: Vec<Person>,
    /// Who could approve now.
    open_to: Vec<Person>,
}

/// A decision.
#[derive(Serialize, ToSchema)]
pub struct Decision {
    /// Who.
    by: Person,
    /// `approve` or `reject`.
    verdict: &'static str,
    /// What they said.
    comment: String,
    /// When.
    #[schema(format = DateTime)]
    at: String,
    /// Whether it still counts.
    counts: bool,
    /// In whose place, by a delegation.
    represents: Option<Person>,
}

/// One attempt to roll out.
#[derive(Serialize, ToSchema)]
pub struct Attempt {
    /// Its number, from 1.
    number: i64,
    /// Where it stands.
    state: &'static str,
    /// Why, in one line.
    reason: Option<String>,
    /// Pods that are ready.
    ready: i64,
    /// Pods that are asked for.
    desired: i64,
    /// When it began.
    #[schema(format = DateTime)]
    started_at: String,
    /// When it ended.
    #[schema(format = DateTime)]
    finished_at: Option<String>,
}

/// The stable word of a value that is written as one.
fn word<T: Serialize>(value: &T) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

impl PromotionDetail {
    fn of(view: PromotionView, locale: Locale) -> Self {
        let gates = view.gates.iter().map(|gate| Gate {
            kind: word(&gate.kind),
            open: gate.open,
            reason: gate.reason.get(locale).to_owned(),
            opens_at: gate.opens_at.map(Timestamp::rfc3339),
        });
        let rules = view.evaluation.rules.iter().map(|rule| Rule {
            id: rule.id.clone(),
            name: rule.name.get(locale).to_owned(),
            required: rule.required,
            approved: rule.approved.iter().map(Person::of).collect(),
            open_to: rule.open_to.iter().map(Person::of).collect(),
        });
        let decisions = view.decisions.iter().map(|decision| Decision {
            by: Person::of(&decision.by),
            verdict: decision.verdict.key(),
            comment: decision.comment.clone(),
            at: decision.at.rfc3339(),
            counts: decision.counts,
            represents: decision.represents.as_ref().map(Person::of),
        });
        let attempts = view.deployments.iter().map(|attempt| Attempt {
            number: attempt.attempt,
            state: attempt.state.key(),
            reason: attempt
                .reason
                .as_ref()
                .map(|reason| reason.get(locale).to_owned()),
            ready: attempt.ready,
            desired: attempt.desired,
            started_at: attempt.started_at.rfc3339(),
            finished_at: attempt.finished_at.map(Timestamp::rfc3339),
        });
        Self {
            subject: view.subject.clone(),
            current: view.current.as_ref().map(|current| current.version.clone()),
            gates: gates.collect(),
            rules: rules.collect(),
            decisions: decisions.collect(),
            attempts: attempts.collect(),
            drift: view.drift.iter().map(DriftedField::of).collect(),
            warnings: view.warnings.clone(),
            promotion: Promotion::of(view.row, locale),
        }
    }
}

/// A promotion to be asked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPromotion {
    /// The release's version.
    version: String,
    /// The environment's key.
    environment: String,
    /// Why environments before it are skipped, where they are: recorded.
    waiver: Option<String>,
}

/// A rollback to be asked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRollback {
    /// The environment's key.
    environment: String,
    /// To which version; the one before where it is left out.
    version: Option<String>,
    /// Why.
    reason: String,
}

/// The promotions of an app, the newest first.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/promotions",
    tag = "Promotions",
    operation_id = "promotions.list",
    params(AppPath, Page),
    responses((status = 200, description = "A page of them", body = Vec<Promotion>), Reads)
)]
pub async fn list(asked: Asked, Path(at): Path<AppPath>, page: Page) -> Result<Paged<Promotion>, Refusal> {
    let before = page.from().or_refuse(&asked)?.map(Timestamp);
    let (_, rows) = slipway_portal::promotion::list(asked.ctx(), &at.org, &at.project, &at.app, before)
        .await
        .or_refuse(&asked)?;
    let more = rows.len() >= slipway_portal::promotion::PAGE_ROWS;
    let locale = asked.locale();
    Ok(page
        .take(rows, more, |row| row.requested_at.micros().to_string())
        .map(|row| Promotion::of(row, locale)))
}

/// Asks for a release to be put into an environment. A release that waits for it already is not asked for twice.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/promotions",
    tag = "Promotions",
    operation_id = "promotions.request",
    params(AppPath),
    request_body = NewPromotion,
    responses((status = 201, description = "It was asked for", body = Made), Changes)
)]
pub async fn request(
    asked: Asked,
    Path(at): Path<AppPath>,
    Body(new): Body<NewPromotion>,
) -> Result<Response, Refusal> {
    let ask = Ask {
        waiver: new.waiver,
        idempotency: None,
    };
    let (org, project, app) = (&at.org, &at.project, &at.app);
    let (version, environment) = (&new.version, &new.environment);
    let ctx = asked.ctx();
    let id = slipway_portal::promotion::request_named(ctx, org, project, app, version, environment, ask)
        .await
        .or_refuse(&asked)?;
    Ok(created(id.to_string(), format!("/api/v1/promotions/{id}")))
}

/// Puts an environment back to a release that was verified there.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/rollbacks",
    tag = "Promotions",
    operation_id = "promotions.roll_back",
    params(AppPath),
    request_body = NewRollback,
    responses((status = 201, description = "The promotion that does it", body = Made), Changes)
)]
pub async fn roll_back(
    asked: Asked,
    Path(at): Path<AppPath>,
    Body(new): Body<NewRollback>,
) -> Result<Response, Refusal> {
    let (org, project, app) = (&at.org, &at.project, &at.app);
    let (environment, version) = (&new.environment, new.version.as_deref());
    let ctx = asked.ctx();
    let (id, _) =
        slipway_portal::promotion::roll_back_in(ctx, org, project, app, environment, version, &new.reason)
            .await
            .or_refuse(&asked)?;
    Ok(created(id.to_string(), format!("/api/v1/promotions/{id}")))
}

/// A promotion: its gates, its approvals and its attempts.
#[utoipa::path(
    get,
    path = "/api/v1/promotions/{id}",
    tag = "Promotions",
    operation_id = "promotions.show",
    params(PromotionPath),
    responses((status = 200, description = "The promotion", body = PromotionDetail), Reads)
)]
pub async fn show(asked: Asked, Path(at): Path<PromotionPath>) -> Answer<PromotionDetail> {
    let view = slipway_portal::promotion::view(asked.ctx(), at.id)
        .await
        .or_refuse(&asked)?;
    Ok(Json(PromotionDetail::of(view, asked.locale())))
}

/// Withdraws a promotion that has not started.
#[utoipa::path(
    post,
    path = "/api/v1/promotions/{id}/cancel",
    tag = "Promotions",
    operation_id = "promotions.cancel",
    params(PromotionPath),
    responses((status = 204, description = "It is withdrawn"), Changes)
)]
pub async fn cancel(asked: Asked, Path(at): Path<PromotionPath>) -> Result<StatusCode, Refusal> {
    slipway_portal::promotion::cancel(asked.ctx(), at.id)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Tries a failed promotion again.
#[utoipa::path(
    post,
    path = "/api/v1/promotions/{id}/retry",
    tag = "Promotions",
    operation_id = "promotions.retry",
    params(PromotionPath),
    responses((status = 204, description = "It is tried again"), Changes)
)]
pub async fn retry(asked: Asked, Path(at): Path<PromotionPath>) -> Result<StatusCode, Refusal> {
    slipway_portal::promotion::retry(asked.ctx(), at.id)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}
