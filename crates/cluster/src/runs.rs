//! The runs of a `CronJob`: the Jobs that it made.

use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::api::ListParams;
use kube::{Api, Client, ResourceExt as _};
use slipway_domain::manifest::FIELD_MANAGER;
use slipway_domain::rollout::{Run, RunOutcome};
use slipway_domain::time::Timestamp;
use slipway_portal::ports::ClusterError;

use crate::list;
use crate::manifest::label;
use crate::pods::is_owned;

/// Runs that are told.
const TOLD: usize = 10;

/// The newest runs first.
pub async fn of(client: &Client, namespace: &str, cron_job: &CronJob) -> Result<Vec<Run>, ClusterError> {
    let api = Api::<Job>::namespaced(client.clone(), label("namespace", namespace)?);
    let jobs = match list::all(&api, &ListParams::default()).await {
        // Who may not see Jobs hears of no runs.
        Err(ClusterError::Forbidden(_)) => return Ok(Vec::new()),
        other => other?,
    };
    let owner = cron_job.metadata.uid.clone().unwrap_or_default();
    let applied = applied_at(cron_job);
    let mut runs: Vec<Run> = jobs
        .iter()
        .filter(|job| is_owned(&job.metadata, &owner))
        .map(|job| run(job, applied))
        .collect();
    runs.sort_by(|a, b| (b.started_at, &b.name).cmp(&(a.started_at, &a.name)));
    runs.truncate(TOLD);
    Ok(runs)
}

fn time(at: &Time) -> Timestamp {
    Timestamp(at.0.as_microsecond())
}

/// When Slipway last changed what it applied: runs before that are of what was there before.
fn applied_at(cron_job: &CronJob) -> Option<Timestamp> {
    let managed = cron_job.metadata.managed_fields.iter().flatten();
    let ours = managed.filter(|entry| {
        entry.manager.as_deref() == Some(FIELD_MANAGER) && entry.operation.as_deref() == Some("Apply")
    });
    ours.filter_map(|entry| entry.time.as_ref().map(time)).max()
}

fn run(job: &Job, applied: Option<Timestamp>) -> Run {
    let status = job.status.clone().unwrap_or_default();
    let conditions = status.conditions.unwrap_or_default();
    let end = |kind: &str| conditions.iter().find(|c| c.type_ == kind && c.status == "True");
    let (outcome, message, ended_at) = match (end("Failed"), end("Complete")) {
        (Some(failed), _) => {
            let why = failed.message.clone().or_else(|| failed.reason.clone());
            (
                RunOutcome::Failed,
                why,
                failed.last_transition_time.as_ref().map(time),
            )
        }
        (None, Some(_)) => (
            RunOutcome::Succeeded,
            None,
            status.completion_time.as_ref().map(time),
        ),
        (None, None) => (RunOutcome::Running, None, None),
    };
    let made = job.metadata.creation_timestamp.as_ref().map(time);
    Run {
        name: job.name_any(),
        started_at: status.start_time.as_ref().map(time).or(made),
        ended_at,
        outcome,
        message: message.filter(|why| !why.is_empty()),
        current: made >= applied,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn seen(status: &Value) -> Run {
        let job = json!({
            "metadata": { "name": "nightly-1", "creationTimestamp": "2026-11-30T02:00:00Z" }, "status": status,
        });
        let applied = Timestamp::parse_rfc3339("2026-11-30T01:00:00Z");
        run(&serde_json::from_value(job).expect("a Job"), applied)
    }

    #[test]
    fn a_run_ends_as_its_job_says() {
        let failed = seen(&json!({ "startTime": "2026-11-30T02:00:01Z", "conditions": [
            { "type": "FailureTarget", "status": "True" },
            { "type": "Failed", "status": "True", "message": "Job has reached the specified backoff limit",
              "lastTransitionTime": "2026-11-30T02:03:00Z" },
        ] }));
        assert_eq!(failed.outcome, RunOutcome::Failed);
        assert_eq!(
            failed.message.as_deref(),
            Some("Job has reached the specified backoff limit")
        );
        assert_eq!(failed.ended_at, Timestamp::parse_rfc3339("2026-11-30T02:03:00Z"));
        let done = seen(
            &json!({ "completionTime": "2026-11-30T02:01:00Z", "conditions": [{ "type": "Complete", "status": "True" }] }),
        );
        assert_eq!(
            (done.outcome, done.ended_at.is_some()),
            (RunOutcome::Succeeded, true)
        );
        assert_eq!(seen(&json!({ "active": 1 })).outcome, RunOutcome::Running);
        // A condition that does not hold is none.
        let not = seen(&json!({ "conditions": [{ "type": "Failed", "status": "False" }] }));
        assert_eq!((not.outcome, not.current), (RunOutcome::Running, true));
    }

    #[test]
    fn a_run_from_before_the_last_apply_is_of_what_was_there_before() {
        let cron_job: CronJob = serde_json::from_value(json!({ "metadata": { "managedFields": [
            { "manager": "kube-controller-manager", "operation": "Update", "time": "2026-11-30T09:00:00Z" },
            { "manager": "slipway", "operation": "Apply", "time": "2026-11-30T03:00:00Z" },
        ] } }))
        .expect("a CronJob");
        let applied = applied_at(&cron_job);
        assert_eq!(applied, Timestamp::parse_rfc3339("2026-11-30T03:00:00Z"));
        let job = json!({ "metadata": { "name": "nightly-1", "creationTimestamp": "2026-11-30T02:00:00Z" } });
        assert!(!run(&serde_json::from_value(job).expect("a Job"), applied).current);
    }
}
