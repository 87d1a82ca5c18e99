//! Whether a file is YAML that can be worked with; where not, the line, the column and what to do.

use granit_parser::{ErrorKind, ScanError, Span};
use serde::{Deserialize, Serialize};

use super::file::tree::parse;
use crate::text::Locale;

/// The largest file, in bytes: GitLab's own limit.
pub const LARGEST: usize = 1024 * 1024;
/// The deepest nesting.
pub const DEEPEST: usize = 100;
/// How many values the aliases of a file may stand for: GitLab refuses far less.
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
    /// A character that GitLab's reader refuses.
    ControlCharacter {
        /// Such as `U+0007`.
        character: String,
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
            Self::ControlCharacter { character } => {
                format!("the character {character} cannot be printed and is not allowed. Remove it.")
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
            Self::ControlCharacter { character } => {
                format!("字符 {character} 不可打印，不允许使用，请删除。")
            }
            Self::NotAMapping => "流水线由“名称: …”组成，请写一个作业，例如“test:”。".into(),
            Self::TooDeep => format!("嵌套超过 {DEEPEST} 层，请减少层级。"),
            Self::AliasBomb => "别名展开后内容过多，请减少别名，或改用 extends。".into(),
        }
    }
}

/// Reads a file without keeping anything of it.
///
/// # Errors
/// The first thing that is wrong. A key that stands twice is wrong here, although GitLab takes the last.
pub fn check_source(text: &str) -> Result<(), SourceError> {
    let tree = parse(text)?;
    let Some(twice) = tree.duplicates.first() else {
        return Ok(());
    };
    let key = tree.node(twice.key);
    Err(SourceError {
        line: key.line,
        column: key.column,
        code: SourceCode::DuplicateKey {
            key: tree.scalar(twice.key).unwrap_or_default().to_owned(),
            first: twice.first,
        },
    })
}

/// A tab in the indentation of the line, or of the one before, explains most errors.
pub(super) fn scan_error(text: &str, error: &ScanError) -> SourceError {
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

pub(super) fn at(span: &Span, code: SourceCode) -> SourceError {
    SourceError {
        line: span.start.line(),
        column: span.start.col() + 1,
        code,
    }
}
