//! Dialogs and drawers on `<dialog>`: the browser keeps the focus inside and gives it back.

use crate::tr;
use leptos::html;
use leptos::prelude::*;

/// A button that opens a dialog over the page. Without JavaScript the button leads to `fallback`.
#[component]
pub fn Dialog(
    /// The word on the button.
    open: String,
    /// The class of the button.
    #[prop(default = "btn")]
    class: &'static str,
    /// The dialog's heading.
    title: String,
    /// Whether it stands at the side of the page.
    #[prop(optional)]
    drawer: bool,
    /// The page that does the same without JavaScript.
    fallback: String,
    /// What is inside.
    children: Children,
) -> AnyView {
    let label = title.clone();
    let dialog = NodeRef::<html::Dialog>::new();
    let show = move |ev: leptos::ev::MouseEvent| {
        if let Some(dialog) = dialog.get_untracked() {
            ev.prevent_default();
            let _ = dialog.show_modal();
        }
    };
    let close = move |_| {
        if let Some(dialog) = dialog.get_untracked() {
            dialog.close();
        }
    };
    view! {
        <a class=class href=fallback role="button" on:click=show>{open}</a>
        <dialog class="dialog" class:drawer=drawer node_ref=dialog aria-label=label>
            <header>
                <h2 tabindex="-1" autofocus>{title}</h2>
                <button type="button" class="btn quiet small" on:click=close>{tr!(common.close)}</button>
            </header>
            {children()}
        </dialog>
    }
    .into_any()
}
