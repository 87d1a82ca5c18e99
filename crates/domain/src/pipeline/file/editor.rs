//! How the text changes: scalars in place.

use super::assignment::Assignment;
use super::cut::{line_end, line_start};
use super::edit::{Found, Meant, Splice, last_entry, locked};
use super::effective::{Value, typed};
use super::place::{comment_follows, newline};
use super::refusal::Refusal;
use super::scalar::{NewValue, Place, text as scalar_text};
use super::tree::{Kind, NodeId, Style, Tree};
use super::value::{Meaning, What};
use crate::text::Text;

pub(super) struct Editor<'a, 't> {
    pub(super) tree: &'a Tree<'t>,
    pub(super) newline: &'static str,
    pub(super) field: String,
}

pub(super) type Change = Result<(Vec<Splice>, Meant), Refusal>;

impl<'a, 't> Editor<'a, 't> {
    /// An editor of one field.
    pub(super) fn new(tree: &'a Tree<'t>, field: String) -> Self {
        Self {
            tree,
            newline: newline(tree.text),
            field,
        }
    }
}

impl Editor<'_, '_> {
    pub(super) fn kept<T>(&self, node: NodeId, en: &str, zh: &str) -> Result<T, Refusal> {
        Err(Refusal::kept(self.tree, node, &self.field, en, zh))
    }

    pub(super) fn wrong<T>(&self, en: &str, zh: &str) -> Result<T, Refusal> {
        Err(Refusal::WrongValue {
            field: self.field.clone(),
            wanted: Text::new(en, zh),
        })
    }

    pub(super) fn change(&self, found: &Found, assignment: &Assignment) -> Change {
        if assignment.value == NewValue::Absent {
            return self.remove(found);
        }
        if !found.missing.is_empty() {
            return self.add(found, &assignment.value);
        }
        let node = self.tree.node(found.node);
        match (&node.kind, &assignment.value) {
            (Kind::List { items, flow }, NewValue::List(new)) => self.list(found, items, *flow, new),
            (Kind::List { .. }, _) => {
                self.wrong("a list; name one item as FIELD.0", "列表，单项请写作 字段.0")
            }
            (Kind::Map { .. }, NewValue::Text(_)) => self.inner(found, assignment),
            (Kind::Map { .. }, _) => self.wrong("set by its keys, as FIELD.KEY", "按键设置，请写作 字段.键"),
            (_, NewValue::List(new)) => self.scalar_to_list(found, new),
            (_, value) => self.scalar(found, value),
        }
    }

    /// `image: {name: x}` is set by its name, a variable with a description by its value.
    pub(super) fn inner(&self, found: &Found, assignment: &Assignment) -> Change {
        for key in ["name", "value", "max"] {
            if let Some(place) = last_entry(self.tree, found.node, key) {
                let mut places = found.places.clone();
                places.push(place);
                let node = self.tree.entries(found.node)[place].1;
                let inner = Found {
                    node,
                    places,
                    missing: Vec::new(),
                };
                locked(self.tree, &inner, &self.field, false)?;
                if matches!(self.tree.node(node).kind, Kind::Scalar { .. }) {
                    return self.scalar(&inner, &assignment.value);
                }
            }
        }
        self.wrong("set by its keys, as FIELD.KEY", "按键设置，请写作 字段.键")
    }

    /// Whether a value stands inside of brackets or braces.
    pub(super) fn in_flow(&self, places: &[usize]) -> bool {
        let mut node = self.tree.content().map_or(0, |document| document.root);
        for place in places {
            match &self.tree.node(node).kind {
                Kind::List { flow: true, .. } | Kind::Map { flow: true, .. } => return true,
                Kind::List { items, .. } => node = items[*place],
                Kind::Map { entries, .. } => node = entries[*place].1,
                _ => return false,
            }
        }
        false
    }

    /// A scalar as text and as meaning. `old`: what it replaces.
    pub(super) fn written(
        &self,
        value: &NewValue,
        flow: bool,
        indent: usize,
        style: Style,
    ) -> (String, Meaning) {
        let place = Place {
            flow,
            indent,
            newline: self.newline,
            style,
        };
        match value {
            NewValue::Switch(value) => {
                let text = value.to_string();
                (text.clone(), scalar_meaning(&text))
            }
            NewValue::Number(value) => {
                let text = value.to_string();
                (text.clone(), scalar_meaning(&text))
            }
            NewValue::Text(text) => (scalar_text(text, place), Meaning::text(text)),
            NewValue::List(_) | NewValue::Absent => (String::new(), Meaning::text("")),
        }
    }

