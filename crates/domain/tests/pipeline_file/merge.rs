//! Three versions, what was edited in git, and the file beside.

use std::collections::BTreeMap;

use proptest::prelude::*;
use slipway_domain::pipeline::file::drift::{DriftState, drift};
use slipway_domain::pipeline::file::merge::{Choice, State, compare, merge};
use slipway_domain::pipeline::file::side::{SIDE_FILE, with_include};
use slipway_domain::pipeline::{compile, instantiate, template};

use super::{corpus, fixtures};

const BASE: &str = "# head\n\na:\n  script: 1\n\n# b's\nb:\n  script: 1\n\nc:\n  script: 1\n";

#[test]
fn what_one_side_changed_is_taken_and_conflicts_are_chosen() {
    let repository = BASE
        .replace("a:\n  script: 1", "a:\n  script: git # why")
        .replace("b:\n  script: 1", "b:\n  script: git");
    let draft = BASE
        .replace("b:\n  script: 1", "b:\n  script: draft")
        .replace("c:\n  script: 1\n", "c:\n  script: draft\n\nd:\n  script: new\n");
    let states: Vec<(String, State)> = compare(BASE, &repository, &draft)
        .expect("YAML")
        .into_iter()
        .map(|one| (one.key, one.state))
        .collect();
    let expected = [
        ("a", State::Repository),
        ("b", State::Conflict),
        ("c", State::Draft),
        ("d", State::Draft),
    ];
    assert_eq!(states, expected.map(|(key, state)| (key.to_owned(), state)));
    let merged = merge(BASE, &repository, &draft, &BTreeMap::new()).expect("YAML");
    assert_eq!(merged.open, ["b"]);
    assert_eq!(
        merged.text,
        "# head\n\na:\n  script: git # why\n\n# b's\nb:\n  script: git\n\nc:\n  script: draft\n\nd:\n  script: new\n"
    );
    let chosen = BTreeMap::from([("b".to_owned(), Choice::Draft), ("a".to_owned(), Choice::Draft)]);
    let merged = merge(BASE, &repository, &draft, &chosen).expect("YAML");
    assert!(merged.open.is_empty(), "{:?}", merged.open);
    assert!(merged.text.contains("a:\n  script: 1\n") && merged.text.contains("b:\n  script: draft"));
}

#[test]
fn removing_is_a_change_too() {
    let without_b = "# head\n\na:\n  script: 1\n\nc:\n  script: 1\n";
    assert_eq!(
        merge(BASE, BASE, without_b, &BTreeMap::new()).expect("YAML").text,
        without_b
    );
    assert_eq!(
        merge(BASE, without_b, BASE, &BTreeMap::new()).expect("YAML").text,
        without_b
    );
    let changed = BASE.replace("b:\n  script: 1", "b:\n  script: 2");
    let merged = merge(BASE, &changed, without_b, &BTreeMap::new()).expect("YAML");
    assert_eq!((merged.text, merged.open), (changed, vec!["b".to_owned()]));
}

#[test]
fn a_draft_takes_the_line_ends_of_the_repository() {
    let repository = BASE.replace('\n', "\r\n");
    let draft = BASE.replace("a:\n  script: 1", "a:\n  script: 2");
    let merged = merge(BASE, &repository, &draft, &BTreeMap::new()).expect("YAML");
    assert_eq!(merged.text, draft.replace('\n', "\r\n"));
}

proptest! {
    #[test]
    fn without_changes_on_one_side_the_other_is_the_result(sides in prop::collection::vec(0..4, 6)) {
        let text = |of: &[i32]| -> String {
            of.iter().enumerate().filter(|(_, value)| **value != 0).map(|(index, value)| {
                format!("# {index}\njob{index}:\n  script: {value}x\n\n")
            }).chain([String::from("last:\n  script: x\n")]).collect()
        };
        let base = text(&[1; 6]);
        let other = text(&sides);
        let merged = merge(&base, &other, &base, &BTreeMap::new()).expect("YAML");
        prop_assert_eq!((merged.text, merged.open.len()), (other.clone(), 0));
        let merged = merge(&base, &base, &other, &BTreeMap::new()).expect("YAML");
        prop_assert_eq!((merged.text, merged.open.len()), (other, 0));
    }
}

#[test]
fn edits_in_git_are_found_by_the_markers() {
    let pipeline = instantiate(template("node").expect("a template"), &[].into()).expect("defaults");
    let written = compile(&pipeline).text;
    let states = |now: &str| -> Vec<DriftState> {
        drift(&written, now)
            .expect("YAML")
            .into_iter()
            .map(|one| one.state)
            .collect()
    };
    assert!(
        states(&written)
            .iter()
            .all(|state| *state == DriftState::AsWritten)
    );
    assert!(
        states(&written.replace('\n', "\r\n"))
            .iter()
            .all(|state| *state == DriftState::AsWritten)
    );
    let name = &pipeline.jobs[0].name;
    let edited = written.replacen(&format!("\n{name}:\n"), &format!("\n{name}: # mine\n"), 1);
    assert_eq!(states(&edited)[0], DriftState::Edited);
    let renamed = written.replacen(&format!("\n{name}:\n"), "\nother:\n", 1);
    assert_eq!(states(&renamed)[0], DriftState::Renamed { from: name.clone() });
    assert_eq!(states("x:\n  script: y\n").len(), pipeline.jobs.len());
    assert!(
        states("x:\n  script: y\n")
            .iter()
            .all(|state| *state == DriftState::Gone)
    );
}

#[test]
fn the_file_beside_is_included_once_and_nothing_else_changes() {
    for (text, wanted) in [
        (
            "# head\n\n# t\ntest:\n  script: x\n",
            format!("# head\n\ninclude:\n  - local: {SIDE_FILE}\n\n# t\ntest:\n  script: x\n"),
        ),
        (
            "include:\n- a.yml # why\n\nt: {script: x}\n",
            format!("include:\n- a.yml # why\n- local: {SIDE_FILE}\n\nt: {{script: x}}\n"),
        ),
        (
            "include: a.yml # why\n",
            format!("include: [a.yml, {SIDE_FILE}] # why\n"),
        ),
        ("include: [a.yml]\n", format!("include: [a.yml, {SIDE_FILE}]\n")),
        (
            "include:\n  template: A\n  inputs:\n    x: 1\n\nt: {script: x}\n",
            format!(
                "include:\n  - template: A\n    inputs:\n      x: 1\n  - local: {SIDE_FILE}\n\nt: {{script: x}}\n"
            ),
        ),
        (
            "include:\r\n  - local: a.yml",
            format!("include:\r\n  - local: a.yml\r\n  - local: {SIDE_FILE}"),
        ),
        ("", format!("include:\n  - local: {SIDE_FILE}\n")),
    ] {
        let once = with_include(text).unwrap_or_else(|refusal| panic!("{text}: {refusal:?}"));
        assert_eq!(once, wanted);
        assert_eq!(with_include(&once).expect("a file"), once);
    }
    assert!(with_include(".i: &i [a.yml]\ninclude: *i\n").is_err());
    let others = fixtures::all()
        .into_iter()
        .map(|(name, text)| (name.to_owned(), text));
    let real = corpus::files()
        .into_iter()
        .map(|(path, text)| (path.display().to_string(), text));
    for (name, text) in others.chain(real) {
        if let Ok(once) = with_include(&text) {
            let kept = text
                .lines()
                .filter(|line| once.lines().any(|other| other.trim() == line.trim()));
            assert!(kept.count() + 1 >= text.lines().count(), "{name}");
        }
    }
}
