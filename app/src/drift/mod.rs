//! What a cluster has against what was deployed to it: field by field, who changed it, and the ways to settle it.

mod api;

use crate::design::button::{Weight, button_link, not_now, submit_as};
use crate::design::diff::diff;
use crate::design::environment::env_badge;
use crate::design::field::Field;
use crate::design::form::{Form, hidden, place_fields};
use crate::design::page::{PageHead, Panel};
use crate::design::state::EmptyState;
use crate::design::status::{Status, pill};
use crate::design::table::{row, table};
use crate::design::time::time;
use crate::i18n::say;
use crate::live::{Topics, refresh_without_js};
use crate::load::load;
use crate::places::{app_params, encode, param};
use crate::promotion::parts::promotion_list;
use crate::tr;
use api::{ReadStopDrift, SettleDrift};
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::drift::{Author, Drift, DriftBrief, DriftPage, FieldChange};
use slipway_domain::project::Place;

/// `P/apps/{app}/environments/{environment}/drift`.
pub fn stop_drift_page() -> AnyView {
    let (params, environment) = (app_params(), param("environment"));
    load(move || {
        let (org, project, app) = params();
        ReadStopDrift {
            org,
            project,
            app,
            environment: environment(),
        }
    })
    .watching(|page: &DriftPage| {
        let app = page.place.app.iter();
        app.fold(Topics::default(), |topics, app| topics.and("app", app.id))
    })
    .view(|page| show(&page))
}

/// The address of the page of an environment's drift; `base` is the app's.
pub fn drift_href(base: &str, environment: &str) -> String {
    format!("{base}/environments/{}/drift", encode(environment))
}

/// How many fields drifted and who changed them, as a link to the page.
pub fn brief(base: &str, environment: &str, drift: &DriftBrief) -> AnyView {
    let words = match drift.fields {
        1 => tr!(drift.one_field),
        n => tr!(drift.n_fields, n = n),
    };
    let by = (!drift.by.is_empty()).then(|| view! { <span class="muted">{drift.by.join(", ")}</span> });
    view! { <a class="row wrap" href=drift_href(base, environment)>{pill(Status::Degraded, words)}{by}</a> }
        .into_any()
}

fn show(page: &DriftPage) -> AnyView {
    let name = page
        .place
        .app
        .as_ref()
        .map_or_else(String::new, |app| app.name.clone());
    let title = tr!(
        drift.title_of,
        name = name,
        environment = page.environment.key.clone()
    );
    let drifted = page.drift.as_ref().is_some_and(Drift::is_there);
    let mark = if drifted {
        pill(Status::Degraded, tr!(drift.drifted))
    } else if page.drift.as_ref().is_some_and(|drift| drift.trouble.is_none()) {
        pill(Status::Success, tr!(drift.as_deployed))
    } else {
        pill(Status::Queued, tr!(drift.not_compared))
    };
    let stop = format!(
        "{}/environments/{}",
        page.place.path(),
        encode(&page.environment.key)
    );
    let actions = button_link(Weight::Plain, stop, tr!(drift.to_pods));
    view! {
        {refresh_without_js()}
        <PageHead title mark line=line(page) actions/>
        {trouble(page)}
        {open(page)}
        {body(page, drifted)}
    }
    .into_any()
}

fn line(page: &DriftPage) -> AnyView {
    let version = page.current.as_ref().map(|current| {
        let href = format!("{}/releases/{}", page.place.path(), encode(&current.version));
        view! { <a class="link" href=href>{current.version.clone()}</a>" · " }
    });
    let looked = page
        .drift
        .as_ref()
        .map(|drift| view! { {tr!(drift.compared)}" "{time(drift.looked_at)} });
    view! { {env_badge(&page.environment)}" "{version}{looked} }.into_any()
}

fn trouble(page: &DriftPage) -> Option<AnyView> {
    let trouble = page.drift.as_ref()?.trouble.as_ref()?;
    Some(view! { <p class="note warn gap-below" role="status">{say(trouble)}</p> }.into_any())
}

fn open(page: &DriftPage) -> Option<AnyView> {
    if page.open.is_empty() {
        return None;
    }
    let list = promotion_list(&page.open, |row| {
        format!("{}/promotions/{}", row.place.path(), row.id)
    });
    Some(view! { <Panel title=tr!(drift.under_way)>{list}</Panel> }.into_any())
}

