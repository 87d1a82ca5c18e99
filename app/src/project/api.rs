//! Server functions about projects.

use crate::AppError;
use leptos::prelude::*;
use server_fn::codec::GetUrl;
use slipway_domain::project::ProjectGrid;

/// The grid of app × environment.
#[server(name = ReadGrid, prefix = "/api/fn", endpoint = "project/grid", input = GetUrl)]
pub async fn read_grid(org: String, project: String) -> Result<ProjectGrid, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::project::grid(&ctx, &org, &project).await?)
}
