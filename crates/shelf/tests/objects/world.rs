//! A portal that keeps files in an object storage, with an item, on SQLite and PostgreSQL.

use slipway_domain::access::Role;
use slipway_domain::item::{ItemKind, Priority};
use slipway_domain::person::PersonRef;
use slipway_domain::text::Locale;
use slipway_portal::item::NewItem;
use slipway_portal::person::NewAccount;
use slipway_portal::ports::Shelving;
use slipway_portal::{Actor, OpCtx, Portal, Via, item, jobs, org, person, project};
use slipway_store::SqlStore;
use slipway_testkit::{MockClock, S3Server, shelving};
use std::sync::Arc;
use tempfile::TempDir;

/// The server's URL with its maintenance database.
const POSTGRES: &str = "SLIPWAY_TEST_POSTGRES_URL";

pub struct World {
    pub portal: Portal,
    pub server: S3Server,
    pub clock: MockClock,
    store: Arc<SqlStore>,
    owner: PersonRef,
}

/// An empty SQLite database, and its folder.
pub async fn sqlite() -> (SqlStore, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = SqlStore::new_sqlite_for_tests(&folder.path().join("slipway.db"))
        .await
        .expect("SQLite opens");
    (store, folder)
}

/// An empty PostgreSQL database; `None` (and a word about it) without a server.
pub async fn postgres() -> Option<SqlStore> {
    let Ok(server) = std::env::var(POSTGRES) else {
        eprintln!("skipped on PostgreSQL: {POSTGRES} is not set");
        return None;
    };
    let url = SqlStore::new_database_for_tests(&server)
        .await
        .expect("a database is made");
    Some(SqlStore::connect(&url).await.expect("it opens"))
}

impl World {
    pub async fn new(store: SqlStore) -> Self {
        store.migrate().await.expect("it migrates");
        let (clock, server, store) = (MockClock::default(), S3Server::start().await, Arc::new(store));
        let kept = Shelving {
            shelf: Some(Arc::new(crate::shelf(&server))),
            takes_new: true,
        };
        let portal = shelving(store.clone(), Arc::new(clock.clone()), kept);
        let system = portal.system("test");
        let account = NewAccount {
            username: String::from("ada"),
            name: String::from("Ada"),
            email: None,
            password: String::from("correct horse"),
        };
        let owner = person::create(&system, account).await.expect("an account");
        org::create(&system, "acme", "Acme", owner.id)
            .await
            .expect("an organization");
        let world = Self {
            portal,
            server,
            clock,
            store,
            owner,
        };
        let checkout = project::Input {
            slug: String::from("checkout"),
            name: String::from("Checkout"),
            description: String::new(),
            key: String::from("CHK"),
            internal: false,
        };
        project::create(&world.ctx(), "acme", checkout)
            .await
            .expect("a project");
        // Who owns the organization is no member of its projects by that.
        org::grant(
            &world.ctx(),
            "acme",
            Some("checkout"),
            world.owner.id,
            Role::ProjectOwner,
        )
        .await
        .expect("a role");
        let task = NewItem {
            kind: ItemKind::Task,
            title: String::from("a"),
            description: String::new(),
            priority: Priority::Normal,
            severity: None,
            assignee: None,
            points: None,
            into_iteration: false,
            column: None,
            more: item::Edit::default(),
        };
        item::create(&world.ctx(), "acme", "checkout", task)
            .await
            .expect("an item");
        world
    }

    /// The configuration is another from now on.
    pub fn restart(&mut self, takes_new: bool, with_bucket: bool) {
        let kept = Shelving {
            shelf: with_bucket.then(|| Arc::new(crate::shelf(&self.server)) as _),
            takes_new,
        };
        self.portal = shelving(self.store.clone(), Arc::new(self.clock.clone()), kept);
    }

    pub fn ctx(&self) -> OpCtx {
        self.portal
            .ctx(Actor::User(self.owner.clone()), Via::Web, "test", Locale::En)
    }

    /// Runs every job that is due.
    pub async fn work(&self) {
        while jobs::step(&self.portal, "test").await.expect("the worker works") {}
    }
}
