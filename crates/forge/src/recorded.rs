//! Answers that other people recorded or documented, read by the same functions as in production.

use crate::{answer, ci, client, report};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::Value;
use slipway_domain::release::Evidence;
use slipway_domain::run::RunStatus;
use slipway_portal::ports::ForgeError;
use std::path::{Path, PathBuf};

fn contract(folder: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/contract/gitlab")
        .join(folder);
    if !path.is_dir() {
        eprintln!("skipped: the recorded answers are not here");
        return None;
    }
    Some(path)
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).expect("the file is there")).expect("it is JSON")
}

#[test]
fn answers_of_gitlab_com_are_read_or_refused_as_they_were() {
    let Some(folder) = contract("recorded-gitlab.com") else {
        return;
    };
    let (mut read, mut refused) = (0, 0);
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        for exchange in json(&path).as_array().unwrap() {
            let (url, body) = (exchange["url"].as_str().unwrap(), &exchange["body"]);
            let status =
                StatusCode::from_u16(u16::try_from(exchange["status"].as_u64().unwrap()).unwrap()).unwrap();
            let headers: HeaderMap = exchange["headers"]
                .as_object()
                .unwrap()
                .iter()
                .filter_map(|(n, v)| {
                    Some((
                        n.parse::<HeaderName>().ok()?,
                        HeaderValue::from_str(v.as_str()?).ok()?,
                    ))
                })
                .collect();
            if !status.is_success() {
                let error = client::refusal(status, &headers, body.to_string().as_bytes());
                let fits = match status.as_u16() {
                    401 => matches!(error, ForgeError::BadToken),
                    403 => matches!(error, ForgeError::Forbidden(_)),
                    404 => matches!(error, ForgeError::NotFound(_)),
                    _ => !error.is_passing(),
                };
                assert!(fits, "{url}: {error}");
                refused += 1;
                continue;
            }
            let path = url.split("/api/v4/").nth(1).unwrap().split('?').next().unwrap();
            let parts: Vec<&str> = path.split('/').collect();
            match (parts.as_slice(), body) {
                (["user"], Value::Object(_)) => assert!(answer::text(body, "username").is_some(), "{url}"),
                (["projects"] | ["projects", _], Value::Object(_)) => {
                    let project = answer::project(body).expect(url);
                    assert!(project.path.contains('/') && project.web_url.starts_with("https://"));
                }
                (["projects", _, "repository", "branches", ..], Value::Object(_)) => {
                    assert_eq!(answer::branch(body).expect(url).sha.len(), 40);
                }
                (["projects", _, "repository", "branches"], Value::Array(items)) => {
                    assert_eq!(answer::each(items, "branch", answer::branch).len(), items.len());
                }
                (["projects", _, "repository", "commits", _], Value::Object(_)) => {
                    let commit = answer::commit(body).expect(url);
                    assert!(commit.at.micros() > 0 && commit.author_email.contains('@'));
                }
                (["projects", _, "repository", "commits"], Value::Array(items)) => {
                    assert_eq!(answer::each(items, "commit", answer::commit).len(), items.len());
                }
                (["projects", _, "merge_requests", ..], Value::Object(_)) => {
                    let request = answer::merge_request(body).expect(url);
                    assert!(["opened", "merged"].contains(&request.state.as_str()) && request.iid == 71);
                }
                _ => continue,
            }
            read += 1;
        }
    }
    assert!(read > 30 && refused > 5, "{read} read, {refused} refused");
}

