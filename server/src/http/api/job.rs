//! Jobs of a pipeline run.

use super::ask::{Asked, Body, OrRefuse as _, Path};
use super::refusals::{Changes, Reads};
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::{StatusCode, header};
use serde::Deserialize;
use slipway_domain::id::JobId;
use slipway_portal::run::{Act, JobAt};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

/// The routes.
pub const ROUTES: &[Route] = &[
    route(
        "GET",
        "/api/v1/orgs/{org}/projects/{project}/apps/{app}/runs/{number}/jobs/{job}/log",
        Access::SignedIn,
        || get(log),
    ),
    route(
        "POST",
        "/api/v1/orgs/{org}/projects/{project}/apps/{app}/runs/{number}/jobs/{job}/retry",
        Access::SignedIn,
        || post(retry),
    ),
    route(
        "POST",
        "/api/v1/orgs/{org}/projects/{project}/apps/{app}/runs/{number}/jobs/{job}/cancel",
        Access::SignedIn,
        || post(cancel),
    ),
    route(
        "POST",
        "/api/v1/orgs/{org}/projects/{project}/apps/{app}/runs/{number}/jobs/{job}/play",
        Access::SignedIn,
        || post(play),
    ),
];

/// A job's path.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct JobPath {
    /// The organization's slug.
    org: String,
    /// The project's slug.
    project: String,
    /// The app's slug.
    app: String,
    /// The run's number in the app.
    number: i64,
    /// The job's id.
    #[param(value_type = String, format = "uuid")]
    job: JobId,
}

impl JobPath {
    /// As the use cases take it.
    pub fn job_at(&self) -> JobAt<'_> {
        JobAt {
            org: &self.org,
            project: &self.project,
            app: &self.app,
            number: self.number,
            job: self.job,
        }
    }
}

/// How a manual job is started.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlayJob {
    /// Variables for this time.
    #[serde(default)]
    variables: BTreeMap<String, String>,
}

async fn act(asked: &Asked, at: &JobPath, act: &Act) -> Result<StatusCode, Refusal> {
    slipway_portal::run::act(asked.ctx(), &at.org, &at.project, &at.app, at.number, act)
        .await
        .or_refuse(asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// A job's log as it was written, to be saved as a file.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/runs/{number}/jobs/{job}/log",
    tag = "Runs",
    operation_id = "jobs.log",
    params(JobPath),
    responses(
        (status = 200, description = "The log", body = String, content_type = "text/plain; charset=utf-8"),
        Reads
    )
)]
pub async fn log(asked: Asked, Path(at): Path<JobPath>) -> Result<Response, Refusal> {
    let file = slipway_portal::run::download(asked.ctx(), &at.job_at())
        .await
        .or_refuse(&asked)?;
    let headers = [
        (header::CONTENT_TYPE, String::from("text/plain; charset=utf-8")),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{}\"", file.name),
        ),
        // A file that ends too early is seen to.
        (header::CONTENT_LENGTH, file.size.to_string()),
    ];
    Ok((headers, axum::body::Body::from_stream(file.pieces)).into_response())
}

/// Runs one job again.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/runs/{number}/jobs/{job}/retry",
    tag = "Runs",
    operation_id = "jobs.retry",
    params(JobPath),
    responses((status = 204, description = "GitLab runs it again"), Changes)
)]
pub async fn retry(asked: Asked, Path(at): Path<JobPath>) -> Result<StatusCode, Refusal> {
    act(&asked, &at, &Act::RetryJob(at.job)).await
}

/// Stops one job.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/runs/{number}/jobs/{job}/cancel",
    tag = "Runs",
    operation_id = "jobs.cancel",
    params(JobPath),
    responses((status = 204, description = "GitLab stops it"), Changes)
)]
pub async fn cancel(asked: Asked, Path(at): Path<JobPath>) -> Result<StatusCode, Refusal> {
    act(&asked, &at, &Act::CancelJob(at.job)).await
}

/// Starts a job that waits for somebody.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/runs/{number}/jobs/{job}/play",
    tag = "Runs",
    operation_id = "jobs.play",
    params(JobPath),
    request_body = PlayJob,
    responses((status = 204, description = "GitLab starts it"), Changes)
)]
pub async fn play(
    asked: Asked,
    Path(at): Path<JobPath>,
    Body(how): Body<PlayJob>,
) -> Result<StatusCode, Refusal> {
    act(&asked, &at, &Act::Play(at.job, how.variables)).await
}
