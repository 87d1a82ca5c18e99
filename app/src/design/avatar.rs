//! A person as a disc of initials.

use leptos::prelude::*;
use slipway_domain::person::PersonRef;

/// A person's initials, with the name for those who cannot guess them.
pub fn avatar(person: &PersonRef) -> AnyView {
    view! {
        <span class="avatar" title=person.name.clone()>
            <span aria-hidden="true">{person.initials()}</span>
            <span class="visually-hidden">{person.name.clone()}</span>
        </span>
    }
    .into_any()
}

/// Initials of a name that stands beside them.
pub fn initials(person: &PersonRef) -> AnyView {
    view! { <span class="avatar" aria-hidden="true">{person.initials()}</span> }.into_any()
}
