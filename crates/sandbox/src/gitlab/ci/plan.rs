//! Which jobs a pipeline gets: `workflow`, `rules`, `only`/`except`, `parallel`, `needs`.

use std::collections::BTreeMap;

use globset::GlobBuilder;
use regex::Regex;
use serde_json::Value;

use super::config::{Config, inherited_variables, variables};
use super::expression;
use super::validate::duration;
use super::yaml::Node;
use crate::gitlab::state::Need;

/// What the rules look at.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// Predefined, project and pipeline variables.
    pub variables: BTreeMap<String, String>,
    /// Paths that changed; none where GitLab has no difference to look at, and `changes` holds.
    pub changed: Option<Vec<String>>,
    /// Every file at the commit.
    pub files: Vec<String>,
}

/// A job to create.
#[derive(Clone, Debug)]
pub struct Planned {
    pub name: String,
    pub stage: String,
    pub stage_index: usize,
    pub when: String,
    pub start_in: Option<u64>,
    pub allow_failure: bool,
    pub allowed_exit_codes: Vec<i64>,
    pub needs: Option<Vec<Need>>,
    pub dependencies: Option<Vec<String>>,
    pub tags: Vec<String>,
    pub variables: Vec<(String, String)>,
    pub environment: Option<String>,
    pub spec: Value,
}

/// The jobs, and the pipeline's name when `workflow:name` gives one.
#[derive(Debug)]
pub struct Plan {
    pub jobs: Vec<Planned>,
    pub name: Option<String>,
}

struct Decision {
    when: Option<String>,
    allow_failure: Option<Node>,
    variables: Vec<(String, String)>,
    needs: Option<Node>,
    start_in: Option<Node>,
}

pub fn plan(config: &Config, context: &Context) -> Result<Plan, String> {
    let mut context = context.clone();
    put_missing(&mut context.variables, &config.variables);
    let workflow = config.root.get("workflow");
    if let Some(rules) = workflow.and_then(|workflow| workflow.get("rules")) {
        match decide(rules, &context) {
            Some(decision) if decision.when.as_deref() != Some("never") => {
                context.variables.extend(decision.variables);
            }
            _ => return Err("Pipeline filtered out by workflow rules.".into()),
        }
    }
    let mut jobs = Vec::new();
    for (name, node) in &config.jobs {
        if let Some(planned) = plan_job(config, &context, name, node) {
            jobs.extend(parallel(planned, node.get("parallel")));
        }
    }
    if !jobs.iter().any(|job| job.stage != ".pre" && job.stage != ".post") {
        return Err(
            "Pipeline will not run for the selected trigger. The rules configuration prevented any jobs \
                    from being added to the pipeline."
                .into(),
        );
    }
    link_needs(&mut jobs)?;
    jobs.sort_by_key(|job| job.stage_index);
    let name = workflow
        .and_then(|workflow| workflow.get("name"))
        .map(|name| expand(&name.to_text(), &context.variables));
    Ok(Plan { jobs, name })
}

fn put_missing(target: &mut BTreeMap<String, String>, pairs: &[(String, String)]) {
    for (key, value) in pairs {
        let value = expand(value, target);
        target.entry(key.clone()).or_insert(value);
    }
}

fn plan_job(config: &Config, context: &Context, name: &str, node: &Node) -> Option<Planned> {
    let mut scope = context.clone();
    for (key, value) in variables(node.get("variables")) {
        scope.variables.insert(key, value);
    }
    let own_when = node
        .get("when")
        .map_or_else(|| "on_success".into(), Node::to_text);
    let mut when = own_when.clone();
    let mut decision = None;
    if let Some(rules) = node.get("rules") {
        let found = decide(rules, &scope)?;
        when = found.when.clone().unwrap_or(own_when);
        decision = Some(found);
    } else if !only_except(node, &scope) {
        return None;
    }
    if when == "never" {
        return None;
    }
    let from_rule = decision
        .as_ref()
        .and_then(|decision| decision.allow_failure.clone());
    let (allow_failure, allowed_exit_codes) = match from_rule.as_ref().or(node.get("allow_failure")) {
        Some(Node::Bool(value)) => (*value, Vec::new()),
        Some(other) => {
            let codes = other.get("exit_codes").map(Node::to_lines).unwrap_or_default();
            (false, codes.iter().filter_map(|code| code.parse().ok()).collect())
        }
        None => (when == "manual" && node.get("rules").is_none(), Vec::new()),
    };
    let mut own = inherited_variables(config, node);
    let extra = decision
        .as_ref()
        .map(|decision| decision.variables.clone())
        .unwrap_or_default();
    for (key, value) in variables(node.get("variables")).into_iter().chain(extra) {
        own.retain(|(name, _)| *name != key);
        own.push((key, value));
    }
    let stage = node
        .get("stage")
        .or_else(|| node.get("type"))
        .map_or_else(|| "test".into(), Node::to_text);
    let needs = decision
        .as_ref()
        .and_then(|decision| decision.needs.clone())
        .or_else(|| node.get("needs").cloned());
    let start_in = decision
        .and_then(|decision| decision.start_in)
        .or_else(|| node.get("start_in").cloned());
    let environment = node
        .get("environment")
        .map(|environment| environment.get("name").unwrap_or(environment).to_text());
    Some(Planned {
        name: name.to_owned(),
        stage_index: config
            .stages
            .iter()
            .position(|known| *known == stage)
            .unwrap_or_default(),
        stage,
        start_in: start_in
            .filter(|_| when == "delayed")
            .and_then(|text| duration(&text.to_text())),
        when,
        allow_failure,
        allowed_exit_codes,
        needs: needs.map(|needs| read_needs(&needs)),
        dependencies: node.get("dependencies").map(Node::to_lines),
        tags: node.get("tags").map(Node::to_lines).unwrap_or_default(),
        variables: own,
        environment,
        spec: node.to_json(),
    })
}

