//! Server functions about releases.

use crate::AppError;
use leptos::prelude::*;
use server_fn::codec::GetUrl;
use slipway_domain::release::ReleaseList;
use slipway_domain::release::ReleaseView;

/// The releases of an app, newest first.
#[server(name = ReadReleases, prefix = "/api/fn", endpoint = "release/list", input = GetUrl)]
pub async fn read_releases(
    org: String,
    project: String,
    app: String,
    older_than: Option<String>,
) -> Result<ReleaseList, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::release::list(&ctx, &org, &project, &app, older_than.as_deref()).await?)
}

/// One release.
#[server(name = ReadRelease, prefix = "/api/fn", endpoint = "release/view", input = GetUrl)]
pub async fn read_release(
    org: String,
    project: String,
    app: String,
    version: String,
) -> Result<ReleaseView, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::release::view(&ctx, &org, &project, &app, &version).await?)
}
