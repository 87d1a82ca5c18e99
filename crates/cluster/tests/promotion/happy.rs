//! The path without trouble, and what a request is refused for.

use super::stage::{APP, ORG, PROJECT, Stage, code, release_in};
use slipway_domain::environment::Health;
use slipway_domain::promotion::{GateKind, PromotionKind, PromotionState};
use slipway_domain::release::Workload;
use slipway_portal::access::{self, may};
use slipway_portal::promotion::{self, Ask};
use slipway_portal::{app, project};

pub async fn a_release_goes_from_stop_to_stop(stage: Stage) {
    stage.release("1.0.0", 1).await;
    let id = stage.ask("1.0.0", "dev").await;
    let view = stage.reaches(id, PromotionState::Succeeded).await;
    assert_eq!(view.deployments.len(), 1);
    assert_eq!((view.deployments[0].ready, view.deployments[0].desired), (2, 2));
    assert!(
        view.changes.manifests.removed == 0
            && view
                .changes
                .manifests
                .hunks
                .iter()
                .flat_map(|hunk| &hunk.lines)
                .any(|line| line.text == "kind: Deployment")
    );
    assert_eq!(view.changes.items[0].key, "CHK-1");
    assert!(view.gates.iter().all(|gate| gate.open), "{:#?}", view.gates);

    let status = stage.workload("dev").await.expect("it is in the cluster");
    assert_eq!((status.generation, status.available), (1, 2));
    assert_eq!(status.annotations["slipway.dev/promotion"], id.to_string());
    assert_eq!(status.annotations["slipway.dev/version"], "1.0.0");
    assert_eq!(status.annotations["slipway.dev/fence"], "1");

    // qa before it ran in dev would wait; now it goes on.
    let qa = stage.ask("1.0.0", "qa").await;
    stage.reaches(qa, PromotionState::Succeeded).await;
    let lea = stage.as_person(&stage.people.lea);
    let lane = app::overview(&lea, ORG, PROJECT, APP)
        .await
        .expect("the app's page")
        .lane;
    let versions: Vec<_> = lane
        .iter()
        .map(|s| s.current.as_ref().map(|c| c.version.as_str()))
        .collect();
    assert_eq!(versions, [Some("1.0.0"), Some("1.0.0"), None, None]);
    assert_eq!(lane[0].commits_ahead, Some(0));
    assert_eq!(
        lane[1]
            .current
            .as_ref()
            .and_then(|c| c.by.as_ref())
            .map(|by| by.username.as_str()),
        Some("lea")
    );
    assert_eq!(
        lane[1].observed.as_ref().map(|o| (o.health, o.ready)),
        Some((Health::Healthy, 2))
    );
    assert!(lane.iter().all(|stop| stop.open.is_none()));
    let grid = project::grid(&lea, ORG, PROJECT)
        .await
        .expect("the project's page");
    assert_eq!(grid.rows.len(), 1);
    assert_eq!(grid.rows[0].stops, lane);

    stage.release("1.1.0", 2).await;
    stage.deploy("1.1.0", "dev").await;
    let lane = app::overview(&lea, ORG, PROJECT, APP)
        .await
        .expect("the app's page")
        .lane;
    assert_eq!(lane[0].commits_ahead, Some(1));
    let actions: Vec<_> = stage
        .audit("promotion.")
        .await
        .into_iter()
        .map(|row| row.0)
        .collect();
    assert_eq!(
        actions[..6],
        [
            "promotion.request",
            "promotion.start",
            "promotion.succeed",
            "promotion.request",
            "promotion.start",
            "promotion.succeed"
        ]
    );
}

pub async fn a_release_waits_until_the_environment_before_has_it(stage: Stage) {
    stage.release("1.0.0", 1).await;
    let qa = stage.ask("1.0.0", "qa").await;
    let view = stage.reaches(qa, PromotionState::Waiting).await;
    let shut: Vec<_> = view.gates.iter().filter(|g| !g.open).map(|g| g.kind).collect();
    assert_eq!(shut, [GateKind::Previous]);
    assert!(
        view.row
            .reason
            .is_some_and(|reason| reason.en.contains("must run in Development first"))
    );
    let dev = stage.ask("1.0.0", "dev").await;
    stage.reaches(dev, PromotionState::Succeeded).await;
    stage.reaches(qa, PromotionState::Succeeded).await;
}

pub async fn a_skipped_environment_is_an_explicit_choice_and_recorded(stage: Stage) {
    stage.release("1.0.0", 1).await;
    let uat = stage.ask_skipping(&stage.people.otto, "1.0.0", "uat").await;
    let view = stage.reaches(uat, PromotionState::Succeeded).await;
    assert!(
        view.risks
            .iter()
            .any(|risk| risk.warns && risk.text.en.contains("hotfix"))
    );
}

