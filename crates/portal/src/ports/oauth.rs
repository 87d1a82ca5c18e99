//! Getting into a GitLab by OAuth 2: what it asks and gives, and what is kept of it, sealed.

use super::{ForgeError, StoreResult};
use async_trait::async_trait;
use slipway_domain::id::{ConnectionId, OrgId, RevocationId, UserId};
use slipway_domain::time::Timestamp;

/// An application that is registered at a GitLab (RFC 6749, 2).
#[derive(Clone)]
pub struct OauthApplication {
    /// The GitLab's base URL, without `/api/v4`.
    pub base_url: String,
    /// The application's id there.
    pub id: String,
    /// Its secret.
    pub secret: String,
}

/// What a person is asked at GitLab (RFC 6749, 4.1.1; RFC 7636).
#[derive(Clone, Copy, Debug)]
pub struct AskingGrant<'a> {
    /// The GitLab's base URL.
    pub base_url: &'a str,
    /// The application's id.
    pub application: &'a str,
    /// Where the person is sent back to.
    pub redirect_uri: &'a str,
    /// What is asked for.
    pub scope: &'a str,
    /// What comes back with them.
    pub state: &'a str,
    /// The SHA-256 of the verifier, in base64url.
    pub challenge: &'a str,
}

/// A code that came back.
#[derive(Clone, Copy)]
pub struct CodeGrant<'a> {
    /// The code.
    pub code: &'a str,
    /// Whose hash was sent as the challenge.
    pub verifier: &'a str,
    /// As it was asked with.
    pub redirect_uri: &'a str,
}

/// What GitLab gives.
#[derive(Clone)]
pub struct OauthTokens {
    /// The access token.
    pub access: String,
    /// What renews it, once; `None`: nothing does.
    pub refresh: Option<String>,
    /// How long the access token lives, in s; `None`: GitLab does not say.
    pub lives: Option<i64>,
}

/// Why GitLab gave no tokens.
#[derive(Clone, Debug, thiserror::Error)]
pub enum GrantError {
    /// The code or the refresh token is wrong, used, revoked or too old (`invalid_grant`).
    #[error("GitLab does not take the grant: {0}")]
    Refused(String),
    /// The application's id or secret is wrong (`invalid_client`).
    #[error("GitLab does not know the application: {0}")]
    Application(String),
    /// It did not get that far.
    #[error(transparent)]
    Forge(#[from] ForgeError),
}

/// Why tokens could not be renewed just now. They are tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RenewalFailure {
    /// GitLab did not answer, or not as it should.
    Unanswered,
    /// GitLab does not know the application by its id and secret.
    Application,
}

impl RenewalFailure {
    /// The stored key.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Unanswered => "unanswered",
            Self::Application => "application",
        }
    }

    /// Reads the stored key.
    pub fn from_key(key: &str) -> Option<Self> {
        [Self::Unanswered, Self::Application]
            .into_iter()
            .find(|failure| failure.key() == key)
    }
}

/// How a connection gets in by OAuth 2. Every secret is sealed for the connection's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantRecord {
    /// The id of the application that is registered in GitLab.
    pub application_id: String,
    /// Its secret.
    pub application_secret: String,
    /// The tokens; `None`: nobody has authorized it, or GitLab no longer takes them.
    pub tokens: Option<SealedTokens>,
    /// Another one whenever the application or the tokens are.
    pub version: i64,
    /// After a failure: not to be renewed before, and why.
    pub failure: Option<(Timestamp, RenewalFailure)>,
}

/// Tokens at rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedTokens {
    /// The access token.
    pub access: String,
    /// The refresh token; empty: there is none.
    pub refresh: String,
    /// When the access token is to be renewed; `None`: GitLab does not say how long it lives.
    pub renew_at: Option<Timestamp>,
    /// When it ends.
    pub ends_at: Option<Timestamp>,
}

/// A fresh authorization.
#[derive(Clone, Debug)]
pub struct NewGrant {
    /// What GitLab gave.
    pub tokens: SealedTokens,
    /// Who authorized it there.
    pub username: String,
    /// Who did it here.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
}

