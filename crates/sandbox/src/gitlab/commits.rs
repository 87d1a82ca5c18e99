//! Commits: reading, writing with actions, comparing, statuses.

use serde_json::{Value, json};

use super::call::{Answer, Call, DEVELOPER, Outcome, REPORTER, Refusal, plain};
use super::ci::variables::text;
use super::git::{Change, Commit, NOTHING, Repository, Signature};
use super::push::{self, Moved, may_push};
use super::state::{Project, now};
use super::{files, page, pipelines};

/// A commit to write on a branch.
pub struct Writing {
    pub branch: String,
    pub start_branch: Option<String>,
    pub start_sha: Option<String>,
    pub message: String,
    pub changes: Vec<Change>,
    pub author_name: Option<String>,
    pub author_email: Option<String>,
    pub force: bool,
}

/// Writes the commit, moves the branch and runs what follows a push.
pub fn write(call: &Call, project: &Project, writing: &Writing) -> Result<Commit, Refusal> {
    let repository = call.app.repository(project.id);
    let user = call.user()?;
    let level = call.with(|state| state.project_access(Some(user), project));
    if !may_push(project, &writing.branch, level) {
        return Err(Refusal::bad("You are not allowed to push into this branch"));
    }
    if writing.message.trim().is_empty() {
        return Err(Refusal::bad("commit_message is empty"));
    }
    let existing = repository.branch(&writing.branch);
    let start = writing.start_branch.clone().or_else(|| writing.start_sha.clone());
    let parent = match (&existing, &start) {
        (Some(_), Some(start)) if *start != writing.branch && !writing.force => {
            return Err(Refusal::bad(format!(
                "A branch called '{}' already exists. Switch to that branch in order to make changes",
                writing.branch
            )));
        }
        (_, Some(start)) => Some(
            repository
                .resolve(start)
                .ok_or_else(|| Refusal::bad(format!("Invalid reference name: {start}")))?,
        ),
        (Some(head), None) => Some(head.clone()),
        (None, None) if repository.is_empty() => None,
        (None, None) => {
            return Err(Refusal::bad(
                "You can only create or edit files when you are on a branch",
            ));
        }
    };
    let author = Signature {
        name: writing.author_name.clone().unwrap_or_else(|| user.name.clone()),
        email: writing.author_email.clone().unwrap_or_else(|| user.email.clone()),
    };
    let sha = repository.write_commit(parent.as_deref(), &writing.changes, &writing.message, &author)?;
    let before = existing.unwrap_or_else(|| NOTHING.to_owned());
    let reference = format!("refs/heads/{}", writing.branch);
    repository
        .update_ref(&reference, &sha, &before)
        .map_err(|_| Refusal::bad("Could not update branch. Please refresh and try again."))?;
    let moved = Moved {
        reference,
        before,
        after: sha.clone(),
    };
    push::follow(&call.app, project.id, user.id, &moved, false);
    repository.commit(&sha).ok_or_else(|| Refusal::missing("Commit"))
}

pub fn list(call: &Call) -> Outcome {
    let (project, repository) = call.repository(REPORTER)?;
    let reference = call
        .opt_str("ref_name")
        .unwrap_or_else(|| project.default_branch.clone());
    let all = call.flag("all");
    if repository.is_empty() {
        return page::answer(call, Vec::new());
    }
    let start = match reference.split_once("..") {
        Some(_) => Some(reference.clone()),
        None => repository.resolve(&reference),
    };
    let start = if all {
        "--all".to_owned()
    } else {
        start.ok_or_else(|| Refusal::missing("Commit"))?
    };
    let mut args = vec![start];
    for (name, flag) in [("since", "--since"), ("until", "--until"), ("author", "--author")] {
        if let Some(value) = call.opt_str(name) {
            args.push(format!("{flag}={value}"));
        }
    }
    if call.flag("first_parent") {
        args.push("--first-parent".into());
    }
    if let Some(path) = call.opt_str("path").filter(|path| !path.is_empty()) {
        args.extend(["--".into(), path]);
    }
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let url = call.app.project_url(&project);
    let commits = repository.log(&args).map_err(|_| Refusal::missing("Commit"))?;
    page::answer(call, commits.iter().map(|commit| commit.to_json(&url)).collect())
}

