//! Merge requests.

mod detail;

use detail::ids;
pub use detail::{
    approvals, approve, changes, commits, create_pipeline, diffs, participants, pipelines, source_moved,
    start_pipelines, unapprove,
};

use serde_json::{Value, json};

use super::call::{Answer, Call, DEVELOPER, GUEST, Outcome, REPORTER, Refusal};
use super::ci::process::is_complete;
use super::git::{NOTHING, Repository, Signature};
use super::push::{self, Moved};
use super::state::{MergeRequest, Project, State, User, not_before, now};
use super::{App, page, pipelines, webhook};

fn is_draft(request: &MergeRequest) -> bool {
    let title = request.title.to_lowercase();
    ["draft:", "[draft]", "(draft)", "wip:"]
        .iter()
        .any(|mark| title.starts_with(mark))
}

/// Whether it merges, in GitLab's words: `merge_status`, `detailed_merge_status`.
pub fn merge_status(app: &App, request: &MergeRequest) -> (&'static str, &'static str) {
    let repository = app.repository(request.project_id);
    if request.state != "opened" {
        return ("can_be_merged", "not_open");
    }
    let heads = repository
        .branch(&request.source_branch)
        .zip(repository.branch(&request.target_branch));
    let Some((source, target)) = heads else {
        return ("cannot_be_merged", "broken_status");
    };
    let ahead = repository
        .text(&["rev-list", "--count", &format!("{target}..{source}")])
        .unwrap_or_default();
    if ahead.trim() == "0" {
        return ("can_be_merged", "commits_status");
    }
    if repository.merged_tree(&target, &source).is_none() {
        return ("cannot_be_merged", "conflict");
    }
    if is_draft(request) {
        return ("can_be_merged", "draft_status");
    }
    let state = app.state.lock();
    let settings = state
        .projects
        .get(&request.project_id)
        .map(|project| project.settings.clone())
        .unwrap_or_default();
    if settings.get("only_allow_merge_if_pipeline_succeeds") == Some(&json!(true)) {
        let pipeline = request.head_pipeline_id.and_then(|id| state.pipelines.get(&id));
        match pipeline.map(|pipeline| pipeline.status.as_str()) {
            Some("success") => {}
            Some(status) if !is_complete(status) => return ("can_be_merged", "ci_still_running"),
            _ => return ("can_be_merged", "ci_must_pass"),
        }
    }
    ("can_be_merged", "mergeable")
}

