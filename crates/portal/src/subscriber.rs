//! Subscribers: who is told what happened by webhooks that Slipway sends, as Standard Webhooks says.
//!
//! What happened becomes one message a subscriber in the transaction of the change ([`event`]); one job a subscriber
//! sends what is due ([`send`]).

pub(crate) mod event;
pub(crate) mod send;
mod sign;

pub use sign::{new_secret, signature};

use crate::access::{self, At, Managed};
use crate::change::{Change, Entry};
use crate::context::OpCtx;
use crate::error::{Error, FieldError, Result};
use crate::ports::{MessageRecord, NewMessage, StoreError, SubscriberRecord};
use slipway_domain::access::ScopeKind;
use slipway_domain::id::{MessageId, SubscriberId};
use slipway_domain::message::{Message, MessageView, PAGE};
use slipway_domain::subscriber::{
    DESCRIPTION_MAX, EventKind, EventKinds, MOST, OVERLAP, Subscriber, SubscriberList, SubscriberView,
    check_url,
};
use slipway_domain::text::Text;

/// What a subscriber should be.
#[derive(Clone, Debug, Default)]
pub struct Input {
    /// Where webhooks are sent to.
    pub url: String,
    /// What it is for.
    pub description: String,
    /// The keys of the kinds of events that it is told of.
    pub kinds: Vec<String>,
    /// Whether anything is sent.
    pub enabled: bool,
}

/// A subscriber that was made, or whose secret is new. The secret is shown now and never again.
pub struct Made {
    /// Which.
    pub id: SubscriberId,
    /// What the receiver checks signatures with: `whsec_` and base64.
    pub secret: String,
}

/// What a subscriber's secrets are sealed for.
pub(crate) fn secret_context(id: SubscriberId) -> String {
    format!("signing secret of {id}")
}

/// The place whose subscribers somebody manages: an organization or a project, archived or not.
async fn managed(ctx: &OpCtx, at: At<'_>) -> Result<Managed> {
    let place = access::managed_place(ctx, at).await?;
    if place.kind() == ScopeKind::App {
        return Err(Error::NotFound);
    }
    Ok(place)
}

/// As [`managed`], to change something: not in an archived place.
async fn changeable(ctx: &OpCtx, at: At<'_>) -> Result<Managed> {
    let place = managed(ctx, at).await?;
    access::alive(&place.place())?;
    Ok(place)
}

/// The subscribers of a place itself: an organization's are not its projects'.
///
/// # Errors
/// As [`access::managed_place`]; [`Error::NotFound`] for an app, which has none.
pub async fn list(ctx: &OpCtx, at: At<'_>) -> Result<SubscriberList> {
    let place = managed(ctx, at).await?;
    let subscribers = ctx.read().await?.subscribers(&place).await?;
    let place = place.place();
    Ok(SubscriberList { place, subscribers })
}

/// A subscriber of the place.
///
/// # Errors
/// As [`list`]; [`Error::NotFound`].
pub async fn show(ctx: &OpCtx, at: At<'_>, id: SubscriberId) -> Result<Subscriber> {
    let place = managed(ctx, at).await?;
    let found = ctx.read().await?.subscriber(&place, id).await?;
    found.map(|record| record.subscriber).ok_or(Error::NotFound)
}

/// A subscriber of the place with its last deliveries, those before `before`.
///
/// # Errors
/// As [`show`].
pub async fn view(
    ctx: &OpCtx,
    at: At<'_>,
    id: SubscriberId,
    before: Option<MessageId>,
) -> Result<SubscriberView> {
    let place = managed(ctx, at).await?;
    let mut tx = ctx.read().await?;
    let found = tx.subscriber(&place, id).await?.ok_or(Error::NotFound)?;
    let mut messages = tx.messages(&place, id, before, PAGE + 1).await?;
    let page = usize::try_from(PAGE).unwrap_or(usize::MAX);
    let more = messages.len() > page;
    messages.truncate(page);
    Ok(SubscriberView {
        place: found.place,
        subscriber: found.subscriber,
        messages,
        more,
        as_of: ctx.now(),
    })
}

