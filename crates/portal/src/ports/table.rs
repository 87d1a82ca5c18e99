//! The table of work items, and saved views.

use super::StoreResult;
use crate::access::may::See;
use crate::access::{Authorized, Project};
use async_trait::async_trait;
use slipway_domain::id::{SavedViewId, UserId};
use slipway_domain::person::PersonRef;
use slipway_domain::roadmap::RoadmapRow;
use slipway_domain::table::{TableCursor, TableQuery, TableRow, ViewPage};
use slipway_domain::time::Timestamp;

/// A saved view as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewRecord {
    /// Which.
    pub id: SavedViewId,
    /// Who made it.
    pub owner: PersonRef,
    /// Of which page.
    pub page: ViewPage,
    /// What it is called.
    pub name: String,
    /// What stands in the address.
    pub query: String,
    /// Whether everybody in the project has it.
    pub shared: bool,
    /// Whether the page opens with it.
    pub is_default: bool,
    /// Grows with every change.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The table of work items, and saved views. A view is whoever's made it, or everybody's: that is looked at before.
#[async_trait]
pub trait TableTx: Send {
    /// A page of the table: rows with what they are sorted by. `today` is a day as in `2026-11-21`, `week` the seventh
    /// after it.
    async fn table_page(
        &mut self,
        project: &Authorized<Project, See>,
        asked: &TableQuery,
        (today, week): (&str, &str),
        after: Option<&TableCursor>,
        limit: i64,
    ) -> StoreResult<Vec<(TableRow, String)>>;
    /// The epics with what their parts, and theirs, add up to.
    async fn roadmap(
        &mut self,
        project: &Authorized<Project, See>,
        limit: i64,
    ) -> StoreResult<Vec<RoadmapRow>>;
    /// The views that the person has, of a page or of all: their own first, then by name.
    async fn saved_views(
        &mut self,
        project: &Authorized<Project, See>,
        person: UserId,
        page: Option<ViewPage>,
    ) -> StoreResult<Vec<ViewRecord>>;
    /// The view of that id, whoever's it is.
    async fn saved_view(
        &mut self,
        project: &Authorized<Project, See>,
        id: SavedViewId,
    ) -> StoreResult<Option<ViewRecord>>;
    /// Makes a view.
    async fn insert_view(&mut self, project: &Authorized<Project, See>, view: &ViewRecord)
    -> StoreResult<()>;
    /// Changes a view. `Gone` where its version is not the stored one.
    async fn update_view(&mut self, project: &Authorized<Project, See>, view: &ViewRecord)
    -> StoreResult<()>;
    /// Takes a view away.
    async fn delete_view(&mut self, project: &Authorized<Project, See>, id: SavedViewId) -> StoreResult<()>;
    /// Makes no other view of the page the default of the same people.
    async fn clear_default_view(
        &mut self,
        project: &Authorized<Project, See>,
        view: &ViewRecord,
    ) -> StoreResult<()>;
}
