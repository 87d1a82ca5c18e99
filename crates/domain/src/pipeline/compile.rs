//! A pipeline as `.gitlab-ci.yml`. The same model gives the same text, byte for byte.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::assemble::assemble;
use super::model::{Artifacts, Cache, Image, Job, Need, Pipeline, TemplateRef, Trigger};
use super::step_type::StepTypes;
use super::yaml::Yaml;

/// A compiled pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compiled {
    /// The file, with a final line break.
    pub text: String,
    /// Where the jobs stand in it, in the order of the file.
    pub spans: Vec<JobSpan>,
}

/// The lines of a job, from its leading comment on; the first line of the file is 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobSpan {
    /// The job's id.
    pub job: String,
    /// The first line.
    pub first: usize,
    /// The last line, included.
    pub last: usize,
}

/// Writes a pipeline. It says what the model says, also where [`validate`](super::validate())
/// finds problems.
pub fn compile(pipeline: &Pipeline) -> Compiled {
    compile_with(pipeline, StepTypes::built_in())
}

/// As [`compile`], with the steps' types looked up in `types`.
pub fn compile_with(pipeline: &Pipeline, types: StepTypes<'_>) -> Compiled {
    let mut text = head(pipeline);
    let mut top = Vec::new();
    let used = pipeline.stages.iter();
    top.push((
        "stages".to_owned(),
        Yaml::texts(used.map(|stage| stage.name.clone())),
    ));
    if !pipeline.variables.is_empty() {
        top.push(("variables".to_owned(), variables(&pipeline.variables)));
    }
    for (key, value) in top {
        text.push_str(&Yaml::Map(vec![(key, value)]).write());
        text.push('\n');
    }
    let names: BTreeMap<&str, &Job> = pipeline.jobs.iter().map(|job| (job.id.as_str(), job)).collect();
    let mut line = text.matches('\n').count() + 1;
    let mut spans = Vec::new();
    for (index, job) in pipeline.jobs.iter().enumerate() {
        if index > 0 {
            text.push('\n');
            line += 1;
        }
        let block = job_text(pipeline, job, &names, types);
        let lines = block.matches('\n').count();
        text.push_str(&block);
        spans.push(JobSpan {
            job: job.id.clone(),
            first: line,
            last: line + lines - 1,
        });
        line += lines;
    }
    if pipeline.jobs.is_empty() {
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    Compiled { text, spans }
}

fn head(pipeline: &Pipeline) -> String {
    let origin = match &pipeline.template {
        Some(template) => format!(
            ", template {}@{}",
            comment(&template.key),
            comment(&template.version)
        ),
        None => String::new(),
    };
    format!(
        "# Pipeline made with Slipway{origin}.\n# Edit it in Slipway or here: jobs changed by hand are kept.\n\n"
    )
}

/// A text as part of a comment: one line.
fn comment(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() || c == '\u{2028}' || c == '\u{2029}' {
                ' '
            } else {
                c
            }
        })
        .collect()
}

fn job_text(pipeline: &Pipeline, job: &Job, names: &BTreeMap<&str, &Job>, types: StepTypes<'_>) -> String {
    let mut text = marker_of(job, pipeline.template.as_ref());
    text.push_str(&Yaml::Map(vec![(job.name.clone(), body_of(job, names, types))]).write());
    text
}

/// The comment above a job that Slipway wrote, one line.
pub(super) fn marker_of(job: &Job, template: Option<&TemplateRef>) -> String {
    let mut text = format!("# slipway: job={}", comment(&job.id));
    if let Some(template) = template {
        text.push_str(" template=");
        text.push_str(&comment(&template.key));
        text.push('@');
        text.push_str(&comment(&template.version));
    }
    text.push('\n');
    text
}

/// What stands under a job's key. `names`: the other jobs by id.
pub(super) fn body_of(job: &Job, names: &BTreeMap<&str, &Job>, types: StepTypes<'_>) -> Yaml {
    let parts = assemble(job, types);
    let mut fields: Vec<(&str, Yaml)> = vec![("stage", Yaml::text(&job.stage))];
    let mut add = |key: &'static str, value: Option<Yaml>| fields.extend(value.map(|value| (key, value)));
    add("image", parts.image.as_ref().map(image));
    add("tags", list(&job.tags));
    add("needs", needs(job, names));
    add("rules", rules(job));
    add(
        "when",
        (job.when.manual && !job.disabled && job.when.on == Trigger::EveryPush).then(|| Yaml::text("manual")),
    );
    add(
        "allow_failure",
        (parts.allow_failure && !job.disabled).then_some(Yaml::Bool(true)),
    );
    add("retry", job.retry.map(|retry| Yaml::Int(i64::from(retry))));
    add(
        "timeout",
        job.timeout
            .as_ref()
            .filter(|timeout| !timeout.is_empty())
            .map(Yaml::text),
    );
    add(
        "environment",
        job.environment.as_ref().map(|environment| {
            let mut map = vec![("name".to_owned(), Yaml::text(&environment.name))];
            map.extend(
                environment
                    .url
                    .as_ref()
                    .map(|url| ("url".to_owned(), Yaml::text(url))),
            );
            Yaml::Map(map)
        }),
    );
    add(
        "variables",
        (!parts.variables.is_empty()).then(|| variables(&parts.variables)),
    );
    add("cache", caches(&parts.cache));
    add("script", Some(Yaml::texts(parts.script.iter().cloned())));
    add("coverage", parts.coverage.as_ref().map(Yaml::text));
    add("artifacts", artifacts(&parts.artifacts));
    Yaml::Map(
        fields
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect(),
    )
}

fn list(items: &[String]) -> Option<Yaml> {
    (!items.is_empty()).then(|| Yaml::texts(items.iter().cloned()))
}

