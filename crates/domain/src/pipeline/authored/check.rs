//! What a document that can be read still has against it.

use std::collections::{BTreeSet, HashSet};

use super::super::form::check_values;
use super::super::instantiate::instantiate;
use super::super::interpolate::references;
use super::super::param::{Condition, Options, Param, ParamKind, Pattern};
use super::super::problem::Severity;
use super::super::step_type::step_type;
use super::super::template::{GraphJob, Template};
use super::super::validate::validate;
use super::super::value::{Params, Value};
use super::finding::{TemplateFinding, TemplateIssue};
use super::place::{Places, Step};
use crate::text::{Locale, Text};

/// GitLab's keywords that a lock can name.
const KEYWORDS: [&str; 16] = [
    "after_script",
    "allow_failure",
    "artifacts",
    "before_script",
    "cache",
    "coverage",
    "environment",
    "image",
    "needs",
    "retry",
    "rules",
    "script",
    "stage",
    "tags",
    "timeout",
    "variables",
];

pub(super) fn check(template: &Template, places: &Places<'_>, findings: &mut Vec<TemplateFinding>) {
    let mut checker = Checker { places, findings };
    checker.params(template);
    checker.graph(template);
    checker.locks(template);
    // Only a document without other errors becomes a pipeline worth a look.
    if !checker
        .findings
        .iter()
        .any(|finding| finding.severity == Severity::Error)
    {
        checker.pipeline(template);
    }
}

struct Checker<'a, 't> {
    places: &'a Places<'t>,
    findings: &'a mut Vec<TemplateFinding>,
}

