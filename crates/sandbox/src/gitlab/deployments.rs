//! Environments and deployments.

use serde_json::{Value, json};

use super::call::{Answer, Call, DEVELOPER, MAINTAINER, Outcome, REPORTER, Refusal};
use super::ci::variables::slug;
use super::state::{Project, State, now};
use super::{App, jobs, page, webhook};

fn tier(name: &str) -> &'static str {
    let name = name.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if has(&["stag", "model", "pre", "demo", "non-prod", "uat"]) {
        "staging"
    } else if has(&["prod", "live"]) {
        "production"
    } else if has(&["test", "qa", "qc", "quality"]) {
        "testing"
    } else if has(&["dev", "review", "trunk"]) {
        "development"
    } else {
        "other"
    }
}

/// The environment of this name, made when it is new.
fn ensure(state: &mut State, project: u64, name: &str) -> Value {
    if let Some(found) = state
        .shelf(project)
        .environments
        .iter()
        .find(|environment| environment["name"] == name)
    {
        return found.clone();
    }
    let created_at = now();
    let environment = json!({
        "id": state.next("environment"),
        "name": name,
        "slug": slug(name),
        "external_url": null,
        "created_at": created_at,
        "updated_at": created_at,
        "tier": tier(name),
        "state": "available",
        "auto_stop_at": null,
        "auto_stop_setting": "always",
        "description": null,
        "kubernetes_namespace": null,
        "flux_resource_path": null,
    });
    state.shelf(project).environments.push(environment.clone());
    environment
}

pub fn environments(call: &Call) -> Outcome {
    let project = call.project(REPORTER)?;
    let (name, search, states) = (
        call.opt_str("name"),
        call.opt_str("search"),
        call.opt_str("states"),
    );
    let items = call.with(|state| {
        state
            .shelf(project.id)
            .environments
            .iter()
            .filter(|item| name.as_deref().is_none_or(|name| item["name"] == name))
            .filter(|item| {
                search
                    .as_deref()
                    .is_none_or(|text| item["name"].as_str().unwrap_or_default().contains(text))
            })
            .filter(|item| states.as_deref().is_none_or(|wanted| item["state"] == wanted))
            .cloned()
            .collect()
    });
    page::answer(call, items)
}

pub fn create_environment(call: &Call) -> Outcome {
    let project = call.project(DEVELOPER)?;
    let name = call.str("name")?;
    let taken = call.with(|state| {
        state
            .shelf(project.id)
            .environments
            .iter()
            .any(|item| item["name"] == name.as_str())
    });
    if taken {
        return Err(Refusal::new(
            400,
            json!({ "message": { "name": ["has already been taken"] } }),
        ));
    }
    let value = call.with(|state| {
        let id = ensure(state, project.id, &name)["id"].clone();
        change_environment(call, state, project.id, &id)
    });
    Answer::created(value.unwrap_or(Value::Null))
}

fn change_environment(call: &Call, state: &mut State, project: u64, id: &Value) -> Option<Value> {
    let environment = state
        .shelf(project)
        .environments
        .iter_mut()
        .find(|item| item["id"] == *id)?;
    for key in ["external_url", "tier", "description", "kubernetes_namespace"] {
        if let Some(text) = call.opt_str(key) {
            environment[key] = text.into();
        }
    }
    environment["updated_at"] = now().into();
    Some(environment.clone())
}

fn find_environment(call: &Call, least: u64) -> Result<(Project, Value), Refusal> {
    let project = call.project(least)?;
    let id = call.id("environment_id")?;
    let found = call.with(|state| {
        state
            .shelf(project.id)
            .environments
            .iter()
            .find(|item| item["id"] == id)
            .cloned()
    });
    Ok((project, found.ok_or_else(|| Refusal::not_found("404 Not found"))?))
}

pub fn environment(call: &Call) -> Outcome {
    let (project, mut environment) = find_environment(call, REPORTER)?;
    environment["last_deployment"] = call.with(|state| {
        let last = state
            .shelf(project.id)
            .deployments
            .iter()
            .rev()
            .find(|deployment| {
                deployment["environment"]["id"] == environment["id"] && deployment["status"] == "success"
            })
            .cloned();
        last.map_or(Value::Null, |deployment| shown(&call.app, state, &deployment))
    });
    Answer::ok(environment)
}

pub fn update_environment(call: &Call) -> Outcome {
    let (project, environment) = find_environment(call, DEVELOPER)?;
    let value = call.with(|state| change_environment(call, state, project.id, &environment["id"]));
    Answer::ok(value.unwrap_or(Value::Null))
}

