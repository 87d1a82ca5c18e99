//! Pipeline schedules and trigger tokens. Schedules are kept and can be played; the sandbox has no cron.

use serde_json::{Value, json};

use super::call::{Answer, Call, DEVELOPER, MAINTAINER, Outcome, REPORTER, Refusal};
use super::state::{Project, now};
use super::{page, pipelines, random};

pub fn triggers(call: &Call) -> Outcome {
    let project = call.project(MAINTAINER)?;
    let items = call.with(|state| state.shelf(project.id).triggers.clone());
    page::answer(call, items)
}

pub fn create_trigger(call: &Call) -> Outcome {
    let project = call.project(MAINTAINER)?;
    let description = call.str("description")?;
    let user = call.user()?.id;
    let value = call.with(|state| {
        let value = json!({
            "id": state.next("trigger"), "token": format!("glptt-{}", random(20)), "description": description,
            "created_at": now(), "updated_at": now(), "last_used": null, "expires_at": null,
            "owner": state.user_json(user, &call.app.url),
        });
        state.shelf(project.id).triggers.push(value.clone());
        value
    });
    Answer::created(value)
}

pub fn delete_trigger(call: &Call) -> Outcome {
    let project = call.project(MAINTAINER)?;
    let id = call.id("trigger_id")?;
    call.with(|state| {
        state
            .shelf(project.id)
            .triggers
            .retain(|trigger| trigger["id"] != id);
    });
    Answer::no_content()
}

pub fn list(call: &Call) -> Outcome {
    let project = call.project(REPORTER)?;
    let items = call.with(|state| state.shelf(project.id).schedules.clone());
    page::answer(call, items)
}

pub fn create(call: &Call) -> Outcome {
    let project = call.project(DEVELOPER)?;
    let (description, reference, cron) = (call.str("description")?, call.str("ref")?, call.str("cron")?);
    if cron.split_whitespace().count() != 5 {
        return Err(Refusal::new(
            400,
            json!({ "message": { "cron": ["syntax is invalid"] } }),
        ));
    }
    let user = call.user()?.id;
    let value = call.with(|state| {
        let value = json!({
            "id": state.next("schedule"), "description": description, "ref": reference, "cron": cron,
            "cron_timezone": call.opt_str("cron_timezone").unwrap_or_else(|| "UTC".into()),
            "next_run_at": null, "active": call.opt_bool("active").unwrap_or(true),
            "created_at": now(), "updated_at": now(), "last_pipeline": null, "variables": [], "inputs": [],
            "owner": state.user_json(user, &call.app.url),
        });
        state.shelf(project.id).schedules.push(value.clone());
        value
    });
    Answer::created(value)
}

fn find(call: &Call, least: u64) -> Result<(Project, Value), Refusal> {
    let project = call.project(least)?;
    let id = call.id("schedule_id")?;
    let found = call.with(|state| {
        state
            .shelf(project.id)
            .schedules
            .iter()
            .find(|item| item["id"] == id)
            .cloned()
    });
    Ok((
        project,
        found.ok_or_else(|| Refusal::missing("Pipeline Schedule"))?,
    ))
}

pub fn get(call: &Call) -> Outcome {
    Answer::ok(find(call, REPORTER)?.1)
}

pub fn update(call: &Call) -> Outcome {
    let (project, mut schedule) = find(call, DEVELOPER)?;
    for key in ["description", "ref", "cron", "cron_timezone"] {
        if let Some(text) = call.opt_str(key) {
            schedule[key] = text.into();
        }
    }
    if let Some(active) = call.opt_bool("active") {
        schedule["active"] = active.into();
    }
    schedule["updated_at"] = now().into();
    call.with(|state| {
        if let Some(kept) = state
            .shelf(project.id)
            .schedules
            .iter_mut()
            .find(|item| item["id"] == schedule["id"])
        {
            *kept = schedule.clone();
        }
    });
    Answer::ok(schedule)
}

pub fn delete(call: &Call) -> Outcome {
    let (project, schedule) = find(call, DEVELOPER)?;
    call.with(|state| {
        state
            .shelf(project.id)
            .schedules
            .retain(|item| item["id"] != schedule["id"]);
    });
    Answer::no_content()
}

pub fn play(call: &Call) -> Outcome {
    let (project, schedule) = find(call, DEVELOPER)?;
    let reference = schedule["ref"].as_str().unwrap_or_default();
    pipelines::start(call, &project, reference, "schedule", call.user()?.id, Vec::new())?;
    Answer::created(json!({ "message": "201 Created" }))
}
