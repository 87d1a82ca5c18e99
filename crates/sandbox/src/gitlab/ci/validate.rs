//! What is wrong with a resolved configuration, in GitLab's words.

use regex::Regex;

use super::config::{job_names, stages};
use super::expression;
use super::yaml::Node;

const JOB_KEYS: [&str; 38] = [
    "after_script",
    "allow_failure",
    "artifacts",
    "before_script",
    "cache",
    "coverage",
    "dast_configuration",
    "dependencies",
    "environment",
    "except",
    "extends",
    "hooks",
    "id_tokens",
    "identity",
    "image",
    "inherit",
    "inputs",
    "interruptible",
    "manual_confirmation",
    "needs",
    "only",
    "pages",
    "parallel",
    "publish",
    "release",
    "resource_group",
    "retry",
    "rules",
    "run",
    "script",
    "secrets",
    "services",
    "stage",
    "start_in",
    "tags",
    "timeout",
    "trigger",
    "type",
];
const MORE_JOB_KEYS: [&str; 2] = ["variables", "when"];
const RULE_KEYS: [&str; 9] = [
    "allow_failure",
    "auto_cancel",
    "changes",
    "exists",
    "if",
    "interruptible",
    "needs",
    "variables",
    "when",
];
const ARTIFACT_KEYS: [&str; 10] = [
    "access",
    "exclude",
    "expire_in",
    "expose_as",
    "name",
    "paths",
    "public",
    "reports",
    "untracked",
    "when",
];
const DEFAULT_KEYS: [&str; 12] = [
    "after_script",
    "artifacts",
    "before_script",
    "cache",
    "hooks",
    "id_tokens",
    "image",
    "interruptible",
    "retry",
    "services",
    "tags",
    "timeout",
];
const WHENS: [&str; 6] = ["on_success", "on_failure", "always", "manual", "delayed", "never"];
const PREDEFINED: [&str; 3] = ["always", "on_success", "on_failure"];

/// Every error of the configuration; empty when it is valid.
pub fn check(root: &Node) -> Vec<String> {
    let mut errors = Vec::new();
    globals(root, &mut errors);
    let names = job_names(root);
    if names.is_empty() {
        errors.push("jobs config should contain at least one visible job".into());
    }
    for name in &names {
        match root.get(name) {
            Some(job @ Node::Map(_)) => check_job(name, job, &mut errors),
            _ => errors.push(format!(
                "jobs:{name} config should implement the script:, run:, or trigger: keyword"
            )),
        }
    }
    if errors.is_empty() {
        relations(root, &names, &mut errors);
    }
    errors
}

fn globals(root: &Node, errors: &mut Vec<String>) {
    if let Some(stages) = root.get("stages") {
        let texts = matches!(stages, Node::List(items) if items.iter().all(|item| item.as_text().is_some()));
        if !texts {
            errors.push("stages config should be an array of strings".into());
        }
    }
    if let Some(default) = root.get("default") {
        unknown_keys("default", default, &DEFAULT_KEYS, errors);
        if !default.is_map() {
            errors.push("default config should be a hash".into());
        }
    }
    for key in ["before_script", "after_script"] {
        script(key, root.get(key), errors);
    }
    check_image("image", root.get("image"), errors);
    check_variables("variables", root.get("variables"), errors);
    if let Some(workflow) = root.get("workflow") {
        unknown_keys("workflow", workflow, &["auto_cancel", "name", "rules"], errors);
        check_rules("workflow", workflow.get("rules"), &["always", "never"], errors);
    }
}

fn check_image(place: &str, image: Option<&Node>, errors: &mut Vec<String>) {
    let Some(image) = image else { return };
    match image {
        Node::Text(_) => {}
        Node::Map(_) => {
            unknown_keys(
                place,
                image,
                &["docker", "entrypoint", "kubernetes", "name", "pull_policy"],
                errors,
            );
            if image.get("name").is_none() {
                errors.push(format!("{place} name can't be blank"));
            }
        }
        _ => errors.push(format!("{place} config should be a hash or a string")),
    }
}

fn unknown_keys(place: &str, node: &Node, known: &[&str], errors: &mut Vec<String>) {
    let unknown: Vec<&str> = node
        .entries()
        .iter()
        .map(|(key, _)| key.as_str())
        .filter(|key| !known.contains(key))
        .collect();
    if !unknown.is_empty() {
        errors.push(format!(
            "{place} config contains unknown keys: {}",
            unknown.join(", ")
        ));
    }
}

fn script(place: &str, node: Option<&Node>, errors: &mut Vec<String>) {
    fn texts(node: &Node, depth: usize) -> bool {
        match node {
            Node::List(items) => depth <= 10 && items.iter().all(|item| texts(item, depth + 1)),
            Node::Text(_) => true,
            _ => false,
        }
    }
    if node.is_some_and(|node| !texts(node, 0)) {
        errors.push(format!(
            "{place} config should be a string or a nested array of strings up to 10 levels deep"
        ));
    }
}

