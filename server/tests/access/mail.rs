//! Mail by the page and by the REST API: what is shown of it, and that nothing typed is lost.

use crate::scene::Scene;
use http::StatusCode;
use slipway_testkit::{SmtpFault, SmtpServer};

const MEMBERS: &str = "/orgs/acme/members";
const SETTINGS: &str = "/orgs/acme/settings/mail";
const INVITE: &str = "/api/fn/invitation/create";

/// Posts the form as a browser without a script does, and follows it.
async fn posted(scene: &Scene, path: &str, form: &str, from: &str, cookie: &str) -> String {
    let back = scene.post_form(path, form, from, Some(cookie)).await;
    assert_eq!(
        (back.status, back.header("location")),
        (StatusCode::SEE_OTHER, from),
        "{}",
        back.body
    );
    scene.page(from, Some(cookie)).await.body
}

#[tokio::test]
async fn the_page_says_whether_the_link_was_mailed_and_shows_it_all_the_same() {
    let server = SmtpServer::start().await;
    let scene = Scene::mailing(&server).await;
    scene.furnish().await;
    let ada = scene.session("ada").await;
    let form = "org=acme&role=org.member&note=Zoe&days=7&email=zoe%40example.com";
    let page = posted(&scene, INVITE, form, MEMBERS, &ada).await;
    assert!(page.contains("Mailed to zoe@example.com."), "{page}");
    assert!(page.contains("/join?token=") && page.contains("sent to zoe@example.com"));
    let mail = server.taken().remove(0);
    assert!(mail.part("text/plain").contains("/join?token="));
    let again = scene.page(MEMBERS, Some(&ada)).await.body;
    assert!(!again.contains("/join?token="), "the link is shown once");

    server.fails(Some(SmtpFault::Answers("RCPT", "550 5.1.1 nobody <here>")));
    let page = posted(&scene, INVITE, form, MEMBERS, &ada).await;
    assert!(page.contains("/join?token=") && page.contains("not sent to zoe@example.com"));
    assert!(
        page.contains("The invitation holds") && page.contains("nobody &lt;here&gt;"),
        "{page}"
    );

    let wrong = "org=acme&role=org.member&note=For+Zoe&days=7&email=zoe";
    let page = posted(&scene, INVITE, wrong, MEMBERS, &ada).await;
    assert!(
        page.contains("write an address such as dora@example.com") && page.contains("value=\"For Zoe\""),
        "{page}"
    );
    assert!(page.contains("value=\"zoe\""));
    let devon = scene.session("devon").await;
    let page = scene
        .page("/orgs/acme/projects/checkout/members", Some(&devon))
        .await;
    assert!(page.body.contains("name=\"email\""));
}

#[tokio::test]
async fn programs_invite_by_mail_and_read_where_it_went() {
    let server = SmtpServer::start().await;
    let scene = Scene::mailing(&server).await;
    scene.furnish().await;
    let ada = scene.session("ada").await;
    let path = "/api/v1/orgs/acme/invitations";
    let body = r#"{"role":"org.member","days":7,"email":"zoe@example.com"}"#;
    let made = scene.call("POST", path, body, Some(&ada)).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let expected = serde_json::json!({ "to": "zoe@example.com", "sent": true, "trouble": null });
    assert_eq!(made.json()["mail"], expected);
    server.fails(Some(SmtpFault::Closes));
    let made = scene.call("POST", path, body, Some(&ada)).await.json();
    assert_eq!(made["mail"]["sent"], false);
    assert!(
        made["mail"]["trouble"]
            .as_str()
            .unwrap()
            .contains("does not answer")
    );
    assert!(made["link"].as_str().unwrap().contains("/join?token="));
    let silent = r#"{"role":"org.member","days":7}"#;
    let made = scene.call("POST", path, silent, Some(&ada)).await;
    assert!(made.json()["mail"].is_null(), "{}", made.body);
    let list = scene.get(path, Some(&ada)).await.json();
    let mut shown: Vec<_> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["email"].as_str(), one["mailed_at"].is_string()))
        .collect();
    shown.sort_unstable();
    assert_eq!(
        shown,
        [
            (None, false),
            (Some("zoe@example.com"), false),
            (Some("zoe@example.com"), true)
        ]
    );
}

#[tokio::test]
async fn without_a_mail_server_no_address_is_asked_for_and_none_is_taken() {
    let scene = Scene::new().await;
    scene.furnish().await;
    let ada = scene.session("ada").await;
    let page = scene.page(MEMBERS, Some(&ada)).await.body;
    assert!(!page.contains("name=\"email\"") && page.contains("No mail server is set up"));
    let body = r#"{"role":"org.member","days":7,"email":"zoe@example.com"}"#;
    let refused = scene
        .call("POST", "/api/v1/orgs/acme/invitations", body, Some(&ada))
        .await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    assert!(
        refused.body.contains("no mail server is set up here"),
        "{}",
        refused.body
    );
}

#[tokio::test]
async fn the_settings_say_which_server_is_in_force_and_keep_what_was_typed_but_no_password() {
    let server = SmtpServer::start().await;
    let scene = Scene::mailing(&server).await;
    scene.furnish().await;
    let ada = scene.session("ada").await;
    let page = scene.page(SETTINGS, Some(&ada)).await.body;
    assert!(
        page.contains("operator has set up") && page.contains("slipway@example.com"),
        "{page}"
    );
    assert!(page.contains("no address that a test could go to"));

    let form = |sender: &str, host: &str| {
        format!(
            "org=acme&host={host}&port={}&security=none&username=me&password=opensesame&sender={sender}",
            server.port()
        )
    };
    let page = posted(
        &scene,
        "/api/fn/mail/edit",
        &form("nobody", "mail.example.com"),
        SETTINGS,
        &ada,
    )
    .await;
    assert!(page.contains("write slipway@example.com or Slipway"), "{page}");
    assert!(page.contains("value=\"mail.example.com\"") && !page.contains("opensesame"));
    let good = form("Acme+%3Cci%40acme.example%3E", "127.0.0.1");
    let page = posted(&scene, "/api/fn/mail/edit", &good, SETTINGS, &ada).await;
    assert!(page.contains("The operator’s server is not used"), "{page}");
    assert!(!page.contains("opensesame"));

    let profile = scene
        .post(
            "/api/fn/me/update",
            "name=Ada&email=ada%40acme.example",
            Some(&ada),
        )
        .await;
    assert_eq!(profile.status, 200);
    let page = posted(&scene, "/api/fn/mail/test", "org=acme", SETTINGS, &ada).await;
    assert!(page.contains("Sent to ada@acme.example."), "{page}");
    assert_eq!(server.taken()[0].header("From"), "Acme <ci@acme.example>");
    server.fails(Some(SmtpFault::Answers("AUTH", "535 5.7.8 wrong")));
    let page = posted(&scene, "/api/fn/mail/test", "org=acme", SETTINGS, &ada).await;
    assert!(
        page.contains("refuses the login") && page.contains("error-summary"),
        "{page}"
    );
}
