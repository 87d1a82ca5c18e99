//! Deployments: the attempts of a promotion.

use crate::connect::SqlTx;
use crate::error::{affected, map};
use crate::row::{columns, document};
use slipway_domain::comparison::HistoryRow;
use slipway_domain::environment::Health;
use slipway_domain::id::{DeploymentId, EnvironmentId, PromotionId, ReleaseId};
use slipway_domain::person::PersonRef;
use slipway_domain::promotion::{DeploymentState, PromotionKind};
use slipway_domain::release::ReleaseRef;
use slipway_domain::time::Timestamp;
use slipway_portal::access::may::{Modify, See};
use slipway_portal::access::{App, Authorized, Project};
use slipway_portal::ports::{DeploymentRecord, StoreResult};
use sqlx::any::AnyRow;
use sqlx::query;

fn deployment(row: &AnyRow) -> StoreResult<DeploymentRecord> {
    let c = columns("deployments", row);
    Ok(DeploymentRecord {
        id: c.id("id")?,
        promotion: c.id("promotion_id")?,
        release: c.id("release_id")?,
        environment: c.id("environment_id")?,
        attempt: c.int("attempt")?,
        state: c.key("state", DeploymentState::from_key)?,
        fence: c.int("fence")?,
        cluster: c.id("cluster_id")?,
        namespace: c.text("namespace")?,
        manifests: c.json("manifests")?,
        reason: c.opt_json("reason")?,
        ready: c.int("ready")?,
        desired: c.int("desired")?,
        health: c.key("health", Health::from_key)?,
        trouble: c.json("trouble")?,
        started_at: c.time("started_at")?,
        applied_at: c.opt_time("applied_at")?,
        finished_at: c.opt_time("finished_at")?,
        observed_at: c.opt_time("observed_at")?,
        trouble_since: c.opt_time("trouble_since")?,
        lost_at: c.opt_time("lost_at")?,
        takes: c.json("takes")?,
        warnings: c.json("warnings")?,
    })
}

const HISTORY: &str = "SELECT d.id, d.promotion_id, d.attempt, d.state, d.reason, d.started_at, d.finished_at, p.kind, \
     r.id AS release_id, r.version, r.sha, a.slug, a.name, u.id AS user_id, u.username, u.name AS user_name \
     FROM deployments d \
     JOIN promotions p ON p.id = d.promotion_id \
     JOIN releases r ON r.id = d.release_id \
     JOIN apps a ON a.id = d.app_id \
     LEFT JOIN users u ON u.id = p.requested_by \
     WHERE d.org_id = $1 AND d.project_id = $2 AND d.environment_id = $3 AND d.started_at < $4 \
     ORDER BY d.started_at DESC, d.id DESC LIMIT $5";

fn history_row(row: &AnyRow) -> StoreResult<HistoryRow> {
    let c = columns("deployments", row);
    let requested_by = match c.opt_id("user_id")? {
        Some(id) => Some(PersonRef {
            id,
            username: c.text("username")?,
            name: c.text("user_name")?,
        }),
        None => None,
    };
    Ok(HistoryRow {
        app: c.text("slug")?,
        app_name: c.text("name")?,
        promotion: c.id("promotion_id")?,
        kind: c.key("kind", PromotionKind::from_key)?,
        attempt: c.int("attempt")?,
        release: ReleaseRef {
            id: c.id("release_id")?,
            version: c.text("version")?,
            sha: c.text("sha")?,
        },
        state: c.key("state", DeploymentState::from_key)?,
        reason: c.opt_json("reason")?,
        requested_by,
        started_at: c.time("started_at")?,
        finished_at: c.opt_time("finished_at")?,
    })
}

pub(super) async fn history(
    tx: &mut SqlTx,
    project: &Authorized<Project, See>,
    environment: EnvironmentId,
    before: Option<Timestamp>,
    limit: i64,
) -> StoreResult<Vec<HistoryRow>> {
    let rows = query(HISTORY)
        .bind(project.org_id().to_string())
        .bind(project.id().to_string())
        .bind(environment.to_string())
        .bind(before.map_or(i64::MAX, Timestamp::micros))
        .bind(limit)
        .fetch_all(tx.conn())
        .await
        .map_err(map)?;
    rows.iter().map(history_row).collect()
}

pub(super) async fn insert(
    tx: &mut SqlTx,
    app: &Authorized<App, Modify>,
    new: &DeploymentRecord,
) -> StoreResult<()> {
    query(
        "INSERT INTO deployments (id, org_id, project_id, app_id, environment_id, promotion_id, release_id, attempt, \
         state, fence, cluster_id, namespace, manifests, reason, ready, desired, health, trouble, started_at, \
         applied_at, finished_at, observed_at, trouble_since, lost_at, takes, warnings) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, \
         $22, $23, $24, $25, $26)",
    )
    .bind(new.id.to_string())
    .bind(app.org_id().to_string())
    .bind(app.project_id().to_string())
    .bind(app.id().to_string())
    .bind(new.environment.to_string())
    .bind(new.promotion.to_string())
    .bind(new.release.to_string())
    .bind(new.attempt)
    .bind(new.state.key())
    .bind(new.fence)
    .bind(new.cluster.to_string())
    .bind(&new.namespace)
    .bind(document(&new.manifests)?)
    .bind(new.reason.as_ref().map(document).transpose()?)
    .bind(new.ready)
    .bind(new.desired)
    .bind(new.health.key())
    .bind(document(&new.trouble)?)
    .bind(new.started_at.micros())
    .bind(new.applied_at.map(Timestamp::micros))
    .bind(new.finished_at.map(Timestamp::micros))
    .bind(new.observed_at.map(Timestamp::micros))
    .bind(new.trouble_since.map(Timestamp::micros))
    .bind(new.lost_at.map(Timestamp::micros))
    .bind(document(&new.takes)?)
    .bind(document(&new.warnings)?)
    .execute(tx.conn())
    .await
    .map_err(map)?;
    Ok(())
}

