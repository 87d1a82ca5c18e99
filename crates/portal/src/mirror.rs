//! Work items that mirror GitLab issues: how an app's issues are mirrored, and what somebody has to settle.
//!
//! What is done is in [`work`]: which issues and items are to meet; in `meet`: what becomes of two that do; and in
//! `talk`: their comments.

use crate::access::may::See;
use crate::access::{self, Authorized, Project, may};
use crate::change::{Change, Entry};
use crate::connection;
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::item::edit as item_edit;
use crate::jobs::Job;
use crate::ports::{BotRecord, MirrorRecord, NewPerson, RepositoryLink};
use crate::repository;
use slipway_domain::feature::Feature;
use slipway_domain::id::{AppId, ItemId, ProjectId, TypedId as _, UserId};
use slipway_domain::item::ItemKind;
use slipway_domain::mirror::{ConflictRow, MirrorField, MirrorRules, MirrorView, Sheet, Taking};
use slipway_domain::person::Person;

mod meet;
mod sides;
mod talk;
pub(crate) mod work;

/// How many items with conflicts the page shows.
const CONFLICTS: i64 = 50;

/// How an app's issues are to be mirrored.
#[derive(Clone, Debug)]
pub struct Input {
    /// Whether they are.
    pub on: bool,
    /// What an issue becomes that no rule names.
    pub kind: ItemKind,
    /// Rules, one a line, as in `bug = bug`.
    pub labels: String,
    /// Whether items that are made here for the app are made as issues there.
    pub creates: bool,
    /// Whether the open issues from before become items, too.
    pub take: bool,
    /// Only where this is still the version of the settings.
    pub expected: Option<i64>,
}

/// How an app's issues are mirrored, and how that goes.
///
/// # Errors
/// As [`access::app`]: whoever may change the app's settings sees it.
pub async fn view(ctx: &OpCtx, org: &str, project: &str, app: &str) -> Result<MirrorView> {
    let app = access::app::<may::AppManage>(ctx, org, project, app).await?;
    let see = app.see();
    let mut tx = ctx.read().await?;
    let (_, repository, _) = tx.app_detail(&see).await?;
    let mirror = tx.mirror(&see).await?;
    let (linked, conflicts) = tx.links_of_app(&see, CONFLICTS).await?;
    let place = app.place();
    let repository = repository.map(|link| link.repository.path);
    let Some(mirror) = mirror else {
        return Ok(MirrorView {
            place,
            repository,
            since: None,
            rules: MirrorRules::default(),
            taking: None,
            reconciled_at: None,
            linked,
            conflicts,
            trouble: None,
            version: 0,
        });
    };
    Ok(MirrorView {
        place,
        repository,
        since: mirror.since,
        rules: mirror.rules,
        taking: mirror.taking,
        reconciled_at: mirror.reconciled_at,
        linked,
        conflicts,
        trouble: mirror.trouble,
        version: mirror.version,
    })
}

