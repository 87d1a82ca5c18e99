//! Second factors.

use super::World;
use super::person::signed_in;
use crate::Authenticator;
use slipway_domain::factor::{ENROLMENT_LASTS, Factor, RECOVERY_CODES};
use slipway_domain::session::PROOF_LASTS;
use slipway_domain::time::{HOUR, MINUTE, SECOND};
use slipway_portal::person::{Door, sign_in, sign_in_by_code};
use slipway_portal::{Error, OpCtx, factor, session};

/// An authenticator that was shown the pending secret of `ctx`'s person.
async fn shown(ctx: &OpCtx) -> Authenticator {
    let Factor::Pending(enrolment) = factor::security(ctx).await.unwrap().factor else {
        panic!("no secret waits for its first code");
    };
    assert!(enrolment.uri.starts_with("otpauth://totp/Slipway:dora?secret="));
    assert!(enrolment.qr.path.len() > 1000);
    Authenticator::of(&enrolment.secret)
}

fn wrong(error: &Error) -> bool {
    matches!(error, Error::Invalid(fields) if fields[0].field == "code")
}

async fn door(world: &World, password: &str) -> Door {
    sign_in(&world.anonymous(), "dora", password, "10.0.0.1")
        .await
        .unwrap()
}

/// From the secret to the sign-in: a code is asked for after the password, works once, and a recovery code too.
pub async fn a_second_factor_is_asked_for_and_no_code_works_twice(world: World) {
    let dora = world.person("dora").await;
    let here = signed_in(&world, &dora, "here").await;
    assert!(matches!(
        factor::security(&here).await.unwrap().factor,
        Factor::Off
    ));
    assert_eq!(
        factor::confirm(&here, "000000").await.unwrap_err().code(),
        "not_begun"
    );
    factor::begin(&here).await.unwrap();
    let app = shown(&here).await;
    assert!(
        matches!(door(&world, "correct horse").await, Door::Open(_)),
        "not before its first code"
    );
    assert!(wrong(&factor::confirm(&here, "12345").await.unwrap_err()));
    let first = app.code(here.now());
    let codes = factor::confirm(&here, &format!("{} {}", &first[..3], &first[3..]))
        .await
        .unwrap();
    assert_eq!(codes.len(), RECOVERY_CODES);
    assert_eq!(factor::begin(&here).await.unwrap_err().code(), "has_factor");

    assert!(matches!(door(&world, "correct horse").await, Door::CodeNext(_)));
    let enter = async |code: &str| sign_in_by_code(&world.anonymous(), dora.id, code, "10.0.0.1").await;
    assert!(
        wrong(&enter(&first).await.unwrap_err()),
        "the code that confirmed it was used"
    );
    world.clock.advance(MINUTE);
    let second = app.code(here.now());
    enter(&second).await.unwrap();
    assert!(wrong(&enter(&second).await.unwrap_err()), "replayed");
    enter(&codes[3].to_lowercase()).await.unwrap();
    assert!(
        wrong(&enter(&codes[3]).await.unwrap_err()),
        "a recovery code works once"
    );
    let Factor::On { codes_left, .. } = factor::security(&here).await.unwrap().factor else {
        panic!("it is on");
    };
    assert_eq!(codes_left, 9);
    let renewed = factor::renew_codes(&here).await.unwrap();
    assert!(
        wrong(&enter(&codes[4]).await.unwrap_err()),
        "those before are worth nothing"
    );
    enter(&renewed[4]).await.unwrap();
    factor::remove(&here).await.unwrap();
    assert!(matches!(door(&world, "correct horse").await, Door::Open(_)));
    assert!(
        wrong(&enter(&renewed[5]).await.unwrap_err()),
        "gone with the factor"
    );
}

/// Ten wrong codes lock, whatever the password does meanwhile; the command line helps.
pub async fn codes_are_not_guessed(world: World) {
    let dora = world.person("dora").await;
    let here = signed_in(&world, &dora, "here").await;
    factor::begin(&here).await.unwrap();
    let app = shown(&here).await;
    factor::confirm(&here, &app.code(here.now())).await.unwrap();
    for n in 0..10 {
        let error = sign_in_by_code(&world.anonymous(), dora.id, "000000", &format!("10.0.1.{n}")).await;
        assert!(wrong(&error.unwrap_err()), "try {n}");
        // The right password forgets no wrong code.
        door(&world, "correct horse").await;
    }
    world.clock.advance(5 * SECOND);
    let right = app.code(here.now());
    let locked = sign_in_by_code(&world.anonymous(), dora.id, &right, "10.0.2.1")
        .await
        .unwrap_err();
    assert!(matches!(locked, Error::Limited { .. }), "{locked:?}");
    assert_eq!(
        factor::reset(&here, dora.id).await.unwrap_err().code(),
        "not_found",
        "no person does that"
    );
    factor::reset(&world.system(), dora.id).await.unwrap();
    assert!(matches!(door(&world, "correct horse").await, Door::Open(_)));
}

/// A factor is changed only by who proved lately that it is them, and a secret waits only a while.
pub async fn a_second_factor_is_changed_by_its_owner_alone(world: World) {
    let dora = world.person("dora").await;
    let here = signed_in(&world, &dora, "here").await;
    assert_eq!(
        factor::begin(&world.as_person(&dora)).await.unwrap_err().code(),
        "step_up"
    );
    factor::begin(&here).await.unwrap();
    let app = shown(&here).await;
    world.clock.advance(ENROLMENT_LASTS.max(PROOF_LASTS));
    assert_eq!(
        factor::confirm(&here, &app.code(here.now()))
            .await
            .unwrap_err()
            .code(),
        "step_up"
    );

    let prove = |password: &str, code: String| {
        let (password, here) = (password.to_owned(), here.clone());
        async move { session::prove(&here, password, &code).await }
    };
    assert!(
        matches!(prove("wrong", String::new()).await.unwrap_err(), Error::Invalid(fields) if fields[0].field == "password")
    );
    prove("correct horse", String::new()).await.unwrap();
    let proved = {
        let mut tx = here.read().await.unwrap();
        tx.session("here", here.now()).await.unwrap().unwrap().proved_at
    };
    assert!(here.now().since(proved) < SECOND);
    let here = signed_in(&world, &dora, "here again").await;
    assert!(
        matches!(factor::security(&here).await.unwrap().factor, Factor::Off),
        "it waited too long"
    );
    assert_eq!(
        factor::confirm(&here, &app.code(here.now()))
            .await
            .unwrap_err()
            .code(),
        "not_begun"
    );
    factor::begin(&here).await.unwrap();
    let app = shown(&here).await;
    factor::confirm(&here, &app.code(here.now())).await.unwrap();
    world.clock.advance(HOUR - MINUTE);
    for change in [
        factor::remove(&here).await,
        factor::begin(&here).await,
        factor::renew_codes(&here).await.map(drop),
    ] {
        assert_eq!(change.unwrap_err().code(), "step_up");
    }
    let no_code = session::prove(&here, String::from("correct horse"), "")
        .await
        .unwrap_err();
    assert!(
        wrong(&no_code),
        "with a factor the password is half of it: {no_code:?}"
    );
    session::prove(&here, String::from("correct horse"), &app.code(here.now()))
        .await
        .unwrap();
}
