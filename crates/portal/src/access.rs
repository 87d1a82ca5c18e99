//! Looking up is authorizing.
//!
//! A store method that touches a tenant's row takes an [`Authorized`] of the place, and only this module
//! can make one. What the actor may not see answers [`Error::NotFound`]; what they see but may not do
//! answers [`Error::Forbidden`] with the roles that would allow it and who can grant them.

use crate::context::OpCtx;
use crate::error::{Denial, Error, Result};
use crate::ports::Binding;
use slipway_domain::access::{Action, ActionSet, Role, ScopeKind};
use slipway_domain::app::AppRef;
use slipway_domain::id::{AppId, OrgId, ProjectId};
use slipway_domain::org::OrgRef;
use slipway_domain::project::{Place, ProjectRef};
use slipway_domain::role::Granter;
use std::collections::{HashMap, HashSet};
use std::marker::PhantomData;

pub mod may;
pub mod sight;

use may::{Modify, Permission, See};

/// A kind of place.
pub trait Resource: Send + Sync + 'static {
    /// What is known of the place once it is looked up.
    type Scope: Clone + Send + Sync;
}

/// An organization, as a kind of place.
#[derive(Clone, Copy, Debug)]
pub struct Org;
/// A project, as a kind of place.
#[derive(Clone, Copy, Debug)]
pub struct Project;
/// An app, as a kind of place.
#[derive(Clone, Copy, Debug)]
pub struct App;

/// A place of any kind: where roles are held.
#[derive(Clone, Copy, Debug)]
pub struct Anywhere;

/// The names of a place of any kind, as they stand in its address.
#[derive(Clone, Copy, Debug)]
pub struct At<'a> {
    /// The organization.
    pub org: &'a str,
    /// The project; `None`: the organization itself.
    pub project: Option<&'a str>,
    /// The app; `None`: the project itself.
    pub app: Option<&'a str>,
}

impl<'a> At<'a> {
    /// The place of those names; an empty name is none.
    pub fn new(org: &'a str, project: Option<&'a str>, app: Option<&'a str>) -> Self {
        let named = |name: Option<&'a str>| name.filter(|name| !name.is_empty());
        Self {
            org,
            project: named(project),
            app: named(project).and(named(app)),
        }
    }
}

/// A looked-up place of any kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnyScope {
    /// The organization.
    pub org: OrgRef,
    /// The project.
    pub project: Option<ProjectRef>,
    /// The app.
    pub app: Option<AppRef>,
    /// Whether it is in a project that all members of the organization see.
    pub internal: bool,
}

impl AnyScope {
    /// Where that is.
    pub fn place(&self) -> Place {
        Place {
            org: self.org.clone(),
            project: self.project.clone(),
            app: self.app.clone(),
        }
    }

    /// What kind of place it is.
    pub const fn kind(&self) -> ScopeKind {
        match (&self.project, &self.app) {
            (None, _) => ScopeKind::Org,
            (Some(_), None) => ScopeKind::Project,
            (Some(_), Some(_)) => ScopeKind::App,
        }
    }
}

impl From<OrgScope> for AnyScope {
    fn from(scope: OrgScope) -> Self {
        Self {
            org: scope.org,
            project: None,
            app: None,
            internal: false,
        }
    }
}

impl From<ProjectScope> for AnyScope {
    fn from(scope: ProjectScope) -> Self {
        Self {
            org: scope.org,
            project: Some(scope.project),
            app: None,
            internal: scope.internal,
        }
    }
}

impl From<AppScope> for AnyScope {
    fn from(scope: AppScope) -> Self {
        Self {
            app: Some(scope.app),
            ..scope.within.into()
        }
    }
}

/// A looked-up organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrgScope {
    /// Which.
    pub org: OrgRef,
}

/// A looked-up project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectScope {
    /// The organization it is in.
    pub org: OrgRef,
    /// Which.
    pub project: ProjectRef,
    /// Whether all members of the organization see it.
    pub internal: bool,
}

/// A looked-up app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppScope {
    /// The project it is in.
    pub within: ProjectScope,
    /// Which.
    pub app: AppRef,
}

