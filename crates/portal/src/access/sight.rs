//! What an actor sees of a whole organization: for what looks through all of it at once.

use super::{AppScope, Authorized, Org, ProjectScope, may::See};
use crate::context::OpCtx;
use crate::error::Result;
use slipway_domain::access::Action;
use slipway_domain::id::{AppId, OrgId, ProjectId};

/// Proof of what the actor sees of one organization, place by place. Store methods that take it answer of nothing
/// else.
#[derive(Clone)]
pub struct Sight {
    org: Authorized<Org, See>,
    projects: Vec<ProjectScope>,
    apps: Vec<AppScope>,
}

impl Sight {
    /// The organization.
    pub const fn org(&self) -> &Authorized<Org, See> {
        &self.org
    }

    /// Its id.
    pub fn org_id(&self) -> OrgId {
        self.org.id()
    }

    /// Its projects that the actor sees.
    pub fn projects(&self) -> &[ProjectScope] {
        &self.projects
    }

    /// Its apps that the actor sees.
    pub fn apps(&self) -> &[AppScope] {
        &self.apps
    }

    /// One of the projects.
    pub fn project(&self, id: ProjectId) -> Option<&ProjectScope> {
        self.projects.iter().find(|scope| scope.project.id == id)
    }

    /// One of the apps.
    pub fn app(&self, id: AppId) -> Option<&AppScope> {
        self.apps.iter().find(|scope| scope.app.id == id)
    }
}

/// What the actor sees of the organization.
///
/// # Errors
/// The database does not answer.
pub async fn sight(ctx: &OpCtx, org: Authorized<Org, See>) -> Result<Sight> {
    let rights = ctx.rights().await?;
    let mut tx = ctx.read().await?;
    let mut projects = tx.every_project(&org).await?;
    projects.retain(|scope| rights.in_project(scope).has(Action::See));
    let mut apps = tx.every_app(&org).await?;
    apps.retain(|scope| rights.in_app(scope).has(Action::See));
    Ok(Sight { org, projects, apps })
}
