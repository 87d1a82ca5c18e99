//! Project webhooks: their settings, log and test deliveries.

use serde_json::{Value, json};

use super::call::{Answer, Call, MAINTAINER, Outcome, Refusal};
use super::ci::variables::text;
use super::push::Moved;
use super::state::{Project, now};
use super::{page, webhook, webhook_bodies};

const EVENTS: [&str; 16] = [
    "push_events",
    "tag_push_events",
    "merge_requests_events",
    "repository_update_events",
    "issues_events",
    "confidential_issues_events",
    "note_events",
    "confidential_note_events",
    "pipeline_events",
    "wiki_page_events",
    "job_events",
    "deployment_events",
    "feature_flag_events",
    "releases_events",
    "emoji_events",
    "resource_access_token_events",
];

/// A hook without its secrets.
fn shown(hook: &Value) -> Value {
    let mut value = hook.clone();
    value["token_present"] = (!text(hook, "_token").is_empty()).into();
    value["signing_token_present"] = (!text(hook, "_signing_token").is_empty()).into();
    if let Some(map) = value.as_object_mut() {
        map.remove("_token");
        map.remove("_signing_token");
    }
    value
}

fn apply(call: &Call, hook: &mut Value) -> Result<(), Refusal> {
    if let Some(url) = call.opt_str("url") {
        if !url.starts_with("http://") && !url.starts_with("https://") {
            return Err(Refusal::message(422, "Invalid url given"));
        }
        hook["url"] = url.into();
    }
    for event in EVENTS {
        if let Some(on) = call.opt_bool(event) {
            hook[event] = on.into();
        }
    }
    if let Some(on) = call.opt_bool("enable_ssl_verification") {
        hook["enable_ssl_verification"] = on.into();
    }
    for key in [
        "name",
        "description",
        "push_events_branch_filter",
        "branch_filter_strategy",
        "custom_webhook_template",
    ] {
        if let Some(value) = call.opt_str(key) {
            hook[key] = value.into();
        }
    }
    if let Some(token) = call.opt_str("token") {
        hook["_token"] = token.into();
    }
    if let Some(token) = call.opt_str("signing_token") {
        if webhook::sign(&token, "", "", "").is_none() {
            return Err(Refusal::new(
                422,
                json!({ "message": { "signing_token": ["must be whsec_ and a base64 key"] } }),
            ));
        }
        hook["_signing_token"] = token.into();
    }
    Ok(())
}

pub fn list(call: &Call) -> Outcome {
    let project = call.project(MAINTAINER)?;
    let items = call.with(|state| state.shelf(project.id).hooks.iter().map(shown).collect());
    page::answer(call, items)
}

pub fn create(call: &Call) -> Outcome {
    let project = call.project(MAINTAINER)?;
    call.str("url")?;
    let mut hook = json!({
        "id": call.with(|state| state.next("hook")),
        "url": "",
        "name": null,
        "description": null,
        "created_at": now(),
        "enable_ssl_verification": true,
        "project_id": project.id,
        "push_events_branch_filter": null,
        "branch_filter_strategy": "wildcard",
        "custom_webhook_template": null,
        "custom_headers": [],
        "url_variables": [],
        "alert_status": "executable",
        "disabled_until": null,
        "_token": "",
        "_signing_token": "",
    });
    for event in EVENTS {
        hook[event] = (event == "push_events").into();
    }
    apply(call, &mut hook)?;
    call.with(|state| state.shelf(project.id).hooks.push(hook.clone()));
    Answer::created(shown(&hook))
}

fn find(call: &Call) -> Result<(Project, Value), Refusal> {
    let project = call.project(MAINTAINER)?;
    let id = call.id("hook_id")?;
    let found = call.with(|state| {
        state
            .shelf(project.id)
            .hooks
            .iter()
            .find(|hook| hook["id"] == id)
            .cloned()
    });
    Ok((project, found.ok_or_else(|| Refusal::not_found("404 Not found"))?))
}

pub fn get(call: &Call) -> Outcome {
    Answer::ok(shown(&find(call)?.1))
}

pub fn update(call: &Call) -> Outcome {
    let (project, mut hook) = find(call)?;
    apply(call, &mut hook)?;
    call.with(|state| {
        if let Some(kept) = state
            .shelf(project.id)
            .hooks
            .iter_mut()
            .find(|kept| kept["id"] == hook["id"])
        {
            *kept = hook.clone();
        }
    });
    Answer::ok(shown(&hook))
}

