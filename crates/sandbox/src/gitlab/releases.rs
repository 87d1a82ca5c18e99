//! Releases of a project (GitLab's own, tied to tags).

use serde_json::{Value, json};

use super::call::{Answer, Call, DEVELOPER, Outcome, REPORTER, Refusal};
use super::state::now;
use super::{page, tags};

pub fn list(call: &Call) -> Outcome {
    let project = call.project(REPORTER)?;
    let items = call.with(|state| state.shelf(project.id).releases.iter().rev().cloned().collect());
    page::answer(call, items)
}

pub fn create(call: &Call) -> Outcome {
    let (project, repository) = call.repository(DEVELOPER)?;
    let tag = call.str("tag_name")?;
    if call.with(|state| {
        state
            .shelf(project.id)
            .releases
            .iter()
            .any(|release| release["tag_name"] == tag.as_str())
    }) {
        return Err(Refusal::message(409, "Release already exists"));
    }
    if repository.tag(&tag).is_none() {
        let from = call
            .opt_str("ref")
            .ok_or_else(|| Refusal::message(422, "Ref is not specified"))?;
        tags::make(
            call,
            &project,
            &tag,
            &from,
            call.opt_str("tag_message").as_deref(),
        )?;
    }
    let sha = repository.tag(&tag).ok_or_else(|| Refusal::missing("Tag"))?;
    let url = call.app.project_url(&project);
    let commit = repository.commit(&sha).map(|commit| commit.to_json(&url));
    let user = call.user()?.id;
    let description = call.opt_str("description").unwrap_or_default();
    let value = call.with(|state| {
        let value = json!({
            "tag_name": tag,
            "description": description,
            "name": call.opt_str("name").unwrap_or_else(|| tag.clone()),
            "description_html": format!("<p>{description}</p>"),
            "created_at": now(),
            "released_at": call.opt_str("released_at").unwrap_or_else(now),
            "upcoming_release": false,
            "author": state.user_json(user, &call.app.url),
            "commit": commit,
            "commit_path": format!("{}/-/commit/{sha}", state.project_path(&project)),
            "tag_path": format!("{}/-/tags/{tag}", state.project_path(&project)),
            "assets": { "count": 0, "sources": [], "links": [] },
            "evidences": [],
            "_links": { "self": format!("{url}/-/releases/{tag}") },
        });
        state.shelf(project.id).releases.push(value.clone());
        value
    });
    Answer::created(value)
}

pub fn get(call: &Call) -> Outcome {
    let project = call.project(REPORTER)?;
    let tag = call.param("tag_name");
    let found = call.with(|state| {
        state
            .shelf(project.id)
            .releases
            .iter()
            .find(|r| r["tag_name"] == tag)
            .cloned()
    });
    Answer::ok(found.ok_or_else(|| Refusal::not_found("404 Not Found"))?)
}

pub fn latest(call: &Call) -> Outcome {
    let project = call.project(REPORTER)?;
    let found = call.with(|state| state.shelf(project.id).releases.last().cloned());
    Answer::ok(found.ok_or_else(|| Refusal::not_found("404 Not Found"))?)
}

pub fn update(call: &Call) -> Outcome {
    let project = call.project(DEVELOPER)?;
    let tag = call.param("tag_name");
    let value = call.with(|state| -> Option<Value> {
        let release = state
            .shelf(project.id)
            .releases
            .iter_mut()
            .find(|release| release["tag_name"] == tag)?;
        for key in ["name", "description", "released_at"] {
            if let Some(text) = call.opt_str(key) {
                release[key] = text.into();
            }
        }
        Some(release.clone())
    });
    Answer::ok(value.ok_or_else(|| Refusal::not_found("404 Not Found"))?)
}

pub fn delete(call: &Call) -> Outcome {
    let project = call.project(DEVELOPER)?;
    let tag = call.param("tag_name");
    let removed = call.with(|state| {
        let releases = &mut state.shelf(project.id).releases;
        let index = releases.iter().position(|release| release["tag_name"] == tag)?;
        Some(releases.remove(index))
    });
    Answer::ok(removed.ok_or_else(|| Refusal::not_found("404 Not Found"))?)
}
