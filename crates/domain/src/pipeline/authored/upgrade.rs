//! An app's file with another version's jobs. What was changed by hand since is kept, or told where both changed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::compile::compile;
use super::super::file::merge::{self, Choice, Difference, State};
use super::super::instantiate::instantiate;
use super::super::model::TemplateRef;
use super::super::problem::Problem;
use super::super::source::SourceError;
use super::super::template::Template;
use super::super::value::Params;

/// How a line begins that marks a job.
const MARK: &str = "# slipway: ";
/// How the line begins that names what a whole file was made of: the first, unless somebody wrote above it.
const HEAD: &str = "# Pipeline made with Slipway, template ";

/// What an upgrade starts from and leads to.
#[derive(Debug, Clone)]
pub struct UpgradeInput<'a> {
    /// What the file was made from.
    pub from: &'a TemplateRef,
    /// The file as the older version made it.
    pub base: &'a str,
    /// The file in the repository.
    pub repository: &'a str,
    /// The version it is brought to.
    pub to: &'a Template,
    /// The values of its form.
    pub values: &'a Params,
    /// Whose version stands where both changed, by job or keyword.
    pub choices: &'a BTreeMap<String, Choice>,
}

/// An upgraded file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upgrade {
    /// The file; in conflicts without a choice the repository's part stands.
    pub text: String,
    /// What was changed by hand and in the template, and nobody chose.
    pub open: Vec<String>,
    /// The parts that both changed, with the three versions.
    pub conflicts: Vec<Difference>,
    /// The parts that were changed by hand and are kept.
    pub kept: Vec<String>,
}

/// Why a file cannot be upgraded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpgradeError {
    /// The newer version refuses the values.
    Values(Vec<Problem>),
    /// One of the files is not YAML.
    Source(SourceError),
}

impl From<SourceError> for UpgradeError {
    fn from(error: SourceError) -> Self {
        Self::Source(error)
    }
}

/// Brings a file to another version.
///
/// # Errors
/// [`UpgradeError`].
pub fn upgrade(input: &UpgradeInput<'_>) -> Result<Upgrade, UpgradeError> {
    let pipeline = instantiate(input.to, input.values).map_err(UpgradeError::Values)?;
    let draft = compile(&pipeline).text;
    let to = input.to.reference();
    // The marks alone are no change: whose job only names another version is not in conflict.
    let base = retag(input.base, input.from, &to);
    let repository = retag(input.repository, input.from, &to);
    let differences = merge::compare(&base, &repository, &draft)?;
    let merged = merge::merge(&base, &repository, &draft, input.choices)?;
    let kept = differences
        .iter()
        .filter(|one| one.state == State::Repository)
        .map(|one| one.key.clone())
        .collect();
    let conflicts = differences
        .into_iter()
        .filter(|one| one.state == State::Conflict)
        .collect();
    Ok(Upgrade {
        text: merged.text,
        open: merged.open,
        conflicts,
        kept,
    })
}

/// Has a file's head and its marks name another version of a template; all else stays byte for byte.
pub fn retag(text: &str, from: &TemplateRef, to: &TemplateRef) -> String {
    let old = format!("{}@{}", from.key, from.version);
    let new = format!("{}@{}", to.key, to.version);
    let mut out = String::with_capacity(text.len() + 16);
    for line in text.split_inclusive('\n') {
        let body = line.trim_end_matches(['\n', '\r']);
        let ending = &line[body.len()..];
        match head(body, &old, &new).or_else(|| mark(body, &old, &new)) {
            Some(changed) => {
                out.push_str(&changed);
                out.push_str(ending);
            }
            None => out.push_str(line),
        }
    }
    out
}

fn head(line: &str, old: &str, new: &str) -> Option<String> {
    let (bom, rest) = match line.strip_prefix('\u{feff}') {
        Some(rest) => ("\u{feff}", rest),
        None => ("", line),
    };
    let named = rest.strip_prefix(HEAD)?.trim_end().strip_suffix('.')?;
    (named == old).then(|| format!("{bom}{HEAD}{new}."))
}

fn mark(line: &str, old: &str, new: &str) -> Option<String> {
    let (bom, rest) = match line.strip_prefix('\u{feff}') {
        Some(rest) => ("\u{feff}", rest),
        None => ("", line),
    };
    let words = rest.strip_prefix(MARK)?;
    let (id, template) = words.rsplit_once(" template=")?;
    (template.trim_end() == old).then(|| format!("{bom}{MARK}{id} template={new}"))
}
