//! One's own account, and the mail server of an organization, by the REST API.

use crate::scene::{Answer, PROJECT_PAGE, Scene};
use axum::body::Body;
use http::{Request, header};
use serde_json::json;
use slipway_domain::time::DAY;
use slipway_domain::token::Scope;
use slipway_portal::access::At;
use slipway_portal::{member, token};
use slipway_testkit::SmtpServer;

const PROFILE: &str = "/api/v1/me/profile";
const SESSIONS: &str = "/api/v1/me/sessions";
const NOTICES: &str = "/api/v1/me/notices";
const CHOICES: &str = "/api/v1/me/notice-settings";
const MAIL: &str = "/api/v1/orgs/acme/mail";

/// The secret of a token of `who`.
async fn token_of(scene: &Scene, who: &str, scopes: &[Scope]) -> String {
    let input = token::Input {
        name: String::from("ci"),
        scopes: scopes.to_vec(),
        days: 1,
    };
    token::create(&scene.ctx(who), input).await.unwrap().secret
}

async fn send(scene: &Scene, secret: &str, method: &str, path: &str, tag: &str, body: &str) -> Answer {
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

#[tokio::test]
async fn a_program_changes_its_owners_profile_by_the_scope_for_it_and_not_over_others_changes() {
    let scene = Scene::new().await;
    scene.furnish().await;
    let secret = token_of(&scene, "dora", &[Scope::Manage]).await;
    let read = token_of(&scene, "dora", &[Scope::Items]).await;
    let shown = send(&scene, &read, "GET", PROFILE, "", "").await;
    assert_eq!(
        shown.json(),
        json!({ "username": "dora", "name": "DORA", "email": null, "locale": null })
    );
    let tag = shown.header("etag").to_owned();
    let body = r#"{"name":"Dora D","email":"dora@example.com","locale":"zh-CN"}"#;
    let refused = send(&scene, &read, "PUT", PROFILE, "", body).await;
    assert_eq!(refused.json()["code"], "insufficient_scope");
    let done = send(&scene, &secret, "PUT", PROFILE, &tag, body).await;
    assert_eq!(done.status, 204, "{}", done.body);
    let late = send(&scene, &secret, "PUT", PROFILE, &tag, body).await;
    assert_eq!(late.status, 412);
    assert!(
        late.body.contains("重新读取"),
        "in the language that was just chosen: {}",
        late.body
    );
    let kept = send(
        &scene,
        &secret,
        "PUT",
        PROFILE,
        "",
        r#"{"name":"Dora D","email":"dora@example.com"}"#,
    )
    .await;
    assert_eq!(kept.status, 204);
    let now = send(&scene, &secret, "GET", PROFILE, "", "").await.json();
    assert_eq!(
        (now["name"].as_str(), now["locale"].as_str()),
        (Some("Dora D"), Some("zh-CN"))
    );
    let wrong = send(
        &scene,
        &secret,
        "PUT",
        PROFILE,
        "",
        r#"{"name":"","locale":"fr"}"#,
    )
    .await;
    assert_eq!(wrong.json()["errors"][0]["field"], "locale");
    let wrong = send(
        &scene,
        &secret,
        "PUT",
        PROFILE,
        "",
        r#"{"name":"","email":"nowhere"}"#,
    )
    .await;
    assert_eq!(wrong.status, 422);
}

#[tokio::test]
async fn sessions_are_ended_and_identities_are_not_by_a_token() {
    let scene = Scene::new().await;
    scene.furnish().await;
    let secret = token_of(&scene, "dora", &[Scope::Manage]).await;
    let (one, two) = (scene.session("dora").await, scene.session("dora").await);
    let vics = scene.session("vic").await;
    let list = send(&scene, &secret, "GET", SESSIONS, "", "").await.json();
    let ids: Vec<_> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids.len(), 2);
    assert!(
        list.as_array()
            .unwrap()
            .iter()
            .all(|session| session["current"] == false)
    );
    assert!(
        !list.to_string().contains(one.split('=').nth(1).unwrap()),
        "an id signs nobody in"
    );
    let of_vic = send(
        &scene,
        &token_of(&scene, "vic", &[Scope::Manage]).await,
        "GET",
        SESSIONS,
        "",
        "",
    )
    .await;
    let other = of_vic.json()[0]["id"].as_str().unwrap().to_owned();
    for id in [&ids[0], &other] {
        let ended = send(&scene, &secret, "DELETE", &format!("{SESSIONS}/{id}"), "", "").await;
        assert_eq!(ended.status, 204);
    }
    assert_eq!(
        scene.get("/api/v1/me", Some(&vics)).await.status,
        200,
        "not somebody else's"
    );
    let left = send(&scene, &secret, "GET", SESSIONS, "", "").await.json();
    assert_eq!(left.as_array().unwrap().len(), 1);
    assert_eq!(
        send(&scene, &secret, "DELETE", SESSIONS, "", "").await.status,
        204
    );
    for cookie in [&one, &two] {
        assert_eq!(scene.get("/api/v1/me", Some(cookie)).await.status, 401);
    }
    let identities = "/api/v1/me/identities";
    assert_eq!(
        send(&scene, &secret, "GET", identities, "", "").await.json(),
        json!([])
    );
    let unlink = format!("{identities}?issuer=https://sso.example.com&subject=1");
    let refused = send(&scene, &secret, "DELETE", &unlink, "", "").await;
    assert_eq!(refused.json()["code"], "by_token");
}

