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

/// An application, and what its tokens do.
struct Client<'s> {
    server: &'s Server,
    id: String,
    secret: String,
}

const CALLBACK: &str = "http://127.0.0.1:3000/callback";

impl<'s> Client<'s> {
    fn new(server: &'s Server, name: &str, scopes: &[&str]) -> Self {
        let (id, secret) = server.gitlab.seed_application(name, CALLBACK, scopes);
        Self { server, id, secret }
    }

    /// A post to an endpoint of OAuth, the client in the body as GitLab's own examples have it.
    async fn post(&self, endpoint: &str, form: &[(&str, &str)]) -> (u16, Value) {
        let mut form = form.to_vec();
        form.extend([
            ("client_id", self.id.as_str()),
            ("client_secret", self.secret.as_str()),
        ]);
        let url = format!("{}/oauth/{endpoint}", self.server.gitlab.url());
        let answer = self
            .server
            .http
            .post(url)
            .form(&form)
            .send()
            .await
            .expect("an answer");
        (
            answer.status().as_u16(),
            answer.json().await.unwrap_or(Value::Null),
        )
    }

    /// Where the browser is sent to after somebody pressed a button of the page.
    async fn pressed(&self, scope: &str, button: (&str, &str)) -> url::Url {
        let form = [
            ("client_id", self.id.as_str()),
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("scope", scope),
            ("state", "xyz"),
            button,
        ];
        let url = format!("{}/oauth/authorize", self.server.gitlab.url());
        let answer = self
            .server
            .http
            .post(url)
            .form(&form)
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status(), 302);
        answer.headers()["location"]
            .to_str()
            .expect("text")
            .parse()
            .expect("an address")
    }

    async fn authorized(&self, scope: &str) -> Value {
        let to = self.pressed(scope, ("username", "dev-1")).await;
        let code = found(&to, "code").expect("a code");
        let form = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", CALLBACK),
        ];
        let (status, tokens) = self.post("token", &form).await;
        assert_eq!(status, 200, "{tokens}");
        tokens
    }

    async fn refreshed(&self, token: &str) -> (u16, Value) {
        let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.post("token", &form).await
    }

    /// What the API answers to a GET with a token in a header.
    async fn asked(&self, path: &str, name: &str, value: &str) -> (u16, Value) {
        let url = format!("{}/{path}", self.server.gitlab.url());
        let answer = self
            .server
            .http
            .get(url)
            .header(name, value)
            .send()
            .await
            .expect("an answer");
        (
            answer.status().as_u16(),
            answer.json().await.unwrap_or(Value::Null),
        )
    }

    async fn bears(&self, path: &str, token: &str) -> (u16, Value) {
        self.asked(path, "authorization", &format!("Bearer {token}"))
            .await
    }
}

