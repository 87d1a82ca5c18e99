//! Archiving: everything stays readable, nothing changes and nothing starts, until the place is restored.

use super::{entry, tell, words};
use crate::access::{self, At, Managed};
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::repository;
use slipway_domain::project::Place;

/// Archives a place: an app, or without one a project, or without either an organization. What is archived already
/// stays so.
///
/// # Errors
/// [`Error::Forbidden`]; `unfinished` while promotions in it have not ended.
pub async fn archive(ctx: &OpCtx, org: &str, project: Option<&str>, app: Option<&str>) -> Result<Place> {
    let place = access::managed_place(ctx, At::new(org, project, app)).await?;
    if is_archived(&place) {
        return Ok(place.place());
    }
    let mut change = ctx.change().await?;
    let unfinished = change.tx().unfinished_in(&place).await?;
    if unfinished > 0 {
        return Err(unfinished_promotions(unfinished));
    }
    change.tx().set_archived(&place, Some(ctx.now())).await?;
    let at = place.place();
    change
        .audit(entry(words(&place).archive, &place, &at, serde_json::json!({})))
        .await?;
    tell(&mut change, &place);
    change.commit().await?;
    Ok(at)
}

/// Restores an archived place. What happened in its repositories meanwhile is looked at.
///
/// # Errors
/// [`Error::Forbidden`]; `archived_above` while a place above it is archived.
pub async fn restore(ctx: &OpCtx, org: &str, project: Option<&str>, app: Option<&str>) -> Result<Place> {
    let place = access::managed_place(ctx, At::new(org, project, app)).await?;
    let at = place.place();
    if at.archived().is_some_and(|kind| kind != place.kind()) {
        return Err(Error::refused(
            "archived_above",
            "A place above this one is archived. Restore that one first.",
            "上级已归档，请先恢复上级。",
        ));
    }
    if !is_archived(&place) {
        return Ok(at);
    }
    let mut change = ctx.change().await?;
    change.tx().set_archived(&place, None).await?;
    change
        .audit(entry(words(&place).restore, &place, &at, serde_json::json!({})))
        .await?;
    for app in change.tx().connected_in(&place).await? {
        repository::enqueue_look(&mut change, app, ctx.now()).await?;
    }
    tell(&mut change, &place);
    change.commit().await?;
    Ok(at)
}

/// Whether the place itself is archived, whatever is above it.
fn is_archived(place: &Managed) -> bool {
    match place {
        Managed::Org(org) => org.org.archived,
        Managed::Project(project) => project.project.archived,
        Managed::App(app) => app.app.archived,
    }
}

/// What to do about promotions that have not ended.
pub(super) fn unfinished_promotions(count: i64) -> Error {
    let en = match count {
        1 => String::from("A promotion here has not ended. Withdraw it or wait for its end, then try again."),
        n => format!(
            "{n} promotions here have not ended. Withdraw them or wait for their end, then try again."
        ),
    };
    Error::refused(
        "unfinished",
        en,
        format!("此处有 {count} 个晋级尚未结束。请撤回或等待其结束后重试。"),
    )
}
