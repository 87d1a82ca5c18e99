//! Signing in with providers: what is believed, what is linked, and every way that was tried to get in.

use crate::fake_provider::{FakeProvider, Signed, set_up};
use crate::scene::{Answer, PASSWORD, Scene, URL, get};
use axum::body::Body;
use http::header;
use serde_json::json;
use slipway_domain::time::MINUTE;
use slipway_server::http::oidc::Setup;

const SESSION: &str = "slipway_session";
const TRIP: &str = "slipway_trip";

async fn scene() -> (Scene, FakeProvider) {
    let scene = Scene::new().await;
    let provider = FakeProvider::start(&scene.clock).await;
    let known = provider.known_as("sso");
    (scene.providing(vec![known]), provider)
}

/// A browser on its way: the cookie of the trip, and where Slipway sent it.
pub(crate) struct Away {
    pub(crate) trip: String,
    pub(crate) address: String,
}

impl Away {
    pub(crate) fn state(&self) -> String {
        let url = url::Url::parse(&self.address).unwrap();
        let pair = url.query_pairs().find(|(name, _)| name == "state");
        pair.unwrap().1.into_owned()
    }
}

pub(crate) async fn leave(scene: &Scene, path: &str, session: Option<&str>) -> Away {
    let request = get(path, session).header("sec-fetch-site", "same-origin");
    let answer = scene.send(request.body(Body::empty()).unwrap()).await;
    let trip = answer.cookie(TRIP);
    Away {
        trip: trip.unwrap_or_else(|| panic!("{answer:?}")),
        address: answer.header("location").to_owned(),
    }
}

pub(crate) async fn come_back(scene: &Scene, key: &str, query: &str, cookies: &str) -> Answer {
    let path = format!("/sign-in/{key}/callback?{query}");
    scene.page(&path, (!cookies.is_empty()).then_some(cookies)).await
}

/// The whole way to sign in.
async fn signs_in(scene: &Scene, provider: &FakeProvider) -> Answer {
    let away = leave(scene, "/sign-in/sso?next=/approvals", None).await;
    let query = format!("code={}&state={}", provider.grant(&away.address), away.state());
    come_back(scene, "sso", &query, &away.trip).await
}

async fn me(scene: &Scene, answer: &Answer) -> serde_json::Value {
    let cookie = answer
        .cookie(SESSION)
        .unwrap_or_else(|| panic!("no session: {answer:?}"));
    scene.get("/api/v1/me", Some(&cookie)).await.json()
}

#[tokio::test]
async fn a_provider_signs_somebody_in_to_the_same_account_every_time() {
    let (scene, provider) = scene().await;
    let first = signs_in(&scene, &provider).await;
    assert_eq!(first.header("location"), "/approvals");
    assert_eq!(me(&scene, &first).await["username"], "sam");
    // Whatever they are called there now, and whichever of its keys signs.
    provider.set_claims(json!({ "preferred_username": "root", "email": "other@example.com" }));
    provider.0.lock().signed = Signed::Rs256;
    let second = signs_in(&scene, &provider).await;
    assert_eq!(me(&scene, &second).await["username"], "sam");
    assert_ne!(first.cookie(SESSION), second.cookie(SESSION));
}

/// Each lie, and what Slipway says to it: no session.
#[tokio::test]
async fn an_id_token_that_does_not_hold_signs_nobody_in() {
    let (scene, provider) = scene().await;
    let now = slipway_portal::ports::Clock::now(&scene.clock).micros() / 1_000_000;
    let lies = [
        ("unsigned", Signed::Nobody, json!({})),
        ("by the public key for a secret", Signed::PublicKey, json!({})),
        ("by a stranger", Signed::Stranger, json!({})),
        ("changed after it was signed", Signed::Altered, json!({})),
        (
            "of another issuer",
            Signed::Es256,
            json!({ "iss": "https://evil.example" }),
        ),
        (
            "for somebody else",
            Signed::Es256,
            json!({ "aud": "another-client" }),
        ),
        (
            "for several, and we are not the party",
            Signed::Es256,
            json!({ "aud": ["slipway", "b"], "azp": "b" }),
        ),
        (
            "for several, with no party",
            Signed::Es256,
            json!({ "aud": ["slipway", "b"] }),
        ),
        (
            "of another sign-in",
            Signed::Es256,
            json!({ "nonce": "replayed" }),
        ),
        ("without a nonce", Signed::Es256, json!({ "nonce": null })),
        ("that has ended", Signed::Es256, json!({ "exp": now - 120 })),
        ("that is old", Signed::Es256, json!({ "iat": now - 3600 })),
        ("from the future", Signed::Es256, json!({ "iat": now + 3600 })),
        ("about nobody", Signed::Es256, json!({ "sub": "" })),
    ];
    for (lie, signed, claims) in lies {
        provider.0.lock().signed = signed;
        provider.set_claims(claims);
        let answer = signs_in(&scene, &provider).await;
        assert_eq!(
            answer.header("location"),
            "/sign-in?error=provider&next=%2Fapprovals",
            "{lie}"
        );
        assert!(answer.cookie(SESSION).is_none(), "{lie}");
    }
    provider.0.lock().signed = Signed::Es256;
    provider.set_claims(json!({}));
    let answer = signs_in(&scene, &provider).await;
    assert!(answer.cookie(SESSION).is_some(), "the truth still does");
}

