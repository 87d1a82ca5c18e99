//! An app's page: its lane, its last runs, and the promotion that waits.

pub mod api;
mod connect;
pub(crate) mod parts;

use crate::design::lane::lane;
use crate::design::page::PageHead;
use crate::design::time::clock;
use crate::live::{Topics, refresh_without_js};
use crate::load::load;
use crate::places::app_params;
use crate::promotion::parts::title_of;
use crate::tr;
use leptos::prelude::*;
use slipway_domain::app::AppOverview;
use slipway_domain::app::AppPage;

/// `P/apps/{app}`.
pub fn app_page() -> AnyView {
    let params = app_params();
    load(move || {
        let (org, project, app) = params();
        api::ReadApp { org, project, app }
    })
    .watching(|page: &AppPage| {
        page.overview
            .place
            .app
            .iter()
            .fold(Topics::default(), |t, app| t.and("app", app.id))
    })
    .view(|page| show(&page))
}

fn show(page: &AppPage) -> AnyView {
    let app = &page.overview;
    let base = app.place.path();
    let body = if app.repository.is_some() {
        view! {
            {page.proposal.as_ref().map(|proposal| parts::proposal(&app.place, proposal))}
            {lane(&app.lane, &base)}
            <div class="columns">{parts::runs(page, &base)}{parts::open_promotion(page)}</div>
            <p class="small muted foot">{tr!(common.as_of)}" "{clock(app.as_of)}" · "{tr!(common.updates_live)}</p>
        }
        .into_any()
    } else {
        connect::connect(app)
    };
    view! {
        {refresh_without_js()}
        <PageHead title=title_of(&app.place) line=line(app) actions=parts::actions(app)/>
        {parts::app_head(&base, "")}
        {page.trouble.as_ref().map(|trouble| view! { <p class="note warn">{crate::i18n::say(trouble)}</p> })}
        {body}
    }
    .into_any()
}

/// What the app is for, and where its code is.
fn line(app: &AppOverview) -> AnyView {
    let repository = app.repository.as_ref().map(|repository| {
        let branch = repository
            .default_branch
            .clone()
            .map(|branch| format!(" · {branch}"));
        view! {
            {(!app.description.is_empty()).then_some(" · ")}
            <a href=repository.web_url.clone() rel="external noreferrer">{repository.path.clone()}</a>
            {branch}
        }
    });
    view! { {app.description.clone()}{repository} }.into_any()
}
