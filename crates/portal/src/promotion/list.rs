//! Promotions in lists: an approver's queue, an app's history, and where a release could go.

use super::gate::Facts;
use super::request::refuse;
use crate::access::{self, App, Authorized, may};
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::ports::{EnvironmentRecord, ReleaseRecord};
use slipway_domain::access::{Action, ActionSet, Role};
use slipway_domain::app::{LaneStop, NextPromotion};
use slipway_domain::approval::rule_for;
use slipway_domain::environment::{EnvironmentRef, Tier};
use slipway_domain::id::{AppId, PromotionId, ReleaseId};
use slipway_domain::project::Place;
use slipway_domain::promotion::{Inbox, OpenPromotion, PromotionRow, PromotionState};
use slipway_domain::release::PromotionChoice;
use slipway_domain::text::Text;
use slipway_domain::time::Timestamp;

/// How many decisions the queue remembers.
const REMEMBERED: i64 = 10;
/// How many promotions a page of the history has.
const PAGE: i64 = 30;

/// How many promotions one look reads at most.
pub const PAGE_ROWS: usize = 30;

/// What waits for the reader's decision, and what they decided last.
///
/// # Errors
/// Nobody is signed in, or the database does not answer.
pub async fn inbox(ctx: &OpCtx) -> Result<Inbox> {
    let person = ctx.user()?.clone();
    let mut waiting = Vec::new();
    for (id, app) in pending(ctx).await? {
        let Some(app) = seen(ctx, app).await? else {
            continue;
        };
        let mut tx = ctx.read().await?;
        let Some(promotion) = tx.promotion(&app, id).await? else {
            continue;
        };
        let now = ctx.now();
        let facts = Facts::load(&mut *tx, &app, promotion, now).await?;
        if rule_for(&facts.case(now), person.id).is_ok() {
            waiting.extend(tx.promotion_row(&app, id).await?);
        }
    }
    let decided = ctx.read().await?.decided_by(person.id, REMEMBERED).await?;
    let decided = rows(ctx, decided).await?;
    Ok(Inbox {
        person,
        waiting,
        decided,
    })
}

async fn pending(ctx: &OpCtx) -> Result<Vec<(PromotionId, AppId)>> {
    let mut pending = Vec::new();
    let mut tx = ctx.read().await?;
    for org in ctx.rights().await?.orgs() {
        pending.extend(tx.pending_in(org).await?);
    }
    Ok(pending)
}

