//! Reading and writing fields of API objects, which are plain JSON here.

use serde_json::{Map, Value, json};

pub fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

pub fn int(object: &Value, pointer: &str) -> Option<i64> {
    object.pointer(pointer).and_then(Value::as_i64)
}

pub fn flag(object: &Value, pointer: &str) -> bool {
    object
        .pointer(pointer)
        .and_then(Value::as_bool)
        .unwrap_or_default()
}

pub fn list<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    object
        .pointer(pointer)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// The entries of a string map such as `metadata.labels`.
pub fn entries<'a>(object: &'a Value, pointer: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let map = object.pointer(pointer).and_then(Value::as_object);
    map.into_iter()
        .flatten()
        .map(|(k, v)| (k.as_str(), v.as_str().unwrap_or_default()))
}

pub fn name(object: &Value) -> &str {
    text(object, "/metadata/name")
}

pub fn namespace(object: &Value) -> &str {
    text(object, "/metadata/namespace")
}

pub fn uid(object: &Value) -> &str {
    text(object, "/metadata/uid")
}

pub fn label<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.get("metadata")?.get("labels")?.get(key)?.as_str()
}

pub fn annotation<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.get("metadata")?.get("annotations")?.get(key)?.as_str()
}

pub fn is_deleting(object: &Value) -> bool {
    object
        .pointer("/metadata/deletionTimestamp")
        .is_some_and(|t| !t.is_null())
}

/// The object at `path`, made where it is missing.
pub fn map_at<'a>(object: &'a mut Value, path: &[&str]) -> &'a mut Map<String, Value> {
    let mut here = object;
    for step in path {
        if !here.is_object() {
            *here = json!({});
        }
        here = here
            .as_object_mut()
            .expect("made an object")
            .entry(*step)
            .or_insert_with(|| json!({}));
    }
    if !here.is_object() {
        *here = json!({});
    }
    here.as_object_mut().expect("made an object")
}

/// Sets the field at `path`; a null takes the field away.
pub fn set(object: &mut Value, path: &[&str], value: impl Into<Value>) {
    let (last, above) = path.split_last().expect("a path has a step");
    let value = value.into();
    if value.is_null() {
        let mut here = object;
        for step in above {
            match here.get_mut(*step) {
                Some(next) => here = next,
                None => return,
            }
        }
        if let Some(map) = here.as_object_mut() {
            map.remove(*last);
        }
    } else {
        map_at(object, above).insert((*last).to_owned(), value);
    }
}

/// Sets the field at `path` when it is missing or null.
pub fn default(object: &mut Value, path: &[&str], value: impl Into<Value>) {
    let (last, above) = path.split_last().expect("a path has a step");
    let map = map_at(object, above);
    if map.get(*last).is_none_or(Value::is_null) {
        map.insert((*last).to_owned(), value.into());
    }
}

/// An `ownerReferences` entry that makes `owner` the controller.
pub fn owner_reference(owner: &Value) -> Value {
    json!({
        "apiVersion": text(owner, "/apiVersion"), "kind": text(owner, "/kind"), "name": name(owner),
        "uid": uid(owner), "controller": true, "blockOwnerDeletion": true,
    })
}

/// Now, as `metav1.Time` prints it: RFC 3339 in whole seconds, UTC.
pub fn now() -> String {
    time(jiff::Timestamp::now())
}

pub fn time(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Seconds from the RFC 3339 instant in `text` until now; none when it is no instant.
pub fn seconds_since(text: &str) -> Option<f64> {
    let then: jiff::Timestamp = text.parse().ok()?;
    Some(jiff::Timestamp::now().duration_since(then).as_secs_f64())
}

/// The condition of this type in `status.conditions`.
pub fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    list(object, "/status/conditions")
        .iter()
        .find(|c| text(c, "/type") == kind)
}

/// The five characters that Kubernetes appends to generated names: no vowels, no look-alikes.
pub fn random_suffix(length: usize) -> String {
    const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    (0..length)
        .map(|_| char::from(ALPHABET[rand::random_range(0..ALPHABET.len())]))
        .collect()
}

/// The number as Kubernetes makes it safe for names (`pod-template-hash`).
pub fn safe_encode(number: &str) -> String {
    const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    number
        .bytes()
        .map(|b| char::from(ALPHABET[usize::from(b) % ALPHABET.len()]))
        .collect()
}
