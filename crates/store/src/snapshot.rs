//! What GitLab said last of something that Slipway does not follow by itself.

use crate::connect::SqlTx;
use crate::error::map;
use crate::row::columns;
use async_trait::async_trait;
use slipway_portal::access::may::{Modify, See};
use slipway_portal::access::{App, Authorized};
use slipway_portal::ports::{Snapshot, SnapshotKind, SnapshotTx, StoreResult};
use sqlx::query;

#[async_trait]
impl SnapshotTx for SqlTx {
    async fn put_snapshot(
        &mut self,
        app: &Authorized<App, Modify>,
        kind: SnapshotKind,
        subject: &str,
        snapshot: &Snapshot,
    ) -> StoreResult<()> {
        query(
            "INSERT INTO forge_snapshots (app_id, org_id, kind, subject, content, seen_at) \
             VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (app_id, kind, subject) DO UPDATE SET content = excluded.content, \
             seen_at = excluded.seen_at \
             WHERE forge_snapshots.org_id = excluded.org_id AND forge_snapshots.seen_at <= excluded.seen_at",
        )
        .bind(app.id().to_string())
        .bind(app.org_id().to_string())
        .bind(kind.key())
        .bind(subject)
        .bind(&snapshot.content)
        .bind(snapshot.seen_at.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn snapshot(
        &mut self,
        app: &Authorized<App, See>,
        kind: SnapshotKind,
        subject: &str,
    ) -> StoreResult<Option<Snapshot>> {
        let row = query(
            "SELECT app_id AS id, content, seen_at FROM forge_snapshots \
             WHERE org_id = $1 AND app_id = $2 AND kind = $3 AND subject = $4",
        )
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .bind(kind.key())
        .bind(subject)
        .fetch_optional(self.conn())
        .await
        .map_err(map)?;
        row.map(|row| {
            let c = columns("forge_snapshots", &row);
            Ok(Snapshot {
                content: c.text("content")?,
                seen_at: c.time("seen_at")?,
            })
        })
        .transpose()
    }

    async fn forget_snapshots(&mut self, app: &Authorized<App, Modify>) -> StoreResult<()> {
        query("DELETE FROM forge_snapshots WHERE org_id = $1 AND app_id = $2 AND subject = ''")
            .bind(app.org_id().to_string())
            .bind(app.id().to_string())
            .execute(self.conn())
            .await
            .map_err(map)?;
        Ok(())
    }
}
