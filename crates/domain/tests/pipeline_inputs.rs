//! What a file asks for when it is run, and what it is given.

use proptest::prelude::*;
use serde_json::{Value, json};
use slipway_domain::pipeline::inputs::{Asked, Input, InputKind, check_values, from_form, read, text_of};
use std::collections::BTreeMap;

const FILE: &str = "\
spec:
  inputs:
    environment:
      description: Where to
      options: [dev, qa]
      default: dev
    version:
      regex: ^v\\d+\\.\\d+$
    replicas:
      type: number
      default: 2
    ratio:
      type: number
      default: 0.5
    dry_run:
      type: boolean
      default: false
    targets:
      type: array
      default: [linux, arm64]
    odd:
      type: duration
      rules: [one]
---
variables:
  PLAIN: hidden
  LEVEL:
    value: info
    description: How much is written
    options: [info, debug]
job:
  script: echo $[[ inputs.environment ]]
";

fn asked() -> Asked {
    read(FILE).expect("it is YAML")
}

/// Patterns as the server reads them, near enough for a test.
fn fits(pattern: &str, text: &str) -> Option<bool> {
    if pattern != "^v\\d+\\.\\d+$" {
        return None;
    }
    let numbers = text.strip_prefix('v').and_then(|rest| rest.split_once('.'));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    Some(numbers.is_some_and(|(a, b)| digits(a) && digits(b)))
}

fn form(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect()
}

#[test]
fn inputs_are_read_as_gitlab_reads_them() {
    let asked = asked();
    let names: Vec<_> = asked.inputs.iter().map(|input| input.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "environment",
            "version",
            "replicas",
            "ratio",
            "dry_run",
            "targets",
            "odd"
        ]
    );
    let by_name = |name: &str| asked.inputs.iter().find(|input| input.name == name).unwrap();
    assert_eq!(by_name("environment").options, [json!("dev"), json!("qa")]);
    assert_eq!(by_name("environment").description, "Where to");
    assert!(by_name("version").is_required() && !by_name("environment").is_required());
    assert_eq!(
        (by_name("replicas").kind, &by_name("replicas").default),
        (InputKind::Number, &Some(json!(2)))
    );
    assert_eq!(by_name("ratio").default, Some(json!(0.5)));
    assert_eq!(by_name("dry_run").default, Some(json!(false)));
    assert_eq!(by_name("targets").shown(), "linux\narm64");
    assert_eq!(by_name("odd").unknown, ["type", "rules"]);
    assert!(!asked.more_elsewhere);
    assert_eq!(asked.variables.len(), 1, "only what has a description is offered");
    assert_eq!(
        (
            asked.variables[0].name.as_str(),
            asked.variables[0].value.as_str()
        ),
        ("LEVEL", "info")
    );
}

#[test]
fn a_file_without_a_header_asks_for_nothing() {
    assert_eq!(read("job:\n  script: make\n").unwrap(), Asked::default());
    assert!(read("spec:\n  inputs: [\n---\njob: {}\n").is_err());
}

#[test]
fn only_what_differs_from_the_default_is_sent() {
    let mut typed = form(&[("version", "v1.2"), ("odd", "5m")]);
    for input in &asked().inputs {
        if input.default.is_some() {
            typed.insert(input.name.clone(), input.shown());
        }
    }
    let sent = from_form(&asked().inputs, &typed, fits).unwrap();
    assert_eq!(
        sent,
        BTreeMap::from([("version".into(), json!("v1.2")), ("odd".into(), json!("5m"))])
    );
    let more = form(&[
        ("version", "v1.2"),
        ("odd", "5m"),
        ("environment", "qa"),
        ("replicas", " 3 "),
        ("ratio", "1e-3"),
        ("dry_run", "true"),
        ("targets", "linux\r\n\r\n windows "),
    ]);
    let sent = from_form(&asked().inputs, &more, fits).unwrap();
    assert_eq!(sent["replicas"], json!(3));
    assert_eq!(sent["ratio"], json!(0.001));
    assert_eq!(sent["dry_run"], json!(true));
    assert_eq!(sent["targets"], json!(["linux", "windows"]));
    let listed = form(&[("version", "v1.2"), ("odd", "5m"), ("targets", "[1, \"a\"]")]);
    assert_eq!(
        from_form(&asked().inputs, &listed, fits).unwrap()["targets"],
        json!([1, "a"])
    );
}

#[test]
fn what_cannot_be_sent_is_told_by_its_name() {
    let wrong = form(&[
        ("environment", "prod"),
        ("version", "1.2"),
        ("replicas", "many"),
        ("dry_run", "maybe"),
        ("targets", "[1,"),
        ("nowhere", "x"),
    ]);
    let errors = from_form(&asked().inputs, &wrong, fits).unwrap_err();
    let names: Vec<_> = errors.iter().map(|error| error.input.as_str()).collect();
    assert_eq!(
        names,
        [
            "nowhere",
            "environment",
            "version",
            "replicas",
            "dry_run",
            "targets",
            "odd"
        ]
    );
    assert!(errors[1].text.en.contains("dev, qa"));
    assert!(errors[2].text.en.contains("^v\\d+"));
    let values = BTreeMap::from([(String::from("replicas"), json!("3"))]);
    let errors = check_values(&asked().inputs, &values, fits).unwrap_err();
    let names: Vec<_> = errors.iter().map(|error| error.input.as_str()).collect();
    assert_eq!(
        names,
        ["version", "replicas", "odd"],
        "a program gives values, not texts"
    );
}

fn any_value() -> impl Strategy<Value = (InputKind, Value)> {
    prop_oneof![
        ".{0,40}".prop_map(|text| (InputKind::String, json!(text))),
        any::<i64>().prop_map(|n| (InputKind::Number, json!(n))),
        (-1e9..1e9f64).prop_map(|n| (InputKind::Number, json!(n))),
        any::<bool>().prop_map(|b| (InputKind::Boolean, json!(b))),
        prop::collection::vec(
            prop_oneof![
                ".{0,12}".prop_map(Value::from),
                any::<i32>().prop_map(Value::from)
            ],
            0..5
        )
        .prop_map(|items| (InputKind::Array, Value::from(items))),
    ]
}

proptest! {
    /// What a field shows of a value is, typed back, that value.
    #[test]
    fn a_value_survives_its_field((kind, value) in any_value()) {
        let input = Input { name: "x".into(), kind, ..Input::default() };
        let text = text_of(&value);
        prop_assume!(!text.trim().is_empty());
        let back = input.typed(&text).unwrap().unwrap();
        let same = match (&back, &value) {
            (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
            _ => back == value,
        };
        prop_assert!(same, "{text:?}: {back} is not {value}");
        prop_assert!(input.check(&back, |_, _| None).is_ok());
    }

    /// No text makes reading or checking panic, and what is refused is not sent.
    #[test]
    fn no_text_breaks_it(text in ".{0,60}", which in 0usize..7) {
        let asked = asked();
        let name = asked.inputs[which].name.clone();
        let _ = from_form(&asked.inputs, &BTreeMap::from([(name, text.clone())]), |_, _| None);
        let _ = read(&text);
    }
}