/// Abuse: replayed OAuth state.
#[tokio::test]
async fn a_replayed_state_signs_nobody_in() {
    let (scene, provider) = scene().await;
    let away = leave(&scene, "/sign-in/sso", None).await;
    let query = |code: &str| format!("code={code}&state={}", away.state());
    let first = come_back(&scene, "sso", &query(&provider.grant(&away.address)), &away.trip).await;
    assert!(first.cookie(SESSION).is_some());
    assert_eq!(
        first.cookie(TRIP).as_deref(),
        Some("slipway_trip="),
        "the browser forgets the trip"
    );
    // Whoever kept the cookie, with a fresh code even.
    let again = come_back(&scene, "sso", &query(&provider.grant(&away.address)), &away.trip).await;
    assert_eq!(again.header("location"), "/sign-in?error=expired");
    assert_eq!(provider.0.lock().exchanged, 1, "the code did not even travel");
    let late = leave(&scene, "/sign-in/sso", None).await;
    scene.clock.advance(11 * MINUTE);
    let query = format!("code={}&state={}", provider.grant(&late.address), late.state());
    let answer = come_back(&scene, "sso", &query, &late.trip).await;
    assert_eq!(answer.header("location"), "/sign-in?error=expired");
}

/// Abuse: login CSRF. Somebody's own answer does nothing in another's browser.
#[tokio::test]
async fn an_answer_for_another_browser_signs_nobody_in() {
    let (scene, provider) = scene().await;
    let attacker = leave(&scene, "/sign-in/sso", None).await;
    let query = format!(
        "code={}&state={}",
        provider.grant(&attacker.address),
        attacker.state()
    );
    let victim = leave(&scene, "/sign-in/sso", None).await;
    for cookies in ["", victim.trip.as_str(), "slipway_trip=00000000.AAAA.AAAA"] {
        let answer = come_back(&scene, "sso", &query, cookies).await;
        assert_eq!(answer.header("location"), "/sign-in?error=expired", "{cookies}");
        assert!(answer.cookie(SESSION).is_none());
    }
    scene.account("pat").await;
    let form = format!("username=pat&password={}", PASSWORD.replace(' ', "+"));
    let request = http::Request::builder()
        .method("POST")
        .uri("/sign-in")
        .header("sec-fetch-site", "cross-site")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let answer = scene.send(request.body(Body::from(form)).unwrap()).await;
    assert_eq!(answer.status, 403, "nor does another site's form");
    assert!(answer.cookie(SESSION).is_none());
}

/// Abuse: mixed-up issuer (RFC 9207, OAuth 2.0 Security Best Current Practice, 4.4).
#[tokio::test]
async fn an_answer_of_another_provider_signs_nobody_in() {
    let scene = Scene::new().await;
    let (honest, evil) = (
        FakeProvider::start(&scene.clock).await,
        FakeProvider::start(&scene.clock).await,
    );
    let scene = scene.providing(vec![honest.known_as("honest"), evil.known_as("evil")]);
    let away = leave(&scene, "/sign-in/evil", None).await;
    let query = format!("code={}&state={}", honest.grant(&away.address), away.state());
    let answer = come_back(&scene, "honest", &query, &away.trip).await;
    assert_eq!(answer.header("location"), "/sign-in?error=expired");
    assert_eq!(
        (honest.0.lock().exchanged, evil.0.lock().exchanged),
        (0, 0),
        "nobody was sent the code"
    );

    let named = async |iss: &str| {
        let away = leave(&scene, "/sign-in/honest", None).await;
        let query = format!("code={}&state={}{iss}", honest.grant(&away.address), away.state());
        come_back(&scene, "honest", &query, &away.trip).await
    };
    let other = named(&format!("&iss={}", evil.url())).await;
    assert_eq!(other.header("location"), "/sign-in?error=provider");
    assert_eq!(honest.0.lock().exchanged, 0);
    let right = named(&format!("&iss={}", honest.url())).await;
    assert!(right.cookie(SESSION).is_some());
}

