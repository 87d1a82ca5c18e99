//! The logs of jobs: fetched piece by piece while they grow, kept, and shown in windows.

use super::sync::Look;
use crate::access::{self, may};
use crate::connection::Link;
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::ports::{ForgeError, JobRecord, RunRecord, StoreError, Trace};
use futures::future::join_all;
use parking_lot::Mutex;
use slipway_domain::id::JobId;
use slipway_domain::pipeline::log::{LogLine, LogParser, first_error_line};
use slipway_domain::run::{LogWindow, RunStatus};
use slipway_domain::text::Text;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The most lines of a window.
pub const MOST_LINES: usize = 500;
/// How many logs are fetched at a time.
const AT_ONCE: usize = 4;
/// How many bytes of logs are kept in memory once they are parsed, and for how long.
const KEPT_BYTES: usize = 64 * 1024 * 1024;
const KEPT_FOR: Duration = Duration::from_mins(5);
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Download {
    /// What to call it.
    pub name: String,
    /// As the job wrote it.
    pub bytes: Vec<u8>,
}

/// A window of a job's log: up to `count` lines (at most [`MOST_LINES`]) from line `first` (from 1). A window that
/// would begin after the end is the last one.
///
/// # Errors
/// As [`access::app`]; [`Error::NotFound`] where there is no such run or job.
pub async fn log(ctx: &OpCtx, at: &JobAt<'_>, first: usize, count: usize) -> Result<LogWindow> {
    let app = access::app::<may::See>(ctx, at.org, at.project, at.app).await?;
    let mut tx = ctx.read().await?;
    let run = tx.run_by_number(&app, at.number).await?.ok_or(Error::NotFound)?;
    let job = tx.job(&app, run.row.id, at.job).await?.ok_or(Error::NotFound)?;
    let state = tx.repository_state(&app).await?;
    let cache = &ctx.portal().memory().logs;
    let cached = cache.take(job.row.id, job.log_bytes);
    let from = cached.as_ref().map_or(0, |parsed| parsed.bytes);
    let new = if from < job.log_bytes {
        tx.log(&app, job.row.id, from).await?
    } else {
        Vec::new()
    };
    drop(tx);
    let (id, complete) = (job.row.id, job.log_complete);
    let (window, parsed) = tokio::task::spawn_blocking(move || {
        let mut parsed = cached.unwrap_or_default();
        parsed.push(&new, complete);
        let window = parsed.window(first, count.clamp(1, MOST_LINES));
        (window, parsed)
    })
    .await
    .map_err(Error::internal)?;
    cache.put(id, parsed);
    let trouble = match (window.total, has_log(&job), &state.trouble) {
        (0, true, Some(trouble)) => Some(trouble.clone()),
        (0, false, _) => Some(Text::new(
            "The job has not written anything yet.",
            "作业尚未输出任何内容。",
        )),
        _ => None,
    };
    Ok(LogWindow {
        job: id,
        lines: window.lines,
        first: window.first,
        total: window.total,
        first_error: window.first_error,
        complete,
        trouble,
    })
}

/// A job's log as it was written.
///
/// # Errors
/// As [`log`].
pub async fn download(ctx: &OpCtx, at: &JobAt<'_>) -> Result<Download> {
    let app = access::app::<may::See>(ctx, at.org, at.project, at.app).await?;
    let mut tx = ctx.read().await?;
    let run = tx.run_by_number(&app, at.number).await?.ok_or(Error::NotFound)?;
    let job = tx.job(&app, run.row.id, at.job).await?.ok_or(Error::NotFound)?;
    let bytes = tx.log(&app, job.row.id, 0).await?;
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || "-_.".contains(c) {
            c
        } else {
            '-'
        }
    };
    let name: String = job.row.name.chars().take(60).map(plain).collect();
    Ok(Download {
        name: format!("{}-{}-{name}.log", app.app.slug, at.number),
        bytes,
    })
}

