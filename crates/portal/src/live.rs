//! Invalidations: what changed, never how. Clients fetch again through an authorized call.

use async_trait::async_trait;
use parking_lot::{Mutex, RwLock};
use slipway_domain::id::{AppId, OrgId, ProjectId, UserId};
use std::collections::VecDeque;
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
    /// The organization it belongs to; `None`: none, it is the server's own and its operators hear of it.
    pub org: Option<OrgId>,
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
    /// What was told lately with a version above `since` (µs since the epoch), oldest first: for who listens only
    /// now to what they read then.
    fn lately(&self, since: i64) -> Vec<Invalidation>;
    /// Waits for a moment until what was published has left this process. For its orderly end.
    async fn flush(&self) {}
}

/// A [`Notifier`] within one process.
#[derive(Debug)]
pub struct LocalNotifier {
    sender: RwLock<Sender<Invalidation>>,
    lately: Mutex<VecDeque<Invalidation>>,
}

/// How many invalidations are kept for who listens late.
const KEPT: usize = 512;

/// How many invalidations a slow listener may fall behind.
const BEHIND: usize = 4096;

impl LocalNotifier {
    /// Ends every subscription, so that whoever listened connects and reads again: something may have been missed.
    pub fn end_all(&self) {
        *self.sender.write() = Sender::new(BEHIND);
    }
}

impl Default for LocalNotifier {
    fn default() -> Self {
        Self {
            sender: RwLock::new(Sender::new(BEHIND)),
            lately: Mutex::new(VecDeque::with_capacity(KEPT)),
        }
    }
}

impl Notifier for LocalNotifier {
    fn publish(&self, invalidation: Invalidation) {
        {
            let mut lately = self.lately.lock();
            if lately.len() == KEPT {
                lately.pop_front();
            }
            lately.push_back(invalidation.clone());
        }
        // An error means that nobody listens.
        let _ = self.sender.read().send(invalidation);
    }

    fn subscribe(&self) -> Receiver<Invalidation> {
        self.sender.read().subscribe()
    }

    fn lately(&self, since: i64) -> Vec<Invalidation> {
        let lately = self.lately.lock();
        lately
            .iter()
            .filter(|told| told.version > since)
            .cloned()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use slipway_domain::id::TypedId;

    fn told(version: i64) -> Invalidation {
        Invalidation {
            topic: String::from("app"),
            id: String::from("1"),
            version,
            org: Some(OrgId::from_uuid(uuid::Uuid::nil())),
            project: None,
            app: None,
            user: None,
        }
    }

    #[test]
    fn who_listens_late_hears_what_came_after_what_they_read() {
        let notifier = LocalNotifier::default();
        for version in 1..=3 {
            notifier.publish(told(version));
        }
        assert_eq!(notifier.lately(1), [told(2), told(3)]);
        assert!(notifier.lately(3).is_empty());
    }

    #[test]
    fn only_so_much_is_kept() {
        let notifier = LocalNotifier::default();
        let many = i64::try_from(KEPT).unwrap() + 10;
        for version in 1..=many {
            notifier.publish(told(version));
        }
        let kept = notifier.lately(0);
        assert_eq!((kept.len(), kept[0].version), (KEPT, 11));
    }
}
