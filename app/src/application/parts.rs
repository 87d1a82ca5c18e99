//! The parts of an app's page.

use super::api::MergeProposal;
use crate::design::avatar::initials;
use crate::design::button::{Weight, button_link, not_now, submit};
use crate::design::form::{Form, place_fields};
use crate::design::lane::short_sha;
use crate::design::page::Panel;
use crate::design::state::EmptyState;
use crate::design::status::{self, Status, pill};
use crate::design::table::{row, table};
use crate::design::tabs::{Tab, tabs};
use crate::design::time::{duration, time};
use crate::i18n::say;
use crate::places::encode;
use crate::promotion::parts::{gates, rules, version_to};
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::app::AppOverview;
use slipway_domain::app::AppPage;
use slipway_domain::feature::Feature;
use slipway_domain::id::{TypedId, UserId};
use slipway_domain::person::PersonRef;
use slipway_domain::project::Place;
use slipway_domain::promotion::GateKind;
use slipway_domain::promotion::OpenPromotion;
use slipway_domain::run::{ProposalView, RunRow};

/// The tabs of an app; `current` is the last part of the address, empty for the overview.
pub fn app_head(place: &Place, current: &str) -> AnyView {
    let base = place.path();
    let tab = |key: &str, word: String| Tab {
        word,
        href: if key.is_empty() {
            base.clone()
        } else {
            format!("{base}/{key}")
        },
        current: key == current,
    };
    let mut shown = vec![tab("", tr!(app.overview))];
    if place.has(Feature::Pipelines) {
        shown.push(tab("pipelines", tr!(common.nav_pipelines)));
    }
    if place.has(Feature::Releases) {
        shown.push(tab("releases", tr!(common.nav_releases)));
    }
    shown.push(tab("members", tr!(common.nav_members)));
    tabs(tr!(app.tabs), shown)
}

/// What one can do with the app first.
pub fn actions(app: &AppOverview) -> AnyView {
    let base = app.place.path();
    let pipelines = (app.repository.is_some() && app.rights.run_pipeline)
        .then(|| button_link(Weight::Plain, format!("{base}/pipelines"), tr!(app.run_pipeline)));
    let promote = app.next.as_ref().map(|next| {
        let word = tr!(
            app.promote,
            version = next.version.clone(),
            env = next.environment.name.clone()
        );
        match &next.blocked {
            Some(reason) => not_now(word, say(reason)),
            None => button_link(
                Weight::Primary,
                format!("{base}/releases/{}", encode(&next.version)),
                word,
            ),
        }
    });
    let settings = app.rights.settings.then(|| {
        button_link(
            Weight::Quiet,
            format!("{base}/settings"),
            tr!(common.nav_settings),
        )
    });
    view! { {settings}{pipelines}{promote} }.into_any()
}

/// The last runs.
pub fn runs(page: &AppPage, base: &str) -> AnyView {
    let all = view! { <a href=format!("{base}/pipelines")>{tr!(app.all_runs)}</a> }.into_any();
    let body = if page.runs.is_empty() {
        let create = page.overview.rights.edit_pipeline.then(|| {
            button_link(
                Weight::Primary,
                format!("{base}/pipelines/new"),
                tr!(app.create_pipeline),
            )
        });
        let action = create.unwrap_or_else(|| ().into_any());
        view! { <EmptyState title=tr!(app.no_runs) hint=tr!(app.no_runs_hint) action/> }.into_any()
    } else {
        let heads = [
            tr!(app.run),
            tr!(app.commit),
            tr!(app.status),
            tr!(app.took),
            tr!(app.by),
        ];
        let rows = page.runs.iter().map(|run| run_row(base, run)).collect();
        table(
            tr!(app.recent),
            heads.into_iter().map(IntoAny::into_any).collect(),
            rows,
        )
    };
    view! { <Panel title=tr!(app.recent) aside=all>{body}</Panel> }.into_any()
}

fn run_row(base: &str, run: &RunRow) -> AnyView {
    let name =
        view! { <a class="mono" href=format!("{base}/runs/{}", run.number)>"#"{run.number}</a> }.into_any();
    let commit =
        view! { <span>{run.title.clone()}" "<code class="muted">{short_sha(&run.sha)}</code></span> }
            .into_any();
    let took = match (run.started_at, run.finished_at) {
        (Some(start), Some(end)) => duration(end.since(start)).into_any(),
        (Some(start), None) => time(start),
        _ => "–".into_any(),
    };
    let took = view! { <span class="muted nowrap">{took}</span> }.into_any();
    row(
        name,
        vec![
            (tr!(app.commit), commit),
            (
                tr!(app.status),
                status::run(run.status, run.failed_job.as_deref()),
            ),
            (tr!(app.took), took),
            (tr!(app.by), author(&run.author)),
        ],
    )
}

/// The disc of somebody known by GitLab's name only.
fn author(name: &str) -> AnyView {
    let person = PersonRef {
        id: UserId::from_uuid(uuid::Uuid::nil()),
        username: String::new(),
        name: name.to_owned(),
    };
    view! { <span title=name.to_owned()>{initials(&person)}<span class="visually-hidden">{name.to_owned()}</span></span> }
        .into_any()
}

/// The promotion that waits, runs or failed.
pub fn open_promotion(page: &AppPage) -> AnyView {
    let Some(open) = &page.open else {
        return view! {
            <Panel title=tr!(app.promotion)><EmptyState title=tr!(app.nothing_waits) hint=tr!(app.nothing_waits_hint)/></Panel>
        }
        .into_any();
    };
    view! {
        <section class="box">
            <header><h2 class="row">{version_to(&open.row)}</h2>{status::promotion(open.row.state)}</header>
            <div class="box-body">{open_body(open)}</div>
        </section>
    }
    .into_any()
}

fn open_body(open: &OpenPromotion) -> AnyView {
    let others: Vec<_> = open
        .gates
        .iter()
        .filter(|gate| gate.kind != GateKind::Approvals)
        .cloned()
        .collect();
    let href = format!("{}/promotions/{}", open.row.place.path(), open.row.id);
    view! {
        {open.row.reason.as_ref().map(|reason| view! { <p class="small">{say(reason)}</p> })}
        {(!open.rules.is_empty()).then(|| rules(&open.rules))}
        {gates(&others)}
        <p>{button_link(Weight::Plain, href, tr!(app.open))}</p>
    }
    .into_any()
}

/// A proposed pipeline, to be merged here.
pub fn proposal(place: &Place, proposal: &ProposalView) -> AnyView {
    let place = place_fields(place);
    let merge = match &proposal.blocked {
        Some(reason) => not_now(tr!(app.merge), say(reason)),
        None if proposal.may_merge => view! {
            <Form action=MergeProposal::PATH class="" done=tr!(app.merged) key=("id", proposal.id.to_string())>
                {place}
                {submit(Weight::Primary, tr!(app.merge))}
            </Form>
        }
        .into_any(),
        None => ().into_any(),
    };
    view! {
        <div class="note row wrap spread gap-below">
            <span class="row wrap">
                {pill(Status::Waiting, tr!(app.proposed))}
                <a class="link" href=proposal.web_url.clone() rel="external noreferrer">"!"{proposal.iid}</a>
                <span>{proposal.title.clone()}</span>
                <code class="muted">{proposal.branch.clone()}</code>
            </span>
            {merge}
        </div>
    }
    .into_any()
}
