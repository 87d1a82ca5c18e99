//! Roles that organizations make.

use super::StoreResult;
use crate::access::may::{Modify, See};
use crate::access::{Authorized, Org};
use async_trait::async_trait;
use slipway_domain::id::{OrgId, RoleId};
use slipway_domain::role::CustomRole;
use slipway_domain::time::Timestamp;

/// A role with what a change of it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleRecord {
    /// The role.
    pub role: CustomRole,
    /// Grows with each change.
    pub version: i64,
    /// How many people, groups, open invitations and requests have it.
    pub uses: i64,
}

/// Roles that organizations make.
#[async_trait]
pub trait RoleTx: Send {
    /// Those of the organization, by name. For `portal::access` and `portal::role` alone.
    async fn custom_roles(&mut self, org: OrgId) -> StoreResult<Vec<CustomRole>>;
    /// One of the organization's.
    async fn custom_role(
        &mut self,
        org: &Authorized<Org, See>,
        id: RoleId,
    ) -> StoreResult<Option<RoleRecord>>;
    /// Keeps a new one. `Constraint("custom_roles_name_key")` where the name is taken.
    async fn insert_custom_role(
        &mut self,
        org: &Authorized<Org, Modify>,
        role: &CustomRole,
        at: Timestamp,
    ) -> StoreResult<()>;
    /// Changes name and actions of the one that has this version. `Gone` where it has another.
    async fn update_custom_role(
        &mut self,
        org: &Authorized<Org, Modify>,
        role: &CustomRole,
        version: i64,
    ) -> StoreResult<()>;
    /// Forgets it.
    async fn delete_custom_role(&mut self, org: &Authorized<Org, Modify>, id: RoleId) -> StoreResult<()>;
}
