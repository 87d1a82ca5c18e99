//! When schedules run, judged by trying every minute.

use jiff::tz::TimeZone;
use proptest::prelude::*;
use slipway_domain::schedule::ZONES;
use slipway_domain::schedule::cron::Cron;
use slipway_domain::time::{MINUTE, Timestamp};
use std::collections::BTreeSet;

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).expect("an instant")
}

fn next(cron: &str, zone: &str, now: &str) -> Vec<String> {
    let cron = Cron::parse(cron, zone).expect("it is taken");
    cron.next(at(now), 5).into_iter().map(|time| time.local).collect()
}

#[test]
fn the_next_times_are_by_the_clocks_of_the_zone() {
    assert_eq!(
        next("30 2 * * 1-5", "Asia/Shanghai", "2026-11-27T12:00:00Z"),
        [
            "2026-11-30 02:30 +08:00",
            "2026-12-01 02:30 +08:00",
            "2026-12-02 02:30 +08:00",
            "2026-12-03 02:30 +08:00",
            "2026-12-04 02:30 +08:00"
        ]
    );
    assert_eq!(
        next("0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z")[0],
        "2028-02-29 00:00 +00:00"
    );
    assert!(
        next("0 0 30 2 *", "UTC", "2026-01-01T00:00:00Z").is_empty(),
        "never"
    );
}

#[test]
fn what_the_clocks_jump_over_does_not_come_and_what_they_show_twice_comes_twice() {
    let spring = next("30 2 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z");
    assert_eq!(
        spring[..3],
        [
            "2026-03-28 02:30 +01:00",
            "2026-03-30 02:30 +02:00",
            "2026-03-31 02:30 +02:00"
        ]
    );
    let autumn = next("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z");
    assert_eq!(
        autumn[..3],
        [
            "2026-10-25 02:30 +02:00",
            "2026-10-25 02:30 +01:00",
            "2026-10-26 02:30 +01:00"
        ]
    );
}

#[test]
fn days_of_month_and_week_are_either_when_both_are_chosen() {
    // 1 December 2026 is a Tuesday.
    let either = next("0 6 10 * 1", "UTC", "2026-12-01T00:00:00Z");
    assert_eq!(either[0], "2026-12-07 06:00 +00:00");
    assert_eq!(either[1], "2026-12-10 06:00 +00:00");
    // A step is a choice, too.
    let stepped = next("0 6 */10 * 1", "UTC", "2026-12-01T12:00:00Z");
    assert_eq!(
        stepped[..2],
        ["2026-12-07 06:00 +00:00", "2026-12-11 06:00 +00:00"]
    );
}

#[test]
fn what_is_wrong_is_said_by_its_field() {
    let wrong = |cron: &str, zone: &str| Cron::parse(cron, zone).expect_err(cron);
    for (cron, field) in [
        ("60 * * * *", "minute"),
        ("* 24 * * *", "hour"),
        ("* * 0 * *", "day of the month"),
        ("* * * 13 *", "month"),
        ("* * * foo *", "month"),
        ("* * * * 8", "day of the week"),
        ("*/0 * * * *", "minute"),
        ("1,,2 * * * *", "minute"),
        ("* * L * *", "day of the month"),
        ("* * 1W * *", "day of the month"),
        ("* * * * 5#3", "day of the week"),
        ("H * * * *", "minute"),
    ] {
        let error = wrong(cron, "UTC");
        assert!(
            error.cron.expect(cron).en.contains(&format!("is no {field}:")),
            "{cron}"
        );
        assert!(error.zone.is_none());
    }
    for cron in ["", "* * * *", "* * * * * *", "@daily"] {
        assert!(
            wrong(cron, "UTC")
                .cron
                .expect(cron)
                .en
                .starts_with("write five fields")
        );
    }
    for zone in ["", "Mars/Olympus", "Beijing", "UTC UTC", "+08:00"] {
        assert!(wrong("* * * * *", zone).zone.is_some(), "{zone}");
    }
    let both = wrong("x", "y");
    assert!(both.cron.is_some() && both.zone.is_some());
}

