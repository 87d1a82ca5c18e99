//! What the front page gathers.

use crate::access::{app, app_columns, org_columns, project_columns};
use crate::connect::SqlTx;
use crate::error::map;
use crate::row::columns;
use crate::run::run;
use async_trait::async_trait;
use slipway_domain::id::AppId;
use slipway_domain::run::RunRow;
use slipway_portal::access::may::See;
use slipway_portal::access::{AppScope, Authorized, Org};
use slipway_portal::ports::{HomeTx, StoreResult};
use sqlx::query;

#[async_trait]
impl HomeTx for SqlTx {
    async fn apps_in(&mut self, org: &Authorized<Org, See>) -> StoreResult<Vec<AppScope>> {
        let rows = query(
concat!(
            "SELECT ", org_columns!(), ", ", project_columns!(), ", ", app_columns!(),
            ", COALESCE((SELECT MAX(r.created_at) FROM runs r WHERE r.app_id = a.id), a.created_at) AS active_at \
             FROM apps a JOIN projects p ON p.id = a.project_id JOIN organizations o ON o.id = p.org_id \
             WHERE o.id = $1 AND a.archived_at IS NULL AND p.archived_at IS NULL AND o.archived_at IS NULL \
             ORDER BY active_at DESC, a.id LIMIT 1000"
        ))
        .bind(org.id().to_string())
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter().map(app).collect()
    }

    async fn failing_in(&mut self, org: &Authorized<Org, See>) -> StoreResult<Vec<(AppId, RunRow)>> {
        let rows = query(
            "SELECT r.* FROM runs r JOIN apps a ON a.id = r.app_id AND a.repo_branch = r.git_ref \
             WHERE r.org_id = $1 AND a.archived_at IS NULL AND r.status = 'failed' AND NOT EXISTS ( \
                 SELECT 1 FROM runs n WHERE n.app_id = r.app_id AND n.git_ref = r.git_ref AND n.number > r.number) \
             ORDER BY r.created_at DESC LIMIT 50",
        )
        .bind(org.id().to_string())
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter()
            .map(|row| Ok((columns("runs", row).id("app_id")?, run(row)?.row)))
            .collect()
    }
}
