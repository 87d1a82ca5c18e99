//! Applying and deleting any object.

use std::collections::HashMap;

use kube::api::{ApiResource, DynamicObject, ObjectMeta, Patch, PatchParams};
use kube::core::GroupVersionKind;
use kube::discovery::{self, Scope};
use kube::{Api, Client};
use parking_lot::Mutex;
use serde_json::Value;
use slipway_domain::drift::{FieldChange, compare};
use slipway_domain::manifest::{FENCE, FIELD_MANAGER, OWN_MANAGERS};
use slipway_portal::ports::ClusterError;

use crate::refusal::{answer, is_lost_race, translate};

/// The kinds that workloads are made of, which need no discovery: group, version, kind, plural, whether namespaced.
pub const KNOWN: [(&str, &str, &str, &str, bool); 14] = [
    ("", "v1", "ConfigMap", "configmaps", true),
    ("", "v1", "Namespace", "namespaces", false),
    ("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", true),
    ("", "v1", "ResourceQuota", "resourcequotas", true),
    ("", "v1", "Secret", "secrets", true),
    ("", "v1", "Service", "services", true),
    ("", "v1", "ServiceAccount", "serviceaccounts", true),
    ("apps", "v1", "DaemonSet", "daemonsets", true),
    ("apps", "v1", "Deployment", "deployments", true),
    ("apps", "v1", "StatefulSet", "statefulsets", true),
    (
        "autoscaling",
        "v2",
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
        true,
    ),
    ("batch", "v1", "CronJob", "cronjobs", true),
    ("batch", "v1", "Job", "jobs", true),
    ("networking.k8s.io", "v1", "Ingress", "ingresses", true),
];

/// How often an object that is written by others at the same moment is looked at again.
pub const TRIES: u32 = 8;

type Kind = (ApiResource, Scope);

/// The kinds that were discovered.
#[derive(Default)]
pub struct Kinds(Mutex<HashMap<GroupVersionKind, Kind>>);

impl Kinds {
    async fn of(&self, client: &Client, gvk: &GroupVersionKind) -> Result<Kind, ClusterError> {
        if let Some(kind) = known(gvk) {
            return Ok(kind);
        }
        let cached = self.0.lock().get(gvk).cloned();
        if let Some(kind) = cached {
            return Ok(kind);
        }
        let (resource, abilities) = answer(discovery::pinned_kind(client, gvk))
            .await
            .map_err(|error| unserved(error, gvk))?;
        let kind = (resource, abilities.scope);
        self.0.lock().insert(gvk.clone(), kind.clone());
        Ok(kind)
    }
}

fn known(gvk: &GroupVersionKind) -> Option<Kind> {
    KNOWN
        .iter()
        .find(|(group, version, kind, ..)| {
            (gvk.group == *group) && gvk.version == *version && gvk.kind == *kind
        })
        .map(|(.., plural, namespaced)| {
            let scope = if *namespaced {
                Scope::Namespaced
            } else {
                Scope::Cluster
            };
            (ApiResource::from_gvk_with_plural(gvk, plural), scope)
        })
}

fn unserved(error: ClusterError, gvk: &GroupVersionKind) -> ClusterError {
    match error {
        ClusterError::NotFound(_) => ClusterError::NotFound(format!(
            "kind {} of {}; install what defines it",
            gvk.kind,
            gvk.api_version()
        )),
        other => other,
    }
}

/// An object that can be applied or deleted.
pub struct Manifest<'a> {
    namespace: &'a str,
    pub name: &'a str,
    gvk: GroupVersionKind,
    pub object: &'a Value,
}

