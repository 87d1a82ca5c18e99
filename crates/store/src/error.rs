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
            if is_full(&code) {
                StoreError::Full
            } else if database.is_unique_violation() || database.is_foreign_key_violation() {
                // SQLite names the columns, PostgreSQL the constraint.
                StoreError::Constraint(database.constraint().unwrap_or(message).to_owned())
            } else if is_away(&code) {
                StoreError::Unavailable(Box::new(error))
            } else {
                StoreError::Other(Box::new(error))
            }
        }
        _ => StoreError::Other(Box::new(error)),
    }
}

/// No room: SQLite's `FULL` (13) and `IOERR_SHMSIZE` (4874), PostgreSQL's `disk_full`.
fn is_full(code: &str) -> bool {
    matches!(code, "13" | "4874" | "53100")
}

/// Not to be had for now. PostgreSQL: no connection, shutting down, too many clients, a disk that fails. SQLite, by the
/// low byte: busy (5), locked (6), read-only (8), a disk that fails (10), a file that does not open (14).
fn is_away(code: &str) -> bool {
    if code.len() == 5 {
        return code.starts_with("08") || code.starts_with("57P") || matches!(code, "53300" | "58030");
    }
    code.parse::<u32>()
        .is_ok_and(|code| matches!(code & 0xff, 5 | 6 | 8 | 10 | 14))
}

/// What a targeted write must have met.
pub(crate) fn affected(rows: u64) -> Result<(), StoreError> {
    if rows == 0 { Err(StoreError::Gone) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_and_a_database_that_is_away_are_told_from_a_wrong_statement() {
        for full in ["13", "4874", "53100"] {
            assert!(is_full(full) && (full == "4874" || !is_away(full)), "{full}");
        }
        for away in [
            "5", "261", "6", "8", "1032", "10", "778", "14", "08006", "57P01", "53300", "58030",
        ] {
            assert!(is_away(away) && !is_full(away), "{away}");
        }
        for other in ["1", "19", "787", "23505", "42601", ""] {
            assert!(!is_away(other) && !is_full(other), "{other}");
        }
    }
}
