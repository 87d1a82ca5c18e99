//! Kubernetes, as the use cases need it.

use async_trait::async_trait;
use futures::stream::BoxStream;
use slipway_domain::drift::FieldChange;
use slipway_domain::pod::{Event, LogAsk, Pod};
use slipway_domain::promotion::PodTrouble;
use slipway_domain::rollout::WorkloadStatus;
use slipway_domain::text::Text;
use slipway_domain::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How to reach a cluster.
#[derive(Clone)]
pub struct ClusterAccess {
    /// The kubeconfig (YAML); `None`: the service account of the pod Slipway runs in.
    pub kubeconfig: Option<String>,
    /// The context in it; `None`: its current one.
    pub context: Option<String>,
    /// Whether the operator of Slipway's machine wrote it, so that it may name programs (`exec`) and files there.
    pub operator: bool,
}

/// Why the cluster did not do it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ClusterError {
    /// No answer: refused, timed out, or cut.
    #[error("the cluster does not answer: {0}")]
    Unreachable(String),
    /// The credentials are wrong or may not do this (401, 403).
    #[error("the cluster does not allow it: {0}")]
    Forbidden(String),
    /// It is not there (404).
    #[error("the cluster has no such thing: {0}")]
    NotFound(String),
    /// Other field managers own fields (409): who, and which.
    #[error("another manager owns a field: {}", owned(.0))]
    Conflict(Vec<Owned>),
    /// A later deployment was applied already.
    #[error("a later deployment was applied already: {0}")]
    Fenced(String),
    /// The manifest is refused: invalid, by an admission rule, by quota (400, 403 with a reason, 422).
    #[error("the cluster refuses the manifest: {0}")]
    Refused(String),
    /// Too many requests (429).
    #[error("the cluster asks to wait {retry_after} s")]
    Limited {
        /// Seconds to wait.
        retry_after: u64,
    },
    /// It broke (5xx), or answered what cannot be read.
    #[error("the cluster failed: {0}")]
    Broken(String),
}

/// A field that another manager owns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owned {
    /// The manager, as in `kubectl-edit`.
    pub manager: String,
    /// The field, as in `.spec.replicas`.
    pub field: String,
}

/// As in `helm owns .spec.paused, .spec.strategy.type; kubectl owns .spec.replicas`.
fn owned(fields: &[Owned]) -> String {
    let mut by_manager = BTreeMap::<&str, Vec<&str>>::new();
    for one in fields {
        by_manager.entry(&one.manager).or_default().push(&one.field);
    }
    let words: Vec<String> = by_manager
        .into_iter()
        .map(|(manager, fields)| format!("{manager} owns {}", fields.join(", ")))
        .collect();
    words.join("; ")
}

impl ClusterError {
    /// Whether trying again later may help.
    pub const fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Unreachable(_) | Self::Limited { .. } | Self::Broken(_)
        )
    }

    /// What happened, and what to do.
    pub fn text(&self) -> Text {
        match self {
            Self::Unreachable(_) => Text::new(
                "The cluster does not answer. What you see is the last known state; Slipway keeps trying.",
                "集群无响应。当前显示的是最近一次已知状态，系统会持续重试。",
            ),
            Self::Forbidden(what) => Text::new(
                format!(
                    "The cluster does not allow Slipway to do this: {what}. Whoever runs the cluster can grant it, or renew the kubeconfig."
                ),
                format!("集群未授权 Slipway 执行此操作：{what}。请联系集群管理员授权，或更新 kubeconfig。"),
            ),
            Self::NotFound(what) => Text::new(
                format!("The cluster has no such thing: {what}"),
                format!("集群中不存在：{what}"),
            ),
            Self::Conflict(fields) => {
                let what = owned(fields);
                Text::new(
                    format!(
                        "Something else manages a field of this workload: {what}. Somebody changed it around Slipway: revert or adopt it on the drift's page, then try again."
                    ),
                    format!(
                        "工作负载的部分字段由其他程序管理：{what}。有人绕过 Slipway 修改了它：请先在漂移页面还原或采纳，再重试。"
                    ),
                )
            }
            Self::Fenced(what) => Text::new(
                format!("A later deployment was applied meanwhile: {what}"),
                format!("期间已有更新的部署：{what}"),
            ),
            Self::Refused(what) => Text::new(
                format!("The cluster refuses the manifest: {what}"),
                format!("集群拒绝了清单：{what}"),
            ),
            Self::Limited { retry_after } => Text::new(
                format!("The cluster asks to wait {retry_after} seconds. Slipway tries again then."),
                format!("集群要求等待 {retry_after} 秒，届时系统会自动重试。"),
            ),
            Self::Broken(what) => Text::new(
                format!("The cluster failed: {what}. Slipway tries again."),
                format!("集群出错：{what}。系统会自动重试。"),
            ),
        }
    }
}

