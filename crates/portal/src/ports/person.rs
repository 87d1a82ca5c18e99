//! People, their passwords, identities and sessions.

use super::StoreResult;
use async_trait::async_trait;
use slipway_domain::id::UserId;
use slipway_domain::person::Person;
use slipway_domain::text::Locale;
use slipway_domain::time::Timestamp;

/// A person to be made.
#[derive(Clone, Debug)]
pub struct NewPerson {
    /// Who.
    pub person: Person,
    /// The password's hash; `None`: signs in elsewhere.
    pub password_hash: Option<String>,
}

/// What a sign-in by password is checked against.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// Who.
    pub person: Person,
    /// The password's hash.
    pub password_hash: Option<String>,
}

/// A session as it is stored.
#[derive(Clone, Debug)]
pub struct SessionRow {
    /// The key: the SHA-256 of the session id, in hex, so that the database alone signs nobody in.
    pub key: String,
    /// Whose; `None`: nobody signed in yet.
    pub user: Option<UserId>,
    /// The session's data as JSON.
    pub data: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// People.
#[async_trait]
pub trait PersonTx: Send {
    /// Makes a person. `Constraint("users_username_key")` where the name is taken.
    async fn insert_person(&mut self, person: &NewPerson) -> StoreResult<()>;
    /// Who signs in by that name.
    async fn credentials(&mut self, username: &str) -> StoreResult<Option<Credentials>>;
    /// Somebody by id.
    async fn person(&mut self, id: UserId) -> StoreResult<Option<Person>>;
    /// Active people who have one of those e-mail addresses.
    async fn people_by_email(&mut self, emails: &[String]) -> StoreResult<Vec<Person>>;
    /// Everybody, by name: for the demo's sign-in page and pickers.
    async fn people(&mut self) -> StoreResult<Vec<Person>>;
    /// Sets the language.
    async fn set_locale(&mut self, id: UserId, locale: Locale) -> StoreResult<()>;
    /// Switches an account off since `at`, or on.
    async fn set_deactivated(&mut self, id: UserId, at: Option<Timestamp>) -> StoreResult<()>;
    /// Sets the password's hash.
    async fn set_password(&mut self, id: UserId, hash: &str) -> StoreResult<()>;
    /// Ends every session of the person.
    async fn delete_sessions_of(&mut self, id: UserId) -> StoreResult<()>;
    /// Who an outside identity is.
    async fn person_of_identity(&mut self, issuer: &str, subject: &str) -> StoreResult<Option<Person>>;
    /// Links an outside identity.
    async fn insert_identity(
        &mut self,
        user: UserId,
        issuer: &str,
        subject: &str,
        at: Timestamp,
    ) -> StoreResult<()>;
    /// Failures for `key` (an account or an address) since its last success, and until when it is locked.
    async fn failures(&mut self, key: &str) -> StoreResult<(i64, Option<Timestamp>)>;
    /// Sets the failures for `key`.
    async fn set_failures(
        &mut self,
        key: &str,
        count: i64,
        locked_until: Option<Timestamp>,
    ) -> StoreResult<()>;
    /// The session of that key, if it has not ended.
    async fn session(&mut self, key: &str, now: Timestamp) -> StoreResult<Option<SessionRow>>;
    /// Stores a session.
    async fn put_session(&mut self, row: &SessionRow) -> StoreResult<()>;
    /// Ends a session.
    async fn delete_session(&mut self, key: &str) -> StoreResult<()>;
    /// Forgets sessions that have ended.
    async fn delete_ended_sessions(&mut self, now: Timestamp) -> StoreResult<i64>;
}
