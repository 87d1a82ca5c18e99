//! The last known state of what is read from GitLab for a page: kept when GitLab answers, shown when it does not.

use crate::access::{self, App, Authorized, may};
use crate::connection::Link;
use crate::context::OpCtx;
use crate::error::Result;
use crate::ports::{ForgeError, Snapshot, SnapshotKind};
use serde::Serialize;
use serde::de::DeserializeOwned;
use slipway_domain::text::Text;
use slipway_domain::time::{MINUTE, Timestamp};

/// How old a note that nothing changed may be before it is written again, in µs.
const NOTE_EVERY: i64 = MINUTE;

/// Something as GitLab said it.
pub(crate) struct Known<T> {
    /// It; `None`: GitLab never said it.
    pub(crate) value: Option<T>,
    /// When GitLab said it.
    pub(crate) as_of: Option<Timestamp>,
    /// Why GitLab says nothing now.
    pub(crate) trouble: Option<Text>,
}

/// What GitLab answered, kept for later; where it did not answer, what it said last.
///
/// # Errors
/// The database does not answer.
pub(crate) async fn known<T: Serialize + DeserializeOwned + Send + Sync>(
    ctx: &OpCtx,
    app: &Authorized<App, may::See>,
    link: &Link,
    (kind, subject): (SnapshotKind, &str),
    answer: Result<T, ForgeError>,
) -> Result<Known<T>> {
    match link.heard(ctx, answer).await {
        Ok(value) => {
            let now = ctx.now();
            keep(ctx, app, (kind, subject), &value, now).await?;
            Ok(Known {
                value: Some(value),
                as_of: Some(now),
                trouble: None,
            })
        }
        Err(error) => last(ctx, app, (kind, subject), error.text()).await,
    }
}

/// What GitLab said last.
///
/// # Errors
/// The database does not answer.
pub(crate) async fn last<T: DeserializeOwned>(
    ctx: &OpCtx,
    app: &Authorized<App, may::See>,
    (kind, subject): (SnapshotKind, &str),
    trouble: Text,
) -> Result<Known<T>> {
    let kept = ctx.read().await?.snapshot(app, kind, subject).await?;
    let as_of = kept.as_ref().map(|kept| kept.seen_at);
    // What an older Slipway kept in another shape is as good as nothing.
    let value = kept.and_then(|kept| serde_json::from_str(&kept.content).ok());
    Ok(Known {
        as_of: as_of.filter(|_| value.is_some()),
        value,
        trouble: Some(trouble),
    })
}

/// Keeps what GitLab said. It is no change of the reader's, so that whoever only reads causes it, too.
async fn keep<T: Serialize>(
    ctx: &OpCtx,
    app: &Authorized<App, may::See>,
    (kind, subject): (SnapshotKind, &str),
    value: &T,
    now: Timestamp,
) -> Result<()> {
    let content = serde_json::to_string(value).map_err(crate::error::Error::internal)?;
    let kept = ctx.read().await?.snapshot(app, kind, subject).await?;
    if kept.is_some_and(|kept| kept.content == content && now.since(kept.seen_at) < NOTE_EVERY) {
        return Ok(());
    }
    let system = ctx.portal().system(ctx.request_id());
    let Ok(app) = access::app_by_id::<may::PipelineRun>(&system, app.id()).await else {
        // Archived, or switched off: nothing of it changes.
        return Ok(());
    };
    let snapshot = Snapshot {
        content,
        seen_at: now,
    };
    let mut change = system.change().await?;
    change.bookkeeping();
    change
        .tx()
        .put_snapshot(&app.modify(), kind, subject, &snapshot)
        .await?;
    change.commit().await
}