/// Sets how an app's issues are mirrored. Switching it on asks GitLab which issues are there already.
///
/// # Errors
/// As [`access::app`]; [`Error::Invalid`] `labels`; [`Error::Refused`] `no_repository`, `boards_off`, or what GitLab says;
/// [`Error::Conflict`] where the settings are not at `expected` any more.
pub async fn set(ctx: &OpCtx, org: &str, project: &str, app: &str, input: Input) -> Result<()> {
    let app = access::app::<may::AppManage>(ctx, org, project, app).await?;
    let (see, place) = (app.see(), app.place());
    let labels = MirrorRules::parse(&input.labels).map_err(|text| Error::field("labels", text))?;
    let known = ctx.read().await?.mirror(&see).await?;
    let version = known.as_ref().map_or(0, |known| known.version);
    if input.expected.is_some_and(|expected| expected != version) {
        return Err(Error::version_mismatch());
    }
    if input.on && !place.has(Feature::Boards) {
        return Err(Error::refused(
            "boards_off",
            "Boards are switched off in this project. Switch them on in its settings first.",
            "该项目已关闭看板，请先在项目设置中开启。",
        ));
    }
    let wanted = MirrorRules {
        kind: input.kind,
        labels,
        creates: input.creates,
    };
    let (mut record, hooked) = if input.on {
        let link = connection::link(ctx, &app).await?;
        let same = |known: &MirrorRecord| {
            known.since.is_some()
                && known.connection == link.connection.connection.id
                && known.repository == link.project()
        };
        match known.clone().filter(same) {
            Some(known) => (known, None),
            // The webhook is asked for again, to tell of issues, too.
            None => (begins(ctx, &link, known.as_ref()).await?, Some(link.repository)),
        }
    } else {
        match known.clone() {
            None => return Ok(()),
            Some(known) => {
                let (_, repository, _) = ctx.read().await?.app_detail(&see).await?;
                (MirrorRecord { since: None, ..known }, repository)
            }
        }
    };
    record.rules = wanted;
    record.version = version;
    if input.on && input.take && record.taking.is_none() {
        record.taking = Some(Taking {
            pages: 0,
            made: 0,
            done: false,
        });
    }
    let mut change = ctx.change().await?;
    if known.is_none() {
        let account = bot(ctx, record.bot, app.project_id())?;
        change.tx().insert_bot(&account).await?;
    }
    change.tx().put_mirror(&app.modify(), &record).await?;
    let turned = hooked.is_some();
    if let Some(repository) = hooked {
        let again = RepositoryLink {
            hook_id: None,
            ..repository
        };
        change.tx().set_repository(&app.modify(), &again).await?;
    }
    if input.on {
        work::enqueue(&mut change, app.id()).await?;
    }
    let summary = serde_json::json!({
        "on": input.on, "kind": record.rules.kind.key(), "labels": record.rules.typed(),
        "creates": record.rules.creates, "take": record.taking.is_some(),
    });
    let entry = Entry::done(
        "app.mirror",
        "app",
        app.id(),
        app.app.name.clone(),
        &place,
        summary,
    );
    change.audit(entry).await?;
    change.touch("app", app.id(), &place);
    change.commit().await?;
    if turned {
        // Now, so that GitLab tells from here on; the next look would ask for it too.
        let asked = repository::ask_for_hook(ctx, &app).await;
        if input.on {
            asked?;
        }
    }
    Ok(())
}

/// A mirror that begins now: issues up to the newest one of GitLab are from before.
async fn begins(ctx: &OpCtx, link: &connection::Link, known: Option<&MirrorRecord>) -> Result<MirrorRecord> {
    let newest = link
        .asked(ctx, link.forge.issues(link.project(), true, 1).await)
        .await?;
    let changed = link
        .asked(ctx, link.forge.newest_change(link.project()).await)
        .await?;
    Ok(MirrorRecord {
        since: Some(ctx.now()),
        rules: MirrorRules::default(),
        bot: known.map_or_else(|| ctx.id(), |known| known.bot),
        connection: link.connection.connection.id,
        repository: link.project(),
        since_iid: newest.items.first().map_or(0, |issue| issue.iid),
        cursor: changed.map(|issue| issue.updated_at),
        reconciled_at: None,
        taking: None,
        trouble: None,
        version: 0,
    })
}

/// The account in whose name GitLab's changes are written: nobody signs in to it.
fn bot(ctx: &OpCtx, id: UserId, project: ProjectId) -> Result<BotRecord> {
    Ok(BotRecord {
        account: NewPerson {
            person: Person {
                id,
                username: format!("gitlab.{}", id.uuid().simple()),
                name: String::from("GitLab"),
                email: None,
                locale: None,
                created_at: ctx.now(),
                deactivated_at: None,
            },
            password_hash: None,
        },
        project,
        made_by: ctx.user()?.id,
    })
}

