//! Notes on issues and merge requests.

use serde_json::{Value, json};

use super::call::{Answer, Call, GUEST, Outcome, Refusal};
use super::issues::{find, guarded};
use super::state::{Project, now};
use super::{merge_requests, page, webhook};

/// What a note hangs on: kind and id.
fn noteable(call: &Call, least: u64) -> Result<(Project, &'static str, Value), Refusal> {
    if call.target.contains("/merge_requests/") {
        let (project, _, request) = merge_requests::find(call, least)?;
        return Ok((
            project,
            "MergeRequest",
            json!({ "id": request.id, "iid": request.iid }),
        ));
    }
    let project = guarded(call, least)?;
    let issue = find(call, &project)?;
    Ok((project, "Issue", issue))
}

fn notes(call: &Call) -> Outcome {
    let (project, kind, target) = noteable(call, GUEST)?;
    let mut items: Vec<Value> = call.with(|state| {
        let of = |note: &&Value| note["noteable_type"] == kind && note["noteable_id"] == target["id"];
        state.shelf(project.id).notes.iter().filter(of).cloned().collect()
    });
    if call.opt_str("sort").as_deref() != Some("asc") {
        items.reverse();
    }
    page::answer(call, items)
}

fn add_note(call: &Call) -> Outcome {
    let (project, kind, target) = noteable(call, GUEST)?;
    let user = call.user()?.id;
    let body = call.str("body")?;
    let internal = call.flag("internal") || call.flag("confidential");
    let note = call.with(|state| {
        let created_at = now();
        let note = json!({
            "id": state.next("note"),
            "type": null,
            "body": body,
            "attachment": null,
            "author": state.user_json(user, &call.app.url),
            "created_at": created_at,
            "updated_at": created_at,
            "system": false,
            "noteable_id": target["id"],
            "noteable_type": kind,
            "project_id": project.id,
            "resolvable": false,
            "confidential": internal,
            "internal": internal,
            "imported": false,
            "imported_from": "none",
            "noteable_iid": target["iid"],
            "commands_changes": {},
        });
        let shelf = state.shelf(project.id);
        shelf.notes.push(note.clone());
        if let Some(issue) = shelf
            .issues
            .iter_mut()
            .find(|issue| kind == "Issue" && issue["id"] == target["id"])
        {
            let count = issue["user_notes_count"].as_u64().unwrap_or_default() + 1;
            issue["user_notes_count"] = count.into();
            // A note touches what it hangs on.
            issue["updated_at"] = created_at.clone().into();
        }
        note
    });
    webhook::note(&call.app, &project, &note, user, "create");
    Answer::created(note)
}

/// What GitLab writes itself beneath an issue that was changed.
pub fn system_note(call: &Call, project: &Project, issue: &Value, user: u64, body: &str) {
    call.with(|state| {
        let created_at = now();
        let note = json!({
            "id": state.next("note"),
            "type": null,
            "body": body,
            "attachment": null,
            "author": state.user_json(user, &call.app.url),
            "created_at": created_at,
            "updated_at": created_at,
            "system": true,
            "noteable_id": issue["id"],
            "noteable_type": "Issue",
            "project_id": project.id,
            "resolvable": false,
            "confidential": false,
            "internal": false,
            "imported": false,
            "imported_from": "none",
            "noteable_iid": issue["iid"],
            "commands_changes": {},
        });
        state.shelf(project.id).notes.push(note);
    });
}

pub fn issue_notes(call: &Call) -> Outcome {
    notes(call)
}

pub fn merge_request_notes(call: &Call) -> Outcome {
    notes(call)
}

pub fn add_issue_note(call: &Call) -> Outcome {
    add_note(call)
}

pub fn add_merge_request_note(call: &Call) -> Outcome {
    add_note(call)
}

fn one_note(call: &Call) -> Result<(Project, Value), Refusal> {
    let (project, kind, target) = noteable(call, GUEST)?;
    let id = call.id("note_id")?;
    let of = |note: &&Value| {
        note["id"] == id && note["noteable_type"] == kind && note["noteable_id"] == target["id"]
    };
    let found = call.with(|state| state.shelf(project.id).notes.iter().find(of).cloned());
    Ok((project, found.ok_or_else(|| Refusal::not_found("404 Not found"))?))
}

pub fn note(call: &Call) -> Outcome {
    Answer::ok(one_note(call)?.1)
}

pub fn update_note(call: &Call) -> Outcome {
    let (project, mut note) = one_note(call)?;
    note["body"] = call.str("body")?.into();
    note["updated_at"] = now().into();
    let user = call.user()?.id;
    call.with(|state| {
        if let Some(kept) = state
            .shelf(project.id)
            .notes
            .iter_mut()
            .find(|kept| kept["id"] == note["id"])
        {
            *kept = note.clone();
        }
    });
    webhook::note(&call.app, &project, &note, user, "update");
    Answer::ok(note)
}

pub fn delete_note(call: &Call) -> Outcome {
    let (project, note) = one_note(call)?;
    call.with(|state| {
        state
            .shelf(project.id)
            .notes
            .retain(|kept| kept["id"] != note["id"]);
    });
    Answer::no_content()
}
