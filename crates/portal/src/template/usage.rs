//! Which apps use which version: read from what Slipway merged, and from the marks of the files on default branches.

use super::{Catalog, author, key_of, newest, seen};
use crate::access::{self, Anywhere, App, AppScope, At, Authorized, may};
use crate::change::Change;
use crate::connection;
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::ports::{ForgeFile, ProposalRecord, TemplateVersionRecord, UseRecord};
use crate::proposal::{FILE, look_up};
use slipway_domain::access::{Action, ScopeKind};
use slipway_domain::pipeline::authored::from_template;
use slipway_domain::pipeline::{Params, TemplateRef, template};
use slipway_domain::proposal::ProposalState;
use slipway_domain::template::{
    Owner, Standing, UpgradeCounts, UpgradeRow, Usage, UseRow, behind, slug_of, used_in,
};
use slipway_domain::text::Text;
use std::collections::BTreeMap;

/// How many bulk upgrades a page lists.
const UPGRADES: i64 = 20;
/// How many proposals are searched for what a form was filled in with.
const PROPOSALS: i64 = 50;

/// How many apps that the actor sees use which versions.
pub(super) struct Counts(BTreeMap<String, Vec<String>>);

impl Counts {
    /// How many use a template, and how many of them an older version than the newest.
    pub(super) fn of(&self, key: &str, newest: Option<&str>) -> (usize, usize) {
        let versions = self.0.get(key).map(Vec::as_slice).unwrap_or_default();
        let old = newest.map_or(0, |newest| {
            versions
                .iter()
                .filter(|used| behind(used, newest).is_some())
                .count()
        });
        (versions.len(), old)
    }
}

pub(super) async fn counts(ctx: &OpCtx, place: &Authorized<Anywhere, may::See>) -> Result<Counts> {
    let rights = ctx.rights().await?;
    let uses = ctx.read().await?.all_template_uses(place).await?;
    let mut counts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (app, used) in uses {
        if rights.in_app(&app).has(Action::See) {
            counts.entry(used.key).or_default().push(used.version);
        }
    }
    Ok(Counts(counts))
}

/// The versions of a template that can be used in a place, newest first, with its names.
pub(super) async fn versions(
    ctx: &OpCtx,
    place: &Authorized<Anywhere, may::See>,
    key: &str,
) -> Result<(Text, Vec<String>)> {
    if Owner::of_key(key) == Owner::BuiltIn {
        let found = template(key).ok_or(Error::NotFound)?;
        return Ok((found.names.clone(), vec![found.semver.clone()]));
    }
    let mut tx = ctx.read().await?;
    let all = match Owner::of_key(key) {
        Owner::Project if place.kind() == ScopeKind::Project => tx.templates(place).await?,
        Owner::Org => tx.templates_above(place).await?,
        _ => return Err(Error::NotFound),
    };
    let record = all
        .into_iter()
        .find(|one| one.slug == slug_of(key))
        .ok_or(Error::NotFound)?;
    if record.standing == Standing::Draft {
        return Err(Error::NotFound);
    }
    let versions = tx.template_versions(place, &[record.id]).await?;
    let all: Vec<&TemplateVersionRecord> = versions.iter().collect();
    let newest = newest(&all).and_then(|version| super::published(&key_of(&record), &version, &all));
    let mut named: Vec<String> = versions.iter().map(|one| one.version.clone()).collect();
    named.sort_by_key(|version| {
        std::cmp::Reverse(slipway_domain::pipeline::authored::parse_version(version).ok())
    });
    Ok((newest.map(|one| one.names).unwrap_or_default(), named))
}

/// The apps of a place that use a template, as far as the actor sees them, and how many more there are.
///
/// # Errors
/// As [`access::anywhere`]; [`Error::NotFound`].
pub async fn usage(ctx: &OpCtx, at: At<'_>, key: &str) -> Result<Usage> {
    let place = seen(ctx, at).await?;
    let (names, versions) = versions(ctx, &place, key).await?;
    let rights = ctx.rights().await?;
    let mut tx = ctx.read().await?;
    let uses = tx.template_uses(&place, key).await?;
    let upgrades = tx.template_upgrades(&place, key, UPGRADES).await?;
    let mut rows = Vec::new();
    let mut unseen = 0;
    for (app, used) in uses {
        let held = rights.in_app(&app);
        if !held.has(Action::See) {
            unseen += 1;
            continue;
        }
        rows.extend(row(&app, used, versions.first(), held.has(Action::PipelineEdit)));
    }
    let mut shown = Vec::new();
    for upgrade in upgrades {
        let steps = tx.template_upgrade_steps(&place, upgrade.id).await?;
        shown.push(UpgradeRow {
            counts: UpgradeCounts::of(steps.iter().map(|(_, step, _)| step.state)),
            id: upgrade.id,
            to: upgrade.to,
            by: upgrade.by,
            state: upgrade.state,
            created_at: upgrade.created_at,
            ended_at: upgrade.ended_at,
        });
    }
    Ok(Usage {
        place: place.place(),
        key: key.to_owned(),
        names,
        versions,
        rows,
        unseen,
        upgrades: shown,
    })
}

