//! Iterations, and what history says about the work.

use super::Answer;
use super::ask::{Asked, Body, OrRefuse as _, Path, Query};
use super::place::{ProjectPath, one_of};
use super::refusals::{Changes, Reads};
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::Json;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use slipway_domain::audit::csv_cell;
use slipway_domain::insight::Insights;
use slipway_domain::item::Category;
use slipway_domain::iteration::{IterationLine, IterationState};
use utoipa::openapi::schema::Object;
use utoipa::{IntoParams, ToSchema};

const LIST: &str = "/api/v1/orgs/{org}/projects/{project}/iterations";
const START: &str = "/api/v1/orgs/{org}/projects/{project}/iterations/{number}/start";
const CLOSE: &str = "/api/v1/orgs/{org}/projects/{project}/iterations/{number}/close";
const CHART: &str = "/api/v1/orgs/{org}/projects/{project}/insights/{chart}";

/// The routes; an iteration is made by `item.rs`.
pub const ROUTES: &[Route] = &[
    route("GET", LIST, Access::SignedIn, || get(list)),
    route("POST", START, Access::SignedIn, || post(start)),
    route("POST", CLOSE, Access::SignedIn, || post(close)),
    route("GET", CHART, Access::SignedIn, || get(chart)),
];

/// `…/iterations/{number}`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct IterationPath {
    /// The organization's slug.
    org: String,
    /// The project's slug.
    project: String,
    /// The iteration's number in the project.
    number: i64,
}

/// `…/insights/{chart}`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ChartPath {
    /// The organization's slug.
    org: String,
    /// The project's slug.
    project: String,
    /// Which numbers: `flow`, `bugs` or `velocity`.
    #[param(value_type = String)]
    chart: Chart,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Chart {
    Flow,
    Bugs,
    Velocity,
}

fn states() -> Object {
    one_of(IterationState::ALL.iter().map(|state| state.key()))
}

/// Which days.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Days {
    /// How many, up to today; 90 where it is left out, at most 740.
    pub(super) days: Option<i64>,
    /// The IANA zone that says what a day is; UTC where it is left out.
    pub(super) zone: Option<String>,
}

/// An iteration with what is planned for it.
#[derive(Serialize, ToSchema)]
pub struct PlannedIteration {
    /// Its number in the project.
    number: i64,
    /// For people.
    name: String,
    /// What it is for.
    goal: String,
    /// Where it stands.
    #[schema(schema_with = states)]
    state: &'static str,
    /// Its first day.
    #[schema(format = Date)]
    starts_on: String,
    /// Its last day.
    #[schema(format = Date)]
    ends_on: String,
    /// Items planned for it now, without what will not be done.
    items: i64,
    /// Their points.
    points: i64,
    /// Items of those that are done.
    done_items: i64,
    /// Their points.
    done_points: i64,
}

impl PlannedIteration {
    fn of(line: IterationLine) -> Self {
        Self {
            number: line.iteration.number,
            name: line.iteration.name,
            goal: line.iteration.goal,
            state: line.state.key(),
            starts_on: line.iteration.starts_on,
            ends_on: line.iteration.ends_on,
            items: line.scope.items,
            points: line.scope.points,
            done_items: line.done.items,
            done_points: line.done.points,
        }
    }
}

/// Where what is not done goes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CarryOver {
    /// The number of an iteration that is not closed; none: the backlog.
    to: Option<i64>,
}

/// The iterations of a project, the newest first; at most 100.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/iterations",
    tag = "Work items",
    operation_id = "iterations.list",
    params(ProjectPath),
    responses((status = 200, description = "The iterations", body = Vec<PlannedIteration>), Reads)
)]
pub async fn list(asked: Asked, Path(at): Path<ProjectPath>) -> Answer<Vec<PlannedIteration>> {
    let list = slipway_portal::iteration::list(asked.ctx(), &at.org, &at.project)
        .await
        .or_refuse(&asked)?;
    Ok(Json(
        list.iterations.into_iter().map(PlannedIteration::of).collect(),
    ))
}

