//! Rules for source files: names of rooms, their size, and words that must not stay.

use super::{Finding, Source};

/// Names that say nothing about what lies inside.
const EMPTY_NAMES: &[&str] = &[
    "utils", "util", "helpers", "helper", "common", "types", "misc", "shared", "stuff",
];

/// Files should stay near 300 lines. Above this they are reported, above `TOO_LONG` they fail.
const LONG: usize = 450;
const TOO_LONG: usize = 700;

/// What must not stand in a file, for whom, and what to do instead.
struct Word {
    text: &'static str,
    ends: &'static [&'static str],
    instead: &'static str,
}

// Split so that this file does not find itself.
const WORDS: &[Word] = &[
    Word {
        text: concat!("#[igno", "re"),
        ends: &[".rs"],
        instead: "make the test run, or delete it",
    },
    Word {
        text: concat!("#[all", "ow("),
        ends: &[".rs"],
        instead: "use #[expect(lint, reason = \"…\")]",
    },
    Word {
        text: concat!("#![all", "ow("),
        ends: &[".rs"],
        instead: "use #![expect(lint, reason = \"…\")]",
    },
    Word {
        text: concat!("to", "do!("),
        ends: &[".rs"],
        instead: "build it",
    },
    Word {
        text: concat!("unimple", "mented!("),
        ends: &[".rs"],
        instead: "build it",
    },
    Word {
        text: concat!("db", "g!("),
        ends: &[".rs"],
        instead: "use tracing, or remove it",
    },
    Word {
        text: concat!(".on", "ly("),
        ends: &[".ts", ".mjs"],
        instead: "run every spec",
    },
    Word {
        text: concat!("waitForTime", "out("),
        ends: &[".ts", ".mjs"],
        instead: "wait for what should be seen",
    },
];

/// What the domain must not reach for: it has no IO, no clock and no randomness.
const IO: &[&str] = &[
    "std::fs",
    "std::net",
    "std::process",
    "std::env",
    "std::thread",
    "SystemTime::now",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
    "Uuid::now_v7",
    "Uuid::new_v4",
];

pub fn check(files: &[Source]) -> Vec<Finding> {
    files
        .iter()
        .flat_map(|file| findings(&file.path, &file.text))
        .collect()
}

fn findings(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let is_migration = path.starts_with("migrations/");
    for part in path.split('/') {
        let stem = part.split('.').next().unwrap_or(part);
        if EMPTY_NAMES.contains(&stem) {
            findings.push(format!(
                "{path}: `{stem}` says nothing; name the file after its noun"
            ));
        }
    }
    let lines = text.lines().count();
    if lines > TOO_LONG && !is_migration {
        findings.push(format!(
            "{path}: {lines} lines; split it by noun (near 300, never above {TOO_LONG})"
        ));
    } else if lines > LONG && !is_migration {
        println!("note: {path} has {lines} lines; near 300 is the aim");
    }
    for (number, line) in text.lines().enumerate() {
        for word in WORDS
            .iter()
            .filter(|word| word.ends.iter().any(|end| path.ends_with(end)))
        {
            if line.contains(word.text) {
                findings.push(format!(
                    "{path}:{}: `{}`: {}",
                    number + 1,
                    word.text,
                    word.instead
                ));
            }
        }
    }
    if path.starts_with("crates/domain/src/") {
        let product = text.split("#[cfg(test)]").next().unwrap_or(text);
        for (number, line) in product.lines().enumerate() {
            let code = line.split("//").next().unwrap_or(line);
            for word in IO.iter().filter(|word| code.contains(**word)) {
                findings.push(format!(
                    "{path}:{}: `{word}`: the domain takes it as an argument",
                    number + 1
                ));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_without_a_noun_is_found_at_any_depth() {
        assert_eq!(findings("app/src/helpers/mod.rs", "").len(), 1);
        assert_eq!(findings("crates/domain/src/types.rs", "").len(), 1);
        assert!(findings("crates/domain/src/release.rs", "").is_empty());
    }

    #[test]
    fn a_file_that_grew_too_long_is_found() {
        assert!(findings("server/src/main.rs", &"\n".repeat(TOO_LONG)).is_empty());
        assert_eq!(
            findings("server/src/main.rs", &"\n".repeat(TOO_LONG + 1)).len(),
            1
        );
    }

    #[test]
    fn words_are_looked_for_in_their_own_language() {
        let focused = format!("test{}\"x\", () => {{}});", ".on".to_owned() + "ly(");
        assert_eq!(findings("end2end/specs/run.spec.ts", &focused).len(), 1);
        assert!(findings("server/src/run.rs", &focused).is_empty());
    }

    #[test]
    fn the_domain_has_no_clock_outside_its_tests() {
        let reads = "fn f() { let t = std::time::Instant::now(); }";
        assert_eq!(findings("crates/domain/src/time.rs", reads).len(), 1);
        assert!(findings("crates/domain/src/time.rs", &format!("// {reads}")).is_empty());
        assert!(
            findings(
                "crates/domain/src/time.rs",
                &format!("#[cfg(test)]\nmod t {{ {reads} }}")
            )
            .is_empty()
        );
        assert!(findings("crates/portal/src/time.rs", reads).is_empty());
    }
}
