//! Deciding: approve, reject, withdraw.

use super::gate::Facts;
use super::request::title;
use super::{advance, end_turns, may_promote, place_of, tell, wake};
use crate::access::{self, App, Authorized, may};
use crate::change::{Change, Entry};
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::fault;
use crate::notice::tell::{self as notice, Decided};
use crate::ports::Tx;
use slipway_domain::approval::{CannotApprove, Decision, Eligible, Represented, Verdict, rule_for};
use slipway_domain::audit::Outcome;
use slipway_domain::id::{PromotionId, UserId};
use slipway_domain::promotion::{PromotionEvent, PromotionState};
use slipway_domain::role::custom_key;
use slipway_domain::subscriber::EventKind;
use slipway_domain::text::Text;
use slipway_domain::token::Scope;

/// How often a decision is tried again when something else changed the promotion at the same moment.
const TRIES: usize = 5;

/// Approves or rejects what `subject` names. Open to those whom the environment's rules name, whatever roles they
/// hold; the requester may only reject.
///
/// # Errors
/// [`Error::Barred`] (`requester`, `author`, `not_named`) and [`Error::Refused`] (`not_your_turn`, `enough`), recorded
/// in the audit log; [`Error::Refused`] `step_up` where the rules ask for it;
/// [`Error::Conflict`] where it has ended or started (`promotion_<state>`), or where what is asked for changed
/// since the page was made (`stale_subject`).
pub async fn decide(
    ctx: &OpCtx,
    id: PromotionId,
    subject: &str,
    verdict: Verdict,
    comment: &str,
) -> Result<()> {
    let app = place_of(ctx, id).await?;
    let person = ctx.user()?.clone();
    ctx.needs_scope(Scope::Approve)?;
    let comment = comment.trim();
    if verdict == Verdict::Reject && comment.is_empty() {
        return Err(Error::field(
            "comment",
            Text::new(
                "say why, so that the requester can act on it",
                "请说明原因，便于申请人处理",
            ),
        ));
    }
    for _ in 0..TRIES {
        match try_decide(ctx, &app, id, subject, verdict, comment, &person).await {
            // Something else changed it: look again, and say what it is now.
            Err(Error::Conflict {
                code: "changed_meanwhile",
                ..
            }) => {}
            other => return other,
        }
    }
    Err(Error::conflict(
        "changed_meanwhile",
        "This promotion is changing right now. Try again.",
        "该晋级正在变化，请重试。",
    ))
}

async fn try_decide(
    ctx: &OpCtx,
    app: &Authorized<App, may::See>,
    id: PromotionId,
    subject: &str,
    verdict: Verdict,
    comment: &str,
    person: &slipway_domain::person::PersonRef,
) -> Result<()> {
    let mut change = ctx.change().await?;
    let now = ctx.now();
    let promotion = change.tx().promotion(app, id).await?.ok_or(Error::NotFound)?;
    let mut facts = Facts::load(change.tx(), app, promotion, now).await?;
    if !facts.promotion.state.is_pending() {
        let mine = facts.decisions.iter().rfind(|d| d.by.id == person.id);
        if mine.is_some_and(|d| d.verdict == verdict && d.subject == subject) {
            return Ok(());
        }
        return Err(ended(facts.promotion.state));
    }
    let rule = match verdict {
        Verdict::Approve => {
            rule_for(&facts.case(now), person.id).map(|seat| (Some(seat.rule), seat.represents))
        }
        Verdict::Reject => may_reject(&facts, person.id).map(|rule| (rule, None)),
    };
    // Whoever is not asked at all need not know that what they saw has changed.
    if !matches!(rule, Err(CannotApprove::NotNamed))
        && let Some(changed) = stale(&facts, subject)
    {
        return Err(changed);
    }
    let (rule, represents) = match rule {
        Ok(seat) => seat,
        // The same click twice.
        Err(CannotApprove::Already) => return Ok(()),
        Err(refusal) => return Err(refused(change, &facts, app, &refusal).await?),
    };
    let modify = access::by_approval_rule(app)?;
    if verdict == Verdict::Approve && facts.environment.policy.step_up {
        crate::session::proved(ctx)?;
    }
    let decision = Decision {
        id: ctx.id(),
        by: person.clone(),
        verdict,
        comment: comment.to_owned(),
        subject: subject.to_owned(),
        at: now,
        named_as: named_as(
            change.tx(),
            app,
            &facts,
            rule.as_deref(),
            represents.as_ref(),
            person.id,
        )
        .await?,
        represents,
        rule,
    };
    change.tx().insert_decision(&modify, id, &decision).await?;
    if verdict == Verdict::Reject {
        advance(&mut facts.promotion, PromotionEvent::Reject, now).map_err(Error::internal)?;
        facts.promotion.reason = Some(Text::new(
            format!("{} rejected it: {comment}", person.name),
            format!("{} 已拒绝：{comment}", person.name),
        ));
        facts.decisions.push(decision.clone());
        facts.promotion.evaluation = Some(facts.evaluation(now));
        end_turns(&mut change, app.org_id(), id).await?;
    }
    // The version guards: whatever else is deciding or starting right now sees that this came first.
    change.tx().update_promotion(&modify, &facts.promotion).await?;
    say(&mut change, app, &facts, &decision).await?;
    wake(&mut change, app, id, now).await?;
    tell(&mut change, &modify, facts.promotion.environment, id).await?;
    if let Some(requester) = facts.promotion.requested_by {
        change.touch_person("person", requester, app.org_id());
    }
    change.touch_person("person", person.id, app.org_id());
    change.commit().await?;
    fault::point("promotion.decided");
    Ok(())
}

