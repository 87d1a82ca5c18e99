//! The difference of two texts, line by line, with what is equal left out and counted.

use serde::{Deserialize, Serialize};
use similar::ChangeTag;
use similar::algorithms::{Capture, Compact, Replace, myers};

/// How many equal lines stand around a change.
pub const CONTEXT: usize = 3;

/// The difference of two texts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DiffView {
    /// Changes with their surroundings, top to bottom; none when the texts are equal.
    pub hunks: Vec<Hunk>,
    /// Equal lines left out after the last hunk.
    pub hidden_after: usize,
    /// Lines only the new text has.
    pub added: usize,
    /// Lines only the old text has.
    pub removed: usize,
}

impl DiffView {
    /// Whether the texts are equal.
    pub fn is_empty(&self) -> bool {
        self.hunks.is_empty()
    }
}

/// Changes that stand together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hunk {
    /// Equal lines left out before it.
    pub hidden_before: usize,
    /// Its lines.
    pub lines: Vec<DiffLine>,
}

/// A line of a difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffLine {
    /// What happened to it.
    pub kind: DiffKind,
    /// Its number in the old text, from 1.
    pub old: Option<usize>,
    /// Its number in the new text, from 1.
    pub new: Option<usize>,
    /// The text without the line break.
    pub text: String,
    /// It is the last one and has no line break.
    #[serde(default)]
    pub no_newline: bool,
}

/// What happened to a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiffKind {
    /// In both texts.
    Same,
    /// In the new text.
    Added,
    /// In the old text.
    Removed,
}

/// Compares two texts by lines, with [`CONTEXT`] equal lines around each change. `CRLF` and `LF` differ.
pub fn diff_lines(old: &str, new: &str) -> DiffView {
    // Not by `TextDiff`, which has every algorithm in it: this comes to the browser.
    let (old, new): (Vec<&str>, Vec<&str>) = (lines(old), lines(new));
    let mut hook = Compact::new(Replace::new(Capture::new()), &old[..], &new[..]);
    let Ok(()) = myers::diff(&mut hook, &old[..], 0..old.len(), &new[..], 0..new.len());
    let groups = hook.into_inner().into_inner().into_grouped_ops(CONTEXT);
    let mut view = DiffView::default();
    let mut shown = 0;
    for group in groups {
        let start = group.first().map_or(shown, |op| op.old_range().start);
        let mut lines = Vec::new();
        for change in group.iter().flat_map(|op| op.iter_changes(&old[..], &new[..])) {
            let kind = match change.tag() {
                ChangeTag::Equal => DiffKind::Same,
                ChangeTag::Insert => DiffKind::Added,
                ChangeTag::Delete => DiffKind::Removed,
            };
            view.added += usize::from(kind == DiffKind::Added);
            view.removed += usize::from(kind == DiffKind::Removed);
            let text = change.value().strip_suffix('\n');
            lines.push(DiffLine {
                kind,
                old: change.old_index().map(|index| index + 1),
                new: change.new_index().map(|index| index + 1),
                text: text.unwrap_or(change.value()).to_owned(),
                no_newline: text.is_none(),
            });
        }
        view.hunks.push(Hunk {
            hidden_before: start - shown,
            lines,
        });
        shown = group.last().map_or(shown, |op| op.old_range().end);
    }
    view.hidden_after = old.len() - shown;
    view
}

/// The lines with their breaks.
fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn numbered(count: usize) -> String {
        let lines: Vec<String> = (1..=count).map(|line| format!("line {line}\n")).collect();
        lines.concat()
    }

    #[test]
    fn what_is_equal_is_counted_not_shown() {
        let old = numbered(100);
        let new = old.replace("line 10\n", "line ten\n").replace("line 90\n", "");
        let view = diff_lines(&old, &new);
        assert_eq!(view.hunks.len(), 2);
        assert_eq!((view.added, view.removed), (1, 2));
        assert_eq!(view.hunks[0].hidden_before, 6);
        assert_eq!(view.hunks[1].hidden_before, 86 - 13);
        assert_eq!(view.hidden_after, 100 - 93);
    }

    #[test]
    fn a_missing_last_line_break_is_a_difference() {
        let view = diff_lines("a\n", "a");
        assert_eq!((view.added, view.removed), (1, 1));
        assert!(view.hunks[0].lines[1].no_newline);
    }

    #[test]
    fn a_new_file_is_all_added() {
        let view = diff_lines("", "a\nb\n");
        assert_eq!((view.added, view.removed, view.hidden_after), (2, 0, 0));
        assert!(diff_lines("a\n", "a\n").is_empty());
    }

    proptest! {
        #[test]
        fn every_line_is_shown_or_counted(old in "([abc]\n){0,30}", new in "([abc]\n){0,30}") {
            let view = diff_lines(&old, &new);
            let hidden: usize = view.hunks.iter().map(|hunk| hunk.hidden_before).sum::<usize>() + view.hidden_after;
            let lines = || view.hunks.iter().flat_map(|hunk| &hunk.lines);
            prop_assert_eq!(hidden + lines().filter(|line| line.old.is_some()).count(), old.lines().count());
            prop_assert_eq!(hidden + lines().filter(|line| line.new.is_some()).count(), new.lines().count());
            for line in lines() {
                if let Some(number) = line.new {
                    prop_assert_eq!(Some(line.text.as_str()), new.lines().nth(number - 1));
                }
            }
        }
    }
}
