//! Work items: what people do, and how it moves over the board.

use crate::id::{AppId, EnvironmentId, ItemId, IterationId, UserId};
use crate::person::PersonRef;
use crate::project::Place;
use crate::text::Text;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

macro_rules! keyed {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $key:literal, $en:literal, $zh:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $(#[doc = $en] $variant,)+ }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stored key.
            pub const fn key(self) -> &'static str {
                match self { $(Self::$variant => $key,)+ }
            }

            /// Reads the stored key.
            pub fn from_key(key: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|v| v.key() == key)
            }

            /// What it is called.
            pub fn text(self) -> Text {
                match self { $(Self::$variant => Text::new($en, $zh),)+ }
            }
        }
    };
}

mod attachment;
mod comment;
mod content;
mod link;

pub use attachment::{ATTACHMENT_MAX, ATTACHMENTS_MOST, Attachment, INLINE, plain_name};
pub use comment::{COMMENT_MAX, Comment, wrong_comment};
pub use content::{Clash, Content, Field, FieldChange, LABEL_MAX, LABELS_MOST, Labels, Named, Value, merge};
pub use link::{ItemLine, LinkedItem, Relation};

keyed! {
    /// What kind of work it is.
    ItemKind {
        Epic = "epic", "Epic", "史诗";
        Requirement = "requirement", "Requirement", "需求";
        Task = "task", "Task", "任务";
        Bug = "bug", "Bug", "缺陷";
    }
}

keyed! {
    /// The column of the board a state stands in.
    Category {
        Todo = "todo", "To do", "待办";
        InProgress = "in_progress", "In progress", "进行中";
        InTest = "in_test", "In test", "测试中";
        Done = "done", "Done", "已完成";
        WontDo = "wont_do", "Won’t do", "不处理";
    }
}

keyed! {
    /// How soon it is wanted.
    Priority {
        Urgent = "urgent", "Urgent", "紧急";
        High = "high", "High", "高";
        Normal = "normal", "Normal", "普通";
        Low = "low", "Low", "低";
    }
}

keyed! {
    /// How bad a bug is.
    Severity {
        Fatal = "fatal", "Fatal", "致命";
        Serious = "serious", "Serious", "严重";
        Normal = "normal", "Normal", "一般";
        Minor = "minor", "Minor", "轻微";
        Suggestion = "suggestion", "Suggestion", "建议";
    }
}

keyed! {
    /// Where a work item stands.
    ItemState {
        Pending = "pending", "Pending", "待处理";
        InProgress = "in_progress", "In progress", "进行中";
        InTest = "in_test", "In test", "测试中";
        Resolved = "resolved", "Resolved", "已解决";
        Done = "done", "Done", "已完成";
        Closed = "closed", "Closed", "已关闭";
        WontFix = "wont_fix", "Won’t fix", "不修复";
        Duplicate = "duplicate", "Duplicate", "重复";
        Reopened = "reopened", "Reopened", "重新打开";
    }
}

impl ItemState {
    /// The column it stands in.
    pub const fn category(self) -> Category {
        match self {
            Self::Pending | Self::Reopened => Category::Todo,
            Self::InProgress => Category::InProgress,
            Self::InTest | Self::Resolved => Category::InTest,
            Self::Done | Self::Closed => Category::Done,
            Self::WontFix | Self::Duplicate => Category::WontDo,
        }
    }
}

/// The default states of a kind of work and the transitions between them (`boards.md` of the design).
#[derive(Clone, Copy, Debug)]
pub struct Workflow {
    /// The states, the first one for new items.
    pub states: &'static [ItemState],
    /// The allowed transitions.
    pub transitions: &'static [(ItemState, ItemState)],
}

use ItemState as S;

const WORK: Workflow = Workflow {
    states: &[S::Pending, S::InProgress, S::InTest, S::Done, S::WontFix],
    transitions: &[
        (S::Pending, S::InProgress),
        (S::InProgress, S::InTest),
        (S::InTest, S::Done),
        (S::InProgress, S::Done),
        (S::InProgress, S::Pending),
        (S::InTest, S::InProgress),
        (S::Done, S::InProgress),
        (S::Pending, S::WontFix),
        (S::InProgress, S::WontFix),
        (S::WontFix, S::Pending),
    ],
};

const BUG: Workflow = Workflow {
    states: &[
        S::Pending,
        S::InProgress,
        S::Resolved,
        S::Closed,
        S::WontFix,
        S::Duplicate,
        S::Reopened,
    ],
    transitions: &[
        (S::Pending, S::InProgress),
        (S::Reopened, S::InProgress),
        (S::InProgress, S::Resolved),
        (S::InProgress, S::Pending),
        (S::Resolved, S::Closed),
        (S::Resolved, S::Reopened),
        (S::Closed, S::Reopened),
        (S::Pending, S::WontFix),
        (S::InProgress, S::WontFix),
        (S::Reopened, S::WontFix),
        (S::Pending, S::Duplicate),
        (S::InProgress, S::Duplicate),
        (S::WontFix, S::Reopened),
        (S::Duplicate, S::Reopened),
    ],
};

