//! Where a commit is: which release brought it, and in which environments it runs.

use super::api::ReadCommit;
use crate::design::button::{Weight, submit};
use crate::design::environment::env_badge;
use crate::design::lane::short_sha;
use crate::design::page::{PageHead, Panel};
use crate::design::state::EmptyState;
use crate::design::status::{Status, pill, tag};
use crate::i18n::say;
use crate::live::Topics;
use crate::load::load;
use crate::places::{app_params, encode, query};
use crate::promotion::parts::title_of;
use crate::tr;
use leptos::prelude::*;
use slipway_domain::comparison::{CommitIn, CommitPlaces};

/// `App/releases/commit?commit=`.
pub fn commit_page() -> AnyView {
    let (params, commit) = (app_params(), query("commit"));
    load(move || {
        let (org, project, app) = params();
        ReadCommit {
            org,
            project,
            app,
            commit: commit().unwrap_or_default(),
        }
    })
    .watching(|view: &CommitPlaces| {
        let app = view.place.app.iter();
        app.fold(Topics::default(), |topics, app| topics.and("app", app.id))
    })
    .view(|view| show(&view))
}

/// The form that asks where a commit is: plain, it changes the address. `base` is the app's.
pub fn finder(base: &str, asked: &str) -> AnyView {
    let action = format!("{base}/releases/commit");
    let asked = asked.to_owned();
    view! {
        <form method="get" action=action class="row wrap">
            <label class="row wrap"><span>{tr!(release.where_is)}</span>
                <input class="input" name="commit" value=asked autocomplete="off" required minlength="7" maxlength="64" pattern="[0-9A-Fa-f]+"/>
            </label>
            {submit(Weight::Plain, tr!(release.find))}
        </form>
    }
    .into_any()
}

fn show(view: &CommitPlaces) -> AnyView {
    let base = view.place.path();
    let trouble = view
        .trouble
        .as_ref()
        .map(|trouble| view! { <p class="note warn" role="alert">{say(trouble)}</p> });
    let commit = view.commit.as_ref().map(|commit| {
        view! {
            <p><span class="strong">{commit.title.clone()}</span>" "<code class="muted">{short_sha(&commit.sha)}</code>" · "{commit.author.clone()}</p>
        }
    });
    let first = match &view.first {
        Some(first) => {
            let href = format!("{base}/releases/{}", encode(&first.version));
            view! { <p>{tr!(release.came_with)}" "<a class="link" href=href>{first.version.clone()}</a></p> }
                .into_any()
        }
        None => view! { <p class="muted">{tr!(release.came_with_none)}</p> }.into_any(),
    };
    let rows = view.environments.iter().map(|one| row(&base, one)).collect_view();
    let list = if view.environments.is_empty() {
        view! { <EmptyState title=tr!(release.no_environments) hint=tr!(release.no_environments_hint)/> }
            .into_any()
    } else {
        view! { <ul class="list">{rows}</ul> }.into_any()
    };
    view! {
        <PageHead title=tr!(release.where_is) line=title_of(&view.place).into_any()/>
        <div class="stack wide">
            <div class="box box-body">{finder(&base, &view.asked)}</div>
            {trouble}
            <div class="box box-body stack">{commit}{first}</div>
            <Panel title=tr!(release.runs_in)>{list}</Panel>
        </div>
    }
    .into_any()
}

fn row(base: &str, one: &CommitIn) -> AnyView {
    let verdict = match (&one.running, one.there) {
        (None, _) => tag(tr!(release.nothing_there)),
        (Some(_), Some(true)) => pill(Status::Success, tr!(release.is_there)),
        (Some(_), Some(false)) => pill(Status::Queued, tr!(release.is_not_there)),
        (Some(_), None) => pill(Status::Degraded, tr!(release.not_known)),
    };
    let running = one.running.as_ref().map(|running| {
        let href = format!("{base}/releases/{}", encode(&running.version));
        view! { <a class="link" href=href>{running.version.clone()}</a> }
    });
    view! { <li class="list-row">{env_badge(&one.environment)}{verdict}{running}</li> }.into_any()
}
