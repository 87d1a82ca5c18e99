//! Watches of clusters.

use crate::connect::SqlTx;
use crate::error::map;
use crate::row::columns;
use async_trait::async_trait;
use slipway_domain::id::{AppId, ClusterId, EnvironmentId, OrgId, PromotionId};
use slipway_domain::promotion::PromotionState;
use slipway_domain::time::Timestamp;
use slipway_portal::ports::{StoreResult, WatchTx, WatchedStop};
use sqlx::query;

#[async_trait]
impl WatchTx for SqlTx {
    async fn clusters_in_use(&mut self) -> StoreResult<Vec<(OrgId, ClusterId)>> {
        let rows = query(
            "SELECT DISTINCT e.org_id, e.cluster_id FROM environments e \
             JOIN stops s ON s.environment_id = e.id \
             WHERE e.cluster_id IS NOT NULL AND e.removed_at IS NULL \
             AND (s.deployment_id IS NOT NULL OR s.lock_owner IS NOT NULL)",
        )
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("environments", row);
                Ok((c.id("org_id")?, c.id("cluster_id")?))
            })
            .collect()
    }

    async fn stops_of_cluster(&mut self, cluster: ClusterId) -> StoreResult<Vec<WatchedStop>> {
        let rows = query(
            "SELECT s.app_id, s.environment_id, e.namespace FROM stops s \
             JOIN environments e ON e.id = s.environment_id \
             WHERE e.cluster_id = $1 AND e.removed_at IS NULL AND s.deployment_id IS NOT NULL \
             ORDER BY s.app_id, s.environment_id",
        )
        .bind(cluster.to_string())
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("stops", row);
                Ok(WatchedStop {
                    app: c.id("app_id")?,
                    environment: c.id("environment_id")?,
                    namespace: c.text("namespace")?,
                })
            })
            .collect()
    }

    async fn place_of_promotion(
        &mut self,
        id: PromotionId,
    ) -> StoreResult<Option<(AppId, EnvironmentId, PromotionState)>> {
        let row = query("SELECT id, app_id, environment_id, state FROM promotions WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.map(|row| {
            let c = columns("promotions", &row);
            let state = c.key("state", PromotionState::from_key)?;
            Ok((c.id("app_id")?, c.id("environment_id")?, state))
        })
        .transpose()
    }

    async fn as_seen_before(&mut self, cluster: ClusterId, now: Timestamp, gap: i64) -> StoreResult<()> {
        query(
            "UPDATE soaks SET healthy_for = healthy_for + ($2 - seen_at), seen_at = $2 \
             WHERE seen_at IS NOT NULL AND seen_at <= $2 AND seen_at >= $2 - $3 \
             AND EXISTS (SELECT 1 FROM stops s JOIN environments e ON e.id = s.environment_id \
                 WHERE e.cluster_id = $1 AND e.removed_at IS NULL AND s.app_id = soaks.app_id \
                 AND s.environment_id = soaks.environment_id AND s.release_id = soaks.release_id \
                 AND s.health = 'healthy')",
        )
        .bind(cluster.to_string())
        .bind(now.micros())
        .bind(gap)
        .execute(self.conn())
        .await
        .map_err(map)?;
        query(
            "UPDATE stops SET observed_at = $2 \
             WHERE deployment_id IS NOT NULL AND observed_at IS NOT NULL AND observed_at < $2 \
             AND environment_id IN (SELECT id FROM environments WHERE cluster_id = $1 AND removed_at IS NULL)",
        )
        .bind(cluster.to_string())
        .bind(now.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }
}
