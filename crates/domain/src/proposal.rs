//! Pipelines proposed to a repository: from the gallery to the merge request.

use crate::app::Repository;
use crate::diff::DiffView;
use crate::pipeline::{Compiled, FieldError, Problem, Suggestion, Template};
use crate::project::Place;
use crate::template::{Suggested, Told};
use crate::text::Text;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where a proposal stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProposalState {
    /// Decided; its branch, commit and merge request are being made.
    Intended,
    /// Its merge request is open.
    Opened,
    /// Merged.
    Merged,
    /// Closed without merging.
    Closed,
    /// It cannot be made; why stands beside it.
    Failed,
}

impl ProposalState {
    /// The stored key, which is GitLab's word where GitLab has one.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Intended => "intended",
            Self::Opened => "opened",
            Self::Merged => "merged",
            Self::Closed => "closed",
            Self::Failed => "failed",
        }
    }

    /// Reads the stored key.
    pub fn from_key(key: &str) -> Option<Self> {
        [
            Self::Intended,
            Self::Opened,
            Self::Merged,
            Self::Closed,
            Self::Failed,
        ]
        .into_iter()
        .find(|s| s.key() == key)
    }

    /// Whether it is still on its way: a new proposal takes its place instead of standing beside it.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Intended | Self::Opened)
    }
}

/// What somebody typed into a template's form: kept so that nothing is lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// The template's key.
    pub template: String,
    /// The texts of the form, by parameter.
    pub inputs: BTreeMap<String, String>,
    /// When it was typed.
    pub updated_at: Timestamp,
}

/// What the gallery shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gallery {
    /// Where.
    pub place: Place,
    /// The repository; `None`: connect one first.
    pub repository: Option<Repository>,
    /// What suits the repository, best first; empty where GitLab did not answer.
    pub suggestions: Vec<Suggestion>,
    /// Every template that is offered, and one that is withdrawn where the reader has typed into its form.
    pub templates: Vec<Template>,
    /// What there is to know of templates that did not come with Slipway, by key.
    pub told: BTreeMap<String, Told>,
    /// A newer version of what the app uses, or what else there is to know of it.
    pub suggested: Option<Suggested>,
    /// What the reader typed before.
    pub draft: Option<Draft>,
    /// The pipeline that is there already.
    pub existing: Option<ExistingFile>,
    /// Whether the editor has a draft that nobody has proposed.
    pub edited: bool,
    /// Why something is missing here.
    pub trouble: Option<Text>,
    /// Whether the reader may propose pipelines.
    pub may_edit: bool,
}

/// The `.gitlab-ci.yml` that stands on the default branch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExistingFile {
    /// Whether it is as Slipway made it. Otherwise replacing it needs the reader's word.
    pub by_slipway: bool,
    /// Where it is not YAML: line, column, and what to do.
    pub broken: Option<Text>,
    /// The template it names, `key@version`.
    pub template: Option<String>,
}

/// What GitLab's lint said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LintView {
    /// It was not asked: Slipway's own rules found errors, or the form has some.
    NotAsked,
    /// It did not answer; why.
    Unavailable(Text),
    /// It answered.
    Answered {
        /// Whether GitLab would take the file.
        valid: bool,
        /// What it says.
        findings: Vec<LintFinding>,
    },
}

/// One finding of GitLab's lint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LintFinding {
    /// The job it names, by name.
    pub job: Option<String>,
    /// Whether GitLab would run the file nevertheless.
    pub warning: bool,
    /// What it says: GitLab's words are English.
    pub text: Text,
}

/// A form, checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckView {
    /// What is wrong in the form, in its order.
    pub fields: Vec<FieldError>,
    /// The file; `None` while the form has errors.
    pub compiled: Option<Compiled>,
    /// What Slipway's rules say.
    pub problems: Vec<Problem>,
    /// What GitLab says.
    pub lint: LintView,
    /// The file that is there now.
    pub existing: Option<ExistingFile>,
    /// From the file that is there now to this one.
    pub diff: Option<DiffView>,
    /// Whether it could be proposed as it is.
    pub ready: bool,
}

/// How the first line of a file that Slipway compiled begins.
const HEAD: &str = "# Pipeline made with Slipway";

/// Whether Slipway once wrote this file; it may have been changed by hand since.
pub fn began_with_slipway(text: &str) -> bool {
    text.trim_start_matches('\u{feff}').starts_with(HEAD)
}

/// The template that the first line of a compiled file names, `key@version`.
pub fn template_of(text: &str) -> Option<String> {
    let line = text.trim_start_matches('\u{feff}').lines().next()?;
    let named = line
        .strip_prefix(HEAD)?
        .trim()
        .strip_prefix(", template ")?
        .trim_end_matches('.')
        .trim();
    let (key, version) = named.split_once('@')?;
    (!key.is_empty() && !version.is_empty() && !named.contains(char::is_whitespace)).then(|| named.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::{Params, compile, instantiate, templates};

    #[test]
    fn every_compiled_template_names_itself() {
        for template in templates() {
            let pipeline = instantiate(template, &Params::new()).expect("the defaults are good");
            let text = compile(&pipeline).text;
            assert!(began_with_slipway(&text));
            assert_eq!(
                template_of(&text),
                Some(format!("{}@{}", template.key, template.semver))
            );
        }
    }

    #[test]
    fn other_files_name_none() {
        assert_eq!(template_of("# Pipeline made with Slipway.\n"), None);
        assert_eq!(template_of("test:\n  script: [make]\n"), None);
        assert!(!began_with_slipway("test:\n  script: [make]\n"));
    }
}
