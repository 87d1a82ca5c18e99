//! What is changed around Slipway: seen, and reverted or adopted by approval.

use super::words;
use crate::stage::{APP, ORG, PROJECT, Stage, code, kube_client, one_of};
use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};
use slipway_domain::access::Role;
use slipway_domain::approval::Verdict;
use slipway_domain::drift::{DriftPage, Settlement};
use slipway_domain::id::PromotionId;
use slipway_domain::notice::NoticeKind;
use slipway_domain::person::PersonRef;
use slipway_domain::promotion::{GateKind, PromotionKind, PromotionState};
use slipway_domain::time::MINUTE;
use slipway_portal::drift;
use std::time::{Duration, Instant};

async fn deployments(stage: &Stage, environment: &str) -> Api<Deployment> {
    Api::namespaced(kube_client(stage).await, &format!("checkout-{environment}"))
}

/// Changes the workload as `kubectl edit` does.
async fn edit(stage: &Stage, environment: &str, patch: &Value) {
    let params = PatchParams {
        field_manager: Some(String::from("kubectl-edit")),
        ..PatchParams::default()
    };
    deployments(stage, environment)
        .await
        .patch(APP, &params, &Patch::Merge(patch))
        .await
        .expect("it is changed");
}

async fn page(stage: &Stage, environment: &str) -> DriftPage {
    let vic = stage.as_person(&stage.people.tess);
    drift::page(&vic, ORG, PROJECT, APP, environment)
        .await
        .expect("the page")
}

/// Works until the page says so many fields.
async fn seen(stage: &Stage, environment: &str, fields: usize) -> DriftPage {
    let deadline = Instant::now() + Duration::from_mins(1);
    stage.clock.advance(MINUTE);
    loop {
        stage.tick().await;
        let page = page(stage, environment).await;
        let found = page.drift.as_ref().map(|drift| drift.changes.len());
        // What a look before the change found says nothing.
        if found == Some(fields) && page.drift.as_ref().is_some_and(|drift| drift.trouble.is_none()) {
            return page;
        }
        assert!(Instant::now() < deadline, "{:#?}", page.drift);
        stage.clock.advance(MINUTE / 4);
    }
}

async fn ask(
    stage: &Stage,
    who: &PersonRef,
    page: &DriftPage,
    how: Settlement,
) -> Result<PromotionId, slipway_portal::Error> {
    let ctx = stage.as_person(who);
    let environment = page.environment.key.as_str();
    drift::settle(
        &ctx,
        (ORG, PROJECT, APP),
        environment,
        how,
        &page.digest,
        "an incident",
    )
    .await
}

pub async fn rule_30_what_is_changed_around_slipway_is_seen_with_who_did_it(stage: Stage) {
    stage.release("1.0.0", 1).await;
    stage.deploy("1.0.0", "qa").await;
    let clean = seen(&stage, "qa", 0).await;
    assert_eq!(clean.drift.and_then(|drift| drift.since), None);
    let refused = drift::settle(
        &stage.as_person(&stage.people.lea),
        (ORG, PROJECT, APP),
        "qa",
        Settlement::Revert,
        "",
        "",
    )
    .await;
    assert_eq!(code(refused), "no_drift");

    let patch = json!({ "spec": { "replicas": 3, "template": { "spec": { "containers": [
        { "name": APP, "image": "registry.example.com/acme/order-api:latest" },
    ] } } } });
    let params = PatchParams {
        field_manager: Some(String::from("kubectl-edit")),
        ..PatchParams::default()
    };
    deployments(&stage, "qa")
        .await
        .patch(APP, &params, &Patch::Strategic(&patch))
        .await
        .expect("it is changed");
    let page = seen(&stage, "qa", 2).await;
    let drift = page.drift.expect("a drift");
    let fields: Vec<(String, &str)> = drift
        .changes
        .iter()
        .map(|change| {
            (
                change.path.to_string(),
                change.by.as_ref().map_or("-", |by| by.manager.as_str()),
            )
        })
        .collect();
    assert_eq!(
        fields,
        [
            (String::from(".spec.replicas"), "kubectl-edit"),
            (
                String::from(".spec.template.spec.containers[name=\"order-api\"].image"),
                "kubectl-edit"
            ),
        ]
    );
    assert_eq!(
        (&drift.changes[0].applied, &drift.changes[0].live),
        (&Some(json!(2)), &Some(json!(3)))
    );
    assert!(drift.changes[0].by.as_ref().is_some_and(|by| by.at.is_some()));
    assert!(page.diff.added == 2 && page.diff.removed == 2, "{:?}", page.diff);

    // The lane, the grid, the audit log and who deployed it hear of it, once.
    let lea = stage.as_person(&stage.people.lea);
    let lane = slipway_portal::app::overview(&lea, ORG, PROJECT, APP)
        .await
        .expect("the app")
        .lane;
    let brief = lane[1].drift.as_ref().expect("the card says so");
    assert_eq!(
        (brief.fields, brief.by.as_slice()),
        (2, &[String::from("kubectl-edit")][..])
    );
    let grid = slipway_portal::project::grid(&lea, ORG, PROJECT)
        .await
        .expect("the grid");
    assert_eq!(grid.rows[0].stops, lane);
    assert_eq!(stage.audit("drift.seen").await.len(), 1);
    let told = words(&stage, &stage.people.lea, NoticeKind::DriftFound).await;
    assert!(told.len() == 1 && told[0].contains("kubectl-edit"), "{told:?}");

    // Whoever did it takes it back: it is over by itself.
    let back = json!({ "spec": { "replicas": 2, "template": { "spec": { "containers": [
        { "name": APP, "image": crate::stage::image(1).reference() },
    ] } } } });
    deployments(&stage, "qa")
        .await
        .patch(APP, &params, &Patch::Strategic(&back))
        .await
        .expect("it is changed");
    seen(&stage, "qa", 0).await;
    assert_eq!(stage.audit("drift.gone").await.len(), 1);
}

