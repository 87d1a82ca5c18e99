//! The sandbox's Kubernetes against material that nobody here wrote: JSON schemas of the kinds, discovery documents
//! and recorded exchanges of a real API server. Where the material is absent a test says that it is skipped.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use slipway_sandbox::kubernetes::{self, KubernetesConfig, KubernetesHandle, Speed};

/// The folder of the contract's Kubernetes part; none (and a word about it) when it is not there.
fn contract(part: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/contract/k8s")
        .join(part);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: {} is not here", folder.display());
    None
}

fn read(path: &Path) -> Value {
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_slice(&bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

struct Server {
    handle: KubernetesHandle,
    http: reqwest::Client,
}

impl Server {
    async fn start() -> Self {
        let config = KubernetesConfig {
            name: "contract".into(),
            addr: "127.0.0.1:0".parse().expect("an address"),
            data: None,
            registry: None,
            speed: Speed::Fast,
        };
        Self {
            handle: kubernetes::start(config).await.expect("a cluster"),
            http: reqwest::Client::new(),
        }
    }

    async fn call(&self, method: &str, path: &str, content_type: &str, body: &str) -> (u16, Value) {
        let method = method.parse().expect("a method");
        let request = self
            .http
            .request(method, format!("{}{path}", self.handle.url()))
            .bearer_auth(self.handle.token());
        let request = if body.is_empty() {
            request
        } else {
            request.header("Content-Type", content_type).body(body.to_owned())
        };
        let response = request.send().await.expect("an answer");
        let code = response.status().as_u16();
        (code, response.json().await.expect("JSON"))
    }

    async fn get(&self, path: &str) -> Value {
        let (code, body) = self.call("GET", path, "", "").await;
        assert_eq!(code, 200, "{path}: {body}");
        body
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let (code, body) = self
            .call("POST", path, "application/json", &body.to_string())
            .await;
        assert_eq!(code, 201, "{path}: {body}");
        body
    }
}

/// A schema of the contract with the definitions it refers to.
fn validator(folder: &Path, name: &str) -> jsonschema::Validator {
    let mut schema = read(&folder.join(format!("{name}.json")));
    let definitions = read(&folder.join("_definitions.json"));
    let text = schema.to_string().replace("/api/_definitions.json#/", "#/");
    schema = serde_json::from_str(&text).expect("JSON");
    let inner = definitions
        .to_string()
        .replace("/api/_definitions.json#/", "#/")
        .replace("_definitions.json#/", "#/");
    let definitions: Value = serde_json::from_str(&inner).expect("JSON");
    for (key, value) in definitions.as_object().expect("an object") {
        if key.starts_with('$') && key != "$schema" && key != "$id" || key == "definitions" {
            schema[key] = value.clone();
        }
    }
    if let Some(map) = schema.as_object_mut() {
        map.remove("$schema");
        map.remove("$id");
    }
    jsonschema::validator_for(&schema).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn assert_valid(validator: &jsonschema::Validator, name: &str, value: &Value) {
    let errors: Vec<String> = validator
        .iter_errors(value)
        .map(|e| format!("{} at {}", e, e.instance_path))
        .collect();
    assert!(
        errors.is_empty(),
        "{name} does not validate:\n{}\nin {value:#}",
        errors.join("\n")
    );
}

fn manifests() -> Vec<(&'static str, Value)> {
    let pod = json!({
        "containers": [{
            "name": "web", "image": "nginx:1", "ports": [{ "containerPort": 80, "name": "http" }],
            "env": [{ "name": "A", "value": "1" }, { "name": "P", "valueFrom": { "fieldRef": { "fieldPath": "metadata.name" } } }],
            "resources": { "requests": { "cpu": "100m", "memory": "64Mi" }, "limits": { "cpu": "0.5" } },
            "readinessProbe": { "httpGet": { "port": "http" } }, "volumeMounts": [{ "name": "data", "mountPath": "/data" }],
        }],
        "volumes": [{ "name": "data", "emptyDir": {} }],
    });
    let template = json!({ "metadata": { "labels": { "app": "web" } }, "spec": pod });
    let selector = json!({ "matchLabels": { "app": "web" } });
    let named = |name: &str, rest: Value| {
        let mut value = rest;
        value["metadata"] = json!({ "name": name, "labels": { "app": "web" } });
        value
    };
    vec![
        (
            "/apis/apps/v1/namespaces/default/deployments",
            named(
                "web",
                json!({ "spec": { "replicas": 2, "selector": selector, "template": template } }),
            ),
        ),
        (
            "/apis/apps/v1/namespaces/default/statefulsets",
            named(
                "db",
                json!({ "spec": { "serviceName": "db", "selector": selector, "template": template } }),
            ),
        ),
        (
            "/api/v1/namespaces/default/services",
            named(
                "web",
                json!({ "spec": { "type": "LoadBalancer", "selector": { "app": "web" }, "ports": [{ "port": 80 }] } }),
            ),
        ),
        (
            "/api/v1/namespaces/default/configmaps",
            named("settings", json!({ "data": { "a": "b" } })),
        ),
        (
            "/api/v1/namespaces/default/secrets",
            named("keys", json!({ "stringData": { "a": "b" } })),
        ),
        (
            "/api/v1/namespaces/default/resourcequotas",
            named(
                "team",
                json!({ "spec": { "hard": { "pods": "50", "requests.memory": "64Gi", "requests.cpu": "20" } } }),
            ),
        ),
        (
            "/apis/networking.k8s.io/v1/namespaces/default/ingresses",
            named(
                "web",
                json!({ "spec": { "defaultBackend": { "service": { "name": "web", "port": { "number": 80 } } } } }),
            ),
        ),
        (
            "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers",
            named(
                "web",
                json!({ "spec": { "maxReplicas": 3, "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" } } }),
            ),
        ),
    ]
}

#[tokio::test]
async fn objects_and_lists_validate_strictly() {
    let Some(folder) = contract("jsonschema-v1.37-strict") else {
        return;
    };
    let server = Server::start().await;
    for (path, manifest) in manifests() {
        server.post(path, &manifest).await;
    }
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let web = server
            .get("/apis/apps/v1/namespaces/default/deployments/web")
            .await;
        let db = server
            .get("/apis/apps/v1/namespaces/default/statefulsets/db")
            .await;
        if web["status"]["availableReplicas"] == 2 && db["status"]["readyReplicas"] == 1 {
            break;
        }
        assert!(Instant::now() < deadline, "never complete: {}", web["status"]);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let kinds = [
        (
            "/apis/apps/v1/namespaces/default/deployments",
            "deployment-apps-v1",
            Some("deploymentlist-apps-v1"),
        ),
        (
            "/apis/apps/v1/namespaces/default/replicasets",
            "replicaset-apps-v1",
            None,
        ),
        (
            "/apis/apps/v1/namespaces/default/statefulsets",
            "statefulset-apps-v1",
            None,
        ),
        ("/api/v1/namespaces/default/pods", "pod-v1", Some("podlist-v1")),
        (
            "/api/v1/namespaces/default/services",
            "service-v1",
            Some("servicelist-v1"),
        ),
        (
            "/api/v1/namespaces/default/configmaps",
            "configmap-v1",
            Some("configmaplist-v1"),
        ),
        ("/api/v1/namespaces/default/secrets", "secret-v1", None),
        (
            "/api/v1/namespaces/default/resourcequotas",
            "resourcequota-v1",
            None,
        ),
        (
            "/api/v1/namespaces/default/events",
            "event-v1",
            Some("eventlist-v1"),
        ),
        (
            "/apis/events.k8s.io/v1/namespaces/default/events",
            "event-events-v1",
            None,
        ),
        (
            "/apis/networking.k8s.io/v1/namespaces/default/ingresses",
            "ingress-networking-v1",
            None,
        ),
        (
            "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers",
            "horizontalpodautoscaler-autoscaling-v2",
            None,
        ),
        ("/api/v1/namespaces", "namespace-v1", Some("namespacelist-v1")),
    ];
    for (path, one, many) in kinds {
        let list = server.get(path).await;
        if let Some(name) = many {
            assert_valid(&validator(&folder, name), name, &list);
        }
        let items = list["items"].as_array().expect("items");
        assert!(!items.is_empty(), "{path} is empty");
        let validator = validator(&folder, one);
        for item in items {
            let found = server
                .get(&format!(
                    "{path}/{}",
                    item["metadata"]["name"].as_str().expect("a name")
                ))
                .await;
            assert_valid(&validator, one, &found);
        }
    }
    let scale = server
        .get("/apis/apps/v1/namespaces/default/deployments/web/scale")
        .await;
    assert_valid(&validator(&folder, "scale-autoscaling-v1"), "scale", &scale);
    server.handle.shutdown().await;
}

/// What discovery says of one resource, without the fields that are the server's own business.
fn essence(resource: &Value) -> Value {
    let mut copy = resource.clone();
    let map = copy.as_object_mut().expect("an object");
    map.remove("storageVersionHash");
    copy
}

#[tokio::test]
async fn discovery_says_of_each_served_resource_what_kubernetes_says() {
    let Some(folder) = contract("discovery") else {
        return;
    };
    let server = Server::start().await;
    let documents = [
        ("api__v1.json", "/api/v1"),
        ("apis__apps__v1.json", "/apis/apps/v1"),
        ("apis__autoscaling__v2.json", "/apis/autoscaling/v2"),
        ("apis__events.k8s.io__v1.json", "/apis/events.k8s.io/v1"),
        ("apis__networking.k8s.io__v1.json", "/apis/networking.k8s.io/v1"),
    ];
    for (file, path) in documents {
        let wanted = read(&folder.join(file));
        let found = server.get(path).await;
        assert_eq!(wanted["groupVersion"], found["groupVersion"]);
        assert_eq!(wanted.get("apiVersion"), found.get("apiVersion"), "{path}");
        for resource in found["resources"].as_array().expect("resources") {
            let theirs = wanted["resources"]
                .as_array()
                .expect("resources")
                .iter()
                .find(|r| r["name"] == resource["name"]);
            let theirs = theirs.unwrap_or_else(|| panic!("{path} has no {}", resource["name"]));
            assert_eq!(essence(theirs), essence(resource), "{path}");
        }
    }
    let api = read(&folder.join("api.json"));
    let found = server.get("/api").await;
    assert_eq!(
        (&api["kind"], &api["versions"]),
        (&found["kind"], &found["versions"])
    );
    server.handle.shutdown().await;
}

/// Every path in a document, lists by their first item; names that the server invents are left out.
fn shape(value: &Value, at: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (key, below) in map {
                shape(below, &format!("{at}.{key}"), found);
            }
        }
        Value::Array(items) => {
            if let Some(first) = items.first() {
                shape(first, &format!("{at}[]"), found);
            }
        }
        _ => drop(found.insert(at.to_owned())),
    }
}

