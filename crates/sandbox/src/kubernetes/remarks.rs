//! What the API server remarks on beside its answer, as `Warning` headers: here, labels of nodes that have another name by now.

use std::collections::BTreeMap;

use serde_json::Value;

use super::object;
use super::resource::Resource;

/// Old labels of nodes, since when they are old, and what they are called instead.
const OLD_LABELS: [(&str, &str, &str); 5] = [
    ("beta.kubernetes.io/arch", "v1.14", "kubernetes.io/arch"),
    (
        "beta.kubernetes.io/instance-type",
        "v1.17",
        "node.kubernetes.io/instance-type",
    ),
    ("beta.kubernetes.io/os", "v1.14", "kubernetes.io/os"),
    (
        "failure-domain.beta.kubernetes.io/region",
        "v1.17",
        "topology.kubernetes.io/region",
    ),
    (
        "failure-domain.beta.kubernetes.io/zone",
        "v1.17",
        "topology.kubernetes.io/zone",
    ),
];

/// The remarks on a write that made `new` of `old`. One that leaves the spec as it was is not remarked on.
pub fn on_write(resource: &Resource, old: Option<&Value>, new: &Value) -> Vec<String> {
    let same =
        |old: &Value| object::int(old, "/metadata/generation") == object::int(new, "/metadata/generation");
    let spec = match resource.name {
        "deployments" | "statefulsets" | "daemonsets" | "jobs" => "spec.template.spec",
        "cronjobs" => "spec.jobTemplate.spec.template.spec",
        _ => return Vec::new(),
    };
    if old.is_some_and(same) {
        return Vec::new();
    }
    let pointer = format!("/{}/nodeSelector", spec.replace('.', "/"));
    let chosen: BTreeMap<&str, &str> = object::entries(new, &pointer).collect();
    let old_labels = OLD_LABELS.iter().filter(|(label, ..)| chosen.contains_key(label));
    old_labels
        .map(|(label, since, instead)| {
            format!("{spec}.nodeSelector[{label}]: deprecated since {since}; use \"{instead}\" instead")
        })
        .collect()
}
