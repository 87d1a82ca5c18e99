//! The trail of a work item: what in the repositories names it, which releases brought that, and where they run.

use crate::environment::EnvironmentRef;
use crate::item::{Category, ItemState, StateKey, Workflow};
use crate::run::RunStatus;
use crate::text::Text;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The longest number of an item that a text can name, in digits.
const DIGITS_MOST: usize = 9;

/// The numbers of the items that a text names, each once, in the order of the text: `CHK-12` in any case, as a word of
/// its own. What stands around it may be a dash, a slash, a dot or an underscore (`feature/chk-12-refunds`), and no
/// letter or digit.
pub fn numbers_in(text: &str, project_key: &str) -> Vec<i64> {
    let mut numbers = Vec::new();
    let (bytes, key) = (text.as_bytes(), project_key.as_bytes());
    if key.is_empty() {
        return numbers;
    }
    let mut at = 0;
    while at + key.len() < bytes.len() {
        let end = at + key.len();
        let alone = at == 0 || !bytes[at - 1].is_ascii_alphanumeric();
        if !(alone && bytes[at..end].eq_ignore_ascii_case(key) && bytes[end] == b'-') {
            at += 1;
            continue;
        }
        let rest = &bytes[end + 1..];
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let closed = rest.get(digits).is_none_or(|byte| !byte.is_ascii_alphanumeric());
        if (1..=DIGITS_MOST).contains(&digits) && rest[0] != b'0' && closed {
            let number = rest[..digits]
                .iter()
                .fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
            if !numbers.contains(&number) {
                numbers.push(number);
            }
        }
        at = end + 1 + digits;
    }
    numbers
}

/// What kind of thing names an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarkKind {
    /// A branch, by its name.
    Branch,
    /// A merge request, by its title, its description or its source branch.
    MergeRequest,
    /// A commit, by its message.
    Commit,
}

impl MarkKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::MergeRequest, Self::Branch, Self::Commit];

    /// The stored key.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Branch => "branch",
            Self::MergeRequest => "merge_request",
            Self::Commit => "commit",
        }
    }

    /// Reads the stored key.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.key() == key)
    }

    /// What it is called.
    pub fn text(self) -> Text {
        match self {
            Self::Branch => Text::new("Branch", "分支"),
            Self::MergeRequest => Text::new("Merge request", "合并请求"),
            Self::Commit => Text::new("Commit", "提交"),
        }
    }
}

/// How far a branch or a merge request is, as GitLab said last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarkState {
    /// It is there, and a merge request is open.
    Open,
    /// The merge request is merged.
    Merged,
    /// The merge request was closed, or the branch is gone.
    Gone,
}

impl MarkState {
    /// The stored key.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Merged => "merged",
            Self::Gone => "gone",
        }
    }

    /// Reads the stored key.
    pub fn from_key(key: &str) -> Option<Self> {
        [Self::Open, Self::Merged, Self::Gone]
            .into_iter()
            .find(|state| state.key() == key)
    }

    /// What it is called, of a thing of that kind.
    pub fn text(self, kind: MarkKind) -> Text {
        match (self, kind) {
            (Self::Open, MarkKind::MergeRequest) => Text::new("open", "未合并"),
            (Self::Open, _) => Text::new("there", "存在"),
            (Self::Merged, _) => Text::new("merged", "已合并"),
            (Self::Gone, MarkKind::MergeRequest) => Text::new("closed", "已关闭"),
            (Self::Gone, _) => Text::new("deleted", "已删除"),
        }
    }
}

/// One thing that names an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// What kind of thing.
    pub kind: MarkKind,
    /// A branch's name, a merge request's number in its project, or a commit's whole hash.
    pub reference: String,
    /// In one line.
    pub title: String,
    /// How far it is.
    pub state: MarkState,
    /// Where people see it in GitLab.
    pub web_url: String,
    /// Who made it, by the name that GitLab gives.
    pub author: String,
    /// Its newest commit.
    pub sha: String,
    /// When it was made.
    pub at: Timestamp,
    /// When it was merged.
    pub merged_at: Option<Timestamp>,
    /// The newest run of its newest commit: its number in the app, and where it stands.
    pub run: Option<(i64, RunStatus)>,
}

