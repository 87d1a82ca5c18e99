//! Places and roles, as `portal::access` looks them up. Nothing else calls the `find_*` methods.

use super::StoreResult;
use crate::access::may::See;
use crate::access::{App, AppScope, Authorized, OrgScope, ProjectScope};
use async_trait::async_trait;
use slipway_domain::access::{Action, Role};
use slipway_domain::id::{AppId, BindingId, OrgId, ProjectId, UserId};
use slipway_domain::member::{Holder, Member};
use slipway_domain::person::PersonRef;
use slipway_domain::role::HeldRole;
use slipway_domain::time::Timestamp;
use std::collections::BTreeMap;

/// A role that somebody holds, by themselves or through a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The organization of the place.
    pub org: OrgId,
    /// The project; `None`: held at the organization.
    pub project: Option<ProjectId>,
    /// The app; `None`: held at the project or above.
    pub app: Option<AppId>,
    /// The role.
    pub role: HeldRole,
}

impl Binding {
    /// Whether it makes its holder an owner of the organization.
    pub fn is_org_owner(&self) -> bool {
        self.project.is_none() && self.app.is_none() && self.role.is(Role::OrgOwner)
    }
}

/// A role to be given.
#[derive(Clone, Debug)]
pub struct NewBinding {
    /// Its id.
    pub id: BindingId,
    /// Where and what.
    pub binding: Binding,
    /// To whom.
    pub holder: Holder,
    /// When.
    pub at: Timestamp,
}

/// Places and roles.
#[async_trait]
pub trait AccessTx: Send {
    /// Every role the person holds, their groups' included, by one query. An account that is switched off holds
    /// none.
    async fn role_bindings_of(&mut self, user: UserId) -> StoreResult<Vec<Binding>>;
    /// Gives a role; giving it again changes nothing.
    async fn insert_binding(&mut self, binding: &NewBinding) -> StoreResult<()>;
    /// The organization of that slug, or the one that had it before it was renamed.
    async fn find_org(&mut self, slug: &str) -> StoreResult<Option<OrgScope>>;
    /// The project of those slugs, now or before a renaming.
    async fn find_project(&mut self, org: &str, project: &str) -> StoreResult<Option<ProjectScope>>;
    /// The project of that id.
    async fn find_project_by_id(&mut self, project: ProjectId) -> StoreResult<Option<ProjectScope>>;
    /// The app of those slugs, now or before a renaming.
    async fn find_app(&mut self, org: &str, project: &str, app: &str) -> StoreResult<Option<AppScope>>;
    /// The app of that id.
    async fn find_app_by_id(&mut self, app: AppId) -> StoreResult<Option<AppScope>>;
    /// Who can grant roles at a project (or at the organization, without one): for refusals.
    async fn granters(
        &mut self,
        org: OrgId,
        project: Option<ProjectId>,
        action: Action,
    ) -> StoreResult<Vec<String>>;
    /// Who holds which role in the project or above it, through groups too, by name.
    async fn members(&mut self, org: OrgId, project: Option<ProjectId>) -> StoreResult<Vec<Member>>;
    /// Active people who own the app, its project or its organization, by themselves or through a group.
    async fn owners_of(&mut self, app: &Authorized<App, See>) -> StoreResult<Vec<UserId>>;
    /// Active people who hold the role of that key in the project or above it, by themselves or through a group.
    async fn holders(
        &mut self,
        org: OrgId,
        project: ProjectId,
        role: &str,
    ) -> StoreResult<BTreeMap<UserId, PersonRef>>;
}