pub async fn rule_30_what_controllers_and_the_server_write_is_no_drift(stage: Stage) {
    stage.release("1.0.0", 1).await;
    stage.deploy("1.0.0", "qa").await;
    let restart = json!({ "spec": { "template": { "metadata": { "annotations": { "kubectl.kubernetes.io/restartedAt": "2026-11-30T10:00:00Z" } } } } });
    edit(&stage, "qa", &restart).await;
    // As an autoscaler does, through the scale subresource.
    let params = PatchParams {
        field_manager: Some(String::from("kube-controller-manager")),
        ..PatchParams::default()
    };
    let scale = json!({ "spec": { "replicas": 4 } });
    deployments(&stage, "qa")
        .await
        .patch_scale(APP, &params, &Patch::Merge(&scale))
        .await
        .expect("scaled");
    let looked = |page: &DriftPage| page.drift.as_ref().map(|drift| drift.looked_at);
    let first = looked(&seen(&stage, "qa", 0).await);
    while looked(&page(&stage, "qa").await) == first {
        stage.clock.advance(MINUTE / 4);
        stage.tick().await;
    }
    seen(&stage, "qa", 0).await;
    assert_eq!(stage.audit("drift.").await, []);
}

pub async fn rule_30_a_revert_is_approved_and_takes_back_what_was_changed_and_nothing_else(stage: Stage) {
    let people = &stage.people;
    stage.release("1.0.0", 1).await;
    stage.deploy("1.0.0", "qa").await;
    stage.set_policy("qa", one_of(Role::ProjectTester, 1)).await;
    edit(&stage, "qa", &json!({ "spec": { "replicas": 5 } })).await;
    let params = PatchParams {
        field_manager: Some(String::from("kube-controller-manager")),
        ..PatchParams::default()
    };
    let controllers = json!({ "spec": { "minReadySeconds": 1 } });
    deployments(&stage, "qa")
        .await
        .patch(APP, &params, &Patch::Merge(&controllers))
        .await
        .expect("it is changed");
    let page = seen(&stage, "qa", 1).await;
    assert_eq!(
        code(ask(&stage, &people.olga, &page, Settlement::Revert).await),
        "forbidden"
    );
    let outdated = DriftPage {
        digest: String::from("another"),
        ..page.clone()
    };
    assert_eq!(
        code(ask(&stage, &people.lea, &outdated, Settlement::Revert).await),
        "stale_drift"
    );

    let id = ask(&stage, &people.lea, &page, Settlement::Revert)
        .await
        .expect("taken");
    assert_eq!(
        ask(&stage, &people.lea, &page, Settlement::Revert)
            .await
            .expect("the same"),
        id
    );
    let view = stage.reaches(id, PromotionState::Waiting).await;
    assert_eq!(view.row.kind, PromotionKind::Revert);
    let shut: Vec<GateKind> = view
        .gates
        .iter()
        .filter(|gate| !gate.open)
        .map(|gate| gate.kind)
        .collect();
    assert_eq!(shut, [GateKind::Approvals]);
    assert_eq!(view.drift.len(), 1);
    assert!(
        view.changes.manifests.added == 1 && view.changes.manifests.removed == 1,
        "{:?}",
        view.changes.manifests
    );
    // Who asked cannot approve, as ever.
    assert_eq!(code(stage.approve(&people.lea, id).await), "requester");

    stage.approve(&people.tess, id).await.expect("approved");
    let view = stage.reaches(id, PromotionState::Succeeded).await;
    assert_eq!(view.drift.len(), 1, "what was settled stays to be read");
    assert_eq!(stage.workload("qa").await.expect("there").desired, 2);
    let live = deployments(&stage, "qa").await.get(APP).await.expect("there");
    assert_eq!(live.spec.min_ready_seconds, Some(1), "a controller's");
    seen(&stage, "qa", 0).await;
    let actions: Vec<String> = stage.audit("drift.").await.into_iter().map(|row| row.0).collect();
    assert_eq!(actions, ["drift.seen", "drift.revert"]);
    // The next release has nobody to fight.
    stage.release("1.1.0", 2).await;
    stage
        .set_policy("qa", slipway_domain::approval::ApprovalPolicy::default())
        .await;
    stage.deploy("1.1.0", "qa").await;
}

