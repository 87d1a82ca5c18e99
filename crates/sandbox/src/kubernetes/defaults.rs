//! The values that the API server fills in where a manifest says nothing.

use serde_json::{Map, Value, json};

use super::object::{self, default};
use super::resource::{self, Resource};

/// Fills in the defaults of the object's kind.
pub fn apply(target: &mut Value, resource: &'static Resource) {
    match resource.name {
        "pods" => {
            pod_spec(target, &["spec"]);
            default(target, &["spec", "enableServiceLinks"], true);
            pod_requests(target);
            default(target, &["status", "phase"], "Pending");
            let class = qos_class(target);
            default(target, &["status", "qosClass"], class);
        }
        "deployments" => deployment(target),
        "replicasets" => {
            default(target, &["spec", "replicas"], 1);
            labels_from_template(target);
            pod_spec(target, &["spec", "template", "spec"]);
        }
        "statefulsets" => stateful_set(target),
        "daemonsets" => daemon_set(target),
        "jobs" => job(target),
        "cronjobs" => cron_job(target),
        "services" => service(target),
        "secrets" => secret(target),
        "namespaces" => namespace(target),
        "horizontalpodautoscalers" => {
            default(target, &["spec", "minReplicas"], 1);
            default(target, &["status", "desiredReplicas"], 0);
        }
        "persistentvolumeclaims" => {
            default(target, &["spec", "volumeMode"], "Filesystem");
            default(target, &["status", "phase"], "Pending");
        }
        "limitranges" => limit_range(target),
        "events" => default(target, &["type"], "Normal"),
        _ => {}
    }
    if resource.status && resource.name != "ingresses" {
        default(target, &["status"], json!({}));
    }
    if std::ptr::eq(resource, resource::INGRESSES) {
        default(target, &["status", "loadBalancer"], json!({}));
    }
}

fn labels_from_template(target: &mut Value) {
    let labels = target.pointer("/spec/template/metadata/labels").cloned();
    if let Some(labels) = labels.filter(|l| l.as_object().is_some_and(|m| !m.is_empty()))
        && object::entries(target, "/metadata/labels").next().is_none()
    {
        object::set(target, &["metadata", "labels"], labels);
    }
}

fn deployment(target: &mut Value) {
    default(target, &["spec", "replicas"], 1);
    default(target, &["spec", "strategy", "type"], "RollingUpdate");
    if object::text(target, "/spec/strategy/type") == "RollingUpdate" {
        default(
            target,
            &["spec", "strategy", "rollingUpdate", "maxUnavailable"],
            "25%",
        );
        default(target, &["spec", "strategy", "rollingUpdate", "maxSurge"], "25%");
    }
    default(target, &["spec", "revisionHistoryLimit"], 10);
    default(target, &["spec", "progressDeadlineSeconds"], 600);
    pod_spec(target, &["spec", "template", "spec"]);
}

fn stateful_set(target: &mut Value) {
    default(target, &["spec", "replicas"], 1);
    default(target, &["spec", "podManagementPolicy"], "OrderedReady");
    default(target, &["spec", "updateStrategy", "type"], "RollingUpdate");
    if object::text(target, "/spec/updateStrategy/type") == "RollingUpdate" {
        default(
            target,
            &["spec", "updateStrategy", "rollingUpdate", "partition"],
            0,
        );
    }
    default(target, &["spec", "revisionHistoryLimit"], 10);
    default(
        target,
        &["spec", "persistentVolumeClaimRetentionPolicy", "whenDeleted"],
        "Retain",
    );
    default(
        target,
        &["spec", "persistentVolumeClaimRetentionPolicy", "whenScaled"],
        "Retain",
    );
    pod_spec(target, &["spec", "template", "spec"]);
}

fn daemon_set(target: &mut Value) {
    default(target, &["spec", "updateStrategy", "type"], "RollingUpdate");
    if object::text(target, "/spec/updateStrategy/type") == "RollingUpdate" {
        default(
            target,
            &["spec", "updateStrategy", "rollingUpdate", "maxUnavailable"],
            1,
        );
        default(
            target,
            &["spec", "updateStrategy", "rollingUpdate", "maxSurge"],
            0,
        );
    }
    default(target, &["spec", "revisionHistoryLimit"], 10);
    pod_spec(target, &["spec", "template", "spec"]);
}

fn job(target: &mut Value) {
    if target.pointer("/spec/completions").is_none() && target.pointer("/spec/parallelism").is_none() {
        default(target, &["spec", "completions"], 1);
    }
    default(target, &["spec", "parallelism"], 1);
    default(target, &["spec", "backoffLimit"], 6);
    default(target, &["spec", "completionMode"], "NonIndexed");
    default(target, &["spec", "suspend"], false);
    default(target, &["spec", "manualSelector"], false);
    default(target, &["spec", "podReplacementPolicy"], "TerminatingOrFailed");
    pod_spec(target, &["spec", "template", "spec"]);
}

