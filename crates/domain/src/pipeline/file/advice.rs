//! What GitLab takes and nobody means: files that no job keeps, secrets that are not there when the job runs, a
//! deployment that no environment shows. Where what another file says could change it, nothing is said.

use std::collections::BTreeSet;

use super::effective::{Config, Effective, INCOMPLETE, Value};
use super::finding::{Finding, FindingCode};
use super::import::Import;
use super::job::{dependencies, needs};
use super::named::config;
use super::tree::{NodeId, Tree};

/// Warnings about a file that was imported. `protected`: the keys of variables that GitLab gives to protected branches
/// and tags alone.
pub fn advice(tree: &Tree<'_>, import: &Import, protected: &[String]) -> Vec<Finding> {
    let Some(config) = config(tree) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (name, key, job) in config.jobs() {
        if !is_whole(job) {
            continue;
        }
        let mut say = |node: NodeId, code: FindingCode| found.push(Finding::warning(tree, node, code));
        for (node, code) in nothing_kept(&config, name, job) {
            say(node, code);
        }
        if deploys(name, job) && job.get("environment").is_none() && job.get("trigger").is_none() {
            say(key, FindingCode::NoEnvironment { job: name.to_owned() });
        }
        if runs_unprotected(import, name, job) {
            for variable in protected.iter().filter(|variable| uses(job, variable)) {
                let code = FindingCode::ProtectedVariable {
                    job: name.to_owned(),
                    variable: variable.clone(),
                };
                say(key, code);
            }
        }
    }
    found.sort_by_key(|finding| (finding.line, finding.column));
    found
}

/// Whether all that the job says stands in this file.
fn is_whole(job: &Effective<'_>) -> bool {
    job.is_known() && job.get(INCOMPLETE).is_none() && matches!(job.value, Value::Map(_))
}

/// The places where the job asks for files of a job that keeps none.
fn nothing_kept(config: &Config<'_>, name: &str, job: &Effective<'_>) -> Vec<(NodeId, FindingCode)> {
    let explicit = job.get("needs").map(Effective::items).unwrap_or_default();
    let explicit: BTreeSet<NodeId> = explicit
        .iter()
        .filter(|need| {
            need.get("artifacts")
                .is_some_and(|flag| matches!(flag.value, Value::Bool(true)))
        })
        .filter_map(|need| Some(need.get("job")?.node))
        .collect();
    let needed = needs(job)
        .into_iter()
        .filter(|need| explicit.contains(&need.node))
        .map(|need| ("needs", need.job, need.node));
    let depends = dependencies(job)
        .into_iter()
        .map(|(job, node)| ("dependencies", job, node));
    needed
        .chain(depends)
        .filter(|(_, of, _)| {
            let other = config.get(of).filter(|other| is_whole(other));
            other.is_some_and(|other| other.get("artifacts").is_none() && other.get("trigger").is_none())
                && default_keeps_nothing(config)
        })
        .map(|(field, of, node)| {
            let code = FindingCode::NothingKept {
                job: name.to_owned(),
                field: field.to_owned(),
                of,
            };
            (node, code)
        })
        .collect()
}

fn default_keeps_nothing(config: &Config<'_>) -> bool {
    let default = config.get("default");
    default.is_none_or(|default| default.is_known() && default.get("artifacts").is_none())
}

/// Whether the job's name or stage begins with the word "deploy".
fn deploys(name: &str, job: &Effective<'_>) -> bool {
    let says = |text: &str| {
        let text = text.to_ascii_lowercase();
        text.strip_prefix("deploy")
            .is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric()))
    };
    says(name) || job.get("stage").and_then(Effective::text).is_some_and(says)
}

/// Whether the job runs on every branch, as far as its presets are understood.
fn runs_unprotected(import: &Import, name: &str, job: &Effective<'_>) -> bool {
    let known = import.jobs.iter().find(|one| one.name == name);
    let ruled = ["rules", "only", "except"]
        .iter()
        .any(|key| job.get(key).is_some());
    match known {
        Some(one) if ruled => {
            let cut = import
                .segments
                .iter()
                .find(|cut| cut.job.as_deref() == Some(name));
            let locked = cut.is_none_or(|cut| {
                let is_rule = |field: &str| matches!(field, "rules" | "only" | "except");
                cut.locked.iter().any(|locked| is_rule(&locked.field))
            });
            !locked && !one.own.when.on.only_protected()
        }
        _ => !ruled,
    }
}

/// Whether the job's commands or variables name it as `$KEY` or `${KEY}`.
fn uses(job: &Effective<'_>, variable: &str) -> bool {
    let places = ["script", "before_script", "after_script", "variables", "image"];
    places
        .iter()
        .filter_map(|key| job.get(key))
        .any(|value| names(value, variable))
}

fn names(value: &Effective<'_>, variable: &str) -> bool {
    match &value.value {
        Value::List(items) => items.iter().any(|item| names(item, variable)),
        Value::Map(_) => value.entries().iter().any(|(_, _, value)| names(value, variable)),
        _ => value.text().is_some_and(|text| is_named(text, variable)),
    }
}

