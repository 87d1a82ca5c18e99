//! `JOB.FIELD=VALUE`, as the command line has it.

use super::refusal::Refusal;
use super::scalar::NewValue;
use super::tree::parse;
use crate::text::Text;

/// A change of one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The job's name.
    pub job: String,
    /// Keys of mappings and places in lists, from 0.
    pub path: Vec<String>,
    /// What it becomes.
    pub value: NewValue,
}

/// Fields whose value is a list of texts.
const LISTS: [&str; 15] = [
    "script",
    "before_script",
    "after_script",
    "tags",
    "needs",
    "dependencies",
    "services",
    "artifacts.paths",
    "artifacts.exclude",
    "artifacts.reports.junit",
    "cache.paths",
    "cache.key.files",
    "image.entrypoint",
    "only",
    "except",
];
const SWITCHES: [&str; 5] = [
    "allow_failure",
    "interruptible",
    "artifacts.untracked",
    "artifacts.public",
    "cache.untracked",
];
const NUMBERS: [&str; 3] = ["retry", "retry.max", "parallel"];

impl Assignment {
    /// Reads `JOB.FIELD=VALUE`: the longest name of a job that fits, `script.0` or `script[0]` for an
    /// item, a JSON list or one text for a list.
    ///
    /// # Errors
    /// Where no job or no value is named, or the value does not fit the field.
    pub fn read(text: &str, given: &str) -> Result<Self, Refusal> {
        let (job, field, value) = Self::split(text, given, true)?;
        let path = steps(field);
        let value = new_value(&path, value)?;
        Ok(Self { job, path, value })
    }

    /// Reads `JOB.FIELD`, to take the field away.
    ///
    /// # Errors
    /// Where no job is named.
    pub fn absent(text: &str, given: &str) -> Result<Self, Refusal> {
        let (job, field, _) = Self::split(text, given, false)?;
        Ok(Self {
            job,
            path: steps(field),
            value: NewValue::Absent,
        })
    }

    fn split<'g>(text: &str, given: &'g str, valued: bool) -> Result<(String, &'g str, &'g str), Refusal> {
        let tree = parse(text).map_err(Refusal::from)?;
        let nobody = || Refusal::NoJob {
            given: given.to_owned(),
        };
        let document = tree.content().ok_or_else(nobody)?;
        let mut names: Vec<&str> = tree
            .entries(document.root)
            .iter()
            .filter_map(|(key, _)| tree.scalar(*key))
            .collect();
        names.sort_by_key(|name| std::cmp::Reverse(name.len()));
        for name in names {
            let Some(rest) = given.strip_prefix(name).and_then(|rest| rest.strip_prefix('.')) else {
                continue;
            };
            let (field, value) = if valued {
                rest.split_once('=').ok_or_else(nobody)?
            } else {
                (rest, "")
            };
            if !field.is_empty() {
                return Ok((name.to_owned(), field, value));
            }
        }
        Err(nobody())
    }

    /// The path as one word.
    pub fn field(&self) -> String {
        self.path.join(".")
    }
}

fn steps(field: &str) -> Vec<String> {
    // The names of variables may hold neither dots nor brackets.
    let field = field.replace('[', ".").replace(']', "");
    field.split('.').map(str::to_owned).collect()
}

fn new_value(path: &[String], raw: &str) -> Result<NewValue, Refusal> {
    let field = path.join(".");
    let wrong = |en: &str, zh: &str| Refusal::WrongValue {
        field: field.clone(),
        wanted: Text::new(en, zh),
    };
    if LISTS.contains(&field.as_str()) {
        return Ok(NewValue::List(list(&field, raw)));
    }
    if SWITCHES.contains(&field.as_str()) {
        return match raw {
            "true" | "yes" | "on" => Ok(NewValue::Switch(true)),
            "false" | "no" | "off" => Ok(NewValue::Switch(false)),
            _ => Err(wrong("true or false", " true 或 false")),
        };
    }
    if NUMBERS.contains(&field.as_str()) {
        return raw
            .parse()
            .map(NewValue::Number)
            .map_err(|_| wrong("a whole number", "整数"));
    }
    Ok(NewValue::Text(raw.to_owned()))
}

/// A JSON list, a plain list in brackets where that cannot be a command, or one text.
fn list(field: &str, raw: &str) -> Vec<String> {
    let scalar = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        serde_json::Value::Bool(value) => Some(value.to_string()),
        _ => None,
    };
    if let Ok(items) = serde_json::from_str::<Vec<serde_json::Value>>(raw)
        && let Some(items) = items.iter().map(scalar).collect()
    {
        return items;
    }
    let inner = raw.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if let Some(inner) = inner.filter(|_| !field.ends_with("script")) {
        let items = inner
            .split(',')
            .map(|item| item.trim().trim_matches(['"', '\'']).to_owned());
        return items.filter(|item| !item.is_empty()).collect();
    }
    if raw.is_empty() {
        Vec::new()
    } else {
        vec![raw.to_owned()]
    }
}
