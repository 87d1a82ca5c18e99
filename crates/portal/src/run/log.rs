//! The logs of jobs: fetched piece by piece while they grow, kept, and shown in windows.

use super::sync::Look;
use super::window::Pieces;
use crate::access::{self, may};
use crate::connection::Link;
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::ports::{ForgeError, JobRecord, RunRecord, StoreError, Trace};
use futures::future::join_all;
use futures::stream::{self, BoxStream, StreamExt as _};
use slipway_domain::id::JobId;
use slipway_domain::run::{LogWindow, RunStatus};
use slipway_domain::text::Text;

/// The most lines of a window.
pub const MOST_LINES: usize = 500;
/// Lines that stand above one that was found.
const ABOVE: usize = 8;
/// How many logs are fetched at a time.
const AT_ONCE: usize = 4;
/// What ends a log that GitLab does not hand out whole.
const CUT: &str = "\n[slipway] the log is larger than 64 MiB; the whole of it is in GitLab\n";

impl Look<'_> {
    /// Stores what is new of the logs; whether all that ended are whole. `None`: GitLab stopped answering.
    pub(super) async fn logs(&self, run: &RunRecord, jobs: &[JobRecord]) -> Result<Option<bool>> {
        let wanted: Vec<&JobRecord> = jobs
            .iter()
            .filter(|job| has_log(job) && !job.log_complete)
            .collect();
        let mut whole = true;
        for some in wanted.chunks(AT_ONCE) {
            let asked: Vec<_> = some.iter().map(|job| fetch(&self.link, job)).collect();
            for (job, trace) in some.iter().zip(join_all(asked).await) {
                let trace = match trace {
                    Ok(trace) => trace,
                    // An erased log, or one that is too large: what is known of it is all there will be.
                    Err(ForgeError::NotFound(_) | ForgeError::Forbidden(_)) => Trace::Rest(Vec::new()),
                    Err(ForgeError::Refused(_)) => Trace::Rest(CUT.as_bytes().to_vec()),
                    Err(error) => {
                        // It is noted at the connection; here it only means "later".
                        let _ = self.link.heard::<()>(self.ctx, Err(error)).await;
                        return Ok(None);
                    }
                };
                whole &= self.keep(run, job, trace).await?;
            }
        }
        Ok(Some(whole))
    }

    /// Stores a piece; whether the job's log is whole now, as far as it must be.
    async fn keep(&self, run: &RunRecord, job: &JobRecord, trace: Trace) -> Result<bool> {
        let ended = ended(job);
        let known = usize::try_from(job.log_bytes).unwrap_or(0);
        let (clear, bytes) = match trace {
            Trace::Rest(bytes) => (false, bytes),
            Trace::Whole(bytes) if bytes.len() >= known => (false, bytes[known..].to_vec()),
            Trace::Whole(bytes) => (true, bytes),
        };
        if bytes.is_empty() && !clear && !ended {
            return Ok(true);
        }
        let modify = self.app.modify();
        let mut change = self.ctx.change().await?;
        change.bookkeeping();
        if clear {
            change.tx().clear_log(&modify, job.row.id).await?;
        }
        if !bytes.is_empty() {
            let at = if clear { 0 } else { job.log_bytes };
            match change.tx().append_log(&modify, job.row.id, at, &bytes).await {
                Ok(()) => {}
                // Another look was faster; the next one goes on from where it got to.
                Err(StoreError::Gone | StoreError::Constraint(_)) => return Ok(!ended),
                Err(error) => return Err(error.into()),
            }
        }
        if ended {
            change.tx().complete_log(&modify, job.row.id).await?;
        }
        let place = self.app.place();
        change.touch("log", job.row.id, &place);
        if ended {
            change.touch("run", run.row.id, &place);
        }
        change.commit().await?;
        Ok(true)
    }
}

async fn fetch(link: &Link, job: &JobRecord) -> Result<Trace, ForgeError> {
    let from = u64::try_from(job.log_bytes).unwrap_or(0);
    link.forge.trace(link.project(), job.row.forge_id, from).await
}

/// Whether a job ever wrote something.
fn has_log(job: &JobRecord) -> bool {
    match job.row.status {
        RunStatus::Running | RunStatus::Success | RunStatus::Failed | RunStatus::Canceling => true,
        RunStatus::Canceled => job.row.started_at.is_some(),
        _ => false,
    }
}

fn ended(job: &JobRecord) -> bool {
    matches!(
        job.row.status,
        RunStatus::Success | RunStatus::Failed | RunStatus::Canceled
    )
}

/// A job and where it is.
#[derive(Clone, Copy, Debug)]
pub struct JobAt<'a> {
    /// The organization's slug.
    pub org: &'a str,
    /// The project's slug.
    pub project: &'a str,
    /// The app's slug.
    pub app: &'a str,
    /// The run's number.
    pub number: i64,
    /// The job.
    pub job: JobId,
}

