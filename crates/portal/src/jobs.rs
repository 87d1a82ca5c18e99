//! Outbox jobs: what was decided in a transaction and is done outside of it, by whichever worker has
//! the lease.
//!
//! A job is idempotent: it may run again after a crash. It reads what is to be done from the database,
//! not from its payload, which only says where to look.

use crate::connection::revocation;
use crate::context::Portal;
use crate::error::{Error, Result};
use crate::fault;
use crate::ports::Claimed;
use crate::{
    digest, environment, import, intake, item, mirror, notice, promotion, proposal, repository, run, shelf,
    subscriber, template, trail, webhook,
};
use slipway_domain::id::{
    AppId, DeploymentId, EnvironmentId, ImportId, IntakeId, ItemId, ProjectId, PromotionId, ProposalId,
    RevocationId, SubscriberId, UpgradeId,
};
use slipway_domain::time::{DAY, SECOND, Timestamp};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How long a worker may hold a job before another takes it, in µs. Longer work renews by enqueueing
/// its next step.
const LEASE: i64 = 60 * SECOND;

/// The longest that a worker sleeps without looking: other replicas enqueue too.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Work for later.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Job {
    /// Forget sessions that have ended; again every hour.
    SweepSessions,
    /// Forget notices that were read long ago; again every hour.
    SweepNotices,
    /// Tell people what is due; again every hour.
    RemindDue,
    /// Send the digests of those whose morning it is; again every five minutes.
    SweepDigests,
    /// Take away what no file names any more in the object storage; again every hour.
    SweepShelf,
    /// Forget old deliveries of webhooks that were sent; again every hour.
    SweepMessages,
    /// Send the webhooks that are due for a subscriber; again while others wait.
    Send {
        /// The subscriber.
        subscriber: SubscriberId,
    },
    /// Look at an app's repository; again every minute.
    LookAtRepository {
        /// The app.
        app: AppId,
    },
    /// Look at a pipeline; again and again until it has ended.
    SyncRun {
        /// The app.
        app: AppId,
        /// GitLab's id of the pipeline.
        pipeline: i64,
    },
    /// Make the merge request of a proposal.
    Propose {
        /// The app.
        app: AppId,
        /// The proposal.
        proposal: ProposalId,
    },
    /// Make the next app of an import; again and again until it has ended.
    Import {
        /// The project.
        project: ProjectId,
        /// The import.
        import: ImportId,
    },
    /// Propose an upgrade to the next app of a bulk upgrade; again and again until it has ended.
    Upgrade {
        /// The bulk upgrade.
        upgrade: UpgradeId,
    },
    /// Drive a promotion: gates, start, apply, watch.
    Promotion {
        /// The app.
        app: AppId,
        /// The promotion.
        promotion: PromotionId,
    },
    /// Look at what runs at a stop; again and again while something does.
    Observe {
        /// The app.
        app: AppId,
        /// The environment.
        environment: EnvironmentId,
    },
    /// Read what in an app's repository names work items.
    FollowItems {
        /// The app.
        app: AppId,
    },
    /// Move the items that a deployment brought to where the project chose, as far as it did.
    ItemsDeployed {
        /// The app.
        app: AppId,
        /// The deployment.
        deployment: DeploymentId,
    },
    /// Let an app's issues that changed in GitLab meet their items; and take over a page of those from before.
    MirrorIssues {
        /// The app.
        app: AppId,
    },
    /// Let one issue meet its item.
    MirrorIssue {
        /// The app.
        app: AppId,
        /// The issue's number in GitLab's project.
        iid: i64,
    },
    /// Let an item that changed here meet its issue, or make one for it.
    MirrorItem {
        /// The app whose issue it is.
        app: AppId,
        /// The item.
        item: ItemId,
    },
    /// Make the next items of an import from a file; again and again until all are made.
    TakeItems {
        /// The project.
        project: ProjectId,
        /// The import.
        intake: IntakeId,
    },
    /// Work on the webhooks that came for an app.
    Webhook {
        /// The app.
        app: AppId,
    },
    /// Take tokens back at GitLab that nobody will use again.
    Revoke {
        /// Which.
        revocation: RevocationId,
    },
}

