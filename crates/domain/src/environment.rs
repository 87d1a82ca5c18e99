//! Environments: the stops a release passes on its way to its users.

use crate::access::Role;
use crate::approval::{ApprovalPolicy, ApprovalRule, Eligible};
use crate::connection::Cluster;
use crate::delegation::DelegationView;
use crate::freeze::Hours;
use crate::id::{ClusterId, EnvironmentId};
use crate::person::PersonRef;
use crate::project::Place;
use crate::report::scan::{ScanKind, Severity};
use crate::signature::Signer;
use crate::text::Text;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// How near an environment is to its users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// For developers.
    Development,
    /// For testers.
    Testing,
    /// As production, for acceptance.
    Staging,
    /// For users.
    Production,
}

impl Tier {
    /// Every tier, outermost last.
    pub const ALL: [Self; 4] = [Self::Development, Self::Testing, Self::Staging, Self::Production];

    /// The stored key.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Testing => "testing",
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }

    /// Reads the stored key.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.key() == key)
    }
}

/// Which of several promotions that wait for one stop goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Queue {
    /// The newest request takes the place of those before it.
    #[default]
    Newest,
    /// All of them, in the order in which they were asked for.
    InOrder,
}

impl Queue {
    /// The stored key.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::InOrder => "in_order",
        }
    }

    /// Reads the stored key.
    pub fn from_key(key: &str) -> Option<Self> {
        [Self::Newest, Self::InOrder].into_iter().find(|q| q.key() == key)
    }
}

/// What is done where a rollout fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// Nothing, until somebody does it.
    #[default]
    Leave,
    /// The environment goes back by itself to what was verified there last.
    RollBack,
}

impl OnFailure {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Leave, Self::RollBack];

    /// The stored key.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Leave => "leave",
            Self::RollBack => "roll_back",
        }
    }

    /// Reads the stored key.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.key() == key)
    }
}

/// What an environment asks for beside approvals.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Gating {
    /// The hours in which it is deployed to; none: at any time.
    pub hours: Vec<Hours>,
    /// How long a release must have been healthy in the environment before, in µs; 0: not at all.
    pub soak: i64,
    /// Which of several promotions goes on.
    pub queue: Queue,
    /// Whether a pipeline without tests is not enough.
    pub tests_needed: bool,
    /// What must have been scanned.
    pub scans_needed: Vec<ScanKind>,
    /// The mildest finding of a scanner that stands in the way; `None`: none does.
    pub worst: Option<Severity>,
    /// How many findings of that severity or worse are let through.
    pub findings_allowed: u32,
    /// Whose signatures of images count; none: they need not be signed.
    pub signers: Vec<Signer>,
    /// What is done where a rollout fails.
    pub on_failure: OnFailure,
}

/// An environment by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvironmentRef {
    /// Which.
    pub id: EnvironmentId,
    /// In URLs, as in `qa`.
    pub key: String,
    /// For people.
    pub name: String,
    /// How near to the users.
    pub tier: Tier,
    /// Its place in the chain, from 0.
    pub position: i64,
}

/// The verdict on a workload, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// All is as it was asked for.
    Healthy,
    /// Paused, or scaled to nothing, on purpose.
    Suspended,
    /// On its way.
    Progressing,
    /// Not there.
    Missing,
    /// There, but not working.
    Degraded,
    /// Nobody could tell. Never success.
    Unknown,
}

impl Health {
    /// Every verdict, best first.
    pub const ALL: [Self; 6] = [
        Self::Healthy,
        Self::Suspended,
        Self::Progressing,
        Self::Missing,
        Self::Degraded,
        Self::Unknown,
    ];

    /// The stored key.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Suspended => "suspended",
            Self::Progressing => "progressing",
            Self::Missing => "missing",
            Self::Degraded => "degraded",
            Self::Unknown => "unknown",
        }
    }

    /// Reads the stored key.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|h| h.key() == key)
    }

    /// The verdict on several workloads together: the worst.
    #[must_use]
    pub fn worst(self, other: Self) -> Self {
        self.max(other)
    }
}

