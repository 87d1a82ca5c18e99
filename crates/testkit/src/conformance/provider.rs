//! Providers of sign-in that operators set up. What they answer is tested with one at the wire.

use super::World;
use super::person::signed_in;
use slipway_domain::provider::{Configured, ConfiguredKind, LockedOut};
use slipway_portal::audit::ServerQuery;
use slipway_portal::identity::{self, Outside};
use slipway_portal::provider::{Input, SignIn};
use slipway_portal::seal::Sealer;
use slipway_portal::secret::SecretKind;
use slipway_portal::{Error, OpCtx, audit, operator, provider};

const ISSUER: &str = "https://sso.example.com";

fn input() -> Input {
    Input {
        name: String::from("Company account"),
        issuer: String::from(ISSUER),
        client_id: String::from("slipway"),
        client_secret: String::from("opensesame"),
        scopes: String::from("openid email"),
        groups_claim: String::from("groups"),
        allowed_domains: String::from("example.com"),
    }
}

fn keeping() -> Input {
    Input {
        client_secret: String::new(),
        ..input()
    }
}

/// An operator, in a session of theirs.
async fn an_operator(world: &World) -> OpCtx {
    let oli = world.person("oli").await;
    operator::grant(&world.system(), oli.id).await.unwrap();
    signed_in(world, &oli, "oli").await
}

/// Somebody who comes from `issuer` and has no password.
async fn newcomer(world: &World, issuer: &str, subject: &str) -> slipway_domain::person::Person {
    let who = Outside {
        issuer: issuer.to_owned(),
        subject: subject.to_owned(),
        provider: String::from("SSO"),
        username: format!("{subject}-sso"),
        name: subject.to_uppercase(),
        email: None,
        groups: None,
    };
    identity::sign_in(&world.anonymous(), &who).await.unwrap()
}

fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    result.unwrap_err().code().to_owned()
}

/// The fields that are wrong.
fn wrong<T: std::fmt::Debug>(result: Result<T, Error>) -> Vec<String> {
    match result.unwrap_err() {
        Error::Invalid(fields) => fields.into_iter().map(|field| field.field).collect(),
        other => panic!("{other:?}"),
    }
}

fn people(number: i64) -> LockedOut {
    LockedOut {
        people: number,
        reader: false,
    }
}

/// It is kept with its secret sealed, offered at once, rotated like every secret, told in the log without its secret, and
/// its key stays.
pub async fn a_provider_is_the_operators_own_and_its_secret_nobodys(world: World) {
    let here = an_operator(&world).await;
    let ada = world.person("ada").await;
    let stranger = signed_in(&world, &ada, "ada").await;
    assert!(matches!(provider::list(&stranger).await, Err(Error::NotFound)));
    assert!(matches!(
        provider::create(&stranger, "sso", input()).await,
        Err(Error::NotFound)
    ));
    assert!(matches!(
        provider::test(&stranger, "sso").await,
        Err(Error::NotFound)
    ));

    let fields = wrong(provider::create(&here, "code", Input::default()).await);
    assert_eq!(fields, ["key", "name", "issuer", "client_id", "client_secret"]);
    assert_eq!(provider::create(&here, " sso ", input()).await.unwrap(), "sso");
    assert_eq!(wrong(provider::create(&here, "sso", input()).await), ["key"]);
    let offered = provider::offered(&world.anonymous()).await.unwrap();
    assert_eq!(
        (offered.len(), offered[0].key.as_str(), offered[0].anew),
        (1, "sso", true)
    );
    let access = provider::access(&world.anonymous(), "sso")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(access.client_secret, "opensesame");
    assert_eq!(access.provider.scopes, ["email"]);
    assert!(!format!("{access:?}").contains("opensesame"));
    let page = provider::view(&here, "sso").await.unwrap();
    assert_eq!(page.redirect_uri, "http://127.0.0.1:3000/sign-in/sso/callback");

    let sealed = here
        .read()
        .await
        .unwrap()
        .sealed(SecretKind::Provider)
        .await
        .unwrap()
        .remove(0);
    assert!(!sealed.text.contains("opensesame"), "it is sealed");
    let mut tx = world.portal.store.write().await.unwrap();
    let elsewhere = Sealer::new("another key of sixteen", &[]).seal("elsewhere", "x");
    tx.reseal(&sealed, &elsewhere).await.unwrap();
    tx.commit().await.unwrap();
    assert!(provider::access(&world.anonymous(), "sso").await.is_err());
    let turned = slipway_portal::secret::rotate(&world.system()).await.unwrap();
    assert!(turned.broken[0].starts_with("sign-in provider"), "{turned:?}");
    provider::edit(&here, "sso", None, input(), None, None)
        .await
        .unwrap();
    let turned = slipway_portal::secret::rotate(&world.system()).await.unwrap();
    assert_eq!((turned.renewed, turned.current, turned.broken.len()), (0, 1, 0));

    let rows = audit::read_server(&here, &ServerQuery::default()).await.unwrap();
    assert_eq!(rows[0].action, "provider.edit");
    assert!(!serde_json::to_string(&rows).unwrap().contains("opensesame"));
    assert_eq!(
        here.read().await.unwrap().verify_server_audit().await.unwrap(),
        None
    );
}

