//! How something that was found looks, on the page and in the palette.

use crate::board::parts::state;
use crate::design::icon::{Icon, icon};
use crate::design::status;
use crate::design::time::time;
use leptos::prelude::*;
use slipway_domain::item::ItemKind;
use slipway_domain::search::{Hit, HitKind, Mark};

/// The sign of what was found.
fn sign(hit: &Hit) -> Icon {
    match (hit.kind, &hit.mark) {
        (HitKind::Org, _) => Icon::Brand,
        (HitKind::Project, _) => Icon::Board,
        (HitKind::App, _) => Icon::Apps,
        (HitKind::Item, Some(Mark::Item(ItemKind::Bug, _))) => Icon::Bug,
        (HitKind::Item, _) => Icon::Approval,
        (HitKind::Release, _) => Icon::Tray,
        (HitKind::Run, _) => Icon::Running,
        (HitKind::Environment, _) => Icon::Layers,
        (HitKind::Person, _) => Icon::People,
    }
}

/// What was found, in one line: its sign, its key, its name, where it is, where it stands.
pub fn hit(hit: &Hit) -> AnyView {
    let mark = match &hit.mark {
        Some(Mark::Item(_, at)) => state(at),
        Some(Mark::Run(at)) => status::run(*at, None),
        None => ().into_any(),
    };
    // What people know by its name leads with it, and what they know by its key with that.
    let keyed = matches!(hit.kind, HitKind::Item | HitKind::Release | HitKind::Run);
    let name = if keyed {
        view! { <code class="muted nowrap">{hit.key.clone()}</code><span class="hit-title clip">{hit.title.clone()}</span> }
            .into_any()
    } else {
        let key =
            (hit.key != hit.title).then(|| view! { <code class="muted nowrap">{hit.key.clone()}</code> });
        view! { <span class="hit-title clip">{hit.title.clone()}</span>{key} }.into_any()
    };
    view! {
        {icon(sign(hit))}
        <span class="hit-name">{name}</span>
        <span class="hit-within small muted clip">{hit.within.clone()}{hit.at.map(|at| view! { " · "{time(at)} })}</span>
        <span class="hit-mark">{mark}</span>
    }
    .into_any()
}
