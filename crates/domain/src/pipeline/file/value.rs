//! Values of a tree, compared without their places and their quoting.

use std::borrow::Cow;

use super::effective::{Value, typed};
use super::tree::{Kind, NodeId, Style, Tree};

/// A value with everything that means something: aliases and anchors by name, tags, order.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Meaning {
    anchor: Option<String>,
    tag: Option<String>,
    what: What,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum What {
    /// Its type as YAML 1.1 has it, and its text.
    Scalar(Value<'static>, String),
    Alias(String),
    List(Vec<Meaning>),
    Map(Vec<(Meaning, Meaning)>),
}

impl Meaning {
    /// A text that is no number, date or switch.
    pub(super) fn text(text: &str) -> Self {
        Self::new(What::Scalar(
            Value::Text(Cow::Owned(text.to_owned())),
            text.to_owned(),
        ))
    }

    /// A value without anchor and tag.
    pub(super) fn new(what: What) -> Self {
        Self {
            anchor: None,
            tag: None,
            what,
        }
    }

    /// A value with the anchor and the tag of one of the file.
    pub(super) fn of_node(tree: &Tree<'_>, id: NodeId, what: What) -> Self {
        let node = tree.node(id);
        Self {
            anchor: node.anchor.map(|anchor| tree.anchor_name(anchor).to_owned()),
            tag: node.tag.as_deref().map(str::to_owned),
            what,
        }
    }

    /// The same value without the anchors in it.
    pub(super) fn without_anchors(mut self) -> Self {
        self.anchor = None;
        self.what = match self.what {
            What::List(items) => What::List(items.into_iter().map(Self::without_anchors).collect()),
            What::Map(entries) => {
                let bare = |(key, value): (Self, Self)| (key.without_anchors(), value.without_anchors());
                What::Map(entries.into_iter().map(bare).collect())
            }
            scalar => scalar,
        };
        self
    }

    /// What it is.
    pub(super) fn what(&self) -> &What {
        &self.what
    }

    /// The value at a path of places: of an entry in its mapping, or an item in its list.
    pub(super) fn at(&mut self, path: &[usize]) -> Option<&mut Self> {
        let Some((first, rest)) = path.split_first() else {
            return Some(self);
        };
        match &mut self.what {
            What::List(items) => items.get_mut(*first)?.at(rest),
            What::Map(entries) => entries.get_mut(*first)?.1.at(rest),
            _ => None,
        }
    }

    /// What it is, to change it.
    pub(super) fn what_mut(&mut self) -> &mut What {
        &mut self.what
    }

    /// The entries of a mapping.
    pub(super) fn entries(&mut self) -> Option<&mut Vec<(Self, Self)>> {
        match &mut self.what {
            What::Map(entries) => Some(entries),
            _ => None,
        }
    }
}

/// Every document of a file.
pub(super) fn meanings(tree: &Tree<'_>) -> Vec<Meaning> {
    tree.documents
        .iter()
        .map(|document| meaning(tree, document.root))
        .collect()
}

/// One value.
pub(super) fn meaning(tree: &Tree<'_>, id: NodeId) -> Meaning {
    let node = tree.node(id);
    let what = match &node.kind {
        Kind::Scalar { text, style } => {
            let text = if *style == Style::Absent { "" } else { text };
            What::Scalar(
                typed(text, *style, node.tag.as_deref()).into_owned(),
                text.to_owned(),
            )
        }
        Kind::Alias(anchor) => What::Alias(tree.anchor_name(*anchor).to_owned()),
        Kind::List { items, .. } => What::List(items.iter().map(|item| meaning(tree, *item)).collect()),
        Kind::Map { entries, .. } => {
            let entry = |(key, value): &(NodeId, NodeId)| (meaning(tree, *key), meaning(tree, *value));
            What::Map(entries.iter().map(entry).collect())
        }
    };
    Meaning::of_node(tree, id, what)
}

/// A scalar that is a text to GitLab.
pub(super) fn text_of(tree: &Tree<'_>, id: NodeId) -> Option<String> {
    match &tree.node(id).kind {
        Kind::Scalar { text, style } => match typed(text, *style, tree.node(id).tag.as_deref()) {
            Value::Text(text) => Some(text.into_owned()),
            _ => None,
        },
        _ => None,
    }
}

/// A list of texts.
pub(super) fn list_of_texts(tree: &Tree<'_>, id: NodeId) -> Option<Vec<String>> {
    match &tree.node(id).kind {
        Kind::List { items, .. } => items.iter().map(|item| text_of(tree, *item)).collect(),
        _ => None,
    }
}
