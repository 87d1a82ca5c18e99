//! Deploying: server-side apply, then watching the rollout until it is complete or failed. Every step may be
//! taken again after a crash: applying the same objects twice changes nothing.

use super::drive::{LOCK_LEASE, Step};
use super::outcome::{self, End};
use crate::access::{self, App, Authorized, may};
use crate::cluster;
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::fault;
use crate::ports::{Cluster, ClusterError, DeploymentRecord, PromotionRecord};
use slipway_domain::drift::{self, FieldChange};
use slipway_domain::manifest::{self, ATTEMPT, FENCE, PROMOTION, Stamp, stamp};
use slipway_domain::promotion::{DeploymentState, PodTrouble, PromotionKind};
use slipway_domain::quota::Quota;
use slipway_domain::rollout::{Rollout, WorkloadStatus};
use slipway_domain::text::Text;
use slipway_domain::time::{MINUTE, SECOND, Timestamp};

/// How long pods may fail to be made (a quota, an admission rule) before the rollout counts as failed, in µs.
const BLOCKED_FOR: i64 = 30 * SECOND;
/// How long an image may fail to be pulled, or a container to be made, in µs.
const WAITING_FOR: i64 = MINUTE;
/// How many deployments back the last successful one is looked for.
const BEFORE: i64 = 50;
/// How often a container may crash.
const CRASHES: i64 = 3;

/// A promotion and its newest attempt.
pub(super) struct Work {
    pub promotion: PromotionRecord,
    pub deployment: DeploymentRecord,
    pub version: String,
    /// What the namespace is to be held to; `None`: no quota was ever set.
    pub quota: Option<Quota>,
    /// The objects that were applied in the same namespace since the last successful deployment, those of that one among them.
    pub before: Vec<serde_json::Value>,
}

/// Takes the next step of a promotion that was started.
pub(super) async fn step(
    ctx: &OpCtx,
    app: &Authorized<App, may::Modify>,
    promotion: PromotionRecord,
) -> Result<Step> {
    let see = app.see();
    let mut tx = ctx.read().await?;
    let newest = tx.deployments(&see, promotion.id).await?.into_iter().next();
    let deployment = newest.ok_or_else(|| Error::internal("a started promotion without a deployment"))?;
    let release = tx
        .release(&see, promotion.release)
        .await?
        .ok_or(Error::NotFound)?;
    let quota = if deployment.applied_at.is_none() {
        tx.quota(&access::project_of(&see), promotion.environment).await?
    } else {
        None
    };
    let history = tx.deployments_in(&see, promotion.environment, BEFORE).await?;
    let before = applied_before(&history, &deployment);
    drop(tx);
    let work = Work {
        promotion,
        deployment,
        version: release.version,
        quota,
        before,
    };
    if !holds_lock(ctx, app, &work).await? {
        return outcome::end(ctx, app, work, End::Failed(overtaken())).await;
    }
    let (record, client) = cluster::connect(ctx, app.org_id(), work.deployment.cluster).await?;
    fault::point("promotion.connected");
    let answer = match &client {
        Err(error) => Err(error.clone()),
        Ok(client) if work.deployment.applied_at.is_none() => {
            apply(&**client, &work).await.map(Told::Applied)
        }
        Ok(client) => look(&**client, app, &work)
            .await
            .map(|seen| Told::Seen(Box::new(seen))),
    };
    cluster::note(ctx, &record, answer.as_ref().err()).await?;
    match (answer, client) {
        (Ok(Told::Applied(warnings)), _) => outcome::applied(ctx, app, work, warnings).await,
        (Ok(Told::Seen(seen)), Ok(client)) => judge(ctx, app, work, *seen, &*client).await,
        (Err(error), _) if error.is_passing() || work.deployment.applied_at.is_some() => {
            outcome::lost(ctx, app, work, &error).await
        }
        (Err(error), _) => outcome::end(ctx, app, work, End::Failed(error.text())).await,
        (Ok(Told::Seen(_)), Err(error)) => Err(Error::internal(error)),
    }
}

/// What the last successful deployment before `this` applied in its namespace, and what those after it did that failed.
fn applied_before(history: &[DeploymentRecord], this: &DeploymentRecord) -> Vec<serde_json::Value> {
    let mut objects = Vec::new();
    let others = history
        .iter()
        .filter(|one| one.id != this.id && (one.cluster, &one.namespace) == (this.cluster, &this.namespace));
    for one in others {
        objects.extend(one.manifests.iter().cloned());
        if one.state == DeploymentState::Succeeded {
            break;
        }
    }
    objects
}

