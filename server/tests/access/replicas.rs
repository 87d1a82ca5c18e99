//! Two servers on one PostgreSQL database: a change at one is heard at the other, and work is done once.

use crate::live::Stream;
use crate::scene::{Scene, URL};
use slipway_domain::environment::Tier;
use slipway_portal::ports::ClusterConnector;
use slipway_portal::promotion::Ask;
use slipway_portal::{app, environment, jobs, promotion};
use slipway_store::SqlStore;
use slipway_testkit::{Counted, Unconnected};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The database of a test; `None` (and a word about it) without a server.
async fn database() -> Option<String> {
    let Ok(server) = std::env::var("SLIPWAY_TEST_POSTGRES_URL") else {
        eprintln!("skipped on PostgreSQL: SLIPWAY_TEST_POSTGRES_URL is not set");
        return None;
    };
    Some(SqlStore::new_database_for_tests(&server).await.unwrap())
}

async fn replica(database: &str, clusters: Arc<dyn ClusterConnector>) -> Scene {
    let store = SqlStore::connect(database).await.unwrap();
    Scene::replica(store, clusters, tempfile::tempdir().unwrap(), URL).await
}

/// Two replicas, the first furnished, and dora's cookie, which both know.
async fn two(database: &str, clusters: Arc<dyn ClusterConnector>) -> (Scene, Scene, String) {
    let mut one = replica(database, clusters.clone()).await;
    for name in ["ada", "devon", "dora", "quinn", "oli", "vic", "olga", "nora"] {
        one.person(name).await;
    }
    one.furnish().await;
    let mut other = replica(database, clusters).await;
    other.people = one.people.clone();
    let cookie = one.session("dora").await;
    (one, other, cookie)
}

async fn add_card(scene: &Scene, cookie: &str) {
    let form = "org=acme&project=checkout&title=Heard&kind=task";
    let answer = scene.post("/api/fn/item/add", form, Some(cookie)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

/// Reads `stream` until it tells of the board.
async fn hears_of_the_board(stream: &mut Stream) {
    loop {
        let event = stream.next().await.expect("the stream goes on");
        if event.contains("\"topic\":\"board\"") {
            return;
        }
    }
}

#[tokio::test]
async fn a_change_at_one_replica_is_heard_at_the_other_and_a_lost_connection_makes_readers_read_again() {
    let Some(database) = database().await else { return };
    let (one, other, cookie) = two(&database, Arc::new(Unconnected)).await;
    let mut here = Stream::open(&one, &cookie).await.unwrap();
    let mut there = Stream::open(&other, &cookie).await.unwrap();
    add_card(&one, &cookie).await;
    hears_of_the_board(&mut here).await;
    hears_of_the_board(&mut there).await;
    add_card(&other, &cookie).await;
    hears_of_the_board(&mut here).await;

    // The connections that listen die. Once the replicas listen again, their streams end: browsers connect anew and
    // read everything.
    let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    one.store.execute_for_tests(kill.to_owned()).await.unwrap();
    while here.next().await.is_some() {}
    while there.next().await.is_some() {}
    let mut there = Stream::open(&other, &cookie).await.unwrap();
    add_card(&one, &cookie).await;
    hears_of_the_board(&mut there).await;
}

#[tokio::test]
async fn a_provider_of_sign_in_counts_at_every_replica_at_once() {
    let Some(database) = database().await else { return };
    let (one, other, _) = two(&database, Arc::new(Unconnected)).await;
    let system = one.portal.system("test");
    slipway_portal::operator::grant(&system, one.people["ada"].id)
        .await
        .unwrap();
    let ada = one.session("ada").await;
    let known = async || {
        let to = other.page("/sign-in/sso", None).await;
        let shown = other
            .page("/sign-in", None)
            .await
            .body
            .contains("Company account");
        (
            to.header("location").starts_with("/sign-in?error=provider"),
            shown,
        )
    };
    assert_eq!(known().await, (true, false));
    let provider = crate::fake_provider::FakeProvider::start(&one.clock).await;
    let form = format!(
        "key=sso&name=Company+account&issuer={}&client_id=slipway&client_secret=s&scopes=&groups_claim=&allowed_domains=",
        provider.url()
    );
    let added = one.post("/api/fn/operator/add_provider", &form, Some(&ada)).await;
    assert_eq!(added.status, 200, "{}", added.body);
    assert_eq!(known().await, (false, true));
    let off = one
        .post("/api/fn/operator/switch_provider", "key=sso&on=false", Some(&ada))
        .await;
    assert_eq!(off.status, 200, "{}", off.body);
    assert_eq!(known().await, (true, false));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_replicas_do_each_job_once() {
    const APPS: usize = 12;
    let Some(database) = database().await else { return };
    let counted = Arc::new(Counted::default());
    let (one, other, _) = two(&database, counted.clone()).await;
    let (ada, oli) = (one.ctx("ada"), one.ctx("oli"));
    let chain = environment::list(&oli, "acme", "checkout")
        .await
        .unwrap()
        .environments;
    let dev = chain
        .iter()
        .find(|e| e.environment.tier == Tier::Development)
        .unwrap();
    for number in 0..APPS {
        let slug = format!("app-{number}");
        let input = app::Input {
            slug: slug.clone(),
            name: slug.clone(),
            description: String::new(),
        };
        let id = app::create(&ada, "acme", "checkout", input).await.unwrap();
        let (release, _) = one.history(id).await;
        promotion::request(
            &oli,
            "acme",
            "checkout",
            &slug,
            release,
            dev.environment.id,
            Ask::default(),
        )
        .await
        .unwrap();
    }
    // The clocks stand still: a promotion whose cluster does not answer asks to be looked at later, which never comes.
    let (stop, told) = tokio::sync::watch::channel(false);
    let workers = [&one, &other].map(|scene| {
        let owner = format!("worker-{scene:p}");
        tokio::spawn(jobs::work(scene.portal.clone(), owner, told.clone()))
    });
    let deadline = Instant::now() + Duration::from_secs(30);
    while counted.asked() < APPS || due(&one).await {
        assert!(Instant::now() < deadline, "the work does not end");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stop.send(true).unwrap();
    for worker in workers {
        worker.await.unwrap();
    }
    assert_eq!(counted.asked(), APPS, "each promotion was driven once");
    assert!(!due(&one).await);
}

/// Whether there is work to be done now.
async fn due(scene: &Scene) -> bool {
    let next = scene
        .portal
        .store
        .read()
        .await
        .unwrap()
        .next_job_at()
        .await
        .unwrap();
    next.is_some_and(|at| at <= scene.portal.clock.now())
}
