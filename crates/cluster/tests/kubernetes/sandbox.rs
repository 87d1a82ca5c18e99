//! A cluster of the sandbox, and what is deployed to it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use slipway_cluster::KubeConnector;
use slipway_domain::rollout::{Rollout, WorkloadStatus};
use slipway_portal::ports::{Cluster, ClusterAccess, ClusterConnector as _, ClusterError};
use slipway_sandbox::kubernetes::{self, BEHAVIOR, KubernetesConfig, KubernetesHandle, Speed};

pub const NAMESPACE: &str = "dev";

/// A running cluster with the namespace `dev`, and the adapter's client for it.
pub struct Sandbox {
    pub handle: KubernetesHandle,
    pub cluster: Arc<dyn Cluster>,
}

impl Sandbox {
    pub async fn start() -> Self {
        let config = KubernetesConfig {
            name: "test".into(),
            addr: "127.0.0.1:0".parse().expect("an address"),
            data: None,
            registry: None,
            speed: Speed::Fast,
        };
        let handle = kubernetes::start(config).await.expect("a cluster");
        let cluster = connect(&handle.url(), handle.token()).await.expect("a client");
        cluster.ensure_namespace(NAMESPACE).await.expect("a namespace");
        Self { handle, cluster }
    }

    /// A client with the token that may only read.
    pub async fn reader(&self) -> Arc<dyn Cluster> {
        connect(&self.handle.url(), self.handle.read_only_token())
            .await
            .expect("a client")
    }

    /// Asks the server without the adapter: the path as `kubectl --raw` takes it.
    pub async fn raw(&self, method: http::Method, path: &str, body: &Value) -> Value {
        let kubeconfig =
            kube::config::Kubeconfig::from_yaml(&kubeconfig(&self.handle.url(), self.handle.token()));
        let options = kube::config::KubeConfigOptions::default();
        let config = kube::Config::from_custom_kubeconfig(kubeconfig.expect("a kubeconfig"), &options).await;
        let client = kube::Client::try_from(config.expect("settings")).expect("a client");
        let kind = if method == http::Method::PATCH {
            "application/apply-patch+yaml"
        } else {
            "application/json"
        };
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", kind);
        let request = request.body(body.to_string().into_bytes()).expect("a request");
        let text = client.request_text(request).await.expect("an answer");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// The Deployment as the server shows it.
    pub async fn deployment(&self, name: &str) -> Value {
        let path = format!("/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{name}");
        self.raw(http::Method::GET, &path, &Value::Null).await
    }

    pub async fn apply(&self, object: &Value) -> Result<(), ClusterError> {
        self.cluster.apply(object, 1, &[]).await.map(|_| ())
    }

    /// Waits until the workload satisfies `check`.
    pub async fn workload_until(
        &self,
        name: &str,
        what: &str,
        check: impl Fn(&WorkloadStatus) -> bool,
    ) -> WorkloadStatus {
        until(what, || async {
            let status = self.cluster.workload(NAMESPACE, name).await.expect("an answer")?;
            check(&status).then_some(status)
        })
        .await
    }

    pub async fn rolled_out(&self, name: &str) -> WorkloadStatus {
        self.workload_until(name, "a complete rollout", |status| {
            status.rollout() == Rollout::Complete
        })
        .await
    }
}

pub fn kubeconfig(url: &str, token: &str) -> String {
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "test",
        "clusters": [{ "name": "test", "cluster": { "server": url } }],
        "users": [{ "name": "test", "user": { "token": token } }],
        "contexts": [{ "name": "test", "context": { "cluster": "test", "user": "test" } }],
    })
    .to_string()
}

pub fn access(kubeconfig: impl Into<String>) -> ClusterAccess {
    ClusterAccess {
        kubeconfig: Some(kubeconfig.into()),
        context: None,
        operator: false,
    }
}

pub async fn connect(url: &str, token: &str) -> Result<Arc<dyn Cluster>, ClusterError> {
    KubeConnector::new(slipway_portal::outgoing::Outgoing::with_loopback())
        .connect(&access(kubeconfig(url, token)))
        .await
}

pub fn deployment(name: &str, replicas: i32) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": { "name": name, "namespace": NAMESPACE, "annotations": { "slipway.dev/fence": "1" } },
        "spec": {
            "replicas": replicas,
            "selector": { "matchLabels": { "app": name } },
            "template": {
                "metadata": { "labels": { "app": name } },
                "spec": { "containers": [{ "name": "web", "image": "nginx:1" }] },
            },
        },
    })
}

/// A Deployment whose pods behave in this way.
pub fn behaving(name: &str, replicas: i32, behavior: &str) -> Value {
    let mut object = deployment(name, replicas);
    object["spec"]["template"]["metadata"]["annotations"] = json!({ BEHAVIOR: behavior });
    object
}

pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut check: impl FnMut() -> F) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(found) = check().await {
            return found;
        }
        assert!(Instant::now() < deadline, "it never came to this: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
