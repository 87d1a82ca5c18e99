//! Templates that organizations and projects write: who may use which, how they live, which apps use them, and what an
//! upgrade of an app changes.
//!
//! The document itself and everything that is computed of it is in [`crate::pipeline::authored`].

use crate::diff::DiffView;
use crate::id::UpgradeId;
use crate::person::PersonRef;
use crate::pipeline::authored::{Bump, Comparison, Migration, bump_between, parse_version};
use crate::pipeline::file::merge::Difference;
use crate::pipeline::{FieldError, Template, TemplateRef, template};
use crate::project::Place;
use crate::proposal::template_of;
use crate::text::Text;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Whose a template is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// It came with Slipway.
    BuiltIn,
    /// An organization wrote it: every app of it may use it.
    Org,
    /// A project wrote it: every app of it may use it.
    Project,
}

impl Owner {
    /// Whose a key names: `org.java`, `project.java`, or `java` for a built-in one.
    pub fn of_key(key: &str) -> Self {
        match key.split_once('.') {
            Some(("org", _)) => Self::Org,
            Some(("project", _)) => Self::Project,
            _ => Self::BuiltIn,
        }
    }

    /// The key of its template with this slug, as it stands in marks and addresses.
    pub fn key_of(self, slug: &str) -> String {
        match self {
            Self::BuiltIn => slug.to_owned(),
            Self::Org => format!("org.{slug}"),
            Self::Project => format!("project.{slug}"),
        }
    }
}

/// The part of a key after whose it is.
pub fn slug_of(key: &str) -> &str {
    match Owner::of_key(key) {
        Owner::BuiltIn => key,
        Owner::Org | Owner::Project => key.split_once('.').map_or(key, |(_, slug)| slug),
    }
}

/// Reads `key@version`.
pub fn reference_of(text: &str) -> Option<TemplateRef> {
    let (key, version) = text.rsplit_once('@')?;
    let plain = |text: &str| !text.is_empty() && !text.contains(char::is_whitespace);
    (plain(key) && plain(version)).then(|| TemplateRef {
        key: key.to_owned(),
        version: version.to_owned(),
    })
}

/// The templates that the marks of a file name, each once, in the order of the file.
pub fn references_in(file: &str) -> Vec<TemplateRef> {
    let mut all: Vec<TemplateRef> = Vec::new();
    for line in file.lines() {
        let words = line.trim_start_matches('\u{feff}').strip_prefix("# slipway: ");
        let named = words.and_then(|words| words.rsplit_once(" template="));
        if let Some(reference) = named.and_then(|(_, named)| reference_of(named.trim_end()))
            && !all.contains(&reference)
        {
            all.push(reference);
        }
    }
    all
}

/// What a file was made of: what its first line names, else what most of its marks do; of several equally often named
/// ones the first.
pub fn used_in(file: &str) -> Option<TemplateRef> {
    if let Some(reference) = template_of(file).as_deref().and_then(reference_of) {
        return Some(reference);
    }
    let times = |reference: &TemplateRef| {
        let mark = format!(" template={}@{}", reference.key, reference.version);
        file.lines()
            .filter(|line| line.starts_with("# slipway: ") && line.trim_end().ends_with(&mark))
            .count()
    };
    let all = references_in(file);
    let most = all.iter().map(times).max()?;
    all.into_iter().find(|reference| times(reference) == most)
}

/// How a template stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// No version is published; only its authors see it.
    Draft,
    /// Apps may use it.
    Published,
    /// Apps may use it, and are told of what to use instead.
    Deprecated,
    /// No app may begin to use it. Those that do keep their pipelines, and what was typed is kept.
    Withdrawn,
}

/// What is done to a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Act {
    /// A version is published.
    Publish,
    /// Apps are told to use another one.
    Deprecate,
    /// No app may begin to use it any more.
    Withdraw,
    /// Apps may use it again.
    Restore,
}

impl Standing {
    /// The stored key.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Published => "published",
            Self::Deprecated => "deprecated",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Reads the stored key.
    pub fn from_key(key: &str) -> Option<Self> {
        [Self::Draft, Self::Published, Self::Deprecated, Self::Withdrawn]
            .into_iter()
            .find(|standing| standing.key() == key)
    }

