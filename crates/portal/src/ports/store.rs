//! The database.

use super::{StoreResult, Tx};
use async_trait::async_trait;

/// Why the database did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It does not answer, or a lock was not to be had in time.
    #[error("the database does not answer")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A unique or foreign key constraint does not hold; its name says which.
    #[error("constraint {0} does not hold")]
    Constraint(String),
    /// A targeted write met no row: it is gone, or its version changed.
    #[error("the row changed meanwhile or is gone")]
    Gone,
    /// The disk is full.
    #[error("the disk of the database is full; free some space, then try again")]
    Full,
    /// A row that no version of Slipway would write.
    #[error("{table}.{column} of row {row} makes no sense")]
    Inconsistent {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row's key.
        row: String,
    },
    /// The database was migrated by a newer Slipway.
    #[error(
        "the database has migration {found}, this Slipway knows up to {known}; run a newer Slipway, or restore a backup"
    )]
    Newer {
        /// The newest migration in the database.
        found: i64,
        /// The newest one this binary has.
        known: i64,
    },
    /// Anything else.
    #[error("the database refused")]
    Other(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Opens connections.
#[async_trait]
pub trait Store: Send + Sync {
    /// A connection for reading, outside a transaction.
    async fn read(&self) -> StoreResult<Box<dyn Tx>>;
    /// A write transaction. On SQLite it holds the one write lock from the start.
    async fn write(&self) -> StoreResult<Box<dyn Tx>>;
    /// A number that is another one after every commit of anybody; `None` where only reading could tell.
    async fn revision(&self) -> StoreResult<Option<i64>>;
    /// Whether the database answers.
    async fn ping(&self) -> StoreResult<()>;
}

/// How a transaction ends; dropping it rolls it back.
#[async_trait]
pub trait Ends: Send {
    /// Makes all of it permanent.
    async fn commit(self: Box<Self>) -> StoreResult<()>;
}
