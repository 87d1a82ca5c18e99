//! Pipeline runs.

use super::ask::{Asked, Body, OrRefuse as _, Path};
use super::paging::{Page, Paged};
use super::place::{AppPath, Made};
use super::refusals::{Changes, Reads};
use super::{Answer, created};
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::Json;
use axum::response::Response;
use axum::routing::{get, post};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use slipway_domain::run::{JobRow, RunRow, RunView};
use slipway_domain::text::Locale;
use slipway_domain::time::Timestamp;
use slipway_portal::run::Act;
use utoipa::{IntoParams, ToSchema};

const LIST: &str = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/runs";

/// The routes.
pub const ROUTES: &[Route] = &[
    route("GET", LIST, Access::SignedIn, || get(list)),
    route("POST", LIST, Access::SignedIn, || post(start)),
    route(
        "GET",
        "/api/v1/orgs/{org}/projects/{project}/apps/{app}/runs/{number}",
        Access::SignedIn,
        || get(show),
    ),
    route(
        "POST",
        "/api/v1/orgs/{org}/projects/{project}/apps/{app}/runs/{number}/retry",
        Access::SignedIn,
        || post(retry),
    ),
    route(
        "POST",
        "/api/v1/orgs/{org}/projects/{project}/apps/{app}/runs/{number}/cancel",
        Access::SignedIn,
        || post(cancel),
    ),
];

/// A run's path.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct RunPath {
    /// The organization's slug.
    pub org: String,
    /// The project's slug.
    pub project: String,
    /// The app's slug.
    pub app: String,
    /// The run's number in the app.
    pub number: i64,
}

/// A pipeline run.
#[derive(Serialize, ToSchema)]
pub struct Run {
    /// Its number in the app.
    number: i64,
    /// GitLab's word for where it stands, as in `running`.
    status: &'static str,
    /// The branch or tag.
    #[serde(rename = "ref")]
    git_ref: String,
    /// The commit.
    sha: String,
    /// The commit's first line.
    title: String,
    /// Who pushed or pressed, by GitLab's name.
    author: String,
    /// GitLab's word for why it ran, as in `push`.
    source: String,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it started.
    #[schema(format = DateTime)]
    started_at: Option<String>,
    /// When it ended.
    #[schema(format = DateTime)]
    finished_at: Option<String>,
    /// The first job that failed.
    failed_job: Option<String>,
}

impl Run {
    fn of(run: RunRow) -> Self {
        Self {
            number: run.number,
            status: run.status.key(),
            git_ref: run.git_ref,
            sha: run.sha,
            title: run.title,
            author: run.author,
            source: run.source,
            created_at: run.created_at.rfc3339(),
            started_at: run.started_at.map(Timestamp::rfc3339),
            finished_at: run.finished_at.map(Timestamp::rfc3339),
            failed_job: run.failed_job,
        }
    }
}

/// A job of a run.
#[derive(Serialize, ToSchema)]
pub struct Job {
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// Its name.
    name: String,
    /// Its stage.
    stage: String,
    /// GitLab's word for where it stands.
    status: &'static str,
    /// Names of the jobs it needs.
    needs: Vec<String>,
    /// Whether the run goes on when it fails.
    allow_failure: bool,
    /// When it started.
    #[schema(format = DateTime)]
    started_at: Option<String>,
    /// When it ended.
    #[schema(format = DateTime)]
    finished_at: Option<String>,
    /// Why it failed or waits, in one line.
    reason: Option<String>,
    /// Whether it waits for somebody to start it.
    playable: bool,
}

impl Job {
    fn of(job: JobRow, locale: Locale) -> Self {
        Self {
            id: job.id.to_string(),
            name: job.name,
            stage: job.stage,
            status: job.status.key(),
            needs: job.needs,
            allow_failure: job.allow_failure,
            started_at: job.started_at.map(Timestamp::rfc3339),
            finished_at: job.finished_at.map(Timestamp::rfc3339),
            reason: job.reason.map(|reason| reason.get(locale).to_owned()),
            playable: job.playable,
        }
    }
}

