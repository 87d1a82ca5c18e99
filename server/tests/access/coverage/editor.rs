//! The calls of the pipeline editor.

use super::rest::change;
use super::{APP, Call, call};

/// They.
pub fn calls() -> Vec<Call> {
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
