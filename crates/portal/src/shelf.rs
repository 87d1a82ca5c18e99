//! Files that lie in an object storage: how they get there, are read, and go.
//!
//! An object is written down before it is sent, in a row that the transaction which attaches its file takes back. What
//! dies in between leaves that row, and so the object is found and taken away an hour later. A file that goes leaves a
//! row for its object in its own transaction. No call is made while a transaction is open.

use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::jobs::Next;
use crate::ports::{Shelf, ShelfError};
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use slipway_domain::id::AttachmentId;
use slipway_domain::project::Place;
use slipway_domain::text::Text;
use slipway_domain::time::SECOND;
use std::sync::Arc;

/// How long an object may be on its way in, in µs: far longer than any upload.
const GIVEN_UP: i64 = 3600 * SECOND;

/// The key of the job that sweeps.
pub const JOB: &str = "sweep_shelf";

/// How many objects one turn takes away.
const AT_ONCE: i64 = 100;

/// The bytes of a file, read as they are asked for.
pub type Pieces = BoxStream<'static, Result<Bytes>>;

/// The shelf.
///
/// # Errors
/// [`Error::Unavailable`] where the configuration names none.
pub(crate) fn of(ctx: &OpCtx) -> Result<&Arc<dyn Shelf>> {
    ctx.portal().shelving.shelf.as_ref().ok_or(Error::Unavailable {
        code: "attachments",
        text: Text::new(
            "This file lies in an object storage that the configuration does not name any more. Tell who runs this Slipway to put it back into [attachments].",
            "该文件位于对象存储中，但当前配置未指定对象存储。请告知管理员在 [attachments] 中恢复配置。",
        ),
    })
}

/// Sends the bytes of a file, and answers the key that they lie under: for the transaction that attaches it, which must
/// say so by [`ShelfTx::object_arrived`](crate::ports::ShelfTx::object_arrived).
///
/// # Errors
/// [`Error::Unavailable`]; what was written down or sent is taken away later.
pub(crate) async fn send(ctx: &OpCtx, place: &Place, id: AttachmentId, content: &[u8]) -> Result<String> {
    let shelf = of(ctx)?;
    let project = place
        .project
        .as_ref()
        .map_or_else(String::new, |project| project.id.to_string());
    let key = format!("{}/{project}/{id}", place.org.id);
    let mut change = ctx.change().await?;
    change.bookkeeping();
    change.tx().object_arrives(&key, ctx.now()).await?;
    change.commit().await?;
    shelf
        .put(&key, Bytes::copy_from_slice(content))
        .await
        .map_err(unavailable)?;
    Ok(key)
}

/// Reads what lies under `key`, which must be `size` bytes long.
///
/// # Errors
/// [`Error::Unavailable`], also in the stream, which ends with an error where it is shorter or longer.
pub(crate) async fn read(ctx: &OpCtx, key: &str, size: i64) -> Result<Pieces> {
    let held = of(ctx)?.get(key).await.map_err(unavailable)?;
    if let Some(found) = held.size.and_then(|found| i64::try_from(found).ok())
        && found != size
    {
        return Err(unavailable(ShelfError::Length { wanted: size, found }));
    }
    Ok(whole(held.pieces, size).boxed())
}

/// `pieces`, and an error where they are not `size` bytes in all.
fn whole(
    pieces: BoxStream<'static, Result<Bytes, ShelfError>>,
    size: i64,
) -> impl futures::Stream<Item = Result<Bytes>> + Send {
    stream::unfold(Some((pieces, 0)), move |state| async move {
        let (mut pieces, seen) = state?;
        let wrong = |found| Err(unavailable(ShelfError::Length { wanted: size, found }));
        match pieces.next().await {
            Some(Ok(piece)) => {
                let seen = seen + i64::try_from(piece.len()).unwrap_or(i64::MAX);
                if seen > size {
                    return Some((wrong(seen), None));
                }
                Some((Ok(piece), Some((pieces, seen))))
            }
            Some(Err(error)) => Some((Err(unavailable(error)), None)),
            None if seen == size => None,
            None => Some((wrong(seen), None)),
        }
    })
}

/// Takes away what no file names: what was to go, and what never arrived.
///
/// # Errors
/// The database or the storage does not answer; what was not taken away yet is tried again.
pub(crate) async fn sweep(ctx: &OpCtx) -> Result<Next> {
    let again = Next::At(ctx.now().plus(GIVEN_UP));
    let Some(shelf) = &ctx.portal().shelving.shelf else {
        return Ok(again);
    };
    let mut change = ctx.change().await?;
    change.bookkeeping();
    let keys = change
        .tx()
        .objects_leaving(ctx.now().plus(-GIVEN_UP), AT_ONCE)
        .await?;
    change.commit().await?;
    let more = i64::try_from(keys.len()).is_ok_and(|found| found == AT_ONCE);
    // One that the storage does not let go keeps no other one there.
    let mut failed = None;
    for key in keys {
        match shelf.delete(&key).await {
            Ok(()) => {}
            Err(error @ (ShelfError::Unreachable(_) | ShelfError::TimedOut)) => {
                return Err(unavailable(error));
            }
            Err(error) => {
                failed = Some(error);
                continue;
            }
        }
        let mut change = ctx.change().await?;
        change.bookkeeping();
        change.tx().object_left(&key).await?;
        change.commit().await?;
    }
    if let Some(error) = failed {
        return Err(unavailable(error));
    }
    Ok(if more { Next::At(ctx.now()) } else { again })
}

#[expect(clippy::needless_pass_by_value, reason = "maps what a call returned")]
fn unavailable(error: ShelfError) -> Error {
    tracing::warn!(%error, "the object storage of files");
    Error::Unavailable {
        code: "attachments",
        text: error.text(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read_whole(pieces: Vec<Result<Bytes, ShelfError>>, size: i64) -> (Vec<u8>, bool) {
        let mut read = Vec::new();
        let mut pieces = Box::pin(whole(stream::iter(pieces).boxed(), size));
        while let Some(piece) = pieces.next().await {
            match piece {
                Ok(piece) => read.extend_from_slice(&piece),
                Err(_) => return (read, false),
            }
        }
        (read, true)
    }

    #[tokio::test]
    async fn a_file_is_as_long_as_it_was_or_an_error() {
        let pieces = || vec![Ok(Bytes::from_static(b"ab")), Ok(Bytes::from_static(b"c"))];
        assert_eq!(read_whole(pieces(), 3).await, (b"abc".to_vec(), true));
        assert!(!read_whole(pieces(), 4).await.1, "it was cut");
        assert_eq!(read_whole(pieces(), 2).await, (b"ab".to_vec(), false));
        let lost = vec![Ok(Bytes::from_static(b"ab")), Err(ShelfError::TimedOut)];
        assert_eq!(read_whole(lost, 3).await, (b"ab".to_vec(), false));
        assert_eq!(read_whole(Vec::new(), 0).await, (Vec::new(), true));
    }
}