/// What the cluster told.
enum Told {
    /// It took everything, and what it remarked on.
    Applied(Vec<String>),
    /// How it goes.
    Seen(Box<Seen>),
}

pub(super) fn overtaken() -> Text {
    Text::new(
        "Slipway did not work on it for too long, and another promotion took the environment.",
        "长时间未处理，环境已被其他晋级占用。",
    )
}

/// Whether the stop's lock is still this attempt's; renews it when half of its lease is over.
async fn holds_lock(ctx: &OpCtx, app: &Authorized<App, may::Modify>, work: &Work) -> Result<bool> {
    let now = ctx.now();
    let environment = work.promotion.environment;
    let lock = ctx.read().await?.stop(&app.see(), environment).await?.lock;
    let mine =
        |lock: &crate::ports::Lock| lock.owner == work.promotion.id && lock.fence == work.deployment.fence;
    let Some(lock) = lock.filter(mine) else {
        return Ok(false);
    };
    if lock.lease_until.since(now) > LOCK_LEASE / 2 {
        return Ok(true);
    }
    let mut change = ctx.change().await?;
    change.bookkeeping();
    let renewed = change
        .tx()
        .take_lock(app, environment, lock.owner, now, now.plus(LOCK_LEASE))
        .await?;
    change.commit().await?;
    Ok(renewed.is_some_and(|lock| mine(&lock)))
}

/// Applies everything. Nothing here is remembered: after a crash it is all applied again.
async fn apply(client: &dyn Cluster, work: &Work) -> std::result::Result<Vec<String>, ClusterError> {
    let deployment = &work.deployment;
    let mut warnings = Vec::new();
    client.ensure_namespace(&deployment.namespace).await?;
    fault::point("promotion.namespace_made");
    if let Some(quota) = &work.quota {
        let quota = manifest::quota(&deployment.namespace, quota);
        warnings.extend(client.apply(&quota, deployment.fence, &[]).await?);
        fault::point("promotion.quota_applied");
    }
    let marks = Stamp {
        promotion: work.promotion.id.to_string(),
        release: work.promotion.release.to_string(),
        version: work.version.clone(),
        fence: deployment.fence,
        attempt: deployment.attempt,
    };
    for object in stamp(&deployment.manifests, &marks) {
        let workload = manifest::runs_pods(&object);
        fault::point(if workload {
            "promotion.applying_workload"
        } else {
            "promotion.applying_service"
        });
        if object["kind"] == "Job" {
            make_room(client, &object, deployment.fence).await?;
        }
        let fields = deployment.takes.iter().filter(|change| !change.path.0.is_empty());
        let here: Vec<&FieldChange> = fields.filter(|change| change.is_in(&object)).collect();
        let takes: Vec<String> = here.iter().map(|change| change.path.to_string()).collect();
        warnings.extend(client.apply(&object, deployment.fence, &takes).await?);
        // What others added and this deployment has not: applying takes away only what Slipway itself had set.
        let others: Vec<FieldChange> = here
            .into_iter()
            .filter(|change| drift::adds(change, &object))
            .cloned()
            .collect();
        if !others.is_empty() {
            client.take_away(&object, deployment.fence, &others).await?;
        }
        fault::point(if workload {
            "promotion.workload_applied"
        } else {
            "promotion.service_applied"
        });
    }
    // Of one name there is one kind: what is watched by its name must not be the one before.
    for object in manifest::left_behind(&work.before, &deployment.manifests) {
        let same = |new: &serde_json::Value| new["metadata"]["name"] == object["metadata"]["name"];
        let mut runners = deployment.manifests.iter().filter(|new| manifest::runs_pods(new));
        if manifest::runs_pods(&object) && runners.any(same) {
            client.delete(&object, deployment.fence).await?;
        }
    }
    let reverts = work.promotion.kind == PromotionKind::Revert;
    for stranger in deployment.takes.iter().filter(|change| change.is_stranger()) {
        if let Some(object) = stranger.live.as_ref().filter(|_| reverts) {
            client.delete(object, deployment.fence).await?;
        }
    }
    Ok(each_once(warnings))
}

/// The remarks in their order, each once.
pub(super) fn each_once(remarks: Vec<String>) -> Vec<String> {
    let mut once: Vec<String> = Vec::new();
    for remark in remarks {
        if !once.contains(&remark) {
            once.push(remark);
        }
    }
    once
}

