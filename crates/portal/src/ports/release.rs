//! Releases.

use super::StoreResult;
use crate::access::may::{Modify, See};
use crate::access::{App, Authorized};
use async_trait::async_trait;
use slipway_domain::id::{AppId, ReleaseId, RunId, UserId};
use slipway_domain::release::{Commit, Evidence, Image, Workload};
use slipway_domain::time::Timestamp;

/// A release as it is stored. Nothing of it changes but `defective`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseRecord {
    /// Which.
    pub id: ReleaseId,
    /// Of which app.
    pub app: AppId,
    /// Unique in the app.
    pub version: String,
    /// The commit.
    pub sha: String,
    /// The branch or tag it was built from.
    pub git_ref: String,
    /// The run that built it.
    pub run: Option<RunId>,
    /// By digest.
    pub images: Vec<Image>,
    /// How it runs, as it was when the release was made.
    pub workload: Workload,
    /// `key@version` of the pipeline template.
    pub template: Option<String>,
    /// Since the release before, newest first.
    pub commits: Vec<Commit>,
    /// The version of the release before.
    pub previous: Option<String>,
    /// What its pipeline proved.
    pub evidence: Evidence,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who pushed the commit, where known.
    pub created_by: Option<UserId>,
    /// When it was marked defective, and why.
    pub defective: Option<(Timestamp, String)>,
}

/// What was rendered of a release for one environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseManifests {
    /// The environment's key.
    pub environment: String,
    /// The objects in the order they are applied, without a namespace.
    pub objects: Vec<serde_json::Value>,
    /// SHA-256 of their YAML, in hex.
    pub hash: String,
}

/// Releases.
#[async_trait]
pub trait ReleaseTx: Send {
    /// Makes a release. `Constraint` where the version is taken in the app.
    async fn insert_release(
        &mut self,
        app: &Authorized<App, Modify>,
        release: &ReleaseRecord,
    ) -> StoreResult<()>;
    /// Keeps what was rendered of a release for an environment, once.
    async fn insert_manifests(
        &mut self,
        app: &Authorized<App, Modify>,
        release: ReleaseId,
        manifests: &ReleaseManifests,
    ) -> StoreResult<()>;
    /// What was rendered of a release, by the environments' keys; none for releases that are older than this.
    async fn manifests_of(
        &mut self,
        app: &Authorized<App, See>,
        release: ReleaseId,
    ) -> StoreResult<Vec<ReleaseManifests>>;
    /// Releases that were built from a commit or brought it, the newest first: `sha` is the beginning of its hash, in lower-case
    /// hex digits.
    async fn releases_with_commit(
        &mut self,
        app: &Authorized<App, See>,
        sha: &str,
        limit: i64,
    ) -> StoreResult<Vec<ReleaseRecord>>;
    /// The release of that id, in the app.
    async fn release(
        &mut self,
        app: &Authorized<App, See>,
        id: ReleaseId,
    ) -> StoreResult<Option<ReleaseRecord>>;
    /// The release of that version, in the app.
    async fn release_by_version(
        &mut self,
        app: &Authorized<App, See>,
        version: &str,
    ) -> StoreResult<Option<ReleaseRecord>>;
    /// The release that a run made.
    async fn release_of_run(
        &mut self,
        app: &Authorized<App, See>,
        run: RunId,
    ) -> StoreResult<Option<ReleaseRecord>>;
    /// Releases, newest first, made before `before`.
    async fn releases(
        &mut self,
        app: &Authorized<App, See>,
        before: Option<Timestamp>,
        limit: i64,
    ) -> StoreResult<Vec<ReleaseRecord>>;
    /// Marks it defective.
    async fn mark_defective(
        &mut self,
        app: &Authorized<App, Modify>,
        id: ReleaseId,
        at: Timestamp,
        why: &str,
    ) -> StoreResult<()>;
}
