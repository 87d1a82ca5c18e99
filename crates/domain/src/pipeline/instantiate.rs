//! A template and the values of its form become a pipeline.

use super::form::check_values;
use super::interpolate::{interpolate, whole};
use super::model::{Environment, Image, Job, Need, Pipeline, SCHEMA, Step, Trigger, When};
use super::param::effective;
use super::problem::{Problem, ProblemCode};
use super::template::{Graph, GraphJob, GraphStep, Template};
use super::value::{Params, Value};

/// Makes a pipeline.
///
/// # Errors
/// One problem for each value that the template refuses; its `field` is the parameter's id.
pub fn instantiate(template: &Template, params: &Params) -> Result<Pipeline, Vec<Problem>> {
    let errors = check_values(&template.params, params);
    if !errors.is_empty() {
        let problem = |error: super::message::FieldError| {
            let field = error.param.clone();
            Problem::error(ProblemCode::RefusedValue {
                param: error.param,
                message: error.message,
            })
            .at_field(field)
        };
        return Err(errors.into_iter().map(problem).collect());
    }
    let values = effective(&template.params, params);
    let kept: Vec<&GraphJob> = template
        .graph
        .jobs
        .iter()
        .filter(|job| is_kept(job, &values))
        .collect();
    let jobs: Vec<Job> = kept
        .iter()
        .map(|job| make_job(&template.graph, job, &kept, &values))
        .collect();
    let stages = template.graph.stages.iter();
    Ok(Pipeline {
        schema: SCHEMA,
        template: Some(template.reference()),
        params: values,
        stages: stages
            .filter(|stage| jobs.is_empty() || jobs.iter().any(|job| job.stage == stage.name))
            .cloned()
            .collect(),
        jobs,
        ..Pipeline::default()
    })
}

fn is_kept(job: &GraphJob, values: &Params) -> bool {
    job.conditions.iter().all(|condition| condition.holds(values))
        && job.steps.iter().any(|step| is_step_kept(step, values))
}

fn is_step_kept(step: &GraphStep, values: &Params) -> bool {
    step.conditions.iter().all(|condition| condition.holds(values))
}

fn make_job(graph: &Graph, job: &GraphJob, kept: &[&GraphJob], values: &Params) -> Job {
    let text = |text: &String| interpolate(text, values);
    let mut needs = Vec::new();
    resolve_needs(graph, job, kept, &mut needs);
    let steps = job
        .steps
        .iter()
        .filter(|step| is_step_kept(step, values))
        .enumerate();
    Job {
        id: job.id.clone(),
        name: job.name.as_ref().map_or_else(|| job.id.clone(), text),
        stage: job.stage.clone(),
        immediate: job.immediate || (needs.is_empty() && !job.needs.is_empty()),
        needs: needs.into_iter().map(Need::new).collect(),
        when: When {
            on: job
                .on
                .as_ref()
                .and_then(|on| Trigger::from_key(&text(on)))
                .unwrap_or_default(),
            manual: job.manual,
        },
        image: job.image.as_ref().map(|image| Image {
            name: text(&image.name),
            ..image.clone()
        }),
        tags: match job.tags.as_ref().map(|tags| place(tags, values)) {
            Some(Value::List(tags)) => tags,
            _ => Vec::new(),
        },
        environment: job.environment.as_ref().map(|environment| Environment {
            name: text(&environment.name),
            url: environment.url.as_ref().map(text),
        }),
        retry: job.retry,
        timeout: job
            .timeout
            .as_ref()
            .map(text)
            .filter(|timeout| !timeout.is_empty()),
        steps: steps
            .map(|(index, step)| make_step(index, step, values))
            .collect(),
        ..Job::default()
    }
}

/// A job that is left out hands its own needs on.
fn resolve_needs(graph: &Graph, job: &GraphJob, kept: &[&GraphJob], out: &mut Vec<String>) {
    for need in &job.needs {
        if kept.iter().any(|other| other.id == *need) {
            if !out.contains(need) {
                out.push(need.clone());
            }
        } else if let Some(left_out) = graph
            .jobs
            .iter()
            .find(|other| other.id == *need && other.id != job.id)
        {
            resolve_needs(graph, left_out, kept, out);
        }
    }
}

fn make_step(index: usize, step: &GraphStep, values: &Params) -> Step {
    Step {
        id: format!("s{}", index + 1),
        step_type: step.step_type.clone(),
        params: step
            .params
            .iter()
            .map(|(id, value)| (id.clone(), place(value, values)))
            .collect(),
    }
}

/// A reference that stands alone keeps its type.
fn place(value: &Value, values: &Params) -> Value {
    match value {
        Value::Text(text) => whole(text, values)
            .cloned()
            .unwrap_or_else(|| Value::Text(interpolate(text, values))),
        Value::List(items) => Value::List(items.iter().map(|item| interpolate(item, values)).collect()),
        Value::Map(items) => Value::Map(
            items
                .iter()
                .map(|(name, value)| (name.clone(), interpolate(value, values)))
                .collect(),
        ),
        Value::Bool(_) | Value::Int(_) => value.clone(),
    }
}