/// A log as far as it was parsed.
#[derive(Default)]
struct Parsed {
    parser: LogParser,
    /// How many bytes went into `parser`.
    bytes: i64,
    /// Once the log is whole: all lines, the last one without its line break included, and where the error is.
    whole: Option<(Arc<Vec<LogLine>>, Option<usize>)>,
}

struct Window {
    lines: Vec<LogLine>,
    first: usize,
    total: usize,
    first_error: Option<usize>,
}

impl Parsed {
    fn push(&mut self, new: &[u8], complete: bool) {
        self.parser.push(new);
        self.bytes += i64::try_from(new.len()).unwrap_or(0);
        if complete && self.whole.is_none() {
            let lines = std::mem::take(&mut self.parser).finish().lines;
            let error = first_error_line(&lines);
            self.whole = Some((Arc::new(lines), error));
        }
    }

    fn window(&self, first: usize, count: usize) -> Window {
        let (lines, first_error) = match &self.whole {
            Some((lines, error)) => (lines.as_slice(), *error),
            None => (self.parser.log().lines.as_slice(), None),
        };
        let total = lines.len();
        let begin = if first > total {
            total.saturating_sub(count - 1).max(1)
        } else {
            first.max(1)
        };
        let end = (begin - 1 + count).min(total);
        Window {
            lines: lines[(begin - 1).min(total)..end].to_vec(),
            first: begin,
            total,
            first_error,
        }
    }
}

/// Logs that were read lately. One that is being read is not in it, so that two readers never share a parser.
#[derive(Default)]
pub(crate) struct LogCache(Mutex<Vec<(JobId, Instant, Parsed)>>);

impl LogCache {
    /// What is known of a log of `bytes` bytes; nothing where it was replaced by a shorter one.
    fn take(&self, job: JobId, bytes: i64) -> Option<Parsed> {
        let mut kept = self.0.lock();
        let at = kept.iter().position(|(id, ..)| *id == job)?;
        let (_, _, parsed) = kept.remove(at);
        Some(parsed).filter(|parsed| parsed.bytes <= bytes)
    }

    fn put(&self, job: JobId, parsed: Parsed) {
        let mut kept = self.0.lock();
        kept.retain(|(id, used, _)| *id != job && used.elapsed() < KEPT_FOR);
        kept.push((job, Instant::now(), parsed));
        let size = |parsed: &Parsed| usize::try_from(parsed.bytes).unwrap_or(0);
        let mut total: usize = kept.iter().map(|(_, _, parsed)| size(parsed)).sum();
        while total > KEPT_BYTES && kept.len() > 1 {
            let (_, _, oldest) = kept.remove(0);
            total -= size(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str, complete: bool) -> Parsed {
        let mut parsed = Parsed::default();
        parsed.push(text.as_bytes(), complete);
        parsed
    }

    #[test]
    fn a_window_never_leaves_the_log() {
        let ten: String = (1..=10)
            .flat_map(|n| [String::from("line "), n.to_string(), String::from("\n")])
            .collect();
        let log = parsed(&ten, true);
        let window = log.window(4, 3);
        assert_eq!((window.first, window.total, window.lines.len()), (4, 10, 3));
        assert_eq!(window.lines[0].text(), "line 4");
        let past = log.window(99, 3);
        assert_eq!((past.first, past.lines.len()), (8, 3));
        let before = log.window(0, 3);
        assert_eq!((before.first, before.lines[0].number), (1, 1));
        let empty = parsed("", false).window(1, 500);
        assert_eq!((empty.first, empty.total, empty.lines.len()), (1, 0, 0));
    }

    #[test]
    fn a_log_that_grows_is_parsed_once() {
        let mut log = parsed("one\ntw", false);
        assert_eq!(log.window(1, 500).total, 1);
        log.push(b"o\nerror: th", false);
        assert_eq!(log.window(2, 500).lines[0].text(), "two");
        log.push(b"ree", true);
        let window = log.window(1, 500);
        assert_eq!(window.lines[2].text(), "error: three");
        assert_eq!(window.first_error, Some(3));
    }
}