fn find(call: &Call) -> Result<(Project, Repository, Commit), Refusal> {
    let (project, repository) = call.repository(REPORTER)?;
    let sha = repository
        .resolve(call.param("sha"))
        .ok_or_else(|| Refusal::missing("Commit"))?;
    let commit = repository
        .commit(&sha)
        .ok_or_else(|| Refusal::missing("Commit"))?;
    Ok((project, repository, commit))
}

fn detail(call: &Call, project: &Project, repository: &Repository, commit: &Commit, stats: bool) -> Value {
    let mut value = commit.to_json(&call.app.project_url(project));
    if stats {
        let parent = commit
            .parents
            .first()
            .map_or("4b825dc642cb6eb9a060e54bf8d69288fbee4904", String::as_str);
        let counted = repository
            .text(&["diff", "--numstat", parent, &commit.id])
            .unwrap_or_default();
        let (mut additions, mut deletions) = (0_u64, 0_u64);
        for line in counted.lines() {
            let mut columns = line.split('\t');
            additions += columns.next().and_then(|n| n.parse().ok()).unwrap_or(0);
            deletions += columns.next().and_then(|n| n.parse().ok()).unwrap_or(0);
        }
        value["stats"] =
            json!({ "additions": additions, "deletions": deletions, "total": additions + deletions });
    }
    let last = call.with(|state| {
        let pipeline = state
            .pipelines
            .values()
            .rev()
            .find(|p| p.project_id == project.id && p.sha == commit.id)?;
        Some(pipelines::basic(&call.app, state, pipeline))
    });
    value["status"] = last
        .as_ref()
        .map_or(Value::Null, |pipeline| pipeline["status"].clone());
    value["project_id"] = project.id.into();
    value["last_pipeline"] = last.unwrap_or(Value::Null);
    value
}

pub fn get(call: &Call) -> Outcome {
    let (project, repository, commit) = find(call)?;
    Answer::ok(detail(
        call,
        &project,
        &repository,
        &commit,
        call.opt_bool("stats") != Some(false),
    ))
}

pub fn diff(call: &Call) -> Outcome {
    let (_, repository, commit) = find(call)?;
    let diffs = repository.diff(commit.parents.first().map(String::as_str), &commit.id)?;
    page::answer(call, diffs)
}

pub fn refs(call: &Call) -> Outcome {
    let (_, repository, commit) = find(call)?;
    let mut items = Vec::new();
    for (kind, folder) in [("branch", "refs/heads"), ("tag", "refs/tags")] {
        if call
            .opt_str("type")
            .is_some_and(|wanted| wanted != kind && wanted != "all")
        {
            continue;
        }
        let contains = format!("--contains={}", commit.id);
        let listed = repository.text(&["for-each-ref", "--format=%(refname:lstrip=2)", &contains, folder])?;
        items.extend(listed.lines().map(|name| json!({ "type": kind, "name": name })));
    }
    page::answer(call, items)
}

pub fn comments(call: &Call) -> Outcome {
    find(call)?;
    page::answer(call, Vec::new())
}

pub fn merge_requests(call: &Call) -> Outcome {
    let (project, repository, commit) = find(call)?;
    let requests: Vec<_> = call.with(|state| {
        state
            .merge_requests
            .values()
            .filter(|request| request.project_id == project.id)
            .cloned()
            .collect()
    });
    let touches = |request: &super::state::MergeRequest| {
        request.merge_commit_sha.as_ref() == Some(&commit.id)
            || match (&request.base_sha, &request.sha) {
                (Some(base), Some(head)) => repository
                    .text(&["rev-list", head, &format!("^{base}")])
                    .is_ok_and(|list| list.lines().any(|sha| sha == commit.id)),
                _ => false,
            }
    };
    let items = requests
        .iter()
        .filter(|request| touches(request))
        .map(|r| super::merge_requests::json(&call.app, r, false))
        .collect();
    page::answer(call, items)
}

