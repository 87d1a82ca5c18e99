//! Asking: promotions by people, by branch rules, rollbacks and retries.

use super::gate::render;
use super::{advance, end_turns, may_promote, news, place_of, tell, wake};
use crate::access::{self, App, Authorized, may};
use crate::change::{Change, Entry};
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::fault;
use crate::notice::tell as notice;
use crate::ports::{EnvironmentRecord, PromotionRecord, ReleaseRecord, StoreError, Tx};
use crate::subscriber::event;
use semver::Version;
use slipway_domain::access::Action;
use slipway_domain::audit::Outcome;
use slipway_domain::environment::{Queue, matches};
use slipway_domain::id::{EnvironmentId, PromotionId, ReleaseId, UserId};
use slipway_domain::promotion::{PromotionEvent, PromotionKind, PromotionState};
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
        .find(|p| p.release == release.id && p.kind != PromotionKind::Rollback && p.kind.settles().is_none())
    {
        return Ok(same.id);
    }
    refuse(change.tx(), app, release, environment).await?;
    let mut new = new_promotion(
        ctx,
        change.tx(),
        app,
        release,
        environment,
        PromotionKind::Promotion,
    )
    .await?;
    let asking = ctx.user()?.id;
    new.on_behalf_of = behind(change.tx(), app, asking).await?;
    new.requested_by = Some(asking);
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

pub(crate) async fn new_promotion(
    ctx: &OpCtx,
    tx: &mut dyn Tx,
    app: &Authorized<App, may::See>,
    release: &ReleaseRecord,
    environment: &EnvironmentRecord,
    kind: PromotionKind,
) -> Result<PromotionRecord> {
    let now = ctx.now();
    Ok(PromotionRecord {
        id: ctx.id(),
        release: release.id,
        environment: environment.environment.id,
        kind,
        state: PromotionState::Requested,
        version: 1,
        reason: None,
        subjects: vec![render(tx, app, release, environment).await?.1],
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
        pauses: Vec::new(),
        on_behalf_of: None,
    })
}

/// The person behind a project's token, who answers for what it asks for; `None`: a person asks.
///
/// # Errors
/// [`Error::Refused`] `no_owner` where that person has left.
pub(crate) async fn behind(
    tx: &mut dyn Tx,
    app: &Authorized<App, may::See>,
    asking: UserId,
) -> Result<Option<UserId>> {
    let Some((maker, active)) = tx.maker_of(asking).await? else {
        return Ok(None);
    };
    let rights = access::Rights::of(tx.role_bindings_of(maker).await?);
    if active && rights.in_app(app).has(Action::See) {
        return Ok(Some(maker));
    }
    Err(Error::refused(
        "no_owner",
        "Nobody answers for this token any more: whoever made it has left. Make a new one.",
        "该令牌的创建者已离开，无人对其负责，请重新创建令牌。",
    ))
}

/// Writes the promotion, supersedes those that wait for the same stop, and wakes its job.
pub(crate) async fn insert(
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
    let in_order = environment.gating.queue == Queue::InOrder && new.kind != PromotionKind::Rollback;
    let pending = change
        .tx()
        .pending_promotions(&see, Some(new.environment))
        .await?;
    // What settles a drift does not take the place of a release; a release takes the place of both.
    let yields = |older: &PromotionRecord| {
        older.id != new.id && !in_order && (new.kind.settles().is_none() || older.kind.settles().is_some())
    };
    for mut older in pending.into_iter().filter(yields) {
        let asked = news::concerned(change.tx(), &see, &older).await?;
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
        let name = format!("{version} → {}", environment.environment.key);
        notice::superseded(change, app, &older, &name, &release.version, &asked).await?;
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
        PromotionKind::Revert => "drift.revert",
        PromotionKind::Adopt => "drift.adopt",
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
pub(crate) fn title(release: &ReleaseRecord, environment: &EnvironmentRecord) -> String {
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
    if let Some(missing) = release.workload.missing_images(&release.images).first() {
        return Err(Error::refused(
            "no_image",
            format!(
                "{} has no image “{missing}”, which its workload names. Add an image job for it, or change the workload and release again.",
                release.version
            ),
            format!(
                "{} 没有工作负载所用的镜像“{missing}”。请为其添加镜像作业，或修改工作负载后重新发布。",
                release.version
            ),
        ));
    }
    if !release.workload.manifests.is_empty() {
        let kept = tx.manifests_of(app, release.id).await?;
        if !kept
            .iter()
            .any(|kept| kept.environment == environment.environment.key)
        {
            return Err(Error::refused(
                "no_manifests",
                format!(
                    "{} was made before {name} was there, so it has no manifests for it. Release again.",
                    release.version
                ),
                format!(
                    "{} 发布时还没有 {name}，因此没有对应的清单，请重新发布。",
                    release.version
                ),
            ));
        }
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
        if verdict.is_ok() && release.created_by.is_none() && environment.policy.asks_others() {
            verdict = Err(Error::refused(
                "no_owner",
                "nobody is known who pushed it",
                "无法确定推送者",
            ));
        }
        match verdict {
            Ok(()) => {
                let mut new = new_promotion(
                    ctx,
                    change.tx(),
                    &see,
                    release,
                    &environment,
                    PromotionKind::Automatic,
                )
                .await?;
                new.on_behalf_of = release.created_by;
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
    if promotion.kind != PromotionKind::Rollback && promotion.kind.settles().is_none() {
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

impl OpCtx {
    /// Whose idempotency keys these are: two people may use the same key.
    fn request_owner(&self) -> String {
        self.user()
            .map_or_else(|_| String::from("slipway"), |user| user.id.to_string())
    }
}