/// GitLab's merge request entity; `full` adds what only the single answer carries.
pub fn json(app: &App, request: &MergeRequest, full: bool) -> Value {
    let (merge_status, detailed) = merge_status(app, request);
    let repository = app.repository(request.project_id);
    let target = repository.branch(&request.target_branch);
    let state = app.state.lock();
    let Some(project) = state.projects.get(&request.project_id) else {
        return Value::Null;
    };
    let path = state.project_path(project);
    let web = format!("{}/{path}/-/merge_requests/{}", app.url, request.iid);
    let user = |id: &u64| state.user_json(*id, &app.url);
    let assignees: Vec<Value> = request.assignee_ids.iter().map(user).collect();
    let notes = state.shelves.get(&request.project_id).map_or(0, |shelf| {
        shelf
            .notes
            .iter()
            .filter(|note| note["noteable_type"] == "MergeRequest" && note["noteable_id"] == request.id)
            .count()
    });
    let mut value = json!({
        "id": request.id,
        "iid": request.iid,
        "project_id": request.project_id,
        "title": request.title,
        "description": request.description,
        "state": request.state,
        "created_at": request.created_at,
        "updated_at": request.updated_at,
        "merged_by": request.merged_by.as_ref().map(user),
        "merge_user": request.merged_by.as_ref().map(user),
        "merged_at": request.merged_at,
        "closed_by": request.closed_by.as_ref().map(user),
        "closed_at": request.closed_at,
        "target_branch": request.target_branch,
        "source_branch": request.source_branch,
        "user_notes_count": notes,
        "upvotes": 0,
        "downvotes": 0,
        "author": user(&request.author_id),
        "assignees": assignees,
        "assignee": assignees.first(),
        "reviewers": request.reviewer_ids.iter().map(user).collect::<Vec<_>>(),
        "source_project_id": request.project_id,
        "target_project_id": request.project_id,
        "labels": request.labels,
        "draft": is_draft(request),
        "imported": false,
        "imported_from": "none",
        "work_in_progress": is_draft(request),
        "milestone": null,
        "merge_when_pipeline_succeeds": request.merge_when_pipeline_succeeds,
        "merge_status": merge_status,
        "detailed_merge_status": detailed,
        "merge_after": null,
        "sha": request.sha,
        "merge_commit_sha": request.merge_commit_sha,
        "squash_commit_sha": request.squash_commit_sha,
        "discussion_locked": null,
        "should_remove_source_branch": null,
        "force_remove_source_branch": request.remove_source_branch,
        "prepared_at": request.created_at,
        "reference": format!("!{}", request.iid),
        "references": {
            "short": format!("!{}", request.iid),
            "relative": format!("!{}", request.iid),
            "full": format!("{path}!{}", request.iid),
        },
        "web_url": web,
        "time_stats": { "time_estimate": 0, "total_time_spent": 0, "human_time_estimate": null, "human_total_time_spent": null },
        "squash": request.squash,
        "squash_on_merge": request.squash,
        "task_completion_status": { "count": 0, "completed_count": 0 },
        "has_conflicts": detailed == "conflict",
        "blocking_discussions_resolved": true,
        "approvals_before_merge": null,
    });
    if full {
        let pipeline = request.head_pipeline_id.and_then(|id| state.pipelines.get(&id));
        let basic = pipeline.map(|pipeline| pipelines::basic(app, &state, pipeline));
        let head = pipeline.map(|pipeline| pipelines::detail(app, &state, pipeline));
        let base = request.base_sha.clone();
        drop(state);
        let changed = base
            .as_deref()
            .zip(request.sha.as_deref())
            .map(|(base, head)| repository.changed_paths(Some(base), head).len());
        value["subscribed"] = true.into();
        value["changes_count"] = changed.map(|count| count.to_string()).into();
        value["latest_build_started_at"] = pipeline_field(head.as_ref(), "started_at");
        value["latest_build_finished_at"] = pipeline_field(head.as_ref(), "finished_at");
        value["first_deployed_to_production_at"] = Value::Null;
        value["pipeline"] = basic.unwrap_or(Value::Null);
        value["head_pipeline"] = head.unwrap_or(Value::Null);
        value["diff_refs"] =
            json!({ "base_sha": base, "head_sha": request.sha, "start_sha": target.or(base) });
        value["merge_error"] = Value::Null;
        value["first_contribution"] = false.into();
        value["user"] = json!({ "can_merge": true });
    }
    value
}

fn pipeline_field(pipeline: Option<&Value>, key: &str) -> Value {
    pipeline.map_or(Value::Null, |pipeline| pipeline[key].clone())
}

struct Filter {
    states: Option<String>,
    source: Option<String>,
    target: Option<String>,
    author: Option<u64>,
    labels: Vec<String>,
    search: Option<String>,
    iids: Vec<u64>,
    updated_after: Option<String>,
}

