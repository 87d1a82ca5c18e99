//! YAML as the CI language uses it: anchors, merge keys, `!reference`, several documents.

use std::collections::HashMap;
use std::fmt::Write as _;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};
use serde_json::{Map, Value};

/// A YAML value; mappings keep their order.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
    /// `!reference [job, key, …]`
    Reference(Vec<String>),
}

/// Why a text is not YAML; lines and columns count from 1.
#[derive(Debug, PartialEq, Eq)]
pub struct YamlError {
    pub message: String,
    pub line: usize,
    pub column: usize,
}

/// What a text holds, and the keys that stand twice in one mapping.
#[derive(Debug)]
pub struct Documents {
    pub documents: Vec<Node>,
    pub duplicates: Vec<YamlError>,
}

pub fn parse(text: &str) -> Result<Documents, YamlError> {
    let mut composer = Composer {
        parser: Parser::new_from_str(text),
        anchors: HashMap::new(),
        duplicates: vec![],
    };
    let mut documents = Vec::new();
    loop {
        match composer.next()? {
            (Event::StreamEnd, _) => break,
            (Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing, _) => {}
            (event, span) => documents.push(composer.compose(event, span)?),
        }
    }
    Ok(Documents {
        documents,
        duplicates: composer.duplicates,
    })
}

struct Composer<'a> {
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
    anchors: HashMap<usize, Node>,
    duplicates: Vec<YamlError>,
}

impl<'a> Composer<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), YamlError> {
        match self.parser.next_event() {
            None => Ok((Event::StreamEnd, Span::default())),
            Some(Ok(next)) => Ok(next),
            Some(Err(error)) => Err(YamlError {
                message: error.info().to_owned(),
                line: error.marker().line(),
                column: error.marker().col() + 1,
            }),
        }
    }

    fn compose(&mut self, event: Event<'a>, span: Span) -> Result<Node, YamlError> {
        let (anchor, node) = match event {
            Event::Alias(id) => {
                return self.anchors.get(&id).cloned().ok_or_else(|| YamlError {
                    message: "unknown alias".into(),
                    line: span.start.line(),
                    column: span.start.col() + 1,
                });
            }
            Event::Scalar(text, style, anchor, tag) => (anchor, scalar(&text, style, tag.as_deref())),
            Event::SequenceStart(anchor, tag) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break,
                        (event, span) => items.push(self.compose(event, span)?),
                    }
                }
                let reference = tag.is_some_and(|tag| tag.suffix == "reference");
                let node = if reference {
                    Node::Reference(items.iter().map(Node::to_text).collect())
                } else {
                    Node::List(items)
                };
                (anchor, node)
            }
            Event::MappingStart(anchor, _) => (anchor, self.mapping()?),
            _ => (0, Node::Null),
        };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn mapping(&mut self) -> Result<Node, YamlError> {
        let mut entries: Vec<(String, Node)> = Vec::new();
        let mut merged: Vec<Node> = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                break;
            }
            let key = self.compose(event, span)?.to_text();
            let (event, value_span) = self.next()?;
            let value = self.compose(event, value_span)?;
            if key == "<<" {
                match value {
                    Node::List(items) => merged.extend(items),
                    other => merged.push(other),
                }
                continue;
            }
            if let Some(entry) = entries.iter_mut().find(|(name, _)| *name == key) {
                self.duplicates.push(YamlError {
                    message: format!("duplicate key {key:?}"),
                    line: span.start.line(),
                    column: span.start.col() + 1,
                });
                entry.1 = value;
            } else {
                entries.push((key, value));
            }
        }
        for node in merged {
            if let Node::Map(inherited) = node {
                for (key, value) in inherited {
                    if !entries.iter().any(|(name, _)| *name == key) {
                        entries.push((key, value));
                    }
                }
            }
        }
        Ok(Node::Map(entries))
    }
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Node {
    if style != ScalarStyle::Plain || tag.is_some_and(|tag| tag.suffix == "str") {
        return Node::Text(text.to_owned());
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Node::Null,
        "true" | "True" | "TRUE" | "yes" | "Yes" | "on" | "On" => return Node::Bool(true),
        "false" | "False" | "FALSE" | "no" | "No" | "off" | "Off" => return Node::Bool(false),
        _ => {}
    }
    let digits = text.trim_start_matches(['-', '+']);
    if digits.starts_with(|c: char| c.is_ascii_digit()) {
        if let Some(octal) = digits.strip_prefix("0o") {
            if let Ok(value) = i64::from_str_radix(octal, 8) {
                return Node::Int(value);
            }
        } else if let Ok(value) = text.parse() {
            return Node::Int(value);
        } else if digits.contains('.')
            && digits.chars().all(|c| c.is_ascii_digit() || "eE.+-".contains(c))
            && let Ok(value) = text.parse()
        {
            return Node::Float(value);
        }
    }
    Node::Text(text.to_owned())
}

