//! Promotions: a request to put one release into one environment, and how it goes.

use crate::app::Deployed;
use crate::approval::{Evaluation, RuleStanding, Verdict};
use crate::break_glass::GlassView;
use crate::comparison::ItemLine;
use crate::diff::DiffView;
use crate::drift::{FieldChange, Settlement};
use crate::environment::{EnvironmentRef, Health};
pub use crate::gate::{Gate, GateKind};
use crate::hold::HoldView;
use crate::id::{DeploymentId, PromotionId, ReleaseId};
use crate::person::PersonRef;
use crate::project::Place;
use crate::release::{Commit, Evidence, Image, ReleaseRef};
use crate::text::Text;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

macro_rules! states {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $key:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl $name {
            /// Every state.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stored key.
            pub const fn key(self) -> &'static str {
                match self { $(Self::$variant => $key,)+ }
            }

            /// Reads the stored key.
            pub fn from_key(key: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|s| s.key() == key)
            }
        }
    };
}

states! {
    /// Where a promotion stands.
    PromotionState {
        /// Asked for; its gates were not looked at yet.
        Requested = "requested",
        /// A gate is shut.
        Waiting = "waiting",
        /// All gates were open; it is next when the environment's lock is free.
        Queued = "queued",
        /// The manifests are being applied.
        Deploying = "deploying",
        /// Applied; the rollout is being watched.
        Verifying = "verifying",
        /// The rollout is complete.
        Succeeded = "succeeded",
        /// The cluster refused, or the rollout failed.
        Failed = "failed",
        /// Nobody can tell how it went; looked at again until somebody can.
        Unknown = "unknown",
        /// An approver said no.
        Rejected = "rejected",
        /// Nobody decided in time.
        Expired = "expired",
        /// A newer one took its place.
        Superseded = "superseded",
        /// Withdrawn.
        Cancelled = "cancelled",
    }
}

states! {
    /// What can happen to a promotion.
    PromotionEvent {
        /// Its gates were looked at, and one is shut.
        GateShut = "gate_shut",
        /// Its gates were looked at, and all are open.
        GatesOpen = "gates_open",
        /// The lock is held and all gates are still open: it starts.
        Start = "start",
        /// The cluster took the manifests.
        Applied = "applied",
        /// The rollout is complete.
        RolledOut = "rolled_out",
        /// The cluster refused, or the rollout failed.
        Fail = "fail",
        /// The cluster could not be asked for too long.
        LoseSight = "lose_sight",
        /// The cluster answers again.
        RegainSight = "regain_sight",
        /// Somebody asked for another try.
        Retry = "retry",
        /// An approver said no.
        Reject = "reject",
        /// Nobody decided in time.
        Expire = "expire",
        /// A newer one took its place.
        Supersede = "supersede",
        /// It was withdrawn.
        Cancel = "cancel",
    }
}

/// A transition that the state does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a promotion that is {} cannot {}", state.key(), event.key())]
pub struct NoTransition {
    /// Where the promotion stands.
    pub state: PromotionState,
    /// What was to happen.
    pub event: PromotionEvent,
}

impl PromotionState {
    /// The state after `event`.
    ///
    /// # Errors
    /// [`NoTransition`] where the state does not allow it; final states but `failed` allow nothing.
    pub fn on(self, event: PromotionEvent) -> Result<Self, NoTransition> {
        use PromotionEvent as E;
        use PromotionState as S;
        let next = match (self, event) {
            (S::Requested | S::Waiting | S::Queued, E::GateShut) => S::Waiting,
            (S::Requested | S::Waiting | S::Queued, E::GatesOpen) => S::Queued,
            (S::Queued, E::Start) => S::Deploying,
            (S::Deploying, E::Applied) | (S::Unknown, E::RegainSight) => S::Verifying,
            (S::Verifying, E::RolledOut) => S::Succeeded,
            (S::Deploying | S::Verifying | S::Unknown, E::Fail) => S::Failed,
            (S::Deploying | S::Verifying, E::LoseSight) => S::Unknown,
            (S::Failed, E::Retry) => S::Requested,
            (S::Requested | S::Waiting | S::Queued, E::Reject) => S::Rejected,
            (S::Requested | S::Waiting | S::Queued, E::Expire) => S::Expired,
            (S::Requested | S::Waiting | S::Queued, E::Supersede) => S::Superseded,
            (S::Requested | S::Waiting | S::Queued, E::Cancel) => S::Cancelled,
            _ => return Err(NoTransition { state: self, event }),
        };
        Ok(next)
    }

    /// Whether the promotion has ended (a failed one can still be tried again).
    pub const fn is_final(self) -> bool {
        matches!(
            self,
            Self::Succeeded
                | Self::Failed
                | Self::Rejected
                | Self::Expired
                | Self::Superseded
                | Self::Cancelled
        )
    }

