//! The table, saved views, the roadmap, templates; items that are deleted and items that are due.

use super::World;
use super::item::{checkout, member, task};
use slipway_domain::access::Role;
use slipway_domain::insight::Amount;
use slipway_domain::item::{Category, ItemKind, Priority, Severity, StateKey};
use slipway_domain::table::{Column, Due, TableQuery, ViewPage};
use slipway_domain::time::{DAY, HOUR, SECOND};
use slipway_portal::item::{self, Edit, IterationInput, NewItem, Set};
use slipway_portal::table::{self, ViewInput};
use slipway_portal::{Error, OpCtx, board, insight, iteration, jobs, notice, roadmap};

const AT: (&str, &str) = ("acme", "checkout");

async fn make(ctx: &OpCtx, new: NewItem) -> i64 {
    item::create(ctx, AT.0, AT.1, new).await.unwrap()
}

async fn keys(ctx: &OpCtx, asked: &str, after: Option<&str>) -> Vec<(String, String)> {
    let asked = TableQuery::read(asked);
    let (rows, _) = table::list(ctx, AT.0, AT.1, &asked, after).await.unwrap();
    rows.into_iter()
        .map(|(row, cursor)| (row.card.key, cursor.written()))
        .collect()
}

async fn shown(ctx: &OpCtx, asked: &str) -> Vec<String> {
    keys(ctx, asked, None)
        .await
        .into_iter()
        .map(|(key, _)| key)
        .collect()
}

fn due(day: &str) -> Edit {
    Edit {
        due_on: Some(day.to_owned()),
        ..Edit::default()
    }
}

/// Whatever the table is sorted by, its pages hold every item once, in one order; the filter is the address.
pub async fn the_table_pages_by_any_column(world: World) {
    let owner = checkout(&world).await;
    let (_, lead) = member(&world, &owner, "lea", Role::ProjectLead).await;
    let (dora, _) = member(&world, &owner, "dora", Role::ProjectDeveloper).await;
    for n in 0..24_usize {
        world.clock.advance(SECOND);
        let kind = ItemKind::ALL[n % 4];
        let more = if n % 3 == 0 {
            due(&format!("2026-02-{:02}", 1 + n))
        } else {
            Edit::default()
        };
        let new = NewItem {
            kind,
            priority: Priority::ALL[n % 3],
            severity: (kind == ItemKind::Bug).then_some(Severity::ALL[n % 5]),
            assignee: (n % 5 == 0).then_some(dora.id),
            points: (n % 2 == 0).then_some(i64::try_from(n).unwrap()),
            into_iteration: false,
            more,
            ..task(["same", "a%b", "Ärger", "z"][n % 4])
        };
        make(&lead, new).await;
    }
    for column in Column::ALL.iter().filter(|column| column.sorts()) {
        for sign in ["", "-"] {
            let asked = format!("sort={sign}{}", column.key());
            let all = keys(&lead, &asked, None).await;
            let mut once: Vec<&str> = all.iter().map(|(key, _)| key.as_str()).collect();
            once.sort_unstable();
            once.dedup();
            assert_eq!(once.len(), 24, "{asked}");
            for at in [0, 7, 22, 23] {
                assert_eq!(
                    keys(&lead, &asked, Some(&all[at].1)).await,
                    all[at + 1..],
                    "{asked} after {at}"
                );
            }
        }
    }
    let forward = shown(&lead, "sort=points").await;
    let mut backward = shown(&lead, "sort=-points").await;
    backward.reverse();
    assert_eq!(forward, backward);
    assert_eq!(shown(&lead, "sort=key").await[..2], ["CHK-1", "CHK-2"]);
    assert_eq!(shown(&lead, "").await[0], "CHK-24", "the newest change on top");
    assert_eq!(shown(&lead, "kind=bug").await.len(), 6);
    assert_eq!(shown(&lead, &format!("assignee={}", dora.id)).await.len(), 5);
    assert_eq!(
        shown(&lead, "words=chk-3").await,
        ["CHK-3"],
        "a key is found whole"
    );
    assert_eq!(shown(&lead, "words=a%25B").await.len(), 6);
    assert_eq!(shown(&lead, "due=none").await.len(), 16);
    assert!(shown(&lead, "due=overdue").await.is_empty());
    world.clock.advance(40 * DAY);
    let asked = TableQuery {
        due: Some(Due::Overdue),
        ..TableQuery::default()
    };
    let late = shown(&lead, &asked.written()).await;
    assert!(!late.is_empty() && late.len() < 8, "some of eight: {late:?}");
    for state in [StateKey::IN_PROGRESS, StateKey::DONE] {
        item::set_state(&lead, AT.0, AT.1, 1, &state, None).await.unwrap();
    }
    assert!(
        !shown(&lead, &asked.written())
            .await
            .contains(&String::from("CHK-1")),
        "what is over is not late"
    );
    assert_eq!(
        (shown(&lead, "").await.len(), shown(&lead, "all=true").await.len()),
        (23, 24)
    );
    let wrong = table::list(&lead, AT.0, AT.1, &TableQuery::default(), Some("x"))
        .await
        .unwrap_err();
    assert!(
        matches!(&wrong, Error::Invalid(f) if f[0].field == "cursor"),
        "{wrong:?}"
    );
}