impl ItemKind {
    /// The kind's workflow.
    pub const fn workflow(self) -> Workflow {
        match self {
            Self::Bug => BUG,
            Self::Epic | Self::Requirement | Self::Task => WORK,
        }
    }
}

/// Why an item cannot move to a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotMove {
    /// The workflow has no transition from the state into the column.
    #[error("the workflow does not allow it")]
    NoTransition,
}

impl Workflow {
    /// The state of an item that moves from `state` to the column `to`: itself where it stands there
    /// already, else the first state the workflow allows.
    ///
    /// # Errors
    /// [`CannotMove`] where the workflow has no such transition.
    pub fn into_column(&self, state: ItemState, to: Category) -> Result<ItemState, CannotMove> {
        if state.category() == to {
            return Ok(state);
        }
        self.transitions
            .iter()
            .find(|(from, into)| *from == state && into.category() == to)
            .map(|(_, into)| *into)
            .ok_or(CannotMove::NoTransition)
    }

    /// The states an item can go to from `state`.
    pub fn next(&self, state: ItemState) -> impl Iterator<Item = ItemState> + '_ {
        self.transitions
            .iter()
            .filter(move |(from, _)| *from == state)
            .map(|(_, into)| *into)
    }
}

/// The letters of ranks, in the order in which every database sorts them: by bytes, and by the collations of
/// languages, which put capital letters between the small ones.
const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

fn digit(byte: u8) -> usize {
    DIGITS.iter().position(|d| *d == byte).unwrap_or(0)
}

/// A rank between two others (`None`: the end on that side), so that an item moves by changing its own
/// row alone. Ranks sort as bytes; where `below` is not under `above`, the result follows `below`.
pub fn rank_between(below: Option<&str>, above: Option<&str>) -> String {
    let below = below.unwrap_or("").as_bytes();
    let above = above.map(str::as_bytes).filter(|a| below < *a);
    let mut rank = Vec::new();
    let mut open = above.is_none();
    for place in 0.. {
        let low = below.get(place).map_or(0, |b| digit(*b));
        let high = match above {
            Some(above) if !open => above.get(place).map_or(DIGITS.len(), |b| digit(*b)),
            _ => DIGITS.len(),
        };
        if high > low + 1 {
            rank.push(DIGITS[usize::midpoint(low, high)]);
            break;
        }
        rank.push(DIGITS[low]);
        if high > low {
            open = true;
        }
    }
    String::from_utf8_lossy(&rank).into_owned()
}

/// An iteration by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IterationRef {
    /// Which.
    pub id: IterationId,
    /// Its number in the project.
    pub number: i64,
    /// For people.
    pub name: String,
    /// What it is for.
    pub goal: String,
    /// Its first day, `YYYY-MM-DD`.
    pub starts_on: String,
    /// Its last day.
    pub ends_on: String,
}

/// A card of the board.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// Which.
    pub id: ItemId,
    /// As in `CHK-12`.
    pub key: String,
    /// What kind of work.
    pub kind: ItemKind,
    /// In one line.
    pub title: String,
    /// Where it stands.
    pub state: ItemState,
    /// How soon it is wanted.
    pub priority: Priority,
    /// How bad, for bugs.
    pub severity: Option<Severity>,
    /// Who does it.
    pub assignee: Option<PersonRef>,
    /// The estimate.
    pub points: Option<i64>,
    /// Its labels.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// The day it is due, `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_on: Option<String>,
    /// Grows with every change.
    pub version: i64,
}

/// A column of the board.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoardColumn {
    /// Which.
    pub category: Category,
    /// Its cards, by rank.
    pub cards: Vec<Card>,
}

/// Which cards of a board are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoardFilter {
    /// Only of this kind.
    pub kind: Option<ItemKind>,
    /// Only of this person.
    pub assignee: Option<UserId>,
    /// Only with this label.
    pub label: String,
    /// Only with this in the title or the key.
    pub words: String,
}

impl BoardFilter {
    /// Whether it leaves nothing out.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it shows the card.
    pub fn shows(&self, card: &Card) -> bool {
        let words = self.words.trim().to_lowercase();
        let is = |id: &UserId| card.assignee.as_ref().is_some_and(|person| person.id == *id);
        self.kind.is_none_or(|kind| card.kind == kind)
            && self.assignee.as_ref().is_none_or(is)
            && (self.label.is_empty() || card.labels.iter().any(|label| label == self.label))
            && (words.is_empty()
                || card.title.to_lowercase().contains(&words)
                || card.key.to_lowercase() == words)
    }
}

/// What the board's page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoardView {
    /// Where.
    pub place: Place,
    /// The iteration that runs; `None`: none was started.
    pub iteration: Option<IterationRef>,
    /// The five columns.
    pub columns: Vec<BoardColumn>,
    /// Which cards are shown.
    pub filter: BoardFilter,
    /// Who does any of the cards, shown or not, by name.
    pub people: Vec<PersonRef>,
    /// Points of the cards that are done, and of all.
    pub points: (i64, i64),
    /// Whether the reader may make items.
    pub may_create: bool,
    /// Whether the reader may move any item.
    pub may_edit: bool,
    /// Whether the reader may start an iteration.
    pub may_plan: bool,
}

