//! The bodies of webhook events.

use serde_json::{Value, json};

use super::App;
use super::ci::runner;
use super::git::{Commit, NOTHING};
use super::merge_requests::merge_status;
use super::pipelines;
use super::push::Moved;
use super::state::{Job, MergeRequest, Project, State, seconds_between};

/// `2016-08-12 15:23:28 UTC`, as most events write instants.
fn words(instant: Option<&str>) -> Value {
    match instant.and_then(|text| text.parse::<jiff::Timestamp>().ok()) {
        Some(at) => at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string().into(),
        None => Value::Null,
    }
}

fn user(state: &State, id: u64) -> Value {
    let Some(user) = state.users.get(&id) else {
        return Value::Null;
    };
    json!({ "id": user.id, "name": user.name, "username": user.username, "avatar_url": null, "email": user.email })
}

fn visibility(project: &Project) -> u64 {
    match project.visibility.as_str() {
        "private" => 0,
        "internal" => 10,
        _ => 20,
    }
}

fn ssh(app: &App, path: &str) -> String {
    let host = app.registry_host();
    format!("git@{}:{path}.git", host.split(':').next().unwrap_or_default())
}

fn project(app: &App, state: &State, project: &Project) -> Value {
    let path = state.project_path(project);
    let web = format!("{}/{path}", app.url);
    let (http, ssh) = (format!("{web}.git"), ssh(app, &path));
    json!({
        "id": project.id,
        "name": project.name,
        "description": project.description,
        "web_url": web,
        "avatar_url": null,
        "git_ssh_url": ssh,
        "git_http_url": http,
        "namespace": state.namespace_name(project.namespace_id),
        "visibility_level": visibility(project),
        "path_with_namespace": path,
        "default_branch": project.default_branch,
        "ci_config_path": "",
        "homepage": web,
        "url": ssh,
        "ssh_url": ssh,
        "http_url": http,
    })
}

fn repository(app: &App, state: &State, project: &Project) -> Value {
    let path = state.project_path(project);
    let web = format!("{}/{path}", app.url);
    json!({
        "name": project.name,
        "url": ssh(app, &path),
        "description": project.description,
        "homepage": web,
        "git_http_url": format!("{web}.git"),
        "git_ssh_url": ssh(app, &path),
        "visibility_level": visibility(project),
    })
}

fn commit(commit: &Commit, project_url: &str) -> Value {
    json!({
        "id": commit.id,
        "message": commit.message,
        "title": commit.title(),
        "timestamp": commit.committed_date.replace(".000", ""),
        "url": format!("{project_url}/-/commit/{}", commit.id),
        "author": { "name": commit.author_name, "email": commit.author_email },
    })
}

/// The commits that a push brought (at most 20, oldest first) with their paths, and how many there are.
pub fn pushed_commits(app: &App, project: &Project, moved: &Moved) -> (Vec<Value>, usize) {
    if moved.after == NOTHING {
        return (Vec::new(), 0);
    }
    let repository = app.repository(project.id);
    let url = app.project_url(project);
    let range = if moved.before == NOTHING {
        let default = repository.branch(&project.default_branch);
        match default.filter(|sha| *sha != moved.after) {
            Some(default) => format!("{default}..{}", moved.after),
            None => moved.after.clone(),
        }
    } else {
        format!("{}..{}", moved.before, moved.after)
    };
    let commits = repository.log(&[&range]).unwrap_or_default();
    let total = commits.len();
    let shown = commits
        .iter()
        .take(20)
        .rev()
        .map(|one| {
            let mut value = commit(one, &url);
            let diffs = repository
                .diff(one.parents.first().map(String::as_str), &one.id)
                .unwrap_or_default();
            let paths = |fits: &dyn Fn(&Value) -> bool| -> Vec<Value> {
                diffs
                    .iter()
                    .filter(|diff| fits(diff))
                    .map(|diff| diff["new_path"].clone())
                    .collect()
            };
            value["added"] = paths(&|diff| diff["new_file"] == true).into();
            value["removed"] = paths(&|diff| diff["deleted_file"] == true).into();
            value["modified"] =
                paths(&|diff| diff["new_file"] == false && diff["deleted_file"] == false).into();
            value
        })
        .collect();
    (shown, total)
}

