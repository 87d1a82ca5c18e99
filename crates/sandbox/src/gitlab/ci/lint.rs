//! `/projects/:id/ci/lint`

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::config::{Config, Loaded, load};
use super::create::{AtCommit, CONFIG_PATH, Wanted};
use super::plan::{Context, Planned, plan};
use super::variables::rule_variables;
use super::yaml::Node;
use crate::gitlab::call::{Answer, Call, DEVELOPER, Outcome, REPORTER, Refusal};
use crate::gitlab::git::{NOTHING, Repository};
use crate::gitlab::state::Project;

/// POST: checks the text of the body.
pub fn check_text(call: &Call) -> Outcome {
    let (project, repository) = call.repository(DEVELOPER)?;
    let content = call.str("content")?;
    let reference = call
        .opt_str("ref")
        .unwrap_or_else(|| project.default_branch.clone());
    answer(call, &project, &repository, &content, &reference)
}

/// GET: checks the project's own file.
pub fn check_file(call: &Call) -> Outcome {
    let (project, repository) = call.repository(REPORTER)?;
    let reference = call
        .opt_str("content_ref")
        .or_else(|| call.opt_str("sha"))
        .or_else(|| call.opt_str("ref"))
        .unwrap_or_else(|| project.default_branch.clone());
    let sha = repository
        .resolve(&reference)
        .ok_or_else(|| Refusal::missing("Commit"))?;
    let file = repository
        .file(&sha, CONFIG_PATH)
        .ok_or_else(|| Refusal::missing("File"));
    let Ok((_, content)) = file else {
        return Answer::ok(result(
            false,
            &["Please provide content of .gitlab-ci.yml".to_owned()],
            &[],
            None,
            &[],
        ));
    };
    answer(
        call,
        &project,
        &repository,
        &String::from_utf8_lossy(&content),
        &reference,
    )
}

fn answer(
    call: &Call,
    project: &Project,
    repository: &Repository,
    content: &str,
    reference: &str,
) -> Outcome {
    let sha = repository
        .resolve(reference)
        .unwrap_or_else(|| NOTHING.to_owned());
    let files = AtCommit {
        repository,
        sha: &sha,
    };
    let mut loaded = load(content, &files, &BTreeMap::new());
    let mut listed: Option<Vec<Value>> = loaded.config.as_ref().map(static_jobs);
    if call.flag("dry_run")
        && let Some(config) = &loaded.config
    {
        let wanted = Wanted {
            project: project.clone(),
            reference: reference.to_owned(),
            tag: repository.tag(reference).is_some() && repository.branch(reference).is_none(),
            sha: sha.clone(),
            before_sha: None,
            source: "push".into(),
            user_id: call.user()?.id,
            variables: Vec::new(),
            merge_request: None,
            inputs: BTreeMap::new(),
        };
        let rules = Context {
            variables: rule_variables(&call.app, &wanted),
            changed: None,
            files: repository.files(&sha),
        };
        match plan(config, &rules) {
            Ok(planned) => listed = Some(planned.jobs.iter().map(planned_json).collect()),
            Err(error) => loaded.errors.push(error),
        }
    }
    let include_jobs = call.flag("include_jobs");
    let shown = loaded
        .errors
        .is_empty()
        .then_some(listed)
        .flatten()
        .filter(|_| include_jobs);
    Answer::ok(finish(&loaded, shown))
}

fn finish(loaded: &Loaded, jobs: Option<Vec<Value>>) -> Value {
    let mut value = result(
        loaded.errors.is_empty(),
        &loaded.errors,
        &loaded.warnings,
        loaded.merged_yaml.as_deref(),
        &loaded.includes,
    );
    if let Some(jobs) = jobs {
        value["jobs"] = Value::Array(jobs);
    }
    value
}

fn result(
    valid: bool,
    errors: &[String],
    warnings: &[String],
    merged: Option<&str>,
    includes: &[Value],
) -> Value {
    json!({
        "valid": valid,
        "errors": errors,
        "warnings": warnings,
        "merged_yaml": merged.unwrap_or_default(),
        "includes": includes,
    })
}

fn lines(node: Option<&Node>) -> Vec<String> {
    node.map(Node::to_lines).unwrap_or_default()
}

fn static_jobs(config: &Config) -> Vec<Value> {
    config
        .jobs
        .iter()
        .map(|(name, job)| {
            let when = job.get("when").map_or_else(|| "on_success".into(), Node::to_text);
            let ruled = job.get("rules").is_some();
            let only = match job.get("only") {
                _ if ruled => Value::Null,
                Some(only) => json!({ "refs": only.get("refs").unwrap_or(only).to_lines() }),
                None => json!({ "refs": ["branches", "tags"] }),
            };
            json!({
                "name": name,
                "stage": job.get("stage").map_or_else(|| "test".into(), Node::to_text),
                "before_script": lines(job.get("before_script")),
                "script": lines(job.get("script")),
                "after_script": lines(job.get("after_script")),
                "tag_list": lines(job.get("tags")),
                "only": only,
                "except": job.get("except").map(Node::to_json),
                "environment": job.get("environment").map(|node| node.get("name").unwrap_or(node).to_text()),
                "when": when,
                "allow_failure": job.get("allow_failure").map_or(when == "manual" && !ruled, |node| *node == Node::Bool(true)),
                "needs": job.get("needs").map(needs),
            })
        })
        .collect()
}

fn needs(node: &Node) -> Value {
    let Node::List(items) = node else {
        return Value::Null;
    };
    items
        .iter()
        .map(|item| {
            let name = item.get("job").map_or_else(|| item.to_text(), Node::to_text);
            json!({
                "name": name,
                "artifacts": item.get("artifacts") != Some(&Node::Bool(false)),
                "optional": item.get("optional") == Some(&Node::Bool(true)),
            })
        })
        .collect()
}

fn planned_json(job: &Planned) -> Value {
    let flat = |key: &str| -> Vec<Value> {
        match job.spec.get(key) {
            Some(Value::Array(items)) => items.clone(),
            Some(text @ Value::String(_)) => vec![text.clone()],
            _ => Vec::new(),
        }
    };
    let needs = job.needs.as_ref().map(|needs| {
        needs
            .iter()
            .map(|need| json!({ "name": need.job, "artifacts": need.artifacts, "optional": need.optional }))
            .collect::<Vec<_>>()
    });
    json!({
        "name": job.name,
        "stage": job.stage,
        "before_script": flat("before_script"),
        "script": flat("script"),
        "after_script": flat("after_script"),
        "tag_list": job.tags,
        "only": null,
        "except": null,
        "environment": job.environment,
        "when": job.when,
        "allow_failure": job.allow_failure,
        "needs": needs,
    })
}
