//! What is planned, and what history says of the work and its delivery.

use super::ask::{Asked, Body, IfMatch, OrRefuse as _, Path, Query};
use super::item::{EditedItem, Item, NewIteration};
use super::iteration::{Days, IterationPath, PlannedIteration};
use super::paging::{Page, Paged};
use super::place::{Made, ProjectPath};
use super::refusals::{Changes, Reads};
use super::{Answer, created, etag};
use crate::http::problem::Refusal;
use crate::http::route::{Access, Route, route};
use axum::Json;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, patch, post, put};
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use slipway_domain::insight::{Amount, BugReport, Dora, IterationDay, Share, Velocity};
use slipway_domain::item::Category;
use slipway_domain::iteration::BacklogFilter;
use slipway_portal::{insight, item, iteration, version};
use std::collections::BTreeMap;
use utoipa::ToSchema;

const WORK: &str = "/api/v1/orgs/{org}/projects/{project}/insights/work";
const DELIVERY: &str = "/api/v1/orgs/{org}/projects/{project}/insights/delivery";
const PLANNED: &str = "/api/v1/orgs/{org}/projects/{project}/iterations/planned";
const ONE: &str = "/api/v1/orgs/{org}/projects/{project}/iterations/{number}";
const BACKLOG: &str = "/api/v1/orgs/{org}/projects/{project}/backlog";
const ITEMS: &str = "/api/v1/orgs/{org}/projects/{project}/items";

/// The routes.
pub const ROUTES: &[Route] = &[
    route("GET", WORK, Access::SignedIn, || get(work)),
    route("GET", DELIVERY, Access::SignedIn, || get(delivery)),
    route("POST", PLANNED, Access::SignedIn, || post(plan)),
    route("GET", ONE, Access::SignedIn, || get(show)),
    route("PUT", ONE, Access::SignedIn, || put(update)),
    route("GET", BACKLOG, Access::SignedIn, || get(backlog)),
    route("PATCH", ITEMS, Access::SignedIn, || patch(bulk)),
];

/// Items, and the points of their estimates.
#[derive(Serialize, ToSchema)]
pub struct Count {
    /// Items.
    items: i64,
    /// Points.
    points: i64,
}

impl Count {
    const fn of(amount: Amount) -> Self {
        Self {
            items: amount.items,
            points: amount.points,
        }
    }
}

/// How many items stood where at the end of a day.
#[derive(Serialize, ToSchema)]
pub struct Flow {
    /// The day.
    #[schema(format = Date)]
    day: String,
    /// By category: `todo`, `in_progress`, `in_test`, `done`, `wont_do`.
    counts: BTreeMap<&'static str, i64>,
}

/// What became of bugs on a day.
#[derive(Serialize, ToSchema)]
pub struct BugCounts {
    /// The day.
    #[schema(format = Date)]
    day: String,
    /// Reported on it.
    reported: i64,
    /// Closed on it.
    closed: i64,
    /// Opened again on it.
    reopened: i64,
    /// Open at its end.
    open: i64,
}

/// Bugs. Items are named by their numbers.
#[derive(Serialize, ToSchema)]
pub struct Bugs {
    /// Day by day.
    days: Vec<BugCounts>,
    /// Closed in that time.
    closed: Vec<i64>,
    /// Opened again in that time.
    reopened: Vec<i64>,
    /// Reported in that time, by the name of the environment they were found in; empty: it is not said.
    found: BTreeMap<String, Vec<i64>>,
    /// Open at its end: up to 7 days old, up to 30, up to 90, and older.
    #[schema(min_items = 4, max_items = 4)]
    ages: Vec<Vec<i64>>,
}

impl Bugs {
    fn of(report: BugReport) -> Self {
        let days = report.days.into_iter().map(|day| BugCounts {
            day: day.day,
            reported: day.reported,
            closed: day.closed,
            reopened: day.reopened,
            open: day.open,
        });
        Self {
            days: days.collect(),
            closed: report.closed,
            reopened: report.reopened,
            found: report.found,
            ages: report.ages.into(),
        }
    }
}

/// What an iteration took on and got done.
#[derive(Serialize, ToSchema)]
pub struct Took {
    /// The iteration's number in the project.
    iteration: i64,
    /// What it is called.
    name: String,
    /// Planned when it was started.
    committed: Count,
    /// Done when it was closed, or by now.
    done: Count,
}

impl Took {
    pub(super) fn of(one: Velocity) -> Self {
        Self {
            iteration: one.iteration.number,
            name: one.iteration.name,
            committed: Count::of(one.committed),
            done: Count::of(one.done),
        }
    }
}

