//! Sessions: where the actor is signed in, and whether they proved lately that it is them.

use crate::context::OpCtx;
use crate::error::{Error, Result};
use crate::{factor, person};
use slipway_domain::session::{SessionView, device, is_fresh};

/// Where the actor is signed in, the session used last first.
///
/// # Errors
/// Nobody is signed in.
pub async fn list(ctx: &OpCtx) -> Result<Vec<SessionView>> {
    let user = ctx.oneself()?.id;
    let own = ctx.session().map(|session| &*session.key);
    let rows = ctx.read().await?.sessions_of(user, ctx.now()).await?;
    let view = |row: crate::ports::SessionRow| SessionView {
        device: device(&row.agent),
        current: own == Some(&row.key),
        key: row.key,
        address: row.address,
        started_at: row.started_at,
        seen_at: row.seen_at,
    };
    Ok(rows.into_iter().map(view).collect())
}

/// Ends one of the actor's sessions. One that has ended stays so, and one of somebody else is none.
///
/// # Errors
/// Nobody is signed in.
pub async fn revoke(ctx: &OpCtx, key: &str) -> Result<()> {
    let user = ctx.changing_oneself()?.id;
    let mut change = ctx.change().await?;
    if !change.tx().delete_session_of(user, key).await? {
        return Ok(());
    }
    change.touch_sessions();
    person::told(&mut change, user, "session.revoke").await?;
    change.commit().await
}

/// Ends all of the actor's sessions but the one they act in; a token acts in none.
///
/// # Errors
/// Nobody is signed in.
pub async fn revoke_others(ctx: &OpCtx) -> Result<()> {
    let user = ctx.changing_oneself()?.id;
    let keep = ctx.session().map(|session| &*session.key);
    let mut change = ctx.change().await?;
    change.tx().delete_sessions_of(user, keep).await?;
    change.touch_sessions();
    person::told(&mut change, user, "session.revoke_others").await?;
    change.commit().await
}

/// The actor proves that it is them: by their password, and by a code where their second factor is on.
///
/// # Errors
/// A wrong `password` or `code`; [`Error::Limited`] after too many; [`Error::Refused`] `no_password`.
pub async fn prove(ctx: &OpCtx, password: String, code: &str) -> Result<()> {
    let user = ctx.user()?.clone();
    let credentials = ctx.read().await?.credentials(&user.username).await?;
    if credentials.is_none_or(|c| c.password_hash.is_none()) {
        return Err(Error::refused(
            "no_password",
            "You have no password here. Sign out and in again: that confirms it is you.",
            "你在此没有密码。请退出后重新登录，以确认身份。",
        ));
    }
    person::prove_by_password(ctx, &user, password).await?;
    if factor::is_asked(ctx, user.id).await? {
        factor::check(ctx, user.id, code, None).await?;
    }
    note_proof(ctx).await
}

/// Writes down that the actor has just proved that it is them.
pub(crate) async fn note_proof(ctx: &OpCtx) -> Result<()> {
    let session = ctx.session().ok_or(Error::Unauthenticated)?;
    let mut change = ctx.change().await?;
    change.bookkeeping();
    change.tx().set_proved(&session.key, ctx.now()).await?;
    change.touch_sessions();
    change.commit().await
}

/// Lets pass what is hard to take back only while it is fresh that the person proved who they are. Slipway itself
/// passes; a token never does.
///
/// # Errors
/// [`Error::Refused`] `step_up`.
pub fn proved(ctx: &OpCtx) -> Result<()> {
    let fresh = |session: &crate::context::InSession| is_fresh(session.proved_at, ctx.now());
    if ctx.is_system() || ctx.session().is_some_and(fresh) {
        return Ok(());
    }
    Err(Error::refused(
        "step_up",
        "Confirm that it is you first, then send this again. Nothing was changed.",
        "请先确认你的身份，然后重新提交。未做任何更改。",
    ))
}