    /// Whether decisions are still taken.
    pub const fn is_pending(self) -> bool {
        matches!(self, Self::Requested | Self::Waiting | Self::Queued)
    }

    /// Whether something is under way in the cluster.
    pub const fn is_running(self) -> bool {
        matches!(self, Self::Deploying | Self::Verifying | Self::Unknown)
    }
}

states! {
    /// Why a release goes to an environment.
    PromotionKind {
        /// Forward along the chain, asked for by a person.
        Promotion = "promotion",
        /// By a branch rule.
        Automatic = "automatic",
        /// Back to a release that was verified there before.
        Rollback = "rollback",
        /// What was deployed is applied again, over what was changed around Slipway.
        Revert = "revert",
        /// What was changed around Slipway becomes what was deployed.
        Adopt = "adopt",
    }
}

impl PromotionKind {
    /// What it does about a drift; `None`: it brings a release.
    pub const fn settles(self) -> Option<Settlement> {
        match self {
            Self::Revert => Some(Settlement::Revert),
            Self::Adopt => Some(Settlement::Adopt),
            Self::Promotion | Self::Automatic | Self::Rollback => None,
        }
    }
}

impl From<Settlement> for PromotionKind {
    fn from(settlement: Settlement) -> Self {
        match settlement {
            Settlement::Revert => Self::Revert,
            Settlement::Adopt => Self::Adopt,
        }
    }
}

states! {
    /// Where one attempt to roll manifests out stands.
    DeploymentState {
        /// About to be applied.
        Applying = "applying",
        /// Applied; being watched.
        Watching = "watching",
        /// Complete.
        Succeeded = "succeeded",
        /// Refused or failed.
        Failed = "failed",
        /// Nobody can tell.
        Unknown = "unknown",
    }
}

impl DeploymentState {
    /// The state after the attempt moved to `next`.
    ///
    /// # Errors
    /// The state itself, where it cannot go there.
    pub fn to(self, next: Self) -> Result<Self, Self> {
        use DeploymentState as S;
        match (self, next) {
            (S::Applying, S::Watching | S::Failed | S::Unknown)
            | (S::Watching, S::Succeeded | S::Failed | S::Unknown)
            | (S::Unknown, S::Watching | S::Failed) => Ok(next),
            _ => Err(self),
        }
    }
}

/// A promotion in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromotionRow {
    /// Which.
    pub id: PromotionId,
    /// Where.
    pub place: Place,
    /// What.
    pub release: ReleaseRef,
    /// Where to.
    pub environment: EnvironmentRef,
    /// Why.
    pub kind: PromotionKind,
    /// Where it stands.
    pub state: PromotionState,
    /// Why it stands there, in one line.
    pub reason: Option<Text>,
    /// Who asked; `None`: a branch rule.
    pub requested_by: Option<PersonRef>,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When it expires if nobody decides.
    pub expires_at: Timestamp,
    /// What runs there now.
    pub current: Option<String>,
}

/// The queue of an approver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inbox {
    /// Who is signed in.
    pub person: PersonRef,
    /// What waits for the reader's decision, oldest first.
    pub waiting: Vec<PromotionRow>,
    /// The last ten promotions the reader decided on, newest first.
    pub decided: Vec<PromotionRow>,
}

/// A promotion with what stands in its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenPromotion {
    /// The row of it.
    pub row: PromotionRow,
    /// Every gate.
    pub gates: Vec<Gate>,
    /// The approval rules, and where each stands.
    pub rules: Vec<RuleStanding>,
}

/// What an approver (and everybody else) sees of a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionView {
    /// Who.
    pub by: PersonRef,
    /// For which rule; `None`: a rejection by someone outside the rules (the requester withdrew, say).
    pub rule: Option<String>,
    /// Yes or no.
    pub verdict: Verdict,
    /// What they said.
    pub comment: String,
    /// When.
    pub at: Timestamp,
    /// Whether it still counts: rules, membership and subject are what they were.
    pub counts: bool,
    /// In whose place, by a delegation.
    pub represents: Option<PersonRef>,
}

/// A pod that is in trouble.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodTrouble {
    /// The pod.
    pub pod: String,
    /// The container.
    pub container: String,
    /// Kubernetes' reason, as in `CrashLoopBackOff`.
    pub reason: String,
    /// Kubernetes' message.
    pub message: String,
    /// How often it was restarted.
    pub restarts: i64,
    /// The end of its log; of the run before when it crashed.
    pub log: String,
}

/// One attempt to roll out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeploymentView {
    /// Which.
    pub id: DeploymentId,
    /// The number of the attempt, from 1.
    pub attempt: i64,
    /// Where it stands.
    pub state: DeploymentState,
    /// Why, in one line.
    pub reason: Option<Text>,
    /// Pods that are ready with the new revision.
    pub ready: i64,
    /// Pods that are asked for.
    pub desired: i64,
    /// The verdict.
    pub health: Health,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// When Kubernetes was last heard of.
    pub observed_at: Option<Timestamp>,
    /// Pods in trouble.
    pub trouble: Vec<PodTrouble>,
}

