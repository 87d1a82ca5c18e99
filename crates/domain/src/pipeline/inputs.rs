//! The inputs that a `.gitlab-ci.yml` asks for when it is run (`spec:inputs` of its header, GitLab's “CI/CD inputs”),
//! and its variables that are offered beside them: read from the file, typed in a form, checked before GitLab sees
//! them.

use super::file::effective::{Value as Scalar, typed};
use super::file::tree::{Kind, NodeId, Tree, parse};
use super::source::SourceError;
use crate::text::Text;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The longest value of an input, in bytes.
pub const LONGEST: usize = 64 * 1024;
/// How deep a value of the file is read.
const DEEPEST: usize = 9;

/// What an input takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputKind {
    /// A text.
    #[default]
    String,
    /// A number, whole or not.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A list of values.
    Array,
}

impl InputKind {
    /// GitLab's word.
    pub const fn key(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Array => "array",
        }
    }

    fn from_key(key: &str) -> Option<Self> {
        [Self::String, Self::Number, Self::Boolean, Self::Array]
            .into_iter()
            .find(|kind| kind.key() == key)
    }
}

/// One input of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// What it takes.
    pub kind: InputKind,
    /// What it is for, in the file's words.
    pub description: String,
    /// What it is where nothing is given; `None`: something must be given.
    pub default: Option<Value>,
    /// The only values it takes; empty: any.
    pub options: Vec<Value>,
    /// What a text must match (RE2).
    pub regex: Option<String>,
    /// What of it Slipway does not know, and GitLab alone checks.
    pub unknown: Vec<String>,
}

/// A variable that the file offers to whoever runs it by hand: one of its `variables` with a description.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prefilled {
    /// Its name.
    pub name: String,
    /// What it is where nothing is typed.
    pub value: String,
    /// What it is for.
    pub description: String,
    /// The values to choose from; empty: any.
    pub options: Vec<String>,
}

/// What a file asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Its inputs, in its order.
    pub inputs: Vec<Input>,
    /// Its variables that are offered, in its order.
    pub variables: Vec<Prefilled>,
    /// Whether more inputs come from other files (`spec:include`), so that these are not all.
    pub more_elsewhere: bool,
}

/// What is wrong with one input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputError {
    /// Its name.
    pub input: String,
    /// What is wrong, and what to do.
    pub text: Text,
}

/// Reads what a file asks for.
///
/// # Errors
/// It is no YAML that can be worked with.
pub fn read(text: &str) -> Result<Asked, SourceError> {
    let tree = parse(text)?;
    let mut asked = Asked::default();
    if let Some(spec) = tree.header().and_then(|header| tree.get(header.root, "spec")) {
        let spec = tree.target(spec);
        asked.more_elsewhere = tree.get(spec, "include").is_some();
        if let Some(inputs) = tree.get(spec, "inputs") {
            let entries = tree.entries(tree.target(inputs)).iter();
            asked.inputs = entries
                .filter_map(|(key, value)| input(&tree, *key, *value))
                .collect();
        }
    }
    if let Some(variables) = tree
        .content()
        .and_then(|content| tree.get(content.root, "variables"))
    {
        let entries = tree.entries(tree.target(variables)).iter();
        asked.variables = entries
            .filter_map(|(key, value)| prefilled(&tree, *key, *value))
            .collect();
    }
    Ok(asked)
}

fn input(tree: &Tree<'_>, key: NodeId, value: NodeId) -> Option<Input> {
    let mut input = Input {
        name: tree.scalar(key)?.to_owned(),
        ..Input::default()
    };
    for (key, value) in tree.entries(tree.target(value)) {
        let value = tree.target(*value);
        match tree.scalar(*key)? {
            "type" => match tree.scalar(value).and_then(InputKind::from_key) {
                Some(kind) => input.kind = kind,
                None => input.unknown.push(String::from("type")),
            },
            "description" => tree
                .scalar(value)
                .unwrap_or_default()
                .clone_into(&mut input.description),
            "default" => input.default = Some(json(tree, value, DEEPEST)),
            "options" => {
                input.options = tree
                    .items(value)
                    .iter()
                    .map(|item| json(tree, *item, DEEPEST))
                    .collect();
            }
            "regex" => input.regex = tree.scalar(value).map(str::to_owned),
            other => input.unknown.push(other.to_owned()),
        }
    }
    // `default:` without a value is a text without a character.
    if input.default == Some(Value::Null) && input.kind == InputKind::String {
        input.default = Some(Value::String(String::new()));
    }
    Some(input)
}

