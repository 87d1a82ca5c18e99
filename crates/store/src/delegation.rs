//! Delegations of approvals.

use crate::connect::SqlTx;
use crate::error::{affected, map};
use crate::row::{Columns, columns};
use async_trait::async_trait;
use slipway_domain::delegation::Delegation;
use slipway_domain::id::{DelegationId, ProjectId, UserId};
use slipway_domain::person::PersonRef;
use slipway_domain::time::Timestamp;
use slipway_portal::access::may::See;
use slipway_portal::access::{Authorized, Project};
use slipway_portal::ports::{DelegationTx, StoreResult};
use sqlx::query;

fn delegation(c: Columns<'_>) -> StoreResult<Delegation> {
    Ok(Delegation {
        id: c.id("id")?,
        from: PersonRef {
            id: c.id("from_id")?,
            username: c.text("from_username")?,
            name: c.text("from_name")?,
        },
        to: PersonRef {
            id: c.id("to_id")?,
            username: c.text("to_username")?,
            name: c.text("to_name")?,
        },
        environment: c.opt_id("environment_id")?,
        starts_at: c.time("starts_at")?,
        ends_at: c.time("ends_at")?,
        revoked_at: c.opt_time("revoked_at")?,
        reason: c.text("reason")?,
    })
}

#[async_trait]
impl DelegationTx for SqlTx {
    async fn insert_delegation(
        &mut self,
        project: &Authorized<Project, See>,
        new: &Delegation,
        now: Timestamp,
    ) -> StoreResult<()> {
        query(
            "INSERT INTO delegations (id, org_id, project_id, environment_id, from_id, to_id, reason, starts_at, ends_at, \
             created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(new.id.to_string())
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(new.environment.map(|id| id.to_string()))
        .bind(new.from.id.to_string())
        .bind(new.to.id.to_string())
        .bind(&new.reason)
        .bind(new.starts_at.micros())
        .bind(new.ends_at.micros())
        .bind(now.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn revoke_delegation(&mut self, id: DelegationId, from: UserId, at: Timestamp) -> StoreResult<()> {
        let done = query(
            "UPDATE delegations SET revoked_at = $3 WHERE id = $1 AND from_id = $2 AND revoked_at IS NULL",
        )
        .bind(id.to_string())
        .bind(from.to_string())
        .bind(at.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn delegations(
        &mut self,
        project: &Authorized<Project, See>,
        since: Timestamp,
    ) -> StoreResult<Vec<Delegation>> {
        let rows = query(
            "SELECT d.*, f.username AS from_username, f.name AS from_name, t.username AS to_username, t.name AS to_name \
             FROM delegations d JOIN users f ON f.id = d.from_id \
             JOIN users t ON t.id = d.to_id AND t.deactivated_at IS NULL \
             WHERE d.org_id = $1 AND d.project_id = $2 AND d.ends_at > $3 ORDER BY d.starts_at, d.id",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(since.micros())
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter()
            .map(|row| delegation(columns("delegations", row)))
            .collect()
    }

    async fn delegations_of(
        &mut self,
        user: UserId,
        now: Timestamp,
    ) -> StoreResult<Vec<(ProjectId, Delegation)>> {
        let rows = query(
            "SELECT d.*, f.username AS from_username, f.name AS from_name, t.username AS to_username, t.name AS to_name \
             FROM delegations d JOIN users f ON f.id = d.from_id JOIN users t ON t.id = d.to_id \
             WHERE (d.from_id = $1 OR d.to_id = $1) AND d.ends_at > $2 AND d.revoked_at IS NULL \
             ORDER BY d.starts_at, d.id",
        )
        .bind(user.to_string())
        .bind(now.micros())
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("delegations", row);
                Ok((c.id("project_id")?, delegation(c)?))
            })
            .collect()
    }
}
