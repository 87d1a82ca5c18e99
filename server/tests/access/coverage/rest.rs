//! The calls of the REST API.

use super::{Call, call};
use crate::scene::Places;

/// The address of the project in the REST API.
const AT: &str = "/api/v1/orgs/acme/projects/checkout";

/// A route of the REST API that only reads, below the address of the project.
fn read(name: &'static str, path: &str) -> Call {
    call(name, format!("{AT}{path}"), None, ("vic", 200))
}

/// Those that read.
pub fn reads(at: &Places) -> Vec<Call> {
    let org = |name, path: &str| call(name, format!("/api/v1/orgs/acme{path}"), None, ("vic", 200));
    vec![
        org("GET /api/v1/orgs/{org}/members", "/members?project=checkout"),
        org(
            "GET /api/v1/orgs/{org}/people/{username}",
            "/people/dora?project=checkout",
        ),
        org(
            "GET /api/v1/orgs/{org}/role-requests",
            "/role-requests?project=checkout",
        ),
        org("GET /api/v1/orgs/{org}/groups", "/groups"),
        org(
            "GET /api/v1/orgs/{org}/groups/{group}",
            &format!("/groups/{}", at.groups[1]),
        ),
        org("GET /api/v1/orgs/{org}/roles", "/roles"),
        call(
            "GET /api/v1/orgs/{org}/roles/{role}",
            format!("/api/v1/orgs/acme/roles/{}", at.roles[1]),
            Some("vic"),
            ("ada", 200),
        ),
        call(
            "GET /api/v1/orgs/{org}/invitations",
            "/api/v1/orgs/acme/invitations?project=checkout",
            Some("dora"),
            ("devon", 200),
        ),
        call(
            "GET /api/v1/orgs/{org}/projects/{project}/imports",
            format!("{AT}/imports"),
            Some("dora"),
            ("devon", 200),
        ),
        call(
            "GET /api/v1/orgs/{org}/projects/{project}/imports/{import}",
            format!("{AT}/imports/{}", uuid::Uuid::nil()),
            Some("dora"),
            ("devon", 404),
        ),
        org("GET /api/v1/orgs/{org}/projects", "/projects"),
        call(
            "GET /api/v1/orgs/{org}/audit",
            "/api/v1/orgs/acme/audit?project=checkout",
            Some("dora"),
            ("devon", 200),
        ),
        call(
            "GET /api/v1/orgs/{org}/audit/export",
            "/api/v1/orgs/acme/audit/export?format=csv&project=checkout",
            Some("dora"),
            ("devon", 200),
        ),
        read("GET /api/v1/orgs/{org}/projects/{project}/apps", "/apps"),
        read("GET /api/v1/orgs/{org}/projects/{project}/board", "/board"),
        read("GET /api/v1/orgs/{org}/projects/{project}/bugs", "/bugs"),
        read(
            "GET /api/v1/orgs/{org}/projects/{project}/environments",
            "/environments",
        ),
        read("GET /api/v1/orgs/{org}/projects/{project}/items", "/items"),
        read(
            "GET /api/v1/orgs/{org}/projects/{project}/items/{number}",
            "/items/1",
        ),
        read(
            "GET /api/v1/orgs/{org}/projects/{project}/apps/{app}/promotions",
            "/apps/order-api/promotions",
        ),
        read(
            "GET /api/v1/orgs/{org}/projects/{project}/apps/{app}/releases",
            "/apps/order-api/releases",
        ),
        read(
            "GET /api/v1/orgs/{org}/projects/{project}/apps/{app}/releases/{version}",
            "/apps/order-api/releases/1.0.0",
        ),
        read(
            "GET /api/v1/orgs/{org}/projects/{project}/apps/{app}/runs",
            "/apps/order-api/runs",
        ),
        read(
            "GET /api/v1/orgs/{org}/projects/{project}/apps/{app}/runs/{number}",
            "/apps/order-api/runs/1",
        ),
        read(
            "GET /api/v1/orgs/{org}/projects/{project}/apps/{app}/templates",
            "/apps/order-api/templates",
        ),
        call(
            "GET /api/v1/promotions/{id}",
            format!("/api/v1/promotions/{}", at.promotion),
            None,
            ("vic", 200),
        ),
    ]
}

