//! What a workload is made of: its pods in words, and what happened to them.

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{self, ContainerState, ContainerStatus};
use k8s_openapi::jiff;
use kube::api::{ListParams, Patch, PatchParams};
use kube::core::NamespaceResourceScope;
use kube::{Api, Client, Resource, ResourceExt as _};
use serde::de::DeserializeOwned;
use serde_json::json;
use slipway_domain::pod::{Container, Event, Pod};
use slipway_domain::time::Timestamp;
use slipway_portal::ports::ClusterError;
use std::fmt::Debug;

use crate::manifest::{label, subdomain};
use crate::pods::{is_owned, revision};
use crate::refusal::answer;
use crate::workload::Workload;
use crate::{list, workload};

/// Events that are told.
const TOLD: usize = 50;
/// The name under which people scale through Slipway.
const SCALES: &str = "slipway-scale";
/// The name under which people restart through Slipway.
const RESTARTS: &str = "slipway-restart";
/// The annotation of the pod template that `kubectl rollout restart` sets.
const RESTARTED_AT: &str = "kubectl.kubernetes.io/restartedAt";

/// What a workload is made of.
#[derive(Default)]
struct Parts {
    /// The `ReplicaSet`s of a Deployment, the newest first.
    sets: Vec<ReplicaSet>,
    /// The Jobs of a `CronJob`.
    jobs: Vec<Job>,
    /// Its pods.
    pods: Vec<v1::Pod>,
}

async fn parts(client: &Client, namespace: &str, workload: &Workload) -> Result<Parts, ClusterError> {
    let owner = workload.status().uid;
    let pods = Api::<v1::Pod>::namespaced(client.clone(), label("namespace", namespace)?);
    let deployment = match workload {
        Workload::Deployment(deployment) => deployment,
        Workload::CronJob(_) => return of_cron_job(client, namespace, &owner, &pods).await,
        other => {
            let Some(selector) = other.pods() else {
                return Ok(Parts::default());
            };
            let mut pods = list::all(&pods, &ListParams::default().labels(&selector)).await?;
            pods.retain(|pod| is_owned(&pod.metadata, &owner));
            return Ok(Parts {
                pods,
                ..Parts::default()
            });
        }
    };
    let Some(selector) = workload::selector(deployment) else {
        return Ok(Parts::default());
    };
    let params = ListParams::default().labels(&selector);
    let mut sets = list::all(&Api::<ReplicaSet>::namespaced(client.clone(), namespace), &params).await?;
    sets.retain(|set| is_owned(&set.metadata, &owner));
    sets.sort_by_key(|set| std::cmp::Reverse(revision(set)));
    let mut pods = list::all(&pods, &params).await?;
    pods.retain(|pod| sets.iter().any(|set| is_of(pod, set)));
    Ok(Parts {
        sets,
        pods,
        jobs: Vec::new(),
    })
}

/// The Jobs that a `CronJob` made, and their pods.
async fn of_cron_job(
    client: &Client,
    namespace: &str,
    owner: &str,
    pods: &Api<v1::Pod>,
) -> Result<Parts, ClusterError> {
    let jobs = Api::<Job>::namespaced(client.clone(), label("namespace", namespace)?);
    let mut jobs = list::all(&jobs, &ListParams::default()).await?;
    jobs.retain(|job| is_owned(&job.metadata, owner));
    // The label that the controller gives to pods of Jobs.
    let mut pods = list::all(
        pods,
        &ListParams::default().labels("batch.kubernetes.io/job-name"),
    )
    .await?;
    pods.retain(|pod| {
        let made = |job: &Job| {
            job.metadata
                .uid
                .as_ref()
                .is_some_and(|uid| is_owned(&pod.metadata, uid))
        };
        jobs.iter().any(made)
    });
    Ok(Parts {
        jobs,
        pods,
        ..Parts::default()
    })
}

fn is_of(pod: &v1::Pod, set: &ReplicaSet) -> bool {
    set.metadata
        .uid
        .as_ref()
        .is_some_and(|uid| is_owned(&pod.metadata, uid))
}

