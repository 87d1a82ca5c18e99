//! Places of every kind: what they are called, whether they are archived, and their end.

mod archive;
mod delete;
mod edit;
mod name;

pub use archive::{archive, restore};
pub use delete::delete;
pub use edit::{AppInput, OrgInput, ProjectInput, edit_app, edit_org, edit_project};
pub(crate) use name::{checked, checked_org, free_for_app, taken};

use crate::access::Managed;
use crate::change::Entry;

/// The words of the audit log for a kind of place: its target's kind, and the actions on it.
struct Words {
    target: &'static str,
    edit: &'static str,
    archive: &'static str,
    restore: &'static str,
    delete: &'static str,
}

const fn words(place: &Managed) -> Words {
    match place {
        Managed::Org(_) => Words {
            target: "organization",
            edit: "org.edit",
            archive: "org.archive",
            restore: "org.restore",
            delete: "org.delete",
        },
        Managed::Project(_) => Words {
            target: "project",
            edit: "project.edit",
            archive: "project.archive",
            restore: "project.restore",
            delete: "project.delete",
        },
        Managed::App(_) => Words {
            target: "app",
            edit: "app.edit",
            archive: "app.archive",
            restore: "app.restore",
            delete: "app.delete",
        },
    }
}

/// The id and the name of a place, for its audit row.
fn called(place: &Managed) -> (String, String) {
    match place {
        Managed::Org(org) => (org.id().to_string(), org.org.name.clone()),
        Managed::Project(project) => (project.id().to_string(), project.project.name.clone()),
        Managed::App(app) => (app.id().to_string(), app.app.name.clone()),
    }
}

/// The audit row of what was done to a place.
fn entry<'a>(
    action: &'static str,
    place: &Managed,
    at: &'a slipway_domain::project::Place,
    summary: serde_json::Value,
) -> Entry<'a> {
    let (id, name) = called(place);
    Entry::done(action, words(place).target, id, name, at, summary)
}

/// Tells whoever shows the place, and whoever lists it.
fn tell(change: &mut crate::change::Change<'_>, place: &Managed) {
    let at = place.place();
    change.touch("org", place.org_id(), &at);
    if let Some(project) = place.project_id() {
        change.touch("project", project, &at);
    }
    if let Some(app) = place.app_id() {
        change.touch("app", app, &at);
    }
}
