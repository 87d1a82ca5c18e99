//! Freezes, hours, soak, holds and rollbacks: what pauses, and what goes on.

use super::super::stage::{APP, ORG, PROJECT, Stage, code, image, one_of, release_with};
use super::{frozen, frozen_project, gate, second, shut, window};
use jiff::civil::time;
use slipway_domain::access::Role;
use slipway_domain::environment::Gating;
use slipway_domain::freeze::{Effect, Hours};
use slipway_domain::gate::GateKind;
use slipway_domain::hold::Held;
use slipway_domain::promotion::{PromotionKind, PromotionState};
use slipway_domain::release::Workload;
use slipway_domain::signature::{Signature, Signer};
use slipway_domain::time::{DAY, HOUR, MINUTE};
use slipway_portal::access::{self, At, may};
use slipway_portal::environment::settings;
use slipway_portal::{environment, freeze, hold, org, promotion};

pub async fn rule_17_an_approval_stays_while_the_window_is_closed(stage: Stage) {
    stage.set_policy("dev", one_of(Role::ProjectDeveloper, 1)).await;
    let now = second(&stage);
    // Longer than an approval holds by itself: nobody could have had it started.
    frozen(&stage, "year end", now, now.plus(3 * DAY)).await;
    stage.release("1.0.0", 1).await;
    let id = stage.ask("1.0.0", "dev").await;
    stage.approve(&stage.people.dev, id).await.expect("approved");
    stage.reaches(id, PromotionState::Waiting).await;
    stage.clock.advance(2 * DAY);
    stage.tick().await;
    let view = stage.view(id).await;
    assert_eq!(
        (view.row.state, shut(&view)),
        (PromotionState::Waiting, vec![GateKind::Freeze])
    );
    assert_eq!(gate(&view, GateKind::Freeze).opens_at, Some(now.plus(3 * DAY)));
    assert!(view.decisions[0].counts);
    stage.clock.advance(DAY);
    let view = stage.reaches(id, PromotionState::Succeeded).await;
    assert_eq!((view.decisions.len(), view.deployments.len()), (1, 1));
}

pub async fn an_approval_grows_old_while_it_is_not_paused(stage: Stage) {
    stage.set_policy("dev", one_of(Role::ProjectDeveloper, 1)).await;
    let now = second(&stage);
    // It was paused for two hours of the twenty-four; then another gate keeps it waiting.
    frozen(&stage, "lunch", now, now.plus(2 * HOUR)).await;
    stage.release("1.0.0", 1).await;
    stage.release("1.1.0", 2).await;
    stage.set_policy("qa", one_of(Role::ProjectDeveloper, 1)).await;
    let id = stage.ask("1.0.0", "qa").await;
    stage.approve(&stage.people.dev, id).await.expect("approved");
    stage.reaches(id, PromotionState::Waiting).await;
    stage.clock.advance(3 * HOUR);
    stage.tick().await;
    stage.clock.advance(22 * HOUR);
    stage.tick().await;
    assert_eq!(stage.state(id).await, PromotionState::Waiting);
    stage.clock.advance(3 * HOUR);
    stage.reaches(id, PromotionState::Expired).await;
    assert!(stage.deployments(id).await.is_empty());
}

