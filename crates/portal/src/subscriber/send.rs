//! The worker: sends what is due for a subscriber, and writes down how it went.
//!
//! A try is begun in a transaction that raises its number and leases it, sent outside of any, and ended in another that
//! holds only where the number is still the same. A worker that dies leaves a try that nobody knows the end of: the
//! next one has another number, and the same `webhook-id`, by which receivers tell repetitions.

use super::{secret_context, signature};
use crate::change::Entry;
use crate::context::OpCtx;
use crate::error::Result;
use crate::jobs::Next;
use crate::ports::{CourierError, MessageRecord, Parcel, Receipt, SubscriberRecord, Tried};
use futures::future::join_all;
use slipway_domain::id::SubscriberId;
use slipway_domain::message::{JITTER, KEPT, MessageState, next_try};
use slipway_domain::subscriber::GIVE_UP;
use slipway_domain::text::Text;
use slipway_domain::time::{MINUTE, SECOND, Timestamp};
use std::time::Instant;

/// How many deliveries of one subscriber are under way in one turn.
const AT_ONCE: i64 = 8;

/// How long a try may take until it counts as lost, in µs: longer than the courier waits.
const LEASE: i64 = MINUTE;

/// The status of an answer that says: never again.
const GONE: u16 = 410;

/// Sends what is due for a subscriber.
pub(crate) async fn run(ctx: &OpCtx, id: SubscriberId) -> Result<Next> {
    let known = ctx.read().await?.subscriber_to_send(id).await?;
    let Some(record) = known.filter(|record| record.subscriber.enabled) else {
        return Ok(Next::Done);
    };
    let due = begin(ctx, id).await?;
    let tries = due.iter().map(|message| send(ctx, &record, message));
    for (message, sent) in due.iter().zip(join_all(tries).await) {
        settle(ctx, &record, message, sent).await?;
    }
    let next = ctx.read().await?.next_message_at(id).await?;
    Ok(next.map_or(Next::Done, Next::At))
}

/// Begins a try of each delivery that is due.
async fn begin(ctx: &OpCtx, id: SubscriberId) -> Result<Vec<MessageRecord>> {
    let now = ctx.now();
    let mut change = ctx.change().await?;
    change.bookkeeping();
    let mut begun = Vec::new();
    for mut message in change.tx().due_messages(id, now, AT_ONCE).await? {
        let tries = message.message.tries;
        if change
            .tx()
            .begin_try(message.message.id, tries, now, now.plus(LEASE))
            .await?
        {
            message.message.tries = tries + 1;
            begun.push(message);
        }
    }
    change.commit().await?;
    Ok(begun)
}

/// How a try went.
struct Sent {
    headers: Vec<(String, String)>,
    answer: std::result::Result<Receipt, CourierError>,
    took_ms: i64,
}

async fn send(ctx: &OpCtx, record: &SubscriberRecord, message: &MessageRecord) -> Sent {
    let parcel = match parcel(ctx, record, message) {
        Ok(parcel) => parcel,
        Err(error) => {
            return Sent {
                headers: Vec::new(),
                answer: Err(error),
                took_ms: 0,
            };
        }
    };
    let started = Instant::now();
    let answer = ctx.portal().courier.send(&parcel).await;
    Sent {
        took_ms: i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX),
        headers: parcel.headers,
        answer,
    }
}

/// The request of a try, signed now: by the secret, and for a day after a rotation by the one before as well. What the
/// secret cannot sign is not sent: a receiver that checks would refuse it, and one that does not must not learn to.
fn parcel(
    ctx: &OpCtx,
    record: &SubscriberRecord,
    message: &MessageRecord,
) -> std::result::Result<Parcel, CourierError> {
    let now = ctx.now();
    let id = message.message.id.to_string();
    let seconds = now.micros() / SECOND;
    let overlap = record
        .subscriber
        .old_secret_until
        .is_some_and(|until| until > now);
    let before = record.old_secret.as_ref().filter(|_| overlap);
    let context = secret_context(record.subscriber.id);
    let sign = |sealed: &String| {
        let opened = ctx.portal().sealer.open(&context, sealed);
        let secret = opened
            .inspect_err(|error| tracing::error!(%error, subscriber = %record.subscriber.id, "the secret of a webhook does not open"))
            .ok()?;
        signature(&secret, &id, seconds, &message.body)
    };
    let mut signatures = vec![sign(&record.secret).ok_or(CourierError::Sealed)?];
    signatures.extend(before.and_then(sign));
    let header = |name: &str, value: String| (name.to_owned(), value);
    Ok(Parcel {
        url: record.subscriber.url.clone(),
        headers: vec![
            header("content-type", String::from("application/json")),
            header(
                "user-agent",
                concat!("slipway/", env!("CARGO_PKG_VERSION")).to_owned(),
            ),
            header("webhook-id", id),
            header("webhook-timestamp", seconds.to_string()),
            header("webhook-signature", signatures.join(" ")),
        ],
        body: message.body.clone(),
    })
}

