//! Pods of an app in an environment: looking at them, reading their logs, scaling and restarting.
//!
//! Nothing of it is kept: Kubernetes is asked each time. Only pods of the app's own workload are shown, since a namespace may
//! hold those of other apps. What is changed here is written into the audit log before the cluster is asked, so that it
//! stands there whatever happens in between; so is reading a log.

use crate::access::{self, App, Authorized, may};
use crate::change;
use crate::cluster;
use crate::context::OpCtx;
use crate::environment::observe;
use crate::error::{Error, Result};
use crate::jobs::Job;
use crate::ports::{Cluster, ClusterError, EnvironmentBinding, EnvironmentRecord};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use parking_lot::Mutex;
use slipway_domain::access::Action;
use slipway_domain::app::LaneStop;
use slipway_domain::audit::Outcome;
use slipway_domain::environment::EnvironmentRef;
use slipway_domain::id::{AppId, OrgId, UserId};
use slipway_domain::pod::{LogAsk, LogPage, MOST_REPLICAS, Pod, PodsPage};
use slipway_domain::text::Text;
use slipway_domain::time::{MINUTE, SECOND, Timestamp};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;

/// The app, by its slugs.
pub type Of<'a> = (&'a str, &'a str, &'a str);

/// A stop of an app that is there.
struct Stop {
    app: Authorized<App, may::See>,
    record: EnvironmentRecord,
    lane: LaneStop,
}

async fn stop(ctx: &OpCtx, (org, project, app): Of<'_>, environment: &str) -> Result<Stop> {
    let app = access::app::<may::SeeReleases>(ctx, org, project, app)
        .await?
        .see();
    let mut tx = ctx.read().await?;
    let chain = tx.environments(&access::project_of(&app)).await?;
    let record = chain
        .into_iter()
        .find(|e| e.environment.key == environment)
        .ok_or(Error::NotFound)?;
    let lane = tx.app_lane(&app).await?.into_iter();
    let mut lane = lane.filter(|stop| stop.environment.id == record.environment.id);
    let lane = lane.next().ok_or(Error::NotFound)?;
    drop(tx);
    Ok(Stop { app, record, lane })
}

fn binding(stop: &Stop) -> Result<&EnvironmentBinding> {
    let name = &stop.record.environment.name;
    stop.record.binding.as_ref().ok_or_else(|| {
        Error::refused(
            "not_bound",
            format!("{name} has no cluster yet. A project lead must bind it to one."),
            format!("{name} 尚未绑定集群，请项目负责人完成绑定。"),
        )
    })
}

/// Asks the cluster of a stop, and remembers whether it answered.
async fn asked<T, F>(
    ctx: &OpCtx,
    org: OrgId,
    binding: &EnvironmentBinding,
    ask: impl FnOnce(Arc<dyn Cluster>) -> F,
) -> Result<std::result::Result<T, ClusterError>>
where
    F: Future<Output = std::result::Result<T, ClusterError>>,
{
    let (record, client) = cluster::connect(ctx, org, binding.cluster).await?;
    let answer = match client {
        Ok(client) => ask(client).await,
        Err(error) => Err(error),
    };
    cluster::note(ctx, &record, answer.as_ref().err()).await?;
    Ok(answer)
}

/// What a cluster that did not do it means to whoever asked.
fn refused(error: &ClusterError) -> Error {
    match error {
        ClusterError::NotFound(_) => Error::NotFound,
        ClusterError::Limited { retry_after } => Error::Limited {
            retry_after: *retry_after,
        },
        ClusterError::Unreachable(_) | ClusterError::Broken(_) | ClusterError::Forbidden(_) => {
            Error::Unavailable {
                code: "kubernetes",
                text: error.text(),
            }
        }
        ClusterError::Conflict(_) | ClusterError::Fenced(_) | ClusterError::Refused(_) => Error::Refused {
            code: "cluster_refuses",
            text: error.text(),
        },
    }
}

