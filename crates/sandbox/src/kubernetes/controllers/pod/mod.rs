//! The scheduler and the kubelet of the one fake node: a pod's life from Pending to its end.

mod end;
mod node;
mod pull;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::super::images::{Behavior, Images};
use super::super::object;
use super::super::registry::Registry;
use super::super::resource;
use super::super::state::Key;
use super::Speed;
use super::recorder::{self, Event, normal};
use super::workload::set_condition;

pub use node::node;
use pull::image_id;

pub const NODE: &str = "sandbox-node";
const KUBELET: &str = "kubelet";
const ADDRESS: &str = "192.168.65.2";

/// What the kubelet remembers of pods between two looks.
pub struct Kubelet {
    speed: Speed,
    images: Images,
    /// By pod: the step it is in, and since when.
    steps: HashMap<Key, (String, Instant)>,
    pulls: HashMap<Key, u32>,
    next_ip: u16,
}

impl Kubelet {
    pub fn new(speed: Speed, images: Images) -> Self {
        Self {
            speed,
            images,
            steps: HashMap::new(),
            pulls: HashMap::new(),
            next_ip: rand::random_range(10..2000),
        }
    }

    pub fn forget(&mut self, key: &Key) {
        self.steps.remove(key);
        self.pulls.remove(key);
    }

    /// How long the pod still stays in `step`, which takes `duration`; zero when it is over.
    fn remaining(&mut self, key: &Key, step: &str, duration: Duration) -> Duration {
        let entry = self
            .steps
            .entry(key.clone())
            .or_insert_with(|| (step.to_owned(), Instant::now()));
        if entry.0 != step {
            *entry = (step.to_owned(), Instant::now());
        }
        duration.saturating_sub(entry.1.elapsed())
    }

    fn begins(&self, key: &Key, step: &str) -> bool {
        self.steps.get(key).is_none_or(|(current, _)| current != step)
    }

    pub fn reconcile(&mut self, registry: &mut Registry, key: &Key) -> Option<Duration> {
        let pod = registry.state.by_key(key).cloned()?;
        if object::is_deleting(&pod) {
            return self.terminate(registry, key, &pod);
        }
        if super::workload::is_finished(&pod) {
            return None;
        }
        if object::text(&pod, "/spec/nodeName").is_empty() {
            Self::schedule(registry, &pod);
            return Some(Duration::ZERO);
        }
        let waiting = object::text(&pod, "/status/containerStatuses/0/state/waiting/reason").to_owned();
        let running = pod.pointer("/status/containerStatuses/0/state/running").is_some();
        let terminated = pod
            .pointer("/status/containerStatuses/0/state/terminated")
            .is_some();
        let behavior = self
            .images
            .behavior(&pod, object::text(&pod, "/spec/containers/0/image"));
        match waiting.as_str() {
            "ContainerCreating" => Some(self.pull(registry, key, &pod, behavior)),
            "ErrImagePull" => Some(self.pull_back_off(registry, key, &pod)),
            "ImagePullBackOff" => Some(self.pull_again(registry, key, &pod)),
            "CrashLoopBackOff" => Some(self.restart_after_back_off(registry, key, &pod)),
            _ if running => self.run(registry, key, &pod, behavior),
            _ if terminated => Some(self.after_crash(registry, key, &pod)),
            _ => {
                Self::prepare(registry, &pod);
                Some(Duration::ZERO)
            }
        }
    }

    fn schedule(registry: &mut Registry, pod: &Arc<Value>) {
        let mut target = (**pod).clone();
        object::set(&mut target, &["spec", "nodeName"], NODE);
        // Binding is no change of the spec that a user made.
        let mut conditions = object::list(pod, "/status/conditions").to_vec();
        set_condition(
            &mut conditions,
            json!({ "type": "PodScheduled", "status": "True" }),
        );
        object::set(&mut target, &["status", "conditions"], conditions);
        let bound = registry.state.put(resource::PODS, target);
        let message = format!(
            "Successfully assigned {}/{} to {NODE}",
            object::namespace(pod),
            object::name(pod)
        );
        recorder::record(
            registry,
            &bound,
            normal("default-scheduler", "Scheduled", message),
        );
    }

