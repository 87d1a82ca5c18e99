//! Pipeline runs, their jobs, and how the last look at a repository went.

use crate::connect::SqlTx;
use crate::error::{affected, map};
use crate::row::{columns, document};
use async_trait::async_trait;
use slipway_domain::id::{JobId, RunId};
use slipway_domain::run::{JobRow, RunRow, RunStatus};
use slipway_domain::time::Timestamp;
use slipway_portal::access::may::{Modify, See};
use slipway_portal::access::{App, Authorized};
use slipway_portal::ports::{JobRecord, RepositoryState, RunRecord, RunTx, StoreError, StoreResult};
use sqlx::any::AnyRow;
use sqlx::query;

/// The largest piece of a log, in bytes.
const PIECE: usize = 256 * 1024;

pub(crate) fn run(row: &AnyRow) -> StoreResult<RunRecord> {
    let c = columns("runs", row);
    Ok(RunRecord {
        row: RunRow {
            id: c.id("id")?,
            number: c.int("number")?,
            status: c.key("status", RunStatus::from_key)?,
            git_ref: c.text("git_ref")?,
            sha: c.text("sha")?,
            title: c.text("title")?,
            author: c.text("author")?,
            source: c.text("source")?,
            created_at: c.time("created_at")?,
            started_at: c.opt_time("started_at")?,
            finished_at: c.opt_time("finished_at")?,
            failed_job: c.opt_text("failed_job")?,
        },
        forge_id: c.int("forge_id")?,
        tag: c.flag("is_tag")?,
        protected: c.flag("is_protected")?,
        web_url: c.text("web_url")?,
        needs: c.opt_json("needs")?,
        evidence: c.opt_json("evidence")?,
        failure: c.opt_json("failure")?,
        release_trouble: c.opt_json("release_trouble")?,
        seen_at: c.time("seen_at")?,
        settled_at: c.opt_time("settled_at")?,
    })
}

fn job(row: &AnyRow) -> StoreResult<JobRecord> {
    let c = columns("jobs", row);
    Ok(JobRecord {
        row: JobRow {
            id: c.id("id")?,
            forge_id: c.int("forge_id")?,
            name: c.text("name")?,
            stage: c.text("stage")?,
            status: c.key("status", RunStatus::from_key)?,
            needs: c.json("needs")?,
            allow_failure: c.flag("allow_failure")?,
            started_at: c.opt_time("started_at")?,
            finished_at: c.opt_time("finished_at")?,
            reason: c.opt_json("reason")?,
            runner: c.opt_text("runner")?,
            playable: c.flag("playable")?,
        },
        position: c.int("position")?,
        has_artifacts: c.flag("has_artifacts")?,
        log_bytes: c.int("log_bytes")?,
        log_complete: c.flag("log_complete")?,
    })
}

#[async_trait]
impl RunTx for SqlTx {
    async fn put_run(&mut self, app: &Authorized<App, Modify>, run: &RunRecord) -> StoreResult<bool> {
        let done = query(
            "INSERT INTO runs (id, org_id, app_id, forge_id, number, status, git_ref, is_tag, is_protected, sha, title, \
             author, source, web_url, failed_job, needs, evidence, release_trouble, created_at, started_at, \
             finished_at, seen_at, settled_at, failure) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, \
             $22, $23, $24) \
             ON CONFLICT (app_id, forge_id) DO UPDATE SET number = excluded.number, status = excluded.status, \
             git_ref = excluded.git_ref, is_tag = excluded.is_tag, is_protected = excluded.is_protected, \
             sha = excluded.sha, title = excluded.title, author = excluded.author, source = excluded.source, \
             web_url = excluded.web_url, failed_job = excluded.failed_job, needs = excluded.needs, \
             evidence = excluded.evidence, release_trouble = excluded.release_trouble, \
             started_at = excluded.started_at, finished_at = excluded.finished_at, seen_at = excluded.seen_at, \
             settled_at = excluded.settled_at, failure = excluded.failure \
             WHERE runs.org_id = excluded.org_id AND runs.id = excluded.id AND runs.seen_at <= excluded.seen_at",
        )
        .bind(run.row.id.to_string())
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .bind(run.forge_id)
        .bind(run.row.number)
        .bind(run.row.status.key())
        .bind(&run.row.git_ref)
        .bind(i64::from(run.tag))
        .bind(i64::from(run.protected))
        .bind(&run.row.sha)
        .bind(&run.row.title)
        .bind(&run.row.author)
        .bind(&run.row.source)
        .bind(&run.web_url)
        .bind(&run.row.failed_job)
        .bind(run.needs.as_ref().map(document).transpose()?)
        .bind(run.evidence.as_ref().map(document).transpose()?)
        .bind(run.release_trouble.as_ref().map(document).transpose()?)
        .bind(run.row.created_at.micros())
        .bind(run.row.started_at.map(Timestamp::micros))
        .bind(run.row.finished_at.map(Timestamp::micros))
        .bind(run.seen_at.micros())
        .bind(run.settled_at.map(Timestamp::micros))
        .bind(run.failure.as_ref().map(document).transpose()?)
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(done.rows_affected() > 0)
    }

