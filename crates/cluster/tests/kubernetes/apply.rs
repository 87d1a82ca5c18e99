//! Applying, its refusals, and rollouts.

use http::Method;
use serde_json::{Value, json};
use slipway_domain::rollout::Rollout;
use slipway_portal::ports::{ClusterError, Touched};

use crate::sandbox::{NAMESPACE, Sandbox, deployment};

fn quota(hard: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": { "name": "small", "namespace": NAMESPACE },
        "spec": { "hard": hard },
    })
}

#[tokio::test]
async fn a_workload_rolls_out_and_applying_it_again_changes_nothing() {
    let sandbox = Sandbox::start().await;
    assert!(
        sandbox
            .cluster
            .version()
            .await
            .expect("a version")
            .starts_with("v1.")
    );
    assert_eq!(
        sandbox
            .cluster
            .workload(NAMESPACE, "web")
            .await
            .expect("an answer"),
        None
    );
    sandbox.apply(&deployment("web", 2)).await.expect("applied");
    let done = sandbox.rolled_out("web").await;
    assert_eq!(
        (done.desired, done.total, done.updated, done.ready, done.available),
        (2, 2, 2, 2, 2)
    );
    assert_eq!(done.annotations["slipway.dev/fence"], "1");
    assert!(!done.uid.is_empty() && !done.paused && done.replica_failure.is_none());
    let before = sandbox.deployment("web").await;
    sandbox.apply(&deployment("web", 2)).await.expect("applied again");
    let after = sandbox.deployment("web").await;
    // The controller may still write the status: only what Slipway applies is compared.
    let applied = |object: &Value| {
        let managers = object["metadata"]["managedFields"].as_array().expect("managers");
        let ours = managers
            .iter()
            .find(|m| m["manager"] == "slipway" && m["operation"] == "Apply");
        (
            ours.expect("our fields").clone(),
            object["metadata"]["generation"].clone(),
            object["spec"].clone(),
        )
    };
    assert_eq!(applied(&before), applied(&after));
    sandbox.apply(&deployment("web", 3)).await.expect("scaled");
    let scaled = sandbox
        .workload_until("web", "three pods", |s| {
            s.desired == 3 && s.rollout() == Rollout::Complete
        })
        .await;
    assert_eq!((scaled.generation, scaled.uid), (done.generation + 1, done.uid));
    sandbox.handle.shutdown().await;
}

#[tokio::test]
async fn many_applies_of_the_same_at_once_all_succeed() {
    let sandbox = Sandbox::start().await;
    let object = deployment("web", 2);
    let applies = (0..12).map(|_| sandbox.apply(&object));
    for result in futures::future::join_all(applies).await {
        result.expect("applied");
    }
    assert_eq!(sandbox.rolled_out("web").await.generation, 1);
    sandbox.handle.shutdown().await;
}

#[tokio::test]
async fn a_field_of_another_manager_is_named_and_left_to_it() {
    let sandbox = Sandbox::start().await;
    sandbox.apply(&deployment("web", 1)).await.expect("applied");
    let theirs = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web" }, "spec": { "replicas": 3 } });
    let path =
        format!("/apis/apps/v1/namespaces/{NAMESPACE}/deployments/web?fieldManager=autoscaler&force=true");
    sandbox.raw(Method::PATCH, &path, &theirs).await;
    let refused = sandbox.apply(&deployment("web", 2)).await.expect_err("not ours");
    assert!(
        matches!(&refused, ClusterError::Conflict(_))
            && refused.to_string().ends_with("autoscaler owns .spec.replicas"),
        "{refused:?}"
    );
    assert!(!refused.is_passing());
    assert_eq!(sandbox.deployment("web").await["spec"]["replicas"], 3);
    sandbox.handle.shutdown().await;
}

