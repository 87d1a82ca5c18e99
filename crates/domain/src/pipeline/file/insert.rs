//! How the text changes: fields that are not there yet.

use super::cut::{line_end, line_start};
use super::edit::{Found, Meant, Splice};
use super::editor::{Change, Editor, list_meaning, style_of};
use super::place::indent_of;
use super::refusal::Refusal;
use super::scalar::NewValue;
use super::tree::{Kind, NodeId, Style, Tree};
use super::value::{Meaning, What};

/// Where a field goes that is not there yet: before the first that comes later here.
const ORDER: [&str; 32] = [
    "extends",
    "stage",
    "image",
    "services",
    "tags",
    "needs",
    "dependencies",
    "rules",
    "only",
    "except",
    "when",
    "start_in",
    "allow_failure",
    "retry",
    "timeout",
    "interruptible",
    "resource_group",
    "parallel",
    "environment",
    "variables",
    "cache",
    "before_script",
    "script",
    "after_script",
    "coverage",
    "artifacts",
    "release",
    "trigger",
    "secrets",
    "id_tokens",
    "inherit",
    "hooks",
];

/// The key under which a single value stands once its field has other keys beside it.
pub(super) fn opens(field: &str, kind: &Kind<'_>) -> Option<&'static str> {
    let Kind::Scalar { style, .. } = kind else {
        return None;
    };
    let one_line = !matches!(style, Style::Absent | Style::Literal | Style::Folded);
    let (first, rest) = field.split_once('.')?;
    match first {
        "image" | "environment" if one_line && !rest.contains('.') => Some("name"),
        "retry" if one_line && !rest.contains('.') => Some("max"),
        _ => None,
    }
}

impl Editor<'_, '_> {
    /// `environment: prod` with an address becomes `environment: {name: prod, url: …}`.
    fn open(&self, found: &Found, first: &'static str, value: &NewValue) -> Change {
        let node = self.tree.node(found.node);
        let old = &self.tree.text[node.start..node.end];
        let [key] = found.missing.as_slice() else {
            return Err(Refusal::NoSuchField {
                field: self.field.clone(),
            });
        };
        let (new, meaning) = match value {
            NewValue::List(items) => self.flow_list(items),
            value => self.written(value, true, 0, Style::Plain),
        };
        let key = (self.item(key, true, 0, Style::Plain).0, Meaning::text(key));
        // In braces a plain text may end where it did not before.
        let kept = match &node.kind {
            Kind::Scalar {
                text,
                style: Style::Plain,
            } if old.contains([',', '[', ']', '{', '}']) || old.contains(':') => {
                self.written(&NewValue::Text(text.to_string()), true, 0, Style::Plain)
                    .0
            }
            _ => old.to_owned(),
        };
        let text = format!("{{{first}: {kept}, {}: {new}}}", key.0);
        let old_meaning = super::value::meaning(self.tree, found.node);
        let map = What::Map(vec![(Meaning::text(first), old_meaning), (key.1, meaning)]);
        Ok((
            vec![(node.start..node.end, text)],
            Meant::Becomes(found.places.clone(), Box::new(Meaning::new(map))),
        ))
    }

    pub(super) fn add(&self, found: &Found, value: &NewValue) -> Change {
        let node = self.tree.node(found.node);
        let text = self.tree.text;
        if let Some(first) = opens(&self.field, &node.kind) {
            return self.open(found, first, value);
        }
        let Kind::Map { entries, flow } = &node.kind else {
            return Err(Refusal::NoSuchField {
                field: self.field.clone(),
            });
        };
        let Some((first, last)) = entries.first().zip(entries.last()) else {
            return self.kept(found.node, "is empty", "为空");
        };
        if found
            .missing
            .iter()
            .any(|step| step.is_empty() || step.bytes().all(|byte| byte.is_ascii_digit()))
        {
            return Err(Refusal::NoSuchField {
                field: self.field.clone(),
            });
        }
        let (written_key, key, meaning) = self.entry(&found.missing, value);
        if *flow || self.in_flow(&found.places) {
            let splice = self.flow_entry(first.0, &found.missing, value)?;
            return Ok((
                vec![splice],
                Meant::Gets(found.places.clone(), 0, Box::new((key, meaning))),
            ));
        }
        let Some(indent) = indent_of(text, self.tree.node(first.0).start) else {
            return self.kept(
                found.node,
                "shares its line with something else",
                "与其他内容同处一行",
            );
        };
        let mut index = place_for(self.tree, &found.missing[0], entries, found.places.len() == 1);
        // A line after a block that the file ends in would end the block's last line.
        let is_block = matches!(style_of(self.tree, last.1), Style::Literal | Style::Folded);
        if index == entries.len() && is_block && !text.ends_with('\n') {
            index -= 1;
        }
        let lines = indented(&written_key, indent, self.newline);
        let at = if index == entries.len() {
            line_end(text, self.tree.node(last.1).end.max(self.tree.node(last.0).end))
        } else {
            self.above(entries, index)
        };
        let splice = self.whole_lines(at, lines);
        Ok((
            vec![splice],
            Meant::Gets(found.places.clone(), index, Box::new((key, meaning))),
        ))
    }

    /// The line at which an entry and the comments directly above it begin.
    pub(super) fn above(&self, entries: &[(NodeId, NodeId)], index: usize) -> usize {
        let text = self.tree.text;
        let line = line_start(text, self.tree.node(entries[index].0).start);
        let Some((_, previous)) = index.checked_sub(1).map(|index| entries[index]) else {
            return line;
        };
        let from = line_end(text, self.tree.node(previous).end).min(line);
        let mut at = line;
        for candidate in text[from..line].split_inclusive('\n').rev() {
            if !candidate.trim_start().starts_with('#') {
                break;
            }
            at -= candidate.len();
        }
        at
    }

    /// `key: value`, with nested keys on lines of their own.
    pub(super) fn entry(
        &self,
        steps: &[String],
        value: &NewValue,
    ) -> (Vec<(usize, String)>, Meaning, Meaning) {
        let key = self.item(&steps[0], false, 0, Style::Plain).0;
        if steps.len() > 1 {
            let (inner, inner_key, inner_value) = self.entry(&steps[1..], value);
            let mut lines = vec![(0, format!("{key}:"))];
            lines.extend(inner.into_iter().map(|(depth, line)| (depth + 1, line)));
            let meaning = Meaning::new(What::Map(vec![(inner_key, inner_value)]));
            return (lines, Meaning::text(&steps[0]), meaning);
        }
        let key_meaning = Meaning::text(&steps[0]);
        match value {
            NewValue::List(items) if !items.is_empty() => {
                let mut lines = vec![(0, format!("{key}:"))];
                for item in items {
                    let written = self.item(item, false, 2, Style::Plain).0;
                    let mut parts = written.split(self.newline);
                    lines.push((1, format!("- {}", parts.next().unwrap_or_default())));
                    lines.extend(parts.map(|part| (1, part.to_owned())));
                }
                (lines, key_meaning, list_meaning(items))
            }
            NewValue::List(items) => (vec![(0, format!("{key}: []"))], key_meaning, list_meaning(items)),
            value => {
                let (written, meaning) = self.written(value, false, 2, Style::Plain);
                let mut parts = written.split(self.newline);
                let mut lines = vec![(0, format!("{key}: {}", parts.next().unwrap_or_default()))];
                lines.extend(parts.map(|part| (0, part.to_owned())));
                (lines, key_meaning, meaning)
            }
        }
    }

    pub(super) fn flow_entry(
        &self,
        first: NodeId,
        steps: &[String],
        value: &NewValue,
    ) -> Result<Splice, Refusal> {
        if steps.len() > 1 {
            return self.kept(first, "is written in braces", "使用花括号写法");
        }
        let key = self.item(&steps[0], true, 0, Style::Plain).0;
        let value = match value {
            NewValue::List(items) => self.flow_list(items).0,
            value => self.written(value, true, 0, Style::Plain).0,
        };
        let at = self.tree.node(first).start;
        Ok((at..at, format!("{key}: {value}, ")))
    }
}

/// Where a new entry goes: never before a merge key, which would win over it.
pub(super) fn place_for(tree: &Tree<'_>, key: &str, entries: &[(NodeId, NodeId)], of_job: bool) -> usize {
    let name = |entry: &(NodeId, NodeId)| tree.scalar(entry.0).unwrap_or_default().to_owned();
    let merged = entries
        .iter()
        .rposition(|entry| name(entry) == "<<")
        .map_or(0, |last| last + 1);
    let rank = |key: &str| ORDER.iter().position(|known| *known == key);
    let Some(own) = rank(key).filter(|_| of_job) else {
        return entries.len();
    };
    let later = |entry: &(NodeId, NodeId)| rank(&name(entry)).is_some_and(|rank| rank > own);
    entries
        .iter()
        .position(later)
        .unwrap_or(entries.len())
        .max(merged)
}

/// Lines at depths, each indented from a column. Lines of a block scalar that are empty stay empty.
fn indented(lines: &[(usize, String)], column: usize, newline: &str) -> String {
    let mut out = String::new();
    for (depth, line) in lines {
        if !line.is_empty() {
            out.extend(std::iter::repeat_n(' ', column + depth * 2));
            out.push_str(line);
        }
        out.push_str(newline);
    }
    out
}
