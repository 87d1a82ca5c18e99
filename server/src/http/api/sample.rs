//! A value that fits a schema of the OpenAPI document: what the form of a body begins with.

use serde_json::{Map, Value};

/// How deep a sample goes.
const DEPTH: usize = 6;

/// A value of `schema`: of objects the properties that they need.
pub fn sample(document: &Value, schema: &Value) -> Value {
    of(document, schema, DEPTH)
}

fn of(document: &Value, schema: &Value, depth: usize) -> Value {
    if depth == 0 {
        return Value::Null;
    }
    if let Some(pointer) = schema["$ref"]
        .as_str()
        .and_then(|target| target.strip_prefix('#'))
    {
        return of(
            document,
            document.pointer(pointer).unwrap_or(&Value::Null),
            depth - 1,
        );
    }
    for one in ["enum", "oneOf", "anyOf"] {
        if let Some(first) = schema[one].get(0) {
            return if one == "enum" {
                first.clone()
            } else {
                of(document, first, depth - 1)
            };
        }
    }
    let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str());
    match kind {
        Some("object") => {
            let needed = schema["required"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str);
            let fields = needed.map(|name| {
                let value = of(document, &schema["properties"][name], depth - 1);
                (name.to_owned(), value)
            });
            Value::Object(fields.collect::<Map<_, _>>())
        }
        Some("array") => Value::Array(Vec::new()),
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or(Value::from(1)),
        Some("boolean") => Value::Bool(false),
        Some("string") => Value::from(match schema["format"].as_str() {
            Some("uuid") => "00000000-0000-0000-0000-000000000000",
            Some("date") => "2026-01-01",
            _ => "",
        }),
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_sample_has_what_is_needed_and_ends_where_a_schema_refers_to_itself() {
        let document = json!({"components": {"schemas": {
            "Thing": {
                "type": "object",
                "required": ["kind", "days", "inner", "names"],
                "properties": {
                    "kind": {"type": "string", "enum": ["bug", "task"]},
                    "days": {"type": "integer", "minimum": 3},
                    "inner": {"$ref": "#/components/schemas/Thing"},
                    "names": {"type": ["array", "null"]},
                    "note": {"type": "string"}
                }
            }
        }}});
        let made = sample(&document, &json!({"$ref": "#/components/schemas/Thing"}));
        assert_eq!(
            (&made["kind"], &made["days"], &made["names"]),
            (&json!("bug"), &json!(3), &json!([]))
        );
        assert!(made.get("note").is_none(), "it may be left out");
        assert!(
            made.pointer("/inner/inner/inner/inner")
                .is_none_or(Value::is_null),
            "it ends"
        );
    }
}