/// The changes that the `actions` of a commit name.
fn actions(call: &Call, repository: &Repository, head: Option<&str>) -> Result<Vec<Change>, Refusal> {
    let Some(Value::Array(actions)) = call.value("actions") else {
        return Err(Refusal::new(400, json!({ "error": "actions is missing" })));
    };
    let present = |path: &str| head.is_some_and(|head| repository.file(head, path).is_some());
    let mut changes = Vec::new();
    for action in &actions {
        let path = text(action, "file_path");
        let encoding = action.get("encoding").and_then(Value::as_str);
        let content = action.get("content").map(plain);
        let bytes = content
            .as_deref()
            .map(|text| files::content(text, encoding))
            .transpose()?;
        let executable = action.get("execute_filemode").map(|value| plain(value) == "true");
        let kind = text(action, "action");
        if path.is_empty() || path.contains("..") || path.starts_with('/') {
            return Err(Refusal::bad("You must provide a file path"));
        }
        match (kind.as_str(), present(&path)) {
            ("create", true) => return Err(Refusal::bad("A file with this name already exists")),
            ("update" | "delete" | "chmod", false) => {
                return Err(Refusal::bad("A file with this name doesn't exist"));
            }
            _ => {}
        }
        changes.push(match kind.as_str() {
            "create" | "update" => Change::Write {
                path,
                content: bytes.unwrap_or_default(),
                executable,
            },
            "delete" => Change::Delete { path },
            "move" => Change::Move {
                from: text(action, "previous_path"),
                to: path,
                content: bytes,
            },
            "chmod" => Change::Chmod {
                path,
                executable: executable.unwrap_or(false),
            },
            _ => {
                return Err(Refusal::new(
                    400,
                    json!({ "error": "actions[action] does not have a valid value" }),
                ));
            }
        });
    }
    Ok(changes)
}

pub fn create(call: &Call) -> Outcome {
    let (project, repository) = call.repository(DEVELOPER)?;
    let branch = call.str("branch")?;
    let start_branch = call.opt_str("start_branch");
    let start_sha = call.opt_str("start_sha");
    let head = repository.resolve(start_sha.as_ref().or(start_branch.as_ref()).unwrap_or(&branch));
    let writing = Writing {
        message: call.str("commit_message")?,
        changes: actions(call, &repository, head.as_deref())?,
        branch,
        start_branch,
        start_sha,
        author_name: call.opt_str("author_name"),
        author_email: call.opt_str("author_email"),
        force: call.flag("force"),
    };
    let commit = write(call, &project, &writing)?;
    Answer::created(detail(
        call,
        &project,
        &repository,
        &commit,
        call.opt_bool("stats") != Some(false),
    ))
}

pub fn revert(call: &Call) -> Outcome {
    let (project, repository, commit) = find(call)?;
    let branch = call.str("branch")?;
    let parent = commit.parents.first().cloned();
    let head = repository
        .branch(&branch)
        .ok_or_else(|| Refusal::missing("Branch"))?;
    let mut changes = Vec::new();
    for path in repository.changed_paths(parent.as_deref(), &commit.id) {
        let now_there = repository.file(&head, &path).map(|(entry, _)| entry.id);
        if now_there != repository.file(&commit.id, &path).map(|(entry, _)| entry.id) {
            return Err(Refusal::new(
                400,
                json!({ "message": "Sorry, we cannot revert this commit automatically. This commit may already have been reverted, or a more recent commit may have updated some of its content.", "error_code": "conflict" }),
            ));
        }
        match parent
            .as_deref()
            .and_then(|parent| repository.file(parent, &path))
        {
            Some((_, content)) => changes.push(Change::Write {
                path,
                content,
                executable: None,
            }),
            None => changes.push(Change::Delete { path }),
        }
    }
    let writing = Writing {
        branch,
        start_branch: None,
        start_sha: None,
        message: format!(
            "Revert \"{}\"\n\nThis reverts commit {}",
            commit.title(),
            commit.id
        ),
        changes,
        author_name: None,
        author_email: None,
        force: false,
    };
    let commit = write(call, &project, &writing)?;
    Answer::created(commit.to_json(&call.app.project_url(&project)))
}

pub fn compare(call: &Call) -> Outcome {
    let (project, repository) = call.repository(REPORTER)?;
    let resolve = |name: &str| -> Result<String, Refusal> {
        let text = call.str(name)?;
        repository.resolve(&text).ok_or_else(|| Refusal::missing("Ref"))
    };
    let (from, to) = (resolve("from")?, resolve("to")?);
    let url = call.app.project_url(&project);
    let commits = repository.log(&["--reverse", &format!("{from}..{to}")])?;
    let base = if call.flag("straight") {
        Some(from.clone())
    } else {
        repository.merge_base(&from, &to)
    };
    let diffs = repository.diff(base.as_deref(), &to)?;
    Answer::ok(json!({
        "commit": commits.last().map(|commit| commit.to_json(&url)),
        "commits": commits.iter().map(|commit| commit.to_json(&url)).collect::<Vec<_>>(),
        "diffs": diffs,
        "compare_timeout": false,
        "compare_same_ref": from == to,
        "web_url": format!("{url}/-/compare/{from}...{to}"),
    }))
}

