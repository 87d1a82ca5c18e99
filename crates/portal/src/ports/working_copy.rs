//! Working copies of pipelines, and who edits them.

use super::StoreResult;
use crate::access::may::{Modify, See};
use crate::access::{App, Authorized};
use async_trait::async_trait;
use slipway_domain::id::UserId;
use slipway_domain::person::PersonRef;
use slipway_domain::time::Timestamp;
use slipway_domain::working_copy::WorkingCopy;

/// Working copies: at most one an app.
#[async_trait]
pub trait WorkingCopyTx: Send {
    /// The app's working copy.
    async fn working_copy(&mut self, app: &Authorized<App, See>) -> StoreResult<Option<WorkingCopy>>;
    /// Keeps the first working copy of the app, as version 1. `Gone`: there is one.
    async fn insert_working_copy(
        &mut self,
        app: &Authorized<App, Modify>,
        by: UserId,
        copy: &WorkingCopy,
    ) -> StoreResult<()>;
    /// Replaces a working copy that still has the version of `copy`, and raises it. `Gone`: it has another one.
    async fn update_working_copy(
        &mut self,
        app: &Authorized<App, Modify>,
        by: UserId,
        copy: &WorkingCopy,
    ) -> StoreResult<()>;
    /// Forgets a working copy that still has this version. `Gone`: it has another one.
    async fn delete_working_copy(&mut self, app: &Authorized<App, Modify>, version: i64) -> StoreResult<()>;
    /// Somebody's editor is open at this time; whether they were not known to edit since `since`.
    async fn note_editor(
        &mut self,
        app: &Authorized<App, Modify>,
        who: UserId,
        at: Timestamp,
        since: Timestamp,
    ) -> StoreResult<bool>;
    /// Whose editor was open since then, by name.
    async fn editors(&mut self, app: &Authorized<App, See>, since: Timestamp) -> StoreResult<Vec<PersonRef>>;
}
