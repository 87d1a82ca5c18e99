//! How boards are set up: workflows, columns, limits; and many people moving cards at once.

use super::World;
use super::item::{checkout, member, task};
use slipway_domain::access::Role;
use slipway_domain::board::{BoardSetup, ColumnKey, Limit, SetupEdit};
use slipway_domain::id::ItemId;
use slipway_domain::item::{BoardView, Card, Category, Field, ItemKind, LaneBy, StateKey, Transition};
use slipway_domain::text::Text;
use slipway_domain::time::HOUR;
use slipway_portal::item::{self, Base, BoardAsked, Edit, IterationInput, MoveInput, NewItem, Set};
use slipway_portal::{Error, OpCtx, board, insight};
use std::collections::BTreeMap;

const AT: (&str, &str) = ("acme", "checkout");

fn key(text: &str) -> StateKey {
    StateKey::parse(text).unwrap()
}

fn state(name: &str, category: Category, of: Option<StateKey>) -> SetupEdit {
    SetupEdit::State {
        kind: ItemKind::Task,
        key: of,
        name: Text::new(name, ""),
        category,
        color: None,
    }
}

fn way(from: StateKey, to: StateKey) -> SetupEdit {
    SetupEdit::Transition {
        kind: ItemKind::Task,
        way: Transition::free(from, to),
    }
}

async fn edit(ctx: &OpCtx, edit: SetupEdit) -> slipway_portal::Result<()> {
    board::edit(ctx, AT.0, AT.1, edit, None).await
}

async fn go(ctx: &OpCtx, number: i64, to: &StateKey) -> slipway_portal::Result<()> {
    item::set_state(ctx, AT.0, AT.1, number, to, None).await
}

async fn make(ctx: &OpCtx, new: NewItem) -> i64 {
    item::create(ctx, AT.0, AT.1, new).await.unwrap()
}

async fn seen(ctx: &OpCtx) -> BoardView {
    item::board(ctx, AT.0, AT.1).await.unwrap()
}

fn place(number: i64, column: &str, after: Option<ItemId>, before: Option<ItemId>) -> MoveInput {
    MoveInput {
        number,
        column: ColumnKey::parse(column),
        after,
        before,
        expected: None,
    }
}

