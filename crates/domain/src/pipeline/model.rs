//! A pipeline: stages, jobs, steps. Ids and names inside one document are plain texts; they mean
//! nothing outside of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::param::is_false;
use super::value::Params;

/// The version of the stored form of [`Pipeline`].
pub const SCHEMA: u32 = 1;

/// A pipeline as Slipway edits it. `.gitlab-ci.yml` stays the truth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pipeline {
    /// [`SCHEMA`] when it was written.
    pub schema: u32,
    /// The template it was made from, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<TemplateRef>,
    /// The values given to the template.
    #[serde(default, skip_serializing_if = "Params::is_empty")]
    pub params: Params,
    /// Variables of every job.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, String>,
    /// The stages, in order.
    pub stages: Vec<Stage>,
    /// The jobs, in the order of the file.
    pub jobs: Vec<Job>,
    /// The cuts of the file it was imported from; empty for a new one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub segments: Vec<Segment>,
}

impl Default for Pipeline {
    fn default() -> Self {
        Self {
            schema: SCHEMA,
            template: None,
            params: Params::new(),
            variables: BTreeMap::new(),
            stages: Vec::new(),
            jobs: Vec::new(),
            segments: Vec::new(),
        }
    }
}

impl Pipeline {
    /// The job with this id.
    pub fn job(&self, id: &str) -> Option<&Job> {
        self.jobs.iter().find(|job| job.id == id)
    }

    /// The job with this id, to change it.
    pub fn job_mut(&mut self, id: &str) -> Option<&mut Job> {
        self.jobs.iter_mut().find(|job| job.id == id)
    }

    /// The place of a stage, from 0.
    pub fn stage_index(&self, name: &str) -> Option<usize> {
        self.stages.iter().position(|stage| stage.name == name)
    }
}

/// A template at a version.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TemplateRef {
    /// The template's key.
    pub key: String,
    /// Its semantic version.
    pub version: String,
}

/// A column of the pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// GitLab's name of the stage.
    pub name: String,
}

impl Stage {
    /// A stage of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into() }
    }
}

/// One job of the pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Job {
    /// Stays when the job is renamed.
    pub id: String,
    /// The key in the YAML.
    pub name: String,
    /// The stage's name.
    pub stage: String,
    /// Jobs that must be done before. None means: after all jobs of the stages before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<Need>,
    /// Starts at once although it has no needs (`needs: []`).
    #[serde(default, skip_serializing_if = "is_false")]
    pub immediate: bool,
    /// When it is part of a pipeline.
    #[serde(default)]
    pub when: When,
    /// Overrides the image of the steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
    /// Tags a runner must have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Variables of this job.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, String>,
    /// Caches beyond those of the steps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cache: Vec<Cache>,
    /// Artifacts beyond those of the steps.
    #[serde(default, skip_serializing_if = "Artifacts::is_empty")]
    pub artifacts: Artifacts,
    /// The environment a deployment goes to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Environment>,
    /// How often GitLab tries again, 0 to 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<u8>,
    /// GitLab's duration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    /// A failure does not fail the pipeline.
    #[serde(default, skip_serializing_if = "is_false")]
    pub allow_failure: bool,
    /// Stands in the file and never runs.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disabled: bool,
    /// What it does, in order.
    #[serde(default)]
    pub steps: Vec<Step>,
}

/// An edge to a job that must be done before.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Need {
    /// The other job's id.
    pub job: String,
    /// Whether its artifacts are downloaded.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub artifacts: bool,
    /// Whether it may be absent from the pipeline.
    #[serde(default, skip_serializing_if = "is_false")]
    pub optional: bool,
}

fn yes() -> bool {
    true
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde's skip_serializing_if hands a reference"
)]
fn is_true(value: &bool) -> bool {
    *value
}

impl Need {
    /// A need with its artifacts.
    pub fn new(job: impl Into<String>) -> Self {
        Self {
            job: job.into(),
            artifacts: true,
            optional: false,
        }
    }
}

