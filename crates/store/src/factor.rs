//! Second factors.

use crate::connect::SqlTx;
use crate::error::{affected, map};
use crate::row::columns;
use async_trait::async_trait;
use slipway_domain::id::UserId;
use slipway_domain::time::Timestamp;
use slipway_portal::ports::{FactorRow, FactorTx, StoreResult};
use sqlx::query;

#[async_trait]
impl FactorTx for SqlTx {
    async fn factor(&mut self, user: UserId) -> StoreResult<Option<FactorRow>> {
        let row = query(
            "SELECT id, totp_secret, totp_begun_at, totp_confirmed_at, (SELECT COUNT(*) FROM recovery_codes c \
             WHERE c.user_id = u.id AND c.used_at IS NULL) AS codes_left \
             FROM users u WHERE id = $1 AND totp_secret IS NOT NULL AND totp_begun_at IS NOT NULL",
        )
        .bind(user.to_string())
        .fetch_optional(self.conn())
        .await
        .map_err(map)?;
        row.map(|row| {
            let c = columns("users", &row);
            Ok(FactorRow {
                secret: c.text("totp_secret")?,
                begun_at: c.time("totp_begun_at")?,
                confirmed_at: c.opt_time("totp_confirmed_at")?,
                codes_left: c.int("codes_left")?,
            })
        })
        .transpose()
    }

    async fn put_factor(&mut self, user: UserId, secret: &str, at: Timestamp) -> StoreResult<()> {
        let done = query(
            "UPDATE users SET totp_secret = $2, totp_begun_at = $3, totp_step = NULL \
             WHERE id = $1 AND totp_confirmed_at IS NULL",
        )
        .bind(user.to_string())
        .bind(secret)
        .bind(at.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn confirm_factor(&mut self, user: UserId, at: Timestamp, step: i64) -> StoreResult<()> {
        let done = query(
            "UPDATE users SET totp_confirmed_at = $2, totp_step = $3 \
             WHERE id = $1 AND totp_secret IS NOT NULL AND totp_confirmed_at IS NULL",
        )
        .bind(user.to_string())
        .bind(at.micros())
        .bind(step)
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn use_step(&mut self, user: UserId, step: i64) -> StoreResult<bool> {
        let done = query(
            "UPDATE users SET totp_step = $2 \
             WHERE id = $1 AND totp_confirmed_at IS NOT NULL AND (totp_step IS NULL OR totp_step < $2)",
        )
        .bind(user.to_string())
        .bind(step)
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(done.rows_affected() > 0)
    }

    async fn delete_factor(&mut self, user: UserId) -> StoreResult<()> {
        query("DELETE FROM recovery_codes WHERE user_id = $1")
            .bind(user.to_string())
            .execute(self.conn())
            .await
            .map_err(map)?;
        let done = query(
            "UPDATE users SET totp_secret = NULL, totp_begun_at = NULL, totp_confirmed_at = NULL, totp_step = NULL \
             WHERE id = $1",
        )
        .bind(user.to_string())
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn put_recovery_codes(&mut self, user: UserId, hashes: &[String]) -> StoreResult<()> {
        query("DELETE FROM recovery_codes WHERE user_id = $1")
            .bind(user.to_string())
            .execute(self.conn())
            .await
            .map_err(map)?;
        for hash in hashes {
            query("INSERT INTO recovery_codes (user_id, code_hash) VALUES ($1, $2)")
                .bind(user.to_string())
                .bind(hash)
                .execute(self.conn())
                .await
                .map_err(map)?;
        }
        Ok(())
    }

    async fn use_recovery_code(&mut self, user: UserId, hash: &str, at: Timestamp) -> StoreResult<bool> {
        let done = query(
            "UPDATE recovery_codes SET used_at = $3 WHERE user_id = $1 AND code_hash = $2 AND used_at IS NULL",
        )
        .bind(user.to_string())
        .bind(hash)
        .bind(at.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(done.rows_affected() > 0)
    }
}
