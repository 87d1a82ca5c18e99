//! Breaking glass: in an emergency, whoever has the permission opens gates that are shut. It names them, its reason and its
//! incident, lasts an hour, starts one deployment, takes a second person for production, and is told to every owner at once.

use crate::access::{self, App, Authorized, may};
use crate::change::{Change, Entry};
use crate::context::OpCtx;
use crate::error::{Error, FieldError, Result};
use crate::notice::tell as notice;
use crate::promotion::{Facts, place_of, tell, title, wake};
use slipway_domain::access::Action;
use slipway_domain::audit::Outcome;
use slipway_domain::break_glass::{BreakGlass, GlassState, GlassView, Review};
use slipway_domain::gate::GateKind;
use slipway_domain::id::{BreakGlassId, PromotionId};
use slipway_domain::text::Text;
use slipway_domain::token::Scope;

/// What is said when the glass is broken.
#[derive(Clone, Debug, Default)]
pub struct Input {
    /// Why.
    pub reason: String,
    /// Where the incident is written down: an `https://` or `http://` address.
    pub incident: String,
    /// The gates it opens.
    pub gates: Vec<GateKind>,
}

fn wrong(input: &Input, facts: &Facts, ctx: &OpCtx) -> Vec<FieldError> {
    let mut wrong = Vec::new();
    let mut say = |field: &str, en: &str, zh: &str| {
        wrong.push(FieldError {
            field: field.to_owned(),
            text: Text::new(en, zh),
        });
    };
    if input.reason.trim().is_empty() {
        say("reason", "say why it cannot wait", "请说明为何不能等待");
    }
    let link = input.incident.trim();
    let host = link
        .strip_prefix("https://")
        .or_else(|| link.strip_prefix("http://"));
    if host.is_none_or(|host| host.is_empty() || host.contains(char::is_whitespace)) {
        say(
            "incident",
            "give the link of the incident, as in https://…",
            "请填写事件链接，例如 https://…",
        );
    }
    let evaluation = facts.evaluation(ctx.now());
    let gates = facts.gates(&evaluation, ctx.now());
    let shut = |kind: &GateKind| gates.iter().any(|gate| gate.kind == *kind && !gate.open);
    if input.gates.is_empty() {
        say("gates", "choose the gates to open", "请选择要放行的条件");
    } else if input.gates.iter().any(|kind| !kind.can_be_broken()) {
        say(
            "gates",
            "the lock, the quota, the order and a defective release cannot be broken",
            "锁、配额、顺序及有缺陷的版本不可放行",
        );
    } else if !input.gates.iter().all(shut) {
        say("gates", "choose only gates that are shut", "只能选择未满足的条件");
    }
    wrong
}

/// Breaks the glass for a promotion that waits.
///
/// # Errors
/// [`Error::Forbidden`]; wrong fields; [`Error::Conflict`] where it does not wait; `step_up` where whoever does it has not
/// proved lately that it is them.
pub async fn break_glass(ctx: &OpCtx, id: PromotionId, input: Input) -> Result<BreakGlassId> {
    let app = place_of(ctx, id).await?;
    let allowed = access::also::<may::BreakGlass>(ctx, &app).await;
    ctx.needs_scope(Scope::Deploy)?;
    let mut change = ctx.change().await?;
    let promotion = change.tx().promotion(&app, id).await?.ok_or(Error::NotFound)?;
    let facts = Facts::load(change.tx(), &app, promotion, ctx.now()).await?;
    let modify = match allowed {
        Ok(app) => app.modify(),
        Err(error) => return refused(change, &facts, &app, error).await,
    };
    if !facts.promotion.state.is_pending() {
        return Err(Error::conflict(
            "not_waiting",
            "It does not wait any more, so there is nothing to open.",
            "该晋级已不在等待，无需放行。",
        ));
    }
    crate::session::proved(ctx)?;
    let wrong = wrong(&input, &facts, ctx);
    if !wrong.is_empty() {
        return Err(Error::Invalid(wrong));
    }
    let mut gates = input.gates;
    gates.sort_unstable();
    gates.dedup();
    let glass = BreakGlass {
        id: ctx.id(),
        by: ctx.user()?.clone(),
        reason: input.reason.trim().to_owned(),
        incident: input.incident.trim().to_owned(),
        gates,
        at: ctx.now(),
        second: None,
        used_at: None,
        review: None,
    };
    change.tx().insert_glass(&modify, id, &glass).await?;
    let second = BreakGlass::needs_second(facts.environment.environment.tier);
    let (name, reason, incident) = (&glass.by.name, &glass.reason, &glass.incident);
    let words = if second {
        Text::new(
            format!("{name} broke the glass: {reason} ({incident}). A second person must agree"),
            format!("{name} 发起紧急放行：{reason}（{incident}），需另一人确认"),
        )
    } else {
        Text::new(
            format!("{name} broke the glass: {reason} ({incident})"),
            format!("{name} 已紧急放行：{reason}（{incident}）"),
        )
    };
    noted(
        &mut change,
        &modify,
        &facts,
        &glass,
        "promotion.break_glass",
        words,
    )
    .await?;
    change.commit().await?;
    Ok(glass.id)
}

