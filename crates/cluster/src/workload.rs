//! Deployments as Slipway sees them.

use k8s_openapi::api::apps::v1::{Deployment, DeploymentCondition};
use kube::core::Selector;
use kube::{Api, Client};
use slipway_domain::rollout::WorkloadStatus;
use slipway_portal::ports::ClusterError;

use crate::manifest::{label, subdomain};
use crate::refusal::answer;

/// The Deployment of that name; `None`: it is not there.
pub async fn find(client: &Client, namespace: &str, name: &str) -> Result<Option<Deployment>, ClusterError> {
    let api = Api::<Deployment>::namespaced(client.clone(), label("namespace", namespace)?);
    answer(api.get_opt(subdomain("name", name)?)).await
}

/// The label selector of a Deployment's pods, as a query parameter.
pub fn selector(deployment: &Deployment) -> Option<String> {
    let selector = deployment.spec.selector.clone();
    let selector = Selector::try_from(selector).ok()?.to_string();
    (!selector.is_empty()).then_some(selector)
}

/// The state of a Deployment.
pub fn status(deployment: &Deployment) -> WorkloadStatus {
    let metadata = &deployment.metadata;
    let spec = &deployment.spec;
    let status = deployment.status.clone().unwrap_or_default();
    let count = |number: Option<i32>| i64::from(number.unwrap_or(0));
    WorkloadStatus {
        uid: metadata.uid.clone().unwrap_or_default(),
        annotations: metadata.annotations.clone().unwrap_or_default(),
        generation: metadata.generation.unwrap_or(0),
        observed_generation: status.observed_generation.unwrap_or(0),
        paused: spec.paused.unwrap_or(false),
        // The API's own default where a server leaves it out.
        desired: i64::from(spec.replicas.unwrap_or(1)),
        total: count(status.replicas),
        updated: count(status.updated_replicas),
        ready: count(status.ready_replicas),
        available: count(status.available_replicas),
        progressing: condition(deployment, "Progressing").and_then(|c| c.reason.clone()),
        replica_failure: condition(deployment, "ReplicaFailure")
            .filter(|c| c.status.as_deref() == Some("True"))
            .map(|c| c.message.clone().or_else(|| c.reason.clone()).unwrap_or_default()),
    }
}

fn condition<'a>(deployment: &'a Deployment, kind: &str) -> Option<&'a DeploymentCondition> {
    let conditions = deployment.status.as_ref()?.conditions.as_ref()?;
    conditions.iter().find(|c| c.type_.as_deref() == Some(kind))
}

/// Whether the newest revision made no progress within its deadline.
pub fn is_overdue(deployment: &Deployment) -> bool {
    condition(deployment, "Progressing")
        .is_some_and(|c| c.reason.as_deref() == Some("ProgressDeadlineExceeded"))
}
