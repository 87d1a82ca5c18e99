//! Reads request bodies in Kubernetes' protobuf encoding, which typed clients (`kubectl create namespace`) send.
//!
//! Answers are JSON always; every client reads by the content type of the answer.

use serde_json::{Map, Value, json};

use super::error::{ApiError, ApiResult};
use super::object;
use super::resource;
use super::schema::{Schema, Shape};

/// Before the message: "k8s" and a zero byte.
const MAGIC: &[u8] = b"k8s\0";

/// A field of a message on the wire.
enum Wire<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Fixed32,
}

/// A body in `application/vnd.kubernetes.protobuf` as JSON.
pub fn decode(body: &[u8]) -> ApiResult<Value> {
    let refused = || {
        ApiError::bad_request(
            "the body is not in Kubernetes' protobuf encoding, or of a kind that is not served",
        )
    };
    let message = body.strip_prefix(MAGIC).ok_or_else(refused)?;
    let envelope = fields(message).ok_or_else(refused)?;
    let (mut api_version, mut kind, mut raw) = (String::new(), String::new(), &[][..]);
    for (number, wire) in envelope {
        match (number, wire) {
            (1, Wire::Bytes(meta)) => {
                for (number, wire) in fields(meta).ok_or_else(refused)? {
                    match (number, wire) {
                        (1, Wire::Bytes(text)) => api_version = String::from_utf8_lossy(text).into_owned(),
                        (2, Wire::Bytes(text)) => kind = String::from_utf8_lossy(text).into_owned(),
                        _ => {}
                    }
                }
            }
            (2, Wire::Bytes(bytes)) => raw = bytes,
            _ => {}
        }
    }
    let schema = match resource::by_kind(&api_version, &kind) {
        Some(resource) => resource.schema,
        None => kind.as_str(),
    };
    let shape = Schema::get().shape(schema);
    if shape == Shape::Any {
        return Err(refused());
    }
    let mut value = message_value(raw, &shape).ok_or_else(refused)?;
    object::set(&mut value, &["apiVersion"], api_version);
    object::set(&mut value, &["kind"], kind);
    Ok(value)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut result = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        result |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(result);
        }
    }
    None
}

fn fields(mut bytes: &[u8]) -> Option<Vec<(u32, Wire<'_>)>> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes)?;
        let wire = match tag & 7 {
            0 => Wire::Varint(varint(&mut bytes)?),
            1 => {
                let (eight, rest) = bytes.split_at_checked(8)?;
                bytes = rest;
                Wire::Fixed64(u64::from_le_bytes(eight.try_into().ok()?))
            }
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).ok()?;
                let (content, rest) = bytes.split_at_checked(length)?;
                bytes = rest;
                Wire::Bytes(content)
            }
            5 => {
                bytes = bytes.split_at_checked(4)?.1;
                Wire::Fixed32
            }
            _ => return None,
        };
        found.push((u32::try_from(tag >> 3).ok()?, wire));
    }
    Some(found)
}

fn message_value(bytes: &[u8], shape: &Shape) -> Option<Value> {
    let mut map = Map::new();
    read_message(bytes, shape, &mut Vec::new(), &mut map)?;
    Some(Value::Object(map))
}

/// Reads a message into `map`; `path` holds the numbers of the messages that JSON does not show.
fn read_message(
    bytes: &[u8],
    shape: &Shape,
    path: &mut Vec<u32>,
    map: &mut Map<String, Value>,
) -> Option<()> {
    let Shape::Struct(index) = shape else { return None };
    let declared = &Schema::get().by_index(*index).fields;
    for (number, wire) in fields(bytes)? {
        path.push(number);
        let field = declared.iter().find(|f| f.numbers == *path);
        if let Some(field) = field {
            match (&field.shape, &wire) {
                (Shape::List(item), _) => {
                    let value = wire_value(&wire, item)?;
                    let list = map.entry(field.name.clone()).or_insert_with(|| json!([]));
                    list.as_array_mut()?.push(value);
                }
                (Shape::Map(item), Wire::Bytes(entry)) => {
                    let (key, value) = map_entry(entry, item)?;
                    let entries = map.entry(field.name.clone()).or_insert_with(|| json!({}));
                    entries.as_object_mut()?.insert(key, value);
                }
                (shape, _) => {
                    let value = wire_value(&wire, shape)?;
                    // Go's zero values are on the wire; JSON would leave them out.
                    let zero = matches!(&value, Value::String(s) if s.is_empty())
                        || value == json!(0)
                        || value == json!(false)
                        || value.is_null();
                    if !zero || matches!(field.name.as_str(), "replicas" | "partition") {
                        map.insert(field.name.clone(), value);
                    }
                }
            }
        } else if let Wire::Bytes(inner) = wire
            && declared
                .iter()
                .any(|f| f.numbers.len() > path.len() && f.numbers.starts_with(path))
        {
            read_message(inner, shape, path, map)?;
        }
        path.pop();
    }
    Some(())
}