#[tokio::test]
async fn an_object_of_a_later_deployment_is_left_alone() {
    let sandbox = Sandbox::start().await;
    let mut later = deployment("web", 2);
    later["metadata"]["annotations"]["slipway.dev/fence"] = json!("8");
    sandbox.cluster.apply(&later, 8, &[]).await.expect("applied");
    let refused = sandbox
        .cluster
        .apply(&deployment("web", 1), 7, &[])
        .await
        .expect_err("too late");
    assert!(
        matches!(&refused, ClusterError::Fenced(what) if what.contains("Deployment web") && what.contains('8')),
        "{refused:?}"
    );
    assert_eq!(sandbox.deployment("web").await["spec"]["replicas"], 2);
    sandbox
        .cluster
        .apply(&later, 8, &[])
        .await
        .expect("its own deployment goes on");
    sandbox
        .cluster
        .apply(&deployment("web", 1), 9, &[])
        .await
        .expect("a later one takes over");
    sandbox.handle.shutdown().await;
}

#[tokio::test]
async fn an_invalid_manifest_is_refused_with_its_causes() {
    let sandbox = Sandbox::start().await;
    let refused = sandbox.apply(&deployment("web", -1)).await.expect_err("invalid");
    assert!(
        matches!(&refused, ClusterError::Refused(what) if what.contains("spec.replicas") && what.contains("-1")),
        "{refused:?}"
    );
    let mut unknown = deployment("web", 1);
    unknown["spec"]["template"]["spec"]["containers"][0]["imaeg"] = json!("nginx");
    let refused = sandbox
        .apply(&unknown)
        .await
        .expect_err("a field that does not exist");
    assert!(
        matches!(&refused, ClusterError::Refused(what) if what.contains("imaeg")),
        "{refused:?}"
    );
    let refused = sandbox
        .apply(&json!({ "kind": "Deployment" }))
        .await
        .expect_err("says nothing");
    assert!(matches!(refused, ClusterError::Refused(_)));
    assert_eq!(
        sandbox
            .cluster
            .workload(NAMESPACE, "web")
            .await
            .expect("an answer"),
        None
    );
    sandbox.handle.shutdown().await;
}

#[tokio::test]
async fn a_quota_refuses_the_manifest_or_holds_its_pods_back() {
    let sandbox = Sandbox::start().await;
    // The kind is not among those that are known without asking: it is discovered.
    sandbox
        .apply(&quota(&json!({ "count/deployments.apps": "1", "pods": "1" })))
        .await
        .expect("a quota");
    sandbox
        .apply(&deployment("web", 2))
        .await
        .expect("the first fits");
    let held = sandbox
        .workload_until("web", "a pod that cannot be made", |s| {
            s.replica_failure.is_some()
        })
        .await;
    assert!(
        held.replica_failure
            .as_deref()
            .is_some_and(|m| m.contains("exceeded quota: small")),
        "{held:?}"
    );
    assert!(matches!(held.rollout(), Rollout::Blocked(_)));
    let refused = sandbox
        .apply(&deployment("other", 1))
        .await
        .expect_err("one too many");
    assert!(
        matches!(&refused, ClusterError::Refused(what) if what.contains("exceeded quota: small")),
        "{refused:?}"
    );
    sandbox.handle.shutdown().await;
}

#[tokio::test]
async fn an_admission_webhook_refuses_in_its_own_words() {
    let sandbox = Sandbox::start().await;
    let rule = json!({ "kind": "Deployment", "message": "images must be signed" });
    sandbox.raw(Method::POST, "/-/sandbox/admission", &rule).await;
    let refused = sandbox.apply(&deployment("web", 1)).await.expect_err("refused");
    assert!(
        matches!(&refused, ClusterError::Refused(what) if what.contains("images must be signed")),
        "{refused:?}"
    );
    sandbox.handle.shutdown().await;
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let sandbox = Sandbox::start().await;
    let mut elsewhere = deployment("web", 1);
    elsewhere["metadata"]["namespace"] = json!("nowhere");
    let refused = sandbox.apply(&elsewhere).await.expect_err("no namespace");
    assert!(
        matches!(&refused, ClusterError::NotFound(what) if what.contains("nowhere")),
        "{refused:?}"
    );
    let widget = json!({ "apiVersion": "example.com/v1", "kind": "Widget", "metadata": { "name": "w", "namespace": NAMESPACE } });
    let refused = sandbox.apply(&widget).await.expect_err("no such kind");
    assert!(
        matches!(&refused, ClusterError::NotFound(what) if what.contains("Widget of example.com/v1")),
        "{refused:?}"
    );
    sandbox.handle.shutdown().await;
}

