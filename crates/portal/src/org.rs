//! Organizations.

use crate::access::{self, At, may};
use crate::change::Entry;
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::ports::{Binding, NewBinding, NewOrg};
use slipway_domain::access::{Action, Role};
use slipway_domain::id::{BindingId, UserId};
use slipway_domain::member::{Holder, Member};
use slipway_domain::name::{NameError, Slug};
use slipway_domain::org::{OrgOverview, OrgRef};
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
