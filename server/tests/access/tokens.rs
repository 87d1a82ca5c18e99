//! API tokens at the edge: what they open, what they never open, and when they end.

use crate::scene::{Answer, Scene, get, post};
use axum::body::Body;
use http::{Request, header};
use slipway_domain::time::{DAY, MINUTE};
use slipway_domain::token::Scope;
use slipway_portal::token::{self, Input, Made};

async fn token(scene: &Scene, who: &str, scopes: &[Scope]) -> Made {
    let input = Input {
        name: String::from("ci"),
        scopes: scopes.to_vec(),
        days: 30,
    };
    token::create(&scene.ctx(who), input).await.unwrap()
}

/// A request of a program, which sends no cookie and no `Origin`.
async fn send(
    scene: &Scene,
    method: &str,
    path: &str,
    token: &Made,
    body: Option<serde_json::Value>,
) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::AUTHORIZATION, format!("Bearer {}", token.secret));
    let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
    scene.send(request.body(body).unwrap()).await
}

const ITEMS: &str = "/api/v1/orgs/acme/projects/checkout/items";

fn task() -> serde_json::Value {
    serde_json::json!({"kind": "task", "title": "By a program"})
}

#[tokio::test]
async fn a_token_does_what_its_scopes_and_its_owner_may_and_the_log_names_it() {
    let scene = Scene::new().await;
    scene.furnish().await;
    let reads = token(&scene, "dora", &[]).await;
    assert_eq!(send(&scene, "GET", ITEMS, &reads, None).await.status, 200);
    let refused = send(&scene, "POST", ITEMS, &reads, Some(task())).await;
    assert_eq!(
        (refused.status.as_u16(), &refused.json()["code"]),
        (403, &"insufficient_scope".into())
    );

    let writes = token(&scene, "dora", &[Scope::Items]).await;
    let made = send(&scene, "POST", ITEMS, &writes, Some(task())).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(made.header("location"), format!("{ITEMS}/2"));
    // More scope than the owner has rights changes nothing.
    let viewer = token(&scene, "vic", &[Scope::Items, Scope::Manage, Scope::Audit]).await;
    let refused = send(&scene, "POST", ITEMS, &viewer, Some(task())).await;
    assert_eq!(
        (refused.status.as_u16(), &refused.json()["code"]),
        (403, &"forbidden".into())
    );

    let lead = token(&scene, "devon", &[Scope::Audit]).await;
    let log = send(
        &scene,
        "GET",
        "/api/v1/orgs/acme/audit?project=checkout&action=item.create",
        &lead,
        None,
    )
    .await;
    assert_eq!(log.json()[0]["via"], "api: ci");
    assert_eq!(log.json()[0]["summary"]["token"], writes.id.to_string());
}

#[tokio::test]
async fn a_token_ends_with_its_owners_role_and_account_at_the_next_request() {
    let scene = Scene::new().await;
    scene.furnish().await;
    let made = token(&scene, "vic", &[]).await;
    assert_eq!(send(&scene, "GET", ITEMS, &made, None).await.status, 200);
    let id = scene.people["vic"].id;
    let statement = format!("DELETE FROM role_bindings WHERE user_id = '{id}'");
    scene.store.execute_for_tests(statement).await.unwrap();
    assert_eq!(send(&scene, "GET", ITEMS, &made, None).await.status, 404);
    let statement = format!("UPDATE users SET deactivated_at = 1 WHERE id = '{id}'");
    scene.store.execute_for_tests(statement).await.unwrap();
    assert_eq!(send(&scene, "GET", "/api/v1/me", &made, None).await.status, 401);
}

#[tokio::test]
async fn a_token_ends_when_its_time_is_over_and_when_its_owner_ends_it() {
    let scene = Scene::new().await;
    scene.furnish().await;
    let (short, ended) = (token(&scene, "dora", &[]).await, token(&scene, "dora", &[]).await);
    assert_eq!(send(&scene, "GET", ITEMS, &ended, None).await.status, 200);
    token::revoke(&scene.ctx("dora"), ended.id).await.unwrap();
    assert_eq!(send(&scene, "GET", ITEMS, &ended, None).await.status, 401);
    scene.clock.advance(30 * DAY - MINUTE);
    assert_eq!(send(&scene, "GET", ITEMS, &short, None).await.status, 200);
    scene.clock.advance(MINUTE);
    let late = send(&scene, "GET", ITEMS, &short, None).await;
    assert_eq!(
        (late.status.as_u16(), &late.json()["code"]),
        (401, &"unauthenticated".into())
    );
}