/// The labels and the selector that tie a Job to its pods; needs the uid.
pub fn job_identity(target: &mut Value) {
    if object::flag(target, "/spec/manualSelector") {
        return;
    }
    let (uid, name) = (object::uid(target).to_owned(), object::name(target).to_owned());
    for (key, value) in [
        ("batch.kubernetes.io/controller-uid", &uid),
        ("batch.kubernetes.io/job-name", &name),
        ("controller-uid", &uid),
        ("job-name", &name),
    ] {
        object::set(
            target,
            &["spec", "template", "metadata", "labels", key],
            value.as_str(),
        );
    }
    object::set(
        target,
        &["spec", "selector"],
        json!({ "matchLabels": { "batch.kubernetes.io/controller-uid": uid } }),
    );
    labels_from_template(target);
}

fn cron_job(target: &mut Value) {
    default(target, &["spec", "concurrencyPolicy"], "Allow");
    default(target, &["spec", "suspend"], false);
    default(target, &["spec", "successfulJobsHistoryLimit"], 3);
    default(target, &["spec", "failedJobsHistoryLimit"], 1);
    pod_spec(target, &["spec", "jobTemplate", "spec", "template", "spec"]);
}

fn service(target: &mut Value) {
    default(target, &["spec", "type"], "ClusterIP");
    default(target, &["spec", "sessionAffinity"], "None");
    default(target, &["spec", "internalTrafficPolicy"], "Cluster");
    if object::text(target, "/spec/sessionAffinity") == "ClientIP" {
        default(
            target,
            &["spec", "sessionAffinityConfig", "clientIP", "timeoutSeconds"],
            10800,
        );
    }
    let kind = object::text(target, "/spec/type").to_owned();
    if kind != "ExternalName" {
        default(target, &["spec", "ipFamilies"], json!(["IPv4"]));
        default(target, &["spec", "ipFamilyPolicy"], "SingleStack");
    }
    if matches!(kind.as_str(), "NodePort" | "LoadBalancer") {
        default(target, &["spec", "externalTrafficPolicy"], "Cluster");
        if kind == "LoadBalancer" {
            default(target, &["spec", "allocateLoadBalancerNodePorts"], true);
        }
    }
    let needs_node_port = matches!(kind.as_str(), "NodePort" | "LoadBalancer");
    for port in items(target, "/spec/ports") {
        default(port, &["protocol"], "TCP");
        if let Some(number) = port.get("port").cloned() {
            default(port, &["targetPort"], number);
        }
        if needs_node_port && port.get("nodePort").is_none() {
            object::set(port, &["nodePort"], rand::random_range(30_000..32_767));
        }
    }
    default(target, &["status", "loadBalancer"], json!({}));
}

/// Gives a new service its address from 10.96.0.0/12.
pub fn cluster_ip(target: &mut Value) {
    if object::text(target, "/spec/type") == "ExternalName"
        || !object::text(target, "/spec/clusterIP").is_empty()
    {
        if target.pointer("/spec/clusterIPs").is_none()
            && let Some(ip) = target.pointer("/spec/clusterIP").cloned()
        {
            object::set(target, &["spec", "clusterIPs"], json!([ip]));
        }
        return;
    }
    let ip = format!(
        "10.{}.{}.{}",
        rand::random_range(96..112),
        rand::random_range(0..256),
        rand::random_range(2..255)
    );
    object::set(target, &["spec", "clusterIP"], ip.as_str());
    object::set(target, &["spec", "clusterIPs"], json!([ip]));
}

fn secret(target: &mut Value) {
    default(target, &["type"], "Opaque");
    let Some(Value::Object(plain)) = target.get_mut("stringData").map(Value::take) else {
        return;
    };
    for (key, value) in plain {
        let encoded = base64::Engine::encode(
            &base64::prelude::BASE64_STANDARD,
            value.as_str().unwrap_or_default(),
        );
        object::set(target, &["data", &key], encoded);
    }
    object::set(target, &["stringData"], Value::Null);
}

fn namespace(target: &mut Value) {
    let name = object::name(target).to_owned();
    object::set(
        target,
        &["metadata", "labels", "kubernetes.io/metadata.name"],
        name,
    );
    default(target, &["spec", "finalizers"], json!(["kubernetes"]));
    default(target, &["status", "phase"], "Active");
}

