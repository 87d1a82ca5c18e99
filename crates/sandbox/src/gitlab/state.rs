//! What the sandbox's GitLab remembers, and the journal that keeps it over restarts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::call::OWNER;

/// Everything but the repositories, logs and artifacts, which are files of their own.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    counters: BTreeMap<String, u64>,
    pub users: BTreeMap<u64, User>,
    pub tokens: Vec<Token>,
    pub groups: BTreeMap<u64, Group>,
    pub projects: BTreeMap<u64, Project>,
    /// What belongs to one project, by its id.
    pub shelves: BTreeMap<u64, Shelf>,
    pub merge_requests: BTreeMap<u64, MergeRequest>,
    pub pipelines: BTreeMap<u64, Pipeline>,
    pub jobs: BTreeMap<u64, Job>,
    pub applications: Vec<Application>,
    pub grants: Vec<Grant>,
    /// The key that signs id tokens: PKCS#8, base64.
    pub oidc_key: String,
    /// Whether the runner takes no jobs.
    #[serde(default)]
    pub runner_paused: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct User {
    pub id: u64,
    pub username: String,
    pub name: String,
    pub email: String,
    pub is_admin: bool,
    pub namespace_id: u64,
    pub created_at: String,
}

/// An access token: personal, of an OAuth application, or of a running job.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Token {
    pub id: u64,
    pub user_id: u64,
    pub name: String,
    pub value: String,
    pub scopes: Vec<String>,
    pub created_at: String,
    /// A date for personal tokens; OAuth tokens use `expires_unix`.
    pub expires_at: Option<String>,
    pub expires_unix: Option<i64>,
    pub last_used_at: Option<String>,
    pub revoked: bool,
    pub refresh: Option<String>,
    pub application_id: Option<u64>,
    pub job_id: Option<u64>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Group {
    pub id: u64,
    pub name: String,
    pub path: String,
    pub parent_id: Option<u64>,
    pub description: String,
    pub visibility: String,
    pub created_at: String,
    pub members: BTreeMap<u64, u64>,
    pub variables: Vec<Value>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Project {
    pub id: u64,
    pub name: String,
    pub path: String,
    pub namespace_id: u64,
    pub description: Option<String>,
    pub default_branch: String,
    pub visibility: String,
    pub creator_id: u64,
    pub archived: bool,
    pub created_at: String,
    pub last_activity_at: String,
    pub topics: Vec<String>,
    pub members: BTreeMap<u64, u64>,
    /// Settings that an update may change, as GitLab names them.
    pub settings: Map<String, Value>,
    pub protected_branches: Vec<Value>,
}

/// A project's things that are kept as the documents GitLab answers.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Shelf {
    counters: BTreeMap<String, u64>,
    pub issues: Vec<Value>,
    pub labels: Vec<Value>,
    pub milestones: Vec<Value>,
    pub notes: Vec<Value>,
    pub hooks: Vec<Value>,
    pub variables: Vec<Value>,
    pub environments: Vec<Value>,
    pub deployments: Vec<Value>,
    pub schedules: Vec<Value>,
    pub triggers: Vec<Value>,
    pub releases: Vec<Value>,
    pub statuses: Vec<Value>,
    pub access_tokens: Vec<Value>,
}

