//! Instants and spans as they are stored and sent: whole microseconds.

use serde::{Deserialize, Serialize};

/// An instant: µs since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

/// Microseconds in a second.
pub const SECOND: i64 = 1_000_000;
/// Microseconds in a minute.
pub const MINUTE: i64 = 60 * SECOND;
/// Microseconds in an hour.
pub const HOUR: i64 = 60 * MINUTE;
/// Microseconds in a day of 24 hours.
pub const DAY: i64 = 24 * HOUR;

impl Timestamp {
    /// µs since the Unix epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// This instant moved by `micros` (negative: earlier); saturates.
    #[must_use]
    pub const fn plus(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }

    /// µs from `earlier` to this instant.
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// RFC 3339 in UTC to the second, as in `2026-11-21T08:00:00Z`.
    pub fn rfc3339(self) -> String {
        jiff::Timestamp::from_second(self.0.div_euclid(SECOND))
            .map_or_else(|_| String::from("-"), |t| t.to_string())
    }

    /// RFC 3339 in UTC to the millisecond, rounded down, as in `2026-11-21T08:00:00.123Z`.
    pub fn rfc3339_millis(self) -> String {
        jiff::Timestamp::from_millisecond(self.0.div_euclid(1000))
            .map_or_else(|_| String::from("-"), |t| format!("{t:.3}"))
    }

    /// Reads RFC 3339, as GitLab and Kubernetes send it.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>()
            .ok()
            .map(|t| Self(t.as_microsecond()))
    }
}