pub fn delete_environment(call: &Call) -> Outcome {
    let (project, environment) = find_environment(call, MAINTAINER)?;
    if environment["state"] != "stopped" {
        return Err(Refusal::forbidden());
    }
    call.with(|state| {
        state
            .shelf(project.id)
            .environments
            .retain(|item| item["id"] != environment["id"]);
    });
    Answer::no_content()
}

pub fn stop_environment(call: &Call) -> Outcome {
    let (project, environment) = find_environment(call, DEVELOPER)?;
    let value = call.with(|state| {
        let shelf = state.shelf(project.id);
        let kept = shelf
            .environments
            .iter_mut()
            .find(|item| item["id"] == environment["id"])?;
        kept["state"] = "stopped".into();
        kept["updated_at"] = now().into();
        Some(kept.clone())
    });
    Ok(Answer::json(200, &value.unwrap_or(Value::Null)))
}

/// A deployment with its job as it is now.
fn shown(app: &App, state: &State, deployment: &Value) -> Value {
    let mut value = deployment.clone();
    let job = deployment["deployable_id"]
        .as_u64()
        .and_then(|id| state.jobs.get(&id));
    value["deployable"] = job.map_or(Value::Null, |job| jobs::json(app, state, job));
    if let Some(map) = value.as_object_mut() {
        map.remove("deployable_id");
    }
    value
}

struct NewDeployment<'a> {
    environment: &'a Value,
    reference: &'a str,
    tag: bool,
    sha: &'a str,
    status: &'a str,
    user: u64,
    job: Option<u64>,
}

fn add(app: &App, state: &mut State, project: u64, new: &NewDeployment<'_>) -> Value {
    let created_at = now();
    let finished = matches!(new.status, "success" | "failed" | "canceled").then(now);
    let value = json!({
        "id": state.next("deployment"),
        "iid": state.shelf(project).next("deployment"),
        "ref": new.reference,
        "tag": new.tag,
        "sha": new.sha,
        "created_at": created_at,
        "updated_at": created_at,
        "finished_at": finished,
        "user": state.user_json(new.user, &app.url),
        "environment": {
            "id": new.environment["id"], "name": new.environment["name"], "slug": new.environment["slug"],
            "external_url": new.environment["external_url"], "created_at": new.environment["created_at"],
            "updated_at": new.environment["updated_at"],
        },
        "deployable_id": new.job,
        "status": new.status,
    });
    state.shelf(project).deployments.push(value.clone());
    value
}

/// A job with an environment carries a deployment: made when the job starts, ended with it.
pub fn follow_job(app: &App, state: &mut State, id: u64) {
    let Some(job) = state.jobs.get(&id).cloned() else {
        return;
    };
    let Some(name) = job.environment.clone() else {
        return;
    };
    let status = match job.status.as_str() {
        "running" => "running",
        "success" => "success",
        "failed" => "failed",
        "canceled" => "canceled",
        _ => return,
    };
    let action = job.spec["environment"]["action"].as_str().unwrap_or("start");
    let mut environment = ensure(state, job.project_id, &name);
    if action != "start" {
        if action == "stop" && status == "success" {
            let shelf = state.shelf(job.project_id);
            if let Some(kept) = shelf
                .environments
                .iter_mut()
                .find(|item| item["id"] == environment["id"])
            {
                kept["state"] = "stopped".into();
            }
        }
        return;
    }
    if let Some(url) = job.spec["environment"]["url"].as_str() {
        let mut variables: std::collections::BTreeMap<_, _> =
            job.variables.iter().cloned().chain(job.dotenv.clone()).collect();
        variables.insert("CI_ENVIRONMENT_SLUG".into(), slug(&name));
        environment["external_url"] = super::ci::plan::expand(url, &variables).into();
        let shelf = state.shelf(job.project_id);
        if let Some(kept) = shelf
            .environments
            .iter_mut()
            .find(|item| item["id"] == environment["id"])
        {
            kept["external_url"] = environment["external_url"].clone();
            kept["state"] = "available".into();
        }
    }
    let value = match job.deployment_id {
        Some(deployment) => set_status(state, job.project_id, deployment, status),
        None if status == "running" => {
            let Some(pipeline) = state.pipelines.get(&job.pipeline_id).cloned() else {
                return;
            };
            let new = NewDeployment {
                environment: &environment,
                reference: &pipeline.reference,
                tag: pipeline.tag,
                sha: &pipeline.sha,
                status,
                user: job.user_id,
                job: Some(id),
            };
            let value = add(app, state, job.project_id, &new);
            if let Some(kept) = state.jobs.get_mut(&id) {
                kept.deployment_id = value["id"].as_u64();
            }
            Some(value)
        }
        None => None,
    };
    if let Some(value) = value {
        webhook::deployment(app, state, job.project_id, &value);
    }
}

