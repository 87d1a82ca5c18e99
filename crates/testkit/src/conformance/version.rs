//! Updates that are made on a version: of several at once, one is made.

use super::World;
use slipway_domain::access::Role;
use slipway_domain::feature::Feature;
use slipway_domain::group::GroupRef;
use slipway_domain::notice::NoticeKind;
use slipway_portal::place::{self, AppInput, OrgInput, ProjectInput};
use slipway_portal::{OpCtx, Result, app, feature, group, notice, org, person, project, quota, version};
use tokio::task::JoinSet;

/// How many begin the update at once.
const AT_ONCE: usize = 6;

/// Has several make an update on the version `expected` at once, each another one by its number; says how many were
/// refused since it is not that any more.
async fn race<F, Fut>(ctx: &OpCtx, expected: i64, update: F)
where
    F: Fn(OpCtx, usize) -> Fut,
    Fut: Future<Output = Result<()>> + Send + 'static,
{
    let mut all = JoinSet::new();
    for number in 0..AT_ONCE {
        all.spawn(update(ctx.only_on(Some(expected)), number));
    }
    let mut made = 0;
    while let Some(done) = all.join_next().await {
        match done.unwrap() {
            Ok(()) => made += 1,
            Err(error) => assert_eq!(error.code(), slipway_portal::Error::version_mismatch().code()),
        }
    }
    assert_eq!(made, 1, "of updates that were made on the same version");
}

/// What an update is made on is compared where nobody changes it meanwhile.
pub async fn of_updates_made_on_one_version_one_is_made(world: World) {
    let ada = world.person("ada").await;
    world.org("acme", ada.id).await;
    let owner = world.as_person(&ada);
    let input = project::Input {
        slug: String::from("till"),
        name: String::from("Till"),
        description: String::new(),
        key: String::from("TIL"),
        internal: false,
    };
    project::create_with_chain(&owner, "acme", input).await.unwrap();
    let input = app::Input {
        slug: String::from("pay"),
        name: String::from("Pay"),
        description: String::new(),
    };
    // Apps are their project's lead's.
    org::grant(&owner, "acme", Some("till"), ada.id, Role::ProjectLead)
        .await
        .unwrap();
    let owner = owner.anew();
    app::create(&owner, "acme", "till", input).await.unwrap();

    let now = org::overview(&owner, "acme").await.unwrap().org;
    race(&owner, version::org(&now), |ctx, number| async move {
        let input = OrgInput {
            slug: String::from("acme"),
            name: format!("Acme {number}"),
        };
        place::edit_org(&ctx, "acme", input).await.map(drop)
    })
    .await;
    let now = version::project("till", "Till", "", false);
    race(&owner, now, |ctx, number| async move {
        let input = ProjectInput {
            slug: String::from("till"),
            name: format!("Till {number}"),
            description: String::new(),
            internal: false,
        };
        place::edit_project(&ctx, "acme", "till", input).await.map(drop)
    })
    .await;
    race(&owner, version::app("pay", "Pay", ""), |ctx, number| async move {
        let input = AppInput {
            slug: String::from("pay"),
            name: format!("Pay {number}"),
            description: String::new(),
        };
        place::edit_app(&ctx, "acme", "till", "pay", input)
            .await
            .map(drop)
    })
    .await;
    let settings = project::settings(&owner, "acme", "till").await.unwrap();
    let on = settings.place.project.unwrap().features;
    race(&owner, version::features(on), |ctx, number| async move {
        let off = Feature::ALL[number % 2];
        let on: Vec<_> = Feature::ALL.into_iter().filter(|one| *one != off).collect();
        feature::switch(&ctx, "acme", "till", &on).await
    })
    .await;
    let row = &settings.quotas[0];
    let key = row.environment.key.clone();
    race(&owner, version::quota(&row.quota), move |ctx, number| {
        let key = key.clone();
        async move {
            let input = quota::Input {
                pods: (number + 1).to_string(),
                ..quota::Input::default()
            };
            quota::set(&ctx, "acme", "till", &key, &input).await
        }
    })
    .await;
    of_groups_and_ones_own(&owner).await;
}

async fn of_groups_and_ones_own(owner: &OpCtx) {
    let id = group::create(owner, "acme", "Crew").await.unwrap();
    race(owner, version::group("Crew", None), move |ctx, number| async move {
        group::update(&ctx, "acme", id, &format!("Crew {number}"), "").await
    })
    .await;
    let GroupRef { name, .. } = group::view(owner, "acme", id).await.unwrap().group;
    assert!(name.starts_with("Crew "), "{name}");
    let now = version::profile(&person::profile(owner).await.unwrap());
    race(owner, now, |ctx, number| async move {
        person::update_profile(&ctx, &format!("Ada {number}"), "ada@acme.example").await
    })
    .await;
    let now = version::notices(&notice::settings(owner).await.unwrap());
    race(owner, now, |ctx, number| async move {
        notice::choose(&ctx, &NoticeKind::ALL[number % 2..=number % 2], &[]).await
    })
    .await;
}
