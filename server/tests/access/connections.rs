//! Connections by OAuth at the HTTP edge: the page that leads to GitLab, the way back, and what programs see.

use crate::scene::{Answer, Scene};
use slipway_domain::access::Role;
use slipway_portal::access::At;
use slipway_portal::{member, org};

const PAGE: &str = "/orgs/acme/settings/gitlab";
const ADD: &str = "/api/fn/connection/add_oauth";
const CALLBACK: &str = "/connections/gitlab/callback";
const FORM: &str = "org=acme&name=Ours&base_url=https://gitlab.example.com&application_id=the-application&application_secret=gloas-typed";

async fn scene() -> Scene {
    let scene = Scene::new().await;
    scene.furnish().await;
    scene
}

/// The state that a page sends its reader to GitLab with.
fn state_in(page: &Answer) -> String {
    let (_, rest) = page
        .body
        .split_once("oauth/authorize?state=")
        .unwrap_or_else(|| panic!("{}", page.body));
    rest.split(['"', '&']).next().unwrap().to_owned()
}

/// Adds a connection, and goes as far as the page that leads to GitLab.
async fn leave(scene: &Scene, cookie: &str) -> String {
    let added = scene.post_form(ADD, FORM, PAGE, Some(cookie)).await;
    assert_eq!(
        (added.status.as_u16(), added.header("location")),
        (303, PAGE),
        "{}",
        added.body
    );
    state_in(&scene.page(PAGE, Some(cookie)).await)
}

async fn come_back(scene: &Scene, query: &str, cookie: Option<&str>) -> Answer {
    scene.page(&format!("{CALLBACK}?{query}"), cookie).await
}

