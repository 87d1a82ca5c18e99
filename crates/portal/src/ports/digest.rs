//! Daily digests.

use super::StoreResult;
use async_trait::async_trait;
use slipway_domain::id::{OrgId, ProjectId, UserId};
use slipway_domain::time::Timestamp;

/// An item that somebody has to do by some day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestItem {
    /// In which project.
    pub project: ProjectId,
    /// Its slug.
    pub slug: String,
    /// Whether all members of the organization see the project.
    pub internal: bool,
    /// As in `CHK-12`.
    pub key: String,
    /// In one line.
    pub title: String,
    /// The day, `YYYY-MM-DD`.
    pub due_on: String,
}

/// Daily digests.
#[async_trait]
pub trait DigestTx: Send {
    /// Whether somebody wants a digest, and the zone of their days; `None`: they never said.
    async fn digest_of(&mut self, user: UserId) -> StoreResult<Option<(bool, String)>>;
    /// Notes that somebody wants a digest since then, or wants none.
    async fn set_digest(&mut self, user: UserId, zone: &str, since: Option<Timestamp>) -> StoreResult<()>;
    /// Whoever wants a digest and can sign in, with the zone of their days.
    async fn digest_readers(&mut self) -> StoreResult<Vec<(UserId, String)>>;
    /// For which day the digest of an organization was sent to somebody last.
    async fn digest_sent(&mut self, user: UserId, org: OrgId) -> StoreResult<Option<String>>;
    /// Takes a day's digest to be sent; `false`: somebody else has taken that day, or a later one.
    async fn claim_digest(&mut self, user: UserId, org: OrgId, day: &str) -> StoreResult<bool>;
    /// Gives a day back that could not be sent: `before` was the last one.
    async fn return_digest(
        &mut self,
        user: UserId,
        org: OrgId,
        day: &str,
        before: Option<&str>,
    ) -> StoreResult<()>;
    /// What somebody has to do in an organization's projects until `until`, by day; at most 200. What of it they see is for
    /// the caller to look.
    async fn due_items(&mut self, user: UserId, org: OrgId, until: &str) -> StoreResult<Vec<DigestItem>>;
}
