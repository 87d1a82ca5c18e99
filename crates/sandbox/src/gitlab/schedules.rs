//! Pipeline schedules and trigger tokens. Schedules are kept and can be played; the sandbox has no cron.

use serde_json::{Value, json};

use super::call::{Answer, Call, DEVELOPER, MAINTAINER, Outcome, REPORTER, Refusal};
use super::ci::yaml::Node;
use super::pipelines::{self, Reason};
use super::state::{Project, now};
use super::{page, random};

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

/// What lists leave out: it is said of one schedule alone.
const DETAILS: [&str; 2] = ["last_pipeline", "variables"];

pub fn list(call: &Call) -> Outcome {
    let project = call.project(REPORTER)?;
    let scope = call.opt_str("scope");
    let wanted = |item: &&Value| match scope.as_deref() {
        Some("active") => item["active"] == true,
        Some("inactive") => item["active"] == false,
        _ => true,
    };
    let mut items: Vec<Value> = call.with(|state| {
        state
            .shelf(project.id)
            .schedules
            .iter()
            .filter(wanted)
            .cloned()
            .collect()
    });
    for item in items.iter_mut().filter_map(Value::as_object_mut) {
        item.retain(|key, _| !DETAILS.contains(&key.as_str()));
    }
    page::answer(call, items)
}

fn invalid(field: &str, text: &str) -> Refusal {
    Refusal::new(400, json!({ "message": { field: [text] } }))
}

/// Whether a field of a cron expression is one: numbers up to `most` or three letters, lists, ranges, steps.
fn is_field(text: &str, most: u32) -> bool {
    let number = |word: &str| {
        word.parse::<u32>().is_ok_and(|n| n <= most)
            || (word.len() == 3 && word.bytes().all(|b| b.is_ascii_alphabetic()))
    };
    text.split(',').all(|item| {
        let (base, step) = item.split_once('/').unwrap_or((item, "1"));
        let base = base == "*"
            || match base.split_once('-') {
                Some((from, to)) => number(from) && number(to),
                None => number(base),
            };
        base && step.parse::<u32>().is_ok_and(|step| step > 0)
    })
}

fn checked(call: &Call) -> Result<(), Refusal> {
    if let Some(cron) = call.opt_str("cron") {
        let fields: Vec<&str> = cron.split_whitespace().collect();
        let right = fields.len() == 5
            && fields
                .iter()
                .zip([59, 23, 31, 12, 7])
                .all(|(text, most)| is_field(text, most));
        if !right {
            return Err(invalid("cron", "syntax is invalid"));
        }
    }
    if let Some(zone) = call.opt_str("cron_timezone") {
        let shape = |c: char| c.is_ascii_alphanumeric() || "/_+-&() .".contains(c);
        if zone.is_empty() || !zone.chars().all(shape) {
            return Err(invalid("cron_timezone", "syntax is invalid"));
        }
    }
    if call
        .opt_str("description")
        .is_some_and(|text| text.trim().is_empty())
    {
        return Err(invalid("description", "can't be blank"));
    }
    if let Some(reference) = call.opt_str("ref") {
        let project = call.project(REPORTER)?;
        let repository = call.app.repository(project.id);
        let short = reference
            .trim_start_matches("refs/heads/")
            .trim_start_matches("refs/tags/");
        if repository.branch(short).is_none() && repository.tag(short).is_none() {
            return Err(invalid("ref", "is ambiguous"));
        }
    }
    Ok(())
}

/// The inputs after those of the call are put in: another value, a new one, or with `destroy` none.
fn merged_inputs(call: &Call, kept: &Value) -> Value {
    let mut inputs: Vec<Value> = kept.as_array().cloned().unwrap_or_default();
    if let Some(Value::Array(given)) = call.value("inputs") {
        for item in given {
            inputs.retain(|input| input["name"] != item["name"]);
            if item["destroy"] != true {
                inputs.push(json!({ "name": item["name"], "value": item["value"] }));
            }
        }
    }
    inputs.into()
}