pub async fn rule_18_all_windows_are_shown_and_the_latest_opening(stage: Stage) {
    let now = second(&stage);
    frozen(&stage, "year end", now.plus(-HOUR), now.plus(2 * DAY)).await;
    frozen_project(&stage, "stocktaking", now.plus(-HOUR), now.plus(5 * DAY)).await;
    let otto = stage.as_person(&stage.people.otto);
    let train = window("train", Effect::Allow, now.plus(6 * DAY), now.plus(7 * DAY));
    freeze::create(&otto, At::new(ORG, Some(PROJECT), Some(APP)), train)
        .await
        .expect("a window");
    stage.release("1.0.0", 1).await;
    let id = stage.ask("1.0.0", "dev").await;
    let view = stage.reaches(id, PromotionState::Waiting).await;
    let reason = &gate(&view, GateKind::Freeze).reason.en;
    for named in ["year end", "stocktaking", "train", "organization", "project"] {
        assert!(reason.contains(named), "{reason}");
    }
    assert_eq!(gate(&view, GateKind::Freeze).opens_at, Some(now.plus(6 * DAY)));
    // Developers neither make nor lift them, and the organization's are not the project's to remove.
    let dev = stage.as_person(&stage.people.dev);
    let input = window("mine", Effect::Deny, now, now.plus(DAY));
    assert_eq!(
        code(freeze::create(&dev, At::new(ORG, Some(PROJECT), None), input).await),
        "forbidden"
    );
    let calendar = freeze::calendar(&otto, At::new(ORG, Some(PROJECT), Some(APP)), None, None)
        .await
        .expect("the calendar");
    assert_eq!(calendar.freezes.len(), 3);
    let theirs = calendar.freezes[0].freeze.id;
    assert!(!calendar.freezes[0].may_edit);
    assert_eq!(
        code(freeze::remove(&otto, At::new(ORG, Some(PROJECT), None), theirs).await),
        "not_found"
    );
}

pub async fn rule_19_a_freeze_lets_the_running_step_end_and_rollbacks_go(stage: Stage) {
    stage.release("1.0.0", 1).await;
    stage.release("1.1.0", 2).await;
    stage.release("1.2.0", 3).await;
    stage.deploy("1.0.0", "dev").await;
    let id = stage.ask("1.1.0", "dev").await;
    stage
        .until(id, "it starts", |view| view.row.state.is_running())
        .await;
    let now = second(&stage);
    frozen(&stage, "incident", now, now.plus(DAY)).await;
    stage.reaches(id, PromotionState::Succeeded).await;
    let next = stage.ask("1.2.0", "dev").await;
    stage.reaches(next, PromotionState::Waiting).await;
    let otto = stage.as_person(&stage.people.otto);
    let (back, _) = promotion::roll_back_in(&otto, ORG, PROJECT, APP, "dev", None, "slow")
        .await
        .expect("taken");
    let view = stage.reaches(back, PromotionState::Succeeded).await;
    assert!(gate(&view, GateKind::Freeze).open);
    assert_eq!(
        stage.workload("dev").await.expect("there").annotations["slipway.dev/version"],
        "1.0.0"
    );
    // What waited is not started by it.
    assert_eq!(stage.state(next).await, PromotionState::Superseded);
}

pub async fn rule_20_the_end_of_a_freeze_lets_what_waits_go(stage: Stage) {
    let now = second(&stage);
    let freeze = frozen_project(&stage, "stocktaking", now, now.plus(30 * DAY)).await;
    stage.release("1.0.0", 1).await;
    let dev = stage.ask("1.0.0", "dev").await;
    let qa = stage.ask("1.0.0", "qa").await;
    stage.reaches(dev, PromotionState::Waiting).await;
    assert_eq!(
        shut(&stage.view(qa).await),
        [GateKind::Previous, GateKind::Freeze]
    );
    let otto = stage.as_person(&stage.people.otto);
    freeze::remove(&otto, At::new(ORG, Some(PROJECT), None), freeze)
        .await
        .expect("removed");
    stage.reaches(dev, PromotionState::Succeeded).await;
    stage.reaches(qa, PromotionState::Succeeded).await;
    let written = stage.audit("freeze.").await;
    assert_eq!(
        written.iter().map(|row| row.0.as_str()).collect::<Vec<_>>(),
        ["freeze.create", "freeze.remove"]
    );
}

