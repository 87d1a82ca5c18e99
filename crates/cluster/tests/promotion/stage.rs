//! A stage for promotions: a database, a cluster, an organization with people, and an app with releases.

use kube::config::{KubeConfigOptions, Kubeconfig};
use slipway_cluster::KubeConnector;
use slipway_domain::access::Role;
use slipway_domain::approval::{ApprovalPolicy, ApprovalRule, Eligible, Verdict};
use slipway_domain::audit::Outcome;
use slipway_domain::environment::default_chain;
use slipway_domain::id::{ClusterId, PromotionId};
use slipway_domain::person::PersonRef;
use slipway_domain::promotion::{PromotionState, PromotionView};
use slipway_domain::release::{Commit, Evidence, Image, Workload};
use slipway_domain::rollout::WorkloadStatus;
use slipway_domain::signature::Signature;
use slipway_domain::text::{Locale, Text};
use slipway_domain::time::{SECOND, Timestamp};
use slipway_portal::access::{self, may};
use slipway_portal::person::NewAccount;
use slipway_portal::ports::{
    AuditFilter, Clock, Cluster, ClusterAccess, ClusterConnector, DeploymentRecord, ReleaseRecord, Store,
};
use slipway_portal::promotion::{self, Ask};
use slipway_portal::{
    Actor, Error, OpCtx, Portal, Via, app, cluster, environment, jobs, org, person, project,
};
use slipway_sandbox::kubernetes::{self, KubernetesConfig, KubernetesHandle, Speed};
use slipway_store::SqlStore;
use slipway_testkit::{MockClock, Unconnected, portal};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The organization, the project and the app of every stage.
pub const ORG: &str = "acme";
pub const PROJECT: &str = "checkout";
pub const APP: &str = "order-api";

/// How long a test waits for something that must happen.
const PATIENCE: Duration = Duration::from_mins(1);

/// Who is on the stage. `olga` owns the organization; `lea` leads the project; the others hold the role of their name.
pub struct People {
    pub olga: PersonRef,
    pub lea: PersonRef,
    pub dev: PersonRef,
    pub dana: PersonRef,
    pub tess: PersonRef,
    pub otto: PersonRef,
}

pub struct Stage {
    pub portal: Portal,
    pub clock: MockClock,
    pub kubernetes: KubernetesHandle,
    pub people: People,
    pub folder: tempfile::TempDir,
}

/// A cluster with the sandbox's registry in `folder`.
pub async fn kubernetes(folder: &Path) -> KubernetesHandle {
    let config = KubernetesConfig {
        name: String::from("test"),
        addr: ([127, 0, 0, 1], 0).into(),
        data: None,
        registry: Some(folder.join("registry")),
        speed: Speed::Fast,
    };
    kubernetes::start(config).await.expect("the sandbox starts")
}

/// A stage on PostgreSQL; `None` (and a word about it) without a server.
pub async fn postgres() -> Option<Stage> {
    let Ok(server) = std::env::var("SLIPWAY_TEST_POSTGRES_URL") else {
        eprintln!("skipped on PostgreSQL: SLIPWAY_TEST_POSTGRES_URL is not set");
        return None;
    };
    let url = SqlStore::new_database_for_tests(&server)
        .await
        .expect("a database is made");
    let store = SqlStore::connect(&url).await.expect("it opens");
    store.migrate().await.expect("it migrates");
    Some(Stage::on(store, tempfile::tempdir().expect("a folder")).await)
}

/// A stage on SQLite.
pub async fn sqlite() -> Stage {
    let folder = tempfile::tempdir().expect("a folder");
    let store = SqlStore::new_sqlite_for_tests(&folder.path().join("slipway.db"))
        .await
        .expect("SQLite opens");
    Stage::on(store, folder).await
}

