//! How containers end: crashes and restarts, completion, deletion.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::super::images::Behavior;
use super::super::super::object;
use super::super::super::registry::Registry;
use super::super::super::resource;
use super::super::super::state::Key;
use super::super::workload::set_condition;
use super::{KUBELET, Kubelet, say_of};

impl Kubelet {
    /// The first container dies.
    pub(super) fn crash(registry: &mut Registry, pod: &Arc<Value>, behavior: Behavior) {
        let mut status = pod.get("status").cloned().unwrap_or_default();
        let entry = &mut status["containerStatuses"][0];
        let ended = ended(entry, behavior);
        entry["state"] = json!({ "terminated": ended });
        entry["ready"] = false.into();
        entry["started"] = false.into();
        registry.set_status(resource::PODS, pod, status, KUBELET);
    }

    pub(super) fn after_crash(&mut self, registry: &mut Registry, key: &Key, pod: &Arc<Value>) -> Duration {
        let left = self.remaining(key, "crashed", self.speed.pick(900, 15));
        if !left.is_zero() {
            return left;
        }
        let mut status = pod.get("status").cloned().unwrap_or_default();
        let name = object::text(&status, "/containerStatuses/0/name").to_owned();
        let restarts = object::int(&status, "/containerStatuses/0/restartCount").unwrap_or(0);
        let wait = 10 * 2i64.pow(u32::try_from(restarts.clamp(0, 5)).unwrap_or(0));
        let wait = if wait >= 300 {
            "5m0s".to_owned()
        } else if wait >= 60 {
            format!("{}m{}s", wait / 60, wait % 60)
        } else {
            format!("{wait}s")
        };
        let place = format!(
            "{}_{}({})",
            object::name(pod),
            object::namespace(pod),
            object::uid(pod)
        );
        let entry = &mut status["containerStatuses"][0];
        entry["lastState"] = entry["state"].take();
        let message = format!("back-off {wait} restarting failed container={name} pod={place}");
        entry["state"] = json!({ "waiting": { "reason": "CrashLoopBackOff", "message": message } });
        let written = registry.set_status(resource::PODS, pod, status, KUBELET);
        let message = format!("Back-off restarting failed container {name} in pod {place}");
        say_of(registry, &written, "Warning", "BackOff", message, &name);
        Duration::ZERO
    }

    pub(super) fn restart_after_back_off(
        &mut self,
        registry: &mut Registry,
        key: &Key,
        pod: &Arc<Value>,
    ) -> Duration {
        let restarts = object::int(pod, "/status/containerStatuses/0/restartCount").unwrap_or(0);
        // The wire says Kubernetes' own delays; a sandbox that waited five minutes would teach nothing.
        let delay = self.speed.pick(4_000, 80) * 2u32.pow(u32::try_from(restarts.clamp(0, 4)).unwrap_or(0));
        let left = self.remaining(key, "back-off", delay);
        if !left.is_zero() {
            return left;
        }
        self.start(registry, key, pod, false);
        Duration::ZERO
    }

    /// A pod that is not restarted comes to its end.
    pub(super) fn finish(registry: &mut Registry, pod: &Arc<Value>, behavior: Behavior) {
        let failed = matches!(behavior, Behavior::CrashLoop | Behavior::OutOfMemory);
        let mut status = pod.get("status").cloned().unwrap_or_default();
        let mut conditions = object::list(pod, "/status/conditions").to_vec();
        let reason = if failed { "PodFailed" } else { "PodCompleted" };
        for kind in ["Ready", "ContainersReady"] {
            set_condition(
                &mut conditions,
                json!({ "type": kind, "status": "False", "reason": reason }),
            );
        }
        status["conditions"] = conditions.into();
        status["phase"] = if failed { "Failed" } else { "Succeeded" }.into();
        for entry in status["containerStatuses"].as_array_mut().into_iter().flatten() {
            let end = ended(entry, behavior);
            entry["state"] = json!({ "terminated": end });
            entry["ready"] = false.into();
            entry["started"] = false.into();
        }
        registry.set_status(resource::PODS, pod, status, KUBELET);
    }

    pub(super) fn terminate(
        &mut self,
        registry: &mut Registry,
        key: &Key,
        pod: &Arc<Value>,
    ) -> Option<Duration> {
        if self.begins(key, "terminating")
            && pod.pointer("/status/containerStatuses/0/state/running").is_some()
        {
            for container in object::list(pod, "/spec/containers") {
                let name = object::text(container, "/name");
                say_of(
                    registry,
                    pod,
                    "Normal",
                    "Killing",
                    format!("Stopping container {name}"),
                    name,
                );
            }
        }
        let grace = object::int(pod, "/metadata/deletionGracePeriodSeconds").unwrap_or(30);
        let pause = if grace == 0 {
            Duration::ZERO
        } else {
            self.speed.pick(800, 20)
        };
        let left = self.remaining(key, "terminating", pause);
        if !left.is_zero() {
            return Some(left);
        }
        if object::list(pod, "/metadata/finalizers").is_empty() {
            registry.state.remove(key);
            self.forget(key);
        } else if grace != 0 {
            let mut target = (**pod).clone();
            object::set(&mut target, &["metadata", "deletionGracePeriodSeconds"], 0);
            registry.state.put(resource::PODS, target);
        }
        None
    }
}

/// `ContainerStateTerminated` of a container that ran until now.
fn ended(entry: &Value, behavior: Behavior) -> Value {
    let (code, reason) = match behavior {
        Behavior::CrashLoop => (1, "Error"),
        Behavior::OutOfMemory => (137, "OOMKilled"),
        _ => (0, "Completed"),
    };
    let mut end = json!({ "exitCode": code, "reason": reason, "finishedAt": object::now() });
    for (field, pointer) in [
        ("startedAt", "/state/running/startedAt"),
        ("containerID", "/containerID"),
    ] {
        if let Some(value) = entry.pointer(pointer) {
            end[field] = value.clone();
        }
    }
    end
}
