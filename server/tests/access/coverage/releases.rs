//! The calls about what stands in a promotion's way: freeze windows, holds, breaking glass, what environments ask for.

use super::rest::change;
use super::{APP, Call, PROJECT, call};
use crate::scene::Places;

/// They.
#[expect(clippy::too_many_lines, reason = "a table: one call a function or route")]
pub fn releases(at: &Places) -> Vec<Call> {
    let nothing = uuid::Uuid::nil();
    let with = |base: &str, more: &str| format!("{base}&{more}");
    let project = "/api/v1/orgs/acme/projects/checkout";
    let stop = "/api/v1/orgs/acme/projects/checkout/apps/order-api/environments/qa";
    let freezes = "/api/v1/orgs/acme/freezes";
    let window = r#"{"name":"year end","effect":"deny","zone":"UTC","start":"2030-01-01T00:00","end":"2030-01-02T00:00"}"#;
    let rules = r#"{"rules":[],"ordered":true,"forbid_requester":true,"forbid_authors":false,"lifetime_hours":168,"validity_hours":24}"#;
    let typed =
        "name=year+end&reason=&effect=deny&zone=UTC&start=2030-01-01T00:00&end=2030-01-02T00:00&repeats=";
    vec![
        call(
            "fn:delegation/give",
            with(PROJECT, "to=dora&only=&days=7&reason=holiday"),
            None,
            ("vic", 200),
        ),
        call(
            "fn:delegation/take_back",
            format!("delegation={nothing}"),
            None,
            ("vic", 404),
        ),
        call(
            "POST /api/v1/orgs/{org}/projects/{project}/delegations",
            format!(r#"{project}/delegations {{"to":"dora","ends_at":"2020-01-01T00:00:00Z"}}"#),
            None,
            ("vic", 422),
        ),
        call("fn:freeze/calendar", PROJECT, None, ("vic", 200)),
        call(
            "fn:freeze/keep",
            with(PROJECT, &format!("id=&{typed}")),
            Some("dora"),
            ("oli", 200),
        ),
        call(
            "fn:freeze/remove",
            with(PROJECT, &format!("id={nothing}")),
            Some("dora"),
            ("oli", 404),
        ),
        call(
            "GET /api/v1/orgs/{org}/freezes",
            format!("{freezes}?project=checkout"),
            None,
            ("vic", 200),
        ),
        change(
            "POST /api/v1/orgs/{org}/freezes",
            &format!("{freezes}?project=checkout"),
            window,
            "dora",
            ("oli", 201),
        ),
        change(
            "PUT /api/v1/orgs/{org}/freezes/{freeze}",
            &format!("{freezes}/{nothing}?project=checkout"),
            window,
            "dora",
            ("oli", 404),
        ),
        change(
            "DELETE /api/v1/orgs/{org}/freezes/{freeze}",
            &format!("{freezes}/{nothing}?project=checkout"),
            "",
            "dora",
            ("oli", 404),
        ),
        call("fn:drift/page", with(APP, "environment=qa"), None, ("vic", 200)),
        call(
            "fn:drift/settle",
            with(APP, "environment=qa&how=revert&digest="),
            Some("vic"),
            ("oli", 422),
        ),
        call("fn:pod/list", with(APP, "environment=qa"), None, ("vic", 200)),
        // No cluster answers here.
        call(
            "fn:pod/log",
            with(APP, "environment=qa&pod=web-1"),
            None,
            ("vic", 503),
        ),
        call(
            "fn:pod/scale",
            with(APP, "environment=qa&replicas=3"),
            Some("dora"),
            ("oli", 422),
        ),
        call(
            "fn:pod/restart",
            with(APP, "environment=qa"),
            Some("dora"),
            ("oli", 422),
        ),
        call(
            "GET /api/v1/orgs/{org}/projects/{project}/apps/{app}/environments/{environment}/drift",
            format!("{stop}/drift"),
            None,
            ("vic", 200),
        ),
        change(
            "POST /api/v1/orgs/{org}/projects/{project}/apps/{app}/environments/{environment}/drift",
            &format!("{stop}/drift"),
            r#"{"how":"revert","digest":""}"#,
            "vic",
            ("oli", 422),
        ),
        call(
            "GET /api/v1/orgs/{org}/projects/{project}/apps/{app}/environments/{environment}/pods",
            format!("{stop}/pods"),
            None,
            ("vic", 200),
        ),
        call(
            "GET /api/v1/orgs/{org}/projects/{project}/apps/{app}/environments/{environment}/pods/{pod}/log",
            format!("{stop}/pods/web-1/log"),
            None,
            ("vic", 503),
        ),
        call(
            "GET /api/v1/orgs/{org}/projects/{project}/apps/{app}/environments/{environment}/pods/{pod}/log/stream",
            format!("{stop}/pods/web-1/log/stream"),
            None,
            ("vic", 503),
        ),
        change(
            "POST /api/v1/orgs/{org}/projects/{project}/apps/{app}/environments/{environment}/scale",
            &format!("{stop}/scale"),
            r#"{"replicas":3}"#,
            "dora",
            ("oli", 422),
        ),
        change(
            "POST /api/v1/orgs/{org}/projects/{project}/apps/{app}/environments/{environment}/restart",
            &format!("{stop}/restart"),
            "",
            "dora",
            ("oli", 422),
        ),
        call(
            "fn:promotion/hold",
            with(APP, "environment=qa&held=all&reason=wait"),
            Some("vic"),
            ("oli", 200),
        ),
        call(
            "fn:promotion/lift",
            with(APP, &format!("hold={nothing}")),
            None,
            ("oli", 404),
        ),
        call(
            "GET /api/v1/orgs/{org}/projects/{project}/apps/{app}/holds",
            format!("{project}/apps/order-api/holds"),
            None,
            ("vic", 200),
        ),
        change(
            "POST /api/v1/orgs/{org}/projects/{project}/apps/{app}/holds",
            &format!("{project}/apps/order-api/holds"),
            r#"{"environment":"uat","held":"automatic","reason":"wait"}"#,
            "vic",
            ("oli", 201),
        ),
        call(
            "DELETE /api/v1/orgs/{org}/projects/{project}/apps/{app}/holds/{hold}",
            format!("{project}/apps/order-api/holds/{nothing} "),
            None,
            ("oli", 404),
        ),
        call(
            "fn:promotion/break_glass",
            format!("id={}&reason=&incident=", at.promotion),
            Some("devon"),
            ("ada", 409),
        ),
        call(
            "fn:promotion/second_glass",
            format!("glass={nothing}"),
            None,
            ("ada", 404),
        ),
        call(
            "fn:promotion/review_glass",
            format!("glass={nothing}&words=fine"),
            None,
            ("ada", 404),
        ),
        call(
            "fn:environment/gating",
            with(PROJECT, "environment=dev&version=0&hours=&soak=0&queue=newest"),
            Some("dora"),
            ("devon", 409),
        ),
        call(
            "fn:environment/rules",
            with(
                PROJECT,
                "environment=dev&version=0&rules=&lifetime=168&validity=24",
            ),
            Some("dora"),
            ("devon", 409),
        ),
        call(
            "fn:environment/remove",
            with(PROJECT, "environment=dev&version=0"),
            Some("dora"),
            ("devon", 409),
        ),
        change(
            "PUT /api/v1/orgs/{org}/projects/{project}/environments/{environment}/gating",
            &format!("{project}/environments/uat/gating"),
            r#"{"queue":"in_order"}"#,
            "dora",
            ("devon", 204),
        ),
        change(
            "PUT /api/v1/orgs/{org}/projects/{project}/environments/{environment}/rules",
            &format!("{project}/environments/uat/rules"),
            rules,
            "dora",
            ("devon", 204),
        ),
        change(
            "POST /api/v1/orgs/{org}/projects/{project}/environments/{environment}/rules/preview",
            &format!("{project}/environments/uat/rules/preview"),
            rules,
            "dora",
            ("devon", 200),
        ),
        call(
            "GET /api/v1/orgs/{org}/projects/{project}/routes",
            format!("{project}/routes?ref=main"),
            None,
            ("vic", 200),
        ),
        change(
            "DELETE /api/v1/orgs/{org}/projects/{project}/environments/{environment}",
            &format!("{project}/environments/nowhere"),
            "",
            "dora",
            ("devon", 404),
        ),
    ]
}

/// The calls about what a release is: how its app runs, what it is compared with, where its commits are.
#[expect(clippy::too_many_lines, reason = "a list: a call after the other")]
pub fn shapes() -> Vec<Call> {
    let with = |base: &str, more: &str| format!("{base}&{more}");
    let project = "/api/v1/orgs/acme/projects/checkout";
    let app = format!("{project}/apps/order-api");
    let keys = r#"{"keys":["dev","qa"]}"#;
    vec![
        call("fn:workload/view", APP, None, ("vic", 200)),
        call(
            "fn:workload/preview",
            with(APP, "form[kind]=deployment"),
            Some("dora"),
            ("devon", 200),
        ),
        call(
            "fn:workload/set",
            with(APP, "mark=old&form[kind]=deployment"),
            Some("dora"),
            ("devon", 409),
        ),
        call("fn:release/compare", with(APP, "from=&to="), None, ("vic", 200)),
        call(
            "fn:release/commit",
            with(APP, "commit=abcdef0"),
            None,
            ("vic", 200),
        ),
        call(
            "fn:release/defective",
            with(APP, "version=none&why=broken"),
            Some("vic"),
            ("dora", 404),
        ),
        call(
            "fn:environment/history",
            with(PROJECT, "environment=dev"),
            None,
            ("vic", 200),
        ),
        call(
            "fn:environment/move",
            with(PROJECT, "keys=dev&moved=up+dev"),
            Some("dora"),
            ("devon", 409),
        ),
        call(
            "fn:environment/try",
            with(PROJECT, "environment=dev&rules="),
            Some("dora"),
            ("devon", 200),
        ),
        call(
            "GET /api/v1/orgs/{org}/projects/{project}/apps/{app}/workload",
            format!("{app}/workload"),
            None,
            ("vic", 200),
        ),
        change(
            "PUT /api/v1/orgs/{org}/projects/{project}/apps/{app}/workload",
            &format!("{app}/workload"),
            r#"{"mark":"old","workload":{"replicas":3}}"#,
            "dora",
            ("devon", 409),
        ),
        call(
            "GET /api/v1/orgs/{org}/projects/{project}/apps/{app}/comparison",
            format!("{app}/comparison?from=1.0.0&to=1.0.0"),
            None,
            ("vic", 200),
        ),
        call(
            "GET /api/v1/orgs/{org}/projects/{project}/apps/{app}/commits/{sha}",
            format!("{app}/commits/abcdef0"),
            None,
            ("vic", 200),
        ),
        call(
            "GET /api/v1/orgs/{org}/projects/{project}/apps/{app}/releases/{version}/items",
            format!("{app}/releases/1.0.0/items"),
            None,
            ("vic", 200),
        ),
        call(
            "GET /api/v1/orgs/{org}/projects/{project}/apps/{app}/releases/{version}/notes",
            format!("{app}/releases/1.0.0/notes"),
            None,
            ("vic", 200),
        ),
        call(
            "GET /api/v1/orgs/{org}/projects/{project}/apps/{app}/releases/{version}/manifests",
            format!("{app}/releases/1.0.0/manifests"),
            None,
            ("vic", 200),
        ),
        call(
            "GET /api/v1/orgs/{org}/projects/{project}/environments/{environment}/deployments",
            format!("{project}/environments/dev/deployments"),
            None,
            ("vic", 200),
        ),
        change(
            "PUT /api/v1/orgs/{org}/projects/{project}/environment-order",
            &format!("{project}/environment-order"),
            keys,
            "dora",
            ("devon", 422),
        ),
    ]
}
