//! Looking up is authorizing.
//!
//! A store method that touches a tenant's row takes an [`Authorized`] of the place, and only this module
//! can make one. What the actor may not see answers [`Error::NotFound`]; what they see but may not do
//! answers [`Error::Forbidden`] with the roles that would allow it and who can grant them. What they may do
//! but the place does not let happen, since it is archived or the feature is switched off, answers
//! [`Error::Refused`].

use crate::context::OpCtx;
use crate::error::{Denial, Error, Result};
use crate::ports::Tx;
use slipway_domain::access::{Action, ActionSet, Role, ScopeKind};
use slipway_domain::feature::Feature;
use slipway_domain::id::{AppId, OrgId, ProjectId, UpgradeId};
use slipway_domain::project::{Place, ProjectRef};
use slipway_domain::text::Text;
use slipway_domain::token::Scope;
use std::marker::PhantomData;

pub mod may;
mod operator;
mod rights;
mod scope;
pub mod sight;

pub use operator::{is_operator, operating, operator};
pub use rights::Rights;
pub use scope::{
    AnyScope, Anywhere, App, AppScope, At, Org, OrgScope, Project, ProjectScope, Server, WorkloadNames,
};

use may::{Modify, Permission, See};

/// A kind of place.
pub trait Resource: Send + Sync + 'static {
    /// What is known of the place once it is looked up.
    type Scope: Clone + Send + Sync;
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

/// A place of any kind that the actor may manage, archived or not.
#[derive(Clone)]
pub enum Managed {
    /// An organization: by [`Action::OrgManage`].
    Org(Authorized<Org, Modify>),
    /// A project: by [`Action::ProjectManage`].
    Project(Authorized<Project, Modify>),
    /// An app: by [`Action::AppManage`].
    App(Authorized<App, Modify>),
}

impl Managed {
    /// Where that is.
    pub fn place(&self) -> Place {
        match self {
            Self::Org(org) => org.place(),
            Self::Project(project) => project.place(),
            Self::App(app) => app.place(),
        }
    }

    /// What kind of place it is.
    pub const fn kind(&self) -> ScopeKind {
        match self {
            Self::Org(_) => ScopeKind::Org,
            Self::Project(_) => ScopeKind::Project,
            Self::App(_) => ScopeKind::App,
        }
    }

    /// The organization it is or is in.
    pub fn org_id(&self) -> OrgId {
        match self {
            Self::Org(org) => org.id(),
            Self::Project(project) => project.org_id(),
            Self::App(app) => app.org_id(),
        }
    }

    /// The project it is or is in.
    pub fn project_id(&self) -> Option<ProjectId> {
        match self {
            Self::Org(_) => None,
            Self::Project(project) => Some(project.id()),
            Self::App(app) => Some(app.project_id()),
        }
    }