impl Mark {
    /// As people write it: `!12`, a branch's name, or the first eight digits of a hash.
    pub fn short(&self) -> String {
        match self.kind {
            MarkKind::MergeRequest => format!("!{}", self.reference),
            MarkKind::Branch => self.reference.clone(),
            MarkKind::Commit => self.reference.chars().take(8).collect(),
        }
    }
}

/// A release that brought something of an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brought {
    /// Its version.
    pub version: String,
    /// When it was made.
    pub at: Timestamp,
}

/// How much of an item is in an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// All that was merged, and nothing is open.
    Whole,
    /// Some of it.
    Part,
    /// Nothing of it.
    Absent,
}

impl Presence {
    /// The key of the API.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Part => "part",
            Self::Absent => "absent",
        }
    }
}

/// How much of an item is where the release made at `running` runs: `brought` are the instants at which the releases
/// that brought something of it were made, and `open` tells whether more is to come. A release has what every release
/// before it brought.
pub fn presence(running: Option<Timestamp>, brought: &[Timestamp], open: bool) -> Presence {
    let Some(running) = running else {
        return Presence::Absent;
    };
    let there = brought.iter().filter(|at| **at <= running).count();
    match there {
        0 => Presence::Absent,
        _ if there == brought.len() && !open => Presence::Whole,
        _ => Presence::Part,
    }
}

/// An environment of an app, for an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrailStop {
    /// The environment.
    pub environment: EnvironmentRef,
    /// The version that runs there.
    pub running: Option<String>,
    /// How much of the item is there.
    pub presence: Presence,
    /// Since when what runs there runs there.
    pub since: Option<Timestamp>,
}

/// The trail of an item through one app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppTrail {
    /// The app's slug.
    pub slug: String,
    /// For people.
    pub name: String,
    /// What names the item: merge requests, then branches, then commits, each the newest first.
    pub marks: Vec<Mark>,
    /// The releases that brought something of it, the oldest first.
    pub releases: Vec<Brought>,
    /// The chain.
    pub stops: Vec<TrailStop>,
}

impl AppTrail {
    /// Whether more is to come: a merge request is open, or what was merged is in no release yet.
    pub fn is_open(&self) -> bool {
        let is = |mark: &Mark, kind, state| mark.kind == kind && mark.state == state;
        let open = |mark: &Mark| is(mark, MarkKind::MergeRequest, MarkState::Open);
        let merged = |mark: &Mark| is(mark, MarkKind::MergeRequest, MarkState::Merged);
        self.marks.iter().any(open) || (self.releases.is_empty() && self.marks.iter().any(merged))
    }
}

/// Whether an item is wholly in the environment `key`, in every app where something was or will be done for it.
pub fn is_whole_in(trail: &[AppTrail], key: &str) -> bool {
    let mut concerned = trail
        .iter()
        .filter(|app| app.is_open() || !app.releases.is_empty())
        .peekable();
    let there = |app: &AppTrail| {
        let stop = app.stops.iter().find(|stop| stop.environment.key == key);
        stop.is_some_and(|stop| stop.presence == Presence::Whole)
    };
    concerned.peek().is_some() && concerned.all(there)
}

/// What moves an item without anybody doing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// A branch, a merge request or a commit names it.
    Linked,
    /// A merge request that names it is merged.
    Merged,
    /// It is wholly in the environment that the project chose.
    Deployed,
}

impl Trigger {
    /// Every trigger.
    pub const ALL: [Self; 3] = [Self::Linked, Self::Merged, Self::Deployed];

