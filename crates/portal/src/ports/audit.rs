//! The audit log.

use super::StoreResult;
use crate::access::may::{AuditRead, See};
use crate::access::{Authorized, Org, Server};
use async_trait::async_trait;
use slipway_domain::audit::{AuditRow, Outcome};
use slipway_domain::id::{AppId, AuditId, OrgId, ProjectId, UserId};
use slipway_domain::time::Timestamp;

/// The chain that a row joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chain {
    /// An organization's.
    Org {
        /// Which.
        org: OrgId,
        /// The project it is about.
        project: Option<ProjectId>,
        /// The app it is about.
        app: Option<AppId>,
    },
    /// The server's own: what concerns every organization.
    Server,
}

/// A row to be appended. Its number and hashes are made by the store, under the chain's lock.
#[derive(Clone, Debug)]
pub struct AuditRecord {
    /// Its id.
    pub id: AuditId,
    /// The chain it joins.
    pub chain: Chain,
    /// When.
    pub at: Timestamp,
    /// Who; `None`: Slipway itself, or nobody signed in.
    pub actor_id: Option<UserId>,
    /// Their name then.
    pub actor: String,
    /// Through what: a channel, and the name of the token where one was sent.
    pub via: String,
    /// The request.
    pub request_id: String,
    /// What.
    pub action: &'static str,
    /// The kind of the target.
    pub target_kind: &'static str,
    /// Its id.
    pub target_id: String,
    /// Its name then.
    pub target: String,
    /// What changed, without secrets.
    pub summary: serde_json::Value,
    /// How it ended.
    pub outcome: Outcome,
}

/// Which rows to read.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Only of this project.
    pub project: Option<ProjectId>,
    /// Only of this app.
    pub app: Option<AppId>,
    /// Only actions that start with this.
    pub action: Option<String>,
    /// Only rows with a smaller number: the page after.
    pub before: Option<i64>,
    /// At most so many, newest first.
    pub limit: i64,
}

/// The audit log.
#[async_trait]
pub trait AuditTx: Send {
    /// Appends a row to its chain.
    async fn append_audit(&mut self, record: &AuditRecord) -> StoreResult<()>;
    /// Reads rows, newest first. A filter by project or app is the caller's right to read only that.
    async fn audit_rows(
        &mut self,
        org: &Authorized<Org, AuditRead>,
        filter: &AuditFilter,
    ) -> StoreResult<Vec<AuditRow>>;
    /// Walks the chain of an organization and names the number of the first broken row.
    async fn verify_audit(&mut self, org: OrgId) -> StoreResult<Option<i64>>;
    /// Reads rows of the server's own chain, newest first. Projects and apps are none of its.
    async fn server_audit_rows(
        &mut self,
        server: &Authorized<Server, See>,
        filter: &AuditFilter,
    ) -> StoreResult<Vec<AuditRow>>;
    /// As [`verify_audit`](Self::verify_audit), for the server's own chain.
    async fn verify_server_audit(&mut self) -> StoreResult<Option<i64>>;
}
