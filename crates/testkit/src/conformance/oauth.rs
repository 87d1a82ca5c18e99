//! Grants of connections by OAuth: who renews them, over what, and what is kept sealed. What GitLab says to them is
//! tested with the sandbox.

use super::World;
use slipway_domain::id::{ConnectionId, OrgId};
use slipway_domain::time::{DAY, MINUTE};
use slipway_portal::connection::oauth::{self, Input};
use slipway_portal::ports::{
    ConnectionRecord, NewGrant, RenewalFailure, SealedTokens, StoreError, TripRecord, Tx,
};
use slipway_portal::seal::Sealer;
use slipway_portal::secret::{SecretKind, rotate};
use slipway_portal::{InSession, OpCtx, connection};

async fn write(world: &World) -> Box<dyn Tx> {
    world.portal.store.write().await.unwrap()
}

async fn kept(world: &World, org: OrgId, id: ConnectionId) -> ConnectionRecord {
    let mut tx = world.portal.store.read().await.unwrap();
    tx.connection(org, id).await.unwrap().expect("it is there")
}

async fn version(world: &World, org: OrgId, id: ConnectionId) -> i64 {
    kept(world, org, id).await.grant.expect("a grant").version
}

fn gone(written: &Result<(), StoreError>) {
    assert!(matches!(written, Err(StoreError::Gone)), "{written:?}");
}

/// An organization with a connection that nobody has authorized.
async fn waiting(world: &World) -> (OpCtx, OrgId, ConnectionId) {
    let ada = world.person("ada").await;
    let org = world.org("acme", ada.id).await.id;
    let ctx = world.as_person(&ada);
    let input = Input {
        name: String::from("GitLab"),
        base_url: String::from("https://gitlab.example.com"),
        application_id: String::from("the-application"),
        application_secret: String::from("gloas-secret"),
    };
    let id = oauth::create(&ctx, "acme", input).await.unwrap();
    (ctx, org, id)
}

/// Tokens as they are sealed here.
fn tokens(world: &World, id: ConnectionId, name: &str) -> SealedTokens {
    let now = world.system().now();
    let seal = |what: &str| {
        let context = format!("{what} token of connection {id}");
        world.portal.sealer.seal(&context, &format!("{what} {name}"))
    };
    SealedTokens {
        access: seal("access"),
        refresh: seal("refresh"),
        renew_at: Some(now.plus(MINUTE)),
        ends_at: Some(now.plus(2 * MINUTE)),
    }
}

fn authorized(ctx: &OpCtx, tokens: SealedTokens) -> NewGrant {
    NewGrant {
        tokens,
        username: String::from("root"),
        by: ctx.user().unwrap().id,
        at: ctx.now(),
    }
}

/// One renews at a time; whoever is slow, or began before somebody authorized anew, writes nothing.
pub async fn a_grant_is_renewed_by_one_over_its_own_version(world: World) {
    let (ctx, org, id) = waiting(&world).await;
    let (now, later) = (ctx.now(), ctx.now().plus(MINUTE));
    let first = version(&world, org, id).await;
    let mut tx = write(&world).await;
    let new = authorized(&ctx, tokens(&world, id, "one"));
    tx.authorize_grant(org, id, first, &new).await.unwrap();
    gone(&tx.authorize_grant(org, id, first, &new).await);
    tx.commit().await.unwrap();
    let record = kept(&world, org, id).await;
    assert_eq!(
        record.grant.as_ref().and_then(|g| g.tokens.clone()),
        Some(new.tokens)
    );
    let shown = record.connection.oauth.expect("by OAuth");
    let by = shown.authorized.expect("somebody");
    assert_eq!(
        (by.username.as_str(), by.by.as_str(), by.at, shown.in_force),
        ("root", "ADA", new.at, true)
    );

    let held = version(&world, org, id).await;
    let mut tx = write(&world).await;
    assert!(
        !tx.claim_renewal(id, first, "a", now, later).await.unwrap(),
        "an older version"
    );
    assert!(tx.claim_renewal(id, held, "a", now, later).await.unwrap());
    assert!(!tx.claim_renewal(id, held, "b", now, later).await.unwrap());
    let until = later.plus(MINUTE);
    assert!(
        tx.claim_renewal(id, held, "b", later, until).await.unwrap(),
        "its claim has ended"
    );
    let renewed = tokens(&world, id, "two");
    gone(&tx.finish_renewal(id, held, "a", &renewed).await);
    gone(&tx.end_grant(id, held, "a").await);
    gone(
        &tx.postpone_renewal(id, held, "a", until, RenewalFailure::Unanswered)
            .await,
    );
    tx.finish_renewal(id, held, "b", &renewed).await.unwrap();
    gone(&tx.finish_renewal(id, held, "b", &renewed).await);
    tx.commit().await.unwrap();
    let record = kept(&world, org, id).await.grant.expect("a grant");
    assert_eq!((record.tokens, record.version), (Some(renewed), held + 1));

    let held = held + 1;
    let mut tx = write(&world).await;
    assert!(tx.claim_renewal(id, held, "c", now, later).await.unwrap());
    tx.postpone_renewal(id, held, "c", later, RenewalFailure::Application)
        .await
        .unwrap();
    assert!(
        !tx.claim_renewal(id, held, "d", later.plus(-1), until)
            .await
            .unwrap(),
        "a pause"
    );
    tx.commit().await.unwrap();
    let failure = kept(&world, org, id).await.grant.expect("a grant").failure;
    assert_eq!(failure, Some((later, RenewalFailure::Application)));

    // Another secret of the same application: the tokens stay, and are tried at once.
    let mut tx = write(&world).await;
    tx.set_application(org, id, "the-application", "sealed", false)
        .await
        .unwrap();
    assert!(tx.claim_renewal(id, held, "d", now, until).await.unwrap());
    // Another application: they go, and so does what is on its way.
    tx.set_application(org, id, "another", "sealed", true)
        .await
        .unwrap();
    gone(
        &tx.finish_renewal(id, held, "d", &tokens(&world, id, "three"))
            .await,
    );
    tx.commit().await.unwrap();
    let record = kept(&world, org, id).await;
    let grant = record.grant.expect("a grant");
    assert_eq!(
        (grant.tokens, grant.failure, grant.application_id.as_str()),
        (None, None, "another")
    );
    let shown = record.connection.oauth.expect("by OAuth");
    assert!(shown.authorized.is_none() && !shown.in_force);

    let mut tx = write(&world).await;
    let new = authorized(&ctx, tokens(&world, id, "four"));
    tx.authorize_grant(org, id, grant.version, &new).await.unwrap();
    let held = grant.version + 1;
    assert!(tx.claim_renewal(id, held, "e", now, later).await.unwrap());
    tx.end_grant(id, held, "e").await.unwrap();
    tx.commit().await.unwrap();
    let shown = kept(&world, org, id).await.connection.oauth.expect("by OAuth");
    assert!(
        shown.authorized.is_some() && !shown.in_force,
        "it says whose it was"
    );
}