    /// The stored key.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Linked => "linked",
            Self::Merged => "merged",
            Self::Deployed => "deployed",
        }
    }

    /// Reads the stored key.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|trigger| trigger.key() == key)
    }

    /// The column that it moves an item to.
    pub const fn column(self) -> Category {
        match self {
            Self::Linked => Category::InProgress,
            Self::Merged => Category::InTest,
            Self::Deployed => Category::Done,
        }
    }

    /// What happened, for an item's history.
    pub fn text(self) -> Text {
        match self {
            Self::Linked => Text::new("since it was linked to", "因关联了"),
            Self::Merged => Text::new("since it was merged:", "因已合并："),
            Self::Deployed => Text::new("since it was deployed:", "因已部署："),
        }
    }
}

/// Why an item was moved without anybody doing it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// What kind of thing happened.
    pub trigger: Trigger,
    /// What it was, as in `order-api !12` or `order-api 2.4.1 → LIVE`.
    pub said: String,
    /// Where people see it.
    pub url: String,
}

/// The automation of a project's items: since when each of its parts is on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Automation {
    /// A link moves an item to in progress.
    pub linked: Option<Timestamp>,
    /// A merge moves it to in test.
    pub merged: Option<Timestamp>,
    /// Being deployed to this environment moves it to done.
    pub deployed: Option<(Timestamp, EnvironmentRef)>,
    /// Grows with every change.
    pub version: i64,
}

impl Automation {
    /// Since when a trigger moves items; `None`: it does not.
    pub fn since(&self, trigger: Trigger) -> Option<Timestamp> {
        match trigger {
            Trigger::Linked => self.linked,
            Trigger::Merged => self.merged,
            Trigger::Deployed => self.deployed.as_ref().map(|(since, _)| *since),
        }
    }

    /// Whether what happened at `at` moves items: what happened before somebody switched it on is history.
    pub fn acts(&self, trigger: Trigger, at: Timestamp) -> bool {
        self.since(trigger).is_some_and(|since| since <= at)
    }
}

/// What the page about a project's automation shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AutomationView {
    /// Where.
    pub place: crate::project::Place,
    /// How it is set.
    pub automation: Automation,
    /// The project's environments, in chain order.
    pub environments: Vec<EnvironmentRef>,
    /// Whether the reader may change it.
    pub may_edit: bool,
}

/// How far a column is; `None`: items stay there.
const fn step(category: Category) -> Option<u8> {
    match category {
        Category::Todo => Some(0),
        Category::InProgress => Some(1),
        Category::InTest => Some(2),
        Category::Done => Some(3),
        Category::WontDo => None,
    }
}

