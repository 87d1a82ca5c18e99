//! What is wrong with a pod, and why, in Kubernetes' words.

use k8s_openapi::api::core::v1::{ContainerStateTerminated, ContainerStatus, Pod, PodCondition};
use kube::ResourceExt as _;
use slipway_domain::promotion::PodTrouble;

use crate::log::Run;

/// Containers wait for these as a matter of course.
const USUAL: [&str; 2] = ["ContainerCreating", "PodInitializing"];

/// A trouble, and the run whose log tells of it; `None`: the container never ran.
#[derive(Debug)]
pub struct Troubled {
    pub trouble: PodTrouble,
    pub run: Option<Run>,
}

/// `status.phase`, as in `Running`.
pub fn phase(pod: &Pod) -> &str {
    pod.status
        .as_ref()
        .and_then(|s| s.phase.as_deref())
        .unwrap_or_default()
}

/// What is wrong with a pod, a trouble per container. `overdue`: its Deployment missed its deadline, so that even a
/// container that only is not ready is in trouble.
pub fn of_pod(pod: &Pod, overdue: bool) -> Vec<Troubled> {
    let Some(status) = pod
        .status
        .as_ref()
        .filter(|_| pod.metadata.deletion_timestamp.is_none())
    else {
        return Vec::new();
    };
    let told = |container: &str, restarts: i32, why: Why| Troubled {
        trouble: PodTrouble {
            pod: pod.name_any(),
            container: container.to_owned(),
            reason: why.reason,
            message: why.message,
            restarts: i64::from(restarts),
            log: String::new(),
        },
        run: why.run,
    };
    let condition = |kind: &str| {
        let conditions = status.conditions.as_deref().unwrap_or_default();
        conditions.iter().find(|c| c.type_ == kind && c.status == "False")
    };
    let unready = condition("ContainersReady").filter(|_| overdue);
    let containers = [&status.init_container_statuses, &status.container_statuses];
    let mut troubles: Vec<Troubled> = containers
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|c| Some(told(&c.name, c.restart_count, of_container(c, unready)?)))
        .collect();
    let whole = condition("PodScheduled").filter(|c| c.reason.as_deref() == Some("Unschedulable"));
    if let Some(condition) = whole {
        troubles.push(told("", 0, Why::of_condition(condition)));
    } else if troubles.is_empty() && phase(pod) == "Failed" {
        let why = Why {
            reason: status.reason.clone().unwrap_or_else(|| "Failed".to_owned()),
            message: status.message.clone().unwrap_or_default(),
            run: None,
        };
        troubles.push(told("", 0, why));
    }
    troubles
}

struct Why {
    reason: String,
    message: String,
    run: Option<Run>,
}

impl Why {
    fn of_condition(condition: &PodCondition) -> Self {
        Self {
            reason: condition
                .reason
                .clone()
                .unwrap_or_else(|| condition.type_.clone()),
            message: condition.message.clone().unwrap_or_default(),
            run: None,
        }
    }

    fn of_end(ended: &ContainerStateTerminated, run: Run) -> Self {
        Self {
            reason: ended.reason.clone().unwrap_or_else(|| "Error".to_owned()),
            message: joined(ended.message.as_deref().unwrap_or_default(), &ending(ended)),
            run: Some(run),
        }
    }
}

fn of_container(status: &ContainerStatus, unready: Option<&PodCondition>) -> Option<Why> {
    let state = status.state.as_ref()?;
    let last = status.last_state.as_ref().and_then(|s| s.terminated.as_ref());
    if let Some(waiting) = &state.waiting {
        let reason = waiting
            .reason
            .as_deref()
            .filter(|reason| !USUAL.contains(reason))?;
        let message = waiting.message.as_deref().unwrap_or_default();
        // That it ran out of memory says more than that it is started again and again.
        let out_of_memory = last
            .and_then(|l| l.reason.as_deref())
            .filter(|r| *r == "OOMKilled");
        return Some(Why {
            reason: out_of_memory.unwrap_or(reason).to_owned(),
            message: last.map_or_else(|| message.to_owned(), |last| joined(message, &ending(last))),
            run: last.map(|_| Run::Previous),
        });
    }
    if let Some(ended) = &state.terminated {
        return (ended.exit_code != 0).then(|| Why::of_end(ended, Run::Current));
    }
    if status.ready || state.running.is_none() {
        return None;
    }
    // Between two crashes it runs for a moment.
    match last.filter(|last| last.exit_code != 0) {
        Some(last) => Some(Why::of_end(last, Run::Previous)),
        None => unready.map(|condition| Why {
            run: Some(Run::Current),
            ..Why::of_condition(condition)
        }),
    }
}

