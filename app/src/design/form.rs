//! Forms: plain HTML posts that work without JavaScript, done in place where there is JavaScript.
//!
//! One form component for every server function: it posts the fields that the browser would post and
//! reads the same answers, so no form compiles its own client.

use super::flash::Flash;
use crate::error::AppError;
use crate::tr;
use leptos::context::Provider;
use leptos::prelude::*;
use slipway_domain::project::Place;

/// What a form knows of its last try, for the fields in it.
#[derive(Clone, Copy)]
pub struct FormState {
    /// Why the last try was refused.
    pub error: RwSignal<Option<AppError>>,
    /// What was typed before, from a plain post.
    typed: StoredValue<Option<Flash>>,
    /// What the ids of its fields begin with: no two forms of a page share it.
    prefix: StoredValue<String>,
}

impl FormState {
    /// Of a form that was never sent.
    pub fn empty() -> Self {
        Self {
            error: RwSignal::new(None),
            typed: StoredValue::new(None),
            prefix: StoredValue::new(String::from("f")),
        }
    }

    /// The state of the form around here; outside of a form, an empty one.
    pub fn here() -> Self {
        use_context().unwrap_or_else(Self::empty)
    }

    /// The id of the field `name`.
    pub fn id_of(self, name: &str) -> String {
        self.prefix.with_value(|prefix| format!("{prefix}-{name}"))
    }

    /// Whether the form was sent and came back: what was ticked then holds, not what stood there before.
    pub fn came_back(self) -> bool {
        self.typed
            .with_value(|flash| flash.as_ref().is_some_and(|flash| flash.shown.is_none()))
    }

    /// What was typed into `name` before.
    pub fn typed(self, name: &str) -> Option<String> {
        self.typed.with_value(|flash| {
            flash
                .as_ref()
                .and_then(|flash| flash.typed(name).map(str::to_owned))
        })
    }

    /// What is wrong with `name`.
    pub fn wrong(self, name: &str) -> Option<String> {
        self.error.with(|error| {
            error
                .as_ref()
                .and_then(|error| error.field(name).map(str::to_owned))
        })
    }
}

/// What a form does in the browser in place of posting: with its event, and where to say why not.
pub type Here = Box<dyn Fn(leptos::ev::SubmitEvent, RwSignal<Option<AppError>>)>;

