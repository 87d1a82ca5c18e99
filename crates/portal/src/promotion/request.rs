//! Asking: promotions by people, by branch rules, rollbacks and retries.

use super::gate::render;
use super::{advance, end_turns, may_promote, place_of, tell, wake};
use crate::access::{self, App, Authorized, may};
use crate::change::{Change, Entry};
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::fault;
use crate::ports::{EnvironmentRecord, PromotionRecord, ReleaseRecord, StoreError, Tx};
use crate::subscriber::event;
use semver::Version;
use slipway_domain::audit::Outcome;
use slipway_domain::environment::matches;
use slipway_domain::id::{EnvironmentId, PromotionId, ReleaseId};
use slipway_domain::project::Place;
use slipway_domain::promotion::{DeploymentState, PromotionEvent, PromotionKind, PromotionState};
use slipway_domain::subscriber::EventKind;
use slipway_domain::text::Text;
use slipway_domain::token::Scope;

/// How often one promotion may try: the first time and after failures.
const MOST_TRIES: i64 = 3;

/// What is asked beside which release and where to.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    /// Why environments before this one are skipped: opens the gate of the environment before, recorded.
    pub waiver: Option<String>,
    /// Asking again with the same key asks once.
    pub idempotency: Option<String>,
}

/// Asks for a release to be put into an environment. A release that waits for it already is not asked for twice:
/// its promotion is the answer.
///
/// # Errors
/// [`Error::Forbidden`] by the environment's tier; [`Error::Refused`] with the reason: `not_bound`, `no_image`,
/// `defective`, `already_running`, `older_release`.
pub async fn request(
    ctx: &OpCtx,
    org: &str,
    project: &str,
    app: &str,
    release: ReleaseId,
    environment: EnvironmentId,
    ask: Ask,
) -> Result<PromotionId> {
    let app = access::app::<may::SeeReleases>(ctx, org, project, app)
        .await?
        .see();
    let mut tx = ctx.read().await?;
    let release = tx.release(&app, release).await?.ok_or(Error::NotFound)?;
    let chain = tx.environments(&access::project_of(&app)).await?;
    drop(tx);
    let environment = chain
        .into_iter()
        .find(|e| e.environment.id == environment)
        .ok_or(Error::NotFound)?;
    ask_for(ctx, &app, &release, &environment, ask).await
}

/// As [`request`], by the release's version and the environment's key.
///
/// # Errors
/// As [`request`].
pub async fn request_named(
    ctx: &OpCtx,
    org: &str,
    project: &str,
    app: &str,
    version: &str,
    environment: &str,
    ask: Ask,
) -> Result<PromotionId> {
    let app = access::app::<may::SeeReleases>(ctx, org, project, app)
        .await?
        .see();
    let mut tx = ctx.read().await?;
    let release = tx
        .release_by_version(&app, version)
        .await?
        .ok_or(Error::NotFound)?;
    let chain = tx.environments(&access::project_of(&app)).await?;
    drop(tx);
    let environment = chain
        .into_iter()
        .find(|e| e.environment.key == environment)
        .ok_or(Error::NotFound)?;
    ask_for(ctx, &app, &release, &environment, ask).await
}

async fn ask_for(
    ctx: &OpCtx,
    app: &Authorized<App, may::See>,
    release: &ReleaseRecord,
    environment: &EnvironmentRecord,
    ask: Ask,
) -> Result<PromotionId> {
    let modify = may_promote(ctx, app, environment.environment.tier).await?;
    let key = ask
        .idempotency
        .as_ref()
        .map(|key| format!("{}:{key}", ctx.request_owner()));
    let mut change = ctx.change().await?;
    if let Some(key) = &key
        && let Some(known) = change.tx().promotion_of_key(app, key).await?
    {
        return Ok(known);
    }
    let pending = change
        .tx()
        .pending_promotions(app, Some(environment.environment.id))
        .await?;
    if let Some(same) = pending
        .iter()
        .find(|p| p.release == release.id && p.kind != PromotionKind::Rollback)
    {
        return Ok(same.id);
    }
    refuse(change.tx(), app, release, environment).await?;
    let mut new = new_promotion(ctx, app, release, environment, PromotionKind::Promotion);
    new.requested_by = Some(ctx.user()?.id);
    new.waiver = ask.waiver.map(|w| w.trim().to_owned()).filter(|w| !w.is_empty());
    new.idempotency_key = key;
    let id = new.id;
    match insert(ctx, &mut change, &modify, release, environment, &new).await {
        // The same request, a moment earlier, on another replica.
        Err(Error::Conflict {
            code: "asked_twice", ..
        }) => {
            drop(change);
            let key = new.idempotency_key.unwrap_or_default();
            ctx.read()
                .await?
                .promotion_of_key(app, &key)
                .await?
                .ok_or(Error::NotFound)
        }
        Err(error) => Err(error),
        Ok(()) => {
            change.commit().await?;
            fault::point("promotion.requested");
            Ok(id)
        }
    }
}

