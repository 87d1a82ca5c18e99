//! The calls about how boards are set up, the table, saved views and the roadmap.

use super::rest::change;
use super::{Call, PROJECT, call};

const AT: &str = "/api/v1/orgs/acme/projects/checkout";

/// They. Whoever may set the board up is refused by the version alone.
#[expect(clippy::too_many_lines, reason = "a table: one call a line")]
pub fn calls() -> Vec<Call> {
    let nothing = uuid::Uuid::nil();
    let setup = |name, more: &str| {
        let form = format!("{PROJECT}&version=99&{more}");
        call(name, form, Some("dora"), ("devon", 409))
    };
    let board = "/api/v1/orgs/acme/projects/checkout/board-setup";
    let flow = r#"{"states":[{"key":"open","name_en":"Open","category":"todo"},{"key":"over","name_en":"Over","category":"done"}],"transitions":[{"from":"open","to":"over"}],"moves":{"pending":"open","in_progress":"open","in_test":"open","done":"over","wont_fix":"over"}}"#;
    vec![
        call("fn:board/setup", PROJECT, None, ("vic", 200)),
        setup("fn:board/state", "kind=task&name_en=Review&category=in_test"),
        setup("fn:board/state_up", "kind=task&key=done"),
        setup("fn:board/state_remove", "kind=task&key=in_test&to=done"),
        setup(
            "fn:board/transition",
            "kind=task&from=pending&to=done&roles[0]=project.lead",
        ),
        setup(
            "fn:board/transition_remove",
            "kind=task&from=pending&to=in_progress",
        ),
        setup(
            "fn:board/column",
            "name_en=Review&category=in_test&limit=3&blocks=true",
        ),
        setup("fn:board/column_up", "key=done"),
        setup("fn:board/column_remove", "key=done"),
        setup("fn:board/follows", "parent_follows=true"),
        call(
            "GET /api/v1/orgs/{org}/projects/{project}/board-setup",
            board,
            None,
            ("vic", 200),
        ),
        change(
            "PUT /api/v1/orgs/{org}/projects/{project}/board-setup",
            board,
            r#"{"columns":[],"parent_follows":false}"#,
            "dora",
            ("devon", 204),
        ),
        change(
            "PUT /api/v1/orgs/{org}/projects/{project}/board-setup/workflows/{kind}",
            &format!("{board}/workflows/epic"),
            flow,
            "dora",
            ("devon", 204),
        ),
        call("fn:board/templates", PROJECT, None, ("vic", 200)),
        call(
            "fn:board/template",
            format!("{PROJECT}&kind=bug&name=Steps&body=One"),
            Some("dora"),
            ("devon", 200),
        ),
        call(
            "fn:board/template_remove",
            format!("{PROJECT}&id={nothing}"),
            Some("dora"),
            ("devon", 404),
        ),
        call(
            "fn:item/drawer",
            format!("{PROJECT}&key=CHK-1"),
            None,
            ("vic", 200),
        ),
        // Made by dora, within the hour.
        change(
            "DELETE /api/v1/orgs/{org}/projects/{project}/items/{number}",
            "/api/v1/orgs/acme/projects/checkout/items/3",
            "",
            "vic",
            ("dora", 204),
        ),
        call(
            "fn:mirror/view",
            format!("{PROJECT}&app=order-api"),
            Some("dora"),
            ("devon", 200),
        ),
        // It has no repository whose issues could be mirrored.
        call(
            "fn:mirror/set",
            format!("{PROJECT}&app=order-api&on=true&kind=task&labels=&version=0"),
            Some("dora"),
            ("devon", 422),
        ),
        call(
            "fn:mirror/settle",
            format!("{PROJECT}&number=1&field=title&ours=true&version=1"),
            Some("vic"),
            ("devon", 404),
        ),
        call(
            "GET /api/v1/orgs/{org}/projects/{project}/apps/{app}/mirror",
            format!("{AT}/apps/order-api/mirror"),
            Some("dora"),
            ("devon", 200),
        ),
        change(
            "PUT /api/v1/orgs/{org}/projects/{project}/apps/{app}/mirror",
            &format!("{AT}/apps/order-api/mirror"),
            r#"{"on":false,"kind":"task"}"#,
            "dora",
            ("devon", 204),
        ),
        call(
            "GET /api/v1/orgs/{org}/projects/{project}/apps/{app}/mirror/conflicts",
            format!("{AT}/apps/order-api/mirror/conflicts"),
            None,
            ("vic", 200),
        ),
        change(
            "POST /api/v1/orgs/{org}/projects/{project}/items/{number}/mirror/{field}",
            &format!("{AT}/items/1/mirror/title"),
            r#"{"ours":true}"#,
            "vic",
            ("devon", 404),
        ),
        call(
            "fn:table/page",
            format!("{PROJECT}&asked=kind%3Dbug"),
            None,
            ("vic", 200),
        ),
        call(
            "fn:table/save_view",
            format!("{PROJECT}&page=table&name=One&query=kind%3Dbug"),
            None,
            ("vic", 200),
        ),
        call(
            "fn:table/edit_view",
            format!("{PROJECT}&id={nothing}&version=1&name=One&query="),
            None,
            ("vic", 404),
        ),
        call(
            "fn:table/remove_view",
            format!("{PROJECT}&id={nothing}"),
            None,
            ("vic", 404),
        ),
        call("fn:roadmap/view", PROJECT, None, ("vic", 200)),
        call(
            "GET /api/v1/orgs/{org}/projects/{project}/roadmap",
            format!("{AT}/roadmap"),
            None,
            ("vic", 200),
        ),
        call(
            "GET /api/v1/orgs/{org}/projects/{project}/items-table",
            format!("{AT}/items-table?sort=-due&kind=bug"),
            None,
            ("vic", 200),
        ),
        call(
            "GET /api/v1/orgs/{org}/projects/{project}/saved-views",
            format!("{AT}/saved-views"),
            None,
            ("vic", 200),
        ),
        change(
            "POST /api/v1/orgs/{org}/projects/{project}/saved-views",
            &format!("{AT}/saved-views"),
            r#"{"page":"bugs","name":"All","query":"","shared":true}"#,
            "dora",
            ("devon", 201),
        ),
        call(
            "PUT /api/v1/orgs/{org}/projects/{project}/saved-views/{view}",
            format!(r#"{AT}/saved-views/{nothing} {{"name":"One","query":""}}"#),
            None,
            ("vic", 404),
        ),
        call(
            "DELETE /api/v1/orgs/{org}/projects/{project}/saved-views/{view}",
            format!("{AT}/saved-views/{nothing} "),
            None,
            ("vic", 404),
        ),
    ]
}

/// What no other call comes after: the item is gone then.
pub fn deletion() -> Vec<Call> {
    let item = format!("{PROJECT}&number=1");
    vec![call("fn:item/delete", item, Some("dora"), ("devon", 200))]
}
