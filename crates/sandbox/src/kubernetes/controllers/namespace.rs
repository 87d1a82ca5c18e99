//! Namespaces: what a new one gets, and how a deleted one empties. Quota status and load balancers too.

use serde_json::{Value, json};

use super::super::apply::Writer;
use super::super::object;
use super::super::quota;
use super::super::registry::{Deletion, Registry, Write};
use super::super::resource::{self, RESOURCES};
use super::super::state::Key;
use super::{MANAGER, pod};

pub(super) fn write_as(api_version: &str) -> Write<'_> {
    Write {
        writer: Writer {
            manager: MANAGER,
            api_version,
            subresource: "",
        },
        dry_run: false,
    }
}

/// The namespaces and the node that every cluster starts with.
pub fn bootstrap(registry: &mut Registry) {
    for name in ["default", "kube-system", "kube-public", "kube-node-lease"] {
        if registry.state.get(resource::NAMESPACES, "", name).is_none() {
            let namespace = json!({ "metadata": { "name": name } });
            registry
                .create(resource::NAMESPACES, "", namespace, write_as("v1"))
                .expect("a valid namespace");
        }
    }
    if registry.state.get(resource::NODES, "", pod::NODE).is_none() {
        registry.state.put(resource::NODES, pod::node());
    }
    if registry
        .state
        .get(resource::SERVICES, "default", "kubernetes")
        .is_none()
    {
        let service = json!({
            "metadata": { "name": "kubernetes", "labels": { "component": "apiserver", "provider": "kubernetes" } },
            "spec": { "clusterIP": "10.96.0.1", "ports": [{ "name": "https", "port": 443, "targetPort": 6443 }] },
        });
        registry
            .create(resource::SERVICES, "default", service, write_as("v1"))
            .expect("a valid service");
    }
}

pub fn reconcile(registry: &mut Registry, key: &Key) {
    let Some(namespace) = registry.state.by_key(key).cloned() else {
        return;
    };
    if object::is_deleting(&namespace) {
        empty(registry, key, &namespace);
        return;
    }
    let name = object::name(&namespace);
    if registry
        .state
        .get(resource::SERVICE_ACCOUNTS, name, "default")
        .is_none()
    {
        let account = json!({ "metadata": { "name": "default" } });
        let _ = registry.create(resource::SERVICE_ACCOUNTS, name, account, write_as("v1"));
    }
    if registry
        .state
        .get(resource::CONFIG_MAPS, name, "kube-root-ca.crt")
        .is_none()
    {
        let map = json!({ "metadata": { "name": "kube-root-ca.crt" }, "data": { "ca.crt": "the sandbox speaks plain HTTP\n" } });
        let _ = registry.create(resource::CONFIG_MAPS, name, map, write_as("v1"));
    }
}

fn empty(registry: &mut Registry, key: &Key, namespace: &Value) {
    let name = object::name(namespace);
    let mut left = false;
    for resource in RESOURCES
        .iter()
        .enumerate()
        .filter(|(i, r)| r.namespaced && r.storage == *i)
        .map(|(_, r)| r)
    {
        let names: Vec<(String, bool)> = registry
            .state
            .list(resource, Some(name))
            .map(|o| (object::name(o).to_owned(), object::is_deleting(o)))
            .collect();
        left |= !names.is_empty();
        for (dependent, marked) in names {
            if !marked {
                let _ = registry.delete(resource, name, &dependent, &Deletion::default());
            }
        }
    }
    let still = RESOURCES
        .iter()
        .any(|r| r.namespaced && registry.state.list(r, Some(name)).next().is_some());
    if left && still {
        return;
    }
    if object::list(namespace, "/metadata/finalizers").is_empty() {
        registry.state.remove(key);
    } else if let Some(old) = registry.state.by_key(key).cloned() {
        let mut target = (*old).clone();
        object::set(&mut target, &["spec", "finalizers"], Value::Null);
        if target != *old {
            registry.state.put(resource::NAMESPACES, target);
        }
    }
}

/// Keeps `status.used` of a quota true.
pub fn quota_status(registry: &mut Registry, key: &Key) {
    let Some(old) = registry.state.by_key(key).cloned() else {
        return;
    };
    let status = quota::status(&registry.state, &old);
    registry.set_status(resource::QUOTAS, &old, status, MANAGER);
}

/// Gives a load balancer its address.
pub fn load_balancer(registry: &mut Registry, key: &Key) {
    let Some(old) = registry.state.by_key(key).cloned() else {
        return;
    };
    let wanted = object::text(&old, "/spec/type") == "LoadBalancer";
    if wanted && object::list(&old, "/status/loadBalancer/ingress").is_empty() {
        let status = json!({ "loadBalancer": { "ingress": [{ "ip": "127.0.0.1", "ipMode": "VIP" }] } });
        registry.set_status(resource::SERVICES, &old, status, MANAGER);
    }
}
