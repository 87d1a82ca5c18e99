//! An organization with a project and an app on a real database, a mail server of the operator's, and one to be chosen.

use slipway_domain::access::Role;
use slipway_domain::mail::{MailServer, Security, Sender};
use slipway_domain::person::PersonRef;
use slipway_domain::text::Locale;
use slipway_mail::SmtpMailer;
use slipway_portal::outgoing::Outgoing;
use slipway_portal::person::NewAccount;
use slipway_portal::ports::MailAccess;
use slipway_portal::{Actor, OpCtx, Portal, Via, app, mail, org, person, project};
use slipway_store::SqlStore;
use slipway_testkit::{MockClock, SmtpServer, mailing};
use std::sync::Arc;
use std::time::Duration;

const POSTGRES: &str = "SLIPWAY_TEST_POSTGRES_URL";

/// Where people reach Slipway.
pub const URL: &str = "https://slipway.example.com";

pub struct World {
    pub portal: Portal,
    pub store: Arc<SqlStore>,
    pub clock: MockClock,
    /// The operator's mail server.
    pub operators: SmtpServer,
    /// The owner of the organization.
    pub ada: PersonRef,
    /// Leads the project.
    pub lea: PersonRef,
    _folder: tempfile::TempDir,
}

/// How to reach the server as nobody, in the clear.
pub fn access(server: &SmtpServer) -> MailAccess {
    MailAccess {
        server: MailServer {
            host: String::from("127.0.0.1"),
            port: server.port(),
            security: Security::None,
            username: String::new(),
            sender: Sender {
                name: String::from("Slipway"),
                address: String::from("slipway@acme.example"),
            },
        },
        password: String::new(),
        operator: true,
    }
}

pub fn mailer(outgoing: Outgoing) -> SmtpMailer {
    SmtpMailer::new(outgoing, URL).with_patience(Duration::from_secs(5))
}

/// On SQLite.
pub async fn sqlite() -> World {
    let folder = tempfile::tempdir().expect("a folder");
    let store = SqlStore::new_sqlite_for_tests(&folder.path().join("slipway.db"))
        .await
        .expect("SQLite opens");
    World::on(store, folder).await
}

/// On PostgreSQL; `None` (and a word about it) without a server.
pub async fn postgres() -> Option<World> {
    let Ok(server) = std::env::var(POSTGRES) else {
        eprintln!("skipped on PostgreSQL: {POSTGRES} is not set");
        return None;
    };
    let url = SqlStore::new_database_for_tests(&server)
        .await
        .expect("a database is made");
    let store = SqlStore::connect(&url).await.expect("it opens");
    Some(World::on(store, tempfile::tempdir().expect("a folder")).await)
}

impl World {
    async fn on(store: SqlStore, folder: tempfile::TempDir) -> Self {
        store.migrate().await.expect("it migrates");
        let (store, clock) = (Arc::new(store), MockClock::default());
        let operators = SmtpServer::start().await;
        let portal = mailing(
            store.clone(),
            Arc::new(clock.clone()),
            Arc::new(mailer(Outgoing::with_loopback())),
            Some(access(&operators)),
        );
        let ada = account(&portal, "ada", "Ada Okafor").await;
        let lea = account(&portal, "lea", "Lea").await;
        org::create(&portal.system("test"), "acme", "Acme", ada.id)
            .await
            .expect("an organization");
        let ctx = portal.ctx(Actor::User(ada.clone()), Via::Web, "test", Locale::En);
        let input = project::Input {
            slug: String::from("checkout"),
            name: String::from("Checkout"),
            description: String::new(),
            key: String::from("CHK"),
            internal: false,
        };
        project::create(&ctx, "acme", input).await.expect("a project");
        org::grant(&ctx, "acme", Some("checkout"), lea.id, Role::ProjectLead)
            .await
            .expect("a role");
        let input = app::Input {
            slug: String::from("pay"),
            name: String::from("Pay"),
            description: String::new(),
        };
        let lead = portal.ctx(Actor::User(lea.clone()), Via::Web, "test", Locale::En);
        app::create(&lead, "acme", "checkout", input)
            .await
            .expect("an app");
        Self {
            portal,
            store,
            clock,
            operators,
            ada,
            lea,
            _folder: folder,
        }
    }

    /// The same places with another way to the outside.
    pub fn by(&self, outgoing: Outgoing, mail_server: Option<MailAccess>) -> Portal {
        mailing(
            self.store.clone(),
            Arc::new(self.clock.clone()),
            Arc::new(mailer(outgoing)),
            mail_server,
        )
    }

    /// A request of `person`, in English.
    pub fn ctx(&self, person: &PersonRef) -> OpCtx {
        self.ctx_in(person, Locale::En)
    }

    pub fn ctx_in(&self, person: &PersonRef, locale: Locale) -> OpCtx {
        self.portal
            .ctx(Actor::User(person.clone()), Via::Web, "test", locale)
    }

    /// Makes `server` the organization's own.
    pub async fn choose(&self, server: &SmtpServer, username: &str, password: &str) {
        let input = mail::Input {
            host: String::from("127.0.0.1"),
            port: server.port().to_string(),
            security: String::from("none"),
            username: username.to_owned(),
            password: password.to_owned(),
            sender: String::from("Acme <ci@acme.example>"),
        };
        mail::edit(&self.ctx(&self.ada), "acme", input)
            .await
            .expect("it is taken");
    }
}

async fn account(portal: &Portal, username: &str, name: &str) -> PersonRef {
    let new = NewAccount {
        username: username.to_owned(),
        name: name.to_owned(),
        email: Some(format!("{username}@acme.example")),
        password: String::from("correct horse"),
    };
    person::create(&portal.system("test"), new)
        .await
        .expect("an account")
}
