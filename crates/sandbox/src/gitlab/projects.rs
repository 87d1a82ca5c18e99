//! Projects.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::call::{Answer, Call, DEVELOPER, GUEST, MAINTAINER, OWNER, Outcome, REPORTER, Refusal};
use super::git::{Change, Repository, Signature};
use super::push::{self, Moved};
use super::state::{Project, State, User, now};
use super::{App, git, page};

#[expect(clippy::too_many_lines, reason = "one document of GitLab's")]
/// GitLab's project entity; `simple` is the short form of lists.
pub fn json(app: &App, project: &Project, user: Option<&User>, simple: bool) -> Value {
    let repository = app.repository(project.id);
    let head = repository.branch(&project.default_branch);
    let readme = head.as_ref().and_then(|sha| {
        repository
            .tree(sha, "", false)?
            .into_iter()
            .map(|entry| entry.path)
            .find(|path| path.to_lowercase().starts_with("readme"))
    });
    let empty = head.is_none() && repository.is_empty();
    let state = app.state.lock();
    let path = state.project_path(project);
    let namespace = state.namespace_path(project.namespace_id);
    let group = state.groups.get(&project.namespace_id);
    let namespace_name = state.namespace_name(project.namespace_id);
    let web = format!("{}/{path}", app.url);
    let api = format!("{}/api/v4/projects/{}", app.url, project.id);
    let host = app.registry_host();
    let mut value = json!({
        "id": project.id,
        "description": project.description,
        "name": project.name,
        "name_with_namespace": format!("{namespace_name} / {}", project.name),
        "path": project.path,
        "path_with_namespace": path,
        "created_at": project.created_at,
        "default_branch": if empty { Value::Null } else { project.default_branch.clone().into() },
        "tag_list": project.topics,
        "topics": project.topics,
        "ssh_url_to_repo": format!("git@{}:{path}.git", host.split(':').next().unwrap_or_default()),
        "http_url_to_repo": format!("{web}.git"),
        "web_url": web,
        "readme_url": readme.map(|name| format!("{web}/-/blob/{}/{name}", project.default_branch)),
        "forks_count": 0,
        "avatar_url": null,
        "star_count": 0,
        "last_activity_at": project.last_activity_at,
        "visibility": project.visibility,
        "namespace": {
            "id": project.namespace_id,
            "name": namespace_name.rsplit(" / ").next().unwrap_or_default(),
            "path": namespace.rsplit('/').next().unwrap_or_default(),
            "kind": if group.is_some() { "group" } else { "user" },
            "full_path": namespace,
            "parent_id": group.and_then(|group| group.parent_id),
            "avatar_url": null,
            "web_url": format!("{}/{}{namespace}", app.url, if group.is_some() { "groups/" } else { "" }),
        },
    });
    if simple {
        return value;
    }
    let issues = state.shelves.get(&project.id).map_or(0, |shelf| {
        shelf
            .issues
            .iter()
            .filter(|issue| issue["state"] == "opened")
            .count()
    });
    let own = user.and_then(|user| project.members.get(&user.id).copied());
    let inherited = user.map_or(0, |user| state.group_membership(user, project.namespace_id));
    let access = |level: u64| {
        if level > 0 {
            json!({ "access_level": level, "notification_level": 3 })
        } else {
            Value::Null
        }
    };
    let owner = user
        .is_some_and(|user| user.namespace_id == project.namespace_id)
        .then_some(OWNER);
    let rest = json!({
        "container_registry_image_prefix": format!("{host}/{}", path.to_lowercase()),
        "_links": {
            "self": api,
            "issues": format!("{api}/issues"),
            "merge_requests": format!("{api}/merge_requests"),
            "repo_branches": format!("{api}/repository/branches"),
            "labels": format!("{api}/labels"),
            "events": format!("{api}/events"),
            "members": format!("{api}/members"),
            "cluster_agents": format!("{api}/cluster_agents"),
        },
        "marked_for_deletion_at": null,
        "marked_for_deletion_on": null,
        "packages_enabled": true,
        "empty_repo": empty,
        "archived": project.archived,
        "owner": group.is_none().then(|| state.user_json(project.creator_id, &app.url)),
        "resolve_outdated_diff_discussions": false,
        "repository_object_format": "sha1",
        "issues_enabled": true,
        "merge_requests_enabled": true,
        "wiki_enabled": true,
        "jobs_enabled": true,
        "snippets_enabled": true,
        "container_registry_enabled": true,
        "service_desk_enabled": false,
        "can_create_merge_request_in": user.is_some(),
        "issues_access_level": "enabled",
        "repository_access_level": "enabled",
        "merge_requests_access_level": "enabled",
        "builds_access_level": "enabled",
        "environments_access_level": "enabled",
        "container_registry_access_level": "enabled",
        "emails_disabled": false,
        "emails_enabled": true,
        "shared_runners_enabled": true,
        "lfs_enabled": true,
        "creator_id": project.creator_id,
        "import_url": null,
        "import_type": null,
        "import_status": "none",
        "import_error": null,
        "open_issues_count": issues,
        "description_html": project.description.as_ref().map(|text| format!("<p>{text}</p>")),
        "updated_at": project.last_activity_at,
        "ci_default_git_depth": 20,
        "ci_forward_deployment_enabled": true,
        "ci_job_token_scope_enabled": false,
        "ci_separated_caches": true,
        "ci_allow_fork_pipelines_to_run_in_parent_project": true,
        "build_git_strategy": "fetch",
        "build_timeout": 3600,
        "auto_cancel_pending_pipelines": "enabled",
        "ci_config_path": "",
        "public_jobs": true,
        "shared_with_groups": [],
        "only_allow_merge_if_pipeline_succeeds": false,
        "allow_merge_on_skipped_pipeline": null,
        "request_access_enabled": true,
        "only_allow_merge_if_all_discussions_are_resolved": false,
        "remove_source_branch_after_merge": true,
        "printing_merge_request_link_enabled": true,
        "merge_method": "merge",
        "squash_option": "default_off",
        "enforce_auth_checks_on_uploads": true,
        "suggestion_commit_message": null,
        "merge_commit_template": null,
        "squash_commit_template": null,
        "issue_branch_template": null,
        "autoclose_referenced_issues": true,
        "auto_devops_enabled": false,
        "auto_devops_deploy_strategy": "continuous",
        "keep_latest_artifact": true,
        "runner_token_expiration_interval": null,
        "permissions": {
            "project_access": access(own.or(owner).unwrap_or_default()),
            "group_access": access(inherited),
        },
    });
    if let (Some(value), Value::Object(rest)) = (value.as_object_mut(), rest) {
        value.extend(rest);
        value.extend(project.settings.clone());
    }
    value
}

