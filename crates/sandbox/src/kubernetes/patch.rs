//! JSON Patch (RFC 6902), JSON Merge Patch (RFC 7386) and Kubernetes' strategic merge patch.

use serde_json::{Map, Value};

use super::error::ApiError;
use super::object;
use super::schema::At;

/// Applies an RFC 6902 patch.
pub fn json_patch(target: &mut Value, patch: &Value) -> Result<(), ApiError> {
    let operations = patch.as_array().ok_or_else(|| {
        ApiError::bad_request(
            "error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch",
        )
    })?;
    for operation in operations {
        let at = object::text(operation, "/path");
        let value = || operation.get("value").cloned().unwrap_or(Value::Null);
        match object::text(operation, "/op") {
            "add" => add(target, at, value())?,
            "remove" => drop(remove(target, at)?),
            "replace" => {
                *target.pointer_mut(at).ok_or_else(|| missing("replace", at))? = value();
            }
            "test" => {
                if target.pointer(at).unwrap_or(&Value::Null) != &value() {
                    return Err(unprocessable(&format!("testing value {at} failed: test failed")));
                }
            }
            "move" => {
                let moved = remove(target, object::text(operation, "/from"))?;
                add(target, at, moved)?;
            }
            "copy" => {
                let from = object::text(operation, "/from");
                let copied = target
                    .pointer(from)
                    .cloned()
                    .ok_or_else(|| missing("copy", from))?;
                add(target, at, copied)?;
            }
            other => return Err(ApiError::bad_request(format!("Unexpected kind: {other}"))),
        }
    }
    Ok(())
}

fn unprocessable(message: &str) -> ApiError {
    ApiError::new(
        422,
        "Invalid",
        format!("the server rejected our request due to an error in our request: {message}"),
    )
}

fn missing(operation: &str, path: &str) -> ApiError {
    unprocessable(&format!(
        "{operation} operation does not apply: doc is missing path: {path}: missing value"
    ))
}

fn split(path: &str) -> Option<(&str, String)> {
    let (above, last) = path.rsplit_once('/')?;
    Some((above, last.replace("~1", "/").replace("~0", "~")))
}

fn add(target: &mut Value, path: &str, value: Value) -> Result<(), ApiError> {
    if path.is_empty() {
        *target = value;
        return Ok(());
    }
    let (above, last) = split(path).ok_or_else(|| missing("add", path))?;
    match target.pointer_mut(above) {
        Some(Value::Object(map)) => {
            map.insert(last, value);
        }
        Some(Value::Array(items)) if last == "-" => items.push(value),
        Some(Value::Array(items)) => {
            let index: usize = last
                .parse()
                .ok()
                .filter(|i| *i <= items.len())
                .ok_or_else(|| missing("add", path))?;
            items.insert(index, value);
        }
        _ => return Err(missing("add", path)),
    }
    Ok(())
}

fn remove(target: &mut Value, path: &str) -> Result<Value, ApiError> {
    let (above, last) = split(path).ok_or_else(|| missing("remove", path))?;
    let removed = match target.pointer_mut(above) {
        Some(Value::Object(map)) => map.remove(&last),
        Some(Value::Array(items)) => last
            .parse()
            .ok()
            .filter(|i: &usize| *i < items.len())
            .map(|index: usize| items.remove(index)),
        _ => None,
    };
    removed.ok_or_else(|| missing("remove", path))
}

/// Applies an RFC 7386 patch: null removes, objects merge, everything else replaces.
pub fn merge_patch(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let map = target.as_object_mut().expect("made an object");
    for (key, change) in changes {
        if change.is_null() {
            map.remove(key);
        } else {
            merge_patch(map.entry(key.clone()).or_insert(Value::Null), change);
        }
    }
}

