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

/// People.
#[async_trait]
pub trait PersonTx: Send {
    /// Makes a person. `Constraint("users_username_key")` where the name is taken.
    async fn insert_person(&mut self, person: &NewPerson) -> StoreResult<()>;
    /// Who signs in by that name.
    async fn credentials(&mut self, username: &str) -> StoreResult<Option<Credentials>>;
    /// Somebody by id.
    async fn person(&mut self, id: UserId) -> StoreResult<Option<Person>>;
    /// Active people who have one of those e-mail addresses, then those who had.
    async fn people_by_email(&mut self, emails: &[String]) -> StoreResult<Vec<Person>>;
    /// Everybody, by name: for the demo's sign-in page and pickers.
    async fn people(&mut self) -> StoreResult<Vec<Person>>;
    /// Sets the language.
    async fn set_locale(&mut self, id: UserId, locale: Locale) -> StoreResult<()>;
    /// Switches an account off since `at`, or on.
    async fn set_deactivated(&mut self, id: UserId, at: Option<Timestamp>) -> StoreResult<()>;
    /// Sets the password's hash.
    async fn set_password(&mut self, id: UserId, hash: &str) -> StoreResult<()>;
    /// Keeps other transactions that ask for this from going on until this one ends; `Gone` for nobody.
    async fn lock_person(&mut self, id: UserId) -> StoreResult<()>;
    /// Sets the display name and where mail goes. An address they had before stays theirs in
    /// [`people_by_email`](Self::people_by_email).
    async fn set_profile(&mut self, id: UserId, name: &str, email: Option<&str>) -> StoreResult<()>;
    /// Failures for `key` (an account or an address) since its last success, and until when it is locked.
    async fn failures(&mut self, key: &str) -> StoreResult<(i64, Option<Timestamp>)>;
    /// Sets the failures for `key`.
    async fn set_failures(
        &mut self,
        key: &str,
        count: i64,
        locked_until: Option<Timestamp>,
    ) -> StoreResult<()>;
}
