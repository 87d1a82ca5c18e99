//! What was deployed to an environment, newest first.

use super::api::ReadHistory;
use crate::design::environment::env_badge;
use crate::design::lane::short_sha;
use crate::design::page::PageHead;
use crate::design::state::EmptyState;
use crate::design::table::{row, table};
use crate::design::time::{duration, time};
use crate::i18n::say;
use crate::live::{Topics, refresh_without_js};
use crate::load::load;
use crate::places::{encode, param, query};
use crate::promotion::parts::kind;
use crate::promotion::rollout::state;
use crate::tr;
use leptos::prelude::*;
use slipway_domain::comparison::{EnvironmentHistory, HistoryRow};

/// `P/environments/{env}`.
pub fn history_page() -> AnyView {
    let (org, project, environment) = (param("org"), param("project"), param("environment"));
    let older = query("older");
    load(move || ReadHistory {
        org: org(),
        project: project(),
        environment: environment(),
        before: older().and_then(|text| text.parse().ok()),
    })
    .watching(|view: &EnvironmentHistory| {
        let project = view.place.project.iter();
        project.fold(Topics::default(), |topics, project| {
            topics.and("project", project.id)
        })
    })
    .view(|view| show(&view))
}

fn show(view: &EnvironmentHistory) -> AnyView {
    let base = view.place.path();
    let body = if view.rows.is_empty() {
        view! { <EmptyState title=tr!(environment.no_history) hint=tr!(environment.no_history_hint)/> }
            .into_any()
    } else {
        let heads = [
            tr!(environment.app),
            tr!(environment.release),
            tr!(environment.how),
            tr!(environment.by),
            tr!(environment.began),
            tr!(environment.took),
        ];
        let rows = view.rows.iter().map(|one| history_row(&base, one)).collect();
        table(
            tr!(environment.history),
            heads.into_iter().map(IntoAny::into_any).collect(),
            rows,
        )
    };
    let older = view.older_than.map(|older| {
        view! { <p><a class="btn" href=format!("?older={older}")>{tr!(environment.older)}</a></p> }
    });
    let mark = env_badge(&view.environment).into_any();
    let line =
        view! { <a class="link" href=format!("{base}/environments")>{tr!(common.nav_environments)}</a> };
    view! {
        {refresh_without_js()}
        <PageHead title=format!("{} · {}", tr!(environment.history), view.environment.name) mark line=line.into_any()/>
        <div class="box">{body}</div>
        {older}
    }
    .into_any()
}

fn history_row(base: &str, one: &HistoryRow) -> AnyView {
    let app = format!("{base}/apps/{}", one.app);
    let release = format!("{app}/releases/{}", encode(&one.release.version));
    let promotion = format!("{app}/promotions/{}", one.promotion);
    let name = view! { <a class="strong" href=app>{one.app_name.clone()}</a> };
    let version = view! { <span class="row wrap"><a class="link" href=release>{one.release.version.clone()}</a><code class="muted">{short_sha(&one.release.sha)}</code>{kind(one.kind)}</span> };
    let reason = one
        .reason
        .as_ref()
        .map(|reason| view! { <span class="small muted">{say(reason)}</span> });
    let how = view! { <span class="stack tight"><a class="row" href=promotion>{state(one.state)}</a>{reason}</span> };
    let by = one
        .requested_by
        .as_ref()
        .map_or_else(|| tr!(common.by_branch_rule), |by| by.name.clone());
    let took = match one.finished_at {
        Some(end) => duration(end.since(one.started_at)).into_any(),
        None => "–".into_any(),
    };
    row(
        name.into_any(),
        vec![
            (tr!(environment.release), version.into_any()),
            (tr!(environment.how), how.into_any()),
            (tr!(environment.by), by.into_any()),
            (tr!(environment.began), time(one.started_at)),
            (tr!(environment.took), took),
        ],
    )
}
