//! Where a file is not YAML, and what to do.

use std::fmt::Write;
use std::path::PathBuf;

use proptest::prelude::*;
use slipway_domain::pipeline::Locale;
use slipway_domain::pipeline::source::{SourceCode, check_source};

fn refused(text: &str) -> (usize, usize, SourceCode) {
    let error = check_source(text).expect_err("refused");
    for locale in [Locale::En, Locale::ZhCn] {
        assert!(error.message(locale).contains(&error.line.to_string()));
    }
    (error.line, error.column, error.code)
}

#[test]
fn what_gitlab_accepts_is_accepted() {
    for text in [
        "test:\n  script: echo\n",
        "test:\r\n  script:\r\n    - echo\r\n",
        "\u{feff}测试:\n  script: echo",
        "spec:\n  inputs:\n    a:\n---\ntest:\n  script: |\n    tab\there\n    \tand here\n",
        "test:\n  needs: [\n    \"a\",\n  ]\n  script: [\n  x\n]\n",
        ".a: &a\n  x: 1\n.b:\n  <<: *a\n  <<: *a\ntest: {script: [!reference [.a, x]]}\n",
    ] {
        assert_eq!(check_source(text), Ok(()), "{text:?}");
    }
}

#[test]
fn tabs_are_named() {
    assert_eq!(refused("test:\n\tscript: echo\n"), (2, 1, SourceCode::Tab));
    assert_eq!(
        refused("test:\n  script:\n  \t- echo\n   - x\n"),
        (3, 3, SourceCode::Tab)
    );
}

#[test]
fn duplicate_keys_are_named_with_both_places() {
    let code = SourceCode::DuplicateKey {
        key: "test".into(),
        first: 1,
    };
    assert_eq!(
        refused("test:\n  script: a\nother: 1\ntest:\n  script: b\n"),
        (4, 1, code)
    );
    let code = SourceCode::DuplicateKey {
        key: "script".into(),
        first: 2,
    };
    assert_eq!(refused("test:\n  script: a\n  script: b\n"), (3, 3, code));
    assert_eq!(check_source("a: {x: x}\nb: {x: x}\nc: [a, a]\n"), Ok(()));
}

#[test]
fn what_is_not_yaml_has_a_place() {
    for text in [
        "test: [a\n",
        "test: 'open\n",
        "a: b: c\n",
        "test:\n  - a\n  b: c\n",
        "key: *nobody\n",
        "}\n",
    ] {
        let (line, column, code) = refused(text);
        assert!(matches!(code, SourceCode::Syntax { .. }), "{text:?}: {code:?}");
        assert!(
            line >= 1 && line <= text.lines().count() && column >= 1,
            "{text:?}: {line}:{column}"
        );
    }
}

#[test]
fn what_is_no_pipeline_is_refused() {
    assert_eq!(refused(""), (1, 1, SourceCode::Empty));
    assert_eq!(refused("# only a comment\n"), (1, 1, SourceCode::Empty));
    assert_eq!(refused("just words\n").2, SourceCode::NotAMapping);
    assert_eq!(refused("- a\n- b\n").2, SourceCode::NotAMapping);
}

#[test]
fn bombs_and_depth_are_refused() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let before = level - 1;
        let _ = writeln!(
            bomb,
            "a{level}: &a{level} [{}]",
            vec![format!("*a{before}"); 10].join(", ")
        );
    }
    assert_eq!(refused(&bomb).2, SourceCode::AliasBomb);
    assert_eq!(refused("a: &a\n  b: *a\n").2, SourceCode::AliasBomb);
    let deep = format!("a: {}{}\n", "[".repeat(200), "]".repeat(200));
    assert_eq!(refused(&deep).2, SourceCode::TooDeep);
    let deepest = format!("a: {}\n", "[".repeat(100_000));
    assert_eq!(refused(&deepest).2, SourceCode::TooDeep);
    assert_eq!(refused(&"#".repeat(1024 * 1024 + 1)).2, SourceCode::TooLarge);
}

proptest! {
    #[test]
    fn any_text_is_answered(text in "[ \t\n:#a-c\\-\\[\\]{}&*!|>'\",%@?]{0,80}") {
        if let Err(error) = check_source(&text) {
            prop_assert!(error.line >= 1 && error.column >= 1);
            prop_assert!(error.line <= text.lines().count().max(1) + 1);
        }
    }

    #[test]
    fn any_unicode_is_answered(text in any::<String>()) {
        let _ = check_source(&text);
    }
}

#[test]
fn real_files_are_accepted() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/contract/ci/corpus");
    let mut folders = vec![folder.clone()];
    let mut count = 0;
    let mut refused = Vec::new();
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "yml" || end == "yaml") {
                let text = std::fs::read_to_string(&path).expect("UTF-8");
                let mut lines = text
                    .lines()
                    .filter(|line| !line.is_empty() && !line.starts_with(['#', '%']) && *line != "---");
                if lines.next().is_some_and(|line| line.starts_with("- ")) {
                    // The folder also holds lists that are no pipelines.
                    assert_eq!(
                        check_source(&text).expect_err("a list").code,
                        SourceCode::NotAMapping
                    );
                    continue;
                }
                count += 1;
                if let Err(error) = check_source(&text) {
                    refused.push(format!("{}: {}", path.display(), error.message(Locale::En)));
                }
            }
        }
    }
    if count == 0 {
        eprintln!("skipped: {} is absent", folder.display());
    }
    assert!(
        refused.is_empty(),
        "{} of {count}:\n{}",
        refused.len(),
        refused.join("\n")
    );
}
