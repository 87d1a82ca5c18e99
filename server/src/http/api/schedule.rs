//! Pipeline schedules of an app's repository.

use super::ask::{Asked, Body, IfMatch, OrRefuse as _, Path, Query};
use super::place::{AppPath, Made};
use super::refusals::{Changes, Reads};
use super::run::RunVariable;
use super::{Answer, created, etag};
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::Json;
use axum::response::Response;
use axum::routing::{get, post, put};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use slipway_domain::schedule::{NextTime, ScheduleList, ScheduleRow};
use slipway_domain::text::Locale;
use slipway_domain::time::Timestamp;
use slipway_portal::run::Given;
use slipway_portal::schedule::{Act, Input};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

const LIST: &str = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/schedules";
const ONE: &str = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/schedules/{schedule}";

/// The routes.
pub const ROUTES: &[Route] = &[
    route("GET", LIST, Access::SignedIn, || get(list)),
    route("POST", LIST, Access::SignedIn, || post(create)),
    route("PUT", ONE, Access::SignedIn, || put(update)),
    route("DELETE", ONE, Access::SignedIn, || axum::routing::delete(remove)),
    route(
        "POST",
        "/api/v1/orgs/{org}/projects/{project}/apps/{app}/schedules/{schedule}/own",
        Access::SignedIn,
        || post(own),
    ),
    route(
        "POST",
        "/api/v1/orgs/{org}/projects/{project}/apps/{app}/schedules/{schedule}/play",
        Access::SignedIn,
        || post(play),
    ),
    route("GET", "/api/v1/cron", Access::SignedIn, || get(preview)),
];

/// A schedule's path.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct SchedulePath {
    /// The organization's slug.
    org: String,
    /// The project's slug.
    project: String,
    /// The app's slug.
    app: String,
    /// GitLab's id of the schedule.
    schedule: i64,
}

/// A time.
#[derive(Serialize, ToSchema)]
pub struct CronTime {
    /// The instant.
    #[schema(format = DateTime)]
    at: String,
    /// What clocks of the zone show then.
    local: String,
}

impl CronTime {
    fn of(time: NextTime) -> Self {
        Self {
            at: time.at.rfc3339(),
            local: time.local,
        }
    }
}

/// The pipeline that a schedule made last.
#[derive(Serialize, ToSchema)]
pub struct LastScheduled {
    /// The run's number in the app, once Slipway has seen it.
    number: Option<i64>,
    /// GitLab's word for where it stands.
    status: Option<&'static str>,
}

/// A schedule.
#[derive(Serialize, ToSchema)]
pub struct Schedule {
    /// GitLab's id.
    id: i64,
    /// What it is for.
    description: String,
    /// The branch or tag.
    #[serde(rename = "ref")]
    git_ref: String,
    /// When: five fields.
    cron: String,
    /// By the clocks of which zone.
    zone: String,
    /// Whether it runs by itself.
    active: bool,
    /// The next times; empty of one that is inactive.
    next: Vec<CronTime>,
    /// When GitLab means to run it next.
    #[schema(format = DateTime)]
    next_run_at: Option<String>,
    /// Its owner's username at GitLab.
    owner: Option<String>,
    /// Whether Slipway's account owns it, so that it can be changed here.
    ours: bool,
    /// What it made last.
    last: Option<LastScheduled>,
    /// Names of its variables.
    variables: Vec<String>,
    /// Its inputs.
    #[schema(value_type = BTreeMap<String, Object>)]
    inputs: BTreeMap<String, serde_json::Value>,
    /// For the `If-Match` of an update.
    etag: String,
}

/// Another one whenever what an update changes is.
fn version(row: &ScheduleRow) -> i64 {
    let variables: Vec<_> = row.variables.iter().map(|variable| &variable.key).collect();
    let inputs: Vec<_> = row
        .inputs
        .iter()
        .map(|input| (&input.name, &input.value))
        .collect();
    slipway_portal::version::of(&serde_json::json!([
        row.description,
        row.git_ref,
        row.cron,
        row.zone,
        row.active,
        variables,
        inputs
    ]))
}

