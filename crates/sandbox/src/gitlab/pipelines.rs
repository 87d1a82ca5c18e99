//! Pipelines.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::call::{Answer, Call, DEVELOPER, MAINTAINER, Outcome, REPORTER, Refusal};
use super::ci::create::{self, Wanted};
use super::ci::process;
use super::ci::yaml::Node;
use super::state::{Pipeline, Project, State, seconds_between};
use super::{App, page};

/// The short pipeline entity of lists.
pub fn basic(app: &App, state: &State, pipeline: &Pipeline) -> Value {
    let path = state
        .projects
        .get(&pipeline.project_id)
        .map(|project| state.project_path(project))
        .unwrap_or_default();
    json!({
        "id": pipeline.id,
        "iid": pipeline.iid,
        "project_id": pipeline.project_id,
        "sha": pipeline.sha,
        "ref": pipeline.reference,
        "status": pipeline.status,
        "source": pipeline.source,
        "created_at": pipeline.created_at,
        "updated_at": pipeline.updated_at,
        "web_url": format!("{}/{path}/-/pipelines/{}", app.url, pipeline.id),
        "name": pipeline.name,
    })
}

/// How GitLab words a status: icon, text, label, group.
fn words(status: &str, warned: bool) -> (&'static str, &'static str, &'static str, &'static str) {
    match status {
        "success" if warned => (
            "status_warning",
            "Warning",
            "passed with warnings",
            "success-with-warnings",
        ),
        "success" => ("status_success", "Passed", "passed", "success"),
        "failed" => ("status_failed", "Failed", "failed", "failed"),
        "canceled" => ("status_canceled", "Canceled", "canceled", "canceled"),
        "skipped" => ("status_skipped", "Skipped", "skipped", "skipped"),
        "manual" => ("status_manual", "Blocked", "waiting for manual action", "manual"),
        "running" => ("status_running", "Running", "running", "running"),
        "pending" => ("status_pending", "Pending", "pending", "pending"),
        "scheduled" => (
            "status_scheduled",
            "Delayed",
            "waiting for delayed job",
            "scheduled",
        ),
        "waiting_for_resource" => (
            "status_pending",
            "Waiting",
            "waiting for resource",
            "waiting-for-resource",
        ),
        _ => ("status_created", "Created", "created", "created"),
    }
}

pub fn duration(pipeline: &Pipeline) -> Option<u64> {
    let seconds = seconds_between(
        pipeline.started_at.as_deref(),
        Some(pipeline.finished_at.as_deref()?),
    )?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a duration in whole seconds"
    )]
    Some(seconds.round() as u64)
}

fn queued(pipeline: &Pipeline) -> Option<u64> {
    let seconds = seconds_between(Some(&pipeline.created_at), Some(pipeline.started_at.as_deref()?))?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a duration in whole seconds"
    )]
    Some(seconds.round() as u64)
}

/// The full pipeline entity.
pub fn detail(app: &App, state: &State, pipeline: &Pipeline) -> Value {
    let mut value = basic(app, state, pipeline);
    let jobs = state.latest_jobs(pipeline.id);
    let warned = jobs.iter().any(|job| job.status == "failed" && job.allow_failure);
    let (icon, text, label, group) = words(&pipeline.status, warned);
    let coverages: Vec<f64> = jobs.iter().filter_map(|job| job.coverage).collect();
    #[expect(clippy::cast_precision_loss, reason = "a pipeline has few jobs")]
    let coverage = (!coverages.is_empty())
        .then(|| format!("{:.2}", coverages.iter().sum::<f64>() / coverages.len() as f64));
    let path = state
        .projects
        .get(&pipeline.project_id)
        .map(|project| state.project_path(project))
        .unwrap_or_default();
    let rest = json!({
        "before_sha": pipeline.before_sha,
        "tag": pipeline.tag,
        "yaml_errors": pipeline.yaml_errors,
        "user": state.user_json(pipeline.user_id, &app.url),
        "started_at": pipeline.started_at,
        "finished_at": pipeline.finished_at,
        "committed_at": null,
        "duration": duration(pipeline),
        "queued_duration": queued(pipeline),
        "coverage": coverage,
        "archived": false,
        "detailed_status": {
            "icon": icon,
            "text": text,
            "label": label,
            "group": group,
            "tooltip": label,
            "has_details": true,
            "details_path": format!("/{path}/-/pipelines/{}", pipeline.id),
            "illustration": null,
            "favicon": format!("/assets/ci_favicons/favicon_{icon}.png"),
        },
    });
    if let (Some(value), Value::Object(rest)) = (value.as_object_mut(), rest) {
        value.extend(rest);
    }
    value
}

