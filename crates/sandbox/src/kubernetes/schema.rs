//! The types of the API as data: what server-side apply, strategic merge, field validation and `/openapi` walk along.

use std::collections::HashMap;
use std::sync::OnceLock;

/// What a field holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    String,
    Bool,
    Int32,
    Int64,
    Number,
    /// Base64 in JSON.
    Bytes,
    /// RFC 3339.
    Time,
    MicroTime,
    Quantity,
    IntOrString,
    /// Any JSON; atomic for server-side apply.
    Any,
    Struct(usize),
    List(Box<Shape>),
    Map(Box<Shape>),
}

#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent marks of the OpenAPI document"
)]
pub struct Field {
    pub name: String,
    pub shape: Shape,
    pub required: bool,
    /// Where protobuf has it: field numbers, outermost first; empty when it has not.
    pub numbers: Vec<u32>,
    /// Field names that tell the items of a list apart.
    pub keys: Vec<String>,
    pub set: bool,
    pub atomic: bool,
    /// The strategic merge patch merges this list or map instead of replacing it.
    pub merge: bool,
    pub merge_key: Option<String>,
    pub retain_keys: bool,
}

#[derive(Debug, Clone)]
pub struct Struct {
    pub name: String,
    /// `apps.v1`, `core.v1`, `meta.v1` …
    pub package: String,
    pub atomic: bool,
    pub fields: Vec<Field>,
    index: HashMap<String, usize>,
}

impl Struct {
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.index.get(name).map(|&i| &self.fields[i])
    }
}

#[derive(Debug)]
pub struct Schema {
    structs: Vec<Struct>,
    by_name: HashMap<String, usize>,
}

/// A type at a place in an object: its shape, and how the place treats it.
#[derive(Debug, Clone, Copy)]
pub struct At<'a> {
    pub shape: &'a Shape,
    pub field: Option<&'a Field>,
}

impl<'a> At<'a> {
    pub fn root(shape: &'a Shape) -> Self {
        Self { shape, field: None }
    }

    /// True where server-side apply owns the value as a whole.
    pub fn is_atomic(self) -> bool {
        match self.shape {
            Shape::Struct(i) => Schema::get().by_index(*i).atomic || self.field.is_some_and(|f| f.atomic),
            Shape::Map(_) => self.field.is_some_and(|f| f.atomic),
            Shape::List(_) => !self.is_associative(),
            _ => true,
        }
    }

    /// A list whose items have identity of their own (`listType=map` or `set`).
    pub fn is_associative(self) -> bool {
        matches!(self.shape, Shape::List(_)) && self.field.is_some_and(|f| f.set || !f.keys.is_empty())
    }

    pub fn keys(self) -> &'a [String] {
        self.field.map_or(&[], |f| &f.keys)
    }

    /// The type below `name`: a declared field, or the value type of a map.
    pub fn child(self, name: &str) -> Option<At<'a>> {
        match self.shape {
            Shape::Struct(i) => {
                let field = Schema::get().by_index(*i).field(name)?;
                Some(At {
                    shape: &field.shape,
                    field: Some(field),
                })
            }
            Shape::Map(value) => Some(At {
                shape: value,
                field: None,
            }),
            _ => None,
        }
    }

    /// True when `name` is declared by the struct here (and is no free key of a map).
    pub fn declares(self, name: &str) -> bool {
        matches!(self.shape, Shape::Struct(i) if Schema::get().by_index(*i).field(name).is_some())
    }

    pub fn item(self) -> Option<At<'a>> {
        match self.shape {
            Shape::List(item) => Some(At {
                shape: item,
                field: None,
            }),
            _ => None,
        }
    }
}

/// Map keys that a manifest may leave out: `protocol` of a port.
pub fn key_default(key: &str) -> Option<serde_json::Value> {
    (key == "protocol").then(|| "TCP".into())
}

