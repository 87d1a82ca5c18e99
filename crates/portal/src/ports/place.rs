//! Places of every kind: renaming, archiving, deleting, and the switches and quotas of a project.

use super::StoreResult;
use crate::access::may::{Modify, See};
use crate::access::{App, Authorized, Managed, Org, Project};
use async_trait::async_trait;
use slipway_domain::feature::Features;
use slipway_domain::id::{AppId, EnvironmentId, OrgId};
use slipway_domain::quota::{Quota, QuotaRow};
use slipway_domain::release::Workload;
use slipway_domain::time::Timestamp;

/// A workload in an environment.
#[derive(Clone, Debug, PartialEq)]
pub struct PlacedWorkload {
    /// Whose it is.
    pub app: AppId,
    /// What it asks for.
    pub workload: Workload,
    /// Whether it is being deployed; otherwise it runs.
    pub coming: bool,
}

/// What a project is to be called, and who sees it.
#[derive(Clone, Debug)]
pub struct ProjectEdit {
    /// In URLs.
    pub slug: String,
    /// For people.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whether all members of the organization see it.
    pub internal: bool,
}

/// What an app is to be called.
#[derive(Clone, Debug)]
pub struct AppEdit {
    /// In URLs.
    pub slug: String,
    /// For people.
    pub name: String,
    /// What it is for.
    pub description: String,
}

/// Places.
#[async_trait]
pub trait PlaceTx: Send {
    /// Changes what an organization is called.
    async fn edit_org(&mut self, org: &Authorized<Org, Modify>, slug: &str, name: &str) -> StoreResult<()>;
    /// Changes what a project is called and who sees it. Its first slug is kept.
    async fn edit_project(
        &mut self,
        project: &Authorized<Project, Modify>,
        edit: &ProjectEdit,
    ) -> StoreResult<()>;
    /// Changes what an app is called. Its first slug is kept.
    async fn edit_app(&mut self, app: &Authorized<App, Modify>, edit: &AppEdit) -> StoreResult<()>;
    /// Keeps the slug that `place` has now as an old one at `at`, since it gets `slug`, which leads nowhere else from
    /// now on.
    async fn retire_slug(&mut self, place: &Managed, slug: &str, at: Timestamp) -> StoreResult<()>;
    /// Has `slug` lead to no renamed organization from now on, since a new one gets it.
    async fn claim_org_slug(&mut self, slug: &str) -> StoreResult<()>;
    /// As [`claim_org_slug`](Self::claim_org_slug), for a new project.
    async fn claim_project_slug(&mut self, org: &Authorized<Org, Modify>, slug: &str) -> StoreResult<()>;
    /// As [`claim_org_slug`](Self::claim_org_slug), for a new app.
    async fn claim_app_slug(&mut self, project: &Authorized<Project, Modify>, slug: &str) -> StoreResult<()>;
    /// The name of the app of the project, other than `but`, whose workload in Kubernetes is called `slug`.
    async fn workload_of(
        &mut self,
        project: &Authorized<Project, See>,
        slug: &str,
        but: Option<AppId>,
    ) -> StoreResult<Option<String>>;
    /// Archives the place at an instant, or restores it.
    async fn set_archived(&mut self, place: &Managed, at: Option<Timestamp>) -> StoreResult<()>;
    /// What runs in the place: names of app and environment, at most ten.
    async fn deployed_in(&mut self, place: &Managed) -> StoreResult<Vec<(String, String)>>;
    /// How many promotions in the place have not ended.
    async fn unfinished_in(&mut self, place: &Managed) -> StoreResult<i64>;
    /// The apps of the place that have a repository.
    async fn connected_in(&mut self, place: &Managed) -> StoreResult<Vec<AppId>>;
    /// Deletes the place with everything in it but its audit log.
    async fn delete_place(&mut self, place: &Managed, at: Timestamp) -> StoreResult<()>;
    /// Id and slug of every organization that has an audit log, deleted ones too: for `slipway audit verify`.
    async fn audited_orgs(&mut self) -> StoreResult<Vec<(OrgId, String)>>;
    /// Switches the features of a project.
    async fn set_features(
        &mut self,
        project: &Authorized<Project, Modify>,
        features: Features,
    ) -> StoreResult<()>;
    /// The quota of each environment of the project, in chain order.
    async fn quotas(&mut self, project: &Authorized<Project, See>) -> StoreResult<Vec<QuotaRow>>;
    /// The quota that was set last for an environment of the project, also one without limits; `None`: none ever was.
    async fn quota(
        &mut self,
        project: &Authorized<Project, See>,
        environment: EnvironmentId,
    ) -> StoreResult<Option<Quota>>;
    /// What runs in the environment, and what is being deployed there, in no order.
    async fn workloads(
        &mut self,
        project: &Authorized<Project, See>,
        environment: EnvironmentId,
    ) -> StoreResult<Vec<PlacedWorkload>>;
    /// Sets the quota of an environment of the project.
    async fn set_quota(
        &mut self,
        project: &Authorized<Project, Modify>,
        environment: EnvironmentId,
        quota: &Quota,
    ) -> StoreResult<()>;
}
