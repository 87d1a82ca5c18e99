//! The rules of forms and of pipelines: what is refused, in which words, and what mends it.

use std::collections::BTreeMap;

use proptest::prelude::*;
use slipway_domain::pipeline::{
    Condition, FieldMessage, Job, Locale, Need, Param, ParamKind, Params, Pattern, Pipeline, Problem,
    ProblemCode, Severity, Stage, Step, Trigger, Value, When, compile, form, instantiate, template,
    templates, validate,
};

fn step(id: &str, kind: &str, params: &[(&str, &str)]) -> Step {
    let params = params
        .iter()
        .map(|(id, value)| ((*id).to_owned(), Value::from(*value)));
    Step {
        id: id.into(),
        step_type: kind.into(),
        params: params.collect(),
    }
}

fn job(id: &str, stage: &str, needs: &[&str]) -> Job {
    Job {
        id: id.into(),
        name: id.into(),
        stage: stage.into(),
        needs: needs.iter().map(|need| Need::new(*need)).collect(),
        steps: vec![step("s1", "script@1", &[("script", "echo")])],
        ..Job::default()
    }
}

fn pipeline(jobs: Vec<Job>) -> Pipeline {
    Pipeline {
        stages: ["build", "test", "deploy"].map(Stage::new).to_vec(),
        jobs,
        ..Pipeline::default()
    }
}

/// The problems, and that a pipeline has none of that kind after each problem's fix.
fn problems(pipeline: &Pipeline) -> Vec<Problem> {
    let problems = validate(pipeline);
    for problem in &problems {
        assert_eq!(problem.severity, Severity::Error);
        for locale in [Locale::En, Locale::ZhCn] {
            assert!(!problem.message(locale).is_empty());
        }
        assert_ne!(problem.message(Locale::En), problem.message(Locale::ZhCn));
        if let Some(fix) = &problem.fix {
            let mut mended = pipeline.clone();
            fix.apply(&mut mended);
            assert!(
                !validate(&mended).contains(problem),
                "{fix:?} does not mend {problem:?}"
            );
        }
    }
    problems
}

fn codes(pipeline: &Pipeline) -> Vec<ProblemCode> {
    problems(pipeline)
        .into_iter()
        .map(|problem| problem.code)
        .collect()
}

#[test]
fn a_ring_is_found_and_named_once() {
    let ring = pipeline(vec![
        job("a", "test", &["c"]),
        job("b", "test", &["a"]),
        job("c", "test", &["b"]),
        job("d", "test", &["c"]),
    ]);
    assert_eq!(
        codes(&ring),
        [ProblemCode::Cycle {
            path: "a → c → b → a".into()
        }]
    );
    let own = pipeline(vec![job("a", "test", &["a"])]);
    assert_eq!(
        codes(&own),
        [ProblemCode::Cycle {
            path: "a → a".into()
        }]
    );
}

#[test]
fn names_are_unique_and_not_keywords() {
    let mut twice = pipeline(vec![job("a", "test", &[]), job("b", "test", &[])]);
    twice.jobs[1].name = "a".into();
    assert_eq!(codes(&twice), [ProblemCode::DuplicateName { name: "a".into() }]);
    let mut keyword = pipeline(vec![job("a", "test", &[])]);
    keyword.jobs[0].name = "image".into();
    assert_eq!(
        codes(&keyword),
        [ProblemCode::ReservedName { name: "image".into() }]
    );
    keyword.jobs[0].name = " ".into();
    assert_eq!(codes(&keyword), [ProblemCode::EmptyName]);
}

#[test]
fn needs_and_stages_exist_and_run_forward() {
    let unknown = pipeline(vec![job("a", "test", &["gone"])]);
    assert_eq!(
        codes(&unknown),
        [ProblemCode::UnknownNeed { need: "gone".into() }]
    );
    let later = pipeline(vec![job("a", "build", &["b"]), job("b", "test", &[])]);
    assert_eq!(
        codes(&later),
        [ProblemCode::NeedOfLaterStage { need: "b".into() }]
    );
    let stage = pipeline(vec![job("a", "nowhere", &[])]);
    assert_eq!(
        codes(&stage),
        [ProblemCode::UnknownStage {
            stage: "nowhere".into()
        }]
    );
    assert_eq!(codes(&pipeline(Vec::new())), [ProblemCode::NoJobs]);
}

