//! Work items that mirror GitLab issues: what of them is mirrored, and what becomes of it when two sides meet.
//!
//! Each side is a [`Sheet`]. Beside them stands the base: what both sides held when they last agreed. [`meet`] compares
//! the three, field by field, so that what Slipway wrote itself is never taken for somebody's change, and nothing goes
//! round in circles.

use crate::id::{AppId, CommentId, ItemId, TypedId as _};
use crate::item::{ItemKind, LABEL_MAX, LABELS_MOST, Labels, keyed};
use crate::project::Place;
use crate::text::Text;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

keyed! {
    /// What of an item is mirrored, beside its comments.
    MirrorField {
        Title = "title", "Title", "标题";
        Description = "description", "Description", "描述";
        State = "state", "Open or closed", "开启或关闭";
        Labels = "labels", "Labels", "标签";
        Assignee = "assignee", "Assignee", "处理人";
        Due = "due_on", "Due", "截止日期";
    }
}

/// An issue that is open.
pub const OPENED: &str = "opened";
/// An issue that is closed.
pub const CLOSED: &str = "closed";
/// The longest title that both sides hold, in characters.
pub const TITLE_MAX: usize = 200;
/// The longest description that both sides hold, in characters.
pub const DESCRIPTION_MAX: usize = 50_000;
/// The most rules that make a type of a label.
pub const RULES_MOST: usize = 20;

/// What one side holds, as texts: the state as [`OPENED`] or [`CLOSED`], labels in order with an end of line between
/// them, the assignee as GitLab's id of a person, the day as `YYYY-MM-DD`; empty: nothing. A field that is missing is
/// one that the other side could not hold, and is left alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sheet(BTreeMap<MirrorField, String>);

impl Sheet {
    /// What a field holds; `None`: it is left alone.
    pub fn get(&self, field: MirrorField) -> Option<&str> {
        self.0.get(&field).map(String::as_str)
    }

    /// Sets a field.
    pub fn set(&mut self, field: MirrorField, value: impl Into<String>) {
        self.0.insert(field, value.into());
    }

    /// As [`set`](Self::set), for making one.
    #[must_use]
    pub fn with(mut self, field: MirrorField, value: impl Into<String>) -> Self {
        self.set(field, value);
        self
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What it says, field by field.
    pub fn iter(&self) -> impl Iterator<Item = (MirrorField, &str)> {
        self.0.iter().map(|(field, value)| (*field, value.as_str()))
    }

    /// The labels that it names.
    pub fn labels(&self) -> BTreeSet<&str> {
        labels_in(self.get(MirrorField::Labels).unwrap_or_default())
    }
}

fn labels_in(value: &str) -> BTreeSet<&str> {
    value.lines().filter(|label| !label.is_empty()).collect()
}

/// Labels as a [`Sheet`] has them; `None` where an item cannot hold them all.
pub fn labels_of<'a>(labels: impl Iterator<Item = &'a str>) -> Option<String> {
    let labels: BTreeSet<&str> = labels.collect();
    (labels.len() <= LABELS_MOST).then(|| labels.into_iter().collect::<Vec<_>>().join("\n"))
}

/// Whether an item can hold a label of GitLab as it is.
pub fn holds_label(label: &str) -> bool {
    let fits = label.chars().count() <= LABEL_MAX;
    fits && Labels::parse(label).is_ok_and(|labels| labels.iter().eq([label]))
}

/// A field that both sides changed to something else since they agreed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// Which.
    pub field: MirrorField,
    /// What it holds here.
    pub ours: String,
    /// What it holds in GitLab.
    pub theirs: String,
}

/// What becomes of two sides that meet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Met {
    /// What is to be written here.
    pub here: Sheet,
    /// What is to be written in GitLab.
    pub there: Sheet,
    /// What somebody has to settle.
    pub conflicts: Vec<Conflict>,
    /// What both sides agree on, once that is written.
    pub base: Sheet,
}

impl Met {
    /// Whether nothing is to be written.
    pub fn is_quiet(&self) -> bool {
        self.here.is_empty() && self.there.is_empty()
    }
}

/// Compares two sides with what they last agreed on. `written`: what Slipway was about to write in GitLab when it was
/// last heard of, and may have written or not; what stands there and is that, is no change of somebody else's.
///
/// - Both hold the same: they agree, whatever was before.
/// - Only one side changed: the other one gets that.
/// - Both changed to something else: nobody gets anything, and the conflict is kept.
/// - Labels are compared one by one, where both sides can only have done the same.
pub fn meet(base: &Sheet, written: &Sheet, ours: &Sheet, theirs: &Sheet) -> Met {
    let mut met = Met {
        base: base.clone(),
        ..Met::default()
    };
    for field in MirrorField::ALL.iter().copied() {
        let (Some(here), Some(there)) = (ours.get(field), theirs.get(field)) else {
            continue;
        };
        let (agreed, sent) = (base.get(field), written.get(field));
        if here == there {
            met.base.set(field, here);
        } else if field == MirrorField::Labels {
            let both = joined(agreed, sent, here, there);
            if both != here {
                met.here.set(field, both.clone());
            }
            if both != there {
                met.there.set(field, both.clone());
            }
            met.base.set(field, both);
        } else if agreed == Some(there) || sent == Some(there) {
            met.there.set(field, here);
            met.base.set(field, here);
        } else if agreed == Some(here) {
            met.here.set(field, there);
            met.base.set(field, there);
        } else {
            met.conflicts.push(Conflict {
                field,
                ours: here.to_owned(),
                theirs: there.to_owned(),
            });
        }
    }
    met
}

