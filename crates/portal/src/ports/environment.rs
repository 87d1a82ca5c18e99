//! Environments: the chain of a project, and what runs at each stop of an app.

use super::StoreResult;
use crate::access::may::{Modify, See};
use crate::access::{App, Authorized, Project};
use async_trait::async_trait;
use slipway_domain::app::Observed;
use slipway_domain::approval::ApprovalPolicy;
use slipway_domain::environment::{EnvironmentRef, Gating};
use slipway_domain::id::{
    AppId, ClusterId, DeploymentId, EnvironmentId, GroupId, OrgId, PromotionId, ReleaseId, UserId,
};
use slipway_domain::person::PersonRef;
use slipway_domain::time::Timestamp;

/// Where an environment's workloads run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvironmentBinding {
    /// The cluster.
    pub cluster: ClusterId,
    /// The namespace in it.
    pub namespace: String,
}

/// An environment as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvironmentRecord {
    /// Which.
    pub environment: EnvironmentRef,
    /// Where it runs.
    pub binding: Option<EnvironmentBinding>,
    /// Ref patterns whose green pipelines go there by themselves.
    pub branches: Vec<String>,
    /// What it asks for beside approvals.
    pub gating: Gating,
    /// The approval rules.
    pub policy: ApprovalPolicy,
    /// Grows when the rules change.
    pub rules_version: i64,
    /// Grows with every edit.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What runs at one stop, for the engine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StopRecord {
    /// The last successful deployment and its release.
    pub current: Option<(DeploymentId, ReleaseId)>,
    /// When that was there completely.
    pub deployed_at: Option<Timestamp>,
    /// What Kubernetes reported last.
    pub observed: Option<Observed>,
    /// Who holds the lock, with its fencing token and the end of its lease.
    pub lock: Option<Lock>,
}

/// The lock of an environment for one app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lock {
    /// The promotion that may deploy.
    pub owner: PromotionId,
    /// Its token: grows with every new owner.
    pub fence: i64,
    /// When others may take it.
    pub lease_until: Timestamp,
}

/// A release that is there now.
#[derive(Clone, Debug)]
pub struct NowRunning {
    /// The deployment that brought it.
    pub deployment: DeploymentId,
    /// The release.
    pub release: ReleaseId,
    /// When it was there completely.
    pub at: Timestamp,
    /// Who asked for it.
    pub by: Option<UserId>,
}

/// Environments.
#[async_trait]
pub trait EnvironmentTx: Send {
    /// Makes an environment. `Constraint` where the key is taken in the project.
    async fn insert_environment(
        &mut self,
        project: &Authorized<Project, Modify>,
        environment: &EnvironmentRecord,
    ) -> StoreResult<()>;
    /// Replaces the environment of that id at version `was`; `Gone` where it has another by now.
    async fn update_environment(
        &mut self,
        project: &Authorized<Project, Modify>,
        environment: &EnvironmentRecord,
        was: i64,
    ) -> StoreResult<()>;
    /// Takes the environment out of the chain and unbinds it; `Gone` where it is not in it. Its history stays.
    async fn remove_environment(
        &mut self,
        project: &Authorized<Project, Modify>,
        id: EnvironmentId,
        at: Timestamp,
    ) -> StoreResult<()>;
    /// The environment of that id, and when it was removed, where it was.
    async fn environment(
        &mut self,
        project: &Authorized<Project, See>,
        id: EnvironmentId,
    ) -> StoreResult<Option<(EnvironmentRecord, Option<Timestamp>)>>;
    /// The environments whose approval rules name a group or a role of the organization's own by its id: the names of
    /// project and environment. For `portal::group` and `portal::role`, before they delete it.
    async fn named_by_rules(&mut self, org: OrgId, id: &str) -> StoreResult<Vec<(String, String)>>;
    /// Whether an app has something under way in the environment.
    async fn deploying_to(
        &mut self,
        project: &Authorized<Project, See>,
        id: EnvironmentId,
        now: Timestamp,
    ) -> StoreResult<bool>;
    /// The chain, in order.
    async fn environments(
        &mut self,
        project: &Authorized<Project, See>,
    ) -> StoreResult<Vec<EnvironmentRecord>>;
    /// What runs at the stop, and who holds its lock.
    async fn stop(
        &mut self,
        app: &Authorized<App, See>,
        environment: EnvironmentId,
    ) -> StoreResult<StopRecord>;
    /// Takes the stop's lock for `owner` until `lease`, where it is free, its lease ended, or `owner` has it
    /// already (then with the same fence). `None`: somebody else has it.
    async fn take_lock(
        &mut self,
        app: &Authorized<App, Modify>,
        environment: EnvironmentId,
        owner: PromotionId,
        now: Timestamp,
        lease: Timestamp,
    ) -> StoreResult<Option<Lock>>;
    /// Gives the lock back, where `owner` has it.
    async fn release_lock(
        &mut self,
        app: &Authorized<App, Modify>,
        environment: EnvironmentId,
        owner: PromotionId,
    ) -> StoreResult<()>;
    /// Sets what runs at the stop.
    async fn set_running(
        &mut self,
        app: &Authorized<App, Modify>,
        environment: EnvironmentId,
        running: &NowRunning,
    ) -> StoreResult<()>;
    /// Sets by how many commits the stop is ahead of the next one.
    async fn set_commits_ahead(
        &mut self,
        app: &Authorized<App, Modify>,
        environment: EnvironmentId,
        ahead: Option<i64>,
    ) -> StoreResult<()>;
    /// Sets what Kubernetes reports of the stop.
    async fn set_observed(
        &mut self,
        app: &Authorized<App, Modify>,
        environment: EnvironmentId,
        observed: &Observed,
    ) -> StoreResult<()>;
    /// Points the lane at the promotion it should show, after one changed: the newest that has not ended, or
    /// that ended without success after what runs now.
    async fn refresh_open(
        &mut self,
        app: &Authorized<App, Modify>,
        environment: EnvironmentId,
    ) -> StoreResult<()>;
    /// Active people who are direct members of the group, in the organization.
    async fn people_of_group(&mut self, org: OrgId, group: GroupId) -> StoreResult<Vec<PersonRef>>;
    /// Every stop where something runs, for the reconciler.
    async fn running_stops(&mut self) -> StoreResult<Vec<(AppId, EnvironmentId)>>;
    /// The environments where the release runs now, in chain order.
    async fn running_in(
        &mut self,
        app: &Authorized<App, See>,
        release: ReleaseId,
    ) -> StoreResult<Vec<EnvironmentRef>>;
}
