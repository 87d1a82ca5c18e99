//! What became of an iteration: what was planned at its start, what came and went, what was finished and what was not.

use super::{Items, Step, iteration};
use crate::id::IterationId;
use crate::person::PersonRef;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// An item in the report of an iteration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fate {
    /// Its number in the project.
    pub item: i64,
    /// Its estimate then; 0 where there is none.
    pub points: i64,
    /// When that happened to it; `None`: it was so from the start.
    pub at: Option<Timestamp>,
    /// Who did it; `None`: nobody did, or Slipway itself.
    pub by: Option<PersonRef>,
}

/// What became of an iteration's items. What was planned or added is what was removed, finished or left over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Planned when it was started.
    pub planned: Vec<Fate>,
    /// Came in after the start, whatever became of it then: when it came first.
    pub added: Vec<Fate>,
    /// Was planned or came in, and was not there any more at the end: when it went last. What will not be done counts.
    pub removed: Vec<Fate>,
    /// Done at the end: when it was done last.
    pub finished: Vec<Fate>,
    /// There at the end, and not done.
    pub left_over: Vec<Fate>,
}

impl Outcome {
    /// The five lists, in the order in which they are told.
    pub const fn lists(&self) -> [(Which, &Vec<Fate>); 5] {
        [
            (Which::Planned, &self.planned),
            (Which::Added, &self.added),
            (Which::Removed, &self.removed),
            (Which::Finished, &self.finished),
            (Which::LeftOver, &self.left_over),
        ]
    }

    /// The numbers of every item that it names, each once, in order.
    pub fn items(&self) -> Vec<i64> {
        let all: BTreeSet<i64> = self
            .lists()
            .into_iter()
            .flat_map(|(_, list)| list.iter().map(|fate| fate.item))
            .collect();
        all.into_iter().collect()
    }
}

/// One of the lists of an [`Outcome`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Which {
    /// Planned at the start.
    Planned,
    /// Added after it.
    Added,
    /// Removed after it.
    Removed,
    /// Done at the end.
    Finished,
    /// Not done at the end.
    LeftOver,
}

impl Which {
    /// A stable key.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Finished => "finished",
            Self::LeftOver => "left_over",
        }
    }

    /// What it is called.
    pub fn text(self) -> crate::text::Text {
        let (en, zh) = match self {
            Self::Planned => ("Planned at the start", "开始时计划"),
            Self::Added => ("Added after the start", "开始后加入"),
            Self::Removed => ("Removed", "移出"),
            Self::Finished => ("Finished", "已完成"),
            Self::LeftOver => ("Not finished", "未完成"),
        };
        crate::text::Text::new(en, zh)
    }
}