fn read_needs(needs: &Node) -> Vec<Need> {
    let Node::List(items) = needs else {
        return Vec::new();
    };
    items
        .iter()
        .filter(|item| item.get("project").is_none() && item.get("pipeline").is_none())
        .map(|item| Need {
            job: item.get("job").map_or_else(|| item.to_text(), Node::to_text),
            artifacts: item.get("artifacts") != Some(&Node::Bool(false)),
            optional: item.get("optional") == Some(&Node::Bool(true)),
        })
        .collect()
}

/// The first rule that holds; none when no rule does.
fn decide(rules: &Node, context: &Context) -> Option<Decision> {
    let Node::List(items) = rules else { return None };
    items
        .iter()
        .flat_map(flattened)
        .find(|rule| rule_holds(rule, context))
        .map(|rule| Decision {
            when: rule.get("when").map(Node::to_text),
            allow_failure: rule.get("allow_failure").cloned(),
            variables: variables(rule.get("variables")),
            needs: rule.get("needs").cloned(),
            start_in: rule.get("start_in").cloned(),
        })
}

fn flattened(node: &Node) -> Vec<&Node> {
    match node {
        Node::List(items) => items.iter().flat_map(flattened).collect(),
        other => vec![other],
    }
}

fn rule_holds(rule: &Node, context: &Context) -> bool {
    let condition = rule.get("if").is_none_or(|text| {
        expression::parse(&text.to_text()).is_some_and(|expression| expression.holds(&context.variables))
    });
    let changes = rule
        .get("changes")
        .is_none_or(|changes| changed(changes, context));
    let exists = rule.get("exists").is_none_or(|exists| {
        let globs = exists.get("paths").unwrap_or(exists).to_lines();
        globs
            .iter()
            .any(|glob| any_matches(&expand(glob, &context.variables), &context.files))
    });
    condition && changes && exists
}

fn changed(changes: &Node, context: &Context) -> bool {
    let Some(paths) = &context.changed else {
        return true;
    };
    let globs = changes.get("paths").unwrap_or(changes).to_lines();
    globs
        .iter()
        .any(|glob| any_matches(&expand(glob, &context.variables), paths))
}

fn any_matches(glob: &str, paths: &[String]) -> bool {
    GlobBuilder::new(glob.trim_start_matches('/'))
        .literal_separator(true)
        .build()
        .is_ok_and(|glob| {
            let matcher = glob.compile_matcher();
            paths.iter().any(|path| matcher.is_match(path))
        })
}

fn only_except(node: &Node, context: &Context) -> bool {
    let source = context
        .variables
        .get("CI_PIPELINE_SOURCE")
        .map_or("", String::as_str);
    let only = match node.get("only") {
        // Without `only`, jobs run for branches and tags but not for merge requests.
        None => source != "merge_request_event",
        Some(only) => policy(only, context, source),
    };
    only && !node
        .get("except")
        .is_some_and(|except| policy(except, context, source))
}

fn policy(node: &Node, context: &Context, source: &str) -> bool {
    let refs = node.get("refs").or((!node.is_map()).then_some(node));
    let by_ref = refs.is_none_or(|refs| {
        refs.to_lines()
            .iter()
            .any(|item| ref_matches(item, context, source))
    });
    let by_variable = node.get("variables").is_none_or(|list| {
        list.to_lines().iter().any(|text| {
            expression::parse(text).is_some_and(|expression| expression.holds(&context.variables))
        })
    });
    by_ref
        && by_variable
        && node
            .get("changes")
            .is_none_or(|changes| changed(changes, context))
}