pub async fn requests_are_refused_with_their_reason(stage: Stage) {
    stage.release("1.0.0", 1).await;
    stage.release("1.1.0", 2).await;
    stage.deploy("1.1.0", "dev").await;
    let people = &stage.people;
    assert_eq!(
        code(stage.request(&people.lea, "1.0.0", "dev").await),
        "older_release"
    );
    assert_eq!(
        code(stage.request(&people.lea, "1.1.0", "dev").await),
        "already_running"
    );
    assert_eq!(
        code(stage.request(&people.lea, "9.9.9", "dev").await),
        "not_found"
    );
    assert_eq!(
        code(stage.request(&people.dev, "1.1.0", "live").await),
        "forbidden"
    );
    assert_eq!(
        code(stage.request(&people.olga, "1.1.0", "qa").await),
        "forbidden"
    );
    stage.edit("qa", |input| input.binding = None).await;
    assert_eq!(code(stage.request(&people.lea, "1.1.0", "qa").await), "not_bound");
    let mut none = release_in(&stage.portal, "1.2.0", 3, Workload::default(), "nobody").await;
    none.images.clear();
    let system = stage.system();
    let app = access::app::<may::ReleaseCreate>(&system, ORG, PROJECT, APP)
        .await
        .expect("the app");
    let mut tx = stage.portal.store.write().await.expect("a transaction");
    let empty = slipway_portal::ports::ReleaseRecord {
        id: system.id(),
        version: String::from("1.2.1"),
        ..none
    };
    tx.insert_release(&app.modify(), &empty).await.expect("a release");
    tx.mark_defective(
        &app.modify(),
        none_id(&stage).await,
        stage.now(),
        "it eats orders",
    )
    .await
    .expect("marked");
    tx.commit().await.expect("it commits");
    assert_eq!(code(stage.request(&people.lea, "1.2.1", "dev").await), "no_image");
    assert_eq!(
        code(stage.request(&people.lea, "1.2.0", "dev").await),
        "defective"
    );
}

async fn none_id(stage: &Stage) -> slipway_domain::id::ReleaseId {
    let system = stage.system();
    let app = access::app::<may::See>(&system, ORG, PROJECT, APP)
        .await
        .expect("the app");
    let mut tx = system.read().await.expect("a reader");
    tx.release_by_version(&app, "1.2.0")
        .await
        .expect("an answer")
        .expect("the release")
        .id
}

pub async fn asking_twice_asks_once(stage: Stage) {
    stage.release("1.0.0", 1).await;
    let lea = stage.as_person(&stage.people.lea);
    let ask = || Ask {
        waiver: None,
        idempotency: Some(String::from("k")),
    };
    let (one, other) = tokio::join!(
        promotion::request_named(&lea, ORG, PROJECT, APP, "1.0.0", "dev", ask()),
        promotion::request_named(&lea, ORG, PROJECT, APP, "1.0.0", "dev", ask()),
    );
    let one = one.expect("taken");
    assert_eq!(one, other.expect("the same"));
    stage.reaches(one, PromotionState::Succeeded).await;
    let again = promotion::request_named(&lea, ORG, PROJECT, APP, "1.0.0", "dev", ask()).await;
    assert_eq!(again.expect("the same, though it has ended"), one);
    assert_eq!(stage.workload("dev").await.expect("there").generation, 1);
}

pub async fn the_newest_request_wins(stage: Stage) {
    stage.release("1.0.0", 1).await;
    stage.release("1.1.0", 2).await;
    let old = stage.ask("1.0.0", "qa").await;
    stage.reaches(old, PromotionState::Waiting).await;
    let new = stage.ask("1.1.0", "qa").await;
    let view = stage.reaches(old, PromotionState::Superseded).await;
    assert!(view.row.reason.is_some_and(|reason| reason.en.contains("1.1.0")));
    stage.reaches(new, PromotionState::Waiting).await;
}

pub async fn two_promotions_of_one_stop_go_one_after_the_other(stage: Stage) {
    stage.release("1.0.0", 1).await;
    stage.release("1.1.0", 2).await;
    stage.behave(1, "slow=400");
    let first = stage.ask("1.0.0", "dev").await;
    stage.reaches(first, PromotionState::Verifying).await;
    let second = stage.ask("1.1.0", "dev").await;
    let view = stage.reaches(second, PromotionState::Queued).await;
    assert!(
        view.row
            .reason
            .is_some_and(|reason| reason.en.contains("1.0.0 is being deployed"))
    );
    stage.reaches(second, PromotionState::Succeeded).await;
    assert_eq!(stage.state(first).await, PromotionState::Succeeded);
    let status = stage.workload("dev").await.expect("there");
    assert_eq!(
        (
            status.generation,
            status.annotations["slipway.dev/fence"].as_str()
        ),
        (2, "2")
    );
}

pub async fn a_branch_rule_sends_a_release_by_itself(stage: Stage) {
    let release = stage.release("1.0.0", 1).await;
    let system = stage.system();
    let app = access::app::<may::ReleaseCreate>(&system, ORG, PROJECT, APP)
        .await
        .expect("the app");
    let mut change = system.change().await.expect("a change");
    promotion::on_release(&system, &mut change, &app.modify(), &release)
        .await
        .expect("it goes by its rules");
    change.commit().await.expect("it commits");
    let (_, rows) = promotion::list(&stage.as_person(&stage.people.dev), ORG, PROJECT, APP, None)
        .await
        .expect("the list");
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (rows[0].kind, rows[0].environment.key.as_str()),
        (PromotionKind::Automatic, "dev")
    );
    assert!(rows[0].requested_by.is_none());
    stage.reaches(rows[0].id, PromotionState::Succeeded).await;
}
