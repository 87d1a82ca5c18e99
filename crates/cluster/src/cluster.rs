//! One cluster, through one set of credentials.

use async_trait::async_trait;
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use serde_json::Value;
use slipway_domain::promotion::PodTrouble;
use slipway_domain::rollout::WorkloadStatus;
use slipway_portal::ports::{Cluster, ClusterError, Need};

use crate::manifest::{Kinds, Manifest};
use crate::refusal::{answer, in_time};
use crate::{manifest, namespace, permission, pods, workload};

/// A client of a cluster, with what it has learned of it.
pub struct KubeCluster {
    client: Client,
    kinds: Kinds,
}

impl KubeCluster {
    pub fn new(client: Client) -> Self {
        Self {
            client,
            kinds: Kinds::default(),
        }
    }

    /// Whether its client certificate is over; only those that a program issued say so.
    pub fn has_expired(&self) -> bool {
        self.client
            .valid_until()
            .is_some_and(|until| until <= Timestamp::now())
    }
}

#[async_trait]
impl Cluster for KubeCluster {
    async fn version(&self) -> Result<String, ClusterError> {
        let version = in_time(answer(self.client.apiserver_version())).await?;
        Ok(version.git_version)
    }

    async fn denied(&self, namespace: &str, needs: &[Need]) -> Result<Vec<Need>, ClusterError> {
        let namespace = manifest::label("namespace", namespace)?;
        in_time(permission::denied(&self.client, namespace, needs)).await
    }

    async fn ensure_namespace(&self, namespace: &str) -> Result<(), ClusterError> {
        let namespace = manifest::label("namespace", namespace)?;
        in_time(namespace::ensure(&self.client, namespace)).await
    }

    async fn apply(&self, object: &Value, fence: i64) -> Result<(), ClusterError> {
        let manifest = Manifest::read(object)?;
        in_time(manifest.apply(&self.client, &self.kinds, fence)).await
    }

    async fn workload(&self, namespace: &str, name: &str) -> Result<Option<WorkloadStatus>, ClusterError> {
        let found = in_time(workload::find(&self.client, namespace, name)).await?;
        Ok(found.as_ref().map(workload::Workload::status))
    }

    async fn trouble(&self, namespace: &str, name: &str) -> Result<Vec<PodTrouble>, ClusterError> {
        let trouble = async {
            match workload::find(&self.client, namespace, name).await? {
                Some(workload::Workload::Deployment(deployment)) => {
                    pods::trouble(&self.client, namespace, &deployment).await
                }
                Some(other) => pods::trouble_of(&self.client, namespace, &other).await,
                None => Ok(Vec::new()),
            }
        };
        in_time(Box::pin(trouble)).await
    }

    async fn delete(&self, object: &Value) -> Result<(), ClusterError> {
        let manifest = Manifest::read(object)?;
        in_time(manifest.delete(&self.client, &self.kinds)).await
    }
}
