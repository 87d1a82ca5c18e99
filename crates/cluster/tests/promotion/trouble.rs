//! A cluster that is silent, refuses, or belongs to others.

use super::stage::{APP, ORG, PROJECT, Stage, kube_client, release_in};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::ResourceQuota;
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;
use slipway_domain::environment::Health;
use slipway_domain::manifest;
use slipway_domain::promotion::{DeploymentState, GateKind, PromotionState};
use slipway_domain::release::Workload;
use slipway_domain::time::MINUTE;
use slipway_portal::access::{self, may};
use slipway_portal::ports::ReleaseManifests;
use slipway_portal::{app, quota};
use slipway_sandbox::faults::{Fault, FaultMatch};

pub async fn a_silent_cluster_makes_it_unknown_until_it_answers_again(stage: Stage) {
    stage.release("1.0.0", 1).await;
    stage.behave(1, "slow=200");
    let id = stage.ask("1.0.0", "dev").await;
    stage.reaches(id, PromotionState::Verifying).await;
    stage
        .kubernetes
        .faults()
        .add(FaultMatch::default(), Fault::Drop, None)
        .expect("a fault");
    let view = stage.reaches(id, PromotionState::Unknown).await;
    assert_eq!(view.deployments[0].state, DeploymentState::Unknown);
    let told = view.row.reason.expect("a reason");
    assert!(told.en.contains("does not answer") && told.zh.contains("集群无响应"));
    stage.kubernetes.faults().clear();
    let view = stage.reaches(id, PromotionState::Succeeded).await;
    assert_eq!(view.deployments.len(), 1);
    assert_eq!(stage.workload("dev").await.expect("there").generation, 1);
}

pub async fn a_cluster_that_is_down_from_the_start_is_deployed_to_once_it_is_up(stage: Stage) {
    stage.release("1.0.0", 1).await;
    stage
        .kubernetes
        .faults()
        .add(FaultMatch::default(), Fault::Status { code: 503 }, None)
        .expect("a fault");
    let id = stage.ask("1.0.0", "dev").await;
    stage.reaches(id, PromotionState::Unknown).await;
    stage.kubernetes.faults().clear();
    stage.reaches(id, PromotionState::Succeeded).await;
    assert_eq!(stage.workload("dev").await.expect("there").generation, 1);
}

pub async fn a_cluster_that_asks_to_wait_is_waited_for(stage: Stage) {
    stage.release("1.0.0", 1).await;
    let limited = Fault::RateLimited { retry_after: 5 };
    stage
        .kubernetes
        .faults()
        .add(FaultMatch::default(), limited, Some(4))
        .expect("a fault");
    let id = stage.ask("1.0.0", "dev").await;
    stage.reaches(id, PromotionState::Succeeded).await;
}

pub async fn a_slow_cluster_is_asked_again(stage: Stage) {
    stage.release("1.0.0", 1).await;
    let slow = Fault::Latency { ms: 120_000 };
    stage
        .kubernetes
        .faults()
        .add(FaultMatch::default(), slow, Some(1))
        .expect("a fault");
    let begun = std::time::Instant::now();
    let id = stage.ask("1.0.0", "dev").await;
    stage
        .until(id, "the trouble", |view| {
            let told = view.row.reason.as_ref();
            told.is_some_and(|told| told.en.contains("does not answer") && told.zh.contains("无响应"))
        })
        .await;
    assert!(
        begun.elapsed() < std::time::Duration::from_secs(90),
        "nobody waits for it that long"
    );
    stage.reaches(id, PromotionState::Succeeded).await;
    assert_eq!(stage.workload("dev").await.expect("there").generation, 1);
}

