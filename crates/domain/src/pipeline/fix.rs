//! One-click fixes of problems.

use serde::{Deserialize, Serialize};

use super::model::{Environment, Need, Pipeline, Stage, Trigger};
use super::step_type::step_type;
use crate::text::{Locale, Text};

/// A change that mends a problem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fix", rename_all = "snake_case")]
pub enum Fix {
    /// Takes the need away.
    RemoveNeed {
        /// The job that has it.
        job: String,
        /// The job it needs.
        need: String,
    },
    /// Gives the job another name.
    Rename {
        /// The job's place, since ids may not be unique.
        index: usize,
        /// The new name.
        name: String,
    },
    /// Adds the stage at the end.
    AddStage {
        /// Its name.
        stage: String,
    },
    /// Runs the job on protected branches only.
    OnlyDefaultBranch {
        /// The job.
        job: String,
    },
    /// Gives the job an environment.
    SetEnvironment {
        /// The job.
        job: String,
        /// The environment.
        environment: String,
    },
    /// Moves the step into a job of its own, after this one.
    SplitStep {
        /// The job.
        job: String,
        /// The step's id.
        step: String,
    },
}

impl Fix {
    /// The label of its button.
    pub fn label(&self, locale: Locale) -> String {
        let both = match self {
            Self::RemoveNeed { .. } => Text::new("Remove the need", "移除依赖"),
            Self::Rename { name, .. } => Text::new(format!("Rename to “{name}”"), format!("改名为“{name}”")),
            Self::AddStage { stage } => {
                Text::new(format!("Add the stage “{stage}”"), format!("添加阶段“{stage}”"))
            }
            Self::OnlyDefaultBranch { .. } => {
                Text::new("Run on the default branch only", "只在默认分支上运行")
            }
            Self::SetEnvironment { environment, .. } => Text::new(
                format!("Deploy to {environment}"),
                format!("部署到 {environment}"),
            ),
            Self::SplitStep { .. } => Text::new("Split into its own job", "拆分为独立作业"),
        };
        both.get(locale).to_owned()
    }

    /// Changes the pipeline. What it speaks of may be gone meanwhile; then nothing changes.
    pub fn apply(&self, pipeline: &mut Pipeline) {
        match self {
            Self::RemoveNeed { job, need } => {
                if let Some(job) = pipeline.job_mut(job) {
                    job.needs.retain(|one| one.job != *need);
                }
            }
            Self::Rename { index, name } => {
                if let Some(job) = pipeline.jobs.get_mut(*index) {
                    job.name.clone_from(name);
                }
            }
            Self::AddStage { stage } => {
                if pipeline.stage_index(stage).is_none() {
                    pipeline.stages.push(Stage::new(stage));
                }
            }
            Self::OnlyDefaultBranch { job } => {
                if let Some(job) = pipeline.job_mut(job) {
                    job.when.on = Trigger::DefaultBranch;
                }
            }
            Self::SetEnvironment { job, environment } => {
                if let Some(job) = pipeline.job_mut(job) {
                    job.environment = Some(Environment {
                        name: environment.clone(),
                        url: None,
                    });
                }
            }
            Self::SplitStep { job, step } => split_step(pipeline, job, step),
        }
    }
}

fn split_step(pipeline: &mut Pipeline, job: &str, step: &str) {
    let Some(index) = pipeline.jobs.iter().position(|one| one.id == job) else {
        return;
    };
    let old = &pipeline.jobs[index];
    let Some(place) = old.steps.iter().position(|one| one.id == step) else {
        return;
    };
    if old.steps.len() < 2 {
        return;
    }
    let key = step_type(&old.steps[place].step_type).map_or("step", |kind| kind.key.as_str());
    let taken = |name: &str| pipeline.jobs.iter().any(|job| job.id == name || job.name == name);
    let base = format!("{}-{key}", old.name);
    let mut name = base.clone();
    let mut count = 2;
    while taken(&name) {
        name = format!("{base}-{count}");
        count += 1;
    }
    let mut new = old.clone();
    new.id.clone_from(&name);
    new.name = name;
    new.needs = vec![Need::new(job)];
    new.immediate = false;
    new.image = None;
    new.steps = vec![old.steps[place].clone()];
    pipeline.jobs[index].steps.remove(place);
    pipeline.jobs.insert(index + 1, new);
}
