//! The pipeline of an app as it is being edited: one working copy an app, which its editors share.
//!
//! `.gitlab-ci.yml` in the repository stays the truth. A working copy is the file as it was taken from there, the file as
//! it is now, and a version that every save raises, so that nobody overwrites what another editor saved.

use crate::diff::DiffView;
use crate::id::AppId;
use crate::person::PersonRef;
use crate::pipeline::authored::Lock;
use crate::pipeline::file::drift::DriftState;
use crate::pipeline::file::merge::{self, State};
use crate::pipeline::source::SourceError;
use crate::project::Place;
use crate::run::ProposalView;
use crate::text::Text;
use crate::time::{SECOND, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The largest file that is edited, in bytes.
pub const LARGEST: usize = 1024 * 1024;

/// How long somebody counts as an editor after their page was heard of, in µs.
pub const PRESENT: i64 = 60 * SECOND;

/// A file as it is being edited.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkingCopy {
    /// The branch it was taken from, and is proposed to.
    pub branch: String,
    /// The file as it was taken; empty where there was none.
    pub base: String,
    /// The last commit that changed the file there; `None`: there was none.
    pub base_commit: Option<String>,
    /// The file as it is now.
    pub text: String,
    /// Raised by every save, from 1; 0: it was never saved.
    pub version: i64,
    /// When it was saved last.
    pub updated_at: Option<Timestamp>,
    /// By whom.
    pub updated_by: Option<PersonRef>,
}

impl WorkingCopy {
    /// Whether anything is changed.
    pub fn is_changed(&self) -> bool {
        self.text != self.base
    }
}

/// The file in the repository, where it is not any more what a working copy was taken from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// The file now; empty: it is gone.
    pub text: String,
    /// The last commit that changed it; `None`: there is no file any more.
    pub commit: Option<String>,
}

/// What the editor shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EditorView {
    /// Where.
    pub place: Place,
    /// Whether a repository is connected.
    pub connected: bool,
    /// The working copy; one that was never saved is the repository's file.
    pub copy: WorkingCopy,
    /// The repository's file, where it changed since.
    pub moved: Option<Moved>,
    /// Other people who edit it at this moment.
    pub editors: Vec<PersonRef>,
    /// What its templates lock, and who did.
    pub locks: Vec<Lock>,
    /// The proposal that is on its way.
    pub proposal: Option<ProposalView>,
    /// Why something is missing here: GitLab does not answer, or the file cannot be read.
    pub trouble: Option<Text>,
    /// How many jobs that Slipway wrote were changed in git since.
    pub drifted: usize,
    /// Where Slipway's own file is edited: the stages of the one that includes it.
    pub stages: Vec<String>,
    /// Variables that the file names and GitLab gives to protected branches and tags alone.
    pub protected: Vec<String>,
    /// Where a release goes after the pipeline, in order.
    pub chain: Vec<Gate>,
    /// Whether the reader may change and propose it.
    pub may_edit: bool,
}

/// An environment at the end of an edge that Slipway guards: no job of the pipeline leads there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// Its key.
    pub key: String,
    /// For people.
    pub name: String,
    /// Refs whose green pipelines go there by themselves.
    pub branches: Vec<String>,
    /// Who has to say yes, rule by rule, in the order in which they are asked.
    pub approvals: Vec<GateRule>,
}

/// An approval rule of a gate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateRule {
    /// What it is called.
    pub name: Text,
    /// How many people of it.
    pub needed: u32,
}

/// What of a working copy changes while somebody looks at it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    /// Whose working copy it is.
    pub app: AppId,
    /// The version that was saved last; 0: none was.
    pub version: i64,
    /// When it was saved last.
    pub updated_at: Option<Timestamp>,
    /// By whom.
    pub updated_by: Option<PersonRef>,
    /// Other people who edit it at this moment.
    pub editors: Vec<PersonRef>,
}

/// A working copy as GitLab reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merged {
    /// Whose working copy it is.
    pub app: AppId,
    /// The version that was read; 0: none was saved, so it is the repository's file.
    pub version: i64,
    /// The whole configuration, with includes, `extends` and references written out.
    pub text: Option<String>,
    /// Why GitLab would refuse it, in its words.
    pub errors: Vec<String>,
    /// Why it cannot be told.
    pub trouble: Option<Text>,
}

/// Where a job can be copied to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destinations {
    /// Where it is.
    pub place: Place,
    /// The apps whose pipelines the reader may edit, but for this one; by project and name.
    pub apps: Vec<Place>,
}

/// The jobs that Slipway wrote and that stand otherwise in the repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriftView {
    /// Where.
    pub place: Place,
    /// Whether a repository is connected.
    pub connected: bool,
    /// When the last proposal that was merged had been made; `None`: none was merged yet.
    pub proposed_at: Option<Timestamp>,
    /// Its title.
    pub title: Option<String>,
    /// Where GitLab shows it.
    pub link: Option<String>,
    /// The jobs, in the order of the repository's file, those that are gone last.
    pub jobs: Vec<DriftedJob>,
    /// Why it cannot be told.
    pub trouble: Option<Text>,
    /// Whether the reader may put jobs back.
    pub may_edit: bool,
}

/// A job that was changed in git.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriftedJob {
    /// The id that Slipway gave it.
    pub id: String,
    /// Its name, now or last.
    pub name: String,
    /// What happened to it.
    pub state: DriftState,
    /// From what Slipway wrote to what stands in the repository.
    pub diff: DiffView,
    /// Whether the working copy has it as Slipway wrote it.
    pub restored: bool,
}

/// Brings a draft together with what the file became elsewhere, where both can be had.
///
/// Gives the text, or the keys (jobs and top-level keywords) that both changed differently.
///
/// # Errors
/// One of the three is not YAML.
pub fn rebase(base: &str, theirs: &str, draft: &str) -> Result<Result<String, Vec<String>>, SourceError> {
    let conflicts: Vec<String> = merge::compare(base, theirs, draft)?
        .into_iter()
        .filter(|one| one.state == State::Conflict)
        .map(|one| one.key)
        .collect();
    if !conflicts.is_empty() {
        return Ok(Err(conflicts));
    }
    Ok(Ok(merge::merge(base, theirs, draft, &BTreeMap::new())?.text))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "build:\n  script: make\n\ntest:\n  script: make test\n";

    #[test]
    fn changes_of_different_jobs_come_together_and_of_one_do_not() {
        let theirs = BASE.replace("make test", "make check");
        let draft = BASE.replace("script: make\n", "script: make all\n");
        assert_eq!(
            rebase(BASE, &theirs, &draft),
            Ok(Ok(
                "build:\n  script: make all\n\ntest:\n  script: make check\n".to_owned()
            ))
        );
        let other = BASE.replace("script: make\n", "script: ninja\n");
        assert_eq!(rebase(BASE, &other, &draft), Ok(Err(vec!["build".to_owned()])));
        assert_eq!(rebase(BASE, BASE, &draft), Ok(Ok(draft.clone())));
        assert_eq!(rebase(BASE, &draft, &draft), Ok(Ok(draft.clone())));
        assert!(rebase(BASE, "a: [", &draft).is_err());
    }
}
