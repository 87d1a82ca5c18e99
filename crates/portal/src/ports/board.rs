//! How boards are set up.

use super::{DueItem, StoreResult};
use crate::access::may::{Modify, See};
use crate::access::{Authorized, Project};
use async_trait::async_trait;
use slipway_domain::board::{BoardSetup, ItemTemplate, Restate, StateCount};
use slipway_domain::id::{ItemId, ItemTemplateId, IterationId, UserId};
use slipway_domain::item::{BugGroup, ItemState, LaneBy};
use slipway_domain::time::Timestamp;

/// How boards are set up, and what that means for the items.
#[async_trait]
pub trait BoardTx: Send {
    /// The setup and its version; 0: nothing was ever changed.
    async fn board_setup(&mut self, project: &Authorized<Project, See>) -> StoreResult<(BoardSetup, i64)>;
    /// Stores the setup. `Gone` or `Constraint` where `version` is not the stored one.
    async fn save_board_setup(
        &mut self,
        project: &Authorized<Project, Modify>,
        setup: &BoardSetup,
        version: i64,
        at: Timestamp,
    ) -> StoreResult<()>;
    /// Waits until no other transaction holds the project's board, and holds it until the end of this one.
    async fn lock_board(&mut self, project: &Authorized<Project, Modify>) -> StoreResult<()>;
    /// Puts the items of a state into what became of it; where that is history, with a row of it for each. How many.
    async fn restate_items(
        &mut self,
        project: &Authorized<Project, Modify>,
        change: &Restate,
        by: Option<UserId>,
        at: Timestamp,
    ) -> StoreResult<u64>;
    /// How many items stand in which state.
    async fn state_counts(&mut self, project: &Authorized<Project, See>) -> StoreResult<Vec<StateCount>>;
    /// How many items of an iteration, or of none, stand in which state.
    async fn states_on_board(
        &mut self,
        project: &Authorized<Project, See>,
        iteration: Option<IterationId>,
    ) -> StoreResult<Vec<(ItemState, i64)>>;
    /// What descriptions can begin with, by name.
    async fn item_templates(&mut self, project: &Authorized<Project, See>) -> StoreResult<Vec<ItemTemplate>>;
    /// Makes a template. `Constraint` where one of the kind is called so.
    async fn insert_item_template(
        &mut self,
        project: &Authorized<Project, Modify>,
        template: &ItemTemplate,
        at: Timestamp,
    ) -> StoreResult<()>;
    /// Changes a template. `Gone` where its version is not the stored one; `Constraint` where another one of the kind is
    /// called so.
    async fn update_item_template(
        &mut self,
        project: &Authorized<Project, Modify>,
        template: &ItemTemplate,
    ) -> StoreResult<()>;
    /// Takes a template away; `Gone` where there is none.
    async fn delete_item_template(
        &mut self,
        project: &Authorized<Project, Modify>,
        id: ItemTemplateId,
    ) -> StoreResult<()>;
    /// The bugs that are open and all of them, by the app they are about and the release they were found in.
    async fn bug_groups(&mut self, project: &Authorized<Project, See>) -> StoreResult<Vec<BugGroup>>;
    /// Items of whoever, in whichever project, that are not over and are due on `tomorrow` or were before `today`, and
    /// whose assignee was not told of that: at most `limit`.
    async fn items_due(&mut self, today: &str, tomorrow: &str, limit: i64) -> StoreResult<Vec<DueItem>>;
    /// Keeps that the assignee was told.
    async fn mark_due_told(&mut self, id: ItemId, told: &str) -> StoreResult<()>;
    /// The epic or the app that each item of an iteration, or of none, belongs to; none where it belongs to none.
    async fn card_lanes(
        &mut self,
        project: &Authorized<Project, See>,
        iteration: Option<IterationId>,
        by: LaneBy,
    ) -> StoreResult<Vec<(ItemId, String)>>;
}
