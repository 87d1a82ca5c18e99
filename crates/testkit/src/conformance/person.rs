//! People and sessions.

use super::World;
use slipway_domain::time::{HOUR, MINUTE};
use slipway_portal::ports::SessionRow;
use slipway_portal::{Error, person};

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
            .username,
        "dora"
    );
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
