//! What a write means: identity, defaults, validation, admission, ownership of fields, then storage.

mod delete;

use std::sync::Arc;

use serde_json::{Value, json};

use super::admission::AdmissionRules;
use super::apply::{self, Ownership, Writer};
use super::error::{ApiError, ApiResult};
use super::resource::{self, Resource};
use super::schema::{At, Schema};
use super::state::{Key, State};
use super::{defaults, object, quota, validate};

pub use delete::{Deleted, Deletion};

/// Says how a write is to be done.
#[derive(Debug, Clone, Copy)]
pub struct Write<'a> {
    pub writer: Writer<'a>,
    pub dry_run: bool,
}

/// The stored objects with the rules for writing them.
#[derive(Debug)]
pub struct Registry {
    pub state: State,
    pub admission: AdmissionRules,
}

impl Registry {
    pub fn create(
        &mut self,
        resource: &'static Resource,
        namespace: &str,
        mut target: Value,
        write: Write<'_>,
    ) -> ApiResult<Arc<Value>> {
        self.prepare_create(resource, namespace, &mut target)?;
        let shape = Schema::get().shape(resource.schema);
        apply::track_update(
            &json!({}),
            &mut target,
            At::root(&shape),
            &write.writer,
            resource.status,
        );
        Ok(self.finish_create(resource, target, write.dry_run))
    }

    /// Creates what an apply configuration describes, with its manager as the owner.
    pub fn create_applied(
        &mut self,
        resource: &'static Resource,
        namespace: &str,
        mut target: Value,
        ownership: &Ownership,
        dry_run: bool,
    ) -> ApiResult<Arc<Value>> {
        self.prepare_create(resource, namespace, &mut target)?;
        ownership.write(&mut target);
        Ok(self.finish_create(resource, target, dry_run))
    }

    fn prepare_create(
        &mut self,
        resource: &'static Resource,
        namespace: &str,
        target: &mut Value,
    ) -> ApiResult<()> {
        if !object::text(target, "/metadata/resourceVersion").is_empty() {
            return Err(ApiError::bad_request(
                "resourceVersion should not be set on objects to be created",
            ));
        }
        let name = object::name(target).to_owned();
        if resource.namespaced {
            self.require_namespace(resource, namespace, &name)?;
            object::set(target, &["metadata", "namespace"], namespace);
        } else {
            object::set(target, &["metadata", "namespace"], Value::Null);
        }
        let prefix = object::text(target, "/metadata/generateName").to_owned();
        if name.is_empty() && !prefix.is_empty() {
            let base: String = prefix.chars().take(58).collect();
            object::set(
                target,
                &["metadata", "name"],
                format!("{base}{}", object::random_suffix(5)),
            );
        }
        object::set(target, &["apiVersion"], stored_version(resource));
        object::set(target, &["kind"], resource.kind);
        for field in [
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
            "selfLink",
            "managedFields",
        ] {
            object::set(target, &["metadata", field], Value::Null);
        }
        object::set(target, &["metadata", "uid"], uuid::Uuid::new_v4().to_string());
        object::set(target, &["metadata", "creationTimestamp"], object::now());
        object::set(
            target,
            &["metadata", "generation"],
            if resource.has_generation {
                json!(1)
            } else {
                Value::Null
            },
        );
        if resource.status {
            object::set(target, &["status"], Value::Null);
        }
        defaults::apply(target, resource);
        match resource.name {
            "services" => defaults::cluster_ip(target),
            "jobs" => defaults::job_identity(target),
            "pods" => {
                object::default(target, &["spec", "serviceAccountName"], "default");
                object::default(target, &["spec", "serviceAccount"], "default");
                quota::limit_range_defaults(&self.state, target);
            }
            _ => {}
        }
        let causes = validate::create(target, resource);
        if !causes.is_empty() {
            return Err(ApiError::invalid(resource, object::name(target), &causes));
        }
        let name = object::name(target);
        self.admission.admit(resource, target)?;
        if self.state.get(resource, namespace, name).is_some() {
            return Err(ApiError::already_exists(resource, name));
        }
        if resource.namespaced {
            quota::admit(&self.state, target, resource)
        } else {
            Ok(())
        }
    }

