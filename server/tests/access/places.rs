//! Renamed, archived and switched-off places, at the HTTP edge.

use crate::scene::{Scene, URL};
use http::StatusCode;
use slipway_portal::outgoing::Outgoing;

const RENAMED: &str = "org=acme&project=checkout&slug=till&name=Till&description=";

#[tokio::test]
async fn an_old_address_leads_to_the_new_one_and_only_those_who_see_the_place_learn_of_it() {
    let scene = Scene::new().await;
    scene.furnish().await;
    let (devon, olga) = (scene.session("devon").await, scene.session("olga").await);
    let edited = scene.post("/api/fn/project/edit", RENAMED, Some(&devon)).await;
    assert_eq!(edited.status, 200, "{}", edited.body);
    let old = "/orgs/acme/projects/checkout";
    let led = scene.page(&format!("{old}/board"), Some(&devon)).await;
    assert_eq!(led.status, StatusCode::FOUND);
    assert_eq!(led.header("location"), "/orgs/acme/projects/till/board");
    let app = scene
        .page(&format!("{old}/apps/order-api/releases"), Some(&devon))
        .await;
    assert_eq!(
        app.header("location"),
        "/orgs/acme/projects/till/apps/order-api/releases"
    );
    let stranger = scene.page(old, Some(&olga)).await;
    assert_eq!(
        (stranger.status, stranger.header("location")),
        (StatusCode::NOT_FOUND, "")
    );
    assert!(!stranger.body.contains("till"), "{}", stranger.body);
    let rest = scene.get(&format!("/api/v1{old}"), Some(&devon)).await;
    assert_eq!(rest.json()["slug"], "till");
    let read = "/api/fn/project/grid?org=acme&project=checkout";
    assert_eq!(scene.get(read, Some(&devon)).await.status, 200);
    assert_eq!(scene.get(read, Some(&olga)).await.status, 404);
}

#[tokio::test]
async fn what_is_switched_off_leaves_the_page_and_is_refused_by_its_address() {
    let scene = Scene::new().await;
    scene.furnish().await;
    let devon = scene.session("devon").await;
    let project = "/orgs/acme/projects/checkout";
    let shown = scene.page(project, Some(&devon)).await;
    assert!(shown.body.contains(&format!("{project}/board")));
    let settings = scene.page(&format!("{project}/settings"), Some(&devon)).await;
    // What has no page yet is not offered, and stays as it is when the rest is saved.
    assert!(
        settings
            .body
            .contains(r#"<input type="hidden" name="insights" value="true">"#),
        "{}",
        settings.body
    );
    let off = "org=acme&project=checkout&pipelines=true&releases=true";
    let switched = scene.post("/api/fn/project/features", off, Some(&devon)).await;
    assert_eq!(switched.status, 200, "{}", switched.body);
    let hidden = scene.page(project, Some(&devon)).await;
    assert!(!hidden.body.contains(&format!("{project}/board")));
    let board = scene.page(&format!("{project}/board"), Some(&devon)).await;
    assert_eq!(board.status, 422);
    assert!(
        board.body.contains("switched off in this project"),
        "{}",
        board.body
    );
    let call = scene
        .post(
            "/api/fn/item/add",
            "org=acme&project=checkout&title=One&kind=task",
            Some(&devon),
        )
        .await;
    assert_eq!(
        (call.status.as_u16(), &call.json()["code"]),
        (422, &"feature_off".into())
    );
}

#[tokio::test]
async fn a_form_without_a_script_says_what_is_wrong_and_keeps_what_was_typed_but_no_token() {
    let scene = Scene::new().await;
    scene.furnish().await;
    let ada = scene.session("ada").await;
    let from = "/orgs/acme/settings/gitlab";
    let form = "org=acme&name=Ours&base_url=gitlab&token=glpat-typed";
    let back = scene
        .post_form("/api/fn/connection/add", form, from, Some(&ada))
        .await;
    assert_eq!(
        (back.status, back.header("location")),
        (StatusCode::SEE_OTHER, from)
    );
    let page = scene.page(from, Some(&ada)).await;
    assert!(
        page.body.contains("start with https:// or http://"),
        "{}",
        page.body
    );
    assert!(page.body.contains("Ours") && !page.body.contains("glpat-typed"));
}

#[tokio::test]
async fn no_page_of_the_settings_shows_a_secret() {
    let scene = Scene::new().await;
    scene.furnish().await;
    let ada = scene.session("ada").await;
    let form = "org=acme&name=Ours&base_url=https://gitlab.example.com&token=glpat-typed";
    let added = scene.post("/api/fn/connection/add", form, Some(&ada)).await;
    assert_eq!(added.status, 200, "{}", added.body);
    let form = "org=acme&host=smtp.example.com&port=&security=tls&username=me&password=opensesame&sender=a@example.com";
    let added = scene.post("/api/fn/mail/edit", form, Some(&ada)).await;
    assert_eq!(added.status, 200, "{}", added.body);
    for address in [
        "/orgs/acme/settings/gitlab",
        "/orgs/acme/settings/clusters",
        "/orgs/acme/settings/mail",
        "/api/fn/connection/list?org=acme",
        "/api/fn/mail/settings?org=acme",
        "/api/fn/cluster/list?org=acme",
        "/orgs/acme/audit",
    ] {
        let answer = scene.page(address, Some(&ada)).await;
        assert!(!answer.body.contains("glpat-typed"), "{address}");
        assert!(!answer.body.contains("opensesame"), "{address}");
        assert!(!answer.body.contains("kubeconfig\":"), "{address}");
    }
}

#[tokio::test]
async fn the_cluster_that_slipway_runs_in_is_chosen_only_where_the_operator_lets_people() {
    let scene = Scene::new().await;
    scene.furnish().await;
    let ada = scene.session("ada").await;
    let (page, form) = ("/orgs/acme/settings/clusters", "org=acme&name=own&kubeconfig=");
    assert!(
        !scene
            .page(page, Some(&ada))
            .await
            .body
            .contains("the cluster that Slipway runs in")
    );
    let refused = scene.post("/api/fn/cluster/add", form, Some(&ada)).await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    assert!(
        refused.body.contains("service account cannot be chosen"),
        "{}",
        refused.body
    );
    let rest = ("/api/v1/orgs/acme/clusters", r#"{"name":"own"}"#);
    let refused = scene.call("POST", rest.0, rest.1, Some(&ada)).await;
    assert_eq!(
        refused.json()["errors"][0]["field"],
        "kubeconfig",
        "{}",
        refused.body
    );

    let outgoing = Outgoing::with_loopback().lending_itself(true);
    let clusters = slipway_server::outside::clusters(outgoing);
    let folder = tempfile::tempdir().unwrap();
    let lending = Scene::replica(scene.store.clone(), clusters, folder, URL).await;
    assert!(
        lending
            .page(page, Some(&ada))
            .await
            .body
            .contains("the cluster that Slipway runs in")
    );
    let added = lending.post("/api/fn/cluster/add", form, Some(&ada)).await;
    assert_eq!(added.status, 200, "{}", added.body);
}
