//! Jobs: pods that run to their end.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::object;
use super::super::registry::Registry;
use super::super::resource;
use super::super::state::Key;
use super::MANAGER;
use super::recorder::{self, normal, warning};
use super::workload::{create_pod, is_finished, is_ready, pod_from};

const COMPONENT: &str = "job-controller";

pub fn reconcile(registry: &mut Registry, key: &Key) -> Option<Duration> {
    let job = registry.state.by_key(key).cloned()?;
    let done = ["Complete", "Failed"]
        .iter()
        .any(|kind| object::condition(&job, kind).is_some());
    if object::is_deleting(&job) || done || object::flag(&job, "/spec/suspend") {
        return None;
    }
    let pods: Vec<Arc<Value>> = registry
        .state
        .owned_by(object::uid(&job), resource::PODS)
        .cloned()
        .collect();
    let in_phase = |phase: &str| {
        i64::try_from(
            pods.iter()
                .filter(|p| object::text(p, "/status/phase") == phase)
                .count(),
        )
        .unwrap_or(0)
    };
    let (succeeded, failed) = (in_phase("Succeeded"), in_phase("Failed"));
    let mut active = i64::try_from(pods.iter().filter(|p| !is_finished(p)).count()).unwrap_or(0);
    let ready = pods.iter().filter(|p| is_ready(p)).count();
    let completions = object::int(&job, "/spec/completions").unwrap_or(1);
    let too_many = failed > object::int(&job, "/spec/backoffLimit").unwrap_or(6);
    let mut again = None;
    if succeeded < completions && !too_many {
        let parallelism = object::int(&job, "/spec/parallelism").unwrap_or(1);
        let wanted = parallelism.min(completions - succeeded);
        while active < wanted {
            if create_pod(registry, &job, pod_from(&job, None), COMPONENT).is_err() {
                again = Some(Duration::from_secs(2));
                break;
            }
            active += 1;
        }
    }
    let start = job
        .pointer("/status/startTime")
        .cloned()
        .unwrap_or_else(|| object::now().into());
    let mut status =
        json!({ "startTime": start, "ready": ready, "terminating": 0, "uncountedTerminatedPods": {} });
    for (field, count) in [("active", active), ("succeeded", succeeded), ("failed", failed)] {
        if count > 0 {
            status[field] = count.into();
        }
    }
    let condition = |kind: &str, reason: &str, message: &str| {
        let now = object::now();
        let (last, probe) = (now.clone(), now);
        json!({
            "type": kind, "status": "True", "reason": reason, "message": message,
            "lastProbeTime": probe, "lastTransitionTime": last,
        })
    };
    if succeeded >= completions {
        let message = "Reached expected number of succeeded pods";
        status["completionTime"] = object::now().into();
        status["conditions"] = json!([
            condition("SuccessCriteriaMet", "CompletionsReached", message),
            condition("Complete", "CompletionsReached", message)
        ]);
        recorder::record(
            registry,
            &job,
            normal(COMPONENT, "Completed", "Job completed".to_owned()),
        );
    } else if too_many {
        let message = "Job has reached the specified backoff limit";
        status["conditions"] = json!([
            condition("FailureTarget", "BackoffLimitExceeded", message),
            condition("Failed", "BackoffLimitExceeded", message)
        ]);
        recorder::record(
            registry,
            &job,
            warning(COMPONENT, "BackoffLimitExceeded", message.to_owned()),
        );
    }
    let job: Arc<Value> = job;
    registry.set_status(resource::JOBS, &job, status, MANAGER);
    again
}
