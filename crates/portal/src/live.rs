//! Invalidations: what changed, never how. Clients fetch again through an authorized call.

use slipway_domain::id::{AppId, OrgId, ProjectId, UserId};

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
pub trait Notifier: Send + Sync {
    /// Tells everyone. Never blocks; may lose messages when a listener is too slow (they refetch).
    fn publish(&self, invalidation: Invalidation);
    /// Listens from now on.
    fn subscribe(&self) -> tokio::sync::broadcast::Receiver<Invalidation>;
}

/// A [`Notifier`] within one process.
#[derive(Debug)]
pub struct LocalNotifier(tokio::sync::broadcast::Sender<Invalidation>);

impl Default for LocalNotifier {
    fn default() -> Self {
        Self(tokio::sync::broadcast::channel(4096).0)
    }
}

impl Notifier for LocalNotifier {
    fn publish(&self, invalidation: Invalidation) {
        // An error means that nobody listens.
        let _ = self.0.send(invalidation);
    }

    fn subscribe(&self) -> tokio::sync::broadcast::Receiver<Invalidation> {
        self.0.subscribe()
    }
}
