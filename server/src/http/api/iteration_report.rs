//! The report of an iteration, and the items that a number of a chart counts.

use super::Answer;
use super::ask::{Asked, OrRefuse as _, Path, Query};
use super::item::Item;
use super::iteration::{IterationPath, PlannedIteration};
use super::place::{Person, ProjectPath, one_of};
use super::planning::{ChartDay, Took};
use super::refusals::Reads;
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::Json;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header;
use serde::{Deserialize, Serialize};
use slipway_domain::audit::csv_cell;
use slipway_domain::insight::{Fate, Outcome};
use slipway_domain::iteration::IterationReport;
use slipway_domain::time::Timestamp;
use slipway_portal::insight::Counting;
use slipway_portal::{insight, iteration};
use utoipa::openapi::schema::Object;
use utoipa::{IntoParams, ToSchema};

const REPORT: &str = "/api/v1/orgs/{org}/projects/{project}/iterations/{number}/report";
const EXPORT: &str = "/api/v1/orgs/{org}/projects/{project}/iterations/{number}/report-export";
const COUNTED: &str = "/api/v1/orgs/{org}/projects/{project}/insights/items";

/// The routes.
pub const ROUTES: &[Route] = &[
    route("GET", REPORT, Access::SignedIn, || get(show)),
    route("GET", EXPORT, Access::SignedIn, || get(export)),
    route("GET", COUNTED, Access::SignedIn, || get(counted)),
];

/// Whose days.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Zone {
    /// The IANA zone that says what a day is; UTC where it is left out.
    zone: Option<String>,
}

/// As which file.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ReportFile {
    /// `markdown`, or `csv`, which it is where it is left out.
    #[serde(default)]
    #[param(value_type = String)]
    format: Format,
    /// The IANA zone that says what a day is; UTC where it is left out.
    zone: Option<String>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Format {
    #[default]
    Csv,
    Markdown,
}

/// What became of an item of an iteration.
#[derive(Serialize, ToSchema)]
pub struct ReportedItem {
    /// As in `CHK-12`.
    key: String,
    /// In one line, as it is now; none: the item is deleted.
    title: Option<String>,
    /// Its estimate then; 0 where there is none.
    points: i64,
    /// When that happened to it; none: it was so from the start.
    #[schema(format = DateTime)]
    at: Option<String>,
    /// Who did it; none: nobody, or Slipway itself.
    by: Option<Person>,
}

/// What became of the items of an iteration. What was planned or added was removed, finished, or is left over.
#[derive(Serialize, ToSchema)]
pub struct ReportedItems {
    /// Planned when it was started.
    planned: Vec<ReportedItem>,
    /// Came in after the start.
    added: Vec<ReportedItem>,
    /// Not there any more at the end.
    removed: Vec<ReportedItem>,
    /// Done at the end.
    finished: Vec<ReportedItem>,
    /// There at the end, and not done.
    left_over: Vec<ReportedItem>,
}

/// The report of an iteration, counted from history.
#[derive(Serialize, ToSchema)]
pub struct Report {
    /// The iteration.
    iteration: PlannedIteration,
    /// The zone of its days.
    zone: String,
    /// What became of its items; none: it was not started.
    items: Option<ReportedItems>,
    /// Its days until now, or until it was closed.
    chart: Vec<ChartDay>,
    /// Velocity of it and of up to five before it, the oldest first.
    velocity: Vec<Took>,
    /// The keys of the bugs that were reported in the project while it ran.
    bugs_reported: Vec<String>,
    /// The keys of the bugs that were closed in the project while it ran.
    bugs_closed: Vec<String>,
}

fn items(report: &IterationReport, outcome: &Outcome) -> ReportedItems {
    let list = |fates: &[Fate]| {
        let one = |fate: &Fate| ReportedItem {
            key: format!("{}-{}", report.key, fate.item),
            title: report.card(fate.item).map(|card| card.title.clone()),
            points: fate.points,
            at: fate.at.map(Timestamp::rfc3339),
            by: fate.by.as_ref().map(Person::of),
        };
        fates.iter().map(one).collect()
    };
    ReportedItems {
        planned: list(&outcome.planned),
        added: list(&outcome.added),
        removed: list(&outcome.removed),
        finished: list(&outcome.finished),
        left_over: list(&outcome.left_over),
    }
}

/// What became of what an iteration took on: planned, added, removed, finished, left over, when and by whom.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/iterations/{number}/report",
    tag = "Work items",
    operation_id = "iterations.report",
    params(IterationPath, Zone),
    responses((status = 200, description = "The report", body = Report), Reads)
)]
pub async fn show(asked: Asked, Path(at): Path<IterationPath>, Query(zone): Query<Zone>) -> Answer<Report> {
    let zone = zone.zone.as_deref();
    let report = iteration::report(asked.ctx(), &at.org, &at.project, at.number, zone)
        .await
        .or_refuse(&asked)?;
    let keys = |numbers: &[i64]| {
        numbers
            .iter()
            .map(|number| format!("{}-{number}", report.key))
            .collect()
    };
    Ok(Json(Report {
        items: report.outcome.as_ref().map(|outcome| items(&report, outcome)),
        bugs_reported: keys(&report.bugs_reported),
        bugs_closed: keys(&report.bugs_closed),
        zone: report.zone,
        chart: report.chart.into_iter().map(ChartDay::of).collect(),
        velocity: report.velocity.into_iter().map(Took::of).collect(),
        iteration: PlannedIteration::of(report.line),
    }))
}

