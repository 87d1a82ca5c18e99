//! The calls about templates that organizations and projects write, and about upgrades of apps to them.

use super::rest::change;
use super::{APP, Call, PROJECT, call};

const AT: &str = "/api/v1/orgs/acme/templates";
const IN: &str = "?project=checkout";

/// They.
pub fn calls() -> Vec<Call> {
    pages().into_iter().chain(programs()).chain(upgrades()).collect()
}

fn pages() -> Vec<Call> {
    let nothing = uuid::Uuid::nil();
    let with = |more: &str| format!("{PROJECT}&{more}");
    let missing = "template=project.none";
    vec![
        call("fn:template/list", PROJECT, None, ("vic", 200)),
        call("fn:template/list", "org=acme", None, ("vic", 200)),
        call("fn:template/view", with("template=node"), None, ("vic", 200)),
        call("fn:template/usage", with("template=node"), None, ("vic", 200)),
        call(
            "fn:template/create",
            with("slug=shop&name=&begin=scratch"),
            Some("dora"),
            ("devon", 200),
        ),
        call(
            "fn:template/create",
            "org=acme&slug=shop&name=&begin=node",
            Some("devon"),
            ("ada", 200),
        ),
        call(
            "fn:template/save",
            with(&format!("{missing}&version=1&text=a")),
            Some("dora"),
            ("devon", 404),
        ),
        call(
            "fn:template/keep",
            with(&format!("{missing}&version=1&text=a")),
            Some("dora"),
            ("devon", 404),
        ),
        call("fn:template/arrive", with(missing), Some("dora"), ("devon", 404)),
        call(
            "fn:template/change",
            with(&format!(
                "{missing}&version=1&change[op]=remove&change[job]=build"
            )),
            Some("dora"),
            ("devon", 404),
        ),
        call(
            "fn:template/publish",
            with(&format!(
                "{missing}&draft=1&version=&changelog_zh=&changelog_en=a"
            )),
            Some("dora"),
            ("devon", 404),
        ),
        call(
            "fn:template/settle",
            with(&format!("{missing}&version=1&act=withdraw")),
            Some("dora"),
            ("devon", 404),
        ),
        call(
            "fn:template/upgrade",
            with(&format!("template=node&to=&apps[0]={nothing}")),
            None,
            ("vic", 422),
        ),
        call(
            "fn:template/progress",
            with(&format!("id={nothing}")),
            None,
            ("vic", 404),
        ),
        call(
            "fn:template/stop",
            with(&format!("id={nothing}")),
            None,
            ("vic", 404),
        ),
        call(
            "fn:template/retry",
            with(&format!("id={nothing}")),
            None,
            ("vic", 404),
        ),
        call("fn:template/app", APP, None, ("vic", 404)),
        call(
            "fn:template/propose",
            format!("{APP}&to="),
            Some("vic"),
            ("dora", 422),
        ),
    ]
}

fn programs() -> Vec<Call> {
    let missing = |rest: &str| format!("{AT}/project.none{rest}{IN}");
    vec![
        call("GET /api/v1/orgs/{org}/templates", AT, None, ("vic", 200)),
        change(
            "POST /api/v1/orgs/{org}/templates",
            &format!("{AT}{IN}"),
            r#"{"slug":"market"}"#,
            "dora",
            ("devon", 201),
        ),
        call(
            "GET /api/v1/orgs/{org}/templates/{template}",
            format!("{AT}/node{IN}"),
            None,
            ("vic", 200),
        ),
        change(
            "PUT /api/v1/orgs/{org}/templates/{template}",
            &missing(""),
            r#"{"document":"a"}"#,
            "dora",
            ("devon", 404),
        ),
        change(
            "DELETE /api/v1/orgs/{org}/templates/{template}",
            &missing(""),
            "",
            "dora",
            ("devon", 404),
        ),
        change(
            "POST /api/v1/orgs/{org}/templates/{template}/versions",
            &missing("/versions"),
            r#"{"changelog_en":"a"}"#,
            "dora",
            ("devon", 404),
        ),
        call(
            "GET /api/v1/orgs/{org}/templates/{template}/versions/{version}",
            format!("{AT}/empty/versions/1.0.0{IN}"),
            None,
            ("vic", 200),
        ),
        change(
            "POST /api/v1/orgs/{org}/templates/{template}/deprecate",
            &missing("/deprecate"),
            "{}",
            "dora",
            ("devon", 404),
        ),
        change(
            "POST /api/v1/orgs/{org}/templates/{template}/withdraw",
            &missing("/withdraw"),
            "{}",
            "dora",
            ("devon", 404),
        ),
        change(
            "POST /api/v1/orgs/{org}/templates/{template}/restore",
            &missing("/restore"),
            "",
            "dora",
            ("devon", 404),
        ),
        call(
            "GET /api/v1/orgs/{org}/templates/{template}/uses",
            format!("{AT}/node/uses{IN}"),
            None,
            ("vic", 200),
        ),
    ]
}

fn upgrades() -> Vec<Call> {
    let nothing = uuid::Uuid::nil();
    let app = "/api/v1/orgs/acme/projects/checkout/apps/order-api/template-upgrade";
    let bulk = |act: &str| format!("/api/v1/orgs/acme/template-upgrades/{nothing}{act}{IN}");
    vec![
        call(
            "POST /api/v1/orgs/{org}/templates/{template}/upgrades",
            format!("{AT}/node/upgrades{IN} {{}}"),
            None,
            ("vic", 422),
        ),
        call(
            "GET /api/v1/orgs/{org}/template-upgrades/{upgrade}",
            bulk(""),
            None,
            ("vic", 404),
        ),
        call(
            "POST /api/v1/orgs/{org}/template-upgrades/{upgrade}/retry",
            bulk("/retry") + " ",
            None,
            ("vic", 404),
        ),
        call(
            "POST /api/v1/orgs/{org}/template-upgrades/{upgrade}/stop",
            bulk("/stop") + " ",
            None,
            ("vic", 404),
        ),
        call(
            "GET /api/v1/orgs/{org}/projects/{project}/apps/{app}/template-upgrade",
            app,
            None,
            ("vic", 404),
        ),
        change(
            "POST /api/v1/orgs/{org}/projects/{project}/apps/{app}/template-upgrade",
            app,
            "{}",
            "vic",
            ("dora", 422),
        ),
    ]
}