async fn seen(ctx: &OpCtx, app: AppId) -> Result<Option<Authorized<App, may::See>>> {
    match access::app_by_id::<may::SeeReleases>(ctx, app).await {
        Ok(app) => Ok(Some(app.see())),
        // Out of sight, or releases are switched off there.
        Err(Error::NotFound | Error::Refused { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn rows(ctx: &OpCtx, ids: Vec<(PromotionId, AppId)>) -> Result<Vec<PromotionRow>> {
    let mut rows = Vec::new();
    for (id, app) in ids {
        if let Some(app) = seen(ctx, app).await? {
            rows.extend(ctx.read().await?.promotion_row(&app, id).await?);
        }
    }
    Ok(rows)
}

/// How many promotions wait for the reader, as of the last look at each: for the frame of every page.
///
/// # Errors
/// Nobody is signed in, or the database does not answer.
pub async fn waiting_for_me(ctx: &OpCtx) -> Result<i64> {
    Ok(ctx.read().await?.turns_of(ctx.user()?.id).await?)
}

/// What the reader asked for that has not ended, or failed, newest first.
///
/// # Errors
/// Nobody is signed in, or the database does not answer.
pub async fn mine(ctx: &OpCtx) -> Result<Vec<PromotionRow>> {
    let ids = ctx
        .read()
        .await?
        .unfinished_of(ctx.user()?.id, REMEMBERED)
        .await?;
    rows(ctx, ids).await
}

/// The promotions of an app asked for before `before`, newest first.
///
/// # Errors
/// As [`access::app`].
pub async fn list(
    ctx: &OpCtx,
    org: &str,
    project: &str,
    app: &str,
    before: Option<Timestamp>,
) -> Result<(Place, Vec<PromotionRow>)> {
    let app = access::app::<may::SeeReleases>(ctx, org, project, app)
        .await?
        .see();
    let rows = for_app(ctx, &app, before).await?;
    Ok((app.place(), rows))
}

/// As [`list`], for an app that is looked up already.
///
/// # Errors
/// The database does not answer.
pub async fn for_app(
    ctx: &OpCtx,
    app: &Authorized<App, may::See>,
    before: Option<Timestamp>,
) -> Result<Vec<PromotionRow>> {
    Ok(ctx.read().await?.promotion_rows(app, before, PAGE).await?)
}

/// The environments where a release runs now, in chain order.
///
/// # Errors
/// The database does not answer.
pub async fn running_in(
    ctx: &OpCtx,
    app: &Authorized<App, may::See>,
    release: ReleaseId,
) -> Result<Vec<EnvironmentRef>> {
    Ok(ctx.read().await?.running_in(app, release).await?)
}

/// Where a release could go, and why not.
///
/// # Errors
/// The database does not answer.
pub async fn choices(
    ctx: &OpCtx,
    app: &Authorized<App, may::See>,
    release: &ReleaseRecord,
) -> Result<Vec<PromotionChoice>> {
    let held = access::rights_in(ctx, app).await?;
    let mut tx = ctx.read().await?;
    let mut choices = Vec::new();
    let mut before: Option<EnvironmentRef> = None;
    for environment in tx.environments(&access::project_of(app)).await? {
        let current = match tx.stop(app, environment.environment.id).await?.current {
            Some((_, running)) => tx.release(app, running).await?.map(|r| r.version),
            None => None,
        };
        let blocked = match refuse(&mut *tx, app, release, &environment).await {
            Ok(()) => lacks_right(held, &environment),
            Err(Error::Refused { text, .. }) => Some(text),
            Err(error) => return Err(error),
        };
        let approvals = environment.policy.rules.iter().map(|r| r.required).sum();
        let skips = match before.replace(environment.environment.clone()) {
            Some(before) if !tx.verified_in(app, before.id, release.id).await? => Some(before.name),
            _ => None,
        };
        choices.push(PromotionChoice {
            environment: environment.environment,
            current,
            blocked,
            approvals,
            skips,
        });
    }
    Ok(choices)
}

/// What right a promotion to the environment takes that is not held.
fn lacks_right(held: ActionSet, environment: &EnvironmentRecord) -> Option<Text> {
    let action = match environment.environment.tier {
        Tier::Development | Tier::Testing => Action::PromoteTest,
        Tier::Staging | Tier::Production => Action::PromoteProduction,
    };
    if held.has(action) {
        return None;
    }
    let list = |pick: fn(&Text) -> &String, between: &str| {
        Role::granting(action)
            .map(|r| pick(&r.text()).clone())
            .collect::<Vec<_>>()
            .join(between)
    };
    Some(Text::new(
        format!("It takes one of these roles: {}.", list(|t| &t.en, ", ")),
        format!("需要以下角色之一：{}。", list(|t| &t.zh, "、")),
    ))
}

/// The step the app's page offers first: the newest release, and the environment after the furthest one it reached.
///
/// # Errors
/// The database does not answer.
pub async fn next(
    ctx: &OpCtx,
    app: &Authorized<App, may::See>,
    lane: &[LaneStop],
) -> Result<Option<NextPromotion>> {
    let newest = ctx.read().await?.releases(app, None, 1).await?.into_iter().next();
    let Some(release) = newest else { return Ok(None) };
    let reached = lane
        .iter()
        .rposition(|stop| stop.current.as_ref().is_some_and(|c| c.release == release.id));
    let Some(stop) = lane.get(reached.map_or(0, |i| i + 1)) else {
        return Ok(None);
    };
    // What is on its way there already needs no second asking.
    let under_way = |state: PromotionState| state.is_pending() || state.is_running();
    if stop
        .open
        .as_ref()
        .is_some_and(|open| open.version == release.version && under_way(open.state))
    {
        return Ok(None);
    }
    let choices = choices(ctx, app, &release).await?;
    let choice = choices
        .into_iter()
        .find(|c| c.environment.id == stop.environment.id);
    Ok(choice.map(|choice| NextPromotion {
        release: release.id,
        version: release.version,
        environment: choice.environment,
        blocked: choice.blocked,
    }))
}

/// The promotion that the app's page shows in full: what waits or runs nearest to the users, or failed last.
///
/// # Errors
/// The database does not answer.
pub async fn open_in(
    ctx: &OpCtx,
    app: &Authorized<App, may::See>,
    lane: &[LaneStop],
) -> Result<Option<OpenPromotion>> {
    let open: Vec<_> = lane.iter().filter_map(|stop| stop.open.as_ref()).collect();
    let chosen = open
        .iter()
        .rfind(|p| p.state.is_pending() || p.state.is_running())
        .or_else(|| open.iter().rfind(|p| p.state == PromotionState::Failed));
    let Some(chosen) = chosen else { return Ok(None) };
    let mut tx = ctx.read().await?;
    let (row, record) = (
        tx.promotion_row(app, chosen.id).await?,
        tx.promotion(app, chosen.id).await?,
    );
    let (Some(row), Some(record)) = (row, record) else {
        return Ok(None);
    };
    if !record.state.is_pending() {
        let rules = record.evaluation.map(|e| e.rules).unwrap_or_default();
        return Ok(Some(OpenPromotion {
            row,
            gates: record.gates,
            rules,
        }));
    }
    let now = ctx.now();
    let facts = Facts::load(&mut *tx, app, record, now).await?;
    let evaluation = facts.evaluation(now);
    Ok(Some(OpenPromotion {
        row,
        gates: facts.gates(&evaluation, now),
        rules: evaluation.rules,
    }))
}
