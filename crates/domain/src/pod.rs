//! Pods: what an app's workload is made of in a cluster, their events and their logs, and how many there are to be.

use crate::app::Deployed;
use crate::drift::DriftBrief;
use crate::environment::EnvironmentRef;
use crate::project::Place;
use crate::rollout::Run;
use crate::text::Text;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The most pods that one may ask for by hand.
pub const MOST_REPLICAS: u32 = 200;

/// How many lines of a log one may ask for, as the page offers them.
pub const LINES: [u32; 4] = [100, 500, 2000, 5000];

/// A container of a pod.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// Whether it runs to its end before the others start.
    pub init: bool,
    /// The image, as the pod names it.
    pub image: String,
    /// `Running`, or why it waits or ended, in Kubernetes' words.
    pub state: String,
    /// Whether it is ready.
    pub ready: bool,
    /// How often it was restarted.
    pub restarts: i64,
    /// Whether a run before is there whose log can be read.
    pub previous: bool,
}

/// A pod.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pod {
    /// Its name.
    pub name: String,
    /// Its state in a word, as `kubectl get pods` shows it: `Running`, `CrashLoopBackOff`, `Terminating`.
    pub status: String,
    /// Whether all of its containers are ready.
    pub ready: bool,
    /// Whether it is of the newest revision.
    pub newest: bool,
    /// How often its containers were restarted.
    pub restarts: i64,
    /// The node it runs on; `None`: none yet.
    pub node: Option<String>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// Its containers, those that run first first.
    pub containers: Vec<Container>,
}

impl Pod {
    /// How many of its containers are ready, of those that stay.
    pub fn ready_containers(&self) -> (usize, usize) {
        let stay = self.containers.iter().filter(|c| !c.init);
        (stay.clone().filter(|c| c.ready).count(), stay.count())
    }
}

/// Something that happened to the workload or one of its pods, as Kubernetes tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Whether it is a warning.
    pub warning: bool,
    /// As in `BackOff`.
    pub reason: String,
    /// In a sentence.
    pub message: String,
    /// What it happened to, as in `Pod order-api-1`.
    pub object: String,
    /// How often.
    pub count: i64,
    /// When it happened last.
    pub at: Option<Timestamp>,
}

/// What the page of an environment of an app shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodsPage {
    /// Where.
    pub place: Place,
    /// In which environment.
    pub environment: EnvironmentRef,
    /// What was deployed there; `None`: nothing yet.
    pub current: Option<Deployed>,
    /// How many pods are asked for; `None`: there is no workload, or nobody could tell.
    pub desired: Option<i64>,
    /// The pods, of the newest revision first.
    pub pods: Vec<Pod>,
    /// The runs of a schedule, the newest first.
    #[serde(default)]
    pub runs: Vec<Run>,
    /// The events, the newest first.
    pub events: Vec<Event>,
    /// Whether the reader may scale and restart it.
    pub may_scale: bool,
    /// What differs there from what was deployed.
    pub drift: Option<DriftBrief>,
    /// Why the cluster did not tell.
    pub trouble: Option<Text>,
    /// When it was asked.
    pub as_of: Timestamp,
}

/// What is asked of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogAsk {
    /// Of which pod.
    pub pod: String,
    /// Of which container; empty: the first that stays.
    pub container: String,
    /// Of the run before.
    pub previous: bool,
    /// How many lines of its end.
    pub lines: u32,
}

/// What the page of a pod's log shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogPage {
    /// Where.
    pub place: Place,
    /// In which environment.
    pub environment: EnvironmentRef,
    /// The pod.
    pub pod: Pod,
    /// The container.
    pub container: String,
    /// Whether it is the run before.
    pub previous: bool,
    /// How many lines were asked for.
    pub lines: u32,
    /// The end of the log.
    pub text: String,
    /// Why the cluster did not tell.
    pub trouble: Option<Text>,
    /// When it was asked.
    pub as_of: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_that_run_to_their_end_first_do_not_count() {
        let container = |init, ready| Container {
            name: String::from("c"),
            init,
            image: String::new(),
            state: String::from("Running"),
            ready,
            restarts: 0,
            previous: false,
        };
        let pod = Pod {
            name: String::from("p"),
            status: String::from("Running"),
            ready: false,
            newest: true,
            restarts: 0,
            node: None,
            created_at: None,
            containers: vec![
                container(true, true),
                container(false, true),
                container(false, false),
            ],
        };
        assert_eq!(pod.ready_containers(), (1, 2));
    }
}