/// A risk an approver should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Risk {
    /// Whether it asks for care (`true`) or reassures.
    pub warns: bool,
    /// Whether it is a freeze window.
    pub frozen: bool,
    /// In one line.
    pub text: Text,
}

/// What changes if the promotion goes through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// The commits between what runs now and the release, newest first.
    pub commits: Vec<Commit>,
    /// The work items that those commits name.
    pub items: Vec<ItemLine>,
    /// How the app is set to run there, from what runs now.
    pub configuration: DiffView,
    /// The images before.
    pub images_before: Vec<Image>,
    /// The images after.
    pub images_after: Vec<Image>,
    /// The difference of the manifests, as YAML, from what runs now; all of it is added where nothing runs.
    pub manifests: DiffView,
}

/// What the reader may do with a promotion. A reason stands where they may not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is one button of the page")]
pub struct PromotionRights {
    /// Approve: the name of the rule it would count for, or why not.
    pub approve: Option<String>,
    /// Why the reader cannot approve, where they cannot.
    pub approve_refused: Option<Text>,
    /// Reject.
    pub reject: bool,
    /// Withdraw one that has not started.
    pub cancel: bool,
    /// Try a failed one again.
    pub retry: bool,
    /// Roll back: to which release.
    pub rollback: Option<ReleaseRef>,
    /// Put what goes there on hold.
    pub hold: bool,
    /// Break the glass: the shut gates that it could open; none: the reader may not, or there is nothing to open.
    pub break_glass: Vec<GateKind>,
}

/// What the promotion's and the approval's page show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromotionView {
    /// The row of it.
    pub row: PromotionRow,
    /// What approvals are given to.
    pub subject: String,
    /// What runs there now.
    pub current: Option<Deployed>,
    /// What changes.
    pub changes: Changes,
    /// What to know before saying yes.
    pub risks: Vec<Risk>,
    /// What the release's pipeline proved.
    pub evidence: Evidence,
    /// Every gate.
    pub gates: Vec<Gate>,
    /// The approval rules, and where each stands.
    pub evaluation: Evaluation,
    /// The decisions, oldest first.
    pub decisions: Vec<DecisionView>,
    /// The attempts, newest first.
    pub deployments: Vec<DeploymentView>,
    /// What the reader may do.
    pub rights: PromotionRights,
    /// The release the reader would get by a rollback of the environment.
    pub rollback_to: Option<(ReleaseId, String)>,
    /// The holds on the stop.
    pub holds: Vec<HoldView>,
    /// The breakings of glass for it, newest first.
    pub glasses: Vec<GlassView>,
    /// The drift that it settles, field by field; none where it brings a release.
    pub drift: Vec<FieldChange>,
    /// What the cluster remarked on while it took the newest attempt.
    pub warnings: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn event() -> impl Strategy<Value = PromotionEvent> {
        proptest::sample::select(PromotionEvent::ALL)
    }

    proptest! {
        #[test]
        fn nothing_leaves_an_end_but_a_retry(events in proptest::collection::vec(event(), 0..40)) {
            let mut state = PromotionState::Requested;
            for event in events {
                match state.on(event) {
                    Ok(next) => {
                        if state.is_final() {
                            prop_assert_eq!((state, event), (PromotionState::Failed, PromotionEvent::Retry));
                        }
                        state = next;
                    }
                    Err(refused) => prop_assert_eq!(refused, NoTransition { state, event }),
                }
            }
        }

        #[test]
        fn success_is_only_reached_through_open_gates_and_a_watched_rollout(
            events in proptest::collection::vec(event(), 0..40),
        ) {
            let mut state = PromotionState::Requested;
            let mut path = vec![state];
            for event in events {
                if let Ok(next) = state.on(event) {
                    state = next;
                    path.push(state);
                }
            }
            if state == PromotionState::Succeeded {
                for needed in [PromotionState::Queued, PromotionState::Deploying, PromotionState::Verifying] {
                    prop_assert!(path.contains(&needed));
                }
            }
        }

        #[test]
        fn unknown_is_never_success(event in event()) {
            prop_assert_ne!(PromotionState::Unknown.on(event), Ok(PromotionState::Succeeded));
        }
    }

    #[test]
    fn a_deployment_ends_once() {
        for end in [DeploymentState::Succeeded, DeploymentState::Failed] {
            for next in DeploymentState::ALL {
                assert_eq!(end.to(*next), Err(end));
            }
        }
        assert!(DeploymentState::Unknown.to(DeploymentState::Succeeded).is_err());
    }
}
