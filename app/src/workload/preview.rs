//! What is typed becomes manifests while it is typed: the server renders them, for what renders manifests is no part of the
//! page. Without JavaScript they are those of what was saved last.

use super::api::PreviewWorkload;
use crate::design::diff::diff;
use crate::design::environment::env_badge;
use crate::design::page::Panel;
use crate::design::state::EmptyState;
use crate::error::AppError;
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::workload::{RenderedIn, WorkloadView};

/// What is shown of what was typed last.
#[derive(Clone, Copy)]
pub struct Preview {
    shown: RwSignal<WorkloadView>,
    /// Why what is typed now cannot be shown.
    wrong: RwSignal<Option<AppError>>,
    /// Whether it is what was saved.
    saved: RwSignal<bool>,
    /// Tells answers apart that come late.
    round: StoredValue<u32>,
}

impl Preview {
    pub fn of(view: &WorkloadView) -> Self {
        Self {
            shown: RwSignal::new(view.clone()),
            wrong: RwSignal::new(None),
            saved: RwSignal::new(true),
            round: StoredValue::new(0),
        }
    }

    /// Has the manifests rendered once nobody has typed for a moment.
    #[cfg(feature = "hydrate")]
    pub fn typed(self, event: &leptos::ev::Event) {
        use std::time::Duration;
        use wasm_bindgen::JsCast;
        let element = event
            .target()
            .and_then(|target| target.dyn_into::<web_sys::Element>().ok());
        let form = element.and_then(|element| element.closest("form").ok().flatten());
        let Some(form) = form.and_then(|form| form.dyn_into::<web_sys::HtmlFormElement>().ok()) else {
            return;
        };
        let Some(this) = self.round.try_get_value().map(|round| round.wrapping_add(1)) else {
            return;
        };
        self.round.set_value(this);
        let ask = move || {
            if self.round.try_get_value() != Some(this) {
                return;
            }
            let fields = web_sys::FormData::new_with_form(&form)
                .and_then(|data| web_sys::UrlSearchParams::new_with_str_sequence_sequence(&data));
            let Ok(fields) = fields else { return };
            leptos::task::spawn_local(async move {
                let answer = crate::browser::post(PreviewWorkload::PATH, &fields).await;
                if self.round.try_get_value() != Some(this) {
                    return;
                }
                match answer.map(|posted| crate::json::parse::<WorkloadView>(&posted.body)) {
                    Ok(Ok(view)) => {
                        self.wrong.try_set(None);
                        self.saved.try_set(false);
                        self.shown.try_set(view);
                    }
                    Ok(Err(_)) => {}
                    Err(error) => {
                        self.wrong.try_set(Some(error));
                    }
                }
            });
        };
        set_timeout(ask, Duration::from_millis(350));
    }

    #[cfg(not(feature = "hydrate"))]
    pub fn typed(self, _: &leptos::ev::Event) {
        // Its path is asked by the browser alone.
        let _ = (self.round, PreviewWorkload::PATH);
    }

    /// What it becomes, environment by environment, and how that differs from what it is without what is set for it.
    pub fn view(self) -> AnyView {
        let paths = Memo::new(move |_| self.shown.with(|view| view.workload.manifests.clone()));
        let body = move || {
            let paths = paths.get();
            if paths.is_empty() {
                return self.environments();
            }
            let paths = paths.join(", ");
            view! { <p class="box-body">{tr!(workload.from_repository)}" "<code>{paths}</code></p> }
                .into_any()
        };
        let told = move || {
            if let Some(error) = self.wrong.get() {
                return view! { <p class="note warn">{tr!(workload.preview_wrong)}" "{error.message}</p> }
                    .into_any();
            }
            if self.saved.get() {
                return ().into_any();
            }
            view! { <p class="small muted">{tr!(workload.preview)}</p> }.into_any()
        };
        view! {
            <Panel title=tr!(workload.manifests)>
                <div class="box-body" role="status" aria-live="polite">{told}</div>
                {body}
            </Panel>
        }
        .into_any()
    }

    /// One part for each environment, which stays while what is in it changes: what was opened stays open.
    fn environments(self) -> AnyView {
        let view = self.shown.get_untracked();
        if view.environments.is_empty() {
            return view! { <EmptyState title=tr!(release.no_environments) hint=tr!(release.no_environments_hint)/> }
                .into_any();
        }
        let note = view
            .images
            .is_empty()
            .then(|| view! { <p class="small muted box-body">{tr!(workload.no_images)}</p> });
        let rows: Vec<AnyView> = view.environments.iter().map(|one| self.one(one)).collect();
        view! { {note}{rows} }.into_any()
    }

    fn one(self, one: &RenderedIn) -> AnyView {
        let id = one.environment.id;
        let now = move || {
            self.shown.with(|view| {
                view.environments
                    .iter()
                    .find(|one| one.environment.id == id)
                    .cloned()
            })
        };
        let over = move || match now() {
            Some(one) if !one.over.is_empty() => {
                view! { <div class="box">{diff(&one.over)}</div> }.into_any()
            }
            _ => view! { <p class="small muted">{tr!(workload.as_everywhere)}</p> }.into_any(),
        };
        let yaml = move || now().map(|one| one.yaml).unwrap_or_default();
        view! {
            <div class="box-body stack">
                <h3 class="row">{env_badge(&one.environment)}{one.environment.name.clone()}</h3>
                {over}
                <details class="wide">
                    <summary>{tr!(workload.yaml)}</summary>
                    <pre class="mono small scroll">{yaml}</pre>
                </details>
            </div>
        }
        .into_any()
    }
}