/// Makes clients.
#[async_trait]
pub trait ClusterConnector: Send + Sync {
    /// Whether people may choose the service account of the pod that Slipway runs in
    /// ([`Outgoing`](crate::outgoing::Outgoing)); whoever runs the server may in any case.
    fn in_cluster(&self) -> bool;
    /// Whether an access that somebody typed may be used: it can be read, names nothing of Slipway's machine, and
    /// does not lead to an address that is out of bounds ([`Outgoing`](crate::outgoing::Outgoing)).
    async fn admits(&self, access: &ClusterAccess) -> Result<(), ClusterError>;
    /// A client for a cluster. Clients of the same access are shared.
    async fn connect(&self, access: &ClusterAccess) -> Result<Arc<dyn Cluster>, ClusterError>;
}

/// Something Slipway must be allowed to do in a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// The verb, as in `patch`.
    pub verb: &'static str,
    /// The API group; empty: the core group.
    pub group: &'static str,
    /// The resource, as in `deployments`; with a subresource as in `pods/log`.
    pub resource: &'static str,
}

/// All that Slipway needs in a namespace it deploys to.
pub const NEEDS: &[Need] = &[
    Need {
        verb: "get",
        group: "apps",
        resource: "deployments",
    },
    Need {
        verb: "create",
        group: "apps",
        resource: "deployments",
    },
    Need {
        verb: "patch",
        group: "apps",
        resource: "deployments",
    },
    Need {
        verb: "list",
        group: "apps",
        resource: "replicasets",
    },
    Need {
        verb: "list",
        group: "",
        resource: "pods",
    },
    Need {
        verb: "get",
        group: "",
        resource: "pods/log",
    },
    Need {
        verb: "list",
        group: "",
        resource: "events",
    },
    Need {
        verb: "get",
        group: "",
        resource: "services",
    },
    Need {
        verb: "create",
        group: "",
        resource: "services",
    },
    Need {
        verb: "patch",
        group: "",
        resource: "services",
    },
    Need {
        verb: "get",
        group: "",
        resource: "resourcequotas",
    },
    Need {
        verb: "create",
        group: "",
        resource: "resourcequotas",
    },
    Need {
        verb: "patch",
        group: "",
        resource: "resourcequotas",
    },
];

/// An object with Slipway's label was made, changed or deleted, by whomever.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Touched {
    /// Where it is.
    pub namespace: String,
    /// The id of the promotion that applied it, as its mark says; `None`: it has no mark.
    pub promotion: Option<String>,
}

