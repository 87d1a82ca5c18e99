//! Job logs as data: lines of styled spans and foldable sections. What a job prints cannot become
//! markup, because nothing here is markup.

mod ansi;
mod parse;

use serde::{Deserialize, Serialize};

pub use parse::LogParser;

/// A line of a log.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LogLine {
    /// Its number, from 1.
    pub number: usize,
    /// Its text, in pieces of one style each; empty for an empty line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spans: Vec<Span>,
    /// The name of the innermost section it stands in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub section: Option<String>,
    /// The section that this line is the head of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opens: Option<SectionHead>,
    /// When the runner wrote it (RFC 3339, UTC), where the runner says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
}

impl LogLine {
    /// The text without styles.
    pub fn text(&self) -> String {
        self.spans.iter().map(|span| span.text.as_str()).collect()
    }
}

/// Text of one style.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Span {
    /// The text; no control characters but tabs.
    pub text: String,
    /// How it looks.
    #[serde(flatten)]
    pub style: Style,
}

/// How text looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the attributes of SGR are independent switches"
)]
pub struct Style {
    /// Color of the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fg: Option<Color>,
    /// Color behind the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bg: Option<Color>,
    /// Bold.
    #[serde(skip_serializing_if = "is_false")]
    pub bold: bool,
    /// Faint.
    #[serde(skip_serializing_if = "is_false")]
    pub dim: bool,
    /// Italic.
    #[serde(skip_serializing_if = "is_false")]
    pub italic: bool,
    /// Underlined.
    #[serde(skip_serializing_if = "is_false")]
    pub underline: bool,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde's skip_serializing_if hands a reference"
)]
fn is_false(value: &bool) -> bool {
    !*value
}

/// A color of a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Color {
    /// One of the 16 that a theme names: black, red, green, yellow, blue, magenta, cyan, white, then
    /// the same bright.
    Named(u8),
    /// Red, green, blue.
    Rgb(u8, u8, u8),
}

/// The head of a section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SectionHead {
    /// GitLab's name of it.
    pub name: String,
    /// Seconds since the epoch, as the job says.
    pub started: i64,
    /// Whether it asks to be folded at first.
    pub collapsed: bool,
}

/// A section of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// Its head.
    #[serde(flatten)]
    pub head: SectionHead,
    /// The number of its head's line.
    pub first: usize,
    /// The number of its last line; none while it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<usize>,
    /// Seconds it took; none while it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<i64>,
}

/// A log.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Log {
    /// The lines.
    pub lines: Vec<LogLine>,
    /// The sections, by their first line.
    pub sections: Vec<Section>,
}

/// Reads a whole log. Takes anything: bytes that are not UTF-8 become `U+FFFD`, NUL and other control
/// characters go away, escapes that are not colors go away, a carriage return starts the line anew, and
/// a line of more than [`LogParser::LONGEST_LINE`] bytes continues on the next.
pub fn parse(bytes: &[u8]) -> Log {
    let mut parser = LogParser::default();
    parser.push(bytes);
    parser.finish()
}

/// What surely speaks of an error.
const STRONG: [&str; 10] = [
    "error:",
    "error[",
    "fatal:",
    "traceback (most recent call last)",
    "npm err!",
    "npm error",
    "panicked at",
    "panic:",
    "assertionerror",
    "exception:",
];
/// What probably does.
const WEAK: [&str; 8] = [
    "failed",
    "failure",
    "not ok ",
    "✖",
    "command not found",
    "no such file or directory",
    "permission denied",
    "error",
];
/// What only sounds so.
const HARMLESS: [&str; 7] = [
    "0 failed",
    "failed 0",
    "failed: 0",
    "failures: 0",
    "0 failures",
    "0 errors",
    "fail 0",
];
/// What GitLab's runner itself writes at the end.
const RUNNER: &str = "error: job failed";

/// Where the first error seems to be: the first line that surely speaks of one, else the first that probably does,
/// else the runner's own last word.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FirstError {
    sure: Option<usize>,
    weak: Option<usize>,
    runner: Option<usize>,
}

impl FirstError {
    /// Takes the next line.
    pub fn see(&mut self, line: &LogLine) {
        if self.sure.is_some() {
            return;
        }
        let text = line.text().to_lowercase();
        if text.contains(RUNNER) {
            self.runner = self.runner.or(Some(line.number));
        } else if HARMLESS.iter().any(|word| text.contains(word)) {
        } else if STRONG.iter().any(|word| text.contains(word)) {
            self.sure = Some(line.number);
        } else if self.weak.is_none() && WEAK.iter().any(|word| text.contains(word)) {
            self.weak = Some(line.number);
        }
    }

    /// The line's number.
    pub fn line(&self) -> Option<usize> {
        self.sure.or(self.weak).or(self.runner)
    }
}

/// The number of the line where the first error seems to be, see [`FirstError`].
pub fn first_error_line(lines: &[LogLine]) -> Option<usize> {
    let mut error = FirstError::default();
    for line in lines {
        error.see(line);
    }
    error.line()
}