/// The pods of an app in an environment, and what happened to them.
///
/// # Errors
/// [`Error::NotFound`] where there is no such place that the reader may see. A cluster that does not answer is no error: the
/// page says so.
pub async fn page(ctx: &OpCtx, of: Of<'_>, environment: &str) -> Result<PodsPage> {
    let stop = stop(ctx, of, environment).await?;
    let mut page = PodsPage {
        place: stop.app.place(),
        environment: stop.record.environment.clone(),
        current: stop.lane.current.clone(),
        desired: None,
        pods: Vec::new(),
        runs: Vec::new(),
        events: Vec::new(),
        may_scale: access::rights_in(ctx, &stop.app).await?.has(Action::Scale),
        drift: stop.lane.drift.clone(),
        trouble: None,
        as_of: ctx.now(),
    };
    let Ok(binding) = binding(&stop) else {
        return Ok(page);
    };
    let (namespace, name) = (&binding.namespace, &stop.app.workload.name);
    let seen = asked(ctx, stop.app.org_id(), binding, async |client| {
        let status = client.workload(namespace, name).await?;
        let pods = client.pods(namespace, name).await?;
        let events = client.events(namespace, name).await?;
        Ok((status, pods, events))
    })
    .await?;
    match seen {
        Ok((status, pods, events)) => {
            page.desired = status.as_ref().map(|status| status.desired);
            page.runs = status.map_or_else(Vec::new, |status| status.runs);
            page.pods = pods;
            page.events = events;
        }
        Err(error) => page.trouble = Some(error.text()),
    }
    Ok(page)
}

/// The end of a container's log.
///
/// # Errors
/// [`Error::NotFound`] where there is no such pod of this app; [`Error::Unavailable`] `kubernetes` where its pods cannot be
/// listed.
pub async fn log(ctx: &OpCtx, of: Of<'_>, environment: &str, ask: LogAsk) -> Result<LogPage> {
    let stop = stop(ctx, of, environment).await?;
    let binding = binding(&stop)?;
    let (pod, ask) = chosen(ctx, &stop, binding, ask).await?;
    reading(ctx, &stop, &pod.name, &ask.container).await?;
    let namespace = &binding.namespace;
    let text = asked(ctx, stop.app.org_id(), binding, async |client| {
        client.log(namespace, &ask).await
    })
    .await?;
    let (text, trouble) = match text {
        Ok(text) => (text, None),
        Err(error) => (String::new(), Some(error.text())),
    };
    Ok(LogPage {
        place: stop.app.place(),
        environment: stop.record.environment.clone(),
        pod,
        container: ask.container,
        previous: ask.previous,
        lines: ask.lines,
        text,
        trouble,
        as_of: ctx.now(),
    })
}

/// A container's log from its last lines on, as it grows: pieces of whole lines, until the container ends, or the reader may
/// see it no more.
///
/// # Errors
/// As [`log`]; [`Error::Unavailable`] where the cluster does not give the log.
pub async fn follow(
    ctx: &OpCtx,
    of: Of<'_>,
    environment: &str,
    ask: LogAsk,
) -> Result<BoxStream<'static, std::result::Result<String, ClusterError>>> {
    let stop = stop(ctx, of, environment).await?;
    let binding = binding(&stop)?;
    let (pod, ask) = chosen(ctx, &stop, binding, ask).await?;
    reading(ctx, &stop, &pod.name, &ask.container).await?;
    let namespace = &binding.namespace;
    let lines = asked(ctx, stop.app.org_id(), binding, async |client| {
        client.follow(namespace, &ask).await
    })
    .await?
    .map_err(|error| refused(&error))?;
    Ok(lines.take_until(out_of_sight(ctx.anew(), stop.app.id())).boxed())
}

/// Comes to its end when the reader may not see the app any more.
async fn out_of_sight(ctx: OpCtx, app: AppId) {
    loop {
        tokio::time::sleep(RECHECK).await;
        if access::app_by_id::<may::SeeReleases>(&ctx.anew(), app)
            .await
            .is_err()
        {
            return;
        }
    }
}