/// The labels of both sides: each is there, or not, as the side has it that changed it.
fn joined(agreed: Option<&str>, sent: Option<&str>, ours: &str, theirs: &str) -> String {
    let (ours, theirs) = (labels_in(ours), labels_in(theirs));
    let (agreed, sent) = (labels_in(agreed.unwrap_or_default()), sent.map(labels_in));
    let all: BTreeSet<&str> = ours.union(&theirs).copied().collect();
    let stays = |label: &&str| {
        let (here, there) = (ours.contains(label), theirs.contains(label));
        let own = sent.as_ref().is_some_and(|sent| sent.contains(label) == there);
        // One side has it and the other has not: whoever differs from what was agreed changed it.
        if agreed.contains(label) == there || own {
            here
        } else {
            there
        }
    };
    all.into_iter().filter(stays).collect::<Vec<_>>().join("\n")
}

/// The end of a description or a comment that says which item or comment of Slipway it is: pages of GitLab do not show
/// it.
fn mark(kind: &str, id: &str) -> String {
    format!("<!-- slipway:{kind} {id} -->")
}

/// A text of GitLab without its mark, and the id in it.
fn unmarked<'a>(kind: &str, text: &'a str) -> (&'a str, Option<uuid::Uuid>) {
    let trimmed = text.trim_end();
    let begin = format!("<!-- slipway:{kind} ");
    let found = trimmed.rfind(&begin).and_then(|at| {
        let id = trimmed[at + begin.len()..].strip_suffix(" -->")?;
        Some((at, uuid::Uuid::parse_str(id).ok()?))
    });
    match found {
        Some((at, id)) => (&trimmed[..at], Some(id)),
        None => (text, None),
    }
}

/// Where a line has a `/` that begins a word, with any `\` before it: how far it is indented.
fn commands(line: &str) -> Option<usize> {
    let rest = line.trim_start();
    let word = rest.trim_start_matches('\\').strip_prefix('/')?;
    word.starts_with(|first: char| first.is_ascii_alphabetic())
        .then(|| line.len() - rest.len())
}

