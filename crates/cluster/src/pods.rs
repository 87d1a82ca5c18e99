//! The pods of a Deployment's newest revision.

use std::time::Duration;

use futures::{StreamExt as _, stream};
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use kube::core::ObjectMeta;
use kube::{Api, Client, ResourceExt as _};
use slipway_domain::promotion::PodTrouble;
use slipway_portal::ports::ClusterError;

use crate::trouble::{self, Troubled};
use crate::workload::Workload;
use crate::{list, log, workload};

/// Troubles that are told, the most restarted pods first: the pods of one revision mostly share theirs.
const TOLD: usize = 10;
/// Lines of each log.
const LINES: u32 = 100;
/// How long a log may take: a node that does not answer must not hide the trouble.
const LOG_TIMEOUT: Duration = Duration::from_secs(3);
/// The controller's count of a Deployment's revisions.
const REVISION: &str = "deployment.kubernetes.io/revision";
/// What tells the pods of a Deployment's revisions apart.
const TEMPLATE_HASH: &str = "pod-template-hash";

/// The troubles of the newest revision's pods with their logs; none while the controller has not made that revision.
pub async fn trouble(
    client: &Client,
    namespace: &str,
    deployment: &Deployment,
) -> Result<Vec<PodTrouble>, ClusterError> {
    let Some(newest) = newest_replica_set(client, namespace, deployment).await? else {
        return Ok(Vec::new());
    };
    let api = Api::<Pod>::namespaced(client.clone(), namespace);
    let selector = workload::selector(deployment).into_iter();
    let hash = newest
        .labels()
        .get(TEMPLATE_HASH)
        .map(|hash| format!("{TEMPLATE_HASH}={hash}"));
    let selector = selector.chain(hash).collect::<Vec<_>>().join(",");
    let mut pods = list::all(&api, &ListParams::default().labels(&selector)).await?;
    let owner = newest.metadata.uid.unwrap_or_default();
    pods.retain(|pod| is_owned(&pod.metadata, &owner));
    let logs = stream::iter(worst(deployment, &pods)).map(|troubled| with_log(&api, troubled));
    Ok(logs.buffered(TOLD).collect().await)
}

/// The troubles of the pods that belong to a workload of another kind than Deployment, with their logs.
pub async fn trouble_of(
    client: &Client,
    namespace: &str,
    workload: &Workload,
) -> Result<Vec<PodTrouble>, ClusterError> {
    let Some(selector) = workload.pods() else {
        return Ok(Vec::new());
    };
    let api = Api::<Pod>::namespaced(client.clone(), namespace);
    let mut pods = list::all(&api, &ListParams::default().labels(&selector)).await?;
    let owner = workload.status().uid;
    pods.retain(|pod| is_owned(&pod.metadata, &owner));
    let mut troubled: Vec<Troubled> = pods.iter().flat_map(|pod| trouble::of_pod(pod, false)).collect();
    troubled.sort_by_key(|one| std::cmp::Reverse(one.trouble.restarts));
    troubled.truncate(TOLD);
    let logs = stream::iter(troubled).map(|troubled| with_log(&api, troubled));
    Ok(logs.buffered(TOLD).collect().await)
}

async fn newest_replica_set(
    client: &Client,
    namespace: &str,
    deployment: &Deployment,
) -> Result<Option<ReplicaSet>, ClusterError> {
    let status = workload::status(deployment);
    let selector = workload::selector(deployment).filter(|_| status.generation <= status.observed_generation);
    let Some(selector) = selector else {
        return Ok(None);
    };
    let api = Api::<ReplicaSet>::namespaced(client.clone(), namespace);
    let sets = list::all(&api, &ListParams::default().labels(&selector)).await?;
    let own = sets
        .into_iter()
        .filter(|set| is_owned(&set.metadata, &status.uid));
    Ok(own.max_by_key(revision))
}

pub fn is_owned(metadata: &ObjectMeta, uid: &str) -> bool {
    let owners = metadata.owner_references.as_deref().unwrap_or_default();
    owners
        .iter()
        .any(|owner| owner.controller == Some(true) && owner.uid == uid)
}

pub fn revision(set: &ReplicaSet) -> i64 {
    set.annotations()
        .get(REVISION)
        .and_then(|text| text.parse().ok())
        .unwrap_or(0)
}

/// The troubles to tell of.
fn worst(deployment: &Deployment, pods: &[Pod]) -> Vec<Troubled> {
    let status = workload::status(deployment);
    let overdue = workload::is_overdue(deployment);
    // Pods that were evicted stay behind when others have long replaced them.
    let complete = status.available >= status.desired;
    let mut troubled: Vec<Troubled> = pods
        .iter()
        .filter(|pod| !(complete && trouble::phase(pod) == "Failed"))
        .flat_map(|pod| trouble::of_pod(pod, overdue))
        .collect();
    troubled.sort_by(|a, b| {
        let by_restarts = b.trouble.restarts.cmp(&a.trouble.restarts);
        by_restarts.then_with(|| a.trouble.pod.cmp(&b.trouble.pod))
    });
    troubled.truncate(TOLD);
    troubled
}

/// A log that cannot be read must not hide the trouble: the message says so instead.
async fn with_log(pods: &Api<Pod>, troubled: Troubled) -> PodTrouble {
    let Troubled { mut trouble, run } = troubled;
    let Some(run) = run else {
        return trouble;
    };
    let log = log::tail(pods, &trouble.pod, &trouble.container, run, LINES);
    let missing = match tokio::time::timeout(LOG_TIMEOUT, log).await {
        Ok(Ok(text)) => {
            trouble.log = text;
            return trouble;
        }
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer within {} s", LOG_TIMEOUT.as_secs()),
    };
    tracing::warn!(
        pod = trouble.pod,
        missing,
        "the log of a pod in trouble cannot be read"
    );
    trouble.message = trouble::joined(&trouble.message, &format!("its log cannot be read: {missing}"));
    trouble
}
