//! People and sessions.

use super::World;
use slipway_domain::person::PersonRef;
use slipway_domain::session::PROOF_LASTS;
use slipway_domain::time::{HOUR, MINUTE};
use slipway_portal::ports::SessionRow;
use slipway_portal::{Error, InSession, OpCtx, person, session};
use std::sync::Arc;

/// The same answer for a wrong password and an unknown name.
pub async fn sign_in_tells_nothing_about_unknown_accounts(world: World) {
    world.person("dora").await;
    let ctx = world.system();
    let known = person::sign_in(&ctx, "dora", "wrong", "10.0.0.1")
        .await
        .unwrap_err();
    let unknown = person::sign_in(&ctx, "nobody", "wrong", "10.0.0.1")
        .await
        .unwrap_err();
    assert_eq!(known.code(), "bad_credentials");
    assert_eq!(known.text(), unknown.text());
    assert_eq!(
        person::sign_in(&ctx, "dora", "correct horse", "10.0.0.1")
            .await
            .unwrap()
            .person()
            .username,
        "dora"
    );
}

/// An unknown name costs the work of a known one: a password is verified.
pub async fn an_unknown_name_costs_the_work_of_a_known_one(world: World) {
    world.person("dora").await;
    let ctx = world.system();
    let mut before = world.portal.passwords_verified();
    for username in ["dora", "nobody", "somebody-else"] {
        let refused = person::sign_in(&ctx, username, "wrong", "10.0.0.1").await;
        assert_eq!(refused.unwrap_err().code(), "bad_credentials");
        let now = world.portal.passwords_verified();
        assert_eq!(now, before + 1, "{username}");
        before = now;
    }
}

/// Ten failures lock the account for a growing time; a success forgets them.
pub async fn failures_lock_and_a_success_forgets(world: World) {
    world.person("dora").await;
    let ctx = world.system();
    for n in 0..10 {
        let address = format!("10.0.1.{n}");
        let error = person::sign_in(&ctx, "dora", "wrong", &address)
            .await
            .unwrap_err();
        assert_eq!(error.code(), "bad_credentials", "try {n}");
    }
    let locked = person::sign_in(&ctx, "dora", "correct horse", "10.0.2.1")
        .await
        .unwrap_err();
    assert!(
        matches!(locked, Error::Limited { retry_after: 1..=31 }),
        "{locked:?}"
    );
    world.clock.advance(MINUTE);
    person::sign_in(&ctx, "dora", "correct horse", "10.0.2.1")
        .await
        .unwrap();
    let mut tx = ctx.read().await.unwrap();
    assert_eq!(tx.failures("account:dora").await.unwrap(), (0, None));
}

/// A session ends at its time, and when it is deleted.
pub async fn sessions_end(world: World) {
    let dora = world.person("dora").await;
    let ctx = world.system();
    let now = ctx.now();
    let row = |key: &str| SessionRow {
        key: key.to_owned(),
        user: Some(dora.id),
        data: String::from("{\"a\":1}"),
        started_at: now,
        seen_at: now,
        proved_at: now,
        agent: String::from("curl/8"),
        address: String::from("10.0.0.1"),
        expires_at: now.plus(HOUR),
    };
    let mut tx = world.portal.store.write().await.unwrap();
    tx.put_session(&row("a")).await.unwrap();
    tx.put_session(&row("b")).await.unwrap();
    tx.put_session(&SessionRow {
        data: String::from("{}"),
        ..row("b")
    })
    .await
    .unwrap();
    tx.delete_session("a").await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = ctx.read().await.unwrap();
    assert!(tx.session("a", now).await.unwrap().is_none());
    let kept = tx.session("b", now).await.unwrap().expect("b is kept");
    assert_eq!((kept.user, kept.data.as_str()), (Some(dora.id), "{}"));
    assert!(tx.session("b", now.plus(HOUR)).await.unwrap().is_none());
    drop(tx);
    let mut tx = world.portal.store.write().await.unwrap();
    assert_eq!(tx.delete_ended_sessions(now.plus(HOUR)).await.unwrap(), 1);
    tx.commit().await.unwrap();
}

/// A session of `person`, and a context in it.
pub(super) async fn signed_in(world: &World, person: &PersonRef, key: &str) -> OpCtx {
    let now = world.system().now();
    let row = SessionRow {
        key: key.to_owned(),
        user: Some(person.id),
        data: String::from("{}"),
        started_at: now,
        seen_at: now,
        proved_at: now,
        agent: String::from("Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"),
        address: String::from("10.0.0.1"),
        expires_at: now.plus(HOUR),
    };
    let mut tx = world.portal.store.write().await.unwrap();
    tx.put_session(&row).await.unwrap();
    tx.commit().await.unwrap();
    world.as_person(person).in_session(InSession {
        key: Arc::from(key),
        proved_at: now,
    })
}

