//! API tokens and kept answers.

use crate::connect::SqlTx;
use crate::error::{affected, map};
use crate::role::held;
use crate::row::{Columns, columns, document};
use async_trait::async_trait;
use slipway_domain::id::{TokenId, UserId};
use slipway_domain::person::PersonRef;
use slipway_domain::time::Timestamp;
use slipway_domain::token::{ProjectToken, Scopes, TokenRow};
use slipway_portal::access::may::See;
use slipway_portal::access::{Anywhere, Authorized};
use slipway_portal::ports::{
    BotRecord, KeptReply, Once, OnceRequest, PersonTx as _, StoreResult, TokenRecord, TokenTx,
};
use sqlx::query;

fn token(c: Columns<'_>) -> StoreResult<TokenRow> {
    Ok(TokenRow {
        id: c.id("id")?,
        name: c.text("name")?,
        scopes: c.key("scopes", Scopes::from_stored)?,
        created_at: c.time("created_at")?,
        expires_at: c.time("expires_at")?,
        last_used_at: c.opt_time("last_used_at")?,
        revoked_at: c.opt_time("revoked_at")?,
    })
}

#[async_trait]
impl TokenTx for SqlTx {
    async fn insert_token(&mut self, token: &TokenRecord) -> StoreResult<()> {
        query(
            "INSERT INTO api_tokens (id, user_id, name, scopes, secret_hash, created_at, expires_at, project_id) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(token.row.id.to_string())
        .bind(token.user.to_string())
        .bind(&token.row.name)
        .bind(token.row.scopes.stored())
        .bind(&token.secret_hash)
        .bind(token.row.created_at.micros())
        .bind(token.row.expires_at.micros())
        .bind(token.project.map(|id| id.to_string()))
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn tokens_of(&mut self, user: UserId, since: Timestamp) -> StoreResult<Vec<TokenRow>> {
        let rows = query(
            "SELECT * FROM api_tokens WHERE user_id = $1 AND expires_at > $2 \
             AND (revoked_at IS NULL OR revoked_at > $2) ORDER BY created_at DESC, id DESC",
        )
        .bind(user.to_string())
        .bind(since.micros())
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter().map(|row| token(columns("api_tokens", row))).collect()
    }

    async fn project_tokens(
        &mut self,
        project: &Authorized<Anywhere, See>,
        since: Timestamp,
    ) -> StoreResult<Vec<ProjectToken>> {
        let rows = query(
            "SELECT t.*, b.role, c.id AS role_id, c.name AS role_name, c.scope AS role_scope, \
             c.actions AS role_actions, m.id AS maker_id, m.username AS maker_username, m.name AS maker_name \
             FROM api_tokens t JOIN users u ON u.id = t.user_id JOIN users m ON m.id = u.made_by \
             LEFT JOIN role_bindings b ON b.user_id = t.user_id AND b.project_id = t.project_id AND b.app_id IS NULL \
             LEFT JOIN custom_roles c ON c.role_key = b.role \
             WHERE t.project_id = $1 AND t.expires_at > $2 AND (t.revoked_at IS NULL OR t.revoked_at > $2) \
             ORDER BY t.created_at DESC, t.id DESC",
        )
        .bind(project.project_id().map_or_else(String::new, |id| id.to_string()))
        .bind(since.micros())
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("api_tokens", row);
                Ok(ProjectToken {
                    token: token(c)?,
                    role: match c.opt_text("role")? {
                        Some(_) => Some(held(c)?.text()),
                        None => None,
                    },
                    made_by: PersonRef {
                        id: c.id("maker_id")?,
                        username: c.text("maker_username")?,
                        name: c.text("maker_name")?,
                    },
                })
            })
            .collect()
    }

    async fn project_token(
        &mut self,
        project: &Authorized<Anywhere, See>,
        id: TokenId,
    ) -> StoreResult<Option<(UserId, TokenRow)>> {
        let row = query("SELECT * FROM api_tokens WHERE id = $1 AND project_id = $2")
            .bind(id.to_string())
            .bind(project.project_id().map_or_else(String::new, |id| id.to_string()))
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.map(|row| {
            let c = columns("api_tokens", &row);
            Ok((c.id("user_id")?, token(c)?))
        })
        .transpose()
    }

    async fn insert_bot(&mut self, bot: &BotRecord) -> StoreResult<()> {
        self.insert_person(&bot.account).await?;
        query("UPDATE users SET bot_of = $2, made_by = $3 WHERE id = $1")
            .bind(bot.account.person.id.to_string())
            .bind(bot.project.to_string())
            .bind(bot.made_by.to_string())
            .execute(self.conn())
            .await
            .map_err(map)?;
        Ok(())
    }

