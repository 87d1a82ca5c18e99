//! Operators, and the row that stands for the whole server.

use crate::connect::SqlTx;
use crate::error::{affected, map};
use crate::row::columns;
use async_trait::async_trait;
use slipway_domain::id::UserId;
use slipway_domain::operator::Account;
use slipway_domain::person::PersonRef;
use slipway_domain::time::Timestamp;
use slipway_portal::access::may::{Modify, See};
use slipway_portal::access::{Authorized, Server};
use slipway_portal::ports::{OperatorTx, StoreResult};
use sqlx::any::AnyRow;
use sqlx::query;

fn account(row: &AnyRow) -> StoreResult<Account> {
    let c = columns("users", row);
    Ok(Account {
        person: PersonRef {
            id: c.id("id")?,
            username: c.text("username")?,
            name: c.text("name")?,
        },
        operator_since: c.opt_time("operator_since")?,
        deactivated_at: c.opt_time("deactivated_at")?,
    })
}

#[async_trait]
impl OperatorTx for SqlTx {
    async fn is_operator(&mut self, user: UserId) -> StoreResult<bool> {
        let row = query(
            "SELECT id FROM users WHERE id = $1 AND operator_since IS NOT NULL AND deactivated_at IS NULL \
             AND bot_of IS NULL",
        )
        .bind(user.to_string())
        .fetch_optional(self.conn())
        .await
        .map_err(map)?;
        Ok(row.is_some())
    }

    async fn count_operators(&mut self) -> StoreResult<i64> {
        let row = query(
            "SELECT COUNT(*) AS operators FROM users WHERE operator_since IS NOT NULL AND deactivated_at IS NULL",
        )
        .fetch_one(self.conn())
        .await
        .map_err(map)?;
        columns("users", &row).int("operators")
    }

    async fn lock_server(&mut self) -> StoreResult<()> {
        let done = query("UPDATE server SET audit_seq = audit_seq WHERE id = 'server'")
            .execute(self.conn())
            .await
            .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn operators(&mut self, _: &Authorized<Server, See>) -> StoreResult<Vec<Account>> {
        let rows = query("SELECT * FROM users WHERE operator_since IS NOT NULL ORDER BY name, id")
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter().map(account).collect()
    }

    async fn accounts(
        &mut self,
        _: &Authorized<Server, See>,
        part: &str,
        limit: i64,
    ) -> StoreResult<Vec<Account>> {
        let part = part.to_lowercase().replace(['%', '_'], "");
        let rows = query(
            "SELECT * FROM users WHERE bot_of IS NULL \
             AND ($1 = '%%' OR LOWER(username) LIKE $1 OR LOWER(name) LIKE $1) ORDER BY name, id LIMIT $2",
        )
        .bind(format!("%{part}%"))
        .bind(limit)
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter().map(account).collect()
    }

    async fn account(&mut self, _: &Authorized<Server, See>, user: UserId) -> StoreResult<Option<Account>> {
        let row = query("SELECT * FROM users WHERE id = $1 AND bot_of IS NULL")
            .bind(user.to_string())
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.as_ref().map(account).transpose()
    }

    async fn set_operator(
        &mut self,
        _: &Authorized<Server, Modify>,
        user: UserId,
        at: Option<Timestamp>,
    ) -> StoreResult<()> {
        let done = query("UPDATE users SET operator_since = $2 WHERE id = $1 AND bot_of IS NULL")
            .bind(user.to_string())
            .bind(at.map(Timestamp::micros))
            .execute(self.conn())
            .await
            .map_err(map)?;
        affected(done.rows_affected())
    }
}
