//! Tokens, scopes and OAuth 2.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::server::{ORDER_API, Server};

#[tokio::test(flavor = "multi_thread")]
async fn wrong_tokens_and_narrow_scopes_are_refused_in_gitlabs_words() {
    let server = Server::start().await;
    let url = format!("{}/api/v4/user", server.gitlab.url());
    let response = server
        .http
        .get(&url)
        .header("PRIVATE-TOKEN", "wrong")
        .send()
        .await
        .expect("an answer");
    assert_eq!(response.status(), 401);
    assert_eq!(
        response.json::<Value>().await.expect("JSON"),
        json!({ "message": "401 Unauthorized" })
    );
    let users = server.get("users?username=dev-1").await;
    let body = json!({ "name": "reader", "scopes": ["read_api"] });
    let token = server
        .post(&format!("users/{}/personal_access_tokens", users[0]["id"]), body)
        .await;
    let project = format!("{}/api/v4/projects/{ORDER_API}", server.gitlab.url());
    let bearer = token["token"].as_str().expect("a token");
    let read = server
        .http
        .get(&project)
        .bearer_auth(bearer)
        .send()
        .await
        .expect("an answer");
    assert_eq!(read.status(), 200);
    let write = server
        .http
        .post(format!("{project}/issues?title=x"))
        .bearer_auth(bearer)
        .send()
        .await
        .expect("an answer");
    assert_eq!(write.status(), 403);
    assert_eq!(
        write.json::<Value>().await.expect("JSON")["error"],
        "insufficient_scope"
    );
    let as_developer = server
        .http
        .get(format!("{project}/variables"))
        .header("PRIVATE-TOKEN", &server.developer);
    assert_eq!(
        as_developer.send().await.expect("an answer").status(),
        403,
        "variables are for maintainers"
    );
    server.gitlab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "one sign-in from its page to its renewal")]
async fn the_authorization_code_is_redeemed_once_and_only_with_its_verifier() {
    let server = Server::start().await;
    let base = server.gitlab.url();
    let redirect = "http://127.0.0.1:3000/callback";
    let (id, secret) = server
        .gitlab
        .seed_application("Slipway", redirect, &["read_user", "openid", "email"]);
    let verifier = "a-verifier-of-at-least-forty-three-characters-0123";
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
    let query = [
        ("client_id", id.as_str()),
        ("redirect_uri", redirect),
        ("response_type", "code"),
        ("scope", "read_user openid email"),
        ("state", "xyz"),
        ("nonce", "n-1"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    let page = server
        .http
        .get(format!("{base}/oauth/authorize"))
        .query(&query)
        .send()
        .await
        .expect("a page");
    assert!(page.text().await.expect("text").contains("Dana Developer"));
    let code = || async {
        let mut form = query.to_vec();
        form.push(("username", "dev-1"));
        let answer = server
            .http
            .post(format!("{base}/oauth/authorize"))
            .form(&form)
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status(), 302);
        let to = url::Url::parse(answer.headers()["location"].to_str().expect("text")).expect("an address");
        let find = |name: &str| {
            to.query_pairs()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
        };
        assert_eq!(find("state").as_deref(), Some("xyz"));
        find("code").expect("a code")
    };
    let redeem = |code: String, verifier: &'static str| {
        let form = [
            ("grant_type", "authorization_code".to_owned()),
            ("code", code),
            ("redirect_uri", redirect.to_owned()),
            ("code_verifier", verifier.to_owned()),
        ];
        let request = server
            .http
            .post(format!("{base}/oauth/token"))
            .basic_auth(&id, Some(&secret))
            .form(&form);
        async {
            let response = request.send().await.expect("an answer");
            (
                response.status().as_u16(),
                response.json::<Value>().await.expect("JSON"),
            )
        }
    };
    let (status, refused) = redeem(code().await, "another-verifier").await;
    assert_eq!((status, refused["error"].as_str()), (400, Some("invalid_grant")));
    let good = code().await;
    let (status, token) = redeem(good.clone(), verifier).await;
    assert_eq!(status, 200, "{token}");
    assert_eq!(redeem(good, verifier).await.0, 400, "a code works once");
    let access = token["access_token"].as_str().expect("a token");
    let info = server
        .http
        .get(format!("{base}/oauth/userinfo"))
        .bearer_auth(access)
        .send()
        .await
        .expect("an answer");
    assert_eq!(info.json::<Value>().await.expect("JSON")["nickname"], "dev-1");
    let user = server
        .http
        .get(format!("{base}/api/v4/user"))
        .bearer_auth(access)
        .send()
        .await
        .expect("an answer");
    assert_eq!(user.json::<Value>().await.expect("JSON")["username"], "dev-1");
    verify_id_token(&server, token["id_token"].as_str().expect("an id token"), &id).await;
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", token["refresh_token"].as_str().expect("a token")),
    ];
    let renewed = server
        .http
        .post(format!("{base}/oauth/token"))
        .basic_auth(&id, Some(&secret))
        .form(&form);
    assert_eq!(renewed.send().await.expect("an answer").status(), 200);
    let old = server
        .http
        .get(format!("{base}/api/v4/user"))
        .bearer_auth(access)
        .send()
        .await
        .expect("an answer");
    assert_eq!(old.status(), 401, "a refreshed token is revoked");
    server.gitlab.shutdown().await;
}

async fn verify_id_token(server: &Server, jwt: &str, audience: &str) {
    let keys: Value = server
        .http
        .get(format!("{}/oauth/discovery/keys", server.gitlab.url()))
        .send()
        .await
        .expect("keys")
        .json()
        .await
        .expect("JSON");
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).expect("base64");
    let (signed, signature) = jwt.rsplit_once('.').expect("a JWT");
    let part = |key: &str| decode(keys["keys"][0][key].as_str().expect("text"));
    let (n, e) = (part("n"), part("e"));
    let key = aws_lc_rs::signature::RsaPublicKeyComponents { n: &n[..], e: &e[..] };
    key.verify(
        &aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA256,
        signed.as_bytes(),
        &decode(signature),
    )
    .expect("the signature is good");
    let claims: Value =
        serde_json::from_slice(&decode(signed.split_once('.').expect("claims").1)).expect("JSON");
    assert_eq!(claims["aud"], audience);
    assert_eq!(claims["iss"], server.gitlab.url());
    assert_eq!(claims["nonce"], "n-1");
    assert_eq!(claims["email"], "dev-1@acme.example");
}
