//! The runner: takes pending jobs, at most two at a time, and runs their scripts in the local shell.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{job_run, process};
use crate::gitlab::App;
use crate::gitlab::state::{Job, State, now, seconds_between};

/// How many jobs run at the same time.
const CONCURRENT: usize = 2;
/// The tags the sandbox's one runner has; it also runs jobs without tags.
pub const TAGS: [&str; 5] = ["docker", "linux", "sandbox", "shell", "slipway"];
/// How long a job may wait for a runner with its tags, seconds.
const STUCK_AFTER: f64 = 3600.0;

/// Serves jobs until `stop`; jobs that still run then are killed.
pub async fn serve(app: Arc<App>, stop: CancellationToken) {
    loop {
        if !app.due_merges.lock().is_empty() {
            let app = Arc::clone(&app);
            tokio::task::spawn_blocking(move || crate::gitlab::merge_requests::merge_due(&app));
        }
        while let Some(job) = take(&app) {
            let cancel = CancellationToken::new();
            app.cancels.lock().insert(job, cancel.clone());
            let app = Arc::clone(&app);
            tokio::task::spawn_blocking(move || {
                job_run::run(&app, job, &cancel);
                app.cancels.lock().remove(&job);
                app.wake.notify_one();
            });
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = app.wake.notified() => {}
            () = tokio::time::sleep(Duration::from_millis(500)) => wake_delayed(&app),
        }
    }
    for token in app.cancels.lock().values() {
        token.cancel();
    }
}

/// Jobs that ran when the sandbox stopped did not survive it.
pub fn fail_lost_jobs(app: &App) {
    let mut state = app.state.lock();
    let lost: Vec<(u64, u64)> = state
        .jobs
        .values()
        .filter(|job| job.status == "running")
        .map(|job| (job.id, job.pipeline_id))
        .collect();
    for (job, pipeline) in lost {
        if let Some(record) = state.jobs.get_mut(&job) {
            record.failure_reason = Some("runner_system_failure".into());
        }
        process::set_status(app, &mut state, job, "failed");
        process::advance(app, &mut state, pipeline);
    }
}

fn wake_delayed(app: &App) {
    let mut state = app.state.lock();
    let instant = jiff::Timestamp::now().as_second();
    let due: Vec<(u64, u64, &str)> = state
        .jobs
        .values()
        .filter_map(|job| {
            let due = job.status == "scheduled" && job.scheduled_unix.is_some_and(|at| at <= instant);
            let waited = seconds_between(job.queued_at.as_deref(), None);
            let stuck =
                job.status == "pending" && !has_runner(job) && waited.is_some_and(|s| s > STUCK_AFTER);
            (due || stuck).then_some((job.id, job.pipeline_id, if due { "pending" } else { "failed" }))
        })
        .collect();
    if due.is_empty() {
        return;
    }
    for (job, pipeline, status) in due {
        if status == "failed"
            && let Some(record) = state.jobs.get_mut(&job)
        {
            record.failure_reason = Some("stuck_or_timeout_failure".into());
        }
        process::set_status(app, &mut state, job, status);
        process::advance(app, &mut state, pipeline);
    }
    app.touched();
    app.wake.notify_one();
}

pub fn has_runner(job: &Job) -> bool {
    job.tags.iter().all(|tag| TAGS.contains(&tag.as_str()))
}

/// Takes the next job and marks it as running.
fn take(app: &App) -> Option<u64> {
    if app.cancels.lock().len() >= CONCURRENT {
        return None;
    }
    let mut state = app.state.lock();
    if state.runner_paused {
        return None;
    }
    let group = |job: &Job| {
        let name = job.spec.get("resource_group").and_then(Value::as_str)?;
        Some((job.project_id, name.to_owned()))
    };
    let busy: Vec<_> = state
        .jobs
        .values()
        .filter(|job| job.status == "running")
        .filter_map(group)
        .collect();
    let waiting: Vec<u64> = state
        .jobs
        .values()
        .filter(|job| matches!(job.status.as_str(), "pending" | "waiting_for_resource") && has_runner(job))
        .map(|job| job.id)
        .collect();
    for id in waiting {
        let job = &state.jobs[&id];
        let pipeline = job.pipeline_id;
        if group(job).is_some_and(|group| busy.contains(&group)) {
            process::set_status(app, &mut state, id, "waiting_for_resource");
            continue;
        }
        process::set_status(app, &mut state, id, "running");
        process::advance(app, &mut state, pipeline);
        app.touched();
        return Some(id);
    }
    None
}

/// The jobs whose artifacts this job gets.
pub fn sources<'a>(state: &'a State, job: &Job) -> Vec<&'a Job> {
    let latest = state.latest_jobs(job.pipeline_id);
    latest
        .into_iter()
        .filter(|other| other.id != job.id)
        .filter(|other| match (&job.dependencies, &job.needs) {
            (Some(names), _) => names.contains(&other.name),
            (None, Some(needs)) => needs.iter().any(|need| need.artifacts && need.job == other.name),
            (None, None) => other.stage_index < job.stage_index,
        })
        .collect()
}

/// The variables that earlier jobs' dotenv reports hand on.
pub fn inherited_dotenv(state: &State, job: &Job) -> Vec<(String, String)> {
    sources(state, job)
        .iter()
        .flat_map(|other| other.dotenv.clone())
        .collect()
}

/// When the job's pipeline is looked at, this is how long it ran.
pub fn elapsed(job: &Job) -> Option<f64> {
    let end = job.finished_at.clone().unwrap_or_else(now);
    seconds_between(job.started_at.as_deref(), Some(&end))
}