#[tokio::test]
async fn an_owners_token_makes_nobody_who_may_do_more_than_itself() {
    let scene = Scene::new().await;
    let places = scene.furnish().await;
    let give = |role: &str, at: &str| {
        let body = serde_json::json!({"person": places.dora, "role": role});
        (format!("/api/v1/orgs/acme/members{at}"), Some(body))
    };
    let manages = token(&scene, "ada", &[Scope::Manage]).await;
    for (role, at) in [
        ("org.owner", ""),
        ("org.admin", ""),
        ("project.owner", "?project=checkout"),
        ("project.ops", "?project=checkout"),
    ] {
        let (path, body) = give(role, at);
        let refused = send(&scene, "POST", &path, &manages, body).await;
        assert_eq!(
            (refused.status.as_u16(), &refused.json()["code"]),
            (422, &"more_than_you_hold".into()),
            "{role}"
        );
    }
    let (path, body) = give("project.viewer", "?project=checkout");
    let given = send(&scene, "POST", &path, &manages, body).await;
    assert_eq!(given.status, 204, "{}", given.body);
    let deploys = token(&scene, "ada", &[Scope::Deploy]).await;
    let (path, body) = give("project.viewer", "?project=checkout");
    let refused = send(&scene, "POST", &path, &deploys, body).await;
    assert_eq!(refused.json()["code"], "insufficient_scope");
}

#[tokio::test]
async fn a_token_that_reads_neither_leaves_nor_asks_for_roles() {
    let scene = Scene::new().await;
    scene.furnish().await;
    let reads = token(&scene, "vic", &[]).await;
    let leave = "/api/v1/orgs/acme/people/vic?project=checkout";
    let refused = send(&scene, "DELETE", leave, &reads, None).await;
    assert_eq!(refused.json()["code"], "insufficient_scope");
    let body = serde_json::json!({"role": "project.ops"});
    let ask = "/api/v1/orgs/acme/role-requests?project=checkout";
    let refused = send(&scene, "POST", ask, &reads, Some(body)).await;
    assert_eq!(refused.json()["code"], "insufficient_scope");
    assert_eq!(send(&scene, "GET", ITEMS, &reads, None).await.status, 200);
}

#[tokio::test]
async fn an_invitation_made_twice_by_one_key_is_one_and_its_link_is_not_in_the_database() {
    let scene = Scene::new().await;
    scene.furnish().await;
    let made = token(&scene, "ada", Scope::ALL).await;
    let ask = || {
        Request::builder()
            .method("POST")
            .uri("/api/v1/orgs/acme/invitations?project=checkout")
            .header(header::CONTENT_TYPE, "application/json")
            .header("idempotency-key", "one")
            .header(header::AUTHORIZATION, format!("Bearer {}", made.secret))
            .body(Body::from(r#"{"role":"project.viewer","days":1}"#))
            .unwrap()
    };
    let first = scene.send(ask()).await;
    assert_eq!(first.status, 201, "{}", first.body);
    assert_eq!(scene.send(ask()).await.body, first.body, "the same link");
    let open = "/api/v1/orgs/acme/invitations?project=checkout";
    let open = send(&scene, "GET", open, &made, None).await.json();
    assert_eq!(open.as_array().unwrap().len(), 1);
    let link = first.json()["link"].as_str().unwrap().to_owned();
    let secret = link.split("token=").nth(1).unwrap();
    assert!(!stored(&scene, secret));
}

/// Whether the files of the database have that text in them.
fn stored(scene: &Scene, text: &str) -> bool {
    let files = std::fs::read_dir(scene.folder.path()).unwrap();
    files
        .map(|file| std::fs::read(file.unwrap().path()).unwrap_or_default())
        .any(|bytes| bytes.windows(text.len()).any(|part| part == text.as_bytes()))
}

#[tokio::test]
async fn a_token_opens_no_server_function_and_makes_no_token() {
    let scene = Scene::new().await;
    scene.furnish().await;
    let made = token(&scene, "dora", Scope::ALL).await;
    assert_eq!(
        send(&scene, "GET", "/api/fn/token/list", &made, None)
            .await
            .status,
        401
    );
    let cookie = scene.session("dora").await;
    let with_both = get("/api/fn/token/list", Some(&cookie))
        .header(header::AUTHORIZATION, format!("Bearer {}", made.secret))
        .body(Body::empty())
        .unwrap();
    assert_eq!(
        scene.send(with_both).await.status,
        401,
        "judged by the token alone"
    );
}

#[tokio::test]
async fn a_token_is_shown_once_to_who_made_it_and_stored_by_its_hash() {
    let scene = Scene::new().await;
    scene.furnish().await;
    let cookie = scene.session("dora").await;
    let form = "name=ci&days=30&scopes=items";
    let request = post("/me/tokens", Some(&cookie)).header(header::ACCEPT, "text/html");
    let answer = scene.send(request.body(Body::from(form)).unwrap()).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("location")),
        (303, "/me/tokens")
    );
    let first = scene.page("/me/tokens", Some(&cookie)).await.body;
    let at = first.find("slw_").expect("it is shown");
    let secret = &first[at..at + 47];
    assert!(slipway_domain::token::is_token(secret), "{secret}");
    let again = scene.page("/me/tokens", Some(&cookie)).await.body;
    assert!(!again.contains(secret), "and never again");
    assert!(stored(&scene, "token.create"), "the database is read");
    assert!(!stored(&scene, secret));
}

