//! A portal with a sandbox's GitLab, an organization, a project, and an app per sample repository.

use serde_json::{Value, json};
use slipway_domain::access::Role;
use slipway_domain::app::RepositoryChoice;
use slipway_domain::audit::AuditRow;
use slipway_domain::id::{AppId, BindingId, ConnectionId};
use slipway_domain::member::Holder;
use slipway_domain::person::PersonRef;
use slipway_domain::run::RunView;
use slipway_domain::text::Locale;
use slipway_domain::time::SECOND;
use slipway_forge::GitlabConnector;
use slipway_portal::jobs;
use slipway_portal::person::NewAccount;
use slipway_portal::ports::{Binding, NewBinding};
use slipway_portal::{
    Actor, Error, OpCtx, Portal, Via, app, audit, connection, org, person, project, proposal, repository, run,
};
use slipway_sandbox::gitlab::{GitlabConfig, GitlabHandle};
use slipway_store::SqlStore;
use slipway_testkit::{MockClock, Unconnected, portal, saved};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(90);

pub const ORG: &str = "acme";
pub const PROJECT: &str = "checkout";

pub struct World {
    pub portal: Portal,
    pub clock: MockClock,
    pub gitlab: GitlabHandle,
    pub owner: PersonRef,
    pub samples: Vec<(u64, String)>,
    /// Where the database is.
    pub database: String,
    _folder: tempfile::TempDir,
}

