//! Iterations: planned, running, closed; and the backlog that they are filled from.

use crate::insight::{Amount, IterationDay, Member, Outcome, Velocity};
use crate::item::{Card, ItemChoices, IterationRef};
use crate::project::Place;
use crate::text::Text;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Where an iteration stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IterationState {
    /// It is being filled.
    Planned,
    /// Its work is done now; one of a project runs at a time.
    Running,
    /// It is over.
    Closed,
}

impl IterationState {
    /// Every state, in order.
    pub const ALL: [Self; 3] = [Self::Planned, Self::Running, Self::Closed];

    /// The stored key.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Running => "running",
            Self::Closed => "closed",
        }
    }

    /// Reads the stored key.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.key() == key)
    }

    /// What it is called.
    pub fn text(self) -> Text {
        match self {
            Self::Planned => Text::new("Planned", "计划中"),
            Self::Running => Text::new("Running", "进行中"),
            Self::Closed => Text::new("Closed", "已结束"),
        }
    }

    /// The state after a start.
    ///
    /// # Errors
    /// [`CannotStep`] unless it is planned.
    pub const fn start(self) -> Result<Self, CannotStep> {
        match self {
            Self::Planned => Ok(Self::Running),
            Self::Running | Self::Closed => Err(CannotStep(self)),
        }
    }

    /// The state after it was closed.
    ///
    /// # Errors
    /// [`CannotStep`] unless it runs.
    pub const fn close(self) -> Result<Self, CannotStep> {
        match self {
            Self::Running => Ok(Self::Closed),
            Self::Planned | Self::Closed => Err(CannotStep(self)),
        }
    }
}

/// An iteration stands where it cannot be started or closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the iteration is {}", .0.key())]
pub struct CannotStep(pub IterationState);

/// An iteration in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IterationLine {
    /// Which.
    pub iteration: IterationRef,
    /// Where it stands.
    pub state: IterationState,
    /// When it was started.
    pub started_at: Timestamp,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// What is planned for it now, without what will not be done.
    pub scope: Amount,
    /// What of it is done.
    pub done: Amount,
}

/// What the list of iterations shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IterationList {
    /// Where.
    pub place: Place,
    /// The newest first.
    pub iterations: Vec<IterationLine>,
    /// Whether the reader may plan, start and close them.
    pub may_plan: bool,
}

/// What the page of an iteration shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IterationView {
    /// Where.
    pub place: Place,
    /// The iteration.
    pub line: IterationLine,
    /// The zone of its days, as in `Asia/Shanghai`.
    pub zone: String,
    /// Every one of its days, as in `2026-11-21`.
    pub days: Vec<String>,
    /// Its days until now, or until it was closed.
    pub chart: Vec<IterationDay>,
    /// What it took on and got done, and the same of up to five before it, the oldest first.
    pub velocity: Vec<Velocity>,
    /// The day at whose end its items are shown; `None`: now, or when it was closed.
    pub on: Option<String>,
    /// Its items then.
    pub members: Vec<Member>,
    /// The cards of what is planned for it now.
    pub cards: Vec<Card>,
    /// Where what is not done can go when it is closed.
    pub next: Vec<IterationRef>,
    /// Whether the reader may plan, start and close it.
    pub may_plan: bool,
}

/// What the report of an iteration says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IterationReport {
    /// Where.
    pub place: Place,
    /// The iteration.
    pub line: IterationLine,
    /// The key of the project's items, as in `CHK`.
    pub key: String,
    /// The zone of its days, as in `Asia/Shanghai`.
    pub zone: String,
    /// Every one of its days, as in `2026-11-21`.
    pub days: Vec<String>,
    /// Its days until now, or until it was closed; none where it was not started.
    pub chart: Vec<IterationDay>,
    /// What it took on and got done, and the same of up to five before it, the oldest first.
    pub velocity: Vec<Velocity>,
    /// What became of its items; `None`: it was not started.
    pub outcome: Option<Outcome>,
    /// The items as they are now, by number; those that are deleted are missing.
    pub cards: Vec<Card>,
    /// The bugs that were reported in the project while it ran, by number.
    pub bugs_reported: Vec<i64>,
    /// The bugs of the project that were closed while it ran, each once.
    pub bugs_closed: Vec<i64>,
}

impl IterationReport {
    /// The card of an item, unless it is deleted.
    pub fn card(&self, item: i64) -> Option<&Card> {
        let key = format!("{}-{item}", self.key);
        self.cards.iter().find(|card| card.key == key)
    }
}