/// The second person agrees.
///
/// # Errors
/// [`Error::Forbidden`]; [`Error::Barred`] `same_person`; [`Error::Conflict`] where it takes none, or is over.
pub async fn second(ctx: &OpCtx, id: BreakGlassId) -> Result<()> {
    let (app, mut change, facts, was) = open(ctx, id).await?;
    let modify = access::also::<may::BreakGlass>(ctx, &app).await?.modify();
    crate::session::proved(ctx)?;
    if let Some(text) = was.not_second(ctx.user()?.id) {
        return Err(Error::Barred {
            code: "same_person",
            text,
        });
    }
    if was.state(facts.environment.environment.tier, ctx.now()) != GlassState::NeedsSecond {
        return Err(Error::conflict(
            "no_second_needed",
            "It asks for no second person any more: it is open, used or over.",
            "该紧急放行无需再确认：已放行、已使用或已失效。",
        ));
    }
    let glass = BreakGlass {
        second: Some((ctx.user()?.clone(), ctx.now())),
        ..was.clone()
    };
    change.tx().update_glass(&modify, &was, &glass).await?;
    let name = &ctx.user()?.name;
    let words = Text::new(
        format!("{name} agreed to breaking the glass: {}", glass.reason),
        format!("{name} 已确认紧急放行：{}", glass.reason),
    );
    noted(
        &mut change,
        &modify,
        &facts,
        &glass,
        "promotion.second_glass",
        words,
    )
    .await?;
    change.commit().await
}

/// Somebody else looks at it afterwards, and says what they found.
///
/// # Errors
/// [`Error::Forbidden`]; [`Error::Barred`] `same_person`; a missing text; [`Error::Conflict`] where it was reviewed, or can
/// still be used.
pub async fn review(ctx: &OpCtx, id: BreakGlassId, words: &str) -> Result<()> {
    let (app, mut change, facts, was) = open(ctx, id).await?;
    let modify = access::also::<may::BreakGlass>(ctx, &app).await?.modify();
    let words = words.trim();
    if words.is_empty() {
        return Err(Error::field(
            "words",
            Text::new("say what you found", "请填写复核结论"),
        ));
    }
    if was.by.id == ctx.user()?.id {
        return Err(Error::Barred {
            code: "same_person",
            text: Text::new(
                "You broke the glass, so somebody else must look at it.",
                "你是发起人，须由其他人复核。",
            ),
        });
    }
    let state = was.state(facts.environment.environment.tier, ctx.now());
    if was.review.is_some() || !matches!(state, GlassState::Used | GlassState::Over) {
        return Err(Error::conflict(
            "not_to_review",
            "It was reviewed already, or can still be used.",
            "已复核，或仍可使用。",
        ));
    }
    let glass = BreakGlass {
        review: Some(Review {
            by: ctx.user()?.clone(),
            at: ctx.now(),
            words: words.to_owned(),
        }),
        ..was.clone()
    };
    change.tx().update_glass(&modify, &was, &glass).await?;
    let name = &ctx.user()?.name;
    let said = Text::new(
        format!("{name} reviewed the broken glass: {words}"),
        format!("{name} 已复核紧急放行：{words}"),
    );
    noted(
        &mut change,
        &modify,
        &facts,
        &glass,
        "promotion.review_glass",
        said,
    )
    .await?;
    change.commit().await
}

