//! The keys: what each of them does, and the list of them with the switch that turns them off.

use crate::design::nav::place_of;
use crate::places;
use crate::tr;
use leptos::html;
use leptos::prelude::*;

/// What a key does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Opens the palette, or closes it.
    Palette,
    /// Shows the keys.
    Help,
    /// Goes to a page.
    Go(String),
    /// Moves to the next row of the page (`false`: the one before).
    Row(bool),
    /// Begins a sequence.
    Started,
    /// Nothing here.
    Nothing,
}

/// What `key` does on the page at `path`; `after_g`: the key before it was `g`.
pub fn step(key: &str, after_g: bool, path: &str) -> Step {
    let project = || match place_of(path) {
        (Some(org), Some(project), _) => Some(places::project(&org, &project)),
        _ => None,
    };
    let go = |to: Option<String>| to.map_or(Step::Nothing, Step::Go);
    match (key, after_g) {
        (super::summon::OPEN | "/", _) => Step::Palette,
        ("?", _) => Step::Help,
        ("g", _) => Step::Started,
        ("h", true) => Step::Go(String::from("/")),
        ("a", true) => Step::Go(String::from("/approvals")),
        ("p", true) => go(project()),
        ("b", true) => go(project().map(|root| format!("{root}/board"))),
        ("c", false) => go(project().map(|root| format!("{root}/items/new"))),
        ("j" | "k", false) => Step::Row(key == "j"),
        _ => Step::Nothing,
    }
}

/// Moves the focus to the next row's link, or to the one before.
#[cfg(feature = "hydrate")]
pub fn move_row(down: bool) {
    use wasm_bindgen::JsCast;
    let Ok(found) = document().query_selector_all("main :is(.list-row, .hits li, tbody th) a:first-of-type")
    else {
        return;
    };
    let focused = document().active_element();
    let rows: Vec<web_sys::HtmlElement> = (0..found.length())
        .filter_map(|n| found.get(n)?.dyn_into().ok())
        .collect();
    let at = rows.iter().position(|row| focused.as_ref() == Some(row));
    let to = match (at, down) {
        (None, _) => 0,
        (Some(at), true) => at + 1,
        (Some(at), false) => at.saturating_sub(1),
    };
    if let Some(row) = rows.get(to) {
        let _ = row.focus();
    }
}

#[cfg(not(feature = "hydrate"))]
pub const fn move_row(_down: bool) {}

#[cfg(feature = "hydrate")]
fn kept() -> Option<web_sys::Storage> {
    window().local_storage().ok().flatten()
}

#[cfg(feature = "hydrate")]
fn are_on() -> bool {
    kept()
        .and_then(|kept| kept.get_item(super::summon::OFF).ok().flatten())
        .is_none()
}

#[cfg(feature = "hydrate")]
fn switch(on: bool) {
    if let Some(kept) = kept() {
        // A browser that keeps nothing has the keys on at the next page; there is nobody to tell.
        let _ = if on {
            kept.remove_item(super::summon::OFF)
        } else {
            kept.set_item(super::summon::OFF, "1")
        };
    }
}

#[cfg(not(feature = "hydrate"))]
const fn are_on() -> bool {
    true
}

#[cfg(not(feature = "hydrate"))]
const fn switch(_on: bool) {}

/// The list of the keys.
pub fn help(dialog: NodeRef<html::Dialog>) -> AnyView {
    let rows = [
        (vec!["Ctrl K", "⌘ K", "/"], tr!(search.k_palette)),
        (vec!["?"], tr!(search.k_help)),
        (vec!["g h"], tr!(search.k_home)),
        (vec!["g a"], tr!(search.k_approvals)),
        (vec!["g p"], tr!(search.k_project)),
        (vec!["g b"], tr!(search.k_board)),
        (vec!["c"], tr!(search.k_new)),
        (vec!["j", "k"], tr!(search.k_rows)),
        (vec!["Enter"], tr!(search.k_row)),
    ];
    let rows = rows
        .into_iter()
        .map(|(keys, word)| {
            let keys = keys
                .into_iter()
                .map(|key| view! { <kbd>{key}</kbd> })
                .collect_view();
            view! { <dt>{word}</dt><dd>{keys}</dd> }
        })
        .collect_view();
    let close = move |_| {
        if let Some(dialog) = dialog.get_untracked() {
            dialog.close();
        }
    };
    view! {
        <dialog class="dialog" node_ref=dialog aria-label=tr!(search.keys)>
            <header>
                <h2 tabindex="-1" autofocus>{tr!(search.keys)}</h2>
                <button type="button" class="btn quiet small" on:click=close>{tr!(common.close)}</button>
            </header>
            <p class="muted">{tr!(search.keys_line)}</p>
            <dl class="keys">{rows}</dl>
            <label class="check">
                <input type="checkbox" checked=are_on() on:change:target=move |ev| switch(ev.target().checked())/>
                {tr!(search.keys_use)}
            </label>
        </dialog>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOARD: &str = "/orgs/acme/projects/checkout/board";

    #[test]
    fn letters_go_only_after_g_and_to_the_project_of_the_page() {
        assert_eq!(step("h", true, "/x"), Step::Go(String::from("/")));
        assert_eq!(step("h", false, "/x"), Step::Nothing);
        assert_eq!(
            step("b", true, BOARD),
            Step::Go(String::from("/orgs/acme/projects/checkout/board"))
        );
        assert_eq!(
            step("b", true, "/orgs/acme"),
            Step::Nothing,
            "no project, no board"
        );
        assert_eq!(
            step("c", false, BOARD),
            Step::Go(String::from("/orgs/acme/projects/checkout/items/new"))
        );
        assert_eq!(step("c", true, BOARD), Step::Nothing, "g c means nothing");
        assert_eq!(
            step("a", false, BOARD),
            Step::Nothing,
            "nothing is approved by a key"
        );
    }
}
