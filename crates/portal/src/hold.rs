//! Holds: somebody pauses what goes to a stop. Approvals stay, and do not grow old meanwhile.

use crate::access::{self, App, Authorized, may};
use crate::change::{Change, Entry};
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::ports::{EnvironmentRecord, PromotionRecord, StoreError};
use crate::promotion::{Facts, may_promote, wake_pending};
use slipway_domain::access::Role;
use slipway_domain::environment::EnvironmentRef;
use slipway_domain::hold::{Held, Hold, HoldView};
use slipway_domain::id::HoldId;
use slipway_domain::person::PersonRef;
use slipway_domain::project::Place;
use slipway_domain::text::Text;

/// Pauses what goes to an environment of an app, until its owner or a project owner lifts it.
///
/// # Errors
/// [`Error::Forbidden`] for whoever may not promote there; [`Error::NotFound`]; a missing reason; [`Error::Conflict`]
/// `on_hold`.
pub async fn put(
    ctx: &OpCtx,
    org: &str,
    project: &str,
    app: &str,
    environment: &str,
    what: Held,
    reason: &str,
) -> Result<HoldId> {
    let app = access::app::<may::SeeReleases>(ctx, org, project, app)
        .await?
        .see();
    let mut change = ctx.change().await?;
    let chain = change.tx().environments(&access::project_of(&app)).await?;
    let environment = chain
        .into_iter()
        .find(|e| e.environment.key == environment)
        .ok_or(Error::NotFound)?;
    let modify = may_promote(ctx, &app, environment.environment.tier).await?;
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(Error::field(
            "reason",
            Text::new(
                "say why, so that others know when it can go on",
                "请说明原因，便于他人判断何时恢复",
            ),
        ));
    }
    let hold = Hold {
        id: ctx.id(),
        held: what,
        owner: ctx.user()?.clone(),
        reason: reason.to_owned(),
        at: ctx.now(),
    };
    change
        .tx()
        .insert_hold(&modify, environment.environment.id, &hold)
        .await
        .map_err(|error| match error {
            StoreError::Constraint(_) => {
                Error::conflict("on_hold", "It is on hold already.", "该环境已处于暂停状态。")
            }
            other => other.into(),
        })?;
    written(
        &mut change,
        "hold.put",
        &app.place(),
        &environment.environment,
        &hold,
    )
    .await?;
    wake_pending(&mut change, &app, ctx.now()).await?;
    told(&mut change, &app);
    change.commit().await?;
    Ok(hold.id)
}

/// Lifts a hold: its owner, or an owner of the project (or of the organization).
///
/// # Errors
/// [`Error::NotFound`] where it is not on; [`Error::Barred`] `not_your_hold`.
pub async fn lift(ctx: &OpCtx, org: &str, project: &str, app: &str, id: HoldId) -> Result<()> {
    let app = access::app::<may::SeeReleases>(ctx, org, project, app)
        .await?
        .see();
    let user = ctx.user()?.id;
    let mut change = ctx.change().await?;
    let all = change.tx().holds(&app).await?;
    let (at, hold) = all
        .into_iter()
        .find(|(_, hold)| hold.id == id)
        .ok_or(Error::NotFound)?;
    if !hold.may_lift(user, owns(&mut change, &app, user).await?) {
        return Err(Error::Barred {
            code: "not_your_hold",
            text: Text::new(
                format!(
                    "Only {} or an owner of the project lifts this hold.",
                    hold.owner.name
                ),
                format!("只有 {} 或项目所有者可以解除。", hold.owner.name),
            ),
        });
    }
    let modify = access::by_approval_rule(&app)?;
    change
        .tx()
        .lift_hold(&modify, id, user, ctx.now())
        .await
        .map_err(|error| match error {
            StoreError::Gone => Error::NotFound,
            other => other.into(),
        })?;
    let environment = change.tx().environment(&access::project_of(&app), at).await?;
    let environment = environment.ok_or(Error::NotFound)?.0.environment;
    written(&mut change, "hold.lift", &app.place(), &environment, &hold).await?;
    wake_pending(&mut change, &app, ctx.now()).await?;
    told(&mut change, &app);
    change.commit().await
}

