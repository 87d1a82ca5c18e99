//! The grid of app × environment: what runs where, since when and how well, what is on its way there, for whom it waits, and why.

use crate::design::environment::env_badge;
use crate::design::lane::stop_status;
use crate::design::page::Panel;
use crate::design::status::{self, Status, pill};
use crate::design::table::{row, table};
use crate::design::time::time;
use crate::i18n::say;
use crate::places::encode;
use crate::tr;
use leptos::prelude::*;
use slipway_domain::app::{LanePromotion, LaneStop};
use slipway_domain::environment::Health;
use slipway_domain::person::PersonRef;
use slipway_domain::project::{GridRow, ProjectGrid};
use slipway_domain::promotion::PromotionState;

/// What waits or failed that stands above the grid; the grid has the others.
const SHOWN: usize = 6;

/// How many of the project's stops are how, in one line.
pub fn summary(grid: &ProjectGrid, rows: &[&GridRow]) -> AnyView {
    let stops = || rows.iter().flat_map(|row| &row.stops);
    let count = |is: &dyn Fn(&LaneStop) -> bool| stops().filter(|stop| is(stop)).count();
    let health = |stop: &LaneStop| stop.observed.as_ref().map(|observed| observed.health);
    let open = |stop: &LaneStop, is: &dyn Fn(&LanePromotion) -> bool| stop.open.as_ref().is_some_and(is);
    let waits_for_people = |open: &LanePromotion| open.state.is_pending() && !open.waits_for.is_empty();
    let told = [
        (
            Status::Success,
            count(&|stop| health(stop) == Some(Health::Healthy)),
            tr!(project.n_healthy),
        ),
        (
            Status::Failed,
            count(&|stop| matches!(health(stop), Some(Health::Degraded | Health::Missing))),
            tr!(project.n_unwell),
        ),
        (
            Status::Running,
            count(&|stop| open(stop, &|open| open.state.is_running())),
            tr!(project.n_deploying),
        ),
        (
            Status::Waiting,
            count(&|stop| open(stop, &waits_for_people)),
            tr!(project.n_for_approval),
        ),
        (
            Status::Queued,
            count(&|stop| open(stop, &|open| open.state.is_pending() && !waits_for_people(open))),
            tr!(project.n_blocked),
        ),
        (
            Status::Failed,
            count(&|stop| open(stop, &|open| open.state == PromotionState::Failed)),
            tr!(project.n_failed),
        ),
        (
            Status::Degraded,
            count(&|stop| stop.drift.is_some()),
            tr!(project.n_drifted),
        ),
    ];
    let mut pills: Vec<AnyView> = told
        .into_iter()
        .filter(|(_, n, _)| *n > 0)
        .map(|(status, n, word)| view! { <li>{pill(status, format!("{n} {word}"))}</li> }.into_any())
        .collect();
    if pills.is_empty() {
        let word = if grid.environments.is_empty() {
            tr!(project.no_environments)
        } else {
            tr!(project.nothing_runs)
        };
        pills.push(view! { <li>{pill(Status::Cancelled, word)}</li> }.into_any());
    }
    view! { <ul class="row wrap gap-below" aria-label=tr!(project.in_short)>{pills}</ul> }.into_any()
}

