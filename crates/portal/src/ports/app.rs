//! Applications.

use super::StoreResult;
use crate::access::may::{Modify, See};
use crate::access::{App, Authorized, Project};
use async_trait::async_trait;
use slipway_domain::app::{LaneStop, Repository};
use slipway_domain::id::{AppId, ConnectionId};
use slipway_domain::release::Workload;
use slipway_domain::time::Timestamp;

/// An app to be made.
#[derive(Clone, Debug)]
pub struct NewApp {
    /// Its id.
    pub id: AppId,
    /// In URLs.
    pub slug: String,
    /// For people.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// How it runs.
    pub workload: Workload,
    /// When.
    pub at: Timestamp,
}

/// The repository of an app, as Slipway needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryLink {
    /// Through which connection.
    pub connection: ConnectionId,
    /// What people see of it.
    pub repository: Repository,
    /// GitLab's id of the webhook.
    pub hook_id: Option<i64>,
    /// The webhook's secret token, sealed.
    pub hook_secret: Option<String>,
}

/// Applications.
#[async_trait]
pub trait AppTx: Send {
    /// Makes an app.
    async fn insert_app(&mut self, project: &Authorized<Project, Modify>, app: &NewApp) -> StoreResult<()>;
    /// What the app is for, its repository and how it runs.
    async fn app_detail(
        &mut self,
        app: &Authorized<App, See>,
    ) -> StoreResult<(String, Option<RepositoryLink>, Workload)>;
    /// The lane: one stop an environment, in chain order.
    async fn app_lane(&mut self, app: &Authorized<App, See>) -> StoreResult<Vec<LaneStop>>;
    /// Connects the repository, or changes what is known of it.
    async fn set_repository(
        &mut self,
        app: &Authorized<App, Modify>,
        link: &RepositoryLink,
    ) -> StoreResult<()>;
    /// Sets how the app runs. Releases made before keep what they were made with.
    async fn set_workload(&mut self, app: &Authorized<App, Modify>, workload: &Workload) -> StoreResult<()>;
    /// The apps that are built from that repository, for webhooks and reconcilers.
    async fn apps_of_repository(
        &mut self,
        connection: ConnectionId,
        project_id: i64,
    ) -> StoreResult<Vec<AppId>>;
    /// The repositories that apps are connected to through a connection, each with its app.
    async fn repositories_in_use(&mut self, connection: ConnectionId) -> StoreResult<Vec<(i64, AppId)>>;
    /// Every app with a repository, for reconcilers.
    async fn connected_apps(&mut self) -> StoreResult<Vec<AppId>>;
}