pub async fn allowed_hours_are_waited_for(stage: Stage) {
    let noon = stage.now().micros().rem_euclid(DAY) / HOUR;
    let opens = (noon + 2) % 24;
    let hours = Hours {
        zone: String::from("UTC"),
        days: (1..=7).collect(),
        from: time(i8::try_from(opens).expect("an hour"), 0, 0, 0),
        to: time(i8::try_from((opens + 1) % 24).expect("an hour"), 0, 0, 0),
    };
    let gating = Gating {
        hours: vec![hours],
        ..Gating::default()
    };
    stage.edit("dev", |input| input.gating = gating).await;
    stage.release("1.0.0", 1).await;
    let id = stage.ask("1.0.0", "dev").await;
    let view = stage.reaches(id, PromotionState::Waiting).await;
    let shut = gate(&view, GateKind::Hours);
    assert!(!shut.open && shut.reason.en.contains("(UTC)"), "{shut:?}");
    let opens_at = shut.opens_at.expect("it is known");
    stage.clock.advance(opens_at.since(stage.now()) - MINUTE);
    stage.tick().await;
    assert!(stage.deployments(id).await.is_empty());
    stage.clock.advance(MINUTE);
    stage.reaches(id, PromotionState::Succeeded).await;
}

/// A key of P-256, and what it signed with OpenSSL: the words of simple signing about the image of digest 1.
const KEY: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEodtGdq6c5k9jPPkmcybXnxRgDMYi
7zE/bQ61drgYbyjrGlXvChtIKGNte0I7H0g2Q+aQq3z93ZbPx7jl+iQMcg==
-----END PUBLIC KEY-----";
const OTHER: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE9h8UGGq6HqlWIx9ILA4vEQg+9qf3
+FON/RTx71d1uOz1+BOXoIZ6R8wRMdQ+P0JbcMeKLQxuMjUeMuNZlFq5wQ==
-----END PUBLIC KEY-----";
const MESSAGE: &str = "eyJjcml0aWNhbCI6eyJpZGVudGl0eSI6eyJkb2NrZXItcmVmZXJlbmNlIjoicmVnaXN0cnkuZXhhbXBsZS5jb20vYWNtZS9vcmRlci1hcGkifSwiaW1hZ2UiOnsiZG9ja2VyLW1hbmlmZXN0LWRpZ2VzdCI6InNoYTI1NjowMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAxIn0sInR5cGUiOiJjb3NpZ24gY29udGFpbmVyIGltYWdlIHNpZ25hdHVyZSJ9LCJvcHRpb25hbCI6bnVsbH0=";
const SIGNED: &str =
    "MEQCIFOK9dJ2Aeqe3wme3h6MoW0GAq/NxAj1nGwFkcoAOfHrAiBcd/hZi4NK9YYYk/H9C5ovqKitASPLxbOZlWdGROUAZg==";

/// Only an image that a key of the environment signed goes there; which key counts is the environment's to say.
pub async fn an_image_without_a_signature_that_counts_waits(stage: Stage) {
    let trusts = |name: &str, key: &str| Gating {
        signers: vec![Signer {
            name: name.to_owned(),
            key: key.to_owned(),
        }],
        ..Gating::default()
    };
    let lea = stage.as_person(&stage.people.lea);
    let chain = environment::list(&lea, ORG, PROJECT).await.expect("the chain");
    let version = chain.environments[0].version;
    let junk = trusts("release team", "no key");
    let refused = settings::set_gating(&lea, ORG, PROJECT, "dev", version, junk).await;
    assert_eq!(code(refused), "invalid");
    stage
        .edit("dev", |input| input.gating = trusts("release team", KEY))
        .await;
    let signature = Signature {
        job: String::from("sign"),
        file: String::from("image.sig"),
        digests: vec![image(1).digest],
        message: MESSAGE.to_owned(),
        signature: SIGNED.to_owned(),
        trouble: None,
    };
    let made = |version, digest| (version, digest, Workload::default(), "nobody");
    release_with(&stage.portal, made("1.0.0", 1), vec![signature.clone()]).await;
    release_with(&stage.portal, made("1.1.0", 2), vec![signature]).await;

    let id = stage.ask("1.0.0", "dev").await;
    let view = stage.reaches(id, PromotionState::Succeeded).await;
    assert!(
        gate(&view, GateKind::Signatures)
            .reason
            .en
            .contains("release team")
    );
    let id = stage.ask("1.1.0", "dev").await;
    let view = stage.reaches(id, PromotionState::Waiting).await;
    assert_eq!(
        shut(&view),
        [GateKind::Signatures],
        "the signature is of another image"
    );
    assert!(gate(&view, GateKind::Signatures).reason.en.contains("order-api@"));
    stage.edit("dev", |input| input.gating = Gating::default()).await;
    stage.reaches(id, PromotionState::Succeeded).await;

    stage
        .edit("dev", |input| input.gating = trusts("others", OTHER))
        .await;
    stage.release("1.2.0", 3).await;
    let id = stage.ask("1.2.0", "dev").await;
    let view = stage.reaches(id, PromotionState::Waiting).await;
    assert_eq!(shut(&view), [GateKind::Signatures], "without any signature");
}