pub fn push(
    app: &App,
    state: &State,
    pushed: &Project,
    user: u64,
    moved: &Moved,
    (commits, total): &(Vec<Value>, usize),
) -> Value {
    let kind = if moved.reference.starts_with("refs/tags/") {
        "tag_push"
    } else {
        "push"
    };
    let person = state.users.get(&user);
    json!({
        "object_kind": kind,
        "event_name": kind,
        "before": moved.before,
        "after": moved.after,
        "ref": moved.reference,
        "ref_protected": super::ci::variables::is_protected(pushed, moved.reference.trim_start_matches("refs/heads/")),
        "checkout_sha": if moved.after == NOTHING { Value::Null } else { moved.after.clone().into() },
        "message": null,
        "user_id": user,
        "user_name": person.map(|user| user.name.clone()),
        "user_username": person.map(|user| user.username.clone()),
        "user_email": person.map(|user| user.email.clone()),
        "user_avatar": null,
        "project_id": pushed.id,
        "project": project(app, state, pushed),
        "commits": commits,
        "total_commits_count": total,
        "push_options": {},
        "repository": repository(app, state, pushed),
    })
}

fn runner_json(job: &Job) -> Value {
    if job.started_at.is_none() {
        return Value::Null;
    }
    json!({
        "id": 1, "description": "sandbox-runner", "runner_type": "instance_type", "active": true,
        "is_shared": true, "tags": runner::TAGS,
    })
}

fn environment(job: &Job) -> Value {
    match &job.environment {
        Some(name) => json!({
            "name": name,
            "action": job.spec["environment"]["action"].as_str().unwrap_or("start"),
            "deployment_tier": job.spec["environment"]["deployment_tier"],
        }),
        None => Value::Null,
    }
}

fn pipeline_commit(pipeline: &super::state::Pipeline) -> Value {
    json!({
        "id": pipeline.commit["id"],
        "message": pipeline.commit["message"],
        "title": pipeline.commit["title"],
        "timestamp": pipeline.commit["committed_date"],
        "url": pipeline.commit["web_url"],
        "author": { "name": pipeline.commit["author_name"], "email": pipeline.commit["author_email"] },
    })
}

pub fn pipeline(app: &App, state: &State, id: u64) -> Option<Value> {
    let pipeline = state.pipelines.get(&id)?;
    let owner = state.projects.get(&pipeline.project_id)?;
    let jobs = state.latest_jobs(id);
    let builds: Vec<Value> = jobs
        .iter()
        .map(|job| {
            let archive = job.artifacts.iter().find(|artifact| artifact["file_type"] == "archive");
            json!({
                "id": job.id,
                "stage": job.stage,
                "name": job.name,
                "status": job.status,
                "created_at": words(Some(&job.created_at)),
                "started_at": words(job.started_at.as_deref()),
                "finished_at": words(job.finished_at.as_deref()),
                "duration": runner::elapsed(job),
                "queued_duration": job.queued_at.as_ref().and_then(|at| seconds_between(Some(at), job.started_at.as_deref())),
                "failure_reason": job.failure_reason,
                "when": job.when,
                "manual": job.when == "manual",
                "allow_failure": job.allow_failure,
                "user": user(state, job.user_id),
                "runner": runner_json(job),
                "artifacts_file": {
                    "filename": archive.map(|archive| archive["filename"].clone()),
                    "size": archive.map(|archive| archive["size"].clone()),
                },
                "environment": environment(job),
            })
        })
        .collect();
    let request = pipeline
        .merge_request_id
        .and_then(|id| state.merge_requests.get(&id));
    let web = format!("{}/{}", app.url, state.project_path(owner));
    let detailed = match pipeline.status.as_str() {
        "success" if jobs.iter().any(|job| job.status == "failed") => "passed with warnings",
        "success" => "passed",
        other => other,
    };
    Some(json!({
        "object_kind": "pipeline",
        "object_attributes": {
            "id": pipeline.id,
            "iid": pipeline.iid,
            "name": pipeline.name,
            "ref": pipeline.reference,
            "tag": pipeline.tag,
            "sha": pipeline.sha,
            "before_sha": pipeline.before_sha,
            "source": pipeline.source,
            "status": pipeline.status,
            "detailed_status": detailed,
            "stages": pipeline.stages,
            "created_at": words(Some(&pipeline.created_at)),
            "finished_at": words(pipeline.finished_at.as_deref()),
            "duration": pipelines::duration(pipeline),
            "queued_duration": null,
            "protected_ref": super::ci::variables::is_protected(owner, &pipeline.reference),
            "variables": pipeline.variables.iter().map(|v| json!({ "key": v["key"], "value": v["value"] })).collect::<Vec<_>>(),
            "url": format!("{web}/-/pipelines/{}", pipeline.id),
        },
        "merge_request": request.map(|request| json!({
            "id": request.id, "iid": request.iid, "title": request.title,
            "source_branch": request.source_branch, "source_project_id": request.project_id,
            "target_branch": request.target_branch, "target_project_id": request.project_id,
            "state": request.state, "merge_status": "can_be_merged", "detailed_merge_status": "mergeable",
            "url": format!("{web}/-/merge_requests/{}", request.iid),
        })),
        "user": user(state, pipeline.user_id),
        "project": project(app, state, owner),
        "commit": pipeline_commit(pipeline),
        "builds": builds,
    }))
}

