//! The calls of the REST API that set places up.

use super::rest::change;
use super::{Call, call};

/// They.
#[expect(clippy::too_many_lines, reason = "a table: one call a route")]
pub fn settings() -> Vec<Call> {
    let nothing = uuid::Uuid::nil();
    let org = "/api/v1/orgs/acme";
    let project = "/api/v1/orgs/acme/projects/checkout";
    let (connection, cluster) = (
        format!("{org}/connections/{nothing}"),
        format!("{org}/clusters/{nothing}"),
    );
    let gitlab = r#"{"name":"three","base_url":"https://gitlab.example.com","token":"t"}"#;
    let oauth = "application_id=a&application_secret=s";
    let by_oauth = r#"{"name":"five","base_url":"https://gitlab.example.com","application_id":"a","application_secret":"s"}"#;
    let kubernetes = r#"{"name":"three","kubeconfig":"{}"}"#;
    let mail = r#"{"host":"smtp.example.com","security":"starttls","sender":"slipway@example.com"}"#;
    vec![
        call(
            "GET /api/v1/orgs/{org}/mail",
            format!("{org}/mail"),
            Some("devon"),
            ("ada", 200),
        ),
        change(
            "PUT /api/v1/orgs/{org}/mail",
            &format!("{org}/mail"),
            mail,
            "devon",
            ("ada", 204),
        ),
        // She has no address of her own.
        change(
            "POST /api/v1/orgs/{org}/mail/test",
            &format!("{org}/mail/test"),
            "",
            "devon",
            ("ada", 422),
        ),
        change(
            "DELETE /api/v1/orgs/{org}/mail",
            &format!("{org}/mail"),
            "",
            "devon",
            ("ada", 204),
        ),
        change(
            "PUT /api/v1/orgs/{org}",
            org,
            r#"{"slug":"acme","name":"Acme"}"#,
            "devon",
            ("ada", 200),
        ),
        change(
            "POST /api/v1/orgs/{org}/archive",
            &format!("{org}/archive"),
            "",
            "devon",
            ("ada", 422),
        ),
        change(
            "POST /api/v1/orgs/{org}/restore",
            &format!("{org}/restore?project=checkout"),
            "",
            "dora",
            ("devon", 204),
        ),
        change(
            "DELETE /api/v1/orgs/{org}",
            &format!("{org}?project=checkout&confirm=wrong"),
            "",
            "dora",
            ("devon", 422),
        ),
        call(
            "GET /api/v1/orgs/{org}/projects/{project}/settings",
            format!("{project}/settings"),
            Some("dora"),
            ("devon", 200),
        ),
        change(
            "PUT /api/v1/orgs/{org}/projects/{project}",
            project,
            r#"{"slug":"checkout","name":"Till"}"#,
            "dora",
            ("devon", 200),
        ),
        change(
            "PUT /api/v1/orgs/{org}/projects/{project}/features",
            &format!("{project}/features"),
            r#"{"on":["boards","pipelines","releases","insights"]}"#,
            "dora",
            ("devon", 204),
        ),
        change(
            "PUT /api/v1/orgs/{org}/projects/{project}/environments/{environment}/quota",
            &format!("{project}/environments/dev/quota"),
            r#"{"cpu":"4"}"#,
            "devon",
            ("ada", 204),
        ),
        call(
            "fn:environment/bind",
            "org=acme&project=checkout&environment=dev&version=1&cluster=&namespace=&branches=main",
            Some("dora"),
            ("devon", 200),
        ),
        change(
            "PUT /api/v1/orgs/{org}/projects/{project}/environments/{environment}",
            &format!("{project}/environments/qa"),
            r#"{"branches":["main"]}"#,
            "dora",
            ("devon", 204),
        ),
        change(
            "PUT /api/v1/orgs/{org}/projects/{project}/apps/{app}",
            &format!("{project}/apps/order-api"),
            r#"{"slug":"order-api","name":"Till"}"#,
            "dora",
            ("devon", 200),
        ),
        call(
            "GET /api/v1/orgs/{org}/connections",
            format!("{org}/connections"),
            Some("devon"),
            ("ada", 200),
        ),
        change(
            "POST /api/v1/orgs/{org}/connections",
            &format!("{org}/connections"),
            gitlab,
            "devon",
            ("ada", 201),
        ),
        change(
            "POST /api/v1/orgs/{org}/connections",
            &format!("{org}/connections"),
            by_oauth,
            "devon",
            ("ada", 201),
        ),
        call(
            "fn:connection/add_oauth",
            format!("org=acme&name=four&base_url=https://gitlab.example.com&{oauth}"),
            Some("devon"),
            ("ada", 200),
        ),
        call(
            "fn:connection/edit_oauth",
            format!("org=acme&id={nothing}&name=four&base_url=https://gitlab.example.com&{oauth}"),
            Some("devon"),
            ("ada", 404),
        ),
        call(
            "fn:connection/use_oauth",
            format!("org=acme&id={nothing}&{oauth}"),
            Some("devon"),
            ("ada", 404),
        ),
        call(
            "fn:connection/use_token",
            format!("org=acme&id={nothing}&token=glpat-1"),
            Some("devon"),
            ("ada", 404),
        ),
        call(
            "fn:connection/authorize",
            format!("org=acme&id={nothing}"),
            Some("devon"),
            ("ada", 404),
        ),
        change(
            "PUT /api/v1/orgs/{org}/connections/{connection}",
            &connection,
            gitlab,
            "devon",
            ("ada", 404),
        ),
        change(
            "DELETE /api/v1/orgs/{org}/connections/{connection}",
            &connection,
            "",
            "devon",
            ("ada", 404),
        ),
        change(
            "POST /api/v1/orgs/{org}/connections/{connection}/test",
            &format!("{connection}/test"),
            "",
            "devon",
            ("ada", 404),
        ),
        call(
            "GET /api/v1/orgs/{org}/clusters",
            format!("{org}/clusters"),
            Some("devon"),
            ("ada", 200),
        ),
        change(
            "POST /api/v1/orgs/{org}/clusters",
            &format!("{org}/clusters"),
            kubernetes,
            "devon",
            ("ada", 201),
        ),
        change(
            "PUT /api/v1/orgs/{org}/clusters/{cluster}",
            &cluster,
            kubernetes,
            "devon",
            ("ada", 404),
        ),
        change(
            "DELETE /api/v1/orgs/{org}/clusters/{cluster}",
            &cluster,
            "",
            "devon",
            ("ada", 404),
        ),
        change(
            "POST /api/v1/orgs/{org}/clusters/{cluster}/test",
            &format!("{cluster}/test"),
            r#"{"namespace":"default"}"#,
            "devon",
            ("ada", 404),
        ),
    ]
}
