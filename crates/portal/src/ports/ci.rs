//! What GitLab's CI is asked for beyond running: pipelines with inputs, schedules, variables, reports, files.

use super::{ForgeError, ForgePipeline};
use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use slipway_domain::artifact::Archive;
use slipway_domain::report::{JobCoverage, TestReport};
use slipway_domain::run::RunStatus;
use slipway_domain::run::queue::Runner;
use slipway_domain::schedule::{ScheduleInput, ScheduleVariable};
use slipway_domain::time::Timestamp;
use slipway_domain::variable::{Variable, VariableRow};
use std::collections::BTreeMap;

/// A pipeline to be made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewPipeline {
    /// The branch or tag.
    pub git_ref: String,
    /// Its inputs, by name; without those that keep their default.
    pub inputs: BTreeMap<String, serde_json::Value>,
    /// Its variables.
    pub variables: Vec<Variable>,
}

/// A schedule, as GitLab has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForgeSchedule {
    /// GitLab's id.
    pub id: i64,
    /// What it is for.
    pub description: String,
    /// The branch or tag, without `refs/heads/`.
    pub git_ref: String,
    /// When.
    pub cron: String,
    /// By the clocks of which zone: a name of the IANA database, or one that Rails knows.
    pub zone: String,
    /// Whether it runs by itself.
    pub active: bool,
    /// When GitLab means to run it next.
    pub next_run_at: Option<Timestamp>,
    /// Its owner's username.
    pub owner: Option<String>,
    /// The pipeline that it made last, and where that stands.
    pub last: Option<(i64, Option<RunStatus>)>,
    /// Its variables, without their values; GitLab shows them to the owner and to maintainers.
    pub variables: Vec<ScheduleVariable>,
    /// Its inputs.
    pub inputs: Vec<ScheduleInput>,
}

/// A schedule to be made or changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSchedule {
    /// What it is for.
    pub description: String,
    /// The branch or tag.
    pub git_ref: String,
    /// When.
    pub cron: String,
    /// By the clocks of which zone.
    pub zone: String,
    /// Whether it runs by itself.
    pub active: bool,
    /// Inputs that it has; of a changed one, those that differ.
    pub inputs: Vec<ScheduleInput>,
    /// Names of inputs that it has no more.
    pub dropped: Vec<String>,
}

/// A variable of a repository to be made or changed. Never printed.
#[derive(Clone)]
pub struct NewVariable {
    /// What it is, but for its value.
    pub row: VariableRow,
    /// Its value; `None`: the one it has.
    pub value: Option<String>,
}

/// Bytes on their way.
pub struct Flow {
    /// How many there are, where that is known.
    pub size: Option<u64>,
    /// They, in pieces.
    pub pieces: BoxStream<'static, Result<Bytes, ForgeError>>,
}

/// The coverage of a pipeline, in hundredths of a percent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ForgeCoverage {
    /// Of the pipeline.
    pub whole: Option<i64>,
    /// Of each job that has one.
    pub jobs: Vec<JobCoverage>,
}

/// GitLab CI beyond running. `project` is GitLab's numeric id.
#[async_trait]
pub trait CiForge: Send + Sync {
    /// Runs a pipeline.
    async fn create_pipeline(&self, project: i64, new: &NewPipeline) -> Result<ForgePipeline, ForgeError>;
    /// Every schedule, with what only the single one says.
    async fn schedules(&self, project: i64) -> Result<Vec<ForgeSchedule>, ForgeError>;
    /// One schedule.
    async fn schedule(&self, project: i64, id: i64) -> Result<ForgeSchedule, ForgeError>;
    /// Makes a schedule.
    async fn create_schedule(&self, project: i64, new: &NewSchedule) -> Result<ForgeSchedule, ForgeError>;
    /// Changes a schedule.
    async fn update_schedule(&self, project: i64, id: i64, new: &NewSchedule) -> Result<(), ForgeError>;
    /// Deletes a schedule.
    async fn delete_schedule(&self, project: i64, id: i64) -> Result<(), ForgeError>;
    /// Makes the token's account the owner of a schedule.
    async fn own_schedule(&self, project: i64, id: i64) -> Result<(), ForgeError>;
    /// Runs a schedule now; GitLab makes the pipeline soon.
    async fn play_schedule(&self, project: i64, id: i64) -> Result<(), ForgeError>;
    /// Gives a schedule a variable: a `new` one, or another value for one that it has.
    async fn put_schedule_variable(
        &self,
        project: i64,
        id: i64,
        variable: &Variable,
        new: bool,
    ) -> Result<(), ForgeError>;
    /// Takes a variable from a schedule.
    async fn delete_schedule_variable(&self, project: i64, id: i64, key: &str) -> Result<(), ForgeError>;
    /// The variables of a repository. Their values are not read.
    async fn variables(&self, project: i64) -> Result<Vec<VariableRow>, ForgeError>;
    /// Makes a variable.
    async fn create_variable(&self, project: i64, new: &NewVariable) -> Result<(), ForgeError>;
    /// Changes the variable `key` of the environments `scope`.
    async fn update_variable(
        &self,
        project: i64,
        key: &str,
        scope: &str,
        new: &NewVariable,
    ) -> Result<(), ForgeError>;
    /// Removes a variable.
    async fn delete_variable(&self, project: i64, key: &str, scope: &str) -> Result<(), ForgeError>;
    /// The names of a repository's environments.
    async fn environments(&self, project: i64) -> Result<Vec<String>, ForgeError>;
    /// The runners of the project that have all `tags`.
    async fn runners(&self, project: i64, tags: &[String]) -> Result<Vec<Runner>, ForgeError>;
    /// The tests of a pipeline, case by case; `None`: it has no report.
    async fn test_cases(&self, project: i64, pipeline: i64) -> Result<Option<TestReport>, ForgeError>;
    /// The coverage of a pipeline and of its jobs.
    async fn coverage(&self, project: i64, pipeline: i64) -> Result<ForgeCoverage, ForgeError>;
    /// The archive of a job and what is in it; `None`: it keeps none, or none any more.
    async fn archive(&self, project: i64, job: i64) -> Result<Option<Archive>, ForgeError>;
    /// The archive of a job, as it is; `None`: as above.
    async fn archive_bytes(&self, project: i64, job: i64) -> Result<Option<Flow>, ForgeError>;
    /// A file of a job's archive; `None`: it is not in it.
    async fn file_bytes(&self, project: i64, job: i64, path: &str) -> Result<Option<Flow>, ForgeError>;
}