fn set_status(state: &mut State, project: u64, id: u64, status: &str) -> Option<Value> {
    let deployment = state
        .shelf(project)
        .deployments
        .iter_mut()
        .find(|item| item["id"] == id)?;
    deployment["status"] = status.into();
    deployment["updated_at"] = now().into();
    if matches!(status, "success" | "failed" | "canceled") {
        deployment["finished_at"] = now().into();
    }
    Some(deployment.clone())
}

pub fn list(call: &Call) -> Outcome {
    let project = call.project(REPORTER)?;
    let (environment, status) = (call.opt_str("environment"), call.opt_str("status"));
    let mut items: Vec<Value> = call.with(|state| {
        let found: Vec<Value> = state
            .shelf(project.id)
            .deployments
            .iter()
            .filter(|item| {
                environment
                    .as_deref()
                    .is_none_or(|name| item["environment"]["name"] == name)
            })
            .filter(|item| status.as_deref().is_none_or(|wanted| item["status"] == wanted))
            .cloned()
            .collect();
        found.iter().map(|item| shown(&call.app, state, item)).collect()
    });
    if call.opt_str("sort").as_deref() == Some("desc") {
        items.reverse();
    }
    page::answer(call, items)
}

pub fn create(call: &Call) -> Outcome {
    const STATUSES: [&str; 4] = ["running", "success", "failed", "canceled"];
    let (project, repository) = call.repository(DEVELOPER)?;
    let (name, sha, reference) = (call.str("environment")?, call.str("sha")?, call.str("ref")?);
    let status = call.str("status")?;
    if !STATUSES.contains(&status.as_str()) {
        return Err(Refusal::new(
            400,
            json!({ "error": "status does not have a valid value" }),
        ));
    }
    let sha = repository
        .resolve(&sha)
        .ok_or_else(|| Refusal::bad("The commit does not exist"))?;
    let user = call.user()?.id;
    let tag = call.flag("tag");
    let value = call.with(|state| {
        let environment = ensure(state, project.id, &name);
        let new = NewDeployment {
            environment: &environment,
            reference: &reference,
            tag,
            sha: &sha,
            status: &status,
            user,
            job: None,
        };
        let value = add(&call.app, state, project.id, &new);
        webhook::deployment(&call.app, state, project.id, &value);
        shown(&call.app, state, &value)
    });
    Answer::created(value)
}

fn find(call: &Call, least: u64) -> Result<(Project, Value), Refusal> {
    let project = call.project(least)?;
    let id = call.id("deployment_id")?;
    let found = call.with(|state| {
        state
            .shelf(project.id)
            .deployments
            .iter()
            .find(|item| item["id"] == id)
            .cloned()
    });
    Ok((project, found.ok_or_else(|| Refusal::not_found("404 Not found"))?))
}

pub fn get(call: &Call) -> Outcome {
    let (_, deployment) = find(call, REPORTER)?;
    Answer::ok(call.with(|state| shown(&call.app, state, &deployment)))
}

pub fn update(call: &Call) -> Outcome {
    let (project, deployment) = find(call, DEVELOPER)?;
    let status = call.str("status")?;
    if matches!(
        deployment["status"].as_str(),
        Some("success" | "failed" | "canceled")
    ) {
        return Err(Refusal::new(
            400,
            json!({ "message": { "status": ["cannot transition via update"] } }),
        ));
    }
    let id = deployment["id"].as_u64().unwrap_or_default();
    let value = call.with(|state| {
        let value = set_status(state, project.id, id, &status)?;
        webhook::deployment(&call.app, state, project.id, &value);
        Some(shown(&call.app, state, &value))
    });
    Answer::ok(value.unwrap_or(Value::Null))
}

pub fn delete(call: &Call) -> Outcome {
    let (project, deployment) = find(call, MAINTAINER)?;
    if deployment["status"] == "running" {
        return Err(Refusal::bad("Cannot destroy running deployment"));
    }
    call.with(|state| {
        state
            .shelf(project.id)
            .deployments
            .retain(|item| item["id"] != deployment["id"]);
    });
    Answer::no_content()
}

pub fn merge_requests(call: &Call) -> Outcome {
    find(call, REPORTER)?;
    page::answer(call, Vec::new())
}
