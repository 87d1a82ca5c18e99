//! Kubernetes manifests of a workload: rendered as data, shown as YAML, applied as they are.

pub mod plain;
mod render;

use crate::pipeline::yaml::Yaml;
use crate::quota::Quota;
use crate::workload::WorkloadKind;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

pub use render::{labels, render};

/// The field manager that Slipway applies with.
pub const FIELD_MANAGER: &str = "slipway";

/// How the names begin that Slipway writes as beside [`FIELD_MANAGER`]: what people do through it, as scaling.
pub const OWN_MANAGERS: &str = "slipway-";

/// The annotation with the id of the promotion that was applied last.
pub const PROMOTION: &str = "slipway.dev/promotion";
/// The annotation with the id of its release.
pub const RELEASE: &str = "slipway.dev/release";
/// The annotation with the version of its release.
pub const VERSION: &str = "slipway.dev/version";
/// The annotation with the fencing token of the environment's lock: a worker with a smaller one is too late.
pub const FENCE: &str = "slipway.dev/fence";
/// The annotation of the pod template that makes a new try of the same manifests start new pods.
pub const ATTEMPT: &str = "slipway.dev/attempt";

/// Seconds without progress after which Kubernetes gives a rollout up.
pub const PROGRESS_DEADLINE: u32 = 300;

/// Where a workload goes.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The name of the workload: the app's first slug.
    pub app: &'a str,
    /// The project's first slug.
    pub project: &'a str,
    /// The environment's key.
    pub environment: &'a str,
    /// The namespace.
    pub namespace: &'a str,
}

/// What is written onto the objects of one deployment when they are applied, beside what was approved.
#[derive(Clone, Debug)]
pub struct Stamp {
    /// The promotion.
    pub promotion: String,
    /// The release.
    pub release: String,
    /// Its version.
    pub version: String,
    /// The fencing token.
    pub fence: i64,
    /// The number of the attempt, from 1.
    pub attempt: i64,
}

/// The quota of an environment as Kubernetes holds its namespace to it. One without limits limits nothing: so one that
/// was lifted is lifted there as well.
pub fn quota(namespace: &str, quota: &Quota) -> Value {
    let hard = [
        ("requests.cpu", quota.cpu_text()),
        ("requests.memory", quota.memory_text()),
        ("pods", quota.pods_text()),
    ];
    let hard: Map<String, Value> = hard
        .into_iter()
        .filter(|(_, amount)| !amount.is_empty())
        .map(|(name, amount)| (name.to_owned(), Value::String(amount)))
        .collect();
    json!({
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {
            "name": FIELD_MANAGER,
            "namespace": namespace,
            "labels": { "app.kubernetes.io/managed-by": "slipway" },
        },
        "spec": { "hard": hard },
    })
}

/// The objects with the marks of one deployment on them. Only a later attempt touches the pod template:
/// otherwise the marks start no pod that the manifests would not.
pub fn stamp(objects: &[Value], stamp: &Stamp) -> Vec<Value> {
    let mut objects = objects.to_vec();
    for object in &mut objects {
        mark(
            &mut object["metadata"],
            &[
                (PROMOTION, stamp.promotion.clone()),
                (RELEASE, stamp.release.clone()),
                (VERSION, stamp.version.clone()),
                (FENCE, stamp.fence.to_string()),
            ],
        );
        let attempt = (ATTEMPT, stamp.attempt.to_string());
        // A Job cannot be changed: another attempt is another Job, and this tells them apart.
        if object["kind"] == "Job" {
            mark(&mut object["metadata"], std::slice::from_ref(&attempt));
        }
        if stamp.attempt > 1
            && let Some(template) = template_of(object)
        {
            mark(&mut template["metadata"], &[attempt]);
        }
    }
    objects
}

/// Adds annotations to those that are there.
fn mark(metadata: &mut Value, annotations: &[(&str, String)]) {
    for (name, value) in annotations {
        metadata["annotations"][*name] = value.clone().into();
    }
}

/// The pod template of what runs pods all the time: where that changes, pods are made anew.
fn template_of(object: &mut Value) -> Option<&mut Value> {
    match object["kind"].as_str() {
        Some("Deployment" | "StatefulSet" | "DaemonSet") => object.pointer_mut("/spec/template"),
        _ => None,
    }
}

/// SHA-256 of the objects' YAML, in hex.
pub fn hash(objects: &[Value]) -> String {
    hex::encode(Sha256::digest(yaml(objects).as_bytes()))
}

/// Whether every object carries the label by which watches find what Slipway made: those that a repository keeps need not.
pub fn all_labelled(objects: &[Value]) -> bool {
    objects
        .iter()
        .all(|object| object["metadata"]["labels"]["app.kubernetes.io/managed-by"] == FIELD_MANAGER)
}

/// Whether the object runs pods.
pub fn runs_pods(object: &Value) -> bool {
    object["kind"].as_str().is_some_and(WorkloadKind::runs_pods)
}