fn prefilled(tree: &Tree<'_>, key: NodeId, value: NodeId) -> Option<Prefilled> {
    let value = tree.target(value);
    let text = |name: &str| {
        let found = tree.get(value, name)?;
        tree.scalar(tree.target(found)).map(str::to_owned)
    };
    let options = tree.get(value, "options").map(|list| tree.target(list));
    Some(Prefilled {
        description: text("description")?,
        name: tree.scalar(key)?.to_owned(),
        value: text("value").unwrap_or_default(),
        options: options
            .iter()
            .flat_map(|list| tree.items(*list))
            .filter_map(|item| tree.scalar(*item).map(str::to_owned))
            .collect(),
    })
}

/// A value of the file as GitLab's reader takes it; what is deeper than `left` levels is nothing.
pub(crate) fn json(tree: &Tree<'_>, node: NodeId, left: usize) -> Value {
    let node = tree.target(node);
    let Some(left) = left.checked_sub(1) else {
        return Value::Null;
    };
    match &tree.node(node).kind {
        Kind::Scalar { text, style } => match typed(text, *style, tree.node(node).tag.as_deref()) {
            Scalar::Null => Value::Null,
            Scalar::Bool(value) => Value::Bool(value),
            Scalar::Int(value) => Value::from(value),
            Scalar::Float => number(text).unwrap_or_else(|| Value::String(text.to_string())),
            _ => Value::String(text.to_string()),
        },
        Kind::List { items, .. } => items.iter().map(|item| json(tree, *item, left)).collect(),
        Kind::Map { entries, .. } => entries
            .iter()
            .filter_map(|(key, value)| Some((tree.scalar(*key)?.to_owned(), json(tree, *value, left))))
            .collect(),
        Kind::Alias(_) => Value::Null,
    }
}

/// A number as people and files write it.
fn number(text: &str) -> Option<Value> {
    if let Ok(whole) = text.parse::<i64>() {
        return Some(Value::from(whole));
    }
    let float: f64 = text.parse().ok()?;
    serde_json::Number::from_f64(float).map(Value::Number)
}

impl Input {
    /// Whether something must be given.
    pub const fn is_required(&self) -> bool {
        self.default.is_none()
    }

    /// What stands in its field at first.
    pub fn shown(&self) -> String {
        self.default.as_ref().map(text_of).unwrap_or_default()
    }

    /// What was typed into its field; `None`: nothing, so that the default holds.
    ///
    /// # Errors
    /// It is no value of this kind.
    pub fn typed(&self, text: &str) -> Result<Option<Value>, Text> {
        if text == self.shown() && self.default.is_some() {
            return Ok(None);
        }
        let trimmed = text.trim();
        if trimmed.is_empty() && (self.kind != InputKind::String || self.is_required()) {
            return if self.is_required() {
                Err(needed())
            } else {
                Ok(None)
            };
        }
        if let Some(chosen) = self.options.iter().find(|option| text_of(option) == text) {
            return Ok(Some(chosen.clone()));
        }
        Ok(Some(match self.kind {
            InputKind::String => Value::String(text.to_owned()),
            InputKind::Number => number(trimmed).ok_or_else(|| self.kind.wanted())?,
            InputKind::Boolean => match trimmed {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                _ => return Err(self.kind.wanted()),
            },
            InputKind::Array if trimmed.starts_with('[') => serde_json::from_str::<Vec<Value>>(trimmed)
                .map_err(|_| self.kind.wanted())?
                .into(),
            InputKind::Array => {
                let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
                lines.map(|line| Value::String(line.to_owned())).collect()
            }
        }))
    }

