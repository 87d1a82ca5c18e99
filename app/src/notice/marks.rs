//! Marking notices: plain forms; with JavaScript the mark shows at once and goes back where the server refuses it.

use super::api::MarkNotices;
use crate::design::form::hidden;
#[cfg(feature = "hydrate")]
use crate::design::toast::Toasts;
use leptos::ev;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::id::NoticeId;

/// What a form marks.
pub enum Mark {
    /// One notice.
    One(NoticeId),
    /// A thread.
    Thread(String),
    /// All.
    All,
}

impl Mark {
    fn field(self) -> Option<(&'static str, String)> {
        match self {
            Self::One(id) => Some(("notice", id.to_string())),
            Self::Thread(key) => Some(("thread", key)),
            Self::All => None,
        }
    }
}

/// The notices that were marked as read on this page and that the server may not know of yet.
#[derive(Clone, Copy)]
pub struct Marks {
    read: RwSignal<Vec<NoticeId>>,
    #[cfg(feature = "hydrate")]
    toasts: Option<Toasts>,
}

impl Marks {
    /// None yet.
    pub fn new() -> Self {
        Self {
            read: RwSignal::new(Vec::new()),
            #[cfg(feature = "hydrate")]
            toasts: use_context(),
        }
    }

    /// Whether the notice was marked here.
    pub fn has(self, id: NoticeId) -> bool {
        self.read.with(|read| read.contains(&id))
    }

    /// A button that marks `ids`, which are what `mark` says.
    pub fn form(
        self,
        mark: Mark,
        ids: Vec<NoticeId>,
        read: bool,
        word: String,
        class: &'static str,
    ) -> AnyView {
        let field = mark.field();
        let posted = field.clone();
        let send = move |ev: ev::SubmitEvent| {
            ev.prevent_default();
            self.send(posted.clone(), ids.clone(), read);
        };
        view! {
            <form method="post" action=MarkNotices::PATH on:submit=send>
                {field.map(|(name, value)| hidden(name, value))}
                {hidden("read", read.to_string())}
                <button type="submit" class=class>{word}</button>
            </form>
        }
        .into_any()
    }

    /// The thing of a thread is opened: what was said of it is read.
    pub fn opened(self, thread: &str, ids: &[NoticeId]) {
        if !ids.is_empty() {
            self.send(Some(("thread", thread.to_owned())), ids.to_vec(), true);
        }
    }

    #[cfg(feature = "hydrate")]
    fn set(self, ids: &[NoticeId], read: bool) {
        let _ = self.read.try_update(|marked| {
            marked.retain(|id| !ids.contains(id));
            if read {
                marked.extend(ids);
            }
        });
    }

    #[cfg(feature = "hydrate")]
    fn send(self, field: Option<(&'static str, String)>, ids: Vec<NoticeId>, read: bool) {
        let Ok(fields) = web_sys::UrlSearchParams::new() else {
            return;
        };
        if let Some((name, value)) = field {
            fields.append(name, &value);
        }
        fields.append("read", &read.to_string());
        self.set(&ids, read);
        leptos::task::spawn_local(async move {
            match crate::browser::post(MarkNotices::PATH, &fields).await {
                Ok(_) => crate::live::refresh_all(),
                Err(refused) => {
                    self.set(&ids, !read);
                    if let Some(toasts) = self.toasts {
                        toasts.failed(refused.message);
                    }
                }
            }
        });
    }

    #[cfg(not(feature = "hydrate"))]
    #[expect(clippy::unused_self, reason = "the same shape as in the browser")]
    fn send(self, _field: Option<(&'static str, String)>, _ids: Vec<NoticeId>, _read: bool) {}
}