/// Applies a strategic merge patch: lists with a merge key join, `$patch`, `$retainKeys`,
/// `$deleteFromPrimitiveList` and `$setElementOrder` direct it.
pub fn strategic(target: &mut Value, patch: &Value, at: Option<At<'_>>) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    match changes.get("$patch").and_then(Value::as_str) {
        Some("replace") => {
            let kept = changes
                .iter()
                .filter(|(k, _)| *k != "$patch")
                .map(|(k, v)| (k.clone(), v.clone()));
            *target = Value::Object(kept.collect());
            return;
        }
        Some("delete") => {
            *target = Value::Object(Map::new());
            return;
        }
        _ => {}
    }
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let map = target.as_object_mut().expect("made an object");
    if let Some(Value::Array(keep)) = changes.get("$retainKeys") {
        map.retain(|key, _| keep.iter().any(|k| k == key));
    }
    for (key, change) in changes {
        if let Some(list) = key.strip_prefix("$deleteFromPrimitiveList/") {
            if let (Some(Value::Array(items)), Some(gone)) = (map.get_mut(list), change.as_array()) {
                items.retain(|item| !gone.contains(item));
            }
        } else if !key.starts_with('$') {
            let below = at.and_then(|at| at.child(key));
            strategic_field(map, key, change, below);
        }
    }
    for (key, order) in changes {
        if let Some(list) = key.strip_prefix("$setElementOrder/")
            && let (Some(Value::Array(items)), Some(order)) = (map.get_mut(list), order.as_array())
        {
            let merge_key = at
                .and_then(|at| at.child(list))
                .and_then(|at| at.field)
                .and_then(|f| f.merge_key.as_deref());
            reorder(items, order, merge_key);
        }
    }
}

fn strategic_field(map: &mut Map<String, Value>, key: &str, change: &Value, at: Option<At<'_>>) {
    match change {
        Value::Null => {
            map.remove(key);
        }
        Value::Object(_) => {
            let entry = map.entry(key.to_owned()).or_insert(Value::Null);
            strategic(entry, change, at);
        }
        Value::Array(items) => {
            let field = at.and_then(|at| at.field);
            match field {
                Some(field) if field.merge => {
                    let entry = map
                        .entry(key.to_owned())
                        .or_insert_with(|| Value::Array(Vec::new()));
                    let mut current = entry.as_array().cloned().unwrap_or_default();
                    merge_list(&mut current, items, field.merge_key.as_deref(), at);
                    *entry = Value::Array(current);
                }
                _ => {
                    map.insert(key.to_owned(), change.clone());
                }
            }
        }
        scalar => {
            map.insert(key.to_owned(), scalar.clone());
        }
    }
}

fn merge_list(current: &mut Vec<Value>, changes: &[Value], merge_key: Option<&str>, at: Option<At<'_>>) {
    let Some(merge_key) = merge_key else {
        for change in changes {
            if !current.contains(change) {
                current.push(change.clone());
            }
        }
        return;
    };
    if changes.iter().any(|c| object::text(c, "/$patch") == "replace") {
        *current = changes
            .iter()
            .filter(|c| c.get("$patch").is_none())
            .cloned()
            .collect();
        return;
    }
    for change in changes {
        let key = change.get(merge_key);
        let position = current
            .iter()
            .position(|item| key.is_some() && item.get(merge_key) == key);
        if object::text(change, "/$patch") == "delete" {
            current.retain(|item| item.get(merge_key) != key);
        } else if let Some(position) = position {
            strategic(&mut current[position], change, at.and_then(At::item));
        } else {
            let mut fresh = Value::Object(Map::new());
            strategic(&mut fresh, change, at.and_then(At::item));
            current.push(fresh);
        }
    }
}

/// Puts the items in the order of the list of keys; the rest keep their places after.
fn reorder(items: &mut [Value], order: &[Value], merge_key: Option<&str>) {
    let rank = |item: &Value| {
        order
            .iter()
            .position(|wanted| match merge_key {
                Some(key) => wanted.get(key) == item.get(key),
                None => wanted == item,
            })
            .unwrap_or(usize::MAX)
    };
    items.sort_by_key(rank);
}