/// A workflow is data: its states have names of their own, and a transition asks for a role or for a field.
#[expect(clippy::too_many_lines, reason = "one story from its start to its end")]
pub async fn a_workflow_says_who_moves_what_where(world: World) {
    let owner = checkout(&world).await;
    let (_, lead) = member(&world, &owner, "lea", Role::ProjectLead).await;
    let (dora, developer) = member(&world, &owner, "dora", Role::ProjectDeveloper).await;
    let (_, tester) = member(&world, &owner, "quinn", Role::ProjectTester).await;
    let review = || state("In review", Category::InTest, None);
    let refused = edit(&developer, review()).await.unwrap_err();
    assert!(
        matches!(&refused, Error::Forbidden(d) if d.roles.contains(&Role::ProjectProduct)),
        "{refused:?}"
    );
    edit(&lead, review()).await.unwrap();
    let stale = board::edit(&lead, AT.0, AT.1, review(), Some(0))
        .await
        .unwrap_err();
    assert!(matches!(stale, Error::Conflict { .. }), "{stale:?}");
    let in_review = key("in_review");
    edit(&lead, way(StateKey::IN_PROGRESS, in_review.clone()))
        .await
        .unwrap();
    let asking = Transition {
        from: in_review.clone(),
        to: StateKey::DONE,
        roles: vec![Role::ProjectTester],
        fields: vec![Field::Assignee],
    };
    let asking = SetupEdit::Transition {
        kind: ItemKind::Task,
        way: asking,
    };
    edit(&lead, asking).await.unwrap();
    let number = make(&developer, task("one")).await;
    go(&developer, number, &StateKey::IN_PROGRESS).await.unwrap();
    go(&developer, number, &StateKey::PENDING).await.unwrap();
    let refused = go(&developer, number, &in_review).await.unwrap_err();
    assert!(
        matches!(&refused, Error::Refused { code: "transition", text } if text.en.contains("“In progress”")),
        "it says where it leads instead: {refused:?}"
    );
    go(&developer, number, &StateKey::IN_PROGRESS).await.unwrap();
    go(&developer, number, &in_review).await.unwrap();
    let view = item::view(&developer, AT.0, AT.1, number).await.unwrap();
    assert_eq!(view.card.state.text().en, "In review");
    assert_eq!(view.card.state.category(), Category::InTest);
    assert!(view.next.is_empty());
    assert_eq!(
        view.held_back.len(),
        1,
        "its page says what is missing: {:?}",
        view.held_back
    );
    assert_eq!(
        go(&developer, number, &StateKey::DONE).await.unwrap_err().code(),
        "transition_role"
    );
    assert_eq!(
        go(&tester, number, &StateKey::DONE).await.unwrap_err().code(),
        "transition_field"
    );
    let by_column = item::move_to(&tester, AT.0, AT.1, place(number, "done", None, None)).await;
    assert_eq!(
        by_column.unwrap_err().code(),
        "transition_field",
        "the board has the same rules"
    );
    let given = Edit {
        assignee: Some(dora.id).into(),
        ..Edit::default()
    };
    item::update(&developer, AT.0, AT.1, number, given, Base::Any)
        .await
        .unwrap();
    item::move_to(&tester, AT.0, AT.1, place(number, "done", None, None))
        .await
        .unwrap();
    // Another name changes no history, and every reader sees it.
    let other = make(&developer, task("two")).await;
    go(&developer, other, &StateKey::IN_PROGRESS).await.unwrap();
    go(&developer, other, &in_review).await.unwrap();
    let before = item::view(&lead, AT.0, AT.1, other).await.unwrap();
    edit(
        &lead,
        state("Looked at", Category::InTest, Some(in_review.clone())),
    )
    .await
    .unwrap();
    let after = item::view(&lead, AT.0, AT.1, other).await.unwrap();
    assert_eq!(after.card.state.text().en, "Looked at");
    assert_eq!(
        (after.events, after.card.version),
        (before.events, before.card.version)
    );
    // A state that goes asks where its items go.
    let flow = board::setup(&lead, AT.0, AT.1)
        .await
        .unwrap()
        .setup
        .flow(ItemKind::Task);
    let mut without = flow.clone();
    without.states.retain(|state| *state.state_key() != in_review);
    without
        .transitions
        .retain(|way| way.from != in_review && way.to != in_review);
    let whole = |moves| SetupEdit::Workflow {
        kind: ItemKind::Task,
        flow: without.clone(),
        moves,
    };
    let refused = edit(&lead, whole(Vec::new())).await.unwrap_err();
    assert!(
        matches!(&refused, Error::Invalid(f) if f[0].field == "to"),
        "{refused:?}"
    );
    edit(&lead, whole(vec![(in_review.clone(), StateKey::IN_PROGRESS)]))
        .await
        .unwrap();
    let moved = item::view(&lead, AT.0, AT.1, other).await.unwrap();
    assert_eq!(moved.card.state.state_key(), &StateKey::IN_PROGRESS);
    let last = &moved.events[0];
    assert_eq!(
        (
            last.field.as_str(),
            last.before.key.as_str(),
            last.after.key.as_str(),
            last.version
        ),
        ("state", "in_review", "in_progress", moved.card.version)
    );
    assert_eq!(
        last.before.said, "Looked at",
        "history says what it was called then"
    );
    assert_eq!(moved.events.len(), after_len(&lead, other, 1).await);
}

/// How many events an item has: those of a state that went are one each.
async fn after_len(ctx: &OpCtx, number: i64, gone: usize) -> usize {
    let view = item::view(ctx, AT.0, AT.1, number).await.unwrap();
    let states = view.events.iter().filter(|event| event.field == "state").count();
    assert_eq!(states, 2 + gone);
    view.events.len()
}