/// A secret goes to no other issuer and stands for no other client; a provider is changed by whoever saw it last.
pub async fn a_client_secret_goes_to_nobody_else(world: World) {
    let here = an_operator(&world).await;
    provider::create(&here, "sso", input()).await.unwrap();
    let version = provider::view(&here, "sso").await.unwrap().provider.version;
    let renamed = Input {
        name: String::from("Work"),
        ..keeping()
    };
    provider::edit(&here, "sso", Some(version), renamed, None, None)
        .await
        .unwrap();
    let page = provider::view(&here, "sso").await.unwrap();
    assert_eq!(
        (page.provider.name.as_str(), page.provider.version),
        ("Work", version + 1)
    );
    let late = provider::edit(&here, "sso", Some(version), keeping(), None, None).await;
    assert_eq!(code(late), "changed_meanwhile");
    for other in [
        Input {
            issuer: String::from("https://evil.example"),
            ..keeping()
        },
        Input {
            client_id: String::from("another"),
            ..keeping()
        },
    ] {
        assert_eq!(
            wrong(provider::edit(&here, "sso", None, other, None, None).await),
            ["client_secret"]
        );
    }
    let access = provider::access(&here, "sso").await.unwrap().unwrap();
    assert_eq!(
        (access.client_secret.as_str(), access.provider.issuer.as_str()),
        ("opensesame", ISSUER)
    );
    assert!(matches!(
        provider::edit(&here, "none", None, keeping(), None, None).await,
        Err(Error::NotFound)
    ));
}

