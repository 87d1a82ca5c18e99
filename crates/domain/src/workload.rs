//! Workloads: how an app runs, as people set it and as its manifests are rendered from it.

mod check;
mod lines;

pub use lines::{ContainerForm, OverrideForm, WorkloadForm};

use crate::diff::DiffView;
use crate::environment::EnvironmentRef;
use crate::project::Place;
use crate::release::Image;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $key:literal $kubernetes:literal,)+) => {
        /// What runs the pods.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum WorkloadKind { $($(#[$doc])* $name,)+ }

        impl WorkloadKind {
            /// Every kind, in the order in which they are offered.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The stable key.
            pub const fn key(self) -> &'static str {
                match self { $(Self::$name => $key,)+ }
            }

            /// Reads the stable key.
            pub fn from_key(key: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|kind| kind.key() == key)
            }

            /// The kind of the object in Kubernetes.
            pub const fn kubernetes(self) -> &'static str {
                match self { $(Self::$name => $kubernetes,)+ }
            }
        }
    };
}

kinds! {
    /// Pods that are exchanged one by one.
    #[default]
    Deployment = "deployment" "Deployment",
    /// Pods with a name and a volume of their own each.
    StatefulSet = "stateful_set" "StatefulSet",
    /// One pod on every node.
    DaemonSet = "daemon_set" "DaemonSet",
    /// A pod that runs to its end, at set times.
    CronJob = "cron_job" "CronJob",
    /// A pod that runs to its end once for each promotion.
    Job = "job" "Job",
}

impl WorkloadKind {
    /// Whether an object of that kind of Kubernetes runs pods.
    pub fn runs_pods(kind: &str) -> bool {
        Self::ALL.iter().any(|one| one.kubernetes() == kind)
    }

    /// Whether it serves: its pods stay.
    pub const fn serves(self) -> bool {
        matches!(self, Self::Deployment | Self::StatefulSet | Self::DaemonSet)
    }

    /// Whether one says how many pods there are.
    pub const fn scales(self) -> bool {
        matches!(self, Self::Deployment | Self::StatefulSet)
    }
}

/// How an app runs: what its manifests are rendered from. The fields down to `variables` are of its main container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Workload {
    /// What runs the pods.
    pub kind: WorkloadKind,
    /// Pods.
    pub replicas: u32,
    /// Which image of the release: its repository or the last part of it; empty: the first one.
    pub image: String,
    /// The arguments that take the place of the image's command; none: the image's own.
    pub command: Vec<String>,
    /// The container's port; `None`: it serves nothing.
    pub port: Option<u16>,
    /// The path of the readiness probe; `None`: no probe.
    pub probe_path: Option<String>,
    /// The path of the liveness probe; `None`: no probe.
    pub live_path: Option<String>,
    /// CPU request in millicores.
    pub cpu_millis: u32,
    /// CPU limit in millicores; `None`: none.
    pub cpu_limit_millis: Option<u32>,
    /// Memory request and limit in MiB.
    pub memory_mib: u32,
    /// Environment variables.
    pub variables: BTreeMap<String, String>,
    /// Environment variables whose values are in Secrets of the namespace.
    pub secrets: Vec<SecretVariable>,
    /// Files that are put into the main container.
    pub files: Vec<ConfigFile>,
    /// Volumes of the main container.
    pub volumes: Vec<Volume>,
    /// Further containers.
    pub containers: Vec<Container>,
    /// How it is reached from outside; `None`: not at all.
    pub ingress: Option<Ingress>,
    /// How the number of pods follows the load; `None`: it does not.
    pub autoscaling: Option<Autoscaling>,
    /// When a cron job runs.
    pub schedule: Option<Times>,
    /// Paths of manifests in the repository that take the place of all this; `{environment}` in them stands for the
    /// environment's key.
    pub manifests: Vec<String>,
    /// Per environment key: what differs there.
    pub overrides: BTreeMap<String, WorkloadOverride>,
}

/// An environment variable from a Secret: Slipway knows its name only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretVariable {
    /// The variable.
    pub variable: String,
    /// The Secret in the namespace.
    pub secret: String,
    /// The key in it.
    pub key: String,
}

