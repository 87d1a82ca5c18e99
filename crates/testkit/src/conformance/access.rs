//! Places and roles.

use super::World;
use slipway_domain::access::{Action, Role, ScopeKind};
use slipway_portal::access::{self, may};
use slipway_portal::{Error, app, org, project};

fn checkout() -> project::Input {
    project::Input {
        slug: String::from("checkout"),
        name: String::from("Checkout"),
        description: String::from("Takes money"),
        key: String::from("CHK"),
        internal: false,
    }
}

async fn project_with_owner(world: &World) -> (slipway_domain::person::PersonRef, slipway_portal::OpCtx) {
    let ada = world.person("ada").await;
    world.org("acme", ada.id).await;
    let ctx = world.as_person(&ada);
    project::create(&ctx, "acme", checkout()).await.unwrap();
    (ada, ctx)
}

/// Every built-in role gets exactly the actions of the matrix, asked for through the store.
pub async fn the_matrix_holds_through_the_store(world: World) {
    let (_, owner) = project_with_owner(&world).await;
    for role in Role::ALL.iter().filter(|r| r.scope() != ScopeKind::App) {
        let person = world.person(&role.key().replace('.', "-")).await;
        let place = (role.scope() == ScopeKind::Project).then_some("checkout");
        org::grant(&owner, "acme", place, person.id, *role).await.unwrap();
        let ctx = world.as_person(&person);
        let scope = ctx
            .read()
            .await
            .unwrap()
            .find_project("acme", "checkout")
            .await
            .unwrap()
            .expect("it is there");
        let held = ctx.rights().await.unwrap().in_project(&scope);
        for action in Action::ALL {
            let expected = role.inherits_below() && role.actions().has(*action);
            assert_eq!(held.has(*action), expected, "{} {}", role.key(), action.key());
        }
    }
}

/// A role in one place gives nothing in another, and what one may not see is not there.
pub async fn a_role_reaches_down_and_never_sideways(world: World) {
    let (_, owner) = project_with_owner(&world).await;
    let eve = world.person("eve").await;
    world.org("other", eve.id).await;
    let outsider = world.as_person(&eve);
    let hidden = access::project::<may::See>(&outsider, "acme", "checkout")
        .await
        .err()
        .expect("hidden");
    assert!(matches!(hidden, Error::NotFound), "{hidden:?}");
    assert!(matches!(
        org::overview(&outsider, "acme").await,
        Err(Error::NotFound)
    ));
    assert_eq!(org::list(&outsider).await.unwrap().len(), 1);

    let vic = world.person("vic").await;
    org::grant(&owner, "acme", Some("checkout"), vic.id, Role::ProjectViewer)
        .await
        .unwrap();
    let viewer = world.as_person(&vic);
    project::grid(&viewer, "acme", "checkout").await.unwrap();
    let input = app::Input {
        slug: String::from("pay"),
        name: String::from("Pay"),
        description: String::new(),
    };
    let refused = app::create(&viewer, "acme", "checkout", input).await.unwrap_err();
    let Error::Forbidden(denial) = refused else {
        panic!("a viewer cannot create apps")
    };
    assert_eq!(denial.action, Action::AppCreate);
    assert!(
        denial.roles.contains(&Role::ProjectLead) && denial.granters.contains(&String::from("ADA")),
        "{denial:?}"
    );
}

/// A slug is taken once, and the refusal names the field.
pub async fn names_are_taken_once(world: World) {
    let (_, owner) = project_with_owner(&world).await;
    let again = project::create(&owner, "acme", checkout()).await.unwrap_err();
    assert!(
        matches!(&again, Error::Invalid(fields) if fields.len() == 1),
        "{again:?}"
    );
    let input = || app::Input {
        slug: String::from("pay"),
        name: String::from("Pay"),
        description: String::new(),
    };
    let id = app::create(&owner, "acme", "checkout", input()).await.unwrap();
    let taken = app::create(&owner, "acme", "checkout", input())
        .await
        .unwrap_err();
    assert!(
        matches!(&taken, Error::Invalid(fields) if fields[0].field == "slug"),
        "{taken:?}"
    );
    let overview = app::overview(&owner, "acme", "checkout", "pay").await.unwrap();
    assert_eq!(overview.place.app.expect("an app").id, id);
    assert!(overview.repository.is_none());
}