fn check_variables(place: &str, node: Option<&Node>, errors: &mut Vec<String>) {
    let Some(node) = node else { return };
    if !node.is_map() {
        errors.push(format!("{place} config should be a hash of key value pairs"));
        return;
    }
    for (key, value) in node.entries() {
        match value {
            Node::Map(_) => {
                unknown_keys(
                    &format!("{place}:{key}"),
                    value,
                    &["description", "expand", "options", "value"],
                    errors,
                );
                let options = value.get("options").map(Node::to_lines).unwrap_or_default();
                let chosen = value.get("value").map(Node::to_text);
                if !options.is_empty() && chosen.is_none_or(|chosen| !options.contains(&chosen)) {
                    errors.push(format!("{place}:{key} config value must be present in options"));
                }
            }
            Node::List(_) | Node::Null | Node::Reference(_) => {
                errors.push(format!("{place}:{key} config must be either a string or a hash"));
            }
            _ => {}
        }
    }
}

fn check_rules(place: &str, rules: Option<&Node>, whens: &[&str], errors: &mut Vec<String>) {
    let Some(rules) = rules else { return };
    let Node::List(items) = rules else {
        errors.push(format!("{place}:rules config should be an array of hashes"));
        return;
    };
    for rule in items.iter().flat_map(flattened) {
        if !rule.is_map() {
            errors.push(format!("{place}:rules:rule config should be a hash"));
            continue;
        }
        unknown_keys(&format!("{place}:rules:rule"), rule, &RULE_KEYS, errors);
        if let Some(text) = rule.get("if")
            && expression::parse(&text.to_text()).is_none()
        {
            errors.push(format!("{place}:rules:rule if invalid expression syntax"));
        }
        if let Some(when) = rule.get("when")
            && !whens.contains(&when.to_text().as_str())
        {
            errors.push(format!(
                "{place}:rules:rule when unknown value: {}",
                when.to_text()
            ));
        }
        check_variables(
            &format!("{place}:rules:rule:variables"),
            rule.get("variables"),
            errors,
        );
    }
}

fn flattened(node: &Node) -> Vec<&Node> {
    match node {
        Node::List(items) => items.iter().flat_map(flattened).collect(),
        other => vec![other],
    }
}

fn check_job(name: &str, job: &Node, errors: &mut Vec<String>) {
    let place = format!("jobs:{name}");
    let known: Vec<&str> = JOB_KEYS.iter().chain(&MORE_JOB_KEYS).copied().collect();
    unknown_keys(&place, job, &known, errors);
    if !["script", "run", "trigger"]
        .iter()
        .any(|key| job.get(key).is_some())
    {
        errors.push(format!(
            "{place} config should implement the script:, run:, or trigger: keyword"
        ));
    }
    if matches!(job.get("script"), Some(Node::Null))
        || matches!(job.get("script"), Some(Node::List(items)) if items.is_empty())
    {
        errors.push(format!("{place}:script config can't be blank"));
    } else {
        script(&format!("{place}:script"), job.get("script"), errors);
    }
    script(
        &format!("{place}:before_script"),
        job.get("before_script"),
        errors,
    );
    script(&format!("{place}:after_script"), job.get("after_script"), errors);
    if job.get("stage").is_some_and(|stage| stage.as_text().is_none()) {
        errors.push(format!("{place}:stage config should be a string"));
    }
    check_variables(&format!("{place}:variables"), job.get("variables"), errors);
    check_rules(&place, job.get("rules"), &WHENS, errors);
    if job.get("rules").is_some() {
        let both: Vec<&str> = ["only", "except"]
            .into_iter()
            .filter(|key| job.get(key).is_some())
            .collect();
        if !both.is_empty() {
            errors.push(format!(
                "{place} config key may not be used with `rules`: {}",
                both.join(", ")
            ));
        }
    }
    check_image(&format!("{place}:image"), job.get("image"), errors);
    check_when(&place, job, errors);
    check_artifacts(&place, job.get("artifacts"), errors);
    check_scalars(&place, job, errors);
}

fn check_when(place: &str, job: &Node, errors: &mut Vec<String>) {
    let Some(when) = job.get("when").map(Node::to_text) else {
        return;
    };
    if !WHENS.contains(&when.as_str()) {
        let allowed = "on_success, on_failure, always, manual, delayed";
        errors.push(format!("{place} when should be one of: {allowed}"));
    }
    if when == "delayed"
        && job
            .get("start_in")
            .is_none_or(|text| duration(&text.to_text()).is_none())
    {
        errors.push(format!("{place} start in should be a duration"));
    }
    if when != "delayed" && job.get("rules").is_none() && job.get("start_in").is_some() {
        errors.push(format!("{place} start in must be blank"));
    }
}

