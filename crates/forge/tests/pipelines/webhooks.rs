//! Webhooks: wrong tokens, repetitions, odd orders, and every recorded body.

use crate::world::{ORG, PROJECT, World};
use serde_json::{Value, json};
use slipway_domain::id::AppId;
use slipway_domain::run::RunStatus;
use slipway_portal::access::{self, may};
use slipway_portal::webhook::{self, Headers, Hint};
use slipway_portal::{Error, place, run};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The token that the app's webhook has at GitLab: what the sandbox sends is recorded by asking for a test delivery.
async fn token(world: &World, app: AppId) -> String {
    let (_, sealed) = world
        .portal
        .store
        .read()
        .await
        .unwrap()
        .hook_secret(app)
        .await
        .unwrap()
        .expect("a secret");
    world
        .portal
        .sealer
        .open(&format!("webhook of {app}"), &sealed)
        .expect("it opens")
}

fn headers(token: &str, event: &str, key: &str) -> Headers {
    Headers {
        token: Some(token.to_owned()),
        event: Some(event.to_owned()),
        event_uuid: Some(String::from("0d518e32-befb-4d5e-a039-6ad029b96b11")),
        idempotency_key: Some(key.to_owned()),
    }
}

fn body(value: &Value) -> Vec<u8> {
    serde_json::to_vec(value).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_right_token_is_believed_and_nothing_is_told() {
    let world = World::new().await;
    let app = world.connected("storefront").await;
    let token = token(&world, app).await;
    let push = body(&json!({ "object_kind": "push", "project_id": world.sample("storefront") }));
    let accept = |app: AppId, headers: Headers, body: Vec<u8>| {
        let portal = world.portal.clone();
        async move { webhook::accept(&portal, app, &headers, &body).await }
    };
    accept(app, headers(&token, "Push Hook", "1"), push.clone())
        .await
        .unwrap();
    let wrong = accept(app, headers("wrong", "Push Hook", "2"), push.clone())
        .await
        .unwrap_err();
    let none = accept(app, Headers::default(), push.clone()).await.unwrap_err();
    let nobody: AppId = "0190163d-8694-739b-aea5-966c26f8ad91".parse().unwrap();
    let unknown = accept(nobody, headers(&token, "Push Hook", "3"), push)
        .await
        .unwrap_err();
    let unconnected = world.app("second").await;
    let empty = accept(unconnected, headers("", "Push Hook", "4"), b"{}".to_vec())
        .await
        .unwrap_err();
    for error in [wrong, none, unknown, empty] {
        assert!(matches!(error, Error::NotFound), "{error:?}");
    }
    let odd = accept(app, headers(&token, "Push Hook", "5"), b"not json".to_vec())
        .await
        .unwrap_err();
    assert!(matches!(odd, Error::Invalid(_)));
    world.gitlab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twice_is_once_and_the_order_does_not_matter() {
    let world = World::new().await;
    let app = world.connected("storefront").await;
    let repository = world.sample("storefront");
    let token = token(&world, app).await;
    world
        .commit(
            repository,
            "create",
            ".gitlab-ci.yml",
            "test:\n  script: [\"echo one\"]\n",
        )
        .await;
    let list = format!("projects/{repository}/pipelines");
    let pipeline = world
        .until("the pipeline at GitLab", || async {
            let list = world.call("GET", &list, json!(null)).await;
            list[0]["id"].as_i64().filter(|_| list[0]["status"] == "success")
        })
        .await;
    // "Success" is told first, then "running", then "success" again, and the first once more.
    let told = |status: &str| {
        body(&json!({
            "object_kind": "pipeline", "project": { "id": repository },
            "object_attributes": { "id": pipeline, "iid": 1, "status": status, "ref": "main" },
        }))
    };
    for (key, status) in [
        ("a", "success"),
        ("b", "running"),
        ("c", "success"),
        ("a", "success"),
        ("b", "failed"),
    ] {
        webhook::accept(
            &world.portal,
            app,
            &headers(&token, "Pipeline Hook", key),
            &told(status),
        )
        .await
        .unwrap();
    }
    // A webhook about another project that knows the token asks for nothing.
    let stranger = body(
        &json!({ "object_kind": "pipeline", "project": { "id": 424_242 }, "object_attributes": { "id": 77 } }),
    );
    webhook::accept(
        &world.portal,
        app,
        &headers(&token, "Pipeline Hook", "d"),
        &stranger,
    )
    .await
    .unwrap();
    let scope = access::app_by_id::<may::AppManage>(&world.portal.system("test"), app)
        .await
        .unwrap();
    let waiting = world
        .portal
        .store
        .read()
        .await
        .unwrap()
        .waiting_deliveries(&scope.modify(), 100)
        .await
        .unwrap();
    assert_eq!(waiting.len(), 4, "a repetition is not stored");
    let view = world
        .until("the run", || async {
            let list = run::list(&world.ctx(), ORG, PROJECT, "storefront", None)
                .await
                .unwrap();
            // GitLab is asked for the truth: whatever was told last, the run is green.
            let run = list.runs.first().filter(|run| run.status == RunStatus::Success)?;
            run::view(&world.ctx(), ORG, PROJECT, "storefront", run.number)
                .await
                .ok()
        })
        .await;
    assert_eq!(view.run.number, 1);
    world
        .until("the work on them", || async {
            let mut tx = world.portal.store.read().await.unwrap();
            tx.waiting_deliveries(&scope.modify(), 100)
                .await
                .unwrap()
                .is_empty()
                .then_some(())
        })
        .await;
    let list = run::list(&world.ctx(), ORG, PROJECT, "storefront", None)
        .await
        .unwrap();
    assert_eq!(list.runs.len(), 1);
    world.gitlab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_are_all_stored() {
    let world = World::new().await;
    let app = world.connected("storefront").await;
    let token = token(&world, app).await;
    let push = body(&json!({ "object_kind": "push", "project_id": 1 }));
    let begun = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..16 {
        let (portal, token, push) = (world.portal.clone(), token.clone(), push.clone());
        tasks.spawn(async move {
            for number in 0..50 {
                let headers = headers(&token, "Push Hook", &format!("{task}-{number}"));
                webhook::accept(&portal, app, &headers, &push)
                    .await
                    .expect("it is taken");
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    eprintln!("800 webhooks at 16 connections in {:?}", begun.elapsed());
    let scope = access::app_by_id::<may::AppManage>(&world.portal.system("test"), app)
        .await
        .unwrap();
    let mut tx = world.portal.store.read().await.unwrap();
    let stored = tx.waiting_deliveries(&scope.modify(), 10_000).await.unwrap();
    assert_eq!(stored.len(), 800);
    drop(tx);
    world.gitlab.shutdown().await;
}

fn contract() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/contract/gitlab/webhooks");
    path.is_dir().then_some(path)
}

#[test]
fn every_recorded_webhook_is_read() {
    let Some(folder) = contract() else {
        eprintln!("skipped: the recorded webhooks are not here");
        return;
    };
    let mut read = 0;
    for source in ["gitlab4j", "go-gitlab", "go-scm"] {
        for file in std::fs::read_dir(folder.join(source)).unwrap() {
            let path = file.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            let hint = Hint::read(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let value: Value = serde_json::from_slice(&bytes).unwrap();
            assert!(!hint.kind.is_empty(), "{}", path.display());
            if hint.kind == "pipeline" {
                assert_eq!(hint.pipeline, value["object_attributes"]["id"].as_i64(), "{name}");
                assert!(hint.pipeline.is_some(), "{name}");
            }
            if hint.kind == "merge_request" {
                assert_eq!(
                    hint.merge_request,
                    value["object_attributes"]["iid"].as_i64(),
                    "{name}"
                );
            }
            if hint.kind == "build" {
                assert_eq!(
                    hint.pipeline,
                    value["pipeline_id"].as_i64().or(value["commit"]["id"].as_i64()),
                    "{name}"
                );
            }
            read += 1;
        }
    }
    assert!(read > 40, "{read}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archived_app_follows_nothing_until_it_is_restored() {
    let world = World::new().await;
    let app = world.connected("storefront").await;
    let repository = world.sample("storefront");
    let token = token(&world, app).await;
    let ctx = world.ctx();
    place::archive(&ctx, ORG, Some(PROJECT), Some("storefront"))
        .await
        .unwrap();
    let file = "test:\n  script: [\"echo one\"]\n";
    world.commit(repository, "create", ".gitlab-ci.yml", file).await;
    let list = format!("projects/{repository}/pipelines");
    let pipeline = world
        .until("the pipeline at GitLab", || async {
            let list = world.call("GET", &list, json!(null)).await;
            list[0]["id"].as_i64().filter(|_| list[0]["status"] == "success")
        })
        .await;
    let told = body(&json!({
        "object_kind": "pipeline", "project": { "id": repository },
        "object_attributes": { "id": pipeline, "iid": 1, "status": "success", "ref": "main" },
    }));
    // GitLab is answered as ever, since it gives up on webhooks that are refused.
    webhook::accept(&world.portal, app, &headers(&token, "Pipeline Hook", "z"), &told)
        .await
        .unwrap();
    for _ in 0..30 {
        world.turn().await;
    }
    let runs = run::list(&ctx, ORG, PROJECT, "storefront", None).await.unwrap();
    assert_eq!(runs.runs.len(), 0, "nobody looked");
    let started = run::start(&ctx, ORG, PROJECT, "storefront", &"main".into()).await;
    assert_eq!(started.unwrap_err().code(), "archived");
    place::restore(&ctx, ORG, Some(PROJECT), Some("storefront"))
        .await
        .unwrap();
    let view = world.finished("storefront", 1).await;
    assert_eq!(view.run.status, RunStatus::Success);
    world.gitlab.shutdown().await;
}
