//! Recurrence by RFC 5545's `RRULE`, on days: `DAILY`, `WEEKLY`, `MONTHLY` and `YEARLY` with `INTERVAL`, `COUNT`,
//! `UNTIL`, `BYMONTH`, `BYMONTHDAY`, `BYDAY`, `BYSETPOS` and `WKST`. What it does not have (`BYHOUR`, `BYWEEKNO`,
//! `BYYEARDAY`, and steps below a day) is refused where it is typed, never ignored: see `docs/adr/0018`.

use super::clock::compact;
use crate::text::Text;
use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// How often it steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Day,
    Week,
    Month,
    Year,
}

/// When it ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Until {
    /// A day or a local time, in the window's zone.
    Local(DateTime),
    /// An instant.
    Utc(Timestamp),
}

/// A rule of recurrence. It is stored and sent as the text it was read from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Recurrence {
    text: String,
    step: Step,
    interval: i32,
    count: Option<u32>,
    until: Option<Until>,
    months: Vec<i8>,
    month_days: Vec<i8>,
    days: Vec<(i8, Weekday)>,
    set: Vec<i32>,
    week_start: Weekday,
}

/// What is wrong with a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.en)]
pub struct NoRecurrence(pub Text);

impl NoRecurrence {
    fn part(part: &str) -> Self {
        Self(Text::new(
            format!("“{part}” cannot be read; write it as in FREQ=WEEKLY;BYDAY=FR (RFC 5545)"),
            format!("无法识别“{part}”，请按 RFC 5545 书写，例如 FREQ=WEEKLY;BYDAY=FR"),
        ))
    }
}

impl From<Recurrence> for String {
    fn from(rule: Recurrence) -> Self {
        rule.text
    }
}

impl TryFrom<String> for Recurrence {
    type Error = NoRecurrence;
    fn try_from(text: String) -> Result<Self, NoRecurrence> {
        text.parse()
    }
}

fn weekday(text: &str) -> Option<Weekday> {
    Some(match text {
        "MO" => Weekday::Monday,
        "TU" => Weekday::Tuesday,
        "WE" => Weekday::Wednesday,
        "TH" => Weekday::Thursday,
        "FR" => Weekday::Friday,
        "SA" => Weekday::Saturday,
        "SU" => Weekday::Sunday,
        _ => return None,
    })
}

/// `-1SU` and `MO`.
fn day(text: &str) -> Option<(i8, Weekday)> {
    let at = text.len().checked_sub(2)?;
    let (nth, day) = (text.get(..at)?, text.get(at..)?);
    let nth = if nth.is_empty() {
        0
    } else {
        nth.parse().ok().filter(|n: &i8| *n != 0 && n.abs() <= 53)?
    };
    Some((nth, weekday(day)?))
}

fn until(text: &str) -> Option<Until> {
    if let Some(utc) = text.strip_suffix('Z') {
        let at = compact(utc).filter(|_| utc.contains('T'))?;
        return TimeZone::UTC.to_timestamp(at).ok().map(Until::Utc);
    }
    compact(text).map(Until::Local)
}

fn list<T>(value: &str, read: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    value.split(',').map(read).collect()
}

fn within(text: &str, most: i32) -> Option<i32> {
    text.parse().ok().filter(|n: &i32| *n != 0 && n.abs() <= most)
}

impl FromStr for Recurrence {
    type Err = NoRecurrence;