/// A route of the REST API that changes something: the path, a space, the body.
pub fn change(
    name: &'static str,
    path: &str,
    body: &str,
    too_small: &'static str,
    may: (&'static str, u16),
) -> Call {
    call(name, format!("{path} {body}"), Some(too_small), may)
}

/// Those that change something, beside people.
#[expect(clippy::too_many_lines, reason = "a table: one call a route")]
pub fn changes(at: &Places) -> Vec<Call> {
    let nothing = uuid::Uuid::nil();
    let app = format!("{AT}/apps/order-api");
    let promotion = format!("/api/v1/promotions/{}", at.promotion);
    let run = |act: &str| format!("{app}/runs/1/{act}");
    let job = |act: &str| format!("{app}/runs/1/jobs/{nothing}/{act}");
    vec![
        change(
            "POST /project-tokens",
            "/project-tokens",
            "org=acme&project=checkout&name=ci&role=project.viewer&days=7",
            "dora",
            ("devon", 303),
        ),
        change(
            "POST /api/v1/orgs/{org}/projects",
            "/api/v1/orgs/acme/projects",
            r#"{"slug":"billing","name":"Billing","key":"BIL"}"#,
            "devon",
            ("ada", 201),
        ),
        change(
            "POST /api/v1/orgs/{org}/projects/{project}/apps",
            &format!("{AT}/apps"),
            r#"{"slug":"web","name":"Web"}"#,
            "dora",
            ("devon", 201),
        ),
        change(
            "POST /api/v1/orgs/{org}/projects/{project}/apps/{app}/repository",
            &format!("{app}/repository"),
            r#"{"repository":1}"#,
            "dora",
            // A connection was made by a case before, and its GitLab cannot be reached.
            ("devon", 503),
        ),
        change(
            "POST /api/v1/orgs/{org}/projects/{project}/imports",
            &format!("{AT}/imports"),
            r#"{"group":1}"#,
            "dora",
            ("devon", 503),
        ),
        change(
            "POST /api/v1/orgs/{org}/projects/{project}/imports/{import}/retry",
            &format!("{AT}/imports/{nothing}/retry"),
            "",
            "dora",
            ("devon", 404),
        ),
        change(
            "POST /api/v1/orgs/{org}/projects/{project}/imports/{import}/stop",
            &format!("{AT}/imports/{nothing}/stop"),
            "",
            "dora",
            ("devon", 404),
        ),
        change(
            "POST /api/v1/orgs/{org}/projects/{project}/items",
            &format!("{AT}/items"),
            r#"{"kind":"task","title":"One"}"#,
            "vic",
            ("dora", 201),
        ),
        change(
            "PUT /api/v1/orgs/{org}/projects/{project}/items/{number}/state",
            &format!("{AT}/items/1/state"),
            r#"{"state":"done"}"#,
            "vic",
            ("dora", 204),
        ),
        change(
            "PUT /api/v1/orgs/{org}/projects/{project}/items/{number}/place",
            &format!("{AT}/items/1/place"),
            r#"{"column":"done"}"#,
            "vic",
            ("dora", 204),
        ),
        change(
            "POST /api/v1/orgs/{org}/projects/{project}/iterations",
            &format!("{AT}/iterations"),
            r#"{"name":"Two","starts_on":"2026-01-01","ends_on":"2026-01-14"}"#,
            "dora",
            ("devon", 409),
        ),
        change(
            "POST /api/v1/orgs/{org}/projects/{project}/apps/{app}/runs",
            &format!("{app}/runs"),
            r#"{"ref":"main"}"#,
            "vic",
            ("dora", 422),
        ),
        change(
            "POST /api/v1/orgs/{org}/projects/{project}/apps/{app}/runs/{number}/retry",
            &run("retry"),
            "",
            "vic",
            ("dora", 422),
        ),
        change(
            "POST /api/v1/orgs/{org}/projects/{project}/apps/{app}/runs/{number}/cancel",
            &run("cancel"),
            "",
            "vic",
            ("dora", 422),
        ),
        change(
            "POST /api/v1/orgs/{org}/projects/{project}/apps/{app}/runs/{number}/jobs/{job}/retry",
            &job("retry"),
            "",
            "vic",
            ("dora", 404),
        ),
        change(
            "POST /api/v1/orgs/{org}/projects/{project}/apps/{app}/runs/{number}/jobs/{job}/cancel",
            &job("cancel"),
            "",
            "vic",
            ("dora", 404),
        ),
        change(
            "POST /api/v1/orgs/{org}/projects/{project}/apps/{app}/runs/{number}/jobs/{job}/play",
            &job("play"),
            "{}",
            "vic",
            ("dora", 404),
        ),
        change(
            "POST /api/v1/orgs/{org}/projects/{project}/apps/{app}/proposals/check",
            &format!("{app}/proposals/check"),
            r#"{"template":"node"}"#,
            "vic",
            ("dora", 200),
        ),
        change(
            "POST /api/v1/orgs/{org}/projects/{project}/apps/{app}/proposals",
            &format!("{app}/proposals"),
            r#"{"template":"node"}"#,
            "vic",
            ("dora", 422),
        ),
        change(
            "POST /api/v1/orgs/{org}/projects/{project}/apps/{app}/proposals/{id}/merge",
            &format!("{app}/proposals/{nothing}/merge"),
            "",
            "vic",
            ("dora", 404),
        ),
        change(
            "POST /api/v1/promotions/{id}/cancel",
            &format!("{promotion}/cancel"),
            "",
            "vic",
            ("oli", 204),
        ),
        change(
            "POST /api/v1/promotions/{id}/retry",
            &format!("{promotion}/retry"),
            "",
            "dora",
            ("oli", 409),
        ),
        change(
            "POST /api/v1/orgs/{org}/projects/{project}/apps/{app}/promotions",
            &format!("{app}/promotions"),
            r#"{"version":"1.0.0","environment":"qa"}"#,
            "vic",
            ("dora", 201),
        ),
        change(
            "POST /api/v1/orgs/{org}/projects/{project}/apps/{app}/rollbacks",
            &format!("{app}/rollbacks"),
            r#"{"environment":"live","version":"1.0.0","reason":"bad"}"#,
            "dora",
            ("oli", 422),
        ),
        change(
            "POST /api/v1/orgs/{org}/projects/{project}/apps/{app}/releases/{version}/defective",
            &format!("{app}/releases/1.0.0/defective"),
            r#"{"reason":"It counts twice"}"#,
            "vic",
            ("dora", 204),
        ),
    ]
}

/// Changes that whoever sees the place may make.
pub const OPEN: &[&str] = &[
    "POST /api/v1/orgs/{org}/role-requests",
    "DELETE /api/v1/orgs/{org}/projects/{project}/apps/{app}/holds/{hold}",
    // Whoever sees a work item may watch it.
    "PUT /api/v1/orgs/{org}/projects/{project}/items/{number}/watch",
    "DELETE /api/v1/orgs/{org}/projects/{project}/items/{number}/watch",
    // Whoever sees the project has views of their own.
    "PUT /api/v1/orgs/{org}/projects/{project}/saved-views/{view}",
    "DELETE /api/v1/orgs/{org}/projects/{project}/saved-views/{view}",
    // Everybody may give what approvals they have.
    "POST /api/v1/orgs/{org}/projects/{project}/delegations",
    // Whether one may propose is asked of each app.
    "POST /api/v1/orgs/{org}/templates/{template}/upgrades",
    "POST /api/v1/orgs/{org}/template-upgrades/{upgrade}/retry",
    "POST /api/v1/orgs/{org}/template-upgrades/{upgrade}/stop",
];

/// Those that change who holds which role.
pub fn people(at: &Places) -> Vec<Call> {
    let nothing = uuid::Uuid::nil();
    let here = |path: &str| format!("/api/v1/orgs/acme/{path}?project=checkout");
    let member = here(&format!("members/{nothing}"));
    vec![
        change(
            "POST /api/v1/orgs/{org}/members",
            &here("members"),
            &format!(r#"{{"person":"{}","role":"project.viewer"}}"#, at.dora),
            "dora",
            ("devon", 204),
        ),
        change(
            "PUT /api/v1/orgs/{org}/members/{member}",
            &member,
            r#"{"role":"project.viewer"}"#,
            "dora",
            ("devon", 404),
        ),
        change(
            "DELETE /api/v1/orgs/{org}/members/{member}",
            &member,
            "",
            "dora",
            ("devon", 404),
        ),
        change(
            "POST /api/v1/orgs/{org}/invitations",
            &here("invitations"),
            r#"{"role":"project.viewer","days":7}"#,
            "dora",
            ("devon", 201),
        ),
        change(
            "DELETE /api/v1/orgs/{org}/invitations/{invitation}",
            &here(&format!("invitations/{nothing}")),
            "",
            "dora",
            ("devon", 404),
        ),
        call(
            OPEN[0],
            format!("{} {}", here("role-requests"), r#"{"role":"project.ops"}"#),
            None,
            ("vic", 204),
        ),
        change(
            "POST /api/v1/orgs/{org}/role-requests/{request}/decision",
            &here(&format!("role-requests/{}/decision", at.requests[1])),
            r#"{"granted":true}"#,
            "dora",
            ("devon", 204),
        ),
        change(
            "DELETE /api/v1/orgs/{org}/people/{username}",
            &here("people/quinn"),
            "",
            "vic",
            ("devon", 204),
        ),
    ]
}

/// Those that change groups and roles.
pub fn groups_and_roles(at: &Places) -> Vec<Call> {
    let group = format!("/api/v1/orgs/acme/groups/{}", at.groups[1]);
    let role = format!("/api/v1/orgs/acme/roles/{}", at.roles[1]);
    let person = format!("{group}/people/{}", at.dora);
    vec![
        change(
            "POST /api/v1/orgs/{org}/groups",
            "/api/v1/orgs/acme/groups",
            r#"{"name":"Navigators"}"#,
            "vic",
            ("ada", 201),
        ),
        change(
            "PUT /api/v1/orgs/{org}/groups/{group}",
            &group,
            r#"{"name":"First pilots"}"#,
            "vic",
            ("ada", 204),
        ),
        change(
            "PUT /api/v1/orgs/{org}/groups/{group}/people/{person}",
            &person,
            "",
            "vic",
            ("ada", 204),
        ),
        change(
            "DELETE /api/v1/orgs/{org}/groups/{group}/people/{person}",
            &person,
            "",
            "vic",
            ("ada", 204),
        ),
        change(
            "DELETE /api/v1/orgs/{org}/groups/{group}",
            &group,
            "",
            "vic",
            ("ada", 204),
        ),
        change(
            "POST /api/v1/orgs/{org}/roles",
            "/api/v1/orgs/acme/roles",
            r#"{"name":"Navigator","scope":"project","actions":["app.create"]}"#,
            "vic",
            ("ada", 201),
        ),
        change(
            "PUT /api/v1/orgs/{org}/roles/{role}",
            &role,
            r#"{"name":"First pilot","actions":["app.create"]}"#,
            "vic",
            ("ada", 204),
        ),
        change(
            "DELETE /api/v1/orgs/{org}/roles/{role}",
            &role,
            "",
            "vic",
            ("ada", 204),
        ),
    ]
}