/// A small generator: the same numbers on every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % u64::try_from(below.max(1)).unwrap()).unwrap()
    }
}

/// Whatever happens to workflows, the flow that is counted from the log is what stands in the items.
pub async fn history_recounts_whatever_becomes_of_states(world: World) {
    let owner = checkout(&world).await;
    let (_, lead) = member(&world, &owner, "lea", Role::ProjectLead).await;
    for seed in 1..4 {
        let mut dice = Dice(seed);
        for _ in 0..4 {
            make(&lead, task("x")).await;
        }
        for _ in 0..40 {
            world.clock.advance(HOUR);
            let flow = board::setup(&lead, AT.0, AT.1)
                .await
                .unwrap()
                .setup
                .flow(ItemKind::Task);
            let any = |dice: &mut Dice| flow.states[dice.roll(flow.states.len())].state_key().clone();
            let category = Category::ALL[dice.roll(5)];
            let (one, other) = (any(&mut dice), any(&mut dice));
            // Many of these are refused, by a rule or by what stands there: nothing may be half done then.
            let _ = match dice.roll(8) {
                0 => edit(&lead, state("Other", category, None)).await,
                1 => edit(&lead, state("Renamed", category, Some(one))).await,
                2 => {
                    let kind = ItemKind::Task;
                    edit(
                        &lead,
                        SetupEdit::RemoveState {
                            kind,
                            key: one,
                            to: other,
                        },
                    )
                    .await
                }
                3 => edit(&lead, way(one, other)).await,
                _ => {
                    let number = i64::try_from(dice.roll(4) + 1).unwrap();
                    let here = item::view(&lead, AT.0, AT.1, number).await.unwrap();
                    match here.next.first() {
                        Some(next) => go(&lead, number, next.state_key()).await,
                        None => Ok(()),
                    }
                }
            };
            let cards = item::list(&lead, AT.0, AT.1, 0, 100).await.unwrap();
            let flow = insight::work(&lead, AT.0, AT.1, None, Some(1))
                .await
                .unwrap()
                .flow;
            let counted = flow.last().unwrap().counts;
            for (at, category) in Category::ALL.iter().enumerate() {
                let there = cards
                    .iter()
                    .filter(|card| card.state.category() == *category)
                    .count();
                assert_eq!(
                    counted[at],
                    i64::try_from(there).unwrap(),
                    "{} of seed {seed}",
                    category.key()
                );
            }
            let setup = board::setup(&lead, AT.0, AT.1).await.unwrap().setup;
            for card in cards {
                assert_eq!(
                    setup.flow(card.kind).state(card.state.state_key()),
                    Some(&card.state),
                    "every item stands in a state that is there, as it is called now"
                );
                let last = item::view(&lead, AT.0, AT.1, item_number(&card)).await.unwrap();
                assert_eq!(
                    last.events[0].version, last.card.version,
                    "each version has its history"
                );
            }
        }
    }
}

fn item_number(card: &Card) -> i64 {
    card.key.rsplit('-').next().unwrap().parse().unwrap()
}

async fn limited(ctx: &OpCtx, most: i64, blocks: bool) {
    let mut columns = BoardSetup::default().columns();
    columns[1].limit = Some(Limit { most, blocks });
    let setup = SetupEdit::Board {
        columns,
        parent_follows: false,
    };
    edit(ctx, setup).await.unwrap();
}

