//! Loopback servers that speak GitLab's and Kubernetes' wire protocols, for the demo and the tests.
//!
//! Nothing here depends on another Slipway crate: the sandbox must not share the product's mistakes.

// GitLab's larger entities are single `json!` documents.
#![recursion_limit = "256"]

pub mod faults;
pub mod gitlab;
pub mod kubernetes;

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context as _;

use gitlab::{GitlabConfig, GitlabHandle};
pub use kubernetes::Speed;
use kubernetes::{KubernetesConfig, KubernetesHandle};

/// What a sandbox consists of.
#[derive(Clone, Debug)]
pub struct SandboxConfig {
    /// Folder for everything that survives a restart.
    pub data: PathBuf,
    /// Address of the GitLab; port 0 takes a free one.
    pub gitlab: SocketAddr,
    /// The clusters by context name, each with its address.
    pub kubernetes: Vec<(String, SocketAddr)>,
    /// How fast pods become ready.
    pub speed: Speed,
    /// Where to write the kubeconfig of all clusters; the first one is its current context.
    pub kubeconfig: PathBuf,
}

/// A GitLab and its clusters, the clusters pulling images from that GitLab's registry.
pub struct Sandbox {
    gitlab: GitlabHandle,
    kubernetes: Vec<KubernetesHandle>,
    kubeconfig: PathBuf,
}

impl Sandbox {
    pub async fn start(config: SandboxConfig) -> anyhow::Result<Self> {
        let gitlab = gitlab::start(GitlabConfig {
            data: config.data.join("gitlab"),
            addr: config.gitlab,
            public_url: None,
        })
        .await?;
        let folder = config.data.join("kubernetes");
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let mut kubernetes = Vec::new();
        for (name, addr) in config.kubernetes {
            let started = kubernetes::start(KubernetesConfig {
                name,
                addr,
                data: Some(folder.clone()),
                registry: Some(gitlab.registry_root()),
                speed: config.speed,
            });
            kubernetes.push(started.await?);
        }
        let handles: Vec<&KubernetesHandle> = kubernetes.iter().collect();
        if let Some(folder) = config.kubeconfig.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&config.kubeconfig, kubernetes::kubeconfig(&handles))
            .with_context(|| format!("cannot write {}", config.kubeconfig.display()))?;
        Ok(Self {
            gitlab,
            kubernetes,
            kubeconfig: config.kubeconfig,
        })
    }

    pub fn gitlab(&self) -> &GitlabHandle {
        &self.gitlab
    }

    pub fn kubernetes(&self) -> &[KubernetesHandle] {
        &self.kubernetes
    }

    pub fn gitlab_url(&self) -> String {
        self.gitlab.url()
    }

    /// A token of GitLab's administrator.
    pub fn gitlab_token(&self) -> &str {
        self.gitlab.admin_token()
    }

    /// The clusters' base addresses, in the order of the configuration.
    pub fn kubernetes_urls(&self) -> Vec<String> {
        self.kubernetes.iter().map(KubernetesHandle::url).collect()
    }

    pub fn kubeconfig(&self) -> &PathBuf {
        &self.kubeconfig
    }

    /// Stops all servers and writes their state.
    pub async fn shutdown(self) {
        self.gitlab.shutdown().await;
        for cluster in self.kubernetes {
            cluster.shutdown().await;
        }
    }
}
