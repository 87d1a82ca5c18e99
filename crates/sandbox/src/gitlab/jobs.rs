//! Jobs, their logs and artifacts, and the one runner.

use serde_json::{Value, json};

use super::call::{Answer, Call, DEVELOPER, MAINTAINER, Outcome, REPORTER, Refusal};
use super::ci::{artifact, process, runner};
use super::state::{Job, Project, State, now, seconds_between};
use super::{App, page, pipelines};

fn runner_json() -> Value {
    json!({
        "id": 1,
        "description": "sandbox-runner",
        "ip_address": "127.0.0.1",
        "active": true,
        "paused": false,
        "is_shared": true,
        "runner_type": "instance_type",
        "name": "gitlab-runner",
        "online": true,
        "status": "online",
    })
}

/// The runner as jobs carry it, without what newer lists add.
fn job_runner() -> Value {
    let mut value = runner_json();
    if let Some(map) = value.as_object_mut() {
        map.remove("paused");
        map.remove("runner_type");
    }
    value
}

/// GitLab's job entity.
pub fn json(app: &App, state: &State, job: &Job) -> Value {
    let pipeline = state.pipelines.get(&job.pipeline_id);
    let path = state
        .projects
        .get(&job.project_id)
        .map(|project| state.project_path(project))
        .unwrap_or_default();
    let archive = job
        .artifacts
        .iter()
        .find(|artifact| artifact["file_type"] == "archive");
    let small = pipeline.map(|pipeline| {
        json!({ "id": pipeline.id, "iid": pipeline.iid, "project_id": pipeline.project_id, "sha": pipeline.sha,
                "ref": pipeline.reference, "status": pipeline.status, "source": pipeline.source,
                "created_at": pipeline.created_at, "updated_at": pipeline.updated_at,
                "web_url": format!("{}/{path}/-/pipelines/{}", app.url, pipeline.id) })
    });
    let mut value = json!({
        "id": job.id,
        "status": job.status,
        "stage": job.stage,
        "name": job.name,
        "ref": pipeline.map(|pipeline| pipeline.reference.clone()),
        "tag": pipeline.is_some_and(|pipeline| pipeline.tag),
        "coverage": job.coverage,
        "allow_failure": job.allow_failure,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
        "erased_at": job.erased_at,
        "duration": runner::elapsed(job),
        "queued_duration": job.queued_at.as_ref().and_then(|at| seconds_between(Some(at), job.started_at.as_deref())),
        "user": state.user_json(job.user_id, &app.url),
        "commit": pipeline.map(|pipeline| pipeline.commit.clone()),
        "pipeline": small,
        "web_url": format!("{}/{path}/-/jobs/{}", app.url, job.id),
        "project": { "ci_job_token_scope_enabled": false },
        "artifacts": job.artifacts,
        "runner": job.started_at.as_ref().map(|_| job_runner()),
        "runner_manager": null,
        "artifacts_expire_at": job.artifacts_expire_at,
        "archived": false,
        "tag_list": job.tags,
    });
    if let Some(archive) = archive {
        value["artifacts_file"] = json!({ "filename": archive["filename"], "size": archive["size"] });
    }
    if job.status == "failed" {
        value["failure_reason"] = job
            .failure_reason
            .clone()
            .unwrap_or_else(|| "unknown_failure".into())
            .into();
    }
    value
}

fn find(call: &Call, least: u64) -> Result<(Project, Job), Refusal> {
    let project = call.project(least)?;
    let id: Option<u64> = call.param("job_id").parse().ok();
    let found = id.and_then(|id| {
        call.with(|state| {
            state
                .jobs
                .get(&id)
                .filter(|job| job.project_id == project.id)
                .cloned()
        })
    });
    Ok((project, found.ok_or_else(|| Refusal::not_found("404 Not found"))?))
}

