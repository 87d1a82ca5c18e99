//! Stateful sets: pods with ordinals, made in order and replaced from the last to the first.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::object;
use super::super::registry::Registry;
use super::super::resource;
use super::super::state::Key;
use super::MANAGER;
use super::workload::{create_pod, delete_pod, is_finished, is_ready, pod_from, template_hash};

const COMPONENT: &str = "statefulset-controller";
const REVISION_LABEL: &str = "controller-revision-hash";

pub fn reconcile(registry: &mut Registry, key: &Key) -> Option<Duration> {
    let set = registry.state.by_key(key).cloned()?;
    if object::is_deleting(&set) {
        return None;
    }
    let template = set.pointer("/spec/template").cloned().unwrap_or_default();
    let revision = format!("{}-{}", object::name(&set), template_hash(&template, 0));
    let again = step(registry, &set, &revision);
    let status = status(registry, &set, &revision);
    registry.set_status(resource::STATEFUL_SETS, &set, status, MANAGER);
    again
}

fn ordinal(pod: &Value) -> i64 {
    object::name(pod)
        .rsplit_once('-')
        .and_then(|(_, n)| n.parse().ok())
        .unwrap_or(-1)
}

fn pods(registry: &Registry, set: &Value) -> Vec<Arc<Value>> {
    let mut pods: Vec<Arc<Value>> = registry
        .state
        .owned_by(object::uid(set), resource::PODS)
        .cloned()
        .collect();
    pods.sort_by_key(|p| ordinal(p));
    pods
}

fn step(registry: &mut Registry, set: &Value, revision: &str) -> Option<Duration> {
    let wanted = object::int(set, "/spec/replicas").unwrap_or(1);
    let parallel = object::text(set, "/spec/podManagementPolicy") == "Parallel";
    let pods = pods(registry, set);
    for number in 0..wanted {
        match pods.iter().find(|p| ordinal(p) == number) {
            None => {
                let mut pod = pod_from(set, Some(&format!("{}-{number}", object::name(set))));
                for (label, value) in [
                    (REVISION_LABEL, revision.to_owned()),
                    (
                        "statefulset.kubernetes.io/pod-name",
                        format!("{}-{number}", object::name(set)),
                    ),
                    ("apps.kubernetes.io/pod-index", number.to_string()),
                ] {
                    object::set(&mut pod, &["metadata", "labels", label], value);
                }
                object::set(
                    &mut pod,
                    &["spec", "hostname"],
                    format!("{}-{number}", object::name(set)),
                );
                if create_pod(registry, set, pod, COMPONENT).is_err() {
                    return Some(Duration::from_secs(2));
                }
                if !parallel {
                    return None;
                }
            }
            Some(pod) if is_finished(pod) && !object::is_deleting(pod) => {
                delete_pod(registry, set, pod, COMPONENT);
                return None;
            }
            Some(pod) => {
                let settled = is_ready(pod) && !object::is_deleting(pod);
                let outdated = object::label(pod, REVISION_LABEL) != Some(revision);
                if !settled && !parallel && (!outdated || object::is_deleting(pod)) {
                    return None;
                }
            }
        }
    }
    if let Some(extra) = pods.iter().rev().find(|p| ordinal(p) >= wanted) {
        if !object::is_deleting(extra) {
            delete_pod(registry, set, extra, COMPONENT);
        }
        return None;
    }
    if object::text(set, "/spec/updateStrategy/type") != "RollingUpdate" {
        return None;
    }
    let partition = object::int(set, "/spec/updateStrategy/rollingUpdate/partition").unwrap_or(0);
    for pod in pods.iter().rev().filter(|p| ordinal(p) >= partition) {
        if object::is_deleting(pod) {
            return None;
        }
        if object::label(pod, REVISION_LABEL) != Some(revision) {
            delete_pod(registry, set, pod, COMPONENT);
            return None;
        }
        if !is_ready(pod) {
            return None;
        }
    }
    None
}

fn status(registry: &Registry, set: &Value, revision: &str) -> Value {
    let pods: Vec<Arc<Value>> = pods(registry, set)
        .into_iter()
        .filter(|p| !object::is_deleting(p))
        .collect();
    let ready = pods.iter().filter(|p| is_ready(p)).count();
    let updated = pods
        .iter()
        .filter(|p| object::label(p, REVISION_LABEL) == Some(revision))
        .count();
    let wanted = usize::try_from(object::int(set, "/spec/replicas").unwrap_or(1)).unwrap_or(0);
    let complete = updated == wanted && ready == wanted && pods.len() == wanted;
    let before = object::text(set, "/status/currentRevision");
    let current = if complete || before.is_empty() {
        revision
    } else {
        before
    };
    let on_current = pods
        .iter()
        .filter(|p| object::label(p, REVISION_LABEL) == Some(current))
        .count();
    let mut status = json!({
        "observedGeneration": set.pointer("/metadata/generation"), "replicas": pods.len(), "availableReplicas": ready,
        "currentRevision": current, "updateRevision": revision, "collisionCount": 0,
    });
    for (field, count) in [
        ("readyReplicas", ready),
        ("updatedReplicas", updated),
        ("currentReplicas", on_current),
    ] {
        if count > 0 {
            status[field] = count.into();
        }
    }
    status
}
