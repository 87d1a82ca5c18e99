//! Bugs: how many come and go, how old the open ones are, how many come back, and how many escape.

use super::{Day, Held, Items, Step};
use crate::id::EnvironmentId;
use crate::item::ItemKind;
use crate::time::{DAY, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The bugs of a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BugDay {
    /// The day.
    pub day: String,
    /// Reported on it.
    pub reported: i64,
    /// Closed on it, for whichever reason; one that is closed twice counts twice.
    pub closed: i64,
    /// Opened again on it.
    pub reopened: i64,
    /// Open at its end.
    pub open: i64,
}

/// What the days say together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BugReport {
    /// Day by day.
    pub days: Vec<BugDay>,
    /// The bugs that were closed in that time, by number.
    pub closed: Vec<i64>,
    /// Those that were opened again in that time.
    pub reopened: Vec<i64>,
    /// Those that were reported in that time, by where they were found at its end; `None`: it is not said.
    pub found: BTreeMap<String, Vec<i64>>,
    /// The open ones at its end: up to 7 days old, up to 30, up to 90, and older.
    pub ages: [Vec<i64>; 4],
}

/// Which bugs of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BugTurn {
    /// Open at its end.
    Open,
    /// Reported on it.
    Reported,
    /// Closed on it.
    Closed,
    /// Opened again on it.
    Reopened,
}

impl BugTurn {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Open, Self::Reported, Self::Closed, Self::Reopened];

    /// A stable key.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Reported => "reported",
            Self::Closed => "closed",
            Self::Reopened => "reopened",
        }
    }

    /// Reads the key.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|turn| turn.key() == key)
    }
}

/// The numbers of the bugs that [`bug_report`] counts on a day that begins at `from`, up to and without `until`, in
/// order: one that was closed or opened again twice is there twice.
pub fn bugs_on(steps: &[Step], turn: BugTurn, from: Timestamp, until: Timestamp) -> Vec<i64> {
    let mut items = Items::default();
    let mut found = Vec::new();
    for step in steps.iter().take_while(|step| step.at < until) {
        let Some((before, after)) = items.take(step).filter(|(_, after)| is_bug(after)) else {
            continue;
        };
        let (was, is) = (before.is_some_and(|before| !before.is_over()), !after.is_over());
        let counts = match turn {
            BugTurn::Open => false,
            BugTurn::Reported => before.is_none(),
            BugTurn::Closed => before.is_some() && was && !is && !after.gone,
            BugTurn::Reopened => before.is_some() && !was && is,
        };
        if counts && step.at >= from {
            found.push(step.item);
        }
    }
    if turn == BugTurn::Open {
        let open = items.iter().filter(|(_, held)| is_bug(held) && !held.is_over());
        found.extend(open.map(|(number, _)| number));
    }
    found.sort_unstable();
    found
}

fn is_bug(held: &Held) -> bool {
    held.kind == ItemKind::Bug
}

/// How many bugs came, went and came back on each of `days`, up to `now`. `steps` are in order; `name` says what an
/// environment is called.
pub fn bug_report(
    steps: &[Step],
    days: &[Day],
    now: Timestamp,
    name: impl Fn(Option<EnvironmentId>) -> String,
) -> BugReport {
    let mut items = Items::default();
    let mut report = BugReport::default();
    let (mut closed, mut reopened) = (BTreeSet::new(), BTreeSet::new());
    let mut open = 0;
    let mut at = steps.iter().peekable();
    let begins = days.first().map_or(now, |day| day.from);
    let mut ends = begins;
    for day in days.iter().take_while(|day| day.from <= now) {
        let mut shown = BugDay {
            day: day.name.clone(),
            reported: 0,
            closed: 0,
            reopened: 0,
            open: 0,
        };
        while let Some(step) = at.next_if(|step| step.at < day.until && step.at <= now) {
            let Some((before, after)) = items.take(step).filter(|(_, after)| is_bug(after)) else {
                continue;
            };
            let was = before.is_some_and(|before| !before.is_over());
            let is = !after.is_over();
            open += i64::from(is) - i64::from(was);
            if step.at < day.from {
                continue;
            }
            match before {
                None => shown.reported += 1,
                Some(_) if was && !is && !after.gone => {
                    shown.closed += 1;
                    closed.insert(step.item);
                }
                Some(_) if !was && is => {
                    shown.reopened += 1;
                    reopened.insert(step.item);
                }
                Some(_) => {}
            }
        }
        shown.open = open;
        report.days.push(shown);
        ends = day.until.min(now.plus(1));
    }
    report.closed = closed.into_iter().collect();
    report.reopened = reopened.into_iter().collect();
    let mut bugs: Vec<(i64, &Held)> = items.iter().filter(|(_, held)| is_bug(held)).collect();
    bugs.sort_by_key(|(number, _)| *number);
    for (number, held) in bugs {
        if held.created_at >= begins {
            report.found.entry(name(held.found)).or_default().push(number);
        }
        if !held.is_over() {
            report.ages[bracket(ends.since(held.created_at))].push(number);
        }
    }
    report
}