/// The people and places every stage has, and its cluster.
pub async fn furnish(portal: &Portal, kubeconfig: &str) -> (People, ClusterId) {
    let system = portal.system("stage");
    let make = |username: &'static str| {
        let system = system.clone();
        async move {
            let new = NewAccount {
                username: username.to_owned(),
                name: username.to_owned(),
                email: Some(format!("{username}@example.com")),
                password: String::from("correct horse"),
            };
            person::create(&system, new).await.expect("an account")
        }
    };
    let people = People {
        olga: make("olga").await,
        lea: make("lea").await,
        dev: make("dev").await,
        dana: make("dana").await,
        tess: make("tess").await,
        otto: make("otto").await,
    };
    org::create(&system, ORG, "Acme", people.olga.id)
        .await
        .expect("an organization");
    let olga = portal.ctx(Actor::User(people.olga.clone()), Via::Web, "stage", Locale::En);
    let input = project::Input {
        slug: PROJECT.to_owned(),
        name: String::from("Checkout"),
        description: String::new(),
        key: String::from("CHK"),
        internal: false,
    };
    project::create(&olga, ORG, input).await.expect("a project");
    for (who, role) in [
        (&people.lea, Role::ProjectLead),
        (&people.dev, Role::ProjectDeveloper),
        (&people.dana, Role::ProjectDeveloper),
        (&people.tess, Role::ProjectTester),
        (&people.otto, Role::ProjectOps),
    ] {
        org::grant(&olga, ORG, Some(PROJECT), who.id, role)
            .await
            .expect("a role");
    }
    let olga = portal.ctx(Actor::User(people.olga.clone()), Via::Web, "stage", Locale::En);
    let input = app::Input {
        slug: APP.to_owned(),
        name: String::from("Order API"),
        description: String::new(),
    };
    app::create(&olga, ORG, PROJECT, input).await.expect("an app");
    let input = cluster::Input {
        name: String::from("test"),
        kubeconfig: kubeconfig.to_owned(),
        context: None,
    };
    let cluster = cluster::create(&olga, ORG, input).await.expect("a cluster");
    (people, cluster)
}

/// Makes a release.
pub async fn release_in(
    portal: &Portal,
    version: &str,
    digest: u64,
    workload: Workload,
    author: &str,
) -> ReleaseRecord {
    let made = (version, digest, workload, author);
    release_with(portal, made, Vec::new()).await
}

/// Makes a release, of its version, digest, workload and author, with signatures.
pub async fn release_with(
    portal: &Portal,
    (version, digest, workload, author): (&str, u64, Workload, &str),
    signatures: Vec<Signature>,
) -> ReleaseRecord {
    let system = portal.system("stage");
    let app = access::app::<may::ReleaseCreate>(&system, ORG, PROJECT, APP)
        .await
        .expect("the app");
    let at = system.now();
    let release = ReleaseRecord {
        id: system.id(),
        app: app.id(),
        version: version.to_owned(),
        sha: format!("{digest:040x}"),
        git_ref: String::from("main"),
        run: None,
        images: vec![image(digest)],
        workload,
        template: Some(String::from("node@1.0.0")),
        commits: vec![Commit {
            sha: format!("{digest:040x}"),
            title: format!("CHK-{digest}: make {version}"),
            author: author.to_owned(),
            author_email: format!("{author}@example.com"),
            at,
        }],
        previous: None,
        evidence: Evidence {
            tests_passed: 12,
            signatures,
            ..Evidence::default()
        },
        created_at: at,
        created_by: None,
        defective: None,
    };
    let mut tx = portal.store.write().await.expect("a transaction");
    tx.insert_release(&app.modify(), &release)
        .await
        .expect("a release");
    tx.commit().await.expect("it commits");
    release
}

pub fn image(digest: u64) -> Image {
    Image {
        repository: String::from("registry.example.com/acme/order-api"),
        digest: format!("sha256:{digest:064x}"),
    }
}

/// Makes the pods of an image behave as `behavior` says, in the cluster whose registry is in `folder`.
pub fn behave_in(folder: &Path, digest: u64, behavior: &str) {
    let image = image(digest);
    let folder = folder.join("registry/acme/order-api");
    std::fs::create_dir_all(&folder).expect("a folder");
    let record = serde_json::json!({
        "repository": "acme/order-api", "digest": image.digest, "tags": [], "labels": {},
        "env": [format!("SANDBOX_BEHAVIOR={behavior}")],
    });
    std::fs::write(folder.join(format!("{}.json", image.digest)), record.to_string()).expect("a record");
}