/// A text that GitLab takes as words alone: a line that begins with `/close`, say, would be done there.
fn harmless(text: &str) -> String {
    let lines = text.split('\n').map(|line| match commands(line) {
        Some(at) => format!("{}\\{}", &line[..at], &line[at..]),
        None => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The other way from [`harmless`].
fn plain(text: &str) -> String {
    let lines = text.split('\n').map(|line| match commands(line) {
        Some(at) if line[at..].starts_with('\\') => format!("{}{}", &line[..at], &line[at + 1..]),
        _ => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A text as both sides hold it: without the ends of lines of other systems, and without empty ones around it.
pub fn even(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    text.trim_end().trim_start_matches('\n').to_owned()
}

/// A description as GitLab gets it; with the item's id where the issue was made for the item.
pub fn sent_description(text: &str, item: Option<ItemId>) -> String {
    let text = harmless(&even(text));
    match item {
        Some(item) if text.is_empty() => mark("item", &item.to_string()),
        Some(item) => format!("{text}\n\n{}", mark("item", &item.to_string())),
        None => text,
    }
}

/// A description as items hold it, and the id of the item that the issue was made for.
pub fn read_description(text: &str) -> (String, Option<ItemId>) {
    let text = even(text);
    let (text, id) = unmarked("item", &text);
    (even(&plain(text)), id.map(ItemId::from_uuid))
}

/// A comment as GitLab gets it: who said it, since all of them come from one account there.
pub fn sent_comment(author: &str, body: &str, comment: CommentId) -> String {
    let author = author.replace(['*', '\n'], " ");
    let mark = mark("comment", &comment.to_string());
    format!("**{author}** (Slipway):\n\n{}\n\n{mark}", harmless(&even(body)))
}

/// A comment of GitLab as items hold it, and the id of the comment that it was made for.
pub fn read_comment(text: &str) -> (String, Option<CommentId>) {
    let text = even(text);
    let (body, id) = unmarked("comment", &text);
    let said = match body.split_once('\n') {
        Some((first, rest))
            if id.is_some() && first.starts_with("**") && first.ends_with("** (Slipway):") =>
        {
            rest
        }
        _ => body,
    };
    (even(&plain(said)), id.map(CommentId::from_uuid))
}

/// A label that says which type an issue becomes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelRule {
    /// The label, in any case.
    pub label: String,
    /// What it becomes.
    pub kind: ItemKind,
}

/// How an app's issues are mirrored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MirrorRules {
    /// What an issue becomes that no rule names.
    pub kind: ItemKind,
    /// What it becomes by a label; the first one that fits counts.
    pub labels: Vec<LabelRule>,
    /// Whether items that are made here for the app are made as issues there.
    pub creates: bool,
}

impl Default for MirrorRules {
    fn default() -> Self {
        Self {
            kind: ItemKind::Task,
            labels: vec![LabelRule {
                label: String::from("bug"),
                kind: ItemKind::Bug,
            }],
            creates: false,
        }
    }
}

impl MirrorRules {
    /// What an issue with those labels becomes.
    pub fn kind_of(&self, labels: &[String]) -> ItemKind {
        let fits = |rule: &&LabelRule| {
            let wanted = rule.label.to_lowercase();
            labels.iter().any(|label| label.to_lowercase() == wanted)
        };
        self.labels.iter().find(fits).map_or(self.kind, |rule| rule.kind)
    }

    /// The rules as people type them: one a line, `bug = bug`.
    pub fn typed(&self) -> String {
        let lines = self
            .labels
            .iter()
            .map(|rule| format!("{} = {}", rule.label, rule.kind.key()));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Reads what people type.
    ///
    /// # Errors
    /// What is wrong with which line.
    pub fn parse(typed: &str) -> Result<Vec<LabelRule>, Text> {
        let mut rules = Vec::new();
        for line in typed.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let read = line.rsplit_once('=').and_then(|(label, kind)| {
                let label = label.trim().to_owned();
                let kind = ItemKind::from_key(&kind.trim().to_lowercase())?;
                (!label.is_empty()).then_some(LabelRule { label, kind })
            });
            let rule = read.ok_or_else(|| {
                Text::new(
                    format!("“{line}” is no rule; write a label and a type, as in “bug = bug” (epic, requirement, task, bug)"),
                    format!("“{line}”不是有效规则，请填写标签和类型，如“bug = bug”（epic、requirement、task、bug）"),
                )
            })?;
            rules.push(rule);
        }
        if rules.len() > RULES_MOST {
            return Err(Text::new("use at most 20 rules", "最多 20 条规则"));
        }
        Ok(rules)
    }
}

keyed! {
    /// How an item and its issue stand to each other.
    LinkState {
        Making = "making", "The issue is being made", "正在创建议题";
        Linked = "linked", "Mirrored", "已同步";
        Gone = "gone", "The issue was deleted in GitLab, or the connection may not see it any more", "议题已在 GitLab 中删除，或连接已无权查看";
        Moved = "moved", "The issue was moved to another project of GitLab", "议题已移动到 GitLab 的其他项目";
        Confidential = "confidential", "The issue was made confidential in GitLab, and is not mirrored any more", "议题在 GitLab 中已设为机密，不再同步";
    }
}

/// An item's issue, as its page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MirrorLink {
    /// The app whose repository has it.
    pub app: AppId,
    /// Its number in the project of GitLab; `None`: it is not made yet.
    pub iid: Option<i64>,
    /// Where GitLab shows it.
    pub web_url: String,
    /// Who wrote the issue in GitLab, by name; empty where it was made here.
    pub author: String,
    /// How the two stand.
    pub state: LinkState,
    /// What somebody has to settle.
    pub conflicts: Vec<Conflict>,
    /// What is left alone, and why.
    pub remark: Option<Text>,
    /// Why the last try came to nothing.
    pub trouble: Option<Text>,
    /// When both sides last met.
    pub synced_at: Option<Timestamp>,
    /// Grows with every meeting: what a conflict is settled on.
    pub version: i64,
}

impl MirrorLink {
    /// What people call the issue.
    pub fn name(&self) -> String {
        self.iid
            .map_or_else(|| String::from("GitLab"), |iid| format!("GitLab #{iid}"))
    }
}

/// An item with a conflict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConflictRow {
    /// As in `CHK-12`.
    pub key: String,
    /// In one line.
    pub title: String,
    /// The number.
    pub iid: Option<i64>,
    /// What differs.
    pub conflicts: Vec<Conflict>,
    /// What it is settled on.
    pub version: i64,
}

/// How far the issues that were there at the start are taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taking {
    /// The pages of issues that were read.
    pub pages: i64,
    /// The items that were made of them.
    pub made: i64,
    /// Whether all of them were read.
    pub done: bool,
}

/// What the page of an app's mirror shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MirrorView {
    /// Where.
    pub place: Place,
    /// The repository's path; `None`: none is connected.
    pub repository: Option<String>,
    /// Since when it is on.
    pub since: Option<Timestamp>,
    /// How issues are mirrored.
    pub rules: MirrorRules,
    /// How far the issues from before are taken over; `None`: nobody asked for it.
    pub taking: Option<Taking>,
    /// When GitLab was last asked what changed.
    pub reconciled_at: Option<Timestamp>,
    /// How many items have an issue.
    pub linked: i64,
    /// Which of them have something to settle, at most 50.
    pub conflicts: Vec<ConflictRow>,
    /// Why the last look came to nothing.
    pub trouble: Option<Text>,
    /// What a change is compared with.
    pub version: i64,
}

#[cfg(test)]
mod tests;
