//! What history says about the work: burndown, flow, velocity, bugs, and how delivery goes.
//!
//! Everything here is counted from the log of changes, never from what stands in the items now, by pure functions. The
//! days are given from outside, as instants: what a day is depends on the zone of who reads.

mod bugs;
mod delivery;
mod flow;
mod iteration;
mod report;
mod stream;

pub use bugs::{BugDay, BugReport, BugTurn, bug_report, bugs_on};
pub use delivery::{Deployed, Dora, Incident, Share, dora, median, percentile};
pub use flow::{FlowDay, flow, standing_at};
pub use iteration::{
    Amount, IterationDay, IterationSpan, Member, Velocity, iteration_chart, members_at, velocity,
};
pub use report::{Fate, Outcome, Which, outcome};
pub use stream::{Facts, Journey, Landed, Stage, ValueStream, Worked, journeys, stages};

use crate::id::{EnvironmentId, IterationId};
use crate::item::{Card, Category, ItemKind};
use crate::project::Place;
use crate::text::Text;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// What the page about the flow of work shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Insights {
    /// Where.
    pub place: Place,
    /// The zone of its days, as in `Asia/Shanghai`.
    pub zone: String,
    /// Its first and its last day, as in `2026-11-21`.
    pub span: (String, String),
    /// The key of the project's items, as in `CHK`.
    pub key: String,
    /// How many items stood where.
    pub flow: Vec<FlowDay>,
    /// Bugs.
    pub bugs: BugReport,
    /// What iterations took on and got done, the oldest first.
    pub velocity: Vec<Velocity>,
}

/// Items that a number counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountedItems {
    /// Where.
    pub place: Place,
    /// What is counted.
    pub what: Text,
    /// The day, as in `2026-11-21`.
    pub day: String,
    /// The zone of the day.
    pub zone: String,
    /// The key of the project's items, as in `CHK`.
    pub key: String,
    /// How many there are in all.
    pub count: usize,
    /// The numbers of this page's, in order.
    pub items: Vec<i64>,
    /// As they are now; those that are deleted are missing.
    pub cards: Vec<Card>,
    /// Which page it is, from 1.
    pub page: usize,
    /// Whether more follow.
    pub more: bool,
}

/// What the page about delivery shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Where.
    pub place: Place,
    /// The zone of its days.
    pub zone: String,
    /// Its first and its last day.
    pub span: (String, String),
    /// How many days that is.
    pub days: i64,
    /// The four measures.
    pub dora: Dora,
}

/// One change that charts ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The number of the item in its project.
    pub item: i64,
    /// When.
    pub at: Timestamp,
    /// What happened.
    pub what: What,
}

/// What happened to an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// It was made.
    Created(ItemKind, Category),
    /// It went to a state of that category.
    Category(Category),
    /// It was planned for an iteration, or for none.
    Iteration(Option<IterationId>),
    /// Its estimate changed.
    Points(Option<i64>),
    /// Where it was found changed.
    Found(Option<EnvironmentId>),
    /// It was deleted.
    Gone,
}

/// An item at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// What kind of work.
    pub kind: ItemKind,
    /// When it was made.
    pub created_at: Timestamp,
    /// Where it stands.
    pub category: Category,
    /// The iteration it is planned for.
    pub iteration: Option<IterationId>,
    /// The estimate; 0 where there is none.
    pub points: i64,
    /// The environment it was found in.
    pub found: Option<EnvironmentId>,
    /// Whether it was deleted.
    pub gone: bool,
}

impl Held {
    /// Whether nothing more is to be done.
    pub const fn is_over(&self) -> bool {
        self.gone || self.category.is_over()
    }
}

/// A day in somebody's zone: from `from` up to and without `until`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Day {
    /// As in `2026-11-21`.
    pub name: String,
    /// Its first instant.
    pub from: Timestamp,
    /// The first instant of the next one.
    pub until: Timestamp,
}

/// The items as they are while a log is walked through.
#[derive(Debug, Default)]
pub struct Items(HashMap<i64, Held>);

impl Items {
    /// What the step makes of its item: as it was, and as it is. `None` for an item that was never made.
    pub fn take(&mut self, step: &Step) -> Option<(Option<Held>, Held)> {
        if let What::Created(kind, category) = step.what {
            let made = Held {
                kind,
                created_at: step.at,
                category,
                iteration: None,
                points: 0,
                found: None,
                gone: false,
            };
            return Some((self.0.insert(step.item, made), made));
        }
        let held = self.0.get_mut(&step.item)?;
        let before = *held;
        match step.what {
            What::Created(..) => {}
            What::Category(category) => held.category = category,
            What::Iteration(iteration) => held.iteration = iteration,
            What::Points(points) => held.points = points.unwrap_or(0),
            What::Found(found) => held.found = found,
            What::Gone => held.gone = true,
        }
        Some((Some(before), *held))
    }

