//! What an update may not change.

use serde_json::Value;

use super::super::error::Cause;
use super::super::object;
use super::super::resource::Resource;

const IMMUTABLE: &str = "field is immutable";

pub(super) fn immutable(old: &Value, new: &Value, resource: &Resource, causes: &mut Vec<Cause>) {
    let mut fixed = |path: &str| {
        let pointer = format!("/{}", path.replace('.', "/"));
        if old.pointer(&pointer) != new.pointer(&pointer) {
            let value = new.pointer(&pointer).cloned().unwrap_or_default();
            causes.push(Cause::invalid(path, &value, IMMUTABLE));
        }
    };
    match resource.name {
        "deployments" | "replicasets" | "daemonsets" => fixed("spec.selector"),
        "jobs" => {
            for path in [
                "spec.selector",
                "spec.template",
                "spec.completions",
                "spec.completionMode",
            ] {
                fixed(path);
            }
        }
        "secrets" => fixed("type"),
        "services"
            if object::text(new, "/spec/type") != "ExternalName"
                && object::text(old, "/spec/type") != "ExternalName" =>
        {
            fixed("spec.clusterIP");
        }
        "statefulsets" => {
            let mut before = old.get("spec").cloned().unwrap_or_default();
            let after = new.get("spec").cloned().unwrap_or_default();
            for field in [
                "replicas",
                "ordinals",
                "template",
                "updateStrategy",
                "revisionHistoryLimit",
                "persistentVolumeClaimRetentionPolicy",
                "minReadySeconds",
            ] {
                object::set(
                    &mut before,
                    &[field],
                    after.get(field).cloned().unwrap_or_default(),
                );
            }
            if before != after {
                let detail = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', \
                              'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
                causes.push(Cause::forbidden("spec", detail));
            }
        }
        "pods" => pod_update(old, new, causes),
        _ => {}
    }
    if matches!(resource.name, "configmaps" | "secrets") && object::flag(old, "/immutable") {
        for field in ["data", "binaryData", "immutable"] {
            if old.get(field) != new.get(field) {
                causes.push(Cause::forbidden(
                    field,
                    "field is immutable when `immutable` is set",
                ));
            }
        }
    }
}

fn pod_update(old: &Value, new: &Value, causes: &mut Vec<Cause>) {
    let mut before = old.get("spec").cloned().unwrap_or_default();
    let after = new.get("spec").cloned().unwrap_or_default();
    for field in [
        "activeDeadlineSeconds",
        "tolerations",
        "terminationGracePeriodSeconds",
        "nodeName",
    ] {
        object::set(
            &mut before,
            &[field],
            after.get(field).cloned().unwrap_or_default(),
        );
    }
    for list in ["containers", "initContainers"] {
        let images: Vec<Value> = object::list(&after, &format!("/{list}"))
            .iter()
            .map(|c| c.get("image").cloned().unwrap_or_default())
            .collect();
        if let Some(containers) = before.get_mut(list).and_then(Value::as_array_mut) {
            for (container, image) in containers.iter_mut().zip(images) {
                object::set(container, &["image"], image);
            }
        }
    }
    if before != after {
        let detail = "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,\
                      `spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),\
                      `spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";
        causes.push(Cause::forbidden("spec", detail));
    }
}
