//! Rendering: from a workload to the objects of Kubernetes.

use super::{PROGRESS_DEADLINE, Target};
use crate::release::Image;
use crate::workload::{
    Autoscaling, Container, Ingress, SecretVariable, Volume, Workload, WorkloadKind, image_of,
};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The objects of a workload in the order they are applied: what its pods need, what runs them, and what leads to them.
/// The same input gives the same objects.
pub fn render(target: Target<'_>, images: &[Image], workload: &Workload) -> Vec<Value> {
    let workload = workload.in_environment(target.environment);
    let at = Names::of(target);
    let mut objects = Vec::new();
    objects.extend(files(&at, &workload));
    if workload.kind != WorkloadKind::StatefulSet {
        objects.extend(workload.volumes.iter().filter_map(|volume| claim(&at, volume)));
    }
    objects.push(runner(&at, images, &workload));
    if let Some(port) = workload.port.filter(|_| workload.kind.serves()) {
        objects.push(service(&at, at.app, port, json!({})));
        if workload.kind == WorkloadKind::StatefulSet {
            // Its pods have names only in a service without an address.
            let name = format!("{}-pods", at.app);
            objects.push(service(&at, &name, port, json!({ "clusterIP": "None" })));
        }
        objects.extend(workload.ingress.as_ref().map(|ingress| gate(&at, ingress)));
    }
    objects.extend(
        workload
            .autoscaling
            .filter(|_| workload.kind.scales())
            .map(|scaling| autoscaler(&at, workload.kind, scaling)),
    );
    objects
}

/// The labels that Slipway gives to every object of an app in an environment.
pub fn labels(app: &str, project: &str, environment: &str) -> BTreeMap<String, String> {
    [
        ("app.kubernetes.io/name", app),
        ("app.kubernetes.io/part-of", project),
        ("app.kubernetes.io/managed-by", "slipway"),
        ("slipway.dev/environment", environment),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into()
}

/// What the objects of one workload are called.
struct Names<'a> {
    app: &'a str,
    namespace: &'a str,
    labels: Value,
    selector: Value,
}

impl<'a> Names<'a> {
    fn of(target: Target<'a>) -> Self {
        Self {
            app: target.app,
            namespace: target.namespace,
            labels: json!(labels(target.app, target.project, target.environment)),
            selector: json!({
                "app.kubernetes.io/name": target.app,
                "app.kubernetes.io/part-of": target.project,
            }),
        }
    }

    fn metadata(&self, name: &str) -> Value {
        json!({ "name": name, "namespace": self.namespace, "labels": self.labels })
    }
}

/// What runs the pods.
fn runner(at: &Names<'_>, images: &[Image], workload: &Workload) -> Value {
    let kind = workload.kind;
    let template = json!({
        "metadata": { "labels": at.labels },
        "spec": pod(at, images, workload),
    });
    let spec = match kind {
        WorkloadKind::Deployment => json!({
            "progressDeadlineSeconds": PROGRESS_DEADLINE,
            "revisionHistoryLimit": 10,
            "selector": { "matchLabels": at.selector },
            "template": template,
        }),
        WorkloadKind::StatefulSet => json!({
            "revisionHistoryLimit": 10,
            "serviceName": format!("{}-pods", at.app),
            "selector": { "matchLabels": at.selector },
            "template": template,
        }),
        WorkloadKind::DaemonSet => json!({
            "revisionHistoryLimit": 10,
            "selector": { "matchLabels": at.selector },
            "template": template,
        }),
        WorkloadKind::Job => json!({ "backoffLimit": 2, "template": template }),
        WorkloadKind::CronJob => {
            let times = workload.schedule.clone().unwrap_or_default();
            json!({
                "schedule": times.cron,
                "timeZone": times.zone,
                "concurrencyPolicy": "Forbid",
                "jobTemplate": { "spec": { "backoffLimit": 2, "template": template } },
            })
        }
    };
    let group = match kind {
        WorkloadKind::CronJob | WorkloadKind::Job => "batch/v1",
        _ => "apps/v1",
    };
    let mut object = json!({
        "apiVersion": group,
        "kind": kind.kubernetes(),
        "metadata": at.metadata(at.app),
        "spec": spec,
    });
    // What follows the load is the autoscaler's to say.
    if kind.scales() && workload.autoscaling.is_none() {
        object["spec"]["replicas"] = workload.replicas.into();
    }
    let claims: Vec<&Volume> = workload.volumes.iter().filter(|v| v.mib.is_some()).collect();
    if kind == WorkloadKind::StatefulSet && !claims.is_empty() {
        object["spec"]["volumeClaimTemplates"] = claims
            .iter()
            .map(|volume| {
                json!({
                    "apiVersion": "v1",
                    "kind": "PersistentVolumeClaim",
                    "metadata": { "name": volume.name },
                    "spec": claim_spec(volume),
                })
            })
            .collect();
    }
    if kind == WorkloadKind::Deployment && !claims.is_empty() {
        // A volume that one node has at a time: the old pod goes first.
        object["spec"]["strategy"] =
            json!({ "type": "RollingUpdate", "rollingUpdate": { "maxSurge": 0, "maxUnavailable": 1 } });
    }
    object
}

