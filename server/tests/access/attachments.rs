//! Files of work items over HTTP: what is taken, how it is sent back, and by what name.

use crate::scene::{Answer, Scene, post};
use axum::body::Body;
use http::header;

const FILES: &str = "/api/v1/orgs/acme/projects/checkout/items/1/attachments";

/// A form with one file, as a browser sends it.
async fn upload(scene: &Scene, who: &str, name: &str, content: &[u8]) -> Answer {
    let cookie = scene.session(who).await;
    let mut body = Vec::new();
    for (field, value) in [("org", "acme"), ("project", "checkout"), ("number", "1")] {
        body.extend(
            format!("--b\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n{value}\r\n").bytes(),
        );
    }
    body.extend(format!("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: image/png\r\n\r\n").bytes());
    body.extend(content);
    body.extend(b"\r\n--b--\r\n");
    let length = body.len();
    let mut request = post("/attachments", Some(&cookie))
        .body(Body::from(body))
        .unwrap();
    for (name, value) in [
        (header::CONTENT_TYPE, "multipart/form-data; boundary=b"),
        (header::ACCEPT, "text/html"),
    ] {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    request
        .headers_mut()
        .insert(header::CONTENT_LENGTH, length.into());
    scene.send(request).await
}

async fn files(scene: &Scene) -> Vec<(String, String, String)> {
    let cookie = scene.session("vic").await;
    let list = scene.get(FILES, Some(&cookie)).await.json();
    let text = |one: &serde_json::Value, key: &str| one[key].as_str().unwrap().to_owned();
    let list = list.as_array().unwrap().clone();
    list.iter()
        .map(|one| (text(one, "name"), text(one, "media_type"), text(one, "url")))
        .collect()
}

#[tokio::test]
async fn a_picture_is_shown_and_everything_else_is_saved_whatever_its_name_says() {
    let scene = Scene::new().await;
    scene.furnish().await;
    let png = b"\x89PNG\r\n\x1a\n rest of a picture";
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>";
    let html = b"<!DOCTYPE html><script>alert(1)</script>";
    for (name, content) in [
        ("shot.png", png.as_slice()),
        ("../../etc/evil.png", svg.as_slice()),
        ("a\u{202e}gnp.html", html.as_slice()),
        ("<img src=x onerror=alert(1)>.txt", b"words".as_slice()),
    ] {
        let answer = upload(&scene, "dora", name, content).await;
        assert_eq!(answer.status, 303, "{name}: {}", answer.body);
    }
    let files = files(&scene).await;
    let names: Vec<&str> = files.iter().map(|(name, ..)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "shot.png",
            "evil.png",
            "agnp.html",
            "img src=x onerror=alert(1).txt"
        ]
    );
    let kinds: Vec<&str> = files.iter().map(|(_, kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["image/png", "text/plain", "text/plain", "text/plain"]);
    let cookie = scene.session("vic").await;
    for (index, (name, _, url)) in files.iter().enumerate() {
        let answer = scene.get(url, Some(&cookie)).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(
            answer.header("content-security-policy"),
            "default-src 'none'; sandbox"
        );
        let (kind, way) = (
            answer.header("content-type"),
            answer.header("content-disposition"),
        );
        if index == 0 {
            assert_eq!(kind, "image/png");
            assert!(way.starts_with("inline"), "{way}");
        } else {
            assert_eq!(kind, "application/octet-stream", "{name}");
            assert!(way.starts_with("attachment; filename=\""), "{way}");
        }
        assert!(
            !way.contains(['\r', '\n']) && way.matches('"').count() == 2,
            "{way}"
        );
    }
    let page = scene
        .page("/orgs/acme/projects/checkout/items/1", Some(&cookie))
        .await;
    assert!(
        page.body.contains("evil.png") && !page.body.contains("<img src=x"),
        "names are text"
    );
    let stranger = scene.session("nora").await;
    assert_eq!(scene.get(&files[0].2, Some(&stranger)).await.status, 404);
    assert_eq!(scene.get(&files[0].2, None).await.status, 401);
    // An id of a file leads to it through its own item only.
    let elsewhere = files[0].2.replace("/items/1/", "/items/2/");
    assert_eq!(scene.get(&elsewhere, Some(&cookie)).await.status, 404);
    let traversal = format!("{FILES}/..%2f..%2f..%2fetc%2fpasswd");
    assert_eq!(scene.get(&traversal, Some(&cookie)).await.status, 404);
}

#[tokio::test]
async fn what_is_too_large_empty_or_a_program_is_refused_on_the_items_page() {
    let scene = Scene::new().await;
    scene.furnish().await;
    for (name, content) in [
        ("a.txt", Vec::new()),
        ("holiday.png", b"\x7fELF\x02\x01\x01 a program".to_vec()),
        ("large.txt", vec![b'a'; 10 * 1024 * 1024 + 1]),
    ] {
        let answer = upload(&scene, "dora", name, &content).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("location")),
            (303, "/orgs/acme/projects/checkout/items/1"),
            "{name}"
        );
    }
    let larger = upload(&scene, "dora", "larger.txt", &vec![b'a'; 11 * 1024 * 1024]).await;
    assert_eq!(larger.status, 413);
    assert!(files(&scene).await.is_empty());
    let small = upload(&scene, "vic", "a.txt", b"words").await;
    assert_eq!(small.status, 303, "the page says why");
    assert!(files(&scene).await.is_empty(), "a viewer attaches nothing");
}
