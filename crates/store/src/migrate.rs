//! Migrations, built into the binary.

use crate::error::map;
use slipway_portal::ports::{StoreError, StoreResult};
use sqlx::AnyPool;
use sqlx::SqlSafeStr as _;
use sqlx::error::DatabaseError;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};

macro_rules! migrations {
    ($($version:literal $name:literal),+ $(,)?) => {
        [$((
            $version,
            $name,
            include_str!(concat!("../../../migrations/", $name, ".sql")),
        )),+]
    };
}

/// Every migration: its number, its name, its text.
const ALL: &[(i64, &str, &str)] = &migrations! {
    1 "0001_ground",
    2 "0002_pipelines",
    3 "0003_promotions",
    4 "0004_boards",
    5 "0005_run_failures",
    6 "0006_people",
    7 "0007_signin",
    8 "0008_places",
    9 "0009_api",
    10 "0010_notices",
    11 "0011_project_tokens",
    12 "0012_subscribers",
    13 "0013_imports",
    14 "0014_mail",
    15 "0015_oauth",
    16 "0016_operators",
    17 "0017_working_copies",
    18 "0018_snapshots",
    19 "0019_templates",
    20 "0020_gates",
    21 "0021_drift",
    22 "0022_manifests",
    23 "0023_items",
    24 "0024_boards",
    25 "0025_trails",
    26 "0026_attachments",
    27 "0027_intakes",
    28 "0028_digests",
    29 "0029_mirrors",
    30 "0030_shelves",
    31 "0031_template_editors",
};

/// What tells one set of migrations from another.
pub(crate) fn fingerprint() -> u64 {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    ALL.hash(&mut hasher);
    hasher.finish()
}

/// How many migrations the database lacks. Changes nothing.
///
/// # Errors
/// [`StoreError::Newer`] where a newer Slipway was here, or the database does not answer.
pub(crate) async fn behind(pool: &AnyPool) -> StoreResult<usize> {
    let done = sqlx::query_scalar::<_, i64>("SELECT version FROM _sqlx_migrations ORDER BY version")
        .fetch_all(pool)
        .await;
    let done = match done {
        Ok(done) => done,
        Err(sqlx::Error::Database(error)) if lacks_table(&*error) => Vec::new(),
        Err(error) => return Err(map(error)),
    };
    let known = ALL.last().map_or(0, |m| m.0);
    match done.last() {
        Some(&found) if found > known => Err(StoreError::Newer { found, known }),
        _ => Ok(ALL.len().saturating_sub(done.len())),
    }
}

fn lacks_table(error: &dyn DatabaseError) -> bool {
    error.code().is_some_and(|code| code == "42P01") || error.message().starts_with("no such table")
}

/// Brings the database up to date.
///
/// # Errors
/// [`StoreError::Newer`] where a newer Slipway was here; nothing is changed then.
pub(crate) async fn run(pool: &AnyPool) -> StoreResult<()> {
    let migrations = ALL
        .iter()
        .map(|(version, name, sql)| {
            Migration::new(
                *version,
                (*name).into(),
                MigrationType::Simple,
                sql.into_sql_str(),
                false,
            )
        })
        .collect();
    let known = ALL.last().map_or(0, |m| m.0);
    Migrator::with_migrations(migrations)
        .run(pool)
        .await
        .map_err(|error| match error {
            MigrateError::VersionMissing(found) | MigrateError::VersionTooNew(found, _) => {
                StoreError::Newer { found, known }
            }
            MigrateError::Execute(error) => map(error),
            other => StoreError::Other(Box::new(other)),
        })
}