    async fn run_by_number(
        &mut self,
        app: &Authorized<App, See>,
        number: i64,
    ) -> StoreResult<Option<RunRecord>> {
        let row = query(
            "SELECT * FROM runs WHERE org_id = $1 AND app_id = $2 AND number = $3 ORDER BY created_at DESC LIMIT 1",
        )
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .bind(number)
        .fetch_optional(self.conn())
        .await
        .map_err(map)?;
        row.as_ref().map(run).transpose()
    }

    async fn run_of_pipeline(
        &mut self,
        app: &Authorized<App, See>,
        forge_id: i64,
    ) -> StoreResult<Option<RunRecord>> {
        let row = query("SELECT * FROM runs WHERE org_id = $1 AND app_id = $2 AND forge_id = $3")
            .bind(app.org_id().to_string())
            .bind(app.id().to_string())
            .bind(forge_id)
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.as_ref().map(run).transpose()
    }

    async fn run(&mut self, app: &Authorized<App, See>, id: RunId) -> StoreResult<Option<RunRecord>> {
        let row = query("SELECT * FROM runs WHERE org_id = $1 AND app_id = $2 AND id = $3")
            .bind(app.org_id().to_string())
            .bind(app.id().to_string())
            .bind(id.to_string())
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.as_ref().map(run).transpose()
    }

    async fn runs(
        &mut self,
        app: &Authorized<App, See>,
        before: Option<i64>,
        limit: i64,
    ) -> StoreResult<Vec<RunRecord>> {
        let rows = query(
            "SELECT * FROM runs WHERE org_id = $1 AND app_id = $2 AND number < $3 ORDER BY number DESC LIMIT $4",
        )
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .bind(before.unwrap_or(i64::MAX))
        .bind(limit)
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter().map(run).collect()
    }

    async fn unsettled_runs(&mut self, app: &Authorized<App, See>) -> StoreResult<Vec<i64>> {
        let rows = query(
            "SELECT id, forge_id FROM runs WHERE org_id = $1 AND app_id = $2 AND settled_at IS NULL ORDER BY number",
        )
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter()
            .map(|row| columns("runs", row).int("forge_id"))
            .collect()
    }

    async fn run_durations(
        &mut self,
        app: &Authorized<App, See>,
        git_ref: &str,
        limit: i64,
    ) -> StoreResult<Vec<i64>> {
        let rows = query(
            "SELECT id, finished_at - started_at AS took FROM runs WHERE org_id = $1 AND app_id = $2 AND git_ref = $3 \
             AND status = 'success' AND started_at IS NOT NULL AND finished_at IS NOT NULL \
             ORDER BY number DESC LIMIT $4",
        )
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .bind(git_ref)
        .bind(limit)
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter().map(|row| columns("runs", row).int("took")).collect()
    }

    async fn put_jobs(
        &mut self,
        app: &Authorized<App, Modify>,
        run: RunId,
        jobs: &[JobRecord],
    ) -> StoreResult<()> {
        query("UPDATE jobs SET superseded = 1 WHERE org_id = $1 AND app_id = $2 AND run_id = $3")
            .bind(app.org_id().to_string())
            .bind(app.id().to_string())
            .bind(run.to_string())
            .execute(self.conn())
            .await
            .map_err(map)?;
        for job in jobs {
            let done = query(
                "INSERT INTO jobs (id, org_id, app_id, run_id, forge_id, position, name, stage, status, needs, \
                 allow_failure, reason, runner, playable, has_artifacts, started_at, finished_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) \
                 ON CONFLICT (run_id, forge_id) DO UPDATE SET position = excluded.position, name = excluded.name, \
                 stage = excluded.stage, status = excluded.status, needs = excluded.needs, \
                 allow_failure = excluded.allow_failure, reason = excluded.reason, runner = excluded.runner, \
                 playable = excluded.playable, has_artifacts = excluded.has_artifacts, \
                 started_at = excluded.started_at, finished_at = excluded.finished_at, superseded = 0 \
                 WHERE jobs.org_id = excluded.org_id AND jobs.app_id = excluded.app_id",
            )
            .bind(job.row.id.to_string())
            .bind(app.org_id().to_string())
            .bind(app.id().to_string())
            .bind(run.to_string())
            .bind(job.row.forge_id)
            .bind(job.position)
            .bind(&job.row.name)
            .bind(&job.row.stage)
            .bind(job.row.status.key())
            .bind(document(&job.row.needs)?)
            .bind(i64::from(job.row.allow_failure))
            .bind(job.row.reason.as_ref().map(document).transpose()?)
            .bind(&job.row.runner)
            .bind(i64::from(job.row.playable))
            .bind(i64::from(job.has_artifacts))
            .bind(job.row.started_at.map(Timestamp::micros))
            .bind(job.row.finished_at.map(Timestamp::micros))
            .execute(self.conn())
            .await
            .map_err(map)?;
            affected(done.rows_affected())?;
        }
        Ok(())
    }

