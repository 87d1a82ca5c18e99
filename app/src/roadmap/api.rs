//! Server functions about the roadmap.

use crate::AppError;
use leptos::prelude::*;
use server_fn::codec::GetUrl;
use slipway_domain::roadmap::Roadmap;

/// The epics over time.
#[server(name = ReadRoadmap, prefix = "/api/fn", endpoint = "roadmap/view", input = GetUrl)]
pub async fn read_roadmap(org: String, project: String) -> Result<Roadmap, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::roadmap::view(&ctx, &org, &project).await?)
}