impl Schedule {
    fn of(row: ScheduleRow) -> Self {
        Self {
            etag: etag(version(&row)),
            id: row.id,
            description: row.description,
            git_ref: row.git_ref,
            cron: row.cron,
            zone: row.zone,
            active: row.active,
            next: row.next.into_iter().map(CronTime::of).collect(),
            next_run_at: row.next_run_at.map(Timestamp::rfc3339),
            owner: row.owner,
            ours: row.ours,
            last: row.last.map(|last| LastScheduled {
                number: last.number,
                status: last.status.map(slipway_domain::run::RunStatus::key),
            }),
            variables: row.variables.into_iter().map(|variable| variable.key).collect(),
            inputs: row
                .inputs
                .into_iter()
                .map(|input| (input.name, input.value))
                .collect(),
        }
    }
}

/// The schedules of a repository.
#[derive(Serialize, ToSchema)]
pub struct Schedules {
    /// They.
    #[serde(rename = "schedules")]
    items: Vec<Schedule>,
    /// When GitLab said this.
    #[schema(format = DateTime)]
    as_of: Option<String>,
    /// Why GitLab says nothing now.
    trouble: Option<String>,
}

impl Schedules {
    fn of(list: ScheduleList, locale: Locale) -> Self {
        Self {
            items: list.schedules.into_iter().map(Schedule::of).collect(),
            as_of: list.as_of.map(Timestamp::rfc3339),
            trouble: list.trouble.map(|text| text.get(locale).to_owned()),
        }
    }
}

/// A schedule to be made or changed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSchedule {
    /// What it is for.
    description: String,
    /// The branch or tag.
    #[serde(rename = "ref")]
    git_ref: String,
    /// When: five fields.
    cron: String,
    /// A name of the IANA time zone database; `UTC` when left out.
    #[serde(default)]
    zone: Option<String>,
    /// Whether it runs by itself; yes when left out.
    #[serde(default)]
    active: Option<bool>,
    /// Values of the inputs that the file asks for; those left out keep their default.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, Object>)]
    inputs: BTreeMap<String, serde_json::Value>,
    /// Variables that it gets, or gets another value for. Values are not shown again.
    #[serde(default)]
    variables: Vec<RunVariable>,
    /// Names of variables that it has no more.
    #[serde(default)]
    dropped: Vec<String>,
}

impl NewSchedule {
    fn input(self) -> Input {
        Input {
            description: self.description,
            git_ref: self.git_ref,
            cron: self.cron,
            zone: self.zone.unwrap_or_else(|| String::from("UTC")),
            active: self.active.unwrap_or(true),
            inputs: Given::Values(self.inputs),
            variables: self.variables.into_iter().map(RunVariable::given).collect(),
            dropped: self.dropped,
        }
    }
}

/// An expression and its zone.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Expression {
    /// Five fields.
    cron: String,
    /// A name of the IANA time zone database; `UTC` when left out.
    zone: Option<String>,
}

/// When an expression comes, or what is wrong with it.
#[derive(Serialize, ToSchema)]
pub struct CronAnswer {
    /// The next times.
    next: Vec<CronTime>,
    /// What is wrong with the expression.
    cron: Option<String>,
    /// What is wrong with the zone.
    zone: Option<String>,
}

/// The schedules of an app's repository.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/schedules",
    tag = "Schedules",
    operation_id = "schedules.list",
    params(AppPath),
    responses((status = 200, description = "The schedules, last known where GitLab is away", body = Schedules), Reads)
)]
pub async fn list(asked: Asked, Path(at): Path<AppPath>) -> Answer<Schedules> {
    let list = slipway_portal::schedule::list(asked.ctx(), (&at.org, &at.project, &at.app))
        .await
        .or_refuse(&asked)?;
    Ok(Json(Schedules::of(list, asked.locale())))
}