/// A file that is put into the main container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigFile {
    /// Where, as in `/etc/app/config.yaml`.
    pub path: String,
    /// What is in it.
    pub content: String,
}

/// A volume of the main container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// Its name: a DNS label.
    pub name: String,
    /// Where it is mounted.
    pub path: String,
    /// Its size in MiB where it outlives the pod; `None`: it is empty at first and goes with the pod.
    pub mib: Option<u32>,
}

/// A further container of the pods.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Container {
    /// Its name: a DNS label.
    pub name: String,
    /// Whether it runs to its end before the others start.
    pub init: bool,
    /// Which image: one of the release by its repository or the last part of it, or another by digest; empty: the main
    /// container's.
    pub image: String,
    /// The arguments that take the place of the image's command; none: the image's own.
    pub command: Vec<String>,
    /// CPU request in millicores.
    pub cpu_millis: u32,
    /// Memory request and limit in MiB.
    pub memory_mib: u32,
    /// Environment variables.
    pub variables: BTreeMap<String, String>,
}

/// How a workload is reached from outside its cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ingress {
    /// The host name.
    pub host: String,
    /// What paths begin with, as in `/`.
    pub path: String,
    /// The ingress class; empty: the cluster's default.
    pub class: String,
    /// The Secret with the certificate; empty: none, so plain HTTP.
    pub tls_secret: String,
}

/// How the number of pods follows the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Autoscaling {
    /// The fewest pods.
    pub min: u32,
    /// The most.
    pub max: u32,
    /// The average use of the CPU request that is aimed at, in percent.
    pub cpu_percent: u32,
}

/// When a cron job runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Times {
    /// Five fields, as in `0 2 * * *`.
    pub cron: String,
    /// An IANA time zone.
    pub zone: String,
}

/// What differs from the workload in one environment; `None`: nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WorkloadOverride {
    /// Pods.
    pub replicas: Option<u32>,
    /// CPU request in millicores.
    pub cpu_millis: Option<u32>,
    /// Memory in MiB.
    pub memory_mib: Option<u32>,
    /// The most pods of autoscaling.
    pub most: Option<u32>,
    /// The host name of the ingress.
    pub host: Option<String>,
    /// When a cron job runs.
    pub cron: Option<String>,
    /// Variables that are added or replaced.
    pub variables: BTreeMap<String, String>,
}

impl Default for Workload {
    fn default() -> Self {
        Self {
            kind: WorkloadKind::Deployment,
            replicas: 2,
            image: String::new(),
            command: Vec::new(),
            port: Some(8080),
            probe_path: Some(String::from("/healthz")),
            live_path: None,
            cpu_millis: 100,
            cpu_limit_millis: None,
            memory_mib: 128,
            variables: BTreeMap::new(),
            secrets: Vec::new(),
            files: Vec::new(),
            volumes: Vec::new(),
            containers: Vec::new(),
            ingress: None,
            autoscaling: None,
            schedule: None,
            manifests: Vec::new(),
            overrides: BTreeMap::new(),
        }
    }
}

/// A workload as its page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkloadView {
    /// Where.
    pub place: Place,
    /// How the app runs.
    pub workload: Workload,
    /// [`Workload::mark`]: an edit carries the one that it was made from.
    pub mark: String,
    /// Whether the reader may change it.
    pub may_edit: bool,
    /// The images of the newest release, which the manifests are shown with.
    pub images: Vec<Image>,
    /// What it becomes in each environment, in chain order.
    pub environments: Vec<RenderedIn>,
}

/// What a workload becomes in one environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenderedIn {
    /// Where.
    pub environment: EnvironmentRef,
    /// The objects, as YAML.
    pub yaml: String,
    /// How they differ from what they were without what is set for this environment.
    pub over: DiffView,
}

/// The image that `named` means: one of the release, or another that is named by digest.
pub fn image_of(named: &str, images: &[Image]) -> Option<String> {
    if named.is_empty() {
        return images.first().map(Image::reference);
    }
    let last = |repository: &str| repository.rsplit('/').next().map(str::to_owned);
    let found = images
        .iter()
        .find(|image| image.repository == named || last(&image.repository).as_deref() == Some(named));
    if let Some(image) = found {
        return Some(image.reference());
    }
    let by_digest = named
        .split_once('@')
        .is_some_and(|(repository, digest)| !repository.is_empty() && Image::is_digest(digest));
    by_digest.then(|| named.to_owned())
}

