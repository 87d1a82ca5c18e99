//! API tokens, and the answers that were given to requests with an idempotency key.

use super::{NewPerson, StoreResult};
use crate::access::may::See;
use crate::access::{Anywhere, Authorized};
use async_trait::async_trait;
use slipway_domain::id::{ProjectId, TokenId, UserId};
use slipway_domain::time::Timestamp;
use slipway_domain::token::{ProjectToken, TokenRow};

/// A token with what it is recognized by.
#[derive(Clone, Debug)]
pub struct TokenRecord {
    /// What its owner sees.
    pub row: TokenRow,
    /// Whose it is.
    pub user: UserId,
    /// The project whose token it is; `None`: a person's.
    pub project: Option<ProjectId>,
    /// SHA-256 of the token, in hex.
    pub secret_hash: String,
}

/// The account behind a project's token.
#[derive(Clone, Debug)]
pub struct BotRecord {
    /// The account: nobody signs in to it.
    pub account: NewPerson,
    /// The project that it works for.
    pub project: ProjectId,
    /// Who made it.
    pub made_by: UserId,
}

/// A request that should be answered once, however often it is sent.
#[derive(Clone, Debug)]
pub struct OnceRequest {
    /// Who sends it: callers never meet one another's keys.
    pub caller: String,
    /// The key they chose.
    pub key: String,
    /// SHA-256 of what is asked, in hex.
    pub fingerprint: String,
    /// Until when the first one may take.
    pub lease_until: Timestamp,
    /// When it came.
    pub at: Timestamp,
}

/// An answer that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptReply {
    /// The HTTP status.
    pub status: i64,
    /// Names and values of the headers that belong to the answer.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

/// What is known of a request with a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Once {
    /// It is the first of its key, and under way from now on.
    First,
    /// The first one is still under way.
    UnderWay,
    /// The key was used for something else.
    Different,
    /// It was answered.
    Answered(KeptReply),
}

/// API tokens.
#[async_trait]
pub trait TokenTx: Send {
    /// Makes a token.
    async fn insert_token(&mut self, token: &TokenRecord) -> StoreResult<()>;
    /// The tokens of a person, the newest first; those that ended before `since` are left out.
    async fn tokens_of(&mut self, user: UserId, since: Timestamp) -> StoreResult<Vec<TokenRow>>;
    /// The tokens of a project, the newest first; those that ended before `since` are left out.
    async fn project_tokens(
        &mut self,
        project: &Authorized<Anywhere, See>,
        since: Timestamp,
    ) -> StoreResult<Vec<ProjectToken>>;
    /// A token of the project and the account behind it.
    async fn project_token(
        &mut self,
        project: &Authorized<Anywhere, See>,
        id: TokenId,
    ) -> StoreResult<Option<(UserId, TokenRow)>>;
    /// Makes the account behind a project's token.
    async fn insert_bot(&mut self, bot: &BotRecord) -> StoreResult<()>;
    /// Who made the account, where it is a project's, and whether that person is still active.
    async fn maker_of(&mut self, user: UserId) -> StoreResult<Option<(UserId, bool)>>;
    /// How many tokens of a person work at `now`.
    async fn count_tokens(&mut self, user: UserId, now: Timestamp) -> StoreResult<i64>;
    /// The token of that hash, whatever its state.
    async fn token_by_hash(&mut self, secret_hash: &str) -> StoreResult<Option<TokenRecord>>;
    /// A person's own token.
    async fn token_of(&mut self, user: UserId, id: TokenId) -> StoreResult<Option<TokenRow>>;
    /// Writes down that a token was used.
    async fn touch_token(&mut self, id: TokenId, at: Timestamp) -> StoreResult<()>;
    /// Ends a person's own token. `Gone` where it has ended or is another's.
    async fn revoke_token(&mut self, user: UserId, id: TokenId, at: Timestamp) -> StoreResult<()>;

    /// Begins a request with a key, unless one with it was begun within its lease or answered.
    async fn begin_once(&mut self, request: &OnceRequest) -> StoreResult<Once>;
    /// Keeps the answer of a request that was begun.
    async fn keep_reply(&mut self, caller: &str, key: &str, reply: &KeptReply) -> StoreResult<()>;
    /// Forgets a request that led to nothing, so that it may be sent again.
    async fn forget_once(&mut self, caller: &str, key: &str) -> StoreResult<()>;
    /// Forgets the answers given before `before`.
    async fn delete_old_replies(&mut self, before: Timestamp) -> StoreResult<i64>;
}
