//! What a fresh sandbox holds: the administrator, and on request people and sample projects.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::call::{Answer, Call, DEVELOPER, OWNER, Outcome, Refusal};
use super::git::Change;
use super::projects::{self, New};
use super::state::{Group, Project, State, User, now};
use super::{App, GitlabHandle, random};

/// A file of a sample repository: path and content.
type SampleFile = (&'static str, &'static str);

macro_rules! sample {
    ($folder:literal: $($path:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("../../samples/", $folder, "/", $path)))),*]
    };
}

const ORDER_API: &[SampleFile] = sample!("order-api":
    "README.md", "Dockerfile", "package.json", ".gitignore", "scripts/lint.js",
    "src/server.js", "src/orders.js", "test/orders.test.js", "test/server.test.js",
);
const LEDGER: &[SampleFile] = sample!("ledger":
    "README.md", "Dockerfile", "requirements.txt", ".gitignore",
    "ledger/__init__.py", "ledger/__main__.py", "ledger/book.py", "ledger/web.py",
    "tests/__init__.py", "tests/test_book.py", "tests/test_web.py",
);
const STOREFRONT: &[SampleFile] = sample!("storefront":
    "README.md", "Dockerfile", "build.sh", "test.sh", ".gitignore",
    "pages/index.txt", "pages/delivery.txt", "assets/style.css",
);

const SAMPLES: [(&str, &str, &str, &[SampleFile]); 4] = [
    (
        "order-api",
        "Order API",
        "Takes orders over HTTP. Node without dependencies.",
        ORDER_API,
    ),
    (
        "ledger",
        "Ledger",
        "Double-entry bookkeeping over HTTP. Python without dependencies.",
        LEDGER,
    ),
    (
        "storefront",
        "Storefront",
        "A static site that a shell script builds.",
        STOREFRONT,
    ),
    (
        "empty-repo",
        "Empty repository",
        "A project whose repository has no commits yet.",
        &[],
    ),
];

/// The group of the sample projects.
const GROUP: &str = "acme";

/// Makes `root` and its token on the first start; answers the token.
pub fn ensure_root(state: &mut State) -> String {
    let root = state
        .users
        .values()
        .find(|user| user.username == "root")
        .map(|user| user.id);
    let root = root.unwrap_or_else(|| {
        state
            .add_user("root", "Administrator", "admin@acme.example", true)
            .id
    });
    let token = state
        .tokens
        .iter()
        .find(|token| token.user_id == root && token.name == "sandbox");
    if let Some(token) = token {
        return token.value.clone();
    }
    let scopes = [
        "api",
        "read_api",
        "read_user",
        "read_repository",
        "write_repository",
        "sudo",
        "admin_mode",
    ];
    state
        .add_token(root, "sandbox", format!("glpat-{}", random(20)), &scopes)
        .value
}

fn user(app: &App, username: &str, name: &str, email: &str) -> Result<User, Refusal> {
    app.with(|state| {
        if let Some(user) = state.user_by_name(username) {
            return Ok(user.clone());
        }
        if state.namespace_by_path(username).is_some() {
            return Err(Refusal::message(
                409,
                format!("{username} is the name of a group"),
            ));
        }
        Ok(state.add_user(username, name, email, false))
    })
}

/// A token of this user that earlier calls may have made.
fn token(app: &App, user: u64) -> String {
    app.with(|state| {
        let found = state
            .tokens
            .iter()
            .find(|token| token.user_id == user && token.name == "sandbox" && !token.revoked);
        if let Some(token) = found {
            return token.value.clone();
        }
        let scopes = [
            "api",
            "read_api",
            "read_user",
            "read_repository",
            "write_repository",
        ];
        state
            .add_token(user, "sandbox", format!("glpat-{}", random(20)), &scopes)
            .value
    })
}

fn group(app: &App, developers: &[u64]) -> u64 {
    app.with(|state| {
        let root = state.user_by_name("root").map_or(1, |user| user.id);
        let found = state
            .namespace_by_path(GROUP)
            .filter(|id| state.groups.contains_key(id));
        let id = found.unwrap_or_else(|| {
            let group = Group {
                id: state.next("namespace"),
                name: "Acme".into(),
                path: GROUP.into(),
                parent_id: None,
                description: "Sample projects of the sandbox".into(),
                visibility: "private".into(),
                created_at: now(),
                members: BTreeMap::from([(root, OWNER)]),
                variables: Vec::new(),
            };
            let id = group.id;
            state.groups.insert(id, group);
            id
        });
        if let Some(group) = state.groups.get_mut(&id) {
            for developer in developers {
                group.members.entry(*developer).or_insert(DEVELOPER);
            }
        }
        id
    })
}

