//! A Kubernetes API server on loopback, for `kubectl` and kube clients, with the controllers that matter.
//!
//! Objects are JSON in memory; [`schema`] knows their types. [`registry`] says what a write means, [`state`] stores
//! and logs it for watches, [`controllers`] bring Deployments to Pods, and [`http`] speaks the wire protocol.

mod access;
mod admission;
mod apply;
mod controllers;
mod decode;
mod defaults;
mod discovery;
mod error;
mod fieldset;
mod http;
mod images;
mod lists;
mod logs;
mod object;
mod openapi;
mod patch;
mod persistence;
mod protobuf;
mod quantity;
mod quota;
mod registry;
mod remarks;
mod resource;
mod schema;
mod selector;
mod state;
mod subresources;
mod table;
mod validate;
mod watch;
mod writes;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use axum::ServiceExt;
use axum::extract::Request;
use parking_lot::Mutex;
use serde_json::json;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tower::Layer as _;

use crate::faults::Faults;

pub use controllers::Speed;
pub use images::BEHAVIOR;

use images::Images;
use registry::Registry;

/// What a cluster is started with.
#[derive(Debug, Clone)]
pub struct KubernetesConfig {
    /// The context's name in the kubeconfig.
    pub name: String,
    /// Where to listen; port 0 takes a free one.
    pub addr: SocketAddr,
    /// Folder for the state, which then survives restarts with its resource versions.
    pub data: Option<PathBuf>,
    /// Folder of the sandbox's image registry.
    pub registry: Option<PathBuf>,
    pub speed: Speed,
}

/// Everything that the server's tasks share.
struct Cluster {
    name: String,
    speed: Speed,
    images: Images,
    registry: Mutex<Registry>,
    access: access::Access,
    faults: Faults,
    stop: CancellationToken,
    dirty: AtomicBool,
    changed: Notify,
}

impl Cluster {
    /// Says that there is something new to persist.
    fn touched(&self) {
        if !self.dirty.swap(true, Ordering::Relaxed) {
            self.changed.notify_one();
        }
    }
}

/// A running cluster.
pub struct KubernetesHandle {
    cluster: Arc<Cluster>,
    addr: SocketAddr,
    tasks: Vec<JoinHandle<()>>,
}

impl KubernetesHandle {
    /// `http://127.0.0.1:<port>`.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The administrator's bearer token.
    pub fn token(&self) -> &str {
        self.cluster.access.admin()
    }

    /// A bearer token that may only get, list and watch.
    pub fn read_only_token(&self) -> &str {
        self.cluster.access.reader()
    }

    pub fn name(&self) -> &str {
        &self.cluster.name
    }

    pub fn faults(&self) -> &Faults {
        &self.cluster.faults
    }

    /// Forgets all past changes, so that every watch that starts in the past answers 410 Gone.
    pub fn compact(&self) {
        self.cluster.registry.lock().state.compact();
    }

    /// Stops listening, ends the watches and writes the state.
    pub async fn shutdown(self) {
        self.cluster.stop.cancel();
        for task in self.tasks {
            // A task that panicked has said so already; the others still need waiting for.
            let _ = task.await;
        }
    }
}

/// Starts a cluster. Fails when the address is taken or the persisted state cannot be read.
pub async fn start(config: KubernetesConfig) -> anyhow::Result<KubernetesHandle> {
    let (state, changes) = state::State::new();
    let mut registry = Registry {
        state,
        admission: admission::AdmissionRules::default(),
    };
    let file = config
        .data
        .as_ref()
        .map(|folder| folder.join(format!("kubernetes-{}.json", config.name)));
    let tokens = match &file {
        Some(file) => persistence::load(file, &mut registry.state)?,
        None => None,
    };
    controllers::bootstrap(&mut registry);
    let cluster = Arc::new(Cluster {
        name: config.name,
        speed: config.speed,
        images: Images::new(config.registry),
        registry: Mutex::new(registry),
        access: access::Access::new(tokens),
        faults: Faults::new(),
        stop: CancellationToken::new(),
        dirty: AtomicBool::new(false),
        changed: Notify::new(),
    });
    let listener = tokio::net::TcpListener::bind(config.addr)
        .await
        .with_context(|| {
            format!(
                "the sandbox's Kubernetes cannot listen on {}; choose another address",
                config.addr
            )
        })?;
    let addr = listener
        .local_addr()
        .context("the listening socket has no address")?;
    let mut tasks = Vec::new();
    if let Some(file) = file {
        persistence::save(&file, &cluster).await?;
        tasks.push(tokio::spawn(persistence::run(file, Arc::clone(&cluster))));
    }
    let controllers = controllers::Controllers::new(Arc::clone(&cluster));
    tasks.push(tokio::spawn(controllers.run(changes, cluster.stop.clone())));
    let router = cluster.faults.wrap(http::router(Arc::clone(&cluster)));
    let service = tower::util::MapRequestLayer::new(access::take_token_from_path).layer(router);
    let stop = cluster.stop.clone();
    tasks.push(tokio::spawn(async move {
        let served = axum::serve(listener, ServiceExt::<Request>::into_make_service(service))
            .with_graceful_shutdown(stop.cancelled_owned())
            .await;
        if let Err(error) = served {
            tracing::error!(%error, "the sandbox's Kubernetes stopped serving");
        }
    }));
    Ok(KubernetesHandle { cluster, addr, tasks })
}

/// A kubeconfig with one context per cluster, the first one current. JSON, which is YAML too.
///
/// The server's address carries the token as well, since kubectl sends no credentials over plain HTTP.
pub fn kubeconfig(handles: &[&KubernetesHandle]) -> String {
    let each = |make: &dyn Fn(&KubernetesHandle) -> serde_json::Value| {
        handles.iter().map(|h| make(h)).collect::<Vec<_>>()
    };
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "preferences": {},
        "clusters": each(&|h| json!({ "name": h.name(), "cluster": { "server": format!("{}{}", h.url(), access::path_of_token(h.token())) } })),
        "users": each(&|h| json!({ "name": h.name(), "user": { "token": h.token() } })),
        "contexts": each(&|h| json!({ "name": h.name(), "context": { "cluster": h.name(), "user": h.name(), "namespace": "default" } })),
        "current-context": handles.first().map(|h| h.name()).unwrap_or_default(),
    });
    format!("{config:#}")
}
