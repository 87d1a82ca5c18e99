//! Whether a file is YAML that can be worked with; where not, the line, the column and what to do.

use std::collections::{BTreeMap, BTreeSet};

use granit_parser::{ErrorKind, Event, Parser, ScanError, Span};
use serde::{Deserialize, Serialize};

use crate::text::Locale;

/// The largest file, in bytes: GitLab's own limit.
pub const LARGEST: usize = 1024 * 1024;
/// The deepest nesting.
pub const DEEPEST: usize = 100;
/// How many values a file may have when its aliases are written out: GitLab refuses far less.
pub const MOST_VALUES: usize = 200_000;

/// Why a file is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceError {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    #[serde(flatten)]
    pub code: SourceCode,
}

/// What is wrong with a file. The serialized `code` is stable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum SourceCode {
    /// Nothing in it.
    Empty,
    /// Larger than [`LARGEST`].
    TooLarge,
    /// A tab where YAML wants spaces.
    Tab,
    /// A key that stands twice.
    DuplicateKey {
        /// The key.
        key: String,
        /// The line of the first.
        first: usize,
    },
    /// Not YAML.
    Syntax {
        /// What the reader says, in English.
        detail: String,
    },
    /// A text or a list where jobs belong.
    NotAMapping,
    /// Deeper than [`DEEPEST`].
    TooDeep,
    /// More than [`MOST_VALUES`] with the aliases written out, or an alias of itself.
    AliasBomb,
}

impl SourceError {
    /// The sentence for people, with the place.
    pub fn message(&self, locale: Locale) -> String {
        let (line, column) = (self.line, self.column);
        match locale {
            Locale::ZhCn => format!("第 {line} 行第 {column} 列：{}", self.code.zh()),
            Locale::En => format!("Line {line}, column {column}: {}", self.code.en()),
        }
    }
}

impl SourceCode {
    fn en(&self) -> String {
        match self {
            Self::Empty => "the file is empty. Write at least one job.".into(),
            Self::TooLarge => "the file is larger than 1 MiB. Split it and include the parts.".into(),
            Self::Tab => "a tab stands where YAML wants spaces. Replace it by spaces.".into(),
            Self::DuplicateKey { key, first } => {
                format!(
                    "“{key}” stands here a second time; the first is in line {first}. Rename or remove one."
                )
            }
            Self::Syntax { detail } => {
                format!("this is not YAML ({detail}). Look at this line and the one before.")
            }
            Self::NotAMapping => {
                "a pipeline is made of “name: …” entries. Write a job such as “test:”.".into()
            }
            Self::TooDeep => format!("nested deeper than {DEEPEST} levels. Make it flatter."),
            Self::AliasBomb => "the aliases write out to too much. Use fewer aliases, or extends.".into(),
        }
    }

    fn zh(&self) -> String {
        match self {
            Self::Empty => "文件为空，请至少写一个作业。".into(),
            Self::TooLarge => "文件超过 1 MiB，请拆分后用 include 引入。".into(),
            Self::Tab => "这里是制表符，YAML 要求空格，请替换为空格。".into(),
            Self::DuplicateKey { key, first } => {
                format!("“{key}”重复出现，第一次在第 {first} 行，请改名或删除其一。")
            }
            Self::Syntax { detail } => format!("这不是合法的 YAML（{detail}），请检查本行及上一行。"),
            Self::NotAMapping => "流水线由“名称: …”组成，请写一个作业，例如“test:”。".into(),
            Self::TooDeep => format!("嵌套超过 {DEEPEST} 层，请减少层级。"),
            Self::AliasBomb => "别名展开后内容过多，请减少别名，或改用 extends。".into(),
        }
    }
}

/// Reads a file without keeping anything of it.
///
/// # Errors
/// The first thing that is wrong.
pub fn check_source(text: &str) -> Result<(), SourceError> {
    if text.len() > LARGEST {
        return Err(SourceError {
            line: 1,
            column: 1,
            code: SourceCode::TooLarge,
        });
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| scan_error(text, &error))?;
        reader.event(&event, &span)?;
    }
    if reader.has_content {
        Ok(())
    } else {
        Err(SourceError {
            line: 1,
            column: 1,
            code: SourceCode::Empty,
        })
    }
}

