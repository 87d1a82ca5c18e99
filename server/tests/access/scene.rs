//! The stage of every test: two organizations, a project with an app, and somebody of every kind.

use axum::Router;
use axum::body::{Body, to_bytes};
use http::{HeaderMap, Request, StatusCode, header};
use slipway_app::SignInOptions;
use slipway_domain::access::Role;
use slipway_domain::environment::Tier;
use slipway_domain::id::{
    AppId, EnvironmentId, GroupId, JobId, MessageId, ProjectId, PromotionId, ReleaseId, RoleId,
    RoleRequestId, SubscriberId, UserId,
};
use slipway_domain::item::{ItemKind, Priority};
use slipway_domain::mail::{MailServer, Security, Sender};
use slipway_domain::person::{Person, PersonRef};
use slipway_domain::release::{Evidence, Image, Workload};
use slipway_domain::run::{JobRow, RunRow, RunStatus};
use slipway_domain::text::Locale;
use slipway_portal::access::{self, may};
use slipway_portal::outgoing::Outgoing;
use slipway_portal::person::NewAccount;
use slipway_portal::ports::{
    ClusterConnector, JobRecord, MailAccess, NewPerson, ReleaseRecord, RunRecord, Shelving,
};
use slipway_portal::{
    Actor, OpCtx, Portal, PortalParts, Via, app, cluster, environment, item, org, project, promotion,
    provider, subscriber,
};
use slipway_server::config::SignIn;
use slipway_server::http::exchange::Line;
use slipway_server::http::provider::{Provider, Providers};
use slipway_server::http::session::Device;
use slipway_server::http::{Edge, router};
use slipway_server::outside;
use slipway_server::running::{self, Plan};
use slipway_store::SqlStore;
use slipway_testkit::{MockClock, SmtpServer, Unconnected, signing_in};
use std::collections::HashMap;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::sync::watch;
use tower::ServiceExt as _;

/// The password of whoever has one.
pub const PASSWORD: &str = "correct horse";

/// Where Slipway is reached in tests.
pub const URL: &str = "http://127.0.0.1:3000";

/// The page of a furnished scene's project.
pub const PROJECT_PAGE: &str = "/orgs/acme/projects/checkout";

/// Everything a test needs. The database goes with it.
pub struct Scene {
    pub portal: Portal,
    pub store: SqlStore,
    pub clock: MockClock,
    pub edge: Edge,
    pub router: Router,
    pub stop: watch::Sender<bool>,
    pub people: HashMap<&'static str, PersonRef>,
    pub folder: TempDir,
}

fn plan(portal: &Portal, folder: &TempDir, providers: Vec<Provider>) -> Plan {
    Plan {
        portal: portal.clone(),
        site: folder.path().join("site"),
        sign_in: SignIn::default(),
        ways: SignInOptions::default(),
        providers: Providers::new(
            providers,
            Line::guarded(Outgoing::with_loopback()).unwrap(),
            &portal.public_url,
        ),
        behind_proxy: false,
        metrics_token: Some(String::from("metrics-token")),
    }
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.body))
    }

    /// `name=value` of the cookie that the answer sets.
    pub fn cookie(&self, name: &str) -> Option<String> {
        let lines = self
            .headers
            .get_all(header::SET_COOKIE)
            .into_iter()
            .map(|v| v.to_str().unwrap());
        let pairs = lines.map(|line| line.split(';').next().unwrap());
        pairs
            .into_iter()
            .find(|pair| pair.split_once('=').is_some_and(|(key, _)| key == name))
            .map(str::to_owned)
    }
}

impl Scene {
    /// People and nothing else.
    pub async fn new() -> Self {
        Self::at(URL).await
    }

    /// As [`new`](Self::new), reached at `url`.
    pub async fn at(url: &str) -> Self {
        Self::peopled(url, |_| {}).await
    }

    /// As [`new`](Self::new), with a mail server of the operator's.
    pub async fn mailing(server: &SmtpServer) -> Self {
        let access = MailAccess {
            server: MailServer {
                host: String::from("127.0.0.1"),
                port: server.port(),
                security: Security::None,
                username: String::new(),
                sender: Sender::parse("Slipway <slipway@example.com>").unwrap(),
            },
            password: String::new(),
            operator: true,
        };
        Self::peopled(URL, |parts| {
            parts.mailer = outside::mailer(Outgoing::with_loopback(), URL);
            parts.mail_server = Some(access);
        })
        .await
    }

    async fn peopled(url: &str, change: impl FnOnce(&mut PortalParts)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqlStore::new_sqlite_for_tests(&folder.path().join("test.db"))
            .await
            .unwrap();
        let mut scene = Self::of(store, folder, url, change).await;
        for name in ["ada", "devon", "dora", "quinn", "oli", "vic", "olga", "nora"] {
            scene.person(name).await;
        }
        scene
    }

