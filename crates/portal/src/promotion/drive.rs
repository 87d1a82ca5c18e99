//! The job of a promotion: whatever its state asks for, one step after the other.

use super::gate::Facts;
use super::request::title;
use super::{advance, deploy, end_turns, news, tell};
use crate::access::{self, App, Authorized, may};
use crate::change::{Change, Entry};
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::fault;
use crate::jobs::Next;
use crate::notice::tell as notice;
use crate::ports::{DeploymentRecord, Lock, StoreError};
use slipway_domain::approval::{Evaluation, Pause, Standing};
use slipway_domain::audit::Outcome;
use slipway_domain::break_glass::BreakGlass;
use slipway_domain::environment::Health;
use slipway_domain::id::{AppId, PromotionId, UserId};
use slipway_domain::manifest;
use slipway_domain::promotion::{
    DeploymentState, Gate, GateKind, PromotionEvent, PromotionKind, PromotionState,
};
use slipway_domain::subscriber::EventKind;
use slipway_domain::text::Text;
use slipway_domain::time::{MINUTE, Timestamp};

/// How long a stop's lock is held without a word from its owner, in µs. Long, for taking it over ends the
/// owner's promotion.
pub(super) const LOCK_LEASE: i64 = 10 * MINUTE;

/// How often a waiting promotion is looked at while nothing happens: members come and go, in µs.
const LOOK_AGAIN: i64 = MINUTE;

/// How many steps one run of the job takes before it lets others run.
const STEPS: usize = 4;

/// How long what waits in an archived place waits before it is looked at again, in µs.
const ARCHIVED: i64 = 300 * slipway_domain::time::SECOND;

/// What a step leads to.
pub(super) enum Step {
    /// The next step may be taken at once.
    Again,
    /// Nothing to do before then.
    Wait(Timestamp),
    /// It has ended.
    Ended,
}

