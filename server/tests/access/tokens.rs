//! API tokens at the edge: what they open, what they never open, and when they end.

use crate::scene::{Answer, Scene, get, post};
use axum::body::Body;
use http::{Request, header};
use slipway_domain::time::{DAY, MINUTE};
use slipway_domain::token::Scope;
use slipway_portal::token::{self, Input, Made};

pub async fn token(scene: &Scene, who: &str, scopes: &[Scope]) -> Made {
    let input = Input {
        name: String::from("ci"),
        scopes: scopes.to_vec(),
        days: 30,
    };
    token::create(&scene.ctx(who), input).await.unwrap()
}

/// A request of a program, which sends no cookie and no `Origin`.
pub async fn send(
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
    let made = token(&scene, "ada", &Scope::offered(false)).await;
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
    let made = token(&scene, "dora", &Scope::offered(false)).await;
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

async fn project_token(
    scene: &Scene,
    who: &str,
    role: &str,
    scopes: &[Scope],
) -> slipway_portal::Result<Made> {
    let input = token::project::Input {
        name: String::from("nightly build"),
        role: role.to_owned(),
        scopes: scopes.to_vec(),
        days: 30,
    };
    token::project::create(&scene.ctx(who), "acme", "checkout", input).await
}

#[tokio::test]
async fn a_projects_token_works_in_its_project_alone_and_outlives_who_made_it() {
    let scene = Scene::new().await;
    scene.furnish().await;
    let open = slipway_portal::project::Input {
        slug: String::from("open"),
        name: String::from("Open to all"),
        description: String::new(),
        key: String::from("OPEN"),
        internal: true,
    };
    slipway_portal::project::create(&scene.ctx("ada"), "acme", open)
        .await
        .unwrap();
    let made = project_token(&scene, "devon", "project.developer", &[Scope::Items])
        .await
        .unwrap();
    let gone = format!(
        "DELETE FROM role_bindings WHERE user_id = '{}'",
        scene.people["devon"].id
    );
    scene.store.execute_for_tests(gone).await.unwrap();

    let item = send(&scene, "POST", ITEMS, &made, Some(task())).await;
    assert_eq!(item.status, 201, "{}", item.body);
    for (path, status) in [
        ("/api/v1/orgs/acme/projects/checkout", 200),
        // Every member sees it, and a project's token is none.
        ("/api/v1/orgs/acme/projects/open", 404),
        ("/api/v1/orgs/other", 404),
        // Its role allows it, its scopes do not.
        ("/api/v1/orgs/acme/audit?project=checkout", 403),
    ] {
        assert_eq!(
            send(&scene, "GET", path, &made, None).await.status,
            status,
            "{path}"
        );
    }
    let lists = send(&scene, "GET", "/api/v1/orgs/acme/projects", &made, None).await;
    assert!(!lists.body.contains("Open to all"), "{}", lists.body);

    let audit = token(&scene, "ada", &[Scope::Audit]).await;
    let path = "/api/v1/orgs/acme/audit?project=checkout&action=item.create";
    let log = send(&scene, "GET", path, &audit, None).await.json();
    assert_eq!(log[0]["via"], "api: nightly build");
    assert!(
        log[0]["actor"].to_string().contains("nightly build"),
        "{}",
        log[0]
    );
}

#[tokio::test]
async fn a_projects_token_is_no_person() {
    let scene = Scene::new().await;
    let places = scene.furnish().await;
    let made = project_token(&scene, "devon", "project.lead", Scope::ALL)
        .await
        .unwrap();
    let asked = serde_json::json!({"title": "More", "kind": "task"});
    assert_eq!(send(&scene, "POST", ITEMS, &made, Some(asked)).await.status, 201);
    // Nobody chooses it for anything, and it makes no token of its own.
    let page = slipway_portal::member::page(
        &scene.ctx("devon"),
        slipway_portal::access::At::new("acme", Some("checkout"), None),
    )
    .await
    .unwrap();
    assert!(
        page.members
            .iter()
            .any(|member| member.person.name == "nightly build")
    );
    assert!(page.people.iter().all(|person| person.name != "nightly build"));
    let mut tx = scene.portal.store.read().await.unwrap();
    let seen = slipway_portal::access::project_by_id::<slipway_portal::access::may::See>(
        &scene.portal.system("test"),
        places.project,
    )
    .await
    .unwrap();
    let leads = tx
        .holders(
            seen.org_id(),
            places.project,
            slipway_domain::access::Role::ProjectLead.key(),
        )
        .await
        .unwrap();
    let names: Vec<_> = leads.values().map(|person| person.name.as_str()).collect();
    assert_eq!(names, ["DEVON"], "no approval rule counts it");
    drop(tx);
    let person = token::authenticate(&scene.portal, &made.secret).await.unwrap().0;
    let name = person.username;
    let form = format!("username={name}&password=");
    assert_ne!(
        scene.post("/sign-in", &form, None).await.status,
        303,
        "nobody signs in to it"
    );
}

#[tokio::test]
async fn a_projects_token_is_made_by_who_may_give_its_role_and_ends_with_one_click() {
    let scene = Scene::new().await;
    scene.furnish().await;
    for (who, role, code) in [
        ("dora", "project.viewer", "forbidden"),
        ("olga", "project.viewer", "not_found"),
        ("devon", "project.owner", "invalid"),
        ("ada", "project.owner", "invalid"),
        ("devon", "org.member", "invalid"),
    ] {
        let refused = project_token(&scene, who, role, &[]).await.err().unwrap();
        assert_eq!(refused.code(), code, "{role} by {who}");
    }
    let made = project_token(&scene, "devon", "project.viewer", &[])
        .await
        .unwrap();
    assert_eq!(send(&scene, "GET", ITEMS, &made, None).await.status, 200);
    let list = |who: &'static str| {
        let ctx = scene.ctx(who);
        async move { token::project::list(&ctx, "acme", "checkout").await }
    };
    assert_eq!(list("devon").await.unwrap().tokens.len(), 1);
    assert!(list("dora").await.is_err());
    let revoke = |who: &'static str| {
        let (ctx, id) = (scene.ctx(who), made.id);
        async move { token::project::revoke(&ctx, "acme", "checkout", id).await }
    };
    assert!(revoke("dora").await.is_err());
    revoke("devon").await.unwrap();
    revoke("devon").await.unwrap();
    assert_eq!(send(&scene, "GET", ITEMS, &made, None).await.status, 401);
}

#[tokio::test]
async fn a_projects_token_is_shown_once() {
    let scene = Scene::new().await;
    scene.furnish().await;
    let cookie = scene.session("devon").await;
    let path = "/orgs/acme/projects/checkout/settings/tokens";
    let make = |form: &'static str| {
        let request = post("/project-tokens", Some(&cookie)).header(header::ACCEPT, "text/html");
        let form = format!("org=acme&project=checkout&{form}");
        scene.send(request.body(Body::from(form)).unwrap())
    };
    let refused = make("name=&role=project.viewer&days=30&scopes=items").await;
    assert_eq!((refused.status.as_u16(), refused.header("location")), (303, path));
    let page = scene.page(path, Some(&cookie)).await.body;
    assert!(page.contains("say in 1 to 60 characters"), "{page}");
    make("name=ci&role=project.viewer&days=30").await;
    let first = scene.page(path, Some(&cookie)).await.body;
    assert!(first.contains("slw_"), "it is shown");
    let at = first.find("slw_").unwrap();
    let secret = first[at..at + 47].to_owned();
    let again = scene.page(path, Some(&cookie)).await.body;
    assert!(
        !again.contains(&secret) && again.contains("ci"),
        "and never again"
    );
}
