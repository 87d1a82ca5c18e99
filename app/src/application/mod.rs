//! An app's page: its lane, its last runs, and the promotion that waits.

pub mod api;
mod connect;
mod new;
pub(crate) mod parts;
mod settings;

pub use new::new_app_page;
pub use settings::app_settings_page;

use crate::design::lane::lane;
use crate::design::page::PageHead;
use crate::design::time::clock;
use crate::live::{Topics, refresh_without_js};
use crate::load::load;
use crate::places::{app_params, query};
use crate::promotion::parts::title_of;
use crate::template::suggestion;
use crate::{AppError, tr};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use slipway_domain::app::{AppOverview, AppPage, RepositoryChoice};
use slipway_domain::connection::Connection;
use slipway_domain::feature::Feature;

/// What the app's page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AppView {
    /// The app.
    pub page: AppPage,
    /// Which repository it could have; `None`: it has one, or the reader may not choose.
    pub choices: Option<Choices>,
}

/// The repositories that an app could have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Choices {
    /// The connections whose repositories one could connect.
    pub connections: Vec<Connection>,
    /// The repositories of the chosen one, or why it did not tell.
    pub repositories: Result<Vec<RepositoryChoice>, AppError>,
}

/// `P/apps/{app}`.
pub fn app_page() -> AnyView {
    let params = app_params();
    let (connection, search) = (query("connection"), query("search"));
    load(move || {
        let (org, project, app) = params();
        api::ReadApp {
            org,
            project,
            app,
            connection: connection(),
            search: search(),
        }
    })
    .watching(|view: &AppView| {
        view.page
            .overview
            .place
            .app
            .iter()
            .fold(Topics::default(), |t, app| t.and("app", app.id))
    })
    .view(move |view| {
        let asked = connect::Asked {
            connection: connection(),
            search: search(),
        };
        show(&view, &asked)
    })
}

fn show(view: &AppView, asked: &connect::Asked) -> AnyView {
    let page = &view.page;
    let app = &page.overview;
    let base = app.place.path();
    let body = if app.repository.is_some() {
        view! {
            {page.suggested.as_ref().map(|suggested| suggestion(&app.place, suggested))}
            {page.proposal.as_ref().map(|proposal| parts::proposal(&app.place, proposal))}
            {lane(&app.lane, &base)}
            <div class="columns">
                {app.place.has(Feature::Pipelines).then(|| parts::runs(page, &base))}
                {app.place.has(Feature::Releases).then(|| parts::open_promotion(page))}
            </div>
            <p class="small muted foot">{tr!(common.as_of)}" "{clock(app.as_of)}" · "{tr!(common.updates_live)}</p>
        }
        .into_any()
    } else {
        connect::connect(&app.place, view.choices.as_ref(), asked)
    };
    view! {
        {refresh_without_js()}
        <PageHead title=title_of(&app.place) line=line(app) actions=parts::actions(app)/>
        {crate::place::archived_note(&app.place)}
        {parts::app_head(&app.place, "")}
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
