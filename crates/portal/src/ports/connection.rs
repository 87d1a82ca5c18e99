//! Connections to GitLab and clusters, with their sealed secrets.

use super::{GrantRecord, StoreResult};
use async_trait::async_trait;
use slipway_domain::connection::{Cluster, ClusterReport, Connection, ConnectionReport};
use slipway_domain::id::{ClusterId, ConnectionId, OrgId};
use slipway_domain::text::Text;
use slipway_domain::time::Timestamp;

/// A GitLab connection with its secret.
#[derive(Clone, Debug)]
pub struct ConnectionRecord {
    /// What people see.
    pub connection: Connection,
    /// Whose it is.
    pub org: OrgId,
    /// The access token, sealed for the connection's id; empty where it gets in by OAuth 2.
    pub token: String,
    /// How it gets in by OAuth 2.
    pub grant: Option<GrantRecord>,
}

/// A cluster with its credentials.
#[derive(Clone, Debug)]
pub struct ClusterRecord {
    /// What people see.
    pub cluster: Cluster,
    /// Whose it is.
    pub org: OrgId,
    /// The kubeconfig (YAML), sealed for the cluster's id; empty: in-cluster.
    pub kubeconfig: String,
}

/// Connections.
#[async_trait]
pub trait ConnectionTx: Send {
    /// Makes a connection, or replaces the one of the same id; not its grant, which is renewed meanwhile.
    async fn put_connection(&mut self, record: &ConnectionRecord) -> StoreResult<()>;
    /// The connection of that id, in the organization.
    async fn connection(&mut self, org: OrgId, id: ConnectionId) -> StoreResult<Option<ConnectionRecord>>;
    /// Every connection of the organization, by name.
    async fn connections(&mut self, org: OrgId) -> StoreResult<Vec<ConnectionRecord>>;
    /// Remembers how the last call went.
    async fn note_connection(
        &mut self,
        id: ConnectionId,
        at: Timestamp,
        trouble: Option<&Text>,
    ) -> StoreResult<()>;
    /// Keeps how the last test went.
    async fn report_connection(
        &mut self,
        org: OrgId,
        id: ConnectionId,
        report: &ConnectionReport,
    ) -> StoreResult<()>;
    /// Forgets a connection that no app uses; a foreign key refuses the others.
    async fn delete_connection(&mut self, org: OrgId, id: ConnectionId) -> StoreResult<()>;
    /// Makes a cluster, or replaces the one of the same id.
    async fn put_cluster(&mut self, record: &ClusterRecord) -> StoreResult<()>;
    /// The cluster of that id, in the organization.
    async fn cluster(&mut self, org: OrgId, id: ClusterId) -> StoreResult<Option<ClusterRecord>>;
    /// Every cluster of the organization, by name.
    async fn clusters(&mut self, org: OrgId) -> StoreResult<Vec<ClusterRecord>>;
    /// Remembers how the last call went.
    async fn note_cluster(&mut self, id: ClusterId, at: Timestamp, trouble: Option<&Text>)
    -> StoreResult<()>;
    /// Keeps how the last test went.
    async fn report_cluster(&mut self, org: OrgId, id: ClusterId, report: &ClusterReport) -> StoreResult<()>;
    /// Forgets a cluster that no environment and no deployment is bound to; a foreign key refuses the others.
    async fn delete_cluster(&mut self, org: OrgId, id: ClusterId) -> StoreResult<()>;
}
