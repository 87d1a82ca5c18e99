//! What GitLab makes of a file: aliases, merge keys, `!reference` and `extends` written out. Every
//! value remembers where it stands.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use super::super::source::MOST_VALUES;
use super::finding::{Finding, FindingCode};
use super::tree::{Kind, NodeId, Style, Tree};

/// GitLab's limit of `extends` after `extends`, and of `!reference` after `!reference`.
const MOST_STEPS: usize = 10;

/// A value with its place.
#[derive(Debug, Clone)]
pub struct Effective {
    /// Where it is written.
    pub node: NodeId,
    /// What it is.
    pub value: Rc<Value>,
}

/// A key: GitLab's own are not copied.
pub type Key = Cow<'static, str>;

fn key_of(name: &str) -> Key {
    match KEYWORDS.binary_search(&name) {
        Ok(place) => Cow::Borrowed(KEYWORDS[place]),
        Err(_) => Cow::Owned(name.to_owned()),
    }
}

/// The keys that most files are made of, in their order.
const KEYWORDS: [&str; 36] = [
    "after_script",
    "allow_failure",
    "artifacts",
    "before_script",
    "cache",
    "changes",
    "coverage",
    "dependencies",
    "entrypoint",
    "environment",
    "exists",
    "expire_in",
    "extends",
    "files",
    "if",
    "image",
    "interruptible",
    "job",
    "junit",
    "key",
    "name",
    "needs",
    "optional",
    "parallel",
    "paths",
    "policy",
    "reports",
    "retry",
    "rules",
    "script",
    "services",
    "stage",
    "tags",
    "timeout",
    "variables",
    "when",
];

/// A value as GitLab's reader (YAML 1.1) takes it. Equal are values that say the same, wherever they stand.
#[derive(Debug, Clone)]
pub enum Value {
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
    Text(String),
    /// A list.
    List(Vec<Effective>),
    /// A mapping: key, its place, value.
    Map(Vec<(Key, NodeId, Effective)>),
    /// Not in this file: an input, or a reference into an included file.
    Unknown,
}

impl PartialEq for Value {
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
                let mut both = one.iter().zip(other);
                one.len() == other.len()
                    && both.all(|((name, _, value), (other, _, also))| name == other && value == also)
            }
            _ => false,
        }
    }
}

impl PartialEq for Effective {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl Effective {
    fn new(node: NodeId, value: Value) -> Self {
        Self {
            node,
            value: Rc::new(value),
        }
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries()
            .iter()
            .find(|(name, ..)| name == key)
            .map(|(.., value)| value)
    }