fn new_promotion(
    ctx: &OpCtx,
    app: &Authorized<App, may::See>,
    release: &ReleaseRecord,
    environment: &EnvironmentRecord,
    kind: PromotionKind,
) -> PromotionRecord {
    let now = ctx.now();
    PromotionRecord {
        id: ctx.id(),
        release: release.id,
        environment: environment.environment.id,
        kind,
        state: PromotionState::Requested,
        version: 1,
        reason: None,
        subjects: vec![render(app, release, environment).1],
        gates: Vec::new(),
        evaluation: None,
        waiver: None,
        requested_by: None,
        requested_at: now,
        expires_at: now.plus(environment.policy.lifetime),
        tries: 0,
        base: None,
        ended_at: None,
        idempotency_key: None,
    }
}

/// Writes the promotion, supersedes those that wait for the same stop, and wakes its job.
async fn insert(
    ctx: &OpCtx,
    change: &mut Change<'_>,
    app: &Authorized<App, may::Modify>,
    release: &ReleaseRecord,
    environment: &EnvironmentRecord,
    new: &PromotionRecord,
) -> Result<()> {
    let see = app.see();
    let place = app.place();
    change
        .tx()
        .insert_promotion(app, new)
        .await
        .map_err(|error| match error {
            StoreError::Constraint(_) => {
                Error::conflict("asked_twice", "This was asked for already.", "该请求已提交。")
            }
            other => other.into(),
        })?;
    for mut older in change
        .tx()
        .pending_promotions(&see, Some(new.environment))
        .await?
    {
        if older.id == new.id {
            continue;
        }
        advance(&mut older, PromotionEvent::Supersede, ctx.now()).map_err(Error::internal)?;
        older.reason = Some(Text::new(
            format!("{} was asked for after it", release.version),
            format!("已被更新的请求 {} 取代", release.version),
        ));
        change.tx().update_promotion(app, &older).await?;
        end_turns(change, app.org_id(), older.id).await?;
        let summary = serde_json::json!({ "by": new.id });
        change
            .audit(Entry::done(
                "promotion.supersede",
                "promotion",
                older.id,
                "",
                &place,
                summary,
            ))
            .await?;
        let superseded = change.tx().release(&see, older.release).await?;
        let version = superseded.map_or_else(String::new, |release| release.version);
        let what = (version.as_str(), environment.environment.key.as_str());
        event::promotion(change, EventKind::PromotionEnded, &place, &older, what, None).await?;
        change.touch("promotion", older.id, &place);
    }
    let title = title(release, environment);
    let summary = serde_json::json!({
        "version": release.version,
        "environment": environment.environment.key,
        "kind": new.kind.key(),
        "waiver": new.waiver,
        "subject": new.subject(),
    });
    let action = match new.kind {
        PromotionKind::Rollback => "promotion.roll_back",
        _ => "promotion.request",
    };
    change
        .audit(Entry::done(action, "promotion", new.id, title, &place, summary))
        .await?;
    let what = (release.version.as_str(), environment.environment.key.as_str());
    event::promotion(change, EventKind::PromotionRequested, &place, new, what, None).await?;
    wake(change, &see, new.id, ctx.now()).await?;
    tell(change, app, new.environment, new.id).await
}

/// `2.4.1 → live`, as the audit log names it.
pub(super) fn title(release: &ReleaseRecord, environment: &EnvironmentRecord) -> String {
    format!("{} → {}", release.version, environment.environment.key)
}

