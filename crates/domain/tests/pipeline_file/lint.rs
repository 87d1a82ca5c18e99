//! What GitLab refuses is named with its place; what it takes is not.

use slipway_domain::pipeline::Locale;
use slipway_domain::pipeline::file::{FindingCode, is_refused, lint, tree};

use super::{corpus, fixtures};

fn findings(text: &str) -> Vec<slipway_domain::pipeline::file::Finding> {
    let tree = tree::parse(text).unwrap_or_else(|error| panic!("{text:?}: {error:?}"));
    lint(&tree, false)
}

#[test]
fn real_root_files_are_not_refused() {
    let mut wrong = Vec::new();
    for (path, text) in corpus::files()
        .into_iter()
        .filter(|(path, _)| corpus::is_root(path))
    {
        let found = findings(&text);
        if is_refused(&found) {
            let messages: Vec<String> = found.iter().map(|one| one.message(Locale::En)).collect();
            wrong.push(format!("{}:\n  {}", path.display(), messages.join("\n  ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn included_files_are_not_refused() {
    let mut wrong = Vec::new();
    for (path, text) in corpus::files() {
        let Ok(tree) = tree::parse(&text) else { continue };
        // The folder also holds what other programs read.
        let foreign = [
            "bp-runner",
            "thresholds",
            "slos",
            "changelog",
            "/duo/",
            "merge.release",
            "/step.yml",
        ];
        if foreign
            .iter()
            .any(|part| path.display().to_string().contains(part))
        {
            continue;
        }
        let found = lint(&tree, true);
        if is_refused(&found) {
            let messages: Vec<String> = found.iter().map(|one| one.message(Locale::En)).collect();
            wrong.push(format!("{}:\n  {}", path.display(), messages.join("\n  ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn unusual_files_are_not_refused() {
    for (name, text) in fixtures::all() {
        assert_eq!(findings(&text), [], "{name}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table: one finding a line")]
fn what_gitlab_refuses_is_named_with_its_place() {
    for (text, line, column, code) in [
        ("test:\n  stage: test\n", 1, 1, "no_script"),
        ("test: x\n", 1, 1, "no_script"),
        ("test:\n", 1, 1, "no_script"),
        (".test:\n  script: x\n", 1, 1, "no_jobs"),
        (
            "stages: [a]\ntest:\n  stage: b\n  script: x\n",
            3,
            10,
            "unknown_stage",
        ),
        ("stages: [a]\ntest:\n  script: x\n", 2, 1, "unknown_stage"),
        ("test:\n  script: x\n  needs: [other]\n", 3, 11, "unknown_need"),
        (
            "test:\n  script: x\n  needs:\n    - job: other\n",
            4,
            12,
            "unknown_need",
        ),
        (
            "test:\n  script: x\n  needs: [.h]\n.h:\n  script: x\n",
            3,
            11,
            "unknown_need",
        ),
        (
            "test:\n  script: x\n  dependencies: [other]\n",
            3,
            18,
            "unknown_need",
        ),
        (
            "a:\n  stage: build\n  script: x\n  needs: [b]\nb:\n  script: x\n",
            4,
            11,
            "later_need",
        ),
        (
            "a:\n  script: x\n  needs: [b]\nb:\n  script: x\n  needs: [a]\n",
            3,
            10,
            "cycle",
        ),
        ("a:\n  script: x\n  needs: [a]\n", 3, 10, "cycle"),
        ("test:\n  scirpt: x\n  script: y\n", 2, 3, "unknown_key"),
        ("test:\n  script:\n    - echo a: b\n", 3, 7, "command_is_mapping"),
        ("test:\n  script:\n    - true\n", 3, 7, "wrong_shape"),
        ("test:\n  script: []\n", 2, 11, "wrong_shape"),
        ("test:\n  script: x\n  when: sometimes\n", 3, 9, "not_one_of"),
        ("test:\n  script: x\n  timeout: soon\n", 3, 12, "not_a_duration"),
        ("test:\n  script: x\n  retry: 3\n", 3, 10, "wrong_shape"),
        ("test:\n  script: x\n  tags: docker\n", 3, 9, "wrong_shape"),
        (
            "test:\n  script: x\n  allow_failure: maybe\n",
            3,
            18,
            "wrong_shape",
        ),
        ("test:\n  script: x\n  variables: [a]\n", 3, 14, "wrong_shape"),
        (
            "test:\n  script: x\n  environment: {name: a, on_stop: stop}\n",
            3,
            35,
            "unknown_need",
        ),
        (
            "test:\n  script: x\n  variables:\n    DAY: 2024-01-31\n",
            4,
            10,
            "unquoted_date",
        ),
        (
            "test:\n  script: x\n  rules: [{if: $A}]\n  only: [main]\n",
            4,
            9,
            "rules_beside_only",
        ),
        ("test:\n  extends: .gone\n  script: x\n", 2, 12, "unknown_extends"),
        (
            ".a:\n  extends: .b\n.b:\n  extends: .a\nt:\n  script: x\n",
            2,
            12,
            "circular_extends",
        ),
        (
            "test:\n  script: !reference [.gone, script]\n",
            2,
            22,
            "unknown_reference",
        ),
        ("image:\n  script: x\ntest:\n  script: x\n", 2, 3, "wrong_shape"),
    ] {
        let found = findings(text);
        assert!(is_refused(&found), "{text}");
        let first = &found[0];
        let stable = serde_json::to_value(first).expect("a document")["code"].clone();
        assert_eq!(
            (first.line, first.column, stable.as_str()),
            (line, column, Some(code)),
            "{text}"
        );
        for locale in [Locale::En, Locale::ZhCn] {
            assert!(first.message(locale).contains(&line.to_string()));
        }
    }
}

/// GitLab's reader (psych) takes the last of two keys and says nothing: the first is lost.
#[test]
fn a_key_that_stands_twice_is_refused_with_both_places() {
    let found = findings("test:\n  script: a\n  image: b\n  script: c\n");
    assert!(is_refused(&found));
    assert_eq!((found.len(), found[0].line, found[0].column), (1, 4, 3));
    assert_eq!(
        found[0].code,
        FindingCode::DuplicateKey {
            key: "script".into(),
            first: 2
        }
    );
    let found = findings("test:\n  script: a\ntest:\n  stage: build\n");
    assert!(is_refused(&found), "the last test has no script");
}

#[test]
fn the_reader_of_gitlab_is_as_strict() {
    for (text, line, column) in [
        ("a: &x.y 1\nb: *x.y\n", 1, 4),
        ("test:\n  script: \u{7}\n", 2, 11),
        ("test:\n  : x\n", 2, 3),
        ("\ttest:\n  script: x\n", 1, 1),
        ("test:\n  script:\n  - \tx\n", 3, 5),
        ("test:\n  script: x\n\t\nnext:\n  script: y\n", 3, 1),
        ("test:\n  script: x\n...\nnext:\n  script: y\n", 4, 1),
        ("test:\n  script: x\n\u{feff}next:\n  script: y\n", 3, 1),
    ] {
        let error = tree::parse(text).expect_err(text);
        assert_eq!((error.line, error.column), (line, column), "{text:?}: {error:?}");
    }
}

/// Found in the files of well-known projects.
#[test]
fn what_gitlab_takes_is_taken() {
    for text in [
        // A dependency of the same stage.
        "one:\n  script: x\ntwo:\n  dependencies:\n    - one\n  script: y\n",
        // A variable without a value is empty.
        "one:\n  variables:\n    A:\n    B: ''\n  script: x\n",
    ] {
        assert_eq!(findings(text), [], "{text}");
    }
}

#[test]
fn what_an_include_may_bring_is_not_missed() {
    for text in [
        "include: a.yml\ntest:\n  stage: elsewhere\n  needs: [other]\n  extends: .gone\n",
        "include: {template: x}\nscan:\n  variables: {A: b}\n",
        "include: a.yml\ntest:\n  script: !reference [.gone, script]\n",
        "include: [a.yml]\n",
    ] {
        assert_eq!(findings(text), [], "{text}");
    }
    let text = "include: a.yml\nstages: [one]\ntest:\n  stage: two\n  script: x\n";
    assert!(is_refused(&findings(text)), "the stages of the root file count");
}
