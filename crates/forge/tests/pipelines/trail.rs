//! What in a repository names work items, through webhooks and looks, and what that moves.

use crate::world::{ORG, PROJECT, World};
use serde_json::json;
use slipway_domain::item::{Category, ItemKind, ItemState, StateKey};
use slipway_domain::time::MINUTE;
use slipway_domain::trail::{MarkKind, MarkState, Trigger};
use slipway_portal::item::{self, NewItem};
use slipway_portal::jobs::{self, Job};
use slipway_portal::trail::automation::{self, Input};

on_both! {
    a_branch_a_merge_request_and_its_merge_move_an_item_once,
    what_happened_before_and_what_is_over_stays_as_it_is,
    a_title_that_names_it_no_more_takes_the_mark_away,
}

const APP: &str = "storefront";

async fn made(world: &World, title: &str) -> i64 {
    item::create(&world.ctx(), ORG, PROJECT, NewItem::titled(ItemKind::Task, title))
        .await
        .expect("an item")
}

async fn switch_on(world: &World) {
    let input = Input {
        linked: true,
        merged: true,
        ..Input::default()
    };
    automation::set(&world.ctx(), ORG, PROJECT, input)
        .await
        .expect("it is on");
}

async fn state(world: &World, number: i64) -> ItemState {
    item::view(&world.ctx(), ORG, PROJECT, number)
        .await
        .expect("the item")
        .card
        .state
}

/// A branch with one commit, and a merge request of it; its number.
async fn merge_request(world: &World, branch: &str, message: &str, title: &str) -> i64 {
    let repository = world.sample(APP);
    let body = json!({
        "branch": branch, "start_branch": "main", "commit_message": message,
        "actions": [{ "action": "create", "file_path": format!("{branch}.txt"), "content": title }],
    });
    world
        .call("POST", &format!("projects/{repository}/repository/commits"), body)
        .await;
    let body = json!({ "source_branch": branch, "target_branch": "main", "title": title });
    let made = world
        .call("POST", &format!("projects/{repository}/merge_requests"), body)
        .await;
    made["iid"].as_i64().expect("a number")
}

/// Looks at the repository until nothing is left to do.
async fn look(world: &World) {
    for _ in 0..6 {
        world.clock.advance(MINUTE);
        world.turn().await;
    }
}

async fn merge(world: &World, iid: i64) {
    let path = format!("projects/{}/merge_requests/{iid}/merge", world.sample(APP));
    world.call("PUT", &path, json!({})).await;
}

async fn a_branch_a_merge_request_and_its_merge_move_an_item_once(world: World) {
    let app = world.connected(APP).await;
    switch_on(&world).await;
    let number = made(&world, "Refunds").await;
    look(&world).await;
    let branch = format!("chk-{number}-refunds");
    let iid = merge_request(&world, &branch, "first step", "Refunds are paid").await;
    look(&world).await;
    let view = item::view(&world.ctx(), ORG, PROJECT, number).await.unwrap();
    assert_eq!(view.card.state, ItemState::known(StateKey::IN_PROGRESS));
    let [trail] = &view.trail[..] else {
        panic!("one app: {:?}", view.trail)
    };
    let marks: Vec<_> = trail.marks.iter().map(|mark| (mark.kind, mark.short())).collect();
    assert_eq!(
        marks,
        [
            (MarkKind::MergeRequest, format!("!{iid}")),
            (MarkKind::Branch, branch.clone())
        ]
    );
    let moved = view
        .events
        .iter()
        .filter(|event| event.field == "state")
        .collect::<Vec<_>>();
    assert_eq!(
        moved.len(),
        1,
        "a branch and its merge request are two links, and one move"
    );
    let cause = moved[0].cause.as_ref().expect("a cause");
    assert_eq!((moved[0].by.as_ref(), cause.trigger), (None, Trigger::Linked));
    assert!(cause.said.starts_with("storefront "), "{}", cause.said);
    // Somebody puts it back: the same merge request does not move it again, however often GitLab tells of it.
    item::set_state(&world.ctx(), ORG, PROJECT, number, &StateKey::PENDING, None)
        .await
        .unwrap();
    let repository = world.sample(APP);
    let body = json!({ "description": "More words." });
    world
        .call(
            "PUT",
            &format!("projects/{repository}/merge_requests/{iid}"),
            body,
        )
        .await;
    look(&world).await;
    assert_eq!(state(&world, number).await, ItemState::known(StateKey::PENDING));
    // Merging moves it from wherever it is, also from the start, and once; the job may run any number of times.
    merge(&world, iid).await;
    look(&world).await;
    assert_eq!(state(&world, number).await, ItemState::known(StateKey::IN_TEST));
    for _ in 0..3 {
        let ctx = world.portal.system("test");
        let mut change = ctx.change().await.unwrap();
        change.bookkeeping();
        change
            .enqueue(&Job::FollowItems { app }, ctx.now(), None)
            .await
            .unwrap();
        change.commit().await.unwrap();
        while jobs::step(&world.portal, "test").await.unwrap() {}
    }
    let view = item::view(&world.ctx(), ORG, PROJECT, number).await.unwrap();
    let times = view.events.iter().filter(|event| event.field == "state").count();
    assert_eq!((view.card.state, times), (ItemState::known(StateKey::IN_TEST), 3));
    assert_eq!(view.trail[0].marks[0].state, MarkState::Merged);
    world.gitlab.shutdown().await;
}

async fn what_happened_before_and_what_is_over_stays_as_it_is(world: World) {
    world.connected(APP).await;
    let (early, over) = (made(&world, "Early").await, made(&world, "Over").await);
    item::set_state(&world.ctx(), ORG, PROJECT, over, &StateKey::WONT_FIX, None)
        .await
        .unwrap();
    merge_request(&world, "early", "x", &format!("CHK-{early}: early")).await;
    look(&world).await;
    assert_eq!(
        state(&world, early).await,
        ItemState::known(StateKey::PENDING),
        "nothing is on"
    );
    switch_on(&world).await;
    look(&world).await;
    assert_eq!(
        state(&world, early).await,
        ItemState::known(StateKey::PENDING),
        "it was linked before"
    );
    let title = format!("CHK-{over} and chk-999999 and OPS-{early}");
    merge_request(&world, "over", &format!("CHK-{over} as well"), &title).await;
    look(&world).await;
    let view = item::view(&world.ctx(), ORG, PROJECT, over).await.unwrap();
    assert_eq!(view.card.state.category(), Category::WontDo);
    let kinds: Vec<MarkKind> = view.trail[0].marks.iter().map(|mark| mark.kind).collect();
    assert_eq!(kinds, [MarkKind::MergeRequest, MarkKind::Commit]);
    world.gitlab.shutdown().await;
}

async fn a_title_that_names_it_no_more_takes_the_mark_away(world: World) {
    world.connected(APP).await;
    let number = made(&world, "Refunds").await;
    let iid = merge_request(&world, "anything", "x", &format!("CHK-{number}: refunds")).await;
    look(&world).await;
    let trail = item::view(&world.ctx(), ORG, PROJECT, number)
        .await
        .unwrap()
        .trail;
    assert_eq!(trail[0].marks.len(), 1);
    let path = format!("projects/{}/merge_requests/{iid}", world.sample(APP));
    world.call("PUT", &path, json!({ "title": "refunds" })).await;
    look(&world).await;
    let trail = item::view(&world.ctx(), ORG, PROJECT, number)
        .await
        .unwrap()
        .trail;
    assert!(trail.is_empty(), "{trail:?}");
    world.gitlab.shutdown().await;
}
