//! Deciding: who may, in which order, on what, and what happens at the same moment.

use super::stage::{ORG, PROJECT, Stage, code, one_of, release_in, three_in_order};
use slipway_domain::access::Role;
use slipway_domain::approval::{ApprovalPolicy, Verdict};
use slipway_domain::audit::Outcome;
use slipway_domain::notice::NoticeKind;
use slipway_domain::person::PersonRef;
use slipway_domain::promotion::PromotionState;
use slipway_domain::release::Workload;
use slipway_domain::time::DAY;
use slipway_portal::{Error, environment, notice, org, promotion};

pub async fn three_approvals_in_order_start_it_by_themselves(stage: Stage) {
    let people = &stage.people;
    stage.release("1.0.0", 1).await;
    let id = stage.ask_skipping(&people.lea, "1.0.0", "live").await;
    stage.reaches(id, PromotionState::Waiting).await;
    // Each finds it when it is their turn, and not before.
    assert_eq!(code(stage.approve(&people.tess, id).await), "not_your_turn");
    assert!(
        promotion::inbox(&stage.as_person(&people.tess))
            .await
            .expect("an inbox")
            .waiting
            .is_empty()
    );
    assert_eq!(
        promotion::inbox(&stage.as_person(&people.dev))
            .await
            .expect("an inbox")
            .waiting
            .len(),
        1
    );
    assert_eq!(
        promotion::waiting_for_me(&stage.as_person(&people.dev))
            .await
            .expect("a number"),
        1
    );
    stage
        .approve(&people.dev, id)
        .await
        .expect("the developer approves");
    stage.tick().await;
    assert_eq!(
        promotion::waiting_for_me(&stage.as_person(&people.dev))
            .await
            .expect("a number"),
        0
    );
    assert_eq!(
        promotion::waiting_for_me(&stage.as_person(&people.tess))
            .await
            .expect("a number"),
        1
    );
    stage
        .approve(&people.tess, id)
        .await
        .expect("the tester approves");
    stage.tick().await;
    assert_eq!(stage.state(id).await, PromotionState::Waiting);
    assert!(stage.workload("live").await.is_none());
    stage.approve(&people.otto, id).await.expect("operations approve");
    let view = stage.reaches(id, PromotionState::Succeeded).await;
    assert_eq!(view.decisions.len(), 3);
    assert!(view.decisions.iter().all(|d| d.counts));
    assert_eq!(stage.workload("live").await.expect("there").generation, 1);
    assert_eq!(
        promotion::inbox(&stage.as_person(&people.dev))
            .await
            .expect("an inbox")
            .decided
            .len(),
        1
    );
    // Each was told when it was their turn, and the requester how it went.
    assert_eq!(told(&stage, &people.tess).await, [NoticeKind::ApprovalAsked]);
    let lea = told(&stage, &people.lea).await;
    let count = |kind| lea.iter().filter(|told| **told == kind).count();
    assert_eq!(
        (
            count(NoticeKind::PromotionDecided),
            count(NoticeKind::PromotionEnded),
            lea.len()
        ),
        (3, 1, 4)
    );
}

async fn told(stage: &Stage, who: &PersonRef) -> Vec<NoticeKind> {
    let page = notice::list(&stage.as_person(who), false, None)
        .await
        .expect("notices");
    let notices = page.threads.iter().flat_map(|thread| &thread.notices);
    let ours = notices.filter(|n| !matches!(n.kind, NoticeKind::RoleGranted));
    ours.map(|notice| notice.kind).collect()
}

pub async fn the_requester_cannot_approve_but_may_reject_and_the_attempt_is_written_down(stage: Stage) {
    let people = &stage.people;
    stage.release("1.0.0", 1).await;
    let id = stage.ask_skipping(&people.otto, "1.0.0", "live").await;
    stage.reaches(id, PromotionState::Waiting).await;
    stage
        .approve(&people.dev, id)
        .await
        .expect("the developer approves");
    stage
        .approve(&people.tess, id)
        .await
        .expect("the tester approves");
    assert_eq!(code(stage.approve(&people.otto, id).await), "requester");
    assert_eq!(code(stage.approve(&people.lea, id).await), "not_named");
    assert_eq!(code(stage.approve(&people.olga, id).await), "not_named");
    let refused = stage.audit("promotion.approve").await;
    let refused: Vec<_> = refused
        .iter()
        .filter(|r| r.2 == Outcome::Refused)
        .map(|r| r.1.as_str())
        .collect();
    assert_eq!(refused, ["otto", "lea", "olga"]);
    // A rejection says why.
    let subject = stage.view(id).await.subject;
    let silent = promotion::decide(&stage.as_person(&people.otto), id, &subject, Verdict::Reject, " ").await;
    assert_eq!(code(silent), "invalid");
    stage
        .decide(&people.otto, id, Verdict::Reject)
        .await
        .expect("the requester rejects");
    assert_eq!(stage.state(id).await, PromotionState::Rejected);
    assert_eq!(code(stage.approve(&people.otto, id).await), "promotion_rejected");
    stage.tick().await;
    assert!(stage.workload("live").await.is_none());
}

