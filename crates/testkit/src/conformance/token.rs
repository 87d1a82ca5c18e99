//! API tokens and kept answers.

use super::World;
use slipway_domain::time::{DAY, MINUTE};
use slipway_domain::token::{Scope, TokenState};
use slipway_portal::ports::{KeptReply, Once, OnceRequest};
use slipway_portal::token::{self, Input};
use slipway_portal::{Error, audit};

fn input(scopes: &[Scope]) -> Input {
    Input {
        name: String::from("nightly"),
        scopes: scopes.to_vec(),
        days: 1,
    }
}

/// A token speaks for its owner until it ends, and only they see and end it.
pub async fn a_token_speaks_for_its_owner_until_it_ends(world: World) {
    let ada = world.person("ada").await;
    let bob = world.person("bob").await;
    world.org("acme", ada.id).await;
    let (of_ada, of_bob) = (world.as_person(&ada), world.as_person(&bob));
    let made = token::create(&of_ada, input(&[Scope::Items])).await.unwrap();
    let (person, used) = token::authenticate(&world.portal, &made.secret).await.unwrap();
    assert_eq!((person.id, used.id), (ada.id, made.id));
    assert!(used.scopes.has(Scope::Read) && used.scopes.has(Scope::Items) && !used.scopes.has(Scope::Audit));

    let shown = token::list(&of_ada).await.unwrap();
    assert!(shown.tokens[0].last_used_at.is_some(), "its use is written down");
    assert!(token::list(&of_bob).await.unwrap().tokens.is_empty());
    let foreign = token::revoke(&of_bob, made.id).await.unwrap_err();
    assert!(matches!(foreign, Error::NotFound), "{foreign:?}");

    token::revoke(&of_ada, made.id).await.unwrap();
    let ended = token::authenticate(&world.portal, &made.secret)
        .await
        .unwrap_err();
    assert!(matches!(ended, Error::Unauthenticated), "{ended:?}");
    let query = audit::Query {
        org: String::from("acme"),
        action: Some(String::from("token.")),
        ..audit::Query::default()
    };
    let rows = audit::read(&of_ada, &query).await.unwrap().1;
    let actions: Vec<_> = rows.iter().map(|row| row.action.as_str()).collect();
    assert_eq!(actions, ["token.revoke", "token.create"]);

    let short = token::create(&of_ada, input(&[])).await.unwrap();
    world.clock.advance(DAY + MINUTE);
    assert!(token::authenticate(&world.portal, &short.secret).await.is_err());
    let shown = token::list(&of_ada).await.unwrap();
    let states: Vec<_> = shown.tokens.iter().map(|one| one.state(shown.as_of)).collect();
    assert_eq!(states, [TokenState::Expired, TokenState::Revoked]);
}

/// A key is begun once, answered alike after, and free again where it led to nothing.
pub async fn a_request_with_a_key_is_begun_once(world: World) {
    let ctx = world.system();
    let now = ctx.now();
    let request = |caller: &str, fingerprint: &str, at: i64| OnceRequest {
        caller: caller.to_owned(),
        key: String::from("k"),
        fingerprint: fingerprint.to_owned(),
        lease_until: now.plus(at + MINUTE),
        at: now.plus(at),
    };
    let reply = KeptReply {
        status: 201,
        headers: vec![(String::from("location"), String::from("/x"))],
        body: String::from("{}"),
    };
    let mut tx = world.portal.store.write().await.unwrap();
    assert_eq!(tx.begin_once(&request("a", "f", 0)).await.unwrap(), Once::First);
    assert_eq!(
        tx.begin_once(&request("b", "g", 0)).await.unwrap(),
        Once::First,
        "another caller"
    );
    assert_eq!(
        tx.begin_once(&request("a", "f", 1)).await.unwrap(),
        Once::UnderWay
    );
    assert_eq!(
        tx.begin_once(&request("a", "g", 1)).await.unwrap(),
        Once::Different
    );
    assert_eq!(
        tx.begin_once(&request("a", "f", 2 * MINUTE)).await.unwrap(),
        Once::First,
        "the first one died"
    );
    tx.keep_reply("a", "k", &reply).await.unwrap();
    let later = request("a", "f", 9 * MINUTE);
    assert_eq!(tx.begin_once(&later).await.unwrap(), Once::Answered(reply));
    tx.forget_once("a", "k").await.unwrap();
    assert_ne!(
        tx.begin_once(&later).await.unwrap(),
        Once::First,
        "an answer is not forgotten"
    );
    tx.forget_once("b", "k").await.unwrap();
    assert_eq!(tx.begin_once(&request("b", "h", 1)).await.unwrap(), Once::First);
    assert_eq!(tx.delete_old_replies(now.plus(1)).await.unwrap(), 1);
    tx.commit().await.unwrap();
}
