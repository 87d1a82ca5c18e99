//! Projects, and the grid of app × environment.

use crate::app::{AppRef, LaneStop};
use crate::environment::EnvironmentRef;
use crate::id::ProjectId;
use crate::org::OrgRef;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A project by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectRef {
    /// Which.
    pub id: ProjectId,
    /// In URLs.
    pub slug: String,
    /// For people.
    pub name: String,
    /// The letters before the number of its work items, as in `CHK-12`.
    pub key: String,
}

/// Where a page is: an organization, maybe a project in it, maybe an app in that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The organization.
    pub org: OrgRef,
    /// The project.
    pub project: Option<ProjectRef>,
    /// The app.
    pub app: Option<AppRef>,
}

impl Place {
    /// The path of the page of this place, as in `/orgs/acme/projects/checkout`.
    pub fn path(&self) -> String {
        let mut path = format!("/orgs/{}", self.org.slug);
        if let Some(project) = &self.project {
            path = format!("{path}/projects/{}", project.slug);
            if let Some(app) = &self.app {
                path = format!("{path}/apps/{}", app.slug);
            }
        }
        path
    }
}

/// A row of the project grid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GridRow {
    /// The app.
    pub app: AppRef,
    /// One stop an environment, in chain order.
    pub stops: Vec<LaneStop>,
}

/// What the project's page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectGrid {
    /// Where.
    pub place: Place,
    /// What the project is for.
    pub description: String,
    /// The chain.
    pub environments: Vec<EnvironmentRef>,
    /// One row an app, by name.
    pub rows: Vec<GridRow>,
    /// Whether the reader may create apps.
    pub may_create_app: bool,
    /// Whether the reader may read the project's audit log.
    pub may_read_audit: bool,
    /// When the page was put together.
    pub as_of: Timestamp,
}
