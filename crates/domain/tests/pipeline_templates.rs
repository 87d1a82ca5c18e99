//! Every built-in template, with several sets of parameters: snapshots, Slipway's own rules, and
//! GitLab's schema.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use saphyr_parser::{Event, Parser, ScalarStyle};
use slipway_domain::pipeline::file::{lint, tree};
use slipway_domain::pipeline::{
    Locale, Params, ScriptLine, StepType, Template, compile, form, instantiate, layout, references,
    step_type, step_types, templates, validate,
};

/// Sets of raw inputs that a template is tried with.
fn sets(template: &Template) -> Vec<(&'static str, BTreeMap<String, String>)> {
    let has = |id: &str| template.params.iter().any(|param| param.id == id);
    let set = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        let known = pairs.iter().filter(|(id, _)| has(id));
        known
            .map(|(id, value)| ((*id).to_owned(), (*value).to_owned()))
            .collect()
    };
    vec![
        ("default", BTreeMap::new()),
        (
            "everything",
            set(&[
                ("lint", "on"),
                ("coverage", "on"),
                ("scan_dependencies", "true"),
                ("scan_secrets", "yes"),
                ("scan_image", "1"),
                ("image_on", "every_push"),
                ("runner_tags", "linux\narm64\n"),
                ("timeout", "1h 30m"),
                ("junit", "true"),
                ("build_args", "A=1\nB=two words"),
                ("build_env", "BP_JVM_VERSION=21\nBP_NOTE=it's two"),
                ("source", "package"),
                ("package", "billing"),
                ("package_version", "2.1.0"),
                ("file", "billing service.jar"),
                ("base_image", "eclipse-temurin:21-jre"),
                ("command", "java\n-jar\n/app/program\n--name=\"a b\""),
                (
                    "sha256",
                    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                ),
                ("ecosystem", "pypi"),
            ]),
        ),
        (
            "folder",
            set(&[
                ("dir", "apps/订单 服务"),
                ("build_image", "false"),
                ("publish", "false"),
                ("test_tool", "custom"),
                ("test_command", "echo one\necho 'two: #3'"),
                ("timeout", ""),
            ]),
        ),
    ]
    .into_iter()
    .chain(template.key.eq("library").then(ecosystems).into_iter().flatten())
    .collect()
}

/// A library of every kind.
fn ecosystems() -> Vec<(&'static str, BTreeMap<String, String>)> {
    ["maven", "nuget", "composer", "generic"]
        .map(|ecosystem| {
            let set = [("ecosystem", ecosystem), ("dir", "lib")];
            let set = set.map(|(id, value)| (id.to_owned(), value.to_owned()));
            (ecosystem, BTreeMap::from(set))
        })
        .to_vec()
}

fn values(template: &Template, inputs: &BTreeMap<String, String>) -> Params {
    // A template whose test tool has no "custom" keeps its default there.
    let mut inputs = inputs.clone();
    let parsed = form::parse(&template.params, &inputs);
    for error in &parsed.errors {
        assert_eq!(
            error.param,
            "test_tool",
            "{}: {}",
            template.key,
            error.message.text(Locale::En)
        );
        inputs.remove("test_tool");
    }
    form::parse(&template.params, &inputs).values
}

#[test]
fn templates_compile_to_what_was_reviewed() {
    for template in templates() {
        for (name, inputs) in sets(template) {
            let pipeline = instantiate(template, &values(template, &inputs)).expect("checked values");
            let compiled = compile(&pipeline);
            insta::assert_snapshot!(format!("{}_{name}", template.key), compiled.text);
        }
    }
}

#[test]
fn templates_have_no_problems_and_compile_the_same_twice() {
    for template in templates() {
        for (name, inputs) in sets(template) {
            let values = values(template, &inputs);
            let pipeline = instantiate(template, &values).expect("checked values");
            assert_eq!(validate(&pipeline), [], "{} {name}", template.key);
            assert_eq!(
                compile(&pipeline),
                compile(&instantiate(template, &values).expect("the same values"))
            );
            assert_eq!(
                layout::layout_pipeline(&pipeline).nodes.len(),
                pipeline.jobs.len()
            );
            let stored = serde_json::to_string(&pipeline).expect("a document");
            assert_eq!(
                serde_json::from_str::<slipway_domain::pipeline::Pipeline>(&stored).expect("the same"),
                pipeline
            );
        }
    }
}

#[test]
fn compiled_templates_have_no_findings() {
    for template in templates() {
        for (name, inputs) in sets(template) {
            let pipeline = instantiate(template, &values(template, &inputs)).expect("checked values");
            let text = compile(&pipeline).text;
            let tree = tree::parse(&text).expect("YAML");
            assert_eq!(lint(&tree, false), [], "{} {name}", template.key);
        }
    }
}

#[test]
fn the_spans_of_a_compiled_file_are_its_jobs() {
    for template in templates() {
        let pipeline = instantiate(template, &Params::new()).expect("defaults hold");
        let compiled = compile(&pipeline);
        let lines: Vec<&str> = compiled.text.lines().collect();
        for (span, job) in compiled.spans.iter().zip(&pipeline.jobs) {
            let marker = format!(
                "# slipway: job={} template={}@{}",
                job.id, template.key, template.semver
            );
            assert_eq!(lines[span.first - 1], marker);
            assert_eq!(lines[span.first], format!("{}:", job.name));
            assert!(span.last == lines.len() || lines[span.last].is_empty());
        }
    }
}