impl OrgScope {
    /// Where that is.
    pub fn place(&self) -> Place {
        Place {
            org: self.org.clone(),
            project: None,
            app: None,
        }
    }
}

impl ProjectScope {
    /// Where that is.
    pub fn place(&self) -> Place {
        Place {
            org: self.org.clone(),
            project: Some(self.project.clone()),
            app: None,
        }
    }
}

impl AppScope {
    /// Where that is.
    pub fn place(&self) -> Place {
        Place {
            org: self.within.org.clone(),
            project: Some(self.within.project.clone()),
            app: Some(self.app.clone()),
        }
    }
}

impl Resource for Org {
    type Scope = OrgScope;
}
impl Resource for Project {
    type Scope = ProjectScope;
}
impl Resource for App {
    type Scope = AppScope;
}
impl Resource for Anywhere {
    type Scope = AnyScope;
}

/// Proof that the actor may do `P` at a place of kind `R`. Derefs to what is known of the place.
pub struct Authorized<R: Resource, P> {
    scope: R::Scope,
    permission: PhantomData<P>,
}

impl<R: Resource, P> Clone for Authorized<R, P> {
    fn clone(&self) -> Self {
        Self {
            scope: self.scope.clone(),
            permission: PhantomData,
        }
    }
}

impl<R: Resource, P> std::ops::Deref for Authorized<R, P> {
    type Target = R::Scope;
    fn deref(&self) -> &R::Scope {
        &self.scope
    }
}

impl<R: Resource, P> Authorized<R, P> {
    const fn new(scope: R::Scope) -> Self {
        Self {
            scope,
            permission: PhantomData,
        }
    }
}

impl<R: Resource, P: Permission> Authorized<R, P> {
    /// Whoever may do anything may see.
    pub fn see(&self) -> Authorized<R, See> {
        Authorized::new(self.scope.clone())
    }

    /// The proof as store methods that write ask for it.
    ///
    /// # Errors
    /// Does not compile for a permission that only reads.
    pub fn modify(&self) -> Authorized<R, Modify> {
        const { assert!(P::ACTION.changes(), "a permission that only reads cannot modify") };
        Authorized::new(self.scope.clone())
    }
}

impl<R: Resource> Authorized<R, Modify> {
    /// What is known of the place, for rules that need no proof.
    pub fn scope(&self) -> &R::Scope {
        &self.scope
    }

    /// Whoever may change may see.
    pub fn see(&self) -> Authorized<R, See> {
        Authorized::new(self.scope.clone())
    }
}

impl<P> Authorized<App, P> {
    /// The app's id.
    pub fn id(&self) -> AppId {
        self.scope.app.id
    }

    /// The project's id.
    pub fn project_id(&self) -> ProjectId {
        self.scope.within.project.id
    }

    /// The organization's id.
    pub fn org_id(&self) -> OrgId {
        self.scope.within.org.id
    }
}

impl<P> Authorized<Project, P> {
    /// The project's id.
    pub fn id(&self) -> ProjectId {
        self.scope.project.id
    }

    /// The organization's id.
    pub fn org_id(&self) -> OrgId {
        self.scope.org.id
    }
}

impl<P> Authorized<Org, P> {
    /// The organization's id.
    pub fn id(&self) -> OrgId {
        self.scope.org.id
    }
}

impl<P> Authorized<Anywhere, P> {
    /// The organization's id.
    pub fn org_id(&self) -> OrgId {
        self.scope.org.id
    }

    /// The project's id.
    pub fn project_id(&self) -> Option<ProjectId> {
        self.scope.project.as_ref().map(|p| p.id)
    }

    /// The app's id.
    pub fn app_id(&self) -> Option<AppId> {
        self.scope.app.as_ref().map(|a| a.id)
    }

    /// The organization it is in: its people and roles are known to whoever sees a place in it.
    pub fn org_of(&self) -> Authorized<Org, See> {
        Authorized::new(OrgScope {
            org: self.scope.org.clone(),
        })
    }
}

