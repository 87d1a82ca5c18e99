//! The board of the iteration that runs.

use crate::access::{self, may};
use crate::context::OpCtx;
use crate::error::Result;
use slipway_domain::access::Action;
use slipway_domain::board::{BoardSetup, ColumnSetup};
use slipway_domain::id::ItemId;
use slipway_domain::item::{
    BoardColumn, BoardFilter, BoardLane, BoardView, Card, CardWays, Category, ItemKind, LaneBy, Priority,
    StateKey,
};
use slipway_domain::person::PersonRef;
use slipway_domain::table::{SavedView, ViewPage};
use slipway_domain::text::Text;
use std::collections::HashMap;

/// What the board of the running iteration shows; without one, the items that are planned for none.
///
/// # Errors
/// As [`access::project`].
pub async fn board(ctx: &OpCtx, org: &str, project: &str) -> Result<BoardView> {
    board_of(ctx, org, project, BoardAsked::default()).await
}

/// What of the board is asked for.
#[derive(Clone, Debug, Default)]
pub struct BoardAsked {
    /// Which cards.
    pub filter: BoardFilter,
    /// In which lanes.
    pub lanes_by: Option<LaneBy>,
    /// Where neither is asked for: whether as the default view has it.
    pub by_default: bool,
}

/// As [`board`], with the cards that the filter shows, in lanes. Points are those of the cards that are shown.
///
/// # Errors
/// As [`access::project`].
pub async fn board_of(ctx: &OpCtx, org: &str, project: &str, asked: BoardAsked) -> Result<BoardView> {
    let project = access::project::<may::SeeBoards>(ctx, org, project).await?.see();
    let held = ctx.rights().await?.in_project(&project);
    let mut tx = ctx.read().await?;
    let iteration = tx.running_iteration(&project).await?;
    let id = iteration.as_ref().map(|iteration| iteration.id);
    let (setup, _) = tx.board_setup(&project).await?;
    let views = crate::table::views_of(ctx, &project, &mut *tx, Some(ViewPage::Board)).await?;
    let BoardAsked {
        mut filter,
        mut lanes_by,
        by_default,
    } = asked;
    if let Some(view) =
        SavedView::default_of(&views).filter(|_| by_default && filter.is_empty() && lanes_by.is_none())
    {
        (filter, lanes_by) = BoardFilter::read(&view.query);
    }
    let mut cards = tx.cards(&project, id).await?;
    let named: HashMap<ItemId, String> = match lanes_by {
        Some(by @ (LaneBy::Epic | LaneBy::App)) => {
            tx.card_lanes(&project, id, by).await?.into_iter().collect()
        }
        _ => HashMap::new(),
    };
    drop(tx);
    let people = people(&cards);
    let may_create = held.has(Action::ItemCreate);
    let columns = columns(&setup, may_create, &cards);
    let ways = ways(&setup, &columns, &cards);
    if !filter.is_empty() {
        cards.retain(|card| filter.shows(card));
    }
    let sum = |done: bool| {
        cards
            .iter()
            .filter(|c| !done || c.state.category() == Category::Done)
            .filter_map(|c| c.points)
            .sum::<i64>()
    };
    let points = (sum(true), sum(false));
    let setups = setup.columns();
    let (columns, lanes) = match lanes_by {
        None => (filled(columns, &setups, cards), Vec::new()),
        Some(by) => {
            let lanes = lanes(by, cards, &named);
            let lanes = lanes
                .into_iter()
                .map(|(name, cards)| BoardLane {
                    name,
                    columns: filled(columns.clone(), &setups, cards),
                })
                .collect();
            (columns, lanes)
        }
    };
    Ok(BoardView {
        place: project.place(),
        iteration,
        columns,
        lanes_by,
        lanes,
        ways,
        today: crate::table::day_of(ctx.now()),
        filter,
        people,
        points,
        may_create,
        may_edit: held.has(Action::ItemEdit),
        may_plan: held.has(Action::IterationEdit),
        may_set_up: held.has(Action::BoardEdit),
        views,
    })
}