    /// How it stands after an act.
    ///
    /// # Errors
    /// Why that cannot be done now, and what to do first.
    pub fn after(self, act: Act) -> Result<Self, Text> {
        match (self, act) {
            (Self::Draft | Self::Published, Act::Publish)
            | (Self::Deprecated | Self::Withdrawn, Act::Restore) => Ok(Self::Published),
            (Self::Published, Act::Deprecate) => Ok(Self::Deprecated),
            (Self::Published | Self::Deprecated, Act::Withdraw) => Ok(Self::Withdrawn),
            (Self::Deprecated | Self::Withdrawn, Act::Publish) => Err(Text::new(
                "The template is deprecated or withdrawn. Restore it first, then publish.",
                "该模板已弃用或撤回，请先恢复再发布。",
            )),
            (Self::Draft, _) => Err(Text::new(
                "No version of the template is published yet. Publish one first, or delete the draft.",
                "该模板尚未发布任何版本。请先发布，或删除草稿。",
            )),
            (Self::Published, Act::Restore) => Err(Text::new(
                "The template is in use as it is: there is nothing to restore.",
                "该模板可正常使用，无需恢复。",
            )),
            (Self::Deprecated | Self::Withdrawn, Act::Deprecate) => Err(Text::new(
                "The template is deprecated or withdrawn already.",
                "该模板已弃用或撤回。",
            )),
            (Self::Withdrawn, Act::Withdraw) => {
                Err(Text::new("The template is withdrawn already.", "该模板已撤回。"))
            }
        }
    }

    /// Whether the gallery offers it.
    pub const fn is_offered(self) -> bool {
        matches!(self, Self::Published | Self::Deprecated)
    }
}

/// Why a template is deprecated or withdrawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// When.
    pub at: Timestamp,
    /// The name of who said so.
    pub by: String,
    /// Why, in their words; may be empty.
    pub why: String,
    /// The key of the template to use instead.
    pub successor: Option<String>,
}

/// What a reader of the gallery has to know of a template beside its document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Whose it is.
    pub owner: Owner,
    /// The name of the organization or project.
    pub place: String,
    /// How it stands.
    pub standing: Standing,
    /// Why, where it is deprecated or withdrawn.
    pub notice: Option<Notice>,
}

impl Told {
    /// What is to be known before it is used; none: nothing.
    pub fn warning(&self) -> Option<Text> {
        let notice = self.notice.as_ref();
        let why = notice
            .map(|notice| notice.why.trim())
            .filter(|why| !why.is_empty());
        let (why_en, why_zh) =
            why.map_or_else(Default::default, |why| (format!(": {why}"), format!("：{why}")));
        let by = notice.map_or("", |notice| notice.by.as_str());
        let (next_en, next_zh) = notice
            .and_then(|notice| notice.successor.as_ref())
            .map_or_else(Default::default, |key| {
                (format!(" Use {key} instead."), format!("请改用 {key}。"))
            });
        match self.standing {
            Standing::Draft | Standing::Published => None,
            Standing::Deprecated => Some(Text::new(
                format!("{by} deprecated this template{why_en}.{next_en}"),
                format!("{by} 已弃用该模板{why_zh}。{next_zh}"),
            )),
            Standing::Withdrawn => Some(Text::new(
                format!(
                    "{by} withdrew this template{why_en}. Pipelines made of it stay as they are; what you typed is kept.{next_en}"
                ),
                format!("{by} 已撤回该模板{why_zh}。已有流水线不受影响，你填写的内容已保留。{next_zh}"),
            )),
        }
    }
}

/// A template in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateRow {
    /// Its key, with whose it is.
    pub key: String,
    /// Its names, of the newest version, else of the draft.
    pub names: Text,
    /// What it does.
    pub summary: Text,
    /// The newest version; none: only a draft.
    pub newest: Option<String>,
    /// How it stands.
    pub standing: Standing,
    /// The key of what to use instead.
    pub successor: Option<String>,
    /// How many apps here use it, of those that the reader sees.
    pub uses: usize,
    /// How many of them use an older version than the newest.
    pub behind: usize,
}

