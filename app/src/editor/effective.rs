//! The file as GitLab reads it: includes, `extends` and references written out.

use super::api::ReadMerged;
use super::views::file;
use crate::i18n::say;
use crate::live::Topics;
use crate::load::load;
use crate::tr;
use leptos::prelude::*;
use slipway_domain::working_copy::Merged;

/// The view of that name, while it is chosen. It shows the draft as it was saved, so it is right at most a second later.
pub(super) fn section(
    view: Signal<Option<String>>,
    call: impl Fn() -> ReadMerged + Clone + Send + Sync + 'static,
) -> AnyView {
    let is_chosen = Memo::new(move |_| view.get().as_deref() == Some("effective"));
    let content = move || {
        is_chosen.get().then(|| {
            load(call.clone())
                .watching(|merged: &Merged| Topics::of("working_copy", merged.app))
                .view(|merged| show(&merged))
        })
    };
    view! { {content} }.into_any()
}

fn show(merged: &Merged) -> AnyView {
    if merged.text.as_ref().is_some_and(String::is_empty) {
        // There is no pipeline yet, which the page says above.
        return ().into_any();
    }
    let trouble = merged
        .trouble
        .as_ref()
        .map(|why| view! { <p class="note warn gap-below">{say(why)}</p> });
    let errors = merged
        .errors
        .iter()
        .map(|words| view! { <li>{words.clone()}</li> })
        .collect::<Vec<_>>();
    let errors = (!errors.is_empty()).then(|| {
        view! { <div class="note bad gap-below"><p>{tr!(editor.effective_refused)}</p><ul>{errors}</ul></div> }
    });
    let text = merged.text.as_deref().map(|text| file(text, None));
    view! { <p class="muted gap-below">{tr!(editor.effective_hint)}</p>{trouble}{errors}{text} }.into_any()
}
