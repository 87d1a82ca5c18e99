//! How far a bulk upgrade is: each app with its merge request, or why it has none and what to do.

use super::api::{ReadUpgrade, RetryUpgrade, StopUpgrade};
use super::{given, page_of};
use crate::design::button::{Weight, button_link, submit};
use crate::design::form::{Form, hidden, place_fields};
use crate::design::page::PageHead;
use crate::design::status::{Status, pill};
use crate::design::table::{row, table};
use crate::i18n::say;
use crate::live::{Topics, refresh_without_js};
use crate::load::load;
use crate::places::param;
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::template::{StepState, UpgradeState, UpgradeStep, UpgradeView};

/// `O/templates/upgrades/{id}` and `P/templates/upgrades/{id}`.
pub fn bulk_page() -> AnyView {
    let (org, project, id) = (param("org"), param("project"), param("id"));
    load(move || ReadUpgrade {
        org: org(),
        project: given(project()),
        id: id(),
    })
    .watching(|view: &UpgradeView| Topics::of("template_upgrade", view.row.id))
    .view(|view| show(&view))
}

/// Where a bulk upgrade stands.
pub(super) fn state(state: UpgradeState) -> AnyView {
    match state {
        UpgradeState::Running => pill(Status::Running, tr!(template.running)),
        UpgradeState::Stopped => pill(Status::Cancelled, tr!(template.stopped)),
        UpgradeState::Done => pill(Status::Success, tr!(template.done)),
    }
}

fn show(view: &UpgradeView) -> AnyView {
    let counts = view.row.counts;
    let running = view.row.state == UpgradeState::Running;
    let line = tr!(template.n_of_m, n = counts.ended(), m = counts.total());
    let heads = [tr!(template.app), tr!(template.standing), tr!(template.result)];
    let heads = heads.into_iter().map(IntoAny::into_any).collect();
    let rows = view.steps.iter().map(step_row).collect();
    view! {
        {running.then(refresh_without_js)}
        <PageHead
            title=tr!(template.upgrade_to, key = view.key, to = view.row.to)
            mark=state(view.row.state)
            line=line.into_any()
            actions=actions(view)
        />
        <div class="stack wide">
            <progress
                class="import-meter" value=counts.ended().to_string() max=counts.total().to_string()
                aria-label=tr!(template.progress)
            ></progress>
            {view.reason.as_ref().map(|reason| view! { <p class="note warn" role="status">{say(reason)}</p> })}
            <div class="box">{table(tr!(template.apps), heads, rows)}</div>
        </div>
    }
    .into_any()
}

fn actions(view: &UpgradeView) -> AnyView {
    let back = button_link(
        Weight::Plain,
        format!("{}/usage", page_of(&view.place, &view.key)),
        tr!(template.usage),
    );
    let id = view.row.id.to_string();
    let place = place_fields(&view.place);
    let counts = view.row.counts;
    let act = match view.row.state {
        _ if !view.may_change => ().into_any(),
        UpgradeState::Running => view! {
            <Form action=StopUpgrade::PATH class="inline">
                {place}{hidden("id", id)}{submit(Weight::Danger, tr!(template.stop))}
            </Form>
        }
        .into_any(),
        _ if counts.refused + counts.waiting > 0 => view! {
            <Form action=RetryUpgrade::PATH class="inline">
                {place}{hidden("id", id)}{submit(Weight::Primary, tr!(template.retry))}
            </Form>
        }
        .into_any(),
        _ => ().into_any(),
    };
    view! { {back}{act} }.into_any()
}

fn step_row(step: &UpgradeStep) -> AnyView {
    let name = view! {
        <span class="stack tight">
            <a href=step.place.path()>{step.place.names()}</a><code class="small">{step.from.clone()}</code>
        </span>
    };
    let look = match step.state {
        StepState::Waiting => pill(Status::Queued, tr!(template.step_waiting)),
        StepState::Proposed => pill(Status::Success, tr!(template.step_proposed)),
        StepState::Skipped => pill(Status::Cancelled, tr!(template.step_skipped)),
        StepState::Refused => pill(Status::Failed, tr!(template.step_refused)),
    };
    let reason = step
        .reason
        .as_ref()
        .map(|reason| view! { <span class="small break">{say(reason)}</span> });
    let request = step
        .web_url
        .clone()
        .map(|url| view! { <a href=url rel="external">{tr!(template.merge_request)}</a> });
    let alone = (step.state == StepState::Refused).then(|| {
        view! { <a href=format!("{}/pipelines/upgrade", step.place.path())>{tr!(template.look_at_upgrade)}</a> }
    });
    row(
        name.into_any(),
        vec![
            (tr!(template.standing), look),
            (
                tr!(template.result),
                view! { <span class="stack tight">{request}{reason}{alone}</span> }.into_any(),
            ),
        ],
    )
}
