//! What the controllers of pods share: making pods from a template, and judging the pods they have.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::error::ApiError;
use super::super::object;
use super::super::registry::{Deletion, Registry};
use super::super::resource;
use super::namespace::write_as;
use super::recorder::{self, normal, warning};

/// The pods of an owner that count: neither finished nor going away.
pub fn active_pods(registry: &Registry, owner: &Value) -> Vec<Arc<Value>> {
    let pods = registry.state.owned_by(object::uid(owner), resource::PODS);
    pods.filter(|p| !object::is_deleting(p) && !is_finished(p))
        .cloned()
        .collect()
}

pub fn is_finished(pod: &Value) -> bool {
    matches!(object::text(pod, "/status/phase"), "Succeeded" | "Failed")
}

pub fn is_ready(pod: &Value) -> bool {
    object::condition(pod, "Ready").is_some_and(|c| object::text(c, "/status") == "True")
}

/// Ready for at least `seconds`; otherwise how long it still takes, when that is known.
pub fn is_available(pod: &Value, seconds: i64) -> (bool, Option<Duration>) {
    if !is_ready(pod) {
        return (false, None);
    }
    if seconds == 0 {
        return (true, None);
    }
    let since = object::condition(pod, "Ready")
        .map(|c| object::text(c, "/lastTransitionTime"))
        .unwrap_or_default();
    let age = object::seconds_since(since).unwrap_or(0.0);
    #[expect(clippy::cast_precision_loss, reason = "seconds")]
    let left = seconds as f64 - age;
    if left <= 0.0 {
        (true, None)
    } else {
        (false, Some(Duration::from_secs_f64(left.max(0.02))))
    }
}

/// A pod from the owner's template.
pub fn pod_from(owner: &Value, name: Option<&str>) -> Value {
    let template = owner.pointer("/spec/template").cloned().unwrap_or_default();
    let mut metadata = json!({});
    for field in ["labels", "annotations", "finalizers"] {
        if let Some(value) = template.get("metadata").and_then(|m| m.get(field)) {
            metadata[field] = value.clone();
        }
    }
    match name {
        Some(name) => metadata["name"] = name.into(),
        None => metadata["generateName"] = format!("{}-", object::name(owner)).into(),
    }
    metadata["ownerReferences"] = json!([object::owner_reference(owner)]);
    json!({ "metadata": metadata, "spec": template.get("spec").cloned().unwrap_or_default() })
}

/// Creates a pod and tells of it, or of why it could not be.
pub fn create_pod(
    registry: &mut Registry,
    owner: &Value,
    pod: Value,
    component: &str,
) -> Result<(), ApiError> {
    match registry.create(resource::PODS, object::namespace(owner), pod, write_as("v1")) {
        Ok(pod) => {
            let message = format!("Created pod: {}", object::name(&pod));
            recorder::record(registry, owner, normal(component, "SuccessfulCreate", message));
            Ok(())
        }
        Err(error) => {
            if error.reason != "AlreadyExists" {
                recorder::record(
                    registry,
                    owner,
                    warning(component, "FailedCreate", format!("Error creating: {error}")),
                );
            }
            Err(error)
        }
    }
}

pub fn delete_pod(registry: &mut Registry, owner: &Value, pod: &Value, component: &str) {
    let (namespace, name) = (object::namespace(pod).to_owned(), object::name(pod).to_owned());
    if registry
        .delete(resource::PODS, &namespace, &name, &Deletion::default())
        .is_ok()
    {
        recorder::record(
            registry,
            owner,
            normal(component, "SuccessfulDelete", format!("Deleted pod: {name}")),
        );
    }
}

/// Sets a condition; keeps its transition time while its status stays the same.
pub fn set_condition(conditions: &mut Vec<Value>, mut condition: Value) {
    let now = object::now();
    let kind = object::text(&condition, "/type").to_owned();
    let position = conditions.iter().position(|c| object::text(c, "/type") == kind);
    let since = position
        .map(|i| &conditions[i])
        .filter(|old| old.get("status") == condition.get("status"))
        .and_then(|old| old.get("lastTransitionTime").cloned());
    condition["lastTransitionTime"] = since.unwrap_or_else(|| now.clone().into());
    match position {
        Some(i) => conditions[i] = condition,
        None => conditions.push(condition),
    }
}

/// A short hash of a template for names: `pod-template-hash`, `controller-revision-hash`.
pub fn template_hash(template: &Value, collisions: i64) -> String {
    let mut hash: u32 = 0x811c_9dc5;
    for byte in format!("{template}{collisions}").bytes() {
        hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    }
    object::safe_encode(&hash.to_string())
}