fn listed(call: &Call, visible: impl Fn(&State, &MergeRequest) -> bool) -> Outcome {
    let filter = Filter {
        states: call.opt_str("state").filter(|state| state != "all"),
        source: call.opt_str("source_branch"),
        target: call.opt_str("target_branch"),
        author: call.opt_u64("author_id"),
        labels: call.list("labels").unwrap_or_default(),
        search: call.opt_str("search").map(|text| text.to_lowercase()),
        iids: call
            .list("iids")
            .unwrap_or_default()
            .iter()
            .filter_map(|iid| iid.parse().ok())
            .collect(),
        updated_after: call.opt_str("updated_after"),
    };
    let mut requests: Vec<MergeRequest> = call.with(|state| {
        state
            .merge_requests
            .values()
            .filter(|request| visible(state, request))
            .filter(|request| {
                filter
                    .states
                    .as_ref()
                    .is_none_or(|wanted| *wanted == request.state)
                    && filter
                        .source
                        .as_ref()
                        .is_none_or(|wanted| *wanted == request.source_branch)
                    && filter
                        .target
                        .as_ref()
                        .is_none_or(|wanted| *wanted == request.target_branch)
                    && filter.author.is_none_or(|wanted| wanted == request.author_id)
                    && filter.labels.iter().all(|label| request.labels.contains(label))
                    && (filter.iids.is_empty() || filter.iids.contains(&request.iid))
                    && filter
                        .updated_after
                        .as_ref()
                        .is_none_or(|after| not_before(&request.updated_at, after))
                    && filter
                        .search
                        .as_ref()
                        .is_none_or(|text| request.title.to_lowercase().contains(text))
            })
            .cloned()
            .collect()
    });
    let by_update = call.opt_str("order_by").as_deref() == Some("updated_at");
    requests.sort_by(|a, b| {
        if by_update {
            a.updated_at.cmp(&b.updated_at)
        } else {
            a.id.cmp(&b.id)
        }
    });
    if call.opt_str("sort").as_deref() != Some("asc") {
        requests.reverse();
    }
    page::answer(
        call,
        requests
            .iter()
            .map(|request| json(&call.app, request, false))
            .collect(),
    )
}

pub fn list(call: &Call) -> Outcome {
    let project = call.project(REPORTER)?;
    listed(call, |_, request| request.project_id == project.id)
}

pub fn everywhere(call: &Call) -> Outcome {
    let user = call.user()?.clone();
    let mine = call.opt_str("scope").is_none_or(|scope| scope == "created_by_me");
    listed(call, |state, request| {
        let visible = state
            .projects
            .get(&request.project_id)
            .is_some_and(|p| state.project_access(Some(&user), p) >= GUEST);
        visible && (!mine || request.author_id == user.id)
    })
}

/// The request of the path parameter `iid`.
pub fn find(call: &Call, least: u64) -> Result<(Project, Repository, MergeRequest), Refusal> {
    let (project, repository) = call.repository(least)?;
    let found = call
        .param("iid")
        .parse()
        .ok()
        .and_then(|iid| call.with(|state| state.merge_request(project.id, iid).cloned()));
    Ok((
        project,
        repository,
        found.ok_or_else(|| Refusal::not_found("404 Not found"))?,
    ))
}

pub fn get(call: &Call) -> Outcome {
    let (_, _, request) = find(call, REPORTER)?;
    Answer::ok(json(&call.app, &request, true))
}

pub fn create(call: &Call) -> Outcome {
    let (project, repository) = call.repository(DEVELOPER)?;
    let (source_branch, target_branch) = (call.str("source_branch")?, call.str("target_branch")?);
    let title = call.str("title")?;
    let user = call.user()?.clone();
    if source_branch == target_branch {
        return Err(Refusal::new(
            400,
            json!({ "message": ["You can't use same project/branch for source and target"] }),
        ));
    }
    let exists = call.with(|state| {
        let same = |other: &&MergeRequest| {
            other.project_id == project.id
                && other.state == "opened"
                && other.source_branch == source_branch
                && other.target_branch == target_branch
        };
        state.merge_requests.values().find(same).map(|other| other.iid)
    });
    if let Some(iid) = exists {
        return Err(Refusal::new(
            409,
            json!({ "message": [format!("Another open merge request already exists for this source branch: !{iid}")] }),
        ));
    }
    let missing: Vec<String> = [("Source", &source_branch), ("Target", &target_branch)]
        .iter()
        .filter(|(_, name)| repository.branch(name).is_none())
        .map(|(kind, name)| format!("{kind} branch \"{name}\" does not exist"))
        .collect();
    if !missing.is_empty() {
        return Err(Refusal::new(400, json!({ "message": missing })));
    }
    let sha = repository.branch(&source_branch);
    let target = repository.branch(&target_branch);
    let base_sha = sha
        .as_deref()
        .zip(target.as_deref())
        .and_then(|(a, b)| repository.merge_base(a, b));
    let removes = project
        .settings
        .get("remove_source_branch_after_merge")
        .and_then(Value::as_bool)
        .unwrap_or(true);
    let request = call.with(|state| {
        let head_pipeline_id = state
            .pipelines
            .values()
            .rev()
            .find(|pipeline| {
                pipeline.project_id == project.id
                    && Some(&pipeline.sha) == sha.as_ref()
                    && pipeline.reference == source_branch
            })
            .map(|pipeline| pipeline.id);
        let created_at = now();
        let request = MergeRequest {
            id: state.next("merge request"),
            iid: state.shelf(project.id).next("merge request"),
            project_id: project.id,
            title,
            description: call.opt_str("description"),
            state: "opened".into(),
            source_branch,
            target_branch,
            author_id: user.id,
            assignee_ids: ids(call, "assignee_ids", "assignee_id").unwrap_or_default(),
            reviewer_ids: ids(call, "reviewer_ids", "reviewer_id").unwrap_or_default(),
            labels: call.list("labels").unwrap_or_default(),
            updated_at: created_at.clone(),
            created_at,
            merged_at: None,
            merged_by: None,
            closed_at: None,
            closed_by: None,
            sha,
            base_sha,
            merge_commit_sha: None,
            squash_commit_sha: None,
            squash: call.flag("squash"),
            remove_source_branch: call.opt_bool("remove_source_branch").unwrap_or(removes),
            merge_when_pipeline_succeeds: false,
            head_pipeline_id,
            approved_by: Vec::new(),
        };
        state.merge_requests.insert(request.id, request.clone());
        request
    });
    webhook::merge_request(&call.app, &request, user.id, "open", json!({}));
    start_pipelines(&call.app, &project, &request.source_branch, user.id);
    let request = call.with(|state| state.merge_requests[&request.id].clone());
    Answer::created(json(&call.app, &request, true))
}

