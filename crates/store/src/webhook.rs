//! Webhooks as they came in.

use crate::connect::SqlTx;
use crate::error::map;
use crate::row::columns;
use async_trait::async_trait;
use slipway_domain::id::{AppId, DeliveryId, OrgId};
use slipway_domain::time::Timestamp;
use slipway_portal::access::may::Modify;
use slipway_portal::access::{App, Authorized};
use slipway_portal::ports::{DeliveryRecord, StoreResult, WebhookTx};
use sqlx::query;

#[async_trait]
impl WebhookTx for SqlTx {
    async fn hook_secret(&mut self, app: AppId) -> StoreResult<Option<(OrgId, String)>> {
        let row = query("SELECT id, org_id, hook_secret FROM apps WHERE id = $1 AND hook_secret IS NOT NULL")
            .bind(app.to_string())
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        let Some(row) = row else { return Ok(None) };
        let c = columns("apps", &row);
        Ok(Some((c.id("org_id")?, c.text("hook_secret")?)))
    }

    async fn insert_delivery(&mut self, delivery: &DeliveryRecord) -> StoreResult<bool> {
        let done = query(
            "INSERT INTO webhook_deliveries (id, org_id, app_id, delivery_key, event, hint, received_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (app_id, delivery_key) DO NOTHING",
        )
        .bind(delivery.id.to_string())
        .bind(delivery.org.to_string())
        .bind(delivery.app.to_string())
        .bind(&delivery.key)
        .bind(&delivery.event)
        .bind(&delivery.hint)
        .bind(delivery.received_at.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(done.rows_affected() > 0)
    }

    async fn waiting_deliveries(
        &mut self,
        app: &Authorized<App, Modify>,
        limit: i64,
    ) -> StoreResult<Vec<DeliveryRecord>> {
        let rows = query(
            "SELECT * FROM webhook_deliveries WHERE org_id = $1 AND app_id = $2 AND finished_at IS NULL \
             ORDER BY received_at, id LIMIT $3",
        )
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .bind(limit)
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("webhook_deliveries", row);
                Ok(DeliveryRecord {
                    id: c.id("id")?,
                    org: c.id("org_id")?,
                    app: c.id("app_id")?,
                    key: c.text("delivery_key")?,
                    event: c.text("event")?,
                    hint: c.text("hint")?,
                    received_at: c.time("received_at")?,
                })
            })
            .collect()
    }

    async fn finish_deliveries(
        &mut self,
        app: &Authorized<App, Modify>,
        ids: &[DeliveryId],
        at: Timestamp,
    ) -> StoreResult<()> {
        for id in ids {
            query(
                "UPDATE webhook_deliveries SET finished_at = $4 \
                 WHERE org_id = $1 AND app_id = $2 AND id = $3 AND finished_at IS NULL",
            )
            .bind(app.org_id().to_string())
            .bind(app.id().to_string())
            .bind(id.to_string())
            .bind(at.micros())
            .execute(self.conn())
            .await
            .map_err(map)?;
        }
        Ok(())
    }

    async fn delete_deliveries(
        &mut self,
        app: &Authorized<App, Modify>,
        before: Timestamp,
    ) -> StoreResult<()> {
        query("DELETE FROM webhook_deliveries WHERE org_id = $1 AND app_id = $2 AND finished_at < $3")
            .bind(app.org_id().to_string())
            .bind(app.id().to_string())
            .bind(before.micros())
            .execute(self.conn())
            .await
            .map_err(map)?;
        Ok(())
    }
}
