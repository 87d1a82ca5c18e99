//! The variables that rules and jobs see.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::create::{CONFIG_PATH, Wanted};
use super::{plan, runner};
use crate::gitlab::App;
use crate::gitlab::git::NOTHING;
use crate::gitlab::state::{Job, Pipeline, Project, State};

/// A text of a document; empty when it has none.
pub fn text(document: &Value, key: &str) -> String {
    document
        .get(key)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// What `rules` may look at: predefined, group, project and pipeline variables.
pub fn rule_variables(app: &App, wanted: &Wanted) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, String> = predefined(app, wanted).into_iter().collect();
    let mut state = app.state.lock();
    let protected = is_protected(&wanted.project, &wanted.reference);
    for variable in stored_variables(&mut state, &wanted.project, None, protected) {
        all.insert(text(&variable, "key"), text(&variable, "value"));
    }
    for variable in &wanted.variables {
        all.insert(text(variable, "key"), text(variable, "value"));
    }
    all
}

/// Group and project variables that a job with this environment sees; later ones win.
pub fn stored_variables(
    state: &mut State,
    project: &Project,
    environment: Option<&str>,
    protected: bool,
) -> Vec<Value> {
    let mut all = Vec::new();
    let mut group = Some(project.namespace_id);
    while let Some(found) = group.and_then(|id| state.groups.get(&id)) {
        all.splice(0..0, found.variables.iter().cloned());
        group = found.parent_id;
    }
    all.extend(state.shelf(project.id).variables.iter().cloned());
    all.retain(|variable| {
        let scope = variable
            .get("environment_scope")
            .and_then(Value::as_str)
            .unwrap_or("*");
        (protected || variable.get("protected") != Some(&json!(true)))
            && (scope == "*" || environment.is_some_and(|name| in_scope(scope, name)))
    });
    all.sort_by_key(|variable| variable.get("environment_scope").and_then(Value::as_str) != Some("*"));
    all
}

fn in_scope(scope: &str, environment: &str) -> bool {
    match scope.split_once('*') {
        Some((start, end)) => environment.starts_with(start) && environment.ends_with(end),
        None => scope == environment,
    }
}

pub fn is_protected(project: &Project, reference: &str) -> bool {
    project.protected_branches.iter().any(|branch| {
        let name = text(branch, "name");
        name == reference || (name.contains('*') && in_scope(&name, reference))
    })
}

/// `feature/My_Branch` → `feature-my-branch`, at most 63 characters.
pub fn slug(name: &str) -> String {
    let lower: String = name
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .take(63)
        .collect();
    lower.trim_matches('-').to_owned()
}

pub fn predefined_basic(wanted: &Wanted) -> Vec<(String, String)> {
    vec![
        ("CI_COMMIT_REF_NAME".into(), wanted.reference.clone()),
        ("CI_COMMIT_REF_SLUG".into(), slug(&wanted.reference)),
        ("CI_COMMIT_SHORT_SHA".into(), wanted.sha[..8].to_owned()),
    ]
}

