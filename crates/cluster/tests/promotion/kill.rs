//! Killed (SIGKILL) at every point where the work touches the outside or commits, and started again: it goes on, and
//! the cluster sees exactly one deployment.
//!
//! The process that dies is this test binary itself, run again with only [`worker`].

use super::stage::{APP, ORG, PROJECT, behave_in, furnish, kubernetes, release_in, three_in_order};
use futures::StreamExt as _;
use slipway_cluster::KubeConnector;
use slipway_domain::approval::Verdict;
use slipway_domain::environment::Tier;
use slipway_domain::promotion::{PromotionKind, PromotionState};
use slipway_domain::release::Workload;
use slipway_domain::text::Locale;
use slipway_domain::time::{SECOND, Timestamp};
use slipway_portal::access::{self, may};
use slipway_portal::ports::{Clock, ClusterAccess, ClusterConnector as _, SystemClock};
use slipway_portal::promotion::{self, Ask};
use slipway_portal::{Actor, Portal, Via, environment, fault, jobs, quota};
use slipway_sandbox::kubernetes::kubeconfig;
use slipway_store::SqlStore;
use slipway_testkit::{Unconnected, portal};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

/// Where the worker finds its database; without it, it is no worker.
const DATABASE: &str = "SLIPWAY_TEST_WORKER_DATABASE";
/// By how many seconds its clock is ahead: the leases of the one before have ended then.
const AHEAD: &str = "SLIPWAY_TEST_WORKER_AHEAD";

/// The machine's clock, moved ahead.
#[derive(Clone, Default)]
struct Ahead(Arc<AtomicI64>);

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus(self.0.load(Ordering::Relaxed))
    }
}

async fn connect(url: &str, clock: Ahead) -> (Portal, SqlStore) {
    let store = SqlStore::connect(url).await.expect("the database opens");
    let portal = portal(
        Arc::new(store.clone()),
        Arc::new(clock),
        Arc::new(Unconnected),
        Arc::new(KubeConnector::new(
            slipway_portal::outgoing::Outgoing::with_loopback(),
        )),
    );
    (portal, store)
}