async fn owns(
    change: &mut Change<'_>,
    app: &Authorized<App, may::See>,
    user: slipway_domain::id::UserId,
) -> Result<bool> {
    for role in [Role::ProjectOwner, Role::OrgOwner] {
        let holders = change
            .tx()
            .holders(app.org_id(), app.project_id(), role.key())
            .await?;
        if holders.contains_key(&user) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A rollback pauses what branch rules send there: the next green pipeline must not undo it. The hold is `owner`'s. Called
/// inside the change that asks for it.
pub(crate) async fn after_rollback(
    change: &mut Change<'_>,
    app: &Authorized<App, may::Modify>,
    environment: &EnvironmentRecord,
    version: &str,
    promotion: &PromotionRecord,
    owner: Option<PersonRef>,
) -> Result<()> {
    let at = environment.environment.id;
    let all = change.tx().holds(&app.see()).await?;
    let paused = all
        .iter()
        .any(|(where_to, hold)| *where_to == at && hold.held == Held::Automatic);
    let Some(owner) = owner else {
        return Ok(());
    };
    if paused || environment.branches.is_empty() {
        return Ok(());
    }
    let why = promotion.waiver.clone().unwrap_or_default();
    let hold = Hold {
        id: change.ctx().id(),
        held: Held::Automatic,
        owner,
        reason: if why.is_empty() {
            format!("↩ {version}")
        } else {
            format!("↩ {version}: {why}")
        },
        at: change.ctx().now(),
    };
    change.tx().insert_hold(app, at, &hold).await?;
    written(change, "hold.put", &app.place(), &environment.environment, &hold).await
}

async fn written(
    change: &mut Change<'_>,
    action: &'static str,
    place: &Place,
    environment: &EnvironmentRef,
    hold: &Hold,
) -> Result<()> {
    let summary = serde_json::json!({
        "environment": environment.key, "held": hold.held.key(), "reason": hold.reason,
        "owner": hold.owner.username,
    });
    change
        .audit(Entry::done(
            action,
            "hold",
            hold.id,
            environment.name.clone(),
            place,
            summary,
        ))
        .await
}

fn told(change: &mut Change<'_>, app: &Authorized<App, may::See>) {
    let place = app.place();
    change.touch("app", app.id(), &place);
    change.touch("project", app.project_id(), &place);
}

/// The holds on the stop of a promotion, as its page shows them.
pub(crate) async fn shown(
    ctx: &OpCtx,
    app: &Authorized<App, may::See>,
    facts: &Facts,
) -> Result<Vec<HoldView>> {
    let environment = &facts.environment.environment;
    let holds = facts
        .holds
        .iter()
        .map(|hold| (environment.clone(), hold.clone()))
        .collect();
    views(ctx, app, holds).await
}

async fn views(
    ctx: &OpCtx,
    app: &Authorized<App, may::See>,
    holds: Vec<(EnvironmentRef, Hold)>,
) -> Result<Vec<HoldView>> {
    if holds.is_empty() {
        return Ok(Vec::new());
    }
    let user = ctx.user().ok().map(|user| user.id);
    let mut owners = Vec::new();
    for role in [Role::ProjectOwner, Role::OrgOwner] {
        owners.extend(
            ctx.read()
                .await?
                .holders(app.org_id(), app.project_id(), role.key())
                .await?
                .into_keys(),
        );
    }
    let view = |(environment, hold): (EnvironmentRef, Hold)| HoldView {
        may_lift: user.is_some_and(|user| hold.may_lift(user, owners.contains(&user))),
        environment,
        hold,
    };
    Ok(holds.into_iter().map(view).collect())
}

/// The holds on an app's stops, oldest first.
///
/// # Errors
/// As [`access::app`].
pub async fn list(ctx: &OpCtx, org: &str, project: &str, app: &str) -> Result<(Place, Vec<HoldView>)> {
    let app = access::app::<may::SeeReleases>(ctx, org, project, app)
        .await?
        .see();
    let mut tx = ctx.read().await?;
    let chain = tx.environments(&access::project_of(&app)).await?;
    let all = tx.holds(&app).await?;
    drop(tx);
    let named = |(at, hold)| {
        let found = chain.iter().find(|e| e.environment.id == at)?;
        Some((found.environment.clone(), hold))
    };
    let holds = all.into_iter().filter_map(named).collect();
    Ok((app.place(), views(ctx, &app, holds).await?))
}
