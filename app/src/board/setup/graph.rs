//! A workflow as a picture: its states by what they count as, its transitions as arrows. The picture is for the eye; the
//! table below it says the same.

use crate::i18n::say;
use leptos::prelude::*;
use slipway_domain::item::{Category, ItemState, StateKey, Workflow};
use std::cmp::Ordering;

const WIDE: i32 = 136;
const HIGH: i32 = 36;
/// From one column, and from one row, to the next.
const ACROSS: i32 = 200;
const DOWN: i32 = 76;
const EDGE: i32 = 24;

/// Where a state is drawn: its left upper corner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Spot {
    x: i32,
    y: i32,
}

fn spots(flow: &Workflow) -> Vec<(&ItemState, Spot)> {
    let used: Vec<Category> = Category::ALL
        .iter()
        .copied()
        .filter(|category| flow.states.iter().any(|state| state.category() == *category))
        .collect();
    let mut rows = vec![0; used.len()];
    flow.states
        .iter()
        .map(|state| {
            let column = used.iter().position(|one| *one == state.category()).unwrap_or(0);
            let row = rows[column];
            rows[column] += 1;
            let x = EDGE + i32::try_from(column).unwrap_or(0) * ACROSS;
            (
                state,
                Spot {
                    x,
                    y: EDGE + row * DOWN,
                },
            )
        })
        .collect()
}

/// The arrow from one state to another: to the right out of the right side, to the left along the bottom, within a
/// column around its left side.
fn arrow(from: Spot, to: Spot) -> String {
    let (middle, half) = (HIGH / 2, WIDE / 2);
    match from.x.cmp(&to.x) {
        Ordering::Less => {
            let (x1, y1, x2, y2) = (from.x + WIDE, from.y + middle - 5, to.x - 2, to.y + middle - 5);
            let bend = (x2 - x1) / 2;
            format!("M{x1} {y1} C{} {y1} {} {y2} {x2} {y2}", x1 + bend, x2 - bend)
        }
        Ordering::Greater => {
            let (x1, y1, x2, y2) = (from.x + half, from.y + HIGH, to.x + half + 12, to.y + HIGH + 2);
            let low = y1.max(y2) + 22;
            format!("M{x1} {y1} C{x1} {low} {x2} {low} {x2} {y2}")
        }
        Ordering::Equal => {
            let down = from.y < to.y;
            let (x1, y1) = (from.x, from.y + middle + if down { 6 } else { -6 });
            let (x2, y2) = (to.x - 2, to.y + middle + if down { -6 } else { 6 });
            let left = x1 - if down { 18 } else { 24 };
            format!("M{x1} {y1} C{left} {y1} {left} {y2} {x2} {y2}")
        }
    }
}

/// The picture.
pub fn graph(flow: &Workflow, caption: String) -> AnyView {
    let spots = spots(flow);
    let at = |key: &StateKey| {
        spots
            .iter()
            .find(|(state, _)| state.state_key() == key)
            .map(|(_, spot)| *spot)
    };
    let arrows = flow
        .transitions
        .iter()
        .filter_map(|way| {
            let path = arrow(at(&way.from)?, at(&way.to)?);
            let class = if way.roles.is_empty() && way.fields.is_empty() {
                "way"
            } else {
                "way asks"
            };
            Some(view! { <path class=class d=path marker-end="url(#flow-head)"></path> })
        })
        .collect::<Vec<_>>();
    let states = spots
        .iter()
        .map(|(state, spot)| {
            let class = format!("flow-state k-{}", state.color().key());
            let shape = view! { <rect class=class x=spot.x y=spot.y width=WIDE height=HIGH rx="8"></rect> };
            let name = view! {
                <text x={spot.x + WIDE / 2} y={spot.y + HIGH / 2 + 5} text-anchor="middle">{short(&say(&state.text()))}</text>
            };
            view! { <g>{shape}{name}</g> }
        })
        .collect::<Vec<_>>();
    let width = spots
        .iter()
        .map(|(_, spot)| spot.x + WIDE + EDGE)
        .max()
        .unwrap_or(ACROSS);
    let height = spots
        .iter()
        .map(|(_, spot)| spot.y + HIGH + 2 * EDGE)
        .max()
        .unwrap_or(DOWN);
    view! {
        <div class="flow-graph" tabindex="0" role="img" aria-label=caption>
            <svg viewBox=format!("0 0 {width} {height}") width=width height=height aria-hidden="true">
                <defs>
                    <marker id="flow-head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
                        <path class="flow-head" d="M0 0 L8 4 L0 8 z"></path>
                    </marker>
                </defs>
                {arrows}
                {states}
            </svg>
        </div>
    }
    .into_any()
}

/// As much of a name as fits into its box: a wide letter takes the place of two.
fn short(name: &str) -> String {
    let mut room = 17;
    let mut text = String::new();
    for letter in name.chars() {
        room -= if u32::from(letter) < 0x2e80 { 1 } else { 2 };
        if room < 0 {
            text.push('…');
            break;
        }
        text.push(letter);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use slipway_domain::item::ItemKind;

    #[test]
    fn no_two_states_are_drawn_over_each_other() {
        for kind in ItemKind::ALL {
            let flow = kind.default_workflow();
            let spots = spots(&flow);
            for (at, (_, one)) in spots.iter().enumerate() {
                assert!(
                    spots[..at].iter().all(|(_, other)| one != other),
                    "{}",
                    kind.key()
                );
            }
            assert_eq!(spots.len(), flow.states.len());
        }
    }

    #[test]
    fn a_long_name_is_cut_where_its_box_ends() {
        assert_eq!(short("In progress"), "In progress");
        assert_eq!(short("Waiting for the customer"), "Waiting for the c…");
        assert_eq!(short("等待客户确认中的事项"), "等待客户确认中的…");
    }
}