/// What an actor may do where.
#[derive(Clone, Debug, Default)]
pub struct Rights {
    everything: bool,
    orgs: HashMap<OrgId, (ActionSet, ActionSet)>,
    projects: HashMap<ProjectId, ActionSet>,
    apps: HashMap<AppId, ActionSet>,
    projects_of_apps: HashSet<ProjectId>,
    owned: HashSet<OrgId>,
}

impl Rights {
    /// Slipway's own.
    pub(crate) fn system() -> Self {
        Self {
            everything: true,
            ..Self::default()
        }
    }

    /// The union of what the roles give.
    pub fn of(bindings: Vec<Binding>) -> Self {
        let mut rights = Self::default();
        for Binding {
            org,
            project,
            app,
            role,
        } in bindings
        {
            let (at_org, below) = rights.orgs.entry(org).or_default();
            match (project, app) {
                (None, _) => {
                    if role.is(Role::OrgOwner) {
                        rights.owned.insert(org);
                    }
                    *at_org = at_org.union(role.actions());
                    if role.inherits_below() {
                        *below = below.union(role.actions());
                    }
                }
                (Some(project), None) => {
                    *at_org = at_org.union(ActionSet::of(&[Action::See]));
                    let held = rights.projects.entry(project).or_default();
                    *held = held.union(role.actions());
                }
                (Some(project), Some(app)) => {
                    *at_org = at_org.union(ActionSet::of(&[Action::See]));
                    rights.projects_of_apps.insert(project);
                    let held = rights.apps.entry(app).or_default();
                    *held = held.union(role.actions());
                }
            }
        }
        rights
    }

    /// What the actor may do at the organization itself.
    pub fn at_org(&self, org: OrgId) -> ActionSet {
        if self.everything {
            return ActionSet::all();
        }
        self.orgs.get(&org).map_or(ActionSet::EMPTY, |(here, _)| *here)
    }

    /// What the actor may do in the project.
    pub fn in_project(&self, project: &ProjectScope) -> ActionSet {
        self.in_project_of(project.org.id, project.project.id, project.internal)
    }

    /// What the actor may do in the project of that id.
    pub fn in_project_of(&self, org: OrgId, project: ProjectId, internal: bool) -> ActionSet {
        if self.everything {
            return ActionSet::all();
        }
        let Some((_, below)) = self.orgs.get(&org) else {
            return ActionSet::EMPTY;
        };
        let mut actions = below.union(self.projects.get(&project).copied().unwrap_or_default());
        if internal || self.projects_of_apps.contains(&project) {
            actions = actions.union(ActionSet::of(&[Action::See]));
        }
        actions
    }

    /// What the actor may do with the app. A role in one app of a project does not show the others.
    pub fn in_app(&self, app: &AppScope) -> ActionSet {
        self.in_app_of(&app.within, app.app.id)
    }

    /// What the actor may do with the app of that id in `project`.
    pub fn in_app_of(&self, project: &ProjectScope, app: AppId) -> ActionSet {
        if self.everything {
            return ActionSet::all();
        }
        let Some((_, below)) = self.orgs.get(&project.org.id) else {
            return ActionSet::EMPTY;
        };
        let mut actions = below
            .union(
                self.projects
                    .get(&project.project.id)
                    .copied()
                    .unwrap_or_default(),
            )
            .union(self.apps.get(&app).copied().unwrap_or_default());
        if project.internal {
            actions = actions.union(ActionSet::of(&[Action::See]));
        }
        actions
    }

    /// What the actor may do at a place of any kind.
    pub fn at(&self, place: &AnyScope) -> ActionSet {
        let Some(project) = &place.project else {
            return self.at_org(place.org.id);
        };
        let within = ProjectScope {
            org: place.org.clone(),
            project: project.clone(),
            internal: place.internal,
        };
        match &place.app {
            None => self.in_project(&within),
            Some(app) => self.in_app_of(&within, app.id),
        }
    }

    /// What decides which roles the actor may give and take at the place.
    pub fn granter(&self, place: &AnyScope) -> Granter {
        Granter {
            owner: self.everything || self.owned.contains(&place.org.id),
            at_org: self.at_org(place.org.id),
            here: self.at(place),
        }
    }

    /// The organizations the actor is in.
    pub fn orgs(&self) -> impl Iterator<Item = OrgId> + '_ {
        self.orgs.keys().copied()
    }
}

