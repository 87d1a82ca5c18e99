//! What GitLab said last of something that Slipway does not follow by itself.

use super::StoreResult;
use crate::access::may::{Modify, See};
use crate::access::{App, Authorized};
use async_trait::async_trait;
use slipway_domain::time::Timestamp;

/// What is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotKind {
    /// The schedules of a repository.
    Schedules,
    /// The variables of a repository, without their values.
    Variables,
    /// The reports of a run.
    Reports,
    /// The files of a job.
    Artifacts,
}

impl SnapshotKind {
    /// The stored key.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Schedules => "schedules",
            Self::Variables => "variables",
            Self::Reports => "reports",
            Self::Artifacts => "artifacts",
        }
    }
}

/// What was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// A JSON document.
    pub content: String,
    /// When GitLab said it.
    pub seen_at: Timestamp,
}

/// Snapshots. `subject` is the id of the run or the job; empty for the repository.
#[async_trait]
pub trait SnapshotTx: Send {
    /// Keeps what GitLab said, unless something later is kept.
    async fn put_snapshot(
        &mut self,
        app: &Authorized<App, Modify>,
        kind: SnapshotKind,
        subject: &str,
        snapshot: &Snapshot,
    ) -> StoreResult<()>;
    /// What was kept last.
    async fn snapshot(
        &mut self,
        app: &Authorized<App, See>,
        kind: SnapshotKind,
        subject: &str,
    ) -> StoreResult<Option<Snapshot>>;
    /// Forgets what was kept of the repository itself: the app has another one. What was kept of runs stays with them.
    async fn forget_snapshots(&mut self, app: &Authorized<App, Modify>) -> StoreResult<()>;
}