pub async fn rule_30_an_adoption_records_what_is_there_and_restarts_nothing(stage: Stage) {
    let people = &stage.people;
    stage.release("1.0.0", 1).await;
    stage.deploy("1.0.0", "qa").await;
    edit(&stage, "qa", &json!({ "spec": { "replicas": 5 } })).await;
    let page = seen(&stage, "qa", 1).await;
    let before = deployments(&stage, "qa").await.get(APP).await.expect("there");
    let id = ask(&stage, &people.lea, &page, Settlement::Adopt)
        .await
        .expect("taken");
    let view = stage.reaches(id, PromotionState::Succeeded).await;
    assert_eq!(view.row.kind, PromotionKind::Adopt);
    assert_eq!(view.changes.manifests.added, 1);
    let after = deployments(&stage, "qa").await.get(APP).await.expect("there");
    assert_eq!(after.spec, before.spec, "nothing is changed but the marks");
    let page = seen(&stage, "qa", 0).await;
    assert_eq!(
        page.current.map(|current| current.version),
        Some(String::from("1.0.0"))
    );
    let record = stage.deployments(id).await;
    assert_eq!(record[0].manifests[0]["spec"]["replicas"], 5);

    // The next release says two again: its approvers see it, and nobody else's claim stands in its way.
    stage.release("1.1.0", 2).await;
    let next = stage.deploy("1.1.0", "qa").await;
    let view = stage.view(next).await;
    let removed = view.changes.manifests.hunks.iter().flat_map(|hunk| &hunk.lines);
    assert!(
        removed.into_iter().any(|line| line.text.contains("replicas: 5")),
        "{:?}",
        view.changes.manifests
    );
    assert_eq!(stage.workload("qa").await.expect("there").desired, 2);
    seen(&stage, "qa", 0).await;
}

/// Adds a variable, a label and a container, as `kubectl edit` does.
async fn add(stage: &Stage, environment: &str) {
    let params = PatchParams {
        field_manager: Some(String::from("kubectl-edit")),
        ..PatchParams::default()
    };
    let patch = json!({
        "metadata": { "labels": { "team": "blue" } },
        "spec": { "template": { "spec": { "containers": [
            { "name": APP, "env": [{ "name": "DEBUG", "value": "yes" }] },
            { "name": "shell", "image": "registry.example.com/acme/shell:1" },
        ] } } },
    });
    deployments(stage, environment)
        .await
        .patch(APP, &params, &Patch::Strategic(&patch))
        .await
        .expect("it is changed");
}

