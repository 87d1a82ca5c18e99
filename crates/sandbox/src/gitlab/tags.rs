//! Tags.

use serde_json::{Value, json};

use super::call::{Answer, Call, DEVELOPER, Outcome, REPORTER, Refusal};
use super::git::{NOTHING, Repository};
use super::push::{self, Moved};
use super::state::Project;
use super::{App, page};

fn json(app: &App, project: &Project, repository: &Repository, name: &str) -> Option<Value> {
    let sha = repository.tag(name)?;
    let reference = format!("refs/tags/{name}");
    let facts = repository
        .text(&[
            "for-each-ref",
            "--format=%(objecttype)%00%(objectname)%00%(contents)",
            &reference,
        ])
        .ok()?;
    let mut facts = facts.trim_end().split('\0');
    let annotated = facts.next() == Some("tag");
    let target = facts.next().unwrap_or_default().to_owned();
    let message = facts.next().filter(|_| annotated).unwrap_or_default().to_owned();
    let commit = repository.commit(&sha)?;
    let release = app.with(|state| {
        let release = state
            .shelf(project.id)
            .releases
            .iter()
            .find(|release| release["tag_name"] == name)?;
        Some(json!({ "tag_name": name, "description": release["description"] }))
    });
    Some(json!({
        "name": name,
        "message": message,
        "target": target,
        "commit": commit.to_json(&app.project_url(project)),
        "release": release,
        "protected": false,
        "created_at": annotated.then(|| commit.committed_date.clone()),
    }))
}

pub fn list(call: &Call) -> Outcome {
    let (project, repository) = call.repository(REPORTER)?;
    let search = call.opt_str("search");
    let listed = repository.text(&[
        "for-each-ref",
        "--sort=-creatordate",
        "--format=%(refname:lstrip=2)",
        "refs/tags",
    ])?;
    let items = listed
        .lines()
        .filter(|name| {
            search
                .as_deref()
                .is_none_or(|text| name.contains(text.trim_start_matches('^')))
        })
        .filter_map(|name| json(&call.app, &project, &repository, name))
        .collect();
    page::answer(call, items)
}

pub fn get(call: &Call) -> Outcome {
    let (project, repository) = call.repository(REPORTER)?;
    let value = json(&call.app, &project, &repository, call.param("tag_name"));
    Answer::ok(value.ok_or_else(|| Refusal::missing("Tag"))?)
}

/// Makes a tag (annotated when there is a message) and runs what follows a push.
pub fn make(
    call: &Call,
    project: &Project,
    name: &str,
    from: &str,
    message: Option<&str>,
) -> Result<(), Refusal> {
    let repository = call.app.repository(project.id);
    if repository.tag(name).is_some() {
        return Err(Refusal::bad(format!("Tag {name} already exists")));
    }
    let reference = format!("refs/tags/{name}");
    if repository.text(&["check-ref-format", &reference]).is_err() {
        return Err(Refusal::bad("Tag name invalid"));
    }
    let sha = repository
        .resolve(from)
        .ok_or_else(|| Refusal::bad(format!("Target {from} is invalid")))?;
    let user = call.user()?;
    if let Some(message) = message.filter(|text| !text.is_empty()) {
        let env = [
            ("GIT_COMMITTER_NAME", user.name.as_str()),
            ("GIT_COMMITTER_EMAIL", user.email.as_str()),
        ];
        repository.run(&["tag", "-a", "-m", message, name, &sha], &env, b"")?;
    } else {
        repository.update_ref(&reference, &sha, NOTHING)?;
    }
    let moved = Moved {
        reference,
        before: NOTHING.into(),
        after: sha,
    };
    push::follow(&call.app, project.id, user.id, &moved, false);
    Ok(())
}

pub fn create(call: &Call) -> Outcome {
    let (project, repository) = call.repository(DEVELOPER)?;
    let name = call.str("tag_name")?;
    make(
        call,
        &project,
        &name,
        &call.str("ref")?,
        call.opt_str("message").as_deref(),
    )?;
    Answer::created(json(&call.app, &project, &repository, &name).unwrap_or(Value::Null))
}

pub fn delete(call: &Call) -> Outcome {
    let (project, repository) = call.repository(DEVELOPER)?;
    let name = call.param("tag_name");
    let sha = repository.tag(name).ok_or_else(|| Refusal::missing("Tag"))?;
    let reference = format!("refs/tags/{name}");
    repository.delete_ref(&reference)?;
    let moved = Moved {
        reference,
        before: sha,
        after: NOTHING.into(),
    };
    push::follow(&call.app, project.id, call.user()?.id, &moved, true);
    Answer::no_content()
}