    /// The app it is.
    pub fn app_id(&self) -> Option<AppId> {
        match self {
            Self::Org(_) | Self::Project(_) => None,
            Self::App(app) => Some(app.id()),
        }
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

/// What the roles must give, and what the place must let happen.
async fn check<P: Permission>(ctx: &OpCtx, held: ActionSet, place: &Place) -> Result<()> {
    permit(ctx, held, P::ACTION, place).await?;
    if ctx.is_system() {
        return Ok(());
    }
    if let Some(feature) = P::FEATURE.filter(|feature| !place.has(*feature)) {
        return Err(switched_off(feature));
    }
    if P::ACTION.changes() {
        alive(place)?;
    }
    Ok(())
}

/// What the roles must give.
async fn permit(ctx: &OpCtx, held: ActionSet, action: Action, place: &Place) -> Result<()> {
    if !held.has(Action::See) {
        return Err(Error::NotFound);
    }
    if !held.has(action) {
        if let Some(scope) = Scope::of(action) {
            ctx.needs_scope(scope)?;
        }
        let project = place.project.as_ref().map(|project| project.id);
        return Err(deny(ctx, place.org.id, project, action).await);
    }
    Ok(())
}

/// Refuses changes in an archived place.
pub(crate) fn alive(place: &Place) -> Result<()> {
    let (en, zh) = match place.archived() {
        None => return Ok(()),
        Some(ScopeKind::Org) => (
            "The organization is archived: nothing in it changes. Whoever manages it can restore it in its settings.",
            "该组织已归档，其中的内容不再变更。组织管理员可在设置中恢复。",
        ),
        Some(ScopeKind::Project) => (
            "The project is archived: nothing in it changes. Whoever manages it can restore it in its settings.",
            "该项目已归档，其中的内容不再变更。项目管理者可在设置中恢复。",
        ),
        Some(ScopeKind::App) => (
            "The app is archived: nothing in it changes. Whoever manages it can restore it in its settings.",
            "该应用已归档，其中的内容不再变更。应用管理者可在设置中恢复。",
        ),
    };
    Err(Error::refused("archived", en, zh))
}

fn switched_off(feature: Feature) -> Error {
    let name = feature.text();
    Error::Refused {
        code: "feature_off",
        text: Text::new(
            format!(
                "{} are switched off in this project. Whoever manages the project can switch them on in its settings.",
                name.en
            ),
            format!("该项目已关闭“{}”。项目管理者可在项目设置中开启。", name.zh),
        ),
    }
}

/// The organization of that slug, if the actor may do `P` there.
///
/// # Errors
/// [`Error::Unauthenticated`], [`Error::NotFound`], [`Error::Forbidden`], or the database does not answer.
pub async fn org<P: Permission>(ctx: &OpCtx, slug: &str) -> Result<Authorized<Org, P>> {
    let rights = ctx.rights().await?;
    let scope = ctx.read().await?.find_org(slug).await?.ok_or(Error::NotFound)?;
    check::<P>(ctx, rights.at_org(scope.org.id), &scope.place()).await?;
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
    check::<P>(ctx, held_in_project(ctx, &scope).await?, &scope.place()).await?;
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
    check::<P>(ctx, held_in_app(ctx, &scope).await?, &scope.place()).await?;
    Ok(Authorized::new(scope))
}

async fn held_in_project(ctx: &OpCtx, scope: &ProjectScope) -> Result<ActionSet> {
    let rights = ctx.rights().await?;
    Ok(rights.in_project_of(scope.org.id, scope.project.id, scope.internal))
}

async fn held_in_app(ctx: &OpCtx, scope: &AppScope) -> Result<ActionSet> {
    Ok(ctx.rights().await?.in_app_of(&scope.within, scope.app.id))
}

/// The place of those slugs, if the actor may manage it: an app, or without one a project, or without either an
/// organization. Archived or not, for its settings.
///
/// # Errors
/// As [`org`].
pub async fn managed_place(ctx: &OpCtx, at: At<'_>) -> Result<Managed> {
    let rights = ctx.rights().await?;
    let mut tx = ctx.read().await?;
    let org = at.org;
    match (at.project, at.app) {
        (Some(project), Some(app)) => {
            let scope = tx.find_app(org, project, app).await?.ok_or(Error::NotFound)?;
            drop(tx);
            let held = held_in_app(ctx, &scope).await?;
            permit(ctx, held, Action::AppManage, &scope.place()).await?;
            Ok(Managed::App(Authorized::new(scope)))
        }
        (Some(project), None) => {
            let scope = tx.find_project(org, project).await?.ok_or(Error::NotFound)?;
            drop(tx);
            let held = held_in_project(ctx, &scope).await?;
            permit(ctx, held, Action::ProjectManage, &scope.place()).await?;
            Ok(Managed::Project(Authorized::new(scope)))
        }
        (None, _) => {
            let scope = tx.find_org(org).await?.ok_or(Error::NotFound)?;
            drop(tx);
            permit(
                ctx,
                rights.at_org(scope.org.id),
                Action::OrgManage,
                &scope.place(),
            )
            .await?;
            Ok(Managed::Org(Authorized::new(scope)))
        }
    }
}

/// Whether the actor may manage the place, archived or not: for the way to its settings.
///
/// # Errors
/// Nobody is signed in, or the database does not answer.
pub async fn may_manage(ctx: &OpCtx, project: &ProjectScope) -> Result<bool> {
    Ok(held_in_project(ctx, project).await?.has(Action::ProjectManage))
}

/// As [`may_manage`], for an app.
///
/// # Errors
/// As [`may_manage`].
pub async fn may_manage_app(ctx: &OpCtx, app: &AppScope) -> Result<bool> {
    Ok(held_in_app(ctx, app).await?.has(Action::AppManage))
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

/// The place of any kind, if the actor may do `P` there.
///
/// # Errors
/// As [`org`].
pub async fn anywhere_to<P: Permission>(ctx: &OpCtx, at: At<'_>) -> Result<Authorized<Anywhere, P>> {
    let scope = match (at.project, at.app) {
        (None, _) => org::<P>(ctx, at.org).await?.scope.into(),
        (Some(slug), None) => project::<P>(ctx, at.org, slug).await?.scope.into(),
        (Some(slug), Some(app_slug)) => app::<P>(ctx, at.org, slug, app_slug).await?.scope.into(),
    };
    Ok(Authorized::new(scope))
}

/// The organization or project of those slugs, if the actor may write and publish templates there.
///
/// # Errors
/// As [`org`]; [`Error::NotFound`] for an app, which has none.
pub async fn publishing(ctx: &OpCtx, at: At<'_>) -> Result<Authorized<Anywhere, Modify>> {
    let scope = match (at.project, at.app) {
        (_, Some(_)) => return Err(Error::NotFound),
        (None, None) => org::<may::TemplatePublish>(ctx, at.org).await?.scope.into(),
        (Some(slug), None) => project::<may::TemplatePublish>(ctx, at.org, slug)
            .await?
            .scope
            .into(),
    };
    Ok(Authorized::new(scope))
}

/// The place of a bulk upgrade of apps there. Open to `portal::template` alone, which looks at each app whether whoever
/// started it may propose in it.
pub(crate) fn upgrading(place: &Authorized<Anywhere, See>) -> Result<Authorized<Anywhere, Modify>> {
    alive(&place.place())?;
    Ok(Authorized::new(place.scope.clone()))
}

/// The place of a bulk upgrade, for Slipway's own bookkeeping; `None`: it is gone.
pub(crate) async fn place_of_upgrade(
    ctx: &OpCtx,
    id: UpgradeId,
) -> Result<Option<Authorized<Anywhere, Modify>>> {
    if !ctx.is_system() {
        return Err(Error::NotFound);
    }
    let found = ctx.read().await?.place_of_template_upgrade(id).await?;
    Ok(found.map(Authorized::new))
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

/// The organization that a project is in, for who sees the project: approval rules name its groups.
pub fn org_of_project(project: &Authorized<Project, See>) -> Authorized<Org, See> {
    Authorized::new(OrgScope {
        org: project.scope.org.clone(),
    })
}

/// A change by someone whom an approval rule names, whatever roles they hold: the only way around
/// [`Role`]s, open to `portal::promotion` (which has asked `domain::approval` first) and to `portal::hold` (for the owner of
/// a hold) alone.
pub(crate) fn by_approval_rule(app: &Authorized<App, See>) -> Result<Authorized<App, Modify>> {
    alive(&app.place())?;
    Ok(Authorized::new(app.scope.clone()))
}

/// A change of one's own work item: by its reporter or assignee, whatever else they hold. Open to
/// `portal::item` alone, which has looked whose it is.
pub(crate) fn own_item(project: &Authorized<Project, See>) -> Result<Authorized<Project, Modify>> {
    alive(&project.place())?;
    Ok(Authorized::new(project.scope.clone()))
}

/// One's own membership of a place: to leave it. Open to `portal::member` alone, which changes nobody else's.
pub(crate) fn own_membership(place: &Authorized<Anywhere, See>) -> Authorized<Anywhere, Modify> {
    Authorized::new(place.scope.clone())
}

/// The place that an invitation leads to: whoever has its token may give themselves the role in it. Open to
/// `portal::invitation` alone, which has looked whether it is open.
pub(crate) fn by_invitation(scope: &AnyScope) -> Result<Authorized<Anywhere, Modify>> {
    alive(&scope.place())?;
    Ok(Authorized::new(scope.clone()))
}

/// The organization of a place whose members the actor may change: its groups hold roles in it. Open to
/// `portal::member` alone, which takes people out of them only together with every other role of theirs.
pub(crate) fn org_of_members(place: &Authorized<Anywhere, Modify>) -> Authorized<Org, Modify> {
    Authorized::new(OrgScope {
        org: place.scope.org.clone(),
    })
}

/// Lets pass whoever sees the organization's GitLab connections from a project: who connects apps there, or manages the
/// organization.
///
/// # Errors
/// As [`org`].
pub(crate) async fn sees_connections<P: Permission>(
    ctx: &OpCtx,
    project: &Authorized<Project, P>,
) -> Result<()> {
    if may_see_connections(ctx.rights().await?, &project.scope) {
        return Ok(());
    }
    let held = held_in_project(ctx, &project.scope).await?;
    permit(ctx, held, Action::AppManage, &project.place()).await
}

/// As [`sees_connections`], for the way to them.
pub(crate) fn may_see_connections(rights: &Rights, project: &ProjectScope) -> bool {
    rights.in_project(project).has(Action::AppManage) || rights.at_org(project.org.id).has(Action::OrgManage)
}

/// An app that an import is making, whose repository comes with it. Open to `portal::import` alone, in the transaction
/// that makes it.
pub(crate) async fn just_imported(
    tx: &mut dyn Tx,
    project: &Authorized<Project, may::AppCreate>,
    app: AppId,
) -> Result<Authorized<App, may::AppManage>> {
    let found = tx.find_app_by_id(app).await?;
    let scope = found.filter(|scope| scope.within.project.id == project.id());
    Ok(Authorized::new(scope.ok_or(Error::NotFound)?))
}

/// A project that is being made, whose environments come with it. Open to `portal::project` alone, in the transaction
/// that makes it.
pub(crate) fn just_made(
    org: &Authorized<Org, may::ProjectCreate>,
    project: ProjectRef,
    internal: bool,
) -> Authorized<Project, may::EnvironmentEdit> {
    Authorized::new(ProjectScope {
        org: org.scope.org.clone(),
        project,
        internal,
    })
}
