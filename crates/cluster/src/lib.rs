//! Kubernetes for Slipway: the ports [`ClusterConnector`](slipway_portal::ports::ClusterConnector) and
//! [`Cluster`](slipway_portal::ports::Cluster) over `kube`, for any conformant API server.

mod cluster;
mod connector;
mod failure;
mod guard;
mod kubeconfig;
mod list;
mod log;
mod made_of;
mod manifest;
mod namespace;
mod permission;
mod pods;
mod refusal;
mod removal;
mod runs;
mod stranger;
mod trouble;
mod warning;
mod watching;
mod workload;

pub use connector::KubeConnector;

use std::time::Duration;

/// How long a connection may take, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a call of the port may take, however many requests it makes.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