impl Node {
    pub fn get(&self, key: &str) -> Option<&Node> {
        match self {
            Node::Map(entries) => entries
                .iter()
                .find(|(name, _)| name == key)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    pub fn set(&mut self, key: &str, value: Node) {
        if let Node::Map(entries) = self {
            match entries.iter_mut().find(|(name, _)| name == key) {
                Some(entry) => entry.1 = value,
                None => entries.push((key.to_owned(), value)),
            }
        }
    }

    pub fn remove(&mut self, key: &str) -> Option<Node> {
        let Node::Map(entries) = self else { return None };
        let index = entries.iter().position(|(name, _)| name == key)?;
        Some(entries.remove(index).1)
    }

    pub fn entries(&self) -> &[(String, Node)] {
        match self {
            Node::Map(entries) => entries,
            _ => &[],
        }
    }

    pub fn is_map(&self) -> bool {
        matches!(self, Node::Map(_))
    }

    pub fn as_text(&self) -> Option<&str> {
        match self {
            Node::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A scalar as text; collections give nothing.
    pub fn to_text(&self) -> String {
        match self {
            Node::Text(text) => text.clone(),
            Node::Bool(value) => value.to_string(),
            Node::Int(value) => value.to_string(),
            Node::Float(value) => value.to_string(),
            _ => String::new(),
        }
    }

    /// One text or a list of them (nested lists are flattened).
    pub fn to_lines(&self) -> Vec<String> {
        match self {
            Node::List(items) => items.iter().flat_map(Node::to_lines).collect(),
            Node::Null | Node::Map(_) | Node::Reference(_) => Vec::new(),
            scalar => vec![scalar.to_text()],
        }
    }

    pub fn to_json(&self) -> Value {
        match self {
            Node::Null => Value::Null,
            Node::Bool(value) => Value::Bool(*value),
            Node::Int(value) => (*value).into(),
            Node::Float(value) => serde_json::json!(value),
            Node::Text(text) => Value::String(text.clone()),
            Node::List(items) => items.iter().map(Node::to_json).collect(),
            Node::Reference(path) => path.iter().cloned().map(Value::String).collect(),
            Node::Map(entries) => Value::Object(
                entries
                    .iter()
                    .map(|(key, value)| (key.clone(), value.to_json()))
                    .collect::<Map<_, _>>(),
            ),
        }
    }

    /// A value of JSON, as calls bring it.
    pub fn from_json(value: &Value) -> Self {
        match value {
            Value::Null => Node::Null,
            Value::Bool(value) => Node::Bool(*value),
            Value::Number(number) => match number.as_i64() {
                Some(whole) => Node::Int(whole),
                None => Node::Float(number.as_f64().unwrap_or_default()),
            },
            Value::String(text) => Node::Text(text.clone()),
            Value::Array(items) => Node::List(items.iter().map(Node::from_json).collect()),
            Value::Object(map) => Node::Map(
                map.iter()
                    .map(|(key, value)| (key.clone(), Node::from_json(value)))
                    .collect(),
            ),
        }
    }

    /// `other` on top of `self`: mappings merge deeply, everything else is replaced.
    #[must_use]
    pub fn merged_with(&self, other: &Node) -> Node {
        match (self, other) {
            (Node::Map(base), Node::Map(over)) => {
                let mut result = base.clone();
                for (key, value) in over {
                    match result.iter_mut().find(|(name, _)| name == key) {
                        Some(entry) => entry.1 = entry.1.merged_with(value),
                        None => result.push((key.clone(), value.clone())),
                    }
                }
                Node::Map(result)
            }
            _ => other.clone(),
        }
    }

    /// Every text in it rewritten.
    pub fn map_texts(&self, rewrite: &dyn Fn(&str) -> Node) -> Node {
        match self {
            Node::Text(text) => rewrite(text),
            Node::List(items) => Node::List(items.iter().map(|item| item.map_texts(rewrite)).collect()),
            Node::Map(entries) => Node::Map(
                entries
                    .iter()
                    .map(|(key, value)| (rewrite(key).to_text(), value.map_texts(rewrite)))
                    .collect(),
            ),
            other => other.clone(),
        }
    }

    /// The YAML text of a resolved configuration, as `merged_yaml` shows it.
    pub fn to_yaml(&self) -> String {
        let mut out = String::from("---\n");
        write_node(&mut out, self, 0);
        out
    }
}

fn write_node(out: &mut String, node: &Node, indent: usize) {
    match node {
        Node::Map(entries) => {
            for (key, value) in entries {
                let _ = write!(out, "{}{}:", " ".repeat(indent), quoted(key));
                write_value(out, value, indent);
            }
        }
        Node::List(items) => {
            for item in items {
                let _ = write!(out, "{}-", " ".repeat(indent));
                if let Node::Map(entries) = item
                    && !entries.is_empty()
                {
                    let mut inner = String::new();
                    write_node(&mut inner, item, indent + 2);
                    out.push_str(&inner.replacen(&" ".repeat(indent + 2), " ", 1));
                } else {
                    write_value(out, item, indent);
                }
            }
        }
        scalar => {
            out.push_str(&inline(scalar));
            out.push('\n');
        }
    }
}

fn write_value(out: &mut String, value: &Node, indent: usize) {
    match value {
        Node::Map(entries) if !entries.is_empty() => {
            out.push('\n');
            write_node(out, value, indent + 2);
        }
        Node::List(items) if !items.is_empty() => {
            out.push('\n');
            write_node(out, value, indent);
        }
        Node::Text(text) if text.contains('\n') && !text.starts_with(' ') => {
            out.push_str(if text.ends_with('\n') { " |\n" } else { " |-\n" });
            for line in text.trim_end_matches('\n').split('\n') {
                let pad = if line.is_empty() { 0 } else { indent + 2 };
                let _ = writeln!(out, "{}{line}", " ".repeat(pad));
            }
        }
        other => {
            out.push(' ');
            out.push_str(&inline(other));
            out.push('\n');
        }
    }
}

fn inline(node: &Node) -> String {
    match node {
        Node::Null => "null".into(),
        Node::Text(text) => quoted(text),
        Node::List(_) => "[]".into(),
        Node::Map(_) => "{}".into(),
        Node::Reference(path) => format!("!reference [{}]", path.join(", ")),
        scalar => scalar.to_text(),
    }
}

/// Plain where plain reads back as the same text, double-quoted (JSON) otherwise.
fn quoted(text: &str) -> String {
    let plain = !text.is_empty()
        && text.trim() == text
        && scalar(text, ScalarStyle::Plain, None) == Node::Text(text.to_owned())
        && !text.starts_with(|c: char| "-?:,[]{}#&*!|>'\"%@`".contains(c))
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.ends_with(':')
        && !text.chars().any(char::is_control);
    if plain {
        text.to_owned()
    } else {
        Value::String(text.to_owned()).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Node {
        parse(text).expect("YAML").documents.remove(0)
    }

    #[test]
    fn anchors_merge_keys_and_references_are_understood() {
        let node = one(
            ".base: &base\n  image: a\n  stage: test\njob:\n  <<: *base\n  image: b\n  script: !reference [.base, script]\n",
        );
        let job = node.get("job").expect("job");
        assert_eq!(job.get("image"), Some(&Node::Text("b".into())));
        assert_eq!(job.get("stage"), Some(&Node::Text("test".into())));
        assert_eq!(
            job.get("script"),
            Some(&Node::Reference(vec![".base".into(), "script".into()]))
        );
    }

    #[test]
    fn a_tab_as_indentation_is_an_error_with_its_line() {
        let error = parse("job:\n\tscript: x\n").expect_err("tabs are refused");
        assert_eq!(error.line, 2);
    }

    #[test]
    fn duplicate_keys_are_reported_and_the_last_one_wins() {
        let read = parse("a: 1\nb: 2\na: 3\n").expect("YAML");
        assert_eq!(read.duplicates[0].line, 3);
        assert_eq!(read.documents[0].get("a"), Some(&Node::Int(3)));
    }

    #[test]
    fn the_written_yaml_reads_back_as_the_same_value() {
        let text = "a: {b: [1, 'x: y', \"yes\", null, {c: d, e: [f]}], m: \"l1\\nl2\\n\", z: []}\n";
        let node = one(text);
        assert_eq!(one(&node.to_yaml()), node);
    }
}
