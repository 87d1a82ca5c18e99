//! What stands around a merge request: its difference, commits, pipelines and approvals.

use super::{find, json};
use std::collections::BTreeMap;

use serde_json::Value;

use super::super::call::{Answer, Call, DEVELOPER, Outcome, REPORTER, Refusal};
use super::super::ci::create::{self, Wanted};
use super::super::git::{NOTHING, Repository};
use super::super::push::Moved;
use super::super::state::{MergeRequest, Project, now};
use super::super::{App, page, pipelines, webhook};

fn difference(repository: &Repository, request: &MergeRequest) -> Result<Vec<Value>, Refusal> {
    match (&request.base_sha, &request.sha) {
        (Some(base), Some(head)) => Ok(repository.diff(Some(base), head)?),
        _ => Ok(Vec::new()),
    }
}

pub fn changes(call: &Call) -> Outcome {
    let (_, repository, request) = find(call, REPORTER)?;
    let mut value = json(&call.app, &request, true);
    value["changes"] = Value::Array(difference(&repository, &request)?);
    value["overflow"] = false.into();
    Answer::ok(value)
}

pub fn diffs(call: &Call) -> Outcome {
    let (_, repository, request) = find(call, REPORTER)?;
    let items = difference(&repository, &request)?;
    page::answer(call, items)
}

pub fn commits(call: &Call) -> Outcome {
    let (project, repository, request) = find(call, REPORTER)?;
    let url = call.app.project_url(&project);
    let commits = match (&request.base_sha, &request.sha) {
        (Some(base), Some(head)) => repository.log(&[&format!("{base}..{head}")])?,
        _ => Vec::new(),
    };
    page::answer(call, commits.iter().map(|commit| commit.to_json(&url)).collect())
}

pub fn participants(call: &Call) -> Outcome {
    let (_, _, request) = find(call, REPORTER)?;
    let mut people = vec![request.author_id];
    people.extend(request.assignee_ids.iter().chain(&request.reviewer_ids).copied());
    people.dedup();
    page::answer(
        call,
        call.with(|state| {
            people
                .iter()
                .map(|id| state.user_json(*id, &call.app.url))
                .collect()
        }),
    )
}

pub fn pipelines(call: &Call) -> Outcome {
    let (project, _, request) = find(call, REPORTER)?;
    let items = call.with(|state| {
        let of = |pipeline: &&super::super::state::Pipeline| {
            pipeline.merge_request_id == Some(request.id)
                || (pipeline.project_id == project.id && pipeline.reference == request.source_branch)
        };
        state
            .pipelines
            .values()
            .rev()
            .filter(of)
            .map(|pipeline| pipelines::basic(&call.app, state, pipeline))
            .collect()
    });
    page::answer(call, items)
}

fn wanted(project: &Project, request: &MergeRequest, sha: String, user: u64) -> Wanted {
    Wanted {
        project: project.clone(),
        reference: format!("refs/merge-requests/{}/head", request.iid),
        tag: false,
        sha,
        before_sha: None,
        source: "merge_request_event".into(),
        user_id: user,
        variables: Vec::new(),
        merge_request: Some(request.clone()),
        inputs: BTreeMap::new(),
    }
}

pub fn create_pipeline(call: &Call) -> Outcome {
    let (project, _, request) = find(call, DEVELOPER)?;
    let sha = request
        .sha
        .clone()
        .ok_or_else(|| Refusal::bad("The source branch has no commits"))?;
    let made = create::create(&call.app, &wanted(&project, &request, sha, call.user()?.id));
    let id =
        made.map_err(|refused| Refusal::new(400, json!({ "message": { "base": [refused.message()] } })))?;
    Answer::created(call.with(|state| pipelines::detail(&call.app, state, &state.pipelines[&id])))
}

/// Starts merge request pipelines for the open requests of a branch, where the configuration has such jobs.
pub fn start_pipelines(app: &App, project: &Project, branch: &str, user: u64) {
    for request in open_from(app, project, branch) {
        if let Some(sha) = request.sha.clone()
            && let Err(refused) = create::create(app, &wanted(project, &request, sha, user))
        {
            tracing::debug!(reason = refused.message(), "a merge request got no pipeline");
        }
    }
}

fn open_from(app: &App, project: &Project, branch: &str) -> Vec<MergeRequest> {
    app.with(|state| {
        let open = |request: &&MergeRequest| {
            request.project_id == project.id && request.source_branch == branch && request.state == "opened"
        };
        state.merge_requests.values().filter(open).cloned().collect()
    })
}

/// A push to a source branch moves the heads of its open requests.
pub fn source_moved(app: &App, project: &Project, branch: &str, moved: &Moved, user: u64) {
    if moved.after == NOTHING {
        return;
    }
    let repository = app.repository(project.id);
    for mut request in open_from(app, project, branch) {
        let target = repository.branch(&request.target_branch);
        request.base_sha = target.and_then(|target| repository.merge_base(&target, &moved.after));
        request.sha = Some(moved.after.clone());
        request.updated_at = now();
        app.with(|state| state.merge_requests.insert(request.id, request.clone()));
        webhook::merge_request(app, &request, user, "update", json!({ "oldrev": moved.before }));
    }
}

pub fn approve(call: &Call) -> Outcome {
    let (_, _, mut request) = find(call, DEVELOPER)?;
    let user = call.user()?.id;
    if request.approved_by.contains(&user) {
        return Err(Refusal::unauthorized());
    }
    request.approved_by.push(user);
    call.with(|state| state.merge_requests.insert(request.id, request.clone()));
    webhook::merge_request(&call.app, &request, user, "approved", json!({}));
    Answer::created(approval(call, &request))
}

pub fn unapprove(call: &Call) -> Outcome {
    let (_, _, mut request) = find(call, DEVELOPER)?;
    let user = call.user()?.id;
    request.approved_by.retain(|id| *id != user);
    call.with(|state| state.merge_requests.insert(request.id, request.clone()));
    webhook::merge_request(&call.app, &request, user, "unapproved", json!({}));
    Answer::created(approval(call, &request))
}

pub fn approvals(call: &Call) -> Outcome {
    let (_, _, request) = find(call, REPORTER)?;
    Answer::ok(approval(call, &request))
}

fn approval(call: &Call, request: &MergeRequest) -> Value {
    let user = call.actor.as_ref().map(|actor| actor.user.id);
    let by: Vec<Value> = call.with(|state| {
        request
            .approved_by
            .iter()
            .map(|id| json!({ "user": state.user_json(*id, &call.app.url) }))
            .collect()
    });
    let approved = user.is_some_and(|id| request.approved_by.contains(&id));
    json!({
        "id": request.id, "iid": request.iid, "project_id": request.project_id, "title": request.title,
        "state": request.state, "created_at": request.created_at, "updated_at": request.updated_at,
        "approvals_required": 0, "approvals_left": 0, "approved": !by.is_empty(),
        "user_has_approved": approved, "user_can_approve": !approved, "approved_by": by,
    })
}

/// Ids as GitLab takes them: a list, or a single one, of which 0 means none.
pub(super) fn ids(call: &Call, plural: &str, single: &str) -> Option<Vec<u64>> {
    let list = call.list(plural).map(|ids| {
        ids.iter()
            .filter_map(|id| id.parse().ok())
            .filter(|id| *id > 0)
            .collect()
    });
    list.or_else(|| {
        call.opt_u64(single)
            .map(|id| if id == 0 { Vec::new() } else { vec![id] })
    })
}
