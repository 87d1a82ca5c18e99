//! A project's page: the grid of app × environment.

pub mod api;
mod new;
mod settings;

pub use new::new_project_page;
pub use settings::project_settings_page;

use crate::design::button::{Weight, button_link};
use crate::design::environment::env_badge;
use crate::design::lane::stop_status;
use crate::design::page::PageHead;
use crate::design::state::EmptyState;
use crate::design::status;
use crate::design::table::{row, table};
use crate::design::time::clock;
use crate::live::{Topics, refresh_without_js};
use crate::load::load;
use crate::place::archived_note;
use crate::places::param;
use crate::tr;
use leptos::prelude::*;
use slipway_domain::app::LaneStop;
use slipway_domain::project::{GridRow, ProjectGrid};

/// `/orgs/{org}/projects/{project}`.
pub fn project_page() -> AnyView {
    let (org, project) = (param("org"), param("project"));
    load(move || api::ReadGrid {
        org: org(),
        project: project(),
    })
    .watching(topics)
    .view(|grid| page(&grid))
}

fn topics(grid: &ProjectGrid) -> Topics {
    let project = grid
        .place
        .project
        .iter()
        .fold(Topics::default(), |topics, project| {
            topics.and("project", project.id)
        });
    grid.rows
        .iter()
        .fold(project, |topics, row| topics.and("app", row.app.id))
}

fn page(grid: &ProjectGrid) -> AnyView {
    let name = grid
        .place
        .project
        .as_ref()
        .map_or_else(String::new, |project| project.name.clone());
    let (shelved, rows): (Vec<_>, Vec<_>) = grid.rows.iter().partition(|row| row.app.archived);
    let apps = match rows.len() {
        1 => tr!(org.one_app),
        n => tr!(org.n_apps, n = n),
    };
    let line = if grid.description.is_empty() {
        apps
    } else {
        format!("{} · {apps}", grid.description)
    };
    let base = grid.place.path();
    let import = |weight| {
        grid.may_import
            .then(|| button_link(weight, format!("{base}/import"), tr!(import.import_link)))
    };
    let body = if rows.is_empty() {
        let action = import(Weight::Plain).into_any();
        view! { <EmptyState title=tr!(project.no_apps) hint=tr!(project.no_apps_hint) action/> }.into_any()
    } else {
        view! {
            <div class="box">{cells(grid, &rows)}</div>
            <p class="small muted foot">{tr!(common.as_of)}" "{clock(grid.as_of)}" · "{tr!(common.updates_live)}</p>
        }
        .into_any()
    };
    let new = grid
        .may_create_app
        .then(|| button_link(Weight::Primary, format!("{base}/apps/new"), tr!(app.new_app)));
    let templates = button_link(Weight::Plain, format!("{base}/templates"), tr!(template.title));
    let beside = if rows.is_empty() {
        None
    } else {
        import(Weight::Plain)
    };
    let archived = (!shelved.is_empty()).then(|| {
        let links = shelved
            .iter()
            .map(|row| view! { <li><a class="link" href=format!("{base}/apps/{}", row.app.slug)>{row.app.name.clone()}</a></li> })
            .collect::<Vec<_>>();
        view! { <details class="foot"><summary>{tr!(place.archived_n, n = shelved.len())}</summary><ul class="stack">{links}</ul></details> }
    });
    view! {
        {refresh_without_js()}
        <PageHead title=name line=line.into_any() actions=view! { {templates}{beside}{new} }.into_any()/>
        {archived_note(&grid.place)}
        {body}
        {archived}
    }
    .into_any()
}

fn cells(grid: &ProjectGrid, rows: &[&GridRow]) -> AnyView {
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

fn cell(app: &str, stop: &LaneStop) -> AnyView {
    let version = stop
        .current
        .as_ref()
        .map_or_else(|| String::from("–"), |current| current.version.clone());
    let waiting = stop
        .open
        .as_ref()
        .filter(|open| open.state.is_pending())
        .map(|open| {
            view! { <a href=format!("{app}/promotions/{}", open.id)>{status::promotion(open.state)}</a> }
        });
    let shown = match waiting {
        Some(waiting) => waiting.into_any(),
        None => stop_status(stop),
    };
    let drift = stop
        .drift
        .as_ref()
        .map(|drift| crate::drift::brief(app, &stop.environment.key, drift));
    view! { <span class="cell"><span class="mono">{version}</span>{shown}{drift}</span> }.into_any()
}
