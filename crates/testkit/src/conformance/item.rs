//! Work items and the board.

use super::World;
use slipway_domain::access::Role;
use slipway_domain::id::ItemId;
use slipway_domain::item::{Category, ItemKind, Priority, StateKey};
use slipway_domain::person::PersonRef;
use slipway_portal::item::{self, IterationInput, MoveInput, NewItem};
use slipway_portal::{Error, OpCtx, org, project};

pub(super) fn task(title: &str) -> NewItem {
    NewItem {
        kind: ItemKind::Task,
        title: title.to_owned(),
        description: String::new(),
        priority: Priority::Normal,
        severity: None,
        assignee: None,
        points: Some(3),
        into_iteration: true,
        column: None,
        more: item::Edit::default(),
    }
}

pub(super) async fn member(world: &World, owner: &OpCtx, name: &str, role: Role) -> (PersonRef, OpCtx) {
    let person = world.person(name).await;
    org::grant(owner, "acme", Some("checkout"), person.id, role)
        .await
        .unwrap();
    let ctx = world.as_person(&person);
    (person, ctx)
}

pub(super) async fn checkout(world: &World) -> OpCtx {
    let ada = world.person("ada").await;
    world.org("acme", ada.id).await;
    let owner = world.as_person(&ada);
    let input = project::Input {
        slug: String::from("checkout"),
        name: String::from("Checkout"),
        description: String::new(),
        key: String::from("CHK"),
        internal: false,
    };
    project::create(&owner, "acme", input).await.unwrap();
    owner
}

async fn titles(ctx: &OpCtx, category: Category) -> Vec<String> {
    let board = item::board(ctx, "acme", "checkout").await.unwrap();
    let column = board
        .columns
        .into_iter()
        .find(|c| c.category == category)
        .unwrap();
    column.cards.into_iter().map(|c| c.title).collect()
}

fn to(number: i64, column: Category, after: Option<ItemId>, before: Option<ItemId>) -> MoveInput {
    MoveInput {
        number,
        column: Some(column.into()),
        after,
        before,
        expected: None,
    }
}

/// Cards keep the order people give them, over an iteration's board.
pub async fn cards_stay_where_they_are_put(world: World) {
    let owner = checkout(&world).await;
    let (_, lead) = member(&world, &owner, "lea", Role::ProjectLead).await;
    let days = IterationInput {
        name: String::from("Iteration 1"),
        goal: String::from("Refunds"),
        starts_on: String::from("2026-01-05"),
        ends_on: String::from("2026-01-16"),
    };
    assert_eq!(
        item::start_iteration(&lead, "acme", "checkout", days.clone())
            .await
            .unwrap(),
        1
    );
    let second = item::start_iteration(&lead, "acme", "checkout", days)
        .await
        .unwrap_err();
    assert_eq!(second.code(), "iteration_running");
    for title in ["a", "b", "c"] {
        item::create(&lead, "acme", "checkout", task(title))
            .await
            .unwrap();
    }
    assert_eq!(titles(&lead, Category::Todo).await, ["a", "b", "c"]);
    let a = item::view(&lead, "acme", "checkout", 1).await.unwrap().card.id;
    let b = item::view(&lead, "acme", "checkout", 2).await.unwrap().card.id;
    item::move_to(&lead, "acme", "checkout", to(3, Category::Todo, Some(a), Some(b)))
        .await
        .unwrap();
    assert_eq!(titles(&lead, Category::Todo).await, ["a", "c", "b"]);
    item::move_to(&lead, "acme", "checkout", to(1, Category::InProgress, None, None))
        .await
        .unwrap();
    item::move_to(
        &lead,
        "acme",
        "checkout",
        to(2, Category::InProgress, None, Some(a)),
    )
    .await
    .unwrap();
    assert_eq!(titles(&lead, Category::InProgress).await, ["b", "a"]);
    let view = item::view(&lead, "acme", "checkout", 1).await.unwrap();
    let states = view.events.iter().filter(|event| event.field == "state").count();
    assert_eq!(
        (states, view.events.last().unwrap().field.as_str()),
        (1, "created")
    );
    assert_eq!(view.iteration.expect("it joined the iteration").number, 1);
    item::set_state(&lead, "acme", "checkout", 1, &StateKey::DONE, None)
        .await
        .unwrap();
    assert_eq!(
        item::board(&lead, "acme", "checkout").await.unwrap().points,
        (3, 9)
    );
}