fn map_entry(entry: &[u8], item: &Shape) -> Option<(String, Value)> {
    let mut key = String::new();
    let mut value = match item {
        Shape::Struct(_) => json!({}),
        _ => json!(""),
    };
    for (number, wire) in fields(entry)? {
        match (number, &wire) {
            (1, Wire::Bytes(text)) => key = String::from_utf8_lossy(text).into_owned(),
            (2, _) => value = wire_value(&wire, item)?,
            _ => {}
        }
    }
    Some((key, value))
}

fn wire_value(wire: &Wire<'_>, shape: &Shape) -> Option<Value> {
    match (wire, shape) {
        (Wire::Varint(number), Shape::Bool) => Some(json!(*number != 0)),
        (Wire::Varint(number), _) => Some(json!(number.cast_signed())),
        (Wire::Fixed64(bits), _) => Some(json!(f64::from_bits(*bits))),
        (Wire::Fixed32, _) => Some(Value::Null),
        (Wire::Bytes(bytes), shape) => match shape {
            Shape::Struct(_) => message_value(bytes, shape),
            Shape::Bytes => Some(base64::Engine::encode(&base64::prelude::BASE64_STANDARD, bytes).into()),
            Shape::Quantity => inner_text(bytes, 1),
            Shape::Time | Shape::MicroTime => time(bytes),
            Shape::IntOrString => int_or_string(bytes),
            Shape::Any => Some(
                inner_text(bytes, 1)
                    .and_then(|t| serde_json::from_str(t.as_str()?).ok())
                    .unwrap_or(Value::Null),
            ),
            _ => Some(String::from_utf8_lossy(bytes).into_owned().into()),
        },
    }
}

fn inner_text(bytes: &[u8], wanted: u32) -> Option<Value> {
    let found = fields(bytes)?.into_iter().find_map(|(number, wire)| match wire {
        Wire::Bytes(text) if number == wanted => Some(String::from_utf8_lossy(text).into_owned()),
        _ => None,
    });
    Some(found.map_or(Value::Null, Value::from))
}

/// A `Time` message (seconds, nanoseconds); an empty one is no time.
fn time(bytes: &[u8]) -> Option<Value> {
    let seconds = fields(bytes)?.into_iter().find_map(|(number, wire)| match wire {
        Wire::Varint(seconds) if number == 1 => Some(seconds.cast_signed()),
        _ => None,
    });
    let at = seconds.and_then(|s| jiff::Timestamp::from_second(s).ok());
    Some(at.map_or(Value::Null, |at| object::time(at).into()))
}

fn int_or_string(bytes: &[u8]) -> Option<Value> {
    let (mut kind, mut number, mut text) = (0, 0, Value::Null);
    for (field, wire) in fields(bytes)? {
        match (field, wire) {
            (1, Wire::Varint(value)) => kind = value,
            (2, Wire::Varint(value)) => number = value.cast_signed(),
            (3, Wire::Bytes(value)) => text = String::from_utf8_lossy(value).into_owned().into(),
            _ => {}
        }
    }
    Some(if kind == 0 { json!(number) } else { text })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(number: u8, content: &[u8]) -> Vec<u8> {
        let mut bytes = vec![
            (number << 3) | 2,
            u8::try_from(content.len()).expect("a short field"),
        ];
        bytes.extend_from_slice(content);
        bytes
    }

    #[test]
    fn a_namespace_in_protobuf_is_read() {
        let kind = [field(1, b"v1"), field(2, b"Namespace")].concat();
        let label = [field(1, b"team"), field(2, b"blue")].concat();
        let metadata = [field(1, b"dev"), field(8, &[]), field(11, &label)].concat();
        let body = [MAGIC.to_vec(), field(1, &kind), field(2, &field(1, &metadata))].concat();
        let value = decode(&body).expect("a namespace");
        assert_eq!(
            value["metadata"],
            json!({ "name": "dev", "labels": { "team": "blue" } })
        );
        assert_eq!(
            (&value["apiVersion"], &value["kind"]),
            (&json!("v1"), &json!("Namespace"))
        );
        assert!(decode(b"k8s\0\xff").is_err());
    }
}
