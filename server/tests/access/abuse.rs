//! What somebody tries who means ill: other people's ids, foreign sites, fields that are not theirs to set, markup in
//! every text, bodies that are too large or too deep, paths that lead out.

use crate::coverage::{ask, calls, server_functions};
use crate::scene::{PROJECT_PAGE, Places, Scene, get, post};
use axum::body::Body;
use http::header;
use slipway_domain::access::Role;
use slipway_portal::{app, item, org, project};

/// Words of the scene's organization that nobody outside may ever read.
const THEIRS: &[&str] = &[
    "Acme",
    "Checkout",
    "Order API",
    "Captain",
    "Count the orders",
    "DEVON",
    "QUINN",
    "CHK-1",
];

/// What a browser would run, or a page would be broken by.
const MARKUP: &str = "\"'><img src=x onerror=alert(1)><script>alert(2)</script>";

/// `olga`'s own project and app, where she may do everything.
async fn own_places(scene: &Scene) {
    let olga = scene.ctx("olga");
    let input = project::Input {
        slug: String::from("stock"),
        name: String::from("Stock"),
        description: String::new(),
        key: String::from("STK"),
        internal: false,
    };
    project::create(&olga, "other", input).await.unwrap();
    org::grant(
        &olga,
        "other",
        Some("stock"),
        scene.people["olga"].id,
        Role::ProjectOwner,
    )
    .await
    .unwrap();
    let input = app::Input {
        slug: String::from("depot"),
        name: String::from("Depot"),
        description: String::new(),
    };
    app::create(&olga, "other", "stock", input).await.unwrap();
}

/// Arguments of a call in `acme`, asked in `other` with the same ids.
fn moved(arguments: &str) -> String {
    arguments
        .replace("org=acme", "org=other")
        .replace("project=checkout", "project=stock")
        .replace("app=order-api", "app=depot")
        .replace("/orgs/acme", "/orgs/other")
        .replace("/projects/checkout", "/projects/stock")
        .replace("/apps/order-api", "/apps/depot")
}

/// The ids of things in `acme` that stand in `arguments`.
fn foreign_ids(at: &Places, arguments: &str) -> bool {
    [
        at.release.to_string(),
        at.qa.to_string(),
        at.promotion.to_string(),
        at.job.to_string(),
    ]
    .into_iter()
    .chain(at.groups.iter().map(ToString::to_string))
    .chain(at.roles.iter().map(ToString::to_string))
    .chain(at.requests.iter().map(ToString::to_string))
    .chain(at.webhooks.iter().map(|(webhook, _)| webhook.to_string()))
    .any(|id| arguments.contains(&id))
}

