//! An environment that goes back by itself where a rollout fails.

use super::stage::{APP, ORG, PROJECT, Stage};
use slipway_domain::environment::OnFailure;
use slipway_domain::hold::Held;
use slipway_domain::notice::NoticeKind;
use slipway_domain::promotion::{PromotionKind, PromotionState};
use slipway_portal::access::{self, may};
use slipway_portal::ports::PromotionRecord;
use slipway_portal::{hold, notice};

async fn rolls_back(stage: &Stage, key: &str) {
    stage
        .edit(key, |input| input.gating.on_failure = OnFailure::RollBack)
        .await;
}

/// The app's promotions, the newest first.
async fn rows(stage: &Stage) -> Vec<slipway_domain::promotion::PromotionRow> {
    let lea = stage.as_person(&stage.people.lea);
    slipway_portal::promotion::list(&lea, ORG, PROJECT, APP, None)
        .await
        .expect("the promotions")
        .1
}

pub async fn a_failed_rollout_goes_back_by_itself_holds_what_comes_and_tells(stage: Stage) {
    rolls_back(&stage, "qa").await;
    stage
        .edit("qa", |input| input.branches = vec![String::from("main")])
        .await;
    stage.release("1.0.0", 1).await;
    stage.deploy("1.0.0", "qa").await;
    stage.release("1.1.0", 2).await;
    stage.behave(2, "crash-loop");
    let people = &stage.people;
    let broken = stage.ask_skipping(&people.lea, "1.1.0", "qa").await;
    stage.reaches(broken, PromotionState::Failed).await;
    let newest = rows(&stage).await.remove(0);
    assert_eq!(
        (newest.kind, newest.release.version.as_str()),
        (PromotionKind::Rollback, "1.0.0")
    );
    assert_eq!(newest.requested_by, None, "the environment did it");
    stage.reaches(newest.id, PromotionState::Succeeded).await;
    let status = stage.workload("qa").await.expect("there");
    assert_eq!(
        (
            status.annotations["slipway.dev/version"].as_str(),
            status.available
        ),
        ("1.0.0", 2)
    );

    let lea = stage.as_person(&people.lea);
    let (_, holds) = hold::list(&lea, ORG, PROJECT, APP).await.expect("the holds");
    assert_eq!(holds.len(), 1);
    assert_eq!(
        (holds[0].hold.held, holds[0].hold.owner.id),
        (Held::Automatic, people.lea.id)
    );
    assert!(
        holds[0].hold.reason.contains("1.1.0 failed"),
        "{}",
        holds[0].hold.reason
    );
    for who in [&people.lea, &people.olga] {
        let told = notice::list(&stage.as_person(who), false, None)
            .await
            .expect("notices");
        let words: Vec<&str> = told
            .threads
            .iter()
            .flat_map(|thread| &thread.notices)
            .filter(|one| one.kind == NoticeKind::PromotionEnded)
            .map(|one| one.words.en.as_str())
            .collect();
        assert!(
            words
                .iter()
                .any(|words| words.contains("goes back to 1.0.0 by itself")),
            "{words:?}"
        );
    }
    let actions: Vec<(String, String)> = stage
        .audit("promotion.roll_back")
        .await
        .into_iter()
        .map(|row| (row.0, row.1))
        .collect();
    assert_eq!(
        actions,
        [(String::from("promotion.roll_back"), String::from("slipway"))]
    );
}

pub async fn an_environment_that_leaves_it_does_nothing_by_itself(stage: Stage) {
    stage.release("1.0.0", 1).await;
    stage.deploy("1.0.0", "qa").await;
    stage.release("1.1.0", 2).await;
    stage.behave(2, "crash-loop");
    let broken = stage.ask_skipping(&stage.people.lea, "1.1.0", "qa").await;
    stage.reaches(broken, PromotionState::Failed).await;
    for _ in 0..5 {
        stage.tick().await;
    }
    assert_eq!(rows(&stage).await[0].id, broken);
}

pub async fn where_nothing_was_verified_or_the_way_back_fails_there_is_no_other(stage: Stage) {
    rolls_back(&stage, "qa").await;
    stage.release("1.0.0", 1).await;
    stage.behave(1, "crash-loop");
    let first = stage.ask_skipping(&stage.people.lea, "1.0.0", "qa").await;
    stage.reaches(first, PromotionState::Failed).await;
    assert_eq!(rows(&stage).await.len(), 1, "there is nothing to go back to");

    stage.behave(1, "healthy");
    slipway_portal::promotion::retry(&stage.as_person(&stage.people.lea), first)
        .await
        .expect("tried again");
    stage.reaches(first, PromotionState::Succeeded).await;
    stage.release("1.1.0", 2).await;
    stage.behave(2, "crash-loop");
    stage.behave(1, "crash-loop");
    let broken = stage.ask_skipping(&stage.people.lea, "1.1.0", "qa").await;
    stage.reaches(broken, PromotionState::Failed).await;
    let back = rows(&stage).await.remove(0);
    assert_eq!(back.kind, PromotionKind::Rollback);
    // Pods of the old revision may have stayed ready: then it is complete at once, which is as good.
    stage
        .until(back.id, "an end", |view| view.row.state.is_final())
        .await;
    assert_eq!(rows(&stage).await.len(), 3, "a rollback leads to no other");
}

pub async fn a_cluster_that_refuses_is_no_failed_rollout(stage: Stage) {
    rolls_back(&stage, "qa").await;
    stage.release("1.0.0", 1).await;
    stage.deploy("1.0.0", "qa").await;
    let workload = slipway_domain::release::Workload {
        port: Some(0),
        ..slipway_domain::release::Workload::default()
    };
    super::stage::release_in(&stage.portal, "1.1.0", 2, workload, "nobody").await;
    let refused = stage.ask_skipping(&stage.people.lea, "1.1.0", "qa").await;
    stage.reaches(refused, PromotionState::Failed).await;
    // Nothing was changed there, so there is nothing to undo.
    assert_eq!(rows(&stage).await[0].id, refused);
    let system = stage.system();
    let app = access::app::<may::See>(&system, ORG, PROJECT, APP)
        .await
        .expect("the app");
    let pending: Vec<PromotionRecord> = system
        .read()
        .await
        .expect("a reader")
        .pending_promotions(&app, None)
        .await
        .expect("them");
    assert!(pending.is_empty());
}
