//! Values of parameters.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The values of one form, by parameter id.
pub type Params = BTreeMap<String, Value>;

/// One typed value. Durations, images, paths, scripts and references are texts whose
/// [`ParamKind`](super::ParamKind) says how they are checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// A switch.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// An ordered list of texts.
    List(Vec<String>),
    /// Texts by name.
    Map(BTreeMap<String, String>),
    /// Everything else.
    Text(String),
}

impl Value {
    /// Whether the value counts as given: not false, not zero length.
    pub fn is_truthy(&self) -> bool {
        match self {
            Self::Bool(value) => *value,
            Self::Int(_) => true,
            Self::List(items) => !items.is_empty(),
            Self::Map(items) => !items.is_empty(),
            Self::Text(text) => !text.trim().is_empty(),
        }
    }

    /// The value as it stands inside a line: lists are joined by spaces, maps are `name=value`.
    pub fn to_text(&self) -> String {
        match self {
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::List(items) => items.join(" "),
            Self::Map(items) => {
                let pairs: Vec<String> = items
                    .iter()
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect();
                pairs.join(" ")
            }
            Self::Text(text) => text.clone(),
        }
    }

    /// The value as an HTML form shows it: lists and maps have one item per line.
    pub fn to_raw(&self) -> String {
        match self {
            Self::List(items) => items.join("\n"),
            Self::Map(items) => {
                let pairs: Vec<String> = items
                    .iter()
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect();
                pairs.join("\n")
            }
            Self::Bool(_) | Self::Int(_) | Self::Text(_) => self.to_text(),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}
