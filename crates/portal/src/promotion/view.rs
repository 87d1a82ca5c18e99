//! What the promotion's and the approval's page show.

use super::gate::Facts;
use super::place_of;
use super::rollback::rollback_target;
use crate::access::{self, App, Authorized, may};
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::ports::{DeploymentRecord, ReleaseRecord, Tx};
use crate::{break_glass, comparison, hold};
use slipway_domain::access::Action;
use slipway_domain::app::Deployed;
use slipway_domain::approval::{Decision, Evaluation, rule_for};
use slipway_domain::comparison::configuration_diff;
use slipway_domain::diff::{DiffView, diff_lines};
use slipway_domain::drift::{self, DriftBrief, FieldChange};
use slipway_domain::environment::Tier;
use slipway_domain::id::PromotionId;
use slipway_domain::manifest;
use slipway_domain::promotion::{
    Changes, DecisionView, DeploymentState, DeploymentView, Gate, GateKind, PromotionKind, PromotionRights,
    PromotionState, PromotionView, Risk,
};
use slipway_domain::release::ReleaseRef;
use slipway_domain::text::Text;
use slipway_domain::time::{DAY, Timestamp};

/// A promotion with everything around it.
///
/// # Errors
/// [`Error::NotFound`] where there is none the reader may see.
pub async fn view(ctx: &OpCtx, id: PromotionId) -> Result<PromotionView> {
    let app = place_of(ctx, id).await?;
    let now = ctx.now();
    let mut tx = ctx.read().await?;
    let row = tx.promotion_row(&app, id).await?.ok_or(Error::NotFound)?;
    let promotion = tx.promotion(&app, id).await?.ok_or(Error::NotFound)?;
    let facts = Facts::load(&mut *tx, &app, promotion, now).await?;
    let pending = facts.promotion.state.is_pending();
    // What has started is shown as it was judged then.
    let judged = facts.promotion.evaluation.as_ref().filter(|_| !pending);
    let (evaluation, gates, subject) = if let Some(then) = judged {
        (
            then.clone(),
            facts.promotion.gates.clone(),
            facts.promotion.subject().to_owned(),
        )
    } else {
        let evaluation = facts.evaluation(now);
        let gates = facts.gates(&evaluation, now);
        (evaluation, gates, facts.subject.subject.clone())
    };
    let deployments = tx.deployments(&app, id).await?;
    let base = base(&mut *tx, &app, &facts).await?;
    let current = current(&mut *tx, &app, &facts).await?;
    let history = tx.deployments_in(&app, facts.promotion.environment, 20).await?;
    let target = rollback_target(&mut *tx, &app, facts.promotion.environment).await?;
    let target = match target {
        Some(target) => tx.release(&app, target).await?,
        None => None,
    };
    let drifted = tx
        .drift(&app, facts.promotion.environment)
        .await?
        .and_then(|drift| drift.brief());
    let changes = changes(&mut *tx, &app, &facts, base.as_ref(), &deployments, &history);
    let changes = Box::pin(changes).await?;
    drop(tx);
    let settles = facts.promotion.kind.settles().is_some();
    let drift = if settles {
        settled(&facts, &deployments)
    } else {
        Vec::new()
    };
    let warnings = deployments
        .first()
        .map_or_else(Vec::new, |newest| newest.warnings.clone());
    let mut risks = risks(&facts, base.as_ref(), &history, &changes, target.as_ref());
    risks.extend(unusual(&facts, &gates, &history, now));
    risks.extend(
        drifted
            .filter(|_| pending && !settles)
            .map(|brief| around(&brief)),
    );
    let decisions = decisions(&facts.decisions, &evaluation);
    let rights = rights(ctx, &app, &facts, &gates, target.as_ref()).await?;
    let (holds, glasses) = (
        hold::shown(ctx, &app, &facts).await?,
        break_glass::shown(ctx, &app, &facts).await?,
    );
    Ok(PromotionView {
        row,
        subject,
        current,
        changes,
        risks,
        evidence: facts.release.evidence.clone(),
        gates,
        evaluation,
        decisions,
        deployments: deployments.into_iter().map(attempt).collect(),
        rights,
        rollback_to: target.map(|t| (t.id, t.version)),
        holds,
        glasses,
        drift,
        warnings,
    })
}

/// What the promotion replaces: what runs there, or what ran there when it started.
async fn base(
    tx: &mut dyn Tx,
    app: &Authorized<App, may::See>,
    facts: &Facts,
) -> Result<Option<ReleaseRecord>> {
    if facts.promotion.tries == 0 {
        return Ok(facts.running.clone());
    }
    match facts.promotion.base {
        Some(base) => Ok(tx.release(app, base).await?),
        None => Ok(None),
    }
}

async fn current(
    tx: &mut dyn Tx,
    app: &Authorized<App, may::See>,
    facts: &Facts,
) -> Result<Option<Deployed>> {
    let lane = tx.app_lane(app).await?;
    Ok(lane
        .into_iter()
        .find(|s| s.environment.id == facts.promotion.environment)
        .and_then(|s| s.current))
}

