//! Parts that several pages about work items share.

use crate::design::avatar::initials;
use crate::design::form::FormState;
use crate::design::status::{Status, pill, tag};
use crate::design::time::day;
use crate::i18n::say;
use crate::tr;
use leptos::prelude::*;
use slipway_domain::item::{Card, Color, ItemState, Priority, Severity};
use slipway_domain::person::PersonRef;
use slipway_domain::text::Text;

/// Where an item stands.
pub fn state(state: &ItemState) -> AnyView {
    pill(look(state.color()), say(&state.text()))
}

/// How a color of a state looks.
pub const fn look(color: Color) -> Status {
    match color {
        Color::Gray => Status::Queued,
        Color::Blue => Status::Running,
        Color::Violet => Status::Waiting,
        Color::Green => Status::Success,
        Color::Red => Status::Failed,
        Color::Amber => Status::Degraded,
        Color::Teal => Status::Frozen,
        Color::Pale => Status::Cancelled,
    }
}

/// The severity of a bug and a priority that is not the usual one.
pub fn urgency(card: &Card) -> AnyView {
    let severity = card.severity.map(|severity| match severity {
        Severity::Fatal | Severity::Serious => pill(Status::Failed, say(&severity.text())),
        Severity::Normal | Severity::Minor | Severity::Suggestion => tag(say(&severity.text())),
    });
    let priority = match card.priority {
        Priority::Urgent => Some(pill(Status::Failed, say(&card.priority.text()))),
        Priority::High => Some(pill(Status::Degraded, say(&card.priority.text()))),
        Priority::Normal | Priority::Low => None,
    };
    view! { {severity}{priority} }.into_any()
}

/// When it is due, marked where that is over or near. `today` as in `2026-11-21`.
pub fn due(card: &Card, today: &str) -> Option<AnyView> {
    let due = card.due_on.as_deref()?;
    if card.state.category().is_over() {
        return None;
    }
    let number = slipway_domain::roadmap::day_number;
    let soon = number(due)
        .zip(number(today))
        .is_some_and(|(due, today)| due - today <= 1);
    Some(if card.is_overdue(today) {
        pill(Status::Failed, format!("{} {}", tr!(board.overdue), day(due)))
    } else if soon {
        pill(Status::Degraded, format!("{} {}", tr!(board.due_soon), day(due)))
    } else {
        view! { <span class="small muted">{tr!(board.due)}" "{day(due)}</span> }.into_any()
    })
}

/// An estimate in words.
pub fn points(points: i64) -> String {
    match points {
        1 => tr!(board.one_point),
        n => tr!(board.points, n = n),
    }
}

/// Who does it, by name.
pub fn assignee(person: Option<&PersonRef>) -> AnyView {
    match person {
        Some(person) => {
            view! { <span class="row nowrap">{initials(person)}{person.name.clone()}</span> }.into_any()
        }
        None => view! { <span class="muted">{tr!(board.nobody)}</span> }.into_any(),
    }
}

/// The options of a choice.
pub fn options<T: Copy + PartialEq>(all: &[T], chosen: T, of: fn(T) -> (&'static str, Text)) -> Vec<AnyView> {
    all.iter()
        .map(|one| {
            let (key, text) = of(*one);
            view! { <option value=key selected=*one == chosen>{say(&text)}</option> }.into_any()
        })
        .collect()
}

/// The choices of a [`Control::Select`](crate::design::field::Control::Select).
pub fn choices<T: Copy>(all: &[T], of: fn(T) -> (&'static str, Text)) -> Vec<(String, String)> {
    all.iter()
        .map(|one| {
            let (key, text) = of(*one);
            (key.to_owned(), say(&text))
        })
        .collect()
}

/// A choice of a filter, which may be any.
pub fn pick(name: &'static str, label: String, choices: Vec<(String, String)>, chosen: &str) -> AnyView {
    pick_or(tr!(iteration.any), name, label, choices, chosen)
}

/// A choice that may be none; `none` says so.
pub fn pick_or(
    none: String,
    name: &'static str,
    label: String,
    choices: Vec<(String, String)>,
    chosen: &str,
) -> AnyView {
    let any = (String::new(), none);
    let options = [any]
        .into_iter()
        .chain(choices)
        .map(|(value, word)| {
            let selected = value == chosen;
            view! { <option value=value selected=selected>{word}</option> }
        })
        .collect_view();
    view! { <label class="field"><span>{label}</span><select class="input" name=name>{options}</select></label> }.into_any()
}

/// A field for a day.
pub fn day_field(name: &'static str, label: String) -> AnyView {
    let form = FormState::here();
    let id = form.id_of(name);
    let error = format!("{id}-error");
    let described = error.clone();
    let wrong = Signal::derive(move || form.wrong(name));
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            <input
                class="input" type="date" id=id name=name required value=form.typed(name)
                aria-invalid=move || wrong.with(Option::is_some).then_some("true")
                aria-describedby=move || wrong.with(Option::is_some).then(|| described.clone())
            />
            {move || wrong.get().map(|wrong| view! { <p class="error" id=error.clone()>{wrong}</p> })}
        </div>
    }
    .into_any()
}