struct Filter {
    search: Option<String>,
    visibility: Option<String>,
    archived: Option<bool>,
    membership: bool,
    owned: bool,
    least: u64,
    topics: Vec<String>,
    id_after: Option<u64>,
    id_before: Option<u64>,
}

pub fn list(call: &Call) -> Outcome {
    let user = call.actor.as_ref().map(|actor| &actor.user);
    let filter = Filter {
        search: call.opt_str("search").map(|text| text.to_lowercase()),
        visibility: call.opt_str("visibility"),
        archived: call.opt_bool("archived"),
        membership: call.flag("membership"),
        owned: call.flag("owned"),
        least: call.opt_u64("min_access_level").unwrap_or_default(),
        topics: call.list("topic").unwrap_or_default(),
        id_after: call.opt_u64("id_after"),
        id_before: call.opt_u64("id_before"),
    };
    let namespaces = call.flag("search_namespaces");
    let mut found: Vec<(String, Project)> = call.with(|state| {
        state
            .projects
            .values()
            .filter(|project| project.visibility != "private" || state.project_access(user, project) >= GUEST)
            .filter(|project| keeps(&filter, state, user, project))
            .map(|project| (state.project_path(project), project.clone()))
            .collect()
    });
    if let Some(text) = &filter.search {
        found.retain(|(path, project)| {
            let place = if namespaces || text.contains('/') {
                path
            } else {
                &project.path
            };
            place.to_lowercase().contains(text) || project.name.to_lowercase().contains(text)
        });
    }
    let order = call.opt_str("order_by").unwrap_or_else(|| "created_at".into());
    found.sort_by(|(a_path, a), (b_path, b)| match order.as_str() {
        "name" => a.name.cmp(&b.name),
        "path" => a_path.cmp(b_path),
        "updated_at" | "last_activity_at" => a.last_activity_at.cmp(&b.last_activity_at),
        _ => a.id.cmp(&b.id),
    });
    if call.opt_str("sort").as_deref() != Some("asc") {
        found.reverse();
    }
    let simple = call.flag("simple") || user.is_none();
    let items: Vec<Value> = found
        .iter()
        .map(|(_, project)| json(&call.app, project, user, simple))
        .collect();
    if call.opt_str("pagination").as_deref() == Some("keyset") {
        if order != "id" {
            return Err(Refusal::new(
                405,
                json!({ "error": "Keyset pagination is not yet available for this type of request" }),
            ));
        }
        let name = if call.opt_str("sort").as_deref() == Some("asc") {
            "id_after"
        } else {
            "id_before"
        };
        // The filter has already left out what came before the cursor.
        return page::keyset(call, items, name, |item| item["id"].to_string());
    }
    page::answer(call, items)
}

