//! Rollouts: what Kubernetes reports of a workload, and the verdict by its own conditions and generations.

use crate::environment::Health;
use crate::text::Text;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What runs pods as the cluster reports it: a Deployment, `StatefulSet`, `DaemonSet`, Job or `CronJob`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkloadStatus {
    /// `metadata.uid`.
    pub uid: String,
    /// `metadata.annotations`.
    pub annotations: BTreeMap<String, String>,
    /// `metadata.generation`: grows with every change of the spec.
    pub generation: i64,
    /// `status.observedGeneration`: what the controller has seen of it.
    pub observed_generation: i64,
    /// `spec.paused`.
    pub paused: bool,
    /// `spec.replicas`.
    pub desired: i64,
    /// `status.replicas`: all pods, of old revisions too.
    pub total: i64,
    /// `status.updatedReplicas`: pods of the newest revision.
    pub updated: i64,
    /// `status.readyReplicas`.
    pub ready: i64,
    /// `status.availableReplicas`.
    pub available: i64,
    /// The reason of the condition `Progressing`, as in `ProgressDeadlineExceeded`.
    pub progressing: Option<String>,
    /// The message of the condition `ReplicaFailure` while it is true: pods cannot be made, by a quota say.
    pub replica_failure: Option<String>,
    /// Why a Job failed for good.
    #[serde(default)]
    pub failed: Option<String>,
}

/// Where a rollout stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rollout {
    /// Every pod asked for is of the newest revision and available, and no old one is left.
    Complete,
    /// On its way, and how far.
    Progressing(Text),
    /// Pods cannot be made: Kubernetes' message. It may pass.
    Blocked(String),
    /// No progress within the deadline.
    Failed(Text),
}

impl WorkloadStatus {
    /// Where the rollout of the newest generation stands, as `kubectl rollout status` judges it.
    pub fn rollout(&self) -> Rollout {
        if self.generation > self.observed_generation {
            return Rollout::Progressing(Text::new(
                "Kubernetes has not looked at the change yet",
                "Kubernetes 尚未处理本次变更",
            ));
        }
        if self.progressing.as_deref() == Some("ProgressDeadlineExceeded") {
            return Rollout::Failed(Text::new(
                format!(
                    "The rollout made no progress within its deadline: {} of {} pods available.",
                    self.available, self.desired
                ),
                format!(
                    "发布在期限内没有进展：{}/{} 个 Pod 可用。",
                    self.available, self.desired
                ),
            ));
        }
        if let Some(message) = &self.failed {
            return Rollout::Failed(Text::verbatim(message.clone()));
        }
        if let Some(message) = &self.replica_failure {
            return Rollout::Blocked(message.clone());
        }
        if self.updated < self.desired {
            return Rollout::Progressing(Text::new(
                format!("{} of {} pods have the new revision", self.updated, self.desired),
                format!("{}/{} 个 Pod 已更新到新版本", self.updated, self.desired),
            ));
        }
        if self.total > self.updated {
            let old = self.total - self.updated;
            return Rollout::Progressing(Text::new(
                format!("{old} pods of the revision before are being stopped"),
                format!("正在停止 {old} 个旧版本 Pod"),
            ));
        }
        if self.available < self.updated {
            return Rollout::Progressing(Text::new(
                format!("{} of {} new pods are available", self.available, self.updated),
                format!("{}/{} 个新 Pod 可用", self.available, self.updated),
            ));
        }
        Rollout::Complete
    }

    /// The verdict on the workload as it runs, and why it is not healthy.
    pub fn health(&self) -> (Health, Option<Text>) {
        if self.paused {
            return (
                Health::Suspended,
                Some(Text::new(
                    "the rollout is paused in Kubernetes",
                    "发布已在 Kubernetes 中暂停",
                )),
            );
        }
        match self.rollout() {
            Rollout::Complete if self.desired == 0 => (
                Health::Suspended,
                Some(Text::new("scaled to nothing", "副本数为 0")),
            ),
            Rollout::Complete => (Health::Healthy, None),
            Rollout::Failed(why) => (Health::Degraded, Some(why)),
            Rollout::Blocked(message) => (Health::Degraded, Some(Text::verbatim(message))),
            // The rollout was complete before: pods were lost since.
            Rollout::Progressing(why) if self.progressing.as_deref() == Some("NewReplicaSetAvailable") => {
                (Health::Degraded, Some(why))
            }
            Rollout::Progressing(why) => (Health::Progressing, Some(why)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn done(replicas: i64) -> WorkloadStatus {
        WorkloadStatus {
            generation: 2,
            observed_generation: 2,
            desired: replicas,
            total: replicas,
            updated: replicas,
            ready: replicas,
            available: replicas,
            progressing: Some(String::from("NewReplicaSetAvailable")),
            ..WorkloadStatus::default()
        }
    }

    #[test]
    fn a_rollout_is_complete_only_when_every_pod_is_new_and_available() {
        assert_eq!(done(2).rollout(), Rollout::Complete);
        assert_eq!(done(2).health().0, Health::Healthy);
        assert_eq!(done(0).health().0, Health::Suspended);
        let unseen = WorkloadStatus {
            observed_generation: 1,
            ..done(2)
        };
        assert!(matches!(unseen.rollout(), Rollout::Progressing(_)));
        let lost = WorkloadStatus {
            available: 1,
            ready: 1,
            ..done(2)
        };
        assert_eq!(lost.health().0, Health::Degraded);
        let stuck = WorkloadStatus {
            progressing: Some(String::from("ProgressDeadlineExceeded")),
            available: 0,
            ..done(2)
        };
        assert!(matches!(stuck.rollout(), Rollout::Failed(_)));
    }

    proptest! {
        #[test]
        fn complete_means_seen_updated_available_and_nothing_old(
            (generation, observed, desired) in (1..4_i64, 0..4_i64, 0..4_i64),
            (total, updated, available) in (0..6_i64, 0..4_i64, 0..4_i64),
        ) {
            let status = WorkloadStatus {
                generation, observed_generation: observed, desired, total, updated, available, ready: available,
                ..WorkloadStatus::default()
            };
            if status.rollout() == Rollout::Complete {
                prop_assert!(observed >= generation && updated >= desired && total <= updated && available >= updated);
            }
            if status.health().0 == Health::Healthy {
                prop_assert_eq!(status.rollout(), Rollout::Complete);
            }
        }
    }
}