/// The rules of live, as the default chain has them.
pub fn three_in_order() -> ApprovalPolicy {
    default_chain().pop().expect("live").policy
}

/// One rule for a role.
pub fn one_of(role: Role, required: u32) -> ApprovalPolicy {
    let name = Text::verbatim("approvers");
    let rules = vec![ApprovalRule {
        id: String::from("a"),
        name,
        eligible: vec![Eligible::Role(role)],
        required,
    }];
    ApprovalPolicy {
        rules,
        ..ApprovalPolicy::default()
    }
}

impl Stage {
    /// A stage on `store`.
    pub async fn on(store: SqlStore, folder: tempfile::TempDir) -> Self {
        let clock = MockClock::default();
        let kubernetes = kubernetes(folder.path()).await;
        let portal = portal(
            Arc::new(store) as Arc<dyn Store>,
            Arc::new(clock.clone()),
            Arc::new(Unconnected),
            Arc::new(KubeConnector::new(
                slipway_portal::outgoing::Outgoing::with_loopback(),
            )),
        );
        let (people, cluster) = furnish(&portal, &kubernetes::kubeconfig(&[&kubernetes])).await;
        let stage = Self {
            portal,
            clock,
            kubernetes,
            people,
            folder,
        };
        let olga = stage.as_person(&stage.people.olga);
        environment::create_default_chain(&olga, ORG, PROJECT, |key| {
            Some((cluster, format!("checkout-{key}")))
        })
        .await
        .expect("a chain");
        stage
    }

    pub fn as_person(&self, person: &PersonRef) -> OpCtx {
        self.portal
            .ctx(Actor::User(person.clone()), Via::Web, "test", Locale::En)
    }

    pub fn system(&self) -> OpCtx {
        self.portal.system("test")
    }

    /// Changes the rules of an environment.
    pub async fn set_policy(&self, key: &str, policy: ApprovalPolicy) {
        self.edit(key, |input| input.policy = policy).await;
    }

    pub async fn edit(&self, key: &str, change: impl FnOnce(&mut environment::Input)) {
        let lea = self.as_person(&self.people.lea);
        let list = environment::list(&lea, ORG, PROJECT).await.expect("the chain");
        let view = list
            .environments
            .into_iter()
            .find(|e| e.environment.key == key)
            .expect("the environment");
        let mut input = environment::Input {
            key: view.environment.key,
            name: view.environment.name,
            tier: view.environment.tier,
            binding: view.binding.map(|b| (b.cluster, b.namespace)),
            branches: view.branches,
            policy: view.policy,
            gating: view.gating,
        };
        change(&mut input);
        environment::edit(&lea, ORG, PROJECT, key, view.version, input)
            .await
            .expect("the edit");
    }

    /// Makes a release whose pods get ready.
    pub async fn release(&self, version: &str, digest: u64) -> ReleaseRecord {
        release_in(&self.portal, version, digest, Workload::default(), "nobody").await
    }

    /// Makes the pods of an image behave in the sandbox as `behavior` says.
    pub fn behave(&self, digest: u64, behavior: &str) {
        behave_in(self.folder.path(), digest, behavior);
    }

    pub async fn request(
        &self,
        who: &PersonRef,
        version: &str,
        environment: &str,
    ) -> Result<PromotionId, Error> {
        promotion::request_named(
            &self.as_person(who),
            ORG,
            PROJECT,
            APP,
            version,
            environment,
            Ask::default(),
        )
        .await
    }

    /// Asks as the project's lead, who may promote everywhere.
    pub async fn ask(&self, version: &str, environment: &str) -> PromotionId {
        self.request(&self.people.lea, version, environment)
            .await
            .expect("the request is taken")
    }

    /// Asks for it with the environments before skipped on purpose.
    pub async fn ask_skipping(&self, who: &PersonRef, version: &str, environment: &str) -> PromotionId {
        let ask = Ask {
            waiver: Some(String::from("hotfix")),
            idempotency: None,
        };
        promotion::request_named(&self.as_person(who), ORG, PROJECT, APP, version, environment, ask)
            .await
            .expect("the request is taken")
    }

