//! Work items: what people do, and how it moves over the board.

use crate::board::{ColumnKey, Limit};
use crate::id::{AppId, EnvironmentId, ItemId, IterationId, TypedId, UserId};
use crate::person::PersonRef;
use crate::project::Place;
use crate::table::SavedView;
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

pub(crate) use keyed;

mod attachment;
mod comment;
mod content;
mod flow;
mod link;
mod state;

pub use attachment::{ATTACHMENT_MAX, ATTACHMENTS_MOST, Attachment, INLINE, plain_name};
pub use comment::{COMMENT_MAX, Comment, wrong_comment};
pub use content::{Clash, Content, Field, FieldChange, LABEL_MAX, LABELS_MOST, Labels, Named, Value, merge};
pub use flow::{STATES_MOST, Transition, Workflow};
pub use link::{ItemLine, LinkedItem, Relation};
pub use state::{Color, ItemState, STATE_NAME_MAX, StateKey};

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
    /// The day it begins, `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_on: Option<String>,
    /// The day it is due, `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_on: Option<String>,
    /// Grows with every change.
    pub version: i64,
}

impl Card {
    /// Whether it was due before `today`, as in `2026-11-21`, and is not over.
    pub fn is_overdue(&self, today: &str) -> bool {
        !self.state.category().is_over() && self.due_on.as_deref().is_some_and(|due| due < today)
    }
}

/// A column of the board.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoardColumn {
    /// Which.
    pub key: ColumnKey,
    /// What it is called.
    pub name: Text,
    /// What it counts as.
    pub category: Category,
    /// How many cards it is meant to hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Limit>,
    /// How many cards stand in it, shown or not.
    pub count: i64,
    /// Whether a new card can be put there.
    pub adds: bool,
    /// Its cards, by rank.
    pub cards: Vec<Card>,
}

keyed! {
    /// What the lanes of a board are made of.
    LaneBy {
        Assignee = "assignee", "Assignee", "处理人";
        Priority = "priority", "Priority", "优先级";
        Epic = "epic", "Epic", "史诗";
        App = "app", "App", "应用";
    }
}

/// A lane across the columns of a board.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoardLane {
    /// What it is called; nothing for what has no assignee, epic or app.
    pub name: Option<Text>,
    /// The columns, with the cards of the lane alone.
    pub columns: Vec<BoardColumn>,
}

/// The columns that cards in a state can be moved to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardWays {
    /// Cards of this kind.
    pub kind: ItemKind,
    /// In this state.
    pub state: StateKey,
    /// The columns, from the left.
    pub columns: Vec<ColumnKey>,
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

    /// Reads what stands in an address, and the lanes; what means nothing is left out.
    pub fn read(query: &str) -> (Self, Option<LaneBy>) {
        let (mut filter, mut lanes) = (Self::default(), None);
        for (name, value) in crate::table::pairs(query) {
            match name.as_str() {
                "kind" => filter.kind = ItemKind::from_key(&value),
                "assignee" => filter.assignee = uuid::Uuid::parse_str(&value).ok().map(UserId::from_uuid),
                "label" => filter.label = value,
                "words" => filter.words = value,
                "lanes" => lanes = LaneBy::from_key(&value),
                _ => {}
            }
        }
        (filter, lanes)
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
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a thing of its own that the reader may or may not do"
)]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoardView {
    /// Where.
    pub place: Place,
    /// The iteration that runs; `None`: none was started.
    pub iteration: Option<IterationRef>,
    /// The columns, from the left; without cards where there are lanes.
    pub columns: Vec<BoardColumn>,
    /// What the lanes are made of; `None`: there are none.
    #[serde(default)]
    pub lanes_by: Option<LaneBy>,
    /// The lanes, from the top.
    #[serde(default)]
    pub lanes: Vec<BoardLane>,
    /// Where the cards can go.
    pub ways: Vec<CardWays>,
    /// Today, `YYYY-MM-DD`, as due days count: in UTC.
    #[serde(default)]
    pub today: String,
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
    /// Whether the reader may set the board up.
    pub may_set_up: bool,
    /// The views of this page.
    #[serde(default)]
    pub views: Vec<SavedView>,
}

