//! Beside the pipeline as it is being edited: a job for another app, the file as GitLab reads it, and what became in git
//! of the jobs that Slipway wrote.

use super::Answer;
use super::ask::{Asked, Body, OrRefuse as _, Path};
use super::place::AppPath;
use super::refusals::{Changes, Reads};
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::Json;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use slipway_domain::pipeline::file::drift::DriftState;
use slipway_domain::working_copy as domain;
use slipway_portal::working_copy;
use utoipa::ToSchema;

/// The routes.
pub const ROUTES: &[Route] = &[
    route(
        "GET",
        "/api/v1/orgs/{org}/projects/{project}/apps/{app}/working-copy/merged",
        Access::SignedIn,
        || get(merged),
    ),
    route(
        "POST",
        "/api/v1/orgs/{org}/projects/{project}/apps/{app}/working-copy/copy-job",
        Access::SignedIn,
        || post(copy_job),
    ),
    route(
        "GET",
        "/api/v1/orgs/{org}/projects/{project}/apps/{app}/working-copy/drift",
        Access::SignedIn,
        || get(drift),
    ),
    route(
        "POST",
        "/api/v1/orgs/{org}/projects/{project}/apps/{app}/working-copy/restore",
        Access::SignedIn,
        || post(restore),
    ),
    route(
        "POST",
        "/api/v1/orgs/{org}/projects/{project}/apps/{app}/working-copy/switch",
        Access::SignedIn,
        || post(switch),
    ),
];

/// A pipeline file as GitLab reads it.
#[derive(Serialize, ToSchema)]
pub struct Merged {
    /// The version that was read; 0: the repository's file.
    version: i64,
    /// The whole configuration, with includes, `extends` and references written out; none: it cannot be told.
    text: Option<String>,
    /// Why GitLab would refuse it, in its words.
    errors: Vec<String>,
    /// Why it cannot be told.
    trouble: Option<String>,
}

/// The pipeline as it is being edited, as GitLab reads it (`merged_yaml` of its lint).
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/working-copy/merged",
    tag = "Pipelines",
    operation_id = "working_copies.merged",
    params(AppPath),
    responses((status = 200, description = "The whole configuration", body = Merged), Reads)
)]
pub async fn merged(asked: Asked, Path(at): Path<AppPath>) -> Answer<Merged> {
    let found: domain::Merged = working_copy::merged(asked.ctx(), &at.org, &at.project, &at.app)
        .await
        .or_refuse(&asked)?;
    Ok(Json(Merged {
        version: found.version,
        text: found.text,
        errors: found.errors,
        trouble: found
            .trouble
            .map(|text| text.get(asked.ctx().locale()).to_owned()),
    }))
}

/// Which job goes where.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JobCopy {
    /// The job, by its key in the file.
    job: String,
    /// The project of the other app, in the same organization.
    to_project: String,
    /// The other app.
    to_app: String,
}

/// A job that was copied.
#[derive(Serialize, ToSchema)]
pub struct CopiedJob {
    /// What it is called there.
    job: String,
    /// Hidden jobs that came along because it takes from them.
    along: Vec<String>,
    /// Jobs it waited for that are not there: it waits for them no longer.
    left: Vec<String>,
    /// The stage that was added for it.
    stage: Option<String>,
}

/// Copies a job into the draft of another app, with what it takes from its file. Nothing is proposed.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/working-copy/copy-job",
    tag = "Pipelines",
    operation_id = "working_copies.copy_job",
    params(AppPath),
    request_body = JobCopy,
    responses((status = 201, description = "It is in the other app's draft", body = CopiedJob), Changes)
)]
pub async fn copy_job(
    asked: Asked,
    Path(at): Path<AppPath>,
    Body(sent): Body<JobCopy>,
) -> Result<Response, Refusal> {
    let to = (sent.to_project.as_str(), sent.to_app.as_str());
    let (_, carried) = working_copy::copy_job(asked.ctx(), &at.org, (&at.project, &at.app), &sent.job, to)
        .await
        .or_refuse(&asked)?;
    let copied = CopiedJob {
        job: carried.job,
        along: carried.along,
        left: carried.left,
        stage: carried.stage,
    };
    Ok((StatusCode::CREATED, Json(copied)).into_response())
}

