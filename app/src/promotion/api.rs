//! Server functions about promotions and approvals.

use crate::AppError;
use leptos::prelude::*;
use server_fn::codec::GetUrl;
use slipway_domain::approval::Verdict;
use slipway_domain::hold::Held;
use slipway_domain::id::{BreakGlassId, EnvironmentId, HoldId, PromotionId, ReleaseId};
use slipway_domain::promotion::Inbox;
use slipway_domain::promotion::PromotionView;

/// What waits for the reader's decision, and what they decided last.
#[server(name = ReadInbox, prefix = "/api/fn", endpoint = "promotion/inbox", input = GetUrl)]
pub async fn read_inbox() -> Result<Inbox, AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::promotion::inbox(&ctx).await?)
}

/// A promotion, for its page and for its approval's page. An id that is none reads as not found.
#[server(name = ReadPromotion, prefix = "/api/fn", endpoint = "promotion/view", input = GetUrl)]
pub async fn read_promotion(id: String) -> Result<PromotionView, AppError> {
    let ctx = crate::ctx()?;
    let id = id.parse().map_err(|_| slipway_portal::Error::NotFound)?;
    Ok(slipway_portal::promotion::view(&ctx, id).await?)
}

/// Approves or rejects what `subject` names.
#[server(name = Decide, prefix = "/api/fn", endpoint = "promotion/decide")]
pub async fn decide(
    id: PromotionId,
    subject: String,
    decision: Verdict,
    comment: String,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::promotion::decide(&ctx, id, &subject, decision, &comment).await?)
}

/// Asks for a release to be put into an environment, and leads to the promotion's page. `waiver` says why environments before
/// it are skipped.
#[server(name = RequestPromotion, prefix = "/api/fn", endpoint = "promotion/request")]
pub async fn request_promotion(
    org: String,
    project: String,
    app: String,
    release: ReleaseId,
    environment: EnvironmentId,
    waiver: Option<String>,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let ask = slipway_portal::promotion::Ask {
        waiver,
        ..slipway_portal::promotion::Ask::default()
    };
    let id =
        slipway_portal::promotion::request(&ctx, &org, &project, &app, release, environment, ask).await?;
    leptos_axum::redirect(&format!(
        "{}/promotions/{id}",
        crate::places::app(&org, &project, &app)
    ));
    Ok(())
}

/// Withdraws a promotion that has not started.
#[server(name = CancelPromotion, prefix = "/api/fn", endpoint = "promotion/cancel")]
pub async fn cancel_promotion(id: PromotionId) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::promotion::cancel(&ctx, id).await?)
}

/// Tries a failed promotion again.
#[server(name = RetryPromotion, prefix = "/api/fn", endpoint = "promotion/retry")]
pub async fn retry_promotion(id: PromotionId) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::promotion::retry(&ctx, id).await?)
}

/// Puts the environment of a promotion back to a release that was verified there, and leads to the new
/// promotion's page.
#[server(name = RollBack, prefix = "/api/fn", endpoint = "promotion/rollback")]
pub async fn roll_back(id: PromotionId, release: ReleaseId, reason: String) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let (new, place) = slipway_portal::promotion::roll_back(&ctx, id, release, &reason).await?;
    leptos_axum::redirect(&format!("{}/promotions/{new}", place.path()));
    Ok(())
}

/// Pauses what goes to an environment of an app.
#[server(name = PutHold, prefix = "/api/fn", endpoint = "promotion/hold")]
pub async fn put_hold(
    org: String,
    project: String,
    app: String,
    environment: String,
    held: Held,
    reason: String,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    slipway_portal::hold::put(&ctx, &org, &project, &app, &environment, held, &reason).await?;
    Ok(())
}

/// Lifts a hold.
#[server(name = LiftHold, prefix = "/api/fn", endpoint = "promotion/lift")]
pub async fn lift_hold(org: String, project: String, app: String, hold: HoldId) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::hold::lift(&ctx, &org, &project, &app, hold).await?)
}

/// Breaks the glass for a promotion that waits: opens the gates of those keys.
#[server(name = Break, prefix = "/api/fn", endpoint = "promotion/break_glass")]
pub async fn break_glass(
    id: PromotionId,
    reason: String,
    incident: String,
    #[server(default)] gates: Vec<String>,
) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    let kind = |key: &String| slipway_domain::gate::GateKind::from_key(key);
    let gates = gates.iter().filter_map(kind).collect();
    let input = slipway_portal::break_glass::Input {
        reason,
        incident,
        gates,
    };
    slipway_portal::break_glass::break_glass(&ctx, id, input).await?;
    Ok(())
}

/// Agrees to a breaking of glass, as the second person.
#[server(name = SecondGlass, prefix = "/api/fn", endpoint = "promotion/second_glass")]
pub async fn second_glass(glass: BreakGlassId) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::break_glass::second(&ctx, glass).await?)
}

/// Says what was found when a breaking of glass was looked at afterwards.
#[server(name = ReviewGlass, prefix = "/api/fn", endpoint = "promotion/review_glass")]
pub async fn review_glass(glass: BreakGlassId, words: String) -> Result<(), AppError> {
    let ctx = crate::ctx()?;
    Ok(slipway_portal::break_glass::review(&ctx, glass, &words).await?)
}
