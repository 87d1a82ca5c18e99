//! How the text changes: items of lists, and whole lines.

use super::cut::{line_end, line_start};
use super::edit::{Found, Meant, Splice};
use super::editor::{Change, Editor, list_meaning, style_of};
use super::place::{column_of, comment_follows, dash, has_comment, indent_of};
use super::refusal::Refusal;
use super::tree::{Kind, NodeId, Style};

impl Editor<'_, '_> {
    pub(super) fn list(&self, found: &Found, items: &[NodeId], flow: bool, new: &[String]) -> Change {
        let meant = Meant::Becomes(found.places.clone(), Box::new(list_meaning(new)));
        let same = |item: NodeId, new: &String| super::value::text_of(self.tree, item).as_ref() == Some(new);
        let before = items
            .iter()
            .zip(new)
            .take_while(|(item, new)| same(**item, new))
            .count();
        let most = items.len().min(new.len()) - before;
        let after = items.iter().rev().zip(new.iter().rev()).take(most);
        let after = after.take_while(|(item, new)| same(**item, new)).count();
        let old = &items[before..items.len() - after];
        let new = &new[before..new.len() - after];
        if old.is_empty() && new.is_empty() {
            return Ok((Vec::new(), meant));
        }
        let flow = flow || self.in_flow(&found.places);
        let splices = if flow {
            self.flow_items(found.node, items, before, old, new)?
        } else if old.len() == items.len() && new.is_empty() {
            self.emptied(found.node, items)?
        } else {
            self.block_items(items, before, old, new)?
        };
        Ok((splices, meant))
    }

    pub(super) fn flow_items(
        &self,
        list: NodeId,
        items: &[NodeId],
        before: usize,
        old: &[NodeId],
        new: &[String],
    ) -> Result<Vec<Splice>, Refusal> {
        let node = |id: NodeId| self.tree.node(id);
        let mut splices = Vec::new();
        let both = old.len().min(new.len());
        for (item, new) in old.iter().zip(new) {
            let is_scalar = matches!(node(*item).kind, Kind::Scalar { .. });
            if !is_scalar && has_comment(self.tree.text, node(*item).start, node(*item).end) {
                return self.kept(*item, "has comments that would be lost", "包含会丢失的注释");
            }
            let style = style_of(self.tree, *item);
            splices.push((
                node(*item).start..node(*item).end,
                self.item(new, true, 0, style).0,
            ));
        }
        let more: Vec<String> = new[both..]
            .iter()
            .map(|new| self.item(new, true, 0, Style::Plain).0)
            .collect();
        if !more.is_empty() {
            match (before + both).checked_sub(1).and_then(|index| items.get(index)) {
                Some(before) => {
                    let at = node(*before).end;
                    splices.push((at..at, format!(", {}", more.join(", "))));
                }
                None => match items.first() {
                    Some(first) => {
                        splices.push((
                            node(*first).start..node(*first).start,
                            format!("{}, ", more.join(", ")),
                        ));
                    }
                    None => splices.push((node(list).start + 1..node(list).end - 1, more.join(", "))),
                },
            }
        }
        if let Some((from, to)) = old.get(both).zip(old.last()) {
            let index = before + both;
            let range = match index.checked_sub(1).and_then(|index| items.get(index)) {
                Some(previous) => node(*previous).end..node(*to).end,
                None => match items.get(before + old.len()) {
                    Some(next) => node(*from).start..node(*next).start,
                    None => node(list).start + 1..node(list).end - 1,
                },
            };
            splices.push((range, String::new()));
        }
        // Comments between items would be lost with them.
        let loses = |(range, new): &Splice| {
            (new.is_empty() || items.is_empty()) && has_comment(self.tree.text, range.start, range.end)
        };
        if splices.iter().any(loses) {
            return self.kept(list, "has comments that would be lost", "包含会丢失的注释");
        }
        Ok(splices)
    }

    /// The whole block list becomes `[]` behind its key.
    pub(super) fn emptied(&self, list: NodeId, items: &[NodeId]) -> Result<Vec<Splice>, Refusal> {
        let text = self.tree.text;
        let Some((from, to)) = items.first().zip(items.last()) else {
            return Ok(Vec::new());
        };
        let Some(dash) = dash(self.tree, *from) else {
            return self.kept(list, "is written in an unusual way", "写法特殊");
        };
        let colon = text[..dash].rfind(':').map_or(dash, |colon| colon + 1);
        let end = self.tree.node(*to).end;
        let gaps = items
            .windows(2)
            .any(|pair| has_comment(text, self.tree.node(pair[0]).end, self.tree.node(pair[1]).start));
        if has_comment(text, colon, dash) || gaps || comment_follows(text, end) {
            return self.kept(list, "has comments that would be lost", "包含会丢失的注释");
        }
        let ended = text[..end].ends_with('\n');
        Ok(vec![(
            colon..end,
            if ended {
                format!(" []{}", self.newline)
            } else {
                " []".to_owned()
            },
        )])
    }

