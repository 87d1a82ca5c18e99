//! Applications: the unit that is built, released and deployed.

use crate::drift::DriftBrief;
use crate::environment::{EnvironmentRef, Health};
use crate::id::{AppId, DeploymentId, PromotionId, ReleaseId};
use crate::person::PersonRef;
use crate::project::Place;
use crate::promotion::{OpenPromotion, PromotionState};
use crate::run::{ProposalView, RunRow};
use crate::template::Suggested;
use crate::text::Text;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// An app by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppRef {
    /// Which.
    pub id: AppId,
    /// In URLs.
    pub slug: String,
    /// For people.
    pub name: String,
    /// Whether it is archived.
    #[serde(default)]
    pub archived: bool,
}

/// The repository an app is built from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repository {
    /// The connection's name.
    pub connection: String,
    /// GitLab's numeric project id.
    pub project_id: i64,
    /// The path, as in `acme/order-api`.
    pub path: String,
    /// The default branch; `None` while the repository has no commits.
    pub default_branch: Option<String>,
    /// Where people see it.
    pub web_url: String,
}

/// A repository one could connect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepositoryChoice {
    /// GitLab's numeric project id.
    pub project_id: i64,
    /// The path, as in `acme/order-api`.
    pub path: String,
    /// What GitLab says it is for.
    pub description: String,
    /// The default branch; `None` while the repository has no commits.
    pub default_branch: Option<String>,
    /// The name of the app that already uses it.
    pub used_by: Option<String>,
}

/// What runs in one environment, and what is on its way there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneStop {
    /// The environment.
    pub environment: EnvironmentRef,
    /// The last successful deployment; `None`: never deployed.
    pub current: Option<Deployed>,
    /// The newest promotion that has not ended, or that ended without success after `current`.
    pub open: Option<LanePromotion>,
    /// What Kubernetes reports now; `None` before the first look.
    pub observed: Option<Observed>,
    /// Commits this environment is ahead of the next one in the chain; `None` where there is nothing to
    /// compare.
    pub commits_ahead: Option<i64>,
    /// What differs there from what was applied; `None`: nothing does, or nobody looked yet.
    #[serde(default)]
    pub drift: Option<DriftBrief>,
}

/// A release where it runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployed {
    /// Which deployment.
    pub deployment: DeploymentId,
    /// Which release.
    pub release: ReleaseId,
    /// Its version.
    pub version: String,
    /// Its commit, whole.
    pub sha: String,
    /// When it was there completely.
    pub at: Timestamp,
    /// Who asked for it; `None`: a branch rule.
    pub by: Option<PersonRef>,
}

/// A promotion at its stop on the lane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LanePromotion {
    /// Which.
    pub id: PromotionId,
    /// The version that is on its way.
    pub version: String,
    /// Its commit.
    pub sha: String,
    /// Where it stands.
    pub state: PromotionState,
    /// Why it waits or failed, in one line.
    pub reason: Option<Text>,
    /// Whose turn it is to decide, by name; nobody: it waits for something else.
    #[serde(default)]
    pub waits_for: Vec<PersonRef>,
    /// Since when it is on its way.
    #[serde(default)]
    pub since: Option<Timestamp>,
}

/// What Kubernetes reported last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    /// The verdict.
    pub health: Health,
    /// Why, in one line.
    pub reason: Option<Text>,
    /// Pods that are ready.
    pub ready: i64,
    /// Pods that are asked for.
    pub desired: i64,
    /// When it was reported.
    pub at: Timestamp,
}

/// What the reader may do with the app.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "one flag a right, each shown by its own button"
)]
pub struct AppRights {
    /// Connect a repository, change settings.
    pub manage: bool,
    /// See the settings, archived or not.
    #[serde(default)]
    pub settings: bool,
    /// Edit and propose pipelines.
    pub edit_pipeline: bool,
    /// Run pipelines.
    pub run_pipeline: bool,
    /// Promote to development and testing tiers.
    pub promote_test: bool,
    /// Promote to staging and production tiers.
    pub promote_production: bool,
    /// Roll back.
    pub rollback: bool,
    /// Read the audit log of the app.
    pub read_audit: bool,
}

/// What the app's page shows above its runs and promotions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppOverview {
    /// Where.
    pub place: Place,
    /// What the app is for.
    pub description: String,
    /// The repository, once connected.
    pub repository: Option<Repository>,
    /// The lane, in chain order.
    pub lane: Vec<LaneStop>,
    /// The newest release and the next environment of the chain it could go to.
    pub next: Option<NextPromotion>,
    /// What the reader may do.
    pub rights: AppRights,
    /// When the page was put together.
    pub as_of: Timestamp,
}

/// What the app's page shows, all of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppPage {
    /// The app, its repository and its lane.
    pub overview: AppOverview,
    /// The last five runs.
    pub runs: Vec<RunRow>,
    /// The promotion that waits or runs nearest to the users, or failed last.
    pub open: Option<OpenPromotion>,
    /// The newest proposed pipeline, while its merge request is open.
    pub proposal: Option<ProposalView>,
    /// A newer version of the template of its pipeline, or what else there is to know of it.
    pub suggested: Option<Suggested>,
    /// What GitLab last failed to answer.
    pub trouble: Option<Text>,
}

/// The step the page offers first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextPromotion {
    /// Which release.
    pub release: ReleaseId,
    /// Its version.
    pub version: String,
    /// Where to.
    pub environment: EnvironmentRef,
    /// Why the reader cannot ask for it now; `None`: they can.
    pub blocked: Option<Text>,
}

/// What the settings of an app show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppSettings {
    /// Where.
    pub place: Place,
    /// What the app is for.
    pub description: String,
    /// The repository, once connected.
    pub repository: Option<Repository>,
    /// The name of its workload in Kubernetes, which a new slug does not change.
    pub workload: String,
}