fn row(app: &AppScope, seen: UseRecord, newest: Option<&String>, may_edit: bool) -> Option<UseRow> {
    let used = seen.used?;
    Some(UseRow {
        place: app.place(),
        behind: newest.and_then(|newest| behind(&used.version, newest)),
        version: used.version,
        seen_at: seen.seen_at,
        may_edit,
    })
}

/// Notes what the file of a proposal that was merged is made of.
pub(crate) async fn note_merged(
    change: &mut Change<'_>,
    app: &Authorized<App, may::PipelineEdit>,
    proposal: &ProposalRecord,
) -> Result<()> {
    if proposal.state != ProposalState::Merged {
        return Ok(());
    }
    let seen_at = change.ctx().now();
    let seen = UseRecord {
        used: used_in(&proposal.content),
        commit: String::new(),
        seen_at,
    };
    change.tx().put_template_use(&app.modify(), &seen).await?;
    touch(change, app);
    Ok(())
}

fn touch<P>(change: &mut Change<'_>, app: &Authorized<App, P>) {
    let place = app.place();
    change.touch(super::TOPIC, app.project_id(), &place);
    change.touch(super::TOPIC, app.org_id(), &place);
}

/// Notes what the file on the default branch is made of, where that is not known of this commit. `commit`: the newest of
/// the branch, as far as the caller knows.
pub(crate) async fn note_file(
    ctx: &OpCtx,
    app: &Authorized<App, may::AppManage>,
    commit: &str,
    file: Option<&ForgeFile>,
) -> Result<()> {
    let used = file.and_then(|file| used_in(&String::from_utf8_lossy(&file.content)));
    let before = ctx.read().await?.template_use(&app.see()).await?;
    if before.is_none() && used.is_none() && commit.is_empty() {
        return Ok(());
    }
    let is_new = before.as_ref().map(|before| &before.used) != Some(&used);
    let mut change = ctx.change().await?;
    change.bookkeeping();
    let seen = UseRecord {
        used,
        commit: commit.to_owned(),
        seen_at: ctx.now(),
    };
    change.tx().put_template_use(&app.modify(), &seen).await?;
    if is_new {
        touch(&mut change, app);
    }
    change.commit().await
}

/// What an app uses, with what its form was filled in with, as far as that is known.
pub(super) struct Used {
    pub(super) reference: TemplateRef,
    pub(super) params: Option<Params>,
    /// A file that Slipway merged when it was made of this version, the newest.
    pub(super) merged: Option<String>,
}

pub(super) async fn used(
    ctx: &OpCtx,
    app: &Authorized<App, may::See>,
    reference: TemplateRef,
) -> Result<Used> {
    let name = format!("{}@{}", reference.key, reference.version);
    let proposals = ctx.read().await?.proposals(app, PROPOSALS).await?;
    let merged: Vec<&ProposalRecord> = proposals
        .iter()
        .filter(|one| one.state == ProposalState::Merged && one.template == name)
        .collect();
    Ok(Used {
        params: merged.iter().find_map(|one| one.params.clone()),
        // The one that came out of the form is what the template made; later ones were edited.
        merged: merged
            .iter()
            .find(|one| one.params.is_some())
            .or_else(|| merged.first())
            .map(|one| one.content.clone()),
        reference,
    })
}

/// What an app's file says that it was made of, as Slipway saw it last.
pub(super) async fn reference(ctx: &OpCtx, app: &Authorized<App, may::See>) -> Result<Option<TemplateRef>> {
    let seen = ctx.read().await?.template_use(app).await?;
    Ok(seen.and_then(|seen| seen.used))
}

/// A document with what an app's pipeline is: its template with what the app filled in, else its jobs; and the names of
/// the jobs that no template can have.
pub(super) async fn document_of_app(
    ctx: &OpCtx,
    org: &str,
    project: &str,
    app: &str,
    name: &str,
) -> Result<(String, Vec<String>)> {
    let app = access::app::<may::SeePipelines>(ctx, org, project, app)
        .await?
        .see();
    if let Some(reference) = reference(ctx, &app).await? {
        let catalog = Catalog::of(ctx, &app).await?;
        let used = used(ctx, &app, reference).await?;
        if let (Some(found), Some(params)) = (catalog.version(&used.reference), &used.params) {
            return Ok((from_template(&found, params), Vec::new()));
        }
    }
    let link = connection::link(ctx, &app).await?;
    let found = link.asked(ctx, link.forge.project(link.project()).await).await?;
    let branch = found.default_branch.ok_or_else(connection::empty_repository)?;
    let there = link.asked(ctx, look_up(&link, FILE, branch).await).await?;
    if there.text().trim().is_empty() {
        return Err(Error::refused(
            "no_pipeline",
            "The app's repository has no pipeline yet. Begin with a template or from nothing.",
            "该应用的仓库尚无流水线。请改用模板或从空白开始。",
        ));
    }
    author::document_of_file(name, &there.text())
}