#[tokio::test]
async fn the_form_leads_to_a_page_that_leads_to_gitlab_once() {
    let scene = scene().await;
    let ada = scene.session("ada").await;
    let before = scene.page(PAGE, Some(&ada)).await;
    let redirect_uri = "http://127.0.0.1:3000/connections/gitlab/callback";
    assert!(before.body.contains(redirect_uri), "what to enter at GitLab");
    let added = scene.post_form(ADD, FORM, PAGE, Some(&ada)).await;
    assert_eq!(
        (added.status.as_u16(), added.header("location")),
        (303, PAGE),
        "no address of GitLab in it"
    );
    let page = scene.page(PAGE, Some(&ada)).await;
    assert!(page.body.contains(
        r#"<meta http-equiv="refresh" content="0; url=https://gitlab.example.com/oauth/authorize?state="#
    ));
    assert!(
        page.body
            .contains(r#"href="https://gitlab.example.com/oauth/authorize?state="#)
    );
    assert!(
        page.body.contains("not authorized yet") && !page.body.contains("gloas-typed"),
        "{}",
        page.body
    );
    let again = scene.page(PAGE, Some(&ada)).await;
    assert!(!again.body.contains("http-equiv=\"refresh\" content=\"0"), "once");
    assert!(again.body.contains("Authorize at GitLab"));
}

#[tokio::test]
async fn a_refused_form_keeps_what_was_typed_but_no_secret() {
    let scene = scene().await;
    let ada = scene.session("ada").await;
    let wrong = FORM.replace("https://gitlab.example.com", "gitlab");
    let back = scene.post_form(ADD, &wrong, PAGE, Some(&ada)).await;
    assert_eq!((back.status.as_u16(), back.header("location")), (303, PAGE));
    let page = scene.page(PAGE, Some(&ada)).await;
    assert!(
        page.body.contains("start with https:// or http://"),
        "{}",
        page.body
    );
    assert!(page.body.contains("the-application") && page.body.contains("Ours"));
    assert!(!page.body.contains("gloas-typed"));
}

#[tokio::test]
async fn what_came_of_it_is_said_on_the_page_of_the_connections_once() {
    let scene = scene().await;
    let ada = scene.session("ada").await;
    let state = leave(&scene, &ada).await;
    let back = come_back(&scene, &format!("error=access_denied&state={state}"), Some(&ada)).await;
    assert_eq!((back.status.as_u16(), back.header("location")), (303, PAGE));
    let page = scene.page(PAGE, Some(&ada)).await;
    assert!(page.body.contains("It was denied at GitLab"), "{}", page.body);
    assert!(
        !scene
            .page(PAGE, Some(&ada))
            .await
            .body
            .contains("It was denied at GitLab"),
        "once"
    );
    let again = come_back(&scene, &format!("code=c&state={state}"), Some(&ada)).await;
    assert_eq!(again.header("location"), PAGE);
    let page = scene.page(PAGE, Some(&ada)).await;
    assert!(page.body.contains("was used already"), "{}", page.body);

    // Without a session, and with what nobody asked for.
    let nobody = come_back(&scene, &format!("code=c&state={state}"), None).await;
    assert_eq!(nobody.header("location"), "/sign-in?error=expired");
    for query in ["", "code=c", "code=c&state=made-up", "error=access_denied"] {
        let answer = come_back(&scene, query, Some(&ada)).await;
        assert_eq!(answer.status, 422, "{query}: {}", answer.body);
        assert!(
            answer.body.contains("did not ask GitLab for this answer"),
            "{}",
            answer.body
        );
    }
}

#[tokio::test]
async fn a_gitlab_that_is_away_and_another_session_are_told() {
    let scene = scene().await;
    let ada = scene.session("ada").await;
    let state = leave(&scene, &ada).await;
    let other = scene.session("ada").await;
    let query = format!("code=c&state={state}");
    assert_eq!(
        come_back(&scene, &query, Some(&other)).await.header("location"),
        PAGE
    );
    let page = scene.page(PAGE, Some(&other)).await;
    assert!(page.body.contains("begun in another session"), "{}", page.body);
    let olga = scene.session("olga").await;
    let stranger = come_back(&scene, &query, Some(&olga)).await;
    assert_eq!(stranger.status, 422, "{}", stranger.body);
    assert!(!stranger.body.contains("acme"));
    assert_eq!(
        come_back(&scene, &query, Some(&ada)).await.header("location"),
        PAGE
    );
    let page = scene.page(PAGE, Some(&ada)).await;
    assert!(page.body.contains("GitLab could not be reached"), "{}", page.body);
}

#[tokio::test]
async fn whoever_lost_the_right_meanwhile_is_told_above_the_page_they_no_longer_see() {
    let scene = scene().await;
    let nora = scene.people["nora"].id;
    org::grant(&scene.ctx("ada"), "acme", None, nora, Role::OrgAdmin)
        .await
        .unwrap();
    let cookie = scene.session("nora").await;
    let state = leave(&scene, &cookie).await;
    let at = At::new("acme", None, None);
    member::remove(&scene.ctx("ada"), at, nora).await.unwrap();
    let back = come_back(&scene, &format!("code=c&state={state}"), Some(&cookie)).await;
    assert_eq!(back.header("location"), PAGE);
    let page = scene.page(PAGE, Some(&cookie)).await;
    assert_eq!(page.status, 404);
    assert!(
        page.body
            .contains("You may no longer change the GitLab connections"),
        "{}",
        page.body
    );
    assert!(!page.body.contains("gitlab.example.com"));
}

#[tokio::test]
async fn a_program_is_told_which_page_a_person_has_to_open() {
    let scene = scene().await;
    let ada = scene.session("ada").await;
    let list = "/api/v1/orgs/acme/connections";
    let body = r#"{"name":"Ours","base_url":"https://gitlab.example.com","application_id":"a","application_secret":"gloas-typed"}"#;
    let made = scene.call("POST", list, body, Some(&ada)).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let page = format!("http://127.0.0.1:3000{PAGE}#{id}");
    assert_eq!(made.json()["authorize_url"], page.as_str());
    assert_eq!(made.header("location"), format!("{list}/{id}"));
    let shown = scene.get(list, Some(&ada)).await;
    let one = &shown.json()[0]["oauth"];
    assert_eq!(
        (&one["application_id"], &one["in_force"], &one["username"]),
        (&"a".into(), &false.into(), &().into())
    );
    assert_eq!(one["authorize_url"], page.as_str());
    assert!(
        !shown.body.contains("gloas-typed") && !shown.body.contains("secret"),
        "{}",
        shown.body
    );
    let test = scene
        .call("POST", &format!("{list}/{id}/test"), "", Some(&ada))
        .await;
    assert!(test.json()["trouble"].is_string(), "{}", test.body);

    let renamed = r#"{"name":"Renamed","base_url":"https://gitlab.example.com","application_id":"a"}"#;
    let put = scene
        .call("PUT", &format!("{list}/{id}"), renamed, Some(&ada))
        .await;
    assert_eq!(put.status, 204, "{}", put.body);
    let both = r#"{"name":"Both","base_url":"https://gitlab.example.com","token":"t","application_id":"a"}"#;
    let refused = scene.call("POST", list, both, Some(&ada)).await;
    assert_eq!(
        (refused.status.as_u16(), &refused.json()["errors"][0]["field"]),
        (422, &"token".into())
    );
    let token = r#"{"name":"Token","base_url":"https://gitlab.example.com","token":"t"}"#;
    let made = scene.call("POST", list, token, Some(&ada)).await;
    assert_eq!(
        (made.status.as_u16(), &made.json()["authorize_url"]),
        (201, &().into())
    );
    let switched = scene
        .call("PUT", &format!("{list}/{id}"), token, Some(&ada))
        .await;
    assert_eq!(switched.json()["code"], "by_oauth");
}
