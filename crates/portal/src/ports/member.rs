//! Members: roles as they are held at a place, by people and by groups.

use super::StoreResult;
use crate::access::may::{Modify, See};
use crate::access::{Anywhere, Authorized, Org};
use async_trait::async_trait;
use slipway_domain::group::GroupRef;
use slipway_domain::id::{BindingId, GroupId, OrgId, UserId};
use slipway_domain::member::{GroupHolding, Holder, Member};
use slipway_domain::person::PersonRef;
use slipway_domain::role::HeldRole;

/// A role held right at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldBinding {
    /// Which.
    pub id: BindingId,
    /// Who holds it.
    pub holder: Holder,
    /// Their name.
    pub name: String,
    /// The role.
    pub role: HeldRole,
}

/// Members.
#[async_trait]
pub trait MemberTx: Send {
    /// Who holds which role at the place or above it, through groups too, by name. Nobody who is switched off.
    async fn members_at(&mut self, place: &Authorized<Anywhere, See>) -> StoreResult<Vec<Member>>;
    /// Which roles groups hold at the place or above it, by name.
    async fn groups_at(&mut self, place: &Authorized<Anywhere, See>) -> StoreResult<Vec<GroupHolding>>;
    /// The people of the organization, by name: who holds a role somewhere in it, or is in one of its groups.
    async fn people_of_org(&mut self, org: &Authorized<Org, See>) -> StoreResult<Vec<PersonRef>>;
    /// One of [`people_of_org`](Self::people_of_org), by name for signing in; also somebody who is switched off.
    async fn person_of_org(
        &mut self,
        org: &Authorized<Org, See>,
        username: &str,
    ) -> StoreResult<Option<PersonRef>>;
    /// Whether the person holds a role in an app of the project.
    async fn has_app_inside(&mut self, place: &Authorized<Anywhere, See>, user: UserId) -> StoreResult<bool>;
    /// The role held right at the place under that id.
    async fn binding(
        &mut self,
        place: &Authorized<Anywhere, Modify>,
        id: BindingId,
    ) -> StoreResult<Option<HeldBinding>>;
    /// Takes a role away that is held right at the place.
    async fn delete_binding(
        &mut self,
        place: &Authorized<Anywhere, Modify>,
        id: BindingId,
    ) -> StoreResult<()>;
    /// The roles that the person holds themselves at the place and below it.
    async fn roles_within(
        &mut self,
        place: &Authorized<Anywhere, Modify>,
        user: UserId,
    ) -> StoreResult<Vec<HeldRole>>;
    /// Takes them all away; how many there were.
    async fn delete_roles_within(
        &mut self,
        place: &Authorized<Anywhere, Modify>,
        user: UserId,
    ) -> StoreResult<u64>;
    /// The groups of the organization that the person is in.
    async fn groups_of(&mut self, org: OrgId, user: UserId) -> StoreResult<Vec<GroupRef>>;
    /// The roles that the group holds anywhere.
    async fn roles_of_group(&mut self, org: OrgId, group: GroupId) -> StoreResult<Vec<HeldRole>>;
    /// Locks the organization until the transaction ends, so that nobody else changes its owners meanwhile.
    async fn lock_org(&mut self, org: OrgId) -> StoreResult<()>;
    /// How many people own the organization, through groups too. Nobody who is switched off.
    async fn owners(&mut self, org: OrgId) -> StoreResult<i64>;
    /// The organizations that the person is in.
    async fn orgs_of(&mut self, user: UserId) -> StoreResult<Vec<OrgId>>;
}