/// A trip to GitLab counts once, and goes with its connection.
pub async fn a_trip_is_used_once(world: World) {
    let (ctx, org, id) = waiting(&world).await;
    let trip = |state: &str, at| TripRecord {
        state_hash: state.to_owned(),
        org,
        connection: id,
        user: ctx.user().unwrap().id,
        session: String::from("a session"),
        verifier: String::from("sealed"),
        begun_at: at,
    };
    let now = ctx.now();
    let mut tx = write(&world).await;
    tx.insert_trip(&trip("old", now.plus(-2 * DAY))).await.unwrap();
    tx.insert_trip(&trip("new", now)).await.unwrap();
    assert!(tx.use_trip("new", now).await.unwrap() && !tx.use_trip("new", now).await.unwrap());
    assert!(!tx.use_trip("never", now).await.unwrap());
    let found = tx.trip("new").await.unwrap().expect("it is remembered");
    assert_eq!(
        (found.connection, found.session.as_str(), found.begun_at),
        (id, "a session", now)
    );
    tx.delete_trips(now.plus(-DAY)).await.unwrap();
    assert!(tx.trip("old").await.unwrap().is_none());
    tx.commit().await.unwrap();
    connection::remove(&ctx, "acme", id).await.unwrap();
    let mut tx = world.portal.store.read().await.unwrap();
    assert!(tx.trip("new").await.unwrap().is_none());
    assert!(tx.connections(org).await.unwrap().is_empty());
}

/// Every secret of a grant is sealed anew with the others, and none stands in the open or in the log.
pub async fn the_secrets_of_a_grant_are_sealed_anew(world: World) {
    let (ctx, org, id) = waiting(&world).await;
    let session = InSession {
        key: std::sync::Arc::from("a session"),
        proved_at: ctx.now(),
    };
    let url = oauth::authorize(&ctx.in_session(session), "acme", id)
        .await
        .unwrap();
    assert!(!url.contains("gloas-secret"));
    let mut tx = write(&world).await;
    let held = kept(&world, org, id).await.grant.expect("a grant").version;
    let new = authorized(&ctx, tokens(&world, id, "one"));
    tx.authorize_grant(org, id, held, &new).await.unwrap();
    tx.commit().await.unwrap();
    let counted = async || {
        let done = rotate(&world.system()).await.unwrap();
        (done.renewed, done.current, done.broken)
    };
    assert_eq!(counted().await, (0, 3, Vec::new()));

    let kinds = [
        SecretKind::OauthApplication,
        SecretKind::OauthAccess,
        SecretKind::OauthRefresh,
    ];
    let other = Sealer::new("another key of sixteen", &[]);
    let mut tx = write(&world).await;
    for kind in kinds {
        let found = tx.sealed(kind).await.unwrap().remove(0);
        assert_eq!(found.id.to_string(), id.to_string());
        tx.reseal(&found, &other.seal("elsewhere", "x")).await.unwrap();
        assert!(
            tx.reseal(&found, "older").await.is_err(),
            "only what was read is replaced"
        );
    }
    tx.commit().await.unwrap();
    let (_, _, broken) = counted().await;
    assert_eq!(broken.len(), 3, "the key is unknown here: nothing is lost");

    let input = Input {
        name: String::from("Another"),
        base_url: String::from("https://gitlab.example.com"),
        application_id: String::from("the-application"),
        application_secret: String::from("gloas-secret"),
    };
    let another = oauth::create(&ctx, "acme", input).await.unwrap();
    let mut tx = write(&world).await;
    let new = authorized(&ctx, tokens(&world, another, "two"));
    tx.authorize_grant(org, another, 1, &new).await.unwrap();
    tx.commit().await.unwrap();
    connection::remove(&ctx, "acme", another).await.unwrap();
    let mut tx = world.portal.store.read().await.unwrap();
    let waits = tx.sealed(SecretKind::OauthRevocation).await.unwrap();
    assert_eq!(waits.len(), 1, "its tokens are to be taken back");
    assert!(!waits[0].text.contains("refresh two"));
    let query = slipway_portal::audit::Query {
        org: String::from("acme"),
        ..slipway_portal::audit::Query::default()
    };
    let (_, rows) = slipway_portal::audit::read(&ctx, &query).await.unwrap();
    let log = format!("{rows:?}");
    assert!(
        log.contains("the-application") && !log.contains("gloas-secret"),
        "{log}"
    );
}