async fn deny(ctx: &OpCtx, org: OrgId, project: Option<ProjectId>, action: Action) -> Error {
    let (granters, made) = match ctx.read().await {
        Ok(mut tx) => (
            tx.granters(org, project, action).await.unwrap_or_default(),
            tx.custom_roles(org).await.unwrap_or_default(),
        ),
        Err(_) => (Vec::new(), Vec::new()),
    };
    let custom = made.into_iter().filter(|role| role.actions.has(action));
    Error::Forbidden(Box::new(Denial {
        action,
        roles: Role::granting(action).collect(),
        custom: custom.map(|role| role.name).collect(),
        granters,
    }))
}

async fn check(
    ctx: &OpCtx,
    held: ActionSet,
    action: Action,
    org: OrgId,
    project: Option<ProjectId>,
) -> Result<()> {
    if !held.has(Action::See) {
        return Err(Error::NotFound);
    }
    if !held.has(action) {
        return Err(deny(ctx, org, project, action).await);
    }
    Ok(())
}

/// The organization of that slug, if the actor may do `P` there.
///
/// # Errors
/// [`Error::Unauthenticated`], [`Error::NotFound`], [`Error::Forbidden`], or the database does not answer.
pub async fn org<P: Permission>(ctx: &OpCtx, slug: &str) -> Result<Authorized<Org, P>> {
    let rights = ctx.rights().await?;
    let scope = ctx.read().await?.find_org(slug).await?.ok_or(Error::NotFound)?;
    check(ctx, rights.at_org(scope.org.id), P::ACTION, scope.org.id, None).await?;
    Ok(Authorized::new(scope))
}

/// The project of those slugs, if the actor may do `P` there.
///
/// # Errors
/// As [`org`].
pub async fn project<P: Permission>(ctx: &OpCtx, org: &str, slug: &str) -> Result<Authorized<Project, P>> {
    ctx.rights().await?;
    let found = ctx.read().await?.find_project(org, slug).await?;
    admit_project(ctx, found).await
}

/// The project of that id, if the actor may do `P` there.
///
/// # Errors
/// As [`org`].
pub async fn project_by_id<P: Permission>(ctx: &OpCtx, id: ProjectId) -> Result<Authorized<Project, P>> {
    ctx.rights().await?;
    let found = ctx.read().await?.find_project_by_id(id).await?;
    admit_project(ctx, found).await
}

async fn admit_project<P: Permission>(
    ctx: &OpCtx,
    found: Option<ProjectScope>,
) -> Result<Authorized<Project, P>> {
    let scope = found.ok_or(Error::NotFound)?;
    let held = ctx.rights().await?.in_project(&scope);
    check(ctx, held, P::ACTION, scope.org.id, Some(scope.project.id)).await?;
    Ok(Authorized::new(scope))
}

/// The app of those slugs, if the actor may do `P` there.
///
/// # Errors
/// As [`org`].
pub async fn app<P: Permission>(
    ctx: &OpCtx,
    org: &str,
    project: &str,
    slug: &str,
) -> Result<Authorized<App, P>> {
    ctx.rights().await?;
    let found = ctx.read().await?.find_app(org, project, slug).await?;
    admit_app(ctx, found).await
}

/// The app of that id, if the actor may do `P` there.
///
/// # Errors
/// As [`org`].
pub async fn app_by_id<P: Permission>(ctx: &OpCtx, id: AppId) -> Result<Authorized<App, P>> {
    ctx.rights().await?;
    let found = ctx.read().await?.find_app_by_id(id).await?;
    admit_app(ctx, found).await
}

async fn admit_app<P: Permission>(ctx: &OpCtx, found: Option<AppScope>) -> Result<Authorized<App, P>> {
    let scope = found.ok_or(Error::NotFound)?;
    let held = ctx.rights().await?.in_app(&scope);
    check(
        ctx,
        held,
        P::ACTION,
        scope.within.org.id,
        Some(scope.within.project.id),
    )
    .await?;
    Ok(Authorized::new(scope))
}

