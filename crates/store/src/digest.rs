//! Daily digests.

use crate::connect::SqlTx;
use crate::error::map;
use crate::row::columns;
use async_trait::async_trait;
use slipway_domain::id::{OrgId, UserId};
use slipway_domain::time::Timestamp;
use slipway_portal::ports::{DigestItem, DigestTx, StoreResult};
use sqlx::query;

#[async_trait]
impl DigestTx for SqlTx {
    async fn digest_of(&mut self, user: UserId) -> StoreResult<Option<(bool, String)>> {
        let row = query("SELECT user_id AS id, zone, since FROM digests WHERE user_id = $1")
            .bind(user.to_string())
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.map(|row| {
            let c = columns("digests", &row);
            Ok((c.opt_time("since")?.is_some(), c.text("zone")?))
        })
        .transpose()
    }

    async fn set_digest(&mut self, user: UserId, zone: &str, since: Option<Timestamp>) -> StoreResult<()> {
        query(
            "INSERT INTO digests (user_id, zone, since) VALUES ($1, $2, $3) \
             ON CONFLICT (user_id) DO UPDATE SET zone = excluded.zone, since = excluded.since",
        )
        .bind(user.to_string())
        .bind(zone)
        .bind(since.map(Timestamp::micros))
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn digest_readers(&mut self) -> StoreResult<Vec<(UserId, String)>> {
        let rows = query(
            "SELECT d.user_id AS id, d.zone FROM digests d JOIN users u ON u.id = d.user_id \
             WHERE d.since IS NOT NULL AND u.deactivated_at IS NULL AND u.email IS NOT NULL ORDER BY d.user_id",
        )
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("digests", row);
                Ok((c.id("id")?, c.text("zone")?))
            })
            .collect()
    }

    async fn digest_sent(&mut self, user: UserId, org: OrgId) -> StoreResult<Option<String>> {
        let row = query("SELECT user_id AS id, sent_on FROM digests_sent WHERE user_id = $1 AND org_id = $2")
            .bind(user.to_string())
            .bind(org.to_string())
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.map(|row| columns("digests_sent", &row).text("sent_on"))
            .transpose()
    }

    async fn claim_digest(&mut self, user: UserId, org: OrgId, day: &str) -> StoreResult<bool> {
        let done = query(
            "INSERT INTO digests_sent (user_id, org_id, sent_on) VALUES ($1, $2, $3) \
             ON CONFLICT (user_id, org_id) DO UPDATE SET sent_on = excluded.sent_on \
             WHERE digests_sent.sent_on < excluded.sent_on",
        )
        .bind(user.to_string())
        .bind(org.to_string())
        .bind(day)
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(done.rows_affected() > 0)
    }

    async fn return_digest(
        &mut self,
        user: UserId,
        org: OrgId,
        day: &str,
        before: Option<&str>,
    ) -> StoreResult<()> {
        query("UPDATE digests_sent SET sent_on = $4 WHERE user_id = $1 AND org_id = $2 AND sent_on = $3")
            .bind(user.to_string())
            .bind(org.to_string())
            .bind(day)
            .bind(before.unwrap_or_default())
            .execute(self.conn())
            .await
            .map_err(map)?;
        Ok(())
    }

    async fn due_items(&mut self, user: UserId, org: OrgId, until: &str) -> StoreResult<Vec<DigestItem>> {
        let rows = query(
            "SELECT p.id, p.slug, p.internal, p.item_key, i.number, i.title, i.due_on \
             FROM items i JOIN projects p ON p.id = i.project_id \
             WHERE i.org_id = $1 AND i.assignee_id = $2 AND i.due_on IS NOT NULL AND i.due_on <= $3 \
             AND i.category <> 'done' AND i.category <> 'wont_do' AND i.deleted_at IS NULL AND p.archived_at IS NULL \
             ORDER BY i.due_on, i.number LIMIT 200",
        )
        .bind(org.to_string())
        .bind(user.to_string())
        .bind(until)
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("items", row);
                Ok(DigestItem {
                    project: c.id("id")?,
                    slug: c.text("slug")?,
                    internal: c.flag("internal")?,
                    key: format!("{}-{}", c.text("item_key")?, c.int("number")?),
                    title: c.text("title")?,
                    due_on: c.text("due_on")?,
                })
            })
            .collect()
    }
}