async fn changes(
    tx: &mut dyn Tx,
    app: &Authorized<App, may::See>,
    facts: &Facts,
    base: Option<&ReleaseRecord>,
    attempts: &[DeploymentRecord],
    history: &[DeploymentRecord],
) -> Result<Changes> {
    let release = &facts.release;
    let (from, to) = match base {
        Some(base) if base.created_at > release.created_at => (Some(release.created_at), base.created_at),
        base => (base.map(|b| b.created_at), release.created_at),
    };
    let commits = super::commits_between(tx, app, from, to).await?;
    let before = base.and_then(|base| {
        let first = attempts.last().map_or(i64::MAX, |a| a.started_at.micros());
        history.iter().find(|d| {
            d.release == base.id && d.state == DeploymentState::Succeeded && d.started_at.micros() < first
        })
    });
    let after = attempts.first().map_or(&facts.manifests, |a| &a.manifests);
    let drifted = (facts.promotion.kind == PromotionKind::Revert)
        .then(|| drift::adopted(after, &settled(facts, attempts)));
    let before = drifted.as_ref().or(before.map(|d| &d.manifests));
    let key = &facts.environment.environment.key;
    let there = |release: &ReleaseRecord| release.workload.in_environment(key);
    Ok(Changes {
        items: comparison::items(tx, app, &commits).await?,
        configuration: base.map_or_else(DiffView::default, |base| {
            configuration_diff(&there(base), &there(release))
        }),
        commits,
        images_before: base.map(|b| b.images.clone()).unwrap_or_default(),
        images_after: release.images.clone(),
        manifests: diff_lines(
            &before.map_or_else(String::new, |objects| manifest::yaml(objects)),
            &manifest::yaml(after),
        ),
    })
}

/// What runs there is not what was deployed there.
fn around(brief: &DriftBrief) -> Risk {
    let said = drift::said(brief.fields, &brief.by);
    let text = Text::new(
        format!(
            "{}: where this sets them too, it fails, unless they are reverted or adopted first",
            said.en
        ),
        format!("{}：若本次也设置了这些字段将会失败，请先还原或采纳", said.zh),
    );
    Risk {
        warns: true,
        frozen: false,
        text,
    }
}

/// The drift that it settles: what the newest attempt took on, or what is there now.
fn settled(facts: &Facts, attempts: &[DeploymentRecord]) -> Vec<FieldChange> {
    attempts
        .first()
        .map_or_else(|| facts.takes.clone(), |attempt| attempt.takes.clone())
}

fn risks(
    facts: &Facts,
    base: Option<&ReleaseRecord>,
    history: &[DeploymentRecord],
    changes: &Changes,
    target: Option<&ReleaseRecord>,
) -> Vec<Risk> {
    let name = &facts.environment.environment.name;
    let mut risks = Vec::new();
    match base {
        None => risks.push(warns(
            format!("first deployment to {name}"),
            format!("首次部署到 {name}"),
        )),
        Some(base) => match target {
            _ if facts.promotion.tries == 0 => risks.push(calms(
                format!("can be rolled back to {}", base.version),
                format!("可回滚到 {}", base.version),
            )),
            Some(target) => risks.push(calms(
                format!("can be rolled back to {}", target.version),
                format!("可回滚到 {}", target.version),
            )),
            None => {}
        },
    }
    let others = history.iter().find(|d| d.promotion != facts.promotion.id);
    if let Some(last) = others.filter(|d| d.state == DeploymentState::Failed) {
        let why = last.reason.clone().unwrap_or_default();
        risks.push(warns(
            format!("the last deployment here failed: {}", why.en),
            format!("上次部署失败：{}", why.zh),
        ));
    }
    if facts.promotion.kind == PromotionKind::Rollback {
        risks.push(warns(
            format!("goes back: {} commits are undone", changes.commits.len()),
            format!("回滚：将撤销 {} 个提交", changes.commits.len()),
        ));
    } else if changes.commits.len() > 20 {
        risks.push(warns(
            format!("large: {} commits at once", changes.commits.len()),
            format!("变更较大：一次包含 {} 个提交", changes.commits.len()),
        ));
    }
    if let Some(why) = facts
        .promotion
        .waiver
        .as_ref()
        .filter(|_| facts.promotion.kind == PromotionKind::Promotion)
    {
        risks.push(warns(
            format!("skips an environment: {why}"),
            format!("跳过了前序环境：{why}"),
        ));
    }
    risks
}

fn warns(en: String, zh: String) -> Risk {
    Risk {
        warns: true,
        frozen: false,
        text: Text::new(en, zh),
    }
}

fn calms(en: String, zh: String) -> Risk {
    Risk {
        warns: false,
        ..warns(en, zh)
    }
}

