//! Instants and spans for people. On the server and before hydration an instant is absolute, in UTC; in
//! the browser it becomes relative, with the reader's own zone in its title.

use crate::i18n;
use crate::tr;
use leptos::prelude::*;
use slipway_domain::text::Locale;
use slipway_domain::time::{DAY, HOUR, MINUTE, SECOND, Timestamp};

/// An instant.
pub fn time(at: Timestamp) -> AnyView {
    let text = RwSignal::new(format!("{} UTC", absolute(at, 0)));
    let title = RwSignal::new(String::new());
    #[cfg(feature = "hydrate")]
    {
        let tick = crate::live::minute();
        Effect::new(move || {
            tick.track();
            let now = now();
            text.set(relative(at, now));
            title.set(absolute(at, offset(at)));
        });
    }
    view! { <time datetime=at.rfc3339() title=move || title.get()>{move || text.get()}</time> }.into_any()
}

/// The time of day of an instant, as in `As of 10:42`.
pub fn clock(at: Timestamp) -> AnyView {
    let text = RwSignal::new(format!("{} UTC", time_of_day(at, 0)));
    #[cfg(feature = "hydrate")]
    Effect::new(move || text.set(time_of_day(at, offset(at))));
    view! { <time datetime=at.rfc3339()>{move || text.get()}</time> }.into_any()
}

#[cfg(feature = "hydrate")]
#[expect(
    clippy::cast_possible_truncation,
    reason = "µs since the epoch fit an i64 for 290,000 years"
)]
fn now() -> Timestamp {
    Timestamp((crate::browser::now_ms() * 1000.0) as i64)
}

#[cfg(feature = "hydrate")]
#[expect(clippy::cast_precision_loss, reason = "ms since the epoch are far below 2^53")]
fn offset(at: Timestamp) -> i64 {
    crate::browser::offset_minutes((at.micros() / 1000) as f64)
}

/// Year, month and day of a day number since 1970-01-01 (Howard Hinnant, `civil_from_days`).
fn civil(day: i64) -> (i64, i64, i64) {
    let z = day + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (
        yoe + era * 400 + i64::from(month <= 2),
        month,
        doy - (153 * mp + 2) / 5 + 1,
    )
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// `14 Nov 2026 21:05`, or `2026年11月14日 21:05`, at `offset` minutes east of UTC.
fn absolute(at: Timestamp, offset: i64) -> String {
    let (year, month, day) = civil(at.plus(offset * MINUTE).micros().div_euclid(DAY));
    let of_day = time_of_day(at, offset);
    match i18n::locale() {
        Locale::ZhCn => format!("{year}年{month}月{day}日 {of_day}"),
        Locale::En => {
            let name = usize::try_from(month - 1)
                .ok()
                .and_then(|m| MONTHS.get(m))
                .unwrap_or(&"");
            format!("{day} {name} {year} {of_day}")
        }
    }
}

/// A day written `YYYY-MM-DD`, as `17 Nov` or `11月17日`; anything else as it is.
pub fn day(text: &str) -> String {
    let number = |part: &str| part.parse::<usize>().ok();
    let mut parts = text.splitn(3, '-').skip(1);
    let (Some(month), Some(day)) = (parts.next().and_then(number), parts.next().and_then(number)) else {
        return text.to_owned();
    };
    match (i18n::locale(), month.checked_sub(1).and_then(|m| MONTHS.get(m))) {
        (Locale::ZhCn, _) => format!("{month}月{day}日"),
        (Locale::En, Some(name)) => format!("{day} {name}"),
        (Locale::En, None) => text.to_owned(),
    }
}

fn time_of_day(at: Timestamp, offset: i64) -> String {
    let minutes = at.plus(offset * MINUTE).micros().rem_euclid(DAY) / MINUTE;
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// How long ago `at` is, or how far ahead.
#[cfg_attr(
    not(any(feature = "hydrate", test)),
    expect(dead_code, reason = "only the browser knows the reader's now")
)]
fn relative(at: Timestamp, now: Timestamp) -> String {
    let ahead = at.since(now);
    if ahead.abs() < MINUTE {
        return tr!(common.now);
    }
    let span = span(ahead.abs());
    if ahead > 0 {
        tr!(common.time_ahead, span = span)
    } else {
        tr!(common.time_ago, span = span)
    }
}

/// One unit of a span: minutes, hours or days.
pub fn span(micros: i64) -> String {
    match micros {
        m if m < HOUR => tr!(common.minutes, n = m / MINUTE),
        m if m < 2 * DAY => tr!(common.hours, n = m / HOUR),
        m => tr!(common.days, n = m / DAY),
    }
}

/// How far ahead an instant is of `now`, in one unit; empty when it has passed.
pub fn until(at: Timestamp, now: Timestamp) -> String {
    let ahead = at.since(now);
    if ahead > 0 {
        span(ahead.max(MINUTE))
    } else {
        String::new()
    }
}

/// A duration as `4m 21s`.
pub fn duration(micros: i64) -> String {
    let seconds = micros.max(0) / SECOND;
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h {:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_of_the_calendar_are_the_calendars() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(-1), (1969, 12, 31));
        assert_eq!(civil(19_782), (2024, 2, 29));
        assert_eq!(civil(20_778), (2026, 11, 21));
    }

    #[test]
    fn an_offset_can_change_the_day() {
        let at = Timestamp(20_778 * DAY + 23 * HOUR);
        assert_eq!(absolute(at, 0), "21 Nov 2026 23:00");
        assert_eq!(absolute(at, 8 * 60), "22 Nov 2026 07:00");
    }

    #[test]
    fn spans_use_one_unit() {
        let now = Timestamp(10 * DAY);
        assert_eq!(relative(now.plus(-30 * SECOND), now), "now");
        assert_eq!(relative(now.plus(-5 * MINUTE), now), "5 min ago");
        assert_eq!(relative(now.plus(6 * DAY + HOUR), now), "in 6 days");
        assert_eq!(duration(261 * SECOND), "4m 21s");
        assert_eq!(duration(7_620 * SECOND), "2h 07m");
    }
}