pub fn update(call: &Call) -> Outcome {
    let (project, repository, mut request) = find(call, DEVELOPER)?;
    let user = call.user()?.id;
    let old = request.clone();
    let mut action = "update";
    match call.opt_str("state_event").as_deref() {
        Some("close") if request.state == "opened" => {
            action = "close";
            request.state = "closed".into();
            request.closed_at = Some(now());
            request.closed_by = Some(user);
        }
        Some("reopen") if request.state == "closed" => {
            action = "reopen";
            request.state = "opened".into();
            (request.closed_at, request.closed_by) = (None, None);
        }
        _ => {}
    }
    request.title = call.opt_str("title").unwrap_or(request.title);
    request.description = call.opt_str("description").or(request.description);
    if let Some(target) = call.opt_str("target_branch") {
        let head = repository.branch(&target).ok_or_else(|| {
            Refusal::new(
                400,
                json!({ "message": [format!("Target branch \"{target}\" does not exist")] }),
            )
        })?;
        request.base_sha = request
            .sha
            .as_deref()
            .and_then(|sha| repository.merge_base(sha, &head));
        request.target_branch = target;
    }
    request.assignee_ids = ids(call, "assignee_ids", "assignee_id").unwrap_or(request.assignee_ids);
    request.reviewer_ids = ids(call, "reviewer_ids", "reviewer_id").unwrap_or(request.reviewer_ids);
    request.labels = call.list("labels").unwrap_or(request.labels);
    request.labels.extend(call.list("add_labels").unwrap_or_default());
    let removed = call.list("remove_labels").unwrap_or_default();
    request.labels.retain(|label| !removed.contains(label));
    request.squash = call.opt_bool("squash").unwrap_or(request.squash);
    request.remove_source_branch = call
        .opt_bool("remove_source_branch")
        .unwrap_or(request.remove_source_branch);
    request.updated_at = now();
    call.with(|state| state.merge_requests.insert(request.id, request.clone()));
    let mut changes = json!({ "updated_at": { "previous": old.updated_at, "current": request.updated_at } });
    if old.title != request.title {
        changes["title"] = json!({ "previous": old.title, "current": request.title });
    }
    if old.description != request.description {
        changes["description"] = json!({ "previous": old.description, "current": request.description });
    }
    webhook::merge_request(&call.app, &request, user, action, changes);
    if action == "reopen" {
        start_pipelines(&call.app, &project, &request.source_branch, user);
    }
    Answer::ok(json(&call.app, &request, true))
}