fn keeps(filter: &Filter, state: &State, user: Option<&User>, project: &Project) -> bool {
    let member = user.map_or(0, |user| state.project_membership(user, project));
    filter
        .visibility
        .as_ref()
        .is_none_or(|wanted| *wanted == project.visibility)
        && filter.archived.is_none_or(|wanted| wanted == project.archived)
        && (!filter.membership || member > 0)
        && (!filter.owned
            || user.is_some_and(|user| member >= OWNER || user.namespace_id == project.namespace_id))
        && member.max(if user.is_some_and(|u| u.is_admin) {
            OWNER
        } else {
            0
        }) >= filter.least
        && filter.topics.iter().all(|topic| project.topics.contains(topic))
        && filter.id_after.is_none_or(|id| project.id > id)
        && filter.id_before.is_none_or(|id| project.id < id)
}

pub fn of_user(call: &Call) -> Outcome {
    let id = call.id("user_id")?;
    let user = call.actor.as_ref().map(|actor| &actor.user);
    let found: Vec<Project> = call.with(|state| {
        let namespace = state.users.get(&id).map(|owner| owner.namespace_id);
        state
            .projects
            .values()
            .filter(|project| Some(project.namespace_id) == namespace)
            .filter(|project| project.visibility != "private" || state.project_access(user, project) >= GUEST)
            .cloned()
            .collect()
    });
    page::answer(
        call,
        found
            .iter()
            .map(|project| json(&call.app, project, user, false))
            .collect(),
    )
}

pub fn get(call: &Call) -> Outcome {
    let project = call.project(GUEST)?;
    let mut value = json(
        &call.app,
        &project,
        call.actor.as_ref().map(|actor| &actor.user),
        call.flag("simple"),
    );
    if call.flag("statistics") {
        let repository = call.app.repository(project.id);
        let count = repository
            .text(&["rev-list", "--count", "--all"])
            .unwrap_or_default();
        value["statistics"] = json!({
            "commit_count": count.trim().parse::<u64>().unwrap_or_default(),
            "storage_size": 0, "repository_size": 0, "wiki_size": 0, "lfs_objects_size": 0,
            "job_artifacts_size": 0, "pipeline_artifacts_size": 0, "packages_size": 0, "snippets_size": 0,
            "uploads_size": 0, "container_registry_size": 0,
        });
    }
    Answer::ok(value)
}

/// What a new project needs.
pub struct New {
    pub name: String,
    pub path: String,
    pub namespace_id: u64,
    pub description: Option<String>,
    pub visibility: String,
    pub default_branch: String,
    pub creator: User,
}

/// Makes a project with an empty repository.
pub fn make(app: &App, new: New) -> Result<Project, Refusal> {
    let valid = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if new.path.is_empty() || !new.path.chars().all(valid) || new.path.starts_with(['-', '.']) {
        return Err(Refusal::new(
            400,
            json!({ "message": { "path": ["can contain only letters, digits, '_', '-' and '.'. Cannot start with '-', end in '.git' or end in '.atom'"] } }),
        ));
    }
    let project = app.with(|state| {
        let path = format!("{}/{}", state.namespace_path(new.namespace_id), new.path);
        if state.project_by_path(&path).is_some() || state.namespace_by_path(&path).is_some() {
            let taken = json!(["has already been taken"]);
            return Err(Refusal::new(
                400,
                json!({ "message": { "project_namespace.name": taken, "name": taken, "path": taken } }),
            ));
        }
        let created_at = now();
        let project = Project {
            id: state.next("project"),
            name: new.name,
            path: new.path,
            namespace_id: new.namespace_id,
            description: new.description,
            default_branch: new.default_branch,
            visibility: new.visibility,
            creator_id: new.creator.id,
            archived: false,
            last_activity_at: created_at.clone(),
            created_at,
            topics: Vec::new(),
            members: BTreeMap::new(),
            settings: Map::new(),
            protected_branches: Vec::new(),
        };
        state.projects.insert(project.id, project.clone());
        Ok(project)
    })?;
    Repository::init(&app.repository(project.id).dir, &project.default_branch)?;
    Ok(project)
}