/// The bugs about an app that were found in a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BugGroup {
    /// The app; `None`: it is not said.
    pub app: Option<String>,
    /// The release, as in `order-api 2.4.1`.
    pub release: Option<String>,
    /// How many are open.
    pub open: i64,
    /// How many there are.
    pub all: i64,
}

/// What the last days say about bugs, counted from history.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BugFigures {
    /// How many days that are.
    pub days: i64,
    /// Reported in them.
    pub reported: i64,
    /// Different bugs that were closed in them.
    pub closed: i64,
    /// Different bugs that came back in them.
    pub reopened: i64,
    /// Open ones: up to 7 days old, up to 30, up to 90, and older.
    pub ages: [i64; 4],
}

/// What the bug list shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BugList {
    /// Where.
    pub place: Place,
    /// Which are shown.
    pub filter: BugFilter,
    /// Open ones first, by severity, then by age.
    pub bugs: Vec<BugRow>,
    /// By app and release, those with the most open ones first.
    pub groups: Vec<BugGroup>,
    /// Who can be chosen in the filter: whoever does one of the bugs.
    pub people: Vec<PersonRef>,
    /// What the last 90 days say.
    pub figures: BugFigures,
    /// Now, for ages.
    pub now: Timestamp,
    /// Whether the reader may report one.
    pub may_create: bool,
    /// The views of this page.
    pub views: Vec<SavedView>,
    /// Whether the reader may share views.
    pub may_share: bool,
}

/// Which bugs are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BugFilter {
    /// Only this bad.
    pub severity: Option<Severity>,
    /// Only of this person.
    pub assignee: Option<UserId>,
    /// Only with this label.
    pub label: String,
    /// Only with this in the title, or with this key.
    pub words: String,
    /// Only those that are not over.
    pub open: bool,
}

impl BugFilter {
    /// Whether it leaves nothing out.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Reads what stands in an address; what means nothing is left out.
    pub fn read(query: &str) -> Self {
        let mut filter = Self::default();
        for (name, value) in crate::table::pairs(query) {
            match name.as_str() {
                "severity" => filter.severity = Severity::from_key(&value),
                "assignee" => filter.assignee = uuid::Uuid::parse_str(&value).ok().map(UserId::from_uuid),
                "label" => value.trim().clone_into(&mut filter.label),
                "words" => value.trim().clone_into(&mut filter.words),
                "open" => filter.open = value == "true",
                _ => {}
            }
        }
        filter
    }

    /// As it stands in an address.
    pub fn written(&self) -> String {
        crate::table::query_of([
            ("severity", self.severity.map(|one| one.key().to_owned())),
            ("assignee", self.assignee.map(|id| id.to_string())),
            ("label", Some(self.label.clone())),
            ("words", Some(self.words.clone())),
            ("open", self.open.then(|| String::from("true"))),
        ])
    }

    /// Whether it shows the bug.
    pub fn shows(&self, card: &Card) -> bool {
        let as_board = BoardFilter {
            kind: None,
            assignee: self.assignee,
            label: self.label.clone(),
            words: self.words.clone(),
        };
        self.severity
            .is_none_or(|severity| card.severity == Some(severity))
            && !(self.open && card.state.category().is_over())
            && as_board.shows(card)
    }
}

impl BugRow {
    /// Whether nobody has looked at it yet: it is to do, and nobody does it.
    pub fn waits_for_triage(&self) -> bool {
        self.card.assignee.is_none() && self.card.state.category() == Category::Todo
    }
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
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a thing of its own that the reader may or may not do"
)]
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
    /// The issue of GitLab that it mirrors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mirror: Option<crate::mirror::MirrorLink>,
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
    /// Where its workflow leads, but not now or not for the reader; and what to do about it.
    #[serde(default)]
    pub held_back: Vec<(ItemState, Text)>,
    /// Whether the reader may edit it.
    pub may_edit: bool,
    /// Whether the reader may comment on it.
    pub may_comment: bool,
    /// Whether the reader may delete it.
    #[serde(default)]
    pub may_delete: bool,
    /// Whether what it is a part of was deleted.
    #[serde(default)]
    pub parent_deleted: bool,
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
}
