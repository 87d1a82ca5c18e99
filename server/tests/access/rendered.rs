//! A page that was made a moment ago is sent again to the same reader, and to nobody else, while nothing has changed.

use crate::scene::{Answer, PROJECT_PAGE, Scene, get};
use axum::body::Body;
use http::header;
use slipway_domain::time::{MINUTE, SECOND};

fn nonce(page: &Answer) -> String {
    let policy = page.header("content-security-policy");
    let (_, rest) = policy.split_once("'nonce-").unwrap();
    rest.split_once('\'').unwrap().0.to_owned()
}

/// The page, with a word where its nonce stands.
fn without_nonce(page: &Answer) -> String {
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(page.body.contains(&nonce(page)), "its scripts carry its nonce");
    page.body.replace(&nonce(page), "NONCE")
}

#[tokio::test]
async fn a_page_is_sent_again_with_a_nonce_of_its_own_until_it_is_old() {
    let scene = Scene::new().await;
    scene.furnish().await;
    let vic = scene.session("vic").await;
    let first = scene.page(PROJECT_PAGE, Some(&vic)).await;
    let second = scene.page(PROJECT_PAGE, Some(&vic)).await;
    // Made anew it would say another time: the clock moves at every look.
    assert_eq!(without_nonce(&first), without_nonce(&second));
    assert_ne!(nonce(&first), nonce(&second));
    assert_eq!(first.header("content-type"), second.header("content-type"));
    scene.clock.advance(SECOND);
    let later = scene.page(PROJECT_PAGE, Some(&vic)).await;
    assert_ne!(without_nonce(&first), without_nonce(&later), "it is made anew");
}

#[tokio::test]
async fn what_anybody_changed_stands_in_the_next_page() {
    let scene = Scene::new().await;
    scene.furnish().await;
    let vic = scene.session("vic").await;
    let before = scene.page(PROJECT_PAGE, Some(&vic)).await;
    assert!(!before.body.contains("A new name"));
    let rename = String::from("UPDATE apps SET name = 'A new name'");
    scene.store.execute_for_tests(rename).await.unwrap();
    let after = scene.page(PROJECT_PAGE, Some(&vic)).await;
    assert!(after.body.contains("A new name"));
    let dismiss = format!(
        "DELETE FROM role_bindings WHERE user_id = '{}'",
        scene.people["vic"].id
    );
    scene.store.execute_for_tests(dismiss).await.unwrap();
    assert_eq!(scene.page(PROJECT_PAGE, Some(&vic)).await.status, 404);
}

#[tokio::test]
async fn each_session_language_and_theme_has_a_page_of_its_own() {
    let scene = Scene::new().await;
    scene.furnish().await;
    let vic = scene.session("vic").await;
    scene.page(PROJECT_PAGE, Some(&vic)).await;
    let ada = scene.session("ada").await;
    let hers = scene.page(PROJECT_PAGE, Some(&ada)).await;
    assert!(hers.body.contains("ADA") && !hers.body.contains("VIC"));
    let nobodys = scene.page(PROJECT_PAGE, None).await;
    assert!(nobodys.status.is_redirection() && !nobodys.body.contains("Order API"));
    let ask = async |name, value: &str| {
        let request = get(PROJECT_PAGE, None)
            .header(header::ACCEPT, "text/html")
            .header(&name, value);
        let cookie = match name {
            header::COOKIE => request,
            _ => request.header(header::COOKIE, &vic),
        };
        scene.send(cookie.body(Body::empty()).unwrap()).await.body
    };
    let chinese = ask(header::ACCEPT_LANGUAGE, "zh-CN").await;
    assert!(chinese.contains("lang=\"zh-CN\""));
    let dark = ask(header::COOKIE, &format!("{vic}; slipway_theme=dark")).await;
    assert!(dark.contains("data-theme=\"dark\""));
}

#[tokio::test]
async fn what_a_failed_form_left_is_shown_once() {
    let scene = Scene::new().await;
    scene.furnish().await;
    let vic = scene.session("vic").await;
    let board = format!("{PROJECT_PAGE}/board");
    let clean = scene.page(&board, Some(&vic)).await;
    let form = "org=acme&project=checkout&title=One&kind=task";
    scene
        .post_form("/api/fn/item/add", form, &board, Some(&vic))
        .await;
    let told = scene.page(&board, Some(&vic)).await;
    assert_ne!(without_nonce(&clean), without_nonce(&told));
    let again = scene.page(&board, Some(&vic)).await;
    assert_ne!(without_nonce(&told), without_nonce(&again));
    scene.clock.advance(MINUTE);
    assert_eq!(scene.page(&board, Some(&vic)).await.status, 200);
}
