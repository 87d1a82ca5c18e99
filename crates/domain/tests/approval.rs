//! The approval rules hold in any order of decisions, for any rules, memberships and clocks.

use proptest::prelude::*;
use slipway_domain::access::Role;
use slipway_domain::approval::{
    ApprovalPolicy, ApprovalRule, Case, Decision, Eligible, Evaluation, Pause, Represented, Standing,
    Verdict, evaluate, paused, rule_for, satisfiable,
};
use slipway_domain::delegation::Delegation;
use slipway_domain::id::{DecisionId, DelegationId, TypedId, UserId};
use slipway_domain::person::PersonRef;
use slipway_domain::text::Text;
use slipway_domain::time::{DAY, HOUR, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

const PEOPLE: u128 = 6;
const SUBJECT: &str = "what is asked for";

fn user(n: u128) -> UserId {
    UserId::from_uuid(Uuid::from_u128(n + 1))
}

fn person(n: u128) -> PersonRef {
    PersonRef {
        id: user(n),
        username: format!("p{n}"),
        name: format!("P{n}"),
    }
}

/// The id of the delegation of one person to another.
fn delegation(from: u128, to: u128) -> DelegationId {
    DelegationId::from_uuid(Uuid::from_u128(1_000 + from * PEOPLE + to))
}

fn delegations() -> impl Strategy<Value = Vec<Delegation>> {
    let one = (
        0..PEOPLE,
        1..PEOPLE,
        0..(8 * DAY),
        1..(8 * DAY),
        prop::bool::weighted(0.2),
    );
    proptest::collection::vec(one, 0..4).prop_map(|given| {
        let one = |(from, by, starts, lasts, revoked): (u128, u128, i64, i64, bool)| {
            let to = (from + by) % PEOPLE;
            Delegation {
                id: delegation(from, to),
                from: person(from),
                to: person(to),
                environment: None,
                starts_at: Timestamp(starts),
                ends_at: Timestamp(starts + lasts),
                revoked_at: revoked.then_some(Timestamp(starts)),
                reason: String::new(),
            }
        };
        given.into_iter().map(one).collect()
    })
}

fn pauses() -> impl Strategy<Value = Vec<Pause>> {
    proptest::collection::vec((0..DAY, 1..DAY), 0..3).prop_map(|gaps| {
        let mut at = 0;
        let one = |(gap, lasts): (i64, i64)| {
            let from = at + gap;
            at = from + lasts;
            Pause {
                from: Timestamp(from),
                to: Some(Timestamp(at)),
            }
        };
        gaps.into_iter().map(one).collect()
    })
}

#[derive(Clone, Debug)]
struct World {
    policy: ApprovalPolicy,
    eligible: BTreeMap<String, BTreeMap<UserId, PersonRef>>,
    requester: Option<UserId>,
    authors: BTreeSet<UserId>,
    decisions: Vec<Decision>,
    delegations: Vec<Delegation>,
    pauses: Vec<Pause>,
    now: Timestamp,
}

impl World {
    fn case(&self) -> Case<'_> {
        Case {
            policy: &self.policy,
            requester: self.requester,
            authors: &self.authors,
            subject: SUBJECT,
            requested_at: Timestamp(0),
            decisions: &self.decisions,
            eligible: &self.eligible,
            delegations: &self.delegations,
            pauses: &self.pauses,
            now: self.now,
        }
    }

    fn forbidden(&self, user: UserId) -> bool {
        (self.policy.forbid_requester && self.requester == Some(user))
            || (self.policy.forbid_authors && self.authors.contains(&user))
    }
}

fn rules() -> impl Strategy<Value = Vec<(u32, BTreeSet<u128>)>> {
    proptest::collection::vec((1..3_u32, proptest::collection::btree_set(0..PEOPLE, 0..5)), 0..4)
}

