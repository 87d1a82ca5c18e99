//! What a step of a deployment led to, written down: applied, progress, out of sight, or ended.

use super::deploy::{Seen, Work, each_once, overtaken, poll};
use super::drive::{LOCK_LEASE, Step};
use super::rollback::by_policy;
use super::{advance, end_turns, tell, wake_pending};
use crate::access::{self, App, Authorized, may};
use crate::change::{Change, Entry};
use crate::context::OpCtx;
use crate::environment::observe;
use crate::error::{Error, Result};
use crate::fault;
use crate::jobs::Job;
use crate::notice::tell as notice;
use crate::ports::{ClusterError, DeploymentRecord, NowRunning, Tx};
use crate::subscriber::event;
use slipway_domain::app::Observed;
use slipway_domain::audit::Outcome;
use slipway_domain::environment::Health;
use slipway_domain::id::EnvironmentId;
use slipway_domain::promotion::{DeploymentState, PromotionEvent, PromotionState};
use slipway_domain::rollout::WorkloadStatus;
use slipway_domain::subscriber::EventKind;
use slipway_domain::text::Text;
use slipway_domain::time::{MINUTE, SECOND, Timestamp};

/// How long the cluster may be silent before nobody can tell how it goes, in µs.
const SIGHT: i64 = MINUTE;

/// How a deployment ended.
pub(super) enum End {
    /// The rollout is complete.
    Succeeded(Seen),
    /// The cluster refused, or something else ended it.
    Failed(Text),
    /// The rollout failed, seen in the cluster.
    FailedRollout(Text, Seen),
}

/// Moves the attempt on.
fn move_to(deployment: &mut DeploymentRecord, next: DeploymentState) -> Result<()> {
    if deployment.state != next {
        deployment.state = deployment.state.to(next).map_err(|at| {
            Error::internal(format!(
                "a deployment that is {} cannot become {}",
                at.key(),
                next.key()
            ))
        })?;
    }
    Ok(())
}

/// The cluster has taken everything: the rollout is watched from now on.
pub(super) async fn applied(
    ctx: &OpCtx,
    app: &Authorized<App, may::Modify>,
    mut work: Work,
    warnings: Vec<String>,
) -> Result<Step> {
    let now = ctx.now();
    let was = work.deployment.state;
    let event = match work.promotion.state {
        PromotionState::Unknown => PromotionEvent::RegainSight,
        _ => PromotionEvent::Applied,
    };
    advance(&mut work.promotion, event, now).map_err(Error::internal)?;
    work.promotion.reason = None;
    move_to(&mut work.deployment, DeploymentState::Watching)?;
    work.deployment.applied_at = Some(now);
    work.deployment.lost_at = None;
    work.deployment.reason = None;
    work.deployment.warnings = warnings;
    let mut change = ctx.change().await?;
    change.bookkeeping();
    change.tx().update_promotion(app, &work.promotion).await?;
    change.tx().update_deployment(app, &work.deployment, was).await?;
    tell(&mut change, app, work.promotion.environment, work.promotion.id).await?;
    change.commit().await?;
    fault::point("promotion.applied");
    Ok(Step::Again)
}

/// Somebody wiped its marks, and it was applied once more: what the cluster remarked on this time is kept beside what it did before.
pub(super) async fn applied_again(
    ctx: &OpCtx,
    app: &Authorized<App, may::Modify>,
    mut work: Work,
    warnings: Vec<String>,
) -> Result<Step> {
    let mut all = work.deployment.warnings.clone();
    all.extend(warnings);
    let all = each_once(all);
    if all != work.deployment.warnings {
        work.deployment.warnings = all;
        let mut change = ctx.change().await?;
        change.bookkeeping();
        let was = work.deployment.state;
        change.tx().update_deployment(app, &work.deployment, was).await?;
        tell(&mut change, app, work.promotion.environment, work.promotion.id).await?;
        change.commit().await?;
    }
    Ok(Step::Wait(poll(ctx, &work)))
}

