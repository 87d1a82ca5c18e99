//! What the cluster of a stop has against what was applied.

use super::StoreResult;
use crate::access::may::{Modify, See};
use crate::access::{App, Authorized};
use async_trait::async_trait;
use slipway_domain::drift::Drift;
use slipway_domain::id::EnvironmentId;

/// Drift.
#[async_trait]
pub trait DriftTx: Send {
    /// What the last look at the stop found; `None`: nobody looked since what runs there came.
    async fn drift(
        &mut self,
        app: &Authorized<App, See>,
        environment: EnvironmentId,
    ) -> StoreResult<Option<Drift>>;
    /// Sets what a look at the stop found; `Gone` where something else than `drift.deployment` runs there by now.
    async fn set_drift(
        &mut self,
        app: &Authorized<App, Modify>,
        environment: EnvironmentId,
        drift: &Drift,
    ) -> StoreResult<()>;
}