    /// The entries of a mapping; none of anything else.
    pub fn entries(&self) -> &[(Key, NodeId, Self)] {
        match &*self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none of anything else.
    pub fn items(&self) -> &[Self] {
        match &*self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// A text; none where it is something else or not known.
    pub fn text(&self) -> Option<&str> {
        match &*self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A scalar as text.
    pub fn to_text(&self) -> Option<String> {
        match &*self.value {
            Value::Text(text) => Some(text.clone()),
            Value::Bool(value) => Some(value.to_string()),
            Value::Int(value) => Some(value.to_string()),
            _ => None,
        }
    }

    /// Whether it is known here.
    pub fn is_known(&self) -> bool {
        *self.value != Value::Unknown
    }
}

/// The document of the pipeline, written out.
#[derive(Debug)]
pub struct Config {
    /// Its top-level entries; the last of a name counts.
    pub root: Effective,
    /// Whether other files belong to it.
    pub has_includes: bool,
    index: HashMap<String, usize>,
}

impl Config {
    /// A top-level entry.
    pub fn get(&self, key: &str) -> Option<&Effective> {
        let index = *self.index.get(key)?;
        self.root.entries().get(index).map(|(.., value)| value)
    }

    /// Where a top-level entry's key stands.
    pub fn key(&self, key: &str) -> Option<NodeId> {
        let index = *self.index.get(key)?;
        self.root.entries().get(index).map(|(_, node, _)| *node)
    }
}

/// Writes a file out. What cannot be is named in the findings and stays unknown.
pub fn effective(tree: &Tree<'_>, included: bool, findings: &mut Vec<Finding>) -> Option<Config> {
    let document = tree.content()?;
    let mut reader = Reader {
        tree,
        known: BTreeMap::new(),
    };
    let root = reader.read(document.root);
    let has_includes = included
        || root
            .get("include")
            .is_some_and(|include| !matches!(&*include.value, Value::Null))
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
    if let Value::Map(entries) = Rc::make_mut(&mut config.root.value) {
        for (place, value) in extended {
            entries[place].2 = value;
        }
    }
    Some(config)
}

fn config_of(root: Effective, has_includes: bool) -> Config {
    let names = root.entries().iter().enumerate();
    let index = names
        .map(|(index, (name, ..))| (name.to_string(), index))
        .collect();
    Config {
        root,
        has_includes,
        index,
    }
}

struct Reader<'a, 't> {
    tree: &'a Tree<'t>,
    /// Values of anchors.
    known: BTreeMap<NodeId, Effective>,
}

impl Reader<'_, '_> {
    fn has_references(&self) -> bool {
        self.tree.text.contains("!reference")
    }

    fn read(&mut self, id: NodeId) -> Effective {
        let target = self.tree.target(id);
        if let Some(known) = self.known.get(&target) {
            return Effective {
                node: id,
                value: Rc::clone(&known.value),
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
    fn map(&mut self, entries: &[(NodeId, NodeId)]) -> Vec<(Key, NodeId, Effective)> {
        let is_plain = |key: NodeId| match &self.tree.node(key).kind {
            Kind::Scalar { text, .. } => text != "<<",
            _ => false,
        };
        if self.tree.duplicates.is_empty() && entries.iter().all(|(key, _)| is_plain(*key)) {
            let all = entries.iter().map(|(key, value)| {
                let name = self.tree.scalar(*key).unwrap_or_default();
                (key_of(name), *key, self.read(*value))
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
            match &*value.value {
                Value::Map(merged) if name == "<<" => {
                    for (name, node, value) in merged {
                        map.put(name, *node, value.clone());
                    }
                }
                Value::List(items) if name == "<<" => {
                    for (name, node, value) in items.iter().rev().flat_map(Effective::entries) {
                        map.put(name, *node, value.clone());
                    }
                }
                _ => map.put(name, *key, value),
            }
        }
        map.all
    }
}

/// A mapping that is being written out.
struct Entries {
    all: Vec<(Key, NodeId, Effective)>,
    /// Places by name, once there are [`SEARCHED`] of them.
    places: HashMap<String, usize>,
}

/// Mappings up to this size are searched, larger ones (the document) are indexed.
const SEARCHED: usize = 16;

impl Entries {
    /// Puts an entry in, in the place of one of the same name.
    fn put(&mut self, name: &str, node: NodeId, value: Effective) {
        let place = if self.all.len() < SEARCHED {
            self.all.iter().position(|(known, ..)| known == name)
        } else {
            if self.places.is_empty() {
                let names = self.all.iter().enumerate();
                self.places = names
                    .map(|(place, (name, ..))| (name.to_string(), place))
                    .collect();
            }
            self.places.get(name).copied()
        };
        let entry = (key_of(name), node, value);
        if let Some(place) = place {
            self.all[place] = entry;
            return;
        }
        if self.all.len() >= SEARCHED {
            self.places.insert(name.to_owned(), self.all.len());
        }
        self.all.push(entry);
    }
}

/// Whether a text is one input and nothing else: it may become a value of any kind.
fn is_input(text: &str) -> bool {
    let inner = text.strip_prefix("$[[").and_then(|rest| rest.strip_suffix("]]"));
    inner.is_some_and(|inner| !inner.contains("]]"))
}

/// A scalar as YAML 1.1 types it.
pub fn typed(text: &str, style: Style, tag: Option<&str>) -> Value {
    if tag == Some("!!str") || !matches!(style, Style::Absent | Style::Plain) {
        return Value::Text(text.to_owned());
    }
    if style == Style::Absent {
        return Value::Null;
    }
    match text {
        "~" | "null" | "Null" | "NULL" | "" => Value::Null,
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Value::Bool(true),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Value::Bool(false),
        _ => number(text).unwrap_or_else(|| Value::Text(text.to_owned())),
    }
}

fn number(text: &str) -> Option<Value> {
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
    tree: &'a Tree<'t>,
    config: &'a Config,
    /// Values that may still be written out: references multiply as aliases do.
    left: Cell<usize>,
}

impl References<'_, '_> {
    fn resolve(&self, value: &Effective, steps: usize, findings: &mut Vec<Finding>) -> Effective {
        self.left.set(self.left.get().saturating_sub(1));
        let target = self.tree.node(self.tree.target(value.node));
        if target.tag.as_deref() == Some("!reference") {
            return self.follow(value, steps, findings);
        }
        let resolved = match &*value.value {
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

    fn follow(&self, reference: &Effective, steps: usize, findings: &mut Vec<Finding>) -> Effective {
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
    tree: &'a Tree<'t>,
    config: &'a Config,
    /// Bases that may still be looked up: lists of bases multiply.
    left: Cell<usize>,
}

impl Extends<'_, '_> {
    /// A job with everything that it extends. `path`: the names on the way, the job's own first.
    fn extend(&self, value: &Effective, path: &mut Vec<String>, findings: &mut Vec<Finding>) -> Effective {
        let Some(bases) = value.get("extends") else {
            return value.clone();
        };
        let bases: Vec<&Effective> = match &*bases.value {
            Value::Text(_) => vec![bases],
            Value::List(items) => items.iter().collect(),
            _ => Vec::new(),
        };
        let mut merged: Option<Effective> = None;
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
        Effective::new(value.node, Value::Map(entries))
    }

    fn base(
        &self,
        base: &Effective,
        path: &mut Vec<String>,
        findings: &mut Vec<Finding>,
    ) -> Option<Effective> {
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
            .filter(|base| matches!(&*base.value, Value::Map(_)))
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
fn merge(base: &Effective, over: &Effective) -> Effective {
    let (Value::Map(base_entries), Value::Map(over_entries)) = (&*base.value, &*over.value) else {
        return over.clone();
    };
    let mut entries = base_entries.clone();
    for (name, key, value) in over_entries {
        match entries.iter_mut().find(|(known, ..)| known == name) {
            Some(entry) => *entry = (name.clone(), *key, merge(&entry.2, value)),
            None => entries.push((name.clone(), *key, value.clone())),
        }
    }
    Effective::new(over.node, Value::Map(entries))
}