    /// First word of the kubelet: the pod is here, its containers are being made.
    fn prepare(registry: &mut Registry, pod: &Arc<Value>) {
        let mut conditions = object::list(pod, "/status/conditions").to_vec();
        let names: Vec<&str> = object::list(pod, "/spec/containers")
            .iter()
            .map(|c| object::text(c, "/name"))
            .collect();
        let not_ready = format!("containers with unready status: [{}]", names.join(" "));
        for (kind, ready) in [
            ("PodReadyToStartContainers", true),
            ("Initialized", true),
            ("Ready", false),
            ("ContainersReady", false),
        ] {
            let mut condition = json!({ "type": kind, "status": if ready { "True" } else { "False" } });
            if !ready {
                condition["reason"] = "ContainersNotReady".into();
                condition["message"] = not_ready.clone().into();
            }
            set_condition(&mut conditions, condition);
        }
        let statuses: Vec<Value> = object::list(pod, "/spec/containers")
            .iter()
            .map(|c| {
                json!({
                    "name": c["name"], "image": c["image"], "imageID": "", "ready": false, "started": false, "restartCount": 0,
                    "state": { "waiting": { "reason": "ContainerCreating" } }, "lastState": {},
                })
            })
            .collect();
        let status = json!({
            "phase": "Pending", "conditions": conditions, "hostIP": ADDRESS, "hostIPs": [{ "ip": ADDRESS }],
            "startTime": object::now(), "containerStatuses": statuses, "qosClass": pod.pointer("/status/qosClass"),
        });
        registry.set_status(resource::PODS, pod, status, KUBELET);
    }

    /// The containers run, not yet ready.
    fn start(&mut self, registry: &mut Registry, key: &Key, pod: &Arc<Value>, pulled: bool) {
        let mut status = pod.get("status").cloned().unwrap_or_default();
        let now = object::now();
        if object::text(&status, "/podIP").is_empty() {
            self.next_ip = self.next_ip.wrapping_add(1).max(2);
            let ip = format!("10.244.{}.{}", self.next_ip >> 8, self.next_ip & 0xff);
            status["podIP"] = ip.as_str().into();
            status["podIPs"] = json!([{ "ip": ip }]);
        }
        status["phase"] = "Running".into();
        let restarted = !pulled;
        let containers = object::list(pod, "/spec/containers").to_vec();
        for (i, container) in containers.iter().enumerate() {
            let image = object::text(container, "/image");
            let entry = &mut status["containerStatuses"][i];
            entry["state"] = json!({ "running": { "startedAt": now } });
            entry["started"] = true.into();
            entry["ready"] = false.into();
            entry["imageID"] = image_id(image).into();
            entry["containerID"] = format!("sandbox://{}", hex::encode(rand::random::<[u8; 32]>())).into();
            if restarted {
                entry["restartCount"] = (object::int(entry, "/restartCount").unwrap_or(0) + 1).into();
            }
        }
        let written = registry.set_status(resource::PODS, pod, status, KUBELET);
        for container in &containers {
            let (name, image) = (
                object::text(container, "/name"),
                object::text(container, "/image"),
            );
            let size = 20_000_000 + image.len() * 513_257;
            let pull = if restarted
                || object::text(container, "/imagePullPolicy") == "IfNotPresent"
                    && self.images.record(image).is_none()
            {
                format!("Container image {image:?} already present on machine")
            } else {
                format!(
                    "Successfully pulled image {image:?} in 412ms (412ms including waiting). Image size: {size} bytes."
                )
            };
            for (reason, message) in [
                ("Pulled", pull),
                ("Created", format!("Created container: {name}")),
                ("Started", format!("Started container {name}")),
            ] {
                say_of(registry, &written, "Normal", reason, message, name);
            }
        }
        self.steps.remove(key);
    }

