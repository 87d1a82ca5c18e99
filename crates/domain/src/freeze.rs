//! Windows in time: freezes, times in which alone something may be deployed, and allowed hours.
//!
//! A window is written in local time with an IANA zone; what it covers are instants. Where the clock skips the hour in
//! which a window opens, it opens as much later (as RFC 5545 has it); where an hour is repeated, a window that ends in
//! it ends at the hour's last end.

mod clock;
mod recurrence;

pub use recurrence::{NoRecurrence, Recurrence};

use crate::access::ScopeKind;
use crate::environment::Tier;
use crate::id::FreezeId;
use crate::person::PersonRef;
use crate::project::Place;
use crate::text::Text;
use crate::time::{DAY, Timestamp};
use jiff::ToSpan as _;
use jiff::civil::{DateTime, Time, date};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// How far into the future an opening is looked for, in µs.
pub const HORIZON: i64 = 5 * 366 * DAY;

/// How long one occurrence of a window that comes again may last, in µs.
const LONGEST: i64 = 366 * DAY;

/// A stretch of time: from `from` up to, and without, `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Its first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub to: Timestamp,
}

impl Span {
    /// Whether the instant is in it.
    pub fn has(self, at: Timestamp) -> bool {
        self.from <= at && at < self.to
    }
}

/// A window, once or again and again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// The IANA zone that its times are in, as in `Asia/Shanghai`.
    pub zone: String,
    /// When it (first) opens, local.
    #[serde(with = "clock")]
    pub start: DateTime,
    /// When it (first) ends, local.
    #[serde(with = "clock")]
    pub end: DateTime,
    /// When it comes again; `None`: never.
    pub repeats: Option<Recurrence>,
}

/// What is wrong with a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadWindow {
    /// The field: `zone`, `start`, `end` or `repeats`.
    pub field: &'static str,
    /// What is wrong, and what to do.
    pub text: Text,
}

/// The zone of that IANA name. Names that mean another place's clock by a moving rule of the machine (`localtime`) are
/// none.
pub fn zone(name: &str) -> Option<TimeZone> {
    if name == "UTC" {
        return Some(TimeZone::UTC);
    }
    let plain = name
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"/_+-".contains(&b));
    if !plain || name.is_empty() {
        return None;
    }
    TimeZone::get(name).ok()
}

fn instant(zone: &TimeZone, at: DateTime, last: bool) -> Option<Timestamp> {
    let found = zone.to_ambiguous_timestamp(at);
    let found = if last { found.later() } else { found.compatible() };
    found.ok().map(|at| Timestamp(at.as_microsecond()))
}

fn local(zone: &TimeZone, at: Timestamp) -> Option<DateTime> {
    let at = jiff::Timestamp::from_microsecond(at.micros()).ok()?;
    Some(at.to_zoned(zone.clone()).datetime())
}

impl Window {
    /// What is wrong with it; nothing where it can be kept.
    pub fn check(&self) -> Vec<BadWindow> {
        let mut wrong = Vec::new();
        let mut say = |field, en: &str, zh: &str| {
            wrong.push(BadWindow {
                field,
                text: Text::new(en, zh),
            });
        };
        if zone(&self.zone).is_none() {
            say(
                "zone",
                "name a time zone as in Europe/Berlin or Asia/Shanghai",
                "请填写 IANA 时区，例如 Asia/Shanghai 或 Europe/Berlin",
            );
        }
        if self.end <= self.start {
            say("end", "it must end after it starts", "结束时间须晚于开始时间");
        } else if self.repeats.is_some() && self.lasts() > LONGEST {
            say(
                "end",
                "a window that comes again lasts a year at most",
                "重复窗口单次时长不能超过一年",
            );
        }
        wrong
    }

    /// How long one occurrence lasts on the clock, in µs, without changes of the clock.
    fn lasts(&self) -> i64 {
        let between = |at: DateTime| instant(&TimeZone::UTC, at, false).unwrap_or_default();
        between(self.end).since(between(self.start))
    }

    /// The occurrences that touch the time from `from` to `to`, in order of their starts.
    pub fn spans(&self, from: Timestamp, to: Timestamp) -> Vec<Span> {
        let Some(zone) = zone(&self.zone) else {
            return Vec::new();
        };
        let starts = match &self.repeats {
            None => vec![self.start],
            Some(rule) => {
                // A day on either side: local times and instants are never further apart.
                let first = local(&zone, from.plus(-self.lasts() - 2 * DAY));
                let last = local(&zone, to.plus(2 * DAY));
                match (first, last) {
                    (Some(first), Some(last)) => rule.starts(self.start, &zone, first, last),
                    _ => Vec::new(),
                }
            }
        };
        let length = self.start.until(self.end).ok();
        let span = |start: DateTime| {
            let end = start.checked_add(length?).ok()?;
            let span = Span {
                from: instant(&zone, start, false)?,
                to: instant(&zone, end, true)?,
            };
            (span.from < span.to && span.from < to && from < span.to).then_some(span)
        };
        starts.into_iter().filter_map(span).collect()
    }

