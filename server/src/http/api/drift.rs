//! What clusters have against what was deployed to them.

use super::ask::{Asked, Body, OrRefuse as _, Path};
use super::place::{Made, one_of};
use super::refusals::{Changes, Reads};
use super::{Answer, created};
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::Json;
use axum::response::Response;
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use slipway_domain::drift::{DriftPage, FieldChange, Settlement};
use slipway_domain::text::Locale;
use slipway_domain::time::Timestamp;
use utoipa::openapi::schema::Object;
use utoipa::{IntoParams, ToSchema};

const ONE: &str = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/environments/{environment}/drift";

/// The routes.
pub const ROUTES: &[Route] = &[
    route("GET", ONE, Access::SignedIn, || get(show)),
    route("POST", ONE, Access::SignedIn, || post(settle)),
];

/// `/orgs/{org}/projects/{project}/apps/{app}/environments/{environment}`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct StopPath {
    /// The organization's slug.
    pub org: String,
    /// The project's slug.
    pub project: String,
    /// The app's slug.
    pub app: String,
    /// The environment's key.
    pub environment: String,
}

/// A field that is not as it was deployed.
#[derive(Serialize, ToSchema)]
pub struct DriftedField {
    /// The kind of its object.
    kind: String,
    /// The name of its object.
    name: String,
    /// As Kubernetes names it, as in `.spec.replicas`; empty: the object itself is gone.
    field: String,
    /// What was deployed; none: nothing.
    #[schema(value_type = Object)]
    deployed: Option<serde_json::Value>,
    /// What is there; none: nothing.
    #[schema(value_type = Object)]
    live: Option<serde_json::Value>,
    /// The field manager that changed it; none: nobody claims it.
    changed_by: Option<String>,
    /// When that wrote last.
    #[schema(format = DateTime)]
    changed_at: Option<String>,
}

impl DriftedField {
    /// As the API says it.
    pub fn of(change: &FieldChange) -> Self {
        Self {
            kind: change.kind.clone(),
            name: change.name.clone(),
            field: change.path.to_string(),
            deployed: change.applied.clone(),
            live: change.live.clone(),
            changed_by: change.by.as_ref().map(|author| author.manager.clone()),
            changed_at: change
                .by
                .as_ref()
                .and_then(|author| author.at)
                .map(Timestamp::rfc3339),
        }
    }
}

/// What the cluster of an environment has against what was deployed there.
#[derive(Serialize, ToSchema)]
pub struct StopDrift {
    /// The version that was deployed; none: nothing yet.
    version: Option<String>,
    /// When it was compared last; none: not yet.
    #[schema(format = DateTime)]
    compared_at: Option<String>,
    /// Since when a difference is known.
    #[schema(format = DateTime)]
    since: Option<String>,
    /// The fields that differ.
    fields: Vec<DriftedField>,
    /// Why it could not be compared at the last look.
    trouble: Option<String>,
    /// Names this difference: send it to have it settled.
    digest: String,
    /// Ids of the promotions that settle it and have not ended.
    open: Vec<String>,
}

impl StopDrift {
    fn of(page: DriftPage, locale: Locale) -> Self {
        let drift = page.drift.as_ref();
        Self {
            version: page.current.map(|current| current.version),
            compared_at: drift.map(|drift| drift.looked_at.rfc3339()),
            since: drift.and_then(|drift| drift.since).map(Timestamp::rfc3339),
            fields: drift.map_or_else(Vec::new, |drift| {
                drift.changes.iter().map(DriftedField::of).collect()
            }),
            trouble: drift
                .and_then(|drift| drift.trouble.as_ref())
                .map(|trouble| trouble.get(locale).to_owned()),
            digest: page.digest,
            open: page.open.iter().map(|row| row.id.to_string()).collect(),
        }
    }
}

fn ways() -> Object {
    one_of(Settlement::ALL.iter().map(|way| way.key()))
}

/// How a drift is to be settled.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSettlement {
    /// `revert`: what was deployed is applied again; `adopt`: what is there becomes what was deployed.
    #[schema(schema_with = ways)]
    how: Settlement,
    /// The `digest` of the difference that is meant.
    digest: String,
    /// Why.
    #[serde(default)]
    reason: String,
}

/// What the cluster has against what was deployed, at the last look.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/environments/{environment}/drift",
    tag = "Promotions",
    operation_id = "drift.show",
    params(StopPath),
    responses((status = 200, description = "The difference", body = StopDrift), Reads)
)]
pub async fn show(asked: Asked, Path(at): Path<StopPath>) -> Answer<StopDrift> {
    let page = slipway_portal::drift::page(asked.ctx(), &at.org, &at.project, &at.app, &at.environment)
        .await
        .or_refuse(&asked)?;
    Ok(Json(StopDrift::of(page, asked.locale())))
}

/// Asks for a drift to be reverted or adopted, with the environment's approvals.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/environments/{environment}/drift",
    tag = "Promotions",
    operation_id = "drift.settle",
    params(StopPath),
    request_body = NewSettlement,
    responses((status = 201, description = "The promotion that does it", body = Made), Changes)
)]
pub async fn settle(
    asked: Asked,
    Path(at): Path<StopPath>,
    Body(new): Body<NewSettlement>,
) -> Result<Response, Refusal> {
    let app = (at.org.as_str(), at.project.as_str(), at.app.as_str());
    let (digest, reason) = (&new.digest, &new.reason);
    let id = slipway_portal::drift::settle(asked.ctx(), app, &at.environment, new.how, digest, reason)
        .await
        .or_refuse(&asked)?;
    Ok(created(id.to_string(), format!("/api/v1/promotions/{id}")))
}
