//! Job logs, as runners write them and as nobody should.

use std::fmt::Write;

use proptest::prelude::*;
use slipway_domain::pipeline::log::{Color, LogParser, Style, first_error_line, parse};

fn plain(bytes: &[u8]) -> Vec<String> {
    parse(bytes)
        .lines
        .iter()
        .map(slipway_domain::pipeline::log::LogLine::text)
        .collect()
}

#[test]
fn colors_become_spans() {
    let log =
        parse(b"\x1b[32;1mok\x1b[0;m done \x1b[38;5;196mred\x1b[48;2;1;2;3mon\x1b[0m\n\x1b[91mbright\n");
    let spans: Vec<(&str, Style)> = log.lines[0]
        .spans
        .iter()
        .map(|span| (span.text.as_str(), span.style))
        .collect();
    let red = Color::Rgb(255, 0, 0);
    assert_eq!(
        spans,
        [
            (
                "ok",
                Style {
                    fg: Some(Color::Named(2)),
                    bold: true,
                    ..Style::default()
                }
            ),
            (" done ", Style::default()),
            (
                "red",
                Style {
                    fg: Some(red),
                    ..Style::default()
                }
            ),
            (
                "on",
                Style {
                    fg: Some(red),
                    bg: Some(Color::Rgb(1, 2, 3)),
                    ..Style::default()
                }
            ),
        ]
    );
    assert_eq!(log.lines[1].spans[0].style.fg, Some(Color::Named(9)));
}

#[test]
fn other_escapes_and_control_characters_go_away() {
    assert_eq!(
        plain(b"a\x1b[2Kb\x1b[1;1Hc\x1b]0;title\x07d\x1b(Be\x00f\x08g\x7f\n"),
        ["abcdefg"]
    );
    assert_eq!(
        plain(b"cut \x1b[3\nnext \x1b\nlast \x1b]8;;x\n"),
        ["cut ", "next ", "last 8;;x"]
    );
    assert_eq!(plain(b"bad \xff\xfe utf\n"), ["bad \u{fffd}\u{fffd} utf"]);
}

#[test]
fn a_carriage_return_starts_the_line_anew() {
    assert_eq!(plain(b"10%\r50%\r100%\r\nnext\r\n"), ["100%", "next"]);
    assert_eq!(plain(b"kept\r"), ["kept"]);
}

#[test]
fn markup_stays_text() {
    assert_eq!(
        plain(b"<script>alert(1)</script>&amp;"),
        ["<script>alert(1)</script>&amp;"]
    );
}

#[test]
fn sections_fold() {
    let log = parse(
        b"before\n\x1b[0Ksection_start:1560896352:prepare[collapsed=true]\r\x1b[0KPreparing\none\n\
          \x1b[0Ksection_start:1560896353:inner\r\x1b[0KInner\ntwo\n\
          \x1b[0Ksection_end:1560896355:inner\r\x1b[0K\x1b[0Ksection_end:1560896360:prepare\r\x1b[0K\nafter\n",
    );
    let lines: Vec<(String, Option<&str>)> = log
        .lines
        .iter()
        .map(|line| (line.text(), line.section.as_deref()))
        .collect();
    assert_eq!(
        lines,
        [
            ("before".to_owned(), None),
            ("Preparing".to_owned(), Some("prepare")),
            ("one".to_owned(), Some("prepare")),
            ("Inner".to_owned(), Some("inner")),
            ("two".to_owned(), Some("inner")),
            ("after".to_owned(), None),
        ]
    );
    let head = log.lines[1].opens.as_ref().expect("a head");
    assert!(head.collapsed && head.started == 1_560_896_352);
    let ranges: Vec<_> = log
        .sections
        .iter()
        .map(|one| (one.first, one.last, one.duration))
        .collect();
    assert_eq!(ranges, [(2, Some(5), Some(8)), (4, Some(5), Some(2))]);
}

#[test]
fn a_marker_in_the_middle_of_a_line_is_text() {
    assert_eq!(plain(b"echo section_start:1:x\n"), ["echo section_start:1:x"]);
    assert_eq!(plain(b"section_start:soon:x\n"), ["section_start:soon:x"]);
}

