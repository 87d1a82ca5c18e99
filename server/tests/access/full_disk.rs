//! A disk without room, from the outside: words for people, whole changes or none, and it goes on when there is room.

use crate::scene::{Answer, PASSWORD, Places, Scene};
use axum::body::Body;
use http::{Request, header};
use slipway_portal::access::{self, may};

const BOARD: &str = "/orgs/acme/projects/checkout/board";

/// Adds cards until there is no room; how many were added, and the refusal.
async fn fill(scene: &Scene, cookie: &str) -> (usize, Answer) {
    assert_eq!(add(scene, cookie, "Card-0-").await.status, 200);
    scene.store.fill_disk_for_tests(true).await.unwrap();
    for added in 1..5_000 {
        let answer = add(scene, cookie, &format!("Card-{added}-")).await;
        if answer.status != 200 {
            return (added, answer);
        }
    }
    panic!("it never became full");
}

async fn add(scene: &Scene, cookie: &str, title: &str) -> Answer {
    let form = format!("org=acme&project=checkout&title={title}&kind=task");
    scene.post("/api/fn/item/add", &form, Some(cookie)).await
}

/// GitLab's webhook `number`, with the right token.
fn hook(places: &Places, number: usize) -> Request<Body> {
    Request::post(format!("/hooks/gitlab/{}", places.app))
        .header(header::CONTENT_TYPE, "application/json")
        .header("x-gitlab-event", "Push Hook")
        .header("x-gitlab-token", "the-token")
        .header("idempotency-key", number.to_string())
        .body(Body::from(r#"{"object_kind":"push"}"#))
        .unwrap()
}

async fn furnished() -> (Scene, Places) {
    let scene = Scene::new().await;
    let places = scene.furnish().await;
    let context = format!("webhook of {}", places.app);
    let sealed = scene.portal.sealer.seal(&context, "the-token");
    let statement = format!(
        "UPDATE apps SET hook_secret = '{sealed}' WHERE id = '{}'",
        places.app
    );
    scene.store.execute_for_tests(statement).await.unwrap();
    (scene, places)
}

#[tokio::test]
async fn a_change_is_refused_whole_with_words_and_succeeds_when_there_is_room() {
    let (scene, _) = furnished().await;
    let cookie = scene.session("dora").await;
    let (added, refused) = fill(&scene, &cookie).await;
    assert_eq!(refused.status, 503);
    let told = refused.json();
    assert_eq!(told["code"], "database_full");
    let words = told["message"].as_str().unwrap();
    assert!(
        words.contains("disk") && words.contains("administrator") && words.contains("Nothing was changed"),
        "{words}"
    );
    let in_chinese = format!("{cookie}; slipway_locale=zh-CN");
    let told = add(&scene, &in_chinese, "Card-more").await.json();
    assert!(told["message"].as_str().unwrap().contains("磁盘已满"), "{told}");

    // What is there is read all the while: every card that was taken and no other, and the chain is whole.
    let page = scene.page(BOARD, Some(&cookie)).await;
    assert_eq!(page.status, 200);
    for number in [0, added - 1] {
        assert!(page.body.contains(&format!("Card-{number}-")), "card {number}");
    }
    assert!(!page.body.contains(&format!("Card-{added}-")) && !page.body.contains("Card-more"));
    let org = access::org::<may::See>(&scene.ctx("ada"), "acme")
        .await
        .unwrap()
        .id();
    let mut tx = scene.portal.store.read().await.unwrap();
    assert_eq!(tx.verify_audit(org).await.unwrap(), None);
    drop(tx);
    assert_eq!(scene.get("/readyz", None).await.status, 200);

    scene.store.fill_disk_for_tests(false).await.unwrap();
    assert_eq!(add(&scene, &cookie, "Card-after").await.status, 200);
    assert!(scene.page(BOARD, Some(&cookie)).await.body.contains("Card-after"));
}

/// What a person without a script sees after `form` was posted from `page`: the answer, or the page that it leads to.
async fn seen(scene: &Scene, action: &str, form: &str, page: &str, cookie: Option<&str>) -> Answer {
    let answer = scene.post_form(action, form, page, cookie).await;
    if answer.status != 303 {
        return answer;
    }
    let cookie = answer
        .cookie("slipway_session")
        .or_else(|| cookie.map(str::to_owned));
    scene.page(answer.header("location"), cookie.as_deref()).await
}

#[tokio::test]
async fn a_person_without_a_script_gets_a_page_and_not_a_document_for_programs() {
    const TOLD: &str = "database is full";
    let (scene, _) = furnished().await;
    scene.account("pat").await;
    let cookie = scene.session("dora").await;
    fill(&scene, &cookie).await;

    // There is room inside the file for small rows; each of them is tried until it is used up.
    let sign_in = format!("username=pat&password={PASSWORD}");
    for (action, form, page, cookie) in [
        (
            "/api/fn/item/add",
            "org=acme&project=checkout&title=One&kind=task",
            BOARD,
            Some(cookie.as_str()),
        ),
        ("/sign-in", sign_in.as_str(), "/sign-in", None),
    ] {
        let mut tries = 0;
        let told = loop {
            let answer = seen(&scene, action, form, page, cookie).await;
            assert!(
                answer.header("content-type").starts_with("text/html"),
                "{}",
                answer.body
            );
            if answer.body.contains(TOLD) {
                break answer;
            }
            tries += 1;
            assert!(
                tries < 500,
                "{action} is never refused: {} {}",
                answer.status,
                answer.body
            );
        };
        assert!(told.body.contains("Ask your administrator"), "{}", told.body);
    }

    // What was typed cannot be kept for the next page either: the answer itself is a page then.
    let form = format!("org=acme&project=checkout&title={}&kind=task", "x".repeat(8_000));
    let answer = scene
        .post_form("/api/fn/item/add", &form, BOARD, Some(&cookie))
        .await;
    assert_eq!(answer.status, 503);
    assert!(
        answer.header("content-type").starts_with("text/html"),
        "{}",
        answer.body
    );
    assert!(answer.body.contains(TOLD), "{}", answer.body);
}

#[tokio::test]
async fn a_webhook_is_stored_or_refused_so_that_gitlab_sends_it_again() {
    let (scene, places) = furnished().await;
    let cookie = scene.session("dora").await;
    fill(&scene, &cookie).await;
    let mut taken = 0;
    let refused = loop {
        let answer = scene.send(hook(&places, taken)).await;
        if answer.status != 202 {
            break answer;
        }
        taken += 1;
        assert!(taken < 5_000, "it never became full");
    };
    assert_eq!(refused.status, 503);
    assert_eq!(refused.json()["code"], "database_full");
    let stored = || async {
        let scope = access::app_by_id::<may::AppManage>(&scene.portal.system("test"), places.app)
            .await
            .unwrap();
        let mut tx = scene.portal.store.read().await.unwrap();
        tx.waiting_deliveries(&scope.modify(), 10_000)
            .await
            .unwrap()
            .len()
    };
    assert_eq!(stored().await, taken, "what was taken is there, and nothing else");
    scene.store.fill_disk_for_tests(false).await.unwrap();
    assert_eq!(scene.send(hook(&places, taken)).await.status, 202);
    assert_eq!(stored().await, taken + 1);
}
