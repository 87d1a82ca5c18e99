//! Rollouts: what Kubernetes reports of a workload, and the verdict by its own conditions and generations.

use crate::environment::Health;
use crate::text::Text;
use crate::time::Timestamp;
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
    /// The runs of a `CronJob` that are still there, the newest first.
    #[serde(default)]
    pub runs: Vec<Run>,
}

/// How a run of a `CronJob` went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunOutcome {
    /// It has not ended.
    Running,
    /// As many of its pods as it asks for ended well.
    Succeeded,
    /// It failed for good.
    Failed,
}

/// One run of a `CronJob`: a Job that it made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The Job's name.
    pub name: String,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// How it went.
    pub outcome: RunOutcome,
    /// Why it failed, in Kubernetes' words.
    pub message: Option<String>,
    /// Whether it began after the last deployment: one from before says nothing of what is there now.
    pub current: bool,
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

    /// The last run that ended, of those that began after the last deployment.
    pub fn last_run(&self) -> Option<&Run> {
        let mut ended = self.runs.iter().filter(|run| run.outcome != RunOutcome::Running);
        ended.find(|run| run.current)
    }

    /// The verdict on the workload as it runs, and why it is not healthy. How a schedule is depends on its last run; whether it
    /// was rolled out does not.
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
            Rollout::Complete => match self.last_run().filter(|run| run.outcome == RunOutcome::Failed) {
                Some(run) => (Health::Degraded, Some(failed_run(run))),
                None => (Health::Healthy, None),
            },
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

fn failed_run(run: &Run) -> Text {
    let why = |between: &str| {
        run.message
            .as_ref()
            .map_or_else(String::new, |why| format!("{between}{why}"))
    };
    Text::new(
        format!("The last run, {}, failed{}", run.name, why(": ")),
        format!("最近一次运行 {} 失败{}", run.name, why("：")),
    )
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

    #[test]
    fn a_schedule_is_as_well_as_its_last_run_that_ended_since_it_was_deployed() {
        let run = |name: &str, outcome, current| Run {
            name: name.to_owned(),
            started_at: None,
            ended_at: None,
            outcome,
            message: Some(String::from("the backoff limit was reached")),
            current,
        };
        let of = |runs| WorkloadStatus { runs, ..done(1) };
        assert_eq!(of(Vec::new()).health(), (Health::Healthy, None));
        let failed = of(vec![
            run("n-3", RunOutcome::Running, true),
            run("n-2", RunOutcome::Failed, true),
            run("n-1", RunOutcome::Succeeded, true),
        ]);
        let (health, why) = failed.health();
        assert_eq!(health, Health::Degraded);
        assert_eq!(
            why.map(|why| why.en).as_deref(),
            Some("The last run, n-2, failed: the backoff limit was reached")
        );
        // A release that mends it can be deployed, and is not judged by what ran before it.
        assert_eq!(failed.rollout(), Rollout::Complete);
        assert_eq!(
            of(vec![run("n-2", RunOutcome::Failed, false)]).health().0,
            Health::Healthy
        );
        let mended = of(vec![
            run("n-3", RunOutcome::Succeeded, true),
            run("n-2", RunOutcome::Failed, true),
        ]);
        assert_eq!(mended.health().0, Health::Healthy);
        let suspended = WorkloadStatus {
            paused: true,
            ..failed
        };
        assert_eq!(suspended.health().0, Health::Suspended);
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