/// The `CI_*` variables that are known before a pipeline exists.
pub fn predefined(app: &App, wanted: &Wanted) -> Vec<(String, String)> {
    let project = &wanted.project;
    let url = app.project_url(project);
    let state = app.state.lock();
    let path = state.project_path(project);
    let namespace = state.namespace_path(project.namespace_id);
    drop(state);
    let registry = app.registry_host();
    let reference = wanted
        .merge_request
        .as_ref()
        .map_or(wanted.reference.as_str(), |mr| mr.source_branch.as_str());
    let mut all: Vec<(String, String)> = [
        ("CI", "true"),
        ("GITLAB_CI", "true"),
        ("CI_SERVER", "yes"),
        ("CI_SERVER_NAME", "GitLab"),
        ("CI_SERVER_VERSION", crate::gitlab::VERSION),
        ("CI_SERVER_URL", &app.url),
        (
            "CI_SERVER_HOST",
            app.url
                .trim_start_matches("http://")
                .split(':')
                .next()
                .unwrap_or_default(),
        ),
        ("CI_API_V4_URL", &format!("{}/api/v4", app.url)),
        ("CI_PROJECT_ID", &project.id.to_string()),
        ("CI_PROJECT_NAME", &project.path),
        ("CI_PROJECT_TITLE", &project.name),
        ("CI_PROJECT_PATH", &path),
        ("CI_PROJECT_PATH_SLUG", &slug(&path)),
        ("CI_PROJECT_NAMESPACE", &namespace),
        (
            "CI_PROJECT_ROOT_NAMESPACE",
            namespace.split('/').next().unwrap_or_default(),
        ),
        ("CI_PROJECT_URL", &url),
        ("CI_PROJECT_VISIBILITY", &project.visibility),
        ("CI_DEFAULT_BRANCH", &project.default_branch),
        ("CI_CONFIG_PATH", CONFIG_PATH),
        ("CI_PIPELINE_SOURCE", &wanted.source),
        ("CI_COMMIT_SHA", &wanted.sha),
        ("CI_COMMIT_SHORT_SHA", &wanted.sha[..8]),
        (
            "CI_COMMIT_BEFORE_SHA",
            wanted.before_sha.as_deref().unwrap_or(NOTHING),
        ),
        ("CI_COMMIT_REF_NAME", reference),
        ("CI_COMMIT_REF_SLUG", &slug(reference)),
        (
            "CI_COMMIT_REF_PROTECTED",
            if is_protected(project, reference) {
                "true"
            } else {
                "false"
            },
        ),
        ("CI_REGISTRY", &registry),
        (
            "CI_REGISTRY_IMAGE",
            &format!("{registry}/{}", path.to_lowercase()),
        ),
        ("CI_REGISTRY_USER", "gitlab-ci-token"),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .to_vec();
    all.extend(of_commit_and_user(app, wanted, &path));
    all
}

/// The `CI_*` and `GITLAB_USER_*` variables that depend on the ref, the commit, the user and the merge request.
fn of_commit_and_user(app: &App, wanted: &Wanted, path: &str) -> Vec<(String, String)> {
    let project = &wanted.project;
    let commit = app.repository(project.id).commit(&wanted.sha);
    let user = app.with(|state| state.users.get(&wanted.user_id).cloned());
    let mut all = Vec::new();
    let mut put = |key: &str, value: &str| all.push((key.to_owned(), value.to_owned()));
    if wanted.tag {
        put("CI_COMMIT_TAG", &wanted.reference);
    } else if wanted.merge_request.is_none() {
        put("CI_COMMIT_BRANCH", &wanted.reference);
    }
    if let Some(commit) = commit {
        put("CI_COMMIT_MESSAGE", &commit.message);
        put("CI_COMMIT_TITLE", commit.title());
        put(
            "CI_COMMIT_DESCRIPTION",
            commit.message.split_once("\n\n").map_or("", |(_, rest)| rest),
        );
        put(
            "CI_COMMIT_AUTHOR",
            &format!("{} <{}>", commit.author_name, commit.author_email),
        );
        put("CI_COMMIT_TIMESTAMP", &commit.committed_date);
    }
    if let Some(user) = user {
        put("GITLAB_USER_ID", &user.id.to_string());
        put("GITLAB_USER_LOGIN", &user.username);
        put("GITLAB_USER_NAME", &user.name);
        put("GITLAB_USER_EMAIL", &user.email);
    }
    if let Some(request) = &wanted.merge_request {
        put("CI_MERGE_REQUEST_ID", &request.id.to_string());
        put("CI_MERGE_REQUEST_IID", &request.iid.to_string());
        put("CI_MERGE_REQUEST_TITLE", &request.title);
        put("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", &request.source_branch);
        put("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", &request.target_branch);
        put("CI_MERGE_REQUEST_EVENT_TYPE", "detached");
    } else if !wanted.tag {
        let open = app.state.lock().merge_requests.values().any(|request| {
            request.project_id == project.id
                && request.source_branch == wanted.reference
                && request.state == "opened"
        });
        if open {
            put("CI_OPEN_MERGE_REQUESTS", path);
        }
    }
    all
}

/// What the runner itself knows about a job.
fn of_job(
    app: &App,
    job: &Job,
    pipeline: &Pipeline,
    project: &Project,
    token: &str,
    scratch: &Path,
) -> BTreeMap<String, String> {
    let merge_request = app.with(|state| {
        pipeline
            .merge_request_id
            .and_then(|id| state.merge_requests.get(&id).cloned())
    });
    let wanted = Wanted {
        project: project.clone(),
        reference: pipeline.reference.clone(),
        tag: pipeline.tag,
        sha: pipeline.sha.clone(),
        before_sha: Some(pipeline.before_sha.clone()),
        source: pipeline.source.clone(),
        user_id: job.user_id,
        variables: Vec::new(),
        merge_request,
        inputs: BTreeMap::new(),
    };
    let mut fixed: BTreeMap<String, String> = predefined(app, &wanted).into_iter().collect();
    let url = app.project_url(project);
    let folder = scratch.join(&project.path);
    let pairs = [
        ("CI_PIPELINE_ID", pipeline.id.to_string()),
        ("CI_PIPELINE_IID", pipeline.iid.to_string()),
        ("CI_PIPELINE_URL", format!("{url}/-/pipelines/{}", pipeline.id)),
        ("CI_PIPELINE_CREATED_AT", pipeline.created_at.clone()),
        ("CI_JOB_ID", job.id.to_string()),
        ("CI_JOB_NAME", job.name.clone()),
        ("CI_JOB_NAME_SLUG", slug(&job.name)),
        ("CI_JOB_STAGE", job.stage.clone()),
        ("CI_JOB_STATUS", "running".into()),
        ("CI_JOB_URL", format!("{url}/-/jobs/{}", job.id)),
        ("CI_JOB_TOKEN", token.to_owned()),
        ("CI_JOB_STARTED_AT", job.started_at.clone().unwrap_or_default()),
        ("CI_REGISTRY_PASSWORD", token.to_owned()),
        ("CI_PROJECT_DIR", folder.to_string_lossy().into_owned()),
        ("CI_BUILDS_DIR", scratch.to_string_lossy().into_owned()),
        (
            "CI_REPOSITORY_URL",
            format!("{url}.git").replacen("://", &format!("://gitlab-ci-token:{token}@"), 1),
        ),
        ("CI_RUNNER_ID", "1".into()),
        ("CI_RUNNER_DESCRIPTION", "sandbox-runner".into()),
        ("CI_RUNNER_TAGS", json!(runner::TAGS).to_string()),
        ("CI_RUNNER_EXECUTABLE_ARCH", "linux/amd64".into()),
        (
            "SANDBOX_REGISTRY",
            app.data.join("registry").to_string_lossy().into_owned(),
        ),
        (
            "SANDBOX_IMAGES",
            app.data.join("images").to_string_lossy().into_owned(),
        ),
    ];
    fixed.extend(pairs.map(|(key, value)| (key.to_owned(), value)));
    if let Some(name) = &job.environment {
        fixed.insert("CI_ENVIRONMENT_NAME".into(), name.clone());
        fixed.insert("CI_ENVIRONMENT_SLUG".into(), slug(name));
    }
    fixed
}

/// A job's variables, all of them expanded, and the values that its log must not show.
/// Later layers win: the runner's own, the configuration's, dotenv reports, groups, the project, the pipeline.
pub fn for_job(
    app: &App,
    job: &Job,
    pipeline: &Pipeline,
    project: &Project,
    token: &str,
    scratch: &Path,
) -> (BTreeMap<String, String>, Vec<String>) {
    let mut all = of_job(app, job, pipeline, project, token, scratch);
    let mut secrets = vec![token.to_owned()];
    let mut expandable: Vec<String> = Vec::new();
    let mut put = |all: &mut BTreeMap<String, String>, key: &str, value: &str, raw: bool| {
        all.insert(key.to_owned(), value.to_owned());
        if !raw {
            expandable.push(key.to_owned());
        }
    };
    for (key, value) in &job.variables {
        put(&mut all, key, value, false);
    }
    for (key, value) in app.with(|state| runner::inherited_dotenv(state, job)) {
        put(&mut all, &key, &value, true);
    }
    let protected = is_protected(project, &pipeline.reference);
    let stored = app.with(|state| stored_variables(state, project, job.environment.as_deref(), protected));
    for variable in stored.iter().chain(&pipeline.variables) {
        let (key, value) = (text(variable, "key"), text(variable, "value"));
        if variable.get("masked") == Some(&json!(true)) {
            secrets.push(value.clone());
        }
        if text(variable, "variable_type") == "file" {
            let path = scratch.join(format!("{}.tmp", project.path)).join(&key);
            let written = path
                .parent()
                .map_or(Ok(()), fs::create_dir_all)
                .and_then(|()| fs::write(&path, &value));
            if let Err(error) = written {
                tracing::warn!(%error, key, "a file variable cannot be written");
            }
            put(&mut all, &key, &path.to_string_lossy(), true);
        } else {
            put(&mut all, &key, &value, variable.get("raw") == Some(&json!(true)));
        }
    }
    // Variables may name one another; three rounds reach every sensible depth.
    for _ in 0..3 {
        let known = all.clone();
        for key in &expandable {
            let mut others = known.clone();
            others.remove(key);
            if let Some(value) = all.get_mut(key) {
                *value = plan::expand(value, &others);
            }
        }
    }
    (all, secrets)
}
