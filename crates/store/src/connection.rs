//! Connections to GitLab and clusters.

use crate::connect::SqlTx;
use crate::error::{affected, map};
use crate::oauth::{grant, oauth};
use crate::row::{columns, document};
use async_trait::async_trait;
use slipway_domain::connection::{Cluster, ClusterReport, Connection, ConnectionReport};
use slipway_domain::id::{ClusterId, ConnectionId, OrgId};
use slipway_domain::text::Text;
use slipway_domain::time::Timestamp;
use slipway_portal::ports::{ClusterRecord, ConnectionRecord, ConnectionTx, StoreResult};
use sqlx::any::AnyRow;
use sqlx::query;

/// The columns of a connection and its grant, up to the condition.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT c.*, g.application_id, g.application_secret, g.access_token, g.refresh_token, g.renew_at, \
             g.ends_at, g.username, g.authorized_at, g.version, g.retry_at, g.failure, u.name AS authorized_name \
             FROM connections c LEFT JOIN oauth_grants g ON g.connection_id = c.id \
             LEFT JOIN users u ON u.id = g.authorized_by ",
            $rest
        )
    };
}

fn connection(row: &AnyRow) -> StoreResult<ConnectionRecord> {
    let c = columns("connections", row);
    Ok(ConnectionRecord {
        connection: Connection {
            id: c.id("id")?,
            name: c.text("name")?,
            base_url: c.text("base_url")?,
            last_ok_at: c.opt_time("last_ok_at")?,
            trouble: c.opt_json("trouble")?,
            operator: c.flag("operator")?,
            report: c.opt_json("report")?,
            oauth: oauth(c)?,
        },
        org: c.id("org_id")?,
        token: c.text("token")?,
        grant: grant(c)?,
    })
}

fn cluster(row: &AnyRow) -> StoreResult<ClusterRecord> {
    let c = columns("clusters", row);
    Ok(ClusterRecord {
        cluster: Cluster {
            id: c.id("id")?,
            name: c.text("name")?,
            last_ok_at: c.opt_time("last_ok_at")?,
            trouble: c.opt_json("trouble")?,
            operator: c.flag("operator")?,
            context: c.opt_text("context")?,
            report: c.opt_json("report")?,
        },
        org: c.id("org_id")?,
        kubeconfig: c.text("kubeconfig")?,
    })
}

#[async_trait]
impl ConnectionTx for SqlTx {
    async fn put_connection(&mut self, record: &ConnectionRecord) -> StoreResult<()> {
        query(
            "INSERT INTO connections (id, org_id, name, base_url, token, operator) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (id) DO UPDATE SET name = excluded.name, base_url = excluded.base_url, \
             token = excluded.token, operator = excluded.operator",
        )
        .bind(record.connection.id.to_string())
        .bind(record.org.to_string())
        .bind(&record.connection.name)
        .bind(&record.connection.base_url)
        .bind(&record.token)
        .bind(i64::from(record.connection.operator))
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn connection(&mut self, org: OrgId, id: ConnectionId) -> StoreResult<Option<ConnectionRecord>> {
        let row = query(select!("WHERE c.org_id = $1 AND c.id = $2"))
            .bind(org.to_string())
            .bind(id.to_string())
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.as_ref().map(connection).transpose()
    }

    async fn connections(&mut self, org: OrgId) -> StoreResult<Vec<ConnectionRecord>> {
        let rows = query(select!("WHERE c.org_id = $1 ORDER BY c.name, c.id"))
            .bind(org.to_string())
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter().map(connection).collect()
    }

    async fn note_connection(
        &mut self,
        id: ConnectionId,
        at: Timestamp,
        trouble: Option<&Text>,
    ) -> StoreResult<()> {
        query(
            "UPDATE connections SET trouble = $3, last_ok_at = CASE WHEN $3 IS NULL THEN $2 ELSE last_ok_at END \
             WHERE id = $1",
        )
        .bind(id.to_string())
        .bind(at.micros())
        .bind(trouble.map(document).transpose()?)
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn report_connection(
        &mut self,
        org: OrgId,
        id: ConnectionId,
        report: &ConnectionReport,
    ) -> StoreResult<()> {
        let done = query("UPDATE connections SET report = $3 WHERE org_id = $1 AND id = $2")
            .bind(org.to_string())
            .bind(id.to_string())
            .bind(document(report)?)
            .execute(self.conn())
            .await
            .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn delete_connection(&mut self, org: OrgId, id: ConnectionId) -> StoreResult<()> {
        let done = query("DELETE FROM connections WHERE org_id = $1 AND id = $2")
            .bind(org.to_string())
            .bind(id.to_string())
            .execute(self.conn())
            .await
            .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn put_cluster(&mut self, record: &ClusterRecord) -> StoreResult<()> {
        query(
            "INSERT INTO clusters (id, org_id, name, kubeconfig, context, operator) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (id) DO UPDATE SET name = excluded.name, kubeconfig = excluded.kubeconfig, \
             context = excluded.context, operator = excluded.operator",
        )
        .bind(record.cluster.id.to_string())
        .bind(record.org.to_string())
        .bind(&record.cluster.name)
        .bind(&record.kubeconfig)
        .bind(&record.cluster.context)
        .bind(i64::from(record.cluster.operator))
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn cluster(&mut self, org: OrgId, id: ClusterId) -> StoreResult<Option<ClusterRecord>> {
        let row = query("SELECT * FROM clusters WHERE org_id = $1 AND id = $2")
            .bind(org.to_string())
            .bind(id.to_string())
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.as_ref().map(cluster).transpose()
    }

    async fn clusters(&mut self, org: OrgId) -> StoreResult<Vec<ClusterRecord>> {
        let rows = query("SELECT * FROM clusters WHERE org_id = $1 ORDER BY name, id")
            .bind(org.to_string())
            .fetch_all(self.conn())
            .await
            .map_err(map)?;
        rows.iter().map(cluster).collect()
    }

    async fn note_cluster(
        &mut self,
        id: ClusterId,
        at: Timestamp,
        trouble: Option<&Text>,
    ) -> StoreResult<()> {
        query(
            "UPDATE clusters SET trouble = $3, last_ok_at = CASE WHEN $3 IS NULL THEN $2 ELSE last_ok_at END \
             WHERE id = $1",
        )
        .bind(id.to_string())
        .bind(at.micros())
        .bind(trouble.map(document).transpose()?)
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn report_cluster(&mut self, org: OrgId, id: ClusterId, report: &ClusterReport) -> StoreResult<()> {
        let done = query("UPDATE clusters SET report = $3 WHERE org_id = $1 AND id = $2")
            .bind(org.to_string())
            .bind(id.to_string())
            .bind(document(report)?)
            .execute(self.conn())
            .await
            .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn delete_cluster(&mut self, org: OrgId, id: ClusterId) -> StoreResult<()> {
        let done = query("DELETE FROM clusters WHERE org_id = $1 AND id = $2")
            .bind(org.to_string())
            .bind(id.to_string())
            .execute(self.conn())
            .await
            .map_err(map)?;
        affected(done.rows_affected())
    }
}
