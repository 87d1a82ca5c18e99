//! Filling a field from a file.

use leptos::prelude::*;

/// Lets somebody choose a file whose text then stands in the text area `name` of the same form, to be read before it is
/// sent. It shows only where scripts run; elsewhere the text is pasted.
pub fn from_file(label: String, name: &'static str) -> AnyView {
    view! {
        <label class="field needs-script">
            <span class="label">{label}</span>
            <input type="file" on:change=move |event| fill(&event, name)/>
        </label>
    }
    .into_any()
}

#[cfg(feature = "hydrate")]
fn fill(event: &web_sys::Event, name: &'static str) {
    crate::browser::fill_from_file(event, name);
}

#[cfg(not(feature = "hydrate"))]
const fn fill(_event: &leptos::ev::Event, _name: &'static str) {}