    fn finish_create(&mut self, resource: &'static Resource, mut target: Value, dry_run: bool) -> Arc<Value> {
        if dry_run {
            return Arc::new(target);
        }
        if resource.namespaced && resource.name == "pods" {
            object::default(&mut target, &["status", "phase"], "Pending");
        }
        self.state.put(resource, target)
    }

    fn require_namespace(&self, resource: &Resource, namespace: &str, name: &str) -> ApiResult<()> {
        let Some(found) = self.state.get(resource::NAMESPACES, "", namespace) else {
            return Err(ApiError::not_found(resource::NAMESPACES, namespace));
        };
        if object::is_deleting(found) {
            let detail = format!(
                "unable to create new content in namespace {namespace} because it is being terminated"
            );
            let mut error = ApiError::forbidden(resource, name, &detail);
            let message = format!("namespace {namespace} is being terminated");
            error.details["causes"] = json!([{ "reason": "NamespaceTerminating", "message": message, "field": "metadata.namespace" }]);
            return Err(error);
        }
        Ok(())
    }

    /// Replaces `old` by `target`, which came in for the writer's subresource.
    pub fn update(
        &mut self,
        resource: &'static Resource,
        old: &Arc<Value>,
        target: Value,
        write: Write<'_>,
    ) -> ApiResult<Arc<Value>> {
        let shape = Schema::get().shape(resource.schema);
        let mut target = self.prepare_update(resource, old, target, write.writer.subresource)?;
        apply::track_update(old, &mut target, At::root(&shape), &write.writer, resource.status);
        self.finish_update(resource, old, target, write)
    }

    pub fn update_applied(
        &mut self,
        resource: &'static Resource,
        old: &Arc<Value>,
        target: Value,
        ownership: &Ownership,
        write: Write<'_>,
    ) -> ApiResult<Arc<Value>> {
        let mut target = self.prepare_update(resource, old, target, write.writer.subresource)?;
        ownership.write(&mut target);
        self.finish_update(resource, old, target, write)
    }

    fn prepare_update(
        &self,
        resource: &'static Resource,
        old: &Arc<Value>,
        mut target: Value,
        subresource: &str,
    ) -> ApiResult<Value> {
        let name = object::name(old);
        if !object::name(&target).is_empty() && object::name(&target) != name {
            let detail = format!(
                "the name of the object ({}) does not match the name on the URL ({name})",
                object::name(&target)
            );
            return Err(ApiError::bad_request(detail));
        }
        let given = object::text(&target, "/metadata/resourceVersion");
        if !given.is_empty() && given != object::text(old, "/metadata/resourceVersion") {
            return Err(ApiError::modified(resource, name));
        }
        let uid = object::uid(&target);
        if !uid.is_empty() && uid != object::uid(old) {
            let detail = format!(
                "Precondition failed: UID in precondition: {uid}, UID in object meta: {}",
                object::uid(old)
            );
            return Err(ApiError::conflict(resource, name, &detail));
        }
        if subresource == "status" {
            let status = target.get("status").cloned().unwrap_or_else(|| json!({}));
            let managed = target
                .pointer("/metadata/managedFields")
                .cloned()
                .unwrap_or_default();
            target = (**old).clone();
            object::set(&mut target, &["status"], status);
            object::set(&mut target, &["metadata", "managedFields"], managed);
        } else if resource.status {
            object::set(
                &mut target,
                &["status"],
                old.get("status").cloned().unwrap_or_default(),
            );
        }
        for field in [
            "name",
            "namespace",
            "uid",
            "creationTimestamp",
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
            "generation",
            "generateName",
            "resourceVersion",
            "selfLink",
        ] {
            object::set(
                &mut target,
                &["metadata", field],
                old["metadata"].get(field).cloned().unwrap_or_default(),
            );
        }
        object::set(&mut target, &["apiVersion"], stored_version(resource));
        object::set(&mut target, &["kind"], resource.kind);
        if subresource != "status" {
            carry_over(&mut target, old, resource);
            defaults::apply(&mut target, resource);
            self.admission.admit(resource, &target)?;
            let causes = validate::update(old, &target, resource);
            if !causes.is_empty() {
                return Err(ApiError::invalid(resource, name, &causes));
            }
            if resource.has_generation && old.get("spec") != target.get("spec") {
                let generation = object::int(old, "/metadata/generation").unwrap_or(0) + 1;
                object::set(&mut target, &["metadata", "generation"], generation);
            }
        }
        Ok(target)
    }

