//! Deletion: at once, after a grace period, or once finalizers are done.

use std::sync::Arc;

use serde_json::Value;

use super::super::error::{ApiError, ApiResult};
use super::super::object;
use super::super::resource::Resource;
use super::super::state::Key;
use super::Registry;

/// `DeleteOptions`.
#[derive(Debug, Clone, Default)]
pub struct Deletion {
    /// Seconds.
    pub grace: Option<i64>,
    pub propagation: Option<String>,
    pub uid: Option<String>,
    pub resource_version: Option<String>,
    pub dry_run: bool,
}

/// What became of a deletion.
#[derive(Debug)]
pub enum Deleted {
    /// Gone; the last state.
    Gone(Arc<Value>),
    /// Marked; it goes once its finalizers or its grace period are done.
    Marked(Arc<Value>),
}

impl Registry {
    pub fn delete(
        &mut self,
        resource: &'static Resource,
        namespace: &str,
        name: &str,
        options: &Deletion,
    ) -> ApiResult<Deleted> {
        let old = self
            .state
            .get(resource, namespace, name)
            .cloned()
            .ok_or_else(|| ApiError::not_found(resource, name))?;
        for (given, found, what) in [
            (&options.uid, object::uid(&old), "UID"),
            (
                &options.resource_version,
                object::text(&old, "/metadata/resourceVersion"),
                "ResourceVersion",
            ),
        ] {
            if let Some(given) = given.as_deref().filter(|g| *g != found) {
                let detail = format!(
                    "Precondition failed: {what} in precondition: {given}, {what} in object meta: {found}"
                );
                return Err(ApiError::conflict(resource, name, &detail));
            }
        }
        if options.dry_run {
            return Ok(Deleted::Gone(old));
        }
        let key = Key::of(resource, namespace, name);
        let mut target = (*old).clone();
        match options.propagation.as_deref() {
            Some("Orphan") => self.orphan(object::uid(&old)),
            Some("Foreground") if !self.state.dependents(object::uid(&old)).is_empty() => {
                add_finalizer(&mut target, "foregroundDeletion");
            }
            _ => {}
        }
        let graceful = resource.name == "pods"
            && options.grace != Some(0)
            && !matches!(object::text(&old, "/status/phase"), "Succeeded" | "Failed");
        let held = !object::list(&target, "/metadata/finalizers").is_empty() || resource.name == "namespaces";
        if !graceful && !held {
            let last = self
                .state
                .remove(&key)
                .ok_or_else(|| ApiError::not_found(resource, name))?;
            return Ok(Deleted::Gone(last));
        }
        let grace = if graceful {
            options
                .grace
                .or_else(|| object::int(&old, "/spec/terminationGracePeriodSeconds"))
                .unwrap_or(30)
        } else {
            0
        };
        if object::is_deleting(&old) && (!graceful || options.grace.is_none()) {
            return Ok(Deleted::Marked(old));
        }
        let end = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(grace);
        object::set(&mut target, &["metadata", "deletionTimestamp"], object::time(end));
        object::set(&mut target, &["metadata", "deletionGracePeriodSeconds"], grace);
        if resource.has_generation {
            let generation = object::int(&old, "/metadata/generation").unwrap_or(0) + 1;
            object::set(&mut target, &["metadata", "generation"], generation);
        }
        if resource.name == "namespaces" {
            object::set(&mut target, &["status", "phase"], "Terminating");
        }
        Ok(Deleted::Marked(self.state.put(resource, target)))
    }

    /// Takes the owner's uid out of everything that names it.
    pub(super) fn orphan(&mut self, uid: &str) {
        for key in self.state.dependents(uid) {
            let Some(dependent) = self.state.by_key(&key) else {
                continue;
            };
            let mut target = (**dependent).clone();
            let left: Vec<Value> = object::list(&target, "/metadata/ownerReferences")
                .iter()
                .filter(|o| object::text(o, "/uid") != uid)
                .cloned()
                .collect();
            let left = if left.is_empty() { Value::Null } else { left.into() };
            object::set(&mut target, &["metadata", "ownerReferences"], left);
            self.state.put(key.resource(), target);
        }
    }

    /// Takes one finalizer away; the object goes with its last one when it is marked.
    pub fn remove_finalizer(&mut self, key: &Key, finalizer: &str) {
        let Some(old) = self.state.by_key(key).cloned() else {
            return;
        };
        let mut target = (*old).clone();
        let left: Vec<Value> = object::list(&target, "/metadata/finalizers")
            .iter()
            .filter(|f| *f != finalizer)
            .cloned()
            .collect();
        let left = if left.is_empty() { Value::Null } else { left.into() };
        object::set(&mut target, &["metadata", "finalizers"], left);
        let released = object::is_deleting(&target) && Self::is_released(key.resource(), &target);
        self.state.put(key.resource(), target);
        if released {
            self.state.remove(key);
        }
    }
}

fn add_finalizer(target: &mut Value, finalizer: &str) {
    let mut finalizers = object::list(target, "/metadata/finalizers").to_vec();
    if !finalizers.iter().any(|f| f == finalizer) {
        finalizers.push(finalizer.into());
    }
    object::set(target, &["metadata", "finalizers"], finalizers);
}