#[tokio::test]
async fn namespaces_are_made_once_and_deleting_twice_is_no_error() {
    let sandbox = Sandbox::start().await;
    for _ in 0..2 {
        sandbox.cluster.ensure_namespace("qa").await.expect("there");
    }
    let made = sandbox
        .raw(Method::GET, "/api/v1/namespaces/qa", &Value::Null)
        .await;
    assert_eq!(
        made["metadata"]["labels"]["app.kubernetes.io/managed-by"],
        "slipway"
    );
    let refused = sandbox
        .cluster
        .ensure_namespace("../pods")
        .await
        .expect_err("no name");
    assert!(matches!(refused, ClusterError::Refused(_)));
    sandbox.apply(&deployment("web", 1)).await.expect("applied");
    for _ in 0..2 {
        sandbox
            .cluster
            .delete(&deployment("web", 1), 1)
            .await
            .expect("gone");
    }
    assert_eq!(
        sandbox
            .cluster
            .workload(NAMESPACE, "web")
            .await
            .expect("an answer"),
        None
    );
    sandbox.handle.shutdown().await;
}

/// What somebody else sets, as `manager`.
async fn set(sandbox: &Sandbox, manager: &str, spec: &Value) {
    let theirs =
        json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web" }, "spec": spec });
    let path =
        format!("/apis/apps/v1/namespaces/{NAMESPACE}/deployments/web?fieldManager={manager}&force=true");
    sandbox.raw(Method::PATCH, &path, &theirs).await;
}

#[tokio::test]
async fn a_difference_is_found_by_a_dry_run_that_changes_nothing() {
    let sandbox = Sandbox::start().await;
    let object = deployment("web", 1);
    let gone = sandbox.cluster.drift(&object).await.expect("an answer");
    assert!(gone.len() == 1 && gone[0].is_gone());
    sandbox.apply(&object).await.expect("applied");
    sandbox.rolled_out("web").await;
    assert_eq!(sandbox.cluster.drift(&object).await.expect("an answer"), []);
    set(&sandbox, "kubectl", &json!({ "replicas": 3 })).await;
    let before = sandbox.deployment("web").await;
    let found = sandbox.cluster.drift(&object).await.expect("an answer");
    let words: Vec<String> = found.iter().map(|change| change.path.to_string()).collect();
    assert_eq!(words, [".spec.replicas"]);
    assert_eq!(
        (&found[0].applied, &found[0].live),
        (&Some(json!(1)), &Some(json!(3)))
    );
    assert_eq!(
        found[0].by.as_ref().map(|by| by.manager.as_str()),
        Some("kubectl")
    );
    let after = sandbox.deployment("web").await;
    assert_eq!(
        (&before["spec"], &before["metadata"]["managedFields"]),
        (&after["spec"], &after["metadata"]["managedFields"])
    );
    sandbox.handle.shutdown().await;
}