/// Why the release cannot be asked for there now, whoever asks.
pub(super) async fn refuse(
    tx: &mut dyn Tx,
    app: &Authorized<App, may::See>,
    release: &ReleaseRecord,
    environment: &EnvironmentRecord,
) -> Result<()> {
    let name = &environment.environment.name;
    if environment.binding.is_none() {
        return Err(Error::refused(
            "not_bound",
            format!("{name} has no cluster yet. A project lead must bind it to one."),
            format!("{name} 尚未绑定集群，请项目负责人完成绑定。"),
        ));
    }
    if release.images.is_empty() {
        return Err(Error::refused(
            "no_image",
            format!(
                "{} has no image. Add an image job to its pipeline and release again.",
                release.version
            ),
            format!(
                "{} 没有镜像。请在流水线中添加镜像作业后重新发布。",
                release.version
            ),
        ));
    }
    if let Some((_, why)) = &release.defective {
        return Err(Error::refused(
            "defective",
            format!("{} is marked defective: {why}", release.version),
            format!("{} 已标记为有缺陷：{why}", release.version),
        ));
    }
    let stop = tx.stop(app, environment.environment.id).await?;
    let Some((deployment, running)) = stop.current else {
        return Ok(());
    };
    let newest = tx.deployments_in(app, environment.environment.id, 1).await?;
    let untouched = newest.first().is_none_or(|d| d.id == deployment);
    if running == release.id && untouched {
        return Err(Error::refused(
            "already_running",
            format!("{} runs in {name} already.", release.version),
            format!("{} 已在 {name} 运行。", release.version),
        ));
    }
    let running = tx.release(app, running).await?.ok_or(Error::NotFound)?;
    if is_older(release, &running) {
        return Err(Error::refused(
            "older_release",
            format!(
                "{} is older than {}, which runs in {name}. Roll back instead.",
                release.version, running.version
            ),
            format!(
                "{} 早于 {name} 当前运行的 {}，请使用回滚。",
                release.version, running.version
            ),
        ));
    }
    Ok(())
}

/// Whether a release is older than another: made before it, or a lower final version.
fn is_older(release: &ReleaseRecord, than: &ReleaseRecord) -> bool {
    let release_version = |text: &str| {
        Version::parse(text.trim_start_matches('v'))
            .ok()
            .filter(|v| v.pre.is_empty())
    };
    let lower = match (release_version(&release.version), release_version(&than.version)) {
        (Some(a), Some(b)) => a < b,
        _ => false,
    };
    release.id != than.id && (release.created_at < than.created_at || lower)
}

