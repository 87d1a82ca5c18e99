//! Windows open and close when a clock on the wall there says so.

use jiff::civil::{DateTime, Time, time};
use proptest::prelude::*;
use slipway_domain::access::ScopeKind;
use slipway_domain::environment::Tier;
use slipway_domain::freeze::{
    Effect, Freeze, FreezeView, Hours, Recurrence, Span, Window, blockers, calendar, opens_at, out_of_hours,
    zone,
};
use slipway_domain::id::{FreezeId, OrgId, TypedId};
use slipway_domain::org::OrgRef;
use slipway_domain::project::Place;
use slipway_domain::time::{DAY, HOUR, MINUTE, Timestamp};
use uuid::Uuid;

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).expect("an instant")
}

fn window(zone: &str, start: &str, end: &str, repeats: Option<&str>) -> Window {
    Window {
        zone: zone.to_owned(),
        start: start.parse().expect("a local time"),
        end: end.parse().expect("a local time"),
        repeats: repeats.map(|rule| rule.parse().expect("a rule")),
    }
}

fn freeze(name: &str, level: ScopeKind, effect: Effect, window: Window) -> Freeze {
    Freeze {
        id: FreezeId::from_uuid(Uuid::from_u128(1)),
        level,
        name: name.to_owned(),
        reason: String::new(),
        effect,
        window,
        tiers: Vec::new(),
    }
}

/// Expanded by python-dateutil 2.9, the first of them the examples of RFC 5545, 3.8.5.3: rule, start, and the first
/// twelve occurrences within twelve years. `BYSETPOS` of weeks is left out: dateutil counts positions of the first week from
/// the start on, RFC 5545 those of the whole week.
#[test]
fn rules_recur_as_another_implementation_has_it() {
    let cases = include_str!("dateutil.tsv");
    let mut read = 0;
    for line in cases.lines() {
        let mut parts = line.split('\t');
        let (Some(rule), Some(start), Some(expected)) = (parts.next(), parts.next(), parts.next()) else {
            panic!("{line}")
        };
        let parsed: Recurrence = rule.parse().unwrap_or_else(|e| panic!("{rule}: {e}"));
        let start: DateTime = start.parse().expect("a start");
        let expected: Vec<DateTime> = expected
            .split_whitespace()
            .map(|d| d.parse().expect("a time"))
            .collect();
        let to = start.checked_add(jiff::ToSpan::days(366 * 12)).expect("a limit");
        let utc = zone("UTC").expect("a zone");
        let mut found = parsed.starts(start, &utc, start, to);
        // Beginning later finds the same.
        if let Some(middle) = found.get(found.len() / 2).copied() {
            let later: Vec<_> = found.iter().copied().filter(|d| *d >= middle).collect();
            assert_eq!(
                parsed.starts(start, &utc, middle, to),
                later,
                "{rule} from {middle}"
            );
        }
        found.truncate(12);
        assert_eq!(found, expected, "{rule} from {start}");
        read += 1;
    }
    assert!(read > 600);
}

#[test]
fn what_is_not_understood_is_refused_and_never_ignored() {
    for rule in [
        "",
        "BYDAY=MO",
        "FREQ=HOURLY",
        "FREQ=WEEKLY;BYHOUR=3",
        "FREQ=DAILY;COUNT=3;UNTIL=20260101",
        "FREQ=WEEKLY;BYDAY=1MO",
        "FREQ=MONTHLY;BYDAY=XX",
        "FREQ=MONTHLY;BYMONTHDAY=32",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=WEEKLY;BYMONTHDAY=1",
        "FREQ=YEARLY;BYWEEKNO=20",
        "FREQ=DAILY;UNTIL=tomorrow",
    ] {
        assert!(rule.parse::<Recurrence>().is_err(), "{rule}");
    }
    let read: Recurrence = "RRULE:freq=weekly;byday=fr".parse().expect("a rule");
    assert_eq!(read.as_str(), "FREQ=WEEKLY;BYDAY=FR");
}

