//! The rules of releases, one test each where it is not held elsewhere: `docs/rules.md` says where.

pub mod drift;
pub mod glass;
pub mod pausing;
pub mod people;
pub mod queue;

use super::stage::{ORG, PROJECT, Stage};
use slipway_domain::freeze::Effect;
use slipway_domain::gate::{Gate, GateKind};
use slipway_domain::id::FreezeId;
use slipway_domain::notice::NoticeKind;
use slipway_domain::person::PersonRef;
use slipway_domain::promotion::PromotionView;
use slipway_domain::time::{SECOND, Timestamp};
use slipway_portal::access::At;
use slipway_portal::{freeze, notice};

/// The second that it is.
fn second(stage: &Stage) -> Timestamp {
    let now = stage.now();
    now.plus(-now.micros().rem_euclid(SECOND))
}

/// `2026-12-24T18:00:00`, in UTC, as a window has it.
fn local(at: Timestamp) -> String {
    at.rfc3339().trim_end_matches('Z').to_owned()
}

/// A window from then until then, in UTC, that holds in the whole organization or in the project alone.
fn window(name: &str, effect: Effect, from: Timestamp, to: Timestamp) -> freeze::Input {
    freeze::Input {
        name: name.to_owned(),
        reason: String::from("ask olga"),
        effect,
        zone: String::from("UTC"),
        start: local(from),
        end: local(to),
        repeats: String::new(),
        tiers: Vec::new(),
    }
}

/// Freezes the organization.
async fn frozen(stage: &Stage, name: &str, from: Timestamp, to: Timestamp) -> FreezeId {
    let olga = stage.as_person(&stage.people.olga);
    freeze::create(
        &olga,
        At::new(ORG, None, None),
        window(name, Effect::Deny, from, to),
    )
    .await
    .expect("a freeze")
}

/// Freezes the project.
async fn frozen_project(stage: &Stage, name: &str, from: Timestamp, to: Timestamp) -> FreezeId {
    let otto = stage.as_person(&stage.people.otto);
    freeze::create(
        &otto,
        At::new(ORG, Some(PROJECT), None),
        window(name, Effect::Deny, from, to),
    )
    .await
    .expect("a freeze")
}

fn gate(view: &PromotionView, kind: GateKind) -> &Gate {
    view.gates
        .iter()
        .find(|gate| gate.kind == kind)
        .expect("the gate is shown")
}

fn shut(view: &PromotionView) -> Vec<GateKind> {
    view.gates
        .iter()
        .filter(|gate| !gate.open)
        .map(|gate| gate.kind)
        .collect()
}

/// What a person was told, in words.
async fn words(stage: &Stage, who: &PersonRef, kind: NoticeKind) -> Vec<String> {
    let page = notice::list(&stage.as_person(who), false, None)
        .await
        .expect("notices");
    let notices = page.threads.iter().flat_map(|thread| &thread.notices);
    notices
        .filter(|n| n.kind == kind)
        .map(|n| n.words.en.clone())
        .collect()
}