/// The templates of a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateList {
    /// Where.
    pub place: Place,
    /// Those that the place wrote. Drafts are shown to authors alone.
    pub own: Vec<TemplateRow>,
    /// Those of the organization, for a project.
    pub above: Vec<TemplateRow>,
    /// Those that came with Slipway.
    pub built_in: Vec<TemplateRow>,
    /// Whether the reader may write and publish here.
    pub may_publish: bool,
}

/// A published version. It never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionRow {
    /// The version.
    pub version: String,
    /// What changed.
    pub changelog: Text,
    /// When it was published.
    pub published_at: Timestamp,
    /// By whom; none: it came with Slipway.
    pub published_by: Option<PersonRef>,
}

/// A template's page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateView {
    /// Where it is looked at.
    pub place: Place,
    /// Its key, with whose it is.
    pub key: String,
    /// What a reader has to know of it.
    pub told: Told,
    /// The newest version as apps get it; none: no version is published.
    pub newest: Option<Template>,
    /// Every version, newest first.
    pub versions: Vec<VersionRow>,
    /// The document that is being written; none: the reader may not, or it is not written here.
    pub draft: Option<DraftView>,
    /// Whether the reader may write and publish it.
    pub may_publish: bool,
}

/// A document that is being written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DraftView {
    /// The text.
    pub text: String,
    /// Raised by every save, from 1.
    pub version: i64,
    /// When it was saved last.
    pub updated_at: Timestamp,
    /// By whom.
    pub updated_by: Option<PersonRef>,
    /// Whether it is the newest version, word for word.
    pub is_published: bool,
    /// Other people whose editor of it is open at this moment.
    pub editors: Vec<PersonRef>,
}

/// An app that uses a template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UseRow {
    /// The app.
    pub place: Place,
    /// The version it uses.
    pub version: String,
    /// How far the newest version is ahead; none: it is the newest.
    pub behind: Option<Bump>,
    /// When that was seen.
    pub seen_at: Timestamp,
    /// Whether the reader may propose pipelines there.
    pub may_edit: bool,
}

/// Which apps of a place use a template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Where.
    pub place: Place,
    /// The template's key.
    pub key: String,
    /// Its names.
    pub names: Text,
    /// Its versions that an app can be brought to, newest first.
    pub versions: Vec<String>,
    /// The apps, by project and name.
    pub rows: Vec<UseRow>,
    /// How many apps use it that the reader does not see.
    pub unseen: usize,
    /// Bulk upgrades, newest first.
    pub upgrades: Vec<UpgradeRow>,
}

impl Usage {
    /// How many apps use an older version than the newest.
    pub fn behind(&self) -> usize {
        self.rows.iter().filter(|row| row.behind.is_some()).count()
    }
}

/// How far a bulk upgrade is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UpgradeState {
    /// It proposes one app after the other.
    Running,
    /// Somebody stopped it, or it could not go on.
    Stopped,
    /// Every app has its answer.
    Done,
}

impl UpgradeState {
    /// The stored key.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Done => "done",
        }
    }

    /// Reads the stored key.
    pub fn from_key(key: &str) -> Option<Self> {
        [Self::Running, Self::Stopped, Self::Done]
            .into_iter()
            .find(|state| state.key() == key)
    }
}

/// Where an app of a bulk upgrade stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// It waits for its turn.
    Waiting,
    /// Its merge request is open, or on its way.
    Proposed,
    /// There is nothing to propose; why stands beside it.
    Skipped,
    /// It is refused; why and what to do stands beside it.
    Refused,
}

impl StepState {
    /// The stored key.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Proposed => "proposed",
            Self::Skipped => "skipped",
            Self::Refused => "refused",
        }
    }

    /// Reads the stored key.
    pub fn from_key(key: &str) -> Option<Self> {
        [Self::Waiting, Self::Proposed, Self::Skipped, Self::Refused]
            .into_iter()
            .find(|state| state.key() == key)
    }
}

/// How many apps of a bulk upgrade stand where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpgradeCounts {
    /// Those that wait.
    pub waiting: usize,
    /// Those with a merge request.
    pub proposed: usize,
    /// Those with nothing to propose.
    pub skipped: usize,
    /// Those that are refused.
    pub refused: usize,
}