/// The same place with another permission, without looking it up again.
///
/// # Errors
/// As [`org`].
pub async fn also<P: Permission>(ctx: &OpCtx, app: &Authorized<App, See>) -> Result<Authorized<App, P>> {
    admit_app(ctx, Some(app.scope.clone())).await
}

/// The place of any kind, if the actor sees it.
///
/// # Errors
/// As [`org`].
pub async fn anywhere(ctx: &OpCtx, at: At<'_>) -> Result<Authorized<Anywhere, See>> {
    let scope = match (at.project, at.app) {
        (None, _) => org::<See>(ctx, at.org).await?.scope.into(),
        (Some(slug), None) => project::<See>(ctx, at.org, slug).await?.scope.into(),
        (Some(slug), Some(app_slug)) => app::<See>(ctx, at.org, slug, app_slug).await?.scope.into(),
    };
    Ok(Authorized::new(scope))
}

/// The place of any kind, if the actor may manage its members.
///
/// # Errors
/// As [`org`].
pub async fn managed(ctx: &OpCtx, at: At<'_>) -> Result<Authorized<Anywhere, Modify>> {
    let scope = match (at.project, at.app) {
        (None, _) => org::<may::OrgManage>(ctx, at.org).await?.scope.into(),
        (Some(slug), None) => project::<may::ProjectManage>(ctx, at.org, slug)
            .await?
            .scope
            .into(),
        (Some(slug), Some(app_slug)) => app::<may::ProjectManage>(ctx, at.org, slug, app_slug)
            .await?
            .scope
            .into(),
    };
    Ok(Authorized::new(scope))
}

/// What the actor may do with the app.
///
/// # Errors
/// As [`org`].
pub async fn rights_in(ctx: &OpCtx, app: &AppScope) -> Result<ActionSet> {
    Ok(ctx.rights().await?.in_app(app))
}

/// The project that an app is in, for an app the actor may see. Its other apps stay out of sight: callers
/// show of the project only what does not belong to an app.
pub fn project_of<P: Permission>(app: &Authorized<App, P>) -> Authorized<Project, See> {
    Authorized::new(app.scope.within.clone())
}

/// The organization's audit log through a place below it whose log the actor may read. Callers must
/// filter by that place.
pub fn audit_of_project(project: &Authorized<Project, may::AuditRead>) -> Authorized<Org, may::AuditRead> {
    Authorized::new(OrgScope {
        org: project.scope.org.clone(),
    })
}

/// As [`audit_of_project`], for an app.
pub fn audit_of_app(app: &Authorized<App, may::AuditRead>) -> Authorized<Org, may::AuditRead> {
    Authorized::new(OrgScope {
        org: app.scope.within.org.clone(),
    })
}

/// A change by someone whom an approval rule names, whatever roles they hold: the only way around
/// [`Role`]s, open to `portal::promotion` alone, which has asked `domain::approval` first.
pub(crate) fn by_approval_rule(app: &Authorized<App, See>) -> Authorized<App, Modify> {
    Authorized::new(app.scope.clone())
}

/// A change of one's own work item: by its reporter or assignee, whatever else they hold. Open to
/// `portal::item` alone, which has looked whose it is.
pub(crate) fn own_item(project: &Authorized<Project, See>) -> Authorized<Project, Modify> {
    Authorized::new(project.scope.clone())
}

/// One's own membership of a place: to leave it. Open to `portal::member` alone, which changes nobody else's.
pub(crate) fn own_membership(place: &Authorized<Anywhere, See>) -> Authorized<Anywhere, Modify> {
    Authorized::new(place.scope.clone())
}

/// The place that an invitation leads to: whoever has its token may give themselves the role in it. Open to
/// `portal::invitation` alone, which has looked whether it is open.
pub(crate) fn by_invitation(scope: &AnyScope) -> Authorized<Anywhere, Modify> {
    Authorized::new(scope.clone())
}

/// The organization of a place whose members the actor may change: its groups hold roles in it. Open to
/// `portal::member` alone, which takes people out of them only together with every other role of theirs.
pub(crate) fn org_of_members(place: &Authorized<Anywhere, Modify>) -> Authorized<Org, Modify> {
    Authorized::new(OrgScope {
        org: place.scope.org.clone(),
    })
}
