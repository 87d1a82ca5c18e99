//! The sandbox's GitLab against material that nobody here wrote: GitLab's response schemas, its OpenAPI document and
//! recorded webhooks. Where the material is absent a test says that it is skipped.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use axum::http::HeaderMap;
use axum::routing::post;

use serde_json::{Map, Value, json};

use crate::server::{Server, until};

const CONFIG: &str = "stages: [build, deploy]\nbuild:\n  stage: build\n  script:\n    - echo ok > out.txt\n    - \
    echo '<testsuite><testcase name=\"a\" classname=\"b\" time=\"0.1\"/></testsuite>' > junit.xml\n  artifacts:\n    \
    paths: [out.txt]\n    reports: {junit: junit.xml}\ndeploy:\n  stage: deploy\n  environment: {name: dev}\n  script: echo deployed\n";

fn contract(part: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/contract/gitlab")
        .join(part);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {} is not here", path.display());
    None
}

fn read(path: &Path) -> Value {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The bundle as one schema with a definition per file.
fn definitions(bundle: &Value) -> Map<String, Value> {
    let files = bundle["files"].as_object().expect("files");
    files
        .iter()
        .map(|(name, file)| {
            let mut schema = file["schema"].clone();
            adapt(&mut schema, name, files);
            (name.replace('/', "_"), schema)
        })
        .collect()
}

/// Points references into the bundle. Newer versions of GitLab add keys, so that closed objects are opened: the
/// OpenAPI test looks after unknown keys. `date` is not a type of JSON schema.
fn adapt(schema: &mut Value, name: &str, files: &Map<String, Value>) {
    match schema {
        Value::Object(map) => {
            map.remove("additionalProperties");
            if let Some(Value::String(reference)) = map.get("$ref") {
                let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
                let target = reference.strip_prefix("../").map_or_else(
                    || {
                        if folder.is_empty() {
                            reference.clone()
                        } else {
                            format!("{folder}/{reference}")
                        }
                    },
                    str::to_owned,
                );
                if files.contains_key(&target) {
                    let reference = format!("#/$defs/{}", target.replace('/', "_"));
                    map.insert("$ref".into(), reference.into());
                } else {
                    map.clear();
                }
                return;
            }
            // `null` fits both branches of "null or a nullable user".
            if let Some(choices) = map.remove("oneOf") {
                map.insert("anyOf".into(), choices);
            }
            map.values_mut().for_each(|value| adapt(value, name, files));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| adapt(item, name, files)),
        Value::String(text) if text == "date" => *text = "string".into(),
        _ => {}
    }
}

#[expect(clippy::too_many_lines, reason = "one line per kind")]
/// One answer of each kind, after a pipeline with a deployment, a merge request and an issue.
async fn answers(server: &Server) -> BTreeMap<&'static str, Value> {
    let project = "projects/acme%2Forder-api";
    let id = "acme%2Forder-api";
    server.commit(id, ".gitlab-ci.yml", CONFIG).await;
    let (pipeline, jobs) = server.finished(id).await;
    assert_eq!(pipeline["status"], "success");
    server
        .post(
            &format!("{project}/repository/branches?branch=topic&ref=main"),
            Value::Null,
        )
        .await;
    let actions = json!([{ "action": "create", "file_path": "new.txt", "content": "x" }]);
    let body = json!({ "branch": "topic", "commit_message": "New", "actions": actions });
    server.post(&format!("{project}/repository/commits"), body).await;
    let request = json!({ "source_branch": "topic", "target_branch": "main", "title": "New" });
    let request = server.post(&format!("{project}/merge_requests"), request).await;
    server
        .post(
            &format!("{project}/repository/tags"),
            json!({ "tag_name": "v1", "ref": "main", "message": "one" }),
        )
        .await;
    let hook = server
        .post(
            &format!("{project}/hooks"),
            json!({ "url": "http://127.0.0.1:9/", "token": "t" }),
        )
        .await;
    let issue = server
        .post(&format!("{project}/issues"), json!({ "title": "Wrong" }))
        .await;
    let variable = server
        .post(
            &format!("{project}/variables"),
            json!({ "key": "A", "value": "1" }),
        )
        .await;
    let schedule = json!({
        "description": "nightly", "ref": "main", "cron": "0 2 * * *", "cron_timezone": "Asia/Shanghai",
    });
    let schedules = format!("{project}/pipeline_schedules");
    let schedule = server.post(&schedules, schedule).await;
    let schedule = format!("{schedules}/{}", schedule["id"]);
    server
        .post(
            &format!("{schedule}/variables"),
            json!({ "key": "A", "value": "1" }),
        )
        .await;
    let deployment = server.get(&format!("{project}/deployments")).await[0].clone();
    let environment = server.get(&format!("{project}/environments")).await[0]["id"].clone();
    BTreeMap::from([
        (
            "job",
            server.get(&format!("{project}/jobs/{}", jobs[0]["id"])).await,
        ),
        (
            "pipeline",
            server
                .get(&format!("{project}/pipelines/{}", pipeline["id"]))
                .await,
        ),
        (
            "pipeline basic",
            server.get(&format!("{project}/pipelines")).await[0].clone(),
        ),
        ("project", server.get(project).await),
        (
            "project simple",
            server.get("projects?simple=true").await[0].clone(),
        ),
        (
            "environment",
            server.get(&format!("{project}/environments/{environment}")).await,
        ),
        ("deployment", deployment),
        (
            "branch",
            server.get(&format!("{project}/repository/branches/main")).await,
        ),
        (
            "commit",
            server.get(&format!("{project}/repository/commits/main")).await,
        ),
        ("tag", server.get(&format!("{project}/repository/tags/v1")).await),
        (
            "hook",
            server.get(&format!("{project}/hooks/{}", hook["id"])).await,
        ),
        ("metadata", server.get("metadata").await),
        (
            "merge request",
            server
                .get(&format!("{project}/merge_requests/{}", request["iid"]))
                .await,
        ),
        (
            "merge request basic",
            server.get(&format!("{project}/merge_requests")).await[0].clone(),
        ),
        ("user", server.get("users").await[0].clone()),
        ("issue", issue),
        ("variable", variable),
        ("schedule basic", server.get(&schedules).await[0].clone()),
        ("schedule", server.get(&schedule).await),
        (
            "test report",
            server
                .get(&format!("{project}/pipelines/{}/test_report", pipeline["id"]))
                .await,
        ),
        ("lint", server.get(&format!("{project}/ci/lint")).await),
        (
            "compare",
            server
                .get(&format!("{project}/repository/compare?from=main&to=topic"))
                .await,
        ),
        (
            "tree",
            server.get(&format!("{project}/repository/tree")).await[0].clone(),
        ),
        ("group", server.get("groups").await[0].clone()),
        ("namespace", server.get("namespaces").await[0].clone()),
        ("runner", server.get("runners").await[0].clone()),
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_validate_against_gitlabs_own_schemas() {
    const KINDS: [(&str, &str); 15] = [
        ("job", "job.json"),
        ("pipeline", "pipeline_detail.json"),
        ("pipeline", "pipeline.json"),
        ("pipeline basic", "pipeline_basic.json"),
        ("project simple", "project.json"),
        ("environment", "environment.json"),
        ("deployment", "deployment.json"),
        ("branch", "branch.json"),
        ("commit", "commit_detail.json"),
        ("tag", "tag.json"),
        ("hook", "project_hook.json"),
        ("metadata", "metadata.json"),
        ("merge request", "merge_request.json"),
        ("merge request basic", "merge_request.json"),
        ("user", "user_basic.json"),
    ];
    let Some(path) = contract("public_api_v4.schemas.bundle.json") else {
        return;
    };
    let defs = definitions(&read(&path));
    let server = Server::start().await;
    let answers = answers(&server).await;
    server.gitlab.shutdown().await;
    for (kind, schema) in KINDS {
        let schema = json!({ "$ref": format!("#/$defs/{schema}"), "$defs": defs });
        let validator = jsonschema::validator_for(&schema).unwrap_or_else(|error| panic!("{kind}: {error}"));
        let errors: Vec<String> = validator
            .iter_errors(&answers[kind])
            .map(|error| format!("{}: {error}", error.instance_path))
            .collect();
        assert!(errors.is_empty(), "{kind}: {errors:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_have_no_keys_that_gitlabs_openapi_document_does_not_know() {
    const KINDS: [(&str, &str); 22] = [
        ("job", "API_Entities_Ci_Job"),
        ("pipeline", "API_Entities_Ci_PipelineWithMetadata"),
        ("pipeline basic", "API_Entities_Ci_PipelineBasic"),
        ("project", "API_Entities_ProjectWithAccess"),
        ("environment", "API_Entities_Environment"),
        ("deployment", "API_Entities_Deployment"),
        ("branch", "API_Entities_Branch"),
        ("commit", "API_Entities_CommitDetail"),
        ("tag", "API_Entities_Tag"),
        ("hook", "API_Entities_ProjectHook"),
        ("metadata", "API_Entities_Metadata"),
        ("merge request", "API_Entities_MergeRequest"),
        ("issue", "API_Entities_Issue"),
        ("variable", "API_Entities_Ci_Variable"),
        ("schedule basic", "API_Entities_Ci_PipelineSchedule"),
        ("schedule", "API_Entities_Ci_PipelineScheduleDetails"),
        ("test report", "TestReportEntity"),
        ("lint", "API_Entities_Ci_Lint_Result"),
        ("compare", "API_Entities_Compare"),
        ("tree", "API_Entities_TreeObject"),
        ("namespace", "API_Entities_Namespace"),
        ("runner", "API_Entities_Ci_Runner"),
    ];
    // Documented elsewhere or newer than the document: the pipeline's name in lists, a hook's secrets by presence.
    const NEWER: [&str; 10] = [
        "name",
        "archived",
        "token_present",
        "signing_token_present",
        "merge_after",
        "finished_at",
        "tag",
        "squash_on_merge",
        "extended_trailers",
        "start_date",
    ];
    let Some(path) = contract("openapi/gitlab-rest-v4.swagger2.trimmed.json") else {
        return;
    };
    let document = read(&path);
    let server = Server::start().await;
    let answers = answers(&server).await;
    server.gitlab.shutdown().await;
    let mut unknown = Vec::new();
    for (kind, entity) in KINDS {
        let properties = document["definitions"][entity]["properties"]
            .as_object()
            .expect(entity);
        for (key, value) in answers[kind].as_object().expect(kind) {
            match properties.get(key) {
                None if NEWER.contains(&key.as_str()) => {}
                None => unknown.push(format!("{kind}.{key}")),
                Some(property) => {
                    let fits = match property["type"].as_str() {
                        _ if value.is_null() => true,
                        Some("integer" | "number") => value.is_number() || value.is_string(),
                        Some("boolean") => value.is_boolean(),
                        _ => true,
                    };
                    assert!(fits, "{kind}.{key} is {value}, the document says {property}");
                }
            }
        }
    }
    assert!(unknown.is_empty(), "keys that GitLab does not have: {unknown:#?}");
}

type Received = Arc<Mutex<Vec<(HeaderMap, Value)>>>;

/// A receiver of webhooks on loopback.
async fn receiver() -> (String, Received) {
    let received = Received::default();
    let inbox = Arc::clone(&received);
    let take = move |headers: HeaderMap, body: axum::Json<Value>| async move {
        inbox.lock().expect("an inbox").push((headers, body.0));
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("an address");
    let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
    let router = axum::Router::new().route("/hook", post(take));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, received)
}

/// The paths of all keys of a document, the elements of lists taken together.
fn keys(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let path = format!("{path}.{key}");
                found.push(path.clone());
                keys(value, &path, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| keys(item, path, found)),
        _ => {}
    }
}

/// Whether an event tells an end: the samples are of finished jobs, pipelines and deployments.
fn is_final(kind: &str, body: &Value) -> bool {
    match kind {
        "build" => body["build_status"] == "success",
        "pipeline" => body["object_attributes"]["status"] == "success",
        "deployment" => body["status"] == "success",
        _ => true,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_have_the_keys_and_headers_of_recorded_ones() {
    const SAMPLES: [(&str, &str, &str); 8] = [
        ("push", "Push Hook", "push.json"),
        ("tag_push", "Tag Push Hook", "tag_push.json"),
        ("merge_request", "Merge Request Hook", "merge_request.json"),
        ("pipeline", "Pipeline Hook", "pipeline.json"),
        ("build", "Job Hook", "job.json"),
        ("issue", "Issue Hook", "issue.json"),
        ("note", "Note Hook", "note_merge_request.json"),
        ("deployment", "Deployment Hook", "deployment.json"),
    ];
    // What the samples carry only because of what happened in them: changed labels and titles, people assigned,
    // downstream pipelines, variables, environments, on-call escalation.
    const CIRCUMSTANTIAL: [&str; 13] = [
        ".changes.",
        ".source_pipeline",
        ".labels.",
        ".assignees.",
        ".reviewers.",
        ".assignee.",
        ".escalation_",
        ".object_attributes.variables.",
        ".environment.",
        ".commit.author_url",
        "note.merge_request.position",
        "pipeline.merge_request.",
        ".tags",
    ];
    let Some(folder) = contract("webhooks/go-gitlab") else {
        return;
    };
    let server = Server::start().await;
    let (url, received) = receiver().await;
    let id = "acme%2Forder-api";
    let hook = json!({
        "url": url, "token": "secret", "signing_token": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "push_events": true, "tag_push_events": true, "merge_requests_events": true, "pipeline_events": true,
        "job_events": true, "issues_events": true, "note_events": true, "deployment_events": true,
    });
    server.post(&format!("projects/{id}/hooks"), hook).await;
    let answers = answers(&server).await;
    let note = format!(
        "projects/{id}/merge_requests/{}/notes",
        answers["merge request"]["iid"]
    );
    server.post(&note, json!({ "body": "Good" })).await;
    for (kind, event, file) in SAMPLES {
        let (headers, body) = until(kind, || async {
            let inbox = received.lock().expect("an inbox");
            inbox
                .iter()
                .rev()
                .find(|(_, body)| body["object_kind"] == kind && is_final(kind, body))
                .cloned()
        })
        .await;
        assert_eq!(headers["x-gitlab-event"], event);
        assert_eq!(headers["x-gitlab-token"], "secret");
        assert_eq!(headers["idempotency-key"], headers["webhook-id"]);
        assert!(
            headers["webhook-signature"]
                .to_str()
                .expect("text")
                .starts_with("v1,")
        );
        for name in [
            "x-gitlab-event-uuid",
            "x-gitlab-webhook-uuid",
            "x-gitlab-instance",
            "webhook-timestamp",
        ] {
            assert!(headers.contains_key(name), "{kind}: {name}");
        }
        let (mut wanted, mut present) = (Vec::new(), Vec::new());
        keys(&read(&folder.join(file)), "", &mut wanted);
        keys(&body, "", &mut present);
        wanted.retain(|key| {
            !present.contains(key)
                && !CIRCUMSTANTIAL
                    .iter()
                    .any(|part| format!("{kind}{key}").contains(part))
        });
        wanted.dedup();
        assert!(wanted.is_empty(), "{kind} lacks {wanted:#?}");
    }
    server.gitlab.shutdown().await;
}
