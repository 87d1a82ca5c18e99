//! What every page has of the palette: its button, and an ear for its keys. The palette itself is a part of the WASM
//! of its own, fetched when it is called for the first time.

use crate::design::icon::{Icon, icon};
use crate::tr;
use leptos::prelude::*;

/// The keys that were pressed and not yet followed, in their order.
#[derive(Clone, Copy)]
pub struct Pressed(RwSignal<Vec<String>>);

/// The key that opens the palette, with Ctrl or ⌘.
pub const OPEN: &str = "open";

impl Pressed {
    /// What was pressed since the last call.
    pub fn take(self) -> Vec<String> {
        let pressed = self.0.get();
        if !pressed.is_empty() {
            self.0.set(Vec::new());
        }
        pressed
    }

    fn press(self, key: String) {
        self.0.update(|pressed| pressed.push(key));
    }
}

/// The place of the palette in the frame: nothing until a key or the button calls for it.
pub fn summoned() -> AnyView {
    let pressed = Pressed(RwSignal::new(Vec::new()));
    provide_context(pressed);
    #[cfg(feature = "hydrate")]
    listen(pressed);
    let called = Memo::new(move |was: Option<&bool>| {
        was == Some(&true) || pressed.0.with(|pressed| !pressed.is_empty())
    });
    let palette = move || called.get().then(|| Suspend::new(fetched()));
    view! { {palette} }.into_any()
}

/// The palette, once its part is there. A browser has one thread, and the server never gets here.
fn fetched() -> impl Future<Output = AnyView> + Send {
    leptos::__reexports::send_wrapper::SendWrapper::new(async { (crate::part::palette().make)().await })
}

/// The button of the palette in the top bar; without JavaScript it leads to the search page.
pub fn button() -> AnyView {
    let pressed = use_context::<Pressed>();
    let open = move |ev: leptos::ev::MouseEvent| {
        if let Some(pressed) = pressed.filter(|_| !ev.ctrl_key() && !ev.meta_key() && !ev.shift_key()) {
            ev.prevent_default();
            pressed.press(String::from(OPEN));
        }
    };
    view! {
        <a class="search-button" href="/search" aria-keyshortcuts="Control+K Meta+K" on:click=open>
            {icon(Icon::Search)}
            <span class="label">{tr!(common.search)}</span>
            <kbd aria-hidden="true">"Ctrl K"</kbd>
        </a>
    }
    .into_any()
}

/// Where the reader's wish not to have the keys is kept: in this browser, since they are about this keyboard.
#[cfg(feature = "hydrate")]
pub const OFF: &str = "slipway_keys_off";

/// Hears the keys of the palette. Ctrl or ⌘ with K opens it everywhere; the rest are single letters, which are left
/// alone where something is typed, composed, open over the page, or where the reader wants none of them.
#[cfg(feature = "hydrate")]
fn listen(pressed: Pressed) {
    use wasm_bindgen::JsCast;
    let handle = window_event_listener(leptos::ev::keydown, move |ev| {
        if ev.default_prevented() || ev.is_composing() || ev.alt_key() || ev.repeat() {
            return;
        }
        let key = ev.key();
        if ev.ctrl_key() || ev.meta_key() {
            if key.eq_ignore_ascii_case("k") && !ev.shift_key() {
                ev.prevent_default();
                pressed.press(String::from(OPEN));
            }
            return;
        }
        let busy = ev
            .target()
            .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
            .and_then(|element| {
                element
                    .closest("input,textarea,select,dialog,[contenteditable]")
                    .ok()
                    .flatten()
            });
        let known = key.len() == 1 && "?/gchapbjk".contains(&key);
        if busy.is_some() || !known {
            return;
        }
        let off = window()
            .local_storage()
            .ok()
            .flatten()
            .and_then(|kept| kept.get_item(OFF).ok().flatten());
        if off.is_none() {
            ev.prevent_default();
            pressed.press(key);
        }
    });
    on_cleanup(move || handle.remove());
}
