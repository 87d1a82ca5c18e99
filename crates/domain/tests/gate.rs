//! All gates are open only where nothing stands in the way, whatever the facts; and every one that is shut is named.

use jiff::civil::{DateTime, time};
use proptest::prelude::*;
use slipway_domain::access::ScopeKind;
use slipway_domain::approval::{Evaluation, Standing};
use slipway_domain::break_glass::{BreakGlass, LASTS};
use slipway_domain::environment::{Gating, Queue, Tier};
use slipway_domain::freeze::{Effect, Freeze, Hours, Window};
use slipway_domain::gate::{Before, Facts, GateKind, Soaked, gates};
use slipway_domain::hold::{Held, Hold};
use slipway_domain::id::{BreakGlassId, FreezeId, HoldId, TypedId, UserId};
use slipway_domain::person::PersonRef;
use slipway_domain::promotion::PromotionKind;
use slipway_domain::release::{Evidence, Image};
use slipway_domain::report::scan::{ScanKind, ScanSummary, Severity};
use slipway_domain::signature::{SignedImage, Signer};
use slipway_domain::text::Text;
use slipway_domain::time::{HOUR, MINUTE, Timestamp};
use std::collections::BTreeSet;
use uuid::Uuid;

fn person(n: u128) -> PersonRef {
    PersonRef {
        id: UserId::from_uuid(Uuid::from_u128(n)),
        username: format!("p{n}"),
        name: format!("P{n}"),
    }
}

fn image(n: u8) -> Image {
    Image {
        repository: format!("registry.example.com/acme/app{n}"),
        digest: format!("sha256:{n:064x}"),
    }
}

/// 2026-03-06T10:00:00Z, a Friday.
const NOW: i64 = 1_772_791_200_000_000;

/// What is true, from which the facts are made.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is one fact")]
struct Truth {
    kind: PromotionKind,
    standing: Standing,
    tier: Tier,
    verified: bool,
    waived: bool,
    soak: (i64, i64, bool),
    tests: (i64, i64, bool),
    defective: bool,
    bound: bool,
    held: Option<Held>,
    frozen: bool,
    outside: bool,
    out_of_hours: bool,
    ahead: bool,
    locked: bool,
    room: Option<bool>,
    glass: Option<(Vec<GateKind>, i64, bool, bool)>,
    scans: Scans,
    /// Whether the environment names a key, and which of two images it signed.
    signed: (bool, bool, bool),
}

/// What an environment asks of scans, and what there is: which kinds it needs, from which severity on how many are allowed,
/// and the scans with their findings; `None`: unreadable.
type Scans = (
    Vec<ScanKind>,
    Option<Severity>,
    u32,
    Vec<(ScanKind, Option<Vec<Severity>>)>,
);

fn scans() -> impl Strategy<Value = Scans> {
    let kinds = || proptest::sample::select(ScanKind::ALL.to_vec());
    let severities = || proptest::sample::select(Severity::ALL.to_vec());
    let found = proptest::option::weighted(0.9, proptest::collection::vec(severities(), 0..4));
    (
        proptest::collection::vec(kinds(), 0..2),
        proptest::option::of(severities()),
        0_u32..3,
        proptest::collection::vec((kinds(), found), 0..4),
    )
}

prop_compose! {
    fn truth()(
        kind in proptest::sample::select(PromotionKind::ALL.to_vec()),
        standing in proptest::sample::select(vec![Standing::Satisfied, Standing::Satisfied, Standing::Waiting, Standing::Unsatisfiable]),
        tier in proptest::sample::select(Tier::ALL.to_vec()),
        [verified, waived, defective, bound, frozen, outside, out_of_hours, ahead, locked] in [
            prop::bool::weighted(0.8), prop::bool::weighted(0.2), prop::bool::weighted(0.1), prop::bool::weighted(0.9), prop::bool::weighted(0.2),
            prop::bool::weighted(0.2), prop::bool::weighted(0.2), prop::bool::weighted(0.1), prop::bool::weighted(0.1),
        ],
        soak in (0..3_i64, 0..3_i64, any::<bool>()),
        tests in (0..2_i64, prop::bool::weighted(0.1), any::<bool>()),
        held in proptest::option::weighted(0.2, proptest::sample::select(Held::ALL.to_vec())),
        room in proptest::option::of(prop::bool::weighted(0.8)),
        glass in proptest::option::weighted(0.4, (
            proptest::sample::subsequence(GateKind::ALL.to_vec(), 0..5), 0..(2 * LASTS), any::<bool>(), prop::bool::weighted(0.2),
        )),
        scans in scans(),
        signed in (prop::bool::weighted(0.3), prop::bool::weighted(0.7), prop::bool::weighted(0.7)),
    ) -> Truth {
        let tests = (tests.0, i64::from(tests.1), tests.2);
        Truth { kind, standing, tier, verified, waived, soak, tests, defective, bound, held, frozen, outside, out_of_hours, ahead, locked, room, glass, scans, signed }
    }
}