fn input(name: &str, query: &str, shared: bool, is_default: bool) -> ViewInput {
    ViewInput {
        name: name.to_owned(),
        query: query.to_owned(),
        shared,
        is_default,
    }
}

/// A view is its maker's own, or everybody's; one's own default goes before a shared one.
pub async fn a_view_is_ones_own_or_everybodys(world: World) {
    let owner = checkout(&world).await;
    let (_, lead) = member(&world, &owner, "lea", Role::ProjectLead).await;
    let (_, dora) = member(&world, &owner, "dora", Role::ProjectDeveloper).await;
    let (_, vic) = member(&world, &owner, "vic", Role::ProjectViewer).await;
    let page = ViewPage::Table;
    let save = async |ctx: &OpCtx, view: ViewInput| table::save_view(ctx, AT.0, AT.1, page, view).await;
    let refused = save(&dora, input("Bugs", "kind=bug", true, false))
        .await
        .unwrap_err();
    assert!(matches!(refused, Error::Forbidden(_)), "{refused:?}");
    for (view, field) in [
        (input(" ", "", false, false), "name"),
        (input("x", "kind=<b>", false, false), "query"),
    ] {
        let wrong = save(&vic, view).await.unwrap_err();
        assert!(
            matches!(&wrong, Error::Invalid(f) if f[0].field == field),
            "{wrong:?}"
        );
    }
    let shared = save(&lead, input("Bugs", "?kind=bug&after=x.1", true, true))
        .await
        .unwrap();
    let own = save(&vic, input("Mine", "kind=task", false, false))
        .await
        .unwrap();
    let names = async |ctx: &OpCtx| -> Vec<(String, bool)> {
        let views = table::views(ctx, AT.0, AT.1, Some(page)).await.unwrap();
        views.into_iter().map(|view| (view.name, view.may_edit)).collect()
    };
    let said = |name: &str, may_edit: bool| (name.to_owned(), may_edit);
    assert_eq!(names(&vic).await, [said("Mine", true), said("Bugs", false)]);
    assert_eq!(names(&dora).await, [said("Bugs", false)]);
    assert_eq!(names(&lead).await, [said("Bugs", true)]);
    let kind = async |ctx: &OpCtx, asked: &str| {
        table::page(ctx, AT.0, AT.1, asked, None)
            .await
            .unwrap()
            .asked
            .kind
    };
    assert_eq!(
        kind(&vic, "").await,
        Some(ItemKind::Bug),
        "the page opens with the shared default"
    );
    assert_eq!(kind(&vic, "kind=epic").await, Some(ItemKind::Epic));
    assert_eq!(
        kind(&vic, "sort=key").await,
        None,
        "what is asked for goes before"
    );
    assert_eq!(kind(&vic, "view=all").await, None);
    table::update_view(
        &vic,
        AT.0,
        AT.1,
        own,
        input("Mine", "kind=task", false, true),
        Some(1),
    )
    .await
    .unwrap();
    assert_eq!(kind(&vic, "").await, Some(ItemKind::Task));
    assert_eq!(kind(&dora, "").await, Some(ItemKind::Bug));
    let stale = table::update_view(&vic, AT.0, AT.1, own, input("x", "", false, false), Some(1))
        .await
        .unwrap_err();
    assert!(matches!(stale, Error::Conflict { .. }), "{stale:?}");
    let hidden = table::remove_view(&dora, AT.0, AT.1, own).await.unwrap_err();
    assert!(
        matches!(hidden, Error::NotFound),
        "somebody else's own: {hidden:?}"
    );
    let refused = table::remove_view(&vic, AT.0, AT.1, shared).await.unwrap_err();
    assert!(matches!(refused, Error::Forbidden(_)), "{refused:?}");
    let second = save(&lead, input("Late", "due=overdue", true, true))
        .await
        .unwrap();
    let defaults: Vec<bool> = table::views(&lead, AT.0, AT.1, Some(page))
        .await
        .unwrap()
        .iter()
        .map(|v| v.is_default)
        .collect();
    assert_eq!(defaults, [false, true], "one default at a time");
    for id in [shared, second] {
        table::remove_view(&lead, AT.0, AT.1, id).await.unwrap();
    }
    table::remove_view(&vic, AT.0, AT.1, own).await.unwrap();
    assert!(names(&vic).await.is_empty());
}