fn pod(at: &Names<'_>, images: &[Image], workload: &Workload) -> Value {
    let further = |init: bool| {
        workload
            .containers
            .iter()
            .filter(move |one| one.init == init)
            .map(|one| further_container(one, images, workload))
    };
    let mut containers = vec![container(at, images, workload)];
    containers.extend(further(false));
    let mut spec = json!({ "containers": containers });
    let first: Vec<Value> = further(true).collect();
    if !first.is_empty() {
        spec["initContainers"] = first.into();
    }
    if !workload.kind.serves() {
        spec["restartPolicy"] = "OnFailure".into();
    }
    let mut volumes: Vec<Value> = workload
        .volumes
        .iter()
        .filter_map(|volume| match volume.mib {
            None => Some(json!({ "name": volume.name, "emptyDir": {} })),
            // Each pod has its own.
            Some(_) if workload.kind == WorkloadKind::StatefulSet => None,
            Some(_) => Some(json!({
                "name": volume.name,
                "persistentVolumeClaim": { "claimName": format!("{}-{}", at.app, volume.name) },
            })),
        })
        .collect();
    if let Some(config) = files_name(at, workload) {
        volumes.push(json!({ "name": FILES, "configMap": { "name": config } }));
    }
    if !volumes.is_empty() {
        spec["volumes"] = volumes.into();
    }
    spec
}

fn resources(cpu_millis: u32, memory_mib: u32, cpu_limit_millis: Option<u32>) -> Value {
    let mut limits = json!({ "memory": format!("{memory_mib}Mi") });
    if let Some(limit) = cpu_limit_millis {
        limits["cpu"] = format!("{limit}m").into();
    }
    json!({
        "requests": { "cpu": format!("{cpu_millis}m"), "memory": format!("{memory_mib}Mi") },
        "limits": limits,
    })
}

fn plain(variables: &BTreeMap<String, String>) -> impl Iterator<Item = Value> {
    variables
        .iter()
        .map(|(name, value)| json!({ "name": name, "value": value }))
}

fn container(at: &Names<'_>, images: &[Image], workload: &Workload) -> Value {
    let mut container = json!({
        "name": at.app,
        "image": image_of(&workload.image, images).unwrap_or_default(),
        "resources": resources(workload.cpu_millis, workload.memory_mib, workload.cpu_limit_millis),
    });
    if !workload.command.is_empty() {
        container["command"] = json!(workload.command);
    }
    let secret = |one: &SecretVariable| {
        json!({
            "name": one.variable,
            "valueFrom": { "secretKeyRef": { "name": one.secret, "key": one.key } },
        })
    };
    let variables: Vec<Value> = plain(&workload.variables)
        .chain(workload.secrets.iter().map(secret))
        .collect();
    if !variables.is_empty() {
        container["env"] = variables.into();
    }
    if let Some(port) = workload.port {
        container["ports"] = json!([{ "name": "http", "containerPort": port, "protocol": "TCP" }]);
        let probe = |path: &String, every: u32| json!({ "httpGet": { "path": path, "port": port }, "periodSeconds": every });
        if let Some(path) = &workload.probe_path {
            container["readinessProbe"] = probe(path, 5);
        }
        if let Some(path) = &workload.live_path {
            container["livenessProbe"] = probe(path, 10);
        }
    }
    let volumes = workload
        .volumes
        .iter()
        .map(|volume| json!({ "name": volume.name, "mountPath": volume.path }));
    let files = workload.files.iter().enumerate().map(|(i, file)| {
        json!({ "name": FILES, "mountPath": file.path, "subPath": file_key(i), "readOnly": true })
    });
    let mounts: Vec<Value> = volumes.chain(files).collect();
    if !mounts.is_empty() {
        container["volumeMounts"] = mounts.into();
    }
    container
}