    fn from_str(text: &str) -> Result<Self, NoRecurrence> {
        let text = text.trim().to_ascii_uppercase();
        let body = text.strip_prefix("RRULE:").unwrap_or(&text);
        let mut rule = Self {
            text: body.to_owned(),
            step: Step::Day,
            interval: 1,
            count: None,
            until: None,
            months: Vec::new(),
            month_days: Vec::new(),
            days: Vec::new(),
            set: Vec::new(),
            week_start: Weekday::Monday,
        };
        let mut stepped = false;
        for part in body.split(';') {
            let no = || NoRecurrence::part(part);
            let (name, value) = part.split_once('=').ok_or_else(no)?;
            match name {
                "FREQ" => {
                    stepped = true;
                    rule.step = match value {
                        "DAILY" => Step::Day,
                        "WEEKLY" => Step::Week,
                        "MONTHLY" => Step::Month,
                        "YEARLY" => Step::Year,
                        _ => return Err(no()),
                    };
                }
                "INTERVAL" => rule.interval = within(value, 1000).filter(|n| *n > 0).ok_or_else(no)?,
                "COUNT" => {
                    let count = value.parse().ok().filter(|n| (1..=10_000).contains(n));
                    rule.count = Some(count.ok_or_else(no)?);
                }
                "UNTIL" => rule.until = Some(until(value).ok_or_else(no)?),
                "BYMONTH" => {
                    rule.months = list(value, |m| m.parse().ok().filter(|m: &i8| (1..=12).contains(m)))
                        .ok_or_else(no)?;
                }
                "BYMONTHDAY" => {
                    rule.month_days =
                        list(value, |d| within(d, 31).and_then(|d| i8::try_from(d).ok())).ok_or_else(no)?;
                }
                "BYDAY" => rule.days = list(value, day).ok_or_else(no)?,
                "BYSETPOS" => rule.set = list(value, |n| within(n, 366)).ok_or_else(no)?,
                "WKST" => rule.week_start = weekday(value).ok_or_else(no)?,
                _ => return Err(no()),
            }
        }
        rule.check(stepped)?;
        Ok(rule)
    }
}

impl Recurrence {
    /// What RFC 5545 forbids, or would mean nothing.
    fn check(&self, stepped: bool) -> Result<(), NoRecurrence> {
        let say = |en: &str, zh: &str| Err(NoRecurrence(Text::new(en, zh)));
        if !stepped {
            return say(
                "a rule begins with FREQ, as in FREQ=WEEKLY",
                "规则须包含 FREQ，例如 FREQ=WEEKLY",
            );
        }
        if self.count.is_some() && self.until.is_some() {
            return say("use COUNT or UNTIL, not both", "COUNT 与 UNTIL 只能使用其一");
        }
        let counted = self.days.iter().any(|(nth, _)| *nth != 0);
        if counted && !matches!(self.step, Step::Month | Step::Year) {
            return say(
                "a day with a number, as in 1MO, needs FREQ=MONTHLY or FREQ=YEARLY",
                "带序号的星期（如 1MO）只能用于 FREQ=MONTHLY 或 FREQ=YEARLY",
            );
        }
        if !self.month_days.is_empty() && self.step == Step::Week {
            return say(
                "BYMONTHDAY cannot be used with FREQ=WEEKLY",
                "BYMONTHDAY 不能用于 FREQ=WEEKLY",
            );
        }
        if !self.set.is_empty()
            && self.days.is_empty()
            && self.month_days.is_empty()
            && self.months.is_empty()
        {
            return say(
                "BYSETPOS needs another BY… part",
                "BYSETPOS 须与其他 BY… 条件同时使用",
            );
        }
        Ok(())
    }

    /// The text of the rule.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it goes on for ever.
    pub const fn is_endless(&self) -> bool {
        self.count.is_none() && self.until.is_none()
    }

    /// The local starts that come with `start`, in order, of those on or after `from`, as long as they are not after
    /// `to`. `start` itself counts where the rule has it (as everywhere but in RFC 5545's own undefined case).
    pub fn starts(&self, start: DateTime, zone: &TimeZone, from: DateTime, to: DateTime) -> Vec<DateTime> {
        let last = match self.until {
            None => to,
            Some(Until::Local(at)) => at.min(to),
            Some(Until::Utc(at)) => at.to_zoned(zone.clone()).datetime().min(to),
        };
        let mut found = Vec::new();
        let mut left = self.count;
        // Counting has to begin at the beginning; everything else may begin near what is asked for.
        let mut period = if left.is_some() {
            0
        } else {
            self.periods_before(start, from)
        };
        while let Some(days) = self.days_of(start.date(), period) {
            period += self.interval;
            for day in days {
                let at = day.to_datetime(start.time());
                if at < start {
                    continue;
                }
                if at > last || left == Some(0) {
                    return found;
                }
                left = left.map(|n| n - 1);
                if at >= from {
                    found.push(at);
                }
            }
            if self
                .first_day(start.date(), period)
                .is_none_or(|day| day > last.date())
            {
                break;
            }
        }
        found
    }

