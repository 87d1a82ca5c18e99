//! Resource quotas and limit ranges: what a namespace may hold.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::error::{ApiError, ApiResult};
use super::object;
use super::quantity::Quantity;
use super::resource::{self, Resource};
use super::state::State;

type Amounts = BTreeMap<String, Quantity>;

/// What one object takes from the quotas of its namespace.
fn usage(target: &Value, resource: &Resource) -> Amounts {
    let mut amounts = Amounts::new();
    let one = Quantity::count(1);
    let counted = if resource.group.is_empty() {
        resource.name.to_owned()
    } else {
        resource.qualified()
    };
    amounts.insert(format!("count/{counted}"), one);
    match resource.name {
        "pods" => {
            if matches!(object::text(target, "/status/phase"), "Succeeded" | "Failed") {
                return amounts;
            }
            amounts.insert("pods".into(), one);
            for side in ["requests", "limits"] {
                for (name, total) in pod_total(target, side) {
                    if side == "requests" {
                        amounts.insert(name.clone(), total);
                    }
                    amounts.insert(format!("{side}.{name}"), total);
                }
            }
        }
        "services" => {
            amounts.insert("services".into(), one);
            match object::text(target, "/spec/type") {
                "LoadBalancer" => drop(amounts.insert("services.loadbalancers".into(), one)),
                "NodePort" => drop(amounts.insert("services.nodeports".into(), one)),
                _ => {}
            }
        }
        "persistentvolumeclaims" => {
            amounts.insert(resource.name.into(), one);
            if let Some(size) = target
                .pointer("/spec/resources/requests/storage")
                .and_then(Quantity::of)
            {
                amounts.insert("requests.storage".into(), size);
            }
        }
        "configmaps" | "secrets" | "resourcequotas" => drop(amounts.insert(resource.name.into(), one)),
        _ => {}
    }
    amounts
}

/// The sum over the containers of a pod of its requests or limits.
pub fn pod_total(pod: &Value, side: &str) -> Amounts {
    let mut total = Amounts::new();
    for container in object::list(pod, "/spec/containers") {
        let amounts = container
            .pointer(&format!("/resources/{side}"))
            .and_then(Value::as_object);
        for (name, value) in amounts.into_iter().flatten() {
            if let Some(quantity) = Quantity::of(value) {
                let sum = total.entry(name.clone()).or_insert(Quantity::ZERO);
                *sum = sum.plus(quantity);
            }
        }
    }
    total
}

const COUNTED: [&Resource; 11] = [
    resource::PODS,
    resource::SERVICES,
    resource::CONFIG_MAPS,
    resource::SECRETS,
    resource::CLAIMS,
    resource::QUOTAS,
    resource::DEPLOYMENTS,
    resource::REPLICA_SETS,
    resource::STATEFUL_SETS,
    resource::JOBS,
    resource::INGRESSES,
];

/// What the namespace uses of everything that `hard` limits.
fn used(state: &State, namespace: &str, hard: &Map<String, Value>) -> Amounts {
    let mut total: Amounts = hard.keys().map(|k| (k.clone(), Quantity::ZERO)).collect();
    for resource in COUNTED {
        for target in state.list(resource, Some(namespace)) {
            for (name, amount) in usage(target, resource) {
                if let Some(sum) = total.get_mut(&name) {
                    *sum = sum.plus(amount);
                }
            }
        }
    }
    total
}

/// `status.hard` and `status.used` of a quota as they are now.
pub fn status(state: &State, quota: &Value) -> Value {
    let hard = quota
        .pointer("/spec/hard")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    let used = used(state, object::namespace(quota), &hard);
    let used: Map<String, Value> = used.into_iter().map(|(k, q)| (k, q.to_string().into())).collect();
    serde_json::json!({ "hard": hard, "used": used })
}

/// Refuses the object when a quota of its namespace has no room for it.
pub fn admit(state: &State, target: &Value, resource: &Resource) -> ApiResult<()> {
    let namespace = object::namespace(target);
    for quota in state.list(resource::QUOTAS, Some(namespace)) {
        let Some(hard) = quota.pointer("/spec/hard").and_then(Value::as_object) else {
            continue;
        };
        let wanted = usage(target, resource);
        must_specify(target, resource, object::name(quota), hard)?;
        if !wanted.keys().any(|k| hard.contains_key(k)) {
            continue;
        }
        let used = used(state, namespace, hard);
        let mut exceeded: Vec<(&String, Quantity, Quantity, Quantity)> = Vec::new();
        for (name, amount) in &wanted {
            let (Some(limit), Some(now)) = (hard.get(name).and_then(Quantity::of), used.get(name)) else {
                continue;
            };
            if amount.milli > 0 && now.milli + amount.milli > limit.milli {
                exceeded.push((name, *amount, *now, limit));
            }
        }
        if !exceeded.is_empty() {
            let print = |pick: fn(&(&String, Quantity, Quantity, Quantity)) -> Quantity| {
                exceeded
                    .iter()
                    .map(|e| format!("{}={}", e.0, pick(e)))
                    .collect::<Vec<_>>()
                    .join(",")
            };
            let detail = format!(
                "exceeded quota: {}, requested: {}, used: {}, limited: {}",
                object::name(quota),
                print(|e| e.1),
                print(|e| e.2),
                print(|e| e.3)
            );
            return Err(ApiError::forbidden(resource, object::name(target), &detail));
        }
    }
    Ok(())
}

/// A quota on cpu or memory asks every container to say what it takes.
fn must_specify(
    target: &Value,
    resource: &Resource,
    quota: &str,
    hard: &Map<String, Value>,
) -> ApiResult<()> {
    if resource.name != "pods" {
        return Ok(());
    }
    let mut missing = Vec::new();
    for limited in hard.keys() {
        let (side, name) = match limited.as_str() {
            "cpu" | "memory" => ("requests", limited.as_str()),
            other => match other.split_once('.') {
                Some((side @ ("requests" | "limits"), name @ ("cpu" | "memory"))) => (side, name),
                _ => continue,
            },
        };
        let without: Vec<&str> = object::list(target, "/spec/containers")
            .iter()
            .filter(|c| c.pointer(&format!("/resources/{side}/{name}")).is_none())
            .map(|c| object::text(c, "/name"))
            .collect();
        if !without.is_empty() {
            missing.push(format!("{limited} for: {}", without.join(",")));
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let detail = format!("failed quota: {quota}: must specify {}", missing.join("; "));
    Err(ApiError::forbidden(resource, object::name(target), &detail))
}

/// Gives a pod's containers the limits and requests that the namespace's limit ranges set by default.
pub fn limit_range_defaults(state: &State, pod: &mut Value) {
    let namespace = object::namespace(pod).to_owned();
    for range in state.list(resource::LIMIT_RANGES, Some(&namespace)) {
        for limit in object::list(range, "/spec/limits")
            .iter()
            .filter(|l| object::text(l, "/type") == "Container")
        {
            for (from, to) in [("default", "limits"), ("defaultRequest", "requests")] {
                let Some(amounts) = limit.get(from).and_then(Value::as_object) else {
                    continue;
                };
                let containers = pod.pointer_mut("/spec/containers").and_then(Value::as_array_mut);
                for container in containers.into_iter().flatten() {
                    for (name, amount) in amounts {
                        object::default(container, &["resources", to, name], amount.clone());
                    }
                }
            }
        }
    }
}
