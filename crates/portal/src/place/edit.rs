//! What a place is called: a new slug leaves the old one behind as a redirect.

use super::{called, checked, checked_org, entry, free_for_app, taken, tell, words};
use crate::access::{self, Managed, may};
use crate::change::Change;
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::ports::{AppEdit, ProjectEdit};
use crate::version;
use slipway_domain::project::Place;

/// What an organization is to be called.
#[derive(Clone, Debug)]
pub struct OrgInput {
    /// In URLs.
    pub slug: String,
    /// For people.
    pub name: String,
}

/// What a project is to be called, and who sees it.
#[derive(Clone, Debug)]
pub struct ProjectInput {
    /// In URLs.
    pub slug: String,
    /// For people.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whether all members of the organization see it.
    pub internal: bool,
}

/// What an app is to be called.
#[derive(Clone, Debug)]
pub struct AppInput {
    /// In URLs. The workload in Kubernetes keeps its name.
    pub slug: String,
    /// For people.
    pub name: String,
    /// What it is for.
    pub description: String,
}

/// Changes what an organization is called; where it is from now on.
///
/// # Errors
/// [`Forbidden`](crate::Error::Forbidden); a wrong or taken name; `archived`; [`Conflict`](crate::Error::Conflict) where
/// it is not as it was read any more.
pub async fn edit_org(ctx: &OpCtx, org: &str, input: OrgInput) -> Result<Place> {
    let org = access::org::<may::OrgManage>(ctx, org).await?;
    // One that was taken before the word was reserved stays.
    let check = if input.slug.trim() == org.org.slug {
        |slug: &str, name: &str| checked(slug, name, "")
    } else {
        checked_org
    };
    let new = check(&input.slug, &input.name)?;
    let modify = org.modify();
    let managed = Managed::Org(modify.clone());
    let mut change = ctx.change().await?;
    change.tx().lock_org(org.id()).await?;
    let now = change
        .tx()
        .find_org(&org.org.slug)
        .await?
        .ok_or(Error::NotFound)?;
    change.only_on(version::org(&now.org))?;
    rename(ctx, &mut change, &managed, &org.org.slug, &new.slug).await?;
    change
        .tx()
        .edit_org(&modify, &new.slug, &new.name)
        .await
        .map_err(taken)?;
    let mut place = org.place();
    place.org.slug.clone_from(&new.slug);
    place.org.name.clone_from(&new.name);
    finish(change, &managed, &new.slug, &new.name, serde_json::json!({})).await?;
    Ok(place)
}

/// Changes what a project is called and who sees it; where it is from now on.
///
/// # Errors
/// As [`edit_org`].
pub async fn edit_project(ctx: &OpCtx, org: &str, project: &str, input: ProjectInput) -> Result<Place> {
    let project = access::project::<may::ProjectManage>(ctx, org, project).await?;
    let new = checked(&input.slug, &input.name, &input.description)?;
    let modify = project.modify();
    let managed = Managed::Project(modify.clone());
    let mut change = ctx.change().await?;
    change.tx().lock_org(project.org_id()).await?;
    let (description, _) = change.tx().project_chain(&project.see()).await?;
    let now = change
        .tx()
        .find_project_by_id(project.id())
        .await?
        .ok_or(Error::NotFound)?;
    let (slug, name) = (&now.project.slug, &now.project.name);
    change.only_on(version::project(slug, name, &description, now.internal))?;
    rename(ctx, &mut change, &managed, &project.project.slug, &new.slug).await?;
    let mut place = project.place();
    if let Some(known) = &mut place.project {
        known.slug.clone_from(&new.slug);
        known.name.clone_from(&new.name);
    }
    let (slug, name) = (new.slug.clone(), new.name.clone());
    let edit = ProjectEdit {
        slug: new.slug,
        name: new.name,
        description: new.description,
        internal: input.internal,
    };
    change.tx().edit_project(&modify, &edit).await.map_err(taken)?;
    let more = serde_json::json!({ "internal": input.internal });
    finish(change, &managed, &slug, &name, more).await?;
    Ok(place)
}

/// Changes what an app is called; where it is from now on. Its workload in Kubernetes keeps its name.
///
/// # Errors
/// As [`edit_org`].
pub async fn edit_app(ctx: &OpCtx, org: &str, project: &str, app: &str, input: AppInput) -> Result<Place> {
    let app = access::app::<may::AppManage>(ctx, org, project, app).await?;
    let new = checked(&input.slug, &input.name, &input.description)?;
    let modify = app.modify();
    let managed = Managed::App(modify.clone());
    let mut change = ctx.change().await?;
    change.tx().lock_org(app.org_id()).await?;
    let (description, ..) = change.tx().app_detail(&app.see()).await?;
    let now = change
        .tx()
        .find_app_by_id(app.id())
        .await?
        .ok_or(Error::NotFound)?;
    change.only_on(version::app(&now.app.slug, &now.app.name, &description))?;
    free_for_app(&mut change, &access::project_of(&app), &new.slug, Some(app.id())).await?;
    rename(ctx, &mut change, &managed, &app.app.slug, &new.slug).await?;
    let mut place = app.place();
    if let Some(known) = &mut place.app {
        known.slug.clone_from(&new.slug);
        known.name.clone_from(&new.name);
    }
    let (slug, name) = (new.slug.clone(), new.name.clone());
    let edit = AppEdit {
        slug: new.slug,
        name: new.name,
        description: new.description,
    };
    change.tx().edit_app(&modify, &edit).await.map_err(taken)?;
    finish(change, &managed, &slug, &name, serde_json::json!({})).await?;
    Ok(place)
}

/// Leaves the old slug behind where there is a new one.
async fn rename(ctx: &OpCtx, change: &mut Change<'_>, place: &Managed, old: &str, new: &str) -> Result<()> {
    if old != new {
        change.tx().retire_slug(place, new, ctx.now()).await?;
    }
    Ok(())
}

async fn finish(
    mut change: Change<'_>,
    place: &Managed,
    slug: &str,
    name: &str,
    more: serde_json::Value,
) -> Result<()> {
    let at = place.place();
    let (_, before) = called(place);
    let old_slug = match place {
        Managed::Org(org) => &org.org.slug,
        Managed::Project(project) => &project.project.slug,
        Managed::App(app) => &app.app.slug,
    };
    let mut summary = serde_json::json!({
        "before": { "slug": old_slug, "name": before },
        "after": { "slug": slug, "name": name },
    });
    if let (Some(summary), Some(more)) = (summary.as_object_mut(), more.as_object()) {
        summary.extend(more.clone());
    }
    change
        .audit(entry(words(place).edit, place, &at, summary))
        .await?;
    tell(&mut change, place);
    change.commit().await
}
