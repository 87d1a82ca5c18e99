//! Pipeline runs.

use super::ask::{Asked, Body, OrRefuse as _, Path, Query};
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
use slipway_domain::variable::{Variable, VariableKind};
use slipway_portal::run::{Act, Given, Start};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

const LIST: &str = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/runs";

/// The routes.
pub const ROUTES: &[Route] = &[
    route("GET", LIST, Access::SignedIn, || get(list)),
    route("POST", LIST, Access::SignedIn, || post(start)),
    route(
        "GET",
        "/api/v1/orgs/{org}/projects/{project}/apps/{app}/run-inputs",
        Access::SignedIn,
        || get(inputs),
    ),
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
    /// Values of the inputs that the file there asks for (`spec:inputs`); those left out keep their default.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, Object>)]
    inputs: BTreeMap<String, serde_json::Value>,
    /// Variables for this run.
    #[serde(default)]
    variables: Vec<RunVariable>,
}

/// A variable with its value.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RunVariable {
    /// Its name: letters, digits and `_`.
    key: String,
    /// Its value.
    value: String,
    /// `env_var` (also when left out) or `file`.
    #[serde(default)]
    #[schema(value_type = String)]
    kind: VariableKind,
}

impl RunVariable {
    /// As the use cases take it.
    pub fn given(self) -> Variable {
        Variable {
            key: self.key,
            value: self.value,
            kind: self.kind,
        }
    }
}

/// An input that a pipeline file asks for.
#[derive(Serialize, ToSchema)]
pub struct RunInput {
    /// Its name.
    name: String,
    /// `string`, `number`, `boolean` or `array`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// What it is for.
    description: String,
    /// Whether something must be given.
    required: bool,
    /// What it is where nothing is given.
    #[schema(value_type = Object)]
    default: Option<serde_json::Value>,
    /// The only values that it takes; empty: any.
    #[schema(value_type = Vec<Object>)]
    options: Vec<serde_json::Value>,
    /// What a text must match.
    regex: Option<String>,
}

/// What a run is asked for.
#[derive(Serialize, ToSchema)]
pub struct RunInputs {
    /// The branch or tag.
    #[serde(rename = "ref")]
    git_ref: String,
    /// Whether it is protected.
    protected: bool,
    /// The inputs of the file there.
    inputs: Vec<RunInput>,
    /// Why it cannot be told what the file asks for.
    trouble: Option<String>,
}

/// Which branch or tag.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct WhichRef {
    /// The branch or tag; without it, the default branch.
    #[serde(rename = "ref")]
    git_ref: Option<String>,
}

/// What the file on a branch or tag asks for when it is run.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/run-inputs",
    tag = "Runs",
    operation_id = "runs.inputs",
    params(AppPath, WhichRef),
    responses((status = 200, description = "The inputs", body = RunInputs), Reads)
)]
pub async fn inputs(
    asked: Asked,
    Path(at): Path<AppPath>,
    Query(which): Query<WhichRef>,
) -> Answer<RunInputs> {
    let git_ref = which.git_ref.as_deref();
    let form = slipway_portal::run::form(asked.ctx(), &at.org, &at.project, &at.app, git_ref)
        .await
        .or_refuse(&asked)?;
    let inputs = form.asked.inputs.into_iter().map(|input| RunInput {
        required: input.is_required(),
        name: input.name,
        kind: input.kind.key(),
        description: input.description,
        default: input.default,
        options: input.options,
        regex: input.regex,
    });
    Ok(Json(RunInputs {
        git_ref: form.git_ref,
        protected: form.protected,
        inputs: inputs.collect(),
        trouble: form.trouble.map(|text| text.get(asked.locale()).to_owned()),
    }))
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
    let start = Start {
        git_ref: new.git_ref,
        inputs: Given::Values(new.inputs),
        variables: new.variables.into_iter().map(RunVariable::given).collect(),
    };
    let number = slipway_portal::run::start(asked.ctx(), &at.org, &at.project, &at.app, &start)
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
