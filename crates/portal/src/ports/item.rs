//! Work items and iterations.

use super::StoreResult;
use crate::access::may::{Modify, See};
use crate::access::{Authorized, Project};
use async_trait::async_trait;
use slipway_domain::id::{ItemEventId, ItemId, IterationId, ProjectId, ReleaseId, UserId};
use slipway_domain::item::{
    BugRow, Card, Category, Content, ItemChoices, ItemEvent, ItemKind, ItemState, IterationRef, Value,
};
use slipway_domain::person::PersonRef;
use slipway_domain::time::Timestamp;
use slipway_domain::trail::Cause;

/// An item to be made.
#[derive(Clone, Debug)]
pub struct NewItemRow {
    /// Its id.
    pub id: ItemId,
    /// What kind of work.
    pub kind: ItemKind,
    /// Where it stands.
    pub state: ItemState,
    /// What people wrote into it.
    pub content: Content,
    /// Who wrote it.
    pub reporter: UserId,
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
    /// What people wrote into it.
    pub content: Content,
    /// Who wrote it.
    pub reporter: PersonRef,
    /// Where among the others.
    pub rank: String,
    /// When it was made.
    pub created_at: Timestamp,
}

impl ItemRecord {
    /// The iteration it is planned for.
    pub fn iteration(&self) -> Option<IterationId> {
        self.content.iteration.as_ref().map(|iteration| iteration.id)
    }
}

/// A row of an item's history.
#[derive(Clone, Debug)]
pub struct NewItemEvent {
    /// Its id; of one instant and version, ids are in order.
    pub id: ItemEventId,
    /// When.
    pub at: Timestamp,
    /// Who; `None`: Slipway itself.
    pub by: Option<UserId>,
    /// Which field.
    pub field: String,
    /// Its value before.
    pub before: Value,
    /// Its value after.
    pub after: Value,
    /// The category that the item stands in after it, where it is a change of state.
    pub category: Option<Category>,
    /// The item's version after it.
    pub version: i64,
    /// Why nobody did it.
    pub cause: Option<Cause>,
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

/// An item whose assignee has to hear that it is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueItem {
    /// Where.
    pub project: ProjectId,
    /// Which.
    pub id: ItemId,
    /// As in `CHK-12`.
    pub key: String,
    /// In one line.
    pub title: String,
    /// Who does it.
    pub assignee: UserId,
    /// The day it is due.
    pub due_on: String,
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
    /// The last rank of an iteration, or of what is planned for none.
    async fn last_rank(
        &mut self,
        project: &Authorized<Project, See>,
        iteration: Option<IterationId>,
    ) -> StoreResult<Option<String>>;
    /// Moves an item. `Gone` where `version` is not the stored one.
    async fn move_item(
        &mut self,
        project: &Authorized<Project, Modify>,
        id: ItemId,
        version: i64,
        state: &ItemState,
        rank: &str,
        at: Timestamp,
    ) -> StoreResult<()>;
    /// Replaces what people wrote into an item. `Gone` where `version` is not the stored one.
    async fn update_item(
        &mut self,
        project: &Authorized<Project, Modify>,
        id: ItemId,
        version: i64,
        content: &Content,
        at: Timestamp,
    ) -> StoreResult<()>;
    /// Deletes an item, whose history stays. `Gone` where `version` is not the stored one.
    async fn delete_item(
        &mut self,
        project: &Authorized<Project, Modify>,
        id: ItemId,
        version: i64,
        at: Timestamp,
    ) -> StoreResult<()>;
    /// Adds to an item's history, which nothing ever changes.
    async fn append_item_events(
        &mut self,
        project: &Authorized<Project, Modify>,
        id: ItemId,
        events: &[NewItemEvent],
    ) -> StoreResult<()>;
    /// An item's history, newest first, at most 500.
    async fn item_events(
        &mut self,
        project: &Authorized<Project, See>,
        id: ItemId,
    ) -> StoreResult<Vec<ItemEvent>>;
    /// What of an item's content was changed after it had that version, the oldest first, and by whom.
    async fn item_changes_after(
        &mut self,
        project: &Authorized<Project, See>,
        id: ItemId,
        version: i64,
    ) -> StoreResult<Vec<ItemEvent>>;
    /// What an item can be tied to; the people are left out.
    async fn item_choices(&mut self, project: &Authorized<Project, See>) -> StoreResult<ItemChoices>;
    /// The release of that app and version in the project, as in `order-api` and `2.4.1`.
    async fn release_called(
        &mut self,
        project: &Authorized<Project, See>,
        app: &str,
        version: &str,
    ) -> StoreResult<Option<ReleaseId>>;
}