/// Makes a schedule.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/schedules",
    tag = "Schedules",
    operation_id = "schedules.create",
    params(AppPath),
    request_body = NewSchedule,
    responses((status = 201, description = "It was made", body = Made), Changes)
)]
pub async fn create(
    asked: Asked,
    Path(at): Path<AppPath>,
    Body(new): Body<NewSchedule>,
) -> Result<Response, Refusal> {
    let place = (at.org.as_str(), at.project.as_str(), at.app.as_str());
    let id = slipway_portal::schedule::create(asked.ctx(), place, &new.input())
        .await
        .or_refuse(&asked)?;
    Ok(created(id.to_string(), format!("{}/schedules/{id}", at.url())))
}

/// Changes a schedule; with `If-Match`, only where that is still its `etag`. GitLab lets only its owner do so.
#[utoipa::path(
    put,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/schedules/{schedule}",
    tag = "Schedules",
    operation_id = "schedules.update",
    params(SchedulePath, ("If-Match" = Option<String>, Header, description = "The `etag` it was read with")),
    request_body = NewSchedule,
    responses((status = 204, description = "It was changed"), Changes)
)]
pub async fn update(
    asked: Asked,
    Path(at): Path<SchedulePath>,
    expected: IfMatch,
    Body(new): Body<NewSchedule>,
) -> Result<StatusCode, Refusal> {
    let place = (at.org.as_str(), at.project.as_str(), at.app.as_str());
    if expected.0.is_some() {
        let list = slipway_portal::schedule::list(asked.ctx(), place)
            .await
            .or_refuse(&asked)?;
        let now = list.schedules.iter().find(|row| row.id == at.schedule);
        expected.still(&asked, now.map(version))?;
    }
    slipway_portal::schedule::update(asked.ctx(), place, at.schedule, &new.input())
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn act(asked: &Asked, at: &SchedulePath, act: Act) -> Result<StatusCode, Refusal> {
    let place = (at.org.as_str(), at.project.as_str(), at.app.as_str());
    slipway_portal::schedule::act(asked.ctx(), place, at.schedule, act)
        .await
        .or_refuse(asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes a schedule.
#[utoipa::path(
    delete,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/schedules/{schedule}",
    tag = "Schedules",
    operation_id = "schedules.remove",
    params(SchedulePath),
    responses((status = 204, description = "It is gone"), Changes)
)]
pub async fn remove(asked: Asked, Path(at): Path<SchedulePath>) -> Result<StatusCode, Refusal> {
    act(&asked, &at, Act::Delete).await
}

/// Makes Slipway's account at GitLab the owner of a schedule.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/schedules/{schedule}/own",
    tag = "Schedules",
    operation_id = "schedules.own",
    params(SchedulePath),
    responses((status = 204, description = "It runs with the rights of that account"), Changes)
)]
pub async fn own(asked: Asked, Path(at): Path<SchedulePath>) -> Result<StatusCode, Refusal> {
    act(&asked, &at, Act::Own).await
}

/// Runs a schedule now.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/projects/{project}/apps/{app}/schedules/{schedule}/play",
    tag = "Schedules",
    operation_id = "schedules.play",
    params(SchedulePath),
    responses((status = 204, description = "GitLab starts it"), Changes)
)]
pub async fn play(asked: Asked, Path(at): Path<SchedulePath>) -> Result<StatusCode, Refusal> {
    act(&asked, &at, Act::Play).await
}

/// When a cron expression comes next, by the clocks of a zone.
#[utoipa::path(
    get,
    path = "/api/v1/cron",
    tag = "Schedules",
    operation_id = "schedules.preview",
    params(Expression),
    responses((status = 200, description = "The next times, or what is wrong", body = CronAnswer), Reads)
)]
pub async fn preview(asked: Asked, Query(expression): Query<Expression>) -> Answer<CronAnswer> {
    let zone = expression.zone.as_deref().unwrap_or("UTC");
    let told = slipway_portal::schedule::preview(asked.ctx(), &expression.cron, zone)
        .await
        .or_refuse(&asked)?;
    let words =
        |text: Option<slipway_domain::text::Text>| text.map(|text| text.get(asked.locale()).to_owned());
    Ok(Json(CronAnswer {
        cron: words(told.cron),
        zone: words(told.zone),
        next: told.next.into_iter().map(CronTime::of).collect(),
    }))
}
