//! Creating a pipeline: the configuration at a commit, its plan, and the jobs that come of it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::config::{self, Files};
use super::plan::{self, Context, Plan};
use super::process;
use super::variables::{predefined_basic, rule_variables};
use super::yaml::Node;
use crate::gitlab::App;
use crate::gitlab::git::{NOTHING, Repository};
use crate::gitlab::state::{Job, MergeRequest, Pipeline, Project, State, now};

/// The file a project's pipelines are made of.
pub const CONFIG_PATH: &str = ".gitlab-ci.yml";

/// What a pipeline is asked for.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub project: Project,
    /// Branch or tag name, or `refs/merge-requests/1/head`.
    pub reference: String,
    pub tag: bool,
    pub sha: String,
    pub before_sha: Option<String>,
    /// push, web, api, trigger, schedule, `merge_request_event`
    pub source: String,
    pub user_id: u64,
    /// Documents with key, value and `variable_type`.
    pub variables: Vec<Value>,
    pub merge_request: Option<MergeRequest>,
    pub inputs: BTreeMap<String, Node>,
}

/// A repository at one commit, for includes and `exists`.
pub struct AtCommit<'a> {
    pub repository: &'a Repository,
    pub sha: &'a str,
}

impl Files for AtCommit<'_> {
    fn read(&self, path: &str) -> Option<String> {
        let (_, content) = self.repository.file(self.sha, path)?;
        Some(String::from_utf8_lossy(&content).into_owned())
    }

    fn paths(&self) -> Vec<String> {
        self.repository.files(self.sha)
    }
}

/// Why no pipeline came to be.
#[derive(Debug)]
pub enum Refused {
    /// There is no configuration file.
    Missing,
    /// The configuration is wrong; a push keeps a failed pipeline with these errors.
    Invalid(String),
    /// `workflow` or `rules` leave nothing to run.
    Filtered(String),
}

impl Refused {
    pub fn message(&self) -> String {
        match self {
            Self::Missing => "Missing CI config file".into(),
            Self::Invalid(text) | Self::Filtered(text) => text.clone(),
        }
    }
}

/// Creates a pipeline and starts it; answers its id.
pub fn create(app: &App, wanted: &Wanted) -> Result<u64, Refused> {
    let repository = app.repository(wanted.project.id);
    let files = AtCommit {
        repository: &repository,
        sha: &wanted.sha,
    };
    let text = files.read(CONFIG_PATH).ok_or(Refused::Missing)?;
    let commit = repository.commit(&wanted.sha).ok_or(Refused::Missing)?;
    let url = app.project_url(&wanted.project);
    let context = Context {
        variables: rule_variables(app, wanted),
        changed: changed(&repository, wanted),
        files: files.paths(),
    };
    let loaded = config::load(&text, &files, &wanted.inputs);
    let invalid = |errors: String| {
        if wanted.source == "push" {
            let mut state = app.state.lock();
            let mut pipeline = record(&mut state, wanted, commit.to_json(&url));
            pipeline.status = "failed".into();
            pipeline.yaml_errors = Some(errors.clone());
            pipeline.finished_at = Some(now());
            let id = pipeline.id;
            state.pipelines.insert(id, pipeline);
            crate::gitlab::webhook::pipeline(app, &state, id);
            app.touched();
        }
        Refused::Invalid(errors)
    };
    let Some(config) = loaded.config else {
        return Err(invalid(loaded.errors.join(", ")));
    };
    let plan = match plan::plan(&config, &context) {
        Ok(plan) => plan,
        Err(text) if text.starts_with('\'') => return Err(invalid(text)),
        Err(text) => return Err(Refused::Filtered(text)),
    };

    let mut state = app.state.lock();
    let mut pipeline = record(&mut state, wanted, commit.to_json(&url));
    pipeline.name.clone_from(&plan.name);
    pipeline.stages = used_stages(&config.stages, &plan);
    let id = pipeline.id;
    let default_branch = wanted.reference == wanted.project.default_branch;
    state.pipelines.insert(id, pipeline);
    for planned in plan.jobs {
        let job = job(&mut state, wanted, id, planned);
        state.jobs.insert(job.id, job);
    }
    if let Some(request) = &wanted.merge_request
        && let Some(kept) = state.merge_requests.get_mut(&request.id)
    {
        kept.head_pipeline_id = Some(id);
    } else {
        for request in state.merge_requests.values_mut() {
            let same = request.project_id == wanted.project.id && request.source_branch == wanted.reference;
            if same && request.state == "opened" && !default_branch {
                request.head_pipeline_id = Some(id);
            }
        }
    }
    if wanted.source == "push" {
        process::cancel_superseded(app, &mut state, id);
    }
    crate::gitlab::webhook::pipeline(app, &state, id);
    process::advance(app, &mut state, id);
    drop(state);
    app.touched();
    app.wake.notify_one();
    Ok(id)
}