/// A limit that blocks holds, however many come at once; one that warns lets them in.
pub async fn a_full_column_takes_no_more_at_once(world: World) {
    let owner = checkout(&world).await;
    let (_, lead) = member(&world, &owner, "lea", Role::ProjectLead).await;
    for n in 0..12 {
        make(&lead, task(&n.to_string())).await;
    }
    limited(&lead, 5, true).await;
    let moved = futures::future::join_all((1..=12).map(|number| {
        let lead = lead.clone();
        async move { item::move_to(&lead, AT.0, AT.1, place(number, "in_progress", None, None)).await }
    }))
    .await;
    let refused: Vec<&Error> = moved.iter().filter_map(|result| result.as_ref().err()).collect();
    assert_eq!(refused.len(), 7, "{moved:?}");
    assert!(
        refused.iter().all(|error| error.code() == "wip_limit"),
        "{refused:?}"
    );
    let board = seen(&lead).await;
    assert_eq!((board.columns[1].count, board.columns[1].cards.len()), (5, 5));
    let added = NewItem {
        column: ColumnKey::parse("in_progress"),
        ..task("straight in")
    };
    let refused = item::create(&lead, AT.0, AT.1, added.clone()).await.unwrap_err();
    assert_eq!(refused.code(), "wip_limit", "a new card is one as well");
    let first = board.columns[1].cards[0].id;
    let number = item_number(&board.columns[1].cards[4]);
    item::move_to(&lead, AT.0, AT.1, place(number, "in_progress", None, Some(first)))
        .await
        .expect("what is there already may be put in order");
    limited(&lead, 5, false).await;
    make(&lead, added).await;
    assert_eq!(seen(&lead).await.columns[1].count, 6, "a warning refuses nothing");
}

/// What is planned for the iteration that runs is a card more in its column there, one by one or many at once.
pub async fn a_full_column_takes_no_plans(world: World) {
    let owner = checkout(&world).await;
    let (_, lead) = member(&world, &owner, "lea", Role::ProjectLead).await;
    let outside = NewItem {
        into_iteration: false,
        column: ColumnKey::parse("in_progress"),
        ..task("outside")
    };
    let mut numbers = Vec::new();
    for _ in 0..2 {
        numbers.push(make(&lead, outside.clone()).await);
    }
    let input = IterationInput {
        name: String::from("One"),
        goal: String::new(),
        starts_on: String::from("2026-01-05"),
        ends_on: String::from("2026-01-16"),
    };
    item::start_iteration(&lead, AT.0, AT.1, input).await.unwrap();
    let iteration = seen(&lead).await.iteration.expect("an iteration runs").id;
    let inside = NewItem {
        into_iteration: true,
        ..outside
    };
    for _ in 0..2 {
        make(&lead, inside.clone()).await;
    }
    limited(&lead, 2, true).await;
    let planned = || Edit {
        iteration: Set::To(iteration),
        ..Edit::default()
    };
    let one = async |edit: Edit| item::update(&lead, AT.0, AT.1, numbers[0], edit, Base::Any).await;
    let all = async |edit: Edit| item::bulk(&lead, AT.0, AT.1, &numbers, edit).await;
    assert_eq!(one(planned()).await.unwrap_err().code(), "wip_limit");
    assert_eq!(all(planned()).await.unwrap_err().code(), "wip_limit");
    limited(&lead, 3, true).await;
    let refused = all(planned()).await.unwrap_err();
    assert_eq!(
        refused.code(),
        "wip_limit",
        "one of two would fit, and none is planned"
    );
    assert_eq!(seen(&lead).await.columns[1].count, 2);
    one(planned()).await.expect("there is room for one");
    let other = Edit {
        title: Some(String::from("inside")),
        ..planned()
    };
    one(other).await.expect("what is planned there is no card more");
    let away = Edit {
        iteration: Set::Clear,
        ..Edit::default()
    };
    all(away).await.expect("leaving needs no room");
    limited(&lead, 2, false).await;
    all(planned()).await.expect("a warning refuses nothing");
}

