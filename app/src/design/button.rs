//! Buttons and links that look like them.

use leptos::prelude::*;

/// How much a button asks for attention.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Weight {
    /// One of several.
    #[default]
    Plain,
    /// What the page is for; one a page.
    Primary,
    /// Hard to take back.
    Danger,
    /// Barely there.
    Quiet,
}

impl Weight {
    const fn class(self) -> &'static str {
        match self {
            Self::Plain => "btn",
            Self::Primary => "btn primary",
            Self::Danger => "btn danger",
            Self::Quiet => "btn quiet",
        }
    }
}

/// A button that sends the form it stands in.
pub fn submit(weight: Weight, word: String) -> AnyView {
    view! { <button type="submit" class=weight.class()>{word}</button> }.into_any()
}

/// A button that sends the form it stands in with `name=value`.
pub fn submit_as(class: &'static str, name: &'static str, value: impl Into<String>, word: String) -> AnyView {
    let value: String = value.into();
    view! { <button type="submit" class=class name=name value=value>{word}</button> }.into_any()
}

/// A link to another page in the look of a button.
pub fn button_link(weight: Weight, href: String, word: String) -> AnyView {
    view! { <a class=weight.class() href=href>{word}</a> }.into_any()
}

/// What would be a button if it were possible now: the word, and why not.
pub fn not_now(word: String, reason: String) -> AnyView {
    view! {
        <span class="row wrap">
            <button type="button" class="btn" disabled>{word}</button>
            <span class="small muted">{reason}</span>
        </span>
    }
    .into_any()
}