/// A page of the backlog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backlog {
    /// Where.
    pub place: Place,
    /// What is planned for no iteration and is not over, by rank.
    pub cards: Vec<Card>,
    /// Where the next page begins; `None`: this is the last.
    pub next: Option<String>,
    /// What the items can be planned for.
    pub choices: ItemChoices,
    /// The mean of what the last three closed iterations got done.
    pub velocity: Option<Amount>,
    /// What is planned for each iteration that is not closed.
    pub planned: Vec<IterationLine>,
    /// What of it is shown.
    pub filter: BacklogFilter,
    /// Whether the reader may edit any item.
    pub may_edit: bool,
    /// Whether the reader may make items.
    pub may_create: bool,
    /// The views of this page.
    pub views: Vec<crate::table::SavedView>,
    /// Whether the reader may share views.
    pub may_share: bool,
}

/// Where a page of the backlog ended: the rank and the number of its last item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BacklogCursor {
    /// The rank.
    pub rank: String,
    /// The number.
    pub number: i64,
}

impl BacklogCursor {
    /// As it stands in an address: `Xk3.17`.
    pub fn written(&self) -> String {
        format!("{}.{}", self.rank, self.number)
    }

    /// Reads what stands in an address.
    pub fn read(text: &str) -> Option<Self> {
        let (rank, number) = text.rsplit_once('.')?;
        let number = number.parse().ok()?;
        rank.chars().all(|c| c.is_ascii_alphanumeric()).then(|| Self {
            rank: rank.to_owned(),
            number,
        })
    }
}

/// What of the backlog is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BacklogFilter {
    /// Only of this kind.
    pub kind: Option<crate::item::ItemKind>,
    /// Only of this person.
    pub assignee: Option<crate::id::UserId>,
    /// Only with this label.
    pub label: String,
    /// Only with this in the title.
    pub words: String,
}

impl BacklogFilter {
    /// Whether it leaves nothing out.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Reads what stands in an address; what means nothing is left out.
    pub fn read(query: &str) -> Self {
        let mut filter = Self::default();
        for (name, value) in crate::table::pairs(query) {
            match name.as_str() {
                "kind" => filter.kind = crate::item::ItemKind::from_key(&value),
                "assignee" => {
                    filter.assignee = uuid::Uuid::parse_str(&value)
                        .ok()
                        .map(crate::id::TypedId::from_uuid);
                }
                "label" => value.trim().clone_into(&mut filter.label),
                "words" => value.trim().clone_into(&mut filter.words),
                _ => {}
            }
        }
        filter
    }

    /// As it stands in an address. What leaves nothing out says so: the page then opens with no other view.
    pub fn written(&self) -> String {
        if self.is_empty() {
            return String::from("view=all");
        }
        crate::table::query_of([
            ("kind", self.kind.map(|kind| kind.key().to_owned())),
            ("assignee", self.assignee.map(|id| id.to_string())),
            ("label", Some(self.label.clone())),
            ("words", Some(self.words.clone())),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_of_the_backlog_is_shown_survives_the_address() {
        use crate::id::TypedId as _;
        let all = BacklogFilter::default();
        assert_eq!(all.written(), "view=all");
        assert_eq!(BacklogFilter::read("view=all&kind=nothing&assignee=x"), all);
        let some = BacklogFilter {
            kind: Some(crate::item::ItemKind::Bug),
            assignee: Some(crate::id::UserId::from_uuid(uuid::Uuid::from_u128(7))),
            label: String::from("a&b=c 退"),
            words: String::from("<img src=x>"),
        };
        assert_eq!(BacklogFilter::read(&some.written()), some);
    }

    #[test]
    fn an_iteration_is_started_once_and_closed_once() {
        use IterationState::{Closed, Planned, Running};
        assert_eq!(Planned.start(), Ok(Running));
        assert_eq!(Running.close(), Ok(Closed));
        for state in [Running, Closed] {
            assert_eq!(state.start(), Err(CannotStep(state)));
        }
        for state in [Planned, Closed] {
            assert_eq!(state.close(), Err(CannotStep(state)));
        }
    }

    #[test]
    fn a_cursor_is_read_as_it_was_written() {
        let cursor = BacklogCursor {
            rank: String::from("Xk3"),
            number: 17,
        };
        assert_eq!(BacklogCursor::read(&cursor.written()), Some(cursor));
        for wrong in ["", "17", "a.b", "a'b.1", "a.1.x"] {
            assert_eq!(BacklogCursor::read(wrong), None, "{wrong}");
        }
    }
}