/// A form that posts to `action`: a server function's path, or a page that takes posts.
#[component]
pub fn Form(
    /// Where to.
    action: &'static str,
    /// Its class.
    #[prop(default = "form")]
    class: &'static str,
    /// What to say when it went well and the page stays.
    #[prop(optional)]
    done: Option<String>,
    /// What to ask before it is sent.
    #[prop(optional)]
    confirm: Option<String>,
    /// Tells forms with the same action on one page apart: only the one whose hidden field `key.0` was
    /// posted as `key.1` shows the error of a plain post.
    #[prop(optional)]
    key: Option<(&'static str, String)>,
    /// Whether the browser posts it by itself and shows the page that the answer leads to: for what sets a cookie, and
    /// for what is shown once.
    #[prop(optional)]
    plain: bool,
    /// Its id, for boxes that belong to it and stand elsewhere.
    #[prop(optional)]
    id: Option<&'static str>,
    /// What it does in the browser in place of posting.
    #[prop(optional)]
    here: Option<Here>,
    /// Its fields and buttons. Fields must be made in here, not before, to find their form.
    children: Children,
) -> AnyView {
    let flash = Flash::of(action).filter(|flash| {
        key.as_ref()
            .is_none_or(|(name, value)| flash.typed(name).is_none_or(|typed| typed == value))
    });
    let refused = flash.as_ref().filter(|flash| flash.shown.is_none());
    let error = RwSignal::new(refused.map(|flash| flash.error.clone()));
    let prefix = prefix_of(action, key.as_ref().map(|(_, value)| value.as_str()));
    let state = FormState {
        error,
        typed: StoredValue::new(flash),
        prefix: StoredValue::new(prefix.clone()),
    };
    let busy = RwSignal::new(false);
    let send = match here {
        Some(here) => Box::new(move |ev| here(ev, error)),
        None => enhanced(action, error, busy, done, confirm),
    };
    let send = move |ev| {
        if !plain {
            send(ev);
        }
    };
    let hidden = key.map(|(name, value)| view! { <input type="hidden" name=name value=value/> });
    view! {
        <form method="post" action=action class=class id=id aria-busy=move || busy.get().then_some("true") on:submit=send>
            {move || error.get().map(|error| error_summary(error, &prefix))}
            {hidden}
            <Provider value=state>{children()}</Provider>
        </form>
    }
    .into_any()
}

/// What the ids of a form's fields begin with: `noun-verb` of the server function's path, and what tells forms with the
/// same action apart.
pub fn prefix_of(action: &str, key: Option<&str>) -> String {
    let name = action
        .trim_start_matches("/api/fn/")
        .trim_start_matches('/')
        .replace('/', "-");
    match key {
        Some(key) => format!("{name}-{key}"),
        None => name,
    }
}

/// The errors of a form, first in it, with links to their fields.
fn error_summary(error: AppError, prefix: &str) -> AnyView {
    let items = error
        .fields
        .iter()
        .map(|(name, wrong)| view! { <li><a href=format!("#{prefix}-{name}") rel="external">{wrong.clone()}</a></li> })
        .collect_view();
    // The only thing that is wrong is told once, as a link to its field.
    let told = matches!(error.fields.as_slice(), [(_, wrong)] if *wrong == error.message);
    let request = (error.status >= 500 && !error.request_id.is_empty())
        .then(|| view! { <p class="request-id">{tr!(common.request_id)}" "<code>{error.request_id.clone()}</code></p> });
    let step_up = (error.code == "step_up").then(|| {
        // A tab of its own: what was typed here stays.
        view! { <p><a href="/me/confirm" target="_blank" rel="external">{tr!(common.step_up_link)}</a></p> }
    });
    view! {
        <div class="error-summary" role="alert" tabindex="-1">
            {(!told).then(|| view! { <p class="strong">{error.message}</p> })}
            {step_up}
            {(!error.hint.is_empty()).then(|| view! { <p>{error.hint}</p> })}
            {(!error.fields.is_empty()).then(|| view! { <ul>{items}</ul> })}
            {request}
        </div>
    }
    .into_any()
}

type Sending = Box<dyn Fn(leptos::ev::SubmitEvent)>;

#[cfg(feature = "hydrate")]
fn enhanced(
    action: &'static str,
    error: RwSignal<Option<AppError>>,
    busy: RwSignal<bool>,
    done: Option<String>,
    confirm: Option<String>,
) -> Sending {
    use crate::design::toast::Toasts;
    use wasm_bindgen::JsCast;
    let toasts = use_context::<Toasts>();
    let navigate = leptos_router::hooks::use_navigate();
    Box::new(move |ev| {
        ev.prevent_default();
        let Some(form) = ev
            .target()
            .and_then(|t| t.dyn_into::<web_sys::HtmlFormElement>().ok())
        else {
            return;
        };
        let asked = confirm
            .as_ref()
            .is_none_or(|ask| window().confirm_with_message(ask).unwrap_or(false));
        let Some(fields) = fields_of(&form, &ev) else {
            return;
        };
        // A form that is pressed while its page is drawn anew knows nothing of itself any more; it is sent all the same.
        if busy.try_get_untracked() == Some(true) || !asked {
            return;
        }
        busy.try_set(true);
        let (done, navigate) = (done.clone(), navigate.clone());
        leptos::task::spawn_local(async move {
            let posted = crate::browser::post(action, &fields).await;
            busy.try_set(false);
            match posted {
                Ok(posted) => {
                    error.try_set(None);
                    if let (Some(text), Some(toasts)) = (done, toasts) {
                        toasts.done(text);
                    }
                    if let Some(location) = posted.location {
                        navigate(&location, leptos_router::NavigateOptions::default());
                    } else {
                        form.reset();
                    }
                    crate::live::refresh_all();
                }
                Err(refused) => {
                    let words = refused.message.clone();
                    error.try_set(Some(refused));
                    crate::browser::focus(".error-summary");
                    if let Some(toasts) = toasts {
                        said_elsewhere(toasts, words, form);
                    }
                }
            }
        });
    })
}

/// A form that went away with its page, as when somebody else was faster, leaves its refusal to the page's toasts.
#[cfg(feature = "hydrate")]
fn said_elsewhere(toasts: crate::design::toast::Toasts, words: String, form: web_sys::HtmlFormElement) {
    let look = move || {
        if !form.is_connected() {
            toasts.failed(words);
        }
    };
    set_timeout(look, GONE_AFTER);
}

/// How soon a page that is told of a change has drawn itself anew.
#[cfg(feature = "hydrate")]
const GONE_AFTER: std::time::Duration = std::time::Duration::from_millis(1500);

/// The fields as the browser would post them, the pressed button among them.
#[cfg(feature = "hydrate")]
pub(crate) fn fields_of(
    form: &web_sys::HtmlFormElement,
    ev: &leptos::ev::SubmitEvent,
) -> Option<web_sys::UrlSearchParams> {
    use wasm_bindgen::JsCast;
    let data = web_sys::FormData::new_with_form(form).ok()?;
    if let Some(button) = ev
        .submitter()
        .and_then(|b| b.dyn_into::<web_sys::HtmlButtonElement>().ok())
        && !button.name().is_empty()
    {
        data.append_with_str(&button.name(), &button.value()).ok()?;
    }
    web_sys::UrlSearchParams::new_with_str_sequence_sequence(&data).ok()
}

#[cfg(not(feature = "hydrate"))]
fn enhanced(
    _action: &'static str,
    _error: RwSignal<Option<AppError>>,
    _busy: RwSignal<bool>,
    _done: Option<String>,
    _confirm: Option<String>,
) -> Sending {
    Box::new(|_| {})
}

/// The hidden fields that say which app a form is about.
pub fn place_fields(place: &Place) -> AnyView {
    let project = place
        .project
        .as_ref()
        .map(|project| hidden("project", project.slug.clone()));
    let app = place.app.as_ref().map(|app| hidden("app", app.slug.clone()));
    view! { {hidden("org", place.org.slug.clone())}{project}{app} }.into_any()
}

/// A field that is not shown.
pub fn hidden(name: &'static str, value: String) -> AnyView {
    view! { <input type="hidden" name=name value=value/> }.into_any()
}
