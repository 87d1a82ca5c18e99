//! The rules Slipway checks itself, at once and in the browser. GitLab's lint follows later.

mod cycle;

use std::collections::{BTreeMap, BTreeSet};

use self::cycle::check_cycles;
use super::assemble::{Assembled, assemble, before};
use super::fix::Fix;
use super::form::check_values;
use super::model::{Job, Pipeline};
use super::param::ParamKind;
use super::problem::{Problem, ProblemCode};
use super::step_type::{StepKind, StepType, StepTypes};
use super::value::Value;

/// Keywords of GitLab's file that cannot name a job.
const RESERVED: [&str; 18] = [
    "image",
    "services",
    "stages",
    "types",
    "before_script",
    "after_script",
    "variables",
    "cache",
    "include",
    "workflow",
    "default",
    "spec",
    "true",
    "false",
    "nil",
    "null",
    "stage",
    "inputs",
];

/// Everything that is wrong, pipeline first, then job by job in the order of the file.
pub fn validate(pipeline: &Pipeline) -> Vec<Problem> {
    validate_with(pipeline, StepTypes::built_in())
}

/// As [`validate`], with the steps' types looked up in `types`.
pub fn validate_with(pipeline: &Pipeline, types: StepTypes<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    check_stages(pipeline, &mut problems);
    if pipeline.jobs.is_empty() {
        problems.push(Problem::error(ProblemCode::NoJobs));
    }
    check_cycles(pipeline, &mut problems);
    let parts: BTreeMap<&str, Assembled> = pipeline
        .jobs
        .iter()
        .map(|job| (job.id.as_str(), assemble(job, types)))
        .collect();
    let mut names = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for (index, job) in pipeline.jobs.iter().enumerate() {
        check_name(pipeline, index, job, &mut names, &mut ids, &mut problems);
        check_stage_and_needs(pipeline, job, &mut problems);
        check_steps(job, types, &mut problems);
        if let Some(own) = parts.get(job.id.as_str()) {
            check_parts(pipeline, job, (own, &parts), types, &mut problems);
        }
    }
    problems
}

fn check_stages(pipeline: &Pipeline, problems: &mut Vec<Problem>) {
    let mut seen = BTreeSet::new();
    for stage in &pipeline.stages {
        if !seen.insert(&stage.name) {
            let code = ProblemCode::DuplicateStage {
                stage: stage.name.clone(),
            };
            problems.push(Problem::error(code).at_field("stages"));
        }
    }
}

fn check_name<'a>(
    pipeline: &Pipeline,
    index: usize,
    job: &'a Job,
    names: &mut BTreeSet<&'a str>,
    ids: &mut BTreeSet<&'a str>,
    problems: &mut Vec<Problem>,
) {
    let mut push = |code: ProblemCode, fix: Option<Fix>| {
        problems.push(Problem {
            fix,
            ..Problem::error(code).at_job(&job.id).at_field("name")
        });
    };
    if !ids.insert(&job.id) {
        push(ProblemCode::DuplicateId { id: job.id.clone() }, None);
    }
    let name = job.name.as_str();
    if name.trim().is_empty() {
        push(ProblemCode::EmptyName, None);
    } else if name.chars().count() > 255 {
        push(ProblemCode::LongName, None);
    } else if RESERVED.contains(&name) {
        let fix = Fix::Rename {
            index,
            name: free_name(pipeline, &format!("{name}-job")),
        };
        push(
            ProblemCode::ReservedName {
                name: name.to_owned(),
            },
            Some(fix),
        );
    } else if !names.insert(name) {
        let fix = Fix::Rename {
            index,
            name: free_name(pipeline, &format!("{name}-2")),
        };
        push(
            ProblemCode::DuplicateName {
                name: name.to_owned(),
            },
            Some(fix),
        );
    }
}

fn free_name(pipeline: &Pipeline, wanted: &str) -> String {
    let taken = |name: &str| pipeline.jobs.iter().any(|job| job.name == name);
    let numbered = (2..).map(|count| format!("{wanted}-{count}"));
    let mut candidates = std::iter::once(wanted.to_owned()).chain(numbered);
    candidates
        .find(|name| !taken(name))
        .unwrap_or_else(|| wanted.to_owned())
}

fn check_stage_and_needs(pipeline: &Pipeline, job: &Job, problems: &mut Vec<Problem>) {
    let stage = pipeline.stage_index(&job.stage);
    if stage.is_none() {
        let problem = Problem::error(ProblemCode::UnknownStage {
            stage: job.stage.clone(),
        });
        let fix = Fix::AddStage {
            stage: job.stage.clone(),
        };
        problems.push(problem.at_job(&job.id).at_field("stage").with_fix(fix));
    }
    if job.needs.len() > 50 {
        problems.push(
            Problem::error(ProblemCode::TooManyNeeds)
                .at_job(&job.id)
                .at_field("needs"),
        );
    }
    for need in &job.needs {
        let remove = Fix::RemoveNeed {
            job: job.id.clone(),
            need: need.job.clone(),
        };
        let Some(other) = pipeline.job(&need.job) else {
            let problem = Problem::error(ProblemCode::UnknownNeed {
                need: need.job.clone(),
            });
            problems.push(problem.at_job(&job.id).at_field("needs").with_fix(remove));
            continue;
        };
        let later = stage
            .zip(pipeline.stage_index(&other.stage))
            .is_some_and(|(own, other)| other > own);
        if later {
            let problem = Problem::error(ProblemCode::NeedOfLaterStage {
                need: other.name.clone(),
            });
            problems.push(problem.at_job(&job.id).at_field("needs").with_fix(remove));
        }
    }
}