impl Schema {
    /// The one schema, parsed at first use from `schema.txt`.
    pub fn get() -> &'static Schema {
        static SCHEMA: OnceLock<Schema> = OnceLock::new();
        SCHEMA.get_or_init(|| Schema::parse(include_str!("schema.txt")))
    }

    pub fn by_index(&self, index: usize) -> &Struct {
        &self.structs[index]
    }

    /// The shape of a kind by its name in `schema.txt`; `Any` when the kind is unknown.
    pub fn shape(&self, name: &str) -> Shape {
        self.by_name.get(name).map_or(Shape::Any, |&i| Shape::Struct(i))
    }

    fn parse(text: &str) -> Self {
        let lines = || {
            text.lines()
                .filter(|l| !l.starts_with('#') && !l.trim().is_empty())
        };
        let names = lines()
            .filter(|l| !l.starts_with(' '))
            .filter_map(|l| l.split(" = ").next());
        let by_name: HashMap<String, usize> = names.enumerate().map(|(i, n)| (n.to_owned(), i)).collect();
        let mut structs: Vec<Struct> = Vec::with_capacity(by_name.len());
        for line in lines() {
            if let Some(declaration) = line.strip_prefix("  ") {
                let owner = structs.last_mut().expect("a field follows its type");
                let field = parse_field(declaration, &by_name);
                owner.index.insert(field.name.clone(), owner.fields.len());
                owner.fields.push(field);
            } else {
                let (name, rest) = line.split_once(" = ").expect("Type = package");
                let mut words = rest.split(' ');
                structs.push(Struct {
                    name: name.to_owned(),
                    package: words.next().unwrap_or_default().to_owned(),
                    atomic: words.next() == Some("atomic"),
                    fields: Vec::new(),
                    index: HashMap::new(),
                });
            }
        }
        Self { structs, by_name }
    }
}

fn parse_field(declaration: &str, by_name: &HashMap<String, usize>) -> Field {
    let mut words = declaration.split(' ');
    let name = words.next().unwrap_or_default();
    let shape = parse_shape(words.next().unwrap_or_default(), by_name);
    let mut field = Field {
        name: name.trim_end_matches('!').to_owned(),
        shape,
        required: name.ends_with('!'),
        numbers: Vec::new(),
        keys: Vec::new(),
        set: false,
        atomic: false,
        merge: false,
        merge_key: None,
        retain_keys: false,
    };
    for word in words {
        if let Some(numbers) = word.strip_prefix('#') {
            field.numbers = numbers.split('.').filter_map(|n| n.parse().ok()).collect();
            continue;
        }
        match word.split_once('=') {
            Some(("keys", keys)) => field.keys = keys.split(',').map(str::to_owned).collect(),
            Some(("merge", key)) => {
                field.merge = true;
                field.merge_key = Some(key.to_owned());
            }
            _ if word == "set" => field.set = true,
            _ if word == "atomic" => field.atomic = true,
            _ if word == "merge" => field.merge = true,
            _ if word == "retain" => field.retain_keys = true,
            _ => {}
        }
    }
    field
}

fn parse_shape(text: &str, by_name: &HashMap<String, usize>) -> Shape {
    if let Some(item) = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')) {
        return Shape::List(Box::new(parse_shape(item, by_name)));
    }
    if let Some(value) = text.strip_prefix('{').and_then(|t| t.strip_suffix('}')) {
        return Shape::Map(Box::new(parse_shape(value, by_name)));
    }
    match text {
        "string" => Shape::String,
        "bool" => Shape::Bool,
        "int32" => Shape::Int32,
        "int64" => Shape::Int64,
        "number" => Shape::Number,
        "bytes" => Shape::Bytes,
        "time" => Shape::Time,
        "microtime" => Shape::MicroTime,
        "quantity" => Shape::Quantity,
        "intstr" => Shape::IntOrString,
        "any" => Shape::Any,
        name => Shape::Struct(
            *by_name
                .get(name)
                .unwrap_or_else(|| panic!("schema.txt names no type {name}")),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_knows_list_keys_and_atomic_types() {
        let schema = Schema::get();
        let named = |name: &str| schema.by_name.get(name).map(|&i| schema.by_index(i));
        let container = named("Container").expect("Container");
        assert_eq!(
            container.field("ports").expect("ports").keys,
            ["containerPort", "protocol"]
        );
        assert_eq!(
            container.field("ports").expect("ports").merge_key.as_deref(),
            Some("containerPort")
        );
        assert!(named("LabelSelector").expect("LabelSelector").atomic);
        assert!(named("Deployment").expect("Deployment").field("spec").is_some());
    }
}
