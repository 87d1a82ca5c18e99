//! Issues.

use serde_json::{Value, json};

use super::call::{Answer, Call, GUEST, OWNER, Outcome, REPORTER, Refusal};
use super::state::{Project, Shelf, not_before, now};
use super::{labels, notes, page, webhook};

/// The project, unless its issues are switched off.
pub fn guarded(call: &Call, least: u64) -> Result<Project, Refusal> {
    let project = call.project(least)?;
    let disabled = project.settings.get("issues_enabled") == Some(&json!(false))
        || project.settings.get("issues_access_level") == Some(&json!("disabled"));
    if disabled {
        Err(Refusal::forbidden())
    } else {
        Ok(project)
    }
}

fn user_ids(call: &Call) -> Option<Vec<u64>> {
    let list = call.list("assignee_ids").map(|ids| {
        ids.iter()
            .filter_map(|id| id.parse().ok())
            .filter(|id| *id > 0)
            .collect()
    });
    list.or_else(|| {
        call.opt_u64("assignee_id")
            .map(|id| if id == 0 { Vec::new() } else { vec![id] })
    })
}

fn matches(call: &Call, issue: &Value) -> bool {
    let text = |key: &str| issue[key].as_str().unwrap_or_default().to_lowercase();
    let wanted = call.opt_str("state").filter(|state| state != "all");
    let labels = call.list("labels").unwrap_or_default();
    let own: Vec<&str> = issue["labels"]
        .as_array()
        .map(|l| l.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let sought = call.opt_str("search").map(|text| text.to_lowercase());
    let iids = call.list("iids").unwrap_or_default();
    let assignee = call.opt_u64("assignee_id");
    let given_to = |id: u64| {
        issue["assignees"]
            .as_array()
            .is_some_and(|list| list.iter().any(|user| user["id"] == id))
    };
    let after = call.opt_str("updated_after");
    wanted.is_none_or(|state| issue["state"] == state.as_str())
        && labels.iter().all(|label| own.contains(&label.as_str()))
        && sought
            .is_none_or(|sought| text("title").contains(&sought) || text("description").contains(&sought))
        && (iids.is_empty() || iids.contains(&issue["iid"].to_string()))
        && assignee.is_none_or(given_to)
        && call
            .opt_u64("author_id")
            .is_none_or(|id| issue["author"]["id"] == id)
        && call
            .opt_str("milestone")
            .is_none_or(|title| issue["milestone"]["title"] == title.as_str())
        && after.is_none_or(|after| not_before(issue["updated_at"].as_str().unwrap_or_default(), &after))
}

fn ordered(call: &Call, mut items: Vec<Value>) -> Vec<Value> {
    let key = if call.opt_str("order_by").as_deref() == Some("updated_at") {
        "updated_at"
    } else {
        "created_at"
    };
    items.sort_by_key(|item| {
        (
            item[key].as_str().unwrap_or_default().to_owned(),
            item["id"].as_u64(),
        )
    });
    if call.opt_str("sort").as_deref() != Some("asc") {
        items.reverse();
    }
    items
}

pub fn list(call: &Call) -> Outcome {
    let project = guarded(call, GUEST)?;
    let items = call.with(|state| {
        state
            .shelf(project.id)
            .issues
            .iter()
            .filter(|i| matches(call, i))
            .cloned()
            .collect()
    });
    page::answer(call, ordered(call, items))
}

pub fn everywhere(call: &Call) -> Outcome {
    let user = call.user()?;
    let mine = call.opt_str("scope").is_none_or(|scope| scope == "created_by_me");
    let items = call.with(|state| {
        let projects: Vec<&Project> = state
            .projects
            .values()
            .filter(|project| state.project_access(Some(user), project) >= GUEST)
            .collect();
        projects
            .iter()
            .filter_map(|project| state.shelves.get(&project.id))
            .flat_map(|shelf| shelf.issues.iter())
            .filter(|issue| (!mine || issue["author"]["id"] == user.id) && matches(call, issue))
            .cloned()
            .collect()
    });
    page::answer(call, ordered(call, items))
}

/// The issue of the path parameter `iid`.
pub fn find(call: &Call, project: &Project) -> Result<Value, Refusal> {
    let iid = call.id("iid")?;
    let found = call.with(|state| {
        state
            .shelf(project.id)
            .issues
            .iter()
            .find(|issue| issue["iid"] == iid)
            .cloned()
    });
    found.ok_or_else(|| Refusal::not_found("404 Not found"))
}

pub fn get(call: &Call) -> Outcome {
    let project = guarded(call, GUEST)?;
    Answer::ok(find(call, &project)?)
}

fn milestone(shelf: &Shelf, id: u64) -> Value {
    shelf
        .milestones
        .iter()
        .find(|milestone| milestone["id"] == id)
        .cloned()
        .unwrap_or(Value::Null)
}

pub fn create(call: &Call) -> Outcome {
    let project = guarded(call, GUEST)?;
    let user = call.user()?.id;
    let title = call.str("title")?;
    let labels = call.list("labels").unwrap_or_default();
    let issue = call.with(|state| {
        labels::ensure(state, project.id, &labels);
        let id = state.next("issue");
        let iid = state.shelf(project.id).next("issue");
        let path = state.project_path(&project);
        let url = &call.app.url;
        let assignees: Vec<Value> = user_ids(call).unwrap_or_default().iter().map(|id| state.user_json(*id, url)).collect();
        let milestone = call.opt_u64("milestone_id").map_or(Value::Null, |id| milestone(state.shelf(project.id), id));
        let created_at = call.opt_str("created_at").unwrap_or_else(now);
        let issue = json!({
            "id": id,
            "iid": iid,
            "project_id": project.id,
            "title": title,
            "description": call.opt_str("description"),
            "state": "opened",
            "created_at": created_at,
            "updated_at": created_at,
            "closed_at": null,
            "closed_by": null,
            "labels": labels,
            "milestone": milestone,
            "assignee": assignees.first(),
            "assignees": assignees,
            "author": state.user_json(user, url),
            "type": "ISSUE",
            "user_notes_count": 0,
            "merge_requests_count": 0,
            "upvotes": 0,
            "downvotes": 0,
            "start_date": null,
            "due_date": call.opt_str("due_date").filter(|day| !day.is_empty()),
            "confidential": call.flag("confidential"),
            "discussion_locked": null,
            "issue_type": call.opt_str("issue_type").unwrap_or_else(|| "issue".into()),
            "web_url": format!("{url}/{path}/-/issues/{iid}"),
            "time_stats": { "time_estimate": 0, "total_time_spent": 0, "human_time_estimate": null, "human_total_time_spent": null },
            "task_completion_status": { "count": 0, "completed_count": 0 },
            "weight": call.opt_u64("weight"),
            "blocking_issues_count": 0,
            "has_tasks": false,
            "task_status": "0 of 0 checklist items completed",
            "_links": {
                "self": format!("{url}/api/v4/projects/{}/issues/{iid}", project.id),
                "notes": format!("{url}/api/v4/projects/{}/issues/{iid}/notes", project.id),
                "award_emoji": format!("{url}/api/v4/projects/{}/issues/{iid}/award_emoji", project.id),
                "project": format!("{url}/api/v4/projects/{}", project.id),
                "closed_as_duplicate_of": null,
            },
            "references": { "short": format!("#{iid}"), "relative": format!("#{iid}"), "full": format!("{path}#{iid}") },
            "severity": "UNKNOWN",
            "subscribed": true,
            "moved_to_id": null,
            "imported": false,
            "imported_from": "none",
            "service_desk_reply_to": null,
        });
        state.shelf(project.id).issues.push(issue.clone());
        issue
    });
    webhook::issue(&call.app, &project, &issue, user, "open", json!({}));
    Answer::created(issue)
}

pub fn update(call: &Call) -> Outcome {
    let project = guarded(call, REPORTER)?;
    let old = find(call, &project)?;
    let user = call.user()?.id;
    let mut issue = old.clone();
    let mut action = "update";
    let mut changes = json!({});
    for key in ["title", "description", "due_date", "issue_type"] {
        if let Some(value) = call.value(key) {
            // An empty day takes it away.
            let value = if key == "due_date" && value == "" {
                Value::Null
            } else {
                value
            };
            changes[key] = json!({ "previous": issue[key], "current": value });
            issue[key] = value;
        }
    }
    if let Some(value) = call.opt_bool("confidential") {
        issue["confidential"] = value.into();
    }
    if let Some(weight) = call.opt_u64("weight") {
        issue["weight"] = weight.into();
    }
    call.with(|state| {
        let mut labels: Vec<String> = issue["labels"]
            .as_array()
            .map(|l| l.iter().filter_map(Value::as_str).map(str::to_owned).collect())
            .unwrap_or_default();
        if call.value("labels").is_some() {
            labels = call.list("labels").unwrap_or_default();
        }
        for label in call.list("add_labels").unwrap_or_default() {
            if !labels.contains(&label) {
                labels.push(label);
            }
        }
        let removed = call.list("remove_labels").unwrap_or_default();
        labels.retain(|label| !removed.contains(label));
        labels::ensure(state, project.id, &labels);
        if issue["labels"] != json!(labels) {
            changes["labels"] = json!({ "previous": issue["labels"], "current": labels });
        }
        issue["labels"] = json!(labels);
        if let Some(ids) = user_ids(call) {
            let assignees: Vec<Value> = ids.iter().map(|id| state.user_json(*id, &call.app.url)).collect();
            issue["assignee"] = assignees.first().cloned().unwrap_or(Value::Null);
            issue["assignees"] = assignees.into();
        }
        if let Some(id) = call.opt_u64("milestone_id") {
            issue["milestone"] = milestone(state.shelf(project.id), id);
        }
        match call.opt_str("state_event").as_deref() {
            Some("close") if issue["state"] == "opened" => {
                action = "close";
                issue["state"] = "closed".into();
                issue["closed_at"] = now().into();
                issue["closed_by"] = state.user_json(user, &call.app.url);
            }
            Some("reopen") if issue["state"] == "closed" => {
                action = "reopen";
                issue["state"] = "opened".into();
                issue["closed_at"] = Value::Null;
                issue["closed_by"] = Value::Null;
            }
            _ => {}
        }
        issue["updated_at"] = now().into();
        changes["updated_at"] = json!({ "previous": old["updated_at"], "current": issue["updated_at"] });
        if let Some(kept) = state
            .shelf(project.id)
            .issues
            .iter_mut()
            .find(|kept| kept["id"] == issue["id"])
        {
            *kept = issue.clone();
        }
    });
    if issue["title"] != old["title"] {
        let words = |title: &Value| title.as_str().unwrap_or_default().to_owned();
        let body = format!(
            "changed title from **{}** to **{}**",
            words(&old["title"]),
            words(&issue["title"])
        );
        notes::system_note(call, &project, &issue, user, &body);
    }
    webhook::issue(&call.app, &project, &issue, user, action, changes);
    Answer::ok(issue)
}

/// Moves an issue to another project: it goes on there under another number, and is closed here.
pub fn move_to(call: &Call) -> Outcome {
    let project = guarded(call, REPORTER)?;
    let old = find(call, &project)?;
    let user = call.user()?.id;
    let Some(target) = call.opt_u64("to_project_id") else {
        return Err(Refusal::bad("400 Bad request - to_project_id is missing"));
    };
    let moved = call.with(|state| {
        let there = state.projects.get(&target).cloned()?;
        let id = state.next("issue");
        let iid = state.shelf(target).next("issue");
        let path = state.project_path(&there);
        let mut new = old.clone();
        new["id"] = id.into();
        new["iid"] = iid.into();
        new["project_id"] = target.into();
        new["web_url"] = format!("{}/{path}/-/issues/{iid}", call.app.url).into();
        new["references"] =
            json!({ "short": format!("#{iid}"), "relative": format!("#{iid}"), "full": format!("{path}#{iid}") });
        state.shelf(target).issues.push(new.clone());
        let kept = state
            .shelf(project.id)
            .issues
            .iter_mut()
            .find(|kept| kept["id"] == old["id"])?;
        kept["moved_to_id"] = id.into();
        kept["state"] = "closed".into();
        kept["closed_at"] = now().into();
        kept["updated_at"] = now().into();
        Some((new, kept.clone()))
    });
    let Some((new, kept)) = moved else {
        return Err(Refusal::not_found("404 Project Not Found"));
    };
    webhook::issue(&call.app, &project, &kept, user, "close", json!({}));
    Answer::created(new)
}

pub fn delete(call: &Call) -> Outcome {
    let project = guarded(call, OWNER)?;
    let issue = find(call, &project)?;
    call.with(|state| {
        state
            .shelf(project.id)
            .issues
            .retain(|kept| kept["id"] != issue["id"]);
    });
    Answer::no_content()
}

pub fn related_merge_requests(call: &Call) -> Outcome {
    let project = guarded(call, GUEST)?;
    find(call, &project)?;
    page::answer(call, Vec::new())
}