    /// The occurrence that holds the instant and ends last.
    pub fn around(&self, at: Timestamp) -> Option<Span> {
        self.spans(at, at.plus(1))
            .into_iter()
            .filter(|span| span.has(at))
            .max_by_key(|span| span.to)
    }

    /// The next occurrence that starts after the instant, within [`HORIZON`].
    pub fn next(&self, at: Timestamp) -> Option<Span> {
        [8 * DAY, 70 * DAY, 800 * DAY, HORIZON]
            .into_iter()
            .find_map(|ahead| {
                let spans = self.spans(at, at.plus(ahead));
                spans
                    .into_iter()
                    .filter(|span| span.from > at)
                    .min_by_key(|span| span.from)
            })
    }
}

/// What a window does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Nothing is deployed in it: a freeze.
    Deny,
    /// Things are deployed only in it (or in another of the same kind). A freeze in it wins.
    Allow,
}

impl Effect {
    /// The stored key.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Allow => "allow",
        }
    }

    /// Reads the stored key.
    pub fn from_key(key: &str) -> Option<Self> {
        [Self::Deny, Self::Allow].into_iter().find(|e| e.key() == key)
    }
}

/// A freeze window, or one in which alone things are deployed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freeze {
    /// Which.
    pub id: FreezeId,
    /// Where it holds: an organization's holds in all of its projects, a project's in all of its apps.
    pub level: ScopeKind,
    /// What it is called, as in `Year-end close`.
    pub name: String,
    /// Why, and whom to ask.
    pub reason: String,
    /// What it does.
    pub effect: Effect,
    /// When.
    pub window: Window,
    /// The tiers that it holds for; none: all of them.
    pub tiers: Vec<Tier>,
}

impl Freeze {
    /// Whether it says anything about environments of the tier.
    pub fn concerns(&self, tier: Tier) -> bool {
        self.tiers.is_empty() || self.tiers.contains(&tier)
    }
}

/// Hours of the week in which an environment is deployed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hours {
    /// The IANA zone.
    pub zone: String,
    /// The days, 1 (Monday) to 7 (Sunday).
    pub days: Vec<u8>,
    /// From then on, local.
    #[serde(with = "clock")]
    pub from: Time,
    /// Until then, local; not after `from`: on the next day. Midnight is the end of the day.
    #[serde(with = "clock")]
    pub to: Time,
}

const DAY_NAMES: [(&str, &str, &str); 7] = [
    ("MO", "Mon", "周一"),
    ("TU", "Tue", "周二"),
    ("WE", "Wed", "周三"),
    ("TH", "Thu", "周四"),
    ("FR", "Fri", "周五"),
    ("SA", "Sat", "周六"),
    ("SU", "Sun", "周日"),
];

impl Hours {
    /// What is wrong with it.
    pub fn check(&self) -> Option<Text> {
        if zone(&self.zone).is_none() {
            return Some(Text::new(
                "name a time zone as in Europe/Berlin or Asia/Shanghai",
                "请填写 IANA 时区，例如 Asia/Shanghai 或 Europe/Berlin",
            ));
        }
        if self.days.is_empty() || self.days.iter().any(|d| !(1..=7).contains(d)) {
            return Some(Text::new("choose at least one day of the week", "请至少选择一天"));
        }
        None
    }

