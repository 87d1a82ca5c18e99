//! Deployments: one replica set per template, rolled from the old ones to the new one.

mod status;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::object;
use super::super::registry::{Deletion, Registry};
use super::super::resource;
use super::super::state::Key;
use super::MANAGER;
use super::namespace::write_as;
use super::recorder::{self, normal, warning};
use super::workload::template_hash;

const COMPONENT: &str = "deployment-controller";
pub const REVISION: &str = "deployment.kubernetes.io/revision";
const REVISION_HISTORY: &str = "deployment.kubernetes.io/revision-history";
const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
const MAXIMUM: &str = "deployment.kubernetes.io/max-replicas";
const HASH: &str = "pod-template-hash";

pub fn reconcile(registry: &mut Registry, key: &Key) -> Option<Duration> {
    let deployment = registry.state.by_key(key).cloned()?;
    if object::is_deleting(&deployment) {
        return None;
    }
    let mut rollout = Rollout::read(registry, &deployment);
    if object::flag(&deployment, "/spec/paused") {
        rollout.scale_while_paused(registry);
    } else {
        rollout.ensure_new(registry);
        if object::text(&deployment, "/spec/strategy/type") == "Recreate" {
            rollout.recreate(registry);
        } else {
            rollout.roll(registry);
        }
        rollout.clean_up(registry);
    }
    let deployment = registry.state.by_key(key).cloned()?;
    rollout.deployment = Arc::clone(&deployment);
    rollout.refresh(registry);
    rollout.write_status(registry)
}

/// A count or a percentage of `total`.
fn share(value: Option<&Value>, total: i64, round_up: bool) -> i64 {
    match value {
        Some(Value::Number(number)) => number.as_i64().unwrap_or(0),
        Some(Value::String(text)) => {
            let percent: i64 = text.trim_end_matches('%').parse().unwrap_or(0);
            let scaled = total * percent;
            if round_up {
                (scaled + 99) / 100
            } else {
                scaled / 100
            }
        }
        _ => 0,
    }
}

struct Rollout {
    deployment: Arc<Value>,
    /// The set whose template is the deployment's.
    new: Option<Arc<Value>>,
    /// The other sets, oldest first.
    old: Vec<Arc<Value>>,
    created: bool,
}

impl Rollout {
    fn read(registry: &Registry, deployment: &Arc<Value>) -> Self {
        let mut rollout = Self {
            deployment: Arc::clone(deployment),
            new: None,
            old: Vec::new(),
            created: false,
        };
        rollout.refresh(registry);
        rollout
    }

    fn refresh(&mut self, registry: &Registry) {
        let owned = registry
            .state
            .owned_by(object::uid(&self.deployment), resource::REPLICA_SETS);
        let mut sets: Vec<Arc<Value>> = owned.filter(|s| !object::is_deleting(s)).cloned().collect();
        sets.sort_by_key(|s| {
            (
                revision(s),
                object::text(s, "/metadata/creationTimestamp").to_owned(),
            )
        });
        let template = self
            .deployment
            .pointer("/spec/template")
            .cloned()
            .unwrap_or_default();
        let position = sets.iter().position(|s| same_template(s, &template));
        self.new = position.map(|i| sets.remove(i));
        self.old = sets;
    }

    fn replicas(&self) -> i64 {
        object::int(&self.deployment, "/spec/replicas").unwrap_or(1)
    }

    /// (maxSurge, maxUnavailable) in pods.
    fn bounds(&self) -> (i64, i64) {
        if object::text(&self.deployment, "/spec/strategy/type") == "Recreate" {
            return (0, self.replicas());
        }
        let rolling = self.deployment.pointer("/spec/strategy/rollingUpdate");
        let surge = share(rolling.and_then(|r| r.get("maxSurge")), self.replicas(), true);
        let unavailable = share(
            rolling.and_then(|r| r.get("maxUnavailable")),
            self.replicas(),
            false,
        );
        if surge == 0 && unavailable == 0 {
            (0, 1)
        } else {
            (surge, unavailable.min(self.replicas()))
        }
    }

    /// Makes the replica set of the current template, or brings the one there is to the newest revision.
    fn ensure_new(&mut self, registry: &mut Registry) {
        let next = self.old.iter().map(|s| revision(s)).max().unwrap_or(0) + 1;
        let number = if let Some(new) = &self.new {
            let number = revision(new).max(next);
            let target = self.annotated((**new).clone(), number);
            if target != **new {
                self.new =
                    Some(registry.write_as_controller(resource::REPLICA_SETS, new, target, MANAGER, ""));
            }
            number
        } else {
            self.create_new(registry, next);
            next
        };
        if object::annotation(&self.deployment, REVISION) != Some(&number.to_string()) {
            let mut target = (*self.deployment).clone();
            object::set(
                &mut target,
                &["metadata", "annotations", REVISION],
                number.to_string(),
            );
            self.deployment =
                registry.write_as_controller(resource::DEPLOYMENTS, &self.deployment, target, MANAGER, "");
        }
    }