pub async fn a_release_soaks_in_the_environment_before_only_while_it_is_healthy(stage: Stage) {
    let gating = Gating {
        soak: 10 * MINUTE,
        ..Gating::default()
    };
    stage.edit("qa", |input| input.gating = gating).await;
    stage.release("1.0.0", 1).await;
    stage.deploy("1.0.0", "dev").await;
    let id = stage.ask("1.0.0", "qa").await;
    let view = stage.reaches(id, PromotionState::Waiting).await;
    assert_eq!(shut(&view), [GateKind::Soak]);
    assert!(gate(&view, GateKind::Soak).opens_at.is_some());
    for _ in 0..8 {
        stage.clock.advance(MINUTE);
        stage.tick().await;
    }
    assert_eq!(stage.state(id).await, PromotionState::Waiting);
    // An hour in which nobody looked is no hour of health.
    stage.clock.advance(HOUR);
    stage.tick().await;
    assert_eq!(
        stage.state(id).await,
        PromotionState::Waiting,
        "{:?}",
        gate(&stage.view(id).await, GateKind::Soak)
    );
    for _ in 0..6 {
        stage.clock.advance(MINUTE);
        stage.tick().await;
    }
    stage.reaches(id, PromotionState::Succeeded).await;
}

pub async fn rule_27_a_hold_pauses_and_its_owner_or_a_project_owner_lifts_it(stage: Stage) {
    let people = &stage.people;
    stage.set_policy("dev", one_of(Role::ProjectDeveloper, 1)).await;
    stage.release("1.0.0", 1).await;
    let otto = stage.as_person(&people.otto);
    let put = |reason: &'static str| hold::put(&otto, ORG, PROJECT, APP, "dev", Held::All, reason);
    assert_eq!(code(put(" ").await), "invalid");
    let held = put("looking at a leak").await.expect("on hold");
    assert_eq!(code(put("again").await), "on_hold");
    let id = stage.ask("1.0.0", "dev").await;
    stage.approve(&people.dev, id).await.expect("approved");
    let view = stage.reaches(id, PromotionState::Waiting).await;
    assert_eq!(shut(&view), [GateKind::Hold]);
    assert!(
        gate(&view, GateKind::Hold)
            .reason
            .en
            .contains("looking at a leak")
    );
    stage.clock.advance(2 * DAY);
    stage.tick().await;
    assert!(
        stage.view(id).await.decisions[0].counts,
        "nobody loses their approval"
    );
    // A lead is neither its owner nor an owner of the project.
    assert_eq!(
        code(hold::lift(&stage.as_person(&people.lea), ORG, PROJECT, APP, held).await),
        "not_your_hold"
    );
    let olga = stage.as_person(&people.olga);
    org::grant(&olga, ORG, Some(PROJECT), people.dana.id, Role::ProjectOwner)
        .await
        .expect("a role");
    hold::lift(&stage.as_person(&people.dana), ORG, PROJECT, APP, held)
        .await
        .expect("lifted");
    assert_eq!(
        code(hold::lift(&otto, ORG, PROJECT, APP, held).await),
        "not_found"
    );
    stage.reaches(id, PromotionState::Succeeded).await;
}