/// The names of the containers, and whether the variable is there.
async fn containers(stage: &Stage, environment: &str) -> (Vec<String>, bool) {
    let live = deployments(stage, environment)
        .await
        .get(APP)
        .await
        .expect("there");
    let containers = live.spec.template.spec.expect("a pod").containers;
    let debug = containers.iter().any(|container| {
        container
            .env
            .iter()
            .flatten()
            .any(|variable| variable.name == "DEBUG")
    });
    (
        containers.into_iter().map(|container| container.name).collect(),
        debug,
    )
}

pub async fn rule_30_what_somebody_added_is_seen_and_taken_away_by_a_revert(stage: Stage) {
    let people = &stage.people;
    stage.release("1.0.0", 1).await;
    stage.deploy("1.0.0", "qa").await;
    stage.set_policy("qa", one_of(Role::ProjectTester, 1)).await;
    add(&stage, "qa").await;
    let page = seen(&stage, "qa", 3).await;
    let drift = page.drift.as_ref().expect("a drift");
    let fields: Vec<String> = drift
        .changes
        .iter()
        .map(|change| change.path.to_string())
        .collect();
    assert_eq!(
        fields,
        [
            ".metadata.labels.team",
            ".spec.template.spec.containers[name=\"order-api\"].env[name=\"DEBUG\"]",
            ".spec.template.spec.containers[name=\"shell\"]",
        ]
    );
    assert!(
        drift
            .changes
            .iter()
            .all(|change| change.by.as_ref().is_some_and(|by| by.manager == "kubectl-edit"))
    );
    assert!(page.diff.added > 0 && page.diff.removed == 0, "{:?}", page.diff);
    assert_eq!(page.not_adoptable, None);
    let id = ask(&stage, &people.lea, &page, Settlement::Revert)
        .await
        .expect("taken");
    stage.reaches(id, PromotionState::Waiting).await;
    assert!(
        containers(&stage, "qa").await.1,
        "nothing is touched before it is approved"
    );
    stage.approve(&people.tess, id).await.expect("approved");
    stage.reaches(id, PromotionState::Succeeded).await;
    assert_eq!(containers(&stage, "qa").await, (vec![String::from(APP)], false));
    let labels = deployments(&stage, "qa")
        .await
        .get(APP)
        .await
        .expect("there")
        .metadata
        .labels;
    assert!(!labels.expect("labels").contains_key("team"));
    seen(&stage, "qa", 0).await;
}

pub async fn rule_30_what_was_added_and_adopted_stays_until_the_next_deployment(stage: Stage) {
    let people = &stage.people;
    stage.release("1.0.0", 1).await;
    stage.deploy("1.0.0", "qa").await;
    add(&stage, "qa").await;
    let page = seen(&stage, "qa", 3).await;
    let before = deployments(&stage, "qa").await.get(APP).await.expect("there");
    let id = ask(&stage, &people.lea, &page, Settlement::Adopt)
        .await
        .expect("taken");
    stage.reaches(id, PromotionState::Succeeded).await;
    let after = deployments(&stage, "qa").await.get(APP).await.expect("there");
    assert_eq!(after.spec, before.spec, "nothing restarts");
    seen(&stage, "qa", 0).await;
    stage.release("1.1.0", 2).await;
    let next = stage.deploy("1.1.0", "qa").await;
    let view = stage.view(next).await;
    let lines = view.changes.manifests.hunks.iter().flat_map(|hunk| &hunk.lines);
    assert!(
        lines.into_iter().any(|line| line.text.contains("DEBUG")),
        "its approvers see it go"
    );
    assert_eq!(containers(&stage, "qa").await, (vec![String::from(APP)], false));
    seen(&stage, "qa", 0).await;
}