    fn finish_update(
        &mut self,
        resource: &'static Resource,
        old: &Arc<Value>,
        target: Value,
        write: Write<'_>,
    ) -> ApiResult<Arc<Value>> {
        if apply::same_but_times(old, &target) {
            return Ok(Arc::clone(old));
        }
        if write.dry_run {
            return Ok(Arc::new(target));
        }
        if object::is_deleting(&target) && Self::is_released(resource, &target) {
            self.state.put(resource, target);
            let key = Key::of(resource, object::namespace(old), object::name(old));
            return self
                .state
                .remove(&key)
                .ok_or_else(|| ApiError::not_found(resource, object::name(old)));
        }
        Ok(self.state.put(resource, target))
    }

    /// True when nothing holds a marked object back any more.
    fn is_released(resource: &Resource, target: &Value) -> bool {
        let held = !object::list(target, "/metadata/finalizers").is_empty();
        let running =
            resource.name == "pods" && object::int(target, "/metadata/deletionGracePeriodSeconds") != Some(0);
        let full = resource.name == "namespaces" && !object::list(target, "/spec/finalizers").is_empty();
        !held && !running && !full
    }

    /// A controller's write of a status: no validation, no optimistic lock.
    pub fn set_status(
        &mut self,
        resource: &'static Resource,
        old: &Arc<Value>,
        status: Value,
        manager: &str,
    ) -> Arc<Value> {
        if old.get("status") == Some(&status) {
            return Arc::clone(old);
        }
        let mut target = (**old).clone();
        object::set(&mut target, &["status"], status);
        self.write_as_controller(resource, old, target, manager, "status")
    }

    /// A controller's write of any part.
    pub fn write_as_controller(
        &mut self,
        resource: &'static Resource,
        old: &Arc<Value>,
        mut target: Value,
        manager: &str,
        subresource: &str,
    ) -> Arc<Value> {
        let shape = Schema::get().shape(resource.schema);
        let api_version = resource.api_version();
        let writer = Writer {
            manager,
            api_version: &api_version,
            subresource,
        };
        if resource.has_generation && old.get("spec") != target.get("spec") {
            let generation = object::int(old, "/metadata/generation").unwrap_or(0) + 1;
            object::set(&mut target, &["metadata", "generation"], generation);
        }
        apply::track_update(old, &mut target, At::root(&shape), &writer, resource.status);
        self.state.put(resource, target)
    }
}

/// The version objects are stored under: events live as `v1` whatever way they came.
fn stored_version(resource: &Resource) -> String {
    resource::RESOURCES[resource.storage].api_version()
}

/// What the server chose at creation stays when an update leaves it out.
fn carry_over(target: &mut Value, old: &Value, resource: &Resource) {
    let fields: &[&[&str]] = match resource.name {
        "services" => &[
            &["spec", "clusterIP"],
            &["spec", "clusterIPs"],
            &["spec", "ipFamilies"],
            &["spec", "ipFamilyPolicy"],
        ],
        "jobs" => &[&["spec", "selector"], &["spec", "completions"]],
        "pods" => &[
            &["spec", "nodeName"],
            &["spec", "serviceAccountName"],
            &["spec", "serviceAccount"],
        ],
        "persistentvolumeclaims" => &[&["spec", "volumeName"], &["spec", "storageClassName"]],
        _ => &[],
    };
    for path in fields {
        let pointer = format!("/{}", path.join("/"));
        if let Some(value) = old.pointer(&pointer)
            && object::text(target, "/spec/type") != "ExternalName"
        {
            object::default(target, path, value.clone());
        }
    }
    if resource.name == "jobs" {
        for key in [
            "batch.kubernetes.io/controller-uid",
            "batch.kubernetes.io/job-name",
            "controller-uid",
            "job-name",
        ] {
            let found = old["spec"]["template"]["metadata"]["labels"].get(key).cloned();
            if let Some(value) = found {
                object::default(target, &["spec", "template", "metadata", "labels", key], value);
            }
        }
    }
}
