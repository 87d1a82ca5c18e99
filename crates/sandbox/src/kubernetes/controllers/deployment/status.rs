//! What a Deployment says of itself: counts and conditions.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::super::object;
use super::super::super::registry::Registry;
use super::super::super::resource;
use super::super::MANAGER;
use super::super::workload::set_condition;
use super::Rollout;

impl Rollout {
    pub(super) fn write_status(&self, registry: &mut Registry) -> Option<Duration> {
        let deployment = &self.deployment;
        let sets: Vec<&Arc<Value>> = self.old.iter().chain(&self.new).collect();
        let sum = |field: &str| {
            sets.iter()
                .map(|s| object::int(s, &format!("/status/{field}")).unwrap_or(0))
                .sum::<i64>()
        };
        let total: i64 = sum("replicas");
        let available = sum("availableReplicas");
        let updated = self
            .new
            .as_ref()
            .and_then(|n| object::int(n, "/status/replicas"))
            .unwrap_or(0);
        // Pods that exist but that no set has counted yet are there all the same.
        let counts = [
            ("replicas", total),
            ("updatedReplicas", updated),
            ("readyReplicas", sum("readyReplicas")),
            ("availableReplicas", available),
            (
                "unavailableReplicas",
                (total.max(self.replicas()) - available).max(0),
            ),
        ];
        let mut status = json!({ "observedGeneration": deployment.pointer("/metadata/generation") });
        for (field, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
            status[field] = count.into();
        }
        if let Some(collisions) = deployment.pointer("/status/collisionCount") {
            status["collisionCount"] = collisions.clone();
        }
        let counts: BTreeMap<&str, i64> = counts.into_iter().collect();
        let (conditions, again) = self.conditions(&counts);
        status["conditions"] = conditions.into();
        registry.set_status(resource::DEPLOYMENTS, deployment, status, MANAGER);
        again
    }

    pub(super) fn conditions(&self, counts: &BTreeMap<&str, i64>) -> (Vec<Value>, Option<Duration>) {
        let mut conditions = object::list(&self.deployment, "/status/conditions").to_vec();
        let (_, unavailable) = self.bounds();
        let enough = counts["availableReplicas"] >= self.replicas() - unavailable;
        let (status, reason, message) = if enough {
            (
                "True",
                "MinimumReplicasAvailable",
                "Deployment has minimum availability.",
            )
        } else {
            (
                "False",
                "MinimumReplicasUnavailable",
                "Deployment does not have minimum availability.",
            )
        };
        let condition =
            json!({ "type": "Available", "status": status, "reason": reason, "message": message });
        set_with_update(&mut conditions, condition, false);
        let again = self.progress(counts, &mut conditions);
        let failed = self
            .new
            .iter()
            .chain(&self.old)
            .find_map(|s| object::condition(s, "ReplicaFailure").cloned());
        conditions.retain(|c| object::text(c, "/type") != "ReplicaFailure");
        if let Some(failed) = failed {
            let condition = json!({
                "type": "ReplicaFailure", "status": "True", "reason": failed["reason"], "message": failed["message"],
                "lastUpdateTime": failed["lastTransitionTime"], "lastTransitionTime": failed["lastTransitionTime"],
            });
            conditions.push(condition);
        }
        (conditions, again)
    }

