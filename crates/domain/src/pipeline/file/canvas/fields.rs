//! The fields of a job that a form shows.

use serde::{Deserialize, Serialize};

use super::super::edit::{Found, descend};
use super::super::effective::{Effective, Value};
use super::super::refusal::Refusal;
use super::super::scalar::NewValue;
use super::super::tree::{Kind, NodeId, Style, Tree};
use super::Drawn;
use crate::text::Text;

/// A field of a job, or a variable of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Its keys with dots between, as [`Edit::Set`](super::super::Edit::Set) takes them.
    pub path: String,
    /// What it holds.
    pub kind: FieldKind,
    /// What stands in the file; none where nothing does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<NewValue>,
    /// What counts where nothing stands in the job: from what it extends, or from the file's defaults.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inherited: Option<NewValue>,
    /// The line of its value, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// Why it cannot be set: the rest of “FIELD …”. Then `value` may be absent though something stands
    /// in the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked: Option<Text>,
}

/// What a field holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FieldKind {
    /// One text.
    Text,
    /// Texts, one after the other.
    List,
    /// `true` or `false`.
    Switch,
    /// A whole number.
    Number,
    /// One of these.
    Choice {
        /// In their order.
        options: Vec<String>,
    },
}

const FIELDS: [(&str, What); 28] = [
    ("stage", What::Stage),
    ("image", What::Text),
    ("tags", What::List),
    ("needs", What::List),
    ("dependencies", What::List),
    (
        "when",
        What::Choice(&["on_success", "on_failure", "always", "manual", "delayed"]),
    ),
    ("start_in", What::Text),
    ("allow_failure", What::Switch),
    ("retry", What::Number),
    ("timeout", What::Text),
    ("interruptible", What::Switch),
    ("resource_group", What::Text),
    ("parallel", What::Number),
    ("environment.name", What::Text),
    ("environment.url", What::Text),
    ("services", What::List),
    ("cache.key", What::Text),
    ("cache.paths", What::List),
    ("before_script", What::List),
    ("script", What::List),
    ("after_script", What::List),
    ("coverage", What::Text),
    ("artifacts.paths", What::List),
    ("artifacts.exclude", What::List),
    (
        "artifacts.when",
        What::Choice(&["on_success", "on_failure", "always"]),
    ),
    ("artifacts.expire_in", What::Text),
    ("artifacts.reports.junit", What::List),
    ("artifacts.reports.dotenv", What::Text),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Text,
    List,
    Switch,
    Number,
    Stage,
    Choice(&'static [&'static str]),
}

/// Keywords whose value comes from `default`, or from the file, where the job has none.
const DEFAULTS: [&str; 9] = [
    "after_script",
    "artifacts",
    "before_script",
    "cache",
    "image",
    "interruptible",
    "retry",
    "services",
    "tags",
];

/// All fields of a job, and its variables.
pub(super) fn of_job(drawn: &Drawn<'_, '_>, found: &Result<Found, Refusal>, value: NodeId) -> Vec<Field> {
    let (tree, stages) = (drawn.tree, drawn.stages);
    let field = |path: &str, kind: FieldKind| {
        let steps: Vec<String> = path.split('.').map(str::to_owned).collect();
        let inherited = inherited(drawn, &steps, &kind);
        read(tree, path.to_owned(), kind, at(tree, found, &steps), inherited)
    };
    let mut all: Vec<Field> = FIELDS
        .iter()
        .map(|(path, what)| {
            let kind = match what {
                What::Text => FieldKind::Text,
                What::List => FieldKind::List,
                What::Switch => FieldKind::Switch,
                What::Number => FieldKind::Number,
                What::Stage => FieldKind::Choice {
                    options: stages.to_vec(),
                },
                What::Choice(options) => FieldKind::Choice {
                    options: options.iter().map(|option| (*option).to_owned()).collect(),
                },
            };
            field(path, kind)
        })
        .collect();
    let variables = tree.get(value, "variables").map(|map| tree.entries(map));
    let own: Vec<&str> = variables
        .unwrap_or_default()
        .iter()
        .filter_map(|(key, _)| tree.scalar(*key))
        .collect();
    let whole = drawn.job.get("variables");
    let inherited = whole.map(Effective::entries).unwrap_or_default().iter();
    let mut names: Vec<&str> = own.clone();
    names.extend(
        inherited
            .map(|(name, ..)| &**name)
            .filter(|name| !own.contains(name)),
    );
    names.retain(|name| *name != "<<" && !name.contains(['.', '[', ']']));
    names.dedup();
    for name in names {
        let path = format!("variables.{name}");
        all.push(field(&path, FieldKind::Text));
    }
    all
}

/// Variables of the whole file.
pub(super) fn of_file(tree: &Tree<'_>) -> Vec<Field> {
    let Some(root) = tree.content().map(|document| document.root) else {
        return Vec::new();
    };
    let Some(map) = tree.get(root, "variables") else {
        return Vec::new();
    };
    let names = tree.entries(map).iter().filter_map(|(key, _)| tree.scalar(*key));
    let mut all: Vec<Field> = Vec::new();
    for name in names.filter(|name| *name != "<<") {
        let path = vec!["variables".to_owned(), name.to_owned()];
        let found = Found {
            node: root,
            places: Vec::new(),
            missing: Vec::new(),
        };
        let field = read(
            tree,
            format!("variables.{name}"),
            FieldKind::Text,
            descend(tree, found, &path),
            None,
        );
        if !all.iter().any(|known| known.path == field.path) {
            all.push(field);
        }
    }
    all
}