    /// A server on `store`, which may have others. Makes nobody.
    pub async fn replica(
        store: SqlStore,
        clusters: Arc<dyn ClusterConnector>,
        folder: TempDir,
        url: &str,
    ) -> Self {
        Self::of(store, folder, url, |parts| parts.clusters = clusters).await
    }

    async fn of(store: SqlStore, folder: TempDir, url: &str, change: impl FnOnce(&mut PortalParts)) -> Self {
        store.migrate().await.unwrap();
        let clock = MockClock::default();
        let mut parts = PortalParts {
            store: Arc::new(store.clone()),
            forges: Arc::new(Unconnected),
            clusters: Arc::new(Unconnected),
            courier: Arc::new(Unconnected),
            mailer: Arc::new(Unconnected),
            mail_server: None,
            shelving: Shelving::default(),
            providers: outside::providers(Outgoing::with_loopback()).unwrap(),
            sign_in: provider::SignIn {
                local: true,
                providers: Vec::new(),
            },
            clock: Arc::new(clock.clone()),
            notifier: store.notifier().await.unwrap(),
            sealer: slipway_portal::seal::Sealer::new("a key for tests, never for people", &[]),
            public_url: url.to_owned(),
            wake: tokio::sync::Notify::new(),
        };
        change(&mut parts);
        let portal = Portal::new(parts);
        let (stop, told) = watch::channel(false);
        let edge = running::edge(plan(&portal, &folder, Vec::new()), told);
        Self {
            router: router(edge.clone()),
            portal,
            store,
            clock,
            edge,
            stop,
            people: HashMap::new(),
            folder,
        }
    }

    /// The same, with these providers of sign-in.
    pub fn providing(mut self, providers: Vec<Provider>) -> Self {
        let sign_in = provider::SignIn {
            local: true,
            providers: providers.iter().map(Provider::configured).collect(),
        };
        self.portal = signing_in(&self.portal, sign_in);
        let plan = plan(&self.portal, &self.folder, providers);
        self.edge = running::edge(plan, self.stop.subscribe());
        self.router = router(self.edge.clone());
        self
    }

    pub async fn person(&mut self, username: &'static str) {
        let ctx = self.portal.system("test");
        let person = Person {
            id: ctx.id(),
            username: username.to_owned(),
            name: username.to_uppercase(),
            email: None,
            locale: None,
            created_at: ctx.now(),
            deactivated_at: None,
        };
        let mut tx = self.portal.store.write().await.unwrap();
        tx.insert_person(&NewPerson {
            person: person.clone(),
            password_hash: None,
        })
        .await
        .unwrap();
        tx.commit().await.unwrap();
        self.people.insert(username, person.as_ref());
    }

    /// Somebody who is an operator of the server, and nothing in any organization.
    pub async fn operator(&mut self, username: &'static str) {
        self.person(username).await;
        let system = self.portal.system("test");
        slipway_portal::operator::grant(&system, self.people[username].id)
            .await
            .unwrap();
    }

    /// Somebody who signs in by [`PASSWORD`].
    pub async fn account(&self, username: &str) -> PersonRef {
        let account = NewAccount {
            username: username.to_owned(),
            name: username.to_uppercase(),
            email: None,
            password: PASSWORD.to_owned(),
        };
        slipway_portal::person::create(&self.portal.system("test"), account)
            .await
            .unwrap()
    }

    pub fn ctx(&self, who: &str) -> OpCtx {
        self.portal.ctx(
            Actor::User(self.people[who].clone()),
            Via::Web,
            "test",
            Locale::En,
        )
    }

    /// The cookie of a fresh session.
    pub async fn session(&self, who: &str) -> String {
        let person = self.people[who].id;
        let cookie = self
            .edge
            .sessions
            .start(person, Device::default(), None)
            .await
            .unwrap();
        cookie.to_str().unwrap().split(';').next().unwrap().to_owned()
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    /// A request of a program, by the session of `cookie` if there is one.
    pub async fn get(&self, path: &str, cookie: Option<&str>) -> Answer {
        self.send(get(path, cookie).body(Body::empty()).unwrap()).await
    }

    /// A post of our own page's script.
    pub async fn post(&self, path: &str, form: &str, cookie: Option<&str>) -> Answer {
        self.send(post(path, cookie).body(Body::from(form.to_owned())).unwrap())
            .await
    }

    /// A call of our own page's script with a JSON body; empty: none.
    pub async fn call(&self, method: &str, path: &str, body: &str, cookie: Option<&str>) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, "application/json");
        let request = with_cookie(request, cookie);
        self.send(request.body(Body::from(body.to_owned())).unwrap())
            .await
    }

    /// A post of a form without a script.
    pub async fn post_form(&self, path: &str, form: &str, from: &str, cookie: Option<&str>) -> Answer {
        let request = post(path, cookie)
            .header(header::ACCEPT, "text/html,application/xhtml+xml")
            .header(header::REFERER, format!("{URL}{from}"));
        self.send(request.body(Body::from(form.to_owned())).unwrap())
            .await
    }

    /// A page as a browser asks for it.
    pub async fn page(&self, path: &str, cookie: Option<&str>) -> Answer {
        self.send(
            get(path, cookie)
                .header(header::ACCEPT, "text/html")
                .body(Body::empty())
                .unwrap(),
        )
        .await
    }
}

