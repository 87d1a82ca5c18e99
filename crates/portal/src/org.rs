//! Organizations.

use crate::access::{self, At, Managed, may};
use crate::change::Entry;
use crate::context::{Actor, OpCtx};
use crate::error::{Error, Result};
use crate::place;
use crate::ports::{Binding, NewBinding, NewOrg};
use slipway_domain::access::{Action, Role};
use slipway_domain::id::{BindingId, UserId};
use slipway_domain::member::{Holder, Member};
use slipway_domain::org::{OrgOverview, OrgRef, OrgSettings, Setup};
use slipway_domain::project::Place;
use slipway_domain::role::HeldRole;

/// The organizations the actor is in, by name.
///
/// # Errors
/// Nobody is signed in, or the database does not answer.
pub async fn list(ctx: &OpCtx) -> Result<Vec<OrgRef>> {
    let rights = ctx.rights().await?;
    let mut orgs = ctx.read().await?.orgs().await?;
    orgs.retain(|org| rights.at_org(org.id).has(Action::See));
    Ok(orgs)
}

/// What the organization's page shows.
///
/// # Errors
/// As [`access::org`].
pub async fn overview(ctx: &OpCtx, slug: &str) -> Result<OrgOverview> {
    let org = access::org::<may::See>(ctx, slug).await?;
    let rights = ctx.rights().await?;
    let mut projects = ctx.read().await?.projects(&org).await?;
    projects.retain(|card| {
        rights
            .in_project_of(org.id(), card.project.id, card.internal)
            .has(Action::See)
    });
    let here = rights.at_org(org.id());
    let setup = if here.has(Action::OrgManage) {
        let mut tx = ctx.read().await?;
        Some(Setup {
            gitlab: !tx.connections(org.id()).await?.is_empty(),
            cluster: !tx.clusters(org.id()).await?.is_empty(),
        })
    } else {
        None
    };
    Ok(OrgOverview {
        org: org.org.clone(),
        projects,
        may_create_project: here.has(Action::ProjectCreate) && !org.org.archived,
        may_read_audit: here.has(Action::AuditRead),
        setup,
    })
}

/// What the general settings of an organization show, archived or not.
///
/// # Errors
/// As [`access::managed_place`].
pub async fn settings(ctx: &OpCtx, slug: &str) -> Result<OrgSettings> {
    let Managed::Org(org) = access::managed_place(ctx, At::new(slug, None, None)).await? else {
        return Err(Error::NotFound);
    };
    Ok(OrgSettings { org: org.org.clone() })
}

/// Whether the actor may make organizations: whoever owns one.
///
/// # Errors
/// Nobody is signed in, or the database does not answer.
pub async fn may_create(ctx: &OpCtx) -> Result<bool> {
    let owner = Binding::is_org_owner;
    match ctx.actor() {
        Actor::User(person) => Ok(ctx
            .read()
            .await?
            .role_bindings_of(person.id)
            .await?
            .iter()
            .any(owner)),
        Actor::System => Ok(true),
        Actor::Anonymous => Err(Error::Unauthenticated),
    }
}

/// Makes an organization that the actor owns.
///
/// # Errors
/// [`Error::Refused`] `not_an_owner` for those who own none; a wrong or taken name.
pub async fn create_own(ctx: &OpCtx, slug: &str, name: &str) -> Result<OrgRef> {
    let owner = ctx.user()?.id;
    if !may_create(ctx).await? {
        return Err(Error::refused(
            "not_an_owner",
            "Whoever owns an organization can make another. Ask an owner, or whoever runs this server \
             (`slipway user create-owner`).",
            "只有组织所有者可以创建新组织。请联系某位所有者，或服务器管理员（`slipway user create-owner`）。",
        ));
    }
    make(ctx, slug, name, owner).await
}

/// Makes an organization and its first owner (`slipway user create-owner`, the demo).
///
/// # Errors
/// The slug or the name is wrong or taken. Not for people: [`Error::NotFound`].
pub async fn create(ctx: &OpCtx, slug: &str, name: &str, owner: UserId) -> Result<OrgRef> {
    if !ctx.is_system() {
        return Err(Error::NotFound);
    }
    make(ctx, slug, name, owner).await
}

async fn make(ctx: &OpCtx, slug: &str, name: &str, owner: UserId) -> Result<OrgRef> {
    let typed = place::checked_org(slug, name)?;
    let org = OrgRef {
        id: ctx.id(),
        slug: typed.slug,
        name: typed.name,
        archived: false,
    };
    let mut change = ctx.change().await?;
    change.tx().claim_org_slug(&org.slug).await?;
    change
        .tx()
        .insert_org(&NewOrg {
            id: org.id,
            slug: org.slug.clone(),
            name: org.name.clone(),
            at: ctx.now(),
        })
        .await
        .map_err(place::taken)?;
    let binding = Binding {
        org: org.id,
        project: None,
        app: None,
        role: Role::OrgOwner.into(),
    };
    change
        .tx()
        .insert_binding(&NewBinding {
            id: ctx.id::<BindingId>(),
            binding,
            holder: Holder::Person(owner),
            at: ctx.now(),
        })
        .await?;
    let place = Place {
        org: org.clone(),
        project: None,
        app: None,
    };
    let summary = serde_json::json!({ "owner": owner });
    change
        .audit(Entry::done(
            "org.create",
            "organization",
            org.id,
            &*org.name,
            &place,
            summary,
        ))
        .await?;
    change.commit().await?;
    Ok(org)
}

/// Gives anybody a role in a project, or in the organization (without one): for what knows whom it means, as the
/// demo does. What people choose goes through [`crate::member::grant`], which asks whether the person is of the
/// organization and whether the role is the actor's to give.
///
/// # Errors
/// [`Error::Forbidden`] for those who may not manage members; [`Error::Refused`] for a role of another scope.
pub async fn grant(ctx: &OpCtx, org: &str, project: Option<&str>, user: UserId, role: Role) -> Result<()> {
    let place = access::managed(ctx, At::new(org, project, None)).await?;
    let role = HeldRole::BuiltIn(role);
    if role.scope() != place.kind() {
        return Err(Error::refused(
            "role_scope",
            "This role is held elsewhere.",
            "该角色不适用于此处。",
        ));
    }
    let mut change = ctx.change().await?;
    let Some(person) = change.tx().person(user).await? else {
        return Err(Error::NotFound);
    };
    crate::member::give(&mut change, &place, Holder::Person(user), &person.name, role).await?;
    change.commit().await
}

/// Who holds which role in the organization, or in one of its projects, inherited roles included.
///
/// # Errors
/// As [`access::org`].
pub async fn members(ctx: &OpCtx, org: &str, project: Option<&str>) -> Result<(Place, Vec<Member>)> {
    crate::member::list(ctx, org, project).await
}