pub async fn a_rollback_puts_what_branch_rules_send_on_hold(stage: Stage) {
    let people = &stage.people;
    for (version, digest) in [("1.0.0", 1), ("1.1.0", 2)] {
        stage.release(version, digest).await;
        stage.deploy(version, "dev").await;
    }
    let otto = stage.as_person(&people.otto);
    let (back, _) = promotion::roll_back_in(&otto, ORG, PROJECT, APP, "dev", None, "it eats orders")
        .await
        .expect("taken");
    stage.reaches(back, PromotionState::Succeeded).await;
    let (_, holds) = hold::list(&otto, ORG, PROJECT, APP).await.expect("holds");
    assert_eq!(holds.len(), 1);
    assert_eq!(
        (holds[0].hold.held, holds[0].hold.owner.id),
        (Held::Automatic, people.otto.id)
    );
    assert!(holds[0].hold.reason.contains("it eats orders") && holds[0].may_lift);
    // The next green main does not undo it; a person still may.
    let release = stage.release("1.2.0", 3).await;
    let system = stage.system();
    let app = access::app::<may::ReleaseCreate>(&system, ORG, PROJECT, APP)
        .await
        .expect("the app");
    let mut change = system.change().await.expect("a change");
    promotion::on_release(&system, &mut change, &app.modify(), &release)
        .await
        .expect("by its rules");
    change.commit().await.expect("it commits");
    let (_, rows) = promotion::list(&otto, ORG, PROJECT, APP, None)
        .await
        .expect("the list");
    assert_eq!(rows[0].kind, PromotionKind::Automatic);
    let view = stage.reaches(rows[0].id, PromotionState::Waiting).await;
    assert_eq!(shut(&view), [GateKind::Hold]);
    hold::lift(&otto, ORG, PROJECT, APP, holds[0].hold.id)
        .await
        .expect("lifted");
    stage.reaches(rows[0].id, PromotionState::Succeeded).await;
}

pub async fn rule_31_what_waits_for_an_environment_that_goes_is_cancelled(stage: Stage) {
    stage.set_policy("dev", one_of(Role::ProjectDeveloper, 1)).await;
    stage.set_policy("qa", one_of(Role::ProjectDeveloper, 1)).await;
    stage.release("1.0.0", 1).await;
    let id = stage.ask("1.0.0", "dev").await;
    stage.reaches(id, PromotionState::Waiting).await;
    let lea = stage.as_person(&stage.people.lea);
    let list = environment::list(&lea, ORG, PROJECT).await.expect("the chain");
    let dev = stage.as_person(&stage.people.dev);
    let version = list.environments[0].version;
    assert_eq!(
        code(settings::remove(&dev, ORG, PROJECT, "dev", version).await),
        "forbidden"
    );
    assert_eq!(
        code(settings::remove(&lea, ORG, PROJECT, "dev", version - 1).await),
        "changed_meanwhile"
    );
    settings::remove(&lea, ORG, PROJECT, "dev", version)
        .await
        .expect("removed");
    let view = stage.reaches(id, PromotionState::Cancelled).await;
    assert!(view.row.reason.expect("why").en.contains("was removed"));
    assert_eq!(view.row.environment.key, "dev", "its history keeps the name");
    // The key is free again, and the first stop is qa now.
    let list = environment::list(&lea, ORG, PROJECT).await.expect("the chain");
    assert_eq!(list.environments[0].environment.key, "qa");
    // The same where its cluster goes.
    let qa = stage.ask("1.0.0", "qa").await;
    stage.reaches(qa, PromotionState::Waiting).await;
    stage.edit("qa", |input| input.binding = None).await;
    let view = stage.reaches(qa, PromotionState::Cancelled).await;
    assert!(
        view.row
            .reason
            .expect("why")
            .en
            .contains("has no cluster any more")
    );
}
