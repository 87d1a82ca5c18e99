//! Approval: rules, decisions and one pure function that says where they stand.
//!
//! The page, the API and the engine all show the words of [`evaluate`].

use crate::access::Role;
use crate::delegation::Delegation;
use crate::id::{DecisionId, DelegationId, GroupId, RoleId, UserId};
use crate::person::PersonRef;
use crate::text::Text;
use crate::time::{DAY, HOUR, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Who a rule names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Eligible {
    /// One person.
    User(UserId),
    /// The direct members of a group.
    Group(GroupId),
    /// Who holds a role in the project or above.
    Role(Role),
    /// Who holds a role that the organization made, in the project or above.
    Custom(RoleId),
}

/// One rule: `required` distinct people of those it names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalRule {
    /// Stable within the environment, as in `qa`.
    pub id: String,
    /// For people.
    pub name: Text,
    /// Who may approve.
    pub eligible: Vec<Eligible>,
    /// How many distinct people must.
    pub required: u32,
}

/// The rules of an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "four rules that are on or off, each by itself"
)]
pub struct ApprovalPolicy {
    /// Whether a rule is asked only after the ones before it are satisfied.
    pub ordered: bool,
    /// The rules; none: nobody is asked.
    pub rules: Vec<ApprovalRule>,
    /// Whether the requester cannot approve.
    pub forbid_requester: bool,
    /// Whether the authors of the commits cannot approve.
    pub forbid_authors: bool,
    /// How long a request waits for decisions, in µs.
    pub lifetime: i64,
    /// How long given approvals hold until the start, in µs.
    pub validity: i64,
    /// Whether whoever approves must have proved lately that it is them.
    #[serde(default)]
    pub step_up: bool,
}

impl ApprovalPolicy {
    /// Whether anybody is asked who must not be the one who asks.
    pub const fn asks_others(&self) -> bool {
        self.forbid_requester && !self.rules.is_empty()
    }
}

impl Default for ApprovalPolicy {
    fn default() -> Self {
        Self {
            ordered: true,
            rules: Vec::new(),
            forbid_requester: true,
            forbid_authors: false,
            lifetime: 7 * DAY,
            validity: 24 * HOUR,
            step_up: false,
        }
    }
}

/// Yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Yes.
    Approve,
    /// No.
    Reject,
}

impl Verdict {
    /// The stored key.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Reject => "reject",
        }
    }

    /// Reads the stored key.
    pub fn from_key(key: &str) -> Option<Self> {
        [Self::Approve, Self::Reject].into_iter().find(|v| v.key() == key)
    }
}

/// One person's decision. History is append-only: of one person's decisions the newest counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Which.
    pub id: DecisionId,
    /// Who.
    pub by: PersonRef,
    /// The rule it counts for; `None` on a rejection from outside the rules.
    pub rule: Option<String>,
    /// Yes or no.
    pub verdict: Verdict,
    /// What they said.
    pub comment: String,
    /// What it was given to: see `release::subject`.
    pub subject: String,
    /// When.
    pub at: Timestamp,
    /// In whose place, and by which delegation; `None`: in their own.
    pub represents: Option<Represented>,
    /// Why the rule named them then, as in `project.ops`: what was recorded at the decision.
    pub named_as: Option<String>,
}

/// Whom an approver stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Represented {
    /// Whom.
    pub person: PersonRef,
    /// By which delegation.
    pub delegation: DelegationId,
}

impl Decision {
    /// Whose place it takes in a rule.
    pub fn seat(&self) -> UserId {
        self.represents
            .as_ref()
            .map_or(self.by.id, |other| other.person.id)
    }
}

/// A time in which nobody could have had the promotion started: approvals do not grow old in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// From then on.
    pub from: Timestamp,
    /// Until then; `None`: it goes on.
    pub to: Option<Timestamp>,
}

/// How much of the time from `since` until `now` was paused, in µs. The pauses do not overlap.
pub fn paused(pauses: &[Pause], since: Timestamp, now: Timestamp) -> i64 {
    let part = |pause: &Pause| {
        let (from, to) = (pause.from.max(since), pause.to.unwrap_or(now).min(now));
        to.since(from).max(0)
    };
    pauses.iter().map(part).sum()
}

