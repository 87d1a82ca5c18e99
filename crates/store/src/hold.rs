//! Holds on what goes to a stop, and how long releases have been healthy there.

use crate::connect::SqlTx;
use crate::error::{affected, map};
use crate::row::columns;
use async_trait::async_trait;
use slipway_domain::hold::{Held, Hold};
use slipway_domain::id::{EnvironmentId, HoldId, ReleaseId, UserId};
use slipway_domain::person::PersonRef;
use slipway_domain::time::Timestamp;
use slipway_portal::access::may::{Modify, See};
use slipway_portal::access::{App, Authorized};
use slipway_portal::ports::{HoldTx, SoakRecord, StoreResult};
use sqlx::query;

#[async_trait]
impl HoldTx for SqlTx {
    async fn insert_hold(
        &mut self,
        app: &Authorized<App, Modify>,
        environment: EnvironmentId,
        hold: &Hold,
    ) -> StoreResult<()> {
        query(
            "INSERT INTO holds (id, org_id, project_id, app_id, environment_id, held, owner_id, reason, at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(hold.id.to_string())
        .bind(app.org_id().to_string())
        .bind(app.project_id().to_string())
        .bind(app.id().to_string())
        .bind(environment.to_string())
        .bind(hold.held.key())
        .bind(hold.owner.id.to_string())
        .bind(&hold.reason)
        .bind(hold.at.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn lift_hold(
        &mut self,
        app: &Authorized<App, Modify>,
        id: HoldId,
        by: UserId,
        at: Timestamp,
    ) -> StoreResult<()> {
        let done = query(
            "UPDATE holds SET lifted_at = $4, lifted_by = $5 \
             WHERE org_id = $1 AND app_id = $2 AND id = $3 AND lifted_at IS NULL",
        )
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .bind(id.to_string())
        .bind(at.micros())
        .bind(by.to_string())
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn holds(&mut self, app: &Authorized<App, See>) -> StoreResult<Vec<(EnvironmentId, Hold)>> {
        let rows = query(
            "SELECT h.id, h.environment_id, h.held, h.reason, h.at, u.id AS user_id, u.username, u.name \
             FROM holds h JOIN users u ON u.id = h.owner_id \
             WHERE h.org_id = $1 AND h.app_id = $2 AND h.lifted_at IS NULL ORDER BY h.at, h.id",
        )
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("holds", row);
                let hold = Hold {
                    id: c.id("id")?,
                    held: c.key("held", Held::from_key)?,
                    owner: PersonRef {
                        id: c.id("user_id")?,
                        username: c.text("username")?,
                        name: c.text("name")?,
                    },
                    reason: c.text("reason")?,
                    at: c.time("at")?,
                };
                Ok((c.id("environment_id")?, hold))
            })
            .collect()
    }

    async fn soak(
        &mut self,
        app: &Authorized<App, See>,
        environment: EnvironmentId,
        release: ReleaseId,
    ) -> StoreResult<SoakRecord> {
        let row = query(
            "SELECT healthy_for, seen_at FROM soaks \
             WHERE org_id = $1 AND app_id = $2 AND environment_id = $3 AND release_id = $4",
        )
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .bind(environment.to_string())
        .bind(release.to_string())
        .fetch_optional(self.conn())
        .await
        .map_err(map)?;
        let Some(row) = row else {
            return Ok(SoakRecord::default());
        };
        let c = columns("soaks", &row);
        Ok(SoakRecord {
            healthy_for: c.int("healthy_for")?,
            seen_at: c.opt_time("seen_at")?,
        })
    }

    async fn set_soak(
        &mut self,
        app: &Authorized<App, Modify>,
        environment: EnvironmentId,
        release: ReleaseId,
        soak: SoakRecord,
    ) -> StoreResult<()> {
        query(
            "INSERT INTO soaks (app_id, environment_id, release_id, org_id, healthy_for, seen_at) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (app_id, environment_id, release_id) DO UPDATE SET \
             healthy_for = excluded.healthy_for, seen_at = excluded.seen_at",
        )
        .bind(app.id().to_string())
        .bind(environment.to_string())
        .bind(release.to_string())
        .bind(app.org_id().to_string())
        .bind(soak.healthy_for)
        .bind(soak.seen_at.map(Timestamp::micros))
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }
}
