//! Server functions about notices.

use crate::AppError;
use leptos::prelude::*;
use server_fn::codec::GetUrl;
use slipway_domain::id::{NoticeId, ProjectId};
use slipway_domain::notice::{NoticeKind, NoticePage, NoticeSettings};
use slipway_domain::time::Timestamp;

/// The reader's notices.
#[server(name = ReadNotices, prefix = "/api/fn", endpoint = "notice/list", input = GetUrl)]
pub async fn read_notices(unread: bool, before: Option<Timestamp>) -> Result<NoticePage, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::notice::list(&ctx, unread, before).await?)
}

/// Marks one notice, a thread or (without either) all of them.
#[server(name = MarkNotices, prefix = "/api/fn", endpoint = "notice/mark")]
pub async fn mark_notices(
    notice: Option<NoticeId>,
    thread: Option<String>,
    read: bool,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let which = slipway_portal::ports::Which::of(notice, thread);
    Ok(slipway_portal::notice::mark(&ctx, &which, read).await?)
}

/// What the reader wants to be told.
#[server(name = ReadNoticeSettings, prefix = "/api/fn", endpoint = "notice/settings", input = GetUrl)]
pub async fn read_notice_settings() -> Result<NoticeSettings, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::notice::settings(&ctx).await?)
}

/// Switches a kind on or off.
#[server(name = SetNoticeKind, prefix = "/api/fn", endpoint = "notice/kind")]
pub async fn set_notice_kind(kind: NoticeKind, on: bool) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::notice::set_kind(&ctx, kind, on).await?)
}

/// Mutes a project, or no longer.
#[server(name = MuteProject, prefix = "/api/fn", endpoint = "notice/mute")]
pub async fn mute_project(project: ProjectId, muted: bool) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::notice::mute(&ctx, project, muted).await?)
}

/// Says whether a digest comes each morning, and where that is.
#[server(name = SetDigest, prefix = "/api/fn", endpoint = "digest/set")]
pub async fn set_digest(on: Option<bool>, zone: String) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::digest::set(&ctx, on.unwrap_or_default(), &zone).await?)
}