pub fn delete(call: &Call) -> Outcome {
    let (_, _, request) = find(call, super::call::OWNER)?;
    call.with(|state| state.merge_requests.remove(&request.id));
    Answer::no_content()
}

struct Merge {
    message: Option<String>,
    squash_message: Option<String>,
    squash: bool,
    remove_source_branch: bool,
}

pub fn merge(call: &Call) -> Outcome {
    let (project, repository, mut request) = find(call, DEVELOPER)?;
    let user = call.user()?.clone();
    let level = call.with(|state| state.project_access(Some(&user), &project));
    let rule = project
        .protected_branches
        .iter()
        .find(|rule| rule["name"] == request.target_branch.as_str());
    let least = rule.map_or(DEVELOPER, |rule| {
        super::protection::least_level(rule, "merge_access_levels")
    });
    if least == 0 || level < least {
        return Err(Refusal::unauthorized());
    }
    let head = repository.branch(&request.source_branch);
    if let Some(sha) = call.opt_str("sha")
        && head.as_ref() != Some(&sha)
    {
        let head = head.unwrap_or_default();
        return Err(Refusal::message(
            409,
            format!("SHA does not match HEAD of source branch: {head}"),
        ));
    }
    let wants_auto = call.flag("merge_when_pipeline_succeeds") || call.flag("auto_merge");
    let running = call.with(|state| {
        let pipeline = request.head_pipeline_id.and_then(|id| state.pipelines.get(&id));
        pipeline.is_some_and(|pipeline| !is_complete(&pipeline.status))
    });
    match merge_status(&call.app, &request).1 {
        "mergeable" => {}
        "ci_still_running" if wants_auto => {}
        "conflict" | "broken_status" => return Err(Refusal::message(422, "Branch cannot be merged")),
        _ => return Err(Refusal::message(405, "405 Method Not Allowed")),
    }
    if wants_auto && running {
        request.merge_when_pipeline_succeeds = true;
        request.merged_by = Some(user.id);
        request.updated_at = now();
        call.with(|state| state.merge_requests.insert(request.id, request.clone()));
        request.merged_by = None;
        return Answer::ok(json(&call.app, &request, true));
    }
    let options = Merge {
        message: call.opt_str("merge_commit_message"),
        squash_message: call.opt_str("squash_commit_message"),
        squash: call.opt_bool("squash").unwrap_or(request.squash),
        remove_source_branch: call
            .opt_bool("should_remove_source_branch")
            .unwrap_or(request.remove_source_branch),
    };
    let merged = perform(&call.app, &project, request, &user, &options)?;
    Answer::ok(json(&call.app, &merged, true))
}

fn perform(
    app: &App,
    project: &Project,
    mut request: MergeRequest,
    user: &User,
    options: &Merge,
) -> Result<MergeRequest, Refusal> {
    let repository = app.repository(project.id);
    let conflict = || Refusal::message(422, "Branch cannot be merged");
    let source = repository.branch(&request.source_branch).ok_or_else(conflict)?;
    let target = repository.branch(&request.target_branch).ok_or_else(conflict)?;
    let tree = repository.merged_tree(&target, &source).ok_or_else(conflict)?;
    let author = Signature {
        name: user.name.clone(),
        email: user.email.clone(),
    };
    let path = app.with(|state| state.project_path(project));
    let message = options.message.clone().unwrap_or_else(|| {
        format!(
            "Merge branch '{}' into '{}'\n\n{}\n\nSee merge request {path}!{}\n",
            request.source_branch, request.target_branch, request.title, request.iid
        )
    });
    request.base_sha = repository.merge_base(&target, &source);
    let mut second = source.clone();
    if options.squash {
        let message = options
            .squash_message
            .clone()
            .unwrap_or_else(|| format!("{}\n", request.title));
        second = repository.commit_tree(&tree, &[&target], &message, &author)?;
        request.squash_commit_sha = Some(second.clone());
    }
    let method = project
        .settings
        .get("merge_method")
        .and_then(Value::as_str)
        .unwrap_or("merge");
    let merged = if method == "ff" {
        second.clone()
    } else {
        repository.commit_tree(&tree, &[&target, &second], &message, &author)?
    };
    let reference = format!("refs/heads/{}", request.target_branch);
    repository
        .update_ref(&reference, &merged, &target)
        .map_err(|_| Refusal::message(409, "The target branch has moved; try again"))?;
    request.merge_commit_sha = (method != "ff").then(|| merged.clone());
    request.sha = Some(source.clone());
    request.state = "merged".into();
    request.merged_at = Some(now());
    request.merged_by = Some(user.id);
    request.updated_at = now();
    request.merge_when_pipeline_succeeds = false;
    app.with(|state| state.merge_requests.insert(request.id, request.clone()));
    webhook::merge_request(
        app,
        &request,
        user.id,
        "merge",
        json!({ "state_id": { "previous": 1, "current": 3 } }),
    );
    push::follow(
        app,
        project.id,
        user.id,
        &Moved {
            reference,
            before: target,
            after: merged,
        },
        false,
    );
    if options.remove_source_branch && request.source_branch != project.default_branch {
        let reference = format!("refs/heads/{}", request.source_branch);
        repository.delete_ref(&reference)?;
        push::follow(
            app,
            project.id,
            user.id,
            &Moved {
                reference,
                before: source,
                after: NOTHING.into(),
            },
            true,
        );
    }
    app.touched();
    Ok(request)
}

