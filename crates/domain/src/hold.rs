//! Holds: somebody pauses what goes to a stop, without anybody losing their approvals.

use crate::environment::EnvironmentRef;
use crate::id::{HoldId, UserId};
use crate::person::PersonRef;
use crate::promotion::PromotionKind;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What a hold pauses. Rollbacks go on under any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Held {
    /// Every promotion.
    All,
    /// What branch rules send: after a rollback, so that it is not undone by the next green pipeline.
    Automatic,
}

impl Held {
    /// Both.
    pub const ALL: [Self; 2] = [Self::All, Self::Automatic];

    /// The stored key.
    pub const fn key(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Automatic => "automatic",
        }
    }

    /// Reads the stored key.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|h| h.key() == key)
    }

    /// Whether a promotion of that kind is paused.
    pub const fn pauses(self, kind: PromotionKind) -> bool {
        match (self, kind) {
            (Self::All, PromotionKind::Promotion | PromotionKind::Revert | PromotionKind::Adopt)
            | (_, PromotionKind::Automatic) => true,
            (_, PromotionKind::Rollback)
            | (Self::Automatic, PromotionKind::Promotion | PromotionKind::Revert | PromotionKind::Adopt) => {
                false
            }
        }
    }
}

/// A hold on what goes to one environment of an app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Which.
    pub id: HoldId,
    /// What it pauses.
    pub held: Held,
    /// Whose it is: they, or an owner of the project, lift it.
    pub owner: PersonRef,
    /// Why.
    pub reason: String,
    /// Since when.
    pub at: Timestamp,
}

impl Hold {
    /// Whether the person may lift it: its owner, and whoever owns the project.
    pub fn may_lift(&self, user: UserId, owns_project: bool) -> bool {
        self.owner.id == user || owns_project
    }
}

/// A hold as pages show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldView {
    /// The hold.
    pub hold: Hold,
    /// Where to.
    pub environment: EnvironmentRef,
    /// Whether the reader may lift it.
    pub may_lift: bool,
}
