//! Sessions.

use super::StoreResult;
use async_trait::async_trait;
use slipway_domain::id::UserId;
use slipway_domain::time::Timestamp;

/// A session as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// The key: the SHA-256 of the session id, in hex, so that the database alone signs nobody in.
    pub key: String,
    /// Whose; `None`: nobody signed in yet.
    pub user: Option<UserId>,
    /// The session's data as JSON.
    pub data: String,
    /// When it was begun.
    pub started_at: Timestamp,
    /// When it was last used, as far as it was written down.
    pub seen_at: Timestamp,
    /// When the person last proved in it that it is them.
    pub proved_at: Timestamp,
    /// The `User-Agent` that began it.
    pub agent: String,
    /// The address that began it.
    pub address: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Sessions.
#[async_trait]
pub trait SessionTx: Send {
    /// The session of that key, if it has not ended.
    async fn session(&mut self, key: &str, now: Timestamp) -> StoreResult<Option<SessionRow>>;
    /// The sessions of somebody that have not ended, the one used last first.
    async fn sessions_of(&mut self, user: UserId, now: Timestamp) -> StoreResult<Vec<SessionRow>>;
    /// Stores a session.
    async fn put_session(&mut self, row: &SessionRow) -> StoreResult<()>;
    /// The person has proved in the session that it is them.
    async fn set_proved(&mut self, key: &str, at: Timestamp) -> StoreResult<()>;
    /// Ends a session.
    async fn delete_session(&mut self, key: &str) -> StoreResult<()>;
    /// Ends a session of that person; whether there was one.
    async fn delete_session_of(&mut self, user: UserId, key: &str) -> StoreResult<bool>;
    /// Ends every session of the person but the one of the key `keep`; how many there were.
    async fn delete_sessions_of(&mut self, user: UserId, keep: Option<&str>) -> StoreResult<i64>;
    /// Forgets sessions that have ended.
    async fn delete_ended_sessions(&mut self, now: Timestamp) -> StoreResult<i64>;
}