/// A run with its jobs.
#[derive(Serialize, ToSchema)]
pub struct RunDetail {
    /// The run.
    #[serde(flatten)]
    run: Run,
    /// Its jobs, by stage.
    jobs: Vec<Job>,
    /// The version of the release that it made.
    release: Option<String>,
    /// Why a green run made no release, where it should have.
    release_trouble: Option<String>,
    /// Where GitLab shows it.
    web_url: String,
    /// When GitLab was last heard of.
    #[schema(format = DateTime)]
    as_of: String,
    /// What went wrong since.
    trouble: Option<String>,
}

impl RunDetail {
    fn of(view: RunView, locale: Locale) -> Self {
        let said = |text: Option<slipway_domain::text::Text>| text.map(|text| text.get(locale).to_owned());
        Self {
            run: Run::of(view.run),
            jobs: view.jobs.into_iter().map(|job| Job::of(job, locale)).collect(),
            release: view.release.map(|(_, version)| version),
            release_trouble: said(view.release_trouble),
            web_url: view.web_url,
            as_of: view.as_of.rfc3339(),
            trouble: said(view.trouble),
        }
    }
}

/// A run to be started.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRun {
    /// The branch or tag.
    #[serde(rename = "ref")]
    git_ref: String,
}

/// The runs of an app, the newest first.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/runs",
    tag = "Runs",
    operation_id = "runs.list",
    params(AppPath, Page),
    responses((status = 200, description = "A page of them", body = Vec<Run>), Reads)
)]
pub async fn list(asked: Asked, Path(at): Path<AppPath>, page: Page) -> Result<Paged<Run>, Refusal> {
    let before = page.from().or_refuse(&asked)?;
    let list = slipway_portal::run::list(asked.ctx(), &at.org, &at.project, &at.app, before)
        .await
        .or_refuse(&asked)?;
    let more = list.older_than.is_some();
    Ok(page
        .take(list.runs, more, |run| run.number.to_string())
        .map(Run::of))
}

/// Starts a pipeline on a branch or tag.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/runs",
    tag = "Runs",
    operation_id = "runs.start",
    params(AppPath),
    request_body = NewRun,
    responses((status = 201, description = "It was started", body = Made), Changes)
)]
pub async fn start(
    asked: Asked,
    Path(at): Path<AppPath>,
    Body(new): Body<NewRun>,
) -> Result<Response, Refusal> {
    let number = slipway_portal::run::start(asked.ctx(), &at.org, &at.project, &at.app, &new.git_ref)
        .await
        .or_refuse(&asked)?;
    Ok(created(number.to_string(), format!("{}/runs/{number}", at.url())))
}

/// A run with its jobs.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/runs/{number}",
    tag = "Runs",
    operation_id = "runs.show",
    params(RunPath),
    responses((status = 200, description = "The run", body = RunDetail), Reads)
)]
pub async fn show(asked: Asked, Path(at): Path<RunPath>) -> Answer<RunDetail> {
    let view = slipway_portal::run::view(asked.ctx(), &at.org, &at.project, &at.app, at.number)
        .await
        .or_refuse(&asked)?;
    Ok(Json(RunDetail::of(view, asked.locale())))
}

async fn act(asked: &Asked, at: &RunPath, act: &Act) -> Result<StatusCode, Refusal> {
    slipway_portal::run::act(asked.ctx(), &at.org, &at.project, &at.app, at.number, act)
        .await
        .or_refuse(asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Runs the failed and canceled jobs of a run again.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/runs/{number}/retry",
    tag = "Runs",
    operation_id = "runs.retry",
    params(RunPath),
    responses((status = 204, description = "GitLab runs them again"), Changes)
)]
pub async fn retry(asked: Asked, Path(at): Path<RunPath>) -> Result<StatusCode, Refusal> {
    act(&asked, &at, &Act::Retry).await
}

/// Stops a run.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/runs/{number}/cancel",
    tag = "Runs",
    operation_id = "runs.cancel",
    params(RunPath),
    responses((status = 204, description = "GitLab stops it"), Changes)
)]
pub async fn cancel(asked: Asked, Path(at): Path<RunPath>) -> Result<StatusCode, Refusal> {
    act(&asked, &at, &Act::Cancel).await
}
