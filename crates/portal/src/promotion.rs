//! Promotions: asking for a release to be put into an environment, deciding on it, and bringing it there.
//!
//! A promotion is driven by one outbox job ([`drive`]) that does whatever its state asks for: look at the
//! gates, start, apply, watch. Everything else only changes the promotion and wakes that job.

mod decide;
mod deploy;
pub(crate) mod drive;
mod gate;
mod list;
mod news;
mod outcome;
mod request;
mod rollback;
mod view;

pub use decide::{cancel, decide};
pub(crate) use gate::{Facts, rendered, settling};
pub use list::{PAGE_ROWS, choices, for_app, inbox, list, mine, next, open_in, running_in, waiting_for_me};
pub use request::{Ask, on_defective, on_release, request, request_named, retry};
pub(crate) use request::{behind, insert, new_promotion, title};
pub use rollback::{roll_back, roll_back_in};
pub use view::view;

use crate::access::{self, App, Authorized, may};
use crate::change::Change;
use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::jobs::Job;
use crate::ports::{PromotionRecord, Tx};
use slipway_domain::environment::Tier;
use slipway_domain::id::{EnvironmentId, OrgId, PromotionId};
use slipway_domain::project::Place;
use slipway_domain::promotion::{NoTransition, PromotionEvent};
use slipway_domain::release::Commit;
use slipway_domain::time::Timestamp;

/// The outbox key of a promotion's job: one waits at a time.
pub(crate) fn job_key(promotion: PromotionId) -> String {
    format!("promotion:{promotion}")
}

/// The app of the promotion, if the actor may see it.
pub(crate) async fn place_of(ctx: &OpCtx, id: PromotionId) -> Result<Authorized<App, may::See>> {
    ctx.rights().await?;
    let app = ctx
        .read()
        .await?
        .app_of_promotion(id)
        .await?
        .ok_or(Error::NotFound)?;
    Ok(access::app_by_id::<may::SeeReleases>(ctx, app).await?.see())
}

/// The proof that the actor may promote to an environment of that tier.
pub(crate) async fn may_promote(
    ctx: &OpCtx,
    app: &Authorized<App, may::See>,
    tier: Tier,
) -> Result<Authorized<App, may::Modify>> {
    Ok(match tier {
        Tier::Development | Tier::Testing => access::also::<may::PromoteTest>(ctx, app).await?.modify(),
        Tier::Staging | Tier::Production => access::also::<may::PromoteProduction>(ctx, app).await?.modify(),
    })
}

/// Moves the promotion on.
fn advance(
    promotion: &mut PromotionRecord,
    event: PromotionEvent,
    now: Timestamp,
) -> Result<(), NoTransition> {
    promotion.state = promotion.state.on(event)?;
    promotion.ended_at = promotion.state.is_final().then_some(now);
    Ok(())
}

/// Has the promotion's job run soon.
pub(crate) async fn wake(
    change: &mut Change<'_>,
    app: &Authorized<App, may::See>,
    id: PromotionId,
    at: Timestamp,
) -> Result<()> {
    change
        .enqueue(
            &Job::Promotion {
                app: app.id(),
                promotion: id,
            },
            at,
            Some(&job_key(id)),
        )
        .await
}

/// Has every promotion of the app that waits looked at again: a lock is free, or an environment before has it.
pub(crate) async fn wake_pending(
    change: &mut Change<'_>,
    app: &Authorized<App, may::See>,
    at: Timestamp,
) -> Result<()> {
    for pending in change.tx().pending_promotions(app, None).await? {
        wake(change, app, pending.id, at).await?;
    }
    Ok(())
}

/// Nobody is asked any more; those who were hear of it.
async fn end_turns(change: &mut Change<'_>, org: OrgId, id: PromotionId) -> Result<()> {
    for user in change.tx().set_turns(id, &[]).await? {
        change.touch_person("person", user, org);
    }
    Ok(())
}

/// Tells everyone who sees the promotion, and points the lane at what it should show.
pub(crate) async fn tell(
    change: &mut Change<'_>,
    app: &Authorized<App, may::Modify>,
    environment: EnvironmentId,
    id: PromotionId,
) -> Result<()> {
    change.tx().refresh_open(app, environment).await?;
    let place: Place = app.place();
    change.touch("promotion", id, &place);
    change.touch("app", app.id(), &place);
    change.touch("project", app.project_id(), &place);
    Ok(())
}

/// The commits of the app's releases made after one instant up to another, newest first, each once.
pub(crate) async fn commits_between(
    tx: &mut dyn Tx,
    app: &Authorized<App, may::See>,
    after: Option<Timestamp>,
    until: Timestamp,
) -> Result<Vec<Commit>> {
    const MOST: i64 = 100;
    let mut commits: Vec<Commit> = Vec::new();
    for release in tx.releases(app, Some(until.plus(1)), MOST).await? {
        if after.is_some_and(|after| release.created_at <= after) {
            break;
        }
        for commit in release.commits {
            if !commits.iter().any(|c| c.sha == commit.sha) {
                commits.push(commit);
            }
        }
        // Without anything to compare with, the release's own commits are the change.
        if after.is_none() {
            break;
        }
    }
    Ok(commits)
}