fn window(name: &str, effect: Effect, start: &str, end: &str) -> Freeze {
    let local = |text: &str| text.parse::<DateTime>().expect("a time");
    Freeze {
        id: FreezeId::from_uuid(Uuid::nil()),
        level: ScopeKind::Org,
        name: name.to_owned(),
        reason: String::new(),
        effect,
        window: Window {
            zone: String::from("UTC"),
            start: local(start),
            end: local(end),
            repeats: None,
        },
        tiers: Vec::new(),
    }
}

impl Truth {
    fn freezes(&self) -> Vec<Freeze> {
        let mut all = Vec::new();
        if self.frozen {
            all.push(window(
                "year end",
                Effect::Deny,
                "2026-03-06T09:00",
                "2026-03-06T12:00",
            ));
        }
        if self.outside {
            all.push(window(
                "train",
                Effect::Allow,
                "2026-03-07T09:00",
                "2026-03-07T12:00",
            ));
        }
        all
    }

    /// What the scans left.
    fn found(&self) -> Vec<ScanSummary> {
        let one = |(kind, found): &(ScanKind, Option<Vec<Severity>>)| ScanSummary {
            kind: *kind,
            job: String::from("scan"),
            scanner: None,
            counts: found.iter().flatten().map(|severity| (*severity, 1)).collect(),
            left_out: 0,
            trouble: found.is_none().then(|| Text::verbatim("no JSON")),
        };
        self.scans.3.iter().map(one).collect()
    }

    fn gating(&self) -> Gating {
        let hours = Hours {
            zone: String::from("UTC"),
            days: vec![5],
            from: time(11, 0, 0, 0),
            to: time(12, 0, 0, 0),
        };
        Gating {
            hours: if self.out_of_hours {
                vec![hours]
            } else {
                Vec::new()
            },
            soak: self.soak.0 * HOUR,
            queue: Queue::InOrder,
            tests_needed: self.tests.2,
            scans_needed: self.scans.0.clone(),
            worst: self.scans.1,
            findings_allowed: self.scans.2,
            signers: if self.signed.0 {
                vec![Signer {
                    name: String::from("release team"),
                    key: String::new(),
                }]
            } else {
                Vec::new()
            },
            ..Gating::default()
        }
    }

    fn glasses(&self) -> Vec<BreakGlass> {
        let one = |(gates, age, seconded, used): &(Vec<GateKind>, i64, bool, bool)| {
            let at = Timestamp(NOW - age);
            BreakGlass {
                id: BreakGlassId::from_uuid(Uuid::nil()),
                by: person(1),
                reason: String::from("payments are down"),
                incident: String::from("https://example.com"),
                gates: gates.clone(),
                at,
                second: seconded.then(|| (person(2), at)),
                used_at: used.then_some(at),
                review: None,
            }
        };
        self.glass.iter().map(one).collect()
    }

    /// Whether a glass opens the gate, said once more and otherwise.
    fn broken(&self, kind: GateKind) -> bool {
        let protects = [
            GateKind::Defective,
            GateKind::Binding,
            GateKind::Order,
            GateKind::Lock,
            GateKind::Quota,
        ];
        self.glass.as_ref().is_some_and(|(gates, age, seconded, used)| {
            gates.contains(&kind)
                && *age < LASTS
                && !used
                && !protects.contains(&kind)
                && (*seconded || self.tier != Tier::Production)
        })
    }