/// A deleted item is seen nowhere, stays in the history, and what belonged to it says so.
pub async fn a_deleted_item_stays_in_the_history(world: World) {
    let owner = checkout(&world).await;
    let (_, lead) = member(&world, &owner, "lea", Role::ProjectLead).await;
    let (_, dora) = member(&world, &owner, "dora", Role::ProjectDeveloper).await;
    let (_, quinn) = member(&world, &owner, "quinn", Role::ProjectTester).await;
    let whole = make(&dora, NewItem::titled(ItemKind::Requirement, "whole")).await;
    let more = Edit {
        parent: Some(whole.to_string()),
        ..Edit::default()
    };
    let part = make(&dora, NewItem { more, ..task("part") }).await;
    let other = make(&dora, task("other")).await;
    let link = (slipway_domain::item::Relation::Blocks, "CHK-1", true);
    item::link(&dora, AT.0, AT.1, other, link).await.unwrap();
    let delete = async |ctx: &OpCtx, number: i64| item::delete(ctx, AT.0, AT.1, number, None).await;
    let refused = delete(&quinn, whole).await.unwrap_err();
    assert!(
        matches!(&refused, Error::Forbidden(d) if d.roles.contains(&Role::ProjectLead)),
        "{refused:?}"
    );
    world.clock.advance(DAY);
    let late = delete(&dora, whole).await.unwrap_err();
    assert!(
        matches!(late, Error::Forbidden(_)),
        "its reporter has an hour: {late:?}"
    );
    let stale = item::delete(&lead, AT.0, AT.1, whole, Some(9)).await.unwrap_err();
    assert!(matches!(stale, Error::Conflict { .. }), "{stale:?}");
    delete(&lead, whole).await.unwrap();
    for gone in [
        item::view(&lead, AT.0, AT.1, whole).await.err(),
        delete(&lead, whole).await.err(),
        item::set_state(&lead, AT.0, AT.1, whole, &StateKey::IN_PROGRESS, None)
            .await
            .err(),
    ] {
        assert!(matches!(gone, Some(Error::NotFound)), "{gone:?}");
    }
    assert!(item::view(&dora, AT.0, AT.1, part).await.unwrap().parent_deleted);
    let links = item::view(&dora, AT.0, AT.1, other).await.unwrap().links;
    assert!(links.len() == 1 && links[0].item.deleted, "{links:?}");
    let list: Vec<String> = item::list(&dora, AT.0, AT.1, 0, 100)
        .await
        .unwrap()
        .into_iter()
        .map(|card| card.title)
        .collect();
    assert_eq!(list, ["part", "other"]);
    assert_eq!(shown(&dora, "all=true").await.len(), 2);
    let flow = insight::work(&dora, AT.0, AT.1, None, Some(3))
        .await
        .unwrap()
        .flow;
    let todo: Vec<i64> = flow.iter().map(|day| day.counts[0]).collect();
    assert_eq!(todo, [0, 3, 2], "until it was deleted it was there");
    let fresh = make(&dora, task("mistake")).await;
    world.clock.advance(HOUR / 2);
    delete(&dora, fresh).await.expect("its reporter, within the hour");
}