#[test]
fn a_used_file_has_a_producer_before() {
    let scan = |needs: &[&str]| Job {
        steps: vec![step("s1", "scan-image@1", &[])],
        ..job("scan", "deploy", needs)
    };
    let image = Job {
        steps: vec![step("s1", "image@1", &[])],
        ..job("image-job", "test", &[])
    };
    let missing = ProblemCode::MissingProducer {
        path: "release.env".into(),
    };
    assert_eq!(codes(&pipeline(vec![scan(&[])])), std::slice::from_ref(&missing));
    assert_eq!(codes(&pipeline(vec![image.clone(), scan(&["image-job"])])), []);
    // Without needs, all jobs of the stages before count; with needs, only those.
    assert_eq!(codes(&pipeline(vec![image.clone(), scan(&[])])), []);
    assert_eq!(
        codes(&pipeline(vec![
            job("other", "build", &[]),
            image,
            scan(&["other"])
        ])),
        [missing]
    );
}

#[test]
fn secrets_stay_on_protected_branches() {
    let mut notice = job("notice", "deploy", &[]);
    notice.steps = vec![step("s1", "notify@1", &[("webhook", "CHAT_WEBHOOK")])];
    let open = pipeline(vec![notice.clone()]);
    assert_eq!(
        codes(&open),
        [ProblemCode::SecretOnUnprotectedRef {
            secret: "CHAT_WEBHOOK".into()
        }]
    );
    notice.when = When {
        on: Trigger::DefaultBranchAndTags,
        manual: false,
    };
    assert_eq!(codes(&pipeline(vec![notice])), []);
}

#[test]
fn a_deployment_names_its_environment() {
    let mut deploy = job("ship", "deploy", &[]);
    deploy.steps = vec![step("s1", "deploy@1", &[("script", "sh deploy.sh")])];
    assert_eq!(
        codes(&pipeline(vec![deploy])),
        [ProblemCode::DeployWithoutEnvironment]
    );
}

#[test]
fn two_images_and_mixed_steps_are_split() {
    let mut two = job("images", "test", &[]);
    two.steps = vec![
        step("s1", "image@1", &[]),
        step("s2", "image@1", &[("name_suffix", "worker")]),
    ];
    let mut pipeline = pipeline(vec![two]);
    assert_eq!(codes(&pipeline), [ProblemCode::TwoImages]);
    let problem = &validate(&pipeline)[0];
    assert_eq!(
        (problem.job.as_deref(), problem.field.as_deref()),
        (Some("images"), Some("steps.s2"))
    );
    problem.fix.clone().expect("a fix").apply(&mut pipeline);
    assert_eq!(codes(&pipeline), []);
    assert_eq!(pipeline.jobs.len(), 2);

    pipeline.jobs[0]
        .steps
        .push(step("s3", "script@1", &[("script", "echo")]));
    assert!(matches!(
        codes(&pipeline).as_slice(),
        [ProblemCode::MustStandAlone { .. }]
    ));
}

#[test]
fn scripts_are_not_empty_and_steps_are_known() {
    let mut silent = job("a", "test", &[]);
    silent.steps.clear();
    assert_eq!(codes(&pipeline(vec![silent.clone()])), [ProblemCode::EmptyScript]);
    silent.steps = vec![step("s1", "magic@9", &[])];
    assert_eq!(
        codes(&pipeline(vec![silent.clone()])),
        [
            ProblemCode::UnknownStep {
                step: "magic@9".into()
            },
            ProblemCode::EmptyScript
        ]
    );
    silent.steps = vec![step(
        "s1",
        "script@1",
        &[("script", "echo"), ("image", "not an image")],
    )];
    let refused = ProblemCode::RefusedValue {
        param: "image".into(),
        message: FieldMessage::NotAnImage,
    };
    assert_eq!(codes(&pipeline(vec![silent])), [refused]);
}

