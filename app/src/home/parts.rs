//! The parts of the front page.

use crate::design::page::Panel;
use crate::design::state::EmptyState;
use crate::design::status;
use crate::design::time::time;
use crate::promotion::parts::{promotion_list, title_of};
use crate::tr;
use leptos::prelude::*;
use slipway_domain::org::{FailingRun, MyWork};
use slipway_domain::project::Place;

/// One line: what waits.
pub fn summary(work: &MyWork) -> AnyView {
    match work.approvals.len() {
        0 => tr!(home.nothing_waits),
        1 => tr!(home.one_waits),
        n => tr!(home.n_wait, n = n),
    }
    .into_any()
}

/// What waits for the reader's decision.
pub fn approvals(work: &MyWork) -> AnyView {
    if work.approvals.is_empty() {
        return view! {
            <Panel title=tr!(home.approvals)><EmptyState title=tr!(home.nothing_waits) hint=tr!(home.nothing_waits_hint)/></Panel>
        }
        .into_any();
    }
    let list = promotion_list(&work.approvals, |row| format!("/approvals/{}", row.id));
    view! { <Panel title=tr!(home.approvals)>{list}</Panel> }.into_any()
}

/// What the reader asked for.
pub fn promotions(work: &MyWork) -> AnyView {
    if work.promotions.is_empty() {
        return ().into_any();
    }
    let list = promotion_list(&work.promotions, |row| {
        format!("{}/promotions/{}", row.place.path(), row.id)
    });
    view! { <Panel title=tr!(home.my_promotions)>{list}</Panel> }.into_any()
}

fn failing_row(failing: &FailingRun) -> AnyView {
    let href = format!("{}/runs/{}", failing.place.path(), failing.run.number);
    view! {
        <li class="list-row">
            <a href=href>{title_of(&failing.place)}" "<span class="mono">"#"{failing.run.number}</span></a>
            {status::run(failing.run.status, failing.run.failed_job.as_deref())}
            <span class="muted small">{failing.run.git_ref.clone()}" · "{time(failing.run.created_at)}</span>
        </li>
    }
    .into_any()
}

/// Pipelines that are red.
pub fn failing(work: &MyWork) -> AnyView {
    if work.failing.is_empty() {
        return ().into_any();
    }
    let rows = work.failing.iter().map(failing_row).collect_view();
    view! { <Panel title=tr!(home.failing)><ul class="list">{rows}</ul></Panel> }.into_any()
}

/// The apps the reader works with.
pub fn apps(work: &MyWork) -> AnyView {
    let row = |place: &Place| {
        let within = place
            .project
            .as_ref()
            .map(|project| format!("{} / {}", place.org.name, project.name));
        view! {
            <li class="list-row">
                <a href=place.path()>{title_of(place)}</a>
                <span class="muted small">{within}</span>
            </li>
        }
    };
    let body = if work.apps.is_empty() {
        view! { <EmptyState title=tr!(home.no_apps) hint=tr!(home.no_apps_hint)/> }.into_any()
    } else {
        view! { <ul class="list">{work.apps.iter().map(row).collect_view()}</ul> }.into_any()
    };
    view! { <Panel title=tr!(home.apps)>{body}</Panel> }.into_any()
}

/// The organizations the reader sees, with their projects.
pub fn projects(work: &MyWork) -> AnyView {
    let orgs = work
        .orgs
        .iter()
        .map(|org| {
            let slug = org.org.slug.clone();
            let projects = org
                .projects
                .iter()
                .map(|project| {
                    let href = crate::places::project(&slug, &project.slug);
                    view! { <li class="list-row"><a href=href>{project.name.clone()}</a></li> }
                })
                .collect_view();
            view! {
                <li class="list-row"><a class="strong" href=crate::places::org(&slug)>{org.org.name.clone()}</a></li>
                {projects}
            }
        })
        .collect_view();
    let body = if work.orgs.is_empty() {
        view! { <EmptyState title=tr!(home.no_orgs) hint=tr!(home.no_orgs_hint)/> }.into_any()
    } else {
        view! { <ul class="list">{orgs}</ul> }.into_any()
    };
    view! { <Panel title=tr!(home.projects)>{body}</Panel> }.into_any()
}
