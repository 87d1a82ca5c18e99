//! What GitLab makes of a file: aliases, merge keys, `!reference` and `extends` written out. Every
//! value remembers where it stands.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use super::super::source::MOST_VALUES;
use super::finding::{Finding, FindingCode};
use super::job::is_job;
use super::tree::{Kind, NodeId, Style, Tree};

/// GitLab's limit of `extends` after `extends`, and of `!reference` after `!reference`.
const MOST_STEPS: usize = 10;

/// A value with its place.
#[derive(Debug, Clone)]
pub struct Effective<'t> {
    /// Where it is written.
    pub node: NodeId,
    /// What it is.
    pub value: Value<'t>,
}

/// A key, as it stands in the tree.
pub type Key<'t> = Cow<'t, str>;

/// A value as GitLab's reader (YAML 1.1) takes it. Equal are values that say the same, wherever they stand.
///
/// Texts are those of the tree, and what holds others is shared: a file is written out without copies.
#[derive(Debug, Clone)]
pub enum Value<'t> {
    /// Nothing.
    Null,
    /// `true`, `yes`, `on` and the like.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Another number.
    Float,
    /// `2024-01-31` without quotes, which GitLab refuses.
    Date,
    /// A text.
    Text(Cow<'t, str>),
    /// A list.
    List(Rc<[Effective<'t>]>),
    /// A mapping: key, its place, value.
    Map(Rc<[Entry<'t>]>),
    /// Not in this file: an input, or a reference into an included file.
    Unknown,
}

impl Value<'_> {
    /// The same of a scalar, with a text of its own.
    pub(super) fn into_owned(self) -> Value<'static> {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Int(value) => Value::Int(value),
            Self::Float => Value::Float,
            Self::Date => Value::Date,
            Self::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Self::List(_) | Self::Map(_) | Self::Unknown => Value::Unknown,
        }
    }
}

impl PartialEq for Value<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null)
            | (Self::Float, Self::Float)
            | (Self::Date, Self::Date)
            | (Self::Unknown, Self::Unknown) => true,
            (Self::Bool(one), Self::Bool(other)) => one == other,
            (Self::Int(one), Self::Int(other)) => one == other,
            (Self::Text(one), Self::Text(other)) => one == other,
            (Self::List(one), Self::List(other)) => one == other,
            (Self::Map(one), Self::Map(other)) => {
                let mut both = one.iter().zip(other.iter());
                one.len() == other.len()
                    && both.all(|((name, _, value), (other, _, also))| name == other && value == also)
            }
            _ => false,
        }
    }
}

impl PartialEq for Effective<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<'t> Effective<'t> {
    const fn new(node: NodeId, value: Value<'t>) -> Self {
        Self { node, value }
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries()
            .iter()
            .find(|(name, ..)| name == key)
            .map(|(.., value)| value)
    }

    /// The entries of a mapping; none of anything else.
    pub fn entries(&self) -> &[Entry<'t>] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none of anything else.
    pub fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// A text; none where it is something else or not known.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A scalar as text.
    pub fn to_text(&self) -> Option<String> {
        match &self.value {
            Value::Text(text) => Some(text.to_string()),
            Value::Bool(value) => Some(value.to_string()),
            Value::Int(value) => Some(value.to_string()),
            _ => None,
        }
    }

    /// Whether it is known here.
    pub fn is_known(&self) -> bool {
        self.value != Value::Unknown
    }
}

/// A key, its place, and its value.
pub type Entry<'t> = (Key<'t>, NodeId, Effective<'t>);

/// The document of the pipeline, written out.
#[derive(Debug)]
pub struct Config<'t> {
    /// Its top-level entries; the last of a name counts.
    pub root: Effective<'t>,
    /// Whether other files belong to it.
    pub has_includes: bool,
    index: HashMap<Key<'t>, usize>,
}

impl<'t> Config<'t> {
    /// A top-level entry.
    pub fn get(&self, key: &str) -> Option<&Effective<'t>> {
        let index = *self.index.get(key)?;
        self.root.entries().get(index).map(|(.., value)| value)
    }

    /// The jobs that can run, in the order of the file: name, place of the key, and value.
    pub fn jobs(&self) -> impl Iterator<Item = (&str, NodeId, &Effective<'t>)> {
        let all = self.root.entries().iter();
        all.filter(|(name, ..)| is_job(name))
            .map(|(name, key, job)| (&**name, *key, job))
    }

    /// Where a top-level entry's key stands.
    pub fn key(&self, key: &str) -> Option<NodeId> {
        let index = *self.index.get(key)?;
        self.root.entries().get(index).map(|(_, node, _)| *node)
    }
}

