//! Writing: create, update, patch, server-side apply and delete.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Response, header};
use serde_json::{Value, json};

use super::Cluster;
use super::apply::{self, Writer};
use super::decode::{self, FieldValidation};
use super::error::{ApiError, ApiResult};
use super::http::{Call, answer, answer_object, content_type, parse_document};
use super::lists::Selection;
use super::registry::{Deleted, Deletion, Registry, Write};
use super::resource::{self, Resource};
use super::schema::{At, Schema};
use super::{object, patch as patches, remarks, subresources};

/// The name under which a write owns its fields: the parameter, or the program's name.
pub fn manager(call: &Call) -> String {
    let agent = call
        .headers
        .get(header::USER_AGENT)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    let program = agent.split('/').next().unwrap_or_default();
    let name = call
        .query("fieldManager")
        .unwrap_or(if program.is_empty() { "unknown" } else { program });
    name.chars().take(128).collect()
}

/// Checks that the body is of the kind that the URL names.
fn check_kind(call: &Call, target: &Value) -> ApiResult<()> {
    let (version, kind) = (object::text(target, "/apiVersion"), object::text(target, "/kind"));
    let resource = call.resource;
    if !target.is_object() {
        return Err(ApiError::bad_request(
            "the body of the request must be one object",
        ));
    }
    let given = |text: &str, wanted: &str| text.is_empty() || text == wanted;
    if !given(version, &resource.api_version()) || !given(kind, resource.kind) {
        let message = format!(
            "the API version in the data ({version}, Kind={kind}) does not match the expected API version ({}, Kind={})",
            resource.api_version(),
            resource.kind
        );
        return Err(ApiError::bad_request(message));
    }
    let namespace = object::namespace(target);
    if !namespace.is_empty() && resource.namespaced && namespace != call.namespace {
        return Err(ApiError::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    Ok(())
}

/// Reads and checks a whole object; the warnings go back with the answer.
pub fn whole_object(call: &Call, mut target: Value) -> ApiResult<(Value, Vec<String>)> {
    check_kind(call, &target)?;
    let validation = FieldValidation::parse(call.query("fieldValidation"))?;
    let warnings = decode::decode(&mut target, call.resource, validation)?;
    if std::ptr::eq(call.resource, resource::EVENTS_K8S_IO) {
        target = subresources::event_from_v1(&target);
    }
    Ok((target, warnings))
}

pub fn create(cluster: &Cluster, call: &Call) -> ApiResult<Response<Body>> {
    let (target, mut warnings) = whole_object(call, call.document()?)?;
    let (manager, api_version) = (manager(call), call.resource.api_version());
    let write = Write {
        writer: Writer {
            manager: &manager,
            api_version: &api_version,
            subresource: "",
        },
        dry_run: call.dry_run()?,
    };
    let created = cluster
        .registry
        .lock()
        .create(call.resource, &call.namespace, target, write)?;
    warnings.extend(remarks::on_write(call.resource, None, &created));
    Ok(answer_object(201, call, &created, &warnings))
}

fn current(registry: &Registry, call: &Call) -> ApiResult<Arc<Value>> {
    let found = registry
        .state
        .get(call.resource, &call.namespace, &call.name)
        .cloned();
    found.ok_or_else(|| ApiError::not_found(call.resource, &call.name))
}

pub fn update(cluster: &Cluster, call: &Call) -> ApiResult<Response<Body>> {
    let (target, mut warnings) = whole_object(call, call.document()?)?;
    let (manager, api_version) = (manager(call), call.resource.api_version());
    let writer = Writer {
        manager: &manager,
        api_version: &api_version,
        subresource: &call.subresource,
    };
    let write = Write {
        writer,
        dry_run: call.dry_run()?,
    };
    let mut registry = cluster.registry.lock();
    let old = current(&registry, call)?;
    if call.subresource.is_empty()
        && object::text(&target, "/metadata/resourceVersion").is_empty()
        && needs_revision(call.resource)
    {
        let cause = super::error::Cause::invalid(
            "metadata.resourceVersion",
            &json!(0),
            "must be specified for an update",
        );
        return Err(ApiError::invalid(call.resource, &call.name, &[cause]));
    }
    let updated = registry.update(call.resource, &old, target, write)?;
    warnings.extend(remarks::on_write(call.resource, Some(&old), &updated));
    Ok(answer_object(200, call, &updated, &warnings))
}

/// Kinds that refuse an update without a resource version.
fn needs_revision(resource: &Resource) -> bool {
    matches!(
        resource.name,
        "services" | "leases" | "ingresses" | "horizontalpodautoscalers" | "poddisruptionbudgets"
    )
}

pub fn patch(cluster: &Cluster, call: &Call) -> ApiResult<Response<Body>> {
    let kind = content_type(&call.headers)
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_owned();
    if kind.starts_with("application/apply-patch") {
        return apply(cluster, call);
    }
    if call.query.contains_key("force") {
        let message = "PatchOptions.meta.k8s.io \"\" is invalid: force: Forbidden: may not be specified for non-apply patch";
        return Err(ApiError::new(422, "Invalid", message));
    }
    let document = parse_document(&call.body, kind.contains("yaml"))?;
    let (manager, api_version) = (manager(call), call.resource.api_version());
    let writer = Writer {
        manager: &manager,
        api_version: &api_version,
        subresource: &call.subresource,
    };
    let write = Write {
        writer,
        dry_run: call.dry_run()?,
    };
    let mut registry = cluster.registry.lock();
    let old = current(&registry, call)?;
    let mut target = (*old).clone();
    patch_value(&mut target, &document, &kind, call.resource)?;
    let (target, mut warnings) = whole_object(call, target)?;
    let updated = registry.update(call.resource, &old, target, write)?;
    drop(registry);
    warnings.extend(remarks::on_write(call.resource, Some(&old), &updated));
    Ok(answer_object(200, call, &updated, &warnings))
}

/// Applies one of the three ordinary patch types.
pub fn patch_value(target: &mut Value, document: &Value, kind: &str, resource: &Resource) -> ApiResult<()> {
    match kind {
        "application/json-patch+json" => patches::json_patch(target, document),
        "application/merge-patch+json" => {
            patches::merge_patch(target, document);
            Ok(())
        }
        "application/strategic-merge-patch+json" => {
            let shape = Schema::get().shape(resource.schema);
            patches::strategic(target, document, Some(At::root(&shape)));
            Ok(())
        }
        other => Err(ApiError::unsupported_media(format!(
            "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, \
             application/merge-patch+json, application/strategic-merge-patch+json, application/apply-patch+yaml (not {other})"
        ))),
    }
}

fn apply(cluster: &Cluster, call: &Call) -> ApiResult<Response<Body>> {
    let Some(manager) = call.query("fieldManager") else {
        let message = "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch";
        return Err(ApiError::new(422, "Invalid", message));
    };
    let mut config = parse_document(&call.body, true)?;
    let resource = call.resource;
    if object::text(&config, "/apiVersion").is_empty() || object::text(&config, "/kind").is_empty() {
        return Err(ApiError::bad_request(
            "Object 'Kind' is missing in the apply configuration; it names apiVersion and kind",
        ));
    }
    check_kind(call, &config)?;
    if !object::list(&config, "/metadata/managedFields").is_empty() {
        return Err(ApiError::bad_request("metadata.managedFields must be nil"));
    }
    let name = object::name(&config);
    if !name.is_empty() && name != call.name {
        let message = format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            call.name
        );
        return Err(ApiError::bad_request(message));
    }
    decode::decode_applied(
        &mut config,
        resource,
        FieldValidation::parse(call.query("fieldValidation"))?,
    )?;
    object::set(&mut config, &["metadata", "name"], call.name.as_str());
    let api_version = resource.api_version();
    let writer = Writer {
        manager,
        api_version: &api_version,
        subresource: &call.subresource,
    };
    let write = Write {
        writer,
        dry_run: call.dry_run()?,
    };
    let shape = Schema::get().shape(resource.schema);
    let force = call.asks("force");
    let mut registry = cluster.registry.lock();
    let old = registry.state.get(resource, &call.namespace, &call.name).cloned();
    if old.is_none() && !call.subresource.is_empty() {
        return Err(ApiError::not_found(resource, &call.name));
    }
    let given = object::text(&config, "/metadata/resourceVersion").to_owned();
    match &old {
        Some(old) if !given.is_empty() && given != object::text(old, "/metadata/resourceVersion") => {
            return Err(ApiError::modified(resource, &call.name));
        }
        None if !given.is_empty() => {
            return Err(ApiError::conflict(
                resource,
                &call.name,
                "the object does not exist",
            ));
        }
        _ => {}
    }
    let uid = object::uid(&config);
    if !uid.is_empty() && old.as_deref().is_none_or(|o| object::uid(o) != uid) {
        let found = old.as_deref().map(object::uid).unwrap_or_default();
        let detail = format!("Precondition failed: UID in precondition: {uid}, UID in object meta: {found}");
        return Err(ApiError::conflict(resource, &call.name, &detail));
    }
    let empty = Arc::new(json!({}));
    let live = old.as_ref().unwrap_or(&empty);
    let (merged, ownership) =
        apply::apply(live, &config, At::root(&shape), &writer, force, resource.status)?.into_parts();
    let (code, result) = match &old {
        Some(old) => (
            200,
            registry.update_applied(resource, old, merged, &ownership, write)?,
        ),
        None => (
            201,
            registry.create_applied(resource, &call.namespace, merged, &ownership, write.dry_run)?,
        ),
    };
    drop(registry);
    let warnings = remarks::on_write(resource, old.as_deref(), &result);
    Ok(answer_object(code, call, &result, &warnings))
}

fn deletion(call: &Call) -> ApiResult<Deletion> {
    let options = if call.body.is_empty() {
        json!({})
    } else {
        call.document()?
    };
    let text = |pointer: &str| Some(object::text(&options, pointer).to_owned()).filter(|t| !t.is_empty());
    let grace = object::int(&options, "/gracePeriodSeconds")
        .or_else(|| call.query("gracePeriodSeconds").and_then(|g| g.parse().ok()))
        .filter(|g| *g >= 0);
    let mut propagation =
        text("/propagationPolicy").or_else(|| call.query("propagationPolicy").map(str::to_owned));
    if object::flag(&options, "/orphanDependents") || call.asks("orphanDependents") {
        propagation = Some("Orphan".to_owned());
    }
    if let Some(policy) = propagation.as_deref()
        && !["Orphan", "Background", "Foreground"].contains(&policy)
    {
        let message = format!(
            "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Unsupported value: {policy:?}: supported values: \
             \"Foreground\", \"Background\", \"Orphan\", nil"
        );
        return Err(ApiError::new(422, "Invalid", message));
    }
    let dry_run = call.dry_run()? || object::list(&options, "/dryRun").iter().any(|d| d == "All");
    Ok(Deletion {
        grace,
        propagation,
        uid: text("/preconditions/uid"),
        resource_version: text("/preconditions/resourceVersion"),
        dry_run,
    })
}

pub fn delete(cluster: &Cluster, call: &Call) -> ApiResult<Response<Body>> {
    let options = deletion(call)?;
    let deleted = cluster
        .registry
        .lock()
        .delete(call.resource, &call.namespace, &call.name, &options)?;
    Ok(match deleted {
        Deleted::Marked(target) => answer_object(200, call, &target, &[]),
        Deleted::Gone(target) if call.resource.name == "pods" => answer_object(200, call, &target, &[]),
        Deleted::Gone(target) => answer(200, &success(call.resource, &target)),
    })
}

/// The `Status` of a deletion.
pub fn success(resource: &Resource, target: &Value) -> Value {
    let mut details =
        json!({ "name": object::name(target), "kind": resource.name, "uid": object::uid(target) });
    if !resource.group.is_empty() {
        details["group"] = resource.group.into();
    }
    json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details })
}

pub fn delete_collection(cluster: &Cluster, call: &Call) -> ApiResult<Response<Body>> {
    let options = deletion(call)?;
    let selection = Selection::of(call)?;
    let mut registry = cluster.registry.lock();
    let matching: Vec<Arc<Value>> = registry
        .state
        .list(call.resource, call.namespace())
        .filter(|o| selection.matches(o))
        .cloned()
        .collect();
    for target in &matching {
        registry.delete(
            call.resource,
            object::namespace(target),
            object::name(target),
            &options,
        )?;
    }
    let metadata = json!({ "resourceVersion": registry.state.revision().to_string() });
    drop(registry);
    let items = matching.iter().map(|o| (**o).clone()).collect();
    let body = call.form.list(call.resource, items, &metadata);
    Ok(answer(200, &body))
}