#[test]
fn a_window_is_in_its_own_zone() {
    let night = window("Asia/Shanghai", "2026-02-10T22:00", "2026-02-11T06:00", None);
    let span = night.around(at("2026-02-10T20:00:00Z")).expect("it is on");
    assert_eq!(
        (span.from, span.to),
        (at("2026-02-10T14:00:00Z"), at("2026-02-10T22:00:00Z"))
    );
    assert!(night.around(at("2026-02-10T13:59:59Z")).is_none());
    assert!(night.around(at("2026-02-10T22:00:00Z")).is_none());
    assert!(window("Mars/Olympus", "2026-02-10T22:00", "2026-02-11T06:00", None).check()[0].field == "zone");
    assert!(window("UTC", "2026-02-10T22:00", "2026-02-10T22:00", None).check()[0].field == "end");
}

/// In Berlin 2026-03-29 02:00 is 03:00, and 2026-10-25 03:00 is 02:00.
#[test]
fn a_skipped_hour_opens_late_and_a_repeated_hour_closes_at_its_last_end() {
    let nightly = window(
        "Europe/Berlin",
        "2026-01-01T02:30",
        "2026-01-01T04:00",
        Some("FREQ=DAILY"),
    );
    let spring = nightly.next(at("2026-03-28T12:00:00Z")).expect("one");
    assert_eq!(
        (spring.from, spring.to),
        (at("2026-03-29T01:30:00Z"), at("2026-03-29T02:00:00Z"))
    );
    let until = window(
        "Europe/Berlin",
        "2026-01-01T01:00",
        "2026-01-01T02:30",
        Some("FREQ=DAILY"),
    );
    let autumn = until.next(at("2026-10-24T12:00:00Z")).expect("one");
    assert_eq!(
        (autumn.from, autumn.to),
        (at("2026-10-24T23:00:00Z"), at("2026-10-25T01:30:00Z"))
    );
    // A window that lies in the skipped hour altogether still has its length; one in the repeated hour has it twice.
    let inside = window(
        "Europe/Berlin",
        "2026-03-28T02:10",
        "2026-03-28T02:50",
        Some("FREQ=DAILY"),
    );
    let skipped = inside.next(at("2026-03-28T12:00:00Z")).expect("one");
    assert_eq!(skipped.to.since(skipped.from), 40 * MINUTE);
    let repeated = inside.next(at("2026-10-24T12:00:00Z")).expect("one");
    assert_eq!(repeated.to.since(repeated.from), HOUR + 40 * MINUTE);
}

#[test]
fn all_that_blocks_is_named_and_the_opening_is_when_nothing_does() {
    let freezes = [
        freeze(
            "year end",
            ScopeKind::Org,
            Effect::Deny,
            window("UTC", "2026-12-20T00:00", "2027-01-04T00:00", None),
        ),
        freeze(
            "stocktaking",
            ScopeKind::Project,
            Effect::Deny,
            window("UTC", "2026-12-30T00:00", "2027-01-06T00:00", None),
        ),
        // It follows at once: the opening is behind it.
        freeze(
            "audit",
            ScopeKind::App,
            Effect::Deny,
            window("UTC", "2027-01-06T00:00", "2027-01-07T12:00", None),
        ),
        freeze(
            "release train",
            ScopeKind::Project,
            Effect::Allow,
            window("UTC", "2026-01-05T00:00", "2026-01-07T00:00", Some("FREQ=WEEKLY")),
        ),
    ];
    let now = at("2027-01-01T00:00:00Z");
    let found = blockers(&freezes, Tier::Production, now);
    assert_eq!(found.len(), 3, "two freezes, and outside of the train: {found:?}");
    assert!(found[0].text.en.contains("year end") && found[0].text.en.contains("organization"));
    assert_eq!(found[1].until, Some(at("2027-01-06T00:00:00Z")));
    // The train runs on Monday and Tuesday: the first one that no freeze is in is that of the 11th.
    assert_eq!(
        opens_at(&freezes, &[], Tier::Production, now),
        Some(at("2027-01-11T00:00:00Z"))
    );
    // Deny wins inside of an allowed window.
    let in_train = at("2026-12-28T10:00:00Z");
    assert_eq!(blockers(&freezes, Tier::Production, in_train).len(), 1);
}

