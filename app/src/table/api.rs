//! Server functions about the table of work items, and saved views.

use crate::AppError;
use leptos::prelude::*;
use server_fn::codec::GetUrl;
use slipway_domain::id::SavedViewId;
use slipway_domain::table::{TableView, ViewPage};

/// A page of the table; `asked` is what stands in the address.
#[server(name = ReadTable, prefix = "/api/fn", endpoint = "table/page", input = GetUrl)]
pub async fn read_table(
    org: String,
    project: String,
    #[server(default)] asked: String,
    cursor: Option<String>,
) -> Result<TableView, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::table::page(&ctx, &org, &project, &asked, cursor.as_deref()).await?)
}

/// Saves what a page shows under a name.
#[server(name = SaveView, prefix = "/api/fn", endpoint = "table/save_view")]
pub async fn save_view(
    org: String,
    project: String,
    page: ViewPage,
    #[server(default)] name: String,
    #[server(default)] query: String,
    shared: Option<bool>,
    is_default: Option<bool>,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let input = slipway_portal::table::ViewInput {
        name,
        query,
        shared: shared.unwrap_or_default(),
        is_default: is_default.unwrap_or_default(),
    };
    slipway_portal::table::save_view(&ctx, &org, &project, page, input).await?;
    Ok(())
}

/// Changes a view.
#[server(name = EditView, prefix = "/api/fn", endpoint = "table/edit_view")]
pub async fn edit_view(
    org: String,
    project: String,
    id: SavedViewId,
    version: i64,
    #[server(default)] name: String,
    #[server(default)] query: String,
    shared: Option<bool>,
    is_default: Option<bool>,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let input = slipway_portal::table::ViewInput {
        name,
        query,
        shared: shared.unwrap_or_default(),
        is_default: is_default.unwrap_or_default(),
    };
    Ok(slipway_portal::table::update_view(&ctx, &org, &project, id, input, Some(version)).await?)
}

/// Takes a view away.
#[server(name = RemoveView, prefix = "/api/fn", endpoint = "table/remove_view")]
pub async fn remove_view(org: String, project: String, id: SavedViewId) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::table::remove_view(&ctx, &org, &project, id).await?)
}