/// At most `limit` deliveries of a subscriber, the newest first, those before `before`; at most a hundred.
///
/// # Errors
/// As [`show`].
pub async fn messages(
    ctx: &OpCtx,
    at: At<'_>,
    id: SubscriberId,
    before: Option<MessageId>,
    limit: usize,
) -> Result<Vec<Message>> {
    let place = managed(ctx, at).await?;
    let mut tx = ctx.read().await?;
    tx.subscriber(&place, id).await?.ok_or(Error::NotFound)?;
    let limit = i64::try_from(limit.min(101)).unwrap_or(PAGE);
    Ok(tx.messages(&place, id, before, limit).await?)
}

/// One delivery: what was sent, and what came back.
///
/// # Errors
/// As [`show`].
pub async fn message(
    ctx: &OpCtx,
    at: At<'_>,
    subscriber: SubscriberId,
    id: MessageId,
) -> Result<MessageView> {
    let place = managed(ctx, at).await?;
    let mut tx = ctx.read().await?;
    let whose = tx.subscriber(&place, subscriber).await?.ok_or(Error::NotFound)?;
    let found = tx.message(&place, subscriber, id).await?.ok_or(Error::NotFound)?;
    let may_resend = whose.subscriber.enabled && !is_tried(&found, ctx);
    Ok(MessageView {
        place: whose.place,
        url: whose.subscriber.url,
        may_resend,
        message: found.message,
        headers: found.headers,
        body: found.body,
        answer: found.answer,
    })
}

fn is_tried(message: &MessageRecord, ctx: &OpCtx) -> bool {
    message.lease_until.is_some_and(|until| until > ctx.now())
}

/// Makes a subscriber.
///
/// # Errors
/// As [`list`]; wrong fields; `too_many_webhooks`; `archived`.
pub async fn create(ctx: &OpCtx, at: At<'_>, input: Input) -> Result<Made> {
    let place = changeable(ctx, at).await?;
    let checked = checked(ctx, input).await?;
    let id = ctx.id::<SubscriberId>();
    let secret = new_secret();
    let record = SubscriberRecord {
        subscriber: Subscriber {
            id,
            url: checked.url,
            description: checked.description,
            kinds: checked.kinds,
            enabled: checked.enabled,
            off_reason: None,
            old_secret_until: None,
            failing_since: None,
            created_at: ctx.now(),
            version: 1,
        },
        place: place.place(),
        secret: ctx.portal().sealer.seal(&secret_context(id), &secret),
        old_secret: None,
    };
    let mut change = ctx.change().await?;
    if change.tx().count_subscribers(place.org_id()).await? >= MOST {
        return Err(Error::refused(
            "too_many_webhooks",
            format!(
                "The organization has {MOST} webhooks. Delete one that is not used any more, then try again."
            ),
            format!("该组织已有 {MOST} 个 Webhook。请先删除不再使用的，再重试。"),
        ));
    }
    change.tx().insert_subscriber(&place, &record).await?;
    written(&mut change, "webhook.create", &record).await?;
    change.commit().await?;
    Ok(Made { id, secret })
}