/// What waits or failed, each with where, for whom, since when and why: those that wait for people first, then the oldest.
pub fn attention(grid: &ProjectGrid, rows: &[&GridRow]) -> Option<AnyView> {
    let base = grid.place.path();
    let mut found: Vec<(&GridRow, &LaneStop, &LanePromotion)> = rows
        .iter()
        .flat_map(|row| row.stops.iter().map(move |stop| (*row, stop)))
        .filter_map(|(row, stop)| Some((row, stop, stop.open.as_ref()?)))
        .filter(|(_, _, open)| open.state.is_pending() || open.state == PromotionState::Failed)
        .collect();
    if found.is_empty() {
        return None;
    }
    found.sort_by_key(|(_, _, open)| (open.waits_for.is_empty(), open.since));
    let more = found.len().saturating_sub(SHOWN);
    let items = found
        .into_iter()
        .take(SHOWN)
        .map(|(row, stop, open)| {
            let href = format!("{base}/apps/{}/promotions/{}", row.app.slug, open.id);
            let since = open.since.map(time);
            view! {
                <li class="list-row">
                    <span class="row wrap">
                        {status::promotion(open.state)}
                        <a class="strong" href=href>{row.app.name.clone()}" "<span class="mono">{open.version.clone()}</span></a>
                        {env_badge(&stop.environment)}
                        {waits_for(&open.waits_for)}
                    </span>
                    <span class="muted small">{since}</span>
                    {open.reason.as_ref().map(|reason| view! { <span class="small wide">{say(reason)}</span> })}
                </li>
            }
        })
        .collect_view();
    let more =
        (more > 0).then(|| view! { <li class="list-row muted small">{tr!(project.n_more, n = more)}</li> });
    Some(view! { <div class="gap-below"><Panel title=tr!(project.attention)><ul class="list">{items}{more}</ul></Panel></div> }.into_any())
}

/// `for Devon Lee, Quinn Park`.
fn waits_for(people: &[PersonRef]) -> Option<AnyView> {
    if people.is_empty() {
        return None;
    }
    let names: Vec<&str> = people.iter().map(|person| person.name.as_str()).collect();
    Some(view! { <span>{tr!(project.waits_for, names = names.join(", "))}</span> }.into_any())
}

/// The grid itself.
pub fn cells(grid: &ProjectGrid, rows: &[&GridRow]) -> AnyView {
    let base = grid.place.path();
    let mut heads = vec![tr!(project.app).into_any()];
    heads.extend(grid.environments.iter().map(env_badge));
    let rows = rows.iter().map(|one| grid_row(&base, one)).collect();
    table(tr!(project.grid), heads, rows)
}

fn grid_row(base: &str, one: &GridRow) -> AnyView {
    let href = format!("{base}/apps/{}", one.app.slug);
    let name = view! { <a href=href.clone()>{one.app.name.clone()}</a> }.into_any();
    let cells = one
        .stops
        .iter()
        .map(|stop| (stop.environment.name.clone(), cell(&href, stop)))
        .collect();
    row(name, cells)
}

/// What runs there, how well and since when; what is on its way; what differs.
fn cell(app: &str, stop: &LaneStop) -> AnyView {
    let current = stop.current.as_ref().map(|current| {
        let href = format!("{app}/releases/{}", encode(&current.version));
        view! { <a class="mono strong" href=href>{current.version.clone()}</a>" "<span class="muted small">{time(current.at)}</span> }
    });
    let trouble = stop
        .observed
        .as_ref()
        .filter(|observed| observed.health != Health::Healthy)
        .and_then(|observed| observed.reason.as_ref())
        .map(|why| view! { <span class="small why">{say(why)}</span> });
    let open = stop.open.as_ref().map(|open| on_its_way(app, open));
    // What is on its way has a pill of its own, in the line below.
    let here = LaneStop {
        open: None,
        ..stop.clone()
    };
    let drift = stop
        .drift
        .as_ref()
        .map(|drift| crate::drift::brief(app, &stop.environment.key, drift));
    view! {
        <span class="stop">
            <span class="row wrap">{current}{stop_status(&here)}</span>
            {trouble}
            {open}
            {drift}
        </span>
    }
    .into_any()
}

fn on_its_way(app: &str, open: &LanePromotion) -> AnyView {
    let why = open
        .reason
        .as_ref()
        .map(|reason| view! { <span class="small why">{say(reason)}</span> });
    view! {
        <span class="on-its-way">
            <a class="row wrap" href=format!("{app}/promotions/{}", open.id)>
                "→ "<span class="mono">{open.version.clone()}</span>{status::promotion(open.state)}
            </a>
            <span class="small">{waits_for(&open.waits_for)}</span>
            {why}
        </span>
    }
    .into_any()
}