    fn create_new(&mut self, registry: &mut Registry, number: i64) {
        let deployment = Arc::clone(&self.deployment);
        let mut template = deployment.pointer("/spec/template").cloned().unwrap_or_default();
        let mut collisions = object::int(&deployment, "/status/collisionCount").unwrap_or(0);
        let namespace = object::namespace(&deployment);
        let mut hash = template_hash(&template, collisions);
        while registry
            .state
            .get(
                resource::REPLICA_SETS,
                namespace,
                &format!("{}-{hash}", object::name(&deployment)),
            )
            .is_some()
        {
            collisions += 1;
            hash = template_hash(&template, collisions);
        }
        object::set(&mut template, &["metadata", "labels", HASH], hash.as_str());
        let mut selector = deployment.pointer("/spec/selector").cloned().unwrap_or_default();
        object::set(&mut selector, &["matchLabels", HASH], hash.as_str());
        let replicas = self.room_for_new(0);
        let mut set = json!({
            "metadata": {
                "name": format!("{}-{hash}", object::name(&deployment)),
                "labels": template.pointer("/metadata/labels"),
                "ownerReferences": [object::owner_reference(&deployment)],
            },
            "spec": { "replicas": replicas, "selector": selector, "template": template },
        });
        if let Some(seconds) = deployment.pointer("/spec/minReadySeconds") {
            set["spec"]["minReadySeconds"] = seconds.clone();
        }
        let set = self.annotated(set, number);
        match registry.create(resource::REPLICA_SETS, namespace, set, write_as("apps/v1")) {
            Ok(set) => {
                if replicas > 0 {
                    let message = format!(
                        "Scaled up replica set {} from 0 to {replicas}",
                        object::name(&set)
                    );
                    recorder::record(
                        registry,
                        &deployment,
                        normal(COMPONENT, "ScalingReplicaSet", message),
                    );
                }
                self.new = Some(set);
                self.created = true;
            }
            Err(error) => {
                let message = format!("Failed to create new replica set: {error}");
                recorder::record(
                    registry,
                    &deployment,
                    warning(COMPONENT, "ReplicaSetCreateError", message),
                );
            }
        }
    }

    /// The set with the deployment's annotations, its revision and its bounds.
    fn annotated(&self, mut set: Value, number: i64) -> Value {
        for (key, value) in object::entries(&self.deployment, "/metadata/annotations") {
            if key != "kubectl.kubernetes.io/last-applied-configuration"
                && !key.starts_with("deployment.kubernetes.io/")
            {
                object::set(&mut set, &["metadata", "annotations", key], value);
            }
        }
        let before = object::annotation(&set, REVISION).map(str::to_owned);
        if let Some(before) = before.filter(|b| *b != number.to_string()) {
            let history = object::annotation(&set, REVISION_HISTORY)
                .map(str::to_owned)
                .unwrap_or_default();
            let history = if history.is_empty() {
                before
            } else {
                format!("{history},{before}")
            };
            object::set(&mut set, &["metadata", "annotations", REVISION_HISTORY], history);
        }
        object::set(
            &mut set,
            &["metadata", "annotations", REVISION],
            number.to_string(),
        );
        self.bounded(set)
    }

    fn bounded(&self, mut set: Value) -> Value {
        let (surge, _) = self.bounds();
        object::set(
            &mut set,
            &["metadata", "annotations", DESIRED],
            self.replicas().to_string(),
        );
        object::set(
            &mut set,
            &["metadata", "annotations", MAXIMUM],
            (self.replicas() + surge).to_string(),
        );
        set
    }

    /// How many replicas the new set may have now, given how many it has.
    fn room_for_new(&self, current: i64) -> i64 {
        let old: i64 = self.old.iter().map(|s| wanted(s)).sum();
        if object::text(&self.deployment, "/spec/strategy/type") == "Recreate" {
            return if old == 0 { self.replicas() } else { current };
        }
        let (surge, _) = self.bounds();
        let room = self.replicas() + surge - old - current;
        if room <= 0 {
            current
        } else {
            current + room.min(self.replicas() - current)
        }
    }

