//! Every server function and every route is asked by nobody, by somebody of another organization, by
//! somebody whose role is too small, and by somebody who may. None can be left out: the names are taken
//! from the program itself and from `coverage.txt`.

mod boards;
mod ci;
mod editor;
mod items;
pub(crate) mod operator;
pub(crate) mod own;
mod releases;
mod rest;
mod settings;
mod templates;
mod webhooks;

use crate::scene::{Answer, Places, Scene};
use http::StatusCode;
use operator::operators;
use own::{OWN, OWNERS, PUBLIC};
use rest::{OPEN, change};
use slipway_server::http::route::{self, Access};
use std::collections::{BTreeMap, BTreeSet};

const TABLE: &str = include_str!("coverage.txt");

/// The app of the scene, as arguments.
const APP: &str = "org=acme&project=checkout&app=order-api";
/// Its organization.
const ORG: &str = "org=acme";
/// Its project.
const PROJECT: &str = "org=acme&project=checkout";

/// How one call is tried.
pub(crate) struct Call {
    /// The row: `fn:` and the endpoint, or method and path.
    pub(crate) name: &'static str,
    /// Its arguments, or for a route the path that is asked.
    pub(crate) arguments: String,
    /// Somebody who sees the place but may not do this; `None`: whoever sees it may.
    too_small: Option<&'static str>,
    /// Somebody who may, and the status they get. GitLab cannot be reached here, so 503 is as far as some get.
    may: (&'static str, u16),
}

fn call(
    name: &'static str,
    arguments: impl Into<String>,
    too_small: Option<&'static str>,
    may: (&'static str, u16),
) -> Call {
    Call {
        name,
        arguments: arguments.into(),
        too_small,
        may,
    }
}

#[expect(clippy::too_many_lines, reason = "a table: one call a server function")]
pub(crate) fn calls(at: &Places) -> Vec<Call> {
    let with = |base: &str, more: &str| format!("{base}&{more}");
    let promotion = format!("id={}", at.promotion);
    let nothing = uuid::Uuid::nil();
    vec![
        call(
            "fn:app/connect",
            with(APP, "repository=1"),
            Some("dora"),
            ("devon", 422),
        ),
        call("fn:app/page", APP, None, ("vic", 200)),
        call("fn:audit/list", PROJECT, Some("dora"), ("devon", 200)),
        call("fn:environment/list", PROJECT, None, ("vic", 200)),
        call(
            "fn:item/add",
            with(PROJECT, "title=One&kind=task"),
            Some("vic"),
            ("dora", 200),
        ),
        call("fn:item/board", PROJECT, None, ("vic", 200)),
        call("fn:item/bugs", PROJECT, None, ("vic", 200)),
        call(
            "fn:item/create",
            with(PROJECT, "kind=task&title=One&description=&priority=normal"),
            Some("vic"),
            ("dora", 200),
        ),
        call(
            "fn:item/move",
            with(PROJECT, "number=1&column=in_progress"),
            Some("vic"),
            ("dora", 200),
        ),
        call(
            "fn:item/state",
            with(PROJECT, "number=1&state=in_test"),
            Some("vic"),
            ("dora", 200),
        ),
        call("fn:item/view", with(PROJECT, "key=CHK-1"), None, ("vic", 200)),
        call(
            "fn:iteration/start",
            with(PROJECT, "name=One&goal=&starts_on=2026-01-01&ends_on=2026-01-14"),
            Some("dora"),
            ("devon", 200),
        ),
        call("fn:token/of_project", PROJECT, Some("dora"), ("devon", 200)),
        call(
            "fn:token/revoke_of_project",
            format!("{PROJECT}&id={nothing}"),
            Some("dora"),
            ("devon", 404),
        ),
        call("fn:member/list", PROJECT, None, ("vic", 200)),
        call("fn:group/list", ORG, None, ("vic", 200)),
        call(
            "fn:group/view",
            format!("{ORG}&group={}", at.groups[0]),
            None,
            ("vic", 200),
        ),
        call(
            "fn:group/create",
            with(ORG, "name=More"),
            Some("vic"),
            ("ada", 200),
        ),
        call(
            "fn:group/update",
            format!("{ORG}&group={}&name=Captains", at.groups[0]),
            Some("vic"),
            ("ada", 200),
        ),
        call(
            "fn:group/add",
            format!("{ORG}&group={}&person={}", at.groups[0], at.dora),
            Some("vic"),
            ("ada", 200),
        ),
        call(
            "fn:group/take_out",
            format!("{ORG}&group={}&person={}", at.groups[0], at.dora),
            Some("vic"),
            ("ada", 200),
        ),
        call(
            "fn:group/delete",
            format!("{ORG}&group={}", at.groups[0]),
            Some("vic"),
            ("ada", 200),
        ),
        call(
            "fn:invitation/create",
            with(PROJECT, "role=project.viewer&note=&days=7"),
            Some("dora"),
            ("devon", 200),
        ),
        call(
            "fn:invitation/revoke",
            format!("{PROJECT}&invitation={nothing}"),
            Some("dora"),
            ("devon", 404),
        ),
        call("fn:member/page", PROJECT, None, ("vic", 200)),
        call(
            "fn:member/person",
            with(PROJECT, "person=dora"),
            None,
            ("vic", 200),
        ),
        call(
            "fn:member/grant",
            format!("{PROJECT}&who=person.{}&role=project.viewer", at.dora),
            Some("vic"),
            ("devon", 200),
        ),
        call(
            "fn:member/change",
            format!("{PROJECT}&binding={nothing}&role=project.viewer"),
            Some("vic"),
            ("devon", 404),
        ),
        call(
            "fn:member/revoke",
            format!("{PROJECT}&binding={nothing}"),
            Some("vic"),
            ("devon", 404),
        ),
        call(
            "fn:member/remove",
            format!("{PROJECT}&person={nothing}"),
            Some("vic"),
            ("devon", 404),
        ),
        call("fn:role/list", ORG, None, ("vic", 200)),
        call(
            "fn:role/view",
            format!("{ORG}&role={}", at.roles[0]),
            Some("vic"),
            ("ada", 200),
        ),
        call(
            "fn:role/create",
            with(ORG, "name=Other&scope=project&actions[0]=app.create"),
            Some("vic"),
            ("ada", 200),
        ),
        call(
            "fn:role/update",
            format!(
                "{ORG}&role={}&version=0&name=Captain&scope=project&actions[0]=app.create",
                at.roles[0]
            ),
            Some("vic"),
            ("ada", 200),
        ),
        call(
            "fn:role/delete",
            format!("{ORG}&role={}", at.roles[0]),
            Some("vic"),
            ("ada", 200),
        ),
        call(
            "fn:role_request/create",
            with(PROJECT, "role=project.owner&reason=work"),
            None,
            ("vic", 200),
        ),
        call(
            "fn:role_request/decide",
            format!("{PROJECT}&request={}&decision=grant", at.requests[0]),
            Some("dora"),
            ("ada", 200),
        ),
        call(
            "fn:notice/mute",
            format!("project={}&muted=true", at.project),
            None,
            ("vic", 200),
        ),
        call("fn:org/overview", "org=acme", None, ("vic", 200)),
        call("fn:project/grid", PROJECT, None, ("vic", 200)),
        // Before it is withdrawn.
        call(
            "fn:promotion/decide",
            format!("{promotion}&subject=x&decision=reject&comment=no"),
            Some("vic"),
            ("oli", 409),
        ),
        change(
            "POST /api/v1/promotions/{id}/decisions",
            &format!("/api/v1/promotions/{}/decisions", at.promotion),
            r#"{"verdict":"reject","subject":"x","comment":"no"}"#,
            "vic",
            ("oli", 409),
        ),
        call(
            "fn:promotion/cancel",
            promotion.clone(),
            Some("vic"),
            ("oli", 200),
        ),
        call(
            "fn:promotion/request",
            format!("{APP}&release={}&environment={}", at.release, at.qa),
            Some("vic"),
            ("dora", 200),
        ),
        call(
            "fn:promotion/retry",
            promotion.clone(),
            Some("dora"),
            ("oli", 409),
        ),
        call(
            "fn:promotion/rollback",
            format!("{promotion}&release={}&reason=bad", at.release),
            Some("dora"),
            ("oli", 422),
        ),
        call("fn:promotion/view", promotion.clone(), None, ("vic", 200)),
        call(
            "fn:proposal/check",
            with(APP, "template=node"),
            Some("vic"),
            ("dora", 200),
        ),
        call("fn:proposal/gallery", APP, None, ("vic", 200)),
        call(
            "fn:proposal/merge",
            format!("{APP}&id={nothing}"),
            Some("vic"),
            ("dora", 404),
        ),
        call(
            "fn:proposal/propose",
            with(APP, "template=node"),
            Some("vic"),
            ("dora", 422),
        ),
        call(
            "fn:proposal/template",
            with(APP, "template=node"),
            None,
            ("vic", 200),
        ),
        call("fn:release/list", APP, None, ("vic", 200)),
        call("fn:release/view", with(APP, "version=1.0.0"), None, ("vic", 200)),
        call("fn:run/cancel", with(APP, "number=1"), Some("vic"), ("dora", 422)),
        call("fn:run/list", APP, None, ("vic", 200)),
        call("fn:run/page", with(APP, "number=1"), None, ("vic", 200)),
        call(
            "fn:run/play",
            format!("{APP}&number=1&job={nothing}"),
            Some("vic"),
            ("dora", 404),
        ),
        call("fn:run/retry", with(APP, "number=1"), Some("vic"), ("dora", 422)),
        call(
            "fn:run/retry_job",
            format!("{APP}&number=1&job={nothing}"),
            Some("vic"),
            ("dora", 404),
        ),
        call("fn:run/start", with(APP, "ref=main"), Some("vic"), ("dora", 422)),
        call("fn:app/settings", APP, Some("dora"), ("devon", 200)),
        call(
            "fn:app/edit",
            with(APP, "slug=order-api&name=Orders&description="),
            Some("dora"),
            ("devon", 200),
        ),
        call("fn:import/chooser", PROJECT, Some("dora"), ("devon", 200)),
        call(
            "fn:import/choose",
            format!("{PROJECT}&connection={nothing}&group=1&page=1&shown=1&chosen[0]=1&then=review"),
            Some("dora"),
            ("devon", 404),
        ),
        call(
            "fn:import/view",
            format!("{PROJECT}&id={nothing}"),
            Some("dora"),
            ("devon", 404),
        ),
        call(
            "fn:import/review",
            format!("{PROJECT}&id={nothing}&page=1&slugs[r1]=a&names[r1]=A&then=start"),
            Some("dora"),
            ("devon", 404),
        ),
        call(
            "fn:import/retry",
            format!("{PROJECT}&id={nothing}"),
            Some("dora"),
            ("devon", 404),
        ),
        call(
            "fn:import/stop",
            format!("{PROJECT}&id={nothing}"),
            Some("dora"),
            ("devon", 404),
        ),
        call(
            "fn:app/create",
            with(PROJECT, "slug=ledger&name=Ledger&description="),
            Some("dora"),
            ("devon", 200),
        ),
        call("fn:project/settings", PROJECT, Some("dora"), ("devon", 200)),
        call(
            "fn:project/edit",
            with(PROJECT, "slug=checkout&name=Till&description="),
            Some("dora"),
            ("devon", 200),
        ),
        call(
            "fn:project/features",
            with(PROJECT, "boards=true&pipelines=true&releases=true&insights=true"),
            Some("dora"),
            ("devon", 200),
        ),
        call(
            "fn:project/quota",
            with(PROJECT, "environment=dev&cpu=4&memory=8Gi&pods="),
            Some("devon"),
            ("ada", 200),
        ),
        call(
            "fn:project/create",
            "org=acme&slug=search&name=Search&description=&key=SEA",
            Some("devon"),
            ("ada", 200),
        ),
        call("fn:org/settings", "org=acme", Some("devon"), ("ada", 200)),
        call(
            "fn:org/edit",
            "org=acme&slug=acme&name=Acme",
            Some("devon"),
            ("ada", 200),
        ),
        call("fn:connection/list", "org=acme", Some("devon"), ("ada", 200)),
        call(
            "fn:connection/add",
            "org=acme&name=one&base_url=https://gitlab.example.com&token=t",
            Some("devon"),
            ("ada", 200),
        ),
        call(
            "fn:connection/edit",
            format!("org=acme&id={nothing}&name=one&base_url=https://g.example.com&token=t"),
            Some("devon"),
            ("ada", 404),
        ),
        call(
            "fn:connection/test",
            format!("org=acme&id={nothing}"),
            Some("devon"),
            ("ada", 404),
        ),
        call(
            "fn:connection/remove",
            format!("org=acme&id={nothing}"),
            Some("devon"),
            ("ada", 404),
        ),
        call("fn:mail/settings", "org=acme", Some("devon"), ("ada", 200)),
        call(
            "fn:mail/edit",
            "org=acme&host=smtp.example.com&port=&security=starttls&username=&password=&sender=slipway@example.com",
            Some("devon"),
            ("ada", 200),
        ),
        // She has no address of her own.
        call("fn:mail/test", "org=acme", Some("devon"), ("ada", 422)),
        call("fn:mail/remove", "org=acme", Some("devon"), ("ada", 200)),
        call("fn:cluster/list", "org=acme", Some("devon"), ("ada", 200)),
        call(
            "fn:cluster/add",
            "org=acme&name=two&kubeconfig={}",
            Some("devon"),
            ("ada", 200),
        ),
        call(
            "fn:cluster/edit",
            format!("org=acme&id={nothing}&name=two&kubeconfig={{}}"),
            Some("devon"),
            ("ada", 404),
        ),
        call(
            "fn:cluster/test",
            format!("org=acme&id={nothing}&namespace=default"),
            Some("devon"),
            ("ada", 404),
        ),
        call(
            "fn:cluster/remove",
            format!("org=acme&id={nothing}"),
            Some("devon"),
            ("ada", 404),
        ),
        call(
            "fn:place/archive",
            "org=acme&project=checkout&app=ledger",
            Some("dora"),
            ("devon", 200),
        ),
        call(
            "fn:place/restore",
            "org=acme&project=checkout&app=ledger",
            Some("dora"),
            ("devon", 200),
        ),
        call("fn:place/archive", "org=acme", Some("devon"), ("ada", 422)),
        call("fn:place/restore", PROJECT, Some("dora"), ("devon", 200)),
        call(
            "fn:place/delete",
            "org=acme&project=checkout&app=ledger&confirm=Ledger",
            Some("dora"),
            ("devon", 200),
        ),
        call(
            "fn:place/delete",
            with(PROJECT, "confirm=wrong"),
            Some("dora"),
            ("devon", 422),
        ),
        call(
            "fn:place/delete",
            "org=acme&confirm=wrong",
            Some("devon"),
            ("ada", 422),
        ),
        call("GET /api/v1/orgs/{org}", "/api/v1/orgs/acme", None, ("vic", 200)),
        call(
            "GET /api/v1/orgs/{org}/projects/{project}",
            "/api/v1/orgs/acme/projects/checkout",
            None,
            ("vic", 200),
        ),
        call(
            "GET /api/v1/orgs/{org}/projects/{project}/apps/{app}/runs/{number}/jobs/{job}/log",
            format!(
                "/api/v1/orgs/acme/projects/checkout/apps/order-api/runs/1/jobs/{}/log",
                at.job
            ),
            None,
            ("vic", 200),
        ),
        call(
            "GET /api/v1/orgs/{org}/projects/{project}/apps/{app}",
            "/api/v1/orgs/acme/projects/checkout/apps/order-api",
            None,
            ("vic", 200),
        ),
    ]
    .into_iter()
    .chain(rest::reads(at))
    .chain(rest::changes(at))
    .chain(rest::groups_and_roles(at))
    .chain(rest::people(at))
    .chain(releases::releases(at))
    .chain(releases::shapes())
    .chain(settings::settings())
    .chain(webhooks::calls(at))
    .chain(editor::calls())
    .chain(boards::calls())
    .chain(items::calls())
    .chain(templates::calls())
    .chain(ci::calls(at))
    .chain(boards::deletion())
    .collect()
}

/// Name → kind of access, of the table.
fn table() -> BTreeMap<&'static str, &'static str> {
    let lines = TABLE
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            line.split_once("  ")
                .map(|(name, kind)| (name, kind.trim()))
                .expect("a name, two spaces, a kind")
        })
        .collect()
}