    /// How many steps surely lie before `from`, rounded down to whole intervals.
    fn periods_before(&self, start: DateTime, from: DateTime) -> i32 {
        if from <= start {
            return 0;
        }
        let days = start.date().until(from.date()).map_or(0, |span| span.get_days());
        let steps = match self.step {
            Step::Day => days - 1,
            Step::Week => days / 7 - 1,
            Step::Month => days / 31 - 1,
            Step::Year => days / 366 - 1,
        };
        steps.max(0) / self.interval * self.interval
    }

    /// The first day of the period that is `period` steps after that of `start`; `None`: beyond the calendar.
    fn first_day(&self, start: Date, period: i32) -> Option<Date> {
        match self.step {
            Step::Day => start.checked_add(period.days()).ok(),
            Step::Week => {
                let back = start.weekday().since(self.week_start);
                start
                    .checked_sub(i32::from(back).days())
                    .ok()?
                    .checked_add(period.weeks())
                    .ok()
            }
            Step::Month => start.first_of_month().checked_add(period.months()).ok(),
            Step::Year => start.first_of_year().checked_add(period.years()).ok(),
        }
    }

    /// The days of one period, in order.
    fn days_of(&self, start: Date, period: i32) -> Option<Vec<Date>> {
        let first = self.first_day(start, period)?;
        let end = match self.step {
            Step::Day => first,
            Step::Week => first.checked_add(6.days()).ok()?,
            Step::Month => first.last_of_month(),
            Step::Year => first.last_of_year(),
        };
        let days: Vec<Date> = first
            .series(1.day())
            .take_while(|day| *day <= end)
            .filter(|day| self.has(start, *day))
            .collect();
        Some(if self.set.is_empty() {
            days
        } else {
            self.at_positions(&days)
        })
    }

    fn at_positions(&self, days: &[Date]) -> Vec<Date> {
        let place = |n: i32| {
            let n = isize::try_from(n).ok()?;
            let at = if n > 0 {
                n.unsigned_abs() - 1
            } else {
                days.len().checked_sub(n.unsigned_abs())?
            };
            days.get(at).copied()
        };
        let mut chosen: Vec<Date> = self.set.iter().filter_map(|n| place(*n)).collect();
        chosen.sort_unstable();
        chosen.dedup();
        chosen
    }

    /// Whether the day is one of the rule's, whatever its period.
    fn has(&self, start: Date, day: Date) -> bool {
        let months = self.months.is_empty() || self.months.contains(&day.month());
        let bare = self.days.is_empty() && self.month_days.is_empty();
        let in_month = match self.step {
            Step::Month | Step::Year if bare => day.day() == start.day(),
            _ => self.month_days.is_empty() || self.month_days.iter().any(|n| is_month_day(day, *n)),
        };
        let in_year =
            !(self.step == Step::Year && bare && self.months.is_empty()) || day.month() == start.month();
        let weekdays = match self.step {
            Step::Week if self.days.is_empty() => day.weekday() == start.weekday(),
            _ => self.days.is_empty() || self.days.iter().any(|named| self.is_weekday(day, *named)),
        };
        months && in_month && in_year && weekdays
    }

    fn is_weekday(&self, day: Date, (nth, weekday): (i8, Weekday)) -> bool {
        if day.weekday() != weekday {
            return false;
        }
        if nth == 0 {
            return true;
        }
        let by_year = self.step == Step::Year && self.months.is_empty() && self.month_days.is_empty();
        let (since_first, to_last) = if by_year {
            (day.day_of_year() - 1, day.days_in_year() - day.day_of_year())
        } else {
            (
                i16::from(day.day()) - 1,
                i16::from(day.days_in_month()) - i16::from(day.day()),
            )
        };
        if nth > 0 {
            since_first / 7 + 1 == i16::from(nth)
        } else {
            to_last / 7 + 1 == i16::from(-nth)
        }
    }
}

fn is_month_day(day: Date, nth: i8) -> bool {
    if nth > 0 {
        day.day() == nth
    } else {
        day.day() == day.days_in_month() + nth + 1
    }
}
