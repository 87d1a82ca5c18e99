//! The roadmap: epics over time, with how much of them is done.

use crate::insight::Amount;
use crate::item::Card;
use crate::project::Place;
use serde::{Deserialize, Serialize};

/// The number of a day, `YYYY-MM-DD`, counted from 1970-01-01. `None` for what is no day.
pub fn day_number(day: &str) -> Option<i64> {
    let mut parts = day.split('-').map(|part| part.parse::<i64>().ok());
    let (year, month, date) = (parts.next()??, parts.next()??, parts.next()??);
    if parts.next().is_some() || !(1..=12).contains(&month) || !(1..=31).contains(&date) {
        return None;
    }
    // Years that begin in March: the day that some years have more is their last.
    let (year, month) = if month <= 2 {
        (year - 1, month + 9)
    } else {
        (year, month - 3)
    };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * month + 2) / 5 + date - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

/// An epic on the roadmap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoadmapRow {
    /// The epic.
    pub card: Card,
    /// The day it begins, `YYYY-MM-DD`; where it has none, the first day of the first iteration that it or a part of it is
    /// planned for.
    pub starts_on: Option<String>,
    /// The day it is due; where it has none, the last day of the last of those iterations.
    pub ends_on: Option<String>,
    /// Its parts and theirs, without what will not be done.
    pub scope: Amount,
    /// What of them is done.
    pub done: Amount,
}

impl RoadmapRow {
    /// How much is done, in percent: by points where any part is estimated, else by parts; an epic without parts, by
    /// whether it is done itself.
    pub fn percent(&self) -> i64 {
        let (done, all) = match self.scope {
            Amount { points: 1.., .. } => (self.done.points, self.scope.points),
            Amount { items: 1.., .. } => (self.done.items, self.scope.items),
            Amount { .. } => (i64::from(self.card.state.category().is_over()), 1),
        };
        (done * 100 / all).clamp(0, 100)
    }

    /// From which day to which it is drawn: a side that is not known is where the other is. `None`: neither is.
    pub fn span(&self) -> Option<(i64, i64)> {
        let number = |day: &Option<String>| day.as_deref().and_then(day_number);
        let (from, to) = (number(&self.starts_on), number(&self.ends_on));
        let (from, to) = (from.or(to)?, to.or(from)?);
        Some((from.min(to), to))
    }
}

/// What the roadmap's page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roadmap {
    /// Where.
    pub place: Place,
    /// The epics: by when they begin, those without days at the end.
    pub rows: Vec<RoadmapRow>,
    /// Today, in UTC.
    pub today: String,
    /// Whether the reader may make items.
    pub may_create: bool,
}

/// The first days of the months between two days, each with its name as in `2026-11`; both ends are widened to whole
/// months.
pub fn months(from: i64, to: i64) -> Vec<(i64, String)> {
    let mut months = Vec::new();
    // A year has at least 365 days: this begins before `from` and ends after `to`.
    let (first, last) = (1969 + from.div_euclid(366), 1971 + to.div_euclid(365));
    for year in first..=last {
        for month in 1..=12 {
            let name = format!("{year:04}-{month:02}");
            if let Some(day) = day_number(&format!("{name}-01")) {
                months.push((day, name));
            }
        }
    }
    let begins = months.iter().rposition(|(day, _)| *day <= from).unwrap_or(0);
    let ends = months
        .iter()
        .position(|(day, _)| *day > to)
        .unwrap_or(months.len());
    months.truncate((ends + 1).min(months.len()));
    months.drain(..begins);
    months
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{ItemId, TypedId};
    use crate::item::{ItemKind, ItemState, Labels, Priority, StateKey};
    use proptest::prelude::*;

    fn row(starts: Option<&str>, ends: Option<&str>, scope: Amount, done: Amount) -> RoadmapRow {
        RoadmapRow {
            card: Card {
                id: ItemId::from_uuid(uuid::Uuid::nil()),
                key: String::from("CHK-1"),
                kind: ItemKind::Epic,
                title: String::new(),
                state: ItemState::known(StateKey::PENDING),
                priority: Priority::Normal,
                severity: None,
                assignee: None,
                points: None,
                labels: Labels::default(),
                starts_on: None,
                due_on: None,
                version: 1,
            },
            starts_on: starts.map(str::to_owned),
            ends_on: ends.map(str::to_owned),
            scope,
            done,
        }
    }

    #[test]
    fn days_are_numbered_one_after_the_other() {
        assert_eq!(day_number("1970-01-01"), Some(0));
        assert_eq!(day_number("2000-03-01"), Some(11017));
        assert_eq!(day_number("2026-11-30"), Some(20787));
        for (before, after) in [
            ("2024-02-28", "2024-02-29"),
            ("2024-02-29", "2024-03-01"),
            ("2023-12-31", "2024-01-01"),
        ] {
            assert_eq!(
                day_number(before).map(|day| day + 1),
                day_number(after),
                "{before}"
            );
        }
        for wrong in ["", "2026", "2026-13-01", "2026-00-01", "a-b-c", "2026-01-01-01"] {
            assert_eq!(day_number(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn months_hold_every_day_that_is_drawn(from in 0..40_000_i64, length in 0..2_000_i64) {
            let months = months(from, from + length);
            prop_assert!(months[0].0 <= from && months.last().unwrap().0 > from + length);
            prop_assert!(months.windows(2).all(|pair| (28..=31).contains(&(pair[1].0 - pair[0].0))));
            prop_assert!(months[1].0 > from && months[months.len() - 2].0 <= from + length);
        }
    }

    #[test]
    fn progress_is_by_points_where_there_are_any() {
        let amount = |items, points| Amount { items, points };
        let percent = |scope, done| row(None, None, scope, done).percent();
        assert_eq!(percent(amount(4, 10), amount(3, 5)), 50);
        assert_eq!(percent(amount(4, 0), amount(3, 0)), 75);
        assert_eq!(percent(amount(0, 0), amount(0, 0)), 0);
    }

    #[test]
    fn an_epic_with_one_day_is_drawn_on_it() {
        let none = Amount::default();
        assert_eq!(row(None, None, none, none).span(), None);
        assert_eq!(row(None, Some("1970-01-05"), none, none).span(), Some((4, 4)));
        assert_eq!(
            row(Some("1970-01-02"), Some("1970-01-05"), none, none).span(),
            Some((1, 4))
        );
        assert_eq!(
            row(Some("1970-01-09"), Some("1970-01-05"), none, none).span(),
            Some((4, 4)),
            "due before it began"
        );
    }
}
