//! Watching clusters: one watch for all that runs in a cluster, so that what changes there is looked at as it changes, and what
//! does not change is hardly ever asked for.
//!
//! A watch only says where to look: the jobs that look are those that look without one, often. While a cluster is watched they
//! wait longer, and what nobody touched counts as seen. A cluster that may not be watched (it takes the right to list and watch
//! in all of its namespaces) is looked at as often as before.

use crate::cluster;
use crate::context::{OpCtx, Portal};
use crate::environment::observe;
use crate::error::{Error, Result};
use crate::jobs::Job;
use crate::ports::{ClusterError, Touched};
use crate::promotion;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use parking_lot::Mutex;
use slipway_domain::id::{AppId, ClusterId, EnvironmentId, OrgId, PromotionId};
use slipway_domain::time::{MINUTE, SECOND};
use std::collections::{HashMap, HashSet};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How often it is asked which clusters are in use.
const CLUSTERS_EVERY: Duration = Duration::from_secs(3);
/// How often what nobody touched is noted as seen.
const NOTED_EVERY: Duration = Duration::from_mins(1);
/// When that begins: [`LOOKED_OVER`], and a little.
const NOTED_FROM: Duration = Duration::from_secs(130);
/// The longest time between two such notes that counts as healthy, in µs.
const WATCHED: i64 = 3 * MINUTE;
/// How long changes are gathered before they are looked at: one change is mostly several.
const GATHERED: Duration = Duration::from_millis(60);
/// The most changes that are gathered.
const MOST: usize = 500;
/// Over how long all stops of a cluster are looked at once its watch begins or ends, in µs.
const LOOKED_OVER: i64 = 2 * MINUTE;
/// How soon after a change what runs is looked at, in µs: changes come in flocks.
const LOOKED_AFTER: i64 = SECOND;
/// How long after a watch that ended another one is begun; longer where it could not begin.
const PAUSES: [Duration; 2] = [Duration::from_secs(2), Duration::from_mins(1)];

/// What this process knows of its watches.
#[derive(Default)]
pub(crate) struct Watched {
    /// The clusters whose changes are heard.
    clusters: Mutex<HashSet<ClusterId>>,
    /// The stops that were touched since they were compared.
    touched: Mutex<HashSet<(AppId, EnvironmentId)>>,
}

impl Watched {
    /// Whether changes of a cluster are heard.
    pub(crate) fn hears(&self, cluster: ClusterId) -> bool {
        self.clusters.lock().contains(&cluster)
    }

    /// Whether something was changed at a stop since this was asked last.
    pub(crate) fn take_touched(&self, app: AppId, environment: EnvironmentId) -> bool {
        self.touched.lock().remove(&(app, environment))
    }
}

/// Watches every cluster in use until `stop` becomes true.
pub async fn work(portal: Portal, mut stop: watch::Receiver<bool>) {
    let mut watches: HashMap<(OrgId, ClusterId), JoinHandle<()>> = HashMap::new();
    while !*stop.borrow() {
        match in_use(&portal).await {
            Ok(wanted) => {
                watches.retain(|key, watch| {
                    let keep = wanted.contains(key);
                    if !keep {
                        watch.abort();
                        portal.memory().watched.clusters.lock().remove(&key.1);
                    }
                    keep
                });
                for key in wanted {
                    watches
                        .entry(key)
                        .or_insert_with(|| tokio::spawn(again_and_again(portal.clone(), key.0, key.1)));
                }
            }
            Err(error) => tracing::warn!(%error, "nobody can tell which clusters are in use"),
        }
        tokio::select! {
            () = tokio::time::sleep(CLUSTERS_EVERY) => {}
            _ = stop.changed() => {}
        }
    }
    for watch in watches.into_values() {
        watch.abort();
    }
}

async fn in_use(portal: &Portal) -> Result<HashSet<(OrgId, ClusterId)>> {
    let found = portal.store.read().await?.clusters_in_use().await?;
    Ok(found.into_iter().collect())
}

async fn again_and_again(portal: Portal, org: OrgId, cluster: ClusterId) {
    loop {
        let ended = one(&portal, org, cluster).await;
        let heard = portal.memory().watched.clusters.lock().remove(&cluster);
        if let Err(error) = &ended {
            tracing::debug!(%cluster, %error, heard, "a cluster is not watched");
        }
        if heard && let Err(error) = look_at_all(&portal, cluster).await {
            tracing::warn!(%cluster, %error, "what was watched cannot be looked at");
        }
        tokio::time::sleep(PAUSES[usize::from(!heard)]).await;
    }
}

