//! Sets of field paths, as `managedFields[].fieldsV1` writes them.
//!
//! A path element is kept in its wire form: `f:name` (a field), `k:{"name":"x"}` (an item of an associative
//! list), `v:"x"` (an item of a set).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::schema::{At, key_default};

/// A node of the set: whether the path that leads here is a member, and what lies below.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldSet {
    pub member: bool,
    pub children: BTreeMap<String, FieldSet>,
}

impl FieldSet {
    pub fn is_empty(&self) -> bool {
        !self.member && self.children.values().all(FieldSet::is_empty)
    }

    pub fn child_mut(&mut self, element: &str) -> &mut FieldSet {
        if !self.children.contains_key(element) {
            self.children.insert(element.to_owned(), FieldSet::default());
        }
        self.children.get_mut(element).expect("just inserted")
    }

    pub fn insert(&mut self, path: &[String]) {
        let mut here = self;
        for element in path {
            here = here.child_mut(element);
        }
        here.member = true;
    }

    /// Drops branches without members.
    fn pruned(mut self) -> Self {
        self.children.retain(|_, child| !child.is_empty());
        self
    }

    pub fn union(&self, other: &Self) -> Self {
        let mut result = self.clone();
        result.member |= other.member;
        for (element, child) in &other.children {
            let merged = result
                .children
                .get(element)
                .map_or_else(|| child.clone(), |mine| mine.union(child));
            result.children.insert(element.clone(), merged);
        }
        result
    }

    pub fn difference(&self, other: &Self) -> Self {
        let mut result = Self {
            member: self.member && !other.member,
            children: BTreeMap::new(),
        };
        for (element, child) in &self.children {
            let left = other
                .children
                .get(element)
                .map_or_else(|| child.clone(), |theirs| child.difference(theirs));
            if !left.is_empty() {
                result.children.insert(element.clone(), left);
            }
        }
        result
    }

    pub fn intersection(&self, other: &Self) -> Self {
        let mut result = Self {
            member: self.member && other.member,
            children: BTreeMap::new(),
        };
        for (element, child) in &self.children {
            if let Some(theirs) = other.children.get(element) {
                let both = child.intersection(theirs);
                if !both.is_empty() {
                    result.children.insert(element.clone(), both);
                }
            }
        }
        result
    }

    /// Adds the declared struct fields on the way to a member, as structured merge does before it removes.
    pub fn with_named_parents(&self, at: Option<At<'_>>) -> Self {
        let mut result = Self {
            member: self.member,
            children: BTreeMap::new(),
        };
        for (element, child) in &self.children {
            let below = at.and_then(|at| descend(at, element));
            let mut grown = child.with_named_parents(below);
            let declared = element
                .strip_prefix("f:")
                .is_some_and(|name| at.is_some_and(|at| at.declares(name)));
            grown.member |= declared && !grown.children.is_empty();
            result.children.insert(element.clone(), grown);
        }
        result
    }

    /// Takes out a top-level or nested path with everything below it.
    pub fn remove(&mut self, path: &[&str]) {
        match path {
            [] => {}
            [last] => {
                self.children.remove(*last);
            }
            [first, rest @ ..] => {
                if let Some(child) = self.children.get_mut(*first) {
                    child.remove(rest);
                    if child.is_empty() {
                        self.children.remove(*first);
                    }
                }
            }
        }
    }

    pub fn from_json(value: &Value) -> Self {
        let mut set = Self::default();
        let Some(map) = value.as_object() else { return set };
        for (element, below) in map {
            if element == "." {
                set.member = true;
                continue;
            }
            let mut child = Self::from_json(below);
            child.member |= below.as_object().is_some_and(Map::is_empty);
            set.children.insert(canonical(element), child);
        }
        set.pruned()
    }

    pub fn to_json(&self) -> Value {
        let mut map = Map::new();
        if self.member && !self.children.is_empty() {
            map.insert(".".to_owned(), Value::Object(Map::new()));
        }
        for (element, child) in &self.children {
            map.insert(element.clone(), child.to_json());
        }
        Value::Object(map)
    }

    /// Every member as `.spec.containers[name="x"].image`.
    pub fn paths(&self) -> Vec<String> {
        let mut found = Vec::new();
        self.collect(&mut String::new(), &mut found);
        found
    }

    fn collect(&self, prefix: &mut String, found: &mut Vec<String>) {
        if self.member {
            found.push(prefix.clone());
        }
        for (element, child) in &self.children {
            let length = prefix.len();
            prefix.push_str(&printed(element));
            child.collect(prefix, found);
            prefix.truncate(length);
        }
    }
}

fn printed(element: &str) -> String {
    if let Some(name) = element.strip_prefix("f:") {
        return format!(".{name}");
    }
    if let Some(Ok(Value::Object(keys))) = element.strip_prefix("k:").map(serde_json::from_str) {
        let mut text = String::from("[");
        for (i, (key, value)) in keys.iter().enumerate() {
            let comma = if i > 0 { "," } else { "" };
            let _ = write!(text, "{comma}{key}={value}");
        }
        text.push(']');
        return text;
    }
    element
        .strip_prefix("v:")
        .map_or_else(|| element.to_owned(), |value| format!("[={value}]"))
}

/// `k:` and `v:` elements written again from their parsed JSON, so that equal elements are equal strings.
fn canonical(element: &str) -> String {
    for prefix in ["k:", "v:"] {
        if let Some(Ok(value)) = element.strip_prefix(prefix).map(serde_json::from_str::<Value>) {
            return format!("{prefix}{}", sorted(&value));
        }
    }
    element.to_owned()
}

fn sorted(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let ordered: BTreeMap<&String, &Value> = map.iter().collect();
            serde_json::to_string(&ordered).unwrap_or_default()
        }
        other => other.to_string(),
    }
}

/// The type below one path element.
pub fn descend<'a>(at: At<'a>, element: &str) -> Option<At<'a>> {
    match element.strip_prefix("f:") {
        Some(name) => at.child(name),
        None => at.item(),
    }
}

/// The path element of an item in an associative list; none when a key is missing without a default.
pub fn item_element(item: &Value, at: At<'_>) -> Option<String> {
    let keys = at.keys();
    if keys.is_empty() {
        return Some(format!("v:{}", sorted(item)));
    }
    let mut named = BTreeMap::new();
    for key in keys {
        let value = item
            .get(key)
            .filter(|v| !v.is_null())
            .cloned()
            .or_else(|| key_default(key))?;
        named.insert(key, value);
    }
    Some(format!("k:{}", serde_json::to_string(&named).unwrap_or_default()))
}

/// The set of fields that `value` sets: what its applier owns.
pub fn fields_of(value: &Value, at: Option<At<'_>>) -> FieldSet {
    let mut set = FieldSet::default();
    match (at, value) {
        (Some(at), Value::Object(map)) if !at.is_atomic() => {
            for (name, below) in map {
                let mut child = fields_of(below, at.child(name));
                child.member |= !at.declares(name) || below.as_object().is_some_and(Map::is_empty);
                if !child.is_empty() {
                    set.children.insert(format!("f:{name}"), child);
                }
            }
        }
        (Some(at), Value::Array(items)) if at.is_associative() => {
            for item in items {
                if let Some(element) = item_element(item, at) {
                    let mut child = fields_of(item, at.item());
                    child.member = true;
                    set.children.insert(element, child);
                }
            }
        }
        _ => set.member = true,
    }
    set
}
