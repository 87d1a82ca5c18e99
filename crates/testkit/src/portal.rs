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
use std::sync::atomic::{AtomicUsize, Ordering};

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

/// Has no cluster either, and counts who asks for one.
#[derive(Debug, Default)]
pub struct Counted(AtomicUsize);

impl Counted {
    /// How often a cluster was asked for.
    pub fn asked(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl ClusterConnector for Counted {
    async fn connect(&self, access: &ClusterAccess) -> Result<Arc<dyn Cluster>, ClusterError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        ClusterConnector::connect(&Unconnected, access).await
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
