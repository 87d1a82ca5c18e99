//! The outbox: work that was decided in a transaction and is done outside of it.

use super::StoreResult;
use async_trait::async_trait;
use slipway_domain::id::OutboxId;
use slipway_domain::time::Timestamp;

/// A job that this worker holds until its lease ends.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// Which.
    pub id: OutboxId,
    /// The job as JSON.
    pub payload: String,
    /// The number of this claim, from 1. With the id it fences: a worker whose lease ended cannot finish it.
    pub attempt: i64,
    /// How often it failed in a row.
    pub failures: i64,
    /// When it was put in.
    pub created_at: Timestamp,
}

/// The outbox.
#[async_trait]
pub trait OutboxTx: Send {
    /// Puts a job in. With a `key`, a job of the same key that no worker holds is kept instead, at the
    /// earlier of the two times.
    async fn enqueue_job(
        &mut self,
        id: OutboxId,
        kind: &str,
        payload: &str,
        at: Timestamp,
        key: Option<&str>,
        now: Timestamp,
    ) -> StoreResult<()>;
    /// Takes up to `limit` jobs that are due and that nobody holds, until `lease`.
    async fn claim_jobs(
        &mut self,
        owner: &str,
        now: Timestamp,
        lease: Timestamp,
        limit: i64,
    ) -> StoreResult<Vec<Claimed>>;
    /// Takes the job off. `Gone`: the lease ended and another worker has it.
    async fn finish_job(&mut self, owner: &str, job: &Claimed) -> StoreResult<()>;
    /// Gives the job back, to run again at `at`: after an `error`, or (without one) as a fresh turn.
    async fn retry_job(
        &mut self,
        owner: &str,
        job: &Claimed,
        at: Timestamp,
        error: Option<&str>,
    ) -> StoreResult<()>;
    /// When the next job that nobody holds is due (or the next lease ends).
    async fn next_job_at(&mut self) -> StoreResult<Option<Timestamp>>;
    /// How many jobs wait: `(waiting, oldest)`.
    async fn backlog(&mut self) -> StoreResult<(i64, Option<Timestamp>)>;
}