#[test]
fn a_freeze_of_some_tiers_leaves_the_others_alone() {
    let mut one = freeze(
        "live only",
        ScopeKind::Org,
        Effect::Deny,
        window("UTC", "2026-01-01T00:00", "2027-01-01T00:00", None),
    );
    one.tiers = vec![Tier::Production];
    let now = at("2026-06-01T00:00:00Z");
    assert!(blockers(std::slice::from_ref(&one), Tier::Testing, now).is_empty());
    assert_eq!(blockers(&[one], Tier::Production, now).len(), 1);
}

#[test]
fn what_never_opens_says_so() {
    let only = freeze(
        "once",
        ScopeKind::Org,
        Effect::Allow,
        window("UTC", "2026-01-01T00:00", "2026-01-02T00:00", None),
    );
    let now = at("2026-06-01T00:00:00Z");
    assert_eq!(
        blockers(std::slice::from_ref(&only), Tier::Production, now)[0].until,
        None
    );
    assert_eq!(opens_at(&[only], &[], Tier::Production, now), None);
}

#[test]
fn allowed_hours_are_of_the_clock_there() {
    let office = Hours {
        zone: String::from("Asia/Shanghai"),
        days: vec![1, 2, 3, 4, 5],
        from: time(9, 0, 0, 0),
        to: time(18, 0, 0, 0),
    };
    // 2026-03-06 is a Friday.
    assert!(out_of_hours(std::slice::from_ref(&office), at("2026-03-06T01:00:00Z")).is_none());
    let evening = out_of_hours(std::slice::from_ref(&office), at("2026-03-06T10:00:00Z")).expect("closed");
    assert_eq!(evening.until, Some(at("2026-03-09T01:00:00Z")));
    assert!(
        evening
            .text
            .en
            .contains("Mon, Tue, Wed, Thu, Fri 09:00–18:00 (Asia/Shanghai)")
    );
    let night = Hours {
        zone: String::from("UTC"),
        days: vec![5],
        from: time(22, 0, 0, 0),
        to: Time::midnight(),
    };
    assert!(out_of_hours(std::slice::from_ref(&night), at("2026-03-06T23:59:59Z")).is_none());
    assert!(out_of_hours(&[night], at("2026-03-07T00:00:00Z")).is_some());
    assert!(
        Hours {
            days: vec![],
            ..office
        }
        .check()
        .is_some()
    );
}

#[test]
fn hours_are_written_as_a_line() {
    let office = Hours::parse("Mon-Fri 09:00-18:00 Asia/Shanghai").expect("hours");
    assert_eq!(
        (office.days.as_slice(), office.from),
        ([1, 2, 3, 4, 5].as_slice(), time(9, 0, 0, 0))
    );
    assert_eq!(Hours::parse(&office.line()).expect("its own line"), office);
    let nights = Hours::parse("sat-mon,Wed 22:00-24:00 UTC").expect("hours");
    assert_eq!(
        (nights.days.as_slice(), nights.to),
        ([1, 3, 6, 7].as_slice(), Time::midnight())
    );
    for line in [
        "",
        "Mon",
        "Mon 9-18 UTC",
        "Mon 09:00-18:00 Moon/Base",
        "Xyz 09:00-18:00 UTC",
        "Mon 09:00-18:00 UTC now",
    ] {
        assert!(Hours::parse(line).is_err(), "{line}");
    }
}

