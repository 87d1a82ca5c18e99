//! Second factors: a secret shared with somebody's authenticator, and recovery codes.

use super::StoreResult;
use async_trait::async_trait;
use slipway_domain::id::UserId;
use slipway_domain::time::Timestamp;

/// Somebody's second factor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactorRow {
    /// The secret, sealed.
    pub secret: String,
    /// When it was made.
    pub begun_at: Timestamp,
    /// When its first code came; `None`: it waits for that, and is asked for by nobody.
    pub confirmed_at: Option<Timestamp>,
    /// Recovery codes that were not used yet.
    pub codes_left: i64,
}

/// Second factors.
#[async_trait]
pub trait FactorTx: Send {
    /// The second factor of somebody.
    async fn factor(&mut self, user: UserId) -> StoreResult<Option<FactorRow>>;
    /// Keeps a sealed secret that waits for its first code, in the place of one that waits. `Gone` where one is
    /// confirmed already.
    async fn put_factor(&mut self, user: UserId, secret: &str, at: Timestamp) -> StoreResult<()>;
    /// The secret has shown its first code, the one of `step`. `Gone` where none waits.
    async fn confirm_factor(&mut self, user: UserId, at: Timestamp, step: i64) -> StoreResult<()>;
    /// Uses up the code of `step` and those before it; `false` where that was done already.
    async fn use_step(&mut self, user: UserId, step: i64) -> StoreResult<bool>;
    /// Forgets the secret and the recovery codes.
    async fn delete_factor(&mut self, user: UserId) -> StoreResult<()>;
    /// Keeps the hashes of recovery codes in the place of those before.
    async fn put_recovery_codes(&mut self, user: UserId, hashes: &[String]) -> StoreResult<()>;
    /// Uses a recovery code up; `false` where there is none of that hash, or it was used.
    async fn use_recovery_code(&mut self, user: UserId, hash: &str, at: Timestamp) -> StoreResult<bool>;
}