    fn scale(&self, registry: &mut Registry, set: &Arc<Value>, to: i64) -> Arc<Value> {
        let from = wanted(set);
        let target = self.bounded((**set).clone());
        let mut target = target;
        object::set(&mut target, &["spec", "replicas"], to);
        if target == **set {
            return Arc::clone(set);
        }
        let written = registry.write_as_controller(resource::REPLICA_SETS, set, target, MANAGER, "");
        if from != to {
            let direction = if to > from { "up" } else { "down" };
            let message = format!(
                "Scaled {direction} replica set {} from {from} to {to}",
                object::name(set)
            );
            recorder::record(
                registry,
                &self.deployment,
                normal(COMPONENT, "ScalingReplicaSet", message),
            );
        }
        written
    }

    fn scale_while_paused(&mut self, registry: &mut Registry) {
        let replicas = self.replicas();
        let mut active: Vec<Arc<Value>> = self
            .new
            .iter()
            .chain(&self.old)
            .filter(|s| wanted(s) > 0)
            .cloned()
            .collect();
        if active.is_empty() {
            active.extend(self.new.clone());
        }
        if let [only] = active.as_slice() {
            self.scale(registry, only, replicas);
        }
    }

    fn recreate(&mut self, registry: &mut Registry) {
        for set in self.old.clone() {
            if wanted(&set) > 0 {
                self.scale(registry, &set, 0);
            }
        }
        // Every old pod must have ended, the terminating ones too.
        let running = self.old.iter().any(|s| {
            registry
                .state
                .owned_by(object::uid(s), resource::PODS)
                .next()
                .is_some()
        });
        if !running && let Some(new) = self.new.clone() {
            self.new = Some(self.scale(registry, &new, self.replicas()));
        }
    }

    fn roll(&mut self, registry: &mut Registry) {
        let Some(new) = self.new.clone() else { return };
        let current = wanted(&new);
        let to = if current > self.replicas() {
            self.replicas()
        } else {
            self.room_for_new(current)
        };
        let new = self.scale(registry, &new, to);
        self.new = Some(Arc::clone(&new));
        let old_total: i64 = self.old.iter().map(|s| wanted(s)).sum();
        if old_total == 0 {
            return;
        }
        let (_, unavailable) = self.bounds();
        let minimum = self.replicas() - unavailable;
        let new_unavailable = wanted(&new) - available(&new);
        let mut budget = old_total + wanted(&new) - minimum - new_unavailable;
        if budget <= 0 {
            return;
        }
        // Pods of old sets that are not available anyway go first.
        for index in 0..self.old.len() {
            let set = Arc::clone(&self.old[index]);
            let broken = (wanted(&set) - available(&set)).min(budget).max(0);
            if broken > 0 {
                self.old[index] = self.scale(registry, &set, wanted(&set) - broken);
                budget -= broken;
            }
        }
        let total_available: i64 =
            self.old.iter().map(|s| available(s).min(wanted(s))).sum::<i64>() + available(&new);
        let mut spare = total_available - minimum;
        for index in 0..self.old.len() {
            let set = Arc::clone(&self.old[index]);
            let count = wanted(&set).min(spare).max(0);
            if count > 0 {
                self.old[index] = self.scale(registry, &set, wanted(&set) - count);
                spare -= count;
            }
        }
    }

    /// Deletes the oldest sets beyond the revision history limit, once the rollout is complete.
    fn clean_up(&mut self, registry: &mut Registry) {
        let Some(limit) =
            object::int(&self.deployment, "/spec/revisionHistoryLimit").and_then(|l| usize::try_from(l).ok())
        else {
            return;
        };
        let done = self.new.as_ref().is_some_and(|n| available(n) >= self.replicas());
        let idle: Vec<Arc<Value>> = self
            .old
            .iter()
            .filter(|s| wanted(s) == 0 && object::int(s, "/status/replicas").unwrap_or(0) == 0)
            .cloned()
            .collect();
        if !done || idle.len() <= limit {
            return;
        }
        for set in &idle[..idle.len() - limit] {
            let (namespace, name) = (object::namespace(set), object::name(set));
            let _ = registry.delete(resource::REPLICA_SETS, namespace, name, &Deletion::default());
        }
    }
}

fn wanted(set: &Value) -> i64 {
    object::int(set, "/spec/replicas").unwrap_or(0)
}

fn available(set: &Value) -> i64 {
    // Until the set has seen its spec, its old count may be of pods that are going away.
    object::int(set, "/status/availableReplicas")
        .unwrap_or(0)
        .min(wanted(set))
}

fn revision(set: &Value) -> i64 {
    object::annotation(set, REVISION)
        .and_then(|r| r.parse().ok())
        .unwrap_or(0)
}

fn same_template(set: &Value, template: &Value) -> bool {
    let mut own = set.pointer("/spec/template").cloned().unwrap_or_default();
    object::set(&mut own, &["metadata", "labels", HASH], Value::Null);
    let mut other = template.clone();
    object::set(&mut other, &["metadata", "labels", HASH], Value::Null);
    own == other
}