prop_compose! {
    fn decision(rules: usize)(
        by in 0..PEOPLE,
        rule in proptest::option::weighted(0.9, 0..rules.max(1)),
        approve in prop::bool::weighted(0.93),
        same_subject in prop::bool::weighted(0.85),
        at in 0..(8 * DAY),
        id in any::<u64>(),
        represents in proptest::option::weighted(0.25, 0..PEOPLE),
    ) -> Decision {
        Decision {
            id: DecisionId::from_uuid(Uuid::from_u128(u128::from(id))),
            by: person(by),
            rule: rule.map(|r| format!("r{r}")),
            verdict: if approve { Verdict::Approve } else { Verdict::Reject },
            comment: String::from("because"),
            subject: String::from(if same_subject { SUBJECT } else { "something else" }),
            at: Timestamp(at),
            represents: represents.filter(|n| *n != by).map(|n| Represented { person: person(n), delegation: delegation(n, by) }),
            named_as: None,
        }
    }
}

fn world() -> impl Strategy<Value = World> {
    (
        rules(),
        any::<[bool; 3]>(),
        proptest::option::of(0..PEOPLE),
        proptest::collection::btree_set(0..PEOPLE, 0..3),
        0..(9 * DAY),
    )
        .prop_flat_map(
            |(rules, [ordered, forbid_requester, forbid_authors], requester, authors, now)| {
                let decisions = proptest::collection::vec(decision(rules.len()), 0..8);
                (
                    Just(rules),
                    Just((ordered, forbid_requester, forbid_authors)),
                    Just(requester),
                    Just(authors),
                    Just(now),
                    decisions,
                    (delegations(), pauses()),
                )
            },
        )
        .prop_map(
            |(
                rules,
                (ordered, forbid_requester, forbid_authors),
                requester,
                authors,
                now,
                mut decisions,
                (delegations, pauses),
            )| {
                decisions.sort_by_key(|d| (d.at, d.id));
                decisions.dedup_by_key(|d| (d.at, d.id));
                let eligible = rules
                    .iter()
                    .enumerate()
                    .map(|(i, (_, people))| {
                        (
                            format!("r{i}"),
                            people.iter().map(|n| (user(*n), person(*n))).collect(),
                        )
                    })
                    .collect();
                let rules = rules.iter().enumerate().map(|(i, (required, _))| ApprovalRule {
                    id: format!("r{i}"),
                    name: Text::verbatim(format!("rule {i}")),
                    eligible: vec![Eligible::Role(Role::ProjectDeveloper)],
                    required: *required,
                });
                World {
                    policy: ApprovalPolicy {
                        ordered,
                        forbid_requester,
                        forbid_authors,
                        rules: rules.collect(),
                        lifetime: 7 * DAY,
                        validity: 24 * HOUR,
                        step_up: false,
                    },
                    eligible,
                    requester: requester.map(user),
                    authors: authors.into_iter().map(user).collect(),
                    decisions,
                    delegations,
                    pauses,
                    now: Timestamp(now),
                }
            },
        )
}

fn newest(world: &World, user: UserId) -> Option<&Decision> {
    world
        .decisions
        .iter()
        .filter(|d| d.by.id == user)
        .max_by_key(|d| (d.at, d.id))
}

