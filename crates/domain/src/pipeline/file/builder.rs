//! Events of the reader become a tree.

use std::borrow::Cow;
use std::collections::BTreeMap;

use granit_parser::{Event, Parser, ScanError, Span, StructureStyle, Tag};

use super::super::source::{DEEPEST, MOST_VALUES, SourceCode, SourceError, at, scan_error};
use super::lines::Lines;
use super::quoted::{self, Shadow};
use super::tree::{Document, Duplicate, Kind, Node, NodeId, Tree};

/// A collection that is being read.
pub(super) struct Level {
    pub(super) node: NodeId,
    pub(super) key: Option<NodeId>,
    pub(super) weight: usize,
    pub(super) depth: usize,
}

pub(super) struct Builder<'t> {
    pub(super) tree: Tree<'t>,
    pub(super) levels: Vec<Level>,
    /// Bytes of the byte order mark.
    pub(super) mark: usize,
    /// Where the document that is being read begins.
    pub(super) document: usize,
    /// Values that aliases stand for.
    pub(super) written_out: usize,
    /// After the last token.
    pub(super) cursor: usize,
    /// The value of the document that is being read.
    pub(super) root: Option<NodeId>,
}

/// Up to so many entries are compared with each other, more are sorted.
const COMPARED: usize = 12;

/// Why reading ended early.
pub(super) enum Stop {
    Refused(SourceError),
    Unreadable(ScanError),
}

impl<'t> Builder<'t> {
    pub(super) fn new(text: &'t str, mark: usize) -> Self {
        Self {
            tree: Tree {
                text,
                documents: Vec::new(),
                duplicates: Vec::new(),
                nodes: Vec::with_capacity(text.len() / 10),
                anchors: BTreeMap::new(),
                shares: false,
            },
            levels: Vec::new(),
            mark,
            document: 0,
            written_out: 0,
            cursor: mark,
            root: None,
        }
    }

    pub(super) fn read(&mut self, body: &'t str) -> Result<(), Stop> {
        let options = granit_parser::options! { emit_anchor_events: true };
        for event in Parser::new_from_str_with_options(body, options) {
            let (event, span) = event.map_err(Stop::Unreadable)?;
            self.event(event, &span).map_err(Stop::Refused)?;
        }
        Ok(())
    }

    /// Reads the shadow of a text. Places are those of the text: its lines are counted again.
    pub(super) fn read_shadow(&mut self, body: &'t str, shadow: &Shadow) -> Result<(), SourceError> {
        let lines = Lines::of(body);
        let options = granit_parser::options! { emit_anchor_events: true };
        for event in Parser::new_from_str_with_options(&shadow.text, options) {
            let (event, span) = event.map_err(|error| {
                let place = error.marker().byte_offset().unwrap_or_default();
                lines.relocate(scan_error(&shadow.text, &error), place)
            })?;
            let place = span.start.byte_offset().unwrap_or_default();
            let event = match event {
                Event::Scalar(text, style, anchor, tag) => {
                    let end = span.end.byte_offset().unwrap_or(place);
                    let is_joined = shadow
                        .joined
                        .iter()
                        .any(|range| place < range.start && range.end < end);
                    let text = if is_joined {
                        quoted::unfolded(body.get(place..end).unwrap_or_default())
                    } else {
                        Cow::Owned(text.into_owned())
                    };
                    Event::Scalar(text, style, anchor, tag.map(|tag| Cow::Owned(tag.into_owned())))
                }
                Event::SequenceStart(style, anchor, tag) => {
                    Event::SequenceStart(style, anchor, tag.map(|tag| Cow::Owned(tag.into_owned())))
                }
                Event::MappingStart(style, anchor, tag) => {
                    Event::MappingStart(style, anchor, tag.map(|tag| Cow::Owned(tag.into_owned())))
                }
                Event::Anchor(id, name) => Event::Anchor(id, Cow::Owned(name.into_owned())),
                Event::Alias(anchor) => Event::Alias(anchor),
                Event::SequenceEnd => Event::SequenceEnd,
                Event::MappingEnd => Event::MappingEnd,
                Event::DocumentEnd => Event::DocumentEnd,
                _ => continue,
            };
            self.event(event, &span)
                .map_err(|error| lines.relocate(error, place))?;
        }
        for node in &mut self.tree.nodes {
            (node.line, node.column) = lines.place(node.start - self.mark);
        }
        Ok(())
    }

