//! One field of a generated form.

use super::draft::{Draft, SWITCHES, name_of};
use crate::design::form::FormState;
use crate::design::raw_text::raw_text;
use crate::i18n::say;
use crate::tr;
use leptos::prelude::*;
use slipway_domain::pipeline::{Options, Param, ParamKind};

/// The field of `param`. Hidden ones stay in the page, so that what was typed into them is not lost.
pub fn param_field(param: &Param, draft: Draft) -> AnyView {
    let form = FormState::here();
    let id = form.id_of(&param.id);
    let (help_id, error_id) = (format!("{id}-help"), format!("{id}-error"));
    let wrong = {
        let key = param.id.clone();
        let posted = [param.id.clone(), name_of(&param.id)];
        Signal::derive(move || {
            draft
                .wrong(&key)
                .or_else(|| posted.iter().find_map(|name| wrong_of(form, name)))
        })
    };
    let help = say(&param.help);
    let has_help = !help.is_empty();
    let described = {
        let (help_id, error_id) = (help_id.clone(), error_id.clone());
        move || {
            let ids: Vec<&str> = [
                (has_help, help_id.as_str()),
                (wrong.with(Option::is_some), error_id.as_str()),
            ]
            .into_iter()
            .filter_map(|(there, id)| there.then_some(id))
            .collect();
            (!ids.is_empty()).then(|| ids.join(" "))
        }
    };
    let hidden = {
        let key = param.id.clone();
        move || !draft.is_visible(&key)
    };
    let error = move || {
        wrong
            .get()
            .map(|wrong| view! { <p class="error" id=error_id.clone()>{wrong}</p> })
    };
    let label = say(&param.label);
    let control = control(param, &id, draft, wrong, Signal::derive(described));
    let head = if param.kind == ParamKind::Bool {
        // The switch and its word are one label, made with the control.
        ().into_any()
    } else {
        let optional =
            (!param.required).then(|| view! { <span class="small muted">" "{tr!(pipeline.optional)}</span> });
        view! { <label for=id.clone()>{label}{optional}</label> }.into_any()
    };
    view! {
        <div class="field param" hidden=hidden>
            {head}
            {control}
            {has_help.then(|| view! { <p class="help" id=help_id>{help}</p> })}
            {error}
        </div>
    }
    .into_any()
}

/// What the server said about a field in the last post.
fn wrong_of(form: FormState, name: &str) -> Option<String> {
    form.error.with(|error| {
        error
            .as_ref()
            .and_then(|error| error.field(name).map(str::to_owned))
    })
}

fn control(
    param: &Param,
    id: &str,
    draft: Draft,
    wrong: Signal<Option<String>>,
    described: Signal<Option<String>>,
) -> AnyView {
    let key = StoredValue::new(param.id.clone());
    let name = name_of(&param.id);
    let id = id.to_owned();
    let text = draft.text(&param.id);
    let typed = move |text: String| key.with_value(|key| draft.typed(key, text));
    let leave = move || key.with_value(|key| draft.leave(key));
    let invalid = move || wrong.with(Option::is_some).then_some("true");
    match (param.kind, &param.options) {
        (ParamKind::Bool, _) => {
            let on = matches!(text.as_str(), "true" | "on" | "1" | "yes");
            view! {
                <input type="hidden" name=SWITCHES value=param.id.clone()/>
                <label class="check">
                    <input
                        type="checkbox" id=id name=name value="true" checked=on aria-describedby=described
                        on:change:target=move |ev| typed(ev.target().checked().to_string())
                    />
                    {say(&param.label)}
                </label>
            }
            .into_any()
        }
        (ParamKind::Enum, Some(Options::Static { items })) => {
            let options = items
                .iter()
                .map(|choice| {
                    let word = say(&choice.label);
                    let word = if word.is_empty() {
                        choice.value.clone()
                    } else {
                        word
                    };
                    view! { <option value=choice.value.clone() selected=choice.value == text>{word}</option> }
                })
                .collect_view();
            view! {
                <select
                    class="input" id=id name=name aria-invalid=invalid aria-describedby=described
                    on:change:target=move |ev| typed(ev.target().value())
                >
                    {options}
                </select>
            }
            .into_any()
        }
        (ParamKind::Text | ParamKind::List | ParamKind::Map | ParamKind::Script, _) => {
            let rows = text.lines().count().clamp(2, 8);
            view! {
                <textarea
                    class="input code" id=id name=name rows=rows spellcheck="false" aria-invalid=invalid aria-describedby=described
                    on:input:target=move |ev| typed(ev.target().value())
                    on:blur=move |_| leave()
                >{raw_text(&text)}</textarea>
            }
            .into_any()
        }
        (kind, _) => {
            let is_number = kind == ParamKind::Int;
            let class = if is_number { "input" } else { "input code" };
            view! {
                <input
                    class=class type="text" inputmode=is_number.then_some("numeric") id=id name=name value=text
                    autocomplete="off" spellcheck="false" aria-invalid=invalid aria-describedby=described
                    on:input:target=move |ev| typed(ev.target().value())
                    on:blur=move |_| leave()
                />
            }
            .into_any()
        }
    }
}