/// Starts a planned iteration.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/projects/{project}/iterations/{number}/start",
    tag = "Work items",
    operation_id = "iterations.begin",
    params(IterationPath),
    responses((status = 204, description = "It runs"), Changes)
)]
pub async fn start(asked: Asked, Path(at): Path<IterationPath>) -> Result<StatusCode, Refusal> {
    slipway_portal::iteration::start(asked.ctx(), &at.org, &at.project, at.number)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Closes the iteration that runs; what is not done is carried over.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/projects/{project}/iterations/{number}/close",
    tag = "Work items",
    operation_id = "iterations.close",
    params(IterationPath),
    request_body = CarryOver,
    responses((status = 204, description = "It is closed"), Changes)
)]
pub async fn close(
    asked: Asked,
    Path(at): Path<IterationPath>,
    Body(carry): Body<CarryOver>,
) -> Result<StatusCode, Refusal> {
    slipway_portal::iteration::close(asked.ctx(), &at.org, &at.project, at.number, carry.to)
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// The numbers of a chart as a file: cumulative flow and bugs by day, velocity by iteration.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/insights/{chart}",
    tag = "Work items",
    operation_id = "insights.export",
    params(ChartPath, Days),
    responses(
        (status = 200, description = "The numbers (RFC 4180)", body = String, content_type = "text/csv"),
        Reads
    )
)]
pub async fn chart(
    asked: Asked,
    Path(at): Path<ChartPath>,
    Query(days): Query<Days>,
) -> Result<Response, Refusal> {
    let zone = days.zone.as_deref();
    let insights = slipway_portal::insight::work(asked.ctx(), &at.org, &at.project, zone, days.days)
        .await
        .or_refuse(&asked)?;
    let (name, text) = written(at.chart, &insights);
    let headers = [
        (header::CONTENT_TYPE, String::from("text/csv; charset=utf-8")),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{}-{name}.csv\"", at.project),
        ),
    ];
    Ok((headers, text).into_response())
}

fn line(cells: impl IntoIterator<Item = String>) -> String {
    let cells: Vec<String> = cells.into_iter().map(|cell| csv_cell(&cell)).collect();
    format!("{}\r\n", cells.join(","))
}

fn written(chart: Chart, insights: &Insights) -> (&'static str, String) {
    let words = |head: &[&str]| line(head.iter().map(|word| (*word).to_owned()));
    match chart {
        Chart::Flow => {
            let head = ["day"]
                .into_iter()
                .chain(Category::ALL.iter().map(|category| category.key()));
            let rows = insights.flow.iter().map(|day| {
                let counts = day.counts.iter().map(ToString::to_string);
                line([day.day.clone()].into_iter().chain(counts))
            });
            (
                "flow",
                words(&head.collect::<Vec<_>>()) + &rows.collect::<String>(),
            )
        }
        Chart::Bugs => {
            let rows = insights.bugs.days.iter().map(|day| {
                let counts = [day.open, day.reported, day.closed, day.reopened];
                line(
                    [day.day.clone()]
                        .into_iter()
                        .chain(counts.iter().map(ToString::to_string)),
                )
            });
            let head = words(&["day", "open", "reported", "closed", "reopened"]);
            ("bugs", head + &rows.collect::<String>())
        }
        Chart::Velocity => {
            let rows = insights.velocity.iter().map(|one| {
                let (committed, done) = (one.committed, one.done);
                let counts = [committed.items, committed.points, done.items, done.points];
                line(
                    [one.iteration.number.to_string(), one.iteration.name.clone()]
                        .into_iter()
                        .chain(counts.iter().map(ToString::to_string)),
                )
            });
            let head = words(&[
                "iteration",
                "name",
                "committed_items",
                "committed_points",
                "done_items",
                "done_points",
            ]);
            ("velocity", head + &rows.collect::<String>())
        }
    }
}