/// Asks, has it approved by three, and works until it is deployed and looked at once more. Every step may be taken
/// again.
#[tokio::test]
async fn worker() {
    let Ok(url) = std::env::var(DATABASE) else { return };
    let clock = Ahead::default();
    let ahead: i64 = std::env::var(AHEAD)
        .ok()
        .and_then(|s| s.parse().ok())
        .unwrap_or(0);
    clock.0.store(ahead * SECOND, Ordering::Relaxed);
    let (portal, _store) = connect(&url, clock.clone()).await;
    let system = portal.system("worker");
    let people = system
        .read()
        .await
        .expect("a reader")
        .people()
        .await
        .expect("people");
    let act = |name: &str| {
        let person = people
            .iter()
            .find(|p| p.username == name)
            .expect("a person")
            .as_ref();
        portal.ctx(Actor::User(person), Via::Web, "worker", Locale::En)
    };
    let ask = Ask {
        waiver: None,
        idempotency: Some(String::from("once")),
    };
    let id = promotion::request_named(&act("lea"), ORG, PROJECT, APP, "1.0.0", "live", ask)
        .await
        .expect("asked");
    while jobs::step(&portal, "worker").await.expect("it works") {}
    for name in ["dev", "tess", "otto"] {
        let view = promotion::view(&system, id).await.expect("it is there");
        if view.row.state.is_pending() {
            promotion::decide(&act(name), id, &view.subject, Verdict::Approve, "")
                .await
                .expect("approved");
        }
    }
    let deadline = Instant::now() + Duration::from_secs(40);
    let mut rounds_after = 0;
    while rounds_after < 3 {
        assert!(
            Instant::now() < deadline,
            "{:?}",
            promotion::view(&system, id).await.expect("it is there").row
        );
        while jobs::step(&portal, "worker").await.expect("it works") {}
        if promotion::view(&system, id)
            .await
            .expect("it is there")
            .row
            .state
            .is_final()
        {
            rounds_after += 1;
            clock.0.fetch_add(30 * SECOND, Ordering::Relaxed);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Asks for a release that crashes, and works until the environment went back by itself. Every step may be taken again.
#[tokio::test]
async fn worker_that_goes_back() {
    let Ok(url) = std::env::var(DATABASE) else { return };
    let clock = Ahead::default();
    let ahead: i64 = std::env::var(AHEAD)
        .ok()
        .and_then(|s| s.parse().ok())
        .unwrap_or(0);
    clock.0.store(ahead * SECOND, Ordering::Relaxed);
    let (portal, _store) = connect(&url, clock.clone()).await;
    let people = portal
        .system("worker")
        .read()
        .await
        .expect("a reader")
        .people()
        .await
        .expect("people");
    let lea = people.iter().find(|p| p.username == "lea").expect("lea").as_ref();
    let lea = portal.ctx(Actor::User(lea), Via::Web, "worker", Locale::En);
    let ask = Ask {
        waiver: None,
        idempotency: Some(String::from("once")),
    };
    promotion::request_named(&lea, ORG, PROJECT, APP, "1.1.0", "qa", ask)
        .await
        .expect("asked");
    let deadline = Instant::now() + Duration::from_secs(50);
    loop {
        while jobs::step(&portal, "worker").await.expect("it works") {}
        let rows = promotion::list(&lea, ORG, PROJECT, APP, None)
            .await
            .expect("the promotions")
            .1;
        if rows.len() >= 3 && rows.iter().all(|row| row.state.is_final()) {
            return;
        }
        let states: Vec<_> = rows.iter().map(|row| (row.kind, row.state)).collect();
        assert!(Instant::now() < deadline, "{states:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Runs a worker in a process of its own.
async fn run(url: &str, ahead: i64, kill_at: Option<&str>) -> std::process::Output {
    run_as("kill::worker", url, ahead, kill_at).await
}

async fn run_as(worker: &str, url: &str, ahead: i64, kill_at: Option<&str>) -> std::process::Output {
    let mut command = tokio::process::Command::new(std::env::current_exe().expect("this binary"));
    command
        .args([worker, "--exact", "--nocapture"])
        .env(DATABASE, url)
        .env(AHEAD, ahead.to_string());
    command.env_remove(fault::VARIABLE);
    if let Some(point) = kill_at {
        command.env(fault::VARIABLE, point);
    }
    command
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .expect("it runs")
}

/// A database with a project of one environment, which asks three people in order.
async fn furnished(folder: &Path, namespace: &str, kubeconfig: &str) -> String {
    let url = format!("sqlite://{}", folder.join(format!("{namespace}.db")).display());
    let (portal, store) = connect(&url, Ahead::default()).await;
    store.migrate().await.expect("it migrates");
    let (people, cluster) = furnish(&portal, kubeconfig).await;
    let olga = portal.ctx(Actor::User(people.olga.clone()), Via::Web, "stage", Locale::En);
    let input = environment::Input {
        key: String::from("live"),
        name: String::from("Live"),
        tier: Tier::Production,
        binding: Some((cluster, namespace.to_owned())),
        branches: Vec::new(),
        policy: three_in_order(),
        gating: slipway_domain::environment::Gating::default(),
    };
    environment::create(&olga, ORG, PROJECT, input)
        .await
        .expect("an environment");
    let input = quota::Input {
        pods: String::from("20"),
        ..quota::Input::default()
    };
    quota::set(&olga, ORG, PROJECT, "live", &input)
        .await
        .expect("a quota");
    release_in(&portal, "1.0.0", 1, Workload::default(), "nobody").await;
    store.close().await;
    url
}

async fn dies_and_goes_on(folder: &Path, point: &'static str, config: String) {
    let namespace = format!("at-{}", point.replace(['.', '_'], "-"));
    let url = furnished(folder, &namespace, &config).await;
    let died = run(&url, 0, Some(point)).await;
    let words = || String::from_utf8_lossy(&died.stderr).into_owned();
    assert_eq!(
        died.status.signal(),
        Some(9),
        "{point} was never reached: {}",
        words()
    );
    let survived = run(&url, 90, None).await;
    assert!(
        survived.status.success(),
        "{point}: {}",
        String::from_utf8_lossy(&survived.stderr)
    );

    let (portal, _store) = connect(&url, Ahead::default()).await;
    let system = portal.system("judge");
    let app = access::app::<may::See>(&system, ORG, PROJECT, APP)
        .await
        .expect("the app");
    let mut tx = system.read().await.expect("a reader");
    let rows = tx.promotion_rows(&app, None, 10).await.expect("the promotions");
    let ends: Vec<_> = rows.iter().map(|row| row.state).collect();
    assert_eq!(
        ends,
        [PromotionState::Succeeded],
        "{point}: one promotion, and it succeeded"
    );
    let attempts = tx.deployments(&app, rows[0].id).await.expect("the attempts");
    assert_eq!(attempts.len(), 1, "{point}: one deployment");
    assert_eq!(
        tx.decisions(&app, rows[0].id).await.expect("the decisions").len(),
        3,
        "{point}: three decisions"
    );
    // The cluster's own record: one change of the spec, one revision.
    let access = ClusterAccess {
        kubeconfig: Some(config),
        context: None,
        operator: false,
    };
    let cluster = KubeConnector::new(slipway_portal::outgoing::Outgoing::with_loopback())
        .connect(&access)
        .await
        .expect("a client");
    let status = cluster
        .workload(&namespace, APP)
        .await
        .expect("it answers")
        .expect("it is there");
    let revision = status
        .annotations
        .get("deployment.kubernetes.io/revision")
        .map(String::as_str);
    assert_eq!(
        (status.generation, revision, status.available),
        (1, Some("1"), 2),
        "{point}"
    );
    assert_eq!(
        status.annotations["slipway.dev/promotion"],
        rows[0].id.to_string(),
        "{point}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_point_it_goes_on_and_deploys_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let cluster = kubernetes(folder.path()).await;
    // Slow enough that the rollout is seen on its way.
    behave_in(folder.path(), 1, "slow=400");
    let config = kubeconfig(&[&cluster]);
    assert!(fault::POINTS.len() >= 12);
    let folder = folder.path();
    futures::stream::iter(fault::POINTS)
        .for_each_concurrent(3, |point| dies_and_goes_on(folder, point, config.clone()))
        .await;
}

/// A database with an environment that goes back by itself, and a release that runs there.
async fn furnished_to_go_back(folder: &Path, namespace: &str, kubeconfig: &str) -> String {
    let url = format!("sqlite://{}", folder.join(format!("{namespace}.db")).display());
    let (portal, store) = connect(&url, Ahead::default()).await;
    store.migrate().await.expect("it migrates");
    let (people, cluster) = furnish(&portal, kubeconfig).await;
    let olga = portal.ctx(Actor::User(people.olga.clone()), Via::Web, "stage", Locale::En);
    let input = environment::Input {
        key: String::from("qa"),
        name: String::from("QA"),
        tier: Tier::Testing,
        binding: Some((cluster, namespace.to_owned())),
        branches: vec![String::from("main")],
        policy: slipway_domain::approval::ApprovalPolicy::default(),
        gating: slipway_domain::environment::Gating {
            on_failure: slipway_domain::environment::OnFailure::RollBack,
            ..slipway_domain::environment::Gating::default()
        },
    };
    environment::create(&olga, ORG, PROJECT, input)
        .await
        .expect("an environment");
    release_in(&portal, "1.0.0", 1, Workload::default(), "nobody").await;
    let lea = portal.ctx(Actor::User(people.lea.clone()), Via::Web, "stage", Locale::En);
    let id = promotion::request_named(&lea, ORG, PROJECT, APP, "1.0.0", "qa", Ask::default())
        .await
        .expect("asked");
    let deadline = Instant::now() + Duration::from_secs(40);
    while promotion::view(&lea, id).await.expect("it is there").row.state != PromotionState::Succeeded {
        assert!(Instant::now() < deadline, "the first release never came");
        while jobs::step(&portal, "stage").await.expect("it works") {}
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    release_in(&portal, "1.1.0", 2, Workload::default(), "nobody").await;
    store.close().await;
    url
}

async fn dies_and_goes_back(folder: &Path, point: &'static str, config: String) {
    let namespace = format!("back-{}", point.replace(['.', '_'], "-"));
    let url = furnished_to_go_back(folder, &namespace, &config).await;
    let died = run_as("kill::worker_that_goes_back", &url, 0, Some(point)).await;
    let words = String::from_utf8_lossy(&died.stderr);
    assert_eq!(
        died.status.signal(),
        Some(9),
        "{point} was never reached: {words} {}",
        String::from_utf8_lossy(&died.stdout)
    );
    let survived = run_as("kill::worker_that_goes_back", &url, 90, None).await;
    let words = String::from_utf8_lossy(&survived.stderr);
    assert!(survived.status.success(), "{point}: {words}");

    let (portal, _store) = connect(&url, Ahead::default()).await;
    let system = portal.system("judge");
    let app = access::app::<may::See>(&system, ORG, PROJECT, APP)
        .await
        .expect("the app");
    let mut tx = system.read().await.expect("a reader");
    let rows = tx.promotion_rows(&app, None, 10).await.expect("the promotions");
    let ends: Vec<_> = rows
        .iter()
        .map(|row| (row.release.version.as_str(), row.kind, row.state))
        .collect();
    assert_eq!(
        ends,
        [
            ("1.0.0", PromotionKind::Rollback, PromotionState::Succeeded),
            ("1.1.0", PromotionKind::Promotion, PromotionState::Failed),
            ("1.0.0", PromotionKind::Promotion, PromotionState::Succeeded),
        ],
        "{point}: one rollback, and it succeeded"
    );
    assert_eq!(
        tx.holds(&app).await.expect("the holds").len(),
        1,
        "{point}: one hold"
    );
    for row in &rows {
        let attempts = tx.deployments(&app, row.id).await.expect("the attempts");
        assert_eq!(attempts.len(), 1, "{point}: one deployment each");
    }
    let status = cluster_of(config)
        .await
        .workload(&namespace, APP)
        .await
        .expect("it answers")
        .expect("it is there");
    // 1.0.0, 1.1.0, and 1.0.0 again.
    assert_eq!(
        (
            status.generation,
            status.annotations["slipway.dev/version"].as_str(),
            status.available
        ),
        (3, "1.0.0", 2),
        "{point}"
    );
}

async fn cluster_of(config: String) -> Arc<dyn slipway_portal::ports::Cluster> {
    let access = ClusterAccess {
        kubeconfig: Some(config),
        context: None,
        operator: false,
    };
    KubeConnector::new(slipway_portal::outgoing::Outgoing::with_loopback())
        .connect(&access)
        .await
        .expect("a client")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_point_of_a_rollback_by_policy_it_goes_back_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let cluster = kubernetes(folder.path()).await;
    behave_in(folder.path(), 1, "slow=400");
    behave_in(folder.path(), 2, "crash-loop");
    let config = kubeconfig(&[&cluster]);
    assert!(fault::ROLLBACK_POINTS.contains(&"promotion.rolling_back"));
    let folder = folder.path();
    futures::stream::iter(fault::ROLLBACK_POINTS)
        .for_each_concurrent(3, |point| dies_and_goes_back(folder, point, config.clone()))
        .await;
}
