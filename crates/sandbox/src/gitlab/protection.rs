//! Protected branches.

use serde_json::{Value, json};

use super::branches;
use super::call::{Answer, Call, MAINTAINER, Outcome, Refusal};
use super::page;

fn described(level: u64) -> &'static str {
    match level {
        0 => "No one",
        30 => "Developers + Maintainers",
        60 => "Administrators",
        _ => "Maintainers",
    }
}

fn access(id: u64, level: u64) -> Value {
    json!([{ "id": id, "access_level": level, "access_level_description": described(level), "deploy_key_id": null, "user_id": null, "group_id": null }])
}

/// A protection rule; levels are 0 (no one), 30, 40 or 60.
pub fn rule(id: u64, name: &str, push: u64, merge: u64, force: bool) -> Value {
    json!({
        "id": id,
        "name": name,
        "push_access_levels": access(id, push),
        "merge_access_levels": access(id, merge),
        "allow_force_push": force,
        "unprotect_access_levels": [],
        "code_owner_approval_required": false,
        "inherited": false,
    })
}

/// The lowest level that a rule lets in; 0 when it lets in no one.
pub fn least_level(rule: &Value, kind: &str) -> u64 {
    let levels = rule[kind].as_array().cloned().unwrap_or_default();
    levels
        .iter()
        .filter_map(|level| level["access_level"].as_u64())
        .filter(|level| *level > 0)
        .min()
        .unwrap_or(0)
}

pub fn list(call: &Call) -> Outcome {
    let project = call.project(MAINTAINER)?;
    page::answer(call, project.protected_branches)
}

pub fn get(call: &Call) -> Outcome {
    let project = call.project(MAINTAINER)?;
    let name = call.param("name");
    let rule = project
        .protected_branches
        .into_iter()
        .find(|rule| rule["name"] == name);
    Answer::ok(rule.ok_or_else(|| Refusal::not_found("404 Not found"))?)
}

fn store(call: &Call, project: u64, rule: Value) {
    call.with(|state| {
        if let Some(project) = state.projects.get_mut(&project) {
            project
                .protected_branches
                .retain(|other| other["name"] != rule["name"]);
            project.protected_branches.push(rule);
        }
    });
}

pub fn create(call: &Call) -> Outcome {
    let project = call.project(MAINTAINER)?;
    let name = call.str("name")?;
    if project
        .protected_branches
        .iter()
        .any(|rule| rule["name"] == name.as_str())
    {
        return Err(Refusal::message(
            409,
            format!("Protected branch '{name}' already exists"),
        ));
    }
    let level = |key: &str| call.opt_u64(key).unwrap_or(MAINTAINER);
    let id = call.with(|state| state.next("protected branch"));
    let rule = rule(
        id,
        &name,
        level("push_access_level"),
        level("merge_access_level"),
        call.flag("allow_force_push"),
    );
    store(call, project.id, rule.clone());
    Answer::created(rule)
}

pub fn update(call: &Call) -> Outcome {
    let project = call.project(MAINTAINER)?;
    let name = call.param("name");
    let found = project
        .protected_branches
        .into_iter()
        .find(|rule| rule["name"] == name);
    let mut rule = found.ok_or_else(|| Refusal::not_found("404 Not found"))?;
    if let Some(force) = call.opt_bool("allow_force_push") {
        rule["allow_force_push"] = force.into();
    }
    store(call, project.id, rule.clone());
    Answer::ok(rule)
}

pub fn delete(call: &Call) -> Outcome {
    let project = call.project(MAINTAINER)?;
    remove(call, project.id, call.param("name"))?;
    Answer::no_content()
}

fn remove(call: &Call, project: u64, name: &str) -> Result<(), Refusal> {
    let removed = call.with(|state| {
        let project = state.projects.get_mut(&project)?;
        let before = project.protected_branches.len();
        project.protected_branches.retain(|rule| rule["name"] != name);
        (project.protected_branches.len() < before).then_some(())
    });
    removed.ok_or_else(|| Refusal::not_found("404 Not found"))
}

/// The older form, on the branch itself.
pub fn protect_branch(call: &Call) -> Outcome {
    let (project, _) = call.repository(MAINTAINER)?;
    let push = if call.flag("developers_can_push") { 30 } else { 40 };
    let merge = if call.flag("developers_can_merge") { 30 } else { 40 };
    let id = call.with(|state| state.next("protected branch"));
    store(
        call,
        project.id,
        rule(id, call.param("branch"), push, merge, false),
    );
    branches::get(call)
}

pub fn unprotect_branch(call: &Call) -> Outcome {
    let project = call.project(MAINTAINER)?;
    // A branch that is not protected is already as asked.
    drop(remove(call, project.id, call.param("branch")));
    branches::get(call)
}
