//! Pods in trouble.

use serde_json::json;
use slipway_domain::promotion::PodTrouble;
use slipway_domain::rollout::Rollout;

use crate::sandbox::{NAMESPACE, Sandbox, behaving, deployment, until};

async fn trouble_until(
    sandbox: &Sandbox,
    what: &str,
    check: impl Fn(&PodTrouble) -> bool,
) -> Vec<PodTrouble> {
    until(what, || async {
        let found = sandbox
            .cluster
            .trouble(NAMESPACE, "web")
            .await
            .expect("an answer");
        found.iter().any(&check).then_some(found)
    })
    .await
}

#[tokio::test]
async fn a_crash_loop_is_told_with_the_log_of_the_run_that_crashed() {
    let sandbox = Sandbox::start().await;
    assert_eq!(
        sandbox
            .cluster
            .trouble(NAMESPACE, "web")
            .await
            .expect("an answer"),
        vec![]
    );
    sandbox
        .apply(&behaving("web", 2, "crash-loop"))
        .await
        .expect("applied");
    let found = trouble_until(&sandbox, "a crash loop", |t| {
        t.reason == "CrashLoopBackOff" && t.restarts >= 2
    })
    .await;
    let worst = &found[0];
    assert!(
        worst.pod.starts_with("web-") && worst.container == "web",
        "{worst:?}"
    );
    assert!(
        worst.log.contains("required setting DATABASE_URL is not set"),
        "{worst:?}"
    );
    assert!(worst.log.trim_end().ends_with("exiting with code 1"), "{worst:?}");
    for trouble in &found {
        // A crashed container is also seen as it ends and while it runs again.
        assert!(
            matches!(trouble.reason.as_str(), "CrashLoopBackOff" | "Error"),
            "{trouble:?}"
        );
        assert!(trouble.message.contains("exit code 1"), "{trouble:?}");
    }
    sandbox.handle.shutdown().await;
}

#[tokio::test]
async fn running_out_of_memory_is_named_as_such() {
    let sandbox = Sandbox::start().await;
    sandbox.apply(&behaving("web", 1, "oom")).await.expect("applied");
    let found = trouble_until(&sandbox, "an end by memory", |t| t.restarts >= 1).await;
    assert_eq!(found[0].reason, "OOMKilled");
    assert!(found[0].message.contains("exit code 137"), "{found:?}");
    sandbox.handle.shutdown().await;
}

#[tokio::test]
async fn an_image_that_cannot_be_pulled_has_a_reason_and_no_log() {
    let sandbox = Sandbox::start().await;
    sandbox
        .apply(&behaving("web", 1, "image-pull-error"))
        .await
        .expect("applied");
    let found = trouble_until(&sandbox, "a failed pull", |t| t.reason == "ImagePullBackOff").await;
    assert!(found[0].message.contains("nginx:1"), "{found:?}");
    assert_eq!((found[0].log.as_str(), found[0].restarts), ("", 0));
    sandbox.handle.shutdown().await;
}

#[tokio::test]
async fn pods_that_are_never_ready_are_in_trouble_once_the_deadline_is_missed() {
    let sandbox = Sandbox::start().await;
    let mut object = behaving("web", 1, "never-ready");
    object["spec"]["progressDeadlineSeconds"] = json!(1);
    sandbox.apply(&object).await.expect("applied");
    sandbox
        .workload_until("web", "a missed deadline", |s| {
            matches!(s.rollout(), Rollout::Failed(_))
        })
        .await;
    let found = trouble_until(&sandbox, "an unready container", |t| {
        t.reason == "ContainersNotReady"
    })
    .await;
    assert!(
        found[0].message.contains("[web]") && found[0].log.contains("listening on"),
        "{found:?}"
    );
    sandbox.handle.shutdown().await;
}

#[tokio::test]
async fn only_the_newest_revision_counts() {
    let sandbox = Sandbox::start().await;
    sandbox
        .apply(&behaving("web", 1, "crash-loop"))
        .await
        .expect("applied");
    trouble_until(&sandbox, "a crash", |t| t.restarts >= 1).await;
    sandbox.apply(&deployment("web", 1)).await.expect("a better one");
    // From the moment that the new revision is there, whatever becomes of the old pods.
    sandbox
        .workload_until("web", "a new revision", |s| {
            s.observed_generation == 2 && s.updated == 1
        })
        .await;
    assert_eq!(
        sandbox
            .cluster
            .trouble(NAMESPACE, "web")
            .await
            .expect("an answer"),
        vec![]
    );
    sandbox.rolled_out("web").await;
    assert_eq!(
        sandbox
            .cluster
            .trouble(NAMESPACE, "web")
            .await
            .expect("an answer"),
        vec![]
    );
    sandbox.handle.shutdown().await;
}
