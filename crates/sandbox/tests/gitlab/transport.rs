//! Faults on request, restarts, and git over HTTP.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::server::{ORDER_API, Server, names, pairs};

#[tokio::test(flavor = "multi_thread")]
async fn faults_come_by_header_and_by_rule() {
    let server = Server::start().await;
    let ask = |fault: &'static str| {
        server
            .request("GET", "projects")
            .header("X-Sandbox-Fault", fault)
            .send()
    };
    assert_eq!(ask("status=503").await.expect("an answer").status(), 503);
    let limited = ask("429=3").await.expect("an answer");
    assert_eq!(
        (
            limited.status().as_u16(),
            limited.headers()["retry-after"].to_str().expect("text")
        ),
        (429, "3")
    );
    assert!(ask("drop").await.is_err(), "no answer comes");
    let cut = ask("truncate").await.expect("the head comes");
    assert!(cut.bytes().await.is_err(), "the body ends early");
    let begun = Instant::now();
    assert_eq!(ask("latency=300").await.expect("an answer").status(), 200);
    assert!(begun.elapsed() >= Duration::from_millis(300));
    let rules = format!("{}/-/sandbox/faults", server.gitlab.url());
    let rule = json!({ "match": { "method": "GET", "path_regex": "^/api/v4/groups" }, "fault": "status=502", "times": 1 });
    assert_eq!(
        server
            .http
            .post(&rules)
            .json(&rule)
            .send()
            .await
            .expect("an answer")
            .status(),
        201
    );
    assert_eq!(server.call("GET", "groups", Value::Null).await.0, 502);
    assert_eq!(server.call("GET", "groups", Value::Null).await.0, 200);
    server.gitlab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_keeps_ids_tokens_pipelines_and_logs() {
    let mut server = Server::start().await;
    server
        .commit(ORDER_API, ".gitlab-ci.yml", "a:\n  script: echo kept\n")
        .await;
    let (pipeline, jobs) = server.finished(ORDER_API).await;
    let issue = server
        .post(
            &format!("projects/{ORDER_API}/issues"),
            json!({ "title": "Kept" }),
        )
        .await;
    let token = server.gitlab.admin_token().to_owned();
    server.restart().await;
    assert_eq!(server.gitlab.admin_token(), token);
    let (again, same) = server.finished(ORDER_API).await;
    assert_eq!((&again["id"], &same[0]["id"]), (&pipeline["id"], &jobs[0]["id"]));
    assert!(server.trace(ORDER_API, &jobs[0]).await.contains("\nkept\n"));
    let next = server
        .post(
            &format!("projects/{ORDER_API}/issues"),
            json!({ "title": "Next" }),
        )
        .await;
    assert_eq!(next["iid"].as_u64(), issue["iid"].as_u64().map(|iid| iid + 1));
    server.gitlab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn git_clones_and_pushes_over_http_and_a_push_starts_a_pipeline() {
    let server = Server::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let address = format!("{}/acme/ledger.git", server.gitlab.url()).replacen(
        "://",
        &format!("://dev-1:{}@", server.developer),
        1,
    );
    let git = |args: &[&str]| {
        Command::new("git")
            .args(["-c", "user.name=Dana", "-c", "user.email=dev-1@acme.example"])
            .args(args)
            .current_dir(folder.path())
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .expect("git runs")
    };
    let anonymous = git(&[
        "clone",
        "--quiet",
        &format!("{}/acme/ledger.git", server.gitlab.url()),
        "none",
    ]);
    assert!(
        !anonymous.status.success(),
        "a private project is not cloned without a token"
    );
    assert!(git(&["clone", "--quiet", &address, "."]).status.success());
    std::fs::write(
        folder.path().join(".gitlab-ci.yml"),
        "a:\n  script: python3 -m unittest discover -s tests\n",
    )
    .expect("written");
    git(&["checkout", "--quiet", "-b", "topic"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "-m", "Test on push"]);
    let pushed = git(&["push", "--quiet", "origin", "topic"]);
    assert!(
        pushed.status.success(),
        "{}",
        String::from_utf8_lossy(&pushed.stderr)
    );
    let (pipeline, jobs) = server.finished("acme%2Fledger").await;
    assert_eq!(
        (pipeline["ref"].as_str(), pipeline["source"].as_str()),
        (Some("topic"), Some("push"))
    );
    assert_eq!(
        names(&jobs),
        pairs(&[("a", "success")]),
        "{}",
        server.trace("acme%2Fledger", &jobs[0]).await
    );
    let refused = git(&["push", "--quiet", "origin", "topic:main"]);
    assert!(
        !refused.status.success(),
        "the default branch is protected from developers"
    );
    assert!(String::from_utf8_lossy(&refused.stderr).contains("not allowed to push"));
    server.gitlab.shutdown().await;
}