    pub async fn view(&self, id: PromotionId) -> PromotionView {
        promotion::view(&self.as_person(&self.people.lea), id)
            .await
            .expect("the promotion is seen")
    }

    pub async fn state(&self, id: PromotionId) -> PromotionState {
        self.view(id).await.row.state
    }

    /// Does the work that is due, and half a second passes.
    pub async fn tick(&self) {
        while jobs::step(&self.portal, "test").await.expect("the worker works") {}
        self.clock.advance(SECOND / 2);
        tokio::time::sleep(Duration::from_millis(15)).await;
    }

    /// Works until `done` holds.
    pub async fn until(
        &self,
        id: PromotionId,
        what: &str,
        done: impl Fn(&PromotionView) -> bool,
    ) -> PromotionView {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.tick().await;
            let view = self.view(id).await;
            if done(&view) {
                return view;
            }
            assert!(
                Instant::now() < deadline,
                "{what} did not happen; it stands at {:#?}",
                view.row
            );
        }
    }

    /// Works until the promotion stands at `state`.
    pub async fn reaches(&self, id: PromotionId, state: PromotionState) -> PromotionView {
        self.until(id, state.key(), |view| view.row.state == state).await
    }

    /// Deploys a release to an environment and waits for it.
    pub async fn deploy(&self, version: &str, environment: &str) -> PromotionId {
        let id = self.ask_skipping(&self.people.lea, version, environment).await;
        self.reaches(id, PromotionState::Succeeded).await;
        id
    }

    pub async fn decide(&self, who: &PersonRef, id: PromotionId, verdict: Verdict) -> Result<(), Error> {
        let subject = self.view(id).await.subject;
        promotion::decide(&self.as_person(who), id, &subject, verdict, "because").await
    }

    pub async fn approve(&self, who: &PersonRef, id: PromotionId) -> Result<(), Error> {
        self.decide(who, id, Verdict::Approve).await
    }

    pub async fn cluster(&self) -> Arc<dyn Cluster> {
        let kubeconfig = Some(kubernetes::kubeconfig(&[&self.kubernetes]));
        KubeConnector::new(slipway_portal::outgoing::Outgoing::with_loopback())
            .connect(&ClusterAccess {
                kubeconfig,
                context: None,
                operator: false,
            })
            .await
            .expect("a client")
    }

    /// The workload of the app in an environment, as the cluster has it.
    pub async fn workload(&self, environment: &str) -> Option<WorkloadStatus> {
        self.cluster()
            .await
            .workload(&format!("checkout-{environment}"), APP)
            .await
            .expect("the cluster answers")
    }

    pub async fn deployments(&self, id: PromotionId) -> Vec<DeploymentRecord> {
        let system = self.system();
        let app = access::app::<may::See>(&system, ORG, PROJECT, APP)
            .await
            .expect("the app");
        system
            .read()
            .await
            .expect("a reader")
            .deployments(&app, id)
            .await
            .expect("the deployments")
    }

    /// The audit rows whose action starts with `action`, oldest first: action, actor, outcome.
    pub async fn audit(&self, action: &str) -> Vec<(String, String, Outcome)> {
        let system = self.system();
        let org = access::org::<may::AuditRead>(&system, ORG)
            .await
            .expect("the organization");
        let filter = AuditFilter {
            action: Some(action.to_owned()),
            limit: 200,
            ..AuditFilter::default()
        };
        let rows = system
            .read()
            .await
            .expect("a reader")
            .audit_rows(&org, &filter)
            .await
            .expect("the rows");
        rows.into_iter()
            .rev()
            .map(|row| (row.action, row.actor, row.outcome))
            .collect()
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// A client of the stage's cluster, for what others do there.
pub async fn kube_client(stage: &Stage) -> kube::Client {
    let text = kubernetes::kubeconfig(&[&stage.kubernetes]);
    let kubeconfig = Kubeconfig::from_yaml(&text).expect("a kubeconfig");
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .expect("a config");
    kube::Client::try_from(config).expect("a client")
}

/// The code of a refusal.
pub fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> &'static str {
    result.expect_err("it is refused").code()
}
