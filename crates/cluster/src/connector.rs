//! Makes clients, one per access.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use kube::client::ClientBuilder;
use kube::{Client, Config};
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use slipway_portal::outgoing::Outgoing;
use slipway_portal::ports::{Cluster, ClusterAccess, ClusterConnector, ClusterError};
use tower::util::AndThenLayer;

use crate::cluster::KubeCluster;
use crate::{failure, guard, kubeconfig, refusal};

/// Clients that nobody asked for in this long are let go, and with them the credentials they hold.
const KEPT_UNUSED: Duration = Duration::from_hours(1);

/// The SHA-256 of an access, so that the map holds no second copy of the credentials.
type Key = [u8; 32];

struct Shared {
    cluster: Arc<KubeCluster>,
    used: Instant,
}

/// Connects to Kubernetes clusters by kubeconfig or as the pod's service account.
///
/// Cheap to ask: clients of the same access are shared, with their connections. A changed kubeconfig is another
/// access and gets another client.
pub struct KubeConnector {
    outgoing: Outgoing,
    clients: Mutex<HashMap<Key, Shared>>,
}

impl KubeConnector {
    /// A connector without clients. It refuses kubeconfigs that name a program (`exec`, `auth-provider`) or a file
    /// (`tokenFile`, `client-certificate`, `client-key`, `certificate-authority`), since those would run or be read
    /// on Slipway's machine, servers out of `outgoing`'s bounds, and where `outgoing` does not lend it Slipway's own
    /// service account, unless the machine's operator wrote them.
    pub fn new(outgoing: Outgoing) -> Self {
        Self {
            outgoing,
            clients: Mutex::default(),
        }
    }

    /// Refuses Slipway's own service account to people, unless the machine's operator lets them have it.
    fn lends_itself(&self, access: &ClusterAccess) -> Result<(), ClusterError> {
        if access.kubeconfig.is_some() || access.operator || self.outgoing.in_cluster() {
            return Ok(());
        }
        Err(ClusterError::Forbidden(String::from(
            "it has no kubeconfig, and Slipway's own service account is not for people to choose; give it a kubeconfig, \
             or let the server's operator bring it along ([[clusters]]) or allow it (outgoing.in_cluster)",
        )))
    }

    fn shared(&self, key: &Key) -> Option<Arc<KubeCluster>> {
        let mut clients = self.clients.lock();
        clients.retain(|_, shared| shared.used.elapsed() < KEPT_UNUSED && !shared.cluster.has_expired());
        let shared = clients.get_mut(key)?;
        shared.used = Instant::now();
        Some(Arc::clone(&shared.cluster))
    }

    async fn cluster(&self, access: &ClusterAccess) -> Result<Arc<KubeCluster>, ClusterError> {
        self.lends_itself(access)?;
        let key = key(access);
        if let Some(cluster) = self.shared(&key) {
            return Ok(cluster);
        }
        let config = kubeconfig::settings(access).await?;
        let client = if access.operator || access.kubeconfig.is_none() {
            client(config)?
        } else {
            guarded(&config, &self.outgoing)?
        };
        let mut clients = self.clients.lock();
        let shared = clients.entry(key).or_insert_with(|| Shared {
            cluster: Arc::new(KubeCluster::new(client)),
            used: Instant::now(),
        });
        Ok(Arc::clone(&shared.cluster))
    }
}

#[async_trait]
impl ClusterConnector for KubeConnector {
    fn in_cluster(&self) -> bool {
        self.outgoing.in_cluster()
    }

    async fn admits(&self, access: &ClusterAccess) -> Result<(), ClusterError> {
        self.lends_itself(access)?;
        if access.kubeconfig.is_none() {
            return Ok(());
        }
        let config = kubeconfig::settings(access).await?;
        guard::admits(&config, &self.outgoing).await
    }

    async fn connect(&self, access: &ClusterAccess) -> Result<Arc<dyn Cluster>, ClusterError> {
        let cluster = self.cluster(access).await?;
        Ok(cluster)
    }
}

/// A client whose connections stay in bounds.
fn guarded(config: &Config, outgoing: &Outgoing) -> Result<Client, ClusterError> {
    choose_provider();
    let builder = guard::builder(config, outgoing)?;
    Ok(builder.with_layer(&AndThenLayer::new(failure::complete)).build())
}

fn choose_provider() {
    // Another crate of the process may have chosen the provider already, which is as good.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

fn client(config: Config) -> Result<Client, ClusterError> {
    choose_provider();
    let builder = ClientBuilder::try_from(config).map_err(|error| refusal::translate(&error))?;
    Ok(builder.with_layer(&AndThenLayer::new(failure::complete)).build())
}

fn key(access: &ClusterAccess) -> Key {
    let mut hash = Sha256::new();
    for part in [&access.kubeconfig, &access.context] {
        // The length in front keeps two pairs from running into the same bytes.
        let length = part.as_ref().map_or(u64::MAX, |text| text.len() as u64);
        hash.update(length.to_be_bytes());
        hash.update(part.as_deref().unwrap_or_default());
    }
    hash.update([u8::from(access.operator)]);
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(kubeconfig: Option<&str>, context: Option<&str>) -> ClusterAccess {
        ClusterAccess {
            kubeconfig: kubeconfig.map(str::to_owned),
            context: context.map(str::to_owned),
            operator: false,
        }
    }

    #[test]
    fn every_part_of_an_access_tells_clients_apart() {
        let all = [
            access(None, None),
            access(Some(""), None),
            access(None, Some("")),
            access(Some("ab"), Some("c")),
            access(Some("a"), Some("bc")),
        ];
        for (i, one) in all.iter().enumerate() {
            for (j, other) in all.iter().enumerate() {
                assert_eq!(key(one) == key(other), i == j, "{i} {j}");
            }
        }
    }
}