/// The pipeline that the path names.
pub fn find(call: &Call, least: u64) -> Result<(Project, Pipeline), Refusal> {
    let project = call.project(least)?;
    let id: Option<u64> = call.param("pipeline_id").parse().ok();
    let found = id.and_then(|id| {
        call.with(|state| {
            state
                .pipelines
                .get(&id)
                .filter(|p| p.project_id == project.id)
                .cloned()
        })
    });
    Ok((project, found.ok_or_else(|| Refusal::not_found("404 Not found"))?))
}

pub fn list(call: &Call) -> Outcome {
    let project = call.project(REPORTER)?;
    let field = |name: &str| call.opt_str(name);
    let (reference, sha, status, source) = (field("ref"), field("sha"), field("status"), field("source"));
    let (after, before, scope, username) = (
        field("updated_after"),
        field("updated_before"),
        field("scope"),
        field("username"),
    );
    let mut found: Vec<Pipeline> = call.with(|state| {
        let user = username
            .as_deref()
            .map(|name| state.user_by_name(name).map_or(0, |user| user.id));
        state
            .pipelines
            .values()
            .filter(|pipeline| pipeline.project_id == project.id)
            .filter(|pipeline| {
                reference
                    .as_ref()
                    .is_none_or(|wanted| *wanted == pipeline.reference)
                    && sha.as_ref().is_none_or(|wanted| *wanted == pipeline.sha)
                    && status.as_ref().is_none_or(|wanted| *wanted == pipeline.status)
                    && source.as_ref().is_none_or(|wanted| *wanted == pipeline.source)
                    && after.as_ref().is_none_or(|at| pipeline.updated_at > *at)
                    && before.as_ref().is_none_or(|at| pipeline.updated_at < *at)
                    && user.is_none_or(|id| id == pipeline.user_id)
                    && scope.as_deref().is_none_or(|scope| in_scope(scope, pipeline))
            })
            .cloned()
            .collect()
    });
    match call.opt_str("order_by").as_deref() {
        Some("updated_at") => found.sort_by(|a, b| a.updated_at.cmp(&b.updated_at)),
        Some("status") => found.sort_by(|a, b| a.status.cmp(&b.status)),
        _ => found.sort_by_key(|pipeline| pipeline.id),
    }
    if call.opt_str("sort").as_deref() != Some("asc") {
        found.reverse();
    }
    let items = call.with(|state| {
        found
            .iter()
            .map(|pipeline| basic(&call.app, state, pipeline))
            .collect()
    });
    page::answer(call, items)
}

fn in_scope(scope: &str, pipeline: &Pipeline) -> bool {
    match scope {
        "running" => pipeline.status == "running",
        "pending" => pipeline.status == "pending",
        "finished" => process::is_complete(&pipeline.status),
        "tags" => pipeline.tag,
        "branches" => !pipeline.tag,
        _ => true,
    }
}

pub fn get(call: &Call) -> Outcome {
    let (_, pipeline) = find(call, REPORTER)?;
    Answer::ok(call.with(|state| detail(&call.app, state, &pipeline)))
}

pub fn latest(call: &Call) -> Outcome {
    let (project, repository) = call.repository(REPORTER)?;
    let reference = call
        .opt_str("ref")
        .unwrap_or_else(|| project.default_branch.clone());
    let sha = repository.resolve(&reference);
    let value = call.with(|state| {
        let of = |pipeline: &&Pipeline| {
            pipeline.project_id == project.id
                && pipeline.reference == reference
                && Some(&pipeline.sha) == sha.as_ref()
        };
        state
            .pipelines
            .values()
            .rev()
            .find(of)
            .map(|pipeline| detail(&call.app, state, pipeline))
    });
    Answer::ok(value.ok_or_else(|| Refusal::not_found("404 Not found"))?)
}