    pub(super) fn scalar(&self, found: &Found, value: &NewValue) -> Change {
        let node = self.tree.node(found.node);
        let Kind::Scalar { text: old, style } = &node.kind else {
            return self.kept(found.node, "is no single value", "不是单个值");
        };
        let value = self.same_type(old, *style, value);
        let text = self.tree.text;
        let flow = self.in_flow(&found.places);
        let (mut new, meaning) = self.written(&value, flow, self.block_indent(found), *style);
        let range = node.start..node.end;
        if matches!(style, Style::Literal | Style::Folded) {
            let header = &text[node.start..line_end(text, node.start + 1)];
            if header.contains('#') {
                return self.kept(found.node, "has a comment at its head", "首行带有注释");
            }
            // The line break that a kept block ends with, or that a new block needs at the end.
            let ended = text[range.clone()].ends_with('\n');
            if ended && !new.ends_with('\n') {
                new.push_str(self.newline);
            }
        }
        // A text that ends its last line needs that line's end.
        if new.starts_with('|') && !new.starts_with("|-") && range.end == text.len() && !new.ends_with('\n') {
            new.push_str(self.newline);
        }
        if new.starts_with('|') && comment_follows(text, node.end) {
            return self.kept(found.node, "has a comment behind it", "后面带有注释");
        }
        if *style == Style::Absent {
            let colon = text[..node.start].ends_with(':');
            if !colon {
                return self.kept(found.node, "has no place for a value", "没有写值的位置");
            }
            new.insert(0, ' ');
        }
        Ok((
            vec![(range, new)],
            Meant::Becomes(found.places.clone(), Box::new(meaning)),
        ))
    }

    /// A plain switch or number stays one where the new text is one.
    pub(super) fn same_type(&self, old: &str, style: Style, value: &NewValue) -> NewValue {
        let NewValue::Text(new) = value else {
            return value.clone();
        };
        let in_variables = self.field.starts_with("variables.");
        if style != Style::Plain || in_variables && !matches!(typed(old, style, None), Value::Int(_)) {
            return value.clone();
        }
        match (typed(old, style, None), typed(new, Style::Plain, None)) {
            (Value::Bool(_), Value::Bool(new)) => NewValue::Switch(new),
            (Value::Int(_), Value::Int(number)) if number.to_string() == *new => NewValue::Number(number),
            _ => value.clone(),
        }
    }

    /// The column at which the lines of a block scalar at this place begin.
    pub(super) fn block_indent(&self, found: &Found) -> usize {
        let text = self.tree.text;
        let start = line_start(text, self.tree.node(found.node).start);
        let line = text[start..].lines().next().unwrap_or_default();
        let blanks = line.len() - line.trim_start_matches(' ').len();
        // After a dash (or several) the item's own column counts.
        let mut indent = blanks;
        let mut rest = &line[blanks..];
        while let Some(after) = rest.strip_prefix('-').filter(|after| after.starts_with(' ')) {
            let skipped = after.len() - after.trim_start_matches(' ').len();
            indent += 1 + skipped;
            rest = &after[skipped..];
        }
        let is_item = start + indent >= self.tree.node(found.node).start;
        if is_item {
            indent.max(blanks + 2)
        } else {
            indent + 2
        }
    }

    pub(super) fn scalar_to_list(&self, found: &Found, new: &[String]) -> Change {
        let node = self.tree.node(found.node);
        let Kind::Scalar { style, .. } = &node.kind else {
            return self.kept(found.node, "is no single value", "不是单个值");
        };
        // A field that holds one text keeps that form.
        if let [one] = new
            && *style != Style::Absent
        {
            return self.scalar(found, &NewValue::Text(one.clone()));
        }
        if matches!(style, Style::Literal | Style::Folded) {
            return self.kept(found.node, "is one text of several lines", "是一段多行文本");
        }
        let (mut text, meaning) = self.flow_list(new);
        if *style == Style::Absent {
            text.insert(0, ' ');
        }
        let range = node.start..node.end;
        Ok((
            vec![(range, text)],
            Meant::Becomes(found.places.clone(), Box::new(meaning)),
        ))
    }

    pub(super) fn flow_list(&self, new: &[String]) -> (String, Meaning) {
        let items: Vec<String> = new
            .iter()
            .map(|item| self.item(item, true, 0, Style::Plain).0)
            .collect();
        (format!("[{}]", items.join(", ")), list_meaning(new))
    }

    pub(super) fn item(&self, item: &str, flow: bool, indent: usize, style: Style) -> (String, Meaning) {
        self.written(&NewValue::Text(item.to_owned()), flow, indent, style)
    }
}

pub(super) fn style_of(tree: &Tree<'_>, id: NodeId) -> Style {
    match &tree.node(id).kind {
        Kind::Scalar { style, .. } => *style,
        _ => Style::Plain,
    }
}

fn scalar_meaning(plain: &str) -> Meaning {
    Meaning::new(What::Scalar(
        typed(plain, Style::Plain, None).into_owned(),
        plain.to_owned(),
    ))
}

pub(super) fn list_meaning(items: &[String]) -> Meaning {
    Meaning::new(What::List(items.iter().map(|item| Meaning::text(item)).collect()))
}
