//! What happened to an item, as its history tells it.

use crate::design::avatar::initials;
use crate::design::time::time;
use crate::i18n::say;
use crate::tr;
use leptos::prelude::*;
use slipway_domain::item::{Field, ItemEvent, ItemState, Relation, Value};

/// The history, newest first. What an item held from the start is left out: the item was created with it.
pub fn list(events: &[ItemEvent]) -> AnyView {
    let shown = events
        .iter()
        .filter(|event| event.version > 1 || Field::from_key(&event.field).is_none());
    let rows = shown.map(event).collect::<Vec<_>>();
    view! { <ul class="checks box-body">{rows}</ul> }.into_any()
}

fn event(event: &ItemEvent) -> AnyView {
    let who = event
        .by
        .as_ref()
        .map_or_else(|| String::from("Slipway"), |by| by.name.clone());
    let what = words(event);
    let cause = event.cause.as_ref().map(|cause| {
        // What GitLab calls an address is followed only where it is one of the web; the rest are pages of Slipway.
        let safe = ["https://", "http://", "/orgs/"]
            .iter()
            .any(|start| cause.url.starts_with(start));
        let said = if safe {
            view! { <a class="link" href=cause.url.clone() rel="noreferrer">{cause.said.clone()}</a> }
                .into_any()
        } else {
            view! { {cause.said.clone()} }.into_any()
        };
        view! { <span class="muted">{say(&cause.trigger.text())}" "{said}</span> }
    });
    view! { <li>{event.by.as_ref().map(initials)}<span class="strong">{who}</span><span>{what}</span>{cause}<span class="muted">{time(event.at)}</span></li> }
        .into_any()
}

fn words(event: &ItemEvent) -> String {
    let (before, after) = (&event.before, &event.after);
    match (event.field.as_str(), Field::from_key(&event.field)) {
        ("created", _) => tr!(board.created),
        ("deleted", _) => tr!(board.deleted),
        ("state", _) if before.key == after.key => tr!(board.counts_otherwise, state = state(after)),
        ("state", _) => tr!(board.went, from = state(before), to = state(after)),
        ("comment", _) if after.key.is_empty() => tr!(board.comment_removed),
        ("comment", _) => tr!(board.comment_edited),
        ("attachment", _) if after.key.is_empty() => tr!(board.detached, name = before.said),
        ("attachment", _) => tr!(board.attached, name = after.said),
        ("link", _) if after.key.is_empty() => tr!(board.unlinked, link = link(before)),
        ("link", _) => tr!(board.linked, link = link(after)),
        (_, Some(Field::Description)) => tr!(board.description_changed),
        (_, Some(field)) => tr!(
            board.field_changed,
            field = say(&field.text()),
            from = say(&field.say(before)),
            to = say(&field.say(after))
        ),
        (field, None) => format!("{field}: {} → {}", before.said, after.said),
    }
}

fn state(value: &Value) -> String {
    say(&ItemState::called_in_history(&value.key, &value.said))
}

/// `Blocks CHK-12`.
fn link(value: &Value) -> String {
    let relation = value.key.split(':').next().and_then(Relation::from_key);
    let key = value.said.rsplit(' ').next().unwrap_or_default();
    relation.map_or_else(
        || value.said.clone(),
        |relation| format!("{} {key}", say(&relation.text())),
    )
}
