//! Cumulative flow: how many items stood where, day by day.

use super::{Day, Items, Step};
use crate::item::Category;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// How many items stood where at the end of a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowDay {
    /// The day.
    pub day: String,
    /// By category, in the order of [`Category::ALL`].
    pub counts: [i64; 5],
}

const fn place(category: Category) -> usize {
    match category {
        Category::Todo => 0,
        Category::InProgress => 1,
        Category::InTest => 2,
        Category::Done => 3,
        Category::WontDo => 4,
    }
}

/// How many items stood where at the end of each of `days`; of one that is not over at `now`, up to now; none of days
/// to come. `steps` are in order.
pub fn flow(steps: &[Step], days: &[Day], now: Timestamp) -> Vec<FlowDay> {
    let mut items = Items::default();
    let mut counts = [0_i64; 5];
    let mut at = steps.iter().peekable();
    let mut flow = Vec::with_capacity(days.len());
    for day in days.iter().take_while(|day| day.from <= now) {
        while let Some(step) = at.next_if(|step| step.at < day.until && step.at <= now) {
            if let Some((before, after)) = items.take(step) {
                if let Some(before) = before.filter(|before| !before.gone) {
                    counts[place(before.category)] -= 1;
                }
                if !after.gone {
                    counts[place(after.category)] += 1;
                }
            }
        }
        flow.push(FlowDay {
            day: day.name.clone(),
            counts,
        });
    }
    flow
}

/// The numbers of the items that [`flow`] counts in `category` just before `until`, in order.
pub fn standing_at(steps: &[Step], category: Category, until: Timestamp) -> Vec<i64> {
    let items = Items::before(steps, until);
    let mut found: Vec<i64> = items
        .iter()
        .filter(|(_, held)| held.category == category && !held.gone)
        .map(|(number, _)| number)
        .collect();
    found.sort_unstable();
    found
}

#[cfg(test)]
mod tests {
    use super::super::tests::{all_at, days, log};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn cumulative_flow_is_a_recount_at_the_end_of_each_day(steps in log(), days in days(), now in 0..45_i64) {
            let now = Timestamp(now);
            let flow = flow(&steps, &days, now);
            prop_assert_eq!(flow.len(), days.iter().filter(|day| day.from <= now).count());
            for (day, shown) in days.iter().zip(&flow) {
                let all = all_at(&steps, day.until.min(now.plus(1)));
                for (index, category) in Category::ALL.iter().enumerate() {
                    let count = all.iter().filter(|(_, held)| held.category == *category && !held.gone).count();
                    prop_assert_eq!(usize::try_from(shown.counts[index]).unwrap(), count);
                    let named = standing_at(&steps, *category, day.until.min(now.plus(1)));
                    prop_assert_eq!(named.len(), count);
                    prop_assert!(named.iter().all(|item| all.iter().any(|(n, held)| n == item && held.category == *category)));
                }
            }
        }
    }
}