impl Workload {
    /// The workload as it is in the environment `key`: what differs there is applied.
    #[must_use]
    pub fn in_environment(&self, key: &str) -> Self {
        let mut there = Self {
            overrides: BTreeMap::new(),
            ..self.clone()
        };
        let Some(over) = self.overrides.get(key) else {
            return there;
        };
        there.replicas = over.replicas.unwrap_or(there.replicas);
        there.cpu_millis = over.cpu_millis.unwrap_or(there.cpu_millis);
        there.memory_mib = over.memory_mib.unwrap_or(there.memory_mib);
        there.variables.extend(over.variables.clone());
        if let (Some(scaling), Some(most)) = (&mut there.autoscaling, over.most) {
            scaling.max = most;
            scaling.min = scaling.min.min(most);
        }
        if let (Some(ingress), Some(host)) = (&mut there.ingress, &over.host) {
            ingress.host.clone_from(host);
        }
        if let (Some(times), Some(cron)) = (&mut there.schedule, &over.cron) {
            times.cron.clone_from(cron);
        }
        there
    }

    /// What it is as it stands: another workload has another mark. SHA-256 in hex.
    pub fn mark(&self) -> String {
        let text = serde_json::to_string(self).unwrap_or_default();
        hex::encode(Sha256::digest(text.as_bytes()))
    }

    /// The most pods in the environment `key`.
    pub fn replicas_in(&self, key: &str) -> u32 {
        let there = self.in_environment(key);
        match there.autoscaling {
            Some(scaling) if there.kind.scales() => scaling.max,
            _ if there.kind.scales() => there.replicas,
            _ => 1,
        }
    }

    /// Variables of the main container in the environment `key`.
    pub fn variables_in(&self, key: &str) -> BTreeMap<String, String> {
        self.in_environment(key).variables
    }

    /// What one pod asks for in the environment `key`: millicores and MiB. Containers that run before the others count
    /// only as far as one of them asks for more than those together, as Kubernetes counts.
    pub fn pod_in(&self, key: &str) -> (i64, i64) {
        let there = self.in_environment(key);
        let main = (i64::from(there.cpu_millis), i64::from(there.memory_mib));
        there
            .containers
            .iter()
            .filter(|one| !one.init)
            .map(|one| (i64::from(one.cpu_millis), i64::from(one.memory_mib)))
            .fold(main, |sum, one| (sum.0 + one.0, sum.1 + one.1))
            .max_each(
                there
                    .containers
                    .iter()
                    .filter(|one| one.init)
                    .map(|one| (i64::from(one.cpu_millis), i64::from(one.memory_mib))),
            )
    }

    /// What its containers name that is neither an image of the release nor one by digest; the main container is "".
    pub fn missing_images(&self, images: &[Image]) -> Vec<String> {
        let mut named: Vec<&str> = std::iter::once(self.image.as_str())
            .chain(self.containers.iter().map(|one| one.image.as_str()))
            .filter(|named| !named.is_empty())
            .filter(|named| image_of(named, images).is_none())
            .collect();
        named.dedup();
        named.into_iter().map(str::to_owned).collect()
    }

    /// The images of a release that no container runs.
    pub fn unused_images<'a>(&self, images: &'a [Image]) -> Vec<&'a Image> {
        if !self.manifests.is_empty() {
            return Vec::new();
        }
        let main = image_of(&self.image, images);
        let used: Vec<String> = self
            .containers
            .iter()
            .filter(|one| !one.image.is_empty())
            .filter_map(|one| image_of(&one.image, images))
            .chain(main)
            .collect();
        images
            .iter()
            .filter(|image| !used.contains(&image.reference()))
            .collect()
    }
}

trait MaxEach {
    /// The larger of each part.
    fn max_each(self, others: impl Iterator<Item = Self>) -> Self;
}

impl MaxEach for (i64, i64) {
    fn max_each(self, others: impl Iterator<Item = Self>) -> Self {
        others.fold(self, |most, one| (most.0.max(one.0), most.1.max(one.1)))
    }
}