/// A release was made: it goes by itself wherever a branch rule sends it. Called inside the change that makes it.
///
/// # Errors
/// The database does not answer. What a rule may not do is no error: it is written down as refused.
pub async fn on_release(
    ctx: &OpCtx,
    change: &mut Change<'_>,
    app: &Authorized<App, may::Modify>,
    release: &ReleaseRecord,
) -> Result<()> {
    let see = app.see();
    for environment in change.tx().environments(&access::project_of(&see)).await? {
        if !environment
            .branches
            .iter()
            .any(|pattern| matches(pattern, &release.git_ref))
        {
            continue;
        }
        let mut verdict = refuse(change.tx(), &see, release, &environment).await;
        if verdict.is_ok() {
            verdict = newer_waits(change.tx(), &see, release, environment.environment.id).await;
        }
        match verdict {
            Ok(()) => {
                let new = new_promotion(ctx, &see, release, &environment, PromotionKind::Automatic);
                insert(ctx, change, app, release, &environment, &new).await?;
            }
            Err(Error::Refused { code, .. }) => {
                let place = app.place();
                let summary = serde_json::json!({ "code": code, "environment": environment.environment.key });
                let title = title(release, &environment);
                let entry = Entry::done(
                    "promotion.automatic",
                    "release",
                    release.id,
                    title,
                    &place,
                    summary,
                );
                change
                    .audit(Entry {
                        outcome: Outcome::Refused,
                        ..entry
                    })
                    .await?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

async fn newer_waits(
    tx: &mut dyn Tx,
    app: &Authorized<App, may::See>,
    release: &ReleaseRecord,
    environment: EnvironmentId,
) -> Result<()> {
    for pending in tx.pending_promotions(app, Some(environment)).await? {
        let other = tx.release(app, pending.release).await?.ok_or(Error::NotFound)?;
        if is_older(release, &other) {
            return Err(Error::refused(
                "newer_waits",
                "a newer release waits for it",
                "已有更新的版本在等待",
            ));
        }
    }
    Ok(())
}

/// A release was marked defective: promotions of it that wait are looked at, and so cancelled. Called inside the
/// change that marks it.
///
/// # Errors
/// The database does not answer.
pub async fn on_defective(
    ctx: &OpCtx,
    change: &mut Change<'_>,
    app: &Authorized<App, may::See>,
    release: ReleaseId,
) -> Result<()> {
    for pending in change.tx().pending_promotions(app, None).await? {
        if pending.release == release {
            wake(change, app, pending.id, ctx.now()).await?;
        }
    }
    Ok(())
}

/// Tries a failed promotion again: the same subject, so the approvals it has still hold while they are valid.
///
/// # Errors
/// As [`request`]; `not_failed`, `tries_used_up`, `another_waits`.
pub async fn retry(ctx: &OpCtx, id: PromotionId) -> Result<()> {
    let app = place_of(ctx, id).await?;
    ctx.needs_scope(Scope::Deploy)?;
    let mut change = ctx.change().await?;
    let mut promotion = change.tx().promotion(&app, id).await?.ok_or(Error::NotFound)?;
    let chain = change.tx().environments(&access::project_of(&app)).await?;
    let environment = chain
        .into_iter()
        .find(|e| e.environment.id == promotion.environment)
        .ok_or(Error::NotFound)?;
    let modify = if promotion.kind == PromotionKind::Rollback {
        access::also::<may::Rollback>(ctx, &app).await?.modify()
    } else {
        may_promote(ctx, &app, environment.environment.tier).await?
    };
    if promotion.state != PromotionState::Failed {
        return Err(Error::conflict(
            "not_failed",
            "Only a failed promotion can be tried again.",
            "只能重试失败的晋级。",
        ));
    }
    if promotion.tries >= MOST_TRIES {
        return Err(Error::refused(
            "tries_used_up",
            format!("It was tried {MOST_TRIES} times. Ask for a new promotion."),
            format!("已尝试 {MOST_TRIES} 次，请重新发起晋级。"),
        ));
    }
    if !change
        .tx()
        .pending_promotions(&app, Some(promotion.environment))
        .await?
        .is_empty()
    {
        return Err(Error::conflict(
            "another_waits",
            "Another promotion waits for this environment. Withdraw it first.",
            "该环境有其他晋级在等待，请先撤回。",
        ));
    }
    let release = change
        .tx()
        .release(&app, promotion.release)
        .await?
        .ok_or(Error::NotFound)?;
    if promotion.kind != PromotionKind::Rollback {
        refuse(change.tx(), &app, &release, &environment).await?;
    }
    advance(&mut promotion, PromotionEvent::Retry, ctx.now()).map_err(Error::internal)?;
    promotion.reason = None;
    change.tx().update_promotion(&modify, &promotion).await?;
    let place = app.place();
    let summary = serde_json::json!({ "tries": promotion.tries });
    change
        .audit(Entry::done(
            "promotion.retry",
            "promotion",
            id,
            title(&release, &environment),
            &place,
            summary,
        ))
        .await?;
    wake(&mut change, &app, id, ctx.now()).await?;
    tell(&mut change, &modify, promotion.environment, id).await?;
    change.commit().await
}

/// Puts the environment of a promotion back to a release that was verified there. The new promotion and its place.
///
/// # Errors
/// [`Error::Forbidden`]; `not_verified` for a release that was never there completely; `not_bound`.
pub async fn roll_back(
    ctx: &OpCtx,
    id: PromotionId,
    release: ReleaseId,
    reason: &str,
) -> Result<(PromotionId, Place)> {
    let app = place_of(ctx, id).await?;
    let promotion = ctx
        .read()
        .await?
        .promotion(&app, id)
        .await?
        .ok_or(Error::NotFound)?;
    roll_back_to(ctx, &app, promotion.environment, Some(release), reason).await
}

/// As [`roll_back`], by the environment's key; without a release, to the last one that was verified there.
///
/// # Errors
/// As [`roll_back`]; `nothing_before` where there is none.
pub async fn roll_back_in(
    ctx: &OpCtx,
    org: &str,
    project: &str,
    app: &str,
    environment: &str,
    version: Option<&str>,
    reason: &str,
) -> Result<(PromotionId, Place)> {
    let app = access::app::<may::SeeReleases>(ctx, org, project, app)
        .await?
        .see();
    let mut tx = ctx.read().await?;
    let chain = tx.environments(&access::project_of(&app)).await?;
    let environment = chain
        .into_iter()
        .find(|e| e.environment.key == environment)
        .ok_or(Error::NotFound)?;
    let release = match version {
        Some(version) => Some(
            tx.release_by_version(&app, version)
                .await?
                .ok_or(Error::NotFound)?
                .id,
        ),
        None => None,
    };
    drop(tx);
    roll_back_to(ctx, &app, environment.environment.id, release, reason).await
}

async fn roll_back_to(
    ctx: &OpCtx,
    app: &Authorized<App, may::See>,
    environment: EnvironmentId,
    release: Option<ReleaseId>,
    reason: &str,
) -> Result<(PromotionId, Place)> {
    let modify = access::also::<may::Rollback>(ctx, app).await?.modify();
    let mut change = ctx.change().await?;
    let chain = change.tx().environments(&access::project_of(app)).await?;
    let environment = chain
        .into_iter()
        .find(|e| e.environment.id == environment)
        .ok_or(Error::NotFound)?;
    let target = match release {
        Some(release) => Some(release),
        None => rollback_target(change.tx(), app, environment.environment.id).await?,
    };
    let Some(target) = target else {
        return Err(Error::refused(
            "nothing_before",
            "No release was verified there before, so there is nothing to go back to.",
            "此前没有已验证的版本，无法回滚。",
        ));
    };
    let release = change.tx().release(app, target).await?.ok_or(Error::NotFound)?;
    if !change
        .tx()
        .verified_in(app, environment.environment.id, release.id)
        .await?
    {
        return Err(Error::refused(
            "not_verified",
            format!(
                "{} was never deployed to {} completely.",
                release.version, environment.environment.name
            ),
            format!(
                "{} 从未成功部署到 {}。",
                release.version, environment.environment.name
            ),
        ));
    }
    if environment.binding.is_none() {
        refuse(change.tx(), app, &release, &environment).await?;
    }
    // A second click on the same button is the same rollback.
    let pending = change
        .tx()
        .pending_promotions(app, Some(environment.environment.id))
        .await?;
    if let Some(same) = pending
        .iter()
        .find(|p| p.release == release.id && p.kind == PromotionKind::Rollback)
    {
        return Ok((same.id, app.place()));
    }
    if let Some(same) = rolling_back(change.tx(), app, environment.environment.id, release.id).await? {
        return Ok((same, app.place()));
    }
    let mut new = new_promotion(ctx, app, &release, &environment, PromotionKind::Rollback);
    new.requested_by = ctx.user().ok().map(|u| u.id);
    new.waiver = Some(reason.trim().to_owned()).filter(|r| !r.is_empty());
    insert(ctx, &mut change, &modify, &release, &environment, &new).await?;
    change.commit().await?;
    fault::point("promotion.requested");
    Ok((new.id, app.place()))
}

/// A rollback to the release that is under way there.
async fn rolling_back(
    tx: &mut dyn Tx,
    app: &Authorized<App, may::See>,
    environment: EnvironmentId,
    release: ReleaseId,
) -> Result<Option<PromotionId>> {
    let Some(lock) = tx.stop(app, environment).await?.lock else {
        return Ok(None);
    };
    let holder = tx.promotion(app, lock.owner).await?;
    Ok(holder
        .filter(|p| p.release == release && p.kind == PromotionKind::Rollback && p.state.is_running())
        .map(|p| p.id))
}

/// The release a rollback goes to: what ran there before the last attempt, if that failed; else the one verified
/// before the one that runs.
pub(super) async fn rollback_target(
    tx: &mut dyn Tx,
    app: &Authorized<App, may::See>,
    environment: EnvironmentId,
) -> Result<Option<ReleaseId>> {
    let Some((_, running)) = tx.stop(app, environment).await?.current else {
        return Ok(None);
    };
    let newest = tx.deployments_in(app, environment, 1).await?;
    let broken = |state| !matches!(state, DeploymentState::Succeeded);
    if newest
        .first()
        .is_some_and(|d| broken(d.state) && d.release != running)
    {
        return Ok(Some(running));
    }
    let Some(running) = tx.release(app, running).await? else {
        return Ok(None);
    };
    Ok(tx.last_verified(app, environment, running.created_at).await?)
}

impl OpCtx {
    /// Whose idempotency keys these are: two people may use the same key.
    fn request_owner(&self) -> String {
        self.user()
            .map_or_else(|_| String::from("slipway"), |user| user.id.to_string())
    }
}
