//! Comparisons: of two releases, of what runs in two environments; where a commit is; and what a release brings, in words.

use crate::diff::{DiffView, diff_lines};
use crate::environment::EnvironmentRef;
use crate::id::PromotionId;
use crate::item::{ItemKind, ItemState};
use crate::manifest;
use crate::person::PersonRef;
use crate::project::Place;
use crate::promotion::{DeploymentState, PromotionKind};
use crate::release::{Commit, Image, ReleaseRef};
use crate::text::{Locale, Text};
use crate::time::Timestamp;
use crate::workload::Workload;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One side of a comparison, as an address names it: a version, or what runs in an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Side {
    /// The release of that version.
    Release(String),
    /// What runs in the environment of that key.
    Environment(String),
}

impl Side {
    /// Reads `2.4.1` or `@live`. No version begins with `@`.
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        match text.strip_prefix('@') {
            Some("") => None,
            Some(key) => Some(Self::Environment(key.to_owned())),
            None if text.is_empty() => None,
            None => Some(Self::Release(text.to_owned())),
        }
    }

    /// As [`read`](Self::read) takes it.
    pub fn write(&self) -> String {
        match self {
            Self::Release(version) => version.clone(),
            Self::Environment(key) => format!("@{key}"),
        }
    }
}

/// What stands on one side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compared {
    /// The release.
    pub release: ReleaseRef,
    /// The branch or tag it was built from.
    pub git_ref: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Its images.
    pub images: Vec<Image>,
    /// `key@version` of the pipeline template.
    pub template: Option<String>,
    /// Where it runs, where an environment was asked for.
    pub environment: Option<EnvironmentRef>,
}

/// Two releases side by side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The older side, or the one that was named first.
    pub from: Compared,
    /// The other one.
    pub to: Compared,
    /// Whether `to` is the older release: the commits are undone on the way there.
    pub back: bool,
    /// The commits between them, newest first.
    pub commits: Vec<Commit>,
    /// The work items that they name.
    pub items: Vec<ItemLine>,
    /// How they are set to run.
    pub configuration: DiffView,
    /// The manifests.
    pub manifests: DiffView,
    /// The environment that the manifests of both are for; `None`: each for its own.
    pub manifests_in: Option<EnvironmentRef>,
}

/// What the page about a comparison shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComparisonView {
    /// Where.
    pub place: Place,
    /// Versions one can choose, newest first.
    pub versions: Vec<String>,
    /// The chain.
    pub environments: Vec<EnvironmentRef>,
    /// The sides that were asked for, as [`Side::write`] has them.
    pub asked: (String, String),
    /// The difference; `None`: two sides were not asked for.
    pub difference: Option<Difference>,
    /// Why there is none although there should be.
    pub trouble: Option<Text>,
}

/// A work item in a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemLine {
    /// As in `CHK-12`.
    pub key: String,
    /// In one line; `None`: there is no such item (any more).
    pub title: Option<String>,
    /// What kind of work it is.
    pub kind: Option<ItemKind>,
    /// Where it stands.
    #[serde(default)]
    pub state: Option<ItemState>,
}

/// Where a commit is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitPlaces {
    /// Where one asked.
    pub place: Place,
    /// What was typed.
    pub asked: String,
    /// The commit, as far as it is known.
    pub commit: Option<Commit>,
    /// The release that brought it first.
    pub first: Option<ReleaseRef>,
    /// What runs in each environment, and whether the commit is in it; `None`: GitLab could not be asked.
    pub environments: Vec<CommitIn>,
    /// Why something is not known.
    pub trouble: Option<Text>,
}

/// Whether a commit is in an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitIn {
    /// The environment.
    pub environment: EnvironmentRef,
    /// What runs there.
    pub running: Option<ReleaseRef>,
    /// Whether the commit is in it; `None`: not known.
    pub there: Option<bool>,
}

/// What was deployed to an environment, as its page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvironmentHistory {
    /// The project.
    pub place: Place,
    /// The environment.
    pub environment: EnvironmentRef,
    /// Newest first.
    pub rows: Vec<HistoryRow>,
    /// Ask for older ones with this, in µs; `None`: these are all.
    pub older_than: Option<i64>,
}