    fn named(&self) -> impl Iterator<Item = &'static (&'static str, &'static str, &'static str)> {
        self.days
            .iter()
            .filter_map(|d| DAY_NAMES.get(usize::from(d.checked_sub(1)?)))
    }

    /// Reads one line, as in `Mon-Fri 09:00-18:00 Asia/Shanghai`; several days stand apart by commas.
    ///
    /// # Errors
    /// What to write instead.
    pub fn parse(line: &str) -> Result<Self, Text> {
        let wrong = || {
            Text::new(
                format!(
                    "“{}” cannot be read; write a line as in Mon-Fri 09:00-18:00 Asia/Shanghai",
                    line.trim()
                ),
                format!(
                    "无法识别“{}”，请按 Mon-Fri 09:00-18:00 Asia/Shanghai 的格式书写",
                    line.trim()
                ),
            )
        };
        let mut words = line.split_whitespace();
        let (Some(days), Some(span), Some(zone), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(wrong());
        };
        let day = |name: &str| {
            let at = DAY_NAMES
                .iter()
                .position(|(_, en, _)| en.eq_ignore_ascii_case(name))?;
            u8::try_from(at + 1).ok()
        };
        let mut chosen = Vec::new();
        for part in days.split(',') {
            match part.split_once('-') {
                None => chosen.push(day(part).ok_or_else(wrong)?),
                Some((first, last)) => {
                    let (first, last) = (day(first).ok_or_else(wrong)?, day(last).ok_or_else(wrong)?);
                    let last = if last < first { last + 7 } else { last };
                    chosen.extend((first..=last).map(|d| (d - 1) % 7 + 1));
                }
            }
        }
        chosen.sort_unstable();
        chosen.dedup();
        let clock = |text: &str| match text {
            "24:00" => Some(Time::midnight()),
            text => text.parse::<Time>().ok(),
        };
        let (from, to) = span.split_once('-').ok_or_else(wrong)?;
        let hours = Self {
            zone: zone.to_owned(),
            days: chosen,
            from: clock(from).ok_or_else(wrong)?,
            to: clock(to).ok_or_else(wrong)?,
        };
        match hours.check() {
            None => Ok(hours),
            Some(text) => Err(text),
        }
    }

    /// The line that [`parse`](Self::parse) reads.
    pub fn line(&self) -> String {
        let clock = |at: Time| format!("{:02}:{:02}", at.hour(), at.minute());
        let days: Vec<&str> = self.named().map(|day| day.1).collect();
        format!(
            "{} {}-{} {}",
            days.join(","),
            clock(self.from),
            clock(self.to),
            self.zone
        )
    }

    /// The hours as a window that comes every week.
    pub fn window(&self) -> Option<Window> {
        // Hours have no beginning: a Monday before all that Slipway does.
        let monday = date(2018, 1, 1);
        let days: Vec<&str> = self.named().map(|day| day.0).collect();
        let ends = if self.to > self.from {
            monday
        } else {
            monday.checked_add(1.day()).ok()?
        };
        Some(Window {
            zone: self.zone.clone(),
            start: monday.to_datetime(self.from),
            end: ends.to_datetime(self.to),
            repeats: format!("FREQ=WEEKLY;BYDAY={}", days.join(",")).parse().ok(),
        })
    }

    /// As in `Mon, Tue 09:00–17:00 (Asia/Shanghai)`.
    pub fn text(&self) -> Text {
        let clock = |at: Time| format!("{:02}:{:02}", at.hour(), at.minute());
        let rest = format!("{}–{} ({})", clock(self.from), clock(self.to), self.zone);
        let days = |pick: fn(&(&'static str, &'static str, &'static str)) -> &'static str, between: &str| {
            self.named().map(pick).collect::<Vec<_>>().join(between)
        };
        Text::new(
            format!("{} {rest}", days(|d| d.1, ", ")),
            format!("{} {rest}", days(|d| d.2, "、")),
        )
    }
}

/// Why nothing starts at an instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocker {
    /// In one line.
    pub text: Text,
    /// When this one is over; `None`: nobody can tell.
    pub until: Option<Timestamp>,
}

/// The freezes, and the times that alone are allowed, that stand in the way at an instant: all of them. `freezes` are
/// those of the organization, the project and the app together.
pub fn blockers(freezes: &[Freeze], tier: Tier, at: Timestamp) -> Vec<Blocker> {
    let concerned = || freezes.iter().filter(|freeze| freeze.concerns(tier));
    let mut found: Vec<Blocker> = concerned()
        .filter(|freeze| freeze.effect == Effect::Deny)
        .filter_map(|freeze| Some((freeze, freeze.window.around(at)?)))
        .map(|(freeze, span)| {
            let level = freeze.level.text();
            let (why, because) = match freeze.reason.as_str() {
                "" => (String::new(), String::new()),
                why => (format!(": {why}"), format!("：{why}")),
            };
            Blocker {
                text: Text::new(
                    format!("frozen by “{}” ({}){why}", freeze.name, level.en),
                    format!("“{}”封网中（{}）{because}", freeze.name, level.zh),
                ),
                until: Some(span.to),
            }
        })
        .collect();
    let allowed: Vec<&Freeze> = concerned()
        .filter(|freeze| freeze.effect == Effect::Allow)
        .collect();
    let windows: Vec<&Window> = allowed.iter().map(|freeze| &freeze.window).collect();
    if let Some(Outside { until }) = outside(&windows, at) {
        let names: Vec<&str> = allowed.iter().map(|freeze| freeze.name.as_str()).collect();
        let names = names.join(", ");
        found.push(Blocker {
            text: Text::new(
                format!("outside of the release windows ({names})"),
                format!("不在发布窗口内（{names}）"),
            ),
            until,
        });
    }
    found
}

/// That the instant is in none of the windows.
struct Outside {
    /// When the next one opens.
    until: Option<Timestamp>,
}

