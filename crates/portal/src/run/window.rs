//! Windows of a log. Of a log that was read only marks are kept: parsers as they were at some bytes, from which the
//! lines around are read again. So a log of any size takes little memory.

use crate::access::{App, Authorized, may};
use crate::error::Result;
use crate::ports::{JobRecord, Tx};
use parking_lot::Mutex;
use slipway_domain::id::JobId;
use slipway_domain::pipeline::log::{FirstError, LogLine, LogParser};
use slipway_domain::run::LogMatches;
use std::time::{Duration, Instant};

/// How many bytes are between two marks, at least.
const BETWEEN_MARKS: i64 = 256 * 1024;
/// The most of an incomplete line that a mark may hold.
const MOST_PENDING: usize = 4 * 1024;
/// How many logs are remembered, and for how long.
const KEPT: usize = 32;
const KEPT_FOR: Duration = Duration::from_mins(5);

/// A parser that has read so many bytes, and handed out its lines.
#[derive(Clone, Default)]
struct Mark {
    parser: LogParser,
    bytes: i64,
}

impl Mark {
    /// Takes the next piece; the lines that it completes.
    fn push(&mut self, piece: &[u8]) -> Vec<LogLine> {
        self.parser.push(piece);
        self.bytes += i64::try_from(piece.len()).unwrap_or(0);
        self.parser.take_lines()
    }
}

/// What is remembered of a log.
#[derive(Default)]
pub(super) struct Index {
    marks: Vec<Mark>,
    end: Mark,
    error: FirstError,
    /// Once the log is whole: how many lines it has, the last one without its line break included.
    whole: Option<usize>,
}

/// Lines of a log.
pub(super) struct Window {
    pub(super) lines: Vec<LogLine>,
    /// The number of the first of them.
    pub(super) first: usize,
    /// How many the log has.
    pub(super) total: usize,
    /// Where the first error seems to be, once the log is whole.
    pub(super) first_error: Option<usize>,
}

impl Index {
    /// Takes the next piece.
    fn push(&mut self, piece: &[u8]) {
        for line in self.end.push(piece) {
            self.error.see(&line);
        }
        let last = self.marks.last().map_or(0, |mark| mark.bytes);
        if self.end.bytes - last >= BETWEEN_MARKS && self.end.parser.pending() <= MOST_PENDING {
            self.marks.push(self.end.clone());
        }
    }

    /// No more will come.
    fn finish(&mut self) {
        let rest = self.end.parser.clone().finish().lines;
        for line in &rest {
            self.error.see(line);
        }
        self.whole = Some(self.end.parser.taken() + rest.len());
    }

    fn total(&self) -> usize {
        self.whole.unwrap_or_else(|| self.end.parser.count())
    }

    /// From where the line `number` can be read.
    fn before(&self, number: usize) -> Mark {
        let after = self.marks.partition_point(|mark| mark.parser.taken() < number);
        after
            .checked_sub(1)
            .map_or_else(Mark::default, |at| self.marks[at].clone())
    }

    /// The first and the last line of a window. One that would begin after the end is the last one.
    fn range(&self, first: usize, count: usize) -> (usize, usize) {
        let total = self.total();
        let first = if first > total {
            total.saturating_sub(count - 1).max(1)
        } else {
            first.max(1)
        };
        (first, total.min(first + count - 1))
    }
}

/// Where pieces come from.
pub(super) struct Pieces<'a> {
    pub(super) tx: &'a mut dyn Tx,
    pub(super) app: &'a Authorized<App, may::See>,
    pub(super) job: &'a JobRecord,
}

impl Pieces<'_> {
    async fn at(&mut self, byte: i64) -> Result<Option<Vec<u8>>> {
        if byte >= self.job.log_bytes {
            return Ok(None);
        }
        Ok(self.tx.log_piece(self.app, self.job.row.id, byte).await?)
    }

    /// Reads on to the end of what there is.
    pub(super) async fn index(&mut self, known: Option<Index>) -> Result<Index> {
        let mut index = known.unwrap_or_default();
        while let Some(piece) = self.at(index.end.bytes).await? {
            index.push(&piece);
        }
        if self.job.log_complete && index.whole.is_none() {
            index.finish();
        }
        Ok(index)
    }

    /// Up to `count` lines from line `first` (from 1) on.
    pub(super) async fn window(&mut self, index: &Index, first: usize, count: usize) -> Result<Window> {
        let (first, last) = index.range(first, count);
        let mut lines = Vec::new();
        let mut keep = |some: Vec<LogLine>| {
            lines.extend(
                some.into_iter()
                    .filter(|line| (first..=last).contains(&line.number)),
            );
        };
        let mut mark = index.before(first);
        while mark.parser.taken() < last && mark.bytes < index.end.bytes {
            let Some(piece) = self.at(mark.bytes).await? else {
                break;
            };
            keep(mark.push(&piece));
        }
        if mark.parser.taken() < last {
            keep(if index.whole.is_some() {
                mark.parser.finish().lines
            } else {
                mark.parser.log().lines.clone()
            });
        }
        Ok(Window {
            lines,
            first,
            total: index.total(),
            first_error: index.whole.and_then(|_| index.error.line()),
        })
    }
}

/// The longest text that is looked for, in characters.
const LONGEST_NEEDLE: usize = 200;