/// What the bug list shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BugList {
    /// Where.
    pub place: Place,
    /// Open ones first, by severity, then by age.
    pub bugs: Vec<BugRow>,
    /// Whether the reader may report one.
    pub may_create: bool,
}

/// A row of the bug list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BugRow {
    /// The bug.
    pub card: Card,
    /// Who reported it.
    pub reporter: PersonRef,
    /// When.
    pub created_at: Timestamp,
}

/// One change of an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemEvent {
    /// When.
    pub at: Timestamp,
    /// Who; `None`: Slipway itself.
    pub by: Option<PersonRef>,
    /// Which field: `created`, `state`, `link`, `comment`, or a [`Field`]'s key.
    pub field: String,
    /// Its value before.
    pub before: Value,
    /// Its value after.
    pub after: Value,
    /// The item's version after the change.
    pub version: i64,
    /// Why nobody did it: what moved the item by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<crate::trail::Cause>,
}

impl ItemEvent {
    /// The change of what people write, where it is one.
    pub fn change(&self) -> Option<FieldChange> {
        Some(FieldChange {
            field: Field::from_key(&self.field)?,
            before: self.before.clone(),
            after: self.after.clone(),
        })
    }
}

/// What the item's page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemView {
    /// Where.
    pub place: Place,
    /// The item.
    pub card: Card,
    /// What people wrote into it.
    pub content: Content,
    /// The description as HTML that can do no harm.
    pub html: String,
    /// Who wrote it.
    pub reporter: PersonRef,
    /// When.
    pub created_at: Timestamp,
    /// The iteration it is planned for.
    pub iteration: Option<IterationRef>,
    /// The items that it is linked to.
    pub links: Vec<LinkedItem>,
    /// What names it in the repositories, and how far that is, app by app.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trail: Vec<crate::trail::AppTrail>,
    /// Its parts, by number.
    pub parts: Vec<ItemLine>,
    /// The files that are attached to it, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// What people say about it, the oldest first.
    pub comments: Vec<Comment>,
    /// Its history, newest first.
    pub events: Vec<ItemEvent>,
    /// Who is told of what happens to it, besides its reporter and its assignee; by name.
    pub watchers: Vec<PersonRef>,
    /// Whether the reader is among them.
    pub watching: bool,
    /// Where it can go from here, for the reader.
    pub next: Vec<ItemState>,
    /// Whether the reader may edit it.
    pub may_edit: bool,
    /// Whether the reader may comment on it.
    pub may_comment: bool,
}

/// What an item can be tied to: the choices of its form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemChoices {
    /// The iterations that are not closed, the newest first.
    pub iterations: Vec<Named<IterationId>>,
    /// The project's apps, by name.
    pub apps: Vec<Named<AppId>>,
    /// The project's environments, in chain order.
    pub environments: Vec<Named<EnvironmentId>>,
    /// The newest releases, as in `order-api 2.4.1`.
    pub releases: Vec<String>,
    /// Whoever has a role in the project or above it, by name.
    pub people: Vec<PersonRef>,
}

/// What the form of an item shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemEdit {
    /// Where.
    pub place: Place,
    /// Which item.
    pub card: Card,
    /// What it holds.
    pub content: Content,
    /// What it can hold.
    pub choices: ItemChoices,
    /// Whether the reader may change it.
    pub may_edit: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn there_is_always_room_between_two_cards(places in proptest::collection::vec(any::<prop::sample::Index>(), 1..200)) {
            let mut ranks: Vec<String> = Vec::new();
            for place in places {
                let at = place.index(ranks.len() + 1);
                let below = at.checked_sub(1).map(|i| ranks[i].clone());
                let above = ranks.get(at).cloned();
                let rank = rank_between(below.as_deref(), above.as_deref());
                if let Some(below) = &below {
                    prop_assert!(below < &rank, "{below} < {rank}");
                }
                if let Some(above) = &above {
                    prop_assert!(&rank < above, "{rank} < {above}");
                }
                prop_assert!(!rank.ends_with('0'), "{rank} leaves room under it");
                ranks.insert(at, rank);
            }
        }
    }

    #[test]
    fn every_state_of_a_workflow_can_be_reached_and_left() {
        for kind in ItemKind::ALL {
            let flow = kind.workflow();
            for state in flow.states {
                let reached =
                    *state == flow.states[0] || flow.transitions.iter().any(|(_, into)| into == state);
                assert!(
                    reached && flow.next(*state).next().is_some(),
                    "{} {}",
                    kind.key(),
                    state.key()
                );
            }
        }
    }

    #[test]
    fn a_bug_is_not_closed_before_it_is_resolved() {
        let flow = ItemKind::Bug.workflow();
        assert_eq!(
            flow.into_column(ItemState::Pending, Category::Done),
            Err(CannotMove::NoTransition)
        );
        assert_eq!(
            flow.into_column(ItemState::Resolved, Category::Done),
            Ok(ItemState::Closed)
        );
    }
}