#[test]
fn defaults_hold_and_words_are_in_both_languages() {
    let mut keys = BTreeSet::new();
    for template in templates() {
        assert!(keys.insert(&template.key), "{} stands twice", template.key);
        assert_eq!(
            form::check_values(&template.params, &Params::new()),
            [],
            "{}",
            template.key
        );
        assert_eq!(template.changelog[0].version, template.semver);
        for text in [&template.names, &template.summary] {
            assert!(!text.en.is_empty() && !text.zh.is_empty(), "{}", template.key);
        }
        for param in &template.params {
            assert!(
                !param.label.en.is_empty() && !param.label.zh.is_empty(),
                "{}.{}",
                template.key,
                param.id
            );
            assert_eq!(
                param.help.en.is_empty(),
                param.help.zh.is_empty(),
                "{}.{}",
                template.key,
                param.id
            );
        }
    }
    assert_eq!(keys.len(), 15);
}

#[test]
fn references_name_parameters_that_exist() {
    for template in templates() {
        let ids: BTreeSet<&str> = template.params.iter().map(|param| param.id.as_str()).collect();
        let graph = serde_json::to_string(&template.graph).expect("a document");
        for name in references(&graph) {
            assert!(ids.contains(name), "{} refers to {name}", template.key);
        }
        for job in &template.graph.jobs {
            let conditions = job
                .conditions
                .iter()
                .chain(job.steps.iter().flat_map(|step| &step.conditions));
            for condition in conditions {
                assert!(
                    ids.contains(condition.param.as_str()),
                    "{} {}",
                    template.key,
                    condition.param
                );
            }
            for step in &job.steps {
                let kind = step_type(&step.step_type).unwrap_or_else(|| panic!("no step {}", step.step_type));
                for id in step.params.keys() {
                    assert!(
                        kind.params.iter().any(|param| param.id == *id),
                        "{} has no {id}",
                        step.step_type
                    );
                }
            }
        }
    }
    for kind in step_types() {
        let ids: BTreeSet<&str> = kind.params.iter().map(|param| param.id.as_str()).collect();
        let whole = StepType {
            params: Vec::new(),
            ..kind.clone()
        };
        for name in references(&serde_json::to_string(&whole).expect("a document")) {
            assert!(ids.contains(name), "{} refers to {name}", kind.key);
        }
        for line in &kind.script {
            if let ScriptLine::Guarded { conditions, .. } = line {
                assert!(
                    conditions
                        .iter()
                        .all(|condition| ids.contains(condition.param.as_str())),
                    "{}",
                    kind.key
                );
            }
        }
    }
}

#[test]
fn compiled_templates_are_accepted_by_the_schema_of_gitlab() {
    let path =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/contract/ci/gitlab-ci.schema.json");
    let Ok(schema) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: {} is absent", path.display());
        return;
    };
    let schema: serde_json::Value = serde_json::from_str(&schema).expect("a JSON document");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    for template in templates() {
        for (name, inputs) in sets(template) {
            let text =
                compile(&instantiate(template, &values(template, &inputs)).expect("checked values")).text;
            let json = to_json(&text);
            let errors: Vec<String> = validator
                .iter_errors(&json)
                .map(|error| format!("{} at {}", error, error.instance_path))
                .collect();
            assert!(errors.is_empty(), "{} {name}: {errors:#?}\n{text}", template.key);
        }
    }
    let refused = to_json("test:\n  script: []\n  stage: 1\n");
    assert!(!validator.is_valid(&refused), "the schema must be able to refuse");
}

/// YAML as JSON, for files without anchors and tags.
fn to_json(text: &str) -> serde_json::Value {
    let mut events = Parser::new_from_str(text).map(|event| event.expect("YAML").0);
    loop {
        match events.next().expect("a document") {
            Event::StreamStart | Event::DocumentStart(_) => {}
            event => return value(event, &mut events),
        }
    }
}

fn value<'a>(event: Event<'a>, events: &mut impl Iterator<Item = Event<'a>>) -> serde_json::Value {
    match event {
        Event::Scalar(text, ScalarStyle::Plain, ..) => match &*text {
            "true" => true.into(),
            "false" => false.into(),
            "" | "null" | "~" => serde_json::Value::Null,
            plain => plain.parse::<i64>().map_or_else(|_| plain.into(), Into::into),
        },
        Event::Scalar(text, ..) => text.into_owned().into(),
        Event::SequenceStart(..) => {
            let mut items = Vec::new();
            loop {
                match events.next().expect("an end") {
                    Event::SequenceEnd => return items.into(),
                    event => items.push(value(event, events)),
                }
            }
        }
        Event::MappingStart(..) => {
            let mut map = serde_json::Map::new();
            loop {
                match events.next().expect("an end") {
                    Event::MappingEnd => return map.into(),
                    Event::Scalar(key, ..) => {
                        let event = events.next().expect("a value");
                        map.insert(key.into_owned(), value(event, events));
                    }
                    other => panic!("a key that is no text: {other:?}"),
                }
            }
        }
        other => panic!("unexpected {other:?}"),
    }
}