#[test]
fn the_calendar_has_whole_weeks_and_every_day_a_window_touches() {
    let shown = FreezeView {
        freeze: freeze(
            "f",
            ScopeKind::Org,
            Effect::Deny,
            window("Asia/Shanghai", "2026-12-24T18:00", "2026-12-26T00:00", None),
        ),
        place: Place {
            org: OrgRef {
                id: OrgId::from_uuid(Uuid::nil()),
                slug: String::new(),
                name: String::new(),
                archived: false,
            },
            project: None,
            app: None,
        },
        made_by: None,
        now: None,
        next: Vec::new(),
        may_edit: false,
    };
    let days = calendar(&[shown], "2026-12", &zone("Asia/Shanghai").expect("a zone")).expect("a month");
    assert_eq!(
        (days.len() % 7, days[0].date.as_str(), days[0].within),
        (0, "2026-11-30", false)
    );
    let touched: Vec<&str> = days
        .iter()
        .filter(|d| !d.freezes.is_empty())
        .map(|d| d.date.as_str())
        .collect();
    assert_eq!(touched, ["2026-12-24", "2026-12-25"]);
    assert!(calendar(&[], "2026-13", &zone("UTC").expect("a zone")).is_none());
}

fn any_window() -> impl Strategy<Value = Window> {
    let zones = proptest::sample::select(vec![
        "UTC",
        "Europe/Berlin",
        "Asia/Shanghai",
        "America/New_York",
        "Australia/Lord_Howe",
    ]);
    let rules = proptest::sample::select(vec![
        None,
        Some("FREQ=DAILY"),
        Some("FREQ=WEEKLY;BYDAY=SA,SU"),
        Some("FREQ=MONTHLY;BYDAY=-1FR"),
        Some("FREQ=DAILY;INTERVAL=3;COUNT=40"),
    ]);
    (zones, rules, 0..(300 * 24_i64), 1..60_i64).prop_map(|(zone, rule, hour, lasts)| {
        let base: DateTime = "2026-01-01T00:30".parse().expect("a time");
        let start = base.checked_add(jiff::ToSpan::hours(hour)).expect("a start");
        Window {
            zone: zone.to_owned(),
            start,
            end: start.checked_add(jiff::ToSpan::hours(lasts)).expect("an end"),
            repeats: rule.map(|rule| rule.parse().expect("a rule")),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn around_and_next_agree_with_all_the_occurrences(window in any_window(), minute in 0..(400 * 24 * 60_i64)) {
        let now = at("2026-01-01T00:00:00Z").plus(minute * MINUTE);
        let all: Vec<Span> = window.spans(at("2025-06-01T00:00:00Z"), at("2029-01-01T00:00:00Z"));
        prop_assert_eq!(window.around(now).is_some(), all.iter().any(|span| span.has(now)));
        let next = all.iter().filter(|span| span.from > now).min_by_key(|span| span.from).copied();
        if next.is_some_and(|next| next.from.since(now) < 700 * DAY) {
            prop_assert_eq!(window.next(now), next);
        }
    }

    #[test]
    fn nothing_blocks_at_the_opening_and_something_does_up_to_it(
        deny in proptest::collection::vec(any_window(), 0..3),
        allow in proptest::collection::vec(any_window(), 0..2),
        minute in 0..(300 * 24 * 60_i64),
        probe in 0.0..1.0_f64,
    ) {
        let now = at("2026-01-01T00:00:00Z").plus(minute * MINUTE);
        let freezes: Vec<Freeze> = deny.into_iter().map(|w| freeze("d", ScopeKind::Org, Effect::Deny, w))
            .chain(allow.into_iter().map(|w| freeze("a", ScopeKind::App, Effect::Allow, w)))
            .collect();
        let Some(opens) = opens_at(&freezes, &[], Tier::Production, now) else { return Ok(()) };
        prop_assert!(opens >= now);
        prop_assert!(blockers(&freezes, Tier::Production, opens).is_empty());
        #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a point in between")]
        let between = now.plus((opens.since(now) as f64 * probe) as i64);
        if between < opens {
            prop_assert!(!blockers(&freezes, Tier::Production, between).is_empty());
        }
    }
}