#[tokio::test]
async fn only_the_fields_that_may_be_taken_are_taken() {
    let sandbox = Sandbox::start().await;
    sandbox.apply(&deployment("web", 1)).await.expect("applied");
    set(&sandbox, "kubectl", &json!({ "replicas": 3 })).await;
    let object = deployment("web", 2);
    let other = [String::from(".spec.replica"), String::from(".spec.paused")];
    let refused = sandbox
        .cluster
        .apply(&object, 1, &other)
        .await
        .expect_err("another field");
    assert!(matches!(refused, ClusterError::Conflict(_)), "{refused:?}");
    let takes = [String::from(".spec.replicas")];
    sandbox.cluster.apply(&object, 1, &takes).await.expect("taken");
    assert_eq!(sandbox.deployment("web").await["spec"]["replicas"], 2);
    // It is Slipway's alone by now.
    sandbox.apply(&deployment("web", 4)).await.expect("nobody else's");
    // What people do through Slipway is Slipway's, by another name.
    set(&sandbox, "slipway-scale", &json!({ "replicas": 7 })).await;
    sandbox.apply(&deployment("web", 1)).await.expect("its own");
    assert_eq!(sandbox.deployment("web").await["spec"]["replicas"], 1);
    sandbox.handle.shutdown().await;
}

/// The name, the fence and whether it is there.
async fn fence(sandbox: &Sandbox, name: &str) -> Option<String> {
    let object = sandbox.deployment(name).await;
    object["metadata"]["annotations"]["slipway.dev/fence"]
        .as_str()
        .map(str::to_owned)
}

#[tokio::test]
async fn what_a_later_deployment_applied_is_not_deleted() {
    let sandbox = Sandbox::start().await;
    let mut later = deployment("web", 1);
    later["metadata"]["annotations"]["slipway.dev/fence"] = json!("8");
    sandbox.cluster.apply(&later, 8, &[]).await.expect("applied");
    let refused = sandbox.cluster.delete(&deployment("web", 1), 7).await;
    assert!(
        matches!(&refused, Err(ClusterError::Fenced(what)) if what.contains("Deployment web")),
        "{refused:?}"
    );
    // Whoever means another object of that name means none that is there.
    let mut another = later.clone();
    another["metadata"]["uid"] = json!("00000000-0000-0000-0000-000000000000");
    sandbox.cluster.delete(&another, 8).await.expect("gone already");
    assert_eq!(fence(&sandbox, "web").await.as_deref(), Some("8"));
    sandbox.cluster.delete(&later, 8).await.expect("its own");
    assert_eq!(
        sandbox
            .cluster
            .workload(NAMESPACE, "web")
            .await
            .expect("an answer"),
        None
    );
    sandbox.cluster.delete(&later, 8).await.expect("deleted already");
    sandbox.handle.shutdown().await;
}

#[tokio::test]
async fn what_is_applied_between_the_look_and_the_deletion_stays() {
    use slipway_sandbox::faults::{Fault, FaultMatch};
    let sandbox = Sandbox::start().await;
    sandbox.apply(&deployment("web", 1)).await.expect("applied");
    let deletions = FaultMatch {
        method: Some(String::from("DELETE")),
        ..FaultMatch::default()
    };
    let slow = Fault::Latency { ms: 400 };
    sandbox
        .handle
        .faults()
        .add(deletions, slow, Some(1))
        .expect("a fault");
    let old = deployment("web", 1);
    let too_late = sandbox.cluster.delete(&old, 1);
    let newer = async {
        tokio::time::sleep(std::time::Duration::from_millis(150)).await;
        let mut newer = deployment("web", 2);
        newer["metadata"]["annotations"]["slipway.dev/fence"] = json!("2");
        sandbox.cluster.apply(&newer, 2, &[]).await
    };
    let (deleted, applied) = tokio::join!(too_late, newer);
    applied.expect("applied");
    assert!(matches!(deleted, Err(ClusterError::Fenced(_))), "{deleted:?}");
    assert_eq!(fence(&sandbox, "web").await.as_deref(), Some("2"));
    sandbox.handle.shutdown().await;
}

/// Changes it as `kubectl edit` does.
async fn edit(sandbox: &Sandbox, change: impl FnOnce(&mut Value)) {
    let mut object = sandbox.deployment("web").await;
    // Whatever the controllers wrote in between.
    let metadata = object["metadata"].as_object_mut();
    metadata.expect("metadata").remove("resourceVersion");
    change(&mut object);
    let path = format!("/apis/apps/v1/namespaces/{NAMESPACE}/deployments/web?fieldManager=kubectl-edit");
    sandbox.raw(Method::PUT, &path, &object).await;
}

