//! How jobs and pipelines move from status to status, as GitLab's atomic processing does.

use serde_json::Value;

use crate::gitlab::App;
use crate::gitlab::deployments;
use crate::gitlab::state::{Job, State, now};
use crate::gitlab::webhook;

/// A job that will not change by itself.
pub fn is_complete(status: &str) -> bool {
    matches!(status, "success" | "failed" | "canceled" | "skipped")
}

/// A job that has something left to cancel.
pub fn is_cancelable(status: &str) -> bool {
    matches!(
        status,
        "created" | "waiting_for_resource" | "preparing" | "pending" | "running" | "scheduled" | "manual"
    )
}

/// Sets a job's status with its instants and tells the hooks.
pub fn set_status(app: &App, state: &mut State, job: u64, status: &str) {
    let Some(record) = state.jobs.get_mut(&job) else {
        return;
    };
    if record.status == status {
        return;
    }
    status.clone_into(&mut record.status);
    match status {
        "pending" => record.queued_at = Some(now()),
        "running" => record.started_at = Some(now()),
        _ if is_complete(status) => record.finished_at = Some(now()),
        _ => {}
    }
    deployments::follow_job(app, state, job);
    webhook::job(app, state, job);
}

/// Moves every job that can move, then the pipeline's own status.
pub fn advance(app: &App, state: &mut State, pipeline: u64) {
    loop {
        let moves: Vec<(u64, &'static str)> = {
            let jobs = state.latest_jobs(pipeline);
            jobs.iter()
                .filter(|job| job.status == "created")
                .filter_map(|job| next_status(job, &jobs).map(|status| (job.id, status)))
                .collect()
        };
        if moves.is_empty() {
            break;
        }
        for (job, status) in moves {
            if status == "scheduled"
                && let Some(record) = state.jobs.get_mut(&job)
            {
                let wait = record.scheduled_unix.unwrap_or_default().abs();
                record.scheduled_unix = Some(jiff::Timestamp::now().as_second() + wait);
            }
            set_status(app, state, job, status);
        }
    }
    let status = composite(&state.latest_jobs(pipeline));
    settle(app, state, pipeline, status);
}

/// Where a created job goes when what it waits for is done; none while it waits.
fn next_status(job: &Job, jobs: &[&Job]) -> Option<&'static str> {
    let prior: Vec<&&Job> = match &job.needs {
        Some(needs) => jobs
            .iter()
            .filter(|other| needs.iter().any(|need| need.job == other.name))
            .collect(),
        None => jobs
            .iter()
            .filter(|other| other.stage_index < job.stage_index)
            .collect(),
    };
    let unfinished = prior
        .iter()
        .any(|other| !(is_complete(&other.status) || other.status == "manual" && other.allow_failure));
    if unfinished {
        return None;
    }
    let failed = prior
        .iter()
        .any(|other| other.status == "failed" && !other.allow_failure);
    let canceled = prior
        .iter()
        .any(|other| other.status == "canceled" && !other.allow_failure);
    // A job of a graph needs its needs done; a job of a stage does not mind skipped ones.
    let missing = job.needs.is_some()
        && prior
            .iter()
            .any(|other| matches!(other.status.as_str(), "skipped" | "manual"));
    let good = !failed && !canceled && !missing;
    Some(match job.when.as_str() {
        "always" => "pending",
        "on_failure" => {
            if failed {
                "pending"
            } else {
                "skipped"
            }
        }
        _ if !good => "skipped",
        "manual" => "manual",
        "delayed" => "scheduled",
        _ => "pending",
    })
}

/// A pipeline's status from its jobs', after GitLab's `Ci::Status::Composite`.
pub fn composite(jobs: &[&Job]) -> &'static str {
    let mut seen: Vec<&str> = jobs
        .iter()
        .map(|job| {
            let ignored =
                job.allow_failure && matches!(job.status.as_str(), "failed" | "canceled" | "manual");
            if ignored { "ignored" } else { job.status.as_str() }
        })
        .collect();
    seen.sort_unstable();
    seen.dedup();
    let only = |allowed: &[&str]| seen.iter().all(|status| allowed.contains(status));
    let any = |wanted: &[&str]| seen.iter().any(|status| wanted.contains(status));
    if seen.is_empty() {
        "skipped"
    } else if only(&["skipped", "ignored"]) {
        if any(&["ignored"]) { "success" } else { "skipped" }
    } else if only(&["skipped", "success", "ignored"]) {
        "success"
    } else if only(&["created", "ignored"]) {
        "created"
    } else if only(&["canceled", "success", "skipped", "ignored"]) {
        "canceled"
    } else if only(&["pending", "created", "skipped", "ignored"]) {
        "pending"
    } else if any(&["running", "pending"]) {
        "running"
    } else if any(&["waiting_for_resource"]) {
        "waiting_for_resource"
    } else if any(&["manual"]) {
        "manual"
    } else if any(&["scheduled"]) {
        "scheduled"
    } else if any(&["created"]) {
        "running"
    } else {
        "failed"
    }
}

