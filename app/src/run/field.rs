//! Fields whose names are known only when the page is made: inputs and variables.

use crate::design::form::FormState;
use crate::design::raw_text::raw_text;
use leptos::prelude::*;

/// What a field is typed into.
pub(crate) enum Typing {
    /// One line.
    Line,
    /// One line of digits.
    Number,
    /// Several lines; how many are shown.
    Lines(usize),
    /// One of these values.
    Choice(Vec<String>),
    /// One of these values, each with its word.
    Words(Vec<(String, String)>),
}

/// A labelled field. What was typed before a refusal stands in it again.
pub(crate) struct Typed {
    /// Its name in the post.
    pub name: String,
    /// Its label.
    pub label: AnyView,
    /// What is below it; empty: nothing.
    pub help: String,
    /// What it holds at first.
    pub value: String,
    /// Whether it must be filled.
    pub required: bool,
    /// How it is typed.
    pub typing: Typing,
}

impl Typed {
    /// The field, in the form around here.
    pub fn field(self) -> AnyView {
        let form = FormState::here();
        let Self {
            name,
            label,
            help,
            value,
            required,
            typing,
        } = self;
        let value = form.typed(&name).unwrap_or(value);
        let id = form.id_of(&name);
        let (help_id, error_id) = (format!("{id}-help"), format!("{id}-error"));
        let wrong = {
            let name = name.clone();
            Signal::derive(move || form.wrong(&name))
        };
        let has_help = !help.is_empty();
        let described = {
            let (help_id, error_id) = (help_id.clone(), error_id.clone());
            Signal::derive(move || match (has_help, wrong.with(Option::is_some)) {
                (true, true) => Some(format!("{help_id} {error_id}")),
                (true, false) => Some(help_id.clone()),
                (false, true) => Some(error_id.clone()),
                (false, false) => None,
            })
        };
        let control = control(typing, id.clone(), name, value, required, wrong, described);
        view! {
            <div class="field">
                <label for=id>{label}</label>
                {control}
                {has_help.then(|| view! { <p class="help" id=help_id>{help}</p> })}
                {move || wrong.get().map(|wrong| view! { <p class="error" id=error_id.clone()>{wrong}</p> })}
            </div>
        }
        .into_any()
    }
}

fn control(
    typing: Typing,
    id: String,
    name: String,
    value: String,
    required: bool,
    wrong: Signal<Option<String>>,
    described: Signal<Option<String>>,
) -> AnyView {
    let invalid = move || wrong.with(Option::is_some).then_some("true");
    let (choices, rows, number) = match typing {
        Typing::Choice(values) => (
            Some(values.into_iter().map(|value| (value.clone(), value)).collect()),
            0,
            false,
        ),
        Typing::Words(choices) => (Some(choices), 0, false),
        Typing::Lines(rows) => (None, rows, false),
        Typing::Line => (None, 0, false),
        Typing::Number => (None, 0, true),
    };
    if let Some(choices) = choices {
        let options: Vec<AnyView> = choices
            .into_iter()
            .map(|(key, word): (String, String)| {
                view! { <option value=key.clone() selected=key == value>{word}</option> }.into_any()
            })
            .collect();
        return view! {
            <select class="input" id=id name=name required=required aria-invalid=invalid aria-describedby=described>
                {options}
            </select>
        }
        .into_any();
    }
    if rows > 0 {
        return view! {
            <textarea
                class="input code" id=id name=name rows=rows required=required spellcheck="false" aria-invalid=invalid
                aria-describedby=described
            >{raw_text(&value)}</textarea>
        }
        .into_any();
    }
    view! {
        <input
            class="input code" type="text" inputmode=number.then_some("decimal") id=id name=name value=value
            required=required autocomplete="off" spellcheck="false" aria-invalid=invalid aria-describedby=described
        />
    }
    .into_any()
}