/// Whether the instant is in none of the windows. No windows: nothing is asked.
fn outside(windows: &[&Window], at: Timestamp) -> Option<Outside> {
    if windows.is_empty() || windows.iter().any(|window| window.around(at).is_some()) {
        return None;
    }
    let next = windows.iter().filter_map(|window| window.next(at));
    Some(Outside {
        until: next.map(|span| span.from).min(),
    })
}

/// What allowed hours say at an instant; `None`: nothing against it.
pub fn out_of_hours(hours: &[Hours], at: Timestamp) -> Option<Blocker> {
    let windows: Vec<Window> = hours.iter().filter_map(Hours::window).collect();
    let Outside { until } = outside(&windows.iter().collect::<Vec<_>>(), at)?;
    let join = |pick: fn(Text) -> String| {
        hours
            .iter()
            .map(|h| pick(h.text()))
            .collect::<Vec<_>>()
            .join("; ")
    };
    let (en, zh) = (join(|t| t.en), join(|t| t.zh));
    Some(Blocker {
        text: Text::new(
            format!("outside of the allowed hours: {en}"),
            format!("不在允许的部署时间内：{zh}"),
        ),
        until,
    })
}

/// The first instant, `now` or later, at which neither freezes nor hours stand in the way: what is shown as the opening
/// where several overlap. `None`: there is none that anybody can tell.
pub fn opens_at(freezes: &[Freeze], hours: &[Hours], tier: Tier, now: Timestamp) -> Option<Timestamp> {
    const MOST: usize = 1_000;
    let mut at = now;
    for _ in 0..MOST {
        let mut all = blockers(freezes, tier, at);
        all.extend(out_of_hours(hours, at));
        if all.is_empty() {
            return Some(at);
        }
        let ends: Option<Vec<Timestamp>> = all.iter().map(|blocker| blocker.until).collect();
        at = ends?.into_iter().max().filter(|end| *end > at)?;
        if at.since(now) > HORIZON {
            return None;
        }
    }
    None
}

/// A freeze window as its page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FreezeView {
    /// The window.
    pub freeze: Freeze,
    /// Where it was made.
    pub place: Place,
    /// Who made it.
    pub made_by: Option<PersonRef>,
    /// Whether it holds now, and until when.
    pub now: Option<Span>,
    /// Its next occurrences, up to five.
    pub next: Vec<Span>,
    /// Whether the reader may change it.
    pub may_edit: bool,
}

/// A day of the calendar with the windows that touch it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarDay {
    /// The day, as in `2026-12-24`.
    pub date: String,
    /// Whether it is in the month that is shown.
    pub within: bool,
    /// The windows, by their places among [`FreezeCalendar::freezes`].
    pub freezes: Vec<usize>,
}

/// The freeze windows of a place and those above it, with a month of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FreezeCalendar {
    /// Where.
    pub place: Place,
    /// The month that is shown, as in `2026-12`.
    pub month: String,
    /// The month before.
    pub before: String,
    /// The month after.
    pub after: String,
    /// The zone that the days are in.
    pub zone: String,
    /// The windows.
    pub freezes: Vec<FreezeView>,
    /// Whole weeks, Monday first.
    pub days: Vec<CalendarDay>,
    /// Whether the reader may make windows here.
    pub may_edit: bool,
}

/// The weeks of a month (`2026-12`) in a zone, with what touches each day; `None`: no such month.
pub fn calendar(freezes: &[FreezeView], month: &str, zone: &TimeZone) -> Option<Vec<CalendarDay>> {
    let first: jiff::civil::Date = format!("{month}-01").parse().ok()?;
    let from = first
        .checked_sub(i32::from(first.weekday().to_monday_zero_offset()).days())
        .ok()?;
    let last = first.last_of_month();
    let to = last
        .checked_add(i32::from(6 - last.weekday().to_monday_zero_offset()).days())
        .ok()?;
    let midnight = |day: jiff::civil::Date| instant(zone, day.to_datetime(Time::midnight()), false);
    let all: Vec<Vec<Span>> = freezes
        .iter()
        .map(|view| {
            Some(
                view.freeze
                    .window
                    .spans(midnight(from)?, midnight(to.tomorrow().ok()?)?),
            )
        })
        .map(Option::unwrap_or_default)
        .collect();
    from.series(1.day())
        .take_while(|day| *day <= to)
        .map(|day| {
            let (begin, end) = (midnight(day)?, midnight(day.tomorrow().ok()?)?);
            let touches = |spans: &Vec<Span>| spans.iter().any(|span| span.from < end && begin < span.to);
            Some(CalendarDay {
                date: day.to_string(),
                within: day.month() == first.month(),
                freezes: (0..all.len()).filter(|i| touches(&all[*i])).collect(),
            })
        })
        .collect()
}