    pub(super) fn block_items(
        &self,
        items: &[NodeId],
        before: usize,
        old: &[NodeId],
        new: &[String],
    ) -> Result<Vec<Splice>, Refusal> {
        let text = self.tree.text;
        let both = old.len().min(new.len());
        let mut splices = Vec::new();
        let place = |item: NodeId| -> Result<(usize, usize), Refusal> {
            let dash = dash(self.tree, item).filter(|dash| self.tree.node(item).line == line_of(text, *dash));
            match dash {
                Some(dash) => Ok((dash, column_of(text, dash))),
                None => self.kept(item, "is written in an unusual way", "写法特殊"),
            }
        };
        for (item, new) in old.iter().zip(new) {
            let node = self.tree.node(*item);
            let (_, column) = place(*item)?;
            match &node.kind {
                Kind::Scalar { .. } => {}
                _ if !has_comment(text, node.start, node.end) => {}
                _ => return self.kept(*item, "has comments that would be lost", "包含会丢失的注释"),
            }
            let style = style_of(self.tree, *item);
            let (mut written, _) = self.item(new, false, column + 2, style);
            if matches!(style, Style::Literal | Style::Folded) {
                let header = &text[node.start..line_end(text, node.start + 1)];
                if header.contains('#') {
                    return self.kept(*item, "has a comment at its head", "首行带有注释");
                }
                if text[node.start..node.end].ends_with('\n') && !written.ends_with('\n') {
                    written.push_str(self.newline);
                }
            }
            splices.push((node.start..node.end, written));
        }
        if new.len() > both {
            let anchor = (before + both)
                .checked_sub(1)
                .map_or(items[0], |last| items[last]);
            let (dash, column) = place(anchor)?;
            if indent_of(text, dash).is_none() {
                return self.kept(anchor, "is written in an unusual way", "写法特殊");
            }
            let at = if before + both == 0 {
                line_start(text, dash)
            } else {
                line_end(text, self.tree.node(anchor).end)
            };
            let mut lines = String::new();
            for new in &new[both..] {
                let (written, _) = self.item(new, false, column + 2, Style::Plain);
                lines.extend(std::iter::repeat_n(' ', column));
                lines.push_str("- ");
                lines.push_str(&written);
                lines.push_str(self.newline);
            }
            splices.push(self.whole_lines(at, lines));
        }
        for item in &old[both..] {
            let (dash, _) = place(*item)?;
            splices.push(self.lines_of(*item, dash, self.tree.node(*item).end)?);
        }
        Ok(splices)
    }

    /// Whole lines, at the beginning of a line or at the end of a file without a final line break.
    pub(super) fn whole_lines(&self, at: usize, mut lines: String) -> Splice {
        let text = self.tree.text;
        if at == text.len() && !text.is_empty() && !text.ends_with('\n') {
            // A text that ends its last line needs that line's end.
            let ends_line = [": |", "- |"]
                .iter()
                .any(|head| lines.contains(&format!("{head}{}", self.newline)));
            if !ends_line {
                lines.truncate(lines.len() - self.newline.len());
            }
            lines.insert_str(0, self.newline);
        }
        (at..at, lines)
    }

    /// The lines from a byte to another, to take them away.
    pub(super) fn lines_of(&self, node: NodeId, from: usize, to: usize) -> Result<Splice, Refusal> {
        let text = self.tree.text;
        if indent_of(text, from).is_none() {
            return self.kept(node, "shares its line with something else", "与其他内容同处一行");
        }
        let inside = self.tree.node(node);
        let is_scalar = matches!(inside.kind, Kind::Scalar { .. });
        let comment = comment_follows(text, to) && !text[..to].ends_with('\n');
        if comment || (!is_scalar && has_comment(text, inside.start, inside.end)) {
            return self.kept(node, "has comments that would be lost", "包含会丢失的注释");
        }
        Ok((line_start(text, from)..line_end(text, to), String::new()))
    }

    pub(super) fn remove(&self, found: &Found) -> Change {
        let Some((place, parent)) = found.places.split_last().filter(|_| found.missing.is_empty()) else {
            return Err(Refusal::NoSuchField {
                field: self.field.clone(),
            });
        };
        let mut holder = self.tree.content().map_or(0, |document| document.root);
        for place in parent {
            holder = match &self.tree.node(holder).kind {
                Kind::List { items, .. } => items[*place],
                Kind::Map { entries, .. } => entries[*place].1,
                _ => {
                    return Err(Refusal::NoSuchField {
                        field: self.field.clone(),
                    });
                }
            };
        }
        let (from, siblings) = match &self.tree.node(holder).kind {
            Kind::Map { entries, flow: false } => {
                (Some(self.tree.node(entries[*place].0).start), entries.len())
            }
            Kind::List { items, flow: false } => (dash(self.tree, found.node), items.len()),
            _ => (None, 0),
        };
        let Some(from) = from.filter(|_| siblings > 1) else {
            return self.kept(found.node, "cannot be taken out alone", "无法单独移除");
        };
        let splice = self.lines_of(found.node, from, self.tree.node(found.node).end)?;
        Ok((vec![splice], Meant::Loses(parent.to_vec(), *place)))
    }
}

fn line_of(text: &str, place: usize) -> usize {
    text[..place].matches('\n').count() + 1
}
