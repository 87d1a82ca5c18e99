//! Refusals as RFC 9457 problem documents.

use crate::scene::{Scene, get};
use axum::body::Body;
use http::header;

#[tokio::test]
async fn a_problem_says_what_happened_in_the_readers_language_and_which_request_it_was() {
    let scene = Scene::new().await;
    let request = get("/api/v1/me", None)
        .header(header::ACCEPT_LANGUAGE, "zh-CN,zh;q=0.9")
        .header("x-request-id", "from-the-proxy");
    let answer = scene.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(answer.header("x-request-id"), "from-the-proxy");
    let expected = serde_json::json!({
        "type": "urn:slipway:problem:unauthenticated",
        "title": "Unauthorized",
        "status": 401,
        "detail": "请先登录。",
        "code": "unauthenticated",
        "request_id": "from-the-proxy"
    });
    assert_eq!(answer.json(), expected);
}

#[tokio::test]
async fn what_one_may_not_see_is_not_there() {
    let scene = Scene::new().await;
    scene.furnish().await;
    let cookie = scene.session("olga").await;
    let hidden = scene
        .get("/api/v1/orgs/acme/projects/checkout", Some(&cookie))
        .await;
    let absent = scene
        .get("/api/v1/orgs/acme/projects/nothing", Some(&cookie))
        .await;
    assert_eq!(
        (hidden.status, absent.status),
        (http::StatusCode::NOT_FOUND, http::StatusCode::NOT_FOUND)
    );
    let strip = |answer: &crate::scene::Answer| {
        let mut json = answer.json();
        json.as_object_mut().unwrap().remove("request_id");
        json
    };
    assert_eq!(strip(&hidden), strip(&absent), "the two cannot be told apart");
}

#[tokio::test]
async fn a_path_that_is_nowhere_is_a_problem_for_programs_and_a_page_for_people() {
    let scene = Scene::new().await;
    let program = scene.get("/nothing/here", None).await;
    assert_eq!(
        (program.status.as_u16(), program.header("content-type")),
        (404, "application/problem+json")
    );
    let cookie = scene.session("vic").await;
    let person = scene.page("/nothing/here", Some(&cookie)).await;
    assert_eq!(person.status, 404);
    assert!(
        person.body.contains("<!DOCTYPE html>") && person.body.contains("id=\"main\""),
        "the app's own page"
    );
}

#[tokio::test]
async fn an_id_that_is_no_id_is_made_anew_and_a_large_body_is_refused() {
    let scene = Scene::new().await;
    for wrong in ["short", "with spaces in it", "<script>alert(1)</script>"] {
        let answer = scene
            .send(
                get("/healthz", None)
                    .header("x-request-id", wrong)
                    .body(Body::empty())
                    .unwrap(),
            )
            .await;
        assert_ne!(answer.header("x-request-id"), wrong);
    }
    let request = crate::scene::post("/preferences", None).header(header::CONTENT_LENGTH, 50_000_000);
    assert_eq!(scene.send(request.body(Body::empty()).unwrap()).await.status, 413);
}

#[tokio::test]
async fn a_broken_database_is_told_as_such_and_readiness_ends() {
    let scene = Scene::new().await;
    let cookie = scene.session("vic").await;
    assert_eq!(scene.get("/readyz", None).await.status, 200);
    scene.store.close().await;
    assert_eq!(scene.get("/readyz", None).await.status, 503);
    assert_eq!(
        scene.get("/healthz", None).await.status,
        200,
        "the process itself runs"
    );
    let answer = scene.get("/api/v1/orgs", Some(&cookie)).await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.json()["code"], "database");
}

#[tokio::test]
async fn metrics_are_for_whoever_has_the_token() {
    let scene = Scene::new().await;
    assert_eq!(scene.get("/metrics", None).await.status, 401);
    let ask = |token: &str| {
        get("/metrics", None)
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .body(Body::empty())
            .unwrap()
    };
    assert_eq!(scene.send(ask("wrong")).await.status, 401);
    // Another test of this process may hold the one recorder; then there is nothing to render.
    assert!([200, 404].contains(&scene.send(ask("metrics-token")).await.status.as_u16()));
}
