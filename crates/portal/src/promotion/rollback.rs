//! Rolling back: to what was verified in the environment before, without new approvals.

use super::deploy::Work;
use super::place_of;
use super::request::{behind, insert, new_promotion, refuse};
use crate::access::{self, App, Authorized, may};
use crate::change::Change;
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::fault;
use crate::hold;
use crate::notice::tell as notice;
use crate::ports::Tx;
use slipway_domain::environment::OnFailure;
use slipway_domain::id::{EnvironmentId, PromotionId, ReleaseId, UserId};
use slipway_domain::project::Place;
use slipway_domain::promotion::{DeploymentState, PromotionKind};

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
    let mut new = new_promotion(
        ctx,
        change.tx(),
        app,
        &release,
        &environment,
        PromotionKind::Rollback,
    )
    .await?;
    new.requested_by = ctx.user().ok().map(|u| u.id);
    if let Some(user) = new.requested_by {
        new.on_behalf_of = behind(change.tx(), app, user).await?;
    }
    new.waiver = Some(reason.trim().to_owned()).filter(|r| !r.is_empty());
    insert(ctx, &mut change, &modify, &release, &environment, &new).await?;
    let owner = ctx.user().ok().cloned();
    hold::after_rollback(&mut change, &modify, &environment, &release.version, &new, owner).await?;
    change.commit().await?;
    fault::point("promotion.requested");
    Ok((new.id, app.place()))
}

/// A rollout failed: where the environment is to go back by itself, the rollback is asked for in the change that ends it,
/// what branch rules send there is on hold from then on, and whom it concerns hears of it. A failed rollback, or what settles
/// a drift, leads to no other.
pub(super) async fn by_policy(
    ctx: &OpCtx,
    change: &mut Change<'_>,
    app: &Authorized<App, may::Modify>,
    work: &Work,
    title: &str,
) -> Result<()> {
    let see = app.see();
    let failed = &work.promotion;
    let found = change
        .tx()
        .environment(&access::project_of(&see), failed.environment)
        .await?;
    let Some((environment, None)) = found else {
        return Ok(());
    };
    let brings = matches!(failed.kind, PromotionKind::Promotion | PromotionKind::Automatic);
    if environment.gating.on_failure != OnFailure::RollBack || !brings || environment.binding.is_none() {
        return Ok(());
    }
    let Some(target) = rollback_target(change.tx(), &see, failed.environment).await? else {
        return Ok(());
    };
    let release = change.tx().release(&see, target).await?.ok_or(Error::NotFound)?;
    let pending = change
        .tx()
        .pending_promotions(&see, Some(failed.environment))
        .await?;
    if pending.iter().any(|p| p.kind == PromotionKind::Rollback) {
        return Ok(());
    }
    let why = failed.reason.clone().unwrap_or_default();
    let mut new = new_promotion(
        ctx,
        change.tx(),
        &see,
        &release,
        &environment,
        PromotionKind::Rollback,
    )
    .await?;
    new.on_behalf_of = failed.requester();
    new.waiver = Some(format!("{} failed: {}", work.version, why.en));
    insert(ctx, change, app, &release, &environment, &new).await?;
    let owners = change.tx().owners_of(&see).await?;
    let mut owner = None;
    for candidate in failed.requester().into_iter().chain(owners.iter().copied()) {
        owner = change.tx().person(candidate).await?.map(|person| person.as_ref());
        if owner.is_some() {
            break;
        }
    }
    hold::after_rollback(change, app, &environment, &release.version, &new, owner).await?;
    let people: Vec<UserId> = failed.requester().into_iter().chain(owners).collect();
    notice::rolled_back(change, app, &new, title, &release.version, &people).await?;
    fault::point("promotion.rolling_back");
    Ok(())
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
