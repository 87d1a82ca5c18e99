//! A template's document as the editor draws it.

use super::words::conditions_text;
use crate::editor::sheet::{Note, Row, RowKind, Sheet};
use crate::i18n::{locale, say};
use crate::tr;
use slipway_domain::pipeline::authored::{lines_of_jobs, read};
use slipway_domain::pipeline::file::CutKind;
use slipway_domain::pipeline::file::NewValue;
use slipway_domain::pipeline::file::canvas::{Canvas, CanvasEdge, CanvasJob, CanvasStage, Field, FieldKind};
use slipway_domain::pipeline::{
    GraphJob, GraphStep, Job, Need, Options, Param, ParamKind, Template, Value, step_type,
};
use std::collections::BTreeMap;

/// When a job runs, as templates write it.
pub const ON: [&str; 5] = [
    "every_push",
    "default_branch",
    "tags",
    "default_branch_and_tags",
    "merge_requests",
];

/// Draws a document; nothing where it is none.
pub fn sheet(text: &str, key: &str) -> Option<Sheet> {
    let document = read(text, key, "0.0.0");
    let template = document.template?;
    let lines = lines_of_jobs(text);
    let jobs: Vec<CanvasJob> = template
        .graph
        .jobs
        .iter()
        .map(|job| node(job, lines.get(&job.id).copied()))
        .collect();
    let stages = template.graph.stages.iter().map(|stage| CanvasStage {
        name: stage.name.clone(),
        listed: true,
        jobs: of_stage(&jobs, &stage.name),
    });
    let mut stages: Vec<CanvasStage> = stages.collect();
    // A job whose stage is not there is seen all the same; the findings say it.
    for job in &jobs {
        let name = job.stage.clone().unwrap_or_default();
        if stages.iter().all(|stage| stage.name != name) {
            stages.push(CanvasStage {
                jobs: of_stage(&jobs, &name),
                name,
                listed: false,
            });
        }
    }
    let edges = template.graph.jobs.iter().flat_map(|job| {
        let needs = job
            .needs
            .iter()
            .filter(|need| jobs.iter().any(|one| one.name == **need));
        needs.map(|need| CanvasEdge {
            from: need.clone(),
            to: job.id.clone(),
            need: Need::new(need.clone()),
        })
    });
    let written = template
        .graph
        .jobs
        .iter()
        .map(|job| (job.id.clone(), rows(&template, job)))
        .collect::<BTreeMap<_, _>>();
    let notes = document
        .findings
        .iter()
        .map(|finding| Note {
            line: finding.line,
            severity: finding.severity,
            words: finding.message(locale()),
            fix: None,
        })
        .collect();
    Some(Sheet {
        canvas: Canvas {
            edges: edges.collect(),
            stages,
            jobs,
            ..Sheet::default().canvas
        },
        notes,
        written,
        template: Some(template),
        ..Sheet::default()
    })
}

fn of_stage(jobs: &[CanvasJob], stage: &str) -> Vec<String> {
    let here = jobs.iter().filter(|job| job.stage.as_deref() == Some(stage));
    here.map(|job| job.name.clone()).collect()
}

fn node(job: &GraphJob, lines: Option<(usize, usize)>) -> CanvasJob {
    let (first_line, last_line) = lines.unwrap_or((1, 1));
    let waits = job.immediate || !job.needs.is_empty();
    let image = job.steps.iter().find_map(|step| step.params.get("image"));
    let image = job
        .image
        .as_ref()
        .map(|image| image.name.clone())
        .or_else(|| image.map(Value::to_text));
    CanvasJob {
        name: job.id.clone(),
        id: job.id.clone(),
        stage: Some(job.stage.clone()),
        kind: CutKind::Managed,
        reason: None,
        first_line,
        last_line,
        bytes: (0, 0),
        marker: None,
        disabled: false,
        manual: job.manual,
        needs: waits.then(|| job.needs.iter().cloned().map(Need::new).collect()),
        needs_locked: None,
        extends: Vec::new(),
        fields: vec![Field {
            path: String::from("image"),
            kind: FieldKind::Text,
            value: image.map(NewValue::Text),
            inherited: None,
            line: None,
            locked: None,
        }],
        locked: Vec::new(),
        lock: None,
        own: Job::default(),
    }
}

/// `$[[ inputs.name ]]` of every parameter.
pub fn references(template: &Template) -> Vec<String> {
    let params = template.params.iter();
    params
        .map(|param| format!("$[[ inputs.{} ]]", param.id))
        .collect()
}

