//! The calls of GitLab's CI beyond running: the form of a run, schedules, variables. The app has no repository: 422 is as
//! far as those get who may.

use super::rest::change;
use super::{APP, Call, call};
use crate::scene::Places;

/// They.
#[expect(clippy::too_many_lines, reason = "a table: one call a route")]
pub fn calls(at: &Places) -> Vec<Call> {
    let job = format!(
        "/api/v1/orgs/acme/projects/checkout/apps/order-api/runs/1/jobs/{}",
        at.job
    );
    let with = |more: &str| format!("{APP}&{more}");
    let app = "/api/v1/orgs/acme/projects/checkout/apps/order-api";
    let schedule = r#"{"description":"nightly","ref":"main","cron":"0 2 * * *"}"#;
    let schedules = format!("{app}/schedules");
    let variable = r#"{"key":"KEY","value":"hush-hush"}"#;
    let variables = format!("{app}/variables");
    vec![
        call("fn:report/view", with("number=1"), None, ("vic", 200)),
        call(
            "GET /api/v1/orgs/{org}/projects/{project}/apps/{app}/runs/{number}/reports",
            format!("{app}/runs/1/reports"),
            None,
            ("vic", 200),
        ),
        call(
            "fn:artifact/view",
            with(&format!("number=1&job={}", at.job)),
            None,
            ("vic", 200),
        ),
        call(
            "GET /api/v1/orgs/{org}/projects/{project}/apps/{app}/runs/{number}/jobs/{job}/artifacts",
            format!("{job}/artifacts"),
            None,
            ("vic", 200),
        ),
        call(
            "GET /api/v1/orgs/{org}/projects/{project}/apps/{app}/runs/{number}/jobs/{job}/artifacts/archive",
            format!("{job}/artifacts/archive"),
            None,
            ("vic", 422),
        ),
        call(
            "GET /api/v1/orgs/{org}/projects/{project}/apps/{app}/runs/{number}/jobs/{job}/artifacts/file",
            format!("{job}/artifacts/file?path=a.txt"),
            None,
            ("vic", 422),
        ),
        call("fn:run/form", APP, Some("vic"), ("dora", 422)),
        call(
            "GET /api/v1/orgs/{org}/projects/{project}/apps/{app}/run-inputs",
            format!("{app}/run-inputs"),
            Some("vic"),
            ("dora", 422),
        ),
        call("fn:schedule/list", APP, None, ("vic", 200)),
        call("fn:schedule/form", APP, Some("vic"), ("dora", 422)),
        call(
            "fn:schedule/save",
            with("description=nightly&ref=main&when[cron]=0+2+*+*+*&when[zone]=UTC"),
            Some("vic"),
            ("dora", 422),
        ),
        call("fn:schedule/delete", with("id=1"), Some("vic"), ("dora", 422)),
        call("fn:schedule/own", with("id=1"), Some("vic"), ("dora", 422)),
        call("fn:schedule/play", with("id=1"), Some("vic"), ("dora", 422)),
        call(
            "GET /api/v1/orgs/{org}/projects/{project}/apps/{app}/schedules",
            schedules.clone(),
            None,
            ("vic", 200),
        ),
        change(
            "POST /api/v1/orgs/{org}/projects/{project}/apps/{app}/schedules",
            &schedules,
            schedule,
            "vic",
            ("dora", 422),
        ),
        change(
            "PUT /api/v1/orgs/{org}/projects/{project}/apps/{app}/schedules/{schedule}",
            &format!("{schedules}/1"),
            schedule,
            "vic",
            ("dora", 422),
        ),
        change(
            "DELETE /api/v1/orgs/{org}/projects/{project}/apps/{app}/schedules/{schedule}",
            &format!("{schedules}/1"),
            "",
            "vic",
            ("dora", 422),
        ),
        change(
            "POST /api/v1/orgs/{org}/projects/{project}/apps/{app}/schedules/{schedule}/own",
            &format!("{schedules}/1/own"),
            "",
            "vic",
            ("dora", 422),
        ),
        change(
            "POST /api/v1/orgs/{org}/projects/{project}/apps/{app}/schedules/{schedule}/play",
            &format!("{schedules}/1/play"),
            "",
            "vic",
            ("dora", 422),
        ),
        call("fn:variable/list", APP, Some("dora"), ("devon", 422)),
        call(
            "fn:variable/save",
            with("key=KEY&secret_value=hush-hush&scope=*&kind=env_var&visibility=masked"),
            Some("dora"),
            ("devon", 422),
        ),
        call(
            "fn:variable/remove",
            with("key=KEY&scope=*"),
            Some("dora"),
            ("devon", 422),
        ),
        call(
            "GET /api/v1/orgs/{org}/projects/{project}/apps/{app}/variables",
            variables.clone(),
            Some("dora"),
            ("devon", 422),
        ),
        change(
            "POST /api/v1/orgs/{org}/projects/{project}/apps/{app}/variables",
            &variables,
            variable,
            "dora",
            ("devon", 422),
        ),
        change(
            "PUT /api/v1/orgs/{org}/projects/{project}/apps/{app}/variables/{key}",
            &format!("{variables}/KEY"),
            variable,
            "dora",
            ("devon", 422),
        ),
        change(
            "DELETE /api/v1/orgs/{org}/projects/{project}/apps/{app}/variables/{key}",
            &format!("{variables}/KEY"),
            "",
            "dora",
            ("devon", 422),
        ),
    ]
}
