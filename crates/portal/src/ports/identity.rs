//! Identities elsewhere, and the groups that a provider's claims fill.

use super::StoreResult;
use async_trait::async_trait;
use slipway_domain::group::GroupRef;
use slipway_domain::id::{GroupId, OrgId, UserId};
use slipway_domain::identity::Standing;
use slipway_domain::person::Person;
use slipway_domain::time::Timestamp;

/// An identity as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityRow {
    /// Who says so.
    pub issuer: String,
    /// Who, to them.
    pub subject: String,
    /// The provider's name.
    pub provider: String,
    /// What the provider called the person last.
    pub label: String,
    /// When it was linked.
    pub created_at: Timestamp,
    /// When it was last signed in with.
    pub used_at: Option<Timestamp>,
}

/// A group that claims fill, and how somebody stands to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedGroup {
    /// The organization.
    pub org: OrgId,
    /// The group.
    pub group: GroupRef,
    /// What fills it, as `provider:group`.
    pub claim: String,
    /// How the person stands.
    pub standing: Standing,
}

/// Identities.
#[async_trait]
pub trait IdentityTx: Send {
    /// Who an outside identity is.
    async fn person_of_identity(&mut self, issuer: &str, subject: &str) -> StoreResult<Option<Person>>;
    /// The identities of somebody, the oldest first.
    async fn identities_of(&mut self, user: UserId) -> StoreResult<Vec<IdentityRow>>;
    /// Links an identity. A `Constraint` where it is linked already.
    async fn insert_identity(&mut self, user: UserId, identity: &IdentityRow) -> StoreResult<()>;
    /// It was signed in with; keeps what the provider calls itself and the person now.
    async fn use_identity(&mut self, identity: &IdentityRow) -> StoreResult<()>;
    /// Unlinks an identity of that person; whether there was one.
    async fn delete_identity(&mut self, user: UserId, issuer: &str, subject: &str) -> StoreResult<bool>;
    /// Remembers that an answer of a provider, by the hash of its state, was used at `at`, and forgets those before
    /// `old`; `false` where it was used already.
    async fn use_state(&mut self, hash: &str, at: Timestamp, old: Timestamp) -> StoreResult<bool>;
    /// The groups, of every organization, that claims beginning with `prefix` fill.
    async fn claimed_groups(&mut self, user: UserId, prefix: &str) -> StoreResult<Vec<ClaimedGroup>>;
    /// Puts somebody into a group because a claim says so.
    async fn join_by_claim(&mut self, user: UserId, group: GroupId) -> StoreResult<()>;
    /// Takes somebody out whom only a claim had put in.
    async fn leave_by_claim(&mut self, user: UserId, group: GroupId) -> StoreResult<()>;
}
