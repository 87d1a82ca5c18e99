//! The structured merge, and the removal of what is no longer applied.

use serde_json::{Map, Value};

use super::super::fieldset::{FieldSet, fields_of, item_element};
use super::super::schema::At;
use super::managers::Manager;

pub(super) fn keyed<'v>(items: &'v [Value], at: At<'_>) -> Vec<(String, &'v Value)> {
    let mut found: Vec<(String, &Value)> = Vec::with_capacity(items.len());
    for item in items {
        if let Some(element) = item_element(item, at)
            && !found.iter().any(|(e, _)| *e == element)
        {
            found.push((element, item));
        }
    }
    found
}

/// Merges `config` into `live`, field by field where the type is granular.
pub fn merge(live: &Value, config: &Value, at: Option<At<'_>>) -> Value {
    match (at, live, config) {
        (Some(at), Value::Object(left), Value::Object(right)) if !at.is_atomic() => {
            let mut result = left.clone();
            for (key, value) in right {
                let merged = left
                    .get(key)
                    .map_or_else(|| value.clone(), |old| merge(old, value, at.child(key)));
                result.insert(key.clone(), merged);
            }
            Value::Object(result)
        }
        (Some(at), Value::Array(left), Value::Array(right)) if at.is_associative() => {
            Value::Array(merge_lists(&keyed(left, at), &keyed(right, at), at))
        }
        _ => config.clone(),
    }
}

/// Items of `right` keep the order of `right`; items that only `left` has keep their places between them.
fn merge_lists(left: &[(String, &Value)], right: &[(String, &Value)], at: At<'_>) -> Vec<Value> {
    let in_right = |e: &str| right.iter().any(|(r, _)| r == e);
    let mut result = Vec::new();
    let mut l = 0;
    for (element, value) in right {
        while l < left.len() && !in_right(&left[l].0) {
            result.push(left[l].1.clone());
            l += 1;
        }
        let old = left.iter().find(|(e, _)| e == element);
        result.push(old.map_or_else(|| (*value).clone(), |(_, old)| merge(old, value, at.item())));
        if l < left.len() && in_right(&left[l].0) {
            l += 1;
        }
    }
    result.extend(
        left[l..]
            .iter()
            .filter(|(e, _)| !in_right(e))
            .map(|(_, v)| (*v).clone()),
    );
    result
}

/// Takes the members of `set` out of `value`; what becomes empty by it goes too.
fn remove_items(value: &Value, set: &FieldSet, at: Option<At<'_>>) -> Option<Value> {
    if set.children.is_empty() {
        return Some(value.clone());
    }
    match value {
        Value::Object(map) => {
            let mut kept = Map::new();
            for (key, below) in map {
                match set.children.get(&format!("f:{key}")) {
                    Some(node) if node.member => {}
                    Some(node) => {
                        if let Some(left) = remove_items(below, node, at.and_then(|a| a.child(key))) {
                            kept.insert(key.clone(), left);
                        }
                    }
                    None => {
                        kept.insert(key.clone(), below.clone());
                    }
                }
            }
            (!kept.is_empty()).then_some(Value::Object(kept))
        }
        Value::Array(items) => {
            let at = at?;
            let mut kept = Vec::new();
            for item in items {
                match item_element(item, at).and_then(|e| set.children.get(&e)) {
                    Some(node) if node.member => {}
                    Some(node) => kept.extend(remove_items(item, node, at.item())),
                    None => kept.push(item.clone()),
                }
            }
            (!kept.is_empty()).then_some(Value::Array(kept))
        }
        _ => Some(value.clone()),
    }
}

fn named(set: &FieldSet, at: At<'_>) -> FieldSet {
    set.with_named_parents(Some(at))
}

/// Takes away what this manager applied before and does not apply now, unless someone else owns it.
pub(super) fn prune(merged: &Value, managers: &[Manager], last: &FieldSet, at: At<'_>) -> Value {
    let empty = || Value::Object(Map::new());
    let merged_set = named(&fields_of(merged, Some(at)), at);
    let last = named(last, at);
    let owned = managers
        .iter()
        .fold(FieldSet::default(), |all, m| all.union(&m.fields));
    let owned = named(&owned, at);
    let pruned = remove_items(merged, &last, Some(at)).unwrap_or_else(empty);
    let pruned_set = named(&fields_of(&pruned, Some(at)), at);
    let without_owned = merged_set.difference(&pruned_set).difference(&owned);
    let pruned = remove_items(merged, &without_owned, Some(at)).unwrap_or_else(empty);
    let pruned_set = named(&fields_of(&pruned, Some(at)), at);
    let dangling = merged_set.difference(&pruned_set).intersection(&last);
    remove_items(merged, &dangling, Some(at)).unwrap_or_else(empty)
}
