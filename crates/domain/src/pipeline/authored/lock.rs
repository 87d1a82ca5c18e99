//! What those who use a template cannot change in Slipway, and who locked it.

use serde::{Deserialize, Serialize};

use super::super::file::Cut;
use super::super::file::canvas::{Canvas, CanvasJob, canvas};
use super::super::file::import::import_tree;
use super::super::file::tree::parse;
use super::super::source::SourceError;
use super::super::template::LockedField;
use crate::text::Text;

/// A lock of a template's version, with whoever set it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// `key@version` of the template, as it stands in the marks.
    pub template: String,
    /// What is locked.
    pub field: LockedField,
    /// Who published it.
    pub by: String,
    /// The name of the organization or project that the template belongs to.
    pub place: String,
    /// The template's name.
    pub name: Text,
}

impl Lock {
    /// The sentence of a field that cannot be changed: who, in which template, and why.
    pub fn text(&self) -> Text {
        let (name, by, place) = (&self.name, &self.by, &self.place);
        let (why_en, why_zh) = match (self.field.why.en.trim(), self.field.why.zh.trim()) {
            ("", "") => (String::new(), String::new()),
            (en, zh) => {
                let (en, zh) = (
                    if en.is_empty() { zh } else { en },
                    if zh.is_empty() { en } else { zh },
                );
                (format!(": {en}"), format!("：{zh}"))
            }
        };
        Text::new(
            format!(
                "is locked by {by} ({place}) in the template “{}”{why_en}",
                name.en
            ),
            format!("已由 {by}（{place}）在模板“{}”中锁定{why_zh}", name.zh),
        )
    }

    /// Whether it locks a keyword of a job.
    pub fn locks(&self, job: &CanvasJob, keyword: &str) -> bool {
        self.is_of(job) && self.field.parts().1.is_none_or(|locked| locked == keyword)
    }

    fn is_of(&self, job: &CanvasJob) -> bool {
        job.marker.as_ref().is_some_and(|marker| {
            marker.template.as_deref() == Some(self.template.as_str()) && marker.id == self.field.parts().0
        })
    }
}

/// Draws the locks: each field of a locked keyword says who locked it, and so does a job that is locked as a whole.
pub fn apply_locks(canvas: &mut Canvas, locks: &[Lock]) {
    for job in &mut canvas.jobs {
        for lock in locks {
            if !lock.is_of(job) {
                continue;
            }
            let keyword = lock.field.parts().1;
            let why = lock.text();
            for field in &mut job.fields {
                let first = field.path.split('.').next().unwrap_or_default();
                let first = first.split('[').next().unwrap_or_default();
                if keyword.is_none_or(|keyword| keyword == first) {
                    field.locked = Some(why.clone());
                }
            }
            if keyword.is_none_or(|keyword| keyword == "needs") {
                job.needs_locked = Some(why.clone());
            }
            if keyword.is_none() {
                job.lock = Some(why);
            }
        }
    }
}

/// A lock that a changed file does not keep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokenLock {
    /// The job's name as it was.
    pub job: String,
    /// The lock.
    pub lock: Lock,
}

impl BrokenLock {
    /// The sentence of a refusal.
    pub fn text(&self) -> Text {
        let said = self.reason();
        Text::new(
            format!("{} Put it back as it was, or ask them.", said.en),
            format!("{}请恢复原样，或与其联系。", said.zh),
        )
    }

    /// What is locked, by whom, and why, as a sentence.
    pub fn reason(&self) -> Text {
        let said = self.lock.text();
        let field = match self.lock.field.parts().1 {
            Some(keyword) => format!("{}: {keyword}", self.job),
            None => self.job.clone(),
        };
        Text::new(
            format!("“{field}” {}.", said.en),
            format!("“{field}”{}。", said.zh),
        )
    }
}

/// The locks of the jobs in `base` that `draft` does not keep: what is locked has other text, is gone, or its mark is.
///
/// # Errors
/// Where one of them is not YAML.
pub fn broken_locks(base: &str, draft: &str, locks: &[Lock]) -> Result<Vec<BrokenLock>, SourceError> {
    if locks.is_empty() || base.trim().is_empty() {
        return Ok(Vec::new());
    }
    let (before, after) = (Pieces::of(base)?, Pieces::of(draft)?);
    let mut broken = Vec::new();
    for lock in locks {
        let (id, keyword) = lock.field.parts();
        for piece in before.all.iter().filter(|piece| piece.is(id, &lock.template)) {
            let now = after.all.iter().find(|piece| piece.is(id, &lock.template));
            let kept = now.is_some_and(|now| match keyword {
                Some(keyword) => piece.part(keyword) == now.part(keyword),
                None => piece.parts == now.parts && piece.name == now.name,
            });
            if !kept {
                broken.push(BrokenLock {
                    job: piece.name.clone(),
                    lock: lock.clone(),
                });
            }
        }
    }
    Ok(broken)
}

/// A marked job: its keywords with their texts.
struct Piece {
    name: String,
    id: String,
    template: String,
    parts: Vec<(String, String)>,
}

impl Piece {
    fn is(&self, id: &str, template: &str) -> bool {
        self.id == id && self.template == template
    }

    fn part(&self, keyword: &str) -> Option<&str> {
        let found = self.parts.iter().find(|(key, _)| key == keyword);
        found.map(|(_, text)| text.as_str())
    }
}

struct Pieces {
    all: Vec<Piece>,
}

impl Pieces {
    fn of(text: &str) -> Result<Self, SourceError> {
        if text.trim().is_empty() {
            return Ok(Self { all: Vec::new() });
        }
        let tree = parse(text)?;
        let all = import_tree(&tree, false).segments.into_iter();
        let root = tree.content().map_or(0, |document| document.root);
        let piece = |cut: Cut| {
            let marker = cut.marker?;
            let name = cut.key?;
            let job = tree.get(root, &name)?;
            let parts = tree.entries(job).iter().filter_map(|(key, value)| {
                let node = tree.node(*value);
                let text = text.get(node.start..node.end).unwrap_or_default();
                Some((tree.scalar(*key)?.to_owned(), text.replace("\r\n", "\n")))
            });
            Some(Piece {
                parts: parts.collect(),
                id: marker.id,
                template: marker.template?,
                name,
            })
        };
        Ok(Self {
            all: all.filter_map(piece).collect(),
        })
    }
}

/// A file drawn with its locks.
///
/// # Errors
/// Where it is not YAML.
pub fn locked_canvas(text: &str, locks: &[Lock]) -> Result<Canvas, SourceError> {
    let mut drawn = canvas(text, false)?;
    apply_locks(&mut drawn, locks);
    Ok(drawn)
}