/// When a job is part of a pipeline. The presets that Slipway's forms know.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct When {
    /// Which pipelines.
    #[serde(default)]
    pub on: Trigger,
    /// Waits for a person.
    #[serde(default, skip_serializing_if = "is_false")]
    pub manual: bool,
}

/// Which pipelines a job is part of.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// Every push of a branch or tag.
    #[default]
    EveryPush,
    /// The default branch.
    DefaultBranch,
    /// Tags.
    Tags,
    /// The default branch and tags.
    DefaultBranchAndTags,
    /// Pipelines of merge requests.
    MergeRequests,
    /// Branches by name; `*` stands for any characters.
    Branches(Vec<String>),
}

impl Trigger {
    /// The preset of this name, as a form's choice has it.
    pub fn from_key(key: &str) -> Option<Self> {
        Some(match key {
            "every_push" => Self::EveryPush,
            "default_branch" => Self::DefaultBranch,
            "tags" => Self::Tags,
            "default_branch_and_tags" => Self::DefaultBranchAndTags,
            "merge_requests" => Self::MergeRequests,
            _ => return None,
        })
    }

    /// Whether everything it runs on is protected by GitLab's defaults.
    pub fn only_protected(&self) -> bool {
        matches!(
            self,
            Self::DefaultBranch | Self::Tags | Self::DefaultBranchAndTags
        )
    }

    /// Whether whenever `other` runs, this runs too.
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::EveryPush, other) => *other != Self::MergeRequests,
            (Self::DefaultBranchAndTags, Self::DefaultBranch | Self::Tags) => true,
            (one, other) => one == other,
        }
    }
}

/// A container image a job runs in.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Image {
    /// The reference.
    pub name: String,
    /// Replaces the entry point; `[""]` removes it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entrypoint: Vec<String>,
}

impl Image {
    /// An image with its own entry point.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            entrypoint: Vec::new(),
        }
    }
}

/// Files kept between pipelines.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Cache {
    /// At most two files whose content is the key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub key_files: Vec<String>,
    /// The key, or its prefix when there are key files.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// What is kept.
    pub paths: Vec<String>,
}

/// Files a job hands on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Artifacts {
    /// Paths and globs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    /// `on_success` (default), `on_failure` or `always`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// GitLab's duration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expire_in: Option<String>,
    /// Files GitLab reads.
    #[serde(default, skip_serializing_if = "Reports::is_empty")]
    pub reports: Reports,
}

impl Artifacts {
    /// Whether nothing is handed on.
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty() && self.reports.is_empty()
    }
}

/// Report files that GitLab reads.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Reports {
    /// `JUnit` XML.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub junit: Vec<String>,
    /// Variables for later jobs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dotenv: Option<String>,
    /// Cobertura XML.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cobertura: Option<String>,
    /// Software bills of materials.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cyclonedx: Vec<String>,
}

impl Reports {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.junit.is_empty()
            && self.dotenv.is_none()
            && self.cobertura.is_none()
            && self.cyclonedx.is_empty()
    }
}

/// Where a deployment goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    /// The environment's name.
    pub name: String,
    /// Its address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// One typed step of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Stays when steps are moved.
    pub id: String,
    /// `key@version` of the [`StepType`](super::StepType).
    #[serde(rename = "type")]
    pub step_type: String,
    /// The values of its parameters.
    #[serde(default, skip_serializing_if = "Params::is_empty")]
    pub params: Params,
}

/// A cut of an imported file. Untouched cuts are written back byte for byte.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Segment {
    /// Wholly Slipway's.
    Managed {
        /// The job's id.
        job: String,
    },
    /// A job of which only some fields can be changed.
    Partial {
        /// The job's id.
        job: String,
        /// The fields that cannot.
        locked_fields: Vec<String>,
    },
    /// Kept as it is.
    Opaque {
        /// The text, with its leading comments.
        text: String,
        /// Why Slipway does not read it.
        reason: String,
    },
}
