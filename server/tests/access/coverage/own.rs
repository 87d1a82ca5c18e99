//! What asks for no place: what is one's own, what anybody may ask, and what owners may.

use super::{server_functions, status_of};
use crate::scene::Scene;

/// What anybody who is signed in may ask of themselves, and what somebody who has nothing gets.
pub const OWN: &[(&str, &str, u16)] = &[
    ("fn:home/work", "", 200),
    ("fn:me/chrome", "", 200),
    ("fn:me/profile", "", 200),
    ("fn:me/update", "name=Nora&email=", 200),
    ("fn:me/sessions", "", 200),
    ("fn:me/revoke_session", "session=none", 200),
    ("fn:me/revoke_other_sessions", "", 200),
    ("fn:me/security", "", 200),
    // Before it, nora has none.
    ("fn:me/password", "new_password=correct+horse", 200),
    ("fn:me/prove", "password=correct+horse", 200),
    ("fn:me/begin_factor", "", 200),
    ("fn:me/remove_factor", "", 200),
    ("fn:me/confirm_factor", "code=123456", 409),
    ("fn:me/renew_codes", "", 404),
    ("fn:me/unlink", "issuer=https://sso.example.com&subject=1", 404),
    ("fn:org/may_create", "", 200),
    ("fn:promotion/inbox", "", 200),
    ("fn:digest/set", "on=true&zone=Asia/Shanghai", 200),
    ("GET /api/v1/me/digest", "/api/v1/me/digest", 200),
    (
        "PUT /api/v1/me/digest",
        r#"/api/v1/me/digest {"on":false,"zone":"UTC"}"#,
        204,
    ),
    ("fn:notice/kind", "kind=run_failed&on=false", 200),
    ("fn:notice/list", "unread=false", 200),
    ("fn:notice/mark", "read=true", 200),
    ("fn:notice/settings", "", 200),
    ("fn:schedule/preview", "cron=0+2+*+*+*&zone=UTC", 200),
    ("GET /api/v1/cron", "/api/v1/cron?cron=0+2+*+*+*", 200),
    ("fn:search/commands", "org=acme&project=checkout", 200),
    ("fn:search/find", "q=order&limit=5", 200),
    ("fn:token/list", "", 200),
    ("fn:token/revoke", "id=00000000-0000-0000-0000-000000000000", 404),
    ("POST /me/tokens", "/me/tokens name=ci&days=1", 303),
    // Files come in parts; their rights are those of the API, whose rows stand with the items.
    ("POST /attachments", "/attachments file=none", 400),
    ("POST /item-imports", "/item-imports file=none", 400),
    ("GET /api/v1/approvals", "/api/v1/approvals", 200),
    ("GET /api/v1/search", "/api/v1/search?q=order", 200),
    ("GET /api/v1/me/delegations", "/api/v1/me/delegations", 200),
    (
        "DELETE /api/v1/me/delegations/{delegation}",
        "/api/v1/me/delegations/00000000-0000-0000-0000-000000000000 ",
        404,
    ),
    ("GET /api/v1/me", "/api/v1/me", 200),
    ("GET /api/v1/me/profile", "/api/v1/me/profile", 200),
    (
        "PUT /api/v1/me/profile",
        r#"/api/v1/me/profile {"name":"Nora","locale":"en"}"#,
        204,
    ),
    ("GET /api/v1/me/sessions", "/api/v1/me/sessions", 200),
    ("DELETE /api/v1/me/sessions", "/api/v1/me/sessions ", 204),
    (
        "DELETE /api/v1/me/sessions/{session}",
        "/api/v1/me/sessions/none ",
        204,
    ),
    ("GET /api/v1/me/identities", "/api/v1/me/identities", 200),
    (
        "DELETE /api/v1/me/identities",
        "/api/v1/me/identities?issuer=https://sso.example.com&subject=1 ",
        404,
    ),
    ("GET /api/v1/me/notices", "/api/v1/me/notices?unread=true", 200),
    ("POST /api/v1/me/notices/mark", "/api/v1/me/notices/mark {}", 204),
    (
        "GET /api/v1/me/notice-settings",
        "/api/v1/me/notice-settings",
        200,
    ),
    (
        "PUT /api/v1/me/notice-settings",
        r#"/api/v1/me/notice-settings {"off":["run_failed"]}"#,
        204,
    ),
    ("GET /api/v1/orgs", "/api/v1/orgs", 200),
    ("GET /live", "/live", 200),
];

/// What anybody may ask.
pub const PUBLIC: &[(&str, &str)] = &[("fn:invitation/view", "token=made-up"), ("fn:session/ways", "")];

/// What whoever owns an organization may ask of themselves, and what they get.
pub const OWNERS: &[(&str, &str, u16)] = &[
    ("fn:org/create", "slug=third&name=Third", 200),
    (
        "POST /api/v1/orgs",
        r#"/api/v1/orgs {"slug":"fourth","name":"Fourth"}"#,
        201,
    ),
];

#[tokio::test]
async fn what_is_ones_own_asks_for_a_session_and_nothing_more() {
    let scene = Scene::new().await;
    let functions = server_functions();
    for (name, arguments, status) in OWN {
        if *name == "GET /live" {
            // It never ends; its own tests read it.
            assert_eq!(scene.get(arguments, None).await.status, 401);
            continue;
        }
        assert_eq!(
            status_of(&scene, &functions, name, arguments, None).await,
            401,
            "{name}"
        );
        assert_eq!(
            status_of(&scene, &functions, name, arguments, Some("nora")).await,
            *status,
            "{name}"
        );
    }
    for (name, arguments) in PUBLIC {
        assert_eq!(
            status_of(&scene, &functions, name, arguments, None).await,
            200,
            "{name}"
        );
    }
}

#[tokio::test]
async fn an_organization_is_made_by_those_who_own_one() {
    let scene = Scene::new().await;
    scene.furnish().await;
    let functions = server_functions();
    for (name, arguments, done) in OWNERS {
        for (who, status) in [
            (None, 401),
            (Some("nora"), 422),
            (Some("devon"), 422),
            (Some("olga"), *done),
        ] {
            assert_eq!(
                status_of(&scene, &functions, name, arguments, who).await,
                status,
                "{name} as {who:?}"
            );
        }
    }
}
