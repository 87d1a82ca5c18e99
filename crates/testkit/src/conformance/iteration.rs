//! Iterations, the backlog, and the charts of an iteration.

use super::World;
use super::item::{checkout, member, task};
use slipway_domain::access::Role;
use slipway_domain::insight::{Amount, Insights};
use slipway_domain::item::{Category, ItemKind, StateKey};
use slipway_domain::iteration::{BacklogFilter, IterationState};
use slipway_domain::time::{DAY, HOUR};
use slipway_portal::item::{self, Edit, IterationInput, MoveInput, NewItem, Set};
use slipway_portal::{Error, OpCtx, insight, iteration};

fn input(name: &str) -> IterationInput {
    let day = |at: &str| at.to_owned();
    IterationInput {
        name: name.to_owned(),
        goal: String::from("Refunds"),
        starts_on: day("2026-01-01"),
        ends_on: day("2026-01-14"),
    }
}

fn backlogged(title: &str) -> NewItem {
    NewItem {
        into_iteration: false,
        ..task(title)
    }
}

async fn titles(ctx: &OpCtx, filter: BacklogFilter, cursor: Option<&str>) -> (Vec<String>, Option<String>) {
    let page = iteration::backlog(ctx, "acme", "checkout", filter, cursor)
        .await
        .unwrap();
    (page.cards.into_iter().map(|card| card.title).collect(), page.next)
}

/// An iteration is planned, filled, started and closed; what is not over goes where it is told to.
#[expect(clippy::too_many_lines, reason = "one story from its start to its end")]
pub async fn an_iteration_is_planned_started_and_closed(world: World) {
    let owner = checkout(&world).await;
    let (_, lead) = member(&world, &owner, "lea", Role::ProjectLead).await;
    let (_, dora) = member(&world, &owner, "dora", Role::ProjectDeveloper).await;
    let refused = iteration::plan(&dora, "acme", "checkout", input("x"))
        .await
        .unwrap_err();
    assert!(matches!(refused, Error::Forbidden(_)), "{refused:?}");
    for name in ["One", "Two"] {
        iteration::plan(&lead, "acme", "checkout", input(name))
            .await
            .unwrap();
    }
    for title in ["a", "b", "c"] {
        item::create(&dora, "acme", "checkout", backlogged(title))
            .await
            .unwrap();
    }
    let one = item::edit(&dora, "acme", "checkout", 1)
        .await
        .unwrap()
        .choices
        .iterations;
    let one = one.into_iter().find(|choice| choice.name == "One").unwrap().id;
    let plan = Edit {
        iteration: Set::To(one),
        ..Edit::default()
    };
    assert_eq!(
        item::bulk(&dora, "acme", "checkout", &[1, 2], plan.clone())
            .await
            .unwrap(),
        2
    );
    assert_eq!(
        item::bulk(&dora, "acme", "checkout", &[1, 2], plan.clone())
            .await
            .unwrap(),
        0
    );
    let missing = item::bulk(&dora, "acme", "checkout", &[3, 99], plan.clone())
        .await
        .unwrap_err();
    assert!(
        matches!(&missing, Error::Invalid(f) if f[0].field == "numbers"),
        "{missing:?}"
    );
    assert_eq!(
        titles(&dora, BacklogFilter::default(), None).await.0,
        ["c"],
        "all or none"
    );
    let refused = iteration::close(&lead, "acme", "checkout", 1, None)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "iteration_state");
    iteration::start(&lead, "acme", "checkout", 1).await.unwrap();
    let second = iteration::start(&lead, "acme", "checkout", 2).await.unwrap_err();
    assert_eq!(second.code(), "iteration_running");
    world.clock.advance(DAY);
    item::bulk(&dora, "acme", "checkout", &[3], plan).await.unwrap();
    for state in [StateKey::IN_PROGRESS, StateKey::DONE] {
        item::set_state(&dora, "acme", "checkout", 1, &state, None)
            .await
            .unwrap();
    }
    world.clock.advance(DAY);
    let closed = iteration::close(&lead, "acme", "checkout", 1, Some(1))
        .await
        .unwrap_err();
    assert!(
        matches!(&closed, Error::Invalid(f) if f[0].field == "carry_to"),
        "{closed:?}"
    );
    assert_eq!(
        iteration::close(&lead, "acme", "checkout", 1, Some(2))
            .await
            .unwrap(),
        2
    );
    let list = iteration::list(&dora, "acme", "checkout").await.unwrap();
    let states: Vec<_> = list
        .iterations
        .iter()
        .map(|line| (line.iteration.number, line.state))
        .collect();
    assert_eq!(
        states,
        [(2, IterationState::Planned), (1, IterationState::Closed)]
    );
    assert_eq!(list.iterations[0].scope, Amount { items: 2, points: 6 });
    let view = iteration::view(&dora, "acme", "checkout", 1, (None, None))
        .await
        .unwrap();
    let velocity = view.velocity.last().unwrap();
    assert_eq!(
        velocity.committed,
        Amount { items: 2, points: 6 },
        "what came in later is not committed"
    );
    assert_eq!(velocity.done, Amount { items: 1, points: 3 });
    assert_eq!(
        view.members.len(),
        3,
        "what was carried over was there until the end"
    );
    let end = view.chart.last().unwrap();
    assert_eq!((end.scope.points, end.left().points), (9, 6));
    assert_eq!(view.chart.iter().map(|day| day.added.items).sum::<i64>(), 3);
    let events = item::view(&dora, "acme", "checkout", 3).await.unwrap().events;
    let carried = events.iter().find(|event| event.field == "iteration").unwrap();
    assert_eq!(
        (carried.before.said.as_str(), carried.after.said.as_str()),
        ("One", "Two")
    );
    iteration::update(&lead, "acme", "checkout", 2, input("Second"))
        .await
        .unwrap();
    iteration::start(&lead, "acme", "checkout", 2).await.unwrap();
    let board = item::board(&dora, "acme", "checkout").await.unwrap();
    assert_eq!(board.iteration.unwrap().name, "Second");
}

