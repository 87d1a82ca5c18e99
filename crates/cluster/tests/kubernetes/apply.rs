//! Applying, its refusals, and rollouts.

use http::Method;
use serde_json::{Value, json};
use slipway_domain::rollout::Rollout;
use slipway_portal::ports::ClusterError;

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
        sandbox.cluster.delete(&deployment("web", 1)).await.expect("gone");
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
