//! Projects.

use crate::access::{self, may};
use crate::change::Entry;
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::ports::{NewProject, StoreError};
use slipway_domain::access::Action;
use slipway_domain::id::ProjectId;
use slipway_domain::name::{NameError, Slug};
use slipway_domain::project::ProjectGrid;
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

/// Makes a project.
///
/// # Errors
/// [`Error::Forbidden`], a wrong or taken name, or the database does not answer.
pub async fn create(ctx: &OpCtx, org: &str, input: Input) -> Result<ProjectId> {
    let org = access::org::<may::ProjectCreate>(ctx, org).await?;
    let slug = Slug::parse(&input.slug).map_err(|e| Error::name("slug", e))?;
    if input.name.trim().is_empty() {
        return Err(Error::name("name", NameError::Empty));
    }
    if !(2..=6).contains(&input.key.len()) || !input.key.bytes().all(|b| b.is_ascii_uppercase()) {
        return Err(Error::field(
            "key",
            Text::new("use 2 to 6 capital letters", "请使用 2 到 6 个大写字母"),
        ));
    }
    let id = ctx.id::<ProjectId>();
    let mut change = ctx.change().await?;
    let new = NewProject {
        id,
        slug: slug.to_string(),
        key: input.key,
        name: input.name.trim().to_owned(),
        description: input.description,
        internal: input.internal,
        at: ctx.now(),
    };
    change
        .tx()
        .insert_project(&org.modify(), &new)
        .await
        .map_err(taken)?;
    let place = org.place();
    change
        .audit(Entry::done(
            "project.create",
            "project",
            id,
            new.name,
            &place,
            serde_json::json!({ "slug": slug }),
        ))
        .await?;
    change.touch("org", org.id(), &place);
    change.commit().await?;
    Ok(id)
}

/// Tells a taken slug or key from other trouble.
pub(crate) fn taken(error: StoreError) -> Error {
    match error {
        StoreError::Constraint(name)
            if name.contains("key") && name.contains("projects") && !name.contains("slug") =>
        {
            Error::field(
                "key",
                Text::new("another project has this key", "已有项目使用该标识"),
            )
        }
        StoreError::Constraint(_) => Error::field("slug", Text::new("this name is taken", "该名称已被使用")),
        other => other.into(),
    }
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
        may_read_audit: here.has(Action::AuditRead),
        as_of: ctx.now(),
    })
}