/// The pod, where it is the app's, and what is asked of it with its container's name.
async fn chosen(
    ctx: &OpCtx,
    stop: &Stop,
    binding: &EnvironmentBinding,
    mut ask: LogAsk,
) -> Result<(Pod, LogAsk)> {
    let (namespace, name) = (&binding.namespace, &stop.app.workload.name);
    let pods = asked(ctx, stop.app.org_id(), binding, async |client| {
        client.pods(namespace, name).await
    })
    .await?;
    let pods = pods.map_err(|error| refused(&error))?;
    let pod = pods
        .into_iter()
        .find(|pod| pod.name == ask.pod)
        .ok_or(Error::NotFound)?;
    let known = pod.containers.iter().find(|c| c.name == ask.container);
    let first = pod.containers.iter().find(|c| !c.init).or(pod.containers.first());
    let container = match (known, ask.container.is_empty()) {
        (Some(container), _) => container,
        (None, true) => first.ok_or(Error::NotFound)?,
        (None, false) => return Err(Error::NotFound),
    };
    ask.container.clone_from(&container.name);
    Ok((pod, ask))
}

/// How old the rights may be by which a log is followed.
const RECHECK: Duration = Duration::from_secs(10);

/// How long reading the same log again is the same reading, in µs: a page that follows a log asks for it again and again.
const SAME_READING: i64 = 10 * MINUTE;

/// Whoever read which container's log lately, and when that was written down. Another process writes it down once more.
#[derive(Default)]
pub(crate) struct Readings(Mutex<HashMap<(UserId, AppId, String), Timestamp>>);

impl Readings {
    /// Whether it is to be written down.
    fn is_new(&self, who: UserId, app: AppId, what: String, now: Timestamp) -> bool {
        let mut known = self.0.lock();
        known.retain(|_, at| now.since(*at) < SAME_READING);
        match known.entry((who, app, what)) {
            Entry::Occupied(_) => false,
            Entry::Vacant(entry) => {
                entry.insert(now);
                true
            }
        }
    }
}

/// Writes down that somebody reads a log, once for a while.
async fn reading(ctx: &OpCtx, stop: &Stop, pod: &str, container: &str) -> Result<()> {
    let what = format!("{}/{pod}/{container}", stop.record.environment.key);
    let readings = &ctx.portal().memory().readings;
    if !readings.is_new(ctx.user()?.id, stop.app.id(), what, ctx.now()) {
        return Ok(());
    }
    let summary = serde_json::json!({ "container": container });
    written(ctx, stop, "pod.read_log", pod, summary).await
}

async fn written(
    ctx: &OpCtx,
    stop: &Stop,
    action: &'static str,
    what: &str,
    mut summary: serde_json::Value,
) -> Result<()> {
    summary["environment"] = stop.record.environment.key.clone().into();
    let place = stop.app.place();
    let mut change = ctx.change().await?;
    let entry = change::Entry::done(
        action,
        "environment",
        stop.record.environment.id,
        what.to_owned(),
        &place,
        summary,
    );
    change.audit(entry).await?;
    change.commit().await
}

/// Asks for so many pods until the next deployment. It is drift from what was deployed until it is adopted. The number there
/// was before.
///
/// # Errors
/// [`Error::Forbidden`]; [`Error::Invalid`] beyond [`MOST_REPLICAS`]; [`Error::Refused`] `deploying`, `nothing_runs`,
/// `not_bound`; [`Error::Unavailable`] `kubernetes`.
pub async fn scale(ctx: &OpCtx, of: Of<'_>, environment: &str, replicas: u32) -> Result<i64> {
    if replicas > MOST_REPLICAS {
        return Err(Error::field(
            "replicas",
            Text::new(
                format!("use 0 to {MOST_REPLICAS}"),
                format!("请使用 0 到 {MOST_REPLICAS}"),
            ),
        ));
    }
    let stop = changing(ctx, of, environment).await?;
    act(ctx, &stop, Act::Scale(replicas)).await
}