/// The rollout is on its way.
pub(super) async fn progress(
    ctx: &OpCtx,
    app: &Authorized<App, may::Modify>,
    mut work: Work,
    seen: Seen,
    trouble_since: Option<Timestamp>,
) -> Result<Step> {
    let now = ctx.now();
    let before = work.deployment.clone();
    let regained = regain(&mut work, now)?;
    let observed = take_in(&mut work.deployment, seen, now);
    work.deployment.trouble_since = trouble_since;
    let same = DeploymentRecord {
        observed_at: before.observed_at,
        ..work.deployment.clone()
    } == before;
    let fresh = before.observed_at.is_some_and(|at| now.since(at) < 10 * SECOND);
    if !(same && fresh) {
        let mut change = ctx.change().await?;
        change.bookkeeping();
        if regained {
            change.tx().update_promotion(app, &work.promotion).await?;
        }
        change
            .tx()
            .update_deployment(app, &work.deployment, before.state)
            .await?;
        if let Some(observed) = &observed {
            change
                .tx()
                .set_observed(app, work.promotion.environment, observed)
                .await?;
        }
        tell(&mut change, app, work.promotion.environment, work.promotion.id).await?;
        change.commit().await?;
    }
    fault::point("promotion.noted");
    Ok(Step::Wait(poll(ctx, &work)))
}

/// The cluster answers again: whether that is news.
fn regain(work: &mut Work, now: Timestamp) -> Result<bool> {
    work.deployment.lost_at = None;
    if work.promotion.state != PromotionState::Unknown {
        return Ok(false);
    }
    advance(&mut work.promotion, PromotionEvent::RegainSight, now).map_err(Error::internal)?;
    work.promotion.reason = None;
    move_to(&mut work.deployment, DeploymentState::Watching)?;
    Ok(true)
}

/// Takes in what was seen; what the lane shows of it.
fn take_in(deployment: &mut DeploymentRecord, seen: Seen, now: Timestamp) -> Option<Observed> {
    deployment.observed_at = Some(now);
    deployment.trouble = seen.trouble;
    let status: &WorkloadStatus = seen.status.as_ref()?;
    let (health, reason) = status.health();
    deployment.ready = status.available;
    deployment.desired = status.desired;
    deployment.health = health;
    deployment.reason.clone_from(&reason);
    Some(Observed {
        health,
        reason,
        ready: status.ready,
        desired: status.desired,
        at: now,
    })
}

/// The cluster does not answer: looked at again, and after a while nobody can tell how it goes.
pub(super) async fn lost(
    ctx: &OpCtx,
    app: &Authorized<App, may::Modify>,
    mut work: Work,
    error: &ClusterError,
) -> Result<Step> {
    let now = ctx.now();
    let since = work.deployment.lost_at.unwrap_or(now);
    let silent = now.since(since);
    let was = work.deployment.state;
    let first = work.deployment.lost_at.is_none();
    let gives_up = silent >= SIGHT && work.promotion.state != PromotionState::Unknown;
    if first || gives_up {
        work.deployment.lost_at = Some(since);
        work.deployment.reason = Some(error.text());
        work.promotion.reason = Some(error.text());
        if gives_up {
            advance(&mut work.promotion, PromotionEvent::LoseSight, now).map_err(Error::internal)?;
            move_to(&mut work.deployment, DeploymentState::Unknown)?;
            work.deployment.health = Health::Unknown;
        }
        let mut change = ctx.change().await?;
        change.bookkeeping();
        change.tx().update_promotion(app, &work.promotion).await?;
        change.tx().update_deployment(app, &work.deployment, was).await?;
        if let Some(last) = change
            .tx()
            .stop(&app.see(), work.promotion.environment)
            .await?
            .observed
        {
            let observed = Observed {
                reason: Some(error.text()),
                ..last
            };
            change
                .tx()
                .set_observed(app, work.promotion.environment, &observed)
                .await?;
        }
        tell(&mut change, app, work.promotion.environment, work.promotion.id).await?;
        change.commit().await?;
    }
    let wait = match error {
        ClusterError::Limited { retry_after } => i64::try_from(*retry_after).unwrap_or(60) * SECOND,
        _ => (silent / 2).clamp(SECOND, 15 * SECOND),
    };
    Ok(Step::Wait(now.plus(wait + rand::random_range(0..=wait / 4))))
}

