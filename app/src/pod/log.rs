//! The page of a pod's log: which container, which run, how much of its end; with JavaScript, what it says from then on.

use super::api::ReadPodLog;
use crate::design::button::{Weight, button_link, submit};
use crate::design::environment::env_badge;
use crate::design::page::PageHead;
use crate::design::state::EmptyState;
use crate::design::status::{Status, pill, tag};
use crate::design::time::clock;
use crate::i18n::say;
use crate::live::{Topics, refresh_without_js};
use crate::load::load;
use crate::places::{app_params, encode, param, query};
use crate::tr;
use leptos::prelude::*;
use slipway_domain::pod::{LINES, LogPage};

/// `P/apps/{app}/environments/{environment}/pods/{pod}`.
pub fn pod_log_page() -> AnyView {
    let (params, environment, pod) = (app_params(), param("environment"), param("pod"));
    let (container, previous, lines) = (query("container"), query("previous"), query("lines"));
    load(move || {
        let (org, project, app) = params();
        ReadPodLog {
            org,
            project,
            app,
            environment: environment(),
            pod: pod(),
            container: container(),
            previous: previous(),
            lines: lines(),
        }
    })
    .watching(|_: &LogPage| Topics::default())
    .view(|page| show(&page))
}

fn show(page: &LogPage) -> AnyView {
    let stop = format!(
        "{}/environments/{}",
        page.place.path(),
        encode(&page.environment.key)
    );
    let state = page.pod.containers.iter().find(|c| c.name == page.container);
    let mark = state.map(|container| {
        let look = if container.ready {
            Status::Success
        } else {
            Status::Queued
        };
        pill(look, container.state.clone())
    });
    let before = page.previous.then(|| tag(tr!(pod.run_before)));
    let line = view! {
        {env_badge(&page.environment)}" "<code>{page.container.clone()}</code>" "{before}" "{tr!(common.as_of)}" "{clock(page.as_of)}
    }
    .into_any();
    let back = button_link(Weight::Plain, stop.clone(), tr!(pod.title));
    let goes_on = !page.previous && page.trouble.is_none();
    view! {
        {goes_on.then(refresh_without_js)}
        <PageHead title=page.pod.name.clone() mark=view! { {mark} }.into_any() line actions=back/>
        {choices(page)}
        {body(page)}
        {goes_on.then(|| follow(page))}
    }
    .into_any()
}

/// Which container, which run and how much: a plain form that asks anew.
fn choices(page: &LogPage) -> AnyView {
    let containers = page
        .pod
        .containers
        .iter()
        .map(|one| view! { <option value=one.name.clone() selected=one.name == page.container>{one.name.clone()}</option> })
        .collect_view();
    let lines = LINES
        .iter()
        .map(|n| view! { <option value=n.to_string() selected=*n == page.lines>{n.to_string()}</option> })
        .collect_view();
    let previous = page.previous;
    let runs = view! {
        <option value="false" selected=!previous>{tr!(pod.run_now)}</option>
        <option value="true" selected=previous>{tr!(pod.run_before)}</option>
    };
    view! {
        <form method="get" class="row wrap gap-below">
            <label class="row"><span>{tr!(pod.container)}</span><select class="input" name="container">{containers}</select></label>
            <label class="row"><span>{tr!(pod.run)}</span><select class="input" name="previous">{runs}</select></label>
            <label class="row"><span>{tr!(pod.lines)}</span><select class="input" name="lines">{lines}</select></label>
            {submit(Weight::Plain, tr!(pod.show))}
        </form>
    }
    .into_any()
}

fn body(page: &LogPage) -> AnyView {
    if let Some(trouble) = &page.trouble {
        return view! { <p class="note warn" role="status">{say(trouble)}</p> }.into_any();
    }
    if page.text.is_empty() {
        return view! { <EmptyState title=tr!(pod.silent) hint=tr!(pod.silent_hint)/> }.into_any();
    }
    view! { <pre class="box pod-log" tabindex="0" aria-label=tr!(pod.log)>{page.text.clone()}</pre> }
        .into_any()
}

/// What it says from now on, in the browser.
fn follow(page: &LogPage) -> AnyView {
    let _ = page;
    #[cfg(feature = "hydrate")]
    {
        following::start(page);
    }
    view! { <div aria-live="off"><pre class="box pod-log grows" data-follows="" hidden></pre></div> }
        .into_any()
}

#[cfg(feature = "hydrate")]
mod following {
    use crate::places::encode;
    use leptos::prelude::*;
    use slipway_domain::pod::LogPage;
    use wasm_bindgen::JsCast;
    use wasm_bindgen::closure::Closure;

    /// Characters of what is kept on the page; the oldest go first.
    const KEPT: usize = 400_000;

    fn address(page: &LogPage) -> String {
        format!(
            "/api/v1{}/environments/{}/pods/{}/log/stream?container={}&lines=0",
            page.place.path(),
            encode(&page.environment.key),
            encode(&page.pod.name),
            encode(&page.container),
        )
    }

    /// Listens until the page is drawn anew or left.
    pub fn start(page: &LogPage) {
        let address = address(page);
        let source = StoredValue::new_local(None::<web_sys::EventSource>);
        Effect::new(move |_| {
            let Ok(opened) = web_sys::EventSource::new(&address) else {
                return;
            };
            let said = Closure::<dyn Fn(web_sys::MessageEvent)>::new(|ev: web_sys::MessageEvent| {
                if let Some(text) = ev.data().as_string() {
                    append(&text);
                }
            });
            opened.set_onmessage(Some(said.as_ref().unchecked_ref()));
            // A log that ended, or cannot be read, is not asked for again and again.
            let ended = opened.clone();
            let end = Closure::<dyn Fn()>::new(move || ended.close());
            for event in ["end", "trouble"] {
                let _ = opened.add_event_listener_with_callback(event, end.as_ref().unchecked_ref());
            }
            opened.set_onerror(Some(end.as_ref().unchecked_ref()));
            said.forget();
            end.forget();
            source.set_value(Some(opened));
        });
        on_cleanup(move || {
            if let Some(Some(opened)) = source.try_get_value() {
                opened.close();
            }
        });
    }

    fn append(text: &str) {
        let Ok(Some(place)) = document().query_selector("[data-follows]") else {
            return;
        };
        let near_the_end = window()
            .inner_height()
            .ok()
            .and_then(|height| height.as_f64())
            .is_some_and(|height| place.get_bounding_client_rect().bottom() < height + 80.0);
        let mut all = place.text_content().unwrap_or_default();
        all.push_str(text);
        all.push('\n');
        if all.len() > KEPT {
            let cut = all.ceil_char_boundary(all.len() - KEPT);
            all.drain(..cut);
        }
        place.set_text_content(Some(&all));
        let _ = place.remove_attribute("hidden");
        if near_the_end {
            place.scroll_into_view_with_bool(false);
        }
    }
}
