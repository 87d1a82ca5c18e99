//! Organizations.

use crate::access::{self, Managed, may};
use crate::change::Entry;
use crate::context::{Actor, OpCtx};
use crate::error::{Error, Result};
use crate::place;
use crate::ports::{Binding, NewBinding, NewOrg};
use slipway_domain::access::{Action, Role};
use slipway_domain::id::{BindingId, UserId};
use slipway_domain::org::{Member, OrgOverview, OrgRef, OrgSettings, Setup};
use slipway_domain::project::Place;

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
/// As [`access::managed`].
pub async fn settings(ctx: &OpCtx, slug: &str) -> Result<OrgSettings> {
    let Managed::Org(org) = access::managed(ctx, slug, None, None).await? else {
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
    let typed = place::checked(slug, name, "")?;
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
        role: Role::OrgOwner,
    };
    change
        .tx()
        .insert_binding(&NewBinding {
            id: ctx.id::<BindingId>(),
            binding,
            user: owner,
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

/// Gives a role in a project, or in the organization (without one).
///
/// # Errors
/// [`Error::Forbidden`] for those who may not manage members; [`Error::Refused`] for a role of another scope.
pub async fn grant(ctx: &OpCtx, org: &str, project: Option<&str>, user: UserId, role: Role) -> Result<()> {
    use slipway_domain::access::ScopeKind;
    let (binding, place, org_id) = match project {
        None => {
            let place = access::org::<may::OrgManage>(ctx, org).await?;
            (
                Binding {
                    org: place.id(),
                    project: None,
                    app: None,
                    role,
                },
                place.place(),
                place.id(),
            )
        }
        Some(slug) => {
            let place = access::project::<may::ProjectManage>(ctx, org, slug).await?;
            let binding = Binding {
                org: place.org_id(),
                project: Some(place.id()),
                app: None,
                role,
            };
            (binding, place.place(), place.org_id())
        }
    };
    let fits = if project.is_some() {
        ScopeKind::Project
    } else {
        ScopeKind::Org
    };
    if role.scope() != fits {
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
    change
        .tx()
        .insert_binding(&NewBinding {
            id: ctx.id(),
            binding,
            user,
            at: ctx.now(),
        })
        .await?;
    if project.is_some() {
        let member = Binding {
            org: org_id,
            project: None,
            app: None,
            role: Role::OrgMember,
        };
        change
            .tx()
            .insert_binding(&NewBinding {
                id: ctx.id(),
                binding: member,
                user,
                at: ctx.now(),
            })
            .await?;
    }
    let summary = serde_json::json!({ "role": role.key(), "person": person.username });
    change
        .audit(Entry::done(
            "member.grant",
            "person",
            user,
            person.name,
            &place,
            summary,
        ))
        .await?;
    change.touch(
        "members",
        place
            .project
            .as_ref()
            .map_or_else(|| place.org.id.to_string(), |p| p.id.to_string()),
        &place,
    );
    change.commit().await
}

/// Who holds which role in the organization, or in one of its projects, inherited roles included.
///
/// # Errors
/// As [`access::org`].
pub async fn members(ctx: &OpCtx, org: &str, project: Option<&str>) -> Result<(Place, Vec<Member>)> {
    let (place, org_id, project_id) = match project {
        None => {
            let org = access::org::<may::See>(ctx, org).await?;
            (org.place(), org.id(), None)
        }
        Some(slug) => {
            let project = access::project::<may::See>(ctx, org, slug).await?;
            (project.place(), project.org_id(), Some(project.id()))
        }
    };
    let members = ctx.read().await?.members(org_id, project_id).await?;
    Ok((place, members))
}