impl World {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("slipway.db");
        let store = SqlStore::new_sqlite_for_tests(&file).await.expect("SQLite opens");
        Self::on((store, format!("sqlite://{}", file.display())), folder).await
    }

    /// On PostgreSQL; `None` (and a word about it) without a server.
    pub async fn on_postgres() -> Option<Self> {
        let Ok(server) = std::env::var("SLIPWAY_TEST_POSTGRES_URL") else {
            eprintln!("skipped on PostgreSQL: SLIPWAY_TEST_POSTGRES_URL is not set");
            return None;
        };
        let database = SqlStore::new_database_for_tests(&server)
            .await
            .expect("a database is made");
        let store = SqlStore::connect(&database).await.expect("the database opens");
        Some(Self::on((store, database), tempfile::tempdir().expect("a folder")).await)
    }

    async fn on((store, database): (SqlStore, String), folder: tempfile::TempDir) -> Self {
        let config = GitlabConfig {
            data: folder.path().join("gitlab"),
            addr: "127.0.0.1:0".parse().expect("an address"),
            public_url: None,
        };
        let gitlab = slipway_sandbox::gitlab::start(config)
            .await
            .expect("the sandbox starts");
        let samples = gitlab.seed_samples(&[]).expect("the samples are made");
        store.migrate().await.expect("it migrates");
        let clock = MockClock::default();
        let forges = Arc::new(GitlabConnector::new(
            slipway_portal::outgoing::Outgoing::with_loopback(),
        ));
        let portal = portal(
            Arc::new(store),
            Arc::new(clock.clone()),
            forges,
            Arc::new(Unconnected),
        );
        let system = portal.system("test");
        let account = NewAccount {
            username: String::from("dana"),
            name: String::from("Dana"),
            email: Some(String::from("admin@acme.example")),
            password: String::from("correct horse"),
        };
        let owner = person::create(&system, account).await.expect("an account");
        let org_ref = org::create(&system, ORG, "Acme", owner.id)
            .await
            .expect("an organization");
        let input = project::Input {
            slug: PROJECT.to_owned(),
            name: String::from("Checkout"),
            description: String::new(),
            key: String::from("CHK"),
            internal: false,
        };
        let ctx = portal.ctx(Actor::User(owner.clone()), Via::Web, "test", Locale::En);
        let project_id = project::create(&ctx, ORG, input).await.expect("a project");
        let mut change = system.change().await.expect("a change");
        change.bookkeeping();
        let binding = Binding {
            org: org_ref.id,
            project: Some(project_id),
            app: None,
            role: Role::ProjectOwner.into(),
        };
        let new = NewBinding {
            id: system.id::<BindingId>(),
            binding,
            holder: Holder::Person(owner.id),
            at: system.now(),
        };
        change.tx().insert_binding(&new).await.expect("a role");
        change.commit().await.expect("it commits");
        Self {
            portal,
            clock,
            gitlab,
            owner,
            samples,
            database,
            _folder: folder,
        }
    }

    /// A request of the owner.
    pub fn ctx(&self) -> OpCtx {
        self.portal
            .ctx(Actor::User(self.owner.clone()), Via::Web, "test", Locale::En)
    }

    /// A connection to the sandbox.
    pub async fn connection(&self) -> ConnectionId {
        self.connection_to(&self.gitlab.url(), self.gitlab.admin_token())
            .await
    }

    pub async fn connection_to(&self, base_url: &str, token: &str) -> ConnectionId {
        let input = connection::Input {
            name: format!("GitLab {base_url}"),
            base_url: base_url.to_owned(),
            token: token.to_owned(),
        };
        connection::create(&self.ctx(), ORG, input)
            .await
            .expect("a connection")
    }

    /// An app, without a repository.
    pub async fn app(&self, slug: &str) -> AppId {
        let input = app::Input {
            slug: slug.to_owned(),
            name: slug.to_owned(),
            description: String::new(),
        };
        app::create(&self.ctx(), ORG, PROJECT, input)
            .await
            .expect("an app")
    }

    pub fn sample(&self, name: &str) -> i64 {
        let found = self
            .samples
            .iter()
            .find(|(_, path)| path.ends_with(&format!("/{name}")));
        i64::try_from(found.expect("a sample").0).expect("a small id")
    }

    /// An app of the sample of the same name, connected.
    pub async fn connected(&self, slug: &str) -> AppId {
        self.connection().await;
        let id = self.app(slug).await;
        repository::connect(&self.ctx(), ORG, PROJECT, slug, None, self.sample(slug))
            .await
            .expect("it connects");
        id
    }

    pub async fn choices(&self, app: &str) -> Result<Vec<RepositoryChoice>, Error> {
        repository::choices(&self.ctx(), ORG, PROJECT, app, None, None).await
    }

    /// Calls GitLab's API as the administrator.
    pub async fn call(&self, method: &str, path: &str, body: Value) -> Value {
        let method = method.parse().expect("a method");
        let request = reqwest::Client::new()
            .request(method, format!("{}/api/v4/{path}", self.gitlab.url()))
            .header("private-token", self.gitlab.admin_token());
        let request = if body.is_null() {
            request
        } else {
            request.json(&body)
        };
        let answer = request.send().await.expect("the sandbox answers");
        let status = answer.status();
        let value: Value = answer.json().await.unwrap_or_default();
        assert!(status.is_success(), "{path}: {status} {value}");
        value
    }

    /// Commits one file to `main`.
    pub async fn commit(&self, repository: i64, action: &str, path: &str, content: &str) -> Value {
        let body = json!({
            "branch": "main", "commit_message": format!("{action} {path}"),
            "actions": [{ "action": action, "file_path": path, "content": content }],
        });
        self.call("POST", &format!("projects/{repository}/repository/commits"), body)
            .await
    }

    /// The newest rows of an app's audit log.
    pub async fn log_of(&self, app: &str) -> Vec<AuditRow> {
        let query = audit::Query {
            org: ORG.to_owned(),
            project: Some(PROJECT.to_owned()),
            app: Some(app.to_owned()),
            ..audit::Query::default()
        };
        audit::read(&self.ctx(), &query).await.expect("the log").1
    }

    /// Runs every job that is due, then moves the clock on.
    pub async fn turn(&self) {
        for _ in 0..20 {
            if !jobs::step(&self.portal, "test").await.expect("the worker works") {
                break;
            }
        }
        self.clock.advance(3 * SECOND);
        tokio::time::sleep(Duration::from_millis(30)).await;
    }

    /// Works until `what` is there.
    pub async fn until<T, F: Future<Output = Option<T>>>(
        &self,
        what: &str,
        mut look: impl FnMut() -> F,
    ) -> T {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = look().await {
                return found;
            }
            assert!(Instant::now() < end, "waited in vain for {what}");
            self.turn().await;
        }
    }

    /// Works until a run has been settled: its page shows a release or says why there is none, or it did not succeed.
    pub async fn finished(&self, app: &str, number: i64) -> RunView {
        self.until("the run to end", || async {
            let view = run::view(&self.ctx(), ORG, PROJECT, app, number).await.ok()?;
            let logs = self.logs_complete(app, &view).await;
            (view.run.status.is_final() && logs).then_some(view)
        })
        .await
    }

    /// What the jobs of a run wrote, for the words of a failure.
    pub async fn words(&self, app: &str, view: &RunView) -> String {
        let mut words = String::new();
        for job in &view.jobs {
            let at = run::JobAt {
                org: ORG,
                project: PROJECT,
                app,
                number: view.run.number,
                job: job.id,
            };
            let log = run::download(&self.ctx(), &at).await.expect("a log");
            let bytes = saved(log).await;
            let text = String::from_utf8_lossy(&bytes);
            words.extend(["== ", &job.name, ": ", job.status.key(), "\n", &text, "\n"]);
        }
        words
    }

    async fn logs_complete(&self, app: &str, view: &RunView) -> bool {
        for job in view.jobs.iter().filter(|job| job.started_at.is_some()) {
            let at = run::JobAt {
                org: ORG,
                project: PROJECT,
                app,
                number: view.run.number,
                job: job.id,
            };
            if !run::log(&self.ctx(), &at, 1, 1)
                .await
                .is_ok_and(|window| window.complete)
            {
                return false;
            }
        }
        true
    }
}

/// The form of a template with its defaults.
pub fn form(template: &str, inputs: &[(&str, &str)]) -> proposal::Input {
    proposal::Input {
        template: template.to_owned(),
        inputs: inputs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect::<BTreeMap<_, _>>(),
        replace: false,
    }
}

impl World {
    /// A member of the project.
    pub async fn member(&self, username: &str, role: Role) -> PersonRef {
        let system = self.portal.system("test");
        let account = NewAccount {
            username: username.to_owned(),
            name: username.to_owned(),
            email: None,
            password: String::from("correct horse"),
        };
        let person = person::create(&system, account).await.expect("an account");
        let scope = system
            .read()
            .await
            .expect("a connection")
            .find_project(ORG, PROJECT)
            .await
            .expect("it answers");
        let scope = scope.expect("the project");
        let binding = Binding {
            org: scope.org.id,
            project: Some(scope.project.id),
            app: None,
            role: role.into(),
        };
        let mut change = system.change().await.expect("a change");
        change.bookkeeping();
        let new = NewBinding {
            id: system.id::<BindingId>(),
            binding,
            holder: Holder::Person(person.id),
            at: system.now(),
        };
        change.tx().insert_binding(&new).await.expect("a role");
        change.commit().await.expect("it commits");
        person
    }
}