/// Makes the group and the sample projects that are not there yet; answers all of them.
fn samples(app: &App, developers: &[u64]) -> Result<Vec<Project>, Refusal> {
    let namespace_id = group(app, developers);
    let root = app
        .with(|state| state.user_by_name("root").cloned())
        .ok_or_else(|| Refusal::missing("User"))?;
    let author = developers
        .first()
        .and_then(|id| app.with(|state| state.users.get(id).cloned()))
        .unwrap_or_else(|| root.clone());
    let mut made = Vec::new();
    for (path, name, description, files) in SAMPLES {
        let existing = app.with(|state| state.project_by_path(&format!("{GROUP}/{path}")).cloned());
        if let Some(project) = existing {
            made.push(project);
            continue;
        }
        let project = projects::make(
            app,
            New {
                name: name.to_owned(),
                path: path.to_owned(),
                namespace_id,
                description: Some(description.to_owned()),
                visibility: "private".into(),
                default_branch: "main".into(),
                creator: root.clone(),
            },
        )?;
        if !files.is_empty() {
            let changes: Vec<Change> = files
                .iter()
                .map(|(path, content)| Change::Write {
                    path: (*path).to_owned(),
                    content: content.as_bytes().to_vec(),
                    executable: Some(
                        path.rsplit_once('.')
                            .is_some_and(|(_, extension)| extension == "sh"),
                    ),
                })
                .collect();
            projects::first_commit(app, &project, &author, &changes, &format!("Begin {name}\n"))?;
        }
        made.push(app.with(|state| state.projects[&project.id].clone()));
    }
    app.touched();
    Ok(made)
}

/// `POST /-/sandbox/seed {"users": [{"username","name","email"}], "samples": true}`, by an administrator.
pub fn answer(call: &Call) -> Outcome {
    call.admin()?;
    let mut users = Vec::new();
    let mut ids = Vec::new();
    for person in call
        .value("users")
        .and_then(|users| users.as_array().cloned())
        .unwrap_or_default()
    {
        let field = |key: &str| {
            person[key]
                .as_str()
                .ok_or_else(|| Refusal::new(400, json!({ "error": format!("users[{key}] is missing") })))
        };
        let made = user(&call.app, field("username")?, field("name")?, field("email")?)?;
        ids.push(made.id);
        users.push(json!({ "id": made.id, "username": made.username, "token": token(&call.app, made.id) }));
    }
    let projects: Vec<Value> = if call.opt_bool("samples") == Some(false) {
        Vec::new()
    } else {
        let made = samples(&call.app, &ids)?;
        call.with(|state| {
            made.iter()
                .map(|p| json!({ "id": p.id, "path_with_namespace": state.project_path(p) }))
                .collect()
        })
    };
    call.app.touched();
    Answer::created(json!({ "users": users, "projects": projects }))
}

pub(super) fn failed(refusal: Refusal) -> anyhow::Error {
    anyhow::anyhow!("the sandbox's GitLab refused: {}", refusal.body)
}

impl GitlabHandle {
    /// Makes a user (or finds the one of that name) and answers a personal access token of theirs.
    pub fn seed_user(&self, username: &str, name: &str, email: &str) -> anyhow::Result<String> {
        let user = user(&self.app, username, name, email).map_err(failed)?;
        let token = token(&self.app, user.id);
        self.app.touched();
        Ok(token)
    }

    /// Makes the group `acme` with the sample projects and takes these users in as developers.
    /// What exists already stays as it is. Answers ids and full paths. Runs git: call it off the async threads
    /// or accept that it blocks for some tenths of a second.
    pub fn seed_samples(&self, developers: &[&str]) -> anyhow::Result<Vec<(u64, String)>> {
        let ids: Vec<u64> = self.app.with(|state| {
            developers
                .iter()
                .filter_map(|name| state.user_by_name(name).map(|user| user.id))
                .collect()
        });
        let made = samples(&self.app, &ids).map_err(failed)?;
        Ok(self.app.with(|state| {
            made.iter()
                .map(|project| (project.id, state.project_path(project)))
                .collect()
        }))
    }

    /// Registers an OAuth application; answers its client id and secret.
    pub fn seed_application(&self, name: &str, redirect_uri: &str, scopes: &[&str]) -> (String, String) {
        let application = self.app.with(|state| {
            let same = |known: &&super::state::Application| {
                known.name == name && known.redirect_uris == [redirect_uri]
            };
            if let Some(known) = state.applications.iter().find(same) {
                return known.clone();
            }
            let application = super::state::Application {
                id: state.next("application"),
                client_id: random(64),
                secret: format!("gloas-{}", random(64)),
                name: name.to_owned(),
                redirect_uris: vec![redirect_uri.to_owned()],
                scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
                confidential: true,
            };
            state.applications.push(application.clone());
            application
        });
        self.app.touched();
        (application.client_id, application.secret)
    }
}
