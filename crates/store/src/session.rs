//! Sessions.

use crate::connect::SqlTx;
use crate::error::{affected, map};
use crate::row::columns;
use async_trait::async_trait;
use slipway_domain::id::UserId;
use slipway_domain::time::Timestamp;
use slipway_portal::ports::{SessionRow, SessionTx, StoreResult};
use sqlx::any::AnyRow;
use sqlx::query;

fn session(row: &AnyRow) -> StoreResult<SessionRow> {
    let c = columns("sessions", row);
    Ok(SessionRow {
        key: c.text("session_key")?,
        user: c.opt_id("user_id")?,
        data: c.text("data")?,
        started_at: c.time("started_at")?,
        seen_at: c.time("seen_at")?,
        proved_at: c.time("proved_at")?,
        agent: c.text("agent")?,
        address: c.text("address")?,
        expires_at: c.time("expires_at")?,
    })
}

#[async_trait]
impl SessionTx for SqlTx {
    async fn session(&mut self, key: &str, now: Timestamp) -> StoreResult<Option<SessionRow>> {
        let row = query("SELECT * FROM sessions WHERE session_key = $1 AND expires_at > $2")
            .bind(key)
            .bind(now.micros())
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.as_ref().map(session).transpose()
    }

    async fn sessions_of(&mut self, user: UserId, now: Timestamp) -> StoreResult<Vec<SessionRow>> {
        let rows = query(
            "SELECT * FROM sessions WHERE user_id = $1 AND expires_at > $2 ORDER BY seen_at DESC, session_key",
        )
        .bind(user.to_string())
        .bind(now.micros())
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter().map(session).collect()
    }

    async fn put_session(&mut self, row: &SessionRow) -> StoreResult<()> {
        query(
            "INSERT INTO sessions (session_key, user_id, data, started_at, seen_at, proved_at, agent, address, expires_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
             ON CONFLICT (session_key) DO UPDATE SET user_id = excluded.user_id, data = excluded.data, \
             seen_at = excluded.seen_at, proved_at = excluded.proved_at, expires_at = excluded.expires_at",
        )
        .bind(&row.key)
        .bind(row.user.map(|u| u.to_string()))
        .bind(&row.data)
        .bind(row.started_at.micros())
        .bind(row.seen_at.micros())
        .bind(row.proved_at.micros())
        .bind(&row.agent)
        .bind(&row.address)
        .bind(row.expires_at.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn set_proved(&mut self, key: &str, at: Timestamp) -> StoreResult<()> {
        let done = query("UPDATE sessions SET proved_at = $2 WHERE session_key = $1")
            .bind(key)
            .bind(at.micros())
            .execute(self.conn())
            .await
            .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn delete_session(&mut self, key: &str) -> StoreResult<()> {
        query("DELETE FROM sessions WHERE session_key = $1")
            .bind(key)
            .execute(self.conn())
            .await
            .map_err(map)?;
        Ok(())
    }

    async fn delete_session_of(&mut self, user: UserId, key: &str) -> StoreResult<bool> {
        let done = query("DELETE FROM sessions WHERE user_id = $1 AND session_key = $2")
            .bind(user.to_string())
            .bind(key)
            .execute(self.conn())
            .await
            .map_err(map)?;
        Ok(done.rows_affected() > 0)
    }

    async fn delete_sessions_of(&mut self, user: UserId, keep: Option<&str>) -> StoreResult<i64> {
        let done = query("DELETE FROM sessions WHERE user_id = $1 AND session_key <> $2")
            .bind(user.to_string())
            .bind(keep.unwrap_or_default())
            .execute(self.conn())
            .await
            .map_err(map)?;
        Ok(i64::try_from(done.rows_affected()).unwrap_or(i64::MAX))
    }

    async fn delete_ended_sessions(&mut self, now: Timestamp) -> StoreResult<i64> {
        let done = query("DELETE FROM sessions WHERE expires_at <= $1")
            .bind(now.micros())
            .execute(self.conn())
            .await
            .map_err(map)?;
        Ok(i64::try_from(done.rows_affected()).unwrap_or(i64::MAX))
    }
}
