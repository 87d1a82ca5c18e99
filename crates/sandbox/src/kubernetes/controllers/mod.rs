//! The controllers: one task that wakes on changes and timers, and brings one object at a time closer to its spec.

mod cron_job;
mod daemon_set;
mod deployment;
mod garbage;
mod job;
mod namespace;
mod pod;
mod recorder;
mod replica_set;
mod stateful_set;
mod workload;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::time::{DelayQueue, delay_queue};

use super::Cluster;
use super::object;
use super::registry::Registry;
use super::resource;
use super::state::{Change, Key, State};

pub use namespace::bootstrap;
pub use workload::is_ready;

/// The name that controllers write under.
pub const MANAGER: &str = "kube-controller-manager";

/// How fast things happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speed {
    /// Pods are ready after a second or two.
    Real,
    /// Pods are ready after about 50 ms, for tests.
    Fast,
}

impl Speed {
    fn pick(self, real: u64, fast: u64) -> Duration {
        Duration::from_millis(if self == Self::Real { real } else { fast })
    }
}

/// What the controllers remember besides the stored objects.
pub struct Controllers {
    cluster: Arc<Cluster>,
    queue: VecDeque<Key>,
    queued: HashSet<Key>,
    timers: DelayQueue<Key>,
    due: HashMap<Key, (Instant, delay_queue::Key)>,
    kubelet: pod::Kubelet,
}

impl Controllers {
    pub fn new(cluster: Arc<Cluster>) -> Self {
        let kubelet = pod::Kubelet::new(cluster.speed, cluster.images.clone());
        Self {
            cluster,
            queue: VecDeque::new(),
            queued: HashSet::new(),
            timers: DelayQueue::new(),
            due: HashMap::new(),
            kubelet,
        }
    }

    /// Runs until `stop`: everything once, then whatever changes or falls due.
    pub async fn run(mut self, mut changes: mpsc::UnboundedReceiver<Change>, stop: CancellationToken) {
        let all: Vec<Key> = {
            let registry = self.cluster.registry.lock();
            let rows = registry.state.snapshot().into_iter();
            rows.map(|(i, o)| Key::of(&resource::RESOURCES[i], object::namespace(&o), object::name(&o)))
                .collect()
        };
        for key in all {
            self.enqueue(key);
        }
        loop {
            while let Ok(change) = changes.try_recv() {
                self.on_change(&change);
            }
            if let Some(key) = self.queue.pop_front() {
                self.queued.remove(&key);
                self.reconcile(&key);
                tokio::task::yield_now().await;
                if stop.is_cancelled() {
                    return;
                }
                continue;
            }
            tokio::select! {
                () = stop.cancelled() => return,
                change = changes.recv() => match change {
                    Some(change) => self.on_change(&change),
                    None => return,
                },
                Some(expired) = self.timers.next(), if !self.timers.is_empty() => {
                    let key = expired.into_inner();
                    self.due.remove(&key);
                    self.enqueue(key);
                }
            }
        }
    }

    fn enqueue(&mut self, key: Key) {
        if self.queued.insert(key.clone()) {
            self.queue.push_back(key);
        }
    }

    fn enqueue_after(&mut self, key: Key, delay: Duration) {
        let at = Instant::now() + delay;
        if let Some((due, handle)) = self.due.get(&key) {
            if *due <= at {
                return;
            }
            self.timers.remove(handle);
        }
        let handle = self.timers.insert_at(key.clone(), at);
        self.due.insert(key, (at, handle));
    }

