//! Freeze windows.

use super::StoreResult;
use crate::access::may::{Modify, See};
use crate::access::{Anywhere, App, Authorized};
use async_trait::async_trait;
use slipway_domain::freeze::Freeze;
use slipway_domain::id::{AppId, FreezeId, ProjectId};
use slipway_domain::person::PersonRef;
use slipway_domain::time::Timestamp;

/// A freeze window as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FreezeRecord {
    /// The window.
    pub freeze: Freeze,
    /// The project it is of; `None`: the organization's.
    pub project: Option<ProjectId>,
    /// The app it is of.
    pub app: Option<AppId>,
    /// Who made it.
    pub made_by: Option<PersonRef>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Freeze windows.
#[async_trait]
pub trait FreezeTx: Send {
    /// Makes a window at the place.
    async fn insert_freeze(
        &mut self,
        place: &Authorized<Anywhere, Modify>,
        record: &FreezeRecord,
    ) -> StoreResult<()>;
    /// Replaces the window of that id at the place; `Gone` where there is none.
    async fn update_freeze(
        &mut self,
        place: &Authorized<Anywhere, Modify>,
        freeze: &Freeze,
    ) -> StoreResult<()>;
    /// Removes the window of that id at the place; `Gone` where there is none.
    async fn delete_freeze(&mut self, place: &Authorized<Anywhere, Modify>, id: FreezeId) -> StoreResult<()>;
    /// The windows of the place and of those above it, the outermost and oldest first.
    async fn freezes_at(&mut self, place: &Authorized<Anywhere, See>) -> StoreResult<Vec<FreezeRecord>>;
    /// The windows that hold for the app: its own, its project's and its organization's.
    async fn freezes_of(&mut self, app: &Authorized<App, See>) -> StoreResult<Vec<Freeze>>;
}
