//! Which of several promotions goes on.

use super::super::stage::{Stage, one_of};
use super::{shut, words};
use slipway_domain::access::Role;
use slipway_domain::environment::{Gating, Queue};
use slipway_domain::gate::GateKind;
use slipway_domain::notice::NoticeKind;
use slipway_domain::promotion::PromotionState;

pub async fn rule_22_the_newest_wins_and_whom_the_older_asked_hear_of_it(stage: Stage) {
    let people = &stage.people;
    stage.set_policy("dev", one_of(Role::ProjectDeveloper, 2)).await;
    stage.release("1.0.0", 1).await;
    stage.release("1.1.0", 2).await;
    let older = stage.ask("1.0.0", "dev").await;
    stage.approve(&people.dev, older).await.expect("approved");
    stage.reaches(older, PromotionState::Waiting).await;
    let newer = stage.ask("1.1.0", "dev").await;
    assert_eq!(stage.state(older).await, PromotionState::Superseded);
    for who in [&people.dev, &people.dana] {
        let told = words(&stage, who, NoticeKind::PromotionEnded).await;
        assert!(
            told.iter()
                .any(|words| words.contains("1.1.0") && words.contains("takes its place")),
            "{} {told:?}",
            who.name
        );
    }
    for who in [&people.dev, &people.dana] {
        stage.approve(who, newer).await.expect("approved");
    }
    stage.reaches(newer, PromotionState::Succeeded).await;
}

pub async fn rule_22_in_order_nothing_is_passed_over(stage: Stage) {
    let people = &stage.people;
    let gating = Gating {
        queue: Queue::InOrder,
        ..Gating::default()
    };
    stage.edit("dev", |input| input.gating = gating).await;
    stage.set_policy("dev", one_of(Role::ProjectDeveloper, 1)).await;
    stage.release("1.0.0", 1).await;
    stage.release("1.1.0", 2).await;
    let older = stage.ask("1.0.0", "dev").await;
    let newer = stage.ask("1.1.0", "dev").await;
    stage.approve(&people.dev, newer).await.expect("approved");
    for _ in 0..3 {
        stage.tick().await;
    }
    let view = stage.view(newer).await;
    assert_eq!(
        (view.row.state, shut(&view)),
        (PromotionState::Waiting, vec![GateKind::Order])
    );
    assert!(
        view.gates
            .iter()
            .any(|gate| gate.reason.en.contains("1.0.0 was asked for before it"))
    );
    stage.approve(&people.dev, older).await.expect("approved");
    stage.reaches(older, PromotionState::Succeeded).await;
    stage.reaches(newer, PromotionState::Succeeded).await;
    assert_eq!(stage.workload("dev").await.expect("there").generation, 2);
}