/// The objects of `old` that `new` has not, by kind and name, last applied first: what a deployment leaves behind. Claims of
/// volumes are left alone, for what is in them cannot be made again.
pub fn left_behind(old: &[Value], new: &[Value]) -> Vec<Value> {
    let id = |object: &Value| {
        ["/apiVersion", "/kind", "/metadata/namespace", "/metadata/name"].map(|at| {
            object
                .pointer(at)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        })
    };
    let kept: Vec<_> = new.iter().map(id).collect();
    old.iter()
        .rev()
        .filter(|object| object["kind"] != "PersistentVolumeClaim" && !kept.contains(&id(object)))
        .cloned()
        .collect()
}

/// The objects in another namespace. Those that name one themselves stay in it.
pub fn place(objects: &[Value], namespace: &str) -> Vec<Value> {
    let mut objects = objects.to_vec();
    for object in &mut objects {
        if object["metadata"]["namespace"].as_str().is_none_or(str::is_empty) {
            object["metadata"]["namespace"] = namespace.into();
        }
    }
    objects
}

/// The objects with the mark of a later attempt in their pod templates, so that applying them as a first attempt starts no
/// pods anew.
pub fn of_attempt(objects: &[Value], attempt: i64) -> Vec<Value> {
    let mut objects = objects.to_vec();
    for object in objects
        .iter_mut()
        .filter(|object| attempt > 1 && object["kind"] == "Deployment")
    {
        object["spec"]["template"]["metadata"]["annotations"] = json!({ ATTEMPT: attempt.to_string() });
    }
    objects
}

/// How many pods the first of the objects that says so asks for.
pub fn replicas(objects: &[Value]) -> Option<i64> {
    objects
        .iter()
        .find_map(|object| object["spec"]["replicas"].as_i64())
}

/// The objects as YAML documents, for people and for hashing: keys in the order Kubernetes writes them.
pub fn yaml(objects: &[Value]) -> String {
    objects
        .iter()
        .map(|object| ordered(object).write())
        .collect::<Vec<_>>()
        .join("---\n")
}

/// Keys that come first, in this order; the others follow by name.
const FIRST: [&str; 5] = ["apiVersion", "kind", "name", "namespace", "metadata"];

fn ordered(value: &Value) -> Yaml {
    match value {
        Value::Object(map) => Yaml::Map(entries(map)),
        Value::Array(items) => Yaml::List(items.iter().map(ordered).collect()),
        Value::Bool(flag) => Yaml::Bool(*flag),
        Value::String(text) => Yaml::text(text.as_str()),
        Value::Number(number) => number
            .as_i64()
            .map_or_else(|| Yaml::text(number.to_string()), Yaml::Int),
        Value::Null => Yaml::text(""),
    }
}

fn entries(map: &Map<String, Value>) -> Vec<(String, Yaml)> {
    let rank = |key: &str| {
        FIRST
            .iter()
            .position(|first| *first == key)
            .unwrap_or(FIRST.len())
    };
    let mut entries: Vec<(&String, &Value)> = map.iter().collect();
    entries.sort_by_key(|(key, _)| (rank(key), key.as_str()));
    entries
        .into_iter()
        .map(|(key, value)| (key.clone(), ordered(value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::{Image, Workload, WorkloadOverride};

    const TARGET: Target<'_> = Target {
        app: "order-api",
        project: "checkout",
        environment: "live",
        namespace: "checkout-live",
    };

    fn image() -> Image {
        Image {
            repository: String::from("registry.example.com/acme/order-api"),
            digest: format!("sha256:{:064x}", 7),
        }
    }

    fn workload() -> Workload {
        let mut workload = Workload::default();
        workload
            .variables
            .insert(String::from("LOG_LEVEL"), String::from("info"));
        let over = WorkloadOverride {
            replicas: Some(3),
            variables: [(String::from("FLAG"), String::from("yes"))].into(),
            ..WorkloadOverride::default()
        };
        workload.overrides.insert(String::from("live"), over);
        workload
    }

    #[test]
    fn a_workload_becomes_a_deployment_and_a_service() {
        insta::assert_snapshot!(yaml(&render(TARGET, &[image()], &workload())));
    }

    #[test]
    fn a_workload_without_a_port_has_no_service_and_no_probe() {
        let workload = Workload {
            port: None,
            ..workload()
        };
        let objects = render(TARGET, &[image()], &workload);
        assert_eq!(objects.len(), 1);
        assert!(!yaml(&objects).contains("readinessProbe"));
    }

    #[test]
    fn marks_start_no_pods_but_those_of_another_attempt_do() {
        let objects = render(TARGET, &[image()], &workload());
        let template = |objects: &[Value]| objects[0]["spec"]["template"].clone();
        let mark = |attempt| Stamp {
            promotion: String::from("p"),
            release: String::from("r"),
            version: String::from("1.0.0"),
            fence: 4,
            attempt,
        };
        let first = stamp(&objects, &mark(1));
        assert_eq!(template(&first), template(&objects));
        assert_eq!(first[0]["metadata"]["annotations"][FENCE], "4");
        assert_ne!(template(&stamp(&objects, &mark(2))), template(&objects));
    }

    #[test]
    fn the_yaml_reads_back_as_the_objects() {
        use saphyr_parser::{Event, Parser};
        let text = yaml(&render(TARGET, &[image()], &workload()));
        let documents = Parser::new_from_str(&text)
            .filter(|e| matches!(e, Ok((Event::DocumentStart(_), _))))
            .count();
        assert_eq!(documents, 2);
    }
}
