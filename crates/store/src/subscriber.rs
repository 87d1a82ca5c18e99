//! Subscribers and the webhooks that are sent to them.

use crate::access::{org, org_columns, project_columns, project_ref};
use crate::connect::SqlTx;
use crate::error::{affected, map};
use crate::row::{columns, document};
use async_trait::async_trait;
use slipway_domain::id::{MessageId, OrgId, ProjectId, SubscriberId};
use slipway_domain::message::{Message, MessageState};
use slipway_domain::project::Place;
use slipway_domain::subscriber::{EventKind, EventKinds, Subscriber};
use slipway_domain::text::Text;
use slipway_domain::time::Timestamp;
use slipway_portal::access::Managed;
use slipway_portal::ports::{MessageRecord, NewMessage, StoreResult, SubscriberRecord, SubscriberTx, Tried};
use sqlx::any::AnyRow;
use sqlx::query;

macro_rules! subscribers {
    ($where:literal) => {
        concat!(
            "SELECT s.id, s.url, s.description, s.kinds, s.enabled, s.off_reason, s.secret, s.old_secret, \
             s.old_secret_until, s.failing_since, s.created_at, s.version, ",
            org_columns!(),
            ", ",
            project_columns!(),
            " FROM subscribers s JOIN organizations o ON o.id = s.org_id AND o.deleted_at IS NULL \
             LEFT JOIN projects p ON p.id = s.project_id AND p.org_id = s.org_id WHERE ",
            $where
        )
    };
}

/// The subscribers of a place: `$1` is its organization, `$2` its project or empty.
const OF_PLACE: &str =
    subscribers!("s.org_id = $1 AND COALESCE(s.project_id, '') = $2 ORDER BY s.created_at, s.id");
const ONE_OF_PLACE: &str = subscribers!("s.org_id = $1 AND COALESCE(s.project_id, '') = $2 AND s.id = $3");
const BY_ID: &str = subscribers!("s.id = $1");

/// The organization and the project of a place; empty: the organization itself.
fn ids(place: &Managed) -> [String; 2] {
    [
        place.org_id().to_string(),
        place.project_id().map_or_else(String::new, |id| id.to_string()),
    ]
}

fn record(row: &AnyRow) -> StoreResult<SubscriberRecord> {
    let c = columns("subscribers", row);
    let project = c.opt_id::<ProjectId>("project_id")?;
    Ok(SubscriberRecord {
        subscriber: Subscriber {
            id: c.id("id")?,
            url: c.text("url")?,
            description: c.text("description")?,
            kinds: c.key("kinds", EventKinds::from_stored)?,
            enabled: c.flag("enabled")?,
            off_reason: c.opt_json("off_reason")?,
            old_secret_until: c.opt_time("old_secret_until")?,
            failing_since: c.opt_time("failing_since")?,
            created_at: c.time("created_at")?,
            version: c.int("version")?,
        },
        place: Place {
            org: org(c)?,
            project: project.map(|_| project_ref(c)).transpose()?,
            app: None,
        },
        secret: c.text("secret")?,
        old_secret: c.opt_text("old_secret")?,
    })
}

fn message(row: &AnyRow) -> StoreResult<Message> {
    let c = columns("messages", row);
    Ok(Message {
        id: c.id("id")?,
        subscriber: c.id("subscriber_id")?,
        kind: c.key("kind", EventKind::from_key)?,
        state: c.key("state", MessageState::from_key)?,
        created_at: c.time("created_at")?,
        tries: c.int("tries")?,
        tried_at: c.opt_time("tried_at")?,
        next_try_at: c.opt_time("next_try_at")?,
        status: c.opt_int("status")?,
        took_ms: c.opt_int("took_ms")?,
        trouble: c.opt_json("trouble")?,
    })
}

fn message_record(row: &AnyRow) -> StoreResult<MessageRecord> {
    let c = columns("messages", row);
    Ok(MessageRecord {
        message: message(row)?,
        failures: c.int("failures")?,
        lease_until: c.opt_time("lease_until")?,
        headers: c.json("headers")?,
        body: c.text("body")?,
        answer: c.text("answer")?,
    })
}

