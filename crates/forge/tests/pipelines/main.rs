//! The use cases of repositories, proposals, runs, logs, webhooks and releases: SQLite, the real adapter, and the
//! sandbox's GitLab with its faults.

/// Each of these tests of the module around it, on SQLite and on PostgreSQL.
macro_rules! on_both {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(crate::world::World::new().await).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                if let Some(world) = crate::world::World::on_postgres().await {
                    super::$test(world).await;
                }
            })+
        }
    };
}

mod bad_days;
mod beside;
mod credentials;
mod imports;
mod imports_killed;
mod imports_trouble;
mod inputs;
mod logs;
mod mirror;
mod mirror_killed;
mod oauth;
mod oauth_abuse;
mod path;
mod patience;
mod reports;
mod schedules;
mod templates;
mod templates_killed;
mod trail;
mod ways;
mod webhooks;
mod working_copy;
mod world;