#[tokio::test]
async fn what_others_added_is_seen_and_taken_away_and_nothing_else_is() {
    let sandbox = Sandbox::start().await;
    let object = deployment("web", 1);
    sandbox.apply(&object).await.expect("applied");
    let before = sandbox.rolled_out("web").await;
    let spec = sandbox.deployment("web").await["spec"].clone();
    edit(&sandbox, |live| {
        live["metadata"]["labels"] = json!({ "team": "blue" });
        let pod = &mut live["spec"]["template"]["spec"];
        pod["containers"][0]["env"] = json!([{ "name": "DEBUG", "value": "yes" }]);
        pod["containers"][0]["livenessProbe"] = json!({ "httpGet": { "path": "/", "port": 80 } });
        let shell = json!({ "name": "shell", "image": "busybox" });
        pod["containers"].as_array_mut().expect("containers").push(shell);
    })
    .await;
    let found = sandbox.cluster.drift(&object).await.expect("an answer");
    let paths: Vec<String> = found.iter().map(|change| change.path.to_string()).collect();
    let container = ".spec.template.spec.containers[name=\"web\"]";
    assert_eq!(
        paths,
        [
            String::from(".metadata.labels.team"),
            String::from(".spec.template.spec.containers[name=\"shell\"]"),
            format!("{container}.env[name=\"DEBUG\"]"),
            format!("{container}.livenessProbe"),
        ]
    );
    assert!(
        found
            .iter()
            .all(|change| change.by.as_ref().is_some_and(|by| by.manager == "kubectl-edit"))
    );
    // A deployment that is not about it leaves it alone, and a later one's object is not touched.
    sandbox.apply(&object).await.expect("applied again");
    assert_eq!(sandbox.cluster.drift(&object).await.expect("an answer"), found);
    let refused = sandbox.cluster.take_away(&object, 0, &found).await;
    assert!(matches!(refused, Err(ClusterError::Fenced(_))), "{refused:?}");
    // One field has another value by now: it is not the one that was seen.
    edit(&sandbox, |live| live["metadata"]["labels"]["team"] = json!("red")).await;
    sandbox
        .cluster
        .take_away(&object, 1, &found)
        .await
        .expect("taken away");
    let live = sandbox.deployment("web").await;
    assert_eq!(
        live["spec"]["template"]["spec"]["containers"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    let container = |spec: &Value| {
        let mut container = spec["template"]["spec"]["containers"][0].clone();
        if container["env"] == json!([]) {
            container.as_object_mut().expect("a container").remove("env");
        }
        container
    };
    assert_eq!(container(&live["spec"]), container(&spec));
    let left = sandbox.cluster.drift(&object).await.expect("an answer");
    assert!(left.len() == 1 && left[0].live == Some(json!("red")), "{left:?}");
    sandbox.rolled_out("web").await;
    assert!(before.generation < live["metadata"]["generation"].as_i64().expect("a generation"));
    sandbox.handle.shutdown().await;
}

#[tokio::test]
async fn objects_with_slipways_labels_that_it_never_applied_are_found() {
    let sandbox = Sandbox::start().await;
    let labels = slipway_domain::manifest::labels("web", "shop", "dev");
    let mut ours = deployment("web", 1);
    ours["metadata"]["labels"] = json!(labels);
    ours["spec"]["template"]["metadata"]["labels"] = json!(labels);
    ours["spec"]["selector"]["matchLabels"] = json!(labels);
    sandbox.apply(&ours).await.expect("applied");
    sandbox.rolled_out("web").await;
    let found = sandbox
        .cluster
        .strangers(NAMESPACE, &labels)
        .await
        .expect("an answer");
    assert_eq!(found, [], "what Slipway applied, and what controllers made of it");
    let path = format!("/api/v1/namespaces/{NAMESPACE}/configmaps?fieldManager=kubectl-create");
    for (name, labels) in [
        ("theirs", json!(labels)),
        ("other", json!({ "app.kubernetes.io/name": "web" })),
    ] {
        let metadata = json!({ "name": name, "namespace": NAMESPACE, "labels": labels });
        let object = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata });
        sandbox.raw(Method::POST, &path, &object).await;
    }
    let found = sandbox
        .cluster
        .strangers(NAMESPACE, &labels)
        .await
        .expect("an answer");
    assert!(
        found.len() == 1 && found[0].is_stranger() && found[0].name == "theirs",
        "{found:?}"
    );
    assert_eq!(
        found[0].by.as_ref().map(|by| by.manager.as_str()),
        Some("kubectl-create")
    );
    let object = found[0].live.as_ref().expect("which one");
    sandbox.cluster.delete(object, 1).await.expect("deleted");
    assert_eq!(
        sandbox
            .cluster
            .strangers(NAMESPACE, &labels)
            .await
            .expect("an answer"),
        []
    );
    sandbox.handle.shutdown().await;
}