impl Shelf {
    pub fn next(&mut self, kind: &str) -> u64 {
        let counter = self.counters.entry(kind.to_owned()).or_default();
        *counter += 1;
        *counter
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MergeRequest {
    pub id: u64,
    pub iid: u64,
    pub project_id: u64,
    pub title: String,
    pub description: Option<String>,
    pub state: String,
    pub source_branch: String,
    pub target_branch: String,
    pub author_id: u64,
    pub assignee_ids: Vec<u64>,
    pub reviewer_ids: Vec<u64>,
    pub labels: Vec<String>,
    pub created_at: String,
    pub updated_at: String,
    pub merged_at: Option<String>,
    pub merged_by: Option<u64>,
    pub closed_at: Option<String>,
    pub closed_by: Option<u64>,
    /// The head of the source branch, kept after the merge.
    pub sha: Option<String>,
    pub base_sha: Option<String>,
    pub merge_commit_sha: Option<String>,
    pub squash_commit_sha: Option<String>,
    pub squash: bool,
    pub remove_source_branch: bool,
    pub merge_when_pipeline_succeeds: bool,
    pub head_pipeline_id: Option<u64>,
    pub approved_by: Vec<u64>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pipeline {
    pub id: u64,
    pub iid: u64,
    pub project_id: u64,
    pub sha: String,
    pub before_sha: String,
    #[serde(rename = "ref")]
    pub reference: String,
    pub tag: bool,
    pub source: String,
    pub status: String,
    pub user_id: u64,
    pub yaml_errors: Option<String>,
    pub name: Option<String>,
    pub stages: Vec<String>,
    /// The commit as GitLab's entity.
    pub commit: Value,
    /// Variables given at creation: `key`, `value`, `variable_type`.
    pub variables: Vec<Value>,
    pub merge_request_id: Option<u64>,
    pub created_at: String,
    pub updated_at: String,
    pub started_at: Option<String>,
    pub finished_at: Option<String>,
}

/// What a job waits for through `needs`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Need {
    pub job: String,
    pub artifacts: bool,
    pub optional: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Job {
    pub id: u64,
    pub project_id: u64,
    pub pipeline_id: u64,
    pub name: String,
    pub stage: String,
    pub stage_index: usize,
    pub status: String,
    pub when: String,
    pub allow_failure: bool,
    /// Exit codes whose failure is allowed.
    pub allowed_exit_codes: Vec<i64>,
    pub needs: Option<Vec<Need>>,
    pub dependencies: Option<Vec<String>>,
    pub tags: Vec<String>,
    /// The job as the configuration resolves it, for the runner.
    pub spec: Value,
    /// Variables of the job itself, in order.
    pub variables: Vec<(String, String)>,
    pub environment: Option<String>,
    pub deployment_id: Option<u64>,
    pub coverage: Option<f64>,
    pub failure_reason: Option<String>,
    pub artifacts: Vec<Value>,
    pub artifacts_expire_at: Option<String>,
    pub dotenv: Vec<(String, String)>,
    pub test_suite: Option<Value>,
    pub retried: bool,
    pub retries: u64,
    pub user_id: u64,
    pub created_at: String,
    pub queued_at: Option<String>,
    pub started_at: Option<String>,
    pub finished_at: Option<String>,
    pub erased_at: Option<String>,
    /// When a delayed job starts by itself, seconds since the epoch.
    pub scheduled_unix: Option<i64>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Application {
    pub id: u64,
    pub client_id: String,
    pub secret: String,
    pub name: String,
    pub redirect_uris: Vec<String>,
    pub scopes: Vec<String>,
    pub confidential: bool,
}

/// An authorization code that waits to be redeemed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Grant {
    pub code: String,
    pub client_id: String,
    pub user_id: u64,
    pub redirect_uri: String,
    pub scopes: Vec<String>,
    pub challenge: Option<String>,
    pub nonce: Option<String>,
    pub expires_unix: i64,
}

/// Now, as GitLab writes instants: `2020-10-20T14:48:27.894Z`.
pub fn now() -> String {
    at(jiff::Timestamp::now())
}

pub fn at(instant: jiff::Timestamp) -> String {
    format!("{instant:.3}")
}

/// Whether an instant in GitLab's format is not before `after`, which callers write with or without fractions.
pub fn not_before(instant: &str, after: &str) -> bool {
    let read = |text: &str| text.parse::<jiff::Timestamp>().ok();
    read(after).is_none_or(|after| read(instant).is_some_and(|instant| instant >= after))
}

/// Seconds between two instants in GitLab's format.
pub fn seconds_between(from: Option<&str>, to: Option<&str>) -> Option<f64> {
    let from: jiff::Timestamp = from?.parse().ok()?;
    let to: jiff::Timestamp = to.map_or_else(|| Some(jiff::Timestamp::now()), |text| text.parse().ok())?;
    Some((to.duration_since(from).as_secs_f64() * 1000.0).round() / 1000.0)
}

impl State {
    /// The next id of a kind; ids begin at 1 and are never given twice.
    pub fn next(&mut self, kind: &str) -> u64 {
        let counter = self.counters.entry(kind.to_owned()).or_default();
        *counter += 1;
        *counter
    }

    pub fn shelf(&mut self, project: u64) -> &mut Shelf {
        self.shelves.entry(project).or_default()
    }

    pub fn user_by_name(&self, username: &str) -> Option<&User> {
        self.users
            .values()
            .find(|user| user.username.eq_ignore_ascii_case(username))
    }

    /// The full path of a namespace: a group (with its parents) or a user.
    pub fn namespace_path(&self, id: u64) -> String {
        if let Some(group) = self.groups.get(&id) {
            return match group.parent_id {
                Some(parent) => format!("{}/{}", self.namespace_path(parent), group.path),
                None => group.path.clone(),
            };
        }
        self.users
            .values()
            .find(|user| user.namespace_id == id)
            .map(|u| u.username.clone())
            .unwrap_or_default()
    }

    pub fn namespace_name(&self, id: u64) -> String {
        if let Some(group) = self.groups.get(&id) {
            return match group.parent_id {
                Some(parent) => format!("{} / {}", self.namespace_name(parent), group.name),
                None => group.name.clone(),
            };
        }
        self.users
            .values()
            .find(|user| user.namespace_id == id)
            .map(|u| u.name.clone())
            .unwrap_or_default()
    }

    pub fn namespace_by_path(&self, path: &str) -> Option<u64> {
        let groups = self.groups.keys().copied();
        let users = self.users.values().map(|user| user.namespace_id);
        groups
            .chain(users)
            .find(|id| self.namespace_path(*id).eq_ignore_ascii_case(path))
    }

    pub fn project_path(&self, project: &Project) -> String {
        format!("{}/{}", self.namespace_path(project.namespace_id), project.path)
    }

    pub fn project_by_path(&self, path: &str) -> Option<&Project> {
        self.projects
            .values()
            .find(|project| self.project_path(project).eq_ignore_ascii_case(path))
    }

    fn group_access(&self, user: &User, group: u64) -> u64 {
        let Some(group) = self.groups.get(&group) else {
            return 0;
        };
        let own = group.members.get(&user.id).copied().unwrap_or_default();
        own.max(
            group
                .parent_id
                .map_or(0, |parent| self.group_access(user, parent)),
        )
    }

    /// Membership only, without an administrator's powers.
    pub fn group_membership(&self, user: &User, group: u64) -> u64 {
        self.group_access(user, group)
    }

    pub fn project_membership(&self, user: &User, project: &Project) -> u64 {
        if user.namespace_id == project.namespace_id {
            return OWNER;
        }
        let own = project.members.get(&user.id).copied().unwrap_or_default();
        own.max(self.group_access(user, project.namespace_id))
    }

    pub fn project_access(&self, user: Option<&User>, project: &Project) -> u64 {
        user.map_or(0, |user| {
            if user.is_admin {
                OWNER
            } else {
                self.project_membership(user, project)
            }
        })
    }

    pub fn add_user(&mut self, username: &str, name: &str, email: &str, is_admin: bool) -> User {
        let id = self.next("user");
        let namespace_id = self.next("namespace");
        let user = User {
            id,
            username: username.to_owned(),
            name: name.to_owned(),
            email: email.to_owned(),
            is_admin,
            namespace_id,
            created_at: now(),
        };
        self.users.insert(id, user.clone());
        user
    }

    pub fn add_token(&mut self, user_id: u64, name: &str, value: String, scopes: &[&str]) -> Token {
        let token = Token {
            id: self.next("token"),
            user_id,
            name: name.to_owned(),
            value,
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            created_at: now(),
            expires_at: None,
            expires_unix: None,
            last_used_at: None,
            revoked: false,
            refresh: None,
            application_id: None,
            job_id: None,
        };
        self.tokens.push(token.clone());
        token
    }

    /// A pipeline's jobs that no retry has replaced, in stage order.
    pub fn latest_jobs(&self, pipeline: u64) -> Vec<&Job> {
        let mut jobs: Vec<&Job> = self
            .jobs
            .values()
            .filter(|job| job.pipeline_id == pipeline && !job.retried)
            .collect();
        jobs.sort_by_key(|job| (job.stage_index, job.id));
        jobs
    }

    pub fn merge_request(&self, project: u64, iid: u64) -> Option<&MergeRequest> {
        self.merge_requests
            .values()
            .find(|mr| mr.project_id == project && mr.iid == iid)
    }

    /// GitLab's basic user entity.
    pub fn user_json(&self, id: u64, base: &str) -> Value {
        let Some(user) = self.users.get(&id) else {
            return Value::Null;
        };
        json!({
            "id": user.id,
            "username": user.username,
            "public_email": user.email,
            "name": user.name,
            "state": "active",
            "locked": false,
            "avatar_url": null,
            "web_url": format!("{base}/{}", user.username),
        })
    }
}

/// The file the state is kept in.
pub struct Journal {
    path: PathBuf,
}

impl Journal {
    pub fn open(data: &Path) -> anyhow::Result<(Self, State)> {
        let path = data.join("gitlab.json");
        let state = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
                anyhow::anyhow!(
                    "{} is not readable ({error}); remove it to begin anew",
                    path.display()
                )
            })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => State::default(),
            Err(error) => return Err(error.into()),
        };
        Ok((Self { path }, state))
    }

    /// Replaces the file in one step, so that a crash leaves the old state or the new one.
    pub fn write(&self, bytes: &[u8]) -> std::io::Result<()> {
        let fresh = self.path.with_extension("json.new");
        std::fs::write(&fresh, bytes)?;
        std::fs::rename(&fresh, &self.path)
    }
}
