//! Organizations.

use crate::access::{self, may};
use crate::change::Entry;
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::ports::{Binding, NewBinding, NewOrg};
use slipway_domain::access::{Action, Role};
use slipway_domain::id::{BindingId, UserId};
use slipway_domain::name::{NameError, Slug};
use slipway_domain::org::{Member, OrgOverview, OrgRef};
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
    Ok(OrgOverview {
        org: org.org.clone(),
        projects,
        may_create_project: here.has(Action::ProjectCreate),
        may_read_audit: here.has(Action::AuditRead),
    })
}

/// Makes an organization and its first owner (`slipway user create-owner`, the demo).
///
/// # Errors
/// The slug or the name is wrong or taken. Not for people: [`Error::NotFound`].
pub async fn create(ctx: &OpCtx, slug: &str, name: &str, owner: UserId) -> Result<OrgRef> {
    if !ctx.is_system() {
        return Err(Error::NotFound);
    }
    let slug = Slug::parse(slug).map_err(|e| Error::name("slug", e))?;
    if name.trim().is_empty() {
        return Err(Error::name("name", NameError::Empty));
    }
    let org = OrgRef {
        id: ctx.id(),
        slug: slug.to_string(),
        name: name.trim().to_owned(),
    };
    let mut change = ctx.change().await?;
    if change.tx().find_org(slug.as_str()).await?.is_some() {
        return Err(Error::conflict(
            "slug_taken",
            "An organization of this name exists.",
            "该组织名已存在。",
        ));
    }
    change
        .tx()
        .insert_org(&NewOrg {
            id: org.id,
            slug: org.slug.clone(),
            name: org.name.clone(),
            at: ctx.now(),
        })
        .await?;
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
