//! Environments, and what runs at each stop of an app.

use crate::connect::SqlTx;
use crate::error::{affected, map};
use crate::row::{Columns, columns, document};
use async_trait::async_trait;
use slipway_domain::app::Observed;
use slipway_domain::environment::{EnvironmentRef, Health, Tier};
use slipway_domain::id::{AppId, EnvironmentId, GroupId, OrgId, PromotionId, ReleaseId};
use slipway_domain::person::PersonRef;
use slipway_domain::time::Timestamp;
use slipway_portal::access::may::{Modify, See};
use slipway_portal::access::{App, Authorized, Project};
use slipway_portal::ports::{
    EnvironmentBinding, EnvironmentRecord, EnvironmentTx, Lock, NowRunning, StopRecord, StoreResult,
};
use sqlx::any::AnyRow;
use sqlx::query;

const ONE: &str = "SELECT id, id AS env_id, env_key, name AS env_name, tier, position, cluster_id, namespace, branches, \
     policy, rules_version, version, created_at, gating, removed_at FROM environments \
     WHERE org_id = $1 AND project_id = $2 AND id = $3";

/// The environment of a row with the columns `env_id`, `env_key`, `env_name`, `tier` and `position`.
pub(crate) fn reference(c: Columns<'_>) -> StoreResult<EnvironmentRef> {
    Ok(EnvironmentRef {
        id: c.id("env_id")?,
        // What was removed gave its key away, and keeps its first part.
        key: c
            .text("env_key")?
            .split('~')
            .next()
            .unwrap_or_default()
            .to_owned(),
        name: c.text("env_name")?,
        tier: c.key("tier", Tier::from_key)?,
        position: c.int("position")?,
    })
}

/// What Kubernetes reported last, of a row with the columns of `stops`.
pub(crate) fn observed(c: Columns<'_>) -> StoreResult<Option<Observed>> {
    let Some(at) = c.opt_time("observed_at")? else {
        return Ok(None);
    };
    Ok(Some(Observed {
        health: c.key("health", Health::from_key)?,
        reason: c.opt_json("health_reason")?,
        ready: c.int("ready")?,
        desired: c.int("desired")?,
        at,
    }))
}

fn environment(row: &AnyRow) -> StoreResult<EnvironmentRecord> {
    let c = columns("environments", row);
    let binding = match (c.opt_id("cluster_id")?, c.opt_text("namespace")?) {
        (Some(cluster), Some(namespace)) => Some(EnvironmentBinding { cluster, namespace }),
        _ => None,
    };
    Ok(EnvironmentRecord {
        environment: reference(c)?,
        binding,
        branches: c.json("branches")?,
        gating: c.json("gating")?,
        policy: c.json("policy")?,
        rules_version: c.int("rules_version")?,
        version: c.int("version")?,
        created_at: c.time("created_at")?,
    })
}

impl SqlTx {
    /// Makes the row of a stop where there is none.
    async fn ensure_stop(
        &mut self,
        app: &Authorized<App, Modify>,
        environment: EnvironmentId,
    ) -> StoreResult<()> {
        query(
            "INSERT INTO stops (app_id, environment_id, org_id, project_id) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (app_id, environment_id) DO NOTHING",
        )
        .bind(app.id().to_string())
        .bind(environment.to_string())
        .bind(app.org_id().to_string())
        .bind(app.project_id().to_string())
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }
}

