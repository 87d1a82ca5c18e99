//! Pools and transactions.

use crate::error::map;
use crate::notify::PostgresNotifier;
use crate::revision::Watcher;
use async_trait::async_trait;
use slipway_portal::live::{LocalNotifier, Notifier};
use slipway_portal::ports::{Ends, Store, StoreError, StoreResult, Tx};
use sqlx::any::{Any, AnyPoolOptions};
use sqlx::pool::PoolConnection;
use sqlx::{AnyConnection, AnyPool, Connection as _, Executor as _, Transaction};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

/// How long a request waits for a connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// SQLite's own limit of a file, in pages.
const MOST_PAGES: u32 = 4_294_967_294;

/// How every connection to SQLite works.
const PRAGMAS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
                       PRAGMA busy_timeout = 5000; PRAGMA cache_size = -8000; PRAGMA temp_store = MEMORY";

fn limit(pages: u32) -> sqlx::AssertSqlSafe<String> {
    sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"))
}

/// The database: SQLite by `sqlite://path`, PostgreSQL by `postgres://…`.
#[derive(Clone)]
pub struct SqlStore {
    readers: AnyPool,
    writers: AnyPool,
    begin: &'static str,
    /// The URL of a PostgreSQL, which tells the other replicas what changed.
    postgres: Option<String>,
    /// Sees what changes in an SQLite file.
    watcher: Option<Arc<Watcher>>,
    /// How far an SQLite file may grow.
    most_pages: Arc<AtomicU32>,
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
                postgres: Some(url.to_owned()),
                watcher: None,
                most_pages: Arc::default(),
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
        let most_pages = Arc::new(AtomicU32::new(MOST_PAGES));
        let options = || {
            let most_pages = Arc::clone(&most_pages);
            AnyPoolOptions::new()
                .acquire_timeout(PATIENCE)
                .test_before_acquire(false)
                .after_connect(move |conn, _| {
                    let limit = limit(most_pages.load(Ordering::Relaxed));
                    Box::pin(async move {
                        conn.execute(PRAGMAS).await?;
                        conn.execute(limit).await?;
                        Ok(())
                    })
                })
        };
        // A pool tries again and again and then says no more than that it was in vain.
        let mut first = AnyConnection::connect(&url).await.map_err(map)?;
        first.execute(PRAGMAS).await.map_err(map)?;
        // The writer first: it makes the file and switches it to WAL. It stays open, because the files beside the
        // database cannot be made anew on a full disk. On such a disk SQLite ends a transaction by itself; sqlx still
        // counts it and would refuse every later one, so that the writer is replaced then.
        let writers = options()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .before_acquire(|writer, _| Box::pin(async move { Ok(!writer.is_in_transaction()) }))
            .connect(&url)
            .await
            .map_err(map)?;
        let readers = options().max_connections(8).connect_lazy(&url).map_err(map)?;
        first.close().await.map_err(map)?;
        Ok(Self {
            readers,
            writers,
            begin: "BEGIN IMMEDIATE",
            postgres: None,
            watcher: Some(Arc::new(Watcher::new(url))),
            most_pages,
        })
    }

    /// Brings the schema up to date.
    ///
    /// # Errors
    /// [`StoreError::Newer`] where a newer Slipway was here; nothing is changed then.
    pub async fn migrate(&self) -> StoreResult<()> {
        crate::migrate::run(&self.writers).await
    }

    /// How many migrations the database lacks. Changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Newer`] where a newer Slipway was here, or the database does not answer.
    pub async fn behind(&self) -> StoreResult<usize> {
        crate::migrate::behind(&self.readers).await
    }

    /// What tells everybody of changes: within this process, and with PostgreSQL in every replica.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn notifier(&self) -> StoreResult<Arc<dyn Notifier>> {
        Ok(match &self.postgres {
            Some(url) => Arc::new(PostgresNotifier::connect(url).await?),
            None => Arc::new(LocalNotifier::default()),
        })
    }

    /// Makes a migrated database without any rows on the PostgreSQL `server` (the URL of its maintenance database); its URL.
    /// The first of a server is kept as the template of all others: a copy takes a tenth of the time.
    ///
    /// # Errors
    /// The server does not answer, or refuses.
    #[doc(hidden)]
    pub async fn new_database_for_tests(server: &str) -> StoreResult<String> {
        static MADE: AtomicU32 = AtomicU32::new(0);
        // The clock as well: process numbers come again.
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let name = format!(
            "slipway_test_{}_{}_{}",
            std::process::id(),
            now.unwrap_or_default().as_nanos(),
            MADE.fetch_add(1, Ordering::Relaxed)
        );
        let base = server.rsplit_once('/').map_or(server, |(base, _)| base);
        let url = format!("{base}/{name}");
        let admin = Self::connect(server).await?;
        let template = format!("slipway_template_{:016x}", crate::migrate::fingerprint());
        let copy = format!("CREATE DATABASE {name} TEMPLATE {template}");
        if admin.execute_for_tests(copy).await.is_err() {
            admin.execute_for_tests(format!("CREATE DATABASE {name}")).await?;
            let first = Self::connect(&url).await?;
            first.migrate().await?;
            first.close().await;
            // Of several at once, one makes it.
            let _ = admin
                .execute_for_tests(format!("CREATE DATABASE {template} TEMPLATE {name}"))
                .await;
        }
        admin.close().await;
        Ok(url)
    }

    /// A migrated SQLite database without any rows, in a new file of that path. The first of a machine is kept as the
    /// template of all others.
    ///
    /// # Errors
    /// The file cannot be written.
    #[doc(hidden)]
    pub async fn new_sqlite_for_tests(file: &std::path::Path) -> StoreResult<Self> {
        let url = format!("sqlite://{}", file.display());
        let name = format!("slipway-template-{:016x}.db", crate::migrate::fingerprint());
        let template = std::env::temp_dir().join(name);
        if std::fs::copy(&template, file).is_ok() {
            return Self::connect(&url).await;
        }
        let mine = file.with_extension("template");
        let first = Self::connect(&format!("sqlite://{}", mine.display())).await?;
        first.migrate().await?;
        first.close().await;
        let failed = |error: std::io::Error| StoreError::Other(Box::new(error));
        std::fs::copy(&mine, file).map_err(failed)?;
        // In one step, so that nobody copies half of it; whoever is last replaces what is the same.
        let _ = std::fs::rename(&mine, &template);
        Self::connect(&url).await
    }

    /// Lets the SQLite file grow no further, as a full disk does, or lets it grow again.
    ///
    /// # Errors
    /// The database does not answer.
    #[doc(hidden)]
    pub async fn fill_disk_for_tests(&self, full: bool) -> StoreResult<()> {
        // SQLite takes the file's size where that is more.
        let pages = if full { 1 } else { MOST_PAGES };
        self.most_pages.store(pages, Ordering::Relaxed);
        let mut writer = self.writers.acquire().await.map_err(map)?;
        writer.execute(limit(pages)).await.map_err(map)?;
        Ok(())
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
        if let Some(watcher) = &self.watcher {
            watcher.close().await;
        }
        self.readers.close().await;
        self.writers.close().await;
    }
}

#[cfg(test)]
impl SqlStore {
    /// A reading connection, for tests that look at the database itself.
    pub(crate) async fn reading(&self) -> StoreResult<SqlTx> {
        let connection = self.readers.acquire().await.map_err(map)?;
        Ok(SqlTx(Held::Reading(connection)))
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

    async fn revision(&self) -> StoreResult<Option<i64>> {
        match &self.watcher {
            Some(watcher) => watcher.revision().await.map(Some),
            None => Ok(None),
        }
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
