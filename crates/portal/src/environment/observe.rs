//! Looking at what runs: the reconciler of the lane's health.

use crate::access::{self, App, Authorized, may};
use crate::change::Change;
use crate::cluster;
use crate::context::OpCtx;
use crate::drift;
use crate::error::{Error, Result};
use crate::fault;
use crate::jobs::Next;
use crate::ports::{ClusterError, SoakRecord, StopRecord};
use slipway_domain::app::Observed;
use slipway_domain::environment::Health;
use slipway_domain::id::{AppId, ClusterId, EnvironmentId, ReleaseId};
use slipway_domain::manifest;
use slipway_domain::rollout::WorkloadStatus;
use slipway_domain::text::Text;
use slipway_domain::time::{MINUTE, SECOND, Timestamp};

/// How often a stop is looked at, in µs, with up to a third more so that stops do not march in step.
const EVERY: i64 = 13 * SECOND;

/// How often a stop is looked at whose cluster is watched, in µs, with up to a third more: for what a watch does not tell.
const WATCHED_EVERY: i64 = 30 * MINUTE;

/// How old what is shown may become while nothing changes, in µs.
const WRITE_EVERY: i64 = MINUTE;

/// The outbox key of a stop's observation.
pub(crate) fn job_key(app: AppId, environment: EnvironmentId) -> String {
    format!("observe:{app}:{environment}")
}

/// Looks at a stop once, and asks to look again while something runs there.
pub(crate) async fn run(ctx: &OpCtx, app: AppId, environment: EnvironmentId) -> Result<Next> {
    let app = match access::app_by_id::<may::Rollback>(ctx, app).await {
        Ok(app) => app,
        Err(Error::NotFound) => return Ok(Next::Done),
        Err(error) => return Err(error),
    };
    let mut tx = ctx.read().await?;
    let chain = tx.environments(&access::project_of(&app)).await?;
    let stop = tx.stop(&app.see(), environment).await?;
    drop(tx);
    let bound = chain.into_iter().find(|e| e.environment.id == environment);
    let bound = bound.and_then(|e| Some((e.environment, e.binding?)));
    let (Some((at, binding)), Some(_)) = (bound, stop.current) else {
        return Ok(Next::Done);
    };
    let (record, client) = cluster::connect(ctx, app.org_id(), binding.cluster).await?;
    let seen = match &client {
        Ok(client) => client.workload(&binding.namespace, &app.workload.name).await,
        Err(error) => Err(error.clone()),
    };
    fault::point("environment.looked");
    cluster::note(ctx, &record, seen.as_ref().err()).await?;
    let observed = judge(
        seen.as_ref().map(Option::as_ref),
        stop.observed.as_ref(),
        ctx.now(),
    );
    note(ctx, &app, environment, &stop, &observed).await?;
    let watched = seen.is_ok() && is_watched(ctx, &app.see(), binding.cluster, &stop).await?;
    if let (Ok(client), Ok(_)) = (&client, &seen) {
        Box::pin(drift::look(ctx, &app, &at, watched, &**client)).await?;
    }
    let wait = match seen {
        Err(ClusterError::Limited { retry_after }) => i64::try_from(retry_after).unwrap_or(60) * SECOND,
        _ => 0,
    };
    let every = if watched { WATCHED_EVERY } else { EVERY };
    let jitter = rand::random_range(0..=every / 3);
    Ok(Next::At(ctx.now().plus(wait.max(every) + jitter)))
}

/// Whether a change of what runs there is heard: the cluster is watched, and what was applied carries the label that tells it.
async fn is_watched(
    ctx: &OpCtx,
    app: &Authorized<App, may::See>,
    cluster: ClusterId,
    stop: &StopRecord,
) -> Result<bool> {
    let Some((deployment, _)) = stop
        .current
        .filter(|_| ctx.portal().memory().watched.hears(cluster))
    else {
        return Ok(false);
    };
    let applied = ctx.read().await?.deployment(app, deployment).await?;
    Ok(applied.is_some_and(|applied| manifest::all_labelled(&applied.manifests)))
}

/// What to show. A cluster that does not answer keeps the last state, with its trouble and its "as of".
pub(crate) fn judge(
    seen: std::result::Result<Option<&WorkloadStatus>, &ClusterError>,
    last: Option<&Observed>,
    now: Timestamp,
) -> Observed {
    match seen {
        Ok(Some(status)) => {
            let (health, reason) = status.health();
            Observed {
                health,
                reason,
                ready: status.ready,
                desired: status.desired,
                at: now,
            }
        }
        Ok(None) => Observed {
            health: Health::Missing,
            reason: Some(Text::new(
                "The workload is not in the cluster.",
                "集群中没有该工作负载。",
            )),
            ready: 0,
            desired: last.map_or(0, |l| l.desired),
            at: now,
        },
        Err(error) => match last {
            Some(last) => Observed {
                reason: Some(error.text()),
                ..last.clone()
            },
            None => Observed {
                health: Health::Unknown,
                reason: Some(error.text()),
                ready: 0,
                desired: 0,
                at: now,
            },
        },
    }
}

