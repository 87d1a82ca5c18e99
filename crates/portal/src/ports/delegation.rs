//! Delegations of approvals.

use super::StoreResult;
use crate::access::Authorized;
use crate::access::Project;
use crate::access::may::See;
use async_trait::async_trait;
use slipway_domain::delegation::Delegation;
use slipway_domain::id::{DelegationId, ProjectId, UserId};
use slipway_domain::time::Timestamp;

/// Delegations of approvals.
#[async_trait]
pub trait DelegationTx: Send {
    /// Writes a delegation in the project down: of the person who gives it.
    async fn insert_delegation(
        &mut self,
        project: &Authorized<Project, See>,
        delegation: &Delegation,
        now: Timestamp,
    ) -> StoreResult<()>;
    /// Takes one back that `from` gave; `Gone` where there is none that is not taken back.
    async fn revoke_delegation(&mut self, id: DelegationId, from: UserId, at: Timestamp) -> StoreResult<()>;
    /// Those in the project that were not over at `since`, oldest first; those that were taken back too.
    async fn delegations(
        &mut self,
        project: &Authorized<Project, See>,
        since: Timestamp,
    ) -> StoreResult<Vec<Delegation>>;
    /// Those that the person gave or got and that are not over, with their projects.
    async fn delegations_of(
        &mut self,
        user: UserId,
        now: Timestamp,
    ) -> StoreResult<Vec<(ProjectId, Delegation)>>;
}