fn variables(variables: &BTreeMap<String, String>) -> Yaml {
    Yaml::Map(
        variables
            .iter()
            .map(|(name, value)| (name.clone(), Yaml::text(value)))
            .collect(),
    )
}

fn image(image: &Image) -> Yaml {
    if image.entrypoint.is_empty() {
        return Yaml::text(&image.name);
    }
    Yaml::Map(vec![
        ("name".to_owned(), Yaml::text(&image.name)),
        (
            "entrypoint".to_owned(),
            Yaml::texts(image.entrypoint.iter().cloned()),
        ),
    ])
}

fn needs(job: &Job, names: &BTreeMap<&str, &Job>) -> Option<Yaml> {
    if job.needs.is_empty() {
        return job.immediate.then(|| Yaml::List(Vec::new()));
    }
    Some(Yaml::List(
        job.needs.iter().map(|need| one_need(job, need, names)).collect(),
    ))
}

/// A need whose job may be absent from a pipeline that this job is in must be optional, or GitLab
/// refuses the pipeline.
fn one_need(job: &Job, need: &Need, names: &BTreeMap<&str, &Job>) -> Yaml {
    let other = names.get(need.job.as_str());
    let may_miss = other.is_some_and(|other| other.disabled || !other.when.on.covers(&job.when.on));
    let optional = need.optional || may_miss;
    let name = other.map_or(need.job.as_str(), |other| other.name.as_str());
    if need.artifacts && !optional {
        return Yaml::text(name);
    }
    let mut map = vec![("job".to_owned(), Yaml::text(name))];
    if !need.artifacts {
        map.push(("artifacts".to_owned(), Yaml::Bool(false)));
    }
    if optional {
        map.push(("optional".to_owned(), Yaml::Bool(true)));
    }
    Yaml::Map(map)
}

fn rules(job: &Job) -> Option<Yaml> {
    let rule = |condition: &str| {
        let mut map = vec![("if".to_owned(), Yaml::text(condition))];
        if job.when.manual {
            map.push(("when".to_owned(), Yaml::text("manual")));
        }
        Yaml::Map(map)
    };
    if job.disabled {
        return Some(Yaml::List(vec![Yaml::Map(vec![(
            "when".to_owned(),
            Yaml::text("never"),
        )])]));
    }
    let default_branch = || rule("$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH");
    let tags = || rule("$CI_COMMIT_TAG");
    Some(Yaml::List(match &job.when.on {
        Trigger::EveryPush => return None,
        Trigger::DefaultBranch => vec![default_branch()],
        Trigger::Tags => vec![tags()],
        Trigger::DefaultBranchAndTags => vec![default_branch(), tags()],
        Trigger::MergeRequests => vec![rule("$CI_PIPELINE_SOURCE == \"merge_request_event\"")],
        Trigger::Branches(names) => names.iter().map(|name| rule(&branch_condition(name))).collect(),
    }))
}

fn branch_condition(name: &str) -> String {
    if !name.contains('*') && !name.contains(['"', '\\']) {
        return format!("$CI_COMMIT_BRANCH == \"{name}\"");
    }
    let mut pattern = String::new();
    for c in name.chars() {
        match c {
            '*' => pattern.push_str(".*"),
            c if c.is_alphanumeric() || matches!(c, '_' | '-') => pattern.push(c),
            c => {
                pattern.push('\\');
                pattern.push(c);
            }
        }
    }
    format!("$CI_COMMIT_BRANCH =~ /^{pattern}$/")
}

fn caches(caches: &[Cache]) -> Option<Yaml> {
    let mut all: Vec<Yaml> = caches.iter().take(4).map(cache).collect();
    match all.len() {
        0 => None,
        1 => all.pop(),
        _ => Some(Yaml::List(all)),
    }
}

fn cache(cache: &Cache) -> Yaml {
    let mut map = Vec::new();
    if !cache.key_files.is_empty() {
        let mut key = vec![(
            "files".to_owned(),
            Yaml::texts(cache.key_files.iter().take(2).cloned()),
        )];
        if !cache.key.is_empty() {
            key.push(("prefix".to_owned(), Yaml::text(&cache.key)));
        }
        map.push(("key".to_owned(), Yaml::Map(key)));
    } else if !cache.key.is_empty() {
        map.push(("key".to_owned(), Yaml::text(&cache.key)));
    }
    map.push(("paths".to_owned(), Yaml::texts(cache.paths.iter().cloned())));
    Yaml::Map(map)
}

fn artifacts(artifacts: &Artifacts) -> Option<Yaml> {
    if artifacts.is_empty() {
        return None;
    }
    let mut map = Vec::new();
    let mut add = |key: &str, value: Option<Yaml>| map.extend(value.map(|value| (key.to_owned(), value)));
    add("when", artifacts.when.as_ref().map(Yaml::text));
    add("expire_in", artifacts.expire_in.as_ref().map(Yaml::text));
    add("paths", list(&artifacts.paths));
    let reports = &artifacts.reports;
    let mut files = Vec::new();
    let mut report =
        |key: &str, value: Option<Yaml>| files.extend(value.map(|value| (key.to_owned(), value)));
    report("junit", list(&reports.junit));
    report(
        "coverage_report",
        reports.cobertura.as_ref().map(|path| {
            Yaml::Map(vec![
                ("coverage_format".to_owned(), Yaml::text("cobertura")),
                ("path".to_owned(), Yaml::text(path)),
            ])
        }),
    );
    report("cyclonedx", list(&reports.cyclonedx));
    report("dotenv", reports.dotenv.as_ref().map(Yaml::text));
    add("reports", (!files.is_empty()).then_some(Yaml::Map(files)));
    Some(Yaml::Map(map))
}
