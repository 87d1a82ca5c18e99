//! Holds on what goes to a stop, and how long releases have been healthy there.

use super::StoreResult;
use crate::access::may::{Modify, See};
use crate::access::{App, Authorized};
use async_trait::async_trait;
use slipway_domain::hold::Hold;
use slipway_domain::id::{EnvironmentId, HoldId, ReleaseId, UserId};
use slipway_domain::time::Timestamp;

/// How long a release has been healthy at a stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SoakRecord {
    /// So long, in µs.
    pub healthy_for: i64,
    /// When it was last seen healthy, where the time from then on may count.
    pub seen_at: Option<Timestamp>,
}

/// Holds and soaks.
#[async_trait]
pub trait HoldTx: Send {
    /// Puts the stop on hold. `Constraint` where it is, in the same way.
    async fn insert_hold(
        &mut self,
        app: &Authorized<App, Modify>,
        environment: EnvironmentId,
        hold: &Hold,
    ) -> StoreResult<()>;
    /// Lifts the hold; `Gone` where it is not on.
    async fn lift_hold(
        &mut self,
        app: &Authorized<App, Modify>,
        id: HoldId,
        by: UserId,
        at: Timestamp,
    ) -> StoreResult<()>;
    /// The holds that are on, with where, oldest first.
    async fn holds(&mut self, app: &Authorized<App, See>) -> StoreResult<Vec<(EnvironmentId, Hold)>>;
    /// How long the release has been healthy at the stop.
    async fn soak(
        &mut self,
        app: &Authorized<App, See>,
        environment: EnvironmentId,
        release: ReleaseId,
    ) -> StoreResult<SoakRecord>;
    /// Sets how long the release has been healthy at the stop.
    async fn set_soak(
        &mut self,
        app: &Authorized<App, Modify>,
        environment: EnvironmentId,
        release: ReleaseId,
        soak: SoakRecord,
    ) -> StoreResult<()>;
}
