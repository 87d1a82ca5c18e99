//! Records events, and counts the ones that repeat.

use serde_json::{Value, json};

use super::super::object;
use super::super::registry::Registry;
use super::super::resource;
use super::super::state::Key;

/// Events that are kept; the oldest go first.
const KEPT: usize = 6_000;

/// What happened to an object.
pub struct Event<'a> {
    /// `Normal` or `Warning`.
    pub kind: &'a str,
    pub reason: &'a str,
    pub message: String,
    /// Who says so: `kubelet`, `deployment-controller` …
    pub component: &'a str,
    /// Which part of the object, such as `spec.containers{web}`.
    pub field: Option<String>,
}

pub fn normal<'a>(component: &'a str, reason: &'a str, message: String) -> Event<'a> {
    Event {
        kind: "Normal",
        reason,
        message,
        component,
        field: None,
    }
}

pub fn warning<'a>(component: &'a str, reason: &'a str, message: String) -> Event<'a> {
    Event {
        kind: "Warning",
        reason,
        message,
        component,
        field: None,
    }
}

pub fn record(registry: &mut Registry, about: &Value, event: Event<'_>) {
    let namespace = match object::namespace(about) {
        "" => "default",
        namespace => namespace,
    };
    let prefix = format!("{}.", object::name(about));
    let now = object::now();
    let same = registry
        .state
        .with_prefix(resource::EVENTS, namespace, &prefix)
        .find(|e| {
            object::text(e, "/involvedObject/uid") == object::uid(about)
                && object::text(e, "/reason") == event.reason
                && object::text(e, "/message") == event.message
                && object::text(e, "/source/component") == event.component
        })
        .cloned();
    if let Some(old) = same {
        let mut target = (*old).clone();
        object::set(
            &mut target,
            &["count"],
            object::int(&old, "/count").unwrap_or(1) + 1,
        );
        object::set(&mut target, &["lastTimestamp"], now);
        registry.state.put(resource::EVENTS, target);
        return;
    }
    let hash = format!("{:016x}", rand::random::<u64>());
    let mut target = json!({
        "apiVersion": "v1", "kind": "Event",
        "metadata": {
            "name": format!("{prefix}{hash}"), "namespace": namespace, "uid": uuid::Uuid::new_v4().to_string(),
            "creationTimestamp": now,
        },
        "involvedObject": {
            "apiVersion": object::text(about, "/apiVersion"), "kind": object::text(about, "/kind"),
            "name": object::name(about), "namespace": namespace, "uid": object::uid(about),
            "resourceVersion": object::text(about, "/metadata/resourceVersion"),
        },
        "type": event.kind, "reason": event.reason, "message": event.message, "count": 1,
        "firstTimestamp": now, "lastTimestamp": now,
        "source": { "component": event.component },
        "reportingComponent": event.component, "reportingInstance": "",
    });
    if event.component == "kubelet" {
        target["source"]["host"] = super::pod::NODE.into();
    }
    if let Some(field) = event.field {
        target["involvedObject"]["fieldPath"] = field.into();
    }
    if object::namespace(about).is_empty() {
        object::set(&mut target, &["involvedObject", "namespace"], Value::Null);
    }
    registry.state.put(resource::EVENTS, target);
    trim(registry);
}

/// Drops a tenth of the events, the oldest, when there are too many.
fn trim(registry: &mut Registry) {
    if registry.state.count(resource::EVENTS) <= KEPT {
        return;
    }
    let revision = |e: &Value| {
        object::text(e, "/metadata/resourceVersion")
            .parse::<u64>()
            .unwrap_or(0)
    };
    let mut all: Vec<(u64, Key)> = registry
        .state
        .list(resource::EVENTS, None)
        .map(|e| {
            (
                revision(e),
                Key::of(resource::EVENTS, object::namespace(e), object::name(e)),
            )
        })
        .collect();
    all.sort();
    for (_, key) in all.into_iter().take(KEPT / 10) {
        registry.state.remove(&key);
    }
}
