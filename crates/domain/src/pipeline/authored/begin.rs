//! What a new document begins with: nothing, another template, or an app's pipeline.

use std::collections::BTreeMap;

use serde::Serialize;

use super::super::assemble::assemble;
use super::super::file::{CutKind, import};
use super::super::model::{Job, Trigger};
use super::super::param::{Param, ParamKind};
use super::super::source::SourceError;
use super::super::step_type::StepTypes;
use super::super::template::{Detect, Graph, GraphJob, GraphStep, LockedField, Template};
use super::super::value::{Params, Value};
use crate::text::Text;

/// A document as it is written, in the order in which people read it.
#[derive(Serialize)]
struct Written<'a> {
    names: &'a Text,
    summary: &'a Text,
    #[serde(skip_serializing_if = "Option::is_none")]
    detect: Option<&'a Detect>,
    params: &'a [Param],
    graph: &'a Graph,
    locked_fields: &'a [LockedField],
}

impl Written<'_> {
    fn text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }
}

/// A document with one parameter and one job.
pub fn scratch(name: &str) -> String {
    let name = serde_json::to_string(name).unwrap_or_default();
    format!(
        r#"{{
  "names": {{ "zh": {name}, "en": {name} }},
  "summary": {{ "zh": "", "en": "" }},
  "params": [
    {{ "id": "script", "kind": "script", "default": "echo \"Hello\"", "required": true,
      "label": {{ "zh": "命令", "en": "Commands" }} }},
    "runner_tags", "timeout"
  ],
  "graph": {{
    "stages": [ {{ "name": "build" }} ],
    "jobs": [
      {{ "id": "build", "stage": "build", "tags": "$[[ inputs.runner_tags ]]", "timeout": "$[[ inputs.timeout ]]",
        "steps": [ {{ "type": "script@1", "params": {{ "script": "$[[ inputs.script ]]" }} }} ] }}
    ]
  }},
  "locked_fields": []
}}
"#
    )
}

/// A document with everything of a template; `values` become its defaults.
pub fn from_template(template: &Template, values: &Params) -> String {
    let params: Vec<Param> = template
        .params
        .iter()
        .map(|param| Param {
            default: values.get(&param.id).cloned().or_else(|| param.default.clone()),
            ..param.clone()
        })
        .collect();
    let document = Written {
        names: &template.names,
        summary: &template.summary,
        detect: (template.detect != Detect::default()).then_some(&template.detect),
        params: &params,
        graph: &template.graph,
        locked_fields: &template.locked_fields,
    };
    document.text()
}

/// A document with the jobs of a file, and the names of those that are written in a way that no template has.
///
/// # Errors
/// Where it is not YAML.
pub fn from_file(name: &str, text: &str) -> Result<(String, Vec<String>), SourceError> {
    let imported = import(text, false)?;
    let pipeline = imported.pipeline(text);
    let partly = |job: &Job| {
        let found = imported.jobs.iter().find(|one| one.name == job.name);
        found.is_none_or(|one| one.kind != CutKind::Managed)
    };
    let (left, taken): (Vec<&Job>, Vec<&Job>) = pipeline
        .jobs
        .iter()
        .partition(|job| partly(job) || trigger(&job.when.on).is_none() || job.disabled);
    let ids = unique_ids(&taken);
    let mut params = Vec::new();
    let jobs = taken
        .iter()
        .filter_map(|job| graph_job(job, &ids, &mut params))
        .collect();
    let graph = Graph {
        stages: pipeline.stages.clone(),
        jobs,
    };
    let document = Written {
        names: &Text::verbatim(name),
        summary: &Text::default(),
        detect: None,
        params: &params,
        graph: &graph,
        locked_fields: &[],
    };
    let left = left.into_iter().map(|job| job.name.clone()).collect();
    Ok((document.text(), left))
}

fn trigger(on: &Trigger) -> Option<&'static str> {
    Some(match on {
        Trigger::EveryPush => "every_push",
        Trigger::DefaultBranch => "default_branch",
        Trigger::Tags => "tags",
        Trigger::DefaultBranchAndTags => "default_branch_and_tags",
        Trigger::MergeRequests => "merge_requests",
        Trigger::Branches(_) => return None,
    })
}

/// Ids of letters, digits, `-` and `_`, each once.
fn unique_ids<'a>(jobs: &[&'a Job]) -> BTreeMap<&'a str, String> {
    let mut ids: BTreeMap<&str, String> = BTreeMap::new();
    for job in jobs {
        let plain: String = job
            .name
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || c == '_' {
                    c
                } else {
                    '-'
                }
            })
            .collect();
        let plain = plain.trim_matches(|c| c == '-' || c == '_').to_owned();
        let plain = if plain.is_empty() {
            String::from("job")
        } else {
            plain
        };
        let numbered = (2..).map(|count| format!("{plain}-{count}"));
        let free = std::iter::once(plain.clone())
            .chain(numbered)
            .find(|id| !ids.values().any(|taken| taken == id));
        ids.insert(&job.id, free.unwrap_or(plain));
    }
    ids
}

/// The job with its commands in one step of type `script`; its image is a parameter, since apps differ in it.
fn graph_job(job: &Job, ids: &BTreeMap<&str, String>, params: &mut Vec<Param>) -> Option<GraphJob> {
    let id = ids.get(job.id.as_str())?;
    let parts = assemble(job, StepTypes::built_in());
    let mut step = Params::from([(String::from("script"), Value::from(parts.script.join("\n")))]);
    if let Some(image) = &parts.image {
        let param = image_param(id, &job.name, &image.name);
        step.insert(
            String::from("image"),
            Value::from(format!("$[[ inputs.{} ]]", param.id)),
        );
        params.push(param);
    }
    let needs = job.needs.iter().filter_map(|need| ids.get(need.job.as_str()));
    Some(GraphJob {
        id: id.clone(),
        name: (job.name != *id).then(|| job.name.clone()),
        stage: job.stage.clone(),
        conditions: Vec::new(),
        needs: needs.cloned().collect(),
        immediate: job.immediate,
        on: trigger(&job.when.on)
            .filter(|on| *on != "every_push")
            .map(str::to_owned),
        manual: job.when.manual,
        image: None,
        tags: (!job.tags.is_empty()).then(|| Value::List(job.tags.clone())),
        environment: job.environment.clone(),
        retry: job.retry,
        timeout: job.timeout.clone(),
        steps: vec![GraphStep {
            step_type: String::from("script@1"),
            conditions: Vec::new(),
            params: step,
        }],
    })
}

fn image_param(id: &str, job: &str, image: &str) -> Param {
    let plain = format!("{}_image", id.replace('-', "_"));
    let id = if plain.starts_with(|c: char| c.is_ascii_digit()) {
        format!("job_{plain}")
    } else {
        plain
    };
    Param {
        id,
        kind: ParamKind::Image,
        label: Text::new(format!("Image of {job}"), format!("{job} 的镜像")),
        help: Text::default(),
        default: Some(Value::from(image)),
        required: true,
        pattern: None,
        min: None,
        max: None,
        options: None,
        visible_if: Vec::new(),
        advanced: true,
    }
}