/// Writes a decision into the log, and tells whom it concerns.
async fn say(
    change: &mut Change<'_>,
    app: &Authorized<App, may::See>,
    facts: &Facts,
    decision: &Decision,
) -> Result<()> {
    let place = app.place();
    let (action, name) = (key(decision.verdict), title(&facts.release, &facts.environment));
    let summary = serde_json::json!({
        "rule": decision.rule, "comment": decision.comment, "subject": decision.subject, "named_as": decision.named_as,
        "in_place_of": decision.represents.as_ref().map(|other| &other.person.username),
        "delegation": decision.represents.as_ref().map(|other| other.delegation),
    });
    change
        .audit(Entry::done(
            action,
            "promotion",
            facts.promotion.id,
            name.clone(),
            &place,
            summary,
        ))
        .await?;
    let how = match decision.verdict {
        Verdict::Approve => Decided::Approved,
        Verdict::Reject => Decided::Rejected(&decision.comment),
    };
    notice::promotion_decided(change, app, &facts.promotion, &name, how).await?;
    facts
        .announce(
            change,
            EventKind::PromotionDecided,
            &place,
            Some(decision.verdict.key()),
        )
        .await
}

const fn key(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Approve => "promotion.approve",
        Verdict::Reject => "promotion.reject",
    }
}

/// Why the rule names whoever decides, or whom they stand for: written down with the decision.
async fn named_as(
    tx: &mut dyn Tx,
    app: &Authorized<App, may::See>,
    facts: &Facts,
    rule: Option<&str>,
    represents: Option<&Represented>,
    by: UserId,
) -> Result<Option<String>> {
    let seat = represents.map_or(by, |other| other.person.id);
    let policy = &facts.environment.policy;
    let Some(rule) = policy.rules.iter().find(|r| Some(r.id.as_str()) == rule) else {
        return Ok(None);
    };
    for named in &rule.eligible {
        let (held, key) = match named {
            Eligible::User(user) => (*user == seat, String::from("user")),
            Eligible::Role(one) => (holds(tx, app, one.key(), seat).await?, one.key().to_owned()),
            Eligible::Custom(id) => {
                let key = custom_key(*id);
                (holds(tx, app, &key, seat).await?, key)
            }
            Eligible::Group(group) => (
                tx.people_of_group(app.org_id(), *group)
                    .await?
                    .iter()
                    .any(|p| p.id == seat),
                format!("group:{group}"),
            ),
        };
        if held {
            return Ok(Some(key));
        }
    }
    Ok(None)
}

async fn holds(tx: &mut dyn Tx, app: &Authorized<App, may::See>, role: &str, user: UserId) -> Result<bool> {
    let holders = tx.holders(app.org_id(), app.project_id(), role).await?;
    Ok(holders.contains_key(&user))
}

/// Whom a rule names may reject, out of turn too; so may the requester.
fn may_reject(facts: &Facts, user: UserId) -> std::result::Result<Option<String>, CannotApprove> {
    let named = facts.environment.policy.rules.iter().find(|rule| {
        facts
            .eligible
            .get(&rule.id)
            .is_some_and(|people| people.contains_key(&user))
    });
    match named {
        Some(rule) => Ok(Some(rule.id.clone())),
        None if facts.promotion.requester() == Some(user) => Ok(None),
        None => Err(CannotApprove::NotNamed),
    }
}

/// Writes the refused attempt down.
async fn refused(
    mut change: Change<'_>,
    facts: &Facts,
    app: &Authorized<App, may::See>,
    refusal: &CannotApprove,
) -> Result<Error> {
    let code = match refusal {
        CannotApprove::Requester => "requester",
        CannotApprove::Author => "author",
        CannotApprove::NotNamed => "not_named",
        CannotApprove::NotYet(_) => "not_your_turn",
        CannotApprove::Already => "already",
        CannotApprove::Represented(_) => "represented",
        CannotApprove::Enough => "enough",
    };
    let place = app.place();
    let title = title(&facts.release, &facts.environment);
    let summary = serde_json::json!({ "code": code });
    let entry = Entry::done(
        "promotion.approve",
        "promotion",
        facts.promotion.id,
        title,
        &place,
        summary,
    );
    change
        .audit(Entry {
            outcome: Outcome::Refused,
            ..entry
        })
        .await?;
    change.commit().await?;
    let text = refusal.text();
    Ok(match refusal {
        CannotApprove::Requester | CannotApprove::Author | CannotApprove::NotNamed => {
            Error::Barred { code, text }
        }
        CannotApprove::NotYet(_)
        | CannotApprove::Already
        | CannotApprove::Represented(_)
        | CannotApprove::Enough => Error::Refused { code, text },
    })
}