#[test]
fn a_need_that_may_be_absent_is_optional_in_the_file() {
    let mut image = job("pack", "test", &[]);
    image.when.on = Trigger::DefaultBranch;
    let text = compile(&pipeline(vec![image.clone(), job("after", "deploy", &["pack"])])).text;
    assert!(text.contains("    - job: pack\n      optional: true\n"), "{text}");
    image.when.on = Trigger::EveryPush;
    image.disabled = true;
    let text = compile(&pipeline(vec![image, job("after", "deploy", &["pack"])])).text;
    assert!(
        text.contains("    - when: never\n") && text.contains("      optional: true\n"),
        "{text}"
    );
}

#[test]
fn presets_become_rules() {
    let with = |on: Trigger, manual: bool| {
        let mut one = job("a", "test", &[]);
        one.when = When { on, manual };
        compile(&pipeline(vec![one])).text
    };
    assert!(!with(Trigger::EveryPush, false).contains("rules"));
    assert!(with(Trigger::EveryPush, true).contains("  when: manual\n"));
    assert!(with(Trigger::Tags, true).contains("    - if: $CI_COMMIT_TAG\n      when: manual\n"));
    let branches = with(Trigger::Branches(vec!["main".into(), "release/*".into()]), false);
    assert!(
        branches.contains("- if: $CI_COMMIT_BRANCH == \"main\"\n"),
        "{branches}"
    );
    assert!(
        branches.contains("- if: $CI_COMMIT_BRANCH =~ /^release\\/.*$/\n"),
        "{branches}"
    );
}

#[test]
fn a_template_refuses_values_at_their_fields() {
    let node = template("node").expect("built in");
    let values = Params::from([
        ("node_version".to_owned(), Value::from("6")),
        ("dir".to_owned(), Value::from("../up")),
        ("nonsense".to_owned(), Value::from(true)),
    ]);
    let problems = instantiate(node, &values).expect_err("refused");
    let fields: Vec<_> = problems
        .iter()
        .filter_map(|problem| problem.field.as_deref())
        .collect();
    assert_eq!(fields, ["node_version", "dir", "nonsense"]);
}

fn param(id: &str, kind: ParamKind) -> Param {
    Param {
        id: id.into(),
        kind,
        label: slipway_domain::pipeline::Text::new("Label", "标签"),
        help: slipway_domain::pipeline::Text::default(),
        default: None,
        required: false,
        pattern: None,
        min: None,
        max: None,
        options: None,
        visible_if: Vec::new(),
        advanced: false,
    }
}

fn message(param: &Param, raw: &str) -> Option<FieldMessage> {
    let inputs = BTreeMap::from([(param.id.clone(), raw.to_owned())]);
    let parsed = form::parse(std::slice::from_ref(param), &inputs);
    parsed.errors.into_iter().next().map(|error| error.message)
}

#[test]
fn fields_are_read_by_kind() {
    let number = Param {
        min: Some(1),
        max: Some(5),
        ..param("n", ParamKind::Int)
    };
    assert_eq!(message(&number, " 3 "), None);
    assert_eq!(message(&number, "x"), Some(FieldMessage::NotANumber));
    assert_eq!(message(&number, "0"), Some(FieldMessage::TooSmall { min: 1 }));
    assert_eq!(message(&number, "9"), Some(FieldMessage::TooLarge { max: 5 }));
    let line = Param {
        required: true,
        max: Some(3),
        pattern: Some(Pattern::Slug),
        ..param("s", ParamKind::String)
    };
    assert_eq!(message(&line, " "), Some(FieldMessage::Required));
    assert_eq!(
        message(&line, "Ab"),
        Some(FieldMessage::NotOfPattern {
            pattern: Pattern::Slug
        })
    );
    assert_eq!(message(&line, "abcd"), Some(FieldMessage::TooLong { max: 3 }));
    assert_eq!(message(&line, "a\nb"), Some(FieldMessage::NotOneLine));
    assert_eq!(
        message(&param("m", ParamKind::Map), "A=1\n\nbad"),
        Some(FieldMessage::NotAPair { line: 3 })
    );
    assert_eq!(
        message(&param("b", ParamKind::Bool), "maybe"),
        Some(FieldMessage::NotASwitch)
    );
    assert_eq!(
        message(&param("d", ParamKind::Duration), "soon"),
        Some(FieldMessage::NotADuration)
    );
    assert_eq!(
        message(&param("c", ParamKind::Cron), "daily"),
        Some(FieldMessage::NotACron)
    );
    assert_eq!(
        message(&param("r", ParamKind::SecretRef), "glpat-123"),
        Some(FieldMessage::NotAVariableName)
    );
    assert_eq!(message(&param("l", ParamKind::List), "a\r\n\r\n b \n"), None);
}