/// A job's log, to be saved as a file.
pub struct Download {
    /// What to call it.
    pub name: String,
    /// In bytes.
    pub size: i64,
    /// As the job wrote it, in pieces of at most 256 KiB that are read as they are asked for.
    pub pieces: BoxStream<'static, Result<Vec<u8>>>,
}

/// A window of a job's log: up to `count` lines (at most [`MOST_LINES`]) from line `first` (from 1). A window that
/// would begin after the end is the last one.
///
/// # Errors
/// As [`access::app`]; [`Error::NotFound`] where there is no such run or job.
pub async fn log(ctx: &OpCtx, at: &JobAt<'_>, first: usize, count: usize) -> Result<LogWindow> {
    shown(ctx, at, Wanted::From(first), count).await
}

/// The window of a job's log around the line that has a text: the `nth` of them, from 1, after the last the first again, and
/// 0 the last. It is looked for in the whole log, whatever the case of its letters. Where no line has it, the end.
///
/// # Errors
/// As [`log`].
pub async fn find(ctx: &OpCtx, at: &JobAt<'_>, text: &str, nth: usize, count: usize) -> Result<LogWindow> {
    shown(ctx, at, Wanted::Text(text, nth), count).await
}

/// What is shown of a log.
enum Wanted<'a> {
    /// The lines from this one on.
    From(usize),
    /// The lines around the nth that has a text.
    Text(&'a str, usize),
}

async fn shown(ctx: &OpCtx, at: &JobAt<'_>, wanted: Wanted<'_>, count: usize) -> Result<LogWindow> {
    let app = access::app::<may::SeePipelines>(ctx, at.org, at.project, at.app)
        .await?
        .see();
    let mut tx = ctx.read().await?;
    let run = tx.run_by_number(&app, at.number).await?.ok_or(Error::NotFound)?;
    let job = tx.job(&app, run.row.id, at.job).await?.ok_or(Error::NotFound)?;
    let state = tx.repository_state(&app).await?;
    let cache = &ctx.portal().memory().logs;
    let mut pieces = Pieces {
        tx: &mut *tx,
        app: &app,
        job: &job,
    };
    let index = pieces.index(cache.take(&job)).await?;
    let (first, found) = match wanted {
        Wanted::From(first) => (first, None),
        Wanted::Text(text, nth) => {
            let found = pieces.find(&index, text, nth).await?;
            let first = match found.line {
                0 => usize::MAX,
                line => line.saturating_sub(ABOVE).max(1),
            };
            (first, Some(found))
        }
    };
    let window = pieces.window(&index, first, count.clamp(1, MOST_LINES)).await?;
    drop(tx);
    cache.put(job.row.id, index);
    let trouble = match (window.total, has_log(&job), &state.trouble) {
        (0, true, Some(trouble)) => Some(trouble.clone()),
        (0, false, _) => Some(Text::new(
            "The job has not written anything yet.",
            "作业尚未输出任何内容。",
        )),
        _ => None,
    };
    Ok(LogWindow {
        job: job.row.id,
        lines: window.lines,
        first: window.first,
        total: window.total,
        first_error: window.first_error,
        complete: job.log_complete,
        trouble,
        found,
    })
}

/// A job's log as it was written, piece by piece.
///
/// # Errors
/// As [`log`]. A piece is an error where the database does not answer, or the log was replaced meanwhile.
pub async fn download(ctx: &OpCtx, at: &JobAt<'_>) -> Result<Download> {
    let app = access::app::<may::SeePipelines>(ctx, at.org, at.project, at.app)
        .await?
        .see();
    let mut tx = ctx.read().await?;
    let run = tx.run_by_number(&app, at.number).await?.ok_or(Error::NotFound)?;
    let job = tx.job(&app, run.row.id, at.job).await?.ok_or(Error::NotFound)?;
    drop(tx);
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || "-_.".contains(c) {
            c
        } else {
            '-'
        }
    };
    let name: String = job.row.name.chars().take(60).map(plain).collect();
    let name = format!("{}-{}-{name}.log", app.app.slug, at.number);
    let (id, size) = (job.row.id, job.log_bytes);
    // No connection is held while the reader reads.
    let pieces = stream::try_unfold((ctx.clone(), app, 0), move |(ctx, app, from)| async move {
        if from >= size {
            return Ok(None);
        }
        let piece = ctx.read().await?.log_piece(&app, id, from).await?;
        let piece = piece.ok_or_else(|| Error::internal("the log was replaced while it was read"))?;
        let next = from + i64::try_from(piece.len()).unwrap_or(0);
        Ok(Some((piece, (ctx, app, next))))
    });
    Ok(Download {
        name,
        size,
        pieces: pieces.boxed(),
    })
}
