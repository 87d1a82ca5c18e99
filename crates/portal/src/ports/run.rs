//! Pipeline runs, their jobs and logs, and how the last look at a repository went.

use super::StoreResult;
use crate::access::may::{Modify, See};
use crate::access::{App, Authorized};
use async_trait::async_trait;
use slipway_domain::id::{JobId, RunId};
use slipway_domain::release::Evidence;
use slipway_domain::run::{JobRow, RunRow};
use slipway_domain::text::Text;
use slipway_domain::time::Timestamp;
use std::collections::BTreeMap;

/// A run as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRecord {
    /// What a list shows.
    pub row: RunRow,
    /// GitLab's pipeline id.
    pub forge_id: i64,
    /// Whether `git_ref` is a tag.
    pub tag: bool,
    /// Whether the branch or tag was protected when the run was first seen.
    pub protected: bool,
    /// Where GitLab shows it.
    pub web_url: String,
    /// Per job name, the jobs it needs; `None` until GitLab's lint was asked.
    pub needs: Option<BTreeMap<String, Vec<String>>>,
    /// What its tests said; `None`: not known, or it has no report.
    pub evidence: Option<Evidence>,
    /// Why GitLab could not make jobs of the file.
    pub failure: Option<Text>,
    /// Why a green run made no release, where it should have.
    pub release_trouble: Option<Text>,
    /// When the answer that this is made from was asked for. A write from an older answer is refused.
    pub seen_at: Timestamp,
    /// When everything of a run that ended was stored: jobs, logs, report, release.
    pub settled_at: Option<Timestamp>,
}

/// A job as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRecord {
    /// What the run's page shows.
    pub row: JobRow,
    /// Its place among the jobs of the run, in GitLab's order.
    pub position: i64,
    /// Whether it kept files.
    pub has_artifacts: bool,
    /// How many bytes of its log are stored.
    pub log_bytes: i64,
    /// Whether the log is whole.
    pub log_complete: bool,
}

/// How the last look at an app's repository went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RepositoryState {
    /// When GitLab last answered about it.
    pub synced_at: Option<Timestamp>,
    /// What went wrong since.
    pub trouble: Option<Text>,
    /// Why there is no webhook, so that Slipway only polls.
    pub hook_trouble: Option<Text>,
}

/// Runs.
#[async_trait]
pub trait RunTx: Send {
    /// Makes or changes a run; `false`: what is stored was seen later, and nothing was changed.
    async fn put_run(&mut self, app: &Authorized<App, Modify>, run: &RunRecord) -> StoreResult<bool>;
    /// The run of that number. A number that two runs have (GitLab's project was replaced) is the newest's.
    async fn run_by_number(
        &mut self,
        app: &Authorized<App, See>,
        number: i64,
    ) -> StoreResult<Option<RunRecord>>;
    /// The run of GitLab's pipeline.
    async fn run_of_pipeline(
        &mut self,
        app: &Authorized<App, See>,
        forge_id: i64,
    ) -> StoreResult<Option<RunRecord>>;
    /// The run of that id.
    async fn run(&mut self, app: &Authorized<App, See>, id: RunId) -> StoreResult<Option<RunRecord>>;
    /// Runs with a smaller number than `before`, newest first.
    async fn runs(
        &mut self,
        app: &Authorized<App, See>,
        before: Option<i64>,
        limit: i64,
    ) -> StoreResult<Vec<RunRecord>>;
    /// GitLab's ids of runs that are not settled.
    async fn unsettled_runs(&mut self, app: &Authorized<App, See>) -> StoreResult<Vec<i64>>;
    /// How long the last `limit` successful runs of `git_ref` took, in µs.
    async fn run_durations(
        &mut self,
        app: &Authorized<App, See>,
        git_ref: &str,
        limit: i64,
    ) -> StoreResult<Vec<i64>>;
    /// Stores the jobs of a run. Jobs that are not among them were run again: they leave the run's page and keep
    /// their logs.
    async fn put_jobs(
        &mut self,
        app: &Authorized<App, Modify>,
        run: RunId,
        jobs: &[JobRecord],
    ) -> StoreResult<()>;
    /// The jobs of a run, in GitLab's order.
    async fn jobs_of_run(&mut self, app: &Authorized<App, See>, run: RunId) -> StoreResult<Vec<JobRecord>>;
    /// One job of a run, run again or not.
    async fn job(
        &mut self,
        app: &Authorized<App, See>,
        run: RunId,
        id: JobId,
    ) -> StoreResult<Option<JobRecord>>;
    /// Appends to a job's log. `Gone`: `at` is not its end, somebody else appended.
    async fn append_log(
        &mut self,
        app: &Authorized<App, Modify>,
        job: JobId,
        at: i64,
        bytes: &[u8],
    ) -> StoreResult<()>;
    /// Forgets a job's log: GitLab has another one.
    async fn clear_log(&mut self, app: &Authorized<App, Modify>, job: JobId) -> StoreResult<()>;
    /// Notes that the job's log is whole.
    async fn complete_log(&mut self, app: &Authorized<App, Modify>, job: JobId) -> StoreResult<()>;
    /// The piece of a job's log that begins at byte `from`: 0, or the end of another piece. A piece has at most 256 KiB.
    async fn log_piece(
        &mut self,
        app: &Authorized<App, See>,
        job: JobId,
        from: i64,
    ) -> StoreResult<Option<Vec<u8>>>;
    /// How the last look at the repository went.
    async fn repository_state(&mut self, app: &Authorized<App, See>) -> StoreResult<RepositoryState>;
    /// Remembers how it went.
    async fn set_repository_state(
        &mut self,
        app: &Authorized<App, Modify>,
        state: &RepositoryState,
    ) -> StoreResult<()>;
}