impl UpgradeCounts {
    /// Counts states.
    pub fn of(states: impl Iterator<Item = StepState>) -> Self {
        let mut counts = Self::default();
        for state in states {
            match state {
                StepState::Waiting => counts.waiting += 1,
                StepState::Proposed => counts.proposed += 1,
                StepState::Skipped => counts.skipped += 1,
                StepState::Refused => counts.refused += 1,
            }
        }
        counts
    }

    /// All apps.
    pub const fn total(self) -> usize {
        self.waiting + self.proposed + self.skipped + self.refused
    }

    /// Those that have their answer.
    pub const fn ended(self) -> usize {
        self.total() - self.waiting
    }
}

/// A bulk upgrade in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpgradeRow {
    /// Which.
    pub id: UpgradeId,
    /// The version that apps are brought to.
    pub to: String,
    /// Who started it, and in whose name it runs.
    pub by: PersonRef,
    /// How far it is.
    pub state: UpgradeState,
    /// How many apps stand where.
    pub counts: UpgradeCounts,
    /// When it was started.
    pub created_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// A bulk upgrade with its apps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpgradeView {
    /// Where.
    pub place: Place,
    /// The template's key.
    pub key: String,
    /// The upgrade.
    pub row: UpgradeRow,
    /// Why it stopped.
    pub reason: Option<Text>,
    /// The apps that the reader sees, by project and name.
    pub steps: Vec<UpgradeStep>,
    /// Whether the reader may stop it or go on with it.
    pub may_change: bool,
}

/// An app of a bulk upgrade.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpgradeStep {
    /// The app.
    pub place: Place,
    /// The version it used.
    pub from: String,
    /// Where it stands.
    pub state: StepState,
    /// Why it is refused or skipped, or what it waits for.
    pub reason: Option<Text>,
    /// Where GitLab shows its merge request.
    pub web_url: Option<String>,
}

/// A newer version for an app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suggested {
    /// What the app uses.
    pub from: TemplateRef,
    /// The template's names.
    pub names: Text,
    /// The version that is suggested; none: there is none, and [`warning`](Self::warning) says what there is to know.
    pub to: Option<String>,
    /// How large the step is.
    pub bump: Option<Bump>,
    /// What changed since, newest first: version and words.
    pub changelog: Vec<(String, Text)>,
    /// That the template is deprecated or withdrawn.
    pub warning: Option<Text>,
}

/// An upgrade of one app, to be looked at and filled in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppUpgrade {
    /// The app.
    pub place: Place,
    /// What it uses, and what there is for it.
    pub suggested: Suggested,
    /// Versions after the one it uses, newest first.
    pub versions: Vec<String>,
    /// What the chosen version changes; none: there is no version to go to.
    pub change: Option<UpgradeChange>,
    /// Why something is missing here.
    pub trouble: Option<Text>,
    /// Whether the reader may propose it.
    pub may_edit: bool,
}

/// What a version changes for an app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpgradeChange {
    /// The version, with its form.
    pub to: Template,
    /// How large the step is.
    pub bump: Bump,
    /// The two forms; none: Slipway does not have the older version any more.
    pub comparison: Option<Comparison>,
    /// What becomes of what was filled in.
    pub migration: Migration,
    /// Whether what was filled in is known; otherwise the defaults stand.
    pub values_known: bool,
    /// The texts of the form: what was typed, else what was carried over.
    pub inputs: BTreeMap<String, String>,
    /// What is wrong in the form.
    pub fields: Vec<FieldError>,
    /// From the file in the repository to what would be proposed; none while the form has errors or GitLab does not answer.
    pub diff: Option<DiffView>,
    /// What was changed by hand and in the template.
    pub conflicts: Vec<Difference>,
    /// What was changed by hand and is kept.
    pub kept: Vec<String>,
    /// Whether the file was changed beyond what Slipway knows, and replacing it needs the reader's word.
    pub foreign: bool,
}

/// The newest of versions; those that are none are passed over.
pub fn newest_of<'a>(versions: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    versions
        .filter_map(|version| Some((parse_version(version).ok()?, version)))
        .max_by(|one, other| one.0.cmp(&other.0))
        .map(|(_, version)| version)
}

/// How far `newest` is ahead of `used`.
pub fn behind(used: &str, newest: &str) -> Option<Bump> {
    bump_between(&parse_version(used).ok()?, &parse_version(newest).ok()?)
}

