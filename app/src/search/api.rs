//! Server functions of the search and the palette.

use crate::AppError;
use leptos::prelude::*;
use server_fn::codec::GetUrl;
use slipway_domain::search::{Command, Found};

/// What fits `q` of what the reader sees: at most `limit` of a kind.
#[server(name = Find, prefix = "/api/fn", endpoint = "search/find", input = GetUrl)]
pub async fn find(#[server(default)] q: String, limit: usize) -> Result<Found, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::search::find(&ctx, &q, limit).await?)
}

/// What the palette offers at a place.
#[server(name = ReadCommands, prefix = "/api/fn", endpoint = "search/commands", input = GetUrl)]
pub async fn read_commands(org: Option<String>, project: Option<String>) -> Result<Vec<Command>, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::search::palette(&ctx, org.as_deref(), project.as_deref()).await?)
}
