//! Invitations, and requests for roles.

use super::StoreResult;
use crate::access::may::{Modify, See};
use crate::access::{AnyScope, Anywhere, Authorized};
use async_trait::async_trait;
use slipway_domain::id::{InvitationId, RoleRequestId, UserId};
use slipway_domain::invitation::{Invitation, InvitationTimes};
use slipway_domain::person::PersonRef;
use slipway_domain::role::HeldRole;
use slipway_domain::time::Timestamp;

/// An invitation as whoever has its token finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvitationRecord {
    /// Which.
    pub id: InvitationId,
    /// Where it leads.
    pub scope: AnyScope,
    /// The role it gives; `None`: it is no more.
    pub role: Option<HeldRole>,
    /// Who made it.
    pub by: PersonRef,
    /// What decides whether it can be used.
    pub times: InvitationTimes,
}

/// A request that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestRecord {
    /// Which.
    pub id: RoleRequestId,
    /// Who asks.
    pub person: PersonRef,
    /// For what.
    pub role: HeldRole,
    /// Why.
    pub reason: String,
    /// When.
    pub created_at: Timestamp,
}

/// Invitations and requests.
#[async_trait]
pub trait InvitationTx: Send {
    /// Keeps an invitation to the place under the SHA-256 of its token, in hex.
    async fn insert_invitation(
        &mut self,
        place: &Authorized<Anywhere, Modify>,
        invitation: &Invitation,
        token_hash: &str,
    ) -> StoreResult<()>;
    /// Notes that the mail server took the link of an invitation to the place.
    async fn invitation_mailed(
        &mut self,
        place: &Authorized<Anywhere, Modify>,
        id: InvitationId,
        at: Timestamp,
    ) -> StoreResult<()>;
    /// The invitations to the place that are open at `now`, newest first.
    async fn open_invitations(
        &mut self,
        place: &Authorized<Anywhere, Modify>,
        now: Timestamp,
    ) -> StoreResult<Vec<Invitation>>;
    /// The invitation of that token's hash, whatever became of it. Whoever has the token may look.
    async fn invitation_by_hash(&mut self, token_hash: &str) -> StoreResult<Option<InvitationRecord>>;
    /// Uses an open invitation up. `Gone` where it is not open any more: two at once, and one wins.
    async fn accept_invitation(&mut self, id: InvitationId, user: UserId, at: Timestamp) -> StoreResult<()>;
    /// Takes an open invitation back. `Gone` where there is none.
    async fn revoke_invitation(
        &mut self,
        place: &Authorized<Anywhere, Modify>,
        id: InvitationId,
        at: Timestamp,
    ) -> StoreResult<()>;
    /// Keeps a request. `Constraint("role_requests_once")` where the same one waits.
    async fn insert_role_request(
        &mut self,
        place: &Authorized<Anywhere, See>,
        request: &RequestRecord,
    ) -> StoreResult<()>;
    /// The requests for roles at the place that wait, oldest first.
    async fn role_requests(&mut self, place: &Authorized<Anywhere, See>) -> StoreResult<Vec<RequestRecord>>;
    /// Ends a request that waits. `Gone` where it does not wait any more.
    async fn decide_role_request(
        &mut self,
        place: &Authorized<Anywhere, See>,
        id: RoleRequestId,
        by: UserId,
        granted: bool,
        at: Timestamp,
    ) -> StoreResult<()>;
}
