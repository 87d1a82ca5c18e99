//! Invalidations: what changed, never how. Clients fetch again through an authorized call.

use async_trait::async_trait;
use parking_lot::RwLock;
use slipway_domain::id::{AppId, OrgId, ProjectId, UserId};
use tokio::sync::broadcast::{Receiver, Sender};

/// What one event of the SSE stream is made from. Only `topic`, `id` and `version` reach a browser; the
/// rest says who may hear of it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Invalidation {
    /// The kind of thing: `app`, `project`, `run`, `promotion`, `approvals`, `board`, `item`, …
    pub topic: String,
    /// Its id.
    pub id: String,
    /// Grows with every change of the thing: µs since the epoch at commit.
    pub version: i64,
    /// The organization it belongs to.
    pub org: OrgId,
    /// The project it belongs to; `None`: the organization itself.
    pub project: Option<ProjectId>,
    /// The app it belongs to; `None`: the project itself.
    pub app: Option<AppId>,
    /// The only person it is meant for; `None`: whoever sees the place.
    pub user: Option<UserId>,
}

/// Carries invalidations to every replica.
#[async_trait]
pub trait Notifier: Send + Sync {
    /// Tells everyone. Never blocks; may lose messages when a listener is too slow (they refetch).
    fn publish(&self, invalidation: Invalidation);
    /// Listens from now on. A subscription that ends or lags means: read everything again.
    fn subscribe(&self) -> Receiver<Invalidation>;
    /// Waits for a moment until what was published has left this process. For its orderly end.
    async fn flush(&self) {}
}

/// A [`Notifier`] within one process.
#[derive(Debug)]
pub struct LocalNotifier(RwLock<Sender<Invalidation>>);

/// How many invalidations a slow listener may fall behind.
const BEHIND: usize = 4096;

impl LocalNotifier {
    /// Ends every subscription, so that whoever listened connects and reads again: something may have been missed.
    pub fn end_all(&self) {
        *self.0.write() = Sender::new(BEHIND);
    }
}

impl Default for LocalNotifier {
    fn default() -> Self {
        Self(RwLock::new(Sender::new(BEHIND)))
    }
}

impl Notifier for LocalNotifier {
    fn publish(&self, invalidation: Invalidation) {
        // An error means that nobody listens.
        let _ = self.0.read().send(invalidation);
    }

    fn subscribe(&self) -> Receiver<Invalidation> {
        self.0.read().subscribe()
    }
}