/// The state in the category `to` that an item in `state` gets to by going forward only, with the fewest transitions that
/// ask for nothing; `None`: it is there already, further, done or not to be done, or the workflow does not lead there.
pub fn way_forward(workflow: &Workflow, state: &StateKey, to: Category) -> Option<ItemState> {
    let goal = step(to)?;
    let begin = step(workflow.state(state)?.category()).filter(|at| *at < goal)?;
    let mut seen = vec![(state, begin)];
    let mut next = 0;
    while let Some((at, stands)) = seen.get(next).copied() {
        next += 1;
        for (way, into) in workflow.next(at) {
            let Some(column) = step(into.category()) else {
                continue;
            };
            let free = way.roles.is_empty() && way.fields.is_empty();
            let known = seen.iter().any(|(key, _)| *key == into.state_key());
            if !free || column < stands || column > goal || known {
                continue;
            }
            if column == goal {
                return Some(into.clone());
            }
            seen.push((into.state_key(), column));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::ItemKind;
    use proptest::prelude::*;

    #[test]
    fn an_item_is_named_as_a_word_of_its_own() {
        let found = |text| numbers_in(text, "CHK");
        assert_eq!(found("CHK-12: refunds, see chk-3 and CHK-12"), [12, 3]);
        assert_eq!(found("feature/chk-7-refunds"), [7]);
        assert_eq!(found("fix_CHK-8_now"), [8]);
        assert_eq!(found("(CHK-9)."), [9]);
        assert_eq!(found("修复CHK-10，完成"), [10]);
        for none in [
            "XCHK-1",
            "1CHK-1",
            "CHK-",
            "CHK-0",
            "CHK-01",
            "CHK-1a",
            "CHK_1",
            "CHK 1",
            "CHK-1234567890",
            "CHK",
        ] {
            assert_eq!(found(none), [] as [i64; 0], "{none}");
        }
        assert_eq!(numbers_in("-1", ""), [] as [i64; 0]);
    }

    proptest! {
        #[test]
        fn what_is_written_between_other_words_is_found(
            numbers in proptest::collection::vec(1_i64..999_999_999, 0..6),
            glue in "[ /_.,:()#!?中文-]{1,4}",
        ) {
            let mut text = glue.clone();
            for number in &numbers {
                text.extend(["ops-", &number.to_string(), &glue]);
            }
            let mut wanted: Vec<i64> = Vec::new();
            for number in numbers {
                if !wanted.contains(&number) {
                    wanted.push(number);
                }
            }
            prop_assert_eq!(numbers_in(&text, "OPS"), wanted);
        }

        #[test]
        fn no_text_makes_it_stumble(text in "\\PC{0,80}", key in "[A-Z]{0,5}") {
            for number in numbers_in(&text, &key) {
                let written = format!("{}-{number}", key.to_lowercase());
                prop_assert!(text.to_lowercase().contains(&written));
            }
        }

        #[test]
        fn an_environment_has_what_the_releases_up_to_its_own_brought(
            brought in proptest::collection::vec(0_i64..50, 0..6), running in proptest::option::of(0_i64..50), open in any::<bool>(),
        ) {
            let instants: Vec<Timestamp> = brought.iter().copied().map(Timestamp).collect();
            let there = brought.iter().filter(|at| running.is_some_and(|running| **at <= running)).count();
            let wanted = if there == 0 {
                Presence::Absent
            } else if there == brought.len() && !open {
                Presence::Whole
            } else {
                Presence::Part
            };
            prop_assert_eq!(presence(running.map(Timestamp), &instants, open), wanted);
        }

        #[test]
        fn nothing_goes_back_and_nothing_leaves_its_end(
            kind in proptest::sample::select(ItemKind::ALL.to_vec()),
            at in any::<proptest::sample::Index>(),
            trigger in proptest::sample::select(Trigger::ALL.to_vec()),
        ) {
            let flow = kind.default_workflow();
            let state = at.get(&flow.states);
            let goal = way_forward(&flow, state.state_key(), trigger.column());
            if let Some(into) = &goal {
                prop_assert_eq!(into.category(), trigger.column());
                prop_assert!(step(state.category()) < step(into.category()));
            }
            if matches!(state.category(), Category::Done | Category::WontDo) {
                prop_assert_eq!(goal, None);
            }
        }
    }

    #[test]
    fn every_default_workflow_has_a_way_forward() {
        for kind in ItemKind::ALL {
            let flow = kind.default_workflow();
            for trigger in Trigger::ALL {
                let into = way_forward(&flow, flow.states[0].state_key(), trigger.column());
                assert_eq!(
                    into.map(|state| state.category()),
                    Some(trigger.column()),
                    "{}",
                    kind.key()
                );
            }
        }
        let bug = ItemKind::Bug.default_workflow();
        let leads =
            |from: StateKey, to: Category| way_forward(&bug, &from, to).map(|state| state.key().to_owned());
        assert_eq!(
            leads(StateKey::PENDING, Category::Done).as_deref(),
            Some("closed")
        );
        assert_eq!(
            leads(StateKey::REOPENED, Category::InProgress).as_deref(),
            Some("in_progress")
        );
        assert_eq!(leads(StateKey::RESOLVED, Category::InProgress), None);
    }

    #[test]
    fn a_way_that_asks_for_something_is_nobodys_to_take() {
        let mut flow = ItemKind::Task.default_workflow();
        for way in &mut flow.transitions {
            way.roles = vec![crate::access::Role::ProjectLead];
        }
        assert_eq!(way_forward(&flow, &StateKey::PENDING, Category::InProgress), None);
    }
}
