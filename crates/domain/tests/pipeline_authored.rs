//! Templates that organizations write: documents, versions, migrations, upgrades and locks.

use proptest::prelude::*;
use slipway_domain::pipeline::authored::{
    Bump, Lock, ParamState, UpgradeInput, VersionError, broken_locks, bump_between, compare, from_file,
    from_template, locked_canvas, migrate, next, parse_version, read, retag, scratch, upgrade, yaml_diff,
};
use slipway_domain::pipeline::file::merge::Choice;
use slipway_domain::pipeline::source::check_source;
use slipway_domain::pipeline::{
    Choice as Option_, LockedField, Options, Param, ParamKind, Params, Severity, Template, TemplateRef,
    Value, compile, form, instantiate, template, templates, validate,
};
use slipway_domain::proposal::template_of;
use slipway_domain::text::{Locale, Text};
use std::collections::BTreeMap;

fn good(text: &str, version: &str) -> Template {
    let document = read(text, "org.java", version);
    assert!(document.is_good(), "{:#?}", document.findings);
    document.template.unwrap()
}

/// A template with two jobs and these parameters beside `runner_tags` and `timeout`.
fn own(version: &str, params: &str, script: &str) -> Template {
    good(
        &format!(
            r#"{{ "names": {{ "zh": "爪哇", "en": "Java" }}, "params": [ {params} "runner_tags", "timeout" ],
            "graph": {{ "stages": [ {{ "name": "build" }}, {{ "name": "test" }} ], "jobs": [
              {{ "id": "build", "stage": "build", "steps": [ {{ "type": "script@1", "params": {{ "script": "make" }} }} ] }},
              {{ "id": "test", "stage": "test", "timeout": "$[[ inputs.timeout ]]",
                "steps": [ {{ "type": "script@1", "params": {{ "script": "{script}" }} }} ] }} ] }},
            "locked_fields": [ "build.script", {{ "field": "test", "why": {{ "en": "audited", "zh": "受审计" }} }} ] }}"#
        ),
        version,
    )
}

const GOAL: &str =
    r#"{ "id": "goal", "kind": "string", "default": "check", "label": { "zh": "目标", "en": "Goal" } },"#;

#[test]
fn every_built_in_template_is_a_good_document_and_says_the_same_again() {
    for built_in in templates() {
        let text = from_template(built_in, &Params::new());
        let document = read(&text, "org.copy", "1.0.0");
        assert!(document.is_good(), "{}: {:#?}", built_in.key, document.findings);
        assert!(
            document.findings.is_empty(),
            "{}: {:#?}",
            built_in.key,
            document.findings
        );
        let copy = document.template.unwrap();
        assert_eq!(copy.params, built_in.params);
        assert_eq!(copy.graph, built_in.graph);
        assert_eq!(compare(built_in, &copy).needed, None);
    }
    assert!(read(&scratch("A \"b\""), "org.copy", "1.0.0").findings.is_empty());
}

#[test]
fn a_finding_stands_at_its_line_and_column() {
    let text = "{\n  \"names\": { \"zh\": \"a\", \"en\": \"a\" },\n  \"params\": [\n    { \"id\": \"x\", \"kind\": \"texts\", \"label\": { \"zh\": \"a\", \"en\": \"a\" } }\n  ],\n  \"graph\": {\n    \"stages\": [ { \"name\": \"build\" } ],\n    \"jobs\": [\n      { \"id\": \"b\", \"stage\": \"bild\",\n        \"steps\": [ { \"type\": \"nothing@1\" } ] }\n    ] },\n  \"lockd\": []\n}\n";
    let found: Vec<_> = read(text, "org.java", "1.0.0")
        .findings
        .iter()
        .map(|one| (one.line, one.column))
        .collect();
    assert_eq!(found, [(4, 5), (9, 29), (10, 30), (12, 3)]);
    for finding in read(text, "org.java", "1.0.0").findings {
        assert_eq!(finding.severity, Severity::Error);
        assert_ne!(finding.message(Locale::En), finding.message(Locale::ZhCn));
    }
    let broken = read("{\n  \"names\": ,\n}", "org.java", "1.0.0");
    assert_eq!((broken.findings[0].line, broken.template), (2, None));
}

