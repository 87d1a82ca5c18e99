//! Server functions about releases.

use crate::AppError;
use leptos::prelude::*;
use server_fn::codec::GetUrl;
use slipway_domain::comparison::{CommitPlaces, ComparisonView};
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

/// Two releases side by side, or what runs in two environments: each a version, or `@` and an environment's key.
#[server(name = ReadComparison, prefix = "/api/fn", endpoint = "release/compare", input = GetUrl)]
pub async fn read_comparison(
    org: String,
    project: String,
    app: String,
    from: String,
    to: String,
) -> Result<ComparisonView, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::comparison::compare(&ctx, (&org, &project, &app), &from, &to).await?)
}

/// Where a commit is.
#[server(name = ReadCommit, prefix = "/api/fn", endpoint = "release/commit", input = GetUrl)]
pub async fn read_commit(
    org: String,
    project: String,
    app: String,
    commit: String,
) -> Result<CommitPlaces, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::comparison::where_is(&ctx, (&org, &project, &app), &commit).await?)
}

/// Marks a release defective, for good.
#[server(name = MarkDefective, prefix = "/api/fn", endpoint = "release/defective")]
pub async fn mark_defective(
    org: String,
    project: String,
    app: String,
    version: String,
    why: String,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::release::mark_defective(&ctx, &org, &project, &app, &version, &why).await?)
}