/// The deployment has ended: the lock is free, and whoever waited for it is woken.
pub(super) async fn end(
    ctx: &OpCtx,
    app: &Authorized<App, may::Modify>,
    mut work: Work,
    how: End,
) -> Result<Step> {
    let now = ctx.now();
    let was = work.deployment.state;
    let mut observed = None;
    let environment = work.promotion.environment;
    let mut change = ctx.change().await?;
    let how = match how {
        End::Succeeded(_) if !is_its_own(&mut change, app, &work, now).await? => End::Failed(overtaken()),
        how => how,
    };
    let succeeded = matches!(how, End::Succeeded(_));
    if let End::Succeeded(_) | End::FailedRollout(..) = how {
        regain(&mut work, now)?;
    }
    let rollout_failed = matches!(how, End::FailedRollout(..));
    let (event, state, reason) = match how {
        End::Succeeded(seen) => {
            observed = take_in(&mut work.deployment, seen, now);
            (PromotionEvent::RolledOut, DeploymentState::Succeeded, None)
        }
        End::Failed(why) => (PromotionEvent::Fail, DeploymentState::Failed, Some(why)),
        End::FailedRollout(why, seen) => {
            observed = take_in(&mut work.deployment, seen, now);
            (PromotionEvent::Fail, DeploymentState::Failed, Some(why))
        }
    };
    advance(&mut work.promotion, event, now).map_err(Error::internal)?;
    work.promotion.reason.clone_from(&reason);
    move_to(&mut work.deployment, state)?;
    work.deployment.reason.clone_from(&reason);
    work.deployment.finished_at = Some(now);
    if reason.is_some() {
        work.deployment.health = Health::Degraded;
    }
    change.tx().update_promotion(app, &work.promotion).await?;
    change.tx().update_deployment(app, &work.deployment, was).await?;
    if let Some(observed) = &observed {
        change.tx().set_observed(app, environment, observed).await?;
    }
    let before = change.tx().deployed_by(&app.see(), environment).await?;
    if succeeded {
        runs_now(&mut change, app, &work, now).await?;
        if let Some(observed) = &observed {
            observe::seen(
                &mut change,
                app,
                environment,
                Some(work.promotion.release),
                observed,
            )
            .await?;
        }
        let (app, deployment) = (app.id(), work.deployment.id);
        change
            .enqueue(&Job::ItemsDeployed { app, deployment }, now, None)
            .await?;
    }
    change
        .tx()
        .release_lock(app, environment, work.promotion.id)
        .await?;
    let key = environment_key(&mut change, app, environment).await?;
    let title = format!("{} → {key}", work.version);
    if rollout_failed {
        Box::pin(by_policy(ctx, &mut change, app, &work, &title)).await?;
    }
    notice::deployed(&mut change, app, &work.promotion, &title, reason.as_ref(), before).await?;
    let (kind, what) = (ended_as(succeeded), (work.version.as_str(), key.as_str()));
    event::promotion(&mut change, kind, &app.place(), &work.promotion, what, None).await?;
    audit(&mut change, app, &work, title, succeeded, reason).await?;
    wake_pending(&mut change, &app.see(), now).await?;
    end_turns(&mut change, app.org_id(), work.promotion.id).await?;
    let (key, job) = (
        observe::job_key(app.id(), environment),
        Job::Observe {
            app: app.id(),
            environment,
        },
    );
    change.enqueue(&job, now.plus(5 * SECOND), Some(&key)).await?;
    if let Some(requester) = work.promotion.requested_by {
        change.touch_person("person", requester, app.org_id());
    }
    tell(&mut change, app, environment, work.promotion.id).await?;
    change.commit().await?;
    fault::point("promotion.ended");
    Ok(Step::Ended)
}