/// Pipeline variables as given: a list of documents or an object.
fn given_variables(call: &Call) -> Vec<Value> {
    match call.value("variables") {
        Some(Value::Array(items)) => items
            .iter()
            .map(|item| {
                json!({
                    "key": item["key"],
                    "value": super::call::plain(&item["value"]),
                    "variable_type": item["variable_type"].as_str().unwrap_or("env_var"),
                })
            })
            .collect(),
        Some(Value::Object(map)) => map
            .iter()
            .map(|(key, value)| json!({ "key": key, "value": super::call::plain(value), "variable_type": "env_var" }))
            .collect(),
        _ => Vec::new(),
    }
}

fn inputs(call: &Call) -> BTreeMap<String, Node> {
    match call.value("inputs") {
        Some(Value::Object(map)) => map
            .iter()
            .map(|(key, value)| (key.clone(), Node::from_json(value)))
            .collect(),
        _ => BTreeMap::new(),
    }
}

/// Who asked for a pipeline, and what for.
pub struct Reason<'a> {
    /// `api`, `schedule`, …
    pub source: &'a str,
    /// Who.
    pub user: u64,
    pub variables: Vec<Value>,
    pub inputs: BTreeMap<String, Node>,
}

/// Starts a pipeline for a branch or a tag; answers its id.
pub fn start(call: &Call, project: &Project, reference: &str, reason: Reason<'_>) -> Result<u64, Refusal> {
    let repository = call.app.repository(project.id);
    let reference = reference
        .trim_start_matches("refs/heads/")
        .trim_start_matches("refs/tags/");
    let branch = repository.branch(reference);
    let base = |text: String| Refusal::new(400, json!({ "message": { "base": [text] } }));
    let sha = branch
        .clone()
        .or_else(|| repository.tag(reference))
        .ok_or_else(|| base("Reference not found".into()))?;
    let wanted = Wanted {
        project: project.clone(),
        reference: reference.to_owned(),
        tag: branch.is_none(),
        sha,
        before_sha: None,
        source: reason.source.to_owned(),
        user_id: reason.user,
        variables: reason.variables,
        merge_request: None,
        inputs: reason.inputs,
    };
    create::create(&call.app, &wanted).map_err(|refused| base(refused.message()))
}

pub fn create(call: &Call) -> Outcome {
    let project = call.project(DEVELOPER)?;
    let reason = Reason {
        source: "api",
        user: call.user()?.id,
        variables: given_variables(call),
        inputs: inputs(call),
    };
    started(call, start(call, &project, &call.str("ref")?, reason)?)
}

fn started(call: &Call, id: u64) -> Outcome {
    Answer::created(call.with(|state| detail(&call.app, state, &state.pipelines[&id])))
}

/// With a trigger token instead of a user's.
pub fn trigger(call: &Call) -> Outcome {
    let token = call.str("token")?;
    let wanted = call.param("id");
    let found = call.with(|state| {
        let project = match wanted.parse::<u64>() {
            Ok(id) => state.projects.get(&id),
            Err(_) => state.project_by_path(wanted),
        }?
        .clone();
        let trigger = state
            .shelf(project.id)
            .triggers
            .iter()
            .find(|trigger| trigger["token"] == token.as_str())?;
        Some((trigger["owner"]["id"].as_u64()?, project))
    });
    let (user, project) = found.ok_or_else(|| Refusal::not_found("404 Not found"))?;
    let reference = call
        .opt_str("ref")
        .unwrap_or_else(|| call.param("ref").to_owned());
    let reason = Reason {
        source: "trigger",
        user,
        variables: given_variables(call),
        inputs: inputs(call),
    };
    started(call, start(call, &project, &reference, reason)?)
}

pub fn delete(call: &Call) -> Outcome {
    let (_, pipeline) = find(call, MAINTAINER)?;
    call.with(|state| {
        process::cancel_pipeline(&call.app, state, pipeline.id);
        state.pipelines.remove(&pipeline.id);
        state.jobs.retain(|_, job| job.pipeline_id != pipeline.id);
    });
    Answer::no_content()
}