/// The flow of work.
#[derive(Serialize, ToSchema)]
pub struct WorkInsights {
    /// The zone of its days.
    zone: String,
    /// Cumulative flow, day by day.
    flow: Vec<Flow>,
    /// Bugs.
    bugs: Bugs,
    /// Velocity, the oldest iteration first.
    velocity: Vec<Took>,
}

/// A part of a whole.
#[derive(Serialize, ToSchema)]
pub struct Part {
    /// What counts.
    of: Vec<String>,
    /// Out of how many.
    all: usize,
}

impl Part {
    fn of(share: Share) -> Self {
        Self {
            of: share.of,
            all: share.all,
        }
    }
}

/// The four measures of DORA, each with what it counts: the pages of deployments, the keys of items. Times are in
/// seconds.
#[derive(Serialize, ToSchema)]
pub struct DeliveryInsights {
    /// The zone of the days.
    zone: String,
    /// The first day.
    #[schema(format = Date)]
    from: String,
    /// The last day.
    #[schema(format = Date)]
    to: String,
    /// How many days these are.
    days: i64,
    /// Deployments to production that went well.
    deployments: Vec<String>,
    /// The median from commit to live; none: nothing was brought.
    lead_time_seconds: Option<i64>,
    /// The 85th percentile of the same.
    lead_time_p85_seconds: Option<i64>,
    /// Deployments that failed.
    failed: Part,
    /// The median time to restore; none: nothing was restored.
    restore_seconds: Option<i64>,
    /// What was restored.
    restored: Vec<String>,
}

/// A day of an iteration.
#[derive(Serialize, ToSchema)]
pub struct ChartDay {
    /// The day.
    #[schema(format = Date)]
    day: String,
    /// Planned at its end.
    scope: Count,
    /// Done at its end.
    done: Count,
    /// What came in on it.
    added: Count,
    /// What went out.
    removed: Count,
}

impl ChartDay {
    pub(super) fn of(day: IterationDay) -> Self {
        Self {
            day: day.day,
            scope: Count::of(day.scope),
            done: Count::of(day.done),
            added: Count::of(day.added),
            removed: Count::of(day.removed),
        }
    }
}

/// An iteration, its burndown and its items.
#[derive(Serialize, ToSchema)]
pub struct IterationDetail {
    /// The iteration.
    #[serde(flatten)]
    iteration: PlannedIteration,
    /// The zone of its days.
    zone: String,
    /// Day by day, from history.
    chart: Vec<ChartDay>,
    /// What is planned for it now.
    cards: Vec<Item>,
}

/// The same change of many items.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkEdit {
    /// The numbers of the items: 1 to 200.
    numbers: Vec<i64>,
    /// What becomes of each.
    edit: EditedItem,
}

/// How many were changed.
#[derive(Serialize, ToSchema)]
pub struct Changed {
    /// Those that were different before.
    changed: usize,
}

const SECOND: i64 = slipway_domain::time::SECOND;

/// How work flowed: cumulative flow, bugs, velocity; counted from history.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/insights/work",
    tag = "Work items",
    operation_id = "insights.work",
    params(ProjectPath, Days),
    responses((status = 200, description = "The numbers", body = WorkInsights), Reads)
)]
pub async fn work(
    asked: Asked,
    Path(at): Path<ProjectPath>,
    Query(days): Query<Days>,
) -> Answer<WorkInsights> {
    let found = insight::work(asked.ctx(), &at.org, &at.project, days.zone.as_deref(), days.days)
        .await
        .or_refuse(&asked)?;
    let flow = found.flow.into_iter().map(|day| Flow {
        day: day.day,
        counts: Category::ALL
            .iter()
            .map(|category| category.key())
            .zip(day.counts)
            .collect(),
    });
    Ok(Json(WorkInsights {
        zone: found.zone,
        flow: flow.collect(),
        bugs: Bugs::of(found.bugs),
        velocity: found.velocity.into_iter().map(Took::of).collect(),
    }))
}

/// How delivery went: deployment frequency, lead time, change failure rate, time to restore.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/insights/delivery",
    tag = "Work items",
    operation_id = "insights.delivery",
    params(ProjectPath, Days),
    responses((status = 200, description = "The measures", body = DeliveryInsights), Reads)
)]
pub async fn delivery(
    asked: Asked,
    Path(at): Path<ProjectPath>,
    Query(days): Query<Days>,
) -> Answer<DeliveryInsights> {
    let found = insight::delivery(asked.ctx(), &at.org, &at.project, days.zone.as_deref(), days.days)
        .await
        .or_refuse(&asked)?;
    let Dora {
        deployments,
        lead_time,
        lead_time_p85,
        failed,
        restore,
        restored,
    } = found.dora;
    let seconds = |micros: Option<i64>| micros.map(|micros| micros / SECOND);
    Ok(Json(DeliveryInsights {
        zone: found.zone,
        from: found.span.0,
        to: found.span.1,
        days: found.days,
        deployments,
        lead_time_seconds: seconds(lead_time),
        lead_time_p85_seconds: seconds(lead_time_p85),
        failed: Part::of(failed),
        restore_seconds: seconds(restore),
        restored,
    }))
}