/// All that the verdict depends on.
#[derive(Clone, Debug)]
pub struct Case<'a> {
    /// The rules that hold now.
    pub policy: &'a ApprovalPolicy,
    /// Who asked; `None`: a branch rule.
    pub requester: Option<UserId>,
    /// Who wrote the commits.
    pub authors: &'a BTreeSet<UserId>,
    /// What is to be approved now.
    pub subject: &'a str,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// Every decision, oldest first.
    pub decisions: &'a [Decision],
    /// Who is eligible now, by rule id.
    pub eligible: &'a BTreeMap<String, BTreeMap<UserId, PersonRef>>,
    /// Who may approve in whose place there.
    pub delegations: &'a [Delegation],
    /// When it could not have started, whoever had approved.
    pub pauses: &'a [Pause],
    /// The instant to judge at.
    pub now: Timestamp,
}

/// Where the whole stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Every rule has its people.
    Satisfied,
    /// People are still asked.
    Waiting,
    /// Somebody said no.
    Rejected,
    /// Nobody decided in time, or the approvals are too old.
    Expired,
    /// There are fewer people left than a rule needs.
    Unsatisfiable,
}

/// Where one rule stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleStanding {
    /// The rule.
    pub id: String,
    /// For people.
    pub name: Text,
    /// How many it needs.
    pub required: u32,
    /// Whose approval counts.
    pub approved: Vec<PersonRef>,
    /// Who could approve now; empty while it is not this rule's turn.
    pub open_to: Vec<PersonRef>,
    /// Who could approve now in the place of one of those.
    #[serde(default)]
    pub deputies: Vec<PersonRef>,
    /// Whether it is this rule's turn.
    pub turn: bool,
    /// In one line.
    pub words: Text,
}

impl RuleStanding {
    /// Whether the rule has its people.
    pub fn satisfied(&self) -> bool {
        self.approved.len() >= self.required as usize
    }
}

/// What [`evaluate`] says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The whole.
    pub standing: Standing,
    /// Rule by rule, in order.
    pub rules: Vec<RuleStanding>,
    /// The whole in one line.
    pub words: Text,
    /// When the request or its approvals end, where that is known.
    pub until: Option<Timestamp>,
    /// The decisions that count, of those in the case.
    pub counting: Vec<DecisionId>,
}

/// Why someone cannot approve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CannotApprove {
    /// They asked for it.
    Requester,
    /// They wrote a commit of it.
    Author,
    /// No rule names them.
    NotNamed,
    /// A rule names them, but an earlier one is asked first.
    NotYet(Text),
    /// They have approved already.
    Already,
    /// Somebody has approved in their place.
    Represented(String),
    /// The rules that name them have their people.
    Enough,
}

impl CannotApprove {
    /// The words, and what to do.
    pub fn text(&self) -> Text {
        match self {
            Self::Requester => Text::new(
                "You asked for this promotion, so someone else must approve it.",
                "你是申请人，须由其他人审批。",
            ),
            Self::Author => Text::new(
                "You wrote a commit of this release, so someone else must approve it.",
                "你是本次发布的提交作者，须由其他人审批。",
            ),
            Self::NotNamed => Text::new(
                "The environment's approval rules do not name you.",
                "该环境的审批规则未指定你为审批人。",
            ),
            Self::NotYet(before) => Text::new(
                format!("Your turn comes after “{}”.", before.en),
                format!("须先完成“{}”，再由你审批。", before.zh),
            ),
            Self::Represented(by) => Text::new(
                format!("{by} has approved in your place, and you count once."),
                format!("{by} 已代你审批，每人只计一次。"),
            ),
            Self::Already => Text::new("You have approved this already.", "你已经同意过了。"),
            Self::Enough => Text::new(
                "This rule already has the approvals it needs.",
                "该规则所需的审批已满足。",
            ),
        }
    }
}

/// The newest decision of each person, oldest first.
fn newest<'a>(decisions: &'a [Decision]) -> Vec<&'a Decision> {
    let mut last: BTreeMap<UserId, &'a Decision> = BTreeMap::new();
    for decision in decisions {
        let place = last.entry(decision.by.id).or_insert(decision);
        if (place.at, place.id) <= (decision.at, decision.id) {
            *place = decision;
        }
    }
    let mut kept: Vec<_> = last.into_values().collect();
    kept.sort_by_key(|d| (d.at, d.id));
    kept
}

