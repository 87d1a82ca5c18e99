//! kube-rs against the sandbox's Kubernetes: watches, server-side apply, quota, faults, restarts.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Event, Namespace, Pod};
use kube::api::{
    Api, DeleteParams, ListParams, LogParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams,
};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};
use slipway_sandbox::faults::{Fault, FaultMatch};
use slipway_sandbox::kubernetes::{self, KubernetesConfig, KubernetesHandle, Speed};

async fn cluster(data: Option<&Path>) -> KubernetesHandle {
    let config = KubernetesConfig {
        name: "test".into(),
        addr: "127.0.0.1:0".parse().expect("an address"),
        data: data.map(Path::to_owned),
        registry: None,
        speed: Speed::Fast,
    };
    kubernetes::start(config).await.expect("a cluster")
}

async fn client(handle: &KubernetesHandle) -> Client {
    let kubeconfig: Kubeconfig =
        Kubeconfig::from_yaml(&kubernetes::kubeconfig(&[handle])).expect("a kubeconfig");
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .expect("a context");
    Client::try_from(config).expect("a client")
}

async fn namespace(client: &Client, name: &str) {
    let namespace = serde_json::from_value(json!({ "metadata": { "name": name } })).expect("a namespace");
    Api::<Namespace>::all(client.clone())
        .create(&PostParams::default(), &namespace)
        .await
        .expect("created");
}

fn deployment(name: &str, image: &str, replicas: u32) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": name },
        "spec": {
            "replicas": replicas, "selector": { "matchLabels": { "app": name } },
            "template": {
                "metadata": { "labels": { "app": name } }, "spec": { "containers": [{ "name": "web", "image": image }] },
            },
        },
    })
}

async fn apply(client: &Client, manifest: &Value) -> kube::Result<Deployment> {
    let api = Api::<Deployment>::namespaced(client.clone(), "dev");
    let name = manifest["metadata"]["name"].as_str().expect("a name").to_owned();
    api.patch(&name, &PatchParams::apply("slipway"), &Patch::Apply(manifest))
        .await
}