#[test]
fn what_a_document_must_not_say_is_told() {
    let words = |text: &str| {
        let document = read(text, "org.java", "1.0.0");
        assert!(!document.is_good(), "{text}");
        let messages = document
            .findings
            .iter()
            .map(|finding| finding.message(Locale::En));
        messages.collect::<Vec<_>>().join("\n")
    };
    let with = |params: &str, script: &str, locked: &str| {
        format!(
            r#"{{ "key": "java", "names": {{ "zh": "a", "en": "a" }}, "params": [ {params} ],
            "graph": {{ "stages": [ {{ "name": "b" }} ], "jobs": [ {{ "id": "b", "stage": "b",
              "steps": [ {{ "type": "script@1", "params": {{ "script": "{script}" }} }} ] }} ] }}, "locked_fields": [ {locked} ] }}"#
        )
    };
    assert!(words(&with("", "$[[ inputs.nobody ]]", "")).contains("no parameter “nobody”"));
    assert!(words(&with("\"nobody\"", "a", "")).contains("no shared parameter “nobody”"));
    assert!(words(&with("\"timeout\", \"timeout\"", "a", "")).contains("stands above already"));
    assert!(words(&with("", "a", "\"c.script\"")).contains("no job “c”"));
    assert!(words(&with("", "a", "\"b.scrpt\"")).contains("no keyword “scrpt”"));
    let param = r#"{ "id": "n", "kind": "int", "max": 3, "default": 9, "label": { "zh": "a", "en": "a" } }"#;
    assert!(words(&with(param, "a", "")).contains("Must be 3 or less"));
    assert!(words(&with("", "a", "").replace("\"java\"", "\"other\"")).contains("key is “java”"));
    assert!(words("[]").contains("expected an object"));
    assert!(words(&with("", "", "")).contains("b: "), "no commands");
    assert!(words(&" ".repeat(300_000)).contains("256 KiB"));
}

