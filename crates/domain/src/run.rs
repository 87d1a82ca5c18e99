//! Pipeline runs: what GitLab CI does with a commit, as Slipway stored it.

pub mod queue;

use crate::id::{JobId, ReleaseId, RunId};
use crate::pipeline::inputs::Asked;
use crate::pipeline::log::LogLine;
use crate::project::Place;
use crate::text::Text;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

macro_rules! statuses {
    ($($(#[$doc:meta])* $variant:ident = $key:literal,)+) => {
        /// GitLab's status of a pipeline or a job (GitLab REST v4, `/projects/:id/pipelines`).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum RunStatus { $($(#[$doc])* #[serde(rename = $key)] $variant,)+ }

        impl RunStatus {
            /// Every status.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// GitLab's word.
            pub const fn key(self) -> &'static str {
                match self { $(Self::$variant => $key,)+ }
            }

            /// Reads GitLab's word; a word that GitLab adds later reads as `None`.
            pub fn from_key(key: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|s| s.key() == key)
            }
        }
    };
}

statuses! {
    /// Made, not yet started.
    Created = "created",
    /// Waits for a resource group.
    WaitingForResource = "waiting_for_resource",
    /// A runner prepares.
    Preparing = "preparing",
    /// Waits for a runner.
    Pending = "pending",
    /// Runs.
    Running = "running",
    /// Green.
    Success = "success",
    /// Red.
    Failed = "failed",
    /// Stopped by someone.
    Canceled = "canceled",
    /// Being stopped.
    Canceling = "canceling",
    /// Not run.
    Skipped = "skipped",
    /// Waits for someone to start it.
    Manual = "manual",
    /// Waits for its time.
    Scheduled = "scheduled",
}

impl RunStatus {
    /// Whether nothing more will happen by itself.
    pub const fn is_final(self) -> bool {
        matches!(
            self,
            Self::Success | Self::Failed | Self::Canceled | Self::Skipped | Self::Manual
        )
    }
}

/// A run in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRow {
    /// Which.
    pub id: RunId,
    /// Its number in the app: GitLab's pipeline `iid`.
    pub number: i64,
    /// Where it stands.
    pub status: RunStatus,
    /// The branch or tag.
    pub git_ref: String,
    /// The commit, whole.
    pub sha: String,
    /// The commit's first line.
    pub title: String,
    /// Who pushed or pressed, by GitLab's name.
    pub author: String,
    /// GitLab's source: `push`, `web`, `merge_request_event`, `schedule`, …
    pub source: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// The first failed job.
    pub failed_job: Option<String>,
}

/// A page of an app's runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunList {
    /// Where.
    pub place: Place,
    /// Newest first.
    pub runs: Vec<RunRow>,
    /// The number to ask for older ones before.
    pub older_than: Option<i64>,
    /// Whether a repository is connected.
    pub connected: bool,
    /// Whether the reader may run pipelines.
    pub may_run: bool,
    /// Whether the reader may make a pipeline.
    pub may_edit: bool,
    /// When GitLab was last heard of.
    pub as_of: Option<Timestamp>,
    /// What went wrong since.
    pub trouble: Option<Text>,
}

/// A job of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRow {
    /// Which.
    pub id: JobId,
    /// GitLab's numeric id.
    pub forge_id: i64,
    /// Its name.
    pub name: String,
    /// Its stage.
    pub stage: String,
    /// Where it stands.
    pub status: RunStatus,
    /// Names of jobs it needs; by stage order where it names none.
    pub needs: Vec<String>,
    /// Whether the run goes on when it fails.
    pub allow_failure: bool,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Why it failed or waits, in one line.
    pub reason: Option<Text>,
    /// The runner that has it.
    pub runner: Option<String>,
    /// Whether it can be started by hand.
    pub playable: bool,
}

/// What the run's page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunView {
    /// Where.
    pub place: Place,
    /// The row of it.
    pub run: RunRow,
    /// Its jobs, by stage, then by GitLab's order.
    pub jobs: Vec<JobRow>,
    /// The stages in order.
    pub stages: Vec<String>,
    /// The jobs that kept files.
    pub with_files: Vec<JobId>,
    /// The release it made.
    pub release: Option<(ReleaseId, String)>,
    /// Why a green run made no release, where it should have.
    pub release_trouble: Option<Text>,
    /// The median duration of the last successful runs of the branch, in µs.
    pub median: Option<i64>,
    /// Where GitLab shows it.
    pub web_url: String,
    /// Whether the reader may retry, cancel and play.
    pub may_run: bool,
    /// When GitLab was last heard of.
    pub as_of: Timestamp,
    /// What went wrong since.
    pub trouble: Option<Text>,
}

/// The form to run a pipeline with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunForm {
    /// Where.
    pub place: Place,
    /// The branch or tag that the form is of.
    pub git_ref: String,
    /// The branches to choose from.
    pub refs: Vec<String>,
    /// Whether `git_ref` is protected.
    pub protected: bool,
    /// Whether the reader may run on it.
    pub may_run: bool,
    /// What the file there asks for.
    pub asked: Asked,
    /// Why it cannot be told what the file asks for.
    pub trouble: Option<Text>,
}

/// A window of a job's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogWindow {
    /// Which job.
    pub job: JobId,
    /// The lines, from `first`.
    pub lines: Vec<LogLine>,
    /// The number of the first line, from 1.
    pub first: usize,
    /// How many lines there are.
    pub total: usize,
    /// Where the first error seems to be.
    pub first_error: Option<usize>,
    /// Whether the job has ended, so that nothing more comes.
    pub complete: bool,
    /// What stands in the way, where there is no log.
    pub trouble: Option<Text>,
    /// What was looked for, and where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<LogMatches>,
}

/// A text that was looked for in a whole log, whatever the case of its letters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogMatches {
    /// The text.
    pub text: String,
    /// How many lines have it.
    pub count: usize,
    /// Which of them is shown, from 1; 0: there is none.
    pub at: usize,
    /// The number of that line, from 1; 0: there is none.
    pub line: usize,
}

/// A pipeline that was proposed as a merge request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposalView {
    /// Which.
    pub id: crate::id::ProposalId,
    /// GitLab's number in the project, as in `!7`.
    pub iid: i64,
    /// Its title.
    pub title: String,
    /// `opened`, `merged` or `closed`.
    pub state: String,
    /// The branch it comes from.
    pub branch: String,
    /// Where GitLab shows it.
    pub web_url: String,
    /// Why it cannot be merged now; `None`: it can.
    pub blocked: Option<Text>,
    /// Whether the reader may merge it here.
    pub may_merge: bool,
}
