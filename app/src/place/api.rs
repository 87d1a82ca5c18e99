//! Server functions about places of every kind: archiving, restoring, deleting.

use crate::AppError;
use leptos::prelude::*;

/// Archives an app, a project or an organization.
#[server(name = ArchivePlace, prefix = "/api/fn", endpoint = "place/archive")]
pub async fn archive_place(
    org: String,
    project: Option<String>,
    app: Option<String>,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    slipway_portal::place::archive(&ctx, &org, project.as_deref(), app.as_deref()).await?;
    Ok(())
}

/// Restores an archived place.
#[server(name = RestorePlace, prefix = "/api/fn", endpoint = "place/restore")]
pub async fn restore_place(
    org: String,
    project: Option<String>,
    app: Option<String>,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    slipway_portal::place::restore(&ctx, &org, project.as_deref(), app.as_deref()).await?;
    Ok(())
}

/// Deletes a place; `confirm` is its name, typed again.
#[server(name = DeletePlace, prefix = "/api/fn", endpoint = "place/delete")]
pub async fn delete_place(
    org: String,
    project: Option<String>,
    app: Option<String>,
    confirm: String,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let was = slipway_portal::place::delete(&ctx, &org, project.as_deref(), app.as_deref(), &confirm).await?;
    leptos_axum::redirect(&crate::places::above(&was));
    Ok(())
}