/// What became in git of the jobs that Slipway wrote.
#[derive(Serialize, ToSchema)]
pub struct Drift {
    /// When the last proposal that was merged had been made; none: nothing was merged yet.
    #[schema(format = "date-time")]
    proposed_at: Option<String>,
    /// The jobs that stand otherwise in the repository.
    jobs: Vec<DriftedJob>,
    /// Why it cannot be told.
    trouble: Option<String>,
}

/// A job that was changed in git.
#[derive(Serialize, ToSchema)]
pub struct DriftedJob {
    /// The id that Slipway gave it.
    id: String,
    /// Its name, now or last.
    name: String,
    /// `edited`, `renamed` or `gone`.
    state: &'static str,
    /// Lines that were added since.
    added: usize,
    /// Lines that were removed since.
    removed: usize,
    /// Whether the draft has it as Slipway wrote it.
    restored: bool,
}

impl From<domain::DriftedJob> for DriftedJob {
    fn from(job: domain::DriftedJob) -> Self {
        Self {
            state: match job.state {
                DriftState::Gone => "gone",
                DriftState::Renamed { .. } => "renamed",
                DriftState::AsWritten | DriftState::Edited | DriftState::Unknown => "edited",
            },
            added: job.diff.added,
            removed: job.diff.removed,
            id: job.id,
            name: job.name,
            restored: job.restored,
        }
    }
}

/// The jobs that Slipway wrote and that were changed in git since.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/working-copy/drift",
    tag = "Pipelines",
    operation_id = "working_copies.drift",
    params(AppPath),
    responses((status = 200, description = "The jobs", body = Drift), Reads)
)]
pub async fn drift(asked: Asked, Path(at): Path<AppPath>) -> Answer<Drift> {
    let view = working_copy::drifted(asked.ctx(), &at.org, &at.project, &at.app)
        .await
        .or_refuse(&asked)?;
    Ok(Json(Drift {
        proposed_at: view.proposed_at.map(slipway_domain::time::Timestamp::rfc3339),
        jobs: view.jobs.into_iter().map(DriftedJob::from).collect(),
        trouble: view.trouble.map(|text| text.get(asked.ctx().locale()).to_owned()),
    }))
}

/// A job that is put back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RestoredJob {
    /// The id that Slipway gave it.
    id: String,
}

/// Puts a job back into the draft as Slipway wrote it last. Nothing is proposed.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/working-copy/restore",
    tag = "Pipelines",
    operation_id = "working_copies.restore",
    params(AppPath),
    request_body = RestoredJob,
    responses((status = 204, description = "It is in the draft"), Changes)
)]
pub async fn restore(
    asked: Asked,
    Path(at): Path<AppPath>,
    Body(sent): Body<RestoredJob>,
) -> Result<StatusCode, Refusal> {
    working_copy::restore(asked.ctx(), &at.org, &at.project, &at.app, &sent.id)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which file is edited.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EditedFile {
    /// `.gitlab-ci.yml`.
    Root,
    /// `.gitlab/slipway.yml`, which the other includes.
    Side,
}

/// The file to go over to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FileSwitch {
    /// Which.
    file: EditedFile,
}

/// Goes over to the other file. Where Slipway's own is not there yet, it is begun; it comes into the repository, and the
/// other gets its `include`, when its first job is proposed.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/working-copy/switch",
    tag = "Pipelines",
    operation_id = "working_copies.switch",
    params(AppPath),
    request_body = FileSwitch,
    responses((status = 204, description = "It is the one that is edited"), Changes)
)]
pub async fn switch(
    asked: Asked,
    Path(at): Path<AppPath>,
    Body(sent): Body<FileSwitch>,
) -> Result<StatusCode, Refusal> {
    let to = match sent.file {
        EditedFile::Root => working_copy::File::Root,
        EditedFile::Side => working_copy::File::Side,
    };
    working_copy::switch(asked.ctx(), &at.org, &at.project, &at.app, to)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}