    /// Each item that was made, with its number.
    pub fn iter(&self) -> impl Iterator<Item = (i64, &Held)> {
        self.0.iter().map(|(number, held)| (*number, held))
    }

    /// The items as they were just before `until`, by walking `steps` from the start.
    pub fn before(steps: &[Step], until: Timestamp) -> Self {
        let mut items = Self::default();
        for step in steps.iter().take_while(|step| step.at < until) {
            items.take(step);
        }
        items
    }
}

/// Puts steps into the order in which they happened. Steps of one instant keep theirs.
pub fn in_order(steps: &mut [Step]) {
    steps.sort_by_key(|step| step.at);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::TypedId;
    use proptest::prelude::*;

    fn iteration() -> impl Strategy<Value = Option<IterationId>> {
        proptest::option::of((1..3_u128).prop_map(|n| IterationId::from_uuid(uuid::Uuid::from_u128(n))))
    }

    fn what() -> impl Strategy<Value = What> {
        let category = || proptest::sample::select(Category::ALL);
        prop_oneof![
            2 => (proptest::sample::select(ItemKind::ALL), category()).prop_map(|(kind, at)| What::Created(kind, at)),
            4 => category().prop_map(What::Category),
            3 => iteration().prop_map(What::Iteration),
            2 => proptest::option::of(0..9_i64).prop_map(What::Points),
            1 => proptest::option::of((1..3_u128).prop_map(|n| EnvironmentId::from_uuid(uuid::Uuid::from_u128(n))))
                .prop_map(What::Found),
            1 => Just(What::Gone),
        ]
    }

    prop_compose! {
        /// A log: each item is made once, before anything else happens to it.
        pub(super) fn log()(
            steps in proptest::collection::vec((1..6_i64, 0..40_i64, what()), 0..60)
        ) -> Vec<Step> {
            let mut steps: Vec<Step> = steps
                .into_iter()
                .map(|(item, at, what)| Step { item, at: Timestamp(at), what })
                .collect();
            in_order(&mut steps);
            let mut made = std::collections::HashSet::new();
            steps.retain(|step| match step.what {
                What::Created(..) => made.insert(step.item),
                _ => made.contains(&step.item),
            });
            steps
        }
    }

    prop_compose! {
        /// Days of uneven length, as where clocks change.
        pub(super) fn days()(lengths in proptest::collection::vec(1..8_i64, 1..8), first in 0..10_i64) -> Vec<Day> {
            let mut from = first;
            lengths
                .into_iter()
                .map(|length| {
                    let day = Day {
                        name: from.to_string(),
                        from: Timestamp(from),
                        until: Timestamp(from + length),
                    };
                    from += length;
                    day
                })
                .collect()
        }
    }

    /// An item just before `until`, looked up in the log field by field: no walking, no state.
    pub(super) fn looked_up(steps: &[Step], item: i64, until: Timestamp) -> Option<Held> {
        let of: Vec<&Step> = steps.iter().filter(|s| s.item == item && s.at < until).collect();
        let (kind, first, created_at) = of.iter().find_map(|s| match s.what {
            What::Created(kind, category) => Some((kind, category, s.at)),
            _ => None,
        })?;
        let last = |pick: &dyn Fn(What) -> bool| of.iter().rev().find(|s| pick(s.what)).map(|s| s.what);
        Some(Held {
            kind,
            created_at,
            category: match last(&|w| matches!(w, What::Category(_))) {
                Some(What::Category(category)) => category,
                _ => first,
            },
            iteration: match last(&|w| matches!(w, What::Iteration(_))) {
                Some(What::Iteration(iteration)) => iteration,
                _ => None,
            },
            points: match last(&|w| matches!(w, What::Points(_))) {
                Some(What::Points(points)) => points.unwrap_or(0),
                _ => 0,
            },
            found: match last(&|w| matches!(w, What::Found(_))) {
                Some(What::Found(found)) => found,
                _ => None,
            },
            gone: of.iter().any(|s| s.what == What::Gone),
        })
    }

    pub(super) fn all_at(steps: &[Step], until: Timestamp) -> Vec<(i64, Held)> {
        (1..6)
            .filter_map(|item| looked_up(steps, item, until).map(|held| (item, held)))
            .collect()
    }

    proptest! {
        #[test]
        fn walking_the_log_is_looking_each_item_up(steps in log(), until in 0..45_i64) {
            let until = Timestamp(until);
            let items = Items::before(&steps, until);
            let mut walked: Vec<(i64, Held)> = items.iter().map(|(n, held)| (n, *held)).collect();
            walked.sort_by_key(|(n, _)| *n);
            prop_assert_eq!(walked, all_at(&steps, until));
        }
    }
}
