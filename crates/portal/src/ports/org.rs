//! Organizations and projects.

use super::StoreResult;
use crate::access::may::{Modify, See};
use crate::access::{Authorized, Org, Project};
use async_trait::async_trait;
use slipway_domain::environment::EnvironmentRef;
use slipway_domain::id::{OrgId, ProjectId};
use slipway_domain::org::{OrgRef, ProjectCard};
use slipway_domain::project::GridRow;
use slipway_domain::time::Timestamp;

/// An organization to be made.
#[derive(Clone, Debug)]
pub struct NewOrg {
    /// Its id.
    pub id: OrgId,
    /// In URLs.
    pub slug: String,
    /// For people.
    pub name: String,
    /// When.
    pub at: Timestamp,
}

/// A project to be made.
#[derive(Clone, Debug)]
pub struct NewProject {
    /// Its id.
    pub id: ProjectId,
    /// In URLs.
    pub slug: String,
    /// The letters of its work items' keys.
    pub key: String,
    /// For people.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whether all members of the organization see it.
    pub internal: bool,
    /// When.
    pub at: Timestamp,
}

/// Organizations.
#[async_trait]
pub trait OrgTx: Send {
    /// Makes an organization (`slipway user create-owner`, the demo).
    async fn insert_org(&mut self, org: &NewOrg) -> StoreResult<()>;
    /// Every organization, by name: `portal::org` shows of them what the reader is in.
    async fn orgs(&mut self) -> StoreResult<Vec<OrgRef>>;
    /// Every project of the organization, by name: `portal::org` shows of them what the reader sees.
    async fn projects(&mut self, org: &Authorized<Org, See>) -> StoreResult<Vec<ProjectCard>>;
}

/// Projects.
#[async_trait]
pub trait ProjectTx: Send {
    /// Makes a project.
    async fn insert_project(
        &mut self,
        org: &Authorized<Org, Modify>,
        project: &NewProject,
    ) -> StoreResult<()>;
    /// What the project is for, and its environments in chain order.
    async fn project_chain(
        &mut self,
        project: &Authorized<Project, See>,
    ) -> StoreResult<(String, Vec<EnvironmentRef>)>;
    /// The grid: every app with its stops, by name.
    async fn project_grid(&mut self, project: &Authorized<Project, See>) -> StoreResult<Vec<GridRow>>;
}
