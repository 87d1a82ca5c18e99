//! Groups and namespaces.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::call::{Answer, Call, MAINTAINER, OWNER, Outcome, Refusal};
use super::state::{Group, Project, State, User, now};
use super::{App, page, projects};

pub fn group_json(app: &App, state: &State, group: &Group) -> Value {
    let full_path = state.namespace_path(group.id);
    json!({
        "id": group.id,
        "web_url": format!("{}/groups/{full_path}", app.url),
        "name": group.name,
        "path": group.path,
        "description": group.description,
        "visibility": group.visibility,
        "share_with_group_lock": false,
        "require_two_factor_authentication": false,
        "two_factor_grace_period": 48,
        "project_creation_level": "developer",
        "auto_devops_enabled": null,
        "subgroup_creation_level": "maintainer",
        "emails_disabled": false,
        "emails_enabled": true,
        "mentions_disabled": null,
        "lfs_enabled": true,
        "archived": false,
        "default_branch": null,
        "default_branch_protection": 2,
        "avatar_url": null,
        "request_access_enabled": true,
        "full_name": state.namespace_name(group.id),
        "full_path": full_path,
        "created_at": group.created_at,
        "parent_id": group.parent_id,
        "organization_id": 1,
        "shared_runners_setting": "enabled",
    })
}

/// Whether somebody is in a group, or in a project of it.
fn inside(state: &State, user: &User, group: &Group) -> bool {
    state.group_membership(user, group.id) > 0
        || state
            .projects
            .values()
            .any(|project| project.namespace_id == group.id && state.project_membership(user, project) > 0)
}

fn visible(state: &State, user: Option<&User>, group: &Group) -> bool {
    group.visibility != "private" || user.is_some_and(|user| user.is_admin || inside(state, user, group))
}

/// The group of the path parameter `id`, when the caller sees it and has this level.
pub fn group(call: &Call, least: u64) -> Result<Group, Refusal> {
    let wanted = call.param("id");
    call.with(|state| {
        let id = wanted.parse().ok().or_else(|| state.namespace_by_path(wanted));
        let group = id.and_then(|id| state.groups.get(&id)).cloned();
        let user = call.actor.as_ref().map(|actor| &actor.user);
        let group = group
            .filter(|group| visible(state, user, group))
            .ok_or_else(|| Refusal::missing("Group"))?;
        let level = user.map_or(0, |user| {
            if user.is_admin {
                OWNER
            } else {
                state.group_membership(user, group.id)
            }
        });
        if level < least {
            Err(Refusal::forbidden())
        } else {
            Ok(group)
        }
    })
}

pub fn list(call: &Call) -> Outcome {
    let search = call.opt_str("search").map(|text| text.to_lowercase());
    let user = call.actor.as_ref().map(|actor| &actor.user);
    let top_only = call.flag("top_level_only");
    let owned = call.flag("owned");
    // Of an administrator every group, of others those that they are in, unless asked otherwise.
    let all = call
        .opt_bool("all_available")
        .unwrap_or_else(|| user.is_none_or(|user| user.is_admin));
    let least = call
        .opt_u64("min_access_level")
        .unwrap_or(if owned { OWNER } else { 0 });
    let groups = call.with(|state| {
        let mut groups: Vec<Value> = state
            .groups
            .values()
            .filter(|group| visible(state, user, group))
            .filter(|group| all || user.is_some_and(|user| inside(state, user, group)))
            .filter(|group| !top_only || group.parent_id.is_none())
            .filter(|group| {
                least == 0 || user.is_some_and(|user| state.group_membership(user, group.id) >= least)
            })
            .map(|group| group_json(&call.app, state, group))
            .filter(|group| {
                search.as_deref().is_none_or(|text| {
                    ["name", "full_path"].iter().any(|key| {
                        group[*key]
                            .as_str()
                            .unwrap_or_default()
                            .to_lowercase()
                            .contains(text)
                    })
                })
            })
            .collect();
        let order = call.opt_str("order_by").unwrap_or_else(|| "name".into());
        groups.sort_by_key(|group| match order.as_str() {
            "id" => (group["id"].as_u64().unwrap_or_default(), String::new()),
            "path" => (0, group["path"].as_str().unwrap_or_default().to_lowercase()),
            _ => (0, group["name"].as_str().unwrap_or_default().to_lowercase()),
        });
        if call.opt_str("sort").as_deref() == Some("desc") {
            groups.reverse();
        }
        groups
    });
    page::answer(call, groups)
}

pub fn create(call: &Call) -> Outcome {
    let user = call.user()?;
    let (name, path) = (call.str("name")?, call.str("path")?);
    let parent_id = call.opt_u64("parent_id");
    let value = call.with(|state| {
        let full = parent_id.map_or(path.clone(), |parent| {
            format!("{}/{path}", state.namespace_path(parent))
        });
        if state.namespace_by_path(&full).is_some() {
            return Err(Refusal::new(
                400,
                json!({ "message": "Failed to save group {:path=>[\"has already been taken\"]}" }),
            ));
        }
        let group = Group {
            id: state.next("namespace"),
            name,
            path,
            parent_id,
            description: call.opt_str("description").unwrap_or_default(),
            visibility: call.opt_str("visibility").unwrap_or_else(|| "private".into()),
            created_at: now(),
            members: BTreeMap::from([(user.id, OWNER)]),
            variables: Vec::new(),
        };
        let value = group_json(&call.app, state, &group);
        state.groups.insert(group.id, group);
        Ok(value)
    })?;
    Answer::created(value)
}

