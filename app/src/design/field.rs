//! Fields: a label, help, an error tied to it, and what was typed before.

use super::form::FormState;
use super::raw_text::raw_text;
use leptos::prelude::*;

/// What kind of control a field has.
#[derive(Clone, Debug, Default)]
pub enum Control {
    /// One line of text.
    #[default]
    Text,
    /// One line that is not shown.
    Password,
    /// A number.
    Number,
    /// A day.
    Date,
    /// Several lines; the number of rows.
    Area(u32),
    /// One of some values, each with its word.
    Select(Vec<(String, String)>),
}

/// A labelled field. Checked by `check` when left, and then while typing.
#[component]
pub fn Field(
    /// Its name in the post; its id in the form ([`FormState::id_of`]) is made of it.
    name: &'static str,
    /// Its label.
    label: String,
    /// A line below the label.
    #[prop(optional)]
    help: Option<String>,
    /// What it holds at first.
    #[prop(optional)]
    value: String,
    /// Its control.
    #[prop(optional)]
    control: Control,
    /// Whether it must be filled.
    #[prop(optional)]
    required: bool,
    /// The browser's `autocomplete`.
    #[prop(default = "off")]
    autocomplete: &'static str,
    /// Says what is wrong with a text, if anything.
    #[prop(optional)]
    check: Option<fn(&str) -> Option<String>>,
) -> AnyView {
    let form = FormState::here();
    let value = form.typed(name).unwrap_or(value);
    let left = RwSignal::new(false);
    let own = RwSignal::new(None::<String>);
    let look = move |text: String, leaving: bool| {
        if leaving {
            left.set(true);
        }
        if let (Some(check), true) = (check, left.get_untracked()) {
            own.set(check(&text));
        }
    };
    let wrong = Signal::derive(move || own.get().or_else(|| form.wrong(name)));
    let id = form.id_of(name);
    let (help_id, error_id) = (format!("{id}-help"), format!("{id}-error"));
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
    let control = match control {
        Control::Area(rows) => view! {
            <textarea
                class="input" id=id.clone() name=name rows=rows required=required
                aria-invalid=invalid aria-describedby=described
                on:input:target=move |ev| look(ev.target().value(), false)
                on:blur:target=move |ev| look(ev.target().value(), true)
            >{raw_text(&value)}</textarea>
        }
        .into_any(),
        Control::Select(choices) => {
            let options = choices
                .into_iter()
                .map(|(key, word)| view! { <option value=key.clone() selected=key == value>{word}</option> })
                .collect_view();
            view! {
                <select class="input" id=id.clone() name=name required=required aria-invalid=invalid aria-describedby=described>
                    {options}
                </select>
            }
            .into_any()
        }
        line => {
            let kind = match line {
                Control::Password => "password",
                Control::Number => "number",
                Control::Date => "date",
                _ => "text",
            };
            view! {
                <input
                    class="input" type=kind id=id.clone() name=name value=value required=required autocomplete=autocomplete
                    aria-invalid=invalid aria-describedby=described
                    on:input:target=move |ev| look(ev.target().value(), false)
                    on:blur:target=move |ev| look(ev.target().value(), true)
                />
            }
            .into_any()
        }
    };
    view! {
        <div class="field">
            <label for=id>{label}</label>
            {control}
            {help.map(|help| view! { <p class="help" id=help_id>{help}</p> })}
            {move || wrong.get().map(|wrong| view! { <p class="error" id=error_id.clone()>{wrong}</p> })}
        </div>
    }
    .into_any()
}