pub fn get(path: &str, cookie: Option<&str>) -> http::request::Builder {
    with_cookie(Request::builder().uri(path), cookie)
}

pub fn post(path: &str, cookie: Option<&str>) -> http::request::Builder {
    let request = Request::builder()
        .method("POST")
        .uri(path)
        .header("sec-fetch-site", "same-origin")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    with_cookie(request, cookie)
}

fn with_cookie(request: http::request::Builder, cookie: Option<&str>) -> http::request::Builder {
    match cookie {
        Some(cookie) => request.header(header::COOKIE, cookie),
        None => request,
    }
}

/// What stands in the places of a [`Scene`].
pub struct Places {
    pub project: ProjectId,
    pub app: AppId,
    pub release: ReleaseId,
    pub qa: EnvironmentId,
    pub promotion: PromotionId,
    pub job: JobId,
    pub dora: UserId,
    /// A group for server functions and one for the REST API, and so on.
    pub groups: [GroupId; 2],
    pub roles: [RoleId; 2],
    pub requests: [RoleRequestId; 2],
    /// Webhooks of the project, each with a delivery.
    pub webhooks: [(SubscriberId, MessageId); 2],
}

impl Scene {
    /// `acme` with a project, an app, environments, a release, a run, an item and a promotion that waits.
    /// `olga` owns another organization, `nora` is nowhere.
    pub async fn furnish(&self) -> Places {
        let system = self.portal.system("test");
        org::create(&system, "acme", "Acme", self.people["ada"].id)
            .await
            .unwrap();
        org::create(&system, "other", "Other", self.people["olga"].id)
            .await
            .unwrap();
        let ada = self.ctx("ada");
        let input = project::Input {
            slug: String::from("checkout"),
            name: String::from("Checkout"),
            description: String::new(),
            key: String::from("CHK"),
            internal: false,
        };
        project::create(&ada, "acme", input).await.unwrap();
        let roles = [
            ("devon", Role::ProjectLead),
            ("dora", Role::ProjectDeveloper),
            ("quinn", Role::ProjectTester),
            ("oli", Role::ProjectOps),
            ("vic", Role::ProjectViewer),
        ];
        for (who, role) in roles {
            org::grant(&ada, "acme", Some("checkout"), self.people[who].id, role)
                .await
                .unwrap();
        }
        let input = app::Input {
            slug: String::from("order-api"),
            name: String::from("Order API"),
            description: String::new(),
        };
        let app = app::create(&ada, "acme", "checkout", input).await.unwrap();
        let devon = self.ctx("devon");
        let task = item::NewItem {
            kind: ItemKind::Task,
            title: String::from("Count the orders"),
            description: String::new(),
            priority: Priority::Normal,
            severity: None,
            assignee: None,
            points: None,
            into_iteration: false,
            column: None,
            more: item::Edit::default(),
        };
        item::create(&devon, "acme", "checkout", task).await.unwrap();
        self.chain(&ada).await;
        let (release, job) = self.history(app).await;
        let list = environment::list(&devon, "acme", "checkout").await.unwrap();
        let of = |tier: Tier| {
            list.environments
                .iter()
                .find(|e| e.environment.tier == tier)
                .unwrap()
                .environment
                .id
        };
        let (qa, live) = (of(Tier::Testing), of(Tier::Production));
        let ask = promotion::Ask {
            waiver: Some(String::from("for the test")),
            idempotency: None,
        };
        let promotion = promotion::request(
            &self.ctx("oli"),
            "acme",
            "checkout",
            "order-api",
            release,
            live,
            ask,
        )
        .await
        .unwrap();
        let (groups, roles, requests) = self.ways_to_roles(&ada).await;
        let seen = access::app_by_id::<may::See>(&system, app).await.unwrap();
        Places {
            project: seen.project_id(),
            app,
            release,
            qa,
            promotion,
            job,
            dora: self.people["dora"].id,
            groups,
            roles,
            requests,
            webhooks: [self.webhook(&devon).await, self.webhook(&devon).await],
        }
    }