/// A tab in the indentation of the line, or of the one before, explains most errors.
fn scan_error(text: &str, error: &ScanError) -> SourceError {
    let (line, column) = (error.marker().line(), error.marker().col() + 1);
    if matches!(error.kind(), ErrorKind::RecursionLimitExceeded) {
        return SourceError {
            line,
            column,
            code: SourceCode::TooDeep,
        };
    }
    for candidate in [line, line.saturating_sub(1)] {
        let Some(found) = candidate.checked_sub(1).and_then(|index| text.lines().nth(index)) else {
            continue;
        };
        let indentation = found.chars().take_while(|c| matches!(c, ' ' | '\t'));
        if let Some(place) = indentation.enumerate().find(|(_, c)| *c == '\t') {
            return SourceError {
                line: candidate,
                column: place.0 + 1,
                code: SourceCode::Tab,
            };
        }
    }
    // The end of the file is named by its last line.
    let lines = text.lines().count().max(1);
    let code = SourceCode::Syntax { detail: error.info() };
    SourceError {
        line: line.clamp(1, lines),
        column: column.max(1),
        code,
    }
}

/// What is open while reading.
struct Level {
    /// The keys so far with their lines; none for a list.
    keys: Option<BTreeMap<String, usize>>,
    /// Whether the next value is a key.
    expects_key: bool,
    /// The anchor, 0 for none.
    anchor: usize,
    /// Values so far, aliases written out.
    weight: usize,
}

#[derive(Default)]
struct Reader {
    levels: Vec<Level>,
    /// Weights of finished anchors.
    anchors: BTreeMap<usize, usize>,
    /// Anchors that are being read.
    open_anchors: BTreeSet<usize>,
    has_content: bool,
    total: usize,
}

impl Reader {
    fn event(&mut self, event: &Event<'_>, span: &Span) -> Result<(), SourceError> {
        match event {
            Event::Scalar(text, _, anchor, _) => {
                if self.levels.is_empty() && !text.is_empty() && text != "null" && text != "~" {
                    return Err(at(span, SourceCode::NotAMapping));
                }
                if *anchor > 0 {
                    self.anchors.insert(*anchor, 1);
                }
                self.key(text, span)?;
                self.value(1, span)
            }
            Event::Alias(anchor) => {
                if self.open_anchors.contains(anchor) {
                    return Err(at(span, SourceCode::AliasBomb));
                }
                let weight = self.anchors.get(anchor).copied().unwrap_or(1);
                self.value(weight, span)
            }
            Event::SequenceStart(_, anchor, _) => {
                if self.levels.is_empty() {
                    return Err(at(span, SourceCode::NotAMapping));
                }
                self.enter(*anchor, None, span)
            }
            Event::MappingStart(_, anchor, _) => self.enter(*anchor, Some(BTreeMap::new()), span),
            Event::SequenceEnd | Event::MappingEnd => self.leave(span),
            _ => Ok(()),
        }
    }

    fn key(&mut self, text: &str, span: &Span) -> Result<(), SourceError> {
        let Some(level) = self.levels.last_mut().filter(|level| level.expects_key) else {
            return Ok(());
        };
        // Several merge keys are allowed by GitLab's reader.
        let Some(keys) = level.keys.as_mut().filter(|_| text != "<<") else {
            return Ok(());
        };
        match keys.insert(text.to_owned(), span.start.line()) {
            Some(first) => Err(at(
                span,
                SourceCode::DuplicateKey {
                    key: text.to_owned(),
                    first,
                },
            )),
            None => Ok(()),
        }
    }

    fn value(&mut self, weight: usize, span: &Span) -> Result<(), SourceError> {
        self.total = self.total.saturating_add(weight);
        if self.total > MOST_VALUES {
            return Err(at(span, SourceCode::AliasBomb));
        }
        if let Some(level) = self.levels.last_mut() {
            level.weight = level.weight.saturating_add(weight);
            if level.keys.is_some() {
                level.expects_key = !level.expects_key;
            }
        }
        Ok(())
    }

    fn enter(
        &mut self,
        anchor: usize,
        keys: Option<BTreeMap<String, usize>>,
        span: &Span,
    ) -> Result<(), SourceError> {
        if self.levels.len() >= DEEPEST {
            return Err(at(span, SourceCode::TooDeep));
        }
        self.has_content = true;
        if anchor > 0 {
            self.open_anchors.insert(anchor);
        }
        let expects_key = keys.is_some();
        self.levels.push(Level {
            keys,
            expects_key,
            anchor,
            weight: 1,
        });
        Ok(())
    }

    fn leave(&mut self, span: &Span) -> Result<(), SourceError> {
        let Some(level) = self.levels.pop() else {
            return Ok(());
        };
        if level.anchor > 0 {
            self.open_anchors.remove(&level.anchor);
            self.anchors.insert(level.anchor, level.weight);
        }
        // What is inside has been counted already; the parent's weight takes all of it.
        self.total = self.total.saturating_sub(level.weight - 1);
        self.value(level.weight, span)
    }
}

fn at(span: &Span, code: SourceCode) -> SourceError {
    SourceError {
        line: span.start.line(),
        column: span.start.col() + 1,
        code,
    }
}
