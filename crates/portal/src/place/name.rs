//! Names and slugs of places: checked, and refused in the words of their field.

use crate::access::may::Permission;
use crate::access::{Authorized, Project};
use crate::change::Change;
use crate::error::{Error, FieldError, Result};
use crate::ports::StoreError;
use slipway_domain::id::AppId;
use slipway_domain::name::{NameError, Slug};
use slipway_domain::text::Text;

/// The longest name of a place, in characters.
const NAME_MOST: usize = 100;
/// The longest description of a place, in characters.
const DESCRIPTION_MOST: usize = 2000;

/// A slug, a name and a description that may be kept.
pub(crate) struct Checked {
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) description: String,
}

/// Checks what was typed, field by field: `slug`, `name`, `description`.
///
/// # Errors
/// [`Error::Invalid`] with every field that is wrong.
pub(crate) fn checked(slug: &str, name: &str, description: &str) -> Result<Checked> {
    checked_by(Slug::parse, slug, name, description)
}

/// As [`checked`], for an organization: some words stand for the whole server.
///
/// # Errors
/// As [`checked`].
pub(crate) fn checked_org(slug: &str, name: &str) -> Result<Checked> {
    checked_by(Slug::of_org, slug, name, "")
}

fn checked_by(
    parse: fn(&str) -> Result<Slug, NameError>,
    slug: &str,
    name: &str,
    description: &str,
) -> Result<Checked> {
    let mut wrong = Vec::new();
    let mut say = |field: &str, text: Text| {
        wrong.push(FieldError {
            field: field.to_owned(),
            text,
        });
    };
    let (name, description) = (name.trim(), description.trim());
    if name.is_empty() {
        say("name", NameError::Empty.text());
    } else if name.chars().count() > NAME_MOST {
        say("name", too_long(NAME_MOST));
    }
    let slug = slug.trim();
    if let Err(error) = parse(slug) {
        say("slug", error.text());
    }
    if description.chars().count() > DESCRIPTION_MOST {
        say("description", too_long(DESCRIPTION_MOST));
    }
    if !wrong.is_empty() {
        return Err(Error::Invalid(wrong));
    }
    Ok(Checked {
        slug: slug.to_owned(),
        name: name.to_owned(),
        description: description.to_owned(),
    })
}

fn too_long(most: usize) -> Text {
    Text::new(
        format!("use at most {most} characters"),
        format!("最多 {most} 个字符"),
    )
}

/// Tells a taken slug from other trouble.
pub(crate) fn taken(error: StoreError) -> Error {
    match error {
        StoreError::Constraint(_) => Error::field("slug", Text::new("this name is taken", "该名称已被使用")),
        other => other.into(),
    }
}

/// Refuses a slug for an app when another app of the project still has it in Kubernetes: both would own one workload.
pub(crate) async fn free_for_app<P: Permission>(
    change: &mut Change<'_>,
    project: &Authorized<Project, P>,
    slug: &str,
    app: Option<AppId>,
) -> Result<()> {
    let Some(name) = change.tx().workload_of(&project.see(), slug, app).await? else {
        return Ok(());
    };
    Err(Error::field(
        "slug",
        Text::new(
            format!("the workload of “{name}” in Kubernetes has this name; choose another"),
            format!("应用“{name}”在 Kubernetes 中的工作负载使用该名称，请换一个"),
        ),
    ))
}