    /// The gates that must be shut.
    fn shut(&self) -> BTreeSet<GateKind> {
        let back = self.kind == PromotionKind::Rollback;
        // What settles a drift goes to what is there: nothing is brought on.
        let stays = back || self.kind.settles().is_some();
        let mut shut = BTreeSet::new();
        let mut when = |kind: GateKind, holds: bool| {
            if holds && !self.broken(kind) {
                shut.insert(kind);
            }
        };
        when(GateKind::Approvals, self.standing != Standing::Satisfied);
        when(GateKind::Previous, !stays && !self.verified && !self.waived);
        when(
            GateKind::Soak,
            !stays && self.soak.1 < self.soak.0 && (self.verified || !self.waived),
        );
        when(
            GateKind::Evidence,
            !stays && (self.tests.1 > 0 || (self.tests.2 && self.tests.0 == 0)),
        );
        let (needed, worst, allowed, done) = &self.scans;
        let lacks = needed
            .iter()
            .any(|kind| !done.iter().any(|(of, found)| of == kind && found.is_some()));
        let too_many = worst.is_some_and(|worst| {
            let all = done.iter().filter_map(|(_, found)| found.as_ref()).flatten();
            let bad = all.filter(|severity| **severity <= worst).count();
            bad > *allowed as usize || done.iter().any(|(_, found)| found.is_none())
        });
        when(GateKind::Scans, !stays && (lacks || too_many));
        let (asked, first, second) = self.signed;
        when(GateKind::Signatures, !stays && asked && !(first && second));
        when(GateKind::Defective, !back && self.defective);
        when(GateKind::Freeze, !back && (self.frozen || self.outside));
        when(GateKind::Hours, !back && self.out_of_hours);
        when(
            GateKind::Hold,
            match self.held {
                Some(Held::All) => !back,
                Some(Held::Automatic) => self.kind == PromotionKind::Automatic,
                None => false,
            },
        );
        when(GateKind::Binding, !self.bound);
        when(GateKind::Order, !stays && self.ahead);
        when(GateKind::Lock, self.locked);
        when(GateKind::Quota, self.room == Some(false));
        shut
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn what_stands_in_the_way_is_shut_and_named_and_nothing_else(truth in truth()) {
        let evaluation = Evaluation { standing: truth.standing, rules: Vec::new(), words: Text::verbatim("approvals"), until: None, counting: Vec::new() };
        let (gating, freezes, glasses) = (truth.gating(), truth.freezes(), truth.glasses());
        let evidence = Evidence { tests_passed: truth.tests.0, tests_failed: truth.tests.1, tests_skipped: 0, scans: truth.found(), signatures: Vec::new() };
        let images = [image(1), image(2)];
        let by = |signed: bool| signed.then_some("release team");
        let signed = [
            SignedImage { image: &images[0], by: by(truth.signed.1) },
            SignedImage { image: &images[1], by: by(truth.signed.2) },
        ];
        let hold = |held| Hold { id: HoldId::from_uuid(Uuid::nil()), held, owner: person(3), reason: String::from("wait"), at: Timestamp(0) };
        let holds: Vec<Hold> = truth.held.into_iter().map(hold).collect();
        let found = gates(&Facts {
            kind: truth.kind,
            version: "1.0.0",
            evaluation: &evaluation,
            tier: truth.tier,
            gating: &gating,
            before: Some(Before {
                name: String::from("QA"),
                verified: truth.verified,
                soaked: Soaked { healthy_for: truth.soak.1 * HOUR, counting: truth.soak.2 },
            }),
            waiver: truth.waived.then_some("hotfix"),
            evidence: &evidence,
            signed: &signed,
            defective: truth.defective.then_some("it eats orders"),
            bound: truth.bound,
            holds: &holds,
            freezes: &freezes,
            ahead: truth.ahead.then_some("0.9.0"),
            locked_by: truth.locked.then_some("0.9.0"),
            quota: truth.room.map(|room| (room, Text::verbatim("room"))),
            glasses: &glasses,
            now: Timestamp(NOW),
        });
        let shut: BTreeSet<GateKind> = found.iter().filter(|gate| !gate.open).map(|gate| gate.kind).collect();
        prop_assert_eq!(&shut, &truth.shut());
        let kinds: BTreeSet<GateKind> = found.iter().map(|gate| gate.kind).collect();
        prop_assert_eq!(kinds.len(), found.len(), "each is named once");
        prop_assert!(found.is_sorted_by_key(|gate| gate.kind));
        for gate in &found {
            prop_assert!(!gate.reason.en.is_empty() && !gate.reason.zh.is_empty());
            prop_assert!(gate.opens_at.is_none_or(|at| !gate.open && at > Timestamp(NOW)), "{gate:?}");
        }
        let opening = found.iter().find(|gate| gate.kind == GateKind::Freeze).and_then(|gate| gate.opens_at);
        if shut.contains(&GateKind::Freeze) && !truth.out_of_hours {
            let expected = if truth.outside { 23 * HOUR } else { 2 * HOUR };
            prop_assert_eq!(opening, Some(Timestamp(NOW + expected)));
        }
        if shut.contains(&GateKind::Soak) {
            let soak = found.iter().find(|gate| gate.kind == GateKind::Soak).expect("it is shown");
            let missing = (truth.soak.0 - truth.soak.1) * HOUR;
            prop_assert_eq!(soak.opens_at, truth.soak.2.then(|| Timestamp(NOW + missing)));
            prop_assert!(missing >= MINUTE);
        }
    }
}