pub async fn a_refused_token_fails_it_with_what_to_do_and_it_can_be_tried_again(stage: Stage) {
    stage.release("1.0.0", 1).await;
    let faults = stage.kubernetes.faults();
    faults
        .add(FaultMatch::default(), Fault::Status { code: 401 }, None)
        .expect("a fault");
    let id = stage.ask("1.0.0", "dev").await;
    let view = stage.reaches(id, PromotionState::Failed).await;
    let told = view.row.reason.expect("a reason");
    assert!(
        told.en.contains("token or certificate") && told.en.contains("renew the kubeconfig"),
        "{told:?}"
    );
    assert!(told.zh.contains("更新 kubeconfig"), "{told:?}");
    faults.clear();
    slipway_portal::promotion::retry(&stage.as_person(&stage.people.lea), id)
        .await
        .expect("it is tried again");
    stage.reaches(id, PromotionState::Succeeded).await;
}

pub async fn an_answer_that_is_cut_short_is_asked_for_again(stage: Stage) {
    stage.release("1.0.0", 1).await;
    stage
        .kubernetes
        .faults()
        .add(FaultMatch::default(), Fault::Truncate, Some(3))
        .expect("a fault");
    let id = stage.ask("1.0.0", "dev").await;
    stage.reaches(id, PromotionState::Succeeded).await;
    assert_eq!(stage.workload("dev").await.expect("there").generation, 1);
}

pub async fn a_manifest_that_the_cluster_refuses_fails_it_with_the_clusters_words(stage: Stage) {
    let workload = Workload {
        port: Some(0),
        ..Workload::default()
    };
    release_in(&stage.portal, "1.0.0", 1, workload, "nobody").await;
    let id = stage.ask("1.0.0", "dev").await;
    let view = stage.reaches(id, PromotionState::Failed).await;
    let told = view.row.reason.expect("a reason");
    assert!(told.zh.contains("集群拒绝了清单"), "{told:?}");
    let reason = told.en;
    assert!(
        reason.contains("refuses the manifest") && reason.to_lowercase().contains("containerport"),
        "{reason}"
    );
    assert!(stage.workload("dev").await.is_none());
}

pub async fn a_quota_without_room_fails_it_and_says_so(stage: Stage) {
    let cluster = stage.cluster().await;
    cluster
        .ensure_namespace("checkout-dev")
        .await
        .expect("a namespace");
    let quota = json!({
        "apiVersion": "v1", "kind": "ResourceQuota",
        "metadata": { "name": "small", "namespace": "checkout-dev" }, "spec": { "hard": { "pods": "1" } },
    });
    apply_as(
        &stage,
        "admin",
        "/api/v1/namespaces/checkout-dev/resourcequotas/small",
        &quota,
    )
    .await;
    stage.release("1.0.0", 1).await;
    let id = stage.ask("1.0.0", "dev").await;
    let view = stage.reaches(id, PromotionState::Failed).await;
    let told = view.row.reason.expect("a reason");
    assert!(told.zh.contains("配额"), "{told:?}");
    let reason = told.en;
    assert!(
        reason.contains("quota has no room") && reason.contains("exceeded quota: small"),
        "{reason}"
    );
}

async fn set_quota(stage: &Stage, pods: &str) {
    let input = quota::Input {
        pods: pods.to_owned(),
        ..quota::Input::default()
    };
    let olga = stage.as_person(&stage.people.olga);
    quota::set(&olga, ORG, PROJECT, "dev", &input)
        .await
        .expect("a quota");
}

/// What Kubernetes holds the namespace of `dev` to.
async fn held_to(stage: &Stage) -> Option<serde_json::Value> {
    let api = Api::<ResourceQuota>::namespaced(kube_client(stage).await, "checkout-dev");
    let found = api.get_opt("slipway").await.expect("it answers")?;
    let hard = found.spec.and_then(|spec| spec.hard).unwrap_or_default();
    Some(json!(hard))
}

