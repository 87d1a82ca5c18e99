//! Members of projects and groups.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::call::{Answer, Call, GUEST, MAINTAINER, OWNER, Outcome, Refusal};
use super::groups::group;
use super::page;
use super::state::{Project, State};

fn member(call: &Call, state: &State, user: u64, level: u64) -> Value {
    let mut value = state.user_json(user, &call.app.url);
    value["access_level"] = level.into();
    value["created_at"] = state.users.get(&user).map(|user| user.created_at.clone()).into();
    value["expires_at"] = Value::Null;
    value["membership_state"] = "active".into();
    value
}

fn listed(call: &Call, members: &BTreeMap<u64, u64>) -> Outcome {
    let query = call.opt_str("query").map(|text| text.to_lowercase());
    let items = call.with(|state| {
        members
            .iter()
            .map(|(user, level)| member(call, state, *user, *level))
            .filter(|item| {
                query.as_deref().is_none_or(|text| {
                    ["username", "name"].iter().any(|key| {
                        item[*key]
                            .as_str()
                            .unwrap_or_default()
                            .to_lowercase()
                            .contains(text)
                    })
                })
            })
            .collect()
    });
    page::answer(call, items)
}

/// Own and inherited members of a project with their highest level.
fn everyone(state: &State, project: &Project) -> BTreeMap<u64, u64> {
    state
        .users
        .values()
        .map(|user| (user.id, state.project_membership(user, project)))
        .filter(|(_, level)| *level > 0)
        .collect()
}

pub fn of_project(call: &Call) -> Outcome {
    let project = call.project(GUEST)?;
    listed(call, &project.members)
}

pub fn of_project_all(call: &Call) -> Outcome {
    let project = call.project(GUEST)?;
    let members = call.with(|state| everyone(state, &project));
    listed(call, &members)
}

fn one(call: &Call, members: &BTreeMap<u64, u64>) -> Outcome {
    let user = call.id("user_id")?;
    let level = *members
        .get(&user)
        .ok_or_else(|| Refusal::not_found("404 Not found"))?;
    Answer::ok(call.with(|state| member(call, state, user, level)))
}

pub fn one_of_project(call: &Call) -> Outcome {
    let project = call.project(GUEST)?;
    one(call, &project.members)
}

pub fn one_of_project_all(call: &Call) -> Outcome {
    let project = call.project(GUEST)?;
    let members = call.with(|state| everyone(state, &project));
    one(call, &members)
}

fn new_member(call: &Call) -> Result<(u64, u64), Refusal> {
    let level = call
        .opt_u64("access_level")
        .ok_or_else(|| Refusal::new(400, json!({ "error": "access_level is missing" })))?;
    if ![5, 10, 15, 20, 30, 40, 50].contains(&level) {
        return Err(Refusal::new(
            400,
            json!({ "error": "access_level does not have a valid value" }),
        ));
    }
    let user = call.with(|state| {
        let by_name = call
            .opt_str("username")
            .and_then(|name| state.user_by_name(&name).map(|user| user.id));
        call.opt_u64("user_id")
            .or(by_name)
            .filter(|id| state.users.contains_key(id))
    });
    Ok((user.ok_or_else(|| Refusal::missing("User"))?, level))
}

pub fn add_to_project(call: &Call) -> Outcome {
    let project = call.project(MAINTAINER)?;
    let (user, level) = new_member(call)?;
    if project.members.contains_key(&user) {
        return Err(Refusal::message(409, "Member already exists"));
    }
    set(call, project.id, user, level);
    Answer::created(call.with(|state| member(call, state, user, level)))
}

fn set(call: &Call, project: u64, user: u64, level: u64) {
    call.with(|state| {
        state
            .projects
            .get_mut(&project)
            .map(|project| project.members.insert(user, level))
    });
}

pub fn update_in_project(call: &Call) -> Outcome {
    let project = call.project(MAINTAINER)?;
    let user = call.id("user_id")?;
    if !project.members.contains_key(&user) {
        return Err(Refusal::not_found("404 Not found"));
    }
    let level = call.opt_u64("access_level").unwrap_or(GUEST);
    set(call, project.id, user, level);
    Answer::ok(call.with(|state| member(call, state, user, level)))
}

pub fn remove_from_project(call: &Call) -> Outcome {
    let project = call.project(MAINTAINER)?;
    let user = call.id("user_id")?;
    let removed = call.with(|state| {
        state
            .projects
            .get_mut(&project.id)
            .and_then(|p| p.members.remove(&user))
    });
    removed.ok_or_else(|| Refusal::not_found("404 Not found"))?;
    Answer::no_content()
}

pub fn of_group(call: &Call) -> Outcome {
    let group = group(call, 0)?;
    listed(call, &group.members)
}

pub fn of_group_all(call: &Call) -> Outcome {
    let group = group(call, 0)?;
    let members = call.with(|state| {
        let levels = state
            .users
            .values()
            .map(|user| (user.id, state.group_membership(user, group.id)));
        levels.filter(|(_, level)| *level > 0).collect()
    });
    listed(call, &members)
}

pub fn add_to_group(call: &Call) -> Outcome {
    let group = group(call, OWNER)?;
    let (user, level) = new_member(call)?;
    if group.members.contains_key(&user) {
        return Err(Refusal::message(409, "Member already exists"));
    }
    call.with(|state| {
        state
            .groups
            .get_mut(&group.id)
            .map(|group| group.members.insert(user, level))
    });
    Answer::created(call.with(|state| member(call, state, user, level)))
}

pub fn remove_from_group(call: &Call) -> Outcome {
    let group = group(call, OWNER)?;
    let user = call.id("user_id")?;
    let removed = call.with(|state| {
        state
            .groups
            .get_mut(&group.id)
            .and_then(|g| g.members.remove(&user))
    });
    removed.ok_or_else(|| Refusal::not_found("404 Not found"))?;
    Answer::no_content()
}
