//! An organization's page: its projects.

pub mod api;

use crate::design::page::PageHead;
use crate::design::state::EmptyState;
use crate::design::status::tag;
use crate::live::Topics;
use crate::load::load;
use crate::places::{self, param};
use crate::tr;
use leptos::prelude::*;
use slipway_domain::org::{OrgOverview, ProjectCard};

/// `/orgs/{org}`.
pub fn org_page() -> AnyView {
    let org = param("org");
    load(move || api::ReadOrg { org: org() })
        .watching(|org: &OrgOverview| Topics::of("org", org.org.id))
        .view(|org| overview(&org))
}

fn overview(org: &OrgOverview) -> AnyView {
    let line = match org.projects.len() {
        1 => tr!(org.one_project),
        n => tr!(org.n_projects, n = n),
    };
    let body = if org.projects.is_empty() {
        let hint = if org.may_create_project {
            tr!(org.set_up)
        } else {
            tr!(org.ask_for_access)
        };
        view! { <EmptyState title=tr!(org.no_projects) hint/> }.into_any()
    } else {
        let cards = org
            .projects
            .iter()
            .map(|card| project_card(&org.org.slug, card))
            .collect_view();
        view! { <ul class="cards">{cards}</ul> }.into_any()
    };
    view! { <PageHead title=org.org.name.clone() line=line.into_any()/>{body} }.into_any()
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
