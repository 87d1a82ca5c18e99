//! Burndown, burnup and velocity of iterations.

use super::{Day, Held, Items, Step};
use crate::id::IterationId;
use crate::item::Category;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// How much work: items, and the points of those that are estimated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    /// Items.
    pub items: i64,
    /// Points.
    pub points: i64,
}

impl Amount {
    const fn with(self, points: i64, sign: i64) -> Self {
        Self {
            items: self.items + sign,
            points: self.points + sign * points,
        }
    }

    /// What is left of it without `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self {
            items: self.items - other.items,
            points: self.points - other.points,
        }
    }
}

/// An iteration at the end of a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IterationDay {
    /// The day.
    pub day: String,
    /// What is planned, without what will not be done.
    pub scope: Amount,
    /// What of it is done.
    pub done: Amount,
    /// What came in on that day.
    pub added: Amount,
    /// What went out.
    pub removed: Amount,
}

impl IterationDay {
    /// What is still to do.
    pub const fn left(&self) -> Amount {
        self.scope.without(self.done)
    }
}

/// Whether the item is work of the iteration, and whether that is done.
pub(super) fn part(held: &Held, iteration: IterationId) -> (bool, bool) {
    let planned = held.iteration == Some(iteration) && held.category != Category::WontDo && !held.gone;
    (planned, planned && held.category == Category::Done)
}

/// The iteration at the end of each of `days`; of one that is not over at `now`, up to now; none of days to come. What
/// changed before the first day counts as planned from the start. `steps` are in order.
pub fn iteration_chart(
    steps: &[Step],
    iteration: IterationId,
    days: &[Day],
    now: Timestamp,
) -> Vec<IterationDay> {
    let mut items = Items::default();
    let (mut scope, mut done) = (Amount::default(), Amount::default());
    let mut at = steps.iter().peekable();
    let mut chart = Vec::with_capacity(days.len());
    for day in days.iter().take_while(|day| day.from <= now) {
        let (mut added, mut removed) = (Amount::default(), Amount::default());
        while let Some(step) = at.next_if(|step| step.at < day.until && step.at <= now) {
            let Some((before, after)) = items.take(step) else {
                continue;
            };
            let (was, was_done) = before.map_or((false, false), |before| part(&before, iteration));
            let (is, is_done) = part(&after, iteration);
            let had = before.map_or(0, |before| before.points);
            if was {
                scope = scope.with(had, -1);
            }
            if was_done {
                done = done.with(had, -1);
            }
            if is {
                scope = scope.with(after.points, 1);
            }
            if is_done {
                done = done.with(after.points, 1);
            }
            if step.at >= day.from && was != is {
                if is {
                    added = added.with(after.points, 1);
                } else {
                    removed = removed.with(had, 1);
                }
            }
        }
        chart.push(IterationDay {
            day: day.name.clone(),
            scope,
            done,
            added,
            removed,
        });
    }
    chart
}

/// An item of an iteration at some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its number in the project.
    pub item: i64,
    /// Its estimate.
    pub points: i64,
    /// Whether it was done.
    pub done: bool,
}

/// The items that [`iteration_chart`] counts just before `until`, by number.
pub fn members_at(steps: &[Step], iteration: IterationId, until: Timestamp) -> Vec<Member> {
    let items = Items::before(steps, until);
    let mut members: Vec<Member> = items
        .iter()
        .filter_map(|(item, held)| {
            let (planned, done) = part(held, iteration);
            planned.then_some(Member {
                item,
                points: held.points,
                done,
            })
        })
        .collect();
    members.sort_by_key(|member| member.item);
    members
}

/// When an iteration ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IterationSpan {
    /// Which.
    pub id: IterationId,
    /// Its number in the project.
    pub number: i64,
    /// For people.
    pub name: String,
    /// When it was started.
    pub started_at: Timestamp,
    /// When it was closed; `None`: it runs.
    pub closed_at: Option<Timestamp>,
}

/// How much an iteration took on, and how much of what it held at its end was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Velocity {
    /// The iteration.
    pub iteration: IterationSpan,
    /// Planned when it was started.
    pub committed: Amount,
    /// Done when it was closed, or by now.
    pub done: Amount,
}