/// Why a field of a job cannot be set.
pub(super) fn locked(tree: &Tree<'_>, found: &Result<Found, Refusal>, path: &str) -> Option<Text> {
    let path: Vec<String> = path.split('.').map(str::to_owned).collect();
    at(tree, found, &path).err().map(why)
}

fn at(tree: &Tree<'_>, job: &Result<Found, Refusal>, path: &[String]) -> Result<Found, Refusal> {
    descend(tree, job.clone()?, path)
}

fn why(refusal: Refusal) -> Text {
    match refusal {
        Refusal::Kept { reason, .. } | Refusal::NotAJob { reason, .. } => reason,
        other => Text::new(
            other.message(crate::text::Locale::En),
            other.message(crate::text::Locale::ZhCn),
        ),
    }
}

fn read(
    tree: &Tree<'_>,
    path: String,
    kind: FieldKind,
    found: Result<Found, Refusal>,
    inherited: Option<NewValue>,
) -> Field {
    let mut field = Field {
        path,
        kind,
        value: None,
        inherited: None,
        line: None,
        locked: None,
    };
    match found {
        Err(refusal) => {
            if let Refusal::Kept { line, .. } = &refusal {
                field.line = Some(*line);
            }
            field.locked = Some(why(refusal));
            field.inherited = inherited;
        }
        Ok(found) if found.missing.is_empty() => {
            field.line = Some(tree.node(found.node).line);
            field.value = value(tree, found.node, &field.kind);
            if field.value.is_none() && !tree.is_null(found.node) {
                field.locked = Some(Text::new("is written in a form of its own", "使用了特殊写法"));
            }
        }
        Ok(found) => {
            field.inherited = inherited;
            let node = tree.node(found.node);
            let takes_more = matches!(&node.kind, Kind::Map { entries, .. } if !entries.is_empty())
                || super::super::insert::opens(&field.path, &node.kind).is_some();
            if !takes_more {
                field.line = Some(node.line);
                field.locked = Some(Text::new("is written in a form of its own", "使用了特殊写法"));
            }
        }
    }
    field
}

/// What stands in the file, as this kind of field shows it.
fn value(tree: &Tree<'_>, id: NodeId, kind: &FieldKind) -> Option<NewValue> {
    let node = tree.node(id);
    match (&node.kind, kind) {
        (
            Kind::Scalar {
                style: Style::Absent, ..
            },
            _,
        ) => None,
        (Kind::Scalar { text, style }, FieldKind::Switch) => {
            match super::super::effective::typed(text, *style, None) {
                Value::Bool(value) => Some(NewValue::Switch(value)),
                _ => None,
            }
        }
        (Kind::Scalar { text, style }, FieldKind::Number) => {
            match super::super::effective::typed(text, *style, None) {
                Value::Int(value) => Some(NewValue::Number(value)),
                _ => None,
            }
        }
        (Kind::Scalar { text, .. }, FieldKind::List) => Some(NewValue::List(vec![text.to_string()])),
        (Kind::Scalar { text, .. }, _) => Some(NewValue::Text(text.to_string())),
        (Kind::List { .. }, FieldKind::List) => {
            super::super::value::list_of_texts(tree, id).map(NewValue::List)
        }
        (Kind::Map { .. }, FieldKind::Text | FieldKind::Number) => ["name", "value", "max"]
            .iter()
            .find_map(|key| tree.get(id, key))
            .filter(|inner| matches!(tree.node(*inner).kind, Kind::Scalar { .. }))
            .and_then(|inner| value(tree, inner, kind)),
        _ => None,
    }
}

fn inherited(drawn: &Drawn<'_, '_>, steps: &[String], kind: &FieldKind) -> Option<NewValue> {
    let config = drawn.config;
    let (first, rest) = steps.split_first()?;
    let default = || {
        let here = DEFAULTS.contains(&first.as_str());
        let default = config.get("default").and_then(|default| default.get(first));
        default.or_else(|| config.get(first)).filter(|_| here)
    };
    let mut found = drawn.job.get(first).or_else(default)?;
    for step in rest {
        found = match found.get(step) {
            Some(inner) => inner,
            // `image: x` is `image: {name: x}`.
            None if step == "name" && found.to_text().is_some() => found,
            None => return None,
        };
    }
    let found = match &found.value {
        Value::Map(_) => ["name", "value", "max"].iter().find_map(|key| found.get(key))?,
        _ => found,
    };
    match (&found.value, kind) {
        (Value::Bool(value), FieldKind::Switch) => Some(NewValue::Switch(*value)),
        (Value::Int(value), FieldKind::Number) => Some(NewValue::Number(*value)),
        (_, FieldKind::Switch | FieldKind::Number) => None,
        (Value::List(items), FieldKind::List) => {
            let mut all = Vec::new();
            flat(items, &mut all)?;
            Some(NewValue::List(all))
        }
        (_, FieldKind::List) => found.to_text().map(|text| NewValue::List(vec![text])),
        _ => found.to_text().map(NewValue::Text),
    }
}

fn flat(items: &[Effective], all: &mut Vec<String>) -> Option<()> {
    for item in items {
        match &item.value {
            Value::List(items) => flat(items, all)?,
            _ => all.push(item.to_text()?),
        }
    }
    Some(())
}