#[async_trait]
impl EnvironmentTx for SqlTx {
    async fn insert_environment(
        &mut self,
        project: &Authorized<Project, Modify>,
        record: &EnvironmentRecord,
    ) -> StoreResult<()> {
        query(
            "INSERT INTO environments (id, org_id, project_id, env_key, name, tier, position, cluster_id, namespace, \
             branches, policy, rules_version, version, created_at, gating) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        )
        .bind(record.environment.id.to_string())
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(&record.environment.key)
        .bind(&record.environment.name)
        .bind(record.environment.tier.key())
        .bind(record.environment.position)
        .bind(record.binding.as_ref().map(|b| b.cluster.to_string()))
        .bind(record.binding.as_ref().map(|b| b.namespace.clone()))
        .bind(document(&record.branches)?)
        .bind(document(&record.policy)?)
        .bind(record.rules_version)
        .bind(record.version)
        .bind(record.created_at.micros())
        .bind(document(&record.gating)?)
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn update_environment(
        &mut self,
        project: &Authorized<Project, Modify>,
        record: &EnvironmentRecord,
        was: i64,
    ) -> StoreResult<()> {
        let done = query(
            "UPDATE environments SET env_key = $5, name = $6, tier = $7, position = $8, cluster_id = $9, \
             namespace = $10, branches = $11, policy = $12, rules_version = $13, version = $14, gating = $15 \
             WHERE org_id = $1 AND project_id = $2 AND id = $3 AND version = $4",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(record.environment.id.to_string())
        .bind(was)
        .bind(&record.environment.key)
        .bind(&record.environment.name)
        .bind(record.environment.tier.key())
        .bind(record.environment.position)
        .bind(record.binding.as_ref().map(|b| b.cluster.to_string()))
        .bind(record.binding.as_ref().map(|b| b.namespace.clone()))
        .bind(document(&record.branches)?)
        .bind(document(&record.policy)?)
        .bind(record.rules_version)
        .bind(record.version)
        .bind(document(&record.gating)?)
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn remove_environment(
        &mut self,
        project: &Authorized<Project, Modify>,
        id: EnvironmentId,
        at: Timestamp,
    ) -> StoreResult<()> {
        // Its key is free for another; the history keeps its name.
        let done = query(
            "UPDATE environments SET removed_at = $4, env_key = env_key || '~' || id, cluster_id = NULL, \
             namespace = NULL, version = version + 1 \
             WHERE org_id = $1 AND project_id = $2 AND id = $3 AND removed_at IS NULL",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(id.to_string())
        .bind(at.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn environment(
        &mut self,
        project: &Authorized<Project, See>,
        id: EnvironmentId,
    ) -> StoreResult<Option<(EnvironmentRecord, Option<Timestamp>)>> {
        let row = query(ONE)
            .bind(project.org_id().to_string())
            .bind(project.id().to_string())
            .bind(id.to_string())
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.map(|row| {
            Ok((
                environment(&row)?,
                columns("environments", &row).opt_time("removed_at")?,
            ))
        })
        .transpose()
    }

    async fn deploying_to(
        &mut self,
        project: &Authorized<Project, See>,
        id: EnvironmentId,
        now: Timestamp,
    ) -> StoreResult<bool> {
        let row = query(
            "SELECT COUNT(*) AS running FROM stops WHERE org_id = $1 AND project_id = $2 AND environment_id = $3 \
             AND lock_owner IS NOT NULL AND lease_until > $4",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(id.to_string())
        .bind(now.micros())
        .fetch_one(self.conn())
        .await
        .map_err(map)?;
        Ok(columns("stops", &row).int("running")? > 0)
    }

    async fn environments(
        &mut self,
        project: &Authorized<Project, See>,
    ) -> StoreResult<Vec<EnvironmentRecord>> {
        let rows = query(
            "SELECT id, id AS env_id, env_key, name AS env_name, tier, position, cluster_id, namespace, branches, \
             policy, rules_version, version, created_at, gating FROM environments \
             WHERE org_id = $1 AND project_id = $2 AND removed_at IS NULL ORDER BY position, id",
        )
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter().map(environment).collect()
    }

    async fn named_by_rules(&mut self, org: OrgId, id: &str) -> StoreResult<Vec<(String, String)>> {
        let rows = query(
            "SELECT p.name AS project_name, e.name AS env_name FROM environments e JOIN projects p ON p.id = e.project_id \
             WHERE e.org_id = $1 AND e.removed_at IS NULL AND e.policy LIKE '%' || $2 || '%' \
             ORDER BY p.name, e.position, e.id",
        )
        .bind(org.to_string())
        .bind(id)
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("environments", row);
                Ok((c.text("project_name")?, c.text("env_name")?))
            })
            .collect()
    }

    async fn stop(
        &mut self,
        app: &Authorized<App, See>,
        environment: EnvironmentId,
    ) -> StoreResult<StopRecord> {
        let row = query(
            "SELECT deployment_id, release_id, deployed_at, health, health_reason, ready, desired, observed_at, \
             lock_owner, fence, lease_until FROM stops \
             WHERE org_id = $1 AND app_id = $2 AND environment_id = $3",
        )
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .bind(environment.to_string())
        .fetch_optional(self.conn())
        .await
        .map_err(map)?;
        let Some(row) = row else {
            return Ok(StopRecord::default());
        };
        let c = columns("stops", &row);
        let current = match (c.opt_id("deployment_id")?, c.opt_id("release_id")?) {
            (Some(deployment), Some(release)) => Some((deployment, release)),
            _ => None,
        };
        let lock = match (c.opt_id("lock_owner")?, c.opt_time("lease_until")?) {
            (Some(owner), Some(lease_until)) => Some(Lock {
                owner,
                fence: c.int("fence")?,
                lease_until,
            }),
            _ => None,
        };
        Ok(StopRecord {
            current,
            deployed_at: c.opt_time("deployed_at")?,
            observed: observed(c)?,
            lock,
        })
    }

    async fn take_lock(
        &mut self,
        app: &Authorized<App, Modify>,
        environment: EnvironmentId,
        owner: PromotionId,
        now: Timestamp,
        lease: Timestamp,
    ) -> StoreResult<Option<Lock>> {
        let row = query(
            "INSERT INTO stops (app_id, environment_id, org_id, project_id, lock_owner, fence, lease_until) \
             VALUES ($1, $2, $3, $4, $5, 1, $7) \
             ON CONFLICT (app_id, environment_id) DO UPDATE SET \
             fence = CASE WHEN stops.lock_owner = excluded.lock_owner THEN stops.fence ELSE stops.fence + 1 END, \
             lock_owner = excluded.lock_owner, lease_until = excluded.lease_until \
             WHERE stops.lock_owner IS NULL OR stops.lock_owner = excluded.lock_owner OR stops.lease_until <= $6 \
             RETURNING fence",
        )
        .bind(app.id().to_string())
        .bind(environment.to_string())
        .bind(app.org_id().to_string())
        .bind(app.project_id().to_string())
        .bind(owner.to_string())
        .bind(now.micros())
        .bind(lease.micros())
        .fetch_optional(self.conn())
        .await
        .map_err(map)?;
        row.map(|row| {
            Ok(Lock {
                owner,
                fence: columns("stops", &row).int("fence")?,
                lease_until: lease,
            })
        })
        .transpose()
    }

    async fn release_lock(
        &mut self,
        app: &Authorized<App, Modify>,
        environment: EnvironmentId,
        owner: PromotionId,
    ) -> StoreResult<()> {
        query(
            "UPDATE stops SET lock_owner = NULL, lease_until = NULL \
             WHERE org_id = $1 AND app_id = $2 AND environment_id = $3 AND lock_owner = $4",
        )
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .bind(environment.to_string())
        .bind(owner.to_string())
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn set_running(
        &mut self,
        app: &Authorized<App, Modify>,
        environment: EnvironmentId,
        running: &NowRunning,
    ) -> StoreResult<()> {
        self.ensure_stop(app, environment).await?;
        let done = query(
            "UPDATE stops SET deployment_id = $4, release_id = $5, deployed_at = $6, deployed_by = $7, drift = NULL \
             WHERE org_id = $1 AND app_id = $2 AND environment_id = $3",
        )
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .bind(environment.to_string())
        .bind(running.deployment.to_string())
        .bind(running.release.to_string())
        .bind(running.at.micros())
        .bind(running.by.map(|u| u.to_string()))
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn set_commits_ahead(
        &mut self,
        app: &Authorized<App, Modify>,
        environment: EnvironmentId,
        ahead: Option<i64>,
    ) -> StoreResult<()> {
        self.ensure_stop(app, environment).await?;
        let done = query(
            "UPDATE stops SET commits_ahead = $4 WHERE org_id = $1 AND app_id = $2 AND environment_id = $3",
        )
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .bind(environment.to_string())
        .bind(ahead)
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn set_observed(
        &mut self,
        app: &Authorized<App, Modify>,
        environment: EnvironmentId,
        observed: &Observed,
    ) -> StoreResult<()> {
        self.ensure_stop(app, environment).await?;
        let done = query(
            "UPDATE stops SET health = $4, health_reason = $5, ready = $6, desired = $7, observed_at = $8 \
             WHERE org_id = $1 AND app_id = $2 AND environment_id = $3",
        )
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .bind(environment.to_string())
        .bind(observed.health.key())
        .bind(observed.reason.as_ref().map(document).transpose()?)
        .bind(observed.ready)
        .bind(observed.desired)
        .bind(observed.at.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn refresh_open(
        &mut self,
        app: &Authorized<App, Modify>,
        environment: EnvironmentId,
    ) -> StoreResult<()> {
        self.ensure_stop(app, environment).await?;
        let done = query(
            "UPDATE stops SET open_promotion_id = (SELECT p.id FROM promotions p \
                 WHERE p.org_id = $1 AND p.app_id = $2 AND p.environment_id = $3 AND p.state <> 'succeeded' \
                 AND (p.ended_at IS NULL OR stops.deployed_at IS NULL OR p.ended_at > stops.deployed_at) \
                 ORDER BY CASE WHEN p.ended_at IS NULL THEN 0 ELSE 1 END, p.requested_at DESC, p.id DESC LIMIT 1) \
             WHERE org_id = $1 AND app_id = $2 AND environment_id = $3",
        )
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .bind(environment.to_string())
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn people_of_group(&mut self, org: OrgId, group: GroupId) -> StoreResult<Vec<PersonRef>> {
        let rows = query(
            "SELECT u.id, u.username, u.name FROM groups g JOIN group_members m ON m.group_id = g.id \
             JOIN users u ON u.id = m.user_id AND u.deactivated_at IS NULL \
             WHERE g.org_id = $1 AND g.id = $2 ORDER BY u.name, u.id",
        )
        .bind(org.to_string())
        .bind(group.to_string())
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("users", row);
                Ok(PersonRef {
                    id: c.id("id")?,
                    username: c.text("username")?,
                    name: c.text("name")?,
                })
            })
            .collect()
    }

    async fn running_stops(&mut self) -> StoreResult<Vec<(AppId, EnvironmentId)>> {
        let rows = query(
            "SELECT app_id, environment_id FROM stops WHERE deployment_id IS NOT NULL ORDER BY app_id, environment_id",
        )
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("stops", row);
                Ok((c.id("app_id")?, c.id("environment_id")?))
            })
            .collect()
    }

    async fn running_in(
        &mut self,
        app: &Authorized<App, See>,
        release: ReleaseId,
    ) -> StoreResult<Vec<EnvironmentRef>> {
        let rows = query(
            "SELECT e.id AS env_id, e.env_key, e.name AS env_name, e.tier, e.position \
             FROM stops s JOIN environments e ON e.id = s.environment_id \
             WHERE s.org_id = $1 AND s.app_id = $2 AND s.release_id = $3 ORDER BY e.position, e.id",
        )
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .bind(release.to_string())
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter()
            .map(|row| reference(columns("environments", row)))
            .collect()
    }
}
