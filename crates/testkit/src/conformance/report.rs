//! The report of an iteration, the items behind a number, and how pages of items open.

use super::World;
use super::item::{checkout, member, task};
use slipway_domain::access::Role;
use slipway_domain::insight::Fate;
use slipway_domain::item::{BugFilter, ItemKind, Severity, StateKey};
use slipway_domain::iteration::{BacklogFilter, IterationReport};
use slipway_domain::table::ViewPage;
use slipway_domain::text::Locale;
use slipway_domain::time::{DAY, HOUR};
use slipway_portal::insight::{self, Of};
use slipway_portal::item::{self, Base, Edit, IterationInput, NewItem, Set};
use slipway_portal::{Error, OpCtx, iteration, roadmap, table};

const AT: (&str, &str) = ("acme", "checkout");

async fn go(ctx: &OpCtx, number: i64, to: &StateKey) {
    item::set_state(ctx, AT.0, AT.1, number, to, None).await.unwrap();
}

fn told(list: &[Fate]) -> Vec<(i64, Option<&str>)> {
    list.iter()
        .map(|fate| (fate.item, fate.by.as_ref().map(|who| who.username.as_str())))
        .collect()
}

async fn report(ctx: &OpCtx) -> IterationReport {
    iteration::report(ctx, AT.0, AT.1, 1, None).await.unwrap()
}

/// What was planned, came, went, was finished and is left over is told from history, with who did it; also of what is
/// deleted since, and whatever people typed.
pub async fn an_iteration_is_reported_from_history(world: World) {
    let owner = checkout(&world).await;
    let (_, lead) = member(&world, &owner, "lea", Role::ProjectLead).await;
    let (_, dora) = member(&world, &owner, "dora", Role::ProjectDeveloper).await;
    let (_, quinn) = member(&world, &owner, "quinn", Role::ProjectTester).await;
    let planned = iteration::plan(
        &lead,
        AT.0,
        AT.1,
        IterationInput {
            name: String::from("One | <script>"),
            goal: String::from("# ship"),
            starts_on: String::from("2026-01-05"),
            ends_on: String::from("2026-01-16"),
        },
    )
    .await
    .unwrap();
    let before = report(&dora).await;
    assert!(before.outcome.is_none() && before.chart.is_empty());
    let plain = |title: &str| NewItem {
        into_iteration: false,
        ..task(title)
    };
    for title in ["done", "dropped", "left | <img src=x>", "late", "stranger"] {
        item::create(&lead, AT.0, AT.1, plain(title)).await.unwrap();
    }
    let one = item::edit(&lead, AT.0, AT.1, 1).await.unwrap().choices.iterations[0].id;
    let going = |into: Set<_>| Edit {
        iteration: into,
        ..Edit::default()
    };
    item::bulk(&lead, AT.0, AT.1, &[1, 2, 3], going(Set::To(one)))
        .await
        .unwrap();
    world.clock.advance(HOUR);
    iteration::start(&lead, AT.0, AT.1, planned).await.unwrap();
    world.clock.advance(HOUR);
    item::update(&dora, AT.0, AT.1, 4, going(Set::To(one)), Base::Any)
        .await
        .unwrap();
    item::update(&lead, AT.0, AT.1, 2, going(Set::Clear), Base::Any)
        .await
        .unwrap();
    let bug = NewItem {
        kind: ItemKind::Bug,
        ..plain("a bug")
    };
    item::create(&quinn, AT.0, AT.1, bug).await.unwrap();
    for state in [StateKey::IN_PROGRESS, StateKey::RESOLVED, StateKey::CLOSED] {
        go(&quinn, 6, &state).await;
    }
    for state in [StateKey::IN_PROGRESS, StateKey::IN_TEST, StateKey::DONE] {
        go(&dora, 1, &state).await;
    }
    world.clock.advance(DAY);
    iteration::close(&lead, AT.0, AT.1, 1, None).await.unwrap();
    world.clock.advance(DAY);
    // What happens after its end changes nothing.
    item::update(&dora, AT.0, AT.1, 5, going(Set::Clear), Base::Any)
        .await
        .unwrap();
    item::delete(&lead, AT.0, AT.1, 4, None).await.unwrap();
    let closed = report(&dora).await;
    let outcome = closed.outcome.as_ref().unwrap();
    assert_eq!(told(&outcome.planned), [(1, None), (2, None), (3, None)]);
    assert_eq!(told(&outcome.added), [(4, Some("dora"))]);
    assert_eq!(told(&outcome.removed), [(2, Some("lea"))]);
    assert_eq!(told(&outcome.finished), [(1, Some("dora"))]);
    assert_eq!(told(&outcome.left_over), [(3, Some("lea")), (4, Some("lea"))]);
    assert_eq!(
        (closed.bugs_reported.clone(), closed.bugs_closed.clone()),
        (vec![6], vec![6])
    );
    assert!(
        closed.card(4).is_none() && closed.card(2).is_some(),
        "what is deleted has a number and no card"
    );
    assert!(!closed.chart.is_empty() && closed.velocity.len() == 1);
    let text = iteration::markdown(&closed, Locale::En, "https://slipway.example");
    assert!(
        !text.contains("<script>") && !text.contains("<img") && text.contains("CHK-3"),
        "{text}"
    );
    assert!(iteration::markdown(&closed, Locale::ZhCn, "").contains("开始时计划"));
    let stranger = world.as_person(&world.person("sid").await);
    let hidden = iteration::report(&stranger, AT.0, AT.1, 1, None).await;
    assert!(matches!(hidden, Err(Error::NotFound)));
    assert!(matches!(
        iteration::report(&dora, AT.0, AT.1, 99, None).await,
        Err(Error::NotFound)
    ));
}

