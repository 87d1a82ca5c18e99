//! Cron jobs: Jobs that are made when their time comes.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::object;
use super::super::registry::{Deletion, Registry};
use super::super::resource;
use super::super::state::Key;
use super::MANAGER;
use super::namespace::write_as;
use super::recorder::{self, normal, warning};

const COMPONENT: &str = "cronjob-controller";
/// The longest that is slept at once: a schedule may be far away.
const NAP: Duration = Duration::from_hours(1);

/// The last time up to `now` that came after `since`, if one did, and the next one.
fn times(
    schedule: &str,
    zone: &str,
    since: Timestamp,
    now: Timestamp,
) -> Option<(Option<Timestamp>, Timestamp)> {
    let zone = if zone.is_empty() { "UTC" } else { zone };
    let crontab = cronexpr::parse_crontab(&format!("{schedule} {zone}")).ok()?;
    let next = |at: Timestamp| {
        crontab
            .find_next(cronexpr::MakeTimestamp(at))
            .ok()
            .map(|at| at.timestamp())
    };
    let (mut last, mut at) = (None, next(since)?);
    while at <= now {
        last = Some(at);
        at = next(at)?;
    }
    Some((last, at))
}

pub fn reconcile(registry: &mut Registry, key: &Key) -> Option<Duration> {
    let cron_job = registry.state.by_key(key).cloned()?;
    if object::is_deleting(&cron_job) {
        return None;
    }
    let jobs: Vec<Arc<Value>> = registry
        .state
        .owned_by(object::uid(&cron_job), resource::JOBS)
        .cloned()
        .collect();
    let (ended, active): (Vec<_>, Vec<_>) = jobs.into_iter().partition(|job| has_ended(job).is_some());
    prune(registry, &cron_job, &ended);
    let now = Timestamp::now();
    let since = ["/status/lastScheduleTime", "/metadata/creationTimestamp"]
        .iter()
        .find_map(|at| object::text(&cron_job, at).parse::<Timestamp>().ok())?;
    let (schedule, zone) = (
        object::text(&cron_job, "/spec/schedule"),
        object::text(&cron_job, "/spec/timeZone"),
    );
    let found = times(schedule, zone, since.max(now - Duration::from_hours(24)), now);
    let due = found
        .and_then(|(last, _)| last)
        .filter(|_| !object::flag(&cron_job, "/spec/suspend"));
    let mut running: Vec<Value> = active.iter().map(|job| reference(job)).collect();
    let mut last = cron_job.pointer("/status/lastScheduleTime").cloned();
    if let Some(at) = due {
        running.extend(run(registry, &cron_job, &active, at));
        last = Some(object::time(at).into());
    }
    let mut status = json!({});
    if !running.is_empty() {
        status["active"] = running.into();
    }
    if let Some(last) = last {
        status["lastScheduleTime"] = last;
    }
    let completed = ended.iter().filter(|job| has_ended(job) == Some(true));
    let completed = completed.map(|job| object::text(job, "/status/completionTime").to_owned());
    let before = Some(object::text(&cron_job, "/status/lastSuccessfulTime").to_owned());
    if let Some(at) = completed.chain(before).max().filter(|at| !at.is_empty()) {
        status["lastSuccessfulTime"] = at.into();
    }
    registry.set_status(resource::CRON_JOBS, &cron_job, status, MANAGER);
    let wait = found.map(|(_, next)| Duration::try_from(now.duration_until(next)).unwrap_or_default());
    Some(wait?.clamp(Duration::from_millis(50), NAP))
}

/// Whether a Job ended, and whether well.
fn has_ended(job: &Value) -> Option<bool> {
    let holds = |kind: &str| object::condition(job, kind).is_some();
    match (holds("Complete"), holds("Failed")) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    }
}

