//! The approval rules hold in any order of decisions, for any rules, memberships and clocks.

use proptest::prelude::*;
use slipway_domain::access::Role;
use slipway_domain::approval::{
    ApprovalPolicy, ApprovalRule, Case, Decision, Eligible, Evaluation, Standing, Verdict, evaluate,
    rule_for, satisfiable,
};
use slipway_domain::id::{DecisionId, TypedId, UserId};
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

#[derive(Clone, Debug)]
struct World {
    policy: ApprovalPolicy,
    eligible: BTreeMap<String, BTreeMap<UserId, PersonRef>>,
    requester: Option<UserId>,
    authors: BTreeSet<UserId>,
    decisions: Vec<Decision>,
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
    ) -> Decision {
        Decision {
            id: DecisionId::from_uuid(Uuid::from_u128(u128::from(id))),
            by: person(by),
            rule: rule.map(|r| format!("r{r}")),
            verdict: if approve { Verdict::Approve } else { Verdict::Reject },
            comment: String::from("because"),
            subject: String::from(if same_subject { SUBJECT } else { "something else" }),
            at: Timestamp(at),
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
                )
            },
        )
        .prop_map(
            |(rules, (ordered, forbid_requester, forbid_authors), requester, authors, now, mut decisions)| {
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
        for rule in &evaluation.rules {
            for approver in &rule.approved {
                prop_assert!(world.eligible[&rule.id].contains_key(&approver.id));
                prop_assert!(!world.forbidden(approver.id));
                let said = newest(&world, approver.id).expect("they decided");
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
        if let Ok(rule) = rule_for(&world.case(), user(who)) {
            let mut after = world.clone();
            let at = world.decisions.iter().map(|d| d.at).max().unwrap_or_default().max(world.now).plus(1);
            after.now = at;
            after.decisions.push(Decision {
                id: DecisionId::from_uuid(Uuid::from_u128(u128::MAX)),
                by: person(who),
                rule: Some(rule.clone()),
                verdict: Verdict::Approve,
                comment: String::new(),
                subject: SUBJECT.to_owned(),
                at,
            });
            let count = |e: &Evaluation| e.rules.iter().find(|r| r.id == rule).map_or(0, |r| r.approved.len());
            prop_assert_eq!(count(&evaluate(&after.case())), count(&before) + 1);
        }
    }

    #[test]
    fn nobody_who_is_forbidden_or_unnamed_may_approve(world in world(), who in 0..PEOPLE) {
        let named = world.eligible.values().any(|people| people.contains_key(&user(who)));
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
            let open = (0..PEOPLE).find_map(|n| rule_for(&later.case(), user(n)).ok().map(|rule| (n, rule)));
            let Some((n, rule)) = open else { break };
            later.decisions.push(Decision {
                id: DecisionId::from_uuid(Uuid::from_u128(u128::MAX - 100 + round)),
                by: person(n), rule: Some(rule), verdict: Verdict::Approve, comment: String::new(),
                subject: SUBJECT.to_owned(), at,
            });
        }
        prop_assert_ne!(evaluate(&later.case()).standing, Standing::Satisfied);
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