impl Job {
    /// The kind, for metrics and logs.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::SweepSessions => "sweep_sessions",
            Self::SweepNotices => "sweep_notices",
            Self::RemindDue => "remind_due",
            Self::SweepDigests => "sweep_digests",
            Self::SweepShelf => "sweep_shelf",
            Self::SweepMessages => "sweep_messages",
            Self::Send { .. } => "send",
            Self::LookAtRepository { .. } => "look_at_repository",
            Self::SyncRun { .. } => "sync_run",
            Self::Propose { .. } => "propose",
            Self::Import { .. } => "import",
            Self::Upgrade { .. } => "upgrade",
            Self::Promotion { .. } => "promotion",
            Self::Observe { .. } => "observe",
            Self::FollowItems { .. } => "follow_items",
            Self::ItemsDeployed { .. } => "items_deployed",
            Self::MirrorIssues { .. } => "mirror_issues",
            Self::MirrorIssue { .. } => "mirror_issue",
            Self::MirrorItem { .. } => "mirror_item",
            Self::TakeItems { .. } => "take_items",
            Self::Webhook { .. } => "webhook",
            Self::Revoke { .. } => "revoke",
        }
    }
}

/// What a job wants after it ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing: it is done.
    Done,
    /// To run again at that instant, as a fresh try.
    At(Timestamp),
}

async fn perform(portal: &Portal, job: &Job) -> Result<Next> {
    let ctx = portal.system(format!("job-{}", job.kind()));
    match job {
        Job::SweepSessions => {
            let mut change = ctx.change().await?;
            change.bookkeeping();
            change.tx().delete_ended_sessions(ctx.now()).await?;
            change.tx().delete_old_replies(ctx.now().plus(-DAY)).await?;
            change.tx().delete_trips(ctx.now().plus(-DAY)).await?;
            change.commit().await?;
            Ok(Next::At(ctx.now().plus(3600 * SECOND)))
        }
        Job::SweepNotices => {
            notice::prune(&ctx).await?;
            Ok(Next::At(ctx.now().plus(3600 * SECOND)))
        }
        Job::RemindDue => {
            Box::pin(item::due::remind(&ctx)).await?;
            Ok(Next::At(ctx.now().plus(3600 * SECOND)))
        }
        Job::SweepDigests => Box::pin(digest::sweep(&ctx)).await,
        Job::SweepShelf => shelf::sweep(&ctx).await,
        Job::SweepMessages => {
            subscriber::send::sweep(&ctx).await?;
            Ok(Next::At(ctx.now().plus(3600 * SECOND)))
        }
        Job::Send { subscriber } => subscriber::send::run(&ctx, *subscriber).await,
        Job::LookAtRepository { app } => repository::look(&ctx, *app).await,
        Job::SyncRun { app, pipeline } => Box::pin(run::sync(&ctx, *app, *pipeline)).await,
        Job::Propose { app, proposal } => proposal::carry_out(&ctx, *app, *proposal).await,
        Job::Import { project, import } => import::carry_out::run(&ctx, *project, *import).await,
        Job::Upgrade { upgrade } => template::bulk::run(&ctx, *upgrade).await,
        Job::Promotion { app, promotion } => Box::pin(promotion::drive::run(&ctx, *app, *promotion)).await,
        Job::Observe { app, environment } => environment::observe::run(&ctx, *app, *environment).await,
        Job::FollowItems { app } => trail::follow(&ctx, *app).await,
        Job::ItemsDeployed { app, deployment } => {
            Box::pin(trail::automation::deployed(&ctx, *app, *deployment)).await
        }
        Job::MirrorIssues { app } => Box::pin(mirror::work::reconcile(&ctx, *app)).await,
        Job::MirrorIssue { app, iid } => Box::pin(mirror::work::issue(&ctx, *app, *iid)).await,
        Job::MirrorItem { app, item } => Box::pin(mirror::work::item(&ctx, *app, *item)).await,
        Job::TakeItems { project, intake } => Box::pin(intake::run(&ctx, *project, *intake)).await,
        Job::Webhook { app } => webhook::process(&ctx, *app).await,
        Job::Revoke { revocation } => revocation::run(&ctx, *revocation).await,
    }
}

/// How many jobs one worker runs at a time.
const AT_ONCE: usize = 64;