pub fn get(call: &Call) -> Outcome {
    let group = group(call, 0)?;
    let list: Vec<Value> = if call.opt_bool("with_projects") == Some(false) {
        Vec::new()
    } else {
        let found = projects_of(call, &group, false);
        found.into_iter().map(|project| shown(call, &project)).collect()
    };
    let mut value = call.with(|state| group_json(&call.app, state, &group));
    value["shared_with_groups"] = json!([]);
    if call.opt_bool("with_projects") != Some(false) {
        value["projects"] = Value::Array(list);
        value["shared_projects"] = json!([]);
    }
    Answer::ok(value)
}

pub fn update(call: &Call) -> Outcome {
    let group = group(call, OWNER)?;
    let value = call.with(|state| {
        if let Some(kept) = state.groups.get_mut(&group.id) {
            kept.name = call.opt_str("name").unwrap_or(group.name);
            kept.path = call.opt_str("path").unwrap_or(group.path);
            kept.description = call.opt_str("description").unwrap_or(group.description);
            kept.visibility = call.opt_str("visibility").unwrap_or(group.visibility);
        }
        group_json(&call.app, state, &state.groups[&group.id])
    });
    Answer::ok(value)
}

pub fn delete(call: &Call) -> Outcome {
    let group = group(call, OWNER)?;
    call.with(|state| {
        let gone: Vec<u64> = state
            .projects
            .values()
            .filter(|project| project.namespace_id == group.id)
            .map(|p| p.id)
            .collect();
        for project in gone {
            projects::forget(state, project);
        }
        state.groups.remove(&group.id);
    });
    Ok(Answer::json(202, &json!({ "message": "202 Accepted" })))
}

fn shown(call: &Call, project: &Project) -> Value {
    let user = call.actor.as_ref().map(|actor| &actor.user);
    projects::json(&call.app, project, user, call.flag("simple"))
}

/// The projects of a group by the parameters of the call, in its order.
fn projects_of(call: &Call, group: &Group, subgroups: bool) -> Vec<Project> {
    let user = call.actor.as_ref().map(|actor| &actor.user);
    let least = call.opt_u64("min_access_level").unwrap_or_default();
    let search = call.opt_str("search").map(|text| text.to_lowercase());
    let archived = call.opt_bool("archived");
    let mut found: Vec<Project> = call.with(|state| {
        let prefix = format!("{}/", state.namespace_path(group.id));
        state
            .projects
            .values()
            .filter(|project| {
                project.namespace_id == group.id
                    || (subgroups && state.project_path(project).starts_with(&prefix))
            })
            .filter(|project| project.visibility != "private" || state.project_access(user, project) > 0)
            .filter(|project| least == 0 || state.project_access(user, project) >= least)
            .filter(|project| archived.is_none_or(|wanted| project.archived == wanted))
            .filter(|project| {
                search.as_deref().is_none_or(|text| {
                    [&project.name, &project.path]
                        .iter()
                        .any(|word| word.to_lowercase().contains(text))
                })
            })
            .cloned()
            .collect()
    });
    let order = call.opt_str("order_by").unwrap_or_else(|| "created_at".into());
    found.sort_by(|a, b| match order.as_str() {
        "name" => a.name.to_lowercase().cmp(&b.name.to_lowercase()),
        "path" => a.path.to_lowercase().cmp(&b.path.to_lowercase()),
        "updated_at" | "last_activity_at" => a.last_activity_at.cmp(&b.last_activity_at),
        _ => a.id.cmp(&b.id),
    });
    if call.opt_str("sort").as_deref() != Some("asc") {
        found.reverse();
    }
    found
}

pub fn projects(call: &Call) -> Outcome {
    let group = group(call, 0)?;
    let items = projects_of(call, &group, call.flag("include_subgroups"));
    page::answer_of(call, items, |project| shown(call, &project))
}

pub fn subgroups(call: &Call) -> Outcome {
    let group = group(call, 0)?;
    let items = call.with(|state| {
        state
            .groups
            .values()
            .filter(|other| other.parent_id == Some(group.id))
            .map(|other| group_json(&call.app, state, other))
            .collect()
    });
    page::answer(call, items)
}

fn namespace_json(app: &App, state: &State, id: u64) -> Value {
    let path = state.namespace_path(id);
    let group = state.groups.get(&id);
    let web = if group.is_some() {
        format!("{}/groups/{path}", app.url)
    } else {
        format!("{}/{path}", app.url)
    };
    json!({
        "id": id,
        "name": state.namespace_name(id),
        "path": path.rsplit('/').next().unwrap_or_default(),
        "kind": if group.is_some() { "group" } else { "user" },
        "full_path": path,
        "parent_id": group.and_then(|group| group.parent_id),
        "avatar_url": null,
        "web_url": web,
    })
}

pub fn namespaces(call: &Call) -> Outcome {
    let user = call.user()?;
    let search = call.opt_str("search").map(|text| text.to_lowercase());
    let items = call.with(|state| {
        let groups = state
            .groups
            .values()
            .filter(|group| user.is_admin || state.group_membership(user, group.id) >= MAINTAINER);
        let mut ids: Vec<u64> = groups.map(|group| group.id).collect();
        ids.push(user.namespace_id);
        ids.sort_unstable();
        ids.into_iter()
            .map(|id| namespace_json(&call.app, state, id))
            .filter(|item| {
                search
                    .as_deref()
                    .is_none_or(|text| item["full_path"].as_str().unwrap_or_default().contains(text))
            })
            .collect()
    });
    page::answer(call, items)
}

pub fn namespace(call: &Call) -> Outcome {
    call.user()?;
    let wanted = call.param("id");
    let value = call.with(|state| {
        let id = wanted.parse().ok().or_else(|| state.namespace_by_path(wanted))?;
        (!state.namespace_path(id).is_empty()).then(|| namespace_json(&call.app, state, id))
    });
    Answer::ok(value.ok_or_else(|| Refusal::missing("Namespace"))?)
}