fn check_artifacts(place: &str, artifacts: Option<&Node>, errors: &mut Vec<String>) {
    let Some(artifacts) = artifacts else { return };
    let place = format!("{place}:artifacts");
    if !artifacts.is_map() {
        errors.push(format!("{place} config should be a hash"));
        return;
    }
    unknown_keys(&place, artifacts, &ARTIFACT_KEYS, errors);
    if artifacts
        .get("paths")
        .is_some_and(|paths| !matches!(paths, Node::List(_)))
    {
        errors.push(format!("{place} paths should be an array of strings"));
    }
    if artifacts
        .get("when")
        .is_some_and(|when| !PREDEFINED.contains(&when.to_text().as_str()))
    {
        errors.push(format!(
            "{place} when should be one of: on_success, on_failure, always"
        ));
    }
    let expires = artifacts.get("expire_in").map(Node::to_text);
    if expires.is_some_and(|text| text != "never" && duration(&text).is_none()) {
        errors.push(format!("{place} expire in should be a duration"));
    }
}

fn check_scalars(place: &str, job: &Node, errors: &mut Vec<String>) {
    if let Some(tags) = job.get("tags")
        && !matches!(tags, Node::List(items) if items.iter().all(|item| item.as_text().is_some()))
    {
        errors.push(format!("{place}:tags config should be an array of strings"));
    }
    if job
        .get("timeout")
        .is_some_and(|text| duration(&text.to_text()).is_none())
    {
        errors.push(format!("{place} timeout should be a duration"));
    }
    if job
        .get("interruptible")
        .is_some_and(|value| !matches!(value, Node::Bool(_)))
    {
        errors.push(format!("{place} interruptible should be a boolean value"));
    }
    let allowed = |value: &Node| match value {
        Node::Bool(_) => true,
        Node::Map(_) => value.get("exit_codes").is_some(),
        _ => false,
    };
    if job.get("allow_failure").is_some_and(|value| !allowed(value)) {
        errors.push(format!(
            "{place} allow failure should be a hash or a boolean value"
        ));
    }
    let retries = job.get("retry").map(|retry| retry.get("max").unwrap_or(retry));
    if retries.is_some_and(|max| !matches!(max, Node::Int(0..=2))) {
        errors.push(format!("{place}:retry config must be less than or equal to 2"));
    }
    match job.get("parallel") {
        None | Some(Node::Int(1..=200)) => {}
        Some(node) if matches!(node.get("matrix"), Some(Node::List(_))) => {}
        Some(_) => errors.push(format!("{place}:parallel should be an integer or a hash")),
    }
    if let Some(environment) = job.get("environment") {
        let named = environment.as_text().is_some() || environment.get("name").is_some();
        if !named {
            errors.push(format!("{place}:environment name can't be blank"));
        }
    }
    if let Some(coverage) = job.get("coverage") {
        let text = coverage.to_text();
        let pattern = text.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
        if pattern.is_none_or(|pattern| Regex::new(pattern).is_err()) {
            errors.push(format!("{place}:coverage config must be a regular expression"));
        }
    }
}

fn relations(root: &Node, names: &[String], errors: &mut Vec<String>) {
    let stages = stages(root);
    let place_of = |job: &Node| {
        let stage = job
            .get("stage")
            .or_else(|| job.get("type"))
            .map_or_else(|| "test".into(), Node::to_text);
        stages.iter().position(|known| *known == stage).ok_or(stage)
    };
    for name in names {
        let Some(job) = root.get(name) else { continue };
        let own = match place_of(job) {
            Ok(own) => own,
            Err(stage) => {
                let listed = stages.join(", ");
                errors.push(format!(
                    "{name} job: chosen stage {stage} does not exist; available stages are {listed}"
                ));
                continue;
            }
        };
        for (kind, target, optional) in targets(job) {
            let found = root.get(&target).filter(|_| names.contains(&target));
            match found.map(place_of) {
                None if optional => {}
                None => errors.push(format!("{name} job: undefined {kind}: {target}")),
                Some(Ok(place)) if place > own || (kind == "dependency" && place >= own) => {
                    let where_ = if kind == "need" {
                        "current or prior stages"
                    } else {
                        "prior stages"
                    };
                    errors.push(format!("{name} job: {kind} {target} is not defined in {where_}"));
                }
                Some(_) => {}
            }
        }
    }
    if errors.is_empty() {
        cycles(root, names, errors);
    }
}

