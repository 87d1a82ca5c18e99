//! One webhook: its form, its secret, a test, its deliveries, its end.

use super::api::{DeleteSubscriber, EditSubscriber, ReadSubscriber, RotateSecret, TestSubscriber};
use super::{fields, fresh, given, log, settings_tabs, state};
use crate::Flash;
use crate::design::button::{Weight, submit};
use crate::design::form::{Form, hidden, place_fields};
use crate::design::page::{PageHead, Panel};
use crate::design::time::time;
use crate::i18n::say;
use crate::live::Topics;
use crate::load::load;
use crate::place::archived_note;
use crate::places::{param, query};
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::project::Place;
use slipway_domain::subscriber::{Subscriber, SubscriberView};

/// `O/settings/webhooks/{webhook}` and `P/settings/webhooks/{webhook}`.
pub fn subscriber_page() -> AnyView {
    let (org, project, webhook) = (param("org"), param("project"), param("webhook"));
    let before = query("before");
    load(move || ReadSubscriber {
        org: org(),
        project: given(project()),
        webhook: webhook(),
        before: before().and_then(given),
    })
    .watching(|view: &SubscriberView| Topics::of("subscriber", view.subscriber.id))
    .view(|view| show(&view))
}

fn show(view: &SubscriberView) -> AnyView {
    let (place, one) = (&view.place, &view.subscriber);
    let title = if one.description.is_empty() {
        one.origin()
    } else {
        one.description.clone()
    };
    let url = view! { <code class="break">{one.url.clone()}</code> };
    let secret = Flash::of(RotateSecret::PATH).and_then(|flash| flash.shown);
    view! {
        <PageHead title mark=state(one) line=url.into_any()/>
        {settings_tabs(place)}
        {archived_note(place)}
        <div class="stack wide">
            {secret.map(fresh)}
            {one.off_reason.as_ref().map(|why| view! { <p class="note bad">{say(why)}</p> })}
            {failing(one)}
            {log::deliveries(view)}
            {test(place, one)}
            {edit(place, one)}
            {rotate(place, one)}
            {delete(place, one)}
        </div>
    }
    .into_any()
}

/// Since when nothing arrives, while it is on.
fn failing(one: &Subscriber) -> AnyView {
    match one.failing_since.filter(|_| one.enabled) {
        Some(since) => view! {
            <p class="note warn">{tr!(subscriber.failing_since)}" "{time(since)}". "{tr!(subscriber.failing_hint)}</p>
        }
        .into_any(),
        None => ().into_any(),
    }
}

/// The hidden fields that say which webhook a form is about.
fn which(place: &Place, one: &Subscriber) -> AnyView {
    view! { {place_fields(place)}{hidden("webhook", one.id.to_string())} }.into_any()
}

fn test(place: &Place, one: &Subscriber) -> AnyView {
    if !one.enabled {
        return ().into_any();
    }
    let at = which(place, one);
    view! {
        <Panel title=tr!(subscriber.test_title)>
            <Form action=TestSubscriber::PATH class="form box-body" done=tr!(subscriber.tested)>
                {at}
                <p class="muted">{tr!(subscriber.test_hint)}</p>
                <p>{submit(Weight::Plain, tr!(subscriber.test))}</p>
            </Form>
        </Panel>
    }
    .into_any()
}

fn edit(place: &Place, one: &Subscriber) -> AnyView {
    let (place, one) = (place.clone(), one.clone());
    let inside = move || {
        view! {
            {which(&place, &one)}
            {hidden("version", one.version.to_string())}
            {fields(&one.url, &one.description, &one.kinds, one.enabled)}
            <p>{submit(Weight::Primary, tr!(subscriber.save))}</p>
        }
    };
    view! {
        <Panel title=tr!(subscriber.change)>
            <Form action=EditSubscriber::PATH class="form narrow box-body" done=tr!(subscriber.saved)>{inside()}</Form>
        </Panel>
    }
    .into_any()
}

fn rotate(place: &Place, one: &Subscriber) -> AnyView {
    let at = which(place, one);
    let until = one
        .old_secret_until
        .map(|until| view! { <p>{tr!(subscriber.old_until)}" "{time(until)}</p> });
    view! {
        <Panel title=tr!(subscriber.secret)>
            <Form action=RotateSecret::PATH class="form box-body" plain=true>
                {at}
                <p class="muted">{tr!(subscriber.rotate_hint)}</p>
                {until}
                <p>{submit(Weight::Plain, tr!(subscriber.rotate))}</p>
            </Form>
        </Panel>
    }
    .into_any()
}

fn delete(place: &Place, one: &Subscriber) -> AnyView {
    let at = which(place, one);
    view! {
        <Panel title=tr!(subscriber.delete_title)>
            <Form action=DeleteSubscriber::PATH class="form box-body" done=tr!(subscriber.deleted) confirm=tr!(subscriber.delete_ask)>
                {at}
                <p class="muted">{tr!(subscriber.delete_hint)}</p>
                <p>{submit(Weight::Danger, tr!(subscriber.delete))}</p>
            </Form>
        </Panel>
    }
    .into_any()
}
