//! A project's page: the grid of app × environment.

pub mod api;
mod grid;
mod new;
mod settings;

pub use new::new_project_page;
pub use settings::project_settings_page;

use crate::design::button::{Weight, button_link};
use crate::design::page::PageHead;
use crate::design::state::EmptyState;
use crate::design::time::clock;
use crate::live::{Topics, refresh_without_js};
use crate::load::load;
use crate::place::archived_note;
use crate::places::param;
use crate::tr;
use leptos::prelude::*;
use slipway_domain::project::ProjectGrid;

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
            {grid::summary(grid, &rows)}
            {grid::attention(grid, &rows)}
            <div class="box stops">{grid::cells(grid, &rows)}</div>
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