/// What is unusual about now: a freeze window, off-hours, a failure not long ago; and images that nothing runs.
fn unusual(facts: &Facts, gates: &[Gate], history: &[DeploymentRecord], now: Timestamp) -> Vec<Risk> {
    let mut risks = Vec::new();
    let shut = |kind| gates.iter().find(|gate| gate.kind == kind && !gate.open);
    if let Some(freeze) = shut(GateKind::Freeze) {
        risks.push(Risk {
            warns: true,
            frozen: true,
            text: freeze.reason.clone(),
        });
    }
    if let Some(hours) = shut(GateKind::Hours) {
        risks.push(warns(
            format!("off-hours: {}", hours.reason.en),
            format!("非部署时间：{}", hours.reason.zh),
        ));
    }
    let mut others = history.iter().filter(|d| d.promotion != facts.promotion.id);
    // The newest one is told with its reason.
    let newest = others.next();
    let failed = others.find(|d| d.state == DeploymentState::Failed);
    if let (Some(newest), Some(failed)) = (newest, failed)
        && newest.state != DeploymentState::Failed
    {
        let days = now.since(failed.started_at) / DAY;
        if days <= RECENT {
            risks.push(warns(
                format!("a deployment here failed {days} days ago"),
                format!("{days} 天前有一次部署失败"),
            ));
        }
    }
    let unused = facts.release.workload.unused_images(&facts.release.images);
    if !unused.is_empty() {
        let names: Vec<&str> = unused.iter().map(|image| image.repository.as_str()).collect();
        risks.push(warns(
            format!("no container runs {}", names.join(", ")),
            format!("没有容器使用 {}", names.join("、")),
        ));
    }
    risks
}

/// A failure so many days ago is still worth knowing.
const RECENT: i64 = 30;

fn decisions(decisions: &[Decision], evaluation: &Evaluation) -> Vec<DecisionView> {
    decisions
        .iter()
        .map(|decision| DecisionView {
            by: decision.by.clone(),
            rule: decision.rule.clone(),
            verdict: decision.verdict,
            comment: decision.comment.clone(),
            at: decision.at,
            counts: evaluation.counting.contains(&decision.id),
            represents: decision.represents.as_ref().map(|other| other.person.clone()),
        })
        .collect()
}

fn attempt(record: DeploymentRecord) -> DeploymentView {
    DeploymentView {
        id: record.id,
        attempt: record.attempt,
        state: record.state,
        reason: record.reason,
        ready: record.ready,
        desired: record.desired,
        health: record.health,
        started_at: record.started_at,
        finished_at: record.finished_at,
        observed_at: record.observed_at,
        trouble: record.trouble,
    }
}

async fn rights(
    ctx: &OpCtx,
    app: &Authorized<App, may::See>,
    facts: &Facts,
    gates: &[Gate],
    target: Option<&ReleaseRecord>,
) -> Result<PromotionRights> {
    let mut rights = PromotionRights::default();
    let Ok(user) = ctx.user() else { return Ok(rights) };
    let held = access::rights_in(ctx, app).await?;
    let promotion = &facts.promotion;
    let promote = match facts.environment.environment.tier {
        Tier::Development | Tier::Testing => held.has(Action::PromoteTest),
        Tier::Staging | Tier::Production => held.has(Action::PromoteProduction),
    };
    if promotion.state.is_pending() {
        match rule_for(&facts.case(ctx.now()), user.id) {
            Ok(seat) => {
                let named = facts.environment.policy.rules.iter().find(|r| r.id == seat.rule);
                let rule = named.map_or(seat.rule, |r| r.name.get(ctx.locale()).to_owned());
                rights.approve = Some(match seat.represents {
                    Some(other) => format!("{rule} ({})", other.person.name),
                    None => rule,
                });
            }
            Err(refusal) => rights.approve_refused = Some(refusal.text()),
        }
        let named = facts
            .eligible
            .values()
            .any(|people| people.contains_key(&user.id));
        let own = [promotion.requested_by, promotion.requester()].contains(&Some(user.id));
        rights.reject = named || own;
        rights.cancel = own || promote;
        if held.has(Action::BreakGlass) {
            let shut = gates
                .iter()
                .filter(|gate| !gate.open && gate.kind.can_be_broken());
            rights.break_glass = shut.map(|gate| gate.kind).collect();
        }
    }
    rights.hold = promote;
    let may_roll_back = held.has(Action::Rollback);
    if promotion.state == PromotionState::Failed {
        let allowed = if promotion.kind == PromotionKind::Rollback {
            may_roll_back
        } else {
            promote
        };
        rights.retry = allowed && promotion.tries < 3;
    }
    let ended = matches!(
        promotion.state,
        PromotionState::Failed | PromotionState::Succeeded
    );
    if ended && may_roll_back {
        rights.rollback = target.map(|t| ReleaseRef {
            id: t.id,
            version: t.version.clone(),
            sha: t.sha.clone(),
        });
    }
    Ok(rights)
}