    async fn maker_of(&mut self, user: UserId) -> StoreResult<Option<(UserId, bool)>> {
        let row = query(
            "SELECT m.id, m.deactivated_at FROM users u JOIN users m ON m.id = u.made_by \
             WHERE u.id = $1 AND u.bot_of IS NOT NULL",
        )
        .bind(user.to_string())
        .fetch_optional(self.conn())
        .await
        .map_err(map)?;
        row.map(|row| {
            let c = columns("users", &row);
            Ok((c.id("id")?, c.opt_time("deactivated_at")?.is_none()))
        })
        .transpose()
    }

    async fn count_tokens(&mut self, user: UserId, now: Timestamp) -> StoreResult<i64> {
        let row = query(
            "SELECT COUNT(*) AS active FROM api_tokens \
             WHERE user_id = $1 AND expires_at > $2 AND revoked_at IS NULL",
        )
        .bind(user.to_string())
        .bind(now.micros())
        .fetch_one(self.conn())
        .await
        .map_err(map)?;
        columns("api_tokens", &row).int("active")
    }

    async fn token_by_hash(&mut self, secret_hash: &str) -> StoreResult<Option<TokenRecord>> {
        let row = query("SELECT * FROM api_tokens WHERE secret_hash = $1")
            .bind(secret_hash)
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.map(|row| {
            let c = columns("api_tokens", &row);
            Ok(TokenRecord {
                row: token(c)?,
                user: c.id("user_id")?,
                project: c.opt_id("project_id")?,
                secret_hash: c.text("secret_hash")?,
            })
        })
        .transpose()
    }

    async fn token_of(&mut self, user: UserId, id: TokenId) -> StoreResult<Option<TokenRow>> {
        let row = query("SELECT * FROM api_tokens WHERE id = $1 AND user_id = $2")
            .bind(id.to_string())
            .bind(user.to_string())
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.as_ref()
            .map(|row| token(columns("api_tokens", row)))
            .transpose()
    }

    async fn touch_token(&mut self, id: TokenId, at: Timestamp) -> StoreResult<()> {
        query("UPDATE api_tokens SET last_used_at = $2 WHERE id = $1")
            .bind(id.to_string())
            .bind(at.micros())
            .execute(self.conn())
            .await
            .map_err(map)?;
        Ok(())
    }

    async fn revoke_token(&mut self, user: UserId, id: TokenId, at: Timestamp) -> StoreResult<()> {
        let done = query(
            "UPDATE api_tokens SET revoked_at = $3 WHERE id = $1 AND user_id = $2 AND revoked_at IS NULL",
        )
        .bind(id.to_string())
        .bind(user.to_string())
        .bind(at.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn begin_once(&mut self, request: &OnceRequest) -> StoreResult<Once> {
        // Whoever inserts is the first; whoever finds a request that died within its lease takes it over.
        let begun = query(
            "INSERT INTO api_replies (caller, reply_key, fingerprint, lease_until, created_at) \
             VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (caller, reply_key) DO UPDATE SET lease_until = excluded.lease_until \
             WHERE api_replies.status IS NULL AND api_replies.lease_until <= excluded.created_at \
             AND api_replies.fingerprint = excluded.fingerprint",
        )
        .bind(&request.caller)
        .bind(&request.key)
        .bind(&request.fingerprint)
        .bind(request.lease_until.micros())
        .bind(request.at.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        if begun.rows_affected() > 0 {
            return Ok(Once::First);
        }
        let row = query(
            "SELECT fingerprint, status, headers, body FROM api_replies WHERE caller = $1 AND reply_key = $2",
        )
        .bind(&request.caller)
        .bind(&request.key)
        .fetch_one(self.conn())
        .await
        .map_err(map)?;
        let c = columns("api_replies", &row);
        if c.text("fingerprint")? != request.fingerprint {
            return Ok(Once::Different);
        }
        let Some(status) = c.opt_int("status")? else {
            return Ok(Once::UnderWay);
        };
        Ok(Once::Answered(KeptReply {
            status,
            headers: c.json("headers")?,
            body: c.text("body")?,
        }))
    }

    async fn keep_reply(&mut self, caller: &str, key: &str, reply: &KeptReply) -> StoreResult<()> {
        let done = query(
            "UPDATE api_replies SET status = $3, headers = $4, body = $5 WHERE caller = $1 AND reply_key = $2",
        )
        .bind(caller)
        .bind(key)
        .bind(reply.status)
        .bind(document(&reply.headers)?)
        .bind(&reply.body)
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn forget_once(&mut self, caller: &str, key: &str) -> StoreResult<()> {
        query("DELETE FROM api_replies WHERE caller = $1 AND reply_key = $2 AND status IS NULL")
            .bind(caller)
            .bind(key)
            .execute(self.conn())
            .await
            .map_err(map)?;
        Ok(())
    }

    async fn delete_old_replies(&mut self, before: Timestamp) -> StoreResult<i64> {
        let done = query("DELETE FROM api_replies WHERE created_at < $1")
            .bind(before.micros())
            .execute(self.conn())
            .await
            .map_err(map)?;
        Ok(i64::try_from(done.rows_affected()).unwrap_or(i64::MAX))
    }
}