pub(super) async fn update(
    tx: &mut SqlTx,
    app: &Authorized<App, Modify>,
    record: &DeploymentRecord,
    was: DeploymentState,
) -> StoreResult<()> {
    let done = query(
        "UPDATE deployments SET state = $5, reason = $6, ready = $7, desired = $8, health = $9, trouble = $10, \
         applied_at = $11, finished_at = $12, observed_at = $13, trouble_since = $14, lost_at = $15, warnings = $16 \
         WHERE org_id = $1 AND app_id = $2 AND id = $3 AND state = $4",
    )
    .bind(app.org_id().to_string())
    .bind(app.id().to_string())
    .bind(record.id.to_string())
    .bind(was.key())
    .bind(record.state.key())
    .bind(record.reason.as_ref().map(document).transpose()?)
    .bind(record.ready)
    .bind(record.desired)
    .bind(record.health.key())
    .bind(document(&record.trouble)?)
    .bind(record.applied_at.map(Timestamp::micros))
    .bind(record.finished_at.map(Timestamp::micros))
    .bind(record.observed_at.map(Timestamp::micros))
    .bind(record.trouble_since.map(Timestamp::micros))
    .bind(record.lost_at.map(Timestamp::micros))
    .bind(document(&record.warnings)?)
    .execute(tx.conn())
    .await
    .map_err(map)?;
    affected(done.rows_affected())
}

pub(super) async fn of_promotion(
    tx: &mut SqlTx,
    app: &Authorized<App, See>,
    promotion: PromotionId,
) -> StoreResult<Vec<DeploymentRecord>> {
    let rows = query(
        "SELECT * FROM deployments WHERE org_id = $1 AND app_id = $2 AND promotion_id = $3 ORDER BY attempt DESC",
    )
    .bind(app.org_id().to_string())
    .bind(app.id().to_string())
    .bind(promotion.to_string())
    .fetch_all(tx.conn())
    .await
    .map_err(map)?;
    rows.iter().map(deployment).collect()
}

pub(super) async fn by_id(
    tx: &mut SqlTx,
    app: &Authorized<App, See>,
    id: DeploymentId,
) -> StoreResult<Option<DeploymentRecord>> {
    let row = query("SELECT * FROM deployments WHERE org_id = $1 AND app_id = $2 AND id = $3")
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .bind(id.to_string())
        .fetch_optional(tx.conn())
        .await
        .map_err(map)?;
    row.as_ref().map(deployment).transpose()
}

pub(super) async fn of_environment(
    tx: &mut SqlTx,
    app: &Authorized<App, See>,
    environment: EnvironmentId,
    limit: i64,
) -> StoreResult<Vec<DeploymentRecord>> {
    let rows = query(
        "SELECT * FROM deployments WHERE org_id = $1 AND app_id = $2 AND environment_id = $3 \
         ORDER BY started_at DESC, id DESC LIMIT $4",
    )
    .bind(app.org_id().to_string())
    .bind(app.id().to_string())
    .bind(environment.to_string())
    .bind(limit)
    .fetch_all(tx.conn())
    .await
    .map_err(map)?;
    rows.iter().map(deployment).collect()
}

pub(super) async fn verified(
    tx: &mut SqlTx,
    app: &Authorized<App, See>,
    environment: EnvironmentId,
    release: ReleaseId,
) -> StoreResult<bool> {
    let row = query(
        "SELECT id FROM deployments WHERE org_id = $1 AND app_id = $2 AND environment_id = $3 AND release_id = $4 \
         AND state = 'succeeded' LIMIT 1",
    )
    .bind(app.org_id().to_string())
    .bind(app.id().to_string())
    .bind(environment.to_string())
    .bind(release.to_string())
    .fetch_optional(tx.conn())
    .await
    .map_err(map)?;
    Ok(row.is_some())
}

pub(super) async fn last_verified(
    tx: &mut SqlTx,
    app: &Authorized<App, See>,
    environment: EnvironmentId,
    made_before: Timestamp,
) -> StoreResult<Option<ReleaseId>> {
    let row = query(
        "SELECT d.release_id FROM deployments d \
         JOIN releases r ON r.id = d.release_id AND r.defective_at IS NULL AND r.created_at < $4 \
         WHERE d.org_id = $1 AND d.app_id = $2 AND d.environment_id = $3 AND d.state = 'succeeded' \
         ORDER BY d.finished_at DESC, d.id DESC LIMIT 1",
    )
    .bind(app.org_id().to_string())
    .bind(app.id().to_string())
    .bind(environment.to_string())
    .bind(made_before.micros())
    .fetch_optional(tx.conn())
    .await
    .map_err(map)?;
    row.map(|row| columns("deployments", &row).id("release_id"))
        .transpose()
}