#[test]
fn stamps_of_the_runner_are_taken_off() {
    let log = parse(
        b"2026-01-31T08:00:00.123456Z 00O hello \n2026-01-31T08:00:00.223456Z 00O+world\n2026-01-31T08:00:01.000000Z 01E oops\n",
    );
    assert_eq!(log.lines[0].text(), "hello world");
    assert_eq!(log.lines[0].time.as_deref(), Some("2026-01-31T08:00:00.123456Z"));
    assert_eq!(log.lines[1].text(), "oops");
    assert_eq!(log.lines.len(), 2);
}

#[test]
fn a_very_long_line_continues_on_the_next() {
    let wide = "é".repeat(20_000);
    let log = parse(wide.as_bytes());
    assert!(
        log.lines
            .iter()
            .all(|line| line.text().len() <= LogParser::LONGEST_LINE)
    );
    let all: String = log
        .lines
        .iter()
        .map(slipway_domain::pipeline::log::LogLine::text)
        .collect();
    assert_eq!(all, wide);
}

#[test]
fn the_first_error_is_found() {
    let first = |text: &str| first_error_line(&parse(text.as_bytes()).lines);
    assert_eq!(
        first("ok\nsrc/a.rs:1: error: no\nERROR: Job failed: exit code 1\n"),
        Some(2)
    );
    assert_eq!(
        first("0 failed\n\nnpm ERR! code 1\nERROR: Job failed: exit code 1\n"),
        Some(3)
    );
    assert_eq!(
        first("test a ... FAILED\nERROR: Job failed: exit code 101\n"),
        Some(1)
    );
    assert_eq!(first("quiet\nERROR: Job failed: exit code 1\n"), Some(2));
    assert_eq!(first("Traceback (most recent call last):\n  x\n"), Some(1));
    assert_eq!(first("0 errors\nall well\n"), None);
}

/// Bytes that look like a log more often than random ones do.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            &b"\x1b["[..],
            b"\x1b]",
            b"\x1b",
            b"m",
            b"31;1m",
            b"\x1b[38;5;",
            b"\r",
            b"\n",
            b"section_start:1:a\r",
            b"section_end:2:a\r\x1b[0K",
            b"\x1b[0K",
            b"2026-01-31T08:00:00.123456Z 00O+",
            b"\xe4\xb8",
            b"\0",
            b"text",
        ])
        .prop_map(<[u8]>::to_vec),
        prop::collection::vec(any::<u8>(), 0..20),
    ];
    prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_bytes_are_read(bytes in bytes()) {
        let log = parse(&bytes);
        for (index, line) in log.lines.iter().enumerate() {
            prop_assert_eq!(line.number, index + 1);
            prop_assert!(!line.text().chars().any(|c| c.is_ascii_control() && c != '\t'));
            prop_assert!(line.spans.iter().all(|span| !span.text.is_empty()));
        }
        for section in &log.sections {
            prop_assert!(section.last.is_none_or(|last| last >= section.first));
        }
        prop_assert!(first_error_line(&log.lines).is_none_or(|number| number <= log.lines.len()));
    }

    #[test]
    fn where_the_bytes_are_cut_does_not_matter(bytes in bytes(), cut in 0_usize..200) {
        let mut parser = LogParser::default();
        let (first, second) = bytes.split_at(cut.min(bytes.len()));
        parser.push(first);
        parser.push(second);
        prop_assert_eq!(parser.finish(), parse(&bytes));
    }

    #[test]
    fn handing_lines_out_on_the_way_changes_none_of_them(bytes in bytes(), size in 1_usize..50) {
        let mut parser = LogParser::default();
        let mut lines = Vec::new();
        for piece in bytes.chunks(size) {
            parser.push(piece);
            lines.append(&mut parser.take_lines());
            prop_assert_eq!(parser.taken(), lines.len());
            prop_assert!(parser.count() - parser.taken() <= 1);
        }
        lines.append(&mut parser.finish().lines);
        prop_assert_eq!(lines, parse(&bytes).lines);
    }
}

#[test]
fn twenty_megabytes_are_read() {
    let mut text = String::new();
    while text.len() < 20 * 1024 * 1024 {
        let number = text.len();
        let _ = writeln!(
            text,
            "\u{1b}[32m[{number}]\u{1b}[0m compiling crate number {number} of many, with a path/to/it"
        );
    }
    let log = parse(text.as_bytes());
    assert_eq!(log.lines.len(), text.lines().count());
}
