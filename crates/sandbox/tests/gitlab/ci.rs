//! Inputs, schedules, masked values, runners and parts of archives, as GitLab documents them.

use crate::server::Server;
use serde_json::{Value, json};

const CONFIG: &str = "spec:\n  inputs:\n    n: { type: number, default: 1 }\n    v: { regex: ^v }\n---\njob:\n  script:\n    \
    - echo $[[ inputs.n ]] > out.txt\n  artifacts: { paths: [out.txt] }\n";
const ID: &str = "acme%2Forder-api";

/// The status and the body of a call.
async fn call(server: &Server, method: &str, path: &str, body: Value) -> (u16, Value) {
    let request = server
        .http
        .request(
            method.parse().expect("a method"),
            format!("{}/api/v4/projects/{ID}/{path}", server.gitlab.url()),
        )
        .header("private-token", server.gitlab.admin_token());
    let request = if body.is_null() {
        request
    } else {
        request.json(&body)
    };
    let answer = request.send().await.expect("an answer");
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn inputs_are_checked_by_type_pattern_and_name() {
    let server = Server::start().await;
    server.commit(ID, ".gitlab-ci.yml", CONFIG).await;
    let run = async |inputs: Value| {
        let (status, body) = call(
            &server,
            "POST",
            "pipeline",
            json!({ "ref": "main", "inputs": inputs }),
        )
        .await;
        (
            status,
            body["message"]["base"][0].as_str().unwrap_or_default().to_owned(),
        )
    };
    for (inputs, words) in [
        (json!({}), "required value has not been provided"),
        (json!({ "v": "1" }), "does not match required RegEx pattern"),
        (json!({ "v": "v1", "n": "2" }), "provided value is not a number"),
        (json!({ "v": "v1", "x": 1 }), "unknown input arguments: x"),
    ] {
        let (status, said) = run(inputs).await;
        assert_eq!(status, 400);
        assert!(said.contains(words), "{said}");
    }
    assert_eq!(run(json!({ "v": "v1", "n": 2 })).await.0, 201);
    server.gitlab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn schedules_have_variables_inputs_and_an_owner() {
    let server = Server::start().await;
    server.commit(ID, ".gitlab-ci.yml", CONFIG).await;
    let new = |cron: &str| json!({ "description": "d", "ref": "main", "cron": cron, "inputs": [{ "name": "v", "value": "v9" }] });
    for cron in ["* * * *", "61 * * * *", "a b c d e", "*/0 * * * *"] {
        let (status, body) = call(&server, "POST", "pipeline_schedules", new(cron)).await;
        assert_eq!(
            (status, &body["message"]["cron"][0]),
            (400, &json!("syntax is invalid")),
            "{cron}"
        );
    }
    let (status, made) = call(
        &server,
        "POST",
        "pipeline_schedules",
        new("*/5 1-3 * JAN,FEB mon"),
    )
    .await;
    assert_eq!(status, 201, "{made}");
    let at = format!("pipeline_schedules/{}", made["id"]);
    let variable = json!({ "key": "A", "value": "1" });
    assert_eq!(
        call(&server, "POST", &format!("{at}/variables"), variable.clone())
            .await
            .0,
        201
    );
    assert_eq!(
        call(&server, "POST", &format!("{at}/variables"), variable)
            .await
            .0,
        400,
        "taken"
    );
    assert_eq!(
        call(
            &server,
            "PUT",
            &format!("{at}/variables/A"),
            json!({ "value": "2" })
        )
        .await
        .1["value"],
        "2"
    );
    assert_eq!(
        call(&server, "POST", &format!("{at}/play"), json!({})).await.0,
        201
    );
    let (_, shown) = call(&server, "GET", &at, Value::Null).await;
    assert_eq!(
        (&shown["variables"][0]["value"], &shown["inputs"][0]["value"]),
        (&json!("2"), &json!("v9"))
    );
    assert!(shown["last_pipeline"]["id"].is_u64());
    let (_, list) = call(&server, "GET", "pipeline_schedules?scope=active", Value::Null).await;
    assert!(list[0].get("variables").is_none() && list[0].get("last_pipeline").is_none());
    let gone = json!({ "inputs": [{ "name": "v", "value": "", "destroy": true }], "active": false });
    assert_eq!(call(&server, "PUT", &at, gone).await.1["inputs"], json!([]));
    assert_eq!(
        call(&server, "POST", &format!("{at}/take_ownership"), json!({}))
            .await
            .0,
        201
    );
    assert_eq!(
        call(&server, "DELETE", &format!("{at}/variables/A"), Value::Null)
            .await
            .0,
        202
    );
    assert_eq!(call(&server, "DELETE", &at, Value::Null).await.0, 204);
    assert_eq!(call(&server, "GET", &at, Value::Null).await.0, 404);
    server.gitlab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn values_that_cannot_be_masked_are_refused() {
    let server = Server::start().await;
    let put = async |value: &str, raw: bool| {
        let key = format!("K{}{raw}", value.len());
        let body = json!({ "key": key, "value": value, "masked": true, "raw": raw });
        call(&server, "POST", "variables", body).await.0
    };
    assert_eq!(put("short", true).await, 400);
    assert_eq!(put("two words here", true).await, 400);
    assert_eq!(put("dollar$sign", true).await, 201);
    assert_eq!(put("dollar$sign2", false).await, 400);
    assert_eq!(put("plain-value", false).await, 201);
    server.gitlab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_an_archive_can_be_asked_for() {
    let server = Server::start().await;
    let config = CONFIG.replace("v: { regex: ^v }", "v: { default: v1 }");
    server.commit(ID, ".gitlab-ci.yml", &config).await;
    let (_, jobs) = server.finished(ID).await;
    let url = format!(
        "{}/api/v4/projects/{ID}/jobs/{}/artifacts",
        server.gitlab.url(),
        jobs[0]["id"]
    );
    let get = async |range: Option<&str>| {
        let mut request = server
            .http
            .get(&url)
            .header("private-token", server.gitlab.admin_token());
        if let Some(range) = range {
            request = request.header("range", range);
        }
        let answer = request.send().await.expect("an answer");
        let said = answer
            .headers()
            .get("content-range")
            .map(|v| v.to_str().unwrap().to_owned());
        (
            answer.status().as_u16(),
            said,
            answer.bytes().await.expect("bytes"),
        )
    };
    let (status, _, whole) = get(None).await;
    assert_eq!(status, 200);
    let (status, said, part) = get(Some("bytes=10-")).await;
    assert_eq!((status, &part[..]), (206, &whole[10..]));
    assert_eq!(
        said,
        Some(format!("bytes 10-{}/{}", whole.len() - 1, whole.len()))
    );
    assert_eq!(get(Some("bytes=999999-")).await.0, 416);
    server.gitlab.shutdown().await;
}
