//! A portal with a courier, an organization and a webhook, on SQLite and PostgreSQL.

use crate::receiver::Receiver;
use slipway_courier::HttpCourier;
use slipway_domain::id::SubscriberId;
use slipway_domain::message::Message;
use slipway_domain::person::PersonRef;
use slipway_domain::subscriber::EventKind;
use slipway_domain::text::Locale;
use slipway_portal::access::At;
use slipway_portal::outgoing::Outgoing;
use slipway_portal::person::NewAccount;
use slipway_portal::subscriber::{self, Input};
use slipway_portal::{Actor, OpCtx, Portal, Via, jobs, org, person};
use slipway_store::SqlStore;
use slipway_testkit::{MockClock, Unconnected, sending_portal};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// The server's URL with its maintenance database.
const POSTGRES: &str = "SLIPWAY_TEST_POSTGRES_URL";

/// How long the courier of a test waits for an answer.
pub const PATIENCE: Duration = Duration::from_millis(700);

/// What the secrets are kept by.
pub const KEY: &str = "a key for tests, never for people";

pub const ACME: At<'static> = At {
    org: "acme",
    project: None,
    app: None,
};

pub struct World {
    pub portal: Portal,
    store: Arc<SqlStore>,
    pub clock: MockClock,
    pub owner: PersonRef,
}

fn portal(key: &str, store: Arc<SqlStore>, clock: &MockClock) -> Portal {
    let none = Arc::new(Unconnected);
    sending_portal(
        key,
        store,
        Arc::new(clock.clone()),
        none.clone(),
        none,
        Arc::new(HttpCourier::waiting(Outgoing::with_loopback(), PATIENCE)),
    )
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
        let clock = MockClock::default();
        let store = Arc::new(store);
        let portal = portal(KEY, store.clone(), &clock);
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
        Self {
            portal,
            store,
            clock,
            owner,
        }
    }

    /// The server starts again with this key for its secrets.
    pub fn restart_with(&mut self, key: &str) {
        self.portal = portal(key, self.store.clone(), &self.clock);
    }

    pub fn ctx(&self) -> OpCtx {
        self.portal
            .ctx(Actor::User(self.owner.clone()), Via::Web, "test", Locale::En)
    }

    /// A webhook to the receiver: which, and its secret.
    pub async fn subscribe(&self, receiver: &Receiver) -> (SubscriberId, String) {
        let input = Input {
            url: receiver.url(),
            description: String::new(),
            kinds: vec![EventKind::ItemCreated.key().to_owned()],
            enabled: true,
        };
        let made = subscriber::create(&self.ctx(), ACME, input)
            .await
            .expect("a webhook");
        (made.id, made.secret)
    }

    /// Runs every job that is due.
    pub async fn work(&self) {
        while jobs::step(&self.portal, "test").await.expect("the worker works") {}
    }

    /// The only delivery of a webhook.
    pub async fn only(&self, id: SubscriberId) -> Message {
        let mut all = self.log(id).await;
        assert_eq!(all.len(), 1);
        all.remove(0)
    }

    /// The deliveries of a webhook.
    pub async fn log(&self, id: SubscriberId) -> Vec<Message> {
        subscriber::messages(&self.ctx(), ACME, id, None, 100)
            .await
            .expect("the log")
    }

    /// Sends a test, and works.
    pub async fn send(&self, id: SubscriberId) {
        subscriber::test(&self.ctx(), ACME, id).await.expect("a test");
        self.work().await;
    }
}