#[tokio::test]
async fn a_provider_that_promises_to_name_itself_must() {
    let (scene, provider) = scene().await;
    provider.0.lock().promises_iss = true;
    let answer = signs_in(&scene, &provider).await;
    assert_eq!(
        answer.header("location"),
        "/sign-in?error=provider&next=%2Fapprovals"
    );
}

/// Abuse: e-mail takeover, unverified or not.
#[tokio::test]
async fn an_address_links_no_account() {
    let (scene, provider) = scene().await;
    let pat = scene.account("pat").await;
    let ctx = scene.portal.ctx(
        slipway_portal::Actor::User(pat.clone()),
        slipway_portal::Via::Web,
        "test",
        slipway_domain::text::Locale::En,
    );
    slipway_portal::person::update_profile(&ctx, "Pat", "pat@example.com")
        .await
        .unwrap();
    for (subject, verified) in [("a", json!(false)), ("b", json!(true)), ("c", json!(null))] {
        let claims = json!({
            "sub": subject, "email": "pat@example.com", "email_verified": verified, "preferred_username": "pat",
        });
        provider.set_claims(claims);
        let answer = signs_in(&scene, &provider).await;
        let who = me(&scene, &answer).await;
        assert_ne!(who["id"], json!(pat.id), "verified: {verified}");
        assert_ne!(who["username"], "pat");
        let mut tx = scene.portal.store.read().await.unwrap();
        let theirs = tx
            .people_by_email(&[String::from("pat@example.com")])
            .await
            .unwrap();
        assert_eq!(
            theirs.iter().map(|p| p.id).collect::<Vec<_>>(),
            [pat.id],
            "nor does it become theirs"
        );
    }
}

/// Abuse: open redirect.
#[tokio::test]
async fn the_way_back_from_a_provider_never_leaves_slipway() {
    let (scene, provider) = scene().await;
    for next in [
        "//evil.example",
        "https://evil.example",
        "/%5Cevil.example",
        "/%09/evil.example",
    ] {
        let away = leave(&scene, &format!("/sign-in/sso?next={next}"), None).await;
        let query = format!("code={}&state={}", provider.grant(&away.address), away.state());
        let answer = come_back(&scene, "sso", &query, &away.trip).await;
        assert_eq!(answer.header("location"), "/", "{next}");
    }
}

/// Abuse: session fixation.
#[tokio::test]
async fn a_planted_session_is_not_the_one_that_is_signed_in() {
    let (scene, provider) = scene().await;
    let planted = scene
        .post_form("/sign-in", "username=x&password=wrong", "/sign-in", None)
        .await
        .cookie(SESSION)
        .unwrap();
    let away = leave(&scene, "/sign-in/sso", Some(&planted)).await;
    let query = format!("code={}&state={}", provider.grant(&away.address), away.state());
    let answer = come_back(&scene, "sso", &query, &format!("{}; {planted}", away.trip)).await;
    let session = answer.cookie(SESSION).unwrap();
    assert_ne!(session, planted);
    assert_eq!(scene.get("/api/v1/me", Some(&planted)).await.status, 401);
    assert_eq!(scene.get("/api/v1/me", Some(&session)).await.status, 200);
}

#[tokio::test]
async fn only_verified_addresses_of_the_allowed_domains_come_in() {
    let scene = Scene::new().await;
    let provider = FakeProvider::start(&scene.clock).await;
    let setup = Setup {
        key: String::from("sso"),
        name: String::from("SSO"),
        issuer: provider.url(),
        client_id: String::from("slipway"),
        client_secret: String::from("a secret"),
        scopes: Vec::new(),
        groups_claim: None,
        allowed_domains: vec![String::from("example.com")],
    };
    let known = set_up(setup);
    let scene = scene.providing(vec![known]);
    let tries = [
        (json!({}), false),
        (json!({ "email": "sam@example.com" }), false),
        (
            json!({ "email": "sam@example.com", "email_verified": false }),
            false,
        ),
        (
            json!({ "email": "sam@example.com.evil.example", "email_verified": true }),
            false,
        ),
        (
            json!({ "email": "example.com@evil.example", "email_verified": true }),
            false,
        ),
        (
            json!({ "email": "sam@Example.com", "email_verified": true }),
            true,
        ),
    ];
    for (claims, allowed) in tries {
        provider.set_claims(claims.clone());
        let answer = signs_in(&scene, &provider).await;
        assert_eq!(answer.cookie(SESSION).is_some(), allowed, "{claims}");
        if !allowed {
            assert!(
                answer
                    .header("location")
                    .starts_with("/sign-in?error=not_allowed"),
                "{claims}"
            );
        }
    }
}

