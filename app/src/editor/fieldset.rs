//! Fields of the editor's forms: their names are paths of the file, and some change it with every key.

use super::change::SWITCH;
use crate::AppError;
use crate::design::form::FormState;
use crate::design::raw_text::raw_text;
use leptos::prelude::*;
use std::sync::Arc;

/// What kind of control a field has.
#[derive(Clone, Debug)]
pub(super) enum Control {
    /// One line.
    Line,
    /// Several lines.
    Lines,
    /// A whole number.
    Number,
    /// On or off.
    Switch,
    /// One of some values, each with its word.
    Choice(Vec<(String, String)>),
}

type Typed = Arc<dyn Fn(String) -> Result<(), AppError> + Send + Sync>;

/// A field that is sent with its form.
pub(super) fn field(
    name: &str,
    label: String,
    help: Option<String>,
    control: Control,
    text: &str,
) -> AnyView {
    make(name, label, help, control, text, true, None)
}

/// A field that also tells every change of it.
pub(super) fn typed_field(
    name: &str,
    label: String,
    help: Option<String>,
    control: Control,
    text: &str,
    may_edit: bool,
    typed: impl Fn(String) -> Result<(), AppError> + Send + Sync + 'static,
) -> AnyView {
    make(name, label, help, control, text, may_edit, Some(Arc::new(typed)))
}

/// One line.
pub(super) fn line(name: &str, label: String, text: &str) -> AnyView {
    field(name, label, None, Control::Line, text)
}

/// One of some values.
pub(super) fn choice(name: &str, label: String, choices: Vec<(String, String)>) -> AnyView {
    field(name, label, None, Control::Choice(choices), "")
}

/// One of some values, of which one is chosen; it is among them even where they lack it.
pub(super) fn chosen_of(
    name: &str,
    label: String,
    mut choices: Vec<(String, String)>,
    chosen: &str,
) -> AnyView {
    if !choices.iter().any(|(key, _)| key == chosen) {
        choices.push((chosen.to_owned(), chosen.to_owned()));
    }
    field(name, label, None, Control::Choice(choices), chosen)
}

fn make(
    name: &str,
    label: String,
    help: Option<String>,
    control: Control,
    text: &str,
    may_edit: bool,
    typed: Option<Typed>,
) -> AnyView {
    let form = FormState::here();
    let name = format!("change[{name}]");
    let text = form.typed(&name).unwrap_or_else(|| text.to_owned());
    let id = form.id_of(&name);
    let (help_id, error_id) = (format!("{id}-help"), format!("{id}-error"));
    let own = RwSignal::new(None::<String>);
    let posted = name.clone();
    let wrong = Signal::derive(move || own.get().or_else(|| form.wrong(&posted)));
    let tell = move |text: String| {
        if let Some(typed) = &typed {
            own.set(typed(text).err().map(|error| error.message));
        }
    };
    let described = {
        let (help_id, error_id, has_help) = (help_id.clone(), error_id.clone(), help.is_some());
        move || match (has_help, wrong.with(Option::is_some)) {
            (true, true) => Some(format!("{help_id} {error_id}")),
            (true, false) => Some(help_id.clone()),
            (false, true) => Some(error_id.clone()),
            (false, false) => None,
        }
    };
    let invalid = move || wrong.with(Option::is_some).then_some("true");
    let (shown, labelled) = match control {
        Control::Switch => {
            let on = text == "true";
            let tell = tell.clone();
            let off = format!(
                "change[{SWITCH}{}]",
                name.trim_start_matches("change[").trim_end_matches(']')
            );
            let switch = view! {
                <input type="hidden" name=off value="off"/>
                <label class="check">
                    <input
                        type="checkbox" id=id.clone() name=name value="true" checked=on disabled=!may_edit aria-describedby=described
                        on:change:target=move |ev| tell(ev.target().checked().to_string())
                    />
                    {label.clone()}
                </label>
            };
            (switch.into_any(), true)
        }
        Control::Choice(choices) => {
            let options = choices
                .into_iter()
                .map(|(key, word)| view! { <option value=key.clone() selected=key == text>{word}</option> })
                .collect_view();
            let choice = view! {
                <select
                    class="input" id=id.clone() name=name disabled=!may_edit aria-invalid=invalid aria-describedby=described
                    on:change:target=move |ev| tell(ev.target().value())
                >{options}</select>
            };
            (choice.into_any(), false)
        }
        Control::Lines => {
            let rows = text.lines().count().clamp(2, 12);
            let area = view! {
                <textarea
                    class="input code" id=id.clone() name=name rows=rows spellcheck="false" readonly=!may_edit
                    aria-invalid=invalid aria-describedby=described
                    on:input:target=move |ev| tell(ev.target().value())
                >{raw_text(&text)}</textarea>
            };
            (area.into_any(), false)
        }
        Control::Line | Control::Number => {
            let kind = if matches!(control, Control::Number) {
                "number"
            } else {
                "text"
            };
            let input = view! {
                <input
                    class="input" type=kind id=id.clone() name=name value=text readonly=!may_edit autocomplete="off"
                    spellcheck="false" aria-invalid=invalid aria-describedby=described
                    on:input:target=move |ev| tell(ev.target().value())
                />
            };
            (input.into_any(), false)
        }
    };
    let head = (!labelled).then(|| view! { <label for=id>{label}</label> });
    view! {
        <div class="field">
            {head}
            {shown}
            {help.map(|help| view! { <p class="help" id=help_id>{help}</p> })}
            {move || wrong.get().map(|wrong| view! { <p class="error" id=error_id.clone()>{wrong}</p> })}
        </div>
    }
    .into_any()
}
