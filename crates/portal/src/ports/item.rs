//! Work items and iterations.

use super::StoreResult;
use crate::access::may::{Modify, See};
use crate::access::{Authorized, Project};
use async_trait::async_trait;
use slipway_domain::id::{ItemId, IterationId, UserId};
use slipway_domain::item::{
    BugRow, Card, Category, ItemEvent, ItemKind, ItemState, IterationRef, Priority, Severity,
};
use slipway_domain::person::PersonRef;
use slipway_domain::time::Timestamp;

/// An item to be made.
#[derive(Clone, Debug)]
pub struct NewItemRow {
    /// Its id.
    pub id: ItemId,
    /// What kind of work.
    pub kind: ItemKind,
    /// In one line.
    pub title: String,
    /// In as many words as it takes.
    pub description: String,
    /// Where it stands.
    pub state: ItemState,
    /// How soon it is wanted.
    pub priority: Priority,
    /// How bad, for bugs.
    pub severity: Option<Severity>,
    /// Who does it.
    pub assignee: Option<UserId>,
    /// Who wrote it.
    pub reporter: UserId,
    /// The iteration it is planned for.
    pub iteration: Option<IterationId>,
    /// The estimate.
    pub points: Option<i64>,
    /// Where among the others.
    pub rank: String,
    /// When.
    pub at: Timestamp,
}

/// An item as it is stored.
#[derive(Clone, Debug)]
pub struct ItemRecord {
    /// What its card shows.
    pub card: Card,
    /// In as many words as it takes.
    pub description: String,
    /// Who wrote it.
    pub reporter: PersonRef,
    /// The iteration it is planned for.
    pub iteration: Option<IterationId>,
    /// Where among the others.
    pub rank: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// An iteration to be started.
#[derive(Clone, Debug)]
pub struct NewIteration {
    /// Its id.
    pub id: IterationId,
    /// For people.
    pub name: String,
    /// What it is for.
    pub goal: String,
    /// `YYYY-MM-DD`.
    pub starts_on: String,
    /// `YYYY-MM-DD`.
    pub ends_on: String,
    /// When it was started.
    pub at: Timestamp,
}

/// Work items and iterations.
#[async_trait]
pub trait ItemTx: Send {
    /// The iteration that runs.
    async fn running_iteration(
        &mut self,
        project: &Authorized<Project, See>,
    ) -> StoreResult<Option<IterationRef>>;
    /// The iteration of that id, in the project.
    async fn iteration(
        &mut self,
        project: &Authorized<Project, See>,
        id: IterationId,
    ) -> StoreResult<Option<IterationRef>>;
    /// Starts an iteration; its number. `Constraint` where one runs already.
    async fn insert_iteration(
        &mut self,
        project: &Authorized<Project, Modify>,
        iteration: &NewIteration,
    ) -> StoreResult<i64>;
    /// The cards of an iteration, by category and rank.
    async fn cards(
        &mut self,
        project: &Authorized<Project, See>,
        iteration: Option<IterationId>,
    ) -> StoreResult<Vec<Card>>;
    /// The bugs: open ones first, by severity, then by age.
    async fn bugs(&mut self, project: &Authorized<Project, See>, limit: i64) -> StoreResult<Vec<BugRow>>;
    /// The items with a number above `after`, by number.
    async fn items_after(
        &mut self,
        project: &Authorized<Project, See>,
        after: i64,
        limit: i64,
    ) -> StoreResult<Vec<Card>>;
    /// Makes an item; its number in the project.
    async fn insert_item(
        &mut self,
        project: &Authorized<Project, Modify>,
        item: &NewItemRow,
    ) -> StoreResult<i64>;
    /// The item of that number.
    async fn item(
        &mut self,
        project: &Authorized<Project, See>,
        number: i64,
    ) -> StoreResult<Option<ItemRecord>>;
    /// The rank of an item of the project.
    async fn item_rank(
        &mut self,
        project: &Authorized<Project, See>,
        id: ItemId,
    ) -> StoreResult<Option<String>>;
    /// The last rank in a column of an iteration.
    async fn last_rank(
        &mut self,
        project: &Authorized<Project, See>,
        iteration: Option<IterationId>,
        category: Category,
    ) -> StoreResult<Option<String>>;
    /// Moves an item. `Gone` where `version` is not the stored one.
    async fn move_item(
        &mut self,
        project: &Authorized<Project, Modify>,
        id: ItemId,
        version: i64,
        state: ItemState,
        rank: &str,
        at: Timestamp,
    ) -> StoreResult<()>;
    /// Adds to an item's history.
    async fn append_item_event(
        &mut self,
        project: &Authorized<Project, Modify>,
        id: ItemId,
        event: &ItemEvent,
    ) -> StoreResult<()>;
    /// An item's history, newest first.
    async fn item_events(
        &mut self,
        project: &Authorized<Project, See>,
        id: ItemId,
    ) -> StoreResult<Vec<ItemEvent>>;
}