/// Many people move random cards, each by what they saw last: none fails, none is lost or doubled, and all see one order.
pub async fn random_moves_of_many_end_in_one_order(world: World) {
    let owner = checkout(&world).await;
    let (_, lead) = member(&world, &owner, "lea", Role::ProjectLead).await;
    for n in 0..16 {
        make(&lead, task(&n.to_string())).await;
    }
    let people = 6;
    let done = futures::future::join_all((0..people).map(|person| {
        let lead = lead.clone();
        async move {
            let mut dice = Dice(person);
            let mut failed = Vec::new();
            let mut board = seen(&lead).await;
            for turn in 0..20 {
                if turn % 4 == 0 {
                    board = seen(&lead).await;
                }
                // Between the first three columns every state leads to its neighbors.
                let from = dice.roll(3);
                let Some(card) = board.columns[from]
                    .cards
                    .get(dice.roll(board.columns[from].cards.len()))
                else {
                    continue;
                };
                let to = if from == 1 {
                    dice.roll(3)
                } else {
                    [from, 1][dice.roll(2)]
                };
                let column = &board.columns[to];
                let others: Vec<ItemId> = column
                    .cards
                    .iter()
                    .map(|c| c.id)
                    .filter(|id| *id != card.id)
                    .collect();
                let at = dice.roll(others.len() + 1);
                let under = at.checked_sub(1).map(|at| others[at]);
                let above = others.get(at).copied();
                let input = place(item_number(card), column.key.as_str(), under, above);
                match item::move_to(&lead, AT.0, AT.1, input).await {
                    Ok(()) => {}
                    // Somebody else moved it meanwhile to where no transition leads from.
                    Err(error) if error.code() == "transition" => {}
                    Err(error) => failed.push(error),
                }
            }
            failed
        }
    }))
    .await;
    let failed: Vec<_> = done.into_iter().flatten().collect();
    assert!(failed.is_empty(), "{failed:?}");
    let order = |board: &BoardView| -> Vec<Vec<String>> {
        let columns = board.columns.iter();
        columns
            .map(|column| column.cards.iter().map(|card| card.title.clone()).collect())
            .collect()
    };
    let (one, other) = (seen(&lead).await, seen(&owner).await);
    assert_eq!(order(&one), order(&other));
    let mut all: Vec<i64> = order(&one)
        .concat()
        .iter()
        .map(|title| title.parse().unwrap())
        .collect();
    all.sort_unstable();
    assert_eq!(all, (0..16).collect::<Vec<i64>>(), "each card once");
    // What the history says is where they stand.
    let flow = insight::work(&lead, AT.0, AT.1, None, Some(1))
        .await
        .unwrap()
        .flow;
    let counts: Vec<i64> = one.columns.iter().map(|column| column.count).collect();
    assert_eq!(flow.last().unwrap().counts.to_vec(), counts);
}

/// An item follows its parts where the board says so, and stays where it does not.
pub async fn an_item_follows_its_parts(world: World) {
    let owner = checkout(&world).await;
    let (_, lead) = member(&world, &owner, "lea", Role::ProjectLead).await;
    let whole = make(&lead, NewItem::titled(ItemKind::Epic, "whole")).await;
    let part = |kind, title: &str, of: i64| NewItem {
        more: Edit {
            parent: Some(of.to_string()),
            ..Edit::default()
        },
        ..NewItem::titled(kind, title)
    };
    let middle = make(&lead, part(ItemKind::Requirement, "middle", whole)).await;
    let (one, other) = (
        make(&lead, part(ItemKind::Task, "one", middle)).await,
        make(&lead, part(ItemKind::Task, "other", middle)).await,
    );
    let stands = |number| {
        let lead = lead.clone();
        async move {
            item::view(&lead, AT.0, AT.1, number)
                .await
                .unwrap()
                .card
                .state
                .key()
                .to_owned()
        }
    };
    go(&lead, one, &StateKey::IN_PROGRESS).await.unwrap();
    assert_eq!(stands(middle).await, "pending", "the switch is off");
    edit(&lead, SetupEdit::ParentFollows(true)).await.unwrap();
    go(&lead, other, &StateKey::IN_PROGRESS).await.unwrap();
    assert_eq!(
        (stands(middle).await.as_str(), stands(whole).await.as_str()),
        ("in_progress", "in_progress")
    );
    go(&lead, one, &StateKey::DONE).await.unwrap();
    assert_eq!(stands(middle).await, "in_progress");
    go(&lead, other, &StateKey::WONT_FIX).await.unwrap();
    assert_eq!(
        (stands(middle).await.as_str(), stands(whole).await.as_str()),
        ("done", "done")
    );
    let view = item::view(&lead, AT.0, AT.1, whole).await.unwrap();
    assert_eq!(
        view.events[0].version, view.card.version,
        "with a row of its history"
    );
    go(&lead, one, &StateKey::IN_PROGRESS).await.unwrap();
    assert_eq!(
        (stands(middle).await.as_str(), stands(whole).await.as_str()),
        ("in_progress", "in_progress")
    );
}

