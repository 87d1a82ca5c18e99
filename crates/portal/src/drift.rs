//! Drift: looking at what a cluster has against what was applied to it, and asking for it to be settled.
//!
//! Settling is a promotion like any other, with the environment's approvals: *revert* applies again what was deployed, *adopt*
//! makes what is there what was deployed. Both take the changed fields, and no others, from whoever has them.

use crate::access::{self, App, Authorized, may};
use crate::change::Entry;
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::fault;
use crate::notice::tell as notice;
use crate::ports::{Cluster, ClusterError, DeploymentRecord, EnvironmentRecord, ReleaseRecord, StopRecord};
use crate::promotion::{self, insert, may_promote, new_promotion, wake_pending};
use slipway_domain::diff::diff_lines;
use slipway_domain::drift::{self, Drift, DriftPage, FieldChange, FieldPath, Settlement, Step};
use slipway_domain::environment::EnvironmentRef;
use slipway_domain::id::{DeploymentId, PromotionId};
use slipway_domain::manifest::{self, PROMOTION, Stamp, stamp};
use slipway_domain::text::Text;
use slipway_domain::time::{MINUTE, Timestamp};

/// How often a stop is compared, in µs.
const EVERY: i64 = MINUTE;

/// How often one is compared whose cluster is watched, in µs, for what a watch does not tell.
const WATCHED_EVERY: i64 = 30 * MINUTE;

/// How often objects are looked for that Slipway never applied, in µs: it takes a list of every kind.
const LISTS_EVERY: i64 = 10 * MINUTE;

/// How many attempts back a mark in the cluster is known as Slipway's own.
const KNOWN: i64 = 20;

/// How many promotions back the page looks for those that settle the drift.
const SHOWN: i64 = 50;

/// Compares a stop with what was applied there, where that is due and nothing is being deployed. Where changes there are heard
/// (`watched`), it is due after one, and now and then.
pub(crate) async fn look(
    ctx: &OpCtx,
    app: &Authorized<App, may::Rollback>,
    environment: &EnvironmentRef,
    watched: bool,
    client: &dyn Cluster,
) -> Result<()> {
    let see = app.see();
    let touched = ctx
        .portal()
        .memory()
        .watched
        .take_touched(app.id(), environment.id);
    let every = if watched { WATCHED_EVERY } else { EVERY };
    let mut tx = ctx.read().await?;
    let stop = tx.stop(&see, environment.id).await?;
    let last = tx.drift(&see, environment.id).await?;
    let due = last
        .as_ref()
        .is_none_or(|last| touched || ctx.now().since(last.looked_at) >= every);
    let Some((current, release)) = stop.current.filter(|_| due && !is_busy(&stop, ctx.now())) else {
        return Ok(());
    };
    let attempts = tx.deployments_in(&see, environment.id, KNOWN).await?;
    let (Some(applied), Some(release)) = (
        tx.deployment(&see, current).await?,
        tx.release(&see, release).await?,
    ) else {
        return Ok(());
    };
    drop(tx);
    // After a change, everything is looked for anew.
    let known = last
        .as_ref()
        .filter(|last| last.deployment == applied.id && !touched);
    let compared = async {
        let changes = compare(client, &applied, &release).await?;
        let (others, at) = strangers(ctx, client, app, environment, &applied, known).await?;
        Ok(([changes, others].concat(), at))
    };
    let compared: std::result::Result<_, ClusterError> = compared.await;
    let listed_at = compared.as_ref().ok().and_then(|(_, at)| *at);
    let found = match compared.map(|(changes, _)| changes) {
        // The look at its health has told.
        Err(error) if error.is_passing() => return Ok(()),
        Err(error) => Err(error.text()),
        Ok(changes) if is_of_another(&changes, &attempts) => Err(Text::new(
            "The deployment that came last did not succeed, and what it left is there. It is compared again after the next one.",
            "最近一次部署未成功，集群中是其遗留的内容。下次部署后会重新比较。",
        )),
        Ok(changes) => Ok(changes),
    };
    fault::point("environment.compared");
    let seen = Drift {
        listed_at: listed_at.or_else(|| known.and_then(|known| known.listed_at)),
        ..seen(&applied, last.as_ref(), found, ctx.now())
    };
    let before = (&stop, attempts.first().map(|newest| newest.id));
    note(ctx, app, environment, before, last.as_ref(), &seen).await
}

/// Whether something is being deployed to the stop.
fn is_busy(stop: &StopRecord, now: Timestamp) -> bool {
    stop.lock.is_some_and(|lock| lock.lease_until > now)
}

async fn compare(
    client: &dyn Cluster,
    applied: &DeploymentRecord,
    release: &ReleaseRecord,
) -> std::result::Result<Vec<FieldChange>, ClusterError> {
    let marks = Stamp {
        promotion: applied.promotion.to_string(),
        release: applied.release.to_string(),
        version: release.version.clone(),
        fence: applied.fence,
        attempt: applied.attempt,
    };
    let mut changes = Vec::new();
    for object in stamp(&applied.manifests, &marks) {
        changes.extend(client.drift(&object).await?);
    }
    Ok(changes)
}

