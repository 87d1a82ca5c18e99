//! Checks a request's object against the types: unknown fields, wrong types, canonical quantities, no nulls.

use serde_json::Value;

use super::error::ApiError;
use super::quantity::Quantity;
use super::resource::Resource;
use super::schema::{At, Schema, Shape};

/// What to do with fields that the types do not declare (`fieldValidation`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldValidation {
    Ignore,
    Warn,
    Strict,
}

impl FieldValidation {
    pub fn parse(text: Option<&str>) -> Result<Self, ApiError> {
        match text {
            None | Some("" | "Warn") => Ok(Self::Warn),
            Some("Ignore") => Ok(Self::Ignore),
            Some("Strict") => Ok(Self::Strict),
            Some(other) => Err(ApiError::new(
                422,
                "Invalid",
                format!(
                    "CreateOptions.meta.k8s.io \"\" is invalid: fieldValidation: Unsupported value: {other:?}: \
                     supported values: \"\", \"Ignore\", \"Strict\", \"Warn\""
                ),
            )),
        }
    }
}

#[derive(Default)]
struct Findings {
    unknown: Vec<String>,
    mistyped: Option<String>,
}

/// Brings the object into the form that is stored, and returns warnings about fields that were dropped.
pub fn decode(
    object: &mut Value,
    resource: &Resource,
    validation: FieldValidation,
) -> Result<Vec<String>, ApiError> {
    let findings = walk_root(object, resource);
    refuse_mistyped(&findings, resource)?;
    let messages: Vec<String> = findings
        .unknown
        .iter()
        .map(|path| format!("unknown field {path:?}"))
        .collect();
    if validation == FieldValidation::Strict && !messages.is_empty() {
        let detail = format!("strict decoding error: {}", messages.join(", "));
        return Err(cannot_be_handled(resource, &detail));
    }
    Ok(if validation == FieldValidation::Warn {
        messages
    } else {
        Vec::new()
    })
}

/// As [`decode`], for an apply configuration: an undeclared field cannot be owned, so it is always refused.
pub fn decode_applied(
    object: &mut Value,
    resource: &Resource,
    validation: FieldValidation,
) -> Result<(), ApiError> {
    let subject = format!(
        "{}/{}; {}, Kind={}",
        super::object::namespace(object),
        super::object::name(object),
        resource.api_version(),
        resource.kind
    );
    let findings = walk_root(object, resource);
    refuse_mistyped(&findings, resource)?;
    match findings.unknown.first() {
        None => Ok(()),
        Some(_) if validation == FieldValidation::Strict => {
            let list: Vec<String> = findings
                .unknown
                .iter()
                .map(|path| format!("unknown field {path:?}"))
                .collect();
            Err(cannot_be_handled(
                resource,
                &format!("strict decoding error: {}", list.join(", ")),
            ))
        }
        Some(path) => {
            let message = format!(
                "failed to create typed patch object ({subject}): .{path}: field not declared in schema"
            );
            Err(ApiError::new(500, "InternalError", message))
        }
    }
}

fn refuse_mistyped(findings: &Findings, resource: &Resource) -> Result<(), ApiError> {
    findings
        .mistyped
        .as_ref()
        .map_or(Ok(()), |detail| Err(cannot_be_handled(resource, detail)))
}

fn cannot_be_handled(resource: &Resource, detail: &str) -> ApiError {
    let Resource { kind, version, .. } = resource;
    ApiError::bad_request(format!(
        "{kind} in version {version:?} cannot be handled as a {kind}: {detail}"
    ))
}

fn walk_root(object: &mut Value, resource: &Resource) -> Findings {
    let shape = Schema::get().shape(resource.schema);
    let mut findings = Findings::default();
    walk(object, At::root(&shape), resource.kind, "", &mut findings);
    findings
}

fn walk(value: &mut Value, at: At<'_>, owner: &str, path: &str, findings: &mut Findings) {
    let expected = match (at.shape, &mut *value) {
        (Shape::Struct(index), Value::Object(map)) => {
            let declared = Schema::get().by_index(*index);
            map.retain(|key, below| {
                if declared.field(key).is_none() {
                    findings.unknown.push(join(path, key));
                    return false;
                }
                !below.is_null()
            });
            for (key, below) in map.iter_mut() {
                let child = at.child(key).expect("undeclared fields are gone");
                walk(below, child, &declared.name, &join(path, key), findings);
            }
            return;
        }
        (Shape::Map(_), Value::Object(map)) => {
            for (key, below) in map.iter_mut() {
                let child = at.child(key).expect("a map has a value type");
                if below.is_null() {
                    *below = if *child.shape == Shape::String {
                        Value::from("")
                    } else {
                        continue;
                    };
                }
                walk(below, child, owner, &join(path, key), findings);
            }
            return;
        }
        (Shape::List(_), Value::Array(items)) => {
            let child = at.item().expect("a list has items");
            for (i, item) in items.iter_mut().enumerate() {
                walk(item, child, owner, &format!("{path}[{i}]"), findings);
            }
            return;
        }
        (Shape::Any, _)
        | (Shape::Bool, Value::Bool(_))
        | (Shape::Number, Value::Number(_))
        | (
            Shape::String | Shape::Bytes | Shape::Time | Shape::MicroTime | Shape::IntOrString,
            Value::String(_),
        ) => return,
        (Shape::Quantity, found) => match Quantity::of(found) {
            Some(quantity) => {
                *found = quantity.to_string().into();
                return;
            }
            None => "resource.Quantity",
        },
        (Shape::Int32 | Shape::Int64 | Shape::IntOrString, Value::Number(number)) => {
            if let Some(whole) = number.as_i64() {
                if *at.shape == Shape::Int64 || i32::try_from(whole).is_ok() {
                    return;
                }
            } else if let Some(float) = number.as_f64().filter(|f| f.fract() == 0.0 && f.abs() < 9e15) {
                #[expect(clippy::cast_possible_truncation, reason = "a whole number below 2^53")]
                let whole = float as i64;
                *value = whole.into();
                return;
            }
            if *at.shape == Shape::Int64 {
                "int64"
            } else {
                "int32"
            }
        }
        (Shape::Int32, _) => "int32",
        (Shape::Int64, _) => "int64",
        (Shape::IntOrString, _) => "intstr.IntOrString",
        (Shape::Number, _) => "float64",
        (Shape::Bool, _) => "bool",
        (Shape::Struct(index), _) => &Schema::get().by_index(*index).name,
        (Shape::List(_), _) => "[]",
        (Shape::Map(_), _) => "map[string]",
        _ => "string",
    };
    if findings.mistyped.is_none() {
        let found = match value {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        findings.mistyped = Some(format!(
            "json: cannot unmarshal {found} into Go struct field {owner}.{path} of type {expected}"
        ));
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}
