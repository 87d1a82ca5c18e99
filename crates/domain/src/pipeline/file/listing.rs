//! Entries of mappings and items of lists that come, go and move, with their comments.

use super::super::yaml::Yaml;
use super::cut::{line_end, line_start};
use super::place::{column_of, comment_follows, dash, has_comment, indent_of, newline};
use super::plan::{Plan, meaning_of};
use super::refusal::Refusal;
use super::tree::{Kind, NodeId, Tree};
use super::value::{Meaning, meaning};
use super::written;

const UNUSUAL: (&str, &str) = ("is written in an unusual way", "写法特殊");
const COMMENTS: (&str, &str) = ("has comments that would be lost", "包含会丢失的注释");

/// Collections of a file, with the field they are spoken of as.
pub(super) struct Listing<'a, 't> {
    pub(super) tree: &'a Tree<'t>,
    pub(super) field: String,
}

impl Listing<'_, '_> {
    fn kept<T>(&self, node: NodeId, reason: (&str, &str)) -> Result<T, Refusal> {
        Err(Refusal::kept(self.tree, node, &self.field, reason.0, reason.1))
    }

    fn newline(&self) -> &'static str {
        newline(self.tree.text)
    }

    /// The dash of an item that stands on the item's first line.
    fn dash(&self, item: NodeId) -> Result<usize, Refusal> {
        let text = self.tree.text;
        let start = self.tree.node(item).start;
        match dash(self.tree, item).filter(|dash| !text[*dash..start].contains('\n')) {
            Some(dash) => Ok(dash),
            None => self.kept(item, UNUSUAL),
        }
    }

    /// Whole lines at the beginning of a line, or at the end of a file without a final line break.
    fn lines(&self, plan: &mut Plan, at: usize, mut lines: String) {
        let text = self.tree.text;
        if at == text.len() && !text.is_empty() && !text.ends_with('\n') {
            lines.truncate(lines.len() - self.newline().len());
            lines.insert_str(0, self.newline());
        }
        plan.splice((at..at, lines));
    }

    /// An item before the one of this place, or at the end.
    pub(super) fn insert_item(
        &self,
        plan: &mut Plan,
        list: NodeId,
        place: usize,
        item: &Yaml,
    ) -> Result<(), Refusal> {
        let text = self.tree.text;
        let node = self.tree.node(list);
        let Kind::List { items, flow } = &node.kind else {
            return self.kept(list, ("is no list", "不是列表"));
        };
        plan.item(list, place, meaning_of(item));
        if *flow || self.tree.in_flow(list) {
            let new = written::flow(item);
            let splice = match (items.get(place), items.last()) {
                (Some(next), _) => {
                    let at = self.tree.node(*next).start;
                    (at..at, format!("{new}, "))
                }
                (None, Some(before)) => {
                    let at = self.tree.node(*before).end;
                    (at..at, format!(", {new}"))
                }
                (None, None) => (node.start + 1..node.end - 1, new),
            };
            if has_comment(text, splice.0.start, splice.0.end) {
                return self.kept(list, COMMENTS);
            }
            plan.splice(splice);
            return Ok(());
        }
        let neighbour = match place.checked_sub(1) {
            Some(before) => items.get(before),
            None => items.first(),
        };
        let Some(neighbour) = neighbour else {
            return self.kept(list, UNUSUAL);
        };
        let dash = self.dash(*neighbour)?;
        if indent_of(text, dash).is_none() && (place == 0 || items.len() < 2) {
            return self.kept(*neighbour, UNUSUAL);
        }
        let at = if place == 0 {
            line_start(text, dash)
        } else {
            line_end(text, self.tree.node(*neighbour).end)
        };
        let lines = written::item(item, column_of(text, dash), self.newline());
        self.lines(plan, at, lines);
        Ok(())
    }

    /// Takes an item out, with the comment behind it.
    pub(super) fn remove_item(&self, plan: &mut Plan, list: NodeId, place: usize) -> Result<(), Refusal> {
        let text = self.tree.text;
        let node = self.tree.node(list);
        let Kind::List { items, flow } = &node.kind else {
            return self.kept(list, ("is no list", "不是列表"));
        };
        let Some(item) = items.get(place).copied() else {
            return self.kept(list, ("has no such item", "没有该项"));
        };
        plan.loses(list, place);
        if *flow || self.tree.in_flow(list) {
            let range = flow_gap(self.tree, node.start, node.end, items, place);
            if has_comment(text, range.start, range.end) {
                return self.kept(item, COMMENTS);
            }
            plan.splice((range, String::new()));
            return Ok(());
        }
        let dash = self.dash(item)?;
        if items.len() == 1 {
            let colon = text[..dash].trim_end().len();
            if has_comment(text, colon, dash) || !text[..colon].ends_with(':') {
                return self.kept(list, UNUSUAL);
            }
            let end = line_end(text, self.tree.node(item).end);
            let ended = text[..end].ends_with('\n');
            let line_break = if ended { self.newline() } else { "" };
            plan.splice((colon..end, format!(" []{line_break}")));
            return Ok(());
        }
        if indent_of(text, dash).is_none() {
            return self.kept(item, UNUSUAL);
        }
        plan.splice((
            line_start(text, dash)..line_end(text, self.tree.node(item).end),
            String::new(),
        ));
        Ok(())
    }

    /// Puts another value in the place of an item.
    pub(super) fn replace_item(&self, plan: &mut Plan, item: NodeId, new: &Yaml) -> Result<(), Refusal> {
        let text = self.tree.text;
        let node = self.tree.node(item);
        let inside = !matches!(node.kind, Kind::Scalar { .. }) && has_comment(text, node.start, node.end);
        if inside {
            return self.kept(item, COMMENTS);
        }
        let written = if self.tree.in_flow(item) {
            written::flow(new)
        } else {
            let column = column_of(text, self.dash(item)?);
            written::behind_dash(new, column, self.newline())
        };
        if written.contains('\n') && comment_follows(text, node.end) {
            // A comment behind the last line stays behind the last line.
            if matches!(new, Yaml::Text(_)) {
                return self.kept(item, COMMENTS);
            }
        }
        plan.set(self.tree, item, written, meaning_of(new));
        Ok(())
    }

    /// Moves an item before the one of another place, with the comments directly above it and behind it.
    pub(super) fn move_item(
        &self,
        plan: &mut Plan,
        list: NodeId,
        from: usize,
        to: usize,
    ) -> Result<(), Refusal> {
        let text = self.tree.text;
        let node = self.tree.node(list);
        let Kind::List { items, flow } = &node.kind else {
            return self.kept(list, ("is no list", "不是列表"));
        };
        let Some(item) = items.get(from).copied() else {
            return self.kept(list, ("has no such item", "没有该项"));
        };
        plan.loses(list, from);
        plan.item(list, to, meaning(self.tree, item));
        if *flow || self.tree.in_flow(list) {
            if has_comment(text, node.start, node.end) {
                return self.kept(list, COMMENTS);
            }
            let moved = text[self.tree.node(item).start..self.tree.node(item).end].to_owned();
            plan.splice((
                flow_gap(self.tree, node.start, node.end, items, from),
                String::new(),
            ));
            let splice = if let Some(next) = items.get(to) {
                let at = self.tree.node(*next).start;
                (at..at, format!("{moved}, "))
            } else {
                let at = items.last().map_or(node.end, |end| self.tree.node(*end).end);
                (at..at, format!(", {moved}"))
            };
            plan.splice(splice);
            return Ok(());
        }
        let range = self.item_lines(items, from)?;
        let mut lines = text[range.clone()].to_owned();
        let at = match items.get(to) {
            Some(_) => self.item_lines(items, to)?.start,
            None => items
                .last()
                .map_or(text.len(), |last| line_end(text, self.tree.node(*last).end)),
        };
        let mut range = range;
        if !lines.ends_with('\n') {
            // The last line of the file moves up; the one before it becomes the last.
            let before = text[..range.start].trim_end_matches(['\n', '\r']).len();
            lines.push_str(self.newline());
            range.start = before.max(at);
        }
        plan.splice((range, String::new()));
        self.lines(plan, at, lines);
        Ok(())
    }

    /// The lines of an item, with the comments directly above it.
    fn item_lines(&self, items: &[NodeId], place: usize) -> Result<std::ops::Range<usize>, Refusal> {
        let text = self.tree.text;
        let dash = self.dash(items[place])?;
        if indent_of(text, dash).is_none() {
            return self.kept(items[place], UNUSUAL);
        }
        let line = line_start(text, dash);
        let floor = match place.checked_sub(1) {
            Some(before) => line_end(text, self.tree.node(items[before]).end).min(line),
            None => line,
        };
        let mut start = line;
        for candidate in text[floor..line].split_inclusive('\n').rev() {
            if !candidate.trim_start().starts_with('#') {
                break;
            }
            start -= candidate.len();
        }
        Ok(start..line_end(text, self.tree.node(items[place]).end))
    }

    /// An entry before the one of this place, or at the end.
    pub(super) fn insert_entry(
        &self,
        plan: &mut Plan,
        map: NodeId,
        place: usize,
        key: &str,
        value: &Yaml,
    ) -> Result<(), Refusal> {
        let text = self.tree.text;
        let node = self.tree.node(map);
        let Kind::Map { entries, flow } = &node.kind else {
            return self.kept(map, ("is no mapping", "不是映射"));
        };
        plan.entry(map, place, Meaning::text(key), meaning_of(value));
        if *flow || self.tree.in_flow(map) {
            let new = written::flow_entry(key, value);
            let splice = match (entries.get(place), entries.last()) {
                (Some((next, _)), _) => {
                    let at = self.tree.node(*next).start;
                    (at..at, format!("{new}, "))
                }
                (None, Some((key, value))) => {
                    let at = self.tree.node(*value).end.max(self.tree.node(*key).end);
                    (at..at, format!(", {new}"))
                }
                (None, None) => (node.start + 1..node.end - 1, new),
            };
            if has_comment(text, splice.0.start, splice.0.end) {
                return self.kept(map, COMMENTS);
            }
            plan.splice(splice);
            return Ok(());
        }
        let Some((first, _)) = entries.first() else {
            return self.kept(map, ("is empty", "为空"));
        };
        let column = column_of(text, self.tree.node(*first).start);
        if place == 0 && indent_of(text, self.tree.node(*first).start).is_none() {
            return self.kept(map, UNUSUAL);
        }
        let at = match place.checked_sub(1).and_then(|before| entries.get(before)) {
            Some((key, value)) => {
                let end = self.tree.node(*value).end.max(self.tree.node(*key).end);
                line_end(text, end)
            }
            None => line_start(text, self.tree.node(*first).start),
        };
        let lines = written::entry(key, value, column, self.newline());
        self.lines(plan, at, lines);
        Ok(())
    }

    /// Takes an entry out, with everything in it and the comment behind it.
    pub(super) fn remove_entry(&self, plan: &mut Plan, map: NodeId, place: usize) -> Result<(), Refusal> {
        let text = self.tree.text;
        let node = self.tree.node(map);
        let Kind::Map { entries, flow } = &node.kind else {
            return self.kept(map, ("is no mapping", "不是映射"));
        };
        let Some((key, value)) = entries.get(place).copied() else {
            return self.kept(map, ("has no such key", "没有该键"));
        };
        plan.loses(map, place);
        let end = self.tree.node(value).end.max(self.tree.node(key).end);
        if *flow || self.tree.in_flow(map) {
            let start = self.tree.node(key).start;
            let range = match (place.checked_sub(1), entries.get(place + 1)) {
                (_, Some((next, _))) => start..self.tree.node(*next).start,
                (Some(before), None) => {
                    let (key, value) = entries[before];
                    self.tree.node(value).end.max(self.tree.node(key).end)..end
                }
                (None, None) => start..end,
            };
            if has_comment(text, range.start, range.end) {
                return self.kept(value, COMMENTS);
            }
            plan.splice((range, String::new()));
            return Ok(());
        }
        let start = self.tree.node(key).start;
        if entries.len() == 1 || indent_of(text, start).is_none() {
            return self.kept(value, ("cannot be taken out alone", "无法单独移除"));
        }
        let mut from = line_start(text, start);
        let to = line_end(text, end);
        if to == text.len() && !text.ends_with('\n') {
            // The file has no final line break, and gets none.
            from = text[..from].trim_end_matches(['\n', '\r']).len();
        }
        plan.splice((from..to, String::new()));
        Ok(())
    }
}

/// The bytes of an item in brackets, with one of the commas beside it.
fn flow_gap(
    tree: &Tree<'_>,
    start: usize,
    end: usize,
    items: &[NodeId],
    place: usize,
) -> std::ops::Range<usize> {
    let item = tree.node(items[place]);
    match (place.checked_sub(1), items.get(place + 1)) {
        (_, Some(next)) => item.start..tree.node(*next).start,
        (Some(before), None) => tree.node(items[before]).end..item.end,
        (None, None) => start + 1..end - 1,
    }
}
