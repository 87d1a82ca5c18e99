//! What people are told of while a promotion waits: approvals that no longer count, and what nobody can satisfy any more.

use super::gate::Facts;
use super::request::title;
use crate::access::{App, Authorized, may};
use crate::change::Change;
use crate::error::Result;
use crate::notice::tell as notice;
use crate::ports::{PromotionRecord, Tx};
use slipway_domain::approval::{Decision, Evaluation, Standing, Verdict};
use slipway_domain::id::UserId;

/// Whom a promotion concerns beside its requester: who decided on it, and whose turn it was.
pub(super) async fn concerned(
    tx: &mut dyn Tx,
    app: &Authorized<App, may::See>,
    promotion: &PromotionRecord,
) -> Result<Vec<UserId>> {
    let decided = tx.decisions(app, promotion.id).await?;
    let asked = promotion.evaluation.iter().flat_map(|then| &then.rules);
    let asked = asked.flat_map(|rule| rule.open_to.iter().map(|person| person.id));
    Ok(decided
        .iter()
        .map(|decision| decision.by.id)
        .chain(asked)
        .collect())
}

/// Tells what is different from the last look.
pub(super) async fn since(
    change: &mut Change<'_>,
    app: &Authorized<App, may::Modify>,
    facts: &Facts,
    now: &Evaluation,
) -> Result<()> {
    let Some(then) = &facts.promotion.evaluation else {
        return Ok(());
    };
    let name = title(&facts.release, &facts.environment);
    let lost: Vec<&Decision> = facts
        .decisions
        .iter()
        .filter(|d| {
            d.verdict == Verdict::Approve && then.counting.contains(&d.id) && !now.counting.contains(&d.id)
        })
        .collect();
    if !lost.is_empty() {
        let mut people = concerned(change.tx(), &app.see(), &facts.promotion).await?;
        people.extend(facts.promotion.told());
        let who: Vec<&str> = lost.iter().map(|d| d.by.name.as_str()).collect();
        notice::approval_lost(change, app, &facts.promotion, &name, &who.join(", "), &people).await?;
    }
    if now.standing == Standing::Unsatisfiable && then.standing != Standing::Unsatisfiable {
        let mut people = change.tx().owners_of(&app.see()).await?;
        people.extend(facts.promotion.told());
        notice::unsatisfiable(change, app, &facts.promotion, &name, now.words.clone(), &people).await?;
    }
    Ok(())
}