pub async fn the_author_of_a_commit_cannot_approve(stage: Stage) {
    let people = &stage.people;
    release_in(&stage.portal, "1.0.0", 1, Workload::default(), "dev").await;
    let id = stage.ask_skipping(&people.lea, "1.0.0", "live").await;
    assert_eq!(code(stage.approve(&people.dev, id).await), "author");
    stage
        .approve(&people.dana, id)
        .await
        .expect("another developer approves");
}

pub async fn two_last_approvals_at_the_same_moment_deploy_once(stage: Stage) {
    stage.set_policy("dev", one_of(Role::ProjectDeveloper, 1)).await;
    let people = &stage.people;
    stage.release("1.0.0", 1).await;
    let id = stage.ask("1.0.0", "dev").await;
    stage.reaches(id, PromotionState::Waiting).await;
    let subject = stage.view(id).await.subject;
    let (dev, dana) = (stage.as_person(&people.dev), stage.as_person(&people.dana));
    let (one, other) = tokio::join!(
        promotion::decide(&dev, id, &subject, Verdict::Approve, ""),
        promotion::decide(&dana, id, &subject, Verdict::Approve, ""),
    );
    let approved = [&one, &other].into_iter().filter(|r| r.is_ok()).count();
    assert_eq!(approved, 1, "the rule needs one: {one:?} {other:?}");
    // Two workers take what there is at once.
    let (a, b) = tokio::join!(
        Box::pin(slipway_portal::jobs::step(&stage.portal, "worker-a")),
        Box::pin(slipway_portal::jobs::step(&stage.portal, "worker-b")),
    );
    a.and(b).expect("both work");
    stage.reaches(id, PromotionState::Succeeded).await;
    assert_eq!(stage.deployments(id).await.len(), 1);
    assert_eq!(stage.workload("dev").await.expect("there").generation, 1);
    let starts = stage.audit("promotion.start").await;
    assert_eq!(starts.len(), 1);
}

pub async fn of_approve_and_reject_the_first_wins_and_the_other_hears_of_it(stage: Stage) {
    let people = &stage.people;
    stage.set_policy("dev", one_of(Role::ProjectDeveloper, 2)).await;
    for round in 1..=5_u64 {
        let version = format!("1.0.{round}");
        stage.release(&version, round).await;
        let id = stage.ask(&version, "dev").await;
        stage.reaches(id, PromotionState::Waiting).await;
        let subject = stage.view(id).await.subject;
        let (dev, dana) = (stage.as_person(&people.dev), stage.as_person(&people.dana));
        let (approve, reject) = tokio::join!(
            promotion::decide(&dev, id, &subject, Verdict::Approve, ""),
            promotion::decide(&dana, id, &subject, Verdict::Reject, "no"),
        );
        reject.expect("the rejection comes before the second approval");
        if let Err(error) = approve {
            assert_eq!(error.code(), "promotion_rejected");
        }
        assert_eq!(stage.state(id).await, PromotionState::Rejected);
    }
    stage.tick().await;
    assert!(stage.workload("dev").await.is_none());
}

pub async fn a_double_click_has_one_effect(stage: Stage) {
    stage.set_policy("dev", one_of(Role::ProjectDeveloper, 2)).await;
    stage.release("1.0.0", 1).await;
    let id = stage.ask("1.0.0", "dev").await;
    stage.approve(&stage.people.dev, id).await.expect("approved");
    stage
        .approve(&stage.people.dev, id)
        .await
        .expect("the same click");
    let view = stage.view(id).await;
    assert_eq!(
        (view.decisions.len(), view.row.state),
        (1, PromotionState::Requested)
    );
}

pub async fn a_stale_page_is_refused_and_says_what_changed(stage: Stage) {
    let people = &stage.people;
    stage.set_policy("dev", one_of(Role::ProjectDeveloper, 1)).await;
    stage.release("1.0.0", 1).await;
    let id = stage.ask("1.0.0", "dev").await;
    let seen = stage.view(id).await.subject;
    stage.set_policy("dev", one_of(Role::ProjectDeveloper, 2)).await;
    let refused = promotion::decide(&stage.as_person(&people.dev), id, &seen, Verdict::Approve, "").await;
    let Err(Error::Conflict {
        code: "stale_subject",
        text,
    }) = refused
    else {
        panic!("{refused:?}")
    };
    assert!(text.en.contains("the approval rules changed"), "{}", text.en);
    assert!(stage.view(id).await.decisions.is_empty());
}

