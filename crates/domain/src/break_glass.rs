//! Breaking glass: opening gates that are shut, in an emergency, in front of everybody.

use crate::environment::Tier;
use crate::gate::GateKind;
use crate::id::{BreakGlassId, UserId};
use crate::person::PersonRef;
use crate::text::Text;
use crate::time::{HOUR, Timestamp};
use serde::{Deserialize, Serialize};

/// How long it holds, in µs: from when it took effect.
pub const LASTS: i64 = HOUR;

/// What somebody said who looked at it afterwards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// Who.
    pub by: PersonRef,
    /// When.
    pub at: Timestamp,
    /// What they found.
    pub words: String,
}

/// One breaking of glass: for one promotion and one start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakGlass {
    /// Which.
    pub id: BreakGlassId,
    /// Who.
    pub by: PersonRef,
    /// Why.
    pub reason: String,
    /// The incident: an `https://` address.
    pub incident: String,
    /// The gates that it opens, and no others.
    pub gates: Vec<GateKind>,
    /// When it was asked for.
    pub at: Timestamp,
    /// The second person, where they have agreed.
    pub second: Option<(PersonRef, Timestamp)>,
    /// When it was used up by a start.
    pub used_at: Option<Timestamp>,
    /// Who looked at it afterwards.
    pub review: Option<Review>,
}

/// Where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GlassState {
    /// A second person is asked for.
    NeedsSecond,
    /// It opens its gates.
    Open,
    /// It was used for the one start that it was for.
    Used,
    /// Its hour is over.
    Over,
}

impl BreakGlass {
    /// Whether environments of the tier take a second person.
    pub const fn needs_second(tier: Tier) -> bool {
        matches!(tier, Tier::Production)
    }

    /// When its hour is over.
    pub fn until(&self) -> Timestamp {
        self.second.as_ref().map_or(self.at, |(_, at)| *at).plus(LASTS)
    }

    /// Where it stands.
    pub fn state(&self, tier: Tier, now: Timestamp) -> GlassState {
        if self.used_at.is_some() {
            GlassState::Used
        } else if self.until() <= now {
            GlassState::Over
        } else if Self::needs_second(tier) && self.second.is_none() {
            GlassState::NeedsSecond
        } else {
            GlassState::Open
        }
    }

    /// Whether it opens the gate now.
    pub fn opens(&self, gate: GateKind, tier: Tier, now: Timestamp) -> bool {
        self.state(tier, now) == GlassState::Open && self.gates.contains(&gate) && gate.can_be_broken()
    }

    /// Why the person cannot be the second one; `None`: they can, where they may break glass.
    pub fn not_second(&self, user: UserId) -> Option<Text> {
        (self.by.id == user).then(|| {
            Text::new(
                "You broke the glass, so the second person must be somebody else.",
                "你是发起人，须由另一人确认。",
            )
        })
    }
}

/// A breaking of glass as pages show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GlassView {
    /// It.
    pub glass: BreakGlass,
    /// Where it stands.
    pub state: GlassState,
    /// Whether the reader can be the second person.
    pub may_second: bool,
    /// Whether the reader can review it.
    pub may_review: bool,
}