#[async_trait]
impl SubscriberTx for SqlTx {
    async fn insert_subscriber(&mut self, place: &Managed, record: &SubscriberRecord) -> StoreResult<()> {
        let new = &record.subscriber;
        query(
            "INSERT INTO subscribers (id, org_id, project_id, url, description, kinds, enabled, secret, created_at, version) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(new.id.to_string())
        .bind(place.org_id().to_string())
        .bind(place.project_id().map(|id| id.to_string()))
        .bind(&new.url)
        .bind(&new.description)
        .bind(new.kinds.stored())
        .bind(i64::from(new.enabled))
        .bind(&record.secret)
        .bind(new.created_at.micros())
        .bind(new.version)
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn subscriber(
        &mut self,
        place: &Managed,
        id: SubscriberId,
    ) -> StoreResult<Option<SubscriberRecord>> {
        let [org, project] = ids(place);
        let row = query(ONE_OF_PLACE)
            .bind(org)
            .bind(project)
            .bind(id.to_string())
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.as_ref().map(record).transpose()
    }

    async fn subscribers(&mut self, place: &Managed) -> StoreResult<Vec<Subscriber>> {
        let [org, project] = ids(place);
        let rows = query(OF_PLACE)
            .bind(org)
            .bind(project)
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter()
            .map(|row| record(row).map(|record| record.subscriber))
            .collect()
    }

    async fn count_subscribers(&mut self, org: OrgId) -> StoreResult<i64> {
        let row = query("SELECT COUNT(*) AS all_of_them FROM subscribers WHERE org_id = $1")
            .bind(org.to_string())
            .fetch_one(self.conn())
            .await
            .map_err(map)?;
        columns("subscribers", &row).int("all_of_them")
    }

    async fn update_subscriber(&mut self, place: &Managed, record: &SubscriberRecord) -> StoreResult<()> {
        let [org, project] = ids(place);
        let new = &record.subscriber;
        let done = query(
            "UPDATE subscribers SET url = $5, description = $6, kinds = $7, enabled = $8, off_reason = $9, \
             secret = $10, old_secret = $11, old_secret_until = $12, failing_since = $13, version = version + 1 \
             WHERE org_id = $1 AND COALESCE(project_id, '') = $2 AND id = $3 AND version = $4",
        )
        .bind(org)
        .bind(project)
        .bind(new.id.to_string())
        .bind(new.version)
        .bind(&new.url)
        .bind(&new.description)
        .bind(new.kinds.stored())
        .bind(i64::from(new.enabled))
        .bind(new.off_reason.as_ref().map(document).transpose()?)
        .bind(&record.secret)
        .bind(&record.old_secret)
        .bind(new.old_secret_until.map(Timestamp::micros))
        .bind(new.failing_since.map(Timestamp::micros))
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn delete_subscriber(&mut self, place: &Managed, id: SubscriberId) -> StoreResult<()> {
        let [org, project] = ids(place);
        for statement in [
            "DELETE FROM messages WHERE subscriber_id IN \
             (SELECT id FROM subscribers WHERE org_id = $1 AND COALESCE(project_id, '') = $2 AND id = $3)",
            "DELETE FROM subscribers WHERE org_id = $1 AND COALESCE(project_id, '') = $2 AND id = $3",
        ] {
            query(statement)
                .bind(org.clone())
                .bind(project.clone())
                .bind(id.to_string())
                .execute(self.conn())
                .await
                .map_err(map)?;
        }
        Ok(())
    }

    async fn messages(
        &mut self,
        place: &Managed,
        subscriber: SubscriberId,
        before: Option<MessageId>,
        limit: i64,
    ) -> StoreResult<Vec<Message>> {
        let [org, project] = ids(place);
        let rows = query(
            "SELECT m.* FROM messages m JOIN subscribers s ON s.id = m.subscriber_id \
             WHERE s.org_id = $1 AND COALESCE(s.project_id, '') = $2 AND s.id = $3 AND ($4 = '' OR m.id < $4) \
             ORDER BY m.id DESC LIMIT $5",
        )
        .bind(org)
        .bind(project)
        .bind(subscriber.to_string())
        .bind(before.map_or_else(String::new, |id| id.to_string()))
        .bind(limit)
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter().map(message).collect()
    }

    async fn message(
        &mut self,
        place: &Managed,
        subscriber: SubscriberId,
        id: MessageId,
    ) -> StoreResult<Option<MessageRecord>> {
        let [org, project] = ids(place);
        let row = query(
            "SELECT m.* FROM messages m JOIN subscribers s ON s.id = m.subscriber_id \
             WHERE s.org_id = $1 AND COALESCE(s.project_id, '') = $2 AND s.id = $3 AND m.id = $4",
        )
        .bind(org)
        .bind(project)
        .bind(subscriber.to_string())
        .bind(id.to_string())
        .fetch_optional(self.conn())
        .await
        .map_err(map)?;
        row.as_ref().map(message_record).transpose()
    }

    async fn resend_message(
        &mut self,
        place: &Managed,
        subscriber: SubscriberId,
        id: MessageId,
        at: Timestamp,
    ) -> StoreResult<()> {
        let [org, project] = ids(place);
        let done = query(
            "UPDATE messages SET state = 'waiting', failures = 0, next_try_at = $5, lease_until = NULL \
             WHERE id = $4 AND (lease_until IS NULL OR lease_until <= $5) AND subscriber_id IN \
             (SELECT id FROM subscribers WHERE org_id = $1 AND COALESCE(project_id, '') = $2 AND id = $3)",
        )
        .bind(org)
        .bind(project)
        .bind(subscriber.to_string())
        .bind(id.to_string())
        .bind(at.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn listeners(
        &mut self,
        org: OrgId,
        project: Option<ProjectId>,
    ) -> StoreResult<Vec<(SubscriberId, EventKinds)>> {
        let rows = query(
            "SELECT id, kinds FROM subscribers WHERE org_id = $1 AND enabled = 1 \
             AND (project_id IS NULL OR project_id = $2) ORDER BY id",
        )
        .bind(org.to_string())
        .bind(project.map_or_else(String::new, |id| id.to_string()))
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("subscribers", row);
                Ok((c.id("id")?, c.key("kinds", EventKinds::from_stored)?))
            })
            .collect()
    }

    async fn insert_message(&mut self, message: &NewMessage) -> StoreResult<()> {
        query(
            "INSERT INTO messages (id, subscriber_id, org_id, kind, body, state, created_at, tries, failures, \
             next_try_at, headers, answer) VALUES ($1, $2, $3, $4, $5, 'waiting', $6, 0, 0, $6, '[]', '')",
        )
        .bind(message.id.to_string())
        .bind(message.subscriber.to_string())
        .bind(message.org.to_string())
        .bind(message.kind.key())
        .bind(&message.body)
        .bind(message.at.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn subscriber_to_send(&mut self, id: SubscriberId) -> StoreResult<Option<SubscriberRecord>> {
        let row = query(BY_ID)
            .bind(id.to_string())
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.as_ref().map(record).transpose()
    }

    async fn due_messages(
        &mut self,
        subscriber: SubscriberId,
        now: Timestamp,
        limit: i64,
    ) -> StoreResult<Vec<MessageRecord>> {
        let rows = query(
            "SELECT * FROM messages WHERE subscriber_id = $1 AND state = 'waiting' AND next_try_at <= $2 \
             AND (lease_until IS NULL OR lease_until <= $2) ORDER BY next_try_at, id LIMIT $3",
        )
        .bind(subscriber.to_string())
        .bind(now.micros())
        .bind(limit)
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter().map(message_record).collect()
    }

    async fn next_message_at(&mut self, subscriber: SubscriberId) -> StoreResult<Option<Timestamp>> {
        let row = query(
            "SELECT MIN(CASE WHEN lease_until > next_try_at THEN lease_until ELSE next_try_at END) AS due \
             FROM messages WHERE subscriber_id = $1 AND state = 'waiting'",
        )
        .bind(subscriber.to_string())
        .fetch_one(self.conn())
        .await
        .map_err(map)?;
        columns("messages", &row).opt_time("due")
    }

    async fn begin_try(
        &mut self,
        id: MessageId,
        tries: i64,
        now: Timestamp,
        lease: Timestamp,
    ) -> StoreResult<bool> {
        let done = query(
            "UPDATE messages SET tries = tries + 1, tried_at = $3, lease_until = $4 \
             WHERE id = $1 AND tries = $2 AND state = 'waiting' AND next_try_at <= $3 \
             AND (lease_until IS NULL OR lease_until <= $3)",
        )
        .bind(id.to_string())
        .bind(tries)
        .bind(now.micros())
        .bind(lease.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(done.rows_affected() > 0)
    }

    async fn end_try(&mut self, tried: &Tried) -> StoreResult<bool> {
        let done = query(
            "UPDATE messages SET \
             state = CASE WHEN state = 'waiting' OR $3 = 'delivered' THEN $3 ELSE state END, \
             next_try_at = CASE WHEN state = 'waiting' THEN $5 ELSE next_try_at END, \
             failures = $4, lease_until = NULL, status = $6, took_ms = $7, headers = $8, answer = $9, trouble = $10 \
             WHERE id = $1 AND tries = $2",
        )
        .bind(tried.id.to_string())
        .bind(tried.tries)
        .bind(tried.state.key())
        .bind(tried.failures)
        .bind(tried.next_try_at.map(Timestamp::micros))
        .bind(tried.status)
        .bind(tried.took_ms)
        .bind(document(&tried.headers)?)
        .bind(&tried.answer)
        .bind(tried.trouble.as_ref().map(document).transpose()?)
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(done.rows_affected() > 0)
    }

    async fn note_subscriber(
        &mut self,
        id: SubscriberId,
        failed_at: Option<Timestamp>,
    ) -> StoreResult<Option<Timestamp>> {
        let statement = match failed_at {
            Some(_) => {
                "UPDATE subscribers SET failing_since = COALESCE(failing_since, $2) WHERE id = $1 RETURNING failing_since"
            }
            None => "UPDATE subscribers SET failing_since = $2 WHERE id = $1 RETURNING failing_since",
        };
        let row = query(statement)
            .bind(id.to_string())
            .bind(failed_at.map(Timestamp::micros))
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.map_or(Ok(None), |row| {
            columns("subscribers", &row).opt_time("failing_since")
        })
    }

    async fn switch_off_subscriber(&mut self, id: SubscriberId, why: &Text) -> StoreResult<bool> {
        let done = query(
            "UPDATE subscribers SET enabled = 0, off_reason = $2, version = version + 1 WHERE id = $1 AND enabled = 1",
        )
        .bind(id.to_string())
        .bind(document(why)?)
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(done.rows_affected() > 0)
    }

    async fn cancel_messages(&mut self, id: SubscriberId) -> StoreResult<()> {
        query(
            "UPDATE messages SET state = 'cancelled', next_try_at = NULL \
             WHERE subscriber_id = $1 AND state = 'waiting'",
        )
        .bind(id.to_string())
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn sweep_messages(&mut self, before: Timestamp, now: Timestamp) -> StoreResult<i64> {
        query(
            "UPDATE subscribers SET old_secret = NULL, old_secret_until = NULL WHERE old_secret_until <= $1",
        )
        .bind(now.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        let done = query("DELETE FROM messages WHERE created_at < $1 AND state <> 'waiting'")
            .bind(before.micros())
            .execute(self.conn())
            .await
            .map_err(map)?;
        Ok(i64::try_from(done.rows_affected()).unwrap_or(i64::MAX))
    }
}
