//! The kinds that the server serves, with what discovery says of each.

/// One served kind. `name` is the plural in the URL.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent traits of a kind")]
pub struct Resource {
    pub group: &'static str,
    pub version: &'static str,
    pub kind: &'static str,
    pub name: &'static str,
    pub singular: &'static str,
    pub short: &'static [&'static str],
    pub namespaced: bool,
    pub in_all: bool,
    pub status: bool,
    pub scale: bool,
    /// Where the objects live; `events.k8s.io` shares the storage of core events.
    pub storage: usize,
    /// The type's name in `schema.txt`.
    pub schema: &'static str,
    /// Changes of the spec raise `metadata.generation`.
    pub has_generation: bool,
}

impl Resource {
    /// `v1`, `apps/v1`.
    pub fn api_version(&self) -> String {
        group_version(self.group, self.version)
    }

    /// `deployments.apps`, `pods`: as error messages name it.
    pub fn qualified(&self) -> String {
        if self.group.is_empty() {
            self.name.to_owned()
        } else {
            format!("{}.{}", self.name, self.group)
        }
    }

    /// `Deployment.apps`, `Pod`.
    pub fn qualified_kind(&self) -> String {
        if self.group.is_empty() {
            self.kind.to_owned()
        } else {
            format!("{}.{}", self.kind, self.group)
        }
    }
}

pub fn group_version(group: &str, version: &str) -> String {
    if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    }
}

macro_rules! resources {
    ($($id:ident $group:literal $version:literal $kind:literal $name:literal $singular:literal [$($short:literal)*] $($flag:ident)*;)*) => {
        #[expect(non_camel_case_types, clippy::upper_case_acronyms, reason = "a private list of indexes")]
        #[derive(Clone, Copy)]
        enum Index { $($id),* }
        $(pub const $id: &Resource = &RESOURCES[Index::$id as usize];)*
        /// Every kind by its constant.
        const ALL: &[&Resource] = &[$($id),*];
        pub static RESOURCES: &[Resource] = &[$(Resource {
            group: $group, version: $version, kind: $kind, name: $name, singular: $singular, short: &[$($short),*],
            namespaced: !has(&[$(stringify!($flag)),*], "cluster"),
            in_all: has(&[$(stringify!($flag)),*], "all"),
            status: has(&[$(stringify!($flag)),*], "status"),
            scale: has(&[$(stringify!($flag)),*], "scale"),
            storage: if has(&[$(stringify!($flag)),*], "alias") { Index::EVENTS as usize } else { Index::$id as usize },
            schema: if has(&[$(stringify!($flag)),*], "alias") { "events.Event" } else { $kind },
            has_generation: has(&[$(stringify!($flag)),*], "generation"),
        }),*];
    };
}

const fn has(flags: &[&str], wanted: &str) -> bool {
    let mut i = 0;
    while i < flags.len() {
        if same(flags[i].as_bytes(), wanted.as_bytes()) {
            return true;
        }
        i += 1;
    }
    false
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

resources! {
    CONFIG_MAPS "" "v1" "ConfigMap" "configmaps" "configmap" ["cm"];
    ENDPOINTS "" "v1" "Endpoints" "endpoints" "endpoints" ["ep"];
    EVENTS "" "v1" "Event" "events" "event" ["ev"];
    LIMIT_RANGES "" "v1" "LimitRange" "limitranges" "limitrange" ["limits"];
    NAMESPACES "" "v1" "Namespace" "namespaces" "namespace" ["ns"] cluster status;
    NODES "" "v1" "Node" "nodes" "node" ["no"] cluster status;
    CLAIMS "" "v1" "PersistentVolumeClaim" "persistentvolumeclaims" "persistentvolumeclaim" ["pvc"] status;
    PODS "" "v1" "Pod" "pods" "pod" ["po"] all status generation;
    QUOTAS "" "v1" "ResourceQuota" "resourcequotas" "resourcequota" ["quota"] status;
    SECRETS "" "v1" "Secret" "secrets" "secret" [];
    SERVICE_ACCOUNTS "" "v1" "ServiceAccount" "serviceaccounts" "serviceaccount" ["sa"];
    SERVICES "" "v1" "Service" "services" "service" ["svc"] all status;
    CONTROLLER_REVISIONS "apps" "v1" "ControllerRevision" "controllerrevisions" "controllerrevision" [];
    DAEMON_SETS "apps" "v1" "DaemonSet" "daemonsets" "daemonset" ["ds"] all status generation;
    DEPLOYMENTS "apps" "v1" "Deployment" "deployments" "deployment" ["deploy"] all status scale generation;
    REPLICA_SETS "apps" "v1" "ReplicaSet" "replicasets" "replicaset" ["rs"] all status scale generation;
    STATEFUL_SETS "apps" "v1" "StatefulSet" "statefulsets" "statefulset" ["sts"] all status scale generation;
    AUTOSCALERS "autoscaling" "v2" "HorizontalPodAutoscaler" "horizontalpodautoscalers" "horizontalpodautoscaler" ["hpa"] all status;
    CRON_JOBS "batch" "v1" "CronJob" "cronjobs" "cronjob" ["cj"] all status generation;
    JOBS "batch" "v1" "Job" "jobs" "job" [] all status generation;
    LEASES "coordination.k8s.io" "v1" "Lease" "leases" "lease" [];
    ENDPOINT_SLICES "discovery.k8s.io" "v1" "EndpointSlice" "endpointslices" "endpointslice" [];
    EVENTS_K8S_IO "events.k8s.io" "v1" "Event" "events" "event" ["ev"] alias;
    INGRESS_CLASSES "networking.k8s.io" "v1" "IngressClass" "ingressclasses" "ingressclass" [] cluster generation;
    INGRESSES "networking.k8s.io" "v1" "Ingress" "ingresses" "ingress" ["ing"] status generation;
    NETWORK_POLICIES "networking.k8s.io" "v1" "NetworkPolicy" "networkpolicies" "networkpolicy" ["netpol"] generation;
    DISRUPTION_BUDGETS "policy" "v1" "PodDisruptionBudget" "poddisruptionbudgets" "poddisruptionbudget" ["pdb"] status generation;
}

/// The kind behind a URL's group, version and plural.
pub fn find(group: &str, version: &str, name: &str) -> Option<&'static Resource> {
    ALL.iter()
        .copied()
        .find(|r| r.group == group && r.version == version && r.name == name)
}

/// The kind behind `apiVersion` and `kind`.
pub fn by_kind(api_version: &str, kind: &str) -> Option<&'static Resource> {
    ALL.iter()
        .copied()
        .find(|r| r.kind == kind && r.api_version() == api_version)
}

/// Groups in the order of `/apis`, each with its versions.
pub const GROUPS: &[(&str, &[&str])] = &[
    ("apps", &["v1"]),
    ("events.k8s.io", &["v1"]),
    ("authentication.k8s.io", &["v1"]),
    ("authorization.k8s.io", &["v1"]),
    ("autoscaling", &["v2"]),
    ("batch", &["v1"]),
    ("networking.k8s.io", &["v1"]),
    ("policy", &["v1"]),
    ("coordination.k8s.io", &["v1"]),
    ("discovery.k8s.io", &["v1"]),
];