/// Many people move many cards at once; none is lost or doubled.
pub async fn concurrent_moves_all_survive(world: World) {
    let owner = checkout(&world).await;
    let (_, lead) = member(&world, &owner, "lea", Role::ProjectLead).await;
    for n in 0..12 {
        item::create(&lead, "acme", "checkout", task(&n.to_string()))
            .await
            .unwrap();
    }
    let anchor = item::view(&lead, "acme", "checkout", 1).await.unwrap().card.id;
    item::move_to(&lead, "acme", "checkout", to(1, Category::InProgress, None, None))
        .await
        .unwrap();
    let moved = futures::future::join_all((2..=12).map(|number| {
        let lead = lead.clone();
        async move {
            item::move_to(
                &lead,
                "acme",
                "checkout",
                to(number, Category::InProgress, Some(anchor), None),
            )
            .await
        }
    }))
    .await;
    assert!(moved.iter().all(Result::is_ok), "{moved:?}");
    let mut there = titles(&lead, Category::InProgress).await;
    assert_eq!(there.remove(0), "0", "all went under the first card");
    there.sort_by_key(|t| t.parse::<i64>().unwrap());
    assert_eq!(there, (1..12).map(|n| n.to_string()).collect::<Vec<_>>());
}

/// The workflow and the roles decide who moves what where.
pub async fn bugs_are_closed_by_testers_and_reporters(world: World) {
    let owner = checkout(&world).await;
    let (_, developer) = member(&world, &owner, "dora", Role::ProjectDeveloper).await;
    let (_, tester) = member(&world, &owner, "quinn", Role::ProjectTester).await;
    let (_, viewer) = member(&world, &owner, "vic", Role::ProjectViewer).await;
    let bug = NewItem {
        kind: ItemKind::Bug,
        ..task("it crashes")
    };
    let number = item::create(&tester, "acme", "checkout", bug).await.unwrap();
    let closed = item::set_state(&tester, "acme", "checkout", number, &StateKey::CLOSED, None)
        .await
        .unwrap_err();
    assert_eq!(closed.code(), "transition", "it was never resolved");
    let refused = item::set_state(&viewer, "acme", "checkout", number, &StateKey::IN_PROGRESS, None)
        .await
        .unwrap_err();
    assert!(matches!(refused, Error::Forbidden(_)), "{refused:?}");
    item::set_state(
        &developer,
        "acme",
        "checkout",
        number,
        &StateKey::IN_PROGRESS,
        None,
    )
    .await
    .unwrap();
    item::set_state(&developer, "acme", "checkout", number, &StateKey::RESOLVED, None)
        .await
        .unwrap();
    let refused = item::set_state(&developer, "acme", "checkout", number, &StateKey::CLOSED, None)
        .await
        .unwrap_err();
    assert!(
        matches!(&refused, Error::Forbidden(d) if d.roles.contains(&Role::ProjectTester)),
        "{refused:?}"
    );
    item::set_state(&tester, "acme", "checkout", number, &StateKey::CLOSED, None)
        .await
        .unwrap();
    let list = item::bugs(&viewer, "acme", "checkout").await.unwrap();
    assert_eq!((list.bugs.len(), list.may_create), (1, false));
    assert!(
        item::create(&viewer, "acme", "checkout", task("x"))
            .await
            .is_err()
    );
    let empty = item::create(&developer, "acme", "checkout", task(" "))
        .await
        .unwrap_err();
    assert!(
        matches!(&empty, Error::Invalid(f) if f[0].field == "title"),
        "{empty:?}"
    );
}