/// Who does an item hears once that it is due tomorrow, and once that it is overdue.
pub async fn who_does_it_hears_once_that_it_is_due(world: World) {
    let owner = checkout(&world).await;
    let (_, lead) = member(&world, &owner, "lea", Role::ProjectLead).await;
    let (person, dora) = member(&world, &owner, "dora", Role::ProjectDeveloper).await;
    let mut change = lead.change().await.unwrap();
    change.bookkeeping();
    change
        .enqueue(&jobs::Job::RemindDue, lead.now(), Some("remind_due"))
        .await
        .unwrap();
    change.commit().await.unwrap();
    let day = |days: i64| {
        lead.now()
            .plus(days * DAY)
            .rfc3339()
            .chars()
            .take(10)
            .collect::<String>()
    };
    let new = |title: &str, days: i64| NewItem {
        assignee: Some(person.id),
        more: due(&day(days)),
        ..task(title)
    };
    make(&lead, new("soon", 2)).await;
    make(&lead, new("later", 5)).await;
    make(
        &lead,
        NewItem {
            assignee: None,
            ..new("nobody's", 2)
        },
    )
    .await;
    let heard = async || -> Vec<String> {
        while jobs::step(&world.portal, "test").await.unwrap() {}
        let page = notice::list(&dora, false, None).await.unwrap();
        let notices = page.threads.into_iter().flat_map(|thread| thread.notices);
        let mut words: Vec<String> = notices
            .filter(|one| one.kind.key() == "item_due")
            .map(|one| one.words.en)
            .collect();
        words.sort();
        words
    };
    assert!(heard().await.is_empty());
    let tomorrow = format!("It is due tomorrow, {}", day(2));
    world.clock.advance(DAY + HOUR);
    assert_eq!(heard().await, std::slice::from_ref(&tomorrow));
    world.clock.advance(2 * HOUR);
    assert_eq!(heard().await, std::slice::from_ref(&tomorrow), "once");
    world.clock.advance(2 * DAY);
    let words = heard().await;
    assert!(
        words.len() == 2 && words.contains(&tomorrow) && words[1].starts_with("It was due on"),
        "{words:?}"
    );
    world.clock.advance(2 * HOUR);
    assert_eq!(heard().await.len(), 2, "once");
}

