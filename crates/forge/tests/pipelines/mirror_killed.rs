//! Killed (SIGKILL) at every point of a mirror and started again: no issue, item or comment is made twice, and both sides
//! come together.
//!
//! The process that dies is this test binary itself, run again with only [`worker`].

use crate::mirror::input;
use crate::world::{ORG, PROJECT, World};
use serde_json::{Value, json};
use slipway_domain::item::ItemKind;
use slipway_domain::time::{MINUTE, SECOND, Timestamp};
use slipway_forge::GitlabConnector;
use slipway_portal::item::{self, Base, Edit, NewItem};
use slipway_portal::mirror::{self, Input};
use slipway_portal::ports::Clock;
use slipway_portal::{fault, jobs};
use slipway_store::SqlStore;
use slipway_testkit::{MockClock, Unconnected, portal};
use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;
use std::sync::Arc;

/// Where the worker finds its database; without it, it is no worker.
const DATABASE: &str = "SLIPWAY_TEST_MIRROR_DATABASE";
/// The instant at which its clock begins, in µs: the leases of the one before have ended then.
const NOW: &str = "SLIPWAY_TEST_MIRROR_NOW";
const APP: &str = "storefront";

/// Works for some minutes of its clock.
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
    for _ in 0..30 {
        while jobs::step(&portal, "worker").await.expect("it works") {}
        clock.advance(20 * SECOND);
    }
}

/// Runs [`worker`] in a process of its own.
async fn run(database: &str, now: Timestamp, kill_at: Option<&str>) -> std::process::Output {
    let mut command = tokio::process::Command::new(std::env::current_exe().expect("this binary"));
    command
        .args(["mirror_killed::worker", "--exact", "--nocapture"])
        .env(DATABASE, database)
        .env(NOW, now.micros().to_string())
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
async fn killed_at_any_point_both_sides_come_together_and_nothing_is_made_twice() {
    assert!(fault::MIRROR_POINTS.len() >= 11);
    for point in fault::MIRROR_POINTS {
        let world = World::new().await;
        dies_and_goes_on(&world, point).await;
        world.gitlab.shutdown().await;
    }
}

async fn dies_and_goes_on(world: &World, point: &str) {
    let issues = format!("projects/{}/issues", world.sample(APP));
    world
        .call("POST", &issues, json!({ "title": "From before" }))
        .await;
    let app = world.connected(APP).await;
    let wanted = Input {
        creates: true,
        take: true,
        ..input()
    };
    mirror::set(&world.ctx(), ORG, PROJECT, APP, wanted)
        .await
        .expect("it is on");
    let new = NewItem {
        more: Edit {
            app: Some(app).into(),
            ..Edit::default()
        },
        ..NewItem::titled(ItemKind::Task, "From here")
    };
    let number = item::create(&world.ctx(), ORG, PROJECT, new)
        .await
        .expect("an item");
    item::add_comment(&world.ctx(), ORG, PROJECT, number, "Said here")
        .await
        .expect("a comment");
    let now = world.clock.now();
    let died = run(&world.database, now, Some(point)).await;
    assert_eq!(
        died.status.signal(),
        Some(9),
        "{point} was never reached: {}",
        String::from_utf8_lossy(&died.stderr)
    );
    // Somebody types on before it is up again.
    let edit = Edit {
        title: Some(String::from("From here, again")),
        ..Edit::default()
    };
    item::update(&world.ctx(), ORG, PROJECT, number, edit, Base::Any)
        .await
        .expect("it is changed");
    let survived = run(&world.database, now.plus(10 * MINUTE), None).await;
    assert!(
        survived.status.success(),
        "{point}: {}",
        String::from_utf8_lossy(&survived.stderr)
    );
    let all = world
        .call("GET", &format!("{issues}?sort=asc"), Value::Null)
        .await;
    let titles: Vec<_> = all
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| one["title"].clone())
        .collect();
    assert_eq!(titles, ["From before", "From here, again"], "{point}");
    let view = item::view(&world.ctx(), ORG, PROJECT, number)
        .await
        .expect("the item");
    let link = view.mirror.expect("a link");
    assert!(
        link.conflicts.is_empty() && link.iid.is_some(),
        "{point}: {link:?}"
    );
    assert_eq!(
        (view.card.title.as_str(), view.comments.len()),
        ("From here, again", 1),
        "{point}"
    );
    let iid = link.iid.unwrap_or_default();
    let notes = world
        .call("GET", &format!("{issues}/{iid}/notes"), Value::Null)
        .await;
    let own = notes
        .as_array()
        .expect("a list")
        .iter()
        .filter(|note| note["system"] == false);
    assert_eq!(own.count(), 1, "{point}: each comment once");
    let cards = item::list(&world.ctx(), ORG, PROJECT, 0, 100)
        .await
        .expect("items");
    assert_eq!(cards.len(), 2, "{point}: {cards:?}");
}
