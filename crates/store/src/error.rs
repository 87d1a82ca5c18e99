//! What the databases say, in the words of the port.

use slipway_portal::ports::StoreError;

/// Tells a full disk, a broken constraint and a database that does not answer from the rest.
pub(crate) fn map(error: sqlx::Error) -> StoreError {
    match &error {
        sqlx::Error::RowNotFound => StoreError::Gone,
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => StoreError::Unavailable(Box::new(error)),
        sqlx::Error::Database(database) => {
            let code = database.code().unwrap_or_default().into_owned();
            let message = database.message();
            // SQLITE_FULL is 13; PostgreSQL's disk_full is 53100.
            if code == "13" || code == "53100" || message.contains("database or disk is full") {
                StoreError::Full
            } else if database.is_unique_violation() || database.is_foreign_key_violation() {
                // SQLite names the columns, PostgreSQL the constraint.
                StoreError::Constraint(database.constraint().unwrap_or(message).to_owned())
            } else if code == "5" || code == "6" || code.starts_with("08") || code.starts_with("57P") {
                StoreError::Unavailable(Box::new(error))
            } else {
                StoreError::Other(Box::new(error))
            }
        }
        _ => StoreError::Other(Box::new(error)),
    }
}

/// What a targeted write must have met.
pub(crate) fn affected(rows: u64) -> Result<(), StoreError> {
    if rows == 0 { Err(StoreError::Gone) } else { Ok(()) }
}