/// Makes the Job of a time, unless the one before still runs and that forbids it; the reference to it.
fn run(registry: &mut Registry, cron_job: &Value, active: &[Arc<Value>], at: Timestamp) -> Option<Value> {
    match object::text(cron_job, "/spec/concurrencyPolicy") {
        "Forbid" if !active.is_empty() => {
            let message =
                "Not starting job because prior execution is running and concurrency policy is Forbid";
            recorder::record(
                registry,
                cron_job,
                normal(COMPONENT, "JobAlreadyActive", message.to_owned()),
            );
            return None;
        }
        "Replace" => {
            for job in active {
                delete(registry, job);
            }
        }
        _ => {}
    }
    let template = cron_job.pointer("/spec/jobTemplate").cloned().unwrap_or_default();
    let mut metadata = template.get("metadata").cloned().unwrap_or_else(|| json!({}));
    metadata["name"] = format!("{}-{}", object::name(cron_job), at.as_second() / 60).into();
    metadata["ownerReferences"] = json!([object::owner_reference(cron_job)]);
    object::set(
        &mut metadata,
        &["annotations", "batch.kubernetes.io/cronjob-scheduled-timestamp"],
        object::time(at),
    );
    let job = json!({ "metadata": metadata, "spec": template.get("spec").cloned().unwrap_or_default() });
    match registry.create(
        resource::JOBS,
        object::namespace(cron_job),
        job,
        write_as("batch/v1"),
    ) {
        Ok(job) => {
            let message = format!("Created job {}", object::name(&job));
            recorder::record(registry, cron_job, normal(COMPONENT, "SuccessfulCreate", message));
            Some(reference(&job))
        }
        // Made already, before the status was written.
        Err(error) if error.reason == "AlreadyExists" => None,
        Err(error) => {
            let message = format!("Error creating job: {error}");
            recorder::record(registry, cron_job, warning(COMPONENT, "FailedCreate", message));
            None
        }
    }
}

fn reference(job: &Value) -> Value {
    json!({
        "apiVersion": "batch/v1", "kind": "Job", "name": object::name(job), "namespace": object::namespace(job),
        "uid": object::uid(job), "resourceVersion": object::text(job, "/metadata/resourceVersion"),
    })
}

fn delete(registry: &mut Registry, job: &Value) {
    let (namespace, name) = (object::namespace(job).to_owned(), object::name(job).to_owned());
    let in_background = Deletion {
        propagation: Some(String::from("Background")),
        ..Deletion::default()
    };
    // One that is gone by now is what was wanted.
    drop(registry.delete(resource::JOBS, &namespace, &name, &in_background));
}

/// Deletes the oldest Jobs beyond the limits of history.
fn prune(registry: &mut Registry, cron_job: &Value, ended: &[Arc<Value>]) {
    for (well, limit) in [
        (true, "/spec/successfulJobsHistoryLimit"),
        (false, "/spec/failedJobsHistoryLimit"),
    ] {
        let keep = object::int(cron_job, limit)
            .and_then(|keep| usize::try_from(keep).ok())
            .unwrap_or(usize::MAX);
        let mut jobs: Vec<&Arc<Value>> = ended.iter().filter(|job| has_ended(job) == Some(well)).collect();
        jobs.sort_by_key(|job| std::cmp::Reverse(object::text(job, "/status/startTime").to_owned()));
        for job in jobs.into_iter().skip(keep) {
            delete(registry, job);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_time_that_was_missed_and_the_next_one_are_found_in_the_zone() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        let of = |schedule: &str, zone: &str, since: &str, now: &str| {
            times(schedule, zone, at(since), at(now))
                .map(|(last, next)| (last.map(|at| at.to_string()), next.to_string()))
        };
        let (last, next) =
            of("*/5 * * * *", "", "2026-11-30T10:01:00Z", "2026-11-30T10:12:00Z").expect("times");
        assert_eq!(
            (last.as_deref(), next.as_str()),
            (Some("2026-11-30T10:10:00Z"), "2026-11-30T10:15:00Z")
        );
        let (last, next) = of(
            "0 2 * * *",
            "Asia/Shanghai",
            "2026-11-30T10:00:00Z",
            "2026-11-30T12:00:00Z",
        )
        .expect("times");
        assert_eq!((last, next.as_str()), (None, "2026-11-30T18:00:00Z"));
        assert_eq!(
            of("nonsense", "", "2026-11-30T10:00:00Z", "2026-11-30T12:00:00Z"),
            None
        );
    }
}
