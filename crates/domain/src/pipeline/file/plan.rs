//! What is written where, and what the file means after it: made together, and compared after the
//! result was read again.

use std::collections::BTreeMap;

use super::super::yaml::Yaml;
use super::edit::{Meant, Splice, spliced};
use super::effective::{Value, typed};
use super::refusal::Refusal;
use super::tree::{Kind, NodeId, Style, Tree, parse};
use super::value::{Meaning, What, meanings};

/// One way to write a change.
#[derive(Debug, Default)]
pub(super) struct Plan {
    splices: Vec<Splice>,
    /// Values that become others; anchors and tags stay.
    becomes: BTreeMap<NodeId, Meaning>,
    /// Entries and items that come, before the one of this place.
    gets: BTreeMap<NodeId, Vec<(usize, Part)>>,
    /// Entries and items that go, by place.
    loses: BTreeMap<NodeId, Vec<usize>>,
}

/// What a collection gets.
#[derive(Debug, Clone)]
enum Part {
    Entry(Meaning, Meaning),
    Item(Meaning),
}

impl Plan {
    /// Replaces a value.
    pub(super) fn set(&mut self, tree: &Tree<'_>, node: NodeId, text: String, meaning: Meaning) {
        let node_range = tree.node(node).start..tree.node(node).end;
        self.splices.push((node_range, text));
        self.becomes.insert(node, meaning);
    }

    /// A value that becomes another by splices that are added otherwise.
    pub(super) fn becomes(&mut self, node: NodeId, meaning: Meaning) {
        self.becomes.insert(node, meaning);
    }

    /// Replaces bytes.
    pub(super) fn splice(&mut self, splice: Splice) {
        self.splices.push(splice);
    }

    /// A mapping gets an entry before the one of this place.
    pub(super) fn entry(&mut self, map: NodeId, place: usize, key: Meaning, value: Meaning) {
        self.gets
            .entry(map)
            .or_default()
            .push((place, Part::Entry(key, value)));
    }

    /// A list gets an item before the one of this place.
    pub(super) fn item(&mut self, list: NodeId, place: usize, item: Meaning) {
        self.gets.entry(list).or_default().push((place, Part::Item(item)));
    }

    /// A collection loses the entry or item of this place.
    pub(super) fn loses(&mut self, holder: NodeId, place: usize) {
        self.loses.entry(holder).or_default().push(place);
    }

    /// Takes over a change of one field.
    pub(super) fn of_field(tree: &Tree<'_>, splices: Vec<Splice>, meant: Meant) -> Option<Self> {
        let mut plan = Self {
            splices,
            ..Self::default()
        };
        match meant {
            Meant::Becomes(places, meaning) => plan.becomes(node_at(tree, &places)?, *meaning),
            Meant::Gets(places, place, entry) => {
                let (key, value) = *entry;
                plan.entry(node_at(tree, &places)?, place, key, value);
            }
            Meant::Loses(places, place) => plan.loses(node_at(tree, &places)?, place),
        }
        Some(plan)
    }

    /// The text with everything replaced.
    fn text(&mut self, tree: &Tree<'_>) -> Option<String> {
        self.splices.sort_by_key(|(range, _)| (range.start, range.end));
        let apart = self
            .splices
            .windows(2)
            .all(|pair| pair[0].0.end <= pair[1].0.start);
        apart.then(|| spliced(tree.text, &self.splices))
    }

    /// What the file says after it.
    fn meant(&self, tree: &Tree<'_>) -> Vec<Meaning> {
        tree.documents
            .iter()
            .map(|document| self.value(tree, document.root))
            .collect()
    }