/// Watches a cluster until that ends.
async fn one(portal: &Portal, org: OrgId, cluster: ClusterId) -> Result<()> {
    let begin = async {
        let ctx = portal.system("watch");
        let (_, client) = cluster::connect(&ctx, org, cluster).await?;
        client
            .map_err(|error| not_watched(&error))?
            .watch()
            .await
            .map_err(|error| not_watched(&error))
    };
    let mut changes = begin.await?;
    // What changed before it began is not told.
    look_at_all(portal, cluster).await?;
    portal.memory().watched.clusters.lock().insert(cluster);
    // By then everything has been looked at once.
    let begins = tokio::time::Instant::now() + NOTED_FROM;
    let mut noted = tokio::time::interval_at(begins, NOTED_EVERY);
    loop {
        tokio::select! {
            touched = gathered(&mut changes) => look_at(portal, cluster, touched?).await?,
            _ = noted.tick() => note(portal, cluster).await?,
        }
    }
}

fn not_watched(error: &ClusterError) -> Error {
    Error::Unavailable {
        code: "kubernetes",
        text: error.text(),
    }
}

/// The next change, and those that come with it. May be dropped while it waits for the first.
async fn gathered(
    changes: &mut BoxStream<'static, std::result::Result<Touched, ClusterError>>,
) -> Result<HashSet<Touched>> {
    let ended = || not_watched(&ClusterError::Unreachable(String::from("the watch ended")));
    let first = changes
        .next()
        .await
        .ok_or_else(ended)?
        .map_err(|error| not_watched(&error))?;
    let mut all = HashSet::from([first]);
    let more = async {
        while all.len() < MOST {
            let Some(Ok(next)) = changes.next().await else {
                // It is asked again, and says why.
                return;
            };
            all.insert(next);
        }
    };
    // What came in time is kept.
    let _ = tokio::time::timeout(GATHERED, more).await;
    Ok(all)
}

/// Has what was touched looked at: promotions that are on their way at once, what runs soon.
async fn look_at(portal: &Portal, cluster: ClusterId, touched: HashSet<Touched>) -> Result<()> {
    let ctx = portal.system("watch");
    let mut change = ctx.change().await?;
    change.bookkeeping();
    let mut stops: HashSet<(AppId, EnvironmentId)> = HashSet::new();
    let mut unmarked: HashSet<String> = HashSet::new();
    for one in touched {
        let promotion = one.promotion.and_then(|id| id.parse::<PromotionId>().ok());
        let place = match promotion {
            Some(promotion) => change
                .tx()
                .place_of_promotion(promotion)
                .await?
                .zip(Some(promotion)),
            None => None,
        };
        match place {
            Some(((app, _, state), promotion)) if state.is_running() => {
                let job = Job::Promotion { app, promotion };
                let key = promotion::job_key(promotion);
                change.enqueue(&job, ctx.now(), Some(&key)).await?;
            }
            Some(((app, environment, _), _)) => {
                stops.insert((app, environment));
            }
            // Somebody's own, with Slipway's label.
            None => {
                unmarked.insert(one.namespace);
            }
        }
    }
    if !unmarked.is_empty() {
        let all = change.tx().stops_of_cluster(cluster).await?;
        let there = all.into_iter().filter(|stop| unmarked.contains(&stop.namespace));
        stops.extend(there.map(|stop| (stop.app, stop.environment)));
    }
    for (app, environment) in &stops {
        observe_at(&mut change, *app, *environment, LOOKED_AFTER).await?;
    }
    change.commit().await?;
    portal.memory().watched.touched.lock().extend(stops);
    Ok(())
}

/// Has all stops of a cluster looked at, one after the other.
async fn look_at_all(portal: &Portal, cluster: ClusterId) -> Result<()> {
    let ctx = portal.system("watch");
    let mut change = ctx.change().await?;
    change.bookkeeping();
    let all = change.tx().stops_of_cluster(cluster).await?;
    let step = LOOKED_OVER / i64::try_from(all.len().max(1)).unwrap_or(i64::MAX);
    let mut after = 0;
    for stop in all {
        observe_at(&mut change, stop.app, stop.environment, after).await?;
        after += step;
    }
    change.commit().await
}

async fn observe_at(
    change: &mut crate::change::Change<'_>,
    app: AppId,
    environment: EnvironmentId,
    after: i64,
) -> Result<()> {
    let key = observe::job_key(app, environment);
    let job = Job::Observe { app, environment };
    change.enqueue_after(&job, after, &key).await
}

/// Notes that what nobody touched is as it was.
async fn note(portal: &Portal, cluster: ClusterId) -> Result<()> {
    let ctx: OpCtx = portal.system("watch");
    let mut change = ctx.change().await?;
    change.bookkeeping();
    change.tx().as_seen_before(cluster, ctx.now(), WATCHED).await?;
    change.commit().await
}
