//! What the front page gathers over many apps at once.

use super::StoreResult;
use crate::access::may::See;
use crate::access::{AppScope, Authorized, Org};
use async_trait::async_trait;
use slipway_domain::id::AppId;
use slipway_domain::run::RunRow;

/// The front page.
#[async_trait]
pub trait HomeTx: Send {
    /// Every app of the organization, the ones that ran a pipeline last first: `portal::home` shows of them
    /// what the reader sees.
    async fn apps_in(&mut self, org: &Authorized<Org, See>) -> StoreResult<Vec<AppScope>>;
    /// The newest run of each app's default branch, where it failed.
    async fn failing_in(&mut self, org: &Authorized<Org, See>) -> StoreResult<Vec<(AppId, RunRow)>>;
}