/// The velocity of each of `iterations`, in their order. `steps` are in order. What is moved to the next iteration in
/// the instant of closing was there until then.
pub fn velocity(steps: &[Step], iterations: &[IterationSpan], now: Timestamp) -> Vec<Velocity> {
    // One walk for all: at each boundary, the iteration's items are counted from running sums.
    let mut sums = vec![(Amount::default(), Amount::default()); iterations.len()];
    let index = |id: Option<IterationId>| id.and_then(|id| iterations.iter().position(|one| one.id == id));
    let mut ends: Vec<(Timestamp, usize, bool)> = Vec::with_capacity(iterations.len() * 2);
    for (at, one) in iterations.iter().enumerate() {
        ends.push((one.started_at.plus(1), at, true));
        ends.push((one.closed_at.unwrap_or(now.plus(1)), at, false));
    }
    ends.sort_unstable();
    let mut velocity: Vec<Velocity> = iterations
        .iter()
        .map(|one| Velocity {
            iteration: one.clone(),
            committed: Amount::default(),
            done: Amount::default(),
        })
        .collect();
    let mut items = Items::default();
    let mut walk = steps.iter().peekable();
    for (until, at, starts) in ends {
        while let Some(step) = walk.next_if(|step| step.at < until) {
            let Some((before, after)) = items.take(step) else {
                continue;
            };
            for (held, sign) in before.iter().map(|before| (before, -1)).chain([(&after, 1)]) {
                if let Some(of) = index(held.iteration) {
                    let (planned, done) = part(held, iterations[of].id);
                    if planned {
                        sums[of].0 = sums[of].0.with(held.points, sign);
                    }
                    if done {
                        sums[of].1 = sums[of].1.with(held.points, sign);
                    }
                }
            }
        }
        if starts {
            velocity[at].committed = sums[at].0;
        } else {
            velocity[at].done = sums[at].1;
        }
    }
    velocity
}

#[cfg(test)]
mod tests {
    use super::super::tests::{all_at, days, log};
    use super::*;
    use crate::id::TypedId;
    use proptest::prelude::*;

    fn which(n: u128) -> IterationId {
        IterationId::from_uuid(uuid::Uuid::from_u128(n))
    }

    /// Scope and done, counted anew.
    fn counted(steps: &[Step], iteration: IterationId, until: Timestamp) -> (Amount, Amount) {
        let all = all_at(steps, until);
        let sum = |done: bool| {
            let of = all.iter().filter(|(_, held)| {
                held.iteration == Some(iteration)
                    && !held.gone
                    && if done {
                        held.category == Category::Done
                    } else {
                        held.category != Category::WontDo
                    }
            });
            of.fold(Amount::default(), |sum, (_, held)| Amount {
                items: sum.items + 1,
                points: sum.points + held.points,
            })
        };
        (sum(false), sum(true))
    }

    proptest! {
        #[test]
        fn burndown_is_a_recount_at_the_end_of_each_day(steps in log(), days in days(), now in 0..45_i64) {
            let now = Timestamp(now);
            let chart = iteration_chart(&steps, which(1), &days, now);
            prop_assert_eq!(chart.len(), days.iter().filter(|day| day.from <= now).count());
            for (day, shown) in days.iter().zip(&chart) {
                let until = day.until.min(now.plus(1));
                let (scope, done) = counted(&steps, which(1), until);
                prop_assert_eq!((shown.scope, shown.done), (scope, done));
                prop_assert_eq!(shown.left().items, scope.items - done.items);
                let members = members_at(&steps, which(1), until);
                prop_assert_eq!(i64::try_from(members.len()).unwrap(), scope.items);
                prop_assert_eq!(members.iter().map(|m| m.points).sum::<i64>(), scope.points);
                prop_assert_eq!(members.iter().filter(|m| m.done).map(|m| m.points).sum::<i64>(), done.points);
            }
        }

        #[test]
        fn what_came_in_and_went_out_explains_the_scope(steps in log(), days in days()) {
            let chart = iteration_chart(&steps, which(1), &days, Timestamp(100));
            for (day, pair) in days.iter().skip(1).zip(chart.windows(2)) {
                let change = pair[1].scope.items - pair[0].scope.items;
                prop_assert_eq!(change, pair[1].added.items - pair[1].removed.items, "on {}", day.name);
            }
        }

        #[test]
        fn velocity_is_a_recount_at_both_edges_of_each_iteration(
            steps in log(),
            edges in proptest::collection::vec((0..30_i64, proptest::option::of(0..15_i64)), 2),
            now in 30..50_i64,
        ) {
            let now = Timestamp(now);
            let iterations: Vec<IterationSpan> = edges
                .iter()
                .zip(1_u32..)
                .map(|((from, length), n)| IterationSpan {
                    id: which(u128::from(n)),
                    number: i64::from(n),
                    name: n.to_string(),
                    started_at: Timestamp(*from),
                    closed_at: length.map(|length| Timestamp(from + length)),
                })
                .collect();
            for shown in velocity(&steps, &iterations, now) {
                let (started, closed) = (shown.iteration.started_at, shown.iteration.closed_at);
                let id = shown.iteration.id;
                prop_assert_eq!(shown.committed, counted(&steps, id, started.plus(1)).0);
                prop_assert_eq!(shown.done, counted(&steps, id, closed.unwrap_or(now.plus(1))).1);
            }
        }
    }
}
