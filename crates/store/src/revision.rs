//! Whether anything in an SQLite database has changed, without reading any of it.

use crate::error::map;
use slipway_portal::ports::StoreResult;
use sqlx::{AnyConnection, Connection as _, query_scalar};
use tokio::sync::Mutex;

/// A connection that only asks SQLite for `data_version`: the number changes with every commit of any other connection,
/// of any process, and is comparable only within one connection.
pub(crate) struct Watcher {
    url: String,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    connection: Option<AnyConnection>,
    /// How many connections there have been.
    epoch: i64,
}

impl Watcher {
    /// Of the database at `url`, which is opened at the first question.
    pub(crate) fn new(url: String) -> Self {
        Self {
            url,
            open: Mutex::default(),
        }
    }

    /// A number that is another one after every commit.
    pub(crate) async fn revision(&self) -> StoreResult<i64> {
        let mut open = self.open.lock().await;
        // A connection that failed, or whose question was given up half-way, is never asked again.
        let mut connection = if let Some(connection) = open.connection.take() {
            connection
        } else {
            open.epoch += 1;
            AnyConnection::connect(&self.url).await.map_err(map)?
        };
        let version: i64 = query_scalar("PRAGMA data_version")
            .fetch_one(&mut connection)
            .await
            .map_err(map)?;
        open.connection = Some(connection);
        Ok((open.epoch << 32) | version)
    }

    /// Closes the connection.
    pub(crate) async fn close(&self) {
        if let Some(connection) = self.open.lock().await.connection.take()
            && let Err(error) = connection.close().await
        {
            tracing::debug!(%error, "a connection did not close");
        }
    }
}