#[tokio::test]
async fn notices_are_read_in_pages_marked_and_chosen() {
    let scene = Scene::new().await;
    let places = scene.furnish().await;
    let ada = scene.ctx("ada");
    let at = At::new("acme", Some("checkout"), None);
    for role in ["project.tester", "project.ops", "project.viewer"] {
        let who = format!("person.{}", places.dora);
        member::grant(&ada, at, &who, role).await.unwrap();
        scene.clock.advance(1_000);
    }
    let secret = token_of(&scene, "dora", &[Scope::Manage]).await;
    let first = send(
        &scene,
        &secret,
        "GET",
        &format!("{NOTICES}?unread=true&limit=2"),
        "",
        "",
    )
    .await;
    let told = first.json();
    assert_eq!(told.as_array().unwrap().len(), 2, "{}", first.body);
    assert!(
        told.as_array()
            .unwrap()
            .iter()
            .all(|one| one["kind"] == "role_granted" && one["read_at"].is_null())
    );
    let next = first.header("link").split(['<', '>']).nth(1).unwrap().to_owned();
    let rest = send(&scene, &secret, "GET", &next, "", "").await.json();
    assert!(!rest.as_array().unwrap().is_empty() && rest[0]["id"] != told[1]["id"]);
    let id = told[0]["id"].as_str().unwrap();
    let mark = format!("{NOTICES}/mark");
    let one = format!(r#"{{"notice":"{id}"}}"#);
    assert_eq!(send(&scene, &secret, "POST", &mark, "", &one).await.status, 204);
    let unread = send(&scene, &secret, "GET", &format!("{NOTICES}?unread=true"), "", "")
        .await
        .json();
    assert!(unread.as_array().unwrap().iter().all(|one| one["id"] != id));
    assert_eq!(send(&scene, &secret, "POST", &mark, "", "{}").await.status, 204);
    let unread = send(&scene, &secret, "GET", &format!("{NOTICES}?unread=true"), "", "")
        .await
        .json();
    assert_eq!(unread, json!([]));

    let body = json!({ "off": ["run_failed"], "muted": [places.project] }).to_string();
    assert_eq!(send(&scene, &secret, "PUT", CHOICES, "", &body).await.status, 204);
    let chosen = send(&scene, &secret, "GET", CHOICES, "", "").await.json();
    let off: Vec<_> = chosen["kinds"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|kind| kind["on"] == false)
        .collect();
    assert_eq!((off.len(), off[0]["kind"].as_str()), (1, Some("run_failed")));
    assert_eq!(
        (
            chosen["projects"][0]["slug"].as_str(),
            chosen["projects"][0]["muted"].as_bool()
        ),
        (Some("checkout"), Some(true))
    );
    let unknown = json!({ "muted": [uuid::Uuid::nil()] }).to_string();
    let refused = send(&scene, &secret, "PUT", CHOICES, "", &unknown).await;
    assert_eq!(refused.json()["errors"][0]["field"], "muted");
    assert_eq!(send(&scene, &secret, "PUT", CHOICES, "", "{}").await.status, 204);
    let chosen = send(&scene, &secret, "GET", CHOICES, "", "").await.json();
    assert!(
        chosen["kinds"]
            .as_array()
            .unwrap()
            .iter()
            .all(|kind| kind["on"] == true)
    );
}

/// The token of a project has no account of its own, whatever its scopes are.
#[tokio::test]
async fn a_projects_token_has_nothing_of_its_own() {
    let scene = Scene::new().await;
    scene.furnish().await;
    let input = token::project::Input {
        name: String::from("nightly"),
        role: String::from("project.lead"),
        scopes: Scope::ALL.to_vec(),
        days: 1,
    };
    let made = token::project::create(&scene.ctx("devon"), "acme", "checkout", input)
        .await
        .unwrap();
    for (method, path, body) in [
        ("GET", PROFILE, ""),
        ("PUT", PROFILE, r#"{"name":"Root"}"#),
        ("GET", SESSIONS, ""),
        ("DELETE", SESSIONS, ""),
        ("GET", "/api/v1/me/identities", ""),
        ("GET", NOTICES, ""),
        ("POST", "/api/v1/me/notices/mark", "{}"),
        ("GET", CHOICES, ""),
        ("PUT", CHOICES, "{}"),
        ("GET", "/api/v1/operator/operators", ""),
        ("GET", "/api/v1/operator/sign-in-providers", ""),
    ] {
        let answer = send(&scene, &made.secret, method, path, "", body).await;
        assert_eq!(answer.status, 404, "{method} {path}: {}", answer.body);
    }
    assert_eq!(
        send(&scene, &made.secret, "GET", "/api/v1/me", "", "")
            .await
            .status,
        200
    );
    let page = scene
        .page(PROJECT_PAGE, Some(&scene.session("devon").await))
        .await;
    assert_eq!(page.status, 200);
}

#[tokio::test]
async fn programs_set_the_mail_server_of_an_organization_up_and_never_read_its_password() {
    let server = SmtpServer::start().await;
    let scene = Scene::mailing(&server).await;
    scene.furnish().await;
    let secret = token_of(&scene, "ada", &[Scope::Manage]).await;
    let shown = send(&scene, &secret, "GET", MAIL, "", "").await;
    assert!(
        shown.json()["own"].is_null() && shown.json()["operators_sender"] == "Slipway <slipway@example.com>"
    );
    let none = shown.header("etag").to_owned();
    let body = json!({ "host": "127.0.0.1", "port": server.port(), "security": "none", "username": "me",
        "password": "opensesame", "sender": "Acme <ci@acme.example>" })
    .to_string();
    assert_eq!(send(&scene, &secret, "PUT", MAIL, &none, &body).await.status, 204);
    let shown = send(&scene, &secret, "GET", MAIL, "", "").await;
    assert_eq!(shown.json()["own"]["sender"], "Acme <ci@acme.example>");
    assert!(!shown.body.contains("opensesame"));
    assert_eq!(send(&scene, &secret, "PUT", MAIL, &none, &body).await.status, 412);
    let test = format!("{MAIL}/test");
    let refused = send(&scene, &secret, "POST", &test, "", "").await;
    assert_eq!(refused.json()["code"], "no_address");
    let profile = r#"{"name":"Ada","email":"ada@acme.example"}"#;
    assert_eq!(
        send(&scene, &secret, "PUT", PROFILE, "", profile).await.status,
        204
    );
    let sent = send(&scene, &secret, "POST", &test, "", "").await;
    assert_eq!(sent.json(), json!({ "to": "ada@acme.example" }), "{}", sent.body);
    assert_eq!(server.taken()[0].header("From"), "Acme <ci@acme.example>");
    assert_eq!(send(&scene, &secret, "DELETE", MAIL, "", "").await.status, 204);
    assert_eq!(send(&scene, &secret, "DELETE", MAIL, "", "").await.status, 404);
    let reads = token_of(&scene, "ada", &[Scope::Items]).await;
    let refused = send(&scene, &reads, "GET", MAIL, "", "").await;
    assert_eq!(refused.json()["code"], "insufficient_scope");
}

#[tokio::test]
async fn approvals_are_given_and_taken_back_by_a_program_and_things_are_found_by_it() {
    const GIVE: &str = "/api/v1/orgs/acme/projects/checkout/delegations";
    const MINE: &str = "/api/v1/me/delegations";
    let scene = Scene::new().await;
    scene.furnish().await;
    let vic = token_of(&scene, "vic", &[Scope::Manage]).await;
    let ends_at = scene.ctx("vic").now().plus(DAY).rfc3339();
    let body =
        json!({ "to": "dora", "environment": "live", "ends_at": ends_at, "reason": "away" }).to_string();
    let read = token_of(&scene, "vic", &[Scope::Items]).await;
    let refused = send(&scene, &read, "POST", GIVE, "", &body).await;
    assert_eq!(refused.json()["code"], "insufficient_scope");
    let wrong = send(
        &scene,
        &vic,
        "POST",
        GIVE,
        "",
        r#"{"to":"dora","ends_at":"tomorrow"}"#,
    )
    .await;
    assert_eq!(wrong.status, 422);
    assert_eq!(wrong.json()["errors"][0]["field"], "ends_at");

    let made = send(&scene, &vic, "POST", GIVE, "", &body).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let one = made.header("location").to_owned();
    let dora = token_of(&scene, "dora", &[Scope::Manage]).await;
    for (who, mine) in [(&vic, true), (&dora, false)] {
        let list = send(&scene, who, "GET", MINE, "", "").await.json();
        assert_eq!(list.as_array().unwrap().len(), 1);
        assert_eq!(list[0]["mine"], mine);
        assert_eq!(list[0]["environment"]["key"], "live");
        assert_eq!(list[0]["from"]["username"], "vic");
        assert_eq!(
            (list[0]["to"]["username"].as_str(), list[0]["open"].as_bool()),
            (Some("dora"), Some(true))
        );
    }
    let other = send(&scene, &dora, "DELETE", &one, "", "").await;
    assert_eq!(other.status, 404, "only who gave it takes it back");
    assert_eq!(send(&scene, &vic, "DELETE", &one, "", "").await.status, 204);
    assert_eq!(send(&scene, &dora, "GET", MINE, "", "").await.json(), json!([]));

    let found = send(&scene, &read, "GET", "/api/v1/search?q=order-api", "", "")
        .await
        .json();
    assert_eq!(found[0]["kind"], "app");
    assert_eq!(
        found[0]["found"][0]["path"],
        "/orgs/acme/projects/checkout/apps/order-api"
    );
    let stranger = token_of(&scene, "nora", &[Scope::Items]).await;
    let nothing = send(&scene, &stranger, "GET", "/api/v1/search?q=order-api", "", "").await;
    assert_eq!(nothing.json(), json!([]));
}