/// What the audit log says of an organization, as its owner reads it.
async fn log_of(scene: &Scene) -> serde_json::Value {
    let ada = scene.session("ada").await;
    let answer = scene.get("/api/fn/audit/list?org=acme", Some(&ada)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

#[tokio::test]
async fn an_id_of_another_organization_is_not_found_in_ones_own() {
    let scene = Scene::new().await;
    let places = scene.furnish().await;
    own_places(&scene).await;
    let olga = scene.session("olga").await;
    let functions = server_functions();
    let before = log_of(&scene).await;
    let (mut tried, mut wrong) = (0, Vec::new());
    // Her own place stays as it is: what is archived or gone would answer everything alike.
    let ends = |name: &str| {
        ["fn:place/", "fn:project/features", "DELETE /api/v1/orgs/{org}"]
            .iter()
            .any(|end| name.starts_with(end) && !name.contains("{org}/"))
            || ["/archive", "/features"].iter().any(|end| name.ends_with(end))
    };
    for call in calls(&places).into_iter().filter(|call| !ends(call.name)) {
        let arguments = moved(&call.arguments);
        let answer = ask(&scene, &functions, call.name, &arguments, Some(&olga)).await;
        if foreign_ids(&places, &call.arguments) {
            tried += 1;
            if answer.status != 404 {
                wrong.push(format!("{} {arguments}: {}", call.name, answer.status));
            }
        }
        let told = THEIRS.iter().find(|word| answer.body.contains(**word));
        if let Some(word) = told {
            wrong.push(format!("{} tells `{word}`: {}", call.name, answer.body));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(tried >= 10, "only {tried} calls name a thing by its id");
    assert_eq!(log_of(&scene).await, before, "nothing happened in acme");
}

#[tokio::test]
async fn no_server_function_takes_a_post_of_another_site() {
    let scene = Scene::new().await;
    let places = scene.furnish().await;
    let before = log_of(&scene).await;
    let cookie = scene.session("ada").await;
    let functions = server_functions();
    for call in calls(&places)
        .iter()
        .filter(|call| functions.get(call.name) == Some(&true))
    {
        let path = format!("/api/fn/{}", call.name.trim_start_matches("fn:"));
        for (name, value) in [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("origin", "https://evil.example"),
        ] {
            let request = http::Request::builder()
                .method("POST")
                .uri(&path)
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header(header::COOKIE, &cookie)
                .header(name, value);
            let answer = scene
                .send(request.body(Body::from(call.arguments.clone())).unwrap())
                .await;
            assert_eq!(answer.status, 403, "{path} with {name}: {value}");
            assert_eq!(answer.json()["code"], "cross_origin", "{path}");
        }
        // A link or a picture asks by GET: nothing that changes answers that.
        let answer = scene
            .get(&format!("{path}?{}", call.arguments), Some(&cookie))
            .await;
        assert!(answer.status.is_client_error(), "GET {path}: {}", answer.status);
    }
    assert_eq!(log_of(&scene).await, before, "nothing happened");
}

#[tokio::test]
async fn a_body_sets_no_field_that_its_form_does_not_have() {
    let scene = Scene::new().await;
    let places = scene.furnish().await;
    let dora = scene.session("dora").await;
    let more = format!(
        "id={nil}&org_id={nil}&project_id={nil}&reporter={ada}&reporter_id={ada}&user_id={ada}&actor={ada}&state=done\
         &number=4711&key=CHK-4711&version=99&created_at=0&role=org.owner&tenant=other&points=8",
        nil = uuid::Uuid::nil(),
        ada = scene.people["ada"].id,
    );
    let form = format!("org=acme&project=checkout&title=Mine&kind=task&{more}");
    let answer = scene.post("/api/fn/item/add", &form, Some(&dora)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let view = item::view(&scene.ctx("dora"), "acme", "checkout", 2)
        .await
        .unwrap();
    let said = serde_json::to_value(&view).unwrap().to_string();
    assert!(said.contains("DORA") && !said.contains("ADA"), "{said}");
    assert!(!said.contains("4711") && !said.contains("\"done\""), "{said}");

    // A role cannot be taken along, nor another's place.
    let form = format!(
        "org=acme&project=checkout&title=Mine&kind=task&person={}&role=project.owner",
        places.dora
    );
    scene.post("/api/fn/item/add", &form, Some(&dora)).await;
    let page = scene
        .get(
            "/api/fn/member/person?org=acme&project=checkout&person=dora",
            Some(&dora),
        )
        .await;
    assert!(!page.body.contains("project.owner\",\"granted"), "{}", page.body);
    let answer = scene
        .post(
            "/api/fn/member/grant",
            &format!(
                "org=acme&project=checkout&who=person.{}&role=project.owner",
                places.dora
            ),
            Some(&dora),
        )
        .await;
    assert_eq!(answer.status, 403);
}

#[tokio::test]
async fn markup_in_any_text_is_text() {
    let scene = Scene::new().await;
    let places = scene.furnish().await;
    let ada = scene.session("ada").await;
    let (dora, oli) = (scene.session("dora").await, scene.session("oli").await);
    let text: String = url::form_urlencoded::byte_serialize(MARKUP.as_bytes()).collect();
    let project = "org=acme&project=checkout";
    for (who, path, form) in [
        (
            &dora,
            "item/create",
            format!("{project}&kind=task&title={text}&description={text}&priority=normal"),
        ),
        (&dora, "item/add", format!("{project}&kind=bug&title={text}")),
        (&ada, "group/create", format!("org=acme&name={text}")),
        (
            &ada,
            "role/create",
            format!("org=acme&name={text}&scope=project&actions[0]=app.create"),
        ),
        (
            &ada,
            "invitation/create",
            format!("org=acme&role=org.member&note={text}&days=7"),
        ),
        (
            &dora,
            "role_request/create",
            format!("{project}&role=project.lead&reason={text}"),
        ),
        (
            &oli,
            "promotion/cancel",
            format!("id={}&reason={text}", places.promotion),
        ),
    ] {
        let answer = scene.post(&format!("/api/fn/{path}"), &form, Some(who)).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    }
    let app = access_app(&scene, &places).await;
    let mut tx = scene.portal.store.write().await.unwrap();
    tx.append_log(
        &app,
        places.job,
        0,
        format!("\u{1b}[31m{MARKUP}\u{1b}[0m\n").as_bytes(),
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    let query = format!("?q={text}&search={text}&action={text}&next={text}&scope={text}");
    for page in [
        format!("{PROJECT_PAGE}/board"),
        format!("{PROJECT_PAGE}/bugs"),
        format!("{PROJECT_PAGE}/items/CHK-2"),
        format!("{PROJECT_PAGE}/items/CHK-3"),
        format!("{PROJECT_PAGE}/members"),
        format!("{PROJECT_PAGE}/audit"),
        format!("{PROJECT_PAGE}/apps/order-api/runs/1"),
        format!("{PROJECT_PAGE}/apps/order-api/promotions/{}", places.promotion),
        String::from("/orgs/acme/groups"),
        String::from("/orgs/acme/roles"),
        String::from("/orgs/acme/members"),
        String::from("/orgs/acme/audit"),
        String::from("/"),
    ] {
        for address in [page.clone(), format!("{page}{query}")] {
            let answer = scene.page(&address, Some(&ada)).await;
            assert_eq!(answer.status, 200, "{address}");
            for evil in ["<img src=x", "<script>alert"] {
                let found = answer.body.find(evil).map(|at| {
                    let from = answer.body.floor_char_boundary(at.saturating_sub(160));
                    answer.body[from..].chars().take(240).collect::<String>()
                });
                assert_eq!(found, None, "{address} runs {evil}");
            }
            let policy = answer.header("content-security-policy");
            assert!(
                policy.contains("'nonce-") && !policy.contains("unsafe-inline"),
                "{address}: {policy}"
            );
        }
    }
    let board = scene.page(&format!("{PROJECT_PAGE}/board"), Some(&ada)).await;
    assert!(
        board.body.contains("&lt;img src=x"),
        "what was typed is shown as it was typed"
    );
}

#[tokio::test]
async fn markup_that_comes_back_in_a_form_is_text() {
    let scene = Scene::new().await;
    scene.furnish().await;
    let dora = scene.session("dora").await;
    let evil = format!("</textarea></title>{MARKUP}");
    let text: String = url::form_urlencoded::byte_serialize(evil.as_bytes()).collect();
    let form = format!(
        "org=acme&project=checkout&kind=task&title={text}&description={text}&priority=normal&points=1000"
    );
    let page = format!("{PROJECT_PAGE}/items/new");
    let refused = scene
        .post_form("/api/fn/item/create", &form, &page, Some(&dora))
        .await;
    assert_eq!(refused.status, 303, "{}", refused.body);
    let again = scene.page(&page, Some(&dora)).await;
    assert!(again.body.contains("&lt;/textarea>"), "{}", again.body);
    assert!(!again.body.contains("</textarea></title>"), "{}", again.body);
}

async fn access_app(
    scene: &Scene,
    places: &Places,
) -> slipway_portal::access::Authorized<slipway_portal::access::App, slipway_portal::access::may::Modify> {
    slipway_portal::access::app_by_id::<slipway_portal::access::may::AppManage>(
        &scene.portal.system("test"),
        places.app,
    )
    .await
    .unwrap()
    .modify()
}

#[tokio::test]
async fn what_is_too_large_or_too_deep_is_refused_and_the_server_goes_on() {
    let scene = Scene::new().await;
    let places = scene.furnish().await;
    let cookie = scene.session("ada").await;
    let large = "a".repeat(3 * 1024 * 1024);
    let functions = server_functions();
    for (name, _) in functions.iter().filter(|(_, posted)| **posted) {
        let path = format!("/api/fn/{}", name.trim_start_matches("fn:"));
        let form = format!("org=acme&project=checkout&title={large}");
        let answer = scene.post(&path, &form, Some(&cookie)).await;
        assert!(answer.status.is_client_error(), "{path}: {}", answer.status);
        let request = post(&path, Some(&cookie)).header(header::ACCEPT, "text/html");
        let answer = scene.send(request.body(Body::from(form)).unwrap()).await;
        assert_eq!(answer.status, 413, "{path} by a plain form");
    }
    let hook = format!("/hooks/gitlab/{}", places.app);
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let nested = (0..20_000).fold(String::from("a"), |form, _| form + "[a]") + "=1";
    for (path, body) in [
        (hook.as_str(), deep.as_str()),
        ("/api/fn/item/add", nested.as_str()),
        ("/sign-in", nested.as_str()),
    ] {
        let answer = scene.post(path, body, Some(&cookie)).await;
        assert!(answer.status.is_client_error(), "{path}: {}", answer.status);
    }
    assert_eq!(scene.get("/healthz", None).await.status, 200);
}

#[tokio::test]
async fn a_line_break_in_a_field_makes_no_header() {
    let scene = Scene::new().await;
    scene.furnish().await;
    let cookie = scene.session("ada").await;
    let evil = "%0d%0aSet-Cookie:%20evil=1%0d%0a%0d%0a%3Chtml%3E";
    for answer in [
        scene
            .post("/preferences", &format!("theme=dark&next=/{evil}"), Some(&cookie))
            .await,
        scene
            .post(
                "/preferences",
                &format!("theme=dark{evil}&locale=en{evil}"),
                Some(&cookie),
            )
            .await,
        scene.get(&format!("/sign-in/gitlab?next=/{evil}"), None).await,
        scene.page(&format!("/orgs/acme{evil}"), Some(&cookie)).await,
        scene
            .post_form(
                "/api/fn/item/add",
                &format!("org=acme&project=checkout{evil}&title=a&kind=task"),
                PROJECT_PAGE,
                Some(&cookie),
            )
            .await,
    ] {
        let evil = answer.headers.iter().any(|(name, value)| {
            value.as_bytes().contains(&b'\n')
                || (name == "set-cookie" && value.as_bytes().starts_with(b"evil"))
        });
        assert!(!evil, "{:?}", answer.headers);
    }
    // What identifies a request is echoed only where it is harmless.
    let request = get("/api/v1/me", Some(&cookie)).header("x-request-id", "a\tb<script>");
    let answer = scene.send(request.body(Body::empty()).unwrap()).await;
    assert!(
        !answer.header("x-request-id").contains('<'),
        "{:?}",
        answer.headers
    );
}

#[tokio::test]
async fn no_path_leads_out_of_the_site() {
    let scene = Scene::new().await;
    std::fs::create_dir_all(scene.folder.path().join("site/pkg")).unwrap();
    std::fs::write(scene.folder.path().join("secret.txt"), "the secret").unwrap();
    for path in [
        "/pkg/../../secret.txt",
        "/pkg/..%2f..%2fsecret.txt",
        "/pkg/%2e%2e/%2e%2e/secret.txt",
        "/pkg/..%5c..%5csecret.txt",
        "/pkg/%252e%252e/%252e%252e/secret.txt",
        "/pkg//../../secret.txt",
        "/pkg/%00/../../secret.txt",
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/test.db",
        "/..%2ftest.db",
    ] {
        let answer = scene.get(path, None).await;
        assert_ne!(answer.status, 200, "{path}");
        assert!(!answer.body.contains("the secret"), "{path}");
    }
}
