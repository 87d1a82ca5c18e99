//! A group that nobody has imported yet: repositories of several kinds, some in a subgroup, one archived.

use std::collections::BTreeMap;

use super::call::{OWNER, Refusal};
use super::git::Change;
use super::projects::{self, New};
use super::state::{Group, User, now};
use super::{App, GitlabHandle};

/// Path and name of each group, the upper one first.
const GROUPS: [(&str, &str); 2] = [("warehouse", "Warehouse"), ("warehouse/tools", "Tools")];

/// A repository: its group, path, name, and what it is for.
const REPOSITORIES: [(&str, &str, &str, &str); 6] = [
    (
        "warehouse",
        "stock-service",
        "Stock service",
        "Knows what lies on which shelf.",
    ),
    (
        "warehouse",
        "Pick_List.API",
        "Pick list API",
        "Tells pickers where to go next.",
    ),
    (
        "warehouse",
        "label-printer",
        "标签打印",
        "Prints the labels of parcels.",
    ),
    (
        "warehouse",
        "old-scanner",
        "Old scanner",
        "The hand scanner that was replaced.",
    ),
    (
        "warehouse/tools",
        "barcode",
        "Barcode",
        "Draws and reads barcodes.",
    ),
    (
        "warehouse/tools",
        "stock-service",
        "Stock service mock",
        "Answers like the stock service, for tests.",
    ),
];

/// The repository that is archived.
const ARCHIVED: &str = "warehouse/old-scanner";

fn group(app: &App, path: &str, name: &str, owner: u64) -> u64 {
    app.with(|state| {
        let found = state
            .namespace_by_path(path)
            .filter(|id| state.groups.contains_key(id));
        found.unwrap_or_else(|| {
            let (parent, last) = match path.rsplit_once('/') {
                Some((parent, last)) => (state.namespace_by_path(parent), last),
                None => (None, path),
            };
            let group = Group {
                id: state.next("namespace"),
                name: name.into(),
                path: last.into(),
                parent_id: parent,
                description: String::new(),
                visibility: "private".into(),
                created_at: now(),
                members: BTreeMap::from([(owner, OWNER)]),
                variables: Vec::new(),
            };
            let id = group.id;
            state.groups.insert(id, group);
            id
        })
    })
}

fn repository(
    app: &App,
    root: &User,
    namespace_id: u64,
    (folder, path, name, description): (&str, &str, &str, &str),
) -> Result<(), Refusal> {
    let full = format!("{folder}/{path}");
    if app.with(|state| state.project_by_path(&full).is_some()) {
        return Ok(());
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
    let readme = Change::Write {
        path: "README.md".into(),
        content: format!("# {name}\n\n{description}\n").into_bytes(),
        executable: None,
    };
    projects::first_commit(app, &project, root, &[readme], &format!("Begin {name}\n"))?;
    if full == ARCHIVED {
        app.with(|state| {
            if let Some(kept) = state.projects.get_mut(&project.id) {
                kept.archived = true;
            }
        });
    }
    Ok(())
}

fn groups(app: &App) -> Result<(), Refusal> {
    let root = app
        .with(|state| state.user_by_name("root").cloned())
        .ok_or_else(|| Refusal::missing("User"))?;
    for (path, name) in GROUPS {
        let id = group(app, path, name, root.id);
        for one in REPOSITORIES.into_iter().filter(|(folder, ..)| *folder == path) {
            repository(app, &root, id, one)?;
        }
    }
    app.touched();
    Ok(())
}

impl GitlabHandle {
    /// Makes the group `warehouse` with its repositories; what exists already stays as it is. Runs git, as
    /// [`seed_samples`](Self::seed_samples) does.
    pub fn seed_group(&self) -> anyhow::Result<()> {
        groups(&self.app).map_err(super::seed::failed)
    }
}