/// What a description can begin with is a project's own, by kind and name.
pub async fn templates_are_for_a_kind_and_have_one_name(world: World) {
    let owner = checkout(&world).await;
    let (_, lead) = member(&world, &owner, "lea", Role::ProjectLead).await;
    let (_, dora) = member(&world, &owner, "dora", Role::ProjectDeveloper).await;
    let save = async |ctx: &OpCtx, which, name: &str, body: &str| {
        board::save_template(ctx, AT.0, AT.1, which, (ItemKind::Bug, name, body)).await
    };
    let refused = save(&dora, None, "Steps", "## Steps").await.unwrap_err();
    assert!(matches!(refused, Error::Forbidden(_)), "{refused:?}");
    let id = save(&lead, None, " Steps ", "## Steps\r\n").await.unwrap();
    let taken = save(&lead, None, "Steps", "x").await.unwrap_err();
    assert!(
        matches!(&taken, Error::Invalid(f) if f[0].field == "name"),
        "{taken:?}"
    );
    let empty = save(&lead, None, "Other", " ").await.unwrap_err();
    assert!(
        matches!(&empty, Error::Invalid(f) if f[0].field == "body"),
        "{empty:?}"
    );
    save(&lead, Some((id, Some(1))), "Steps", "## What happened")
        .await
        .unwrap();
    let stale = save(&lead, Some((id, Some(1))), "Steps", "x").await.unwrap_err();
    assert!(matches!(stale, Error::Conflict { .. }), "{stale:?}");
    let known = board::templates(&dora, AT.0, AT.1).await.unwrap();
    assert_eq!(
        (known.len(), known[0].name.as_str(), known[0].body.as_str()),
        (1, "Steps", "## What happened")
    );
    board::remove_template(&lead, AT.0, AT.1, id).await.unwrap();
    assert!(board::templates(&dora, AT.0, AT.1).await.unwrap().is_empty());
}

/// An epic runs from the first iteration of its parts to its due day, and is as far as they are.
pub async fn an_epic_is_as_far_as_its_parts(world: World) {
    let owner = checkout(&world).await;
    let (_, lead) = member(&world, &owner, "lea", Role::ProjectLead).await;
    let days = |name: &str, from: &str, to: &str| IterationInput {
        name: name.to_owned(),
        goal: String::new(),
        starts_on: from.to_owned(),
        ends_on: to.to_owned(),
    };
    for (name, from, to) in [
        ("One", "2026-02-02", "2026-02-13"),
        ("Two", "2026-02-16", "2026-02-27"),
    ] {
        iteration::plan(&lead, AT.0, AT.1, days(name, from, to))
            .await
            .unwrap();
    }
    let epic = make(&lead, NewItem::titled(ItemKind::Epic, "Refunds")).await;
    make(&lead, NewItem::titled(ItemKind::Epic, "Alone")).await;
    let iterations = item::edit(&lead, AT.0, AT.1, epic)
        .await
        .unwrap()
        .choices
        .iterations;
    let part = |of: i64, iteration: usize| Edit {
        parent: Some(of.to_string()),
        iteration: Set::To(iterations[iteration].id),
        ..Edit::default()
    };
    let whole = NewItem {
        more: part(epic, 0),
        ..NewItem::titled(ItemKind::Requirement, "whole")
    };
    let whole = make(&lead, whole).await;
    let one = make(
        &lead,
        NewItem {
            more: part(whole, 1),
            ..task("one")
        },
    )
    .await;
    make(
        &lead,
        NewItem {
            more: part(whole, 0),
            ..task("two")
        },
    )
    .await;
    for state in [StateKey::IN_PROGRESS, StateKey::DONE] {
        item::set_state(&lead, AT.0, AT.1, one, &state, None)
            .await
            .unwrap();
    }
    let rows = roadmap::view(&lead, AT.0, AT.1).await.unwrap().rows;
    assert_eq!(
        rows.iter().map(|row| row.card.title.as_str()).collect::<Vec<_>>(),
        ["Refunds", "Alone"]
    );
    let row = &rows[0];
    assert_eq!(
        (row.starts_on.as_deref(), row.ends_on.as_deref()),
        (Some("2026-02-02"), Some("2026-02-27"))
    );
    assert_eq!(
        (row.scope, row.done),
        (Amount { items: 3, points: 6 }, Amount { items: 1, points: 3 })
    );
    assert_eq!((row.percent(), rows[1].span()), (50, None));
    item::update(&lead, AT.0, AT.1, epic, due("2026-03-31"), item::Base::Any)
        .await
        .unwrap();
    let rows = roadmap::view(&lead, AT.0, AT.1).await.unwrap().rows;
    assert_eq!(rows[0].ends_on.as_deref(), Some("2026-03-31"));
    assert_eq!(rows[0].card.state.category(), Category::Todo);
}
