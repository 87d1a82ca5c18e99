//! What a deployment moves, and where an item is live.

use crate::stage::{APP, ORG, PROJECT, Stage};
use slipway_domain::item::{Category, ItemKind, ItemState, StateKey};
use slipway_domain::trail::{Presence, Trigger};
use slipway_portal::access::{self, may};
use slipway_portal::item::{self, NewItem};
use slipway_portal::jobs::{self, Job};
use slipway_portal::trail::automation::{self, Input};
use slipway_portal::{environment, release};

async fn view(stage: &Stage, number: i64) -> slipway_domain::item::ItemView {
    let lea = stage.as_person(&stage.people.lea);
    item::view(&lea, ORG, PROJECT, number).await.expect("the item")
}

/// The release of that number brought the item of that number, as far as the store is to know.
async fn brought(stage: &Stage, number: i64, record: &slipway_portal::ports::ReleaseRecord) {
    let system = stage.system();
    let app = access::app::<may::ReleaseCreate>(&system, ORG, PROJECT, APP)
        .await
        .expect("the app");
    let item = view(stage, number).await.card.id;
    let mut tx = stage.portal.store.write().await.expect("a transaction");
    let new = tx
        .put_item_release(&app.modify(), item, record.id)
        .await
        .expect("it is kept");
    assert!(new);
    assert!(
        !tx.put_item_release(&app.modify(), item, record.id)
            .await
            .expect("it is kept once")
    );
    tx.commit().await.expect("it commits");
}

#[expect(clippy::too_many_lines, reason = "one story, told to its end")]
pub async fn a_deployment_to_the_chosen_environment_finishes_what_it_brought(stage: Stage) {
    let lea = stage.as_person(&stage.people.lea);
    let mut numbers = Vec::new();
    for (kind, title) in [
        (ItemKind::Task, "Refunds"),
        (ItemKind::Bug, "It crashes"),
        (ItemKind::Task, "Two parts"),
    ] {
        numbers.push(
            item::create(&lea, ORG, PROJECT, NewItem::titled(kind, title))
                .await
                .expect("an item"),
        );
    }
    item::set_state(&lea, ORG, PROJECT, numbers[1], &StateKey::WONT_FIX, None)
        .await
        .expect("it is over");
    let first = stage.release("1.0.0", 1).await;
    stage.clock.advance(1_000_000);
    let second = stage.release("1.1.0", 2).await;
    for number in &numbers {
        brought(&stage, *number, &first).await;
    }
    brought(&stage, numbers[2], &second).await;
    let chain = environment::list(&lea, ORG, PROJECT)
        .await
        .expect("the chain")
        .environments;
    let dev = &chain[0].environment;
    let input = Input {
        deployed_to: Some(dev.id),
        ..Input::default()
    };
    automation::set(&lea, ORG, PROJECT, input)
        .await
        .expect("it is on");
    let promotion = stage.deploy("1.0.0", &dev.key).await;
    stage.tick().await;
    let one = view(&stage, numbers[0]).await;
    assert_eq!(one.card.state.category(), Category::Done);
    let moved = one
        .events
        .iter()
        .find(|event| event.field == "state")
        .expect("a move");
    let cause = moved.cause.as_ref().expect("a cause");
    assert_eq!(cause.trigger, Trigger::Deployed);
    assert_eq!(cause.said, format!("{APP} 1.0.0 → {}", dev.name));
    let stop = &one.trail[0].stops[0];
    assert_eq!(
        (stop.presence, stop.running.as_deref()),
        (Presence::Whole, Some("1.0.0"))
    );
    assert_eq!(one.trail[0].stops[1].presence, Presence::Absent);
    assert_eq!(
        view(&stage, numbers[1]).await.card.state,
        ItemState::known(StateKey::WONT_FIX),
        "what is over stays over"
    );
    let two = view(&stage, numbers[2]).await;
    assert_eq!(
        two.card.state.category(),
        Category::Todo,
        "half of it is not there"
    );
    assert_eq!(two.trail[0].stops[0].presence, Presence::Part);
    // Somebody takes it up again: the same deployment does not finish it once more.
    item::set_state(&lea, ORG, PROJECT, numbers[0], &StateKey::IN_PROGRESS, None)
        .await
        .expect("taken up");
    let system = stage.system();
    let deployment = stage.deployments(promotion).await.pop().expect("a deployment").id;
    let app = access::app::<may::See>(&system, ORG, PROJECT, APP)
        .await
        .expect("the app")
        .id();
    let mut change = system.change().await.expect("a change");
    change.bookkeeping();
    change
        .enqueue(&Job::ItemsDeployed { app, deployment }, system.now(), None)
        .await
        .expect("again");
    change.commit().await.expect("it commits");
    while jobs::step(&stage.portal, "test").await.expect("the worker works") {}
    assert_eq!(
        view(&stage, numbers[0]).await.card.state,
        ItemState::known(StateKey::IN_PROGRESS)
    );
    let page = release::view(&lea, ORG, PROJECT, APP, "1.0.0")
        .await
        .expect("the release");
    let keys: Vec<&str> = page.items.iter().map(|item| item.key.as_str()).collect();
    assert!(
        numbers
            .iter()
            .all(|number| keys.contains(&format!("CHK-{number}").as_str())),
        "{keys:?}"
    );
    stage.deploy("1.1.0", &dev.key).await;
    stage.tick().await;
    assert_eq!(
        view(&stage, numbers[2]).await.card.state.category(),
        Category::Done
    );
}