/// A number of a chart opens the items that it counted then, not those of now.
pub async fn a_number_opens_what_it_counts(world: World) {
    let owner = checkout(&world).await;
    let (_, dora) = member(&world, &owner, "dora", Role::ProjectDeveloper).await;
    let (_, quinn) = member(&world, &owner, "quinn", Role::ProjectTester).await;
    let (_, lead) = member(&world, &owner, "lea", Role::ProjectLead).await;
    for (kind, title) in [(ItemKind::Task, "a"), (ItemKind::Bug, "b"), (ItemKind::Bug, "c")] {
        let new = NewItem { kind, ..task(title) };
        item::create(&quinn, AT.0, AT.1, new).await.unwrap();
    }
    go(&quinn, 2, &StateKey::IN_PROGRESS).await;
    let work = insight::work(&dora, AT.0, AT.1, None, Some(2)).await.unwrap();
    let today = work.flow.last().unwrap().day.clone();
    let yesterday = work.flow[0].day.clone();
    world.clock.advance(DAY);
    for state in [StateKey::RESOLVED, StateKey::CLOSED, StateKey::REOPENED] {
        go(&quinn, 2, &state).await;
    }
    item::delete(&lead, AT.0, AT.1, 3, None).await.unwrap();
    let tomorrow = insight::work(&dora, AT.0, AT.1, None, Some(1))
        .await
        .unwrap()
        .flow[0]
        .day
        .clone();
    let of = async |what: &str, day: &str| {
        let asked = Of {
            what,
            day,
            zone: None,
            page: 1,
        };
        insight::counted(&dora, AT.0, AT.1, asked).await
    };
    for (what, day, wanted) in [
        ("todo", &today, vec![1, 3]),
        ("in_progress", &today, vec![2]),
        ("open", &today, vec![2, 3]),
        ("reported", &today, vec![2, 3]),
        ("closed", &today, vec![]),
        ("todo", &yesterday, vec![]),
        ("open", &tomorrow, vec![2]),
        ("closed", &tomorrow, vec![2]),
        ("reopened", &tomorrow, vec![2]),
    ] {
        let found = of(what, day).await.unwrap();
        assert_eq!((found.items, found.more), (wanted, false), "{what} on {day}");
    }
    let then = of("todo", &today).await.unwrap();
    assert_eq!((then.count, then.cards.len()), (2, 1), "one is deleted since");
    assert!(of("todo", "2999-01-01").await.unwrap().items.is_empty());
    for (what, day, field) in [("all", "2026-01-01", "what"), ("todo", "soon", "day")] {
        let wrong = of(what, day).await.unwrap_err();
        assert!(
            matches!(&wrong, Error::Invalid(f) if f[0].field == field),
            "{wrong:?}"
        );
    }
}

