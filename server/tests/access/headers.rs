//! What every answer carries for the browser's safety.

use crate::scene::Scene;

#[tokio::test]
async fn a_page_runs_only_scripts_that_carry_its_nonce() {
    let scene = Scene::new().await;
    let first = scene.page("/sign-in", None).await;
    assert_eq!(first.status, 200);
    let policy = first.header("content-security-policy");
    let nonce = policy
        .split("'nonce-")
        .nth(1)
        .unwrap()
        .split('\'')
        .next()
        .unwrap();
    assert!(nonce.len() >= 22, "128 bits: {nonce}");
    assert!(
        first.body.contains(&format!("nonce=\"{nonce}\"")),
        "the page's scripts carry it"
    );
    assert!(
        !policy.contains("unsafe-inline") && !policy.contains("unsafe-eval'")
            || policy.contains("'wasm-unsafe-eval'")
    );
    assert!(!policy.contains("'unsafe-"));
    assert!(policy.contains("frame-ancestors 'none'") && policy.contains("base-uri 'none'"));
    let second = scene.page("/sign-in", None).await;
    assert!(
        !second.header("content-security-policy").contains(nonce),
        "a nonce is used once"
    );
    for script in first.body.split("<script").skip(1) {
        let tag = script.split('>').next().unwrap();
        assert!(tag.contains(&format!("nonce=\"{nonce}\"")), "<script{tag}>");
    }
}

#[tokio::test]
async fn every_kind_of_answer_carries_the_headers() {
    let scene = Scene::new().await;
    for path in [
        "/healthz",
        "/sign-in",
        "/api/v1/me",
        "/nothing/here",
        "/api/fn/session/ways",
    ] {
        let answer = scene.page(path, None).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "same-origin", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        assert!(
            answer
                .header("content-security-policy")
                .contains("frame-ancestors 'none'"),
            "{path}"
        );
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert_eq!(
            answer.header("strict-transport-security"),
            "",
            "{path}: not without TLS"
        );
        assert!(answer.header("x-request-id").len() >= 8, "{path}");
    }
}

#[tokio::test]
async fn behind_tls_browsers_are_told_to_stay_there_and_cookies_are_bound_to_the_host() {
    let scene = Scene::at("https://slipway.example.com").await;
    scene.account("pat").await;
    let form = format!("username=pat&password={}", crate::scene::PASSWORD);
    let answer = scene.post("/sign-in", &form, None).await;
    assert!(
        answer
            .header("strict-transport-security")
            .starts_with("max-age=31536000")
    );
    let cookie = answer.header("set-cookie");
    assert!(
        cookie.starts_with("__Host-slipway=") && cookie.contains("; Secure") && cookie.contains("; Path=/;")
    );
    assert!(cookie.contains("; HttpOnly") && cookie.contains("; SameSite=Lax") && !cookie.contains("Domain"));
}

#[tokio::test]
async fn files_of_the_site_are_served_compressed_and_asked_for_again() {
    let scene = Scene::new().await;
    let pkg = scene.folder.path().join("site/pkg");
    std::fs::create_dir_all(&pkg).unwrap();
    std::fs::write(pkg.join("slipway.js"), "plain").unwrap();
    std::fs::write(pkg.join("slipway.js.br"), "brotli").unwrap();
    let plain = scene.get("/pkg/slipway.js", None).await;
    assert_eq!((plain.status.as_u16(), plain.body.as_str()), (200, "plain"));
    assert_eq!(plain.header("cache-control"), "public, no-cache");
    let request = crate::scene::get("/pkg/slipway.js", None).header("accept-encoding", "br, gzip");
    let small = scene.send(request.body(axum::body::Body::empty()).unwrap()).await;
    assert_eq!(
        (small.header("content-encoding"), small.body.as_str()),
        ("br", "brotli")
    );
    assert!(small.header("content-type").starts_with("text/javascript"));
    let request =
        crate::scene::get("/pkg/slipway.js", None).header("if-modified-since", plain.header("last-modified"));
    assert_eq!(
        scene
            .send(request.body(axum::body::Body::empty()).unwrap())
            .await
            .status,
        304
    );
    for outside in ["/pkg/../../test.db", "/pkg/%2e%2e/%2e%2e/test.db", "/../test.db"] {
        assert_eq!(scene.get(outside, None).await.status, 404, "{outside}");
    }
}