/// Works until `stop` becomes true, then waits for what it began. `owner` names this worker among all
/// replicas.
pub async fn work(portal: Portal, owner: String, mut stop: watch::Receiver<bool>) {
    let mut running = JoinSet::new();
    while !*stop.borrow() {
        let woken = portal.wake.notified();
        tokio::pin!(woken);
        woken.as_mut().enable();
        let pause = match claim(&portal, &owner, AT_ONCE - running.len()).await {
            Ok(Claim::Jobs(jobs)) => {
                for job in jobs {
                    let (portal, owner) = (portal.clone(), owner.clone());
                    running.spawn(async move { run_claimed(&portal, &owner, job).await });
                }
                continue;
            }
            Ok(Claim::Nothing(pause)) => pause,
            Err(error) => {
                tracing::error!(%error, "the worker could not look for work");
                LOOK_AGAIN
            }
        };
        tokio::select! {
            () = woken, if running.len() < AT_ONCE => {}
            () = tokio::time::sleep(pause) => {}
            Some(_) = running.join_next(), if !running.is_empty() => {}
            _ = stop.changed() => break,
        }
    }
    while running.join_next().await.is_some() {}
}

/// Runs what is due once, to the end; whether there was anything. For tests with a mock clock.
///
/// # Errors
/// The database does not answer.
pub async fn step(portal: &Portal, owner: &str) -> Result<bool> {
    let Claim::Jobs(jobs) = claim(portal, owner, AT_ONCE).await? else {
        return Ok(false);
    };
    for job in jobs {
        run_claimed(portal, owner, job).await;
    }
    Ok(true)
}

enum Claim {
    Jobs(Vec<Claimed>),
    Nothing(Duration),
}

async fn claim(portal: &Portal, owner: &str, room: usize) -> Result<Claim> {
    if room == 0 {
        return Ok(Claim::Nothing(LOOK_AGAIN));
    }
    let now = portal.clock.now();
    let due = portal.store.read().await?.next_job_at().await?;
    if due.is_none_or(|at| at > now) {
        let until = due.map_or(LOOK_AGAIN, |at| {
            Duration::from_micros(u64::try_from(at.since(now)).unwrap_or(0))
        });
        return Ok(Claim::Nothing(until.clamp(Duration::from_millis(1), LOOK_AGAIN)));
    }
    let mut tx = portal.store.write().await?;
    let jobs = tx
        .claim_jobs(owner, now, now.plus(LEASE), i64::try_from(room).unwrap_or(1))
        .await?;
    tx.commit().await?;
    if jobs.is_empty() {
        // Another replica was faster.
        return Ok(Claim::Nothing(Duration::from_millis(50)));
    }
    fault::point("outbox.claimed");
    Ok(Claim::Jobs(jobs))
}

async fn run_claimed(portal: &Portal, owner: &str, claimed: Claimed) {
    let outcome = match serde_json::from_str::<Job>(&claimed.payload) {
        Ok(job) => {
            let started = std::time::Instant::now();
            let outcome = perform(portal, &job).await;
            tracing::debug!(kind = job.kind(), attempt = claimed.attempt, took = ?started.elapsed(), ok = outcome.is_ok(), "job");
            outcome
        }
        // A job of a newer Slipway: leave it for the replica that knows it.
        Err(error) => Err(Error::internal(error)),
    };
    fault::point("outbox.ran");
    if let Err(error) = settle(portal, owner, &claimed, outcome).await {
        tracing::warn!(%error, job = %claimed.id, "a job could not be settled; its lease will end and it runs again");
    }
}

async fn settle(portal: &Portal, owner: &str, claimed: &Claimed, outcome: Result<Next>) -> Result<()> {
    let now = portal.clock.now();
    let mut tx = portal.store.write().await?;
    match outcome {
        Ok(Next::Done) => tx.finish_job(owner, claimed).await?,
        Ok(Next::At(at)) => tx.retry_job(owner, claimed, at, None).await?,
        Err(error) => {
            let wait = backoff(claimed.failures + 1);
            let source = std::error::Error::source(&error)
                .map(ToString::to_string)
                .unwrap_or_default();
            tracing::warn!(%error, source, job = %claimed.id, attempt = claimed.attempt, payload = claimed.payload, "a job failed and is tried again");
            tx.retry_job(owner, claimed, now.plus(wait), Some(&error.to_string()))
                .await?;
        }
    }
    tx.commit().await?;
    Ok(())
}

/// The pause before the next try, in µs: 1 s doubling to 5 min, with up to a quarter of jitter.
fn backoff(attempt: i64) -> i64 {
    let doublings = u32::try_from(attempt.clamp(1, 10) - 1).unwrap_or(0);
    let base = (SECOND << doublings).min(300 * SECOND);
    base + rand::random_range(0..=base / 4)
}
