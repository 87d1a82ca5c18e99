//! Killed (SIGKILL) at every point of an import and started again: it goes on, and no repository becomes an app twice.
//!
//! The process that dies is this test binary itself, run again with only [`worker`].

use crate::world::{ORG, PROJECT, World};
use slipway_domain::id::ImportId;
use slipway_domain::import::ImportState;
use slipway_domain::text::Locale;
use slipway_domain::time::{SECOND, Timestamp};
use slipway_forge::GitlabConnector;
use slipway_portal::ports::Clock;
use slipway_portal::{Actor, Via, fault, import, jobs};
use slipway_store::SqlStore;
use slipway_testkit::{MockClock, Unconnected, portal};
use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;
use std::sync::Arc;

/// Where the worker finds its database; without it, it is no worker.
const DATABASE: &str = "SLIPWAY_TEST_IMPORT_DATABASE";
/// The instant at which its clock begins, in µs: the leases of the one before have ended then.
const NOW: &str = "SLIPWAY_TEST_IMPORT_NOW";

/// Starts the draft if nobody has, and works until the import has ended.
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
    let id: ImportId = std::env::var("SLIPWAY_TEST_IMPORT")
        .expect("an import")
        .parse()
        .expect("an id");
    let view = import::view(&ctx, ORG, PROJECT, id, 1)
        .await
        .expect("it is there");
    if view.row.state == ImportState::Draft {
        import::start(&ctx, ORG, PROJECT, id).await.expect("it starts");
    }
    for _ in 0..400 {
        let view = import::view(&ctx, ORG, PROJECT, id, 1)
            .await
            .expect("it is there");
        if view.row.state == ImportState::Done {
            return;
        }
        jobs::step(&portal, "worker").await.expect("it works");
        clock.advance(SECOND / 10);
    }
    panic!("it does not end");
}

/// Runs [`worker`] in a process of its own.
async fn run(
    database: &str,
    import: ImportId,
    now: Timestamp,
    kill_at: Option<&str>,
) -> std::process::Output {
    let mut command = tokio::process::Command::new(std::env::current_exe().expect("this binary"));
    command
        .args(["imports_killed::worker", "--exact", "--nocapture"])
        .env(DATABASE, database)
        .env(NOW, now.micros().to_string())
        .env("SLIPWAY_TEST_IMPORT", import.to_string())
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
async fn killed_at_any_point_it_goes_on_and_makes_each_app_once() {
    assert!(fault::IMPORT_POINTS.len() >= 8);
    for point in fault::IMPORT_POINTS {
        let world = World::new().await;
        dies_and_goes_on(&world, point).await;
        world.gitlab.shutdown().await;
        if let Some(world) = World::on_postgres().await {
            dies_and_goes_on(&world, point).await;
            world.gitlab.shutdown().await;
        }
    }
}

async fn dies_and_goes_on(world: &World, point: &str) {
    let group = world.warehouse().await;
    let all = import::Ticks {
        group,
        subgroups: true,
        page: 1,
        all: true,
        ..import::Ticks::default()
    };
    let id = import::choose(&world.ctx(), ORG, PROJECT, &all)
        .await
        .expect("a draft");
    let now = world.clock.now();
    let died = run(&world.database, id, now, Some(point)).await;
    assert_eq!(
        died.status.signal(),
        Some(9),
        "{point} was never reached: {}",
        String::from_utf8_lossy(&died.stderr)
    );
    let survived = run(&world.database, id, now.plus(200 * SECOND), None).await;
    assert!(
        survived.status.success(),
        "{point}: {}",
        String::from_utf8_lossy(&survived.stderr)
    );
    let view = world.seen(id).await;
    assert_eq!(
        (view.row.state, view.row.counts.done),
        (ImportState::Done, 5),
        "{point}"
    );
    assert_eq!(world.slugs().await.len(), 5, "{point}: each app once");
    for one in &view.items.items {
        let hooks = world
            .call(
                "GET",
                &format!("projects/{}/hooks", one.repository),
                serde_json::Value::Null,
            )
            .await;
        assert_eq!(hooks.as_array().map(Vec::len), Some(1), "{point}: {}", one.path);
    }
}