async fn open(
    ctx: &OpCtx,
    id: BreakGlassId,
) -> Result<(Authorized<App, may::See>, Change<'_>, Facts, BreakGlass)> {
    let promotion = ctx
        .read()
        .await?
        .promotion_of_glass(id)
        .await?
        .ok_or(Error::NotFound)?;
    let app = place_of(ctx, promotion).await?;
    ctx.needs_scope(Scope::Deploy)?;
    let mut change = ctx.change().await?;
    let promotion = change
        .tx()
        .promotion(&app, promotion)
        .await?
        .ok_or(Error::NotFound)?;
    let facts = Facts::load(change.tx(), &app, promotion, ctx.now()).await?;
    let glass = facts
        .glasses
        .iter()
        .find(|glass| glass.id == id)
        .cloned()
        .ok_or(Error::NotFound)?;
    Ok((app, change, facts, glass))
}

/// Written in the log, told to every owner, and the promotion looked at again.
async fn noted(
    change: &mut Change<'_>,
    app: &Authorized<App, may::Modify>,
    facts: &Facts,
    glass: &BreakGlass,
    action: &'static str,
    words: Text,
) -> Result<()> {
    let place = app.place();
    let name = title(&facts.release, &facts.environment);
    let summary = serde_json::json!({
        "glass": glass.id, "reason": glass.reason, "incident": glass.incident, "by": glass.by.username,
        "gates": glass.gates.iter().map(|gate| gate.key()).collect::<Vec<_>>(),
        "second": glass.second.as_ref().map(|(who, _)| &who.username),
        "review": glass.review.as_ref().map(|review| &review.words),
    });
    let id = facts.promotion.id;
    change
        .audit(Entry::done(
            action,
            "promotion",
            id,
            name.clone(),
            &place,
            summary,
        ))
        .await?;
    notice::glass_broken(change, app, &facts.promotion, &name, words).await?;
    let now = change.ctx().now();
    if facts.promotion.state.is_pending() {
        wake(change, &app.see(), id, now).await?;
    }
    tell(change, app, facts.promotion.environment, id).await
}

/// A refused attempt is written down, too.
async fn refused<T>(
    mut change: Change<'_>,
    facts: &Facts,
    app: &Authorized<App, may::See>,
    error: Error,
) -> Result<T> {
    if matches!(error, Error::Forbidden(_)) {
        let place = app.place();
        let name = title(&facts.release, &facts.environment);
        let summary = serde_json::json!({ "code": error.code() });
        let entry = Entry::done(
            "promotion.break_glass",
            "promotion",
            facts.promotion.id,
            name,
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
    }
    Err(error)
}

/// The breakings of glass for a promotion, newest first, as its page shows them.
pub(crate) async fn shown(
    ctx: &OpCtx,
    app: &Authorized<App, may::See>,
    facts: &Facts,
) -> Result<Vec<GlassView>> {
    let may_break = access::rights_in(ctx, app).await?.has(Action::BreakGlass);
    let user = ctx.user().ok().map(|user| user.id);
    let tier = facts.environment.environment.tier;
    let view = |glass: &BreakGlass| {
        let state = glass.state(tier, ctx.now());
        let other = may_break && user.is_some_and(|user| user != glass.by.id);
        GlassView {
            state,
            may_second: other && state == GlassState::NeedsSecond && facts.promotion.state.is_pending(),
            may_review: other
                && glass.review.is_none()
                && matches!(state, GlassState::Used | GlassState::Over),
            glass: glass.clone(),
        }
    };
    Ok(facts.glasses.iter().rev().map(view).collect())
}
