//! GitLab's webhooks at the edge. What becomes of them is the use case's.

use crate::scene::Scene;
use axum::body::Body;
use http::{Request, header};

fn hook(path: &str, token: &str, body: &str) -> Request<Body> {
    Request::builder()
        .method("POST")
        .uri(path)
        .header(header::CONTENT_TYPE, "application/json")
        .header("x-gitlab-event", "Push Hook")
        .header("x-gitlab-token", token)
        .body(Body::from(body.to_owned()))
        .unwrap()
}

#[tokio::test]
async fn a_wrong_token_an_unknown_app_and_no_app_at_all_get_one_answer() {
    let scene = Scene::new().await;
    let places = scene.furnish().await;
    let answers = [
        scene
            .send(hook(&format!("/hooks/gitlab/{}", places.app), "wrong", "{}"))
            .await,
        scene
            .send(hook(&format!("/hooks/gitlab/{}", places.app), "", "{}"))
            .await,
        scene
            .send(hook(
                &format!("/hooks/gitlab/{}", uuid::Uuid::nil()),
                "wrong",
                "{}",
            ))
            .await,
        scene.send(hook("/hooks/gitlab/nonsense", "wrong", "{}")).await,
    ];
    for answer in answers {
        assert_eq!(answer.status, 404);
        assert_eq!(answer.json()["code"], "not_found");
    }
}
