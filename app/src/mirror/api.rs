//! Server functions about work items that mirror GitLab issues.

use crate::AppError;
use leptos::prelude::*;
use server_fn::codec::GetUrl;
use slipway_domain::item::ItemKind;
use slipway_domain::mirror::{MirrorField, MirrorView};

/// How an app's issues are mirrored, and how that goes.
#[server(name = ReadMirror, prefix = "/api/fn", endpoint = "mirror/view", input = GetUrl)]
pub async fn read_mirror(org: String, project: String, app: String) -> Result<MirrorView, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::mirror::view(&ctx, &org, &project, &app).await?)
}

/// Sets how an app's issues are mirrored.
#[server(name = SetMirror, prefix = "/api/fn", endpoint = "mirror/set")]
pub async fn set_mirror(
    org: String,
    project: String,
    app: String,
    on: Option<bool>,
    kind: ItemKind,
    labels: String,
    creates: Option<bool>,
    take: Option<bool>,
    version: i64,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let input = slipway_portal::mirror::Input {
        on: on.unwrap_or_default(),
        kind,
        labels,
        creates: creates.unwrap_or_default(),
        take: take.unwrap_or_default(),
        expected: Some(version),
    };
    Ok(slipway_portal::mirror::set(&ctx, &org, &project, &app, input).await?)
}

/// Settles a conflict of an item: `ours` stays, or what stands in GitLab comes here.
#[server(name = SettleMirror, prefix = "/api/fn", endpoint = "mirror/settle")]
pub async fn settle_mirror(
    org: String,
    project: String,
    number: i64,
    field: MirrorField,
    ours: bool,
    version: i64,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let at = (number, field);
    Ok(slipway_portal::mirror::settle(&ctx, &org, &project, at, ours, Some(version)).await?)
}