pub fn create(call: &Call) -> Outcome {
    let user = call.user()?.clone();
    let name = call.opt_str("name").or_else(|| call.opt_str("path"));
    let name = name.ok_or_else(|| {
        Refusal::new(
            400,
            json!({ "error": "name, path are missing, at least one parameter must be provided" }),
        )
    })?;
    let namespace_id = call.opt_u64("namespace_id").unwrap_or(user.namespace_id);
    let allowed = call.with(|state| {
        user.is_admin
            || namespace_id == user.namespace_id
            || state.group_membership(&user, namespace_id) >= DEVELOPER
    });
    let known = call.with(|state| !state.namespace_path(namespace_id).is_empty());
    if !allowed || !known {
        return Err(Refusal::new(
            400,
            json!({ "message": { "namespace": ["is not valid"] } }),
        ));
    }
    let path = call
        .opt_str("path")
        .unwrap_or_else(|| super::ci::variables::slug(&name));
    let project = make(
        &call.app,
        New {
            path,
            name,
            namespace_id,
            description: call.opt_str("description"),
            visibility: call.opt_str("visibility").unwrap_or_else(|| "private".into()),
            default_branch: call.opt_str("default_branch").unwrap_or_else(|| "main".into()),
            creator: user.clone(),
        },
    )?;
    if call.flag("initialize_with_readme") {
        let content = format!("# {}\n", project.name).into_bytes();
        let changes = [Change::Write {
            path: "README.md".into(),
            content,
            executable: None,
        }];
        first_commit(&call.app, &project, &user, &changes, "Initial commit")?;
    }
    let project = call.with(|state| state.projects[&project.id].clone());
    apply_settings(call, project.id);
    Answer::created(json(&call.app, &project, Some(&user), false))
}

/// The first commit of an empty repository, with what follows a push.
pub fn first_commit(
    app: &App,
    project: &Project,
    user: &User,
    changes: &[Change],
    message: &str,
) -> anyhow::Result<String> {
    let repository = app.repository(project.id);
    let author = Signature {
        name: user.name.clone(),
        email: user.email.clone(),
    };
    let sha = repository.write_commit(None, changes, message, &author)?;
    let reference = format!("refs/heads/{}", project.default_branch);
    repository.update_ref(&reference, &sha, git::NOTHING)?;
    let moved = Moved {
        reference,
        before: git::NOTHING.into(),
        after: sha.clone(),
    };
    push::follow(app, project.id, user.id, &moved, false);
    Ok(sha)
}

fn apply_settings(call: &Call, id: u64) {
    const SETTINGS: [&str; 14] = [
        "auto_cancel_pending_pipelines",
        "build_timeout",
        "builds_access_level",
        "ci_config_path",
        "container_registry_access_level",
        "issues_access_level",
        "issues_enabled",
        "merge_method",
        "merge_requests_access_level",
        "only_allow_merge_if_all_discussions_are_resolved",
        "only_allow_merge_if_pipeline_succeeds",
        "remove_source_branch_after_merge",
        "squash_option",
        "wiki_enabled",
    ];
    call.with(|state| {
        let Some(project) = state.projects.get_mut(&id) else {
            return;
        };
        for key in SETTINGS {
            if let Some(value) = call.value(key) {
                let value = call
                    .opt_bool(key)
                    .filter(|_| value.is_string())
                    .map_or(value, Value::Bool);
                project.settings.insert(key.to_owned(), value);
            }
        }
        if let Some(topics) = call.list("topics").or_else(|| call.list("tag_list")) {
            project.topics = topics;
        }
    });
}

pub fn update(call: &Call) -> Outcome {
    let project = call.project(MAINTAINER)?;
    if let Some(branch) = call.opt_str("default_branch") {
        let repository = call.app.repository(project.id);
        if repository.branch(&branch).is_none() && !repository.is_empty() {
            return Err(Refusal::new(
                400,
                json!({ "message": { "base": [format!("Could not set the default branch. Do you have a branch named '{branch}' in your repository?")] } }),
            ));
        }
        repository.text(&["symbolic-ref", "HEAD", &format!("refs/heads/{branch}")])?;
    }
    apply_settings(call, project.id);
    let project = call.with(|state| {
        let kept = state.projects.get_mut(&project.id)?;
        kept.name = call.opt_str("name").unwrap_or_else(|| kept.name.clone());
        kept.path = call.opt_str("path").unwrap_or_else(|| kept.path.clone());
        kept.description = call.opt_str("description").or_else(|| kept.description.clone());
        kept.visibility = call
            .opt_str("visibility")
            .unwrap_or_else(|| kept.visibility.clone());
        kept.default_branch = call
            .opt_str("default_branch")
            .unwrap_or_else(|| kept.default_branch.clone());
        Some(kept.clone())
    });
    let project = project.ok_or_else(|| Refusal::missing("Project"))?;
    Answer::ok(json(
        &call.app,
        &project,
        call.actor.as_ref().map(|actor| &actor.user),
        false,
    ))
}