/// The objects there that carry the labels Slipway gives to those of the app and that it never applied, and when they were looked
/// for. Where the look before found none, that stands for a while.
async fn strangers(
    ctx: &OpCtx,
    client: &dyn Cluster,
    app: &Authorized<App, may::Rollback>,
    environment: &EnvironmentRef,
    applied: &DeploymentRecord,
    last: Option<&Drift>,
) -> std::result::Result<(Vec<FieldChange>, Option<Timestamp>), ClusterError> {
    let none = last.filter(|last| !last.changes.iter().any(FieldChange::is_stranger));
    let at = none.and_then(|last| last.listed_at);
    if let Some(at) = at.filter(|at| ctx.now().since(*at) < LISTS_EVERY) {
        return Ok((Vec::new(), Some(at)));
    }
    let labels = manifest::labels(&app.workload.name, &app.workload.part_of, &environment.key);
    let mut found = client.strangers(&applied.namespace, &labels).await?;
    found.retain(|change| !applied.manifests.iter().any(|object| change.is_in(object)));
    Ok((found, Some(ctx.now())))
}

/// Whether what is there carries the mark of another attempt of Slipway's own.
fn is_of_another(changes: &[FieldChange], attempts: &[DeploymentRecord]) -> bool {
    let mark = FieldPath(vec![
        Step::Field(String::from("metadata")),
        Step::Field(String::from("annotations")),
        Step::Field(PROMOTION.to_owned()),
    ]);
    let marks = changes.iter().filter(|change| change.path == mark);
    let mut marks = marks.filter_map(|change| change.live.as_ref()?.as_str());
    marks.any(|live| {
        attempts
            .iter()
            .any(|attempt| attempt.promotion.to_string() == live)
    })
}

/// What is known after a look. One that could not compare keeps what the look before found, unless that was Slipway's own.
fn seen(
    applied: &DeploymentRecord,
    last: Option<&Drift>,
    found: std::result::Result<Vec<FieldChange>, Text>,
    now: Timestamp,
) -> Drift {
    let (changes, trouble) = match found {
        Ok(changes) => (changes, None),
        Err(trouble) => (
            last.map_or_else(Vec::new, |last| last.changes.clone()),
            Some(trouble),
        ),
    };
    let known = last.and_then(|last| last.since);
    let since = (!changes.is_empty()).then(|| known.unwrap_or(now));
    Drift {
        deployment: applied.id,
        looked_at: now,
        since,
        changes,
        trouble,
        listed_at: None,
    }
}

async fn note(
    ctx: &OpCtx,
    app: &Authorized<App, may::Rollback>,
    environment: &EnvironmentRef,
    (stop, newest): (&StopRecord, Option<DeploymentId>),
    last: Option<&Drift>,
    seen: &Drift,
) -> Result<()> {
    let (see, modify, place) = (app.see(), app.modify(), app.place());
    let mut change = ctx.change().await?;
    let now = change.tx().stop(&see, environment.id).await?;
    let attempts = change.tx().deployments_in(&see, environment.id, 1).await?;
    let moved = now.current != stop.current || attempts.first().map(|newest| newest.id) != newest;
    if moved || is_busy(&now, ctx.now()) {
        // What was seen may be a deployment on its way.
        return Ok(());
    }
    change.tx().set_drift(&modify, environment.id, seen).await?;
    let (was, is) = (
        last.map_or(&[][..], |last| &last.changes),
        seen.changes.as_slice(),
    );
    if drift::digest(was) == drift::digest(is) {
        change.bookkeeping();
        if last.map(|last| &last.trouble) != Some(&seen.trouble) {
            change.touch("app", app.id(), &place);
        }
        return change.commit().await;
    }
    let fields: Vec<String> = is
        .iter()
        .map(|one| format!("{} {}{}", one.kind, one.name, one.path))
        .collect();
    let summary = serde_json::json!({
        "environment": environment.key, "fields": fields, "by": drift::managers(is),
    });
    let action = if is.is_empty() { "drift.gone" } else { "drift.seen" };
    let entry = Entry::done(
        action,
        "environment",
        environment.id,
        environment.name.clone(),
        &place,
        summary,
    );
    change.audit(entry).await?;
    if !is.is_empty() {
        let mut people = change.tx().owners_of(&see).await?;
        people.extend(change.tx().deployed_by(&see, environment.id).await?);
        notice::drifted(&mut change, app, environment, seen, &people).await?;
    }
    wake_pending(&mut change, &see, ctx.now()).await?;
    change.touch("app", app.id(), &place);
    change.touch("project", app.project_id(), &place);
    change.commit().await
}

async fn stop_of(ctx: &OpCtx, app: &Authorized<App, may::See>, key: &str) -> Result<EnvironmentRecord> {
    let chain = ctx.read().await?.environments(&access::project_of(app)).await?;
    chain
        .into_iter()
        .find(|e| e.environment.key == key)
        .ok_or(Error::NotFound)
}

