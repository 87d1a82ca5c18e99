//! The file, cut into its top-level entries with the comments before them. The cuts follow one another
//! without a gap: together they are the file.

use serde::{Deserialize, Serialize};

use super::tree::{Kind, NodeId, Tree};
use crate::text::{Locale, Text};

/// A piece of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    /// What Slipway can do with it.
    pub kind: CutKind,
    /// The first byte.
    pub start: usize,
    /// After the last byte.
    pub end: usize,
    /// The first line, from 1.
    pub first_line: usize,
    /// The last line, included.
    pub last_line: usize,
    /// The top-level key; none for comments, markers and other documents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The job, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// Why it is not wholly Slipway's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// Fields that are kept as they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub locked: Vec<Locked>,
    /// What Slipway wrote above the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marker: Option<Marker>,
}

/// What Slipway can do with a piece of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CutKind {
    /// All of it can be changed in forms.
    Managed,
    /// Some fields can.
    Partial,
    /// It is kept as it is.
    Opaque,
}

/// A field of a job that is kept as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Locked {
    /// The field.
    pub field: String,
    /// Why.
    pub reason: Reason,
}

/// A reason: a stable code and a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// What it is.
    #[serde(flatten)]
    pub code: ReasonCode,
    /// The sentence for people.
    pub text: Text,
}

/// Why something is kept as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ReasonCode {
    /// Comments and document markers.
    Comments,
    /// The header with `spec`.
    Spec,
    /// A document GitLab does not read.
    OtherDocument,
    /// A keyword of the file.
    Keyword,
    /// A job whose name begins with a dot.
    HiddenJob,
    /// Not a mapping.
    NotAMapping,
    /// The whole file is written as `{…}`.
    FlowStyle,
    /// A job that starts another pipeline.
    Trigger,
    /// Defines an anchor that other places use.
    Anchor {
        /// Its name.
        name: String,
    },
    /// Takes its value from an anchor.
    Alias {
        /// Its name.
        name: String,
    },
    /// `<<`.
    MergeKey,
    /// `!reference`, or another tag.
    Tag {
        /// The tag.
        tag: String,
    },
    /// `extends`.
    Extends,
    /// `parallel:matrix`.
    Matrix,
    /// Rules that are none of the presets.
    Rules,
    /// Stands twice.
    Duplicate,
    /// A keyword or a form of it that Slipway's forms do not have.
    NoForm,
    /// Some fields are locked.
    LockedFields,
}

/// `# slipway: job=<id> template=<key>@<version>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// The job's id in the pipeline it was made in.
    pub id: String,
    /// `key@version` of the template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
}

impl Reason {
    /// The reason of a code.
    pub fn of(code: ReasonCode) -> Self {
        let text = match &code {
            ReasonCode::Comments => Text::new("comments and document markers", "注释和文档标记"),
            ReasonCode::Spec => Text::new("the header with the inputs of the file", "声明文件输入的头部"),
            ReasonCode::OtherDocument => Text::new(
                "another document, which GitLab does not read",
                "另一个文档，GitLab 不会读取",
            ),
            ReasonCode::Keyword => Text::new("a keyword for the whole file", "作用于整个文件的关键字"),
            ReasonCode::HiddenJob => Text::new(
                "a hidden job: it never runs, others take from it",
                "隐藏作业：本身不运行，供其他作业引用",
            ),
            ReasonCode::NotAMapping => Text::new("not a mapping", "不是映射"),
            ReasonCode::FlowStyle => Text::new("the file is written in braces", "文件使用花括号写法"),
            ReasonCode::Trigger => Text::new("starts another pipeline", "触发另一条流水线"),
            ReasonCode::Anchor { name } => Text::new(
                format!("defines the anchor “&{name}”, which other places use"),
                format!("定义了其他位置引用的锚点“&{name}”"),
            ),
            ReasonCode::Alias { name } => Text::new(
                format!("takes its value from the anchor “&{name}”"),
                format!("值取自锚点“&{name}”"),
            ),
            ReasonCode::MergeKey => Text::new("merges an anchor (“<<”)", "合并了锚点（“<<”）"),
            ReasonCode::Tag { tag } => Text::new(format!("uses {tag}"), format!("使用了 {tag}")),
            ReasonCode::Extends => Text::new("extends another job", "继承自其他作业"),
            ReasonCode::Matrix => Text::new("runs as a matrix", "以矩阵方式运行"),
            ReasonCode::Rules => Text::new("rules beyond Slipway's presets", "超出 Slipway 预设的规则"),
            ReasonCode::Duplicate => Text::new("stands twice", "重复出现"),
            ReasonCode::NoForm => Text::new("Slipway has no form for it", "Slipway 没有对应的表单"),
            ReasonCode::LockedFields => Text::new("some fields are kept as they are", "部分字段保持原样"),
        };
        Self { code, text }
    }
}

