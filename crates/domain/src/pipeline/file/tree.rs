//! A file as a tree of values that know their bytes. Nothing of the text is lost or copied.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::effective::{Value, typed};
pub use super::parse::parse;

/// The place of a [`Node`] in its [`Tree`].
pub type NodeId = usize;

/// A file that is YAML.
#[derive(Debug)]
pub struct Tree<'t> {
    /// The text, with its byte order mark.
    pub text: &'t str,
    /// The documents that hold anything.
    pub documents: Vec<Document>,
    /// Keys that stand twice in one mapping, in the order of the file.
    pub duplicates: Vec<Duplicate>,
    pub(super) nodes: Vec<Node<'t>>,
    pub(super) anchors: BTreeMap<usize, Anchor>,
    /// Whether anything may be shared between places or tagged: an anchor, an alias, a merge key or a tag is there.
    pub shares: bool,
}

/// One document of a file.
#[derive(Debug, Clone, Copy)]
pub struct Document {
    /// Its value.
    pub root: NodeId,
    /// Where its text begins, in bytes: after the end of the one before.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
}

/// A key that stands a second time; GitLab takes the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duplicate {
    /// The mapping.
    pub map: NodeId,
    /// The second key.
    pub key: NodeId,
    /// The line of the first, from 1.
    pub first: usize,
}

/// An anchor's definition.
#[derive(Debug, Clone, Default)]
pub(super) struct Anchor {
    pub(super) node: NodeId,
    pub(super) name: String,
    pub(super) uses: usize,
    /// How many values it stands for, aliases written out.
    pub(super) weight: usize,
    /// How many levels it is deep, aliases written out.
    pub(super) depth: usize,
    pub(super) open: bool,
}

/// One value, without its anchor and tag.
#[derive(Debug)]
pub struct Node<'t> {
    /// The first byte. Of a block scalar: of its header.
    pub start: usize,
    /// After the last byte that says something: no trailing blanks, no comment.
    pub end: usize,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The anchor it defines.
    pub anchor: Option<usize>,
    /// The tag, such as `!reference`.
    pub tag: Option<Box<str>>,
    /// What it is.
    pub kind: Kind<'t>,
}

/// What a value is.
#[derive(Debug)]
pub enum Kind<'t> {
    /// A text, as the reader understands it.
    Scalar {
        /// Without quotes, escapes and indentation.
        text: Cow<'t, str>,
        /// How it is written.
        style: Style,
    },
    /// The value of an anchor.
    Alias(usize),
    /// A sequence.
    List {
        /// `[a, b]`.
        flow: bool,
        /// The items.
        items: Vec<NodeId>,
    },
    /// A mapping.
    Map {
        /// `{a: b}`.
        flow: bool,
        /// Keys and values, in the order of the file.
        entries: Vec<(NodeId, NodeId)>,
    },
}

impl Node<'_> {
    /// The bytes of a value in which tabs may begin lines.
    pub(super) fn lines_of_its_own(&self) -> Option<(usize, usize)> {
        match self.kind {
            Kind::Scalar {
                style: Style::Absent, ..
            }
            | Kind::Alias(_)
            | Kind::List { flow: false, .. }
            | Kind::Map { flow: false, .. } => None,
            _ => Some((self.start, self.end)),
        }
    }
}

/// How a scalar is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Nothing stands there: null.
    Absent,
    /// Without quotes.
    Plain,
    /// `'…'`.
    Single,
    /// `"…"`.
    Double,
    /// `|`.
    Literal,
    /// `>`.
    Folded,
}