fn further_container(one: &Container, images: &[Image], workload: &Workload) -> Value {
    let named = if one.image.is_empty() {
        &workload.image
    } else {
        &one.image
    };
    let mut container = json!({
        "name": one.name,
        "image": image_of(named, images).unwrap_or_default(),
        "resources": resources(one.cpu_millis, one.memory_mib, None),
    });
    if !one.command.is_empty() {
        container["command"] = json!(one.command);
    }
    if !one.variables.is_empty() {
        container["env"] = plain(&one.variables).collect();
    }
    container
}

/// The volume that the files come from.
const FILES: &str = "slipway-files";

fn file_key(index: usize) -> String {
    format!("file-{index}")
}

/// The name of the `ConfigMap` with the files: another one for other files, so that no running pod sees them change.
fn files_name(at: &Names<'_>, workload: &Workload) -> Option<String> {
    if workload.files.is_empty() {
        return None;
    }
    let mut hasher = Sha256::new();
    for file in &workload.files {
        for part in [&file.path, &file.content] {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part.as_bytes());
        }
    }
    let hash = hex::encode(hasher.finalize());
    Some(format!("{}-files-{}", at.app, hash.get(..10).unwrap_or(&hash)))
}

fn files(at: &Names<'_>, workload: &Workload) -> Option<Value> {
    let name = files_name(at, workload)?;
    let data: Map<String, Value> = workload
        .files
        .iter()
        .enumerate()
        .map(|(i, file)| (file_key(i), Value::String(file.content.clone())))
        .collect();
    Some(json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": at.metadata(&name),
        "immutable": true,
        "data": data,
    }))
}

fn claim_spec(volume: &Volume) -> Value {
    json!({
        "accessModes": ["ReadWriteOnce"],
        "resources": { "requests": { "storage": format!("{}Mi", volume.mib.unwrap_or(0)) } },
    })
}

fn claim(at: &Names<'_>, volume: &Volume) -> Option<Value> {
    volume.mib.map(|_| {
        json!({
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": at.metadata(&format!("{}-{}", at.app, volume.name)),
            "spec": claim_spec(volume),
        })
    })
}

fn service(at: &Names<'_>, name: &str, port: u16, more: Value) -> Value {
    let mut object = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": at.metadata(name),
        "spec": {
            "selector": at.selector,
            "ports": [{ "name": "http", "port": 80, "targetPort": port, "protocol": "TCP" }],
        },
    });
    if let (Some(spec), Value::Object(more)) = (object["spec"].as_object_mut(), more) {
        spec.extend(more);
    }
    object
}

fn gate(at: &Names<'_>, ingress: &Ingress) -> Value {
    let mut spec = json!({
        "rules": [{
            "host": ingress.host,
            "http": { "paths": [{
                "path": ingress.path,
                "pathType": "Prefix",
                "backend": { "service": { "name": at.app, "port": { "name": "http" } } },
            }] },
        }],
    });
    if !ingress.class.is_empty() {
        spec["ingressClassName"] = ingress.class.clone().into();
    }
    if !ingress.tls_secret.is_empty() {
        spec["tls"] = json!([{ "hosts": [ingress.host], "secretName": ingress.tls_secret }]);
    }
    json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": at.metadata(at.app),
        "spec": spec,
    })
}

fn autoscaler(at: &Names<'_>, kind: WorkloadKind, scaling: Autoscaling) -> Value {
    json!({
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": at.metadata(at.app),
        "spec": {
            "scaleTargetRef": { "apiVersion": "apps/v1", "kind": kind.kubernetes(), "name": at.app },
            "minReplicas": scaling.min,
            "maxReplicas": scaling.max,
            "metrics": [{
                "type": "Resource",
                "resource": {
                    "name": "cpu",
                    "target": { "type": "Utilization", "averageUtilization": scaling.cpu_percent },
                },
            }],
        },
    })
}