    fn value(&self, tree: &Tree<'_>, id: NodeId) -> Meaning {
        let node = tree.node(id);
        let what = if let Some(new) = self.becomes.get(&id) {
            new.what().clone()
        } else {
            match &node.kind {
                Kind::Scalar { text, style } => {
                    let text = if *style == Style::Absent { "" } else { text };
                    What::Scalar(
                        typed(text, *style, node.tag.as_deref()).into_owned(),
                        text.to_owned(),
                    )
                }
                Kind::Alias(anchor) => What::Alias(tree.anchor_name(*anchor).to_owned()),
                Kind::List { items, .. } => {
                    let old = items.iter().map(|item| Part::Item(self.value(tree, *item)));
                    What::List(
                        self.parts(id, old.collect())
                            .into_iter()
                            .map(Part::value)
                            .collect(),
                    )
                }
                Kind::Map { entries, .. } => {
                    let old = entries
                        .iter()
                        .map(|(key, value)| Part::Entry(self.value(tree, *key), self.value(tree, *value)));
                    let parts = self.parts(id, old.collect()).into_iter();
                    What::Map(parts.filter_map(Part::entry).collect())
                }
            }
        };
        Meaning::of_node(tree, id, what)
    }

    fn parts(&self, holder: NodeId, old: Vec<Part>) -> Vec<Part> {
        let none = Vec::new();
        let gets = self.gets.get(&holder).unwrap_or(&none);
        let nothing = Vec::new();
        let loses = self.loses.get(&holder).unwrap_or(&nothing);
        if gets.is_empty() && loses.is_empty() {
            return old;
        }
        let mut parts = Vec::new();
        let come = |place: usize, parts: &mut Vec<Part>| {
            let here = gets.iter().filter(|(at, _)| *at == place);
            parts.extend(here.map(|(_, part)| part.clone()));
        };
        let count = old.len();
        for (place, part) in old.into_iter().enumerate() {
            come(place, &mut parts);
            if !loses.contains(&place) {
                parts.push(part);
            }
        }
        come(count, &mut parts);
        parts
    }
}

impl Part {
    fn value(self) -> Meaning {
        match self {
            Self::Entry(_, value) | Self::Item(value) => value,
        }
    }

    fn entry(self) -> Option<(Meaning, Meaning)> {
        match self {
            Self::Entry(key, value) => Some((key, value)),
            Self::Item(_) => None,
        }
    }
}

/// Writes the first of several ways that says what is meant, and nothing else.
///
/// # Errors
/// Where none does. The last attempt is given with the refusal, to be shown.
pub(super) fn write(tree: &Tree<'_>, what: &str, plans: Vec<Plan>) -> Result<String, (Refusal, String)> {
    let mut attempt = String::new();
    for mut plan in plans {
        let Some(text) = plan.text(tree) else { continue };
        if says(tree, &plan, &text) {
            return Ok(text);
        }
        attempt = text;
    }
    let refusal = Refusal::NotWhatWasMeant {
        field: what.to_owned(),
    };
    Err((refusal, attempt))
}

fn says(tree: &Tree<'_>, plan: &Plan, text: &str) -> bool {
    let Ok(new) = parse(text) else { return false };
    let found = meanings(&new);
    if plan.meant(tree) == found {
        return true;
    }
    // A text that the file ends in without a line break gets one when something follows.
    let ended = format!("{}\n", tree.text);
    !tree.text.ends_with('\n')
        && parse(&ended)
            .is_ok_and(|ended| ended.nodes.len() == tree.nodes.len() && plan.meant(&ended) == found)
}

/// The value at a path of places from the root of the content.
fn node_at(tree: &Tree<'_>, places: &[usize]) -> Option<NodeId> {
    let mut node = tree.content()?.root;
    for place in places {
        node = match &tree.node(node).kind {
            Kind::List { items, .. } => *items.get(*place)?,
            Kind::Map { entries, .. } => entries.get(*place)?.1,
            _ => return None,
        };
    }
    Some(node)
}

/// What a value to write says.
pub(super) fn meaning_of(yaml: &Yaml) -> Meaning {
    match yaml {
        Yaml::Text(text) => Meaning::text(text),
        Yaml::Int(value) => Meaning::new(What::Scalar(Value::Int(*value), value.to_string())),
        Yaml::Bool(value) => Meaning::new(What::Scalar(Value::Bool(*value), value.to_string())),
        Yaml::List(items) => Meaning::new(What::List(items.iter().map(meaning_of).collect())),
        Yaml::Map(entries) => {
            let entries = entries
                .iter()
                .map(|(key, value)| (Meaning::text(key), meaning_of(value)));
            Meaning::new(What::Map(entries.collect()))
        }
    }
}