/// Whether the environment's lock is this attempt's at this instant: whoever lost it does not say what runs there.
async fn is_its_own(
    change: &mut Change<'_>,
    app: &Authorized<App, may::Modify>,
    work: &Work,
    now: Timestamp,
) -> Result<bool> {
    let (environment, owner) = (work.promotion.environment, work.promotion.id);
    let lock = change
        .tx()
        .take_lock(app, environment, owner, now, now.plus(LOCK_LEASE))
        .await?;
    Ok(lock.is_some_and(|lock| lock.fence == work.deployment.fence))
}

/// The key of an environment; empty where it is gone.
async fn environment_key(
    change: &mut Change<'_>,
    app: &Authorized<App, may::Modify>,
    id: EnvironmentId,
) -> Result<String> {
    let chain = change.tx().environments(&access::project_of(&app.see())).await?;
    let found = chain.into_iter().find(|e| e.environment.id == id);
    Ok(found.map_or_else(String::new, |e| e.environment.key))
}

const fn ended_as(succeeded: bool) -> EventKind {
    if succeeded {
        EventKind::PromotionDeployed
    } else {
        EventKind::PromotionFailed
    }
}

async fn audit(
    change: &mut Change<'_>,
    app: &Authorized<App, may::Modify>,
    work: &Work,
    title: String,
    succeeded: bool,
    reason: Option<Text>,
) -> Result<()> {
    let place = app.place();
    let action = if succeeded {
        "promotion.succeed"
    } else {
        "promotion.fail"
    };
    let summary = serde_json::json!({
        "attempt": work.deployment.attempt,
        "namespace": work.deployment.namespace,
        "reason": reason.map(|r| r.en),
    });
    let entry = Entry::done(action, "promotion", work.promotion.id, title, &place, summary);
    let outcome = if succeeded { Outcome::Done } else { Outcome::Failed };
    change.audit(Entry { outcome, ..entry }).await
}

/// The release runs there now; the lane's distances before and after it change.
async fn runs_now(
    change: &mut Change<'_>,
    app: &Authorized<App, may::Modify>,
    work: &Work,
    now: Timestamp,
) -> Result<()> {
    let environment = work.promotion.environment;
    let running = NowRunning {
        deployment: work.deployment.id,
        release: work.promotion.release,
        at: now,
        by: work.promotion.requested_by,
    };
    change.tx().set_running(app, environment, &running).await?;
    let see = app.see();
    let chain = change.tx().environments(&access::project_of(&see)).await?;
    let Some(at) = chain.iter().position(|e| e.environment.id == environment) else {
        return Ok(());
    };
    for i in at.saturating_sub(1)..=at {
        let (Some(here), Some(next)) = (chain.get(i), chain.get(i + 1)) else {
            continue;
        };
        let (here, next) = (here.environment.id, next.environment.id);
        let ahead = commits_ahead(change.tx(), &see, here, next).await?;
        change.tx().set_commits_ahead(app, here, ahead).await?;
    }
    Ok(())
}

/// By how many commits one stop is ahead of another; `None`: nothing to compare, or it is behind.
async fn commits_ahead(
    tx: &mut dyn Tx,
    app: &Authorized<App, may::See>,
    here: EnvironmentId,
    next: EnvironmentId,
) -> Result<Option<i64>> {
    let (Some((_, a)), Some((_, b))) = (
        tx.stop(app, here).await?.current,
        tx.stop(app, next).await?.current,
    ) else {
        return Ok(None);
    };
    if a == b {
        return Ok(Some(0));
    }
    let (Some(a), Some(b)) = (tx.release(app, a).await?, tx.release(app, b).await?) else {
        return Ok(None);
    };
    if a.created_at <= b.created_at {
        return Ok(None);
    }
    let commits = super::commits_between(tx, app, Some(b.created_at), a.created_at).await?;
    Ok(i64::try_from(commits.len()).ok())
}