pub fn job(app: &App, state: &State, id: u64) -> Option<Value> {
    let job = state.jobs.get(&id)?;
    let pipeline = state.pipelines.get(&job.pipeline_id)?;
    let owner = state.projects.get(&job.project_id)?;
    Some(json!({
        "object_kind": "build",
        "ref": pipeline.reference,
        "tag": pipeline.tag,
        "before_sha": pipeline.before_sha,
        "sha": pipeline.sha,
        "retries_count": job.retries,
        "build_id": job.id,
        "build_name": job.name,
        "build_stage": job.stage,
        "build_status": job.status,
        "build_created_at": words(Some(&job.created_at)),
        "build_started_at": words(job.started_at.as_deref()),
        "build_finished_at": words(job.finished_at.as_deref()),
        "build_created_at_iso": job.created_at,
        "build_started_at_iso": job.started_at,
        "build_finished_at_iso": job.finished_at,
        "build_duration": runner::elapsed(job),
        "build_queued_duration": job.queued_at.as_ref().and_then(|at| seconds_between(Some(at), job.started_at.as_deref())),
        "build_allow_failure": job.allow_failure,
        "build_failure_reason": job.failure_reason.as_deref().unwrap_or("unknown_failure"),
        "pipeline_id": pipeline.id,
        "runner": runner_json(job),
        "project_id": owner.id,
        "project_name": format!("{} / {}", state.namespace_name(owner.namespace_id), owner.name),
        "user": user(state, job.user_id),
        "commit": {
            "id": pipeline.id,
            "name": pipeline.name,
            "sha": pipeline.sha,
            "message": pipeline.commit["message"],
            "author_name": pipeline.commit["author_name"],
            "author_email": pipeline.commit["author_email"],
            "author_url": format!("mailto:{}", pipeline.commit["author_email"].as_str().unwrap_or_default()),
            "status": pipeline.status,
            "duration": pipelines::duration(pipeline),
            "started_at": words(pipeline.started_at.as_deref()),
            "finished_at": words(pipeline.finished_at.as_deref()),
        },
        "repository": repository(app, state, owner),
        "project": project(app, state, owner),
        "environment": environment(job),
    }))
}

pub fn deployment(app: &App, state: &State, project_id: u64, value: &Value) -> Option<Value> {
    let owner = state.projects.get(&project_id)?;
    let web = format!("{}/{}", app.url, state.project_path(owner));
    let person = value["user"]["id"].as_u64().unwrap_or_default();
    let sha = value["sha"].as_str().unwrap_or_default();
    let job = value["deployable_id"].as_u64();
    let title = job
        .and_then(|id| state.jobs.get(&id))
        .and_then(|job| state.pipelines.get(&job.pipeline_id))
        .map(|pipeline| pipeline.commit["title"].clone());
    Some(json!({
        "object_kind": "deployment",
        "status": value["status"],
        "status_changed_at": words(value["updated_at"].as_str()),
        "deployment_id": value["id"],
        "deployable_id": job,
        "deployable_url": job.map(|id| format!("{web}/-/jobs/{id}")),
        "environment": value["environment"]["name"],
        "environment_tier": null,
        "environment_slug": value["environment"]["slug"],
        "environment_external_url": value["environment"]["external_url"],
        "project": project(app, state, owner),
        "short_sha": sha.get(..8),
        "user": user(state, person),
        "user_url": value["user"]["web_url"],
        "commit_url": format!("{web}/-/commit/{sha}"),
        "commit_title": title,
        "ref": value["ref"],
    }))
}

/// What a merge request's event needs from git, read before the state is locked.
pub struct MergeFacts {
    last_commit: Option<Value>,
    merge_status: &'static str,
    detailed: &'static str,
}

