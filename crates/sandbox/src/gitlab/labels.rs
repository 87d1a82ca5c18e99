//! Labels and milestones.

use serde_json::{Value, json};

use super::call::{Answer, Call, DEVELOPER, GUEST, Outcome, REPORTER, Refusal};
use super::page;
use super::state::{Shelf, State, now};

/// Labels that issues name come into being.
pub fn ensure(state: &mut State, project: u64, names: &[String]) {
    for name in names {
        if state
            .shelf(project)
            .labels
            .iter()
            .any(|label| label["name"] == name.as_str())
        {
            continue;
        }
        let label = new_label(state, name, "#6699cc", None);
        state.shelf(project).labels.push(label);
    }
}

fn new_label(state: &mut State, name: &str, color: &str, description: Option<String>) -> Value {
    json!({
        "id": state.next("label"),
        "name": name,
        "description": description,
        "description_html": description.clone().unwrap_or_default(),
        "text_color": "#FFFFFF",
        "color": color,
        "archived": false,
        "open_issues_count": 0,
        "closed_issues_count": 0,
        "open_merge_requests_count": 0,
        "subscribed": false,
        "priority": null,
        "is_project_label": true,
    })
}

pub fn labels(call: &Call) -> Outcome {
    let project = call.project(GUEST)?;
    let search = call.opt_str("search").map(|text| text.to_lowercase());
    let items = call.with(|state| {
        let labels = state.shelf(project.id).labels.iter();
        labels
            .filter(|label| {
                search.as_deref().is_none_or(|text| {
                    label["name"]
                        .as_str()
                        .unwrap_or_default()
                        .to_lowercase()
                        .contains(text)
                })
            })
            .cloned()
            .collect()
    });
    page::answer(call, items)
}

pub fn create_label(call: &Call) -> Outcome {
    let project = call.project(REPORTER)?;
    let (name, color) = (call.str("name")?, call.str("color")?);
    let label = call.with(|state| {
        if state
            .shelf(project.id)
            .labels
            .iter()
            .any(|label| label["name"] == name.as_str())
        {
            return Err(Refusal::message(409, "Label already exists"));
        }
        let label = new_label(state, &name, &color, call.opt_str("description"));
        state.shelf(project.id).labels.push(label.clone());
        Ok(label)
    })?;
    Answer::created(label)
}

fn label_position(call: &Call, shelf: &Shelf) -> Result<usize, Refusal> {
    let wanted = call.param("label_id");
    let is = |label: &Value| label["name"] == wanted || wanted.parse().is_ok_and(|id: u64| label["id"] == id);
    shelf
        .labels
        .iter()
        .position(is)
        .ok_or_else(|| Refusal::missing("Label"))
}

pub fn label(call: &Call) -> Outcome {
    let project = call.project(GUEST)?;
    let label = call.with(|state| {
        let shelf = state.shelf(project.id);
        label_position(call, shelf).map(|index| shelf.labels[index].clone())
    })?;
    Answer::ok(label)
}

pub fn update_label(call: &Call) -> Outcome {
    let project = call.project(REPORTER)?;
    let label = call.with(|state| {
        let shelf = state.shelf(project.id);
        let index = label_position(call, shelf)?;
        let label = &mut shelf.labels[index];
        for (from, to) in [
            ("new_name", "name"),
            ("color", "color"),
            ("description", "description"),
        ] {
            if let Some(text) = call.opt_str(from) {
                label[to] = text.into();
            }
        }
        Ok::<_, Refusal>(label.clone())
    })?;
    Answer::ok(label)
}

pub fn delete_label(call: &Call) -> Outcome {
    let project = call.project(REPORTER)?;
    call.with(|state| {
        let shelf = state.shelf(project.id);
        label_position(call, shelf).map(|index| shelf.labels.remove(index))
    })?;
    Answer::no_content()
}

pub fn milestones(call: &Call) -> Outcome {
    let project = call.project(GUEST)?;
    let items = call.with(|state| state.shelf(project.id).milestones.clone());
    page::answer(call, items)
}

pub fn create_milestone(call: &Call) -> Outcome {
    let project = call.project(DEVELOPER)?;
    let title = call.str("title")?;
    let url = call.app.project_url(&project);
    let value = call.with(|state| {
        let id = state.next("milestone");
        let iid = state.shelf(project.id).next("milestone");
        let created_at = now();
        let value = json!({
            "id": id, "iid": iid, "project_id": project.id, "title": title,
            "description": call.opt_str("description"), "state": "active",
            "created_at": created_at, "updated_at": created_at,
            "due_date": call.opt_str("due_date"), "start_date": call.opt_str("start_date"),
            "expired": false, "web_url": format!("{url}/-/milestones/{iid}"),
        });
        state.shelf(project.id).milestones.push(value.clone());
        value
    });
    Answer::created(value)
}
