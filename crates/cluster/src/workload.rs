//! What runs pods, as Slipway sees it.

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, DeploymentCondition, StatefulSet};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::core::{NamespaceResourceScope, ObjectMeta, Selector};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;
use slipway_domain::rollout::WorkloadStatus;
use slipway_portal::ports::ClusterError;

use crate::manifest::{label, subdomain};
use crate::refusal::answer;

/// What runs pods.
pub enum Workload {
    Deployment(Box<Deployment>),
    StatefulSet(Box<StatefulSet>),
    DaemonSet(Box<DaemonSet>),
    CronJob(Box<CronJob>),
    Job(Box<Job>),
}

/// The workload of that name, whichever its kind, Deployments first; `None`: it is not there.
pub async fn find(client: &Client, namespace: &str, name: &str) -> Result<Option<Workload>, ClusterError> {
    if let Some(found) = get(client, namespace, name).await? {
        return Ok(Some(Workload::Deployment(found)));
    }
    // Who may see Deployments alone deploys nothing else.
    if let Some(found) = seen(get(client, namespace, name).await)? {
        return Ok(Some(Workload::StatefulSet(found)));
    }
    if let Some(found) = seen(get(client, namespace, name).await)? {
        return Ok(Some(Workload::DaemonSet(found)));
    }
    if let Some(found) = seen(get(client, namespace, name).await)? {
        return Ok(Some(Workload::CronJob(found)));
    }
    Ok(seen(get(client, namespace, name).await)?.map(Workload::Job))
}

async fn get<K>(client: &Client, namespace: &str, name: &str) -> Result<Option<Box<K>>, ClusterError>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + DeserializeOwned
        + std::fmt::Debug,
{
    let api = Api::<K>::namespaced(client.clone(), label("namespace", namespace)?);
    let found = answer(api.get_opt(subdomain("name", name)?)).await?;
    Ok(found.map(Box::new))
}

fn seen<T>(answer: Result<Option<T>, ClusterError>) -> Result<Option<T>, ClusterError> {
    match answer {
        Err(ClusterError::Forbidden(_)) => Ok(None),
        other => other,
    }
}

impl Workload {
    /// Kubernetes' word for what it is.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Deployment(_) => "Deployment",
            Self::StatefulSet(_) => "StatefulSet",
            Self::DaemonSet(_) => "DaemonSet",
            Self::CronJob(_) => "CronJob",
            Self::Job(_) => "Job",
        }
    }

    /// Where it stands.
    pub fn status(&self) -> WorkloadStatus {
        match self {
            Self::Deployment(deployment) => status(deployment),
            Self::StatefulSet(set) => of_stateful_set(set),
            Self::DaemonSet(set) => of_daemon_set(set),
            Self::CronJob(job) => of_cron_job(job),
            Self::Job(job) => of_job(job),
        }
    }

    /// The label selector of its pods, as a query parameter; `None`: it says none, or has pods only by others.
    pub fn pods(&self) -> Option<String> {
        match self {
            Self::Deployment(deployment) => selector(deployment),
            Self::StatefulSet(set) => labels(Some(&set.spec.selector)),
            Self::DaemonSet(set) => labels(Some(&set.spec.selector)),
            Self::Job(job) => labels(job.spec.as_ref()?.selector.as_ref()),
            Self::CronJob(_) => None,
        }
    }
}

fn labels(selector: Option<&LabelSelector>) -> Option<String> {
    let selector = Selector::try_from(selector?.clone()).ok()?.to_string();
    (!selector.is_empty()).then_some(selector)
}

/// The label selector of a Deployment's pods, as a query parameter.
pub fn selector(deployment: &Deployment) -> Option<String> {
    labels(Some(&deployment.spec.selector))
}

fn count(number: Option<i32>) -> i64 {
    i64::from(number.unwrap_or(0))
}

/// What every kind has.
fn ground(metadata: &ObjectMeta) -> WorkloadStatus {
    WorkloadStatus {
        uid: metadata.uid.clone().unwrap_or_default(),
        annotations: metadata.annotations.clone().unwrap_or_default(),
        generation: metadata.generation.unwrap_or(0),
        observed_generation: metadata.generation.unwrap_or(0),
        ..WorkloadStatus::default()
    }
}

/// The state of a Deployment.
pub fn status(deployment: &Deployment) -> WorkloadStatus {
    let spec = &deployment.spec;
    let status = deployment.status.clone().unwrap_or_default();
    WorkloadStatus {
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
        ..ground(&deployment.metadata)
    }
}

fn of_stateful_set(set: &StatefulSet) -> WorkloadStatus {
    let status = set.status.clone().unwrap_or_default();
    WorkloadStatus {
        observed_generation: status.observed_generation.unwrap_or(0),
        desired: i64::from(set.spec.replicas.unwrap_or(1)),
        total: i64::from(status.replicas),
        updated: count(status.updated_replicas),
        ready: count(status.ready_replicas),
        available: count(status.available_replicas),
        ..ground(&set.metadata)
    }
}

fn of_daemon_set(set: &DaemonSet) -> WorkloadStatus {
    let status = set.status.clone().unwrap_or_default();
    WorkloadStatus {
        observed_generation: status.observed_generation.unwrap_or(0),
        desired: i64::from(status.desired_number_scheduled),
        total: i64::from(status.current_number_scheduled),
        updated: count(status.updated_number_scheduled),
        ready: i64::from(status.number_ready),
        available: count(status.number_available),
        ..ground(&set.metadata)
    }
}

/// A schedule is one thing that is there or not; its Jobs come and go.
fn of_cron_job(job: &CronJob) -> WorkloadStatus {
    WorkloadStatus {
        paused: job.spec.suspend.unwrap_or(false),
        desired: 1,
        total: 1,
        updated: 1,
        ready: 1,
        available: 1,
        ..ground(&job.metadata)
    }
}

/// A Job is complete when as many of its pods as it asks for have ended well.
fn of_job(job: &Job) -> WorkloadStatus {
    let spec = job.spec.clone().unwrap_or_default();
    let status = job.status.clone().unwrap_or_default();
    let desired = i64::from(spec.completions.unwrap_or(1));
    let done = count(status.succeeded);
    let failed = status
        .conditions
        .unwrap_or_default()
        .into_iter()
        .find(|c| c.type_ == "Failed" && c.status == "True");
    WorkloadStatus {
        paused: spec.suspend.unwrap_or(false),
        desired,
        total: desired,
        updated: desired,
        ready: done,
        available: done,
        failed: failed.map(|c| {
            c.message
                .or(c.reason)
                .unwrap_or_else(|| String::from("the Job failed"))
        }),
        ..ground(&job.metadata)
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
