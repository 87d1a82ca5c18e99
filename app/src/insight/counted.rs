//! The items that a number of a chart counts.

use super::api::ReadCounted;
use crate::design::button::{Weight, button_link};
use crate::design::page::PageHead;
use crate::design::state::EmptyState;
use crate::design::table::{row, table};
use crate::i18n::say;
use crate::load::load;
use crate::places::{encode, param, query};
use crate::tr;
use leptos::prelude::*;
use slipway_domain::insight::CountedItems;

/// `P/insights/items`; `?what=done&day=2026-11-21&zone=Asia/Shanghai&page=2`.
pub fn counted_page() -> AnyView {
    let (org, project) = (param("org"), param("project"));
    let (what, day, zone, page) = (query("what"), query("day"), query("zone"), query("page"));
    load(move || ReadCounted {
        org: org(),
        project: project(),
        what: what().unwrap_or_default(),
        day: day().unwrap_or_default(),
        zone: zone(),
        page: page().and_then(|page| page.parse().ok()),
    })
    .view(move |counted| show(&counted, &what().unwrap_or_default()))
}

fn show(counted: &CountedItems, what: &str) -> AnyView {
    let base = counted.place.path();
    let title = tr!(
        summary.counted_on,
        what = say(&counted.what),
        day = counted.day.clone()
    );
    let line = format!(
        "{} · {}",
        tr!(iteration.number_of_items, n = counted.count),
        counted.zone
    );
    let zone = encode(&counted.zone);
    let at = |page: usize| {
        format!(
            "?what={}&day={}&zone={zone}&page={page}",
            encode(what),
            counted.day
        )
    };
    let back = button_link(
        Weight::Quiet,
        format!("{base}/insights?zone={zone}"),
        tr!(insight.work),
    );
    let before =
        (counted.page > 1).then(|| button_link(Weight::Plain, at(counted.page - 1), tr!(summary.before)));
    let after = counted
        .more
        .then(|| button_link(Weight::Plain, at(counted.page + 1), tr!(iteration.next)));
    view! {
        <PageHead title line=line.into_any() actions=back/>
        <div class="box">{items(counted)}</div>
        <p class="row wrap">{before}{after}</p>
    }
    .into_any()
}

fn items(counted: &CountedItems) -> AnyView {
    if counted.items.is_empty() {
        return view! { <EmptyState title=tr!(summary.nothing) hint=tr!(summary.counted_hint)/> }.into_any();
    }
    let base = counted.place.path();
    let rows = counted
        .items
        .iter()
        .map(|number| {
            let key = format!("{}-{number}", counted.key);
            let card = counted.cards.iter().find(|card| card.key == key);
            let name = match card {
                Some(card) => {
                    let href = format!("{base}/items/{key}");
                    view! {
                        <a class="row wrap" href=href><code class="muted nowrap">{key}</code><span class="break">{card.title.clone()}</span></a>
                    }
                    .into_any()
                }
                None => view! { <span class="row wrap muted"><code class="nowrap">{key}</code>{tr!(summary.deleted)}</span> }
                    .into_any(),
            };
            let state = card.map(|card| say(&card.state.text()));
            let who = card.and_then(|card| card.assignee.as_ref().map(|who| who.name.clone()));
            row(
                name,
                vec![
                    (tr!(summary.state_now), state.into_any()),
                    (tr!(iteration.assignee), who.into_any()),
                ],
            )
        })
        .collect();
    let heads = [
        tr!(iteration.item),
        tr!(summary.state_now),
        tr!(iteration.assignee),
    ];
    table(
        say(&counted.what),
        heads.into_iter().map(IntoAny::into_any).collect(),
        rows,
    )
}