/// The items of an app that have something to settle.
///
/// # Errors
/// As [`access::app`].
pub async fn conflicts(ctx: &OpCtx, org: &str, project: &str, app: &str) -> Result<Vec<ConflictRow>> {
    let app = access::app::<may::SeeBoards>(ctx, org, project, app).await?;
    Ok(ctx.read().await?.links_of_app(&app.see(), CONFLICTS).await?.1)
}

/// Settles a conflict of an item: `ours` stays and is written in GitLab, or what stands there comes here. `expected`: what
/// it was shown at.
///
/// # Errors
/// [`Error::Forbidden`] as for edits; [`Error::NotFound`] where there is no such conflict; [`Error::Conflict`] where the
/// two sides met again since it was shown, or the item was edited.
pub async fn settle(
    ctx: &OpCtx,
    org: &str,
    project: &str,
    (number, field): (i64, MirrorField),
    ours: bool,
    expected: Option<i64>,
) -> Result<()> {
    let see = access::project::<may::SeeBoards>(ctx, org, project).await?.see();
    let mut change = ctx.change().await?;
    let item = change.tx().item(&see, number).await?.ok_or(Error::NotFound)?;
    let proof = item_edit::proof_to_edit(ctx, &see, &item).await?;
    change.tx().lock_board(&proof).await?;
    let item = change.tx().item(&see, number).await?.ok_or(Error::NotFound)?;
    let found = change.tx().link_of_item(&see, item.card.id).await?;
    let mut record = found.ok_or(Error::NotFound)?;
    let at = record.link.conflicts.iter().position(|one| one.field == field);
    let conflict = at
        .map(|at| record.link.conflicts.remove(at))
        .ok_or(Error::NotFound)?;
    if expected.is_some_and(|expected| expected != record.link.version) {
        return Err(Error::version_mismatch());
    }
    record.base.set(field, conflict.theirs.clone());
    if !ours {
        let held = sides::here_of(&item, field);
        if held.as_deref().is_some_and(|held| held != conflict.ours) {
            return Err(Error::version_mismatch());
        }
        let here = Sheet::default().with(field, conflict.theirs.clone());
        let (_, refused) = sides::write_here(ctx, &mut change, (&proof, &see), &item, &record, &here).await?;
        if !refused.is_empty() {
            return Err(Error::refused(
                "transition",
                "The workflow does not lead there by itself. Move the item by hand, then settle this again.",
                "流程无法自动流转到该状态。请先手动移动事项，再处理此冲突。",
            ));
        }
    }
    change.tx().update_link(&proof, &record).await?;
    let place = see.place();
    let summary = serde_json::json!({
        "key": item.card.key, "field": field.key(), "kept": if ours { "ours" } else { "theirs" },
    });
    let title = item.card.title.clone();
    let entry = Entry::done("item.mirror_settle", "item", item.card.id, title, &place, summary);
    change.audit(entry).await?;
    enqueue_item(&mut change, record.link.app, item.card.id).await?;
    change.touch("item", item.card.id, &place);
    change.commit().await
}

/// Something of an item changed here: its issue is to hear of it, in the same transaction.
///
/// # Errors
/// The database does not answer.
pub(crate) async fn item_changed(
    change: &mut Change<'_>,
    project: &Authorized<Project, See>,
    item: ItemId,
) -> Result<()> {
    let Some(target) = change.tx().mirror_of_item(project, item).await? else {
        return Ok(());
    };
    // What came from GitLab is not told to it.
    if !target.wanted || change.ctx().user().is_ok_and(|me| me.id == target.bot) {
        return Ok(());
    }
    enqueue_item(change, target.app, item).await
}

async fn enqueue_item(change: &mut Change<'_>, app: AppId, item: ItemId) -> Result<()> {
    let now = change.ctx().now();
    let job = Job::MirrorItem { app, item };
    change
        .enqueue(&job, now, Some(&format!("mirror-item:{item}")))
        .await
}