fn forbidden(case: &Case<'_>, user: UserId) -> Option<CannotApprove> {
    if case.policy.forbid_requester && case.requester == Some(user) {
        return Some(CannotApprove::Requester);
    }
    if case.policy.forbid_authors && case.authors.contains(&user) {
        return Some(CannotApprove::Author);
    }
    None
}

/// Where the approvals of a promotion stand.
pub fn evaluate(case: &Case<'_>) -> Evaluation {
    let decisions = newest(case.decisions);
    let expires = case.requested_at.plus(case.policy.lifetime);
    if let Some(no) = decisions.iter().find(|d| d.verdict == Verdict::Reject) {
        let words = Text::new(
            format!("{} rejected it: {}", no.by.name, no.comment),
            format!("{} 已拒绝：{}", no.by.name, no.comment),
        );
        return Evaluation {
            standing: Standing::Rejected,
            rules: rule_standings(case, &decisions),
            words,
            until: None,
            counting: vec![no.id],
        };
    }
    let rules = rule_standings(case, &decisions);
    let counting: Vec<&Decision> = decisions
        .iter()
        .copied()
        .filter(|d| {
            rules
                .iter()
                .any(|r| d.rule.as_deref() == Some(&r.id) && r.approved.iter().any(|p| p.id == d.by.id))
        })
        .collect();
    let ids = counting.iter().map(|d| d.id).collect();
    let valid_until = counting
        .iter()
        .map(|d| d.at)
        .max()
        .map(|at| at.plus(case.policy.validity + paused(case.pauses, at, case.now)));
    let (standing, until) = if rules.iter().all(RuleStanding::satisfied) {
        match valid_until {
            Some(until) if until <= case.now => (Standing::Expired, Some(until)),
            until => (Standing::Satisfied, until),
        }
    } else if expires <= case.now {
        (Standing::Expired, Some(expires))
    } else if !reachable(case, &rules) {
        (Standing::Unsatisfiable, Some(expires))
    } else {
        (Standing::Waiting, Some(expires))
    };
    let words = overall_words(standing, &rules);
    Evaluation {
        standing,
        rules,
        words,
        until,
        counting: ids,
    }
}

/// Whether every rule could still have its people, each of them counting in one rule only.
fn reachable(case: &Case<'_>, rules: &[RuleStanding]) -> bool {
    let spent = spent(case, rules);
    let open: Vec<(usize, BTreeSet<UserId>)> = rules
        .iter()
        .map(|rule| {
            let missing = (rule.required as usize).saturating_sub(rule.approved.len());
            let eligible = case
                .eligible
                .get(&rule.id)
                .into_iter()
                .flat_map(BTreeMap::keys)
                .copied();
            (
                missing,
                eligible
                    .filter(|user| !spent.contains(user) && forbidden(case, *user).is_none())
                    .collect(),
            )
        })
        .collect();
    satisfiable(&open)
}

/// Who has counted already: whoever approved, and those in whose place they did.
fn spent(case: &Case<'_>, rules: &[RuleStanding]) -> BTreeSet<UserId> {
    let approved: BTreeSet<UserId> = rules
        .iter()
        .flat_map(|r| r.approved.iter().map(|p| p.id))
        .collect();
    let represented = newest(case.decisions)
        .into_iter()
        .filter(|d| approved.contains(&d.by.id))
        .map(Decision::seat);
    let represented: Vec<UserId> = represented.collect();
    approved.into_iter().chain(represented).collect()
}

/// Whether distinct people can be found: for each rule so many of those it names, nobody counted twice. A
/// bipartite matching by augmenting paths.
pub fn satisfiable(rules: &[(usize, BTreeSet<UserId>)]) -> bool {
    let seats: Vec<&BTreeSet<UserId>> = rules
        .iter()
        .flat_map(|(required, people)| std::iter::repeat_n(people, (*required).min(people.len() + 1)))
        .collect();
    let mut taken: BTreeMap<UserId, usize> = BTreeMap::new();
    (0..seats.len()).all(|seat| seat_someone(seat, &seats, &mut taken, &mut BTreeSet::new()))
}

fn seat_someone(
    seat: usize,
    seats: &[&BTreeSet<UserId>],
    taken: &mut BTreeMap<UserId, usize>,
    tried: &mut BTreeSet<UserId>,
) -> bool {
    for user in seats[seat] {
        if !tried.insert(*user) {
            continue;
        }
        let free = match taken.get(user).copied() {
            None => true,
            Some(other) => seat_someone(other, seats, taken, tried),
        };
        if free {
            taken.insert(*user, seat);
            return true;
        }
    }
    false
}

