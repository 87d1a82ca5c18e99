//! What the cluster of a stop has against what was applied: a document beside what runs there.

use crate::connect::SqlTx;
use crate::error::{affected, map};
use crate::row::{columns, document};
use async_trait::async_trait;
use slipway_domain::drift::Drift;
use slipway_domain::id::EnvironmentId;
use slipway_portal::access::may::{Modify, See};
use slipway_portal::access::{App, Authorized};
use slipway_portal::ports::{DriftTx, StoreResult};
use sqlx::query;

#[async_trait]
impl DriftTx for SqlTx {
    async fn drift(
        &mut self,
        app: &Authorized<App, See>,
        environment: EnvironmentId,
    ) -> StoreResult<Option<Drift>> {
        let row = query("SELECT drift FROM stops WHERE org_id = $1 AND app_id = $2 AND environment_id = $3")
            .bind(app.org_id().to_string())
            .bind(app.id().to_string())
            .bind(environment.to_string())
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        match row {
            Some(row) => columns("stops", &row).opt_json("drift"),
            None => Ok(None),
        }
    }

    async fn set_drift(
        &mut self,
        app: &Authorized<App, Modify>,
        environment: EnvironmentId,
        drift: &Drift,
    ) -> StoreResult<()> {
        let done = query(
            "UPDATE stops SET drift = $5 \
             WHERE org_id = $1 AND app_id = $2 AND environment_id = $3 AND deployment_id = $4",
        )
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .bind(environment.to_string())
        .bind(drift.deployment.to_string())
        .bind(document(drift)?)
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }
}
