//! Releases.

use crate::connect::SqlTx;
use crate::error::{affected, map};
use crate::row::{columns, document};
use async_trait::async_trait;
use slipway_domain::id::{ReleaseId, RunId};
use slipway_domain::time::Timestamp;
use slipway_portal::access::may::{Modify, See};
use slipway_portal::access::{App, Authorized};
use slipway_portal::ports::{ReleaseManifests, ReleaseRecord, ReleaseTx, StoreResult};
use sqlx::any::AnyRow;
use sqlx::query;

fn release(row: &AnyRow) -> StoreResult<ReleaseRecord> {
    let c = columns("releases", row);
    let defective = match c.opt_time("defective_at")? {
        Some(at) => Some((at, c.opt_text("defective_why")?.unwrap_or_default())),
        None => None,
    };
    Ok(ReleaseRecord {
        id: c.id("id")?,
        app: c.id("app_id")?,
        version: c.text("version")?,
        sha: c.text("sha")?,
        git_ref: c.text("git_ref")?,
        run: c.opt_id("run_id")?,
        images: c.json("images")?,
        workload: c.json("workload")?,
        template: c.opt_text("template")?,
        commits: c.json("commits")?,
        previous: c.opt_text("previous")?,
        evidence: c.json("evidence")?,
        created_at: c.time("created_at")?,
        created_by: c.opt_id("created_by")?,
        defective,
    })
}

#[async_trait]
impl ReleaseTx for SqlTx {
    async fn insert_release(
        &mut self,
        app: &Authorized<App, Modify>,
        release: &ReleaseRecord,
    ) -> StoreResult<()> {
        query(
            "INSERT INTO releases (id, org_id, project_id, app_id, version, sha, git_ref, run_id, images, workload, \
             template, commits, previous, evidence, created_at, created_by) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        )
        .bind(release.id.to_string())
        .bind(app.org_id().to_string())
        .bind(app.project_id().to_string())
        .bind(app.id().to_string())
        .bind(&release.version)
        .bind(&release.sha)
        .bind(&release.git_ref)
        .bind(release.run.map(|r| r.to_string()))
        .bind(document(&release.images)?)
        .bind(document(&release.workload)?)
        .bind(&release.template)
        .bind(document(&release.commits)?)
        .bind(&release.previous)
        .bind(document(&release.evidence)?)
        .bind(release.created_at.micros())
        .bind(release.created_by.map(|u| u.to_string()))
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn insert_manifests(
        &mut self,
        app: &Authorized<App, Modify>,
        release: ReleaseId,
        manifests: &ReleaseManifests,
    ) -> StoreResult<()> {
        query(
            "INSERT INTO release_manifests (release_id, env_key, org_id, app_id, objects, hash) \
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(release.to_string())
        .bind(&manifests.environment)
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .bind(document(&manifests.objects)?)
        .bind(&manifests.hash)
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn manifests_of(
        &mut self,
        app: &Authorized<App, See>,
        release: ReleaseId,
    ) -> StoreResult<Vec<ReleaseManifests>> {
        let rows = query(
            "SELECT env_key, objects, hash FROM release_manifests \
             WHERE org_id = $1 AND app_id = $2 AND release_id = $3 ORDER BY env_key",
        )
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .bind(release.to_string())
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("release_manifests", row);
                Ok(ReleaseManifests {
                    environment: c.text("env_key")?,
                    objects: c.json("objects")?,
                    hash: c.text("hash")?,
                })
            })
            .collect()
    }

    async fn releases_with_commit(
        &mut self,
        app: &Authorized<App, See>,
        sha: &str,
        limit: i64,
    ) -> StoreResult<Vec<ReleaseRecord>> {
        // Digits of a hash: nothing that LIKE takes for a pattern.
        let sha: String = sha.chars().filter(char::is_ascii_hexdigit).collect();
        let rows = query(
            "SELECT * FROM releases WHERE org_id = $1 AND app_id = $2 AND (sha LIKE $3 OR commits LIKE $4) \
             ORDER BY created_at DESC, id DESC LIMIT $5",
        )
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .bind(format!("{sha}%"))
        .bind(format!("%\"sha\":\"{sha}%"))
        .bind(limit)
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter().map(release).collect()
    }

    async fn release(
        &mut self,
        app: &Authorized<App, See>,
        id: ReleaseId,
    ) -> StoreResult<Option<ReleaseRecord>> {
        let row = query("SELECT * FROM releases WHERE org_id = $1 AND app_id = $2 AND id = $3")
            .bind(app.org_id().to_string())
            .bind(app.id().to_string())
            .bind(id.to_string())
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.as_ref().map(release).transpose()
    }

    async fn release_by_version(
        &mut self,
        app: &Authorized<App, See>,
        version: &str,
    ) -> StoreResult<Option<ReleaseRecord>> {
        let row = query("SELECT * FROM releases WHERE org_id = $1 AND app_id = $2 AND version = $3")
            .bind(app.org_id().to_string())
            .bind(app.id().to_string())
            .bind(version)
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.as_ref().map(release).transpose()
    }

    async fn release_of_run(
        &mut self,
        app: &Authorized<App, See>,
        run: RunId,
    ) -> StoreResult<Option<ReleaseRecord>> {
        let row = query("SELECT * FROM releases WHERE org_id = $1 AND app_id = $2 AND run_id = $3")
            .bind(app.org_id().to_string())
            .bind(app.id().to_string())
            .bind(run.to_string())
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.as_ref().map(release).transpose()
    }

    async fn releases(
        &mut self,
        app: &Authorized<App, See>,
        before: Option<Timestamp>,
        limit: i64,
    ) -> StoreResult<Vec<ReleaseRecord>> {
        let rows = query(
            "SELECT * FROM releases WHERE org_id = $1 AND app_id = $2 AND created_at < $3 \
             ORDER BY created_at DESC, id DESC LIMIT $4",
        )
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .bind(before.map_or(i64::MAX, Timestamp::micros))
        .bind(limit)
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter().map(release).collect()
    }

    async fn mark_defective(
        &mut self,
        app: &Authorized<App, Modify>,
        id: ReleaseId,
        at: Timestamp,
        why: &str,
    ) -> StoreResult<()> {
        let done = query(
            "UPDATE releases SET defective_at = $4, defective_why = $5 \
             WHERE org_id = $1 AND app_id = $2 AND id = $3 AND defective_at IS NULL",
        )
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .bind(id.to_string())
        .bind(at.micros())
        .bind(why)
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }
}