/// Writes a file out. What cannot be is named in the findings and stays unknown.
pub fn effective<'t>(tree: &'t Tree<'_>, included: bool, findings: &mut Vec<Finding>) -> Option<Config<'t>> {
    let document = tree.content()?;
    let mut reader = Reader {
        tree,
        known: BTreeMap::new(),
    };
    let root = reader.read(document.root);
    let has_includes = included
        || root
            .get("include")
            .is_some_and(|include| !matches!(&include.value, Value::Null))
        || tree.header().is_some();
    let mut config = config_of(root, has_includes);
    if reader.has_references() {
        let resolver = References {
            tree,
            config: &config,
            left: Cell::new(MOST_VALUES),
        };
        config.root = resolver.resolve(&config.root, 0, findings);
    }
    let extended = {
        let extends = Extends {
            tree,
            config: &config,
            left: Cell::new(MOST_VALUES),
        };
        let entries = config.root.entries().iter().enumerate();
        let extending = entries.filter(|(_, (.., value))| value.get("extends").is_some());
        extending
            .map(|(place, (name, _, value))| {
                (
                    place,
                    extends.extend(value, &mut vec![name.to_string()], findings),
                )
            })
            .collect::<Vec<_>>()
    };
    // Names and their order stay; what extends nothing is as it was.
    if let Value::Map(entries) = &mut config.root.value {
        let entries = Rc::make_mut(entries);
        for (place, value) in extended {
            entries[place].2 = value;
        }
    }
    Some(config)
}

fn config_of(root: Effective<'_>, has_includes: bool) -> Config<'_> {
    let names = root.entries().iter().enumerate();
    let index = names.map(|(index, (name, ..))| (name.clone(), index)).collect();
    Config {
        root,
        has_includes,
        index,
    }
}

struct Reader<'a, 't> {
    tree: &'a Tree<'t>,
    /// Values of anchors.
    known: BTreeMap<NodeId, Effective<'a>>,
}

impl<'a> Reader<'a, '_> {
    fn has_references(&self) -> bool {
        self.tree.text.contains("!reference")
    }

    fn read(&mut self, id: NodeId) -> Effective<'a> {
        let target = self.tree.target(id);
        if let Some(known) = self.known.get(&target) {
            return Effective {
                node: id,
                value: known.value.clone(),
            };
        }
        let node = self.tree.node(target);
        let value = match &node.kind {
            Kind::Scalar { text, .. } if is_input(text) => Value::Unknown,
            Kind::Scalar { text, style } => typed(text, *style, node.tag.as_deref()),
            Kind::List { items, .. } => Value::List(items.iter().map(|item| self.read(*item)).collect()),
            Kind::Map { entries, .. } => Value::Map(self.map(entries)),
            Kind::Alias(_) => Value::Unknown,
        };
        let value = Effective::new(id, value);
        if node.anchor.is_some() {
            self.known.insert(target, value.clone());
        }
        value
    }

    /// Keys later in the mapping win, also over those that a merge key brings before them, and the
    /// other way round: that is how GitLab's reader does it.
    fn map(&mut self, entries: &[(NodeId, NodeId)]) -> Rc<[Entry<'a>]> {
        let is_plain = |key: NodeId| match &self.tree.node(key).kind {
            Kind::Scalar { text, .. } => text != "<<",
            _ => false,
        };
        if self.tree.duplicates.is_empty() && entries.iter().all(|(key, _)| is_plain(*key)) {
            let all = entries.iter().map(|(key, value)| {
                let name = self.tree.scalar(*key).unwrap_or_default();
                (Cow::Borrowed(name), *key, self.read(*value))
            });
            return all.collect();
        }
        let mut map = Entries {
            all: Vec::with_capacity(entries.len()),
            places: HashMap::new(),
        };
        for (key, value) in entries {
            let name = self.tree.scalar(self.tree.target(*key)).unwrap_or_default();
            let value = self.read(*value);
            match &value.value {
                Value::Map(merged) if name == "<<" => {
                    for (name, node, value) in merged.iter() {
                        map.put(name.clone(), *node, value.clone());
                    }
                }
                Value::List(items) if name == "<<" => {
                    for (name, node, value) in items.iter().rev().flat_map(Effective::entries) {
                        map.put(name.clone(), *node, value.clone());
                    }
                }
                _ => map.put(Cow::Borrowed(name), *key, value),
            }
        }
        map.all.into()
    }
}

/// A mapping that is being written out.
struct Entries<'t> {
    all: Vec<Entry<'t>>,
    /// Places by name, once there are [`SEARCHED`] of them.
    places: HashMap<Key<'t>, usize>,
}

