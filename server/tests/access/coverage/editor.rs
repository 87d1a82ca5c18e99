//! The calls of the pipeline editor.

use super::rest::change;
use super::{APP, Call, call};

/// They.
pub fn calls() -> Vec<Call> {
    let mut all = edited();
    all.extend(beside());
    all
}

fn edited() -> Vec<Call> {
    let with = |more: &str| format!("{APP}&{more}");
    let edit = "version=0&change[op]=set&change[job]=build";
    let copy = "/api/v1/orgs/acme/projects/checkout/apps/order-api/working-copy";
    vec![
        call("fn:working-copy/arrive", APP, Some("vic"), ("dora", 200)),
        call("fn:working-copy/change", with(edit), Some("vic"), ("dora", 422)),
        call(
            "fn:working-copy/check",
            with("text=a:%20b"),
            Some("vic"),
            ("dora", 200),
        ),
        call(
            "fn:working-copy/discard",
            with("version=0"),
            Some("vic"),
            ("dora", 200),
        ),
        call("fn:working-copy/open", APP, None, ("vic", 200)),
        call("fn:working-copy/presence", APP, None, ("vic", 200)),
        call(
            "fn:working-copy/propose",
            with("version=0"),
            Some("vic"),
            ("dora", 422),
        ),
        call(
            "fn:working-copy/save",
            with("version=0&text=a:%20b"),
            Some("vic"),
            ("dora", 422),
        ),
        call("fn:working-copy/saved", APP, None, ("vic", 200)),
        call(
            "fn:working-copy/take-over",
            with("version=0"),
            Some("vic"),
            ("dora", 409),
        ),
        call(
            "GET /api/v1/orgs/{org}/projects/{project}/apps/{app}/working-copy",
            copy,
            None,
            ("vic", 200),
        ),
        change(
            "PUT /api/v1/orgs/{org}/projects/{project}/apps/{app}/working-copy",
            copy,
            r#"{"text":"a: b"}"#,
            "vic",
            ("dora", 422),
        ),
        change(
            "DELETE /api/v1/orgs/{org}/projects/{project}/apps/{app}/working-copy",
            copy,
            "",
            "vic",
            ("dora", 204),
        ),
        change(
            "POST /api/v1/orgs/{org}/projects/{project}/apps/{app}/working-copy/propose",
            &format!("{copy}/propose"),
            "{}",
            "vic",
            ("dora", 422),
        ),
    ]
}

fn beside() -> Vec<Call> {
    let with = |more: &str| format!("{APP}&{more}");
    let copy = "/api/v1/orgs/acme/projects/checkout/apps/order-api/working-copy";
    vec![
        call(
            "fn:working-copy/copy-job",
            with("job=build&to=checkout/order-api"),
            Some("vic"),
            ("dora", 422),
        ),
        call("fn:working-copy/destinations", APP, None, ("vic", 200)),
        call("fn:working-copy/drift", APP, None, ("vic", 200)),
        call("fn:working-copy/merged", APP, None, ("vic", 200)),
        call(
            "fn:working-copy/restore",
            with("id=build"),
            Some("vic"),
            ("dora", 422),
        ),
        call(
            "fn:working-copy/switch",
            with("file=root"),
            Some("vic"),
            ("dora", 200),
        ),
        call(
            "GET /api/v1/orgs/{org}/projects/{project}/apps/{app}/working-copy/merged",
            format!("{copy}/merged"),
            None,
            ("vic", 200),
        ),
        call(
            "GET /api/v1/orgs/{org}/projects/{project}/apps/{app}/working-copy/drift",
            format!("{copy}/drift"),
            None,
            ("vic", 200),
        ),
        change(
            "POST /api/v1/orgs/{org}/projects/{project}/apps/{app}/working-copy/copy-job",
            &format!("{copy}/copy-job"),
            r#"{"job":"build","to_project":"checkout","to_app":"order-api"}"#,
            "vic",
            ("dora", 422),
        ),
        change(
            "POST /api/v1/orgs/{org}/projects/{project}/apps/{app}/working-copy/switch",
            &format!("{copy}/switch"),
            r#"{"file":"root"}"#,
            "vic",
            ("dora", 204),
        ),
        change(
            "POST /api/v1/orgs/{org}/projects/{project}/apps/{app}/working-copy/restore",
            &format!("{copy}/restore"),
            r#"{"id":"build"}"#,
            "vic",
            ("dora", 422),
        ),
    ]
}
