//! Lint, pipelines and jobs.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::server::{ORDER_API, Server, names, pairs, until};

#[tokio::test(flavor = "multi_thread")]
async fn jobs_follow_their_needs_and_failures_skip_what_depends_on_them() {
    let config = "stages: [one, two, three]\n\
        good: {stage: one, script: [echo fine]}\n\
        bad: {stage: one, script: ['echo broken; exit 3']}\n\
        tolerated: {stage: one, allow_failure: true, script: ['false']}\n\
        after_good: {stage: two, needs: [good], script: [echo two]}\n\
        after_all: {stage: two, script: [echo never]}\n\
        rescue: {stage: three, when: on_failure, script: [echo rescue]}\n\
        always: {stage: three, when: always, script: [echo always]}\n\
        unserved: {stage: one, tags: [windows], when: manual, script: [echo x]}\n";
    let server = Server::start().await;
    server.commit(ORDER_API, ".gitlab-ci.yml", config).await;
    let (pipeline, jobs) = server.finished(ORDER_API).await;
    assert_eq!(pipeline["status"], "failed");
    let expected = [
        ("good", "success"),
        ("bad", "failed"),
        ("tolerated", "failed"),
        ("unserved", "manual"),
        ("after_good", "success"),
        ("after_all", "skipped"),
        ("rescue", "success"),
        ("always", "success"),
    ];
    assert_eq!(names(&jobs), pairs(&expected));
    let trace = server.trace(ORDER_API, &jobs[1]).await;
    assert!(
        trace.contains("\u{1b}[31;1mERROR: Job failed: exit status 3"),
        "{trace}"
    );
    assert_eq!(jobs[1]["failure_reason"], "script_failure");
    server.gitlab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_grows_while_its_job_runs_and_a_cancel_kills_the_job() {
    let server = Server::start().await;
    let marker = tempfile::tempdir().expect("a folder");
    let config = format!(
        "a:\n  script:\n    - echo begun\n    - sleep 20\n    - touch {}/reached\n",
        marker.path().display()
    );
    server.commit(ORDER_API, ".gitlab-ci.yml", &config).await;
    let job = until("a running job with output", || async {
        let job = server
            .get(&format!("projects/{ORDER_API}/jobs?scope[]=running"))
            .await[0]
            .clone();
        (job.is_object() && server.trace(ORDER_API, &job).await.contains("\nbegun\n")).then_some(job)
    })
    .await;
    let begun = Instant::now();
    server
        .post(
            &format!("projects/{ORDER_API}/jobs/{}/cancel", job["id"]),
            Value::Null,
        )
        .await;
    until("the end of the log", || async {
        server
            .trace(ORDER_API, &job)
            .await
            .contains("Job failed: canceled")
            .then_some(())
    })
    .await;
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "the sleep was not waited for"
    );
    assert_eq!(server.finished(ORDER_API).await.0["status"], "canceled");
    assert!(!marker.path().join("reached").exists());
    server.gitlab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_samples_jobs_run_and_their_images_say_what_they_carry() {
    let build = |test: &str| {
        format!(
            "stages: [test, image]\ntest: {{stage: test, script: ['{test}']}}\npublish:\n  stage: image\n  needs: [test]\n  script:\n    - \
             if [ -f build.sh ]; then ./build.sh; fi\n    - IMAGE=\"$CI_REGISTRY_IMAGE:$CI_COMMIT_REF_SLUG\"\n    - buildah \
             build --build-arg VERSION=$CI_COMMIT_SHORT_SHA --label sandbox.slipway.dev/behavior=crash-loop -t \"$IMAGE\" \
             .\n    - buildah push --digestfile image.digest \"$IMAGE\"\n  artifacts: {{paths: [image.digest]}}\n"
        )
    };
    let server = Server::start().await;
    for (project, test) in [
        ("order-api", "npm run lint && npm test"),
        ("ledger", "python3 -m unittest discover -s tests"),
        ("storefront", "./build.sh && ./test.sh"),
    ] {
        let id = format!("acme%2F{project}");
        let commit = server.commit(&id, ".gitlab-ci.yml", &build(test)).await;
        let (_, jobs) = server.finished(&id).await;
        let mut traces = String::new();
        for job in &jobs {
            traces += &server.trace(&id, job).await;
        }
        assert_eq!(
            names(&jobs),
            pairs(&[("test", "success"), ("publish", "success")]),
            "{project}: {traces}"
        );
        let path = format!("projects/{id}/jobs/{}/artifacts/image.digest", jobs[1]["id"]);
        let digest = server
            .request("GET", &path)
            .send()
            .await
            .expect("an answer")
            .text()
            .await
            .expect("a digest");
        let file = server
            .gitlab
            .registry_root()
            .join(format!("acme/{project}/{digest}.json"));
        let image: Value = serde_json::from_slice(&std::fs::read(&file).expect("an image")).expect("JSON");
        assert_eq!(image["digest"], digest.as_str());
        assert_eq!(image["tags"], json!(["main"]));
        assert_eq!(image["labels"]["org.opencontainers.image.title"], project);
        assert_eq!(
            image["labels"]["org.opencontainers.image.version"],
            commit["short_id"]
        );
        assert_eq!(image["labels"]["sandbox.slipway.dev/behavior"], "crash-loop");
        let manifest = format!("{}/v2/acme/{project}/manifests/main", server.gitlab.url());
        let answer = server
            .http
            .get(manifest)
            .basic_auth("root", Some(server.gitlab.admin_token()))
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.headers()["docker-content-digest"], digest.as_str());
        let bytes = answer.bytes().await.expect("a manifest");
        assert_eq!(format!("sha256:{}", hex::encode(Sha256::digest(&bytes))), digest);
    }
    server.gitlab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_request_merges_by_itself_when_its_pipeline_succeeds() {
    let server = Server::start().await;
    let project = format!("projects/{ORDER_API}");
    server
        .commit(
            ORDER_API,
            ".gitlab-ci.yml",
            "a: {script: ['test ! -f slow || sleep 1']}\n",
        )
        .await;
    let body = json!({ "branch": "topic", "start_branch": "main", "commit_message": "Slow", "actions": [{ "action": "create", "file_path": "slow", "content": "" }] });
    server.post(&format!("{project}/repository/commits"), body).await;
    let request = json!({ "source_branch": "topic", "target_branch": "main", "title": "Slow" });
    let request = server.post(&format!("{project}/merge_requests"), request).await;
    let path = format!("{project}/merge_requests/{}", request["iid"]);
    let (status, _) = server
        .call(
            "PUT",
            &format!("{path}/merge"),
            json!({ "merge_when_pipeline_succeeds": true }),
        )
        .await;
    assert_eq!(status, 200);
    until("the merge", || async {
        (server.get(&path).await["state"] == "merged").then_some(())
    })
    .await;
    server.gitlab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lint_finds_what_gitlab_finds() {
    let server = Server::start().await;
    server
        .commit(ORDER_API, "ci/shared.yml", ".shared:\n  script: [echo shared]\n")
        .await;
    let cases = [
        ("a:\n\tscript: x\n", "at line 2 column"),
        (
            "a:\n  script: x\na:\n  script: y\n",
            "duplicate key \"a\" at line 3 column 1",
        ),
        ("- a\n- b\n", "Invalid configuration format"),
        (
            "a:\n  stage: ship\n  script: x\n",
            "a job: chosen stage ship does not exist",
        ),
        ("a:\n  script: x\n  needs: [b]\n", "a job: undefined need: b"),
        (
            "a:\n  extends: .none\n  script: x\n",
            "a: unknown keys in `extends` (`.none`)",
        ),
        (
            "include: {local: ci/none.yml}\na:\n  script: x\n",
            "Local file `ci/none.yml` does not exist!",
        ),
        (
            "a:\n  script: !reference [.none, script]\n",
            "!reference [\".none\", \"script\"] could not be found",
        ),
        (
            "a:\n  script: x\n  retry: 7\n",
            "jobs:a:retry config must be less than or equal to 2",
        ),
    ];
    let lint = |content: &str| {
        server.post(
            "projects/acme%2Forder-api/ci/lint",
            json!({ "content": content, "include_jobs": true }),
        )
    };
    for (content, expected) in cases {
        let result = lint(content).await;
        assert_eq!(result["valid"], false, "{content}");
        assert!(
            result["errors"][0]
                .as_str()
                .is_some_and(|error| error.contains(expected)),
            "{content}: {}",
            result["errors"]
        );
    }
    let good = lint("spec:\n  inputs:\n    who: {default: world}\n---\ninclude: /ci/shared.yml\na:\n  extends: .shared\n  after_script: ['echo $[[ inputs.who ]]']\n").await;
    assert_eq!(good["errors"], json!([]));
    assert_eq!(good["jobs"][0]["script"], json!(["echo shared"]));
    assert_eq!(good["jobs"][0]["after_script"], json!(["echo world"]));
    assert!(
        good["merged_yaml"]
            .as_str()
            .is_some_and(|text| text.contains("  script:\n  - echo shared\n"))
    );
    server.gitlab.shutdown().await;
}
