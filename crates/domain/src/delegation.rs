//! Delegations: somebody approves in another's place, for a time.

use crate::environment::EnvironmentRef;
use crate::id::{DelegationId, EnvironmentId};
use crate::person::PersonRef;
use crate::project::Place;
use crate::text::Text;
use crate::time::{DAY, Timestamp};
use serde::{Deserialize, Serialize};

/// The longest that one lasts, in µs.
pub const LONGEST: i64 = 90 * DAY;

/// One person's approvals in a project (or one environment of it), given to another for a time. It is never passed on: it
/// reaches only what the person who gave it may approve by themselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delegation {
    /// Which.
    pub id: DelegationId,
    /// In whose place.
    pub from: PersonRef,
    /// Who acts.
    pub to: PersonRef,
    /// Where to alone; `None`: every environment of the project.
    pub environment: Option<EnvironmentId>,
    /// From then on.
    pub starts_at: Timestamp,
    /// Until then.
    pub ends_at: Timestamp,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
    /// Why.
    pub reason: String,
}

impl Delegation {
    /// What is wrong with it; `None`: it can be given.
    pub fn wrong(&self, now: Timestamp) -> Option<(&'static str, Text)> {
        if self.from.id == self.to.id {
            return Some((
                "to",
                Text::new("choose somebody else than yourself", "请选择他人"),
            ));
        }
        if self.ends_at <= self.starts_at || self.ends_at <= now {
            return Some((
                "ends_at",
                Text::new(
                    "it must end after it starts, and not in the past",
                    "结束时间须晚于开始时间，且不能早于现在",
                ),
            ));
        }
        (self.ends_at.since(self.starts_at) > LONGEST)
            .then(|| ("ends_at", Text::new("90 days at the most", "最长 90 天")))
    }

    /// Whether what was done by it at `at` stands: it was open then, and nobody has taken it back since.
    pub fn covers(&self, at: Timestamp) -> bool {
        self.revoked_at.is_none() && self.starts_at <= at && at < self.ends_at
    }
}

/// A delegation as its page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DelegationView {
    /// It.
    pub delegation: Delegation,
    /// The project.
    pub place: Place,
    /// Where to alone.
    pub environment: Option<EnvironmentRef>,
    /// Whether it holds now.
    pub open: bool,
    /// Whether the reader gave it, and so can take it back.
    pub mine: bool,
}