/// The pods of a workload, of the newest revision first, then by name.
pub async fn pods(client: &Client, namespace: &str, name: &str) -> Result<Vec<Pod>, ClusterError> {
    let Some(workload) = workload::find(client, namespace, name).await? else {
        return Ok(Vec::new());
    };
    let Parts { sets, pods, .. } = parts(client, namespace, &workload).await?;
    let newest = sets.first();
    let revised = matches!(workload, Workload::Deployment(_));
    let mut shown: Vec<Pod> = pods
        .iter()
        .map(|pod| Pod {
            newest: !revised || newest.is_some_and(|set| is_of(pod, set)),
            ..shown(pod)
        })
        .collect();
    shown.sort_by(|a, b| (!a.newest, &a.name).cmp(&(!b.newest, &b.name)));
    Ok(shown)
}

fn time(at: &k8s_openapi::apimachinery::pkg::apis::meta::v1::Time) -> Timestamp {
    Timestamp(at.0.as_microsecond())
}

fn shown(pod: &v1::Pod) -> Pod {
    let status = pod.status.clone().unwrap_or_default();
    let spec = pod.spec.clone().unwrap_or_default();
    let described = |init: bool, containers: Vec<v1::Container>, states: &[ContainerStatus]| {
        containers
            .into_iter()
            .map(|container| {
                let state = states.iter().find(|state| state.name == container.name);
                // A sidecar is an init container that stays.
                let stays = container.restart_policy.as_deref() == Some("Always");
                self::container(init && !stays, container, state)
            })
            .collect::<Vec<_>>()
    };
    let inits = status.init_container_statuses.clone().unwrap_or_default();
    let running = status.container_statuses.clone().unwrap_or_default();
    let mut containers = described(true, spec.init_containers.unwrap_or_default(), &inits);
    containers.extend(described(false, spec.containers, &running));
    Pod {
        name: pod.name_any(),
        status: word(pod, &status, &containers),
        ready: containers.iter().filter(|c| !c.init).all(|c| c.ready),
        newest: false,
        restarts: containers.iter().map(|c| c.restarts).sum(),
        node: spec.node_name.filter(|node| !node.is_empty()),
        created_at: pod.metadata.creation_timestamp.as_ref().map(time),
        containers,
    }
}

fn container(init: bool, container: v1::Container, status: Option<&ContainerStatus>) -> Container {
    let state = status.and_then(|status| status.state.as_ref());
    Container {
        init,
        image: container.image.unwrap_or_default(),
        state: state.map_or_else(|| String::from("Waiting"), in_a_word),
        ready: status.is_some_and(|status| status.ready),
        restarts: status.map_or(0, |status| i64::from(status.restart_count)),
        previous: status.is_some_and(|status| {
            status
                .last_state
                .as_ref()
                .is_some_and(|last| last.terminated.is_some())
        }),
        name: container.name,
    }
}

fn in_a_word(state: &ContainerState) -> String {
    if let Some(waiting) = &state.waiting {
        return waiting.reason.clone().unwrap_or_else(|| String::from("Waiting"));
    }
    if let Some(ended) = &state.terminated {
        let code = || format!("ExitCode:{}", ended.exit_code);
        return ended
            .reason
            .clone()
            .filter(|reason| !reason.is_empty())
            .unwrap_or_else(code);
    }
    String::from(if state.running.is_some() {
        "Running"
    } else {
        "Waiting"
    })
}

/// The pod's state in a word, by the rules by which `kubectl get pods` has it.
fn word(pod: &v1::Pod, status: &v1::PodStatus, containers: &[Container]) -> String {
    if pod.metadata.deletion_timestamp.is_some() {
        return String::from("Terminating");
    }
    let inits: Vec<&Container> = containers.iter().filter(|c| c.init).collect();
    let undone = inits.iter().position(|c| c.state != "Completed");
    if let Some(at) = undone.filter(|_| status.phase.as_deref() == Some("Pending")) {
        let state = inits[at].state.as_str();
        return if matches!(state, "Running" | "Waiting" | "PodInitializing") {
            format!("Init:{at}/{}", inits.len())
        } else {
            format!("Init:{state}")
        };
    }
    let ended = containers
        .iter()
        .filter(|c| !c.init)
        .find(|c| c.state != "Running" && c.state != "Waiting");
    let phase = status.reason.clone().or_else(|| status.phase.clone());
    ended.map_or_else(|| phase.unwrap_or_default(), |container| container.state.clone())
}

