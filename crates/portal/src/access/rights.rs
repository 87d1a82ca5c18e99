//! What an actor's roles give, and what is left of it in a place as it is now.

use super::{AnyScope, AppScope, ProjectScope};
use crate::ports::Binding;
use slipway_domain::access::{Action, ActionSet, Role};
use slipway_domain::feature::Features;
use slipway_domain::id::{AppId, OrgId, ProjectId};
use slipway_domain::project::Place;
use slipway_domain::role::Granter;
use std::collections::{HashMap, HashSet};

/// What an actor may do where.
#[derive(Clone, Debug, Default)]
pub struct Rights {
    everything: bool,
    /// What a token lets its owner do at all; `None`: no token was sent.
    limit: Option<ActionSet>,
    /// The only project that a token opens; `None`: every one that its owner may.
    only: Option<ProjectId>,
    orgs: HashMap<OrgId, (ActionSet, ActionSet)>,
    projects: HashMap<ProjectId, ActionSet>,
    apps: HashMap<AppId, ActionSet>,
    projects_of_apps: HashSet<ProjectId>,
    owned: HashSet<OrgId>,
    /// What each single role gives, where it is held: at an organization and below, or in a project.
    single: Vec<(OrgId, Option<ProjectId>, ActionSet)>,
}

impl Rights {
    /// Slipway's own.
    pub(crate) fn system() -> Self {
        Self {
            everything: true,
            ..Self::default()
        }
    }

    /// The union of what the roles give.
    pub fn of(bindings: Vec<Binding>) -> Self {
        let mut rights = Self::default();
        for Binding {
            org,
            project,
            app,
            role,
        } in bindings
        {
            let (at_org, below) = rights.orgs.entry(org).or_default();
            if app.is_none() && (project.is_some() || role.inherits_below()) {
                rights.single.push((org, project, role.actions()));
            }
            match (project, app) {
                (None, _) => {
                    if role.is(Role::OrgOwner) {
                        rights.owned.insert(org);
                    }
                    *at_org = at_org.union(role.actions());
                    if role.inherits_below() {
                        *below = below.union(role.actions());
                    }
                }
                (Some(project), None) => {
                    *at_org = at_org.union(ActionSet::of(&[Action::See]));
                    let held = rights.projects.entry(project).or_default();
                    *held = held.union(role.actions());
                }
                (Some(project), Some(app)) => {
                    *at_org = at_org.union(ActionSet::of(&[Action::See]));
                    rights.projects_of_apps.insert(project);
                    let held = rights.apps.entry(app).or_default();
                    *held = held.union(role.actions());
                }
            }
        }
        rights
    }

    /// The rights as far as `limit` goes, in no project but `only`: those of a token.
    #[must_use]
    pub fn within(self, limit: ActionSet, only: Option<ProjectId>) -> Self {
        Self {
            limit: Some(limit),
            only,
            ..self
        }
    }

    fn opens(&self, project: ProjectId) -> bool {
        self.only.is_none_or(|only| only == project)
    }

    fn limited(&self, actions: ActionSet) -> ActionSet {
        self.limit.map_or(actions, |limit| actions.within(limit))
    }

    /// What the actor may do at the organization itself.
    pub fn at_org(&self, org: OrgId) -> ActionSet {
        if self.everything {
            return ActionSet::all();
        }
        self.limited(self.orgs.get(&org).map_or(ActionSet::EMPTY, |(here, _)| *here))
    }

    /// What the actor may do in the project as it is now: archived, or with features switched off.
    pub fn in_project(&self, project: &ProjectScope) -> ActionSet {
        let held = self.in_project_of(project.org.id, project.project.id, project.internal);
        self.left(held, &project.place())
    }

    /// What of `held` is left in a place that is archived or has features switched off.
    fn left(&self, held: ActionSet, place: &Place) -> ActionSet {
        if self.everything {
            return held;
        }
        let features = place
            .project
            .as_ref()
            .map_or_else(Features::default, |p| p.features);
        let held = features.leave(held);
        if place.archived().is_some() {
            held.reading()
        } else {
            held
        }
    }

    /// What the roles of the actor give in the project of that id.
    pub fn in_project_of(&self, org: OrgId, project: ProjectId, internal: bool) -> ActionSet {
        if self.everything {
            return ActionSet::all();
        }
        let Some((_, below)) = self.orgs.get(&org).filter(|_| self.opens(project)) else {
            return ActionSet::EMPTY;
        };
        let mut actions = below.union(self.projects.get(&project).copied().unwrap_or_default());
        if internal || self.projects_of_apps.contains(&project) {
            actions = actions.union(ActionSet::of(&[Action::See]));
        }
        self.limited(actions)
    }

    /// Whether the actor holds the role in the project, or one that can do all that it can. A token limits what is done,
    /// not who its owner is.
    pub fn covers(&self, project: &ProjectScope, role: Role) -> bool {
        let held = |(org, at, actions): &(OrgId, Option<ProjectId>, ActionSet)| {
            *org == project.org.id
                && at.is_none_or(|at| at == project.project.id)
                && role.actions().is_within(*actions)
        };
        self.everything || self.single.iter().any(held)
    }

    /// What the actor may do with the app as it is now. A role in one app of a project does not show the others.
    pub fn in_app(&self, app: &AppScope) -> ActionSet {
        self.left(self.in_app_of(&app.within, app.app.id), &app.place())
    }

    /// What the roles of the actor give with the app of that id in `project`.
    pub fn in_app_of(&self, project: &ProjectScope, app: AppId) -> ActionSet {
        if self.everything {
            return ActionSet::all();
        }
        let opened = self.orgs.get(&project.org.id);
        let Some((_, below)) = opened.filter(|_| self.opens(project.project.id)) else {
            return ActionSet::EMPTY;
        };
        let mut actions = below
            .union(
                self.projects
                    .get(&project.project.id)
                    .copied()
                    .unwrap_or_default(),
            )
            .union(self.apps.get(&app).copied().unwrap_or_default());
        if project.internal {
            actions = actions.union(ActionSet::of(&[Action::See]));
        }
        self.limited(actions)
    }

    /// What the actor may do at a place of any kind as it is now.
    pub fn at(&self, place: &AnyScope) -> ActionSet {
        let Some(project) = &place.project else {
            return self.at_org(place.org.id);
        };
        let within = ProjectScope {
            org: place.org.clone(),
            project: project.clone(),
            internal: place.internal,
        };
        match &place.app {
            None => self.in_project(&within),
            Some(app) => self.left(self.in_app_of(&within, app.id), &place.place()),
        }
    }

    /// What decides which roles the actor may give and take at the place.
    pub fn granter(&self, place: &AnyScope) -> Granter {
        Granter {
            owner: self.everything || self.owned.contains(&place.org.id),
            at_org: self.at_org(place.org.id),
            here: self.at(place),
            limit: self.limit,
        }
    }

    /// The organizations the actor is in.
    pub fn orgs(&self) -> impl Iterator<Item = OrgId> + '_ {
        self.orgs.keys().copied()
    }
}