    fn run(
        &mut self,
        registry: &mut Registry,
        key: &Key,
        pod: &Arc<Value>,
        behavior: Behavior,
    ) -> Option<Duration> {
        let ready = super::workload::is_ready(pod);
        let policy = object::text(pod, "/spec/restartPolicy");
        let usual = self.speed.pick(700, 25);
        if policy != "Always" {
            if !ready && !matches!(behavior, Behavior::CrashLoop | Behavior::OutOfMemory) {
                Self::become_ready(registry, pod);
                return Some(Duration::ZERO);
            }
            let left = self.remaining(key, "working", self.speed.pick(2_000, 40));
            if left.is_zero() {
                Self::finish(registry, pod, behavior);
            }
            return (!left.is_zero()).then_some(left);
        }
        if ready {
            return None;
        }
        match behavior {
            Behavior::CrashLoop | Behavior::OutOfMemory => {
                let left = self.remaining(key, "running", usual);
                if left.is_zero() {
                    Self::crash(registry, pod, behavior);
                    return Some(Duration::ZERO);
                }
                Some(left)
            }
            Behavior::NeverReady => {
                let left = self.remaining(key, "probing", self.speed.pick(10_000, 500));
                if left.is_zero() {
                    let message = "Readiness probe failed: HTTP probe failed with statuscode: 503".to_owned();
                    Self::say(registry, pod, "Warning", "Unhealthy", message);
                    self.steps.remove(key);
                    return Some(self.speed.pick(10_000, 500));
                }
                Some(left)
            }
            Behavior::Slow(delay) => self.ready_after(registry, key, pod, delay),
            Behavior::Healthy | Behavior::ImagePullError => self.ready_after(registry, key, pod, usual),
        }
    }

    fn ready_after(
        &mut self,
        registry: &mut Registry,
        key: &Key,
        pod: &Arc<Value>,
        delay: Duration,
    ) -> Option<Duration> {
        let left = self.remaining(key, "running", delay);
        if left.is_zero() {
            Self::become_ready(registry, pod);
            self.steps.remove(key);
            return None;
        }
        Some(left)
    }

    fn become_ready(registry: &mut Registry, pod: &Arc<Value>) {
        let mut status = pod.get("status").cloned().unwrap_or_default();
        let mut conditions = object::list(pod, "/status/conditions").to_vec();
        for kind in ["Ready", "ContainersReady"] {
            set_condition(&mut conditions, json!({ "type": kind, "status": "True" }));
        }
        status["conditions"] = conditions.into();
        for entry in status["containerStatuses"].as_array_mut().into_iter().flatten() {
            entry["ready"] = true.into();
        }
        registry.set_status(resource::PODS, pod, status, KUBELET);
    }

    fn wait(registry: &mut Registry, pod: &Arc<Value>, reason: &str, message: &str) {
        let mut status = pod.get("status").cloned().unwrap_or_default();
        for entry in status["containerStatuses"].as_array_mut().into_iter().flatten() {
            entry["state"] = json!({ "waiting": { "reason": reason, "message": message } });
        }
        registry.set_status(resource::PODS, pod, status, KUBELET);
    }

    fn say(registry: &mut Registry, pod: &Value, kind: &str, reason: &str, message: String) {
        let container = object::text(pod, "/spec/containers/0/name").to_owned();
        say_of(registry, pod, kind, reason, message, &container);
    }
}

fn say_of(registry: &mut Registry, pod: &Value, kind: &str, reason: &str, message: String, container: &str) {
    let field = Some(format!("spec.containers{{{container}}}"));
    recorder::record(
        registry,
        pod,
        Event {
            kind,
            reason,
            message,
            component: KUBELET,
            field,
        },
    );
}