/// What happened to a workload, to what it made and to its pods, the newest first.
pub async fn events(client: &Client, namespace: &str, name: &str) -> Result<Vec<Event>, ClusterError> {
    let Some(workload) = workload::find(client, namespace, name).await? else {
        return Ok(Vec::new());
    };
    let Parts { sets, jobs, pods } = parts(client, namespace, &workload).await?;
    let own = workload.status().uid;
    let metadata = sets
        .iter()
        .map(|set| &set.metadata)
        .chain(jobs.iter().map(|job| &job.metadata))
        .chain(pods.iter().map(|pod| &pod.metadata));
    let mut uids: Vec<&str> = metadata.filter_map(|metadata| metadata.uid.as_deref()).collect();
    uids.push(&own);
    let api = Api::<v1::Event>::namespaced(client.clone(), label("namespace", namespace)?);
    let all = list::all(&api, &ListParams::default()).await?;
    let concerns = |event: &&v1::Event| {
        event
            .involved_object
            .uid
            .as_deref()
            .is_some_and(|uid| uids.contains(&uid))
    };
    let mut told: Vec<Event> = all.iter().filter(concerns).map(event).collect();
    told.sort_by_key(|event| std::cmp::Reverse(event.at));
    told.truncate(TOLD);
    Ok(told)
}

fn event(event: &v1::Event) -> Event {
    let series = event.series.as_ref();
    let micro =
        |at: &k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime| Timestamp(at.0.as_microsecond());
    let at = series
        .and_then(|series| series.last_observed_time.as_ref().map(micro))
        .or_else(|| event.last_timestamp.as_ref().map(time))
        .or_else(|| event.event_time.as_ref().map(micro))
        .or_else(|| event.first_timestamp.as_ref().map(time));
    let object = &event.involved_object;
    let count = series
        .and_then(|series| series.count)
        .or(event.count)
        .unwrap_or(1);
    Event {
        warning: event.type_.as_deref() == Some("Warning"),
        reason: event.reason.clone().unwrap_or_default(),
        message: event.message.clone().unwrap_or_default(),
        object: format!(
            "{} {}",
            object.kind.as_deref().unwrap_or_default(),
            object.name.as_deref().unwrap_or_default()
        ),
        count: i64::from(count),
        at,
    }
}

/// Asks for so many pods; how many were asked for before.
pub async fn scale(client: &Client, namespace: &str, name: &str, replicas: u32) -> Result<i64, ClusterError> {
    let found = workload::find(client, namespace, name).await?;
    let found = found.ok_or_else(|| gone(name))?;
    let before = found.status().desired;
    let change = json!({ "spec": { "replicas": replicas } });
    match found {
        Workload::Deployment(_) => patch::<Deployment>(client, namespace, name, SCALES, &change).await?,
        Workload::StatefulSet(_) => patch::<StatefulSet>(client, namespace, name, SCALES, &change).await?,
        other => return Err(cannot(&other, "has no number of pods to be set")),
    }
    Ok(before)
}

/// Has the pods replaced one after the other.
pub async fn restart(
    client: &Client,
    namespace: &str,
    name: &str,
    at: Timestamp,
) -> Result<(), ClusterError> {
    let at =
        jiff::Timestamp::from_microsecond(at.micros()).map_or_else(|_| at.rfc3339(), |at| at.to_string());
    let template = json!({ "metadata": { "annotations": { RESTARTED_AT: at } } });
    let change = json!({ "spec": { "template": template } });
    let found = workload::find(client, namespace, name).await?;
    match found.ok_or_else(|| gone(name))? {
        Workload::Deployment(_) => patch::<Deployment>(client, namespace, name, RESTARTS, &change).await,
        Workload::StatefulSet(_) => patch::<StatefulSet>(client, namespace, name, RESTARTS, &change).await,
        Workload::DaemonSet(_) => patch::<DaemonSet>(client, namespace, name, RESTARTS, &change).await,
        other => Err(cannot(
            &other,
            "runs to its end and is not restarted; promote it again",
        )),
    }
}