async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut check: impl FnMut() -> F) -> T {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(found) = check().await {
            return found;
        }
        assert!(Instant::now() < deadline, "it never came to this: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn rolled_out(client: &Client, name: &str, replicas: i32) -> Deployment {
    let api = Api::<Deployment>::namespaced(client.clone(), "dev");
    until("a complete rollout", || async {
        let found = api.get(name).await.expect("the deployment");
        let status = found.status.clone().unwrap_or_default();
        let seen = status.observed_generation == found.metadata.generation;
        let all = [
            status.replicas,
            status.updated_replicas,
            status.available_replicas,
        ];
        (seen && all.iter().all(|n| n.unwrap_or(0) == replicas)).then_some(found)
    })
    .await
}

fn code(error: &kube::Error) -> u16 {
    match error {
        kube::Error::Api(status) => status.code,
        other => panic!("not an answer of the server: {other}"),
    }
}

#[tokio::test]
async fn an_applied_deployment_rolls_out_and_its_watch_tells() {
    let handle = cluster(None).await;
    let client = client(&handle).await;
    namespace(&client, "dev").await;
    let pods = Api::<Pod>::namespaced(client.clone(), "dev");
    let start = pods
        .list(&ListParams::default())
        .await
        .expect("a list")
        .metadata
        .resource_version
        .expect("a version");
    apply(&client, &deployment("web", "nginx:1", 2))
        .await
        .expect("applied");
    rolled_out(&client, "web", 2).await;
    let mut ready = 0;
    let mut events = pods
        .watch(&WatchParams::default().labels("app=web").timeout(10), &start)
        .await
        .expect("a watch")
        .boxed();
    while ready < 2 {
        match events.try_next().await.expect("an event").expect("more events") {
            WatchEvent::Modified(pod) => {
                let conditions = pod.status.and_then(|s| s.conditions).unwrap_or_default();
                ready += i32::from(
                    conditions
                        .iter()
                        .any(|c| c.type_ == "Ready" && c.status == "True"),
                );
            }
            WatchEvent::Added(_) | WatchEvent::Bookmark(_) => {}
            other => panic!("unexpected {other:?}"),
        }
    }
    let listed = pods
        .list(&ListParams::default().labels("app=web"))
        .await
        .expect("pods");
    let name = listed.items[0].metadata.name.clone().expect("a name");
    let log = pods
        .logs(
            &name,
            &LogParams {
                container: Some("web".into()),
                ..LogParams::default()
            },
        )
        .await
        .expect("a log");
    assert!(log.contains("listening on"), "{log}");
    handle.shutdown().await;
}

#[tokio::test]
async fn watches_end_with_410_once_the_past_is_forgotten() {
    let handle = cluster(None).await;
    let client = client(&handle).await;
    namespace(&client, "dev").await;
    let maps = Api::<ConfigMap>::namespaced(client.clone(), "dev");
    handle.compact();
    let mut events = maps
        .watch(&WatchParams::default(), "1")
        .await
        .expect("a watch")
        .boxed();
    match events.try_next().await.expect("an event") {
        Some(WatchEvent::Error(error)) => assert_eq!((error.code, error.reason.as_str()), (410, "Expired")),
        other => panic!("unexpected {other:?}"),
    }
    let matching = FaultMatch {
        method: None,
        path_regex: Some("^/api/v1/namespaces/dev/configmaps.*watch".into()),
    };
    handle
        .faults()
        .add(matching, Fault::WatchExpired, Some(1))
        .expect("a rule");
    let refused = match maps.watch(&WatchParams::default(), "1").await {
        Err(error) => code(&error),
        Ok(stream) => match stream.boxed().try_next().await {
            Err(error) => code(&error),
            Ok(event) => panic!("unexpected {event:?}"),
        },
    };
    assert_eq!(refused, 410);
    handle.shutdown().await;
}

#[tokio::test]
async fn pages_follow_one_another() {
    let handle = cluster(None).await;
    let client = client(&handle).await;
    namespace(&client, "dev").await;
    let maps = Api::<ConfigMap>::namespaced(client.clone(), "dev");
    for i in 0..7 {
        let map = serde_json::from_value(json!({ "metadata": { "generateName": format!("m{i}-") } }))
            .expect("a map");
        maps.create(&PostParams::default(), &map).await.expect("created");
    }
    let total = maps
        .list(&ListParams::default())
        .await
        .expect("a list")
        .items
        .len();
    let (mut seen, mut token) = (0, None::<String>);
    loop {
        let mut params = ListParams::default().limit(3);
        params.continue_token = token;
        let page = maps.list(&params).await.expect("a page");
        assert!(page.items.len() <= 3);
        seen += page.items.len();
        token = page.metadata.continue_.filter(|t| !t.is_empty());
        if token.is_none() {
            break;
        }
    }
    assert_eq!(seen, total);
    handle.shutdown().await;
}

#[tokio::test]
async fn conflicting_writes_are_refused() {
    let handle = cluster(None).await;
    let client = client(&handle).await;
    namespace(&client, "dev").await;
    let api = Api::<ConfigMap>::namespaced(client.clone(), "dev");
    let map: ConfigMap =
        serde_json::from_value(json!({ "metadata": { "name": "m" }, "data": { "a": "1" } })).expect("a map");
    let mut stale = api.create(&PostParams::default(), &map).await.expect("created");
    let patch = json!({ "data": { "a": "2" } });
    api.patch("m", &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .expect("patched");
    stale.data = Some([("a".to_owned(), "3".to_owned())].into());
    let error = api
        .replace("m", &PostParams::default(), &stale)
        .await
        .expect_err("stale");
    assert_eq!(code(&error), 409);
    assert!(
        error.to_string().contains("the object has been modified"),
        "{error}"
    );
    let twice = api
        .create(&PostParams::default(), &map)
        .await
        .expect_err("there already");
    assert!(twice.to_string().contains("already exists"), "{twice}");
    let dry = PatchParams {
        dry_run: true,
        ..PatchParams::default()
    };
    api.patch("m", &dry, &Patch::Merge(&json!({ "data": { "a": "9" } })))
        .await
        .expect("a dry run");
    assert_eq!(api.get("m").await.expect("m").data.expect("data")["a"], "2");
    handle.shutdown().await;
}

#[tokio::test]
async fn a_token_decides_what_is_allowed() {
    let handle = cluster(None).await;
    let http = reqwest::Client::new();
    let url = format!("{}/api/v1/namespaces", handle.url());
    let get = |token: &str| http.get(&url).bearer_auth(token).send();
    assert_eq!(get("wrong").await.expect("an answer").status(), 401);
    let nobody: Value = http
        .get(&url)
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("a status");
    assert_eq!(
        (&nobody["code"], &nobody["reason"], &nobody["kind"]),
        (&json!(401), &json!("Unauthorized"), &json!("Status"))
    );
    assert_eq!(
        get(handle.read_only_token()).await.expect("an answer").status(),
        200
    );
    let body = json!({ "metadata": { "name": "x" } });
    let refused = http
        .post(&url)
        .bearer_auth(handle.read_only_token())
        .json(&body)
        .send()
        .await
        .expect("an answer");
    assert_eq!(refused.status(), 403);
    let text = refused.text().await.expect("a body");
    assert!(
        text.contains("cannot create resource") && text.contains("at the cluster scope"),
        "{text}"
    );
    handle.shutdown().await;
}

#[tokio::test]
async fn faults_reach_clients_of_the_kubeconfig_too() {
    let handle = cluster(None).await;
    let config: Value = serde_json::from_str(&kubernetes::kubeconfig(&[&handle])).expect("a kubeconfig");
    let server = config["clusters"][0]["cluster"]["server"]
        .as_str()
        .expect("a server");
    let url = format!("{server}/api/v1/namespaces");
    let http = reqwest::Client::new();
    let only_lists = || FaultMatch {
        method: Some("GET".into()),
        path_regex: Some("^/api/v1/namespaces$".into()),
    };
    handle
        .faults()
        .add(only_lists(), Fault::RateLimited { retry_after: 7 }, Some(1))
        .expect("a rule");
    let limited = http.get(&url).send().await.expect("an answer");
    assert_eq!(limited.status(), 429);
    assert_eq!(limited.headers()["retry-after"], "7");
    handle
        .faults()
        .add(only_lists(), Fault::Drop, Some(1))
        .expect("a rule");
    assert!(http.get(&url).send().await.is_err(), "the connection is dropped");
    assert_eq!(http.get(&url).send().await.expect("an answer").status(), 200);
    handle.shutdown().await;
}

#[tokio::test]
async fn admission_rules_refuse_what_they_name() {
    let handle = cluster(None).await;
    let client = client(&handle).await;
    namespace(&client, "dev").await;
    let http = reqwest::Client::new();
    let url = format!("{}/-/sandbox/admission", handle.url());
    let rule = json!({ "kind": "Deployment", "message": "images must be signed" });
    http.post(&url)
        .bearer_auth(handle.token())
        .json(&rule)
        .send()
        .await
        .expect("an answer")
        .error_for_status()
        .expect("set");
    let error = apply(&client, &deployment("web", "nginx:1", 1))
        .await
        .expect_err("refused");
    assert_eq!(code(&error), 403);
    assert!(
        error
            .to_string()
            .contains("denied the request: images must be signed"),
        "{error}"
    );
    http.delete(&url)
        .bearer_auth(handle.token())
        .send()
        .await
        .expect("an answer")
        .error_for_status()
        .expect("cleared");
    apply(&client, &deployment("web", "nginx:1", 1))
        .await
        .expect("allowed again");
    handle.shutdown().await;
}

#[tokio::test]
async fn a_restart_keeps_objects_versions_and_the_token() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = cluster(Some(folder.path())).await;
    let client_before = client(&first).await;
    namespace(&client_before, "dev").await;
    apply(&client_before, &deployment("web", "nginx:1", 2))
        .await
        .expect("applied");
    let before = rolled_out(&client_before, "web", 2).await;
    let token = first.token().to_owned();
    first.shutdown().await;
    let second = cluster(Some(folder.path())).await;
    assert_eq!(second.token(), token);
    let client = client(&second).await;
    let after = Api::<Deployment>::namespaced(client.clone(), "dev")
        .get("web")
        .await
        .expect("still there");
    assert_eq!(after.metadata.uid, before.metadata.uid);
    assert_eq!(after.metadata.resource_version, before.metadata.resource_version);
    apply(&client, &deployment("web", "nginx:2", 3))
        .await
        .expect("applied");
    rolled_out(&client, "web", 3).await;
    second.shutdown().await;
}

#[tokio::test]
async fn a_killed_cluster_loses_at_most_its_last_moments() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = cluster(Some(folder.path())).await;
    let before = client(&first).await;
    namespace(&before, "dev").await;
    apply(&before, &deployment("web", "nginx:1", 1))
        .await
        .expect("applied");
    rolled_out(&before, "web", 1).await;
    let copy = tempfile::tempdir().expect("a folder");
    let file = "kubernetes-test.json";
    until("a saved rollout", || async {
        let bytes = std::fs::read(folder.path().join(file)).ok()?;
        let saved: Value = serde_json::from_slice(&bytes).expect("the file is whole at every moment");
        let objects = saved["objects"].as_array()?;
        objects
            .iter()
            .find(|o| o["kind"] == "Deployment" && o["status"]["availableReplicas"] == 1)?;
        std::fs::write(copy.path().join(file), bytes).ok()
    })
    .await;
    let second = cluster(Some(copy.path())).await;
    let after = client(&second).await;
    rolled_out(&after, "web", 1).await;
    first.shutdown().await;
    second.shutdown().await;
}