/// The jobs that `needs` and `dependencies` name: kind, name, optional.
fn targets(job: &Node) -> Vec<(&'static str, String, bool)> {
    let mut targets = Vec::new();
    if let Some(Node::List(items)) = job.get("needs") {
        for item in items {
            let optional = item.get("optional") == Some(&Node::Bool(true));
            let elsewhere = ["project", "pipeline"].iter().any(|key| item.get(key).is_some());
            let target = item.get("job").map_or_else(|| item.to_text(), Node::to_text);
            if !elsewhere && !target.is_empty() {
                targets.push(("need", target, optional));
            }
        }
    }
    for target in job.get("dependencies").map(Node::to_lines).unwrap_or_default() {
        targets.push(("dependency", target, false));
    }
    targets
}

fn cycles(root: &Node, names: &[String], errors: &mut Vec<String>) {
    fn reaches(root: &Node, from: &str, goal: &str, seen: &mut Vec<String>) -> bool {
        let Some(job) = root.get(from) else { return false };
        targets(job)
            .into_iter()
            .filter(|(kind, ..)| *kind == "need")
            .any(|(_, target, _)| {
                if target == goal {
                    return true;
                }
                if seen.contains(&target) {
                    return false;
                }
                seen.push(target.clone());
                reaches(root, &target, goal, seen)
            })
    }
    if names
        .iter()
        .any(|name| reaches(root, name, name, &mut Vec::new()))
    {
        errors.push("The pipeline has circular dependencies: self-dependency".into());
    }
}

/// `1h 30m`, `2 hours`, `3600` → seconds.
pub fn duration(text: &str) -> Option<u64> {
    let text = text.trim().to_lowercase();
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    let mut total = 0.0;
    let mut rest = text.as_str();
    while !rest.is_empty() {
        rest = rest
            .trim_start_matches([' ', ','])
            .trim_start_matches("and ")
            .trim_start();
        if rest.is_empty() {
            break;
        }
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..end].parse().ok()?;
        rest = rest[end..].trim_start();
        let end = rest
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(rest.len());
        let unit = match &rest[..end] {
            "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
            "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
            "h" | "hr" | "hrs" | "hour" | "hours" => 3600.0,
            "d" | "day" | "days" => 86_400.0,
            "w" | "wk" | "week" | "weeks" => 604_800.0,
            "mo" | "mos" | "month" | "months" => 2_592_000.0,
            "y" | "yr" | "yrs" | "year" | "years" => 31_557_600.0,
            _ => return None,
        };
        total += number * unit;
        rest = &rest[end..];
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a duration is not negative"
    )]
    (total > 0.0).then_some(total as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gitlab::ci::yaml;

    fn errors(text: &str) -> Vec<String> {
        check(&yaml::parse(text).expect("YAML").documents[0])
    }

    #[test]
    fn errors_are_worded_as_gitlab_words_them() {
        assert_eq!(
            errors("build:\n  scrpt: x\n  script: y\n"),
            ["jobs:build config contains unknown keys: scrpt"]
        );
        assert_eq!(
            errors("build:\n  stage: ship\n  script: y\n"),
            [
                "build job: chosen stage ship does not exist; available stages are .pre, build, test, deploy, .post"
            ]
        );
        assert_eq!(
            errors("a:\n  script: x\n  needs: [b]\n"),
            ["a job: undefined need: b"]
        );
        assert_eq!(
            errors(".a:\n  script: x\n"),
            ["jobs config should contain at least one visible job"]
        );
        assert_eq!(
            errors("a:\n  stage: test\n"),
            ["jobs:a config should implement the script:, run:, or trigger: keyword"]
        );
        assert_eq!(
            errors("a:\n  script: x\n  rules:\n    - if: '$A ='\n"),
            ["jobs:a:rules:rule if invalid expression syntax"]
        );
    }

    #[test]
    fn a_reserved_word_is_no_name_for_a_job() {
        assert_eq!(
            errors("image:\n  stage: build\n  script: x\nb:\n  script: x\n"),
            [
                "image config contains unknown keys: stage, script",
                "image name can't be blank"
            ]
        );
    }

    #[test]
    fn needs_may_not_form_a_circle() {
        let text = "a:\n  script: x\n  needs: [b]\nb:\n  script: x\n  needs: [a]\n";
        assert_eq!(
            errors(text),
            ["The pipeline has circular dependencies: self-dependency"]
        );
    }

    #[test]
    fn an_optional_need_may_be_missing() {
        assert!(errors("a:\n  script: x\n  needs:\n    - job: b\n      optional: true\n").is_empty());
    }

    #[test]
    fn durations_are_read_in_words() {
        assert_eq!(duration("1h 30m"), Some(5400));
        assert_eq!(duration("2 hours and 5 minutes"), Some(7500));
        assert_eq!(duration("1 week"), Some(604_800));
        assert_eq!(duration("soon"), None);
    }
}