/// The report as a file: CSV with one row for an item and what became of it, or Markdown to be pasted anywhere.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/iterations/{number}/report-export",
    tag = "Work items",
    operation_id = "iterations.report_export",
    params(IterationPath, ReportFile),
    responses(
        (status = 200, description = "The report (RFC 4180), or as Markdown", body = String, content_type = "text/csv"),
        Reads
    )
)]
pub async fn export(
    asked: Asked,
    Path(at): Path<IterationPath>,
    Query(file): Query<ReportFile>,
) -> Result<Response, Refusal> {
    let zone = file.zone.as_deref();
    let report = iteration::report(asked.ctx(), &at.org, &at.project, at.number, zone)
        .await
        .or_refuse(&asked)?;
    let (kind, end, text) = match file.format {
        Format::Csv => ("text/csv; charset=utf-8", "csv", csv(&report)),
        Format::Markdown => {
            let base = &asked.ctx().portal().public_url;
            let text = iteration::markdown(&report, asked.locale(), base);
            ("text/markdown; charset=utf-8", "md", text)
        }
    };
    let name = format!("{}-iteration-{}.{end}", at.project, at.number);
    let headers = [
        (header::CONTENT_TYPE, String::from(kind)),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
        (header::X_CONTENT_TYPE_OPTIONS, String::from("nosniff")),
    ];
    Ok((headers, text).into_response())
}

fn csv(report: &IterationReport) -> String {
    let mut text = String::from("what,key,title,points,at,by\r\n");
    let mut line = |what: &str, fate: &Fate| {
        let cells = [
            what.to_owned(),
            format!("{}-{}", report.key, fate.item),
            report
                .card(fate.item)
                .map(|card| card.title.clone())
                .unwrap_or_default(),
            fate.points.to_string(),
            fate.at.map(Timestamp::rfc3339).unwrap_or_default(),
            fate.by.as_ref().map(|who| who.name.clone()).unwrap_or_default(),
        ];
        text.push_str(&cells.map(|cell| csv_cell(&cell)).join(","));
        text.push_str("\r\n");
    };
    for (which, list) in report.outcome.iter().flat_map(Outcome::lists) {
        for fate in list {
            line(which.key(), fate);
        }
    }
    for (what, numbers) in [
        ("bug_reported", &report.bugs_reported),
        ("bug_closed", &report.bugs_closed),
    ] {
        for item in numbers {
            let points = report.card(*item).and_then(|card| card.points).unwrap_or(0);
            let fate = Fate {
                item: *item,
                points,
                at: None,
                by: None,
            };
            line(what, &fate);
        }
    }
    text
}

fn countings() -> Object {
    one_of(Counting::all().iter().map(|counting| counting.key()))
}

/// What is counted on which day.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CountedQuery {
    /// `open`, `reported`, `closed` or `reopened` for bugs; `todo`, `in_progress`, `in_test`, `done` or `wont_do` for
    /// where items stood at the end of the day.
    #[param(schema_with = countings)]
    what: String,
    /// The day, as in `2026-11-21`.
    day: String,
    /// The IANA zone that says what a day is; UTC where it is left out.
    zone: Option<String>,
    /// Which hundred of them, from 1.
    page: Option<usize>,
}

/// The items that a number of a chart counts.
#[derive(Serialize, ToSchema)]
pub struct Counted {
    /// How many there are in all.
    count: usize,
    /// The keys of this page's, in order: one that was closed or opened again twice on that day is there twice.
    keys: Vec<String>,
    /// As they are now; those that are deleted are missing.
    items: Vec<Item>,
    /// Whether more follow.
    more: bool,
}

/// The items that a number of cumulative flow or of the bug trend counts, from history; 100 a page.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/insights/items",
    tag = "Work items",
    operation_id = "insights.items",
    params(ProjectPath, CountedQuery),
    responses((status = 200, description = "A page of them", body = Counted), Reads)
)]
pub async fn counted(
    asked: Asked,
    Path(at): Path<ProjectPath>,
    Query(query): Query<CountedQuery>,
) -> Answer<Counted> {
    let of = insight::Of {
        what: &query.what,
        day: &query.day,
        zone: query.zone.as_deref(),
        page: query.page.unwrap_or(1),
    };
    let found = insight::counted(asked.ctx(), &at.org, &at.project, of)
        .await
        .or_refuse(&asked)?;
    Ok(Json(Counted {
        count: found.count,
        keys: found
            .items
            .iter()
            .map(|number| format!("{}-{number}", found.key))
            .collect(),
        items: found.cards.into_iter().map(Item::of).collect(),
        more: found.more,
    }))
}
