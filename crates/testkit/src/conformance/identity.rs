//! Identities elsewhere, and the groups that claims fill.

use super::World;
use super::person::signed_in;
use slipway_domain::identity::Standing;
use slipway_domain::provider::{Configured, ConfiguredKind};
use slipway_domain::time::HOUR;
use slipway_portal::identity::{self, Groups, Outside};
use slipway_portal::provider::SignIn;
use slipway_portal::{Error, group, person};

fn outside(subject: &str, groups: &[&str]) -> Outside {
    Outside {
        issuer: String::from("https://sso.example.com"),
        subject: subject.to_owned(),
        provider: String::from("SSO"),
        username: String::from("Dora.Diaz"),
        name: String::from("Dora Diaz"),
        email: Some(String::from("dora@example.com")),
        groups: Some(Groups {
            prefix: String::from("sso:"),
            names: groups.iter().map(|name| format!("sso:{name}")).collect(),
        }),
    }
}

/// The same world, whose configuration has the provider; with passwords or without.
fn with_provider(world: &World, local: bool) -> World {
    let provider = Configured {
        key: String::from("sso"),
        name: String::from("SSO"),
        issuer: String::from("https://sso.example.com"),
        kind: ConfiguredKind::Oidc,
    };
    let sign_in = SignIn {
        local,
        providers: vec![provider],
    };
    World {
        portal: crate::signing_in(&world.portal, sign_in),
        clock: world.clock.clone(),
    }
}

fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    result.unwrap_err().code().to_owned()
}

/// Issuer and subject find the account, and nothing else does.
pub async fn an_identity_is_one_account_and_an_address_is_none(world: World) {
    let dora = world.person("dora").await;
    let nobody = world.anonymous();
    let first = identity::sign_in(&nobody, &outside("1", &[])).await.unwrap();
    assert_ne!(first.id, dora.id, "the same address is not the same person");
    assert_eq!(
        (first.username.as_str(), first.email.as_deref()),
        ("dora-diaz", None)
    );
    let again = identity::sign_in(&nobody, &outside("1", &[])).await.unwrap();
    assert_eq!(again.id, first.id);
    let other = identity::sign_in(&nobody, &outside("2", &[])).await.unwrap();
    assert_eq!(other.username, "dora-diaz-2");
    let elsewhere = Outside {
        issuer: String::from("https://other.example.com"),
        ..outside("1", &[])
    };
    let third = identity::sign_in(&nobody, &elsewhere).await.unwrap();
    assert_ne!(third.id, first.id, "a subject means nothing without its issuer");
    slipway_portal::member::set_active(&world.system(), &first.as_ref(), false)
        .await
        .unwrap();
    assert_eq!(
        code(identity::sign_in(&nobody, &outside("1", &[])).await),
        "deactivated"
    );
}

/// Linked by its owner, to one account, and unlinked while another way in is left.
pub async fn an_identity_is_linked_once_and_the_last_way_in_stays(world: World) {
    let world = with_provider(&world, true);
    let (dora, vic) = (world.person("dora").await, world.person("vic").await);
    let here = signed_in(&world, &dora, "here").await;
    let there = signed_in(&world, &vic, "there").await;
    let without_passwords = with_provider(&world, false);
    let bare = without_passwords
        .as_person(&dora)
        .in_session(here.session().unwrap().clone());
    let who = outside("1", &[]);
    assert_eq!(
        code(identity::link(&world.as_person(&dora), &who).await),
        "step_up"
    );
    identity::link(&here, &who).await.unwrap();
    identity::link(&here, &who).await.unwrap();
    assert_eq!(code(identity::link(&there, &who).await), "identity_taken");
    assert_eq!(code(identity::prove(&there, &who).await), "other_identity");
    identity::prove(&here, &who).await.unwrap();
    let list = identity::list(&here).await.unwrap();
    assert_eq!(
        (list.len(), list[0].label.as_str(), list[0].last),
        (1, "Dora.Diaz", false)
    );
    assert_eq!(
        code(identity::unlink(&there, &who.issuer, "1").await),
        "not_found"
    );
    assert!(identity::list(&bare).await.unwrap()[0].last);
    assert_eq!(
        code(identity::unlink(&bare, &who.issuer, "1").await),
        "last_way_in"
    );
    identity::unlink(&here, &who.issuer, "1").await.unwrap();
    assert!(identity::list(&here).await.unwrap().is_empty());
    let next = identity::sign_in(&world.anonymous(), &who).await.unwrap();
    assert_ne!(next.id, dora.id);
    let profile = person::profile(&world.as_person(&next.as_ref())).await.unwrap();
    assert_eq!(profile.name, "Dora Diaz");
}

/// An answer of a provider counts once, and is forgotten after a while.
pub async fn a_state_is_used_once(world: World) {
    let ctx = world.anonymous();
    identity::use_state(&ctx, "one").await.unwrap();
    identity::use_state(&ctx, "two").await.unwrap();
    assert_eq!(code(identity::use_state(&ctx, "one").await), "state_used");
    world.clock.advance(2 * HOUR);
    identity::use_state(&ctx, "three").await.unwrap();
    identity::use_state(&ctx, "one").await.unwrap();
}

/// Claims put in and take out those whom they put in, by provider.
pub async fn groups_follow_claims(world: World) {
    let owner = world.person("owner").await;
    let org = world.org("acme", owner.id).await;
    let ctx = world.as_person(&owner);
    let make = async |name: &str, claim: &str| {
        let id = group::create(&ctx, "acme", name).await.unwrap();
        group::update(&ctx, "acme", id, name, claim).await.unwrap();
        id
    };
    let devs = make("Developers", "sso:devs").await;
    let others = make("Others", "ssoo:devs").await;
    let sign_in = async |groups: &[&str]| {
        identity::sign_in(&world.anonymous(), &outside("1", groups))
            .await
            .unwrap()
    };
    let person = sign_in(&["devs", "unknown"]).await;
    let mut tx = ctx.read().await.unwrap();
    let claimed = tx.claimed_groups(person.id, "sso:").await.unwrap();
    assert_eq!(claimed.len(), 1, "another provider's groups are not its own");
    assert_eq!(
        (claimed[0].org, claimed[0].group.id, claimed[0].standing),
        (org.id, devs, Standing::ByClaim)
    );
    assert_eq!(
        tx.claimed_groups(person.id, "ssoo:").await.unwrap()[0].standing,
        Standing::Out
    );
    drop(tx);
    let view = group::view(&ctx, "acme", devs).await.unwrap();
    assert_eq!(
        (view.people.len(), view.claimed.as_slice()),
        (1, &[person.id][..])
    );
    assert!(group::view(&ctx, "acme", others).await.unwrap().people.is_empty());

    sign_in(&[]).await;
    assert!(group::view(&ctx, "acme", devs).await.unwrap().people.is_empty());
    sign_in(&["devs"]).await;
    assert_eq!(group::view(&ctx, "acme", devs).await.unwrap().people.len(), 1);
    let wrong = group::update(&ctx, "acme", devs, "Developers", "devs").await;
    assert!(matches!(wrong, Err(Error::Invalid(fields)) if fields[0].field == "claim"));
}