/// Deletes the Job of another promotion or attempt: a Job cannot be changed, and runs once.
async fn make_room(
    client: &dyn Cluster,
    job: &serde_json::Value,
    fence: i64,
) -> std::result::Result<(), ClusterError> {
    let text = |at: &str| {
        job.pointer(at)
            .and_then(serde_json::Value::as_str)
            .unwrap_or_default()
    };
    let found = client
        .workload(text("/metadata/namespace"), text("/metadata/name"))
        .await?;
    let marks = &job["metadata"]["annotations"];
    let ours = |status: &WorkloadStatus| {
        [PROMOTION, ATTEMPT]
            .iter()
            .all(|mark| status.annotations.get(*mark).map(String::as_str) == marks[*mark].as_str())
    };
    match found {
        Some(status) if !ours(&status) => client.delete(job, fence).await,
        _ => Ok(()),
    }
}

/// Deletes what the deployment before left and this one has not. What cannot be deleted stays: it hinders nobody, and the
/// release is there. Whether the environment is still this deployment's: what a later one applied is left to it.
async fn clear(client: &dyn Cluster, work: &Work) -> bool {
    for object in manifest::left_behind(&work.before, &work.deployment.manifests) {
        match client.delete(&object, work.deployment.fence).await {
            Ok(()) => {}
            Err(ClusterError::Fenced(_)) => return false,
            Err(error) => {
                let (kind, name) = (&object["kind"], &object["metadata"]["name"]);
                tracing::warn!(%kind, %name, %error, "what a deployment left behind cannot be deleted");
            }
        }
    }
    true
}

/// What one look at the cluster saw.
pub(super) struct Seen {
    pub status: Option<WorkloadStatus>,
    pub trouble: Vec<PodTrouble>,
}

async fn look(
    client: &dyn Cluster,
    app: &Authorized<App, may::Modify>,
    work: &Work,
) -> std::result::Result<Seen, ClusterError> {
    let namespace = &work.deployment.namespace;
    let (name, status) = worst(client, app, work).await?;
    let unwell = status
        .as_ref()
        .is_some_and(|s| s.updated > 0 && s.available < s.desired.max(s.total));
    let trouble = if unwell {
        client.trouble(namespace, &name).await?
    } else {
        Vec::new()
    };
    fault::point("promotion.looked");
    Ok(Seen { status, trouble })
}

/// Of the objects that run pods: the one that keeps the deployment from being complete, or else the app's own.
async fn worst(
    client: &dyn Cluster,
    app: &Authorized<App, may::Modify>,
    work: &Work,
) -> std::result::Result<(String, Option<WorkloadStatus>), ClusterError> {
    let namespace = &work.deployment.namespace;
    let own = app.workload.name.clone();
    let first = client.workload(namespace, &own).await?;
    let fine = |status: &WorkloadStatus| {
        let ours = work.promotion.id.to_string();
        status.annotations.get(PROMOTION) == Some(&ours) && status.rollout() == Rollout::Complete
    };
    if !first.as_ref().is_some_and(fine) {
        return Ok((own, first));
    }
    for object in work
        .deployment
        .manifests
        .iter()
        .filter(|object| manifest::runs_pods(object))
    {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        if name == own {
            continue;
        }
        let status = client.workload(namespace, name).await?;
        if !status.as_ref().is_some_and(fine) {
            return Ok((name.to_owned(), status));
        }
    }
    Ok((own, first))
}

async fn judge(
    ctx: &OpCtx,
    app: &Authorized<App, may::Modify>,
    work: Work,
    seen: Seen,
    client: &dyn Cluster,
) -> Result<Step> {
    let Some(status) = &seen.status else {
        let gone = Text::new(
            "The workload was deleted while it was rolling out.",
            "发布过程中工作负载被删除。",
        );
        return outcome::end(ctx, app, work, End::Failed(gone)).await;
    };
    if status.annotations.get(PROMOTION).map(String::as_str) != Some(work.promotion.id.to_string().as_str()) {
        return not_ours(ctx, app, work, status, client).await;
    }
    let fatal = match status.rollout() {
        Rollout::Complete => {
            fault::point("promotion.rolled_out");
            let how = if clear(client, &work).await {
                End::Succeeded(seen)
            } else {
                End::Failed(overtaken())
            };
            return outcome::end(ctx, app, work, how).await;
        }
        Rollout::Failed(why) => Some(Fatal { why, patience: 0 }),
        Rollout::Blocked(message) => Some(Fatal {
            why: blocked(&message),
            patience: BLOCKED_FOR,
        }),
        Rollout::Progressing(why) => seen
            .trouble
            .iter()
            .find_map(fatal)
            .or_else(|| overdue(status, &work, ctx.now(), why)),
    };
    let now = ctx.now();
    let since = fatal
        .as_ref()
        .map(|_| work.deployment.trouble_since.unwrap_or(now));
    match (fatal, since) {
        (Some(fatal), Some(since)) if now.since(since) >= fatal.patience => {
            outcome::end(ctx, app, work, End::FailedRollout(fatal.why, seen)).await
        }
        _ => outcome::progress(ctx, app, work, seen, since).await,
    }
}