fn shape_of(value: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    shape(value, "", &mut found);
    // Timing decides how far the status is.
    found.retain(|path| !path.starts_with(".status") && !path.starts_with(".metadata.managedFields"));
    found
}

#[tokio::test]
async fn recorded_writes_get_answers_of_the_recorded_shape() {
    let Some(folder) = contract("replays") else { return };
    let server = Server::start().await;
    let replay = read(&folder.join("patch-deployment.json"));
    let mut compared = 0;
    for exchange in replay.as_array().expect("exchanges") {
        let text = |field: &str| exchange[field].as_str().unwrap_or_default();
        if !matches!(text("request_method"), "POST" | "PATCH") {
            continue;
        }
        let (code, answer) = server
            .call(
                text("request_method"),
                text("request_url"),
                text("request_content_type"),
                text("request_body"),
            )
            .await;
        let wanted: Value = serde_json::from_str(text("response_body")).expect("a recorded body");
        assert_eq!(
            u64::from(code),
            exchange["response_status_code"].as_u64().expect("a code"),
            "{answer}"
        );
        let mut mine = shape_of(&answer);
        mine.retain(|path| !path.starts_with(".metadata.annotations"));
        let mut theirs = shape_of(&wanted);
        theirs.retain(|path| !path.starts_with(".metadata.annotations"));
        assert_eq!(theirs, mine, "{} {}", text("request_method"), text("request_url"));
        assert_eq!(wanted["spec"], answer["spec"], "{}", text("request_content_type"));
        assert_eq!(wanted["metadata"]["generation"], answer["metadata"]["generation"]);
        compared += 1;
    }
    assert!(compared >= 4, "only {compared} exchanges");
    let created: Value =
        serde_json::from_str(replay[0]["response_body"].as_str().expect("a body")).expect("JSON");
    let again = json!({
        "metadata": { "name": "fields" },
        "spec": serde_json::from_str::<Value>(replay[0]["request_body"].as_str().expect("a body")).expect("JSON")["spec"],
    });
    let mine = server
        .post(
            "/apis/apps/v1/namespaces/default/deployments?fieldManager=unknown",
            &again,
        )
        .await;
    assert_eq!(
        created["metadata"]["managedFields"][0]["fieldsV1"],
        mine["metadata"]["managedFields"][0]["fieldsV1"]
    );
    server.handle.shutdown().await;
}

