//! What differs between two objects, field by field.

use serde_json::Value;

use super::super::fieldset::{FieldSet, fields_of, item_element};
use super::super::schema::{At, Shape};
use super::merge::keyed;

/// What differs between two objects.
#[derive(Debug, Default)]
pub struct Comparison {
    pub added: FieldSet,
    pub removed: FieldSet,
    pub modified: FieldSet,
}

/// Optional structs whose presence is itself a field (pointers in Kubernetes' Go types).
const POINTERS: [&str; 22] = [
    "rollingUpdate",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
    "httpGet",
    "tcpSocket",
    "exec",
    "grpc",
    "valueFrom",
    "configMapKeyRef",
    "secretKeyRef",
    "fieldRef",
    "resourceFieldRef",
    "configMapRef",
    "secretRef",
    "emptyDir",
    "configMap",
    "secret",
    "affinity",
    "lifecycle",
    "nodeAffinity",
    "persistentVolumeClaim",
];

pub fn compare(old: &Value, new: &Value, at: At<'_>) -> Comparison {
    let mut result = Comparison::default();
    compare_at(Some(old), Some(new), Some(at), &mut Vec::new(), &mut result);
    result
}

fn compare_at(
    old: Option<&Value>,
    new: Option<&Value>,
    at: Option<At<'_>>,
    path: &mut Vec<String>,
    out: &mut Comparison,
) {
    match (old, new) {
        (None, Some(value)) => one_sided(value, at, path, &mut out.added),
        (Some(value), None) => one_sided(value, at, path, &mut out.removed),
        (Some(a), Some(b)) if a == b => {}
        (Some(a), Some(b)) => both_sides(a, b, at, path, out),
        (None, None) => {}
    }
}

fn both_sides(a: &Value, b: &Value, at: Option<At<'_>>, path: &mut Vec<String>, out: &mut Comparison) {
    match (at, a, b) {
        (Some(at), Value::Object(left), Value::Object(right)) if !at.is_atomic() => {
            for key in left.keys().chain(right.keys().filter(|k| !left.contains_key(*k))) {
                path.push(format!("f:{key}"));
                compare_at(left.get(key), right.get(key), at.child(key), path, out);
                path.pop();
            }
        }
        (Some(at), Value::Array(left), Value::Array(right)) if at.is_associative() => {
            let left = keyed(left, at);
            let right = keyed(right, at);
            let only_right = right.iter().filter(|(e, _)| !left.iter().any(|(l, _)| l == e));
            for (element, _) in left.iter().chain(only_right) {
                let find = |side: &[(String, &Value)]| {
                    side.iter().find(|(e, _)| e == element).map(|(_, v)| (*v).clone())
                };
                let (l, r) = (find(&left), find(&right));
                path.push(element.clone());
                compare_at(l.as_ref(), r.as_ref(), at.item(), path, out);
                path.pop();
            }
        }
        _ => out.modified.insert(path),
    }
}

fn one_sided(value: &Value, at: Option<At<'_>>, path: &[String], set: &mut FieldSet) {
    let mut here = set;
    for element in path {
        here = here.child_mut(element);
    }
    *here = here.union(&presence(value, at));
    let last = path.last().map_or("", String::as_str);
    here.member |= !last.starts_with("f:") || here.children.is_empty();
}

/// The fields of a value that came or went as a whole, with the maps, lists and pointers on the way.
fn presence(value: &Value, at: Option<At<'_>>) -> FieldSet {
    let mut set = fields_of(value, at);
    mark_presence(value, at, &mut set);
    set
}

fn mark_presence(value: &Value, at: Option<At<'_>>, set: &mut FieldSet) {
    let Some(at) = at else { return };
    let name = at.field.map_or("", |f| f.name.as_str());
    match value {
        Value::Object(map) => {
            set.member |= matches!(at.shape, Shape::Map(_)) || POINTERS.contains(&name);
            for (key, below) in map {
                if let Some(child) = set.children.get_mut(&format!("f:{key}")) {
                    mark_presence(below, at.child(key), child);
                }
            }
        }
        Value::Array(items) if at.is_associative() => {
            set.member |= name != "containers" && !items.is_empty();
            for item in items {
                if let Some(child) = item_element(item, at).and_then(|e| set.children.get_mut(&e)) {
                    mark_presence(item, at.item(), child);
                }
            }
        }
        _ => {}
    }
}