fn ref_matches(item: &str, context: &Context, source: &str) -> bool {
    let variable = |name: &str| context.variables.get(name).cloned().unwrap_or_default();
    let reference = variable("CI_COMMIT_REF_NAME");
    match item {
        "branches" => !variable("CI_COMMIT_BRANCH").is_empty(),
        "tags" => !variable("CI_COMMIT_TAG").is_empty(),
        "merge_requests" => source == "merge_request_event",
        "pushes" => source == "push",
        "web" | "api" => source == item,
        "schedules" => source == "schedule",
        "triggers" => source == "trigger",
        _ if source == "merge_request_event" => false,
        _ => match item.strip_prefix('/').and_then(|rest| rest.rsplit_once('/')) {
            Some((pattern, _)) => Regex::new(pattern).is_ok_and(|regex| regex.is_match(&reference)),
            None => item == reference,
        },
    }
}

fn parallel(planned: Planned, node: Option<&Node>) -> Vec<Planned> {
    match node {
        Some(Node::Int(count)) => (1..=*count)
            .map(|index| {
                let mut job = planned.clone();
                job.name = format!("{} {index}/{count}", planned.name);
                job.variables.push(("CI_NODE_INDEX".into(), index.to_string()));
                job.variables.push(("CI_NODE_TOTAL".into(), count.to_string()));
                job
            })
            .collect(),
        Some(node) => {
            let Some(Node::List(rows)) = node.get("matrix") else {
                return vec![planned];
            };
            let sets: Vec<Vec<(String, String)>> = rows.iter().flat_map(combinations).collect();
            sets.into_iter()
                .map(|set| {
                    let mut job = planned.clone();
                    let values: Vec<&str> = set.iter().map(|(_, value)| value.as_str()).collect();
                    job.name = format!("{}: [{}]", planned.name, values.join(", "));
                    job.tags = job
                        .tags
                        .iter()
                        .map(|tag| expand(tag, &set.iter().cloned().collect()))
                        .collect();
                    job.variables.extend(set);
                    job
                })
                .collect()
        }
        None => vec![planned],
    }
}

fn combinations(row: &Node) -> Vec<Vec<(String, String)>> {
    row.entries()
        .iter()
        .fold(vec![Vec::new()], |sets, (key, values)| {
            let values = values.to_lines();
            sets.iter()
                .flat_map(|set| {
                    values.iter().map(move |value| {
                        let mut set = set.clone();
                        set.push((key.clone(), value.clone()));
                        set
                    })
                })
                .collect()
        })
}

/// Replaces names of parallel jobs by their instances and refuses needs that are not in the pipeline.
fn link_needs(jobs: &mut [Planned]) -> Result<(), String> {
    let names: Vec<String> = jobs.iter().map(|job| job.name.clone()).collect();
    let instances = |wanted: &str| -> Vec<String> {
        let of = |name: &&String| {
            **name == wanted
                || name.strip_prefix(wanted).is_some_and(|rest| {
                    rest.starts_with(": [")
                        || rest
                            .strip_prefix(' ')
                            .is_some_and(|r| r.contains('/') && r.starts_with(|c: char| c.is_ascii_digit()))
                })
        };
        names.iter().filter(of).cloned().collect()
    };
    for job in jobs.iter_mut() {
        if let Some(needs) = job.needs.take() {
            let mut linked = Vec::new();
            for need in needs {
                let found = instances(&need.job);
                if found.is_empty() && !need.optional {
                    return Err(format!(
                        "'{}' job needs '{}' job, but '{}' does not exist in the pipeline. This might be because \
                         of the only, except, or rules keywords. To need a job that sometimes does not exist in \
                         the pipeline, use needs:optional.",
                        job.name, need.job, need.job
                    ));
                }
                linked.extend(found.into_iter().map(|name| Need {
                    job: name,
                    ..need.clone()
                }));
            }
            job.needs = Some(linked);
        }
        if let Some(dependencies) = job.dependencies.take() {
            job.dependencies = Some(dependencies.iter().flat_map(|name| instances(name)).collect());
        }
    }
    Ok(())
}

