//! Pools and transactions.

use crate::error::map;
use async_trait::async_trait;
use slipway_portal::ports::{Ends, Store, StoreError, StoreResult, Tx};
use sqlx::any::{Any, AnyPoolOptions};
use sqlx::pool::PoolConnection;
use sqlx::{AnyConnection, AnyPool, Executor as _, Transaction};
use std::time::Duration;

/// How long a request waits for a connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// The database: SQLite by `sqlite://path`, PostgreSQL by `postgres://…`.
#[derive(Clone)]
pub struct SqlStore {
    readers: AnyPool,
    writers: AnyPool,
    begin: &'static str,
}

/// One connection, reading or inside one write transaction.
pub struct SqlTx(Held);

enum Held {
    Reading(PoolConnection<Any>),
    Writing(Transaction<'static, Any>),
}

impl SqlTx {
    /// The connection to run statements on.
    pub(crate) fn conn(&mut self) -> &mut AnyConnection {
        match &mut self.0 {
            Held::Reading(connection) => connection,
            Held::Writing(transaction) => transaction,
        }
    }
}

impl SqlStore {
    /// Connects. An SQLite file that is not there is made.
    ///
    /// # Errors
    /// The URL is of neither database, or the database does not answer.
    pub async fn connect(url: &str) -> StoreResult<Self> {
        sqlx::any::install_default_drivers();
        if url.starts_with("sqlite:") {
            return Self::sqlite(url).await;
        }
        if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            let pool = AnyPoolOptions::new()
                .max_connections(16)
                .acquire_timeout(PATIENCE)
                .connect(url)
                .await
                .map_err(map)?;
            return Ok(Self {
                readers: pool.clone(),
                writers: pool,
                begin: "BEGIN",
            });
        }
        Err(StoreError::Other(
            "database.url must start with sqlite: or postgres:".into(),
        ))
    }

    /// SQLite has one writer: one connection, so that writers queue here and never meet a busy database.
    async fn sqlite(url: &str) -> StoreResult<Self> {
        let url = if url.contains('?') {
            url.to_owned()
        } else {
            format!("{url}?mode=rwc")
        };
        let options = || {
            AnyPoolOptions::new()
                .acquire_timeout(PATIENCE)
                .test_before_acquire(false)
                .after_connect(|conn, _| {
                    Box::pin(async move {
                        conn.execute(
                            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
                         PRAGMA busy_timeout = 5000; PRAGMA cache_size = -8000; PRAGMA temp_store = MEMORY",
                        )
                        .await?;
                        Ok(())
                    })
                })
        };
        // The writer first: it makes the file and switches it to WAL.
        let writers = options().max_connections(1).connect(&url).await.map_err(map)?;
        let readers = options().max_connections(8).connect_lazy(&url).map_err(map)?;
        Ok(Self {
            readers,
            writers,
            begin: "BEGIN IMMEDIATE",
        })
    }

    /// Brings the schema up to date.
    ///
    /// # Errors
    /// [`StoreError::Newer`] where a newer Slipway was here; nothing is changed then.
    pub async fn migrate(&self) -> StoreResult<()> {
        crate::migrate::run(&self.writers).await
    }

    /// Runs one statement outside of any use case: to make databases for tests, and to break things in them.
    ///
    /// # Errors
    /// The database refuses.
    #[doc(hidden)]
    pub async fn execute_for_tests(&self, statement: String) -> StoreResult<()> {
        let mut connection = self.writers.acquire().await.map_err(map)?;
        connection
            .execute(sqlx::AssertSqlSafe(statement))
            .await
            .map_err(map)?;
        Ok(())
    }

    /// Closes every connection, after what is under way.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writers.close().await;
    }
}

#[async_trait]
impl Store for SqlStore {
    async fn read(&self) -> StoreResult<Box<dyn Tx>> {
        let connection = self.readers.acquire().await.map_err(map)?;
        Ok(Box::new(SqlTx(Held::Reading(connection))))
    }

    async fn write(&self) -> StoreResult<Box<dyn Tx>> {
        let transaction = self.writers.begin_with(self.begin).await.map_err(map)?;
        Ok(Box::new(SqlTx(Held::Writing(transaction))))
    }

    async fn ping(&self) -> StoreResult<()> {
        let mut connection = self.readers.acquire().await.map_err(map)?;
        sqlx::query("SELECT 1")
            .execute(&mut *connection)
            .await
            .map_err(map)?;
        Ok(())
    }
}

#[async_trait]
impl Ends for SqlTx {
    async fn commit(self: Box<Self>) -> StoreResult<()> {
        match self.0 {
            Held::Reading(_) => Ok(()),
            Held::Writing(transaction) => transaction.commit().await.map_err(map),
        }
    }
}
