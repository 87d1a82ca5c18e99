//! What runs in an environment of an app: its pods, what happened to them, how many there are to be, and their logs.

mod api;
mod log;

pub use log::pod_log_page;

use crate::design::button::{Weight, button_link, submit};
use crate::design::environment::env_badge;
use crate::design::field::{Control, Field};
use crate::design::form::{Form, place_fields};
use crate::design::page::{PageHead, Panel};
use crate::design::state::EmptyState;
use crate::design::status::{Status, pill, tag};
use crate::design::table::{row, table};
use crate::design::time::{clock, time};
use crate::drift::{brief, drift_href};
use crate::i18n::say;
use crate::live::{Topics, refresh_without_js};
use crate::load::load;
use crate::places::{app_params, encode, param};
use crate::tr;
use api::{ReadPods, RestartWorkload, ScaleWorkload};
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::pod::{Event, Pod, PodsPage};
use slipway_domain::rollout::{Run, RunOutcome};

/// `P/apps/{app}/environments/{environment}`.
pub fn pods_page() -> AnyView {
    let (params, environment) = (app_params(), param("environment"));
    load(move || {
        let (org, project, app) = params();
        ReadPods {
            org,
            project,
            app,
            environment: environment(),
        }
    })
    .watching(|page: &PodsPage| {
        let app = page.place.app.iter();
        app.fold(Topics::default(), |topics, app| topics.and("app", app.id))
    })
    .view(|page| show(&page))
}

fn stop_href(page: &PodsPage) -> String {
    format!(
        "{}/environments/{}",
        page.place.path(),
        encode(&page.environment.key)
    )
}

fn show(page: &PodsPage) -> AnyView {
    let name = page
        .place
        .app
        .as_ref()
        .map_or_else(String::new, |app| app.name.clone());
    let title = tr!(
        pod.title_of,
        name = name,
        environment = page.environment.key.clone()
    );
    let version = page.current.as_ref().map(|current| {
        let href = format!("{}/releases/{}", page.place.path(), encode(&current.version));
        view! { <a class="link" href=href>{current.version.clone()}</a>" · " }
    });
    let line = view! { {env_badge(&page.environment)}" "{version}{tr!(common.as_of)}" "{clock(page.as_of)} }
        .into_any();
    let drift = button_link(
        Weight::Plain,
        drift_href(&page.place.path(), &page.environment.key),
        tr!(drift.title),
    );
    let trouble = page
        .trouble
        .as_ref()
        .map(|trouble| view! { <p class="note warn gap-below" role="status">{say(trouble)}</p> });
    let drifted = page.drift.as_ref().map(
        |one| view! { <p class="gap-below">{brief(&page.place.path(), &page.environment.key, one)}</p> },
    );
    view! {
        {refresh_without_js()}
        <PageHead title line actions=drift/>
        {trouble}
        {drifted}
        <div class="stack wide">
            {runs(&page.runs)}
            {pods(page)}
            {acts(page)}
            {events(&page.events)}
        </div>
    }
    .into_any()
}

fn pods(page: &PodsPage) -> AnyView {
    if page.pods.is_empty() && !page.runs.is_empty() {
        return ().into_any();
    }
    if page.pods.is_empty() {
        let (title, hint) = match (&page.current, &page.trouble) {
            (_, Some(_)) => (tr!(pod.unknown), tr!(pod.unknown_hint)),
            (None, None) => (tr!(drift.nothing_there), tr!(pod.nothing_there_hint)),
            (Some(_), None) => (tr!(pod.none), tr!(pod.none_hint)),
        };
        return view! { <EmptyState title hint/> }.into_any();
    }
    let ready = page.pods.iter().filter(|pod| pod.newest && pod.ready).count();
    let aside = page.desired.map_or_else(
        || ().into_any(),
        |desired| tr!(common.ready, ready = ready, desired = desired).into_any(),
    );
    let heads = [
        tr!(pod.pod),
        tr!(pod.status),
        tr!(pod.containers),
        tr!(pod.restarts),
        tr!(pod.node),
        tr!(pod.age),
    ];
    let rows = page.pods.iter().map(|pod| one(page, pod)).collect();
    let list = table(
        tr!(pod.title),
        heads.into_iter().map(IntoAny::into_any).collect(),
        rows,
    );
    view! { <Panel title=tr!(pod.title) aside>{list}</Panel> }.into_any()
}

