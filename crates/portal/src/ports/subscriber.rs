//! Subscribers and the webhooks that are sent to them.

use super::StoreResult;
use crate::access::Managed;
use async_trait::async_trait;
use slipway_domain::id::{MessageId, OrgId, ProjectId, SubscriberId};
use slipway_domain::message::{Message, MessageState};
use slipway_domain::project::Place;
use slipway_domain::subscriber::{EventKind, EventKinds, Subscriber};
use slipway_domain::text::Text;
use slipway_domain::time::Timestamp;

/// A subscriber with its secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriberRecord {
    /// What people see.
    pub subscriber: Subscriber,
    /// Whose it is.
    pub place: Place,
    /// The secret that signs, sealed.
    pub secret: String,
    /// The one before, sealed.
    pub old_secret: Option<String>,
}

/// A webhook to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMessage {
    /// Which.
    pub id: MessageId,
    /// Whom to.
    pub subscriber: SubscriberId,
    /// Whose the subscriber is.
    pub org: OrgId,
    /// What it tells.
    pub kind: EventKind,
    /// The body, as it is signed and sent.
    pub body: String,
    /// When it happened; it is due from then on.
    pub at: Timestamp,
}

/// A delivery with all that is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageRecord {
    /// What the log shows.
    pub message: Message,
    /// Failed tries in a row since it was sent for the first time, or again.
    pub failures: i64,
    /// Until when a worker tries it.
    pub lease_until: Option<Timestamp>,
    /// The headers of the last try.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
    /// The beginning of the last answer.
    pub answer: String,
}

/// How a try went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// Of which delivery.
    pub id: MessageId,
    /// The number of the try: it fences.
    pub tries: i64,
    /// How the delivery stands now.
    pub state: MessageState,
    /// Failed tries in a row.
    pub failures: i64,
    /// When it is tried next.
    pub next_try_at: Option<Timestamp>,
    /// The HTTP status of the answer.
    pub status: Option<i64>,
    /// How long it took, in ms.
    pub took_ms: i64,
    /// The headers that were sent.
    pub headers: Vec<(String, String)>,
    /// The beginning of the answer.
    pub answer: String,
    /// Why there was no answer, or what was wrong with it.
    pub trouble: Option<Text>,
}

/// Subscribers and their messages. What people do takes the place that they manage; the rest is the workers'.
#[async_trait]
pub trait SubscriberTx: Send {
    /// Makes a subscriber of the place.
    async fn insert_subscriber(&mut self, place: &Managed, record: &SubscriberRecord) -> StoreResult<()>;
    /// The subscriber of the place of that id.
    async fn subscriber(
        &mut self,
        place: &Managed,
        id: SubscriberId,
    ) -> StoreResult<Option<SubscriberRecord>>;
    /// The subscribers of the place itself, the oldest first.
    async fn subscribers(&mut self, place: &Managed) -> StoreResult<Vec<Subscriber>>;
    /// How many the whole organization has.
    async fn count_subscribers(&mut self, org: OrgId) -> StoreResult<i64>;
    /// Replaces a subscriber that still has the version of `record`, and raises it. `Gone`: it has another one.
    async fn update_subscriber(&mut self, place: &Managed, record: &SubscriberRecord) -> StoreResult<()>;
    /// Forgets a subscriber and its messages.
    async fn delete_subscriber(&mut self, place: &Managed, id: SubscriberId) -> StoreResult<()>;
    /// The messages of a subscriber, the newest first; only those before `before`.
    async fn messages(
        &mut self,
        place: &Managed,
        subscriber: SubscriberId,
        before: Option<MessageId>,
        limit: i64,
    ) -> StoreResult<Vec<Message>>;
    /// One message of a subscriber.
    async fn message(
        &mut self,
        place: &Managed,
        subscriber: SubscriberId,
        id: MessageId,
    ) -> StoreResult<Option<MessageRecord>>;
    /// Makes a message due at `at`, with all its tries before it. `Gone`: it is being tried right now.
    async fn resend_message(
        &mut self,
        place: &Managed,
        subscriber: SubscriberId,
        id: MessageId,
        at: Timestamp,
    ) -> StoreResult<()>;

    /// The subscribers that are switched on and hear of the project: its own and the organization's; with what each is
    /// told of. Called inside the change that is told.
    async fn listeners(
        &mut self,
        org: OrgId,
        project: Option<ProjectId>,
    ) -> StoreResult<Vec<(SubscriberId, EventKinds)>>;
    /// Keeps a message that waits.
    async fn insert_message(&mut self, message: &NewMessage) -> StoreResult<()>;
    /// The subscriber of that id, for the worker.
    async fn subscriber_to_send(&mut self, id: SubscriberId) -> StoreResult<Option<SubscriberRecord>>;
    /// The messages that are due and that nobody tries, the longest due first, for the worker.
    async fn due_messages(
        &mut self,
        subscriber: SubscriberId,
        now: Timestamp,
        limit: i64,
    ) -> StoreResult<Vec<MessageRecord>>;
    /// When the next message of a subscriber is due, or free again.
    async fn next_message_at(&mut self, subscriber: SubscriberId) -> StoreResult<Option<Timestamp>>;
    /// Begins the try after `tries` others, until `lease`; `false`: somebody else did.
    async fn begin_try(
        &mut self,
        id: MessageId,
        tries: i64,
        now: Timestamp,
        lease: Timestamp,
    ) -> StoreResult<bool>;
    /// Writes down how a try went; `false`: its lease ended, and another try was begun. A message that was cancelled
    /// meanwhile stays so, unless it was delivered.
    async fn end_try(&mut self, tried: &Tried) -> StoreResult<bool>;
    /// Notes that a try failed, or that one succeeded (`None`); since when all fail.
    async fn note_subscriber(
        &mut self,
        id: SubscriberId,
        failed_at: Option<Timestamp>,
    ) -> StoreResult<Option<Timestamp>>;
    /// Switches a subscriber off; `false`: it is.
    async fn switch_off_subscriber(&mut self, id: SubscriberId, why: &Text) -> StoreResult<bool>;
    /// Cancels what waits for a subscriber.
    async fn cancel_messages(&mut self, id: SubscriberId) -> StoreResult<()>;
    /// Forgets messages of before `before`, and secrets that no longer sign at `now`; how many messages.
    async fn sweep_messages(&mut self, before: Timestamp, now: Timestamp) -> StoreResult<i64>;
}
