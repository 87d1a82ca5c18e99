//! One cluster, through one set of credentials.

use async_trait::async_trait;
use futures::stream::BoxStream;
use k8s_openapi::api::core::v1;
use k8s_openapi::jiff;
use kube::{Api, Client};
use serde_json::Value;
use slipway_domain::drift::FieldChange;
use slipway_domain::pod::{Event, LogAsk, Pod};
use slipway_domain::promotion::PodTrouble;
use slipway_domain::rollout::WorkloadStatus;
use slipway_domain::time::Timestamp;
use slipway_portal::ports::{Cluster, ClusterError, Need, Touched};
use std::collections::BTreeMap;

use crate::manifest::{Kinds, Manifest};
use crate::refusal::{answer, in_time};
use crate::{
    log, made_of, manifest, namespace, permission, pods, runs, stranger, warning, watching, workload,
};

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

    /// The pods of a namespace, where what is asked of one can be a part of an address.
    fn pods_in(&self, namespace: &str, ask: &LogAsk) -> Result<Api<v1::Pod>, ClusterError> {
        manifest::subdomain("pod", &ask.pod)?;
        Ok(Api::namespaced(
            self.client.clone(),
            manifest::label("namespace", namespace)?,
        ))
    }

    /// Whether its client certificate is over; only those that a program issued say so.
    pub fn has_expired(&self) -> bool {
        self.client
            .valid_until()
            .is_some_and(|until| until <= jiff::Timestamp::now())
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

    async fn apply(&self, object: &Value, fence: i64, takes: &[String]) -> Result<Vec<String>, ClusterError> {
        let manifest = Manifest::read(object)?;
        let applied = in_time(manifest.apply(&self.client, &self.kinds, fence, takes));
        let (applied, warnings) = Box::pin(warning::heard(applied)).await;
        applied.map(|()| warnings)
    }

    async fn drift(&self, object: &Value) -> Result<Vec<FieldChange>, ClusterError> {
        let manifest = Manifest::read(object)?;
        in_time(manifest.drift(&self.client, &self.kinds)).await
    }

    async fn workload(&self, namespace: &str, name: &str) -> Result<Option<WorkloadStatus>, ClusterError> {
        let status = async {
            let Some(found) = workload::find(&self.client, namespace, name).await? else {
                return Ok(None);
            };
            let mut status = found.status();
            if let workload::Workload::CronJob(cron_job) = &found {
                status.runs = runs::of(&self.client, namespace, cron_job).await?;
            }
            Ok(Some(status))
        };
        in_time(status).await
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

    async fn pods(&self, namespace: &str, name: &str) -> Result<Vec<Pod>, ClusterError> {
        in_time(made_of::pods(&self.client, namespace, name)).await
    }

    async fn events(&self, namespace: &str, name: &str) -> Result<Vec<Event>, ClusterError> {
        in_time(made_of::events(&self.client, namespace, name)).await
    }

    async fn log(&self, namespace: &str, ask: &LogAsk) -> Result<String, ClusterError> {
        in_time(log::page(&self.pods_in(namespace, ask)?, ask)).await
    }

    async fn follow(
        &self,
        namespace: &str,
        ask: &LogAsk,
    ) -> Result<BoxStream<'static, Result<String, ClusterError>>, ClusterError> {
        in_time(log::follow(&self.pods_in(namespace, ask)?, ask)).await
    }

    async fn scale(&self, namespace: &str, name: &str, replicas: u32) -> Result<i64, ClusterError> {
        in_time(made_of::scale(&self.client, namespace, name, replicas)).await
    }

    async fn restart(&self, namespace: &str, name: &str, at: Timestamp) -> Result<(), ClusterError> {
        in_time(made_of::restart(&self.client, namespace, name, at)).await
    }

    async fn delete(&self, object: &Value, fence: i64) -> Result<(), ClusterError> {
        let manifest = Manifest::read(object)?;
        in_time(manifest.delete(&self.client, &self.kinds, fence)).await
    }

    async fn take_away(
        &self,
        object: &Value,
        fence: i64,
        changes: &[FieldChange],
    ) -> Result<(), ClusterError> {
        let manifest = Manifest::read(object)?;
        in_time(manifest.take_away(&self.client, &self.kinds, fence, changes)).await
    }

    async fn watch(&self) -> Result<BoxStream<'static, Result<Touched, ClusterError>>, ClusterError> {
        watching::begin(&self.client).await
    }

    async fn strangers(
        &self,
        namespace: &str,
        labels: &BTreeMap<String, String>,
    ) -> Result<Vec<FieldChange>, ClusterError> {
        let namespace = manifest::label("namespace", namespace)?;
        in_time(stranger::find(&self.client, namespace, labels)).await
    }
}
