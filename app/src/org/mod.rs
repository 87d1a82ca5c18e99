//! An organization's page: its projects.

pub mod api;
mod new;
mod settings;

pub use new::new_org_page;
pub use settings::org_settings_page;

use crate::design::button::{Weight, button_link};
use crate::design::page::PageHead;
use crate::design::state::EmptyState;
use crate::design::status::{Status, pill, tag};
use crate::live::Topics;
use crate::load::load;
use crate::place::archived_note;
use crate::places::{self, param};
use crate::tr;
use leptos::prelude::*;
use slipway_domain::org::{OrgOverview, ProjectCard, Setup};
use slipway_domain::project::Place;

/// `/orgs/{org}`.
pub fn org_page() -> AnyView {
    let org = param("org");
    load(move || api::ReadOrg { org: org() })
        .watching(|org: &OrgOverview| Topics::of("org", org.org.id))
        .view(|org| overview(&org))
}

fn overview(org: &OrgOverview) -> AnyView {
    let (shelved, projects): (Vec<_>, Vec<_>) = org.projects.iter().partition(|card| card.project.archived);
    let line = match projects.len() {
        1 => tr!(org.one_project),
        n => tr!(org.n_projects, n = n),
    };
    let body = match (projects.is_empty(), org.setup) {
        (true, Some(setup)) if org.may_create_project => steps(org, setup),
        (true, _) => {
            view! { <EmptyState title=tr!(org.no_projects) hint=tr!(org.ask_for_access)/> }.into_any()
        }
        (false, _) => cards(&org.org.slug, &projects),
    };
    let archived = (!shelved.is_empty()).then(|| {
        let cards = cards(&org.org.slug, &shelved);
        view! { <details class="foot"><summary>{tr!(place.archived_n, n = shelved.len())}</summary>{cards}</details> }
    });
    let new = org.may_create_project.then(|| {
        button_link(
            Weight::Primary,
            format!("{}/projects/new", places::org(&org.org.slug)),
            tr!(project.new_project),
        )
    });
    let templates = button_link(
        Weight::Plain,
        format!("{}/templates", places::org(&org.org.slug)),
        tr!(template.title),
    );
    let freezes = button_link(
        Weight::Plain,
        format!("{}/freezes", places::org(&org.org.slug)),
        tr!(environment.freezes),
    );
    let place = Place {
        org: org.org.clone(),
        project: None,
        app: None,
    };
    view! {
        <PageHead title=org.org.name.clone() line=line.into_any() actions=view! { {freezes}{templates}{new} }.into_any()/>
        {archived_note(&place)}
        {body}
        {archived}
    }
    .into_any()
}

fn cards(org: &str, projects: &[&ProjectCard]) -> AnyView {
    let cards = projects.iter().map(|card| project_card(org, card)).collect_view();
    view! { <ul class="cards">{cards}</ul> }.into_any()
}

/// Three steps from an organization with nothing in it to its first project.
fn steps(org: &OrgOverview, setup: Setup) -> AnyView {
    let base = places::org(&org.org.slug);
    let step = |done: bool, href: String, word: String, hint: String| {
        let state = if done {
            pill(Status::Success, tr!(org.step_done))
        } else {
            pill(Status::Queued, tr!(org.step_open))
        };
        view! { <li><span class="row wrap"><a class="link strong" href=href>{word}</a>{state}</span><span class="small muted">{hint}</span></li> }
    };
    view! {
        <section class="box">
            <header><h2>{tr!(org.three_steps)}</h2></header>
            <ol class="steps box-body">
                {step(setup.gitlab, format!("{base}/settings/gitlab"), tr!(org.step_gitlab), tr!(org.step_gitlab_hint))}
                {step(setup.cluster, format!("{base}/settings/clusters"), tr!(org.step_cluster), tr!(org.step_cluster_hint))}
                {step(false, format!("{base}/projects/new"), tr!(org.step_project), tr!(org.step_project_hint))}
            </ol>
        </section>
    }
    .into_any()
}

fn project_card(org: &str, card: &ProjectCard) -> AnyView {
    let apps = match card.apps {
        1 => tr!(org.one_app),
        n => tr!(org.n_apps, n = n),
    };
    view! {
        <li class="card stack">
            <h2><a class="cover" href=places::project(org, &card.project.slug)>{card.project.name.clone()}</a></h2>
            <p class="muted">{card.description.clone()}</p>
            <p class="row small muted">
                <code>{card.project.key.clone()}</code>{apps}
                {card.internal.then(|| tag(tr!(org.internal)))}
            </p>
        </li>
    }
    .into_any()
}