/// Whether a branch or tag matches a pattern. `*` stands for any characters, `/` included, as in GitLab's
/// protected branches.
pub fn matches(pattern: &str, git_ref: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(first) = parts.next() else { return false };
    let Some(mut rest) = git_ref.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// An environment of the chain that a new project begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefaultEnvironment {
    /// In URLs.
    pub key: &'static str,
    /// For people.
    pub name: &'static str,
    /// How near to the users.
    pub tier: Tier,
    /// Branches whose green pipelines go there by themselves.
    pub branches: &'static [&'static str],
    /// Who is asked.
    pub policy: ApprovalPolicy,
}

/// The chain that a project begins with: dev → qa → uat → live, and three people in order before live.
pub fn default_chain() -> Vec<DefaultEnvironment> {
    let open = ApprovalPolicy::default;
    vec![
        DefaultEnvironment {
            key: "dev",
            name: "Development",
            tier: Tier::Development,
            branches: &[
                "main",
                "master",
                "develop",
                "feature/*",
                "release/*",
                "hotfix/*",
                "support/*",
            ],
            policy: open(),
        },
        DefaultEnvironment {
            key: "qa",
            name: "QA",
            tier: Tier::Testing,
            branches: &["develop"],
            policy: open(),
        },
        DefaultEnvironment {
            key: "uat",
            name: "UAT",
            tier: Tier::Staging,
            branches: &["release/*", "hotfix/*"],
            policy: open(),
        },
        DefaultEnvironment {
            key: "live",
            name: "Live",
            tier: Tier::Production,
            branches: &[],
            policy: live_policy(),
        },
    ]
}

/// The rules of production: a developer, then a tester, then operations; neither requester nor authors.
fn live_policy() -> ApprovalPolicy {
    let rule = |id: &str, en: &str, zh: &str, role| ApprovalRule {
        id: id.to_owned(),
        name: Text::new(en, zh),
        eligible: vec![Eligible::Role(role)],
        required: 1,
    };
    ApprovalPolicy {
        rules: vec![
            rule("dev", "dev approver", "开发审批人", Role::ProjectDeveloper),
            rule("qa", "qa approver", "测试审批人", Role::ProjectTester),
            rule("live", "live approver", "上线审批人", Role::ProjectOps),
        ],
        forbid_authors: true,
        ..ApprovalPolicy::default()
    }
}

/// Where an environment's workloads run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BindingView {
    /// The cluster.
    pub cluster: ClusterId,
    /// Its name.
    pub cluster_name: String,
    /// The namespace in it.
    pub namespace: String,
    /// When the cluster last answered.
    pub last_ok_at: Option<Timestamp>,
    /// What went wrong since.
    pub trouble: Option<Text>,
}

/// One approval rule, and who could approve by it now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RulePeople {
    /// The rule.
    pub rule: ApprovalRule,
    /// The roles and groups that it names.
    pub named: Vec<Text>,
    /// Who it names now, by name.
    pub people: Vec<PersonRef>,
}

/// An environment as its project's page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvironmentView {
    /// Which.
    pub environment: EnvironmentRef,
    /// Grows with every edit: an edit carries the version it was made from.
    pub version: i64,
    /// Where it runs; `None`: not bound yet, so nothing can be deployed.
    pub binding: Option<BindingView>,
    /// The approval rules.
    pub policy: ApprovalPolicy,
    /// Grows when the approval rules change.
    pub rules_version: i64,
    /// The rules with the people they name.
    pub rules: Vec<RulePeople>,
    /// Ref patterns whose green pipelines go there by themselves.
    pub branches: Vec<String>,
    /// What it asks for beside approvals.
    pub gating: Gating,
    /// The approval rules as the lines that people write.
    pub lines: String,
}

/// Who could approve by rules that are not kept yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RulesPreview {
    /// The project.
    pub place: Place,
    /// The environment.
    pub environment: EnvironmentRef,
    /// The lines that were typed.
    pub lines: String,
    /// The rules with the people they name now.
    pub rules: Vec<RulePeople>,
    /// Why they could not be kept.
    pub trouble: Option<Text>,
}

