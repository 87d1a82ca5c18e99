//! Connections to GitLab and to Kubernetes clusters.

use crate::id::{ClusterId, ConnectionId};
use crate::text::Text;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A connection as people see it: never its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// Which.
    pub id: ConnectionId,
    /// For people.
    pub name: String,
    /// The base URL, without `/api/v4`.
    pub base_url: String,
    /// When GitLab last answered.
    pub last_ok_at: Option<Timestamp>,
    /// What went wrong since.
    pub trouble: Option<Text>,
}

/// A cluster as people see it: never its credentials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cluster {
    /// Which.
    pub id: ClusterId,
    /// For people.
    pub name: String,
    /// When it last answered.
    pub last_ok_at: Option<Timestamp>,
    /// What went wrong since.
    pub trouble: Option<Text>,
}