#[test]
fn every_zone_that_is_offered_is_taken() {
    for zone in ZONES {
        assert_eq!(Cron::parse("0 0 * * *", zone).expect(zone).zone(), *zone);
    }
    assert_eq!(
        Cron::parse("0 0 * * *", "asia/shanghai").unwrap().zone(),
        "Asia/Shanghai"
    );
}

/// One field as written, and the numbers that it means.
#[derive(Clone, Debug)]
struct Written {
    text: String,
    takes: BTreeSet<i8>,
    all: bool,
}

fn field(from: i8, to: i8) -> impl Strategy<Value = Written> {
    prop_oneof![
        2 => Just(Written { text: String::from("*"), takes: (from..=to).collect(), all: true }),
        2 => prop::collection::btree_set(from..=to, 1..4).prop_map(|takes| Written {
            text: takes.iter().map(i8::to_string).collect::<Vec<_>>().join(","),
            takes,
            all: false,
        }),
        1 => (2..=7i8).prop_map(move |step| Written {
            text: format!("*/{step}"),
            takes: (from..=to).filter(|n| (n - from) % step == 0).collect(),
            all: false,
        }),
        1 => (from..=to, from..=to).prop_map(|(a, b)| Written {
            text: format!("{}-{}", a.min(b), a.max(b)),
            takes: (a.min(b)..=a.max(b)).collect(),
            all: false,
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Trying every minute of three weeks finds the same times, across changes of the clocks.
    #[test]
    fn every_minute_that_fits_and_no_other(
        minute in field(0, 59),
        hour in field(0, 23),
        day in field(1, 31),
        month in field(1, 12),
        week in field(0, 6),
        zone in prop::sample::select(vec![
            "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "America/Santiago", "Asia/Kathmandu", "UTC",
        ]),
        // Near changes of the clocks, in minutes since 2026-03-01 and since 2026-10-20.
        start in prop_oneof![29_538_720i64..29_580_000, 29_874_240i64..29_890_000],
    ) {
        let text = [&minute, &hour, &day, &month, &week].map(|field| field.text.as_str()).join(" ");
        let cron = Cron::parse(&text, zone).expect("it is taken");
        let now = Timestamp(start * MINUTE + 17_000_000);
        let found: Vec<i64> = cron.next(now, 4).iter().map(|time| time.at.micros()).collect();

        let tz = TimeZone::get(zone).unwrap();
        let days = |local: &jiff::Zoned| {
            let (by_date, by_week) = (
                day.takes.contains(&local.day()),
                week.takes.contains(&local.weekday().to_sunday_zero_offset()),
            );
            if day.all || week.all { by_date && by_week } else { by_date || by_week }
        };
        let mut tried = Vec::new();
        for step in 1..=21 * 24 * 60 {
            let at = (start + step) * MINUTE;
            let local = jiff::Timestamp::from_microsecond(at).unwrap().to_zoned(tz.clone());
            if minute.takes.contains(&local.minute())
                && hour.takes.contains(&local.hour())
                && month.takes.contains(&local.month())
                && days(&local)
            {
                tried.push(at);
                if tried.len() == found.len() { break; }
            }
        }
        prop_assert_eq!(&found[..tried.len()], &tried[..], "{} in {}", text, zone);
        // What was found beyond the three weeks is not earlier than them.
        for later in &found[tried.len()..] {
            prop_assert!(*later > (start + 21 * 24 * 60) * MINUTE);
        }
    }

    /// No text makes it panic.
    #[test]
    fn no_text_breaks_it(cron in ".{0,30}", zone in ".{0,12}") {
        if let Ok(cron) = Cron::parse(&cron, &zone) {
            let _ = cron.next(at("2026-11-30T00:00:00Z"), 2);
        }
    }
}
