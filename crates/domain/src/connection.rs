//! Connections to GitLab and to Kubernetes clusters.

use crate::id::{ClusterId, ConnectionId};
use crate::org::OrgRef;
use crate::text::Text;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The scope that a connection must have: Slipway reads, commits, and makes merge requests, pipelines and webhooks.
pub const SCOPE: &str = "api";

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
    /// Whether the operator's configuration brought it along; then it is changed there.
    pub operator: bool,
    /// How the last test went.
    pub report: Option<ConnectionReport>,
    /// How it gets in by OAuth 2; `None`: by a token that somebody typed.
    pub oauth: Option<Oauth>,
}

/// A connection's way in by OAuth 2: as which application, and who let it in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Oauth {
    /// The id of the application that is registered in GitLab.
    pub application_id: String,
    /// Who authorized it last; `None`: nobody yet.
    pub authorized: Option<Authorization>,
    /// Whether GitLab still lets it in, as far as Slipway knows; if not, it has to be authorized (again).
    pub in_force: bool,
    /// Whether it gets in by a token until somebody has authorized it.
    pub token_until_then: bool,
}

/// An authorization at GitLab.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authorization {
    /// Who authorized it there: what the connection acts as.
    pub username: String,
    /// The name of whoever did it here.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// How a test of a connection went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionReport {
    /// When it was tested.
    pub at: Timestamp,
    /// Who its token is; `None`: GitLab did not say.
    pub username: Option<String>,
    /// Scopes that the token lacks.
    pub missing: Vec<String>,
    /// When the token ends: a date, `YYYY-MM-DD`; `None` where it does not, or is renewed by itself.
    pub expires_at: Option<String>,
    /// What is wrong, and what to do; `None`: it works.
    pub trouble: Option<Text>,
}

/// The GitLab connections of an organization, by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionList {
    /// Whose.
    pub org: OrgRef,
    /// They.
    pub connections: Vec<Connection>,
    /// Where GitLab sends people back to who authorized a connection: to be entered there at the application.
    pub redirect_uri: String,
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
    /// Whether the operator's configuration brought it along; only then it may name programs and files of the
    /// machine, and it is changed there.
    pub operator: bool,
    /// The context of its kubeconfig; `None`: the current one.
    pub context: Option<String>,
    /// How the last test went.
    pub report: Option<ClusterReport>,
}

/// How a test of a cluster went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterReport {
    /// When it was tested.
    pub at: Timestamp,
    /// In which namespace.
    pub namespace: String,
    /// The version it reports.
    pub version: Option<String>,
    /// What Slipway needs and may not do there, as in `patch deployments.apps`.
    pub denied: Vec<String>,
    /// What is wrong, and what to do; `None`: it answers.
    pub trouble: Option<Text>,
}

/// The clusters of an organization, by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterList {
    /// Whose.
    pub org: OrgRef,
    /// They.
    pub clusters: Vec<Cluster>,
    /// Whether the cluster that Slipway runs in may be chosen, by Slipway's own service account.
    pub in_cluster: bool,
}