#[tokio::test]
async fn a_key_makes_one_thing_and_another_request_with_it_is_refused() {
    let scene = Scene::new().await;
    scene.furnish().await;
    let made = token(&scene, "dora", &[Scope::Items]).await;
    let ask = |title: &str| {
        let body = serde_json::json!({"kind": "task", "title": title}).to_string();
        Request::builder()
            .method("POST")
            .uri(ITEMS)
            .header(header::CONTENT_TYPE, "application/json")
            .header("idempotency-key", "one")
            .header(header::AUTHORIZATION, format!("Bearer {}", made.secret))
            .body(Body::from(body))
            .unwrap()
    };
    let first = scene.send(ask("A")).await;
    let again = scene.send(ask("A")).await;
    assert_eq!((first.status, &first.body), (again.status, &again.body));
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.header("location"), first.header("location"));
    let other = scene.send(ask("B")).await;
    assert_eq!(
        (other.status.as_u16(), &other.json()["code"]),
        (422, &"idempotency_key_reused".into())
    );
    let list = send(&scene, "GET", ITEMS, &made, None).await.json();
    assert_eq!(
        list.as_array().unwrap().len(),
        2,
        "one by the scene, one by the key"
    );
}

#[tokio::test]
async fn an_update_from_an_old_version_is_refused() {
    let scene = Scene::new().await;
    scene.furnish().await;
    let made = token(&scene, "dora", &[Scope::Items]).await;
    let shown = send(&scene, "GET", &format!("{ITEMS}/1"), &made, None).await;
    let tag = shown.header("etag").to_owned();
    let update = |state: &str| {
        Request::builder()
            .method("PUT")
            .uri(format!("{ITEMS}/1/state"))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::IF_MATCH, &tag)
            .header(header::AUTHORIZATION, format!("Bearer {}", made.secret))
            .body(Body::from(format!("{{\"state\":\"{state}\"}}")))
            .unwrap()
    };
    let next = shown.json()["next"][0].as_str().unwrap().to_owned();
    let first = scene.send(update(&next)).await;
    assert_eq!(first.status, 204, "{}", first.body);
    let second = scene.send(update(&next)).await;
    assert_eq!(
        (second.status.as_u16(), &second.json()["code"]),
        (412, &"version_mismatch".into())
    );
}

#[tokio::test]
async fn a_caller_has_so_many_requests_a_minute() {
    let scene = Scene::new().await;
    let made = token(&scene, "dora", &[]).await;
    let most = slipway_server::http::api::limit::PER_MINUTE;
    for left in (0..most).rev() {
        let answer = send(&scene, "GET", "/api/v1/me", &made, None).await;
        assert_eq!(answer.header("ratelimit-remaining"), left.to_string());
    }
    let refused = send(&scene, "GET", "/api/v1/me", &made, None).await;
    assert_eq!(refused.status, 429);
    assert!(
        refused
            .header("retry-after")
            .parse::<u32>()
            .is_ok_and(|wait| wait <= 60)
    );
}