fn settle(app: &App, state: &mut State, pipeline: u64, status: &str) {
    let Some(record) = state.pipelines.get_mut(&pipeline) else {
        return;
    };
    if record.status == status || record.yaml_errors.is_some() {
        return;
    }
    status.clone_into(&mut record.status);
    record.updated_at = now();
    if status == "running" && record.started_at.is_none() {
        record.started_at = Some(now());
    }
    record.finished_at = is_complete(status).then(now);
    webhook::pipeline(app, state, pipeline);
    if status == "success" {
        crate::gitlab::merge_requests::merge_when_succeeded(app, state, pipeline);
    }
}

/// Cancels one job; a running one is told to stop.
pub fn cancel_job(app: &App, state: &mut State, job: u64) {
    let Some(status) = state.jobs.get(&job).map(|record| record.status.clone()) else {
        return;
    };
    if !is_cancelable(&status) {
        return;
    }
    if let Some(token) = app.cancels.lock().get(&job) {
        token.cancel();
    }
    set_status(app, state, job, "canceled");
}

pub fn cancel_pipeline(app: &App, state: &mut State, pipeline: u64) {
    let jobs: Vec<u64> = state
        .latest_jobs(pipeline)
        .iter()
        .filter(|job| is_cancelable(&job.status) && job.status != "manual")
        .map(|job| job.id)
        .collect();
    for job in jobs {
        cancel_job(app, state, job);
    }
    let status = composite(&state.latest_jobs(pipeline));
    settle(app, state, pipeline, status);
}

/// Cancels older pipelines of the same branch in which no uninterruptible job has begun.
pub fn cancel_superseded(app: &App, state: &mut State, newer: u64) {
    let Some(new) = state.pipelines.get(&newer) else {
        return;
    };
    let older: Vec<u64> = state
        .pipelines
        .values()
        .filter(|old| {
            old.id < newer
                && old.project_id == new.project_id
                && old.reference == new.reference
                && !old.tag
                && !is_complete(&old.status)
        })
        .map(|old| old.id)
        .collect();
    for pipeline in older {
        let begun = state.latest_jobs(pipeline).iter().any(|job| {
            job.started_at.is_some() && job.spec.get("interruptible").and_then(Value::as_bool) != Some(true)
        });
        if !begun {
            cancel_pipeline(app, state, pipeline);
        }
    }
}

/// Starts a manual or delayed job.
pub fn play(app: &App, state: &mut State, job: u64, user: u64) {
    if let Some(record) = state.jobs.get_mut(&job) {
        record.user_id = user;
    }
    set_status(app, state, job, "pending");
    reset_followers(app, state, job);
}

/// Replaces a finished job by a new one that waits to run; answers the new id.
pub fn retry(app: &App, state: &mut State, job: u64, user: u64) -> Option<u64> {
    let old = state.jobs.get_mut(&job)?;
    old.retried = true;
    let mut fresh = old.clone();
    fresh.id = state.next("job");
    fresh.retried = false;
    fresh.user_id = user;
    fresh.status = "created".into();
    fresh.created_at = now();
    fresh.retries += 1;
    (
        fresh.queued_at,
        fresh.started_at,
        fresh.finished_at,
        fresh.erased_at,
    ) = (None, None, None, None);
    (
        fresh.coverage,
        fresh.failure_reason,
        fresh.test_suite,
        fresh.deployment_id,
    ) = (None, None, None, None);
    fresh.artifacts.clear();
    fresh.dotenv.clear();
    let (id, pipeline) = (fresh.id, fresh.pipeline_id);
    state.jobs.insert(id, fresh);
    set_status(app, state, id, "pending");
    reset_followers(app, state, id);
    advance(app, state, pipeline);
    Some(id)
}

/// Jobs that were skipped because of this one wait for it again.
fn reset_followers(app: &App, state: &mut State, job: u64) {
    let Some(origin) = state.jobs.get(&job) else {
        return;
    };
    let pipeline = origin.pipeline_id;
    let mut reached = vec![(origin.name.clone(), origin.stage_index)];
    let mut again: Vec<u64> = Vec::new();
    loop {
        let found: Vec<(u64, String, usize)> = state
            .latest_jobs(pipeline)
            .iter()
            .filter(|other| other.id != job && !again.contains(&other.id))
            .filter(|other| match &other.needs {
                Some(needs) => reached
                    .iter()
                    .any(|(name, _)| needs.iter().any(|need| need.job == *name)),
                None => reached.iter().any(|(_, stage)| other.stage_index > *stage),
            })
            .filter(|other| other.status == "skipped")
            .map(|other| (other.id, other.name.clone(), other.stage_index))
            .collect();
        if found.is_empty() {
            break;
        }
        for (id, name, stage) in found {
            again.push(id);
            reached.push((name, stage));
        }
    }
    for id in again {
        if let Some(record) = state.jobs.get_mut(&id) {
            record.finished_at = None;
        }
        set_status(app, state, id, "created");
    }
    advance(app, state, pipeline);
}
