//! Daemon sets: one pod, for there is one node.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::object;
use super::super::registry::Registry;
use super::super::resource;
use super::super::state::Key;
use super::MANAGER;
use super::workload::{create_pod, delete_pod, is_finished, is_ready, pod_from, template_hash};

const COMPONENT: &str = "daemonset-controller";
const REVISION_LABEL: &str = "controller-revision-hash";

pub fn reconcile(registry: &mut Registry, key: &Key) -> Option<Duration> {
    let set = registry.state.by_key(key).cloned()?;
    if object::is_deleting(&set) {
        return None;
    }
    let hash = template_hash(&set.pointer("/spec/template").cloned().unwrap_or_default(), 0);
    let pods: Vec<Arc<Value>> = registry
        .state
        .owned_by(object::uid(&set), resource::PODS)
        .cloned()
        .collect();
    let mut again = None;
    match pods.first() {
        None => {
            let mut pod = pod_from(&set, None);
            object::set(&mut pod, &["metadata", "labels", REVISION_LABEL], hash.as_str());
            if create_pod(registry, &set, pod, COMPONENT).is_err() {
                again = Some(Duration::from_secs(2));
            }
        }
        Some(pod) => {
            let rolling = object::text(&set, "/spec/updateStrategy/type") == "RollingUpdate";
            let outdated = rolling && object::label(pod, REVISION_LABEL) != Some(&hash);
            if (outdated || is_finished(pod)) && !object::is_deleting(pod) {
                delete_pod(registry, &set, pod, COMPONENT);
            }
        }
    }
    let here: Vec<&Arc<Value>> = pods.iter().filter(|p| !object::is_deleting(p)).collect();
    let ready = here.iter().filter(|p| is_ready(p)).count();
    let updated = here
        .iter()
        .filter(|p| object::label(p, REVISION_LABEL) == Some(&hash))
        .count();
    let mut status = json!({
        "observedGeneration": set.pointer("/metadata/generation"), "currentNumberScheduled": here.len(),
        "desiredNumberScheduled": 1, "numberMisscheduled": 0, "numberReady": ready,
    });
    for (field, count) in [
        ("updatedNumberScheduled", updated),
        ("numberAvailable", ready),
        ("numberUnavailable", 1usize.saturating_sub(ready)),
    ] {
        if count > 0 {
            status[field] = count.into();
        }
    }
    registry.set_status(resource::DAEMON_SETS, &set, status, MANAGER);
    again
}