#[tokio::test]
async fn a_watch_tells_of_what_changes_and_of_nothing_that_was_there() {
    use futures::StreamExt as _;
    let sandbox = Sandbox::start().await;
    let labelled = |name: &str, replicas: i32, promotion: Option<&str>| {
        let mut object = deployment(name, replicas);
        object["metadata"]["labels"] = json!({ "app.kubernetes.io/managed-by": "slipway" });
        if let Some(promotion) = promotion {
            object["metadata"]["annotations"]["slipway.dev/promotion"] = promotion.into();
        }
        object
    };
    sandbox
        .apply(&labelled("web", 1, Some("p-1")))
        .await
        .expect("applied");
    sandbox.rolled_out("web").await;
    let mut watch = sandbox.cluster.watch().await.expect("a watch");
    // Without the label, it is not Slipway's.
    sandbox.apply(&deployment("other", 1)).await.expect("applied");
    sandbox
        .apply(&labelled("web", 2, Some("p-2")))
        .await
        .expect("applied");
    let touched = |promotion: Option<&str>| Touched {
        namespace: NAMESPACE.to_owned(),
        promotion: promotion.map(str::to_owned),
    };
    let soon = std::time::Duration::from_secs(20);
    let next = tokio::time::timeout(soon, watch.next()).await.expect("in time");
    assert_eq!(next.expect("a change").expect("heard"), touched(Some("p-2")));
    sandbox.rolled_out("web").await;
    sandbox.apply(&labelled("mine", 1, None)).await.expect("applied");
    let unmarked = async {
        loop {
            if watch.next().await.expect("a change").expect("heard") == touched(None) {
                return;
            }
        }
    };
    tokio::time::timeout(soon, unmarked).await.expect("in time");
    sandbox.handle.shutdown().await;
    let ended = async {
        loop {
            match watch.next().await {
                Some(Ok(_)) => {}
                other => return other,
            }
        }
    };
    let ended = tokio::time::timeout(soon, ended).await.expect("in time");
    assert!(
        matches!(ended, Some(Err(_))),
        "a server that goes away ends it with an error: {ended:?}"
    );
}

#[tokio::test]
async fn what_the_server_remarks_on_is_told() {
    let sandbox = Sandbox::start().await;
    let mut object = deployment("web", 1);
    object["spec"]["template"]["spec"]["nodeSelector"] = json!({ "beta.kubernetes.io/os": "linux" });
    let remark = "spec.template.spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use \"kubernetes.io/os\" instead";
    assert_eq!(
        sandbox.cluster.apply(&object, 1, &[]).await.expect("applied"),
        [remark]
    );
    let again = sandbox
        .cluster
        .apply(&object, 1, &[])
        .await
        .expect("applied again");
    assert!(
        again.is_empty(),
        "an API server remarks on changes of the spec alone: {again:?}"
    );
    sandbox.handle.shutdown().await;
}