/// Somebody's way to GitLab and back.
#[derive(Clone, Debug)]
pub struct TripRecord {
    /// SHA-256 of the state, in hex.
    pub state_hash: String,
    /// The organization of the connection.
    pub org: OrgId,
    /// Which connection they authorize.
    pub connection: ConnectionId,
    /// Who.
    pub user: UserId,
    /// In which session.
    pub session: String,
    /// The verifier, sealed for the hash of the state.
    pub verifier: String,
    /// When they left.
    pub begun_at: Timestamp,
}

/// Tokens that are to be taken back.
#[derive(Clone, Debug)]
pub struct RevocationRecord {
    /// Which.
    pub id: RevocationId,
    /// The GitLab's base URL.
    pub base_url: String,
    /// The application's id there.
    pub application_id: String,
    /// The application's secret and the refresh token, sealed for the id.
    pub sealed: String,
    /// When they were given up.
    pub created_at: Timestamp,
}

/// Grants of connections. What a renewal writes is written only over the version and the claim that it began with;
/// else [`StoreError::Gone`](super::StoreError::Gone).
#[async_trait]
pub trait OauthTx: Send {
    /// Makes a grant that nobody has authorized.
    async fn insert_grant(
        &mut self,
        org: OrgId,
        connection: ConnectionId,
        application_id: &str,
        application_secret: &str,
    ) -> StoreResult<()>;
    /// Changes the application; with `forget`, what it was authorized to is forgotten.
    async fn set_application(
        &mut self,
        org: OrgId,
        connection: ConnectionId,
        application_id: &str,
        application_secret: &str,
        forget: bool,
    ) -> StoreResult<()>;
    /// Keeps an authorization, in place of the `version` that it was asked with.
    async fn authorize_grant(
        &mut self,
        org: OrgId,
        connection: ConnectionId,
        version: i64,
        new: &NewGrant,
    ) -> StoreResult<()>;
    /// Forgets a grant and who is on their way for it.
    async fn delete_grant(&mut self, org: OrgId, connection: ConnectionId) -> StoreResult<()>;

    /// Lets `renewer` alone renew the tokens of `version` until `until`; whether nobody else does.
    async fn claim_renewal(
        &mut self,
        connection: ConnectionId,
        version: i64,
        renewer: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> StoreResult<bool>;
    /// Keeps renewed tokens.
    async fn finish_renewal(
        &mut self,
        connection: ConnectionId,
        version: i64,
        renewer: &str,
        tokens: &SealedTokens,
    ) -> StoreResult<()>;
    /// Gives the claim back until `retry_at`.
    async fn postpone_renewal(
        &mut self,
        connection: ConnectionId,
        version: i64,
        renewer: &str,
        retry_at: Timestamp,
        failure: RenewalFailure,
    ) -> StoreResult<()>;
    /// Forgets the tokens: GitLab takes them no longer.
    async fn end_grant(&mut self, connection: ConnectionId, version: i64, renewer: &str) -> StoreResult<()>;

    /// Remembers that somebody left for GitLab.
    async fn insert_trip(&mut self, trip: &TripRecord) -> StoreResult<()>;
    /// The trip of a state.
    async fn trip(&mut self, state_hash: &str) -> StoreResult<Option<TripRecord>>;
    /// Uses a trip up; whether it was not before.
    async fn use_trip(&mut self, state_hash: &str, now: Timestamp) -> StoreResult<bool>;
    /// Forgets trips that began before `before`.
    async fn delete_trips(&mut self, before: Timestamp) -> StoreResult<()>;

    /// Remembers that tokens are to be taken back.
    async fn insert_revocation(&mut self, revocation: &RevocationRecord) -> StoreResult<()>;
    /// The revocation of that id.
    async fn revocation(&mut self, id: RevocationId) -> StoreResult<Option<RevocationRecord>>;
    /// Forgets one.
    async fn delete_revocation(&mut self, id: RevocationId) -> StoreResult<()>;
}