/// Endpoint → whether it is posted, of the server functions that are linked in.
pub(crate) fn server_functions() -> BTreeMap<String, bool> {
    // Linked in by what uses them.
    let _ = slipway_app::App;
    server_fn::axum::server_fn_paths()
        .map(|(path, method)| {
            (
                format!("fn:{}", path.trim_start_matches("/api/fn/")),
                method == http::Method::POST,
            )
        })
        .collect()
}

#[tokio::test]
async fn every_server_function_and_every_route_has_a_row_and_a_case() {
    let scene = Scene::new().await;
    let places = scene.furnish().await;
    let mut cases: BTreeSet<String> = calls(&places).iter().map(|call| call.name.to_owned()).collect();
    cases.extend(OWN.iter().map(|(name, ..)| (*name).to_owned()));
    cases.extend(PUBLIC.iter().map(|(name, _)| (*name).to_owned()));
    cases.extend(OWNERS.iter().map(|(name, ..)| (*name).to_owned()));
    cases.extend(operators(&places).iter().map(|(name, ..)| (*name).to_owned()));
    let functions: BTreeSet<String> = server_functions().into_keys().collect();
    let routes = route::all()
        .filter(|r| r.access == Access::SignedIn)
        .map(|r| format!("{} {}", r.method, r.path));
    let known: BTreeSet<String> = functions.iter().cloned().chain(routes).collect();
    let missing: Vec<_> = known.difference(&cases).collect();
    assert!(missing.is_empty(), "no case tries {missing:?}");
    let stale: Vec<_> = cases.difference(&known).collect();
    assert!(stale.is_empty(), "cases for what is not there: {stale:?}");
    let rows: BTreeSet<String> = table().into_keys().map(str::to_owned).collect();
    let unlisted: Vec<_> = functions.difference(&rows).collect();
    assert!(unlisted.is_empty(), "coverage.txt has no row for {unlisted:?}");
}