/// Columns hold the states that name them; lanes hold every card once.
#[expect(clippy::too_many_lines, reason = "one board from every side")]
pub async fn lanes_and_columns_hold_every_card_once(world: World) {
    let owner = checkout(&world).await;
    let (_, lead) = member(&world, &owner, "lea", Role::ProjectLead).await;
    let (dora, _) = member(&world, &owner, "dora", Role::ProjectDeveloper).await;
    let days = IterationInput {
        name: String::from("Iteration 1"),
        goal: String::new(),
        starts_on: String::from("2026-01-05"),
        ends_on: String::from("2026-01-16"),
    };
    item::start_iteration(&lead, AT.0, AT.1, days).await.unwrap();
    let whole = make(&lead, NewItem::titled(ItemKind::Epic, "Refunds")).await;
    let part = Edit {
        parent: Some(whole.to_string()),
        ..Edit::default()
    };
    make(
        &lead,
        NewItem {
            more: part,
            assignee: Some(dora.id),
            ..task("a")
        },
    )
    .await;
    make(&lead, task("b")).await;
    make(
        &lead,
        NewItem {
            kind: ItemKind::Bug,
            ..task("c")
        },
    )
    .await;
    for state in [StateKey::IN_PROGRESS, StateKey::RESOLVED] {
        go(&lead, 4, &state).await.unwrap();
    }
    let resolved = SetupEdit::Column {
        key: None,
        name: Text::new("Resolved bugs", "已解决的缺陷"),
        category: Category::InTest,
        states: vec![StateKey::RESOLVED],
        limit: None,
    };
    edit(&lead, resolved).await.unwrap();
    edit(&lead, SetupEdit::RemoveColumn(Category::WontDo.into()))
        .await
        .unwrap();
    let board = seen(&lead).await;
    let held: BTreeMap<&str, usize> = board
        .columns
        .iter()
        .map(|c| (c.key.as_str(), c.cards.len()))
        .collect();
    assert_eq!(
        held,
        BTreeMap::from([
            ("todo", 2),
            ("in_progress", 0),
            ("in_test", 0),
            ("done", 0),
            ("resolved_bugs", 1)
        ])
    );
    for (by, names) in [
        (LaneBy::Assignee, vec![Some("DORA"), None]),
        (LaneBy::Epic, vec![Some("Refunds"), None]),
        (LaneBy::App, vec![None]),
        (LaneBy::Priority, vec![Some("Normal")]),
    ] {
        let board = item::board_of(
            &lead,
            AT.0,
            AT.1,
            BoardAsked {
                lanes_by: Some(by),
                ..BoardAsked::default()
            },
        )
        .await
        .unwrap();
        let lanes: Vec<Option<&str>> = board
            .lanes
            .iter()
            .map(|lane| lane.name.as_ref().map(|name| name.en.as_str()))
            .collect();
        assert_eq!(lanes, names, "{by:?}");
        let cards = board
            .lanes
            .iter()
            .flat_map(|lane| &lane.columns)
            .map(|column| column.cards.len());
        assert_eq!(cards.sum::<usize>(), 3, "{by:?}");
    }
    let gone = item::move_to(&lead, AT.0, AT.1, place(2, "wont_do", None, None))
        .await
        .unwrap_err();
    assert!(
        matches!(&gone, Error::Invalid(f) if f[0].field == "column"),
        "{gone:?}"
    );
}