/// The runs of a schedule: how each went, when, and why it failed.
fn runs(runs: &[Run]) -> Option<AnyView> {
    if runs.is_empty() {
        return None;
    }
    let heads = [tr!(pod.run), tr!(pod.status), tr!(pod.began), tr!(pod.ended)];
    let rows = runs
        .iter()
        .map(|run| {
            let (look, word) = match run.outcome {
                RunOutcome::Running => (Status::Running, tr!(pod.run_runs)),
                RunOutcome::Succeeded => (Status::Success, tr!(pod.run_succeeded)),
                RunOutcome::Failed => (Status::Failed, tr!(pod.run_failed)),
            };
            let old = (!run.current).then(|| tag(tr!(pod.run_earlier)));
            let why = run
                .message
                .as_ref()
                .map(|why| view! { <span class="small muted break">" "{why.clone()}</span> });
            row(
                view! { <code class="break">{run.name.clone()}</code>" "{old} }.into_any(),
                vec![
                    (tr!(pod.status), view! { {pill(look, word)}{why} }.into_any()),
                    (tr!(pod.began), run.started_at.map_or_else(|| ().into_any(), time)),
                    (tr!(pod.ended), run.ended_at.map_or_else(|| "–".into_any(), time)),
                ],
            )
        })
        .collect();
    let list = table(
        tr!(pod.runs),
        heads.into_iter().map(IntoAny::into_any).collect(),
        rows,
    );
    Some(view! { <Panel title=tr!(pod.runs)>{list}</Panel> }.into_any())
}

fn one(page: &PodsPage, pod: &Pod) -> AnyView {
    let href = format!("{}/pods/{}", stop_href(page), encode(&pod.name));
    let old = (!pod.newest).then(|| tag(tr!(pod.old)));
    let name = view! { <a class="break" href=href>{pod.name.clone()}</a>" "{old} }.into_any();
    let look = match (pod.status.as_str(), pod.ready) {
        ("Running", true) => Status::Success,
        ("Running" | "Pending" | "ContainerCreating" | "PodInitializing", false) => Status::Running,
        ("Terminating" | "Completed", _) => Status::Cancelled,
        (word, _) if word.starts_with("Init:") && word.contains('/') => Status::Running,
        _ => Status::Failed,
    };
    let (ready, all) = pod.ready_containers();
    row(
        name,
        vec![
            (tr!(pod.status), pill(look, pod.status.clone())),
            (tr!(pod.containers), format!("{ready}/{all}").into_any()),
            (tr!(pod.restarts), pod.restarts.to_string().into_any()),
            (
                tr!(pod.node),
                pod.node.clone().unwrap_or_else(|| String::from("–")).into_any(),
            ),
            (tr!(pod.age), pod.created_at.map_or_else(|| ().into_any(), time)),
        ],
    )
}

/// Scaling and restarting, for who may.
fn acts(page: &PodsPage) -> Option<AnyView> {
    if !page.may_scale || page.current.is_none() {
        return None;
    }
    let (place, again) = (page.place.clone(), page.place.clone());
    let (scaled, restarted) = (page.environment.key.clone(), page.environment.key.clone());
    let value = page.desired.unwrap_or_default().to_string();
    Some(
        view! {
            <Panel title=tr!(pod.acts)>
                <div class="box-body stack">
                    <Form action=ScaleWorkload::PATH class="form narrow" done=tr!(pod.scaled) confirm=tr!(pod.scale_confirm) key=("environment", scaled)>
                        {place_fields(&place)}
                        <Field name="replicas" label=tr!(pod.replicas) help=tr!(pod.replicas_help) control=Control::Number value=value/>
                        <p>{submit(Weight::Plain, tr!(pod.scale))}</p>
                    </Form>
                    <Form action=RestartWorkload::PATH class="" done=tr!(pod.restarted) confirm=tr!(pod.restart_confirm) key=("environment", restarted)>
                        {place_fields(&again)}
                        <p class="muted">{tr!(pod.restart_help)}</p>
                        {submit(Weight::Plain, tr!(pod.restart))}
                    </Form>
                </div>
            </Panel>
        }
        .into_any(),
    )
}

fn events(events: &[Event]) -> Option<AnyView> {
    if events.is_empty() {
        return None;
    }
    let items = events
        .iter()
        .map(|event| {
            let look = if event.warning { Status::Degraded } else { Status::Queued };
            let count = (event.count > 1).then(|| tag(format!("× {}", event.count)));
            view! {
                <li class="list-row">
                    <span class="row wrap">{pill(look, event.reason.clone())}<code class="break">{event.object.clone()}</code>{count}</span>
                    <span class="muted small">{event.at.map(time)}</span>
                    <span class="small wide">{event.message.clone()}</span>
                </li>
            }
        })
        .collect_view();
    Some(view! { <Panel title=tr!(pod.events)><ul class="list">{items}</ul></Panel> }.into_any())
}
