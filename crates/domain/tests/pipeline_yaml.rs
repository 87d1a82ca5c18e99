//! Whatever is written is read back the same, by a reader nobody here wrote.

use proptest::prelude::*;
use saphyr_parser::{Event, Parser, ScalarStyle};
use slipway_domain::pipeline::{Yaml, source};

/// Reads what [`Yaml::write`] wrote. Only plain scalars can be numbers and switches.
fn read(text: &str) -> Yaml {
    let mut events =
        Parser::new_from_str(text).map(|event| event.unwrap_or_else(|e| panic!("{e} in\n{text}")).0);
    loop {
        match events.next().expect("a document") {
            Event::StreamStart | Event::DocumentStart(_) => {}
            event => {
                let read = value(event, &mut events);
                assert_eq!(events.next(), Some(Event::DocumentEnd), "one document in\n{text}");
                return read;
            }
        }
    }
}

fn value<'a>(event: Event<'a>, events: &mut impl Iterator<Item = Event<'a>>) -> Yaml {
    match event {
        Event::Scalar(text, ScalarStyle::Plain, ..) => match &*text {
            "true" => Yaml::Bool(true),
            "false" => Yaml::Bool(false),
            plain => plain.parse().map_or_else(|_| Yaml::text(plain), Yaml::Int),
        },
        Event::Scalar(text, ..) => Yaml::text(text),
        Event::SequenceStart(..) => {
            let mut items = Vec::new();
            loop {
                match events.next().expect("an end") {
                    Event::SequenceEnd => return Yaml::List(items),
                    event => items.push(value(event, events)),
                }
            }
        }
        Event::MappingStart(..) => {
            let mut entries = Vec::new();
            loop {
                match events.next().expect("an end") {
                    Event::MappingEnd => return Yaml::Map(entries),
                    Event::Scalar(key, ..) => {
                        let event = events.next().expect("a value");
                        entries.push((key.into_owned(), value(event, events)));
                    }
                    other => panic!("a key that is no text: {other:?}"),
                }
            }
        }
        other => panic!("unexpected {other:?}"),
    }
}

/// Texts that readers of YAML like to misunderstand, and any others.
fn text() -> impl Strategy<Value = String> {
    let tricky = prop::sample::select(vec![
        "",
        " ",
        "\n",
        "\n\n",
        "a\n",
        "a\n\n",
        "\na",
        " a",
        "a ",
        "a\n ",
        "a\n b\n",
        "a \nb",
        "\ta",
        "a\tb\nc",
        "yes",
        "No",
        "~",
        "null",
        "1.0",
        "1_000",
        "0x1f",
        "0o7",
        "012",
        "1:30",
        ".5",
        ".inf",
        "-.INF",
        ".NaN",
        "1e3",
        "+1",
        "-",
        "- a",
        "a: b",
        "a:",
        ":a",
        "a #b",
        "#a",
        "&a",
        "*a",
        "!a",
        "|",
        ">",
        "%a",
        "@a",
        "`a",
        "\"a",
        "'a'",
        "{a",
        "[a",
        "a]",
        ",a",
        "?",
        "? a",
        "---",
        "--- a",
        "...",
        "<<",
        "=",
        "2026-01-31",
        "true",
        "订单: 服务",
        "emoji 🚢\n第二行",
        "\u{feff}x",
        "a\r\nb",
        "a\u{85}b",
        "a\u{2028}b",
        "\u{0}",
        "\u{1b}[31m",
        "a\\nb",
        "\u{202e}x",
        "\u{fffd}",
        "\u{10ffff}",
        "$A == \"b\"",
        "a\n\n\nb\n\n\n",
        "  indented\nless",
        "x\n\ty",
        "x\n#y",
        "x\n---\ny",
        "x\n...\ny",
        "trailing\n  \n",
    ]);
    prop_oneof![
        3 => tricky.prop_map(str::to_owned),
        2 => any::<String>(),
        2 => "[ a:#\\-\n\t'\"|>{}\\[\\]&*!%@`,?~.0-9]{0,24}",
        1 => "(\\PC{0,12}\n){0,5}\\PC{0,12}",
    ]
}

fn tree() -> impl Strategy<Value = Yaml> {
    let leaf = prop_oneof![
        6 => text().prop_map(Yaml::Text),
        1 => any::<i64>().prop_map(Yaml::Int),
        1 => any::<bool>().prop_map(Yaml::Bool),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        let list = prop::collection::vec(inner.clone(), 0..5).prop_map(Yaml::List);
        let map = prop::collection::btree_map(text(), inner, 0..5);
        prop_oneof![
            list,
            map.prop_map(|entries| Yaml::Map(entries.into_iter().collect()))
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn what_is_written_is_read_back(tree in tree()) {
        let written = tree.write();
        prop_assert!(written.ends_with('\n'));
        prop_assert_eq!(read(&written), tree, "written as\n{}", written);
    }

    #[test]
    fn what_is_written_passes_the_own_check(entries in prop::collection::btree_map(text(), tree(), 1..4)) {
        let written = Yaml::Map(entries.into_iter().collect()).write();
        prop_assert_eq!(source::check_source(&written), Ok(()), "written as\n{}", written);
    }
}

#[test]
fn common_lines_stay_without_quotes() {
    for plain in [
        "npm ci",
        "node:22",
        "$CI_COMMIT_TAG",
        "./gradlew build",
        "构建",
        "if [ -f x ]; then y; fi",
        "a:b",
        "a#b",
    ] {
        assert_eq!(Yaml::text(plain).write(), format!("{plain}\n"));
    }
}

#[test]
fn what_yaml_1_1_takes_for_something_else_is_quoted() {
    for word in [
        "yes",
        "Off",
        "y",
        "~",
        "null",
        "1.0",
        "12:30:45",
        "0777",
        "1_000",
        "2026-01-31",
        ".inf",
        "=",
        "<<",
        "+1",
    ] {
        assert_eq!(Yaml::text(word).write(), format!("'{word}'\n"));
    }
}

#[test]
fn a_text_alone_may_contain_what_ends_a_document() {
    for text in ["x\n...\ny", "x\n---\ny"] {
        assert_eq!(read(&Yaml::text(text).write()), Yaml::text(text));
    }
}