/// The workload carries another promotion's mark: a later one took over, or somebody wiped the marks.
async fn not_ours(
    ctx: &OpCtx,
    app: &Authorized<App, may::Modify>,
    work: Work,
    status: &WorkloadStatus,
    client: &dyn Cluster,
) -> Result<Step> {
    let fence = status
        .annotations
        .get(FENCE)
        .and_then(|f| f.parse::<i64>().ok())
        .unwrap_or(0);
    if fence > work.deployment.fence {
        return outcome::end(ctx, app, work, End::Failed(overtaken())).await;
    }
    match apply(client, &work).await {
        Ok(warnings) => outcome::applied_again(ctx, app, work, warnings).await,
        Err(error) if error.is_passing() => outcome::lost(ctx, app, work, &error).await,
        Err(error) => outcome::end(ctx, app, work, End::Failed(error.text())).await,
    }
}

/// What Kubernetes sets no deadline for has the one that Deployments have, from when it was applied.
fn overdue(status: &WorkloadStatus, work: &Work, now: Timestamp, why: Text) -> Option<Fatal> {
    let since = now.since(work.deployment.applied_at?);
    let late = status.progressing.is_none() && since > i64::from(manifest::PROGRESS_DEADLINE) * SECOND;
    late.then_some(Fatal { why, patience: 0 })
}

/// Trouble that ends the rollout if it stays for `patience` µs.
struct Fatal {
    why: Text,
    patience: i64,
}

fn fatal(pod: &PodTrouble) -> Option<Fatal> {
    let name = &pod.container;
    let (en, zh, patience) = match pod.reason.as_str() {
        "InvalidImageName" => (
            "cannot start: its image's name is invalid",
            "无法启动：镜像名无效",
            0,
        ),
        "ErrImagePull" | "ImagePullBackOff" | "ImageInspectError" => (
            "cannot start: its image cannot be pulled",
            "无法启动：镜像拉取失败",
            WAITING_FOR,
        ),
        "CreateContainerConfigError" | "CreateContainerError" | "RunContainerError" => {
            ("cannot be made", "无法创建", WAITING_FOR)
        }
        _ if pod.restarts >= CRASHES => ("keeps crashing", "反复崩溃", 0),
        _ => return None,
    };
    Some(Fatal {
        why: Text::new(
            format!("{name} {en} ({}). {}", pod.reason, pod.message),
            format!("{name} {zh}（{}）。{}", pod.reason, pod.message),
        ),
        patience,
    })
}

fn blocked(message: &str) -> Text {
    if message.contains("exceeded quota") {
        return Text::new(
            format!("The namespace's quota has no room for the pods: {message}"),
            format!("命名空间配额不足，无法创建 Pod：{message}"),
        );
    }
    Text::new(
        format!("Kubernetes cannot make the pods: {message}"),
        format!("Kubernetes 无法创建 Pod：{message}"),
    )
}

/// When to look again: often at first, then less. Where the cluster is watched, what changes is looked at as it does.
pub(super) fn poll(ctx: &OpCtx, work: &Work) -> Timestamp {
    let now = ctx.now();
    let heard = ctx.portal().memory().watched.hears(work.deployment.cluster);
    if heard && manifest::all_labelled(&work.deployment.manifests) {
        return now.plus(5 * SECOND);
    }
    let age = now.since(work.deployment.applied_at.unwrap_or(work.deployment.started_at));
    let pause = if age <= 10 * SECOND {
        SECOND / 3
    } else if age <= MINUTE {
        SECOND
    } else {
        3 * SECOND
    };
    now.plus(pause)
}
