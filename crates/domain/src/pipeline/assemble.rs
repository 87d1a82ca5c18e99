//! A job as GitLab will see it: its steps' parts put together with its own fields.

use std::collections::BTreeMap;

use super::model::{Artifacts, Cache, Image, Job, Pipeline};
use super::param::effective;
use super::step_type::{Fragment, StepTypes};

/// The parts of a job, with all values placed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Assembled {
    /// The job's own image, or that of the first step that has one.
    pub image: Option<Image>,
    /// Items of `script`, over all steps.
    pub script: Vec<String>,
    /// Variables; the job's own win.
    pub variables: BTreeMap<String, String>,
    /// Caches without repetition, at most GitLab's four.
    pub cache: Vec<Cache>,
    /// Artifacts of all steps and of the job.
    pub artifacts: Artifacts,
    /// The last coverage expression.
    pub coverage: Option<String>,
    /// Files of earlier jobs it cannot do without.
    pub consumes: Vec<String>,
    /// Whether a failure is tolerated.
    pub allow_failure: bool,
}

/// Puts a job together. Steps of an unknown type add nothing; [`validate`](super::validate()) names them.
pub fn assemble(job: &Job, types: StepTypes<'_>) -> Assembled {
    let mut whole = Assembled {
        allow_failure: job.allow_failure,
        ..Assembled::default()
    };
    for step in &job.steps {
        if let Some(kind) = types.get(&step.step_type) {
            add(&mut whole, kind.render(&effective(&kind.params, &step.params)));
        }
    }
    if job.image.is_some() {
        whole.image.clone_from(&job.image);
    }
    whole.variables.extend(job.variables.clone());
    add_artifacts(&mut whole.artifacts, job.artifacts.clone());
    for cache in &job.cache {
        add_cache(&mut whole.cache, cache.clone());
    }
    whole
}

fn add(whole: &mut Assembled, part: Fragment) {
    whole.image = whole.image.take().or(part.image);
    whole.script.extend(part.script);
    whole.variables.extend(part.variables);
    if let Some(cache) = part.cache {
        add_cache(&mut whole.cache, cache);
    }
    add_artifacts(&mut whole.artifacts, part.artifacts);
    whole.coverage = part.coverage.or(whole.coverage.take());
    whole.consumes.extend(part.consumes);
    whole.allow_failure |= part.allow_failure;
}

fn add_cache(caches: &mut Vec<Cache>, cache: Cache) {
    match caches
        .iter_mut()
        .find(|one| one.key == cache.key && one.key_files == cache.key_files)
    {
        Some(same) => append_new(&mut same.paths, cache.paths),
        None => caches.push(cache),
    }
}

fn add_artifacts(whole: &mut Artifacts, part: Artifacts) {
    append_new(&mut whole.paths, part.paths);
    whole.when = part.when.or(whole.when.take());
    whole.expire_in = part.expire_in.or(whole.expire_in.take());
    append_new(&mut whole.reports.junit, part.reports.junit);
    append_new(&mut whole.reports.cyclonedx, part.reports.cyclonedx);
    whole.reports.dotenv = part.reports.dotenv.or(whole.reports.dotenv.take());
    whole.reports.cobertura = part.reports.cobertura.or(whole.reports.cobertura.take());
}

fn append_new(all: &mut Vec<String>, more: Vec<String>) {
    for item in more {
        if !all.contains(&item) {
            all.push(item);
        }
    }
}

/// Ids of all jobs that are done before a job starts: its needs and theirs, or, without needs,
/// every job of the stages before. In the pipeline's order; a cycle ends the walk.
pub fn before<'a>(pipeline: &'a Pipeline, job: &'a Job) -> Vec<&'a Job> {
    let direct = |job: &Job| -> Vec<&'a Job> {
        if job.immediate {
            return Vec::new();
        }
        if !job.needs.is_empty() {
            return job
                .needs
                .iter()
                .filter_map(|need| pipeline.job(&need.job))
                .collect();
        }
        let Some(stage) = pipeline.stage_index(&job.stage) else {
            return Vec::new();
        };
        let earlier = |other: &&Job| {
            pipeline
                .stage_index(&other.stage)
                .is_some_and(|other| other < stage)
        };
        pipeline.jobs.iter().filter(earlier).collect()
    };
    let mut seen: Vec<&str> = Vec::new();
    let mut open = direct(job);
    while let Some(next) = open.pop() {
        if !seen.contains(&next.id.as_str()) {
            seen.push(&next.id);
            open.extend(direct(next));
        }
    }
    pipeline
        .jobs
        .iter()
        .filter(|job| seen.contains(&job.id.as_str()))
        .collect()
}