impl Pieces<'_> {
    /// Looks for a text in every line. `wanted`: which of the lines that have it, from 1; one behind the last is the first,
    /// and 0 the last.
    pub(super) async fn find(&mut self, index: &Index, text: &str, wanted: usize) -> Result<LogMatches> {
        let text: String = text.chars().take(LONGEST_NEEDLE).collect();
        let mut matches = Matches {
            needle: text.to_lowercase(),
            wanted,
            ..Matches::default()
        };
        let mut mark = Mark::default();
        while mark.bytes < index.end.bytes {
            let Some(piece) = self.at(mark.bytes).await? else {
                break;
            };
            for line in mark.push(&piece) {
                matches.see(&line);
            }
        }
        let rest = if index.whole.is_some() {
            mark.parser.finish().lines
        } else {
            mark.parser.log().lines.clone()
        };
        for line in &rest {
            matches.see(line);
        }
        Ok(matches.into_view(text))
    }
}

/// Lines that have a text.
#[derive(Default)]
struct Matches {
    /// In small letters.
    needle: String,
    wanted: usize,
    count: usize,
    first: usize,
    last: usize,
    line: usize,
}

impl Matches {
    fn see(&mut self, line: &LogLine) {
        if self.needle.is_empty() || !line.text().to_lowercase().contains(&self.needle) {
            return;
        }
        self.count += 1;
        self.last = line.number;
        if self.count == 1 {
            self.first = line.number;
        }
        if self.count == self.wanted {
            self.line = line.number;
        }
    }

    fn into_view(self, text: String) -> LogMatches {
        let (at, line) = match (self.wanted, self.count) {
            (_, 0) => (0, 0),
            (0, count) => (count, self.last),
            (wanted, count) if wanted > count => (1, self.first),
            (wanted, _) => (wanted, self.line),
        };
        LogMatches {
            text,
            count: self.count,
            at,
            line,
        }
    }
}

/// Logs that were read lately. One that is being read is not in it, so that two readers never share an index.
#[derive(Default)]
pub(crate) struct LogCache(Mutex<Vec<(JobId, Instant, Index)>>);

impl LogCache {
    /// What is known of a job's log; nothing where the log was replaced.
    pub(super) fn take(&self, job: &JobRecord) -> Option<Index> {
        let mut kept = self.0.lock();
        let at = kept.iter().position(|(id, ..)| *id == job.row.id)?;
        let (_, _, index) = kept.remove(at);
        let replaced = index.end.bytes > job.log_bytes
            || index.whole.is_some() && (!job.log_complete || index.end.bytes < job.log_bytes);
        Some(index).filter(|_| !replaced)
    }

    pub(super) fn put(&self, job: JobId, index: Index) {
        let mut kept = self.0.lock();
        kept.retain(|(id, used, _)| *id != job && used.elapsed() < KEPT_FOR);
        if kept.len() >= KEPT {
            kept.remove(0);
        }
        kept.push((job, Instant::now(), index));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(pieces: &[&[u8]], whole: bool) -> Index {
        let mut index = Index::default();
        for piece in pieces {
            index.push(piece);
        }
        if whole {
            index.finish();
        }
        index
    }

    #[test]
    fn a_window_never_leaves_the_log() {
        let ten = "line\n".repeat(10);
        let log = index(&[ten.as_bytes()], true);
        assert_eq!(log.range(4, 3), (4, 6));
        assert_eq!(log.range(99, 3), (8, 10));
        assert_eq!(log.range(0, 3), (1, 3));
        assert_eq!(log.range(9, 500), (9, 10));
        assert_eq!(index(&[], false).range(1, 500), (1, 0));
    }

    #[test]
    fn a_text_is_found_whatever_its_case_and_the_last_follows_the_first() {
        let text = "Error: one\nfine\n\u{1b}[31merror\u{1b}[0m: two\nERROR three\n";
        let mut parser = LogParser::default();
        parser.push(text.as_bytes());
        let lines = parser.finish().lines;
        let found = |needle: &str, wanted: usize| {
            let mut matches = Matches {
                needle: needle.to_lowercase(),
                wanted,
                ..Matches::default()
            };
            for line in &lines {
                matches.see(line);
            }
            let view = matches.into_view(needle.to_owned());
            (view.count, view.at, view.line)
        };
        assert_eq!(found("error", 1), (3, 1, 1));
        assert_eq!(found("error", 2), (3, 2, 3));
        assert_eq!(found("error", 4), (3, 1, 1));
        assert_eq!(found("error", 0), (3, 3, 4));
        assert_eq!(found("nothing", 1), (0, 0, 0));
        assert_eq!(found("", 1), (0, 0, 0));
    }

    #[test]
    fn a_line_counts_when_its_break_has_come_or_at_the_end() {
        let mut log = index(&[b"one\ntw"], false);
        assert_eq!(log.total(), 1);
        log.push(b"o\nerror: th");
        assert_eq!((log.total(), log.error.line()), (2, None));
        log.push(b"ree");
        log.finish();
        assert_eq!((log.total(), log.error.line()), (3, Some(3)));
    }

    #[test]
    fn a_large_log_leaves_only_marks_behind() {
        let mut log = Index::default();
        for _ in 0..6 {
            // The shortest lines there are, and one that is never complete.
            log.push(&vec![b'\n'; 512 * 1024]);
            log.push(&vec![b'x'; 512 * 1024]);
        }
        log.finish();
        assert!(log.total() > 6 * 512 * 1024);
        assert!(log.marks.len() <= 12, "{}", log.marks.len());
        for mark in &log.marks {
            assert!(mark.parser.log().lines.len() <= 1 && mark.parser.pending() <= MOST_PENDING);
        }
        let near = log.before(2_000_000);
        assert!(near.parser.taken() < 2_000_000 && near.parser.taken() > 1_000_000);
    }
}
