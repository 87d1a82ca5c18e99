//! Watches of clusters: what they are about, and what they have seen stay as it was.

use super::StoreResult;
use async_trait::async_trait;
use slipway_domain::id::{AppId, ClusterId, EnvironmentId, OrgId, PromotionId};
use slipway_domain::promotion::PromotionState;
use slipway_domain::time::Timestamp;

/// A stop of a cluster where something runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchedStop {
    /// The app.
    pub app: AppId,
    /// The environment.
    pub environment: EnvironmentId,
    /// Where it is in the cluster.
    pub namespace: String,
}

/// What watches ask and note, for the server's own workers.
#[async_trait]
pub trait WatchTx: Send {
    /// The clusters that environments are bound to in which something runs or is being deployed.
    async fn clusters_in_use(&mut self) -> StoreResult<Vec<(OrgId, ClusterId)>>;
    /// Every stop of the cluster where something runs.
    async fn stops_of_cluster(&mut self, cluster: ClusterId) -> StoreResult<Vec<WatchedStop>>;
    /// Where a promotion goes, and where it stands.
    async fn place_of_promotion(
        &mut self,
        id: PromotionId,
    ) -> StoreResult<Option<(AppId, EnvironmentId, PromotionState)>>;
    /// Notes that everything that runs in the cluster is at `now` as it was seen last; what was seen healthy at most `gap` µs
    /// ago has been healthy since.
    async fn as_seen_before(&mut self, cluster: ClusterId, now: Timestamp, gap: i64) -> StoreResult<()>;
}