    /// Finds out whom a change concerns.
    fn on_change(&mut self, change: &Change) {
        self.cluster.touched();
        let resource = change.key.resource();
        if resource.name == "events" {
            return;
        }
        let mut concerned = vec![change.key.clone()];
        {
            let registry = self.cluster.registry.lock();
            let state = &registry.state;
            for object in [&change.old, &change.new].into_iter().flatten() {
                for owner in owners(state, object) {
                    if change.new.is_none() && resource.name == "pods" {
                        // A Deployment that recreates waits for the last pod of its old ReplicaSet to be gone.
                        concerned.extend(owners(state, owner).map(key_of));
                    }
                    concerned.push(key_of(owner));
                }
            }
            if change.new.is_none() {
                // Dependents find out by themselves that their owner is gone; so does a namespace that waits to be empty.
                let gone = change.old.as_deref().map(object::uid).unwrap_or_default();
                concerned.extend(state.dependents(gone));
                if let Some(namespace) = state.get(resource::NAMESPACES, "", &change.key.namespace)
                    && object::is_deleting(namespace)
                {
                    concerned.push(Key::of(resource::NAMESPACES, "", &change.key.namespace));
                }
            }
            let created_or_gone = change.new.is_none() || change.old.is_none();
            let counts = created_or_gone || (resource.name == "pods" && phase_changed(change));
            if counts && resource.namespaced {
                let quotas = state.list(resource::QUOTAS, Some(&change.key.namespace));
                concerned
                    .extend(quotas.map(|q| Key::of(resource::QUOTAS, object::namespace(q), object::name(q))));
            }
            if resource.name == "resourcequotas" {
                // Room may have been made: those that could not create pods try again.
                let sets = state.list(resource::REPLICA_SETS, Some(&change.key.namespace));
                let stuck = sets.filter(|rs| object::condition(rs, "ReplicaFailure").is_some());
                concerned.extend(
                    stuck.map(|rs| Key::of(resource::REPLICA_SETS, object::namespace(rs), object::name(rs))),
                );
            }
        }
        for key in concerned {
            self.enqueue(key);
        }
    }

    fn reconcile(&mut self, key: &Key) {
        let cluster = Arc::clone(&self.cluster);
        let mut registry = cluster.registry.lock();
        let again = self.dispatch(&mut registry, key);
        drop(registry);
        if let Some(delay) = again {
            self.enqueue_after(key.clone(), delay);
        }
    }

    fn dispatch(&mut self, registry: &mut Registry, key: &Key) -> Option<Duration> {
        if registry.state.by_key(key).is_none() {
            self.kubelet.forget(key);
            return None;
        }
        if garbage::collect(registry, key) {
            return None;
        }
        match key.resource().name {
            "pods" => self.kubelet.reconcile(registry, key),
            "replicasets" => replica_set::reconcile(registry, key, self.cluster.speed),
            "deployments" => deployment::reconcile(registry, key),
            "statefulsets" => stateful_set::reconcile(registry, key),
            "daemonsets" => daemon_set::reconcile(registry, key),
            "jobs" => job::reconcile(registry, key),
            "cronjobs" => cron_job::reconcile(registry, key),
            "namespaces" => {
                namespace::reconcile(registry, key);
                None
            }
            "resourcequotas" => {
                namespace::quota_status(registry, key);
                None
            }
            "services" => {
                namespace::load_balancer(registry, key);
                None
            }
            _ => None,
        }
    }
}

/// The owners of an object that there are.
fn owners<'a>(state: &'a State, object: &'a Value) -> impl Iterator<Item = &'a Value> {
    let references = object::list(object, "/metadata/ownerReferences").iter();
    references
        .filter_map(|o| state.by_uid(object::text(o, "/uid")))
        .map(|o| &**o)
}

fn key_of(object: &Value) -> Key {
    let kind = resource::by_kind(object::text(object, "/apiVersion"), object::text(object, "/kind"));
    Key::of(
        kind.unwrap_or(resource::CONFIG_MAPS),
        object::namespace(object),
        object::name(object),
    )
}

fn phase_changed(change: &Change) -> bool {
    let phase = |o: &Option<Arc<Value>>| o.as_deref().map(|o| object::text(o, "/status/phase").to_owned());
    phase(&change.old) != phase(&change.new)
}
