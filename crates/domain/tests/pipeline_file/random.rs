//! Files nobody wrote: valid ones, and broken ones.

use std::fmt::Write;

use proptest::prelude::*;
use slipway_domain::pipeline::file::{Assignment, edit, import, is_refused, lint, tree};
use slipway_domain::pipeline::source::check_source;

use super::import::whole;
use super::{corpus, fixtures};

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,8}",
        "[a-z][a-z0-9_./:-]{0,10}[a-z0-9]",
        "[\u{4e00}-\u{4e20}]{1,4}",
        Just("it's \"x\" # : y".to_owned())
    ]
}

/// A scalar as it can stand after `key: `, at a column of 4 or less.
fn scalar() -> impl Strategy<Value = String> {
    let quoted = word().prop_map(|text| format!("'{}'", text.replace('\'', "''")));
    let double = word().prop_map(|text| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")));
    let heads = prop::sample::select(vec!["|", "|-", "|+", ">", ">-", ">+", "|2-"]);
    let block = (heads, prop::collection::vec(word(), 1..4), 0..3_usize).prop_map(|(head, lines, blank)| {
        format!(
            "{head}\n          {}{}",
            lines.join("\n\n          "),
            "\n".repeat(blank)
        )
    });
    let head = block.prop_map(|text| text.replace("|2-", "|-"));
    prop_oneof![
        // No word that means something else, such as "no".
        "[a-z]{0,7}z",
        "[a-z]{1,8} [a-z]{1,8}\n            [a-z]{1,8}",
        quoted,
        double,
        head,
    ]
}

fn comment() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        word().prop_map(|text| format!(" # {text}")),
        Just("\t# tab".to_owned())
    ]
}

fn job() -> impl Strategy<Value = String> {
    let item = (scalar(), comment()).prop_map(|(text, comment)| {
        if text.contains('\n') {
            format!("      - {text}\n")
        } else {
            format!("      - {text}{comment}\n")
        }
    });
    let commands =
        prop::collection::vec(item, 1..4).prop_map(|items| format!("    script:\n{}", items.concat()));
    let one = prop_oneof![
        Just("    script: [a, 'b']\n".to_owned()),
        Just("    script: make\n".to_owned()),
        commands
    ];
    let image = prop::option::of((scalar(), comment())).prop_map(|image| match image {
        Some((text, comment)) if !text.contains('\n') => format!("    image: {text}{comment}\n"),
        _ => String::new(),
    });
    let more = prop::sample::subsequence(
        vec![
            "    when: manual\n",
            "    # inside\n",
            "    tags: [a,\n      b]\n",
            "\n",
            "    variables: {A: b}\n",
            "    allow_failure: yes\n",
        ],
        0..5,
    );
    (one, image, more, comment())
        .prop_map(|(script, image, more, comment)| format!(":{comment}\n{image}{}{script}", more.concat()))
}

