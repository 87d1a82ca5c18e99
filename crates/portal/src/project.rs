//! Projects.

use crate::access::{self, At, Authorized, Managed, Org, may};
use crate::change::{Change, Entry};
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::ports::{NewProject, StoreError};
use crate::{environment, place, quota};
use slipway_domain::access::Action;
use slipway_domain::feature::Features;
use slipway_domain::id::ProjectId;
use slipway_domain::project::{ProjectGrid, ProjectRef, ProjectSettings};
use slipway_domain::text::Text;

/// A project to be made.
#[derive(Clone, Debug)]
pub struct Input {
    /// In URLs.
    pub slug: String,
    /// For people.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Two to six letters before the numbers of its work items.
    pub key: String,
    /// Whether all members of the organization see it.
    pub internal: bool,
}

/// Makes a project without environments.
///
/// # Errors
/// [`Error::Forbidden`], a wrong or taken name, or the database does not answer.
pub async fn create(ctx: &OpCtx, org: &str, input: Input) -> Result<ProjectId> {
    let org = access::org::<may::ProjectCreate>(ctx, org).await?;
    let mut change = ctx.change().await?;
    let project = insert(ctx, &mut change, &org, input).await?;
    change.commit().await?;
    Ok(project.id)
}

/// Makes a project with the default chain of environments, bound to no cluster yet: both or neither.
///
/// # Errors
/// As [`create`].
pub async fn create_with_chain(ctx: &OpCtx, org: &str, input: Input) -> Result<ProjectId> {
    let org = access::org::<may::ProjectCreate>(ctx, org).await?;
    let internal = input.internal;
    let mut change = ctx.change().await?;
    let project = insert(ctx, &mut change, &org, input).await?;
    let id = project.id;
    let project = access::just_made(&org, project, internal);
    environment::insert_default_chain(ctx, &mut change, &project, |_| None).await?;
    change.commit().await?;
    Ok(id)
}

async fn insert(
    ctx: &OpCtx,
    change: &mut Change<'_>,
    org: &Authorized<Org, may::ProjectCreate>,
    input: Input,
) -> Result<ProjectRef> {
    let typed = place::checked(&input.slug, &input.name, &input.description)?;
    if !(2..=6).contains(&input.key.len()) || !input.key.bytes().all(|b| b.is_ascii_uppercase()) {
        return Err(Error::field(
            "key",
            Text::new("use 2 to 6 capital letters", "请使用 2 到 6 个大写字母"),
        ));
    }
    let new = NewProject {
        id: ctx.id(),
        slug: typed.slug,
        key: input.key,
        name: typed.name,
        description: typed.description,
        internal: input.internal,
        at: ctx.now(),
    };
    let modify = org.modify();
    change.tx().claim_project_slug(&modify, &new.slug).await?;
    change.tx().insert_project(&modify, &new).await.map_err(taken)?;
    let place = org.place();
    let summary = serde_json::json!({ "slug": new.slug });
    let name = new.name.clone();
    change
        .audit(Entry::done(
            "project.create",
            "project",
            new.id,
            name,
            &place,
            summary,
        ))
        .await?;
    change.touch("org", org.id(), &place);
    Ok(ProjectRef {
        id: new.id,
        slug: new.slug,
        name: new.name,
        key: new.key,
        archived: false,
        features: Features::default(),
    })
}

/// Tells a taken slug or key from other trouble.
fn taken(error: StoreError) -> Error {
    match error {
        StoreError::Constraint(name)
            if name.contains("key") && name.contains("projects") && !name.contains("slug") =>
        {
            Error::field(
                "key",
                Text::new("another project has this key", "已有项目使用该标识"),
            )
        }
        other => place::taken(other),
    }
}

/// What the settings of a project show, archived or not.
///
/// # Errors
/// As [`access::managed_place`].
pub async fn settings(ctx: &OpCtx, org: &str, slug: &str) -> Result<ProjectSettings> {
    let Managed::Project(project) = access::managed_place(ctx, At::new(org, Some(slug), None)).await? else {
        return Err(Error::NotFound);
    };
    let see = project.see();
    let mut tx = ctx.read().await?;
    let (description, _) = tx.project_chain(&see).await?;
    let mut quotas = tx.quotas(&see).await?;
    for row in &mut quotas {
        row.taken = quota::taken(&mut *tx, &see, &row.environment, None).await?;
    }
    let here = ctx.rights().await?.in_project(&project);
    Ok(ProjectSettings {
        place: project.place(),
        description,
        internal: project.internal,
        quotas,
        may_set_quotas: here.has(Action::ProjectCreate),
    })
}

/// What the project's page shows.
///
/// # Errors
/// As [`access::project`].
pub async fn grid(ctx: &OpCtx, org: &str, slug: &str) -> Result<ProjectGrid> {
    let project = access::project::<may::See>(ctx, org, slug).await?;
    let rights = ctx.rights().await?;
    let mut tx = ctx.read().await?;
    let (description, environments) = tx.project_chain(&project).await?;
    let mut rows = tx.project_grid(&project).await?;
    rows.retain(|row| rights.in_app_of(&project, row.app.id).has(Action::See));
    let here = rights.in_project(&project);
    Ok(ProjectGrid {
        place: project.place(),
        description,
        environments,
        rows,
        may_create_app: here.has(Action::AppCreate),
        may_import: here.has(Action::AppCreate) && access::may_see_connections(rights, &project),
        may_read_audit: here.has(Action::AuditRead),
        as_of: ctx.now(),
    })
}