pub async fn a_promotion_waits_until_the_quota_has_room_and_kubernetes_is_told(stage: Stage) {
    stage.release("1.0.0", 1).await;
    set_quota(&stage, "1").await;
    let id = stage.ask("1.0.0", "dev").await;
    let view = stage.reaches(id, PromotionState::Waiting).await;
    let shut: Vec<_> = view.gates.iter().filter(|g| !g.open).map(|g| g.kind).collect();
    assert_eq!(shut, [GateKind::Quota]);
    let reason = view.row.reason.expect("a reason").en;
    assert!(
        reason.contains("pods: it needs 2, and 0 of 1 are taken"),
        "{reason}"
    );
    assert!(stage.workload("dev").await.is_none());

    set_quota(&stage, "3").await;
    stage.reaches(id, PromotionState::Succeeded).await;
    assert_eq!(held_to(&stage).await, Some(json!({ "pods": "3" })));

    // Two run, and while they are exchanged there is a third.
    stage.release("1.1.0", 2).await;
    stage.deploy("1.1.0", "dev").await;

    set_quota(&stage, "2").await;
    stage.release("1.2.0", 3).await;
    let id = stage.ask("1.2.0", "dev").await;
    let view = stage.reaches(id, PromotionState::Waiting).await;
    let reason = view.row.reason.expect("a reason").en;
    assert!(
        reason.contains("pods: it needs 3, and 0 of 2 are taken"),
        "{reason}"
    );

    set_quota(&stage, "").await;
    stage.reaches(id, PromotionState::Succeeded).await;
    assert_eq!(held_to(&stage).await, Some(json!({})));
}

pub async fn a_field_that_another_manager_owns_is_not_taken(stage: Stage) {
    stage.release("1.0.0", 1).await;
    stage.deploy("1.0.0", "dev").await;
    let client = kube_client(&stage).await;
    let api = Api::<Deployment>::namespaced(client, "checkout-dev");
    let theirs = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": APP }, "spec": { "replicas": 5 } });
    api.patch(
        APP,
        &PatchParams::apply("someone-else").force(),
        &Patch::Apply(&theirs),
    )
    .await
    .expect("they take it");
    stage.release("1.1.0", 2).await;
    let id = stage.ask("1.1.0", "dev").await;
    let view = stage.reaches(id, PromotionState::Failed).await;
    let reason = view.row.reason.expect("a reason").en;
    assert!(
        reason.contains("someone-else") && reason.contains("replicas"),
        "{reason}"
    );
    assert_eq!(stage.workload("dev").await.expect("there").desired, 5);
}

