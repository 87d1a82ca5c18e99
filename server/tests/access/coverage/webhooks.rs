//! The calls about webhooks that Slipway sends, as a page and as a program makes them.

use super::rest::change;
use super::{Call, PROJECT, call};
use crate::scene::Places;

const NEW: &str = r#"{"url":"https://hooks.example.com","events":["item.created"]}"#;

/// Those of a project, and of its organization.
pub fn calls(at: &Places) -> Vec<Call> {
    let ours = pages(at);
    let programs = programs(at);
    let form = "url=https%3A%2F%2Fhooks.example.com&description=&kinds[0]=item.created&enabled=true";
    let of_org = vec![
        call("fn:subscriber/list", "org=acme", Some("devon"), ("ada", 200)),
        call(
            "fn:subscriber/create",
            format!("org=acme&{form}"),
            Some("devon"),
            ("ada", 200),
        ),
        call(
            "GET /api/v1/orgs/{org}/webhooks",
            "/api/v1/orgs/acme/webhooks",
            Some("devon"),
            ("ada", 200),
        ),
        change(
            "POST /api/v1/orgs/{org}/webhooks",
            "/api/v1/orgs/acme/webhooks",
            NEW,
            "devon",
            ("ada", 201),
        ),
    ];
    ours.into_iter().chain(programs).chain(of_org).collect()
}

fn pages(at: &Places) -> Vec<Call> {
    let (webhook, delivery) = at.webhooks[0];
    let here = |name, more: &str| {
        let arguments = format!("{PROJECT}&webhook={webhook}{more}");
        call(name, arguments, Some("dora"), ("devon", 200))
    };
    let form = "&url=https%3A%2F%2Fhooks.example.com&description=&kinds[0]=item.created&enabled=true";
    vec![
        call("fn:subscriber/list", PROJECT, Some("dora"), ("devon", 200)),
        call(
            "fn:subscriber/create",
            format!("{PROJECT}{form}"),
            Some("dora"),
            ("devon", 200),
        ),
        here("fn:subscriber/view", ""),
        here("fn:subscriber/message", &format!("&delivery={delivery}")),
        here("fn:subscriber/resend", &format!("&delivery={delivery}")),
        here("fn:subscriber/edit", &format!("&version=1{form}")),
        here("fn:subscriber/rotate", ""),
        here("fn:subscriber/test", ""),
        here("fn:subscriber/delete", ""),
    ]
}

fn programs(at: &Places) -> Vec<Call> {
    let (webhook, delivery) = at.webhooks[1];
    let here = |rest: &str| format!("/api/v1/orgs/acme/webhooks{rest}?project=checkout");
    let one = |rest: &str| here(&format!("/{webhook}{rest}"));
    let read = |name, path: String| call(name, path, Some("dora"), ("devon", 200));
    let act = |name, path: &str, status| change(name, path, "", "dora", ("devon", status));
    vec![
        read("GET /api/v1/orgs/{org}/webhooks", here("")),
        change(
            "POST /api/v1/orgs/{org}/webhooks",
            &here(""),
            NEW,
            "dora",
            ("devon", 201),
        ),
        read("GET /api/v1/orgs/{org}/webhooks/{webhook}", one("")),
        read(
            "GET /api/v1/orgs/{org}/webhooks/{webhook}/deliveries",
            one("/deliveries"),
        ),
        read(
            "GET /api/v1/orgs/{org}/webhooks/{webhook}/deliveries/{delivery}",
            one(&format!("/deliveries/{delivery}")),
        ),
        act(
            "POST /api/v1/orgs/{org}/webhooks/{webhook}/deliveries/{delivery}/resend",
            &one(&format!("/deliveries/{delivery}/resend")),
            204,
        ),
        act(
            "POST /api/v1/orgs/{org}/webhooks/{webhook}/secret",
            &one("/secret"),
            200,
        ),
        act(
            "POST /api/v1/orgs/{org}/webhooks/{webhook}/test",
            &one("/test"),
            201,
        ),
        change(
            "PUT /api/v1/orgs/{org}/webhooks/{webhook}",
            &one(""),
            NEW,
            "dora",
            ("devon", 204),
        ),
        act("DELETE /api/v1/orgs/{org}/webhooks/{webhook}", &one(""), 204),
    ]
}