fn found(url: &url::Url, name: &str) -> Option<String> {
    let mut pairs = url.query_pairs();
    pairs
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

fn word<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().expect("a text")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_oauth_ends_is_rotated_and_revoked() {
    let server = Server::start().await;
    let client = Client::new(&server, "Slipway", &["api", "read_user"]);
    let first = client.authorized("api").await;
    assert_eq!(first["expires_in"], 7200);
    let access = word(&first, "access_token");
    assert_eq!(client.bears("api/v4/user", access).await.0, 200);
    let private = client.asked("api/v4/user", "private-token", access).await;
    assert_eq!(private.0, 401, "it is sent as a bearer token and not otherwise");
    assert_eq!(
        client.bears("api/v4/personal_access_tokens/self", access).await.0,
        400
    );
    let (status, info) = client.bears("oauth/token/info", access).await;
    assert_eq!(
        (status, &info["scope"], &info["scopes"]),
        (200, &json!(["api"]), &json!(["api"]))
    );
    assert_eq!(info["application"]["uid"], client.id.as_str());
    assert!((7100..=7200).contains(&info["expires_in_seconds"].as_i64().expect("seconds")));
    assert_eq!(info["expires_in"], info["expires_in_seconds"]);
    let admin = client
        .bears("oauth/token/info", server.gitlab.admin_token())
        .await;
    assert_eq!(
        (admin.0, &admin.1["error"]),
        (401, &json!("invalid_request")),
        "it is none of OAuth"
    );

    server.gitlab.pass(7200);
    let (status, ended) = client.bears("api/v4/user", access).await;
    assert_eq!((status, &ended["error"]), (401, &json!("invalid_token")));
    let (status, second) = client.refreshed(word(&first, "refresh_token")).await;
    assert_eq!(status, 200, "a refresh token outlives its access token: {second}");
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    assert_eq!(
        client.bears("api/v4/user", word(&second, "access_token")).await.0,
        200
    );
    let (status, again) = client.refreshed(word(&first, "refresh_token")).await;
    assert_eq!(
        (status, &again["error"]),
        (400, &json!("invalid_grant")),
        "and works once"
    );

    let wrong = Client {
        secret: String::from("gloas-wrong"),
        id: client.id.clone(),
        server: &server,
    };
    let refresh = word(&second, "refresh_token");
    let (status, refused) = wrong.refreshed(refresh).await;
    assert_eq!((status, &refused["error"]), (401, &json!("invalid_client")));
    assert_eq!(wrong.post("revoke", &[("token", refresh)]).await.0, 403);
    assert_eq!(
        client.bears("api/v4/user", word(&second, "access_token")).await.0,
        200
    );
    assert_eq!(
        client.post("revoke", &[("token", refresh)]).await,
        (200, json!({}))
    );
    assert_eq!(
        client.bears("api/v4/user", word(&second, "access_token")).await.0,
        401
    );
    assert_eq!(client.refreshed(refresh).await.0, 400);
    assert_eq!(
        client.post("revoke", &[("token", "made up")]).await,
        (200, json!({}))
    );

    let third = client.authorized("api").await;
    let applications = server.get("applications").await;
    let path = format!("applications/{}", applications[0]["id"]);
    assert_eq!(server.call("DELETE", &path, Value::Null).await.0, 204);
    assert_eq!(
        client.bears("api/v4/user", word(&third, "access_token")).await.0,
        401
    );
    let (status, gone) = client.refreshed(word(&third, "refresh_token")).await;
    assert_eq!(
        (status, &gone["error"]),
        (400, &json!("invalid_grant")),
        "they go with their application"
    );
    server.gitlab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_gets_the_scopes_it_has_and_nothing_where_somebody_denies() {
    let server = Server::start().await;
    let client = Client::new(&server, "Reader", &["read_api", "read_user"]);
    let denied = client.pressed("read_api", ("deny", "true")).await;
    assert_eq!(found(&denied, "error").as_deref(), Some("access_denied"));
    assert_eq!(
        (found(&denied, "state").as_deref(), found(&denied, "code")),
        (Some("xyz"), None)
    );
    let wider = client.pressed("api", ("username", "dev-1")).await;
    assert_eq!(found(&wider, "error").as_deref(), Some("invalid_scope"));
    let tokens = client.authorized("read_api").await;
    let access = word(&tokens, "access_token");
    assert_eq!(
        client.bears("oauth/token/info", access).await.1["scope"],
        json!(["read_api"])
    );
    let project = format!("api/v4/projects/{ORDER_API}");
    assert_eq!(client.bears(&project, access).await.0, 200);
    let url = format!("{}/{project}/issues?title=x", server.gitlab.url());
    let write = server
        .http
        .post(url)
        .bearer_auth(access)
        .send()
        .await
        .expect("an answer");
    assert_eq!(write.status(), 403);
    let url = format!(
        "{}/acme/order-api.git/info/refs?service=git-upload-pack",
        server.gitlab.url()
    );
    let clone = |token: &str| server.http.get(&url).basic_auth("oauth2", Some(token)).send();
    assert_eq!(
        clone(access).await.expect("an answer").status(),
        403,
        "it reads no repository"
    );
    let wide = Client::new(&server, "Writer", &["api"]);
    let tokens = wide.authorized("api").await;
    assert_eq!(
        clone(word(&tokens, "access_token"))
            .await
            .expect("an answer")
            .status(),
        200
    );
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
