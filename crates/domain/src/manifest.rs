//! Kubernetes manifests of a workload: rendered as data, shown as YAML, applied as they are.

use crate::pipeline::yaml::Yaml;
use crate::quota::Quota;
use crate::release::{Image, Workload};
use serde_json::{Map, Value, json};

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
const PROGRESS_DEADLINE: u32 = 300;

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

/// The objects of a workload in the order they are applied: a Deployment, and a Service where it has a port.
/// The same input gives the same objects.
pub fn render(target: Target<'_>, images: &[Image], workload: &Workload) -> Vec<Value> {
    let labels = json!({
        "app.kubernetes.io/name": target.app,
        "app.kubernetes.io/part-of": target.project,
        "app.kubernetes.io/managed-by": "slipway",
        "slipway.dev/environment": target.environment,
    });
    let selector =
        json!({ "app.kubernetes.io/name": target.app, "app.kubernetes.io/part-of": target.project });
    let metadata = json!({ "name": target.app, "namespace": target.namespace, "labels": labels });
    let mut objects = vec![json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata,
        "spec": {
            "replicas": workload.replicas_in(target.environment),
            "progressDeadlineSeconds": PROGRESS_DEADLINE,
            "revisionHistoryLimit": 10,
            "selector": { "matchLabels": selector },
            "template": {
                "metadata": { "labels": labels },
                "spec": { "containers": [container(target, images, workload)] },
            },
        },
    })];
    if let Some(port) = workload.port {
        objects.push(json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata,
            "spec": {
                "selector": selector,
                "ports": [{ "name": "http", "port": 80, "targetPort": port, "protocol": "TCP" }],
            },
        }));
    }
    objects
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

fn container(target: Target<'_>, images: &[Image], workload: &Workload) -> Value {
    let image = images.first().map(Image::reference).unwrap_or_default();
    let mut container = json!({
        "name": target.app,
        "image": image,
        "resources": {
            "requests": {
                "cpu": format!("{}m", workload.cpu_millis),
                "memory": format!("{}Mi", workload.memory_mib),
            },
            "limits": { "memory": format!("{}Mi", workload.memory_mib) },
        },
    });
    let variables = workload.variables_in(target.environment);
    if !variables.is_empty() {
        container["env"] = variables
            .into_iter()
            .map(|(name, value)| json!({ "name": name, "value": value }))
            .collect();
    }
    if let Some(port) = workload.port {
        container["ports"] = json!([{ "name": "http", "containerPort": port, "protocol": "TCP" }]);
        if let Some(path) = &workload.probe_path {
            container["readinessProbe"] =
                json!({ "httpGet": { "path": path, "port": port }, "periodSeconds": 5 });
        }
    }
    container
}

/// The objects with the marks of one deployment on them. Only a later attempt touches the pod template:
/// otherwise the marks start no pod that the manifests would not.
pub fn stamp(objects: &[Value], stamp: &Stamp) -> Vec<Value> {
    let mut objects = objects.to_vec();
    for object in &mut objects {
        object["metadata"]["annotations"] = json!({
            PROMOTION: stamp.promotion,
            RELEASE: stamp.release,
            VERSION: stamp.version,
            FENCE: stamp.fence.to_string(),
        });
        if stamp.attempt > 1 && object["kind"] == "Deployment" {
            object["spec"]["template"]["metadata"]["annotations"] =
                json!({ ATTEMPT: stamp.attempt.to_string() });
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
    use crate::release::WorkloadOverride;

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