impl MergeFacts {
    pub fn read(app: &App, request: &MergeRequest) -> Self {
        let owner = app.with(|state| state.projects.get(&request.project_id).cloned());
        let url = owner.map(|owner| app.project_url(&owner)).unwrap_or_default();
        let head = request
            .sha
            .as_deref()
            .and_then(|sha| app.repository(request.project_id).commit(sha));
        let (merge_status, detailed) = merge_status(app, request);
        Self {
            last_commit: head.map(|head| commit(&head, &url)),
            merge_status,
            detailed,
        }
    }
}

fn labels(state: &State, owner: &Project, names: &[String]) -> Value {
    let known = state
        .shelves
        .get(&owner.id)
        .map(|shelf| shelf.labels.as_slice())
        .unwrap_or_default();
    names
        .iter()
        .map(|name| {
            let label = known.iter().find(|label| label["name"] == name.as_str());
            json!({
                "id": label.map(|label| label["id"].clone()),
                "title": name,
                "color": label.map_or(Value::from("#6699cc"), |label| label["color"].clone()),
                "project_id": owner.id,
                "created_at": words(Some(&owner.created_at)),
                "updated_at": words(Some(&owner.created_at)),
                "template": false,
                "description": label.map(|label| label["description"].clone()),
                "type": "ProjectLabel",
                "group_id": null,
            })
        })
        .collect()
}

fn merge_attributes(
    app: &App,
    state: &State,
    owner: &Project,
    request: &MergeRequest,
    facts: &MergeFacts,
) -> Value {
    let url = format!(
        "{}/{}/-/merge_requests/{}",
        app.url,
        state.project_path(owner),
        request.iid
    );
    json!({
        "id": request.id,
        "iid": request.iid,
        "target_branch": request.target_branch,
        "source_branch": request.source_branch,
        "source_project_id": request.project_id,
        "target_project_id": request.project_id,
        "author_id": request.author_id,
        "assignee_ids": request.assignee_ids,
        "assignee_id": request.assignee_ids.first(),
        "reviewer_ids": request.reviewer_ids,
        "title": request.title,
        "description": request.description,
        "created_at": words(Some(&request.created_at)),
        "updated_at": words(Some(&request.updated_at)),
        "last_edited_at": null,
        "last_edited_by_id": null,
        "milestone_id": null,
        "state": request.state,
        "state_id": match request.state.as_str() { "closed" => 2, "merged" => 3, _ => 1 },
        "blocking_discussions_resolved": true,
        "work_in_progress": false,
        "draft": request.title.to_lowercase().starts_with("draft:"),
        "first_contribution": false,
        "merge_status": facts.merge_status,
        "detailed_merge_status": facts.detailed,
        "merge_commit_sha": request.merge_commit_sha,
        "merge_error": null,
        "merge_params": { "force_remove_source_branch": if request.remove_source_branch { "1" } else { "0" } },
        "merge_user_id": request.merged_by,
        "merge_when_pipeline_succeeds": request.merge_when_pipeline_succeeds,
        "head_pipeline_id": request.head_pipeline_id,
        "url": url,
        "source": project(app, state, owner),
        "target": project(app, state, owner),
        "last_commit": facts.last_commit,
        "labels": labels(state, owner, &request.labels),
        "total_time_spent": 0,
        "time_change": 0,
        "time_estimate": 0,
        "human_total_time_spent": null,
        "human_time_change": null,
        "human_time_estimate": null,
        "updated_by_id": null,
    })
}

pub fn merge_request(
    app: &App,
    state: &State,
    request: &MergeRequest,
    by: u64,
    action: &str,
    changes: &Value,
    facts: &MergeFacts,
) -> Option<Value> {
    let owner = state.projects.get(&request.project_id)?;
    let mut attributes = merge_attributes(app, state, owner, request, facts);
    attributes["action"] = action.into();
    let mut changes = changes.clone();
    if let Some(old) = changes
        .as_object_mut()
        .and_then(|changes| changes.remove("oldrev"))
    {
        attributes["oldrev"] = old;
    }
    let people = |ids: &[u64]| ids.iter().map(|id| user(state, *id)).collect::<Vec<_>>();
    Some(json!({
        "object_kind": "merge_request",
        "event_type": "merge_request",
        "user": user(state, by),
        "project": project(app, state, owner),
        "object_attributes": attributes,
        "labels": labels(state, owner, &request.labels),
        "changes": changes,
        "repository": repository(app, state, owner),
        "assignees": people(&request.assignee_ids),
        "reviewers": people(&request.reviewer_ids),
    }))
}