/// Plans an iteration, to be started later.
#[utoipa::path(
    post,
    path = "/api/v1/orgs/{org}/projects/{project}/iterations/planned",
    tag = "Work items",
    operation_id = "iterations.plan",
    params(ProjectPath),
    request_body = NewIteration,
    responses((status = 201, description = "It is planned", body = Made), Changes)
)]
pub async fn plan(
    asked: Asked,
    Path(at): Path<ProjectPath>,
    Body(new): Body<NewIteration>,
) -> Result<Response, Refusal> {
    let number = iteration::plan(asked.ctx(), &at.org, &at.project, new.into())
        .await
        .or_refuse(&asked)?;
    let url = format!(
        "/api/v1/orgs/{}/projects/{}/iterations/{number}",
        at.org, at.project
    );
    Ok(created(number.to_string(), url))
}

/// An iteration with its burndown. Its `ETag` is for the `If-Match` of an update.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/iterations/{number}",
    tag = "Work items",
    operation_id = "iterations.show",
    params(IterationPath, Days),
    responses((status = 200, description = "It", body = IterationDetail, headers(("ETag" = String))), Reads)
)]
pub async fn show(
    asked: Asked,
    Path(at): Path<IterationPath>,
    Query(days): Query<Days>,
) -> Result<Response, Refusal> {
    let zone = (days.zone.as_deref(), None);
    let found = iteration::view(asked.ctx(), &at.org, &at.project, at.number, zone)
        .await
        .or_refuse(&asked)?;
    let tag = [(header::ETAG, etag(version::iteration(&found.line.iteration)))];
    let detail = IterationDetail {
        iteration: PlannedIteration::of(found.line),
        zone: found.zone,
        chart: found.chart.into_iter().map(ChartDay::of).collect(),
        cards: found.cards.into_iter().map(Item::of).collect(),
    };
    Ok((tag, Json(detail)).into_response())
}

/// Changes what an iteration is called, what it is for and its days; with `If-Match`, only where that is still its
/// version.
#[utoipa::path(
    put,
    path = "/api/v1/orgs/{org}/projects/{project}/iterations/{number}",
    tag = "Work items",
    operation_id = "iterations.update",
    params(IterationPath, ("If-Match" = Option<String>, Header, description = "The ETag it was read with")),
    request_body = NewIteration,
    responses((status = 204, description = "It is changed"), Changes)
)]
pub async fn update(
    asked: Asked,
    Path(at): Path<IterationPath>,
    IfMatch(expected): IfMatch,
    Body(new): Body<NewIteration>,
) -> Result<StatusCode, Refusal> {
    let ctx = asked.ctx().only_on(expected);
    iteration::update(&ctx, &at.org, &at.project, at.number, new.into())
        .await
        .or_refuse(&asked)?;
    Ok(StatusCode::NO_CONTENT)
}

/// What is planned for no iteration and is not over, by rank: 50 a page, whatever `limit` says.
#[utoipa::path(
    get,
    path = "/api/v1/orgs/{org}/projects/{project}/backlog",
    tag = "Work items",
    operation_id = "backlog.list",
    params(ProjectPath, Page),
    responses((status = 200, description = "A page of it", body = Vec<Item>), Reads)
)]
pub async fn backlog(asked: Asked, Path(at): Path<ProjectPath>, page: Page) -> Result<Paged<Item>, Refusal> {
    let from = page.from::<String>().or_refuse(&asked)?;
    let all = BacklogFilter::default();
    let found = iteration::backlog(asked.ctx(), &at.org, &at.project, all, from.as_deref())
        .await
        .or_refuse(&asked)?;
    Ok(page.as_read(found.cards, found.next.as_deref()).map(Item::of))
}

/// Changes the same of many items at once: all of them, or none.
#[utoipa::path(
    patch,
    path = "/api/v1/orgs/{org}/projects/{project}/items",
    tag = "Work items",
    operation_id = "items.bulk",
    params(ProjectPath),
    request_body = BulkEdit,
    responses((status = 200, description = "How many were changed", body = Changed), Changes)
)]
pub async fn bulk(asked: Asked, Path(at): Path<ProjectPath>, Body(new): Body<BulkEdit>) -> Answer<Changed> {
    let changed = item::bulk(asked.ctx(), &at.org, &at.project, &new.numbers, new.edit.into())
        .await
        .or_refuse(&asked)?;
    Ok(Json(Changed { changed }))
}