fn counted(evaluation: &Evaluation) -> Vec<UserId> {
    evaluation
        .rules
        .iter()
        .flat_map(|r| r.approved.iter().map(|p| p.id))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn satisfied_means_the_required_distinct_eligible_people_said_yes_to_this(world in world()) {
        let evaluation = evaluate(&world.case());
        let people = counted(&evaluation);
        let distinct: BTreeSet<_> = people.iter().collect();
        prop_assert_eq!(distinct.len(), people.len(), "one person counts in one rule");
        let seats: Vec<UserId> = people.iter().filter_map(|who| newest(&world, *who)).map(Decision::seat).collect();
        let touched: BTreeSet<UserId> = people.iter().copied().chain(seats.iter().copied()).collect();
        let doubled = people.iter().zip(&seats).filter(|(by, seat)| by != seat).count();
        prop_assert_eq!(touched.len(), people.len() + doubled, "nobody counts for themselves and for another, nor twice");
        for rule in &evaluation.rules {
            for approver in &rule.approved {
                let said = newest(&world, approver.id).expect("they decided");
                prop_assert!(world.eligible[&rule.id].contains_key(&said.seat()));
                prop_assert!(!world.forbidden(approver.id) && !world.forbidden(said.seat()));
                if let Some(other) = &said.represents {
                    let given = world.delegations.iter().any(|d| {
                        (d.from.id, d.to.id) == (other.person.id, approver.id) && d.revoked_at.is_none()
                            && d.starts_at <= said.at && said.at < d.ends_at
                    });
                    prop_assert!(given, "nobody acts for another without their delegation");
                }
                prop_assert_eq!((said.verdict, said.subject.as_str()), (Verdict::Approve, SUBJECT));
            }
        }
        if evaluation.standing == Standing::Satisfied {
            for (rule, stands) in world.policy.rules.iter().zip(&evaluation.rules) {
                prop_assert!(stands.approved.len() >= rule.required as usize);
            }
            prop_assert!(evaluation.until.is_none_or(|until| until > world.now));
        }
    }

    #[test]
    fn a_standing_no_rejects_and_only_that(world in world()) {
        let rejected = (0..PEOPLE).any(|n| newest(&world, user(n)).is_some_and(|d| d.verdict == Verdict::Reject));
        prop_assert_eq!(evaluate(&world.case()).standing == Standing::Rejected, rejected);
    }

    #[test]
    fn the_order_in_which_decisions_are_read_does_not_matter(world in world(), seed in any::<u64>()) {
        let mut shuffled = world.clone();
        let mut state = seed;
        for i in (1..shuffled.decisions.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            shuffled.decisions.swap(i, usize::try_from(state >> 33).unwrap_or(0) % (i + 1));
        }
        prop_assert_eq!(evaluate(&world.case()), evaluate(&shuffled.case()));
    }

    #[test]
    fn whoever_may_approve_brings_the_rule_one_approval_further(world in world(), who in 0..PEOPLE) {
        let before = evaluate(&world.case());
        if before.standing == Standing::Rejected {
            return Ok(());
        }
        if let Ok(seat) = rule_for(&world.case(), user(who)) {
            let rule = seat.rule.clone();
            let mut after = world.clone();
            let at = world.decisions.iter().map(|d| d.at).max().unwrap_or_default().max(world.now).plus(1);
            after.now = at;
            let still = |d: &Delegation| d.covers(at) || seat.represents.as_ref().is_none_or(|other| other.delegation != d.id);
            if !world.delegations.iter().all(still) {
                return Ok(());
            }
            after.decisions.push(Decision {
                id: DecisionId::from_uuid(Uuid::from_u128(u128::MAX)),
                by: person(who),
                rule: Some(rule.clone()),
                verdict: Verdict::Approve,
                comment: String::new(),
                subject: SUBJECT.to_owned(),
                at,
                represents: seat.represents.clone(),
                named_as: None,
            });
            let count = |e: &Evaluation| e.rules.iter().find(|r| r.id == rule).map_or(0, |r| r.approved.len());
            prop_assert_eq!(count(&evaluate(&after.case())), count(&before) + 1);
        }
    }

    #[test]
    fn nobody_who_is_forbidden_or_unnamed_may_approve(world in world(), who in 0..PEOPLE) {
        let acts_for = |seat: &UserId| *seat == user(who) || world.delegations.iter().any(|d| {
            d.to.id == user(who) && d.from.id == *seat && d.covers(world.now) && !world.forbidden(*seat)
        });
        let named = world.eligible.values().any(|people| people.keys().any(acts_for));
        if world.forbidden(user(who)) || !named {
            prop_assert!(rule_for(&world.case(), user(who)).is_err());
        }
    }

    #[test]
    fn in_order_a_later_rule_is_asked_only_once_the_ones_before_it_have_their_people(world in world()) {
        let mut world = world;
        world.policy.ordered = true;
        let evaluation = evaluate(&world.case());
        let first_open = evaluation.rules.iter().position(|r| !r.satisfied());
        for (i, rule) in evaluation.rules.iter().enumerate() {
            prop_assert!(rule.open_to.is_empty() || Some(i) == first_open);
        }
    }

    #[test]
    fn what_is_unsatisfiable_is_never_satisfied_whatever_is_said_next(world in world()) {
        let evaluation = evaluate(&world.case());
        if evaluation.standing != Standing::Unsatisfiable {
            return Ok(());
        }
        // Everybody who can still approve does, again and again.
        let mut later = world.clone();
        for round in 0..(PEOPLE * 2) {
            let at = later.now.plus(1);
            later.now = at;
            let open = (0..PEOPLE).find_map(|n| rule_for(&later.case(), user(n)).ok().map(|seat| (n, seat)));
            let Some((n, seat)) = open else { break };
            later.decisions.push(Decision {
                id: DecisionId::from_uuid(Uuid::from_u128(u128::MAX - 100 + round)),
                by: person(n), rule: Some(seat.rule), represents: seat.represents, named_as: None, verdict: Verdict::Approve, comment: String::new(),
                subject: SUBJECT.to_owned(), at,
            });
        }
        prop_assert_ne!(evaluate(&later.case()).standing, Standing::Satisfied);
    }

    #[test]
    fn what_is_paused_is_never_more_than_the_time_itself(pauses in pauses(), since in 0..(4 * DAY), lasts in 0..(4 * DAY)) {
        let (since, now) = (Timestamp(since), Timestamp(since + lasts));
        let micros = (0..lasts).step_by(usize::try_from(DAY / 48).unwrap_or(1)).filter(|at| {
            let at = since.plus(*at);
            pauses.iter().any(|p| p.from <= at && p.to.is_none_or(|to| at < to))
        }).count();
        let by_samples = i64::try_from(micros).unwrap_or(0) * (DAY / 48);
        let exact = paused(&pauses, since, now);
        prop_assert!((0..=lasts).contains(&exact));
        prop_assert!((exact - by_samples).abs() <= 8 * (DAY / 48));
    }

    #[test]
    fn a_delegation_is_not_passed_on(world in world(), who in 0..PEOPLE) {
        // Who may approve in another's place does so for somebody whom a rule names in person.
        if let Ok(seat) = rule_for(&world.case(), user(who))
            && let Some(other) = seat.represents
        {
            prop_assert!(world.eligible[&seat.rule].contains_key(&other.person.id));
            prop_assert!(!world.forbidden(other.person.id) && world.requester != Some(user(who)) || !world.policy.forbid_requester);
        }
    }

    #[test]
    fn a_matching_is_found_where_there_is_one(rules in proptest::collection::vec((0..3_usize, proptest::collection::btree_set(0..5_u128, 0..5)), 0..4)) {
        let seats: Vec<_> = rules.iter().map(|(n, people)| (*n, people.iter().map(|p| user(*p)).collect::<BTreeSet<_>>())).collect();
        prop_assert_eq!(satisfiable(&seats), by_brute_force(&seats, &BTreeSet::new()));
    }
}

/// Tries every way to seat people.
fn by_brute_force(rules: &[(usize, BTreeSet<UserId>)], taken: &BTreeSet<UserId>) -> bool {
    let Some((first, rest)) = rules.split_first() else {
        return true;
    };
    if first.0 == 0 {
        return by_brute_force(rest, taken);
    }
    first.1.iter().filter(|user| !taken.contains(user)).any(|user| {
        let mut taken = taken.clone();
        taken.insert(*user);
        let mut rules = vec![(first.0 - 1, first.1.clone())];
        rules.extend_from_slice(rest);
        by_brute_force(&rules, &taken)
    })
}