/// What to say to someone who decides on what has ended or started.
fn ended(state: PromotionState) -> Error {
    use PromotionState as S;
    let (code, en, zh) = match state {
        S::Rejected => ("promotion_rejected", "It was rejected already.", "已被拒绝。"),
        S::Expired => (
            "promotion_expired",
            "It has expired: nobody decided in time.",
            "已过期：无人及时审批。",
        ),
        S::Superseded => (
            "promotion_superseded",
            "A newer promotion took its place.",
            "已被更新的晋级取代。",
        ),
        S::Cancelled => ("promotion_cancelled", "It was withdrawn already.", "已被撤回。"),
        S::Succeeded => (
            "promotion_succeeded",
            "It has been deployed already.",
            "已部署完成。",
        ),
        S::Failed => (
            "promotion_failed",
            "Its deployment has failed already.",
            "部署已失败。",
        ),
        _ => (
            "promotion_started",
            "Its deployment has started already.",
            "部署已开始。",
        ),
    };
    Error::conflict(code, en, zh)
}

/// Why a decision on `subject` is not a decision on what is asked for now.
fn stale(facts: &Facts, subject: &str) -> Option<Error> {
    let now = &facts.subject;
    if now.subject == subject {
        return None;
    }
    let seen = facts.promotion.subjects.iter().find(|s| s.subject == subject);
    let (en, zh) = match seen {
        Some(seen) if seen.rules_version != now.rules_version && seen.manifests != now.manifests => (
            "the approval rules and the manifests changed",
            "审批规则和清单已变更",
        ),
        Some(seen) if seen.rules_version != now.rules_version => {
            ("the approval rules changed", "审批规则已变更")
        }
        Some(_) => ("the manifests changed", "清单已变更"),
        None => ("the page was about something else", "页面内容已失效"),
    };
    Some(Error::conflict(
        "stale_subject",
        format!("Since you opened this page, {en}. Nothing was recorded. Look again, then decide."),
        format!("打开页面后，{zh}。未记录任何决定，请查看后重新决定。"),
    ))
}

/// Withdraws a promotion that has not started: its requester, or whoever may promote there.
///
/// # Errors
/// [`Error::Forbidden`]; [`Error::Conflict`] where it has ended or started.
pub async fn cancel(ctx: &OpCtx, id: PromotionId) -> Result<()> {
    let app = place_of(ctx, id).await?;
    ctx.needs_scope(Scope::Deploy)?;
    let mut change = ctx.change().await?;
    let now = ctx.now();
    let promotion = change.tx().promotion(&app, id).await?.ok_or(Error::NotFound)?;
    let mut facts = Facts::load(change.tx(), &app, promotion, now).await?;
    let own = ctx.user().is_ok_and(|user| {
        [facts.promotion.requested_by, facts.promotion.requester()].contains(&Some(user.id))
    });
    let modify = if own {
        access::by_approval_rule(&app)?
    } else {
        may_promote(ctx, &app, facts.environment.environment.tier).await?
    };
    if facts.promotion.state == PromotionState::Cancelled {
        return Ok(());
    }
    if !facts.promotion.state.is_pending() {
        return Err(ended(facts.promotion.state));
    }
    advance(&mut facts.promotion, PromotionEvent::Cancel, now).map_err(Error::internal)?;
    let who = ctx
        .user()
        .map_or_else(|_| String::from("Slipway"), |user| user.name.clone());
    facts.promotion.reason = Some(Text::new(format!("{who} withdrew it"), format!("{who} 已撤回")));
    change.tx().update_promotion(&modify, &facts.promotion).await?;
    end_turns(&mut change, app.org_id(), id).await?;
    let place = app.place();
    let title = title(&facts.release, &facts.environment);
    change
        .audit(Entry::done(
            "promotion.cancel",
            "promotion",
            id,
            title.clone(),
            &place,
            serde_json::json!({}),
        ))
        .await?;
    notice::promotion_decided(&mut change, &app, &facts.promotion, &title, Decided::Withdrawn).await?;
    facts
        .announce(&mut change, EventKind::PromotionEnded, &place, None)
        .await?;
    tell(&mut change, &modify, facts.promotion.environment, id).await?;
    change.commit().await
}
