//! Replica sets: as many pods as asked for.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::object;
use super::super::registry::Registry;
use super::super::resource;
use super::super::state::Key;
use super::workload::{active_pods, create_pod, delete_pod, is_available, is_ready, pod_from, set_condition};
use super::{MANAGER, Speed};

const COMPONENT: &str = "replicaset-controller";

pub fn reconcile(registry: &mut Registry, key: &Key, speed: Speed) -> Option<Duration> {
    let set = registry.state.by_key(key).cloned()?;
    let mut failure = None;
    let mut again = None;
    if !object::is_deleting(&set) {
        let pods = active_pods(registry, &set);
        let wanted = usize::try_from(object::int(&set, "/spec/replicas").unwrap_or(1)).unwrap_or(0);
        if pods.len() < wanted {
            for _ in pods.len()..wanted {
                if let Err(error) = create_pod(registry, &set, pod_from(&set, None), COMPONENT) {
                    failure = Some(("FailedCreate", error.message));
                    again = Some(speed.pick(10_000, 1_000));
                    break;
                }
            }
        } else if pods.len() > wanted {
            for pod in to_delete(pods.clone(), pods.len() - wanted) {
                delete_pod(registry, &set, &pod, COMPONENT);
            }
        }
    }
    let (status, wait) = status(registry, &set, failure);
    registry.set_status(resource::REPLICA_SETS, &set, status, MANAGER);
    [again, wait].into_iter().flatten().min()
}

/// Which pods go first: not ready before ready, then the youngest.
fn to_delete(mut pods: Vec<Arc<Value>>, count: usize) -> Vec<Arc<Value>> {
    let age = |p: &Value| {
        object::text(p, "/metadata/resourceVersion")
            .parse::<u64>()
            .unwrap_or(0)
    };
    pods.sort_by_key(|p| (is_ready(p), std::cmp::Reverse(age(p))));
    pods.truncate(count);
    pods
}

fn status(registry: &Registry, set: &Value, failure: Option<(&str, String)>) -> (Value, Option<Duration>) {
    let pods = active_pods(registry, set);
    let seconds = object::int(set, "/spec/minReadySeconds").unwrap_or(0);
    let ready = pods.iter().filter(|p| is_ready(p)).count();
    let judged: Vec<(bool, Option<Duration>)> = pods.iter().map(|p| is_available(p, seconds)).collect();
    let available = judged.iter().filter(|(yes, _)| *yes).count();
    let mut status =
        json!({ "replicas": pods.len(), "observedGeneration": set.pointer("/metadata/generation") });
    for (field, count) in [
        ("fullyLabeledReplicas", pods.len()),
        ("readyReplicas", ready),
        ("availableReplicas", available),
    ] {
        if count > 0 {
            status[field] = count.into();
        }
    }
    if let Some((reason, message)) = failure {
        let mut conditions = object::list(set, "/status/conditions").to_vec();
        // The first failure stands until it is over: the next ones differ by the pod's random name only.
        if object::condition(set, "ReplicaFailure").is_none() {
            let condition =
                json!({ "type": "ReplicaFailure", "status": "True", "reason": reason, "message": message });
            set_condition(&mut conditions, condition);
        }
        status["conditions"] = conditions.into();
    }
    (status, judged.into_iter().filter_map(|(_, wait)| wait).min())
}
