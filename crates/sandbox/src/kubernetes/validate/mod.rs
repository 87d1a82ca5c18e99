//! The rules that a manifest must meet: 422 Invalid with its causes.

mod immutable;
mod names;
mod network;
mod workload;

use serde_json::Value;

use super::error::Cause;
use super::object;
use super::resource::Resource;
use super::schema::{At, Schema, Shape};

use immutable::immutable;
use names::{
    DNS_LABEL, LABEL_1035, LABEL_VALUE, SUBDOMAIN, is_dns_label, is_label_value, is_qualified_name,
    is_subdomain,
};
use network::{ingress, service};
use workload::{deployment_strategy, pod_spec, workload};

/// Checks an object that is about to be created.
pub fn create(target: &Value, resource: &Resource) -> Vec<Cause> {
    let mut causes = Vec::new();
    metadata(target, resource, &mut causes);
    causes.extend(spec(target, resource));
    causes
}

/// Checks an object that is about to replace `old`.
pub fn update(old: &Value, new: &Value, resource: &Resource) -> Vec<Cause> {
    let mut causes = Vec::new();
    labels(new, "metadata", &mut causes);
    causes.extend(spec(new, resource));
    immutable(old, new, resource, &mut causes);
    causes
}

fn metadata(target: &Value, resource: &Resource, causes: &mut Vec<Cause>) {
    let name = object::name(target);
    let field = "metadata.name";
    if name.is_empty() {
        causes.push(Cause::required(field, "name or generateName is required"));
    } else {
        let (good, rule) = match resource.name {
            "namespaces" => (is_dns_label(name), DNS_LABEL),
            "services" => (
                is_dns_label(name) && name.as_bytes()[0].is_ascii_lowercase(),
                LABEL_1035,
            ),
            _ => (is_subdomain(name), SUBDOMAIN),
        };
        if !good {
            causes.push(Cause::invalid(field, &name.into(), rule));
        }
    }
    labels(target, "metadata", causes);
}

fn labels(target: &Value, path: &str, causes: &mut Vec<Cause>) {
    let pointer = format!("/{}", path.replace('.', "/"));
    for (key, value) in object::entries(target, &format!("{pointer}/labels")) {
        if !is_qualified_name(key) {
            let detail = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
                          alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
                          '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
            causes.push(Cause::invalid(format!("{path}.labels"), &key.into(), detail));
        }
        if value.len() > 63 {
            causes.push(Cause::invalid(
                format!("{path}.labels"),
                &value.into(),
                "must be no more than 63 bytes",
            ));
        } else if !is_label_value(value) {
            causes.push(Cause::invalid(
                format!("{path}.labels"),
                &value.into(),
                LABEL_VALUE,
            ));
        }
    }
    for (key, _) in object::entries(target, &format!("{pointer}/annotations")) {
        if !is_qualified_name(&key.to_ascii_lowercase()) {
            causes.push(Cause::invalid(
                format!("{path}.annotations"),
                &key.into(),
                "name part must be non-empty",
            ));
        }
    }
}

/// Fields the types require, below the spec (or the data) of the object.
fn required(target: &Value, at: At<'_>, path: &str, causes: &mut Vec<Cause>) {
    match (at.shape, target) {
        (Shape::Struct(index), Value::Object(map)) => {
            for field in &Schema::get().by_index(*index).fields {
                let below = if path.is_empty() {
                    field.name.clone()
                } else {
                    format!("{path}.{}", field.name)
                };
                match map.get(&field.name) {
                    Some(value) if !matches!(below.as_str(), "metadata" | "status") => {
                        required(
                            value,
                            At {
                                shape: &field.shape,
                                field: Some(field),
                            },
                            &below,
                            causes,
                        );
                    }
                    None if field.required => causes.push(Cause::required(below, "")),
                    _ => {}
                }
            }
        }
        (Shape::List(item), Value::Array(items)) => {
            for (i, value) in items.iter().enumerate() {
                required(value, At::root(item), &format!("{path}[{i}]"), causes);
            }
        }
        _ => {}
    }
}

fn spec(target: &Value, resource: &Resource) -> Vec<Cause> {
    let mut causes = Vec::new();
    let shape = Schema::get().shape(resource.schema);
    required(target, At::root(&shape), "", &mut causes);
    match resource.name {
        "pods" => pod_spec(target, "spec", None, &mut causes),
        "deployments" => {
            workload(target, &mut causes);
            deployment_strategy(target, &mut causes);
        }
        "replicasets" | "statefulsets" | "daemonsets" => workload(target, &mut causes),
        "jobs" => {
            let policies = ["OnFailure", "Never"];
            pod_spec(target, "spec.template.spec", Some(&policies), &mut causes);
        }
        "cronjobs" => {
            pod_spec(
                target,
                "spec.jobTemplate.spec.template.spec",
                Some(&["OnFailure", "Never"]),
                &mut causes,
            );
            let schedule = object::text(target, "/spec/schedule");
            if !schedule.starts_with('@') && schedule.split_whitespace().count() != 5 {
                let found = schedule.split_whitespace().count();
                let detail = format!("expected exactly 5 fields, found {found}: [{schedule}]");
                causes.push(Cause::invalid("spec.schedule", &schedule.into(), detail));
            }
        }
        "services" => service(target, &mut causes),
        "configmaps" | "secrets" => data_keys(target, &mut causes),
        "horizontalpodautoscalers" => autoscaler(target, &mut causes),
        "ingresses" => ingress(target, &mut causes),
        "poddisruptionbudgets"
            if target.pointer("/spec/minAvailable").is_some()
                && target.pointer("/spec/maxUnavailable").is_some() =>
        {
            let value = target.get("spec").cloned().unwrap_or_default();
            let detail = "minAvailable and maxUnavailable cannot be both set";
            causes.push(Cause::invalid("spec", &value, detail));
        }
        _ => {}
    }
    causes
}

fn data_keys(target: &Value, causes: &mut Vec<Cause>) {
    for map in ["data", "binaryData"] {
        for (key, _) in target.get(map).and_then(Value::as_object).into_iter().flatten() {
            let good = !key.is_empty()
                && key
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
            if !good {
                let detail = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or \
                              'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
                causes.push(Cause::invalid(
                    format!("{map}[{key}]"),
                    &key.as_str().into(),
                    detail,
                ));
            }
        }
    }
}

fn autoscaler(target: &Value, causes: &mut Vec<Cause>) {
    let max = object::int(target, "/spec/maxReplicas").unwrap_or(0);
    let min = object::int(target, "/spec/minReplicas").unwrap_or(1);
    if max < 1 && target.pointer("/spec/maxReplicas").is_some() {
        causes.push(Cause::invalid(
            "spec.maxReplicas",
            &max.into(),
            "must be greater than 0",
        ));
    } else if max < min {
        causes.push(Cause::invalid(
            "spec.maxReplicas",
            &max.into(),
            "must be greater than or equal to `minReplicas`",
        ));
    }
}
