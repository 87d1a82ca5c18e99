//! Tabs: links between the pages of one place.

use leptos::prelude::*;

/// A tab: its word, its page, and whether the reader is there.
pub struct Tab {
    /// The word.
    pub word: String,
    /// The page.
    pub href: String,
    /// Whether it is this page.
    pub current: bool,
}

/// The tabs of a place; `label` names the group for a screen reader.
pub fn tabs(label: String, tabs: Vec<Tab>) -> AnyView {
    let links = tabs
        .into_iter()
        .map(|tab| view! { <a href=tab.href aria-current=tab.current.then_some("page")>{tab.word}</a> })
        .collect_view();
    view! { <nav class="tabs" aria-label=label>{links}</nav> }.into_any()
}
