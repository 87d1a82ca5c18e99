//! Organizations, and the front page.

use crate::id::OrgId;
use crate::person::PersonRef;
use crate::project::{Place, ProjectRef};
use crate::promotion::PromotionRow;
use crate::run::RunRow;
use serde::{Deserialize, Serialize};

/// An organization by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrgRef {
    /// Which.
    pub id: OrgId,
    /// In URLs.
    pub slug: String,
    /// For people.
    pub name: String,
    /// Whether it is archived.
    #[serde(default)]
    pub archived: bool,
}

/// A project in its organization's list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectCard {
    /// Which.
    pub project: ProjectRef,
    /// What it is for.
    pub description: String,
    /// How many apps it has.
    pub apps: i64,
    /// Whether all members of the organization see it.
    pub internal: bool,
}

/// What the organization's page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrgOverview {
    /// Which.
    pub org: OrgRef,
    /// The projects the reader sees, by name; archived ones among them.
    pub projects: Vec<ProjectCard>,
    /// Whether the reader may create projects.
    pub may_create_project: bool,
    /// Whether the reader may read the audit log.
    pub may_read_audit: bool,
    /// How far it is set up; `None`: the reader may not manage it.
    pub setup: Option<Setup>,
}

/// How far an organization is set up: what its first project needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setup {
    /// Whether there is a GitLab connection.
    pub gitlab: bool,
    /// Whether there is a cluster.
    pub cluster: bool,
}

/// What the general settings of an organization show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrgSettings {
    /// Which.
    pub org: OrgRef,
}

/// What the frame around every page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chrome {
    /// Who is signed in.
    pub person: PersonRef,
    /// How many promotions wait for their decision.
    pub approvals_waiting: i64,
    /// How many notices they have not read.
    pub notices_unread: i64,
    /// The organization and project of the page, as far as the reader may see them.
    pub place: Option<Place>,
    /// Whether they may read the audit log there.
    pub may_read_audit: bool,
    /// Whether they may manage it.
    pub may_manage: bool,
    /// Whether they are an operator of the whole server.
    pub operator: bool,
}

/// What the front page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MyWork {
    /// Who is signed in.
    pub person: PersonRef,
    /// Promotions that wait for the reader's decision, oldest first.
    pub approvals: Vec<PromotionRow>,
    /// Promotions the reader asked for that have not ended, or failed last, newest first.
    pub promotions: Vec<PromotionRow>,
    /// The newest run of each app's default branch where it failed.
    pub failing: Vec<FailingRun>,
    /// Apps the reader sees, the ones that changed last first, at most 8.
    pub apps: Vec<Place>,
    /// The organizations the reader sees, with their projects.
    pub orgs: Vec<OrgProjects>,
}

/// A failed run and where it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailingRun {
    /// The app.
    pub place: Place,
    /// The run.
    pub run: RunRow,
}

/// An organization with the projects the reader sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrgProjects {
    /// The organization.
    pub org: OrgRef,
    /// Its projects.
    pub projects: Vec<ProjectRef>,
}