/// Writes down how a try went, and switches the subscriber off where that is due.
async fn settle(ctx: &OpCtx, record: &SubscriberRecord, message: &MessageRecord, sent: Sent) -> Result<()> {
    let now = ctx.now();
    let id = record.subscriber.id;
    let status = sent.answer.as_ref().ok().map(|receipt| receipt.status);
    let tried = tried(now, message, sent);
    let delivered = tried.state == MessageState::Delivered;
    let mut change = ctx.change().await?;
    change.bookkeeping();
    if !change.tx().end_try(&tried).await? {
        // It took longer than its lease, and another try of it was begun.
        return Ok(());
    }
    let failing_since = change
        .tx()
        .note_subscriber(id, (!delivered).then_some(now))
        .await?;
    let why = match (status, failing_since) {
        (Some(GONE), _) => Some(Text::new(
            "The receiver answered 410 Gone: it wants no more of this.",
            "接收方返回 410 Gone，表示不再接收。",
        )),
        (_, Some(since)) if now.since(since) >= GIVE_UP => Some(Text::new(
            "Nothing was delivered for five days.",
            "连续五天没有任何投递成功。",
        )),
        _ => None,
    };
    if let Some(why) = why
        && change.tx().switch_off_subscriber(id, &why).await?
    {
        change.tx().cancel_messages(id).await?;
        let summary = serde_json::json!({ "reason": why.en });
        let origin = record.subscriber.origin();
        change
            .audit(Entry::done(
                "webhook.disable",
                "webhook",
                id,
                origin,
                &record.place,
                summary,
            ))
            .await?;
    }
    change.touch("subscriber", id, &record.place);
    change.commit().await
}

fn tried(now: Timestamp, message: &MessageRecord, sent: Sent) -> Tried {
    let failures = message.failures + 1;
    let (status, retry_after, answer, trouble) = match sent.answer {
        Ok(receipt) => (
            Some(receipt.status),
            receipt
                .retry_after
                .filter(|_| matches!(receipt.status, 429 | 503)),
            receipt.body,
            trouble(receipt.status),
        ),
        Err(error) => (None, None, String::new(), Some(error.text())),
    };
    let delivered = status.is_some_and(|status| (200..300).contains(&status));
    let next = if delivered || status == Some(GONE) {
        None
    } else {
        next_try(now, failures, rand::random_range(0..=JITTER), retry_after)
    };
    let state = match (delivered, next) {
        (true, _) => MessageState::Delivered,
        (false, Some(_)) => MessageState::Waiting,
        (false, None) => MessageState::Failed,
    };
    Tried {
        id: message.message.id,
        tries: message.message.tries,
        state,
        failures: if delivered { 0 } else { failures },
        next_try_at: next,
        status: status.map(i64::from),
        took_ms: sent.took_ms,
        headers: sent.headers,
        answer,
        trouble,
    }
}

/// What an answer other than 2xx means.
fn trouble(status: u16) -> Option<Text> {
    match status {
        200..=299 => None,
        300..=399 => Some(Text::new(
            "the receiver points elsewhere, and Slipway does not follow; change the address",
            "接收方要求跳转，Slipway 不会跟随；请修改地址",
        )),
        _ => Some(Text::new(
            format!("the receiver answered {status}"),
            format!("接收方返回 {status}"),
        )),
    }
}

/// Forgets deliveries that are old, and secrets that sign no more.
pub(crate) async fn sweep(ctx: &OpCtx) -> Result<()> {
    let now = ctx.now();
    let mut change = ctx.change().await?;
    change.bookkeeping();
    change.tx().sweep_messages(now.plus(-KEPT), now).await?;
    change.commit().await
}