/// A deployment of an app, in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryRow {
    /// The app's slug.
    pub app: String,
    /// Its name.
    pub app_name: String,
    /// The promotion.
    pub promotion: PromotionId,
    /// Why.
    pub kind: PromotionKind,
    /// Which try, from 1.
    pub attempt: i64,
    /// What.
    pub release: ReleaseRef,
    /// Where it stands.
    pub state: DeploymentState,
    /// Why it stands there.
    pub reason: Option<Text>,
    /// Who asked; `None`: a branch rule.
    pub requested_by: Option<PersonRef>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// A workload as YAML, without what is empty: to be read and compared by lines.
pub fn configuration(workload: &Workload) -> String {
    let value = serde_json::to_value(workload).unwrap_or_default();
    match filled(value) {
        Some(value) => manifest::yaml(&[value]),
        None => String::new(),
    }
}

/// The value without what is empty.
fn filled(value: Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::Array(items) => {
            let items: Vec<Value> = items.into_iter().filter_map(filled).collect();
            (!items.is_empty()).then_some(Value::Array(items))
        }
        Value::Object(map) => {
            let map: serde_json::Map<String, Value> = map
                .into_iter()
                .filter_map(|(key, value)| Some((key, filled(value)?)))
                .collect();
            (!map.is_empty()).then_some(Value::Object(map))
        }
        other => Some(other),
    }
}

/// How two workloads differ.
pub fn configuration_diff(from: &Workload, to: &Workload) -> DiffView {
    diff_lines(&configuration(from), &configuration(to))
}

/// The keys of the project's work items that commits name, as in `CHK-12`, in order of appearance.
pub fn item_keys(commits: &[Commit], project_key: &str) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    let prefix = format!("{project_key}-");
    for commit in commits {
        for word in commit
            .title
            .split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
        {
            let number = word
                .strip_prefix(&prefix)
                .filter(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
            if number.is_some() && !keys.iter().any(|key| key == word) {
                keys.push(word.to_owned());
            }
        }
    }
    keys
}

/// The kind of a change by its commit's title, as “Conventional Commits” writes it: `feat(cart)!: …`.
fn kind_of(title: &str) -> (Kind, &str) {
    let Some((head, rest)) = title.split_once(": ") else {
        return (Kind::Other, title);
    };
    let breaks = head.ends_with('!');
    let head = head.trim_end_matches('!');
    let word = head.split_once('(').map_or(head, |(word, _)| word);
    let kind = match word {
        _ if breaks => Kind::Breaking,
        "feat" => Kind::Feature,
        "fix" => Kind::Fix,
        "build" | "chore" | "ci" | "docs" | "perf" | "refactor" | "revert" | "style" | "test" => Kind::Other,
        _ => return (Kind::Other, title),
    };
    (kind, rest)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Breaking,
    Feature,
    Fix,
    Other,
}

/// Characters that Markdown takes for something else, escaped.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if "\\`*_[]<>#|~".contains(c) {
            out.push('\\');
        }
        out.push(if c.is_control() { ' ' } else { c });
    }
    out
}

/// What a release brings, as Markdown: its work items, then its commits by their kind.
pub fn notes(
    release: &ReleaseRef,
    previous: Option<&str>,
    items: &[ItemLine],
    commits: &[Commit],
    locale: Locale,
) -> String {
    let say = |en: &'static str, zh: &'static str| match locale {
        Locale::En => en,
        Locale::ZhCn => zh,
    };
    let mut out = format!("# {}\n", plain(&release.version));
    if let Some(previous) = previous.map(plain) {
        let words = match locale {
            Locale::En => format!("Since {previous}."),
            Locale::ZhCn => format!("自 {previous} 以来的变更。"),
        };
        out.extend(["\n", &words, "\n"]);
    }
    let mut section = |title: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            out.extend(["\n## ", title, "\n\n", &lines.join("\n"), "\n"]);
        }
    };
    let item = |item: &ItemLine| match &item.title {
        Some(title) => format!("- {}: {}", item.key, plain(title)),
        None => format!("- {}", item.key),
    };
    section(say("Work items", "事项"), items.iter().map(item).collect());
    for (kind, title) in [
        (Kind::Breaking, say("Breaking changes", "不兼容变更")),
        (Kind::Feature, say("Features", "新功能")),
        (Kind::Fix, say("Fixes", "修复")),
        (Kind::Other, say("Other changes", "其他变更")),
    ] {
        let line = |commit: &Commit| {
            let (found, words) = kind_of(&commit.title);
            let short: String = commit.sha.chars().take(8).collect();
            (found == kind).then(|| format!("- {} ({short}, {})", plain(words), plain(&commit.author)))
        };
        section(title, commits.iter().filter_map(line).collect());
    }
    out
}