    fn event(&mut self, event: Event<'t>, span: &Span) -> Result<(), SourceError> {
        match event {
            Event::DocumentStart(false, _) if self.document > 0 => {
                let detail = "a document begins without “---”".to_owned();
                Err(at(span, SourceCode::Syntax { detail }))
            }
            Event::DocumentEnd => {
                self.end_document(span);
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => self.scalar(text, style, anchor, tag.as_deref(), span),
            Event::Alias(anchor) => self.alias(anchor, span),
            Event::Anchor(id, name) => self.name(id, &name, span),
            Event::SequenceStart(style, anchor, tag) => {
                let flow = style == StructureStyle::Flow;
                self.enter(
                    Kind::List {
                        flow,
                        items: Vec::new(),
                    },
                    anchor,
                    tag.as_deref(),
                    span,
                )
            }
            Event::MappingStart(style, anchor, tag) => {
                let flow = style == StructureStyle::Flow;
                self.enter(
                    Kind::Map {
                        flow,
                        entries: Vec::new(),
                    },
                    anchor,
                    tag.as_deref(),
                    span,
                )
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.leave(span);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    pub(super) fn bytes(&self, span: &Span) -> (usize, usize) {
        let place = |offset: Option<usize>| offset.unwrap_or_default() + self.mark;
        (place(span.start.byte_offset()), place(span.end.byte_offset()))
    }

    pub(super) fn push(&mut self, kind: Kind<'t>, anchor: usize, tag: Option<&Tag>, span: &Span) -> NodeId {
        let (start, end) = self.bytes(span);
        let id = self.tree.nodes.len();
        if self.levels.is_empty() {
            self.root = Some(id);
        }
        if anchor > 0 {
            let known = self.tree.anchors.entry(anchor).or_default();
            known.node = id;
            known.weight = 1;
        }
        self.tree.shares |= match &kind {
            Kind::Alias(_) => true,
            Kind::Scalar { text, .. } => text == "<<",
            Kind::List { .. } | Kind::Map { .. } => false,
        } || anchor > 0
            || tag.is_some();
        self.tree.nodes.push(Node {
            start,
            end,
            line: span.start.line(),
            column: span.start.col() + 1,
            anchor: (anchor > 0).then_some(anchor),
            tag: tag.map(|tag| {
                let handle = match tag.handle() {
                    "tag:yaml.org,2002:" => "!!",
                    handle => handle,
                };
                format!("{handle}{}", tag.suffix()).into()
            }),
            kind,
        });
        id
    }

    fn alias(&mut self, anchor: usize, span: &Span) -> Result<(), SourceError> {
        let known = self.tree.anchors.entry(anchor).or_default();
        if known.open {
            return Err(at(span, SourceCode::AliasBomb));
        }
        known.uses += 1;
        let (weight, depth) = (known.weight, known.depth);
        if self.levels.len() + depth > DEEPEST {
            return Err(at(span, SourceCode::TooDeep));
        }
        self.written_out = self.written_out.saturating_add(weight);
        if self.written_out > MOST_VALUES {
            return Err(at(span, SourceCode::AliasBomb));
        }
        let id = self.push(Kind::Alias(anchor), 0, None, span);
        self.cursor = self.tree.nodes[id].end;
        self.value(id, weight, depth);
        Ok(())
    }

    /// GitLab's reader takes ASCII letters, digits, `-` and `_` in the name of an anchor.
    fn name(&mut self, id: usize, name: &str, span: &Span) -> Result<(), SourceError> {
        if let Some(wrong) = name.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))) {
            let detail = format!("“{}” in the anchor “&{name}”", &name[wrong..]);
            return Err(at(span, SourceCode::Syntax { detail }));
        }
        name.clone_into(&mut self.tree.anchors.entry(id).or_default().name);
        Ok(())
    }

    fn enter(
        &mut self,
        kind: Kind<'t>,
        anchor: usize,
        tag: Option<&Tag>,
        span: &Span,
    ) -> Result<(), SourceError> {
        if self.levels.is_empty() && matches!(kind, Kind::List { .. }) {
            return Err(at(span, SourceCode::NotAMapping));
        }
        if self.levels.len() >= DEEPEST {
            return Err(at(span, SourceCode::TooDeep));
        }
        let node = self.push(kind, anchor, tag, span);
        if anchor > 0 {
            self.tree.anchors.entry(anchor).or_default().open = true;
        }
        self.levels.push(Level {
            node,
            key: None,
            weight: 1,
            depth: 1,
        });
        Ok(())
    }

    fn leave(&mut self, span: &Span) {
        let Some(level) = self.levels.pop() else { return };
        let (_, end) = self.bytes(span);
        let node = &self.tree.nodes[level.node];
        let end = match &node.kind {
            Kind::List { flow: true, .. } | Kind::Map { flow: true, .. } => end,
            _ => self.cursor,
        };
        let anchor = node.anchor;
        self.tree.nodes[level.node].end = end;
        self.cursor = end;
        self.find_duplicates(level.node);
        if let Some(anchor) = anchor {
            let known = self.tree.anchors.entry(anchor).or_default();
            known.open = false;
            (known.weight, known.depth) = (level.weight, level.depth);
        }
        self.value(level.node, level.weight, level.depth);
    }

    pub(super) fn value(&mut self, id: NodeId, weight: usize, depth: usize) {
        let Some(level) = self.levels.last_mut() else {
            return;
        };
        level.weight = level.weight.saturating_add(weight);
        level.depth = level.depth.max(depth + 1);
        match &mut self.tree.nodes[level.node].kind {
            Kind::List { items, .. } => items.push(id),
            Kind::Map { entries, .. } => match level.key.take() {
                None => level.key = Some(id),
                Some(key) => entries.push((key, id)),
            },
            _ => {}
        }
        // An absent value stands after the colon of its key.
        if level.key == Some(id) {
            let rest = &self.tree.text[self.cursor..];
            let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
            if rest[blanks..].starts_with(':') {
                self.cursor += blanks + 1;
            }
        }
    }

    fn find_duplicates(&mut self, map: NodeId) {
        let tree = &mut self.tree;
        let Kind::Map { entries, .. } = &tree.nodes[map].kind else {
            return;
        };
        let key_of = |(key, _): &(NodeId, NodeId)| match &tree.nodes[*key].kind {
            // Several merge keys are one after the other.
            Kind::Scalar { text, .. } if text != "<<" => Some((&**text, *key)),
            _ => None,
        };
        // Nearly all mappings are small and without any.
        let is_free = entries.len() <= COMPARED
            && entries.iter().enumerate().all(|(place, entry)| {
                let key = key_of(entry).map(|(text, _)| text);
                let same = |other| key.is_some() && key_of(other).map(|(text, _)| text) == key;
                !entries[..place].iter().any(same)
            });
        if is_free {
            return;
        }
        let mut keys: Vec<(&str, NodeId)> = entries.iter().filter_map(key_of).collect();
        keys.sort_unstable();
        let mut found = Vec::new();
        let mut first = 0;
        for index in 1..keys.len() {
            if keys[index].0 == keys[first].0 {
                found.push(Duplicate {
                    map,
                    key: keys[index].1,
                    first: tree.nodes[keys[first].1].line,
                });
            } else {
                first = index;
            }
        }
        found.sort_by_key(|duplicate| duplicate.key);
        tree.duplicates.extend(found);
    }

    fn end_document(&mut self, span: &Span) {
        let (_, end) = self.bytes(span);
        let start = std::mem::replace(&mut self.document, end);
        if let Some(root) = self.root.take().filter(|root| !self.tree.is_null(*root)) {
            self.tree.documents.push(Document { root, start, end });
        }
    }
}