/// Who does any of the cards, by name.
fn people(cards: &[Card]) -> Vec<PersonRef> {
    let mut people: Vec<PersonRef> = Vec::new();
    for person in cards.iter().filter_map(|card| card.assignee.as_ref()) {
        if people.iter().all(|known| known.id != person.id) {
            people.push(person.clone());
        }
    }
    people.sort_by(|one, other| one.name.cmp(&other.name));
    people
}

/// The columns without their cards.
fn columns(setup: &BoardSetup, may_create: bool, cards: &[Card]) -> Vec<BoardColumn> {
    let setups = setup.columns();
    let adds = |column: &ColumnSetup| {
        may_create
            && !column.category.is_over()
            && [ItemKind::Task, ItemKind::Requirement, ItemKind::Bug]
                .into_iter()
                .any(|kind| {
                    setup
                        .into_column(kind, &setup.flow(kind).first(), &column.key)
                        .is_some()
                })
    };
    let mut columns: Vec<BoardColumn> = setups
        .iter()
        .map(|column| BoardColumn {
            key: column.key.clone(),
            name: column.name.clone(),
            category: column.category,
            limit: column.limit,
            count: 0,
            adds: adds(column),
            cards: Vec::new(),
        })
        .collect();
    for card in cards {
        if let Some(at) = place(&setups, card) {
            columns[at].count += 1;
        }
    }
    columns
}

/// Which column a card stands in.
fn place(setups: &[ColumnSetup], card: &Card) -> Option<usize> {
    let column = BoardSetup::column_of(setups, &card.state)?;
    setups.iter().position(|one| one.key == column.key)
}

fn filled(mut columns: Vec<BoardColumn>, setups: &[ColumnSetup], cards: Vec<Card>) -> Vec<BoardColumn> {
    for card in cards {
        if let Some(at) = place(setups, &card) {
            columns[at].cards.push(card);
        }
    }
    columns
}

/// Where cards as these can go.
fn ways(setup: &BoardSetup, columns: &[BoardColumn], cards: &[Card]) -> Vec<CardWays> {
    let mut ways: Vec<CardWays> = Vec::new();
    for card in cards {
        let known = |way: &CardWays| way.kind == card.kind && way.state == *card.state.state_key();
        if ways.iter().any(known) {
            continue;
        }
        let leads = |column: &&BoardColumn| {
            setup
                .into_column(card.kind, &card.state, &column.key)
                .is_some_and(|(_, way)| way.is_some())
        };
        ways.push(CardWays {
            kind: card.kind,
            state: StateKey::clone(card.state.state_key()),
            columns: columns
                .iter()
                .filter(leads)
                .map(|column| column.key.clone())
                .collect(),
        });
    }
    ways
}

/// The cards by lane, those in none at the end.
fn lanes(by: LaneBy, cards: Vec<Card>, named: &HashMap<ItemId, String>) -> Vec<(Option<Text>, Vec<Card>)> {
    let mut lanes: Vec<(Option<Text>, Vec<Card>)> = Vec::new();
    for card in cards {
        let name = match by {
            LaneBy::Assignee => card
                .assignee
                .as_ref()
                .map(|person| Text::verbatim(person.name.clone())),
            LaneBy::Priority => Some(card.priority.text()),
            LaneBy::Epic | LaneBy::App => named.get(&card.id).cloned().map(Text::verbatim),
        };
        match lanes.iter_mut().find(|(known, _)| *known == name) {
            Some((_, cards)) => cards.push(card),
            None => lanes.push((name, vec![card])),
        }
    }
    let urgency = |name: &Option<Text>| Priority::ALL.iter().position(|one| Some(one.text()) == *name);
    match by {
        LaneBy::Priority => lanes.sort_by_key(|(name, _)| urgency(name)),
        _ => lanes.sort_by_cached_key(|(name, _)| {
            name.as_ref()
                .map_or((true, String::new()), |name| (false, name.en.clone()))
        }),
    }
    if lanes.is_empty() {
        lanes.push((None, Vec::new()));
    }
    lanes
}
