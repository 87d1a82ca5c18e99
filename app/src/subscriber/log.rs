//! The deliveries of a webhook, and one of them.

use super::api::{ReadMessage, ResendMessage};
use super::{given, page_of, settings_tabs};
use crate::design::button::{Weight, button_link, submit};
use crate::design::form::{Form, hidden, place_fields};
use crate::design::page::{PageHead, Panel};
use crate::design::state::EmptyState;
use crate::design::status::{Status, pill};
use crate::design::table::{row, table};
use crate::design::time::time;
use crate::i18n::say;
use crate::live::Topics;
use crate::load::load;
use crate::places::param;
use crate::tr;
use leptos::prelude::*;
use server_fn::ServerFn;
use slipway_domain::message::{Message, MessageState, MessageView};
use slipway_domain::subscriber::SubscriberView;
use slipway_domain::time::Timestamp;

/// How a delivery stands.
fn state(state: MessageState) -> AnyView {
    match state {
        MessageState::Waiting => pill(Status::Queued, tr!(subscriber.waiting)),
        MessageState::Delivered => pill(Status::Success, tr!(subscriber.delivered)),
        MessageState::Failed => pill(Status::Failed, tr!(subscriber.failed)),
        MessageState::Cancelled => pill(Status::Cancelled, tr!(subscriber.cancelled)),
    }
}

/// What came back: the status and how long it took, or why nothing did.
fn answer(message: &Message) -> String {
    let took = message.took_ms.map(|took| tr!(subscriber.ms, n = took));
    match (message.status, took) {
        (Some(status), Some(took)) => format!("{status} · {took}"),
        (None, Some(took)) => format!("{} · {took}", tr!(subscriber.no_answer)),
        (_, None) => tr!(subscriber.untried),
    }
}

fn at(time_of: Option<Timestamp>) -> AnyView {
    match time_of {
        Some(at) => time(at),
        None => view! { <span class="muted">"–"</span> }.into_any(),
    }
}

/// The panel of a webhook's deliveries.
pub(super) fn deliveries(view: &SubscriberView) -> AnyView {
    let base = page_of(&view.place, &view.subscriber);
    let body = if view.messages.is_empty() {
        view! { <EmptyState title=tr!(subscriber.no_deliveries) hint=tr!(subscriber.no_deliveries_hint)/> }
            .into_any()
    } else {
        let heads = [
            tr!(subscriber.event),
            tr!(subscriber.at),
            tr!(subscriber.state),
            tr!(subscriber.answer),
            tr!(subscriber.tries),
            tr!(subscriber.next),
        ];
        table(
            tr!(subscriber.deliveries),
            heads.into_iter().map(IntoAny::into_any).collect(),
            view.messages.iter().map(|one| message_row(&base, one)).collect(),
        )
    };
    let older = view.messages.last().filter(|_| view.more).map(|last| {
        let href = format!("{base}?before={}", last.id);
        view! { <p class="foot">{button_link(Weight::Plain, href, tr!(subscriber.older))}</p> }
    });
    view! {
        <Panel title=tr!(subscriber.deliveries) aside=tr!(subscriber.kept).into_any()>{body}{older}</Panel>
    }
    .into_any()
}

fn message_row(base: &str, message: &Message) -> AnyView {
    let href = format!("{base}/deliveries/{}", message.id);
    row(
        view! { <a href=href><code>{message.kind.key()}</code></a> }.into_any(),
        vec![
            (tr!(subscriber.at), time(message.created_at)),
            (tr!(subscriber.state), state(message.state)),
            (tr!(subscriber.answer), answer(message).into_any()),
            (tr!(subscriber.tries), message.tries.to_string().into_any()),
            (tr!(subscriber.next), at(message.next_try_at)),
        ],
    )
}

/// `…/settings/webhooks/{webhook}/deliveries/{delivery}`.
pub fn message_page() -> AnyView {
    let (org, project) = (param("org"), param("project"));
    let (webhook, delivery) = (param("webhook"), param("delivery"));
    load(move || ReadMessage {
        org: org(),
        project: given(project()),
        webhook: webhook(),
        delivery: delivery(),
    })
    .watching(|view: &MessageView| Topics::of("subscriber", view.message.subscriber))
    .view(|view| show(&view))
}

fn show(view: &MessageView) -> AnyView {
    let message = &view.message;
    let trouble = message
        .trouble
        .as_ref()
        .map(|trouble| view! { <p class="note bad">{say(trouble)}</p> });
    let headers: Vec<String> = view
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    let sent = if headers.is_empty() {
        tr!(subscriber.untried)
    } else {
        headers.join("\n")
    };
    let answered = if view.answer.is_empty() {
        tr!(subscriber.no_body)
    } else {
        view.answer.clone()
    };
    view! {
        <PageHead title=message.kind.key().to_owned() mark=state(message.state) line=say(&message.kind.text()).into_any()/>
        {settings_tabs(&view.place)}
        <div class="stack wide">
            {trouble}
            {facts(view)}
            {text(tr!(subscriber.headers), sent)}
            {text(tr!(subscriber.body), view.body.clone())}
            {text(tr!(subscriber.answered), answered)}
        </div>
    }
    .into_any()
}

/// Which delivery it is, how it went, and the way to send it again.
fn facts(view: &MessageView) -> AnyView {
    let message = view.message.clone();
    let (url, resend) = (view.url.clone(), resend(view));
    view! {
        <Panel title=tr!(subscriber.delivery)>
            <dl class="facts box-body">
                <dt>"webhook-id"</dt>
                <dd><code>{message.id.to_string()}</code></dd>
                <dt>{tr!(subscriber.url)}</dt>
                <dd><code>{url}</code></dd>
                <dt>{tr!(subscriber.at)}</dt>
                <dd>{time(message.created_at)}</dd>
                <dt>{tr!(subscriber.tries)}</dt>
                <dd>{message.tries}</dd>
                <dt>{tr!(subscriber.last_try)}</dt>
                <dd>{at(message.tried_at)}</dd>
                <dt>{tr!(subscriber.answer)}</dt>
                <dd>{answer(&message)}</dd>
                <dt>{tr!(subscriber.next)}</dt>
                <dd>{at(message.next_try_at)}</dd>
            </dl>
            {resend}
        </Panel>
    }
    .into_any()
}

/// A text of another system as it is.
fn text(title: String, words: String) -> AnyView {
    view! { <Panel title><div class="box-body"><pre class="small prose">{words}</pre></div></Panel> }
        .into_any()
}

fn resend(view: &MessageView) -> AnyView {
    if !view.may_resend {
        return ().into_any();
    }
    let at = place_fields(&view.place);
    let (webhook, delivery) = (view.message.subscriber.to_string(), view.message.id.to_string());
    view! {
        <Form action=ResendMessage::PATH class="form box-body" done=tr!(subscriber.resent)>
            {at}
            {hidden("webhook", webhook)}
            {hidden("delivery", delivery)}
            <p class="muted">{tr!(subscriber.resend_hint)}</p>
            <p>{submit(Weight::Plain, tr!(subscriber.resend))}</p>
        </Form>
    }
    .into_any()
}
