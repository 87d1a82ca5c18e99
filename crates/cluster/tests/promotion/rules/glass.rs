//! Breaking glass.

use super::super::stage::{ORG, PROJECT, Stage, code};
use super::{frozen, gate, second, shut, words};
use slipway_domain::access::Role;
use slipway_domain::audit::Outcome;
use slipway_domain::break_glass::GlassState;
use slipway_domain::gate::GateKind;
use slipway_domain::notice::NoticeKind;
use slipway_domain::person::PersonRef;
use slipway_domain::promotion::PromotionState;
use slipway_domain::time::{DAY, HOUR};
use slipway_portal::break_glass::{self, Input};
use slipway_portal::{InSession, OpCtx, org};

/// Somebody who has just proved that it is them.
fn proved(stage: &Stage, who: &PersonRef) -> OpCtx {
    stage.as_person(who).in_session(InSession {
        key: std::sync::Arc::from("s"),
        proved_at: stage.now(),
    })
}

fn input(gates: &[GateKind]) -> Input {
    Input {
        reason: String::from("payments are down"),
        incident: String::from("https://incidents.example.com/42"),
        gates: gates.to_vec(),
    }
}

#[expect(
    clippy::too_many_lines,
    reason = "one story, from the first refusal to the review"
)]
pub async fn rule_26_glass_is_broken_in_front_of_everybody_once_and_for_an_hour(stage: Stage) {
    let people = &stage.people;
    let now = second(&stage);
    frozen(&stage, "year end", now, now.plus(9 * DAY)).await;
    let olga = stage.as_person(&people.olga);
    for who in [&people.dana, &people.tess] {
        org::grant(&olga, ORG, Some(PROJECT), who.id, Role::ProjectOwner)
            .await
            .expect("a role");
    }
    stage.release("1.0.0", 1).await;
    let id = stage.ask_skipping(&people.lea, "1.0.0", "live").await;
    let view = stage.reaches(id, PromotionState::Waiting).await;
    assert_eq!(shut(&view), [GateKind::Approvals, GateKind::Freeze]);
    let both = [GateKind::Approvals, GateKind::Freeze];

    // Its own permission, a fresh proof, a reason, a link, and gates that are shut and can be broken.
    let lea = proved(&stage, &people.lea);
    assert_eq!(
        code(break_glass::break_glass(&lea, id, input(&both)).await),
        "forbidden"
    );
    let unproved = stage.as_person(&people.dana);
    assert_eq!(
        code(break_glass::break_glass(&unproved, id, input(&both)).await),
        "step_up"
    );
    let dana = proved(&stage, &people.dana);
    for wrong in [
        Input {
            reason: String::from(" "),
            ..input(&both)
        },
        Input {
            incident: String::from("ask me"),
            ..input(&both)
        },
        input(&[]),
        input(&[GateKind::Lock]),
        input(&[GateKind::Evidence]),
    ] {
        assert_eq!(code(break_glass::break_glass(&dana, id, wrong).await), "invalid");
    }
    let glass = break_glass::break_glass(&dana, id, input(&both))
        .await
        .expect("broken");

    // Never silent: every owner hears of it, and a second person is needed.
    for who in [&people.olga, &people.tess] {
        let told = words(&stage, who, NoticeKind::GlassBroken).await;
        assert!(
            told[0].contains("dana broke the glass: payments are down")
                && told[0].contains("incidents.example.com/42"),
            "{told:?}"
        );
    }
    for _ in 0..3 {
        stage.tick().await;
    }
    assert_eq!(stage.view(id).await.glasses[0].state, GlassState::NeedsSecond);
    assert!(stage.deployments(id).await.is_empty());
    assert_eq!(
        code(break_glass::second(&proved(&stage, &people.dana), glass).await),
        "same_person"
    );
    assert_eq!(
        code(break_glass::second(&proved(&stage, &people.lea), glass).await),
        "forbidden"
    );

    // An hour after it took effect it is over.
    break_glass::second(&proved(&stage, &people.tess), glass)
        .await
        .expect("agreed");
    frozen(&stage, "none", now.plus(-2 * DAY), now.plus(-DAY)).await;
    let view = stage.reaches(id, PromotionState::Succeeded).await;
    for kind in both {
        let gate = gate(&view, kind);
        assert!(
            gate.open && gate.reason.en.contains("opened by dana who broke the glass"),
            "{gate:?}"
        );
    }
    assert_eq!(view.glasses[0].state, GlassState::Used);

    // It is looked at afterwards, by somebody else, once.
    assert_eq!(
        code(break_glass::review(&stage.as_person(&people.dana), glass, "fine").await),
        "same_person"
    );
    let tess = stage.as_person(&people.tess);
    assert_eq!(code(break_glass::review(&tess, glass, " ").await), "invalid");
    break_glass::review(&tess, glass, "justified")
        .await
        .expect("reviewed");
    assert_eq!(
        code(break_glass::review(&tess, glass, "again").await),
        "not_to_review"
    );
    let written = stage.audit("promotion.").await;
    let glassy: Vec<_> = written
        .iter()
        .filter(|row| row.0.ends_with("glass"))
        .map(|row| (row.0.as_str(), row.1.as_str(), row.2))
        .collect();
    assert_eq!(
        glassy,
        [
            ("promotion.break_glass", "lea", Outcome::Refused),
            ("promotion.break_glass", "dana", Outcome::Done),
            ("promotion.second_glass", "tess", Outcome::Done),
            ("promotion.review_glass", "tess", Outcome::Done),
        ]
    );
}

pub async fn rule_26_it_opens_what_it_names_for_an_hour_and_for_one_promotion(stage: Stage) {
    let people = &stage.people;
    let now = second(&stage);
    frozen(&stage, "year end", now, now.plus(9 * DAY)).await;
    let olga = stage.as_person(&people.olga);
    org::grant(&olga, ORG, Some(PROJECT), people.dana.id, Role::ProjectOwner)
        .await
        .expect("a role");
    for (version, digest) in [("1.0.0", 1), ("1.1.0", 2)] {
        stage.release(version, digest).await;
    }
    let id = stage.ask("1.0.0", "qa").await;
    let view = stage.reaches(id, PromotionState::Waiting).await;
    assert_eq!(shut(&view), [GateKind::Previous, GateKind::Freeze]);
    // One of the two: the other keeps it waiting until the hour is over.
    let dana = proved(&stage, &people.dana);
    break_glass::break_glass(&dana, id, input(&[GateKind::Freeze]))
        .await
        .expect("broken");
    for _ in 0..3 {
        stage.tick().await;
    }
    assert_eq!(shut(&stage.view(id).await), [GateKind::Previous]);
    stage.clock.advance(HOUR);
    stage.tick().await;
    assert_eq!(
        shut(&stage.view(id).await),
        [GateKind::Previous, GateKind::Freeze]
    );
    assert_eq!(stage.view(id).await.glasses[0].state, GlassState::Over);
    // A testing tier takes no second person, and one start is what it is for.
    let dana = proved(&stage, &people.dana);
    break_glass::break_glass(&dana, id, input(&[GateKind::Previous, GateKind::Freeze]))
        .await
        .expect("broken");
    stage.reaches(id, PromotionState::Succeeded).await;
    let next = stage.ask("1.1.0", "qa").await;
    let view = stage.reaches(next, PromotionState::Waiting).await;
    assert_eq!(shut(&view), [GateKind::Previous, GateKind::Freeze]);
    assert!(view.glasses.is_empty());
}
