//! Named points at which a test kills the process, to show that nothing is lost or done twice.
//!
//! A point costs one atomic load unless `SLIPWAY_KILL_AT` names one. The names stand here in one list,
//! so that a test can show that each was covered.

use std::sync::OnceLock;

/// The environment variable that names the point to die at, as in `promotion.applied`.
pub const VARIABLE: &str = "SLIPWAY_KILL_AT";

/// The points of a promotion, from the request to the last look at what runs. Debug builds refuse a name that stands
/// in no list, so that none is forgotten by the test that kills at each.
pub const POINTS: &[&str] = &[
    "outbox.claimed",
    "outbox.ran",
    "promotion.requested",
    "promotion.decided",
    "promotion.evaluated",
    "promotion.starting",
    "promotion.started",
    "promotion.connected",
    "promotion.namespace_made",
    "promotion.quota_applied",
    "promotion.applying_workload",
    "promotion.workload_applied",
    "promotion.applying_service",
    "promotion.service_applied",
    "promotion.applied",
    "promotion.looked",
    "promotion.noted",
    "promotion.rolled_out",
    "promotion.ended",
    "environment.looked",
    "environment.compared",
];

/// The points of a rollback that an environment begins by itself, from the failed rollout to the end.
pub const ROLLBACK_POINTS: &[&str] = &[
    "outbox.claimed",
    "outbox.ran",
    "promotion.starting",
    "promotion.started",
    "promotion.connected",
    "promotion.namespace_made",
    "promotion.applying_workload",
    "promotion.workload_applied",
    "promotion.applying_service",
    "promotion.service_applied",
    "promotion.applied",
    "promotion.looked",
    "promotion.noted",
    "promotion.rolling_back",
    "promotion.rolled_out",
    "promotion.ended",
];

/// The points of pipelines: proposals, runs, releases.
pub const PIPELINE_POINTS: &[&str] = &[
    "proposal.intended",
    "proposal.committed",
    "proposal.opened",
    "run.stored",
    "release.made",
];

/// The points of an import, from the first look at a repository to the end.
pub const IMPORT_POINTS: &[&str] = &[
    "outbox.claimed",
    "outbox.ran",
    "import.started",
    "import.asked",
    "import.making",
    "import.made",
    "import.hooked",
    "import.ended",
];

/// The points of a bulk upgrade, from the first look at an app to its answer.
pub const UPGRADE_POINTS: &[&str] = &[
    "outbox.claimed",
    "outbox.ran",
    "proposal.intended",
    "proposal.committed",
    "proposal.opened",
    "upgrade.proposed",
    "upgrade.settled",
];

/// The points of what moves items by itself, and of their import from a file.
pub const ITEM_POINTS: &[&str] = &["trail.written", "automation.moved", "intake.batch"];

/// The points of items that mirror issues: from the first look to both sides agreeing.
pub const MIRROR_POINTS: &[&str] = &[
    "outbox.claimed",
    "outbox.ran",
    "mirror.page",
    "mirror.read",
    "mirror.taken",
    "mirror.making",
    "mirror.made",
    "mirror.intended",
    "mirror.noted",
    "mirror.written",
    "mirror.met",
];

static KILL_AT: OnceLock<Option<String>> = OnceLock::new();

/// Kills this very process (SIGKILL: no destructor runs) when `SLIPWAY_KILL_AT` is `name`.
pub fn point(name: &'static str) {
    debug_assert!(
        [
            POINTS,
            ROLLBACK_POINTS,
            PIPELINE_POINTS,
            IMPORT_POINTS,
            UPGRADE_POINTS,
            ITEM_POINTS,
            MIRROR_POINTS
        ]
        .iter()
        .any(|points| points.contains(&name)),
        "{name} stands in no list of points"
    );
    let chosen = KILL_AT.get_or_init(|| std::env::var(VARIABLE).ok());
    if chosen.as_deref() == Some(name) {
        tracing::warn!(name, "dying here because {VARIABLE} asks for it");
        let pid = std::process::id().to_string();
        let _ = std::process::Command::new("kill").args(["-9", &pid]).status();
        std::process::abort();
    }
}