fn is_named(text: &str, variable: &str) -> bool {
    text.match_indices('$').any(|(at, _)| {
        let rest = &text[at + 1..];
        let (rest, braced) = rest.strip_prefix('{').map_or((rest, false), |rest| (rest, true));
        rest.strip_prefix(variable).is_some_and(|after| {
            let goes_on = after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
            !goes_on && (!braced || after.starts_with(['}', ':', '-', '=', '+', '?', '#', '%', '/']))
        })
    })
}

/// The job that a sentence of GitLab's lint is about: `jobs:NAME:…`, `jobs NAME …`, `NAME job: …`, `NAME: …`, `'NAME' job …`.
pub fn job_of<'a>(message: &str, jobs: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let about = |name: &&str| {
        let follows = |before: &str, after: &[&str]| {
            message
                .strip_prefix(before)
                .and_then(|rest| rest.strip_prefix(name))
                .is_some_and(|rest| rest.is_empty() || after.iter().any(|mark| rest.starts_with(mark)))
        };
        follows("jobs:", &[":", " "])
            || follows("jobs ", &[" "])
            || follows("", &[" job:", ":", " config"])
            || follows("'", &["' job"])
    };
    jobs.filter(about).max_by_key(|name| name.len())
}

#[cfg(test)]
mod tests {
    use super::super::import::import_tree;
    use super::super::tree::parse;
    use super::*;
    use crate::text::Locale;

    fn said(text: &str, protected: &[&str]) -> Vec<String> {
        let tree = parse(text).unwrap();
        let import = import_tree(&tree, false);
        let protected: Vec<String> = protected.iter().map(|&key| key.to_owned()).collect();
        let found = advice(&tree, &import, &protected);
        found.iter().map(|finding| finding.message(Locale::En)).collect()
    }

    #[test]
    fn files_that_no_job_keeps_are_missed() {
        let file = "build:\n  script: make\npack:\n  script: tar\n  dependencies: [build]\ntest:\n  script: t\n  needs:\n    - job: build\n      artifacts: true\n    - pack\n";
        let said = said(file, &[]);
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(
            said[0].contains("Line 5") && said[0].contains("“build” keeps none"),
            "{said:?}"
        );
        assert!(said[1].contains("Line 9"), "{said:?}");
    }

    #[test]
    fn what_another_file_may_say_is_left_alone() {
        for file in [
            "include: other.yml\nbuild:\n  script: make\n  extends: .base\npack:\n  script: tar\n  dependencies: [build]\n",
            "default:\n  artifacts:\n    paths: [out]\nbuild:\n  script: make\npack:\n  script: tar\n  dependencies: [build]\n",
            "build:\n  script: make\n  artifacts:\n    reports:\n      dotenv: a.env\npack:\n  script: tar\n  dependencies: [build]\n",
        ] {
            assert_eq!(said(file, &[]), Vec::<String>::new(), "{file}");
        }
    }

    #[test]
    fn a_deployment_wants_an_environment() {
        let with = "deploy-qa:\n  script: kubectl apply\n  environment: qa\n";
        assert!(said(with, &[]).is_empty());
        let without = "deploy to qa:\n  script: kubectl apply\nship:\n  stage: deploy\n  script: x\ndeployment-notes:\n  script: y\n  stage: test\n";
        let said = said(without, &[]);
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said.iter().all(|one| one.contains("environment")), "{said:?}");
    }

    #[test]
    fn a_protected_variable_is_missing_on_other_branches() {
        let file = "a:\n  script: curl -H \"${TOKEN}\"\nb:\n  script: echo $TOKENS\nc:\n  script: echo $TOKEN\n  rules:\n    - if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH\nd:\n  script: [\"echo ${TOKEN:-none}\"]\n  rules:\n    - if: $SOMETHING == \"else\"\n";
        let said = said(file, &["TOKEN"]);
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].contains("“a”") && said[0].contains("TOKEN"), "{said:?}");
    }

    #[test]
    fn lints_sentences_find_their_jobs() {
        let jobs = ["build", "build image", "a:b"];
        for (message, job) in [
            ("jobs:build:script config should be a string", Some("build")),
            (
                "jobs:build image config contains unknown keys: x",
                Some("build image"),
            ),
            (
                "jobs build config should implement a script:, run:, or trigger: keyword",
                Some("build"),
            ),
            ("build job: undefined need: x", Some("build")),
            (
                "'build image' job needs 'x' job, but 'x' does not exist in the pipeline",
                Some("build image"),
            ),
            ("a:b: unknown keys in `extends` (.x)", Some("a:b")),
            ("builder job: chosen stage does not exist", None),
            ("root config contains unknown keys: x", None),
        ] {
            assert_eq!(job_of(message, jobs.into_iter()), job, "{message}");
        }
    }
}