/// Whether the decision is an approval that its rule can count: of those it names, by whoever may approve, and where it was
/// given in another's place, by a delegation that stood then and stands now.
fn stands(case: &Case<'_>, rule: &ApprovalRule, d: &Decision) -> bool {
    let named = |user: &UserId| {
        case.eligible
            .get(&rule.id)
            .is_some_and(|people| people.contains_key(user))
    };
    let delegated = d.represents.as_ref().is_none_or(|other| {
        case.delegations.iter().any(|given| {
            given.id == other.delegation
                && (given.from.id, given.to.id) == (other.person.id, d.by.id)
                && given.covers(d.at)
        })
    });
    d.verdict == Verdict::Approve
        && d.rule.as_deref() == Some(rule.id.as_str())
        && d.subject == case.subject
        && named(&d.seat())
        && forbidden(case, d.by.id).is_none()
        && forbidden(case, d.seat()).is_none()
        && delegated
}

fn rule_standings(case: &Case<'_>, decisions: &[&Decision]) -> Vec<RuleStanding> {
    let nobody = BTreeMap::new();
    // Nobody counts twice, whether they act themselves or another acts in their place.
    let mut counted: BTreeSet<UserId> = BTreeSet::new();
    let mut approvals: BTreeMap<&str, Vec<PersonRef>> = BTreeMap::new();
    for rule in &case.policy.rules {
        for d in decisions.iter().filter(|d| stands(case, rule, d)) {
            if counted.contains(&d.by.id) || counted.contains(&d.seat()) {
                continue;
            }
            counted.extend([d.by.id, d.seat()]);
            approvals.entry(&rule.id).or_default().push(d.by.clone());
        }
    }
    let mut turn = true;
    let mut standings = Vec::with_capacity(case.policy.rules.len());
    for rule in &case.policy.rules {
        let eligible = case.eligible.get(&rule.id).unwrap_or(&nobody);
        let approved = approvals.remove(rule.id.as_str()).unwrap_or_default();
        let satisfied = approved.len() >= rule.required as usize;
        let free = |user: UserId| {
            !counted.contains(&user)
                && forbidden(case, user).is_none()
                && !decided_elsewhere(case, decisions, user, &rule.id)
        };
        let open_to: Vec<PersonRef> = if turn && !satisfied {
            eligible.values().filter(|p| free(p.id)).cloned().collect()
        } else {
            Vec::new()
        };
        let deputies = deputies(case, &open_to, free);
        let words = rule_words(rule, &approved, &open_to, turn);
        standings.push(RuleStanding {
            id: rule.id.clone(),
            name: rule.name.clone(),
            required: rule.required,
            approved,
            open_to,
            deputies,
            turn: turn && !satisfied,
            words,
        });
        if case.policy.ordered && !satisfied {
            turn = false;
        }
    }
    standings
}

/// Who could act for one of `open_to`, who is not among them, and has not counted.
fn deputies(case: &Case<'_>, open_to: &[PersonRef], free: impl Fn(UserId) -> bool) -> Vec<PersonRef> {
    let mut found: Vec<PersonRef> = Vec::new();
    for given in case.delegations.iter().filter(|given| given.covers(case.now)) {
        let known = |people: &[PersonRef]| people.iter().any(|p| p.id == given.to.id);
        if open_to.iter().any(|p| p.id == given.from.id)
            && !known(open_to)
            && !known(&found)
            && free(given.to.id)
        {
            found.push(given.to.clone());
        }
    }
    found
}

/// Whether the person's one approval is counted for another rule.
fn decided_elsewhere(case: &Case<'_>, decisions: &[&Decision], user: UserId, rule: &str) -> bool {
    decisions.iter().any(|d| {
        d.by.id == user
            && d.verdict == Verdict::Approve
            && d.subject == case.subject
            && d.rule.as_deref().is_some_and(|r| r != rule)
    })
}