pub(super) fn rows(template: &Template, job: &GraphJob) -> Vec<Row> {
    let more = |path: &str, label: String, text: String| Row {
        label: Some(label),
        text,
        more: true,
        ..Row::of(path)
    };
    let stages = template.graph.stages.iter().map(|stage| stage.name.clone());
    let mut all = vec![Row {
        kind: RowKind::Choice(stages.collect()),
        text: job.stage.clone(),
        ..Row::of("stage")
    }];
    for (index, step) in job.steps.iter().enumerate() {
        all.extend(of_step(template, job, index, step));
    }
    let on = ON.map(str::to_owned).into_iter().chain(references(template));
    all.push(Row {
        kind: RowKind::Choice(on.collect()),
        text: job.on.clone().unwrap_or_default(),
        label: Some(tr!(editor.when)),
        more: false,
        ..Row::of("on")
    });
    all.push(more(
        "name",
        tr!(template.job_name),
        job.name.clone().unwrap_or_default(),
    ));
    all.push(Row {
        kind: RowKind::Area,
        help: Some(tr!(template.conditions_help)),
        ..more("if", tr!(template.only_if), conditions_text(&job.conditions))
    });
    for (path, label, on) in [
        ("manual", tr!(template.by_hand), job.manual),
        ("immediate", tr!(template.immediate), job.immediate),
    ] {
        all.push(Row {
            kind: RowKind::Switch,
            ..more(path, label, if on { String::from("true") } else { String::new() })
        });
    }
    let image = job.image.as_ref().map(|image| image.name.clone());
    all.push(more(
        "image",
        tr!(template.image_of_all),
        image.unwrap_or_default(),
    ));
    all.push(Row {
        kind: RowKind::Area,
        help: Some(tr!(editor.tags_help)),
        ..more(
            "tags",
            tr!(editor.tags),
            job.tags.as_ref().map(Value::to_raw).unwrap_or_default(),
        )
    });
    let environment = job.environment.as_ref();
    let texts = [
        ("timeout", tr!(editor.timeout), job.timeout.clone()),
        (
            "retry",
            tr!(editor.retry),
            job.retry.map(|count| count.to_string()),
        ),
        (
            "environment.name",
            tr!(editor.environment),
            environment.map(|one| one.name.clone()),
        ),
        (
            "environment.url",
            tr!(editor.environment_url),
            environment.and_then(|one| one.url.clone()),
        ),
    ];
    for (path, label, text) in texts {
        all.push(more(path, label, text.unwrap_or_default()));
    }
    all
}

/// The parameters of a step, and when it is part of its job.
fn of_step(template: &Template, job: &GraphJob, index: usize, step: &GraphStep) -> Vec<Row> {
    let Some(kind) = step_type(&step.step_type) else {
        return Vec::new();
    };
    let named = |word: String| {
        if job.steps.len() > 1 {
            format!("{}: {word}", say(&kind.names))
        } else {
            word
        }
    };
    let mut rows: Vec<Row> = kind
        .params
        .iter()
        .map(|param| {
            let default = param.default.as_ref().map(Value::to_raw);
            Row {
                kind: control(param, template),
                text: step.params.get(&param.id).map(Value::to_raw).unwrap_or_default(),
                inherited: default.filter(|default| !default.is_empty()),
                label: Some(named(say(&param.label))),
                help: Some(say(&param.help)).filter(|help| !help.is_empty()),
                more: param.advanced,
                ..Row::of(&format!("steps.{index}.{}", param.id))
            }
        })
        .collect();
    rows.push(Row {
        kind: RowKind::Area,
        text: conditions_text(&step.conditions),
        label: Some(named(tr!(template.step_only_if))),
        help: Some(tr!(template.conditions_help)),
        more: true,
        ..Row::of(&format!("steps.{index}.if"))
    });
    rows
}

/// Every control takes a reference as well as a value.
fn control(param: &Param, template: &Template) -> RowKind {
    let or_references = |items: Vec<String>| {
        let all = items.into_iter().chain(references(template));
        RowKind::Choice(all.collect())
    };
    match (param.kind, &param.options) {
        (ParamKind::Bool, _) => or_references(vec![String::from("true"), String::from("false")]),
        (ParamKind::Enum, Some(Options::Static { items })) => {
            or_references(items.iter().map(|item| item.value.clone()).collect())
        }
        (ParamKind::Text | ParamKind::Script | ParamKind::List | ParamKind::Map, _) => RowKind::Area,
        _ => RowKind::Line,
    }
}