    /// A webhook of the project that is told of nothing that tests do, and its delivery.
    pub async fn webhook(&self, lead: &OpCtx) -> (SubscriberId, MessageId) {
        let at = access::At::new("acme", Some("checkout"), None);
        let input = subscriber::Input {
            url: String::from("https://hooks.example.com/in?key=hidden"),
            description: String::from("to the chat"),
            kinds: vec![String::from("release.defective")],
            enabled: true,
        };
        let made = subscriber::create(lead, at, input).await.unwrap();
        let message = subscriber::test(lead, at, made.id).await.unwrap();
        (made.id, message)
    }

    /// Two groups, two roles of the organization's own, and two requests for roles that `quinn` made.
    async fn ways_to_roles(&self, ada: &OpCtx) -> ([GroupId; 2], [RoleId; 2], [RoleRequestId; 2]) {
        let at = access::At::new("acme", Some("checkout"), None);
        let (mut groups, mut roles) = (Vec::new(), Vec::new());
        for (group, role, asked) in [
            ("Captains", "Captain", "project.ops"),
            ("Pilots", "Pilot", "project.developer"),
        ] {
            groups.push(slipway_portal::group::create(ada, "acme", group).await.unwrap());
            let input = slipway_portal::role::Input {
                name: role.to_owned(),
                scope: slipway_domain::access::ScopeKind::Project,
                actions: vec![String::from("app.create")],
            };
            roles.push(slipway_portal::role::create(ada, "acme", &input).await.unwrap());
            slipway_portal::invitation::ask(&self.ctx("quinn"), at, asked, "")
                .await
                .unwrap();
        }
        let waiting = slipway_portal::member::page(ada, at).await.unwrap().requests;
        let requests: Vec<_> = waiting.iter().map(|request| request.id).collect();
        (
            groups.try_into().unwrap(),
            roles.try_into().unwrap(),
            requests.try_into().unwrap(),
        )
    }

    async fn chain(&self, ada: &OpCtx) {
        let input = cluster::Input {
            name: String::from("one"),
            kubeconfig: String::from("{}"),
            context: None,
        };
        let cluster = cluster::create(ada, "acme", input).await.unwrap();
        environment::create_default_chain(ada, "acme", "checkout", |key| {
            Some((cluster, format!("checkout-{key}")))
        })
        .await
        .unwrap();
    }

    /// A run with a job, and the release that it made.
    pub async fn history(&self, app: AppId) -> (ReleaseId, JobId) {
        let system = self.portal.system("test");
        let app = access::app_by_id::<may::ReleaseCreate>(&system, app)
            .await
            .unwrap();
        let now = system.now();
        let run = RunRecord {
            row: RunRow {
                id: system.id(),
                number: 1,
                status: RunStatus::Success,
                git_ref: String::from("main"),
                sha: "a1".repeat(20),
                title: String::from("Sell more"),
                author: String::from("Dora"),
                source: String::from("push"),
                created_at: now,
                started_at: Some(now),
                finished_at: Some(now.plus(1)),
                failed_job: None,
            },
            forge_id: 101,
            tag: false,
            protected: false,
            web_url: String::from("http://gitlab/p"),
            needs: None,
            evidence: None,
            failure: None,
            release_trouble: None,
            seen_at: now,
            settled_at: Some(now),
        };
        let job = JobRecord {
            row: JobRow {
                id: system.id(),
                forge_id: 1,
                name: String::from("test"),
                stage: String::from("test"),
                status: RunStatus::Success,
                needs: Vec::new(),
                allow_failure: false,
                started_at: Some(now),
                finished_at: Some(now.plus(1)),
                reason: None,
                runner: None,
                playable: false,
            },
            position: 1,
            has_artifacts: false,
            log_bytes: 0,
            log_complete: true,
        };
        let release = ReleaseRecord {
            id: system.id(),
            app: app.id(),
            version: String::from("1.0.0"),
            sha: "a1".repeat(20),
            git_ref: String::from("main"),
            run: Some(run.row.id),
            images: vec![Image {
                repository: String::from("r/a"),
                digest: format!("sha256:{:064x}", 1),
            }],
            workload: Workload::default(),
            template: None,
            commits: Vec::new(),
            previous: None,
            evidence: Evidence::default(),
            created_at: now,
            created_by: None,
            defective: None,
        };
        let mut tx = self.portal.store.write().await.unwrap();
        tx.put_run(&app.modify(), &run).await.unwrap();
        tx.put_jobs(&app.modify(), run.row.id, std::slice::from_ref(&job))
            .await
            .unwrap();
        tx.insert_release(&app.modify(), &release).await.unwrap();
        tx.commit().await.unwrap();
        (release.id, job.row.id)
    }
}