pub fn retry(call: &Call) -> Outcome {
    let (_, pipeline) = find(call, DEVELOPER)?;
    let user = call.user()?.id;
    call.with(|state| {
        let again: Vec<u64> = state
            .latest_jobs(pipeline.id)
            .iter()
            .filter(|job| matches!(job.status.as_str(), "failed" | "canceled"))
            .map(|job| job.id)
            .collect();
        // In stage order, so that a later job waits for the earlier one's second run.
        for job in again {
            process::retry(&call.app, state, job, user);
        }
        hold_back(&call.app, state, pipeline.id);
        process::advance(&call.app, state, pipeline.id);
    });
    call.app.wake.notify_one();
    Answer::created(call.with(|state| detail(&call.app, state, &state.pipelines[&pipeline.id])))
}

/// Retried jobs whose earlier stages are not done go back to waiting.
fn hold_back(app: &App, state: &mut State, pipeline: u64) {
    let jobs = state.latest_jobs(pipeline);
    let early: Vec<u64> = jobs
        .iter()
        .filter(|job| job.status == "pending")
        .filter(|job| {
            jobs.iter().any(|other| {
                let before = match &job.needs {
                    Some(needs) => needs.iter().any(|need| need.job == other.name),
                    None => other.stage_index < job.stage_index,
                };
                before && !process::is_complete(&other.status) && other.status != "manual"
            })
        })
        .map(|job| job.id)
        .collect();
    for job in early {
        process::set_status(app, state, job, "created");
    }
}

pub fn cancel(call: &Call) -> Outcome {
    let (_, pipeline) = find(call, DEVELOPER)?;
    call.with(|state| process::cancel_pipeline(&call.app, state, pipeline.id));
    Ok(Answer::json(
        200,
        &call.with(|state| detail(&call.app, state, &state.pipelines[&pipeline.id])),
    ))
}

pub fn metadata(call: &Call) -> Outcome {
    let (_, pipeline) = find(call, DEVELOPER)?;
    let name = call.opt_str("name");
    let value = call.with(|state| {
        if let Some(kept) = state.pipelines.get_mut(&pipeline.id) {
            kept.name = name;
        }
        detail(&call.app, state, &state.pipelines[&pipeline.id])
    });
    Answer::ok(value)
}

pub fn variables(call: &Call) -> Outcome {
    let (_, pipeline) = find(call, MAINTAINER)?;
    page::answer(call, pipeline.variables)
}

pub fn bridges(call: &Call) -> Outcome {
    find(call, REPORTER)?;
    page::answer(call, Vec::new())
}

const COUNTS: [&str; 5] = [
    "total_count",
    "success_count",
    "failed_count",
    "skipped_count",
    "error_count",
];

fn suites(call: &Call, pipeline: u64) -> Vec<Value> {
    call.with(|state| {
        state
            .latest_jobs(pipeline)
            .iter()
            .filter_map(|job| job.test_suite.clone())
            .collect()
    })
}

fn sums(suites: &[Value]) -> (f64, BTreeMap<&'static str, u64>) {
    let total: f64 = suites
        .iter()
        .filter_map(|suite| suite["total_time"].as_f64())
        .sum();
    let counts = COUNTS
        .into_iter()
        .map(|key| (key, suites.iter().filter_map(|suite| suite[key].as_u64()).sum()))
        .collect();
    ((total * 1000.0).round() / 1000.0, counts)
}

pub fn test_report(call: &Call) -> Outcome {
    let (_, pipeline) = find(call, REPORTER)?;
    let suites = suites(call, pipeline.id);
    let (total_time, counts) = sums(&suites);
    let mut value = json!({ "total_time": total_time });
    for (key, count) in counts {
        value[key] = count.into();
    }
    value["test_suites"] = suites.into();
    Answer::ok(value)
}

pub fn test_report_summary(call: &Call) -> Outcome {
    let (_, pipeline) = find(call, REPORTER)?;
    let mut suites = suites(call, pipeline.id);
    let (total_time, counts) = sums(&suites);
    for suite in &mut suites {
        if let Some(suite) = suite.as_object_mut() {
            suite.remove("test_cases");
            suite.insert("build_ids".into(), json!([]));
        }
    }
    Answer::ok(json!({
        "total": {
            "time": total_time,
            "count": counts["total_count"],
            "success": counts["success_count"],
            "failed": counts["failed_count"],
            "skipped": counts["skipped_count"],
            "error": counts["error_count"],
            "suite_error": null,
        },
        "test_suites": suites,
    }))
}