#[tokio::test]
async fn a_recorded_job_is_answered_as_recorded() {
    let Some(folder) = contract("replays") else { return };
    let server = Server::start().await;
    let replay = read(&folder.join("job-create.json"));
    let exchange = &replay[0];
    let body = exchange["request_body"].as_str().expect("a body");
    let (code, answer) = server
        .call(
            "POST",
            "/apis/batch/v1/namespaces/default/jobs",
            "application/json",
            body,
        )
        .await;
    let wanted: Value =
        serde_json::from_str(exchange["response_body"].as_str().expect("a body")).expect("JSON");
    assert_eq!(code, 201, "{answer}");
    assert_eq!(shape_of(&wanted), shape_of(&answer));
    server.handle.shutdown().await;
}

#[tokio::test]
async fn a_streaming_list_ends_its_beginning_with_the_recorded_bookmark() {
    let Some(folder) = contract("replays") else { return };
    let server = Server::start().await;
    let replay = read(&folder.join("watch_event-watch_pods_without_initial_events.json"));
    let recorded = replay[0]["response_body"].as_str().expect("a body").to_owned();
    let last: Value = recorded
        .lines()
        .rfind(|l| !l.is_empty())
        .and_then(|l| serde_json::from_str(l).ok())
        .expect("a bookmark");
    let pod = json!({ "metadata": { "name": "p" }, "spec": { "containers": [{ "name": "c", "image": "nginx:1" }] } });
    server.post("/api/v1/namespaces/kube-system/pods", &pod).await;
    let url = format!(
        "{}{}&timeoutSeconds=1",
        server.handle.url(),
        replay[0]["request_url"].as_str().expect("a URL")
    );
    let text = server
        .http
        .get(url)
        .bearer_auth(server.handle.token())
        .send()
        .await
        .expect("an answer")
        .text()
        .await
        .expect("a stream");
    let events: Vec<Value> = text
        .lines()
        .map(|l| serde_json::from_str(l).expect("an event"))
        .collect();
    assert_eq!(events[0]["type"], "ADDED");
    let bookmark = events
        .iter()
        .find(|e| e["type"] == "BOOKMARK")
        .expect("a bookmark");
    assert_eq!(bookmark["object"]["kind"], last["object"]["kind"]);
    assert_eq!(
        bookmark["object"]["metadata"]["annotations"],
        last["object"]["metadata"]["annotations"]
    );
    server.handle.shutdown().await;
}