pub fn merge_base(call: &Call) -> Outcome {
    let (project, repository) = call.repository(REPORTER)?;
    let refs = call.list("refs").unwrap_or_default();
    let [one, other] = &refs[..] else {
        return Err(Refusal::bad("Provide exactly 2 refs"));
    };
    let base = repository
        .resolve(one)
        .zip(repository.resolve(other))
        .and_then(|(a, b)| repository.merge_base(&a, &b));
    let commit = base
        .and_then(|sha| repository.commit(&sha))
        .ok_or_else(|| Refusal::missing("Merge Base"))?;
    Answer::ok(commit.to_json(&call.app.project_url(&project)))
}

pub fn contributors(call: &Call) -> Outcome {
    let (project, repository) = call.repository(REPORTER)?;
    let commits = repository.log(&[&project.default_branch]).unwrap_or_default();
    let mut people: Vec<(String, String, u64)> = Vec::new();
    for commit in commits {
        match people
            .iter_mut()
            .find(|(_, email, _)| *email == commit.author_email)
        {
            Some(person) => person.2 += 1,
            None => people.push((commit.author_name, commit.author_email, 1)),
        }
    }
    let items = people
        .into_iter()
        .map(|(name, email, commits)| json!({ "name": name, "email": email, "commits": commits, "additions": 0, "deletions": 0 }))
        .collect();
    page::answer(call, items)
}

pub fn statuses(call: &Call) -> Outcome {
    let (project, _, commit) = find(call)?;
    let items = call.with(|state| {
        let mut items: Vec<Value> =
            state.shelf(project.id).statuses.iter().filter(|status| status["sha"] == commit.id.as_str()).cloned().collect();
        let jobs = state.jobs.values().filter(|job| job.project_id == project.id && !job.retried);
        items.extend(jobs.filter_map(|job| {
            let pipeline = state.pipelines.get(&job.pipeline_id).filter(|pipeline| pipeline.sha == commit.id)?;
            Some(json!({
                "id": job.id, "sha": pipeline.sha, "ref": pipeline.reference, "status": job.status, "name": job.name,
                "target_url": format!("{}/-/jobs/{}", call.app.url, job.id), "description": null,
                "created_at": job.created_at, "started_at": job.started_at, "finished_at": job.finished_at,
                "allow_failure": job.allow_failure, "coverage": job.coverage, "pipeline_id": pipeline.id,
                "author": state.user_json(job.user_id, &call.app.url),
            }))
        }));
        items
    });
    page::answer(call, items)
}

/// Sets an external status; the latest one of each name counts.
pub fn set_status(call: &Call) -> Outcome {
    let (project, repository) = call.repository(DEVELOPER)?;
    let commit = repository
        .resolve(call.param("sha"))
        .ok_or_else(|| Refusal::missing("Commit"))?;
    let status = call.opt_str("state").or_else(|| call.opt_str("status"));
    let status = status.ok_or_else(|| Refusal::new(400, json!({ "error": "state is missing" })))?;
    if !["pending", "running", "success", "failed", "canceled", "skipped"].contains(&status.as_str()) {
        return Err(Refusal::new(
            400,
            json!({ "error": "state does not have a valid value" }),
        ));
    }
    let name = call
        .opt_str("name")
        .or_else(|| call.opt_str("context"))
        .unwrap_or_else(|| "default".into());
    let user = call.user()?.id;
    let value = call.with(|state| {
        let value = json!({
            "id": state.next("job"),
            "sha": commit,
            "ref": call.opt_str("ref").unwrap_or_else(|| project.default_branch.clone()),
            "status": status,
            "name": name,
            "target_url": call.opt_str("target_url"),
            "description": call.opt_str("description"),
            "created_at": now(),
            "started_at": null,
            "finished_at": if status == "success" || status == "failed" { Some(now()) } else { None },
            "allow_failure": false,
            "coverage": null,
            "pipeline_id": null,
            "author": state.user_json(user, &call.app.url),
        });
        let statuses = &mut state.shelf(project.id).statuses;
        statuses.retain(|other| other["sha"] != value["sha"] || other["name"] != value["name"]);
        statuses.push(value.clone());
        value
    });
    Answer::created(value)
}
