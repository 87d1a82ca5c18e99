//! From bytes to lines.

use super::ansi::{apply, escape};
use super::{Log, LogLine, Section, SectionHead, Span, Style};

/// Reads a log that grows. A line counts when its line break has come, or at the end.
#[derive(Debug, Clone, Default)]
pub struct LogParser {
    log: Log,
    /// Lines that were handed out, and sections that went with them.
    taken: usize,
    gone: usize,
    /// Bytes of a line that is not complete.
    rest: Vec<u8>,
    style: Style,
    /// The open sections, outermost first.
    open: Vec<Open>,
    line: Line,
}

/// A section that is open.
#[derive(Debug, Clone)]
struct Open {
    name: String,
    /// Its place among all sections of the log.
    index: usize,
}

/// The line that is being written.
#[derive(Debug, Clone, Default)]
struct Line {
    spans: Vec<Span>,
    /// Text of the present style, perhaps not UTF-8.
    text: Vec<u8>,
    opens: Option<SectionHead>,
    time: Option<String>,
    /// A carriage return came: what is written next begins anew.
    restart: bool,
    /// It is the rest of the line before.
    joins: bool,
    /// A marker stood on the line: when nothing else does, there is no line.
    only_marker: bool,
}

impl LogParser {
    /// In bytes; what is longer continues on the next line.
    pub const LONGEST_LINE: usize = 16 * 1024;

    /// How many sections may be open inside each other; what is deeper is no section.
    const DEEPEST: usize = 64;

    /// Takes the next bytes, cut anywhere.
    pub fn push(&mut self, bytes: &[u8]) {
        let mut bytes = bytes;
        if !self.rest.is_empty() {
            let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
                self.rest.extend_from_slice(bytes);
                return;
            };
            let mut first = std::mem::take(&mut self.rest);
            first.extend_from_slice(&bytes[..end]);
            self.raw_line(&first);
            bytes = &bytes[end + 1..];
        }
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.raw_line(&bytes[..end]);
            bytes = &bytes[end + 1..];
        }
        self.rest.extend_from_slice(bytes);
    }

    /// The complete lines so far.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Hands out the complete lines and forgets them and their sections, so that a log of any size is read in little
    /// memory. The last one stays: the runner may go on with it.
    pub fn take_lines(&mut self) -> Vec<LogLine> {
        let rest = self.log.lines.split_off(self.log.lines.len().saturating_sub(1));
        let lines = std::mem::replace(&mut self.log.lines, rest);
        self.taken += lines.len();
        self.gone += self.log.sections.len();
        self.log.sections.clear();
        lines
    }

    /// How many lines were handed out.
    pub const fn taken(&self) -> usize {
        self.taken
    }

    /// How many complete lines there are, those that were handed out included.
    pub const fn count(&self) -> usize {
        self.taken + self.log.lines.len()
    }

    /// How many bytes wait for their line break.
    pub const fn pending(&self) -> usize {
        self.rest.len()
    }

    /// Everything that was not handed out, the last line without its line break included.
    pub fn finish(mut self) -> Log {
        if !self.rest.is_empty() {
            let rest = std::mem::take(&mut self.rest);
            self.raw_line(&rest);
        }
        self.log
    }

    fn raw_line(&mut self, bytes: &[u8]) {
        let mut bytes = bytes;
        if let Some((stamp, joins, rest)) = runner_stamp(bytes) {
            self.line.time = Some(stamp.to_owned());
            self.line.joins = joins;
            bytes = rest;
        }
        while !bytes.is_empty() {
            if self.line.is_blank()
                && let Some(rest) = self.marker(bytes)
            {
                bytes = rest;
                continue;
            }
            match bytes[0] {
                0x1b => {
                    let sequence = escape(bytes);
                    if let Some(parameters) = sequence.style {
                        self.line.close_span(self.style);
                        apply(&mut self.style, parameters);
                    }
                    bytes = &bytes[sequence.length..];
                }
                b'\r' => {
                    self.line.restart = true;
                    bytes = &bytes[1..];
                }
                byte if byte < 0x20 && byte != b'\t' || byte == 0x7f => bytes = &bytes[1..],
                _ => {
                    let end = bytes
                        .iter()
                        .position(|byte| (*byte < 0x20 && *byte != b'\t') || *byte == 0x7f);
                    let (text, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
                    self.write(text);
                    bytes = rest;
                }
            }
        }
        self.end_line(false);
    }

    fn write(&mut self, text: &[u8]) {
        if std::mem::take(&mut self.line.restart) {
            self.line.spans.clear();
            self.line.text.clear();
        }
        let mut text = text;
        while self.line.length() + text.len() > Self::LONGEST_LINE {
            let cut = char_boundary(text, Self::LONGEST_LINE.saturating_sub(self.line.length()));
            self.line.text.extend_from_slice(&text[..cut]);
            text = &text[cut..];
            self.end_line(true);
        }
        self.line.text.extend_from_slice(text);
    }

    fn end_line(&mut self, continues: bool) {
        let mut line = std::mem::take(&mut self.line);
        line.close_span(self.style);
        if line.only_marker && line.spans.is_empty() && line.opens.is_none() {
            return;
        }
        if let Some(before) = self.log.lines.last_mut().filter(|_| line.joins) {
            before.spans.append(&mut line.spans);
            return;
        }
        if continues {
            self.line.time.clone_from(&line.time);
        }
        self.log.lines.push(LogLine {
            number: self.count() + 1,
            spans: line.spans,
            section: self.open.last().map(|section| section.name.clone()),
            opens: line.opens,
            time: line.time,
        });
    }

    /// `section_start:<seconds>:<name>[collapsed=true]`, `section_end:<seconds>:<name>`; a carriage return
    /// ends it.
    fn marker<'a>(&mut self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        if !bytes.starts_with(b"section_") {
            return None;
        }
        let end = bytes
            .iter()
            .position(|byte| matches!(byte, b'\r' | 0x1b))
            .unwrap_or(bytes.len());
        let marker = std::str::from_utf8(&bytes[..end]).ok()?;
        let (kind, rest) = marker.trim_end().split_once(':')?;
        let (seconds, name) = rest.split_once(':')?;
        let seconds: i64 = seconds.parse().ok()?;
        let (name, options) = name.split_once('[').unwrap_or((name, ""));
        let plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        if name.is_empty() || !name.chars().all(plain) {
            return None;
        }
        match kind {
            "section_start" => self.start_section(name, seconds, options),
            "section_end" => self.end_section(name, seconds),
            _ => return None,
        }
        self.line.only_marker = true;
        let rest = &bytes[end..];
        Some(rest.strip_prefix(b"\r").unwrap_or(rest))
    }

    fn start_section(&mut self, name: &str, started: i64, options: &str) {
        if self.open.len() >= Self::DEEPEST {
            return;
        }
        let collapsed = options
            .trim_end_matches(']')
            .split(',')
            .any(|option| option.trim() == "collapsed=true");
        let head = SectionHead {
            name: name.to_owned(),
            started,
            collapsed,
        };
        self.line.opens = Some(head.clone());
        self.open.push(Open {
            name: name.to_owned(),
            index: self.gone + self.log.sections.len(),
        });
        let first = self.count() + 1;
        self.log.sections.push(Section {
            head,
            first,
            last: None,
            duration: None,
        });
    }

    /// Also closes the sections inside that were left open; the end of one that is not open says nothing.
    fn end_section(&mut self, name: &str, ended: i64) {
        let Some(depth) = self.open.iter().rposition(|open| open.name == name) else {
            return;
        };
        let last = self.count();
        for open in self.open.drain(depth..) {
            let known = open.index.checked_sub(self.gone);
            if let Some(section) = known.and_then(|index| self.log.sections.get_mut(index)) {
                section.last = Some(last.max(section.first));
                section.duration = Some(ended.saturating_sub(section.head.started).max(0));
            }
        }
    }
}