/// The backlog and the bugs open with one's default view, unless the address says what is shown.
pub async fn pages_of_items_open_with_their_default_view(world: World) {
    let owner = checkout(&world).await;
    let (_, lead) = member(&world, &owner, "lea", Role::ProjectLead).await;
    let (_, dora) = member(&world, &owner, "dora", Role::ProjectDeveloper).await;
    for (kind, severity) in [
        (ItemKind::Task, None),
        (ItemKind::Bug, Some(Severity::Fatal)),
        (ItemKind::Bug, Some(Severity::Minor)),
    ] {
        let new = NewItem {
            kind,
            severity,
            into_iteration: false,
            ..task("one")
        };
        item::create(&lead, AT.0, AT.1, new).await.unwrap();
    }
    let keep = async |page: ViewPage, query: &str| {
        let input = table::ViewInput {
            name: String::from("mine"),
            query: query.to_owned(),
            shared: false,
            is_default: true,
        };
        table::save_view(&dora, AT.0, AT.1, page, input).await.unwrap();
    };
    keep(ViewPage::Backlog, "kind=task").await;
    keep(ViewPage::Bugs, "severity=fatal").await;
    let backlog = async |ctx: &OpCtx, filter: BacklogFilter, by_default: bool| {
        let found = iteration::backlog_of(ctx, AT.0, AT.1, (filter, by_default), None).await;
        found.unwrap().cards.len()
    };
    assert_eq!(backlog(&dora, BacklogFilter::default(), true).await, 1);
    assert_eq!(backlog(&dora, BacklogFilter::default(), false).await, 3);
    assert_eq!(
        backlog(&lead, BacklogFilter::default(), true).await,
        3,
        "it is one's own"
    );
    let bugs_of = BacklogFilter::read("kind=bug");
    assert_eq!(
        backlog(&dora, bugs_of, true).await,
        2,
        "what is asked for goes first"
    );
    let bugs = async |filter: BugFilter, by_default: bool| {
        let found = item::bugs_of(&dora, AT.0, AT.1, (filter, by_default)).await;
        found.unwrap().bugs.len()
    };
    assert_eq!(bugs(BugFilter::default(), true).await, 1);
    assert_eq!(bugs(BugFilter::default(), false).await, 2);
    assert_eq!(bugs(BugFilter::read("severity=minor"), true).await, 1);
    assert_eq!(bugs(BugFilter::read("severity=serious"), true).await, 0);
}

/// An item begins on a day that is not after the day it is due, and an epic is drawn from there.
pub async fn an_item_begins_before_it_is_due(world: World) {
    let owner = checkout(&world).await;
    let (_, lead) = member(&world, &owner, "lea", Role::ProjectLead).await;
    let days = |start: &str, due: &str| Edit {
        starts_on: Some(start.to_owned()),
        due_on: Some(due.to_owned()),
        ..Edit::default()
    };
    let epic = NewItem {
        more: days("2026-02-01", "2026-03-01"),
        into_iteration: false,
        ..NewItem::titled(ItemKind::Epic, "Refunds")
    };
    item::create(&lead, AT.0, AT.1, epic).await.unwrap();
    for (start, due) in [("2026-03-02", "2026-03-01"), ("soon", "2026-03-01")] {
        let wrong = item::update(&lead, AT.0, AT.1, 1, days(start, due), Base::Any)
            .await
            .unwrap_err();
        assert!(
            matches!(&wrong, Error::Invalid(f) if f[0].field == "starts_on"),
            "{start}: {wrong:?}"
        );
    }
    let row = roadmap::view(&lead, AT.0, AT.1).await.unwrap().rows.remove(0);
    assert_eq!(
        (row.starts_on.as_deref(), row.ends_on.as_deref()),
        (Some("2026-02-01"), Some("2026-03-01"))
    );
    item::update(&lead, AT.0, AT.1, 1, days("", "2026-03-01"), Base::Any)
        .await
        .unwrap();
    let view = item::view(&lead, AT.0, AT.1, 1).await.unwrap();
    assert_eq!(view.content.starts_on, None);
    let said: Vec<&str> = view
        .events
        .iter()
        .filter(|event| event.field == "starts_on")
        .map(|event| event.after.said.as_str())
        .collect();
    assert_eq!(said, ["", "2026-02-01"], "the newest first");
}