fn scopes(call: &Call) -> Result<Vec<String>, Refusal> {
    const KNOWN: [&str; 12] = [
        "created",
        "waiting_for_resource",
        "preparing",
        "pending",
        "running",
        "success",
        "failed",
        "canceling",
        "canceled",
        "skipped",
        "manual",
        "scheduled",
    ];
    let scopes = call.list("scope").unwrap_or_default();
    if scopes.iter().any(|scope| !KNOWN.contains(&scope.as_str())) {
        return Err(Refusal::new(
            400,
            json!({ "error": "scope does not have a valid value" }),
        ));
    }
    Ok(scopes)
}

pub fn list(call: &Call) -> Outcome {
    let project = call.project(REPORTER)?;
    let scopes = scopes(call)?;
    let items: Vec<Value> = call.with(|state| {
        let of =
            |job: &&Job| job.project_id == project.id && (scopes.is_empty() || scopes.contains(&job.status));
        state
            .jobs
            .values()
            .rev()
            .filter(of)
            .map(|job| json(&call.app, state, job))
            .collect()
    });
    if call.opt_str("pagination").as_deref() == Some("keyset") {
        let before: Option<u64> = call.opt_u64("id_before");
        let items = items
            .into_iter()
            .filter(|job| before.is_none_or(|id| job["id"].as_u64() < Some(id)))
            .collect();
        return page::keyset(call, items, "id_before", |job| job["id"].to_string());
    }
    page::answer(call, items)
}

pub fn of_pipeline(call: &Call) -> Outcome {
    let (_, pipeline) = pipelines::find(call, REPORTER)?;
    let scopes = scopes(call)?;
    let retried = call.flag("include_retried");
    let items = call.with(|state| {
        let of = |job: &&Job| {
            job.pipeline_id == pipeline.id
                && (retried || !job.retried)
                && (scopes.is_empty() || scopes.contains(&job.status))
        };
        state
            .jobs
            .values()
            .rev()
            .filter(of)
            .map(|job| json(&call.app, state, job))
            .collect()
    });
    page::answer(call, items)
}

pub fn get(call: &Call) -> Outcome {
    let (_, job) = find(call, REPORTER)?;
    Answer::ok(call.with(|state| json(&call.app, state, &job)))
}

/// The job whose token calls.
pub fn of_token(call: &Call) -> Outcome {
    let id = call.actor()?.job_id.ok_or_else(Refusal::unauthorized)?;
    let value = call.with(|state| state.jobs.get(&id).map(|job| json(&call.app, state, job)));
    Answer::ok(value.ok_or_else(Refusal::unauthorized)?)
}

/// The log so far; `Range: bytes=N-` answers what came after.
pub fn trace(call: &Call) -> Outcome {
    let (_, job) = find(call, REPORTER)?;
    let log = if job.erased_at.is_some() {
        Vec::new()
    } else {
        std::fs::read(call.app.log_path(job.id)).unwrap_or_default()
    };
    let size = log.len();
    let from = call.header("range").and_then(|range| {
        range
            .strip_prefix("bytes=")?
            .strip_suffix('-')?
            .parse::<usize>()
            .ok()
    });
    let answer = match from {
        Some(from) if from < size => {
            let mut answer = Answer::bytes("text/plain", log[from..].to_vec());
            answer.status = 206;
            answer.with("content-range", format!("bytes {from}-{}/{size}", size - 1))
        }
        Some(_) if size > 0 => {
            let mut answer = Answer::bytes("text/plain", Vec::new());
            answer.status = 416;
            answer.with("content-range", format!("bytes */{size}"))
        }
        _ => Answer::bytes("text/plain", log),
    };
    Ok(answer.with("accept-ranges", "bytes"))
}

fn archive_of(call: &Call, job: &Job) -> Result<Vec<u8>, Refusal> {
    std::fs::read(call.app.archive_path(job.id)).map_err(|_| Refusal::not_found("404 Not found"))
}

fn download(bytes: Vec<u8>) -> Answer {
    Answer::bytes("application/zip", bytes)
        .with("content-disposition", "attachment; filename=\"artifacts.zip\"")
}

