//! `ETag` and `If-Match`: what was read is what an update is made on.

use crate::scene::{Answer, Scene};
use crate::tokens::{send, token};
use axum::body::Body;
use http::{Request, header};
use slipway_domain::token::Scope;
use slipway_portal::token::Made;

async fn put(scene: &Scene, path: &str, made: &Made, tag: &str, body: &str) -> Answer {
    let request = Request::builder()
        .method("PUT")
        .uri(path)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::AUTHORIZATION, format!("Bearer {}", made.secret))
        .header(header::IF_MATCH, tag)
        .body(Body::from(body.to_owned()))
        .unwrap();
    scene.send(request).await
}

/// Another version is refused, the one that was read is not, and then it is another one.
async fn once(scene: &Scene, path: &str, made: &Made, tag: &str, body: &str) {
    for (tag, fine) in [("\"1\"", false), (tag, true), (tag, false)] {
        let answer = put(scene, path, made, tag, body).await;
        if fine {
            assert!(answer.status.is_success(), "{path}: {}", answer.body);
        } else {
            assert_eq!(answer.status, 412, "{path} with {tag}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn settings_are_changed_only_as_they_were_read() {
    let scene = Scene::new().await;
    scene.furnish().await;
    let made = token(&scene, "ada", &Scope::offered(false)).await;
    let project = "/api/v1/orgs/acme/projects/checkout";
    let shown = send(&scene, "GET", &format!("{project}/settings"), &made, None)
        .await
        .json();
    let tag = shown["features_etag"].as_str().unwrap();
    once(
        &scene,
        &format!("{project}/features"),
        &made,
        tag,
        r#"{"on":["pipelines","releases"]}"#,
    )
    .await;
    let quota = &shown["quotas"][0];
    let (key, tag) = (
        quota["environment"].as_str().unwrap(),
        quota["etag"].as_str().unwrap(),
    );
    let path = format!("{project}/environments/{key}/quota");
    once(&scene, &path, &made, tag, r#"{"cpu":"4","memory":"","pods":"9"}"#).await;
    let path = "/api/v1/me/notice-settings";
    let tag = send(&scene, "GET", path, &made, None)
        .await
        .header("etag")
        .to_owned();
    once(&scene, path, &made, &tag, r#"{"off":["item_mentioned"]}"#).await;
}

#[tokio::test]
async fn a_role_is_changed_only_as_it_was_read() {
    let scene = Scene::new().await;
    scene.furnish().await;
    let made = token(&scene, "ada", &Scope::offered(false)).await;
    let list = "/api/v1/orgs/acme/members?project=checkout";
    let find = |shown: serde_json::Value| {
        let held =
            |one: &&serde_json::Value| one["person"]["username"] == "dora" && one["inherited"] == false;
        shown.as_array().unwrap().iter().find(held).cloned().unwrap()
    };
    let held = find(send(&scene, "GET", list, &made, None).await.json());
    let at = |held: &serde_json::Value| {
        let id = held["id"].as_str().unwrap();
        format!("/api/v1/orgs/acme/members/{id}?project=checkout")
    };
    let body = r#"{"role":"project.viewer"}"#;
    assert_eq!(put(&scene, &at(&held), &made, "\"1\"", body).await.status, 412);
    let tag = held["etag"].as_str().unwrap();
    let answer = put(&scene, &at(&held), &made, tag, body).await;
    assert_eq!(answer.status, 204, "{}", answer.body);
    let now = find(send(&scene, "GET", list, &made, None).await.json());
    assert_eq!(now["role"]["key"], "project.viewer");
    assert_eq!(
        put(&scene, &at(&now), &made, tag, body).await.status,
        412,
        "the tag of the old role"
    );
}

#[tokio::test]
async fn what_a_list_shows_has_a_tag_that_an_update_is_made_from() {
    let scene = Scene::new().await;
    scene.furnish().await;
    let made = token(&scene, "ada", &Scope::offered(false)).await;
    let window = r#"{"name":"year end","effect":"deny","zone":"UTC","start":"2030-01-01T00:00","end":"2030-01-02T00:00"}"#;
    for (list, new, change) in [
        (
            "groups",
            r#"{"name":"Crew"}"#,
            r#"{"name":"Crew two","claim":""}"#,
        ),
        ("freezes", window, window),
        (
            "connections",
            r#"{"name":"two","base_url":"https://gitlab.example.com","token":"glpat-1"}"#,
            r#"{"name":"three","base_url":"https://gitlab.example.com"}"#,
        ),
    ] {
        let list = format!("/api/v1/orgs/acme/{list}");
        let one = send(
            &scene,
            "POST",
            &list,
            &made,
            Some(serde_json::from_str(new).unwrap()),
        )
        .await;
        let id = one.json()["id"]
            .as_str()
            .unwrap_or_else(|| panic!("{}", one.body))
            .to_owned();
        let shown = send(&scene, "GET", &list, &made, None).await.json();
        let entry = shown
            .as_array()
            .unwrap()
            .iter()
            .find(|entry| entry["id"] == id.as_str());
        let tag = entry.unwrap()["etag"].as_str().unwrap().to_owned();
        let put = |tag: &str| {
            let request = Request::builder()
                .method("PUT")
                .uri(format!("{list}/{id}"))
                .header(header::CONTENT_TYPE, "application/json")
                .header(header::AUTHORIZATION, format!("Bearer {}", made.secret))
                .header(header::IF_MATCH, tag)
                .body(Body::from(change))
                .unwrap();
            scene.send(request)
        };
        assert_eq!(put("\"1\"").await.status, 412, "{list}");
        let done = put(&tag).await;
        assert_eq!(done.status, 204, "{list}: {}", done.body);
        let again = put(&tag).await.status;
        assert_eq!(
            again.as_u16(),
            if change == new { 204 } else { 412 },
            "{list}: the tag is another one now"
        );
    }
    let lead = token(&scene, "devon", &Scope::offered(false)).await;
    for (path, made) in [
        ("/api/v1/orgs/acme", &made),
        ("/api/v1/orgs/acme/projects/checkout/apps/order-api", &lead),
    ] {
        let shown = send(&scene, "GET", path, made, None).await.json();
        let tag = shown["etag"]
            .as_str()
            .unwrap_or_else(|| panic!("{shown}"))
            .to_owned();
        let slug = shown["slug"]
            .as_str()
            .unwrap_or_else(|| panic!("{shown}"))
            .to_owned();
        let body = serde_json::json!({ "slug": slug, "name": "Other" }).to_string();
        for (tag, status) in [("\"1\"", 412), (tag.as_str(), 200), (tag.as_str(), 412)] {
            let request = Request::builder()
                .method("PUT")
                .uri(path)
                .header(header::CONTENT_TYPE, "application/json")
                .header(header::AUTHORIZATION, format!("Bearer {}", made.secret))
                .header(header::IF_MATCH, tag)
                .body(Body::from(body.clone()))
                .unwrap();
            let answer = scene.send(request).await;
            assert_eq!(answer.status, status, "{path}: {}", answer.body);
        }
    }
}
