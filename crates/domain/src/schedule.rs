//! Pipeline schedules: pipelines that GitLab runs by the clock.

#[cfg(not(target_arch = "wasm32"))]
pub mod cron;

use crate::pipeline::inputs::Asked;
use crate::project::Place;
use crate::run::RunStatus;
use crate::text::Text;
use crate::time::Timestamp;
use crate::variable::VariableKind;
use serde::{Deserialize, Serialize};

/// How many next times are shown.
pub const NEXT: usize = 5;
/// GitLab's longest description.
pub const LONGEST_DESCRIPTION: usize = 255;

/// Time zones that are offered; every name of the IANA time zone database is taken.
pub const ZONES: &[&str] = &[
    "UTC",
    "Asia/Shanghai",
    "Asia/Hong_Kong",
    "Asia/Taipei",
    "Asia/Tokyo",
    "Asia/Seoul",
    "Asia/Singapore",
    "Asia/Bangkok",
    "Asia/Kolkata",
    "Asia/Dubai",
    "Europe/Moscow",
    "Europe/Istanbul",
    "Europe/Athens",
    "Europe/Berlin",
    "Europe/Paris",
    "Europe/Madrid",
    "Europe/London",
    "Africa/Cairo",
    "Africa/Johannesburg",
    "America/Sao_Paulo",
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "Australia/Sydney",
    "Pacific/Auckland",
];

/// One of the next times.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextTime {
    /// The instant.
    pub at: Timestamp,
    /// What clocks of the zone show then, as in `2026-11-30 02:30 +08:00`.
    pub local: String,
}

/// A variable of a schedule, without its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleVariable {
    /// Its name.
    pub key: String,
    /// How a job gets it.
    pub kind: VariableKind,
}

/// An input of a schedule. Inputs are no secrets: they stand in the file that GitLab makes of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleInput {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: serde_json::Value,
}

/// The pipeline that a schedule made last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastRun {
    /// GitLab's pipeline id.
    pub forge_id: i64,
    /// The run's number here; `None`: Slipway has not seen it.
    pub number: Option<i64>,
    /// Where it stands; `None`: a word that Slipway does not know.
    pub status: Option<RunStatus>,
}

/// A schedule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleRow {
    /// GitLab's id.
    pub id: i64,
    /// What it is for.
    pub description: String,
    /// The branch or tag.
    pub git_ref: String,
    /// When, in five fields.
    pub cron: String,
    /// By the clocks of which zone.
    pub zone: String,
    /// Whether it runs by itself.
    pub active: bool,
    /// The next times by cron and zone; empty where Slipway cannot tell.
    pub next: Vec<NextTime>,
    /// When GitLab means to run it next.
    pub next_run_at: Option<Timestamp>,
    /// Who owns it, by GitLab's username: its pipelines run with their rights.
    pub owner: Option<String>,
    /// Whether Slipway's connection owns it, so that Slipway can change it.
    pub ours: bool,
    /// What it made last.
    pub last: Option<LastRun>,
    /// Its variables.
    pub variables: Vec<ScheduleVariable>,
    /// Its inputs.
    pub inputs: Vec<ScheduleInput>,
}

/// What the page of schedules shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleList {
    /// Where.
    pub place: Place,
    /// By description.
    pub schedules: Vec<ScheduleRow>,
    /// Whether a repository is connected.
    pub connected: bool,
    /// Whether the reader may change them.
    pub may_edit: bool,
    /// Whether the reader may run pipelines.
    pub may_run: bool,
    /// When GitLab said this.
    pub as_of: Option<Timestamp>,
    /// Why GitLab says nothing now.
    pub trouble: Option<Text>,
}

/// The form of a schedule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleForm {
    /// Where.
    pub place: Place,
    /// The schedule as it is; `None`: a new one.
    pub schedule: Option<ScheduleRow>,
    /// The branches to choose from.
    pub refs: Vec<String>,
    /// The branch or tag whose inputs these are.
    pub git_ref: String,
    /// What the file there asks for.
    pub asked: Asked,
    /// Why it cannot be told what the file asks for.
    pub trouble: Option<Text>,
}

/// What is said of a cron expression that is being typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CronPreview {
    /// The next times.
    pub next: Vec<NextTime>,
    /// What is wrong with the expression.
    pub cron: Option<Text>,
    /// What is wrong with the zone.
    pub zone: Option<Text>,
}