pub async fn approvals_given_under_other_rules_are_void(stage: Stage) {
    let people = &stage.people;
    stage.set_policy("dev", one_of(Role::ProjectDeveloper, 2)).await;
    stage.release("1.0.0", 1).await;
    let id = stage.ask("1.0.0", "dev").await;
    stage.approve(&people.dev, id).await.expect("approved");
    stage.set_policy("dev", one_of(Role::ProjectDeveloper, 1)).await;
    // Loosened: one approval would be enough now, but it was given to something else.
    for _ in 0..3 {
        stage.tick().await;
    }
    let view = stage.view(id).await;
    assert_eq!(view.row.state, PromotionState::Waiting);
    assert!(view.decisions.iter().all(|d| !d.counts));
    stage.approve(&people.dev, id).await.expect("approved anew");
    stage.reaches(id, PromotionState::Succeeded).await;
}

pub async fn nobody_decides_and_it_expires(stage: Stage) {
    stage.set_policy("dev", one_of(Role::ProjectDeveloper, 1)).await;
    stage.release("1.0.0", 1).await;
    let id = stage.ask("1.0.0", "dev").await;
    stage.reaches(id, PromotionState::Waiting).await;
    stage.clock.advance(7 * DAY);
    stage.reaches(id, PromotionState::Expired).await;
    assert_eq!(
        code(stage.approve(&stage.people.dev, id).await),
        "promotion_expired"
    );
    assert!(stage.workload("dev").await.is_none());
}

pub async fn a_withdrawn_request_asks_nobody(stage: Stage) {
    stage.release("1.0.0", 1).await;
    let id = stage.ask_skipping(&stage.people.otto, "1.0.0", "live").await;
    stage.reaches(id, PromotionState::Waiting).await;
    let dev = stage.as_person(&stage.people.dev);
    assert_eq!(code(promotion::cancel(&dev, id).await), "forbidden");
    promotion::cancel(&stage.as_person(&stage.people.otto), id)
        .await
        .expect("withdrawn");
    promotion::cancel(&stage.as_person(&stage.people.otto), id)
        .await
        .expect("the same click");
    assert_eq!(stage.state(id).await, PromotionState::Cancelled);
    assert_eq!(promotion::waiting_for_me(&dev).await.expect("a number"), 0);
}

pub async fn rules_that_nobody_could_satisfy_are_refused_when_saved(stage: Stage) {
    let lea = stage.as_person(&stage.people.lea);
    let list = environment::list(&lea, ORG, PROJECT).await.expect("the chain");
    let view = &list.environments[0];
    let save = |policy: ApprovalPolicy| {
        let input = environment::Input {
            key: view.environment.key.clone(),
            name: view.environment.name.clone(),
            tier: view.environment.tier,
            binding: view.binding.as_ref().map(|b| (b.cluster, b.namespace.clone())),
            branches: Vec::new(),
            policy,
            gating: slipway_domain::environment::Gating::default(),
        };
        environment::edit(&lea, ORG, PROJECT, "dev", view.version, input)
    };
    assert_eq!(code(save(one_of(Role::ProjectDeveloper, 3)).await), "invalid");
    // Two people for two rules, but the same person for both.
    let mut twice = one_of(Role::ProjectTester, 1);
    let mut second = twice.rules[0].clone();
    second.id = String::from("b");
    twice.rules.push(second);
    assert_eq!(code(save(twice).await), "invalid");
    save(one_of(Role::ProjectDeveloper, 2)).await.expect("two of two");
    assert_eq!(
        code(save(one_of(Role::ProjectDeveloper, 1)).await),
        "changed_meanwhile"
    );
}

pub async fn an_outsider_sees_nothing_and_a_viewer_decides_nothing(stage: Stage) {
    stage.release("1.0.0", 1).await;
    stage.set_policy("dev", three_in_order()).await;
    let id = stage.ask("1.0.0", "dev").await;
    let subject = stage.view(id).await.subject;
    let new = |name: &str| slipway_portal::person::NewAccount {
        username: name.to_owned(),
        name: name.to_owned(),
        email: None,
        password: String::from("correct horse"),
    };
    let outsider = slipway_portal::person::create(&stage.system(), new("out"))
        .await
        .expect("an account");
    let outsider = stage.as_person(&outsider);
    assert_eq!(code(promotion::view(&outsider, id).await), "not_found");
    assert_eq!(
        code(promotion::decide(&outsider, id, &subject, Verdict::Approve, "").await),
        "not_found"
    );
    let viewer = slipway_portal::person::create(&stage.system(), new("vera"))
        .await
        .expect("an account");
    let olga = stage.as_person(&stage.people.olga);
    org::grant(&olga, ORG, Some(PROJECT), viewer.id, Role::ProjectViewer)
        .await
        .expect("a role");
    let viewer = stage.as_person(&viewer);
    promotion::view(&viewer, id).await.expect("a viewer sees it");
    assert_eq!(
        code(promotion::decide(&viewer, id, &subject, Verdict::Approve, "").await),
        "not_named"
    );
    assert_eq!(
        code(promotion::decide(&viewer, id, &subject, Verdict::Reject, "no").await),
        "not_named"
    );
    assert_eq!(code(promotion::cancel(&viewer, id).await), "forbidden");
}