/// What the page of a stop's drift shows.
///
/// # Errors
/// [`Error::NotFound`] where there is no such place that the reader may see.
pub async fn page(ctx: &OpCtx, org: &str, project: &str, app: &str, environment: &str) -> Result<DriftPage> {
    let app = access::app::<may::SeeReleases>(ctx, org, project, app)
        .await?
        .see();
    let at = stop_of(ctx, &app, environment).await?.environment;
    let mut tx = ctx.read().await?;
    let lane = tx.app_lane(&app).await?;
    let current = lane
        .into_iter()
        .find(|stop| stop.environment.id == at.id)
        .and_then(|stop| stop.current);
    let found = tx.drift(&app, at.id).await?;
    let applied = match &current {
        Some(current) => tx.deployment(&app, current.deployment).await?,
        None => None,
    };
    let rows = tx.promotion_rows(&app, None, SHOWN).await?;
    drop(tx);
    let changes: &[FieldChange] = found.as_ref().map_or(&[], |found| &found.changes);
    let objects = applied.map(|applied| applied.manifests).unwrap_or_default();
    let after = drift::adopted(&objects, changes);
    let may_settle = may_promote(ctx, &app, at.tier).await.is_ok();
    let open = rows
        .into_iter()
        .filter(|row| row.environment.id == at.id && row.kind.settles().is_some() && !row.state.is_final());
    Ok(DriftPage {
        place: app.place(),
        current,
        digest: drift::digest(changes),
        diff: diff_lines(&manifest::yaml(&objects), &manifest::yaml(&after)),
        open: open.collect(),
        may_settle,
        not_adoptable: drift::not_adoptable(changes),
        environment: at,
        drift: found,
    })
}

/// Asks for a stop's drift to be reverted or adopted: a promotion, with the environment's approvals. `seen` is the page's
/// [`digest`](DriftPage::digest): who saw another difference must look again.
///
/// # Errors
/// [`Error::Forbidden`] by the environment's tier; [`Error::NotFound`]; [`Error::Conflict`] `stale_drift`;
/// [`Error::Refused`] `no_drift`, `not_adoptable`, `not_bound`.
pub async fn settle(
    ctx: &OpCtx,
    (org, project, app): (&str, &str, &str),
    environment: &str,
    how: Settlement,
    seen: &str,
    reason: &str,
) -> Result<PromotionId> {
    let app = access::app::<may::SeeReleases>(ctx, org, project, app)
        .await?
        .see();
    let environment = stop_of(ctx, &app, environment).await?;
    let at = environment.environment.id;
    let modify = may_promote(ctx, &app, environment.environment.tier).await?;
    let mut change = ctx.change().await?;
    let found = change.tx().drift(&app, at).await?.filter(Drift::is_there);
    let stop = change.tx().stop(&app, at).await?;
    let (Some(found), Some((current, release))) = (found, stop.current) else {
        return Err(Error::refused(
            "no_drift",
            "The cluster has what was deployed there: there is nothing to settle.",
            "集群与部署一致，无需处理。",
        ));
    };
    refuse(&environment, &found.changes, how, seen)?;
    let kind = how.into();
    let pending = change.tx().pending_promotions(&app, Some(at)).await?;
    if let Some(same) = pending.iter().find(|p| p.kind == kind) {
        return Ok(same.id);
    }
    let release = change.tx().release(&app, release).await?.ok_or(Error::NotFound)?;
    let base = change
        .tx()
        .deployment(&app, current)
        .await?
        .ok_or(Error::NotFound)?;
    let mut new = new_promotion(ctx, change.tx(), &app, &release, &environment, kind).await?;
    new.subjects = vec![promotion::settling(
        &release,
        &environment,
        &base,
        how,
        &found.changes,
    )];
    let asking = ctx.user()?.id;
    new.on_behalf_of = promotion::behind(change.tx(), &app, asking).await?;
    new.requested_by = Some(asking);
    new.waiver = Some(reason.trim().to_owned()).filter(|reason| !reason.is_empty());
    insert(ctx, &mut change, &modify, &release, &environment, &new).await?;
    change.commit().await?;
    fault::point("promotion.requested");
    Ok(new.id)
}

/// Why it cannot be settled that way now, whoever asks.
fn refuse(
    environment: &EnvironmentRecord,
    changes: &[FieldChange],
    how: Settlement,
    seen: &str,
) -> Result<()> {
    if environment.binding.is_none() {
        let name = &environment.environment.name;
        return Err(Error::refused(
            "not_bound",
            format!("{name} has no cluster yet. A project lead must bind it to one."),
            format!("{name} 尚未绑定集群，请项目负责人完成绑定。"),
        ));
    }
    if seen != drift::digest(changes) {
        return Err(Error::conflict(
            "stale_drift",
            "What differs there is not what the page showed any more. Look at it again.",
            "差异已发生变化，请刷新页面后重新确认。",
        ));
    }
    match drift::not_adoptable(changes).filter(|_| how == Settlement::Adopt) {
        Some(text) => Err(Error::Refused {
            code: "not_adoptable",
            text,
        }),
        None => Ok(()),
    }
}