fn body(page: &DriftPage, drifted: bool) -> AnyView {
    if page.current.is_none() {
        return view! { <EmptyState title=tr!(drift.nothing_there) hint=tr!(drift.nothing_there_hint)/> }
            .into_any();
    }
    let Some(drift) = page.drift.as_ref().filter(|_| drifted) else {
        let (title, hint) = match &page.drift {
            Some(_) => (tr!(drift.none), tr!(drift.none_hint)),
            None => (tr!(drift.not_yet), tr!(drift.not_yet_hint)),
        };
        return view! { <EmptyState title hint/> }.into_any();
    };
    let since = drift
        .since
        .map(|since| view! { <p class="muted">{tr!(drift.since)}" "{time(since)}</p> });
    let (fields, difference) = (changes(&drift.changes), diff(&page.diff));
    view! {
        <div class="stack wide">
            {since}
            <Panel title=tr!(drift.fields)>{fields}</Panel>
            <Panel title=tr!(drift.difference)>{difference}</Panel>
            {settle(page)}
        </div>
    }
    .into_any()
}

/// The fields that are not as they were applied: what was applied, what is there, and who changed it.
pub fn changes(changes: &[FieldChange]) -> AnyView {
    let heads = [
        tr!(drift.field),
        tr!(drift.applied),
        tr!(drift.live),
        tr!(drift.who),
    ];
    let rows = changes.iter().map(change).collect();
    table(
        tr!(drift.fields),
        heads.into_iter().map(IntoAny::into_any).collect(),
        rows,
    )
}

fn change(change: &FieldChange) -> AnyView {
    let path = if change.is_gone() {
        tr!(drift.object_gone)
    } else if change.is_stranger() {
        tr!(drift.object_strange)
    } else {
        change.path.to_string()
    };
    let name = view! {
        <span class="muted">{change.kind.clone()}" "{change.name.clone()}</span>" "<code class="break">{path}</code>
    }
    .into_any();
    let live = change.live.as_ref().filter(|_| !change.is_stranger());
    let who = change
        .by
        .as_ref()
        .map_or_else(|| tr!(drift.nobody).into_any(), author);
    row(
        name,
        vec![
            (tr!(drift.applied), value(change.applied.as_ref())),
            (
                tr!(drift.live),
                if change.is_stranger() {
                    ().into_any()
                } else {
                    value(live)
                },
            ),
            (tr!(drift.who), who),
        ],
    )
}

fn author(author: &Author) -> AnyView {
    let through = (!author.subresource.is_empty()).then(|| format!(" ({})", author.subresource));
    let at = author.at.map(|at| view! { " · "{time(at)} });
    view! { <span><code>{author.manager.clone()}{through}</code><span class="muted">{at}</span></span> }
        .into_any()
}

fn value(value: Option<&serde_json::Value>) -> AnyView {
    match value {
        None => view! { <span class="muted">{tr!(drift.absent)}</span> }.into_any(),
        Some(serde_json::Value::String(text)) => {
            view! { <code class="break">{text.clone()}</code> }.into_any()
        }
        Some(other) => view! { <code class="break">{other.to_string()}</code> }.into_any(),
    }
}

/// The two ways to settle it.
fn settle(page: &DriftPage) -> AnyView {
    if !page.may_settle {
        return view! { <p class="muted">{tr!(drift.may_not)}</p> }.into_any();
    }
    let adopt = match &page.not_adoptable {
        Some(why) => not_now(tr!(drift.adopt), say(why)),
        None => submit_as("btn", "how", "adopt", tr!(drift.adopt)),
    };
    let (place, environment, digest): (Place, _, _) = (
        page.place.clone(),
        page.environment.key.clone(),
        page.digest.clone(),
    );
    view! {
        <Panel title=tr!(drift.settle)>
            <div class="box-body stack">
                <p class="muted">{tr!(drift.settle_hint)}</p>
                <Form action=SettleDrift::PATH class="form narrow" key=("environment", environment)>
                    {place_fields(&place)}
                    {hidden("digest", digest)}
                    <Field name="reason" label=tr!(drift.reason) help=tr!(drift.reason_help)/>
                    <div class="row wrap">{submit_as("btn primary", "how", "revert", tr!(drift.revert))}{adopt}</div>
                </Form>
            </div>
        </Panel>
    }
    .into_any()
}
