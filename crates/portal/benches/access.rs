//! What every call does first: what may this person do here?

use criterion::{Criterion, criterion_group, criterion_main};
use slipway_domain::access::{Action, Role};
use slipway_domain::id::{AppId, OrgId, ProjectId, TypedId as _};
use slipway_portal::access::Rights;
use slipway_portal::ports::Binding;
use std::hint::black_box;
use uuid::Uuid;

/// The projects and apps of somebody who has been everywhere.
const PLACES: u128 = 200;

fn binding(number: u128) -> Binding {
    Binding {
        org: OrgId::from_uuid(Uuid::from_u128(1)),
        project: Some(ProjectId::from_uuid(Uuid::from_u128(number / 4))),
        app: (!number.is_multiple_of(4)).then(|| AppId::from_uuid(Uuid::from_u128(number))),
        role: if number.is_multiple_of(4) {
            Role::ProjectDeveloper.into()
        } else {
            Role::AppOwner.into()
        },
    }
}

fn access(criterion: &mut Criterion) {
    let bindings: Vec<Binding> = (0..PLACES).map(binding).collect();
    let org = OrgId::from_uuid(Uuid::from_u128(1));
    let project = ProjectId::from_uuid(Uuid::from_u128(7));
    let rights = Rights::of(bindings.clone());
    criterion.bench_function("check a role, rights loaded", |b| {
        b.iter(|| {
            black_box(&rights)
                .in_project_of(black_box(org), black_box(project), false)
                .has(Action::PipelineRun)
        });
    });
    criterion.bench_function("join the rights of 200 roles", |b| {
        b.iter(|| Rights::of(black_box(bindings.clone())));
    });
}

criterion_group!(benches, access);
criterion_main!(benches);