/// Cuts a file. Kinds and reasons of jobs are filled in by the import.
pub(super) fn cuts(tree: &Tree<'_>) -> Vec<Cut> {
    let Some(document) = tree.content() else {
        return Vec::new();
    };
    let text = tree.text;
    let entries = tree.entries(document.root);
    let flow = matches!(tree.node(document.root).kind, Kind::Map { flow: true, .. });
    let mut builder = Builder {
        tree,
        line: 1,
        place: 0,
        cuts: Vec::with_capacity(entries.len() + 2),
    };
    if flow || entries.is_empty() {
        builder.opaque(text.len(), None, ReasonCode::FlowStyle);
        return builder.cuts;
    }
    let before = if tree.header().is_some() {
        ReasonCode::Spec
    } else {
        ReasonCode::Comments
    };
    for (index, (key, value)) in entries.iter().enumerate() {
        // Never before what was cut already, whatever stands on one line.
        let line = line_start(text, tree.node(*key).start).max(builder.place);
        let start = if index == 0 {
            attached(text, builder.place, line)
        } else {
            own_comments(text, builder.place, line)
        };
        if index == 0 {
            builder.opaque(start, None, before.clone());
        } else if let Some(last) = builder.cuts.last_mut()
            && start > builder.place
        {
            // What belongs to the entry before: blank lines and its indented comments.
            last.end = start;
            builder.advance(start);
        }
        let end = line_end(text, tree.node(*value).end.max(tree.node(*key).end)).max(builder.place);
        builder.entry(end, *key);
    }
    let rest = own_comments(text, builder.place, text.len());
    if let Some(last) = builder.cuts.last_mut() {
        last.end = rest;
        builder.advance(rest);
    }
    let last = tree.documents.last().map(|last| last.root);
    let after = if last == Some(document.root) {
        ReasonCode::Comments
    } else {
        ReasonCode::OtherDocument
    };
    builder.opaque(text.len(), None, after);
    builder.cuts
}

struct Builder<'a, 't> {
    tree: &'a Tree<'t>,
    line: usize,
    place: usize,
    cuts: Vec<Cut>,
}

impl Builder<'_, '_> {
    fn advance(&mut self, end: usize) {
        self.line += line_breaks(&self.tree.text[self.place..end]);
        self.place = end;
        if let Some(last) = self.cuts.last_mut() {
            let ended = self.tree.text[..end].ends_with('\n');
            last.last_line = if ended { self.line - 1 } else { self.line };
        }
    }

    fn push(&mut self, end: usize, key: Option<String>, reason: Option<Reason>) {
        if end <= self.place {
            return;
        }
        self.cuts.push(Cut {
            kind: CutKind::Opaque,
            start: self.place,
            end,
            first_line: self.line,
            last_line: self.line,
            key,
            job: None,
            reason,
            locked: Vec::new(),
            marker: None,
        });
        self.advance(end);
    }

    fn opaque(&mut self, end: usize, key: Option<String>, code: ReasonCode) {
        self.push(end, key, Some(Reason::of(code)));
    }

    fn entry(&mut self, end: usize, key: NodeId) {
        let name = self
            .tree
            .scalar(self.tree.target(key))
            .unwrap_or_default()
            .to_owned();
        let comments = &self.tree.text[self.place..self.tree.node(key).start.max(self.place)];
        let marker = comments.lines().filter_map(marker).next_back();
        self.opaque(end, Some(name), ReasonCode::Keyword);
        if let Some(last) = self.cuts.last_mut() {
            last.marker = marker;
        }
    }
}

fn marker(line: &str) -> Option<Marker> {
    let words = line.trim().strip_prefix("# slipway: ")?;
    // An id may hold spaces: it ends where the template begins.
    let (id, template) = match words.rsplit_once(" template=") {
        Some((id, template)) => (id, Some(template.to_owned())),
        None => (words, None),
    };
    Some(Marker {
        id: id.strip_prefix("job=")?.to_owned(),
        template,
    })
}

/// How many lines end in a text. Faster than a search for each.
pub(super) fn line_breaks(text: &str) -> usize {
    text.bytes().map(|byte| usize::from(byte == b'\n')).sum()
}

/// The byte after the last line break before a place.
pub(super) fn line_start(text: &str, place: usize) -> usize {
    let bom = if text.starts_with('\u{feff}') { 3 } else { 0 };
    text[..place].rfind('\n').map_or(bom.min(place), |at| at + 1)
}

/// The byte after the line break that ends the line of a place; the place itself where a line begins
/// there.
pub(super) fn line_end(text: &str, place: usize) -> usize {
    if place > 0 && text[..place].ends_with('\n') {
        return place;
    }
    text[place..].find('\n').map_or(text.len(), |at| place + at + 1)
}

/// Where the comments begin that stand directly above a line.
fn attached(text: &str, from: usize, line: usize) -> usize {
    let mut start = line;
    for candidate in text[from..line].split_inclusive('\n').rev() {
        if !candidate.starts_with('#') {
            break;
        }
        start -= candidate.len();
    }
    start
}

/// Where, after an entry, the part of the next begins: at the first comment or marker that is not
/// indented.
fn own_comments(text: &str, from: usize, to: usize) -> usize {
    let mut place = from;
    let lines: Vec<&str> = text[from..to].split_inclusive('\n').collect();
    let indented = |line: &&str| line.starts_with([' ', '\t']) && !line.trim().is_empty();
    let belong = lines.iter().rposition(indented).map_or(0, |last| last + 1);
    for (index, line) in lines.iter().enumerate() {
        if index >= belong && !line.trim().is_empty() {
            break;
        }
        place += line.len();
    }
    place
}

impl Cut {
    /// The reason in one language.
    pub fn reason(&self, locale: Locale) -> Option<&str> {
        self.reason.as_ref().map(|reason| reason.text.get(locale))
    }
}