/// What takes people their only way in is done by who knows how many they are.
pub async fn nobody_is_locked_out_by_mistake(world: World) {
    let here = an_operator(&world).await;
    provider::create(&here, "sso", input()).await.unwrap();
    let page = async || provider::view(&here, "sso").await.unwrap();
    assert_eq!(page().await.locked_out, people(0));
    let (zoe, sam) = (
        newcomer(&world, ISSUER, "zoe").await,
        newcomer(&world, ISSUER, "sam").await,
    );
    let both = Outside {
        issuer: String::from("https://other.example"),
        subject: String::from("1"),
        provider: String::from("Other"),
        username: String::from("sam"),
        name: String::from("Sam"),
        email: None,
        groups: None,
    };
    let sams = signed_in(&world, &sam.as_ref(), "sam").await;
    identity::link(&sams, &both).await.unwrap();
    assert_eq!(
        page().await.locked_out,
        people(2),
        "no provider of the other issuer is there"
    );
    let other = Input {
        issuer: String::from("https://other.example"),
        ..input()
    };
    provider::create(&here, "other", other.clone()).await.unwrap();
    assert_eq!(page().await.locked_out, people(1));
    // Whoever has a password has another way in.
    let oli = here.user().unwrap().clone();
    let own = Outside {
        issuer: String::from(ISSUER),
        subject: String::from("oli"),
        ..both
    };
    identity::link(&here, &own).await.unwrap();
    assert_eq!(page().await.locked_out, people(1));
    let closed = SignIn {
        local: false,
        providers: Vec::new(),
    };
    let closed = World {
        portal: crate::signing_in(&world.portal, closed),
        clock: world.clock.clone(),
    };
    let session = here.session().unwrap().clone();
    let here_closed = closed.as_person(&oli).in_session(session);
    let seen = provider::view(&here_closed, "sso").await.unwrap().locked_out;
    assert_eq!(
        (seen.people, seen.reader),
        (2, true),
        "where passwords do not count"
    );

    assert_eq!(
        code(provider::switch(&here, "sso", false, None).await),
        "locks_out"
    );
    assert_eq!(code(provider::remove(&here, "sso", Some(0)).await), "locks_out");
    let elsewhere = Input {
        issuer: String::from("https://third.example"),
        ..input()
    };
    let moved = provider::edit(&here, "sso", None, elsewhere, None, None).await;
    assert_eq!(code(moved), "locks_out");
    let off = provider::edit(&here, "sso", None, keeping(), Some(false), None).await;
    assert_eq!(code(off), "locks_out");
    assert!(
        provider::access(&here, "sso").await.unwrap().is_some(),
        "nothing was changed"
    );
    provider::edit(&here, "sso", None, keeping(), Some(true), None)
        .await
        .unwrap();

    provider::switch(&here, "sso", false, Some(1)).await.unwrap();
    assert!(provider::access(&here, "sso").await.unwrap().is_none());
    assert_eq!(page().await.locked_out, people(0), "they are out already");
    let zoes = signed_in(&world, &zoe.as_ref(), "zoe").await;
    assert!(zoes.user().is_ok(), "sessions go on");
    provider::switch(&here, "sso", true, None).await.unwrap();
    provider::switch(&here, "sso", true, None).await.unwrap();
    provider::remove(&here, "other", None).await.unwrap();
    assert_eq!(page().await.locked_out, people(2));
    provider::remove(&here, "sso", Some(2)).await.unwrap();
    assert!(matches!(provider::view(&here, "sso").await, Err(Error::NotFound)));
    provider::create(&here, "again", input()).await.unwrap();
    let back = newcomer(&world, ISSUER, "zoe").await;
    assert_eq!(back.id, zoe.id, "one of the same issuer finds its people again");
}

/// A provider of the configuration goes before one of the same key, whichever was there first.
pub async fn the_configuration_goes_before(world: World) {
    let here = an_operator(&world).await;
    provider::create(&here, "sso", input()).await.unwrap();
    let configured = |key: &str| SignIn {
        local: true,
        providers: vec![Configured {
            key: key.to_owned(),
            name: String::from("GitLab"),
            issuer: String::from("https://gitlab.example.com"),
            kind: ConfiguredKind::Gitlab,
        }],
    };
    let later = World {
        portal: crate::signing_in(&world.portal, configured("sso")),
        clock: world.clock.clone(),
    };
    let oli = here.user().unwrap().clone();
    let here = later.as_person(&oli).in_session(here.session().unwrap().clone());
    let offered = provider::offered(&here).await.unwrap();
    assert_eq!(
        (offered.len(), offered[0].name.as_str(), offered[0].anew),
        (1, "GitLab", false)
    );
    assert!(provider::access(&here, "sso").await.unwrap().is_none());
    assert!(provider::view(&here, "sso").await.unwrap().hidden);
    let ways = provider::ways(&here).await.unwrap();
    assert_eq!(ways.issuers, ["https://gitlab.example.com"]);
    let other = World {
        portal: crate::signing_in(&world.portal, configured("main")),
        clock: world.clock.clone(),
    };
    let here = other.as_person(&oli).in_session(here.session().unwrap().clone());
    assert_eq!(wrong(provider::create(&here, "main", input()).await), ["key"]);

    let report = provider::test(&here, "sso").await.unwrap();
    assert!(report.trouble[0].en.contains("does not answer"), "{report:?}");
    assert_eq!(
        provider::view(&here, "sso").await.unwrap().provider.report,
        Some(report)
    );
}