fn limit_range(target: &mut Value) {
    for limit in items(target, "/spec/limits") {
        if object::text(limit, "/type") == "Container"
            && let Some(Value::Object(max)) = limit.get("max").cloned()
        {
            for (resource, value) in max {
                default(limit, &["default", &resource], value);
            }
        }
        if let Some(Value::Object(limits)) = limit.get("default").cloned() {
            for (resource, value) in limits {
                default(limit, &["defaultRequest", &resource], value);
            }
        }
    }
}

fn items<'a>(target: &'a mut Value, pointer: &str) -> impl Iterator<Item = &'a mut Value> {
    target
        .pointer_mut(pointer)
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
}

fn pod_spec(target: &mut Value, path: &[&str]) {
    let holder = object::map_at(target, path);
    let mut spec = Value::Object(std::mem::take(holder));
    default(&mut spec, &["restartPolicy"], "Always");
    default(&mut spec, &["terminationGracePeriodSeconds"], 30);
    default(&mut spec, &["dnsPolicy"], "ClusterFirst");
    default(&mut spec, &["securityContext"], json!({}));
    default(&mut spec, &["schedulerName"], "default-scheduler");
    if let Some(account) = spec.get("serviceAccountName").cloned() {
        default(&mut spec, &["serviceAccount"], account);
    }
    for list in ["/initContainers", "/containers"] {
        for container in items(&mut spec, list) {
            container_defaults(container);
        }
    }
    for volume in items(&mut spec, "/volumes") {
        volume_defaults(volume);
    }
    *object::map_at(target, path) = match spec {
        Value::Object(map) => map,
        _ => Map::new(),
    };
}

fn container_defaults(container: &mut Value) {
    if !container.is_object() {
        return;
    }
    default(container, &["terminationMessagePath"], "/dev/termination-log");
    default(container, &["terminationMessagePolicy"], "File");
    default(container, &["resources"], json!({}));
    let image = object::text(container, "/image");
    let tag = image.rsplit('/').next().unwrap_or_default();
    let latest = !image.contains('@') && (tag.ends_with(":latest") || !tag.contains(':'));
    default(
        container,
        &["imagePullPolicy"],
        if latest { "Always" } else { "IfNotPresent" },
    );
    for port in items(container, "/ports") {
        default(port, &["protocol"], "TCP");
    }
    for variable in items(container, "/env") {
        if variable.pointer("/valueFrom/fieldRef").is_some() {
            default(variable, &["valueFrom", "fieldRef", "apiVersion"], "v1");
        }
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = container.get_mut(probe).filter(|p| p.is_object()) {
            for (field, value) in [
                ("timeoutSeconds", 1),
                ("periodSeconds", 10),
                ("successThreshold", 1),
                ("failureThreshold", 3),
            ] {
                default(probe, &[field], value);
            }
            if probe.get("httpGet").is_some() {
                default(probe, &["httpGet", "path"], "/");
                default(probe, &["httpGet", "scheme"], "HTTP");
            }
        }
    }
}

fn volume_defaults(volume: &mut Value) {
    let Some(map) = volume.as_object() else { return };
    if map.len() == 1 {
        object::set(volume, &["emptyDir"], json!({}));
    }
    for source in ["secret", "configMap", "downwardAPI", "projected"] {
        if volume.get(source).is_some() {
            default(volume, &[source, "defaultMode"], 420);
        }
    }
    if volume.get("hostPath").is_some() {
        default(volume, &["hostPath", "type"], "");
    }
}

/// Requests default to limits in a pod (not in templates).
fn pod_requests(target: &mut Value) {
    for list in ["/spec/initContainers", "/spec/containers"] {
        for container in items(target, list) {
            if let Some(Value::Object(limits)) = container.pointer("/resources/limits").cloned() {
                for (resource, value) in limits {
                    default(container, &["resources", "requests", &resource], value);
                }
            }
        }
    }
}

fn qos_class(pod: &Value) -> &'static str {
    let containers = object::list(pod, "/spec/containers");
    let has = |c: &Value, side: &str| {
        c.pointer(&format!("/resources/{side}"))
            .and_then(Value::as_object)
            .is_some_and(|m| !m.is_empty())
    };
    if !containers.iter().any(|c| has(c, "requests") || has(c, "limits")) {
        return "BestEffort";
    }
    let guaranteed = containers.iter().all(|c| {
        ["cpu", "memory"].iter().all(|r| {
            let limit = c.pointer(&format!("/resources/limits/{r}"));
            limit.is_some() && limit == c.pointer(&format!("/resources/requests/{r}"))
        })
    });
    if guaranteed { "Guaranteed" } else { "Burstable" }
}
