//! Templates that organizations and projects write: authors write a document and publish versions of it ([`author`], [`farewell`]);
//! apps use them ([`catalog`]), are seen to ([`usage`]), and are brought to newer versions, one ([`upgrade`]) or many
//! ([`bulk`]) by merge requests. Nothing reaches an app without one.

pub mod author;
pub mod bulk;
mod catalog;
pub mod farewell;
pub mod upgrade;
pub mod usage;

pub(crate) use catalog::{Catalog, locks_in};
pub(crate) use usage::{note_file, note_merged};

use crate::access::{self, Anywhere, At, Authorized, may};
use crate::change::{Change, Entry};
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::ports::{TemplateRecord, TemplateVersionRecord};
use slipway_domain::access::{Action, ScopeKind};
use slipway_domain::pipeline::Template;
use slipway_domain::pipeline::authored::read;
use slipway_domain::template::{Owner, Told, newest_of, slug_of};

/// The topic of the invalidations of a place's templates; their id is the place's.
pub const TOPIC: &str = "templates";

/// The place of templates that the actor sees: an organization or a project.
async fn seen(ctx: &OpCtx, at: At<'_>) -> Result<Authorized<Anywhere, may::See>> {
    if at.app.is_some() {
        return Err(Error::NotFound);
    }
    access::anywhere(ctx, at).await
}

async fn may_publish(ctx: &OpCtx, place: &Authorized<Anywhere, may::See>) -> Result<bool> {
    Ok(ctx.rights().await?.at(place).has(Action::TemplatePublish))
}

/// Whose the templates of a place are.
fn owner_of<P>(place: &Authorized<Anywhere, P>) -> Owner {
    match place.kind() {
        ScopeKind::Org => Owner::Org,
        ScopeKind::Project | ScopeKind::App => Owner::Project,
    }
}

/// A template's key, with whose it is.
fn key_of(record: &TemplateRecord) -> String {
    let owner = if record.project.is_some() {
        Owner::Project
    } else {
        Owner::Org
    };
    owner.key_of(&record.slug)
}

/// What a reader has to know of a template beside its document.
fn told(record: &TemplateRecord, place: &str) -> Told {
    Told {
        owner: Owner::of_key(&key_of(record)),
        place: place.to_owned(),
        standing: record.standing,
        notice: record.notice.clone(),
    }
}

/// A published document as a template, with what changed up to its version, newest first. `versions` are all of its.
fn published(key: &str, version: &str, versions: &[&TemplateVersionRecord]) -> Option<Template> {
    let found = versions.iter().find(|one| one.version == version)?;
    let mut template = read(&found.text, key, version).template?;
    let mut changes: Vec<&&TemplateVersionRecord> = versions
        .iter()
        .filter(|one| one.published_at <= found.published_at)
        .collect();
    changes.sort_by_key(|one| std::cmp::Reverse(one.published_at));
    template.changelog = changes
        .into_iter()
        .map(|one| slipway_domain::pipeline::Change {
            version: one.version.clone(),
            text: one.changelog.clone(),
        })
        .collect();
    Some(template)
}

fn newest(versions: &[&TemplateVersionRecord]) -> Option<String> {
    newest_of(versions.iter().map(|one| one.version.as_str())).map(str::to_owned)
}

/// The record of a key that is written in the place itself.
async fn own<P>(
    ctx: &OpCtx,
    place: &Authorized<Anywhere, P>,
    see: &Authorized<Anywhere, may::See>,
    key: &str,
) -> Result<TemplateRecord> {
    if Owner::of_key(key) != owner_of(place) {
        return Err(Error::NotFound);
    }
    let slug = slug_of(key);
    let all = ctx.read().await?.templates(see).await?;
    all.into_iter()
        .find(|one| one.slug == slug)
        .ok_or(Error::NotFound)
}

/// Tells of a change of a template, in the audit log and to pages that show it.
async fn told_of(
    change: &mut Change<'_>,
    place: &Authorized<Anywhere, may::Modify>,
    action: &'static str,
    record: &TemplateRecord,
    summary: serde_json::Value,
) -> Result<()> {
    let at = place.place();
    change
        .audit(Entry::done(
            action,
            "template",
            record.id,
            key_of(record),
            &at,
            summary,
        ))
        .await?;
    touch(change, place);
    Ok(())
}

/// Tells pages that show the place's templates to look again.
fn touch(change: &mut Change<'_>, place: &Authorized<Anywhere, may::Modify>) {
    let id = place
        .project_id()
        .map_or_else(|| place.org_id().to_string(), |project| project.to_string());
    change.touch(TOPIC, id, &place.place());
}