/// What became of the items of an iteration that was started at `started`, just before `until`: when it was closed, or
/// now. `steps` are in order; nobody's name is filled in.
pub fn outcome(steps: &[Step], of: IterationId, started: Timestamp, until: Timestamp) -> Outcome {
    let mut items = Items::default();
    let mut planned: BTreeMap<i64, i64> = BTreeMap::new();
    let mut added: BTreeMap<i64, (i64, Timestamp)> = BTreeMap::new();
    let mut went: BTreeMap<i64, (i64, Timestamp)> = BTreeMap::new();
    let mut done_at: BTreeMap<i64, Timestamp> = BTreeMap::new();
    for step in steps.iter().take_while(|step| step.at < until) {
        let Some((before, after)) = items.take(step) else {
            continue;
        };
        let (was, was_done) = before.map_or((false, false), |before| iteration::part(&before, of));
        let (is, is_done) = iteration::part(&after, of);
        if step.at <= started {
            // What was planned is known once everything of that instant has happened.
            if is {
                planned.insert(step.item, after.points);
            } else {
                planned.remove(&step.item);
            }
            continue;
        }
        if is && !was && !planned.contains_key(&step.item) {
            added.entry(step.item).or_insert((after.points, step.at));
        }
        if was && !is {
            let had = before.map_or(0, |before| before.points);
            went.insert(step.item, (had, step.at));
        }
        if is_done && !was_done {
            done_at.insert(step.item, step.at);
        }
    }
    let held: BTreeMap<i64, (i64, bool)> = items
        .iter()
        .filter_map(|(item, held)| {
            let (is, done) = iteration::part(held, of);
            is.then_some((item, (held.points, done)))
        })
        .collect();
    let fate = |item: i64, points: i64, at: Option<Timestamp>| Fate {
        item,
        points,
        at,
        by: None,
    };
    let mut outcome = Outcome {
        planned: planned
            .iter()
            .map(|(item, points)| fate(*item, *points, None))
            .collect(),
        added: added
            .iter()
            .map(|(item, (points, at))| fate(*item, *points, Some(*at)))
            .collect(),
        ..Outcome::default()
    };
    for item in planned.keys().chain(added.keys()).collect::<BTreeSet<_>>() {
        match held.get(item) {
            Some((points, true)) => outcome
                .finished
                .push(fate(*item, *points, done_at.get(item).copied())),
            Some((points, false)) => outcome.left_over.push(fate(*item, *points, None)),
            None => {
                let (points, at) = went.get(item).copied().unwrap_or((0, started));
                outcome.removed.push(fate(*item, points, Some(at)));
            }
        }
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::super::iteration::members_at;
    use super::super::tests::{all_at, log, looked_up};
    use super::*;
    use crate::id::TypedId;
    use crate::item::Category;
    use proptest::prelude::*;

    fn which(n: u128) -> IterationId {
        IterationId::from_uuid(uuid::Uuid::from_u128(n))
    }

    fn numbers(list: &[Fate]) -> Vec<i64> {
        list.iter().map(|fate| fate.item).collect()
    }

    /// Whether the item is in the iteration just before `until`, looked up in the log.
    fn within(steps: &[Step], item: i64, until: Timestamp) -> bool {
        looked_up(steps, item, until).is_some_and(|held| {
            held.iteration == Some(which(1)) && held.category != Category::WontDo && !held.gone
        })
    }

    proptest! {
        #[test]
        fn what_came_is_what_went_was_finished_or_is_left_over(
            steps in log(), started in 0..30_i64, length in 1..20_i64
        ) {
            let (from, until) = (Timestamp(started), Timestamp(started + length));
            let found = outcome(&steps, which(1), from, until);
            let (planned, added) = (numbers(&found.planned), numbers(&found.added));
            prop_assert!(planned.iter().all(|item| !added.contains(item)), "nothing came twice");
            let mut came: Vec<i64> = planned.iter().chain(&added).copied().collect();
            let mut became: Vec<i64> = [&found.removed, &found.finished, &found.left_over]
                .into_iter()
                .flat_map(|list| numbers(list))
                .collect();
            came.sort_unstable();
            became.sort_unstable();
            prop_assert_eq!(&came, &became, "everything became one thing");
            prop_assert_eq!(found.items(), came);

            let at_start: Vec<i64> = (1..6).filter(|item| within(&steps, *item, from.plus(1))).collect();
            prop_assert_eq!(planned, at_start);
            let members = members_at(&steps, which(1), until);
            let of = |done: bool| members.iter().filter(|m| m.done == done).map(|m| m.item).collect::<Vec<_>>();
            prop_assert_eq!(numbers(&found.finished), of(true));
            prop_assert_eq!(numbers(&found.left_over), of(false));
            // It came in when it was there after some instant and not before the start.
            for item in 1..6 {
                let ever = (started + 1..started + length)
                    .any(|at| within(&steps, item, Timestamp(at + 1)));
                let came = found.added.iter().find(|fate| fate.item == item);
                if came.is_none() && !within(&steps, item, from.plus(1)) {
                    // Within one instant it may come and go; then nobody sees it at any end.
                    prop_assert!(!ever, "{item} came unseen");
                }
                if let Some(at) = came.and_then(|fate| fate.at) {
                    prop_assert!(at > from && at < until);
                    prop_assert!(steps.iter().any(|step| step.item == item && step.at == at));
                }
            }
            for fate in &found.finished {
                if let Some(at) = fate.at {
                    prop_assert!(at > from && steps.iter().any(|step| step.item == fate.item && step.at == at));
                }
                let now = all_at(&steps, until);
                let (_, held) = now.iter().find(|(item, _)| *item == fate.item).unwrap();
                prop_assert_eq!(held.points, fate.points);
            }
        }
    }
}