/// Changes a subscriber; with `expected`, only where that is still its version. Switching it off cancels what waits.
///
/// # Errors
/// As [`create`]; [`Error::NotFound`]; [`Error::version_mismatch`].
pub async fn update(
    ctx: &OpCtx,
    at: At<'_>,
    id: SubscriberId,
    expected: Option<i64>,
    input: Input,
) -> Result<()> {
    let place = changeable(ctx, at).await?;
    let mut record = known(ctx, &place, id).await?;
    if expected.is_some_and(|version| version != record.subscriber.version) {
        return Err(Error::version_mismatch());
    }
    let checked = checked(ctx, input).await?;
    let was = record.subscriber.enabled;
    let new = &mut record.subscriber;
    new.url = checked.url;
    new.description = checked.description;
    new.kinds = checked.kinds;
    new.enabled = checked.enabled;
    if checked.enabled {
        new.off_reason = None;
        if !was {
            new.failing_since = None;
        }
    }
    let mut change = ctx.change().await?;
    let kept = change.tx().update_subscriber(&place, &record).await;
    kept.map_err(|error| match (error, expected) {
        (StoreError::Gone, Some(_)) => Error::version_mismatch(),
        (error, _) => error.into(),
    })?;
    if !record.subscriber.enabled {
        change.tx().cancel_messages(id).await?;
    }
    written(&mut change, "webhook.edit", &record).await?;
    change.commit().await
}

/// Gives a subscriber a new secret. The one before signs too for a day, so that the receiver can change over.
///
/// # Errors
/// As [`update`].
pub async fn rotate(ctx: &OpCtx, at: At<'_>, id: SubscriberId) -> Result<Made> {
    let place = changeable(ctx, at).await?;
    let mut record = known(ctx, &place, id).await?;
    let secret = new_secret();
    let sealed = ctx.portal().sealer.seal(&secret_context(id), &secret);
    record.old_secret = Some(std::mem::replace(&mut record.secret, sealed));
    record.subscriber.old_secret_until = Some(ctx.now().plus(OVERLAP));
    let mut change = ctx.change().await?;
    change.tx().update_subscriber(&place, &record).await?;
    written(&mut change, "webhook.rotate", &record).await?;
    change.commit().await?;
    Ok(Made { id, secret })
}

/// Deletes a subscriber and its deliveries.
///
/// # Errors
/// As [`update`].
pub async fn delete(ctx: &OpCtx, at: At<'_>, id: SubscriberId) -> Result<()> {
    let place = changeable(ctx, at).await?;
    let record = known(ctx, &place, id).await?;
    let mut change = ctx.change().await?;
    change.tx().delete_subscriber(&place, id).await?;
    written(&mut change, "webhook.delete", &record).await?;
    change.commit().await
}

/// Sends a test: its delivery.
///
/// # Errors
/// As [`update`]; `webhook_off`.
pub async fn test(ctx: &OpCtx, at: At<'_>, id: SubscriberId) -> Result<MessageId> {
    let place = changeable(ctx, at).await?;
    let record = known(ctx, &place, id).await?;
    switched_on(&record)?;
    let data = serde_json::json!({ "webhook": { "id": id } });
    let path = page(&record);
    let mut change = ctx.change().await?;
    let body = event::body(&change, EventKind::Test, &record.place, &path, data);
    let message = NewMessage {
        id: ctx.id(),
        subscriber: id,
        org: place.org_id(),
        kind: EventKind::Test,
        body,
        at: ctx.now(),
    };
    change.tx().insert_message(&message).await?;
    event::wake(&mut change, id).await?;
    written(&mut change, "webhook.test", &record).await?;
    change.commit().await?;
    Ok(message.id)
}

/// Sends a delivery again, with the same id, whether or not it arrived.
///
/// # Errors
/// As [`update`]; `webhook_off`; [`Error::Conflict`] `being_sent` while it is tried.
pub async fn resend(ctx: &OpCtx, at: At<'_>, subscriber: SubscriberId, id: MessageId) -> Result<()> {
    let place = changeable(ctx, at).await?;
    let record = known(ctx, &place, subscriber).await?;
    let mut change = ctx.change().await?;
    let message = change.tx().message(&place, subscriber, id).await?;
    let message = message.ok_or(Error::NotFound)?;
    switched_on(&record)?;
    let again = change
        .tx()
        .resend_message(&place, subscriber, id, ctx.now())
        .await;
    again.map_err(|error| match error {
        StoreError::Gone => Error::conflict(
            "being_sent",
            "This delivery is being sent right now. Look at how it went, then send it again.",
            "该投递正在发送。请先查看结果，再决定是否重新发送。",
        ),
        other => other.into(),
    })?;
    event::wake(&mut change, subscriber).await?;
    let summary = serde_json::json!({ "message": id, "type": message.message.kind.key() });
    change
        .audit(Entry::done(
            "webhook.resend",
            "webhook",
            subscriber,
            record.subscriber.origin(),
            &record.place,
            summary,
        ))
        .await?;
    change.touch("subscriber", subscriber, &record.place);
    change.commit().await
}

