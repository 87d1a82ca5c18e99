//! A fresh database for a test: an SQLite file, and a PostgreSQL database where there is a server.

use slipway_store::SqlStore;
use slipway_testkit::conformance::World;
use slipway_testkit::{MockClock, Unconnected, portal};
use std::sync::Arc;

/// The server's URL with its maintenance database, as in `postgres://postgres@127.0.0.1:5433/postgres`.
pub const POSTGRES: &str = "SLIPWAY_TEST_POSTGRES_URL";

/// An empty, migrated SQLite store in a folder that goes with the guard.
pub async fn sqlite() -> (SqlStore, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = SqlStore::new_sqlite_for_tests(&folder.path().join("slipway.db"))
        .await
        .expect("SQLite opens");
    (store, folder)
}

/// An empty, migrated PostgreSQL store; `None` (and a word about it) without a server.
pub async fn postgres() -> Option<SqlStore> {
    let Ok(server) = std::env::var(POSTGRES) else {
        eprintln!("skipped on PostgreSQL: {POSTGRES} is not set");
        return None;
    };
    let url = SqlStore::new_database_for_tests(&server)
        .await
        .expect("a database is made");
    let store = SqlStore::connect(&url).await.expect("it opens");
    store.migrate().await.expect("it migrates");
    Some(store)
}

/// A portal around `store`, with a clock that stands still.
pub fn world(store: SqlStore) -> World {
    let clock = MockClock::default();
    let none = Arc::new(Unconnected);
    World {
        portal: portal(Arc::new(store), Arc::new(clock.clone()), none.clone(), none),
        clock,
    }
}