async fn note(
    ctx: &OpCtx,
    app: &Authorized<App, may::Rollback>,
    environment: EnvironmentId,
    stop: &StopRecord,
    observed: &Observed,
) -> Result<()> {
    let same = |last: &Observed| {
        Observed {
            at: observed.at,
            ..last.clone()
        } == *observed
    };
    let news = !stop.observed.as_ref().is_some_and(same);
    let fresh = stop
        .observed
        .as_ref()
        .is_some_and(|last| observed.at.since(last.at) < WRITE_EVERY);
    if !news && fresh {
        return Ok(());
    }
    let place = app.place();
    let mut change = ctx.change().await?;
    change.bookkeeping();
    let running = stop.current.map(|(_, release)| release);
    seen(&mut change, &app.modify(), environment, running, observed).await?;
    if news {
        change.touch("app", app.id(), &place);
        change.touch("project", app.project_id(), &place);
    }
    change.commit().await
}

/// The longest time between two looks that both found a release healthy of which the time in between counts as healthy, in µs:
/// what nobody looked at does not count.
const WATCHED: i64 = 3 * MINUTE;

/// Writes down what was seen of a stop; where `running` runs there, for how long it has been healthy, too.
pub(crate) async fn seen(
    change: &mut Change<'_>,
    app: &Authorized<App, may::Modify>,
    environment: EnvironmentId,
    running: Option<ReleaseId>,
    observed: &Observed,
) -> Result<()> {
    change.tx().set_observed(app, environment, observed).await?;
    let Some(release) = running else {
        return Ok(());
    };
    let before = change.tx().soak(&app.see(), environment, release).await?;
    let after = soaked(before, observed);
    if after != before {
        change.tx().set_soak(app, environment, release, after).await?;
    }
    Ok(())
}

/// How long it has been healthy once this was seen, too.
fn soaked(before: SoakRecord, seen: &Observed) -> SoakRecord {
    if seen.health != Health::Healthy {
        return SoakRecord {
            seen_at: None,
            ..before
        };
    }
    let since = before.seen_at.map_or(0, |at| seen.at.since(at));
    SoakRecord {
        healthy_for: before.healthy_for + if (0..=WATCHED).contains(&since) { since } else { 0 },
        seen_at: Some(before.seen_at.map_or(seen.at, |at| at.max(seen.at))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_time_in_which_it_was_seen_healthy_counts() {
        let look = |health, minute: i64| Observed {
            health,
            reason: None,
            ready: 1,
            desired: 1,
            at: Timestamp(minute * MINUTE),
        };
        let mut soak = SoakRecord::default();
        for (health, minute, healthy_for) in [
            (Health::Healthy, 0, 0),
            (Health::Healthy, 1, 1),
            // The minute until it was found degraded does not count, nor does what follows until it is healthy.
            (Health::Degraded, 2, 1),
            (Health::Healthy, 5, 1),
            (Health::Healthy, 6, 2),
            // Nobody looked for an hour.
            (Health::Healthy, 66, 2),
            (Health::Healthy, 67, 3),
            // An old look that comes late.
            (Health::Healthy, 60, 3),
            (Health::Healthy, 68, 4),
        ] {
            soak = soaked(soak, &look(health, minute));
            assert_eq!(soak.healthy_for, healthy_for * MINUTE, "at {minute}");
        }
    }

    #[test]
    fn a_silent_cluster_keeps_the_last_state_and_says_so() {
        let last = Observed {
            health: Health::Healthy,
            reason: None,
            ready: 2,
            desired: 2,
            at: Timestamp(5),
        };
        let silent = ClusterError::Unreachable(String::from("timeout"));
        let shown = judge(Err(&silent), Some(&last), Timestamp(9));
        assert_eq!(
            (shown.health, shown.ready, shown.at),
            (Health::Healthy, 2, Timestamp(5))
        );
        assert!(
            shown
                .reason
                .is_some_and(|text| text.en.contains("last known state"))
        );
        assert_eq!(judge(Err(&silent), None, Timestamp(9)).health, Health::Unknown);
        assert_eq!(judge(Ok(None), Some(&last), Timestamp(9)).health, Health::Missing);
    }
}