impl<'t> Tree<'t> {
    /// A value.
    pub fn node(&self, id: NodeId) -> &Node<'t> {
        &self.nodes[id]
    }

    /// The value itself, or that of the alias's anchor.
    pub fn target(&self, id: NodeId) -> NodeId {
        match self.node(id).kind {
            Kind::Alias(anchor) => self.anchors.get(&anchor).map_or(id, |anchor| anchor.node),
            _ => id,
        }
    }

    /// The text of a scalar.
    pub fn scalar(&self, id: NodeId) -> Option<&str> {
        match &self.node(id).kind {
            Kind::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The entries of a mapping; none of anything else.
    pub fn entries(&self, id: NodeId) -> &[(NodeId, NodeId)] {
        match &self.node(id).kind {
            Kind::Map { entries, .. } => entries,
            _ => &[],
        }
    }

    /// The items of a list; none of anything else.
    pub fn items(&self, id: NodeId) -> &[NodeId] {
        match &self.node(id).kind {
            Kind::List { items, .. } => items,
            _ => &[],
        }
    }

    /// The last entry of this key, as GitLab takes it.
    pub fn entry(&self, map: NodeId, key: &str) -> Option<(NodeId, NodeId)> {
        let mut entries = self.entries(map).iter().rev();
        entries.find(|(name, _)| self.scalar(*name) == Some(key)).copied()
    }

    /// The value of this key.
    pub fn get(&self, map: NodeId, key: &str) -> Option<NodeId> {
        self.entry(map, key).map(|(_, value)| value)
    }

    /// Whether a value stands inside of brackets or braces.
    pub(super) fn in_flow(&self, id: NodeId) -> bool {
        let at = self.node(id).start;
        let document = self.documents.iter().rfind(|document| {
            let root = self.node(document.root);
            root.start <= at
        });
        let Some(mut node) = document.map(|document| document.root) else {
            return false;
        };
        loop {
            let inside = node != id && at < self.node(node).end;
            node = match &self.node(node).kind {
                Kind::List { flow: true, .. } | Kind::Map { flow: true, .. } => return inside,
                Kind::List { items, .. } => {
                    let place = items.partition_point(|item| self.node(*item).start <= at);
                    match place.checked_sub(1) {
                        Some(place) => items[place],
                        None => return false,
                    }
                }
                Kind::Map { entries, .. } => {
                    let place = entries.partition_point(|(key, _)| self.node(*key).start <= at);
                    match place.checked_sub(1).map(|place| entries[place]) {
                        Some((_, value)) if self.node(value).start <= at => value,
                        _ => return false,
                    }
                }
                _ => return false,
            };
        }
    }

    /// The name of an anchor.
    pub fn anchor_name(&self, anchor: usize) -> &str {
        self.anchors
            .get(&anchor)
            .map_or("", |anchor| anchor.name.as_str())
    }

    /// The line in which an anchor is defined.
    pub fn anchor_line(&self, anchor: usize) -> usize {
        self.anchors
            .get(&anchor)
            .map_or(0, |anchor| self.node(anchor.node).line)
    }

    /// Whether another place takes its value from this anchor.
    pub fn is_used(&self, anchor: usize) -> bool {
        self.anchors.get(&anchor).is_some_and(|anchor| anchor.uses > 0)
    }

    /// Whether nothing stands there, or a word for it.
    pub fn is_null(&self, id: NodeId) -> bool {
        match &self.node(id).kind {
            Kind::Scalar {
                style: Style::Absent, ..
            } => true,
            Kind::Scalar {
                text,
                style: Style::Plain,
            } => {
                matches!(&**text, "~" | "null" | "Null" | "NULL" | "")
            }
            _ => false,
        }
    }

    /// Scalars that GitLab's reader takes for dates.
    pub fn dates(&self) -> Vec<NodeId> {
        let is_date = |node: &Node<'_>| match &node.kind {
            Kind::Scalar {
                text,
                style: Style::Plain,
            } => {
                // Nearly no text begins like one.
                text.starts_with(|c: char| c.is_ascii_digit())
                    && matches!(typed(text, Style::Plain, node.tag.as_deref()), Value::Date)
            }
            _ => false,
        };
        let all = self.nodes.iter().enumerate();
        all.filter(|(_, node)| is_date(node)).map(|(id, _)| id).collect()
    }

    /// The document that holds the pipeline: the one after a `spec` header, or the first.
    pub fn content(&self) -> Option<Document> {
        match self.documents.as_slice() {
            [header, content, ..] if self.get(header.root, "spec").is_some() => Some(*content),
            [first, ..] => Some(*first),
            [] => None,
        }
    }

    /// The `spec` header, where there is one.
    pub fn header(&self) -> Option<Document> {
        match self.documents.as_slice() {
            [header, _, ..] if self.get(header.root, "spec").is_some() => Some(*header),
            _ => None,
        }
    }
}