impl<'a> Manifest<'a> {
    /// # Errors
    /// `Refused` where the object does not say what and where it is.
    pub fn read(object: &'a Value) -> Result<Self, ClusterError> {
        let text = |pointer: &str| {
            object
                .pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let api_version = text("/apiVersion");
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
        let kind = text("/kind");
        if version.is_empty() || kind.is_empty() {
            return Err(ClusterError::Refused(
                "the object has no apiVersion or no kind".to_owned(),
            ));
        }
        for part in [group, version] {
            // They become a part of the address.
            if !part.is_empty() {
                subdomain("apiVersion", part)?;
            }
        }
        let namespace = text("/metadata/namespace");
        if !namespace.is_empty() {
            label("metadata.namespace", namespace)?;
        }
        Ok(Self {
            namespace,
            name: subdomain("metadata.name", text("/metadata/name"))?,
            gvk: GroupVersionKind::gvk(group, version, kind),
            object,
        })
    }

    pub async fn api(&self, client: &Client, kinds: &Kinds) -> Result<Api<DynamicObject>, ClusterError> {
        let (resource, scope) = kinds.of(client, &self.gvk).await?;
        if scope == Scope::Namespaced && self.namespace.is_empty() {
            let (kind, name) = (&self.gvk.kind, self.name);
            return Err(ClusterError::Refused(format!(
                "{kind} {name} has no metadata.namespace"
            )));
        }
        Ok(Api::dynamic(client.clone(), &resource, &scope).constrain(self.namespace))
    }

    /// Applies it, without taking a field from another manager. Unknown fields are refused, not dropped.
    ///
    /// An object of a later deployment is left alone: what is there is looked at first, and is written only if it
    /// is still that (by its `resourceVersion`).
    ///
    /// Fields of other managers are taken only where all of them are in `takes` or Slipway's own by another name, and only
    /// from the object that was judged.
    pub async fn apply(
        &self,
        client: &Client,
        kinds: &Kinds,
        fence: i64,
        takes: &[String],
    ) -> Result<(), ClusterError> {
        let api = self.api(client, kinds).await?;
        let params = PatchParams::apply(FIELD_MANAGER).validation_strict();
        for _ in 0..TRIES {
            let live = answer(api.get_metadata_opt(self.name))
                .await?
                .map(|live| live.metadata);
            self.check_fence(live.as_ref(), fence)?;
            let object = self.at(live.and_then(|live| live.resource_version));
            let mut applied = api.patch(self.name, &params, &Patch::Apply(&object)).await;
            if applied.as_ref().is_err_and(|error| may_take(error, takes)) {
                let forced = params.clone().force();
                applied = api.patch(self.name, &forced, &Patch::Apply(&object)).await;
            }
            match applied {
                Ok(_) => return Ok(()),
                Err(error) if is_lost_race(&error) => {}
                Err(error) => return Err(self.unserved(translate(&error))),
            }
        }
        Err(self.restless())
    }

    /// Where the object differs from what applying it again would make of it.
    pub async fn drift(&self, client: &Client, kinds: &Kinds) -> Result<Vec<FieldChange>, ClusterError> {
        let api = self.api(client, kinds).await?;
        let mut params = PatchParams::apply(FIELD_MANAGER).validation_strict().force();
        params.dry_run = true;
        for _ in 0..TRIES {
            let Some(live) = answer(api.get_opt(self.name)).await? else {
                return Ok(compare(None, self.object));
            };
            let object = self.at(live.metadata.resource_version.clone());
            match api.patch(self.name, &params, &Patch::Apply(&object)).await {
                Ok(wanted) => return Ok(compare(Some(&value(&live)?), &value(&wanted)?)),
                Err(error) if is_lost_race(&error) => {}
                Err(error) => return Err(self.unserved(translate(&error))),
            }
        }
        Err(self.restless())
    }

    /// The object, to be written only if what is there is of that version.
    fn at(&self, version: Option<String>) -> Value {
        let mut object = self.object.clone();
        if let Some(version) = version {
            object["metadata"]["resourceVersion"] = version.into();
        }
        object
    }

    pub fn restless(&self) -> ClusterError {
        let (kind, name) = (&self.gvk.kind, self.name);
        ClusterError::Broken(format!("{kind} {name} was changed by others all the time"))
    }

    /// Refuses what a later deployment has applied.
    pub fn check_fence(&self, live: Option<&ObjectMeta>, fence: i64) -> Result<(), ClusterError> {
        let annotation = live.and_then(|live| live.annotations.as_ref()?.get(FENCE));
        match annotation.and_then(|text| text.parse::<i64>().ok()) {
            Some(found) if found > fence => Err(ClusterError::Fenced(format!(
                "{} {} carries the fencing token {found}, this deployment has {fence}",
                self.gvk.kind, self.name
            ))),
            _ => Ok(()),
        }
    }

    /// An unknown path is an unknown kind; where only the namespace is missing, the message names it.
    fn unserved(&self, error: ClusterError) -> ClusterError {
        match error {
            ClusterError::NotFound(message) if message.contains("requested resource") => {
                unserved(ClusterError::NotFound(message), &self.gvk)
            }
            other => other,
        }
    }
}

/// An answer of the server as a document.
pub fn value(object: &DynamicObject) -> Result<Value, ClusterError> {
    serde_json::to_value(object).map_err(|error| ClusterError::Broken(error.to_string()))
}

/// Whether an apply that was refused may take the fields over that it is about.
fn may_take(error: &kube::Error, takes: &[String]) -> bool {
    let ClusterError::Conflict(owned) = translate(error) else {
        return false;
    };
    let within = |field: &str, taken: &String| {
        let rest = field.strip_prefix(taken.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    owned.iter().all(|one| {
        one.manager.starts_with(OWN_MANAGERS) || takes.iter().any(|taken| within(&one.field, taken))
    })
}

/// A name that is part of an address: a DNS label (RFC 1123), as namespaces are.
pub fn label<'a>(what: &str, name: &'a str) -> Result<&'a str, ClusterError> {
    if name.contains('.') {
        return Err(not_a_name(what, name));
    }
    subdomain(what, name)
}

/// A name that is part of an address: a DNS subdomain (RFC 1123), as most objects' names are.
pub fn subdomain<'a>(what: &str, name: &'a str) -> Result<&'a str, ClusterError> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
    let ends = |c: char| c.is_ascii_alphanumeric();
    if name.len() <= 253 && name.chars().all(allowed) && name.starts_with(ends) && name.ends_with(ends) {
        Ok(name)
    } else {
        Err(not_a_name(what, name))
    }
}

fn not_a_name(what: &str, name: &str) -> ClusterError {
    ClusterError::Refused(format!(
        "{what} {name:?} is no name of Kubernetes: use lower-case letters, digits and '-', first and last a letter or digit"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_object_must_say_what_and_where_it_is() {
        for wrong in [
            json!({}),
            json!({ "apiVersion": "v1", "metadata": { "name": "a" } }),
            json!({ "apiVersion": "v1", "kind": "ConfigMap" }),
            json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "a/../b" } }),
            json!({ "apiVersion": "v1?x", "kind": "ConfigMap", "metadata": { "name": "a" } }),
            json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "a", "namespace": "dev/pods" } }),
        ] {
            let read = Manifest::read(&wrong).map(|_| ());
            assert!(matches!(read, Err(ClusterError::Refused(_))), "{wrong}");
        }
        let right = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "a.b-1", "namespace": "dev" } });
        let read = Manifest::read(&right).expect("readable");
        assert_eq!(
            (read.gvk.group.as_str(), read.gvk.version.as_str(), read.name),
            ("apps", "v1", "a.b-1")
        );
        assert!(label("namespace", "a.b").is_err() && label("namespace", "").is_err());
    }
}
