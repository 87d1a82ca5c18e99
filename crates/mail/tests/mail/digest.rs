//! The daily digest at the wire.

use crate::world::World;
use slipway_domain::item::ItemKind;
use slipway_domain::text::Locale;
use slipway_domain::time::{HOUR, MINUTE};
use slipway_portal::item::{self, Edit, NewItem};
use slipway_portal::jobs::{self, Job};
use slipway_portal::{Actor, Error, Via, digest};
use slipway_testkit::SmtpFault;

/// Looks whose morning it is, as two replicas would: each with a job of its own.
async fn look(world: &World) {
    let system = world.portal.system("test");
    for _ in 0..2 {
        let mut change = system.change().await.unwrap();
        change.bookkeeping();
        change
            .enqueue(&Job::SweepDigests, system.now(), None)
            .await
            .unwrap();
        change.commit().await.unwrap();
    }
    let (one, other) = tokio::join!(
        jobs::step(&world.portal, "one"),
        jobs::step(&world.portal, "other")
    );
    one.unwrap();
    other.unwrap();
}

pub async fn a_digest_comes_once_a_morning_and_only_with_something_to_say(world: World) {
    let lea = world
        .portal
        .ctx(Actor::User(world.lea.clone()), Via::Web, "test", Locale::En);
    // The clock stands at midnight, UTC: eight in the morning in Shanghai.
    assert!(digest::settings(&lea).await.unwrap().possible);
    assert!(matches!(
        digest::set(&lea, true, "Mars/Olympus").await,
        Err(Error::Invalid(_))
    ));
    digest::set(&lea, true, "Asia/Shanghai").await.unwrap();
    Box::pin(look(&world)).await;
    assert!(world.operators.taken().is_empty(), "nothing is due");
    for (title, due) in [
        ("Late <b>", "2025-12-30"),
        ("Soon", "2026-01-04"),
        ("Later", "2026-03-01"),
    ] {
        let new = NewItem {
            assignee: Some(world.lea.id),
            more: Edit {
                due_on: Some(due.to_owned()),
                ..Edit::default()
            },
            ..NewItem::titled(ItemKind::Task, title)
        };
        item::create(&lea, "acme", "checkout", new).await.unwrap();
    }
    Box::pin(look(&world)).await;
    assert!(world.operators.taken().is_empty(), "this morning is over");
    world.clock.advance(23 * HOUR);
    Box::pin(look(&world)).await;
    assert!(world.operators.taken().is_empty(), "it is seven in Shanghai");
    world.clock.advance(HOUR + MINUTE);
    world.operators.fails(Some(SmtpFault::Closes));
    Box::pin(look(&world)).await;
    world.operators.fails(None);
    Box::pin(look(&world)).await;
    for _ in 0..5 {
        world.clock.advance(HOUR);
        Box::pin(look(&world)).await;
    }
    let taken = world.operators.taken();
    assert_eq!(taken.len(), 1, "once, whatever happens");
    let text = taken[0].part("text/plain");
    assert!(
        text.contains("Overdue (1)") && text.contains("CHK-1 Late <b>"),
        "{text}"
    );
    assert!(
        text.contains("Due soon (1)") && text.contains("CHK-2 Soon") && !text.contains("CHK-3"),
        "{text}"
    );
    assert!(
        text.contains("/orgs/acme/projects/checkout/items/CHK-1"),
        "{text}"
    );
    digest::set(&lea, false, "Asia/Shanghai").await.unwrap();
    world.clock.advance(24 * HOUR);
    Box::pin(look(&world)).await;
    assert_eq!(world.operators.taken().len(), 1, "it is not wanted any more");
}