/// Puts variables into `$NAME` and `${NAME}`; `$$` stays a dollar, unknown names give nothing.
pub fn expand(text: &str, variables: &BTreeMap<String, String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        if let Some(next) = after.strip_prefix('$') {
            out.push('$');
            rest = next;
            continue;
        }
        let braced = after.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        let (name, left) = braced.unwrap_or_else(|| {
            let end = after
                .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .unwrap_or(after.len());
            after.split_at(end)
        });
        if name.is_empty() {
            out.push('$');
        } else if let Some(value) = variables.get(name) {
            out.push_str(value);
        }
        rest = left;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gitlab::ci::config::{Files, load};

    struct Nowhere;
    impl Files for Nowhere {
        fn read(&self, _: &str) -> Option<String> {
            None
        }
        fn paths(&self) -> Vec<String> {
            Vec::new()
        }
    }

    fn names(
        text: &str,
        variables: &[(&str, &str)],
        changed: Option<&[&str]>,
    ) -> Result<Vec<String>, String> {
        let loaded = load(text, &Nowhere, &BTreeMap::new());
        assert_eq!(loaded.errors, Vec::<String>::new());
        let context = Context {
            variables: variables
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect(),
            changed: changed.map(|paths| paths.iter().map(|path| (*path).to_owned()).collect()),
            files: vec!["Dockerfile".into()],
        };
        let plan = plan(&loaded.config.expect("a configuration"), &context)?;
        Ok(plan.jobs.into_iter().map(|job| job.name).collect())
    }

    const MAIN: &[(&str, &str)] = &[
        ("CI_COMMIT_BRANCH", "main"),
        ("CI_COMMIT_REF_NAME", "main"),
        ("CI_PIPELINE_SOURCE", "push"),
    ];

    #[test]
    fn the_first_rule_that_holds_decides() {
        let text = "a:\n  script: x\n  rules:\n    - if: $CI_COMMIT_BRANCH == 'dev'\n    - if: $CI_COMMIT_BRANCH == 'main'\n      when: never\n    - when: always\nb:\n  script: x\n  rules:\n    - exists: [Dockerfile]\n";
        assert_eq!(names(text, MAIN, None), Ok(vec!["b".into()]));
    }

    #[test]
    fn changes_look_at_the_difference_and_hold_without_one() {
        let text = "a:\n  script: x\n  rules:\n    - changes: ['src/**/*']\nb:\n  script: x\n";
        assert_eq!(names(text, MAIN, Some(&["docs/a.md"])), Ok(vec!["b".into()]));
        assert_eq!(
            names(text, MAIN, Some(&["src/x/y.rs"])),
            Ok(vec!["a".into(), "b".into()])
        );
        assert_eq!(names(text, MAIN, None), Ok(vec!["a".into(), "b".into()]));
    }

    #[test]
    fn workflow_rules_refuse_the_whole_pipeline() {
        let text = "workflow:\n  rules:\n    - if: $CI_COMMIT_TAG\na:\n  script: x\n";
        assert_eq!(
            names(text, MAIN, None),
            Err("Pipeline filtered out by workflow rules.".into())
        );
    }

    #[test]
    fn a_matrix_and_a_number_multiply_a_job_and_needs_follow() {
        let text = "a:\n  stage: build\n  script: x\n  parallel:\n    matrix:\n      - OS: [linux, mac]\n        V: ['1']\nb:\n  script: x\n  parallel: 2\nc:\n  stage: deploy\n  script: x\n  needs: [a, b]\n";
        let found = names(text, MAIN, None).expect("a plan");
        assert_eq!(found, ["a: [linux, 1]", "a: [mac, 1]", "b 1/2", "b 2/2", "c"]);
    }

    #[test]
    fn a_need_that_rules_removed_is_refused_unless_optional() {
        let text =
            "a:\n  stage: build\n  script: x\n  rules: [{when: never}]\nb:\n  script: x\n  needs: [a]\n";
        assert!(
            names(text, MAIN, None)
                .expect_err("refused")
                .starts_with("'b' job needs 'a' job, but")
        );
    }

    #[test]
    fn jobs_without_rules_stay_out_of_merge_request_pipelines() {
        let text = "a:\n  script: x\nb:\n  script: x\n  only: [merge_requests]\n";
        let request = &[
            ("CI_PIPELINE_SOURCE", "merge_request_event"),
            ("CI_COMMIT_REF_NAME", "topic"),
        ];
        assert_eq!(names(text, request, None), Ok(vec!["b".into()]));
    }

    #[test]
    fn references_and_extends_resolve_before_the_plan() {
        let text = ".base:\n  script: [one]\n  tags: [shell]\n.more:\n  script: [two]\na:\n  extends: .base\n  script:\n    - !reference [.more, script]\n    - three\n";
        let loaded = load(text, &Nowhere, &BTreeMap::new());
        let config = loaded.config.expect("a configuration");
        assert_eq!(
            config.jobs[0].1.get("script").map(Node::to_lines),
            Some(vec!["two".into(), "three".into()])
        );
        assert_eq!(
            config.jobs[0].1.get("tags").map(Node::to_lines),
            Some(vec!["shell".into()])
        );
    }

    #[test]
    fn variables_expand_once_in_both_forms() {
        let variables = [("A".to_owned(), "1".to_owned())].into();
        assert_eq!(expand("$A-${A}-$$A-$B.", &variables), "1-1-$A-.");
    }
}
