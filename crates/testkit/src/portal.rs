//! A portal around a store.

use async_trait::async_trait;
use slipway_portal::live::LocalNotifier;
use slipway_portal::ports::{
    Clock, Cluster, ClusterAccess, ClusterConnector, ClusterError, ForgeAccess, ForgeConnector, ForgeError,
    SourceForge, Store,
};
use slipway_portal::seal::Sealer;
use slipway_portal::{Portal, PortalParts};
use std::sync::Arc;

/// Connects to nothing: for use cases that stay inside the database.
#[derive(Clone, Copy, Debug)]
pub struct Unconnected;

impl ForgeConnector for Unconnected {
    fn connect(&self, _: &ForgeAccess) -> Result<Arc<dyn SourceForge>, ForgeError> {
        Err(ForgeError::Unreachable(String::from("this test has no GitLab")))
    }
}

#[async_trait]
impl ClusterConnector for Unconnected {
    async fn connect(&self, _: &ClusterAccess) -> Result<Arc<dyn Cluster>, ClusterError> {
        Err(ClusterError::Unreachable(String::from(
            "this test has no cluster",
        )))
    }
}

/// A portal around `store`.
pub fn portal(
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    forges: Arc<dyn ForgeConnector>,
    clusters: Arc<dyn ClusterConnector>,
) -> Portal {
    Portal::new(PortalParts {
        store,
        forges,
        clusters,
        clock,
        notifier: Arc::new(LocalNotifier::default()),
        sealer: Sealer::new("a key for tests, never for people", &[]),
        public_url: String::from("http://127.0.0.1:3000"),
        wake: tokio::sync::Notify::new(),
    })
}