/// Removes a project and everything that hangs on it from the state.
pub fn forget(state: &mut State, id: u64) {
    state.projects.remove(&id);
    state.shelves.remove(&id);
    state.merge_requests.retain(|_, request| request.project_id != id);
    state.pipelines.retain(|_, pipeline| pipeline.project_id != id);
    state.jobs.retain(|_, job| job.project_id != id);
}

pub fn delete(call: &Call) -> Outcome {
    let project = call.project(OWNER)?;
    call.with(|state| forget(state, project.id));
    // A folder that stays behind does no harm: ids are not given twice.
    drop(std::fs::remove_dir_all(call.app.repository(project.id).dir));
    Ok(Answer::json(202, &json!({ "message": "202 Accepted" })))
}

pub fn archive(call: &Call) -> Outcome {
    set_archived(call, true)
}

pub fn unarchive(call: &Call) -> Outcome {
    set_archived(call, false)
}

fn set_archived(call: &Call, archived: bool) -> Outcome {
    let mut project = call.project(OWNER)?;
    project.archived = archived;
    call.with(|state| state.projects.insert(project.id, project.clone()));
    Answer::created(json(
        &call.app,
        &project,
        call.actor.as_ref().map(|actor| &actor.user),
        false,
    ))
}

/// Shares of the languages by bytes, in percent, as the repository's files say.
pub fn languages(call: &Call) -> Outcome {
    const LANGUAGES: [(&str, &[&str]); 14] = [
        ("JavaScript", &["js", "mjs", "cjs", "jsx"]),
        ("TypeScript", &["ts", "tsx"]),
        ("Python", &["py"]),
        ("Shell", &["sh", "bash"]),
        ("HTML", &["html", "htm"]),
        ("CSS", &["css"]),
        ("Go", &["go"]),
        ("Rust", &["rs"]),
        ("Java", &["java"]),
        ("Ruby", &["rb"]),
        ("PHP", &["php"]),
        ("C#", &["cs"]),
        ("C", &["c", "h"]),
        ("Kotlin", &["kt"]),
    ];
    let (project, repository) = call.repository(REPORTER)?;
    let Some(sha) = repository.branch(&project.default_branch) else {
        return Answer::ok(json!({}));
    };
    let listed = repository.text(&["ls-tree", "-r", "-l", "-z", "--full-tree", &sha])?;
    let mut sizes: BTreeMap<&str, f64> = BTreeMap::new();
    for line in listed.split('\0') {
        let Some((meta, path)) = line.split_once('\t') else {
            continue;
        };
        let size: f64 = meta
            .split_whitespace()
            .last()
            .and_then(|size| size.parse().ok())
            .unwrap_or_default();
        let name = path.rsplit('/').next().unwrap_or(path);
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        let language = if name == "Dockerfile" {
            Some("Dockerfile")
        } else {
            LANGUAGES
                .iter()
                .find(|(_, extensions)| extensions.contains(&extension))
                .map(|(name, _)| *name)
        };
        if let Some(language) = language {
            *sizes.entry(language).or_default() += size;
        }
    }
    let total: f64 = sizes.values().sum();
    let mut shares: Vec<(&str, f64)> = sizes
        .into_iter()
        .map(|(name, size)| (name, (size / total * 10_000.0).round() / 100.0))
        .collect();
    shares.sort_by(|a, b| b.1.total_cmp(&a.1));
    Answer::ok(Value::Object(
        shares
            .into_iter()
            .map(|(name, share)| (name.to_owned(), json!(share)))
            .collect(),
    ))
}

pub fn users(call: &Call) -> Outcome {
    let project = call.project(GUEST)?;
    let items = call.with(|state| {
        let users: Vec<&User> = state
            .users
            .values()
            .filter(|user| state.project_membership(user, &project) > 0)
            .collect();
        users
            .iter()
            .map(|user| state.user_json(user.id, &call.app.url))
            .collect()
    });
    page::answer(call, items)
}

pub fn events(call: &Call) -> Outcome {
    call.project(GUEST)?;
    page::answer(call, Vec::new())
}
