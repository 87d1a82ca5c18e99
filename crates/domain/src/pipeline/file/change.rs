//! Changes of a file, as the editor makes them: each is stored in a draft and sent between browser and
//! server as it is.

use serde::{Deserialize, Serialize};

use super::super::model::{Job, Need, TemplateRef};
use super::scalar::NewValue;

/// One change. Jobs are named by their keys in the file, as they are when it is their turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "edit", rename_all = "snake_case")]
pub enum Edit {
    /// Sets a field of a job, or takes it away.
    Set {
        /// The job.
        job: String,
        /// Keys of mappings and places in lists, from 0: `["image"]`, `["script", "0"]`,
        /// `["variables", "PORT"]`. A [`Field::path`](super::canvas::Field::path) split at its dots.
        path: Vec<String>,
        /// What it becomes.
        value: NewValue,
    },
    /// Sets a variable of the whole file, or takes it away.
    SetVariable {
        /// Its name.
        name: String,
        /// Its value; none takes it away.
        value: Option<String>,
    },
    /// Adds a job.
    AddJob {
        /// What it does. Its needs are ids of other jobs, or names where no job has that id.
        job: Box<Job>,
        /// Where it came from, for its marker.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        template: Option<TemplateRef>,
        /// Where it goes.
        #[serde(default)]
        place: JobPlace,
    },
    /// Makes a job what a form says: fields that differ are written anew, all others stay byte for byte.
    ReplaceJob {
        /// The job.
        job: String,
        /// What it becomes. Another name renames it.
        new: Box<Job>,
        /// Where it came from, for its marker; none leaves the marker as it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        template: Option<TemplateRef>,
    },
    /// Gives a job another name, also where others name it.
    RenameJob {
        /// The job.
        job: String,
        /// Its new name.
        to: String,
    },
    /// Takes a job out, with the comments directly above it.
    RemoveJob {
        /// The job.
        job: String,
        /// What becomes of those that wait for it.
        #[serde(default)]
        dependents: Dependents,
    },
    /// Writes a job a second time, after the first.
    DuplicateJob {
        /// The job.
        job: String,
        /// The name of the second.
        to: String,
    },
    /// Hides a job from GitLab by a dot before its name. Those that extend it follow.
    DisableJob {
        /// The job.
        job: String,
        /// What becomes of those that wait for it.
        #[serde(default)]
        dependents: Dependents,
    },
    /// Takes the dot away, or the rule that keeps the job from ever running.
    EnableJob {
        /// The job, with its dot.
        job: String,
    },
    /// Puts a job into another stage.
    MoveJob {
        /// The job.
        job: String,
        /// The stage.
        stage: String,
    },
    /// Adds a stage.
    AddStage {
        /// Its name.
        stage: String,
        /// The stage it goes before; none: the end.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<String>,
    },
    /// Takes a stage out.
    RemoveStage {
        /// The stage.
        stage: String,
        /// The stage its jobs go to; none refuses where it has any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        jobs_to: Option<String>,
    },
    /// Gives a stage another name, also in its jobs.
    RenameStage {
        /// The stage.
        stage: String,
        /// Its new name.
        to: String,
    },
    /// Moves a stage among the others, with its comments.
    MoveStage {
        /// The stage.
        stage: String,
        /// The stage it goes before; none: the end.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<String>,
    },
    /// Makes a job wait for another, or changes how it does.
    AddNeed {
        /// The job that waits.
        job: String,
        /// The other's name, and how it is needed.
        need: Need,
    },
    /// Makes a job no longer wait for another. Without needs it waits for the stages before.
    RemoveNeed {
        /// The job that waits.
        job: String,
        /// The other's name.
        need: String,
    },
    /// Several at once: all or none, and one step to undo. GitLab has to take only the end of it.
    All {
        /// The changes, in order.
        edits: Vec<Edit>,
    },
}

impl Edit {
    /// Whether two changes set the same place, so that the later can stand for both: what was typed
    /// into one field is one step to undo.
    pub fn same_place(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Set { job, path, .. },
                Self::Set {
                    job: other_job,
                    path: other_path,
                    ..
                },
            ) => job == other_job && path == other_path,
            (Self::SetVariable { name, .. }, Self::SetVariable { name: other, .. }) => name == other,
            _ => false,
        }
    }
}

/// Where a new job goes in the file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobPlace {
    /// After the last job of its stage, or of the stages before.
    #[default]
    Stage,
    /// After this job.
    After(String),
    /// Before this job and its comments.
    Before(String),
    /// After everything.
    End,
}

/// What becomes of jobs that wait for one that goes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dependents {
    /// Nothing goes away while another waits for it: refused with their names.
    #[default]
    Refuse,
    /// They no longer wait for it.
    Drop,
    /// They wait for it when it is there (`optional: true`): for a job that comes back.
    Optional,
}
