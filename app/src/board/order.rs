//! Where cards stand on the board, as pure functions: the page moves a card with them before the server
//! has answered.

#![cfg_attr(
    not(feature = "hydrate"),
    expect(dead_code, reason = "only a browser moves cards by itself")
)]

use slipway_domain::board::ColumnKey;
use slipway_domain::id::ItemId;
use slipway_domain::item::{BoardColumn, BoardLane};

/// A place on the board: a column and how many cards stand above.
pub type Spot = (ColumnKey, usize);

/// A way that an arrow key points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To the column before.
    Left,
    /// To the column after.
    Right,
    /// Up by one card.
    Up,
    /// Down by one card.
    Down,
}

/// Where a card stands.
pub fn spot(columns: &[BoardColumn], id: ItemId) -> Option<Spot> {
    columns.iter().find_map(|column| {
        let index = column.cards.iter().position(|card| card.id == id)?;
        Some((column.key.clone(), index))
    })
}

/// The lane that a card is in.
pub fn lane_of(lanes: &[BoardLane], id: ItemId) -> Option<&BoardLane> {
    lanes.iter().find(|lane| spot(&lane.columns, id).is_some())
}

/// The lanes after the card has gone to `to` in its own one. What a column holds is counted over all lanes.
pub fn placed(lanes: &[BoardLane], id: ItemId, to: &Spot) -> Vec<BoardLane> {
    let from = lane_of(lanes, id).and_then(|lane| spot(&lane.columns, id));
    let mut lanes = lanes.to_vec();
    for lane in &mut lanes {
        if spot(&lane.columns, id).is_some() {
            lane.columns = moved(&lane.columns, id, to);
        }
        for column in &mut lane.columns {
            column.count += i64::from(column.key == to.0)
                - i64::from(from.as_ref().is_some_and(|from| column.key == from.0));
        }
    }
    lanes
}

/// The board after the card has gone to `to`, counted without it; past the end means last.
pub fn moved(columns: &[BoardColumn], id: ItemId, to: &Spot) -> Vec<BoardColumn> {
    let mut columns = columns.to_vec();
    let mut taken = None;
    for column in &mut columns {
        if let Some(index) = column.cards.iter().position(|card| card.id == id) {
            taken = Some(column.cards.remove(index));
        }
    }
    if let (Some(card), Some(column)) = (taken, columns.iter_mut().find(|column| column.key == to.0)) {
        let index = to.1.min(column.cards.len());
        column.cards.insert(index, card);
    }
    columns
}

/// The cards above and below a card, in its column.
pub fn neighbors(columns: &[BoardColumn], id: ItemId) -> (Option<ItemId>, Option<ItemId>) {
    let Some((key, index)) = spot(columns, id) else {
        return (None, None);
    };
    let cards = columns
        .iter()
        .find(|column| column.key == key)
        .map(|column| column.cards.as_slice());
    let at = |index: Option<usize>| index.and_then(|index| cards?.get(index)).map(|card| card.id);
    (at(index.checked_sub(1)), at(index.checked_add(1)))
}

/// Where an arrow key leads from `from`, counted without the card itself. At an edge it stays.
pub fn step(columns: &[BoardColumn], from: &Spot, way: Way) -> Spot {
    let (key, index) = (&from.0, from.1);
    let place = columns.iter().position(|column| column.key == *key).unwrap_or(0);
    let to = match way {
        Way::Up => return (key.clone(), index.saturating_sub(1)),
        Way::Down => return (key.clone(), index + 1),
        Way::Left => place.saturating_sub(1),
        Way::Right => (place + 1).min(columns.len().saturating_sub(1)),
    };
    columns.get(to).map_or_else(
        || from.clone(),
        |column| (column.key.clone(), index.min(column.cards.len())),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use slipway_domain::id::TypedId;
    use slipway_domain::item::{Card, Category, ItemKind, ItemState, Priority, StateKey};

    fn card(n: u128) -> Card {
        Card {
            id: ItemId::from_uuid(uuid::Uuid::from_u128(n)),
            key: format!("CHK-{n}"),
            kind: ItemKind::Task,
            title: String::new(),
            state: ItemState::known(StateKey::PENDING),
            priority: Priority::Normal,
            severity: None,
            assignee: None,
            points: None,
            labels: slipway_domain::item::Labels::default(),
            starts_on: None,
            due_on: None,
            version: 1,
        }
    }

    fn board(todo: &[u128], doing: &[u128]) -> Vec<BoardColumn> {
        let column = |category: Category, cards: &[u128]| BoardColumn {
            key: category.into(),
            name: category.text(),
            category,
            limit: None,
            count: i64::try_from(cards.len()).unwrap(),
            adds: false,
            cards: cards.iter().map(|n| card(*n)).collect(),
        };
        vec![column(Category::Todo, todo), column(Category::InProgress, doing)]
    }

    fn id(n: u128) -> ItemId {
        card(n).id
    }

    fn at(category: Category, index: usize) -> Spot {
        (category.into(), index)
    }

    fn cards(columns: &[BoardColumn]) -> Vec<Vec<ItemId>> {
        columns
            .iter()
            .map(|column| column.cards.iter().map(|card| card.id).collect())
            .collect()
    }

    #[test]
    fn a_card_that_moves_stands_in_one_place_only() {
        let before = board(&[1, 2, 3], &[4]);
        for (card, to, todo, doing) in [
            (2, at(Category::InProgress, 0), vec![1, 3], vec![2, 4]),
            (2, at(Category::InProgress, 9), vec![1, 3], vec![4, 2]),
            (1, at(Category::Todo, 2), vec![2, 3, 1], vec![4]),
        ] {
            assert_eq!(
                cards(&moved(&before, id(card), &to)),
                cards(&board(&todo, &doing))
            );
        }
    }

    #[test]
    fn neighbors_are_of_the_same_column() {
        let board = board(&[1, 2, 3], &[4]);
        assert_eq!(neighbors(&board, id(2)), (Some(id(1)), Some(id(3))));
        assert_eq!(neighbors(&board, id(4)), (None, None));
    }

    #[test]
    fn arrows_stop_at_the_edges_of_the_board() {
        let board = board(&[1, 2, 3], &[4]);
        let (todo, doing) = (|n| at(Category::Todo, n), |n| at(Category::InProgress, n));
        assert_eq!(step(&board, &todo(0), Way::Up), todo(0));
        assert_eq!(step(&board, &todo(2), Way::Left), todo(2));
        assert_eq!(step(&board, &todo(2), Way::Right), doing(1));
        assert_eq!(step(&board, &doing(0), Way::Right), doing(0));
    }

    #[test]
    fn a_card_stays_in_its_lane_and_counts_in_every_one() {
        let lane = |todo: &[u128]| BoardLane {
            name: None,
            columns: board(todo, &[]),
        };
        let mut lanes = vec![lane(&[1, 2]), lane(&[3])];
        for lane in &mut lanes {
            lane.columns[0].count = 3;
        }
        let after = placed(&lanes, id(3), &at(Category::InProgress, 0));
        assert_eq!(cards(&after[0].columns), cards(&lanes[0].columns));
        assert_eq!(cards(&after[1].columns), vec![vec![], vec![id(3)]]);
        for lane in &after {
            assert_eq!(
                lane.columns.iter().map(|column| column.count).collect::<Vec<_>>(),
                [2, 1]
            );
        }
    }
}
