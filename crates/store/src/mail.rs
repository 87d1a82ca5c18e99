//! The mail servers of organizations, and who had how many mails sent lately.

use crate::connect::SqlTx;
use crate::error::{affected, map};
use crate::row::columns;
use async_trait::async_trait;
use slipway_domain::id::{MailId, OrgId, UserId};
use slipway_domain::mail::{MailServer, Security, Sender};
use slipway_domain::time::Timestamp;
use slipway_portal::access::may::Modify;
use slipway_portal::access::{Authorized, Org};
use slipway_portal::ports::{MailServerRecord, MailTx, StoreError, StoreResult};
use sqlx::any::AnyRow;
use sqlx::query;

fn record(row: &AnyRow) -> StoreResult<MailServerRecord> {
    let c = columns("mail_servers", row);
    let org = || c.text("org_id").unwrap_or_else(|_| String::from("?"));
    let port = u16::try_from(c.int("port")?).map_err(|_| StoreError::Inconsistent {
        table: "mail_servers",
        column: "port",
        row: org(),
    })?;
    Ok(MailServerRecord {
        server: MailServer {
            host: c.text("host")?,
            port,
            security: c.key("security", Security::from_key)?,
            username: c.text("username")?,
            sender: Sender {
                name: c.text("sender_name")?,
                address: c.text("sender_address")?,
            },
        },
        password: c.text("password")?,
    })
}

#[async_trait]
impl MailTx for SqlTx {
    async fn put_mail_server(
        &mut self,
        org: &Authorized<Org, Modify>,
        record: &MailServerRecord,
    ) -> StoreResult<()> {
        let server = &record.server;
        query(
            "INSERT INTO mail_servers (org_id, host, port, security, username, password, sender_name, sender_address) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
             ON CONFLICT (org_id) DO UPDATE SET host = excluded.host, port = excluded.port, \
             security = excluded.security, username = excluded.username, password = excluded.password, \
             sender_name = excluded.sender_name, sender_address = excluded.sender_address",
        )
        .bind(org.id().to_string())
        .bind(&server.host)
        .bind(i64::from(server.port))
        .bind(server.security.key())
        .bind(&server.username)
        .bind(&record.password)
        .bind(&server.sender.name)
        .bind(&server.sender.address)
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn mail_server(&mut self, org: OrgId) -> StoreResult<Option<MailServerRecord>> {
        let row = query("SELECT * FROM mail_servers WHERE org_id = $1")
            .bind(org.to_string())
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.as_ref().map(record).transpose()
    }

    async fn delete_mail_server(&mut self, org: &Authorized<Org, Modify>) -> StoreResult<()> {
        let done = query("DELETE FROM mail_servers WHERE org_id = $1")
            .bind(org.id().to_string())
            .execute(self.conn())
            .await
            .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn mails_since(&mut self, user: UserId, since: Timestamp) -> StoreResult<(i64, Option<Timestamp>)> {
        query("UPDATE users SET name = name WHERE id = $1")
            .bind(user.to_string())
            .execute(self.conn())
            .await
            .map_err(map)?;
        let row = query(
            "SELECT COUNT(*) AS sent, MIN(at) AS first_at FROM mails_sent WHERE user_id = $1 AND at > $2",
        )
        .bind(user.to_string())
        .bind(since.micros())
        .fetch_one(self.conn())
        .await
        .map_err(map)?;
        let c = columns("mails_sent", &row);
        Ok((c.int("sent")?, c.opt_time("first_at")?))
    }

    async fn note_mail(
        &mut self,
        id: MailId,
        user: UserId,
        at: Timestamp,
        since: Timestamp,
    ) -> StoreResult<()> {
        query("DELETE FROM mails_sent WHERE user_id = $1 AND at <= $2")
            .bind(user.to_string())
            .bind(since.micros())
            .execute(self.conn())
            .await
            .map_err(map)?;
        query("INSERT INTO mails_sent (id, user_id, at) VALUES ($1, $2, $3)")
            .bind(id.to_string())
            .bind(user.to_string())
            .bind(at.micros())
            .execute(self.conn())
            .await
            .map_err(map)?;
        Ok(())
    }
}