/// How a run ended, in Kubernetes' words.
fn ending(ended: &ContainerStateTerminated) -> String {
    let reason = ended.reason.as_deref().unwrap_or("Error");
    format!("{reason}, exit code {}", ended.exit_code)
}

/// A text with an addition in brackets.
pub fn joined(one: &str, other: &str) -> String {
    if one.is_empty() {
        other.to_owned()
    } else {
        format!("{one} ({other})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn troubles(status: &Value, overdue: bool) -> Vec<(String, String, Option<Run>)> {
        let pod = json!({ "metadata": { "name": "web-1" }, "spec": { "containers": [] }, "status": status });
        let pod: Pod = serde_json::from_value(pod).expect("a pod");
        let told = of_pod(&pod, overdue).into_iter();
        told.map(|t| (t.trouble.container, t.trouble.reason, t.run))
            .collect()
    }

    fn container(name: &str, ready: bool, state: &Value, last: &Value) -> Value {
        json!({ "name": name, "image": "i", "imageID": "", "ready": ready, "restartCount": 3, "state": state, "lastState": last })
    }

    fn crashed(reason: &str, code: i32) -> Value {
        json!({ "terminated": { "exitCode": code, "reason": reason } })
    }

    #[test]
    fn a_pod_that_nobody_schedules_is_in_trouble_as_a_whole() {
        let status = json!({ "phase": "Pending", "conditions": [
            { "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes are available: 3 Insufficient memory." },
        ] });
        assert_eq!(
            troubles(&status, false),
            [(String::new(), "Unschedulable".to_owned(), None)]
        );
        let evicted = json!({ "phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory." });
        assert_eq!(
            troubles(&evicted, false),
            [(String::new(), "Evicted".to_owned(), None)]
        );
    }

    #[test]
    fn every_container_that_crashes_is_told_with_the_run_that_did() {
        let running = json!({ "running": {} });
        let status = json!({
            "phase": "Running",
            "initContainerStatuses": [
                container("done", true, &crashed("Completed", 0), &json!({})),
                container("migrate", false, &crashed("Error", 2), &json!({})),
            ],
            "containerStatuses": [
                container("between", false, &running, &crashed("Error", 1)),
                container("loop", false, &json!({ "waiting": { "reason": "CrashLoopBackOff" } }), &crashed("OOMKilled", 137)),
                container("healed", true, &running, &crashed("Error", 1)),
                container("starting", false, &running, &json!({})),
                container("creating", false, &json!({ "waiting": { "reason": "ContainerCreating" } }), &json!({})),
            ],
        });
        let told = |name: &str, reason: &str, run| (name.to_owned(), reason.to_owned(), Some(run));
        let expected = [
            told("migrate", "Error", Run::Current),
            told("between", "Error", Run::Previous),
            told("loop", "OOMKilled", Run::Previous),
        ];
        assert_eq!(troubles(&status, false), expected);
    }

    #[test]
    fn not_ready_is_trouble_only_after_the_deadline() {
        let status = json!({
            "phase": "Running",
            "conditions": [{ "type": "ContainersReady", "status": "False", "reason": "ContainersNotReady", "message": "containers with unready status: [web]" }],
            "containerStatuses": [container("web", false, &json!({ "running": {} }), &json!({}))],
        });
        assert_eq!(troubles(&status, false), []);
        assert_eq!(
            troubles(&status, true),
            [(
                "web".to_owned(),
                "ContainersNotReady".to_owned(),
                Some(Run::Current)
            )]
        );
    }
}
