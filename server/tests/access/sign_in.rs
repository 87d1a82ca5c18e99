//! Signing in and out, sessions and locks.

use crate::scene::{PASSWORD, Scene};
use slipway_domain::time::{DAY, HOUR, MINUTE};

const COOKIE: &str = "slipway_session";

fn form(username: &str, password: &str) -> String {
    format!("username={username}&password={password}&next=/orgs/acme")
}

#[tokio::test]
async fn the_right_password_begins_a_session_and_leads_on() {
    let scene = Scene::new().await;
    scene.account("pat").await;
    let answer = scene
        .post_form("/sign-in", &form("pat", PASSWORD), "/sign-in", None)
        .await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("location")),
        (303, "/orgs/acme")
    );
    let cookie = answer.cookie(COOKIE).unwrap();
    assert_eq!(cookie.len(), COOKIE.len() + 1 + 43, "256 bits");
    assert_eq!(
        scene.get("/api/v1/me", Some(&cookie)).await.json()["username"],
        "pat"
    );
}

#[tokio::test]
async fn the_database_does_not_know_the_id_that_signs_in() {
    let scene = Scene::new().await;
    let cookie = scene.session("vic").await;
    let id = cookie.split_once('=').unwrap().1;
    let bytes = std::fs::read(scene.folder.path().join("test.db-wal")).unwrap();
    assert!(!String::from_utf8_lossy(&bytes).contains(id));
}

#[tokio::test]
async fn the_id_changes_at_sign_in_and_the_one_before_is_worth_nothing() {
    let scene = Scene::new().await;
    scene.account("pat").await;
    let before = scene
        .post_form("/sign-in", &form("pat", "wrong"), "/sign-in", None)
        .await
        .cookie(COOKIE)
        .unwrap();
    let answer = scene
        .post_form("/sign-in", &form("pat", PASSWORD), "/sign-in", Some(&before))
        .await;
    let after = answer.cookie(COOKIE).unwrap();
    assert_ne!(before, after);
    assert_eq!(scene.get("/api/v1/me", Some(&before)).await.status, 401);
    assert_eq!(scene.get("/api/v1/me", Some(&after)).await.status, 200);

    let made_up = format!("{COOKIE}={}", "A".repeat(43));
    let answer = scene
        .post_form("/sign-in", &form("pat", PASSWORD), "/sign-in", Some(&made_up))
        .await;
    assert_ne!(
        answer.cookie(COOKIE).unwrap(),
        made_up,
        "an id that somebody planted is not taken over"
    );
    assert_eq!(scene.get("/api/v1/me", Some(&made_up)).await.status, 401);
}

#[tokio::test]
async fn unknown_accounts_and_wrong_passwords_are_told_alike() {
    let scene = Scene::new().await;
    scene.account("pat").await;
    let wrong = scene.post("/sign-in", &form("pat", "wrong"), None).await;
    let unknown = scene.post("/sign-in", &form("nobody", "wrong"), None).await;
    // `vic` signs in elsewhere and has no password.
    let elsewhere = scene.post("/sign-in", &form("vic", "wrong"), None).await;
    for answer in [&wrong, &unknown, &elsewhere] {
        assert_eq!(answer.status, 422);
        assert_eq!(answer.json()["detail"], wrong.json()["detail"]);
        assert!(answer.cookie(COOKIE).is_none());
    }
    let page = scene
        .post_form("/sign-in", &form("pat", "wrong"), "/sign-in", None)
        .await;
    assert_eq!(
        page.header("location"),
        "/sign-in?error=bad_credentials&next=%2Forgs%2Facme"
    );
}

#[tokio::test]
async fn ten_failures_lock_the_account_for_a_while() {
    let scene = Scene::new().await;
    scene.account("pat").await;
    for _ in 0..10 {
        assert_eq!(
            scene.post("/sign-in", &form("pat", "wrong"), None).await.status,
            422
        );
    }
    let locked = scene.post("/sign-in", &form("pat", PASSWORD), None).await;
    assert_eq!(locked.status, 429, "even with the right password");
    assert!(locked.header("retry-after").parse::<u64>().unwrap() > 0);
    assert_eq!(locked.json()["code"], "too_many_tries");
    let page = scene
        .post_form("/sign-in", &form("pat", PASSWORD), "/sign-in", None)
        .await;
    assert!(
        page.header("location")
            .starts_with("/sign-in?error=too_many_tries")
    );
    scene.clock.advance(HOUR);
    assert_eq!(
        scene.post("/sign-in", &form("pat", PASSWORD), None).await.status,
        303
    );
}

#[tokio::test]
async fn signing_out_ends_the_session_at_once() {
    let scene = Scene::new().await;
    let cookie = scene.session("vic").await;
    assert_eq!(
        scene.get("/api/v1/me", Some(&cookie)).await.status,
        200,
        "remembered now"
    );
    let answer = scene.post("/sign-out", "", Some(&cookie)).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("location")),
        (303, "/sign-in")
    );
    assert!(answer.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(scene.get("/api/v1/me", Some(&cookie)).await.status, 401);
    assert_eq!(
        scene.post("/sign-out", "", Some(&cookie)).await.status,
        303,
        "once more says the same"
    );
    assert_eq!(
        scene.get("/sign-out", Some(&cookie)).await.status,
        405,
        "no GET signs out"
    );
}

#[tokio::test]
async fn a_session_ends_when_it_rests_and_in_any_case_after_a_week() {
    let scene = Scene::new().await;
    let resting = scene.session("vic").await;
    scene.clock.advance(12 * HOUR + MINUTE);
    assert_eq!(scene.get("/api/v1/me", Some(&resting)).await.status, 401);

    let used = scene.session("vic").await;
    for _ in 0..27 {
        scene.clock.advance(6 * HOUR);
        assert_eq!(
            scene.get("/api/v1/me", Some(&used)).await.status,
            200,
            "use keeps it"
        );
    }
    scene.clock.advance(DAY / 2);
    assert_eq!(
        scene.get("/api/v1/me", Some(&used)).await.status,
        401,
        "a week is the end"
    );
}

#[tokio::test]
async fn reading_writes_nothing_until_five_minutes_have_passed() {
    let scene = Scene::new().await;
    let cookie = scene.session("vic").await;
    // With the one writer taken, a request that writes would wait.
    let held = slipway_portal::ports::Store::write(&scene.store).await.unwrap();
    scene.clock.advance(4 * MINUTE);
    let quick = tokio::time::timeout(
        std::time::Duration::from_secs(5),
        scene.get("/api/v1/me", Some(&cookie)),
    )
    .await;
    assert_eq!(quick.expect("it did not wait for the writer").status, 200);
    drop(held);
}

#[tokio::test]
async fn nonsense_in_the_cookie_is_no_session() {
    let scene = Scene::new().await;
    for value in [
        "",
        "x",
        "../../etc/passwd",
        &"a".repeat(5000),
        "'; DROP TABLE sessions; --",
    ] {
        let answer = scene.get("/api/v1/me", Some(&format!("{COOKIE}={value}"))).await;
        assert_eq!(answer.status, 401, "{value:.20}");
    }
}

#[tokio::test]
async fn the_chosen_language_goes_with_the_person() {
    let scene = Scene::new().await;
    let cookie = scene.session("vic").await;
    scene.post("/preferences", "locale=zh-CN", Some(&cookie)).await;
    let other_browser = scene.session("vic").await;
    // The session was looked up before the choice in no case here.
    let page = scene.page("/", Some(&other_browser)).await;
    assert!(page.body.contains("<html lang=\"zh-CN\""));
}