fn names(people: &[PersonRef]) -> String {
    people
        .iter()
        .map(|p| p.name.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}

fn rule_words(rule: &ApprovalRule, approved: &[PersonRef], open_to: &[PersonRef], turn: bool) -> Text {
    let missing = (rule.required as usize).saturating_sub(approved.len());
    if missing == 0 {
        return Text::new(
            format!("approved by {}", names(approved)),
            format!("{} 已同意", names(approved)),
        );
    }
    if !turn {
        return Text::new("after the rule before it", "待前一规则完成");
    }
    if open_to.len() < missing {
        return Text::new(
            format!("needs {missing} more, but only {} could approve", open_to.len()),
            format!("还需 {missing} 人，但只有 {} 人可审批", open_to.len()),
        );
    }
    Text::new(
        format!("waits for {missing} of {}", names(open_to)),
        format!("等待 {missing} 人审批：{}", names(open_to)),
    )
}

fn overall_words(standing: Standing, rules: &[RuleStanding]) -> Text {
    let done = rules.iter().filter(|r| r.satisfied()).count();
    match standing {
        Standing::Satisfied if rules.is_empty() => Text::new("no approval needed", "无需审批"),
        Standing::Satisfied => Text::new(
            format!("approved, {done} of {done}"),
            format!("审批完成，{done}/{done}"),
        ),
        Standing::Waiting | Standing::Rejected => Text::new(
            format!("approvals {done} of {}", rules.len()),
            format!("审批 {done}/{}", rules.len()),
        ),
        Standing::Expired => Text::new(
            "nobody decided in time; ask again",
            "无人及时审批，已过期；请重新发起",
        ),
        Standing::Unsatisfiable => Text::new(
            "fewer people may approve than the rules need; a project owner must change the rules or the members",
            "可审批人数少于规则要求；请项目所有者调整规则或成员",
        ),
    }
}

/// What an approval would count for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    /// The rule.
    pub rule: String,
    /// In whose place; `None`: in their own.
    pub represents: Option<Represented>,
}

/// The rule that an approval of `user` would count for now, the first by order of the rules: in their own place, else in that
/// of whoever has given them theirs.
///
/// # Errors
/// Why they cannot approve.
pub fn rule_for(case: &Case<'_>, user: UserId) -> Result<Seat, CannotApprove> {
    if let Some(refusal) = forbidden(case, user) {
        return Err(refusal);
    }
    let evaluation = evaluate(case);
    let rules = &evaluation.rules;
    if rules.iter().any(|r| r.approved.iter().any(|p| p.id == user)) {
        return Err(CannotApprove::Already);
    }
    let acted = case
        .decisions
        .iter()
        .find(|d| evaluation.counting.contains(&d.id) && d.by.id != user && d.seat() == user);
    if let Some(acted) = acted {
        return Err(CannotApprove::Represented(acted.by.name.clone()));
    }
    if let Some(rule) = rules.iter().find(|r| r.open_to.iter().any(|p| p.id == user)) {
        return Ok(Seat {
            rule: rule.id.clone(),
            represents: None,
        });
    }
    let acting = |rule: &RuleStanding| rule.deputies.iter().any(|p| p.id == user);
    if let Some(rule) = rules.iter().find(|r| acting(r)) {
        let given = case.delegations.iter().find(|given| {
            given.to.id == user
                && given.covers(case.now)
                && rule.open_to.iter().any(|p| p.id == given.from.id)
        });
        if let Some(given) = given {
            let represents = Some(Represented {
                person: given.from.clone(),
                delegation: given.id,
            });
            return Ok(Seat {
                rule: rule.id.clone(),
                represents,
            });
        }
    }
    let stands_for: BTreeSet<UserId> = case
        .delegations
        .iter()
        .filter(|given| {
            given.to.id == user && given.covers(case.now) && forbidden(case, given.from.id).is_none()
        })
        .map(|given| given.from.id)
        .chain([user])
        .collect();
    let named = |rule: &&RuleStanding| {
        case.eligible
            .get(&rule.id)
            .is_some_and(|people| stands_for.iter().any(|user| people.contains_key(user)))
    };
    match rules.iter().filter(named).find(|r| !r.satisfied()) {
        Some(_) => {
            let before = rules
                .iter()
                .find(|r| r.turn)
                .map(|r| r.name.clone())
                .unwrap_or_default();
            Err(CannotApprove::NotYet(before))
        }
        None if rules.iter().any(|r| named(&r)) => Err(CannotApprove::Enough),
        None => Err(CannotApprove::NotNamed),
    }
}