    /// Whether it takes `value`. `fits` says whether a text matches a pattern, `None` where the pattern cannot be read
    /// here and is left to GitLab.
    ///
    /// # Errors
    /// Why not, and what it takes.
    pub fn check(&self, value: &Value, fits: impl Fn(&str, &str) -> Option<bool>) -> Result<(), Text> {
        let kind = match value {
            Value::String(text) if text.len() > LONGEST => {
                return Err(Text::new("is longer than 64 KiB", "超过 64 KiB"));
            }
            Value::String(_) => Some(InputKind::String),
            Value::Number(_) => Some(InputKind::Number),
            Value::Bool(_) => Some(InputKind::Boolean),
            Value::Array(_) => Some(InputKind::Array),
            Value::Null | Value::Object(_) => None,
        };
        // A kind that is not known here is GitLab's to judge.
        if kind != Some(self.kind) && !self.unknown.iter().any(|word| word == "type") {
            return Err(self.kind.wanted());
        }
        if !self.options.is_empty() && self.kind != InputKind::Array && !self.options.contains(value) {
            let all = self.options.iter().map(text_of).collect::<Vec<_>>();
            return Err(Text::new(
                format!("choose one of: {}", all.join(", ")),
                format!("请选择其中之一：{}", all.join("、")),
            ));
        }
        if let (Some(pattern), Value::String(text)) = (&self.regex, value)
            && fits(pattern, text) == Some(false)
        {
            return Err(Text::new(
                format!("must match {pattern}"),
                format!("必须符合 {pattern}"),
            ));
        }
        Ok(())
    }
}

impl InputKind {
    fn wanted(self) -> Text {
        match self {
            Self::String => Text::new("give a text", "请填写文本"),
            Self::Number => Text::new("give a number, such as 3 or 0.5", "请填写数字，例如 3 或 0.5"),
            Self::Boolean => Text::new("give true or false", "请填写 true 或 false"),
            Self::Array => Text::new(
                "give one value a line, or a JSON list such as [\"a\", 1]",
                "请每行填写一个值，或填写 JSON 列表，例如 [\"a\", 1]",
            ),
        }
    }
}

fn needed() -> Text {
    Text::new("this input needs a value", "此项必须填写")
}

/// A value as a field shows it: a text as it is, a list of plain texts by lines, all else as JSON.
pub fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Array(items) => {
            let plain = |item: &Value| match item {
                Value::String(text)
                    if !text.is_empty()
                        && text.trim() == text
                        && !text.contains(['\n', '\r'])
                        && !text.starts_with('[') =>
                {
                    Some(text.clone())
                }
                _ => None,
            };
            let lines: Option<Vec<String>> = items.iter().map(plain).collect();
            match lines {
                Some(lines) if !lines.is_empty() => lines.join("\n"),
                _ => value.to_string(),
            }
        }
        other => other.to_string(),
    }
}

/// The values for GitLab of what was typed in a form: only what differs from the defaults.
///
/// # Errors
/// Every input that cannot be sent, by name.
pub fn from_form(
    inputs: &[Input],
    typed: &BTreeMap<String, String>,
    fits: impl Fn(&str, &str) -> Option<bool>,
) -> Result<BTreeMap<String, Value>, Vec<InputError>> {
    let mut values = BTreeMap::new();
    let mut errors = unknown(inputs, typed.keys());
    for input in inputs {
        let text = typed.get(&input.name).map(String::as_str);
        let value = match text {
            // Browsers send line breaks as CR LF.
            Some(text) => input.typed(&text.replace("\r\n", "\n")),
            None if input.is_required() => Err(needed()),
            None => Ok(None),
        };
        let checked = value.and_then(|value| match value {
            Some(value) => input.check(&value, &fits).map(|()| Some(value)),
            None => Ok(None),
        });
        match checked {
            Ok(Some(value)) => {
                values.insert(input.name.clone(), value);
            }
            Ok(None) => {}
            Err(text) => errors.push(InputError {
                input: input.name.clone(),
                text,
            }),
        }
    }
    if errors.is_empty() {
        Ok(values)
    } else {
        Err(errors)
    }
}

/// Checks values that a program gave.
///
/// # Errors
/// Every input that cannot be sent, by name.
pub fn check_values(
    inputs: &[Input],
    values: &BTreeMap<String, Value>,
    fits: impl Fn(&str, &str) -> Option<bool>,
) -> Result<(), Vec<InputError>> {
    let mut errors = unknown(inputs, values.keys());
    for input in inputs {
        let checked = match values.get(&input.name) {
            Some(value) => input.check(value, &fits),
            None if input.is_required() => Err(needed()),
            None => Ok(()),
        };
        errors.extend(checked.err().map(|text| InputError {
            input: input.name.clone(),
            text,
        }));
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

fn unknown<'a>(inputs: &[Input], given: impl Iterator<Item = &'a String>) -> Vec<InputError> {
    given
        .filter(|name| inputs.iter().all(|input| input.name != **name))
        .map(|name| InputError {
            input: name.clone(),
            text: Text::new(
                format!("the file on this branch has no input “{name}”. Take it out"),
                format!("该分支上的文件没有输入“{name}”，请去掉"),
            ),
        })
        .collect()
}
