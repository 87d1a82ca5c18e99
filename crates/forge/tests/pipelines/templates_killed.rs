//! Killed (SIGKILL) at every point of a bulk upgrade and started again: it goes on, and no app gets two merge requests.
//!
//! The process that dies is this test binary itself, run again with only [`worker`].

use crate::templates::{KEY, begun, document, next, org, publish, using};
use crate::world::World;
use slipway_domain::id::UpgradeId;
use slipway_domain::template::{StepState, UpgradeState};
use slipway_domain::text::Locale;
use slipway_domain::time::{SECOND, Timestamp};
use slipway_forge::GitlabConnector;
use slipway_portal::ports::Clock;
use slipway_portal::template::bulk;
use slipway_portal::{Actor, Via, fault, jobs};
use slipway_store::SqlStore;
use slipway_testkit::{MockClock, Unconnected, portal};
use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;
use std::sync::Arc;

/// Where the worker finds its database; without it, it is no worker.
const DATABASE: &str = "SLIPWAY_TEST_UPGRADE_DATABASE";
/// The instant at which its clock begins, in µs: the leases of the one before have ended then.
const NOW: &str = "SLIPWAY_TEST_UPGRADE_NOW";
/// Which bulk upgrade it works on.
const UPGRADE: &str = "SLIPWAY_TEST_UPGRADE";

const APPS: [&str; 2] = ["storefront", "order-api"];

/// Works until the bulk upgrade has ended.
#[tokio::test]
async fn worker() {
    let Ok(database) = std::env::var(DATABASE) else {
        return;
    };
    let now: i64 = std::env::var(NOW).expect("an instant").parse().expect("a number");
    let store = SqlStore::connect(&database).await.expect("the database opens");
    let clock = MockClock::default();
    clock.advance(Timestamp(now).since(clock.now()));
    let forges = GitlabConnector::new(slipway_portal::outgoing::Outgoing::with_loopback());
    let portal = portal(
        Arc::new(store),
        Arc::new(clock.clone()),
        Arc::new(forges),
        Arc::new(Unconnected),
    );
    let people = portal
        .system("worker")
        .read()
        .await
        .expect("a reader")
        .people()
        .await;
    let owner = people.expect("people").remove(0).as_ref();
    let ctx = portal.ctx(Actor::User(owner), Via::Web, "worker", Locale::En);
    let id: UpgradeId = std::env::var(UPGRADE)
        .expect("an upgrade")
        .parse()
        .expect("an id");
    for _ in 0..400 {
        let view = bulk::view(&ctx, org(), id).await.expect("it is there");
        if view.row.state == UpgradeState::Done {
            return;
        }
        jobs::step(&portal, "worker").await.expect("it works");
        clock.advance(SECOND / 10);
    }
    panic!("it does not end");
}

/// Runs [`worker`] in a process of its own.
async fn run(database: &str, id: UpgradeId, now: Timestamp, kill_at: Option<&str>) -> std::process::Output {
    let mut command = tokio::process::Command::new(std::env::current_exe().expect("this binary"));
    command
        .args(["templates_killed::worker", "--exact", "--nocapture"])
        .env(DATABASE, database)
        .env(NOW, now.micros().to_string())
        .env(UPGRADE, id.to_string())
        .env_remove(fault::VARIABLE);
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_point_it_goes_on_and_proposes_once() {
    assert!(fault::UPGRADE_POINTS.len() >= 7);
    for point in fault::UPGRADE_POINTS {
        let world = World::new().await;
        dies_and_goes_on(&world, point).await;
        world.gitlab.shutdown().await;
    }
    if let Some(world) = World::on_postgres().await {
        dies_and_goes_on(&world, "upgrade.proposed").await;
        world.gitlab.shutdown().await;
    }
}

async fn dies_and_goes_on(world: &World, point: &str) {
    let ctx = world.ctx();
    begun(&ctx, org(), &document("", "echo check")).await;
    publish(&ctx, org(), KEY, "1.0.0").await.expect("a version");
    world.connection().await;
    for app in APPS {
        using(world, app, app).await;
    }
    next(&ctx, &document("", "echo check twice"), "")
        .await
        .expect("a newer version");
    let id = bulk::start(&ctx, org(), KEY, "", &[]).await.expect("it starts");
    let now = world.clock.now();
    let died = run(&world.database, id, now, Some(point)).await;
    let said = String::from_utf8_lossy(&died.stderr);
    assert_eq!(died.status.signal(), Some(9), "{point} was never reached: {said}");
    let survived = run(&world.database, id, now.plus(200 * SECOND), None).await;
    let said = String::from_utf8_lossy(&survived.stderr);
    assert!(survived.status.success(), "{point}: {said}");
    let view = bulk::view(&world.ctx(), org(), id).await.expect("it is there");
    assert!(
        view.steps.iter().all(|step| step.state == StepState::Proposed),
        "{point}: {view:?}"
    );
    for app in APPS {
        let path = format!("projects/{}/merge_requests?state=opened", world.sample(app));
        let open = world.call("GET", &path, serde_json::Value::Null).await;
        assert_eq!(open.as_array().map(Vec::len), Some(1), "{point}: {app}");
    }
}