async fn known(ctx: &OpCtx, place: &Managed, id: SubscriberId) -> Result<SubscriberRecord> {
    let found = ctx.read().await?.subscriber(place, id).await?;
    found.ok_or(Error::NotFound)
}

fn switched_on(record: &SubscriberRecord) -> Result<()> {
    if record.subscriber.enabled {
        return Ok(());
    }
    Err(Error::refused(
        "webhook_off",
        "This webhook is switched off. Switch it on first.",
        "该 Webhook 已停用，请先启用。",
    ))
}

/// The page of a subscriber.
fn page(record: &SubscriberRecord) -> String {
    let place = record.place.path();
    format!("{place}/settings/webhooks/{}", record.subscriber.id)
}

/// The audit row of a change, and the word to the pages. Of the address only the host: the rest is often a secret.
async fn written(change: &mut Change<'_>, action: &'static str, record: &SubscriberRecord) -> Result<()> {
    let subscriber = &record.subscriber;
    let kinds: Vec<&str> = subscriber.kinds.iter().map(EventKind::key).collect();
    let summary = match action {
        "webhook.create" | "webhook.edit" => serde_json::json!({
            "url": subscriber.origin(),
            "events": kinds.join(" "),
            "enabled": subscriber.enabled,
        }),
        _ => serde_json::json!({}),
    };
    let place = &record.place;
    change
        .audit(Entry::done(
            action,
            "webhook",
            subscriber.id,
            subscriber.origin(),
            place,
            summary,
        ))
        .await?;
    change.touch("subscriber", subscriber.id, place);
    let whole = match &place.project {
        Some(project) => project.id.to_string(),
        None => place.org.id.to_string(),
    };
    change.touch("subscribers", whole, place);
    Ok(())
}

struct Checked {
    url: String,
    description: String,
    kinds: EventKinds,
    enabled: bool,
}

async fn checked(ctx: &OpCtx, input: Input) -> Result<Checked> {
    let mut wrong = Vec::new();
    let mut field = |name: &str, text: Text| {
        wrong.push(FieldError {
            field: name.to_owned(),
            text,
        });
    };
    let url = input.url.trim().to_owned();
    if let Some(text) = check_url(&url) {
        field("url", text);
    } else if let Err(error) = ctx.portal().courier.admits(&url).await {
        field("url", error.text());
    }
    let description = input.description.trim().to_owned();
    if description.chars().count() > DESCRIPTION_MAX || description.chars().any(char::is_control) {
        field(
            "description",
            Text::new(
                format!("use at most {DESCRIPTION_MAX} characters, on one line"),
                format!("最多 {DESCRIPTION_MAX} 个字符，且不换行"),
            ),
        );
    }
    let kinds = match EventKinds::from_keys(input.kinds.iter().map(String::as_str)) {
        Ok(kinds) => {
            if kinds.is_empty() {
                field(
                    "kinds",
                    Text::new("choose at least one kind of event", "请至少选择一种事件"),
                );
            }
            kinds
        }
        Err(key) => {
            field(
                "kinds",
                Text::new(
                    format!("there is no kind of event “{key}”"),
                    format!("没有名为“{key}”的事件"),
                ),
            );
            EventKinds::default()
        }
    };
    if !wrong.is_empty() {
        return Err(Error::Invalid(wrong));
    }
    Ok(Checked {
        url,
        description,
        kinds,
        enabled: input.enabled,
    })
}