impl Line {
    fn is_blank(&self) -> bool {
        self.restart || (self.spans.is_empty() && self.text.is_empty())
    }

    fn length(&self) -> usize {
        self.text.len() + self.spans.iter().map(|span| span.text.len()).sum::<usize>()
    }

    fn close_span(&mut self, style: Style) {
        if !self.text.is_empty() {
            let text = String::from_utf8_lossy(&self.text).into_owned();
            self.text.clear();
            match self.spans.last_mut().filter(|last| last.style == style) {
                Some(last) => last.text.push_str(&text),
                None => self.spans.push(Span { text, style }),
            }
        }
    }
}

/// Where to cut so that no character of UTF-8 is cut; at least 1 byte unless `at` is 0.
fn char_boundary(bytes: &[u8], at: usize) -> usize {
    let at = at.min(bytes.len());
    let start = (at.saturating_sub(3)..=at)
        .rev()
        .find(|index| bytes.get(*index).is_none_or(|byte| byte & 0xc0 != 0x80));
    start.filter(|start| *start > 0).unwrap_or(at)
}

/// `2026-01-31T08:00:00.123456Z 00O ` before each line, since runner 17: the time, the stream (hex), `O`
/// or `E`, and ` ` for a new line or `+` for the rest of one.
fn runner_stamp(bytes: &[u8]) -> Option<(&str, bool, &[u8])> {
    const LENGTH: usize = "2026-01-31T08:00:00.123456Z 00O ".len();
    let (stamp, rest) = bytes.split_at_checked(LENGTH)?;
    let shape = b"0000-00-00T00:00:00.000000Z xxO";
    let holds = stamp.iter().zip(shape).all(|(byte, wanted)| match wanted {
        b'0' => byte.is_ascii_digit(),
        b'x' => byte.is_ascii_hexdigit(),
        b'O' => matches!(byte, b'O' | b'E'),
        wanted => byte == wanted,
    });
    let stamp_text = std::str::from_utf8(&stamp[..27]).ok().filter(|_| holds)?;
    match stamp[LENGTH - 1] {
        b' ' => Some((stamp_text, false, rest)),
        b'+' => Some((stamp_text, true, rest)),
        _ => None,
    }
}
