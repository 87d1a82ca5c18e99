//! Branches.

use regex::Regex;
use serde_json::{Value, json};

use super::call::{Answer, Call, DEVELOPER, Outcome, REPORTER, Refusal};
use super::ci::variables::is_protected;
use super::git::{NOTHING, Repository};
use super::push::{self, Moved, may_push};
use super::state::Project;
use super::{App, page};

pub fn json(app: &App, project: &Project, repository: &Repository, name: &str, level: u64) -> Option<Value> {
    let sha = repository.branch(name)?;
    let url = app.project_url(project);
    let commit = repository.commit(&sha)?.to_json(&url);
    let is_default = name == project.default_branch;
    let merged = !is_default
        && repository.branch(&project.default_branch).is_some_and(|head| {
            repository
                .text(&["merge-base", "--is-ancestor", &sha, &head])
                .is_ok()
        });
    let protected = is_protected(project, name);
    Some(json!({
        "name": name,
        "commit": commit,
        "merged": merged,
        "protected": protected,
        "developers_can_push": protected && may_push(project, name, DEVELOPER),
        "developers_can_merge": false,
        "can_push": may_push(project, name, level),
        "default": is_default,
        "web_url": format!("{url}/-/tree/{name}"),
    }))
}

fn level(call: &Call, project: &Project) -> u64 {
    call.with(|state| state.project_access(call.actor.as_ref().map(|actor| &actor.user), project))
}

pub fn list(call: &Call) -> Outcome {
    let (project, repository) = call.repository(REPORTER)?;
    let search = call.opt_str("search");
    let pattern = call.opt_str("regex").and_then(|text| Regex::new(&text).ok());
    let level = level(call, &project);
    let fits = |name: &str| {
        let found =
            search
                .as_deref()
                .is_none_or(|text| match (text.strip_prefix('^'), text.strip_suffix('$')) {
                    (Some(start), _) => name.starts_with(start),
                    (_, Some(end)) => name.ends_with(end),
                    _ => name.to_lowercase().contains(&text.to_lowercase()),
                });
        found && pattern.as_ref().is_none_or(|pattern| pattern.is_match(name))
    };
    let refs = repository.refs();
    let names: Vec<&str> = refs
        .iter()
        .filter_map(|(name, _)| name.strip_prefix("refs/heads/"))
        .filter(|n| fits(n))
        .collect();
    let items = names
        .iter()
        .filter_map(|name| json(&call.app, &project, &repository, name, level))
        .collect();
    page::answer(call, items)
}

pub fn get(call: &Call) -> Outcome {
    let (project, repository) = call.repository(REPORTER)?;
    let level = level(call, &project);
    let value = json(&call.app, &project, &repository, call.param("branch"), level);
    Answer::ok(value.ok_or_else(|| Refusal::missing("Branch"))?)
}

pub fn create(call: &Call) -> Outcome {
    let (project, repository) = call.repository(DEVELOPER)?;
    let (name, from) = (call.str("branch")?, call.str("ref")?);
    if repository.branch(&name).is_some() {
        return Err(Refusal::bad("Branch already exists"));
    }
    let full = format!("refs/heads/{name}");
    if repository.text(&["check-ref-format", &full]).is_err() {
        return Err(Refusal::bad("Branch name is invalid"));
    }
    let sha = repository
        .resolve(&from)
        .ok_or_else(|| Refusal::bad(format!("Invalid reference name: {from}")))?;
    repository.update_ref(&full, &sha, NOTHING)?;
    let moved = Moved {
        reference: full,
        before: NOTHING.into(),
        after: sha,
    };
    push::follow(&call.app, project.id, call.user()?.id, &moved, false);
    let value = json(&call.app, &project, &repository, &name, level(call, &project));
    Answer::created(value.unwrap_or(Value::Null))
}

pub fn delete(call: &Call) -> Outcome {
    let (project, repository) = call.repository(DEVELOPER)?;
    let name = call.param("branch");
    let sha = repository
        .branch(name)
        .ok_or_else(|| Refusal::missing("Branch"))?;
    if name == project.default_branch {
        return Err(Refusal::message(405, "Cannot remove HEAD branch"));
    }
    if is_protected(&project, name) {
        return Err(Refusal::message(403, "Protected branch cannot be removed"));
    }
    let reference = format!("refs/heads/{name}");
    repository.delete_ref(&reference)?;
    let moved = Moved {
        reference,
        before: sha,
        after: NOTHING.into(),
    };
    push::follow(&call.app, project.id, call.user()?.id, &moved, true);
    Answer::no_content()
}
