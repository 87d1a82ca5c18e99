//! Changes come from our own pages, and redirects lead to our own pages.

use crate::scene::{PASSWORD, Scene, get};
use axum::body::Body;
use http::{Request, header};

fn foreign(path: &str, pairs: &[(&str, &str)]) -> Request<Body> {
    let mut request = Request::builder()
        .method("POST")
        .uri(path)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    for (name, value) in pairs {
        request = request.header(*name, *value);
    }
    request.body(Body::empty()).unwrap()
}

#[tokio::test]
async fn a_post_of_another_site_changes_nothing() {
    let scene = Scene::new().await;
    let cookie = scene.session("dora").await;
    for pairs in [
        vec![("sec-fetch-site", "cross-site")],
        vec![("sec-fetch-site", "same-site")],
        vec![("origin", "https://evil.example")],
        vec![("origin", "null")],
        vec![],
    ] {
        let mut pairs = pairs.clone();
        pairs.push(("cookie", cookie.as_str()));
        for path in [
            "/sign-out",
            "/preferences",
            "/api/fn/promotion/cancel",
            "/sign-in",
        ] {
            let answer = scene.send(foreign(path, &pairs)).await;
            assert_eq!(answer.status, 403, "{path} with {pairs:?}");
            assert_eq!(answer.json()["code"], "cross_origin");
        }
    }
    assert_eq!(
        scene.get("/api/v1/me", Some(&cookie)).await.status,
        200,
        "the session goes on"
    );
}

#[tokio::test]
async fn a_post_of_our_own_page_passes_by_either_header() {
    let scene = Scene::new().await;
    for (name, value) in [("sec-fetch-site", "same-origin"), ("origin", crate::scene::URL)] {
        let answer = scene.send(foreign("/preferences", &[(name, value)])).await;
        assert_eq!(answer.status, 303, "{name}");
    }
}

#[tokio::test]
async fn a_token_reads_no_cookie() {
    let scene = Scene::new().await;
    let cookie = scene.session("dora").await;
    let request = get("/api/v1/me", Some(&cookie)).header(header::AUTHORIZATION, "Bearer slw_wrong");
    assert_eq!(scene.send(request.body(Body::empty()).unwrap()).await.status, 401);
}

#[tokio::test]
async fn redirects_stay_here() {
    let scene = Scene::new().await;
    scene.account("pat").await;
    for evil in [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/%09/evil.example",
        "javascript:alert(1)",
    ] {
        let next: String = url::form_urlencoded::byte_serialize(evil.as_bytes()).collect();
        let form = format!("username=pat&password={PASSWORD}&next={next}");
        let expected = if evil.starts_with("/%09") { evil } else { "/" };
        assert_eq!(
            scene.post("/sign-in", &form, None).await.header("location"),
            expected,
            "{evil}"
        );
        let answer = scene
            .post("/preferences", &format!("theme=dark&next={next}"), None)
            .await;
        assert_eq!(answer.header("location"), expected, "{evil}");
        assert!(answer.cookie("slipway_theme").is_some());
    }
    let here = scene
        .post("/preferences", "locale=zh-CN&next=%2Forgs%2Facme%3Fa%3Db", None)
        .await;
    assert_eq!(here.header("location"), "/orgs/acme?a=b");
    assert_eq!(
        here.cookie("slipway_locale").as_deref(),
        Some("slipway_locale=zh-CN")
    );
}

#[tokio::test]
async fn a_form_never_redirects_to_where_a_forged_referrer_says() {
    let scene = Scene::new().await;
    scene.furnish().await;
    let cookie = scene.session("dora").await;
    let request = crate::scene::post("/api/fn/item/add", Some(&cookie))
        .header(header::ACCEPT, "text/html")
        .header(header::REFERER, "https://evil.example/orgs/acme");
    let form = "org=acme&project=checkout&title=One&kind=task";
    let answer = scene.send(request.body(Body::from(form)).unwrap()).await;
    assert_eq!(answer.status, 303);
    assert_eq!(answer.header("location"), "/orgs/acme");
}