/// The versions after `used`, newest first.
pub fn after<'a>(used: &str, versions: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let Ok(used) = parse_version(used) else {
        return Vec::new();
    };
    let mut later: Vec<_> = versions
        .filter_map(|version| Some((parse_version(version).ok()?, version)))
        .filter(|(version, _)| *version > used)
        .collect();
    later.sort_by(|one, other| other.0.cmp(&one.0));
    later.into_iter().map(|(_, version)| version).collect()
}

/// The version that an app is offered first: the newest that needs nobody to fill in a form again, else the newest.
pub fn suggested<'a>(used: &str, versions: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let later = after(used, versions);
    let small = later
        .iter()
        .find(|version| matches!(behind(used, version), Some(Bump::Patch | Bump::Minor)));
    small.or_else(|| later.first()).copied()
}

/// The built-in template of this version, if this Slipway comes with it.
pub fn built_in(reference: &TemplateRef) -> Option<&'static Template> {
    template(&reference.key).filter(|found| found.semver == reference.version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_says_whose_it_is() {
        for (owner, slug) in [
            (Owner::Org, "java"),
            (Owner::Project, "a-b"),
            (Owner::BuiltIn, "node"),
        ] {
            let key = owner.key_of(slug);
            assert_eq!((Owner::of_key(&key), slug_of(&key)), (owner, slug));
        }
        for built_in in crate::pipeline::templates() {
            assert_eq!(Owner::of_key(&built_in.key), Owner::BuiltIn);
        }
        assert_eq!(reference_of("org.java@1.0.0").unwrap().version, "1.0.0");
        assert!(reference_of("java").is_none() && reference_of("a b@1.0.0").is_none());
    }

    #[test]
    fn a_file_tells_what_it_was_made_of() {
        let marks = "# slipway: job=a template=org.java@1.0.0\na: {}\n# slipway: job=b template=node@1.1.0\nb: {}\n\
            # slipway: job=c template=node@1.1.0\r\nc: {}\n# slipway: job=d\nd: {}\n";
        let keys: Vec<_> = references_in(marks).into_iter().map(|one| one.key).collect();
        assert_eq!(keys, ["org.java", "node"]);
        assert_eq!(used_in(marks).unwrap().key, "node");
        let headed = format!("# Pipeline made with Slipway, template org.java@1.0.0.\n{marks}");
        assert_eq!(used_in(&headed).unwrap().key, "org.java");
        assert_eq!(used_in("a: { script: [b] }\n"), None);
    }

    #[test]
    fn a_template_lives_only_forward_and_can_be_restored() {
        use Standing::{Deprecated, Draft, Published, Withdrawn};
        let good = [
            (Draft, Act::Publish, Published),
            (Published, Act::Publish, Published),
            (Published, Act::Deprecate, Deprecated),
            (Published, Act::Withdraw, Withdrawn),
            (Deprecated, Act::Withdraw, Withdrawn),
            (Deprecated, Act::Restore, Published),
            (Withdrawn, Act::Restore, Published),
        ];
        for standing in [Draft, Published, Deprecated, Withdrawn] {
            assert_eq!(Standing::from_key(standing.key()), Some(standing));
            for act in [Act::Publish, Act::Deprecate, Act::Withdraw, Act::Restore] {
                let expected = good.iter().find(|one| one.0 == standing && one.1 == act);
                assert_eq!(
                    standing.after(act).ok(),
                    expected.map(|one| one.2),
                    "{standing:?} {act:?}"
                );
            }
        }
    }

    #[test]
    fn the_small_step_is_suggested_before_the_large_one() {
        let versions = ["2.0.0", "1.0.0", "1.2.1", "1.10.0", "no version"];
        assert_eq!(newest_of(versions.into_iter()), Some("2.0.0"));
        assert_eq!(suggested("1.0.0", versions.into_iter()), Some("1.10.0"));
        assert_eq!(suggested("1.10.0", versions.into_iter()), Some("2.0.0"));
        assert_eq!(suggested("2.0.0", versions.into_iter()), None);
        assert_eq!(after("1.2.1", versions.into_iter()), ["2.0.0", "1.10.0"]);
        assert_eq!(behind("1.2.1", "1.10.0"), Some(Bump::Minor));
    }
}