impl Checker<'_, '_> {
    fn error(&mut self, path: &[Step<'_>], issue: TemplateIssue) {
        let (line, column) = self.places.value(path);
        self.findings.push(TemplateFinding {
            line,
            column,
            severity: Severity::Error,
            issue,
        });
    }

    fn unknown(&mut self, path: &[Step<'_>], what: Text, name: &str) {
        let name = name.to_owned();
        self.error(path, TemplateIssue::Unknown { what, name });
    }

    fn params(&mut self, template: &Template) {
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        for (index, param) in template.params.iter().enumerate() {
            let here = [Step::Key("params"), Step::Item(index)];
            let at = |key| [here[0], here[1], Step::Key(key)];
            if !Pattern::VariableName.matches(&param.id) {
                let name = param.id.clone();
                self.error(&at("id"), TemplateIssue::BadName { name });
            } else if !seen.insert(&param.id) {
                let name = param.id.clone();
                self.error(&at("id"), TemplateIssue::TakenName { name });
            }
            if param.label.en.trim().is_empty() || param.label.zh.trim().is_empty() {
                let key = String::from("label.zh, label.en");
                self.error(&here, TemplateIssue::Missing { key });
            }
            if param.kind == ParamKind::Enum && param.options.is_none() {
                self.error(&here, TemplateIssue::NoOptions);
            }
            for condition in &param.visible_if {
                if !seen.contains(condition.param.as_str()) || condition.param == param.id {
                    self.unknown(&at("visible_if"), parameter(), &condition.param);
                }
            }
            if let Some(why) = bad_default(param) {
                self.error(&at("default"), TemplateIssue::BadDefault { why });
            }
        }
    }

    fn conditions(&mut self, template: &Template, conditions: &[Condition], path: &[Step<'_>]) {
        for condition in conditions {
            self.reference(template, &condition.param, path);
        }
    }

    fn reference(&mut self, template: &Template, name: &str, path: &[Step<'_>]) {
        if !template.params.iter().any(|param| param.id == name) {
            self.unknown(path, parameter(), name);
        }
    }

    fn texts<'x>(&mut self, template: &Template, texts: impl Iterator<Item = &'x str>, path: &[Step<'_>]) {
        for text in texts {
            for name in references(text) {
                self.reference(template, name, path);
            }
        }
    }

    fn graph(&mut self, template: &Template) {
        let graph = &template.graph;
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        for (index, job) in graph.jobs.iter().enumerate() {
            let here = [Step::Key("graph"), Step::Key("jobs"), Step::Item(index)];
            let at = |key| [here[0], here[1], here[2], Step::Key(key)];
            if !is_job_id(&job.id) {
                let name = job.id.clone();
                self.error(&at("id"), TemplateIssue::BadName { name });
            } else if !seen.insert(&job.id) {
                let name = job.id.clone();
                self.error(&at("id"), TemplateIssue::TakenName { name });
            }
            if !graph.stages.iter().any(|stage| stage.name == job.stage) {
                self.unknown(&at("stage"), Text::new("stage", "阶段"), &job.stage);
            }
            for need in &job.needs {
                if *need == job.id || !graph.jobs.iter().any(|other| other.id == *need) {
                    self.unknown(&at("needs"), Text::new("job", "作业"), need);
                }
            }
            self.conditions(template, &job.conditions, &at("if"));
            self.texts(template, job_texts(job), &here);
            self.steps(template, job, &here);
        }
    }

    fn steps(&mut self, template: &Template, job: &GraphJob, here: &[Step<'_>; 3]) {
        for (index, step) in job.steps.iter().enumerate() {
            let path = [here[0], here[1], here[2], Step::Key("steps"), Step::Item(index)];
            let at = |key| [path[0], path[1], path[2], path[3], path[4], Step::Key(key)];
            self.conditions(template, &step.conditions, &at("if"));
            let Some(kind) = step_type(&step.step_type) else {
                self.unknown(
                    &at("type"),
                    Text::new("kind of step", "步骤类型"),
                    &step.step_type,
                );
                continue;
            };
            for (id, value) in &step.params {
                let path = [
                    path[0],
                    path[1],
                    path[2],
                    path[3],
                    path[4],
                    Step::Key("params"),
                    Step::Key(id),
                ];
                if !kind.params.iter().any(|param| param.id == *id) {
                    self.unknown(
                        &path,
                        Text::new("parameter of this kind of step", "该步骤类型的参数"),
                        id,
                    );
                }
                self.texts(template, value_texts(value).into_iter(), &path);
            }
        }
    }

    fn locks(&mut self, template: &Template) {
        for (index, lock) in template.locked_fields.iter().enumerate() {
            let path = [Step::Key("locked_fields"), Step::Item(index)];
            let (job, keyword) = lock.parts();
            if !template.graph.jobs.iter().any(|other| other.id == job) {
                self.unknown(&path, Text::new("job", "作业"), job);
            }
            if let Some(keyword) = keyword.filter(|keyword| !KEYWORDS.contains(keyword)) {
                self.unknown(&path, Text::new("keyword", "关键字"), keyword);
            }
        }
    }

    /// The pipeline with everything that can be switched on, once with the defaults alone.
    fn pipeline(&mut self, template: &Template) {
        let mut told = HashSet::new();
        for all_on in [false, true] {
            let values = samples(template, all_on);
            let problems = match instantiate(template, &values) {
                Ok(pipeline) => validate(&pipeline),
                Err(problems) => problems,
            };
            for problem in problems {
                let place = problem
                    .job
                    .as_ref()
                    .and_then(|id| template.graph.jobs.iter().position(|job| job.id == *id));
                let job = problem
                    .job
                    .clone()
                    .map(|job| format!("{job}: "))
                    .unwrap_or_default();
                let why = Text::new(
                    format!("{job}{}", problem.message(Locale::En)),
                    format!("{job}{}", problem.message(Locale::ZhCn)),
                );
                if !told.insert(why.clone()) {
                    continue;
                }
                let path = [
                    Step::Key("graph"),
                    Step::Key("jobs"),
                    Step::Item(place.unwrap_or_default()),
                ];
                let shown = if place.is_some() { &path[..] } else { &path[..1] };
                let (line, column) = self.places.value(shown);
                self.findings.push(TemplateFinding {
                    line,
                    column,
                    severity: problem.severity,
                    issue: TemplateIssue::Pipeline { why },
                });
            }
        }
    }
}

fn parameter() -> Text {
    Text::new("parameter", "参数")
}

/// Ids stand in the mark above a job and in locks.
fn is_job_id(id: &str) -> bool {
    let mut chars = id.chars();
    chars.next().is_some_and(|first| first.is_ascii_alphanumeric())
        && id.len() <= 100
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

fn bad_default(param: &Param) -> Option<Text> {
    let default = param.default.clone()?;
    let alone = Param {
        visible_if: Vec::new(),
        required: false,
        ..param.clone()
    };
    let values = Params::from([(param.id.clone(), default)]);
    let error = check_values(&[alone], &values).into_iter().next()?;
    Some(Text::new(
        error.message.text(Locale::En),
        error.message.text(Locale::ZhCn),
    ))
}

fn job_texts(job: &GraphJob) -> impl Iterator<Item = &str> {
    let image = job.image.as_ref().map(|image| image.name.as_str());
    let environment = job.environment.as_ref();
    [
        job.name.as_deref(),
        job.on.as_deref(),
        job.timeout.as_deref(),
        image,
        environment.map(|environment| environment.name.as_str()),
        environment.and_then(|environment| environment.url.as_deref()),
    ]
    .into_iter()
    .flatten()
    .chain(job.tags.iter().flat_map(value_texts))
}

fn value_texts(value: &Value) -> Vec<&str> {
    match value {
        Value::Text(text) => vec![text],
        Value::List(items) => items.iter().map(String::as_str).collect(),
        Value::Map(items) => items.values().map(String::as_str).collect(),
        Value::Bool(_) | Value::Int(_) => Vec::new(),
    }
}

/// The defaults; something where one must be given and has none; all switches on where asked for.
fn samples(template: &Template, all_on: bool) -> Params {
    let mut values = Params::new();
    for param in &template.params {
        let value = match &param.default {
            Some(_) if param.kind == ParamKind::Bool && all_on => Value::Bool(true),
            None if param.kind == ParamKind::Bool => Value::Bool(all_on),
            Some(default) => default.clone(),
            None if param.required => sample(param),
            None => continue,
        };
        values.insert(param.id.clone(), value);
    }
    values
}

fn sample(param: &Param) -> Value {
    let text = match param.kind {
        ParamKind::Int => return Value::Int(param.min.unwrap_or(1)),
        ParamKind::Bool => return Value::Bool(true),
        ParamKind::List => return Value::List(vec![String::from("a"); fewest(param)]),
        ParamKind::Map => {
            let pairs = (0..fewest(param)).map(|index| (format!("A{index}"), String::from("a")));
            return Value::Map(pairs.collect());
        }
        ParamKind::Enum => match &param.options {
            Some(Options::Static { items }) => {
                items.first().map(|item| item.value.clone()).unwrap_or_default()
            }
            _ => String::from("a"),
        },
        ParamKind::Duration => String::from("30 minutes"),
        ParamKind::Cron => String::from("0 4 * * *"),
        ParamKind::Image => String::from("alpine:3"),
        ParamKind::Path => String::from("path"),
        ParamKind::SecretRef => String::from("SECRET"),
        ParamKind::String | ParamKind::Text | ParamKind::EnvRef | ParamKind::Script => match param.pattern {
            Some(Pattern::Version) => "1".repeat(fewest(param)),
            _ => "a".repeat(fewest(param)),
        },
    };
    Value::Text(text)
}

fn fewest(param: &Param) -> usize {
    usize::try_from(param.min.unwrap_or(1))
        .unwrap_or(1)
        .clamp(1, 1000)
}