prop_compose! {
    pub fn file()(
        mark in prop::bool::ANY,
        head in prop::sample::select(vec!["", "# head\n\n", "---\n", "# a\n---\n# b\n", "stages: [test]\n"]),
        jobs in prop::collection::vec((job(), prop::sample::select(vec!["", "\n", "# about\n", "\n\n# far\n\n"])), 1..6),
        tail in prop::sample::select(vec!["", "# end\n", "\n\n", "...\n"]),
        crlf in prop::bool::ANY,
        ended in prop::bool::ANY,
    ) -> String {
        let mut text = head.to_owned();
        for (index, (job, between)) in jobs.iter().enumerate() {
            let quote = ["", "'", "\""][index % 3];
            text.push_str(between);
            let _ = write!(text, "{quote}job {index}{quote}{job}");
        }
        text.push_str(tail);
        if !ended {
            text.truncate(text.trim_end().len());
        }
        if crlf {
            text = text.replace('\n', "\r\n");
        }
        if mark { format!("\u{feff}{text}") } else { text }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn valid_files_come_back_and_are_not_refused(text in file()) {
        let imported = whole("random", &text);
        prop_assert!(!is_refused(&imported.findings), "{:?}\n{}", imported.findings, text);
    }

    #[test]
    fn a_field_of_a_valid_file_changes_alone(
        text in file(),
        value in prop_oneof![word(), "[ -~]{0,20}", "[a-z]{1,5}\n[a-z]{1,5}\n?"],
        field in prop::sample::select(vec!["image", "script.0", "variables.B", "variables.A", "timeout", "coverage"]),
    ) {
        let value = if field == "timeout" { "1h 5m".to_owned() } else { value };
        let given = format!("job 0.{field}={value}");
        let assignment = Assignment::read(&text, &given).expect("a job and a field");
        if let Ok(done) = edit(&text, &assignment) {
            let again = whole("edited", &done.text);
            prop_assert_eq!(again.jobs.len(), import(&text, true).expect("YAML").jobs.len());
            // Setting it again changes nothing.
            let same = Assignment::read(&done.text, &given).expect("the same");
            prop_assert_eq!(edit(&done.text, &same).expect("the same").text, done.text);
        }
    }
}

const BITS: [&str; 24] = [
    "\t",
    "\n",
    "\r",
    ": ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    "#",
    "&a ",
    "*a",
    "!reference ",
    "|",
    ">",
    "'",
    "\"",
    "---\n",
    "...\n",
    "<<: ",
    "? ",
    "%",
    "\u{feff}",
    "\\",
];

/// What may come in: real files and fixtures, with bytes replaced, doubled, cut and moved.
pub fn broken() -> impl Strategy<Value = String> {
    let mut seeds: Vec<String> = fixtures::all()
        .into_iter()
        .map(|(_, text)| text)
        .filter(|text| text.len() < 4000)
        .collect();
    seeds.extend(
        corpus::files()
            .into_iter()
            .map(|(_, text)| text)
            .filter(|text| text.len() < 4000),
    );
    let changes = prop::collection::vec(
        (
            any::<prop::sample::Index>(),
            any::<prop::sample::Index>(),
            0..6_u8,
            any::<prop::sample::Index>(),
        ),
        1..8,
    );
    (prop::sample::select(seeds), changes).prop_map(|(text, changes)| {
        let mut chars: Vec<char> = text.chars().collect();
        for (from, to, what, bit) in changes {
            if chars.is_empty() {
                break;
            }
            let (from, to) = (from.index(chars.len()), to.index(chars.len()));
            let (low, high) = (from.min(to), from.max(to).min(from.min(to) + 200));
            match what {
                0 => drop(chars.drain(low..high)),
                1 => {
                    let piece = chars[low..high].to_vec();
                    chars.splice(to..to, piece);
                }
                2 => {
                    chars.remove(from);
                }
                _ => drop(chars.splice(from..from, BITS[bit.index(BITS.len())].chars())),
            }
        }
        chars.into_iter().collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 700, max_shrink_iters: 2000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_comes_in_is_answered(text in broken()) {
        let _ = check_source(&text);
        match tree::parse(&text) {
            Err(error) => {
                // A carriage return alone ends a line as well.
                let lines = text.split(['\n', '\r']).count();
                prop_assert!(error.line >= 1 && error.line <= lines + 1 && error.column >= 1);
            }
            Ok(tree) => {
                let imported = whole("broken", &text);
                // A carriage return alone ends a line as well.
                let lines = text.split(['\n', '\r']).count();
                for finding in lint(&tree, false) {
                    prop_assert!(finding.line >= 1 && finding.line <= lines && finding.column >= 1);
                }
                for job in imported.jobs.iter().take(3) {
                    for field in ["image=x", "script.0=y z", "script=[\"a\",\"b: c\"]", "tags=[\"t\"]", "variables.A=1"] {
                        let given = format!("{}.{field}", job.name);
                        if let Ok(done) = Assignment::read(&text, &given).and_then(|one| edit(&text, &one)) {
                            whole("edited", &done.text);
                        }
                    }
                }
            }
        }
    }
}