#[test]
fn documented_answers_are_read() {
    let Some(folder) = contract("responses") else {
        return;
    };
    let at = |path: &str| json(&folder.join(path));
    let all = |value: Value, count: usize| assert!(count == value.as_array().unwrap().len() && count > 0);

    let list = at("glab-cli/ciList.json");
    all(
        list.clone(),
        answer::each(list.as_array().unwrap(), "pipeline", answer::pipeline).len(),
    );
    let pipeline = answer::pipeline(&at("glab-cli/ci_get-0.json")).unwrap();
    assert_eq!((pipeline.iid, pipeline.status), (14, Some(RunStatus::Success)));
    assert!(pipeline.created_at.is_some() && pipeline.finished_at.is_some() && pipeline.user.is_some());
    let jobs = at("glab-cli/ci_get-1.json");
    all(
        jobs.clone(),
        answer::each(jobs.as_array().unwrap(), "job", answer::job).len(),
    );
    let job = answer::job(&at("gitlab4j-models/job.json")).unwrap();
    assert!(job.commit.is_some() && job.created_at.is_some());
    assert!(answer::pipeline(&at("gitlab4j-models/pipeline.json")).is_some());

    let open = answer::merge_request(&at("glab-cli/mergeableMr.json")).unwrap();
    assert_eq!(
        (open.state.as_str(), open.merge_status.as_str()),
        ("opened", "mergeable")
    );
    assert_eq!(
        answer::merge_request(&at("glab-cli/mergedMr.json"))
            .unwrap()
            .state,
        "merged"
    );
    for file in [
        "glab-cli/mrList.json",
        "go-gitlab/get_merge_requests.json",
        "go-scm/merges.json",
    ] {
        let list = at(file);
        all(
            list.clone(),
            answer::each(list.as_array().unwrap(), "merge request", answer::merge_request).len(),
        );
    }
    for file in ["go-gitlab/list_branches.json", "go-scm/branches.json"] {
        let list = at(file);
        all(
            list.clone(),
            answer::each(list.as_array().unwrap(), "branch", answer::branch).len(),
        );
    }
    let commits = at("go-scm/commits.json");
    all(
        commits.clone(),
        answer::each(commits.as_array().unwrap(), "commit", answer::commit).len(),
    );
    for file in ["go-scm/repo.json", "gitlab4j-models/project.json"] {
        assert!(answer::project(&at(file)).is_some(), "{file}");
    }
    let group = at("gitlab4j-models/group.json");
    let read = answer::group(&group).unwrap();
    assert_eq!(
        (read.id, read.path.as_str(), read.name.as_str()),
        (4, "twitter", "Twitter")
    );
    let projects = answer::each(group["projects"].as_array().unwrap(), "project", answer::project);
    assert_eq!((projects.len(), projects[0].name.as_str()), (2, "Typeahead.Js"));
    assert!(!projects[0].archived && projects[0].last_activity.is_some());
    let compared = at("go-scm/compare.json");
    let items = compared["commits"].as_array().unwrap();
    assert_eq!(answer::each(items, "commit", answer::commit).len(), items.len());
    let report = answer::evidence(&at("go-gitlab/get_pipeline_testreport.json"));
    assert_eq!(
        report,
        Some(Evidence {
            tests_passed: 5,
            tests_failed: 4,
            tests_skipped: 0,
            ..Evidence::default()
        })
    );
    let summary = answer::evidence(&at("gitlab4j-models/pipeline-test-report-summary.json"));
    assert_eq!(
        summary,
        Some(Evidence {
            tests_passed: 3351,
            tests_failed: 0,
            tests_skipped: 12,
            ..Evidence::default()
        })
    );
    assert_eq!(answer::int(&at("gitlab4j-models/hook.json"), "id"), Some(1));
}

#[test]
fn documented_answers_about_ci_are_read() {
    let Some(folder) = contract("responses") else {
        return;
    };
    let at = |path: &str| json(&folder.join(path));
    let schedule = ci::schedule(&at("gitlab4j-models/pipeline-schedule.json")).unwrap();
    assert_eq!(
        (
            schedule.id,
            schedule.cron.as_str(),
            schedule.zone.as_str(),
            schedule.owner.as_deref()
        ),
        (13, "* * * * *", "Asia/Tokyo", Some("root"))
    );
    assert_eq!(schedule.last, Some((332, Some(RunStatus::Pending))));
    assert_eq!(
        (schedule.variables.len(), schedule.variables[0].key.as_str()),
        (1, "TEST_VARIABLE_1")
    );
    let variables = at("gitlab4j-models/project-variables.json");
    let read = answer::each(variables.as_array().unwrap(), "variable", ci::variable);
    let scopes: Vec<_> = read
        .iter()
        .map(|variable| (variable.scope.as_str(), variable.protected))
        .collect();
    assert_eq!(scopes, [("*", true), ("*", false), ("DEV", false), ("*", false)]);
    let tests = report::tests(&at("go-gitlab/get_pipeline_testreport.json")).unwrap();
    assert_eq!(tests.sums(), (5, 4, 0));
    assert!(tests.suites[0].cases[0].output.contains("Failed test"));
    assert!(tests.suites[0].cases[0].output.contains("java.lang.Exception"));
    let runner = report::runner(&at("gitlab4j-models/runner-detail.json"));
    assert!(!runner.paused);
}

#[test]
fn odd_answers_hide_nothing_and_never_panic() {
    let odd = serde_json::json!([
        { "id": 1, "sha": "a", "status": "a status of 2031" },
        { "id": "2", "sha": "b", "status": 7, "created_at": "yesterday", "user": [] },
        { "id": null }, [], 3, null,
        { "id": 3, "iid": 9, "sha": "c", "status": "running", "ref": null },
    ]);
    let read = answer::each(odd.as_array().unwrap(), "pipeline", answer::pipeline);
    assert_eq!(read.iter().map(|p| p.id).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(
        read.iter().map(|p| p.status).collect::<Vec<_>>(),
        [None, None, Some(RunStatus::Running)]
    );
    let everything = [
        odd,
        Value::Null,
        serde_json::json!({}),
        serde_json::json!("x"),
        serde_json::json!({"jobs": {"a": 1}, "commit": 4}),
    ];
    for value in &everything {
        let _ = (
            answer::project(value),
            answer::job(value),
            answer::branch(value),
            answer::commit(value),
        );
        let _ = (
            answer::merge_request(value),
            answer::lint(value),
            answer::evidence(value),
            answer::languages(value),
        );
        let _ = (
            ci::schedule(value),
            ci::variable(value),
            report::tests(value),
            report::hundredths(value),
        );
    }
}