async fn patch<K>(
    client: &Client,
    namespace: &str,
    name: &str,
    manager: &str,
    patch: &serde_json::Value,
) -> Result<(), ClusterError>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + DeserializeOwned + Debug,
{
    let api = Api::<K>::namespaced(client.clone(), label("namespace", namespace)?);
    let params = PatchParams {
        field_manager: Some(manager.to_owned()),
        ..PatchParams::default()
    };
    answer(api.patch(subdomain("name", name)?, &params, &Patch::Merge(patch))).await?;
    Ok(())
}

fn gone(name: &str) -> ClusterError {
    ClusterError::NotFound(format!("workload {name}"))
}

fn cannot(workload: &Workload, why: &str) -> ClusterError {
    ClusterError::Refused(format!("a {} {why}", workload.kind()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn seen(pod: &Value) -> Pod {
        shown(&serde_json::from_value(pod.clone()).expect("a pod"))
    }

    #[test]
    fn a_pod_is_in_the_state_that_kubectl_says() {
        let pod = |phase: &str, statuses: Value| {
            json!({
                "metadata": { "name": "web-1" },
                "spec": { "initContainers": [{ "name": "migrate" }], "containers": [{ "name": "web", "image": "i" }] },
                "status": { "phase": phase, "initContainerStatuses": statuses["init"], "containerStatuses": statuses["web"] },
            })
        };
        let one = |name: &str, ready: bool, state: Value, last: Value| json!([{ "name": name, "image": "i", "imageID": "", "ready": ready, "restartCount": 2, "state": state, "lastState": last }]);
        let done = one(
            "migrate",
            true,
            json!({ "terminated": { "exitCode": 0, "reason": "Completed" } }),
            json!({}),
        );
        let running = one("web", true, json!({ "running": {} }), json!({}));
        let waits = |reason: &str| {
            one(
                "web",
                false,
                json!({ "waiting": { "reason": reason } }),
                json!({ "terminated": { "exitCode": 1 } }),
            )
        };
        for (phase, init, web, expected) in [
            ("Running", done.clone(), running.clone(), "Running"),
            (
                "Running",
                done.clone(),
                waits("CrashLoopBackOff"),
                "CrashLoopBackOff",
            ),
            (
                "Pending",
                one("migrate", false, json!({ "running": {} }), json!({})),
                waits("PodInitializing"),
                "Init:0/1",
            ),
            (
                "Pending",
                one(
                    "migrate",
                    false,
                    json!({ "waiting": { "reason": "CrashLoopBackOff" } }),
                    json!({}),
                ),
                waits("PodInitializing"),
                "Init:CrashLoopBackOff",
            ),
            (
                "Failed",
                done.clone(),
                one(
                    "web",
                    false,
                    json!({ "terminated": { "exitCode": 3 } }),
                    json!({}),
                ),
                "ExitCode:3",
            ),
        ] {
            let found = seen(&pod(phase, json!({ "init": init, "web": web })));
            assert_eq!(found.status, expected);
        }
        let crashing = seen(&pod(
            "Running",
            json!({ "init": done, "web": waits("CrashLoopBackOff") }),
        ));
        assert!(!crashing.ready && crashing.containers[1].previous);
        assert_eq!((crashing.restarts, crashing.ready_containers()), (4, (0, 1)));
        let mut ending = pod("Running", json!({ "init": [], "web": running }));
        ending["metadata"]["deletionTimestamp"] = json!("2026-11-30T10:00:00Z");
        assert_eq!(seen(&ending).status, "Terminating");
    }
}
