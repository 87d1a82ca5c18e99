//! The outbox: claims by one guarded `UPDATE`, fenced by owner and attempt.

use crate::connect::SqlTx;
use crate::error::{affected, map};
use crate::row::columns;
use async_trait::async_trait;
use slipway_domain::id::OutboxId;
use slipway_domain::time::Timestamp;
use slipway_portal::ports::{Claimed, OutboxTx, StoreResult};
use sqlx::query;

#[async_trait]
impl OutboxTx for SqlTx {
    async fn enqueue_job(
        &mut self,
        id: OutboxId,
        kind: &str,
        payload: &str,
        at: Timestamp,
        key: Option<&str>,
        now: Timestamp,
    ) -> StoreResult<()> {
        query(
            "INSERT INTO outbox (id, kind, payload, job_key, run_at, created_at) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (job_key) WHERE job_key IS NOT NULL AND owner IS NULL DO UPDATE SET \
             run_at = CASE WHEN excluded.run_at < outbox.run_at THEN excluded.run_at ELSE outbox.run_at END, \
             payload = excluded.payload",
        )
        .bind(id.to_string())
        .bind(kind)
        .bind(payload)
        .bind(key)
        .bind(at.micros())
        .bind(now.micros())
        .execute(self.conn())
        .await
        .map_err(map)?;
        Ok(())
    }

    async fn claim_jobs(
        &mut self,
        owner: &str,
        now: Timestamp,
        lease: Timestamp,
        limit: i64,
    ) -> StoreResult<Vec<Claimed>> {
        // The condition stands twice: under READ COMMITTED the outer one is judged again once another
        // replica's claim of the same row is committed.
        let rows = query(
            "UPDATE outbox SET owner = $1, lease_until = $3, attempt = attempt + 1 \
             WHERE id IN (SELECT id FROM outbox \
                 WHERE (owner IS NULL AND run_at <= $2) OR (owner IS NOT NULL AND lease_until <= $2) \
                 ORDER BY run_at LIMIT $4) \
             AND ((owner IS NULL AND run_at <= $2) OR (owner IS NOT NULL AND lease_until <= $2)) \
             RETURNING id, payload, attempt, failures, created_at",
        )
        .bind(owner)
        .bind(now.micros())
        .bind(lease.micros())
        .bind(limit)
        .fetch_all(self.conn())
        .await
        .map_err(map)?;
        rows.iter()
            .map(|row| {
                let c = columns("outbox", row);
                Ok(Claimed {
                    id: c.id("id")?,
                    payload: c.text("payload")?,
                    attempt: c.int("attempt")?,
                    failures: c.int("failures")?,
                    created_at: c.time("created_at")?,
                })
            })
            .collect()
    }

    async fn finish_job(&mut self, owner: &str, job: &Claimed) -> StoreResult<()> {
        let done = query("DELETE FROM outbox WHERE id = $1 AND owner = $2 AND attempt = $3")
            .bind(job.id.to_string())
            .bind(owner)
            .bind(job.attempt)
            .execute(self.conn())
            .await
            .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn retry_job(
        &mut self,
        owner: &str,
        job: &Claimed,
        at: Timestamp,
        error: Option<&str>,
    ) -> StoreResult<()> {
        // A job of the same key was put in meanwhile: that one is enough.
        let merged = query(
            "DELETE FROM outbox WHERE id = $1 AND owner = $2 AND attempt = $3 AND job_key IS NOT NULL \
             AND EXISTS (SELECT 1 FROM outbox o WHERE o.job_key = outbox.job_key AND o.owner IS NULL)",
        )
        .bind(job.id.to_string())
        .bind(owner)
        .bind(job.attempt)
        .execute(self.conn())
        .await
        .map_err(map)?;
        if merged.rows_affected() > 0 {
            return Ok(());
        }
        // A fresh turn of the same work counts its failures anew; `attempt` only grows, for it fences.
        let done = query(
            "UPDATE outbox SET owner = NULL, lease_until = NULL, run_at = $4, error = $5, \
             failures = CASE WHEN $5 = '' THEN 0 ELSE failures + 1 END \
             WHERE id = $1 AND owner = $2 AND attempt = $3",
        )
        .bind(job.id.to_string())
        .bind(owner)
        .bind(job.attempt)
        .bind(at.micros())
        .bind(error.unwrap_or_default())
        .execute(self.conn())
        .await
        .map_err(map)?;
        affected(done.rows_affected())
    }

    async fn next_job_at(&mut self) -> StoreResult<Option<Timestamp>> {
        let row = query(
            "SELECT MIN(due) AS due FROM ( \
             SELECT MIN(run_at) AS due FROM outbox WHERE owner IS NULL \
             UNION ALL SELECT MIN(lease_until) AS due FROM outbox WHERE owner IS NOT NULL) AS waiting",
        )
        .fetch_one(self.conn())
        .await
        .map_err(map)?;
        columns("outbox", &row).opt_time("due")
    }

    async fn backlog(&mut self) -> StoreResult<(i64, Option<Timestamp>)> {
        let row = query("SELECT COUNT(*) AS waiting, MIN(created_at) AS oldest FROM outbox")
            .fetch_one(self.conn())
            .await
            .map_err(map)?;
        let c = columns("outbox", &row);
        Ok((c.int("waiting")?, c.opt_time("oldest")?))
    }
}
