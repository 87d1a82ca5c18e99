//! What every call does first: what may this person do here? A check on rights that are loaded is to take at most 5 µs.
//!
//! The person is one who has been everywhere: in three organizations, with roles of their own and through groups, at
//! organizations, projects and apps, built-in ones and those that an organization made.

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use slipway_domain::access::{Action, ActionSet, Role, ScopeKind};
use slipway_domain::app::AppRef;
use slipway_domain::feature::Features;
use slipway_domain::id::{AppId, OrgId, ProjectId, RoleId, TypedId};
use slipway_domain::org::OrgRef;
use slipway_domain::project::ProjectRef;
use slipway_domain::role::{CustomRole, HeldRole};
use slipway_domain::token::{Scope, Scopes};
use slipway_portal::access::{AppScope, ProjectScope, Rights, WorkloadNames};
use slipway_portal::ports::Binding;
use std::hint::black_box;
use uuid::Uuid;

/// Organizations, projects in each, and apps in each of those.
const ORGS: u128 = 3;
const PROJECTS: u128 = 40;
const APPS: u128 = 6;
/// Groups that the person is in, of each organization, and the projects that each holds a role in.
const GROUPS: u128 = 5;
const OF_GROUP: u128 = 8;

fn id<T: TypedId>(kind: u128, number: u128) -> T {
    T::from_uuid(Uuid::from_u128(kind << 64 | number))
}

fn org(org: u128) -> OrgId {
    id(1, org)
}

fn project(org: u128, project: u128) -> ProjectId {
    id(2, org * PROJECTS + project)
}

fn app(org: u128, project: u128, app: u128) -> AppId {
    id(3, (org * PROJECTS + project) * APPS + app)
}

/// A role that an organization made.
fn captain() -> HeldRole {
    HeldRole::Custom(CustomRole {
        id: id::<RoleId>(4, 1),
        name: String::from("Captain"),
        scope: ScopeKind::Project,
        actions: ActionSet::of(&[Action::See, Action::PromoteTest, Action::Rollback]),
    })
}

/// Every role of the person: those that they hold themselves, then those of their groups.
fn bindings() -> Vec<Binding> {
    let mut all = Vec::new();
    for at in 0..ORGS {
        let mut held = |project: Option<u128>, of: Option<u128>, role: HeldRole| {
            all.push(Binding {
                org: org(at),
                project: project.map(|one| self::project(at, one)),
                app: project.zip(of).map(|(one, of)| app(at, one, of)),
                role,
            });
        };
        held(None, None, Role::OrgMember.into());
        for one in 0..PROJECTS {
            match one % 5 {
                0 => held(Some(one), None, Role::ProjectDeveloper.into()),
                1 => held(Some(one), None, captain()),
                2 => {
                    held(Some(one), Some(0), Role::AppOwner.into());
                    held(Some(one), Some(1), Role::AppOps.into());
                }
                _ => {}
            }
        }
        for group in 0..GROUPS {
            for nth in 0..OF_GROUP {
                held(
                    Some((group * 7 + nth * 3) % PROJECTS),
                    None,
                    Role::ProjectViewer.into(),
                );
            }
        }
    }
    all
}

fn project_scope(at: u128, one: u128) -> ProjectScope {
    ProjectScope {
        org: OrgRef {
            id: org(at),
            slug: format!("org-{at}"),
            name: format!("Organization {at}"),
            archived: false,
        },
        project: ProjectRef {
            id: project(at, one),
            slug: format!("project-{one}"),
            name: format!("Project {one}"),
            key: format!("P{one}"),
            archived: false,
            features: Features::default(),
        },
        internal: one.is_multiple_of(9),
    }
}

/// Every app of every project.
fn scopes() -> Vec<AppScope> {
    let mut all = Vec::new();
    for at in 0..ORGS {
        for one in 0..PROJECTS {
            for of in 0..APPS {
                all.push(AppScope {
                    within: project_scope(at, one),
                    app: AppRef {
                        id: app(at, one, of),
                        slug: format!("app-{of}"),
                        name: format!("App {of}"),
                        archived: false,
                    },
                    workload: WorkloadNames {
                        name: format!("app-{of}"),
                        part_of: format!("project-{one}"),
                    },
                });
            }
        }
    }
    all
}

fn may(rights: &Rights, scope: &AppScope) -> bool {
    rights.in_app(scope).has(Action::PipelineRun)
}

fn access(criterion: &mut Criterion) {
    let (bindings, scopes) = (bindings(), scopes());
    let rights = Rights::of(bindings.clone());
    let allowed = scopes.iter().filter(|scope| may(&rights, scope)).count();
    assert!(
        allowed > scopes.len() / 10 && allowed < scopes.len() / 2,
        "they may in {allowed} of {} apps: some, and not most",
        scopes.len()
    );
    // One place after the other, so that no two checks in a row ask for the same.
    let mut places = scopes.iter().cycle();
    criterion.bench_function("may run a pipeline of an app, rights loaded", |b| {
        b.iter(|| {
            places
                .next()
                .is_some_and(|scope| may(black_box(&rights), black_box(scope)))
        });
    });
    let projects: Vec<ProjectScope> = scopes.iter().map(|scope| scope.within.clone()).collect();
    let mut places = projects.iter().cycle();
    criterion.bench_function("may promote in a project, rights loaded", |b| {
        b.iter(|| {
            places.next().is_some_and(|scope| {
                black_box(&rights)
                    .in_project(black_box(scope))
                    .has(Action::PromoteTest)
            })
        });
    });
    let token = rights
        .clone()
        .within(Scopes::of(&[Scope::Pipelines]).actions(), None);
    let mut places = scopes.iter().cycle();
    criterion.bench_function("may run a pipeline of an app by a token, rights loaded", |b| {
        b.iter(|| {
            places
                .next()
                .is_some_and(|scope| may(black_box(&token), black_box(scope)))
        });
    });
    criterion.bench_function(&format!("join the rights of {} roles", bindings.len()), |b| {
        b.iter_batched(
            || bindings.clone(),
            |all| Rights::of(black_box(all)),
            BatchSize::SmallInput,
        );
    });
}

criterion_group!(benches, access);
criterion_main!(benches);
