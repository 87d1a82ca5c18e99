//! Toasts: what happened, for 8 seconds; errors stay until they are closed.

use super::icon::{Icon, icon};
use crate::tr;
use leptos::prelude::*;
use std::time::Duration;

/// One toast.
#[derive(Clone, Debug)]
struct Toast {
    id: u32,
    text: String,
    bad: bool,
}

/// The toasts on the page. Provided by the frame.
#[derive(Clone, Copy)]
pub struct Toasts {
    shown: RwSignal<Vec<Toast>>,
    next: StoredValue<u32>,
}

impl Toasts {
    pub(crate) fn provide() -> Self {
        let toasts = Self {
            shown: RwSignal::new(Vec::new()),
            next: StoredValue::new(0),
        };
        provide_context(toasts);
        toasts
    }

    /// Says that something was done; goes away by itself.
    pub fn done(self, text: String) {
        let id = self.add(text, false);
        set_timeout(move || self.close(id), Duration::from_secs(8));
    }

    /// Says that something failed; stays until it is closed.
    pub fn failed(self, text: String) {
        self.add(text, true);
    }

    fn add(self, text: String, bad: bool) -> u32 {
        let id = self.next.get_value();
        self.next.set_value(id.wrapping_add(1));
        self.shown.update(|shown| shown.push(Toast { id, text, bad }));
        id
    }

    fn close(self, id: u32) {
        self.shown.update(|shown| shown.retain(|toast| toast.id != id));
    }
}

/// Where toasts appear.
#[component]
pub(crate) fn ToastArea(
    /// What to show.
    toasts: Toasts,
) -> AnyView {
    let list = move || {
        let shown = toasts.shown.get();
        shown
            .into_iter()
            .map(|toast| {
                let id = toast.id;
                view! {
                    <div class="toast" class:bad=toast.bad>
                        {icon(if toast.bad { Icon::Warning } else { Icon::Check })}
                        <span>{toast.text}</span>
                        <button type="button" class="btn quiet small" on:click=move |_| toasts.close(id)>{tr!(common.close)}</button>
                    </div>
                }
            })
            .collect_view()
    };
    view! { <div class="toasts" role="status" aria-live="polite">{list}</div> }.into_any()
}