/// Somebody sees their own sessions, ends one or all others, and nobody else's.
pub async fn sessions_are_ended_by_their_owner(world: World) {
    let (dora, vic) = (world.person("dora").await, world.person("vic").await);
    let one = signed_in(&world, &dora, "one").await;
    world.clock.advance(MINUTE);
    let two = signed_in(&world, &dora, "two").await;
    signed_in(&world, &dora, "three").await;
    let stranger = signed_in(&world, &vic, "four").await;

    let keys = |list: Vec<slipway_domain::session::SessionView>| {
        list.into_iter()
            .map(|view| (view.key, view.current))
            .collect::<Vec<_>>()
    };
    let own = |key: &str, current: bool| (key.to_owned(), current);
    let all = session::list(&one).await.unwrap();
    assert_eq!(all[0].device.as_deref(), Some("Firefox, Linux"));
    assert_eq!(
        keys(all),
        [own("three", false), own("two", false), own("one", true)],
        "the one used last first"
    );
    session::revoke(&stranger, "two").await.unwrap();
    assert_eq!(keys(session::list(&two).await.unwrap()).len(), 3, "not by others");
    session::revoke(&one, "two").await.unwrap();
    assert_eq!(
        keys(session::list(&one).await.unwrap()),
        [own("three", false), own("one", true)]
    );
    session::revoke_others(&one).await.unwrap();
    assert_eq!(keys(session::list(&one).await.unwrap()), [own("one", true)]);
    assert_eq!(keys(session::list(&stranger).await.unwrap()), [own("four", true)]);
}

/// The current password is asked for; the new one ends the other sessions.
pub async fn a_password_is_changed_by_who_knows_it(world: World) {
    let dora = world.person("dora").await;
    let here = signed_in(&world, &dora, "here").await;
    signed_in(&world, &dora, "there").await;
    let change =
        |current: &str, new: &str| person::change_password(&here, current.to_owned(), new.to_owned());
    let wrong = change("wrong", "battery staple").await.unwrap_err();
    assert!(matches!(wrong, Error::Invalid(fields) if fields[0].field == "password"));
    let short = change("correct horse", "short").await.unwrap_err();
    assert!(matches!(short, Error::Invalid(fields) if fields[0].field == "new_password"));
    assert_eq!(
        session::list(&here).await.unwrap().len(),
        2,
        "nothing was changed"
    );

    let epoch = world.portal.sessions_epoch();
    change("correct horse", "battery staple").await.unwrap();
    assert_ne!(
        world.portal.sessions_epoch(),
        epoch,
        "sessions are looked up again"
    );
    assert_eq!(session::list(&here).await.unwrap().len(), 1);
    let ctx = world.system();
    assert!(
        person::sign_in(&ctx, "dora", "correct horse", "10.0.0.1")
            .await
            .is_err()
    );
    person::sign_in(&ctx, "dora", "battery staple", "10.0.0.1")
        .await
        .unwrap();

    for _ in 0..10 {
        let _ = change("wrong", "battery staple 2").await;
    }
    let limited = change("battery staple", "battery staple 2").await.unwrap_err();
    assert!(
        matches!(limited, Error::Limited { .. }),
        "guessing here counts like guessing at the door"
    );
}

/// Proof counts for a while, and a request without a session has none.
pub async fn proof_is_asked_for_again(world: World) {
    let dora = world.person("dora").await;
    let here = signed_in(&world, &dora, "here").await;
    session::proved(&here).unwrap();
    session::proved(&world.system()).unwrap();
    assert_eq!(
        session::proved(&world.as_person(&dora)).unwrap_err().code(),
        "step_up"
    );
    world.clock.advance(PROOF_LASTS);
    assert_eq!(session::proved(&here).unwrap_err().code(), "step_up");
}

/// Commits are recognized by an address somebody has or had, and no address is two people's.
pub async fn an_address_is_one_persons_also_after_a_change(world: World) {
    let (dora, vic) = (world.person("dora").await, world.person("vic").await);
    let (here, there) = (world.as_person(&dora), world.as_person(&vic));
    let taken = person::update_profile(&there, "Vic", "dora@example.com")
        .await
        .unwrap_err();
    assert!(matches!(taken, Error::Invalid(fields) if fields[0].field == "email"));
    person::update_profile(&here, " Dora D ", "d@example.com")
        .await
        .unwrap();
    let now = person::profile(&here).await.unwrap();
    assert_eq!(
        (now.name.as_str(), now.email.as_deref()),
        ("Dora D", Some("d@example.com"))
    );
    let still = person::update_profile(&there, "Vic", "dora@example.com").await;
    assert!(still.is_err(), "an address that was somebody's is not taken over");
    let mut tx = here.read().await.unwrap();
    let mut who = async |email: &str| {
        let found = tx.people_by_email(&[email.to_owned()]).await.unwrap();
        found.into_iter().map(|p| p.username).collect::<Vec<_>>()
    };
    assert_eq!(who("d@example.com").await, ["dora"]);
    assert_eq!(who("dora@example.com").await, ["dora"]);
    assert!(who("nobody@example.com").await.is_empty());
}