fn one_file(call: &Call, job: &Job) -> Outcome {
    let name = call.param("artifact_path");
    let bytes = artifact::entry(&call.app.archive_path(job.id), name)
        .ok_or_else(|| Refusal::not_found("404 Not found"))?;
    let file = name.rsplit('/').next().unwrap_or_default();
    Ok(Answer::bytes("application/octet-stream", bytes)
        .with("content-disposition", format!("attachment; filename=\"{file}\"")))
}

/// The archive, or the part of it that `Range: bytes=N-M` asks for.
pub fn artifacts(call: &Call) -> Outcome {
    let (_, job) = find(call, REPORTER)?;
    let bytes = archive_of(call, &job)?;
    let size = bytes.len();
    let asked = call.header("range").and_then(|range| {
        let (from, to) = range.strip_prefix("bytes=")?.split_once('-')?;
        let from: usize = from.parse().ok()?;
        let to: usize = if to.is_empty() {
            size.checked_sub(1)?
        } else {
            to.parse().ok()?
        };
        Some((from, to.min(size.checked_sub(1)?)))
    });
    let Some((from, to)) = asked else {
        return Ok(download(bytes).with("accept-ranges", "bytes"));
    };
    let Some(part) = bytes.get(from..=to) else {
        let mut answer = Answer::bytes("text/plain", Vec::new());
        answer.status = 416;
        return Ok(answer.with("content-range", format!("bytes */{size}")));
    };
    let mut answer = download(part.to_vec());
    answer.status = 206;
    Ok(answer
        .with("accept-ranges", "bytes")
        .with("content-range", format!("bytes {from}-{to}/{size}")))
}

pub fn artifact(call: &Call) -> Outcome {
    let (_, job) = find(call, REPORTER)?;
    one_file(call, &job)
}

/// The latest successful job of a name on a ref.
fn of_ref(call: &Call) -> Result<Job, Refusal> {
    let project = call.project(REPORTER)?;
    let name = call.str("job")?;
    let reference = call.param("ref_name").to_owned();
    let found = call.with(|state| {
        let of = |job: &&Job| {
            job.project_id == project.id
                && job.name == name
                && job.status == "success"
                && state
                    .pipelines
                    .get(&job.pipeline_id)
                    .is_some_and(|pipeline| pipeline.reference == reference)
        };
        state.jobs.values().rev().find(of).cloned()
    });
    found.ok_or_else(|| Refusal::not_found("404 Not found"))
}

pub fn artifacts_of_ref(call: &Call) -> Outcome {
    Ok(download(archive_of(call, &of_ref(call)?)?))
}

pub fn artifact_of_ref(call: &Call) -> Outcome {
    one_file(call, &of_ref(call)?)
}

pub fn delete_artifacts(call: &Call) -> Outcome {
    let (_, job) = find(call, MAINTAINER)?;
    // Nothing to remove is as good as removed.
    drop(std::fs::remove_file(call.app.archive_path(job.id)));
    call.with(|state| {
        if let Some(kept) = state.jobs.get_mut(&job.id) {
            kept.artifacts.retain(|artifact| artifact["file_type"] == "trace");
        }
    });
    Answer::no_content()
}

pub fn keep_artifacts(call: &Call) -> Outcome {
    let (_, job) = find(call, DEVELOPER)?;
    let value = call.with(|state| {
        let kept = state.jobs.get_mut(&job.id)?;
        kept.artifacts_expire_at = None;
        let kept = kept.clone();
        Some(json(&call.app, state, &kept))
    });
    Answer::ok(value.unwrap_or(Value::Null))
}

fn shown(call: &Call, id: u64) -> Value {
    call.with(|state| state.jobs.get(&id).map(|job| json(&call.app, state, job)))
        .unwrap_or(Value::Null)
}