pub async fn rule_30_an_object_that_was_never_deployed_is_seen_and_deleted_by_a_revert(stage: Stage) {
    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::api::PostParams;
    let people = &stage.people;
    stage.release("1.0.0", 1).await;
    stage.deploy("1.0.0", "qa").await;
    seen(&stage, "qa", 0).await;
    let maps = Api::<ConfigMap>::namespaced(kube_client(&stage).await, "checkout-qa");
    let params = PostParams {
        field_manager: Some(String::from("kubectl-create")),
        ..PostParams::default()
    };
    let labels = slipway_domain::manifest::labels(APP, PROJECT, "qa");
    let theirs = json!({ "metadata": { "name": "theirs", "labels": labels }, "data": { "a": "1" } });
    let theirs: ConfigMap = serde_json::from_value(theirs).expect("a ConfigMap");
    maps.create(&params, &theirs).await.expect("made");
    // Objects are looked for every ten minutes.
    stage.clock.advance(10 * MINUTE);
    let page = seen(&stage, "qa", 1).await;
    let change = &page.drift.as_ref().expect("a drift").changes[0];
    assert!(change.is_stranger() && change.name == "theirs", "{change:?}");
    assert_eq!(
        change.by.as_ref().map(|by| by.manager.as_str()),
        Some("kubectl-create")
    );
    assert!(
        page.not_adoptable
            .as_ref()
            .is_some_and(|why| why.en.contains("theirs"))
    );
    assert_eq!(
        code(ask(&stage, &people.lea, &page, Settlement::Adopt).await),
        "not_adoptable"
    );
    let id = ask(&stage, &people.lea, &page, Settlement::Revert)
        .await
        .expect("taken");
    stage.reaches(id, PromotionState::Succeeded).await;
    assert!(maps.get_opt("theirs").await.expect("an answer").is_none());
    seen(&stage, "qa", 0).await;
}

pub async fn rule_30_another_difference_is_another_thing_to_approve(stage: Stage) {
    let people = &stage.people;
    stage.release("1.0.0", 1).await;
    stage.deploy("1.0.0", "qa").await;
    stage.set_policy("qa", one_of(Role::ProjectTester, 1)).await;
    edit(&stage, "qa", &json!({ "spec": { "replicas": 5 } })).await;
    let page = seen(&stage, "qa", 1).await;
    let id = ask(&stage, &people.lea, &page, Settlement::Adopt)
        .await
        .expect("taken");
    let waiting = stage.reaches(id, PromotionState::Waiting).await;
    edit(&stage, "qa", &json!({ "spec": { "replicas": 6 } })).await;
    stage
        .until(id, "another subject", |view| view.subject != waiting.subject)
        .await;
    let tess = stage.as_person(&people.tess);
    let outdated = slipway_portal::promotion::decide(&tess, id, &waiting.subject, Verdict::Approve, "").await;
    assert!(outdated.is_err(), "what was seen is not there any more");

    // Somebody takes it back: there is nothing to adopt any more.
    edit(&stage, "qa", &json!({ "spec": { "replicas": 2 } })).await;
    stage.clock.advance(MINUTE);
    let view = stage.reaches(id, PromotionState::Cancelled).await;
    assert!(
        view.row
            .reason
            .is_some_and(|why| why.en.contains("nothing to settle"))
    );
}

pub async fn rule_30_what_was_deleted_is_made_again_and_cannot_be_adopted(stage: Stage) {
    let people = &stage.people;
    stage.release("1.0.0", 1).await;
    stage.deploy("1.0.0", "qa").await;
    deployments(&stage, "qa")
        .await
        .delete(APP, &DeleteParams::default())
        .await
        .expect("deleted");
    let page = seen(&stage, "qa", 1).await;
    assert!(page.not_adoptable.is_some());
    assert_eq!(
        code(ask(&stage, &people.lea, &page, Settlement::Adopt).await),
        "not_adoptable"
    );
    let id = ask(&stage, &people.lea, &page, Settlement::Revert)
        .await
        .expect("taken");
    stage.reaches(id, PromotionState::Succeeded).await;
    assert_eq!(stage.workload("qa").await.expect("there").available, 2);
    seen(&stage, "qa", 0).await;
}

pub async fn rule_30_what_a_failed_deployment_left_is_no_drift(stage: Stage) {
    stage.release("1.0.0", 1).await;
    stage.deploy("1.0.0", "qa").await;
    stage.release("1.1.0", 2).await;
    stage.behave(2, "crash-loop");
    let id = stage.ask_skipping(&stage.people.lea, "1.1.0", "qa").await;
    stage.reaches(id, PromotionState::Failed).await;
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        stage.clock.advance(MINUTE / 4);
        stage.tick().await;
        let found = page(&stage, "qa").await.drift;
        if let Some(trouble) = found.as_ref().and_then(|drift| drift.trouble.as_ref()) {
            assert!(trouble.en.contains("did not succeed"), "{trouble:?}");
            assert!(!found.is_some_and(|drift| drift.is_there()));
            break;
        }
        assert!(Instant::now() < deadline, "{found:?}");
    }
    assert_eq!(stage.audit("drift.seen").await, []);
}