fn issue_attributes(state: &State, owner: &Project, issue: &Value) -> Value {
    let names: Vec<String> = issue["labels"]
        .as_array()
        .map(|labels| {
            labels
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect()
        })
        .unwrap_or_default();
    let assignees: Vec<Value> = issue["assignees"]
        .as_array()
        .map(|list| list.iter().map(|user| user["id"].clone()).collect())
        .unwrap_or_default();
    json!({
        "id": issue["id"],
        "iid": issue["iid"],
        "title": issue["title"],
        "description": issue["description"],
        "assignee_ids": assignees,
        "assignee_id": assignees.first(),
        "author_id": issue["author"]["id"],
        "project_id": owner.id,
        "created_at": words(issue["created_at"].as_str()),
        "updated_at": words(issue["updated_at"].as_str()),
        "closed_at": words(issue["closed_at"].as_str()),
        "updated_by_id": null,
        "last_edited_at": null,
        "last_edited_by_id": null,
        "relative_position": 0,
        "milestone_id": issue["milestone"]["id"],
        "state_id": if issue["state"] == "opened" { 1 } else { 2 },
        "state": issue["state"],
        "confidential": issue["confidential"],
        "discussion_locked": null,
        "due_date": issue["due_date"],
        "moved_to_id": null,
        "duplicated_to_id": null,
        "time_estimate": 0,
        "total_time_spent": 0,
        "time_change": 0,
        "human_total_time_spent": null,
        "human_time_estimate": null,
        "human_time_change": null,
        "weight": issue["weight"],
        "url": issue["web_url"],
        "type": "Issue",
        "severity": "unknown",
        "labels": labels(state, owner, &names),
    })
}

pub fn issue(
    app: &App,
    state: &State,
    owner: &Project,
    issue: &Value,
    by: u64,
    action: &str,
    changes: &Value,
) -> Value {
    let mut attributes = issue_attributes(state, owner, issue);
    attributes["action"] = action.into();
    let assignees: Vec<Value> = issue["assignees"]
        .as_array()
        .map(|list| {
            list.iter()
                .filter_map(|one| one["id"].as_u64())
                .map(|id| user(state, id))
                .collect()
        })
        .unwrap_or_default();
    json!({
        "object_kind": "issue",
        "event_type": "issue",
        "user": user(state, by),
        "project": project(app, state, owner),
        "object_attributes": attributes,
        "labels": attributes["labels"],
        "changes": changes,
        "repository": repository(app, state, owner),
        "assignees": assignees,
        "assignee": assignees.first(),
    })
}

pub fn note(
    app: &App,
    state: &State,
    owner: &Project,
    note: &Value,
    by: u64,
    request: Option<(&MergeRequest, &MergeFacts)>,
) -> Value {
    let kind = if request.is_some() {
        "merge_requests"
    } else {
        "issues"
    };
    let url = format!(
        "{}/{}/-/{kind}/{}#note_{}",
        app.url,
        state.project_path(owner),
        note["noteable_iid"],
        note["id"]
    );
    let mut value = json!({
        "object_kind": "note",
        "event_type": "note",
        "user": user(state, by),
        "project_id": owner.id,
        "project": project(app, state, owner),
        "repository": repository(app, state, owner),
        "object_attributes": {
            "id": note["id"],
            "internal": false,
            "note": note["body"],
            "description": note["body"],
            "noteable_type": note["noteable_type"],
            "author_id": by,
            "created_at": words(note["created_at"].as_str()),
            "updated_at": words(note["updated_at"].as_str()),
            "project_id": owner.id,
            "attachment": null,
            "line_code": null,
            "commit_id": "",
            "noteable_id": note["noteable_id"],
            "system": false,
            "st_diff": null,
            "action": "create",
            "url": url,
        },
    });
    if let Some((request, facts)) = request {
        value["merge_request"] = merge_attributes(app, state, owner, request, facts);
        value["merge_request"]["assignee"] = request
            .assignee_ids
            .first()
            .map_or(Value::Null, |id| user(state, *id));
    } else {
        let issues = state
            .shelves
            .get(&owner.id)
            .map(|shelf| shelf.issues.as_slice())
            .unwrap_or_default();
        let found = issues.iter().find(|issue| issue["id"] == note["noteable_id"]);
        value["issue"] = found.map_or(Value::Null, |issue| issue_attributes(state, owner, issue));
    }
    value
}