#[tokio::test]
async fn a_broken_release_leaves_the_old_pods_serving() {
    let handle = cluster(None).await;
    let client = client(&handle).await;
    namespace(&client, "dev").await;
    apply(&client, &deployment("web", "nginx:1", 3))
        .await
        .expect("applied");
    rolled_out(&client, "web", 3).await;
    let mut broken = deployment("web", "nginx:2", 3);
    broken["spec"]["progressDeadlineSeconds"] = json!(1);
    broken["spec"]["template"]["metadata"]["annotations"] = json!({ kubernetes::BEHAVIOR: "never-ready" });
    apply(&client, &broken).await.expect("applied");
    let api = Api::<Deployment>::namespaced(client.clone(), "dev");
    let stuck = until("a missed deadline", || async {
        let found = api.get("web").await.expect("the deployment");
        let conditions = found.status.clone()?.conditions?;
        conditions
            .iter()
            .any(|c| c.reason.as_deref() == Some("ProgressDeadlineExceeded"))
            .then_some(found)
    })
    .await;
    let status = stuck.status.expect("a status");
    assert_eq!(
        (
            status.available_replicas,
            status.updated_replicas,
            status.replicas
        ),
        (Some(3), Some(1), Some(4))
    );
    apply(&client, &deployment("web", "nginx:1", 3))
        .await
        .expect("rolled back");
    rolled_out(&client, "web", 3).await;
    handle.shutdown().await;
}

