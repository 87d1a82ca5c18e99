//! A cluster that is watched: what changes is looked at as it changes, and what does not is hardly asked for.

use super::stage::{APP, ORG, PROJECT, Stage, kube_client};
use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;
use slipway_domain::promotion::PromotionState;
use slipway_domain::time::{MINUTE, SECOND};
use slipway_portal::drift;
use slipway_sandbox::faults::{Fault, FaultMatch};
use std::time::{Duration, Instant};

/// How many requests the cluster had since `counted`.
fn asked(stage: &Stage, counted: u64) -> u64 {
    let rules = stage.kubernetes.faults().list();
    rules
        .iter()
        .find(|rule| rule.id == counted)
        .map_or(0, |rule| rule.hits)
}

/// Counts the requests about Deployments from now on.
fn count(stage: &Stage) -> u64 {
    let matching = FaultMatch {
        method: None,
        path_regex: Some(String::from("/namespaces/[^/]+/deployments")),
    };
    let nothing = Fault::Latency { ms: 0 };
    stage
        .kubernetes
        .faults()
        .add(matching, nothing, None)
        .expect("a rule")
}

pub async fn what_changes_is_looked_at_as_it_does_and_what_does_not_hardly_ever(stage: Stage) {
    let (stop, told) = tokio::sync::watch::channel(false);
    stage.release("1.0.0", 1).await;
    stage.deploy("1.0.0", "dev").await;
    // Without a watch it is asked for every few seconds.
    let counted = count(&stage);
    for _ in 0..40 {
        stage.clock.advance(10 * SECOND);
        stage.tick().await;
    }
    assert!(asked(&stage, counted) > 20, "{}", asked(&stage, counted));

    let watches = tokio::spawn(slipway_portal::watch::work(stage.portal.clone(), told));
    let deadline = Instant::now() + Duration::from_mins(1);
    // It begins, everything is looked at once, and then it is quiet.
    loop {
        let before = asked(&stage, counted);
        for _ in 0..20 {
            stage.clock.advance(10 * SECOND);
            stage.tick().await;
        }
        if asked(&stage, counted) == before {
            break;
        }
        assert!(Instant::now() < deadline, "it never got quiet");
    }

    // Somebody changes something: it is seen at once, not in half an hour.
    let api = Api::<Deployment>::namespaced(kube_client(&stage).await, "checkout-dev");
    let params = PatchParams {
        field_manager: Some(String::from("kubectl-edit")),
        ..PatchParams::default()
    };
    let patch = json!({ "spec": { "replicas": 3 } });
    api.patch(APP, &params, &Patch::Merge(&patch))
        .await
        .expect("it is changed");
    let changed = stage.now();
    loop {
        stage.tick().await;
        let lea = stage.as_person(&stage.people.lea);
        let page = drift::page(&lea, ORG, PROJECT, APP, "dev")
            .await
            .expect("the page");
        if page.drift.is_some_and(|drift| drift.is_there()) {
            break;
        }
        assert!(Instant::now() < deadline, "it was not seen");
    }
    assert!(
        stage.now().since(changed) < 5 * MINUTE,
        "{}",
        stage.now().since(changed) / SECOND
    );

    // A promotion that is on its way is woken by what happens, before it would look again by itself.
    stage.release("1.1.0", 2).await;
    stage.behave(2, "slow=1200");
    let id = stage.ask_skipping(&stage.people.lea, "1.1.0", "qa").await;
    stage.reaches(id, PromotionState::Verifying).await;
    let began = stage.now();
    while stage.state(id).await != PromotionState::Succeeded {
        // So slowly that nothing comes due by itself.
        while slipway_portal::jobs::step(&stage.portal, "test")
            .await
            .expect("the worker works")
        {}
        stage.clock.advance(SECOND / 200);
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(Instant::now() < deadline, "nobody told it");
    }
    assert!(stage.now().since(began) < 5 * SECOND);
    stop.send(true).expect("it listens");
    watches.await.expect("it ends");
}