#[tokio::test]
async fn an_identity_is_linked_from_the_page_and_never_the_last_way_in_unlinked() {
    let (scene, provider) = scene().await;
    scene.account("pat").await;
    let form = format!("username=pat&password={}", PASSWORD.replace(' ', "+"));
    let session = scene
        .post_form("/sign-in", &form, "/sign-in", None)
        .await
        .cookie(SESSION)
        .unwrap();

    // Another site cannot begin it: its visitor may be signed in at the provider as somebody else.
    let elsewhere = get("/sign-in/sso?purpose=link", Some(&session)).header("sec-fetch-site", "cross-site");
    let refused = scene.send(elsewhere.body(Body::empty()).unwrap()).await;
    assert!(refused.cookie(TRIP).is_none());
    assert_eq!(refused.header("location"), "/me/security");
    let nobody = scene.page("/sign-in/sso?purpose=link", None).await;
    assert!(nobody.header("location").starts_with("/sign-in?error=expired"));

    let away = leave(&scene, "/sign-in/sso?purpose=link", Some(&session)).await;
    let query = format!("code={}&state={}", provider.grant(&away.address), away.state());
    let other = scene.session("vic").await;
    let stolen = come_back(&scene, "sso", &query, &format!("{}; {other}", away.trip)).await;
    assert!(
        stolen.header("location").starts_with("/sign-in?error=expired"),
        "not into another session"
    );

    let away = leave(&scene, "/sign-in/sso?purpose=link", Some(&session)).await;
    let query = format!("code={}&state={}", provider.grant(&away.address), away.state());
    let linked = come_back(&scene, "sso", &query, &format!("{}; {session}", away.trip)).await;
    assert_eq!(linked.header("location"), "/me/security");
    let answer = signs_in(&scene, &provider).await;
    assert_eq!(me(&scene, &answer).await["username"], "pat");

    // Somebody else cannot have it too.
    let away = leave(&scene, "/sign-in/sso?purpose=link", Some(&other)).await;
    let query = format!("code={}&state={}", provider.grant(&away.address), away.state());
    come_back(&scene, "sso", &query, &format!("{}; {other}", away.trip)).await;
    let page = scene.page("/me/security", Some(&other)).await.body;
    assert!(
        page.contains("Another account signs in with this identity"),
        "{page}"
    );

    let unlink = format!("issuer={}&subject=subject-1", provider.url());
    assert_eq!(
        scene
            .post("/api/fn/me/unlink", &unlink, Some(&other))
            .await
            .status,
        404
    );
    scene.clock.advance(16 * MINUTE);
    let stale = scene.post("/api/fn/me/unlink", &unlink, Some(&session)).await;
    assert_eq!(stale.json()["code"], "step_up");
    scene
        .post("/api/fn/me/prove", "password=correct+horse", Some(&session))
        .await;
    assert_eq!(
        scene
            .post("/api/fn/me/unlink", &unlink, Some(&session))
            .await
            .status,
        200
    );

    provider.set_claims(json!({ "sub": "alone" }));
    let answer = signs_in(&scene, &provider).await;
    let alone = answer.cookie(SESSION).unwrap();
    let unlink = format!("issuer={}&subject=alone", provider.url());
    let refused = scene.post("/api/fn/me/unlink", &unlink, Some(&alone)).await;
    assert_eq!(
        (refused.status.as_u16(), refused.json()["code"].as_str()),
        (422, Some("last_way_in"))
    );
    assert!(
        signs_in(&scene, &provider).await.cookie(SESSION).is_some(),
        "nothing was unlinked"
    );
}