/// What `who` gets, in a session of their own.
async fn status_of(
    scene: &Scene,
    functions: &BTreeMap<String, bool>,
    name: &str,
    arguments: &str,
    who: Option<&str>,
) -> StatusCode {
    let cookie = match who {
        Some(who) => Some(scene.session(who).await),
        None => None,
    };
    ask(scene, functions, name, arguments, cookie.as_deref())
        .await
        .status
}

/// Asks as the pages and programs do.
pub(crate) async fn ask(
    scene: &Scene,
    functions: &BTreeMap<String, bool>,
    name: &str,
    arguments: &str,
    cookie: Option<&str>,
) -> Answer {
    let Some(endpoint) = name.strip_prefix("fn:") else {
        let method = name.split(' ').next().unwrap();
        if method == "GET" {
            return scene.get(arguments, cookie).await;
        }
        let (path, body) = arguments.split_once(' ').unwrap();
        if !path.starts_with("/api/") {
            return scene.post(path, body, cookie).await;
        }
        return scene.call(method, path, body, cookie).await;
    };
    let path = format!("/api/fn/{endpoint}");
    if functions[name] {
        scene.post(&path, arguments, cookie).await
    } else {
        scene.get(&format!("{path}?{arguments}"), cookie).await
    }
}

#[tokio::test]
async fn nobody_strangers_and_small_roles_are_turned_away_and_the_rest_let_in() {
    let scene = Scene::new().await;
    let places = scene.furnish().await;
    let functions = server_functions();
    let rows = table();
    let mut wrong = Vec::new();
    for call in calls(&places) {
        let mut expect = vec![(None, 401), (Some("olga"), 404), (Some("nora"), 404)];
        if let Some(who) = call.too_small {
            expect.push((Some(who), 403));
            assert_ne!(
                rows.get(call.name),
                Some(&"see"),
                "{} asks for more than to see",
                call.name
            );
        } else {
            // Routes have no row; one that changes something has a case with too small a role.
            let kind = rows.get(call.name).copied().unwrap_or(
                if call.name.starts_with("GET") || OPEN.contains(&call.name) {
                    "see"
                } else {
                    "a change"
                },
            );
            assert!(
                kind.starts_with("see"),
                "{} is `{kind}`, and no case has too small a role",
                call.name
            );
        }
        expect.push((Some(call.may.0), call.may.1));
        for (who, status) in expect {
            let got = status_of(&scene, &functions, call.name, &call.arguments, who).await;
            if got.as_u16() != status {
                wrong.push(format!(
                    "{} as {}: {got}, not {status}",
                    call.name,
                    who.unwrap_or("nobody")
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_role_that_is_taken_away_ends_at_the_next_request() {
    let scene = Scene::new().await;
    scene.furnish().await;
    let cookie = scene.session("vic").await;
    let path = "/api/v1/orgs/acme/projects/checkout";
    assert_eq!(scene.get(path, Some(&cookie)).await.status, 200);
    let statement = format!(
        "DELETE FROM role_bindings WHERE user_id = '{}'",
        scene.people["vic"].id
    );
    scene.store.execute_for_tests(statement).await.unwrap();
    assert_eq!(scene.get(path, Some(&cookie)).await.status, 404);
}
