//! Search: the page, which works without JavaScript, and the palette over every page.

pub mod api;
mod choices;
mod keys;
mod palette;
mod parts;
pub mod summon;

pub use palette::palette;

use crate::design::icon::{Icon, icon};
use crate::design::page::{PageHead, Panel};
use crate::design::state::EmptyState;
use crate::i18n::say;
use crate::load::load;
use crate::places::{encode, query};
use crate::tr;
use leptos::prelude::*;
use slipway_domain::search::{Found, HitGroup, LONGEST};

/// How many hits of a kind the page shows at first, and when asked for more.
const SHOWN: usize = 10;
const ALL: usize = 50;

/// `/search`.
pub fn search_page() -> AnyView {
    let (typed, all) = (query("q"), query("all"));
    let limit = move || if all().is_some() { ALL } else { SHOWN };
    load(move || api::Find {
        q: typed().unwrap_or_default(),
        limit: limit(),
    })
    .view(move |found| show(&found, limit()))
}

fn show(found: &Found, limit: usize) -> AnyView {
    let title = if found.query.is_empty() {
        tr!(search.title)
    } else {
        tr!(search.title_of, q = found.query)
    };
    let body = match (found.groups.is_empty(), found.query.is_empty()) {
        (false, recent) => {
            let groups = found
                .groups
                .iter()
                .map(|g| group(g, &found.query, limit))
                .collect_view();
            let note = recent.then(|| view! { <p class="muted">{tr!(search.recent)}</p> });
            view! { {note}<div class="stack wide">{groups}</div> }.into_any()
        }
        (true, true) => {
            view! { <EmptyState title=tr!(search.nothing_yet) hint=tr!(search.hint)/> }.into_any()
        }
        (true, false) => {
            let title = tr!(search.none, q = found.query);
            view! { <EmptyState title hint=tr!(search.none_hint)/> }.into_any()
        }
    };
    view! {
        <PageHead title/>
        <form action="/search" method="get" role="search" class="search-form">
            {icon(Icon::Search)}
            <input
                class="input" type="search" name="q" value=found.query.clone() maxlength=LONGEST autocomplete="off"
                aria-label=tr!(search.label) placeholder=tr!(search.placeholder)
            />
            <button type="submit" class="btn primary">{tr!(search.go)}</button>
        </form>
        {body}
    }
    .into_any()
}

fn group(group: &HitGroup, q: &str, limit: usize) -> AnyView {
    let rows = group
        .hits
        .iter()
        .map(|hit| view! { <li><a class="hit" href=hit.path.clone()>{parts::hit(hit)}</a></li> })
        .collect_view();
    let more = group.more.then(|| {
        if limit < ALL {
            let href = format!("/search?q={}&all=1", encode(q));
            view! { <p class="box-body"><a class="link" href=href>{tr!(search.more)}</a></p> }.into_any()
        } else {
            view! { <p class="box-body muted small">{tr!(search.too_many, n = ALL)}</p> }.into_any()
        }
    });
    view! { <Panel title=say(&group.kind.text())><ul class="hits">{rows}</ul>{more}</Panel> }.into_any()
}