#[tokio::test]
async fn recreate_ends_the_old_pods_before_it_starts_new_ones() {
    let handle = cluster(None).await;
    let client = client(&handle).await;
    namespace(&client, "dev").await;
    let mut manifest = deployment("web", "nginx:1", 2);
    manifest["spec"]["strategy"] = json!({ "type": "Recreate" });
    apply(&client, &manifest).await.expect("applied");
    rolled_out(&client, "web", 2).await;
    let pods = Api::<Pod>::namespaced(client.clone(), "dev");
    let start = pods
        .list(&ListParams::default())
        .await
        .expect("a list")
        .metadata
        .resource_version
        .expect("a version");
    manifest["spec"]["template"]["spec"]["containers"][0]["image"] = json!("nginx:2");
    apply(&client, &manifest).await.expect("applied");
    let mut events = pods
        .watch(&WatchParams::default().timeout(10), &start)
        .await
        .expect("a watch")
        .boxed();
    let mut deleted = 0;
    loop {
        match events.try_next().await.expect("an event").expect("more events") {
            WatchEvent::Deleted(_) => deleted += 1,
            WatchEvent::Added(_) => break,
            _ => {}
        }
    }
    assert_eq!(deleted, 2, "both old pods end before the first new one");
    rolled_out(&client, "web", 2).await;
    handle.shutdown().await;
}

#[tokio::test]
async fn deleting_a_namespace_takes_everything_with_it() {
    let handle = cluster(None).await;
    let client = client(&handle).await;
    namespace(&client, "dev").await;
    apply(&client, &deployment("web", "nginx:1", 2))
        .await
        .expect("applied");
    rolled_out(&client, "web", 2).await;
    let namespaces = Api::<Namespace>::all(client.clone());
    namespaces
        .delete("dev", &DeleteParams::default())
        .await
        .expect("marked");
    let error = apply(&client, &deployment("late", "nginx:1", 1))
        .await
        .expect_err("too late");
    assert!(matches!(code(&error), 403 | 404), "{error}");
    until("an end of the namespace", || async {
        namespaces
            .get_opt("dev")
            .await
            .expect("an answer")
            .is_none()
            .then_some(())
    })
    .await;
    let left = Api::<Pod>::all(client.clone())
        .list(&ListParams::default())
        .await
        .expect("pods");
    assert!(left.items.is_empty());
    let events = Api::<Event>::namespaced(client.clone(), "dev")
        .list(&ListParams::default())
        .await
        .expect("events");
    assert!(events.items.is_empty());
    handle.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_applies_at_once_all_roll_out() {
    let handle = cluster(None).await;
    let client = client(&handle).await;
    namespace(&client, "dev").await;
    let started = Instant::now();
    let client = Arc::new(client);
    let applies = (0..500).map(|i| {
        let client = Arc::clone(&client);
        async move {
            apply(&client, &deployment(&format!("web-{i}"), "nginx:1", 1))
                .await
                .map(|_| ())
        }
    });
    for result in futures::future::join_all(applies).await {
        result.expect("applied");
    }
    println!("500 applies took {:?}", started.elapsed());
    let api = Api::<Deployment>::namespaced((*client).clone(), "dev");
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        let list = api.list(&ListParams::default()).await.expect("a list");
        let done = list
            .items
            .iter()
            .filter(|d| d.status.as_ref().and_then(|s| s.available_replicas) == Some(1))
            .count();
        if done == 500 {
            break;
        }
        assert!(Instant::now() < deadline, "only {done} of 500 came up");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    println!("500 rollouts took {:?}", started.elapsed());
    handle.shutdown().await;
}
