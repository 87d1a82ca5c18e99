//! How far an import is: each repository with its app, or why it has none and what to do.

use super::api::{RetryImport, StopImport};
use super::page_query;
use crate::design::button::{Weight, button_link, submit};
use crate::design::form::{Form, hidden, place_fields};
use crate::design::page::PageHead;
use crate::design::status::{Status, pill, tag};
use crate::design::table::{row, table};
use crate::design::time::{clock, time};
use crate::i18n::say;
use crate::live::refresh_without_js;
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::import::{ImportItem, ImportState, ImportView, ItemState};

pub(super) fn show(view: &ImportView) -> AnyView {
    let counts = view.row.counts;
    let mut line = tr!(import.n_of_m_done, n = counts.ended(), m = counts.total());
    if counts.failed > 0 {
        line = format!("{line} · {}", tr!(import.n_failed, n = counts.failed));
    }
    if counts.skipped > 0 {
        line = format!("{line} · {}", tr!(import.n_skipped, n = counts.skipped));
    }
    let heads = [tr!(import.repository), tr!(import.state), tr!(import.result)];
    let heads = heads.into_iter().map(IntoAny::into_any).collect();
    let base = view.place.path();
    let rows = view
        .items
        .items
        .iter()
        .map(|item| item_row(&base, item))
        .collect();
    let running = view.row.state == ImportState::Running;
    view! {
        {running.then(refresh_without_js)}
        <PageHead
            title=tr!(import.import_of, group = view.row.group)
            mark=state(view.row.state)
            line=line.into_any()
            actions=actions(view)
        />
        <div class="stack wide">
            {meter(view)}
            {notes(view)}
            <div class="box">{table(tr!(import.repositories), heads, rows)}</div>
            {pages(view)}
        </div>
        {foot(view)}
    }
    .into_any()
}

/// Where an import stands.
pub(super) fn state(state: ImportState) -> AnyView {
    match state {
        ImportState::Draft => pill(Status::Waiting, tr!(import.state_draft)),
        ImportState::Running => pill(Status::Running, tr!(import.state_running)),
        ImportState::Stopped => pill(Status::Cancelled, tr!(import.state_stopped)),
        ImportState::Done => pill(Status::Success, tr!(import.state_done)),
    }
}

fn meter(view: &ImportView) -> AnyView {
    let (ended, total) = (view.row.counts.ended(), view.row.counts.total());
    view! { <progress class="import-meter" value=ended.to_string() max=total.to_string() aria-label=tr!(import.done)></progress> }
        .into_any()
}

fn notes(view: &ImportView) -> AnyView {
    let reason = view
        .reason
        .as_ref()
        .map(|reason| view! { <p class="note warn" role="status">{say(reason)}</p> });
    let trouble = view.trouble.as_ref().map(|trouble| {
        let again = view
            .retry_at
            .map(|at| view! { <span>" "{tr!(import.again_at)}" "{clock(at)}</span> });
        view! { <p class="note warn" role="status">{say(trouble)}{again}</p> }
    });
    view! { {reason}{trouble} }.into_any()
}

fn actions(view: &ImportView) -> AnyView {
    let id = view.row.id.to_string();
    let place = place_fields(&view.place);
    let counts = view.row.counts;
    let other = button_link(
        Weight::Plain,
        format!("{}/import", view.place.path()),
        tr!(import.import_more),
    );
    match view.row.state {
        ImportState::Running => view! {
            <Form action=StopImport::PATH class="inline" done=tr!(import.stopped) confirm=tr!(import.stop_ask)>
                {place}{hidden("id", id)}{submit(Weight::Danger, tr!(import.stop))}
            </Form>
        }
        .into_any(),
        _ if counts.waiting > 0 || counts.failed > 0 => {
            let word = if counts.waiting > 0 {
                tr!(import.go_on)
            } else {
                tr!(import.retry)
            };
            view! {
                {other}
                <Form action=RetryImport::PATH class="inline" done=tr!(import.goes_on)>
                    {place}{hidden("id", id)}{submit(Weight::Primary, word)}
                </Form>
            }
            .into_any()
        }
        _ => other,
    }
}

fn item_row(base: &str, item: &ImportItem) -> AnyView {
    let archived = item.archived.then(|| tag(tr!(import.archived)));
    let name =
        view! { <span class="row wrap"><code class="break">{item.path.clone()}</code>{archived}</span> }
            .into_any();
    row(
        name,
        vec![
            (tr!(import.state), item_state(item.state)),
            (tr!(import.result), result(base, item)),
        ],
    )
}

fn item_state(state: ItemState) -> AnyView {
    match state {
        ItemState::Waiting => pill(Status::Queued, tr!(import.item_waiting)),
        ItemState::Done => pill(Status::Success, tr!(import.item_done)),
        ItemState::Failed => pill(Status::Failed, tr!(import.item_failed)),
        ItemState::Skipped => pill(Status::Cancelled, tr!(import.item_skipped)),
    }
}

/// The app, or why there is none.
fn result(base: &str, item: &ImportItem) -> AnyView {
    let app = match (&item.app, item.state) {
        (Some(app), _) => {
            view! { <a href=format!("{base}/apps/{}", app.slug)>{app.name.clone()}</a> }.into_any()
        }
        (None, ItemState::Done) => view! { <span class="muted">{tr!(import.app_gone)}</span> }.into_any(),
        (None, _) => {
            view! { <span class="muted">{item.name.clone()}" "<code>{item.slug.clone()}</code></span> }
                .into_any()
        }
    };
    let reason = item
        .reason
        .as_ref()
        .map(|reason| view! { <span class="small break">{say(reason)}</span> });
    view! { <span class="stack tight">{app}{reason}</span> }.into_any()
}

fn pages(view: &ImportView) -> AnyView {
    let page = view.items.page;
    let link = |to: u32, word: String| {
        let href = match page_query(to) {
            none if none.is_empty() => format!("{}/imports/{}", view.place.path(), view.row.id),
            query => query,
        };
        button_link(Weight::Plain, href, word)
    };
    let previous = (page > 1).then(|| link(page.saturating_sub(1), tr!(import.previous)));
    let next = view
        .items
        .more
        .then(|| link(page.saturating_add(1), tr!(import.next)));
    let any = previous.is_some() || next.is_some();
    any.then(|| view! { <p class="row">{previous}{next}</p> })
        .into_any()
}

fn foot(view: &ImportView) -> AnyView {
    let ended = view
        .ended_at
        .map(|at| view! { <span>" · "{tr!(import.ended)}" "{time(at)}</span> });
    let via = view
        .connection_name
        .as_ref()
        .map(|name| format!(" · {}", tr!(import.via, connection = name)));
    view! {
        <p class="small muted foot">
            {tr!(import.started_by, name = view.row.by.name)}{via}{ended}" · "{tr!(common.as_of)}" "{clock(view.as_of)}" · "
            {tr!(common.updates_live)}
        </p>
    }
    .into_any()
}
