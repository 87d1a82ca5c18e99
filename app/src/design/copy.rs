//! Texts that are entered elsewhere: shown to be selected, with a button that copies them where there is JavaScript.

use super::toast::Toasts;
use crate::tr;
use leptos::prelude::*;

/// A text in a field that is only read, and a button that copies it. No two of a page have the same `id`.
pub fn copyable(id: &'static str, label: String, value: String) -> AnyView {
    let toasts = use_context::<Toasts>();
    let text = value.clone();
    let name = format!("{}: {label}", tr!(common.copy));
    view! {
        <div class="field">
            <label for=id>{label}</label>
            <div class="row">
                <input class="input code" id=id type="text" readonly value=value spellcheck="false"/>
                <button type="button" class="btn needs-js" aria-label=name on:click=move |_| copy(&text, toasts)>
                    {tr!(common.copy)}
                </button>
            </div>
        </div>
    }
    .into_any()
}

/// Copies a text, and says so.
#[cfg(feature = "hydrate")]
pub fn copy(text: &str, toasts: Option<Toasts>) {
    let written = window().navigator().clipboard().write_text(text);
    leptos::task::spawn_local(async move {
        let done = wasm_bindgen_futures::JsFuture::from(written).await.is_ok();
        match toasts {
            Some(toasts) if done => toasts.done(tr!(common.copied)),
            Some(toasts) => toasts.failed(tr!(common.not_copied)),
            None => {}
        }
    });
}

/// Copies a text: only a browser does.
#[cfg(not(feature = "hydrate"))]
pub const fn copy(_text: &str, _toasts: Option<Toasts>) {}
