//! Groups of people.

use super::StoreResult;
use crate::access::may::{Modify, See};
use crate::access::{Authorized, Org};
use async_trait::async_trait;
use slipway_domain::group::{GroupRef, GroupRow};
use slipway_domain::id::{AppId, BindingId, GroupId, OrgId, ProjectId, UserId};
use slipway_domain::person::PersonRef;
use slipway_domain::role::HeldRole;
use slipway_domain::time::Timestamp;

/// A role that a group holds, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupBinding {
    /// The binding.
    pub id: BindingId,
    /// The project; `None`: held at the organization.
    pub project: Option<ProjectId>,
    /// The app; `None`: held at the project or above.
    pub app: Option<AppId>,
    /// The role.
    pub role: HeldRole,
}

/// Groups.
#[async_trait]
pub trait GroupTx: Send {
    /// The groups of the organization, by name.
    async fn groups(&mut self, org: &Authorized<Org, See>) -> StoreResult<Vec<GroupRow>>;
    /// One of them.
    async fn group(&mut self, org: &Authorized<Org, See>, id: GroupId) -> StoreResult<Option<GroupRow>>;
    /// Who is in it, by name.
    async fn group_members(&mut self, org: &Authorized<Org, See>, id: GroupId)
    -> StoreResult<Vec<PersonRef>>;
    /// Those in it whom only a claim put there.
    async fn claimed_members(&mut self, org: &Authorized<Org, See>, id: GroupId) -> StoreResult<Vec<UserId>>;
    /// The roles it holds, from the top down. For `portal::group` alone.
    async fn group_bindings(&mut self, org: OrgId, id: GroupId) -> StoreResult<Vec<GroupBinding>>;
    /// Makes one. `Constraint("groups_name_key")` where the name is taken.
    async fn insert_group(
        &mut self,
        org: &Authorized<Org, Modify>,
        group: &GroupRef,
        at: Timestamp,
    ) -> StoreResult<()>;
    /// Changes its name and the provider's group that fills it.
    async fn update_group(
        &mut self,
        org: &Authorized<Org, Modify>,
        group: &GroupRef,
        claim: Option<&str>,
    ) -> StoreResult<()>;
    /// Forgets it, who was in it and the roles it held.
    async fn delete_group(&mut self, org: &Authorized<Org, Modify>, id: GroupId) -> StoreResult<()>;
    /// Puts somebody in; who is in already stays.
    async fn insert_group_member(
        &mut self,
        org: &Authorized<Org, Modify>,
        id: GroupId,
        user: UserId,
    ) -> StoreResult<()>;
    /// Takes somebody out; whether they were in.
    async fn delete_group_member(
        &mut self,
        org: &Authorized<Org, Modify>,
        id: GroupId,
        user: UserId,
    ) -> StoreResult<bool>;
}
