//! Times of a wall clock as they are sent and stored, read by hand: jiff's own reader of every format there is would
//! come to the browser with it.

use jiff::civil::{DateTime, Time};
use serde::{Deserialize, Deserializer, Serializer, de};

/// The number that `text` is, digits alone.
fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

fn made(day: [&str; 3], time: [&str; 3]) -> Option<DateTime> {
    let [year, month, day] = day;
    let [hour, minute, second] = time;
    DateTime::new(
        number(year)?,
        number(month)?,
        number(day)?,
        number(hour)?,
        number(minute)?,
        number(second)?,
        0,
    )
    .ok()
}

/// `2026-11-21T08:00:00`.
fn plain(text: &str) -> Option<DateTime> {
    let (day, time) = text.split_once('T')?;
    let parts = |text: &str, by: char| -> Option<[String; 3]> {
        let all: Vec<String> = text.split(by).map(str::to_owned).collect();
        all.try_into().ok()
    };
    let (day, time) = (parts(day, '-')?, parts(time, ':')?);
    made(
        day.each_ref().map(String::as_str),
        time.each_ref().map(String::as_str),
    )
}

/// RFC 5545's `20261121T080000`, or the last second of `20261121`.
pub(super) fn compact(text: &str) -> Option<DateTime> {
    let (day, time) = text.split_once('T').unwrap_or((text, "235959"));
    let day = [day.get(..4)?, day.get(4..6)?, day.get(6..)?];
    let time = [time.get(..2)?, time.get(2..4)?, time.get(4..)?];
    if day[2].len() != 2 || time[2].len() != 2 {
        return None;
    }
    made(day, time)
}

/// `08:00:00`.
fn hours(text: &str) -> Option<Time> {
    let mut parts = text.split(':');
    let (hour, minute, second) = (parts.next()?, parts.next()?, parts.next()?);
    let read = Time::new(number(hour)?, number(minute)?, number(second)?, 0).ok();
    read.filter(|_| parts.next().is_none())
}

/// A time of a wall clock as it is sent and stored.
pub(super) trait Sent: Sized {
    /// Reads what [`Display`](std::fmt::Display) writes.
    fn read(text: &str) -> Option<Self>;
}

impl Sent for DateTime {
    fn read(text: &str) -> Option<Self> {
        plain(text)
    }
}

impl Sent for Time {
    fn read(text: &str) -> Option<Self> {
        hours(text)
    }
}

/// For `#[serde(with)]`.
pub(super) fn serialize<T: std::fmt::Display, S: Serializer>(at: &T, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(at)
}

/// For `#[serde(with)]`.
pub(super) fn deserialize<'de, T: Sent, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    let text = String::deserialize(from)?;
    let wrong = || de::Error::custom("a time of a wall clock is written 2026-11-21T08:00:00 or 08:00:00");
    T::read(&text).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(
            (year, month, day) in (1..9999_i16, 1..=12_i8, 1..=28_i8),
            (hour, minute, second) in (0..24_i8, 0..60_i8, 0..60_i8),
        ) {
            let at = DateTime::new(year, month, day, hour, minute, second, 0).unwrap();
            prop_assert_eq!(plain(&at.to_string()), Some(at));
            prop_assert_eq!(hours(&at.time().to_string()), Some(at.time()));
            prop_assert_eq!(compact(&at.strftime("%Y%m%dT%H%M%S").to_string()), Some(at));
            let end = compact(&at.strftime("%Y%m%d").to_string()).unwrap();
            prop_assert_eq!(end, at.date().at(23, 59, 59, 0));
        }

        #[test]
        fn nothing_else_is_read(text in "\\PC{0,20}") {
            if let Some(at) = plain(&text) {
                prop_assert_eq!(at.date().year() >= 0, true);
            }
            let _ = compact(&text);
        }
    }

    #[test]
    fn signs_gaps_and_days_that_are_none_are_refused() {
        for text in [
            "2026-11-21",
            "2026-11-31T08:00:00",
            "2026-+1-21T08:00:00",
            "2026-11-21T08:00",
            "",
        ] {
            assert_eq!(plain(text), None, "{text}");
        }
        for text in [
            "2026112",
            "20261121T0800",
            "20261121T0800000",
            "2026é121T080000",
            "20261131",
        ] {
            assert_eq!(compact(text), None, "{text}");
        }
    }
}