/// Mappings up to this size are searched, larger ones (the document) are indexed.
const SEARCHED: usize = 16;

impl<'t> Entries<'t> {
    /// Puts an entry in, in the place of one of the same name.
    fn put(&mut self, name: Key<'t>, node: NodeId, value: Effective<'t>) {
        let place = if self.all.len() < SEARCHED {
            self.all.iter().position(|(known, ..)| *known == name)
        } else {
            if self.places.is_empty() {
                let names = self.all.iter().enumerate();
                self.places = names.map(|(place, (name, ..))| (name.clone(), place)).collect();
            }
            self.places.get(&name).copied()
        };
        if let Some(place) = place {
            self.all[place] = (name, node, value);
            return;
        }
        if self.all.len() >= SEARCHED {
            self.places.insert(name.clone(), self.all.len());
        }
        self.all.push((name, node, value));
    }
}

/// Whether a text is one input and nothing else: it may become a value of any kind.
fn is_input(text: &str) -> bool {
    let inner = text.strip_prefix("$[[").and_then(|rest| rest.strip_suffix("]]"));
    inner.is_some_and(|inner| !inner.contains("]]"))
}

/// A scalar as YAML 1.1 types it.
pub fn typed<'t>(text: &'t str, style: Style, tag: Option<&str>) -> Value<'t> {
    if tag == Some("!!str") || !matches!(style, Style::Absent | Style::Plain) {
        return Value::Text(Cow::Borrowed(text));
    }
    if style == Style::Absent {
        return Value::Null;
    }
    match text {
        "~" | "null" | "Null" | "NULL" | "" => Value::Null,
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Value::Bool(true),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Value::Bool(false),
        _ => number(text).unwrap_or(Value::Text(Cow::Borrowed(text))),
    }
}

fn number(text: &str) -> Option<Value<'static>> {
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.')) {
        return None;
    }
    if is_date(text) {
        return Some(Value::Date);
    }
    let bare: String = text.chars().filter(|c| !matches!(c, '_' | ',')).collect();
    let (sign, digits) = match bare.strip_prefix(['-', '+']) {
        Some(digits) => (if bare.starts_with('-') { -1 } else { 1 }, digits),
        None => (1, bare.as_str()),
    };
    let radix = |prefix: &str, radix: u32| {
        let digits = digits.strip_prefix(prefix).filter(|digits| !digits.is_empty())?;
        i64::from_str_radix(digits, radix).ok()
    };
    let whole = radix("0x", 16)
        .or_else(|| radix("0b", 2))
        .or_else(|| radix("0o", 8))
        .or_else(|| if digits.len() > 1 { radix("0", 8) } else { None })
        .or_else(|| {
            if digits.starts_with('0') && digits.len() > 1 {
                None
            } else {
                digits.parse().ok()
            }
        });
    if let Some(whole) = whole {
        return Some(Value::Int(sign * whole));
    }
    let numeric = digits
        .chars()
        .all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-'));
    if numeric && digits.contains('.') && digits.parse::<f64>().is_ok() {
        return Some(Value::Float);
    }
    None
}

fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts.as_slice() else {
        return false;
    };
    let number = |text: &str, longest: usize| {
        let digits = !text.is_empty() && text.len() <= longest && text.bytes().all(|b| b.is_ascii_digit());
        if digits { text.parse::<u32>().ok() } else { None }
    };
    year.len() == 4
        && number(year, 4).is_some()
        && number(month, 2).is_some_and(|month| month <= 12)
        && number(day, 2).is_some_and(|day| day <= 31)
}

struct References<'a, 't> {
    tree: &'a Tree<'a>,
    config: &'a Config<'t>,
    /// Values that may still be written out: references multiply as aliases do.
    left: Cell<usize>,
}