pub fn create(call: &Call) -> Outcome {
    let project = call.project(DEVELOPER)?;
    let (description, reference, cron) = (call.str("description")?, call.str("ref")?, call.str("cron")?);
    checked(call)?;
    let user = call.user()?.id;
    let value = call.with(|state| {
        let value = json!({
            "id": state.next("schedule"), "description": description, "ref": reference, "cron": cron,
            "cron_timezone": call.opt_str("cron_timezone").unwrap_or_else(|| "UTC".into()),
            "next_run_at": null, "active": call.opt_bool("active").unwrap_or(true),
            "created_at": now(), "updated_at": now(), "last_pipeline": null, "variables": [],
            "inputs": merged_inputs(call, &json!([])),
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

/// Only its owner and maintainers change a schedule.
fn own(call: &Call) -> Result<(Project, Value), Refusal> {
    let (project, schedule) = find(call, DEVELOPER)?;
    let owner = schedule["owner"]["id"].as_u64();
    if owner != Some(call.user()?.id) && call.project(MAINTAINER).is_err() {
        return Err(Refusal::forbidden());
    }
    Ok((project, schedule))
}

fn keep(call: &Call, project: &Project, schedule: &Value) {
    call.with(|state| {
        let schedules = &mut state.shelf(project.id).schedules;
        if let Some(kept) = schedules.iter_mut().find(|item| item["id"] == schedule["id"]) {
            *kept = schedule.clone();
        }
    });
}

/// The last pipeline as it stands now.
fn shown(call: &Call, mut schedule: Value) -> Value {
    let last = schedule["last_pipeline"]["id"].as_u64();
    schedule["last_pipeline"] = call.with(|state| {
        last.and_then(|id| state.pipelines.get(&id))
            .map_or(Value::Null, |pipeline| {
                json!({ "id": pipeline.id, "sha": pipeline.sha, "ref": pipeline.reference, "status": pipeline.status })
            })
    });
    schedule
}

pub fn get(call: &Call) -> Outcome {
    let (_, mut schedule) = find(call, REPORTER)?;
    let owner = schedule["owner"]["id"].as_u64();
    if owner != Some(call.user()?.id)
        && call.project(MAINTAINER).is_err()
        && let Some(schedule) = schedule.as_object_mut()
    {
        schedule.remove("variables");
    }
    Answer::ok(shown(call, schedule))
}

pub fn update(call: &Call) -> Outcome {
    let (project, mut schedule) = own(call)?;
    checked(call)?;
    for key in ["description", "ref", "cron", "cron_timezone"] {
        if let Some(text) = call.opt_str(key) {
            schedule[key] = text.into();
        }
    }
    if let Some(active) = call.opt_bool("active") {
        schedule["active"] = active.into();
    }
    schedule["inputs"] = merged_inputs(call, &schedule["inputs"]);
    schedule["updated_at"] = now().into();
    keep(call, &project, &schedule);
    Answer::ok(shown(call, schedule))
}

pub fn take_ownership(call: &Call) -> Outcome {
    let (project, mut schedule) = find(call, MAINTAINER)?;
    let user = call.user()?.id;
    schedule["owner"] = call.with(|state| state.user_json(user, &call.app.url));
    keep(call, &project, &schedule);
    Answer::created(shown(call, schedule))
}

pub fn delete(call: &Call) -> Outcome {
    let (project, schedule) = own(call)?;
    call.with(|state| {
        state
            .shelf(project.id)
            .schedules
            .retain(|item| item["id"] != schedule["id"]);
    });
    Answer::no_content()
}

pub fn play(call: &Call) -> Outcome {
    let (project, mut schedule) = find(call, DEVELOPER)?;
    let reference = schedule["ref"].as_str().unwrap_or_default().to_owned();
    let list = |key: &str| schedule[key].as_array().cloned().unwrap_or_default();
    let inputs = list("inputs").into_iter().filter_map(|input| {
        let name = input["name"].as_str()?.to_owned();
        Some((name, Node::from_json(&input["value"])))
    });
    let reason = Reason {
        source: "schedule",
        user: schedule["owner"]["id"].as_u64().unwrap_or(call.user()?.id),
        variables: list("variables"),
        inputs: inputs.collect(),
    };
    let id = pipelines::start(call, &project, &reference, reason)?;
    schedule["last_pipeline"] = json!({ "id": id });
    keep(call, &project, &schedule);
    Answer::created(json!({ "message": "201 Created" }))
}

pub fn pipelines(call: &Call) -> Outcome {
    let (_, schedule) = find(call, REPORTER)?;
    let last = schedule["last_pipeline"]["id"].as_u64();
    let items = call.with(|state| {
        last.and_then(|id| state.pipelines.get(&id))
            .map(|pipeline| pipelines::basic(&call.app, state, pipeline))
            .into_iter()
            .collect()
    });
    page::answer(call, items)
}

fn variables_of(schedule: &Value) -> Vec<Value> {
    schedule["variables"].as_array().cloned().unwrap_or_default()
}

pub fn add_variable(call: &Call) -> Outcome {
    let (project, mut schedule) = own(call)?;
    let (key, value) = (call.str("key")?, call.str("value")?);
    if key.is_empty() || !key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(invalid("key", "can contain only letters, digits and '_'."));
    }
    let mut variables = variables_of(&schedule);
    if variables.iter().any(|variable| variable["key"] == key.as_str()) {
        return Err(invalid(
            "variables.key",
            &format!("({key}) has already been taken"),
        ));
    }
    let variable = json!({
        "key": key, "variable_type": call.opt_str("variable_type").unwrap_or_else(|| "env_var".into()),
        "value": value, "raw": false,
    });
    variables.push(variable.clone());
    schedule["variables"] = variables.into();
    keep(call, &project, &schedule);
    Answer::created(variable)
}

pub fn change_variable(call: &Call) -> Outcome {
    let (project, mut schedule) = own(call)?;
    let mut variables = variables_of(&schedule);
    let key = call.param("key");
    let variable = variables
        .iter_mut()
        .find(|variable| variable["key"] == key)
        .ok_or_else(|| Refusal::missing("Pipeline Schedule Variable"))?;
    for field in ["value", "variable_type"] {
        if let Some(text) = call.opt_str(field) {
            variable[field] = text.into();
        }
    }
    let changed = variable.clone();
    schedule["variables"] = variables.into();
    keep(call, &project, &schedule);
    Answer::ok(changed)
}

pub fn delete_variable(call: &Call) -> Outcome {
    let (project, mut schedule) = own(call)?;
    let mut variables = variables_of(&schedule);
    let key = call.param("key");
    let place = variables
        .iter()
        .position(|variable| variable["key"] == key)
        .ok_or_else(|| Refusal::missing("Pipeline Schedule Variable"))?;
    let gone = variables.remove(place);
    schedule["variables"] = variables.into();
    keep(call, &project, &schedule);
    Ok(Answer::json(202, &gone))
}