/// The order of the chain `keys` with the environment `key` one place up or down; `None`: it is not in it, or at the end of it.
pub fn shifted(keys: &[String], key: &str, up: bool) -> Option<Vec<String>> {
    let at = keys.iter().position(|one| one == key)?;
    let to = if up { at.checked_sub(1)? } else { at + 1 };
    if to >= keys.len() {
        return None;
    }
    let mut keys = keys.to_vec();
    keys.swap(at, to);
    Some(keys)
}

/// Where a branch or tag would go: by which pattern, or not at all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefRoute {
    /// The environment.
    pub environment: EnvironmentRef,
    /// The first of its patterns that matches.
    pub pattern: Option<String>,
}

/// Where green pipelines of a ref would send their releases by themselves.
pub fn routes<'a>(
    chain: impl IntoIterator<Item = (&'a EnvironmentRef, &'a [String])>,
    git_ref: &str,
) -> Vec<RefRoute> {
    let one = |(environment, patterns): (&EnvironmentRef, &[String])| RefRoute {
        environment: environment.clone(),
        pattern: patterns.iter().find(|pattern| matches(pattern, git_ref)).cloned(),
    };
    chain.into_iter().map(one).collect()
}

/// The chain of a project, as its page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvironmentList {
    /// The project.
    pub place: Place,
    /// In chain order.
    pub environments: Vec<EnvironmentView>,
    /// The clusters one could bind.
    pub clusters: Vec<Cluster>,
    /// Whether the reader may edit the chain.
    pub may_edit: bool,
    /// Approvals that the reader gave to another here, or got from one.
    pub delegations: Vec<DelegationView>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_star_stands_for_anything_in_between() {
        for (pattern, git_ref, expected) in [
            ("main", "main", true),
            ("main", "main2", false),
            ("feature/*", "feature/a/b", true),
            ("feature/*", "feature", false),
            ("*", "anything", true),
            ("release/*-rc*", "release/1.2-rc3", true),
            ("a*a", "a", false),
            ("", "main", false),
        ] {
            assert_eq!(matches(pattern, git_ref), expected, "{pattern} against {git_ref}");
        }
    }

    proptest! {
        #[test]
        fn a_pattern_made_of_a_ref_matches_it(left in "[a-z/.]{0,8}", middle in "[a-z/.]{0,8}", right in "[a-z/.]{0,8}") {
            let git_ref = format!("{left}{middle}{right}");
            let pattern = format!("{left}*{right}");
            prop_assert!(matches(&pattern, &git_ref));
            let doubled = format!("{left}**{right}");
            prop_assert!(matches(&doubled, &git_ref));
        }
    }

    proptest! {
        #[test]
        fn a_step_up_undoes_a_step_down(n in 1_usize..6, at in 0_usize..6) {
            let keys: Vec<String> = (0..n).map(|i| format!("e{i}")).collect();
            let key = format!("e{at}");
            match shifted(&keys, &key, false) {
                Some(down) => {
                    prop_assert_ne!(&down, &keys);
                    prop_assert_eq!(shifted(&down, &key, true), Some(keys));
                }
                None => prop_assert!(at + 1 >= n),
            }
        }
    }

    #[test]
    fn the_default_chain_asks_three_people_in_order_before_live_and_nobody_before() {
        let chain = default_chain();
        let keys: Vec<_> = chain.iter().map(|e| e.key).collect();
        assert_eq!(keys, ["dev", "qa", "uat", "live"]);
        assert!(chain[..3].iter().all(|e| e.policy.rules.is_empty()));
        let live = &chain[3].policy;
        assert!(live.ordered && live.forbid_requester && live.forbid_authors);
        assert_eq!(
            live.rules.iter().map(|r| r.id.as_str()).collect::<Vec<_>>(),
            ["dev", "qa", "live"]
        );
        assert!(chain.windows(2).all(|w| w[0].tier < w[1].tier));
    }
}