/// The backlog is in the order that people give it, and is read page by page without losing or doubling anything.
pub async fn the_backlog_is_paged_by_rank(world: World) {
    let owner = checkout(&world).await;
    let (person, dora) = member(&world, &owner, "dora", Role::ProjectDeveloper).await;
    for n in 0..120 {
        item::create(&dora, "acme", "checkout", backlogged(&format!("t{n:03}")))
            .await
            .unwrap();
    }
    let mut all = Vec::new();
    let mut cursor = None;
    loop {
        let (page, next) = titles(&dora, BacklogFilter::default(), cursor.as_deref()).await;
        all.extend(page);
        cursor = next;
        if cursor.is_none() {
            break;
        }
    }
    let expected: Vec<String> = (0..120).map(|n| format!("t{n:03}")).collect();
    assert_eq!(all, expected);
    let first = item::view(&dora, "acme", "checkout", 1).await.unwrap().card.id;
    let to_the_top = MoveInput {
        number: 120,
        column: Some(Category::Todo.into()),
        after: None,
        before: Some(first),
        expected: None,
    };
    item::move_to(&dora, "acme", "checkout", to_the_top)
        .await
        .unwrap();
    let edit = Edit {
        labels: Some(String::from("50%_off!")),
        assignee: Set::To(person.id),
        ..Edit::default()
    };
    item::bulk(&dora, "acme", "checkout", &[7], edit).await.unwrap();
    assert_eq!(
        titles(&dora, BacklogFilter::default(), None).await.0[..2],
        ["t119", "t000"]
    );
    let label = |label: &str| BacklogFilter {
        label: label.to_owned(),
        ..BacklogFilter::default()
    };
    assert_eq!(titles(&dora, label("50%_off!"), None).await.0, ["t006"]);
    assert!(
        titles(&dora, label("50"), None).await.0.is_empty(),
        "a label is found whole"
    );
    let mine = BacklogFilter {
        assignee: Some(person.id),
        ..BacklogFilter::default()
    };
    assert_eq!(titles(&dora, mine, None).await.0, ["t006"]);
    let words = BacklogFilter {
        words: String::from("T11"),
        ..BacklogFilter::default()
    };
    assert_eq!(titles(&dora, words, None).await.0.len(), 10);
    let wrong = iteration::backlog(&dora, "acme", "checkout", BacklogFilter::default(), Some("x'y"))
        .await
        .unwrap_err();
    assert!(
        matches!(&wrong, Error::Invalid(f) if f[0].field == "cursor"),
        "{wrong:?}"
    );
}

/// Insights are counted from what happened, in the days of the zone that is asked for.
pub async fn insights_are_counted_from_the_log(world: World) {
    let owner = checkout(&world).await;
    let (_, dora) = member(&world, &owner, "dora", Role::ProjectDeveloper).await;
    let (_, quinn) = member(&world, &owner, "quinn", Role::ProjectTester).await;
    let bug = |title: &str| NewItem {
        kind: ItemKind::Bug,
        ..backlogged(title)
    };
    item::create(&dora, "acme", "checkout", backlogged("a"))
        .await
        .unwrap();
    item::create(&quinn, "acme", "checkout", bug("b")).await.unwrap();
    // 20:00 of the first day in UTC is 04:00 of the second in Shanghai.
    world.clock.advance(20 * HOUR);
    for state in [
        StateKey::IN_PROGRESS,
        StateKey::RESOLVED,
        StateKey::CLOSED,
        StateKey::REOPENED,
    ] {
        item::set_state(&quinn, "acme", "checkout", 2, &state, None)
            .await
            .unwrap();
    }
    world.clock.advance(DAY);
    item::create(&quinn, "acme", "checkout", bug("c")).await.unwrap();
    let work = async |zone| {
        insight::work(&dora, "acme", "checkout", Some(zone), Some(3))
            .await
            .unwrap()
    };
    let utc = work("UTC").await;
    let counts: Vec<[i64; 5]> = utc.flow.iter().map(|day| day.counts).collect();
    assert_eq!(counts, [[0; 5], [2, 0, 0, 0, 0], [3, 0, 0, 0, 0]]);
    let bugs = |of: &Insights| {
        let days = of.bugs.days.iter();
        days.map(|day| (day.reported, day.closed, day.reopened, day.open))
            .collect::<Vec<_>>()
    };
    assert_eq!(bugs(&utc), [(0, 0, 0, 0), (1, 1, 1, 1), (1, 0, 0, 2)]);
    let shanghai = work("Asia/Shanghai").await;
    assert_eq!(bugs(&shanghai), [(1, 0, 0, 1), (0, 1, 1, 1), (1, 0, 0, 2)]);
    assert_eq!((utc.bugs.closed, utc.bugs.reopened), (vec![2], vec![2]));
    assert_eq!(utc.bugs.ages[0], [2, 3]);
    let delivery = insight::delivery(&dora, "acme", "checkout", None, None)
        .await
        .unwrap();
    assert_eq!((delivery.days, delivery.dora.lead_time), (90, None));
    let stranger = world.as_person(&world.person("sid").await);
    let hidden = insight::work(&stranger, "acme", "checkout", None, None)
        .await
        .unwrap_err();
    assert!(matches!(hidden, Error::NotFound), "{hidden:?}");
}