impl<'t> References<'_, 't> {
    fn resolve(&self, value: &Effective<'t>, steps: usize, findings: &mut Vec<Finding>) -> Effective<'t> {
        self.left.set(self.left.get().saturating_sub(1));
        let target = self.tree.node(self.tree.target(value.node));
        if target.tag.as_deref() == Some("!reference") {
            return self.follow(value, steps, findings);
        }
        let resolved = match &value.value {
            Value::List(items) => Value::List(
                items
                    .iter()
                    .map(|item| self.resolve(item, steps, findings))
                    .collect(),
            ),
            Value::Map(entries) => {
                let entries = entries
                    .iter()
                    .map(|(name, key, value)| (name.clone(), *key, self.resolve(value, steps, findings)));
                Value::Map(entries.collect())
            }
            _ => return value.clone(),
        };
        Effective::new(value.node, resolved)
    }

    fn follow(&self, reference: &Effective<'t>, steps: usize, findings: &mut Vec<Finding>) -> Effective<'t> {
        let path: Vec<String> = reference.items().iter().filter_map(Effective::to_text).collect();
        let unknown = Effective::new(reference.node, Value::Unknown);
        let mut refuse = |code: FindingCode| findings.push(Finding::error(self.tree, reference.node, code));
        if steps >= MOST_STEPS || self.left.get() == 0 {
            refuse(FindingCode::ReferenceTooDeep {
                path: path.join(", "),
            });
            return unknown;
        }
        let mut found = path.first().and_then(|first| self.config.get(first));
        for key in path.iter().skip(1) {
            found = found.and_then(|value| value.get(key));
        }
        let Some(found) = found else {
            if !self.config.has_includes {
                refuse(FindingCode::UnknownReference {
                    path: path.join(", "),
                });
            }
            return unknown;
        };
        let found = self.resolve(found, steps + 1, findings);
        Effective {
            node: reference.node,
            value: found.value,
        }
    }
}

struct Extends<'a, 't> {
    tree: &'a Tree<'a>,
    config: &'a Config<'t>,
    /// Bases that may still be looked up: lists of bases multiply.
    left: Cell<usize>,
}

impl<'t> Extends<'_, 't> {
    /// A job with everything that it extends. `path`: the names on the way, the job's own first.
    fn extend(
        &self,
        value: &Effective<'t>,
        path: &mut Vec<String>,
        findings: &mut Vec<Finding>,
    ) -> Effective<'t> {
        let Some(bases) = value.get("extends") else {
            return value.clone();
        };
        let bases: Vec<&Effective<'t>> = match &bases.value {
            Value::Text(_) => vec![bases],
            Value::List(items) => items.iter().collect(),
            _ => Vec::new(),
        };
        let mut merged: Option<Effective<'t>> = None;
        let mut whole = true;
        for base in bases {
            match self.base(base, path, findings) {
                Some(base) => {
                    whole &= base.get(INCOMPLETE).is_none();
                    merged = Some(merged.map_or_else(|| base.clone(), |merged| merge(&merged, &base)));
                }
                None => whole = false,
            }
        }
        let extended = merged.map_or_else(|| value.clone(), |merged| merge(&merged, value));
        if whole {
            return extended;
        }
        let mut entries = extended.entries().to_vec();
        let unknown = Effective::new(value.node, Value::Unknown);
        entries.push((Cow::Borrowed(INCOMPLETE), value.node, unknown));
        Effective::new(value.node, Value::Map(entries.into()))
    }

    fn base(
        &self,
        base: &Effective<'t>,
        path: &mut Vec<String>,
        findings: &mut Vec<Finding>,
    ) -> Option<Effective<'t>> {
        let name = base.text().filter(|name| !name.contains("$[["))?;
        let job = path.first().cloned().unwrap_or_default();
        // Only the job itself speaks of its bases; those that extend it would repeat it.
        let speaks = path.len() == 1;
        let mut refuse = |code: FindingCode| findings.push(Finding::error(self.tree, base.node, code));
        if path.iter().any(|seen| seen == name) {
            if job == name {
                refuse(FindingCode::CircularExtends { name: job });
            }
            return None;
        }
        if path.len() > MOST_STEPS || self.left.get() == 0 {
            refuse(FindingCode::ExtendsTooDeep { name: job });
            return None;
        }
        self.left.set(self.left.get() - 1);
        let Some(found) = self
            .config
            .get(name)
            .filter(|base| matches!(&base.value, Value::Map(_)))
        else {
            if speaks && !self.config.has_includes {
                refuse(FindingCode::UnknownExtends {
                    job,
                    base: name.to_owned(),
                });
            }
            return None;
        };
        path.push(name.to_owned());
        let found = self.extend(found, path, findings);
        path.pop();
        Some(found)
    }
}

/// A key that no file can have: what the job extends is not all in this file.
pub const INCOMPLETE: &str = "\u{0}incomplete";

/// Mappings are merged, everything else is replaced.
fn merge<'t>(base: &Effective<'t>, over: &Effective<'t>) -> Effective<'t> {
    let (Value::Map(base_entries), Value::Map(over_entries)) = (&base.value, &over.value) else {
        return over.clone();
    };
    let mut entries = base_entries.to_vec();
    for (name, key, value) in over_entries.iter() {
        match entries.iter_mut().find(|(known, ..)| known == name) {
            Some(entry) => *entry = (name.clone(), *key, merge(&entry.2, value)),
            None => entries.push((name.clone(), *key, value.clone())),
        }
    }
    Effective::new(over.node, Value::Map(entries.into()))
}