pub fn play(call: &Call) -> Outcome {
    let (_, job) = find(call, DEVELOPER)?;
    let user = call.user()?.id;
    if !matches!(job.status.as_str(), "manual" | "scheduled") {
        return Err(Refusal::bad("400 Bad request - Unplayable Job"));
    }
    if let Some(Value::Array(given)) = call.value("job_variables_attributes") {
        call.with(|state| {
            if let Some(kept) = state.jobs.get_mut(&job.id) {
                kept.variables.extend(
                    given
                        .iter()
                        .map(|v| (super::call::plain(&v["key"]), super::call::plain(&v["value"]))),
                );
            }
        });
    }
    call.with(|state| {
        process::play(&call.app, state, job.id, user);
        process::advance(&call.app, state, job.pipeline_id);
    });
    call.app.wake.notify_one();
    Ok(Answer::json(200, &shown(call, job.id)))
}

pub fn retry(call: &Call) -> Outcome {
    let (_, job) = find(call, DEVELOPER)?;
    let user = call.user()?.id;
    if job.retried || !process::is_complete(&job.status) || job.status == "skipped" {
        return Err(Refusal::message(403, "403 Forbidden - Job is not retryable"));
    }
    let fresh = call
        .with(|state| process::retry(&call.app, state, job.id, user))
        .unwrap_or(job.id);
    call.app.wake.notify_one();
    Answer::created(shown(call, fresh))
}

pub fn cancel(call: &Call) -> Outcome {
    let (_, job) = find(call, DEVELOPER)?;
    call.with(|state| {
        process::cancel_job(&call.app, state, job.id);
        process::advance(&call.app, state, job.pipeline_id);
    });
    Answer::created(shown(call, job.id))
}

pub fn erase(call: &Call) -> Outcome {
    let (_, job) = find(call, MAINTAINER)?;
    if !process::is_complete(&job.status) {
        return Err(Refusal::message(403, "403 Forbidden - Job is not erasable!"));
    }
    for path in [call.app.log_path(job.id), call.app.archive_path(job.id)] {
        // A file that is not there is erased.
        drop(std::fs::remove_file(path));
    }
    call.with(|state| {
        if let Some(kept) = state.jobs.get_mut(&job.id) {
            kept.artifacts.clear();
            kept.erased_at = Some(now());
        }
    });
    Answer::created(shown(call, job.id))
}

/// The one runner, where it has the tags of `tag_list` and the state of `paused` and `status`.
pub fn runners(call: &Call) -> Outcome {
    call.user()?;
    let tags = call.list("tag_list").unwrap_or_default();
    let has = |tag: &str| runner::TAGS.contains(&tag);
    let value = paused_runner(call);
    let fits = tags
        .iter()
        .flat_map(|tags| tags.split(','))
        .all(|tag| has(tag.trim()))
        && call
            .opt_bool("paused")
            .is_none_or(|paused| value["paused"] == paused);
    page::answer(call, if fits { vec![value] } else { Vec::new() })
}

fn paused_runner(call: &Call) -> Value {
    let mut value = runner_json();
    let paused = call.with(|state| state.runner_paused);
    value["paused"] = paused.into();
    value["active"] = (!paused).into();
    value
}

/// Pauses or resumes the runner: a paused one takes no jobs.
pub fn update_runner(call: &Call) -> Outcome {
    call.admin()?;
    if call.param("runner_id") != "1" {
        return Err(Refusal::missing("Runner"));
    }
    if let Some(paused) = call.opt_bool("paused") {
        call.with(|state| state.runner_paused = paused);
        call.app.wake.notify_one();
    }
    runner(call)
}

pub fn runner(call: &Call) -> Outcome {
    call.user()?;
    if call.param("runner_id") != "1" {
        return Err(Refusal::missing("Runner"));
    }
    let mut value = paused_runner(call);
    value["tag_list"] = json!(runner::TAGS);
    value["run_untagged"] = true.into();
    value["locked"] = false.into();
    value["maximum_timeout"] = 3600.into();
    value["access_level"] = "not_protected".into();
    value["version"] = "18.5.0".into();
    value["platform"] = "linux".into();
    value["architecture"] = "amd64".into();
    value["contacted_at"] = now().into();
    value["projects"] = json!([]);
    value["groups"] = json!([]);
    Answer::ok(value)
}