/// Which of the ages of a report a bug has that is `age` µs old.
const fn bracket(age: i64) -> usize {
    match age {
        _ if age <= 7 * DAY => 0,
        _ if age <= 30 * DAY => 1,
        _ if age <= 90 * DAY => 2,
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::super::What;
    use super::super::tests::{all_at, days, log, looked_up};
    use super::*;
    use proptest::prelude::*;

    fn name(environment: Option<EnvironmentId>) -> String {
        environment.map_or_else(String::new, |id| id.to_string())
    }

    proptest! {
        #[test]
        fn the_bug_trend_is_a_recount(steps in log(), days in days(), now in 0..45_i64) {
            let now = Timestamp(now);
            let report = bug_report(&steps, &days, now, name);
            let end = |day: &Day| day.until.min(now.plus(1));
            for (day, shown) in days.iter().zip(&report.days) {
                let bugs: Vec<_> = all_at(&steps, end(day)).into_iter().filter(|(_, held)| is_bug(held)).collect();
                let open = bugs.iter().filter(|(_, held)| !held.is_over()).count();
                prop_assert_eq!(usize::try_from(shown.open).unwrap(), open);
                let reported = bugs.iter().filter(|(_, held)| held.created_at >= day.from).count();
                prop_assert_eq!(usize::try_from(shown.reported).unwrap(), reported);
                // Every change of a category on that day, against what the item was just before it.
                let (mut closed, mut reopened) = (0, 0);
                for (at, step) in steps.iter().enumerate() {
                    let What::Category(to) = step.what else { continue };
                    if step.at < day.from || step.at >= end(day) {
                        continue;
                    }
                    let Some(before) = looked_up(&steps[..at], step.item, now.plus(1)) else { continue };
                    let after = Held { category: to, ..before };
                    if is_bug(&before) {
                        closed += i64::from(!before.is_over() && after.is_over());
                        reopened += i64::from(before.is_over() && !after.is_over());
                    }
                }
                prop_assert_eq!((shown.closed, shown.reopened), (closed, reopened));
                // What a number opens is what it counts.
                let numbers = [shown.open, shown.reported, shown.closed, shown.reopened];
                for (turn, count) in BugTurn::ALL.into_iter().zip(numbers) {
                    let named = bugs_on(&steps, turn, day.from, end(day));
                    prop_assert_eq!(i64::try_from(named.len()).unwrap(), count, "{}", turn.key());
                }
            }
            if let (Some(first), Some(last)) = (days.first().filter(|day| day.from <= now), report.days.last()) {
                let open: usize = report.ages.iter().map(Vec::len).sum();
                prop_assert_eq!(i64::try_from(open).unwrap(), last.open);
                let found: usize = report.found.values().map(Vec::len).sum();
                let reported: i64 = report.days.iter().map(|day| day.reported).sum();
                prop_assert_eq!(i64::try_from(found).unwrap(), reported, "from {}", first.name);
            }
        }
    }

    #[test]
    fn ages_have_edges() {
        assert_eq!(
            [0, 7 * DAY, 7 * DAY + 1, 30 * DAY + 1, 90 * DAY, 90 * DAY + 1].map(bracket),
            [0, 0, 1, 2, 2, 3]
        );
    }
}
