//! What operators of the server may ask; for everybody else it is not there.

use super::{ask, server_functions, status_of};
use crate::scene::{Places, Scene};

/// The name, its arguments, and what an operator gets.
pub fn operators(at: &Places) -> Vec<(&'static str, String, u16)> {
    let dora = format!("user={}", at.dora);
    let provider = |key: &str, more: &str| {
        format!(
            "key={key}&name=Work&issuer=https://127.0.0.1:9&client_id=slipway&client_secret=s&scopes=email\
             &groups_claim=&allowed_domains={more}"
        )
    };
    let rest = "/api/v1/operator/sign-in-providers";
    let body = r#"{"name":"Work","issuer":"https://127.0.0.1:9","client_id":"slipway","client_secret":"s"}"#;
    let made = body.replacen('{', r#"{"key":"rest","#, 1);
    vec![
        ("fn:operator/add_provider", provider("sso", ""), 200),
        ("fn:operator/providers", String::new(), 200),
        ("fn:operator/provider", String::from("key=sso"), 200),
        ("fn:operator/edit_provider", provider("sso", "&version=0"), 200),
        (
            "fn:operator/switch_provider",
            String::from("key=sso&on=false"),
            200,
        ),
        // Nobody answers there; its report says so.
        ("fn:operator/test_provider", String::from("key=sso"), 200),
        ("fn:operator/remove_provider", String::from("key=sso"), 200),
        (
            "GET /api/v1/operator/operators",
            String::from("/api/v1/operator/operators"),
            200,
        ),
        (
            "GET /api/v1/operator/audit",
            String::from("/api/v1/operator/audit"),
            200,
        ),
        (
            "GET /api/v1/operator/audit/export",
            String::from("/api/v1/operator/audit/export?format=csv"),
            200,
        ),
        (
            "POST /api/v1/operator/sign-in-providers",
            format!("{rest} {made}"),
            201,
        ),
        ("GET /api/v1/operator/sign-in-providers", rest.to_owned(), 200),
        (
            "GET /api/v1/operator/sign-in-providers/{provider}",
            format!("{rest}/rest"),
            200,
        ),
        (
            "PUT /api/v1/operator/sign-in-providers/{provider}",
            format!("{rest}/rest {body}"),
            204,
        ),
        (
            "POST /api/v1/operator/sign-in-providers/{provider}/test",
            format!("{rest}/rest/test "),
            200,
        ),
        (
            "DELETE /api/v1/operator/sign-in-providers/{provider}",
            format!("{rest}/rest "),
            204,
        ),
        ("fn:operator/accounts", String::from("q=dora"), 200),
        ("fn:operator/audit", String::new(), 200),
        ("fn:operator/grant", dora.clone(), 200),
        ("fn:operator/revoke", dora.clone(), 200),
        ("fn:operator/switch_account", format!("{dora}&active=false"), 200),
    ]
}

#[tokio::test]
async fn what_is_for_operators_is_not_there_for_anybody_else() {
    let mut scene = Scene::new().await;
    let places = scene.furnish().await;
    scene.operator("opal").await;
    let functions = server_functions();
    let nothing = "org=nowhere";
    let unseen = ask(
        &scene,
        &functions,
        "fn:org/overview",
        nothing,
        Some(&scene.session("ada").await),
    )
    .await;
    for (name, arguments, done) in operators(&places) {
        assert_eq!(
            status_of(&scene, &functions, name, &arguments, None).await,
            401,
            "{name}"
        );
        for who in ["nora", "ada", "olga", "vic"] {
            let cookie = scene.session(who).await;
            let got = ask(&scene, &functions, name, &arguments, Some(&cookie)).await;
            assert_eq!(got.status, 404, "{name} as {who}");
            assert_eq!(got.json()["code"], unseen.json()["code"], "{name} as {who}");
        }
        let got = status_of(&scene, &functions, name, &arguments, Some("opal")).await;
        assert_eq!(got, done, "{name}");
    }
}
