//! Subresources: status, scale, log, eviction, token, finalize; and the two faces of an event.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Response;
use serde_json::{Value, json};

use super::Cluster;
use super::apply::Writer;
use super::error::{ApiError, ApiResult};
use super::http::{Call, answer, answer_object, content_type};
use super::registry::{Deletion, Write};
use super::{lists, logs, object, patch as patches, resource, writes};

pub fn serve(cluster: &Arc<Cluster>, verb: &str, call: &Call) -> ApiResult<Response<Body>> {
    let resource = call.resource;
    match (resource.name, call.subresource.as_str(), verb) {
        (_, "status", _) if resource.status => match verb {
            "get" => lists::get(cluster, call),
            "update" => writes::update(cluster, call),
            "patch" => writes::patch(cluster, call),
            _ => Err(ApiError::method_not_allowed()),
        },
        (_, "scale", _) if resource.scale => scale(cluster, verb, call),
        ("pods", "log", "get") => logs::serve(cluster, call),
        ("pods", "eviction", "create") => evict(cluster, call),
        ("serviceaccounts", "token", "create") => token(cluster, call),
        ("namespaces", "finalize", "update") => finalize(cluster, call),
        _ => Err(ApiError::no_such_path()),
    }
}

/// `autoscaling/v1` Scale of a workload.
fn scale_of(target: &Value) -> Value {
    let selector: Vec<String> = object::entries(target, "/spec/selector/matchLabels")
        .map(|(k, v)| format!("{k}={v}"))
        .collect();
    json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": object::name(target), "namespace": object::namespace(target), "uid": object::uid(target),
            "resourceVersion": object::text(target, "/metadata/resourceVersion"),
            "creationTimestamp": object::text(target, "/metadata/creationTimestamp"),
        },
        "spec": { "replicas": object::int(target, "/spec/replicas").unwrap_or(0) },
        "status": { "replicas": object::int(target, "/status/replicas").unwrap_or(0), "selector": selector.join(",") },
    })
}

fn scale(cluster: &Cluster, verb: &str, call: &Call) -> ApiResult<Response<Body>> {
    let mut registry = cluster.registry.lock();
    let found = registry
        .state
        .get(call.resource, &call.namespace, &call.name)
        .cloned();
    let old = found.ok_or_else(|| ApiError::not_found(call.resource, &call.name))?;
    let scale = match verb {
        "get" => return Ok(answer(200, &scale_of(&old))),
        "update" => call.document()?,
        "patch" => {
            let mut scale = scale_of(&old);
            let kind = content_type(&call.headers)
                .split(';')
                .next()
                .unwrap_or_default()
                .trim();
            if kind == "application/json-patch+json" {
                patches::json_patch(&mut scale, &call.document()?)?;
            } else {
                patches::merge_patch(&mut scale, &call.document()?);
            }
            scale
        }
        _ => return Err(ApiError::method_not_allowed()),
    };
    let replicas = object::int(&scale, "/spec/replicas").unwrap_or(0);
    if replicas < 0 {
        let cause = super::error::Cause::invalid(
            "spec.replicas",
            &replicas.into(),
            "must be greater than or equal to 0",
        );
        return Err(ApiError::invalid(call.resource, &call.name, &[cause]));
    }
    let given = object::text(&scale, "/metadata/resourceVersion");
    if verb == "update" && !given.is_empty() && given != object::text(&old, "/metadata/resourceVersion") {
        return Err(ApiError::modified(call.resource, &call.name));
    }
    let mut target = (*old).clone();
    object::set(&mut target, &["spec", "replicas"], replicas);
    let (manager, api_version) = (writes::manager(call), call.resource.api_version());
    let write = Write {
        writer: Writer {
            manager: &manager,
            api_version: &api_version,
            subresource: "scale",
        },
        dry_run: call.dry_run()?,
    };
    let updated = registry.update(call.resource, &old, target, write)?;
    Ok(answer(200, &scale_of(&updated)))
}

fn evict(cluster: &Cluster, call: &Call) -> ApiResult<Response<Body>> {
    let mut registry = cluster.registry.lock();
    let options = Deletion {
        dry_run: call.dry_run()?,
        ..Deletion::default()
    };
    registry.delete(resource::PODS, &call.namespace, &call.name, &options)?;
    Ok(answer(
        201,
        &json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201 }),
    ))
}

fn token(cluster: &Cluster, call: &Call) -> ApiResult<Response<Body>> {
    let found = cluster
        .registry
        .lock()
        .state
        .get(resource::SERVICE_ACCOUNTS, &call.namespace, &call.name)
        .is_some();
    if !found {
        return Err(ApiError::not_found(call.resource, &call.name));
    }
    Ok(answer(
        201,
        &cluster
            .access
            .issue(&call.namespace, &call.name, &call.document()?),
    ))
}

fn finalize(cluster: &Cluster, call: &Call) -> ApiResult<Response<Body>> {
    let given = call.document()?;
    let mut registry = cluster.registry.lock();
    let found = registry.state.get(resource::NAMESPACES, "", &call.name).cloned();
    let old = found.ok_or_else(|| ApiError::not_found(call.resource, &call.name))?;
    let mut target = (*old).clone();
    let finalizers = given.pointer("/spec/finalizers").cloned().unwrap_or_default();
    object::set(&mut target, &["spec", "finalizers"], finalizers);
    let updated = registry.state.put(resource::NAMESPACES, target);
    Ok(answer_object(200, call, &updated, &[]))
}

const RENAMED: [(&str, &str); 6] = [
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("count", "deprecatedCount"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("source", "deprecatedSource"),
];
const ALSO: [(&str, &str); 2] = [
    ("reportingComponent", "reportingController"),
    ("reportingInstance", "reportingInstance"),
];

/// A core event as `events.k8s.io/v1`.
pub fn event_to_v1(event: &Value) -> Value {
    let mut result = event.clone();
    object::set(&mut result, &["apiVersion"], "events.k8s.io/v1");
    for (core, new) in RENAMED.iter().chain(&ALSO) {
        if let Some(value) = event.get(*core).cloned() {
            object::set(&mut result, &[core], Value::Null);
            object::set(&mut result, &[new], value);
        }
    }
    if result.get("eventTime").is_none() {
        result["eventTime"] = Value::Null;
    }
    result
}

/// An `events.k8s.io/v1` event as a core one.
pub fn event_from_v1(event: &Value) -> Value {
    let mut result = event.clone();
    object::set(&mut result, &["apiVersion"], "v1");
    for (core, new) in RENAMED.iter().chain(&ALSO) {
        if let Some(value) = event.get(*new).cloned() {
            object::set(&mut result, &[new], Value::Null);
            object::set(&mut result, &[core], value);
        }
    }
    result
}