pub async fn what_the_cluster_remarks_on_when_it_is_applied_again_is_kept(stage: Stage) {
    let release = stage.release("1.0.0", 1).await;
    stage.behave(1, "slow=1500");
    let system = stage.system();
    let place = access::app::<may::ReleaseCreate>(&system, ORG, PROJECT, APP)
        .await
        .expect("the app");
    let target = manifest::Target {
        app: APP,
        project: PROJECT,
        environment: "dev",
        namespace: "",
    };
    let mut objects = manifest::render(target, &release.images, &Workload::default());
    objects[0]["spec"]["template"]["spec"]["nodeSelector"] = json!({ "beta.kubernetes.io/os": "linux" });
    let kept = ReleaseManifests {
        environment: String::from("dev"),
        hash: manifest::hash(&objects),
        objects,
    };
    let mut tx = stage.portal.store.write().await.expect("a transaction");
    tx.insert_manifests(&place.modify(), release.id, &kept)
        .await
        .expect("kept");
    tx.commit().await.expect("it commits");
    let id = stage.ask("1.0.0", "dev").await;
    let remark = "spec.template.spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use \"kubernetes.io/os\" instead";
    let view = stage.reaches(id, PromotionState::Verifying).await;
    assert_eq!(view.warnings, [remark]);

    // A worker that died before it could write that down knows nothing of it.
    let mut deployment = stage.deployments(id).await.remove(0);
    deployment.warnings = vec![String::from("another remark")];
    let was = deployment.state;
    let mut tx = stage.portal.store.write().await.expect("a transaction");
    tx.update_deployment(&place.modify(), &deployment, was)
        .await
        .expect("kept");
    tx.commit().await.expect("it commits");
    // Somebody puts another workload of that name there, without Slipway's marks: it is applied again.
    let api = Api::<Deployment>::namespaced(kube_client(&stage).await, "checkout-dev");
    let marks = json!({ "slipway.dev/promotion": null });
    let patch = json!({ "metadata": { "annotations": marks }, "spec": { "template": { "spec": { "nodeSelector": null } } } });
    api.patch(APP, &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .expect("it is changed");
    let view = stage
        .until(id, "the remark is heard again", |view| view.warnings.len() == 2)
        .await;
    assert_eq!(view.warnings, ["another remark", remark]);
    let view = stage.reaches(id, PromotionState::Succeeded).await;
    assert_eq!(view.warnings.len(), 2, "they stay with the promotion");
}

pub async fn what_kubernetes_reports_is_followed_after_the_deployment(stage: Stage) {
    stage.release("1.0.0", 1).await;
    stage.deploy("1.0.0", "dev").await;
    let lea = stage.as_person(&stage.people.lea);
    let health = async || {
        let lane = app::overview(&lea, ORG, PROJECT, APP)
            .await
            .expect("the page")
            .lane;
        lane[0].observed.clone().expect("observed")
    };
    // Somebody deletes it behind our back.
    let api = Api::<Deployment>::namespaced(kube_client(&stage).await, "checkout-dev");
    api.delete(APP, &kube::api::DeleteParams::default())
        .await
        .expect("deleted");
    stage.clock.advance(MINUTE);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while health().await.health != Health::Missing {
        assert!(std::time::Instant::now() < deadline, "{:?}", health().await);
        stage.tick().await;
    }
    // A cluster that does not answer keeps the last state, and says so.
    stage
        .kubernetes
        .faults()
        .add(FaultMatch::default(), Fault::Drop, None)
        .expect("a fault");
    let seen = health().await.at;
    while !health()
        .await
        .reason
        .is_some_and(|reason| reason.en.contains("last known state"))
    {
        assert!(std::time::Instant::now() < deadline, "{:?}", health().await);
        stage.tick().await;
    }
    assert_eq!(
        (health().await.health, health().await.at),
        (Health::Missing, seen)
    );
}

pub async fn an_environment_that_is_bound_again_is_looked_at_again(stage: Stage) {
    stage.release("1.0.0", 1).await;
    stage.deploy("1.0.0", "dev").await;
    let mut binding = None;
    stage.edit("dev", |input| binding = input.binding.take()).await;
    stage.clock.advance(MINUTE);
    // Nothing is bound, so nothing is looked at any more.
    for _ in 0..3 {
        stage.tick().await;
    }
    let api = Api::<Deployment>::namespaced(kube_client(&stage).await, "checkout-dev");
    api.delete(APP, &kube::api::DeleteParams::default())
        .await
        .expect("deleted");
    stage.edit("dev", |input| input.binding = binding).await;
    let lea = stage.as_person(&stage.people.lea);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        stage.tick().await;
        let lane = app::overview(&lea, ORG, PROJECT, APP)
            .await
            .expect("the page")
            .lane;
        if lane[0]
            .observed
            .as_ref()
            .is_some_and(|o| o.health == Health::Missing)
        {
            return;
        }
        assert!(std::time::Instant::now() < deadline, "{:?}", lane[0].observed);
    }
}

/// Applies any object as another manager, by its path.
async fn apply_as(stage: &Stage, manager: &str, path: &str, object: &serde_json::Value) {
    let request = http::Request::patch(format!("{path}?fieldManager={manager}&force=true"))
        .header("Content-Type", "application/apply-patch+yaml")
        .body(object.to_string().into_bytes())
        .expect("a request");
    kube_client(stage)
        .await
        .request::<serde_json::Value>(request)
        .await
        .expect("it is applied");
}
