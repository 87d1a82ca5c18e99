//! Ways to a role: invitations for those who are not here yet, and requests of those who are.

use crate::id::{InvitationId, RoleRequestId};
use crate::person::PersonRef;
use crate::project::Place;
use crate::role::HeldRole;
use crate::text::Text;
use crate::time::{DAY, Timestamp};
use serde::{Deserialize, Serialize};

/// The longest time an invitation holds, in days.
pub const DAYS_MAX: i64 = 30;

/// The longest note of an invitation, reason or comment of a request, in characters.
pub const WORDS_MAX: usize = 500;

/// Whether an invitation can still be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvitationState {
    /// It waits for whoever has its link.
    Open,
    /// Somebody used it.
    Accepted,
    /// Somebody took it back.
    Revoked,
    /// Nobody used it in time.
    Expired,
}

/// The instants that decide what an invitation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationTimes {
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was used.
    pub accepted_at: Option<Timestamp>,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
}

impl InvitationTimes {
    /// What the invitation is at `now`.
    pub fn state(self, now: Timestamp) -> InvitationState {
        if self.accepted_at.is_some() {
            InvitationState::Accepted
        } else if self.revoked_at.is_some() {
            InvitationState::Revoked
        } else if self.expires_at <= now {
            InvitationState::Expired
        } else {
            InvitationState::Open
        }
    }
}

impl InvitationState {
    /// Why it cannot be used, and what to do; `None`: it can.
    pub fn refusal(self) -> Option<(&'static str, Text)> {
        match self {
            Self::Open => None,
            Self::Accepted => Some((
                "invitation_used",
                Text::new(
                    "This invitation has been used. Each link works once: ask for a new one.",
                    "该邀请已被使用。每个链接只能使用一次，请索取新的邀请。",
                ),
            )),
            Self::Revoked => Some((
                "invitation_revoked",
                Text::new(
                    "This invitation was taken back. Ask whoever sent it.",
                    "该邀请已被撤回，请联系邀请人。",
                ),
            )),
            Self::Expired => Some((
                "invitation_expired",
                Text::new(
                    "This invitation has expired. Ask for a new one.",
                    "该邀请已过期，请索取新的邀请。",
                ),
            )),
        }
    }
}

/// How long an invitation of `days` holds, in µs; `None`: not a length it can have.
pub fn lifetime(days: i64) -> Option<i64> {
    (1..=DAYS_MAX).contains(&days).then(|| days * DAY)
}

/// An invitation as those see it who manage the place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// Which.
    pub id: InvitationId,
    /// The role it gives.
    pub role: HeldRole,
    /// Whom it is meant for, in the words of whoever made it.
    pub note: String,
    /// Who made it.
    pub by: PersonRef,
    /// When.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The address that its link was to be mailed to.
    pub email: Option<String>,
    /// When the mail server took it; `None` beside an address: it did not.
    pub mailed_at: Option<Timestamp>,
}

/// An invitation that was just made: nobody can look its link up afterwards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FreshInvitation {
    /// The link. Whoever has it can use it, once.
    pub link: String,
    /// What became of the mail; `None`: none was asked for.
    pub mail: Option<InvitationMail>,
}

/// What became of the mail of an invitation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationMail {
    /// Where to.
    pub to: String,
    /// Why it was not sent, and what to do; `None`: the mail server took it.
    pub trouble: Option<Text>,
}

/// What whoever has the link sees before they accept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationView {
    /// Where it leads.
    pub place: Place,
    /// The role it gives.
    pub role: HeldRole,
    /// Who made it.
    pub by: PersonRef,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Who is signed in; `None`: an account can be made.
    pub reader: Option<PersonRef>,
}

/// Somebody's request for a role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleRequest {
    /// Which.
    pub id: RoleRequestId,
    /// Who asks.
    pub person: PersonRef,
    /// For which role.
    pub role: HeldRole,
    /// Why.
    pub reason: String,
    /// When.
    pub created_at: Timestamp,
    /// Whether the reader may decide it.
    pub may_decide: bool,
    /// Whether it is the reader's own.
    pub own: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_invitation_is_open_only_while_nothing_has_ended_it(
            ends in 0i64..100, used in proptest::option::of(0i64..100), taken in proptest::option::of(0i64..100), now in 0i64..100,
        ) {
            let times = InvitationTimes {
                expires_at: Timestamp(ends),
                accepted_at: used.map(Timestamp),
                revoked_at: taken.map(Timestamp),
            };
            let open = times.state(Timestamp(now)) == InvitationState::Open;
            prop_assert_eq!(open, used.is_none() && taken.is_none() && now < ends);
            prop_assert_eq!(open, times.state(Timestamp(now)).refusal().is_none());
        }
    }

    #[test]
    fn an_invitation_holds_a_day_to_a_month() {
        assert_eq!((lifetime(0), lifetime(31)), (None, None));
        assert_eq!(lifetime(7), Some(7 * DAY));
    }
}