/// A Kubernetes cluster, through one set of credentials. Every call ends within 10 s.
#[async_trait]
pub trait Cluster: Send + Sync {
    /// The version it reports, as in `v1.33.1`.
    async fn version(&self) -> Result<String, ClusterError>;
    /// Which of `needs` the credentials do not allow in `namespace` (by `SelfSubjectAccessReview`).
    async fn denied(&self, namespace: &str, needs: &[Need]) -> Result<Vec<Need>, ClusterError>;
    /// Makes the namespace where it is not there.
    async fn ensure_namespace(&self, namespace: &str) -> Result<(), ClusterError>;
    /// Applies an object server-side as the field manager `slipway`, and returns what the cluster remarked on (its
    /// `Warning` headers). Fields of other managers are left to them, and the call fails with [`ClusterError::Conflict`],
    /// unless each of them is in `takes` (as in `.spec.replicas`) or Slipway's own by another name. An object that carries
    /// the annotation `slipway.dev/fence` with a larger number than `fence` is left alone: [`ClusterError::Fenced`].
    async fn apply(
        &self,
        object: &serde_json::Value,
        fence: i64,
        takes: &[String],
    ) -> Result<Vec<String>, ClusterError>;
    /// The fields in which the object in the cluster differs from what applying it again would make of it, by a dry run:
    /// nothing is changed.
    async fn drift(&self, object: &serde_json::Value) -> Result<Vec<FieldChange>, ClusterError>;
    /// The Deployment of that name; `None`: it is not there.
    async fn workload(&self, namespace: &str, name: &str) -> Result<Option<WorkloadStatus>, ClusterError>;
    /// Pods of the Deployment's newest revision that are in trouble, each with the end of its log (of the run
    /// before, when it crashed).
    async fn trouble(&self, namespace: &str, name: &str) -> Result<Vec<PodTrouble>, ClusterError>;
    /// The pods of the Deployment of that name, of all its revisions; those of the newest first.
    async fn pods(&self, namespace: &str, name: &str) -> Result<Vec<Pod>, ClusterError>;
    /// What happened to the Deployment of that name and what it is made of, the newest first; at most 50.
    async fn events(&self, namespace: &str, name: &str) -> Result<Vec<Event>, ClusterError>;
    /// The last lines of a container's log, at most 1 MiB of them.
    async fn log(&self, namespace: &str, ask: &LogAsk) -> Result<String, ClusterError>;
    /// The last lines of a container's log and what it says from then on, in pieces of whole lines, until it ends or nobody
    /// listens. Only the beginning of it is bounded in time.
    async fn follow(
        &self,
        namespace: &str,
        ask: &LogAsk,
    ) -> Result<BoxStream<'static, Result<String, ClusterError>>, ClusterError>;
    /// Asks for so many pods, as the field manager `slipway-scale`; how many were asked for before.
    async fn scale(&self, namespace: &str, name: &str, replicas: u32) -> Result<i64, ClusterError>;
    /// Has the pods of the Deployment replaced one after the other, as `kubectl rollout restart` does.
    async fn restart(&self, namespace: &str, name: &str, at: Timestamp) -> Result<(), ClusterError>;
    /// Deletes an object as it was seen a moment before, by its uid and version; one that is not there is deleted already, and
    /// so is one whose `metadata.uid` is said and is another's. An object that carries the annotation `slipway.dev/fence` with a
    /// larger number than `fence` is left alone: [`ClusterError::Fenced`].
    async fn delete(&self, object: &serde_json::Value, fence: i64) -> Result<(), ClusterError>;
    /// Takes fields out of an object, where they still have the values that `changes` saw, whoever set them. A server-side apply
    /// takes away only what Slipway itself had set. Fenced as [`Cluster::apply`] is.
    async fn take_away(
        &self,
        object: &serde_json::Value,
        fence: i64,
        changes: &[FieldChange],
    ) -> Result<(), ClusterError>;
    /// Hears of every change of what carries Slipway's label, in all namespaces, until it ends with an error: then what
    /// changes is not known any more. What is there when it begins is not told. It takes the right to list and to watch those
    /// kinds in the whole cluster.
    async fn watch(&self) -> Result<BoxStream<'static, Result<Touched, ClusterError>>, ClusterError>;
    /// The objects in the namespace that carry all of `labels` and were never applied by Slipway, but for what controllers made
    /// and what the credentials may not list; with who made them.
    async fn strangers(
        &self,
        namespace: &str,
        labels: &BTreeMap<String, String>,
    ) -> Result<Vec<FieldChange>, ClusterError>;
}