/// Starts the pods anew, one after the other, as they are.
///
/// # Errors
/// As [`scale`].
pub async fn restart(ctx: &OpCtx, of: Of<'_>, environment: &str) -> Result<()> {
    let stop = changing(ctx, of, environment).await?;
    act(ctx, &stop, Act::Restart).await?;
    Ok(())
}

/// The stop, where the actor may scale there and nothing is being deployed.
async fn changing(ctx: &OpCtx, of: Of<'_>, environment: &str) -> Result<Stop> {
    let stop = stop(ctx, of, environment).await?;
    access::also::<may::Scale>(ctx, &stop.app).await?;
    binding(&stop)?;
    let found = ctx
        .read()
        .await?
        .stop(&stop.app, stop.record.environment.id)
        .await?;
    if found.current.is_none() {
        return Err(Error::refused(
            "nothing_runs",
            "Nothing is deployed there yet.",
            "该环境尚未部署。",
        ));
    }
    if found.lock.is_some_and(|lock| lock.lease_until > ctx.now()) {
        return Err(Error::refused(
            "deploying",
            "Something is being deployed there. Wait until it has ended.",
            "正在部署，请等待其结束后再操作。",
        ));
    }
    Ok(stop)
}

/// What is done to a workload.
#[derive(Clone, Copy)]
enum Act {
    Scale(u32),
    Restart,
}

impl Act {
    const fn action(self) -> &'static str {
        match self {
            Self::Scale(_) => "workload.scale",
            Self::Restart => "workload.restart",
        }
    }

    fn summary(self) -> serde_json::Value {
        match self {
            Self::Scale(replicas) => serde_json::json!({ "replicas": replicas }),
            Self::Restart => serde_json::json!({}),
        }
    }
}

/// Does it; the number of pods that were asked for before, where it is scaled.
async fn act(ctx: &OpCtx, stop: &Stop, act: Act) -> Result<i64> {
    let binding = binding(stop)?;
    let what = format!("{} {}", stop.app.app.name, stop.record.environment.key);
    written(ctx, stop, act.action(), &what, act.summary()).await?;
    let (namespace, name, at) = (&binding.namespace, &stop.app.workload.name, ctx.now());
    let done = asked(ctx, stop.app.org_id(), binding, async |client| match act {
        Act::Scale(replicas) => client.scale(namespace, name, replicas).await,
        Act::Restart => client.restart(namespace, name, at).await.map(|()| 0),
    })
    .await?;
    settled(ctx, stop, act.action(), &what, done.as_ref().err()).await?;
    done.map_err(|error| refused(&error))
}

/// How it went: a failure stands in the audit log, too; what is shown is looked at soon.
async fn settled(
    ctx: &OpCtx,
    stop: &Stop,
    action: &'static str,
    what: &str,
    error: Option<&ClusterError>,
) -> Result<()> {
    let EnvironmentRef { id, key, .. } = &stop.record.environment;
    let place = stop.app.place();
    let mut change = ctx.change().await?;
    match error {
        None => change.bookkeeping(),
        Some(error) => {
            let summary = serde_json::json!({ "environment": key, "reason": error.text().en });
            let entry = change::Entry::done(action, "environment", *id, what.to_owned(), &place, summary);
            change
                .audit(change::Entry {
                    outcome: Outcome::Failed,
                    ..entry
                })
                .await?;
        }
    }
    let job = Job::Observe {
        app: stop.app.id(),
        environment: *id,
    };
    let soon = ctx.now().plus(SECOND);
    change
        .enqueue(&job, soon, Some(&observe::job_key(stop.app.id(), *id)))
        .await?;
    change.touch("app", stop.app.id(), &place);
    change.commit().await
}
