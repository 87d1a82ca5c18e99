//! The calls about work items, beside those that make and move them.

use super::rest::change;
use super::{Call, PROJECT, call};

/// They.
#[expect(clippy::too_many_lines, reason = "a table: one call a line")]
pub fn calls() -> Vec<Call> {
    let nothing = uuid::Uuid::nil();
    let project = "/api/v1/orgs/acme/projects/checkout";
    let item = "/api/v1/orgs/acme/projects/checkout/items/1";
    let comment = format!("{item}/comments/{nothing}");
    let link = format!("{item}/links/blocks/CHK-1");
    let with = |more: &str| format!("{PROJECT}&number=1&{more}");
    let days = "name=Next&goal=&starts_on=2026-02-01&ends_on=2026-02-14";
    let (too_small, dora) = (Some("vic"), |status| ("dora", status));
    vec![
        call("fn:item/edit", format!("{PROJECT}&key=CHK-1"), None, ("vic", 200)),
        call(
            "fn:item/update",
            with("version=1&title=One&priority=normal"),
            too_small,
            dora(200),
        ),
        call(
            "fn:item/link",
            with("relation=blocks&other=CHK-1"),
            too_small,
            dora(422),
        ),
        call(
            "fn:item/unlink",
            with("relation=blocks&other=CHK-1"),
            too_small,
            dora(422),
        ),
        call(
            "fn:attachment/delete",
            with(&format!("attachment={nothing}")),
            Some("vic"),
            ("dora", 404),
        ),
        call(
            "GET /api/v1/orgs/{org}/projects/{project}/items/{number}/attachments",
            format!("{item}/attachments"),
            None,
            ("vic", 200),
        ),
        call(
            "GET /api/v1/orgs/{org}/projects/{project}/items/{number}/attachments/{attachment}",
            format!("{item}/attachments/{nothing}"),
            None,
            ("vic", 404),
        ),
        change(
            "POST /api/v1/orgs/{org}/projects/{project}/items/{number}/attachments",
            &format!("{item}/attachments?name=a.txt"),
            "some words",
            "vic",
            dora(201),
        ),
        call(
            "DELETE /api/v1/orgs/{org}/projects/{project}/items/{number}/attachments/{attachment}",
            format!("{item}/attachments/{nothing} "),
            Some("vic"),
            ("dora", 404),
        ),
        call("fn:intake/list", PROJECT, None, ("vic", 200)),
        call(
            "fn:intake/view",
            format!("{PROJECT}&import={nothing}"),
            Some("dora"),
            ("devon", 404),
        ),
        call(
            "fn:intake/choose",
            format!("{PROJECT}&import={nothing}&version=1"),
            Some("dora"),
            ("devon", 404),
        ),
        call(
            "fn:intake/start",
            format!("{PROJECT}&import={nothing}&version=1"),
            Some("dora"),
            ("devon", 404),
        ),
        call(
            "fn:intake/stop",
            format!("{PROJECT}&import={nothing}"),
            Some("dora"),
            ("devon", 404),
        ),
        call(
            "GET /api/v1/orgs/{org}/projects/{project}/item-imports",
            format!("{project}/item-imports"),
            None,
            ("vic", 200),
        ),
        change(
            "POST /api/v1/orgs/{org}/projects/{project}/item-imports",
            &format!("{project}/item-imports?name=a.csv&source=csv"),
            "title\nOne",
            "dora",
            ("devon", 201),
        ),
        call(
            "GET /api/v1/orgs/{org}/projects/{project}/item-imports/{import}",
            format!("{project}/item-imports/{nothing}"),
            Some("dora"),
            ("devon", 404),
        ),
        change(
            "POST /api/v1/orgs/{org}/projects/{project}/item-imports/{import}/start",
            &format!("{project}/item-imports/{nothing}/start"),
            "",
            "dora",
            ("devon", 404),
        ),
        change(
            "DELETE /api/v1/orgs/{org}/projects/{project}/item-imports/{import}",
            &format!("{project}/item-imports/{nothing}"),
            "",
            "dora",
            ("devon", 404),
        ),
        call("fn:automation/view", PROJECT, None, ("vic", 200)),
        call(
            "fn:automation/set",
            format!("{PROJECT}&linked=true&version=0"),
            Some("dora"),
            ("devon", 200),
        ),
        call(
            "GET /api/v1/orgs/{org}/projects/{project}/items/{number}/trail",
            format!("{item}/trail"),
            None,
            ("vic", 200),
        ),
        call(
            "GET /api/v1/orgs/{org}/projects/{project}/automation",
            format!("{project}/automation"),
            None,
            ("vic", 200),
        ),
        change(
            "PUT /api/v1/orgs/{org}/projects/{project}/automation",
            &format!("{project}/automation"),
            r#"{"linked":true,"merged":false}"#,
            "dora",
            ("devon", 204),
        ),
        call("fn:item/watch", with("watching=true"), None, ("vic", 200)),
        call("fn:item/backlog", PROJECT, None, ("vic", 200)),
        call(
            "fn:item/bulk",
            format!("{PROJECT}&numbers[0]=1&priority=high"),
            too_small,
            dora(200),
        ),
        call("fn:insight/work", PROJECT, None, ("vic", 200)),
        call("fn:insight/delivery", PROJECT, None, ("vic", 200)),
        call("fn:insight/stream", PROJECT, None, ("vic", 200)),
        call(
            "GET /api/v1/orgs/{org}/projects/{project}/value-stream",
            format!("{project}/value-stream?days=7"),
            None,
            ("vic", 200),
        ),
        call(
            "GET /api/v1/orgs/{org}/projects/{project}/value-stream-export",
            format!("{project}/value-stream-export?days=7"),
            None,
            ("vic", 200),
        ),
        call("fn:iteration/list", PROJECT, None, ("vic", 200)),
        call(
            "fn:iteration/view",
            format!("{PROJECT}&number=99"),
            None,
            ("vic", 404),
        ),
        call(
            "fn:iteration/plan",
            format!("{PROJECT}&{days}"),
            Some("dora"),
            ("devon", 200),
        ),
        call(
            "fn:iteration/edit",
            format!("{PROJECT}&number=99&{days}"),
            Some("dora"),
            ("devon", 404),
        ),
        call(
            "fn:iteration/begin",
            format!("{PROJECT}&number=99"),
            Some("dora"),
            ("devon", 404),
        ),
        call(
            "fn:iteration/close",
            format!("{PROJECT}&number=99"),
            Some("dora"),
            ("devon", 404),
        ),
        call("fn:comment/add", with("body=One"), too_small, dora(200)),
        call(
            "fn:comment/edit",
            with(&format!("comment={nothing}&version=1&body=One")),
            too_small,
            dora(404),
        ),
        call(
            "fn:comment/delete",
            with(&format!("comment={nothing}")),
            too_small,
            dora(404),
        ),
        call(
            "GET /api/v1/orgs/{org}/projects/{project}/items-export",
            format!("{project}/items-export"),
            None,
            ("vic", 200),
        ),
        call(
            "GET /api/v1/orgs/{org}/projects/{project}/iterations",
            format!("{project}/iterations"),
            None,
            ("vic", 200),
        ),
        call(
            "GET /api/v1/orgs/{org}/projects/{project}/insights/{chart}",
            format!("{project}/insights/flow?days=7&zone=Asia/Shanghai"),
            None,
            ("vic", 200),
        ),
        call(
            "GET /api/v1/orgs/{org}/projects/{project}/insights/work",
            format!("{project}/insights/work?days=7"),
            None,
            ("vic", 200),
        ),
        call(
            "GET /api/v1/orgs/{org}/projects/{project}/insights/delivery",
            format!("{project}/insights/delivery?days=7"),
            None,
            ("vic", 200),
        ),
        call(
            "GET /api/v1/orgs/{org}/projects/{project}/backlog",
            format!("{project}/backlog"),
            None,
            ("vic", 200),
        ),
        call(
            "GET /api/v1/orgs/{org}/projects/{project}/iterations/{number}",
            format!("{project}/iterations/99"),
            None,
            ("vic", 404),
        ),
        change(
            "PUT /api/v1/orgs/{org}/projects/{project}/iterations/{number}",
            &format!("{project}/iterations/99"),
            r#"{"name":"Next","starts_on":"2030-01-01","ends_on":"2030-01-14"}"#,
            "dora",
            ("devon", 404),
        ),
        change(
            "POST /api/v1/orgs/{org}/projects/{project}/iterations/planned",
            &format!("{project}/iterations/planned"),
            r#"{"name":"Next","starts_on":"2030-01-01","ends_on":"2030-01-14"}"#,
            "dora",
            ("devon", 201),
        ),
        change(
            "PATCH /api/v1/orgs/{org}/projects/{project}/items",
            &format!("{project}/items"),
            r#"{"numbers":[1],"edit":{"priority":"high"}}"#,
            "vic",
            ("dora", 200),
        ),
        change(
            "POST /api/v1/orgs/{org}/projects/{project}/iterations/{number}/start",
            &format!("{project}/iterations/99/start"),
            "",
            "dora",
            ("devon", 404),
        ),
        change(
            "POST /api/v1/orgs/{org}/projects/{project}/iterations/{number}/close",
            &format!("{project}/iterations/99/close"),
            "{}",
            "dora",
            ("devon", 404),
        ),
        change(
            "PATCH /api/v1/orgs/{org}/projects/{project}/items/{number}",
            item,
            r#"{"labels":["one"]}"#,
            "vic",
            dora(204),
        ),
        change(
            "POST /api/v1/orgs/{org}/projects/{project}/items/{number}/comments",
            &format!("{item}/comments"),
            r#"{"body":"One"}"#,
            "vic",
            dora(201),
        ),
        change(
            "PUT /api/v1/orgs/{org}/projects/{project}/items/{number}/comments/{comment}",
            &comment,
            r#"{"body":"One"}"#,
            "vic",
            dora(404),
        ),
        change(
            "DELETE /api/v1/orgs/{org}/projects/{project}/items/{number}/comments/{comment}",
            &comment,
            "",
            "vic",
            dora(404),
        ),
        change(
            "PUT /api/v1/orgs/{org}/projects/{project}/items/{number}/links/{relation}/{other}",
            &link,
            "",
            "vic",
            dora(422),
        ),
        change(
            "DELETE /api/v1/orgs/{org}/projects/{project}/items/{number}/links/{relation}/{other}",
            &link,
            "",
            "vic",
            dora(422),
        ),
        call(
            "PUT /api/v1/orgs/{org}/projects/{project}/items/{number}/watch",
            format!("{item}/watch "),
            None,
            ("vic", 204),
        ),
        call(
            "DELETE /api/v1/orgs/{org}/projects/{project}/items/{number}/watch",
            format!("{item}/watch "),
            None,
            ("vic", 204),
        ),
    ]
}
