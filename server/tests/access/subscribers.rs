//! Webhooks that Slipway sends, at the edge: the REST API's versions and pages, and the secret that is shown once.

use crate::scene::{Answer, Scene};
use http::{Request, header};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const WEBHOOKS: &str = "/api/v1/orgs/acme/webhooks?project=checkout";
const SETTINGS: &str = "/orgs/acme/projects/checkout/settings/webhooks";

fn new() -> Value {
    json!({
        "url": "https://hooks.example.com/in?key=hidden",
        "description": "to the chat",
        "events": ["run.finished", "item.created"],
    })
}

async fn put(scene: &Scene, path: &str, body: &Value, version: &str, cookie: &str) -> Answer {
    let request = Request::builder()
        .method("PUT")
        .uri(path)
        .header("sec-fetch-site", "same-origin")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::IF_MATCH, version)
        .header(header::COOKIE, cookie);
    scene.send(request.body(body.to_string().into()).unwrap()).await
}

#[tokio::test]
async fn a_program_makes_reads_changes_and_deletes_a_webhook() {
    let scene = Scene::new().await;
    scene.furnish().await;
    let devon = scene.session("devon").await;
    let cookie = Some(devon.as_str());
    let made = scene.call("POST", WEBHOOKS, &new().to_string(), cookie).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let (made, location) = (made.json(), made.header("location").to_owned());
    assert_eq!(made["url"], location);
    let secret = made["secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("whsec_"));

    let shown = scene.get(&location, cookie).await;
    assert_eq!((shown.status.as_u16(), shown.header("etag")), (200, "\"1\""));
    assert!(!shown.body.contains("secret\":\"whsec"), "never again");
    assert_eq!(shown.json()["events"], new()["events"]);
    assert_eq!(shown.json()["enabled"], true);

    let mut change = new();
    change["enabled"] = false.into();
    assert_eq!(put(&scene, &location, &change, "\"1\"", &devon).await.status, 204);
    let stale = put(&scene, &location, &change, "\"1\"", &devon).await;
    assert_eq!(
        (stale.status.as_u16(), &stale.json()["code"]),
        (412, &"version_mismatch".into())
    );
    let test = location.replace("?project", "/test?project");
    let off = scene.call("POST", &test, "", cookie).await;
    assert_eq!(
        (off.status.as_u16(), &off.json()["code"]),
        (422, &"webhook_off".into())
    );

    for wrong in [
        json!({"url": "https://hooks.example.com", "events": []}),
        json!({"url": "https://hooks.example.com", "events": ["everything"]}),
        json!({"url": "https://hooks.example.com", "events": ["webhook.test"]}),
        json!({"url": "file:///etc/passwd", "events": ["item.created"]}),
        json!({"url": "https://hooks.example.com", "events": ["item.created"], "org": "other"}),
        json!({"url": "https://hooks.example.com", "events": ["item.created"], "description": "\u{0}"}),
    ] {
        let refused = scene.call("POST", WEBHOOKS, &wrong.to_string(), cookie).await;
        assert_eq!(refused.status, 422, "{wrong}: {}", refused.body);
    }
    assert_eq!(scene.call("DELETE", &location, "", cookie).await.status, 204);
    assert_eq!(scene.get(&location, cookie).await.status, 404);
}

#[tokio::test]
async fn following_the_links_shows_every_delivery_once() {
    let scene = Scene::new().await;
    let places = scene.furnish().await;
    let (webhook, _) = places.webhooks[0];
    let devon = scene.session("devon").await;
    let cookie = Some(devon.as_str());
    for _ in 0..6 {
        let test = format!("/api/v1/orgs/acme/webhooks/{webhook}/test?project=checkout");
        assert_eq!(scene.call("POST", &test, "", cookie).await.status, 201);
    }
    let mut next = Some(format!(
        "/api/v1/orgs/acme/webhooks/{webhook}/deliveries?project=checkout&limit=3"
    ));
    let (mut seen, mut pages) = (BTreeSet::new(), 0);
    while let Some(path) = next {
        let answer = scene.get(&path, cookie).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        for delivery in answer.json().as_array().unwrap() {
            assert_eq!(delivery["state"], "waiting");
            assert!(
                seen.insert(delivery["id"].as_str().unwrap().to_owned()),
                "shown twice"
            );
        }
        pages += 1;
        let link = answer
            .headers
            .get(header::LINK)
            .map(|link| link.to_str().unwrap().to_owned());
        next = link.map(|link| link.trim_start_matches('<').split('>').next().unwrap().to_owned());
    }
    assert_eq!((seen.len(), pages), (7, 3));
}

#[tokio::test]
async fn the_pages_show_the_secret_once_and_answers_escaped() {
    let scene = Scene::new().await;
    let places = scene.furnish().await;
    let devon = scene.session("devon").await;
    let cookie = Some(devon.as_str());
    let form = "org=acme&project=checkout&url=ftp%3A%2F%2Fx&description=kept&kinds[1]=promotion.decided";
    let refused = scene
        .post_form("/api/fn/subscriber/create", form, SETTINGS, cookie)
        .await;
    assert_eq!(
        (refused.status.as_u16(), refused.header("location")),
        (303, SETTINGS)
    );
    let page = scene.page(SETTINGS, cookie).await;
    assert!(
        page.body.contains("start with https:// or http://"),
        "{}",
        page.body
    );
    assert!(page.body.contains("value=\"kept\"") && page.body.contains("value=\"ftp://x\""));

    let form = form.replace("ftp%3A%2F%2Fx", "https%3A%2F%2Fx.example.com");
    let made = scene
        .post_form("/api/fn/subscriber/create", &form, SETTINGS, cookie)
        .await;
    assert_eq!((made.status.as_u16(), made.header("location")), (303, SETTINGS));
    assert!(!made.body.contains("whsec_"));
    assert!(scene.page(SETTINGS, cookie).await.body.contains("whsec_"));
    let again = scene.page(SETTINGS, cookie).await.body;
    assert!(!again.contains("whsec_") && again.contains("https://x.example.com"));

    let (webhook, delivery) = places.webhooks[0];
    let statement = format!(
        "UPDATE messages SET answer = '<script>alert(1)</script>', status = 500, took_ms = 12 WHERE id = '{delivery}'"
    );
    scene.store.execute_for_tests(statement).await.unwrap();
    let one = scene.page(&format!("{SETTINGS}/{webhook}"), cookie).await;
    assert_eq!(one.status, 200);
    assert!(
        one.body.contains("500 · 12 ms") && one.body.contains("webhook.test"),
        "{}",
        one.body
    );
    let shown = scene
        .page(&format!("{SETTINGS}/{webhook}/deliveries/{delivery}"), cookie)
        .await;
    assert_eq!(shown.status, 200);
    assert!(shown.body.contains("&lt;script&gt;alert(1)"), "{}", shown.body);
    assert!(!shown.body.contains("<script>alert(1)"));
    assert!(!shown.body.contains("whsec_"));

    let dora = scene.session("dora").await;
    for path in [String::from(SETTINGS), format!("{SETTINGS}/{webhook}")] {
        let refused = scene.page(&path, Some(&dora)).await;
        assert_eq!(refused.status, 403, "{path}");
        assert!(!refused.body.contains("hooks.example.com"), "{path}");
    }
}
