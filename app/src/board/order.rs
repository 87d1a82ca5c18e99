//! Where cards stand on the board, as pure functions: the page moves a card with them before the server
//! has answered.

#![cfg_attr(
    not(feature = "hydrate"),
    expect(dead_code, reason = "only a browser moves cards by itself")
)]

use slipway_domain::id::ItemId;
use slipway_domain::item::{BoardColumn, Category};

/// A place on the board: a column and how many cards stand above.
pub type Spot = (Category, usize);

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
        Some((column.category, index))
    })
}

/// The board after the card has gone to `to`, counted without it; past the end means last.
pub fn moved(columns: &[BoardColumn], id: ItemId, to: Spot) -> Vec<BoardColumn> {
    let mut columns = columns.to_vec();
    let mut taken = None;
    for column in &mut columns {
        if let Some(index) = column.cards.iter().position(|card| card.id == id) {
            taken = Some(column.cards.remove(index));
        }
    }
    if let (Some(card), Some(column)) = (taken, columns.iter_mut().find(|column| column.category == to.0)) {
        let index = to.1.min(column.cards.len());
        column.cards.insert(index, card);
    }
    columns
}

/// The cards above and below a card, in its column.
pub fn neighbors(columns: &[BoardColumn], id: ItemId) -> (Option<ItemId>, Option<ItemId>) {
    let Some((category, index)) = spot(columns, id) else {
        return (None, None);
    };
    let cards = columns
        .iter()
        .find(|column| column.category == category)
        .map(|column| column.cards.as_slice());
    let at = |index: Option<usize>| index.and_then(|index| cards?.get(index)).map(|card| card.id);
    (at(index.checked_sub(1)), at(index.checked_add(1)))
}

/// Where an arrow key leads from `from`, counted without the card itself. At an edge it stays.
pub fn step(columns: &[BoardColumn], from: Spot, way: Way) -> Spot {
    let (category, index) = from;
    let place = columns
        .iter()
        .position(|column| column.category == category)
        .unwrap_or(0);
    let to = match way {
        Way::Up => return (category, index.saturating_sub(1)),
        Way::Down => return (category, index + 1),
        Way::Left => place.saturating_sub(1),
        Way::Right => (place + 1).min(columns.len().saturating_sub(1)),
    };
    columns
        .get(to)
        .map_or(from, |column| (column.category, index.min(column.cards.len())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use slipway_domain::id::TypedId;
    use slipway_domain::item::{Card, ItemKind, ItemState, Priority};

    fn card(n: u128) -> Card {
        Card {
            id: ItemId::from_uuid(uuid::Uuid::from_u128(n)),
            key: format!("CHK-{n}"),
            kind: ItemKind::Task,
            title: String::new(),
            state: ItemState::Pending,
            priority: Priority::Normal,
            severity: None,
            assignee: None,
            points: None,
            labels: slipway_domain::item::Labels::default(),
            due_on: None,
            version: 1,
        }
    }

    fn board(todo: &[u128], doing: &[u128]) -> Vec<BoardColumn> {
        let column = |category, cards: &[u128]| BoardColumn {
            category,
            cards: cards.iter().map(|n| card(*n)).collect(),
        };
        vec![column(Category::Todo, todo), column(Category::InProgress, doing)]
    }

    fn id(n: u128) -> ItemId {
        card(n).id
    }

    #[test]
    fn a_card_that_moves_stands_in_one_place_only() {
        let before = board(&[1, 2, 3], &[4]);
        assert_eq!(
            moved(&before, id(2), (Category::InProgress, 0)),
            board(&[1, 3], &[2, 4])
        );
        assert_eq!(
            moved(&before, id(2), (Category::InProgress, 9)),
            board(&[1, 3], &[4, 2])
        );
        assert_eq!(
            moved(&before, id(1), (Category::Todo, 2)),
            board(&[2, 3, 1], &[4])
        );
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
        assert_eq!(step(&board, (Category::Todo, 0), Way::Up), (Category::Todo, 0));
        assert_eq!(step(&board, (Category::Todo, 2), Way::Left), (Category::Todo, 2));
        assert_eq!(
            step(&board, (Category::Todo, 2), Way::Right),
            (Category::InProgress, 1)
        );
        assert_eq!(
            step(&board, (Category::InProgress, 0), Way::Right),
            (Category::InProgress, 0)
        );
    }
}