#[tokio::test]
async fn who_has_no_password_proves_by_signing_in_anew() {
    let (scene, provider) = scene().await;
    let session = signs_in(&scene, &provider).await.cookie(SESSION).unwrap();
    scene.clock.advance(16 * MINUTE);
    let proved = async || {
        let answer = scene.get("/api/fn/me/security", Some(&session)).await.json();
        answer["security"]["proved"].as_bool().unwrap()
    };
    let confirm = async || {
        let away = leave(&scene, "/sign-in/sso?purpose=confirm", Some(&session)).await;
        assert!(away.address.contains("prompt=login") && away.address.contains("max_age=0"));
        let query = format!("code={}&state={}", provider.grant(&away.address), away.state());
        come_back(&scene, "sso", &query, &format!("{}; {session}", away.trip)).await
    };
    let before = slipway_portal::ports::Clock::now(&scene.clock).micros() / 1_000_000 - 900;
    for claims in [
        json!({ "auth_time": before }),
        json!({ "auth_time": null }),
        json!({ "sub": "other" }),
    ] {
        provider.set_claims(claims.clone());
        confirm().await;
        assert!(!proved().await, "{claims}");
    }
    provider.set_claims(json!({}));
    assert_eq!(confirm().await.header("location"), "/me/security");
    assert!(proved().await);
}

#[tokio::test]
async fn groups_follow_what_the_provider_lists() {
    let (scene, provider) = scene().await;
    let places = scene.furnish().await;
    let ada = scene.ctx("ada");
    let group = places.groups[0];
    slipway_portal::group::update(&ada, "acme", group, "Captains", "sso:captains")
        .await
        .unwrap();
    let wrong = slipway_portal::group::update(&ada, "acme", group, "Captains", "captains").await;
    assert!(
        wrong.is_err(),
        "a group of no provider in particular could be anybody's"
    );
    let people = async || {
        let view = slipway_portal::group::view(&scene.ctx("ada"), "acme", group)
            .await
            .unwrap();
        let names = view.people.iter().map(|p| p.username.clone()).collect::<Vec<_>>();
        (names, view.claimed.len())
    };
    provider.set_claims(json!({ "groups": ["others"] }));
    signs_in(&scene, &provider).await;
    assert_eq!(people().await, (Vec::new(), 0));
    provider.set_claims(json!({ "groups": ["captains", "others"] }));
    signs_in(&scene, &provider).await;
    assert_eq!(
        people().await,
        (vec![String::from("sam")], 1),
        "and marked as such"
    );
    slipway_portal::group::add(&ada, "acme", group, places.dora)
        .await
        .unwrap();
    provider.set_claims(json!({ "groups": null }));
    signs_in(&scene, &provider).await;
    assert_eq!(
        people().await,
        (vec![String::from("dora")], 0),
        "who was put in by hand stays"
    );
    let log = scene
        .get("/api/fn/audit/list?org=acme", Some(&scene.session("ada").await))
        .await
        .body;
    assert!(
        log.contains("group.join_by_claim") && log.contains("group.leave_by_claim"),
        "{log}"
    );
}

#[tokio::test]
async fn a_claim_does_not_take_an_organization_its_last_owner() {
    let (scene, provider) = scene().await;
    let places = scene.furnish().await;
    let ada = scene.ctx("ada");
    slipway_portal::group::update(&ada, "acme", places.groups[0], "Captains", "sso:captains")
        .await
        .unwrap();
    let owner = format!("org=acme&who=group.{}&role=org.owner", places.groups[0]);
    let cookie = scene.session("ada").await;
    assert_eq!(
        scene
            .post("/api/fn/member/grant", &owner, Some(&cookie))
            .await
            .status,
        200
    );
    provider.set_claims(json!({ "groups": ["captains"] }));
    let session = signs_in(&scene, &provider).await.cookie(SESSION).unwrap();
    let remove = format!("org=acme&person={}", scene.people["ada"].id);
    assert_eq!(
        scene
            .post("/api/fn/member/remove", &remove, Some(&session))
            .await
            .status,
        200
    );
    provider.set_claims(json!({ "groups": [] }));
    let answer = signs_in(&scene, &provider).await;
    let still = answer.cookie(SESSION).unwrap();
    assert_eq!(scene.get("/api/v1/orgs/acme", Some(&still)).await.status, 200);
}

#[tokio::test]
async fn a_provider_that_lies_about_itself_or_is_silent_is_told() {
    let scene = Scene::new().await;
    let provider = FakeProvider::start(&scene.clock).await;
    let line = slipway_server::http::exchange::Line::anywhere().unwrap();
    let other = format!("{}/", provider.url());
    let told = slipway_server::http::discovery::discover(&line, &other)
        .await
        .unwrap_err();
    assert!(told.to_string().contains("write it exactly so"), "{told}");
    let silent = slipway_server::http::discovery::discover(&line, "http://127.0.0.1:9")
        .await
        .unwrap_err();
    assert!(silent.to_string().contains("does not answer"), "{silent}");
    assert_eq!(URL, scene.portal.public_url);
}
