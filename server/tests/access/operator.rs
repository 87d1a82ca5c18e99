//! Operators and the providers of sign-in that they set up, at the wire.

use crate::fake_provider::FakeProvider;
use crate::providers::{come_back, leave};
use crate::scene::{Answer, Scene, get};
use axum::body::Body;
use http::{Request, StatusCode, header};
use serde_json::{Value, json};
use slipway_domain::session::PROOF_LASTS;
use slipway_domain::token::Scope;
use slipway_portal::outgoing::{Net, Outgoing};
use slipway_portal::ports::{ProviderConnector as _, ProviderError};
use slipway_portal::{identity, operator, token};
use slipway_server::http::discovery::Discovery;
use slipway_server::http::exchange::Line;

const SESSION: &str = "slipway_session";
const LIST: &str = "/api/v1/operator/sign-in-providers";
const PAGES: [&str; 4] = [
    "/operator",
    "/operator/sign-in",
    "/operator/sign-in/sso",
    "/operator/audit",
];

/// A furnished scene with the operator `opal`, a provider at the wire, and opal's cookie.
async fn scene() -> (Scene, FakeProvider, String) {
    let mut scene = Scene::new().await;
    scene.furnish().await;
    scene.operator("opal").await;
    let provider = FakeProvider::start(&scene.clock).await;
    let opal = scene.session("opal").await;
    (scene, provider, opal)
}

fn form(provider: &FakeProvider, more: &str) -> String {
    format!(
        "key=sso&name=Company+account&issuer={}&client_id=slipway&client_secret=open-sesame&scopes=email\
         &groups_claim=groups&allowed_domains={more}",
        provider.url()
    )
}