fn check_steps(job: &Job, types: StepTypes<'_>, problems: &mut Vec<Problem>) {
    let error = |code: ProblemCode, field: String| Problem::error(code).at_job(&job.id).at_field(field);
    let kinds: Vec<Option<&StepType>> = job.steps.iter().map(|step| types.get(&step.step_type)).collect();
    let split = |step: &str| Fix::SplitStep {
        job: job.id.clone(),
        step: step.to_owned(),
    };
    let mut images = 0;
    for (step, kind) in job.steps.iter().zip(&kinds) {
        let field = format!("steps.{}", step.id);
        let Some(kind) = kind else {
            problems.push(error(
                ProblemCode::UnknownStep {
                    step: step.step_type.clone(),
                },
                field,
            ));
            continue;
        };
        for refused in check_values(&kind.params, &step.params) {
            let field = format!("{field}.{}", refused.param);
            problems.push(error(
                ProblemCode::RefusedValue {
                    param: refused.param,
                    message: refused.message,
                },
                field,
            ));
        }
        images += usize::from(kind.kind == StepKind::Image);
        if kind.kind == StepKind::Image && images > 1 {
            problems.push(error(ProblemCode::TwoImages, field).with_fix(split(&step.id)));
        } else if kind.kind.stands_alone() && job.steps.len() > 1 {
            let all_alike = kinds.iter().flatten().all(|other| other.kind == kind.kind);
            if kind.kind == StepKind::Image && all_alike {
                continue;
            }
            let code = ProblemCode::MustStandAlone {
                step: kind.names.clone(),
            };
            problems.push(error(code, field).with_fix(split(&step.id)));
        } else if kind.kind == StepKind::Deploy && job.environment.is_none() {
            let fix = Fix::SetEnvironment {
                job: job.id.clone(),
                environment: "dev".to_owned(),
            };
            problems.push(error(ProblemCode::DeployWithoutEnvironment, "environment".into()).with_fix(fix));
        }
    }
}

fn check_parts(
    pipeline: &Pipeline,
    job: &Job,
    (own, parts): (&Assembled, &BTreeMap<&str, Assembled>),
    types: StepTypes<'_>,
    problems: &mut Vec<Problem>,
) {
    let at = |problem: Problem, field: &str| problem.at_job(&job.id).at_field(field);
    if own.script.iter().all(|line| line.trim().is_empty()) {
        problems.push(at(Problem::error(ProblemCode::EmptyScript), "script"));
    }
    if job.retry.is_some_and(|retry| retry > 2) {
        problems.push(at(Problem::error(ProblemCode::RetryOutOfRange), "retry"));
    }
    if own.cache.len() > 4 {
        problems.push(at(Problem::error(ProblemCode::TooManyCaches), "cache"));
    }
    if !own.consumes.is_empty() {
        let earlier = before(pipeline, job);
        let producers: Vec<&Assembled> = earlier
            .iter()
            .filter_map(|job| parts.get(job.id.as_str()))
            .collect();
        for path in &own.consumes {
            if !producers.iter().any(|one| produces(one, path)) {
                let code = ProblemCode::MissingProducer { path: path.clone() };
                problems.push(at(Problem::error(code), "needs"));
            }
        }
    }
    if !job.when.on.only_protected() {
        for secret in secrets(job, types) {
            let problem = Problem::error(ProblemCode::SecretOnUnprotectedRef { secret });
            problems.push(at(problem, "when").with_fix(Fix::OnlyDefaultBranch { job: job.id.clone() }));
        }
    }
}

fn produces(parts: &Assembled, path: &str) -> bool {
    let reports = &parts.artifacts.reports;
    let folder_holds = |made: &String| {
        let made = made.trim_end_matches('/');
        path == made || path.strip_prefix(made).is_some_and(|rest| rest.starts_with('/'))
    };
    parts.artifacts.paths.iter().any(folder_holds) || reports.dotenv.as_deref() == Some(path)
}

fn secrets(job: &Job, types: StepTypes<'_>) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for step in &job.steps {
        let Some(kind) = types.get(&step.step_type) else {
            continue;
        };
        for param in kind
            .params
            .iter()
            .filter(|param| param.kind == ParamKind::SecretRef)
        {
            let value = step.params.get(&param.id).or(param.default.as_ref());
            if let Some(Value::Text(name)) = value.filter(|value| value.is_truthy()) {
                all.insert(name.clone());
            }
        }
    }
    all
}