    pub(super) fn progress(
        &self,
        counts: &BTreeMap<&str, i64>,
        conditions: &mut Vec<Value>,
    ) -> Option<Duration> {
        let old = object::condition(&self.deployment, "Progressing").cloned();
        let paused = object::flag(&self.deployment, "/spec/paused");
        let old_reason = old
            .as_ref()
            .map(|c| object::text(c, "/reason").to_owned())
            .unwrap_or_default();
        let set = |conditions: &mut Vec<Value>, status: &str, reason: &str, message: String, touch: bool| {
            let condition =
                json!({ "type": "Progressing", "status": status, "reason": reason, "message": message });
            set_with_update(conditions, condition, touch);
        };
        if paused {
            if old_reason != "DeploymentPaused" {
                set(
                    conditions,
                    "Unknown",
                    "DeploymentPaused",
                    "Deployment is paused".into(),
                    true,
                );
            }
            return None;
        }
        if old_reason == "DeploymentPaused" {
            set(
                conditions,
                "Unknown",
                "DeploymentResumed",
                "Deployment is resumed".into(),
                true,
            );
        }
        let name = self
            .new
            .as_ref()
            .map(|n| object::name(n).to_owned())
            .unwrap_or_default();
        let replicas = self.replicas();
        let complete = counts["updatedReplicas"] == replicas
            && counts["replicas"] == replicas
            && counts["availableReplicas"] == replicas;
        if complete {
            let message = format!("ReplicaSet \"{name}\" has successfully progressed.");
            let touch = old_reason != "NewReplicaSetAvailable"
                || old.is_none_or(|c| object::text(&c, "/message") != message);
            set(conditions, "True", "NewReplicaSetAvailable", message, touch);
            return None;
        }
        let before = |field: &str| object::int(&self.deployment, &format!("/status/{field}")).unwrap_or(0);
        let old_before = before("replicas") - before("updatedReplicas");
        let old_now = counts["replicas"] - counts["updatedReplicas"];
        let progressed = counts["updatedReplicas"] > before("updatedReplicas")
            || old_now < old_before
            || counts["readyReplicas"] > before("readyReplicas")
            || counts["availableReplicas"] > before("availableReplicas");
        let fresh = object::int(&self.deployment, "/status/observedGeneration")
            != object::int(&self.deployment, "/metadata/generation");
        if self.created {
            set(
                conditions,
                "True",
                "NewReplicaSetCreated",
                format!("Created new replica set \"{name}\""),
                true,
            );
        } else if progressed || (fresh && old_reason == "ProgressDeadlineExceeded") || old.is_none() {
            set(
                conditions,
                "True",
                "ReplicaSetUpdated",
                format!("ReplicaSet \"{name}\" is progressing."),
                true,
            );
        } else if old_reason == "ProgressDeadlineExceeded" {
            return None;
        } else if fresh && old_reason == "NewReplicaSetAvailable" && counts["updatedReplicas"] < replicas {
            set(
                conditions,
                "True",
                "FoundNewReplicaSet",
                format!("Found new replica set \"{name}\""),
                true,
            );
        } else if old_reason == "NewReplicaSetAvailable" {
            // A complete rollout stays complete, whatever befalls its pods later.
            return None;
        }
        let deadline = object::int(&self.deployment, "/spec/progressDeadlineSeconds").unwrap_or(600);
        let current = conditions
            .iter()
            .find(|c| object::text(c, "/type") == "Progressing")?;
        let age = object::seconds_since(object::text(current, "/lastUpdateTime")).unwrap_or(0.0);
        #[expect(clippy::cast_precision_loss, reason = "seconds")]
        let left = deadline as f64 - age;
        if left <= 0.0 {
            let message = format!("ReplicaSet \"{name}\" has timed out progressing.");
            set(conditions, "False", "ProgressDeadlineExceeded", message, true);
            return None;
        }
        Some(Duration::from_secs_f64(left + 0.05))
    }
}

/// Sets a condition that carries `lastUpdateTime`, which moves when `touch` is set or the status changes.
fn set_with_update(conditions: &mut Vec<Value>, mut condition: Value, touch: bool) {
    let kind = object::text(&condition, "/type");
    let old = conditions.iter().find(|c| object::text(c, "/type") == kind);
    let same = old.is_some_and(|o| o["status"] == condition["status"] && o["reason"] == condition["reason"]);
    let kept = old
        .filter(|_| same && !touch)
        .and_then(|o| o.get("lastUpdateTime").cloned());
    condition["lastUpdateTime"] = kept.unwrap_or_else(|| object::now().into());
    set_condition(conditions, condition);
}