/// Remembers the requests that wait for this pipeline; the runner's loop merges them.
pub fn merge_when_succeeded(app: &App, state: &State, pipeline: u64) {
    let waiting = state
        .merge_requests
        .values()
        .filter(|request| request.merge_when_pipeline_succeeds && request.head_pipeline_id == Some(pipeline))
        .map(|request| request.id);
    app.due_merges.lock().extend(waiting);
    app.wake.notify_one();
}

/// Merges what `merge_when_succeeded` remembered.
pub fn merge_due(app: &App) {
    let due = std::mem::take(&mut *app.due_merges.lock());
    for id in due {
        let found = app.with(|state| {
            let request = state
                .merge_requests
                .get(&id)
                .filter(|request| request.state == "opened")?
                .clone();
            let project = state.projects.get(&request.project_id)?.clone();
            let user = state
                .users
                .get(&request.merged_by.unwrap_or(request.author_id))?
                .clone();
            Some((request, project, user))
        });
        let Some((request, project, user)) = found else {
            continue;
        };
        let options = Merge {
            message: None,
            squash_message: None,
            squash: request.squash,
            remove_source_branch: request.remove_source_branch,
        };
        if let Err(refusal) = perform(app, &project, request, &user, &options) {
            tracing::warn!(body = %refusal.body, "an automatic merge failed");
        }
    }
}

pub fn cancel_auto_merge(call: &Call) -> Outcome {
    let (_, _, mut request) = find(call, DEVELOPER)?;
    if !request.merge_when_pipeline_succeeds {
        return Err(Refusal::message(406, "406 Not Acceptable"));
    }
    request.merge_when_pipeline_succeeds = false;
    request.merged_by = None;
    call.with(|state| state.merge_requests.insert(request.id, request.clone()));
    Answer::created(json(&call.app, &request, true))
}

pub fn rebase(call: &Call) -> Outcome {
    let (project, repository, request) = find(call, DEVELOPER)?;
    let user = call.user()?;
    let heads = repository
        .branch(&request.source_branch)
        .zip(repository.branch(&request.target_branch));
    let (source, target) = heads.ok_or_else(Refusal::forbidden)?;
    let tree = repository
        .merged_tree(&target, &source)
        .ok_or_else(|| Refusal::message(409, "Rebase failed: conflict"))?;
    let author = Signature {
        name: user.name.clone(),
        email: user.email.clone(),
    };
    let sha = repository.commit_tree(&tree, &[&target], &format!("{}\n", request.title), &author)?;
    let reference = format!("refs/heads/{}", request.source_branch);
    repository.update_ref(&reference, &sha, &source)?;
    push::follow(
        &call.app,
        project.id,
        user.id,
        &Moved {
            reference,
            before: source,
            after: sha,
        },
        call.flag("skip_ci"),
    );
    Ok(Answer::json(202, &json!({ "rebase_in_progress": true })))
}