/// Drives a promotion as far as it goes now.
pub(crate) async fn run(ctx: &OpCtx, app: AppId, id: PromotionId) -> Result<Next> {
    let app = match access::app_by_id::<may::PromoteProduction>(ctx, app).await {
        Ok(app) => app.modify(),
        Err(Error::NotFound) => return Ok(Next::Done),
        Err(error) => return Err(error),
    };
    for _ in 0..STEPS {
        let Some(promotion) = ctx.read().await?.promotion(&app.see(), id).await? else {
            return Ok(Next::Done);
        };
        let step = if promotion.state.is_pending() && app.place().archived().is_some() {
            Ok(Step::Wait(ctx.now().plus(ARCHIVED)))
        } else if promotion.state.is_pending() {
            evaluate(ctx, &app, id).await
        } else if promotion.state.is_running() {
            deploy::step(ctx, &app, promotion).await
        } else {
            Ok(Step::Ended)
        };
        match step {
            Ok(Step::Wait(at)) => return Ok(Next::At(at)),
            Ok(Step::Ended) => return Ok(Next::Done),
            // Somebody decided, or another worker took the same step: look at what it is now.
            Ok(Step::Again)
            | Err(Error::Conflict {
                code: "changed_meanwhile",
                ..
            }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Next::At(ctx.now()))
}

/// Looks at the gates, and starts where all of them are open at this instant.
async fn evaluate(ctx: &OpCtx, app: &Authorized<App, may::Modify>, id: PromotionId) -> Result<Step> {
    let see = app.see();
    let now = ctx.now();
    let mut change = ctx.change().await?;
    let Some(promotion) = change.tx().promotion(&see, id).await? else {
        return Ok(Step::Ended);
    };
    if !promotion.state.is_pending() {
        return Ok(Step::Again);
    }
    let mut facts = Facts::load(change.tx(), &see, promotion, now).await?;
    let mut evaluation = facts.evaluation(now);
    if let Some((event, reason)) = over(&facts, &evaluation) {
        facts.promotion.evaluation = Some(evaluation);
        return end(ctx, change, app, facts, event, reason).await;
    }
    let mut gates = facts.gates(&evaluation, now);
    if gates.iter().all(|gate| gate.open) {
        let environment = facts.environment.environment.id;
        let lock = change
            .tx()
            .take_lock(app, environment, id, now, now.plus(LOCK_LEASE))
            .await?;
        if facts.is_limited() {
            // Two apps must not take the same room.
            change.tx().lock_org(app.org_id()).await?;
        }
        // With the lock held, everything is looked at once more: only what is true now may start it.
        facts = Facts::load(change.tx(), &see, facts.promotion, now).await?;
        evaluation = facts.evaluation(now);
        gates = facts.gates(&evaluation, now);
        match lock {
            Some(lock) if gates.iter().all(|gate| gate.open) => {
                pause(&mut facts.promotion.pauses, &gates, now);
                facts.promotion.gates = gates;
                return start(ctx, change, app, facts, evaluation, lock).await;
            }
            Some(_) => change.tx().release_lock(app, environment, id).await?,
            None => {}
        }
    }
    note(ctx, change, app, facts, evaluation, gates).await
}

/// Whether it is over without a deployment.
fn over(facts: &Facts, evaluation: &Evaluation) -> Option<(PromotionEvent, Text)> {
    let name = &facts.environment.environment.name;
    if facts.removed_at.is_some() {
        let reason = Text::new(
            format!("The environment {name} was removed."),
            format!("环境 {name} 已被移除。"),
        );
        return Some((PromotionEvent::Cancel, reason));
    }
    if facts.environment.binding.is_none() {
        let reason = Text::new(
            format!("{name} has no cluster any more."),
            format!("{name} 已不再绑定集群。"),
        );
        return Some((PromotionEvent::Cancel, reason));
    }
    if let Some((_, why)) = &facts.release.defective
        && facts.promotion.kind != PromotionKind::Rollback
    {
        let reason = Text::new(
            format!("{} was marked defective: {why}", facts.release.version),
            format!("{} 已标记为有缺陷：{why}", facts.release.version),
        );
        return Some((PromotionEvent::Cancel, reason));
    }
    if let Some(why) = &facts.settled {
        return Some((PromotionEvent::Cancel, why.clone()));
    }
    match evaluation.standing {
        Standing::Expired => Some((PromotionEvent::Expire, evaluation.words.clone())),
        Standing::Rejected => Some((PromotionEvent::Reject, evaluation.words.clone())),
        Standing::Satisfied | Standing::Waiting | Standing::Unsatisfiable => None,
    }
}

async fn end(
    ctx: &OpCtx,
    mut change: Change<'_>,
    app: &Authorized<App, may::Modify>,
    mut facts: Facts,
    event: PromotionEvent,
    reason: Text,
) -> Result<Step> {
    let id = facts.promotion.id;
    advance(&mut facts.promotion, event, ctx.now()).map_err(Error::internal)?;
    facts.promotion.reason = Some(reason.clone());
    change.tx().update_promotion(app, &facts.promotion).await?;
    end_turns(&mut change, app.org_id(), id).await?;
    let place = app.place();
    let action = match event {
        PromotionEvent::Expire => "promotion.expire",
        PromotionEvent::Reject => "promotion.reject",
        _ => "promotion.cancel",
    };
    let summary = serde_json::json!({ "reason": reason.en });
    change
        .audit(Entry::done(
            action,
            "promotion",
            id,
            title(&facts.release, &facts.environment),
            &place,
            summary,
        ))
        .await?;
    if let Some(requester) = facts.promotion.requested_by {
        change.touch_person("person", requester, app.org_id());
    }
    let name = title(&facts.release, &facts.environment);
    notice::promotion_ended(&mut change, app, &facts.promotion, &name, reason).await?;
    facts
        .announce(&mut change, EventKind::PromotionEnded, &place, None)
        .await?;
    tell(&mut change, app, facts.promotion.environment, id).await?;
    change.commit().await?;
    Ok(Step::Ended)
}

/// Writes down what the gates say, where that is news, and who is asked.
async fn note(
    ctx: &OpCtx,
    mut change: Change<'_>,
    app: &Authorized<App, may::Modify>,
    mut facts: Facts,
    evaluation: Evaluation,
    gates: Vec<Gate>,
) -> Result<Step> {
    let id = facts.promotion.id;
    let before = facts.promotion.clone();
    let shut: Vec<&Gate> = gates.iter().filter(|gate| !gate.open).collect();
    let only_locked = shut.iter().all(|gate| gate.kind == GateKind::Lock);
    let event = if only_locked {
        PromotionEvent::GatesOpen
    } else {
        PromotionEvent::GateShut
    };
    facts.promotion.reason = Some(joined(&shut)).filter(|text| !text.en.is_empty());
    advance(&mut facts.promotion, event, ctx.now()).map_err(Error::internal)?;
    let until = evaluation.until;
    let turns: Vec<UserId> = evaluation
        .rules
        .iter()
        .flat_map(|r| r.open_to.iter().chain(&r.deputies).map(|p| p.id))
        .collect();
    if facts.promotion.subject() != facts.subject.subject {
        facts.promotion.subjects.push(facts.subject.clone());
    }
    pause(&mut facts.promotion.pauses, &gates, ctx.now());
    let opens = gates.iter().filter_map(|gate| gate.opens_at).min();
    news::since(&mut change, app, &facts, &evaluation).await?;
    facts.promotion.gates = gates;
    facts.promotion.evaluation = Some(evaluation);
    let changed = change.tx().set_turns(id, &turns).await?;
    for user in &changed {
        change.touch_person("person", *user, app.org_id());
    }
    let asked: Vec<UserId> = changed.into_iter().filter(|user| turns.contains(user)).collect();
    let name = title(&facts.release, &facts.environment);
    notice::approval_asked(&mut change, app, &facts.promotion, &name, &asked).await?;
    change.bookkeeping();
    if facts.promotion != before {
        change.tx().update_promotion(app, &facts.promotion).await?;
        tell(&mut change, app, facts.promotion.environment, id).await?;
    }
    fault::point("promotion.evaluated");
    change.commit().await?;
    let now = ctx.now();
    Ok(Step::Wait(
        [Some(facts.promotion.expires_at), until, opens]
            .into_iter()
            .flatten()
            .filter(|at| *at > now)
            .fold(now.plus(LOOK_AGAIN), Timestamp::min),
    ))
}

/// Notes since when, and until when, nobody could have had it started: approvals do not grow old meanwhile.
fn pause(pauses: &mut Vec<Pause>, gates: &[Gate], now: Timestamp) {
    let shut = gates.iter().any(|gate| !gate.open && gate.kind.pauses());
    match (shut, pauses.last_mut().filter(|last| last.to.is_none())) {
        (true, None) => pauses.push(Pause { from: now, to: None }),
        (false, Some(last)) => last.to = Some(now),
        _ => {}
    }
}

fn joined(shut: &[&Gate]) -> Text {
    let list = |pick: fn(&Text) -> &String, between: &str| {
        shut.iter()
            .map(|gate| pick(&gate.reason).clone())
            .collect::<Vec<_>>()
            .join(between)
    };
    Text::new(list(|t| &t.en, "; "), list(|t| &t.zh, "；"))
}

/// Starts the deployment: from here on the cluster is touched.
async fn start(
    ctx: &OpCtx,
    mut change: Change<'_>,
    app: &Authorized<App, may::Modify>,
    mut facts: Facts,
    evaluation: Evaluation,
    lock: Lock,
) -> Result<Step> {
    let now = ctx.now();
    let id = facts.promotion.id;
    let glasses = facts.glasses_in_use(&evaluation, now);
    for glass in &glasses {
        // One use: whoever starts first has it.
        let used = BreakGlass {
            used_at: Some(now),
            ..glass.clone()
        };
        change.tx().update_glass(app, glass, &used).await?;
    }
    facts.promotion.evaluation = Some(evaluation);
    let binding = facts
        .environment
        .binding
        .clone()
        .ok_or_else(|| Error::internal("an open gate without a binding"))?;
    for event in [PromotionEvent::GatesOpen, PromotionEvent::Start] {
        advance(&mut facts.promotion, event, now).map_err(Error::internal)?;
    }
    facts.promotion.tries += 1;
    facts.promotion.base = facts.running.as_ref().map(|r| r.id);
    facts.promotion.reason = None;
    if facts.promotion.subject() != facts.subject.subject {
        facts.promotion.subjects.push(facts.subject.clone());
    }
    change.tx().update_promotion(app, &facts.promotion).await?;
    let deployment = DeploymentRecord {
        id: ctx.id(),
        promotion: id,
        release: facts.release.id,
        environment: facts.promotion.environment,
        attempt: facts.promotion.tries,
        state: DeploymentState::Applying,
        fence: lock.fence,
        cluster: binding.cluster,
        namespace: binding.namespace,
        manifests: facts.manifests.clone(),
        reason: None,
        ready: 0,
        desired: manifest::replicas(&facts.manifests).unwrap_or_else(|| {
            i64::from(
                facts
                    .release
                    .workload
                    .replicas_in(&facts.environment.environment.key),
            )
        }),
        health: Health::Progressing,
        trouble: Vec::new(),
        started_at: now,
        applied_at: None,
        finished_at: None,
        observed_at: None,
        trouble_since: None,
        lost_at: None,
        takes: facts.takes.clone(),
        warnings: Vec::new(),
    };
    match change.tx().insert_deployment(app, &deployment).await {
        // Another worker started this very try.
        Err(StoreError::Constraint(_)) => return Err(StoreError::Gone.into()),
        other => other?,
    }
    end_turns(&mut change, app.org_id(), id).await?;
    let place = app.place();
    let summary = serde_json::json!({
        "attempt": deployment.attempt,
        "fence": deployment.fence,
        "subject": facts.promotion.subject(),
        "broken_glass": glasses.iter().map(|glass| glass.id).collect::<Vec<_>>(),
        "approved_by": facts.promotion.evaluation.iter()
            .flat_map(|e| e.rules.iter().flat_map(|r| r.approved.iter().map(|p| p.username.clone()))).collect::<Vec<_>>(),
    });
    let entry = Entry::done(
        "promotion.start",
        "promotion",
        id,
        title(&facts.release, &facts.environment),
        &place,
        summary,
    );
    change
        .audit(Entry {
            outcome: Outcome::Done,
            ..entry
        })
        .await?;
    tell(&mut change, app, facts.promotion.environment, id).await?;
    fault::point("promotion.starting");
    change.commit().await?;
    fault::point("promotion.started");
    debug_assert_eq!(facts.promotion.state, PromotionState::Deploying);
    Ok(Step::Again)
}