async fn added(scene: &Scene, provider: &FakeProvider, opal: &str) {
    let answer = scene
        .post("/api/fn/operator/add_provider", &form(provider, ""), Some(opal))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

/// The whole way to sign in.
async fn signs_in(scene: &Scene, provider: &FakeProvider) -> Answer {
    let away = leave(scene, "/sign-in/sso", None).await;
    let query = format!("code={}&state={}", provider.grant(&away.address), away.state());
    come_back(scene, "sso", &query, &away.trip).await
}

#[tokio::test]
async fn the_pages_of_operators_are_not_there_for_anybody_else() {
    let (scene, provider, opal) = scene().await;
    added(&scene, &provider, &opal).await;
    let nowhere = scene
        .page("/orgs/nowhere", Some(&scene.session("ada").await))
        .await;
    for path in PAGES {
        for who in ["ada", "vic", "nora"] {
            let page = scene.page(path, Some(&scene.session(who).await)).await;
            assert_eq!(page.status, StatusCode::NOT_FOUND, "{path} as {who}");
            assert!(page.body.contains("Not found") && nowhere.body.contains("Not found"));
            assert!(!page.body.contains("Company account") && !page.body.contains("OPAL"));
            // The way there, above the page, says what was typed; the menu does not know of it.
            let home = scene.page("/", Some(&scene.session(who).await)).await;
            assert!(!home.body.contains("href=\"/operator\""), "{who}");
        }
        let page = scene.page(path, Some(&opal)).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(page.body.contains("href=\"/operator\""));
        assert!(!page.body.contains("open-sesame"), "{path}");
        let nobody = scene.page(path, None).await;
        let other = scene.page("/orgs/nowhere", None).await;
        assert_eq!(nobody.status, other.status);
    }
}

#[tokio::test]
async fn a_provider_counts_at_once_and_no_more_once_it_is_off_and_sessions_go_on() {
    let (scene, provider, opal) = scene().await;
    let gone = scene.page("/sign-in/sso", None).await;
    assert_eq!(gone.header("location"), "/sign-in?error=provider");
    added(&scene, &provider, &opal).await;
    let page = scene.page("/sign-in", None).await.body;
    assert!(
        page.contains("Sign in with Company account") && page.contains("/sign-in/sso"),
        "{page}"
    );
    let session = signs_in(&scene, &provider).await.cookie(SESSION).unwrap();
    let me = scene.get("/api/v1/me", Some(&session)).await.json();
    assert_eq!(me["username"], "sam");
    assert_eq!(provider.0.lock().secret_in, Some("header"));

    let away = leave(&scene, "/sign-in/sso", None).await;
    let refused = scene
        .post(
            "/api/fn/operator/switch_provider",
            "key=sso&on=false",
            Some(&opal),
        )
        .await;
    assert_eq!(refused.json()["code"], "locks_out", "{}", refused.body);
    let page = scene.page("/operator/sign-in/sso", Some(&opal)).await.body;
    assert!(
        page.contains("One person has no password") && page.contains("name=\"confirm\" value=\"1\""),
        "{page}"
    );
    let off = scene
        .post(
            "/api/fn/operator/switch_provider",
            "key=sso&on=false&confirm=1",
            Some(&opal),
        )
        .await;
    assert_eq!(off.status, 200, "{}", off.body);
    let query = format!("code={}&state={}", provider.grant(&away.address), away.state());
    let late = come_back(&scene, "sso", &query, &away.trip).await;
    assert_eq!(
        late.header("location"),
        "/sign-in?error=provider",
        "who was on the way"
    );
    assert_eq!(provider.0.lock().exchanged, 1, "the code did not even travel");
    assert!(
        !scene
            .page("/sign-in", None)
            .await
            .body
            .contains("Company account")
    );
    assert_eq!(
        scene.get("/api/v1/me", Some(&session)).await.status,
        200,
        "sessions go on"
    );

    // What it published before is not asked for again, unless the provider is another one.
    scene
        .post("/api/fn/operator/switch_provider", "key=sso&on=true", Some(&opal))
        .await;
    provider.0.lock().document = json!({ "token_endpoint_auth_methods_supported": ["client_secret_post"] });
    let fresh = form(&provider, "&version=2&confirm=1");
    let edited = scene
        .post("/api/fn/operator/edit_provider", &fresh, Some(&opal))
        .await;
    assert_eq!(edited.status, 200, "{}", edited.body);
    assert!(signs_in(&scene, &provider).await.cookie(SESSION).is_some());
    assert_eq!(
        provider.0.lock().secret_in,
        Some("body"),
        "as the provider takes it"
    );
}

#[tokio::test]
async fn what_was_typed_stays_but_no_secret_and_a_person_confirms_that_it_is_them() {
    let (scene, provider, opal) = scene().await;
    let wrong = form(&provider, "http://x").replace("key=sso", "key=gitlab");
    let back = scene
        .post_form(
            "/api/fn/operator/add_provider",
            &wrong,
            "/operator/sign-in",
            Some(&opal),
        )
        .await;
    assert_eq!(back.header("location"), "/operator/sign-in");
    let page = scene.page("/operator/sign-in", Some(&opal)).await.body;
    assert!(
        page.contains("an address of Slipway") && page.contains("write domains with spaces"),
        "{page}"
    );
    assert!(page.contains("value=\"Company account\"") && !page.contains("open-sesame"));
    scene.clock.advance(PROOF_LASTS);
    let stale = scene
        .post("/api/fn/operator/add_provider", &form(&provider, ""), Some(&opal))
        .await;
    assert_eq!(stale.json()["code"], "step_up");
    assert_eq!(scene.page("/operator/sign-in", Some(&opal)).await.status, 200);
}

/// The trouble and the notes of a test, in one text each.
async fn tested(scene: &Scene, opal: &str) -> (String, String) {
    let answer = scene
        .call("POST", &format!("{LIST}/sso/test"), "", Some(opal))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let words = |name: &str| {
        let texts = answer.json()[name].as_array().unwrap().clone();
        texts
            .iter()
            .map(|text| text.as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
            .join(" ")
    };
    (words("trouble"), words("notes"))
}

#[tokio::test]
async fn a_test_says_what_is_wrong_with_a_provider() {
    let (scene, provider, opal) = scene().await;
    added(&scene, &provider, &opal).await;
    let says = async |document: Value| {
        provider.0.lock().document = document;
        tested(&scene, &opal).await
    };
    let (trouble, notes) = says(json!({})).await;
    assert_eq!(trouble, "");
    assert!(
        notes.contains("without TLS") && notes.contains("no userinfo endpoint"),
        "{notes}"
    );
    let at = |path: &str| format!("{}{path}", provider.url());
    let userinfo = json!({ "userinfo_endpoint": at("/me") });
    assert!(!says(userinfo).await.1.contains("userinfo"));
    for (document, word) in [
        (json!({ "issuer": at("/") }), "calls itself http://127.0.0.1"),
        (
            json!({ "response_types_supported": ["id_token"] }),
            "authorization code flow",
        ),
        (json!({ "code_challenge_methods_supported": ["plain"] }), "S256"),
        (
            json!({ "id_token_signing_alg_values_supported": ["HS256"] }),
            "neither by RS256 nor by ES256",
        ),
        (
            json!({ "token_endpoint_auth_methods_supported": ["private_key_jwt"] }),
            "private_key_jwt",
        ),
        (json!({ "jwks_uri": at("/nowhere") }), "answers 404"),
        (
            json!({ "jwks_uri": at("/.well-known/openid-configuration") }),
            "is no JWK set",
        ),
        (
            json!({ "token_endpoint": "ftp://x" }),
            "ftp://x, which is not https",
        ),
        (json!({ "token_endpoint": null }), "is no discovery document"),
        (
            json!({ "jwks_uri": "http://169.254.169.254/keys" }),
            "169.254.169.254",
        ),
    ] {
        let (trouble, _) = says(document).await;
        assert!(trouble.contains(word), "{word}: {trouble}");
    }
    let page = scene.page("/operator/sign-in/sso", Some(&opal)).await.body;
    assert!(
        page.contains("169.254.169.254") && page.contains("In trouble"),
        "the last report stands there"
    );
}

/// Abuse: server-side request forgery. What operators type, and what the answers there lead to, stays in bounds.
#[tokio::test]
async fn an_issuer_that_leads_out_of_bounds_is_refused_and_never_asked() {
    let scene = Scene::new().await;
    let provider = FakeProvider::start(&scene.clock).await;
    let strict = Discovery::new(Line::guarded(Outgoing::default()).unwrap());
    for issuer in [
        provider.url().as_str(),
        "https://localhost/x",
        "http://169.254.169.254",
        "https://[::1]",
    ] {
        assert!(
            matches!(strict.admits(issuer).await, Err(ProviderError::OutOfBounds(_))),
            "{issuer}"
        );
        assert!(
            matches!(strict.discover(issuer).await, Err(ProviderError::OutOfBounds(_))),
            "{issuer}"
        );
    }
    let (scene, provider, opal) = self::scene().await;
    let answer = form(&provider, "").replace(&provider.url(), "http://169.254.169.254");
    let refused = scene
        .post("/api/fn/operator/add_provider", &answer, Some(&opal))
        .await;
    assert!(refused.body.contains("outgoing.allow"), "{}", refused.body);

    // Only this address is allowed: neither keys nor tokens are fetched elsewhere.
    let only = Outgoing::allowing(vec![Net::parse("127.0.0.1").unwrap()]);
    let bounded = Discovery::new(Line::guarded(only).unwrap());
    bounded.discover(&provider.url()).await.unwrap();
    let elsewhere = provider.url().replace("127.0.0.1", "127.0.0.2");
    provider.0.lock().document = json!({ "jwks_uri": format!("{elsewhere}/keys") });
    let refused = bounded.discover(&provider.url()).await;
    assert!(
        matches!(refused, Err(ProviderError::OutOfBounds(_))),
        "{refused:?}"
    );
    let open = Line::anywhere().unwrap();
    let document = slipway_server::http::discovery::discover(&open, &provider.url()).await;
    assert!(document.is_ok(), "those of the configuration may lead anywhere");
}

#[tokio::test]
async fn the_token_endpoint_of_a_provider_is_kept_in_bounds_too() {
    let (scene, provider, opal) = scene().await;
    added(&scene, &provider, &opal).await;
    provider.0.lock().document = json!({ "token_endpoint": "http://169.254.169.254/token" });
    let answer = signs_in(&scene, &provider).await;
    assert_eq!(answer.header("location"), "/sign-in?error=provider");
    assert_eq!(provider.0.lock().exchanged, 0);
}

/// A request by a token.
async fn by_token(scene: &Scene, secret: &str, method: &str, path: &str, tag: &str, body: &str) -> Answer {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::AUTHORIZATION, format!("Bearer {secret}"))
        .header(header::CONTENT_TYPE, "application/json");
    if !tag.is_empty() {
        request = request.header(header::IF_MATCH, tag);
    }
    scene
        .send(request.body(Body::from(body.to_owned())).unwrap())
        .await
}

/// A token of opal's with these scopes.
async fn secret_with(scene: &Scene, scopes: &[Scope]) -> String {
    let input = token::Input {
        name: String::from("ci"),
        scopes: scopes.to_vec(),
        days: 1,
    };
    token::create(&scene.ctx("opal"), input).await.unwrap().secret
}

/// Sets the provider up by a token; its address.
async fn set_up(scene: &Scene, provider: &FakeProvider, secret: &str) -> String {
    let body = json!({ "key": "sso", "name": "SSO", "issuer": provider.url(), "client_id": "slipway",
        "client_secret": "open-sesame" });
    let made = by_token(scene, secret, "POST", LIST, "", &body.to_string()).await;
    assert_eq!(made.status, 201, "{}", made.body);
    made.json()["url"].as_str().unwrap().to_owned()
}

/// What the provider should be, as a program sends it.
fn update(provider: &FakeProvider) -> String {
    json!({ "name": "Work", "issuer": provider.url(), "client_id": "slipway" }).to_string()
}

#[tokio::test]
async fn programs_set_providers_up_by_a_token_that_says_so() {
    let (scene, provider, _) = scene().await;
    let plain = secret_with(&scene, &Scope::offered(false)).await;
    let refused = by_token(&scene, &plain, "GET", LIST, "", "").await;
    assert_eq!(
        (refused.status.as_u16(), refused.json()["code"].as_str()),
        (403, Some("insufficient_scope"))
    );
    let secret = secret_with(&scene, &[Scope::Operate]).await;
    let one = set_up(&scene, &provider, &secret).await;
    let shown = by_token(&scene, &secret, "GET", &one, "", "").await;
    assert_eq!(shown.json()["scopes"], json!(["profile", "email"]));
    let back = shown.json()["redirect_uri"].as_str().unwrap().to_owned();
    assert!(back.ends_with("/sign-in/sso/callback"), "{back}");
    assert!(!shown.body.contains("open-sesame") && shown.json().get("client_secret").is_none());
    let tag = shown.header("etag").to_owned();
    let changed = by_token(&scene, &secret, "PUT", &one, &tag, &update(&provider)).await;
    assert_eq!(changed.status, 204, "{}", changed.body);
    let late = by_token(&scene, &secret, "PUT", &one, &tag, &update(&provider)).await;
    assert_eq!(late.status, 412);
    let list = by_token(&scene, &secret, "GET", LIST, "", "").await.json();
    let expected = json!([{ "key": "sso", "name": "Work", "issuer": provider.url(), "source": "operators", "enabled": true }]);
    assert_eq!(list, expected);

    signs_in(&scene, &provider).await;
    let shown = by_token(&scene, &secret, "GET", &one, "", "").await.json();
    assert_eq!(shown["only_way_in_for"], 1);
    let refused = by_token(&scene, &secret, "DELETE", &one, "", "").await;
    assert_eq!(refused.json()["code"], "locks_out");
    let off = update(&provider).replacen('{', r#"{"enabled":false,"confirm":1,"#, 1);
    assert_eq!(by_token(&scene, &secret, "PUT", &one, "", &off).await.status, 204);
    let gone = by_token(&scene, &secret, "DELETE", &format!("{one}?confirm=0"), "", "").await;
    assert_eq!(gone.status, 204, "{}", gone.body);
    operator::revoke(&scene.portal.system("test"), scene.people["opal"].id)
        .await
        .unwrap();
    let over = by_token(&scene, &secret, "GET", LIST, "", "").await;
    assert_eq!(over.status, 404, "at the next request");
}

#[tokio::test]
async fn what_programs_did_to_providers_stands_in_the_servers_log() {
    let (scene, provider, _) = scene().await;
    let secret = secret_with(&scene, &[Scope::Operate]).await;
    let one = set_up(&scene, &provider, &secret).await;
    signs_in(&scene, &provider).await;
    let off = update(&provider).replacen('{', r#"{"enabled":false,"confirm":1,"#, 1);
    assert_eq!(by_token(&scene, &secret, "PUT", &one, "", &off).await.status, 204);
    assert_eq!(
        by_token(&scene, &secret, "DELETE", &one, "", "").await.status,
        204
    );
    let audit = "/api/v1/operator/audit";
    let log = by_token(
        &scene,
        &secret,
        "GET",
        &format!("{audit}?action=provider."),
        "",
        "",
    )
    .await;
    let rows = log.json().as_array().unwrap().clone();
    let actions: Vec<_> = rows.iter().map(|row| row["action"].clone()).collect();
    assert_eq!(actions, ["provider.remove", "provider.edit", "provider.create"]);
    assert_eq!(rows[1]["summary"]["locked_out"], 1);
    assert!(
        rows[0]["via"].as_str().unwrap().contains("ci") && !log.body.contains("open-sesame"),
        "{}",
        log.body
    );
    let file = by_token(
        &scene,
        &secret,
        "GET",
        &format!("{audit}/export?format=csv"),
        "",
        "",
    )
    .await;
    assert!(file.header("content-disposition").contains("audit-server.csv"));
    assert_eq!(
        file.body.lines().count(),
        5,
        "a head and four rows: {}",
        file.body
    );
}

#[tokio::test]
async fn a_row_of_the_servers_log_that_was_changed_is_named() {
    let (scene, provider, opal) = scene().await;
    added(&scene, &provider, &opal).await;
    let page = scene
        .page("/operator/audit?action=provider.", Some(&opal))
        .await
        .body;
    assert!(
        page.contains("provider.create") && !page.contains("operator.grant"),
        "{page}"
    );
    let verify = async || {
        let mut tx = scene.portal.store.read().await.unwrap();
        tx.verify_server_audit().await.unwrap()
    };
    assert_eq!(verify().await, None);
    let statement = "UPDATE server_audit_log SET actor = 'ADA' WHERE seq = 1";
    scene.store.execute_for_tests(statement.to_owned()).await.unwrap();
    assert_eq!(verify().await, Some(1));
    let back = "UPDATE server_audit_log SET actor = 'slipway' WHERE seq = 1";
    scene.store.execute_for_tests(back.to_owned()).await.unwrap();
    let gone = "DELETE FROM server_audit_log WHERE seq = 2";
    scene.store.execute_for_tests(gone.to_owned()).await.unwrap();
    assert_eq!(verify().await, Some(2));
}

/// Who signs in by a provider alone may not unlink it, whichever kind it is; and may link another.
#[tokio::test]
async fn a_provider_that_operators_set_up_is_a_way_in_like_any_other() {
    let (scene, provider, opal) = scene().await;
    added(&scene, &provider, &opal).await;
    let session = signs_in(&scene, &provider).await.cookie(SESSION).unwrap();
    let unlink = format!("issuer={}&subject=subject-1", provider.url());
    let refused = scene.post("/api/fn/me/unlink", &unlink, Some(&session)).await;
    assert_eq!(refused.json()["code"], "last_way_in");
    let page = scene.page("/me/security", Some(&session)).await.body;
    assert!(page.contains("Company account"), "{page}");
    let request = get("/sign-in/sso?purpose=confirm", Some(&session)).header("sec-fetch-site", "same-origin");
    let answer = scene.send(request.body(Body::empty()).unwrap()).await;
    assert!(answer.header("location").contains("prompt=login"));
    let ctx = scene.portal.system("test");
    let mut tx = ctx.read().await.unwrap();
    let sam = tx
        .person_of_identity(&provider.url(), "subject-1")
        .await
        .unwrap()
        .unwrap();
    drop(tx);
    let list = identity::list(&scene.portal.ctx(
        slipway_portal::Actor::User(sam.as_ref()),
        slipway_portal::Via::Web,
        "test",
        slipway_domain::text::Locale::En,
    ))
    .await
    .unwrap();
    assert!(list[0].last);
}