#[test]
fn the_step_is_as_large_as_what_changed() {
    let old = own("1.0.0", GOAL, "make check");
    let needed = |params: &str, script: &str| compare(&old, &own("2.0.0", params, script)).needed;
    assert_eq!(needed(GOAL, "make check"), None);
    assert_eq!(needed(GOAL, "make all"), Some(Bump::Patch));
    assert_eq!(
        needed(&GOAL.replace("Goal", "Target"), "make check"),
        Some(Bump::Patch)
    );
    assert_eq!(
        needed(&GOAL.replace("\"check\"", "\"all\""), "make check"),
        Some(Bump::Minor)
    );
    let more = format!("{GOAL} {}", GOAL.replace("\"goal\"", "\"other\""));
    assert_eq!(needed(&more, "make check"), Some(Bump::Minor));
    // Gone, of another kind, required without a default: somebody has to look.
    assert_eq!(needed("", "make check"), Some(Bump::Major));
    assert_eq!(
        needed(&GOAL.replace("\"string\"", "\"text\""), "make check"),
        Some(Bump::Major)
    );
    let asks = GOAL.replace(r#""default": "check","#, r#""required": true,"#);
    assert_eq!(needed(&asks, "make check"), Some(Bump::Major));
    let asks = format!("{GOAL} {}", asks.replace("\"goal\"", "\"other\""));
    assert_eq!(needed(&asks, "make check"), Some(Bump::Major));

    let change = compare(
        &old,
        &own("2.0.0", &GOAL.replace("\"check\"", "\"all\""), "make check"),
    );
    assert_eq!((change.params.len(), change.jobs), (1, false));
    assert_eq!(change.params[0].state, ParamState::Changed);
    let aspect = &change.params[0].aspects[0];
    assert_eq!(
        (aspect.key.as_str(), aspect.before.as_str(), aspect.after.as_str()),
        ("default", "check", "all")
    );
}

#[test]
fn versions_go_up() {
    let version = |text| parse_version(text).unwrap();
    for bad in [
        "",
        "1",
        "1.2",
        "v1.2.3",
        "01.2.3",
        "1.2.3-rc.1",
        "1.2.3+b",
        "1.2.99999999",
    ] {
        assert_eq!(parse_version(bad), Err(VersionError::Shape), "{bad}");
    }
    let one = version("1.2.3");
    for (bump, expected) in [
        (Bump::Patch, "1.2.4"),
        (Bump::Minor, "1.3.0"),
        (Bump::Major, "2.0.0"),
    ] {
        assert_eq!(next(&one, bump), version(expected));
        assert_eq!(bump_between(&one, &version(expected)), Some(bump));
    }
    assert_eq!(bump_between(&one, &one), None);
    assert_eq!(bump_between(&one, &version("1.2.2")), None);
}

fn made(template: &Template, values: &Params) -> String {
    compile(&instantiate(template, values).unwrap()).text
}

fn goes(
    from: &Template,
    repository: &str,
    to: &Template,
    choices: &[(&str, Choice)],
) -> slipway_domain::pipeline::authored::Upgrade {
    let choices = choices
        .iter()
        .map(|(key, choice)| ((*key).to_owned(), *choice))
        .collect();
    upgrade(&UpgradeInput {
        from: &from.reference(),
        base: &made(from, &Params::new()),
        repository,
        to,
        values: &Params::new(),
        choices: &choices,
    })
    .unwrap()
}

#[test]
fn an_upgrade_takes_the_template_and_keeps_what_was_done_by_hand() {
    let (old, new) = (own("1.0.0", "", "make check"), own("1.1.0", "", "make all"));
    let file = made(&old, &Params::new());
    assert!(file.contains("template=org.java@1.0.0"));

    // Untouched: exactly what the newer version makes.
    let plain = goes(&old, &file, &new, &[]);
    assert_eq!(plain.text, made(&new, &Params::new()));
    assert!(plain.open.is_empty() && plain.kept.is_empty());

    // A job of one's own, and one edited that the template did not touch.
    let by_hand = format!(
        "{}\nmine:\n  stage: test\n  script: [echo]\n",
        file.replace("- make\n", "- make -j2\n")
    );
    let kept = goes(&old, &by_hand, &new, &[]);
    assert!(
        kept.text.contains("- make -j2") && kept.text.contains("mine:") && kept.text.contains("- make all")
    );
    assert_eq!(kept.kept, ["build", "mine"]);
    assert!(
        !kept.text.contains("1.0.0"),
        "every mark names the newer version: {}",
        kept.text
    );
    assert_eq!(template_of(&kept.text).as_deref(), Some("org.java@1.1.0"));

    // Both changed the same job: told, and chosen.
    let both = file.replace("- make check", "- make check -k");
    let open = goes(&old, &both, &new, &[]);
    assert_eq!(open.open, ["test"]);
    assert!(open.text.contains("- make check -k"));
    assert!(
        goes(&old, &both, &new, &[("test", Choice::Draft)])
            .text
            .contains("- make all")
    );
    assert!(
        goes(&old, &both, &new, &[("test", Choice::Repository)])
            .open
            .is_empty()
    );
}

#[test]
fn a_lock_is_drawn_with_its_name_and_a_broken_one_is_told() {
    let template = own("1.0.0", "", "make check");
    let file = made(&template, &Params::new());
    let locks: Vec<Lock> = template
        .locked_fields
        .iter()
        .map(|field| Lock {
            template: String::from("org.java@1.0.0"),
            field: field.clone(),
            by: String::from("Dana"),
            place: String::from("Acme"),
            name: template.names.clone(),
        })
        .collect();
    let drawn = locked_canvas(&file, &locks).unwrap();
    let build = drawn.jobs.iter().find(|job| job.name == "build").unwrap();
    let locked: Vec<_> = build
        .fields
        .iter()
        .filter(|field| field.locked.is_some())
        .collect();
    assert!(!locked.is_empty());
    assert!(
        locked.iter().all(|field| field.path.starts_with("script")),
        "{locked:?}"
    );
    assert!(locked[0].locked.as_ref().unwrap().en.contains("Dana (Acme)"));
    let test = drawn.jobs.iter().find(|job| job.name == "test").unwrap();
    assert!(test.fields.iter().all(|field| {
        field
            .locked
            .as_ref()
            .is_some_and(|why| why.en.contains("audited"))
    }));

    let broken = |draft: &str| -> Vec<String> {
        let broken = broken_locks(&file, draft, &locks).unwrap();
        broken.into_iter().map(|one| one.lock.field.field).collect()
    };
    assert!(broken(&file).is_empty());
    assert!(
        broken(&file.replace("stage: build", "stage: test")).is_empty(),
        "the stage of build is free"
    );
    assert_eq!(broken(&file.replace("- make\n", "- true\n")), ["build.script"]);
    assert_eq!(broken(&file.replace("- make check", "- true")), ["test"]);
    assert_eq!(
        broken(&file.replace("# slipway: job=test template=org.java@1.0.0\n", "")),
        ["test"]
    );
    assert_eq!(broken("a:\n  script: [b]\n"), ["build.script", "test"]);
}

#[test]
fn a_template_begins_with_an_apps_pipeline() {
    let file = "stages: [build, test]\n\nbuild:\n  stage: build\n  image: node:22\n  script:\n    - npm ci\n    - npm run build\n\nunit test:\n  stage: test\n  needs: [build]\n  tags: [arm]\n  script: [npm test]\n\nodd:\n  extends: .base\n  script: [a]\n\n.base:\n  stage: test\n  image: alpine:3\n";
    let (text, left) = from_file("Shop", file).unwrap();
    let document = read(&text, "project.shop", "1.0.0");
    assert!(document.is_good(), "{text}\n{:#?}", document.findings);
    let template = document.template.unwrap();
    let jobs: Vec<_> = template.graph.jobs.iter().map(|job| job.id.as_str()).collect();
    assert_eq!(jobs, ["build", "unit-test"]);
    assert_eq!(left, ["odd"]);
    let made = made(&template, &Params::new());
    assert!(
        made.contains("image: node:22") && made.contains("npm run build") && made.contains("unit test:"),
        "{made}"
    );
    assert!(made.contains("- arm"), "{made}");
}

fn kinds() -> impl Strategy<Value = ParamKind> {
    prop::sample::select(vec![
        ParamKind::String,
        ParamKind::Text,
        ParamKind::Int,
        ParamKind::Bool,
        ParamKind::Enum,
        ParamKind::List,
        ParamKind::Map,
        ParamKind::Duration,
        ParamKind::Path,
    ])
}

fn param(id: &'static str) -> impl Strategy<Value = Param> {
    (kinds(), any::<bool>(), any::<bool>(), 0..3_usize).prop_map(move |(kind, required, default, choices)| {
        let items = ["a", "b", "c"].iter().take(choices + 1).map(|value| Option_ {
            value: (*value).to_owned(),
            label: Text::default(),
        });
        let value = match kind {
            ParamKind::Int => Value::Int(7),
            ParamKind::Bool => Value::Bool(true),
            ParamKind::List => Value::List(vec![String::from("a")]),
            ParamKind::Map => Value::Map(BTreeMap::from([(String::from("A"), String::from("a"))])),
            ParamKind::Duration => Value::from("30 minutes"),
            _ => Value::from("a"),
        };
        Param {
            id: id.to_owned(),
            kind,
            label: Text::verbatim(id),
            help: Text::default(),
            default: default.then_some(value),
            required,
            pattern: None,
            min: None,
            max: None,
            options: (kind == ParamKind::Enum).then(|| Options::Static {
                items: items.collect(),
            }),
            visible_if: Vec::new(),
            advanced: false,
        }
    })
}

fn params() -> impl Strategy<Value = Vec<Param>> {
    (param("p"), param("q"), param("r"), any::<[bool; 3]>()).prop_map(|(p, q, r, here)| {
        let all = [p, q, r].into_iter().zip(here);
        all.filter(|(_, here)| *here).map(|(param, _)| param).collect()
    })
}

/// Values that the form takes.
fn fill(params: &[Param], texts: &[String; 3]) -> Params {
    let inputs = params
        .iter()
        .zip(texts)
        .map(|(param, text)| (param.id.clone(), text.clone()));
    let parsed = form::parse(params, &inputs.collect());
    let wrong: Vec<_> = parsed.errors.iter().map(|error| &error.param).collect();
    parsed
        .values
        .into_iter()
        .filter(|(id, _)| !wrong.contains(&id))
        .collect()
}

fn of(params: Vec<Param>, version: &str) -> Template {
    Template {
        params,
        semver: version.to_owned(),
        ..template("empty").unwrap().clone()
    }
}

proptest! {
    /// A step that is not major never asks anybody anything: what held before holds, and is kept.
    #[test]
    fn below_a_major_version_nothing_is_asked_and_nothing_falls_away(
        old in params(), new in params(), texts in any::<[String; 3]>()
    ) {
        let values = fill(&old, &texts);
        prop_assume!(form::check_values(&old, &values).is_empty());
        let needed = compare(&of(old.clone(), "1.0.0"), &of(new.clone(), "2.0.0")).needed;
        let migration = migrate(&old, &new, &values);
        if needed != Some(Bump::Major) {
            prop_assert!(migration.needs.is_empty(), "{:?} {:?}", needed, migration);
            prop_assert!(migration.dropped.is_empty());
            prop_assert!(form::check_values(&new, &migration.values).is_empty());
        }
    }

    /// Every parameter of the newer form is told of once; every value that is lost is told.
    #[test]
    fn a_migration_tells_of_everything(old in params(), new in params(), texts in any::<[String; 3]>()) {
        let values = fill(&old, &texts);
        let migration = migrate(&old, &new, &values);
        let mut told: Vec<&str> = migration.kept.iter().chain(&migration.defaulted).chain(&migration.needs)
            .map(|one| one.id.as_str()).collect();
        told.sort_unstable();
        let mut all: Vec<&str> = new.iter().map(|param| param.id.as_str()).collect();
        all.sort_unstable();
        prop_assert_eq!(told, all);
        for error in form::check_values(&new, &migration.values) {
            prop_assert!(migration.needs.iter().any(|need| need.id == error.param));
        }
        for param in &old {
            let held = values.get(&param.id).is_some_and(|value| *value != param.default_value());
            if held && new.iter().all(|other| other.id != param.id) {
                prop_assert!(migration.dropped.iter().any(|one| one.id == param.id));
            }
        }
    }

    /// Nothing changed, nothing moves.
    #[test]
    fn the_same_form_keeps_every_value(old in params(), texts in any::<[String; 3]>()) {
        let values = fill(&old, &texts);
        prop_assume!(form::check_values(&old, &values).is_empty());
        let migration = migrate(&old, &old, &values);
        prop_assert!(migration.defaulted.is_empty() && migration.needs.is_empty() && migration.dropped.is_empty());
        for (id, value) in &values {
            prop_assert_eq!(&migration.values[id], value);
        }
        prop_assert_eq!(compare(&of(old.clone(), "1.0.0"), &of(old, "1.0.1")).needed, None);
    }

    /// No text makes the reader panic, and every finding has a place in the text.
    #[test]
    fn any_text_is_read_or_told(text in "[\\[\\]{}:,\" \n\ta-z0-9]{0,80}") {
        let document = read(&text, "org.java", "1.0.0");
        prop_assert!(document.template.is_some() || !document.is_good());
        for finding in document.findings {
            prop_assert!(finding.line >= 1 && finding.column >= 1);
            prop_assert!(finding.line <= text.lines().count().max(1) + 1);
        }
    }

    /// A file whose jobs were edited anywhere is still YAML after an upgrade, its marks name the newer version, and lines
    /// that only the repository has are in it.
    #[test]
    fn an_upgrade_loses_no_line_of_the_repository(at in 0..40_usize, word in "[a-z]{3,9}") {
        let (old, new) = (own("1.0.0", "", "make check"), own("2.0.0", "", "make all"));
        let file = made(&old, &Params::new());
        let mut lines: Vec<String> = file.lines().map(str::to_owned).collect();
        let at = at % lines.len();
        lines.insert(at, format!("# by hand {word}"));
        let edited = lines.join("\n") + "\n";
        prop_assume!(check_source(&edited).is_ok());
        let done = goes(&old, &edited, &new, &[]);
        prop_assert!(check_source(&done.text).is_ok());
        prop_assert!(done.text.contains(&format!("# by hand {word}")), "{}", done.text);
        prop_assert!(!done.text.contains("@1.0.0"), "{}", done.text);
    }

    /// Naming another version and back changes nothing.
    #[test]
    fn a_retag_can_be_undone(crlf in any::<bool>()) {
        let old = own("1.0.0", "", "make check");
        let mut file = made(&old, &Params::new());
        if crlf {
            file = file.replace('\n', "\r\n");
        }
        let other = TemplateRef { key: String::from("org.kotlin"), version: String::from("3.0.0") };
        let there = retag(&file, &old.reference(), &other);
        prop_assert!(!there.contains("org.java"));
        prop_assert_eq!(retag(&there, &other, &old.reference()), file);
    }
}

#[test]
fn the_difference_of_two_versions_is_that_of_their_files() {
    let (old, new) = (
        own("1.0.0", GOAL, "make $[[ inputs.goal ]]"),
        own("1.1.0", GOAL, "make -k $[[ inputs.goal ]]"),
    );
    let values = Params::from([(String::from("goal"), Value::from("all"))]);
    let diff = yaml_diff(&old, &new, &values).unwrap();
    let added: Vec<_> = diff
        .hunks
        .iter()
        .flat_map(|hunk| &hunk.lines)
        .filter(|line| line.new.is_some() && line.old.is_none())
        .map(|line| line.text.trim())
        .collect();
    assert!(added.contains(&"- make -k all"), "{added:?}");
    assert!(validate(&instantiate(&new, &values).unwrap()).is_empty());
    assert_eq!(
        LockedField {
            field: String::from("a.b"),
            why: Text::default()
        }
        .parts(),
        ("a", Some("b"))
    );
}