pub fn delete(call: &Call) -> Outcome {
    let (project, hook) = find(call)?;
    call.with(|state| {
        state
            .shelf(project.id)
            .hooks
            .retain(|kept| kept["id"] != hook["id"]);
    });
    Answer::no_content()
}

pub fn events(call: &Call) -> Outcome {
    let (_, hook) = find(call)?;
    let status = call.opt_str("status");
    let mut items = call.app.hooks.log(hook["id"].as_u64().unwrap_or_default());
    if let Some(status) = status {
        items.retain(|item| item["response_status"] == status.as_str());
    }
    page::answer(call, items)
}

pub fn resend(call: &Call) -> Outcome {
    let (_, hook) = find(call)?;
    let id = call.id("event_id")?;
    let found = call
        .app
        .hooks
        .log(hook["id"].as_u64().unwrap_or_default())
        .into_iter()
        .find(|event| event["id"] == id);
    let event = found.ok_or_else(|| Refusal::not_found("404 Not found"))?;
    let name = text(&event["request_headers"], "x-gitlab-event");
    webhook::send_to(&call.app, &hook, &name, &event["request_data"]);
    Answer::created(json!({ "response_status": 200 }))
}

/// Sends the newest event of a kind.
pub fn test(call: &Call) -> Outcome {
    let (project, hook) = find(call)?;
    let user = call.user()?.id;
    let (event, body) = match call.param("trigger") {
        "push_events" => ("Push Hook", newest_push(call, &project, user)),
        "pipeline_events" => ("Pipeline Hook", newest_pipeline(call, &project)),
        "job_events" => ("Job Hook", newest_job(call, &project)),
        "merge_requests_events" => ("Merge Request Hook", newest_merge_request(call, &project, user)),
        "issues_events" => ("Issue Hook", newest_issue(call, &project, user)),
        "deployment_events" => ("Deployment Hook", newest_deployment(call, &project)),
        _ => {
            return Err(Refusal::new(
                400,
                json!({ "error": "trigger does not have a valid value" }),
            ));
        }
    };
    let body =
        body.ok_or_else(|| Refusal::message(422, "The project has nothing of this kind to send yet."))?;
    webhook::send_to(&call.app, &hook, event, &body);
    Answer::created(json!({ "message": "201 Created" }))
}

fn newest_push(call: &Call, project: &Project, user: u64) -> Option<Value> {
    let repository = call.app.repository(project.id);
    let after = repository.branch(&project.default_branch)?;
    let before = repository
        .commit(&after)
        .and_then(|commit| commit.parents.first().cloned());
    let moved = Moved {
        reference: format!("refs/heads/{}", project.default_branch),
        before: before.unwrap_or_else(|| super::git::NOTHING.into()),
        after,
    };
    let commits = webhook_bodies::pushed_commits(&call.app, project, &moved);
    Some(call.with(|state| webhook_bodies::push(&call.app, state, project, user, &moved, &commits)))
}

fn newest_pipeline(call: &Call, project: &Project) -> Option<Value> {
    call.with(|state| {
        let last = state
            .pipelines
            .values()
            .rev()
            .find(|pipeline| pipeline.project_id == project.id)?
            .id;
        webhook_bodies::pipeline(&call.app, state, last)
    })
}

fn newest_job(call: &Call, project: &Project) -> Option<Value> {
    call.with(|state| {
        let last = state
            .jobs
            .values()
            .rev()
            .find(|job| job.project_id == project.id)?
            .id;
        webhook_bodies::job(&call.app, state, last)
    })
}

fn newest_merge_request(call: &Call, project: &Project, user: u64) -> Option<Value> {
    let last = call.with(|state| {
        let of = |request: &&super::state::MergeRequest| request.project_id == project.id;
        state.merge_requests.values().rev().find(of).cloned()
    })?;
    let facts = webhook_bodies::MergeFacts::read(&call.app, &last);
    call.with(|state| {
        webhook_bodies::merge_request(&call.app, state, &last, user, "open", &json!({}), &facts)
    })
}

fn newest_issue(call: &Call, project: &Project, user: u64) -> Option<Value> {
    call.with(|state| {
        let last = state.shelf(project.id).issues.last()?.clone();
        Some(webhook_bodies::issue(
            &call.app,
            state,
            project,
            &last,
            user,
            "open",
            &json!({}),
        ))
    })
}

fn newest_deployment(call: &Call, project: &Project) -> Option<Value> {
    call.with(|state| {
        let last = state.shelf(project.id).deployments.last()?.clone();
        webhook_bodies::deployment(&call.app, state, project.id, &last)
    })
}
