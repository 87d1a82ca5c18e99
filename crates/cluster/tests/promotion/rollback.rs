//! Broken releases, and the ways back.

use super::stage::{APP, ORG, PROJECT, Stage, code, release_in};
use slipway_domain::environment::Health;
use slipway_domain::promotion::{DeploymentState, PromotionKind, PromotionState};
use slipway_domain::release::Workload;
use slipway_portal::access::{self, may};
use slipway_portal::{app, promotion};

pub async fn a_crash_loop_fails_with_its_reason_and_log_and_one_click_goes_back(stage: Stage) {
    stage.release("1.0.0", 1).await;
    stage.deploy("1.0.0", "qa").await;
    stage.release("1.1.0", 2).await;
    stage.behave(2, "crash-loop");
    let broken = stage.ask_skipping(&stage.people.lea, "1.1.0", "qa").await;
    let view = stage.reaches(broken, PromotionState::Failed).await;
    let attempt = &view.deployments[0];
    assert_eq!(
        (attempt.state, attempt.health),
        (DeploymentState::Failed, Health::Degraded)
    );
    let trouble = attempt.trouble.first().expect("a pod in trouble");
    assert!(trouble.restarts >= 3, "{trouble:?}");
    assert!(
        !trouble.log.trim().is_empty(),
        "the log of the run before is kept"
    );
    let reason = view.row.reason.expect("a reason");
    assert!(reason.en.contains("keeps crashing"), "{}", reason.en);
    // What was there before still serves.
    let lea = stage.as_person(&stage.people.lea);
    let lane = app::overview(&lea, ORG, PROJECT, APP)
        .await
        .expect("the page")
        .lane;
    assert_eq!(
        lane[1].current.as_ref().map(|c| c.version.as_str()),
        Some("1.0.0")
    );
    assert_eq!(
        lane[1].open.as_ref().map(|p| (p.id, p.state)),
        Some((broken, PromotionState::Failed))
    );

    let target = view.rights.rollback.expect("a way back");
    assert_eq!(target.version, "1.0.0");
    let (back, _) = promotion::roll_back(&lea, broken, target.id, "1.1.0 crashes")
        .await
        .expect("taken");
    let (same, _) = promotion::roll_back(&lea, broken, target.id, "1.1.0 crashes")
        .await
        .expect("the same click");
    assert_eq!(back, same);
    let view = stage.reaches(back, PromotionState::Succeeded).await;
    assert_eq!(view.row.kind, PromotionKind::Rollback);
    let status = stage.workload("qa").await.expect("there");
    assert_eq!(
        (
            status.annotations["slipway.dev/version"].as_str(),
            status.available
        ),
        ("1.0.0", 2)
    );
    let lane = app::overview(&lea, ORG, PROJECT, APP)
        .await
        .expect("the page")
        .lane;
    assert!(lane[1].open.is_none(), "{:?}", lane[1].open);
}

pub async fn an_image_that_cannot_be_pulled_fails_it_after_a_while(stage: Stage) {
    stage.release("1.0.0", 1).await;
    stage.behave(1, "image-pull-error");
    let id = stage.ask("1.0.0", "dev").await;
    let view = stage.reaches(id, PromotionState::Failed).await;
    assert!(
        view.row
            .reason
            .is_some_and(|reason| reason.en.contains("image cannot be pulled"))
    );
}

pub async fn a_rollback_needs_no_approval_and_goes_to_the_release_before(stage: Stage) {
    let people = &stage.people;
    for (version, digest) in [("1.0.0", 1), ("1.1.0", 2)] {
        stage.release(version, digest).await;
        let id = stage.ask_skipping(&people.lea, version, "live").await;
        for who in [&people.dev, &people.tess, &people.otto] {
            stage.approve(who, id).await.expect("approved");
        }
        stage.reaches(id, PromotionState::Succeeded).await;
    }
    let dev = stage.as_person(&people.dev);
    let refused = promotion::roll_back_in(&dev, ORG, PROJECT, APP, "live", None, "").await;
    assert_eq!(code(refused), "forbidden");
    let otto = stage.as_person(&people.otto);
    let (back, _) = promotion::roll_back_in(&otto, ORG, PROJECT, APP, "live", None, "slow")
        .await
        .expect("taken");
    stage.reaches(back, PromotionState::Succeeded).await;
    assert_eq!(
        stage.workload("live").await.expect("there").annotations["slipway.dev/version"],
        "1.0.0"
    );
    // There is nothing before that, and what never ran there is no way back.
    let nothing = promotion::roll_back_in(&otto, ORG, PROJECT, APP, "live", None, "").await;
    assert_eq!(code(nothing), "nothing_before");
    stage.release("1.2.0", 3).await;
    let unknown = promotion::roll_back_in(&otto, ORG, PROJECT, APP, "live", Some("1.2.0"), "").await;
    assert_eq!(code(unknown), "not_verified");
}

pub async fn a_failed_promotion_is_tried_three_times_with_the_same_approvals(stage: Stage) {
    let people = &stage.people;
    stage.release("1.0.0", 1).await;
    stage.behave(1, "crash-loop");
    let id = stage.ask_skipping(&people.lea, "1.0.0", "live").await;
    for who in [&people.dev, &people.tess, &people.otto] {
        stage.approve(who, id).await.expect("approved");
    }
    let lea = stage.as_person(&people.lea);
    for attempt in 1..=3 {
        let view = stage.reaches(id, PromotionState::Failed).await;
        assert_eq!(view.deployments.len(), attempt);
        let retried = promotion::retry(&lea, id).await;
        if attempt < 3 {
            retried.expect("taken");
        } else {
            assert_eq!(code(retried), "tries_used_up");
        }
    }
    assert_eq!(stage.view(id).await.decisions.len(), 3);
}

pub async fn a_retry_succeeds_once_the_cause_is_gone(stage: Stage) {
    stage.release("1.0.0", 1).await;
    stage.behave(1, "crash-loop");
    let id = stage.ask("1.0.0", "dev").await;
    stage.reaches(id, PromotionState::Failed).await;
    stage.behave(1, "healthy");
    promotion::retry(&stage.as_person(&stage.people.dev), id)
        .await
        .expect("taken");
    let view = stage.reaches(id, PromotionState::Succeeded).await;
    assert_eq!(view.deployments.len(), 2);
}

pub async fn a_release_that_is_marked_defective_is_called_off(stage: Stage) {
    let release = release_in(&stage.portal, "1.0.0", 1, Workload::default(), "nobody").await;
    let id = stage.ask_skipping(&stage.people.lea, "1.0.0", "live").await;
    stage.reaches(id, PromotionState::Waiting).await;
    let system = stage.system();
    let app = access::app::<may::ReleaseCreate>(&system, ORG, PROJECT, APP)
        .await
        .expect("the app");
    let mut change = system.change().await.expect("a change");
    change.bookkeeping();
    change
        .tx()
        .mark_defective(&app.modify(), release.id, system.now(), "it eats orders")
        .await
        .expect("marked");
    promotion::on_defective(&system, &mut change, &app.see(), release.id)
        .await
        .expect("looked at");
    change.commit().await.expect("it commits");
    let view = stage.reaches(id, PromotionState::Cancelled).await;
    assert!(
        view.row
            .reason
            .is_some_and(|reason| reason.en.contains("it eats orders"))
    );
}
