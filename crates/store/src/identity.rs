//! Identities elsewhere, and the groups that claims fill.

use crate::connect::SqlTx;
use crate::error::{affected, map};
use crate::person::person;
use crate::row::columns;
use async_trait::async_trait;
use slipway_domain::group::GroupRef;
use slipway_domain::id::{GroupId, UserId};
use slipway_domain::identity::Standing;
use slipway_domain::person::Person;
use slipway_domain::time::Timestamp;
use slipway_portal::ports::{ClaimedGroup, IdentityRow, IdentityTx, StoreResult};
use sqlx::query;

#[async_trait]
impl IdentityTx for SqlTx {
    async fn person_of_identity(&mut self, issuer: &str, subject: &str) -> StoreResult<Option<Person>> {
        let row = query(
            "SELECT u.* FROM identities i JOIN users u ON u.id = i.user_id WHERE i.issuer = $1 AND i.subject = $2",
        )
        .bind(issuer)
        .bind(subject)
        .fetch_optional(self.conn())
        .await
        .map_err(map)?;
        row.as_ref().map(person).transpose()
    }

    async fn identities_of(&mut self, user: UserId) -> StoreResult<Vec<IdentityRow>> {
        let rows = query("SELECT * FROM identities WHERE user_id = $1 ORDER BY created_at, issuer, subject")
            .bind(user.to_string())
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("identities", row);
                Ok(IdentityRow {
                    issuer: c.text("issuer")?,
                    subject: c.text("subject")?,
                    provider: c.text("provider")?,
                    label: c.text("label")?,
                    created_at: c.time("created_at")?,
                    used_at: c.opt_time("used_at")?,
                })
            })
            .collect()
    }

    async fn insert_identity(&mut self, user: UserId, identity: &IdentityRow) -> StoreResult<()> {
        query(
            "INSERT INTO identities (issuer, subject, user_id, created_at, provider, label, used_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&identity.issuer)
        .bind(&identity.subject)
        .bind(user.to_string())
        .bind(identity.created_at.micros())
        .bind(&identity.provider)
        .bind(&identity.label)
        .bind(identity.used_at.map(Timestamp::micros))
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn use_identity(&mut self, identity: &IdentityRow) -> StoreResult<()> {
        let done = query(
            "UPDATE identities SET provider = $3, label = $4, used_at = $5 WHERE issuer = $1 AND subject = $2",
        )
        .bind(&identity.issuer)
        .bind(&identity.subject)
        .bind(&identity.provider)
        .bind(&identity.label)
        .bind(identity.used_at.map(Timestamp::micros))
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn delete_identity(&mut self, user: UserId, issuer: &str, subject: &str) -> StoreResult<bool> {
        let done = query("DELETE FROM identities WHERE user_id = $1 AND issuer = $2 AND subject = $3")
            .bind(user.to_string())
            .bind(issuer)
            .bind(subject)
            .execute(self.conn())
            .await
            .map_err(map)?;
        Ok(done.rows_affected() > 0)
    }

    async fn use_state(&mut self, hash: &str, at: Timestamp, old: Timestamp) -> StoreResult<bool> {
        query("DELETE FROM used_states WHERE used_at < $1")
            .bind(old.micros())
            .execute(self.conn())
            .await
            .map_err(map)?;
        let done = query(
            "INSERT INTO used_states (state_hash, used_at) VALUES ($1, $2) ON CONFLICT (state_hash) DO NOTHING",
        )
        .bind(hash)
        .bind(at.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(done.rows_affected() > 0)
    }

    async fn claimed_groups(&mut self, user: UserId, prefix: &str) -> StoreResult<Vec<ClaimedGroup>> {
        let rows = query(
            "SELECT g.id, g.org_id, g.name, g.claim, m.by_claim FROM groups g \
             LEFT JOIN group_members m ON m.group_id = g.id AND m.user_id = $1 \
             WHERE SUBSTR(g.claim, 1, LENGTH($2)) = $2 ORDER BY g.org_id, g.id",
        )
        .bind(user.to_string())
        .bind(prefix)
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("groups", row);
                Ok(ClaimedGroup {
                    org: c.id("org_id")?,
                    group: GroupRef {
                        id: c.id("id")?,
                        name: c.text("name")?,
                    },
                    claim: c.text("claim")?,
                    standing: match c.opt_int("by_claim")? {
                        None => Standing::Out,
                        Some(0) => Standing::ByHand,
                        Some(_) => Standing::ByClaim,
                    },
                })
            })
            .collect()
    }

    async fn join_by_claim(&mut self, user: UserId, group: GroupId) -> StoreResult<()> {
        query("INSERT INTO group_members (group_id, user_id, by_claim) VALUES ($1, $2, 1) ON CONFLICT DO NOTHING")
            .bind(group.to_string())
            .bind(user.to_string())
            .execute(self.conn())
            .await
            .map_err(map)?;
        Ok(())
    }

    async fn leave_by_claim(&mut self, user: UserId, group: GroupId) -> StoreResult<()> {
        query("DELETE FROM group_members WHERE group_id = $1 AND user_id = $2 AND by_claim = 1")
            .bind(group.to_string())
            .bind(user.to_string())
            .execute(self.conn())
            .await
            .map_err(map)?;
        Ok(())
    }
}
