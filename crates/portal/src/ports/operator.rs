//! Operators, and the row that stands for the whole server.

use super::StoreResult;
use crate::access::may::{Modify, See};
use crate::access::{Authorized, Server};
use async_trait::async_trait;
use slipway_domain::id::UserId;
use slipway_domain::operator::Account;
use slipway_domain::time::Timestamp;

/// Operators.
#[async_trait]
pub trait OperatorTx: Send {
    /// Whether the person is an operator whose account is on. For `portal::access`.
    async fn is_operator(&mut self, user: UserId) -> StoreResult<bool>;
    /// How many people are operators and can sign in.
    async fn count_operators(&mut self) -> StoreResult<i64>;
    /// Locks the server's row, so that one change of the whole server follows another. Whoever locks organizations too
    /// locks it before them.
    async fn lock_server(&mut self) -> StoreResult<()>;
    /// The operators, by name; those whose accounts are off among them.
    async fn operators(&mut self, server: &Authorized<Server, See>) -> StoreResult<Vec<Account>>;
    /// The accounts of people whose names have `part` in them, by name; an empty one: of all.
    async fn accounts(
        &mut self,
        server: &Authorized<Server, See>,
        part: &str,
        limit: i64,
    ) -> StoreResult<Vec<Account>>;
    /// The account of a person.
    async fn account(
        &mut self,
        server: &Authorized<Server, See>,
        user: UserId,
    ) -> StoreResult<Option<Account>>;
    /// Makes somebody an operator since `at`, or none. `Gone` where there is no such person.
    async fn set_operator(
        &mut self,
        server: &Authorized<Server, Modify>,
        user: UserId,
        at: Option<Timestamp>,
    ) -> StoreResult<()>;
}
