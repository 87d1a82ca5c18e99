//! Projects, and the grid of app × environment.

use crate::access::ScopeKind;
use crate::app::{AppRef, LaneStop};
use crate::environment::EnvironmentRef;
use crate::feature::{Feature, Features};
use crate::id::ProjectId;
use crate::org::OrgRef;
use crate::quota::QuotaRow;
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
    /// Whether it is archived.
    #[serde(default)]
    pub archived: bool,
    /// Which features it has.
    #[serde(default)]
    pub features: Features,
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

    /// The names of the place and of those above it, for people, as in `Acme / Checkout`.
    pub fn names(&self) -> String {
        let project = self.project.as_ref().map(|project| project.name.as_str());
        let app = self.app.as_ref().map(|app| app.name.as_str());
        let names: Vec<_> = std::iter::once(self.org.name.as_str())
            .chain(project)
            .chain(app)
            .collect();
        names.join(" / ")
    }

    /// Which place is archived, and with it all below: the highest one.
    pub fn archived(&self) -> Option<ScopeKind> {
        if self.org.archived {
            Some(ScopeKind::Org)
        } else if self.project.as_ref().is_some_and(|project| project.archived) {
            Some(ScopeKind::Project)
        } else if self.app.as_ref().is_some_and(|app| app.archived) {
            Some(ScopeKind::App)
        } else {
            None
        }
    }

    /// Whether the project of the place has the feature; where there is no project, nothing is switched off.
    pub fn has(&self, feature: Feature) -> bool {
        self.project
            .as_ref()
            .is_none_or(|project| project.features.has(feature))
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
    /// One row an app, by name; archived ones among them.
    pub rows: Vec<GridRow>,
    /// Whether the reader may create apps.
    pub may_create_app: bool,
    /// Whether the reader may import repositories as apps.
    #[serde(default)]
    pub may_import: bool,
    /// Whether the reader may read the project's audit log.
    pub may_read_audit: bool,
    /// When the page was put together.
    pub as_of: Timestamp,
}

/// What the settings of a project show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectSettings {
    /// Where.
    pub place: Place,
    /// What the project is for.
    pub description: String,
    /// Whether all members of the organization see it.
    pub internal: bool,
    /// The quota of each environment, in chain order.
    pub quotas: Vec<QuotaRow>,
    /// Whether the reader may set quotas.
    pub may_set_quotas: bool,
}
