//! Parameters: what a template or a step asks for, as data.

use serde::{Deserialize, Serialize};

use super::value::{Params, Value};
use crate::text::Text;

/// One field of a generated form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Param {
    /// Name inside the form and inside `$[[ inputs.<id> ]]`.
    pub id: String,
    /// What kind of value it takes.
    pub kind: ParamKind,
    /// The field's label.
    pub label: Text,
    /// What to write, in a sentence; may be empty.
    #[serde(default, skip_serializing_if = "says_nothing")]
    pub help: Text,
    /// What holds when nothing is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// Whether an empty value is refused.
    #[serde(default, skip_serializing_if = "is_false")]
    pub required: bool,
    /// The shape a text must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<Pattern>,
    /// Smallest number, or fewest characters of a text, or fewest items of a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<i64>,
    /// Largest number, or most characters of a text, or most items of a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<i64>,
    /// Where the choices come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<Options>,
    /// All of these must hold for the field to be shown and used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub visible_if: Vec<Condition>,
    /// Whether the field stands under "More".
    #[serde(default, skip_serializing_if = "is_false")]
    pub advanced: bool,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde's skip_serializing_if hands a reference"
)]
pub(super) fn is_false(value: &bool) -> bool {
    !*value
}

/// Whether a text has no words.
fn says_nothing(text: &Text) -> bool {
    text.en.is_empty() && text.zh.is_empty()
}

impl Param {
    /// The default, or the empty value of the kind.
    pub fn default_value(&self) -> Value {
        self.default.clone().unwrap_or_else(|| self.kind.empty())
    }

    /// Whether the field is shown for these values (defaults already filled in).
    pub fn is_visible(&self, values: &Params) -> bool {
        self.visible_if.iter().all(|condition| condition.holds(values))
    }
}

/// What kind of value a parameter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParamKind {
    /// One line.
    String,
    /// Several lines.
    Text,
    /// A whole number.
    Int,
    /// A switch.
    Bool,
    /// One of the options.
    Enum,
    /// Texts, one per line.
    List,
    /// `NAME=value`, one per line.
    Map,
    /// GitLab's durations: `90 minutes`, `1h 30m`, `2 days`.
    Duration,
    /// Five fields of cron.
    Cron,
    /// A container image reference.
    Image,
    /// A path inside the repository.
    Path,
    /// The name of a masked CI/CD variable; never its value.
    SecretRef,
    /// The key of an environment.
    EnvRef,
    /// Shell commands.
    Script,
}

impl ParamKind {
    /// The empty value of this kind.
    pub fn empty(self) -> Value {
        match self {
            Self::Bool => Value::Bool(false),
            Self::Int => Value::Int(0),
            Self::List => Value::List(Vec::new()),
            Self::Map => Value::Map(std::collections::BTreeMap::new()),
            Self::String
            | Self::Text
            | Self::Enum
            | Self::Duration
            | Self::Cron
            | Self::Image
            | Self::Path
            | Self::SecretRef
            | Self::EnvRef
            | Self::Script => Value::Text(String::new()),
        }
    }

    /// The type of GitLab's `spec:inputs` that carries this kind.
    pub fn spec_input_type(self) -> &'static str {
        match self {
            Self::Bool => "boolean",
            Self::Int => "number",
            Self::List => "array",
            _ => "string",
        }
    }
}

/// Named shapes of texts. Names, not regular expressions: the browser stays small and every
/// shape has its own message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pattern {
    /// Lower-case letters, digits, `-`, `_`, `.`: tags of images, keys.
    Slug,
    /// `[A-Za-z_][A-Za-z0-9_]*`.
    VariableName,
    /// Digits and dots, with a letter suffix: `22`, `3.13`, `1.90-slim`.
    Version,
    /// `*.md`-like or plain relative path.
    Glob,
}

impl Pattern {
    /// The same shape for HTML's `pattern` and for `spec:inputs:regex`.
    pub fn regex(self) -> &'static str {
        match self {
            Self::Slug => "[a-z0-9][a-z0-9._\\-]*",
            Self::VariableName => "[A-Za-z_][A-Za-z0-9_]*",
            Self::Version => "[0-9][0-9A-Za-z._\\-]*",
            Self::Glob => "[^\\s/][^\\s]*",
        }
    }

    /// Whether a text has the shape.
    pub fn matches(self, text: &str) -> bool {
        let mut chars = text.chars();
        let Some(first) = chars.next() else { return false };
        match self {
            Self::Slug => {
                let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
                inner(first) && chars.all(|c| inner(c) || "._-".contains(c))
            }
            Self::VariableName => {
                (first.is_ascii_alphabetic() || first == '_')
                    && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
            }
            Self::Version => {
                first.is_ascii_digit() && chars.all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
            }
            Self::Glob => !first.is_whitespace() && first != '/' && chars.all(|c| !c.is_whitespace()),
        }
    }
}

/// Where the choices of a parameter come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "source", rename_all = "snake_case")]
pub enum Options {
    /// Written in the template.
    Static {
        /// The choices, in order.
        items: Vec<Choice>,
    },
    /// The repository's branches.
    Branches,
    /// The tags of the runners this project may use.
    RunnerTags,
    /// The project's environments.
    Environments,
    /// The registries this organization knows.
    Registries,
}

/// One choice of a parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// What is stored.
    pub value: String,
    /// What is shown; the value when empty.
    #[serde(default, skip_serializing_if = "says_nothing")]
    pub label: Text,
}

/// A rule about another parameter's value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// The other parameter.
    pub param: String,
    /// One of these; empty means "is given" (true, or not empty).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub is: Vec<Value>,
    /// Turns the rule around.
    #[serde(default, skip_serializing_if = "is_false")]
    pub not: bool,
}

impl Condition {
    /// Whether the rule holds; a parameter that is absent is not given.
    pub fn holds(&self, values: &Params) -> bool {
        let value = values.get(&self.param);
        let matched = if self.is.is_empty() {
            value.is_some_and(Value::is_truthy)
        } else {
            value.is_some_and(|value| self.is.contains(value))
        };
        matched != self.not
    }
}

/// Fills in the defaults, and resets what is hidden to its default, so that a value typed into a
/// field that is no longer shown has no effect. Parameters are read in order: a rule may only
/// look at what stands above it.
pub fn effective(params: &[Param], given: &Params) -> Params {
    let mut values = Params::new();
    for param in params {
        let value = match given.get(&param.id) {
            Some(value) if param.is_visible(&values) => value.clone(),
            _ => param.default_value(),
        };
        values.insert(param.id.clone(), value);
    }
    values
}