    async fn jobs_of_run(&mut self, app: &Authorized<App, See>, run: RunId) -> StoreResult<Vec<JobRecord>> {
        let rows = query(
            "SELECT * FROM jobs WHERE org_id = $1 AND app_id = $2 AND run_id = $3 AND superseded = 0 \
             ORDER BY position, forge_id",
        )
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .bind(run.to_string())
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter().map(job).collect()
    }

    async fn job(
        &mut self,
        app: &Authorized<App, See>,
        run: RunId,
        id: JobId,
    ) -> StoreResult<Option<JobRecord>> {
        let row = query("SELECT * FROM jobs WHERE org_id = $1 AND app_id = $2 AND run_id = $3 AND id = $4")
            .bind(app.org_id().to_string())
            .bind(app.id().to_string())
            .bind(run.to_string())
            .bind(id.to_string())
            .fetch_optional(self.conn())
            .await
            .map_err(map)?;
        row.as_ref().map(job).transpose()
    }

    async fn append_log(
        &mut self,
        app: &Authorized<App, Modify>,
        job: JobId,
        at: i64,
        bytes: &[u8],
    ) -> StoreResult<()> {
        let length = i64::try_from(bytes.len()).map_err(|e| StoreError::Other(Box::new(e)))?;
        let done = query(
            "UPDATE jobs SET log_bytes = log_bytes + $5 WHERE org_id = $1 AND app_id = $2 AND id = $3 AND log_bytes = $4",
        )
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .bind(job.to_string())
        .bind(at)
        .bind(length)
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())?;
        let mut at = at;
        for piece in bytes.chunks(PIECE) {
            query("INSERT INTO job_logs (job_id, at_byte, org_id, content) VALUES ($1, $2, $3, $4)")
                .bind(job.to_string())
                .bind(at)
                .bind(app.org_id().to_string())
                .bind(piece)
                .execute(self.conn())
                .await
                .map_err(map)?;
            at += i64::try_from(piece.len()).map_err(|e| StoreError::Other(Box::new(e)))?;
        }
        Ok(())
    }

    async fn clear_log(&mut self, app: &Authorized<App, Modify>, job: JobId) -> StoreResult<()> {
        let done = query(
            "UPDATE jobs SET log_bytes = 0, log_complete = 0 WHERE org_id = $1 AND app_id = $2 AND id = $3",
        )
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .bind(job.to_string())
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())?;
        query("DELETE FROM job_logs WHERE org_id = $1 AND job_id = $2")
            .bind(app.org_id().to_string())
            .bind(job.to_string())
            .execute(self.conn())
            .await
            .map_err(map)?;
        Ok(())
    }

    async fn complete_log(&mut self, app: &Authorized<App, Modify>, job: JobId) -> StoreResult<()> {
        let done = query("UPDATE jobs SET log_complete = 1 WHERE org_id = $1 AND app_id = $2 AND id = $3")
            .bind(app.org_id().to_string())
            .bind(app.id().to_string())
            .bind(job.to_string())
            .execute(self.conn())
            .await
            .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn log_piece(
        &mut self,
        app: &Authorized<App, See>,
        job: JobId,
        from: i64,
    ) -> StoreResult<Option<Vec<u8>>> {
        let row = query(
            "SELECT l.content FROM job_logs l JOIN jobs j ON j.id = l.job_id \
             WHERE j.org_id = $1 AND j.app_id = $2 AND j.id = $3 AND l.at_byte = $4",
        )
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .bind(job.to_string())
        .bind(from)
        .fetch_optional(self.conn())
        .await
        .map_err(map)?;
        row.map(|row| columns("job_logs", &row).bytes("content"))
            .transpose()
    }

    async fn repository_state(&mut self, app: &Authorized<App, See>) -> StoreResult<RepositoryState> {
        let row = query(
            "SELECT app_id AS id, synced_at, trouble, hook_trouble FROM repository_states \
             WHERE org_id = $1 AND app_id = $2",
        )
        .bind(app.org_id().to_string())
        .bind(app.id().to_string())
        .fetch_optional(self.conn())
        .await
        .map_err(map)?;
        let Some(row) = row else {
            return Ok(RepositoryState::default());
        };
        let c = columns("repository_states", &row);
        Ok(RepositoryState {
            synced_at: c.opt_time("synced_at")?,
            trouble: c.opt_json("trouble")?,
            hook_trouble: c.opt_json("hook_trouble")?,
        })
    }

    async fn set_repository_state(
        &mut self,
        app: &Authorized<App, Modify>,
        state: &RepositoryState,
    ) -> StoreResult<()> {
        query(
            "INSERT INTO repository_states (app_id, org_id, synced_at, trouble, hook_trouble) \
             VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (app_id) DO UPDATE SET synced_at = excluded.synced_at, trouble = excluded.trouble, \
             hook_trouble = excluded.hook_trouble WHERE repository_states.org_id = excluded.org_id",
        )
        .bind(app.id().to_string())
        .bind(app.org_id().to_string())
        .bind(state.synced_at.map(Timestamp::micros))
        .bind(state.trouble.as_ref().map(document).transpose()?)
        .bind(state.hook_trouble.as_ref().map(document).transpose()?)
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }
}
