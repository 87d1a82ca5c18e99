//! Workloads: how an app runs.

use super::Answer;
use super::ask::{Asked, Body, OrRefuse as _, Path};
use super::place::AppPath;
use super::refusals::{Changes, Reads};
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::Json;
use axum::routing::{get, put};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use slipway_domain::workload::Workload;
use utoipa::ToSchema;

/// The routes.
pub const ROUTES: &[Route] = &[
    route(
        "GET",
        "/api/v1/orgs/{org}/projects/{project}/apps/{app}/workload",
        Access::SignedIn,
        || get(show),
    ),
    route(
        "PUT",
        "/api/v1/orgs/{org}/projects/{project}/apps/{app}/workload",
        Access::SignedIn,
        || put(update),
    ),
];

/// How an app runs.
#[derive(Serialize, ToSchema)]
pub struct WorkloadDetail {
    /// Another workload has another mark.
    mark: String,
    /// The workload: `kind`, `replicas`, `image`, `command`, `port`, `probe_path`, `live_path`, `cpu_millis`,
    /// `cpu_limit_millis`, `memory_mib`, `variables`, `secrets`, `files`, `volumes`, `containers`, `ingress`, `autoscaling`,
    /// `schedule`, `manifests` and `overrides` by environment.
    #[schema(value_type = Object)]
    workload: Workload,
    /// What it becomes in each environment.
    environments: Vec<Rendered>,
}

/// What a workload becomes in an environment.
#[derive(Serialize, ToSchema)]
pub struct Rendered {
    /// The environment's key.
    environment: String,
    /// The objects, as YAML documents.
    yaml: String,
}

/// How an app is to run.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkloadUpdate {
    /// The mark of the workload that this was made from; none: whatever is there may be changed.
    mark: Option<String>,
    /// The workload. What is left out is as for a new app.
    #[schema(value_type = Object)]
    workload: Workload,
}

/// How an app runs, and what that becomes in each environment with the images of the newest release.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/workload",
    tag = "Apps",
    operation_id = "apps.workload",
    params(AppPath),
    responses((status = 200, description = "How it runs", body = WorkloadDetail), Reads)
)]
pub async fn show(asked: Asked, Path(at): Path<AppPath>) -> Answer<WorkloadDetail> {
    let view = slipway_portal::workload::view(asked.ctx(), &at.org, &at.project, &at.app)
        .await
        .or_refuse(&asked)?;
    Ok(Json(WorkloadDetail {
        mark: view.mark,
        workload: view.workload,
        environments: view
            .environments
            .into_iter()
            .map(|one| Rendered {
                environment: one.environment.key,
                yaml: one.yaml,
            })
            .collect(),
    }))
}

/// Sets how an app runs, from its next release on.
#[utoipa::path(
    put,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/workload",
    tag = "Apps",
    operation_id = "apps.set_workload",
    params(AppPath),
    request_body = WorkloadUpdate,
    responses((status = 204, description = "It is set"), Changes)
)]
pub async fn update(
    asked: Asked,
    Path(at): Path<AppPath>,
    Body(new): Body<WorkloadUpdate>,
) -> Result<StatusCode, Refusal> {
    let (org, project, app) = (&at.org, &at.project, &at.app);
    let mark = match new.mark {
        Some(mark) => mark,
        None => {
            slipway_portal::workload::view(asked.ctx(), org, project, app)
                .await
                .or_refuse(&asked)?
                .mark
        }
    };
    slipway_portal::workload::set(asked.ctx(), org, project, app, &mark, &new.workload)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}
