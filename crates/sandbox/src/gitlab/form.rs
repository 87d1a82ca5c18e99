//! Form bodies as Rails reads them: `a[b]=c`, `a[]=1&a[]=2`, `a[][k]=v&a[][l]=w`.

use serde_json::{Map, Value};

/// Parses `application/x-www-form-urlencoded` text into a JSON object of strings, lists and objects.
pub fn parse(text: &str) -> Map<String, Value> {
    let mut root = Map::new();
    for (key, value) in url::form_urlencoded::parse(text.as_bytes()) {
        let (name, rest) = key.split_once('[').unwrap_or((&key, ""));
        let path: Vec<&str> = if rest.is_empty() {
            Vec::new()
        } else {
            rest.trim_end_matches(']').split("][").collect()
        };
        let slot = root.entry(name.to_owned()).or_insert(Value::Null);
        insert(slot, &path, value.into_owned());
    }
    root
}

fn insert(slot: &mut Value, path: &[&str], value: String) {
    match path {
        [] => *slot = Value::String(value),
        ["", rest @ ..] => {
            if !slot.is_array() {
                *slot = Value::Array(Vec::new());
            }
            let Value::Array(items) = slot else { return };
            // A key that the last element has already begins the next element.
            let continues = match (items.last(), rest.first()) {
                (Some(Value::Object(last)), Some(key)) => !last.contains_key(*key) || rest.len() > 1,
                _ => false,
            };
            if !continues {
                items.push(Value::Null);
            }
            if let Some(last) = items.last_mut() {
                insert(last, rest, value);
            }
        }
        [key, rest @ ..] => {
            if !slot.is_object() {
                *slot = Value::Object(Map::new());
            }
            if let Value::Object(map) = slot {
                insert(map.entry((*key).to_owned()).or_insert(Value::Null), rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nested_form_keys_become_lists_and_objects() {
        let parsed = parse(
            "ref=main&variables[][key]=A&variables[][value]=1&variables[][key]=B&variables[][value]=2&ids[]=1&ids[]=2&opts[x]=y",
        );
        assert_eq!(
            Value::Object(parsed),
            json!({
                "ref": "main",
                "variables": [{"key": "A", "value": "1"}, {"key": "B", "value": "2"}],
                "ids": ["1", "2"],
                "opts": {"x": "y"},
            })
        );
    }
}