#[test]
fn an_absent_field_keeps_its_default_and_an_empty_one_is_empty() {
    let timeout = Param {
        default: Some(Value::from("1h")),
        ..param("timeout", ParamKind::Duration)
    };
    let params = [timeout];
    let absent = form::parse(&params, &BTreeMap::new());
    assert_eq!(absent.values["timeout"], Value::from("1h"));
    let empty = form::parse(&params, &BTreeMap::from([("timeout".to_owned(), String::new())]));
    assert_eq!(
        (empty.values["timeout"].clone(), empty.errors),
        (Value::from(""), Vec::new())
    );
}

#[test]
fn a_hidden_field_is_neither_checked_nor_used() {
    let switch = param("on", ParamKind::Bool);
    let hidden = Param {
        required: true,
        visible_if: vec![Condition {
            param: "on".into(),
            is: Vec::new(),
            not: false,
        }],
        ..param("inner", ParamKind::String)
    };
    let params = [switch, hidden];
    let inputs = |on: &str| {
        BTreeMap::from([
            ("on".to_owned(), on.to_owned()),
            ("inner".to_owned(), "x".to_owned()),
        ])
    };
    assert_eq!(
        form::parse(&params, &inputs("off")).values["inner"],
        Value::from("")
    );
    assert_eq!(
        form::parse(&params, &inputs("on")).values["inner"],
        Value::from("x")
    );
    assert!(!form::fields(&params, &Params::new())[1].visible);
    let missing = BTreeMap::from([("on".to_owned(), "on".to_owned())]);
    assert_eq!(
        form::parse(&params, &missing).errors[0].message,
        FieldMessage::Required
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_input_gives_values_that_the_template_takes(
        which in 0_usize..12,
        noise in prop::collection::vec(prop_oneof!["\\PC{0,20}", "[a-z0-9./:\n=]{0,12}", Just("on".to_owned())], 24),
    ) {
        let template = &templates()[which];
        let inputs = template.params.iter().zip(noise).map(|(param, text)| (param.id.clone(), text)).collect();
        let parsed = form::parse(&template.params, &inputs);
        let pipeline = instantiate(template, &parsed.values);
        prop_assert!(pipeline.is_ok(), "{:?}", pipeline.err());
        let pipeline = pipeline.expect("checked");
        let text = compile(&pipeline).text;
        prop_assert_eq!(slipway_domain::pipeline::source::check_source(&text), Ok(()), "{}", text);
        // What was stored comes back to the form the same.
        let again = form::parse(&template.params, &form::raw(&parsed.values));
        prop_assert_eq!(&again.errors, &[]);
        prop_assert_eq!(compile(&instantiate(template, &again.values).expect("checked")).text, text);
    }

    #[test]
    fn validation_and_compilation_answer_for_any_graph(
        jobs in prop::collection::vec((0_usize..6, 0_usize..5, prop::collection::vec(0_usize..7, 0..4)), 0..8),
    ) {
        let jobs = jobs.into_iter().map(|(id, stage, needs)| {
            let needs: Vec<String> = needs.into_iter().map(|need| format!("j{need}")).collect();
            let needs: Vec<&str> = needs.iter().map(String::as_str).collect();
            job(&format!("j{id}"), ["build", "test", "deploy", "x", ""][stage], &needs)
        });
        let pipeline = pipeline(jobs.collect());
        let _ = validate(&pipeline);
        let compiled = compile(&pipeline);
        prop_assert_eq!(compiled.spans.len(), pipeline.jobs.len());
        prop_assert!(compiled.spans.last().is_none_or(|span| span.last == compiled.text.lines().count()));
    }
}
