//! A status: always an icon and a word.

use super::icon::{Icon, icon};
use crate::tr;
use leptos::prelude::*;
use slipway_domain::environment::Health;
use slipway_domain::promotion::PromotionState;
use slipway_domain::run::RunStatus;

/// The eight statuses of the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Green, healthy, done.
    Success,
    /// Under way.
    Running,
    /// Waits for a person.
    Waiting,
    /// Waits for its turn.
    Queued,
    /// Red.
    Failed,
    /// Works, but not as asked; drifted.
    Degraded,
    /// Not run, stopped, never there.
    Cancelled,
    /// Held by a freeze.
    Frozen,
}

impl Status {
    const fn look(self) -> (&'static str, Icon) {
        match self {
            Self::Success => ("pill s-success", Icon::Check),
            Self::Running => ("pill s-running", Icon::Running),
            Self::Waiting => ("pill s-waiting", Icon::Waiting),
            Self::Queued => ("pill s-queued", Icon::Queued),
            Self::Failed => ("pill s-failed", Icon::Cross),
            Self::Degraded => ("pill s-degraded", Icon::Warning),
            Self::Cancelled => ("pill s-cancelled", Icon::Skipped),
            Self::Frozen => ("pill s-frozen", Icon::Frozen),
        }
    }
}

/// A status with its word.
pub fn pill(status: Status, word: String) -> AnyView {
    let (class, sign) = status.look();
    view! { <span class=class>{icon(sign)}{word}</span> }.into_any()
}

/// A word in the look of a quiet pill, without a status: a type, a label.
pub fn tag(word: String) -> AnyView {
    view! { <span class="pill s-queued">{word}</span> }.into_any()
}

/// The health of a workload.
pub fn health(health: Health) -> AnyView {
    let (status, word) = match health {
        Health::Healthy => (Status::Success, tr!(common.health_healthy)),
        Health::Suspended => (Status::Cancelled, tr!(common.health_suspended)),
        Health::Progressing => (Status::Running, tr!(common.health_progressing)),
        Health::Missing => (Status::Failed, tr!(common.health_missing)),
        Health::Degraded => (Status::Failed, tr!(common.health_degraded)),
        Health::Unknown => (Status::Queued, tr!(common.health_unknown)),
    };
    pill(status, word)
}

/// Where a promotion stands.
pub fn promotion(state: PromotionState) -> AnyView {
    use PromotionState as S;
    let (status, word) = match state {
        S::Requested => (Status::Queued, tr!(common.promotion_requested)),
        S::Waiting => (Status::Waiting, tr!(common.promotion_waiting)),
        S::Queued => (Status::Queued, tr!(common.promotion_queued)),
        S::Deploying => (Status::Running, tr!(common.promotion_deploying)),
        S::Verifying => (Status::Running, tr!(common.promotion_verifying)),
        S::Succeeded => (Status::Success, tr!(common.promotion_succeeded)),
        S::Failed => (Status::Failed, tr!(common.promotion_failed)),
        S::Unknown => (Status::Degraded, tr!(common.promotion_unknown)),
        S::Rejected => (Status::Failed, tr!(common.promotion_rejected)),
        S::Expired => (Status::Cancelled, tr!(common.promotion_expired)),
        S::Superseded => (Status::Cancelled, tr!(common.promotion_superseded)),
        S::Cancelled => (Status::Cancelled, tr!(common.promotion_cancelled)),
    };
    pill(status, word)
}

/// Where a run or a job stands; `job` names the one that failed.
pub fn run(status: RunStatus, failed_job: Option<&str>) -> AnyView {
    let (look, word) = run_look(status, failed_job);
    pill(look, word)
}

/// Where a job stands, as an icon in its color with its word for those who cannot see it.
pub fn run_icon(status: RunStatus) -> AnyView {
    let (look, word) = run_look(status, None);
    let (class, sign) = look.look();
    let title = word.clone();
    view! { <span class=format!("{class} bare") title=title>{icon(sign)}<span class="visually-hidden">{word}</span></span> }
        .into_any()
}

fn run_look(status: RunStatus, failed_job: Option<&str>) -> (Status, String) {
    use RunStatus as S;
    match status {
        S::Created | S::WaitingForResource | S::Preparing | S::Pending | S::Scheduled => {
            (Status::Queued, tr!(common.run_queued))
        }
        S::Running => (Status::Running, tr!(common.run_running)),
        S::Success => (Status::Success, tr!(common.run_passed)),
        S::Failed => (
            Status::Failed,
            failed_job.map_or_else(
                || tr!(common.run_failed),
                |job| tr!(common.run_failed_job, job = job),
            ),
        ),
        S::Canceled | S::Canceling => (Status::Cancelled, tr!(common.run_canceled)),
        S::Skipped => (Status::Cancelled, tr!(common.run_skipped)),
        S::Manual => (Status::Waiting, tr!(common.run_manual)),
    }
}
