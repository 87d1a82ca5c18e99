//! Server functions about freeze windows.

use crate::AppError;
use leptos::prelude::*;
use server_fn::codec::GetUrl;
#[cfg(feature = "ssr")]
use slipway_domain::environment::Tier;
use slipway_domain::freeze::{Effect, FreezeCalendar};
use slipway_domain::id::FreezeId;
#[cfg(feature = "ssr")]
use slipway_portal::access::At;

/// The windows of a place and of those above it, with a month of them.
#[server(name = ReadFreezes, prefix = "/api/fn", endpoint = "freeze/calendar", input = GetUrl)]
pub async fn read_freezes(
    org: String,
    project: Option<String>,
    app: Option<String>,
    month: Option<String>,
    zone: Option<String>,
) -> Result<FreezeCalendar, AppError> {
    let ctx = crate::ctx()?;
    let at = At::new(&org, project.as_deref(), app.as_deref());
    Ok(slipway_portal::freeze::calendar(&ctx, at, month.as_deref(), zone.as_deref()).await?)
}

/// Makes a window, or changes the one of that id (empty: none). Times are local in the zone, as in `2026-12-24T18:00`; tiers by their keys.
#[server(name = KeepFreeze, prefix = "/api/fn", endpoint = "freeze/keep")]
pub async fn keep_freeze(
    org: String,
    project: Option<String>,
    app: Option<String>,
    id: String,
    name: String,
    reason: String,
    effect: Effect,
    zone: String,
    start: String,
    end: String,
    repeats: String,
    #[server(default)] tiers: Vec<String>,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let at = At::new(&org, project.as_deref(), app.as_deref());
    let input = slipway_portal::freeze::Input {
        name,
        reason,
        effect,
        zone,
        start,
        end,
        repeats,
        tiers: tiers.iter().filter_map(|key| Tier::from_key(key)).collect(),
    };
    if id.is_empty() {
        slipway_portal::freeze::create(&ctx, at, input).await?;
        return Ok(());
    }
    let id = id.parse().map_err(|_| slipway_portal::Error::NotFound)?;
    Ok(slipway_portal::freeze::edit(&ctx, at, id, input).await?)
}

/// Removes a window of the place.
#[server(name = RemoveFreeze, prefix = "/api/fn", endpoint = "freeze/remove")]
pub async fn remove_freeze(
    org: String,
    project: Option<String>,
    app: Option<String>,
    id: FreezeId,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let at = At::new(&org, project.as_deref(), app.as_deref());
    Ok(slipway_portal::freeze::remove(&ctx, at, id).await?)
}