fn used_stages(all: &[String], plan: &Plan) -> Vec<String> {
    all.iter()
        .filter(|stage| plan.jobs.iter().any(|job| job.stage == **stage))
        .cloned()
        .collect()
}

/// The paths a push or a merge request changed; none where GitLab takes `changes` as true.
fn changed(repository: &Repository, wanted: &Wanted) -> Option<Vec<String>> {
    if let Some(request) = &wanted.merge_request {
        let target = repository.branch(&request.target_branch)?;
        let base = repository.merge_base(&target, &wanted.sha)?;
        return Some(repository.changed_paths(Some(&base), &wanted.sha));
    }
    if wanted.source != "push" || wanted.tag {
        return None;
    }
    let before = wanted.before_sha.as_deref().filter(|sha| *sha != NOTHING);
    let base = before.map(str::to_owned).or_else(|| {
        let default = repository.branch(&wanted.project.default_branch)?;
        repository
            .merge_base(&default, &wanted.sha)
            .filter(|base| *base != wanted.sha)
    });
    base.map(|base| repository.changed_paths(Some(&base), &wanted.sha))
}

fn record(state: &mut State, wanted: &Wanted, commit: Value) -> Pipeline {
    let created_at = now();
    Pipeline {
        id: state.next("pipeline"),
        iid: state.shelf(wanted.project.id).next("pipeline"),
        project_id: wanted.project.id,
        sha: wanted.sha.clone(),
        before_sha: wanted.before_sha.clone().unwrap_or_else(|| NOTHING.into()),
        reference: wanted.reference.clone(),
        tag: wanted.tag,
        source: wanted.source.clone(),
        status: "created".into(),
        user_id: wanted.user_id,
        yaml_errors: None,
        name: None,
        stages: Vec::new(),
        commit,
        variables: wanted.variables.clone(),
        merge_request_id: wanted.merge_request.as_ref().map(|request| request.id),
        updated_at: created_at.clone(),
        created_at,
        started_at: None,
        finished_at: None,
    }
}

fn job(state: &mut State, wanted: &Wanted, pipeline: u64, planned: plan::Planned) -> Job {
    let wait = planned.start_in.and_then(|seconds| i64::try_from(seconds).ok());
    let environment = planned.environment.map(|name| {
        let variables: BTreeMap<String, String> = predefined_basic(wanted)
            .into_iter()
            .chain(planned.variables.clone())
            .collect();
        plan::expand(&name, &variables)
    });
    Job {
        id: state.next("job"),
        project_id: wanted.project.id,
        pipeline_id: pipeline,
        name: planned.name,
        stage: planned.stage,
        stage_index: planned.stage_index,
        status: "created".into(),
        when: planned.when,
        allow_failure: planned.allow_failure,
        allowed_exit_codes: planned.allowed_exit_codes,
        needs: planned.needs,
        dependencies: planned.dependencies,
        tags: planned.tags,
        spec: planned.spec,
        variables: planned.variables,
        environment,
        deployment_id: None,
        coverage: None,
        failure_reason: None,
        artifacts: Vec::new(),
        artifacts_expire_at: None,
        dotenv: Vec::new(),
        test_suite: None,
        retried: false,
        retries: 0,
        user_id: wanted.user_id,
        created_at: now(),
        queued_at: None,
        started_at: None,
        finished_at: None,
        erased_at: None,
        // Becomes an instant when the job is reached.
        scheduled_unix: wait.map(|seconds| -seconds),
    }
}
