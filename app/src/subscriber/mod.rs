//! Webhooks that Slipway sends: those of an organization or a project, and the form for another.

pub mod api;
mod log;
mod show;

pub use log::message_page;
pub use show::subscriber_page;

use crate::Flash;
use crate::design::button::{Weight, submit};
use crate::design::field::Field;
use crate::design::form::{Form, FormState, place_fields};
use crate::design::page::{PageHead, Panel};
use crate::design::state::EmptyState;
use crate::design::status::{Status, pill};
use crate::design::table::{row, table};
use crate::design::time::time;
use crate::i18n::say;
use crate::live::Topics;
use crate::load::load;
use crate::place::{archived_note, org_tabs, project_tabs};
use crate::places::param;
use crate::tr;
use api::{CreateSubscriber, ReadSubscribers};
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::project::Place;
use slipway_domain::subscriber::{EventKind, EventKinds, Subscriber, SubscriberList, check_url};

/// `O/settings/webhooks` and `P/settings/webhooks`.
pub fn subscribers_page() -> AnyView {
    let (org, project) = (param("org"), param("project"));
    load(move || ReadSubscribers {
        org: org(),
        project: given(project()),
    })
    .watching(|list: &SubscriberList| match &list.place.project {
        Some(project) => Topics::of("subscribers", project.id),
        None => Topics::of("subscribers", list.place.org.id),
    })
    .view(|list| show_list(&list))
}

fn given(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// The name of the place whose webhooks are shown.
fn name(place: &Place) -> String {
    match &place.project {
        Some(project) => project.name.clone(),
        None => place.org.name.clone(),
    }
}

/// The tabs of the settings of the place.
fn settings_tabs(place: &Place) -> AnyView {
    match &place.project {
        Some(_) => project_tabs(place, "webhooks"),
        None => org_tabs(&place.org.slug, "webhooks"),
    }
}

/// The page of a webhook.
fn page_of(place: &Place, subscriber: &Subscriber) -> String {
    format!("{}/settings/webhooks/{}", place.path(), subscriber.id)
}

/// Whether anything is sent, and arrives.
fn state(subscriber: &Subscriber) -> AnyView {
    match (subscriber.enabled, subscriber.failing_since) {
        (false, _) => pill(Status::Cancelled, tr!(subscriber.off)),
        (true, Some(_)) => pill(Status::Degraded, tr!(subscriber.failing)),
        (true, None) => pill(Status::Success, tr!(subscriber.on)),
    }
}

fn show_list(list: &SubscriberList) -> AnyView {
    let place = &list.place;
    let body = if list.subscribers.is_empty() {
        view! { <EmptyState title=tr!(subscriber.none) hint=tr!(subscriber.none_hint)/> }.into_any()
    } else {
        let heads = [
            tr!(subscriber.url),
            tr!(subscriber.state),
            tr!(subscriber.events),
            tr!(subscriber.created),
        ];
        table(
            tr!(subscriber.title),
            heads.into_iter().map(IntoAny::into_any).collect(),
            list.subscribers.iter().map(|one| list_row(place, one)).collect(),
        )
    };
    let made = Flash::of(CreateSubscriber::PATH).and_then(|flash| flash.shown);
    view! {
        <PageHead title=tr!(subscriber.title) line=name(place).into_any()/>
        {settings_tabs(place)}
        {archived_note(place)}
        <div class="stack wide">
            {made.map(fresh)}
            <p class="muted">{tr!(subscriber.line)}</p>
            <div class="box">{body}</div>
            {add(place)}
        </div>
    }
    .into_any()
}

fn list_row(place: &Place, one: &Subscriber) -> AnyView {
    let href = page_of(place, one);
    let about = (!one.description.is_empty())
        .then(|| view! { <span class="small muted">{one.description.clone()}</span> });
    let link = view! {
        <span class="stack tight"><a class="strong break" href=href>{one.url.clone()}</a>{about}</span>
    };
    let count = one.kinds.iter().count();
    row(
        link.into_any(),
        vec![
            (tr!(subscriber.state), state(one)),
            (
                tr!(subscriber.events),
                tr!(subscriber.n_events, n = count).into_any(),
            ),
            (tr!(subscriber.created), time(one.created_at)),
        ],
    )
}

/// A secret that was just made: shown now and never again.
fn fresh(secret: String) -> AnyView {
    view! {
        <section class="note warn stack" role="status" aria-labelledby="fresh">
            <h2 id="fresh">{tr!(subscriber.secret)}</h2>
            <p>{tr!(subscriber.secret_now)}</p>
            <input
                class="input code" id="f-secret" type="text" readonly aria-label=tr!(subscriber.secret) value=secret
                autocomplete="off" spellcheck="false"
            />
        </section>
    }
    .into_any()
}

fn add(place: &Place) -> AnyView {
    let place = place.clone();
    // Made in the form: a field made before it would not know what was typed or is wrong.
    let inside = move || {
        view! {
            {place_fields(&place)}
            {fields("", "", &EventKinds::default(), true)}
            <p>{submit(Weight::Primary, tr!(subscriber.add))}</p>
        }
    };
    view! {
        <Panel title=tr!(subscriber.add_title)>
            <Form action=CreateSubscriber::PATH class="form narrow box-body" plain=true>{inside()}</Form>
        </Panel>
    }
    .into_any()
}

/// What is wrong with an address, said while it is typed.
fn wrong_url(text: &str) -> Option<String> {
    check_url(text.trim()).map(|wrong| say(&wrong))
}

/// The fields of a webhook.
fn fields(url: &str, description: &str, kinds: &EventKinds, enabled: bool) -> AnyView {
    let form = FormState::here();
    let (url, description) = (url.to_owned(), description.to_owned());
    let on = if form.came_back() {
        form.typed("enabled").is_some()
    } else {
        enabled
    };
    view! {
        <Field name="url" label=tr!(subscriber.url) help=tr!(subscriber.url_help) value=url required=true check=wrong_url/>
        <Field name="description" label=tr!(subscriber.description) help=tr!(subscriber.description_help) value=description/>
        {events(form, kinds)}
        <label class="choice">
            <input type="checkbox" name="enabled" value="true" checked=on/>
            <span class="stack tight">
                <span class="strong">{tr!(subscriber.enabled)}</span>
                <span class="small muted">{tr!(subscriber.enabled_help)}</span>
            </span>
        </label>
    }
    .into_any()
}

/// A box for each kind of event. What was ticked before a refusal stays ticked.
fn events(form: FormState, chosen: &EventKinds) -> AnyView {
    let came_back = form.came_back();
    let boxes = EventKind::chosen()
        .enumerate()
        .map(|(i, kind)| {
            let name = format!("kinds[{i}]");
            let on = if came_back {
                form.typed(&name).is_some()
            } else {
                chosen.has(kind)
            };
            view! {
                <label class="check">
                    <input type="checkbox" name=name value=kind.key() checked=on/>
                    <span><code>{kind.key()}</code>" "{say(&kind.text())}</span>
                </label>
            }
        })
        .collect_view();
    let wrong = move || {
        form.wrong("kinds")
            .map(|wrong| view! { <p class="error">{wrong}</p> })
    };
    view! {
        <fieldset class="field" id=form.id_of("kinds")>
            <legend>{tr!(subscriber.events)}</legend>
            {boxes}
            {wrong}
        </fieldset>
    }
    .into_any()
}
