//! The kinds of places, and what is known of one once it is looked up.

use super::Resource;
use slipway_domain::access::ScopeKind;
use slipway_domain::app::AppRef;
use slipway_domain::org::OrgRef;
use slipway_domain::project::{Place, ProjectRef};

/// An organization, as a kind of place.
#[derive(Clone, Copy, Debug)]
pub struct Org;
/// A project, as a kind of place.
#[derive(Clone, Copy, Debug)]
pub struct Project;
/// An app, as a kind of place.
#[derive(Clone, Copy, Debug)]
pub struct App;

/// The whole server, which is no place of any organization: see [`operator`](super::operator).
#[derive(Clone, Copy, Debug)]
pub struct Server;

/// A place of any kind: where roles are held.
#[derive(Clone, Copy, Debug)]
pub struct Anywhere;

/// The names of a place of any kind, as they stand in its address.
#[derive(Clone, Copy, Debug)]
pub struct At<'a> {
    /// The organization.
    pub org: &'a str,
    /// The project; `None`: the organization itself.
    pub project: Option<&'a str>,
    /// The app; `None`: the project itself.
    pub app: Option<&'a str>,
}

impl<'a> At<'a> {
    /// The place of those names; an empty name is none.
    pub fn new(org: &'a str, project: Option<&'a str>, app: Option<&'a str>) -> Self {
        let named = |name: Option<&'a str>| name.filter(|name| !name.is_empty());
        Self {
            org,
            project: named(project),
            app: named(project).and(named(app)),
        }
    }
}

/// A looked-up place of any kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnyScope {
    /// The organization.
    pub org: OrgRef,
    /// The project.
    pub project: Option<ProjectRef>,
    /// The app.
    pub app: Option<AppRef>,
    /// Whether it is in a project that all members of the organization see.
    pub internal: bool,
}

impl AnyScope {
    /// Where that is.
    pub fn place(&self) -> Place {
        Place {
            org: self.org.clone(),
            project: self.project.clone(),
            app: self.app.clone(),
        }
    }

    /// What kind of place it is.
    pub const fn kind(&self) -> ScopeKind {
        match (&self.project, &self.app) {
            (None, _) => ScopeKind::Org,
            (Some(_), None) => ScopeKind::Project,
            (Some(_), Some(_)) => ScopeKind::App,
        }
    }
}

impl From<OrgScope> for AnyScope {
    fn from(scope: OrgScope) -> Self {
        Self {
            org: scope.org,
            project: None,
            app: None,
            internal: false,
        }
    }
}

impl From<ProjectScope> for AnyScope {
    fn from(scope: ProjectScope) -> Self {
        Self {
            org: scope.org,
            project: Some(scope.project),
            app: None,
            internal: scope.internal,
        }
    }
}

impl From<AppScope> for AnyScope {
    fn from(scope: AppScope) -> Self {
        Self {
            app: Some(scope.app),
            ..scope.within.into()
        }
    }
}

/// A looked-up organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrgScope {
    /// Which.
    pub org: OrgRef,
}

/// A looked-up project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectScope {
    /// The organization it is in.
    pub org: OrgRef,
    /// Which.
    pub project: ProjectRef,
    /// Whether all members of the organization see it.
    pub internal: bool,
}

/// A looked-up app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppScope {
    /// The project it is in.
    pub within: ProjectScope,
    /// Which.
    pub app: AppRef,
    /// What names in Kubernetes are made of; renaming leaves it as it is.
    pub workload: WorkloadNames,
}

/// The names of an app in Kubernetes. They stay when places are renamed: a workload cannot be renamed, and the
/// labels that a Deployment selects by cannot be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkloadNames {
    /// The name of the workload: the app's first slug.
    pub name: String,
    /// What it is part of: the project's first slug.
    pub part_of: String,
}

impl OrgScope {
    /// Where that is.
    pub fn place(&self) -> Place {
        Place {
            org: self.org.clone(),
            project: None,
            app: None,
        }
    }
}

impl ProjectScope {
    /// Where that is.
    pub fn place(&self) -> Place {
        Place {
            org: self.org.clone(),
            project: Some(self.project.clone()),
            app: None,
        }
    }
}

impl AppScope {
    /// Where that is.
    pub fn place(&self) -> Place {
        Place {
            org: self.within.org.clone(),
            project: Some(self.within.project.clone()),
            app: Some(self.app.clone()),
        }
    }
}

impl Resource for Org {
    type Scope = OrgScope;
}
impl Resource for Project {
    type Scope = ProjectScope;
}
impl Resource for App {
    type Scope = AppScope;
}
impl Resource for Server {
    type Scope = ();
}
impl Resource for Anywhere {
    type Scope = AnyScope;
}
